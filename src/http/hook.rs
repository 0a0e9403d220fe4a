//! Channel webhooks: what a provider posts. Accepted means stored on the disk; what becomes of it is decided afterwards.
//! Mail is here, messengers are in [`messenger`].
mod messenger;

use super::{
    answer::{self, Answer},
    api::Visit,
    body::{self, Kind},
};
use crate::{
    api::field::ChannelId,
    app::App,
    channel::{
        config::{self, Channel, ChannelType},
        email::{form::Form, mailgun, sendgrid},
        inbound::{self, Envelope, Transport},
    },
    clock::Millis,
    error::{Code, Error, Result},
    tenant,
};
use bytes::Bytes;
use data_encoding::HEXLOWER;
use hyper::{
    Method, Request,
    body::{Body, Incoming},
    header,
};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

/// The largest delivery: 25 MB of mail, or 30 at SendGrid, and what a form adds to it.
const LIMIT: usize = 36 << 20;
const TIME: Duration = Duration::from_secs(120);
/// How many recipients of one delivery are looked up: as many as one SMTP session may name.
const MOST_RECIPIENTS: usize = 100;
/// Beyond this size a delivery needs one of the few places for large ones.
const LARGE: u64 = 1 << 20;

pub(crate) async fn answer(app: &App, request: Request<Incoming>, visit: &Visit) -> Answer {
    if request.method() != Method::POST {
        return answer::wrong_method("POST", visit.lang, &visit.request_id);
    }
    match take(app, request, visit).await {
        Ok(()) => answer::json(&json!({ "ok": true, "data": { "accepted": true } })),
        Err(error) => {
            tracing::info!(request_id = %visit.request_id, code = error.code().name(), "a webhook was refused");
            answer::error(&error, visit.lang, &visit.request_id)
        }
    }
}

async fn take(app: &App, request: Request<Incoming>, visit: &Visit) -> Result<()> {
    let (head, wire) = request.into_parts();
    let query: HashMap<String, String> =
        form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes())
            .into_owned()
            .collect();
    let kind = match query.get("type") {
        Some(text) => ChannelType::parse(text),
        None => {
            app.limits.address(visit.address)?;
            return Err(Error::missing("type"));
        }
    };
    match kind {
        Some(ChannelType::Email) => app.limits.address(visit.address)?,
        Some(kind) => {
            let asked = messenger::Asked {
                kind,
                headers: &head.headers,
                query: &query,
            };
            return Box::pin(messenger::take(app, asked, wire, visit)).await;
        }
        None => {
            app.limits.address(visit.address)?;
            let types = ["email", "telegram", "whatsapp", "max"];
            return Err(Error::one_of("type", &types));
        }
    }
    let content_type = head
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .map(str::to_owned);
    let kind = Kind::of(&head.headers)?;
    // A channel that the address names is known before a byte of the body is read, and so is a secret that it bears.
    let named = match query.get("channel") {
        Some(id) => Some(channel_named(app, id).await?),
        None => None,
    };
    let secret = query.get("secret").map(String::as_str).unwrap_or_default();
    if named
        .as_ref()
        .is_some_and(|c| c.is_fed_by("sendgrid") && !bears(c, secret))
    {
        return Err(unknown());
    }
    let size = wire.size_hint();
    let _seat = if size.upper().is_none_or(|most| most > LARGE) {
        Some(app.limits.delivery(visit.address)?)
    } else {
        None
    };
    let bytes = body::bytes(wire, LIMIT, TIME).await?;
    let (posted, bytes) = read(kind, bytes).await?;
    let channels = match named {
        Some(channel) => vec![channel],
        None => channels_of(app, posted.recipients()).await?,
    };
    let now = app.db.clock().now();
    let proven: Vec<(Channel, Proof)> = channels
        .into_iter()
        .filter_map(|channel| Some((prove(&posted, &channel, secret, &bytes, now)?, channel)))
        .map(|(proof, channel)| (channel, proof))
        .collect();
    drop(posted);
    if proven.is_empty() {
        return Err(unknown());
    }
    for (channel, proof) in proven {
        let envelope = Envelope {
            transport: proof.transport,
            from: None,
            to: Vec::new(),
            content_type: content_type.clone(),
            is_cut: false,
        };
        inbound::store(app, &channel, &envelope, bytes.to_vec(), Some(proof.token)).await?;
    }
    Ok(())
}

/// What a delivery turned out to be for a channel.
struct Proof {
    transport: Transport,
    /// What makes it the same when it is repeated.
    token: String,
}

/// Whether what was posted is the channel's provider's: signed by its key, or posted to an address that bears its secret.
fn prove(
    posted: &Posted,
    channel: &Channel,
    secret: &str,
    bytes: &Bytes,
    now: Millis,
) -> Option<Proof> {
    let key = channel.secrets.signing_key.as_deref().unwrap_or_default();
    let (transport, token) = match posted {
        Posted::Form(_) if channel.is_fed_by("sendgrid") => {
            if !bears(channel, secret) {
                return None;
            }
            // Nothing in the form tells a repeat but the form itself.
            let digest = HEXLOWER.encode(&Sha256::digest(bytes));
            (Transport::SendgridForm, format!("sendgrid:{digest}"))
        }
        Posted::Form(form) => (
            Transport::MailgunForm,
            mailgun::verify(form, key, now).ok()?,
        ),
        Posted::Event(event) if channel.is_fed_by("mailgun") => {
            (Transport::MailgunEvent, event.verify(key, now).ok()?)
        }
        Posted::Event(_) => return None,
    };
    Some(Proof { transport, token })
}

/// Whether the secret of the webhook's address is the channel's.
fn bears(channel: &Channel, secret: &str) -> bool {
    let key = channel.secrets.signing_key.as_deref().unwrap_or_default();
    sendgrid::verify(secret, key)
}

/// Reads what was posted, off the async threads: it may be many megabytes.
async fn read(kind: Kind, bytes: Bytes) -> Result<(Posted, Bytes)> {
    let runtime = tokio::runtime::Handle::current();
    let work = tokio::task::spawn_blocking(move || {
        let posted = match kind {
            Kind::Json => {
                let event = mailgun::event(&bytes);
                Posted::Event(event.ok_or_else(|| Error::new(Code::MalformedJson))?)
            }
            Kind::Form => Posted::Form(runtime.block_on(Form::read(&bytes, None))?),
            Kind::Multipart(boundary) => {
                Posted::Form(runtime.block_on(Form::read(&bytes, Some(boundary)))?)
            }
        };
        Ok((posted, bytes))
    });
    work.await.map_err(Error::internal)?
}

/// What is posted: a mail as a form, or Mailgun's event about a mail of ours, which is often pointed here as well.
enum Posted {
    Form(Form),
    Event(mailgun::Event),
}

impl Posted {
    /// The addresses that a mail was sent to: what Mailgun says, or SendGrid.
    fn recipients(&self) -> Vec<String> {
        match self {
            Posted::Form(form) => match form.text("recipient") {
                Some(recipient) => vec![recipient],
                None => sendgrid::recipients(form),
            },
            Posted::Event(_) => Vec::new(),
        }
    }
}

fn unknown() -> Error {
    Error::new(Code::BadSignature)
}

/// The channel that the address of the webhook names.
async fn channel_named(app: &App, id: &str) -> Result<Channel> {
    let id = ChannelId(id.parse().map_err(|_| unknown())?);
    let owner = app.clone();
    let found = app
        .db
        .read(move |db| {
            let found = config::of_any_tenant(db, &owner.secret, id)?;
            match found {
                Some(channel) if tenant::by_id(db, channel.tenant)?.is_active => Ok(Some(channel)),
                _ => Ok(None),
            }
        })
        .await?;
    let mail = |channel: &Channel| channel.kind == ChannelType::Email && takes(channel);
    found.filter(mail).ok_or_else(unknown)
}

/// The channels whose mailboxes a delivery is for, each once.
async fn channels_of(app: &App, recipients: Vec<String>) -> Result<Vec<Channel>> {
    let owner = app.clone();
    app.db
        .read(move |db| {
            let mut channels = BTreeMap::new();
            for recipient in recipients.iter().take(MOST_RECIPIENTS) {
                let found = config::by_address(db, &owner.secret, recipient)?;
                if let Some(channel) = found.filter(takes) {
                    channels.insert(channel.id.0, channel);
                }
            }
            Ok(channels.into_values().collect())
        })
        .await
}

/// Whether a channel takes deliveries and can tell whether they are genuine.
fn takes(channel: &Channel) -> bool {
    let key = channel.secrets.signing_key.as_deref();
    let posted = channel.is_fed_by("mailgun") || channel.is_fed_by("sendgrid");
    channel.is_active && posted && key.is_some_and(|key| !key.is_empty())
}
