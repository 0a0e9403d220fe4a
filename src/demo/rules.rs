//! What the demo desk has set up to work by itself: triggers with some runs, macros, an outgoing webhook that is switched off,
//! and what its people were told lately.
use crate::{
    access::secret::Secret,
    api::field::{TenantId, TriggerId},
    automation::{
        act::{self, Place},
        macros,
        rule::{Conditions, When},
        trigger,
    },
    clock::{HOUR, MINUTE},
    db::{
        Tx,
        sql::{all, one, run},
    },
    error::Result,
    webhook::{self, EventName, sign},
};
use serde_json::{Value, json};

/// A trigger: its name, when it looks, for how many idle hours, what must be so, what is done, and what its runs came from.
type Rule = (&'static str, When, Option<f64>, Value, Value, &'static str);

fn rules() -> [Rule; 5] {
    [
        (
            "Срочные — свободному сотруднику",
            When::TicketCreated,
            None,
            json!({ "all": [{ "field": "priority", "op": "is", "value": "urgent" }, { "field": "assigned_to", "op": "is_not_set" }] }),
            json!([{ "type": "assign", "value": "least_loaded" }]),
            "priority = 'urgent'",
        ),
        (
            "Касса и эквайринг — сразу срочно",
            When::TicketCreated,
            None,
            json!({ "any": [{ "field": "subject", "op": "contains", "value": ["касса", "эквайринг", "терминал"] }, { "field": "description", "op": "contains", "value": "касса не" }] }),
            json!([{ "type": "set_priority", "value": "urgent" }, { "type": "add_tag", "value": "касса" }]),
            "fold(subject) like '%касс%'",
        ),
        (
            "Ночное обращение",
            When::TicketCreated,
            None,
            json!({ "all": [{ "field": "working_hours", "op": "is", "value": "false" }, { "field": "channel", "op": "is", "value": ["portal", "widget"] }] }),
            json!([{ "type": "send_message", "value": "Здравствуйте, {{client.name}}! Мы получили заявку №{{ticket.id}} и ответим утром, как только начнётся рабочий день." }]),
            "channel = 'widget'",
        ),
        (
            "Низкая оценка — руководителю",
            When::CsatReceived,
            None,
            json!({ "all": [{ "field": "rating", "op": "lte", "value": 3 }] }),
            json!([{ "type": "notify", "value": "supervisors", "text": "{{client.company}}: низкая оценка по заявке №{{ticket.id}}" }, { "type": "add_tag", "value": "низкая оценка" }]),
            "false",
        ),
        (
            "Два дня без движения",
            When::TicketIdle,
            Some(48.0),
            json!({ "all": [{ "field": "status", "op": "is", "value": "in_progress" }] }),
            json!([{ "type": "notify", "value": "assigned", "text": "Заявка №{{ticket.id}} два дня без движения" }]),
            "status = 'in_progress'",
        ),
    ]
}

/// What is switched off: a desk to try things on does the same by day and by night, and leaves new tickets to who tries it.
const OFF: [&str; 2] = ["Срочные — свободному сотруднику", "Ночное обращение"];

/// Sets up triggers, macros and notifications.
pub(super) fn furnish(tx: &Tx<'_>, tenant: TenantId) -> Result<()> {
    for (name, event, hours, conditions, actions, met) in rules() {
        let new = trigger::New {
            name: name.to_owned(),
            event,
            hours,
            conditions: Conditions::read(&conditions)?,
            actions: act::read(&actions, Place::Trigger)?,
            is_active: !OFF.contains(&name),
            position: None,
        };
        let id = trigger::save(tx, tenant, None, &new, tx.now)?;
        ran(tx, tenant, id, &new.actions, met)?;
    }
    for (title, content, is_note, actions) in [
        (
            "Ждём данные от клиента",
            "{{client.name}}, чтобы продолжить, пришлите, пожалуйста, скриншот ошибки и время, когда она появилась.\n\nС уважением, {{operator.name}}",
            false,
            json!([{ "type": "assign", "value": "me" }, { "type": "set_status", "value": "on_hold" }]),
        ),
        (
            "Передать на вторую линию",
            "Передаю на вторую линию. Заявка №{{ticket.id}}, клиент {{client.company}}.",
            true,
            json!([{ "type": "assign", "value": "least_loaded" }, { "type": "add_tag", "value": "вторая линия" }]),
        ),
        (
            "Готово, проверьте",
            "Здравствуйте, {{client.name}}! Исправили. Проверьте, пожалуйста, у себя: если всё в порядке, заявка закроется сама через несколько дней.",
            false,
            json!([{ "type": "set_status", "value": "done" }]),
        ),
    ] {
        let actions = act::read(&actions, Place::Macro)?;
        macros::save(tx, tenant, None, (title, content, is_note), &actions)?;
    }
    tell(tx, tenant)
}

/// Lets a trigger have run on the newest tickets that it fits.
fn ran(
    tx: &Tx<'_>,
    tenant: TenantId,
    id: TriggerId,
    actions: &[act::Act],
    met: &'static str,
) -> Result<()> {
    let done = serde_json::to_string(actions)?;
    let sql = format!(
        "insert into trigger_run (tenant_id, trigger_id, ticket_id, at, outcome, done)
         select ?1, ?2, id, created_at, 'done', ?3 from ticket
          where tenant_id = ?1 and {met} order by created_at desc limit 6"
    );
    run(tx, &sql, (tenant, id, done))?;
    Ok(())
}

/// What each operator was told lately: the newest messages and tickets in their charge.
fn tell(tx: &Tx<'_>, tenant: TenantId) -> Result<()> {
    run(
        tx,
        "insert into notification (tenant_id, operator_id, kind, ticket_id, message_id, actor_name, created_at, read_at)
         select ?1, t.assigned_to, 'message', t.id, m.id, m.author_name, m.created_at,
                iif(m.created_at < ?2, m.created_at + ?3, null)
           from ticket t
           join message m on m.tenant_id = t.tenant_id and m.id = t.last_message_id
          where t.tenant_id = ?1 and t.assigned_to is not null and m.author_type = 'client'
          order by m.created_at",
        (tenant, tx.now - 24 * HOUR, 20 * MINUTE),
    )?;
    let overdue: Vec<i64> = all(
        tx,
        "select id from ticket
          where tenant_id = ?1 and assigned_to is not null and is_open = 1 and sla_next_at < ?2
          order by sla_next_at desc limit 3",
        (tenant, tx.now),
        |row| row.get(0),
    )?;
    for id in overdue {
        run(
            tx,
            "insert into notification (tenant_id, operator_id, kind, ticket_id, detail, created_at)
             select tenant_id, assigned_to, 'sla_breach', id, 'resolution', sla_next_at
               from ticket where tenant_id = ?1 and id = ?2",
            (tenant, id),
        )?;
    }
    Ok(())
}

/// Adds an outgoing webhook with a call that was made, unless there is one. It is switched off: a demo calls nobody.
pub(crate) fn add_webhook(tx: &Tx<'_>, tenant: TenantId, secret: &Secret) -> Result<()> {
    if webhook::count(tx, tenant)? > 0 {
        return Ok(());
    }
    let url = "https://hooks.example.org/desk";
    let events = [EventName::TicketCreated, EventName::TicketStatusChanged];
    let key = sign::new_key()?;
    let id = webhook::insert(tx, secret, tenant, url, &events, &key, tx.now)?;
    run(
        tx,
        "update webhook set is_active = 0 where tenant_id = ?1 and id = ?2",
        (tenant, id),
    )?;
    let newest: i64 = one(
        tx,
        "select max(id) from ticket where tenant_id = ?1",
        [tenant],
        |row| row.get(0),
    )?;
    let body = json!({
        "type": EventName::TicketCreated,
        "timestamp": crate::clock::wire(tx.now - HOUR),
        "data": { "ticket_id": newest },
    });
    run(
        tx,
        "insert into webhook_delivery (tenant_id, webhook_id, uid, type, body, state, attempts, next_at, began_at, finished_at,
                                       status, latency_ms, response, created_at)
         values (?1, ?2, 'msg_2Tp0Xq7mB1c9Zr4L', 'ticket.created', ?3, 'sent', 1, ?4, ?4, ?4, 200, 148, 'ok', ?4)",
        (tenant, id, body.to_string(), tx.now - HOUR),
    )?;
    Ok(())
}
