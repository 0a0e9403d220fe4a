//! How channels fare: whether they work, since when nothing came or went, how much waits, and what is the matter.
use super::{Channel, ChannelType, advice};
use crate::{
    api::field::{At, ChannelId, TenantId},
    clock::{MINUTE, Millis},
    db::sql::{all, run},
    error::Result,
    lang::Lang,
};
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::Serialize;

/// Where a channel stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ChannelState {
    Connected,
    Error,
    Disabled,
}

/// How a channel fares.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ChannelStatus {
    /// The channel.
    pub(crate) id: ChannelId,
    /// Its type.
    #[serde(rename = "type")]
    pub(crate) kind: ChannelType,
    /// Its name.
    pub(crate) name: String,
    /// Whether it is switched on.
    pub(crate) is_active: bool,
    /// Whether it works.
    pub(crate) status: ChannelState,
    /// What went wrong last, until something goes right again.
    pub(crate) last_error: Option<String>,
    /// What a person can do about it, in the caller's language, if that is known.
    pub(crate) advice: Option<String>,
    /// Which way does not work: `in` or `out`; both if it says nothing.
    pub(crate) error_side: Option<String>,
    /// When it went wrong.
    pub(crate) last_error_at: Option<At>,
    /// When mail was last looked for in the mailbox, if it is fetched from one.
    pub(crate) last_checked_at: Option<At>,
    /// When something last came in.
    pub(crate) last_inbound_at: Option<At>,
    /// When something last went out.
    pub(crate) last_outbound_at: Option<At>,
    /// How long ago something last came in, in seconds.
    pub(crate) inbound_age: Option<i64>,
    /// How long ago something last went out, in seconds.
    pub(crate) outbound_age: Option<i64>,
    /// How much waits to go out.
    pub(crate) queued: i64,
    /// Since when the oldest of it waits.
    pub(crate) queued_since: Option<At>,
    /// How much could not be sent at all in the last week.
    pub(crate) failed: i64,
    /// How much that came in waits to be worked on or could not be read.
    pub(crate) unread_events: i64,
    /// Where a provider posts to, with the secret if it is one that signs nothing.
    pub(crate) webhook_url: String,
    /// When the provider was last told to post there.
    pub(crate) webhook_set_at: Option<At>,
    /// What the provider calls it: the bot's name or the instance.
    pub(crate) handle: Option<String>,
    /// For a channel on somebody's phone: `open`, `connecting` or `closed`.
    pub(crate) connection: Option<String>,
    /// When its password or token holds no more, as an admin said.
    pub(crate) secret_expires_at: Option<At>,
    /// The code to scan with that phone, as a `data:` URL; for a minute.
    pub(crate) qr: Option<String>,
}

/// How long a code may be scanned.
const CODE: Millis = MINUTE;
/// For how long what could not be sent is counted.
const WEEK: Millis = 7 * 24 * 60 * MINUTE;

pub(crate) fn statuses(
    conn: &Connection,
    tenant: TenantId,
    (now, lang): (Millis, Lang),
    url: impl Fn(ChannelId) -> String,
) -> Result<Vec<ChannelStatus>> {
    all(
        conn,
        "select c.id, c.type, c.name, c.is_active, coalesce(c.inbound_error, c.last_error),
                iif(c.inbound_error is null, c.last_error_at, c.inbound_error_at), c.last_inbound_at, c.last_outbound_at,
                coalesce(o.queued, 0), o.since, coalesce(f.failed, 0), coalesce(e.unread, 0),
                c.hook_set_at, c.handle, c.state, iif(c.qr_at > ?2 and c.state is not 'open', c.qr, null),
                iif(c.config ->> '$.inbound.provider' = 'imap', c.inbound_checked_at, null),
                iif(c.inbound_error is null, c.error_side, 'in'), c.secret_expires_at
           from channel c
           left join (select channel_id, count(*) as queued, min(created_at) as since
                        from outbox where tenant_id = ?1 and state = 'queued' group by channel_id) o on o.channel_id = c.id
           left join (select channel_id, count(*) as failed
                        from outbox where tenant_id = ?1 and state = 'failed' and finished_at > ?3 group by channel_id) f on f.channel_id = c.id
           left join (select channel_id, count(*) as unread
                        from inbound_event where tenant_id = ?1 and state <> 'done' group by channel_id) e on e.channel_id = c.id
          where c.tenant_id = ?1
          order by c.id",
        (tenant, now - CODE, now - WEEK),
        |row| {
            let (id, kind): (ChannelId, ChannelType) = (row.get(0)?, row.get(1)?);
            let (is_active, last_error): (bool, Option<String>) = (row.get(3)?, row.get(4)?);
            let connection: Option<String> = row.get(14)?;
            let lost = connection.as_deref() == Some("closed");
            let (inbound, outbound): (Option<At>, Option<At>) = (row.get(6)?, row.get(7)?);
            let age = |at: &Option<At>| at.as_ref().map(|at| (now - at.0).max(0) / 1000);
            Ok(ChannelStatus {
                webhook_url: url(id),
                id,
                kind,
                name: row.get(2)?,
                is_active,
                status: match (is_active, last_error.is_some() || lost) {
                    (false, _) => ChannelState::Disabled,
                    (true, true) => ChannelState::Error,
                    (true, false) => ChannelState::Connected,
                },
                advice: last_error
                    .as_deref()
                    .and_then(|why| advice::about(why, lang))
                    .map(str::to_owned),
                error_side: row.get::<_, Option<String>>(17)?.filter(|_| last_error.is_some()),
                secret_expires_at: row.get(18)?,
                last_error,
                last_error_at: row.get(5)?,
                last_checked_at: row.get(16)?,
                inbound_age: age(&inbound),
                outbound_age: age(&outbound),
                last_inbound_at: inbound,
                last_outbound_at: outbound,
                queued: row.get(8)?,
                queued_since: row.get(9)?,
                failed: row.get(10)?,
                unread_events: row.get(11)?,
                webhook_set_at: row.get(12)?,
                handle: row.get(13)?,
                connection,
                qr: row.get(15)?,
            })
        },
    )
}

/// A channel's figures, for whoever watches the installation by machine.
#[derive(Clone, Debug)]
pub(crate) struct Figures {
    pub(crate) id: ChannelId,
    pub(crate) kind: ChannelType,
    pub(crate) works: bool,
    /// How long ago something last came in and went out, in seconds.
    pub(crate) inbound_age: Option<i64>,
    pub(crate) outbound_age: Option<i64>,
    /// How much waits to go out.
    pub(crate) queued: i64,
}

/// The figures of every channel that is switched on.
pub(crate) fn figures(conn: &Connection, now: Millis) -> Result<Vec<Figures>> {
    all(
        conn,
        "select c.id, c.type, coalesce(c.inbound_error, c.last_error) is null and c.state is not 'closed', c.last_inbound_at, c.last_outbound_at,
                (select count(*) from outbox o
                  where o.tenant_id = c.tenant_id and o.channel_id = c.id and o.state = 'queued')
           from channel c
          where c.is_active
          order by c.id",
        [],
        |row| {
            let age = |at: Option<Millis>| at.map(|at| (now - at).max(0) / 1000);
            Ok(Figures {
                id: row.get(0)?,
                kind: row.get(1)?,
                works: row.get(2)?,
                inbound_age: age(row.get(3)?),
                outbound_age: age(row.get(4)?),
                queued: row.get(5)?,
            })
        },
    )
}

/// Writes down when a channel's password or token stops working, as an admin knows it.
pub(crate) fn expires(conn: &Connection, channel: &Channel, at: Option<Millis>) -> Result<()> {
    run(
        conn,
        "update channel set secret_expires_at = ?3, secret_told_at = null
          where tenant_id = ?1 and id = ?2 and secret_expires_at is not ?3",
        (channel.tenant, channel.id, at),
    )?;
    Ok(())
}
