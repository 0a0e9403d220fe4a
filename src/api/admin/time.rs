//! Time that was spent on tickets.
use super::{Deleted, tickets::acting};
use crate::{
    access::{
        Operator,
        rules::{Needs, Role},
    },
    api::{
        Action, Command, Query, Read, Spec, Write, command,
        field::{Flag, Int, Text, TicketId, Time, TimeEntryId},
        query,
    },
    error::{Code, Error, Fault, Result},
    tenant::plan::Scope::{Read as R, Tickets as T, Write as W},
    ticket::{
        record,
        time::{self, Spent, TimeEntryView},
    },
};
use schemars::JsonSchema;
use serde::Deserialize;

pub(super) const ACTIONS: &[Action] = &[
    command::<LogTime>(),
    query::<ListTimeEntries>(),
    command::<DeleteTimeEntry>(),
];

/// The most that one entry may book, in minutes: 10,000 hours.
const MOST: i64 = 600_000;

/// Books time that the caller spent on a ticket.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct LogTime {
    /// The ticket.
    ticket_id: TicketId,
    /// How long, in minutes.
    minutes: Int,
    /// What was done.
    #[serde(default)]
    description: Text,
    /// Whether it counts on the client's month; it does if left out.
    #[serde(default)]
    billable: Option<Flag>,
    /// When it was spent; now if left out.
    #[serde(default)]
    spent_at: Option<Time>,
}
impl Spec for LogTime {
    const NAME: &'static str = "log_time";
    const NEEDS: Needs = Needs::scopes(&[W, T]);
    const TITLE: [&'static str; 3] = ["Записать время", "Уақытты жазу", "Log time"];
    const EXAMPLE: &'static str =
        r#"{"ticket_id":42,"minutes":45,"description":"Разбор журнала обмена","billable":true}"#;
    type By = Operator;
    type Output = TimeEntryView;
}
impl Command for LogTime {
    fn run(self, cx: &Write<'_, Operator>) -> Result<TimeEntryView> {
        if !(1..=MOST).contains(&self.minutes.0) {
            return Err(Error::invalid("minutes", Fault::OutOfRange(1, MOST)));
        }
        let at = self.spent_at.map_or(cx.tx.now, |at| at.0);
        if at > cx.tx.now {
            return Err(Error::invalid("spent_at", Fault::InFuture));
        }
        let mut ticket = record::by_id(cx.tx, cx.by.tenant, self.ticket_id)?;
        let spent = Spent {
            operator: cx.by.id,
            minutes: self.minutes.0,
            description: self.description.trim(),
            billable: self.billable.is_none_or(|b| b.0),
            at,
        };
        let id = time::log(&acting(cx), &ticket, &spent)?;
        ticket.save_now(cx.tx)?;
        time::by_id(cx.tx, cx.by.tenant, id)
    }
}

/// Lists the time booked on a ticket, in the order it was spent.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ListTimeEntries {
    /// The ticket.
    ticket_id: TicketId,
}
impl Spec for ListTimeEntries {
    const NAME: &'static str = "list_time_entries";
    const NEEDS: Needs = Needs::scopes(&[R, T]);
    const TITLE: [&'static str; 3] = [
        "Записи о времени",
        "Уақыт жазбалары",
        "List a ticket's time entries",
    ];
    const EXAMPLE: &'static str = r#"{"ticket_id":42}"#;
    type By = Operator;
    type Output = Vec<TimeEntryView>;
}
impl Query for ListTimeEntries {
    fn run(self, cx: &Read<'_, Operator>) -> Result<Vec<TimeEntryView>> {
        record::by_id(cx.db, cx.by.tenant, self.ticket_id)?;
        time::list(cx.db, cx.by.tenant, self.ticket_id)
    }
}

/// Takes booked time back. Operators may take back their own; from supervisor on, anybody's.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct DeleteTimeEntry {
    /// The entry.
    #[serde(alias = "entry_id", alias = "id")]
    time_entry_id: TimeEntryId,
}
impl Spec for DeleteTimeEntry {
    const NAME: &'static str = "delete_time_entry";
    const NEEDS: Needs = Needs::scopes(&[W, T]);
    const TITLE: [&'static str; 3] = [
        "Удалить запись о времени",
        "Уақыт жазбасын жою",
        "Delete a time entry",
    ];
    const EXAMPLE: &'static str = r#"{"time_entry_id":1}"#;
    type By = Operator;
    type Output = Deleted;
}
impl Command for DeleteTimeEntry {
    const FREES: bool = true;
    fn run(self, cx: &Write<'_, Operator>) -> Result<Deleted> {
        let entry = time::by_id(cx.tx, cx.by.tenant, self.time_entry_id)?;
        if entry.operator_id != cx.by.id && cx.by.role < Role::Supervisor {
            return Err(
                Error::new(Code::RoleRequired).with("required_role", Role::Supervisor.as_str())
            );
        }
        let mut ticket = record::by_id(cx.tx, cx.by.tenant, entry.ticket_id)?;
        time::delete(&acting(cx), &entry)?;
        ticket.save_now(cx.tx)?;
        Ok(Deleted::of(entry.id.0))
    }
}
