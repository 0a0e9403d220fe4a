//! Demo data in a tenant of somebody's own: the same script, played among their own settings, every row of it marked, and
//! removed again without touching anything of theirs.
//!
//! The people of the demo's desk are made for the play and then retired: nobody can sign in as one of them or give them a
//! ticket. What leaves the desk by a channel is taken back before it is committed, so nobody outside hears of the demo.
use super::{
    cast::Cast,
    play::{SET_UP, perform},
};
use crate::{
    access::Operator,
    api::field::{At, TenantId},
    db::{
        Tx,
        sql::{first, one, run},
    },
    error::{Code, Error, Result},
    ticket::search,
};
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::Serialize;

/// How a tenant stands with demo data.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DemoStatus {
    /// The tenant.
    id: TenantId,
    /// Whether there is demo data in the tenant.
    is_enabled: bool,
    /// Whether it may be added: the tenant has no tickets, clients or contacts of its own.
    can_enable: bool,
    /// When it was added.
    enabled_at: Option<At>,
    /// Who added it.
    enabled_by: Option<String>,
    /// Tickets of the demo.
    demo_tickets: i64,
    /// Clients of the demo.
    demo_clients: i64,
    /// Tickets of the tenant's own.
    own_tickets: i64,
    /// Clients of the tenant's own.
    own_clients: i64,
}

pub(crate) fn status(conn: &Connection, tenant: TenantId) -> Result<DemoStatus> {
    let (demo_tickets, own_tickets, demo_clients, own_clients, own_contacts): (
        i64,
        i64,
        i64,
        i64,
        i64,
    ) = one(
        conn,
        "select (select count(*) from ticket where tenant_id = ?1 and is_demo),
                (select count(*) from ticket where tenant_id = ?1 and not is_demo),
                (select count(*) from client where tenant_id = ?1 and is_demo),
                (select count(*) from client where tenant_id = ?1 and not is_demo),
                (select count(*) from contact where tenant_id = ?1 and not is_demo)",
        [tenant],
        |row| {
            Ok((
                row.get(0)?,
                row.get(1)?,
                row.get(2)?,
                row.get(3)?,
                row.get(4)?,
            ))
        },
    )?;
    let run: Option<(At, String)> = first(
        conn,
        "select enabled_at, enabled_by_name from demo_run where tenant_id = ?1 and disabled_at is null",
        [tenant],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let is_enabled = run.is_some();
    let (enabled_at, enabled_by) = run.unzip();
    Ok(DemoStatus {
        id: tenant,
        is_enabled,
        can_enable: !is_enabled && own_tickets + own_clients + own_contacts == 0,
        enabled_at,
        enabled_by,
        demo_tickets,
        demo_clients,
        own_tickets,
        own_clients,
    })
}

/// The tables whose rows the demo brings by itself; what hangs on a ticket goes with it.
const MARKED: [&str; 6] = [
    "ticket",
    "contact",
    "client",
    "operator",
    "tag",
    "quick_reply",
];

/// Fills an empty tenant with demo data. One that has it already stays as it is.
pub(crate) fn enable(tx: &Tx<'_>, by: &Operator) -> Result<DemoStatus> {
    let standing = status(tx, by.tenant)?;
    if standing.is_enabled {
        return Ok(standing);
    }
    if !standing.can_enable {
        return Err(Error::new(Code::TenantNotEmpty));
    }
    let mut own = Vec::with_capacity(MARKED.len());
    for table in MARKED {
        let last: i64 = one(
            tx,
            &format!("select coalesce(max(id), 0) from {table} where tenant_id = ?1"),
            [by.tenant],
            |row| row.get(0),
        )?;
        own.push((table, last));
    }
    let limits: String = one(
        tx,
        "select limits from tenant where id = ?1",
        [by.tenant],
        |row| row.get(0),
    )?;
    // The demo is not held to the plan, and counts for nothing against it afterwards.
    set_limits(
        tx,
        by.tenant,
        r#"{"tickets_per_month":"unlimited","clients":"unlimited","operators":"unlimited","supervisors":"unlimited"}"#,
    )?;
    let cast = Cast::visit(&tx.at(tx.now - SET_UP), by.tenant)?;
    perform(tx, &cast)?;
    set_limits(tx, by.tenant, &limits)?;
    for (table, last) in own {
        run(
            tx,
            &format!("update {table} set is_demo = 1 where tenant_id = ?1 and id > ?2"),
            (by.tenant, last),
        )?;
    }
    run(
        tx,
        "update operator set is_active = 0 where tenant_id = ?1 and is_demo",
        [by.tenant],
    )?;
    run(
        tx,
        "delete from outbox where tenant_id = ?1 and ticket_id in (select id from ticket where tenant_id = ?1 and is_demo)",
        [by.tenant],
    )?;
    run(
        tx,
        "update message set delivery_status = 'sent' where tenant_id = ?1 and delivery_status = 'pending'",
        [by.tenant],
    )?;
    run(
        tx,
        "insert into demo_run (tenant_id, enabled_at, enabled_by, enabled_by_name) values (?1, ?2, ?3, ?4)",
        (by.tenant, tx.now, by.id, &by.name),
    )?;
    status(tx, by.tenant)
}

fn set_limits(tx: &Tx<'_>, tenant: TenantId, limits: &str) -> Result<()> {
    run(
        tx,
        "update tenant set limits = ?2 where id = ?1",
        (tenant, limits),
    )?;
    Ok(())
}

/// Removes the demo data of a tenant and nothing else. What the tenant's own tickets have come to use of it stays and is
/// theirs from then on.
pub(crate) fn disable(tx: &Tx<'_>, tenant: TenantId) -> Result<DemoStatus> {
    let key = search::key(tenant, crate::api::field::TicketId(0), 0);
    run(
        tx,
        "delete from search where rowid in
           (select ?2 | (m.ticket_id << 20) | m.ordinal
              from message m
              join ticket t on t.tenant_id = m.tenant_id and t.id = m.ticket_id and t.is_demo
             where m.tenant_id = ?1)",
        (tenant, key),
    )?;
    for reference in ["merged_into", "previous_ticket"] {
        run(
            tx,
            &format!(
                "update ticket set {reference} = null
                  where tenant_id = ?1 and {reference} in (select id from ticket where tenant_id = ?1 and is_demo)"
            ),
            [tenant],
        )?;
    }
    for statement in [
        "delete from ticket where tenant_id = ?1 and is_demo",
        "update tag set is_demo = 0
          where tenant_id = ?1 and is_demo and id in (select tag_id from ticket_tag where tenant_id = ?1)",
        "delete from tag where tenant_id = ?1 and is_demo",
        "delete from quick_reply where tenant_id = ?1 and is_demo",
        "update contact set is_demo = 0
          where tenant_id = ?1 and is_demo
            and id in (select contact_id from ticket where tenant_id = ?1 and contact_id is not null)",
        "delete from contact where tenant_id = ?1 and is_demo",
        "update client set is_demo = 0
          where tenant_id = ?1 and is_demo
            and (id in (select client_id from ticket where tenant_id = ?1 and client_id is not null)
                 or id in (select client_id from contact where tenant_id = ?1 and client_id is not null))",
        "delete from client where tenant_id = ?1 and is_demo",
        "delete from operator where tenant_id = ?1 and is_demo",
        // The bytes that only the demo's tickets named are cleared away by the hour.
        "update tenant
            set stored_bytes = (select coalesce(sum(size), 0)
                                  from (select max(size) as size from file where tenant_id = ?1 group by hash)),
                next_ticket = iif(exists (select 1 from ticket where tenant_id = ?1), next_ticket, 1)
          where id = ?1",
    ] {
        run(tx, statement, [tenant])?;
    }
    run(
        tx,
        "update demo_run set disabled_at = ?2 where tenant_id = ?1 and disabled_at is null",
        (tenant, tx.now),
    )?;
    status(tx, tenant)
}
