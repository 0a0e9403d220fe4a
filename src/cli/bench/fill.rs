//! Fills a scratch database with a desk of any size, as fast as one connection writes rows: three years of tickets with
//! their messages, history and search index. Triggers count along, as they do in earnest.
use super::text;
use crate::{
    access::{
        secret::{Purpose, Secret},
        store,
    },
    api::field::{OperatorId, TenantId, TicketId},
    clock::{Clock, DAY, HOUR, MINUTE, Millis},
    config::Config,
    db::{migrate, watch},
    error::Result,
    lang::Lang,
    tenant::{self, NewTenant, plan::Plan},
    ticket::search,
};
use fastrand::Rng;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// How the scratch desk is entered.
pub(crate) const TOKEN: &str = "bench";

/// What a load is put on.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Filled {
    pub(crate) tenant: TenantId,
    pub(crate) operator: OperatorId,
    pub(crate) tickets: i64,
    pub(crate) messages: i64,
}

const CLIENTS: i64 = 200;
const OPERATORS: i64 = 20;
const AGE: Millis = 3 * 365 * DAY;
/// Every so many tickets one is long.
pub(super) const LONG: i64 = 50;
const BATCH: i64 = 20_000;

/// Makes the desk. What is lost with the power is made again, so nothing waits for the disk and there is no journal; the
/// index of words is written in large pieces and put together once, at the end.
pub(crate) fn fill(dir: &Path, tickets: i64) -> Result<Filled> {
    let path = Config::new(dir.to_owned()).database();
    migrate::bring_up(&path)?;
    let now = Clock::System.now();
    let mut conn = Connection::open(&path)?;
    watch(&conn);
    conn.execute_batch(
        "pragma journal_mode = off; pragma synchronous = off; pragma cache_size = -200000; pragma temp_store = memory;
         insert into search (search, rank) values ('hashsize', 67108864), ('automerge', 0);",
    )?;
    conn.set_prepared_statement_cache_capacity(64);
    let new = NewTenant {
        name: "bench",
        domain: None,
        plan: Plan::Enterprise,
        locale: Lang::Ru,
        timezone: None,
    };
    let tx = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let tenant = tenant::create(&tx, &new, now)?;
    for n in 1..=OPERATORS {
        tx.execute(
            "insert into operator (tenant_id, name, email, role, created_at) values (?1, ?2, ?3, 'admin', ?4)",
            (tenant, format!("Оператор {n}"), format!("operator{n}@bench.example"), now),
        )?;
    }
    for n in 1..=CLIENTS {
        tx.execute(
            "insert into client (tenant_id, portal_domain, company_name, created_at) values (?1, ?2, ?3, ?4)",
            (tenant, format!("client{n}.bitrix24.kz"), format!("ТОО «Клиент {n}»"), now),
        )?;
    }
    let operator = OperatorId(1);
    let hash = Secret::of(dir)?.hash(Purpose::Session, TOKEN);
    let place = ("bench", "127.0.0.1");
    store::open_session(&tx, (tenant, operator), &hash, place, true, now)?;
    tx.commit()?;
    let mut rng = Rng::with_seed(42);
    let mut messages = 0;
    let mut first = 1;
    while first <= tickets {
        let last = tickets.min(first + BATCH - 1);
        let tx = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        for id in first..=last {
            messages += ticket(&tx, &mut rng, tenant, (id, tickets), now)?;
        }
        tx.commit()?;
        first = last + 1;
    }
    conn.execute(
        "update tenant set next_ticket = ?2 where id = ?1",
        (tenant, tickets + 1),
    )?;
    conn.execute_batch(
        "insert into search (search) values ('optimize');
         insert into search (search, rank) values ('hashsize', 1048576), ('automerge', 4);
         analyze; pragma journal_mode = wal;",
    )?;
    Ok(Filled {
        tenant,
        operator,
        tickets,
        messages,
    })
}

/// Writes one ticket of `of`, the later ones younger, and tells how many messages it has.
fn ticket(
    conn: &Connection,
    rng: &mut Rng,
    tenant: TenantId,
    (id, of): (i64, i64),
    now: Millis,
) -> Result<i64> {
    let created = now - AGE + AGE / (of + 1) * id;
    let young = id > of - of / 33;
    let status = match rng.u8(..100) {
        n if n < if young { 70 } else { 2 } => [
            "new",
            "in_progress",
            "in_progress",
            "in_progress",
            "on_hold",
            "estimated",
            "reopened",
        ][rng.usize(..7)],
        n if young && n < 90 => "done",
        _ => "closed",
    };
    let finished = matches!(status, "done" | "closed");
    let answered = (status != "new").then(|| (created + rng.i64(MINUTE..3 * HOUR)).min(now));
    let done = finished.then(|| (created + rng.i64(HOUR..4 * DAY)).min(now));
    let closed = (status == "closed").then(|| done.map_or(now, |at| (at + DAY).min(now)));
    let updated = closed.or(done).or(answered).unwrap_or(created);
    let count = match (id % LONG, status) {
        (0, _) => 20,
        (_, "new") => 1,
        _ => rng.i64(1..4),
    };
    let subject = text::subject(rng);
    let (response, resolution) = (created + 2 * HOUR, created + 3 * DAY);
    let runs = matches!(status, "new" | "in_progress" | "reopened");
    let next = runs.then(|| {
        if answered.is_none() {
            response
        } else {
            resolution
        }
    });
    // What was late before now has been told of.
    let late = |due: Millis, met: Option<Millis>| met.map_or(runs && due < now, |at| at > due);
    conn.prepare_cached(
        "insert into ticket (tenant_id, id, reference, subject, status, priority, category, channel, client_id, creator_name,
                             creator_email, assigned_to, message_count, unread_count, next_ordinal, last_message_id,
                             created_at, updated_at, first_response_at, done_at, closed_at, sla_response_at,
                             sla_resolution_at, sla_next_at, sla_response_breached, sla_resolution_breached)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15,
                 (select coalesce(max(id), 0) + ?13 from message), ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25)",
    )?
    .execute(rusqlite::params![
        tenant,
        id,
        100_000_000_000 + id,
        subject,
        status,
        ["urgent", "normal", "normal", "normal", "low"][rng.usize(..5)],
        ["crm", "telephony", "setup", "bugfix", "consultation", "other"][rng.usize(..6)],
        ["email", "email", "portal", "widget", "telegram", "api"][rng.usize(..6)],
        rng.i64(1..=CLIENTS),
        format!("Клиент {}", rng.u32(..5000)),
        format!("client{}@mail.example", rng.u32(..5000)),
        (status != "new").then(|| rng.i64(1..=OPERATORS)),
        count,
        if status == "new" { (count + 1) / 2 } else { 0 },
        count + 1,
        created,
        updated,
        answered,
        done,
        closed,
        response,
        resolution,
        next,
        late(response, answered),
        late(resolution, done),
    ])?;
    for ordinal in 1..=count {
        let body = text::message(rng);
        let author = if ordinal % 2 == 1 {
            "client"
        } else {
            "support"
        };
        let at = created + (updated - created) / count * (ordinal - 1);
        conn.prepare_cached(
            "insert into message (tenant_id, ticket_id, ordinal, author_type, operator_id, author_name, body, channel, created_at, read_at)
             values (?1, ?2, ?3, ?4, ?5, 'Кто-то', ?6, 'email', ?7, ?8)",
        )?
        .execute(rusqlite::params![
            tenant,
            id,
            ordinal,
            author,
            (author == "support").then_some(1),
            &body,
            at,
            // Nobody has looked at a new ticket.
            (status != "new" || author == "support").then_some(at),
        ])?;
        search::insert(
            conn,
            search::key(tenant, TicketId(id), ordinal),
            &subject,
            &body,
        )?;
    }
    conn.prepare_cached(
        "insert into event (tenant_id, ticket_id, at, actor_type, actor_name, kind, new) values (?1, ?2, ?3, 'client', 'Клиент', 'created', 'email')",
    )?
    .execute((tenant, id, created))?;
    Ok(count)
}
