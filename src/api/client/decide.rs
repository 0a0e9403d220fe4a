//! What a client decides about their own ticket: accept, reopen, approve, reject, rate.
use super::{acting, answer, own};
use crate::{
    access::{ClientUser, rules::Needs},
    api::{
        Command, Spec, Write,
        admin::queue::filled,
        field::{Body, Int, Line, Text, TicketId},
    },
    error::{Error, Fault, Result},
    ticket::{
        Acting, change, csat,
        estimate::{self, Word},
        model::{Origin, TicketView},
        record::Record,
        status::Verb,
    },
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

fn with_own(
    cx: &Write<'_, ClientUser>,
    id: TicketId,
    verb: impl FnOnce(&Acting<'_>, &mut Record) -> Result<()>,
) -> Result<TicketView> {
    let mut ticket = own(cx, id)?;
    verb(&acting(cx), &mut ticket)?;
    ticket.save_now(cx.tx)?;
    answer(cx, id)
}

/// What the caller says to an estimate, and from where.
fn word<'a>(cx: &Write<'_, ClientUser>, version: Option<Int>, reason: Option<&'a str>) -> Word<'a> {
    Word {
        via: Origin::Portal.as_str(),
        address: Some(cx.call.address.to_string()),
        reason,
        version: version.map(|v| v.0),
    }
}

/// Accepts what was done and closes the ticket.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct AcceptTicket {
    /// The ticket.
    ticket_id: TicketId,
}
impl Spec for AcceptTicket {
    const NAME: &'static str = "accept_ticket";
    const NEEDS: Needs = Needs::client();
    const TITLE: [&'static str; 3] = ["Принять работу", "Жұмысты қабылдау", "Accept a ticket"];
    const EXAMPLE: &'static str = r#"{"ticket_id":42}"#;
    type By = ClientUser;
    type Output = TicketView;
}
impl Command for AcceptTicket {
    fn run(self, cx: &Write<'_, ClientUser>) -> Result<TicketView> {
        with_own(cx, self.ticket_id, |acting, ticket| {
            change::by_verb(acting, ticket, Verb::Accept, None)
        })
    }
}

/// Brings back a ticket that was done, or closed not too long ago.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ReopenTicket {
    /// The ticket.
    ticket_id: TicketId,
    /// Why.
    #[serde(default)]
    reason: Option<Line>,
}
impl Spec for ReopenTicket {
    const NAME: &'static str = "reopen_ticket";
    const NEEDS: Needs = Needs::client();
    const TITLE: [&'static str; 3] = [
        "Открыть заявку снова",
        "Өтінімді қайта ашу",
        "Reopen a ticket",
    ];
    const EXAMPLE: &'static str = r#"{"ticket_id":42,"reason":"Ошибка появилась снова"}"#;
    type By = ClientUser;
    type Output = TicketView;
}
impl Command for ReopenTicket {
    fn run(self, cx: &Write<'_, ClientUser>) -> Result<TicketView> {
        let reason = filled(self.reason);
        with_own(cx, self.ticket_id, |acting, ticket| {
            change::reopen_by_client(acting, ticket, reason.as_deref())
        })
    }
}

/// Approves the estimate that waits; the work begins.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ApproveEstimate {
    /// The ticket.
    ticket_id: TicketId,
    /// The version that was looked at. If the desk has made another since, nothing is approved.
    #[serde(default)]
    version: Option<Int>,
}
impl Spec for ApproveEstimate {
    const NAME: &'static str = "approve_estimate";
    const NEEDS: Needs = Needs::client();
    const TITLE: [&'static str; 3] = ["Согласовать смету", "Сметаны бекіту", "Approve an estimate"];
    const EXAMPLE: &'static str = r#"{"ticket_id":42}"#;
    type By = ClientUser;
    type Output = TicketView;
}
impl Command for ApproveEstimate {
    fn run(self, cx: &Write<'_, ClientUser>) -> Result<TicketView> {
        with_own(cx, self.ticket_id, |acting, ticket| {
            let word = word(cx, self.version, None);
            estimate::decide(acting, ticket, true, &word)
        })
    }
}

/// Rejects the estimate that waits; the desk is to make another or to go on without.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct RejectEstimate {
    /// The ticket.
    ticket_id: TicketId,
    /// Why.
    reason: Body,
    /// The version that was looked at.
    #[serde(default)]
    version: Option<Int>,
}
impl Spec for RejectEstimate {
    const NAME: &'static str = "reject_estimate";
    const NEEDS: Needs = Needs::client();
    const TITLE: [&'static str; 3] = [
        "Отклонить смету",
        "Сметаны қабылдамау",
        "Reject an estimate",
    ];
    const EXAMPLE: &'static str = r#"{"ticket_id":42,"reason":"Слишком дорого, давайте обсудим"}"#;
    type By = ClientUser;
    type Output = TicketView;
}
impl Command for RejectEstimate {
    fn run(self, cx: &Write<'_, ClientUser>) -> Result<TicketView> {
        with_own(cx, self.ticket_id, |acting, ticket| {
            let word = word(cx, self.version, Some(&self.reason));
            estimate::decide(acting, ticket, false, &word)
        })
    }
}

/// Rates the work, once for each time it was done, while the ticket is done or closed. Another rating replaces it for a
/// day.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct SubmitCsat {
    /// The ticket.
    ticket_id: TicketId,
    /// How satisfied: 1 to 5.
    rating: Int,
    /// What the caller wants to add.
    #[serde(default)]
    comment: Text,
}
/// The rating, and the ticket it is of.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Rated {
    #[serde(flatten)]
    ticket: TicketView,
    /// The rating.
    rating: i64,
    /// What was added.
    comment: String,
}
impl Spec for SubmitCsat {
    const NAME: &'static str = "submit_csat";
    const NEEDS: Needs = Needs::client();
    const TITLE: [&'static str; 3] = ["Оценить работу", "Жұмысты бағалау", "Rate the work"];
    const EXAMPLE: &'static str = r#"{"ticket_id":42,"rating":5,"comment":"Быстро и по делу"}"#;
    type By = ClientUser;
    type Output = Rated;
}
impl Command for SubmitCsat {
    fn run(self, cx: &Write<'_, ClientUser>) -> Result<Rated> {
        let rating = self.rating.0;
        if !(1..=5).contains(&rating) {
            return Err(Error::invalid("rating", Fault::OutOfRange(1, 5)));
        }
        let comment = self.comment.trim().to_owned();
        if comment.chars().count() > 2000 {
            return Err(Error::invalid("comment", Fault::TooLong(2000)));
        }
        let said = Some(comment.as_str()).filter(|text| !text.is_empty());
        let ticket = with_own(cx, self.ticket_id, |acting, ticket| {
            csat::rate(acting, ticket, rating, said)
        })?;
        Ok(Rated {
            ticket,
            rating,
            comment,
        })
    }
}
