//! Putting a ticket aside: out of the usual lists until a time comes or its client writes.
use super::{
    Acting, Actor,
    event::{self, Event},
    record::{self, Record},
};
use crate::{
    api::field::{TenantId, TicketId},
    clock::{Millis, wire},
    db::{Snapshot, Tx, sql},
    error::{Error, Fault, Result},
};

/// How many tickets are woken in one transaction.
const PORTION: u32 = 200;

/// Puts a ticket aside until a time to come.
pub(crate) fn until(cx: &Acting<'_>, ticket: &mut Record, until: Millis) -> Result<()> {
    if until <= cx.tx.now {
        return Err(Error::invalid("until", Fault::NotFuture));
    }
    if ticket.snoozed_until == Some(until) {
        return Ok(());
    }
    ticket.snoozed_until = Some(until);
    let time = wire(until);
    let entry = Event {
        kind: "snoozed",
        new: Some(&time),
        ..Event::default()
    };
    event::write(cx, ticket.id, &entry)
}

/// Brings a ticket back, if it is put aside.
pub(crate) fn wake(cx: &Acting<'_>, ticket: &mut Record) -> Result<()> {
    let Some(until) = ticket.snoozed_until.take() else {
        return Ok(());
    };
    let time = wire(until);
    let entry = Event {
        kind: "unsnoozed",
        old: Some(&time),
        ..Event::default()
    };
    event::write(cx, ticket.id, &entry)
}

/// The tickets whose time has come.
fn due(db: &rusqlite::Connection, now: Millis) -> Result<Vec<(TenantId, TicketId)>> {
    sql::all(
        db,
        "select tenant_id, id from ticket
          where snoozed_until is not null and snoozed_until <= ?1 and deleted_at is null
          limit ?2",
        (now, PORTION),
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// Whether any ticket's time has come.
pub(crate) fn is_due(db: &Snapshot<'_>) -> Result<bool> {
    Ok(!due(db, db.now)?.is_empty())
}

/// Brings back a portion of the tickets whose time has come. Answers how many.
pub(crate) fn wake_due(tx: &Tx<'_>) -> Result<usize> {
    let due = due(tx, tx.now)?;
    for &(tenant, id) in &due {
        let cx = Acting::new(tx, tenant, Actor::system());
        let mut ticket = record::by_id(tx, tenant, id)?;
        wake(&cx, &mut ticket)?;
        ticket.save_now(tx)?;
    }
    Ok(due.len())
}
