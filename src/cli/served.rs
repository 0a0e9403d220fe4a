//! How the desk was served last, as far as other commands need to know it: a note that `serve` leaves in the data directory.
use crate::private_file;
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// What the note is called.
const NOTE: &str = "served.json";

/// Where and how a desk was served.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Served {
    /// What links begin with.
    pub(super) url: String,
    /// The public address, if one was given.
    pub(super) public_url: Option<String>,
    /// The certificate, if the server spoke TLS by one in a file.
    pub(super) tls_cert: Option<PathBuf>,
}

impl Served {
    /// What the note in a data directory says, if there is one that can be read.
    pub(super) fn of(dir: &Path) -> Option<Served> {
        serde_json::from_slice(&fs::read(dir.join(NOTE)).ok()?).ok()
    }

    /// Leaves the note.
    pub(super) fn keep(&self, dir: &Path) -> io::Result<()> {
        private_file::put(&dir.join(NOTE), &serde_json::to_vec(self)?)
    }
}
