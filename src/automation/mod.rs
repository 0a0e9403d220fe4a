//! What follows from what happens. Every entry of a ticket's history comes through [`happened`]; from it, in the same
//! transaction, come the calls of outgoing webhooks, the notifications of operators, the question how satisfied a client is,
//! and the runs of triggers.
//!
//! Nothing of it runs in the middle of a verb: it is put at the end of the command, when the ticket's row is written. All
//! that is to be told of a command is told before the first trigger changes anything; what triggers change is told in turn.
//! What a trigger does carries the chain of triggers that led to it, so none sets itself off again.
pub(crate) mod act;
pub(crate) mod facts;
pub(crate) mod idle;
pub(crate) mod macros;
pub(crate) mod rule;
pub(crate) mod run;
pub(crate) mod template;
pub(crate) mod trigger;

use crate::{
    api::field::{MessageId, TenantId, TicketId, TriggerId},
    channel::rating,
    clock::Millis,
    db::Tx,
    notification,
    ticket::{Actor, event, model::Author},
    webhook,
};

/// An entry of a ticket's history, as reactions need it.
#[derive(Clone, Debug)]
pub(crate) struct Happened {
    pub(crate) tenant: TenantId,
    pub(crate) ticket: TicketId,
    pub(crate) at: Millis,
    pub(crate) kind: &'static str,
    pub(crate) message: Option<MessageId>,
    pub(crate) author: Option<Author>,
    pub(crate) old: Option<String>,
    pub(crate) new: Option<String>,
    pub(crate) note: Option<String>,
    pub(crate) actor: Actor,
    /// The triggers that led to it, the first one first.
    pub(crate) chain: Vec<TriggerId>,
}

/// Lets everything follow that is to follow.
pub(crate) fn happened(tx: &Tx<'_>, happened: Happened) {
    // That somebody has read a message, or was erased, changes nothing that anybody waits for.
    if matches!(happened.kind, "read" | event::UNNAMED) {
        return;
    }
    tx.after(move |tx| {
        webhook::queue::tell(tx, &happened)?;
        notification::tell(tx, &happened)?;
        rating::ask(tx, &happened)?;
        tx.after(move |tx| run::fire(tx, &happened));
        Ok(())
    });
}
