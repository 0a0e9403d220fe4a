//! Operators: the list, and adding somebody to the desk.
use crate::{
    access::{
        Operator,
        rules::{Needs, Role},
    },
    api::{
        Action, Query, Read, Slow, Spec, Task,
        field::{Email, Line, Name, Password},
        query, task,
    },
    audit,
    error::{Error, Result},
    operator::{self, NewOperator, OperatorView},
    tenant::plan::Scope::Read as R,
    ticket::Actor,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) const ACTIONS: &[Action] = &[query::<ListOperators>(), task::<AddOperator>()];

/// Lists the people of the desk.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ListOperators {}
impl Spec for ListOperators {
    const NAME: &'static str = "list_operators";
    const NEEDS: Needs = Needs::scopes(&[R]);
    const TITLE: [&'static str; 3] = [
        "Список сотрудников",
        "Қызметкерлер тізімі",
        "List operators",
    ];
    const EXAMPLE: &'static str = "{}";
    type By = Operator;
    type Output = Vec<OperatorView>;
}
impl Query for ListOperators {
    fn run(self, cx: &Read<'_, Operator>) -> Result<Vec<OperatorView>> {
        let mut operators = operator::list(cx.db, cx.by.tenant, None)?;
        // Who has the desk open is at work, unless they say otherwise.
        for operator in &mut operators {
            if operator.availability == "offline" && cx.app.hub.is_online(operator.id) {
                "online".clone_into(&mut operator.availability);
            }
        }
        Ok(operators)
    }
}

/// Adds somebody to the desk. Without a password they are invited by a link that works once, for three days.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct AddOperator {
    /// What they are called.
    name: Name,
    /// Their address, which is also their login.
    email: Email,
    /// Their phone number, which is also a login.
    #[serde(default)]
    phone: Option<Line>,
    /// What they may do; `operator` if left out.
    #[serde(default)]
    role: Option<Role>,
    /// Where they work.
    #[serde(default)]
    department: Option<Line>,
    /// Their first password, in place of an invitation.
    #[serde(default)]
    password: Option<Password>,
}
/// The new operator.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AddedOperator {
    #[serde(flatten)]
    operator: OperatorView,
    /// The link by which they set their password.
    invitation_url: Option<String>,
}
impl Spec for AddOperator {
    const NAME: &'static str = "add_operator";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = ["Добавить сотрудника", "Қызметкер қосу", "Add an operator"];
    const EXAMPLE: &'static str =
        r#"{"name":"Данияр Омаров","email":"daniyar@desk.example","role":"operator"}"#;
    type By = Operator;
    type Output = AddedOperator;
}
impl Task for AddOperator {
    const CREATES: bool = true;

    async fn run(self, cx: Slow<Operator>) -> Result<AddedOperator> {
        let role = self.role.unwrap_or(Role::Operator);
        if role > cx.by.role {
            return Err(Error::one_of("role", &["operator", "supervisor", "admin"]));
        }
        let hash = match self.password {
            Some(password) => {
                password.strong_enough("password")?;
                Some(cx.app.gate.hash(password.0).await?)
            }
            None => None,
        };
        let (app, by, call) = (cx.app.clone(), cx.by, cx.call);
        cx.app
            .db
            .write(move |tx| {
                let new = NewOperator {
                    name: &self.name,
                    email: &self.email,
                    phone: self.phone.as_deref().map(String::as_str),
                    role,
                    department: self.department.as_deref().map(String::as_str),
                    password_hash: hash.as_deref(),
                    locale: None,
                };
                let id = operator::create(tx, by.tenant, &new, tx.now)?;
                let invitation_url = match hash {
                    Some(_) => None,
                    None => {
                        let token =
                            operator::password_link(tx, &app.secret, by.tenant, id, tx.now)?;
                        Some(app.url(&format!("/tenant.html#/password?token={token}")))
                    }
                };
                let subject = format!("{{\"operator_id\":{id}}}");
                let place = (call.address.to_string(), call.request_id.as_str());
                audit::note(
                    tx,
                    by.tenant,
                    &Actor::operator(&by),
                    AddOperator::NAME,
                    &subject,
                    place,
                )?;
                Ok(AddedOperator {
                    operator: operator::by_id(tx, by.tenant, id)?,
                    invitation_url,
                })
            })
            .await
    }
}
