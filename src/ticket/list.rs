//! Lists of tickets: pages of rows and exact totals.
mod far;

use super::{
    find,
    model::{LastMessage, TagView, TicketRow},
    status::Status,
};
use crate::{
    api::field::{At, OperatorId, TenantId, TicketId},
    clock::Millis,
    db::sql::{Page, Where, all, first, one},
    error::Result,
};
use rusqlite::{Connection, Row};
use std::collections::HashMap;

pub(crate) use super::filter::{Charge, Filter, Sight, Sort, Stage};

/// The columns of a [`TicketRow`], read by [`row`]. `?1` of the reader is the time it is read at.
pub(super) const COLUMNS: &str = "t.id, t.subject, t.status, t.priority, t.category, c.portal_domain, c.company_name,
       t.assigned_to, o.name, t.created_at, t.updated_at, t.creator_name, t.message_count, t.unread_count,
       t.channel, t.sla_response_at, coalesce(t.due_at, t.sla_resolution_at), t.sla_response_breached,
       t.sla_resolution_breached, t.first_response_at, t.snoozed_until,
       m.body, m.author_type, m.author_name, m.created_at, m.is_note";

pub(super) const TABLES: &str = "ticket t
  left join client c on c.tenant_id = t.tenant_id and c.id = t.client_id
  left join operator o on o.tenant_id = t.tenant_id and o.id = t.assigned_to
  left join message m on m.tenant_id = t.tenant_id and m.id = t.last_message_id";

/// The same of tickets whose places are known.
const TABLES_OF_PLACES: &str = "ticket t on t.rowid = p.place
  left join client c on c.tenant_id = t.tenant_id and c.id = t.client_id
  left join operator o on o.tenant_id = t.tenant_id and o.id = t.assigned_to
  left join message m on m.tenant_id = t.tenant_id and m.id = t.last_message_id";

/// The first letters of a message, as lists show them. No more of it is looked at.
fn beginning(text: &[u8]) -> &str {
    const LETTERS: usize = 140;
    // Every letter has one byte that is no continuation of it.
    let mut begun = text
        .iter()
        .enumerate()
        .filter(|(_, byte)| !matches!(byte, 0x80..=0xBF));
    let end = begun.nth(LETTERS).map_or(text.len(), |(place, _)| place);
    let text = &text[..end];
    let whole = str::from_utf8(text).or_else(|e| str::from_utf8(&text[..e.valid_up_to()]));
    whole.unwrap_or_default()
}

pub(super) fn row(row: &Row<'_>, now: Millis) -> rusqlite::Result<TicketRow> {
    let status: Status = row.get(2)?;
    let runs = status.clock_runs();
    let response: Option<At> = row.get(15)?;
    let resolution: Option<At> = row.get(16)?;
    let answered: Option<At> = row.get(19)?;
    let late = |due: Option<At>| runs && due.is_some_and(|at| at.0 < now);
    let last: Option<At> = row.get(24)?;
    Ok(TicketRow {
        id: row.get(0)?,
        subject: row.get(1)?,
        status,
        priority: row.get(3)?,
        category: row.get(4)?,
        portal_domain: row.get(5)?,
        company_name: row.get(6)?,
        assigned_to: row.get(7)?,
        assigned_name: row.get(8)?,
        created_at: row.get(9)?,
        updated_at: row.get(10)?,
        creator_name: row.get(11)?,
        message_count: row.get(12)?,
        unread_count: row.get(13)?,
        channel: row.get(14)?,
        tags: Vec::new(),
        sla_response_at: response,
        sla_resolution_at: resolution,
        sla_response_breached: row.get(17)? || (answered.is_none() && late(response)),
        sla_resolution_breached: row.get(18)? || late(resolution),
        sla_paused: status.is_open() && !runs,
        first_response_at: answered,
        snoozed_until: row.get(20)?,
        last_message: match last {
            Some(created_at) => Some(LastMessage {
                preview: beginning(row.get_ref(21)?.as_bytes()?).to_owned(),
                author_type: row.get(22)?,
                author_name: row.get(23)?,
                created_at,
                is_note: row.get(25)?,
            }),
            None => None,
        },
    })
}

/// How many tickets a filter finds.
pub(crate) fn count(conn: &Connection, tenant: TenantId, filter: &Filter) -> Result<i64> {
    match filter.conditions(tenant) {
        None => Ok(0),
        Some((conditions, None)) => filter.total(conn, tenant, &conditions),
        Some((conditions, Some(words))) => {
            let none = Page { page: 1, limit: 0 };
            find::page(conn, tenant, &words, (filter, &conditions), none).map(|(_, total)| total)
        }
    }
}

/// A page of tickets and how many there are in all.
pub(crate) fn page(
    conn: &Connection,
    tenant: TenantId,
    filter: &Filter,
    page: Page,
    now: Millis,
) -> Result<(Vec<TicketRow>, i64)> {
    let (mut rows, total) = match filter.conditions(tenant) {
        None => return Ok((Vec::new(), 0)),
        Some((conditions, None)) => {
            let total = filter.total(conn, tenant, &conditions)?;
            let rows = in_order(conn, tenant, (filter, &conditions), (page, total), now)?;
            (rows, total)
        }
        Some((conditions, Some(words))) => {
            let (places, total) = find::page(conn, tenant, &words, (filter, &conditions), page)?;
            (at_places(conn, &places, now)?, total)
        }
    };
    let mut tags = tags_of(conn, tenant, &rows.iter().map(|r| r.id).collect::<Vec<_>>())?;
    for row in &mut rows {
        row.tags = tags.remove(&row.id).unwrap_or_default();
    }
    Ok((rows, total))
}

/// The rows of a page. Its place is found in an index alone, from whichever end is nearer; only its own rows are fetched.
fn in_order(
    conn: &Connection,
    tenant: TenantId,
    (filter, conditions): (&Filter, &Where),
    (page, total): (Page, i64),
    now: Millis,
) -> Result<Vec<TicketRow>> {
    let rest = total.saturating_sub(page.offset()).clamp(0, page.limit);
    if rest == 0 {
        return Ok(Vec::new());
    }
    let text = conditions.text();
    let is_far = page.offset() > total / 2;
    let mut offset = if is_far {
        total - page.offset() - rest
    } else {
        page.offset()
    };
    let mut values = conditions.bind([]);
    let places = match filter.merged() {
        Some(merged) => {
            values.extend(conditions.bind([]));
            let (columns, inner) = (
                merged.columns,
                if is_far {
                    merged.backwards
                } else {
                    merged.order
                },
            );
            format!(
                "select t.rowid as place, {columns} from ticket t where {text} and t.is_open = 1
                  union all
                 select t.rowid, {columns} from ticket t where {text} and t.is_open = 0
                  order by {inner}"
            )
        }
        None => {
            let inner = if is_far {
                filter.order_backwards()
            } else {
                filter.order()
            };
            let descends = filter.ascending == is_far;
            match far::start(conn, tenant, filter, offset, descends)? {
                Some(start) => {
                    values.push(start.bound.into());
                    offset = start.offset;
                    let after = start.condition;
                    format!(
                        "select t.rowid as place from ticket t where {text} and {after} order by {inner}"
                    )
                }
                None => {
                    format!("select t.rowid as place from ticket t where {text} order by {inner}")
                }
            }
        }
    };
    values.extend([rest.into(), offset.into()]);
    // The joins are crossed, so the rows come in the order of their places; sorting them once more would copy each.
    let mut rows = all(
        conn,
        &format!(
            "select {COLUMNS} from ({places} limit ? offset ?) p cross join {TABLES_OF_PLACES}"
        ),
        rusqlite::params_from_iter(values),
        |r| row(r, now),
    )?;
    if is_far {
        rows.reverse();
    }
    Ok(rows)
}

/// The rows that lie at these places of the table, in this order.
fn at_places(conn: &Connection, places: &[i64], now: Millis) -> Result<Vec<TicketRow>> {
    all(
        conn,
        &format!(
            "select {COLUMNS} from (select value as place from json_each(?)) p cross join {TABLES_OF_PLACES}"
        ),
        [serde_json::to_string(places)?],
        |r| row(r, now),
    )
}

/// One ticket as lists show it, or `None` if `sight` does not reach it.
pub(crate) fn one_row(
    conn: &Connection,
    tenant: TenantId,
    sight: Sight,
    id: TicketId,
    now: Millis,
) -> Result<Option<TicketRow>> {
    let Some((mut conditions, _)) = Filter::all(sight).conditions(tenant) else {
        return Ok(None);
    };
    conditions.and("t.id = ?", [id.into()]);
    let text = conditions.text();
    let found = first(
        conn,
        &format!("select {COLUMNS} from {TABLES} where {text}"),
        rusqlite::params_from_iter(conditions.bind([])),
        |r| row(r, now),
    )?;
    let Some(mut row) = found else {
        return Ok(None);
    };
    row.tags = tags_of(conn, tenant, &[id])?
        .remove(&id)
        .unwrap_or_default();
    Ok(Some(row))
}

/// The tags of several tickets in one query. The joins are crossed, which in SQLite fixes their order: it would otherwise
/// go through the tags first and through the list once for each.
fn tags_of(
    conn: &Connection,
    tenant: TenantId,
    ids: &[TicketId],
) -> Result<HashMap<TicketId, Vec<TagView>>> {
    let ids = serde_json::to_string(ids)?;
    let rows: Vec<(TicketId, TagView)> = all(
        conn,
        "select x.ticket_id, g.id, g.name, g.color
           from json_each(?2) i
           cross join ticket_tag x on x.tenant_id = ?1 and x.ticket_id = i.value
           cross join tag g on g.tenant_id = x.tenant_id and g.id = x.tag_id
          order by g.name",
        (tenant, ids),
        |row| {
            let tag = TagView {
                id: row.get(1)?,
                name: row.get(2)?,
                color: row.get(3)?,
            };
            Ok((row.get(0)?, tag))
        },
    )?;
    let mut map = HashMap::<TicketId, Vec<TagView>>::new();
    for (ticket, tag) in rows {
        map.entry(ticket).or_default().push(tag);
    }
    Ok(map)
}

/// How many of the desk's answers in each of these tickets its client has not read.
pub(crate) fn unread_by_client(
    conn: &Connection,
    tenant: TenantId,
    ids: &[TicketId],
) -> Result<HashMap<TicketId, i64>> {
    let rows = all(
        conn,
        "select m.ticket_id, count(*)
           from json_each(?2) i
           cross join message m on m.tenant_id = ?1 and m.ticket_id = i.value
          where m.author_type = 'support' and not m.is_note and m.held_until is null and m.deleted_at is null
            and m.read_at is null
          group by m.ticket_id",
        (tenant, serde_json::to_string(ids)?),
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    Ok(rows.into_iter().collect())
}

/// What the counters do not hold: tickets that are put aside, followed or in the bin, of which there are few.
#[derive(Debug)]
pub(crate) struct Aside {
    pub(crate) snoozed: i64,
    pub(crate) snoozed_mine: i64,
    pub(crate) snoozed_unassigned: i64,
    pub(crate) following: i64,
    pub(crate) deleted: i64,
}

/// Counts what is put aside, followed by `operator` and in the bin.
pub(crate) fn aside(conn: &Connection, tenant: TenantId, operator: OperatorId) -> Result<Aside> {
    one(
        conn,
        "select count(*), coalesce(sum(assigned_to = ?2), 0), coalesce(sum(assigned_to is null), 0),
                (select count(*)
                   from follower f
                   join ticket t on t.tenant_id = f.tenant_id and t.id = f.ticket_id and t.is_open and t.deleted_at is null
                  where f.tenant_id = ?1 and f.operator_id = ?2),
                (select count(*) from ticket where tenant_id = ?1 and deleted_at is not null)
           from ticket
          where tenant_id = ?1 and is_open and snoozed_until is not null and deleted_at is null",
        (tenant, operator),
        |row| {
            Ok(Aside {
                snoozed: row.get(0)?,
                snoozed_mine: row.get(1)?,
                snoozed_unassigned: row.get(2)?,
                following: row.get(3)?,
                deleted: row.get(4)?,
            })
        },
    )
}

#[cfg(test)]
pub(crate) mod tests;
