//! Reading a request's body: JSON, a form, or multipart with files. Everything is bounded: bytes, fields, files, time, and
//! how many bring files at once.
use crate::{
    api::{Upload, field::TenantId},
    app::App,
    blob::{Blobs, Incoming},
    caps::Seat,
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
use std::{net::IpAddr, time::Duration};

/// The largest JSON or form body.
pub(crate) const JSON_LIMIT: usize = 1 << 20;
/// The most fields of a form, and the most files.
const FIELDS: usize = 200;
const FILES: usize = 50;
/// How many times the largest file all files of a call may be.
const TIMES: u64 = 4;
/// How much a visitor of a site may send at once.
const VISITOR: u64 = 25 << 20;
/// How much of a file is gathered before it is written.
const PORTION: usize = 256 << 10;
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

/// A refusal that names the limit, which is a whole number of megabytes.
pub(crate) fn too_large(limit: u64) -> Error {
    Error::new(Code::TooLarge).with("limit", format!("{} MB", limit >> 20))
}

/// How much room a call has for files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// The call takes none: they are read over.
    None,
    /// A visitor of a site, of whom nothing is known yet.
    Visitor,
    /// Somebody with a plan that says how large a file may be.
    Known { each: u64 },
}

impl Room {
    /// How large one file may be.
    fn each(self) -> u64 {
        match self {
            Room::None | Room::Visitor => VISITOR,
            Room::Known { each } => each,
        }
    }

    /// How large all files may be together.
    fn all(self) -> u64 {
        match self {
            Room::None | Room::Visitor => VISITOR,
            Room::Known { each } => each.saturating_mul(TIMES),
        }
    }
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

/// A file that has arrived on the disk and is in no tenant's store yet.
#[derive(Debug)]
struct Arrived {
    /// Gone once it is kept.
    incoming: Option<Incoming>,
    name: String,
    mime: String,
}

impl Drop for Arrived {
    fn drop(&mut self) {
        // Removing it waits for the disk, which no async thread may do.
        if let Some(incoming) = self.incoming.take() {
            tokio::task::spawn_blocking(move || drop(incoming));
        }
    }
}

/// A multipart body that was read: its fields, and its files on the disk but in no tenant's store yet.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    pub(crate) fields: Map<String, Value>,
    files: Vec<Arrived>,
    /// Taken by the first file.
    seat: Option<Seat>,
}

impl Parts {
    /// A body without files.
    pub(crate) fn of_fields(fields: Map<String, Value>) -> Parts {
        Parts {
            fields,
            ..Parts::default()
        }
    }

    fn sizes(&self) -> impl Iterator<Item = u64> {
        self.files
            .iter()
            .filter_map(|file| file.incoming.as_ref())
            .map(Incoming::size)
    }

    /// The size of the largest file.
    pub(crate) fn largest(&self) -> u64 {
        self.sizes().max().unwrap_or(0)
    }

    /// Moves the files into a tenant's store.
    pub(crate) async fn keep(self, app: &App, tenant: TenantId) -> Result<Vec<Upload>> {
        if self.files.is_empty() {
            return Ok(Vec::new());
        }
        let blobs = app.blobs.clone();
        off_thread(move || {
            let mut kept = Vec::with_capacity(self.files.len());
            for mut file in self.files {
                if let Some(incoming) = file.incoming.take() {
                    kept.push(Upload {
                        blob: blobs.keep(tenant, incoming)?,
                        name: std::mem::take(&mut file.name),
                        mime: std::mem::take(&mut file.mime),
                    });
                }
            }
            Ok(kept)
        })
        .await
    }
}

/// Runs what waits for the disk where it holds nobody up.
async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(Error::internal)?
}

type Wired<'a> = multer::Field<'a>;

/// Reads a multipart body. A part with a file name, or one of `files[]`, is a file and goes to the disk as it arrives, or
/// nowhere if the call has no room for files.
pub(crate) async fn multipart(
    wire: Wire,
    boundary: String,
    app: &App,
    room: Room,
    address: IpAddr,
) -> Result<Parts> {
    let most = usize::try_from(room.all()).unwrap_or(usize::MAX);
    let limited = Limited::new(wire, most.saturating_add(JSON_LIMIT));
    let stream = BodyStream::new(limited)
        .try_filter_map(|frame| std::future::ready(Ok(frame.into_data().ok())));
    match tokio::time::timeout(FILES_TIME, parts(stream, boundary, app, room, address)).await {
        Ok(parts) => parts,
        Err(_) => Err(Error::new(Code::MalformedForm)),
    }
}

fn broken(error: &multer::Error, room: Room) -> Error {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(e) = source {
        if e.is::<LengthLimitError>() {
            return too_large(room.all()).on("files");
        }
        source = e.source();
    }
    match error {
        multer::Error::FieldSizeExceeded { .. } | multer::Error::StreamSizeExceeded { .. } => {
            too_large(JSON_LIMIT as u64)
        }
        _ => Error::new(Code::MalformedForm),
    }
}

async fn parts(
    stream: impl Stream<Item = Result<Bytes, Box<dyn std::error::Error + Send + Sync>>> + Send,
    boundary: String,
    app: &App,
    room: Room,
    address: IpAddr,
) -> Result<Parts> {
    let mut parts = Parts::default();
    let mut multipart = multer::Multipart::new(stream, boundary);
    let broken = |error: multer::Error| broken(&error, room);
    while let Some(mut field) = multipart.next_field().await.map_err(broken)? {
        let name = field.name().unwrap_or_default().to_owned();
        let is_file = field.file_name().is_some() || matches!(name.as_str(), "files[]" | "files");
        if !is_file {
            let mut value = Vec::new();
            while let Some(chunk) = field.chunk().await.map_err(broken)? {
                if value.len() + chunk.len() > JSON_LIMIT {
                    return Err(too_large(JSON_LIMIT as u64));
                }
                value.extend_from_slice(&chunk);
            }
            let text = String::from_utf8(value).map_err(|_| Error::new(Code::MalformedForm))?;
            put(&mut parts.fields, &name, text)?;
            continue;
        }
        if room == Room::None {
            while field.chunk().await.map_err(broken)?.is_some() {}
            continue;
        }
        if parts.files.len() >= FILES {
            return Err(Error::invalid("files", crate::error::Fault::TooMany(FILES)));
        }
        if parts.seat.is_none() {
            let seat = app.limits.upload(room == Room::Visitor, address)?;
            parts.seat = Some(seat);
        }
        let left = room.all() - parts.sizes().sum::<u64>();
        let file = file(field, &app.blobs, room, left, parts.files.len() + 1).await?;
        parts.files.push(file);
    }
    Ok(parts)
}

/// Writes one file to the disk as it arrives. `left` is what all files may still be together.
async fn file(
    mut field: Wired<'_>,
    blobs: &Blobs,
    room: Room,
    left: u64,
    number: usize,
) -> Result<Arrived> {
    let mime = field.content_type().map_or_else(
        || "application/octet-stream".to_owned(),
        ToString::to_string,
    );
    let mut file = Arrived {
        incoming: None,
        name: names::of(field.file_name(), &mime, number),
        mime,
    };
    let (each, mut size) = (room.each(), 0);
    loop {
        let mut portion = Vec::new();
        let mut ended = false;
        while portion.iter().map(Bytes::len).sum::<usize>() < PORTION {
            match field.chunk().await.map_err(|e| broken(&e, room))? {
                Some(chunk) => {
                    size += chunk.len() as u64;
                    portion.push(chunk);
                }
                None => {
                    ended = true;
                    break;
                }
            }
        }
        if size > left {
            return Err(too_large(room.all()).on("files"));
        }
        let (begun, blobs) = (file.incoming.take(), blobs.clone());
        let written = off_thread(move || {
            let mut incoming = match begun {
                Some(incoming) => incoming,
                None => blobs.begin(each)?,
            };
            for chunk in portion {
                incoming.write(&chunk)?;
            }
            Ok(incoming)
        });
        file.incoming = Some(written.await.map_err(|e| e.on("files"))?);
        if ended {
            return Ok(file);
        }
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
