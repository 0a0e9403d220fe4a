//! What the database says about itself: its pages, its references, its counters, its index, its queues.
use super::{Area, Report};
use crate::{
    access::secret::{Purpose, Secret},
    audit::chain::Walk,
    clock::{DAY, Millis, wire},
    db::sql::{all, one},
    error::Result,
    knowledge, tenant,
    ticket::search::span_of,
};
use rusqlite::Connection;
use std::path::Path;

/// How long something may wait after its time before it is stuck.
const STUCK: Millis = 2 * DAY;

pub(super) fn integrity(conn: &Connection, report: &mut Report) -> Result<()> {
    let mut statement = conn.prepare("select integrity_check from pragma_integrity_check")?;
    let words = statement.query_map([], |row| row.get::<_, String>(0))?;
    for word in words {
        let word = word?;
        if word != "ok" {
            report.find(Area::Database, word);
        }
    }
    Ok(())
}

pub(super) fn figures(conn: &Connection, report: &mut Report) -> Result<()> {
    let figures = &mut report.figures;
    [
        figures.tenants,
        figures.tickets,
        figures.messages,
        figures.files,
        figures.waiting,
    ] = one(
        conn,
        "select (select count(*) from tenant),
                (select count(*) from ticket),
                (select count(*) from message),
                (select count(*) from file),
                (select count(*) from outbox where state = 'queued')",
        [],
        |row| {
            Ok([
                row.get(0)?,
                row.get(1)?,
                row.get(2)?,
                row.get(3)?,
                row.get(4)?,
            ])
        },
    )?;
    Ok(())
}

pub(super) fn references(conn: &Connection, report: &mut Report) -> Result<()> {
    let broken: Vec<(String, String, i64)> = all(
        conn,
        r#"select "table", parent, count(*) from pragma_foreign_key_check group by 1, 2"#,
        [],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    for (table, parent, rows) in broken {
        report.find(
            Area::References,
            format!("{rows} rows of {table} name a {parent} that is not there"),
        );
    }
    Ok(())
}

/// Compares what is kept on a ticket's row with what its messages add up to.
pub(super) fn counters(conn: &Connection, report: &mut Report) -> Result<()> {
    let wrong: Vec<String> = all(
        conn,
        "with counted as (
           select tenant_id, ticket_id,
                  sum(not is_note) as messages,
                  sum(author_type = 'client' and not is_note and read_at is null) as unread,
                  max(ordinal) as ordinal
             from message
            where deleted_at is null
            group by tenant_id, ticket_id
         )
         select format('ticket %d of tenant %d: message_count %d is %d, unread_count %d is %d, last_message_id %d is %d',
                       t.id, t.tenant_id, t.message_count, coalesce(c.messages, 0), t.unread_count, coalesce(c.unread, 0),
                       coalesce(t.last_message_id, 0), coalesce(l.id, 0))
           from ticket t
           left join counted c on c.tenant_id = t.tenant_id and c.ticket_id = t.id
           left join message l on l.tenant_id = t.tenant_id and l.ticket_id = t.id and l.ordinal = c.ordinal
          where t.message_count <> coalesce(c.messages, 0)
             or t.unread_count <> coalesce(c.unread, 0)
             or t.last_message_id is not l.id
          order by t.tenant_id, t.id",
        [],
        |row| row.get(0),
    )?;
    for what in wrong {
        report.find(Area::Counters, what);
    }
    Ok(())
}

/// Follows the chains of the audit log.
pub(super) fn audit(conn: &Connection, dir: &Path, report: &mut Report) -> Result<()> {
    let walk = Walk::new(Secret::of(dir)?.key(Purpose::Audit)).onward(conn, i64::MAX)?;
    for what in walk.findings().unwrap_or_default() {
        report.find(Area::Audit, what);
    }
    Ok(())
}

/// The search index must have one document for each message that can be found, and no other.
pub(super) fn search(conn: &Connection, report: &mut Report) -> Result<()> {
    for tenant in tenant::all(conn)? {
        let (low, high) = span_of(tenant.id);
        let [messages, indexed, documents]: [i64; 3] = one(
            conn,
            "with wanted as (
               select ?2 + (ticket_id << 20) + ordinal as key
                 from message
                where tenant_id = ?1 and deleted_at is null
             )
             select (select count(*) from wanted),
                    (select count(*) from wanted w where exists (select 1 from search s where s.rowid = w.key)),
                    (select count(*) from search where rowid between ?2 and ?3)",
            (tenant.id, low, high),
            |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]),
        )?;
        if indexed < messages {
            let lost = messages - indexed;
            report.find(
                Area::Search,
                format!("tenant {}: {lost} messages cannot be found", tenant.id),
            );
        }
        if documents > indexed {
            let left = documents - indexed;
            report.find(
                Area::Search,
                format!(
                    "tenant {}: {left} documents belong to no message",
                    tenant.id
                ),
            );
        }
        let (low, high) = knowledge::search::span_of(tenant.id);
        let [lost, left]: [i64; 2] = one(
            conn,
            "select (select count(*) from kb_article a
                      where tenant_id = ?1 and not exists (select 1 from kb_search s where s.rowid = ?2 + a.id)),
                    (select count(*) from kb_search s
                      where s.rowid between ?2 and ?3
                        and not exists (select 1 from kb_article a where a.tenant_id = ?1 and a.id = s.rowid - ?2))",
            (tenant.id, low, high),
            |row| Ok([row.get(0)?, row.get(1)?]),
        )?;
        if lost + left > 0 {
            report.find(
                Area::Search,
                format!(
                    "tenant {}: {lost} articles cannot be found, {left} documents belong to no article",
                    tenant.id
                ),
            );
        }
    }
    Ok(())
}

/// What should have been sent or read long ago.
pub(super) fn queues(conn: &Connection, now: Millis, report: &mut Report) -> Result<()> {
    // What waits in a channel that is switched off, or for a ticket in the bin, waits rightly.
    let unsent: Vec<(String, i64, Millis)> = all(
        conn,
        "select c.name, count(*), min(o.next_at)
           from outbox o
           join channel c on c.tenant_id = o.tenant_id and c.id = o.channel_id and c.is_active
           left join ticket t on t.tenant_id = o.tenant_id and t.id = o.ticket_id
          where o.state = 'queued' and o.next_at < ?1 and t.deleted_at is null
          group by c.id
          order by c.id",
        [now - STUCK],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    for (channel, rows, since) in unsent {
        let since = wire(since);
        report.find(
            Area::Queues,
            format!("channel \"{channel}\": {rows} messages wait to be sent since {since}"),
        );
    }
    let unread: Vec<(String, i64, i64, Option<String>)> = all(
        conn,
        "select c.name, sum(e.state = 'failed'), sum(e.state = 'received'), max(e.detail)
           from inbound_event e
           join channel c on c.tenant_id = e.tenant_id and c.id = e.channel_id
          where e.state = 'failed' or (e.state = 'received' and e.received_at < ?1)
          group by c.id
          order by c.id",
        [now - STUCK],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
    )?;
    for (channel, failed, received, detail) in unread {
        if failed > 0 {
            let why = detail
                .map(|detail| format!(" ({detail})"))
                .unwrap_or_default();
            report.find(
                Area::Queues,
                format!("channel \"{channel}\": {failed} received messages could not be read{why}"),
            );
        }
        if received > 0 {
            report.find(
                Area::Queues,
                format!(
                    "channel \"{channel}\": {received} received messages have waited for two days"
                ),
            );
        }
    }
    Ok(())
}
