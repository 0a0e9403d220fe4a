//! Why a ticket is due when it is: every part of its time, counted or not.
use crate::{
    access::{Operator, rules::Needs},
    api::{
        Query, Read, Spec,
        field::{At, TicketId},
    },
    clock::{MINUTE, Millis},
    error::Result,
    sla::{
        due::breached,
        run::{Part, Reason, Run},
    },
    tenant::plan::Scope::{Read as R, Tickets as T},
    ticket::{
        clock::{self, Clock, Promises},
        record::{self, Record},
        status::Status,
    },
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Explains why a ticket is due when it is: every part of its time, whether it counts and why, with totals.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ExplainSla {
    /// The ticket.
    ticket_id: TicketId,
}

/// Why a part of a ticket's time counts, or does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Why {
    /// Working time: it counts.
    WorkingTime,
    /// The desk is closed.
    Closed,
    /// The desk has a holiday.
    Holiday,
    /// The ticket is on hold.
    OnHold,
    /// An estimate waits for the client's word.
    Estimated,
    /// The work is done.
    Done,
}

impl Why {
    const fn of(part: &Part) -> Why {
        match (part.reason, part.status) {
            (Reason::Working, _) => Why::WorkingTime,
            (Reason::Closed, _) => Why::Closed,
            (Reason::Holiday, _) => Why::Holiday,
            (Reason::Waiting, Status::Estimated) => Why::Estimated,
            (Reason::Waiting, Status::Done | Status::Closed) => Why::Done,
            (Reason::Waiting, _) => Why::OnHold,
        }
    }
}

/// A part of a ticket's time.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Interval {
    /// When it began.
    from: At,
    /// When it ended; the first moment that is not part of it.
    to: At,
    /// How long it was, in minutes.
    minutes: f64,
    /// The ticket's status.
    status: Status,
    /// Whether it counts.
    counted: bool,
    /// Why it counts, or does not.
    reason: Why,
}

/// How the time of a ticket adds up, in minutes.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub(crate) struct Totals {
    /// Working time, which counts.
    working_time: f64,
    /// While the desk was closed.
    closed: f64,
    /// On holidays.
    holiday: f64,
    /// On hold.
    on_hold: f64,
    /// While an estimate waited.
    estimated: f64,
    /// Once the work was done.
    done: f64,
}

/// Who says what is promised.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Source {
    /// The tenant's rules.
    Rules,
    /// The tariff of the ticket's client.
    Tariff,
    /// A time that was agreed on by hand.
    Agreement,
}

/// One of the two clocks of a ticket.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct ClockView {
    /// The working minutes that are promised.
    promised_minutes: u32,
    /// Who says so.
    source: Source,
    /// The working minutes counted so far, or until it was kept.
    counted_minutes: f64,
    /// When it is due; none if the desk has no working time.
    due_at: Option<At>,
    /// When the desk is warned.
    warn_at: Option<At>,
    /// When it was kept.
    met_at: Option<At>,
    /// Whether it was missed.
    breached: bool,
    /// Whether it runs at this moment.
    running: bool,
}

/// Why a ticket is due when it is.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Explained {
    /// The ticket.
    ticket_id: TicketId,
    /// The time zone of the business hours.
    timezone: String,
    /// Until when this is told.
    until: At,
    /// The clock of the first answer.
    response: ClockView,
    /// The clock of the solution.
    resolution: ClockView,
    /// Every part of the ticket's time since it was opened, without gaps.
    intervals: Vec<Interval>,
    /// How they add up.
    totals: Totals,
}

impl Spec for ExplainSla {
    const NAME: &'static str = "explain_sla";
    const NEEDS: Needs = Needs::scopes(&[R, T]);
    const TITLE: [&'static str; 3] = [
        "Объяснить сроки SLA",
        "SLA мерзімдерін түсіндіру",
        "Explain the SLA of a ticket",
    ];
    const EXAMPLE: &'static str = r#"{"ticket_id":42}"#;
    type By = Operator;
    type Output = Explained;
}

impl Query for ExplainSla {
    fn run(self, cx: &Read<'_, Operator>) -> Result<Explained> {
        let ticket = record::by_id(cx.db, cx.by.tenant, self.ticket_id)?;
        let promises = Promises::to(cx.db, cx.by.tenant, ticket.client)?;
        let run = clock::run_of(cx.db, &ticket)?;
        let parts = run.parts(cx.db.now, &promises.hours);
        let mut totals = Totals::default();
        let mut intervals = Vec::with_capacity(parts.len());
        for part in &parts {
            let (reason, minutes) = (Why::of(part), minutes(part.to - part.from));
            *match reason {
                Why::WorkingTime => &mut totals.working_time,
                Why::Closed => &mut totals.closed,
                Why::Holiday => &mut totals.holiday,
                Why::OnHold => &mut totals.on_hold,
                Why::Estimated => &mut totals.estimated,
                Why::Done => &mut totals.done,
            } += minutes;
            intervals.push(Interval {
                from: At(part.from),
                to: At(part.to),
                minutes,
                status: part.status,
                counted: reason == Why::WorkingTime,
                reason,
            });
        }
        let look = Look {
            ticket: &ticket,
            promises: &promises,
            run: &run,
            now: cx.db.now,
        };
        Ok(Explained {
            ticket_id: ticket.id,
            timezone: promises.zone_name(),
            until: At(cx.db.now),
            response: look.clock(Clock::Response),
            resolution: look.clock(Clock::Resolution),
            intervals,
            totals,
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "no ticket is that old")]
fn minutes(ms: Millis) -> f64 {
    ms as f64 / MINUTE as f64
}

/// A ticket, and what its clocks are read by.
struct Look<'a> {
    ticket: &'a Record,
    promises: &'a Promises,
    run: &'a Run,
    now: Millis,
}

impl Look<'_> {
    fn clock(&self, clock: Clock) -> ClockView {
        let ticket = self.ticket;
        let (rule, is_tariff) = self.promises.rule(ticket.client, ticket.priority);
        let agreed = ticket.due_at.filter(|_| clock == Clock::Resolution);
        let (promised, due, warn, met, stored) = match clock {
            Clock::Response => (
                rule.response_minutes,
                ticket.sla_response_at,
                ticket.sla_response_warn_at,
                ticket.first_response_at,
                ticket.sla_response_breached,
            ),
            Clock::Resolution => (
                rule.resolution_minutes,
                agreed.or(ticket.sla_resolution_at),
                ticket.sla_resolution_warn_at,
                ticket.done_at,
                ticket.sla_resolution_breached,
            ),
        };
        let running = ticket.owes(clock).is_some();
        let until = met.unwrap_or(self.now);
        ClockView {
            promised_minutes: promised,
            source: match (agreed, is_tariff) {
                (Some(_), _) => Source::Agreement,
                (None, true) => Source::Tariff,
                (None, false) => Source::Rules,
            },
            counted_minutes: minutes(self.run.counted(until, &self.promises.hours)),
            due_at: due.map(At),
            warn_at: warn.map(At),
            met_at: met.map(At),
            breached: stored || (running && breached(due, self.now)),
            running,
        }
    }
}
