//! A message of the desk as the bytes of a mail. Every header goes through a typed value that encodes what it holds, so no text of
//! anybody can start a header of its own; when to send, and to whom, is the caller's.

use std::time::{Duration, SystemTime};

use jiff::Zoned;
use lettre::message::header::{
    ContentDisposition, ContentTransferEncoding, ContentType, HeaderName, HeaderValue,
};
use lettre::message::{Body, Mailbox, MessageBuilder, MultiPart, MultiPartKind, SinglePart};
use sha2::{Digest, Sha256};

use super::address::Address;
use super::template::{self, Language, Letter};
use super::{guard, ids, names, subject, transfer};

/// Who wrote the mail, as far as other machines must know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Author<'a> {
    /// A person; nothing says otherwise, because machines treat automatic mail worse.
    Person,
    /// The desk, answering a mail. Carries the id of the installation.
    AutoReply { installation: &'a str },
    /// The desk, of its own accord.
    Notice { installation: &'a str },
}

/// The mail that is answered, quoted below the answer.
#[derive(Debug, Clone)]
pub(crate) struct Quoted<'a> {
    pub(crate) author: &'a str,
    /// When it was written, in the time zone of the tenant.
    pub(crate) at: Zoned,
    pub(crate) text: &'a str,
}

/// A file to attach.
#[derive(Debug, Clone)]
pub(crate) struct File<'a> {
    pub(crate) name: &'a str,
    pub(crate) mime: &'a str,
    pub(crate) data: &'a [u8],
}

/// Everything a mail is made of.
#[derive(Debug, Clone)]
pub(crate) struct Outgoing<'a> {
    pub(crate) author: Author<'a>,
    pub(crate) from: &'a Address,
    pub(crate) to: &'a [Address],
    pub(crate) cc: &'a [Address],
    /// Where answers go: [`super::token::Keys::reply_address`].
    pub(crate) reply_to: Option<&'a str>,
    /// `None` for a mail that belongs to no ticket.
    pub(crate) ticket: Option<i64>,
    /// The subject of the ticket.
    pub(crate) subject: &'a str,
    /// Ours, without brackets: [`super::token::Keys::message_id`].
    pub(crate) message_id: &'a str,
    pub(crate) in_reply_to: Option<&'a str>,
    /// The ids of the talk so far, oldest first.
    pub(crate) references: &'a [String],
    /// Milliseconds UTC.
    pub(crate) date: i64,
    pub(crate) language: Language,
    pub(crate) text: &'a str,
    pub(crate) signature: Option<&'a str>,
    pub(crate) quoted: Option<Quoted<'a>>,
    pub(crate) files: &'a [File<'a>],
    pub(crate) company: &'a str,
    /// The colour of the brand, `#rrggbb`.
    pub(crate) colour: Option<&'a str>,
}

/// Why a mail cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unsendable {
    #[error("`{0}` is not an e-mail address")]
    Address(String),
    #[error("there is nobody to send to")]
    NoRecipient,
    #[error("the mail cannot be written: {0}")]
    Malformed(String),
}

/// Writes the mail. The same `Outgoing` gives the same bytes, so a retry is a repeat.
pub(crate) fn compose(mail: &Outgoing<'_>) -> Result<Vec<u8>, Unsendable> {
    if mail.to.is_empty() && mail.cc.is_empty() {
        return Err(Unsendable::NoRecipient);
    }
    let mut builder = MessageBuilder::new().from(mailbox(mail.from)?);
    for address in mail.to {
        builder = builder.to(mailbox(address)?);
    }
    for address in mail.cc {
        builder = builder.cc(mailbox(address)?);
    }
    if let Some(reply_to) = mail.reply_to {
        let address = Address {
            name: mail.from.name.clone(),
            email: reply_to.to_owned(),
        };
        builder = builder.reply_to(mailbox(&address)?);
    }
    builder = builder
        .subject(subject_line(mail))
        .date(SystemTime::UNIX_EPOCH + Duration::from_millis(mail.date.max(0).unsigned_abs()))
        .message_id(Some(
            ids::bracketed(mail.message_id)
                .ok_or_else(|| Unsendable::Malformed("no message id".to_owned()))?,
        ));
    if let Some(parent) = mail.in_reply_to.and_then(ids::bracketed) {
        builder = builder.in_reply_to(parent);
    }
    let references = ids::chain(mail.references, mail.in_reply_to);
    if !references.is_empty() {
        builder = builder.references(references);
    }
    for (name, value) in automatic(mail.author) {
        builder = builder.raw_header(HeaderValue::new(
            HeaderName::new_from_ascii_str(name),
            value,
        ));
    }
    let message = builder
        .multipart(body(mail))
        .map_err(|error| Unsendable::Malformed(error.to_string()))?;
    Ok(message.formatted())
}

fn mailbox(address: &Address) -> Result<Mailbox, Unsendable> {
    let email = address
        .email
        .parse()
        .map_err(|_| Unsendable::Address(address.email.clone()))?;
    let name = subject::clean(&address.name);
    Ok(Mailbox::new(
        Some(name).filter(|name| !name.is_empty()),
        email,
    ))
}

/// `Re: [#42] what the customer wrote`.
fn subject_line(mail: &Outgoing<'_>) -> String {
    let bare = subject::bare(&subject::clean(mail.subject));
    let bare = if bare.is_empty() {
        mail.language.no_subject()
    } else {
        &bare
    };
    let reply = if mail.in_reply_to.is_some() {
        "Re: "
    } else {
        ""
    };
    match mail.ticket {
        Some(ticket) => format!("{reply}[#{ticket}] {bare}"),
        None => format!("{reply}{bare}"),
    }
}

/// Headers that tell other machines not to answer.
fn automatic(author: Author<'_>) -> Vec<(&'static str, String)> {
    let (kind, installation) = match author {
        Author::Person => return Vec::new(),
        Author::AutoReply { installation } => ("auto-replied", installation),
        Author::Notice { installation } => ("auto-generated", installation),
    };
    vec![
        ("Auto-Submitted", kind.to_owned()),
        ("X-Auto-Response-Suppress", "All".to_owned()),
        (guard::LOOP_HEADER, subject::clean(installation)),
    ]
}

fn body(mail: &Outgoing<'_>) -> MultiPart {
    let quote = mail.quoted.as_ref().map(|quoted| {
        let moment = quoted.at.strftime("%d.%m.%Y %H:%M").to_string();
        (
            mail.language
                .attribution(&moment, &subject::clean(quoted.author)),
            quoted.text,
        )
    });
    let letter = Letter {
        language: mail.language,
        text: mail.text,
        signature: mail.signature,
        quote,
        company: mail.company,
        colour: mail.colour,
        ticket: mail.ticket,
    };
    let alternative = MultiPart::builder()
        .kind(MultiPartKind::Alternative)
        .boundary(boundary(mail.message_id, "alternative"))
        .singlepart(SinglePart::plain(template::plain(&letter)))
        .singlepart(SinglePart::html(template::rich(&letter)));
    if mail.files.is_empty() {
        return alternative;
    }
    let mixed = MultiPart::builder()
        .kind(MultiPartKind::Mixed)
        .boundary(boundary(mail.message_id, "mixed"))
        .multipart(alternative);
    mail.files
        .iter()
        .enumerate()
        .fold(mixed, |mixed, (at, file)| {
            mixed.singlepart(attachment(file, at + 1))
        })
}

/// A boundary that no content knows, the same for the same mail.
fn boundary(message_id: &str, part: &str) -> String {
    let digest = Sha256::digest(format!("{part} {message_id}").as_bytes());
    format!("tp{}", data_encoding::HEXLOWER.encode(&digest[..20]))
}

fn attachment(file: &File<'_>, position: usize) -> SinglePart {
    let name = names::of(Some(file.name), file.mime, position);
    let data = transfer::to_base64(file.data);
    SinglePart::builder()
        .header(content_type(file.mime, &name))
        .header(ContentDisposition::attachment(&name))
        .body(Body::dangerous_pre_encoded(
            data,
            ContentTransferEncoding::Base64,
        ))
}

/// The type with the name once more, as old programs read it. An attached mail goes as plain bytes: it may not be encoded as a mail.
fn content_type(mime: &str, name: &str) -> ContentType {
    let mime = if mime.starts_with("message/") || mime.starts_with("multipart/") {
        "application/octet-stream"
    } else {
        mime
    };
    let legacy = if name.is_ascii() {
        name.to_owned()
    } else {
        format!(
            "=?utf-8?B?{}?=",
            data_encoding::BASE64.encode(name.as_bytes())
        )
    };
    let named = format!(
        "{}; name=\"{legacy}\"",
        mime.split(';').next().unwrap_or_default().trim()
    );
    ContentType::parse(&named)
        .or_else(|_| ContentType::parse(&format!("application/octet-stream; name=\"{legacy}\"")))
        .unwrap_or(ContentType::TEXT_PLAIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::email::parse::parse;
    use mail_parser::{MessageParser, MimeHeaders};
    use proptest::prelude::*;

    fn who(name: &str, email: &str) -> Address {
        Address {
            name: name.to_owned(),
            email: email.to_owned(),
        }
    }

    /// Everything a test may want to change about a mail.
    struct Draft {
        from: Address,
        to: Vec<Address>,
        cc: Vec<Address>,
        subject: String,
        text: String,
        author: &'static str,
        references: Vec<String>,
        file: (String, String, Vec<u8>),
    }

    impl Default for Draft {
        fn default() -> Self {
            Self {
                from: who("Омар через ТОО «Ромашка»", "support@desk.example.kz"),
                to: vec![who("Асем, бухгалтерия", "asem@client.kz")],
                cc: vec![who("", "boss@client.kz")],
                subject: "Re: Принтер не печатает, ошибка 13 в бухгалтерии на втором этаже"
                    .to_owned(),
                text: "Добрый день!\n\nПринтер готов.\n.\nFrom here on".to_owned(),
                author: "Асем",
                references: vec!["first@client.kz".to_owned()],
                file: (
                    "Акт выполненных работ № 5.pdf".to_owned(),
                    "application/pdf".to_owned(),
                    b"%PDF \r\n.\r\n\x00\xFF".to_vec(),
                ),
            }
        }
    }

    impl Draft {
        fn write(&self, author: Author<'_>) -> Result<Vec<u8>, Unsendable> {
            let (name, mime, data) = &self.file;
            let files = [File { name, mime, data }];
            compose(&Outgoing {
                author,
                from: &self.from,
                to: &self.to,
                cc: &self.cc,
                reply_to: Some("support+t42.abcdefghabcdefgh@desk.example.kz"),
                ticket: Some(42),
                subject: &self.subject,
                message_id: "tp.42.7.abcdefghabcdefgh@desk.example.kz",
                in_reply_to: Some("last@client.kz"),
                references: &self.references,
                date: 1_772_611_653_000,
                language: Language::Russian,
                text: &self.text,
                signature: Some("Омар"),
                quoted: Some(Quoted {
                    author: self.author,
                    at: "2026-03-04T13:07:33+05:00[+05:00]".parse().unwrap(),
                    text: "Не печатает",
                }),
                files: &files,
                company: "ТОО «Ромашка»",
                colour: Some("#0a7aff"),
            })
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let draft = Draft::default();
        let raw = draft.write(Author::Person).unwrap();
        let mail = parse(&raw);
        assert_eq!(
            mail.subject,
            "Re: [#42] Принтер не печатает, ошибка 13 в бухгалтерии на втором этаже"
        );
        assert_eq!(mail.from.as_ref(), Some(&draft.from));
        assert_eq!((&mail.to, &mail.cc), (&draft.to, &draft.cc));
        assert_eq!(
            mail.reply_to[0].email,
            "support+t42.abcdefghabcdefgh@desk.example.kz"
        );
        assert_eq!(
            mail.message_id.as_deref(),
            Some("tp.42.7.abcdefghabcdefgh@desk.example.kz")
        );
        assert_eq!(
            (mail.in_reply_to, mail.references),
            (
                vec!["last@client.kz".to_owned()],
                vec!["first@client.kz".to_owned(), "last@client.kz".to_owned()]
            )
        );
        assert_eq!(mail.date, Some(1_772_611_653_000));
        assert!(
            mail.text
                .starts_with("Добрый день!\n\nПринтер готов.\n.\nFrom here on\n\n-- \nОмар"),
            "{}",
            mail.text
        );
        assert!(
            mail.text
                .ends_with("04.03.2026 13:07, Асем написал(а):\n> Не печатает")
        );
        assert!(mail.html.unwrap().contains("Принтер готов."));
        let file = &mail.attachments[0];
        assert_eq!(
            (file.name.as_str(), file.mime.as_str(), &file.data),
            (
                "Акт выполненных работ № 5.pdf",
                "application/pdf",
                &draft.file.2
            )
        );
        assert!(!mail.auto.automatic && !mail.auto.suppress_reply);
    }

    #[test]
    fn an_independent_reader_agrees() {
        let raw = Draft::default().write(Author::Person).unwrap();
        let mail = MessageParser::default().parse(&raw).unwrap();
        assert_eq!(
            mail.subject(),
            Some("Re: [#42] Принтер не печатает, ошибка 13 в бухгалтерии на втором этаже")
        );
        assert_eq!(
            mail.from().unwrap().first().unwrap().name(),
            Some("Омар через ТОО «Ромашка»")
        );
        assert_eq!(
            mail.to().unwrap().first().unwrap().name(),
            Some("Асем, бухгалтерия")
        );
        let file = mail.attachments().next().unwrap();
        assert_eq!(
            file.attachment_name(),
            Some("Акт выполненных работ № 5.pdf")
        );
        assert_eq!(file.contents(), b"%PDF \r\n.\r\n\x00\xFF");
    }

    #[test]
    fn the_same_mail_gives_the_same_bytes_all_seven_bit_and_short_enough() {
        let draft = Draft::default();
        let raw = draft.write(Author::Person).unwrap();
        assert_eq!(raw, draft.write(Author::Person).unwrap());
        assert!(raw.is_ascii());
        assert!(
            raw.split(|byte| *byte == b'\n')
                .all(|line| line.len() <= 998 && (line.is_empty() || line.ends_with(b"\r")))
        );
    }

    #[test]
    fn only_automatic_mail_says_that_it_is() {
        let person = String::from_utf8(Draft::default().write(Author::Person).unwrap()).unwrap();
        for header in [
            "Auto-Submitted",
            "X-Auto-Response-Suppress",
            "X-Tehprof-Loop",
            "Precedence",
        ] {
            assert!(!person.contains(header), "{header}");
        }
        let raw = Draft::default()
            .write(Author::AutoReply {
                installation: "inst-1",
            })
            .unwrap();
        let mail = parse(&raw);
        assert_eq!(
            mail.headers.text("Auto-Submitted").as_deref(),
            Some("auto-replied")
        );
        assert_eq!(
            mail.headers.text("X-Auto-Response-Suppress").as_deref(),
            Some("All")
        );
        assert_eq!(
            mail.headers.text("X-Tehprof-Loop").as_deref(),
            Some("inst-1")
        );
        assert!(mail.auto.automatic);
    }

    #[test]
    fn nobody_and_nonsense_are_refused() {
        let mut draft = Draft {
            to: vec![],
            cc: vec![],
            ..Draft::default()
        };
        assert_eq!(draft.write(Author::Person), Err(Unsendable::NoRecipient));
        draft.to = vec![who("", "a@x.kz\r\nBcc: b@y.kz")];
        assert!(matches!(
            draft.write(Author::Person),
            Err(Unsendable::Address(_))
        ));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_text_starts_a_header_of_its_own(text in "(\\PC|\r\nBcc: evil@x\\.kz|\n|\r|\u{0}|=\\?utf-8\\?Q\\?=0ABcc:\\?=|\"|\\\\){0,30}") {
            let plain = Draft::default().write(Author::AutoReply { installation: "i" }).unwrap();
            let names = |raw: &[u8]| parse(raw).headers.fields().iter().map(|field| field.name.clone()).collect::<Vec<_>>();
            let draft = Draft {
                from: who(&text, "support@desk.example.kz"),
                to: vec![who(&text, "asem@client.kz")],
                subject: text.clone(),
                text: text.clone(),
                references: vec![text.clone(), "first@client.kz".to_owned()],
                file: (text.clone(), text.clone(), text.clone().into_bytes()),
                ..Draft::default()
            };
            let raw = draft.write(Author::AutoReply { installation: "i" }).unwrap();
            prop_assert_eq!(names(&raw), names(&plain));
            let mail = parse(&raw);
            prop_assert_eq!(&mail.attachments[0].data, text.as_bytes());
            prop_assert_eq!(mail.attachments.len(), 1);
            prop_assert!(mail.to.iter().any(|to| to.email == "asem@client.kz"));
        }
    }
}
