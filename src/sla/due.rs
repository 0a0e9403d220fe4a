//! By when the desk owes a first answer and a result, and whether it kept its word.
//!
//! The clock runs in working time alone and stands still while a ticket waits for somebody else
//! (`Status::clock_runs`). Storing deadlines and raising events about them is left to others.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::hours::Hours;

/// How much working time the desk gives itself for a ticket.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub(crate) struct Rule {
    /// Working minutes until the first public answer.
    pub(crate) response_minutes: u32,
    /// Working minutes until the work is done.
    pub(crate) resolution_minutes: u32,
}

/// A rule for each priority.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub(crate) struct Rules {
    /// What is promised for urgent tickets.
    pub(crate) urgent: Rule,
    /// What is promised for normal tickets.
    pub(crate) normal: Rule,
    /// What is promised for tickets of low priority.
    pub(crate) low: Rule,
}

impl Default for Rules {
    /// What a new desk promises until it decides otherwise.
    fn default() -> Self {
        Self {
            urgent: Rule {
                response_minutes: 30,
                resolution_minutes: 4 * 60,
            },
            normal: Rule {
                response_minutes: 2 * 60,
                resolution_minutes: 24 * 60,
            },
            low: Rule {
                response_minutes: 8 * 60,
                resolution_minutes: 48 * 60,
            },
        }
    }
}

/// The two deadlines of a ticket; none where the desk has no working time to measure by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Due {
    /// When the first public answer is due.
    pub(crate) response_at: Option<i64>,
    /// When the result is due.
    pub(crate) resolution_at: Option<i64>,
}

/// The deadlines of a ticket whose clock starts at `created_at` and never stands still: what `run` is compared with.
#[cfg(test)]
pub(crate) fn start(created_at: i64, rule: Rule, hours: &Hours) -> Due {
    let after = |minutes: u32| hours.add_working(created_at, i64::from(minutes) * 60_000);
    Due {
        response_at: after(rule.response_minutes),
        resolution_at: after(rule.resolution_minutes),
    }
}

/// The deadlines after the clock stood still from `paused_at` until `now`: what was left of each
/// is left again.
///
/// A deadline that had already passed stays where it was, and none moves to an earlier time.
pub(crate) fn resume(due: Due, paused_at: i64, now: i64, hours: &Hours) -> Due {
    let shift = |deadline: i64| {
        if deadline <= paused_at {
            return deadline;
        }
        let left = hours.working_ms(paused_at, deadline);
        // A desk that lost all its hours in between has no later time to offer.
        let shifted = hours.add_working(now, left).unwrap_or(deadline);
        shifted.max(deadline)
    };
    Due {
        response_at: due.response_at.map(shift),
        resolution_at: due.resolution_at.map(shift),
    }
}

/// Says whether a deadline was missed, judged by the moment of the deed, or by now while it is
/// still owed. The last moment is in time.
pub(crate) fn breached(deadline: Option<i64>, done_at_or_now: i64) -> bool {
    deadline.is_some_and(|deadline| done_at_or_now > deadline)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sla::hours::tests::{any_hours, any_instant, at, week};

    const MINUTE_MS: i64 = 60_000;

    fn hours() -> Hours {
        week("Asia/Almaty", [("09:00", "18:00"); 5], &["2026-03-23"])
    }

    #[test]
    fn an_urgent_ticket_of_the_morning_is_due_the_same_day() {
        let created = at("2026-03-19T10:30:00+05:00");
        assert_eq!(
            start(created, Rules::default().urgent, &hours()),
            Due {
                response_at: Some(at("2026-03-19T11:00:00+05:00")),
                resolution_at: Some(at("2026-03-19T14:30:00+05:00")),
            }
        );
    }

    #[test]
    fn a_deadline_steps_over_the_night_the_weekend_and_the_holiday() {
        let friday = at("2026-03-20T17:50:00+05:00");
        assert_eq!(
            start(friday, Rules::default().urgent, &hours()),
            Due {
                response_at: Some(at("2026-03-24T09:20:00+05:00")),
                resolution_at: Some(at("2026-03-24T12:50:00+05:00")),
            }
        );
    }

    #[test]
    fn a_desk_without_hours_promises_nothing_and_breaks_nothing() {
        let closed = week("Asia/Almaty", [("09:00", "18:00"); 0], &[]);
        let due = start(0, Rules::default().urgent, &closed);
        assert_eq!(due.response_at, None);
        assert!(!breached(due.resolution_at, i64::MAX));
    }

    #[test]
    fn a_pause_over_night_gives_back_what_was_left() {
        let due = Due {
            response_at: Some(at("2026-03-18T10:00:00+05:00")),
            resolution_at: Some(at("2026-03-18T17:00:00+05:00")),
        };
        let paused = at("2026-03-18T16:00:00+05:00");
        let resumed = at("2026-03-19T12:00:00+05:00");
        assert_eq!(
            resume(due, paused, resumed, &hours()),
            Due {
                response_at: due.response_at,
                resolution_at: Some(at("2026-03-19T13:00:00+05:00")),
            }
        );
    }

    #[test]
    fn the_last_moment_is_in_time() {
        assert!(!breached(Some(1000), 1000));
        assert!(breached(Some(1000), 1001));
        assert!(!breached(None, 1001));
    }

    #[test]
    fn rules_travel_by_priority() {
        let json = serde_json::to_value(Rules::default()).unwrap();
        assert_eq!(json["urgent"]["response_minutes"], 30);
        assert_eq!(
            serde_json::from_value::<Rules>(json).unwrap(),
            Rules::default()
        );
    }

    proptest! {
        #[test]
        fn a_deadline_leaves_exactly_the_promised_working_time(
            hours in any_hours(), created in any_instant(), minutes in 1_u32..6000,
        ) {
            let rule = Rule { response_minutes: minutes, resolution_minutes: minutes * 2 };
            let due = start(created, rule, &hours);
            let response_at = due.response_at.unwrap();
            let resolution_at = due.resolution_at.unwrap();
            prop_assert!(response_at < resolution_at);
            prop_assert_eq!(
                hours.working_ms(created, response_at), i64::from(minutes) * MINUTE_MS
            );
        }

        #[test]
        fn a_pause_takes_no_working_time_and_never_shortens_a_deadline(
            hours in any_hours(), created in any_instant(), minutes in 1_u32..6000,
            worked in 0_i64..400_000_000, paused in 0_i64..2_000_000_000,
        ) {
            let rule = Rule { response_minutes: minutes, resolution_minutes: minutes };
            let due = start(created, rule, &hours);
            let (paused_at, now) = (created + worked, created + worked + paused);
            let after = resume(due, paused_at, now, &hours);
            let (before, after) = (due.resolution_at.unwrap(), after.resolution_at.unwrap());
            prop_assert!(after >= before);
            if before > paused_at {
                let counted = hours.working_ms(created, paused_at) + hours.working_ms(now, after);
                prop_assert_eq!(counted, i64::from(minutes) * MINUTE_MS);
            } else {
                prop_assert_eq!(after, before);
            }
        }

        #[test]
        fn two_pauses_end_where_one_pause_of_their_sum_would(
            hours in any_hours(), created in any_instant(), minutes in 600_u32..6000,
            first in 0_i64..500_000_000, second in 0_i64..500_000_000,
        ) {
            let rule = Rule { response_minutes: minutes, resolution_minutes: minutes };
            let due = start(created, rule, &hours);
            let paused_at = created + 60_000;
            let (middle, end) = (paused_at + first, paused_at + first + second);
            let twice = resume(resume(due, paused_at, middle, &hours), middle, end, &hours);
            prop_assert_eq!(twice, resume(due, paused_at, end, &hours));
        }
    }
}
