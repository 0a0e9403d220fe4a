//! Whose attention a ticket has, and when: putting it aside for a while, following it.
use super::tickets::{with_ticket, with_version};
use crate::{
    access::{
        Operator,
        rules::{Needs, Role},
    },
    api::{
        Action, Command, Spec, Write, command,
        field::{Int, OperatorId, TicketId, Time},
    },
    error::Result,
    ticket::{follow, model::TicketView, snooze},
};
use schemars::JsonSchema;
use serde::Deserialize;

pub(super) const ACTIONS: &[Action] = &[
    command::<SnoozeTicket>(),
    command::<UnsnoozeTicket>(),
    command::<FollowTicket>(),
    command::<UnfollowTicket>(),
];

/// Puts a ticket aside until a time to come, or until its client writes. Its clocks go on.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct SnoozeTicket {
    /// The ticket.
    ticket_id: TicketId,
    /// When it comes back.
    until: Time,
    /// The version that the change was made on.
    #[serde(default)]
    version: Option<Int>,
}
impl Spec for SnoozeTicket {
    const NAME: &'static str = "snooze_ticket";
    const NEEDS: Needs = Needs::role(Role::Operator);
    const TITLE: [&'static str; 3] = [
        "Отложить заявку",
        "Өтінімді кейінге қалдыру",
        "Snooze a ticket",
    ];
    const EXAMPLE: &'static str = r#"{"ticket_id":42,"until":"2099-03-19T10:30:00Z"}"#;
    type By = Operator;
    type Output = TicketView;
}
impl Command for SnoozeTicket {
    fn run(self, cx: &Write<'_, Operator>) -> Result<TicketView> {
        with_version(cx, self.ticket_id, self.version, |acting, ticket| {
            snooze::until(acting, ticket, self.until.0)
        })
    }
}

/// Brings back a ticket that was put aside.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct UnsnoozeTicket {
    /// The ticket.
    ticket_id: TicketId,
    /// The version that the change was made on.
    #[serde(default)]
    version: Option<Int>,
}
impl Spec for UnsnoozeTicket {
    const NAME: &'static str = "unsnooze_ticket";
    const NEEDS: Needs = Needs::role(Role::Operator);
    const TITLE: [&'static str; 3] = [
        "Вернуть отложенную заявку",
        "Кейінге қалдырылған өтінімді қайтару",
        "Bring back a snoozed ticket",
    ];
    const EXAMPLE: &'static str = r#"{"ticket_id":42}"#;
    type By = Operator;
    type Output = TicketView;
}
impl Command for UnsnoozeTicket {
    fn run(self, cx: &Write<'_, Operator>) -> Result<TicketView> {
        with_version(cx, self.ticket_id, self.version, snooze::wake)
    }
}

/// Lets the caller follow a ticket, or another operator.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct FollowTicket {
    /// The ticket.
    ticket_id: TicketId,
    /// Who is to follow it; the caller if left out.
    #[serde(default)]
    operator_id: Option<OperatorId>,
}
impl Spec for FollowTicket {
    const NAME: &'static str = "follow_ticket";
    const NEEDS: Needs = Needs::role(Role::Operator);
    const TITLE: [&'static str; 3] = ["Следить за заявкой", "Өтінімді бақылау", "Follow a ticket"];
    const EXAMPLE: &'static str = r#"{"ticket_id":42}"#;
    type By = Operator;
    type Output = TicketView;
}
impl Command for FollowTicket {
    fn run(self, cx: &Write<'_, Operator>) -> Result<TicketView> {
        let who = self.operator_id.unwrap_or(cx.by.id);
        with_ticket(cx, self.ticket_id, |acting, ticket| {
            follow::add(acting, ticket, who)
        })
    }
}

/// Lets the caller follow a ticket no longer, or another operator.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct UnfollowTicket {
    /// The ticket.
    ticket_id: TicketId,
    /// Who is to follow it no longer; the caller if left out.
    #[serde(default)]
    operator_id: Option<OperatorId>,
}
impl Spec for UnfollowTicket {
    const NAME: &'static str = "unfollow_ticket";
    const NEEDS: Needs = Needs::role(Role::Operator);
    const TITLE: [&'static str; 3] = [
        "Не следить за заявкой",
        "Өтінімді бақыламау",
        "Stop following a ticket",
    ];
    const EXAMPLE: &'static str = r#"{"ticket_id":42}"#;
    type By = Operator;
    type Output = TicketView;
}
impl Command for UnfollowTicket {
    fn run(self, cx: &Write<'_, Operator>) -> Result<TicketView> {
        let who = self.operator_id.unwrap_or(cx.by.id);
        with_ticket(cx, self.ticket_id, |acting, ticket| {
            follow::remove(acting, ticket, who)
        })
    }
}
