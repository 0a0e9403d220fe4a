//! What a mail's own evidence leads to: tickets by code, by stored id, by number, and what the sender is to each.
use super::unpack::Incoming;
use crate::{
    api::field::{TenantId, TicketId},
    channel::email::{
        thread::{self, Candidate, Fact, Sender, Standing},
        token::Keys,
    },
    clock::Millis,
    db::{Tx, sql::first},
    error::{Code, Result},
    tenant,
    ticket::{
        record::{self, Record},
        status::{Status, Window},
    },
};
use rusqlite::Connection;

/// Looks up what the mail's own evidence points at.
pub(super) fn facts(
    tx: &Tx<'_>,
    tenant: TenantId,
    incoming: &Incoming,
    keys: &Keys,
    sender: &str,
) -> Result<Vec<Fact>> {
    let days = tenant::by_id(tx, tenant)?.settings.reopen_window_days;
    let mut facts = Vec::new();
    for candidate in thread::candidates(&incoming.mail, &incoming.envelope_to, keys) {
        let number = match &candidate {
            Candidate::Proven { ticket, .. } | Candidate::Claimed { ticket } => {
                Some(TicketId(*ticket))
            }
            Candidate::Known { message_id, .. } => first(
                tx,
                "select ticket_id from message where tenant_id = ?1 and mail_id = ?2 order by id desc limit 1",
                (tenant, message_id),
                |row| row.get(0),
            )?,
        };
        let found = match number {
            Some(number) => target(tx, tenant, number)?,
            None => None,
        };
        let taken_in = match found {
            Some(ticket) => {
                let sender = participation(tx, &ticket, sender)?;
                // Whoever held mails of a ticket whose requester was erased may be them: nobody here has seen them before.
                (!ticket.is_unnamed() || sender == Sender::Participant).then_some((ticket, sender))
            }
            None => None,
        };
        let ticket = match taken_in {
            // Evidence of ours that leads nowhere any more.
            None => number.map(|number| thread::Ticket {
                ticket: number.0,
                standing: Standing::Gone,
                sender: Sender::Stranger,
            }),
            Some((ticket, sender)) => Some(thread::Ticket {
                ticket: ticket.id.0,
                standing: standing(&ticket, tx.now, days),
                sender,
            }),
        };
        facts.push(Fact { candidate, ticket });
    }
    Ok(facts)
}

/// The ticket of that number, or the one it went on in.
pub(super) fn target(conn: &Connection, tenant: TenantId, id: TicketId) -> Result<Option<Record>> {
    match record::gone_on(conn, tenant, id) {
        Ok(ticket) => Ok(Some(ticket)),
        Err(error) if error.code() == Code::TicketNotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn standing(ticket: &Record, now: Millis, days: u32) -> Standing {
    let closed = ticket.closed_at.unwrap_or(ticket.updated_at);
    match (ticket.status, Window::at(closed, now, days)) {
        (Status::Closed, Window::Over) => Standing::Expired,
        _ => Standing::Open,
    }
}

fn participation(conn: &Connection, ticket: &Record, sender: &str) -> Result<Sender> {
    if ticket.creator_email.as_deref() == Some(sender) {
        return Ok(Sender::Participant);
    }
    let takes_part: Option<i64> = first(
        conn,
        "select 1 from participant where tenant_id = ?1 and ticket_id = ?2 and email = ?3",
        (ticket.tenant, ticket.id, sender),
        |row| row.get(0),
    )?;
    Ok(if takes_part.is_some() {
        Sender::Participant
    } else {
        Sender::Stranger
    })
}
