//! The second factor of one's own account.
use super::Done;
use crate::{
    access::{Operator, rules::Needs, store, totp},
    api::{
        Action, Command, Slow, Spec, Task, Write, command,
        field::{Line, Password},
        task,
    },
    audit,
    error::{Error, Fault, Result},
    operator, tenant,
    ticket::Actor,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) const ACTIONS: &[Action] = &[
    command::<TotpSetup>(),
    command::<TotpEnable>(),
    task::<TotpDisable>(),
];

/// What an authenticator app needs to give codes.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TotpSecret {
    /// The secret in base32, to be typed in.
    secret: String,
    /// The same as an address that apps read.
    otpauth_uri: String,
    /// The same as a picture to be scanned, in SVG.
    qr_svg: String,
}

/// Begins to set up two-factor sign-in: makes the secret for an authenticator app. Nothing changes until `totp_enable`
/// has seen a code of it.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct TotpSetup {}
impl Spec for TotpSetup {
    const NAME: &'static str = "totp_setup";
    const NEEDS: Needs = Needs::session();
    const TITLE: [&'static str; 3] = [
        "Начать настройку двухфакторного входа",
        "Екі факторлы кіруді баптауды бастау",
        "Set up two-factor sign-in",
    ];
    const EXAMPLE: &'static str = "{}";
    type By = Operator;
    type Output = TotpSecret;
}
impl Command for TotpSetup {
    fn run(self, cx: &Write<'_, Operator>) -> Result<TotpSecret> {
        let whose = (cx.by.tenant, cx.by.id);
        let company = tenant::by_id(cx.tx, cx.by.tenant)?.name;
        let account = operator::by_id(cx.tx, cx.by.tenant, cx.by.id)?.email;
        let made = totp::begin(cx.tx, &cx.app.secret, whose, (&company, &account))?;
        Ok(TotpSecret {
            secret: made.secret,
            otpauth_uri: made.uri,
            qr_svg: made.qr,
        })
    }
}

/// The way in for who has lost the app.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RecoveryCodes {
    /// Codes that are each good once in place of the app's, told this once.
    recovery_codes: Vec<String>,
}

/// Turns two-factor sign-in on, once a code shows that the app has the secret.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct TotpEnable {
    /// The code that the app shows.
    code: Line,
}
impl Spec for TotpEnable {
    const NAME: &'static str = "totp_enable";
    const NEEDS: Needs = Needs::session();
    const TITLE: [&'static str; 3] = [
        "Включить двухфакторный вход",
        "Екі факторлы кіруді қосу",
        "Turn two-factor sign-in on",
    ];
    const EXAMPLE: &'static str = r#"{"code":"123456"}"#;
    type By = Operator;
    type Output = RecoveryCodes;
}
impl Command for TotpEnable {
    fn run(self, cx: &Write<'_, Operator>) -> Result<RecoveryCodes> {
        let whose = (cx.by.tenant, cx.by.id);
        Ok(RecoveryCodes {
            recovery_codes: totp::enable(cx.tx, &cx.app.secret, whose, &self.code)?,
        })
    }
}

/// Turns two-factor sign-in off.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct TotpDisable {
    /// The caller's password.
    password: Password,
}
impl Spec for TotpDisable {
    const NAME: &'static str = "totp_disable";
    const NEEDS: Needs = Needs::session();
    const TITLE: [&'static str; 3] = [
        "Отключить двухфакторный вход",
        "Екі факторлы кіруді өшіру",
        "Turn two-factor sign-in off",
    ];
    const EXAMPLE: &'static str = r#"{"password":"your_password"}"#;
    type By = Operator;
    type Output = Done;
}
impl Task for TotpDisable {
    async fn run(self, cx: Slow<Operator>) -> Result<Done> {
        let (tenant, id) = (cx.by.tenant, cx.by.id);
        let hash = cx
            .app
            .db
            .read(move |db| store::password_hash(db, tenant, id))
            .await?;
        if !cx.app.gate.verify(self.password.0, hash).await? {
            return Err(Error::invalid("password", Fault::WrongPassword));
        }
        let (actor, call) = (Actor::operator(&cx.by), cx.call);
        cx.app
            .db
            .write(move |tx| {
                totp::disable(tx, (tenant, id))?;
                let place = (call.address.to_string(), call.request_id.as_str());
                audit::note(tx, tenant, &actor, TotpDisable::NAME, "{}", place)?;
                Ok(Done::new())
            })
            .await
    }
}
