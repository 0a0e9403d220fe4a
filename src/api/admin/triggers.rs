//! Triggers for admins: keeping them, trying them without consequences, and what their runs came to.
use super::Deleted;
use crate::{
    access::{
        Operator,
        rules::{Needs, Role},
    },
    api::{
        Action, Command, Query, Read, Slow, Spec, Task, Write, command,
        field::{Amount, Flag, Given, Int, Name, Position, TenantId, TicketId, TriggerId},
        query, task,
    },
    audit,
    automation::{
        act::{self, Act, Kind, Place},
        facts::{self, Values},
        rule::{Condition, Conditions, Facts, When},
        trigger::{self, Run, Trigger},
    },
    clock::Millis,
    db::{
        Lane,
        sql::{Page, all},
    },
    error::{Error, Fault, Result},
    tenant::{self, Tenant, plan::Plan},
    ticket::{Actor, record},
    webhook,
};
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(super) const ACTIONS: &[Action] = &[
    query::<ListTriggers>(),
    task::<SaveTrigger>(),
    command::<DeleteTrigger>(),
    query::<TestTrigger>(),
    query::<ListTriggerRuns>(),
];

const NEEDS: Needs = Needs::role(Role::Admin).plan(Plan::Pro);

/// Lists the triggers in the order in which they run.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ListTriggers {}
impl Spec for ListTriggers {
    const NAME: &'static str = "list_triggers";
    const NEEDS: Needs = NEEDS;
    const TITLE: [&'static str; 3] = ["Список правил", "Ережелер тізімі", "List triggers"];
    const EXAMPLE: &'static str = "{}";
    type By = Operator;
    type Output = Vec<Trigger>;
}
impl Query for ListTriggers {
    fn run(self, cx: &Read<'_, Operator>) -> Result<Vec<Trigger>> {
        trigger::list(cx.db, cx.by.tenant, None)
    }
}

/// Makes a trigger, or makes the one of `id` another: when something happens, if it is so, then it is done. A change
/// of a trigger gives all of it.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct SaveTrigger {
    /// The trigger to change; a new one if left out.
    #[serde(default, alias = "trigger_id")]
    id: Option<TriggerId>,
    /// What it is called.
    name: Name,
    /// When it looks at a ticket.
    event: When,
    /// For `ticket_idle`: after how many hours without a change.
    #[serde(default)]
    hours: Option<Amount>,
    /// What must be so: `{"all":[{field, op, value}],"any":[…]}`, or the short map `{"priority":"urgent"}`. Without conditions
    /// it always is.
    #[serde(default)]
    conditions: Given,
    /// What is then done, in order: `[{type, value}]`, or the short map `{"set_priority":"urgent"}`. Texts may have variables
    /// such as `{{client.name}}`.
    actions: Given,
    /// Whether it is switched on; yes if left out.
    #[serde(default)]
    is_active: Option<Flag>,
    /// Its place; a new one goes last.
    #[serde(default)]
    position: Option<Position>,
}
impl Spec for SaveTrigger {
    const NAME: &'static str = "save_trigger";
    const NEEDS: Needs = NEEDS;
    const TITLE: [&'static str; 3] = ["Сохранить правило", "Ережені сақтау", "Save a trigger"];
    const EXAMPLE: &'static str = r#"{"name":"Срочное — дежурному","event":"ticket_created","conditions":{"all":[{"field":"priority","op":"is","value":"urgent"}],"any":[]},"actions":[{"type":"assign","value":"least_loaded"},{"type":"add_tag","value":"срочно"}],"is_active":true,"position":10}"#;
    type By = Operator;
    type Output = Trigger;
}

/// The most hours that a ticket may be waited for.
const MOST_HOURS: f64 = 8_760.0;

impl SaveTrigger {
    fn read(mut self) -> Result<(Option<TriggerId>, trigger::New)> {
        // The short map may name the hours among the conditions, as the contract of events does.
        let inside = match (&mut self.conditions.0, self.event) {
            (Value::Object(map), When::TicketIdle) => map.shift_remove("hours"),
            _ => None,
        };
        let hours = match (self.hours, inside) {
            (Some(hours), _) => Some(hours.0),
            (None, Some(value)) => Some(
                value
                    .as_f64()
                    .ok_or_else(|| Error::invalid("hours", Fault::NotNumber))?,
            ),
            (None, None) => None,
        };
        let hours = match (self.event, hours) {
            (When::TicketIdle, None) => return Err(Error::missing("hours")),
            (When::TicketIdle, Some(hours)) if hours <= 0.0 || hours > MOST_HOURS => {
                return Err(Error::invalid("hours", Fault::OutOfRange(1, 8_760)));
            }
            (When::TicketIdle, hours) => hours,
            (_, _) => None,
        };
        let actions = act::read(&self.actions.0, Place::Trigger)?;
        if actions.is_empty() {
            return Err(Error::invalid("actions", Fault::Empty));
        }
        let new = trigger::New {
            name: self.name.0,
            event: self.event,
            hours,
            conditions: Conditions::read(&self.conditions.0)?,
            actions,
            is_active: self.is_active.is_none_or(|flag| flag.0),
            position: self.position.map(|p| p.0),
        };
        Ok((self.id, new))
    }
}

impl Task for SaveTrigger {
    const CREATES: bool = true;

    async fn run(self, cx: Slow<Operator>) -> Result<Trigger> {
        let (id, mut new) = self.read()?;
        for (at, act) in new.actions.iter().enumerate() {
            if let (Kind::CallWebhook, Some(url)) = (act.kind, act.value.as_str()) {
                super::webhooks::vetted(&cx.app, url, &format!("actions[{at}].value")).await?;
            }
        }
        let (app, by, call) = (cx.app.clone(), cx.by, cx.call);
        cx.app
            .db
            .write(move |tx| {
                let tenant = by.tenant;
                for (at, act) in new.actions.iter_mut().enumerate() {
                    let url = act.value.as_str().map(str::to_owned);
                    if let (Kind::CallWebhook, Some(url)) = (act.kind, url) {
                        let id = webhook::of_url(tx, &app.secret, tenant, &url, tx.now)?;
                        act.value = id.0.into();
                    }
                    act.check(tx, tenant, &format!("actions[{at}]"))?;
                }
                let id = trigger::save(tx, tenant, id, &new, tx.now)?;
                let place = (call.address.to_string(), call.request_id.as_str());
                let subject = format!("{{\"trigger_id\":{id}}}");
                audit::note(
                    tx,
                    tenant,
                    &Actor::operator(&by),
                    Self::NAME,
                    &subject,
                    place,
                )?;
                trigger::by_id(tx, tenant, id)
            })
            .await
    }
}

/// Deletes a trigger and what is known of its runs.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct DeleteTrigger {
    /// The trigger.
    #[serde(alias = "id")]
    trigger_id: TriggerId,
}
impl Spec for DeleteTrigger {
    const NAME: &'static str = "delete_trigger";
    const NEEDS: Needs = NEEDS;
    const TITLE: [&'static str; 3] = ["Удалить правило", "Ережені жою", "Delete a trigger"];
    const EXAMPLE: &'static str = r#"{"trigger_id":1}"#;
    type By = Operator;
    type Output = Deleted;
}
impl Command for DeleteTrigger {
    const FREES: bool = true;
    fn run(self, cx: &Write<'_, Operator>) -> Result<Deleted> {
        trigger::delete(cx.tx, cx.by.tenant, self.trigger_id)?;
        Ok(Deleted::of(self.trigger_id.0))
    }
}

/// Tries a trigger on tickets as they stand now and changes nothing: one that is kept, or one that is only thought of.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct TestTrigger {
    /// The trigger; left out, `conditions` and `actions` are tried.
    #[serde(default, alias = "id")]
    trigger_id: Option<TriggerId>,
    /// The ticket to try it on; left out, the newest tickets.
    #[serde(default)]
    ticket_id: Option<TicketId>,
    /// How many of the newest tickets to try it on, at most 100; 20 if left out.
    #[serde(default)]
    last: Option<Int>,
    /// Conditions to try in place of the trigger's.
    #[serde(default)]
    conditions: Option<Given>,
    /// Actions to try in place of the trigger's.
    #[serde(default)]
    actions: Option<Given>,
}

/// What a condition came to.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TriedCondition {
    #[serde(flatten)]
    condition: Condition,
    /// What is so.
    actual: Option<String>,
    /// Whether the condition holds.
    holds: bool,
}

/// What a trigger would do to a ticket.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TriedTicket {
    /// The ticket.
    ticket_id: TicketId,
    /// What it is about.
    subject: String,
    /// Whether its conditions are met.
    matches: bool,
    /// What each that must hold came to.
    all: Vec<TriedCondition>,
    /// What each of which one must hold came to.
    any: Vec<TriedCondition>,
    /// What would be done, with the texts filled; nothing if the conditions are not met.
    actions: Vec<Act>,
}

/// What a trial came to.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Tried {
    /// Whether the conditions are met by any ticket that was looked at.
    matches: bool,
    /// How many meet them.
    matched: i64,
    /// How many were looked at.
    looked_at: i64,
    /// Each ticket that was looked at, the newest first.
    results: Vec<TriedTicket>,
}
impl Spec for TestTrigger {
    const NAME: &'static str = "test_trigger";
    const NEEDS: Needs = NEEDS;
    const TITLE: [&'static str; 3] = [
        "Проверить правило на заявках",
        "Ережені өтінімдерде тексеру",
        "Try a trigger",
    ];
    const EXAMPLE: &'static str = r#"{"ticket_id":42,"conditions":{"status":["new","in_progress"]},"actions":{"add_note":"Заявка №{{ticket.id}}"}}"#;
    type By = Operator;
    type Output = Tried;
}
impl Query for TestTrigger {
    const LANE: Lane = Lane::Slow;

    fn run(self, cx: &Read<'_, Operator>) -> Result<Tried> {
        let tenant = tenant::by_id(cx.db, cx.by.tenant)?;
        let kept = match self.trigger_id {
            Some(id) => Some(trigger::by_id(cx.db, tenant.id, id)?),
            None => None,
        };
        let conditions = match (self.conditions, &kept) {
            (Some(given), _) => Conditions::read(&given.0)?,
            (None, Some(kept)) => kept.conditions.clone(),
            (None, None) => return Err(Error::missing("trigger_id")),
        };
        let actions = match (self.actions, kept) {
            (Some(given), _) => act::read(&given.0, Place::Trigger)?,
            (None, Some(kept)) => kept.actions,
            (None, None) => Vec::new(),
        };
        let ids = match self.ticket_id {
            Some(id) => vec![record::by_id(cx.db, tenant.id, id)?.id],
            None => newest(cx.db, tenant.id, self.last.map_or(20, |n| n.0))?,
        };
        let mut results = Vec::with_capacity(ids.len());
        for id in ids {
            results.extend(tried(
                cx.db,
                &tenant,
                id,
                (&conditions, &actions),
                cx.db.now,
            )?);
        }
        let matched = results.iter().filter(|r| r.matches).count();
        let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        Ok(Tried {
            matches: matched > 0,
            matched: count(matched),
            looked_at: count(results.len()),
            results,
        })
    }
}

fn newest(conn: &Connection, tenant: TenantId, last: i64) -> Result<Vec<TicketId>> {
    if last < 1 {
        return Err(Error::invalid("last", Fault::NotPositive));
    }
    all(
        conn,
        "select id from ticket where tenant_id = ?1 and deleted_at is null order by created_at desc, id desc limit ?2",
        (tenant, last.min(100)),
        |row| row.get(0),
    )
}

fn tried(
    conn: &Connection,
    tenant: &Tenant,
    id: TicketId,
    (conditions, actions): (&Conditions, &[Act]),
    now: Millis,
) -> Result<Option<TriedTicket>> {
    let Some(ticket) = facts::told(conn, tenant.id, id)? else {
        return Ok(None);
    };
    let known = facts::of(conn, tenant, &ticket, None, now)?;
    let matches = conditions.met_by(&known);
    let text = facts::words(conn, tenant.id, id, None)?;
    let values = Values {
        tenant,
        ticket: &ticket,
        operator: ticket.assigned_name.as_deref(),
        message: text.as_deref(),
    };
    let filled = |act: &Act| {
        let mut act = act.clone();
        if let (Kind::SendMessage | Kind::AddNote, Some(text)) = (act.kind, act.value.as_str()) {
            act.value = values.fill(text).into();
        }
        act.text = act.text.map(|text| values.fill(&text));
        act
    };
    Ok(Some(TriedTicket {
        ticket_id: id,
        subject: ticket.subject.clone(),
        matches,
        all: shown(&conditions.all, &known),
        any: shown(&conditions.any, &known),
        actions: actions.iter().filter(|_| matches).map(filled).collect(),
    }))
}

fn shown(conditions: &[Condition], known: &Facts) -> Vec<TriedCondition> {
    conditions
        .iter()
        .map(|condition| TriedCondition {
            condition: condition.clone(),
            actual: known.get(&condition.field).map(|fact| fact.shown()),
            holds: condition.met_by(known),
        })
        .collect()
}

/// Lists the runs of triggers whose conditions were met, the newest first. They are kept for 30 days.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ListTriggerRuns {
    /// Runs of this trigger only.
    #[serde(default)]
    trigger_id: Option<TriggerId>,
    /// Runs on this ticket only.
    #[serde(default)]
    ticket_id: Option<TicketId>,
    /// Which part of the list, from 1.
    #[serde(default)]
    page: Option<Int>,
    /// How many a part has, at most 100; 20 if left out.
    #[serde(default)]
    limit: Option<Int>,
}
/// A page of runs.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RunPage {
    /// The runs of this page.
    runs: Vec<Run>,
    /// How many there are in all.
    total: i64,
    /// Which page this is.
    page: i64,
    /// How many a page has.
    limit: i64,
}
impl Spec for ListTriggerRuns {
    const NAME: &'static str = "list_trigger_runs";
    const NEEDS: Needs = NEEDS;
    const TITLE: [&'static str; 3] = [
        "Журнал срабатываний",
        "Ережелердің орындалу журналы",
        "List the runs of triggers",
    ];
    const EXAMPLE: &'static str = r#"{"limit":20}"#;
    type By = Operator;
    type Output = RunPage;
}
impl Query for ListTriggerRuns {
    fn run(self, cx: &Read<'_, Operator>) -> Result<RunPage> {
        let page = Page::new(self.page.map(|p| p.0), self.limit.map(|l| l.0), 20)?;
        let tenant = cx.by.tenant;
        if let Some(id) = self.trigger_id {
            trigger::by_id(cx.db, tenant, id)?;
        }
        if let Some(id) = self.ticket_id {
            record::by_id(cx.db, tenant, id)?;
        }
        let (runs, total) = trigger::runs(cx.db, tenant, self.trigger_id, self.ticket_id, page)?;
        Ok(RunPage {
            runs,
            total,
            page: page.page,
            limit: page.limit,
        })
    }
}
