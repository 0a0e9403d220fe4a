//! What a server says when it starts: the link for the first set-up, or the way into the demo desk.
use super::{
    failure::{Failure, refuse},
    out,
};
use crate::{
    Server,
    access::{
        rules::Role,
        secret::{Purpose, random_text},
        store::{self, Link, NewKey},
    },
    api::field::TenantId,
    app::App,
    client,
    clock::DAY,
    db::Tx,
    demo,
    error::Result as Done,
    operator::{self, OperatorView},
    tenant::{self, Tenant, plan::Scope},
};
use std::net::SocketAddr;

/// The name of the key that each start of the demo makes anew.
const KEY: &str = "demo start";

/// Fills an empty desk if it is to be a demo, and prints what somebody needs to begin.
pub(super) async fn greet(server: &Server) -> Result<(), Failure> {
    let app = server.app();
    if app.config.demo {
        return greet_demo(app, server.smtp_address()).await;
    }
    let secret = app.secret.clone();
    let token = app
        .db
        .write(move |tx| {
            if tenant::exists_any(tx)? {
                return Ok(None);
            }
            let token = random_text(43)?;
            let hash = secret.hash(Purpose::AccessLink, &token);
            store::insert_link(tx, &hash, Link::Setup, tx.now, 3 * DAY)?;
            Ok(Some(token))
        })
        .await?;
    let Some(token) = token else {
        return Ok(());
    };
    out::say("Nobody works here yet. This link sets the desk up, once and within three days:")?;
    out::say(app.url(&format!("/tenant.html#/setup?token={token}")))
}

async fn greet_demo(app: &App, smtp: Option<SocketAddr>) -> Result<(), Failure> {
    let played = app.db.read(|db| tenant::exists_any(db)).await?;
    let hash = match played {
        true => None,
        false => Some(app.gate.hash(demo::PASSWORD.to_owned()).await?),
    };
    let own = app.clone();
    let entry = app
        .db
        .write(move |tx| {
            if let Some(hash) = &hash {
                demo::play(tx, hash)?;
            }
            let Some(tenant) = demo::find(tx)? else {
                return Err(refuse(
                    "this data directory holds a real desk, which --demo does not touch; name an empty one by --data-dir",
                ));
            };
            demo::add_webhook(tx, tenant.id, &own.secret)?;
            if smtp.is_some() {
                demo::open_mailbox(tx, tenant.id, &own.secret)?;
            }
            Entry::make(tx, &own, tenant)
        })
        .await?;
    entry.tell(app, smtp)
}

/// What opens the demo desk.
struct Entry {
    operators: Vec<OperatorView>,
    key: String,
    widget_key: String,
    client_token: String,
}

impl Entry {
    fn make(tx: &Tx<'_>, app: &App, tenant: Tenant) -> Done<Entry> {
        let (domain, user) = demo::portal_user();
        let week = 7 * DAY / crate::clock::SECOND;
        Ok(Entry {
            operators: operator::list(tx, tenant.id, None)?,
            key: renew_key(tx, app, tenant.id)?,
            client_token: client::token(tx, app, tenant.id, domain, user, week, tx.now)?,
            widget_key: tenant.widget_key,
        })
    }

    fn tell(self, app: &App, smtp: Option<SocketAddr>) -> Result<(), Failure> {
        let (key, widget, token) = (&self.key, &self.widget_key, &self.client_token);
        out::say("A desk to try everything on: all people and companies in it are made up.")?;
        out::say(format!(
            "\nSign in at {} with the password {}",
            app.url("/tenant.html"),
            demo::PASSWORD
        ))?;
        for person in &self.operators {
            out::say(format!(
                "  {:<26} {} ({})",
                person.email,
                person.name,
                person.role.as_str()
            ))?;
        }
        out::say("\nOther ways in")?;
        let (portal, embedded) = (
            format!("/index.html?ctoken={token}"),
            format!("/embed.html?ctoken={token}"),
        );
        for (what, way) in [
            ("client portal", app.url(&portal)),
            ("portal in a frame", app.url(&embedded)),
            (
                "site with the widget",
                app.url(&format!("/widget/demo.html?key={widget}")),
            ),
            ("API reference", app.url("/docs.html")),
            ("API key, all scopes", key.clone()),
            ("widget key", widget.clone()),
        ] {
            out::say(format!("  {what:<21} {way}"))?;
        }
        if let Some(smtp) = smtp {
            let (mailbox, port) = (demo::MAILBOX, demo::RELAY_PORT);
            out::say(format!(
                "  mail to {mailbox} by SMTP at {smtp}; answers go to 127.0.0.1:{port}"
            ))?;
        }
        out::say("")
    }
}

/// Makes a key that may do everything; the one of the last start is worth nothing from now on.
fn renew_key(tx: &Tx<'_>, app: &App, tenant: TenantId) -> Done<String> {
    let earlier = store::keys(tx, Some(tenant))?;
    for key in earlier.iter().filter(|key| key.name == KEY) {
        store::revoke_key(tx, key.id, tx.now)?;
    }
    let staff = operator::list(tx, tenant, None)?;
    let admin = staff
        .iter()
        .find(|person| person.is_active && person.role >= Role::Admin);
    let admin = admin.ok_or_else(|| refuse("the demo desk has no admin any more"))?;
    let token = format!("tps_{}", random_text(43)?);
    let key = NewKey {
        tenant,
        operator: admin.id,
        name: KEY,
        token: &token,
        hash: app.secret.hash(Purpose::ApiKey, &token),
        scopes: &Scope::ALL,
        expires_at: None,
    };
    store::insert_key(tx, &key, tx.now)?;
    Ok(token)
}
