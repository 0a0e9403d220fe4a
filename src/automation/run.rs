//! Runs triggers: which of them an event sets off, in what order, and what keeps them from setting each other off for ever.
use super::{
    Happened,
    act::{self, Act, Kind},
    facts::{self, Told, Values},
    rule::When,
    trigger::{self, Outcome, Trigger},
};
use crate::{
    api::field::{MessageId, TenantId, TicketId, TriggerId},
    clock::HOUR,
    db::{Tx, sql::first},
    error::{Code, Result},
    tenant::{self, Tenant, plan::Plan},
    ticket::{Acting, Actor, model::ActorKind, record},
};

/// The longest chain of triggers that set each other off.
const DEEPEST: usize = 5;
/// How often within an hour one trigger may write to the client of one ticket: two desks that answer each other stop here.
const MOST_MESSAGES: i64 = 5;

/// Runs what an entry of a ticket's history sets off.
pub(super) fn fire(tx: &Tx<'_>, happened: &Happened) -> Result<()> {
    let Some(event) = When::of(happened.kind, happened.author) else {
        return Ok(());
    };
    let triggers = trigger::for_event(tx, happened.tenant, event)?;
    if triggers.is_empty() {
        return Ok(());
    }
    let tenant = tenant::by_id(tx, happened.tenant)?;
    if tenant.plan < Plan::Pro {
        return Ok(());
    }
    for trigger in &triggers {
        if event == When::TicketUpdated && once(tx, happened, trigger.id)? {
            continue;
        }
        on_ticket(tx, &tenant, trigger, happened.ticket, Some(happened))?;
    }
    Ok(())
}

/// Whether a change of fields has been looked at already: what opens a ticket is no change of it, and several fields of one
/// call are one.
fn once(tx: &Tx<'_>, happened: &Happened, trigger: TriggerId) -> Result<bool> {
    if !happened.chain.is_empty() {
        return Ok(false);
    }
    let opened_now: Option<bool> = first(
        tx,
        "select created_at = ?3 from ticket where tenant_id = ?1 and id = ?2",
        (happened.tenant, happened.ticket, tx.now),
        |row| row.get(0),
    )?;
    Ok(
        opened_now == Some(true)
            || trigger::ran_now(tx, happened.tenant, trigger, happened.ticket)?,
    )
}

/// Runs one trigger on one ticket if its conditions are met. That it fails is written in its log and hurts nothing else.
/// Answers whether the conditions were met.
pub(super) fn on_ticket(
    tx: &Tx<'_>,
    tenant: &Tenant,
    trigger: &Trigger,
    id: TicketId,
    happened: Option<&Happened>,
) -> Result<bool> {
    // What is in the bin is left alone.
    if matches!(record::by_id(tx, tenant.id, id), Err(error) if error.code() == Code::TicketNotFound)
    {
        return Ok(false);
    }
    let Some(ticket) = facts::told(tx, tenant.id, id)? else {
        return Ok(false);
    };
    let known = facts::of(tx, tenant, &ticket, happened, tx.now)?;
    if !trigger.conditions.met_by(&known) {
        return Ok(false);
    }
    let chain = happened.map(|h| h.chain.as_slice()).unwrap_or_default();
    let on = (trigger.id, id);
    if chain.contains(&trigger.id) {
        let why = tenant.locale.pick([
            "правило вызвало само себя",
            "ереже өзін-өзі іске қосты",
            "it had set itself off",
        ]);
        trigger::note(tx, tenant.id, on, Outcome::Stopped, &[], Some(why))?;
        return Ok(true);
    }
    if chain.len() >= DEEPEST {
        let why = tenant.locale.pick([
            "слишком длинная цепочка правил",
            "ережелер тізбегі тым ұзын",
            "too many triggers had set each other off",
        ]);
        trigger::note(tx, tenant.id, on, Outcome::Stopped, &[], Some(why))?;
        return Ok(true);
    }
    let mut chain = chain.to_vec();
    chain.push(trigger.id);
    let message = happened.and_then(|h| h.message);
    let (owner, acts) = (tenant.clone(), trigger.clone());
    let outcome = tx.attempt(|tx| carry_out(tx, &owner, &acts, &ticket, chain, message));
    match outcome {
        Ok(done) => trigger::note(tx, tenant.id, on, Outcome::Done, &done, None)?,
        Err(error) => {
            // The database's own troubles are the command's, not the rule's.
            if matches!(error.code(), Code::Internal | Code::Unavailable) {
                return Err(error);
            }
            let why = error.sentence(tenant.locale);
            trigger::note(tx, tenant.id, on, Outcome::Failed, &[], Some(&why))?;
        }
    }
    Ok(true)
}

/// Carries out a trigger's actions and answers those that were.
fn carry_out(
    tx: &Tx<'_>,
    tenant: &Tenant,
    trigger: &Trigger,
    ticket: &Told,
    chain: Vec<TriggerId>,
    message: Option<MessageId>,
) -> Result<Vec<Act>> {
    let actor = Actor {
        kind: ActorKind::Rule,
        id: None,
        name: trigger.name.clone(),
    };
    let cx = Acting::new(tx, tenant.id, actor).after(chain);
    let text = facts::words(tx, tenant.id, ticket.id, message)?;
    let values = Values {
        tenant,
        ticket,
        operator: ticket.assigned_name.as_deref(),
        message: text.as_deref(),
    };
    let mut record = record::by_id(tx, tenant.id, ticket.id)?;
    let mut done = Vec::with_capacity(trigger.actions.len());
    for act in &trigger.actions {
        if act.kind == Kind::SendMessage && !may_write(&cx, trigger.id, ticket.id, message)? {
            continue;
        }
        act::perform(&cx, &mut record, act, &values)?;
        done.push(act.clone());
    }
    record.save_now(tx)?;
    Ok(done)
}

/// Whether a trigger may write to the client: a machine is not answered, and nobody is written to again and again.
fn may_write(
    cx: &Acting<'_>,
    trigger: TriggerId,
    ticket: TicketId,
    message: Option<MessageId>,
) -> Result<bool> {
    let tenant: TenantId = cx.tenant;
    let automatic: Option<bool> = first(
        cx.tx,
        "select automatic from message where tenant_id = ?1 and id = ?2",
        (tenant, message),
        |row| row.get(0),
    )?;
    let lately = trigger::ran_since(cx.tx, tenant, trigger, ticket, cx.tx.now - HOUR)?;
    Ok(automatic != Some(true) && lately < MOST_MESSAGES)
}
