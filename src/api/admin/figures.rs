//! Figures of the desk.
use crate::{
    access::{Operator, rules::Needs},
    api::{Action, Query, Read, Spec, query},
    error::Result,
    report::{self, Dashboard},
    tenant::plan::{Plan, Scope::Read as R},
};
use schemars::JsonSchema;
use serde::Deserialize;

pub(super) const ACTIONS: &[Action] = &[query::<ShowDashboard>()];

/// Shows the desk at a glance: what is open, how fast it is answered and solved, and each client's part of it.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ShowDashboard {}
impl Spec for ShowDashboard {
    const NAME: &'static str = "dashboard";
    const NEEDS: Needs = Needs::scopes(&[R]).plan(Plan::Starter);
    const TITLE: [&'static str; 3] = ["Сводка", "Көрсеткіштер", "Dashboard"];
    const EXAMPLE: &'static str = "{}";
    type By = Operator;
    type Output = Dashboard;
}
impl Query for ShowDashboard {
    fn run(self, cx: &Read<'_, Operator>) -> Result<Dashboard> {
        report::dashboard(cx.db, cx.by.tenant, cx.db.now)
    }
}
