//! The audit log: who called which changing action, on what, from where. Written in the transaction of the change, each
//! entry sealed together with the one before it: see [`chain`].
pub(crate) mod chain;

use crate::{
    access::Operator,
    api::{
        Call,
        field::{At, OperatorId, TenantId},
    },
    clock::Millis,
    db::{
        Tx,
        sql::{Page, Where, all, one, run},
    },
    error::Result,
    ticket::Actor,
};
use chain::Said;
use rusqlite::{Connection, types::Value};
use schemars::JsonSchema;
use serde::Serialize;

/// Notes a change. `subject` is a JSON object of the ids it was about.
pub(crate) fn note(
    tx: &Tx<'_>,
    tenant: TenantId,
    actor: &Actor,
    action: &str,
    subject: &str,
    (address, request_id): (String, &str),
) -> Result<()> {
    let said = Said {
        at: tx.now,
        actor_type: actor.kind.as_str().as_bytes(),
        actor_id: actor.id,
        actor_name: actor.name.as_bytes(),
        action: action.as_bytes(),
        subject: subject.as_bytes(),
        address: address.as_bytes(),
        request_id: request_id.as_bytes(),
    };
    let link = chain::lengthen(tx, tx.audit_key(), tenant, &said)?;
    run(
        tx,
        "insert into audit_log (tenant_id, at, actor_type, actor_id, actor_name, action, subject, address, request_id, link)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        (
            tenant,
            tx.now,
            actor.kind.as_str(),
            actor.id,
            &actor.name,
            action,
            subject,
            address,
            request_id,
            link,
        ),
    )?;
    Ok(())
}

/// Notes what an operator's call did, as a task does that commits by itself.
pub(crate) fn note_call(
    tx: &Tx<'_>,
    by: &Operator,
    call: &Call,
    action: &str,
    subject: &serde_json::Value,
) -> Result<()> {
    let place = (call.address.to_string(), call.request_id.as_str());
    let actor = Actor::operator(by);
    note(tx, by.tenant, &actor, action, &subject.to_string(), place)
}

/// One change that somebody made.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AuditEntry {
    /// The entry.
    pub(crate) id: i64,
    /// When.
    pub(crate) at: At,
    /// `operator`, `client` or `system`.
    pub(crate) actor_type: String,
    /// The operator, if it was one.
    pub(crate) actor_id: Option<i64>,
    /// What they were called then.
    pub(crate) actor_name: String,
    /// The action they called.
    pub(crate) action: String,
    /// What the action is called, in the caller's language.
    pub(crate) title: String,
    /// The ids that the call named.
    #[schemars(with = "std::collections::BTreeMap<String, serde_json::Value>")]
    pub(crate) subject: serde_json::Value,
    /// Where the call came from.
    pub(crate) address: String,
    /// The request id of the call.
    pub(crate) request_id: String,
}

/// Which entries are asked for.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    pub(crate) operator: Option<OperatorId>,
    pub(crate) action: Option<String>,
    pub(crate) since: Option<Millis>,
    pub(crate) until: Option<Millis>,
}

/// A page of a tenant's entries, the latest first, and how many there are. `title` says what an action is called.
pub(crate) fn page(
    conn: &Connection,
    tenant: TenantId,
    filter: Filter,
    page: Page,
    title: impl Fn(&str) -> String,
) -> Result<(Vec<AuditEntry>, i64)> {
    let mut only = Where::new("tenant_id = ?", [Value::Integer(tenant.0)]);
    if let Some(operator) = filter.operator {
        only.and(
            "actor_type = 'operator' and actor_id = ?",
            [Value::Integer(operator.0)],
        );
    }
    if let Some(action) = filter.action {
        only.and("action = ?", [Value::Text(action)]);
    }
    if let Some(since) = filter.since {
        only.and("at >= ?", [Value::Integer(since)]);
    }
    if let Some(until) = filter.until {
        only.and("at < ?", [Value::Integer(until)]);
    }
    let total = one(
        conn,
        &format!("select count(*) from audit_log where {}", only.text()),
        rusqlite::params_from_iter(only.bind([])),
        |row| row.get(0),
    )?;
    let entries = all(
        conn,
        &format!(
            "select id, at, actor_type, actor_id, actor_name, action, subject, address, request_id
               from audit_log
              where {}
              order by at desc, id desc
              limit ? offset ?",
            only.text()
        ),
        rusqlite::params_from_iter(
            only.bind([Value::Integer(page.limit), Value::Integer(page.offset())]),
        ),
        |row| {
            let action: String = row.get("action")?;
            let subject: String = row.get("subject")?;
            Ok(AuditEntry {
                id: row.get("id")?,
                at: row.get("at")?,
                actor_type: row.get("actor_type")?,
                actor_id: row.get("actor_id")?,
                actor_name: row.get("actor_name")?,
                title: title(&action),
                action,
                subject: serde_json::from_str(&subject).unwrap_or_default(),
                address: row.get("address")?,
                request_id: row.get("request_id")?,
            })
        },
    )?;
    Ok((entries, total))
}
