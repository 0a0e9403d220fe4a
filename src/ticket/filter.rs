//! What a list of tickets shows: its conditions, its order, and how many there are in all.
use super::{
    count::{self, Facet},
    model::{Origin, Priority},
    search::Query,
    status::Status,
};
use crate::{
    api::field::{ClientId, ContactId, OperatorId, TenantId},
    clock::Millis,
    db::sql::{Where, first, one},
    error::Result,
};
use rusqlite::{Connection, types::Value};

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

/// What counts tickets by time.
#[derive(Clone, Copy, Debug)]
pub(super) enum Spans {
    /// By their last change: the columns that count those of the list.
    Updated(&'static str),
    /// By the day on which they were opened.
    Created,
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

    /// The conditions of the filter, and the words that are looked for besides; or `None` if nothing can fulfil them. Words
    /// cost the most and are no condition of a row: they are looked up before anything else.
    pub(super) fn conditions(&self, tenant: TenantId) -> Option<(Where, Option<String>)> {
        let mut conditions = self.besides_words(tenant, self.snoozed);
        match self.search.as_deref().map(Query::read) {
            None => Some((conditions, None)),
            Some(Query::Nothing) => None,
            Some(Query::Number(number)) => {
                conditions.and("t.id = ?", [number.into()]);
                Some((conditions, None))
            }
            Some(Query::Words(words)) => Some((conditions, Some(words))),
        }
    }

    /// All conditions but what is searched for, of tickets that are put aside or not.
    fn besides_words(&self, tenant: TenantId, snoozed: Option<bool>) -> Where {
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
            // In these orders an index tells open ones from others; the plus keeps the one by status from being sorted.
            Stage::One(status) if self.order_is_of_open_ones() => w.and(
                "+t.status = ? and t.is_open = ?",
                [text(status.as_str()), i64::from(status.is_open()).into()],
            ),
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
        match snoozed {
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
        w
    }

    /// The row of counters that holds the total of the list, looked for and put aside or not: there is one if at most one
    /// thing besides the status narrows it.
    fn counted(&self) -> Option<(Facet, Counted<'_>)> {
        // Named one by one, so that a new condition cannot be forgotten here.
        let Filter {
            sight,
            stage: _,
            priority,
            category,
            search: _,
            portal_domain,
            charge,
            tag,
            channel,
            updated_since,
            contact,
            snoozed: _,
            follower,
            unread,
            sort: _,
            ascending: _,
        } = self;
        if tag.is_some()
            || updated_since.is_some()
            || contact.is_some()
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
    pub(super) fn total(
        &self,
        conn: &Connection,
        tenant: TenantId,
        conditions: &Where,
    ) -> Result<i64> {
        let slowly = |from: &'static str, conditions: &Where| {
            one(
                conn,
                &format!("select count(*) from {from} where {}", conditions.text()),
                rusqlite::params_from_iter(conditions.bind([])),
                |row| row.get(0),
            )
        };
        let counters = match self.search {
            None => self.of_counters(conn, tenant)?,
            Some(_) => None,
        };
        let (Some(counted), None | Some(false)) = (counters, self.snoozed) else {
            return slowly("ticket t", conditions);
        };
        if self.snoozed.is_none() {
            return Ok(counted);
        }
        // Few are put aside, and they have an index of their own.
        let aside = self.besides_words(tenant, Some(true));
        let aside: i64 = slowly("ticket t indexed by ticket_snoozed", &aside)?;
        Ok(counted - aside)
    }

    /// At most how many tickets the list has, whatever is looked for in it.
    pub(super) fn at_most(&self, conn: &Connection, tenant: TenantId) -> Result<i64> {
        match self.of_counters(conn, tenant)? {
            Some(counted) => Ok(counted),
            None => Ok(count::of(conn, tenant, Facet::All, "")?.all()),
        }
    }

    /// The tickets that the list leaves out, whatever is looked for in it, if nothing but their status does and they are fewer
    /// than those in it.
    pub(super) fn rest(&self, conn: &Connection, tenant: TenantId) -> Result<Option<Where>> {
        if !matches!(self.counted(), Some((Facet::All, _))) || self.snoozed.is_some() {
            return Ok(None);
        }
        let all = count::of(conn, tenant, Facet::All, "")?;
        let mut rest = Where::new("t.tenant_id = ? and t.deleted_at is null", [tenant.into()]);
        let own = match self.stage {
            Stage::All => return Ok(None),
            Stage::Active => {
                rest.and("t.is_open = 0", []);
                all.open()
            }
            Stage::One(status) => {
                let others = Status::ALL.iter().filter(|other| **other != status);
                let others: Vec<&str> = others.map(|other| other.as_str()).collect();
                rest.and(
                    "t.status in (select value from json_each(?))",
                    [Value::Text(serde_json::to_string(&others)?)],
                );
                all.of(status)
            }
        };
        Ok((all.all() - own < own).then_some(rest))
    }

    /// What the counters say of the list, if they hold it.
    fn of_counters(&self, conn: &Connection, tenant: TenantId) -> Result<Option<i64>> {
        let Some((facet, value)) = self.counted() else {
            return Ok(None);
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
                    None => return Ok(Some(0)),
                }
            }
        };
        Ok(Some(match self.stage {
            Stage::All => counts.all(),
            Stage::Active => counts.open(),
            Stage::One(status) => counts.of(status),
        }))
    }

    /// What counts the tickets of the list by when they were changed or opened: there is something if nothing but the status
    /// narrows it.
    pub(super) fn spans(&self) -> Option<Spans> {
        let is_whole = matches!(self.counted(), Some((Facet::All, _)));
        if !is_whole || self.search.is_some() || self.snoozed.is_some() {
            return None;
        }
        match (self.sort, self.stage) {
            (Sort::UpdatedAt, stage) => Some(Spans::Updated(match stage {
                Stage::All => {
                    "new_tickets + estimated_tickets + in_progress_tickets + on_hold_tickets + done_tickets + closed_tickets
                     + reopened_tickets"
                }
                Stage::Active => {
                    "new_tickets + estimated_tickets + in_progress_tickets + on_hold_tickets + reopened_tickets"
                }
                Stage::One(Status::New) => "new_tickets",
                Stage::One(Status::Estimated) => "estimated_tickets",
                Stage::One(Status::InProgress) => "in_progress_tickets",
                Stage::One(Status::OnHold) => "on_hold_tickets",
                Stage::One(Status::Done) => "done_tickets",
                Stage::One(Status::Closed) => "closed_tickets",
                Stage::One(Status::Reopened) => "reopened_tickets",
            })),
            (Sort::CreatedAt, Stage::All) => Some(Spans::Created),
            _ => None,
        }
    }

    /// Ties are broken by number, so that pages neither repeat nor lose a ticket.
    pub(super) const fn order(&self) -> &'static str {
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

    /// The same order from its other end.
    pub(super) const fn order_backwards(&self) -> &'static str {
        match (self.sort, self.ascending) {
            (Sort::CreatedAt, false) => "t.created_at, t.id",
            (Sort::CreatedAt, true) => "t.created_at desc, t.id desc",
            (Sort::UpdatedAt, false) => "t.updated_at, t.id",
            (Sort::UpdatedAt, true) => "t.updated_at desc, t.id desc",
            (Sort::Priority, false) => "t.priority_rank desc, t.updated_at, t.id",
            (Sort::Priority, true) => "t.priority_rank, t.updated_at, t.id",
            (Sort::Sla, false) => "t.sla_next_at is null desc, t.sla_next_at desc, t.id desc",
            (Sort::Sla, true) => "t.sla_next_at is not null desc, t.sla_next_at, t.id desc",
        }
    }

    /// Whether the order is by something that only an index of open tickets, and one of the others, is in.
    pub(super) const fn order_is_of_open_ones(&self) -> bool {
        matches!(self.sort, Sort::Priority | Sort::Sla)
    }

    /// The order by columns that stand beside the rows, for lists that are merged of open tickets and the others.
    pub(super) const fn merged(&self) -> Option<Merged> {
        match (self.stage, self.sort, self.ascending) {
            (Stage::All, Sort::Priority, false) => Some(Merged {
                columns: "t.priority_rank as k1, t.updated_at as k2, t.id as k3",
                order: "k1, k2 desc, k3 desc",
                backwards: "k1 desc, k2, k3",
            }),
            (Stage::All, Sort::Sla, false) => Some(Merged {
                columns: "t.sla_next_at is null as k1, t.sla_next_at as k2, t.id as k3",
                order: "k1, k2, k3",
                backwards: "k1 desc, k2 desc, k3 desc",
            }),
            // Whoever is in charge, and whose portal it is, has an index that is parted so.
            (Stage::All, Sort::UpdatedAt, false) if self.is_somebodys() => Some(Merged {
                columns: "t.updated_at as k1, t.id as k2",
                order: "k1 desc, k2 desc",
                backwards: "k1, k2",
            }),
            _ => None,
        }
    }

    const fn is_somebodys(&self) -> bool {
        self.charge.is_some() || self.portal_domain.is_some() || !matches!(self.sight, Sight::Staff)
    }
}

/// Columns to merge two lists by, and their order from either end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Merged {
    pub(super) columns: &'static str,
    pub(super) order: &'static str,
    pub(super) backwards: &'static str,
}
