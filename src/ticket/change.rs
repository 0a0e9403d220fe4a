//! Changing a ticket: its status by legal steps, its clocks, who is in charge, its fields. Each change is a line of the
//! history.
use super::{
    Acting, clock, estimate,
    event::{self, Event},
    model::{Actor, Origin, Priority},
    record::Record,
    search,
    status::{Illegal, Status, Verb, Window},
    time::{self, Spent},
};
use crate::{
    api::field::{ClientId, OperatorId, TenantId, TicketId},
    channel::{chat, config},
    clock::Millis,
    db::sql::{all, first, one},
    error::{Code, Error, Result},
    sla::due::{self, Due, Rule, Rules, breached},
    tenant,
};
use rusqlite::Connection;

impl From<Illegal> for Error {
    fn from(illegal: Illegal) -> Error {
        let allowed: Vec<&str> = illegal.allowed.iter().map(|s| s.as_str()).collect();
        Error::new(Code::IllegalTransition)
            .on("status")
            .with("from", illegal.from.as_str())
            .with("to", illegal.to.as_str())
            .with("allowed", allowed)
    }
}

pub(super) const fn rule_of(rules: &Rules, priority: Priority) -> Rule {
    match priority {
        Priority::Urgent => rules.urgent,
        Priority::Normal => rules.normal,
        Priority::Low => rules.low,
    }
}

/// A merged ticket stays as it is.
pub(super) fn merged(into: TicketId) -> Error {
    Error::new(Code::AlreadyMerged)
        .on("ticket_id")
        .with("merged_into", into.0)
}

/// Moves a ticket as `verb` says; each step is recorded, `reason` with the last.
pub(crate) fn by_verb(
    cx: &Acting<'_>,
    ticket: &mut Record,
    verb: Verb,
    reason: Option<&str>,
) -> Result<()> {
    if let Some(into) = ticket.merged_into {
        return Err(merged(into));
    }
    let steps = verb.steps(ticket.status)?;
    let forces = matches!(verb, Verb::TakeOver | Verb::Force(_));
    if forces && ticket.status == Status::Estimated && !steps.is_empty() {
        estimate::forced(cx, ticket)?;
    }
    for (i, &step) in steps.iter().enumerate() {
        let note = reason.filter(|_| i + 1 == steps.len());
        step_to(cx, ticket, step, note)?;
    }
    Ok(())
}

/// One legal step, with what it does to the clocks.
pub(super) fn step_to(
    cx: &Acting<'_>,
    ticket: &mut Record,
    to: Status,
    note: Option<&str>,
) -> Result<()> {
    let (from, now) = (ticket.status, cx.tx.now);
    if to.clock_runs() && !from.clock_runs() {
        if let Some(since) = ticket.sla_paused_at.filter(|_| from.is_open()) {
            resume(cx, ticket, since)?;
        }
        ticket.sla_paused_at = None;
    } else if to.is_open() && !to.clock_runs() && from.clock_runs() {
        ticket.sla_paused_at = Some(now);
    }
    match to {
        Status::Done => {
            ticket.done_at = Some(now);
            ticket.sla_resolution_breached =
                breached(ticket.due_at.or(ticket.sla_resolution_at), now);
            // Solved without a public answer: the solution was the answer.
            if ticket.first_response_at.is_none() {
                answered(ticket, now);
            }
        }
        Status::Closed => ticket.closed_at = Some(now),
        Status::Reopened => {
            ticket.done_at = None;
            ticket.closed_at = None;
            ticket.sla_resolution_breached = false;
        }
        _ => {}
    }
    if from == Status::Estimated && to != Status::Estimated {
        estimate::supersede(cx, ticket)?;
    }
    ticket.status = to;
    // What is through with needs nobody's attention at a later time.
    ticket.snoozed_until = ticket.snoozed_until.filter(|_| to.is_open());
    let moved = Event {
        kind: "status",
        old: Some(from.as_str()),
        new: Some(to.as_str()),
        note,
        ..Event::default()
    };
    event::write(cx, ticket.id, &moved)?;
    if to.is_open() && !from.is_open() {
        // Rules and hours may be others than when the work was done.
        clock::renew(cx, ticket)?;
    }
    Ok(())
}

/// The first public answer stops the response clock.
pub(super) fn answered(ticket: &mut Record, now: Millis) {
    ticket.first_response_at = Some(now);
    ticket.sla_response_breached = breached(ticket.sla_response_at, now);
}

fn resume(cx: &Acting<'_>, ticket: &mut Record, since: Millis) -> Result<()> {
    let hours = tenant::by_id(cx.tx, cx.tenant)?.hours;
    let shift = |response_at, resolution_at| {
        let due = Due {
            response_at,
            resolution_at,
        };
        due::resume(due, since, cx.tx.now, &hours)
    };
    let due = shift(ticket.sla_response_at, ticket.sla_resolution_at);
    let warn = shift(ticket.sla_response_warn_at, ticket.sla_resolution_warn_at);
    if ticket.first_response_at.is_none() {
        ticket.sla_response_at = due.response_at;
        ticket.sla_response_warn_at = warn.response_at;
    }
    ticket.sla_resolution_at = due.resolution_at;
    // A time agreed on by hand does not move, nor does its warning.
    if ticket.due_at.is_none() {
        ticket.sla_resolution_warn_at = warn.resolution_at;
    }
    Ok(())
}

/// Puts an operator in charge, or nobody.
pub(crate) fn assign(cx: &Acting<'_>, ticket: &mut Record, to: Option<OperatorId>) -> Result<()> {
    if ticket.assigned_to == to {
        return Ok(());
    }
    let name_of = |id: OperatorId| -> Result<Option<String>> {
        first(
            cx.tx,
            "select name from operator where tenant_id = ?1 and id = ?2 and is_active",
            (cx.tenant, id),
            |row| row.get(0),
        )
    };
    let new = match to {
        Some(id) => {
            Some(name_of(id)?.ok_or_else(|| Error::new(Code::OperatorNotFound).on("assigned_to"))?)
        }
        None => None,
    };
    let old = ticket.assigned_to.map(name_of).transpose()?.flatten();
    ticket.assigned_to = to;
    let assigned = Event {
        kind: "assigned",
        old: old.as_deref(),
        new: new.as_deref(),
        ..Event::default()
    };
    event::write(cx, ticket.id, &assigned)
}

fn field(cx: &Acting<'_>, ticket: &Record, kind: &'static str, old: &str, new: &str) -> Result<()> {
    let changed = Event {
        kind,
        old: Some(old),
        new: Some(new),
        ..Event::default()
    };
    event::write(cx, ticket.id, &changed)
}

pub(crate) fn set_subject(cx: &Acting<'_>, ticket: &mut Record, subject: String) -> Result<()> {
    if ticket.subject != subject {
        field(cx, ticket, "subject", &ticket.subject, &subject)?;
        search::renew(cx.tx, cx.tenant, ticket.id, &subject)?;
        ticket.subject = subject;
    }
    Ok(())
}

pub(crate) fn set_category(cx: &Acting<'_>, ticket: &mut Record, category: String) -> Result<()> {
    if ticket.category != category {
        field(cx, ticket, "category", &ticket.category, &category)?;
        ticket.category = category;
    }
    Ok(())
}

/// Another priority has other times: they are counted anew from when the ticket was opened, pauses left out.
pub(crate) fn set_priority(cx: &Acting<'_>, ticket: &mut Record, priority: Priority) -> Result<()> {
    if ticket.priority == priority {
        return Ok(());
    }
    field(
        cx,
        ticket,
        "priority",
        ticket.priority.as_str(),
        priority.as_str(),
    )?;
    ticket.priority = priority;
    clock::renew(cx, ticket)
}

pub(crate) fn set_client(cx: &Acting<'_>, ticket: &mut Record, client: ClientId) -> Result<()> {
    if ticket.client == Some(client) {
        return Ok(());
    }
    let name_of = |id: ClientId| -> Result<String> {
        one(
            cx.tx,
            "select company_name from client where tenant_id = ?1 and id = ?2",
            (cx.tenant, id),
            |row| row.get(0),
        )
    };
    let old = ticket.client.map(name_of).transpose()?;
    let new = name_of(client)?;
    ticket.client = Some(client);
    // A portal's user numbers are its own: the user of that number at the other client is somebody else.
    ticket.client_user_id = 0;
    ticket.client_session = None;
    let changed = Event {
        kind: "client",
        old: old.as_deref(),
        new: Some(&new),
        ..Event::default()
    };
    event::write(cx, ticket.id, &changed)?;
    // The hours that were booked on the ticket are the client's whose work it was.
    time::move_to(cx, ticket, client)?;
    clock::renew(cx, ticket)
}

pub(crate) fn set_due(cx: &Acting<'_>, ticket: &mut Record, due: Option<Millis>) -> Result<()> {
    if ticket.due_at != due {
        let (old, new) = (
            ticket.due_at.map(crate::clock::wire),
            due.map(crate::clock::wire),
        );
        clock::agree(cx, ticket, due)?;
        let changed = Event {
            kind: "due",
            old: old.as_deref(),
            new: new.as_deref(),
            ..Event::default()
        };
        event::write(cx, ticket.id, &changed)?;
    }
    Ok(())
}

/// Delivers the work: what was done, and the hours it took.
pub(crate) fn complete(
    cx: &Acting<'_>,
    ticket: &mut Record,
    result: String,
    hours_spent: Option<f64>,
) -> Result<()> {
    by_verb(cx, ticket, Verb::Complete, Some(&result))?;
    ticket.result = Some(result);
    if let (Some(hours), Some(operator)) = (hours_spent, cx.operator()) {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "hours are bounded far below"
        )]
        let minutes = (hours * 60.0).round() as i64;
        if minutes > 0 {
            let spent = Spent {
                operator,
                minutes,
                description: ticket.result.as_deref().unwrap_or_default(),
                billable: true,
                at: cx.tx.now,
            };
            time::log(cx, ticket, &spent)?;
        }
    }
    Ok(())
}

/// A client brings a ticket back: one that was closed longer ago than the tenant's days stays closed.
pub(crate) fn reopen_by_client(
    cx: &Acting<'_>,
    ticket: &mut Record,
    reason: Option<&str>,
) -> Result<()> {
    let days = tenant::by_id(cx.tx, cx.tenant)?.settings.reopen_window_days;
    let closed_at = ticket.closed_at.unwrap_or(ticket.updated_at);
    if ticket.status == Status::Closed && Window::at(closed_at, cx.tx.now, days) == Window::Over {
        let refused = Illegal {
            from: Status::Closed,
            to: Status::Reopened,
            allowed: Vec::new(),
        };
        return Err(refused.into());
    }
    by_verb(cx, ticket, Verb::Reopen, reason)
}

/// Some of the tickets that were done until then and are not closed. The plus has SQLite look among those that are done: those
/// that were done once are nearly all there are.
pub(super) fn stale(conn: &Connection, tenant: TenantId, before: Millis) -> Result<Vec<TicketId>> {
    all(
        conn,
        "select id from ticket
          where tenant_id = ?1 and status = 'done' and deleted_at is null and +done_at <= ?2
          limit 200",
        (tenant, before),
        |row| row.get(0),
    )
}

/// Closes what was done and left unanswered for the tenant's days. Answers how many were closed.
pub(crate) fn close_stale(tx: &crate::db::Tx<'_>, tenant: &tenant::Tenant) -> Result<usize> {
    if tenant.settings.auto_close_days == 0 {
        return Ok(0);
    }
    let before = tx.now - i64::from(tenant.settings.auto_close_days) * crate::clock::DAY;
    let ids = stale(tx, tenant.id, before)?;
    let cx = Acting::new(tx, tenant.id, Actor::system());
    for &id in &ids {
        let mut ticket = super::record::by_id(tx, tenant.id, id)?;
        by_verb(&cx, &mut ticket, Verb::AutoClose, None)?;
        ticket.save(tx, tx.now)?;
    }
    Ok(ids.len())
}

/// How the answers of a ticket reach its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WayOut {
    /// The client reads them where the ticket was opened.
    Here,
    /// By the ticket's channel.
    Channel,
    /// They should leave by mail or in a chat and cannot.
    Nowhere,
}

/// Finds the way out of a ticket. One whose channel is gone goes on by the tenant's first mailbox.
pub(crate) fn way_out(cx: &Acting<'_>, ticket: &mut Record) -> Result<WayOut> {
    match ticket.channel {
        Origin::Email => {}
        Origin::Telegram | Origin::Whatsapp | Origin::Max => {
            let place = (ticket.channel_id, ticket.contact);
            let chat = chat::of_ticket(cx.tx, cx.tenant, ticket.id, place)?;
            return Ok(chat.map_or(WayOut::Nowhere, |_| WayOut::Channel));
        }
        Origin::Api | Origin::Portal | Origin::Widget | Origin::Phone => return Ok(WayOut::Here),
    }
    if ticket.channel_id.is_none() {
        ticket.channel_id = config::default_email(cx.tx, cx.tenant)?;
    }
    Ok(match (ticket.channel_id, &ticket.creator_email) {
        (Some(_), Some(_)) => WayOut::Channel,
        _ => WayOut::Nowhere,
    })
}
