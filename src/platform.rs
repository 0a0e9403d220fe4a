//! The installation as its head sees it: all tenants with what they use, the faults of the program, and figures over
//! everything. It counts and names; no text of a tenant's tickets is read here.
use crate::{
    api::field::{At, TenantId},
    clock::{DAY, Millis},
    db::sql::{Page, Where, all, one},
    error::{Error, Result},
    lang::Lang,
    tenant::{
        Tenant,
        limits::{self, Overrides, Usage},
        plan::{Limits, Plan},
    },
};
use rusqlite::{Connection, types::Value};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::HashMap;

/// A tenant as the head of the installation sees it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TenantStanding {
    /// The tenant.
    id: TenantId,
    /// What it is called.
    name: String,
    /// A domain that it is known by as well.
    domain: Option<String>,
    /// Its plan.
    plan: Plan,
    /// Whether it is switched on.
    is_active: bool,
    /// The language it writes in.
    locale: Lang,
    /// What it may use.
    limits: Limits,
    /// What of that is its own and not its plan's.
    overrides: Overrides,
    /// How much of it is used.
    usage: Usage,
    /// When somebody last did something there.
    last_activity_at: Option<At>,
    /// When it was made.
    created_at: At,
}

/// These tenants with what they use.
pub(crate) fn tenants(
    conn: &Connection,
    tenants: Vec<Tenant>,
    now: Millis,
) -> Result<Vec<TenantStanding>> {
    let months: Vec<_> = tenants.iter().map(|t| (t.id, t.month_start(now))).collect();
    let mut used = limits::usage(conn, &months, now)?;
    let active = activity(conn)?;
    tenants
        .into_iter()
        .map(|tenant| {
            Ok(TenantStanding {
                limits: tenant.limits(),
                usage: used
                    .remove(&tenant.id)
                    .ok_or_else(|| Error::internal("a tenant without usage"))?,
                last_activity_at: active.get(&tenant.id).copied().map(At),
                id: tenant.id,
                name: tenant.name,
                domain: tenant.domain,
                plan: tenant.plan,
                is_active: tenant.is_active,
                locale: tenant.locale,
                overrides: tenant.overrides,
                created_at: At(tenant.created_at),
            })
        })
        .collect()
}

/// One tenant with what it uses.
pub(crate) fn tenant(conn: &Connection, tenant: Tenant, now: Millis) -> Result<TenantStanding> {
    tenants(conn, vec![tenant], now)?
        .pop()
        .ok_or_else(|| Error::internal("a tenant without standing"))
}

/// When something last happened in each tenant where anything did.
fn activity(conn: &Connection) -> Result<HashMap<TenantId, Millis>> {
    let found = all(
        conn,
        "select id,
                max(coalesce((select at from event where tenant_id = t.id order by id desc limit 1), 0),
                    coalesce((select max(at) from audit_log where tenant_id = t.id), 0),
                    coalesce((select max(last_seen_at) from session where tenant_id = t.id), 0)) as at
           from tenant t",
        [],
        |row| Ok((row.get("id")?, row.get::<_, Millis>("at")?)),
    )?;
    Ok(found.into_iter().filter(|(_, at)| *at > 0).collect())
}

/// A fault of the program.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ErrorEntry {
    /// The entry.
    id: i64,
    /// When.
    at: At,
    /// In which tenant, if the caller was known.
    tenant_id: Option<TenantId>,
    /// What that tenant is called.
    tenant_name: Option<String>,
    /// The request id that the caller was told.
    request_id: String,
    /// The action, or the path.
    action: String,
    /// What went wrong.
    detail: String,
}

/// A page of the faults, the latest first, and how many there are.
pub(crate) fn errors(
    conn: &Connection,
    request: Option<String>,
    tenant: Option<TenantId>,
    page: Page,
) -> Result<(Vec<ErrorEntry>, i64)> {
    let mut only = Where::new("e.id > ?", [Value::Integer(0)]);
    if let Some(request) = request.filter(|id| !id.is_empty()) {
        only.and("e.request_id = ?", [Value::Text(request)]);
    }
    if let Some(tenant) = tenant {
        only.and("e.tenant_id = ?", [Value::Integer(tenant.0)]);
    }
    let total = one(
        conn,
        &format!("select count(*) from error_log e where {}", only.text()),
        rusqlite::params_from_iter(only.bind([])),
        |row| row.get(0),
    )?;
    let entries = all(
        conn,
        &format!(
            "select e.id, e.at, e.tenant_id, t.name, e.request_id, e.action, e.detail
               from error_log e
               left join tenant t on t.id = e.tenant_id
              where {}
              order by e.id desc
              limit ? offset ?",
            only.text()
        ),
        rusqlite::params_from_iter(
            only.bind([Value::Integer(page.limit), Value::Integer(page.offset())]),
        ),
        |row| {
            Ok(ErrorEntry {
                id: row.get(0)?,
                at: row.get(1)?,
                tenant_id: row.get(2)?,
                tenant_name: row.get(3)?,
                request_id: row.get(4)?,
                action: row.get(5)?,
                detail: row.get(6)?,
            })
        },
    )?;
    Ok((entries, total))
}

/// How many tenants are on a plan.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct OnPlan {
    /// The plan.
    plan: Plan,
    /// The tenants on it.
    tenants: i64,
}

/// How the installation fares.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PlatformStats {
    /// The program's version.
    version: &'static str,
    /// All tenants.
    tenants: i64,
    /// Those that are switched on.
    active_tenants: i64,
    /// How many are on each plan.
    by_plan: Vec<OnPlan>,
    /// Active people of all desks.
    operators: i64,
    /// Sessions that have not ended.
    sessions: i64,
    /// Companies that are supported.
    clients: i64,
    /// All tickets.
    tickets: i64,
    /// Those that are open.
    open_tickets: i64,
    /// Those that were opened in the last 30 days.
    tickets_30_days: i64,
    /// All messages.
    messages: i64,
    /// All attachments together, in bytes.
    storage_bytes: i64,
    /// The database, in bytes.
    database_bytes: i64,
    /// Messages that wait to be sent.
    outbox_queued: i64,
    /// Messages of the last 7 days that could not be sent.
    outbox_failed_7_days: i64,
    /// Deliveries that wait to be worked on.
    inbound_waiting: i64,
    /// Deliveries of the last 7 days that could not be worked on.
    inbound_failed_7_days: i64,
    /// Faults of the program in the last 24 hours.
    errors_24_hours: i64,
}

pub(crate) fn stats(conn: &Connection, now: Millis) -> Result<PlatformStats> {
    let on_plan: Vec<(Plan, i64)> = all(
        conn,
        "select plan, count(*) from tenant group by plan",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let by_plan = Plan::ALL.map(|plan| OnPlan {
        plan,
        tenants: on_plan
            .iter()
            .find(|(known, _)| *known == plan)
            .map_or(0, |(_, tenants)| *tenants),
    });
    one(
        conn,
        "select (select count(*) from tenant) as tenants,
                (select count(*) from tenant where is_active) as active_tenants,
                (select count(*) from operator where is_active) as operators,
                (select count(*) from session where expires_at > ?1) as sessions,
                (select count(*) from client) as clients,
                (select count(*) from ticket where deleted_at is null) as tickets,
                (select count(*) from ticket where is_open = 1 and deleted_at is null) as open_tickets,
                (select count(*) from ticket where created_at >= ?2 and deleted_at is null) as tickets_30_days,
                (select count(*) from message) as messages,
                (select coalesce(sum(stored_bytes), 0) from tenant) as storage_bytes,
                (select page_count * page_size from pragma_page_count(), pragma_page_size()) as database_bytes,
                (select count(*) from outbox where state = 'queued') as outbox_queued,
                (select count(*) from outbox where state = 'failed' and finished_at >= ?3) as outbox_failed,
                (select count(*) from inbound_event where state = 'received') as inbound_waiting,
                (select count(*) from inbound_event where state = 'failed' and received_at >= ?3) as inbound_failed,
                (select count(*) from error_log where at >= ?4) as errors",
        (now, now - 30 * DAY, now - 7 * DAY, now - DAY),
        |row| {
            Ok(PlatformStats {
                version: env!("CARGO_PKG_VERSION"),
                by_plan: by_plan.into(),
                tenants: row.get("tenants")?,
                active_tenants: row.get("active_tenants")?,
                operators: row.get("operators")?,
                sessions: row.get("sessions")?,
                clients: row.get("clients")?,
                tickets: row.get("tickets")?,
                open_tickets: row.get("open_tickets")?,
                tickets_30_days: row.get("tickets_30_days")?,
                messages: row.get("messages")?,
                storage_bytes: row.get("storage_bytes")?,
                database_bytes: row.get("database_bytes")?,
                outbox_queued: row.get("outbox_queued")?,
                outbox_failed_7_days: row.get("outbox_failed")?,
                inbound_waiting: row.get("inbound_waiting")?,
                inbound_failed_7_days: row.get("inbound_failed")?,
                errors_24_hours: row.get("errors")?,
            })
        },
    )
}

/// One time that a tenant tried the program with demo data.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DemoRun {
    /// The entry.
    id: i64,
    /// The tenant.
    tenant_id: TenantId,
    /// What it is called.
    tenant_name: String,
    /// Its plan.
    plan: Plan,
    /// Since when.
    enabled_at: At,
    /// Who added the demo data.
    enabled_by: String,
    /// Until when, if it is over.
    disabled_at: Option<At>,
    /// Changes that its people made meanwhile.
    actions: i64,
    /// Tickets of its own that the tenant has.
    own_tickets: i64,
}

/// Who tries the program, and who went on.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DemoAnalytics {
    /// Tenants that have demo data now.
    enabled_now: i64,
    /// Tenants that have or had some.
    ever_enabled: i64,
    /// Those of them that have no demo data any more and tickets of their own.
    went_on: i64,
    /// Each time, the latest first, 100 at most.
    runs: Vec<DemoRun>,
}

pub(crate) fn demos(conn: &Connection) -> Result<DemoAnalytics> {
    let runs = all(
        conn,
        "select r.id, r.tenant_id, t.name, t.plan, r.enabled_at, r.enabled_by_name, r.disabled_at,
                (select count(*) from audit_log a
                  where a.tenant_id = r.tenant_id and a.at >= r.enabled_at
                    and (r.disabled_at is null or a.at <= r.disabled_at)),
                (select count(*) from ticket k where k.tenant_id = r.tenant_id and not k.is_demo)
           from demo_run r
           join tenant t on t.id = r.tenant_id
          order by r.id desc
          limit 100",
        [],
        |row| {
            Ok(DemoRun {
                id: row.get(0)?,
                tenant_id: row.get(1)?,
                tenant_name: row.get(2)?,
                plan: row.get(3)?,
                enabled_at: row.get(4)?,
                enabled_by: row.get(5)?,
                disabled_at: row.get(6)?,
                actions: row.get(7)?,
                own_tickets: row.get(8)?,
            })
        },
    )?;
    one(
        conn,
        "select (select count(*) from demo_run where disabled_at is null),
                (select count(distinct tenant_id) from demo_run),
                (select count(distinct tenant_id) from demo_run r
                  where not exists (select 1 from demo_run n where n.tenant_id = r.tenant_id and n.disabled_at is null)
                    and exists (select 1 from ticket k where k.tenant_id = r.tenant_id and not k.is_demo))",
        [],
        |row| {
            Ok(DemoAnalytics {
                enabled_now: row.get(0)?,
                ever_enabled: row.get(1)?,
                went_on: row.get(2)?,
                runs,
            })
        },
    )
}
