//! The way to a due time, against a clock that is stopped and started step by step and against one that ticks minutes.

use proptest::prelude::*;

use super::*;
use crate::sla::{
    due::{self, Rule},
    hours::tests::{any_hours, any_instant, at, week},
};

const MINUTE_MS: i64 = 60_000;

/// A life of a ticket: so long in work, so long on hold, and so on.
fn any_life() -> impl Strategy<Value = Vec<(i64, Status)>> {
    let waits = prop_oneof![Just(Status::OnHold), Just(Status::Estimated)];
    let step = (0_i64..4_000, 0_i64..6_000, waits);
    proptest::collection::vec(step, 0..5).prop_map(|steps| {
        let mut life = Vec::new();
        let mut passed = 0;
        for (worked, waited, waits) in steps {
            passed += worked * MINUTE_MS;
            life.push((passed, waits));
            passed += waited * MINUTE_MS;
            life.push((passed, Status::InProgress));
        }
        life
    })
}

/// Walks minute by minute and asks the wall clock alone.
fn slow(created: i64, life: &[(i64, Status)], minutes: u32, hours: &Hours) -> Option<i64> {
    let mut left = minutes;
    let mut now = created;
    let end = created + 400 * 24 * 60 * MINUTE_MS;
    while now < end {
        let status = life
            .iter()
            .rev()
            .find(|(at, _)| created + at <= now)
            .map_or(Status::New, |(_, status)| *status);
        if status.clock_runs() && hours.is_open(now) {
            left -= 1;
            if left == 0 {
                return Some(now + MINUTE_MS);
            }
        }
        now += MINUTE_MS;
    }
    None
}

#[test]
fn a_day_on_hold_moves_what_is_due_by_a_day() {
    let hours = week("Asia/Almaty", [("09:00", "18:00"); 5], &[]);
    let run = Run::new(
        at("2026-03-17T10:00:00+05:00"),
        [
            (at("2026-03-17T12:00:00+05:00"), Status::InProgress),
            (at("2026-03-17T16:00:00+05:00"), Status::OnHold),
            (at("2026-03-18T16:00:00+05:00"), Status::InProgress),
        ],
    );
    assert_eq!(
        run.reaches(7 * 60 * MINUTE_MS, &hours),
        Some(at("2026-03-18T17:00:00+05:00"))
    );
    assert_eq!(
        run.counted(at("2026-03-18T16:30:00+05:00"), &hours),
        (6 * 60 + 30) * MINUTE_MS
    );
}

#[test]
fn the_change_of_almaty_s_clock_neither_gives_nor_takes_working_time() {
    // At midnight of 1 March 2024 the clocks of Almaty went back by an hour.
    let hours = week("Asia/Almaty", [("00:00", "24:00"); 7], &[]);
    let run = Run::new(at("2024-02-29T20:00:00+06:00"), []);
    assert_eq!(
        run.reaches(6 * 60 * MINUTE_MS, &hours),
        Some(at("2024-03-01T01:00:00+05:00"))
    );
    let day = week("Asia/Almaty", [("09:00", "18:00"); 5], &[]);
    let run = Run::new(at("2024-02-29T17:00:00+06:00"), []);
    assert_eq!(
        run.reaches(2 * 60 * MINUTE_MS, &day),
        Some(at("2024-03-01T10:00:00+05:00"))
    );
}

#[test]
fn a_clock_that_was_set_back_counts_no_time_twice() {
    let hours = week("UTC", [("00:00", "24:00"); 7], &[]);
    let run = Run::new(
        0,
        [(10 * MINUTE_MS, Status::OnHold), (0, Status::InProgress)],
    );
    assert_eq!(run.counted(15 * MINUTE_MS, &hours), 15 * MINUTE_MS);
}

proptest! {
    #[test]
    fn counting_anew_gives_what_stopping_and_starting_gave(
        hours in any_hours(), created in any_instant(), minutes in 1_u32..6000, life in any_life(),
    ) {
        let rule = Rule { response_minutes: minutes, resolution_minutes: minutes };
        let mut due = due::start(created, rule, &hours);
        let mut stood_at = created;
        for (at, status) in &life {
            match status {
                Status::InProgress => due = due::resume(due, stood_at, created + at, &hours),
                _ => stood_at = created + at,
            }
        }
        let run = Run::new(created, life.iter().map(|(at, status)| (created + at, *status)));
        prop_assert_eq!(run.reaches(i64::from(minutes) * MINUTE_MS, &hours), due.resolution_at);
    }

    #[test]
    fn a_due_time_is_what_ticking_minutes_give(
        hours in any_hours(), created in any_instant(), minutes in 1_u32..600, life in any_life(),
    ) {
        let created = created.div_euclid(MINUTE_MS) * MINUTE_MS;
        if let Some(expected) = slow(created, &life, minutes, &hours) {
            let run = Run::new(created, life.iter().map(|(at, status)| (created + at, *status)));
            prop_assert_eq!(run.reaches(i64::from(minutes) * MINUTE_MS, &hours), Some(expected));
        }
    }

    #[test]
    fn the_parts_hold_what_is_counted_and_nothing_is_left_out(
        hours in any_hours(), created in any_instant(), life in any_life(), length in 0_i64..2_000_000_000,
    ) {
        let run = Run::new(created, life.iter().map(|(at, status)| (created + at, *status)));
        let until = created + length;
        let parts = run.parts(until, &hours);
        let mut reached = created;
        for part in &parts {
            prop_assert_eq!(part.from, reached);
            reached = part.to;
        }
        prop_assert_eq!(reached, until);
        let worked: i64 = parts
            .iter()
            .filter(|part| part.reason == Reason::Working)
            .map(|part| part.to - part.from)
            .sum();
        prop_assert_eq!(worked, run.counted(until, &hours));
    }
}
