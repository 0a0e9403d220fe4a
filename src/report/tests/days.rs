//! The sums of days are what a slow count of those days finds.
use super::super::{analytics, period};
use crate::{
    api::field::TenantId,
    clock::{DAY, HOUR},
    db::sql::{all, one},
};
use jiff::tz::TimeZone;
use rusqlite::Connection;

/// What was opened, finished and written, by what and on which day, is what a slow count finds.
pub(super) fn compare(conn: &Connection, tenant: TenantId) {
    for (zone, days) in [("UTC", 3), ("Asia/Almaty", 2), ("Asia/Kathmandu", 1)] {
        let zone = TimeZone::get(zone).unwrap();
        let now = 2 * DAY + 5 * HOUR;
        let found = analytics::analytics(conn, tenant, days, &zone, now).unwrap();
        let days = period::last(days, &zone, now);
        let since = days[0].from;
        let counted = |from: &str, of: &str| -> Vec<(String, i64)> {
            let sql = format!(
                "select {of}, count(*) from {from} where tenant_id = ?1 and created_at >= ?2 and deleted_at is null group by 1 order by 1"
            );
            all(conn, &sql, (tenant, since), |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .unwrap()
        };
        let mut categories: Vec<_> = found
            .by_category
            .iter()
            .map(|row| (row.category.clone(), row.count))
            .collect();
        categories.sort();
        assert_eq!(categories, counted("ticket", "category"));
        let mut channels: Vec<_> = found
            .by_channel
            .iter()
            .map(|row| (row.channel.as_str().to_owned(), row.count))
            .collect();
        channels.sort();
        assert_eq!(channels, counted("ticket", "channel"));
        let mut priorities: Vec<_> = found
            .by_priority
            .iter()
            .filter(|row| row.count > 0)
            .map(|row| (row.priority.as_str().to_owned(), row.count))
            .collect();
        priorities.sort();
        assert_eq!(priorities, counted("ticket", "priority"));
        for (day, figures) in days.iter().zip(&found.daily) {
            let count = |from: &str, at: &str, more: &str| -> i64 {
                let sql = format!(
                    "select count(*) from {from} where tenant_id = ?1 and {at} >= ?2 and {at} < ?3 and deleted_at is null {more}"
                );
                one(conn, &sql, (tenant, day.from, day.to), |row| row.get(0)).unwrap()
            };
            let written = "and is_note = 0 and author_type <> 'system'";
            let slowly = [
                count("ticket", "created_at", ""),
                count("ticket", "done_at", ""),
                count("ticket", "closed_at", ""),
                count("message", "created_at", written),
            ];
            let quick = [
                figures.created,
                figures.done,
                figures.closed,
                figures.messages,
            ];
            assert_eq!(quick, slowly, "{}", figures.date);
        }
    }
    let spans = |sql: &str| -> Vec<(i64, String)> {
        all(conn, sql, [tenant], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
    };
    assert_eq!(
        spans(
            "select span, format('%d %d %d %d %d %d %d', new_tickets, estimated_tickets, in_progress_tickets, on_hold_tickets,
                                 done_tickets, closed_tickets, reopened_tickets)
               from ticket_span
              where tenant_id = ?1 and (new_tickets or estimated_tickets or in_progress_tickets or on_hold_tickets
                                        or done_tickets or closed_tickets or reopened_tickets)
              order by span"
        ),
        spans(
            "select updated_at >> 26, format('%d %d %d %d %d %d %d', sum(status = 'new'), sum(status = 'estimated'),
                                             sum(status = 'in_progress'), sum(status = 'on_hold'), sum(status = 'done'),
                                             sum(status = 'closed'), sum(status = 'reopened'))
               from ticket
              where tenant_id = ?1 and deleted_at is null
              group by 1
              order by 1"
        )
    );
}
