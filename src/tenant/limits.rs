//! What one tenant may use: its plan's limits with its own laid over them, and how much of it is used.
use super::plan::{Limits, Messenger, Plan, Scope};
use crate::{
    api::field::{Change, Int, List, Most, TenantId},
    clock::Millis,
    db::sql::{all, one},
    error::{Error, Fault, Result},
};
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, collections::HashMap};

/// What one tenant may use otherwise than its plan says. What is left out is as the plan has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Overrides {
    /// API keys that are valid at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    keys: Option<Most>,
    /// The scopes that a key may have.
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes: Option<Vec<Scope>>,
    /// Calls of one key in a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    requests_per_minute: Option<u32>,
    /// The size of one file, in megabytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    file_mb: Option<u32>,
    /// Tickets that are opened in a month.
    #[serde(skip_serializing_if = "Option::is_none")]
    tickets_per_month: Option<Most>,
    /// People with the role of an operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    operators: Option<Most>,
    /// People with the role of a supervisor.
    #[serde(skip_serializing_if = "Option::is_none")]
    supervisors: Option<Most>,
    /// Companies that are supported.
    #[serde(skip_serializing_if = "Option::is_none")]
    clients: Option<Most>,
    /// All attachments together, in megabytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    storage_mb: Option<u32>,
    /// The channels beside e-mail and the widget.
    #[serde(skip_serializing_if = "Option::is_none")]
    channels: Option<Vec<Messenger>>,
}

impl Overrides {
    /// Reads what is stored. A text that this program does not understand overrides nothing.
    pub(crate) fn read(json: &str) -> Overrides {
        match json {
            "{}" => Overrides::default(),
            json => serde_json::from_str(json).unwrap_or_default(),
        }
    }
}

/// A change of one tenant's limits: a number or `unlimited`; `null` gives back what the plan says.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LimitChanges {
    /// API keys that are valid at once.
    #[serde(default)]
    keys: Change<Most>,
    /// The scopes that a key may have.
    #[serde(default)]
    scopes: Change<List<Scope, 6>>,
    /// Calls of one key in a minute, 1 to 100000.
    #[serde(default)]
    requests_per_minute: Change<Int>,
    /// The size of one file in megabytes, 1 to 1024.
    #[serde(default)]
    file_mb: Change<Int>,
    /// Tickets that are opened in a month.
    #[serde(default)]
    tickets_per_month: Change<Most>,
    /// People with the role of an operator.
    #[serde(default)]
    operators: Change<Most>,
    /// People with the role of a supervisor.
    #[serde(default)]
    supervisors: Change<Most>,
    /// Companies that are supported.
    #[serde(default)]
    clients: Change<Most>,
    /// All attachments together in megabytes, 1 to 1000000000.
    #[serde(default)]
    storage_mb: Change<Int>,
    /// The channels beside e-mail and the widget.
    #[serde(default)]
    channels: Change<List<Messenger, 3>>,
}

fn change<T>(slot: &mut Option<T>, change: Change<T>) {
    match change {
        Change::Keep => {}
        Change::Clear => *slot = None,
        Change::Set(value) => *slot = Some(value),
    }
}

fn change_list<T: PartialEq, const MOST: usize>(
    slot: &mut Option<Vec<T>>,
    wanted: Change<List<T, MOST>>,
) {
    match wanted {
        Change::Keep => {}
        Change::Clear => *slot = None,
        Change::Set(list) => *slot = Some(list.0),
    }
}

fn change_within(
    slot: &mut Option<u32>,
    wanted: Change<Int>,
    field: &'static str,
    high: i64,
) -> Result<()> {
    match wanted {
        Change::Keep => {}
        Change::Clear => *slot = None,
        Change::Set(Int(n)) => {
            let fits = u32::try_from(n).ok().filter(|_| (1..=high).contains(&n));
            *slot = Some(fits.ok_or_else(|| Error::invalid(field, Fault::OutOfRange(1, high)))?);
        }
    }
    Ok(())
}

impl LimitChanges {
    pub(crate) fn apply(self, to: &mut Overrides) -> Result<()> {
        change(&mut to.keys, self.keys);
        change_list(&mut to.scopes, self.scopes);
        change_within(
            &mut to.requests_per_minute,
            self.requests_per_minute,
            "limits.requests_per_minute",
            100_000,
        )?;
        change_within(&mut to.file_mb, self.file_mb, "limits.file_mb", 1024)?;
        change(&mut to.tickets_per_month, self.tickets_per_month);
        change(&mut to.operators, self.operators);
        change(&mut to.supervisors, self.supervisors);
        change(&mut to.clients, self.clients);
        change_within(
            &mut to.storage_mb,
            self.storage_mb,
            "limits.storage_mb",
            Most::LARGEST.into(),
        )?;
        change_list(&mut to.channels, self.channels);
        Ok(())
    }
}

/// What a tenant of this plan with these limits of its own may use. The one place where both come together.
pub(crate) fn effective(plan: Plan, own: &Overrides) -> Limits {
    let usual = plan.limits();
    let most = |own: Option<Most>, usual: Option<u32>| own.map_or(usual, |most| most.0);
    Limits {
        keys: most(own.keys, usual.keys),
        scopes: own.scopes.clone().map_or(usual.scopes, Cow::Owned),
        requests_per_minute: own.requests_per_minute.unwrap_or(usual.requests_per_minute),
        file_mb: own.file_mb.unwrap_or(usual.file_mb),
        tickets_per_month: most(own.tickets_per_month, usual.tickets_per_month),
        operators: most(own.operators, usual.operators),
        supervisors: most(own.supervisors, usual.supervisors),
        clients: most(own.clients, usual.clients),
        storage_mb: own.storage_mb.unwrap_or(usual.storage_mb),
        channels: own.channels.clone().map_or(usual.channels, Cow::Owned),
    }
}

/// What a tenant may use, of a row with the columns `plan` and `limits`.
pub(crate) fn of_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Limits> {
    let own = row.get_ref("limits")?.as_str()?;
    Ok(effective(row.get("plan")?, &Overrides::read(own)))
}

/// What a tenant may use now.
pub(crate) fn of(conn: &Connection, tenant: TenantId) -> Result<Limits> {
    one(
        conn,
        "select plan, limits from tenant where id = ?1",
        [tenant],
        of_row,
    )
}

/// How much a tenant uses of what it may.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Usage {
    /// Tickets that were opened this month.
    pub(crate) tickets_this_month: u32,
    /// Active people with the role of an operator.
    pub(crate) operators: u32,
    /// Active people with the role of a supervisor.
    pub(crate) supervisors: u32,
    /// Companies that are supported.
    pub(crate) clients: u32,
    /// API keys that are valid.
    pub(crate) keys: u32,
    /// All attachments together, in bytes.
    pub(crate) storage_bytes: i64,
}

/// What each of these tenants uses. A tenant comes with the time its month began, which depends on where it is.
pub(crate) fn usage(
    conn: &Connection,
    months: &[(TenantId, Millis)],
    now: Millis,
) -> Result<HashMap<TenantId, Usage>> {
    let used = all(
        conn,
        "select t.id, t.stored_bytes,
                (select count(*) from ticket
                  where tenant_id = t.id and created_at >= asked.value ->> 1 and deleted_at is null and not is_demo) as tickets,
                (select count(*) from operator where tenant_id = t.id and is_active and role = 'operator') as operators,
                (select count(*) from operator where tenant_id = t.id and is_active and role = 'supervisor') as supervisors,
                (select count(*) from client where tenant_id = t.id and not is_demo) as clients,
                (select count(*) from api_key
                  where tenant_id = t.id and revoked_at is null and (expires_at is null or expires_at > ?2)) as keys
           from json_each(?1) asked
           join tenant t on t.id = asked.value ->> 0",
        (serde_json::to_string(months)?, now),
        |row| {
            let usage = Usage {
                tickets_this_month: row.get("tickets")?,
                operators: row.get("operators")?,
                supervisors: row.get("supervisors")?,
                clients: row.get("clients")?,
                keys: row.get("keys")?,
                storage_bytes: row.get("stored_bytes")?,
            };
            Ok((row.get("id")?, usage))
        },
    )?;
    Ok(used.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(json: serde_json::Value) -> Limits {
        let changes: LimitChanges = serde_json::from_value(json).unwrap();
        let mut own = Overrides::default();
        changes.apply(&mut own).unwrap();
        // What is stored says the same as what was set.
        let stored = serde_json::to_string(&own).unwrap();
        assert_eq!(Overrides::read(&stored), own);
        effective(Plan::Starter, &own)
    }

    #[test]
    fn a_tenant_s_own_limits_lie_over_those_of_its_plan() {
        let limits = changed(serde_json::json!({
            "keys": 7, "tickets_per_month": "unlimited", "file_mb": 200, "scopes": ["read"], "channels": ["max"]
        }));
        assert_eq!(
            (limits.keys, limits.tickets_per_month, limits.file_mb),
            (Some(7), None, 200)
        );
        assert_eq!(limits.scopes, [Scope::Read].as_slice());
        assert!(limits.channel("max").is_ok() && limits.channel("email").is_ok());
        assert_eq!(
            limits
                .channel("telegram")
                .unwrap_err()
                .detail("required_plan"),
            Some(&"starter".into())
        );
        let usual = Plan::Starter.limits();
        assert_eq!(
            (limits.clients, limits.storage_mb),
            (usual.clients, usual.storage_mb)
        );
    }

    #[test]
    fn null_gives_back_what_the_plan_says() {
        let mut own = Overrides::default();
        for step in [
            serde_json::json!({ "clients": 1, "storage_mb": 3 }),
            serde_json::json!({ "clients": null, "storage_mb": null }),
        ] {
            let changes: LimitChanges = serde_json::from_value(step).unwrap();
            changes.apply(&mut own).unwrap();
        }
        assert_eq!(own, Overrides::default());
    }

    #[test]
    fn a_limit_that_makes_no_sense_is_refused_by_name() {
        let changes = LimitChanges {
            file_mb: Change::Set(Int(0)),
            ..LimitChanges::default()
        };
        let error = changes.apply(&mut Overrides::default()).unwrap_err();
        assert_eq!(error.field(), Some("limits.file_mb"));
        let unknown = serde_json::json!({ "ticket_per_month": 5 });
        assert!(serde_json::from_value::<LimitChanges>(unknown).is_err());
    }
}
