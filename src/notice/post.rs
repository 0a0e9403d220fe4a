//! Sends notices: takes what is due, writes the mail, hands it over and writes down how it fared. One notice of a tenant at
//! a time, so a mail server that hangs delays nobody else's.
use super::{ANSWERS_OPERATOR, ANSWERS_TICKET, Kind, hurry, way_out};
use crate::{
    access::secret::{Purpose, random},
    api::field::TenantId,
    app::App,
    channel::{
        email::{
            address::Address,
            compose::{self, Author, Outgoing},
            send::{self, Envelope, Sent},
            template::Language,
            token::Keys,
        },
        inbound, outbound,
    },
    clock::{HOUR, Millis},
    db::{
        Tx,
        sql::{all, one, run},
    },
    error::{Error, Result},
    lang::Lang,
    tenant,
};
use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};
use tokio::{
    sync::watch,
    task::{self, JoinSet},
};

/// Notices that are sent at the same time in all.
const SENDERS: usize = 8;
/// The longest sleep: the clock may be moved under us.
const PAUSE: Duration = Duration::from_secs(10);
/// The wait for the database to take the fate of a mail.
const AGAIN: Duration = Duration::from_secs(2);

/// A notice whose time has come.
#[derive(Clone, Debug)]
struct Due {
    id: i64,
    tenant: TenantId,
    kind: Kind,
    recipient: String,
    lang: Lang,
    variables: Vec<u8>,
    attempts: u32,
    expires_at: Millis,
    created_at: Millis,
}

/// How an attempt ended.
#[derive(Clone, Debug)]
enum Fate {
    Sent,
    Again { why: String, at_least: Millis },
    Failed { why: String },
}

/// Sends what is due until `stop` says to end, then lets the mails in hand come to their end.
pub(crate) async fn work(app: App, mut stop: watch::Receiver<bool>) {
    if let Err(error) = app.db.write(hurry).await {
        tracing::error!(%error, "the notices could not be looked at");
    }
    let mut tasks = JoinSet::new();
    let mut busy: HashMap<task::Id, TenantId> = HashMap::new();
    loop {
        let pause = match start(&app, &mut tasks, &mut busy).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::error!(%error, "the notices could not be worked on");
                PAUSE
            }
        };
        tokio::select! {
            _ = stop.wait_for(|stopping| *stopping) => break,
            Some(ended) = tasks.join_next_with_id(), if !tasks.is_empty() => {
                let id = match ended {
                    Ok((id, ())) => id,
                    Err(panic) => {
                        tracing::error!(%panic, "sending a notice panicked");
                        panic.id()
                    }
                };
                busy.remove(&id);
            }
            () = app.db.signals().notices.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
    while tasks.join_next().await.is_some() {}
}

/// Starts sending what is due and not being sent yet. Answers how long there is nothing else to do.
async fn start(
    app: &App,
    tasks: &mut JoinSet<()>,
    busy: &mut HashMap<task::Id, TenantId>,
) -> Result<Duration> {
    let (rows, next) = app
        .db
        .read(|db| {
            let rows = all(
                db,
                "select id, tenant_id, kind, recipient, lang, variables, attempts, expires_at, created_at
                   from notice
                  where id in (select min(id) from notice
                                where state = 'queued' and next_at <= ?1
                                group by tenant_id)
                  order by next_at, id",
                [db.now],
                |row| {
                    Ok(Due {
                        id: row.get(0)?,
                        tenant: row.get(1)?,
                        kind: row.get(2)?,
                        recipient: row.get(3)?,
                        lang: row.get(4)?,
                        variables: row.get(5)?,
                        attempts: row.get(6)?,
                        expires_at: row.get(7)?,
                        created_at: row.get(8)?,
                    })
                },
            )?;
            let next: Option<Millis> = one(
                db,
                "select min(next_at) from notice where state = 'queued' and next_at > ?1",
                [db.now],
                |row| row.get(0),
            )?;
            Ok((rows, next.map(|at| at - db.now)))
        })
        .await?;
    for row in rows {
        if tasks.len() >= SENDERS || busy.values().any(|tenant| *tenant == row.tenant) {
            continue;
        }
        let (app, tenant) = (app.clone(), row.tenant);
        let task = tasks.spawn(async move { deliver(&app, &row).await });
        busy.insert(task.id(), tenant);
    }
    let wait = next.and_then(|ms| u64::try_from(ms).ok());
    Ok(wait.map_or(PAUSE, |ms| Duration::from_millis(ms).min(PAUSE)))
}

/// Sends one notice and writes down how it fared, however long the database takes to take it.
async fn deliver(app: &App, row: &Due) {
    let fate = attempt(app, row).await.unwrap_or_else(|error| {
        tracing::error!(notice = row.id, %error, "a notice could not be written");
        Fate::Again {
            why: error.to_string(),
            at_least: 0,
        }
    });
    while let Err(error) = note(app, row, fate.clone()).await {
        tracing::error!(notice = row.id, %error, "the fate of a notice could not be written down yet");
        tokio::time::sleep(AGAIN).await;
    }
}

async fn attempt(app: &App, row: &Due) -> Result<Fate> {
    let (owner, due) = (app.clone(), row.clone());
    let read = app.db.read(move |db| {
        let channel = way_out(db, &owner.secret, due.tenant, &due.recipient)?;
        Ok((channel, tenant::by_id(db, due.tenant)?, db.now))
    });
    let (channel, tenant, now) = read.await?;
    if row.expires_at <= now {
        return Ok(Fate::Failed {
            why: "it could not be sent while it was of use".to_owned(),
        });
    }
    let Some(channel) = channel else {
        return Ok(Fate::Again {
            why: "there is no active mail channel".to_owned(),
            at_least: 0,
        });
    };
    let opened = app.secret.open_for(Purpose::Notice, &row.variables)?;
    let mut variables: BTreeMap<String, String> = serde_json::from_slice(&opened)?;
    variables.insert("company".to_owned(), tenant.name.clone());
    let number = |name: &str| variables.get(name).and_then(|n| n.parse::<i64>().ok());
    let answered = number(ANSWERS_TICKET).zip(number(ANSWERS_OPERATOR));
    // Another tenant's mailbox takes no answers for this one.
    let reply_to =
        answered
            .filter(|_| channel.tenant == row.tenant)
            .and_then(|(ticket, operator)| {
                let keys = Keys::new(&app.secret.key(Purpose::MailThread), row.tenant.0);
                keys.staff_address(&channel.address, ticket, operator)
            });
    let (subject, text) = row.kind.written(row.lang, &variables)?;
    let domain = channel
        .address
        .rsplit_once('@')
        .map_or("localhost", |(_, domain)| domain);
    let proof = app
        .secret
        .sign(Purpose::Notice, &[b"message id", &row.id.to_be_bytes()]);
    let installation = inbound::installation(app);
    let from = Address {
        name: tenant.name.clone(),
        email: channel.address.clone(),
    };
    let to = [Address {
        name: String::new(),
        email: row.recipient.clone(),
    }];
    let raw = compose::compose(&Outgoing {
        author: Author::Notice {
            installation: &installation,
        },
        from: &from,
        to: &to,
        cc: &[],
        reply_to: reply_to.as_deref(),
        ticket: None,
        subject: &subject,
        message_id: &format!("tn.{}.{}@{domain}", row.id, &proof[..16]),
        in_reply_to: None,
        references: &[],
        date: row.created_at,
        language: Language::of(row.lang.as_str()),
        text: &text,
        signature: None,
        quoted: None,
        files: &[],
        company: &tenant.name,
        colour: Some(&tenant.settings.primary_color),
    })
    .map_err(Error::internal)?;
    let envelope = Envelope {
        // The null sender: what cannot be delivered is nobody's ticket.
        from: None,
        to: vec![row.recipient.clone()],
    };
    let target = outbound::target(app, &channel);
    Ok(match send::send(&target, &envelope, &raw).await {
        Sent::Delivered { .. } => Fate::Sent,
        Sent::Retry { why, at_least, .. } => Fate::Again {
            why,
            at_least: at_least
                .and_then(|d| Millis::try_from(d.as_millis()).ok())
                .unwrap_or(0),
        },
        Sent::Refused { why } => Fate::Failed { why },
    })
}

async fn note(app: &App, row: &Due, fate: Fate) -> Result<()> {
    let row = row.clone();
    let jitter = u64::from_be_bytes(random::<8>()?);
    app.db
        .write(move |tx| match fate {
            Fate::Sent => finish(tx, &row, "sent", None),
            Fate::Failed { why } => {
                tracing::warn!(notice = row.id, kind = row.kind.as_str(), %why, "a notice was not sent");
                finish(tx, &row, "failed", Some(&why))
            }
            Fate::Again { why, at_least } => {
                let wait = send::backoff(row.attempts + 1, jitter).unwrap_or(8 * HOUR);
                tracing::warn!(notice = row.id, kind = row.kind.as_str(), %why, "a notice is tried again");
                run(
                    tx,
                    "update notice set attempts = attempts + 1, next_at = ?2, last_error = ?3 where id = ?1",
                    // Not later than its end, so that it is known then to have failed.
                    (row.id, (tx.now + wait.max(at_least)).min(row.expires_at), why),
                )?;
                Ok(())
            }
        })
        .await
}

/// Ends a notice, and what filled it in is gone.
fn finish(tx: &Tx<'_>, row: &Due, state: &str, why: Option<&str>) -> Result<()> {
    run(
        tx,
        "update notice
            set state = ?2, variables = null, attempts = attempts + 1, last_error = ?3, finished_at = ?4
          where id = ?1",
        (row.id, state, why, tx.now),
    )?;
    Ok(())
}
