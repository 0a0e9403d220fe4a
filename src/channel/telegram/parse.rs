//! From an update of the Bot API to what was said. Pure: the shapes are those of the reference, and a member that nobody
//! knows yet is no fault.
use crate::{
    channel::heard::{
        Extra, Heard, Media, Person, Place, Press, Said, Source, file_name, is_blank, number_of,
        plain_name, text_at, text_of,
    },
    clock::SECOND,
};
use serde_json::Value;

/// Who posts for a group or a channel whose people stay unnamed.
const PLACEHOLDERS: [&str; 3] = ["1087968824", "136817688", "777000"];

/// What makes an update the same when it comes again. Numbers of updates begin anew after a quiet week, so the number
/// alone would not do.
pub(super) fn token(update: &Value) -> String {
    let number = text_at(update, "update_id");
    let (kind, message) = subject(update);
    let chat = message.pointer("/chat/id").and_then(text_of);
    let at = ["edit_date", "date"]
        .iter()
        .find_map(|name| message.get(*name).and_then(text_of));
    let id = ["message_id", "id"]
        .iter()
        .find_map(|name| message.get(*name).and_then(text_of));
    let part = |text: Option<String>| text.unwrap_or_default();
    format!("{number}/{kind}/{}/{}/{}", part(chat), part(id), part(at))
}

/// The one member that an update has beside its number.
fn subject(update: &Value) -> (&str, &Value) {
    update
        .as_object()
        .and_then(|members| members.iter().find(|(name, _)| *name != "update_id"))
        .map_or(("", &Value::Null), |(name, value)| (name.as_str(), value))
}

/// What an update says to a desk whose bot is called `bot`.
pub(super) fn heard(update: &Value, bot: &str) -> Heard {
    let (kind, subject) = subject(update);
    match kind {
        "message"
        | "channel_post"
        | "business_message"
        | "edited_message"
        | "edited_channel_post"
        | "edited_business_message"
        | "my_chat_member"
        | "message_reaction"
            if chat_id(subject).is_none() =>
        {
            Heard::Nothing("update_without_a_chat")
        }
        "message" | "channel_post" | "business_message" => message(subject, bot),
        "edited_message" | "edited_channel_post" | "edited_business_message" => edited(subject),
        "callback_query" => pressed(subject),
        "my_chat_member" => member(subject),
        "message_reaction" => reaction(subject),
        "deleted_business_messages" => Heard::Nothing("deleted_for_the_owner_only"),
        "" => Heard::Nothing("empty_update"),
        _ => Heard::Nothing("not_for_a_desk"),
    }
}

fn chat_id(message: &Value) -> Option<String> {
    let id = message.pointer("/chat/id").and_then(text_of);
    id.filter(|id| !id.is_empty())
}

fn message_id(message: &Value) -> String {
    format!(
        "{}:{}",
        chat_id(message).unwrap_or_default(),
        text_at(message, "message_id")
    )
}

fn place(message: &Value) -> Place {
    let chat = &message["chat"];
    let kind = text_at(chat, "type");
    // Replies in a group without topics bear a thread as well, which is no topic.
    let topic = (message["is_topic_message"] == true)
        .then(|| message.get("message_thread_id").and_then(text_of))
        .flatten();
    Place {
        names: vec![text_at(chat, "id")],
        topic,
        is_group: kind != "private",
        title: name_of(chat),
    }
}

/// What a user or a chat is called.
fn name_of(user: &Value) -> String {
    let full = format!(
        "{} {}",
        text_at(user, "first_name"),
        text_at(user, "last_name")
    );
    let name = plain_name(&full);
    [
        name,
        plain_name(&text_at(user, "title")),
        text_at(user, "username"),
    ]
    .into_iter()
    .find(|n| !n.is_empty())
    .unwrap_or_default()
}

fn author(message: &Value) -> Person {
    let from = &message["from"];
    let id = text_at(from, "id");
    let alias = message.get("sender_chat").filter(|alias| alias.is_object());
    let who = match alias {
        Some(alias) => alias,
        None if from.is_object() => from,
        None => &message["chat"],
    };
    let signed = plain_name(&text_at(message, "author_signature"));
    Person {
        id: if alias.is_some() || id.is_empty() {
            text_at(who, "id")
        } else {
            id
        },
        name: if signed.is_empty() {
            name_of(who)
        } else {
            signed
        },
        phone: None,
        locale: from.get("language_code").and_then(text_of),
    }
}

fn is_a_bot(message: &Value) -> bool {
    let from = &message["from"];
    let placeholder = PLACEHOLDERS.contains(&text_at(from, "id").as_str());
    from["is_bot"] == true && !placeholder
}

/// What is said about the chat itself and is no message of a person.
const SERVICE: [&str; 22] = [
    "new_chat_members",
    "left_chat_member",
    "new_chat_title",
    "new_chat_photo",
    "delete_chat_photo",
    "group_chat_created",
    "supergroup_chat_created",
    "channel_chat_created",
    "pinned_message",
    "forum_topic_created",
    "forum_topic_edited",
    "forum_topic_closed",
    "forum_topic_reopened",
    "general_forum_topic_hidden",
    "general_forum_topic_unhidden",
    "message_auto_delete_timer_changed",
    "write_access_allowed",
    "connected_website",
    "video_chat_started",
    "video_chat_ended",
    "boost_added",
    "chat_background_set",
];

fn message(message: &Value, bot: &str) -> Heard {
    if let Some(to) = message.get("migrate_to_chat_id").and_then(text_of) {
        let from = message.pointer("/chat/id").and_then(text_of);
        return Heard::Moved {
            from: from.unwrap_or_default(),
            to,
        };
    }
    if let Some(from) = message.get("migrate_from_chat_id").and_then(text_of) {
        let to = message.pointer("/chat/id").and_then(text_of);
        return Heard::Moved {
            from,
            to: to.unwrap_or_default(),
        };
    }
    if SERVICE.iter().any(|name| message.get(*name).is_some()) {
        return Heard::Nothing("service_message");
    }
    if is_a_bot(message) {
        return Heard::Nothing("from_a_bot");
    }
    let place = place(message);
    let mut by = author(message);
    let text = said_text(message);
    match command(&text, bot) {
        Command::Start(payload) => {
            return Heard::Started {
                chat: place,
                by,
                payload,
            };
        }
        Command::Another => return Heard::Nothing("for_another_bot"),
        Command::None => {}
    }
    let (media, mut extra) = contents(message);
    if let Some(contact) = message.get("contact").filter(|c| c.is_object()) {
        let phone = text_at(contact, "phone_number");
        // Only somebody's own card, sent by the button, proves a number.
        if contact.get("user_id").and_then(text_of) == Some(by.id.clone()) && !phone.is_empty() {
            by.phone = Some(phone.trim_start_matches('+').to_owned());
        }
        extra.push(Extra::Contact {
            name: name_of(contact),
            phone,
        });
    }
    if let Some(from) = forwarded(message) {
        extra.push(Extra::Forwarded { from });
    }
    if is_blank(&text) && media.is_empty() && extra.is_empty() {
        if !text.is_empty() {
            return Heard::Nothing("empty_message");
        }
        extra.push(Extra::Unknown(unknown(message)));
    }
    Heard::Said(Box::new(Said {
        id: message_id(message),
        at: message
            .get("date")
            .and_then(number_of)
            .map(|s| s.saturating_mul(SECOND)),
        text,
        media,
        extra,
        reply_to: reply_to(message),
        album: message.get("media_group_id").and_then(text_of),
        own: false,
        place,
        by,
    }))
}

enum Command {
    None,
    Start(Option<String>),
    Another,
}

/// `/start` and what stands behind it; a command that names another bot is not for us.
fn command(text: &str, bot: &str) -> Command {
    let Some(rest) = text.strip_prefix('/') else {
        return Command::None;
    };
    let (word, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let (name, whose) = word.split_once('@').unwrap_or((word, ""));
    if !whose.is_empty() && !bot.is_empty() && !whose.eq_ignore_ascii_case(bot) {
        return Command::Another;
    }
    if name != "start" {
        return Command::None;
    }
    let payload = after.trim();
    Command::Start((!payload.is_empty()).then(|| payload.to_owned()))
}

/// The words of a message; a link that hides behind a word stands beside it.
fn said_text(message: &Value) -> String {
    let (text, entities) = match message.get("text").and_then(Value::as_str) {
        Some(text) => (text, &message["entities"]),
        None => (
            message["caption"].as_str().unwrap_or_default(),
            &message["caption_entities"],
        ),
    };
    let mut links: Vec<(usize, String)> = entities
        .as_array()
        .into_iter()
        .flatten()
        .filter(|entity| entity["type"] == "text_link")
        .filter_map(|entity| {
            let offset = usize::try_from(number_of(&entity["offset"])?).ok()?;
            let length = usize::try_from(number_of(&entity["length"])?).ok()?;
            Some((offset.saturating_add(length), text_at(entity, "url")))
        })
        .collect();
    if links.is_empty() {
        return text.to_owned();
    }
    links.sort();
    // Offsets count UTF-16 units; one beyond the end, or inside a pair, goes to the next letter's edge.
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    let mut links = links.into_iter().peekable();
    let mut place_due = |out: &mut String, at: usize| {
        while let Some((_, url)) = links.next_if(|(end, _)| *end <= at) {
            out.push_str(&format!(" ({url})"));
        }
    };
    for c in text.chars() {
        place_due(&mut out, at);
        out.push(c);
        at += c.len_utf16();
    }
    place_due(&mut out, usize::MAX);
    out
}

/// The message that is answered. In a topic every message answers the one that made the topic, which says nothing.
fn reply_to(message: &Value) -> Option<String> {
    let replied = message.get("reply_to_message")?;
    let made_the_topic = replied.get("forum_topic_created").is_some()
        || (message["is_topic_message"] == true
            && replied.get("message_id").and_then(text_of)
                == message.get("message_thread_id").and_then(text_of));
    (!made_the_topic).then(|| message_id(replied))
}

fn forwarded(message: &Value) -> Option<String> {
    let origin = message.get("forward_origin")?;
    let who = ["sender_user", "sender_chat", "chat"]
        .iter()
        .filter_map(|name| origin.get(*name))
        .map(name_of)
        .find(|name| !name.is_empty())
        .unwrap_or_else(|| plain_name(&text_at(origin, "sender_user_name")));
    Some(who)
}

/// The name of what is not understood: the first member that the message does not share with all others.
fn unknown(message: &Value) -> String {
    const COMMON: [&str; 12] = [
        "message_id",
        "from",
        "chat",
        "date",
        "sender_chat",
        "message_thread_id",
        "is_topic_message",
        "reply_to_message",
        "via_bot",
        "has_protected_content",
        "business_connection_id",
        "media_group_id",
    ];
    let members = message.as_object().into_iter().flatten();
    let own = members.map(|(name, _)| name.as_str());
    own.into_iter()
        .find(|name| !COMMON.contains(name))
        .unwrap_or("empty")
        .to_owned()
}

/// The kinds of file, what the provider says their type is, and what they are called if nobody says.
const FILES: [(&str, &str, &str); 7] = [
    ("voice", "audio/ogg", "voice"),
    ("audio", "audio/mpeg", "audio"),
    ("video", "video/mp4", "video"),
    ("video_note", "video/mp4", "video"),
    ("animation", "video/mp4", "animation"),
    ("document", "application/octet-stream", "file"),
    ("sticker", "image/webp", "sticker"),
];

fn contents(message: &Value) -> (Vec<Media>, Vec<Extra>) {
    let (mut media, mut extra) = (Vec::new(), Vec::new());
    if let Some(sizes) = message.get("photo").and_then(Value::as_array) {
        let area = |size: &Value| {
            number_of(&size["width"]).unwrap_or(0) * number_of(&size["height"]).unwrap_or(0)
        };
        if let Some(best) = sizes.iter().max_by_key(|size| area(size)) {
            media.push(file(best, "image/jpeg", "photo"));
        }
    }
    for (name, mime, fallback) in FILES {
        let Some(found) = message.get(name).filter(|f| f.is_object()) else {
            continue;
        };
        // An animation is a document as well.
        if name == "document" && message.get("animation").is_some() {
            continue;
        }
        if name == "sticker" {
            let mime = match (found["is_animated"] == true, found["is_video"] == true) {
                (true, _) => "application/x-tgsticker",
                (_, true) => "video/webm",
                _ => mime,
            };
            media.push(file(found, mime, fallback));
            extra.push(Extra::Sticker(text_at(found, "emoji")));
            continue;
        }
        media.push(file(found, mime, fallback));
    }
    // A venue is a location as well.
    let venue = message.get("venue");
    if let Some(location) = venue
        .and_then(|v| v.get("location"))
        .or_else(|| message.get("location"))
    {
        let name = venue.map_or(String::new(), |v| {
            plain_name(&format!(
                "{} {}",
                text_at(v, "title"),
                text_at(v, "address")
            ))
        });
        extra.push(Extra::Location {
            latitude: location["latitude"].as_f64().unwrap_or_default(),
            longitude: location["longitude"].as_f64().unwrap_or_default(),
            name,
        });
    }
    if let Some(poll) = message.get("poll").filter(|p| p.is_object()) {
        let options = poll["options"].as_array().into_iter().flatten();
        extra.push(Extra::Poll {
            question: text_at(poll, "question"),
            options: options.map(|o| text_at(o, "text")).collect(),
        });
    }
    if let Some(dice) = message.get("dice").filter(|d| d.is_object()) {
        extra.push(Extra::Sticker(format!(
            "{} {}",
            text_at(dice, "emoji"),
            text_at(dice, "value")
        )));
    }
    (media, extra)
}

fn file(found: &Value, mime: &str, fallback: &str) -> Media {
    let said = text_at(found, "mime_type");
    let mime = if said.is_empty() {
        mime.to_owned()
    } else {
        said
    };
    Media {
        name: file_name(&text_at(found, "file_name"), &mime, fallback),
        size: found
            .get("file_size")
            .and_then(number_of)
            .and_then(|n| u64::try_from(n).ok()),
        source: Source::Named(text_at(found, "file_id")),
        mime,
    }
}

fn edited(message: &Value) -> Heard {
    if is_a_bot(message) {
        return Heard::Nothing("from_a_bot");
    }
    let text = said_text(message);
    if is_blank(&text) {
        // A live location ticks, a preview appears: the words are as they were.
        return Heard::Nothing("edit_without_text");
    }
    Heard::Edited {
        id: message_id(message),
        text,
    }
}

fn pressed(query: &Value) -> Heard {
    let message = &query["message"];
    let from = &query["from"];
    let Some(data) = query.get("data").and_then(text_of) else {
        return Heard::Nothing("button_without_data");
    };
    let mut chat = place(message);
    if message.get("chat").is_none() {
        chat.names = vec![text_at(from, "id")];
    }
    let known = message.get("message_id").and_then(text_of);
    Heard::Pressed(Press {
        callback: text_at(query, "id"),
        chat,
        message: known.map(|_| message_id(message)),
        by: Person {
            id: text_at(from, "id"),
            name: name_of(from),
            phone: None,
            locale: from.get("language_code").and_then(text_of),
        },
        data,
    })
}

fn member(change: &Value) -> Heard {
    let status = change.pointer("/new_chat_member/status");
    let reachable = match status.and_then(Value::as_str) {
        Some("kicked" | "left") => false,
        Some("member" | "administrator" | "creator" | "restricted") => true,
        _ => return Heard::Nothing("membership_not_understood"),
    };
    Heard::Reachable {
        chat: place(change),
        reachable,
    }
}

fn reaction(change: &Value) -> Heard {
    let by = ["user", "actor_chat"]
        .iter()
        .find_map(|name| change.get(*name))
        .unwrap_or(&Value::Null);
    let emoji = change["new_reaction"]
        .as_array()
        .and_then(|all| all.last())
        .map(|last| match last["type"].as_str() {
            Some("emoji") => text_at(last, "emoji"),
            _ => "⭐".to_owned(),
        });
    Heard::Reacted {
        id: message_id(change),
        by: Person {
            id: text_at(by, "id"),
            name: name_of(by),
            phone: None,
            locale: None,
        },
        emoji,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hostile::json;
    use proptest::prelude::*;

    const NAMES: &[&str] = &[
        "update_id",
        "message",
        "edited_message",
        "callback_query",
        "my_chat_member",
        "message_reaction",
        "chat",
        "from",
        "id",
        "type",
        "private",
        "group",
        "supergroup",
        "text",
        "caption",
        "entities",
        "photo",
        "document",
        "file_id",
        "file_size",
        "voice",
        "contact",
        "location",
        "media_group_id",
        "reply_to_message",
        "message_id",
        "date",
        "data",
        "new_chat_member",
        "status",
        "kicked",
        "migrate_to_chat_id",
        "message_thread_id",
        "emoji",
        "new_reaction",
    ];

    #[test]
    fn a_time_out_of_all_bounds_is_the_last_there_is() {
        let chat = serde_json::json!({ "id": 7, "type": "private" });
        let update = serde_json::json!({
            "update_id": 1,
            "message": { "message_id": 1, "date": i64::MAX, "chat": chat, "from": { "id": 7, "first_name": "A" }, "text": "?" },
        });
        let Heard::Said(said) = heard(&update, "desk_bot") else {
            panic!("not heard: {update}");
        };
        assert_eq!(said.at, Some(i64::MAX));
    }

    #[test]
    fn what_names_no_chat_is_no_message() {
        for update in [
            serde_json::json!({ "update_id": 102, "message": "poison" }),
            serde_json::json!({ "update_id": 102, "message": { "text": "?", "chat": "7" } }),
            serde_json::json!({ "update_id": 102, "message": { "text": "?", "chat": { "id": {} } } }),
            serde_json::json!({ "update_id": 102, "edited_message": [1] }),
            serde_json::json!({ "update_id": 102, "message_reaction": null }),
            serde_json::json!({ "update_id": 102, "my_chat_member": { "new_chat_member": { "status": "left" } } }),
        ] {
            let nothing = Heard::Nothing("update_without_a_chat");
            assert_eq!(heard(&update, "desk_bot"), nothing, "{update}");
        }
    }

    proptest! {
        #[test]
        fn any_update_is_understood_or_passed_over(update in json(NAMES)) {
            let _ = token(&update);
            let _ = heard(&update, "desk_bot");
        }
    }
}
