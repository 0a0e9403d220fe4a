//! Moving one tenant between installations: everything that is its own in one file, written by [`export`] and read by
//! [`Import`].
//!
//! The file is a stream. A line names the format, a line of JSON says where it comes from, then comes each row as a line of
//! JSON, parents before children, then each attachment as a line with its hash and size and the bytes themselves, and a
//! last line with what was counted and the BLAKE3 hash of all before it ([`frame`]). Which tables move, and what their
//! numbers refer to, is read from the schema and completed in [`schema`].
//!
//! An import reads the file several times and changes nothing until it has understood all of it: [`source`] checks that it
//! is whole, [`fit`] that it fits this schema and meets nobody here who has what is theirs, then the attachments are
//! put down in [`landing`] and [`settle`] writes all rows in one transaction. Numbers that count for the whole installation are
//! given anew; tickets keep theirs.
mod cell;
mod fit;
mod frame;
mod landing;
mod schema;
mod settle;
mod source;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use fit::Import;
pub(crate) use landing::Landing;
pub(crate) use source::Source;
pub(crate) use write::{Target, export};

use crate::error::Error;

/// Why nothing was moved, as a sentence for a person.
fn refuse(sentence: impl Into<String>) -> Error {
    Error::internal(sentence.into())
}
