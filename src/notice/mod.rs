//! Mails that belong to no ticket: a link for a password or the portal, a code, an invitation, what an operator is told of.
//! Whatever decides on one writes it in its own transaction; [`post`] sends it through the tenant's mail channel. What a
//! notice says is in [`words`]; what a stranger typed is read by operators alone.
mod post;
mod words;

pub(crate) use post::work;
pub(crate) use words::Kind;

use crate::{
    access::secret::{Purpose, Secret},
    api::field::TenantId,
    channel::config::{self, Channel},
    clock::Millis,
    db::{
        Tx,
        sql::{all, one, run},
    },
    error::{Code, Result},
    lang::Lang,
    signal::Signal,
};
use rusqlite::Connection;
use std::collections::BTreeMap;

/// What fills in which ticket and which operator's words an answer to a notice is; without them it is nobody's.
pub(crate) const ANSWERS_TICKET: &str = "answers_ticket";
pub(crate) const ANSWERS_OPERATOR: &str = "answers_operator";

/// What is to be said, and until when it is of use.
#[derive(Debug)]
pub(crate) struct Notice<'a> {
    pub(crate) kind: Kind,
    pub(crate) lang: Lang,
    /// What fills the words in, besides the tenant's name.
    pub(crate) variables: &'a [(&'static str, &'a str)],
    /// A notice that could not be sent by then is not sent at all.
    pub(crate) lasts: Millis,
}

/// Sends a notice, once the transaction is on disk.
pub(crate) fn send(
    tx: &Tx<'_>,
    secret: &Secret,
    tenant: TenantId,
    to: &str,
    notice: &Notice<'_>,
) -> Result<()> {
    let variables: BTreeMap<&str, &str> = notice.variables.iter().copied().collect();
    let sealed = secret.seal_for(Purpose::Notice, &serde_json::to_vec(&variables)?)?;
    run(
        tx,
        "insert into notice (tenant_id, kind, recipient, lang, variables, next_at, expires_at, created_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?6)",
        (
            tenant,
            notice.kind,
            to.to_lowercase(),
            notice.lang,
            sealed,
            tx.now,
            tx.now + notice.lasts,
        ),
    )?;
    tx.signal(Signal::Notice);
    Ok(())
}

/// How many notices of a kind somebody was sent since then.
pub(crate) fn sent_since(
    conn: &Connection,
    tenant: TenantId,
    to: &str,
    kind: Kind,
    since: Millis,
) -> Result<u32> {
    one(
        conn,
        "select count(*) from notice where tenant_id = ?1 and recipient = ?2 and kind = ?3 and created_at > ?4",
        (tenant, to.to_lowercase(), kind, since),
        |row| row.get(0),
    )
}

/// The channel by which somebody is written to: their tenant's oldest active mailbox, one that works before one that does
/// not. A head admin, whose tenant may have none, is written to by the installation's.
fn way_out(
    conn: &Connection,
    secret: &Secret,
    tenant: TenantId,
    to: &str,
) -> Result<Option<Channel>> {
    let found = all(
        conn,
        "select tenant_id, id from channel
          where type = 'email' and is_active
            and (tenant_id = ?1
                 or exists (select 1 from operator
                             where tenant_id = ?1 and email = ?2 and role = 'head_admin' and is_active))
          order by tenant_id <> ?1, last_error is not null, id
          limit 1",
        (tenant, to),
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    match found.into_iter().next() {
        Some((owner, id)) => match config::by_id(conn, secret, owner, id) {
            Err(error) if error.code() == Code::ChannelNotFound => Ok(None),
            channel => channel.map(Some),
        },
        None => Ok(None),
    }
}

/// Whether somebody can be written to at all.
pub(crate) fn can_reach(
    conn: &Connection,
    secret: &Secret,
    tenant: TenantId,
    to: &str,
) -> Result<bool> {
    Ok(way_out(conn, secret, tenant, to)?.is_some())
}

/// Makes what waits due now. For a start: a server that was away may be back.
fn hurry(tx: &Tx<'_>) -> Result<()> {
    run(
        tx,
        "update notice set next_at = ?1 where state = 'queued' and next_at > ?1",
        [tx.now],
    )?;
    Ok(())
}

/// Forgets notices that are done with for a month.
pub(crate) fn tidy(tx: &Tx<'_>) -> Result<()> {
    run(
        tx,
        "delete from notice where finished_at <= ?1",
        [tx.now - 30 * crate::clock::DAY],
    )?;
    Ok(())
}
