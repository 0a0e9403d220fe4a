//! The pages and their assets, embedded in the binary as the front end's build left them: compressed ahead of time, with
//! an ETag, hashed names cached for good.
use super::{
    answer::{self, Answer, set},
    cookie, credential,
};
use crate::{
    api::field::TenantId,
    app::App,
    branding::{colour, image},
    tenant,
};
use hyper::{HeaderMap, Request, StatusCode, body::Incoming, header};
use rust_embed::{EmbeddedFile, RustEmbed};
use serde_json::json;
use std::fmt::Write;

#[derive(RustEmbed)]
#[folder = "$TEHPROF_WEB"]
struct Web;

/// What a page may do. Nothing comes from elsewhere; scripts and sheets are files of ours.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; \
    connect-src 'self'; frame-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'";

/// The desk shows mail in a sandboxed frame that inherits this policy: its inline styles, and its remote pictures once
/// an operator asks for them.
const DESK: &str = "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; \
    img-src 'self' data: blob: https: http:; font-src 'self'; connect-src 'self'; media-src 'self' blob:; frame-src 'self'; \
    manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'";

/// Answers a page or an asset, if there is one of that path.
pub(crate) fn page(path: &str, headers: &HeaderMap) -> Option<Answer> {
    let path = match path.trim_start_matches('/') {
        "" => "index.html",
        path => path,
    };
    if path.ends_with(".br") || path.ends_with(".gz") {
        return None;
    }
    let plain = Web::get(path)?;
    let tag = format!("\"{}\"", hex(&plain));
    let mut answer = if headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known| known.as_bytes() == tag.as_bytes())
    {
        answer::empty(StatusCode::NOT_MODIFIED)
    } else {
        compressed(path, plain, headers)
    };
    set(&mut answer, header::ETAG, &tag);
    let lasts = match path {
        _ if path.starts_with("assets/") => "public, max-age=31536000, immutable",
        "widget/loader.js" => "public, max-age=300",
        _ => "no-cache",
    };
    set(&mut answer, header::CACHE_CONTROL, lasts);
    match path {
        "tenant.html" => {
            set(
                &mut answer,
                header::CONTENT_SECURITY_POLICY,
                &format!("{DESK}; frame-ancestors 'none'"),
            );
        }
        // A client's own portal may frame these.
        "embed.html" => set(
            &mut answer,
            header::CONTENT_SECURITY_POLICY,
            &format!("{POLICY}; style-src-attr 'unsafe-inline'; frame-ancestors *"),
        ),
        _ if path.ends_with(".html") => {
            set(
                &mut answer,
                header::CONTENT_SECURITY_POLICY,
                &format!("{POLICY}; style-src-attr 'unsafe-inline'; frame-ancestors 'self'"),
            );
        }
        // Other sites load the widget.
        _ if path.starts_with("widget/") => {
            answer.headers_mut().insert(
                "cross-origin-resource-policy",
                header::HeaderValue::from_static("cross-origin"),
            );
            // A part of it is a module, which browsers fetch from elsewhere by CORS only.
            set(&mut answer, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
        }
        _ => {}
    }
    Some(answer)
}

fn hex(file: &EmbeddedFile) -> String {
    file.metadata.sha256_hash()[..12]
        .iter()
        .fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

fn compressed(path: &str, plain: EmbeddedFile, headers: &HeaderMap) -> Answer {
    let accepted = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    let takes = |coding: &str| {
        accepted
            .split(',')
            .any(|item| item.split(';').next().is_some_and(|c| c.trim() == coding))
    };
    let packed = [("br", "br"), ("gzip", "gz")]
        .into_iter()
        .filter(|(coding, _)| takes(coding))
        .find_map(|(coding, ending)| Some((coding, Web::get(&format!("{path}.{ending}"))?)));
    let kind = kind_of(path);
    let mut answer = match packed {
        Some((coding, file)) => {
            let mut answer = answer::answer(StatusCode::OK, kind, file.data.into_owned());
            set(&mut answer, header::CONTENT_ENCODING, coding);
            answer
        }
        None => answer::answer(StatusCode::OK, kind, plain.data.into_owned()),
    };
    set(&mut answer, header::VARY, "accept-encoding");
    answer
}

fn kind_of(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}

/// What a phone needs to know to keep the portal among its programs, under the tenant's name and in its colour.
pub(crate) async fn manifest(app: &App) -> Answer {
    let tenant = app
        .db
        .read(|db| tenant::first_tenant(db))
        .await
        .ok()
        .flatten();
    let (name, colour) = tenant.map_or_else(
        || {
            (
                "TehProf".to_owned(),
                tenant::Settings::default().primary_color,
            )
        },
        |t| (t.name, t.settings.primary_color),
    );
    let icon = |file: &str, size: &str, purpose: &str| json!({ "src": format!("./icons/{file}"), "sizes": size, "type": "image/png", "purpose": purpose });
    let manifest = json!({
        "name": name,
        "short_name": name.chars().take(24).collect::<String>(),
        "id": "/index.html",
        "start_url": "./index.html",
        "scope": "./",
        "display": "standalone",
        "background_color": "#f5f6f7",
        "theme_color": colour,
        "icons": [
            icon("icon-192.png", "192x192", "any"),
            icon("icon-512.png", "512x512", "any"),
            icon("icon-maskable-512.png", "512x512", "maskable"),
        ],
    });
    let mut answer = answer::answer(
        StatusCode::OK,
        "application/manifest+json",
        manifest.to_string(),
    );
    set(&mut answer, header::CACHE_CONTROL, "no-cache");
    answer
}

/// Where the colours of a tenant are, for a page that knows whose it is.
pub(super) fn brand_of(tenant: TenantId) -> String {
    format!("/brand.css?tenant={tenant}")
}

/// The tenant's colours as a sheet that every page loads before its own: those of the tenant that the page names, else of
/// whoever is signed in, else of the first tenant.
pub(crate) async fn brand(app: &App, request: &Request<Incoming>) -> Answer {
    let query = request.uri().query().unwrap_or_default();
    let named = form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "tenant")
        .and_then(|(_, id)| id.parse().ok())
        .map(TenantId);
    let signed_in = match cookie::read(request.headers(), &app.config) {
        Some(token) if named.is_none() => credential::session(app, token).await.ok(),
        _ => None,
    };
    let own = named.or(signed_in.map(|used| used.operator.tenant));
    let look = app.db.read(move |db| match own {
        Some(id) => tenant::find(db, id).map(Some),
        None => tenant::first_tenant(db),
    });
    let settings = look.await.ok().flatten().map(|tenant| tenant.settings);
    let settings = settings.unwrap_or_default();
    let mut answer = answer::answer(
        StatusCode::OK,
        "text/css; charset=utf-8",
        colour::sheet(
            &settings.primary_color,
            settings.look.accent_color.as_deref(),
        ),
    );
    set(&mut answer, header::CACHE_CONTROL, "no-cache");
    set(&mut answer, header::VARY, "cookie");
    answer
}

/// A picture of a tenant's pages. Other sites show it in the widget; it is a picture and nothing else, whatever it holds.
pub(crate) async fn picture(app: &App, hash: &str) -> Option<Answer> {
    let hash = hash.to_owned();
    let found = app.db.read(move |db| image::by_hash(db, &hash)).await;
    let (mime, bytes) = found.ok().flatten()?;
    let mut answer = answer::answer(StatusCode::OK, "application/octet-stream", bytes);
    set(&mut answer, header::CONTENT_TYPE, &mime);
    set(
        &mut answer,
        header::CACHE_CONTROL,
        "public, max-age=31536000, immutable",
    );
    set(
        &mut answer,
        header::CONTENT_SECURITY_POLICY,
        "sandbox; default-src 'none'",
    );
    answer.headers_mut().insert(
        "cross-origin-resource-policy",
        header::HeaderValue::from_static("cross-origin"),
    );
    Some(answer)
}
