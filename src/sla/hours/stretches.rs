//! The stretches of working time from an instant on, one after another.
//!
//! Between two changes of a zone's offset the wall clock runs evenly, so the walk goes from change
//! to change and inside each from interval to interval, by plain addition. That makes every skipped
//! and every repeated hour come out right without a rule about either.

use jiff::Timestamp;
use jiff::tz::Offset;

use super::Hours;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// The first days of the years 1 and 9999: well inside what the calendar can hold, so that no
/// offset leads outside.
const FIRST_MS: i64 = -62_135_596_800_000;
const LAST_MS: i64 = 253_370_764_800_000;

/// Working time without a break, in instants; `end` is the first one outside.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Stretch {
    pub(super) start: i64,
    pub(super) end: i64,
}

/// A walk through the working time of a desk.
pub(super) struct Stretches<'a> {
    hours: &'a Hours,
    at: i64,
    /// The offset in force at `at`, and until when it stays so.
    offset_ms: i64,
    even_until: i64,
}

impl Hours {
    /// Walks the working time from an instant on, to the end of the calendar.
    ///
    /// Neighbours may touch: at midnight, at a change of offset, and where two intervals meet.
    pub(super) fn stretches(&self, from_ms: i64) -> Stretches<'_> {
        let at = if self.never_open() {
            LAST_MS
        } else {
            from_ms.max(FIRST_MS)
        };
        Stretches {
            hours: self,
            at,
            offset_ms: 0,
            even_until: at,
        }
    }
}

impl Stretches<'_> {
    fn read_offset(&mut self) -> Option<()> {
        let now = Timestamp::from_millisecond(self.at).ok()?;
        let zone = &self.hours.zone;
        self.offset_ms = i64::from(zone.to_offset(now).seconds()) * 1000;
        self.even_until = zone
            .following(now)
            .next()
            .map_or(LAST_MS, |change| change.timestamp().as_millisecond())
            .min(LAST_MS);
        Some(())
    }
}

impl Iterator for Stretches<'_> {
    type Item = Stretch;

    fn next(&mut self) -> Option<Stretch> {
        while self.at < LAST_MS {
            if self.at >= self.even_until {
                self.read_offset()?;
            }
            let wall = self.at + self.offset_ms;
            let of_day = wall.rem_euclid(DAY_MS);
            let midnight = self.at - of_day;
            let date = Offset::UTC
                .to_datetime(Timestamp::from_millisecond(wall).ok()?)
                .date();
            let open = self
                .hours
                .on(date)
                .iter()
                .find(|interval| i64::from(interval.to) * MINUTE_MS > of_day);
            let Some(open) = open else {
                self.at = (midnight + DAY_MS).min(self.even_until);
                continue;
            };
            let start = self.at.max(midnight + i64::from(open.from) * MINUTE_MS);
            if start >= self.even_until {
                self.at = self.even_until;
                continue;
            }
            let end = (midnight + i64::from(open.to) * MINUTE_MS).min(self.even_until);
            self.at = end;
            return Some(Stretch { start, end });
        }
        None
    }
}
