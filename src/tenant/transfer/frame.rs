//! The parts of the file, one after another, and the hash that runs over them. What a row means is not known here.
use super::refuse;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use std::{
    collections::BTreeMap,
    io::{self, BufRead, Read, Write},
};

/// How the file begins: what it is, and the version of its format.
const MAGIC: &str = "tehprof tenant 1\n";
/// How any version of the format begins.
const KIND: &str = "tehprof tenant ";

/// The longest line. No row comes near it; what is longer is no line but damage.
const LONGEST: u64 = 256 << 20;

/// How much of an attachment is held at a time.
const PORTION: usize = 64 << 10;

/// A line of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    Head(Head),
    Row(Row),
    Blob(BlobHead),
    End(End),
}

/// Where the file comes from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) schema: i32,
    /// The version of the program that wrote it.
    pub(super) program: String,
    /// The tenant's name.
    pub(super) tenant: String,
    pub(super) exported_at: String,
}

/// A row without the column that says whose it is.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) table: String,
    pub(super) columns: Map<String, Json>,
}

/// What comes before the bytes of an attachment.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct BlobHead {
    pub(super) hash: String,
    pub(super) size: u64,
}

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counts {
    /// How many rows of each table.
    rows: BTreeMap<String, u64>,
    pub(crate) blobs: u64,
}

impl Counts {
    pub(crate) fn rows(&self) -> u64 {
        self.rows.values().sum()
    }

    pub(super) fn row(&mut self, table: &str) {
        match self.rows.get_mut(table) {
            Some(count) => *count += 1,
            None => drop(self.rows.insert(table.to_owned(), 1)),
        }
    }
}

/// The last line.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct End {
    pub(super) counts: Counts,
    /// Of everything before this line.
    pub(super) blake3: String,
}

/// Writes the parts in their order.
pub(super) struct Writer<W> {
    out: W,
    hasher: blake3::Hasher,
    counts: Counts,
}

impl<W: Write> Writer<W> {
    pub(super) fn begin(out: W, head: Head) -> Result<Writer<W>> {
        let mut writer = Writer {
            out,
            hasher: blake3::Hasher::new(),
            counts: Counts::default(),
        };
        writer.bytes(MAGIC.as_bytes())?;
        writer.line(&Line::Head(head))?;
        Ok(writer)
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.hasher.update(bytes);
        Ok(self.out.write_all(bytes)?)
    }

    fn line(&mut self, line: &Line) -> Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        if text.len() as u64 >= LONGEST {
            return Err(refuse("a row is too long for the file"));
        }
        self.bytes(&text)
    }

    pub(super) fn row(&mut self, table: &str, columns: Map<String, Json>) -> Result<()> {
        self.counts.row(table);
        let table = table.to_owned();
        self.line(&Line::Row(Row { table, columns }))
    }

    /// Writes an attachment, and answers whether its bytes were those that the hash names.
    pub(super) fn blob(&mut self, hash: &str, size: u64, mut from: impl Read) -> Result<bool> {
        self.counts.blobs += 1;
        let hash = hash.to_owned();
        self.line(&Line::Blob(BlobHead {
            hash: hash.clone(),
            size,
        }))?;
        let mut own = blake3::Hasher::new();
        let mut portion = vec![0; PORTION];
        loop {
            let read = from.read(&mut portion)?;
            if read == 0 {
                break;
            }
            own.update(&portion[..read]);
            self.bytes(&portion[..read])?;
        }
        self.bytes(b"\n")?;
        Ok(own.count() == size && own.finalize().to_hex().as_str() == hash)
    }

    /// Writes the last line, and answers what was counted.
    pub(super) fn end(mut self) -> Result<(W, Counts)> {
        let end = Line::End(End {
            counts: self.counts.clone(),
            blake3: self.hasher.finalize().to_hex().to_string(),
        });
        self.line(&end)?;
        Ok((self.out, self.counts))
    }
}

/// Reads the parts as they come.
pub(super) struct Reader<R> {
    from: R,
    /// What the file is called in a sentence.
    name: String,
    hasher: blake3::Hasher,
    at: u64,
    rows_end: Option<(u64, blake3::Hash)>,
}

impl<R: BufRead> Reader<R> {
    /// Reads the beginning.
    pub(super) fn begin(from: R, name: &str) -> Result<(Reader<R>, Head)> {
        let mut reader = Reader::within(from, name, 0);
        let mut magic = Vec::new();
        let length = MAGIC.len() as u64;
        reader.from.by_ref().take(length).read_to_end(&mut magic)?;
        if magic != MAGIC.as_bytes() {
            return Err(refuse(if magic.starts_with(KIND.as_bytes()) {
                format!(
                    "{name} was written by another version of tehprof, whose format this one does not know"
                )
            } else {
                format!("{name} is not an export of a tenant")
            }));
        }
        reader.hasher.update(&magic);
        reader.at = length;
        match reader.next()? {
            Line::Head(head) => Ok((reader, head)),
            _ => Err(reader.damaged("its beginning is missing")),
        }
    }

    /// Reads on from the place `at`, up to which the file has been read before.
    pub(super) fn within(from: R, name: &str, at: u64) -> Reader<R> {
        Reader {
            from,
            name: name.to_owned(),
            hasher: blake3::Hasher::new(),
            at,
            rows_end: None,
        }
    }

    /// Where the rows have ended, and the hash of everything up to there.
    pub(super) fn rows_end(&self) -> Option<(u64, blake3::Hash)> {
        self.rows_end
    }

    /// How far the file has been read.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// The hash of what has been read.
    pub(super) fn hash(&self) -> blake3::Hash {
        self.hasher.finalize()
    }

    pub(super) fn damaged(&self, what: &str) -> Error {
        refuse(format!("{} is damaged: {what}", self.name))
    }

    /// The next line. The last one does not go into the hash that it names.
    pub(super) fn next(&mut self) -> Result<Line> {
        let mut text = Vec::new();
        self.from
            .by_ref()
            .take(LONGEST)
            .read_until(b'\n', &mut text)?;
        if text.last() != Some(&b'\n') {
            return Err(self.damaged("it ends too early"));
        }
        let line: Line = serde_json::from_slice(&text).map_err(|_| {
            self.damaged(&format!("what stands at byte {} is no line of it", self.at))
        })?;
        if self.rows_end.is_none() && matches!(line, Line::Blob(_) | Line::End(_)) {
            self.rows_end = Some((self.at, self.hash()));
        }
        if !matches!(line, Line::End(_)) {
            self.hasher.update(&text);
        }
        self.at += text.len() as u64;
        Ok(line)
    }

    /// The bytes of the attachment whose line was read last.
    pub(super) fn blob(
        &mut self,
        size: u64,
        mut take: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let mut portion = vec![0; PORTION];
        let mut left = size;
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(PORTION).min(PORTION);
            self.exactly(&mut portion[..most])?;
            take(&portion[..most])?;
            left -= most as u64;
        }
        let mut close = [0];
        self.exactly(&mut close)?;
        if close != *b"\n" {
            return Err(self.damaged(&format!(
                "the attachment that ends at byte {} goes on",
                self.at
            )));
        }
        Ok(())
    }

    fn exactly(&mut self, bytes: &mut [u8]) -> Result<()> {
        self.from
            .read_exact(bytes)
            .map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => self.damaged("it ends too early"),
                _ => error.into(),
            })?;
        self.hasher.update(bytes);
        self.at += bytes.len() as u64;
        Ok(())
    }

    /// Whether there is nothing more.
    pub(super) fn is_over(&mut self) -> Result<bool> {
        Ok(self.from.fill_buf()?.is_empty())
    }
}
