//! Clients (the companies that are supported), their hours, and the tokens by which their people enter.
use crate::{
    access::client_token::ClientToken,
    api::field::{ClientId, OperatorId, TenantId},
    app::App,
    clock::Millis,
    db::sql::{Page, all, first, one, run, taken},
    error::{Code, Error, Result},
    lang::Lang,
    tenant::{self, limits, plan::Limits},
    ticket::search::fold,
};
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::Serialize;

/// How many tickets a client has.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct TicketStats {
    /// Open now.
    pub(crate) open: i64,
    /// Done this month.
    pub(crate) done_month: i64,
    /// All.
    pub(crate) total: i64,
}

/// A client.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct ClientView {
    /// Its portal.
    pub(crate) portal_domain: String,
    /// The company.
    pub(crate) company_name: String,
    /// The code of its tariff.
    pub(crate) tariff_plan: String,
    /// The hours its plan includes each month.
    pub(crate) hours_per_month: f64,
    /// The hours used this month.
    pub(crate) hours_used: f64,
    /// Its tickets.
    pub(crate) ticket_stats: TicketStats,
    /// The client's id.
    pub(crate) id: ClientId,
    /// The operator who looks after it.
    pub(crate) responsible_id: Option<OperatorId>,
    /// The language its people are written to in.
    pub(crate) locale: Option<Lang>,
    /// What the desk notes about it.
    pub(crate) notes: String,
    /// Whether its people may use the portal.
    pub(crate) is_active: bool,
    /// Whether all its people see all its tickets.
    pub(crate) shared_tickets: bool,
    /// What an hour beyond the plan costs.
    pub(crate) hourly_rate: Option<f64>,
    /// The currency of the rate.
    pub(crate) currency: String,
    /// Whether its hours are its own and not its tariff's.
    pub(crate) own_hours: bool,
    /// Whether its rate is its own and not its tariff's.
    pub(crate) own_rate: bool,
}

/// A part of a list as SQL counts it; without one, all of it.
fn window(part: Option<Page>) -> (i64, i64) {
    part.map_or((-1, 0), |page| (page.limit, page.offset()))
}

/// The clients of a tenant, or the one of `domain`, by company name.
pub(crate) fn list(
    conn: &Connection,
    tenant: TenantId,
    domain: Option<&str>,
    search: &str,
    part: Option<Page>,
    now: Millis,
) -> Result<Vec<ClientView>> {
    let month = tenant::by_id(conn, tenant)?.month_start(now);
    let pattern = format!("%{}%", fold(search).replace(['%', '_', '\\'], " "));
    let (limit, offset) = window(part);
    all(
        conn,
        "with stats as (
           select client_id, sum(is_open) as open, sum(done_at >= ?2) as done_month, count(*) as total
             from ticket
            where tenant_id = ?1 and client_id is not null and deleted_at is null
            group by client_id
         ), used as (
           select client_id, sum(minutes) / 60.0 as hours
             from time_entry
            where tenant_id = ?1 and client_id is not null and billable and spent_at >= ?2
            group by client_id
         )
         select c.portal_domain, c.company_name, c.tariff_plan, coalesce(c.hours_per_month, p.hours_per_month, 0),
                coalesce(u.hours, 0),
                coalesce(s.open, 0), coalesce(s.done_month, 0), coalesce(s.total, 0), c.id, c.responsible_id, c.locale,
                c.notes, c.is_active, c.shared_tickets, coalesce(c.hourly_rate, p.hourly_rate) / 100.0,
                coalesce(p.currency, 'KZT'), c.hours_per_month is not null, c.hourly_rate is not null
           from client c
           left join tariff p on p.tenant_id = c.tenant_id and p.code = c.tariff_plan
           left join stats s on s.client_id = c.id
           left join used u on u.client_id = c.id
          where c.tenant_id = ?1
            and (?3 is null or c.portal_domain = ?3)
            and (?4 = '%%' or fold(c.company_name) like ?4 or fold(c.portal_domain) like ?4)
          order by c.company_name, c.id
          limit ?5 offset ?6",
        (tenant, month, domain, pattern, limit, offset),
        |row| {
            Ok(ClientView {
                portal_domain: row.get(0)?,
                company_name: row.get(1)?,
                tariff_plan: row.get(2)?,
                hours_per_month: row.get(3)?,
                hours_used: row.get(4)?,
                ticket_stats: TicketStats {
                    open: row.get(5)?,
                    done_month: row.get(6)?,
                    total: row.get(7)?,
                },
                id: row.get(8)?,
                responsible_id: row.get(9)?,
                locale: row.get(10)?,
                notes: row.get(11)?,
                is_active: row.get(12)?,
                shared_tickets: row.get(13)?,
                hourly_rate: row.get(14)?,
                currency: row.get(15)?,
                own_hours: row.get(16)?,
                own_rate: row.get(17)?,
            })
        },
    )
}

pub(crate) fn by_domain(conn: &Connection, tenant: TenantId, domain: &str) -> Result<ClientId> {
    first(
        conn,
        "select id from client where tenant_id = ?1 and portal_domain = ?2",
        (tenant, domain),
        |row| row.get(0),
    )?
    .ok_or_else(|| Error::new(Code::ClientNotFound).on("portal_domain"))
}

/// One client as lists show it.
pub(crate) fn view(
    conn: &Connection,
    tenant: TenantId,
    domain: &str,
    now: Millis,
) -> Result<ClientView> {
    list(conn, tenant, Some(domain), "", None, now)?
        .pop()
        .ok_or_else(|| Error::new(Code::ClientNotFound).on("portal_domain"))
}

/// The billable hours booked on a client since `since`.
pub(crate) fn hours_used(
    conn: &Connection,
    tenant: TenantId,
    client: ClientId,
    since: Millis,
) -> Result<f64> {
    one(
        conn,
        "select coalesce(sum(minutes), 0) / 60.0 from time_entry
          where tenant_id = ?1 and client_id = ?2 and billable and spent_at >= ?3",
        (tenant, client, since),
        |row| row.get(0),
    )
}

/// Makes a client. The plan's number of clients is counted in the same transaction.
pub(crate) fn create(
    conn: &Connection,
    tenant: TenantId,
    domain: &str,
    company: &str,
    now: Millis,
) -> Result<ClientId> {
    let have = one(
        conn,
        "select count(*) from client where tenant_id = ?1 and not is_demo",
        [tenant],
        |row| row.get(0),
    )?;
    Limits::room_for_one("clients", limits::of(conn, tenant)?.clients, have)?;
    let shared = tenant::by_id(conn, tenant)?.settings.shared_tickets;
    run(
        conn,
        "insert into client (tenant_id, portal_domain, company_name, created_at, shared_tickets) values (?1, ?2, ?3, ?4, ?5)",
        (tenant, domain, company, now, shared),
    )
    .map_err(|e| taken(e, "client.portal_domain", "portal_domain"))?;
    Ok(ClientId(conn.last_insert_rowid()))
}

/// A token for a user of a client's portal.
pub(crate) fn token(
    conn: &Connection,
    app: &App,
    tenant: TenantId,
    domain: &str,
    user: (i64, String),
    ttl: i64,
    now: Millis,
) -> Result<String> {
    let generation = first(
        conn,
        "select token_generation from client where tenant_id = ?1 and portal_domain = ?2 and is_active",
        (tenant, domain),
        |row| row.get(0),
    )?
    .ok_or_else(|| Error::new(Code::ClientNotFound).on("portal_domain"))?;
    ClientToken::new(tenant, domain.to_owned(), user, generation, now, ttl)?.write(&app.secret)
}

/// Ends the tokens that were made so far: of one user of a portal, or of everybody there.
pub(crate) fn end_tokens(
    conn: &Connection,
    tenant: TenantId,
    domain: &str,
    user: Option<i64>,
    now: Millis,
) -> Result<()> {
    let client = by_domain(conn, tenant, domain)?;
    match user {
        None => run(
            conn,
            "update client set token_generation = token_generation + 1 where tenant_id = ?1 and id = ?2",
            (tenant, client),
        )?,
        Some(user) => run(
            conn,
            "insert into ended_token (tenant_id, client_id, user_id, ended_at) values (?1, ?2, ?3, ?4)
             on conflict do update set ended_at = excluded.ended_at",
            (tenant, client, user, now),
        )?,
    };
    Ok(())
}
