//! Operators: who is at the desk, what each may do, and who is at work.
use super::{
    Deleted,
    password::{password_url, write_to},
};
use crate::{
    access::{
        Operator,
        rules::{Needs, Role},
        totp,
    },
    api::{
        Action, Command, Query, Read, Slow, Spec, Task, Write, command,
        field::{Email, Flag, Line, Name, OperatorId, Password},
        query, task,
    },
    app::App,
    audit,
    db::Tx,
    error::{Code, Error, Result},
    notice::Kind,
    operator::{self, Availability, NewOperator, OperatorView},
    signal::Signal,
    tenant::plan::Scope::Read as R,
    ticket::{Acting, Actor, handover},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) const ACTIONS: &[Action] = &[
    query::<ListOperators>(),
    task::<AddOperator>(),
    command::<UpdateOperatorRole>(),
    command::<ToggleOperatorEdit>(),
    command::<ResetOperatorTotp>(),
    command::<RemoveOperator>(),
    command::<SetAvailability>(),
];

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
            if !operator.has_said && cx.app.hub.is_online(operator.id) {
                operator.availability = Availability::Online;
            }
        }
        Ok(operators)
    }
}

/// Nobody gives a role above their own.
fn may_give(by: &Operator, role: Role) -> Result<()> {
    if role <= by.role {
        return Ok(());
    }
    let below: Vec<&str> = Role::ALL
        .into_iter()
        .filter(|role| *role <= by.role)
        .map(Role::as_str)
        .collect();
    Err(Error::one_of("role", &below))
}

/// Nobody changes somebody above them.
fn may_change(by: &Operator, whom: &OperatorView) -> Result<()> {
    if whom.role <= by.role {
        return Ok(());
    }
    Err(Error::new(Code::RoleRequired).with("required_role", whom.role.as_str()))
}

/// Adds somebody to the desk. Without a password they are invited by a link that works once, for three days. Somebody
/// who was removed and is added again by the same address comes back as the same operator.
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
    /// The link by which they set their password, told this once.
    invitation_url: Option<String>,
    /// Whether the link was mailed to them as well, through the desk's mail channel.
    invitation_sent: bool,
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
        may_give(&cx.by, role)?;
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
                let operator = operator::by_id(tx, by.tenant, id)?;
                let (invitation_url, invitation_sent) = match hash {
                    Some(_) => (None, false),
                    None => {
                        invite(tx, &app, &by, &operator).map(|(url, sent)| (Some(url), sent))?
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
                    operator,
                    invitation_url,
                    invitation_sent,
                })
            })
            .await
    }
}

/// Makes the link by which somebody new sets their password, and mails it if there is a way to. Answers the link.
fn invite(tx: &Tx<'_>, app: &App, by: &Operator, whom: &OperatorView) -> Result<(String, bool)> {
    let token = operator::password_link(tx, &app.secret, by.tenant, whom.id, tx.now)?;
    let url = password_url(app, &token);
    let variables = [
        ("url", url.clone()),
        ("inviter", by.name.clone()),
        ("login", whom.email.clone()),
    ];
    let kind = (Kind::Invitation, operator::INVITATION);
    let sent = write_to(tx, app, by.tenant, whom, kind, &variables)?;
    Ok((url, sent))
}

/// Gives an operator another role, which holds at once. Nobody gives a role above their own or changes somebody above them,
/// and a tenant keeps at least one admin.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct UpdateOperatorRole {
    /// The operator.
    operator_id: OperatorId,
    /// What they may do from now on.
    role: Role,
}
impl Spec for UpdateOperatorRole {
    const NAME: &'static str = "update_operator_role";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = [
        "Изменить роль сотрудника",
        "Қызметкердің рөлін өзгерту",
        "Change an operator's role",
    ];
    const EXAMPLE: &'static str = r#"{"operator_id":3,"role":"supervisor"}"#;
    type By = Operator;
    type Output = OperatorView;
}
impl Command for UpdateOperatorRole {
    fn run(self, cx: &Write<'_, Operator>) -> Result<OperatorView> {
        let whom = operator::active(cx.tx, cx.by.tenant, self.operator_id)?;
        may_change(cx.by, &whom)?;
        may_give(cx.by, self.role)?;
        operator::set_role(cx.tx, cx.by.tenant, whom.id, self.role)?;
        cx.tx.signal(Signal::Access);
        operator::by_id(cx.tx, cx.by.tenant, whom.id)
    }
}

/// Says whether an operator may edit tickets and others' messages. Supervisors and admins always may.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ToggleOperatorEdit {
    /// The operator.
    operator_id: OperatorId,
    /// Whether they may.
    can_edit: Flag,
}
impl Spec for ToggleOperatorEdit {
    const NAME: &'static str = "toggle_operator_edit";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = [
        "Разрешить или запретить правку",
        "Өңдеуге рұқсат беру не тыйым салу",
        "Allow or forbid editing",
    ];
    const EXAMPLE: &'static str = r#"{"operator_id":3,"can_edit":true}"#;
    type By = Operator;
    type Output = OperatorView;
}
impl Command for ToggleOperatorEdit {
    fn run(self, cx: &Write<'_, Operator>) -> Result<OperatorView> {
        let whom = operator::active(cx.tx, cx.by.tenant, self.operator_id)?;
        may_change(cx.by, &whom)?;
        operator::set_can_edit(cx.tx, cx.by.tenant, whom.id, self.can_edit.0)?;
        cx.tx.signal(Signal::Access);
        operator::by_id(cx.tx, cx.by.tenant, whom.id)
    }
}

/// Takes the second factor away from an operator who has lost the app and the recovery codes. They sign in by password
/// alone until they set it up again.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ResetOperatorTotp {
    /// The operator.
    operator_id: OperatorId,
}
impl Spec for ResetOperatorTotp {
    const NAME: &'static str = "reset_operator_totp";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = [
        "Сбросить двухфакторный вход сотрудника",
        "Қызметкердің екі факторлы кіруін тастау",
        "Reset an operator's two-factor sign-in",
    ];
    const EXAMPLE: &'static str = r#"{"operator_id":3}"#;
    type By = Operator;
    type Output = OperatorView;
}
impl Command for ResetOperatorTotp {
    fn run(self, cx: &Write<'_, Operator>) -> Result<OperatorView> {
        let whom = operator::active(cx.tx, cx.by.tenant, self.operator_id)?;
        may_change(cx.by, &whom)?;
        // One's own takes the password: `totp_disable`.
        if whom.id == cx.by.id {
            return Err(Error::new(Code::OperatorNotFound).on("operator_id"));
        }
        totp::disable(cx.tx, (cx.by.tenant, whom.id))?;
        Ok(whom)
    }
}

/// Takes somebody off the desk. Their sessions, devices and keys end at once; what they wrote stays under their name. Their
/// open tickets and clients go to `reassign_to`, or to nobody.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct RemoveOperator {
    /// The operator.
    operator_id: OperatorId,
    /// Who takes over.
    #[serde(default)]
    reassign_to: Option<OperatorId>,
}
impl Spec for RemoveOperator {
    const NAME: &'static str = "remove_operator";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = [
        "Удалить сотрудника",
        "Қызметкерді өшіру",
        "Remove an operator",
    ];
    const EXAMPLE: &'static str = r#"{"operator_id":5,"reassign_to":2}"#;
    type By = Operator;
    type Output = Deleted;
}
impl Command for RemoveOperator {
    fn run(self, cx: &Write<'_, Operator>) -> Result<Deleted> {
        let tenant = cx.by.tenant;
        let whom = operator::active(cx.tx, tenant, self.operator_id)?;
        may_change(cx.by, &whom)?;
        let heir = self
            .reassign_to
            .map(|id| operator::active(cx.tx, tenant, id))
            .transpose()
            .map_err(|error| error.on("reassign_to"))?
            .map(|heir| heir.id);
        if heir == Some(whom.id) {
            return Err(Error::new(Code::OperatorNotFound).on("reassign_to"));
        }
        let acting = Acting::new(cx.tx, tenant, Actor::operator(cx.by));
        handover::hand_over(&acting, whom.id, heir)?;
        operator::remove(cx.tx, tenant, whom.id, heir)?;
        cx.tx.signal(Signal::Access);
        Ok(Deleted::of(whom.id.0))
    }
}

/// Says whether the caller is at work. Until somebody says so, it is seen by whether they have the desk open.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct SetAvailability {
    /// `online`, `away` or `offline`.
    #[serde(alias = "status")]
    availability: Availability,
}
impl Spec for SetAvailability {
    const NAME: &'static str = "set_availability";
    const NEEDS: Needs = Needs::role(Role::Operator);
    const TITLE: [&'static str; 3] = [
        "Указать, на месте ли я",
        "Орнымда екенімді көрсету",
        "Say whether I am at work",
    ];
    const EXAMPLE: &'static str = r#"{"availability":"away"}"#;
    type By = Operator;
    type Output = OperatorView;
}
impl Command for SetAvailability {
    fn run(self, cx: &Write<'_, Operator>) -> Result<OperatorView> {
        let (tenant, id) = (cx.by.tenant, cx.by.id);
        operator::set_availability(cx.tx, tenant, id, self.availability)?;
        operator::by_id(cx.tx, tenant, id)
    }
}
