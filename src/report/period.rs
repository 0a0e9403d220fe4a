//! The days that a report covers, as the tenant's own calendar has them. Pure.
use crate::clock::Millis;
use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};

/// A day, and when it begins and the next one does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Day {
    pub(crate) date: Date,
    pub(crate) from: Millis,
    pub(crate) to: Millis,
}

/// The last `days` days up to and with the one of `now`, the earliest first. A day that a zone skips is left out.
pub(crate) fn last(days: u16, zone: &TimeZone, now: Millis) -> Vec<Day> {
    let today = Timestamp::from_millisecond(now)
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .to_zoned(zone.clone())
        .date();
    let begins = |date: Date| {
        let start = date
            .to_zoned(zone.clone())
            .and_then(|day| day.start_of_day());
        start.map(|day| day.timestamp().as_millisecond())
    };
    (0..i64::from(days))
        .rev()
        .filter_map(|back| {
            let date = today.checked_sub(back.days()).ok()?;
            let day = Day {
                date,
                from: begins(date).ok()?,
                to: begins(date.tomorrow().ok()?).ok()?,
            };
            (day.from < day.to).then_some(day)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{self, HOUR};

    fn days(zone: &str, now: &str, days: u16) -> Vec<Day> {
        last(
            days,
            &TimeZone::get(zone).unwrap(),
            clock::parse(now).unwrap(),
        )
    }

    #[test]
    fn a_day_begins_when_it_does_where_the_tenant_is() {
        let days = days("Asia/Almaty", "2026-03-19T20:30:00Z", 2);
        let text: Vec<_> = days
            .iter()
            .map(|d| (d.date.to_string(), clock::wire(d.from)))
            .collect();
        assert_eq!(
            text,
            [
                (
                    "2026-03-19".to_owned(),
                    "2026-03-18T19:00:00.000Z".to_owned()
                ),
                (
                    "2026-03-20".to_owned(),
                    "2026-03-19T19:00:00.000Z".to_owned()
                ),
            ]
        );
    }

    #[test]
    fn days_follow_each_other_without_gap_also_where_the_clock_is_turned() {
        let days = days("Europe/Berlin", "2026-03-30T12:00:00Z", 30);
        assert_eq!(days.len(), 30);
        assert!(days.windows(2).all(|pair| pair[0].to == pair[1].from));
        let short = days
            .iter()
            .find(|d| d.date.to_string() == "2026-03-29")
            .unwrap();
        assert_eq!(short.to - short.from, 23 * HOUR);
    }

    #[test]
    fn every_day_of_every_zone_begins_with_a_slot() {
        for zone in jiff::tz::db().available() {
            for day in days(zone.as_str(), "2026-11-03T12:00:00Z", 366) {
                assert_eq!(day.from % super::super::SLOT, 0, "{zone} {}", day.date);
            }
        }
    }
}
