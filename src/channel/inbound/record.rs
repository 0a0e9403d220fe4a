//! What came in, as people look at it: what became of each delivery, by which rule, and another go at one that was left
//! aside.
use super::reasons;
use crate::{
    api::field::{At, ChannelId, MessageId, TenantId, TicketId},
    channel::config::{ChannelType, advice},
    db::{
        Tx,
        sql::{Page, Where, all, first, one, run},
    },
    error::{Code, Error, Result},
    lang::Lang,
    signal::Signal,
    ticket::model::Delivery,
};
use rusqlite::{Connection, Row};
use schemars::JsonSchema;
use serde::Serialize;

/// A delivery that came in.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct EventView {
    /// The delivery.
    pub(crate) id: i64,
    /// The channel that it came by.
    pub(crate) channel_id: ChannelId,
    /// The channel's type.
    pub(crate) channel: ChannelType,
    /// When it came.
    pub(crate) received_at: At,
    /// `received` while it waits, `done`, or `failed` if it could not be read.
    pub(crate) state: String,
    /// How often it was tried in vain.
    pub(crate) attempts: i64,
    /// What became of it, such as `ticket`, `message`, `ignored`.
    pub(crate) outcome: Option<String>,
    /// The rule that decided so.
    pub(crate) rule: Option<String>,
    /// The rule in words.
    pub(crate) why: String,
    /// What could not be read of it, or what is waited for.
    pub(crate) detail: Option<String>,
    /// The ticket that it belongs to.
    pub(crate) ticket_id: Option<TicketId>,
    /// The message that it became or speaks of.
    pub(crate) message_id: Option<MessageId>,
    /// Whether its bytes are still kept, so that it may be worked on again.
    pub(crate) is_kept: bool,
}

const COLUMNS: &str = "select e.id, e.channel_id, c.type, e.received_at, e.state, e.attempts, e.outcome, e.rule, e.detail,
       e.ticket_id, e.message_id, e.raw_hash is not null
  from inbound_event e
  join channel c on c.tenant_id = e.tenant_id and c.id = e.channel_id";

fn read(row: &Row<'_>, lang: Lang) -> rusqlite::Result<EventView> {
    let rule: Option<String> = row.get(7)?;
    Ok(EventView {
        id: row.get(0)?,
        channel_id: row.get(1)?,
        channel: row.get(2)?,
        received_at: row.get(3)?,
        state: row.get(4)?,
        attempts: row.get(5)?,
        outcome: row.get(6)?,
        why: reasons::rule(rule.as_deref().unwrap_or_default(), lang),
        rule,
        detail: row.get(8)?,
        ticket_id: row.get(9)?,
        message_id: row.get(10)?,
        is_kept: row.get(11)?,
    })
}

/// What is looked for among deliveries.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) channel: Option<ChannelId>,
    pub(crate) state: Option<&'static str>,
    pub(crate) ignored: bool,
}

/// A page of deliveries, the newest first, and how many there are.
pub(crate) fn page(
    conn: &Connection,
    tenant: TenantId,
    wanted: &Wanted,
    page: Page,
    lang: Lang,
) -> Result<(Vec<EventView>, i64)> {
    let mut all_of = Where::new("e.tenant_id = ?", [tenant.into()]);
    if let Some(channel) = wanted.channel {
        all_of.and("e.channel_id = ?", [channel.into()]);
    }
    if let Some(state) = wanted.state {
        all_of.and("e.state = ?", [state.to_owned().into()]);
    }
    if wanted.ignored {
        all_of.and("e.outcome = 'ignored'", []);
    }
    let text = all_of.text();
    let total = one(
        conn,
        &format!("select count(*) from inbound_event e where {text}"),
        rusqlite::params_from_iter(all_of.bind([])),
        |row| row.get(0),
    )?;
    let events = all(
        conn,
        &format!("{COLUMNS} where {text} order by e.id desc limit ? offset ?"),
        rusqlite::params_from_iter(all_of.bind([page.limit.into(), page.offset().into()])),
        |row| read(row, lang),
    )?;
    Ok((events, total))
}

/// One delivery.
pub(crate) fn by_id(conn: &Connection, tenant: TenantId, id: i64, lang: Lang) -> Result<EventView> {
    first(
        conn,
        &format!("{COLUMNS} where e.tenant_id = ?1 and e.id = ?2"),
        (tenant, id),
        |row| read(row, lang),
    )?
    .ok_or_else(|| Error::new(Code::EventNotFound).on("event_id"))
}

/// The deliveries that a message was made of or that speak of it, the oldest first.
pub(crate) fn of_message(
    conn: &Connection,
    tenant: TenantId,
    message: MessageId,
    lang: Lang,
) -> Result<Vec<EventView>> {
    all(
        conn,
        &format!("{COLUMNS} where e.tenant_id = ?1 and e.message_id = ?2 order by e.id"),
        (tenant, message),
        |row| read(row, lang),
    )
}

/// Works on a delivery again. One that has become something stays what it has become.
pub(crate) fn replay(tx: &Tx<'_>, tenant: TenantId, event: &EventView) -> Result<()> {
    let left_aside = event.state == "failed" || event.outcome.as_deref() == Some("ignored");
    if !left_aside || !event.is_kept {
        return Err(Error::new(Code::EventDone).on("event_id"));
    }
    run(
        tx,
        "update inbound_event
            set state = 'received', attempts = 0, next_at = ?3, received_at = ?3, outcome = null, rule = null, detail = null,
                external_id = null, ticket_id = null, message_id = null
          where tenant_id = ?1 and id = ?2",
        (tenant, event.id, tx.now),
    )?;
    tx.signal(Signal::Inbound);
    Ok(())
}

/// A way that a message took out.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Departure {
    /// The channel.
    pub(crate) channel_id: ChannelId,
    /// What was sent: `answer`, `copy`, `edit`, `revoke` and so on.
    pub(crate) kind: String,
    /// To whom.
    pub(crate) recipient: String,
    /// `queued`, `sent` or `failed`.
    pub(crate) state: String,
    /// How often it was tried.
    pub(crate) attempts: i64,
    /// When it is tried next, while it waits.
    pub(crate) next_at: Option<At>,
    /// What went wrong last.
    pub(crate) last_error: Option<String>,
    /// When it was sent or given up.
    pub(crate) finished_at: Option<At>,
}

/// How a message left, each recipient by itself.
pub(crate) fn departures(
    conn: &Connection,
    tenant: TenantId,
    message: MessageId,
) -> Result<Vec<Departure>> {
    all(
        conn,
        "select channel_id, kind, recipient, state, attempts, iif(state = 'queued', next_at, null), last_error, finished_at
           from outbox where tenant_id = ?1 and message_id = ?2 order by id",
        (tenant, message),
        |row| {
            Ok(Departure {
                channel_id: row.get(0)?,
                kind: row.get(1)?,
                recipient: row.get(2)?,
                state: row.get(3)?,
                attempts: row.get(4)?,
                next_at: row.get(5)?,
                last_error: row.get(6)?,
                finished_at: row.get(7)?,
            })
        },
    )
}

/// Something that is to leave by a channel, or could not.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct OutboxView {
    /// Its number.
    pub(crate) id: i64,
    /// The channel.
    pub(crate) channel_id: ChannelId,
    /// The channel's type.
    pub(crate) channel: ChannelType,
    /// What it is: `answer`, `copy`, `acknowledgement`, `edit`, `revoke`, or `say` for what is no message of a ticket.
    pub(crate) kind: String,
    /// To whom.
    pub(crate) recipient: String,
    /// The ticket that it belongs to.
    pub(crate) ticket_id: Option<TicketId>,
    /// The message that is sent.
    pub(crate) message_id: Option<MessageId>,
    /// `queued`, `sent` or `failed`.
    pub(crate) state: String,
    /// How often it was tried.
    pub(crate) attempts: i64,
    /// When it is tried next, while it waits.
    pub(crate) next_at: Option<At>,
    /// What went wrong last.
    pub(crate) last_error: Option<String>,
    /// What a person can do about it, in the caller's language, if that is known.
    pub(crate) advice: Option<String>,
    /// When it was written.
    pub(crate) created_at: At,
    /// When it was sent or given up.
    pub(crate) finished_at: Option<At>,
}

/// A page of what waits to leave by the channels, or could not, the newest first; and how much there is.
pub(crate) fn outbox(
    conn: &Connection,
    tenant: TenantId,
    (channel, state): (Option<ChannelId>, &str),
    page: Page,
    lang: Lang,
) -> Result<(Vec<OutboxView>, i64)> {
    let mut all_of = Where::new("o.tenant_id = ?", [tenant.into()]);
    all_of.and("o.state = ?", [state.to_owned().into()]);
    if let Some(channel) = channel {
        all_of.and("o.channel_id = ?", [channel.into()]);
    }
    let text = all_of.text();
    let total = one(
        conn,
        &format!("select count(*) from outbox o where {text}"),
        rusqlite::params_from_iter(all_of.bind([])),
        |row| row.get(0),
    )?;
    let rows = all(
        conn,
        &format!(
            "select o.id, o.channel_id, c.type, o.kind, o.recipient, o.ticket_id, o.message_id, o.state, o.attempts,
                    iif(o.state = 'queued', o.next_at, null), o.last_error, o.created_at, o.finished_at
               from outbox o
               join channel c on c.tenant_id = o.tenant_id and c.id = o.channel_id
              where {text} order by o.id desc limit ? offset ?"
        ),
        rusqlite::params_from_iter(all_of.bind([page.limit.into(), page.offset().into()])),
        |row| {
            let last_error: Option<String> = row.get(10)?;
            Ok(OutboxView {
                id: row.get(0)?,
                channel_id: row.get(1)?,
                channel: row.get(2)?,
                kind: row.get(3)?,
                recipient: row.get(4)?,
                ticket_id: row.get(5)?,
                message_id: row.get(6)?,
                state: row.get(7)?,
                attempts: row.get(8)?,
                next_at: row.get(9)?,
                advice: last_error
                    .as_deref()
                    .and_then(|why| advice::about(why, lang))
                    .map(str::to_owned),
                last_error,
                created_at: row.get(11)?,
                finished_at: row.get(12)?,
            })
        },
    )?;
    Ok((rows, total))
}

/// How a message fared at last: its delivery status and why.
pub(crate) fn fate(
    conn: &Connection,
    tenant: TenantId,
    message: MessageId,
) -> Result<(Option<Delivery>, Option<String>)> {
    first(
        conn,
        "select delivery_status, delivery_error from message where tenant_id = ?1 and id = ?2",
        (tenant, message),
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?
    .ok_or_else(|| Error::new(Code::MessageNotFound).on("message_id"))
}

/// Lets go of the bytes of deliveries that were kept as long as their tenant wants, a portion at a time. That they came,
/// and what became of them, stays.
pub(crate) fn forget_raw(tx: &Tx<'_>) -> Result<usize> {
    run(
        tx,
        "update inbound_event set raw_hash = null
          where id in (select e.id from inbound_event e
                         join tenant t on t.id = e.tenant_id
                        where e.raw_hash is not null and e.state = 'done'
                          and e.received_at <= ?1 - 86400000 * coalesce(json_extract(t.settings, '$.raw_event_days'), ?2)
                        limit 1000)",
        (tx.now, crate::tenant::RAW_EVENT_DAYS),
    )
}
