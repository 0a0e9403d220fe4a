//! From a stored delivery to a mail: its transport's wrapping taken off, its attachments in the store.
use super::Envelope;
use crate::{
    api::{Upload, field::TenantId},
    blob::{Blob, Blobs},
    channel::email::{
        bounce::Report,
        form::Form,
        html,
        mail::{Attachment, Mail, Note},
        mailgun, parse, sendgrid,
    },
    error::Result,
};

/// A delivery that was read, before it is decided where it belongs.
pub(super) struct Incoming {
    pub(super) mail: Mail,
    pub(super) envelope_from: Option<String>,
    pub(super) envelope_to: Vec<String>,
    pub(super) external_id: String,
    pub(super) uploads: Vec<Upload>,
    pub(super) inline: Vec<(Upload, String)>,
}

/// A delivery as its transport left it.
pub(super) enum Read {
    Raw(Vec<u8>),
    Mailgun(Form),
    Sendgrid(Form),
    Event(Vec<u8>),
}

pub(super) enum Unpacked {
    Mail(Box<Incoming>),
    Report(Report),
    Nothing,
}

/// Where attachments go while a mail is read.
#[derive(Clone, Debug)]
pub(super) enum Shelf {
    Store(Blobs, TenantId),
    /// Nowhere: it is only asked what would become of the mail.
    None,
}

impl Shelf {
    fn put(&self, bytes: &[u8]) -> Result<Blob> {
        match self {
            Shelf::Store(blobs, tenant) => blobs.put(*tenant, bytes),
            Shelf::None => Ok(Blob::of(bytes)),
        }
    }
}

/// Reads the mail and puts its attachments onto the shelf.
pub(super) fn unpack(shelf: &Shelf, envelope: Envelope, read: Read) -> Result<Unpacked> {
    let (mut mail, from, to) = match read {
        Read::Raw(raw) => (parse::parse(&raw), envelope.from, envelope.to),
        Read::Mailgun(form) => {
            let posted = mailgun::read(form);
            (posted.mail, posted.envelope_from, posted.envelope_to)
        }
        Read::Sendgrid(form) => {
            let posted = sendgrid::read(form);
            (posted.mail, posted.envelope_from, posted.envelope_to)
        }
        Read::Event(body) => {
            let report = mailgun::event(&body).and_then(|event| event.report);
            return Ok(report.map_or(Unpacked::Nothing, Unpacked::Report));
        }
    };
    if envelope.is_cut {
        leave_out_the_last(&mut mail);
    }
    let external_id = external_id(&mail);
    let shown = mail
        .html
        .as_deref()
        .map(html::shown_content_ids)
        .unwrap_or_default();
    let (mut uploads, mut inline) = (Vec::new(), Vec::new());
    for Attachment {
        name,
        mime,
        content_id,
        data,
        ..
    } in std::mem::take(&mut mail.attachments)
    {
        let blob = shelf.put(&data)?;
        let upload = Upload { blob, name, mime };
        match content_id.filter(|id| shown.contains(id)) {
            Some(id) => inline.push((upload, id)),
            None => uploads.push(upload),
        }
    }
    Ok(Unpacked::Mail(Box::new(Incoming {
        mail,
        envelope_from: from,
        envelope_to: to,
        external_id,
        uploads,
        inline,
    })))
}

/// Of a mail whose end was not taken, the last part is broken off.
fn leave_out_the_last(mail: &mut Mail) {
    mail.notes.push(match mail.attachments.pop() {
        Some(Attachment { name, .. }) => Note::AttachmentLeftOut { name },
        None => Note::TextCut,
    });
}

/// What makes a repeated mail the same. Some devices send every mail under one Message-ID, so it is not enough alone.
fn external_id(mail: &Mail) -> String {
    let mut hasher = blake3::Hasher::new();
    let from = mail.from.as_ref().map_or("", |a| a.email.as_str());
    let date = mail.date.map(|d| d.to_string()).unwrap_or_default();
    for part in [
        mail.message_id.as_deref().unwrap_or_default(),
        from,
        &date,
        &mail.subject,
        &mail.text,
    ] {
        hasher.update(&(part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    for attachment in &mail.attachments {
        hasher.update(blake3::hash(&attachment.data).as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}
