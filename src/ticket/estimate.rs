//! Estimates: what work beyond the plan would take and cost, and what the client said to it. A revision supersedes what
//! was pending; what was decided stays as it was, with the proof of who agreed to which words.
use super::{
    Acting,
    change::by_verb,
    event::{self, Event},
    model::{EstimateStatus, EstimateView},
    record::Record,
    status::Verb,
};
use crate::{
    api::field::{TenantId, TicketId},
    db::sql::{all, first, one, run},
    error::{Code, Error, Result},
    tariff::{self, hundredths},
};
use data_encoding::HEXLOWER;
use rusqlite::Connection;
use sha2::{Digest, Sha256};

/// Offers an estimate. Without a cost of its own it costs its hours at the client's rate, if the client has one.
pub(crate) fn offer(
    cx: &Acting<'_>,
    ticket: &mut Record,
    hours: f64,
    description: &str,
    cost: Option<f64>,
) -> Result<()> {
    let (rate, currency) = match ticket.client {
        Some(client) => tariff::rate_of(cx.tx, cx.tenant, client)?,
        None => (None, "KZT".to_owned()),
    };
    #[expect(clippy::cast_precision_loss, reason = "rates are bounded far below")]
    let cost = cost.or_else(|| rate.map(|rate| rate as f64 * hours / 100.0));
    let cost = cost.map(hundredths);
    supersede(cx, ticket)?;
    let version: i64 = one(
        cx.tx,
        "select 1 + coalesce(max(version), 0) from estimate where tenant_id = ?1 and ticket_id = ?2",
        (cx.tenant, ticket.id),
        |row| row.get(0),
    )?;
    let hash = hash(ticket, version, (hours, cost, &currency), description);
    run(
        cx.tx,
        "insert into estimate (tenant_id, ticket_id, version, hours, cost, currency, description, hash, status, created_at,
                               created_by)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'pending', ?9, ?10)",
        rusqlite::params![
            cx.tenant,
            ticket.id,
            version,
            hours,
            cost,
            currency,
            description,
            hash,
            cx.tx.now,
            cx.actor.id,
        ],
    )?;
    let text = hours.to_string();
    let offered = Event {
        kind: "estimate",
        new: Some(&text),
        note: Some(description),
        ..Event::default()
    };
    event::write(cx, ticket.id, &offered)?;
    by_verb(cx, ticket, Verb::Estimate, None)
}

/// The SHA-256 of what is offered, in hexadecimal: ticket, version, hours, cost, currency and description, a line each.
fn hash(
    ticket: &Record,
    version: i64,
    (hours, cost, currency): (f64, Option<i64>, &str),
    description: &str,
) -> String {
    let cost = cost.map_or_else(String::new, |c| format!("{}.{:02}", c / 100, c % 100));
    let words = format!(
        "{}\n{version}\n{hours}\n{cost}\n{currency}\n{description}",
        ticket.id
    );
    HEXLOWER.encode(&Sha256::digest(words.as_bytes()))
}

/// How a client's word came to the desk.
#[derive(Debug)]
pub(crate) struct Word<'a> {
    /// The way: `portal`, or that of a channel.
    pub(crate) via: &'a str,
    /// From where.
    pub(crate) address: Option<String>,
    /// Why it was rejected.
    pub(crate) reason: Option<&'a str>,
    /// The version that was looked at, if the client said so.
    pub(crate) version: Option<i64>,
}

/// What waits for the client's word waits no longer: another estimate has taken its place, or the desk went on without.
pub(super) fn supersede(cx: &Acting<'_>, ticket: &Record) -> Result<()> {
    run(
        cx.tx,
        "update estimate set status = 'superseded' where tenant_id = ?1 and ticket_id = ?2 and status = 'pending'",
        (cx.tenant, ticket.id),
    )?;
    Ok(())
}

/// Records what the client said and hands the ticket back to the desk. Whoever looked at an earlier version is told so.
pub(crate) fn decide(
    cx: &Acting<'_>,
    ticket: &mut Record,
    approved: bool,
    word: &Word<'_>,
) -> Result<()> {
    let (status, verb, kind) = if approved {
        (EstimateStatus::Approved, Verb::Approve, "estimate_approved")
    } else {
        (EstimateStatus::Rejected, Verb::Reject, "estimate_rejected")
    };
    let pending: Option<i64> = first(
        cx.tx,
        "select version from estimate where tenant_id = ?1 and ticket_id = ?2 and status = 'pending'",
        (cx.tenant, ticket.id),
        |row| row.get(0),
    )?;
    let Some(version) = pending else {
        return Err(Error::new(Code::EstimateNotFound).on("ticket_id"));
    };
    if word.version.is_some_and(|seen| seen != version) {
        return Err(Error::new(Code::EstimateChanged)
            .on("version")
            .with("version", version));
    }
    run(
        cx.tx,
        "update estimate
            set status = ?4, decided_at = ?5, decided_by = ?6, reason = ?7, decided_via = ?8, decided_address = ?9,
                decided_user = ?10
          where tenant_id = ?1 and ticket_id = ?2 and version = ?3",
        rusqlite::params![
            cx.tenant,
            ticket.id,
            version,
            status,
            cx.tx.now,
            cx.actor.name,
            word.reason,
            word.via,
            word.address,
            cx.actor.id,
        ],
    )?;
    let version = version.to_string();
    let entry = Event {
        kind,
        new: Some(&version),
        note: word.reason,
        ..Event::default()
    };
    event::write(cx, ticket.id, &entry)?;
    by_verb(cx, ticket, verb, word.reason)
}

/// Notes that the desk went past an estimate that nobody has approved.
pub(super) fn forced(cx: &Acting<'_>, ticket: &Record) -> Result<()> {
    let version: Option<String> = first(
        cx.tx,
        "select cast(version as text) from estimate where tenant_id = ?1 and ticket_id = ?2 and status = 'pending'",
        (cx.tenant, ticket.id),
        |row| row.get(0),
    )?;
    let entry = Event {
        kind: "estimate_forced",
        new: version.as_deref(),
        ..Event::default()
    };
    event::write(cx, ticket.id, &entry)
}

/// The newest estimate of a ticket, if there is one.
pub(crate) fn newest(
    conn: &Connection,
    tenant: TenantId,
    ticket: TicketId,
) -> Result<Option<EstimateView>> {
    Ok(of_ticket(conn, tenant, ticket)?.into_iter().next())
}

/// All estimates of a ticket, the newest first.
pub(crate) fn of_ticket(
    conn: &Connection,
    tenant: TenantId,
    ticket: TicketId,
) -> Result<Vec<EstimateView>> {
    all(
        conn,
        "select version, hours, cost / 100.0, currency, description, status, created_at, decided_at, decided_by, reason,
                hash, decided_via, decided_address
           from estimate
          where tenant_id = ?1 and ticket_id = ?2
          order by version desc",
        (tenant, ticket),
        |row| {
            Ok(EstimateView {
                version: row.get(0)?,
                hours: row.get(1)?,
                cost: row.get(2)?,
                currency: row.get(3)?,
                description: row.get(4)?,
                status: row.get(5)?,
                created_at: row.get(6)?,
                decided_at: row.get(7)?,
                decided_by: row.get(8)?,
                reason: row.get(9)?,
                hash: row.get(10)?,
                decided_via: row.get(11)?,
                decided_address: row.get(12)?,
            })
        },
    )
}
