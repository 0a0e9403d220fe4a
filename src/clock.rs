//! The one place that asks the machine what time it is. Everything else is told.
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

/// Milliseconds since 1970, UTC.
pub type Millis = i64;

pub(crate) const SECOND: Millis = 1_000;
pub(crate) const MINUTE: Millis = 60 * SECOND;
pub(crate) const HOUR: Millis = 60 * MINUTE;
pub(crate) const DAY: Millis = 24 * HOUR;

/// Tells the time: the machine's, or one turned by hand in tests.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    #[default]
    System,
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `at` until it is moved.
    pub fn manual(at: Millis) -> Clock {
        Clock::Manual(Arc::new(AtomicI64::new(at)))
    }

    /// Moves a manual clock forward; the machine's is not ours to move.
    pub fn advance(&self, by: Millis) {
        if let Clock::Manual(at) = self {
            at.fetch_add(by, Ordering::SeqCst);
        }
    }

    #[allow(clippy::disallowed_methods)]
    pub fn now(&self) -> Millis {
        match self {
            Clock::System => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX)),
            Clock::Manual(at) => at.load(Ordering::SeqCst),
        }
    }
}

/// A time on the wire: RFC 3339 in UTC with milliseconds, `2026-03-19T10:30:00.000Z`.
pub(crate) fn wire(at: Millis) -> String {
    match Written::of(at) {
        Some(written) => written.as_str().to_owned(),
        None => jiff::Timestamp::from_millisecond(at)
            .map(|t| format!("{t:.3}"))
            .unwrap_or_default(),
    }
}

/// A time from 1970 to 9999 as it is written on the wire. A page of a list has a hundred and more of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Written([u8; 24]);

impl Written {
    pub(crate) fn of(at: Millis) -> Option<Written> {
        let at = u64::try_from(at).ok()?;
        let (days, rest) = (at / DAY.unsigned_abs(), at % DAY.unsigned_abs());
        let (year, month, day) = date(days);
        if year > 9999 {
            return None;
        }
        let mut text = *b"0000-00-00T00:00:00.000Z";
        digits(&mut text[0..4], year);
        digits(&mut text[5..7], month);
        digits(&mut text[8..10], day);
        digits(&mut text[11..13], rest / HOUR.unsigned_abs());
        digits(&mut text[14..16], rest / MINUTE.unsigned_abs() % 60);
        digits(&mut text[17..19], rest / SECOND.unsigned_abs() % 60);
        digits(&mut text[20..23], rest % SECOND.unsigned_abs());
        Some(Written(text))
    }

    pub(crate) fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// Writes a number with as many digits as there is room for.
fn digits(room: &mut [u8], number: u64) {
    let mut rest = number;
    for digit in room.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
}

/// The year, month and day of a day that is so many after the first of 1970. The calendar is counted in eras of 400 years
/// that begin with a March, so that the day of a leap year is the last of its year.
const fn date(days: u64) -> (u64, u64, u64) {
    const ERA: u64 = 146_097;
    let from_march_0000 = days + 719_468;
    let (era, day) = (from_march_0000 / ERA, from_march_0000 % ERA);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let year = era * 400 + year;
    if month < 10 {
        (year, month + 3, day)
    } else {
        (year + 1, month - 9, day)
    }
}

/// The time that a text in RFC 3339 names.
pub(crate) fn parse(text: &str) -> Option<Millis> {
    text.parse::<jiff::Timestamp>()
        .ok()
        .map(|t| t.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_with_milliseconds_and_z() {
        assert_eq!(wire(1_773_916_200_000), "2026-03-19T10:30:00.000Z");
        assert_eq!(parse("2026-03-19T15:30:00+05:00"), Some(1_773_916_200_000));
    }

    #[test]
    fn every_day_of_the_calendar_is_written_as_the_library_of_times_writes_it() {
        const LAST: Millis = 253_402_300_799_999;
        let by_library = |at| format!("{:.3}", jiff::Timestamp::from_millisecond(at).unwrap());
        let known = jiff::Timestamp::MAX.as_second() * SECOND;
        for day in 0..known / DAY {
            // Another time of each day.
            let at = day * DAY + day * 86_399_977 % DAY;
            let written = Written::of(at).unwrap();
            assert_eq!(written.as_str(), by_library(at));
        }
        for at in [0, 1, known - 1, known] {
            assert_eq!(wire(at), by_library(at));
        }
        assert_eq!(wire(LAST), "9999-12-31T23:59:59.999Z");
        // Before 1970 and after 9999 it is the library that writes.
        assert!(Written::of(-1).is_none() && Written::of(LAST + 1).is_none());
        assert_eq!(wire(-1), "1969-12-31T23:59:59.999Z");
    }
}
