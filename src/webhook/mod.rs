//! Outgoing webhooks: the endpoints that an admin names. What is to be called is in [`queue`], who calls in [`send`], how a
//! call proves who made it in [`sign`].
pub(crate) mod queue;
pub(crate) mod send;
pub(crate) mod sign;

use crate::{
    access::secret::Secret,
    api::field::{At, TenantId, WebhookId},
    clock::Millis,
    db::sql::{all, first, one, run},
    error::{Code, Error, Result},
    ticket::model::words,
};
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

words! {
    /// What an endpoint may be told of.
    #[schemars(rename = "WebhookEvent")]
    EventName {
        TicketCreated = "ticket.created",
        TicketUpdated = "ticket.updated",
        TicketStatusChanged = "ticket.status_changed",
        TicketAssigned = "ticket.assigned",
        TicketDeleted = "ticket.deleted",
        MessageCreated = "message.created",
        MessageUpdated = "message.updated",
        EstimateSet = "estimate.set",
        EstimateApproved = "estimate.approved",
        EstimateRejected = "estimate.rejected",
        CsatReceived = "csat.received",
        SlaWarning = "sla.warning",
        SlaBreached = "sla.breached",
        ClientCreated = "client.created",
    }
}

impl EventName {
    /// The event that an entry of a ticket's history is told as.
    fn of(kind: &str) -> EventName {
        match kind {
            "created" => EventName::TicketCreated,
            "status" => EventName::TicketStatusChanged,
            "assigned" => EventName::TicketAssigned,
            "deleted" => EventName::TicketDeleted,
            "message" | "note" => EventName::MessageCreated,
            "message_edited" | "message_deleted" | "delivery" => EventName::MessageUpdated,
            "estimate" => EventName::EstimateSet,
            "estimate_approved" => EventName::EstimateApproved,
            "estimate_rejected" => EventName::EstimateRejected,
            "csat_received" => EventName::CsatReceived,
            "sla_warning" => EventName::SlaWarning,
            "sla_breach" => EventName::SlaBreached,
            _ => EventName::TicketUpdated,
        }
    }
}

words! {
    /// Why the program switched an endpoint off by itself.
    SwitchedOff {
        /// It answered 410: it is gone for good.
        Gone = "gone",
        /// Every call of five days failed.
        Failing = "failing",
    }
}

/// An endpoint that is told of events.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Webhook {
    /// The webhook.
    pub(crate) id: WebhookId,
    /// Where it is called.
    pub(crate) url: String,
    /// What it is told of. With none it is called by triggers only.
    pub(crate) events: Vec<EventName>,
    /// Whether it is switched on.
    pub(crate) is_active: bool,
    /// Why it was switched off by itself.
    pub(crate) switched_off: Option<SwitchedOff>,
    /// Since when every call has failed.
    pub(crate) failing_since: Option<At>,
    /// How many calls wait.
    pub(crate) queued: i64,
    /// The status of the last call that was answered.
    pub(crate) last_status: Option<i64>,
    /// When a call last came to an end, good or bad.
    pub(crate) last_delivery_at: Option<At>,
    /// When it was made.
    pub(crate) created_at: At,
    /// What its calls are signed with. Told once: when it is made or changed.
    pub(crate) secret: Option<String>,
}

/// The endpoints of a tenant, or the one of `id`.
pub(crate) fn list(
    conn: &Connection,
    tenant: TenantId,
    id: Option<WebhookId>,
) -> Result<Vec<Webhook>> {
    all(
        conn,
        "select w.id, w.url, w.events, w.is_active, w.switched_off, w.failing_since, w.created_at,
                (select count(*) from webhook_delivery d where d.webhook_id = w.id and d.state = 'queued'),
                l.status, l.finished_at
           from webhook w
           left join webhook_delivery l on l.id = (select id from webhook_delivery d
                                                    where d.tenant_id = w.tenant_id and d.webhook_id = w.id
                                                      and d.finished_at is not null
                                                    order by id desc limit 1)
          where w.tenant_id = ?1 and (?2 is null or w.id = ?2)
          order by w.id",
        (tenant, id),
        |row| {
            let events: String = row.get(2)?;
            Ok(Webhook {
                id: row.get(0)?,
                url: row.get(1)?,
                events: serde_json::from_str(&events).unwrap_or_default(),
                is_active: row.get(3)?,
                switched_off: row.get(4)?,
                failing_since: row.get(5)?,
                created_at: row.get(6)?,
                queued: row.get(7)?,
                last_status: row.get(8)?,
                last_delivery_at: row.get(9)?,
                secret: None,
            })
        },
    )
}

pub(crate) fn by_id(conn: &Connection, tenant: TenantId, id: WebhookId) -> Result<Webhook> {
    list(conn, tenant, Some(id))?
        .pop()
        .ok_or_else(|| Error::new(Code::WebhookNotFound).on("webhook_id"))
}

/// Makes an endpoint whose calls are signed with `key`.
pub(crate) fn insert(
    conn: &Connection,
    secret: &Secret,
    tenant: TenantId,
    url: &str,
    events: &[EventName],
    key: &str,
    now: Millis,
) -> Result<WebhookId> {
    run(
        conn,
        "insert into webhook (tenant_id, url, events, secret, created_at) values (?1, ?2, ?3, ?4, ?5)",
        (
            tenant,
            url,
            serde_json::to_string(events)?,
            secret.seal(key.as_bytes())?,
            now,
        ),
    )?;
    Ok(WebhookId(conn.last_insert_rowid()))
}

/// Writes back an endpoint's address, events and whether it is switched on. Switching it on forgets its failures.
pub(crate) fn update(conn: &Connection, tenant: TenantId, webhook: &Webhook) -> Result<()> {
    run(
        conn,
        "update webhook
            set url = ?3, events = ?4, is_active = ?5,
                failing_since = iif(?5 and not is_active, null, failing_since),
                switched_off = iif(?5, null, switched_off)
          where tenant_id = ?1 and id = ?2",
        (
            tenant,
            webhook.id,
            &webhook.url,
            serde_json::to_string(&webhook.events)?,
            webhook.is_active,
        ),
    )?;
    Ok(())
}

/// Lets an endpoint's calls be signed with another key.
pub(crate) fn set_key(
    conn: &Connection,
    secret: &Secret,
    tenant: TenantId,
    id: WebhookId,
    key: &str,
) -> Result<()> {
    run(
        conn,
        "update webhook set secret = ?3 where tenant_id = ?1 and id = ?2",
        (tenant, id, secret.seal(key.as_bytes())?),
    )?;
    Ok(())
}

pub(crate) fn delete(conn: &Connection, tenant: TenantId, id: WebhookId) -> Result<()> {
    match run(
        conn,
        "delete from webhook where tenant_id = ?1 and id = ?2",
        (tenant, id),
    )? {
        0 => Err(Error::new(Code::WebhookNotFound).on("webhook_id")),
        _ => Ok(()),
    }
}

/// The endpoint of an address that a trigger names, made if there is none: nothing but triggers calls it then.
pub(crate) fn of_url(
    conn: &Connection,
    secret: &Secret,
    tenant: TenantId,
    url: &str,
    now: Millis,
) -> Result<WebhookId> {
    let known = first(
        conn,
        "select id from webhook where tenant_id = ?1 and url = ?2 order by id limit 1",
        (tenant, url),
        |row| row.get(0),
    )?;
    match known {
        Some(id) => Ok(id),
        None => insert(conn, secret, tenant, url, &[], &sign::new_key()?, now),
    }
}

/// How many endpoints a tenant may have.
pub(crate) const MOST: i64 = 50;

/// How many it has.
pub(crate) fn count(conn: &Connection, tenant: TenantId) -> Result<i64> {
    one(
        conn,
        "select count(*) from webhook where tenant_id = ?1",
        [tenant],
        |row| row.get(0),
    )
}
