//! SendGrid's Inbound Parse: the mail that a form holds, in both of its variants, parsed and raw. Nothing in the form is
//! signed; that a post is SendGrid's is known by the secret in the webhook's address alone.
use super::{
    address, bounce, charset,
    form::Form,
    header::{self, Field, Headers},
    html,
    mail::{Content, Piece, RawFile, assemble},
    mailgun::Posted,
    parse::parse,
};
use serde_json::Value;
use subtle::ConstantTimeEq;

/// Whether the secret that an address bears is the channel's. An empty one is nobody's.
pub(crate) fn verify(given: &str, secret: &str) -> bool {
    !secret.is_empty() && bool::from(given.as_bytes().ct_eq(secret.as_bytes()))
}

/// The addresses that the mail was sent to.
pub(crate) fn recipients(form: &Form) -> Vec<String> {
    let envelope = json(form, "envelope");
    envelope["to"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|to| address::bare(to.as_str()?))
        .collect()
}

fn json(form: &Form, field: &str) -> Value {
    form.last(field)
        .and_then(|value| serde_json::from_slice(value).ok())
        .unwrap_or_default()
}

/// Reads the mail in a form.
pub(crate) fn read(form: Form) -> Posted {
    let envelope_from =
        json(&form, "envelope")["from"]
            .as_str()
            .and_then(|sender| match sender.trim() {
                "" | "<>" => Some(String::new()),
                sender => address::bare(sender),
            });
    let envelope_to = recipients(&form);
    if let Some(raw) = form.last("email") {
        return Posted {
            envelope_from,
            envelope_to,
            mail: parse(raw),
        };
    }
    let charsets = json(&form, "charsets");
    // Each field is in a charset of its own, which no header of its part names.
    let text = |name: &str| {
        form.last(name)
            .map(|value| charset::decode(value, charsets[name].as_str()))
    };
    let pieces = vec![Piece {
        plain: text("text"),
        html: text("html"),
    }];
    let headers = headers(&form, text);
    let about = json(&form, "attachment-info");
    let shown = json(&form, "content-ids");
    let mut uploads = form.files;
    uploads.sort_by_key(|upload| number(&upload.field));
    let mut report = bounce::Parts::default();
    for upload in &uploads {
        report.notice(&upload.mime, &upload.data);
    }
    let files = uploads
        .into_iter()
        .map(|upload| {
            let info = &about[&upload.field];
            let listed = shown.as_object().into_iter().flatten();
            let by_id = listed
                .filter(|(_, field)| field.as_str() == Some(&upload.field))
                .map(|(id, _)| id.as_str())
                .next();
            let content_id = info["content-id"].as_str().or(by_id);
            let name = ["filename", "name"]
                .iter()
                .find_map(|key| info[*key].as_str().filter(|name| !name.is_empty()));
            RawFile {
                content_id: content_id.map(html::content_id).filter(|id| !id.is_empty()),
                name: name.map(str::to_owned).or(upload.name),
                mime: info["type"].as_str().map_or(upload.mime, str::to_owned),
                data: upload.data,
            }
        })
        .collect();
    let mail = assemble(Content {
        headers,
        pieces,
        files,
        report,
        ..Content::default()
    });
    Posted {
        envelope_from,
        envelope_to,
        mail,
    }
}

/// The place of an attachment: its field is called by it.
fn number(field: &str) -> u32 {
    field
        .trim_start_matches("attachment")
        .parse()
        .unwrap_or(u32::MAX)
}

/// The mail's own headers as they came, and the fields that repeat them where it has none.
fn headers(form: &Form, text: impl Fn(&str) -> Option<String>) -> Headers {
    let mut fields: Vec<Field> = form
        .last("headers")
        .map(|block| header::read(block).headers.into_fields())
        .unwrap_or_default();
    for (name, field) in [
        ("From", "from"),
        ("To", "to"),
        ("Cc", "cc"),
        ("Subject", "subject"),
    ] {
        let known = fields
            .iter()
            .any(|known| known.name.eq_ignore_ascii_case(name));
        if !known && let Some(value) = text(field) {
            fields.push(Field {
                name: name.to_owned(),
                value: value.into_bytes(),
            });
        }
    }
    Headers::from_fields(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(fields: &[(&str, &[u8])]) -> Form {
        let mut form = Form::default();
        for (name, value) in fields {
            form.push((*name).to_owned(), None, None, value.to_vec());
        }
        form
    }

    #[test]
    fn each_field_is_read_in_its_own_charset() {
        let posted = read(form(&[
            (
                "headers",
                b"Message-ID: <002a01dcab@client.example>\r\nIn-Reply-To: <x@desk.example>\r\nDate: Wed, 4 Mar 2026 13:07:33 +0500\r\n",
            ),
            ("from", "Асем <asem@client.example>".as_bytes()),
            ("subject", b"\xcf\xf0\xe8\xed\xf2\xe5\xf0"),
            ("text", b"\xcd\xe5 \xef\xe5\xf7\xe0\xf2\xe0\xe5\xf2"),
            (
                "charsets",
                br#"{"from":"UTF-8","subject":"windows-1251","text":"windows-1251"}"#,
            ),
            (
                "envelope",
                br#"{"to":["help+t1042@desk.example"],"from":"asem@client.example"}"#,
            ),
        ]));
        assert_eq!(posted.mail.subject, "Принтер");
        assert_eq!(posted.mail.text.trim(), "Не печатает");
        assert_eq!(posted.mail.from.unwrap().email, "asem@client.example");
        assert_eq!(
            posted.mail.message_id.as_deref(),
            Some("002a01dcab@client.example")
        );
        assert_eq!(posted.mail.in_reply_to, ["x@desk.example"]);
        assert_eq!(posted.envelope_to, ["help+t1042@desk.example"]);
        assert_eq!(posted.envelope_from.as_deref(), Some("asem@client.example"));
    }

    #[test]
    fn files_are_named_by_what_is_told_of_them_and_kept_in_order() {
        let mut form = form(&[
            ("headers", b"Message-ID: <1@client.example>\r\n"),
            ("html", br#"<p>see <img src="cid:ii_1"></p>"#),
            ("attachments", b"2"),
            (
                "attachment-info",
                r#"{"attachment2":{"filename":"../Акт.pdf","type":"application/pdf"},"attachment1":{"filename":"a.png","type":"image/png","content-id":"ii_1"}}"#.as_bytes(),
            ),
            ("content-ids", br#"{"ii_1":"attachment1"}"#),
        ]);
        // An empty file name makes a part no less a file.
        form.push("attachment2".to_owned(), Some(String::new()), None, vec![2]);
        form.push("attachment1".to_owned(), None, None, vec![1]);
        let mail = read(form).mail;
        let files: Vec<(&str, &str, bool)> = mail
            .attachments
            .iter()
            .map(|file| (file.name.as_str(), file.mime.as_str(), file.inline))
            .collect();
        assert_eq!(
            files,
            [
                ("a.png", "image/png", true),
                ("Акт.pdf", "application/pdf", false)
            ]
        );
    }

    #[test]
    fn the_raw_variant_is_a_whole_mail() {
        let posted = read(form(&[
            (
                "email",
                b"From: asem@client.example\r\nSubject: =?koi8-r?B?8NLJztTF0g==?=\r\n\r\nHello\r\n",
            ),
            ("envelope", br#"{"to":["help@desk.example"],"from":""}"#),
        ]));
        assert_eq!(posted.mail.subject, "Принтер");
        assert_eq!(posted.envelope_from.as_deref(), Some(""));
    }

    #[test]
    fn no_secret_opens_nothing() {
        assert!(verify("s3cret", "s3cret"));
        assert!(!verify("s3cret", "s3cres") && !verify("", "") && !verify("", "s3cret"));
    }
}
