//! One change made to several tickets. Each answers for itself: one that is refused leaves the others done.
use super::tickets::{UpdateTicket, each};
use crate::{
    access::{
        Operator,
        rules::{Needs, Role},
    },
    api::{
        Action, Command, Spec, Write, command,
        field::{Change, Code, Domain, Flag, Int, List, Name, Subject, TicketId, Time},
    },
    error::{Error, Result},
    lang::Lang,
    tenant::plan::Plan,
    ticket::{
        Acting,
        model::Priority,
        record::{self, Record},
        status::Status,
        tags,
    },
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) const ACTIONS: &[Action] = &[command::<BulkUpdateTickets>()];

/// What became of one of several changes.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Outcome {
    /// The ticket.
    pub(super) id: TicketId,
    /// Whether it was done.
    pub(super) ok: bool,
    /// Why it was refused, in the caller's language.
    pub(super) error: Option<String>,
    /// The machine's word for why.
    pub(super) code: Option<&'static str>,
    /// The parameter that is to blame.
    pub(super) field: Option<String>,
}

impl Outcome {
    pub(super) fn of(id: TicketId, outcome: Result<()>, lang: Lang) -> Outcome {
        let refused = outcome.err();
        Outcome {
            id,
            ok: refused.is_none(),
            error: refused.as_ref().map(|e| e.sentence(lang)),
            code: refused.as_ref().map(|e| e.code().name()),
            field: refused.as_ref().and_then(Error::field).map(str::to_owned),
        }
    }
}

/// Changes the same fields of several tickets; what is left out stays. Each ticket answers for itself.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct BulkUpdateTickets {
    /// The tickets, at most 500.
    ticket_ids: List<TicketId, 500>,
    /// Their new subject.
    #[serde(default)]
    subject: Option<Subject>,
    /// Their new priority.
    #[serde(default)]
    priority: Option<Priority>,
    /// The code of their new category.
    #[serde(default)]
    category: Option<Code>,
    /// Their new status, reached by legal steps.
    #[serde(default)]
    status: Option<Status>,
    /// The operator to put in charge; 0 or null for nobody.
    #[serde(default)]
    assigned_to: Change<Int>,
    /// The names of exactly the tags they are to have.
    #[serde(default)]
    tags: Option<List<Name, 20>>,
    /// The names of tags to give them besides those they have; a new name makes a new tag.
    #[serde(default)]
    add_tags: List<Name, 20>,
    /// The names of tags to take from them; one that no tag has is nobody's.
    #[serde(default)]
    remove_tags: List<Name, 20>,
    /// The client they belong to.
    #[serde(default)]
    portal_domain: Option<Domain>,
    /// When they are due by agreement; null for the rule's time again.
    #[serde(default)]
    due_at: Change<Time>,
    /// Whether to go past estimates that the client has not approved.
    #[serde(default)]
    force: Option<Flag>,
}
impl Spec for BulkUpdateTickets {
    const NAME: &'static str = "bulk_update_tickets";
    const NEEDS: Needs = Needs::role(Role::Operator).editing().plan(Plan::Enterprise);
    const TITLE: [&'static str; 3] = [
        "Изменить несколько заявок",
        "Бірнеше өтінімді өзгерту",
        "Update several tickets",
    ];
    const EXAMPLE: &'static str = r#"{"ticket_ids":[40,41,42],"priority":"urgent"}"#;
    type By = Operator;
    type Output = Vec<Outcome>;
}
impl Command for BulkUpdateTickets {
    fn run(self, cx: &Write<'_, Operator>) -> Result<Vec<Outcome>> {
        let ids = self.ticket_ids.0.clone();
        each(cx, ids, |acting, id| {
            let change = UpdateTicket {
                ticket_id: id,
                subject: self.subject.clone(),
                priority: self.priority,
                category: self.category.clone(),
                status: self.status,
                assigned_to: self.assigned_to.clone(),
                tags: self.tags.clone(),
                portal_domain: self.portal_domain.clone(),
                due_at: self.due_at.clone(),
                force: self.force,
                version: None,
            };
            let mut ticket = record::by_id(cx.tx, cx.by.tenant, id)?;
            change.apply(acting, &mut ticket)?;
            self.label(acting, &ticket)?;
            ticket.save_now(cx.tx)
        })
    }
}

impl BulkUpdateTickets {
    /// Gives a ticket the tags that it is to have besides its own, and takes those that it is to lose.
    fn label(&self, acting: &Acting<'_>, ticket: &Record) -> Result<()> {
        for name in &self.add_tags.0 {
            let tag = tags::named(acting.tx, acting.tenant, name)?;
            tags::add(acting, ticket, tag)?;
        }
        for name in &self.remove_tags.0 {
            if let Some(tag) = tags::find(acting.tx, acting.tenant, name)? {
                tags::remove(acting, ticket, tag)?;
            }
        }
        Ok(())
    }
}
