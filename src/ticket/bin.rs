//! The bin: deleted tickets stay in it for 30 days, found nowhere else and brought back whole, and are then removed with
//! everything that was theirs. The bytes of their files go once nothing names them any more.
use super::{
    Acting,
    event::{self, Event},
    list::{COLUMNS, TABLES, row},
    model::DeletedTicket,
    record::{self, Record},
    search,
};
use crate::{
    api::field::{At, TenantId, TicketId},
    clock::{DAY, Millis},
    db::{
        Tx,
        sql::{Page, all, one, run},
    },
    error::Result,
};
use rusqlite::Connection;

/// How long a ticket stays in the bin.
pub(crate) const KEPT: Millis = 30 * DAY;
/// How many tickets are removed in one transaction.
const PORTION: u32 = 50;

/// Puts a ticket into the bin.
pub(crate) fn delete(cx: &Acting<'_>, id: TicketId) -> Result<()> {
    let mut ticket = record::by_id(cx.tx, cx.tenant, id)?;
    ticket.save(cx.tx, cx.tx.now)?;
    run(
        cx.tx,
        "update ticket set deleted_at = ?3, deleted_by = ?4 where tenant_id = ?1 and id = ?2",
        (cx.tenant, id, cx.tx.now, cx.operator()),
    )?;
    let entry = Event {
        kind: "deleted",
        ..Event::default()
    };
    event::write(cx, id, &entry)
}

/// Takes a ticket out of the bin.
pub(crate) fn restore(cx: &Acting<'_>, id: TicketId) -> Result<Record> {
    let mut ticket = record::in_bin(cx.tx, cx.tenant, id)?;
    run(
        cx.tx,
        "update ticket set deleted_at = null, deleted_by = null where tenant_id = ?1 and id = ?2",
        (cx.tenant, id),
    )?;
    ticket.save(cx.tx, cx.tx.now)?;
    let entry = Event {
        kind: "restored",
        ..Event::default()
    };
    event::write(cx, id, &entry)?;
    cx.tx.signal(crate::signal::Signal::Outbox);
    Ok(ticket)
}

/// A page of the bin, the latest deleted first, and how many there are in all.
pub(crate) fn page(
    conn: &Connection,
    tenant: TenantId,
    page: Page,
    now: Millis,
) -> Result<(Vec<DeletedTicket>, i64)> {
    let tickets = all(
        conn,
        &format!(
            "select {COLUMNS}, t.deleted_at, b.name
               from {TABLES}
               left join operator b on b.tenant_id = t.tenant_id and b.id = t.deleted_by
              where t.tenant_id = ?1 and t.deleted_at is not null
              order by t.deleted_at desc, t.id desc
              limit ?2 offset ?3"
        ),
        (tenant, page.limit, page.offset()),
        |r| {
            let At(deleted_at) = r.get(26)?;
            Ok(DeletedTicket {
                row: row(r, now)?,
                deleted_at: At(deleted_at),
                deleted_by_name: r.get(27)?,
                purge_at: At(deleted_at + KEPT),
            })
        },
    )?;
    let total = one(
        conn,
        "select count(*) from ticket where tenant_id = ?1 and deleted_at is not null",
        [tenant],
        |row| row.get(0),
    )?;
    Ok((tickets, total))
}

/// Removes a portion of what has lain in the bin for its time. Answers how many tickets.
pub(crate) fn purge(tx: &Tx<'_>) -> Result<usize> {
    let due: Vec<(TenantId, TicketId)> = all(
        tx,
        "select tenant_id, id from ticket where deleted_at is not null and deleted_at <= ?1 limit ?2",
        (tx.now - KEPT, PORTION),
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    for &(tenant, id) in &due {
        remove(tx, tenant, id)?;
    }
    if !due.is_empty() {
        search::shed::note(tx)?;
    }
    Ok(due.len())
}

/// Removes a ticket for good at once, wherever it lies; who looks at it is told. The caller has its words shed.
pub(crate) fn erase(cx: &Acting<'_>, id: TicketId) -> Result<()> {
    let entry = Event {
        kind: "deleted",
        ..Event::default()
    };
    event::write(cx, id, &entry)?;
    remove(cx.tx, cx.tenant, id)
}

/// Removes a ticket for good.
fn remove(tx: &Tx<'_>, tenant: TenantId, id: TicketId) -> Result<()> {
    search::forget(tx, tenant, id)?;
    // Before its files go, what only they held is given back to the plan's storage.
    run(
        tx,
        "update tenant
            set stored_bytes = max(0, stored_bytes - (
                  select coalesce(sum(size), 0)
                    from (select distinct hash, size from file where tenant_id = ?1 and ticket_id = ?2) f
                   where not exists (select 1 from file o
                                      where o.tenant_id = ?1 and o.hash = f.hash and o.ticket_id is not ?2)))
          where id = ?1",
        (tenant, id),
    )?;
    for sql in [
        "update ticket set merged_into = null where tenant_id = ?1 and merged_into = ?2",
        "update ticket set previous_ticket = null where tenant_id = ?1 and previous_ticket = ?2",
        "delete from inbound_event where tenant_id = ?1 and ticket_id = ?2",
        "delete from file where tenant_id = ?1 and ticket_id = ?2",
        "delete from ticket where tenant_id = ?1 and id = ?2",
    ] {
        run(tx, sql, (tenant, id))?;
    }
    Ok(())
}
