//! The calls of outgoing webhooks: written in the transaction of what they tell, sent by [`super::send`]. Calls of one
//! endpoint leave in the order in which they were written; the body is what was so when the event happened.
use super::{EventName, SwitchedOff};
use crate::{
    access::secret::random_text,
    api::field::{At, ClientId, DeliveryId, TenantId, TicketId, WebhookId},
    automation::{Happened, facts},
    client,
    clock::{DAY, HOUR, MINUTE, Millis, SECOND, wire},
    db::{
        Tx,
        sql::{Page, all, first, one, run},
    },
    error::{Code, Error, Result},
    notification,
    signal::Signal,
    tenant::{self, plan::Plan},
    ticket::{Acting, estimate, model::words},
};
use rusqlite::{Connection, Row};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The type of a call that an admin makes to try an endpoint.
pub(crate) const TEST: &str = "webhook.test";
/// The type of a call that a trigger makes.
const BY_TRIGGER: &str = "trigger.fired";

/// The endpoints of a tenant that are switched on and want to be told of an event.
fn listeners(tx: &Tx<'_>, tenant: TenantId, event: EventName) -> Result<Vec<WebhookId>> {
    all(
        tx,
        "select w.id from webhook w
          where w.tenant_id = ?1 and w.is_active
            and exists (select 1 from json_each(w.events) e where e.value = ?2)
          order by w.id",
        (tenant, event),
        |row| row.get(0),
    )
}

/// Writes the calls that tell of an entry of a ticket's history.
pub(crate) fn tell(tx: &Tx<'_>, happened: &Happened) -> Result<()> {
    let (tenant, event) = (happened.tenant, EventName::of(happened.kind));
    let listeners = listeners(tx, tenant, event)?;
    if listeners.is_empty() || tenant::by_id(tx, tenant)?.plan < Plan::Pro {
        return Ok(());
    }
    let Some(ticket) = facts::told(tx, tenant, happened.ticket)? else {
        return Ok(());
    };
    let mut data = Map::new();
    data.insert("ticket_id".into(), json!(happened.ticket));
    data.insert("ticket".into(), json!(ticket));
    data.insert("change".into(), json!(happened.kind));
    data.insert("from".into(), json!(happened.old));
    data.insert("to".into(), json!(happened.new));
    data.insert("note".into(), json!(happened.note));
    data.insert(
        "actor".into(),
        json!({ "type": happened.actor.kind, "id": happened.actor.id, "name": happened.actor.name }),
    );
    if let Some(id) = happened.message {
        data.insert("message".into(), json!(facts::message(tx, tenant, id)?));
    }
    if matches!(
        event,
        EventName::EstimateSet | EventName::EstimateApproved | EventName::EstimateRejected
    ) {
        let newest = estimate::newest(tx, tenant, happened.ticket)?;
        data.insert("estimate".into(), json!(newest));
    }
    if event == EventName::CsatReceived {
        let rating: Option<i64> = happened.new.as_deref().and_then(|r| r.parse().ok());
        data.insert("rating".into(), json!(rating));
        data.insert("comment".into(), json!(happened.note));
    }
    let body = body(event.as_str(), happened.at, data);
    for webhook in listeners {
        enqueue(tx, tenant, webhook, event.as_str(), &body)?;
    }
    Ok(())
}

/// Writes the calls that tell of a new client.
pub(crate) fn client_created(tx: &Tx<'_>, tenant: TenantId, id: ClientId) -> Result<()> {
    let event = EventName::ClientCreated;
    let listeners = listeners(tx, tenant, event)?;
    if listeners.is_empty() || tenant::by_id(tx, tenant)?.plan < Plan::Pro {
        return Ok(());
    }
    let domain: String = one(
        tx,
        "select portal_domain from client where tenant_id = ?1 and id = ?2",
        (tenant, id),
        |row| row.get(0),
    )?;
    let told = serde_json::to_value(client::view(tx, tenant, &domain, tx.now)?)?;
    let data = Map::from_iter([
        ("client_id".to_owned(), json!(id)),
        ("client".to_owned(), told),
    ]);
    let body = body(event.as_str(), tx.now, data);
    for webhook in listeners {
        enqueue(tx, tenant, webhook, event.as_str(), &body)?;
    }
    Ok(())
}

/// Writes a call that a trigger makes about a ticket.
pub(crate) fn call(cx: &Acting<'_>, webhook: WebhookId, ticket: TicketId) -> Result<()> {
    super::by_id(cx.tx, cx.tenant, webhook)?;
    let told = facts::told(cx.tx, cx.tenant, ticket)?;
    let data = Map::from_iter([
        ("ticket_id".to_owned(), json!(ticket)),
        ("ticket".to_owned(), json!(told)),
        (
            "trigger".to_owned(),
            json!({ "id": cx.chain.last(), "name": cx.actor.name }),
        ),
    ]);
    let body = body(BY_TRIGGER, cx.tx.now, data);
    enqueue(cx.tx, cx.tenant, webhook, BY_TRIGGER, &body)?;
    Ok(())
}

fn body(kind: &str, at: Millis, data: Map<String, Value>) -> String {
    json!({ "type": kind, "timestamp": wire(at), "data": data }).to_string()
}

/// Writes a call by which an admin tries an endpoint. It is not left to the queue: whoever asks waits for it.
pub(crate) fn trial(tx: &Tx<'_>, tenant: TenantId, webhook: WebhookId) -> Result<Call> {
    let data = Map::from_iter([("webhook_id".to_owned(), json!(webhook))]);
    let body = body(TEST, tx.now, data);
    let id = enqueue(tx, tenant, webhook, TEST, &body)?;
    // The queue passes it by: it is over before it is due.
    run(
        tx,
        "update webhook_delivery set state = 'failed', began_at = ?2, finished_at = ?2 where id = ?1",
        (id, tx.now),
    )?;
    one(tx, &format!("{CALL} where d.id = ?1"), [id], read_call)
}

fn enqueue(
    tx: &Tx<'_>,
    tenant: TenantId,
    webhook: WebhookId,
    kind: &str,
    body: &str,
) -> Result<DeliveryId> {
    run(
        tx,
        "insert into webhook_delivery (tenant_id, webhook_id, uid, type, body, next_at, created_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
        (
            tenant,
            webhook,
            format!("msg_{}", random_text(24)?),
            kind,
            body,
            tx.now,
        ),
    )?;
    let id = DeliveryId(tx.last_insert_rowid());
    tx.signal(Signal::Webhook);
    Ok(id)
}

/// A call whose time has come.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) id: DeliveryId,
    pub(crate) tenant: TenantId,
    pub(crate) webhook: WebhookId,
    pub(crate) url: String,
    /// What it is signed with, sealed.
    pub(crate) secret: Vec<u8>,
    pub(crate) uid: String,
    pub(crate) body: String,
    pub(crate) attempts: u32,
    pub(crate) began_at: Option<Millis>,
}

const CALL: &str =
    "select d.id, d.tenant_id, d.webhook_id, w.url, w.secret, d.uid, d.body, d.attempts, d.began_at
   from webhook w
   join webhook_delivery d on d.webhook_id = w.id";

fn read_call(row: &Row<'_>) -> rusqlite::Result<Call> {
    Ok(Call {
        id: row.get(0)?,
        tenant: row.get(1)?,
        webhook: row.get(2)?,
        url: row.get(3)?,
        secret: row.get(4)?,
        uid: row.get(5)?,
        body: row.get(6)?,
        attempts: row.get(7)?,
        began_at: row.get(8)?,
    })
}

/// What is to be called now: of each endpoint only the oldest call that waits.
pub(crate) fn due(conn: &Connection, now: Millis) -> Result<Vec<Call>> {
    all(
        conn,
        &format!(
            "{CALL}
              where w.is_active and w.tenant_id in (select id from tenant where is_active) and d.next_at <= ?1
                and d.id = (select min(id) from webhook_delivery q where q.webhook_id = w.id and q.state = 'queued')
              order by d.next_at, d.id"
        ),
        [now],
        read_call,
    )
}

/// When the next call is due, if any waits.
pub(crate) fn next_at(conn: &Connection) -> Result<Option<Millis>> {
    one(
        conn,
        "select min(d.next_at) from webhook w
           join webhook_delivery d
             on d.id = (select min(id) from webhook_delivery q where q.webhook_id = w.id and q.state = 'queued')
          where w.is_active and w.tenant_id in (select id from tenant where is_active)",
        [],
        |row| row.get(0),
    )
}

/// How an attempt ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: Option<u16>,
    pub(crate) latency_ms: i64,
    pub(crate) error: Option<String>,
    pub(crate) response: Option<String>,
    /// How long the endpoint asks to be left alone.
    pub(crate) retry_after: Option<Millis>,
}

impl Answer {
    pub(crate) fn is_good(&self) -> bool {
        self.error.is_none() && self.status.is_some_and(|s| (200..300).contains(&s))
    }

    /// Whether the endpoint says that it is gone for good.
    fn is_gone(&self) -> bool {
        self.status == Some(410)
    }
}

/// How long after the first attempt a call is given up.
const LONGEST: Millis = DAY;
/// How long an endpoint may fail before it is switched off.
const PATIENCE: Millis = 5 * DAY;

/// How long to wait after so many attempts: soon at first, then every hour. `jitter` shifts it by up to a tenth, so that
/// the calls of many endpoints do not come back at once.
pub(crate) fn backoff(attempts: u32, jitter: u64) -> Millis {
    const WAITS: [Millis; 5] = [
        5 * SECOND,
        30 * SECOND,
        2 * MINUTE,
        10 * MINUTE,
        30 * MINUTE,
    ];
    let place = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
    let wait = WAITS.get(place).copied().unwrap_or(HOUR);
    let share = i64::try_from(jitter % 201).unwrap_or(100) - 100;
    wait + wait * share / 1000
}

/// Writes down how an attempt ended, and when there is to be another.
pub(crate) fn settle(tx: &Tx<'_>, call: &Call, answer: &Answer, jitter: u64) -> Result<()> {
    let (now, began) = (tx.now, call.began_at.unwrap_or(tx.now));
    let wait = backoff(call.attempts + 1, jitter).max(answer.retry_after.unwrap_or(0).min(HOUR));
    let (state, next, finished) = if answer.is_good() {
        ("sent", now, Some(now))
    } else if answer.is_gone() || now + wait > began + LONGEST {
        ("failed", now, Some(now))
    } else {
        ("queued", now + wait, None)
    };
    run(
        tx,
        "update webhook_delivery
            set state = ?2, attempts = attempts + 1, next_at = ?3, began_at = ?4, finished_at = ?5,
                status = ?6, latency_ms = ?7, error = ?8, response = ?9
          where id = ?1",
        rusqlite::params![
            call.id,
            state,
            next,
            began,
            finished,
            answer.status,
            answer.latency_ms,
            answer.error,
            answer.response,
        ],
    )?;
    if answer.is_good() {
        run(
            tx,
            "update webhook set failing_since = null where id = ?1 and failing_since is not null",
            [call.webhook],
        )?;
        return Ok(());
    }
    run(
        tx,
        "update webhook set failing_since = coalesce(failing_since, ?2) where id = ?1",
        (call.webhook, now),
    )?;
    let failing_since: Option<Millis> = first(
        tx,
        "select failing_since from webhook where id = ?1 and is_active",
        [call.webhook],
        |row| row.get(0),
    )?;
    let why = match failing_since {
        Some(_) if answer.is_gone() => SwitchedOff::Gone,
        Some(since) if now - since >= PATIENCE => SwitchedOff::Failing,
        _ => return Ok(()),
    };
    run(
        tx,
        "update webhook set is_active = 0, switched_off = ?2 where id = ?1",
        (call.webhook, why),
    )?;
    notification::webhook_off(tx, call.tenant, &call.url)
}

/// Writes down how a trial ended: it has one attempt and no consequences.
pub(crate) fn tried(tx: &Tx<'_>, call: &Call, answer: &Answer) -> Result<()> {
    let state = if answer.is_good() { "sent" } else { "failed" };
    run(
        tx,
        "update webhook_delivery
            set state = ?2, attempts = 1, finished_at = ?3, status = ?4, latency_ms = ?5, error = ?6, response = ?7
          where id = ?1",
        (
            call.id,
            state,
            tx.now,
            answer.status,
            answer.latency_ms,
            &answer.error,
            &answer.response,
        ),
    )?;
    Ok(())
}

words! {
    /// How a call has fared.
    #[schemars(rename = "DeliveryState")]
    State {
        Queued = "queued",
        Sent = "sent",
        Failed = "failed",
    }
}

/// A call of an endpoint.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "WebhookDelivery")]
pub(crate) struct Delivery {
    /// The delivery.
    id: DeliveryId,
    /// The endpoint.
    webhook_id: WebhookId,
    /// The `webhook-id` header, the same for every attempt.
    uid: String,
    /// What it tells of.
    #[serde(rename = "type")]
    kind: String,
    /// How it has fared.
    state: State,
    /// How often it was tried.
    attempts: i64,
    /// The status of the last answer.
    status: Option<i64>,
    /// How long the last attempt took.
    latency_ms: Option<i64>,
    /// Why the last attempt failed.
    error: Option<String>,
    /// The beginning of the last answer, at most 1,000 characters.
    response: Option<String>,
    /// The body that is sent.
    body: String,
    /// When it happened.
    created_at: At,
    /// When it is tried again.
    next_at: Option<At>,
    /// When it came to its end.
    finished_at: Option<At>,
}

const DELIVERY: &str = "select id, webhook_id, uid, type, state, attempts, status, latency_ms, error, response, body, created_at,
        iif(state = 'queued', next_at, null), finished_at
   from webhook_delivery";

fn read(row: &Row<'_>) -> rusqlite::Result<Delivery> {
    Ok(Delivery {
        id: row.get(0)?,
        webhook_id: row.get(1)?,
        uid: row.get(2)?,
        kind: row.get(3)?,
        state: row.get(4)?,
        attempts: row.get(5)?,
        status: row.get(6)?,
        latency_ms: row.get(7)?,
        error: row.get(8)?,
        response: row.get(9)?,
        body: row.get(10)?,
        created_at: row.get(11)?,
        next_at: row.get(12)?,
        finished_at: row.get(13)?,
    })
}

/// A page of calls, the newest first, and how many there are.
pub(crate) fn page(
    conn: &Connection,
    tenant: TenantId,
    webhook: Option<WebhookId>,
    state: Option<State>,
    page: Page,
) -> Result<(Vec<Delivery>, i64)> {
    let total = one(
        conn,
        "select count(*) from webhook_delivery
          where tenant_id = ?1 and (?2 is null or webhook_id = ?2) and (?3 is null or state = ?3)",
        (tenant, webhook, state),
        |row| row.get(0),
    )?;
    let deliveries = all(
        conn,
        &format!(
            "{DELIVERY}
              where tenant_id = ?1 and (?2 is null or webhook_id = ?2) and (?3 is null or state = ?3)
              order by id desc limit ?4 offset ?5"
        ),
        (tenant, webhook, state, page.limit, page.offset()),
        read,
    )?;
    Ok((deliveries, total))
}

pub(crate) fn by_id(conn: &Connection, tenant: TenantId, id: DeliveryId) -> Result<Delivery> {
    first(
        conn,
        &format!("{DELIVERY} where tenant_id = ?1 and id = ?2"),
        (tenant, id),
        read,
    )?
    .ok_or_else(|| Error::new(Code::DeliveryNotFound).on("delivery_id"))
}

/// Puts a call into the queue once more, as it was: the same id, the same body.
pub(crate) fn again(tx: &Tx<'_>, tenant: TenantId, id: DeliveryId) -> Result<Delivery> {
    run(
        tx,
        "update webhook_delivery
            set state = 'queued', attempts = 0, next_at = ?3, began_at = null, finished_at = null
          where tenant_id = ?1 and id = ?2",
        (tenant, id, tx.now),
    )?;
    tx.signal(Signal::Webhook);
    by_id(tx, tenant, id)
}

/// How long calls that came to their end are kept, and calls of endpoints that are switched off.
const KEPT: Millis = 30 * DAY;

/// Forgets old calls.
pub(crate) fn tidy(tx: &Tx<'_>) -> Result<()> {
    run(
        tx,
        "delete from webhook_delivery where finished_at <= ?1",
        [tx.now - KEPT],
    )?;
    run(
        tx,
        "delete from webhook_delivery
          where state = 'queued' and created_at <= ?1
            and webhook_id in (select id from webhook where not is_active)",
        [tx.now - KEPT],
    )?;
    Ok(())
}

/// Makes what waits due now, for one endpoint.
pub(crate) fn hurry(tx: &Tx<'_>, webhook: WebhookId) -> Result<()> {
    run(
        tx,
        "update webhook_delivery set next_at = ?2 where webhook_id = ?1 and state = 'queued' and next_at > ?2",
        (webhook, tx.now),
    )?;
    tx.signal(Signal::Webhook);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_thin_out_to_one_an_hour_and_fill_about_a_day() {
        let waits: Vec<Millis> = (1..8).map(|n| backoff(n, 100)).collect();
        assert_eq!(
            waits,
            [
                5 * SECOND,
                30 * SECOND,
                2 * MINUTE,
                10 * MINUTE,
                30 * MINUTE,
                HOUR,
                HOUR
            ]
        );
        for jitter in 0..1000 {
            assert!((54 * MINUTE..=66 * MINUTE).contains(&backoff(9, jitter)));
        }
    }

    #[test]
    fn every_kind_of_entry_is_told_as_an_event() {
        assert_eq!(EventName::of("assigned"), EventName::TicketAssigned);
        assert_eq!(
            EventName::of("estimate_rejected"),
            EventName::EstimateRejected
        );
        assert_eq!(EventName::of("note"), EventName::MessageCreated);
        assert_eq!(EventName::of("priority"), EventName::TicketUpdated);
    }
}
