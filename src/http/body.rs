//! Reading a request's body: what kind it says it is, JSON, and forms. Everything is bounded: bytes, fields, time. Bodies
//! with files are read by [`multipart`](super::multipart).
use crate::error::{Code, Error, Fault, Result};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::{
    HeaderMap,
    body::{Body, Incoming as Wire},
    header,
};
use serde_json::{Map, Value};
use std::time::Duration;

/// The largest JSON or form body.
pub(crate) const JSON_LIMIT: usize = 1 << 20;
/// The most fields of a form.
const FIELDS: usize = 200;
/// The most entries of a list in a form.
const ENTRIES: usize = 1_000;
/// How deep lists and objects of a form may lie in each other.
const DEPTH: usize = 8;
/// How long a body without files may take to arrive.
const JSON_TIME: Duration = Duration::from_secs(30);

/// What kind of body a request says it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Json,
    Form,
    Multipart(String),
}

impl Kind {
    /// The kind that the headers name. Without a name it is taken for JSON, the API's own language.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Kind> {
        let unsupported = || Error::new(Code::UnsupportedMediaType);
        if headers.contains_key(header::CONTENT_ENCODING) {
            return Err(unsupported());
        }
        let Some(value) = headers.get(header::CONTENT_TYPE) else {
            return Ok(Kind::Json);
        };
        let text = value.to_str().map_err(|_| unsupported())?;
        let essence = text
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        match essence.as_str() {
            "application/json" => Ok(Kind::Json),
            "application/x-www-form-urlencoded" => Ok(Kind::Form),
            "multipart/form-data" => multer::parse_boundary(text)
                .map(Kind::Multipart)
                .map_err(|_| Error::new(Code::MalformedForm)),
            _ => Err(unsupported()),
        }
    }
}

/// A refusal that names the limit, which is a whole number of megabytes.
pub(crate) fn too_large(limit: u64) -> Error {
    Error::new(Code::TooLarge).with("limit", format!("{} MB", limit >> 20))
}

/// The whole body, at most `limit` bytes of it. One that is announced as larger is not waited for.
pub(crate) async fn bytes(wire: Wire, limit: usize, time: Duration) -> Result<Bytes> {
    if wire.size_hint().lower() > limit as u64 {
        return Err(too_large(limit as u64));
    }
    let collected = tokio::time::timeout(time, Limited::new(wire, limit).collect()).await;
    match collected {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large(limit as u64)),
        Ok(Err(_)) | Err(_) => Err(Error::new(Code::MalformedForm)),
    }
}

/// The parameters of a JSON body.
pub(crate) async fn json(wire: Wire) -> Result<Map<String, Value>> {
    let bytes = bytes(wire, JSON_LIMIT, JSON_TIME).await?;
    // Some programs begin a text with a mark of its byte order, which RFC 8259 lets a reader ignore.
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
    if text.is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(text) {
        Ok(Value::Object(map)) => Ok(map),
        _ => Err(Error::new(Code::MalformedJson)),
    }
}

/// The parameters of a form body. A name may lead into a list or an object by brackets, as forms are written by PHP and by most
/// libraries: `tags[]`, `tags[0]`, `data[notes]`, `days[0][0][from]`.
pub(crate) async fn form(wire: Wire) -> Result<Map<String, Value>> {
    let bytes = bytes(wire, JSON_LIMIT, JSON_TIME).await?;
    let mut map = Map::new();
    for (name, value) in form_urlencoded::parse(&bytes) {
        put(&mut map, &name, value.into_owned())?;
    }
    Ok(map)
}

/// Adds a field of a form. Of a plain name that is given twice the last value counts.
pub(super) fn put(map: &mut Map<String, Value>, name: &str, value: String) -> Result<()> {
    let (name, keys) = parted(name);
    if map.len() >= FIELDS || keys.len() > DEPTH {
        return Err(Error::new(Code::MalformedForm));
    }
    if keys.is_empty() {
        map.insert(name.to_owned(), value.into());
        return Ok(());
    }
    let place = map.entry(name).or_insert(Value::Null);
    set(place, &keys, value).map_err(|fault| Error::invalid(name.to_owned(), fault))
}

/// A name and the keys in brackets behind it. What is no such name stands for itself.
fn parted(whole: &str) -> (&str, Vec<&str>) {
    let keys = whole.split_once('[').and_then(|(name, keys)| {
        let keys = keys.strip_suffix(']')?;
        let keys: Vec<&str> = keys.split("][").collect();
        let plain = !name.is_empty() && keys.iter().all(|key| !key.contains(['[', ']']));
        plain.then_some((name, keys))
    });
    keys.unwrap_or((whole, Vec::new()))
}

/// Puts a value where the keys lead to. Lists and objects come about on the way: a number, or nothing, is a place in a list.
fn set(place: &mut Value, keys: &[&str], value: String) -> Result<(), Fault> {
    let Some((key, rest)) = keys.split_first() else {
        *place = value.into();
        return Ok(());
    };
    let index = match key.parse() {
        _ if key.is_empty() => Some(usize::MAX),
        Ok(index) => Some(index),
        Err(_) => None,
    };
    if place.is_null() {
        *place = match index {
            Some(_) => Value::Array(Vec::new()),
            None => Value::Object(Map::new()),
        };
    }
    match (place, index) {
        (Value::Array(items), Some(index)) => {
            let index = index.min(items.len());
            if index == ENTRIES {
                return Err(Fault::TooMany(ENTRIES));
            }
            if index == items.len() {
                items.push(Value::Null);
            }
            set(&mut items[index], rest, value)
        }
        (Value::Object(fields), _) if fields.len() < FIELDS || fields.contains_key(*key) => {
            set(fields.entry(*key).or_insert(Value::Null), rest, value)
        }
        (Value::Object(_), _) => Err(Fault::TooMany(FIELDS)),
        _ => Err(Fault::Contradictory),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_what_its_type_says() {
        let kind = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, text.parse().unwrap());
            Kind::of(&headers)
        };
        assert_eq!(kind("application/json; charset=utf-8").unwrap(), Kind::Json);
        assert_eq!(
            kind("application/x-www-form-urlencoded").unwrap(),
            Kind::Form
        );
        assert_eq!(
            kind("multipart/form-data; boundary=x").unwrap(),
            Kind::Multipart("x".into())
        );
        assert_eq!(
            kind("multipart/form-data").unwrap_err().code(),
            Code::MalformedForm
        );
        assert_eq!(
            kind("text/plain").unwrap_err().code(),
            Code::UnsupportedMediaType
        );
    }

    fn read(pairs: &[(&str, &str)]) -> Result<Value> {
        let mut map = Map::new();
        for (name, value) in pairs {
            put(&mut map, name, (*value).to_owned())?;
        }
        Ok(Value::Object(map))
    }

    #[test]
    fn a_name_with_brackets_leads_into_a_list_or_an_object() {
        let form = read(&[
            ("tags[]", "a"),
            ("tags[]", "b"),
            ("ids[0]", "1"),
            ("ids[1]", "2"),
            ("data[notes]", "c"),
            ("data[sla][urgent]", "15"),
            ("days[0][0][from]", "09:00"),
            ("days[0][0][to]", "18:00"),
            ("days[1][]", "x"),
            ("subject", "d"),
            ("odd[", "e"),
            ("[odd]", "f"),
            ("o[d]d", "g"),
        ]);
        assert_eq!(
            form.unwrap(),
            serde_json::json!({
                "tags": ["a", "b"],
                "ids": ["1", "2"],
                "data": { "notes": "c", "sla": { "urgent": "15" } },
                "days": [[{ "from": "09:00", "to": "18:00" }], ["x"]],
                "subject": "d",
                "odd[": "e",
                "[odd]": "f",
                "o[d]d": "g",
            })
        );
    }

    #[test]
    fn a_form_that_contradicts_itself_or_has_no_end_is_refused() {
        let field = |pairs: &[(&str, &str)]| read(pairs).unwrap_err().field().map(str::to_owned);
        let tags = Some("tags".to_owned());
        assert_eq!(field(&[("tags", "a"), ("tags[]", "b")]), tags);
        assert_eq!(field(&[("tags[]", "a"), ("tags[x]", "b")]), tags);
        assert_eq!(field(&[("tags[]", "a"); ENTRIES + 1]), tags);
        assert_eq!(
            read(&[("tags[]", "a"); ENTRIES]).unwrap()["tags"][ENTRIES - 1],
            "a"
        );
        let deep = format!("a{}", "[b]".repeat(DEPTH + 1));
        assert_eq!(
            read(&[(&deep, "c")]).unwrap_err().code(),
            Code::MalformedForm
        );
    }
}
