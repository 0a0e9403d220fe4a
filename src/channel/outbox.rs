//! The outbox: what is to leave the desk, written in the transaction that decided so. A worker sends each row outside any
//! transaction and writes back how it fared; rows of one ticket leave in order. What waits for a server that is away is
//! [`outage`]'s.
pub(crate) mod outage;

use super::{
    chat::{self, Chat},
    messenger::Button,
};
use crate::{
    api::field::{ChannelId, MessageId, TenantId, TicketId},
    clock::{HOUR, Millis, SECOND},
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
        model::{Delivery, Origin},
        record::{self, Record},
    },
};
use rusqlite::{Connection, Row};
use serde::{Deserialize, Serialize};

/// A row whose time has come.
#[derive(Clone, Debug)]
pub(crate) struct Due {
    pub(crate) id: i64,
    pub(crate) tenant: TenantId,
    pub(crate) channel: ChannelId,
    pub(crate) ticket: Option<TicketId>,
    pub(crate) message: Option<MessageId>,
    /// The messenger's chat; mail has none.
    pub(crate) chat: Option<i64>,
    pub(crate) kind: Kind,
    pub(crate) recipient: String,
    /// What is said where no message says it.
    pub(crate) content: Option<String>,
    /// How many parts have left.
    pub(crate) progress: usize,
    pub(crate) attempts: u32,
    /// Whether it is sent before its time to see whether the channel's server is back.
    pub(crate) is_probe: bool,
}

/// The columns that [`Due::of`] reads, of the outbox as `o`.
const DUE: &str = "o.id, o.tenant_id, o.channel_id, o.ticket_id, o.message_id, o.chat_id, o.kind, o.recipient, o.content, \
                   o.progress, o.attempts";

impl Due {
    fn of(row: &Row<'_>) -> rusqlite::Result<Due> {
        Ok(Due {
            id: row.get(0)?,
            tenant: row.get(1)?,
            channel: row.get(2)?,
            ticket: row.get(3)?,
            message: row.get(4)?,
            chat: row.get(5)?,
            kind: row.get(6)?,
            recipient: row.get(7)?,
            content: row.get(8)?,
            progress: usize::try_from(row.get::<_, i64>(9)?).unwrap_or(0),
            attempts: row.get(10)?,
            is_probe: false,
        })
    }

    /// The message that is sent, changed or taken back.
    pub(crate) fn message(&self) -> Result<MessageId> {
        self.message
            .ok_or_else(|| Error::new(Code::MessageNotFound))
    }

    /// The ticket that it belongs to.
    pub(crate) fn ticket(&self) -> Result<TicketId> {
        self.ticket.ok_or_else(|| Error::new(Code::TicketNotFound))
    }
}

/// What is said in a chat beside the messages of its tickets.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Words {
    pub(crate) text: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) buttons: Vec<Vec<Button>>,
    /// A question whose words are found when it leaves, if it is still worth asking then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) question: Option<Question>,
    /// What the provider calls the message that these words take the place of, buttons and all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) replaces: Option<String>,
}

impl Words {
    /// Plain words.
    pub(crate) fn plain(text: String) -> Words {
        Words {
            text,
            ..Words::default()
        }
    }
}

/// A question to whoever is in a chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Question {
    /// How satisfied they are with the work that was done at this time.
    Rating { done_at: Millis },
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
    /// Another text of a message that has left.
    Edit,
    /// A message that has left is taken back.
    Revoke,
    /// What is said in a chat and is no message of a ticket.
    Say,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Kind::Answer => "answer",
            Kind::Copy => "copy",
            Kind::Acknowledgement => "acknowledgement",
            Kind::Edit => "edit",
            Kind::Revoke => "revoke",
            Kind::Say => "say",
        }
    }

    fn parse(text: &str) -> Option<Kind> {
        [
            Kind::Answer,
            Kind::Copy,
            Kind::Acknowledgement,
            Kind::Edit,
            Kind::Revoke,
            Kind::Say,
        ]
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

/// The most that a mail may carry, larger ones are refused by most servers; and a file of a messenger.
const MOST: i64 = 25 << 20;
const MOST_IN_CHAT: i64 = 50 << 20;

/// Puts a message of the ticket's channel into the outbox: a row for who opened the ticket and one for each in copy, so
/// that every one of them has a fate of their own.
pub(crate) fn enqueue(cx: &Acting<'_>, ticket: &Record, message: MessageId) -> Result<()> {
    if ticket.channel != Origin::Email {
        return enqueue_in_chat(cx, ticket, message);
    }
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
    within(carried, MOST)?;
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

fn within(size: i64, most: i64) -> Result<()> {
    if size > most {
        let limit = format!("{} MB", most >> 20);
        return Err(Error::new(Code::TooLarge).on("files").with("limit", limit));
    }
    Ok(())
}

fn enqueue_in_chat(cx: &Acting<'_>, ticket: &Record, message: MessageId) -> Result<()> {
    let place = (ticket.channel_id, ticket.contact);
    let chat = chat::of_ticket(cx.tx, cx.tenant, ticket.id, place)?;
    let chat =
        chat.ok_or_else(|| Error::internal("a ticket without a way out was to send a message"))?;
    let largest: i64 = one(
        cx.tx,
        "select coalesce(max(size), 0) from file where tenant_id = ?1 and message_id = ?2",
        (cx.tenant, message),
        |row| row.get(0),
    )?;
    within(largest, MOST_IN_CHAT)?;
    put(
        cx.tx,
        &chat,
        Kind::Answer,
        (Some(ticket.id), Some(message)),
        None,
    )
}

/// Puts a row of a chat into the outbox.
fn put(
    tx: &Tx<'_>,
    chat: &Chat,
    kind: Kind,
    (ticket, message): (Option<TicketId>, Option<MessageId>),
    words: Option<&Words>,
) -> Result<()> {
    let content = words.map(serde_json::to_string).transpose()?;
    run(
        tx,
        "insert into outbox (tenant_id, channel_id, ticket_id, message_id, chat_id, kind, recipient, content, next_at, created_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)",
        (
            chat.tenant,
            chat.channel,
            ticket,
            message,
            chat.id,
            kind,
            &chat.address,
            content,
            tx.now,
        ),
    )?;
    tx.signal(Signal::Outbox);
    Ok(())
}

/// Says something in a chat that is no message of a ticket: a greeting, a question with buttons.
pub(crate) fn say(tx: &Tx<'_>, chat: &Chat, ticket: Option<TicketId>, words: &Words) -> Result<()> {
    put(tx, chat, Kind::Say, (ticket, None), Some(words))
}

/// Tells a chat that a message of ours has another text now, or is taken back. What has not left yet leaves as it is now.
pub(crate) fn follow(cx: &Acting<'_>, message: MessageId, kind: Kind) -> Result<()> {
    let sent: Option<(i64, TicketId)> = first(
        cx.tx,
        "select n.chat_id, m.ticket_id
           from chat_message n
           join message m on m.tenant_id = n.tenant_id and m.id = n.message_id and m.author_type = 'support'
           join channel c on c.tenant_id = n.tenant_id and c.id = n.channel_id
          where n.tenant_id = ?1 and n.message_id = ?2
          limit 1",
        (cx.tenant, message),
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let Some((chat, ticket)) = sent else {
        return Ok(());
    };
    match chat::by_id(cx.tx, cx.tenant, chat)? {
        Some(chat) => put(cx.tx, &chat, kind, (Some(ticket), Some(message)), None),
        None => Ok(()),
    }
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
    // What has left of it does not leave again.
    let resumed = run(
        cx.tx,
        "update outbox set state = 'queued', attempts = 0, next_at = ?3, finished_at = null
          where tenant_id = ?1 and message_id = ?2 and kind = 'answer' and chat_id is not null and state = 'failed'",
        (cx.tenant, message, cx.tx.now),
    )?;
    if resumed > 0 {
        cx.tx.signal(Signal::Outbox);
        return delivered(cx, ticket.id, message, Delivery::Pending, None);
    }
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

/// Sends again what was given up, from where it had come to. What belongs to a message makes the message wait again.
pub(crate) fn resume(cx: &Acting<'_>, id: i64) -> Result<()> {
    let resumed: Option<(Kind, Option<TicketId>, Option<MessageId>)> = first(
        cx.tx,
        "update outbox set state = 'queued', attempts = 0, next_at = ?3, finished_at = null
          where tenant_id = ?1 and id = ?2 and state = 'failed'
          returning kind, ticket_id, message_id",
        (cx.tenant, id, cx.tx.now),
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let Some((kind, ticket, message)) = resumed else {
        return Err(Error::new(Code::EventNotFound).on("outbox_id"));
    };
    cx.tx.signal(Signal::Outbox);
    match (kind, ticket, message) {
        (Kind::Answer, Some(ticket), Some(message)) => {
            delivered(cx, ticket, message, Delivery::Pending, None)
        }
        _ => Ok(()),
    }
}

/// Makes what waits due now, in one channel or in all.
pub(crate) fn hurry(tx: &Tx<'_>, channel: Option<ChannelId>) -> Result<()> {
    run(
        tx,
        "update outbox set next_at = ?2
          where is_next = 1 and next_at > ?2 and (?1 is null or channel_id = ?1)",
        (channel, tx.now),
    )?;
    Ok(())
}

/// The channels that have something to send now.
pub(crate) fn busy_channels(conn: &Connection, now: Millis) -> Result<Vec<ChannelId>> {
    all(
        conn,
        "select c.id
           from channel c
           join tenant t on t.id = c.tenant_id and t.is_active
          where c.is_active
            and exists (select 1 from outbox o where o.channel_id = c.id and o.is_next = 1 and o.next_at <= ?1)",
        [now],
        |row| row.get(0),
    )
}

/// What a channel is to send now, at most `most` rows: of each conversation only the oldest that waits.
pub(crate) fn due(
    conn: &Connection,
    channel: ChannelId,
    now: Millis,
    most: u32,
) -> Result<Vec<Due>> {
    let sql = format!(
        "select {DUE}
           from outbox o
          where o.channel_id = ?1 and o.is_next = 1 and o.next_at <= ?2
          order by o.next_at, o.id
          limit ?3"
    );
    all(conn, &sql, (channel, now, most), Due::of)
}

/// When the next row is due that is not yet, if any waits.
pub(crate) fn next_at(conn: &Connection, now: Millis) -> Result<Option<Millis>> {
    one(
        conn,
        "select min(next_at) from outbox where is_next = 1 and next_at > ?1",
        [now],
        |row| row.get(0),
    )
}

/// Writes down that a row was delivered, and for a mail under which Message-ID, by which replies find the message.
pub(crate) fn sent(tx: &Tx<'_>, row: &Due, mail_id: Option<&str>) -> Result<()> {
    if row.kind == Kind::Answer
        && let Some(mail_id) = mail_id
    {
        run(
            tx,
            "update message set mail_id = ?3 where tenant_id = ?1 and id = ?2",
            (row.tenant, row.message, mail_id),
        )?;
    }
    run(
        tx,
        "update outbox set state = 'sent', attempts = attempts + 1, finished_at = ?2, last_error = null, is_cut = 0 where id = ?1",
        (row.id, tx.now),
    )?;
    outage::is_over(tx, row.channel)?;
    run(
        tx,
        "update channel set last_outbound_at = ?2, last_error = null, last_error_at = null where id = ?1",
        (row.channel, tx.now),
    )?;
    told(tx, row, Delivery::Sent, None)
}

/// Writes down that one more part of a row has left, and what the provider calls it.
pub(crate) fn part_sent(tx: &Tx<'_>, row: &Due, part: usize, externals: &[String]) -> Result<()> {
    run(
        tx,
        "update outbox set progress = ?2 where id = ?1 and progress < ?2",
        (row.id, i64::try_from(part + 1).unwrap_or(i64::MAX)),
    )?;
    let (Some(message), Some(id)) = (row.message, row.chat) else {
        return Ok(());
    };
    let Some(chat) = chat::by_id(tx, row.tenant, id)? else {
        return Ok(());
    };
    for external in externals {
        let name = chat::Name {
            external,
            part,
            ..chat::Name::default()
        };
        chat::know(tx, &chat, message, name)?;
    }
    // It was deleted while it was on its way.
    let deleted: Option<bool> = first(
        tx,
        "select deleted_at is not null from message where tenant_id = ?1 and id = ?2",
        (row.tenant, message),
        |row| row.get(0),
    )?;
    if deleted == Some(true) && !externals.is_empty() {
        put(tx, &chat, Kind::Revoke, (row.ticket, Some(message)), None)?;
    }
    Ok(())
}

/// Sends a row to where its chat is now, at once.
pub(crate) fn readdress(tx: &Tx<'_>, row: &Due, to: &str) -> Result<()> {
    // A provider that sends us round in a circle is a failure like another.
    run(
        tx,
        "update outbox set recipient = ?2, attempts = attempts + 1, next_at = ?3 where id = ?1",
        (row.id, to, tx.now + SECOND),
    )?;
    Ok(())
}

/// Puts a row off that the provider asked to wait with; that is no failed attempt.
pub(crate) fn wait(tx: &Tx<'_>, row: &Due, until: Millis, why: &str) -> Result<()> {
    run(
        tx,
        "update outbox set next_at = ?2, last_error = ?3 where id = ?1",
        (row.id, until, why),
    )?;
    Ok(())
}

/// Tells the message how it fared with who opened the ticket. A copy's fate is the row's own affair, and an
/// acknowledgement is no message of its own.
fn told(tx: &Tx<'_>, row: &Due, outcome: Delivery, why: Option<&str>) -> Result<()> {
    if row.kind != Kind::Answer {
        return Ok(());
    }
    let (Some(ticket), Some(message)) = (row.ticket, row.message) else {
        return Ok(());
    };
    let cx = Acting::new(tx, row.tenant, Actor::system());
    // A receipt may have come before the answer that it is for.
    if outcome == Delivery::Sent {
        let further: Option<bool> = first(
            tx,
            "select delivery_status in ('delivered', 'read') from message where tenant_id = ?1 and id = ?2",
            (row.tenant, message),
            |row| row.get(0),
        )?;
        if further.unwrap_or(true) {
            return Ok(());
        }
    }
    delivered(&cx, ticket, message, outcome, why)
}

/// Writes down a failed attempt: another one at `again`, or the end of it.
pub(crate) fn failed(tx: &Tx<'_>, row: &Due, why: &str, again: Option<Millis>) -> Result<()> {
    if let Some(again) = again {
        // A refused address is the mail's trouble; a server that does not take mail is the channel's.
        run(
            tx,
            "update channel set last_error = ?2, last_error_at = ?3, error_side = 'out' where id = ?1",
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

#[cfg(test)]
mod tests;
