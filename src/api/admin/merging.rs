//! Making one ticket of several, and two of one.
use super::tickets::{acting, answer};
use crate::{
    access::{
        Operator,
        rules::{Needs, Role},
    },
    api::{
        Action, Command, Spec, Write, command,
        field::{List, MessageId, Subject, TicketId},
    },
    error::{Error, Result},
    ticket::{merge, message, model::TicketView, record},
};
use schemars::JsonSchema;
use serde::Deserialize;

pub(super) const ACTIONS: &[Action] = &[command::<MergeTickets>(), command::<SplitTicket>()];

/// Merges tickets into another one. Messages, files, hours, tags and followers move; the sources close and name where they
/// went on; whoever wrote in them takes part there, and what is still written to them comes to it.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct MergeTickets {
    /// The ticket to merge.
    #[serde(default)]
    source_id: Option<TicketId>,
    /// Several tickets to merge, in place of one.
    #[serde(default)]
    source_ids: List<TicketId, 50>,
    /// The ticket they go on in.
    target_id: TicketId,
}
impl Spec for MergeTickets {
    const NAME: &'static str = "merge_tickets";
    const NEEDS: Needs = Needs::role(Role::Supervisor);
    const TITLE: [&'static str; 3] = [
        "Объединить заявки",
        "Өтінімдерді біріктіру",
        "Merge tickets",
    ];
    const EXAMPLE: &'static str = r#"{"source_id":41,"target_id":42}"#;
    type By = Operator;
    type Output = TicketView;
}
impl Command for MergeTickets {
    fn run(self, cx: &Write<'_, Operator>) -> Result<TicketView> {
        let field = if self.source_id.is_some() {
            "source_id"
        } else {
            "source_ids"
        };
        let mut sources: Vec<TicketId> = self
            .source_id
            .into_iter()
            .chain(self.source_ids.0)
            .collect();
        sources.sort_unstable();
        sources.dedup();
        if sources.is_empty() {
            return Err(Error::missing("source_id"));
        }
        let acting = acting(cx);
        for source in sources {
            let mut target = record::by_id(cx.tx, cx.by.tenant, self.target_id)
                .map_err(|e| e.on("target_id"))?;
            let mut source = record::by_id(cx.tx, cx.by.tenant, source).map_err(|e| e.on(field))?;
            merge::merge(&acting, &mut source, &mut target)?;
        }
        answer(cx, self.target_id)
    }
}

/// Makes a ticket of its own out of a message and all that follow it.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct SplitTicket {
    /// The message to begin with; not the first of its ticket.
    message_id: MessageId,
    /// The new ticket's subject; that of the old one if left out.
    #[serde(default)]
    subject: Option<Subject>,
}
impl Spec for SplitTicket {
    const NAME: &'static str = "split_ticket";
    const NEEDS: Needs = Needs::role(Role::Supervisor);
    const TITLE: [&'static str; 3] = ["Разделить заявку", "Өтінімді бөлу", "Split a ticket"];
    const EXAMPLE: &'static str = r#"{"message_id":102}"#;
    type By = Operator;
    type Output = TicketView;
}
impl Command for SplitTicket {
    fn run(self, cx: &Write<'_, Operator>) -> Result<TicketView> {
        let from = message::by_id(cx.tx, cx.by.tenant, self.message_id)?;
        let made = merge::split(&acting(cx), &from, self.subject.map(|s| s.0))?;
        answer(cx, made.id)
    }
}
