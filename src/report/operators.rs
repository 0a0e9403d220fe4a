//! How each operator fared over some days.
use super::{hours, minutes};
use crate::{
    api::field::{OperatorId, TenantId},
    clock::Millis,
    db::sql::all,
    error::Result,
};
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::Serialize;

/// How one operator fared over some days.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct OperatorFigures {
    /// The operator.
    pub(crate) operator_id: OperatorId,
    /// Their name.
    pub(crate) name: String,
    /// Tickets opened in the period that are in their charge.
    pub(crate) assigned: i64,
    /// Tickets in their charge that were done in the period.
    pub(crate) done: i64,
    /// Minutes from opening to the first answer, on average over the tickets assigned.
    pub(crate) avg_response_min: Option<i64>,
    /// Hours from opening to done, on average over the tickets done.
    pub(crate) avg_resolution_hours: Option<f64>,
    /// The mean of the ratings that clients gave their work in the period, from 1 to 5.
    pub(crate) csat_avg: Option<f64>,
    /// How many ratings.
    pub(crate) csat_count: i64,
    /// Hours they booked in the period.
    pub(crate) hours_logged: f64,
}

pub(super) const OPERATORS: &str = "with taken as (
       select assigned_to, count(*) as tickets, avg(first_response_at - created_at) as wait
         from ticket indexed by ticket_by_creation
        where tenant_id = ?1 and created_at >= ?2 and deleted_at is null and assigned_to is not null
        group by assigned_to),
     finished as (
       select assigned_to, count(*) as tickets, avg(done_at - created_at) as work
         from ticket indexed by ticket_by_done
        where tenant_id = ?1 and done_at >= ?2 and deleted_at is null and assigned_to is not null
        group by assigned_to),
     booked as (
       select operator_id, sum(minutes) as minutes
         from time_entry
        where tenant_id = ?1 and spent_at >= ?2
        group by operator_id),
     rated as (
       select operator_id, count(*) as ratings, round(avg(rating), 2) as mean
         from csat
        where tenant_id = ?1 and created_at >= ?2 and operator_id is not null
          and ticket_id not in (select id from ticket where tenant_id = ?1 and deleted_at is not null)
        group by operator_id)
select o.id, o.name, coalesce(t.tickets, 0), coalesce(f.tickets, 0), cast(t.wait as integer), cast(f.work as integer),
       round(coalesce(b.minutes, 0) / 60.0, 2), r.mean, coalesce(r.ratings, 0)
  from operator o
  left join taken t on t.assigned_to = o.id
  left join finished f on f.assigned_to = o.id
  left join booked b on b.operator_id = o.id
  left join rated r on r.operator_id = o.id
 where o.tenant_id = ?1
   and (o.is_active or t.tickets > 0 or f.tickets > 0 or b.minutes > 0 or r.ratings > 0)
 order by o.name, o.id";

/// Everybody who works here, and who has left but worked in the period.
pub(crate) fn operators(
    conn: &Connection,
    tenant: TenantId,
    since: Millis,
) -> Result<Vec<OperatorFigures>> {
    all(conn, OPERATORS, (tenant, since), |row| {
        Ok(OperatorFigures {
            operator_id: row.get(0)?,
            name: row.get(1)?,
            assigned: row.get(2)?,
            done: row.get(3)?,
            avg_response_min: row.get::<_, Option<Millis>>(4)?.map(minutes),
            avg_resolution_hours: row.get::<_, Option<Millis>>(5)?.map(hours),
            hours_logged: row.get(6)?,
            csat_avg: row.get(7)?,
            csat_count: row.get(8)?,
        })
    })
}
