//! Reports about mails of ours: deliveries that failed or wait (RFC 3464 and the plain-text kinds), read receipts, complaints.
//! Finding the message of ours that is meant, and marking it, is the caller's.

use super::address;
use super::guard::Auto;
use super::header::{self, Headers};
use super::ids;

/// What became of a mail on its way to one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recipient {
    pub(crate) address: String,
    pub(crate) action: Action,
    /// The enhanced status code, such as `5.1.1`; empty when the report gives none.
    pub(crate) status: String,
    /// What the other server said.
    pub(crate) diagnostic: String,
}

/// The `Action` field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Failed,
    Delayed,
    /// Delivered, relayed or expanded: nothing to do.
    Delivered,
}

/// A report and the Message-ID of the mail it is about, if it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Report {
    Delivery {
        recipients: Vec<Recipient>,
        original: Option<String>,
    },
    /// Somebody read or deleted the mail.
    Disposition { original: Option<String> },
    /// Somebody called the mail spam: stop writing to them.
    Complaint {
        original: Option<String>,
        recipient: Option<String>,
    },
}

/// The parts of a report, found while the mail is read.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    pub(crate) delivery: Option<Vec<u8>>,
    pub(crate) disposition: Option<Vec<u8>>,
    pub(crate) feedback: Option<Vec<u8>>,
    /// The reported mail, or its headers.
    pub(crate) original: Option<Vec<u8>>,
}

impl Parts {
    /// Keeps a file of the mail if it is part of a report.
    pub(crate) fn notice(&mut self, mime: &str, data: &[u8]) {
        let slot = match mime {
            "message/delivery-status" | "message/global-delivery-status" => &mut self.delivery,
            "message/disposition-notification" => &mut self.disposition,
            "message/feedback-report" => &mut self.feedback,
            "text/rfc822-headers"
            | "message/global-headers"
            | "message/rfc822"
            | "message/global" => &mut self.original,
            _ => return,
        };
        // Only the head of an attached mail matters, and reports are short.
        slot.get_or_insert_with(|| data[..data.len().min(header::LONGEST_BLOCK)].to_vec());
    }
}

/// Reads the report in a mail, if it is one. `auto` says whether a mail without report parts looks like a bounce all the same.
pub(crate) fn read(parts: &Parts, headers: &Headers, auto: &Auto, text: &str) -> Option<Report> {
    let original_headers = parts
        .original
        .as_deref()
        .map(|raw| header::read(raw).headers);
    let attached = original_headers
        .as_ref()
        .and_then(|original| original.raw("Message-ID"))
        .and_then(ids::first);
    let answered = || {
        let newest = |name| headers.all_raw(name).flat_map(ids::list).last();
        let parent = headers.raw("In-Reply-To").and_then(ids::first);
        parent.or_else(|| newest("References"))
    };
    let original = attached.or_else(|| id_in(text)).or_else(answered);
    if let Some(feedback) = &parts.feedback {
        let fields = header::read(feedback).headers;
        let recipient = fields
            .text("Original-Rcpt-To")
            .or_else(|| original_headers?.text("To"))
            .and_then(|to| address::bare(&to));
        return Some(Report::Complaint {
            original,
            recipient,
        });
    }
    if let Some(disposition) = &parts.disposition {
        let named = header::read(disposition)
            .headers
            .raw("Original-Message-ID")
            .and_then(ids::first);
        return Some(Report::Disposition {
            original: named.or(original),
        });
    }
    if let Some(delivery) = &parts.delivery {
        return Some(Report::Delivery {
            recipients: recipients(delivery),
            original,
        });
    }
    auto.bounce.then(|| Report::Delivery {
        recipients: unstructured(headers, text),
        original,
    })
}

/// The groups of a `message/delivery-status` part after the first, one for each recipient.
fn recipients(status: &[u8]) -> Vec<Recipient> {
    let mut found = Vec::new();
    let mut rest = status;
    while !rest.is_empty() && found.len() < 100 {
        let block = header::read(rest);
        let fields = &block.headers;
        let named = fields
            .text("Final-Recipient")
            .or_else(|| fields.text("Original-Recipient"));
        if let Some(address) = named.as_deref().and_then(typed_address) {
            let status = fields.text("Status").unwrap_or_default();
            let status = status
                .split_whitespace()
                .next()
                .unwrap_or_default()
                .to_owned();
            found.push(Recipient {
                address,
                action: action(&fields.text("Action").unwrap_or_default(), &status),
                status,
                diagnostic: fields
                    .text("Diagnostic-Code")
                    .map(|code| untyped(&code).to_owned())
                    .unwrap_or_default(),
            });
        }
        if block.body_at == 0 {
            break;
        }
        rest = &rest[block.body_at..];
    }
    found
}

fn action(word: &str, status: &str) -> Action {
    match word.to_ascii_lowercase().as_str() {
        "failed" => Action::Failed,
        "delayed" => Action::Delayed,
        "" if status.starts_with('5') => Action::Failed,
        "" if status.starts_with('4') => Action::Delayed,
        _ => Action::Delivered,
    }
}

/// `rfc822; asem@client.kz` → the address.
fn typed_address(value: &str) -> Option<String> {
    address::bare(untyped(value))
}

fn untyped(value: &str) -> &str {
    value.split_once(';').map_or(value, |(_, rest)| rest).trim()
}

/// Recipients of a bounce that is only text.
fn unstructured(headers: &Headers, text: &str) -> Vec<Recipient> {
    let named = headers.text("X-Failed-Recipients").unwrap_or_default();
    let mut addresses: Vec<String> = named.split(',').filter_map(address::bare).collect();
    if addresses.is_empty() {
        let word = text
            .lines()
            .take(60)
            .flat_map(|line| line.split_whitespace())
            .find_map(|word| {
                address::bare(word.trim_matches(['<', '>', ':', ',', ';', '(', ')', '"', '.']))
            });
        addresses.extend(word);
    }
    let line = text.lines().find(|line| code_of(line).is_some());
    let status = line.and_then(code_of).unwrap_or_default();
    addresses
        .into_iter()
        .map(|address| Recipient {
            address,
            action: if status.starts_with('4') {
                Action::Delayed
            } else {
                Action::Failed
            },
            status: status.clone(),
            diagnostic: line.unwrap_or_default().trim().chars().take(500).collect(),
        })
        .collect()
}

/// An enhanced status code in a line of text.
fn code_of(line: &str) -> Option<String> {
    line.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '#' | ',' | ';'))
        .find_map(|word| {
            let mut pieces = word.split('.');
            let class = pieces.next().filter(|class| matches!(*class, "4" | "5"))?;
            let digits = |piece: Option<&str>| {
                piece.is_some_and(|piece| {
                    (1..=3).contains(&piece.len())
                        && piece.bytes().all(|byte| byte.is_ascii_digit())
                })
            };
            (digits(pieces.next())
                && digits(pieces.next())
                && pieces.next().is_none()
                && !class.is_empty())
            .then(|| word.to_owned())
        })
}

/// The Message-ID of a header that a bounce quotes in its text.
fn id_in(text: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let line = line.trim_start_matches(['>', ' ']);
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("message-id")
            .then(|| ids::first(value.as_bytes()))
            .flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::email::parse::parse;

    const DSN: &str = "From: MAILER-DAEMON@mx1.client.kz\r\nReturn-Path: <>\r\nSubject: Undelivered\r\n\
        Content-Type: multipart/report; report-type=delivery-status; boundary=\"d\"\r\n\r\n\
        --d\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nСообщение не доставлено.\r\n\
        --d\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx1.client.kz\r\n\r\n\
        Final-Recipient: rfc822; asem@client.kz\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1\r\n <asem@client.kz>: user unknown\r\n\r\n\
        Final-Recipient: rfc822;omar@client.kz\r\nAction: delayed\r\nStatus: 4.4.7 (timeout)\r\n\
        --d\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <tp.1042.88.3fa9c1@desk.example.kz>\r\nSubject: x\r\n--d--\r\n";

    #[test]
    fn a_delivery_report_names_recipients_and_the_original() {
        let mail = parse(DSN.as_bytes());
        assert!(mail.auto.bounce && mail.auto.automatic);
        let Some(Report::Delivery {
            recipients,
            original,
        }) = mail.report
        else {
            panic!("no report")
        };
        assert_eq!(
            original.as_deref(),
            Some("tp.1042.88.3fa9c1@desk.example.kz")
        );
        assert_eq!(
            recipients,
            [
                Recipient {
                    address: "asem@client.kz".to_owned(),
                    action: Action::Failed,
                    status: "5.1.1".to_owned(),
                    diagnostic: "550 5.1.1 <asem@client.kz>: user unknown".to_owned()
                },
                Recipient {
                    address: "omar@client.kz".to_owned(),
                    action: Action::Delayed,
                    status: "4.4.7".to_owned(),
                    diagnostic: String::new()
                },
            ]
        );
    }

    #[test]
    fn a_bounce_that_is_only_text_is_understood() {
        let raw = "From: Mail Delivery System <Mailer-Daemon@mx.kz>\r\nX-Failed-Recipients: asem@client.kz\r\nSubject: Недоставленное сообщение\r\n\r\n\
            asem@client.kz\r\n    550 5.7.1 rejected\r\n\r\n------ headers ------\r\nMessage-ID: <tp.7.8.abc@desk.kz>\r\n";
        let Some(Report::Delivery {
            recipients,
            original,
        }) = parse(raw.as_bytes()).report
        else {
            panic!("no report")
        };
        assert_eq!(original.as_deref(), Some("tp.7.8.abc@desk.kz"));
        assert_eq!(
            (
                recipients[0].address.as_str(),
                recipients[0].status.as_str(),
                recipients[0].action
            ),
            ("asem@client.kz", "5.7.1", Action::Failed)
        );
    }

    #[test]
    fn receipts_and_complaints_are_told_apart_from_bounces() {
        let receipt = "From: a@x.kz\r\nContent-Type: multipart/report; report-type=disposition-notification; boundary=d\r\n\r\n\
            --d\r\n\r\nRead\r\n--d\r\nContent-Type: message/disposition-notification\r\n\r\nOriginal-Message-ID: <tp.1.2.x@d.kz>\r\nDisposition: manual-action/MDN-sent-manually; displayed\r\n--d--";
        assert_eq!(
            parse(receipt.as_bytes()).report,
            Some(Report::Disposition {
                original: Some("tp.1.2.x@d.kz".to_owned())
            })
        );
        let complaint = "From: fbl@x.kz\r\nContent-Type: multipart/report; report-type=feedback-report; boundary=d\r\n\r\n\
            --d\r\n\r\nSpam\r\n--d\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\n--d\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <tp.1.2.x@d.kz>\r\nTo: <asem@client.kz>\r\n\r\nx\r\n--d--";
        assert_eq!(
            parse(complaint.as_bytes()).report,
            Some(Report::Complaint {
                original: Some("tp.1.2.x@d.kz".to_owned()),
                recipient: Some("asem@client.kz".to_owned())
            })
        );
    }

    #[test]
    fn ordinary_mail_is_no_report() {
        assert_eq!(
            parse(b"From: asem@client.kz\r\n\r\n550 5.1.1 what is this?").report,
            None
        );
    }
}
