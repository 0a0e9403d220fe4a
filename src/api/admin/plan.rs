//! The plan of the caller's tenant: what it allows, and how much of it is used.
use crate::{
    access::{
        Operator,
        rules::{Needs, Role},
    },
    api::{Action, Query, Read, Spec, query},
    error::{Error, Result},
    tenant::{
        self,
        limits::{self, Usage},
        plan::{Feature, Limits, Plan},
    },
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) const ACTIONS: &[Action] = &[query::<GetPlanFeatures>()];

/// A part of the product that begins with a plan.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct FeatureView {
    /// Which part.
    code: Feature,
    /// Whether the tenant has it.
    is_available: bool,
    /// The plan that it begins with.
    required_plan: Plan,
}

/// What a tenant's plan allows and how much of it is used.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PlanFeatures {
    /// The plan.
    plan: Plan,
    /// What the tenant may use: its plan's limits, with those of its own laid over them.
    limits: Limits,
    /// How much of it is used.
    usage: Usage,
    /// The parts of the product, and which of them the tenant has.
    features: Vec<FeatureView>,
}

/// Tells what the tenant's plan allows and how much of it is used.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetPlanFeatures {}
impl Spec for GetPlanFeatures {
    const NAME: &'static str = "get_plan_features";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = [
        "Возможности и пределы тарифа",
        "Тариф мүмкіндіктері мен шектері",
        "Show what the plan allows",
    ];
    const EXAMPLE: &'static str = "{}";
    type By = Operator;
    type Output = PlanFeatures;
}
impl Query for GetPlanFeatures {
    fn run(self, cx: &Read<'_, Operator>) -> Result<PlanFeatures> {
        let tenant = tenant::by_id(cx.db, cx.by.tenant)?;
        let month = tenant.month_start(cx.db.now);
        let mut used = limits::usage(cx.db, &[(tenant.id, month)], cx.db.now)?;
        let feature = |code: Feature| FeatureView {
            code,
            is_available: tenant.plan >= code.begins(),
            required_plan: code.begins(),
        };
        Ok(PlanFeatures {
            plan: tenant.plan,
            limits: tenant.limits(),
            usage: used
                .remove(&tenant.id)
                .ok_or_else(|| Error::internal("a tenant without usage"))?,
            features: Feature::ALL.into_iter().map(feature).collect(),
        })
    }
}
