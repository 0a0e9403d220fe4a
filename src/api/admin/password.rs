//! Passwords: changing one's own, and the way back for who has forgotten it.
use super::{
    Done,
    session::{SignedIn, code_used, codes_left, sign_in},
};
use crate::{
    access::{
        Operator, Principal, Via, mobile,
        rules::Needs,
        secret::Purpose,
        store::{self, Link},
        totp,
    },
    api::{
        Action, Slow, Spec, Task,
        field::{Line, OperatorId, Password, TenantId},
        task,
    },
    app::App,
    audit,
    caps::neighbourhood,
    clock::{DAY, HOUR, SECOND},
    db::Tx,
    error::{Code, Error, Fault, Result},
    notice::{self, Kind, Notice},
    operator::{self, OperatorView},
    signal::Signal,
    tenant,
    ticket::Actor,
};
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

pub(super) const ACTIONS: &[Action] = &[
    task::<ChangePassword>(),
    task::<RequestPasswordReset>(),
    task::<ResetPassword>(),
];

/// How many links for a new password somebody is sent in an hour, however many are asked for.
const MOST_LINKS: u32 = 3;
/// The time that asking for a link takes at least, so that it does not tell whether there was somebody to write to.
const ASKING: Duration = Duration::from_millis(200);

/// Sets another password. All other sessions and devices of the caller are signed out.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ChangePassword {
    /// The present password.
    password: Password,
    /// The new one, at least 8 characters.
    new_password: Password,
}
impl Spec for ChangePassword {
    const NAME: &'static str = "change_password";
    const NEEDS: Needs = Needs::session();
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
        let (app, call) = (cx.app.clone(), cx.call);
        let kept = match via {
            Via::Session { id } => Some(id),
            Via::Key { .. } | Via::Mobile { .. } | Via::Portal { .. } => None,
        };
        cx.app
            .db
            .write(move |tx| {
                set(tx, &app, (tenant, id), &new, kept)?;
                let place = (call.address.to_string(), call.request_id.as_str());
                audit::note(tx, tenant, &actor, ChangePassword::NAME, "{}", place)?;
                Ok(Done::new())
            })
            .await
    }
}

/// Gives an operator another password. Every session but `kept` and every device ends, every link that could set another is worth nothing,
/// and whose account it is hears of it.
fn set(
    tx: &Tx<'_>,
    app: &App,
    (tenant, id): (TenantId, OperatorId),
    hash: &str,
    kept: Option<i64>,
) -> Result<()> {
    let is_new = store::password_hash(tx, tenant, id)?.is_none();
    store::set_password(tx, tenant, id, hash)?;
    store::close_sessions(tx, tenant, id, kept)?;
    mobile::close_all(tx, tenant, id)?;
    store::drop_links(tx, tenant, id)?;
    tx.signal(Signal::Access);
    if is_new {
        return Ok(());
    }
    let whose = operator::by_id(tx, tenant, id)?;
    let variables = [("url", app.url("/tenant.html"))];
    write_to(
        tx,
        app,
        tenant,
        &whose,
        (Kind::PasswordChanged, DAY),
        &variables,
    )?;
    Ok(())
}

/// Writes to an operator in their language. Answers whether there is a way to.
pub(super) fn write_to(
    tx: &Tx<'_>,
    app: &App,
    tenant: TenantId,
    whom: &OperatorView,
    (kind, lasts): (Kind, i64),
    variables: &[(&'static str, String)],
) -> Result<bool> {
    if !notice::can_reach(tx, &app.secret, tenant, &whom.email)? {
        return Ok(false);
    }
    let lang = match whom.locale {
        Some(lang) => lang,
        None => tenant::by_id(tx, tenant)?.locale,
    };
    let variables: Vec<(&'static str, &str)> = variables
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let notice = Notice {
        kind,
        lang,
        variables: &variables,
        lasts,
    };
    notice::send(tx, &app.secret, tenant, &whom.email, &notice)?;
    Ok(true)
}

/// Sends a link for a new password to the address of an account, if there is such an account and the desk has a mail
/// channel. The answer is the same either way. The link works once, for an hour; at most three an hour are sent.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct RequestPasswordReset {
    /// The e-mail address or the phone number of the account.
    login: Line,
}
impl Spec for RequestPasswordReset {
    const NAME: &'static str = "request_password_reset";
    const NEEDS: Needs = Needs::anyone();
    const TITLE: [&'static str; 3] = [
        "Запросить новый пароль",
        "Жаңа құпиясөз сұрау",
        "Ask for a new password",
    ];
    const EXAMPLE: &'static str = r#"{"login":"admin@company.kz"}"#;
    type By = Principal;
    type Output = Done;
}
impl Task for RequestPasswordReset {
    async fn run(self, cx: Slow<Principal>) -> Result<Done> {
        let began = tokio::time::Instant::now();
        let now = cx.app.db.clock().now();
        let address = neighbourhood(cx.call.address);
        let wait = cx.app.resets.wait(&address, now);
        if wait > 0 {
            let seconds = wait / SECOND + 1;
            return Err(Error::new(Code::RateLimited).with("retry_after", seconds));
        }
        // Whoever asks again and again is slowed down, whomever they ask for.
        cx.app.resets.failed(address, now);
        let login = store::login(&self.login);
        let app = cx.app.clone();
        cx.app
            .db
            .write(move |tx| send_link(tx, &app, &login))
            .await?;
        tokio::time::sleep_until(began + ASKING).await;
        Ok(Done::new())
    }
}

fn send_link(tx: &Tx<'_>, app: &App, login: &str) -> Result<()> {
    let Some(account) = store::account(tx, login)?.filter(|a| a.is_at_work) else {
        return Ok(());
    };
    let (tenant, id) = (account.tenant, account.operator);
    let whose = operator::by_id(tx, tenant, id)?;
    let lately = notice::sent_since(tx, tenant, &whose.email, Kind::PasswordReset, tx.now - HOUR)?;
    if lately >= MOST_LINKS || !notice::can_reach(tx, &app.secret, tenant, &whose.email)? {
        return Ok(());
    }
    let token = operator::reset_link(tx, &app.secret, tenant, id, tx.now)?;
    let variables = [("url", password_url(app, &token))];
    let kind = (Kind::PasswordReset, operator::RESET);
    write_to(tx, app, tenant, &whose, kind, &variables)?;
    Ok(())
}

/// The page where a link's token sets a password.
pub(super) fn password_url(app: &App, token: &str) -> String {
    app.url(&format!("/tenant.html#/password?token={token}"))
}

/// Sets a password by a link that was sent or printed, which works once, and signs its bearer in.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ResetPassword {
    /// The token of the link.
    token: Line,
    /// The new password, at least 8 characters.
    password: Password,
    /// The code of the authenticator app or a recovery code, for who has two-factor sign-in on. Without it the answer is
    /// `totp_required`, and the link stays good.
    #[serde(default)]
    totp: Option<Line>,
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
        let found = cx.app.db.read(move |db| store::link(db, &link, db.now));
        let Some(Link::Password(tenant, id)) = found.await? else {
            return Err(Error::new(Code::LinkInvalid));
        };
        codes_left(&cx.app, (tenant, id))?;
        let hash = cx.app.gate.hash(self.password.0).await?;
        let app = cx.app.clone();
        let set = move |tx: &Tx<'_>| {
            if store::take_link(tx, &link, tx.now)? != Link::Password(tenant, id) {
                return Err(Error::new(Code::LinkInvalid));
            }
            let code = self.totp.as_deref().map(String::as_str);
            totp::prove(tx, &app.secret, (tenant, id), code)?;
            set(tx, &app, (tenant, id), &hash, None)?;
            Ok((tenant, id))
        };
        let signed_in = sign_in(&cx.app, &cx.call, ResetPassword::NAME, false, set).await;
        code_used(&cx.app, (tenant, id), &signed_in);
        signed_in
    }
}
