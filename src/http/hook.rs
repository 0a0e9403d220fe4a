//! Channel webhooks: what a provider posts. Accepted means stored on the disk; what becomes of it is decided afterwards.
use super::{
    answer::{self, Answer, set},
    api::Visit,
    body::{self, Kind},
};
use crate::{
    api::field::ChannelId,
    app::App,
    channel::{
        config::{self, Channel},
        email::{form::Form, mailgun},
        inbound::{self, Envelope, Transport},
    },
    error::{Code, Error, Result},
};
use hyper::{Method, Request, body::Incoming, header};
use serde_json::json;
use std::{collections::HashMap, time::Duration};

/// The largest delivery: Mailgun's 25 MB of mail and what a form adds to it.
const LIMIT: usize = 36 << 20;
const TIME: Duration = Duration::from_secs(120);

pub(crate) async fn answer(app: &App, request: Request<Incoming>, visit: &Visit) -> Answer {
    if request.method() != Method::POST {
        let mut refusal = answer::error(
            &Error::new(Code::MethodNotAllowed),
            visit.lang,
            &visit.request_id,
        );
        set(&mut refusal, header::ALLOW, "POST");
        return refusal;
    }
    match take(app, request).await {
        Ok(()) => answer::json(&json!({ "ok": true, "data": { "accepted": true } })),
        Err(error) => {
            tracing::info!(request_id = %visit.request_id, code = error.code().name(), "a webhook was refused");
            answer::error(&error, visit.lang, &visit.request_id)
        }
    }
}

async fn take(app: &App, request: Request<Incoming>) -> Result<()> {
    let (head, wire) = request.into_parts();
    let query: HashMap<String, String> =
        form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes())
            .into_owned()
            .collect();
    match query.get("type").map(String::as_str) {
        Some("email") => {}
        Some(_) => return Err(Error::one_of("type", &["email"])),
        None => return Err(Error::missing("type")),
    }
    let content_type = head
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .map(str::to_owned);
    let kind = Kind::of(&head.headers)?;
    let bytes = body::bytes(wire, LIMIT, TIME).await?;
    let (posted, recipient) = match kind {
        Kind::Json => (
            Posted::Event(mailgun::event(&bytes).ok_or_else(|| Error::new(Code::MalformedJson))?),
            None,
        ),
        Kind::Form => post(Form::read(&bytes, None).await?),
        Kind::Multipart(boundary) => post(Form::read(&bytes, Some(boundary)).await?),
    };
    let channel = channel_of(app, query.get("channel"), recipient.as_deref()).await?;
    let key = channel.secrets.signing_key.as_deref().unwrap_or_default();
    let now = app.db.clock().now();
    let verified = match &posted {
        Posted::Form(form) => mailgun::verify(form, key, now),
        Posted::Event(event) => event.verify(key, now),
    };
    if !channel.is_fed_by("mailgun") || key.is_empty() || verified.is_err() {
        return Err(Error::new(Code::BadSignature));
    }
    let envelope = Envelope {
        transport: match posted {
            Posted::Form(_) => Transport::MailgunForm,
            Posted::Event(_) => Transport::MailgunEvent,
        },
        from: None,
        to: Vec::new(),
        content_type,
    };
    inbound::store(app, &channel, &envelope, bytes.to_vec()).await
}

/// What Mailgun posts: a mail as a form, or an event about a mail of ours, which is often pointed here as well.
enum Posted {
    Form(Form),
    Event(mailgun::Event),
}

fn post(form: Form) -> (Posted, Option<String>) {
    let recipient = form.text("recipient");
    (Posted::Form(form), recipient)
}

/// The channel that the address of the webhook names, else the one whose mailbox the delivery is for.
async fn channel_of(app: &App, named: Option<&String>, recipient: Option<&str>) -> Result<Channel> {
    let unknown = || Error::new(Code::BadSignature);
    let id = named
        .map(|id| id.parse().map(ChannelId))
        .transpose()
        .map_err(|_| unknown())?;
    let (owner, recipient) = (app.clone(), recipient.unwrap_or_default().to_owned());
    let found = app
        .db
        .read(move |db| match id {
            Some(id) => config::of_any_tenant(db, &owner.secret, id),
            None => config::by_address(db, &owner.secret, &recipient),
        })
        .await?;
    found
        .filter(|channel| channel.is_active)
        .ok_or_else(unknown)
}
