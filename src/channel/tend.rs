//! Looks after the messengers: tells each provider where to post, asks those for news that are polled, sees whether they
//! still work, and takes the webhook back from a channel that is switched off or removed.
use super::{
    config::{self, Channel, ChannelType, messenger::Mode},
    inbound::{self, Delivery, talk},
    messenger::{self, Messenger, Unpolled},
};
use crate::{
    api::field::ChannelId,
    app::App,
    clock::{HOUR, Millis},
    db::{Tx, sql::run},
    error::{Error, Result},
};
use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};
use tokio::{
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::Instant,
};

/// How often channels are looked at when nothing wakes us.
const ROUND: Duration = Duration::from_secs(30);
/// How often a channel that works is asked whether it still does, and is told again where to post: a provider that could
/// not reach us for long forgets it.
const STALE: Millis = HOUR;
const VISIT: Duration = Duration::from_secs(300);
/// The waits after a failure: the first, and the longest.
const FIRST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(600);
/// How long a token rests that somebody else reads with, or that does not hold.
const TAKEN: Duration = Duration::from_secs(45);
const INVALID: Duration = Duration::from_secs(300);

/// What is being done for a channel.
struct Care {
    channel: Channel,
    polling: Option<JoinHandle<()>>,
    failures: u32,
    next: Instant,
}

impl Care {
    fn is_for(&self, channel: &Channel) -> bool {
        let now = &self.channel;
        now.config == channel.config && now.secrets == channel.secrets
    }
}

/// Where the provider posts to. WhatsApp's server sends no header of ours in its older versions, so its address carries
/// the secret.
pub(crate) fn hook_url(app: &App, channel: &Channel) -> String {
    let (kind, id) = (channel.kind.as_str(), channel.id);
    let secret = match (channel.kind, &channel.secrets.hook) {
        (ChannelType::Whatsapp, Some(hook)) => format!("&secret={hook}"),
        _ => String::new(),
    };
    app.url(&format!(
        "/api/channel-webhook.php?type={kind}&channel={id}{secret}"
    ))
}

/// Looks after the messengers until `stop` says to end.
pub(crate) async fn work(app: App, mut stop: watch::Receiver<bool>) {
    let mut cares = HashMap::new();
    let mut farewells = JoinSet::new();
    while !*stop.borrow() {
        if let Err(error) = round(&app, &mut cares, &mut farewells).await {
            tracing::error!(%error, "the channels could not be looked after");
        }
        let due = cares
            .values()
            .filter(|c| c.polling.is_none())
            .map(|c| c.next)
            .min();
        let pause = due.map_or(ROUND, |at| {
            at.saturating_duration_since(Instant::now()).min(ROUND)
        });
        tokio::select! {
            _ = stop.wait_for(|stopping| *stopping) => {}
            Some(_) = farewells.join_next(), if !farewells.is_empty() => {}
            () = app.db.signals().channels.notified() => {}
            () = tokio::time::sleep(pause.max(Duration::from_millis(50))) => {}
        }
    }
    for care in cares.into_values() {
        if let Some(polling) = care.polling {
            polling.abort();
        }
    }
}

async fn round(
    app: &App,
    cares: &mut HashMap<ChannelId, Care>,
    farewells: &mut JoinSet<()>,
) -> Result<()> {
    let owner = app.clone();
    let channels = app
        .db
        .read(move |db| config::messengers(db, &owner.secret))
        .await?;
    let mut active: BTreeMap<i64, Channel> = channels.into_iter().map(|c| (c.id.0, c)).collect();
    let left: Vec<ChannelId> = cares
        .iter()
        .filter(|(id, care)| !active.get(&id.0).is_some_and(|c| care.is_for(c)))
        .map(|(id, _)| *id)
        .collect();
    for id in left {
        let Some(care) = cares.remove(&id) else {
            continue;
        };
        if let Some(polling) = care.polling {
            polling.abort();
        } else if !active.contains_key(&id.0) {
            let app = app.clone();
            farewells.spawn(async move { leave(&app, &care.channel).await });
        }
    }
    for care in cares.values_mut() {
        if let Some(channel) = active.remove(&care.channel.id.0) {
            care.channel = channel;
        }
    }
    for channel in active.into_values() {
        let polling = (channel.mode() == Mode::Polling).then(|| {
            let (app, channel) = (app.clone(), channel.clone());
            tokio::spawn(async move { poll(&app, &channel).await })
        });
        let care = Care {
            channel,
            polling,
            failures: 0,
            next: Instant::now(),
        };
        cares.insert(care.channel.id, care);
    }
    visit_all(app, cares).await;
    Ok(())
}

/// Sees to every channel whose time has come, all at the same time: one that does not answer keeps no other waiting.
async fn visit_all(app: &App, cares: &mut HashMap<ChannelId, Care>) {
    let now = Instant::now();
    let mut visits = JoinSet::new();
    for care in cares
        .values()
        .filter(|c| c.polling.is_none() && c.next <= now)
    {
        let (app, channel) = (app.clone(), care.channel.clone());
        visits.spawn(async move {
            let seen = visit(&app, &channel).await;
            (channel.id, seen)
        });
    }
    while let Some(visited) = visits.join_next().await {
        let Ok((id, seen)) = visited else {
            tracing::error!("looking after a channel panicked");
            continue;
        };
        let Some(care) = cares.get_mut(&id) else {
            continue;
        };
        let wait = match seen {
            Ok(()) => {
                care.failures = 0;
                VISIT
            }
            Err(error) => {
                tracing::warn!(channel = id.0, %error, "a channel does not work");
                care.failures = care.failures.saturating_add(1);
                (FIRST * (1 << (care.failures - 1).min(8))).min(LONGEST)
            }
        };
        care.next = Instant::now() + wait;
    }
}

/// Asks a channel whether it works, and tells the provider where to post if it was not told lately.
async fn visit(app: &App, channel: &Channel) -> Result<()> {
    let Some(messenger) = messenger::of(app, channel) else {
        return Ok(());
    };
    let (id, now) = (channel.id, app.db.clock().now());
    let fresh: bool = app
        .db
        .read(move |db| {
            Ok(db.query_row(
                "select coalesce(hook_set_at > ?2, 0) from channel where id = ?1",
                (id, now - STALE),
                |row| row.get(0),
            )?)
        })
        .await?;
    let seen = match (fresh, channel.kind) {
        (false, _) => check(app, channel, messenger.as_ref()).await.map(drop),
        (true, ChannelType::Whatsapp) => identify(app, channel, messenger.as_ref()).await.map(drop),
        (true, _) => Ok(()),
    };
    let Err(why) = seen else {
        return Ok(());
    };
    let told = why.clone();
    app.db
        .write(move |tx| trouble(tx, id, Some(&told), None))
        .await?;
    Err(Error::internal(why))
}

/// What is the matter with a channel, as people read it, and with which way of it; both if it is not said.
fn trouble(tx: &Tx<'_>, id: ChannelId, why: Option<&str>, side: Option<&str>) -> Result<()> {
    run(
        tx,
        "update channel set last_error = ?2, last_error_at = iif(?2 is null, null, ?3), error_side = ?4 where id = ?1",
        (id, why, tx.now, side),
    )?;
    Ok(())
}

/// Connects and signs in, and writes down who answered.
async fn identify(
    app: &App,
    channel: &Channel,
    messenger: &dyn Messenger,
) -> Result<String, String> {
    let checked = messenger.check().await?;
    let (owned, handle) = (channel.clone(), checked.handle.filter(|h| !h.is_empty()));
    let link = checked.link;
    app.db
        .write(move |tx| {
            run(
                tx,
                "update channel set handle = coalesce(?2, handle) where id = ?1",
                (owned.id, handle),
            )?;
            match link {
                Some(link) => talk::linked(tx, &owned, link, None),
                None => Ok(()),
            }
        })
        .await
        .map_err(|error| error.to_string())?;
    Ok(checked.server)
}

/// Connects, signs in, and tells the provider where to post. Answers who answered, or what is wrong in words.
pub(crate) async fn check(
    app: &App,
    channel: &Channel,
    messenger: &dyn Messenger,
) -> Result<String, String> {
    let identified = identify(app, channel, messenger).await;
    if channel.mode() == Mode::Polling || !channel.is_active {
        return identified;
    }
    // A server may take our address though it does not say who it is.
    let secret = channel.secrets.hook.as_deref().unwrap_or_default();
    if let Err(why) = messenger.listen(&hook_url(app, channel), secret).await {
        let server = identified?;
        return Err(format!(
            "{server} answers, but does not take our address for what is new: {why}"
        ));
    }
    let (id, kind) = (channel.id, channel.kind);
    app.db
        .write(move |tx| {
            run(
                tx,
                "update channel
                    set hook_set_at = ?2,
                        last_error = iif(?3 and state = 'closed', last_error, null),
                        last_error_at = iif(?3 and state = 'closed', last_error_at, null)
                  where id = ?1",
                (id, tx.now, kind == ChannelType::Whatsapp),
            )?;
            Ok(())
        })
        .await
        .map_err(|error| error.to_string())?;
    identified
}

/// Takes the webhook back. If that fails, what still comes is refused at the door.
async fn leave(app: &App, channel: &Channel) {
    if let Some(messenger) = messenger::of(app, channel)
        && let Err(why) = messenger.deafen(&hook_url(app, channel)).await
    {
        tracing::warn!(channel = channel.id.0, %why, "a webhook could not be taken back");
    }
}

/// Asks for what is new, again and again.
async fn poll(app: &App, channel: &Channel) {
    let Some(messenger) = messenger::of(app, channel) else {
        return;
    };
    // A webhook excludes polling; what waits there is kept for us.
    leave(app, channel).await;
    let mut known = false;
    let mut failures = 0_u32;
    loop {
        let pause = match poll_once(app, channel, messenger.as_ref()).await {
            Ok(()) => {
                if !known || failures > 0 {
                    known = identify(app, channel, messenger.as_ref()).await.is_ok();
                    failures = 0;
                    note(app, channel, None).await;
                }
                continue;
            }
            Err(Unpolled::Hooked(why)) => {
                leave(app, channel).await;
                note(app, channel, Some(why)).await;
                FIRST
            }
            Err(Unpolled::Taken(why)) => {
                let why = format!("another program reads with the same token: {why}");
                note(app, channel, Some(why)).await;
                TAKEN
            }
            Err(Unpolled::Never(why)) => {
                note(app, channel, Some(why)).await;
                INVALID
            }
            Err(Unpolled::Later { why, wait }) => {
                // One hiccup is nothing that a person could act on.
                if failures > 0 {
                    note(app, channel, Some(why)).await;
                }
                pause_after(failures, wait)
            }
        };
        failures = failures.saturating_add(1);
        tokio::time::sleep(pause).await;
    }
}

/// How long polling rests after so many failures: as long as it was told, if that is longer.
fn pause_after(failures: u32, told: Option<Millis>) -> Duration {
    let own = Duration::from_secs(1 << failures.min(6));
    let told = told.and_then(|ms| u64::try_from(ms).ok());
    own.max(Duration::from_millis(told.unwrap_or(0)))
}

async fn note(app: &App, channel: &Channel, why: Option<String>) {
    let id = channel.id;
    let noted = app
        .db
        .write(move |tx| trouble(tx, id, why.as_deref(), Some("in")))
        .await;
    if let Err(error) = noted {
        tracing::error!(%error, "the state of a channel could not be written down");
    }
}

/// Asks once. How far was read is stored together with what was read.
async fn poll_once(
    app: &App,
    channel: &Channel,
    messenger: &dyn Messenger,
) -> Result<(), Unpolled> {
    let ours = |error: Error| Unpolled::Later {
        why: error.to_string(),
        wait: None,
    };
    let id = channel.id;
    let cursor: Option<String> = app
        .db
        .read(move |db| {
            Ok(
                db.query_row("select cursor from channel where id = ?1", [id], |row| {
                    row.get(0)
                })?,
            )
        })
        .await
        .map_err(ours)?;
    let polled = messenger.poll(cursor.as_deref()).await?;
    if polled.events.is_empty() && polled.cursor == cursor {
        return Ok(());
    }
    let told = polled.events.into_iter().map(|event| {
        let token = messenger::token(channel.kind, &event);
        Delivery::told(event.to_string().into_bytes(), token)
    });
    inbound::store_all(app, channel, told.collect(), polled.cursor)
        .await
        .map_err(ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polling_rests_longer_with_every_failure_and_as_long_as_it_is_told() {
        let seconds = |failures, told| pause_after(failures, told).as_secs();
        assert_eq!(
            [0, 1, 2, 6, 60].map(|n| seconds(n, None)),
            [1, 2, 4, 64, 64]
        );
        assert_eq!(seconds(0, Some(8_000)), 8);
        assert_eq!(seconds(5, Some(8_000)), 32);
    }
}
