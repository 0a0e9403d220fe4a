//! The queue: lists of tickets and how many each view has.
use super::views::ViewFilter;
use crate::{
    access::{Operator, rules::Needs},
    api::{
        Action, Query, Read, Spec,
        field::{ContactId, Flag, Int, Line, OperatorId, Time},
        query,
    },
    clock::Millis,
    db::{Lane, sql::Page},
    error::Result,
    tenant::plan::Scope::{Read as R, Tickets as T},
    ticket::{
        count::{self, Facet},
        list::{self, Charge, Filter, Sight, Sort, Stage},
        model::{Origin, Priority, TicketRow},
        status::Status,
        tags,
    },
};
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) const ACTIONS: &[Action] = &[query::<ListTickets>(), query::<TicketCounts>()];

/// A page of tickets.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TicketPage {
    /// The tickets of the page.
    pub(crate) tickets: Vec<TicketRow>,
    /// How many there are in all.
    pub(crate) total: i64,
    /// Which page this is, from 1.
    pub(crate) page: i64,
    /// How many a page has at most.
    pub(crate) limit: i64,
}

/// Which statuses a list shows: one status, `active` (every one but done and closed) or `all`.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StatusFilter {
    #[default]
    All,
    Active,
    New,
    Estimated,
    InProgress,
    OnHold,
    Done,
    Closed,
    Reopened,
}

impl From<StatusFilter> for Stage {
    fn from(filter: StatusFilter) -> Stage {
        match filter {
            StatusFilter::All => Stage::All,
            StatusFilter::Active => Stage::Active,
            StatusFilter::New => Stage::One(Status::New),
            StatusFilter::Estimated => Stage::One(Status::Estimated),
            StatusFilter::InProgress => Stage::One(Status::InProgress),
            StatusFilter::OnHold => Stage::One(Status::OnHold),
            StatusFilter::Done => Stage::One(Status::Done),
            StatusFilter::Closed => Stage::One(Status::Closed),
            StatusFilter::Reopened => Stage::One(Status::Reopened),
        }
    }
}

/// What a list is ordered by.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SortBy {
    CreatedAt,
    UpdatedAt,
    Priority,
    Sla,
}

/// The direction of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Order {
    Asc,
    Desc,
}

/// Lists tickets with filters, order and exact total. `search` finds word beginnings in subject, description and
/// messages, in any letter case and with ё as е; beside other words those that stand everywhere, such as prepositions, are
/// left out. `#42` is the ticket of that number.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ListTickets {
    /// Which statuses to show.
    #[serde(default)]
    status: Option<StatusFilter>,
    /// Only tickets of this priority.
    #[serde(default)]
    priority: Option<Priority>,
    /// Only tickets of the category of this code.
    #[serde(default)]
    category: Option<Line>,
    /// Words to look for.
    #[serde(default)]
    search: Option<Line>,
    /// Only tickets of the client of this portal.
    #[serde(default)]
    portal_domain: Option<Line>,
    /// Only tickets in charge of this operator: an id, `me` or `none`.
    #[serde(default)]
    assigned_to: Option<InCharge>,
    /// Only tickets with the tag of this name.
    #[serde(default)]
    tag: Option<Line>,
    /// Only tickets that came in this way.
    #[serde(default)]
    channel: Option<Origin>,
    /// Only tickets that something happened to at this time or later.
    #[serde(default)]
    updated_since: Option<Time>,
    /// Only tickets of this contact.
    #[serde(default)]
    contact_id: Option<ContactId>,
    /// Only tickets that are put aside, or only those that are not.
    #[serde(default)]
    snoozed: Option<Flag>,
    /// Only tickets that the caller follows.
    #[serde(default)]
    following: Option<Flag>,
    /// Only tickets with messages that no operator has read, or only those without.
    #[serde(default)]
    unread: Option<Flag>,
    /// What to order by; the latest change first if it is left out.
    #[serde(default)]
    sort: Option<SortBy>,
    /// The direction of the order. `sla` begins with the nearest time to keep either way it is left out.
    #[serde(default)]
    order: Option<Order>,
    /// Which page, from 1.
    #[serde(default)]
    page: Option<Int>,
    /// How many a page has, at most 100.
    #[serde(default)]
    limit: Option<Int>,
}

/// In whose charge: an operator's id, `me` or `none`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum InCharge {
    Me,
    Nobody,
    Operator(OperatorId),
}

impl<'de> Deserialize<'de> for InCharge {
    fn deserialize<D: serde::Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(source)?;
        match value.as_str() {
            Some("me") => Ok(InCharge::Me),
            Some("none" | "0") => Ok(InCharge::Nobody),
            _ if value.as_i64() == Some(0) => Ok(InCharge::Nobody),
            _ => OperatorId::deserialize(value)
                .map(InCharge::Operator)
                .map_err(serde::de::Error::custom),
        }
    }
}

impl Serialize for InCharge {
    fn serialize<S: serde::Serializer>(&self, sink: S) -> Result<S::Ok, S::Error> {
        match self {
            InCharge::Me => sink.serialize_str("me"),
            InCharge::Nobody => sink.serialize_str("none"),
            InCharge::Operator(id) => id.serialize(sink),
        }
    }
}

impl JsonSchema for InCharge {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "InCharge".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "oneOf": [{ "type": "integer", "minimum": 1 }, { "enum": ["me", "none"] }] })
    }
}

impl Spec for ListTickets {
    const NAME: &'static str = "list_tickets";
    const NEEDS: Needs = Needs::scopes(&[R, T]);
    const TITLE: [&'static str; 3] = ["Список заявок", "Өтінімдер тізімі", "List tickets"];
    const EXAMPLE: &'static str = r#"{"status":"active","page":1,"limit":30}"#;
    type By = Operator;
    type Output = TicketPage;
}
impl Query for ListTickets {
    fn lane(&self) -> Lane {
        if self.search.is_some() {
            return Lane::Slow;
        }
        // These have neither a counter nor an index of their own, so they go through whatever is left.
        let is_slow =
            self.tag.is_some() || self.updated_since.is_some() || self.following.is_some();
        // The first pages are all that people turn; a far one is found by going there.
        let is_far = self.page.is_some_and(|page| page.0 > 50);
        if is_slow || is_far {
            Lane::Fast
        } else {
            Lane::Here
        }
    }
    /// Until the next ticket of the page is late.
    fn holds_until(found: &TicketPage, now: Millis) -> Option<Millis> {
        let times = found
            .tickets
            .iter()
            .flat_map(|row| [row.sla_response_at, row.sla_resolution_at]);
        let next = times.flatten().map(|at| at.0).filter(|at| *at >= now).min();
        Some(next.unwrap_or(Millis::MAX))
    }
    fn run(self, cx: &Read<'_, Operator>) -> Result<TicketPage> {
        let page = Page::new(self.page.map(|p| p.0), self.limit.map(|l| l.0), 30)?;
        let filter = self.filter(cx.db, cx.by)?;
        let (tickets, total) = list::page(cx.db, cx.by.tenant, &filter, page, cx.db.now)?;
        Ok(TicketPage {
            tickets,
            total,
            page: page.page,
            limit: page.limit,
        })
    }
}

impl ListTickets {
    /// The list that a saved view shows.
    pub(super) fn of_view(view: &ViewFilter) -> Result<ListTickets> {
        Ok(serde_json::from_value(serde_json::to_value(view)?)?)
    }

    /// What is looked for, with `by` as whoever looks.
    pub(super) fn filter(self, conn: &Connection, by: &Operator) -> Result<Filter> {
        let tag = match filled(self.tag) {
            Some(name) => Some(tags::spelling(conn, by.tenant, &name)?.unwrap_or(name)),
            None => None,
        };
        Ok(Filter {
            stage: self.status.unwrap_or_default().into(),
            priority: self.priority,
            category: filled(self.category),
            search: filled(self.search),
            portal_domain: filled(self.portal_domain).map(|domain| domain.to_lowercase()),
            charge: self.assigned_to.map(|charge| match charge {
                InCharge::Me => Charge::Operator(by.id),
                InCharge::Nobody => Charge::Nobody,
                InCharge::Operator(id) => Charge::Operator(id),
            }),
            tag,
            channel: self.channel,
            updated_since: self.updated_since.map(|t| t.0),
            contact: self.contact_id,
            snoozed: self.snoozed.map(|f| f.0),
            follower: self.following.filter(|f| f.0).map(|_| by.id),
            unread: self.unread.map(|f| f.0),
            sort: match self.sort {
                Some(SortBy::CreatedAt) => Sort::CreatedAt,
                Some(SortBy::Priority) => Sort::Priority,
                Some(SortBy::Sla) => Sort::Sla,
                Some(SortBy::UpdatedAt) | None => Sort::UpdatedAt,
            },
            ascending: match self.order {
                // The nearest time to keep is what people look for; its order is turned round only on request.
                Some(Order::Asc) => !matches!(self.sort, Some(SortBy::Sla)),
                Some(Order::Desc) => matches!(self.sort, Some(SortBy::Sla)),
                None => false,
            },
            ..Filter::all(Sight::Staff)
        })
    }
}

/// A filter that says nothing filters nothing.
pub(crate) fn filled(line: Option<Line>) -> Option<String> {
    line.map(|l| l.0).filter(|l| !l.is_empty())
}

/// Counts the tickets of each view of the queue.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct TicketCounts {}
/// How many tickets each view of the queue has.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TicketCountsOutput {
    /// Every status but done and closed.
    active: i64,
    /// Open ones that are put aside.
    snoozed: i64,
    /// Open ones that the caller follows.
    following: i64,
    /// Those in the bin.
    deleted: i64,
    /// Open ones in the caller's charge that are not put aside.
    mine: i64,
    /// Open ones in nobody's charge that are not put aside.
    unassigned: i64,
    /// Open ones with unread messages.
    unread: i64,
    /// Not answered yet.
    new: i64,
    /// Waiting for the client's word on an estimate.
    estimated: i64,
    /// Being worked on.
    in_progress: i64,
    /// Waiting.
    on_hold: i64,
    /// Brought back.
    reopened: i64,
    /// Done, not closed yet.
    done: i64,
    /// Closed.
    closed: i64,
    /// All.
    all: i64,
}
impl Spec for TicketCounts {
    const NAME: &'static str = "ticket_counts";
    const NEEDS: Needs = Needs::scopes(&[R, T]);
    const TITLE: [&'static str; 3] = [
        "Число заявок по разделам",
        "Бөлімдер бойынша өтінімдер саны",
        "Count tickets by view",
    ];
    const EXAMPLE: &'static str = "{}";
    type By = Operator;
    type Output = TicketCountsOutput;
}
impl Query for TicketCounts {
    const LANE: Lane = Lane::Here;
    fn holds_until(_: &TicketCountsOutput, _now: Millis) -> Option<Millis> {
        Some(Millis::MAX)
    }
    fn run(self, cx: &Read<'_, Operator>) -> Result<TicketCountsOutput> {
        let (db, tenant) = (cx.db, cx.by.tenant);
        let counts = count::of(db, tenant, Facet::All, "")?;
        let mine = count::of(db, tenant, Facet::Operator, &cx.by.id.0.to_string())?;
        let unassigned = count::of(db, tenant, Facet::Operator, "")?;
        let aside = list::aside(db, tenant, cx.by.id)?;
        Ok(TicketCountsOutput {
            active: counts.open(),
            snoozed: aside.snoozed,
            following: aside.following,
            deleted: aside.deleted,
            mine: mine.open() - aside.snoozed_mine,
            unassigned: unassigned.open() - aside.snoozed_unassigned,
            unread: counts.unread,
            new: counts.new,
            estimated: counts.estimated,
            in_progress: counts.in_progress,
            on_hold: counts.on_hold,
            reopened: counts.reopened,
            done: counts.done,
            closed: counts.closed,
            all: counts.all(),
        })
    }
}
