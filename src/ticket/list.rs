//! Lists of tickets: filters, order, pages and exact totals.
use super::{
    count::{self, Facet},
    model::{LastMessage, Origin, Priority, TagView, TicketRow},
    search::{self, Query},
    status::Status,
};
use crate::{
    api::field::{At, ClientId, ContactId, OperatorId, TenantId, TicketId},
    clock::Millis,
    db::sql::{Page, Where, all, first, one},
    error::Result,
};
use rusqlite::{Connection, Row, types::Value};
use std::collections::HashMap;

/// Which statuses a list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    All,
    /// Every status but done and closed.
    Active,
    One(Status),
}

/// In whose charge a listed ticket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Charge {
    Operator(OperatorId),
    Nobody,
}

/// What a list is ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    CreatedAt,
    UpdatedAt,
    Priority,
    /// The nearest time still to be kept; tickets without one come last.
    Sla,
}

/// Whose tickets a caller may see.
#[derive(Clone, Debug)]
pub(crate) enum Sight {
    /// Staff see everything of their tenant.
    Staff,
    /// All tickets of a client's portal.
    Portal(ClientId),
    /// Those of one user of the portal.
    User(ClientId, i64),
    /// Those of one of the desk's contacts at the client, by whatever way they came.
    Contact(ClientId, ContactId),
    /// Those made in one name-less session.
    Session(ClientId, String),
}

/// How a counter names what it counts.
#[derive(Clone, Copy, Debug)]
enum Counted<'a> {
    Word(&'a str),
    Id(i64),
    Portal(&'a str),
}

/// What is looked for.
#[derive(Debug)]
pub(crate) struct Filter {
    pub(crate) sight: Sight,
    pub(crate) stage: Stage,
    pub(crate) priority: Option<Priority>,
    pub(crate) category: Option<String>,
    pub(crate) search: Option<String>,
    pub(crate) portal_domain: Option<String>,
    pub(crate) charge: Option<Charge>,
    pub(crate) tag: Option<String>,
    pub(crate) channel: Option<Origin>,
    pub(crate) updated_since: Option<Millis>,
    pub(crate) contact: Option<ContactId>,
    /// Whether it is put aside.
    pub(crate) snoozed: Option<bool>,
    pub(crate) follower: Option<OperatorId>,
    /// Whether it has messages that no operator has read.
    pub(crate) unread: Option<bool>,
    pub(crate) sort: Sort,
    pub(crate) ascending: bool,
}

impl Filter {
    /// Everything that `sight` allows, the latest change first.
    pub(crate) fn all(sight: Sight) -> Filter {
        Filter {
            sight,
            stage: Stage::All,
            priority: None,
            category: None,
            search: None,
            portal_domain: None,
            charge: None,
            tag: None,
            channel: None,
            updated_since: None,
            contact: None,
            snoozed: None,
            follower: None,
            unread: None,
            sort: Sort::UpdatedAt,
            ascending: false,
        }
    }

    /// The conditions of the filter, or `None` if nothing can fulfil them.
    fn conditions(&self, tenant: TenantId) -> Option<Where> {
        let text = |s: &str| Value::Text(s.to_owned());
        let mut w = Where::new("t.tenant_id = ? and t.deleted_at is null", [tenant.into()]);
        match &self.sight {
            Sight::Staff => {}
            Sight::Portal(client) => w.and("t.client_id = ?", [(*client).into()]),
            Sight::User(client, user) => {
                w.and(
                    "t.client_id = ? and t.client_user_id = ?",
                    [(*client).into(), (*user).into()],
                );
            }
            Sight::Contact(client, contact) => w.and(
                "t.client_id = ? and t.contact_id = ?",
                [(*client).into(), (*contact).into()],
            ),
            Sight::Session(client, session) => w.and(
                "t.client_id = ? and t.client_user_id = 0 and t.client_session = ?",
                [(*client).into(), text(session)],
            ),
        }
        match self.stage {
            Stage::All => {}
            Stage::Active => w.and("t.is_open = 1", []),
            Stage::One(status) => w.and("t.status = ?", [text(status.as_str())]),
        }
        if let Some(priority) = self.priority {
            w.and("t.priority = ?", [text(priority.as_str())]);
        }
        if let Some(category) = &self.category {
            w.and("t.category = ?", [text(category)]);
        }
        if let Some(domain) = &self.portal_domain {
            w.and(
                "t.client_id = (select id from client where tenant_id = t.tenant_id and portal_domain = ?)",
                [text(domain)],
            );
        }
        match self.charge {
            None => {}
            Some(Charge::Operator(id)) => w.and("t.assigned_to = ?", [id.into()]),
            Some(Charge::Nobody) => w.and("t.assigned_to is null", []),
        }
        if let Some(tag) = &self.tag {
            w.and(
                "t.id in (select x.ticket_id from ticket_tag x
                           join tag g on g.tenant_id = x.tenant_id and g.id = x.tag_id
                          where x.tenant_id = t.tenant_id and g.name = ?)",
                [text(tag)],
            );
        }
        if let Some(channel) = self.channel {
            w.and("t.channel = ?", [text(channel.as_str())]);
        }
        if let Some(since) = self.updated_since {
            w.and("t.updated_at >= ?", [since.into()]);
        }
        if let Some(contact) = self.contact {
            w.and("t.contact_id = ?", [contact.into()]);
        }
        match self.snoozed {
            None => {}
            Some(true) => w.and("t.snoozed_until is not null", []),
            Some(false) => w.and("t.snoozed_until is null", []),
        }
        if let Some(operator) = self.follower {
            w.and(
                "t.id in (select ticket_id from follower where tenant_id = t.tenant_id and operator_id = ?)",
                [operator.into()],
            );
        }
        match self.unread {
            None => {}
            Some(true) => w.and("t.unread_count > 0", []),
            Some(false) => w.and("t.unread_count = 0", []),
        }
        if let Some(search) = &self.search {
            self.search(&mut w, tenant, search)?;
        }
        Some(w)
    }

    /// The row of counters that already holds the total: there is one if at most one thing besides the status narrows the
    /// list.
    fn counted(&self) -> Option<(Facet, Counted<'_>)> {
        // Named one by one, so that a new condition cannot be forgotten here.
        let Filter {
            sight,
            stage: _,
            priority,
            category,
            search,
            portal_domain,
            charge,
            tag,
            channel,
            updated_since,
            contact,
            snoozed,
            follower,
            unread,
            sort: _,
            ascending: _,
        } = self;
        if search.is_some()
            || tag.is_some()
            || updated_since.is_some()
            || contact.is_some()
            || snoozed.is_some()
            || follower.is_some()
            || unread.is_some()
        {
            return None;
        }
        let client = match sight {
            Sight::Staff => None,
            Sight::Portal(client) => Some((Facet::Client, Counted::Id(client.0))),
            Sight::User(..) | Sight::Contact(..) | Sight::Session(..) => return None,
        };
        let mut narrowed = [
            client,
            priority.map(|p| (Facet::Priority, Counted::Word(p.as_str()))),
            category
                .as_deref()
                .map(|c| (Facet::Category, Counted::Word(c))),
            portal_domain
                .as_deref()
                .map(|d| (Facet::Client, Counted::Portal(d))),
            charge.map(|charge| match charge {
                Charge::Operator(id) => (Facet::Operator, Counted::Id(id.0)),
                Charge::Nobody => (Facet::Operator, Counted::Word("")),
            }),
            channel.map(|c| (Facet::Channel, Counted::Word(c.as_str()))),
        ]
        .into_iter()
        .flatten();
        let one = narrowed.next().unwrap_or((Facet::All, Counted::Word("")));
        narrowed.next().is_none().then_some(one)
    }

    /// How many tickets there are in all.
    fn total(&self, conn: &Connection, tenant: TenantId, conditions: &Where) -> Result<i64> {
        let Some((facet, value)) = self.counted() else {
            return one(
                conn,
                &format!("select count(*) from ticket t where {}", conditions.text()),
                rusqlite::params_from_iter(conditions.bind([])),
                |row| row.get(0),
            );
        };
        let counts = match value {
            Counted::Word(word) => count::of(conn, tenant, facet, word)?,
            Counted::Id(id) => count::of(conn, tenant, facet, &id.to_string())?,
            Counted::Portal(domain) => {
                let client: Option<ClientId> = first(
                    conn,
                    "select id from client where tenant_id = ?1 and portal_domain = ?2",
                    (tenant, domain),
                    |row| row.get(0),
                )?;
                match client {
                    Some(id) => count::of(conn, tenant, facet, &id.0.to_string())?,
                    None => return Ok(0),
                }
            }
        };
        Ok(match self.stage {
            Stage::All => counts.all(),
            Stage::Active => counts.open(),
            Stage::One(status) => counts.of(status),
        })
    }

    /// A document's key holds its ticket, so no message is read. Who may not see notes is not led to one by its words.
    fn search(&self, w: &mut Where, tenant: TenantId, text: &str) -> Option<()> {
        let (low, high) = search::span_of(tenant);
        match Query::read(text) {
            Query::Nothing => return None,
            Query::Number(number) => w.and("t.id = ?", [number.into()]),
            Query::Words(words) if matches!(self.sight, Sight::Staff) => w.and(
                "t.id in (select (rowid >> 20) & 268435455 from search
                           where search match ? and rowid between ? and ?)",
                [Value::Text(words), low.into(), high.into()],
            ),
            Query::Words(words) => w.and(
                "exists (select 1 from search s
                           join message m on m.tenant_id = t.tenant_id and m.ticket_id = t.id
                                         and m.ordinal = s.rowid & 1048575 and not m.is_note
                                         and m.held_until is null
                          where s.search match ?
                            and s.rowid between (t.tenant_id << 48) + (t.id << 20)
                                            and (t.tenant_id << 48) + ((t.id + 1) << 20) - 1)",
                [Value::Text(words)],
            ),
        }
        Some(())
    }

    /// Ties are broken by number, so that pages neither repeat nor lose a ticket.
    const fn order(&self) -> &'static str {
        match (self.sort, self.ascending) {
            (Sort::CreatedAt, false) => "t.created_at desc, t.id desc",
            (Sort::CreatedAt, true) => "t.created_at, t.id",
            (Sort::UpdatedAt, false) => "t.updated_at desc, t.id desc",
            (Sort::UpdatedAt, true) => "t.updated_at, t.id",
            (Sort::Priority, false) => "t.priority_rank, t.updated_at desc, t.id desc",
            (Sort::Priority, true) => "t.priority_rank desc, t.updated_at desc, t.id desc",
            (Sort::Sla, false) => "t.sla_next_at is null, t.sla_next_at, t.id",
            (Sort::Sla, true) => "t.sla_next_at is not null, t.sla_next_at desc, t.id",
        }
    }
}

/// The columns of a [`TicketRow`], read by [`row`]. `?1` of the reader is the time it is read at.
pub(super) const COLUMNS: &str = "t.id, t.subject, t.status, t.priority, t.category, c.portal_domain, c.company_name,
       t.assigned_to, o.name, t.created_at, t.updated_at, t.creator_name, t.message_count, t.unread_count,
       t.channel, t.sla_response_at, coalesce(t.due_at, t.sla_resolution_at), t.sla_response_breached,
       t.sla_resolution_breached, t.first_response_at, t.snoozed_until,
       substr(m.body, 1, 140), m.author_type, m.author_name, m.created_at, m.is_note";

pub(super) const TABLES: &str = "ticket t
  left join client c on c.tenant_id = t.tenant_id and c.id = t.client_id
  left join operator o on o.tenant_id = t.tenant_id and o.id = t.assigned_to
  left join message m on m.tenant_id = t.tenant_id and m.id = t.last_message_id";

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
                preview: row.get(21)?,
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
        Some(conditions) => filter.total(conn, tenant, &conditions),
        None => Ok(0),
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
    let Some(conditions) = filter.conditions(tenant) else {
        return Ok((Vec::new(), 0));
    };
    let (text, order) = (conditions.text(), filter.order());
    let total = filter.total(conn, tenant, &conditions)?;
    let values = conditions.bind([page.limit.into(), page.offset().into()]);
    let mut rows = all(
        conn,
        &format!("select {COLUMNS} from {TABLES} where {text} order by {order} limit ? offset ?"),
        rusqlite::params_from_iter(values),
        |r| row(r, now),
    )?;
    let mut tags = tags_of(conn, tenant, &rows.iter().map(|r| r.id).collect::<Vec<_>>())?;
    for row in &mut rows {
        row.tags = tags.remove(&row.id).unwrap_or_default();
    }
    Ok((rows, total))
}

/// One ticket as lists show it, or `None` if `sight` does not reach it.
pub(crate) fn one_row(
    conn: &Connection,
    tenant: TenantId,
    sight: Sight,
    id: TicketId,
    now: Millis,
) -> Result<Option<TicketRow>> {
    let Some(mut conditions) = Filter::all(sight).conditions(tenant) else {
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
mod tests;
