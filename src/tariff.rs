//! Tariffs: what a client pays for in a month, what an hour beyond it costs, and what it is promised. A client names its
//! tariff by code; hours and a rate of its own go before the tariff's.
use crate::{
    api::field::{ClientId, TariffId, TenantId},
    clock::Millis,
    db::sql::{all, first, one, run, taken},
    error::{Code, Error, Result},
    lang::Lang,
    sla::due::{Rule, Rules},
};
use rusqlite::{Connection, Row};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The code of the tariff that a client has when nobody has chosen another.
pub(crate) const USUAL: &str = "standard";

/// What a tariff promises; what is left out is as the tenant's rules say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct OwnRules {
    /// What is promised for urgent tickets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) urgent: Option<Rule>,
    /// What is promised for normal tickets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) normal: Option<Rule>,
    /// What is promised for tickets of low priority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) low: Option<Rule>,
}

impl OwnRules {
    /// The tenant's rules with these laid over them.
    fn over(self, rules: Rules) -> Rules {
        Rules {
            urgent: self.urgent.unwrap_or(rules.urgent),
            normal: self.normal.unwrap_or(rules.normal),
            low: self.low.unwrap_or(rules.low),
        }
    }
}

/// A tariff.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct TariffView {
    /// The tariff.
    pub(crate) id: TariffId,
    /// The code by which clients name it.
    pub(crate) code: String,
    /// Its name.
    pub(crate) name: String,
    /// The hours it includes each month.
    pub(crate) hours_per_month: f64,
    /// What an hour beyond them costs.
    pub(crate) hourly_rate: Option<f64>,
    /// The currency of the rate, by its ISO code.
    pub(crate) currency: String,
    /// What it promises by priority; what is left out is as the tenant's rules say.
    pub(crate) sla: OwnRules,
    /// How many clients have it.
    pub(crate) clients: i64,
}

/// What may be set of a tariff.
#[derive(Debug)]
pub(crate) struct Terms {
    pub(crate) code: String,
    pub(crate) name: String,
    pub(crate) hours_per_month: f64,
    pub(crate) hourly_rate: Option<f64>,
    pub(crate) currency: String,
    pub(crate) sla: OwnRules,
}

/// An amount of money as it is stored, in hundredths.
#[expect(
    clippy::cast_possible_truncation,
    reason = "amounts are bounded far below"
)]
pub(crate) fn hundredths(amount: f64) -> i64 {
    (amount * 100.0).round() as i64
}

fn read(row: &Row<'_>) -> rusqlite::Result<TariffView> {
    let sla: String = row.get(6)?;
    Ok(TariffView {
        id: row.get(0)?,
        code: row.get(1)?,
        name: row.get(2)?,
        hours_per_month: row.get(3)?,
        hourly_rate: row.get(4)?,
        currency: row.get(5)?,
        sla: serde_json::from_str(&sla).unwrap_or_default(),
        clients: row.get(7)?,
    })
}

/// The tariffs of a tenant, or the one that is asked for, from the smallest to the largest.
fn select(conn: &Connection, tenant: TenantId, id: Option<TariffId>) -> Result<Vec<TariffView>> {
    all(
        conn,
        "select t.id, t.code, t.name, t.hours_per_month, t.hourly_rate / 100.0, t.currency, t.sla,
                (select count(*) from client c where c.tenant_id = t.tenant_id and c.tariff_plan = t.code)
           from tariff t
          where t.tenant_id = ?1 and (?2 is null or t.id = ?2)
          order by t.hours_per_month, t.name, t.id",
        (tenant, id),
        read,
    )
}

pub(crate) fn list(conn: &Connection, tenant: TenantId) -> Result<Vec<TariffView>> {
    select(conn, tenant, None)
}

pub(crate) fn by_id(conn: &Connection, tenant: TenantId, id: TariffId) -> Result<TariffView> {
    let found = select(conn, tenant, Some(id))?.pop();
    found.ok_or_else(|| Error::new(Code::TariffNotFound).on("tariff_id"))
}

/// The name of a tariff; its code if there is none of that code.
pub(crate) fn name_of(conn: &Connection, tenant: TenantId, code: &str) -> Result<String> {
    let name = first(
        conn,
        "select name from tariff where tenant_id = ?1 and code = ?2",
        (tenant, code),
        |row| row.get(0),
    )?;
    Ok(name.unwrap_or_else(|| code.to_owned()))
}

/// Refuses a code that no tariff of the tenant has; `field` is where it was given.
pub(crate) fn must_exist(
    conn: &Connection,
    tenant: TenantId,
    code: &str,
    field: &'static str,
) -> Result<()> {
    let known: bool = one(
        conn,
        "select exists (select 1 from tariff where tenant_id = ?1 and code = ?2)",
        (tenant, code),
        |row| row.get(0),
    )?;
    if known {
        Ok(())
    } else {
        Err(Error::new(Code::TariffNotFound).on(field))
    }
}

pub(crate) fn insert(
    conn: &Connection,
    tenant: TenantId,
    terms: &Terms,
    now: Millis,
) -> Result<TariffId> {
    run(
        conn,
        "insert into tariff (tenant_id, code, name, hours_per_month, hourly_rate, currency, sla, created_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        (
            tenant,
            &terms.code,
            &terms.name,
            terms.hours_per_month,
            terms.hourly_rate.map(hundredths),
            &terms.currency,
            serde_json::to_string(&terms.sla)?,
            now,
        ),
    )
    .map_err(|e| taken(e, "tariff.code", "code"))?;
    Ok(TariffId(conn.last_insert_rowid()))
}

/// The tariff that a new tenant starts with: no hours included, no rate.
pub(crate) fn insert_usual(
    conn: &Connection,
    tenant: TenantId,
    lang: Lang,
    now: Millis,
) -> Result<()> {
    let terms = Terms {
        code: USUAL.to_owned(),
        name: lang.pick(["Стандарт", "Стандарт", "Standard"]).to_owned(),
        hours_per_month: 0.0,
        hourly_rate: None,
        currency: "KZT".to_owned(),
        sla: OwnRules::default(),
    };
    insert(conn, tenant, &terms, now).map(drop)
}

/// Sets a tariff's terms. With another code, its clients name it by that.
pub(crate) fn update(
    conn: &Connection,
    tenant: TenantId,
    stored: &TariffView,
    terms: &Terms,
) -> Result<()> {
    run(
        conn,
        "update tariff
            set code = ?3, name = ?4, hours_per_month = ?5, hourly_rate = ?6, currency = ?7, sla = ?8
          where tenant_id = ?1 and id = ?2",
        (
            tenant,
            stored.id,
            &terms.code,
            &terms.name,
            terms.hours_per_month,
            terms.hourly_rate.map(hundredths),
            &terms.currency,
            serde_json::to_string(&terms.sla)?,
        ),
    )
    .map_err(|e| taken(e, "tariff.code", "code"))?;
    move_clients(conn, tenant, &stored.code, &terms.code)
}

fn move_clients(conn: &Connection, tenant: TenantId, from: &str, to: &str) -> Result<()> {
    run(
        conn,
        "update client set tariff_plan = ?3 where tenant_id = ?1 and tariff_plan = ?2",
        (tenant, from, to),
    )?;
    Ok(())
}

/// Deletes a tariff; its clients go over to `replacement`. Without one, a tariff that clients have stays.
pub(crate) fn delete(
    conn: &Connection,
    tenant: TenantId,
    stored: &TariffView,
    replacement: Option<&TariffView>,
) -> Result<()> {
    match replacement {
        Some(other) => move_clients(conn, tenant, &stored.code, &other.code)?,
        None if stored.clients > 0 => {
            return Err(Error::new(Code::TariffInUse)
                .on("tariff_id")
                .with("clients", stored.clients));
        }
        None => {}
    }
    // New clients begin with it.
    if stored.code == USUAL {
        return Err(Error::new(Code::TariffNeeded)
            .on("tariff_id")
            .with("name", USUAL));
    }
    run(
        conn,
        "delete from tariff where tenant_id = ?1 and id = ?2",
        (tenant, stored.id),
    )?;
    Ok(())
}

/// What is promised to the clients whose tariffs promise something of their own.
pub(crate) fn rules_by_client(
    conn: &Connection,
    tenant: TenantId,
    rules: Rules,
) -> Result<HashMap<ClientId, Rules>> {
    let own: Vec<(ClientId, String)> = all(
        conn,
        "select c.id, t.sla
           from tariff t
           join client c on c.tenant_id = t.tenant_id and c.tariff_plan = t.code
          where t.tenant_id = ?1 and t.sla <> '{}'",
        [tenant],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let laid = own.into_iter().map(|(client, sla)| {
        let own: OwnRules = serde_json::from_str(&sla).unwrap_or_default();
        (client, own.over(rules))
    });
    Ok(laid.collect())
}

/// What is promised to one client, if its tariff promises something of its own.
pub(crate) fn rules_of(
    conn: &Connection,
    tenant: TenantId,
    client: ClientId,
    rules: Rules,
) -> Result<Option<Rules>> {
    let own: Option<String> = first(
        conn,
        "select t.sla
           from client c
           join tariff t on t.tenant_id = c.tenant_id and t.code = c.tariff_plan
          where c.tenant_id = ?1 and c.id = ?2 and t.sla <> '{}'",
        (tenant, client),
        |row| row.get(0),
    )?;
    Ok(own.map(|sla| {
        let own: OwnRules = serde_json::from_str(&sla).unwrap_or_default();
        own.over(rules)
    }))
}

/// What an hour of a client's costs, and in what.
pub(crate) fn rate_of(
    conn: &Connection,
    tenant: TenantId,
    client: ClientId,
) -> Result<(Option<i64>, String)> {
    let found = first(
        conn,
        "select coalesce(c.hourly_rate, t.hourly_rate), coalesce(t.currency, 'KZT')
           from client c
           left join tariff t on t.tenant_id = c.tenant_id and t.code = c.tariff_plan
          where c.tenant_id = ?1 and c.id = ?2",
        (tenant, client),
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    Ok(found.unwrap_or((None, "KZT".to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tariff_s_rules_go_before_the_tenant_s_one_by_one() {
        let fast = Rule {
            response_minutes: 10,
            resolution_minutes: 60,
        };
        let own = OwnRules {
            urgent: Some(fast),
            ..OwnRules::default()
        };
        let rules = own.over(Rules::default());
        assert_eq!(rules.urgent, fast);
        assert_eq!(rules.normal, Rules::default().normal);
        assert_eq!(
            serde_json::to_string(&own).unwrap(),
            r#"{"urgent":{"response_minutes":10,"resolution_minutes":60}}"#
        );
    }

    #[test]
    fn money_is_stored_in_hundredths() {
        assert_eq!(hundredths(15_000.0), 1_500_000);
        assert_eq!(hundredths(0.29), 29);
        assert_eq!(hundredths(1234.565), 123_457);
    }
}
