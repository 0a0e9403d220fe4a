//! Live updates: a WebSocket for staff, an event stream for a portal page with a ticket open (see [`stream`]). Both tell what
//! changed and hold no content. A socket resumes after the last change it saw, and ends soon after its session does.
use super::{
    answer::{self, Answer, set},
    api::{Visit, text},
    cookie, credential, stream,
};
use crate::{
    access::Operator,
    api::field::TicketId,
    app::App,
    caps::Seat,
    error::{Code, Error, Result},
    signal::Change,
    ticket::event,
};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use hyper::{Request, StatusCode, body::Incoming, header, upgrade::Upgraded};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tokio::sync::broadcast::error::RecvError;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        handshake::derive_accept_key,
        protocol::{Role, WebSocketConfig},
    },
};

/// How often an idle connection is told that it is alive, so that proxies keep it.
pub(super) const BEAT: Duration = Duration::from_secs(20);
/// How often a socket's session is looked at. What is changed here is told at once; that it ends by itself, or by a command
/// of the shell, is told by nobody.
const REVIEW: Duration = Duration::from_secs(60);
/// The largest frame a client may send.
const FRAME: usize = 16 << 10;

pub(crate) async fn answer(app: &App, request: Request<Incoming>, visit: &Visit) -> Answer {
    let outcome = if request.headers().contains_key(header::UPGRADE) {
        socket(app, request).await
    } else {
        stream::open(app, &request).await
    };
    outcome.unwrap_or_else(|error| answer::error(&error, visit.lang, &visit.request_id))
}

pub(super) fn parameter(request: &Request<Incoming>, name: &str) -> Option<i64> {
    form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes())
        .find(|(key, _)| key == name)
        .and_then(|(_, value)| value.parse().ok())
}

/// Opens a WebSocket for a signed-in operator. A page of another site is refused: browsers send cookies to it as well.
async fn socket(app: &App, mut request: Request<Incoming>) -> Result<Answer> {
    let headers = request.headers();
    let own = |from| app.config.is_own(from, text(headers, "host"));
    if !text(headers, "origin").is_none_or(own) {
        return Err(Error::new(Code::CrossSite));
    }
    let token =
        cookie::read(headers, &app.config).ok_or_else(|| Error::new(Code::NotAuthenticated))?;
    let token = token.to_owned();
    let operator = credential::by_session(app, &token).await?;
    let key = headers
        .get("sec-websocket-key")
        .ok_or_else(|| Error::missing("Sec-WebSocket-Key"))?;
    let accept = derive_accept_key(key.as_bytes());
    let since = parameter(&request, "since");
    let seat = request.extensions().get::<Arc<Seat>>().cloned();
    let upgrade = hyper::upgrade::on(&mut request);
    let app = app.clone();
    tokio::spawn(async move {
        let _seat = seat;
        match upgrade.await {
            Ok(upgraded) => serve(app, operator, token, since, upgraded).await,
            Err(error) => tracing::debug!(%error, "a live connection was not established"),
        }
    });
    let mut answer = answer::empty(StatusCode::SWITCHING_PROTOCOLS);
    set(&mut answer, header::UPGRADE, "websocket");
    set(&mut answer, header::CONNECTION, "Upgrade");
    set(
        &mut answer,
        header::HeaderName::from_static("sec-websocket-accept"),
        &accept,
    );
    Ok(answer)
}

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// What a client says on the socket.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Said {
    View {
        ticket_id: Option<i64>,
    },
    Typing {
        ticket_id: i64,
        #[serde(default)]
        is_typing: bool,
    },
    Ping,
}

async fn serve(app: App, by: Operator, token: String, since: Option<i64>, upgraded: Upgraded) {
    // What is heard are a few words; the usual buffer would be most of what an idle connection costs.
    let config = WebSocketConfig::default()
        .read_buffer_size(1 << 10)
        .max_message_size(Some(FRAME))
        .max_frame_size(Some(FRAME))
        .max_write_buffer_size(256 << 10);
    let mut socket =
        WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
    app.hub.connected(by.id);
    if let Err(error) = talk(&app, &by, &token, since, &mut socket).await {
        tracing::debug!(%error, operator = by.id.0, "a live connection ended");
    }
    app.hub.disconnected(&by, app.db.clock().now());
    let _ = socket.close(None).await;
}

async fn say(socket: &mut Socket, value: &Value) -> Result<()> {
    let text = value.to_string();
    socket
        .send(Message::text(text))
        .await
        .map_err(Error::internal)
}

fn told(change: &Change) -> Value {
    let mut value = serde_json::to_value(change).unwrap_or_default();
    value["type"] = "event".into();
    value
}

async fn talk(
    app: &App,
    by: &Operator,
    token: &str,
    since: Option<i64>,
    socket: &mut Socket,
) -> Result<()> {
    // Listening begins before the backlog is read, so that nothing falls between; what comes twice is passed over.
    let mut changes = app.db.signals().changes.subscribe();
    let mut access = app.db.signals().access.subscribe();
    let mut moves = app.hub.moves.subscribe();
    let mut notified = app.db.signals().notified.subscribe();
    let mut closing = app.hub.closing.subscribe();
    let mut last = greet(app, by, since, socket).await?;
    let mut beat = tokio::time::interval(BEAT);
    let mut review = tokio::time::interval(REVIEW);
    loop {
        tokio::select! {
            change = changes.recv() => match change {
                Ok(change) if change.tenant == by.tenant.0 && change.seq > last => {
                    last = change.seq;
                    say(socket, &told(&change)).await?;
                }
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => {
                    last = greet(app, by, Some(last), socket).await?;
                }
                Err(RecvError::Closed) => return Ok(()),
            },
            moved = moves.recv() => {
                if let Ok((tenant, ticket)) = moved && tenant == by.tenant {
                    let viewers = app.hub.viewers(tenant, ticket, app.db.clock().now());
                    say(socket, &json!({ "type": "presence", "ticket_id": ticket, "viewers": viewers })).await?;
                }
            },
            news = notified.recv() => {
                // One that was missed is made up for by the next: what is told is only that there is something to fetch.
                if matches!(news, Ok(whom) if whom == (by.tenant, by.id)) || matches!(news, Err(RecvError::Lagged(_))) {
                    say(socket, &json!({ "type": "notification" })).await?;
                }
            },
            _ = access.recv() => {
                if has_ended(app, token).await {
                    return say(socket, &json!({ "type": "bye" })).await;
                }
            },
            _ = review.tick() => {
                if has_ended(app, token).await {
                    return say(socket, &json!({ "type": "bye" })).await;
                }
            },
            _ = closing.recv() => {
                say(socket, &json!({ "type": "bye" })).await?;
                return Ok(());
            },
            _ = beat.tick() => socket.send(Message::Ping(Bytes::new())).await.map_err(Error::internal)?,
            heard = socket.next() => match heard {
                Some(Ok(Message::Text(text))) => hear(app, by, text.as_str(), socket).await?,
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(()),
                Some(Ok(_)) => {}
            },
        }
    }
}

/// Whether a session is over. That it cannot be told just now does not end a connection.
async fn has_ended(app: &App, token: &str) -> bool {
    let session = credential::session(app, token).await;
    session.is_err_and(|error| error.code() == Code::SessionExpired)
}

/// Says hello and tells what was missed. Answers the number of the last change told.
async fn greet(app: &App, by: &Operator, since: Option<i64>, socket: &mut Socket) -> Result<i64> {
    let tenant = by.tenant;
    let (seq, missed) = app
        .db
        .read(move |db| {
            let missed = match since {
                Some(since) => event::backlog(db, tenant, since)?,
                None => Vec::new(),
            };
            Ok((event::last_seq(db, tenant)?, missed))
        })
        .await?;
    say(
        socket,
        &json!({ "type": "hello", "seq": seq, "operator_id": by.id }),
    )
    .await?;
    if missed.len() > usize::try_from(event::BACKLOG).unwrap_or(usize::MAX) {
        say(socket, &json!({ "type": "resync" })).await?;
    } else {
        for change in &missed {
            say(socket, &told(change)).await?;
        }
    }
    Ok(seq)
}

async fn hear(app: &App, by: &Operator, text: &str, socket: &mut Socket) -> Result<()> {
    // A newer page may say what this program does not know yet.
    let Ok(said) = serde_json::from_str::<Said>(text) else {
        return Ok(());
    };
    let now = app.db.clock().now();
    match said {
        Said::Ping => say(socket, &json!({ "type": "pong" })).await,
        Said::View { ticket_id: None } => {
            app.hub.looks(by, None, false, now);
            Ok(())
        }
        Said::View {
            ticket_id: Some(id),
        } => {
            let ticket = TicketId(id);
            let typing = app
                .hub
                .viewers(by.tenant, ticket, now)
                .iter()
                .any(|v| v.operator_id == by.id && v.is_typing);
            app.hub.looks(by, Some(ticket), typing, now);
            let viewers = app.hub.viewers(by.tenant, ticket, now);
            say(
                socket,
                &json!({ "type": "presence", "ticket_id": id, "viewers": viewers }),
            )
            .await
        }
        Said::Typing {
            ticket_id,
            is_typing,
        } => {
            app.hub.looks(by, Some(TicketId(ticket_id)), is_typing, now);
            Ok(())
        }
    }
}
