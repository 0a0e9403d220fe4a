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
use std::{collections::HashMap, time::Duration};

/// The largest delivery: 25 MB of mail, or 30 at SendGrid, and what a form adds to it.
const LIMIT: usize = 36 << 20;
const TIME: Duration = Duration::from_secs(120);
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
    // A channel that the address names is known before a byte of the body is read.
    let named = match query.get("channel") {
        Some(id) => Some(channel_named(app, id).await?),
        None => None,
    };
    let size = wire.size_hint();
    let _seat = if size.upper().is_none_or(|most| most > LARGE) {
        Some(app.limits.delivery(visit.address)?)
    } else {
        None
    };
    let bytes = body::bytes(wire, LIMIT, TIME).await?;
    let (posted, bytes) = read(kind, bytes).await?;
    let channel = match named {
        Some(channel) => channel,
        None => channel_of(app, posted.recipients()).await?,
    };
    let key = channel.secrets.signing_key.as_deref().unwrap_or_default();
    let now = app.db.clock().now();
    let (transport, token) = match &posted {
        Posted::Form(_) if channel.is_fed_by("sendgrid") => {
            let given = query.get("secret").map(String::as_str);
            if !sendgrid::verify(given.unwrap_or_default(), key) {
                return Err(unknown());
            }
            // Nothing in the form tells a repeat but the form itself.
            let digest = HEXLOWER.encode(&Sha256::digest(&bytes));
            (Transport::SendgridForm, Ok(format!("sendgrid:{digest}")))
        }
        Posted::Form(form) => (Transport::MailgunForm, mailgun::verify(form, key, now)),
        Posted::Event(event) => (Transport::MailgunEvent, event.verify(key, now)),
    };
    let token = token.map_err(|_| unknown())?;
    let envelope = Envelope {
        transport,
        from: None,
        to: Vec::new(),
        content_type,
    };
    drop(posted);
    inbound::store(app, &channel, &envelope, bytes.into(), Some(token)).await
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

/// What Mailgun posts: a mail as a form, or an event about a mail of ours, which is often pointed here as well.
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

/// The channel whose mailbox a delivery is for.
async fn channel_of(app: &App, recipients: Vec<String>) -> Result<Channel> {
    let owner = app.clone();
    let found = app
        .db
        .read(move |db| {
            for recipient in &recipients {
                let found = config::by_address(db, &owner.secret, recipient)?;
                if found.as_ref().is_some_and(takes) {
                    return Ok(found);
                }
            }
            Ok(None)
        })
        .await?;
    found.ok_or_else(unknown)
}

/// Whether a channel takes deliveries and can tell whether they are genuine.
fn takes(channel: &Channel) -> bool {
    let key = channel.secrets.signing_key.as_deref();
    let posted = channel.is_fed_by("mailgun") || channel.is_fed_by("sendgrid");
    channel.is_active && posted && key.is_some_and(|key| !key.is_empty())
}
