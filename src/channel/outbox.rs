//! The outbox: what is to leave the desk, written in the transaction that decided so. A worker sends each row outside any
//! transaction and writes back how it fared; rows of one ticket leave in order.
use crate::{
    api::field::{ChannelId, MessageId, TenantId, TicketId},
    clock::{HOUR, Millis},
    db::{
        Tx,
        sql::{all, first, one, run, text_column},
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
    /// What an operator wrote, to who opened the ticket.
    Answer,
    /// The same, to somebody in copy.
    Copy,
    /// The desk's own word that a mail has come.
    Acknowledgement,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Kind::Answer => "answer",
            Kind::Copy => "copy",
            Kind::Acknowledgement => "acknowledgement",
        }
    }

    fn parse(text: &str) -> Option<Kind> {
        [Kind::Answer, Kind::Copy, Kind::Acknowledgement]
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

/// The most that a mail may carry; larger ones are refused by most servers.
const MOST: i64 = 25 << 20;

/// Puts a message of the ticket's channel into the outbox: a row for who opened the ticket and one for each in copy, so
/// that every one of them has a fate of their own.
pub(crate) fn enqueue(cx: &Acting<'_>, ticket: &Record, message: MessageId) -> Result<()> {
    let (Some(channel), Some(recipient)) = (ticket.channel_id, &ticket.creator_email) else {
        return Err(Error::internal(
            "a ticket without a way out was to send a message",
        ));
    };
    let carried: i64 = one(
        cx.tx,
        "select coalesce(sum(size), 0) from file where tenant_id = ?1 and message_id = ?2",
        (cx.tenant, message),
        |row| row.get(0),
    )?;
    if carried > MOST {
        let limit = format!("{} MB", MOST >> 20);
        return Err(Error::new(Code::TooLarge).on("files").with("limit", limit));
    }
    run(
        cx.tx,
        "insert into outbox (tenant_id, channel_id, ticket_id, message_id, kind, recipient, next_at, created_at)
         select ?1, ?2, ?3, ?4, 'answer', ?5, ?6, ?6
          union all
         select ?1, ?2, ?3, ?4, 'copy', email, ?6, ?6
           from participant
          where tenant_id = ?1 and ticket_id = ?3 and email <> ?5",
        (cx.tenant, channel, ticket.id, message, recipient, cx.tx.now),
    )?;
    cx.tx.signal(Signal::Outbox);
    Ok(())
}

/// Takes back what has not left yet, for good.
pub(crate) fn withdraw(cx: &Acting<'_>, message: MessageId) -> Result<()> {
    run(
        cx.tx,
        "delete from outbox where tenant_id = ?1 and message_id = ?2 and state <> 'sent'",
        (cx.tenant, message),
    )?;
    Ok(())
}

/// Sends a message again that failed, bounced, or had no way out when it was written. Who has it already in copy gets no
/// second one.
pub(crate) fn retry(cx: &Acting<'_>, message: MessageId) -> Result<()> {
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
    run(
        cx.tx,
        "delete from outbox where tenant_id = ?1 and message_id = ?2 and (kind = 'answer' or state <> 'sent')",
        (cx.tenant, message),
    )?;
    let copied: bool = one(
        cx.tx,
        "select exists (select 1 from outbox where tenant_id = ?1 and message_id = ?2)",
        (cx.tenant, message),
        |row| row.get(0),
    )?;
    enqueue(cx, &ticket, message)?;
    if copied {
        run(
            cx.tx,
            "delete from outbox where tenant_id = ?1 and message_id = ?2 and kind = 'copy' and state = 'queued'",
            (cx.tenant, message),
        )?;
    }
    delivered(cx, ticket.id, message, Delivery::Pending, None)
}

/// Makes what waits due now, in one channel or in all.
pub(crate) fn hurry(tx: &Tx<'_>, channel: Option<ChannelId>) -> Result<()> {
    run(
        tx,
        "update outbox set next_at = ?2
          where state = 'queued' and next_at > ?2 and (?1 is null or channel_id = ?1)",
        (channel, tx.now),
    )?;
    Ok(())
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

/// What a channel is to send now, at most `most` rows: of each ticket and recipient only the oldest that waits.
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
           join ticket t on t.tenant_id = o.tenant_id and t.id = o.ticket_id and t.deleted_at is null
          where o.channel_id = ?1 and o.state = 'queued' and o.next_at <= ?2
            and not exists (select 1 from outbox p
                             where p.tenant_id = o.tenant_id and p.ticket_id = o.ticket_id
                               and p.recipient = o.recipient and p.state = 'queued' and p.id < o.id)
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
    one(
        conn,
        "select min(next_at) from outbox where state = 'queued'",
        [],
        |row| row.get(0),
    )
}

/// Writes down that a row was delivered, and under which Message-ID, by which replies find the message.
pub(crate) fn sent(tx: &Tx<'_>, row: &Due, mail_id: &str) -> Result<()> {
    if row.kind == Kind::Answer {
        run(
            tx,
            "update message set mail_id = ?3 where tenant_id = ?1 and id = ?2",
            (row.tenant, row.message, mail_id),
        )?;
    }
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

/// Tells the message how it fared with who opened the ticket. A copy's fate is the row's own affair, and an
/// acknowledgement is no message of its own.
fn told(tx: &Tx<'_>, row: &Due, outcome: Delivery, why: Option<&str>) -> Result<()> {
    if row.kind != Kind::Answer {
        return Ok(());
    }
    let cx = Acting::new(tx, row.tenant, Actor::system());
    delivered(&cx, row.ticket, row.message, outcome, why)
}

/// Writes down a failed attempt: another one at `again`, or the end of it.
pub(crate) fn failed(tx: &Tx<'_>, row: &Due, why: &str, again: Option<Millis>) -> Result<()> {
    if let Some(again) = again {
        // A refused address is the mail's trouble; a server that does not take mail is the channel's.
        run(
            tx,
            "update channel set last_error = ?2, last_error_at = ?3 where id = ?1",
            (row.channel, why, tx.now),
        )?;
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
