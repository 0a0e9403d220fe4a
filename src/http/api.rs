//! The door of the API: the request is read, its caller and its action are found, and the answer is written. No SQL of its
//! own and no rule of an action; whose a credential is, is decided in [`credential`].
use super::{
    allowance::Standing,
    answer::{self, Answer, set},
    body::{self, Kind},
    credential,
    multipart::{self, Parts, Room},
};
use crate::{
    access::{Caller, Principal},
    api::{Action, Call, Surface, Upload, field::TenantId},
    app::App,
    blob::Seen,
    error::{Code, Error, Result},
    lang::Lang,
    leftover,
    tenant::plan::Limits,
};
use hyper::{
    HeaderMap, Method, Request, StatusCode,
    body::Incoming,
    header::{self, HeaderName},
};
use serde_json::{Map, Value};
use std::{
    net::IpAddr,
    sync::{Arc, Mutex},
    time::Instant,
};

/// What is known of a request before it is read.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    pub(crate) request_id: String,
    pub(crate) address: IpAddr,
    pub(crate) lang: Lang,
}

pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Answers a call of an endpoint. `named` is the action if the path names it.
pub(crate) async fn answer(
    app: &App,
    surface: &'static Surface,
    named: Option<&str>,
    request: Request<Incoming>,
    visit: Visit,
) -> Answer {
    let began = Instant::now();
    let origin = text(request.headers(), "origin").map(str::to_owned);
    if surface.name == "widget" && request.method() == Method::OPTIONS {
        return preflight();
    }
    if request.method() != Method::POST {
        return answer::wrong_method("POST", visit.lang, &visit.request_id);
    }
    let mut log = Log::default();
    let mut lang = visit.lang;
    let outcome = call(app, surface, named, request, &visit, &mut lang, &mut log).await;
    let (mut answer, code) = match outcome {
        Ok(answer) => (answer, "ok"),
        Err(error) => {
            fault(app, &error, &visit.request_id, &log.action, log.tenant);
            (
                answer::error(&error, lang, &visit.request_id),
                error.code().name(),
            )
        }
    };
    tell_standing(&mut answer, &log);
    if surface.name == "widget" {
        cors(&mut answer, &log, origin.as_deref());
    }
    tracing::info!(
        request_id = %visit.request_id,
        action = %log.action,
        tenant = log.tenant.map(|t| t.0),
        actor = %log.actor,
        code,
        ms = began.elapsed().as_millis() as u64,
        "call"
    );
    answer
}

/// Tells the bearer of a key how much of its limit is left.
pub(super) fn tell_standing(answer: &mut Answer, log: &Log) {
    let Some(standing) = &log.standing else {
        return;
    };
    for (name, value) in [
        ("ratelimit-limit", standing.limit),
        ("ratelimit-remaining", standing.remaining),
        ("ratelimit-reset", standing.reset),
    ] {
        set(answer, HeaderName::from_static(name), &value.to_string());
    }
}

/// What a call leaves for its line in the log and for the headers of its answer.
#[derive(Default)]
pub(super) struct Log {
    action: String,
    tenant: Option<TenantId>,
    actor: String,
    pub(super) standing: Option<Standing>,
    pub(super) origins: Option<Vec<String>>,
}

/// Writes a fault of ours down, where the request id leads to it.
pub(super) fn fault(
    app: &App,
    error: &Error,
    request_id: &str,
    action: &str,
    tenant: Option<TenantId>,
) {
    if error.code() != Code::Internal {
        return;
    }
    tracing::error!(request_id, action, %error, "a call failed");
    let (request_id, action, detail) =
        (request_id.to_owned(), action.to_owned(), error.to_string());
    let db = app.db.clone();
    tokio::spawn(async move {
        let noted = db
            .write(move |tx| {
                crate::db::sql::run(
                    tx,
                    "insert into error_log (at, tenant_id, request_id, action, detail) values (?1, ?2, ?3, ?4, ?5)",
                    (tx.now, tenant, request_id, action, detail),
                )
            })
            .await;
        if let Err(error) = noted {
            tracing::warn!(%error, "the fault could not be written down");
        }
    });
}

async fn call(
    app: &App,
    surface: &'static Surface,
    named: Option<&str>,
    request: Request<Incoming>,
    visit: &Visit,
    lang: &mut Lang,
    log: &mut Log,
) -> Result<Answer> {
    let (head, wire) = request.into_parts();
    let headers = &head.headers;
    let query: Map<String, Value> =
        form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes())
            .filter(|(name, _)| name == "action" || (name == "api_key" && surface.name == "widget"))
            .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
            .collect();
    // A credential in the headers is looked at before a byte of the body is read.
    let early = credential::in_headers(app, surface, headers, visit, log).await?;
    let mut parts = match Kind::of(headers)? {
        Kind::Json => Parts::of_fields(body::json(wire).await?),
        Kind::Form => Parts::of_fields(body::form(wire).await?),
        Kind::Multipart(boundary) => {
            let known = named.map(|name| surface.find(name)).transpose()?;
            let room = match (known, &early) {
                (Some(action), _) if !action.files => Room::None,
                _ => room(app, surface, early.as_ref(), visit)?,
            };
            let read = multipart::read(wire, boundary, app, room, visit.address).await;
            // Nobody uploads anything who has not said who they are.
            read.map_err(|error| match error.code() {
                Code::NotAuthenticated => credential::absent(app, surface, headers),
                _ => error,
            })?
        }
    };
    let mut fields = std::mem::take(&mut parts.fields);
    for (name, value) in query {
        fields.entry(name).or_insert(value);
    }
    if let Some(wanted) = fields
        .get("lang")
        .and_then(Value::as_str)
        .and_then(Lang::of_tag)
    {
        *lang = wanted;
    }
    let action = action_of(surface, named, &mut fields)?;
    log.action = action.name.to_owned();
    let principal = if action.is_for_anyone() {
        credential::same_site(app, headers, action, surface, early.as_ref())?;
        app.limits.address(visit.address)?;
        Principal::Anonymous
    } else {
        let named =
            credential::before_session(app, surface, early.as_ref(), &fields, visit).await?;
        let early = named.or(early);
        credential::same_site(app, headers, action, surface, early.as_ref())?;
        match early {
            Some(principal) => principal,
            None => credential::in_body(app, surface, &fields, headers, visit, log).await?,
        }
    };
    log.tenant = principal.tenant();
    log.actor = actor(&principal);
    action.needs.met_by(&principal)?;
    let uploads = match principal.tenant() {
        Some(tenant) if action.files => keep(app, tenant, &principal, parts).await?,
        _ => Vec::new(),
    };
    let made = made(&principal, &uploads);
    let call = Arc::new(Call {
        lang: *lang,
        request_id: visit.request_id.clone(),
        address: visit.address,
        device: text(headers, "user-agent")
            .unwrap_or_default()
            .chars()
            .take(200)
            .collect(),
        uploads,
        idempotency_key: text(headers, "idempotency-key").map(str::to_owned),
        cookie: Mutex::default(),
        file: Mutex::default(),
    });
    let outcome = action
        .dispatch(app, principal, Arc::clone(&call), fields)
        .await;
    if let Err(error) = leftover::release(app, made).await {
        tracing::warn!(%error, "files that a call left over wait for the hourly clearing");
    }
    let data = outcome?;
    let file = call.file.lock().ok().and_then(|mut slot| slot.take());
    let mut answer = match file {
        Some(file) => answer::download(file),
        None => answer::data(&data),
    };
    if let Some(cookie) = call.cookie.lock().ok().and_then(|mut slot| slot.take()) {
        set(&mut answer, header::SET_COOKIE, &cookie);
    }
    set(&mut answer, header::CACHE_CONTROL, "no-store");
    Ok(answer)
}

/// The action that the path, the body or the query names.
fn action_of(
    surface: &'static Surface,
    named: Option<&str>,
    fields: &mut Map<String, Value>,
) -> Result<&'static Action> {
    let in_body = fields.remove("action");
    match (named, in_body) {
        (Some(name), _) => surface.find(name),
        (None, Some(Value::String(name))) => surface.find(&name),
        (None, Some(_)) => Err(Error::invalid("action", crate::error::Fault::NotText)),
        (None, None) => Err(Error::missing("action")),
    }
}

/// How much room there is for files while it is not known yet what they are for.
fn room(app: &App, surface: &Surface, caller: Option<&Principal>, visit: &Visit) -> Result<Room> {
    if let Some(limits) = caller.and_then(limits_of) {
        return Ok(Room::Known {
            each: limits.file_bytes(),
        });
    }
    app.limits.address(visit.address)?;
    Ok(if surface.name == "widget" {
        Room::Visitor
    } else {
        Room::Claimed
    })
}

/// Moves the files of a call into the store of its caller's tenant.
async fn keep(
    app: &App,
    tenant: TenantId,
    principal: &Principal,
    parts: Parts,
) -> Result<Vec<Upload>> {
    let most = limits_of(principal).map_or(0, Limits::file_bytes);
    if parts.largest() > most {
        return Err(body::too_large(most).on("files"));
    }
    parts.keep(app, tenant).await
}

/// What a call has brought into the store. If no row comes to name it, it goes again.
fn made(principal: &Principal, uploads: &[Upload]) -> Vec<Seen> {
    let Some(tenant) = principal.tenant() else {
        return Vec::new();
    };
    let seen = |upload: &Upload| {
        upload.blob.made.map(|kept| Seen {
            tenant,
            hash: upload.blob.hash.clone(),
            kept,
        })
    };
    uploads.iter().filter_map(seen).collect()
}

fn limits_of(principal: &Principal) -> Option<&Limits> {
    match principal {
        Principal::Anonymous => None,
        Principal::Operator(o) => Some(&o.limits),
        Principal::Client(c) => Some(&c.limits),
        Principal::Widget(w) => Some(&w.limits),
    }
}

fn actor(principal: &Principal) -> String {
    match principal {
        Principal::Anonymous => "anonymous".to_owned(),
        Principal::Operator(o) => o.signature(),
        Principal::Client(c) => format!("client {}", c.client),
        Principal::Widget(_) => "widget".to_owned(),
    }
}

/// What a browser is told before it lets a site's page call the widget's endpoint.
fn preflight() -> Answer {
    let mut answer = answer::empty(StatusCode::NO_CONTENT);
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "POST"),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "content-type, accept-language, idempotency-key",
        ),
        (header::ACCESS_CONTROL_MAX_AGE, "86400"),
    ] {
        set(&mut answer, name, value);
    }
    answer
}

/// Lets the page of an allowed site read the answer. Without a list of sites, and before it is known whose site it is, every page
/// may.
fn cors(answer: &mut Answer, log: &Log, origin: Option<&str>) {
    let list = log.origins.as_deref().unwrap_or_default();
    if list.is_empty() {
        set(answer, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    } else {
        set(answer, header::VARY, "origin");
        if let Some(origin) = origin.filter(|origin| credential::lists(list, origin)) {
            set(answer, header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        }
    }
    set(
        answer,
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        "x-request-id, retry-after",
    );
}
