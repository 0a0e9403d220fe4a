//! A whole installation in one file: the database, the attachments and the secret, taken while the server runs.
//!
//! The file is a plain tar archive, so that nothing but `tar` is needed to look inside. It ends with `manifest.json`, which
//! names the size and the hash of what comes before; a file that breaks off has none and is refused. Attachments bear
//! their hash as their name. [`write()`] makes a backup, [`restore`] puts one in place, [`schedule`] makes them by the clock.
pub(crate) mod restore;
pub(crate) mod schedule;
mod write;

pub(crate) use write::write;

use crate::{
    api::field::TenantId,
    error::{Error, Result},
};
use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io::{self, BufReader, Read},
    path::Path,
};

/// What a backup is called among the work of the program itself.
pub(crate) const NAME: &str = "backup";
/// The version of the format. A later one may be unreadable to this program and is refused.
const FORMAT: u32 = 1;
const DATABASE: &str = "tehprof.db";
const SECRET: &str = "secret.key";
const FILES: &str = "files";
const MANIFEST: &str = "manifest.json";
/// The longest manifest: it is a few lines.
const LONGEST_MANIFEST: u64 = 64 << 10;

/// What a backup says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    format: u32,
    /// The version of the program that made it.
    pub(crate) program: String,
    /// The schema of the database.
    pub(crate) schema: i32,
    /// When the copy of the database was taken.
    pub(crate) made_at: String,
    database: Sum,
    secret: Sum,
    /// How many attachments there are, and their bytes in all.
    pub(crate) files: u64,
    pub(crate) file_bytes: u64,
}

/// The size and the blake3 hash of a part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Sum {
    size: u64,
    blake3: String,
}

/// What an entry of the archive is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Database,
    Secret,
    File { tenant: TenantId, hash: String },
    Manifest,
}

impl Part {
    /// The part that a name in the archive stands for. Any other name is no part of a backup.
    fn of(name: &str) -> Option<Part> {
        match name {
            DATABASE => return Some(Part::Database),
            SECRET => return Some(Part::Secret),
            MANIFEST => return Some(Part::Manifest),
            _ => {}
        }
        let mut steps = name.split('/');
        let (FILES, tenant, shelf, hash) =
            (steps.next()?, steps.next()?, steps.next()?, steps.next()?)
        else {
            return None;
        };
        let is_hash = hash.len() == 64
            && hash
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        let tenant: i64 = tenant.parse().ok()?;
        (steps.next().is_none() && is_hash && hash.starts_with(shelf) && tenant > 0).then(|| {
            Part::File {
                tenant: TenantId(tenant),
                hash: hash.to_owned(),
            }
        })
    }
}

/// A refusal in words for the shell and the log.
fn refuse(sentence: impl Into<String>) -> Error {
    Error::internal(sentence.into())
}

/// Counts and hashes what is read through it.
struct Hashing<R> {
    source: R,
    hasher: blake3::Hasher,
}

impl<R> Hashing<R> {
    fn new(source: R) -> Hashing<R> {
        Hashing {
            source,
            hasher: blake3::Hasher::new(),
        }
    }

    fn sum(&self) -> Sum {
        Sum {
            size: self.hasher.count(),
            blake3: self.hasher.finalize().to_hex().to_string(),
        }
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.hasher.update(&buffer[..read]);
        Ok(read)
    }
}

/// Reads a backup from one end to the other and compares everything in it with its manifest; each part is handed to `take`
/// on the way. What `take` has made of it is good only if this succeeds.
fn read(path: &Path, mut take: impl FnMut(&Part, &mut dyn Read) -> Result<()>) -> Result<Manifest> {
    let shown = path.display();
    let broken = |what: &str| refuse(format!("{shown} is not a whole backup: {what}"));
    let file = File::open(path).map_err(|e| refuse(format!("cannot open {shown}: {e}")))?;
    let mut archive = tar::Archive::new(BufReader::with_capacity(1 << 20, file));
    let entries = archive.entries().map_err(|e| broken(&e.to_string()))?;
    let (mut database, mut secret) = (None, None);
    let (mut files, mut file_bytes) = (0, 0);
    for entry in entries {
        let entry = entry.map_err(|e| broken(&e.to_string()))?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let part = Part::of(&name).filter(|_| entry.header().entry_type().is_file());
        let part = part.ok_or_else(|| broken(&format!("{name:?} does not belong there")))?;
        if part == Part::Manifest {
            let mut text = Vec::new();
            entry.take(LONGEST_MANIFEST).read_to_end(&mut text)?;
            let manifest: Manifest =
                serde_json::from_slice(&text).map_err(|e| broken(&e.to_string()))?;
            if manifest.format > FORMAT {
                return Err(refuse(format!(
                    "{shown} was made by tehprof {}, in a format this one does not know",
                    manifest.program
                )));
            }
            let told = (Some(&manifest.database), Some(&manifest.secret));
            if told != (database.as_ref(), secret.as_ref())
                || (manifest.files, manifest.file_bytes) != (files, file_bytes)
            {
                return Err(broken("its parts are not those that its manifest names"));
            }
            return Ok(manifest);
        }
        let expected = entry.size();
        let mut source = Hashing::new(entry);
        take(&part, &mut source)?;
        io::copy(&mut source, &mut io::sink())?;
        let sum = source.sum();
        if sum.size != expected {
            return Err(broken(&format!("it breaks off inside {name}")));
        }
        match part {
            Part::Database => database = Some(sum),
            Part::Secret => secret = Some(sum),
            Part::File { hash, .. } if hash != sum.blake3 => {
                return Err(broken(&format!("the bytes of {name} are not its own")));
            }
            Part::File { .. } => (files, file_bytes) = (files + 1, file_bytes + sum.size),
            Part::Manifest => {}
        }
    }
    Err(broken("it has no manifest, so it breaks off"))
}

/// Reads a whole backup and says whether it is good.
pub(crate) fn verify(path: &Path) -> Result<Manifest> {
    read(path, |_, _| Ok(()))
}

#[cfg(test)]
mod tests;
