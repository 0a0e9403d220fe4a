//! Triggers as they are kept, and what became of their runs.
use super::{
    act::Act,
    rule::{Conditions, When},
};
use crate::{
    api::field::{At, TenantId, TicketId, TriggerId},
    clock::{DAY, Millis},
    db::{
        Tx,
        sql::{Page, all, one, run},
    },
    error::{Code, Error, Result},
    ticket::model::words,
};
use rusqlite::{Connection, Row};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// A trigger: when something happens, if it is so, then it is done.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Trigger {
    /// The trigger.
    pub(crate) id: TriggerId,
    /// What it is called.
    pub(crate) name: String,
    /// When it looks at a ticket.
    pub(crate) event: When,
    /// For `ticket_idle`: after how many hours without a change.
    pub(crate) hours: Option<f64>,
    /// What must be so.
    pub(crate) conditions: Conditions,
    /// What is then done, in order.
    pub(crate) actions: Vec<Act>,
    /// Whether it is switched on.
    pub(crate) is_active: bool,
    /// Its place: of several for one event the first in order runs first.
    pub(crate) position: i64,
}

fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|e| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, e.into())
    })
}

fn read(row: &Row<'_>) -> rusqlite::Result<Trigger> {
    Ok(Trigger {
        id: row.get(0)?,
        name: row.get(1)?,
        event: row.get(2)?,
        hours: row.get(3)?,
        conditions: json(row, 4)?,
        actions: json(row, 5)?,
        is_active: row.get(6)?,
        position: row.get(7)?,
    })
}

/// The triggers of a tenant in order, or the one of `id`.
pub(crate) fn list(
    conn: &Connection,
    tenant: TenantId,
    id: Option<TriggerId>,
) -> Result<Vec<Trigger>> {
    all(
        conn,
        "select id, name, event, idle_hours, conditions, actions, is_active, position
           from trigger
          where tenant_id = ?1 and (?2 is null or id = ?2)
          order by position, id",
        (tenant, id),
        read,
    )
}

pub(crate) fn by_id(conn: &Connection, tenant: TenantId, id: TriggerId) -> Result<Trigger> {
    list(conn, tenant, Some(id))?
        .pop()
        .ok_or_else(|| Error::new(Code::TriggerNotFound).on("trigger_id"))
}

/// The triggers that are switched on for an event, in the order in which they run.
pub(crate) fn for_event(conn: &Connection, tenant: TenantId, event: When) -> Result<Vec<Trigger>> {
    all(
        conn,
        "select id, name, event, idle_hours, conditions, actions, is_active, position
           from trigger
          where tenant_id = ?1 and event = ?2 and is_active
          order by position, id",
        (tenant, event),
        read,
    )
}

/// What a trigger is made of.
#[derive(Debug)]
pub(crate) struct New {
    pub(crate) name: String,
    pub(crate) event: When,
    pub(crate) hours: Option<f64>,
    pub(crate) conditions: Conditions,
    pub(crate) actions: Vec<Act>,
    pub(crate) is_active: bool,
    /// Its place; the last if left out.
    pub(crate) position: Option<i64>,
}

/// Makes a trigger, or makes the one of `id` another.
pub(crate) fn save(
    conn: &Connection,
    tenant: TenantId,
    id: Option<TriggerId>,
    new: &New,
    now: Millis,
) -> Result<TriggerId> {
    let last = || {
        one(
            conn,
            "select coalesce(max(position), 0) + 1 from trigger where tenant_id = ?1",
            [tenant],
            |row| row.get(0),
        )
    };
    let (conditions, actions) = (
        serde_json::to_string(&new.conditions)?,
        serde_json::to_string(&new.actions)?,
    );
    match id {
        Some(id) => {
            let position = match new.position {
                Some(position) => position,
                None => by_id(conn, tenant, id)?.position,
            };
            let changed = run(
                conn,
                "update trigger
                    set name = ?3, event = ?4, idle_hours = ?5, conditions = ?6, actions = ?7, is_active = ?8, position = ?9
                  where tenant_id = ?1 and id = ?2",
                (
                    tenant,
                    id,
                    &new.name,
                    new.event,
                    new.hours,
                    conditions,
                    actions,
                    new.is_active,
                    position,
                ),
            )?;
            match changed {
                0 => Err(Error::new(Code::TriggerNotFound).on("id")),
                _ => Ok(id),
            }
        }
        None => {
            let position = new.position.map_or_else(last, Ok)?;
            run(
                conn,
                "insert into trigger (tenant_id, name, event, idle_hours, conditions, actions, is_active, position, created_at)
                 values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                (
                    tenant,
                    &new.name,
                    new.event,
                    new.hours,
                    conditions,
                    actions,
                    new.is_active,
                    position,
                    now,
                ),
            )?;
            Ok(TriggerId(conn.last_insert_rowid()))
        }
    }
}

pub(crate) fn delete(conn: &Connection, tenant: TenantId, id: TriggerId) -> Result<()> {
    match run(
        conn,
        "delete from trigger where tenant_id = ?1 and id = ?2",
        (tenant, id),
    )? {
        0 => Err(Error::new(Code::TriggerNotFound).on("trigger_id")),
        _ => Ok(()),
    }
}

words! {
    /// What a run came to.
    #[schemars(rename = "RunOutcome")]
    Outcome {
        /// All actions were carried out.
        Done = "done",
        /// One failed, so none was.
        Failed = "failed",
        /// It was not let run again: it had set itself off.
        Stopped = "stopped",
    }
}

/// A run of a trigger on a ticket that met its conditions.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "TriggerRun")]
pub(crate) struct Run {
    /// The run.
    pub(crate) id: i64,
    /// The trigger.
    pub(crate) trigger_id: TriggerId,
    /// What it is called.
    pub(crate) trigger_name: String,
    /// The ticket.
    pub(crate) ticket_id: TicketId,
    /// What it is about.
    pub(crate) subject: String,
    /// When it looked at the ticket.
    pub(crate) event: When,
    /// What it came to.
    pub(crate) outcome: Outcome,
    /// The actions that were carried out.
    pub(crate) actions: Vec<Act>,
    /// Why it failed or was stopped.
    pub(crate) error: Option<String>,
    /// When.
    pub(crate) created_at: At,
}

/// Writes down what a run came to.
pub(crate) fn note(
    tx: &Tx<'_>,
    tenant: TenantId,
    (trigger, ticket): (TriggerId, TicketId),
    outcome: Outcome,
    actions: &[Act],
    error: Option<&str>,
) -> Result<()> {
    run(
        tx,
        "insert into trigger_run (tenant_id, trigger_id, ticket_id, at, outcome, done, error)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        (
            tenant,
            trigger,
            ticket,
            tx.now,
            outcome,
            serde_json::to_string(actions)?,
            error,
        ),
    )?;
    Ok(())
}

/// A page of runs, the newest first, and how many there are.
pub(crate) fn runs(
    conn: &Connection,
    tenant: TenantId,
    trigger: Option<TriggerId>,
    ticket: Option<TicketId>,
    page: Page,
) -> Result<(Vec<Run>, i64)> {
    let total = one(
        conn,
        "select count(*) from trigger_run
          where tenant_id = ?1 and (?2 is null or trigger_id = ?2) and (?3 is null or ticket_id = ?3)",
        (tenant, trigger, ticket),
        |row| row.get(0),
    )?;
    let runs = all(
        conn,
        "select r.id, r.trigger_id, g.name, r.ticket_id, t.subject, g.event, r.outcome, r.done, r.error, r.at
           from trigger_run r
           join trigger g on g.tenant_id = r.tenant_id and g.id = r.trigger_id
           join ticket t on t.tenant_id = r.tenant_id and t.id = r.ticket_id
          where r.tenant_id = ?1 and (?2 is null or r.trigger_id = ?2) and (?3 is null or r.ticket_id = ?3)
          order by r.id desc
          limit ?4 offset ?5",
        (tenant, trigger, ticket, page.limit, page.offset()),
        |row| {
            Ok(Run {
                id: row.get(0)?,
                trigger_id: row.get(1)?,
                trigger_name: row.get(2)?,
                ticket_id: row.get(3)?,
                subject: row.get(4)?,
                event: row.get(5)?,
                outcome: row.get(6)?,
                actions: json(row, 7)?,
                error: row.get(8)?,
                created_at: row.get(9)?,
            })
        },
    )?;
    Ok((runs, total))
}

/// Whether the trigger has run on a ticket in this very transaction.
pub(super) fn ran_now(tx: &Tx<'_>, tenant: TenantId, id: TriggerId, on: TicketId) -> Result<bool> {
    one(
        tx,
        "select exists (select 1 from trigger_run
                         where tenant_id = ?1 and trigger_id = ?2 and ticket_id = ?3 and at = ?4)",
        (tenant, id, on, tx.now),
        |row| row.get(0),
    )
}

/// How often the trigger has run on a ticket since a time.
pub(super) fn ran_since(
    tx: &Tx<'_>,
    tenant: TenantId,
    id: TriggerId,
    on: TicketId,
    since: Millis,
) -> Result<i64> {
    one(
        tx,
        "select count(*) from trigger_run
          where tenant_id = ?1 and trigger_id = ?2 and ticket_id = ?3 and at >= ?4 and outcome = 'done'",
        (tenant, id, on, since),
        |row| row.get(0),
    )
}

/// How long runs are kept.
const KEPT: Millis = 30 * DAY;

/// Forgets old runs. One of a ticket that still lies idle is what keeps its trigger from running again, and stays.
pub(crate) fn tidy(tx: &Tx<'_>) -> Result<()> {
    run(
        tx,
        "delete from trigger_run
          where at <= ?1
            and not exists (select 1 from trigger g
                              join ticket t on t.tenant_id = trigger_run.tenant_id and t.id = trigger_run.ticket_id
                             where g.tenant_id = trigger_run.tenant_id and g.id = trigger_run.trigger_id
                               and g.event = 'ticket_idle' and t.is_open = 1)",
        [tx.now - KEPT],
    )?;
    Ok(())
}
