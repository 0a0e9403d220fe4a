//! How the clock of a ticket ran: its statuses one after another since it was opened.
//!
//! A due time is a pure function of this, of the desk's hours and of what was promised. So it can be counted anew whenever
//! hours or promises change, and every part of the way to it can be shown.

use super::hours::{Hours, Kind};
use crate::ticket::status::Status;

/// A status and since when the ticket had it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Span {
    status: Status,
    from: i64,
}

/// The statuses of a ticket in order, the last of which it still has.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Run(Vec<Span>);

/// Why a part of a ticket's time counts, or does not.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Reason {
    /// The desk works and so does the clock.
    Working,
    /// The desk is closed.
    Closed,
    /// The desk has a holiday.
    Holiday,
    /// The clock stands still: the ticket waits for somebody, or is done.
    Waiting,
}

/// A part of a ticket's time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Part {
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) status: Status,
    pub(crate) reason: Reason,
}

impl Run {
    /// A ticket opened at `created_at`, and the changes of its status since, in order.
    pub(crate) fn new(created_at: i64, changes: impl IntoIterator<Item = (i64, Status)>) -> Run {
        let mut run = Run(vec![Span {
            status: Status::New,
            from: created_at,
        }]);
        for (at, status) in changes {
            run.push(at, status);
        }
        run
    }

    /// Goes on to another status.
    pub(crate) fn push(&mut self, at: i64, status: Status) {
        // A machine's clock may have been set back in between; time that passed does not pass again.
        let from = self.0.last().map_or(at, |last| at.max(last.from));
        self.0.push(Span { status, from });
    }

    /// The spans with their ends; the last one has none.
    fn spans(&self) -> impl Iterator<Item = (Span, Option<i64>)> {
        let ends = self.0.iter().skip(1).map(|next| Some(next.from));
        self.0.iter().copied().zip(ends.chain([None]))
    }

    /// When so much working time will have been counted; as if the clock went on at once, if it stands still.
    pub(crate) fn reaches(&self, ms: i64, hours: &Hours) -> Option<i64> {
        let mut left = ms;
        let mut stood_at = None;
        for (span, end) in self.spans() {
            if !span.status.clock_runs() {
                stood_at = stood_at.or(Some(span.from));
                continue;
            }
            stood_at = None;
            let Some(end) = end else {
                return hours.add_working(span.from, left);
            };
            let worked = hours.working_ms(span.from, end);
            if left <= worked {
                return hours.add_working(span.from, left);
            }
            left -= worked;
        }
        hours.add_working(stood_at?, left)
    }

    /// The working time counted until `until`.
    pub(crate) fn counted(&self, until: i64, hours: &Hours) -> i64 {
        self.spans()
            .filter(|(span, _)| span.status.clock_runs())
            .map(|(span, end)| hours.working_ms(span.from, end.unwrap_or(until).min(until)))
            .sum()
    }

    /// Every part of the ticket's time until `until`, without gaps, and why it counts or does not.
    pub(crate) fn parts(&self, until: i64, hours: &Hours) -> Vec<Part> {
        let mut parts = Vec::new();
        for (span, end) in self.spans() {
            let to = end.unwrap_or(until).min(until);
            if span.from >= to {
                continue;
            }
            let part = |from, to, reason| Part {
                from,
                to,
                status: span.status,
                reason,
            };
            if span.status.clock_runs() {
                parts.extend(hours.segments(span.from, to).into_iter().map(|segment| {
                    let reason = match segment.kind {
                        Kind::Working => Reason::Working,
                        Kind::Closed => Reason::Closed,
                        Kind::Holiday => Reason::Holiday,
                    };
                    part(segment.from, segment.to, reason)
                }));
            } else {
                parts.push(part(span.from, to, Reason::Waiting));
            }
        }
        parts
    }
}

#[cfg(test)]
mod tests;
