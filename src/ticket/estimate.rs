//! Estimates: what work beyond the plan would take and cost, and what the client said to it. A revision supersedes what
//! was pending; what was decided stays as it was.
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
    db::sql::{first, run},
    error::{Code, Error, Result},
};
use rusqlite::Connection;

/// Offers an estimate. Without a cost of its own it costs its hours at the client's rate, if the client has one.
pub(crate) fn offer(
    cx: &Acting<'_>,
    ticket: &mut Record,
    hours: f64,
    description: &str,
    cost: Option<f64>,
) -> Result<()> {
    let rate: Option<(Option<i64>, String)> = match ticket.client {
        Some(client) => first(
            cx.tx,
            "select hourly_rate, currency from client where tenant_id = ?1 and id = ?2",
            (cx.tenant, client),
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?,
        None => None,
    };
    let (rate, currency) = rate.unwrap_or((None, "KZT".to_owned()));
    #[expect(
        clippy::cast_possible_truncation,
        reason = "amounts are bounded far below"
    )]
    let hundredths = |amount: f64| amount.round() as i64;
    #[expect(clippy::cast_precision_loss, reason = "rates are bounded far below")]
    let cost = cost
        .map(|c| hundredths(c * 100.0))
        .or_else(|| rate.map(|r| hundredths(r as f64 * hours)));
    supersede(cx, ticket)?;
    run(
        cx.tx,
        "insert into estimate (tenant_id, ticket_id, version, hours, cost, currency, description, status, created_at, created_by)
         select ?1, ?2, 1 + coalesce(max(version), 0), ?3, ?4, ?5, ?6, 'pending', ?7, ?8
           from estimate where tenant_id = ?1 and ticket_id = ?2",
        (cx.tenant, ticket.id, hours, cost, currency, description, cx.tx.now, cx.actor.id),
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

/// What waits for the client's word waits no longer: another estimate has taken its place, or the desk went on without.
pub(super) fn supersede(cx: &Acting<'_>, ticket: &Record) -> Result<()> {
    run(
        cx.tx,
        "update estimate set status = 'superseded' where tenant_id = ?1 and ticket_id = ?2 and status = 'pending'",
        (cx.tenant, ticket.id),
    )?;
    Ok(())
}

/// Records what the client said and hands the ticket back to the desk.
pub(crate) fn decide(
    cx: &Acting<'_>,
    ticket: &mut Record,
    approved: bool,
    reason: Option<&str>,
) -> Result<()> {
    let (status, verb, kind) = if approved {
        (EstimateStatus::Approved, Verb::Approve, "estimate_approved")
    } else {
        (EstimateStatus::Rejected, Verb::Reject, "estimate_rejected")
    };
    let decided = run(
        cx.tx,
        "update estimate set status = ?3, decided_at = ?4, decided_by = ?5, reason = ?6
          where tenant_id = ?1 and ticket_id = ?2 and status = 'pending'",
        (
            cx.tenant,
            ticket.id,
            status,
            cx.tx.now,
            &cx.actor.name,
            reason,
        ),
    )?;
    if decided == 0 {
        return Err(Error::new(Code::EstimateNotFound).on("ticket_id"));
    }
    let entry = Event {
        kind,
        note: reason,
        ..Event::default()
    };
    event::write(cx, ticket.id, &entry)?;
    by_verb(cx, ticket, verb, reason)
}

/// The newest estimate of a ticket.
pub(crate) fn newest(
    conn: &Connection,
    tenant: TenantId,
    ticket: TicketId,
) -> Result<Option<EstimateView>> {
    first(
        conn,
        "select version, hours, cost / 100.0, currency, description, status, created_at, decided_at, decided_by, reason
           from estimate
          where tenant_id = ?1 and ticket_id = ?2
          order by version desc limit 1",
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
            })
        },
    )
}
