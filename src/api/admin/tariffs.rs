//! Tariffs: what is sold to clients.
use super::Deleted;
use crate::{
    access::{
        Operator,
        rules::{Needs, Role},
    },
    api::{
        Action, Command, Query, Read, Spec, Write, command,
        field::{Amount, Change, Code, Currency, Name, TariffId},
        query,
    },
    error::{Error, Fault, Result},
    sla::due::Rule,
    tariff::{self, OwnRules, TariffView, Terms},
    tenant::plan::Scope::Read as R,
    ticket::clock,
};
use schemars::JsonSchema;
use serde::Deserialize;

pub(super) const ACTIONS: &[Action] = &[
    query::<GetTariffPlans>(),
    command::<CreateTariff>(),
    command::<UpdateTariff>(),
    command::<DeleteTariff>(),
];

/// Lists the tariffs with their hours, rates and service levels, the smallest first.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetTariffPlans {}
impl Spec for GetTariffPlans {
    const NAME: &'static str = "get_tariff_plans";
    const NEEDS: Needs = Needs::scopes(&[R]);
    const TITLE: [&'static str; 3] = ["Тарифы", "Тарифтер", "List tariff plans"];
    const EXAMPLE: &'static str = "{}";
    type By = Operator;
    type Output = Vec<TariffView>;
}
impl Query for GetTariffPlans {
    fn run(self, cx: &Read<'_, Operator>) -> Result<Vec<TariffView>> {
        tariff::list(cx.db, cx.by.tenant)
    }
}

/// Refuses a promise of no time at all, or of a result before an answer.
pub(super) fn promise(rule: Rule, field: &str) -> Result<()> {
    const MOST: u32 = 525_600;
    for (name, minutes) in [
        ("response_minutes", rule.response_minutes),
        ("resolution_minutes", rule.resolution_minutes),
    ] {
        if !(1..=MOST).contains(&minutes) {
            let field = format!("{field}.{name}");
            return Err(Error::invalid(field, Fault::OutOfRange(1, MOST.into())));
        }
    }
    if rule.resolution_minutes < rule.response_minutes {
        let field = format!("{field}.resolution_minutes");
        let least = i64::from(rule.response_minutes);
        return Err(Error::invalid(field, Fault::OutOfRange(least, MOST.into())));
    }
    Ok(())
}

fn promises(sla: OwnRules) -> Result<OwnRules> {
    for (name, rule) in [
        ("urgent", sla.urgent),
        ("normal", sla.normal),
        ("low", sla.low),
    ] {
        if let Some(rule) = rule {
            promise(rule, &format!("sla.{name}"))?;
        }
    }
    Ok(sla)
}

/// Makes a tariff.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct CreateTariff {
    /// The code by which clients name it.
    code: Code,
    /// Its name.
    name: Name,
    /// The hours it includes each month; none if left out.
    #[serde(default)]
    hours_per_month: Option<Amount>,
    /// What an hour beyond them costs; null for nothing agreed.
    #[serde(default)]
    hourly_rate: Option<Amount>,
    /// The currency of the rate, by its ISO code; `KZT` if left out.
    #[serde(default)]
    currency: Option<Currency>,
    /// What it promises by priority, in working minutes; what is left out is as the tenant's rules say.
    #[serde(default)]
    sla: Option<OwnRules>,
}
impl Spec for CreateTariff {
    const NAME: &'static str = "create_tariff";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = ["Создать тариф", "Тариф құру", "Create a tariff"];
    const EXAMPLE: &'static str = r#"{"code":"extended","name":"Расширенный","hours_per_month":40,"hourly_rate":14000,"currency":"KZT","sla":{"urgent":{"response_minutes":15,"resolution_minutes":120}}}"#;
    type By = Operator;
    type Output = TariffView;
}
impl Command for CreateTariff {
    fn run(self, cx: &Write<'_, Operator>) -> Result<TariffView> {
        let terms = Terms {
            code: self.code.0,
            name: self.name.0,
            hours_per_month: self.hours_per_month.map_or(0.0, |h| h.0),
            hourly_rate: self.hourly_rate.map(|r| r.0),
            currency: self.currency.map_or_else(|| "KZT".to_owned(), |c| c.0),
            sla: promises(self.sla.unwrap_or_default())?,
        };
        let id = tariff::insert(cx.tx, cx.by.tenant, &terms, cx.tx.now)?;
        tariff::by_id(cx.tx, cx.by.tenant, id)
    }
}

/// Changes a tariff; what is left out stays. Its clients follow another code, and their open tickets another promise.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct UpdateTariff {
    /// The tariff.
    tariff_id: TariffId,
    /// The code by which clients name it.
    #[serde(default)]
    code: Option<Code>,
    /// Its name.
    #[serde(default)]
    name: Option<Name>,
    /// The hours it includes each month.
    #[serde(default)]
    hours_per_month: Option<Amount>,
    /// What an hour beyond them costs; null for nothing agreed.
    #[serde(default)]
    hourly_rate: Change<Amount>,
    /// The currency of the rate, by its ISO code.
    #[serde(default)]
    currency: Option<Currency>,
    /// All that it promises by priority; null for the tenant's rules.
    #[serde(default)]
    sla: Change<OwnRules>,
}
impl Spec for UpdateTariff {
    const NAME: &'static str = "update_tariff";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = ["Изменить тариф", "Тарифті өзгерту", "Update a tariff"];
    const EXAMPLE: &'static str = r#"{"tariff_id":1,"hourly_rate":16000}"#;
    type By = Operator;
    type Output = TariffView;
}
impl Command for UpdateTariff {
    fn run(self, cx: &Write<'_, Operator>) -> Result<TariffView> {
        let stored = tariff::by_id(cx.tx, cx.by.tenant, self.tariff_id)?;
        let terms = Terms {
            code: self.code.map_or_else(|| stored.code.clone(), |c| c.0),
            name: self.name.map_or_else(|| stored.name.clone(), |n| n.0),
            hours_per_month: self.hours_per_month.map_or(stored.hours_per_month, |h| h.0),
            hourly_rate: match self.hourly_rate {
                Change::Keep => stored.hourly_rate,
                Change::Clear => None,
                Change::Set(rate) => Some(rate.0),
            },
            currency: self
                .currency
                .map_or_else(|| stored.currency.clone(), |c| c.0),
            sla: match self.sla {
                Change::Keep => stored.sla,
                Change::Clear => OwnRules::default(),
                Change::Set(sla) => promises(sla)?,
            },
        };
        tariff::update(cx.tx, cx.by.tenant, &stored, &terms)?;
        if terms.sla != stored.sla {
            clock::recount(cx.tx, cx.by.tenant)?;
        }
        tariff::by_id(cx.tx, cx.by.tenant, self.tariff_id)
    }
}

/// Deletes a tariff. One that clients have goes only when they are given another.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct DeleteTariff {
    /// The tariff.
    tariff_id: TariffId,
    /// The tariff that its clients are to have instead.
    #[serde(default)]
    replace_with: Option<TariffId>,
}
impl Spec for DeleteTariff {
    const NAME: &'static str = "delete_tariff";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = ["Удалить тариф", "Тарифті жою", "Delete a tariff"];
    const EXAMPLE: &'static str = r#"{"tariff_id":4}"#;
    type By = Operator;
    type Output = Deleted;
}
impl Command for DeleteTariff {
    const FREES: bool = true;
    fn run(self, cx: &Write<'_, Operator>) -> Result<Deleted> {
        let tenant = cx.by.tenant;
        let stored = tariff::by_id(cx.tx, tenant, self.tariff_id)?;
        let replacement = self
            .replace_with
            .map(|id| tariff::by_id(cx.tx, tenant, id).map_err(|e| e.on("replace_with")))
            .transpose()?
            .filter(|other| other.id != stored.id);
        tariff::delete(cx.tx, tenant, &stored, replacement.as_ref())?;
        if replacement.is_some() {
            clock::recount(cx.tx, tenant)?;
        }
        Ok(Deleted::of(self.tariff_id.0))
    }
}
