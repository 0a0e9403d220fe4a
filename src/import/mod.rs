//! Bringing another desk's data in, from the files that it exports.
//!
//! A reader a format ([`zendesk`], [`freescout`], [`osticket`], [`sheet`]) puts what it finds into one neutral form, a
//! temporary database ([`stage`]), so that an export may be larger than the memory; [`dump`] reads the SQL that the two in
//! the middle are exported as. [`compare`] says for each ticket what an import would change here, and [`bring`] changes it.
//! Both look at the same notes of what came before, so that an import may be repeated: what is new there is added, what
//! people have changed here stays. [`agents`] gives the other desk's people their accounts before their tickets come.
mod agents;
mod bring;
mod compare;
mod dump;
mod freescout;
mod osticket;
mod report;
mod sheet;
mod stage;
mod times;
mod zendesk;

pub(crate) use agents::{Agents, of_export};
pub(crate) use bring::{Bringing, Loaded};
pub(crate) use report::Report;
pub(crate) use stage::{Person, Stage};

use crate::error::{Error, Result};
use jiff::tz::TimeZone;
use std::{
    fs::File,
    io::{BufReader, Read},
    path::{Component, Path, PathBuf},
};

/// Whose export it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Zendesk,
    Freescout,
    Osticket,
    Csv,
}

impl Format {
    pub(crate) const ALL: [Format; 4] = [
        Format::Zendesk,
        Format::Freescout,
        Format::Osticket,
        Format::Csv,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Format::Zendesk => "zendesk",
            Format::Freescout => "freescout",
            Format::Osticket => "osticket",
            Format::Csv => "csv",
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|f| f.as_str() == word)
    }
}

/// What is to be read.
#[derive(Debug)]
pub(crate) struct Export {
    pub(crate) format: Format,
    pub(crate) files: Vec<PathBuf>,
    /// Where the attachments lie that the export only names.
    pub(crate) attachments: Option<PathBuf>,
    /// The zone of times that name none.
    pub(crate) zone: TimeZone,
}

impl Export {
    /// Reads all of it into the neutral form.
    pub(crate) fn read(&self) -> Result<Stage> {
        let stage = Stage::new(self.zone.clone())?;
        match self.format {
            Format::Zendesk => zendesk::read(&stage, &self.files)?,
            Format::Freescout => freescout::read(&stage, &self.files)?,
            Format::Osticket => osticket::read(&stage, &self.files)?,
            Format::Csv => sheet::read(&stage, &self.files)?,
        }
        stage.finish()?;
        Ok(stage)
    }

    /// Where an attachment lies that the export names by one of these ways from the folder of attachments, if it is there.
    /// A way that leads out of the folder leads nowhere.
    fn find(&self, ways: &str) -> Option<PathBuf> {
        let folder = self.attachments.as_deref()?;
        let inside = |way: &&str| {
            let steps = Path::new(way).components();
            !way.is_empty() && steps.into_iter().all(|s| matches!(s, Component::Normal(_)))
        };
        ways.split('\n')
            .filter(inside)
            .map(|way| folder.join(way))
            .find(|path| path.is_file())
    }
}

/// Why nothing was brought, as a sentence for a person.
fn refuse(sentence: impl Into<String>) -> Error {
    Error::internal(sentence.into())
}

fn open(path: &Path) -> Result<BufReader<File>> {
    let file =
        File::open(path).map_err(|e| refuse(format!("cannot open {}: {e}", path.display())))?;
    if file.metadata()?.is_dir() {
        return Err(refuse(format!(
            "{} is a folder; name the files in it",
            path.display()
        )));
    }
    let mut reader = BufReader::with_capacity(1 << 18, file);
    packed(path, &mut reader)?;
    Ok(reader)
}

/// Refuses an archive by its first bytes: what is in it is to be unpacked first.
fn packed(path: &Path, reader: &mut BufReader<File>) -> Result<()> {
    use std::io::BufRead;
    let start = reader.fill_buf()?;
    let is_packed = [
        &b"PK\x03\x04"[..],
        b"\x1f\x8b",
        b"BZh",
        b"\xfd7zXZ",
        b"\x28\xb5\x2f\xfd",
    ]
    .iter()
    .any(|magic| start.starts_with(magic));
    if is_packed {
        return Err(refuse(format!(
            "{} is packed; unpack it and name what was in it",
            path.display()
        )));
    }
    Ok(())
}

/// Reads a file that is to be in memory as a whole, up to `most` bytes.
fn whole(path: &Path, most: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(refuse(format!(
            "{} is larger than {} MB; split it",
            path.display(),
            most >> 20
        )));
    }
    Ok(bytes)
}

/// Reads an export whose one file, put at `file`, has these bytes, and all that comes of it.
#[cfg(any(test, feature = "fuzzing"))]
#[allow(
    clippy::unwrap_used,
    reason = "a panic is how a test and a fuzzer learn that something is wrong"
)]
pub(crate) fn strange(format: Format, file: &Path, bytes: &[u8]) {
    std::fs::write(file, bytes).unwrap();
    let export = Export {
        format,
        files: vec![file.to_owned()],
        attachments: None,
        zone: TimeZone::UTC,
    };
    if let Ok(stage) = export.read() {
        for key in stage.keys().unwrap() {
            Loaded::of(&stage, &export, &key).unwrap();
        }
    }
    std::fs::remove_file(file).unwrap();
}
