//! A file to import, once it is known to be whole: as long as it was written, each attachment with its own bytes, and all
//! of it with the hash of its last line. What its rows say is judged elsewhere.
use super::{
    frame::{Counts, Head, Line, Reader, Row},
    refuse,
};
use crate::{
    api::field::TenantId,
    blob::Blobs,
    db::migrate,
    error::{Error, Result},
};
use std::{
    collections::HashMap,
    fs::File,
    io::{BufReader, Seek, SeekFrom},
    path::Path,
};

/// A whole file.
#[derive(Debug)]
pub(crate) struct Source {
    file: File,
    name: String,
    head: Head,
    counts: Counts,
    /// The attachments and their sizes.
    blobs: HashMap<blake3::Hash, u64>,
    /// Where the rows end, and the hash of everything up to there.
    rows_end: (u64, blake3::Hash),
}

impl Source {
    /// Reads a file from end to end. Nothing else is needed for it, and nothing is changed.
    pub(crate) fn open(path: &Path) -> Result<Source> {
        let name = path.display().to_string();
        let cannot = |error: std::io::Error| refuse(format!("cannot read {name}: {error}"));
        let mut file = File::open(path).map_err(cannot)?;
        let (mut reader, head) = Reader::begin(BufReader::new(&mut file), &name)?;
        let (theirs, ours) = (head.schema, migrate::latest());
        if theirs > ours {
            return Err(refuse(format!(
                "{name} was written by a newer tehprof ({}, schema {theirs}; this program knows schema {ours}); install that version here first",
                head.program
            )));
        }
        let mut counts = Counts::default();
        let mut blobs = HashMap::new();
        let end = loop {
            match reader.next()? {
                Line::Row(row) if reader.rows_end().is_none() => counts.row(&row.table),
                Line::Blob(head) => {
                    let mut own = blake3::Hasher::new();
                    reader.blob(head.size, |bytes| {
                        own.update(bytes);
                        Ok(())
                    })?;
                    let own = own.finalize();
                    let told = &head.hash;
                    if own.to_hex().as_str() != told {
                        return Err(
                            reader.damaged(&format!("the attachment {told} has other bytes"))
                        );
                    }
                    counts.blobs += 1;
                    if blobs.insert(own, head.size).is_some() {
                        return Err(reader.damaged(&format!("the attachment {told} comes twice")));
                    }
                }
                Line::End(end) => break end,
                Line::Head(_) | Line::Row(_) => {
                    return Err(reader.damaged("its parts are not in their order"));
                }
            }
        };
        if end.blake3 != reader.hash().to_hex().as_str() {
            return Err(reader.damaged("its contents are not those that its last line names"));
        }
        if end.counts != counts {
            return Err(reader.damaged("it does not hold as much as its last line counts"));
        }
        if !reader.is_over()? {
            return Err(reader.damaged("it goes on after its last line"));
        }
        let rows_end = reader
            .rows_end()
            .ok_or_else(|| reader.damaged("it has no end"))?;
        drop(reader);
        Ok(Source {
            file,
            name,
            head,
            counts,
            blobs,
            rows_end,
        })
    }

    /// What it is called in a sentence.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The name of the tenant that it holds.
    pub(crate) fn tenant(&self) -> &str {
        &self.head.tenant
    }

    /// The size of an attachment that it holds.
    pub(super) fn size_of(&self, hash: &str) -> Option<u64> {
        // Another spelling of the same hash would be another file name.
        let plain = blake3::Hash::from_hex(hash)
            .ok()
            .filter(|known| known.to_hex().as_str() == hash);
        self.blobs.get(&plain?).copied()
    }

    /// Reads the rows, which must still be those that were found whole.
    pub(super) fn each_row(&self, mut take: impl FnMut(Row) -> Result<()>) -> Result<()> {
        let mut file = &self.file;
        file.rewind()?;
        let (mut reader, _) = Reader::begin(BufReader::new(file), &self.name)?;
        while reader.at() < self.rows_end.0 {
            match reader.next()? {
                Line::Row(row) => take(row)?,
                _ => return Err(self.changed()),
            }
        }
        if (reader.at(), reader.hash()) == self.rows_end {
            Ok(())
        } else {
            Err(self.changed())
        }
    }

    /// Puts the attachments into the store, as those of `tenant`.
    pub(super) fn store(&self, blobs: &Blobs, tenant: TenantId) -> Result<()> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(self.rows_end.0))?;
        let mut reader = Reader::within(BufReader::new(file), &self.name, self.rows_end.0);
        loop {
            match reader.next()? {
                Line::Blob(head) => {
                    let mut incoming = blobs.begin(head.size)?;
                    reader.blob(head.size, |bytes| incoming.write(bytes))?;
                    if blobs.keep(tenant, incoming)?.hash != head.hash {
                        return Err(self.changed());
                    }
                }
                Line::End(_) => return Ok(()),
                Line::Head(_) | Line::Row(_) => return Err(self.changed()),
            }
        }
    }

    fn changed(&self) -> Error {
        refuse(format!("{} was changed while it was read", self.name))
    }
}
