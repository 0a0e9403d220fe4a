//! Bodies of several parts: fields, and files that go to the disk as they arrive. Everything is bounded: bytes, files, time,
//! and how many bring files at once. Whoever waits for the disk does so off the async threads.
use super::body::{JSON_LIMIT, put, too_large};
use crate::{
    api::{Upload, field::TenantId},
    app::App,
    blob::{Blobs, Incoming},
    caps::Seat,
    channel::email::names,
    error::{Code, Error, Fault, Result},
};
use bytes::Bytes;
use futures_util::{Stream, TryStreamExt};
use http_body_util::{BodyStream, LengthLimitError, Limited};
use hyper::body::Incoming as Wire;
use multer::Field;
use serde_json::{Map, Value};
use std::{net::IpAddr, time::Duration};

/// The most files of a call.
const FILES: usize = 50;
/// How many times the largest file all files of a call may be.
const TIMES: u64 = 4;
/// How much somebody may send at once of whom nothing is proven yet.
const VISITOR: u64 = 25 << 20;
/// The fields by which a body says who sends it.
const CREDENTIALS: [&str; 2] = ["mobile_token", "auth_token"];
/// How much of a file is gathered before it is written.
const PORTION: usize = 256 << 10;
/// How long a body with files may take to arrive.
const TIME: Duration = Duration::from_secs(600);

/// How much room a call has for files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// The call takes none: they are read over.
    None,
    /// A visitor of a site, of whom nothing is known yet.
    Visitor,
    /// Somebody who must say who they are in a field ahead of the first file, or is refused there.
    Claimed,
    /// Somebody with a plan that says how large a file may be.
    Known { each: u64 },
}

impl Room {
    /// How large one file may be.
    fn each(self) -> u64 {
        match self {
            Room::None | Room::Visitor | Room::Claimed => VISITOR,
            Room::Known { each } => each,
        }
    }

    /// How large all files may be together.
    fn all(self) -> u64 {
        match self {
            Room::None | Room::Visitor | Room::Claimed => VISITOR,
            Room::Known { each } => each.saturating_mul(TIMES),
        }
    }
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

/// Reads a multipart body. A part with a file name, or one of `files[]`, is a file and goes to the disk as it arrives, or
/// nowhere if the call has no room for files.
pub(super) async fn read(
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
    match tokio::time::timeout(TIME, parts(stream, boundary, app, room, address)).await {
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
        if room == Room::Claimed
            && !CREDENTIALS
                .iter()
                .any(|name| parts.fields.contains_key(*name))
        {
            return Err(Error::new(Code::NotAuthenticated));
        }
        if parts.files.len() >= FILES {
            return Err(Error::invalid("files", Fault::TooMany(FILES)));
        }
        if parts.seat.is_none() {
            let stranger = matches!(room, Room::Visitor | Room::Claimed);
            let seat = app.limits.upload(stranger, address)?;
            parts.seat = Some(seat);
        }
        let left = room.all() - parts.sizes().sum::<u64>();
        let is_nameless = field.file_name().is_none_or(str::is_empty);
        let file = file(field, &app.blobs, room, left, parts.files.len() + 1).await?;
        // A browser sends a part without a name and without a byte for a field of a form that no file was chosen in.
        if !is_nameless || file.incoming.as_ref().is_some_and(|f| f.size() > 0) {
            parts.files.push(file);
        }
    }
    Ok(parts)
}

/// Writes one file to the disk as it arrives. `left` is what all files may still be together.
async fn file(
    mut field: Field<'_>,
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

#[cfg(feature = "fuzzing")]
/// Reads a body whose first byte says whether files are taken, in pieces of the size that its second one says.
pub(super) async fn strange(app: &App, bytes: &[u8]) {
    let [kind, piece, body @ ..] = bytes else {
        return;
    };
    let room = if kind % 2 == 0 {
        Room::None
    } else {
        Room::Visitor
    };
    let size = usize::from(*piece).max(1);
    let pieces: Vec<_> = body
        .chunks(size)
        .map(|p| Ok(Bytes::copy_from_slice(p)))
        .collect();
    // Another visitor each time: how often one may send files is not what is looked at.
    let address = IpAddr::from(
        blake3::hash(bytes)
            .as_bytes()
            .first_chunk::<4>()
            .map_or([0; 4], |b| *b),
    );
    let stream = futures_util::stream::iter(pieces);
    if let Ok(parts) = parts(stream, "b".to_owned(), app, room, address).await {
        assert!(parts.files.len() <= FILES);
    }
}
