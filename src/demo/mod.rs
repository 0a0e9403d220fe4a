//! The demo desk: what `serve --demo` fills an empty data directory with.
//!
//! The [`script`] says who does what and when, as plain data; [`play()`] does it through the same verbs that people use,
//! so that histories, deadlines, counters and the search index come out as if the desk had really worked.
mod cast;
mod play;
mod rules;
pub(crate) mod script;
pub(crate) mod trial;

use crate::{
    access::secret::Secret,
    api::field::{ChannelId, TenantId, decode},
    channel::config::{self, ChannelType, EmailConfig},
    db::Tx,
    error::Result,
    tenant::{self, Tenant},
};
pub(crate) use cast::portal_user;
pub(crate) use play::play;
pub(crate) use rules::add_webhook;
use rusqlite::Connection;
use serde_json::json;

/// The password of everybody at the demo desk.
pub(crate) const PASSWORD: &str = "demo-demo-demo";

/// The domain by which the demo tenant is known.
const DOMAIN: &str = "demo";

/// The mailbox of the demo desk.
pub(crate) const MAILBOX: &str = "support@demo.tehprof.kz";

/// Where the demo desk hands its mail over: a mail catcher's usual port on this machine.
pub(crate) const RELAY_PORT: u16 = 1025;

/// The demo tenant, if it has been made.
pub(crate) fn find(conn: &Connection) -> Result<Option<Tenant>> {
    let named = tenant::named(conn, DOMAIN)?;
    Ok(named
        .into_iter()
        .find(|tenant| tenant.domain.as_deref() == Some(DOMAIN)))
}

/// Opens the mailbox that the appliance's own SMTP listener feeds, unless the desk has one already.
pub(crate) fn open_mailbox(
    tx: &Tx<'_>,
    tenant: TenantId,
    secret: &Secret,
) -> Result<Option<ChannelId>> {
    if config::default_email(tx, tenant)?.is_some() {
        return Ok(None);
    }
    let wanted: EmailConfig = decode(json!({
        "address": MAILBOX,
        "from_name": script::people::COMPANY,
        "smtp": { "host": "127.0.0.1", "port": RELAY_PORT, "security": "none" },
        "inbound": { "provider": "smtp" },
    }))?;
    let split = wanted.split(None)?;
    config::insert(
        tx,
        secret,
        tenant,
        (ChannelType::Email, "Почта"),
        split,
        tx.now,
    )
    .map(Some)
}
