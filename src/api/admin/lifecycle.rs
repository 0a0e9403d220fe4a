//! The verbs of a ticket's life: take, hand over, estimate, complete, hold, resume, reopen, label.
use super::{
    queue::filled,
    tickets::{with_ticket, with_version},
};
use crate::{
    access::{
        Operator,
        rules::{Needs, Role},
    },
    api::{
        Action, Command, Spec, Write, command,
        field::{Amount, Body, Flag, Int, Line, Name, OperatorId, TagId, TicketId},
    },
    channel::inbound::button,
    error::{Error, Fault, Result},
    tenant::plan::Scope::{Tickets as T, Write as W},
    ticket::{
        change, estimate,
        model::TicketView,
        status::{Status, Verb},
        tags,
    },
};
use schemars::JsonSchema;
use serde::Deserialize;

pub(super) const ACTIONS: &[Action] = &[
    command::<TakeTicket>(),
    command::<ReassignTicket>(),
    command::<SetEstimate>(),
    command::<CompleteTicket>(),
    command::<HoldTicket>(),
    command::<ResumeTicket>(),
    command::<ReopenTicket>(),
    command::<AddTicketTag>(),
    command::<RemoveTicketTag>(),
];

/// Puts the caller in charge of a ticket. With `force`, work on an estimated ticket begins without the client's approval.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct TakeTicket {
    /// The ticket.
    ticket_id: TicketId,
    /// Whether to go past an estimate that the client has not approved.
    #[serde(default)]
    force: Flag,
}
impl Spec for TakeTicket {
    const NAME: &'static str = "take_ticket";
    const NEEDS: Needs = Needs::scopes(&[W, T]);
    const TITLE: [&'static str; 3] = ["Взять заявку", "Өтінімді өзіме алу", "Take a ticket"];
    const EXAMPLE: &'static str = r#"{"ticket_id":42}"#;
    type By = Operator;
    type Output = TicketView;
}
impl Command for TakeTicket {
    fn run(self, cx: &Write<'_, Operator>) -> Result<TicketView> {
        with_ticket(cx, self.ticket_id, |acting, ticket| {
            change::assign(acting, ticket, Some(cx.by.id))?;
            if self.force.0 && ticket.status == Status::Estimated {
                change::by_verb(acting, ticket, Verb::TakeOver, None)?;
            }
            Ok(())
        })
    }
}

/// Puts another operator in charge of a ticket.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ReassignTicket {
    /// The ticket.
    ticket_id: TicketId,
    /// The operator to put in charge.
    assigned_to: OperatorId,
}
impl Spec for ReassignTicket {
    const NAME: &'static str = "reassign_ticket";
    const NEEDS: Needs = Needs::scopes(&[W, T]);
    const TITLE: [&'static str; 3] = [
        "Передать заявку",
        "Өтінімді басқа қызметкерге беру",
        "Reassign a ticket",
    ];
    const EXAMPLE: &'static str = r#"{"ticket_id":42,"assigned_to":2}"#;
    type By = Operator;
    type Output = TicketView;
}
impl Command for ReassignTicket {
    fn run(self, cx: &Write<'_, Operator>) -> Result<TicketView> {
        with_ticket(cx, self.ticket_id, |acting, ticket| {
            change::assign(acting, ticket, Some(self.assigned_to))
        })
    }
}

/// Refuses more hours than anybody works on a ticket.
fn within(field: &'static str, hours: Amount) -> Result<()> {
    const MOST: i64 = 10_000;
    if hours.0 > 10_000.0 {
        return Err(Error::invalid(field, Fault::OutOfRange(0, MOST)));
    }
    Ok(())
}

/// Offers the client an estimate and waits for their word.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct SetEstimate {
    /// The ticket.
    ticket_id: TicketId,
    /// The hours of work, more than zero.
    hours: Amount,
    /// What will be done.
    description: Body,
    /// What it costs; the hours at the client's rate if left out.
    #[serde(default)]
    cost: Option<Amount>,
}
impl Spec for SetEstimate {
    const NAME: &'static str = "set_estimate";
    const NEEDS: Needs = Needs::scopes(&[W, T]);
    const TITLE: [&'static str; 3] = ["Выставить смету", "Смета ұсыну", "Set an estimate"];
    const EXAMPLE: &'static str =
        r#"{"ticket_id":42,"hours":3.5,"description":"Настройка обмена с 1С"}"#;
    type By = Operator;
    type Output = TicketView;
}
impl Command for SetEstimate {
    fn run(self, cx: &Write<'_, Operator>) -> Result<TicketView> {
        if self.hours.0 <= 0.0 {
            return Err(Error::invalid("hours", Fault::NotAboveZero));
        }
        within("hours", self.hours)?;
        with_ticket(cx, self.ticket_id, |acting, ticket| {
            estimate::offer(
                acting,
                ticket,
                self.hours.0,
                &self.description,
                self.cost.map(|c| c.0),
            )?;
            button::ask_about_estimate(cx.tx, &cx.app.secret, ticket)
        })
    }
}

/// Delivers the work of a ticket. With `version`, a ticket that somebody else has changed since is left as it is.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct CompleteTicket {
    /// The ticket.
    ticket_id: TicketId,
    /// What was done.
    result: Body,
    /// The hours it took, at most 10,000: booked on the ticket and on the client's month.
    #[serde(default)]
    hours_spent: Option<Amount>,
    /// The version that the change was made on.
    #[serde(default)]
    version: Option<Int>,
}
impl Spec for CompleteTicket {
    const NAME: &'static str = "complete_ticket";
    const NEEDS: Needs = Needs::scopes(&[W, T]);
    const TITLE: [&'static str; 3] = ["Завершить заявку", "Өтінімді аяқтау", "Complete a ticket"];
    const EXAMPLE: &'static str =
        r#"{"ticket_id":42,"result":"Service restarted, monitoring confirmed normal operation"}"#;
    type By = Operator;
    type Output = TicketView;
}
impl Command for CompleteTicket {
    fn run(self, cx: &Write<'_, Operator>) -> Result<TicketView> {
        self.hours_spent
            .map_or(Ok(()), |hours| within("hours_spent", hours))?;
        with_version(cx, self.ticket_id, self.version, |acting, ticket| {
            change::complete(acting, ticket, self.result.0, self.hours_spent.map(|h| h.0))
        })
    }
}

/// An action that moves a ticket by one verb, with an optional reason.
macro_rules! move_action {
    ($(#[$doc:meta])* $type:ident, $name:literal, $verb:expr, $title:expr) => {
        $(#[$doc])*
        #[derive(Debug, Deserialize, JsonSchema)]
        pub(crate) struct $type {
            /// The ticket.
            ticket_id: TicketId,
            /// Why.
            #[serde(default)]
            reason: Option<Line>,
            /// The version that the change was made on.
            #[serde(default)]
            version: Option<Int>,
        }
        impl Spec for $type {
            const NAME: &'static str = $name;
            const NEEDS: Needs = Needs::scopes(&[W, T]);
            const TITLE: [&'static str; 3] = $title;
            const EXAMPLE: &'static str = r#"{"ticket_id":42}"#;
            type By = Operator;
            type Output = TicketView;
        }
        impl Command for $type {
            fn run(self, cx: &Write<'_, Operator>) -> Result<TicketView> {
                let reason = filled(self.reason);
                with_version(cx, self.ticket_id, self.version, |acting, ticket| {
                    change::by_verb(acting, ticket, $verb, reason.as_deref())
                })
            }
        }
    };
}

move_action!(
    /// Puts a ticket on hold; its clocks stand still.
    HoldTicket,
    "hold_ticket",
    Verb::Hold,
    ["Приостановить заявку", "Өтінімді кідірту", "Put a ticket on hold"]
);
move_action!(
    /// Goes on with a ticket that was on hold.
    ResumeTicket,
    "resume_ticket",
    Verb::Resume,
    ["Возобновить заявку", "Өтінімді жалғастыру", "Resume a ticket"]
);
move_action!(
    /// Brings back a ticket that was done or closed.
    ReopenTicket,
    "reopen_ticket",
    Verb::Reopen,
    ["Открыть заявку снова", "Өтінімді қайта ашу", "Reopen a ticket"]
);

/// Which tag, by id or by name. `named` says what a name that no tag has yet comes to.
fn tag_of(
    id: Option<TagId>,
    name: Option<Name>,
    named: impl FnOnce(&str) -> Result<TagId>,
) -> Result<TagId> {
    match (id, name) {
        (Some(id), _) => Ok(id),
        (None, Some(name)) => named(&name),
        (None, None) => Err(Error::missing("tag_id")),
    }
}

/// Gives a ticket a tag, named by id or by name.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct AddTicketTag {
    /// The ticket.
    ticket_id: TicketId,
    /// The tag.
    #[serde(default)]
    tag_id: Option<TagId>,
    /// The tag's name, in place of its id; a new name makes a new tag.
    #[serde(default)]
    name: Option<Name>,
    /// The version that the change was made on.
    #[serde(default)]
    version: Option<Int>,
}
impl Spec for AddTicketTag {
    const NAME: &'static str = "add_ticket_tag";
    const NEEDS: Needs = Needs::role(Role::Operator).editing();
    const TITLE: [&'static str; 3] = ["Добавить метку", "Белгі қосу", "Add a tag to a ticket"];
    const EXAMPLE: &'static str = r#"{"ticket_id":42,"name":"vip"}"#;
    type By = Operator;
    type Output = TicketView;
}
impl Command for AddTicketTag {
    fn run(self, cx: &Write<'_, Operator>) -> Result<TicketView> {
        let (id, name) = (self.tag_id, self.name);
        with_version(cx, self.ticket_id, self.version, |acting, ticket| {
            tags::add(
                acting,
                ticket,
                tag_of(id, name, |name| tags::named(cx.tx, cx.by.tenant, name))?,
            )
        })
    }
}

/// Takes a tag from a ticket, named by id or by name.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct RemoveTicketTag {
    /// The ticket.
    ticket_id: TicketId,
    /// The tag.
    #[serde(default)]
    tag_id: Option<TagId>,
    /// The tag's name, in place of its id.
    #[serde(default)]
    name: Option<Name>,
    /// The version that the change was made on.
    #[serde(default)]
    version: Option<Int>,
}
impl Spec for RemoveTicketTag {
    const NAME: &'static str = "remove_ticket_tag";
    const NEEDS: Needs = Needs::role(Role::Operator).editing();
    const TITLE: [&'static str; 3] = [
        "Снять метку",
        "Белгіні алып тастау",
        "Remove a tag from a ticket",
    ];
    const EXAMPLE: &'static str = r#"{"ticket_id":42,"name":"vip"}"#;
    type By = Operator;
    type Output = TicketView;
}
impl Command for RemoveTicketTag {
    fn run(self, cx: &Write<'_, Operator>) -> Result<TicketView> {
        let (id, name) = (self.tag_id, self.name);
        with_version(cx, self.ticket_id, self.version, |acting, ticket| {
            tags::remove(
                acting,
                ticket,
                tag_of(id, name, |name| tags::known(cx.tx, cx.by.tenant, name))?,
            )
        })
    }
}
