//! Figures of the desk, in the tenant's own time.
//!
//! What is asked for all the time is read from rows that triggers keep (`ticket_count`, `ticket_figure`), and so is what
//! analysis asks about days (`ticket_opened`, `ticket_flow`); other reports go through indices. [`period`] knows where the
//! tenant's days begin, [`sheet`] makes a file of any list of rows.
pub(crate) mod analytics;
pub(crate) mod dashboard;
pub(crate) mod operators;
pub(crate) mod period;
pub(crate) mod sheet;
#[cfg(test)]
mod tests;
pub(crate) mod tickets;

use crate::{
    api::field::TenantId,
    clock::{DAY, MINUTE, Millis},
    db::sql::{first, one},
    error::Result,
};
use rusqlite::Connection;

/// The time that a row of `ticket_figure` stands for.
pub(crate) const SLOT: Millis = 15 * MINUTE;
const SLOTS_OF_DAY: i64 = DAY / SLOT;

/// What became of the tickets opened in a period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    answered: i64,
    response_ms: i64,
    solved: i64,
    resolution_ms: i64,
    response_met: i64,
    response_breached: i64,
    resolution_met: i64,
    resolution_breached: i64,
    judged: i64,
    broken: i64,
    /// Until when this is so if nothing is written: then the next ticket is late.
    pub(crate) until: Millis,
}

impl Outcome {
    /// Of the tickets opened from `since` on, which must be the beginning of a slot. A ticket whose clock still runs is
    /// kept until it is late, which no row can know beforehand: those are looked up.
    pub(crate) fn since(
        conn: &Connection,
        tenant: TenantId,
        since: Millis,
        now: Millis,
    ) -> Result<Outcome> {
        // Quarters of an hour up to the first whole day, then days.
        let slot = since.div_euclid(SLOT);
        let day = slot.div_euclid(SLOTS_OF_DAY) + i64::from(slot % SLOTS_OF_DAY != 0);
        let mut all = one(
            conn,
            "select coalesce(sum(answered), 0), coalesce(sum(response_ms), 0), coalesce(sum(solved), 0),
                    coalesce(sum(resolution_ms), 0), coalesce(sum(response_met), 0), coalesce(sum(response_breached), 0),
                    coalesce(sum(resolution_met), 0), coalesce(sum(resolution_breached), 0), coalesce(sum(judged), 0),
                    coalesce(sum(broken), 0)
               from (select answered, response_ms, solved, resolution_ms, response_met, response_breached, resolution_met,
                            resolution_breached, judged, broken
                       from ticket_figure
                      where tenant_id = ?1 and slot >= ?2 and slot < ?3
                      union all
                     select answered, response_ms, solved, resolution_ms, response_met, response_breached, resolution_met,
                            resolution_breached, judged, broken
                       from ticket_figure_day
                      where tenant_id = ?1 and day >= ?4)",
            (tenant, slot, day * SLOTS_OF_DAY, day),
            |row| {
                Ok(Outcome {
                    answered: row.get(0)?,
                    response_ms: row.get(1)?,
                    solved: row.get(2)?,
                    resolution_ms: row.get(3)?,
                    response_met: row.get(4)?,
                    response_breached: row.get(5)?,
                    resolution_met: row.get(6)?,
                    resolution_breached: row.get(7)?,
                    judged: row.get(8)?,
                    broken: row.get(9)?,
                    until: Millis::MAX,
                })
            },
        )?;
        let (response, resolution, either, next): (i64, i64, i64, Option<Millis>) = one(
            conn,
            "select coalesce(sum(response), 0), coalesce(sum(resolution), 0),
                    coalesce(sum((response or resolution) and not broken), 0), min(next)
               from (select first_response_at is null and sla_response_at < ?3 and not sla_response_breached as response,
                            coalesce(due_at, sla_resolution_at) < ?3 and not sla_resolution_breached as resolution,
                            sla_response_breached or sla_resolution_breached as broken,
                            min(iif(sla_response_at >= ?3, sla_response_at, ?4),
                                iif(coalesce(due_at, sla_resolution_at) >= ?3, coalesce(due_at, sla_resolution_at), ?4)) as next
                       from ticket indexed by ticket_to_judge
                      where tenant_id = ?1 and unjudged_at < ?3 and created_at >= ?2 and deleted_at is null)",
            (tenant, since, now, Millis::MAX),
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
        )?;
        let after = next_late(conn, tenant, now)?;
        all.until = next.into_iter().chain(after).fold(all.until, Millis::min);
        all.response_breached += response;
        all.resolution_breached += resolution;
        all.broken += either;
        Ok(all)
    }

    /// Minutes from opening to the first answer, on average.
    pub(crate) fn response_min(&self) -> Option<i64> {
        mean(self.response_ms, self.answered).map(minutes)
    }

    /// Hours from opening to done, on average.
    pub(crate) fn resolution_hours(&self) -> Option<f64> {
        mean(self.resolution_ms, self.solved).map(hours)
    }

    /// Those of the tickets with a time to keep that kept all theirs, in percent.
    pub(crate) fn compliance_pct(&self) -> Option<i64> {
        (self.judged > 0).then(|| (self.judged - self.broken) * 100 / self.judged)
    }
}

/// The next time that some ticket has to keep and nobody has judged.
fn next_late(conn: &Connection, tenant: TenantId, now: Millis) -> Result<Option<Millis>> {
    first(
        conn,
        "select unjudged_at
           from ticket indexed by ticket_to_judge
          where tenant_id = ?1 and unjudged_at >= ?2 and deleted_at is null
          order by unjudged_at
          limit 1",
        (tenant, now),
        |row| row.get(0),
    )
}

fn mean(sum: i64, count: i64) -> Option<Millis> {
    (count > 0).then(|| sum / count)
}

/// Milliseconds as whole minutes.
pub(crate) const fn minutes(ms: Millis) -> i64 {
    (ms + MINUTE / 2) / MINUTE
}

/// Milliseconds as hours with one decimal.
pub(crate) fn hours(ms: Millis) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a decimal of hours is asked for"
    )]
    let tenths = (ms as f64 / 360_000.0).round();
    tenths / 10.0
}
