//! A link by e-mail: how somebody of a client enters the portal without asking the desk for a link.
use crate::{
    access::{Principal, client_token::ClientToken, rules::Needs},
    api::{
        Slow, Spec, Task,
        field::{ContactId, Email, TenantId},
    },
    app::App,
    caps::neighbourhood,
    clock::{DAY, HOUR, MINUTE, Millis, SECOND},
    db::{Tx, sql::all},
    error::{Code, Error, Result},
    lang::Lang,
    notice::{self, Kind, Notice},
};
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long a link that was mailed works.
const LASTS: Millis = DAY;
/// Links that an address is sent at most: one in two minutes, five in an hour.
const PAUSE: Millis = 2 * MINUTE;
const AN_HOUR: u32 = 5;
/// How long asking takes, whether or not the desk knows the address.
const ASKING: Duration = Duration::from_millis(150);

/// Mails a link to the portal to somebody whom the desk knows as a contact of a client. The answer is the same whether or
/// not it knows them.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct RequestLink {
    /// Their address.
    email: Email,
}
/// That a link is on its way, if the desk knows the address.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct LinkSent {
    /// Always true.
    sent: bool,
}
impl Spec for RequestLink {
    const NAME: &'static str = "request_link";
    const NEEDS: Needs = Needs::anyone();
    const TITLE: [&'static str; 3] = [
        "Получить ссылку для входа",
        "Кіру сілтемесін алу",
        "Request a link to the portal",
    ];
    const EXAMPLE: &'static str = r#"{"email":"asem@client.example"}"#;
    type By = Principal;
    type Output = LinkSent;
}

/// A contact of a client that may use its portal.
struct Known {
    tenant: TenantId,
    contact: ContactId,
    name: String,
    portal_domain: String,
    generation: i64,
}

impl Task for RequestLink {
    async fn run(self, cx: Slow<Principal>) -> Result<LinkSent> {
        let began = tokio::time::Instant::now();
        let now = cx.app.db.clock().now();
        let address = neighbourhood(cx.call.address);
        let wait = cx.app.resets.wait(&address, now);
        if wait > 0 {
            return Err(Error::new(Code::RateLimited).with("retry_after", wait / SECOND + 1));
        }
        // Whoever asks again and again is slowed down, whomever they ask for.
        cx.app.resets.failed(address, now);
        let (app, lang) = (cx.app.clone(), cx.call.lang);
        cx.app
            .db
            .write(move |tx| {
                for contact in known(tx, &self.email)? {
                    send(tx, &app, &self.email, contact, lang)?;
                }
                Ok(())
            })
            .await?;
        // Whether the desk knows the address must not be told by the time it took.
        tokio::time::sleep_until(began + ASKING).await;
        Ok(LinkSent { sent: true })
    }
}

/// The contacts that an address is of, in every tenant, where their client may use its portal.
fn known(conn: &Connection, email: &str) -> Result<Vec<Known>> {
    all(
        conn,
        "select c.tenant_id, c.id, c.name, k.portal_domain, k.token_generation
           from tenant t
           join contact c on c.tenant_id = t.id
            and c.id in (select id from contact where tenant_id = t.id and email = ?1
                         union select contact_id from contact_address where tenant_id = t.id and email = ?1)
           join client k on k.tenant_id = c.tenant_id and k.id = c.client_id and k.is_active
          where t.is_active",
        [email],
        |row| {
            Ok(Known {
                tenant: row.get(0)?,
                contact: row.get(1)?,
                name: row.get(2)?,
                portal_domain: row.get(3)?,
                generation: row.get(4)?,
            })
        },
    )
}

/// Mails a contact a link, unless they have been sent one just now or many in the last hour.
fn send(tx: &Tx<'_>, app: &App, email: &str, contact: Known, lang: Lang) -> Result<()> {
    let sent =
        |since| notice::sent_since(tx, contact.tenant, email, Kind::PortalLink, tx.now - since);
    if sent(PAUSE)? > 0 || sent(HOUR)? >= AN_HOUR {
        return Ok(());
    }
    let mut token = ClientToken::new(
        contact.tenant,
        contact.portal_domain,
        (0, contact.name),
        contact.generation,
        tx.now,
        LASTS / SECOND,
    )?;
    token.is_of(contact.contact);
    let url = app.url(&format!("/index.html?ctoken={}", token.write(&app.secret)?));
    let notice = Notice {
        kind: Kind::PortalLink,
        lang,
        variables: &[("url", &url)],
        lasts: LASTS,
    };
    notice::send(tx, &app.secret, contact.tenant, email, &notice)
}
