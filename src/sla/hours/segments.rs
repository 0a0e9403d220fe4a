//! A stretch of time cut into what it is to the desk: worked, closed, a holiday.

use jiff::Timestamp;

use super::Hours;

/// What a part of time is to the desk.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// The desk works.
    Working,
    /// It is night, a break or a day off.
    Closed,
    /// It would work, were it not a holiday.
    Holiday,
}

/// A part of time of one kind; `to` is the first instant outside.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Segment {
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) kind: Kind,
}

impl Hours {
    /// Cuts the time from one instant to another into parts without gaps; neighbours differ in kind.
    pub(crate) fn segments(&self, from_ms: i64, to_ms: i64) -> Vec<Segment> {
        let mut parts = Vec::new();
        let mut at = from_ms;
        for open in self
            .stretches(from_ms)
            .take_while(|open| open.start < to_ms)
        {
            self.closed(at, open.start, &mut parts);
            at = open.end.min(to_ms);
            push(&mut parts, open.start, at, Kind::Working);
        }
        self.closed(at, to_ms, &mut parts);
        parts
    }

    /// Cuts time in which the desk does not work by days, for each of which there is another reason.
    fn closed(&self, from_ms: i64, to_ms: i64, parts: &mut Vec<Segment>) {
        let mut at = from_ms;
        while at < to_ms {
            let day = Timestamp::from_millisecond(at)
                .map(|instant| instant.to_zoned(self.zone.clone()).date());
            let midnight = day
                .as_ref()
                .ok()
                .and_then(|day| day.tomorrow().ok()?.to_zoned(self.zone.clone()).ok())
                .map_or(to_ms, |next| next.timestamp().as_millisecond());
            let is_holiday = day.is_ok_and(|day| {
                self.holidays.contains(&day) && !self.of_weekday(day.weekday()).is_empty()
            });
            let kind = if is_holiday {
                Kind::Holiday
            } else {
                Kind::Closed
            };
            // A day that the zone skipped ends before it begins.
            let end = midnight.clamp(at + 1, to_ms);
            push(parts, at, end, kind);
            at = end;
        }
    }
}

/// Adds a part, or lengthens the last one if it is of the same kind.
fn push(parts: &mut Vec<Segment>, from: i64, to: i64, kind: Kind) {
    if from >= to {
        return;
    }
    match parts.last_mut() {
        Some(last) if last.kind == kind => last.to = to,
        _ => parts.push(Segment { from, to, kind }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sla::hours::tests::{any_hours, any_instant, at, week};

    #[test]
    fn a_night_a_weekend_and_a_holiday_have_their_names() {
        let hours = week("Asia/Almaty", [("09:00", "18:00"); 5], &["2026-03-23"]);
        let parts = hours.segments(
            at("2026-03-20T17:00:00+05:00"),
            at("2026-03-24T10:00:00+05:00"),
        );
        let said: Vec<_> = parts
            .iter()
            .map(|part| (part.kind, (part.to - part.from) / 3_600_000))
            .collect();
        assert_eq!(
            said,
            [
                (Kind::Working, 1),
                (Kind::Closed, 6 + 48),
                (Kind::Holiday, 24),
                (Kind::Closed, 9),
                (Kind::Working, 1),
            ]
        );
    }

    proptest! {
        #[test]
        fn the_parts_cover_the_time_and_hold_its_working_time(
            hours in any_hours(), from in any_instant(), length in 0_i64..3_000_000_000,
        ) {
            let to = from + length;
            let parts = hours.segments(from, to);
            let mut reached = from;
            for part in &parts {
                prop_assert_eq!(part.from, reached);
                prop_assert!(part.to > part.from);
                reached = part.to;
            }
            prop_assert_eq!(reached, to);
            let worked: i64 = parts
                .iter()
                .filter(|part| part.kind == Kind::Working)
                .map(|part| part.to - part.from)
                .sum();
            prop_assert_eq!(worked, hours.working_ms(from, to));
            prop_assert!(parts.windows(2).all(|pair| pair[0].kind != pair[1].kind));
        }
    }
}
