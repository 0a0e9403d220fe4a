//! What would become of a mail or a provider's delivery, asked without its coming in.
use crate::{
    access::{
        Operator,
        rules::{Needs, Role},
    },
    api::{
        Action, Slow, Spec, Task,
        field::{ChannelId, Line, Source},
        task,
    },
    channel::{
        config::{self, ChannelType},
        inbound::{
            foretold::Rehearsal,
            rehearse::{self, Sample},
        },
    },
    error::{Error, Fault, Result},
};
use data_encoding::BASE64;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) const ACTIONS: &[Action] = &[task::<ExplainInbound>()];

/// How bytes are written as text.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Encoding {
    /// As they are.
    #[default]
    Text,
    /// In base64, with line breaks or without.
    Base64,
}

/// What a delivery is.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// A mail as mail programs save it (`.eml`).
    Mail,
    /// A mail as Mailgun or SendGrid posts it, whichever the channel is fed by: a form, URL-encoded or in several parts.
    Form,
    /// JSON of a provider: an update of Telegram or MAX, an event of Evolution or of Mailgun.
    Event,
}

/// Tells what would become of a mail or of a provider's delivery, and changes nothing: which signs of a machine are in it, what
/// points at a ticket, which ticket it would join or open and why, what stays in view of its text, which triggers it would set
/// off and what the desk would send. It is worked on as if it came in, with what that costs, and all of it is undone. Signatures
/// of providers are not looked at, and files of messengers are not fetched.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ExplainInbound {
    /// The channel that it would come by.
    channel_id: ChannelId,
    /// The mail or the delivery, at most 1,000,000 characters.
    source: Source,
    /// How `source` is written; `text` if left out.
    #[serde(default)]
    encoding: Encoding,
    /// What `source` is; a mail for a mailbox and an event for a messenger if left out.
    #[serde(default)]
    format: Option<Format>,
    /// The sender that the transport would name; empty for the null sender of reports.
    #[serde(default)]
    from: Option<Line>,
    /// The recipient that the transport would name; the channel's mailbox if left out.
    #[serde(default)]
    to: Option<Line>,
}
/// What would become of a delivery.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct InboundExplanation {
    /// The channel.
    channel_id: ChannelId,
    /// What would become of each thing that it tells; a mail is one.
    parts: Vec<Rehearsal>,
}
impl Spec for ExplainInbound {
    const NAME: &'static str = "explain_inbound";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = [
        "Что станет с входящим",
        "Келген хатпен не болады",
        "Explain what would become of a delivery",
    ];
    const EXAMPLE: &'static str = r#"{"channel_id":1,"source":"From: Asem <asem@client.example>\r\nTo: help@desk.example\r\nSubject: Printer\r\n\r\nIt does not print."}"#;
    type By = Operator;
    type Output = InboundExplanation;
}
impl Task for ExplainInbound {
    async fn run(self, cx: Slow<Operator>) -> Result<InboundExplanation> {
        let (app, tenant, id) = (cx.app.clone(), cx.by.tenant, self.channel_id);
        let channel = cx
            .app
            .db
            .read(move |db| config::by_id(db, &app.secret, tenant, id))
            .await?;
        let usual = match channel.kind {
            ChannelType::Email => Format::Mail,
            _ => Format::Event,
        };
        let raw = bytes(self.source.0, self.encoding)?;
        let sample = match self.format.unwrap_or(usual) {
            Format::Mail => {
                let from = self.from.map(|from| rehearse::envelope_sender(&from));
                let to = match self.to.filter(|to| !to.is_empty()) {
                    Some(to) => rehearse::envelope_recipient(&to)?,
                    None => channel.address.clone(),
                };
                Sample::Mail {
                    raw,
                    from: from.transpose()?,
                    to: vec![to],
                }
            }
            Format::Form => Sample::Form {
                boundary: boundary(&raw),
                raw,
            },
            Format::Event => Sample::Json(raw),
        };
        let parts = rehearse::rehearse(&cx.app, &channel, sample, cx.call.lang).await?;
        Ok(InboundExplanation {
            channel_id: id,
            parts,
        })
    }
}

fn bytes(source: String, encoding: Encoding) -> Result<Vec<u8>> {
    match encoding {
        Encoding::Text => Ok(source.into_bytes()),
        Encoding::Base64 => {
            let mut digits = source.into_bytes();
            digits.retain(|byte| !byte.is_ascii_whitespace());
            BASE64
                .decode(&digits)
                .map_err(|_| Error::invalid("source", Fault::NotBase64))
        }
    }
}

/// The boundary of a form of several parts: it stands in the form's first line.
fn boundary(raw: &[u8]) -> Option<String> {
    let first = raw.split(|byte| *byte == b'\n').next()?;
    let name = first.strip_prefix(b"--")?.trim_ascii_end();
    std::str::from_utf8(name).ok().map(str::to_owned)
}
