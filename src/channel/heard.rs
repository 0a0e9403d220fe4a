//! What a messenger says, whichever it is: the adapters read their provider's JSON into this, and know of no database.
use crate::{clock::Millis, ticket::model::Delivery};
use serde_json::Value;

/// One thing that a provider told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Heard {
    /// Somebody wrote.
    Said(Box<Said>),
    /// A message has another text now.
    Edited { id: String, text: String },
    /// A message was taken back.
    Removed { id: String },
    /// Somebody reacted to a message; no emoji takes the reaction back.
    Reacted {
        id: String,
        by: Person,
        emoji: Option<String>,
    },
    /// How a message of ours fares.
    Receipt {
        id: String,
        status: Delivery,
        why: Option<String>,
    },
    /// Somebody pressed a button of ours.
    Pressed(Press),
    /// Somebody takes nothing from us any more, or again.
    Reachable { chat: Place, reachable: bool },
    /// Somebody opened the conversation, perhaps by a link of ours.
    Started {
        chat: Place,
        by: Person,
        payload: Option<String>,
    },
    /// A conversation goes on under another name.
    Moved { from: String, to: String },
    /// Where the connection behind the channel stands.
    Connection { state: Link, why: Option<String> },
    /// The code that a phone is to scan, as a `data:` URL.
    Qr { image: String },
    /// Nothing for a desk, and why.
    Nothing(&'static str),
}

/// A button that was pressed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Press {
    /// What the answer to it names.
    pub(crate) callback: String,
    pub(crate) chat: Place,
    pub(crate) by: Person,
    /// What the button bears.
    pub(crate) data: String,
    /// What the provider calls the message that the button is below, if it says so.
    pub(crate) message: Option<String>,
}

/// The connection of a messenger that runs on somebody's phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    Open,
    Connecting,
    /// Lost until somebody scans a code again.
    Closed,
}

impl Link {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Link::Open => "open",
            Link::Connecting => "connecting",
            Link::Closed => "closed",
        }
    }
}

/// Where something was said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// What the provider calls the chat. The first is what is sent to.
    pub(crate) names: Vec<String>,
    /// A topic of a group.
    pub(crate) topic: Option<String>,
    pub(crate) is_group: bool,
    pub(crate) title: String,
}

/// Who said it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Person {
    /// What the provider calls them.
    pub(crate) id: String,
    pub(crate) name: String,
    /// Their number, where the provider vouches for it.
    pub(crate) phone: Option<String>,
    pub(crate) locale: Option<String>,
}

/// A message.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Said {
    pub(crate) place: Place,
    pub(crate) by: Person,
    pub(crate) id: String,
    pub(crate) at: Option<Millis>,
    pub(crate) text: String,
    pub(crate) media: Vec<Media>,
    pub(crate) extra: Vec<Extra>,
    /// The message that it answers.
    pub(crate) reply_to: Option<String>,
    /// What the parts of one album have in common.
    pub(crate) album: Option<String>,
    /// Whether our own side wrote it: on the phone, or through another program.
    pub(crate) own: bool,
}

/// A file that came with a message.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Media {
    /// A name that nobody should trust; empty if there is none.
    pub(crate) name: String,
    pub(crate) mime: String,
    pub(crate) size: Option<u64>,
    pub(crate) source: Source,
}

/// Where the bytes of a file are.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Source {
    /// Asked for by this name.
    Named(String),
    /// Asked for by the message itself.
    Message(Value),
    /// Fetched from this address.
    Url(String),
    /// Here, in base64.
    Inline(String),
}

/// What is no text and no file, and is told in words.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Extra {
    Location {
        latitude: f64,
        longitude: f64,
        name: String,
    },
    Contact {
        name: String,
        phone: String,
    },
    Poll {
        question: String,
        options: Vec<String>,
    },
    Forwarded {
        from: String,
    },
    Sticker(String),
    /// Something that is not understood, by the provider's name for it.
    Unknown(String),
}

/// A text of JSON, or a number in it, as text.
pub(crate) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A number of JSON: as it is, as text, or split in two as JavaScript libraries do.
pub(crate) fn number_of(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Object(long) => {
            let low = long.get("low")?.as_i64()? & 0xffff_ffff;
            let high = long.get("high").and_then(Value::as_i64).unwrap_or(0);
            Some((high << 32) | low)
        }
        _ => None,
    }
}

/// The text below a name, empty if it is not there.
pub(crate) fn text_at(value: &Value, name: &str) -> String {
    value.get(name).and_then(text_of).unwrap_or_default()
}

/// What only steers how text is shown and could hide what it says: control characters and directions.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{ad}')
}

/// What takes room and shows nothing.
const FILLERS: [char; 6] = [
    '\u{34f}', '\u{115f}', '\u{1160}', '\u{2800}', '\u{3164}', '\u{ffa0}',
];

/// Whether nothing of a text is seen.
pub(crate) fn is_blank(text: &str) -> bool {
    text.chars()
        .all(|c| c.is_whitespace() || is_hidden(c) || FILLERS.contains(&c))
}

/// A name that somebody gave themselves, fit to be shown: one line, nothing hidden, at most 200 characters.
pub(crate) fn plain_name(name: &str) -> String {
    let shown: String = name.chars().filter(|c| !is_hidden(*c)).take(200).collect();
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A file's name without folders and without anything hidden.
pub(crate) fn file_name(name: &str, mime: &str, fallback: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain = plain_name(last);
    let plain = plain.trim_matches(['.', ' ']);
    if !plain.is_empty() {
        return plain.to_owned();
    }
    let ending = match mime.split(';').next().unwrap_or_default().trim() {
        "image/jpeg" => ".jpg",
        "image/png" => ".png",
        "image/webp" => ".webp",
        "image/gif" => ".gif",
        "video/mp4" => ".mp4",
        "video/webm" => ".webm",
        "audio/ogg" => ".ogg",
        "audio/mpeg" => ".mp3",
        "audio/mp4" => ".m4a",
        "application/pdf" => ".pdf",
        _ => "",
    };
    format!("{fallback}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_come_in_three_shapes() {
        assert_eq!(number_of(&json!(7)), Some(7));
        assert_eq!(number_of(&json!("1772611653")), Some(1_772_611_653));
        let long = json!({"low": -1_094_821_888, "high": 412, "unsigned": false});
        assert_eq!(number_of(&long), Some(1_772_726_671_360));
        assert_eq!(number_of(&json!([])), None);
    }

    #[test]
    fn a_text_that_shows_nothing_is_blank() {
        for text in [
            "",
            " \n",
            "\u{200b}",
            "\u{200b}\u{2060} \u{feff}",
            "\u{2800}\u{3164}",
        ] {
            assert!(is_blank(text), "{text:?}");
        }
        assert!(!is_blank("\u{200b}?") && !is_blank("❤\u{fe0f}"));
    }

    #[test]
    fn names_hide_nothing() {
        assert_eq!(plain_name(" \u{202e}Ержан\u{200b}\n К. "), "Ержан К.");
        assert_eq!(file_name("../../etc/акт\u{202e}.pdf", "", "f"), "акт.pdf");
        assert_eq!(
            file_name("", "audio/ogg; codecs=opus", "voice"),
            "voice.ogg"
        );
        assert_eq!(file_name("..", "", "file"), "file");
    }
}
