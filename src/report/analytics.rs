//! How the desk fared over some days: what came in and went out, by what, and how well its times were kept.
use super::{
    Outcome, SLOT,
    period::{self, Day},
};
use crate::{
    api::field::TenantId,
    clock::{DAY, Millis},
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
    let Opened {
        by_category,
        by_priority,
        by_channel,
    } = opened(conn, tenant, since)?;
    Ok(Analytics {
        daily: daily(conn, tenant, &days)?,
        by_category,
        by_priority,
        by_channel,
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

/// The tickets opened in a period, by what they are.
struct Opened {
    by_category: Vec<CategoryCount>,
    by_priority: Vec<PriorityCount>,
    by_channel: Vec<ChannelCount>,
}

/// Of whole days of UTC.
pub(super) const OPENED: &str = "select category, sum(low), sum(normal), sum(urgent), sum(api), sum(portal), sum(widget), sum(email),
        sum(telegram), sum(whatsapp), sum(max), sum(phone)
   from ticket_opened
  where tenant_id = ?1 and day >= ?2
  group by category";

/// Of the hours before the first of those.
pub(super) const OPENED_BEFORE: &str = "select category, priority, channel, count(*)
   from ticket
  where tenant_id = ?1 and created_at >= ?2 and created_at < ?3 and deleted_at is null
  group by category, priority, channel";

fn opened(conn: &Connection, tenant: TenantId, since: Millis) -> Result<Opened> {
    const PRIORITIES: [Priority; 3] = [Priority::Low, Priority::Normal, Priority::Urgent];
    let day = since.div_euclid(DAY) + i64::from(since % DAY != 0);
    let mut categories = BTreeMap::<String, i64>::new();
    let mut priorities = PRIORITIES.map(|priority| (priority, 0));
    let mut channels: Vec<_> = Origin::ALL.iter().map(|channel| (*channel, 0)).collect();
    let days = all(conn, OPENED, (tenant, day), |row| {
        let mut by_priority = [0_i64; 3];
        for (at, many) in by_priority.iter_mut().enumerate() {
            *many = row.get(1 + at)?;
        }
        let by_channel = (0..Origin::ALL.len()).map(|at| row.get(4 + at));
        let by_channel: Vec<i64> = by_channel.collect::<rusqlite::Result<_>>()?;
        Ok((row.get::<_, String>(0)?, by_priority, by_channel))
    })?;
    for (category, by_priority, by_channel) in days {
        *categories.entry(category).or_default() += by_priority.iter().sum::<i64>();
        let priorities = priorities.iter_mut().zip(by_priority);
        priorities.for_each(|((_, sum), many)| *sum += many);
        let channels = channels.iter_mut().zip(by_channel);
        channels.for_each(|((_, sum), many)| *sum += many);
    }
    let hours: Vec<(String, Priority, Origin, i64)> =
        all(conn, OPENED_BEFORE, (tenant, since, day * DAY), |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })?;
    for (category, priority, channel, many) in hours {
        *categories.entry(category).or_default() += many;
        let of = |(_, sum): &mut (_, i64)| *sum += many;
        priorities
            .iter_mut()
            .filter(|(p, _)| *p == priority)
            .for_each(of);
        let of = |(_, sum): &mut (_, i64)| *sum += many;
        channels
            .iter_mut()
            .filter(|(c, _)| *c == channel)
            .for_each(of);
    }
    let mut by_category: Vec<_> = categories
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(category, count)| CategoryCount { category, count })
        .collect();
    by_category.sort_by_key(|row| std::cmp::Reverse(row.count));
    channels.retain(|(_, count)| *count > 0);
    channels.sort_by_key(|(channel, count)| (std::cmp::Reverse(*count), channel.as_str()));
    Ok(Opened {
        by_category,
        // The most pressing first.
        by_priority: priorities
            .into_iter()
            .rev()
            .map(|(priority, count)| PriorityCount { priority, count })
            .collect(),
        by_channel: channels
            .into_iter()
            .map(|(channel, count)| ChannelCount { channel, count })
            .collect(),
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

/// Quarters of an hour with what was opened in them.
pub(super) const INFLOW: &str = "select slot, opened
   from ticket_figure
  where tenant_id = ?1 and slot >= ?2 and slot < ?3";

/// And with what was done, closed and written in them.
pub(super) const FLOW: &str = "select slot, done, closed, messages
   from ticket_flow
  where tenant_id = ?1 and slot >= ?2 and slot < ?3";

fn daily(conn: &Connection, tenant: TenantId, days: &[Day]) -> Result<Vec<DayFigures>> {
    let mut figures: Vec<DayFigures> = days
        .iter()
        .map(|day| DayFigures {
            date: day.date.to_string(),
            created: 0,
            done: 0,
            closed: 0,
            messages: 0,
        })
        .collect();
    let (Some(first), Some(last)) = (days.first(), days.last()) else {
        return Ok(figures);
    };
    // Every day begins with a slot.
    let span = (tenant, first.from / SLOT, last.to / SLOT);
    let day_of = |slot: i64| days.partition_point(|day| day.to <= slot * SLOT);
    let mut inflow = conn.prepare_cached(INFLOW)?;
    let mut rows = inflow.query(span)?;
    while let Some(row) = rows.next()? {
        if let Some(day) = figures.get_mut(day_of(row.get(0)?)) {
            day.created += row.get::<_, i64>(1)?;
        }
    }
    let mut flow = conn.prepare_cached(FLOW)?;
    let mut rows = flow.query(span)?;
    while let Some(row) = rows.next()? {
        if let Some(day) = figures.get_mut(day_of(row.get(0)?)) {
            day.done += row.get::<_, i64>(1)?;
            day.closed += row.get::<_, i64>(2)?;
            day.messages += row.get::<_, i64>(3)?;
        }
    }
    Ok(figures)
}
