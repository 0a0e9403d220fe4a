//! The state machine of a ticket: which status may follow which, and who may cause it.
//!
//! Everything here is a rule about statuses alone. Storing the steps, writing their history and
//! turning the SLA clock is left to the verbs in `ticket`; how long a reopening window lasts is the
//! tenant's setting and arrives as a [`Window`].

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a ticket stands.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    /// Nobody has answered yet.
    New,
    /// An estimate waits for the client's word.
    Estimated,
    /// Somebody works on it.
    InProgress,
    /// Work waits for something outside the desk.
    OnHold,
    /// The work is delivered and waits for acceptance.
    Done,
    /// Accepted, or closed by time.
    Closed,
    /// Came back after it was done or closed.
    Reopened,
}

impl Status {
    /// Every status, in the order of a ticket's life.
    pub(crate) const ALL: [Self; 7] = [
        Self::New,
        Self::Estimated,
        Self::InProgress,
        Self::OnHold,
        Self::Done,
        Self::Closed,
        Self::Reopened,
    ];

    /// The wire's word for the status.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Estimated => "estimated",
            Self::InProgress => "in_progress",
            Self::OnHold => "on_hold",
            Self::Done => "done",
            Self::Closed => "closed",
            Self::Reopened => "reopened",
        }
    }

    /// Reads the wire's word.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// Says whether the desk still owes work: every status but done and closed.
    pub(crate) const fn is_open(self) -> bool {
        !matches!(self, Self::Done | Self::Closed)
    }

    /// Says whether the SLA clock runs: it stands still while the ticket waits for somebody outside
    /// the desk, and has nothing left to measure once the work is delivered.
    pub(crate) const fn clock_runs(self) -> bool {
        matches!(self, Self::New | Self::InProgress | Self::Reopened)
    }

    /// The statuses one legal step away.
    #[cfg(test)]
    pub(crate) const fn next(self) -> &'static [Self] {
        match self {
            Self::New | Self::Reopened => &[Self::Estimated, Self::InProgress],
            Self::Estimated | Self::OnHold => &[Self::InProgress],
            Self::InProgress => &[Self::Estimated, Self::OnHold, Self::Done],
            Self::Done => &[Self::Closed, Self::Reopened],
            Self::Closed => &[Self::Reopened],
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What moves a ticket, apart from replies (see [`support_reply`] and [`client_reply`]).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verb {
    /// Staff make or revise an estimate.
    Estimate,
    /// The client approves the estimate.
    Approve,
    /// The client rejects the estimate: the ticket is the desk's again.
    Reject,
    /// Staff start on an estimated ticket without the client's approval.
    TakeOver,
    /// Staff deliver the work.
    Complete,
    /// Staff wait for something outside the desk.
    Hold,
    /// Staff go on after a hold.
    Resume,
    /// The client accepts the delivered work.
    Accept,
    /// The delivered work was left unanswered for the tenant's days.
    AutoClose,
    /// A merge ends its source, whose work goes on in the target: also past an estimate.
    Close,
    /// Somebody brings a delivered ticket back.
    Reopen,
    /// Staff name the status they want, by the shortest lawful way.
    Set(Status),
    /// As `Set`, and also past an estimate nobody has approved.
    Force(Status),
}

/// A move the machine does not know.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a ticket cannot go from {from} to {to}")]
pub(crate) struct Illegal {
    /// Where the ticket stands.
    pub(crate) from: Status,
    /// Where it was meant to go.
    pub(crate) to: Status,
    /// Where it may go instead.
    pub(crate) allowed: Vec<Status>,
}

impl Illegal {
    fn new(from: Status, to: Status) -> Self {
        Self {
            from,
            to,
            allowed: allowed(from),
        }
    }
}

impl Verb {
    /// The steps this verb takes a ticket through, each of which belongs into its history.
    ///
    /// An empty chain means that the verb is lawful and leaves the status as it is.
    pub(crate) fn steps(self, from: Status) -> Result<&'static [Status], Illegal> {
        use Status::{Closed, Done, Estimated, InProgress, OnHold, Reopened};
        let (to, lawful) = match self {
            // A pending estimate may be revised: it stays pending.
            Self::Estimate => (Estimated, true),
            // Only the client's word, or staff who take the blame, ends the wait for it.
            Self::Approve | Self::Reject | Self::TakeOver => (InProgress, from == Estimated),
            Self::Complete => (Done, from != Estimated && from != Done),
            Self::Hold => (OnHold, from != Estimated && from != OnHold),
            Self::Resume => (InProgress, from == OnHold),
            Self::Accept | Self::AutoClose => (Closed, from == Done),
            Self::Close => (Closed, from != Closed),
            Self::Reopen => (Reopened, from != Reopened),
            Self::Set(to) => (to, from != Estimated || to == Estimated),
            Self::Force(to) => (to, true),
        };
        if lawful {
            path(from, to)
        } else {
            Err(Illegal::new(from, to))
        }
    }
}

/// The chain of legal steps from one status to another; empty when there is nothing to do.
pub(crate) fn path(from: Status, to: Status) -> Result<&'static [Status], Illegal> {
    route(from, to).ok_or_else(|| Illegal::new(from, to))
}

/// The statuses staff may choose for a ticket that stands at `from`.
///
/// It is empty for an estimated ticket: that one waits for the client, and only
/// [`Verb::TakeOver`] or [`Verb::Force`] goes past it.
pub(crate) fn allowed(from: Status) -> Vec<Status> {
    if from == Status::Estimated {
        return Vec::new();
    }
    Status::ALL
        .into_iter()
        .filter(|&to| to != from && route(from, to).is_some())
        .collect()
}

/// Which shortcuts make sense is a decision, not a search: the shortest way from new to reopened
/// exists in the graph and would tell a lie in the history.
const fn route(from: Status, to: Status) -> Option<&'static [Status]> {
    use Status::{Closed, Done, Estimated, InProgress, New, OnHold, Reopened};
    Some(match (from, to) {
        (New, New)
        | (Estimated, Estimated)
        | (InProgress, InProgress)
        | (OnHold, OnHold)
        | (Done, Done)
        | (Closed, Closed)
        | (Reopened, Reopened) => &[],

        (New | InProgress | Reopened, Estimated) => &[Estimated],
        (OnHold, Estimated) => &[InProgress, Estimated],

        (New | Estimated | OnHold | Reopened, InProgress) => &[InProgress],
        (Done | Closed, InProgress) => &[Reopened, InProgress],

        (InProgress, OnHold) => &[OnHold],
        (New | Estimated | Reopened, OnHold) => &[InProgress, OnHold],

        (InProgress, Done) => &[Done],
        (New | Estimated | OnHold | Reopened, Done) => &[InProgress, Done],

        (Done, Closed) => &[Closed],
        (InProgress, Closed) => &[Done, Closed],
        (New | Estimated | OnHold | Reopened, Closed) => &[InProgress, Done, Closed],

        (Done | Closed, Reopened) => &[Reopened],

        (_, New)
        | (Done | Closed, Estimated | OnHold)
        | (Closed, Done)
        | (New | Estimated | InProgress | OnHold, Reopened) => return None,
    })
}

/// Where a public reply of the desk moves a ticket, if anywhere.
pub(crate) const fn support_reply(from: Status) -> Option<Status> {
    match from {
        Status::New | Status::Reopened => Some(Status::InProgress),
        _ => None,
    }
}

/// Whether a closed ticket may still be brought back by a reply.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Window {
    /// The tenant's days since the closing have not passed.
    Open,
    /// They have.
    Over,
}

impl Window {
    /// Judges a ticket closed at `closed_at` by the tenant's number of days.
    pub(crate) const fn at(closed_at: i64, now: i64, days: u32) -> Self {
        const DAY_MS: i64 = 86_400_000;
        if now.saturating_sub(closed_at) <= days as i64 * DAY_MS {
            Self::Open
        } else {
            Self::Over
        }
    }
}

/// What a client's reply does to a ticket.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ClientReply {
    /// The message is added and the status stays.
    Stays,
    /// The message is added and the ticket is reopened.
    Reopens,
    /// The message opens a new ticket that names this one.
    OpensNew,
}

/// What a client's reply does to a ticket that stands at `from`; the window matters to closed ones.
pub(crate) const fn client_reply(from: Status, window: Window) -> ClientReply {
    match (from, window) {
        (Status::Done, _) | (Status::Closed, Window::Open) => ClientReply::Reopens,
        (Status::Closed, Window::Over) => ClientReply::OpensNew,
        _ => ClientReply::Stays,
    }
}

#[cfg(test)]
mod tests;
