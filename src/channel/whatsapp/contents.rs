//! What stands inside a WhatsApp message: wrappings taken off, the one content found, said in our words. Pure.
use crate::channel::heard::{
    Extra, Heard, Media, Source, file_name, is_blank, number_of, plain_name, text_at, text_of,
};
use serde_json::{Value, json};

/// What a message contains.
pub(super) enum Contents {
    Said(Read),
    Reaction { id: String, emoji: Option<String> },
    Edited { id: String, text: String },
    Removed { id: String },
    Nothing(&'static str),
}

/// A message that somebody wrote.
#[derive(Default)]
pub(super) struct Read {
    pub(super) text: String,
    pub(super) media: Vec<Media>,
    pub(super) extra: Vec<Extra>,
}

const WRAPPINGS: [&str; 10] = [
    "ephemeralMessage",
    "viewOnceMessage",
    "viewOnceMessageV2",
    "viewOnceMessageV2Extension",
    "documentWithCaptionMessage",
    "editedMessage",
    "associatedChildMessage",
    "deviceSentMessage",
    "botInvokeMessage",
    "groupMentionedMessage",
];

/// How deep wrappings may stand in each other.
const DEEPEST: usize = 5;

/// The message inside its wrappings.
pub(super) fn unwrap(message: &Value) -> &Value {
    let mut inner = message;
    for _ in 0..DEEPEST {
        let wrapped = WRAPPINGS
            .iter()
            .find_map(|name| inner.get(*name)?.get("message"));
        match wrapped {
            Some(next) => inner = next,
            None => break,
        }
    }
    inner
}

/// The one member that is content.
fn content(message: &Value) -> Option<(&str, &Value)> {
    const BESIDE: [&str; 5] = [
        "messageContextInfo",
        "senderKeyDistributionMessage",
        "base64",
        "mediaUrl",
        "deviceListMetadata",
    ];
    message
        .as_object()?
        .iter()
        .map(|(name, value)| (name.as_str(), value))
        .find(|(name, value)| !BESIDE.contains(name) && !value.is_null())
}

/// Where a content says what it answers.
pub(super) fn context(message: &Value) -> Option<&Value> {
    content(message)?.1.get("contextInfo")
}

/// Reads what stands in a message; `data` is the event around it.
pub(super) fn read(message: &Value, data: &Value) -> Contents {
    let Some((kind, body)) = content(message) else {
        return Contents::Nothing("message_that_could_not_be_decrypted");
    };
    let mut read = Read::default();
    match kind {
        "conversation" => read.text = text_of(body).unwrap_or_default(),
        "extendedTextMessage" => read.text = text_at(body, "text"),
        "imageMessage" | "videoMessage" | "ptvMessage" | "audioMessage" | "documentMessage"
        | "stickerMessage" => {
            read.text = text_at(body, "caption");
            read.media.push(media(kind, body, message, data));
            if kind == "stickerMessage" {
                read.extra.push(Extra::Sticker(String::new()));
            }
        }
        "locationMessage" | "liveLocationMessage" => {
            read.text = text_at(body, "caption");
            let name = format!("{} {}", text_at(body, "name"), text_at(body, "address"));
            read.extra.push(Extra::Location {
                latitude: body["degreesLatitude"].as_f64().unwrap_or_default(),
                longitude: body["degreesLongitude"].as_f64().unwrap_or_default(),
                name: plain_name(&name),
            });
        }
        "contactMessage" => read.extra.push(card(body)),
        "contactsArrayMessage" => {
            let cards = body["contacts"].as_array().into_iter().flatten();
            read.extra.extend(cards.map(card));
        }
        "reactionMessage" => {
            let emoji = text_at(body, "text");
            return Contents::Reaction {
                id: text_at(&body["key"], "id"),
                emoji: (!emoji.is_empty()).then_some(emoji),
            };
        }
        "buttonsResponseMessage" | "templateButtonReplyMessage" => {
            read.text = text_at(body, "selectedDisplayText");
        }
        "listResponseMessage" => read.text = text_at(body, "title"),
        "interactiveResponseMessage" | "interactiveMessage" => {
            read.text = text_at(&body["body"], "text");
        }
        "buttonsMessage" => read.text = text_at(body, "contentText"),
        "listMessage" => {
            read.text = format!(
                "{}\n{}",
                text_at(body, "title"),
                text_at(body, "description")
            );
        }
        "templateMessage" => {
            read.text = text_at(&body["hydratedTemplate"], "hydratedContentText");
        }
        "pollCreationMessage" | "pollCreationMessageV2" | "pollCreationMessageV3" => {
            let options = body["options"].as_array().into_iter().flatten();
            read.extra.push(Extra::Poll {
                question: text_at(body, "name"),
                options: options.map(|o| text_at(o, "optionName")).collect(),
            });
        }
        "pollUpdateMessage" => return Contents::Nothing("vote"),
        "protocolMessage" => {
            return match protocol(body) {
                Some(Heard::Edited { id, text }) => Contents::Edited { id, text },
                Some(Heard::Removed { id }) => Contents::Removed { id },
                _ => Contents::Nothing("settings_of_a_chat"),
            };
        }
        "albumMessage" => return Contents::Nothing("head_of_an_album"),
        "unknown" => return Contents::Nothing("message_that_could_not_be_decrypted"),
        other => read.extra.push(Extra::Unknown(other.to_owned())),
    }
    if is_blank(&read.text) && read.media.is_empty() && read.extra.is_empty() {
        return Contents::Nothing("empty_message");
    }
    Contents::Said(read)
}

/// An edit or a revocation. `fromMe` in the key speaks from the author's side, so it is not asked.
pub(super) fn protocol(body: &Value) -> Option<Heard> {
    let id = text_at(&body["key"], "id");
    if id.is_empty() {
        return None;
    }
    let kind = body.get("type").and_then(text_of).unwrap_or_default();
    if let Some(edited) = body.get("editedMessage").filter(|m| m.is_object()) {
        let inner = edited.get("message").unwrap_or(edited);
        let inner = inner
            .pointer("/protocolMessage/editedMessage")
            .unwrap_or(inner);
        if let Contents::Said(read) = read(unwrap(inner), &Value::Null) {
            let text = read.text;
            return (!is_blank(&text)).then_some(Heard::Edited { id, text });
        }
    }
    matches!(kind.as_str(), "REVOKE" | "0").then_some(Heard::Removed { id })
}

fn card(contact: &Value) -> Extra {
    let vcard = text_at(contact, "vcard");
    let line = vcard.lines().find(|line| line.contains("TEL"));
    let phone = line
        .and_then(|line| line.rsplit_once(':'))
        .map(|(_, n)| n.trim().to_owned());
    Extra::Contact {
        name: plain_name(&text_at(contact, "displayName")),
        phone: phone.unwrap_or_default(),
    }
}

fn media(kind: &str, body: &Value, message: &Value, data: &Value) -> Media {
    let mime = text_at(body, "mimetype");
    let mime = mime.split(';').next().unwrap_or_default().trim();
    let (usual, fallback) = match kind {
        "imageMessage" => ("image/jpeg", "photo"),
        "videoMessage" | "ptvMessage" => ("video/mp4", "video"),
        "audioMessage" if body["ptt"] == true => ("audio/ogg", "voice"),
        "audioMessage" => ("audio/mpeg", "audio"),
        "stickerMessage" => ("image/webp", "sticker"),
        _ => ("application/octet-stream", "file"),
    };
    let mime = if mime.is_empty() { usual } else { mime };
    let named = ["fileName", "title"]
        .iter()
        .map(|name| text_at(body, name))
        .find(|name| !name.is_empty())
        .unwrap_or_default();
    // The address inside is of a sealed file; the bytes come with the event, from its own store, or are asked for.
    let inline = [message, &data["message"]]
        .iter()
        .find_map(|m| m.get("base64").and_then(Value::as_str))
        .filter(|text| !text.is_empty());
    let url = [message, &data["message"]]
        .iter()
        .find_map(|m| m.get("mediaUrl").and_then(Value::as_str))
        .filter(|url| url.starts_with("http"));
    let source = match (inline, url) {
        (Some(bytes), _) => Source::Inline(bytes.to_owned()),
        (None, Some(url)) => Source::Url(url.to_owned()),
        (None, None) => Source::Message(json!({ "key": data["key"], "message": data["message"] })),
    };
    Media {
        name: file_name(&named, mime, fallback),
        mime: mime.to_owned(),
        size: body
            .get("fileLength")
            .and_then(number_of)
            .and_then(|n| u64::try_from(n).ok()),
        source,
    }
}
