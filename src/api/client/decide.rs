//! What a client decides about their own ticket: accept, reopen, approve, reject.
use super::{acting, answer, own};
use crate::{
    access::{ClientUser, rules::Needs},
    api::{
        Command, Spec, Write,
        admin::queue::filled,
        field::{Body, Line, TicketId},
    },
    error::Result,
    ticket::{Acting, change, estimate, model::TicketView, record::Record, status::Verb},
};
use schemars::JsonSchema;
use serde::Deserialize;

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
            estimate::decide(acting, ticket, true, None)
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
            estimate::decide(acting, ticket, false, Some(&self.reason))
        })
    }
}
