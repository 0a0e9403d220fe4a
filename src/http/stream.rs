//! The event stream of a portal page that shows a ticket. It begins anew each time, and its page asks for the ticket again;
//! it ends soon after its token does, or when the ticket goes out of its bearer's sight.
use super::{
    answer::{Answer, set},
    api::text,
    credential,
    live::{BEAT, parameter},
};
use crate::{
    api::field::{TenantId, TicketId},
    app::App,
    error::{Code, Error, Result},
    signal::Change,
    ticket::view,
};
use bytes::Bytes;
use futures_util::StreamExt;
use http_body_util::{BodyExt, StreamBody};
use hyper::{
    Request, Response,
    body::{Frame, Incoming},
    header,
};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::broadcast;

/// Opens an event stream for a portal page that shows one of its bearer's own tickets.
pub(super) async fn open(app: &App, request: &Request<Incoming>) -> Result<Answer> {
    let query_token = form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes())
        .find(|(key, _)| key == "ctoken")
        .map(|(_, value)| value.into_owned());
    let token = text(request.headers(), "x-client-token")
        .map(str::to_owned)
        .or(query_token);
    let token = token.ok_or_else(|| Error::new(Code::NotAuthenticated))?;
    let Some(ticket) = parameter(request, "ticket_id").map(TicketId) else {
        credential::client_user(app, &token).await?;
        return Err(Error::missing("ticket_id"));
    };
    let tenant = sees(app, &token, ticket).await?;
    let listener = Listener {
        changes: app.db.signals().changes.subscribe(),
        closing: app.hub.closing.subscribe(),
        beat: tokio::time::interval_at(tokio::time::Instant::now() + BEAT, BEAT),
        app: app.clone(),
        token,
        tenant,
        ticket,
    };
    let first = futures_util::stream::once(std::future::ready(frame(": listening\n\n")));
    let events = first.chain(futures_util::stream::unfold(
        listener,
        |mut listener| async {
            let text = listener.next().await?;
            Some((frame(text), listener))
        },
    ));
    let mut answer = Response::new(StreamBody::new(events).boxed_unsync());
    set(&mut answer, header::CONTENT_TYPE, "text/event-stream");
    set(&mut answer, header::CACHE_CONTROL, "no-store");
    Ok(answer)
}

fn frame(text: impl Into<Bytes>) -> std::io::Result<Frame<Bytes>> {
    Ok(Frame::data(text.into()))
}

/// The tenant of a ticket, if the bearer of a client token may see it now.
async fn sees(app: &App, token: &str, ticket: TicketId) -> Result<TenantId> {
    let user = credential::client_user(app, token).await?;
    let (tenant, sight) = (user.tenant, user.sight());
    app.db
        .read(move |db| view::reach(db, tenant, &sight, ticket).map(|_| tenant))
        .await
}

/// A portal page that listens.
struct Listener {
    app: App,
    token: String,
    tenant: TenantId,
    ticket: TicketId,
    changes: broadcast::Receiver<Arc<Change>>,
    closing: broadcast::Receiver<()>,
    beat: tokio::time::Interval,
}

impl Listener {
    /// What the page is told next. `None` ends the stream; the page asks again.
    async fn next(&mut self) -> Option<String> {
        loop {
            tokio::select! {
                _ = self.closing.recv() => return None,
                change = self.changes.recv() => {
                    let change = change.ok()?;
                    if self.is_told_of(&change) {
                        let told = told_client(&change);
                        return Some(format!("id: {}\ndata: {told}\n\n", change.seq));
                    }
                }
                _ = self.beat.tick() => {
                    let still = sees(&self.app, &self.token, self.ticket).await;
                    // Being busy says nothing of what the page may see.
                    if still.is_err_and(|error| error.code() != Code::Unavailable) {
                        return None;
                    }
                    return Some(": alive\n\n".to_owned());
                }
            }
        }
    }

    /// Whether a change is one that the ticket's client may know of: none of a note, a tag or who is in charge.
    fn is_told_of(&self, change: &Change) -> bool {
        let public = matches!(
            change.kind,
            "ticket.status_changed" | "estimate.set" | "message.created" | "message.updated"
        );
        public
            && change.tenant == self.tenant.0
            && change.ticket_id == self.ticket.0
            && !change.is_note
    }
}

/// A change without what only staff may know.
fn told_client(change: &Change) -> Value {
    json!({
        "type": "event",
        "seq": change.seq,
        "kind": change.kind,
        "ticket_id": change.ticket_id,
        "message_id": change.message_id,
        "author_type": change.author_type,
    })
}
