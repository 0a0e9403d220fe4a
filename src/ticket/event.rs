//! The history of tickets. Each entry is at once a line of the history, a step of the live connection's backlog, the
//! signal that something changed, and what reactions follow from (see [`automation`]).
use super::{
    Acting,
    model::{ActorKind, Author, HistoryEntry},
};
use crate::{
    api::field::{MessageId, TenantId, TicketId},
    automation::{self, Happened},
    db::sql::{all, run},
    error::Result,
    signal::{Change, Signal},
};
use rusqlite::Connection;
use std::sync::Arc;

/// That a ticket no longer says whose it was. Nobody waits for that: no rule and no other program is told of it.
pub(crate) const UNNAMED: &str = "contact_erased";

/// What happened, before it is written.
#[derive(Debug, Default)]
pub(super) struct Event<'a> {
    pub(super) kind: &'static str,
    pub(super) message: Option<MessageId>,
    pub(super) author: Option<Author>,
    pub(super) is_note: bool,
    pub(super) old: Option<&'a str>,
    pub(super) new: Option<&'a str>,
    pub(super) note: Option<&'a str>,
}

/// The name of an event on the live connection and in webhooks.
fn change_kind(kind: &str) -> &'static str {
    match kind {
        "created" => "ticket.created",
        "status" => "ticket.status_changed",
        "assigned" => "ticket.assigned",
        "estimate" => "estimate.set",
        "estimate_approved" => "estimate.approved",
        "estimate_rejected" => "estimate.rejected",
        "csat_received" => "csat.received",
        "sla_warning" => "sla.warning",
        "sla_breach" => "sla.breached",
        "message" | "note" => "message.created",
        "message_edited" | "message_deleted" | "touched" | "delivery" | "read" | "held"
        | "withdrawn" => "message.updated",
        "deleted" => "ticket.deleted",
        _ => "ticket.updated",
    }
}

/// Writes an entry and signals the change.
pub(super) fn write(cx: &Acting<'_>, ticket: TicketId, event: &Event<'_>) -> Result<()> {
    run(
        cx.tx,
        "insert into event (tenant_id, ticket_id, message_id, at, actor_type, actor_id, actor_name, kind, old, new, note)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        rusqlite::params![
            cx.tenant,
            ticket,
            event.message,
            cx.tx.now,
            cx.actor.kind,
            cx.actor.id,
            cx.actor.name,
            event.kind,
            event.old,
            event.new,
            event.note,
        ],
    )?;
    cx.tx.signal(Signal::Changed(Arc::new(Change {
        tenant: cx.tenant.0,
        seq: cx.tx.last_insert_rowid(),
        kind: change_kind(event.kind),
        ticket_id: ticket.0,
        message_id: event.message.map(|m| m.0),
        actor_id: cx.actor.id,
        author_type: event.author.map(Author::as_str),
        is_note: event.is_note,
    })));
    automation::happened(
        cx.tx,
        Happened {
            tenant: cx.tenant,
            ticket,
            at: cx.tx.now,
            kind: event.kind,
            message: event.message,
            author: event.author,
            old: event.old.map(str::to_owned),
            new: event.new.map(str::to_owned),
            note: event.note.map(str::to_owned),
            actor: cx.actor.clone(),
            chain: cx.chain.clone(),
        },
    );
    Ok(())
}

/// A ticket's history, oldest first. `public` leaves out what only staff may know.
pub(crate) fn history(
    conn: &Connection,
    tenant: TenantId,
    ticket: TicketId,
    public: bool,
) -> Result<Vec<HistoryEntry>> {
    all(
        conn,
        "select v.id, v.at, v.actor_type, v.actor_name, v.kind,
                coalesce(v.old, (select e.body
                                   from message_edit e
                                   join message m on m.tenant_id = e.tenant_id and m.id = e.message_id
                                  where v.kind = 'message_edited' and m.deleted_at is null
                                    and e.tenant_id = v.tenant_id and e.message_id = v.message_id and e.edited_at = v.at
                                  limit 1)),
                v.new, v.note
           from event v
          where v.tenant_id = ?1
            and v.ticket_id = ?2
            and v.kind not in ('message', 'note', 'touched', 'delivery', 'read', 'held', 'withdrawn')
            and (not ?3 or v.kind in ('created', 'status'))
          order by v.id",
        (tenant, ticket, public),
        |row| {
            let actor_type = row.get(2)?;
            // Why staff did something is theirs to know.
            let told = !public || actor_type == ActorKind::Client;
            Ok(HistoryEntry {
                id: row.get(0)?,
                at: row.get(1)?,
                actor_type,
                actor_name: row.get(3)?,
                kind: row.get(4)?,
                from: row.get(5)?,
                to: row.get(6)?,
                note: row.get::<_, Option<String>>(7)?.filter(|_| told),
            })
        },
    )
}

/// The most changes that a live connection is given to catch up with; beyond it, it reloads.
pub(crate) const BACKLOG: i64 = 500;

/// What happened in a tenant after `since`, oldest first: at most [`BACKLOG`] changes and one more.
pub(crate) fn backlog(conn: &Connection, tenant: TenantId, since: i64) -> Result<Vec<Change>> {
    all(
        conn,
        "select e.id, e.kind, e.ticket_id, e.message_id, e.actor_id, m.author_type, coalesce(m.is_note, 0)
           from event e
           left join message m on m.tenant_id = e.tenant_id and m.id = e.message_id
          where e.tenant_id = ?1
            and e.id > ?2
          order by e.id
          limit ?3",
        (tenant, since, BACKLOG + 1),
        |row| {
            let author: Option<Author> = row.get(5)?;
            Ok(Change {
                tenant: tenant.0,
                seq: row.get(0)?,
                kind: change_kind(&row.get::<_, String>(1)?),
                ticket_id: row.get(2)?,
                message_id: row.get(3)?,
                actor_id: row.get(4)?,
                author_type: author.map(Author::as_str),
                is_note: row.get(6)?,
            })
        },
    )
}

/// The number of the newest change of a tenant.
pub(crate) fn last_seq(conn: &Connection, tenant: TenantId) -> Result<i64> {
    crate::db::sql::one(
        conn,
        "select coalesce(max(id), 0) from event where tenant_id = ?1",
        [tenant],
        |row| row.get(0),
    )
}
