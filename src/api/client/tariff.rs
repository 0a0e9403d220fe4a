//! What a client's company has agreed on with the desk, and how much of the month is left.
use crate::{
    access::{ClientUser, rules::Needs},
    api::{Query, Read, Spec},
    client,
    error::Result,
    tariff,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Shows the tariff of the caller's company, with the hours used and left this month.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetTariff {}

/// A company's tariff and its month.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct OwnTariff {
    /// The tariff's code.
    code: String,
    /// Its name.
    name: String,
    /// The hours included each month.
    hours_per_month: f64,
    /// The hours used this month, in the desk's time zone.
    hours_used: f64,
    /// The hours left this month.
    hours_left: f64,
    /// What an hour beyond them costs.
    hourly_rate: Option<f64>,
    /// The currency of the rate.
    currency: String,
}
impl Spec for GetTariff {
    const NAME: &'static str = "tariff";
    const NEEDS: Needs = Needs::client();
    const TITLE: [&'static str; 3] = ["Мой тариф", "Менің тарифім", "My tariff"];
    const EXAMPLE: &'static str = "{}";
    type By = ClientUser;
    type Output = OwnTariff;
}
impl Query for GetTariff {
    fn run(self, cx: &Read<'_, ClientUser>) -> Result<OwnTariff> {
        let company = client::view(cx.db, cx.by.tenant, &cx.by.portal_domain, cx.db.now)?;
        let tariffs = tariff::list(cx.db, cx.by.tenant)?;
        let name = tariffs
            .into_iter()
            .find(|tariff| tariff.code == company.tariff_plan)
            .map_or_else(|| company.tariff_plan.clone(), |tariff| tariff.name);
        Ok(OwnTariff {
            code: company.tariff_plan,
            name,
            hours_per_month: company.hours_per_month,
            hours_used: company.hours_used,
            hours_left: (company.hours_per_month - company.hours_used).max(0.0),
            hourly_rate: company.hourly_rate,
            currency: company.currency,
        })
    }
}
