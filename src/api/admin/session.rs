//! Signing in and out, and one's own account.
use super::Done;
use crate::{
    access::{
        Operator, Principal, Via,
        rules::{Needs, Role},
        secret::{Purpose, random_text},
        store::{self, Link},
    },
    api::{
        Action, Call, Command, Query, Read, Slow, Spec, Task, Write, command,
        field::{At, Flag, Line, Name, OperatorId, Password, TenantId},
        query, task,
    },
    app::App,
    audit,
    clock::SECOND,
    db::{Tx, sql::run},
    error::{Code, Error, Fault, Result},
    http::cookie,
    lang::Lang,
    operator::{self, OperatorView},
    signal::Signal,
    tenant::{self, plan::Plan},
    ticket::{Actor, model::ActorKind},
};
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

pub(super) const ACTIONS: &[Action] = &[
    task::<AdminLogin>(),
    command::<AdminLogout>(),
    query::<Me>(),
    task::<ChangePassword>(),
    task::<ResetPassword>(),
    command::<SaveProfile>(),
];

/// The tenant in short.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TenantView {
    /// The tenant.
    id: TenantId,
    /// What it is called.
    name: String,
    /// The language it writes in.
    locale: Lang,
    /// The time zone of its working hours.
    timezone: String,
}

/// What the caller may do.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Permissions {
    /// Edit tickets and others' messages.
    can_edit: bool,
    /// Merge, split and delete tickets.
    is_supervisor: bool,
    /// Change the tenant's settings.
    is_admin: bool,
    /// Look after all tenants.
    is_head_admin: bool,
}

/// How the tenant's pages look.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct BrandingView {
    /// The company that gives support.
    pub(crate) company_name: String,
    /// Its colour, `#rrggbb`.
    pub(crate) primary_color: String,
    /// Where its logo is.
    pub(crate) logo: Option<String>,
}

impl BrandingView {
    pub(crate) fn of(tenant: &tenant::Tenant) -> BrandingView {
        BrandingView {
            company_name: tenant.name.clone(),
            primary_color: tenant.settings.primary_color.clone(),
            logo: None,
        }
    }
}

/// Who the caller is.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Identity {
    /// The operator.
    operator: OperatorView,
    /// Their tenant.
    tenant: TenantView,
    /// The tenant's plan.
    plan: Plan,
    /// What they may do.
    permissions: Permissions,
    /// How the tenant's pages look.
    branding: BrandingView,
    /// The language they work in.
    locale: Lang,
}

fn identity(conn: &Connection, tenant: TenantId, id: OperatorId) -> Result<Identity> {
    let operator = operator::by_id(conn, tenant, id)?;
    let tenant = tenant::by_id(conn, tenant)?;
    let role = operator.role;
    Ok(Identity {
        permissions: Permissions {
            can_edit: operator.can_edit || role > Role::Operator,
            is_supervisor: role >= Role::Supervisor,
            is_admin: role >= Role::Admin,
            is_head_admin: role == Role::HeadAdmin,
        },
        plan: tenant.plan,
        branding: BrandingView::of(&tenant),
        locale: operator.locale.unwrap_or(tenant.locale),
        tenant: TenantView {
            id: tenant.id,
            timezone: tenant.zone_name(),
            locale: tenant.locale,
            name: tenant.name,
        },
        operator,
    })
}

/// A session that was opened.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct SignedIn {
    #[serde(flatten)]
    identity: Identity,
    /// When it ends if it is not used.
    expires_at: At,
}

/// Opens a session for the operator whom `proven` answers, in the same transaction as whatever it does, and sets its
/// cookie. The audit log names `action` as what they did.
pub(crate) async fn sign_in(
    app: &App,
    call: &Arc<Call>,
    action: &'static str,
    remember: bool,
    proven: impl FnOnce(&Tx<'_>) -> Result<(TenantId, OperatorId)> + Send + 'static,
) -> Result<SignedIn> {
    let token = random_text(43)?;
    let hash = app.secret.hash(Purpose::Session, &token);
    let place = Arc::clone(call);
    let signed_in = app
        .db
        .write(move |tx| {
            let (tenant, id) = proven(tx)?;
            let address = place.address.to_string();
            let expires_at = store::open_session(
                tx,
                (tenant, id),
                &hash,
                (&place.device, &address),
                remember,
                tx.now,
            )?;
            let identity = identity(tx, tenant, id)?;
            let actor = Actor {
                kind: ActorKind::Operator,
                id: Some(id.0),
                name: identity.operator.name.clone(),
            };
            let subject = json!({ "operator_id": id }).to_string();
            audit::note(
                tx,
                tenant,
                &actor,
                action,
                &subject,
                (address, &place.request_id),
            )?;
            Ok(SignedIn {
                identity,
                expires_at: At(expires_at),
            })
        })
        .await?;
    call.set_cookie(cookie::session(&app.config, &token, remember));
    Ok(signed_in)
}

/// Signs an operator in. An unknown login and a wrong password have one answer; wrong tries make the next wait longer.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct AdminLogin {
    /// An e-mail address or a phone number.
    login: Line,
    /// The password.
    password: Password,
    /// Whether to stay signed in for 30 days instead of 12 hours.
    #[serde(default)]
    remember: Flag,
}
impl Spec for AdminLogin {
    const NAME: &'static str = "admin_login";
    const NEEDS: Needs = Needs::anyone();
    const TITLE: [&'static str; 3] = ["Войти", "Кіру", "Sign in"];
    const EXAMPLE: &'static str = r#"{"login":"admin@company.kz","password":"your_password"}"#;
    type By = Principal;
    type Output = SignedIn;
}
impl Task for AdminLogin {
    async fn run(self, cx: Slow<Principal>) -> Result<SignedIn> {
        let login = store::login(&self.login);
        let tries = (login.clone(), cx.call.address);
        let now = cx.app.db.clock().now();
        let wait = cx.app.logins.wait(&tries, now);
        if wait > 0 {
            let seconds = wait / SECOND + 1;
            return Err(Error::new(Code::RateLimited).with("retry_after", seconds));
        }
        let account = cx.app.db.read(move |db| store::account(db, &login)).await?;
        let hash = account.as_ref().and_then(|a| a.password_hash.clone());
        let right = cx.app.gate.verify(self.password.0, hash).await?;
        let Some(account) = account.filter(|_| right) else {
            cx.app.logins.failed(tries, now);
            return Err(Error::new(Code::LoginFailed));
        };
        cx.app.logins.succeeded(&tries);
        let who = (account.tenant, account.operator);
        sign_in(
            &cx.app,
            &cx.call,
            AdminLogin::NAME,
            self.remember.0,
            move |_| Ok(who),
        )
        .await
    }
}

/// Signs out: the session ends at once.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct AdminLogout {}
impl Spec for AdminLogout {
    const NAME: &'static str = "admin_logout";
    const NEEDS: Needs = Needs::role(Role::Operator);
    const TITLE: [&'static str; 3] = ["Выйти", "Шығу", "Sign out"];
    const EXAMPLE: &'static str = "{}";
    type By = Operator;
    type Output = Done;
}
impl Command for AdminLogout {
    fn run(self, cx: &Write<'_, Operator>) -> Result<Done> {
        if let Via::Session { id } = cx.by.via {
            store::close_session(cx.tx, cx.by.tenant, id)?;
        }
        cx.tx.signal(Signal::Access);
        cx.call.set_cookie(cookie::gone(&cx.app.config));
        Ok(Done::new())
    }
}

/// Tells who the caller is and what they may do.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Me {}
impl Spec for Me {
    const NAME: &'static str = "me";
    const NEEDS: Needs = Needs::role(Role::Operator);
    const TITLE: [&'static str; 3] = ["Кто я", "Мен кіммін", "Who am I"];
    const EXAMPLE: &'static str = "{}";
    type By = Operator;
    type Output = Identity;
}
impl Query for Me {
    fn run(self, cx: &Read<'_, Operator>) -> Result<Identity> {
        identity(cx.db, cx.by.tenant, cx.by.id)
    }
}

/// Sets another password. All other sessions of the caller end.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ChangePassword {
    /// The present password.
    password: Password,
    /// The new one, at least 8 characters.
    new_password: Password,
}
impl Spec for ChangePassword {
    const NAME: &'static str = "change_password";
    const NEEDS: Needs = Needs::role(Role::Operator);
    const TITLE: [&'static str; 3] = ["Сменить пароль", "Құпиясөзді өзгерту", "Change my password"];
    const EXAMPLE: &'static str =
        r#"{"password":"your_password","new_password":"a better password"}"#;
    type By = Operator;
    type Output = Done;
}
impl Task for ChangePassword {
    async fn run(self, cx: Slow<Operator>) -> Result<Done> {
        self.new_password.strong_enough("new_password")?;
        let actor = Actor::operator(&cx.by);
        let (tenant, id, via) = (cx.by.tenant, cx.by.id, cx.by.via);
        let old = cx
            .app
            .db
            .read(move |db| store::password_hash(db, tenant, id))
            .await?;
        if !cx.app.gate.verify(self.password.0, old).await? {
            return Err(Error::invalid("password", Fault::WrongPassword));
        }
        let new = cx.app.gate.hash(self.new_password.0).await?;
        let call = cx.call;
        let kept = match via {
            Via::Session { id } => Some(id),
            Via::Key { .. } => None,
        };
        cx.app
            .db
            .write(move |tx| {
                store::set_password(tx, tenant, id, &new)?;
                store::close_sessions(tx, tenant, id, kept)?;
                tx.signal(Signal::Access);
                let place = (call.address.to_string(), call.request_id.as_str());
                audit::note(tx, tenant, &actor, ChangePassword::NAME, "{}", place)?;
                Ok(Done::new())
            })
            .await
    }
}

/// Sets a password by a link that was sent or printed, which works once, and signs its bearer in.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ResetPassword {
    /// The token of the link.
    token: Line,
    /// The new password, at least 8 characters.
    password: Password,
}
impl Spec for ResetPassword {
    const NAME: &'static str = "reset_password";
    const NEEDS: Needs = Needs::anyone();
    const TITLE: [&'static str; 3] = [
        "Задать пароль по ссылке",
        "Сілтеме арқылы құпиясөз орнату",
        "Set a password by a link",
    ];
    const EXAMPLE: &'static str =
        r#"{"token":"the token of the link","password":"a good password"}"#;
    type By = Principal;
    type Output = SignedIn;
}
impl Task for ResetPassword {
    async fn run(self, cx: Slow<Principal>) -> Result<SignedIn> {
        self.password.strong_enough("password")?;
        let link = cx.app.secret.hash(Purpose::AccessLink, &self.token);
        let hash = cx.app.gate.hash(self.password.0).await?;
        sign_in(&cx.app, &cx.call, ResetPassword::NAME, false, move |tx| {
            let Link::Password(tenant, id) = store::take_link(tx, &link, tx.now)? else {
                return Err(Error::new(Code::LinkInvalid));
            };
            store::set_password(tx, tenant, id, &hash)?;
            store::close_sessions(tx, tenant, id, None)?;
            tx.signal(Signal::Access);
            Ok((tenant, id))
        })
        .await
    }
}

/// Changes the caller's own name or language; what is left out stays.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct SaveProfile {
    /// What to be called.
    #[serde(default)]
    name: Option<Name>,
    /// The language to work in.
    #[serde(default)]
    locale: Option<Lang>,
}
impl Spec for SaveProfile {
    const NAME: &'static str = "save_profile";
    const NEEDS: Needs = Needs::role(Role::Operator);
    const TITLE: [&'static str; 3] = ["Сохранить профиль", "Профильді сақтау", "Save my profile"];
    const EXAMPLE: &'static str = r#"{"locale":"kk"}"#;
    type By = Operator;
    type Output = Identity;
}
impl Command for SaveProfile {
    fn run(self, cx: &Write<'_, Operator>) -> Result<Identity> {
        run(
            cx.tx,
            "update operator set name = coalesce(?3, name), locale = coalesce(?4, locale) where tenant_id = ?1 and id = ?2",
            (cx.by.tenant, cx.by.id, self.name.map(|n| n.0), self.locale),
        )?;
        identity(cx.tx, cx.by.tenant, cx.by.id)
    }
}
