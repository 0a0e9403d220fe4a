//! Watches how channels fare and tells their tenants' admins when one breaks and when it works again: not at the first
//! hiccup, and once for a channel that comes and goes. What the matter is stands in the channel's own row, where whoever
//! uses the channel writes it.
use super::{config, outbound};
use crate::{
    api::field::{ChannelId, TenantId},
    app::App,
    clock::{DAY, MINUTE, Millis},
    db::{
        Tx,
        sql::{all, run},
    },
    error::Result,
    notification::{self, Kind},
};
use rusqlite::Connection;

/// How long a trouble lasts before it is told.
const PATIENCE: Millis = 2 * MINUTE;
/// How long a channel works before it is held to work again.
const CALM: Millis = 5 * MINUTE;
/// How often the server of a mailbox is asked that has nothing to send and is held to be broken.
const PROBE: Millis = 5 * MINUTE;
/// How long before a secret holds no more its admins are reminded, and how often.
const AHEAD: Millis = 14 * DAY;
const REMIND: Millis = 6 * DAY;

/// What is known of how a channel fared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Watch {
    bad_since: Option<Millis>,
    good_since: Option<Millis>,
    told_at: Option<Millis>,
}

/// What admins are to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum News {
    Broken,
    Mended,
}

impl Watch {
    /// Takes in how a channel fares now.
    fn look(mut self, is_bad: bool, now: Millis) -> (Watch, Option<News>) {
        if is_bad {
            self.good_since = None;
            let since = *self.bad_since.get_or_insert(now);
            if self.told_at.is_none() && now - since >= PATIENCE {
                self.told_at = Some(now);
                return (self, Some(News::Broken));
            }
            return (self, None);
        }
        let since = *self.good_since.get_or_insert(now);
        if now - since < CALM {
            return (self, None);
        }
        self.bad_since = None;
        let news = self.told_at.take().map(|_| News::Mended);
        (self, news)
    }
}

/// A channel and what is known of it.
struct Row {
    tenant: TenantId,
    channel: ChannelId,
    name: String,
    why: Option<String>,
    is_bad: bool,
    watch: Watch,
}

fn rows(conn: &Connection) -> Result<Vec<Row>> {
    all(
        conn,
        "select c.tenant_id, c.id, c.name, coalesce(c.inbound_error, c.last_error),
                coalesce(c.inbound_error, c.last_error) is not null or c.state is 'closed',
                w.bad_since, w.good_since, w.told_at
           from channel c
           join tenant t on t.id = c.tenant_id and t.is_active
           left join channel_watch w on w.tenant_id = c.tenant_id and w.channel_id = c.id
          where c.is_active
            and (w.channel_id is not null or coalesce(c.inbound_error, c.last_error) is not null or c.state is 'closed')
          order by c.id",
        [],
        |row| {
            Ok(Row {
                tenant: row.get(0)?,
                channel: row.get(1)?,
                name: row.get(2)?,
                why: row.get(3)?,
                is_bad: row.get(4)?,
                watch: Watch {
                    bad_since: row.get(5)?,
                    good_since: row.get(6)?,
                    told_at: row.get(7)?,
                },
            })
        },
    )
}

/// Looks at every channel, tells what is to be told, and asks the servers of silent mailboxes.
pub(crate) async fn tell(app: App) -> Result<()> {
    let busy = app
        .db
        .read(|db| Ok(!rows(db)?.is_empty() || !expiring(db, db.now)?.is_empty()))
        .await?;
    if busy {
        app.db.write(round).await?;
    }
    probe(&app).await
}

fn round(tx: &Tx<'_>) -> Result<()> {
    for row in rows(tx)? {
        let (watch, news) = row.watch.look(row.is_bad, tx.now);
        if let Some(news) = news {
            let kind = match news {
                News::Broken => Kind::ChannelBroken,
                News::Mended => Kind::ChannelMended,
            };
            let why = row.why.as_deref().filter(|_| news == News::Broken);
            let detail = notification::of_channel(&row.name, why);
            notification::about_channel(tx, row.tenant, row.channel, kind, &detail)?;
        }
        keep(tx, &row, watch)?;
    }
    for (tenant, channel, name, at) in expiring(tx, tx.now)? {
        let day = crate::clock::wire(at);
        let detail = notification::of_channel(&name, day.get(..10));
        notification::about_channel(tx, tenant, channel, Kind::SecretExpires, &detail)?;
        run(
            tx,
            "update channel set secret_told_at = ?3 where tenant_id = ?1 and id = ?2",
            (tenant, channel, tx.now),
        )?;
    }
    Ok(())
}

/// Writes down what is known now; of a channel that works there is nothing to know.
fn keep(tx: &Tx<'_>, row: &Row, watch: Watch) -> Result<()> {
    if watch == row.watch {
        return Ok(());
    }
    if watch.bad_since.is_none() && watch.told_at.is_none() {
        run(
            tx,
            "delete from channel_watch where tenant_id = ?1 and channel_id = ?2",
            (row.tenant, row.channel),
        )?;
        return Ok(());
    }
    run(
        tx,
        "insert into channel_watch (tenant_id, channel_id, bad_since, good_since, told_at) values (?1, ?2, ?3, ?4, ?5)
         on conflict do update set bad_since = excluded.bad_since, good_since = excluded.good_since, told_at = excluded.told_at",
        (
            row.tenant,
            row.channel,
            watch.bad_since,
            watch.good_since,
            watch.told_at,
        ),
    )?;
    Ok(())
}

/// Channels whose secret soon holds no more and whose admins were not reminded lately.
fn expiring(conn: &Connection, now: Millis) -> Result<Vec<(TenantId, ChannelId, String, Millis)>> {
    all(
        conn,
        "select c.tenant_id, c.id, c.name, c.secret_expires_at
           from channel c join tenant t on t.id = c.tenant_id and t.is_active
          where c.is_active and c.secret_expires_at <= ?1
            and (c.secret_told_at is null or c.secret_told_at <= ?2)",
        (now + AHEAD, now - REMIND),
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
    )
}

/// Asks the servers of mailboxes that are held to be broken and have nothing to send, which would show that they work.
async fn probe(app: &App) -> Result<()> {
    let owner = app.clone();
    let silent = app
        .db
        .read(move |db| {
            let places: Vec<(TenantId, ChannelId)> = all(
                db,
                "select c.tenant_id, c.id from channel c
                   join channel_watch w on w.tenant_id = c.tenant_id and w.channel_id = c.id
                  where c.is_active and c.type = 'email' and c.last_error is not null
                    and coalesce(w.probed_at, 0) <= ?1
                    and not exists (select 1 from outbox o
                                     where o.tenant_id = c.tenant_id and o.channel_id = c.id and o.state = 'queued')",
                [db.now - PROBE],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )?;
            places
                .into_iter()
                .map(|(tenant, id)| config::by_id(db, &owner.secret, tenant, id))
                .collect::<Result<Vec<_>>>()
        })
        .await?;
    for channel in silent {
        let (tenant, id) = (channel.tenant, channel.id);
        app.db
            .write(move |tx| {
                run(
                    tx,
                    "update channel_watch set probed_at = ?3 where tenant_id = ?1 and channel_id = ?2",
                    (tenant, id, tx.now),
                )?;
                Ok(())
            })
            .await?;
        // A success takes the trouble away; a failure is what is known already.
        if let Err(why) = outbound::check(app, &channel).await {
            tracing::info!(channel = id.0, %why, "a mailbox does not work yet");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks once a minute; `!` is trouble. Answers what was told, each with its minute.
    fn told(course: &str) -> Vec<(usize, News)> {
        let mut watch = Watch::default();
        let mut all = Vec::new();
        for (at, is_bad) in course.chars().map(|c| c == '!').enumerate() {
            let now = i64::try_from(at).unwrap() * MINUTE;
            let (next, news) = watch.look(is_bad, now);
            watch = next;
            all.extend(news.map(|news| (at, news)));
        }
        all
    }

    #[test]
    fn a_hiccup_is_not_told() {
        assert_eq!(told("..!...."), []);
        assert_eq!(told("!!......."), []);
    }

    #[test]
    fn what_lasts_is_told_and_so_is_its_end() {
        assert_eq!(told("!!!!"), [(2, News::Broken)]);
        assert_eq!(
            told("!!!!......!!!"),
            [(2, News::Broken), (9, News::Mended), (12, News::Broken)]
        );
    }

    #[test]
    fn a_channel_that_comes_and_goes_is_told_of_once() {
        assert_eq!(told("!.!.!.!.!.!..!..!"), [(2, News::Broken)]);
        assert_eq!(told("!.!...!...!....!"), [(2, News::Broken)]);
    }
}
