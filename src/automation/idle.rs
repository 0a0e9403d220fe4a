//! Triggers of the clock: an open ticket has lain untouched for so many hours. Each runs once in a stretch of quiet; the
//! stretch ends when a person does something to the ticket, not when a rule does.
use super::{
    facts,
    rule::When,
    run,
    trigger::{self, Trigger},
};
use crate::{
    api::field::{TenantId, TicketId},
    app::App,
    clock::{HOUR, Millis},
    db::{Lane, sql::all},
    error::Result,
    tenant::{self, Tenant, plan::Plan},
};
use rusqlite::Connection;

/// How many tickets one transaction deals with, so that nobody waits long behind them.
const PORTION: usize = 50;

/// Looks for idle tickets and runs the triggers that wait for them.
pub(crate) async fn look(app: App) -> Result<()> {
    let tenants = app.db.read(|db| tenant::all(db)).await?;
    for tenant in tenants
        .into_iter()
        .filter(|t| t.is_active && t.plan >= Plan::Pro)
    {
        let id = tenant.id;
        let triggers = app
            .db
            .read(move |db| trigger::for_event(db, id, When::TicketIdle))
            .await?;
        for trigger in triggers {
            let (owner, asked) = (tenant.clone(), trigger.clone());
            let idle = app
                .db
                .read_on(Lane::Slow, move |db| matching(db, &owner, &asked, db.now))
                .await?;
            for portion in idle.chunks(PORTION) {
                let (owner, trigger, portion) = (tenant.clone(), trigger.clone(), portion.to_vec());
                app.db
                    .write(move |tx| {
                        for id in portion {
                            // Somebody may have touched it, or changed the trigger, since it was looked at.
                            let Some(hours) = trigger.hours else { continue };
                            let still = is_idle(tx, owner.id, &trigger, id, before(tx.now, hours))?;
                            if still && trigger::by_id(tx, owner.id, trigger.id).is_ok() {
                                run::on_ticket(tx, &owner, &trigger, id, None)?;
                            }
                        }
                        Ok(())
                    })
                    .await?;
            }
        }
    }
    Ok(())
}

/// The time before which an idle ticket was last touched.
fn before(now: Millis, hours: f64) -> Millis {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "hours are bounded when they are stored"
    )]
    let idle = (hours * HOUR as f64) as Millis;
    now - idle
}

/// The open tickets that nobody has touched since a time and that the trigger has not run on in this stretch of quiet.
const IDLE: &str = "select t.id
   from ticket t
  where t.tenant_id = ?1 and t.is_open = 1 and t.deleted_at is null and t.updated_at <= ?3
    and (?4 is null or t.id = ?4)
    and not exists (select 1 from trigger_run r
                     where r.tenant_id = ?1 and r.trigger_id = ?2 and r.ticket_id = t.id
                       and r.at >= (select coalesce(max(e.at), 0) from event e
                                     where e.tenant_id = ?1 and e.ticket_id = t.id
                                       and e.actor_type in ('operator', 'client') and e.kind <> 'read'))
  order by t.updated_at, t.id";

fn is_idle(
    conn: &Connection,
    tenant: TenantId,
    trigger: &Trigger,
    ticket: TicketId,
    before: Millis,
) -> Result<bool> {
    let found: Vec<TicketId> = all(
        conn,
        IDLE,
        (tenant, trigger.id, before, Some(ticket)),
        |row| row.get(0),
    )?;
    Ok(!found.is_empty())
}

/// The idle tickets that meet a trigger's conditions.
fn matching(
    conn: &Connection,
    tenant: &Tenant,
    trigger: &Trigger,
    now: Millis,
) -> Result<Vec<TicketId>> {
    let Some(hours) = trigger.hours else {
        return Ok(Vec::new());
    };
    let idle: Vec<TicketId> = all(
        conn,
        IDLE,
        (tenant.id, trigger.id, before(now, hours), None::<TicketId>),
        |row| row.get(0),
    )?;
    let mut matching = Vec::new();
    for id in idle {
        let Some(ticket) = facts::told(conn, tenant.id, id)? else {
            continue;
        };
        let known = facts::of(conn, tenant, &ticket, None, now)?;
        if trigger.conditions.met_by(&known) {
            matching.push(id);
        }
    }
    Ok(matching)
}
