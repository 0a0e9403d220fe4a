//! When a desk works: a week of intervals in a time zone, less its holidays.
//!
//! [`Hours`] can only be made valid, whether from a request or from the database, and a refusal
//! names the part at fault. The arithmetic on working time is here too; what an SLA does with it is
//! left to `due`, and which days are public holidays to `holidays`.

use std::collections::BTreeSet;
use std::fmt;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

mod segments;
mod stretches;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use segments::Kind;

const MINUTES_A_DAY: u16 = 24 * 60;

/// A part of a day in which the desk works, in minutes since midnight by the wall clock.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Interval {
    from: u16,
    to: u16,
}

/// The working week of a desk.
///
/// An instant is working time when the wall clock of the zone shows a time inside one of the day's
/// intervals. An hour the clock skips is therefore not worked, and one it repeats is worked twice.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(try_from = "WireHours", into = "WireHours")]
pub(crate) struct Hours {
    zone: TimeZone,
    /// Monday first; each day sorted and without overlaps.
    week: [Vec<Interval>; 7],
    holidays: BTreeSet<Date>,
}

/// Business hours as the API and the database write them.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub(crate) struct WireHours {
    /// The time zone's IANA name, such as `Asia/Almaty`.
    pub(crate) timezone: String,
    /// Seven days from Monday on, each with the intervals worked; none on a day off.
    pub(crate) days: Vec<Vec<WireInterval>>,
    /// Days on which nobody works, as `2026-12-16`.
    #[serde(default)]
    pub(crate) holidays: Vec<String>,
}

/// A part of a day, by the wall clock.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub(crate) struct WireInterval {
    /// When work begins, as `09:00`.
    pub(crate) from: String,
    /// When work ends, as `18:00`; `24:00` is the end of the day.
    pub(crate) to: String,
}

/// Why business hours are refused, and which part of them is at fault.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{part}: {why}")]
pub(crate) struct Fault {
    /// The part at fault, as a path into the JSON: `days[2][0].from`.
    pub(crate) part: String,
    /// What is wrong with it.
    pub(crate) why: Why,
}

/// What can be wrong with a part of business hours.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Why {
    /// No time zone has this name.
    UnknownZone,
    /// A week has seven days.
    NotSevenDays,
    /// Not a time of day.
    NotATime,
    /// The interval ends before it begins, or lasts no time at all.
    EndsTooEarly,
    /// The interval begins before another one of the same day has ended.
    Overlaps,
    /// Not a date of the calendar.
    NotADate,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownZone => "not the name of a time zone",
            Self::NotSevenDays => "must be seven days, from Monday on",
            Self::NotATime => "not a time of day such as 09:00",
            Self::EndsTooEarly => "must be later than the beginning",
            Self::Overlaps => "overlaps another interval of the day",
            Self::NotADate => "not a date such as 2026-12-16",
        })
    }
}

impl Hours {
    /// Monday to Friday from nine to six, the hours a new desk starts with.
    pub(crate) fn weekdays(timezone: &str) -> Result<Self, Fault> {
        let day = vec![Interval {
            from: 9 * 60,
            to: 18 * 60,
        }];
        Ok(Self {
            zone: zone(timezone)?,
            week: std::array::from_fn(|day_of_week| match day_of_week {
                0..5 => day.clone(),
                _ => Vec::new(),
            }),
            holidays: BTreeSet::new(),
        })
    }

    /// Adds days on which nobody works.
    pub(crate) fn with_holidays(mut self, days: impl IntoIterator<Item = Date>) -> Self {
        self.holidays.extend(days);
        self
    }

    /// The same hours of the day, the week and the year in another place.
    pub(crate) fn in_zone(mut self, timezone: &str) -> Result<Self, Fault> {
        self.zone = zone(timezone)?;
        Ok(self)
    }

    /// The time zone in which the desk works.
    pub(crate) const fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Says whether the desk has no working time at all, whatever the date.
    pub(crate) fn never_open(&self) -> bool {
        self.week.iter().all(Vec::is_empty)
    }

    /// Counts the milliseconds of working time from one instant to another; none backwards.
    pub(crate) fn working_ms(&self, from_ms: i64, to_ms: i64) -> i64 {
        self.stretches(from_ms)
            .take_while(|open| open.start < to_ms)
            .map(|open| open.end.min(to_ms) - open.start)
            .sum()
    }

    /// The earliest instant by which so many milliseconds of working time have passed since
    /// `from_ms`.
    ///
    /// There is none when the desk never opens, or not before the calendar ends.
    pub(crate) fn add_working(&self, from_ms: i64, ms: i64) -> Option<i64> {
        if self.never_open() {
            return None;
        }
        if ms <= 0 {
            return Some(from_ms);
        }
        let mut left = ms;
        for open in self.stretches(from_ms) {
            let length = open.end - open.start;
            if left <= length {
                return Some(open.start + left);
            }
            left -= length;
        }
        None
    }

    /// Says whether the desk works at this instant.
    pub(crate) fn is_open(&self, at_ms: i64) -> bool {
        self.next_open(at_ms) == Some(at_ms)
    }

    /// The next instant at which the desk works: this one, if it does.
    pub(crate) fn next_open(&self, at_ms: i64) -> Option<i64> {
        self.stretches(at_ms).next().map(|open| open.start)
    }

    /// The intervals worked on a date.
    fn on(&self, date: Date) -> &[Interval] {
        if self.holidays.contains(&date) {
            return &[];
        }
        self.of_weekday(date.weekday())
    }

    /// The intervals worked on a day of the week that is no holiday.
    fn of_weekday(&self, day: Weekday) -> &[Interval] {
        usize::try_from(day.to_monday_zero_offset()).map_or(&[], |day| &self.week[day])
    }
}

impl TryFrom<WireHours> for Hours {
    type Error = Fault;

    fn try_from(wire: WireHours) -> Result<Self, Fault> {
        let zone = zone(&wire.timezone)?;
        let mut days = Vec::with_capacity(7);
        for (index, intervals) in wire.days.iter().enumerate() {
            days.push(day(index, intervals)?);
        }
        let week = days
            .try_into()
            .map_err(|_| fault("days", Why::NotSevenDays))?;
        let mut holidays = BTreeSet::new();
        for (index, text) in wire.holidays.iter().enumerate() {
            holidays.insert(
                date(text).ok_or_else(|| fault(format!("holidays[{index}]"), Why::NotADate))?,
            );
        }
        Ok(Self {
            zone,
            week,
            holidays,
        })
    }
}

impl From<Hours> for WireHours {
    fn from(hours: Hours) -> Self {
        Self {
            timezone: hours.zone.iana_name().unwrap_or("UTC").to_owned(),
            days: hours
                .week
                .iter()
                .map(|day| day.iter().copied().map(WireInterval::from).collect())
                .collect(),
            holidays: hours.holidays.iter().map(Date::to_string).collect(),
        }
    }
}

impl From<Interval> for WireInterval {
    fn from(interval: Interval) -> Self {
        let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
        Self {
            from: clock(interval.from),
            to: clock(interval.to),
        }
    }
}

fn fault(part: impl Into<String>, why: Why) -> Fault {
    Fault {
        part: part.into(),
        why,
    }
}

fn zone(name: &str) -> Result<TimeZone, Fault> {
    match TimeZone::get(name) {
        // Without its name a zone could not be written back.
        Ok(zone) if !zone.is_unknown() && zone.iana_name().is_some() => Ok(zone),
        _ => Err(fault("timezone", Why::UnknownZone)),
    }
}

fn day(index: usize, wire: &[WireInterval]) -> Result<Vec<Interval>, Fault> {
    let mut numbered = Vec::with_capacity(wire.len());
    for (position, interval) in wire.iter().enumerate() {
        let part = |end: &str| format!("days[{index}][{position}].{end}");
        let from = minute(&interval.from).filter(|&from| from < MINUTES_A_DAY);
        let from = from.ok_or_else(|| fault(part("from"), Why::NotATime))?;
        let to = minute(&interval.to).ok_or_else(|| fault(part("to"), Why::NotATime))?;
        if to <= from {
            return Err(fault(part("to"), Why::EndsTooEarly));
        }
        numbered.push((position, Interval { from, to }));
    }
    numbered.sort_by_key(|(_, interval)| interval.from);
    for pair in numbered.windows(2) {
        if let [(_, earlier), (position, later)] = pair
            && later.from < earlier.to
        {
            return Err(fault(format!("days[{index}][{position}]"), Why::Overlaps));
        }
    }
    Ok(numbered.into_iter().map(|(_, interval)| interval).collect())
}

/// Reads `HH:MM` up to and including `24:00`.
fn minute(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let two_digits = |part: &str| {
        let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| part.parse::<u16>().ok()).flatten()
    };
    let (hours, minutes) = (two_digits(hours)?, two_digits(minutes)?);
    let minute = hours * 60 + minutes;
    (minutes < 60 && minute <= MINUTES_A_DAY).then_some(minute)
}

/// Reads `YYYY-MM-DD` and nothing longer: a time of day would be dropped in silence.
fn date(text: &str) -> Option<Date> {
    if text.len() == "2026-12-16".len() {
        text.parse().ok()
    } else {
        None
    }
}
