//! Every URL of the program, in one match.
use super::{
    answer::{self, Answer, set},
    api::{self, Visit},
    export, figures, files, guard, hook, kb, live, pages, rate,
};
use crate::{
    api::{ADMIN, CLIENT, Surface, WIDGET, openapi},
    app::App,
    db::what_panicked,
    error::{Code, Error},
    lang::Lang,
};
use futures_util::{FutureExt, future::BoxFuture};
use hyper::{Method, Request, body::Incoming, header};
use std::{
    any::Any,
    net::IpAddr,
    panic::AssertUnwindSafe,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};
use tokio::runtime::Handle;

/// Answers one request. A client that hangs up cannot stop it half way, and a panic ends nothing but the request.
pub(crate) async fn serve(app: App, address: IpAddr, request: Request<Incoming>) -> Answer {
    let began = Instant::now();
    let answer = answer_in_time(&app, address, request).await;
    let status = answer.status().as_u16();
    app.db.meters().answered(status, began.elapsed());
    answer
}

async fn answer_in_time(app: &App, address: IpAddr, mut request: Request<Incoming>) -> Answer {
    guard::settle(&mut request);
    let visit = visit(app, &request, address);
    let astray = guard::is_astray(&request, &app.config, address).then_some(Code::Misdirected);
    if let Some(code) = guard::fault(&request).or(astray) {
        let mut refused = guard::refuse(code, &visit);
        finish(app, &mut refused, &visit.request_id);
        return refused;
    }
    let path = request.uri().path().to_owned();
    let work = {
        let (app, visit) = (app.clone(), visit.clone());
        async move { answer(&app, request, visit).await }
    };
    let mut answer = match Unbroken::new(work).await {
        Ok(answer) => answer,
        Err(panic) => recover(app, &visit, &path, &*panic),
    };
    finish(app, &mut answer, &visit.request_id);
    answer
}

type Panic = Box<dyn Any + Send>;

/// Work that is done in the task of whoever waits for it, which saves a change of threads, and goes on in one of its own when
/// nobody waits any more.
struct Unbroken(Option<BoxFuture<'static, Result<Answer, Panic>>>);

impl Unbroken {
    fn new(work: impl Future<Output = Answer> + Send + 'static) -> Unbroken {
        // What a panic leaves behind is the request's alone.
        Unbroken(Some(AssertUnwindSafe(work).catch_unwind().boxed()))
    }
}

impl Future for Unbroken {
    type Output = Result<Answer, Panic>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(work) = self.0.as_mut() else {
            return Poll::Pending;
        };
        let answer = ready!(work.as_mut().poll(context));
        self.0 = None;
        Poll::Ready(answer)
    }
}

impl Drop for Unbroken {
    fn drop(&mut self) {
        if let (Some(work), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(work);
        }
    }
}

/// The answer of a request that panicked: a fault of ours, written down under its id like any other.
fn recover(app: &App, visit: &Visit, path: &str, panic: &(dyn Any + Send)) -> Answer {
    let error = Error::internal(what_panicked(panic));
    api::fault(app, &error, &visit.request_id, path, None);
    answer::error(&error, visit.lang, &visit.request_id)
}

async fn answer(app: &App, request: Request<Incoming>, visit: Visit) -> Answer {
    let path = request.uri().path().to_owned();
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    let get = matches!(*request.method(), Method::GET | Method::HEAD);
    match segments.as_slice() {
        ["api", endpoint, rest @ ..] if rest.len() <= 1 => {
            let named = rest.first().copied();
            match (endpoint.strip_suffix(".php").unwrap_or(endpoint), named) {
                ("admin", _) => call(app, &ADMIN, named, request, visit).await,
                ("client", _) => call(app, &CLIENT, named, request, visit).await,
                ("widget", _) => call(app, &WIDGET, named, request, visit).await,
                ("channel-webhook", None) => hook::answer(app, request, &visit).await,
                ("health", None) if get => figures::health(app, request.headers(), &visit).await,
                ("openapi.json", None) if get => document(),
                ("live", None) if get => live::answer(app, request, &visit).await,
                ("health" | "openapi.json" | "live", None) => wrong_method("GET", &visit),
                _ => missing(&visit),
            }
        }
        ["files", id, ..] => files::answer(app, id, &request, &visit).await,
        ["kb", rest @ ..] if get => kb::answer(app, rest, &request, &visit).await,
        ["kb", ..] => wrong_method("GET, HEAD", &visit),
        ["exports", token] => export::answer(app, token, &request, &visit).await,
        ["rate", token] => rate::answer(app, token, request, &visit).await,
        ["metrics"] if get => figures::metrics(app, request.headers(), &visit).await,
        ["metrics"] => wrong_method("GET, HEAD", &visit),
        ["brand.css"] if get => pages::brand(app, &request).await,
        ["brand", hash] if get => pages::picture(app, hash)
            .await
            .unwrap_or_else(|| missing(&visit)),
        ["manifest.webmanifest"] if get => pages::manifest(app).await,
        _ if get => pages::page(&path, request.headers()).unwrap_or_else(|| missing(&visit)),
        _ if pages::page(&path, request.headers()).is_some() => wrong_method("GET, HEAD", &visit),
        _ => missing(&visit),
    }
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
    answer::wrong_method(allowed, visit.lang, &visit.request_id)
}

fn document() -> Answer {
    let mut answer = answer::json(&openapi::document());
    set(&mut answer, header::CACHE_CONTROL, "no-cache");
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::Clock, config::Config, db::sql};
    use http_body_util::BodyExt;
    use hyper::StatusCode;
    use serde_json::json;

    #[tokio::test]
    async fn a_panic_is_answered_and_written_down_under_the_request_s_id() {
        let dir = std::env::temp_dir().join(format!("tehprof-route-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let app = App::open(Config::new(dir.clone()), Clock::System).unwrap();
        let visit = Visit {
            request_id: "r-1".to_owned(),
            address: IpAddr::from([192, 0, 2, 1]),
            lang: Lang::En,
        };
        let panic = Unbroken::new(async { panic!("a handler's bug") }).await;
        let answer = recover(&app, &visit, "/api/admin/me", &*panic.unwrap_err());
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            (&body["code"], &body["request_id"]),
            (&json!("internal"), &json!("r-1"))
        );
        let rows = |db: &crate::db::Snapshot<'_>| {
            sql::all(
                db,
                "select request_id, action, detail from error_log",
                [],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )
        };
        let logged: Vec<(String, String, String)> = loop {
            let rows = app.db.read(rows).await.unwrap();
            if !rows.is_empty() {
                break rows;
            }
        };
        assert_eq!((&*logged[0].0, &*logged[0].1), ("r-1", "/api/admin/me"));
        assert!(logged[0].2.contains("a handler's bug"), "{}", logged[0].2);
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_is_brought_to_its_end() {
        let (begin, begun) = tokio::sync::oneshot::channel::<()>();
        let (done, end) = tokio::sync::oneshot::channel();
        let mut work = Unbroken::new(async move {
            begun.await.unwrap();
            done.send(()).unwrap();
            answer::empty(StatusCode::NO_CONTENT)
        });
        assert!((&mut work).now_or_never().is_none());
        drop(work);
        begin.send(()).unwrap();
        end.await.unwrap();
    }
}
