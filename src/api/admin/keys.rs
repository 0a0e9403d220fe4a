//! API keys: what other programs call the desk with. A key is told once, when it is made; the desk keeps a hash.
use crate::{
    access::{
        Operator,
        rules::{Needs, Role},
        secret::{Purpose, random_text},
        store::{self, KeyRow, NewKey},
    },
    api::{
        Action, Command, Query, Read, Spec, Write, command,
        field::{At, Int, KeyId, List, Name, OperatorId, Time},
        query,
    },
    clock::{DAY, Millis},
    error::{Code, Error, Fault, Result},
    tenant::{
        limits,
        plan::{Limits, Plan, Scope},
    },
};
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) const ACTIONS: &[Action] = &[
    query::<ListApiKeys>(),
    command::<CreateApiKey>(),
    command::<RegenerateApiKey>(),
    command::<RevokeApiKey>(),
];

/// How long a key may last that ends by itself, in days.
const LONGEST: i64 = 3_650;

/// Whether a key works.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KeyStatus {
    /// It works.
    Active,
    /// Its time is over.
    Expired,
    /// It was ended.
    Revoked,
}

/// An API key, without the key itself.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct KeyView {
    /// The key's id.
    id: KeyId,
    /// What it is for.
    name: String,
    /// How it begins, to know it again by.
    prefix: String,
    /// What it may do.
    scopes: Vec<Scope>,
    /// Whether it works.
    status: KeyStatus,
    /// The operator it acts for, who made it.
    operator_id: OperatorId,
    /// What they are called.
    operator_name: String,
    /// When it was made.
    created_at: At,
    /// When it ends by itself, if it does.
    expires_at: Option<At>,
    /// When it was ended.
    revoked_at: Option<At>,
    /// When it was last used, to the minute.
    last_used_at: Option<At>,
    /// From which address.
    last_used_ip: Option<String>,
}

impl KeyView {
    fn of(row: KeyRow, now: Millis) -> KeyView {
        KeyView {
            status: if row.revoked_at.is_some() {
                KeyStatus::Revoked
            } else if row.is_valid(now) {
                KeyStatus::Active
            } else {
                KeyStatus::Expired
            },
            id: row.id,
            name: row.name,
            prefix: row.prefix,
            scopes: row.scopes,
            operator_id: row.operator_id,
            operator_name: row.operator_name,
            created_at: row.created_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
            last_used_at: row.last_used_at,
            last_used_ip: row.last_used_ip,
        }
    }
}

/// The key of an id, which must be the caller's tenant's.
fn by_id(conn: &Connection, by: &Operator, id: KeyId) -> Result<KeyRow> {
    store::keys(conn, Some(by.tenant))?
        .into_iter()
        .find(|key| key.id == id)
        .ok_or_else(|| Error::new(Code::KeyNotFound).on("key_id"))
}

/// Lists the keys of the tenant, newest first.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ListApiKeys {}
impl Spec for ListApiKeys {
    const NAME: &'static str = "list_api_keys";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = [
        "Список ключей API",
        "API кілттерінің тізімі",
        "List API keys",
    ];
    const EXAMPLE: &'static str = "{}";
    type By = Operator;
    type Output = Vec<KeyView>;
}
impl Query for ListApiKeys {
    fn run(self, cx: &Read<'_, Operator>) -> Result<Vec<KeyView>> {
        let keys = store::keys(cx.db, Some(cx.by.tenant))?;
        let newest_first = keys.into_iter().rev();
        Ok(newest_first
            .map(|key| KeyView::of(key, cx.db.now))
            .collect())
    }
}

/// A key that was made, with the key itself.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct MadeKey {
    /// What the caller's program presents, told this once.
    key: String,
    #[serde(flatten)]
    view: KeyView,
}

/// Makes an API key. It acts for who makes it and never reaches what is an admin's, whatever their role. The plan bounds how
/// many keys work at the same time and what they may do.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct CreateApiKey {
    /// What it is for.
    name: Name,
    /// What it may do.
    scopes: List<Scope, 6>,
    /// In how many days it ends; never if neither this nor `expires_at` is given. If both are, the earlier holds.
    #[serde(default)]
    expires_in_days: Option<Int>,
    /// When it ends.
    #[serde(default)]
    expires_at: Option<Time>,
}
impl Spec for CreateApiKey {
    const NAME: &'static str = "create_api_key";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = ["Создать ключ API", "API кілтін жасау", "Create an API key"];
    const EXAMPLE: &'static str =
        r#"{"name":"Отчёты","scopes":["read","tickets"],"expires_in_days":90}"#;
    type By = Operator;
    type Output = MadeKey;
}
impl Command for CreateApiKey {
    fn run(self, cx: &Write<'_, Operator>) -> Result<MadeKey> {
        let mut scopes = self.scopes.0;
        scopes.sort_unstable();
        scopes.dedup();
        if scopes.is_empty() {
            return Err(Error::invalid("scopes", Fault::Empty));
        }
        let expires_at = end(self.expires_in_days, self.expires_at, cx.tx.now)?;
        let keys = store::keys(cx.tx, Some(cx.by.tenant))?;
        let valid = keys.iter().filter(|key| key.is_valid(cx.tx.now)).count();
        within_plan(
            cx.by.plan,
            &limits::of(cx.tx, cx.by.tenant)?,
            &scopes,
            valid,
        )?;
        let token = format!("tps_{}", random_text(43)?);
        let id = store::insert_key(
            cx.tx,
            &NewKey {
                tenant: cx.by.tenant,
                operator: cx.by.id,
                name: &self.name,
                token: &token,
                hash: cx.app.secret.hash(Purpose::ApiKey, &token),
                scopes: &scopes,
                expires_at,
            },
            cx.tx.now,
        )?;
        Ok(MadeKey {
            key: token,
            view: KeyView::of(by_id(cx.tx, cx.by, id)?, cx.tx.now),
        })
    }
}

/// When a key ends by itself, if it does.
fn end(days: Option<Int>, at: Option<Time>, now: Millis) -> Result<Option<Millis>> {
    let by_days = match days {
        Some(Int(days)) if (1..=LONGEST).contains(&days) => Some(now + days * DAY),
        Some(_) => {
            let fault = Fault::OutOfRange(1, LONGEST);
            return Err(Error::invalid("expires_in_days", fault));
        }
        None => None,
    };
    if at.is_some_and(|at| at.0 <= now) {
        return Err(Error::invalid("expires_at", Fault::NotFuture));
    }
    Ok(by_days.into_iter().chain(at.map(|at| at.0)).min())
}

/// Refuses a key that the plan does not allow.
fn within_plan(plan: Plan, limits: &Limits, scopes: &[Scope], valid: usize) -> Result<()> {
    let refused = |limit: String, field| {
        let error = Error::new(Code::KeyPlanLimit).with("limit", limit);
        Err(error.with("plan", plan.as_str()).on(field))
    };
    if let Some(most) = limits.keys
        && valid >= most as usize
    {
        return refused(most.to_string(), "name");
    }
    match scopes.iter().find(|scope| !limits.scopes.contains(scope)) {
        Some(beyond) => refused(beyond.as_str().to_owned(), "scopes"),
        None => Ok(()),
    }
}

/// Gives a key another secret. The old one ends at once; name and scopes stay.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct RegenerateApiKey {
    /// The key.
    key_id: KeyId,
    /// In how many days it ends from now on; as before if neither this nor `expires_at` is given.
    #[serde(default)]
    expires_in_days: Option<Int>,
    /// When it ends from now on.
    #[serde(default)]
    expires_at: Option<Time>,
}
impl Spec for RegenerateApiKey {
    const NAME: &'static str = "regenerate_api_key";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = [
        "Перевыпустить ключ API",
        "API кілтін қайта шығару",
        "Regenerate an API key",
    ];
    const EXAMPLE: &'static str = r#"{"key_id":1}"#;
    type By = Operator;
    type Output = MadeKey;
}
impl Command for RegenerateApiKey {
    fn run(self, cx: &Write<'_, Operator>) -> Result<MadeKey> {
        let old = by_id(cx.tx, cx.by, self.key_id)?;
        if old.revoked_at.is_some() {
            return Err(Error::new(Code::KeyNotFound).on("key_id"));
        }
        let expires_at = end(self.expires_in_days, self.expires_at, cx.tx.now)?
            .or(old.expires_at.map(|at| at.0));
        // A key whose time is over would come back to no use.
        if expires_at.is_some_and(|at| at <= cx.tx.now) {
            return Err(Error::invalid("expires_at", Fault::NotFuture));
        }
        let token = format!("tps_{}", random_text(43)?);
        let hash = cx.app.secret.hash(Purpose::ApiKey, &token);
        store::renew_key(cx.tx, (cx.by.tenant, old.id), (&token, &hash), expires_at)?;
        Ok(MadeKey {
            key: token,
            view: KeyView::of(by_id(cx.tx, cx.by, old.id)?, cx.tx.now),
        })
    }
}

/// Ends a key at once and for good.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct RevokeApiKey {
    /// The key.
    key_id: KeyId,
}
impl Spec for RevokeApiKey {
    const NAME: &'static str = "revoke_api_key";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = [
        "Отозвать ключ API",
        "API кілтін қайтарып алу",
        "Revoke an API key",
    ];
    const EXAMPLE: &'static str = r#"{"key_id":1}"#;
    type By = Operator;
    type Output = KeyView;
}
impl Command for RevokeApiKey {
    fn run(self, cx: &Write<'_, Operator>) -> Result<KeyView> {
        let key = by_id(cx.tx, cx.by, self.key_id)?;
        store::revoke_key(cx.tx, key.id, cx.tx.now)?;
        Ok(KeyView::of(by_id(cx.tx, cx.by, key.id)?, cx.tx.now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_ends_the_earlier_holds() {
        let days = |n| Some(Int(n));
        let at = |at| Some(Time(at));
        assert_eq!(end(None, None, 10).unwrap(), None);
        assert_eq!(end(days(1), None, 10).unwrap(), Some(10 + DAY));
        assert_eq!(end(days(1), at(11), 10).unwrap(), Some(11));
        assert_eq!(end(days(1), at(3 * DAY), 10).unwrap(), Some(10 + DAY));
        for (days, at, field) in [
            (days(0), None, "expires_in_days"),
            (days(3_651), None, "expires_in_days"),
            (None, at(10), "expires_at"),
        ] {
            assert_eq!(end(days, at, 10).unwrap_err().field(), Some(field));
        }
    }

    #[test]
    fn a_plan_bounds_the_number_of_keys_and_their_scopes() {
        use Scope::{Read, Tickets, Webhooks, Write};
        let refused = |plan, scopes: &[Scope], valid| {
            let limits = limits::effective(plan, &limits::Overrides::default());
            let error = within_plan(plan, &limits, scopes, valid).err()?;
            assert_eq!(error.code(), Code::KeyPlanLimit);
            error.field().map(str::to_owned)
        };
        assert_eq!(refused(Plan::Free, &[Read], 0).as_deref(), Some("name"));
        assert_eq!(refused(Plan::Starter, &[Read, Tickets], 0), None);
        assert_eq!(refused(Plan::Starter, &[Read], 1).as_deref(), Some("name"));
        assert_eq!(
            refused(Plan::Starter, &[Read, Write], 0).as_deref(),
            Some("scopes")
        );
        assert_eq!(
            refused(Plan::Business, &[Webhooks], 0).as_deref(),
            Some("scopes")
        );
        assert_eq!(refused(Plan::Enterprise, &Scope::ALL, 1_000), None);
    }
}
