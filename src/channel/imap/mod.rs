//! Mailboxes that mail is fetched from. Each has a task of its own, so that one that does not answer delays no other: it
//! connects ([`dial`]), opens the folder, takes what is new and waits for more ([`session`]); [`gauge`] bounds what a server
//! may send. A mail is stored as it is, in one transaction with how far was read ([`position`]), and stays on the server.

mod dial;
mod folder;
mod gauge;
mod position;
mod read;
mod session;
#[cfg(test)]
mod tests;
mod trouble;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use self::dial::{Target, connect};
use self::read::Reader;
use self::trouble::Trouble;
use super::config::{self, Channel, Security};
use crate::access::secret::random;
use crate::api::field::ChannelId;
use crate::app::App;
use crate::db::Tx;
use crate::db::sql::run;
use crate::error::Result;

/// How often the channels are looked at when nothing wakes us.
const ROUND: Duration = Duration::from_secs(30);
/// How long a server that tells of new mail is listened to at a stretch. It would stay for half an hour, but what lies on
/// the way forgets a connection that is quiet for five minutes.
const IDLE: Duration = Duration::from_secs(240);
/// How often a server is asked that does not tell.
const PAUSE: Duration = Duration::from_secs(60);
/// How many large mails are fetched at one time.
const LARGE_MAILS: usize = 4;

/// What is being done for a mailbox.
struct Care {
    channel: Channel,
    task: JoinHandle<()>,
    /// Whether it rests after a failure that was written down.
    rests: Arc<AtomicBool>,
}

impl Care {
    fn is_for(&self, channel: &Channel) -> bool {
        let now = &self.channel;
        now.config == channel.config && now.secrets == channel.secrets
    }
}

/// Fetches mail until `stop` says to end.
pub(crate) async fn work(app: App, mut stop: watch::Receiver<bool>) {
    let seats = Arc::new(Semaphore::new(LARGE_MAILS));
    let mut cares = HashMap::new();
    while !*stop.borrow() {
        if let Err(error) = round(&app, &mut cares, &seats).await {
            tracing::error!(%error, "the mailboxes could not be looked after");
        }
        tokio::select! {
            _ = stop.wait_for(|stopping| *stopping) => {}
            () = app.db.signals().mailboxes.notified() => {}
            () = tokio::time::sleep(ROUND) => {}
        }
    }
    // What was being fetched is not acknowledged to anybody and comes again after the start.
    for care in cares.into_values() {
        care.task.abort();
        let _ = care.task.await;
    }
}

/// Starts and ends tasks as the channels are now.
async fn round(
    app: &App,
    cares: &mut HashMap<ChannelId, Care>,
    seats: &Arc<Semaphore>,
) -> Result<()> {
    let owner = app.clone();
    let found = app
        .db
        .read(move |db| config::fetched(db, &owner.secret))
        .await?;
    let mut wanted: BTreeMap<i64, (Channel, bool)> = found
        .into_iter()
        .map(|(channel, fails)| (channel.id.0, (channel, fails)))
        .collect();
    cares.retain(|id, care| {
        // One that rests though its failure is gone was mended, as a test of the channel found.
        let stays = wanted.get(&id.0).is_some_and(|(channel, fails)| {
            let mended = care.rests.load(Ordering::Acquire) && !fails;
            care.is_for(channel) && !mended && !care.task.is_finished()
        });
        if stays {
            wanted.remove(&id.0);
        } else {
            care.task.abort();
        }
        stays
    });
    for (channel, _) in wanted.into_values() {
        let rests = Arc::new(AtomicBool::new(false));
        let keeper = Keeper {
            app: app.clone(),
            channel: channel.clone(),
            seats: Arc::clone(seats),
            rests: Arc::clone(&rests),
            failures: 0,
        };
        let care = Care {
            task: tokio::spawn(keeper.keep()),
            channel,
            rests,
        };
        cares.insert(care.channel.id, care);
    }
    Ok(())
}

/// The mailbox of a channel, if it has one that mail is fetched from.
fn target(app: &App, channel: &Channel) -> Option<Target> {
    if !channel.is_fed_by("imap") {
        return None;
    }
    let inbound = &channel.config["inbound"];
    let port = inbound["port"].as_u64().and_then(|p| u16::try_from(p).ok());
    // What cannot be read is no reason to go without encryption.
    let security = serde_json::from_value(inbound["security"].clone()).unwrap_or(Security::Tls);
    let text = |pointer: &str| channel.text(pointer).to_owned();
    Some(Target {
        host: text("/inbound/host"),
        port: port.unwrap_or(993),
        security,
        username: text("/inbound/username"),
        password: channel.secrets.imap_password.clone().unwrap_or_default(),
        folder: text("/inbound/folder"),
        extra_ca: inbound["ca"].as_str().map(str::to_owned),
        reach: app.config.private_targets.of_channels(),
    })
}

/// Connects to the server of a channel's mailbox, logs in and opens the folder; nothing is read. Answers whose server it is,
/// if there is one, or what is wrong in words.
pub(crate) async fn check(app: &App, channel: &Channel) -> Result<Option<String>, String> {
    let Some(target) = target(app, channel) else {
        return Ok(None);
    };
    let opened = async {
        let mut conversation = connect(&target).await?;
        let opened = conversation.open(&target.folder).await;
        opened.map_err(|trouble| trouble.of(&target.host))?;
        conversation.leave().await;
        Ok(())
    };
    opened.await.map_err(|trouble: Trouble| trouble.why())?;
    Ok(Some(target.host.clone()))
}

/// Looks after one mailbox.
struct Keeper {
    app: App,
    channel: Channel,
    seats: Arc<Semaphore>,
    rests: Arc<AtomicBool>,
    /// In a row.
    failures: u32,
}

impl Keeper {
    async fn keep(mut self) {
        let Some(target) = target(&self.app, &self.channel) else {
            return;
        };
        let mut reader = Reader::new(&self.app, &self.channel, &target, &self.seats);
        loop {
            let trouble = match self.visit(&target, &mut reader).await {
                Ok(never) => match never {},
                Err(trouble) => trouble,
            };
            self.failures = self.failures.saturating_add(1);
            let why = trouble.why();
            tracing::warn!(channel = self.channel.id.0, %why, "mail could not be fetched");
            // One hiccup is nothing that a person could act on.
            let lasts = !matches!(trouble, Trouble::Passing(_));
            if lasts || self.failures > 1 {
                self.note_failure(why).await;
                self.rests.store(true, Ordering::Release);
            }
            let jitter = random::<8>().map_or(0, u64::from_be_bytes);
            tokio::time::sleep(rest(&trouble, self.failures, jitter)).await;
            self.rests.store(false, Ordering::Release);
        }
    }

    /// Fetches mail for as long as it goes well.
    async fn visit(
        &mut self,
        target: &Target,
        reader: &mut Reader,
    ) -> Result<std::convert::Infallible, Trouble> {
        let mut conversation = connect(target).await?;
        let told = |trouble: Trouble| trouble.of(&target.host);
        let opened = conversation.open(&target.folder).await.map_err(told)?;
        reader.resume(opened).await?;
        loop {
            reader.take_new(&mut conversation).await.map_err(told)?;
            self.failures = 0;
            self.note_success().await?;
            conversation.wait(IDLE, PAUSE).await.map_err(told)?;
        }
    }

    async fn note_success(&self) -> Result<()> {
        let id = self.channel.id;
        self.app
            .db
            .write(move |tx| {
                run(
                    tx,
                    "update channel
                        set inbound_checked_at = ?2, inbound_error = null, inbound_error_at = null
                      where id = ?1",
                    (id, tx.now),
                )?;
                Ok(())
            })
            .await
    }

    /// Writes down what keeps mail from being fetched; the watch over the channels tells the admins.
    async fn note_failure(&self, why: String) {
        let id = self.channel.id;
        let noted = self
            .app
            .db
            .write(move |tx| {
                run(
                    tx,
                    "update channel set inbound_error = ?2, inbound_error_at = ?3 where id = ?1",
                    (id, why, tx.now),
                )
            })
            .await;
        if let Err(error) = noted {
            tracing::error!(%error, "the state of a mailbox could not be written down");
        }
    }
}

/// The mailboxes' state after a test that went well: what rests need rest no longer.
pub(crate) fn mended(tx: &Tx<'_>, id: ChannelId) -> Result<()> {
    run(
        tx,
        "update channel set inbound_error = null, inbound_error_at = null where id = ?1",
        [id],
    )?;
    Ok(())
}

/// How long to rest after so many failures in a row. A server that does not let us in is asked seldom, for many lock an
/// account that is tried often. `jitter` spreads mailboxes of one server by up to a quarter.
fn rest(trouble: &Trouble, failures: u32, jitter: u64) -> Duration {
    let (first, longest) = match trouble {
        Trouble::Passing(_) | Trouble::Ours(_) => (1_000, 300_000),
        Trouble::Settings(_) | Trouble::Refused(_) | Trouble::Garbled(_) => (10_000, 600_000),
        Trouble::Login(_) => (300_000, 3_600_000),
    };
    let doublings = failures.saturating_sub(1).min(12);
    let wait = (first << doublings).min(longest);
    Duration::from_millis(wait + wait / 4 * (jitter % 1000) / 1000)
}
