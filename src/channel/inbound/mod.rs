//! What comes in. The raw delivery is stored and acknowledged first; a worker then reads it, decides by pure rules where it
//! belongs and posts it, all in one transaction that also says what became of it and why. A delivery that comes twice
//! makes one message; one that cannot be read stops nobody else and is kept. Each channel's deliveries are worked on one
//! after the other, so a channel that is slow delays no other.
pub(crate) mod button;
mod delivery;
mod evidence;
pub(crate) mod foretold;
mod media;
mod place;
mod reasons;
pub(crate) mod record;
pub(crate) mod rehearse;
mod report;
mod staff;
pub(crate) mod talk;
mod unpack;
mod words;

use super::{
    config,
    email::{form::Form, token::Keys},
    messenger,
};
use crate::{
    access::secret::Purpose,
    api::field::{ChannelId, MessageId, TenantId, TicketId},
    app::App,
    clock::{HOUR, MINUTE, Millis},
    db::{
        Tx,
        sql::{all, one, run},
    },
    error::{Code, Error, Result},
};
pub(crate) use delivery::{Delivery, Envelope, Transport, set_aside, store, store_all};
use rusqlite::Connection;
use std::{collections::HashMap, time::Duration};
use tokio::{
    sync::watch,
    task::{self, JoinSet},
};
use unpack::{Read, Shelf, Unpacked, unpack};

/// A stored delivery that is still to be worked on.
#[derive(Clone, Debug)]
struct Event {
    id: i64,
    tenant: TenantId,
    channel: ChannelId,
    envelope: String,
    raw_hash: Option<String>,
    received_at: Millis,
    attempts: i64,
}

/// How many deliveries of one channel are taken at a time.
const PORTION: u32 = 50;

/// The channels with deliveries that are due.
fn busy(conn: &Connection, now: Millis) -> Result<Vec<ChannelId>> {
    all(
        conn,
        "select distinct channel_id from inbound_event where state = 'received' and next_at <= ?1",
        [now],
        |row| row.get(0),
    )
}

/// When the next delivery is due, if any waits.
fn next_at(conn: &Connection) -> Result<Option<Millis>> {
    one(
        conn,
        "select min(next_at) from inbound_event where state = 'received'",
        [],
        |row| row.get(0),
    )
}

fn waiting(conn: &Connection, channel: ChannelId, now: Millis) -> Result<Vec<Event>> {
    all(
        conn,
        "select id, tenant_id, channel_id, envelope, raw_hash, received_at, attempts
           from inbound_event
          where state = 'received' and next_at <= ?1 and channel_id = ?2
          order by next_at, id limit ?3",
        (now, channel, PORTION),
        |row| {
            Ok(Event {
                id: row.get(0)?,
                tenant: row.get(1)?,
                channel: row.get(2)?,
                envelope: row.get(3)?,
                raw_hash: row.get(4)?,
                received_at: row.get(5)?,
                attempts: row.get(6)?,
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
/// How long a channel rests after the database did not answer.
const SHORT: Duration = Duration::from_secs(1);

/// The channels whose deliveries are being worked on.
#[derive(Default)]
struct Lanes {
    tasks: JoinSet<()>,
    channels: HashMap<task::Id, ChannelId>,
}

/// Works on deliveries as they are stored, until `stop` says to end.
pub(crate) async fn work(app: App, mut stop: watch::Receiver<bool>) {
    let mut lanes = Lanes::default();
    while !*stop.borrow() {
        let pause = match lanes.start(&app, &stop).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::error!(%error, "deliveries could not be worked on");
                PAUSE
            }
        };
        tokio::select! {
            _ = stop.wait_for(|stopping| *stopping) => {}
            Some(ended) = lanes.tasks.join_next_with_id(), if !lanes.tasks.is_empty() => lanes.ended(ended),
            () = app.db.signals().inbound.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
    while lanes.tasks.join_next().await.is_some() {}
}

impl Lanes {
    /// Starts on every channel with something due that is not being worked on. Answers how long there is nothing else to do.
    async fn start(&mut self, app: &App, stop: &watch::Receiver<bool>) -> Result<Duration> {
        let (busy, next) = app
            .db
            .read(|db| Ok((busy(db, db.now)?, next_at(db)?.map(|at| at - db.now))))
            .await?;
        for channel in busy {
            if self.channels.values().any(|c| *c == channel) {
                continue;
            }
            let (app, stop) = (app.clone(), stop.clone());
            let task = self.tasks.spawn(async move {
                if let Err(error) = work_once(&app, channel, &stop).await {
                    tracing::error!(%error, "deliveries could not be worked on");
                    tokio::time::sleep(SHORT).await;
                }
            });
            self.channels.insert(task.id(), channel);
        }
        let wait = next
            .and_then(|ms| u64::try_from(ms).ok())
            .filter(|ms| *ms > 0);
        Ok(wait.map_or(PAUSE, |ms| Duration::from_millis(ms).min(PAUSE)))
    }

    fn ended(&mut self, ended: Result<(task::Id, ()), task::JoinError>) {
        let id = match ended {
            Ok((id, ())) => id,
            Err(panic) => {
                tracing::error!(%panic, "working on deliveries panicked");
                panic.id()
            }
        };
        self.channels.remove(&id);
    }
}

/// Works on what is due now of a channel, in the order it came.
async fn work_once(app: &App, channel: ChannelId, stop: &watch::Receiver<bool>) -> Result<()> {
    let events = app.db.read(move |db| waiting(db, channel, db.now)).await?;
    for event in &events {
        if *stop.borrow() {
            break;
        }
        // A panic in reading one delivery is that delivery's failure.
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
    Ok(())
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
        "update channel set last_error = ?2, last_error_at = ?3, error_side = 'in' where id = ?1",
        (event.channel, failure, tx.now),
    )?;
    Ok(())
}

/// The form that was posted.
async fn form(envelope: &Envelope, raw: &[u8]) -> Result<Form> {
    let boundary = envelope
        .content_type
        .as_deref()
        .and_then(|t| multer::parse_boundary(t).ok());
    Form::read(raw, boundary).await
}

async fn process(app: &App, event: Event) -> Result<()> {
    let blobs = app.blobs.clone();
    let tenant = event.tenant;
    let hash = event
        .raw_hash
        .clone()
        .ok_or_else(|| Error::internal("a delivery without its bytes"))?;
    let raw = task::spawn_blocking(move || blobs.read(tenant, &hash))
        .await
        .map_err(Error::internal)??;
    let envelope: Envelope = serde_json::from_str(&event.envelope)?;
    let read = match envelope.transport {
        Transport::MailgunForm => Read::Mailgun(form(&envelope, &raw).await?),
        Transport::SendgridForm => Read::Sendgrid(form(&envelope, &raw).await?),
        Transport::MailgunEvent => Read::Event(raw),
        Transport::Smtp | Transport::Imap => Read::Raw(raw),
        Transport::Messenger => return listen(app, event, raw).await,
    };
    let shelf = Shelf::Store(app.blobs.clone(), tenant);
    let incoming = task::spawn_blocking(move || unpack(&shelf, envelope, read))
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

/// What became of a part of a delivery.
enum Applied {
    Done(Outcome),
    /// It speaks of something that is not known yet: again in so many milliseconds.
    Later(Millis),
    /// Somebody pressed a button and is told what came of it.
    Answered {
        outcome: Outcome,
        callback: String,
        text: String,
    },
}

/// Works on what a messenger told.
async fn listen(app: &App, event: Event, raw: Vec<u8>) -> Result<()> {
    let (owner, tenant, id) = (app.clone(), event.tenant, event.channel);
    let channel = app
        .db
        .read(move |db| config::by_id(db, &owner.secret, tenant, id))
        .await?;
    let reading = channel.clone();
    let heard = task::spawn_blocking(move || {
        let delivery = serde_json::from_slice(&raw).unwrap_or(serde_json::Value::Null);
        messenger::heard(&reading, &delivery)
    })
    .await
    .map_err(Error::internal)?;
    let Some(ready) = media::fetch(app, &channel, &event, heard).await? else {
        return Ok(());
    };
    let (owner, owned) = (app.clone(), channel.clone());
    let answer = app
        .db
        .write(move |tx| {
            let mut last = Outcome::ignored("empty_update");
            let mut answer = None;
            for part in ready {
                match talk::apply(tx, &owner, &event, &owned, part)? {
                    // What was done of the delivery so far is known again by its ids.
                    Applied::Later(ms) => {
                        postpone(tx, event.id, tx.now + ms)?;
                        return Ok(None);
                    }
                    Applied::Done(outcome) => last = outcome,
                    Applied::Answered {
                        outcome,
                        callback,
                        text,
                    } => {
                        last = outcome;
                        answer = Some((callback, text));
                    }
                }
            }
            last.write(tx, event.id)?;
            Ok(answer)
        })
        .await?;
    if let Some((callback, text)) = answer
        && let Some(messenger) = messenger::of(app, &channel)
    {
        // It only ends the button's spinning: what was decided is on the disk, and a late word is refused.
        let told = messenger.acknowledge(&callback, &text).await;
        tracing::debug!(?told, "a button was answered");
    }
    Ok(())
}

/// Looks at a delivery again later; that is no failure of it.
fn postpone(tx: &Tx<'_>, event: i64, until: Millis) -> Result<()> {
    run(
        tx,
        "update inbound_event set next_at = ?2 where id = ?1",
        (event, until),
    )?;
    Ok(())
}

fn keys_of(app: &App, tenant: TenantId) -> Keys {
    Keys::new(&app.secret.key(Purpose::MailThread), tenant.0)
}

/// What this installation calls itself in the header by which it knows its own automatic mail again.
pub(crate) fn installation(app: &App) -> String {
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
