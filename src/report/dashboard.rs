//! The desk at a glance.
use super::{Outcome, SLOT};
use crate::{
    api::field::TenantId,
    clock::{DAY, Millis},
    db::sql::all,
    error::Result,
    ticket::count::{self, Facet},
};
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::Serialize;

/// The open tickets of one client.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct PortalFigures {
    /// The client's portal.
    pub(crate) portal_domain: String,
    /// The company.
    pub(crate) company_name: String,
    /// Its open tickets.
    pub(crate) open: i64,
    /// Those of them nobody has answered.
    pub(crate) new: i64,
}

/// The desk at a glance.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Dashboard {
    /// Every status but done and closed.
    pub(crate) total_open: i64,
    /// Not answered yet.
    pub(crate) total_new: i64,
    /// Being worked on.
    pub(crate) total_in_progress: i64,
    /// Done, not closed yet.
    pub(crate) total_done: i64,
    /// Waiting.
    pub(crate) total_on_hold: i64,
    /// Minutes from opening to the first answer, on average over 30 days.
    pub(crate) avg_response_min: Option<i64>,
    /// Hours from opening to done, on average over 30 days.
    pub(crate) avg_resolution_hours: Option<f64>,
    /// Tickets of 30 days that kept both times, in percent.
    pub(crate) sla_compliance_pct: Option<i64>,
    /// The clients that have open tickets.
    pub(crate) per_portal: Vec<PortalFigures>,
    /// Until when this is so if nothing is written.
    #[serde(skip)]
    pub(crate) until: Millis,
}

/// Over how long averages are taken.
const SPAN: Millis = 30 * DAY;

pub(crate) fn dashboard(conn: &Connection, tenant: TenantId, now: Millis) -> Result<Dashboard> {
    let counts = count::of(conn, tenant, Facet::All, "")?;
    // To the quarter of an hour: the oldest slot counts whole.
    let since = (now - SPAN).div_euclid(SLOT) * SLOT;
    let outcome = Outcome::since(conn, tenant, since, now)?;
    let per_portal = all(
        conn,
        "select c.portal_domain, c.company_name,
                n.new_tickets + n.estimated_tickets + n.in_progress_tickets + n.on_hold_tickets + n.reopened_tickets as open,
                n.new_tickets
           from ticket_count n
           join client c on c.tenant_id = n.tenant_id and c.id = cast(n.value as integer)
          where n.tenant_id = ?1 and n.facet = 'client' and n.value <> '' and open > 0
          order by open desc, c.company_name",
        [tenant],
        |row| {
            Ok(PortalFigures {
                portal_domain: row.get(0)?,
                company_name: row.get(1)?,
                open: row.get(2)?,
                new: row.get(3)?,
            })
        },
    )?;
    Ok(Dashboard {
        total_open: counts.open(),
        total_new: counts.new,
        total_in_progress: counts.in_progress,
        total_done: counts.done,
        total_on_hold: counts.on_hold,
        avg_response_min: outcome.response_min(),
        avg_resolution_hours: outcome.resolution_hours(),
        sla_compliance_pct: outcome.compliance_pct(),
        per_portal,
        // With the next slot the period begins later.
        until: outcome.until.min(since + SLOT + SPAN - 1),
    })
}
