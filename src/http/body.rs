//! Reading a request's body: JSON, a form, or multipart with files. Everything is bounded: bytes, fields, files, time.
use crate::{
    api::{Upload, field::TenantId},
    app::App,
    blob::Incoming,
    channel::email::names,
    error::{Code, Error, Result},
};
use bytes::Bytes;
use futures_util::{Stream, TryStreamExt};
use http_body_util::{BodyExt, BodyStream, LengthLimitError, Limited};
use hyper::{
    HeaderMap,
    body::{Body, Incoming as Wire},
    header,
};
use serde_json::{Map, Value};
use std::time::Duration;

/// The largest JSON or form body.
pub(crate) const JSON_LIMIT: usize = 1 << 20;
/// The most fields of a form, and the most files.
const FIELDS: usize = 200;
const FILES: usize = 50;
/// How long a body may take to arrive.
const JSON_TIME: Duration = Duration::from_secs(30);
const FILES_TIME: Duration = Duration::from_secs(600);

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

fn too_large(limit: usize) -> Error {
    Error::new(Code::TooLarge).with("limit", format!("{} MB", limit >> 20))
}

/// The whole body, at most `limit` bytes of it. One that is announced as larger is not waited for.
pub(crate) async fn bytes(wire: Wire, limit: usize, time: Duration) -> Result<Bytes> {
    if wire.size_hint().lower() > limit as u64 {
        return Err(too_large(limit));
    }
    let collected = tokio::time::timeout(time, Limited::new(wire, limit).collect()).await;
    match collected {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large(limit)),
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
fn put(map: &mut Map<String, Value>, name: &str, value: String) -> Result<()> {
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

/// A multipart body that was read: its fields, and its files on the disk but in no tenant's store yet.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    pub(crate) fields: Map<String, Value>,
    files: Vec<(Incoming, String, String)>,
}

impl Parts {
    /// A body without files.
    pub(crate) fn of_fields(fields: Map<String, Value>) -> Parts {
        Parts {
            fields,
            files: Vec::new(),
        }
    }

    pub(crate) fn has_files(&self) -> bool {
        !self.files.is_empty()
    }

    /// The size of the largest file.
    pub(crate) fn largest(&self) -> u64 {
        self.files
            .iter()
            .map(|(file, _, _)| file.size())
            .max()
            .unwrap_or(0)
    }

    /// Moves the files into a tenant's store.
    pub(crate) async fn keep(self, app: &App, tenant: TenantId) -> Result<Vec<Upload>> {
        if self.files.is_empty() {
            return Ok(Vec::new());
        }
        let blobs = app.blobs.clone();
        let work = tokio::task::spawn_blocking(move || {
            self.files
                .into_iter()
                .map(|(incoming, name, mime)| {
                    let blob = blobs.keep(tenant, incoming)?;
                    Ok(Upload { blob, name, mime })
                })
                .collect()
        });
        work.await.map_err(Error::internal)?
    }
}

/// Reads a multipart body. A part with a file name, or one of `files[]`, is a file and goes to the disk as it arrives.
pub(crate) async fn multipart(
    wire: Wire,
    boundary: String,
    app: &App,
    file_limit: u64,
) -> Result<Parts> {
    let most = usize::try_from(file_limit.saturating_mul(4)).unwrap_or(usize::MAX) + JSON_LIMIT;
    let stream = BodyStream::new(Limited::new(wire, most))
        .try_filter_map(|frame| std::future::ready(Ok(frame.into_data().ok())));
    match tokio::time::timeout(FILES_TIME, parts(stream, boundary, app, file_limit)).await {
        Ok(parts) => parts,
        Err(_) => Err(Error::new(Code::MalformedForm)),
    }
}

fn broken(error: &multer::Error) -> Error {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(e) = source {
        if e.is::<LengthLimitError>() {
            return Error::new(Code::TooLarge).with("limit", "4×");
        }
        source = e.source();
    }
    match error {
        multer::Error::FieldSizeExceeded { .. } | multer::Error::StreamSizeExceeded { .. } => {
            too_large(JSON_LIMIT)
        }
        _ => Error::new(Code::MalformedForm),
    }
}

async fn parts(
    stream: impl Stream<Item = Result<Bytes, Box<dyn std::error::Error + Send + Sync>>> + Send,
    boundary: String,
    app: &App,
    file_limit: u64,
) -> Result<Parts> {
    let mut parts = Parts::default();
    let mut multipart = multer::Multipart::new(stream, boundary);
    while let Some(mut field) = multipart.next_field().await.map_err(|e| broken(&e))? {
        let name = field.name().unwrap_or_default().to_owned();
        let file_name = field.file_name().map(str::to_owned);
        if file_name.is_none() && !matches!(name.as_str(), "files[]" | "files") {
            let mut value = Vec::new();
            while let Some(chunk) = field.chunk().await.map_err(|e| broken(&e))? {
                if value.len() + chunk.len() > JSON_LIMIT {
                    return Err(too_large(JSON_LIMIT));
                }
                value.extend_from_slice(&chunk);
            }
            let text = String::from_utf8(value).map_err(|_| Error::new(Code::MalformedForm))?;
            put(&mut parts.fields, &name, text)?;
            continue;
        }
        if parts.files.len() >= FILES {
            return Err(Error::invalid("files", crate::error::Fault::TooMany(FILES)));
        }
        let mime = field.content_type().map_or_else(
            || "application/octet-stream".to_owned(),
            ToString::to_string,
        );
        let clean = names::of(file_name.as_deref(), &mime, parts.files.len() + 1);
        let mut incoming = app.blobs.begin(file_limit)?;
        while let Some(chunk) = field.chunk().await.map_err(|e| broken(&e))? {
            incoming.write(&chunk).map_err(|e| e.on("files"))?;
        }
        parts.files.push((incoming, clean, mime));
    }
    Ok(parts)
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
