//! What clients say of the work: one rating for each time it was done, which they may change for a day.
use super::{
    Acting,
    event::{self, Event},
    record::Record,
};
use crate::{
    api::field::{At, TenantId, TicketId},
    clock::{DAY, Millis},
    db::sql::{first, run},
    error::{Code, Error, Result},
};
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::Serialize;

/// How long a rating may be replaced by another one.
const MAY_CHANGE: Millis = DAY;

/// What the client said of the work.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct CsatView {
    /// From 1 to 5.
    pub(crate) rating: i64,
    /// What they added; may be empty.
    pub(crate) comment: String,
    /// Who said it.
    pub(crate) author_name: String,
    /// When it was first said.
    pub(crate) created_at: At,
    /// When it was last changed.
    pub(crate) updated_at: At,
}

/// Takes a client's rating of the work that was last done. Another one replaces it for a day.
pub(crate) fn rate(
    cx: &Acting<'_>,
    ticket: &Record,
    rating: i64,
    comment: Option<&str>,
) -> Result<()> {
    let done_at = ticket.done_at.filter(|_| !ticket.status.is_open());
    let Some(done_at) = done_at else {
        return Err(Error::new(Code::CsatTooEarly)
            .on("ticket_id")
            .with("status", ticket.status.as_str()));
    };
    let given: Option<(i64, Millis)> = first(
        cx.tx,
        "select rating, created_at from csat where tenant_id = ?1 and ticket_id = ?2 and completed_at = ?3",
        (cx.tenant, ticket.id, done_at),
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    if given.is_some_and(|(_, at)| cx.tx.now - at > MAY_CHANGE) {
        return Err(Error::new(Code::CsatGiven).on("ticket_id"));
    }
    run(
        cx.tx,
        "insert into csat (tenant_id, ticket_id, completed_at, rating, comment, operator_id, author_name, created_at, updated_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)
         on conflict (tenant_id, ticket_id, completed_at)
         do update set rating = excluded.rating, comment = excluded.comment, author_name = excluded.author_name,
                       updated_at = excluded.updated_at",
        (
            cx.tenant,
            ticket.id,
            done_at,
            rating,
            comment.unwrap_or_default(),
            ticket.assigned_to,
            &cx.actor.name,
            cx.tx.now,
        ),
    )?;
    let (old, new) = (given.map(|(old, _)| old.to_string()), rating.to_string());
    let received = Event {
        kind: "csat_received",
        old: old.as_deref(),
        new: Some(&new),
        note: comment,
        ..Event::default()
    };
    event::write(cx, ticket.id, &received)
}

/// What the work that was done at a time is rated, if it is.
pub(crate) fn given(
    conn: &Connection,
    tenant: TenantId,
    ticket: TicketId,
    done_at: Millis,
) -> Result<Option<i64>> {
    first(
        conn,
        "select rating from csat where tenant_id = ?1 and ticket_id = ?2 and completed_at = ?3",
        (tenant, ticket, done_at),
        |row| row.get(0),
    )
}

/// The newest rating of a ticket.
pub(crate) fn newest(
    conn: &Connection,
    tenant: TenantId,
    ticket: TicketId,
) -> Result<Option<CsatView>> {
    first(
        conn,
        "select rating, comment, author_name, created_at, updated_at
           from csat
          where tenant_id = ?1 and ticket_id = ?2
          order by completed_at desc limit 1",
        (tenant, ticket),
        |row| {
            Ok(CsatView {
                rating: row.get(0)?,
                comment: row.get(1)?,
                author_name: row.get(2)?,
                created_at: row.get(3)?,
                updated_at: row.get(4)?,
            })
        },
    )
}
