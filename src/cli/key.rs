//! `tehprof key`: API keys from the shell.
use super::{
    DataDir,
    desk::Desk,
    failure::{Failure, refuse},
    out,
    tenant::meant,
    value,
};
use crate::{
    access::{
        rules::Role,
        secret::{Purpose, random_text},
        store::{self, KeyRow, NewKey},
    },
    api::field::{At, KeyId, OperatorId, TenantId},
    clock::{self, Millis},
    error::Result as Done,
    operator,
    tenant::{
        limits,
        plan::{Limits, Plan, Scope},
    },
};
use clap::{Args, Subcommand};
use rusqlite::Connection;

/// Care for the keys by which programs use the API
#[derive(Debug, Subcommand)]
pub(super) enum Keys {
    Create(Create),
    List(List),
    Revoke(Revoke),
}

impl Keys {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self {
            Keys::Create(create) => create.run(),
            Keys::List(list) => list.run(),
            Keys::Revoke(revoke) => revoke.run(),
        }
    }
}

/// Make a key: prints it alone, and it is never shown again
#[derive(Args, Debug)]
pub(super) struct Create {
    #[command(flatten)]
    data: DataDir,
    /// Make it for the tenant of this id, domain or name
    #[arg(long, value_name = "TENANT")]
    tenant: String,
    /// Call it this
    #[arg(long, value_name = "NAME", value_parser = value::name)]
    name: String,
    /// Give it these scopes
    #[arg(
        long,
        required = true,
        value_name = "SCOPE,…",
        value_delimiter = ',',
        value_parser = value::one_of(Scope::ALL.map(Scope::as_str), Scope::parse),
    )]
    scopes: Vec<Scope>,
    /// Let it act for the operator with this login; the tenant's first admin if left out
    #[arg(long, value_name = "EMAIL", value_parser = value::email)]
    operator: Option<String>,
    /// Let it expire after this time, such as 90d; never if left out
    #[arg(long, value_name = "TIME", value_parser = value::duration)]
    expires_in: Option<Millis>,
}

impl Create {
    fn run(mut self) -> Result<(), Failure> {
        self.scopes.sort_unstable();
        self.scopes.dedup();
        let desk = Desk::open(&self.data.data_dir)?;
        let token = format!("tps_{}", random_text(43)?);
        let hash = desk.secret.hash(Purpose::ApiKey, &token);
        let written = token.clone();
        desk.write(move |tx| {
            let tenant = meant(tx, &self.tenant)?;
            let valid = store::keys(tx, Some(tenant.id))?;
            let valid = valid.iter().filter(|key| key.is_valid(tx.now)).count();
            within_plan(
                tenant.plan,
                &limits::of(tx, tenant.id)?,
                &self.scopes,
                valid,
            )
            .map_err(refuse)?;
            let key = NewKey {
                tenant: tenant.id,
                operator: owner(tx, tenant.id, self.operator.as_deref())?,
                name: &self.name,
                token: &written,
                hash,
                scopes: &self.scopes,
                expires_at: self.expires_in.map(|lasts| tx.now + lasts),
            };
            store::insert_key(tx, &key, tx.now)
        })?;
        out::say(token)
    }
}

/// Says why a plan does not allow one more key with these scopes, if it does not.
fn within_plan(plan: Plan, limits: &Limits, scopes: &[Scope], valid: usize) -> Result<(), String> {
    let plan = plan.as_str();
    if let Some(most) = limits.keys
        && valid >= most as usize
    {
        return Err(match most {
            0 => format!("the plan {plan} has no API keys"),
            _ => format!(
                "the plan {plan} has at most {most} API keys; `tehprof key revoke` ends one"
            ),
        });
    }
    match scopes.iter().find(|scope| !limits.scopes.contains(scope)) {
        Some(beyond) => Err(format!(
            "the plan {plan} does not have the scope {}",
            beyond.as_str()
        )),
        None => Ok(()),
    }
}

/// The operator that a key acts for.
fn owner(conn: &Connection, tenant: TenantId, email: Option<&str>) -> Done<OperatorId> {
    let staff = operator::list(conn, tenant, None)?;
    let mut active = staff.into_iter().filter(|operator| operator.is_active);
    let found = match email {
        Some(email) => active.find(|operator| operator.email == email),
        None => active
            .filter(|operator| operator.role >= Role::Admin)
            .min_by_key(|operator| operator.id),
    };
    let absent = || match email {
        Some(email) => format!("{email} is no active operator of this tenant"),
        None => {
            "this tenant has no active admin; name the operator that the key acts for by --operator"
                .to_owned()
        }
    };
    found
        .map(|operator| operator.id)
        .ok_or_else(|| refuse(absent()))
}

/// List the keys of all tenants or of one
#[derive(Args, Debug)]
pub(super) struct List {
    #[command(flatten)]
    data: DataDir,
    /// List those of the tenant of this id, domain or name
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl List {
    fn run(self) -> Result<(), Failure> {
        let (keys, now) = Desk::open(&self.data.data_dir)?.read(move |db| {
            let tenant = match &self.tenant {
                Some(word) => Some(meant(db, word)?.id),
                None => None,
            };
            Ok((store::keys(db, tenant)?, db.now))
        })?;
        if self.json {
            return out::json(&keys);
        }
        let date = |at: Option<At>| {
            at.map_or_else(
                || "never".to_owned(),
                |at| clock::wire(at.0)[..10].to_owned(),
            )
        };
        let row = |key: KeyRow| {
            let state = match (key.revoked_at, key.is_valid(now)) {
                (Some(_), _) => "revoked",
                (None, true) => "valid",
                (None, false) => "expired",
            };
            let scopes: Vec<&str> = key.scopes.iter().map(|scope| scope.as_str()).collect();
            [
                key.id.to_string(),
                key.tenant_id.to_string(),
                key.name,
                format!("{}…", key.prefix),
                scopes.join(","),
                date(key.expires_at),
                date(key.last_used_at),
                state.to_owned(),
            ]
        };
        let rows = keys.into_iter().map(row).collect();
        out::table(
            [
                "id",
                "tenant",
                "name",
                "key",
                "scopes",
                "expires",
                "last used",
                "state",
            ],
            rows,
        )
    }
}

/// End a key for good
#[derive(Args, Debug)]
pub(super) struct Revoke {
    /// The key's id
    #[arg(value_parser = clap::value_parser!(i64).range(1..))]
    id: i64,
    #[command(flatten)]
    data: DataDir,
}

impl Revoke {
    fn run(self) -> Result<(), Failure> {
        let desk = Desk::open(&self.data.data_dir)?;
        let id = KeyId(self.id);
        let ended = desk.write(move |tx| store::revoke_key(tx, id, tx.now))?;
        if !ended {
            return Err(Failure::Sentence(format!(
                "there is no key {id} that could be revoked"
            )));
        }
        out::say(format!("key {id} is revoked"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_bounds_the_number_of_keys_and_their_scopes() {
        use Scope::{Read, Tickets, Webhooks, Write};
        let within_plan = |plan, scopes: &[Scope], valid| {
            let limits = limits::effective(plan, &limits::Overrides::default());
            within_plan(plan, &limits, scopes, valid)
        };
        assert!(within_plan(Plan::Free, &[Read], 0).is_err());
        assert_eq!(within_plan(Plan::Starter, &[Read, Tickets], 0), Ok(()));
        assert!(within_plan(Plan::Starter, &[Read, Tickets], 1).is_err());
        let beyond = within_plan(Plan::Starter, &[Read, Write], 0).unwrap_err();
        assert_eq!(beyond, "the plan starter does not have the scope write");
        assert!(within_plan(Plan::Business, &[Webhooks], 0).is_err());
        assert_eq!(within_plan(Plan::Enterprise, &Scope::ALL, 1_000), Ok(()));
    }

    #[test]
    fn a_key_that_expired_or_was_revoked_takes_no_place() {
        let key = |expires_at: Option<Millis>, revoked_at: Option<Millis>| KeyRow {
            id: KeyId(1),
            tenant_id: TenantId(1),
            name: "BI".into(),
            prefix: "tps_12345678".into(),
            scopes: vec![Scope::Read],
            operator_id: OperatorId(1),
            operator_name: "Алия".into(),
            created_at: At(0),
            expires_at: expires_at.map(At),
            revoked_at: revoked_at.map(At),
            last_used_at: None,
            last_used_ip: None,
        };
        assert!(key(None, None).is_valid(10));
        assert!(key(Some(11), None).is_valid(10));
        assert!(!key(Some(10), None).is_valid(10));
        assert!(!key(None, Some(5)).is_valid(10));
    }
}
