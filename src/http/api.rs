//! The door of the API: who is asking, what for, and the answer. No SQL of its own and no rule of an action.
use super::{
    answer::{self, Answer, set},
    body::{self, Kind, Parts},
    cookie,
    limit::Standing,
};
use crate::{
    access::{
        Caller, ClientUser, Principal, Via, WidgetSite, client_token::ClientToken, secret::Purpose,
        store,
    },
    api::{Action, Call, Surface, field::TenantId},
    app::App,
    error::{Code, Error, Result},
    lang::Lang,
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
pub(crate) struct Visit {
    pub(crate) request_id: String,
    pub(crate) address: IpAddr,
    pub(crate) lang: Lang,
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
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
        let mut refusal = answer::error(
            &Error::new(Code::MethodNotAllowed),
            visit.lang,
            &visit.request_id,
        );
        set(&mut refusal, header::ALLOW, "POST");
        return refusal;
    }
    let mut log = Log::default();
    let mut lang = visit.lang;
    let outcome = call(app, surface, named, request, &visit, &mut lang, &mut log).await;
    let (mut answer, code) = match outcome {
        Ok(answer) => (answer, "ok"),
        Err(error) => {
            fault(app, &error, &visit.request_id, &log);
            (
                answer::error(&error, lang, &visit.request_id),
                error.code().name(),
            )
        }
    };
    if let Some(standing) = log.standing {
        for (name, value) in [
            ("ratelimit-limit", standing.limit),
            ("ratelimit-remaining", standing.remaining),
            ("ratelimit-reset", standing.reset),
        ] {
            set(
                &mut answer,
                HeaderName::from_static(name),
                &value.to_string(),
            );
        }
    }
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

/// What a call leaves for its line in the log and for the headers of its answer.
#[derive(Default)]
struct Log {
    action: String,
    tenant: Option<TenantId>,
    actor: String,
    standing: Option<Standing>,
    origins: Option<Vec<String>>,
}

/// Writes a fault of ours down, where the request id leads to it.
fn fault(app: &App, error: &Error, request_id: &str, log: &Log) {
    if error.code() != Code::Internal {
        return;
    }
    tracing::error!(request_id, action = %log.action, %error, "a call failed");
    let (tenant, request_id, action, detail) = (
        log.tenant,
        request_id.to_owned(),
        log.action.clone(),
        error.to_string(),
    );
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
    let kind = Kind::of(headers)?;
    let query: Map<String, Value> =
        form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes())
            .filter(|(name, _)| name == "action" || (name == "api_key" && surface.name == "widget"))
            .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
            .collect();
    // A credential in the headers is looked at before a byte of the body is read.
    let early = match surface.name {
        "widget" => None,
        _ => header_credential(app, surface, headers, visit, log).await?,
    };
    let mut parts = match kind {
        Kind::Json => Parts::of_fields(body::json(wire).await?),
        Kind::Form => Parts::of_fields(body::form(wire).await?),
        Kind::Multipart(boundary) => {
            let limit = file_limit(app, surface, early.as_ref(), &query, visit)?;
            body::multipart(wire, boundary, app, limit).await?
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
    same_site(app, headers, action, surface)?;
    let principal = if action.is_for_anyone() {
        app.limits.address(visit.address)?;
        Principal::Anonymous
    } else {
        match early {
            Some(principal) => principal,
            None => body_credential(app, surface, &fields, headers, visit, log).await?,
        }
    };
    log.tenant = principal.tenant();
    log.actor = actor(&principal);
    action.needs.met_by(&principal)?;
    let uploads = match principal.tenant() {
        Some(tenant) if parts.has_files() => {
            let most = plan_of(&principal).map_or(0, |plan| u64::from(plan.limits().file_mb) << 20);
            if parts.largest() > most {
                let limit = format!("{} MB", most >> 20);
                return Err(Error::new(Code::TooLarge).on("files").with("limit", limit));
            }
            parts.keep(app, tenant).await?
        }
        _ => Vec::new(),
    };
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
    });
    let json = action
        .dispatch(app, principal, Arc::clone(&call), fields)
        .await?;
    let mut answer = answer::data(&json);
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

/// How large a file may be while it is not known yet whose it is.
fn file_limit(
    app: &App,
    surface: &Surface,
    early: Option<&Principal>,
    query: &Map<String, Value>,
    visit: &Visit,
) -> Result<u64> {
    const VISITOR: u64 = 25 << 20;
    match early.and_then(plan_of) {
        Some(plan) => Ok(u64::from(plan.limits().file_mb) << 20),
        None if surface.name == "widget" || query.contains_key("api_key") => {
            app.limits.address(visit.address)?;
            Ok(VISITOR)
        }
        // Nobody uploads anything who has not said who they are.
        None => Err(Error::new(Code::NotAuthenticated)),
    }
}

fn plan_of(principal: &Principal) -> Option<crate::tenant::plan::Plan> {
    match principal {
        Principal::Anonymous => None,
        Principal::Operator(o) => Some(o.plan),
        Principal::Client(c) => Some(c.plan),
        Principal::Widget(w) => Some(w.plan),
    }
}

fn actor(principal: &Principal) -> String {
    match principal {
        Principal::Anonymous => "anonymous".to_owned(),
        Principal::Operator(o) => match &o.via {
            Via::Session { .. } => format!("operator {}", o.id),
            Via::Key { id, .. } => format!("key {id}"),
        },
        Principal::Client(c) => format!("client {}", c.client),
        Principal::Widget(_) => "widget".to_owned(),
    }
}

/// A browser says where a request comes from. One that another site makes with our cookie may not change anything.
fn same_site(app: &App, headers: &HeaderMap, action: &Action, surface: &Surface) -> Result<()> {
    if surface.name != "admin" || !action.changes() {
        return Ok(());
    }
    let bears_key =
        headers.contains_key("x-api-key") || headers.contains_key(header::AUTHORIZATION);
    if bears_key {
        return Ok(());
    }
    let foreign = || Error::new(Code::CrossSite);
    if matches!(
        text(headers, "sec-fetch-site"),
        Some("cross-site" | "same-site")
    ) {
        return Err(foreign());
    }
    match text(headers, "origin") {
        Some(origin) if !app.config.is_own(origin, text(headers, "host")) => Err(foreign()),
        _ => Ok(()),
    }
}

/// Who the headers say is asking. A credential that is presented but does not hold is refused, never passed over.
async fn header_credential(
    app: &App,
    surface: &Surface,
    headers: &HeaderMap,
    visit: &Visit,
    log: &mut Log,
) -> Result<Option<Principal>> {
    if surface.name == "client" {
        return match text(headers, "x-client-token") {
            Some(token) => client_user(app, token).await.map(Some),
            None => Ok(None),
        };
    }
    let bearer = text(headers, "authorization").and_then(|value| value.strip_prefix("Bearer "));
    if let Some(key) = text(headers, "x-api-key").or(bearer) {
        let principal = by_key(app, key.trim(), visit).await?;
        if let Principal::Operator(operator) = &principal
            && let Via::Key { id, .. } = operator.via
        {
            match app.limits.key(id, operator.plan) {
                Ok(standing) => log.standing = Some(standing),
                Err((error, standing)) => {
                    log.standing = Some(standing);
                    return Err(error);
                }
            }
        }
        return Ok(Some(principal));
    }
    let Some(token) = cookie::read(headers, &app.config) else {
        return Ok(None);
    };
    match by_session(app, token).await {
        Ok(principal) => Ok(Some(principal)),
        // Signing in again must work with the cookie of a session that has ended; anything else is refused later.
        Err(error) if error.code() == Code::SessionExpired => Ok(None),
        Err(error) => Err(error),
    }
}

/// Who the body of a widget's call says is asking, or why nobody is known to.
async fn body_credential(
    app: &App,
    surface: &Surface,
    fields: &Map<String, Value>,
    headers: &HeaderMap,
    visit: &Visit,
    log: &mut Log,
) -> Result<Principal> {
    match surface.name {
        "widget" => {
            app.limits.address(visit.address)?;
            let key = fields.get("api_key").and_then(Value::as_str);
            let key = key.ok_or_else(|| Error::new(Code::NotAuthenticated).on("api_key"))?;
            let site = widget_site(app, key.to_owned()).await?;
            log.origins = Some(site.allowed_origins.clone());
            let origin = text(headers, "origin");
            let allowed = site.allowed_origins.is_empty()
                || origin.is_none_or(|o| {
                    site.allowed_origins
                        .iter()
                        .any(|a| a.eq_ignore_ascii_case(o))
                });
            if !allowed {
                return Err(Error::new(Code::CrossSite).on("api_key"));
            }
            Ok(Principal::Widget(site))
        }
        "admin" if cookie::read(headers, &app.config).is_some() => {
            Err(Error::new(Code::SessionExpired))
        }
        _ => Err(Error::new(Code::NotAuthenticated)),
    }
}

/// The operator whose session a cookie bears.
pub(crate) async fn by_session(app: &App, token: &str) -> Result<Principal> {
    let hash = app.secret.hash(Purpose::Session, token);
    let found = app
        .db
        .read(move |db| store::session(db, &hash, db.now))
        .await?;
    let used = found.ok_or_else(|| Error::new(Code::SessionExpired))?;
    if used.stale
        && let Via::Session { id } = used.operator.via
    {
        app.db
            .write(move |tx| store::touch_session(tx, id, tx.now))
            .await?;
    }
    Ok(Principal::Operator(used.operator))
}

/// The operator that an API key acts for.
pub(crate) async fn by_key(app: &App, key: &str, visit: &Visit) -> Result<Principal> {
    let refused = || Error::new(Code::InvalidCredential);
    if !key.starts_with("tps_") {
        return Err(refused());
    }
    let hash = app.secret.hash(Purpose::ApiKey, key);
    let found = app.db.read(move |db| store::key(db, &hash, db.now)).await?;
    let Some(used) = found else {
        app.limits.address(visit.address)?;
        return Err(refused());
    };
    if used.stale {
        let (id, address) = (used.key, visit.address.to_string());
        app.db
            .write(move |tx| store::touch_key(tx, id, &address, tx.now))
            .await?;
    }
    Ok(Principal::Operator(used.operator))
}

/// The portal's user that a client token bears.
pub(crate) async fn client_user(app: &App, token: &str) -> Result<Principal> {
    let refused = || Error::new(Code::InvalidCredential);
    let now = app.db.clock().now();
    let token = ClientToken::read(token, &app.secret, now).ok_or_else(refused)?;
    let (tenant, domain, user) = (
        TenantId(token.tenant),
        token.portal_domain.clone(),
        token.user_id,
    );
    let portal = app
        .db
        .read(move |db| store::portal(db, tenant, &domain, user))
        .await?;
    let portal = portal
        .filter(|p| p.generation == token.generation)
        .ok_or_else(refused)?;
    Ok(Principal::Client(ClientUser {
        tenant,
        plan: portal.plan,
        client: portal.client,
        portal_domain: token.portal_domain,
        company_name: portal.company_name,
        user_id: token.user_id,
        user_name: token.user_name,
        session: token.session,
        shared: portal.shared,
        locale: portal.locale,
    }))
}

async fn widget_site(app: &App, key: String) -> Result<WidgetSite> {
    let site = app.db.read(move |db| store::widget_site(db, &key)).await?;
    site.ok_or_else(|| Error::new(Code::InvalidCredential).on("api_key"))
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

/// Lets the page of an allowed site read the answer. Without a list of sites every page may.
fn cors(answer: &mut Answer, log: &Log, origin: Option<&str>) {
    let listed = log.origins.as_ref().is_some_and(|list| !list.is_empty());
    match origin {
        Some(origin) if listed => {
            set(answer, header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            set(answer, header::VARY, "origin");
        }
        _ => set(answer, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    }
    set(
        answer,
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        "x-request-id, retry-after",
    );
}
