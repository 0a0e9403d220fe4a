//! Figures of the desk, in the tenant's own time.
use crate::{
    api::field::TenantId,
    clock::{DAY, Millis},
    db::sql::{all, one},
    error::Result,
};
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::Serialize;

/// The open tickets of one client.
#[derive(Debug, Serialize, JsonSchema)]
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
}

/// Over how long averages are taken.
const SPAN: Millis = 30 * DAY;

pub(crate) fn dashboard(conn: &Connection, tenant: TenantId, now: Millis) -> Result<Dashboard> {
    let count = |status: &str| -> Result<i64> {
        one(
            conn,
            "select count(*) from ticket where tenant_id = ?1 and status = ?2 and deleted_at is null",
            (tenant, status),
            |row| row.get(0),
        )
    };
    let total_open = one(
        conn,
        "select count(*) from ticket where tenant_id = ?1 and is_open = 1 and deleted_at is null",
        [tenant],
        |row| row.get(0),
    )?;
    // A rate over what is decided: a ticket whose clock still runs counts as kept until it is late.
    let (response, resolution, kept, judged): (Option<f64>, Option<f64>, i64, i64) = one(
        conn,
        "select avg(first_response_at - created_at) / 60000.0,
                avg(done_at - created_at) / 3600000.0,
                coalesce(sum(not sla_response_breached and not sla_resolution_breached
                             and (sla_next_at is null or sla_next_at >= ?3)), 0),
                count(sla_resolution_at)
           from ticket
          where tenant_id = ?1 and created_at >= ?2 and deleted_at is null",
        (tenant, now - SPAN, now),
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
    )?;
    let per_portal = all(
        conn,
        "select c.portal_domain, c.company_name, count(*), sum(t.status = 'new')
           from ticket t
           join client c on c.tenant_id = t.tenant_id and c.id = t.client_id
          where t.tenant_id = ?1 and t.is_open = 1 and t.deleted_at is null
          group by c.id
          order by count(*) desc, c.company_name",
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
    #[expect(clippy::cast_possible_truncation, reason = "minutes of 30 days")]
    let whole = |minutes: f64| minutes.round() as i64;
    Ok(Dashboard {
        total_open,
        total_new: count("new")?,
        total_in_progress: count("in_progress")?,
        total_done: count("done")?,
        total_on_hold: count("on_hold")?,
        avg_response_min: response.map(whole),
        avg_resolution_hours: resolution.map(|hours| (hours * 10.0).round() / 10.0),
        sla_compliance_pct: (judged > 0).then(|| kept * 100 / judged),
        per_portal,
    })
}
