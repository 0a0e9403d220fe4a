//! The outbox: what is to leave the desk, written in the transaction that decided so. A worker sends each row outside any
//! transaction and writes back how it fared; rows of one ticket leave in order.
use crate::{
    api::field::{ChannelId, MessageId, TenantId, TicketId},
    clock::{HOUR, Millis},
    db::{
        Tx,
        sql::{all, first, run, text_column},
    },
    error::{Code, Error, Result},
    signal::Signal,
    ticket::{
        Acting, Actor,
        change::{self, WayOut},
        message::delivered,
        model::Delivery,
        record::{self, Record},
    },
};
use rusqlite::Connection;

/// A row whose time has come.
#[derive(Clone, Debug)]
pub(crate) struct Due {
    pub(crate) id: i64,
    pub(crate) tenant: TenantId,
    pub(crate) channel: ChannelId,
    pub(crate) ticket: TicketId,
    pub(crate) message: MessageId,
    pub(crate) kind: Kind,
    pub(crate) recipient: String,
    pub(crate) attempts: u32,
}

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What an operator wrote.
    Answer,
    /// The desk's own word that a mail has come.
    Acknowledgement,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Kind::Answer => "answer",
            Kind::Acknowledgement => "acknowledgement",
        }
    }

    fn parse(text: &str) -> Option<Kind> {
        [Kind::Answer, Kind::Acknowledgement]
            .into_iter()
            .find(|k| k.as_str() == text)
    }
}

text_column!(Kind);

/// How long an address is sent no second acknowledgement, whatever it sends: two desks that answer each other stop at once.
const QUIET: Millis = HOUR;

/// Acknowledges the mail that opened a ticket, unless its sender was sent an acknowledgement lately.
pub(crate) fn acknowledge(cx: &Acting<'_>, ticket: &Record, message: MessageId) -> Result<()> {
    let (Some(channel), Some(recipient)) = (ticket.channel_id, &ticket.creator_email) else {
        return Ok(());
    };
    let added = run(
        cx.tx,
        "insert into outbox (tenant_id, channel_id, ticket_id, message_id, kind, recipient, next_at, created_at)
         select ?1, ?2, ?3, ?4, 'acknowledgement', ?5, ?6, ?6
          where not exists (select 1 from outbox
                             where tenant_id = ?1 and recipient = ?5 and kind = 'acknowledgement' and created_at > ?7)",
        (cx.tenant, channel, ticket.id, message, recipient, cx.tx.now, cx.tx.now - QUIET),
    )?;
    if added > 0 {
        cx.tx.signal(Signal::Outbox);
    }
    Ok(())
}

/// Puts a message of the ticket's channel into the outbox.
pub(crate) fn enqueue(cx: &Acting<'_>, ticket: &Record, message: MessageId) -> Result<()> {
    let (Some(channel), Some(recipient)) = (ticket.channel_id, &ticket.creator_email) else {
        return Err(Error::internal(
            "a ticket without a way out was to send a message",
        ));
    };
    run(
        cx.tx,
        "insert into outbox (tenant_id, channel_id, ticket_id, message_id, kind, recipient, next_at, created_at)
         values (?1, ?2, ?3, ?4, 'answer', ?5, ?6, ?6)",
        (cx.tenant, channel, ticket.id, message, recipient, cx.tx.now),
    )?;
    cx.tx.signal(Signal::Outbox);
    Ok(())
}

/// Takes back what has not left yet.
pub(crate) fn withdraw(cx: &Acting<'_>, message: MessageId) -> Result<()> {
    run(
        cx.tx,
        "delete from outbox where tenant_id = ?1 and message_id = ?2 and state = 'queued'",
        (cx.tenant, message),
    )?;
    Ok(())
}

/// Puts a message that could not be delivered back into the queue.
pub(crate) fn retry(cx: &Acting<'_>, message: MessageId) -> Result<()> {
    let ticket: Option<TicketId> = first(
        cx.tx,
        "update outbox set state = 'queued', attempts = 0, next_at = ?3, finished_at = null, created_at = ?3
          where tenant_id = ?1 and message_id = ?2 and state = 'failed'
         returning ticket_id",
        (cx.tenant, message, cx.tx.now),
        |row| row.get(0),
    )?;
    let ticket = match ticket {
        Some(ticket) => ticket,
        None => first_try(cx, message)?,
    };
    cx.tx.signal(Signal::Outbox);
    delivered(cx, ticket, message, Delivery::Pending, None)
}

/// Queues a message that failed because there was no way out when it was written, and now there is.
fn first_try(cx: &Acting<'_>, message: MessageId) -> Result<TicketId> {
    let unknown = || Error::new(Code::MessageNotFound).on("message_id");
    let failed: Option<TicketId> = first(
        cx.tx,
        "select ticket_id from message
          where tenant_id = ?1 and id = ?2 and delivery_status = 'failed' and deleted_at is null",
        (cx.tenant, message),
        |row| row.get(0),
    )?;
    let mut ticket = record::by_id(cx.tx, cx.tenant, failed.ok_or_else(unknown)?)?;
    if change::way_out(cx, &mut ticket)? != WayOut::Channel {
        return Err(unknown());
    }
    ticket.save_now(cx.tx)?;
    enqueue(cx, &ticket, message)?;
    Ok(ticket.id)
}

/// The channels that have something to send now.
pub(crate) fn busy_channels(conn: &Connection, now: Millis) -> Result<Vec<ChannelId>> {
    all(
        conn,
        "select distinct o.channel_id
           from outbox o
           join channel c on c.tenant_id = o.tenant_id and c.id = o.channel_id and c.is_active
          where o.state = 'queued' and o.next_at <= ?1",
        [now],
        |row| row.get(0),
    )
}

/// What a channel is to send now, at most `most` rows: of each ticket only the oldest that waits.
pub(crate) fn due(
    conn: &Connection,
    channel: ChannelId,
    now: Millis,
    most: u32,
) -> Result<Vec<Due>> {
    all(
        conn,
        "select o.id, o.tenant_id, o.channel_id, o.ticket_id, o.message_id, o.kind, o.recipient, o.attempts
           from outbox o
          where o.channel_id = ?1 and o.state = 'queued' and o.next_at <= ?2
            and not exists (select 1 from outbox p
                             where p.tenant_id = o.tenant_id and p.ticket_id = o.ticket_id
                               and p.state = 'queued' and p.id < o.id)
          order by o.next_at, o.id
          limit ?3",
        (channel, now, most),
        |row| {
            Ok(Due {
                id: row.get(0)?,
                tenant: row.get(1)?,
                channel: row.get(2)?,
                ticket: row.get(3)?,
                message: row.get(4)?,
                kind: row.get(5)?,
                recipient: row.get(6)?,
                attempts: row.get(7)?,
            })
        },
    )
}

/// When the next row is due, if any waits.
pub(crate) fn next_at(conn: &Connection) -> Result<Option<Millis>> {
    crate::db::sql::one(
        conn,
        "select min(next_at) from outbox where state = 'queued'",
        [],
        |row| row.get(0),
    )
}

/// Writes down that a row was delivered.
pub(crate) fn sent(tx: &Tx<'_>, row: &Due) -> Result<()> {
    run(
        tx,
        "update outbox set state = 'sent', attempts = attempts + 1, finished_at = ?2, last_error = null where id = ?1",
        (row.id, tx.now),
    )?;
    run(
        tx,
        "update channel set last_outbound_at = ?2, last_error = null, last_error_at = null where id = ?1",
        (row.channel, tx.now),
    )?;
    told(tx, row, Delivery::Sent, None)
}

/// Tells the message how it fared. An acknowledgement is no message of its own.
fn told(tx: &Tx<'_>, row: &Due, outcome: Delivery, why: Option<&str>) -> Result<()> {
    if row.kind == Kind::Acknowledgement {
        return Ok(());
    }
    let cx = Acting::new(tx, row.tenant, Actor::system());
    delivered(&cx, row.ticket, row.message, outcome, why)
}

/// Writes down a failed attempt: another one at `again`, or the end of it.
pub(crate) fn failed(tx: &Tx<'_>, row: &Due, why: &str, again: Option<Millis>) -> Result<()> {
    run(
        tx,
        "update channel set last_error = ?2, last_error_at = ?3 where id = ?1",
        (row.channel, why, tx.now),
    )?;
    if let Some(again) = again {
        run(
            tx,
            "update outbox set attempts = attempts + 1, next_at = ?2, last_error = ?3 where id = ?1",
            (row.id, again, why),
        )?;
        return Ok(());
    }
    run(
        tx,
        "update outbox set state = 'failed', attempts = attempts + 1, finished_at = ?2, last_error = ?3 where id = ?1",
        (row.id, tx.now, why),
    )?;
    told(tx, row, Delivery::Failed, Some(why))
}
