//! The first run: a one-time link that the server prints makes the first tenant and its admin. Afterwards these actions
//! refuse.
use super::session::{SignedIn, sign_in};
use crate::{
    access::{
        Principal,
        rules::{Needs, Role},
        secret::Purpose,
        store::{self, Link},
    },
    api::{
        Action, Query, Read, Slow, Spec, Task,
        field::{Email, Line, Name, Password},
        query, task,
    },
    error::{Code, Error, Result},
    lang::Lang,
    operator::{self, NewOperator},
    tenant::{self, NewTenant, plan::Plan},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) const ACTIONS: &[Action] = &[query::<SetupStatus>(), task::<CompleteSetup>()];

/// Tells whether the appliance waits for its first set-up.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct SetupStatus {}
/// Whether the first set-up is still to be done.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct SetupState {
    /// Whether there is no tenant yet.
    needed: bool,
}
impl Spec for SetupStatus {
    const NAME: &'static str = "setup_status";
    const NEEDS: Needs = Needs::anyone();
    const TITLE: [&'static str; 3] = [
        "Нужна ли первоначальная настройка",
        "Бастапқы баптау қажет пе",
        "Is the first set-up needed",
    ];
    const EXAMPLE: &'static str = "{}";
    type By = Principal;
    type Output = SetupState;
}
impl Query for SetupStatus {
    fn run(self, cx: &Read<'_, Principal>) -> Result<SetupState> {
        Ok(SetupState {
            needed: !tenant::exists_any(cx.db)?,
        })
    }
}

/// Makes the first tenant and its admin by the link that the server printed, and signs the admin in.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct CompleteSetup {
    /// The token of the link.
    token: Line,
    /// What the company is called.
    company_name: Name,
    /// What the admin is called.
    name: Name,
    /// The admin's address, which is also their login.
    email: Email,
    /// The admin's password, at least 8 characters.
    password: Password,
    /// The language to work in.
    #[serde(default)]
    locale: Option<Lang>,
    /// The time zone of the working hours, such as `Asia/Almaty`.
    #[serde(default)]
    timezone: Option<Line>,
}
impl Spec for CompleteSetup {
    const NAME: &'static str = "complete_setup";
    const NEEDS: Needs = Needs::anyone();
    const TITLE: [&'static str; 3] = [
        "Выполнить первоначальную настройку",
        "Бастапқы баптауды орындау",
        "Complete the first set-up",
    ];
    const EXAMPLE: &'static str = r#"{"token":"the token of the link","company_name":"ТОО «Сервис»","name":"Алия Нурбекова","email":"admin@company.kz","password":"a good password","locale":"ru"}"#;
    type By = Principal;
    type Output = SignedIn;
}
impl Task for CompleteSetup {
    async fn run(self, cx: Slow<Principal>) -> Result<SignedIn> {
        self.password.strong_enough("password")?;
        if cx.app.db.read(|db| tenant::exists_any(db)).await? {
            return Err(Error::new(Code::SetupDone));
        }
        let link = cx.app.secret.hash(Purpose::AccessLink, &self.token);
        let hash = cx.app.gate.hash(self.password.0).await?;
        let locale = self.locale.unwrap_or(cx.call.lang);
        sign_in(&cx.app, &cx.call, CompleteSetup::NAME, false, move |tx| {
            if tenant::exists_any(tx)? {
                return Err(Error::new(Code::SetupDone));
            }
            if store::take_link(tx, &link, tx.now)? != Link::Setup {
                return Err(Error::new(Code::LinkInvalid));
            }
            let new = NewTenant {
                name: &self.company_name,
                domain: None,
                plan: Plan::Enterprise,
                locale,
                timezone: self.timezone.as_deref().map(String::as_str),
            };
            let tenant = tenant::create(tx, &new, tx.now)?;
            let admin = NewOperator {
                name: &self.name,
                email: &self.email,
                phone: None,
                role: Role::HeadAdmin,
                department: None,
                password_hash: Some(&hash),
                locale: Some(locale),
            };
            Ok((tenant, operator::create(tx, tenant, &admin, tx.now)?))
        })
        .await
    }
}
