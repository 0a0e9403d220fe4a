//! Answers that wait before they leave: a few seconds in which their author can take them back, or until the time they are
//! meant for. They lie in the database, so a closed page or a restart loses nothing.
use super::{
    Acting, Actor,
    change::{self, WayOut},
    event::{self, Event},
    message::{self, NO_MAILBOX, Stored},
    model::{ActorKind, Author, Delivery},
    record::{self, Record},
    search,
};
use crate::{
    api::field::{MessageId, TenantId, TicketId},
    channel::outbox,
    clock::Millis,
    db::{
        Snapshot, Tx,
        sql::{all, run},
    },
    error::{Code, Error, Result},
};
use rusqlite::Connection;

/// How many answers leave in one transaction.
const PORTION: u32 = 200;

/// An answer whose time has come.
struct Due {
    tenant: TenantId,
    ticket: TicketId,
    message: MessageId,
    ordinal: i64,
    author: Actor,
    body: String,
}

fn due(conn: &Connection, now: Millis) -> Result<Vec<Due>> {
    all(
        conn,
        "select m.tenant_id, m.ticket_id, m.id, m.ordinal, m.operator_id, m.author_name, m.body
           from message m
           join ticket t on t.tenant_id = m.tenant_id and t.id = m.ticket_id and t.deleted_at is null
          where m.held_until <= ?1
          order by m.held_until, m.id
          limit ?2",
        (now, PORTION),
        |row| {
            Ok(Due {
                tenant: row.get(0)?,
                ticket: row.get(1)?,
                message: row.get(2)?,
                ordinal: row.get(3)?,
                author: Actor {
                    kind: ActorKind::Operator,
                    id: row.get(4)?,
                    name: row.get(5)?,
                },
                body: row.get(6)?,
            })
        },
    )
}

/// Whether any answer's time has come.
pub(crate) fn is_due(db: &Snapshot<'_>) -> Result<bool> {
    Ok(!due(db, db.now)?.is_empty())
}

/// Lets a portion of the answers whose time has come leave. Answers how many.
pub(crate) fn release_due(tx: &Tx<'_>) -> Result<usize> {
    let due = due(tx, tx.now)?;
    for answer in &due {
        release(tx, answer)?;
    }
    Ok(due.len())
}

/// Lets an answer leave: its ticket changes now, and its client reads it among what was written meanwhile.
fn release(tx: &Tx<'_>, answer: &Due) -> Result<()> {
    let cx = Acting::new(tx, answer.tenant, answer.author.clone());
    let mut ticket = record::by_id(tx, answer.tenant, answer.ticket)?;
    let way = change::way_out(&cx, &mut ticket)?;
    let (delivery, trouble) = match way {
        WayOut::Here => (Delivery::Sent, None),
        WayOut::Channel => (Delivery::Pending, None),
        WayOut::Nowhere => (Delivery::Failed, Some(NO_MAILBOX)),
    };
    let ordinal = last(&cx, &mut ticket, answer)?;
    run(
        tx,
        "update message
            set held_until = null, created_at = ?3, ordinal = ?4, delivery_status = ?5, delivery_error = ?6
          where tenant_id = ?1 and id = ?2",
        (cx.tenant, answer.message, tx.now, ordinal, delivery, trouble),
    )?;
    message::recount(&cx, &mut ticket)?;
    message::replied(&cx, &mut ticket)?;
    ticket.save(tx, tx.now)?;
    let posted = Event {
        kind: "message",
        message: Some(answer.message),
        author: Some(Author::Support),
        ..Event::default()
    };
    event::write(&cx, ticket.id, &posted)?;
    if way == WayOut::Channel {
        outbox::enqueue(&cx, &ticket, answer.message)?;
    }
    Ok(())
}

/// The place of an answer that leaves: after everything else in its ticket.
fn last(cx: &Acting<'_>, ticket: &mut Record, answer: &Due) -> Result<i64> {
    if answer.ordinal + 1 == ticket.next_ordinal {
        return Ok(answer.ordinal);
    }
    let ordinal = ticket.next_ordinal;
    ticket.next_ordinal += 1;
    search::remove(cx.tx, search::key(cx.tenant, ticket.id, answer.ordinal))?;
    search::insert(
        cx.tx,
        search::key(cx.tenant, ticket.id, ordinal),
        &ticket.subject,
        &answer.body,
    )?;
    Ok(ordinal)
}

/// Takes an answer back that has not left. Its files are its author's again.
pub(crate) fn withdraw(cx: &Acting<'_>, answer: &Stored) -> Result<()> {
    if !answer.is_held {
        return Err(Error::new(Code::AlreadySent).on("message_id"));
    }
    let mut ticket = record::by_id(cx.tx, cx.tenant, answer.ticket)?;
    search::remove(cx.tx, search::key(cx.tenant, ticket.id, answer.ordinal))?;
    run(
        cx.tx,
        "update file set ticket_id = null, message_id = null, created_at = ?3 where tenant_id = ?1 and message_id = ?2",
        (cx.tenant, answer.id, cx.tx.now),
    )?;
    run(
        cx.tx,
        "delete from message where tenant_id = ?1 and id = ?2",
        (cx.tenant, answer.id),
    )?;
    message::recount(cx, &mut ticket)?;
    ticket.save(cx.tx, cx.tx.now)?;
    let entry = Event {
        kind: "withdrawn",
        author: Some(Author::Support),
        ..Event::default()
    };
    event::write(cx, ticket.id, &entry)
}

/// Lets an answer leave at once, or at another time.
pub(crate) fn hold(cx: &Acting<'_>, answer: &Stored, until: Millis) -> Result<()> {
    if !answer.is_held {
        return Err(Error::new(Code::AlreadySent).on("message_id"));
    }
    run(
        cx.tx,
        "update message set held_until = ?3 where tenant_id = ?1 and id = ?2",
        (cx.tenant, answer.id, until),
    )?;
    let mut ticket = record::by_id(cx.tx, cx.tenant, answer.ticket)?;
    ticket.save(cx.tx, cx.tx.now)?;
    let entry = Event {
        kind: "held",
        message: Some(answer.id),
        author: Some(Author::Support),
        ..Event::default()
    };
    event::write(cx, ticket.id, &entry)
}
