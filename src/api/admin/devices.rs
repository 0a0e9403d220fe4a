//! Where somebody is signed in: browsers, phones and other programs. Each can be ended from another.
use super::{
    Deleted,
    session::{Identity, check_password, identity},
};
use crate::{
    access::{
        Operator, Principal, Via,
        mobile::{self, MobileSessionView},
        rules::{Needs, Role},
        store, totp,
    },
    api::{
        Action, Command, Query, Read, Slow, Spec, Task, Write, command,
        field::{At, Line, MobileSessionId, Name, Password, SessionId},
        query, task,
    },
    audit,
    error::{Code, Error, Result},
    http::cookie,
    signal::Signal,
    ticket::{Actor, model::ActorKind},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

pub(super) const ACTIONS: &[Action] = &[
    query::<ListSessions>(),
    command::<RevokeSession>(),
    task::<MobileLogin>(),
    query::<ListMobileSessions>(),
    command::<RevokeMobileSession>(),
];

/// A browser that somebody is signed in with.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct SessionView {
    /// The session, for `revoke_session`.
    pub(crate) id: SessionId,
    /// The browser, as it calls itself.
    pub(crate) device: String,
    /// The address that it signed in from.
    pub(crate) address: String,
    /// When that was.
    pub(crate) created_at: At,
    /// When it was last used, to the minute.
    pub(crate) last_seen_at: At,
    /// When it ends if it is not used.
    pub(crate) expires_at: At,
    /// Whether it was to be remembered.
    pub(crate) remember: bool,
    /// Whether it is the one that asks.
    pub(crate) is_current: bool,
}

/// Lists the caller's own sessions, the last used first.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ListSessions {}
impl Spec for ListSessions {
    const NAME: &'static str = "list_sessions";
    const NEEDS: Needs = Needs::session();
    const TITLE: [&'static str; 3] = ["Мои сеансы", "Менің сеанстарым", "My sessions"];
    const EXAMPLE: &'static str = "{}";
    type By = Operator;
    type Output = Vec<SessionView>;
}
impl Query for ListSessions {
    fn run(self, cx: &Read<'_, Operator>) -> Result<Vec<SessionView>> {
        let own = match cx.by.via {
            Via::Session { id } => Some(id),
            Via::Key { .. } | Via::Mobile { .. } | Via::Portal { .. } => None,
        };
        store::sessions(cx.db, (cx.by.tenant, cx.by.id), own, cx.db.now)
    }
}

/// Ends one of the caller's own sessions at once.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct RevokeSession {
    /// The session.
    session_id: SessionId,
}
impl Spec for RevokeSession {
    const NAME: &'static str = "revoke_session";
    const NEEDS: Needs = Needs::session();
    const TITLE: [&'static str; 3] = ["Завершить сеанс", "Сеансты аяқтау", "End a session"];
    const EXAMPLE: &'static str = r#"{"session_id":1}"#;
    type By = Operator;
    type Output = Deleted;
}
impl Command for RevokeSession {
    fn run(self, cx: &Write<'_, Operator>) -> Result<Deleted> {
        let whose = (cx.by.tenant, cx.by.id);
        if !store::close_own_session(cx.tx, whose, self.session_id)? {
            return Err(Error::new(Code::SessionNotFound).on("session_id"));
        }
        if matches!(cx.by.via, Via::Session { id } if id == self.session_id.0) {
            cx.call.set_cookie(cookie::gone(&cx.app.config));
        }
        cx.tx.signal(Signal::Access);
        Ok(Deleted::of(self.session_id.0))
    }
}

/// A device that signed in.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct MobileSignedIn {
    /// The session, for `revoke_mobile_session`.
    id: MobileSessionId,
    /// What the device presents as `X-Mobile-Token` or `mobile_token`, told this once.
    token: String,
    /// When the token runs out.
    expires_at: At,
    #[serde(flatten)]
    identity: Identity,
}

/// Signs a phone or another program in, for 30 days. Its token may do what an operator may, whoever it belongs to: tickets,
/// messages, clients, and no settings. A new password ends it.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct MobileLogin {
    /// An e-mail address or a phone number.
    login: Line,
    /// The password.
    password: Password,
    /// What the device is called, to know it again by.
    device: Name,
    /// The code of the authenticator app or a recovery code, for who has two-factor sign-in on.
    #[serde(default)]
    totp: Option<Line>,
}
impl Spec for MobileLogin {
    const NAME: &'static str = "mobile_login";
    const NEEDS: Needs = Needs::anyone();
    const TITLE: [&'static str; 3] = [
        "Войти с мобильного устройства",
        "Мобильді құрылғыдан кіру",
        "Sign a device in",
    ];
    const EXAMPLE: &'static str =
        r#"{"login":"admin@company.kz","password":"your_password","device":"Pixel 9"}"#;
    type By = Principal;
    type Output = MobileSignedIn;
}
impl Task for MobileLogin {
    async fn run(self, cx: Slow<Principal>) -> Result<MobileSignedIn> {
        let proof = check_password(&cx.app, &cx.call, &self.login, self.password).await?;
        let (tenant, id) = proof.whose;
        let (app, call) = (cx.app.clone(), cx.call);
        let signed_in = cx.app.db.write(move |tx| {
            let code = self.totp.as_deref().map(String::as_str);
            totp::prove(tx, &app.secret, (tenant, id), code)?;
            let address = call.address.to_string();
            let (session, token, ends) = mobile::open(
                tx,
                &app.secret,
                (tenant, id),
                (&self.device, &address),
                tx.now,
            )?;
            let identity = identity(tx, (tenant, id), Role::Operator)?;
            let actor = Actor {
                kind: ActorKind::Operator,
                id: Some(id.0),
                name: identity.operator.name.clone(),
            };
            let subject = json!({ "operator_id": id }).to_string();
            let place = (address, call.request_id.as_str());
            audit::note(tx, tenant, &actor, MobileLogin::NAME, &subject, place)?;
            Ok(MobileSignedIn {
                id: session,
                token,
                expires_at: At(ends),
                identity,
            })
        });
        proof.ended(&cx.app, signed_in.await)
    }
}

/// Lists the caller's own devices, the last used first.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ListMobileSessions {}
impl Spec for ListMobileSessions {
    const NAME: &'static str = "list_mobile_sessions";
    const NEEDS: Needs = Needs::role(Role::Operator);
    const TITLE: [&'static str; 3] = [
        "Мои мобильные устройства",
        "Менің мобильді құрылғыларым",
        "My devices",
    ];
    const EXAMPLE: &'static str = "{}";
    type By = Operator;
    type Output = Vec<MobileSessionView>;
}
impl Query for ListMobileSessions {
    fn run(self, cx: &Read<'_, Operator>) -> Result<Vec<MobileSessionView>> {
        mobile::list(cx.db, (cx.by.tenant, cx.by.id), &cx.by.via, cx.db.now)
    }
}

/// Signs a device out at once. A device may sign itself out; others are for who has signed in with a password.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct RevokeMobileSession {
    /// The device's session.
    session_id: MobileSessionId,
}
impl Spec for RevokeMobileSession {
    const NAME: &'static str = "revoke_mobile_session";
    const NEEDS: Needs = Needs::role(Role::Operator);
    const TITLE: [&'static str; 3] = [
        "Отключить устройство",
        "Құрылғыны ажырату",
        "Sign a device out",
    ];
    const EXAMPLE: &'static str = r#"{"session_id":1}"#;
    type By = Operator;
    type Output = Deleted;
}
impl Command for RevokeMobileSession {
    fn run(self, cx: &Write<'_, Operator>) -> Result<Deleted> {
        let own = |id: &MobileSessionId| *id == self.session_id;
        if matches!(&cx.by.via, Via::Mobile { id } if !own(id)) {
            return Err(Error::new(Code::SessionOnly));
        }
        if !mobile::close(cx.tx, (cx.by.tenant, cx.by.id), self.session_id)? {
            return Err(Error::new(Code::SessionNotFound).on("session_id"));
        }
        cx.tx.signal(Signal::Access);
        Ok(Deleted::of(self.session_id.0))
    }
}
