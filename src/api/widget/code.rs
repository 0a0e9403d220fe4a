//! A code by e-mail: how a visitor who has lost their ticket's token proves that the address is theirs. Six digits, good
//! for ten minutes and five tries. Whether a ticket or an address is known is told to nobody.
use super::door::{is_opened_by, token};
use crate::{
    access::{
        WidgetSite,
        guesses::Guess,
        rules::Needs,
        secret::{self, Purpose, Secret},
    },
    api::{
        Slow, Spec, Task,
        field::{Int, Line, TenantId, TicketId},
    },
    clock::{HOUR, MINUTE, Millis, SECOND},
    db::{
        Tx,
        sql::{first, run},
    },
    error::{Code, Error, Result},
    lang::Lang,
    notice::{self, Kind, Notice},
    ticket::{
        record::{self, Record},
        status::Status,
    },
};
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use subtle::ConstantTimeEq;

/// How long a code is good.
const LASTS: Millis = 10 * MINUTE;
/// How often it may be tried.
const TRIES: i64 = 5;
/// The shortest time between two codes for a ticket.
const PAUSE: Millis = MINUTE;
/// How many codes an address is sent in an hour, for however many tickets.
const AN_HOUR: u32 = 10;
/// How long asking takes, whether or not there is such a ticket.
const ASKING: Duration = Duration::from_millis(150);

/// Sends a code to the address a ticket was opened with. The answer is the same whether or not there is such a ticket.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct RequestCode {
    /// The site's public widget key.
    #[serde(rename = "api_key")]
    _api_key: Line,
    /// The ticket's public id.
    ticket_id: Int,
    /// The address it was opened with.
    email: Line,
}
/// That a code is on its way, if there is such a ticket.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CodeSent {
    /// Always true.
    sent: bool,
    /// How long the code is good, in seconds.
    expires_in: i64,
}
impl Spec for RequestCode {
    const NAME: &'static str = "request_code";
    const NEEDS: Needs = Needs::widget();
    const TITLE: [&'static str; 3] = [
        "Запросить код на почту",
        "Поштаға код сұрау",
        "Request a code by e-mail",
    ];
    const EXAMPLE: &'static str = r#"{"api_key":"YOUR_WIDGET_API_KEY","ticket_id":123456789012,"email":"asem@client.example"}"#;
    type By = WidgetSite;
    type Output = CodeSent;
}
impl Task for RequestCode {
    async fn run(self, cx: Slow<WidgetSite>) -> Result<CodeSent> {
        let began = tokio::time::Instant::now();
        let (app, call, tenant) = (cx.app.clone(), cx.call, cx.by.tenant);
        let guess = Guess {
            site: tenant,
            address: call.address,
            ticket: self.ticket_id.0,
        };
        let now = app.db.clock().now();
        app.guesses.admit(guess, now)?;
        // Asking counts like a guess, so that nobody is sent codes by whoever tries numbers.
        app.guesses.failed(guess, now);
        app.db
            .write({
                let app = app.clone();
                move |tx| match ticket_of(tx, tenant, self.ticket_id.0, &self.email)? {
                    Some(ticket) => send(tx, &app.secret, &ticket, call.lang),
                    None => Ok(()),
                }
            })
            .await?;
        // Whether there was a ticket must not be told by the time it took.
        tokio::time::sleep_until(began + ASKING).await;
        Ok(CodeSent {
            sent: true,
            expires_in: LASTS / SECOND,
        })
    }
}

/// Mails a ticket's visitor a new code, unless they have been sent one just now or many in the last hour.
fn send(tx: &Tx<'_>, secret: &Secret, ticket: &Record, lang: Lang) -> Result<()> {
    let tenant = ticket.tenant;
    let Some(email) = &ticket.creator_email else {
        return Ok(());
    };
    let last: Option<Millis> = first(
        tx,
        "select created_at from widget_code where tenant_id = ?1 and ticket_id = ?2",
        (tenant, ticket.id),
        |row| row.get(0),
    )?;
    if last.is_some_and(|at| tx.now - at < PAUSE)
        || notice::sent_since(tx, tenant, email, Kind::WidgetCode, tx.now - HOUR)? >= AN_HOUR
    {
        return Ok(());
    }
    let code = digits()?;
    run(
        tx,
        "insert into widget_code (tenant_id, ticket_id, code_hash, tries, created_at, expires_at)
         values (?1, ?2, ?3, 0, ?4, ?5)
         on conflict do update set code_hash = excluded.code_hash, tries = 0, created_at = excluded.created_at,
                                   expires_at = excluded.expires_at",
        (
            tenant,
            ticket.id,
            secret.hash(Purpose::WidgetCode, &sealed(tenant, ticket.id, &code)),
            tx.now,
            tx.now + LASTS,
        ),
    )?;
    let notice = Notice {
        kind: Kind::WidgetCode,
        lang,
        variables: &[("code", &code)],
        lasts: LASTS,
    };
    notice::send(tx, secret, tenant, email, &notice)
}

/// The widget's ticket of this reference and address.
fn ticket_of(
    conn: &Connection,
    tenant: TenantId,
    reference: i64,
    email: &str,
) -> Result<Option<Record>> {
    let found = record::by_reference(conn, tenant, reference)?;
    Ok(found.filter(|ticket| is_opened_by(ticket, email)))
}

/// Six digits, each as likely as another.
fn digits() -> Result<String> {
    loop {
        let number = u32::from_be_bytes(secret::random::<4>()?);
        // The last, incomplete million of the range would make low codes likelier.
        if number < u32::MAX - u32::MAX % 1_000_000 {
            return Ok(format!("{:06}", number % 1_000_000));
        }
    }
}

/// A code is worth something for its own ticket only.
fn sealed(tenant: TenantId, ticket: TicketId, code: &str) -> String {
    format!("{tenant}:{ticket}:{code}")
}

/// Opens a ticket by the code that was sent: answers its token. A code works once.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ConfirmCode {
    /// The site's public widget key.
    #[serde(rename = "api_key")]
    _api_key: Line,
    /// The ticket's public id.
    ticket_id: Int,
    /// The address it was opened with.
    email: Line,
    /// The six digits of the mail.
    code: Line,
}
/// The ticket that the code opens.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Proven {
    /// The ticket's public id.
    ticket_id: i64,
    /// What it is about.
    subject: String,
    /// Where it stands.
    status: Status,
    /// The token that opens it from now on.
    ticket_token: String,
}
impl Spec for ConfirmCode {
    const NAME: &'static str = "confirm_code";
    const NEEDS: Needs = Needs::widget();
    const TITLE: [&'static str; 3] = ["Подтвердить код", "Кодты растау", "Confirm a code"];
    const EXAMPLE: &'static str = r#"{"api_key":"YOUR_WIDGET_API_KEY","ticket_id":123456789012,"email":"asem@client.example","code":"123456"}"#;
    type By = WidgetSite;
    type Output = Proven;
}
impl Task for ConfirmCode {
    async fn run(self, cx: Slow<WidgetSite>) -> Result<Proven> {
        let (app, tenant) = (cx.app.clone(), cx.by.tenant);
        let guess = Guess {
            site: tenant,
            address: cx.call.address,
            ticket: self.ticket_id.0,
        };
        app.guesses.admit(guess, app.db.clock().now())?;
        // A wrong try is counted for good, so it must be on disk before it is refused.
        let proven = app
            .db
            .write({
                let app = app.clone();
                move |tx| match ticket_of(tx, tenant, self.ticket_id.0, &self.email)? {
                    Some(ticket) => {
                        let holds = take(tx, &app.secret, tenant, ticket.id, self.code.trim())?;
                        Ok(holds.then_some(ticket))
                    }
                    None => Ok(None),
                }
            })
            .await?;
        let Some(ticket) = proven else {
            app.guesses.failed(guess, app.db.clock().now());
            return Err(Error::new(Code::DigitsInvalid).on("code"));
        };
        app.guesses.succeeded(guess);
        Ok(Proven {
            ticket_id: ticket.reference,
            ticket_token: token(&app.secret, tenant, ticket.reference),
            status: ticket.status,
            subject: ticket.subject,
        })
    }
}

/// Whether this is the ticket's code. If it is, it is gone; if not, the try is counted.
fn take(
    tx: &Tx<'_>,
    secret: &Secret,
    tenant: TenantId,
    ticket: TicketId,
    code: &str,
) -> Result<bool> {
    let hash = secret.hash(Purpose::WidgetCode, &sealed(tenant, ticket, code));
    let kept: Option<Vec<u8>> = first(
        tx,
        "select code_hash from widget_code where tenant_id = ?1 and ticket_id = ?2 and expires_at > ?3 and tries < ?4",
        (tenant, ticket, tx.now, TRIES),
        |row| row.get(0),
    )?;
    let holds = kept.is_some_and(|kept| kept.ct_eq(&hash).into());
    run(
        tx,
        if holds {
            "delete from widget_code where tenant_id = ?1 and ticket_id = ?2"
        } else {
            "update widget_code set tries = tries + 1 where tenant_id = ?1 and ticket_id = ?2"
        },
        (tenant, ticket),
    )?;
    Ok(holds)
}

/// Forgets codes that are not good any more.
pub(crate) fn tidy(tx: &Tx<'_>) -> Result<()> {
    run(
        tx,
        "delete from widget_code where expires_at <= ?1",
        [tx.now],
    )?;
    Ok(())
}
