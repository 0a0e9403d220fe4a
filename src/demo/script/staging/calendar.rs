//! Lays conversations into the working time of the last sixty days.

use crate::sla::hours::Hours;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// The desk's working time up to now, as a line that positions are measured on.
pub(super) struct Calendar<'a> {
    hours: &'a Hours,
    now: i64,
    first: i64,
    /// Working minutes between `first` and now.
    length: i64,
}

impl<'a> Calendar<'a> {
    pub(super) fn new(hours: &'a Hours, now: i64) -> Self {
        let first = now - 60 * DAY_MS;
        Self {
            hours,
            now,
            first,
            length: hours.working_ms(first, now) / MINUTE_MS,
        }
    }

    /// The working minutes of the sixty days.
    pub(super) const fn length(&self) -> i64 {
        self.length
    }

    /// The instant so many working minutes before now.
    pub(super) fn ago(&self, minutes: i64) -> i64 {
        let from_first = (self.length - minutes).max(0) * MINUTE_MS;
        self.hours
            .add_working(self.first, from_first)
            .map_or(self.now, |at| at.min(self.now))
    }

    /// The instant so many working minutes after another, never later than now.
    pub(super) fn after(&self, from: i64, minutes: i64) -> i64 {
        self.hours
            .add_working(from, minutes * MINUTE_MS)
            .map_or(self.now, |at| at.min(self.now))
    }

    /// Working minutes between two instants.
    pub(super) fn between(&self, from: i64, to: i64) -> i64 {
        self.hours.working_ms(from, to) / MINUTE_MS
    }

    /// Working minutes in the last so many days by the calendar on the wall.
    pub(super) fn in_last_days(&self, days: i64) -> i64 {
        self.between(self.now - days * DAY_MS, self.now)
    }

    /// The closed time before the desk last opened, if that was less than a day before `at`.
    pub(super) fn closed_before(&self, at: i64) -> Option<i64> {
        (0..48)
            .map(|half_hours| at - half_hours * 30 * MINUTE_MS)
            .find(|&earlier| !self.hours.is_open(earlier))
    }

    pub(super) fn is_open(&self, at: i64) -> bool {
        self.hours.is_open(at)
    }

    /// The time of day on the desk's wall clock.
    pub(super) fn clock(&self, at: i64) -> String {
        jiff::Timestamp::from_millisecond(at).map_or_else(
            |_| String::new(),
            |at| {
                let wall = self.hours.zone().to_datetime(at);
                format!("{:02}:{:02}", wall.hour(), wall.minute())
            },
        )
    }

    /// The instant so many minutes before now by the clock on the wall.
    pub(super) const fn before(&self, minutes: i64) -> i64 {
        self.now - minutes * MINUTE_MS
    }

    /// Whole minutes from an instant to now.
    pub(super) const fn minutes_ago(&self, at: i64) -> i64 {
        (self.now - at) / MINUTE_MS
    }
}
