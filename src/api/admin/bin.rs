//! The bin: throwing tickets away and taking them out again.
use super::{
    Deleted,
    tickets::{acting, answer, each},
};
use crate::{
    access::{
        Operator,
        rules::{Needs, Role},
    },
    api::{
        Action, Command, Query, Read, Spec, Write, command,
        field::{Int, List, TicketId},
        query,
    },
    db::sql::Page,
    error::Result,
    tenant::plan::Plan,
    ticket::{
        bin,
        model::{DeletedTicket, TicketView},
    },
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) const ACTIONS: &[Action] = &[
    command::<DeleteTicket>(),
    command::<BulkDeleteTickets>(),
    command::<RestoreTicket>(),
    query::<ListDeletedTickets>(),
];

/// Puts a ticket into the bin. It is found nowhere else, can be restored for 30 days and is then removed with its files.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct DeleteTicket {
    /// The ticket.
    ticket_id: TicketId,
}
impl Spec for DeleteTicket {
    const NAME: &'static str = "delete_ticket";
    const NEEDS: Needs = Needs::role(Role::Supervisor);
    const TITLE: [&'static str; 3] = ["Удалить заявку", "Өтінімді жою", "Delete a ticket"];
    const EXAMPLE: &'static str = r#"{"ticket_id":4}"#;
    type By = Operator;
    type Output = Deleted;
}
impl Command for DeleteTicket {
    const FREES: bool = true;
    fn run(self, cx: &Write<'_, Operator>) -> Result<Deleted> {
        bin::delete(&acting(cx), self.ticket_id)?;
        Ok(Deleted::of(self.ticket_id.0))
    }
}

/// Puts several tickets into the bin; each answers for itself.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct BulkDeleteTickets {
    /// The tickets, at most 500.
    ticket_ids: List<TicketId, 500>,
}
/// What became of one of several deletions.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DeletionOutcome {
    #[serde(flatten)]
    outcome: super::bulk::Outcome,
    /// Whether it is in the bin now.
    deleted: bool,
}
impl Spec for BulkDeleteTickets {
    const NAME: &'static str = "bulk_delete_tickets";
    const NEEDS: Needs = Needs::role(Role::Supervisor).plan(Plan::Enterprise);
    const TITLE: [&'static str; 3] = [
        "Удалить несколько заявок",
        "Бірнеше өтінімді жою",
        "Delete several tickets",
    ];
    const EXAMPLE: &'static str = r#"{"ticket_ids":[2,3]}"#;
    type By = Operator;
    type Output = Vec<DeletionOutcome>;
}
impl Command for BulkDeleteTickets {
    const FREES: bool = true;
    fn run(self, cx: &Write<'_, Operator>) -> Result<Vec<DeletionOutcome>> {
        let outcomes = each(cx, self.ticket_ids.0, bin::delete)?;
        let told = |outcome: super::bulk::Outcome| DeletionOutcome {
            deleted: outcome.ok,
            outcome,
        };
        Ok(outcomes.into_iter().map(told).collect())
    }
}

/// Takes a ticket out of the bin, whole and as it was.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct RestoreTicket {
    /// The ticket.
    ticket_id: TicketId,
}
impl Spec for RestoreTicket {
    const NAME: &'static str = "restore_ticket";
    const NEEDS: Needs = Needs::role(Role::Supervisor);
    const TITLE: [&'static str; 3] = [
        "Восстановить заявку",
        "Өтінімді қалпына келтіру",
        "Restore a ticket",
    ];
    const EXAMPLE: &'static str = r#"{"ticket_id":3}"#;
    type By = Operator;
    type Output = TicketView;
}
impl Command for RestoreTicket {
    fn run(self, cx: &Write<'_, Operator>) -> Result<TicketView> {
        let ticket = bin::restore(&acting(cx), self.ticket_id)?;
        answer(cx, ticket.id)
    }
}

/// Lists the tickets in the bin, the latest deleted first.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ListDeletedTickets {
    /// Which page, from 1.
    #[serde(default)]
    page: Option<Int>,
    /// How many a page has, at most 100.
    #[serde(default)]
    limit: Option<Int>,
}
/// A page of the bin.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DeletedPage {
    /// The tickets of the page.
    tickets: Vec<DeletedTicket>,
    /// How many there are in all.
    total: i64,
    /// Which page this is, from 1.
    page: i64,
    /// How many a page has at most.
    limit: i64,
}
impl Spec for ListDeletedTickets {
    const NAME: &'static str = "list_deleted_tickets";
    const NEEDS: Needs = Needs::role(Role::Supervisor);
    const TITLE: [&'static str; 3] = ["Корзина", "Себет", "List deleted tickets"];
    const EXAMPLE: &'static str = r#"{"page":1,"limit":30}"#;
    type By = Operator;
    type Output = DeletedPage;
}
impl Query for ListDeletedTickets {
    fn run(self, cx: &Read<'_, Operator>) -> Result<DeletedPage> {
        let page = Page::new(self.page.map(|p| p.0), self.limit.map(|l| l.0), 30)?;
        let (tickets, total) = bin::page(cx.db, cx.by.tenant, page, cx.db.now)?;
        Ok(DeletedPage {
            tickets,
            total,
            page: page.page,
            limit: page.limit,
        })
    }
}
