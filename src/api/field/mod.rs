//! The types of parameters: parsed at the door, trusted inside. Each has one way to be made, and says in a [`Fault`] what
//! is wrong with a value that it does not take. A number or a bool may also come as text, as forms send them.
mod decode;
mod id;
mod most;

pub(crate) use decode::decode;
use decode::refuse;
pub(crate) use id::{
    ArticleId, ChannelId, ClientId, ContactId, DeliveryId, FileId, KeyId, MacroId, MessageId,
    MobileSessionId, NotificationId, OperatorId, PortalId, QuickReplyId, SessionId, TagId,
    TariffId, TenantId, TicketId, TimeEntryId, TriggerId, ViewId, WebhookId,
};
pub(crate) use most::Most;

use crate::{
    clock::{self, Millis},
    error::{Error, Fault, Result},
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use std::{borrow::Cow, fmt, ops::Deref};

/// A parameter type that is made of a JSON value by one fallible function and has a fixed schema.
macro_rules! parameter {
    ($type:ty, $name:expr, |$value:ident| $parse:expr, $schema:tt) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
                let $value = Value::deserialize(source)?;
                let parsed: Result<Self, Fault> = $parse;
                parsed.map_err(refuse)
            }
        }
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }
            fn inline_schema() -> bool {
                true
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

pub(crate) fn integer(value: &Value) -> Result<i64, Fault> {
    match value {
        Value::Number(n) => n.as_i64().ok_or(Fault::NotInteger),
        Value::String(text) => text.trim().parse().map_err(|_| Fault::NotInteger),
        _ => Err(Fault::NotInteger),
    }
}

fn number(value: &Value) -> Result<f64, Fault> {
    let parsed = match value {
        Value::Number(n) => n.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    parsed.filter(|n| n.is_finite()).ok_or(Fault::NotNumber)
}

fn text(value: Value, most: usize) -> Result<String, Fault> {
    let Value::String(text) = value else {
        return Err(Fault::NotText);
    };
    if text.chars().count() > most {
        return Err(Fault::TooLong(most));
    }
    Ok(text)
}

/// Text without a newline or another control character, trimmed and not empty.
fn line(value: Value, most: usize) -> Result<String, Fault> {
    let text = text(value, most)?;
    let clean: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    match clean.trim() {
        "" => Err(Fault::Empty),
        trimmed => Ok(trimmed.to_owned()),
    }
}

pub(crate) use parameter;

macro_rules! transparent {
    ($($type:ident => $target:ty),*) => {$(
        impl Deref for $type {
            type Target = $target;
            fn deref(&self) -> &$target {
                &self.0
            }
        }
    )*};
}

/// An integer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Int(pub(crate) i64);
parameter!(Int, "Int", |value| integer(&value).map(Int), { "type": "integer", "format": "int64" });

/// A number that is not negative.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Amount(pub(crate) f64);
parameter!(
    Amount,
    "Amount",
    |value| number(&value).and_then(|n| if (0.0..=1e9).contains(&n) { Ok(Amount(n)) } else { Err(Fault::OutOfRange(0, 1_000_000_000)) }),
    { "type": "number", "minimum": 0, "maximum": 1e9 }
);

/// The place of something in a list that people order by hand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Position(pub(crate) i64);
parameter!(
    Position,
    "Position",
    |value| integer(&value).and_then(|n| if (0..=1_000_000_000).contains(&n) { Ok(Position(n)) } else { Err(Fault::OutOfRange(0, 1_000_000_000)) }),
    { "type": "integer", "minimum": 0, "maximum": 1_000_000_000 }
);

/// Yes or no.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(transparent)]
pub(crate) struct Flag(pub(crate) bool);
parameter!(
    Flag,
    "Flag",
    |value| match &value {
        Value::Bool(b) => Ok(Flag(*b)),
        Value::Number(n) if n.as_i64() == Some(1) => Ok(Flag(true)),
        Value::Number(n) if n.as_i64() == Some(0) => Ok(Flag(false)),
        Value::String(s) if matches!(s.as_str(), "1" | "true") => Ok(Flag(true)),
        Value::String(s) if matches!(s.as_str(), "0" | "false" | "") => Ok(Flag(false)),
        _ => Err(Fault::NotBool),
    },
    { "type": "boolean" }
);

/// A point in time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Time(pub(crate) Millis);
parameter!(
    Time,
    "Time",
    |value| value.as_str().and_then(clock::parse).map(Time).ok_or(Fault::NotTime),
    { "type": "string", "format": "date-time" }
);

/// The title of a ticket.
#[derive(Clone, Debug)]
pub(crate) struct Subject(pub(crate) String);
parameter!(Subject, "Subject", |value| line(value, 255).map(Subject), { "type": "string", "minLength": 1, "maxLength": 255 });

/// A name of a person, a company or a thing: one line.
#[derive(Clone, Debug)]
pub(crate) struct Name(pub(crate) String);
parameter!(Name, "Name", |value| line(value, 200).map(Name), { "type": "string", "minLength": 1, "maxLength": 200 });

/// A text of any number of lines that says something.
#[derive(Clone, Debug)]
pub(crate) struct Body(pub(crate) String);
parameter!(
    Body,
    "Body",
    |value| text(value, 65_536).and_then(|t| if t.trim().is_empty() { Err(Fault::Empty) } else { Ok(Body(t)) }),
    { "type": "string", "minLength": 1, "maxLength": 65536 }
);

/// The source of a mail or of another delivery.
#[derive(Clone, Debug)]
pub(crate) struct Source(pub(crate) String);
parameter!(
    Source,
    "Source",
    |value| text(value, 1_000_000).and_then(|t| if t.trim().is_empty() { Err(Fault::Empty) } else { Ok(Source(t)) }),
    { "type": "string", "minLength": 1, "maxLength": 1_000_000 }
);

/// A text of any number of lines that may be empty.
#[derive(Clone, Debug, Default)]
pub(crate) struct Text(pub(crate) String);
parameter!(Text, "Text", |value| text(value, 65_536).map(Text), { "type": "string", "maxLength": 65536 });

/// One line that may be empty.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(transparent)]
pub(crate) struct Line(pub(crate) String);
parameter!(
    Line,
    "Line",
    |value| match line(value, 255) {
        Ok(line) => Ok(Line(line)),
        Err(Fault::Empty) => Ok(Line::default()),
        Err(fault) => Err(fault),
    },
    { "type": "string", "maxLength": 255 }
);

/// An e-mail address, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Email(pub(crate) String);
parameter!(
    Email,
    "Email",
    |value| text(value, 254).and_then(|t| Email::parse(&t).ok_or(Fault::NotEmail)),
    { "type": "string", "format": "email", "maxLength": 254 }
);

impl Email {
    /// The practical form of RFC 5321's `Mailbox`: one `@`, no blanks or brackets, a domain.
    pub(crate) fn parse(text: &str) -> Option<Email> {
        let text = text.trim();
        let (local, domain) = text.rsplit_once('@')?;
        let plain = |part: &str| {
            !part.is_empty()
                && part
                    .chars()
                    .all(|c| !c.is_whitespace() && !c.is_control() && !"<>()[]@,;:\\\"".contains(c))
        };
        let good = plain(local)
            && local.len() <= 64
            && plain(domain)
            && domain.len() <= 253
            && domain.split('.').all(|label| !label.is_empty());
        good.then(|| Email(text.to_lowercase()))
    }
}

/// The domain name that a client's portal goes by.
#[derive(Clone, Debug)]
pub(crate) struct Domain(pub(crate) String);
parameter!(
    Domain,
    "Domain",
    |value| text(value, 253).and_then(|t| Domain::parse(&t).ok_or(Fault::NotDomain)),
    { "type": "string", "minLength": 1, "maxLength": 253 }
);

impl Domain {
    fn parse(text: &str) -> Option<Domain> {
        let name = text.trim().trim_end_matches('.').to_lowercase();
        let label = |l: &str| {
            !l.is_empty()
                && l.len() <= 63
                && l.chars()
                    .all(|c| c.is_alphanumeric() || c == '-' || c == '_')
        };
        name.split('.').all(label).then_some(Domain(name))
    }
}

/// A short code such as a category's.
#[derive(Clone, Debug)]
pub(crate) struct Code(pub(crate) String);
parameter!(
    Code,
    "Code",
    |value| text(value, 64).and_then(|t| {
        let plain = !t.is_empty() && t.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_');
        if plain { Ok(Code(t)) } else { Err(Fault::NotCode) }
    }),
    { "type": "string", "pattern": "^[a-z0-9_-]+$", "maxLength": 64 }
);

/// A currency by its ISO 4217 code.
#[derive(Clone, Debug)]
pub(crate) struct Currency(pub(crate) String);
parameter!(
    Currency,
    "Currency",
    |value| text(value, 3).map_err(|_| Fault::NotCurrency).and_then(|t| {
        if t.len() == 3 && t.bytes().all(|b| b.is_ascii_alphabetic()) { Ok(Currency(t.to_ascii_uppercase())) } else { Err(Fault::NotCurrency) }
    }),
    { "type": "string", "pattern": "^[A-Za-z]{3}$" }
);

/// A colour as the web writes it.
#[derive(Clone, Debug)]
pub(crate) struct Color(pub(crate) String);
parameter!(
    Color,
    "Color",
    |value| text(value, 7).and_then(|t| {
        let hex = t.strip_prefix('#').is_some_and(|h| h.len() == 6 && h.bytes().all(|b| b.is_ascii_hexdigit()));
        if hex { Ok(Color(t.to_lowercase())) } else { Err(Fault::NotColor) }
    }),
    { "type": "string", "pattern": "^#[0-9a-fA-F]{6}$" }
);

/// A picture as a `data:` URL, or the address at which it was found.
#[derive(Clone, Debug)]
pub(crate) struct Picture(pub(crate) String);
parameter!(
    Picture,
    "Picture",
    |value| text(value, 900_000).map(Picture),
    { "type": "string", "maxLength": 900_000 }
);

/// A time zone by its name in the IANA database.
#[derive(Clone, Debug)]
pub(crate) struct Zone(pub(crate) String);
parameter!(
    Zone,
    "Zone",
    |value| text(value, 64).and_then(|t| {
        let known = jiff::tz::TimeZone::get(t.trim()).map_err(|_| Fault::NotZone)?;
        known.iana_name().map(|name| Zone(name.to_owned())).ok_or(Fault::NotZone)
    }),
    { "type": "string", "maxLength": 64 }
);

/// A password as it is typed. Never shown, not even in debug output.
#[derive(Clone)]
pub(crate) struct Password(pub(crate) String);
parameter!(
    Password,
    "Password",
    |value| text(value, 1024).map(Password),
    { "type": "string", "format": "password", "maxLength": 1024 }
);

impl Password {
    pub(crate) const LEAST: usize = 8;

    /// A password that is being set must have a length that guessing does not reach.
    pub(crate) fn strong_enough(&self, field: &'static str) -> Result<()> {
        if self.0.chars().count() < Password::LEAST {
            return Err(Error::invalid(field, Fault::WeakPassword));
        }
        Ok(())
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// What stands as JSON in a call, or as text in a form, and has several forms: the conditions and actions of a rule.
#[derive(Clone, Debug, Default)]
pub(crate) struct Given(pub(crate) Value);
parameter!(
    Given,
    "Given",
    |value| match value {
        Value::String(text) => serde_json::from_str(&text).map(Given).map_err(|_| Fault::NotObject),
        value => Ok(Given(value)),
    },
    { "type": ["object", "array", "null"], "additionalProperties": true, "items": { "type": "object", "additionalProperties": true } }
);

transparent!(Subject => String, Name => String, Body => String, Text => String, Line => String, Email => String, Domain => String, Code => String, Color => String, Zone => String, Picture => String);

/// A list of at most `MOST` entries.
#[derive(Clone, Debug)]
pub(crate) struct List<T, const MOST: usize>(pub(crate) Vec<T>);

impl<T, const MOST: usize> Default for List<T, MOST> {
    fn default() -> Self {
        List(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for List<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let list = Vec::<T>::deserialize(source)?;
        if list.len() > MOST {
            return Err(refuse(Fault::TooMany(MOST)));
        }
        Ok(List(list))
    }
}

impl<T: JsonSchema, const MOST: usize> JsonSchema for List<T, MOST> {
    fn schema_name() -> Cow<'static, str> {
        format!("List_of_{}", T::schema_name()).into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "array", "items": generator.subschema_for::<T>(), "maxItems": MOST })
    }
}

/// A parameter of a change: left out it keeps what is there, `null` takes it away, and so does empty text, which is how a form
/// says it.
#[derive(Clone, Debug, Default)]
pub(crate) enum Change<T> {
    #[default]
    Keep,
    Clear,
    Set(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Change<T> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        Ok(Option::<T>::deserialize(source)?.map_or(Change::Clear, Change::Set))
    }
}

impl<T: JsonSchema> JsonSchema for Change<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("Change_of_{}", T::schema_name()).into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Option::<T>::json_schema(generator)
    }
}

/// A time in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct At(pub(crate) Millis);

impl Serialize for At {
    fn serialize<S: serde::Serializer>(&self, sink: S) -> Result<S::Ok, S::Error> {
        match clock::Written::of(self.0) {
            Some(written) => sink.serialize_str(written.as_str()),
            None => sink.serialize_str(&clock::wire(self.0)),
        }
    }
}

impl JsonSchema for At {
    fn schema_name() -> Cow<'static, str> {
        "At".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}

impl rusqlite::types::FromSql for At {
    fn column_result(value: rusqlite::types::ValueRef<'_>) -> rusqlite::types::FromSqlResult<Self> {
        value.as_i64().map(At)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_as_people_write_it() {
        assert_eq!(
            Email::parse(" Asem@Client.KZ ").unwrap().0,
            "asem@client.kz"
        );
        for bad in [
            "",
            "a",
            "a@",
            "@b",
            "a b@c.kz",
            "a@b..kz",
            "<a@b.kz>",
            "a@b.kz\r\nBcc: x@y.kz",
        ] {
            assert!(Email::parse(bad).is_none(), "{bad:?}");
        }
    }
}
