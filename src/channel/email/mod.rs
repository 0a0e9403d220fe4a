//! E-mail without the database: bytes to [`mail::Mail`], a reply to bytes, and the rules in between.
//!
//! Reading: [`parse`] makes a [`mail`] over [`mime`], [`header`], [`words`], [`params`], [`address`], [`transfer`], [`charset`], [`flowed`],
//! [`names`], [`html`], and what Outlook packs by [`tnef`] and [`rtf`]. Judging: [`guard`] (is it automatic), [`bounce`] (does it report on our mail), [`thread`] (which ticket),
//! [`quote`] and [`fold`] (what of it is new). Writing: [`compose`] with [`template`], signed by [`dkim`], [`send`] over [`dial`]. [`mailgun`] reads that provider's webhook.
//! Everything but the last two is a pure function; storing, looking up and deciding when to send belong to the caller.

pub(crate) mod address;
pub(crate) mod attribution;
pub(crate) mod bounce;
pub(crate) mod charset;
pub(crate) mod compose;
pub(crate) mod dial;
pub(crate) mod dkim;
pub(crate) mod dom;
pub(crate) mod flowed;
pub(crate) mod fold;
pub(crate) mod form;
pub(crate) mod guard;
pub(crate) mod header;
pub(crate) mod html;
pub(crate) mod ids;
pub(crate) mod mail;
pub(crate) mod mailgun;
pub(crate) mod mime;
pub(crate) mod names;
pub(crate) mod params;
pub(crate) mod parse;
pub(crate) mod quote;
mod rtf;
pub(crate) mod send;
pub(crate) mod sendgrid;
#[cfg(test)]
pub(crate) mod sink;
pub(crate) mod slow;
pub(crate) mod style;
pub(crate) mod subject;
pub(crate) mod template;
pub(crate) mod text;
pub(crate) mod thread;
mod tnef;
pub(crate) mod token;
pub(crate) mod transfer;
pub(crate) mod vocabulary;
pub(crate) mod words;

#[cfg(feature = "fuzzing")]
/// Reads the wrappings that Outlook puts around a mail.
pub(crate) fn strange_attachment(bytes: &[u8]) {
    const ROOM: usize = 1_000_000;
    let _ = tnef::unpack(bytes, ROOM);
    let _ = rtf::text(bytes);
    if let Some(text) = rtf::decompress(bytes, ROOM) {
        let _ = rtf::text(&text);
    }
}
