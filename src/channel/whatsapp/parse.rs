//! From an event of the Evolution API to what was said. Pure. Versions 1 and 2 differ in where things stand; whatever else
//! differs is asked for by name and may be absent.
use super::{contents, jid::Jid};
use crate::{
    channel::heard::{Heard, Link, Person, Place, Said, number_of, plain_name, text_at, text_of},
    clock::SECOND,
    ticket::model::Delivery,
};
use serde_json::Value;

/// The name of an event in the one spelling: lower case, with dots.
pub(super) fn event_name(body: &Value) -> String {
    text_at(body, "event")
        .to_lowercase()
        .replace(['_', '-'], ".")
}

/// What makes an event the same when it comes again: all it says but when and by whom it was passed on. A message that
/// could not be read at first comes a second time under the same id, with contents.
pub(super) fn token(body: &Value) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(event_name(body).as_bytes());
    hasher.update(body["data"].to_string().as_bytes());
    hasher.finalize().to_hex().to_string()
}

/// What an event says. Messages of groups are left alone unless the channel takes them.
pub(super) fn heard(body: &Value, groups: bool) -> Vec<Heard> {
    let data = &body["data"];
    let each = |one: fn(&Value, bool) -> Heard| match data {
        Value::Array(all) => all.iter().map(|d| one(d, groups)).collect(),
        other => vec![one(other, groups)],
    };
    match event_name(body).as_str() {
        "messages.upsert" => each(upsert),
        "send.message" => each(|data, groups| match upsert(data, groups) {
            Heard::Said(mut said) => {
                said.own = true;
                Heard::Said(said)
            }
            other => other,
        }),
        "messages.edited" => each(|data, _| edited(data)),
        "messages.delete" => each(|data, _| removed(data)),
        "messages.update" | "send.message.update" => each(|data, _| update(data)),
        "connection.update" => vec![connection(data)],
        "status.instance" => match text_at(data, "status").as_str() {
            "closed" | "close" => vec![Heard::Connection {
                state: Link::Closed,
                why: reason(data.get("disconnectionReasonCode")),
            }],
            _ => vec![Heard::Nothing("not_for_a_desk")],
        },
        "logout.instance" | "remove.instance" | "instance.delete" => vec![Heard::Connection {
            state: Link::Closed,
            why: Some("the phone was signed out".into()),
        }],
        "qrcode.updated" => vec![qr(data)],
        "messages.set" | "messaging.history.set" => vec![Heard::Nothing("history")],
        "call" => vec![Heard::Nothing("call")],
        "error" => vec![Heard::Nothing("error_of_another_webhook")],
        _ => vec![Heard::Nothing("not_for_a_desk")],
    }
}

/// Every name that a key has for the other side, the one to send to first: a number before a privacy id.
fn names(key: &Value, of: &[&str]) -> Vec<Jid> {
    let mut found: Vec<Jid> = Vec::new();
    for name in of {
        let jid = key.get(*name).and_then(text_of).map(|text| Jid::of(&text));
        if let Some(jid) = jid.filter(|j| *j != Jid::Nobody && !found.contains(j)) {
            found.push(jid);
        }
    }
    found.sort_by_key(|jid| jid.phone().is_none());
    found
}

fn upsert(data: &Value, groups: bool) -> Heard {
    let key = &data["key"];
    let id = text_at(key, "id");
    let remote = Jid::of(&text_at(key, "remoteJid"));
    let is_group = matches!(remote, Jid::Group(_));
    if remote == Jid::Nobody || id.is_empty() {
        return Heard::Nothing("nobody_to_answer");
    }
    if is_group && !groups {
        return Heard::Nothing("group");
    }
    let own = key["fromMe"] == true;
    let chat = if is_group {
        vec![remote]
    } else {
        names(
            key,
            &[
                "remoteJid",
                "remoteJidAlt",
                "senderPn",
                "senderLid",
                "previousRemoteJid",
            ],
        )
    };
    let people = if is_group {
        names(
            key,
            &[
                "participant",
                "participantAlt",
                "participantPn",
                "participantLid",
            ],
        )
    } else {
        chat.clone()
    };
    let message = contents::unwrap(&data["message"]);
    let by = person(&people, &text_at(data, "pushName"), own);
    let read = match contents::read(message, data) {
        contents::Contents::Said(read) => read,
        contents::Contents::Reaction { id, emoji } => {
            return Heard::Reacted { id, by, emoji };
        }
        contents::Contents::Edited { id, text } => return Heard::Edited { id, text },
        contents::Contents::Removed { id } => return Heard::Removed { id },
        contents::Contents::Nothing(why) => return Heard::Nothing(why),
    };
    let names: Vec<String> = chat.iter().filter_map(Jid::name).collect();
    let reply_to = ["contextInfo"]
        .iter()
        .filter_map(|name| data.get(*name))
        .chain(contents::context(message))
        .find_map(|context| context.get("stanzaId").and_then(text_of));
    Heard::Said(Box::new(Said {
        place: Place {
            names,
            topic: None,
            is_group,
            title: if is_group {
                String::new()
            } else {
                by.name.clone()
            },
        },
        by,
        id,
        at: data
            .get("messageTimestamp")
            .and_then(number_of)
            .filter(|s| *s > 0)
            .map(|s| s.saturating_mul(SECOND)),
        text: read.text,
        media: read.media,
        extra: read.extra,
        reply_to,
        album: None,
        own,
    }))
}

/// Who it is. Names that Evolution makes up say nothing.
fn person(ids: &[Jid], push_name: &str, own: bool) -> Person {
    let phone = ids.iter().find_map(Jid::phone).map(str::to_owned);
    let digits = |name: &str| name.bytes().all(|b| b.is_ascii_digit() || b == b'+');
    let name = plain_name(push_name);
    let name = match name.as_str() {
        "Você" | "You" => String::new(),
        name if own || digits(name) => String::new(),
        name => name.to_owned(),
    };
    Person {
        id: ids.first().and_then(Jid::name).unwrap_or_default(),
        name: if name.is_empty() {
            phone.as_ref().map(|p| format!("+{p}")).unwrap_or_default()
        } else {
            name
        },
        phone,
        locale: None,
    }
}

fn edited(data: &Value) -> Heard {
    contents::protocol(data).unwrap_or(Heard::Nothing("settings_of_a_chat"))
}

fn removed(data: &Value) -> Heard {
    let key = data.get("key").filter(|k| k.is_object()).unwrap_or(data);
    match text_at(key, "id") {
        id if id.is_empty() => Heard::Nothing("no_message_named"),
        id => Heard::Removed { id },
    }
}

/// A receipt. That we have read what somebody wrote is known here already, and what some versions call deleted is not.
fn update(data: &Value) -> Heard {
    let key = &data["key"];
    let id = ["keyId", "id"]
        .iter()
        .find_map(|name| data.get(*name).and_then(text_of))
        .or_else(|| key.get("id").and_then(text_of))
        .unwrap_or_default();
    let from_me = data.get("fromMe").or_else(|| key.get("fromMe"));
    if from_me == Some(&Value::Bool(false)) {
        return Heard::Nothing("read_by_us");
    }
    let status = data
        .get("status")
        .or_else(|| data.pointer("/update/status"))
        .map(|s| text_of(s).unwrap_or_default().to_uppercase())
        .unwrap_or_default();
    let status = match status.as_str() {
        "SERVER_ACK" | "SENT" | "2" => Delivery::Sent,
        "DELIVERY_ACK" | "DELIVERED" | "3" => Delivery::Delivered,
        "READ" | "PLAYED" | "4" | "5" => Delivery::Read,
        "ERROR" | "FAILED" | "0" => Delivery::Failed,
        _ => return Heard::Nothing("receipt_that_says_nothing"),
    };
    if id.is_empty() {
        return Heard::Nothing("no_message_named");
    }
    Heard::Receipt {
        id,
        status,
        why: (status == Delivery::Failed).then(|| "WhatsApp did not take the message".to_owned()),
    }
}

fn connection(data: &Value) -> Heard {
    let state = match text_at(data, "state").as_str() {
        "open" => Link::Open,
        "connecting" => Link::Connecting,
        "close" | "closed" | "refused" => Link::Closed,
        _ => return Heard::Nothing("connection_not_understood"),
    };
    let why = match state {
        Link::Closed => reason(data.get("statusReason")),
        Link::Open | Link::Connecting => None,
    };
    Heard::Connection { state, why }
}

/// What a code of a lost connection means.
fn reason(code: Option<&Value>) -> Option<String> {
    let words = match code.and_then(number_of)? {
        401 => "the phone was signed out of WhatsApp",
        402 | 403 => "WhatsApp has blocked the number",
        406 => "WhatsApp does not accept the connection",
        408 => "WhatsApp did not answer in time",
        411 => "the phone has to be linked anew",
        440 => "another program took the connection over",
        503 => "WhatsApp is not available",
        code => return Some(format!("the connection was lost (code {code})")),
    };
    Some(words.to_owned())
}

fn qr(data: &Value) -> Heard {
    let image = data
        .pointer("/qrcode/base64")
        .or_else(|| data.get("base64"))
        .and_then(text_of)
        .filter(|image| image.starts_with("data:image/png;base64,"));
    match image {
        Some(image) => Heard::Qr { image },
        None => Heard::Connection {
            state: Link::Closed,
            why: Some("nobody scanned the code in time".into()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hostile::json;
    use proptest::prelude::*;

    const NAMES: &[&str] = &[
        "event",
        "messages.upsert",
        "messages.update",
        "connection.update",
        "qrcode.updated",
        "instance",
        "data",
        "key",
        "remoteJid",
        "fromMe",
        "id",
        "participant",
        "pushName",
        "message",
        "conversation",
        "extendedTextMessage",
        "text",
        "imageMessage",
        "documentMessage",
        "audioMessage",
        "reactionMessage",
        "caption",
        "base64",
        "mimetype",
        "status",
        "state",
        "open",
        "77011234567@s.whatsapp.net",
        "1203@g.us",
        "messageTimestamp",
        "contextInfo",
        "stanzaId",
    ];

    proptest! {
        #[test]
        fn any_event_is_understood_or_passed_over(body in json(NAMES), groups in any::<bool>()) {
            let _ = event_name(&body);
            let _ = token(&body);
            let _ = heard(&body, groups);
        }
    }
}
