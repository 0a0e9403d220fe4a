//! Serving attachments: authorised, never executed, never guessed at by the browser.
use super::{
    answer::{self, Answer, set},
    api::{Log, Visit, tell_standing},
    credential,
};
use crate::{
    access::{Principal, rules::Needs},
    api::field::{FileId, OperatorId, TenantId},
    app::App,
    clock::Millis,
    error::{Code, Error, Result},
    tenant::plan::Scope,
    ticket::files::{self, Served},
};
use bytes::Bytes;
use futures_util::TryStreamExt;
use http_body_util::{BodyExt, StreamBody};
use hyper::{HeaderMap, Method, Request, Response, body::Frame, body::Incoming, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::collections::HashMap;
use tokio::io::AsyncReadExt;

/// What the bearer of a key must have: the same as to see the ticket that a file is of.
const NEEDS: Needs = Needs::scopes(&[Scope::Read, Scope::Tickets]);

/// Types that a browser may show by itself; everything else is downloaded.
const SHOWN: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];

/// How much of a file is in memory at once.
const CHUNK: usize = 64 << 10;

pub(crate) async fn answer(
    app: &App,
    id: &str,
    request: &Request<Incoming>,
    visit: &Visit,
) -> Answer {
    let refused = |error: &Error| answer::error(error, visit.lang, &visit.request_id);
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return answer::wrong_method("GET, HEAD", visit.lang, &visit.request_id);
    }
    let mut log = Log::default();
    let mut answer = match serve(app, id, request, visit, &mut log).await {
        Ok(answer) => answer,
        Err(error) => refused(&error),
    };
    tell_standing(&mut answer, &log);
    answer
}

async fn serve(
    app: &App,
    id: &str,
    request: &Request<Incoming>,
    visit: &Visit,
    log: &mut Log,
) -> Result<Answer> {
    let missing = || Error::new(Code::NotFound);
    let id = FileId(id.parse().map_err(|_| missing())?);
    let query: HashMap<String, String> =
        form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes())
            .into_owned()
            .collect();
    let (tenant, uploader) = reader(app, id, &query, request.headers(), (visit, log)).await?;
    let file = app
        .db
        .read(move |db| files::served(db, tenant, id, uploader))
        .await?;
    let file = file.ok_or_else(missing)?;
    let path = app.blobs.place(tenant, &file.hash);
    let opened = tokio::fs::File::open(&path).await.map_err(|error| {
        tracing::error!(file = id.0, %error, "an attachment's bytes are not there");
        missing()
    })?;
    let download = query.contains_key("download");
    Ok(stream(
        opened,
        &file,
        download,
        request.method() == Method::HEAD,
    ))
}

/// Whose file it may be: a link with a proof says so, else the caller's own credential.
async fn reader(
    app: &App,
    id: FileId,
    query: &HashMap<String, String>,
    headers: &HeaderMap,
    (visit, log): (&Visit, &mut Log),
) -> Result<(TenantId, Option<OperatorId>)> {
    // A key or a device's token that does not hold is refused, whatever the link says; a session may have ended since.
    let operator = match credential::operator(app, headers, visit, log).await {
        Err(error) if error.code() == Code::SessionExpired => Err(error),
        other => Ok(other?),
    };
    let number = |name: &str| query.get(name).and_then(|v| v.parse::<Millis>().ok());
    if let (Some(tenant), Some(expires), Some(proof)) = (number("t"), number("e"), query.get("s")) {
        let tenant = TenantId(tenant);
        let now = app.db.clock().now();
        if files::link_holds(&app.secret, (tenant, id), expires, proof, now) {
            // An upload that is not posted yet is linked for its uploader only, who bears a credential as well.
            let operator = operator.ok().flatten();
            return Ok((
                tenant,
                operator.filter(|o| o.tenant == tenant).map(|o| o.id),
            ));
        }
    }
    let operator = operator?.ok_or_else(|| Error::new(Code::NotAuthenticated))?;
    let (tenant, id) = (operator.tenant, operator.id);
    NEEDS.met_by(&Principal::Operator(operator))?;
    Ok((tenant, Some(id)))
}

pub(super) fn stream(
    file: tokio::fs::File,
    served: &Served,
    download: bool,
    head_only: bool,
) -> Answer {
    let shown = SHOWN.contains(&served.mime.as_str()) && !download;
    let body = if head_only {
        answer::whole(Bytes::new())
    } else {
        let chunks = futures_util::stream::try_unfold(file, |mut file| async move {
            let mut chunk = Vec::with_capacity(CHUNK);
            let read = (&mut file)
                .take(CHUNK as u64)
                .read_to_end(&mut chunk)
                .await?;
            Ok((read > 0).then(|| (Bytes::from(chunk), file)))
        });
        StreamBody::new(chunks.map_ok(Frame::data)).boxed_unsync()
    };
    let mut answer = Response::new(body);
    set(
        &mut answer,
        header::CONTENT_TYPE,
        if shown {
            &served.mime
        } else {
            "application/octet-stream"
        },
    );
    set(
        &mut answer,
        header::CONTENT_LENGTH,
        &served.size.to_string(),
    );
    let disposition = if shown { "inline" } else { "attachment" };
    // RFC 6266: the extended form for every name, a plain one for clients that do not know it.
    let plain: String = served
        .name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "-_. ".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    let name = utf8_percent_encode(&served.name, NON_ALPHANUMERIC);
    set(
        &mut answer,
        header::CONTENT_DISPOSITION,
        &format!("{disposition}; filename=\"{plain}\"; filename*=UTF-8''{name}"),
    );
    set(
        &mut answer,
        header::CONTENT_SECURITY_POLICY,
        "sandbox; default-src 'none'; style-src 'none'",
    );
    set(&mut answer, header::CACHE_CONTROL, "private, max-age=3600");
    answer
}
