//! Time that was spent on tickets. What is billable is counted on the client's month.
use super::{
    Acting,
    event::{self, Event},
    record::Record,
};
use crate::{
    api::field::{At, ClientId, OperatorId, TenantId, TicketId, TimeEntryId},
    clock::Millis,
    db::sql::{all, first, run},
    error::{Code, Error, Result},
};
use rusqlite::{Connection, Row};
use schemars::JsonSchema;
use serde::Serialize;

/// Time before it is booked.
#[derive(Debug)]
pub(crate) struct Spent<'a> {
    pub(crate) operator: OperatorId,
    pub(crate) minutes: i64,
    pub(crate) description: &'a str,
    pub(crate) billable: bool,
    pub(crate) at: Millis,
}

/// Time that was booked on a ticket.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct TimeEntryView {
    /// The entry.
    pub(crate) id: TimeEntryId,
    /// The ticket.
    pub(crate) ticket_id: TicketId,
    /// Who worked.
    pub(crate) operator_id: OperatorId,
    /// The name of who worked.
    pub(crate) operator_name: String,
    /// How long.
    pub(crate) minutes: i64,
    /// What was done.
    pub(crate) description: String,
    /// Whether it counts on the client's month.
    pub(crate) billable: bool,
    /// When it was spent.
    pub(crate) spent_at: At,
}

fn read(row: &Row<'_>) -> rusqlite::Result<TimeEntryView> {
    Ok(TimeEntryView {
        id: row.get(0)?,
        ticket_id: row.get(1)?,
        operator_id: row.get(2)?,
        operator_name: row.get(3)?,
        minutes: row.get(4)?,
        description: row.get(5)?,
        billable: row.get(6)?,
        spent_at: row.get(7)?,
    })
}

/// The time booked on a ticket, in the order it was spent.
pub(crate) fn list(
    conn: &Connection,
    tenant: TenantId,
    ticket: TicketId,
) -> Result<Vec<TimeEntryView>> {
    all(
        conn,
        "select e.id, e.ticket_id, e.operator_id, o.name, e.minutes, e.description, e.billable, e.spent_at
           from time_entry e
           join operator o on o.tenant_id = e.tenant_id and o.id = e.operator_id
          where e.tenant_id = ?1 and e.ticket_id = ?2
          order by e.spent_at, e.id",
        (tenant, ticket),
        read,
    )
}

/// An entry of a ticket that is not in the bin.
pub(crate) fn by_id(conn: &Connection, tenant: TenantId, id: TimeEntryId) -> Result<TimeEntryView> {
    first(
        conn,
        "select e.id, e.ticket_id, e.operator_id, o.name, e.minutes, e.description, e.billable, e.spent_at
           from time_entry e
           join operator o on o.tenant_id = e.tenant_id and o.id = e.operator_id
           join ticket t on t.tenant_id = e.tenant_id and t.id = e.ticket_id and t.deleted_at is null
          where e.tenant_id = ?1 and e.id = ?2",
        (tenant, id),
        read,
    )?
    .ok_or_else(|| Error::new(Code::TimeEntryNotFound).on("time_entry_id"))
}

/// Books time on a ticket and, through it, on its client's month.
pub(crate) fn log(cx: &Acting<'_>, ticket: &Record, spent: &Spent<'_>) -> Result<TimeEntryId> {
    run(
        cx.tx,
        "insert into time_entry (tenant_id, ticket_id, client_id, operator_id, minutes, description, billable, spent_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        (
            cx.tenant,
            ticket.id,
            ticket.client,
            spent.operator,
            spent.minutes,
            spent.description,
            spent.billable,
            spent.at,
        ),
    )?;
    let id = TimeEntryId(cx.tx.last_insert_rowid());
    note(cx, ticket.id, "time", spent.minutes, spent.description)?;
    Ok(id)
}

/// Takes booked time back; the ticket's history keeps that it was there.
pub(crate) fn delete(cx: &Acting<'_>, entry: &TimeEntryView) -> Result<()> {
    run(
        cx.tx,
        "delete from time_entry where tenant_id = ?1 and id = ?2",
        (cx.tenant, entry.id),
    )?;
    note(
        cx,
        entry.ticket_id,
        "time_deleted",
        entry.minutes,
        &entry.description,
    )
}

fn note(
    cx: &Acting<'_>,
    ticket: TicketId,
    kind: &'static str,
    minutes: i64,
    description: &str,
) -> Result<()> {
    let minutes = minutes.to_string();
    let entry = Event {
        kind,
        new: Some(&minutes),
        note: Some(description).filter(|text| !text.is_empty()),
        ..Event::default()
    };
    event::write(cx, ticket, &entry)
}

/// Books a ticket's time on another client.
pub(super) fn move_to(cx: &Acting<'_>, ticket: &Record, client: ClientId) -> Result<()> {
    run(
        cx.tx,
        "update time_entry set client_id = ?3 where tenant_id = ?1 and ticket_id = ?2",
        (cx.tenant, ticket.id, client),
    )?;
    Ok(())
}
