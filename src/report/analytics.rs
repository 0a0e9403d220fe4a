//! How the desk fared over some days: what came in and went out, by what, and how well its times were kept.
use super::{
    Outcome, SLOT,
    period::{self, Day},
};
use crate::{
    api::field::TenantId,
    clock::Millis,
    db::sql::all,
    error::Result,
    ticket::{
        count::{self, Facet},
        model::{Origin, Priority},
    },
};
use jiff::tz::TimeZone;
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// What happened on one day.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct DayFigures {
    /// The day in the tenant's calendar, as `2026-03-19`.
    pub(crate) date: String,
    /// Tickets opened.
    pub(crate) created: i64,
    /// Tickets done.
    pub(crate) done: i64,
    /// Tickets closed.
    pub(crate) closed: i64,
    /// Messages written by clients and staff, notes left out.
    pub(crate) messages: i64,
}

/// Tickets opened in one category.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct CategoryCount {
    /// The code of the category.
    pub(crate) category: String,
    /// How many tickets.
    pub(crate) count: i64,
}

/// Tickets opened with one priority.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct PriorityCount {
    /// The priority.
    pub(crate) priority: Priority,
    /// How many tickets.
    pub(crate) count: i64,
}

/// Tickets that came in one way.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct ChannelCount {
    /// The way.
    pub(crate) channel: Origin,
    /// How many tickets.
    pub(crate) count: i64,
}

/// How well times were kept by the tickets opened in the period.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct SlaFigures {
    /// Answered in time.
    pub(crate) response_met: i64,
    /// Answered late, or late and not answered yet.
    pub(crate) response_breached: i64,
    /// Done in time.
    pub(crate) resolution_met: i64,
    /// Done late, or late and not done yet.
    pub(crate) resolution_breached: i64,
    /// Tickets that kept both times, in percent of those that have any. One whose clock still runs counts as kept.
    pub(crate) compliance_pct: Option<i64>,
}

/// How clients rated the work in the period.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct CsatFigures {
    /// The mean of the ratings, from 1 to 5.
    pub(crate) avg: Option<f64>,
    /// How many ratings.
    pub(crate) count: i64,
    /// How many of each rating, `"1"` to `"5"`.
    pub(crate) distribution: BTreeMap<String, i64>,
}

/// How the desk fared over some days.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Analytics {
    /// Each day, the earliest first.
    pub(crate) daily: Vec<DayFigures>,
    /// The tickets opened, by category, the most frequent first.
    pub(crate) by_category: Vec<CategoryCount>,
    /// The tickets opened, by priority.
    pub(crate) by_priority: Vec<PriorityCount>,
    /// The tickets opened, by the way they came in.
    pub(crate) by_channel: Vec<ChannelCount>,
    /// How well times were kept.
    pub(crate) sla: SlaFigures,
    /// Minutes from opening to the first answer, on average over the tickets opened.
    pub(crate) avg_response_min: Option<i64>,
    /// Hours from opening to done, on average over the tickets opened.
    pub(crate) avg_resolution_hours: Option<f64>,
    /// How clients rated the work.
    pub(crate) csat: CsatFigures,
    /// Tickets that are open now.
    pub(crate) backlog: i64,
    /// Until when this is so if nothing is written.
    #[serde(skip)]
    pub(crate) until: Millis,
}

pub(crate) fn analytics(
    conn: &Connection,
    tenant: TenantId,
    days: u16,
    zone: &TimeZone,
    now: Millis,
) -> Result<Analytics> {
    let days = period::last(days, zone, now);
    let since = days.first().map_or(now, |day| day.from);
    let outcome = Outcome::since(conn, tenant, since, now)?;
    let mut categories = BTreeMap::<String, i64>::new();
    let mut priorities = [Priority::Urgent, Priority::Normal, Priority::Low].map(|p| (p, 0));
    let mut channels = Vec::<(Origin, i64)>::new();
    for (category, priority, channel, count) in opened(conn, tenant, since)? {
        *categories.entry(category).or_default() += count;
        for (_, sum) in priorities.iter_mut().filter(|(p, _)| *p == priority) {
            *sum += count;
        }
        match channels.iter_mut().find(|(c, _)| *c == channel) {
            Some((_, sum)) => *sum += count,
            None => channels.push((channel, count)),
        }
    }
    let mut by_category: Vec<_> = categories
        .into_iter()
        .map(|(category, count)| CategoryCount { category, count })
        .collect();
    by_category.sort_by_key(|row| std::cmp::Reverse(row.count));
    channels.sort_by_key(|(channel, count)| (std::cmp::Reverse(*count), channel.as_str()));
    Ok(Analytics {
        daily: daily(conn, tenant, &days)?,
        by_category,
        by_priority: priorities
            .map(|(priority, count)| PriorityCount { priority, count })
            .into(),
        by_channel: channels
            .into_iter()
            .map(|(channel, count)| ChannelCount { channel, count })
            .collect(),
        sla: SlaFigures {
            response_met: outcome.response_met,
            response_breached: outcome.response_breached,
            resolution_met: outcome.resolution_met,
            resolution_breached: outcome.resolution_breached,
            compliance_pct: outcome.compliance_pct(),
        },
        avg_response_min: outcome.response_min(),
        avg_resolution_hours: outcome.resolution_hours(),
        csat: csat(conn, tenant, since)?,
        backlog: count::of(conn, tenant, Facet::All, "")?.open(),
        // With the next day the period begins later.
        until: days.last().map_or(now, |day| outcome.until.min(day.to - 1)),
    })
}

pub(super) const OPENED: &str = "select category, priority, channel, count(*)
   from ticket
  where tenant_id = ?1 and created_at >= ?2 and deleted_at is null
  group by category, priority, channel";

fn opened(
    conn: &Connection,
    tenant: TenantId,
    since: Millis,
) -> Result<Vec<(String, Priority, Origin, i64)>> {
    all(conn, OPENED, (tenant, since), |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
    })
}

pub(super) const RATED: &str = "select rating, count(*)
   from csat
  where tenant_id = ?1 and created_at >= ?2
    and ticket_id not in (select id from ticket where tenant_id = ?1 and deleted_at is not null)
  group by rating";

fn csat(conn: &Connection, tenant: TenantId, since: Millis) -> Result<CsatFigures> {
    let given: Vec<(i64, i64)> = all(conn, RATED, (tenant, since), |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    let mut distribution: BTreeMap<String, i64> =
        (1..=5).map(|rating: i64| (rating.to_string(), 0)).collect();
    let (mut count, mut sum) = (0, 0);
    for (rating, many) in given {
        count += many;
        sum += rating * many;
        distribution.insert(rating.to_string(), many);
    }
    #[expect(clippy::cast_precision_loss, reason = "a mean with two decimals")]
    let avg = (count > 0).then(|| (sum as f64 * 100.0 / count as f64).round() / 100.0);
    Ok(CsatFigures {
        avg,
        count,
        distribution,
    })
}

/// Every count of a day is a range of an index that holds nothing else.
pub(super) const DAILY: &str = "select (select coalesce(sum(f.opened), 0) from ticket_figure f
          where f.tenant_id = ?1 and f.slot >= (d.value ->> 0) / ?3 and f.slot < (d.value ->> 1) / ?3),
        (select count(*) from ticket t
          where t.tenant_id = ?1 and t.done_at >= d.value ->> 0 and t.done_at < d.value ->> 1 and t.deleted_at is null),
        (select count(*) from ticket t
          where t.tenant_id = ?1 and t.closed_at >= d.value ->> 0 and t.closed_at < d.value ->> 1 and t.deleted_at is null),
        (select count(*) from message m
          where m.tenant_id = ?1 and m.created_at >= d.value ->> 0 and m.created_at < d.value ->> 1
            and m.is_note = 0 and m.deleted_at is null and m.author_type <> 'system')
   from json_each(?2) d
  order by d.key";

fn daily(conn: &Connection, tenant: TenantId, days: &[Day]) -> Result<Vec<DayFigures>> {
    let mut dates = days.iter().map(|day| day.date.to_string());
    all(conn, DAILY, (tenant, period::bounds(days), SLOT), |row| {
        Ok(DayFigures {
            date: dates.next().unwrap_or_default(),
            created: row.get(0)?,
            done: row.get(1)?,
            closed: row.get(2)?,
            messages: row.get(3)?,
        })
    })
}
