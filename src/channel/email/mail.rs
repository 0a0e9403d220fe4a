//! A mail as the desk sees it, and how one is put together from its decoded content, whichever way that content arrived.

use std::collections::HashSet;

use mail_parser::DateTime;

use super::address::{self, Address};
use super::bounce::{self, Report};
use super::guard::{self, Auto};
use super::header::Headers;
use super::{html, ids, names, subject, text};

/// Characters of text that are kept.
pub(crate) const LONGEST_TEXT: usize = 65_536;

/// A mail as the desk sees it.
#[derive(Debug, Clone)]
pub(crate) struct Mail {
    pub(crate) message_id: Option<String>,
    pub(crate) in_reply_to: Vec<String>,
    /// Oldest first, as in the header.
    pub(crate) references: Vec<String>,
    pub(crate) from: Option<Address>,
    pub(crate) reply_to: Vec<Address>,
    pub(crate) to: Vec<Address>,
    pub(crate) cc: Vec<Address>,
    /// Recipients that servers on the way noted.
    pub(crate) delivered_to: Vec<String>,
    /// On one line; may be empty.
    pub(crate) subject: String,
    /// What the sender's clock said, milliseconds UTC; for display, never for deadlines.
    pub(crate) date: Option<i64>,
    pub(crate) text: String,
    /// Sanitised; `None` when the mail is text alone.
    pub(crate) html: Option<String>,
    pub(crate) attachments: Vec<Attachment>,
    pub(crate) auto: Auto,
    pub(crate) report: Option<Report>,
    pub(crate) headers: Headers,
    pub(crate) notes: Vec<Note>,
}

/// A file in a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attachment {
    /// Safe to store and to show.
    pub(crate) name: String,
    pub(crate) mime: String,
    /// Normalised as [`html::content_id`] does.
    pub(crate) content_id: Option<String>,
    /// The HTML shows it.
    pub(crate) inline: bool,
    pub(crate) data: Vec<u8>,
}

/// What did not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Note {
    HeadersCut,
    TooDeep,
    TooManyParts,
    AttachmentLeftOut {
        name: String,
    },
    HtmlCut,
    TextCut,
    /// The content is encrypted; only the attachment holds it.
    Encrypted,
}

/// A stretch of the body in one or both of its forms.
#[derive(Debug, Default)]
pub(crate) struct Piece {
    pub(crate) plain: Option<String>,
    pub(crate) html: Option<String>,
}

/// A file before its name is settled.
#[derive(Debug)]
pub(crate) struct RawFile {
    pub(crate) name: Option<String>,
    pub(crate) mime: String,
    pub(crate) content_id: Option<String>,
    pub(crate) data: Vec<u8>,
}

/// Everything a mail is made of, however it arrived.
#[derive(Debug, Default)]
pub(crate) struct Content {
    pub(crate) headers: Headers,
    pub(crate) pieces: Vec<Piece>,
    pub(crate) files: Vec<RawFile>,
    pub(crate) report: bounce::Parts,
    pub(crate) notes: Vec<Note>,
}

/// Makes a mail of its content.
pub(crate) fn assemble(content: Content) -> Mail {
    let Content {
        headers,
        pieces,
        files,
        report,
        mut notes,
    } = content;
    let (text, html) = body(pieces, &mut notes);
    let shown = html
        .as_deref()
        .map(html::shown_content_ids)
        .unwrap_or_default();
    let attachments = files
        .into_iter()
        .enumerate()
        .map(|(at, file)| attachment(at + 1, file, &shown))
        .collect();
    let addresses = |name: &str| {
        headers
            .all_raw(name)
            .flat_map(address::list)
            .collect::<Vec<Address>>()
    };
    let id_list = |name: &str| {
        headers
            .all_raw(name)
            .flat_map(ids::list)
            .collect::<Vec<String>>()
    };
    let from = addresses("From")
        .into_iter()
        .next()
        .or_else(|| addresses("Sender").into_iter().next());
    let subject = subject::clean(&headers.text("Subject").unwrap_or_default());
    let mut auto = guard::by_headers(&headers, from.as_ref(), &subject);
    let report = bounce::read(&report, &headers, &auto, &text);
    if report.is_some() && !auto.automatic {
        auto.automatic = true;
        auto.suppress_reply = true;
        auto.why.push("report");
    }
    auto.bounce |= matches!(report, Some(Report::Delivery { .. }));
    Mail {
        message_id: headers.raw("Message-ID").and_then(ids::first),
        in_reply_to: id_list("In-Reply-To"),
        references: id_list("References"),
        reply_to: addresses("Reply-To"),
        to: addresses("To"),
        cc: addresses("Cc"),
        delivered_to: delivered_to(&headers),
        date: headers.text("Date").as_deref().and_then(moment),
        from,
        subject,
        text,
        html,
        attachments,
        auto,
        report,
        headers,
        notes,
    }
}

fn delivered_to(headers: &Headers) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for name in [
        "X-Original-To",
        "Delivered-To",
        "Envelope-To",
        "X-Envelope-To",
    ] {
        for email in headers
            .all_raw(name)
            .flat_map(address::list)
            .map(|address| address.email)
        {
            if !found.contains(&email) {
                found.push(email);
            }
        }
    }
    found
}

/// The moment a `Date` header names, if it is one of this age.
fn moment(value: &str) -> Option<i64> {
    const YEARS: std::ops::RangeInclusive<u16> = 1980..=2200;
    let date = DateTime::parse_rfc822(value)
        .filter(|date| date.is_valid() && YEARS.contains(&date.year))?;
    Some(date.to_timestamp() * 1000)
}

/// Text and HTML of the whole body; HTML only if some of it came as HTML.
fn body(pieces: Vec<Piece>, notes: &mut Vec<Note>) -> (String, Option<String>) {
    let mut texts: Vec<String> = Vec::new();
    let mut htmls: Vec<String> = Vec::new();
    let mut any_html = false;
    let mut room = html::LONGEST;
    for piece in pieces {
        let clean = piece.html.as_deref().map(|html| {
            let clean = html::sanitise_within(html, room);
            room -= html.len().min(room);
            clean
        });
        if clean.as_ref().is_some_and(|clean| clean.cut) && !notes.contains(&Note::HtmlCut) {
            notes.push(Note::HtmlCut);
        }
        let rich = clean.map(|clean| (tidy(&text::of(&clean.html)), clean.html));
        let rich = rich.filter(|(shown, html)| !shown.is_empty() || html.contains("<img"));
        let plain = piece
            .plain
            .map(|plain| tidy(&plain))
            .filter(|plain| !plain.is_empty());
        let (plain, html) = match (plain, rich) {
            (plain, Some((shown, html))) => {
                any_html = true;
                (plain.unwrap_or(shown), html)
            }
            (Some(plain), None) => {
                let html = format!("<div>{}</div>", html::from_text(&plain));
                (plain, html)
            }
            (None, None) => continue,
        };
        texts.push(plain);
        htmls.push(html);
    }
    let text = texts
        .into_iter()
        .filter(|text| !text.is_empty())
        .collect::<Vec<_>>()
        .join("\n\n");
    let text = match text.char_indices().nth(LONGEST_TEXT) {
        Some((end, _)) => {
            notes.push(Note::TextCut);
            text[..end].to_owned()
        }
        None => text,
    };
    (text, any_html.then(|| htmls.concat()))
}

/// Text with `\n` line ends, no control characters, no blank lines at either end.
fn tidy(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let text: String = text
        .chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect();
    let text = text.trim_end();
    let start = text.find(|c: char| !c.is_whitespace()).unwrap_or(0);
    let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    text[line_start..].to_owned()
}

fn attachment(position: usize, file: RawFile, shown: &HashSet<String>) -> Attachment {
    let content_id = file
        .content_id
        .as_deref()
        .map(html::content_id)
        .filter(|id| !id.is_empty());
    let inline = content_id.as_ref().is_some_and(|id| shown.contains(id));
    Attachment {
        name: names::of(file.name.as_deref(), &file.mime, position),
        mime: file.mime,
        content_id,
        inline,
        data: file.data,
    }
}
