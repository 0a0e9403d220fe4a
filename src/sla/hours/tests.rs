//! Business hours against examples, and against a count of minute after minute.

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Zones that change their clocks by an hour, by half an hour, at midnight, by a whole day, or not.
const ZONES: [&str; 8] = [
    "Asia/Almaty",
    "Europe/Moscow",
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "UTC",
];

/// An instant read from its text.
pub(crate) fn at(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_millisecond()
}

/// A week whose first days have one interval each.
pub(crate) fn week<const DAYS: usize>(
    zone: &str,
    days: [(&str, &str); DAYS],
    holidays: &[&str],
) -> Hours {
    let mut wire: Vec<Vec<WireInterval>> = days
        .iter()
        .map(|(from, to)| vec![interval(from, to)])
        .collect();
    wire.resize(7, Vec::new());
    Hours::try_from(WireHours {
        timezone: zone.to_owned(),
        days: wire,
        holidays: holidays.iter().map(|&day| day.to_owned()).collect(),
    })
    .unwrap()
}

fn interval(from: &str, to: &str) -> WireInterval {
    WireInterval {
        from: from.to_owned(),
        to: to.to_owned(),
    }
}

fn any_day() -> impl Strategy<Value = Vec<Interval>> {
    proptest::collection::btree_set(0..=MINUTES_A_DAY, 0..=6).prop_map(|cuts| {
        let cuts: Vec<u16> = cuts.into_iter().collect();
        cuts.chunks_exact(2)
            .map(|pair| Interval {
                from: pair[0],
                to: pair[1],
            })
            .collect()
    })
}

/// Any working week in any of the zones, with holidays; never one without working time.
pub(crate) fn any_hours() -> impl Strategy<Value = Hours> {
    let week = proptest::array::uniform7(any_day());
    let days = proptest::collection::btree_set(0_i64..366 * 40, 0..60);
    (proptest::sample::select(&ZONES[..]), week, days)
        .prop_map(|(name, week, days)| Hours {
            zone: zone(name).unwrap(),
            week,
            holidays: days
                .into_iter()
                .map(|day| {
                    let noon = at("2000-01-01T12:00:00Z") + day * DAY_MS;
                    let noon = Timestamp::from_millisecond(noon).unwrap();
                    TimeZone::UTC.to_datetime(noon).date()
                })
                .collect(),
        })
        .prop_filter("a desk that opens", |hours| {
            let minutes: u16 = hours.week.iter().flatten().map(|i| i.to - i.from).sum();
            minutes >= 10
        })
}

/// An instant at a full minute, half of them near a change of some zone's clocks.
pub(crate) fn any_instant() -> impl Strategy<Value = i64> {
    let changes: Vec<i64> = ZONES
        .iter()
        .flat_map(|name| {
            let zone = zone(name).unwrap();
            let changes: Vec<_> = zone
                .following(Timestamp::from_millisecond(at("2009-01-01T00:00:00Z")).unwrap())
                .take(24)
                .map(|change| change.timestamp().as_millisecond())
                .collect();
            changes
        })
        .collect();
    prop_oneof![
        (at("2005-01-01T00:00:00Z") / MINUTE_MS..at("2037-01-01T00:00:00Z") / MINUTE_MS)
            .prop_map(|minute| minute * MINUTE_MS),
        (proptest::sample::select(changes), -2000_i64..2000)
            .prop_map(|(change, minutes)| change + minutes * MINUTE_MS),
    ]
}

/// What the wall clock says, asked afresh for one instant.
fn wall_clock_says_open(hours: &Hours, at_ms: i64) -> bool {
    let wall = hours
        .zone
        .to_datetime(Timestamp::from_millisecond(at_ms).unwrap());
    let minute = u16::try_from(wall.hour()).unwrap() * 60 + u16::try_from(wall.minute()).unwrap();
    let day = usize::try_from(wall.weekday().to_monday_zero_offset()).unwrap();
    !hours.holidays.contains(&wall.date())
        && hours.week[day]
            .iter()
            .any(|open| open.from <= minute && minute < open.to)
}

proptest! {
    #[test]
    fn working_time_is_what_counting_the_minutes_gives(
        hours in any_hours(), from in any_instant(), minutes in 0_i64..4000,
    ) {
        let counted = (0..minutes)
            .filter(|minute| wall_clock_says_open(&hours, from + minute * MINUTE_MS))
            .count();
        let counted = i64::try_from(counted).unwrap() * MINUTE_MS;
        prop_assert_eq!(hours.working_ms(from, from + minutes * MINUTE_MS), counted);
    }

    #[test]
    fn open_is_what_the_wall_clock_says(
        hours in any_hours(), from in any_instant(), ms in 0_i64..DAY_MS,
    ) {
        prop_assert_eq!(hours.is_open(from + ms), wall_clock_says_open(&hours, from + ms));
    }

    #[test]
    fn the_next_opening_is_open_and_nothing_before_it_is(
        hours in any_hours(), from in any_instant(),
    ) {
        let opening = hours.next_open(from).unwrap();
        prop_assert!(opening >= from);
        prop_assert!(hours.is_open(opening));
        prop_assert_eq!(hours.working_ms(from, opening), 0);
    }

    #[test]
    fn adding_working_time_and_counting_it_agree(
        hours in any_hours(), from in any_instant(), ms in 0_i64..30 * HOUR_MS,
    ) {
        let end = hours.add_working(from, ms).unwrap();
        prop_assert_eq!(hours.working_ms(from, end), ms);
        if ms > 0 {
            prop_assert_eq!(hours.working_ms(from, end - 1), ms - 1, "no earlier instant will do");
        }
    }

    #[test]
    fn adding_twice_is_adding_the_sum(
        hours in any_hours(), from in any_instant(),
        first in 0_i64..20 * HOUR_MS, second in 0_i64..20 * HOUR_MS,
    ) {
        let twice = hours
            .add_working(from, first)
            .and_then(|middle| hours.add_working(middle, second));
        prop_assert_eq!(twice, hours.add_working(from, first + second));
    }

    #[test]
    fn more_working_time_never_ends_earlier(
        hours in any_hours(), from in any_instant(), later in 0_i64..10 * DAY_MS,
        less in 0_i64..20 * HOUR_MS, more in 0_i64..20 * HOUR_MS,
    ) {
        let end = hours.add_working(from, less);
        prop_assert!(end <= hours.add_working(from, less + more));
        prop_assert!(end <= hours.add_working(from + later, less));
    }

    #[test]
    fn the_parts_of_a_time_add_up(
        hours in any_hours(), from in any_instant(),
        first in 0_i64..20 * DAY_MS, second in 0_i64..20 * DAY_MS,
    ) {
        let (middle, end) = (from + first, from + first + second);
        prop_assert_eq!(
            hours.working_ms(from, middle) + hours.working_ms(middle, end),
            hours.working_ms(from, end)
        );
    }

    #[test]
    fn hours_read_back_as_they_were_written(hours in any_hours()) {
        let json = serde_json::to_string(&hours).unwrap();
        prop_assert_eq!(serde_json::from_str::<Hours>(&json).unwrap(), hours);
    }
}

#[test]
fn the_hour_a_clock_skips_is_not_worked_and_the_one_it_repeats_is_worked_twice() {
    let nights = week("Europe/Berlin", [("01:00", "04:00"); 7], &[]);
    let worked = |from: &str, to: &str| nights.working_ms(at(from), at(to)) / HOUR_MS;
    let (spring, summer) = ("2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00");
    let (autumn, winter) = ("2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00");
    assert_eq!(worked("2026-03-28T00:00:00+01:00", spring), 3);
    assert_eq!(worked(spring, summer), 2);
    assert_eq!(worked(autumn, winter), 4);
}

#[test]
fn a_day_the_zone_skipped_is_not_worked() {
    // Samoa went from Thursday 29 to Saturday 31 December 2011.
    let week = week("Pacific/Apia", [("00:00", "24:00"); 5], &[]);
    let thursday = at("2011-12-29T00:00:00-10:00");
    assert_eq!(week.working_ms(thursday, thursday + 3 * DAY_MS), DAY_MS);
}

#[test]
fn the_desk_opens_after_the_weekend_and_the_holiday() {
    let hours = week("Asia/Almaty", [("09:00", "18:00"); 5], &["2026-03-23"]);
    let friday_evening = at("2026-03-20T18:00:00+05:00");
    assert!(!hours.is_open(friday_evening));
    assert!(hours.is_open(friday_evening - 1));
    assert_eq!(
        hours.next_open(friday_evening),
        Some(at("2026-03-24T09:00:00+05:00"))
    );
}

#[test]
fn a_week_without_working_time_has_no_end_to_wait_for() {
    let closed = week("Asia/Almaty", [("09:00", "18:00"); 0], &[]);
    assert!(closed.never_open());
    assert_eq!(closed.add_working(0, 1), None);
    assert_eq!(closed.add_working(0, 0), None);
    assert_eq!(closed.next_open(0), None);
    assert!(!closed.is_open(0));
    assert_eq!(closed.working_ms(i64::MIN, i64::MAX), 0);
}

#[test]
fn more_time_than_the_calendar_holds_has_no_end() {
    let hours = week("Europe/Berlin", [("09:00", "18:00"); 5], &[]);
    assert_eq!(hours.add_working(0, i64::MAX), None);
    assert_eq!(hours.add_working(i64::MAX, 1), None);
    assert_eq!(hours.next_open(i64::MAX), None);
    assert!(hours.next_open(i64::MIN).is_some());
}

#[test]
fn counting_backwards_gives_nothing() {
    let hours = Hours::weekdays("Asia/Almaty").unwrap();
    let monday = at("2026-03-16T10:00:00+05:00");
    assert_eq!(hours.working_ms(monday, monday - HOUR_MS), 0);
    assert_eq!(hours.working_ms(monday, monday + HOUR_MS), HOUR_MS);
}

#[test]
fn a_week_travels_as_the_contract_writes_it() {
    let json = concat!(
        r#"{"timezone":"Asia/Almaty","days":[[{"from":"09:00","to":"13:00"},"#,
        r#"{"from":"14:00","to":"24:00"}],[],[],[],[],[],[]],"holidays":["2026-01-01"]}"#,
    );
    let hours: Hours = serde_json::from_str(json).unwrap();
    assert_eq!(serde_json::to_string(&hours).unwrap(), json);
}

#[test]
fn intervals_may_come_in_any_order_and_may_touch() {
    let mut wire = WireHours::from(Hours::weekdays("Asia/Almaty").unwrap());
    wire.days[0] = vec![interval("13:00", "18:00"), interval("09:00", "13:00")];
    let hours = Hours::try_from(wire).unwrap();
    assert_eq!(
        WireHours::from(hours).days[0],
        [interval("09:00", "13:00"), interval("13:00", "18:00")]
    );
}

#[test]
fn a_refusal_names_the_part_at_fault() {
    let refused = |spoil: fn(&mut WireHours)| {
        let mut wire = WireHours::from(Hours::weekdays("Asia/Almaty").unwrap());
        spoil(&mut wire);
        let fault = Hours::try_from(wire).unwrap_err();
        (fault.part, fault.why)
    };
    let named = |part: &str, why| (part.to_owned(), why);
    assert_eq!(
        refused(|wire| wire.timezone = "Asia/Atlantis".to_owned()),
        named("timezone", Why::UnknownZone)
    );
    assert_eq!(
        refused(|wire| wire.timezone = "Etc/Unknown".to_owned()),
        named("timezone", Why::UnknownZone)
    );
    assert_eq!(
        refused(|wire| drop(wire.days.pop())),
        named("days", Why::NotSevenDays)
    );
    for text in ["24:00", "25:00", "9:00", "09:60", "09-00", "+9:00", ""] {
        let mut wire = WireHours::from(Hours::weekdays("Asia/Almaty").unwrap());
        text.clone_into(&mut wire.days[2][0].from);
        let fault = Hours::try_from(wire).unwrap_err();
        assert_eq!(
            (fault.part, fault.why),
            named("days[2][0].from", Why::NotATime),
            "{text}"
        );
    }
    assert_eq!(
        refused(|wire| "09:00".clone_into(&mut wire.days[4][0].to)),
        named("days[4][0].to", Why::EndsTooEarly)
    );
    assert_eq!(
        refused(|wire| wire.days[1].insert(0, interval("17:59", "20:00"))),
        named("days[1][0]", Why::Overlaps)
    );
    for text in ["2026-02-30", "30.08.2026", "2026-01-01T00:00", ""] {
        let mut wire = WireHours::from(Hours::weekdays("Asia/Almaty").unwrap());
        wire.holidays = vec!["2026-01-01".to_owned(), text.to_owned()];
        let fault = Hours::try_from(wire).unwrap_err();
        assert_eq!(
            (fault.part, fault.why),
            named("holidays[1]", Why::NotADate),
            "{text}"
        );
    }
}
