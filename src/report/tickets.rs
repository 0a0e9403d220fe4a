//! All tickets of some days with everything that can be counted on them, for export.
use super::{hours, minutes};
use crate::{
    api::field::{At, OperatorId, TenantId, TicketId},
    clock::Millis,
    db::sql::{all, one},
    error::{Error, Fault, Result},
    ticket::{
        model::{Origin, Priority},
        status::Status,
    },
};
use rusqlite::{Connection, Row};
use schemars::JsonSchema;
use serde::Serialize;

/// The most tickets of one report. More would hold up the memory of everybody else; a shorter period is asked for.
const MOST: i64 = 50_000;

/// A ticket with its figures.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TicketFigures {
    /// The ticket's number.
    id: TicketId,
    /// What it is about.
    subject: String,
    /// Where it stands.
    status: Status,
    /// How much it matters.
    priority: Priority,
    /// The code of its category.
    category: String,
    /// The way it came in.
    channel: Origin,
    /// The client's portal.
    portal_domain: Option<String>,
    /// The client's company.
    company_name: Option<String>,
    /// The operator in charge.
    assigned_to: Option<OperatorId>,
    /// The name of the operator in charge.
    assigned_name: Option<String>,
    /// Who opened it.
    creator_name: String,
    /// The address of who opened it.
    creator_email: Option<String>,
    /// The phone number of who opened it.
    creator_phone: Option<String>,
    /// When it was opened.
    created_at: At,
    /// When anything last happened to it.
    updated_at: At,
    /// When it was first answered.
    first_response_at: Option<At>,
    /// When it was done.
    done_at: Option<At>,
    /// When it was closed.
    closed_at: Option<At>,
    /// Minutes from opening to the first answer.
    response_min: Option<i64>,
    /// Hours from opening to done.
    resolution_hours: Option<f64>,
    /// When the first answer was due.
    sla_response_at: Option<At>,
    /// When the solution was due.
    sla_resolution_at: Option<At>,
    /// Whether the first answer came or is late.
    sla_response_breached: bool,
    /// Whether the solution came or is late.
    sla_resolution_breached: bool,
    /// Its public messages.
    message_count: i64,
    /// The hours booked on it.
    hours_spent: f64,
    /// The client's newest rating, from 1 to 5.
    csat: Option<i64>,
    /// Its labels.
    tags: Vec<String>,
    /// What was done.
    result: Option<String>,
}

fn read(row: &Row<'_>, now: Millis) -> rusqlite::Result<TicketFigures> {
    let status: Status = row.get(2)?;
    let created: Millis = row.get(13)?;
    let answered: Option<At> = row.get(15)?;
    let done: Option<At> = row.get(16)?;
    let (response, resolution): (Option<At>, Option<At>) = (row.get(18)?, row.get(19)?);
    let late = |due: Option<At>| status.clock_runs() && due.is_some_and(|at| at.0 < now);
    let tags: Option<String> = row.get(24)?;
    Ok(TicketFigures {
        id: row.get(0)?,
        subject: row.get(1)?,
        status,
        priority: row.get(3)?,
        category: row.get(4)?,
        channel: row.get(5)?,
        portal_domain: row.get(6)?,
        company_name: row.get(7)?,
        assigned_to: row.get(8)?,
        assigned_name: row.get(9)?,
        creator_name: row.get(10)?,
        creator_email: row.get(11)?,
        creator_phone: row.get(12)?,
        created_at: At(created),
        updated_at: row.get(14)?,
        first_response_at: answered,
        done_at: done,
        closed_at: row.get(17)?,
        response_min: answered.map(|at| minutes(at.0 - created)),
        resolution_hours: done.map(|at| hours(at.0 - created)),
        sla_response_at: response,
        sla_resolution_at: resolution,
        sla_response_breached: row.get(20)? || (answered.is_none() && late(response)),
        sla_resolution_breached: row.get(21)? || late(resolution),
        message_count: row.get(22)?,
        hours_spent: row.get(23)?,
        tags: tags.map_or_else(Vec::new, |names| {
            names.split('\n').map(str::to_owned).collect()
        }),
        result: row.get(25)?,
        csat: row.get(26)?,
    })
}

pub(super) const TICKETS: &str = "select t.id, t.subject, t.status, t.priority, t.category, t.channel, c.portal_domain,
        c.company_name, t.assigned_to, o.name, t.creator_name, t.creator_email, t.creator_phone, t.created_at, t.updated_at,
        t.first_response_at, t.done_at, t.closed_at, t.sla_response_at, coalesce(t.due_at, t.sla_resolution_at),
        t.sla_response_breached, t.sla_resolution_breached, t.message_count,
        (select round(coalesce(sum(e.minutes), 0) / 60.0, 2) from time_entry e
          where e.tenant_id = t.tenant_id and e.ticket_id = t.id),
        (select group_concat(g.name, char(10) order by g.name) from ticket_tag x
           cross join tag g on g.tenant_id = x.tenant_id and g.id = x.tag_id
          where x.tenant_id = t.tenant_id and x.ticket_id = t.id),
        t.result,
        (select r.rating from csat r
          where r.tenant_id = t.tenant_id and r.ticket_id = t.id
          order by r.completed_at desc limit 1)
   from ticket t
   left join client c on c.tenant_id = t.tenant_id and c.id = t.client_id
   left join operator o on o.tenant_id = t.tenant_id and o.id = t.assigned_to
  where t.tenant_id = ?1 and t.created_at >= ?2 and t.deleted_at is null
  order by t.created_at desc, t.id desc";

/// The tickets opened from `since` on, the newest first.
pub(crate) fn tickets(
    conn: &Connection,
    tenant: TenantId,
    since: Millis,
    now: Millis,
) -> Result<Vec<TicketFigures>> {
    let many: i64 = one(
        conn,
        "select count(*) from ticket where tenant_id = ?1 and created_at >= ?2 and deleted_at is null",
        (tenant, since),
        |row| row.get(0),
    )?;
    if many > MOST {
        return Err(Error::invalid("days", Fault::TooLongPeriod(MOST)).with("total", many));
    }
    all(conn, TICKETS, (tenant, since), |row| read(row, now))
}
