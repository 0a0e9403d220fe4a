//! Tickets that come from another desk with all that was said in them. They happened there: nobody is told of them here, no
//! clock is started for them, and no plan counts them as tickets of the month.
use super::{
    Acting, NewTicket, blank,
    event::{self, Event},
    message::{self, Draft, Reader},
    record::{self, Record},
    status::Status,
    tags,
};
use crate::{
    api::field::{MessageId, OperatorId, TicketId},
    clock::Millis,
    db::sql::{one, run},
    error::Result,
};

/// Where a ticket stands when it arrives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    pub(crate) status: Status,
    pub(crate) assigned_to: Option<OperatorId>,
    pub(crate) first_response_at: Option<Millis>,
    /// When the work was done, if it is.
    pub(crate) done_at: Millis,
    pub(crate) updated_at: Millis,
    /// The last message that the desk had seen; everything, if it is through with the ticket.
    pub(crate) seen: Option<MessageId>,
}

/// Makes a ticket that arrives, under the number `number` if that is free. `note` says in its history where it comes from.
pub(crate) fn begin(
    cx: &Acting<'_>,
    new: NewTicket,
    number: Option<i64>,
    note: &str,
) -> Result<Record> {
    let id = match number {
        Some(number) if take_number(cx, number)? => TicketId(number),
        _ => record::next_number(cx.tx, cx.tenant)?,
    };
    let (phone, previous) = (new.creator_phone.clone(), new.previous);
    let ticket = blank(cx, new, id)?;
    record::insert(cx.tx, &ticket, phone.as_deref(), previous)?;
    let created = Event {
        kind: "created",
        new: Some(ticket.channel.as_str()),
        note: Some(note),
        ..Event::default()
    };
    event::write(cx, ticket.id, &created)?;
    Ok(ticket)
}

/// Takes a number of the tenant's tickets out of turn. Answers whether it was free.
fn take_number(cx: &Acting<'_>, number: i64) -> Result<bool> {
    let free: bool = one(
        cx.tx,
        "select ?2 between 1 and 268435455
                and not exists (select 1 from ticket where tenant_id = ?1 and id = ?2)",
        (cx.tenant, number),
        |row| row.get(0),
    )?;
    if free {
        run(
            cx.tx,
            "update tenant set next_ticket = max(next_ticket, ?2 + 1) where id = ?1",
            (cx.tenant, number),
        )?;
    }
    Ok(free)
}

/// Writes down what was said. The caller settles the ticket afterwards.
pub(crate) fn say(cx: &Acting<'_>, ticket: &mut Record, draft: Draft) -> Result<MessageId> {
    message::write(cx, ticket, draft)
}

/// Gives a ticket the standing it had where it comes from.
pub(crate) fn settle(
    cx: &Acting<'_>,
    ticket: &mut Record,
    standing: &Standing,
    labels: &[String],
) -> Result<()> {
    if ticket.status != standing.status {
        let moved = Event {
            kind: "status",
            old: Some(ticket.status.as_str()),
            new: Some(standing.status.as_str()),
            ..Event::default()
        };
        event::write(cx, ticket.id, &moved)?;
        ticket.status = standing.status;
    }
    let is_open = standing.status.is_open();
    ticket.done_at = (!is_open).then_some(standing.done_at);
    ticket.closed_at = (standing.status == Status::Closed).then_some(standing.done_at);
    ticket.assigned_to = standing.assigned_to;
    ticket.first_response_at = ticket.first_response_at.or(standing.first_response_at);
    tags::set(cx, ticket, labels)?;
    ticket.save(cx.tx, standing.updated_at)?;
    message::mark_read(cx, ticket.id, Reader::Client, MessageId(i64::MAX))?;
    let seen = if is_open {
        standing.seen
    } else {
        Some(MessageId(i64::MAX))
    };
    if let Some(seen) = seen {
        message::mark_read(cx, ticket.id, Reader::Staff, seen)?;
    }
    Ok(())
}

/// The last line of a ticket's history.
pub(crate) fn last_event(cx: &Acting<'_>, ticket: TicketId) -> Result<Option<i64>> {
    one(
        cx.tx,
        "select max(id) from event where tenant_id = ?1 and ticket_id = ?2",
        (cx.tenant, ticket),
        |row| row.get(0),
    )
}
