//! Demo data: a desk to look at before there is anything of one's own.
use crate::{
    access::{
        Operator,
        rules::{Needs, Role},
    },
    api::{Action, Command, Query, Read, Spec, Write, command, query},
    demo::trial::{self, DemoStatus},
    error::Result,
    signal::Signal,
};
use schemars::JsonSchema;
use serde::Deserialize;

pub(super) const ACTIONS: &[Action] = &[
    query::<CheckDemoStatus>(),
    command::<EnableDemo>(),
    command::<DisableDemo>(),
];

/// Tells whether there is demo data in the tenant, and whether it may be added.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct CheckDemoStatus {}
impl Spec for CheckDemoStatus {
    const NAME: &'static str = "check_demo_status";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = [
        "Состояние демо-режима",
        "Демо-режим күйі",
        "Show the state of the demo",
    ];
    const EXAMPLE: &'static str = "{}";
    type By = Operator;
    type Output = DemoStatus;
}
impl Query for CheckDemoStatus {
    fn run(self, cx: &Read<'_, Operator>) -> Result<DemoStatus> {
        trial::status(cx.db, cx.by.tenant)
    }
}

/// Fills an empty tenant with demo data: clients, contacts and two months of tickets. It counts for nothing against the
/// plan, nothing of it leaves the desk, and it can be removed again.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct EnableDemo {}
impl Spec for EnableDemo {
    const NAME: &'static str = "enable_demo";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = ["Включить демо-режим", "Демо-режимді қосу", "Add demo data"];
    const EXAMPLE: &'static str = "{}";
    type By = Operator;
    type Output = DemoStatus;
}
impl Command for EnableDemo {
    fn run(self, cx: &Write<'_, Operator>) -> Result<DemoStatus> {
        trial::enable(cx.tx, cx.by)
    }
}

/// Removes the demo data of the tenant and nothing else.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct DisableDemo {}
impl Spec for DisableDemo {
    const NAME: &'static str = "disable_demo";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = [
        "Выключить демо-режим",
        "Демо-режимді өшіру",
        "Remove demo data",
    ];
    const EXAMPLE: &'static str = "{}";
    type By = Operator;
    type Output = DemoStatus;
}
impl Command for DisableDemo {
    fn run(self, cx: &Write<'_, Operator>) -> Result<DemoStatus> {
        let status = trial::disable(cx.tx, cx.by.tenant)?;
        cx.tx.signal(Signal::Access);
        Ok(status)
    }
}
