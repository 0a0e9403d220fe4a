//! What goes out: takes due rows from the outbox, hands each over and writes down how it fared. Each channel has its own
//! few senders, so one server that hangs delays nobody else's messages. How a mail is written is in [`letter`], how an
//! answer goes into a chat in [`talk`].
mod letter;
mod talk;

use super::{
    chat,
    config::{Channel, Security as Protection},
    email::{
        dial::{Security, SmtpTarget},
        send::{self, Sent, Trouble},
    },
    imap, messenger,
    outbox::{self, Due, outage},
    tend,
};
use crate::{
    access::secret::random,
    api::field::ChannelId,
    app::App,
    clock::Millis,
    db::{Tx, sql::run},
    error::{Code, Result},
    signal::Signal,
};
use std::{collections::HashMap, time::Duration};
use tokio::{
    sync::watch,
    task::{self, JoinSet},
    time::Instant,
};

/// How many mails one channel sends at the same time, and how many chats it speaks in.
const SENDERS: usize = 2;
const SPEAKERS: usize = 8;
/// How long a bot keeps silent between two things that it starts to say: Telegram and MAX take about 30 a second of one, and
/// whoever says more is made to wait for much longer.
const GAP: Duration = Duration::from_millis(34);
/// How long a channel waits for the fate of one message before it starts the next beside it: what takes its time delays
/// nobody for long, and an end of the process in between leaves but one message of whose fate nothing is known.
const BOT_PATIENCE: Duration = Duration::from_millis(250);
const MAIL_PATIENCE: Duration = Duration::from_secs(1);
/// How many due rows of a channel are looked at: those being sent are among them.
const MOST_DUE: u32 = 32;
/// The longest sleep: the clock may be moved under us.
const PAUSE: Duration = Duration::from_secs(10);
/// The shortest and the longest wait for the database to take the fate of a mail.
const SHORT: Duration = Duration::from_secs(1);
const LONG: Duration = Duration::from_secs(60);

/// The messages that are being sent. A row stays among them until its fate is written down, so it cannot be sent twice.
#[derive(Default)]
struct Senders {
    tasks: JoinSet<()>,
    rows: HashMap<task::Id, (i64, ChannelId)>,
    /// When each channel whose server is away is tried next.
    probes: HashMap<ChannelId, Millis>,
    /// What each channel began last.
    begun: HashMap<ChannelId, Begun>,
}

/// What a channel began last: the next one waits for its fate, but not for long.
struct Begun {
    row: i64,
    at: Instant,
    speaks: bool,
    is_over: bool,
}

impl Begun {
    /// How long the next one is to wait.
    fn wait(&self) -> Duration {
        let all = match (self.speaks, self.is_over) {
            (true, true) => GAP,
            (false, true) => Duration::ZERO,
            (true, false) => BOT_PATIENCE,
            (false, false) => MAIL_PATIENCE,
        };
        all.saturating_sub(self.at.elapsed())
    }
}

/// Sends what is due until `stop` says to end, then lets the mails in hand come to theirs.
pub(crate) async fn work(app: App, mut stop: watch::Receiver<bool>) {
    // A server that was away may be back: what waits is tried at once after a start.
    let hurried = app.db.write(|tx| outbox::hurry(tx, None));
    if let Err(error) = hurried.await {
        tracing::error!(%error, "the outbox could not be looked at");
    }
    let mut senders = Senders::default();
    loop {
        let pause = match senders.start(&app).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::error!(%error, "the outbox could not be worked on");
                PAUSE
            }
        };
        tokio::select! {
            _ = stop.wait_for(|stopping| *stopping) => break,
            Some(ended) = senders.tasks.join_next_with_id(), if !senders.tasks.is_empty() => senders.ended(ended),
            () = app.db.signals().outbox.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
    while senders.tasks.join_next().await.is_some() {}
}

impl Senders {
    /// Starts sending what is due and not being sent yet. Answers how long there is nothing else to do.
    async fn start(&mut self, app: &App) -> Result<Duration> {
        let sending: Vec<(i64, ChannelId)> = self.rows.values().copied().collect();
        let (mut rows, next, cut, now) = app
            .db
            .read(move |db| {
                let mut rows = Vec::new();
                for channel in outbox::busy_channels(db, db.now)? {
                    let busy = sending.iter().filter(|(_, c)| *c == channel).count();
                    let due = outbox::due(db, channel, db.now, MOST_DUE)?;
                    let speaks = due.first().is_some_and(|row| row.chat.is_some());
                    let free = if speaks { SPEAKERS } else { SENDERS }.saturating_sub(busy);
                    let waiting = due
                        .into_iter()
                        .filter(|row| sending.iter().all(|(id, _)| *id != row.id));
                    rows.extend(waiting.take(free));
                }
                let mut cut = outage::probes(db, db.now)?;
                cut.retain(|row| sending.iter().all(|(_, channel)| *channel != row.channel));
                let next = outbox::next_at(db, db.now)?.map(|at| at - db.now);
                Ok((rows, next, cut, db.now))
            })
            .await?;
        let mut pause = self.probe(cut, now, &mut rows);
        self.begun.retain(|_, begun| !begun.wait().is_zero());
        for row in rows {
            if let Some(begun) = self.begun.get(&row.channel) {
                pause = pause.min(begun.wait());
                continue;
            }
            let begun = Begun {
                row: row.id,
                at: Instant::now(),
                speaks: row.chat.is_some(),
                is_over: false,
            };
            // There may be more of the same channel.
            pause = pause.min(begun.wait());
            self.begun.insert(row.channel, begun);
            let place = (row.id, row.channel);
            let app = app.clone();
            let task = self.tasks.spawn(async move { deliver(&app, &row).await });
            self.rows.insert(task.id(), place);
        }
        let wait = next.and_then(|ms| u64::try_from(ms).ok());
        Ok(wait.map_or(pause, |ms| Duration::from_millis(ms).min(pause)))
    }

    /// Adds to `rows` what is to show whether a server is back, of each channel that is cut off one in a while. Answers when
    /// the next one is to follow.
    fn probe(&mut self, cut: Vec<Due>, now: Millis, rows: &mut Vec<Due>) -> Duration {
        self.probes
            .retain(|channel, _| cut.iter().any(|row| row.channel == *channel));
        let mut pause = PAUSE;
        for row in cut {
            let at = *self
                .probes
                .entry(row.channel)
                .or_insert_with(|| now + outage::interval(jitter()));
            match u64::try_from(at - now) {
                Ok(ms) if ms > 0 => pause = pause.min(Duration::from_millis(ms)),
                _ => rows.push(row),
            }
        }
        pause
    }

    fn ended(&mut self, ended: Result<(task::Id, ()), task::JoinError>) {
        let id = match ended {
            Ok((id, ())) => id,
            Err(panic) => {
                tracing::error!(%panic, "sending a mail panicked");
                panic.id()
            }
        };
        let Some((row, channel)) = self.rows.remove(&id) else {
            return;
        };
        if let Some(begun) = self
            .begun
            .get_mut(&channel)
            .filter(|begun| begun.row == row)
        {
            begun.is_over = true;
        }
    }
}

/// How an attempt ended.
#[derive(Clone, Debug)]
enum Fate {
    Sent {
        mail_id: Option<String>,
    },
    Again {
        why: String,
        at_least: Millis,
        /// Nobody could be reached: the row's turn comes when somebody is.
        is_cut: bool,
    },
    /// Put off as the provider asked.
    Wait {
        why: String,
        ms: Millis,
    },
    /// For good; who is `gone` takes nothing from us any more.
    Failed {
        why: String,
        gone: bool,
    },
    /// The chat is called otherwise now.
    Moved {
        to: String,
    },
}

/// Sends one row and writes down how it fared. After a crash in between it is sent again: a mail under the same Message-ID,
/// which receivers recognise; of what is said in a chat, the part that was on its way.
async fn deliver(app: &App, row: &Due) {
    let fate = match attempt(app, row).await {
        Ok(fate) => fate,
        Err(error) => {
            tracing::error!(outbox = row.id, %error, "a message could not be written");
            let why = error.to_string();
            // What is gone stays gone; anything else may pass.
            match error.code() {
                Code::TicketNotFound | Code::MessageNotFound | Code::ChannelNotFound => {
                    Fate::Failed { why, gone: false }
                }
                _ => Fate::Again {
                    why,
                    at_least: 0,
                    is_cut: false,
                },
            }
        }
    };
    let jitter = jitter();
    persist(app, row, move |tx, row| note(tx, row, &fate, jitter)).await;
}

fn jitter() -> u64 {
    random::<8>().map_or(0, u64::from_be_bytes)
}

/// Writes something down about a row, and tries until it succeeds: as long as the process lives, what a server has taken is
/// not sent again.
async fn persist<W>(app: &App, row: &Due, write: W)
where
    W: Fn(&Tx<'_>, &Due) -> Result<()> + Clone + Send + 'static,
{
    let mut pause = SHORT;
    loop {
        let (write, due) = (write.clone(), row.clone());
        match app.db.write(move |tx| write(tx, &due)).await {
            Ok(()) => return,
            Err(error) => {
                tracing::error!(outbox = row.id, %error, "the fate of a message could not be written down yet");
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONG);
    }
}

async fn attempt(app: &App, row: &Due) -> Result<Fate> {
    if row.chat.is_some() {
        return Box::pin(talk::attempt(app, row)).await;
    }
    let letter = letter::prepare(app, row).await?;
    Ok(
        match send::send(&letter.target, &letter.envelope, &letter.raw).await {
            Sent::Delivered { missed, .. } => match missed.into_iter().next() {
                None => Fate::Sent {
                    mail_id: Some(letter.mail_id),
                },
                Some(missed) if missed.permanent => Fate::Failed {
                    why: missed.why,
                    gone: false,
                },
                Some(missed) => Fate::Again {
                    why: missed.why,
                    at_least: 0,
                    is_cut: false,
                },
            },
            Sent::Retry {
                why,
                at_least,
                trouble,
            } => Fate::Again {
                why,
                is_cut: trouble == Trouble::Network,
                at_least: at_least
                    .and_then(|d| Millis::try_from(d.as_millis()).ok())
                    .unwrap_or(0),
            },
            Sent::Refused { why } => Fate::Failed { why, gone: false },
        },
    )
}

fn note(tx: &Tx<'_>, row: &Due, fate: &Fate, jitter: u64) -> Result<()> {
    match fate {
        Fate::Sent { mail_id } => {
            if let Some(chat) = row.chat {
                chat::reachable(tx, row.tenant, chat, true)?;
            }
            outbox::sent(tx, row, mail_id.as_deref())
        }
        Fate::Again {
            why, is_cut: true, ..
        } if row.is_probe => outage::goes_on(tx, row, why),
        Fate::Again {
            why,
            at_least,
            is_cut,
        } => {
            tracing::warn!(outbox = row.id, %why, "a message was not taken and is tried again");
            let wait = send::backoff(row.attempts + 1, jitter);
            outbox::failed(tx, row, why, wait.map(|ms| tx.now + ms.max(*at_least)))?;
            outage::mark(tx, row, *is_cut && wait.is_some())
        }
        Fate::Wait { why, ms } => {
            tracing::info!(outbox = row.id, %why, "a message was put off");
            // A few hundredths more, so that everybody who was put off does not come back at once.
            let spread = i64::try_from(jitter % 500).unwrap_or(0);
            outbox::wait(tx, row, tx.now + ms + spread, why)
        }
        Fate::Failed { why, gone } => {
            tracing::warn!(outbox = row.id, %why, "a message was refused for good");
            if let (true, Some(chat)) = (*gone, row.chat) {
                chat::reachable(tx, row.tenant, chat, false)?;
            }
            outbox::failed(tx, row, why, None)
        }
        Fate::Moved { to } => {
            let chat = match row.chat {
                Some(id) => chat::by_id(tx, row.tenant, id)?,
                None => None,
            };
            match chat.filter(|chat| chat.address != *to) {
                Some(chat) => {
                    chat::moved(tx, row.tenant, row.channel, &chat.address, to)?;
                    outbox::readdress(tx, row, to)
                }
                None => outbox::failed(tx, row, "the group cannot be found", None),
            }
        }
    }
}

/// Connects to a channel's server and signs in. Answers the server's name, or what is wrong in words.
pub(crate) async fn check(app: &App, channel: &Channel) -> Result<String, String> {
    let server = match messenger::of(app, channel) {
        Some(messenger) => tend::check(app, channel, messenger.as_ref()).await?,
        None => {
            let server = send::check(&target(app, channel)).await?;
            match imap::check(app, channel).await? {
                Some(mailbox) => format!("{server}, {mailbox}"),
                None => server,
            }
        }
    };
    let id = channel.id;
    let lost = app
        .db
        .read(move |db| {
            Ok(db.query_row(
                "select state is 'closed' from channel where id = ?1",
                [id],
                |row| row.get::<_, bool>(0),
            )?)
        })
        .await
        .map_err(|error| error.to_string())?;
    if lost {
        return Err(format!(
            "{server} answers, but the connection to WhatsApp was lost: scan the code again in the channel's settings"
        ));
    }
    // It works again: what waits for it need not wait longer.
    let hurried = app.db.write(move |tx| {
        outbox::hurry(tx, Some(id))?;
        run(
            tx,
            "update channel set last_error = null, last_error_at = null where id = ?1",
            [id],
        )?;
        imap::mended(tx, id)?;
        tx.signal(Signal::Outbox);
        tx.signal(Signal::Channels);
        Ok(())
    });
    hurried.await.map_err(|error| error.to_string())?;
    Ok(server)
}

/// The server that a channel's mail goes to.
pub(crate) fn target(app: &App, channel: &Channel) -> SmtpTarget {
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
        extra_ca: channel.config["smtp"]["ca"]
            .as_str()
            .map(|pem| pem.as_bytes().to_vec()),
        reach: app.config.private_targets.of_channels(),
    }
}
