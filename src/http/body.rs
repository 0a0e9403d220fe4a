//! Reading a request's body: what kind it says it is, JSON, and forms. Everything is bounded: bytes, fields, time. Bodies
//! with files are read by [`multipart`](super::multipart).
use crate::error::{Code, Error, Result};
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
    if bytes.is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(map)) => Ok(map),
        _ => Err(Error::new(Code::MalformedJson)),
    }
}

/// The parameters of a form body; a name that ends in `[]` is a list.
pub(crate) async fn form(wire: Wire) -> Result<Map<String, Value>> {
    let bytes = bytes(wire, JSON_LIMIT, JSON_TIME).await?;
    let mut map = Map::new();
    for (name, value) in form_urlencoded::parse(&bytes) {
        put(&mut map, &name, value.into_owned())?;
    }
    Ok(map)
}

/// Adds a field of a form.
pub(super) fn put(map: &mut Map<String, Value>, name: &str, value: String) -> Result<()> {
    if map.len() >= FIELDS {
        return Err(Error::new(Code::MalformedForm));
    }
    match name.strip_suffix("[]") {
        Some(list) => {
            let entry = map.entry(list).or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(items) = entry
                && items.len() < FIELDS
            {
                items.push(value.into());
            }
        }
        None => {
            map.insert(name.to_owned(), value.into());
        }
    }
    Ok(())
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

    #[test]
    fn a_name_with_brackets_is_a_list() {
        let mut map = Map::new();
        for (name, value) in [("tags[]", "a"), ("tags[]", "b"), ("subject", "c")] {
            put(&mut map, name, value.into()).unwrap();
        }
        assert_eq!(
            Value::Object(map),
            serde_json::json!({ "tags": ["a", "b"], "subject": "c" })
        );
    }
}
