//! What comes in. The raw delivery is stored and acknowledged first; a worker then reads it, decides by pure rules where it
//! belongs and posts it, all in one transaction that also says what became of it and why. A delivery that comes twice
//! makes one message; one that cannot be read stops nobody else and is kept.
mod evidence;
mod place;
mod report;
mod unpack;

use super::{
    config::Channel,
    email::{form::Form, token::Keys},
};
use crate::{
    access::secret::Purpose,
    api::field::{ChannelId, MessageId, TenantId, TicketId},
    app::App,
    clock::{HOUR, MINUTE, Millis},
    db::{
        Tx,
        sql::{all, run},
    },
    error::{Code, Error, Result},
    signal::Signal,
};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::sync::watch;
use unpack::{Read, Unpacked, unpack};

/// How a delivery reached us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Transport {
    Smtp,
    MailgunForm,
    MailgunEvent,
}

/// What the transport said beside the mail itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Envelope {
    pub(crate) transport: Transport,
    /// The sender's address; empty for the null sender.
    pub(crate) from: Option<String>,
    pub(crate) to: Vec<String>,
    /// The type of a webhook's body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) content_type: Option<String>,
}

/// Stores a delivery. When this returns, it is on the disk. A provider's token that came before brings nothing new.
pub(crate) async fn store(
    app: &App,
    channel: &Channel,
    envelope: &Envelope,
    raw: Vec<u8>,
    token: Option<String>,
) -> Result<()> {
    let (tenant, id) = (channel.tenant, channel.id);
    let envelope = serde_json::to_string(envelope)?;
    let blobs = app.blobs.clone();
    let blob = tokio::task::spawn_blocking(move || blobs.put(tenant, &raw))
        .await
        .map_err(Error::internal)??;
    app.db
        .write(move |tx| {
            run(
                tx,
                "insert into inbound_event (tenant_id, channel_id, received_at, next_at, envelope, raw_hash, token)
                 values (?1, ?2, ?3, ?3, ?4, ?5, ?6)
                 on conflict do nothing",
                (tenant, id, tx.now, envelope, blob.hash, token),
            )?;
            run(tx, "update channel set last_inbound_at = ?2 where id = ?1", (id, tx.now))?;
            tx.signal(Signal::Inbound);
            Ok(())
        })
        .await
}

/// A stored delivery that is still to be worked on.
#[derive(Clone, Debug)]
struct Event {
    id: i64,
    tenant: TenantId,
    channel: ChannelId,
    envelope: String,
    raw_hash: String,
    attempts: i64,
}

fn waiting(conn: &Connection, now: Millis) -> Result<Vec<Event>> {
    all(
        conn,
        "select id, tenant_id, channel_id, envelope, raw_hash, attempts
           from inbound_event where state = 'received' and next_at <= ?1 order by next_at, id limit 50",
        [now],
        |row| {
            Ok(Event {
                id: row.get(0)?,
                tenant: row.get(1)?,
                channel: row.get(2)?,
                envelope: row.get(3)?,
                raw_hash: row.get(4)?,
                attempts: row.get(5)?,
            })
        },
    )
}

/// How often a delivery that fails is tried before it is put aside: over about a day and a half.
const ATTEMPTS: i64 = 12;
/// The first wait after a failure; each one is twice the one before.
const FIRST_WAIT: Millis = MINUTE;
/// How long a delivery that the plan has no room for is kept before it is looked at again.
const NO_ROOM: Millis = HOUR;
/// How long the worker sleeps when nothing wakes it.
const PAUSE: Duration = Duration::from_secs(30);

/// Works on deliveries as they are stored, until `stop` says to end.
pub(crate) async fn work(app: App, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let pause = match work_once(&app, &stop).await {
            Ok(0) => PAUSE,
            Ok(_) => continue,
            Err(error) => {
                tracing::error!(%error, "deliveries could not be worked on");
                PAUSE
            }
        };
        tokio::select! {
            _ = stop.wait_for(|stopping| *stopping) => {}
            () = app.db.signals().inbound.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Works on what is due now, in the order it came. Answers how much that was.
async fn work_once(app: &App, stop: &watch::Receiver<bool>) -> Result<usize> {
    let events = app.db.read(|db| waiting(db, db.now)).await?;
    for event in &events {
        if *stop.borrow() {
            break;
        }
        // A panic in reading one mail is that mail's failure.
        let (owner, work) = (app.clone(), event.clone());
        let outcome = tokio::spawn(async move { process(&owner, work).await }).await;
        let (failure, no_room) = match outcome {
            Ok(Ok(())) => continue,
            Ok(Err(error)) => (error.to_string(), error.code() == Code::PlanLimit),
            Err(panic) => (panic.to_string(), false),
        };
        tracing::error!(event = event.id, %failure, "a delivery could not be worked on");
        let event = event.clone();
        app.db
            .write(move |tx| put_off(tx, &event, &failure, no_room))
            .await?;
    }
    Ok(events.len())
}

/// Keeps a delivery for later. One that the plan has no room for waits for as long as it takes; another one is put aside
/// in the end, where `check` and people find it. The channel shows what is the matter.
fn put_off(tx: &Tx<'_>, event: &Event, failure: &str, no_room: bool) -> Result<()> {
    let doublings = u32::try_from(event.attempts.clamp(0, 20)).unwrap_or(0);
    let wait = if no_room {
        NO_ROOM
    } else {
        FIRST_WAIT << doublings
    };
    run(
        tx,
        "update inbound_event
            set attempts = attempts + iif(?3, 0, 1), detail = ?2, next_at = ?4, state = iif(?5, 'failed', state)
          where id = ?1",
        (
            event.id,
            failure,
            no_room,
            tx.now + wait,
            !no_room && event.attempts + 1 >= ATTEMPTS,
        ),
    )?;
    run(
        tx,
        "update channel set last_error = ?2, last_error_at = ?3 where id = ?1",
        (event.channel, failure, tx.now),
    )?;
    Ok(())
}

async fn process(app: &App, event: Event) -> Result<()> {
    let blobs = app.blobs.clone();
    let (tenant, hash) = (event.tenant, event.raw_hash.clone());
    let raw = tokio::task::spawn_blocking(move || blobs.read(tenant, &hash))
        .await
        .map_err(Error::internal)??;
    let envelope: Envelope = serde_json::from_str(&event.envelope)?;
    let read = match envelope.transport {
        Transport::MailgunForm => {
            let boundary = envelope
                .content_type
                .as_deref()
                .and_then(|t| multer::parse_boundary(t).ok());
            Read::Posted(Form::read(&raw, boundary).await?)
        }
        Transport::MailgunEvent => Read::Event(raw),
        Transport::Smtp => Read::Raw(raw),
    };
    let owner = app.clone();
    let incoming = tokio::task::spawn_blocking(move || unpack(&owner, tenant, envelope, read))
        .await
        .map_err(Error::internal)??;
    let owner = app.clone();
    app.db
        .write(move |tx| {
            let outcome = match incoming {
                Unpacked::Mail(incoming) => place::apply(tx, &owner, &event, *incoming)?,
                Unpacked::Report(report) => {
                    let keys = keys_of(&owner, event.tenant);
                    report::apply(tx, event.tenant, &keys, &report)?
                }
                Unpacked::Nothing => Outcome::ignored("event_without_a_message"),
            };
            outcome.write(tx, event.id)
        })
        .await
}

fn keys_of(app: &App, tenant: TenantId) -> Keys {
    Keys::new(&app.secret.key(Purpose::MailThread), tenant.0)
}

/// What this installation calls itself in the header by which it knows its own automatic mail again.
pub(super) fn installation(app: &App) -> String {
    let key = app.secret.key(Purpose::MailThread);
    data_encoding::HEXLOWER.encode(&blake3::hash(&key).as_bytes()[..8])
}

/// What became of a delivery, and which rule decided so.
#[derive(Debug, Default)]
struct Outcome {
    outcome: &'static str,
    rule: String,
    /// What could not be read of it.
    detail: Option<String>,
    external_id: Option<String>,
    ticket: Option<TicketId>,
    message: Option<MessageId>,
}

impl Outcome {
    fn ignored(rule: impl Into<String>) -> Outcome {
        Outcome {
            outcome: "ignored",
            rule: rule.into(),
            ..Outcome::default()
        }
    }

    fn write(&self, tx: &Tx<'_>, event: i64) -> Result<()> {
        run(
            tx,
            "update inbound_event
                set state = 'done', outcome = ?2, rule = ?3, external_id = ?4, ticket_id = ?5, message_id = ?6, detail = ?7
              where id = ?1",
            (
                event,
                self.outcome,
                &self.rule,
                &self.external_id,
                self.ticket,
                self.message,
                &self.detail,
            ),
        )?;
        Ok(())
    }
}
