//! What goes out: takes due rows from the outbox, writes the mail, hands it over and notes how it fared. Each channel has
//! its own few senders, so one server that hangs delays nobody else's mail.
use super::{
    config::{self, Channel, Security as Protection},
    email::{
        address::Address,
        compose::{self, Author, File, Outgoing, Quoted},
        dial::{Reach, Security, SmtpTarget},
        send::{self, Sent},
        template::Language,
        token::Keys,
    },
    inbound,
    outbox::{self, Due, Kind},
};
use crate::{
    access::secret::{Purpose, random},
    api::field::{ChannelId, MessageId, TenantId, TicketId},
    app::App,
    clock::{MINUTE, Millis},
    config::PrivateTargets,
    db::{
        Snapshot,
        sql::{all, first, one, run},
    },
    error::{Error, Result},
    lang::Lang,
    tenant,
    ticket::record,
};
use rusqlite::Connection;
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
    time::Duration,
};

/// How many mails one channel sends at the same time.
const SENDERS: usize = 2;
/// How many due rows of a channel are looked at: those being sent are among them.
const MOST_DUE: u32 = 8;
/// The longest sleep: the clock may be moved under us.
const PAUSE: Duration = Duration::from_secs(10);

/// What is being sent at the moment, by channel.
type InFlight = Arc<Mutex<HashMap<ChannelId, HashSet<i64>>>>;

/// Sends what is due, for as long as the program runs.
pub(crate) async fn work(app: App) {
    let in_flight = InFlight::default();
    // A server that was away may be back: what waits is tried at once after a start.
    let hurried = app.db.write(|tx| {
        run(
            tx,
            "update outbox set next_at = ?1 where state = 'queued' and next_at > ?1",
            [tx.now],
        )
    });
    if let Err(error) = hurried.await {
        tracing::error!(%error, "the outbox could not be looked at");
    }
    loop {
        let pause = match start_due(&app, &in_flight).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::error!(%error, "the outbox could not be worked on");
                PAUSE
            }
        };
        let _ = tokio::time::timeout(pause, app.db.signals().outbox.notified()).await;
    }
}

/// Starts sending what is due and not being sent yet. Answers how long there is nothing to do.
async fn start_due(app: &App, in_flight: &InFlight) -> Result<Duration> {
    let busy = in_flight.clone();
    let (rows, next) = app
        .db
        .read(move |db| {
            let mut rows = Vec::new();
            for channel in outbox::busy_channels(db, db.now)? {
                let sending = busy
                    .lock()
                    .map(|map| map.get(&channel).cloned().unwrap_or_default())
                    .unwrap_or_default();
                let free = SENDERS.saturating_sub(sending.len());
                if free > 0 {
                    let due = outbox::due(db, channel, db.now, MOST_DUE)?;
                    rows.extend(
                        due.into_iter()
                            .filter(|row| !sending.contains(&row.id))
                            .take(free),
                    );
                }
            }
            let next = outbox::next_at(db)?.map(|at| at - db.now);
            Ok((rows, next))
        })
        .await?;
    for row in rows {
        mark(in_flight, &row, true);
        let (app, in_flight) = (app.clone(), in_flight.clone());
        tokio::spawn(async move {
            deliver(&app, &row).await;
            mark(&in_flight, &row, false);
            app.db.signals().outbox.notify_one();
        });
    }
    let wait = next
        .and_then(|ms| u64::try_from(ms).ok())
        .filter(|ms| *ms > 0);
    Ok(wait.map_or(PAUSE, |ms| Duration::from_millis(ms).min(PAUSE)))
}

fn mark(in_flight: &InFlight, row: &Due, sending: bool) {
    if let Ok(mut map) = in_flight.lock() {
        let rows = map.entry(row.channel).or_default();
        if sending {
            rows.insert(row.id);
        } else {
            rows.remove(&row.id);
        }
    }
}

/// Sends one row and writes down how it fared. If that cannot be written, the row is sent again under the same
/// Message-ID, which receivers recognise.
async fn deliver(app: &App, row: &Due) {
    let outcome = match prepare(app, row).await {
        Ok(letter) => {
            let sent = send::send(&letter.target, &letter.envelope, &letter.raw).await;
            note(app, row, sent, Some(letter.mail_id)).await
        }
        Err(error) => {
            tracing::error!(outbox = row.id, %error, "a mail could not be written");
            let why = error.to_string();
            note(app, row, Sent::Refused { why }, None).await
        }
    };
    if let Err(error) = outcome {
        tracing::error!(outbox = row.id, %error, "the fate of a mail could not be written down");
    }
}

async fn note(app: &App, row: &Due, sent: Sent, mail_id: Option<String>) -> Result<()> {
    let row = row.clone();
    let jitter = u64::from_be_bytes(random::<8>()?);
    app.db
        .write(move |tx| match sent {
            Sent::Delivered { missed, .. } => {
                if let Some(id) = mail_id.filter(|_| row.kind == Kind::Answer) {
                    run(
                        tx,
                        "update message set mail_id = ?3 where tenant_id = ?1 and id = ?2",
                        (row.tenant, row.message, id),
                    )?;
                }
                for missed in missed {
                    tracing::warn!(outbox = row.id, recipient = %missed.recipient, why = %missed.why, "a copy was refused");
                }
                outbox::sent(tx, &row)
            }
            Sent::Retry { why, at_least, .. } => {
                let wait = send::backoff(row.attempts + 1, jitter);
                let least = at_least.map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(MINUTE));
                tracing::warn!(outbox = row.id, %why, "a mail was not taken and is tried again");
                outbox::failed(tx, &row, &why, wait.map(|ms| tx.now + ms.max(least)))
            }
            Sent::Refused { why } => {
                tracing::warn!(outbox = row.id, %why, "a mail was refused for good");
                outbox::failed(tx, &row, &why, None)
            }
        })
        .await
}

/// Connects to a channel's server and signs in. Answers the server's name, or what is wrong in words.
pub(crate) async fn check(app: &App, channel: &Channel) -> Result<String, String> {
    let server = send::check(&target(app, channel)).await?;
    // It works again: what waits for it need not wait longer.
    let id = channel.id;
    let hurried = app.db.write(move |tx| {
        run(
            tx,
            "update outbox set next_at = ?2 where channel_id = ?1 and state = 'queued'",
            (id, tx.now),
        )?;
        run(
            tx,
            "update channel set last_error = null, last_error_at = null where id = ?1",
            [id],
        )?;
        tx.signal(crate::signal::Signal::Outbox);
        Ok(())
    });
    hurried.await.map_err(|error| error.to_string())?;
    Ok(server)
}

fn target(app: &App, channel: &Channel) -> SmtpTarget {
    let port = channel
        .config
        .pointer("/smtp/port")
        .and_then(serde_json::Value::as_u64);
    let security = match serde_json::from_value(channel.config["smtp"]["security"].clone()) {
        Ok(Protection::None) => Security::None,
        Ok(Protection::Starttls) | Err(_) => Security::StartTls,
        Ok(Protection::Tls) => Security::Tls,
    };
    let login = match (
        channel.text("/smtp/username"),
        &channel.secrets.smtp_password,
    ) {
        ("", _) | (_, None) => None,
        (user, Some(password)) => Some((user.to_owned(), password.clone())),
    };
    let public = app.config.public_url();
    let host = public
        .split_once("://")
        .map_or("", |(_, rest)| rest)
        .split([':', '/'])
        .next();
    let domain = channel
        .address
        .rsplit_once('@')
        .map_or("localhost", |(_, domain)| domain);
    let hello = match host {
        // An address is no name to greet with.
        Some(name) if name.contains('.') && name.parse::<std::net::IpAddr>().is_err() => name,
        _ => domain,
    };
    SmtpTarget {
        host: channel.text("/smtp/host").to_owned(),
        port: port.and_then(|p| u16::try_from(p).ok()).unwrap_or(587),
        security,
        login,
        hello: hello.to_owned(),
        extra_ca: None,
        reach: match app.config.private_targets {
            PrivateTargets::Deny => Reach::PublicOnly,
            PrivateTargets::Channels | PrivateTargets::Allow => Reach::Anywhere,
        },
    }
}

/// A mail that is ready to go.
struct Letter {
    target: SmtpTarget,
    envelope: send::Envelope,
    raw: Vec<u8>,
    mail_id: String,
}

/// What a mail is made of, read in one snapshot.
struct Facts {
    channel: Channel,
    subject: String,
    recipient: Address,
    copies: Vec<Address>,
    author: String,
    body: String,
    created_at: Millis,
    language: Lang,
    company: String,
    colour: String,
    references: Vec<String>,
    in_reply_to: Option<String>,
    quoted: Option<(String, jiff::Zoned, String)>,
    files: Vec<(String, String, String)>,
}

async fn prepare(app: &App, row: &Due) -> Result<Letter> {
    let (owner, due) = (app.clone(), row.clone());
    let facts = app.db.read(move |db| facts(db, &owner, &due)).await?;
    let (owner, due) = (app.clone(), row.clone());
    tokio::task::spawn_blocking(move || write(&owner, &due, facts))
        .await
        .map_err(Error::internal)?
}

fn facts(db: &Snapshot<'_>, app: &App, row: &Due) -> Result<Facts> {
    let channel = config::by_id(db, &app.secret, row.tenant, row.channel)?;
    let ticket = record::by_id(db, row.tenant, row.ticket)?;
    let tenant = tenant::by_id(db, row.tenant)?;
    let (author, body, created_at, ordinal): (String, String, Millis, i64) = one(
        db,
        "select author_name, body, created_at, ordinal from message where tenant_id = ?1 and id = ?2",
        (row.tenant, row.message),
        |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)),
    )?;
    let copies = all(
        db,
        "select name, email from participant where tenant_id = ?1 and ticket_id = ?2 and email <> ?3 order by email",
        (row.tenant, row.ticket, &row.recipient),
        |r| {
            Ok(Address {
                name: r.get(0)?,
                email: r.get(1)?,
            })
        },
    )?;
    let ids: Vec<(String, bool)> = all(
        db,
        "select mail_id, author_type = 'client' from message
          where tenant_id = ?1 and ticket_id = ?2 and ordinal < ?3 and mail_id is not null
          order by ordinal",
        (row.tenant, row.ticket, ordinal),
        |r| Ok((r.get(0)?, r.get(1)?)),
    )?;
    let last_inbound = ids.iter().rev().find(|(_, client)| *client).or(ids.last());
    let quoted = quoted(db, &tenant, row.ticket, ordinal)?;
    Ok(Facts {
        in_reply_to: last_inbound.map(|(id, _)| id.clone()),
        references: ids.into_iter().map(|(id, _)| id).collect(),
        subject: ticket.subject,
        recipient: Address {
            // Somebody without a name is called by the address, which stands there anyway.
            name: Some(ticket.creator_name)
                .filter(|n| *n != row.recipient)
                .unwrap_or_default(),
            email: row.recipient.clone(),
        },
        copies,
        author,
        body,
        created_at,
        language: ticket.locale.unwrap_or(tenant.locale),
        company: tenant.name,
        colour: tenant.settings.primary_color,
        quoted,
        files: attachments(db, row.tenant, row.message)?,
        channel,
    })
}

/// The client's last words before a message, as a mail quotes them.
fn quoted(
    conn: &Connection,
    tenant: &tenant::Tenant,
    ticket: TicketId,
    before: i64,
) -> Result<Option<(String, jiff::Zoned, String)>> {
    let found: Option<(String, Millis, String, Option<i64>)> = first(
        conn,
        "select author_name, created_at, body, quoted_from from message
          where tenant_id = ?1 and ticket_id = ?2 and ordinal < ?3 and author_type = 'client'
            and not is_note and deleted_at is null
          order by ordinal desc limit 1",
        (tenant.id, ticket, before),
        |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)),
    )?;
    let Some((author, at, body, quoted_from)) = found else {
        return Ok(None);
    };
    let at = jiff::Timestamp::from_millisecond(at).map_err(Error::internal)?;
    // Of a reply only what is new: the rest was quoted in our own mail before.
    let new = match quoted_from {
        Some(units) => String::from_utf16_lossy(
            &body
                .encode_utf16()
                .take(usize::try_from(units).unwrap_or(0))
                .collect::<Vec<_>>(),
        ),
        None => body,
    };
    Ok(Some((
        author,
        at.to_zoned(tenant.hours.zone().clone()),
        new.trim().to_owned(),
    )))
}

fn attachments(
    conn: &Connection,
    tenant: TenantId,
    message: MessageId,
) -> Result<Vec<(String, String, String)>> {
    all(
        conn,
        "select name, mime, hash from file where tenant_id = ?1 and message_id = ?2 order by id",
        (tenant, message),
        |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)),
    )
}

/// What the desk says by itself when a mail has opened a ticket. None of the sender's own words are in it: anybody can
/// write an address that is not theirs.
fn acknowledgement(language: Lang) -> [&'static str; 2] {
    match language {
        Lang::Ru => [
            "Обращение получено",
            "Здравствуйте!\n\nМы получили ваше обращение и скоро ответим. Номер обращения — в теме этого письма. \
             Чтобы что-то добавить, просто ответьте на него.",
        ],
        Lang::Kk => [
            "Өтініш қабылданды",
            "Сәлеметсіз бе!\n\nӨтінішіңізді алдық, жақын арада жауап береміз. Өтініш нөмірі осы хаттың тақырыбында көрсетілген. \
             Бірдеңе қосқыңыз келсе, осы хатқа жауап жазыңыз.",
        ],
        Lang::En => [
            "We have received your request",
            "Hello,\n\nwe have received your request and will answer soon. Its number is in the subject of this mail. \
             To add anything, just reply to it.",
        ],
    }
}

fn write(app: &App, row: &Due, mut facts: Facts) -> Result<Letter> {
    let acknowledges = row.kind == Kind::Acknowledgement;
    if acknowledges {
        let [subject, text] = acknowledgement(facts.language);
        subject.clone_into(&mut facts.subject);
        text.clone_into(&mut facts.body);
        facts.author.clone_from(&facts.company);
        facts.copies.clear();
        facts.files.clear();
        facts.quoted = None;
    }
    let installation = inbound::installation(app);
    let mut data = Vec::with_capacity(facts.files.len());
    for (_, _, hash) in &facts.files {
        data.push(app.blobs.read(row.tenant, hash)?);
    }
    let files: Vec<File<'_>> = facts
        .files
        .iter()
        .zip(&data)
        .map(|((name, mime, _), data)| File { name, mime, data })
        .collect();
    let channel = &facts.channel;
    let keys = Keys::new(&app.secret.key(Purpose::MailThread), row.tenant.0);
    let domain = channel
        .address
        .rsplit_once('@')
        .map_or("localhost", |(_, domain)| domain);
    let mail_id = keys.message_id(row.ticket.0, row.message.0, domain);
    let reply_to = keys.reply_address(&channel.address, row.ticket.0);
    let from = Address {
        name: format!("{} ({})", facts.author, channel.sender_name()),
        email: channel.address.clone(),
    };
    let to = [facts.recipient];
    let raw = compose::compose(&Outgoing {
        author: if acknowledges {
            Author::AutoReply {
                installation: &installation,
            }
        } else {
            Author::Person
        },
        from: &from,
        to: &to,
        cc: &facts.copies,
        reply_to: reply_to.as_deref(),
        ticket: row.ticket.0,
        subject: &facts.subject,
        message_id: &mail_id,
        in_reply_to: facts.in_reply_to.as_deref(),
        references: &facts.references,
        date: facts.created_at,
        language: Language::of(facts.language.as_str()),
        text: &facts.body,
        signature: Some(channel.text("/signature")).filter(|s| !s.is_empty()),
        quoted: facts.quoted.as_ref().map(|(author, at, text)| Quoted {
            author,
            at: at.clone(),
            text,
        }),
        files: &files,
        company: &facts.company,
        colour: Some(&facts.colour),
    })
    .map_err(Error::internal)?;
    let everybody = to
        .iter()
        .chain(&facts.copies)
        .map(|a| a.email.clone())
        .collect();
    Ok(Letter {
        target: target(app, channel),
        envelope: send::Envelope {
            // RFC 3834: an automatic answer has the null sender, so that nothing answers it.
            from: (!acknowledges).then(|| channel.address.clone()),
            to: everybody,
        },
        raw,
        mail_id,
    })
}
