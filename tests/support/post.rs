//! The mails that customers send, and the way they take into the desk: its SMTP listener or Mailgun's webhook.
use super::{
    Desk, Tray,
    http::{Reply, Request},
};
use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use lettre::{
    Message, SmtpTransport, Transport,
    address::Envelope,
    message::{
        Attachment, MessageBuilder, MultiPart, SinglePart,
        header::{ContentType, HeaderName, HeaderValue},
    },
};
use serde_json::{Value, json};
use sha2::Sha256;
use std::time::{SystemTime, UNIX_EPOCH};

/// The mailbox of acme.
pub(crate) const MAILBOX: &str = "help@acme.example";
/// The key by which Mailgun signs what it posts.
pub(crate) const SIGNING_KEY: &str = "mg-5d1c9e2f7a";

/// Opens acme's mailbox, which hands answers over to `tray`. Answers the channel's id.
pub(crate) fn open_mailbox(desk: &Desk, tray: &Tray, inbound: Value) -> i64 {
    let config = json!({
        "address": MAILBOX,
        "from_name": "Acme",
        "signature": "С уважением, Acme",
        "smtp": { "host": "127.0.0.1", "port": tray.address.port(), "security": "none" },
        "inbound": inbound,
    });
    let channel = desk.alia.call(
        "create_channel",
        json!({ "type": "email", "name": "Почта", "config": config }),
    );
    channel["id"].as_i64().unwrap()
}

/// A desk whose mailbox is fed by its own SMTP listener.
pub(crate) fn desk_with_mail() -> (Desk, Tray) {
    let (desk, tray) = (Desk::open(), Tray::open());
    open_mailbox(&desk, &tray, json!({ "provider": "smtp" }));
    (desk, tray)
}

/// A mail on its way to a mailbox.
pub(crate) struct Letter(MessageBuilder);

impl Letter {
    pub(crate) fn new(from: &str, to: &str, subject: &str) -> Letter {
        let builder = Message::builder()
            .from(from.parse().unwrap())
            .to(to.parse().unwrap())
            .subject(subject);
        Letter(builder.message_id(None))
    }

    /// Sets `In-Reply-To` and `References`, as a mail program does that answers.
    pub(crate) fn answering(self, message_id: &str) -> Letter {
        let id = format!("<{message_id}>");
        Letter(self.0.in_reply_to(id.clone()).references(id))
    }

    /// Gives it this Message-ID instead of a new one.
    pub(crate) fn message_id(self, id: &str) -> Letter {
        Letter(self.0.message_id(Some(format!("<{id}>"))))
    }

    pub(crate) fn header(self, name: &'static str, value: &str) -> Letter {
        let value = HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned());
        Letter(self.0.raw_header(value))
    }

    pub(crate) fn text(self, text: &str) -> Message {
        self.0
            .singlepart(SinglePart::plain(text.to_owned()))
            .unwrap()
    }

    /// Text, HTML and a file.
    pub(crate) fn with_file(
        self,
        text: &str,
        html: &str,
        (name, mime, bytes): (&str, &str, &[u8]),
    ) -> Message {
        let body = MultiPart::alternative_plain_html(text.to_owned(), html.to_owned());
        let file = Attachment::new(name.to_owned())
            .body(bytes.to_vec(), ContentType::parse(mime).unwrap());
        self.0
            .multipart(MultiPart::mixed().multipart(body).singlepart(file))
            .unwrap()
    }
}

/// Hands a mail to the desk's SMTP listener, as another mail server does.
pub(crate) fn deliver(desk: &Desk, mail: &Message) {
    let sent = transport(desk).send(mail);
    assert!(sent.unwrap().is_positive());
}

/// Hands a text over as a mail; `from` may be empty, as it is for reports.
pub(crate) fn deliver_raw(desk: &Desk, from: &str, to: &str, raw: &str) {
    deliver_bytes(desk, from, to, raw.replace('\n', "\r\n").as_bytes());
}

/// Hands over the bytes of a mail as they are.
pub(crate) fn deliver_bytes(desk: &Desk, from: &str, to: &str, raw: &[u8]) {
    let from = (!from.is_empty()).then(|| from.parse().unwrap());
    let envelope = Envelope::new(from, vec![to.parse().unwrap()]).unwrap();
    let sent = transport(desk).send_raw(&envelope, raw);
    assert!(sent.unwrap().is_positive());
}

fn transport(desk: &Desk) -> SmtpTransport {
    let smtp = desk.serving.smtp();
    SmtpTransport::builder_dangerous(smtp.ip().to_string())
        .port(smtp.port())
        .build()
}

/// What signs a delivery of Mailgun now: the time and the signature beside a token.
pub(crate) fn signed(key: &str, token: &str) -> (String, String) {
    #[expect(
        clippy::disallowed_methods,
        reason = "a signature is good for a day around now"
    )]
    let timestamp = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
        .to_string();
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(timestamp.as_bytes());
    mac.update(token.as_bytes());
    (timestamp, HEXLOWER.encode(&mac.finalize().into_bytes()))
}

/// A mail as Mailgun posts it, signed by `key`.
pub(crate) fn mailgun(
    key: &str,
    from: &str,
    subject: &str,
    text: &str,
    message_id: &str,
) -> Request {
    let token = "7f3a9c1d2e5b8f4a6c0d9e8b7a6f5c4d3e2b1a0f9e8d7c6b5a";
    let (timestamp, signature) = signed(key, token);
    let headers = json!([
        ["From", from],
        ["To", MAILBOX],
        ["Subject", subject],
        ["Message-Id", format!("<{message_id}>")],
        ["Date", "Thu, 19 Mar 2026 10:30:00 +0500"],
    ]);
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("recipient", MAILBOX)
        .append_pair("sender", from)
        .append_pair("from", from)
        .append_pair("subject", subject)
        .append_pair("body-plain", text)
        .append_pair("message-headers", &headers.to_string())
        .append_pair("timestamp", &timestamp)
        .append_pair("token", token)
        .append_pair("signature", &signature)
        .finish();
    Request::post("/api/channel-webhook.php?type=email")
        .body("application/x-www-form-urlencoded", form)
}

/// Posts a delivery to the desk's webhook.
pub(crate) fn hook(desk: &Desk, request: &Request) -> Reply {
    desk.nobody().send(request)
}
