//! Mailgun's webhook: is it theirs, and which mail is in it. Both forms of a route are read, the parsed one and the raw one.
//!
//! Answering the request, and remembering tokens so that a repeat is known as one, is the caller's.

use serde_json::Value;
use subtle::ConstantTimeEq;

use super::bounce::{Action, Recipient, Report};
use super::form::Form;
use super::header::{Field, Headers};
use super::mail::{Content, Mail, Piece, RawFile, assemble};
use super::parse::parse;
use super::{address, bounce, html, ids, token};

/// Mailgun tries for eight hours; clocks may differ.
const FRESH: i64 = 24 * 60 * 60 * 1000;

/// Why a request is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doubt {
    Unsigned,
    Forged,
    /// Signed, but too long ago or in the future.
    Stale,
}

/// Checks the signature and its age at `now`; answers the token, which is good once.
pub(crate) fn verify(form: &Form, signing_key: &str, now: i64) -> Result<String, Doubt> {
    let field = |name: &str| {
        form.text(name)
            .filter(|value| !value.is_empty())
            .ok_or(Doubt::Unsigned)
    };
    check(
        &field("timestamp")?,
        &field("token")?,
        &field("signature")?,
        signing_key,
        now,
    )
}

fn check(
    timestamp: &str,
    token: &str,
    signature: &str,
    signing_key: &str,
    now: i64,
) -> Result<String, Doubt> {
    let signed = token::sign(
        signing_key.as_bytes(),
        format!("{timestamp}{token}").as_bytes(),
    );
    let wanted = data_encoding::HEXLOWER.encode(&signed);
    let fits: bool = wanted
        .as_bytes()
        .ct_eq(signature.trim().to_ascii_lowercase().as_bytes())
        .into();
    // An empty key would make everybody able to sign.
    if !fits || signing_key.is_empty() {
        return Err(Doubt::Forged);
    }
    let seconds: i64 = timestamp.trim().parse().map_err(|_| Doubt::Forged)?;
    let age = now.saturating_sub(seconds.saturating_mul(1000));
    if age.saturating_abs() > FRESH {
        Err(Doubt::Stale)
    } else {
        Ok(token.to_owned())
    }
}

/// A mail that was posted.
#[derive(Debug)]
pub(crate) struct Posted {
    /// Empty for the null sender; `None` when the form does not say or says nonsense.
    pub(crate) envelope_from: Option<String>,
    pub(crate) envelope_to: Vec<String>,
    pub(crate) mail: Mail,
}

/// Reads the mail in a form.
pub(crate) fn read(form: Form) -> Posted {
    let envelope_from = form.text("sender").and_then(|sender| match sender.trim() {
        "" | "<>" => Some(String::new()),
        sender => address::bare(sender),
    });
    let recipient = form.text("recipient").unwrap_or_default();
    let envelope_to = recipient.split(',').filter_map(address::bare).collect();
    if let Some(raw) = form.last("body-mime").map(<[u8]>::to_vec) {
        return Posted {
            envelope_from,
            envelope_to,
            mail: parse(&raw),
        };
    }
    let headers = headers(&form);
    let rich: Vec<String> = form
        .fields
        .iter()
        .filter(|(name, _)| name == "body-html")
        .map(|(_, value)| String::from_utf8_lossy(value).into_owned())
        .collect();
    let rich = (!rich.is_empty()).then(|| rich.concat());
    let content_ids = content_ids(&form, rich.as_deref().unwrap_or_default());
    let pieces = vec![Piece {
        plain: form.text("body-plain"),
        html: rich,
    }];
    let mut uploads = form.files;
    uploads.sort_by_key(|upload| {
        upload
            .field
            .trim_start_matches("attachment-")
            .parse::<u32>()
            .unwrap_or(u32::MAX)
    });
    let mut report = bounce::Parts::default();
    for upload in &uploads {
        report.notice(&upload.mime, &upload.data);
    }
    let files = uploads
        .into_iter()
        .map(|upload| RawFile {
            content_id: content_ids
                .iter()
                .find(|(_, field)| *field == upload.field)
                .map(|(id, _)| id.clone()),
            name: upload.name,
            mime: upload.mime,
            data: upload.data,
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

/// The mail's own headers: the list that Mailgun makes of them, else the fields that repeat them.
fn headers(form: &Form) -> Headers {
    let listed: Vec<Vec<Value>> = form
        .last("message-headers")
        .and_then(|json| serde_json::from_slice(json).ok())
        .unwrap_or_default();
    let mut fields: Vec<Field> = listed
        .iter()
        .filter_map(|pair| match pair.as_slice() {
            [name, value] => Some(Field {
                name: name.as_str()?.to_owned(),
                value: value.as_str()?.as_bytes().to_vec(),
            }),
            _ => None,
        })
        .collect();
    if fields.is_empty() {
        fields = form
            .fields
            .iter()
            .filter(|(name, _)| name.starts_with(|c: char| c.is_ascii_uppercase()))
            .map(|(name, value)| Field {
                name: name.clone(),
                value: value.clone(),
            })
            .collect();
    }
    for (name, field) in [("From", "from"), ("Subject", "subject")] {
        if !fields
            .iter()
            .any(|known| known.name.eq_ignore_ascii_case(name))
            && let Some(value) = form.last(field)
        {
            fields.push(Field {
                name: name.to_owned(),
                value: value.to_vec(),
            });
        }
    }
    Headers::from_fields(fields)
}

/// Content ids and the fields of their files, those that the HTML shows first: two ids may name one file.
fn content_ids(form: &Form, rich: &str) -> Vec<(String, String)> {
    let map: Value = form
        .last("content-id-map")
        .and_then(|json| serde_json::from_slice(json).ok())
        .unwrap_or_default();
    let lower = rich.to_lowercase();
    let mut pairs: Vec<(String, String)> = map
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(id, field)| Some((html::content_id(id), field.as_str()?.to_owned())))
        .filter(|(id, _)| !id.is_empty())
        .collect();
    pairs.sort_by_key(|(id, _)| !lower.contains(&format!("cid:{id}")));
    pairs
}

/// An event about a mail of ours, from a webhook that belongs elsewhere but is often pointed here.
#[derive(Debug)]
pub(crate) struct Event {
    timestamp: String,
    token: String,
    signature: String,
    /// What it says about a delivery, if that is what it says.
    pub(crate) report: Option<Report>,
}

impl Event {
    /// Checks the signature as [`verify`] does.
    pub(crate) fn verify(&self, signing_key: &str, now: i64) -> Result<String, Doubt> {
        check(
            &self.timestamp,
            &self.token,
            &self.signature,
            signing_key,
            now,
        )
    }
}

/// Reads a JSON body as an event.
pub(crate) fn event(body: &[u8]) -> Option<Event> {
    let json: Value = serde_json::from_slice(body).ok()?;
    let text = |at: &str| json.pointer(at).and_then(Value::as_str).map(str::to_owned);
    let timestamp = text("/signature/timestamp")?;
    let failed = text("/event-data/event").as_deref() == Some("failed");
    let report = failed.then(|| {
        let permanent = text("/event-data/severity").as_deref() == Some("permanent");
        let said = text("/event-data/delivery-status/message").unwrap_or_default();
        let code = json
            .pointer("/event-data/delivery-status/code")
            .map(Value::to_string)
            .unwrap_or_default();
        let recipient = Recipient {
            address: text("/event-data/recipient").unwrap_or_default(),
            action: if permanent {
                Action::Failed
            } else {
                Action::Delayed
            },
            status: said
                .split_whitespace()
                .next()
                .filter(|word| word.split('.').count() == 3)
                .unwrap_or_default()
                .to_owned(),
            diagnostic: format!("{code} {said}").trim().to_owned(),
        };
        let original =
            text("/event-data/message/headers/message-id").and_then(|id| ids::first(id.as_bytes()));
        Report::Delivery {
            recipients: vec![recipient],
            original,
        }
    });
    Some(Event {
        timestamp,
        token: text("/signature/token")?,
        signature: text("/signature/signature")?,
        report,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "mg-signing-key-0123456789abcdef";
    const TOKEN: &str = "a3f1c09be77d4f2e81b6d05c9a44e7f2b18c3d9e5f6a7b8c90";
    const SIGNED: &str = "timestamp=1772611653&token=a3f1c09be77d4f2e81b6d05c9a44e7f2b18c3d9e5f6a7b8c90&signature=b16454fef60539da49a997a29c0f1879fd7dc590fdf0ed61ad851afe643c0c99";
    const NOW: i64 = 1_772_611_653_000;

    fn verified(body: &str, now: i64) -> Result<String, Doubt> {
        verify(&Form::urlencoded(body.as_bytes()), KEY, now)
    }

    #[test]
    fn a_signature_is_believed_while_it_is_fresh() {
        assert_eq!(verified(SIGNED, NOW), Ok(TOKEN.to_owned()));
        assert_eq!(verified(SIGNED, NOW + FRESH), Ok(TOKEN.to_owned()));
        assert_eq!(verified(SIGNED, NOW + FRESH + 1), Err(Doubt::Stale));
        assert_eq!(verified(SIGNED, NOW - FRESH - 1), Err(Doubt::Stale));
    }

    #[test]
    fn what_is_not_signed_so_is_not_believed() {
        assert_eq!(
            verified("timestamp=1772611653&token=x", NOW),
            Err(Doubt::Unsigned)
        );
        assert_eq!(
            verified(&SIGNED.replace("1772611653", "1772611654"), NOW),
            Err(Doubt::Forged)
        );
        assert_eq!(
            verified(&SIGNED.replace("b16454", "b16455"), NOW),
            Err(Doubt::Forged)
        );
        assert_eq!(
            verified(&format!("{SIGNED}&token=other"), NOW),
            Err(Doubt::Forged),
            "the last one counts"
        );
        assert_eq!(
            verified(&format!("token=other&{SIGNED}"), NOW),
            Ok(TOKEN.to_owned())
        );
        assert_eq!(
            verify(&Form::urlencoded(SIGNED.as_bytes()), "", NOW),
            Err(Doubt::Forged)
        );
    }

    #[test]
    fn a_parsed_reply_is_read() {
        let body = "recipient=support%2Bt1042.k9zq%40desk.example.kz&sender=asem%40client.kz&subject=Re%3A+%5B%231042%5D+%D0%9F%D1%80%D0%B8%D0%BD%D1%82%D0%B5%D1%80&from=%D0%90%D1%81%D0%B5%D0%BC+%3Casem%40client.kz%3E\
            &message-headers=%5B%5B%22Received%22%2C%22from+mail.client.kz%22%5D%2C%5B%22Message-Id%22%2C%22%3CCAF77%40mail.client.kz%3E%22%5D%2C%5B%22In-Reply-To%22%2C%22%3Ctp.1042.88.3fa9%40desk.example.kz%3E%22%5D%2C%5B%22Auto-Submitted%22%2C%22no%22%5D%5D\
            &body-plain=%D0%94%D0%B0%2C+%D0%B2%D1%81%D1%91+%D0%B5%D1%89%D1%91%0D%0A&body-html=%3Cdiv%3E%D0%94%D0%B0%3C%2Fdiv%3E";
        let posted = read(Form::urlencoded(body.as_bytes()));
        assert_eq!(posted.envelope_from.as_deref(), Some("asem@client.kz"));
        assert_eq!(posted.envelope_to, ["support+t1042.k9zq@desk.example.kz"]);
        let mail = posted.mail;
        assert_eq!(mail.message_id.as_deref(), Some("CAF77@mail.client.kz"));
        assert_eq!(mail.in_reply_to, ["tp.1042.88.3fa9@desk.example.kz"]);
        assert_eq!(
            mail.from.map(|from| (from.name, from.email)),
            Some(("Асем".to_owned(), "asem@client.kz".to_owned()))
        );
        assert_eq!(
            (
                mail.subject.as_str(),
                mail.text.as_str(),
                mail.html.as_deref()
            ),
            ("Re: [#1042] Принтер", "Да, всё ещё", Some("<div>Да</div>"))
        );
        assert!(!mail.auto.automatic);
    }

    #[test]
    fn files_keep_their_order_and_pictures_their_ids() {
        let mut form = Form::urlencoded(b"sender=&recipient=support%40desk.kz&attachment-count=2&Message-Id=%3Cx%40y%3E&Subject=%D0%90");
        form.push(
            "body-html".to_owned(),
            None,
            None,
            "<p>См. <img src=\"cid:ii_m5x1\"></p>".as_bytes().to_vec(),
        );
        form.push(
            "content-id-map".to_owned(),
            None,
            None,
            br#"{"<ii_m5x1>":"attachment-1","<>":"attachment-2","<aa>":"attachment-1"}"#.to_vec(),
        );
        form.push(
            "attachment-2".to_owned(),
            Some("Акт.pdf".to_owned()),
            Some("application/pdf".to_owned()),
            b"pdf".to_vec(),
        );
        form.push(
            "attachment-1".to_owned(),
            Some(String::new()),
            Some("image/png".to_owned()),
            b"png".to_vec(),
        );
        let posted = read(form);
        assert_eq!(posted.envelope_from.as_deref(), Some(""));
        let seen: Vec<_> = posted
            .mail
            .attachments
            .iter()
            .map(|file| (file.name.as_str(), file.content_id.as_deref(), file.inline))
            .collect();
        assert_eq!(
            seen,
            [
                ("image001.png", Some("ii_m5x1"), true),
                ("Акт.pdf", None, false)
            ]
        );
        assert_eq!(
            (
                posted.mail.subject.as_str(),
                posted.mail.message_id.as_deref(),
                posted.mail.text.as_str()
            ),
            ("А", Some("x@y"), "См.")
        );
    }

    #[test]
    fn the_null_sender_is_told_from_nonsense() {
        let from = |sender: &str| {
            read(Form::urlencoded(format!("sender={sender}").as_bytes())).envelope_from
        };
        assert_eq!(
            (from(""), from("<>"), from("nonsense")),
            (Some(String::new()), Some(String::new()), None)
        );
        assert_eq!(read(Form::default()).envelope_from, None);
    }

    #[test]
    fn a_bounce_among_the_files_is_noticed() {
        let mut form = Form::urlencoded(b"sender=&from=mailer-daemon%40mx.kz");
        let status = b"Reporting-MTA: dns; mx\r\n\r\nFinal-Recipient: rfc822; asem@client.kz\r\nAction: failed\r\nStatus: 5.1.1\r\n".to_vec();
        form.push(
            "attachment-1".to_owned(),
            None,
            Some("message/delivery-status".to_owned()),
            status,
        );
        let report = read(form).mail.report;
        assert!(
            matches!(report, Some(Report::Delivery { recipients, .. }) if recipients[0].address == "asem@client.kz")
        );
    }

    #[test]
    fn a_raw_mail_keeps_its_bytes() {
        let body = b"recipient=support%40desk.kz&sender=a%40x.kz&subject=x&body-mime=Subject%3A+%3D%3Fkoi8-r%3FB%3F8NLJ18XU%3F%3D%0D%0AContent-Type%3A+text%2Fplain%3B+charset%3Dkoi8-r%0D%0A%0D%0A%F0%D2%C9%D7%C5%D4";
        let posted = read(Form::urlencoded(body));
        assert_eq!(
            (posted.mail.subject.as_str(), posted.mail.text.as_str()),
            ("Привет", "Привет")
        );
    }

    #[test]
    fn an_event_pointed_here_by_mistake_is_understood() {
        let body = br#"{"signature":{"token":"a3f1c09be77d4f2e81b6d05c9a44e7f2b18c3d9e5f6a7b8c90","timestamp":"1772611653","signature":"b16454fef60539da49a997a29c0f1879fd7dc590fdf0ed61ad851afe643c0c99"},
            "event-data":{"event":"failed","severity":"permanent","recipient":"asem@client.kz","message":{"headers":{"message-id":"tp.1042.88.3fa9@desk.example.kz"}},"delivery-status":{"code":550,"message":"5.1.1 user unknown"}}}"#;
        let event = event(body).unwrap();
        assert_eq!(event.verify(KEY, NOW), Ok(TOKEN.to_owned()));
        let Some(Report::Delivery {
            recipients,
            original,
        }) = event.report
        else {
            panic!("no report")
        };
        assert_eq!(original.as_deref(), Some("tp.1042.88.3fa9@desk.example.kz"));
        assert_eq!(
            (
                recipients[0].action,
                recipients[0].status.as_str(),
                recipients[0].diagnostic.as_str()
            ),
            (Action::Failed, "5.1.1", "550 5.1.1 user unknown")
        );
        assert!(super::event(b"recipient=x").is_none());
    }
}
