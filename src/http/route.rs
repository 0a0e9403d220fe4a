//! Every URL of the program, in one match.
use super::{
    answer::{self, Answer, set},
    api::{self, Visit},
    files, hook, live, pages,
};
use crate::{
    api::{ADMIN, CLIENT, Surface, WIDGET, openapi},
    app::App,
    error::{Code, Error},
    lang::Lang,
};
use hyper::{Method, Request, StatusCode, body::Incoming, header};
use serde_json::json;
use std::net::IpAddr;

/// Answers one request.
pub(crate) async fn answer(app: &App, address: IpAddr, request: Request<Incoming>) -> Answer {
    let visit = visit(app, &request, address);
    let request_id = visit.request_id.clone();
    let path = request.uri().path().to_owned();
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    let get = matches!(*request.method(), Method::GET | Method::HEAD);
    let mut answer = match segments.as_slice() {
        ["api", endpoint, rest @ ..] if rest.len() <= 1 => {
            let named = rest.first().copied();
            match (endpoint.strip_suffix(".php").unwrap_or(endpoint), named) {
                ("admin", _) => call(app, &ADMIN, named, request, visit).await,
                ("client", _) => call(app, &CLIENT, named, request, visit).await,
                ("widget", _) => call(app, &WIDGET, named, request, visit).await,
                ("channel-webhook", None) => hook::answer(app, request, &visit).await,
                ("health", None) if get => health(app, &visit).await,
                ("openapi.json", None) if get => document(),
                ("live", None) if get => live::answer(app, request, &visit).await,
                ("health" | "openapi.json" | "live", None) => wrong_method("GET", &visit),
                _ => missing(&visit),
            }
        }
        ["files", id, ..] => files::answer(app, id, &request, &visit).await,
        ["brand.css"] if get => pages::brand(app).await,
        _ if get => pages::page(&path, request.headers()).unwrap_or_else(|| missing(&visit)),
        _ if pages::page(&path, request.headers()).is_some() => wrong_method("GET, HEAD", &visit),
        _ => missing(&visit),
    };
    finish(app, &mut answer, &request_id);
    answer
}

async fn call(
    app: &App,
    surface: &'static Surface,
    named: Option<&str>,
    request: Request<Incoming>,
    visit: Visit,
) -> Answer {
    Box::pin(api::answer(app, surface, named, request, visit)).await
}

/// The headers that every answer bears.
fn finish(app: &App, answer: &mut Answer, request_id: &str) {
    set(
        answer,
        header::HeaderName::from_static("x-request-id"),
        request_id,
    );
    set(answer, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(answer, header::REFERRER_POLICY, "no-referrer");
    if app.config.is_https() {
        set(
            answer,
            header::STRICT_TRANSPORT_SECURITY,
            "max-age=31536000",
        );
    }
}

/// The request's id (the caller's own if it is plain), its language and where it comes from.
fn visit(app: &App, request: &Request<Incoming>, peer: IpAddr) -> Visit {
    let text = |name: &str| request.headers().get(name).and_then(|v| v.to_str().ok());
    let plain = |id: &&str| {
        (1..=64).contains(&id.len())
            && id
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
    };
    let request_id = text("x-request-id")
        .filter(plain)
        .map(str::to_owned)
        .or_else(|| crate::access::secret::random_text(16).ok())
        .unwrap_or_default();
    Visit {
        request_id,
        address: app.config.origin_of(peer, text("x-forwarded-for")),
        lang: text("accept-language")
            .and_then(Lang::accepted)
            .unwrap_or_default(),
    }
}

fn missing(visit: &Visit) -> Answer {
    answer::error(&Error::new(Code::NotFound), visit.lang, &visit.request_id)
}

fn wrong_method(allowed: &str, visit: &Visit) -> Answer {
    let mut refusal = answer::error(
        &Error::new(Code::MethodNotAllowed),
        visit.lang,
        &visit.request_id,
    );
    set(&mut refusal, header::ALLOW, allowed);
    refusal
}

/// Whether the program can do its work: read, and write to the disk.
async fn health(app: &App, visit: &Visit) -> Answer {
    let read = app
        .db
        .read(|db| crate::db::sql::one(db, "select 1", [], |row| row.get::<_, i64>(0)));
    let written = match read.await {
        Ok(_) => app.db.write(|_| Ok(())).await,
        Err(error) => Err(error),
    };
    match written {
        Ok(()) => answer::json(&json!({
            "ok": true,
            "data": { "status": "ok", "version": env!("CARGO_PKG_VERSION") }
        })),
        Err(error) => {
            tracing::error!(%error, "the health check failed");
            let mut refusal = answer::error(&Error::unavailable(), visit.lang, &visit.request_id);
            *refusal.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            refusal
        }
    }
}

fn document() -> Answer {
    let mut answer = answer::json(&openapi::document());
    set(&mut answer, header::CACHE_CONTROL, "no-cache");
    answer
}
