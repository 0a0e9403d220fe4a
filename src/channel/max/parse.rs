//! From an update of MAX to what was said. Pure.
use crate::channel::heard::{
    Extra, Heard, Media, Person, Place, Press, Said, Source, file_name, is_blank, number_of,
    plain_name, text_at, text_of,
};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// What makes an update the same when it comes again.
pub(super) fn token(update: &Value) -> String {
    let id = [
        "/message/body/mid",
        "/callback/callback_id",
        "/message_id",
        "/chat_id",
    ]
    .iter()
    .find_map(|path| update.pointer(path).and_then(text_of));
    format!(
        "{}/{}/{}",
        text_at(update, "update_type"),
        id.unwrap_or_default(),
        text_at(update, "timestamp")
    )
}

/// What an update says. `key` is the bot's token, by which a shared number is proved.
pub(super) fn heard(update: &Value, key: &str) -> Heard {
    match text_at(update, "update_type").as_str() {
        "message_created" => message(update, key),
        "message_edited" => edited(&update["message"]),
        "message_removed" => match text_at(update, "message_id") {
            id if id.is_empty() => Heard::Nothing("no_message_named"),
            id => Heard::Removed { id },
        },
        "message_callback" => pressed(update),
        "bot_started" | "bot_stopped" | "dialog_removed" | "bot_removed" | "bot_added"
            if text_at(update, "chat_id").is_empty() =>
        {
            Heard::Nothing("update_without_a_chat")
        }
        "bot_started" => Heard::Started {
            chat: place_of(update),
            by: person(&update["user"], update),
            payload: update
                .get("payload")
                .and_then(text_of)
                .filter(|p| !p.is_empty()),
        },
        "bot_stopped" | "dialog_removed" | "bot_removed" => Heard::Reachable {
            chat: place_of(update),
            reachable: false,
        },
        "bot_added" => Heard::Reachable {
            chat: Place {
                is_group: true,
                ..place_of(update)
            },
            reachable: true,
        },
        "" => Heard::Nothing("empty_update"),
        _ => Heard::Nothing("not_for_a_desk"),
    }
}

fn person(user: &Value, update: &Value) -> Person {
    let full = format!(
        "{} {}",
        text_at(user, "first_name"),
        text_at(user, "last_name")
    );
    let name = [
        plain_name(&text_at(user, "name")),
        plain_name(&full),
        text_at(user, "username"),
    ];
    Person {
        id: text_at(user, "user_id"),
        name: name.into_iter().find(|n| !n.is_empty()).unwrap_or_default(),
        phone: None,
        locale: update.get("user_locale").and_then(text_of),
    }
}

/// The chat of an update that is about one.
fn place_of(update: &Value) -> Place {
    Place {
        names: vec![text_at(update, "chat_id")],
        topic: None,
        is_group: false,
        title: person(&update["user"], update).name,
    }
}

/// The chat that a message was sent to.
fn place(message: &Value, title: &str) -> Place {
    let recipient = &message["recipient"];
    let kind = text_at(recipient, "chat_type");
    let is_group = kind != "dialog" && !kind.is_empty();
    Place {
        names: vec![text_at(recipient, "chat_id")],
        topic: None,
        title: if is_group {
            String::new()
        } else {
            title.to_owned()
        },
        is_group,
    }
}

fn message(update: &Value, key: &str) -> Heard {
    let message = &update["message"];
    let sender = &message["sender"];
    if sender["is_bot"] == true {
        return Heard::Nothing("from_a_bot");
    }
    let body = &message["body"];
    let id = text_at(body, "mid");
    if id.is_empty() {
        return Heard::Nothing("message_without_a_body");
    }
    if text_at(&message["recipient"], "chat_id").is_empty() {
        return Heard::Nothing("update_without_a_chat");
    }
    let mut by = person(sender, update);
    let place = place(message, &by.name);
    let mut text = text_at(body, "text");
    if let Some(rest) = text.strip_prefix("/start")
        && (rest.is_empty() || rest.starts_with(char::is_whitespace))
    {
        let payload = rest.trim();
        return Heard::Started {
            chat: place,
            payload: (!payload.is_empty()).then(|| payload.to_owned()),
            by,
        };
    }
    let link = &message["link"];
    let (mut media, mut extra) = (Vec::new(), Vec::new());
    attachments(body, &mut by, key, &mut media, &mut extra);
    let mut reply_to = None;
    match link["type"].as_str() {
        Some("reply") => reply_to = link.pointer("/message/mid").and_then(text_of),
        Some("forward") => {
            let forwarded = &link["message"];
            attachments(
                forwarded,
                &mut Person::default(),
                "",
                &mut media,
                &mut extra,
            );
            let inner = text_at(forwarded, "text");
            text = [text, inner]
                .into_iter()
                .filter(|t| !t.is_empty())
                .collect::<Vec<_>>()
                .join("\n\n");
            extra.push(Extra::Forwarded {
                from: person(&link["sender"], update).name,
            });
        }
        _ => {}
    }
    if is_blank(&text) && media.is_empty() && extra.is_empty() {
        if !text.is_empty() {
            return Heard::Nothing("empty_message");
        }
        extra.push(Extra::Unknown("message".into()));
    }
    Heard::Said(Box::new(Said {
        at: message.get("timestamp").and_then(number_of),
        place,
        by,
        id,
        text,
        media,
        extra,
        reply_to,
        album: None,
        own: false,
    }))
}

fn attachments(
    body: &Value,
    by: &mut Person,
    key: &str,
    media: &mut Vec<Media>,
    extra: &mut Vec<Extra>,
) {
    for attachment in body["attachments"].as_array().into_iter().flatten() {
        let payload = &attachment["payload"];
        let kind = text_at(attachment, "type");
        let (mime, fallback) = match kind.as_str() {
            "image" => ("image/jpeg", "photo"),
            "audio" => ("audio/mpeg", "audio"),
            "video" => ("video/mp4", "video"),
            "file" => ("application/octet-stream", "file"),
            "sticker" => ("image/webp", "sticker"),
            "contact" => {
                extra.push(contact(payload, by, key));
                continue;
            }
            "location" => {
                extra.push(Extra::Location {
                    latitude: attachment["latitude"].as_f64().unwrap_or_default(),
                    longitude: attachment["longitude"].as_f64().unwrap_or_default(),
                    name: String::new(),
                });
                continue;
            }
            // A preview of a link that stands in the text, and buttons of ours.
            "share" | "inline_keyboard" | "reply_keyboard" | "data" => continue,
            other => {
                extra.push(Extra::Unknown(other.to_owned()));
                continue;
            }
        };
        let name = file_name(&text_at(attachment, "filename"), mime, fallback);
        media.push(Media {
            mime: mime_of(&name, mime),
            name,
            size: attachment
                .get("size")
                .and_then(number_of)
                .and_then(|n| u64::try_from(n).ok()),
            source: Source::Url(text_at(payload, "url")),
        });
        if kind == "sticker" {
            extra.push(Extra::Sticker(String::new()));
        }
    }
}

/// MAX tells no types of files: the ending of the name does.
fn mime_of(name: &str, usual: &str) -> String {
    let ending = name.rsplit_once('.').map(|(_, e)| e.to_lowercase());
    match ending.as_deref() {
        Some("pdf") => "application/pdf",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("txt" | "log") => "text/plain",
        Some("ogg") => "audio/ogg",
        Some("mp4") => "video/mp4",
        _ => usual,
    }
    .to_owned()
}

/// A card. It proves a number if MAX has signed it for our bot and it is the sender's own.
fn contact(payload: &Value, by: &mut Person, key: &str) -> Extra {
    let vcard = text_at(payload, "vcf_info");
    let vcard = vcard.replace("\\r\\n", "\r\n");
    let line = |name: &str| {
        vcard
            .lines()
            .find(|line| line.starts_with(name))
            .and_then(|line| line.rsplit_once(':'))
            .map(|(_, value)| value.trim().to_owned())
    };
    let phone = line("TEL").unwrap_or_default();
    let info = ["max_info", "tam_info"]
        .iter()
        .find_map(|name| payload.get(*name))
        .unwrap_or(&Value::Null);
    let own = text_at(info, "user_id") == by.id;
    if own && !phone.is_empty() && is_signed(&vcard, &text_at(payload, "hash"), key) {
        by.phone = Some(phone.trim_start_matches('+').to_owned());
    }
    let name = line("FN").unwrap_or_else(|| text_at(info, "name"));
    Extra::Contact {
        name: plain_name(&name),
        phone,
    }
}

/// Whether MAX has signed a card for the bot with that token.
fn is_signed(vcard: &str, hash: &str, key: &str) -> bool {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.as_bytes()) else {
        return false;
    };
    mac.update(vcard.as_bytes());
    let expected = data_encoding::HEXLOWER.encode(&mac.finalize().into_bytes());
    let given = hash.to_lowercase();
    !key.is_empty() && bool::from(expected.as_bytes().ct_eq(given.as_bytes()))
}

fn edited(message: &Value) -> Heard {
    if message.pointer("/sender/is_bot") == Some(&Value::Bool(true)) {
        return Heard::Nothing("from_a_bot");
    }
    let (id, text) = (
        text_at(&message["body"], "mid"),
        text_at(&message["body"], "text"),
    );
    if id.is_empty() || is_blank(&text) {
        return Heard::Nothing("edit_without_text");
    }
    Heard::Edited { id, text }
}

fn pressed(update: &Value) -> Heard {
    let callback = &update["callback"];
    let by = person(&callback["user"], update);
    let Some(data) = callback.get("payload").and_then(text_of) else {
        return Heard::Nothing("button_without_data");
    };
    Heard::Pressed(Press {
        callback: text_at(callback, "callback_id"),
        chat: place(&update["message"], &by.name),
        message: update.pointer("/message/body/mid").and_then(text_of),
        by,
        data,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hostile::json;
    use proptest::prelude::*;

    const NAMES: &[&str] = &[
        "update_type",
        "message_created",
        "message_edited",
        "message_removed",
        "message_callback",
        "bot_started",
        "timestamp",
        "message",
        "sender",
        "user_id",
        "name",
        "recipient",
        "chat_id",
        "chat_type",
        "body",
        "mid",
        "seq",
        "text",
        "attachments",
        "type",
        "payload",
        "image",
        "file",
        "contact",
        "vcf_info",
        "url",
        "token",
        "callback",
        "link",
        "reply",
    ];

    proptest! {
        #[test]
        fn any_update_is_understood_or_passed_over(update in json(NAMES)) {
            let _ = token(&update);
            let _ = heard(&update, "key");
        }
    }

    #[test]
    fn what_shows_nothing_or_names_no_chat_is_no_message() {
        let said = |text: &str, recipient: Value| {
            let message = serde_json::json!({
                "recipient": recipient, "sender": { "user_id": 10_001, "name": "Асем" },
                "body": { "mid": "mid.01", "text": text },
            });
            let update =
                serde_json::json!({ "update_type": "message_created", "message": message });
            heard(&update, "key")
        };
        let dialog = || serde_json::json!({ "chat_id": 182, "chat_type": "dialog" });
        assert_eq!(said("\u{200b}", dialog()), Heard::Nothing("empty_message"));
        assert!(matches!(said("?", dialog()), Heard::Said(_)));
        let started =
            serde_json::json!({ "update_type": "bot_started", "user": { "user_id": 10_001 } });
        assert_eq!(
            heard(&started, "key"),
            Heard::Nothing("update_without_a_chat")
        );
        assert_eq!(
            said("?", Value::Null),
            Heard::Nothing("update_without_a_chat")
        );
    }

    #[test]
    fn a_card_proves_a_number_if_it_is_signed_for_our_bot() {
        let vcard = "BEGIN:VCARD\r\nVERSION:3.0\r\nPRODID:ez-vcard 0.10.3\r\nTEL;TYPE=cell:77015550142\r\nFN:Асем Н\r\nEND:VCARD\r\n";
        let hash = "74a69efc246dfc899ff96024d831388ac8acae0cf8d1a1c0163404aa11c9d283";
        assert!(is_signed(vcard, hash, "max-bot-token-example-1"));
        assert!(is_signed(
            vcard,
            &hash.to_uppercase(),
            "max-bot-token-example-1"
        ));
        assert!(!is_signed(vcard, hash, "another token"));
        assert!(!is_signed(
            &vcard.replace("142", "143"),
            hash,
            "max-bot-token-example-1"
        ));
        assert!(!is_signed(vcard, "", ""));
    }
}
