//! The people of the other desk: who has an account here already, by their address, and who gets one. A new account has no
//! password until its owner sets one by a link, and the role of an operator, whatever they were there.
use super::{
    refuse,
    stage::{Person, Stage},
};
use crate::{
    access::rules::Role,
    api::field::{OperatorId, TenantId},
    db::{
        Tx,
        sql::{all, first},
    },
    error::Result,
    operator::{self, NewOperator},
    tenant::limits,
};
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};

/// The longest name that an operator has.
const NAME: usize = 200;

/// What becomes of the agents of an export.
#[derive(Clone, Debug, Default)]
pub(crate) struct Agents {
    /// Who gets an account: the name by the address.
    pub(super) new: BTreeMap<String, String>,
    /// Whose address is the login of somebody in another tenant.
    pub(super) elsewhere: BTreeSet<String>,
    /// How many operators the tenant may have and has, if that leaves no room for all.
    pub(super) over: Option<(u32, i64)>,
}

/// The agents of an export who still work there and have an address.
pub(crate) fn of_export(stage: &Stage) -> Result<Vec<Person>> {
    stage.agents()
}

impl Agents {
    /// Compares them with who is here. Nobody who was removed here comes back.
    pub(crate) fn compare(
        conn: &Connection,
        tenant: TenantId,
        agents: &[Person],
    ) -> Result<Agents> {
        let mut found = Agents::default();
        for agent in agents {
            let Some(email) = &agent.email else { continue };
            match operator::by_email(conn, email)? {
                None => {
                    let name: String = agent.name.chars().take(NAME).collect();
                    found.new.entry(email.clone()).or_insert(name);
                }
                Some((theirs, _)) if theirs != tenant => {
                    found.elsewhere.insert(shown(agent));
                }
                Some(_) => {}
            }
        }
        let have: Vec<i64> = all(
            conn,
            "select count(*) from operator where tenant_id = ?1 and is_active and role = 'operator'",
            [tenant],
            |row| row.get(0),
        )?;
        let have = have.first().copied().unwrap_or(0);
        let wanted = have.saturating_add(i64::try_from(found.new.len()).unwrap_or(i64::MAX));
        found.over = limits::of(conn, tenant)?
            .operators
            .filter(|most| !found.new.is_empty() && wanted > i64::from(*most))
            .map(|most| (most, have));
        Ok(found)
    }

    /// Makes the accounts, all of them or none. Answers what is known of them then.
    pub(crate) fn bring(tx: &Tx<'_>, tenant: TenantId, agents: &[Person]) -> Result<Agents> {
        let found = Agents::compare(tx, tenant, agents)?;
        if let Some(words) = found.too_many(tenant) {
            return Err(refuse(format!("nothing was imported: {words}")));
        }
        for (email, name) in &found.new {
            let new = NewOperator {
                name,
                email,
                phone: None,
                role: Role::Operator,
                department: None,
                password_hash: None,
                locale: None,
            };
            operator::create(tx, tenant, &new, tx.now)?;
        }
        Ok(found)
    }

    /// Why not all of them can come, in words.
    pub(crate) fn too_many(&self, tenant: TenantId) -> Option<String> {
        let (most, have) = self.over?;
        Some(format!(
            "the tenant's plan has {most} operators, {have} are here and {} more would come; `tehprof tenant update {tenant} --plan P` \
             allows more, and --without-agents brings the tickets without accounts for them",
            self.new.len()
        ))
    }

    /// Whether somebody gets an account.
    pub(super) fn brings(&self, person: &Person) -> bool {
        let email = person.email.as_deref();
        email.is_some_and(|email| self.new.contains_key(email))
    }

    /// The new accounts as they are told.
    pub(super) fn named(&self) -> impl Iterator<Item = String> {
        self.new
            .iter()
            .map(|(email, name)| format!("{name} <{email}>"))
    }
}

/// Somebody as they are told.
pub(super) fn shown(person: &Person) -> String {
    match &person.email {
        Some(email) => format!("{} <{email}>", person.name),
        None => person.name.clone(),
    }
}

/// The operator here who is that person there and still works here.
pub(super) fn at_work(
    conn: &Connection,
    tenant: TenantId,
    person: Option<&Person>,
) -> Result<Option<OperatorId>> {
    let Some(email) = person.and_then(|person| person.email.as_deref()) else {
        return Ok(None);
    };
    first(
        conn,
        "select id from operator where tenant_id = ?1 and email = ?2 and is_active",
        (tenant, email),
        |row| row.get(0),
    )
}
