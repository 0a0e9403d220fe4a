//! Signing in and out, and one's own account.
use super::Done;
use crate::{
    access::{
        Operator, Principal, Via,
        rules::{Needs, Role},
        secret::{Purpose, random_text},
        store, totp,
    },
    api::{
        Action, Call, Command, Query, Read, Slow, Spec, Task, Write, command,
        field::{At, Flag, Line, Name, OperatorId, Password, TenantId},
        query, task,
    },
    app::App,
    audit,
    branding::{self, BrandingView},
    caps::neighbourhood,
    clock::{Millis, SECOND},
    db::{Lane, Tx, sql::run},
    error::{Code, Error, Result},
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
use std::{net::IpAddr, sync::Arc};

pub(super) const ACTIONS: &[Action] = &[
    task::<AdminLogin>(),
    command::<AdminLogout>(),
    query::<Me>(),
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

/// Who the caller is.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Identity {
    /// The operator.
    pub(super) operator: OperatorView,
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
    /// Whether signing in takes a code besides the password.
    two_factor: bool,
}

/// Who an operator is, and what they may do by a credential that is good for `most` at most.
pub(super) fn identity(
    conn: &Connection,
    (tenant, id): (TenantId, OperatorId),
    most: Role,
) -> Result<Identity> {
    let operator = operator::by_id(conn, tenant, id)?;
    let two_factor = totp::is_enabled(conn, (tenant, id))?;
    let tenant = tenant::by_id(conn, tenant)?;
    let role = operator.role.min(most);
    Ok(Identity {
        two_factor,
        permissions: Permissions {
            can_edit: operator.can_edit || operator.role > Role::Operator,
            is_supervisor: role >= Role::Supervisor,
            is_admin: role >= Role::Admin,
            is_head_admin: role == Role::HeadAdmin,
        },
        plan: tenant.plan,
        branding: branding::shown(conn, &tenant)?,
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
            let identity = identity(tx, (tenant, id), Role::HeadAdmin)?;
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

/// Somebody whose password was right.
pub(super) struct Proof {
    pub(super) whose: (TenantId, OperatorId),
    tries: (String, IpAddr),
}

/// Refuses a try that comes too early.
fn unless_waiting(wait: Millis) -> Result<()> {
    if wait > 0 {
        let seconds = wait / SECOND + 1;
        return Err(Error::new(Code::RateLimited).with("retry_after", seconds));
    }
    Ok(())
}

/// Finds out whose login and password these are. An unknown login and a wrong password take the same time and have one
/// answer.
pub(super) async fn check_password(
    app: &App,
    call: &Call,
    login: &str,
    password: Password,
) -> Result<Proof> {
    let login = store::login(login);
    let tries = (login.clone(), neighbourhood(call.address));
    let now = app.db.clock().now();
    unless_waiting(app.logins.wait(&tries, now))?;
    let account = app.db.read(move |db| store::account(db, &login)).await?;
    let hash = account.as_ref().and_then(|a| a.password_hash.clone());
    let right = app.gate.verify(password.0, hash).await?;
    let Some(account) = account.filter(|_| right) else {
        app.logins.failed(tries, now);
        return Err(Error::new(Code::LoginFailed));
    };
    if !account.is_at_work {
        return Err(Error::new(Code::TenantInactive));
    }
    let whose = (account.tenant, account.operator);
    codes_left(app, whose)?;
    Ok(Proof { whose, tries })
}

/// Refuses another guess at somebody's code that comes too early, wherever it comes from: who gets here knows the password
/// or has the mailbox, and a code is short.
pub(super) fn codes_left(app: &App, whose: (TenantId, OperatorId)) -> Result<()> {
    unless_waiting(app.codes.wait(&whose, app.db.clock().now()))
}

/// Notes how a sign-in went that may have taken a code.
pub(super) fn code_used<T>(app: &App, whose: (TenantId, OperatorId), outcome: &Result<T>) {
    match outcome {
        Ok(_) => app.codes.succeeded(&whose),
        Err(error) if error.code() == Code::TotpInvalid => {
            app.codes.failed(whose, app.db.clock().now());
        }
        Err(_) => {}
    }
}

impl Proof {
    /// Notes how the rest of the sign-in went, and answers it.
    pub(super) fn ended<T>(self, app: &App, outcome: Result<T>) -> Result<T> {
        code_used(app, self.whose, &outcome);
        match &outcome {
            Ok(_) => app.logins.succeeded(&self.tries),
            Err(error) if error.code() == Code::TotpInvalid => {
                app.logins.failed(self.tries, app.db.clock().now());
            }
            Err(_) => {}
        }
        outcome
    }
}

/// Signs an operator in. An unknown login and a wrong password have one answer; wrong tries make the next wait longer.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct AdminLogin {
    /// An e-mail address or a phone number.
    login: Line,
    /// The password.
    password: Password,
    /// The code of the authenticator app or a recovery code, for who has two-factor sign-in on. Without it the answer is
    /// `totp_required`.
    #[serde(default)]
    totp: Option<Line>,
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
        let proof = check_password(&cx.app, &cx.call, &self.login, self.password).await?;
        let (app, whose) = (cx.app.clone(), proof.whose);
        let proven = move |tx: &Tx<'_>| {
            let code = self.totp.as_deref().map(String::as_str);
            totp::prove(tx, &app.secret, whose, code)?;
            Ok(whose)
        };
        let remember = self.remember.0;
        let signed_in = sign_in(&cx.app, &cx.call, AdminLogin::NAME, remember, proven).await;
        proof.ended(&cx.app, signed_in)
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
    const LANE: Lane = Lane::Here;
    fn run(self, cx: &Read<'_, Operator>) -> Result<Identity> {
        identity(cx.db, (cx.by.tenant, cx.by.id), cx.by.role)
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
        identity(cx.tx, (cx.by.tenant, cx.by.id), cx.by.role)
    }
}
