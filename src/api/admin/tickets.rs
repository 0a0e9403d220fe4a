//! Tickets for staff: lists, one ticket, and the verbs of the desk.
use crate::{
    access::{Operator, rules::Needs},
    api::{
        Action, Command, Query, Read, Slow, Spec, Task, Write, command,
        field::{
            Amount, Body, Change, Code, Domain, Email, Flag, Int, Line, List, Name, OperatorId,
            Subject, TagId, TicketId, Time,
        },
        query, task,
    },
    channel, client,
    db::sql::Page,
    error::{self, Error, Fault, Result},
    tenant::plan::Scope::{Read as R, Tickets as T, Write as W},
    ticket::{
        self, Acting, Actor, NewTicket, change, estimate,
        files::Links,
        list::{self, Charge, Filter, Sight, Sort, Stage},
        message::{self, Draft, Reader},
        model::{FileView, HistoryEntry, MessageView, Origin, Priority, TicketRow, TicketView},
        record::{self, Record},
        status::{Status, Verb},
        tags, view,
    },
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) const ACTIONS: &[Action] = &[
    query::<ListTickets>(),
    query::<TicketCounts>(),
    task::<GetTicket>(),
    command::<CreateTicket>(),
    command::<UpdateTicket>(),
    command::<TakeTicket>(),
    command::<ReassignTicket>(),
    command::<SetEstimate>(),
    command::<CompleteTicket>(),
    command::<HoldTicket>(),
    command::<ResumeTicket>(),
    command::<ReopenTicket>(),
    command::<AddTicketTag>(),
    command::<RemoveTicketTag>(),
];

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
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
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
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SortBy {
    CreatedAt,
    UpdatedAt,
    Priority,
    Sla,
}

/// The direction of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Order {
    Asc,
    Desc,
}

/// Lists tickets with filters, order and exact total. `search` finds word beginnings in subject, description and
/// messages, in any letter case and with ё as е; `#42` is the ticket of that number.
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
            Some("none") => Ok(InCharge::Nobody),
            _ => OperatorId::deserialize(value)
                .map(InCharge::Operator)
                .map_err(serde::de::Error::custom),
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
    fn run(self, cx: &Read<'_, Operator>) -> Result<TicketPage> {
        let page = Page::new(self.page.map(|p| p.0), self.limit.map(|l| l.0), 30)?;
        let filter = Filter {
            stage: self.status.unwrap_or_default().into(),
            priority: self.priority,
            category: filled(self.category),
            search: filled(self.search),
            portal_domain: filled(self.portal_domain),
            charge: self.assigned_to.map(|charge| match charge {
                InCharge::Me => Charge::Operator(cx.by.id),
                InCharge::Nobody => Charge::Nobody,
                InCharge::Operator(id) => Charge::Operator(id),
            }),
            tag: filled(self.tag),
            channel: self.channel,
            updated_since: self.updated_since.map(|t| t.0),
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
        };
        let (tickets, total) = list::page(cx.db, cx.by.tenant, &filter, page, cx.db.now)?;
        Ok(TicketPage {
            tickets,
            total,
            page: page.page,
            limit: page.limit,
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
    /// Open ones in the caller's charge.
    mine: i64,
    /// Open ones in nobody's charge.
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
    fn run(self, cx: &Read<'_, Operator>) -> Result<TicketCountsOutput> {
        let counts = list::counts(cx.db, cx.by.tenant, cx.by.id)?;
        let of = |status| counts.by_status.get(&status).copied().unwrap_or(0);
        let (done, closed) = (of(Status::Done), of(Status::Closed));
        let all = counts.by_status.values().sum();
        Ok(TicketCountsOutput {
            active: all - done - closed,
            mine: counts.mine,
            unassigned: counts.unassigned,
            unread: counts.unread,
            new: of(Status::New),
            estimated: of(Status::Estimated),
            in_progress: of(Status::InProgress),
            on_hold: of(Status::OnHold),
            reopened: of(Status::Reopened),
            done,
            closed,
            all,
        })
    }
}

/// Shows one ticket with its messages, notes, files and history. A session's reading marks the client's messages read; a
/// key's does so only with `mark_read`.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetTicket {
    /// The ticket.
    ticket_id: TicketId,
    /// Whether this counts as reading it.
    #[serde(default)]
    mark_read: Option<Flag>,
}
/// A ticket with everything in it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct WholeTicket {
    /// The ticket.
    pub(crate) ticket: TicketView,
    /// Its messages in order.
    pub(crate) messages: Vec<MessageView>,
    /// All its files.
    pub(crate) files: Vec<FileView>,
    /// Who changed what when.
    pub(crate) history: Vec<HistoryEntry>,
}
impl Spec for GetTicket {
    const NAME: &'static str = "get_ticket";
    const NEEDS: Needs = Needs::scopes(&[R, T]);
    const TITLE: [&'static str; 3] = [
        "Заявка с перепиской",
        "Хат алмасуымен өтінім",
        "Get a ticket",
    ];
    const EXAMPLE: &'static str = r#"{"ticket_id":42}"#;
    type By = Operator;
    type Output = WholeTicket;
}
impl Task for GetTicket {
    async fn run(self, cx: Slow<Operator>) -> Result<WholeTicket> {
        let (tenant, id) = (cx.by.tenant, self.ticket_id);
        let reads = self.mark_read.map_or(cx.by.by_session(), |flag| flag.0);
        let app = cx.app.clone();
        let whole = cx
            .app
            .db
            .read(move |db| {
                let ticket = view::ticket(db, tenant, Sight::Staff, id, db.now)?;
                let (messages, files) = view::messages(
                    db,
                    tenant,
                    id,
                    false,
                    Links::new(&app.secret, tenant, db.now),
                )?;
                let history = view::history(db, tenant, id, false)?;
                Ok(WholeTicket {
                    ticket,
                    messages,
                    files,
                    history,
                })
            })
            .await?;
        if reads && whole.ticket.row.unread_count > 0 {
            let actor = Actor::operator(&cx.by);
            cx.app
                .db
                .write(move |tx| {
                    message::mark_read(&Acting::new(tx, tenant, actor), id, Reader::Staff)
                })
                .await?;
        }
        Ok(whole)
    }
}

/// The ticket as it now stands.
fn answer(cx: &Write<'_, Operator>, id: TicketId) -> Result<TicketView> {
    view::ticket(cx.tx, cx.by.tenant, Sight::Staff, id, cx.tx.now)
}

fn acting<'a>(cx: &'a Write<'_, Operator>) -> Acting<'a> {
    Acting::new(cx.tx, cx.by.tenant, Actor::operator(cx.by))
}

/// Loads a ticket, lets `verb` change it, saves it and answers it.
fn with_ticket(
    cx: &Write<'_, Operator>,
    id: TicketId,
    verb: impl FnOnce(&Acting<'_>, &mut Record) -> Result<()>,
) -> Result<TicketView> {
    let acting = acting(cx);
    let mut ticket = record::by_id(cx.tx, cx.by.tenant, id)?;
    verb(&acting, &mut ticket)?;
    ticket.save_now(cx.tx)?;
    answer(cx, id)
}

/// Ways in that staff may name when they open a ticket for somebody.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OpenedBy {
    Api,
    Portal,
    Email,
    Phone,
}

/// Opens a ticket. The description becomes its first message.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct CreateTicket {
    /// What it is about.
    subject: Subject,
    /// What happened.
    description: Body,
    /// How much it matters; `normal` if left out.
    #[serde(default)]
    priority: Option<Priority>,
    /// The code of its category; `other` if left out.
    #[serde(default)]
    category: Option<Code>,
    /// The client it is for.
    #[serde(default)]
    portal_domain: Option<Domain>,
    /// Who asks.
    #[serde(default)]
    contact_name: Option<Name>,
    /// Their address. With `channel` email, answers are mailed to it.
    #[serde(default)]
    contact_email: Option<Email>,
    /// Their phone number.
    #[serde(default)]
    contact_phone: Option<Line>,
    /// The operator to put in charge.
    #[serde(default)]
    assigned_to: Option<OperatorId>,
    /// Names of tags to give it.
    #[serde(default)]
    tags: List<Name, 20>,
    /// How it came in; `api` if left out.
    #[serde(default)]
    channel: Option<OpenedBy>,
}
impl Spec for CreateTicket {
    const NAME: &'static str = "create_ticket";
    const NEEDS: Needs = Needs::scopes(&[W, T]);
    const TITLE: [&'static str; 3] = ["Создать заявку", "Өтінім құру", "Create a ticket"];
    const EXAMPLE: &'static str = r#"{"subject":"Server CPU > 90%","description":"Alert from Zabbix: host prod-01, CPU 94% for 5 min","priority":"urgent","category":"infrastructure","portal_domain":"client.bitrix24.kz"}"#;
    const FILES: bool = true;
    type By = Operator;
    type Output = TicketView;
}
impl Command for CreateTicket {
    fn run(self, cx: &Write<'_, Operator>) -> Result<TicketView> {
        let acting = acting(cx);
        let (tenant, now) = (cx.by.tenant, cx.tx.now);
        let client = match &self.portal_domain {
            Some(domain) => Some(client::by_domain(cx.tx, tenant, domain)?),
            None => None,
        };
        let origin = match self.channel {
            Some(OpenedBy::Email) => Origin::Email,
            Some(OpenedBy::Portal) => Origin::Portal,
            Some(OpenedBy::Phone) => Origin::Phone,
            Some(OpenedBy::Api) | None => Origin::Api,
        };
        if matches!(origin, Origin::Email) && self.contact_email.is_none() {
            return Err(Error::missing("contact_email"));
        }
        let mut new = NewTicket::new(self.subject.0, origin, cx.by.name.clone());
        if let Some(email) = &self.contact_email {
            let name = self.contact_name.as_ref().map_or("", |n| n.as_str());
            let contact = client::contact_of(cx.tx, tenant, email, name, client, now)?;
            new.creator_name.clone_from(&contact.name);
            new.client = contact.client;
            new.contact = Some(contact.id);
        }
        if let Some(name) = self.contact_name {
            new.creator_name = name.0;
        }
        new.client = client.or(new.client);
        new.creator_email = self.contact_email.map(|e| e.0);
        new.creator_phone = filled(self.contact_phone);
        new.priority = self.priority.unwrap_or(Priority::Normal);
        new.category = self.category.map_or(new.category, |c| c.0);
        if matches!(origin, Origin::Email) {
            new.channel_id = channel::config::default_email(cx.tx, tenant)?;
        }
        let first = Draft {
            uploads: cx.call.uploads.clone(),
            ..Draft::client(self.description.0)
        };
        // The first message is the client's, whoever types it in.
        let by_client = Acting::new(
            cx.tx,
            tenant,
            Actor {
                name: new.creator_name.clone(),
                ..Actor::operator(cx.by)
            },
        );
        let (mut ticket, _) = ticket::open(&by_client, new, first)?;
        if self.assigned_to.is_some() {
            change::assign(&acting, &mut ticket, self.assigned_to)?;
            ticket.save_now(cx.tx)?;
        }
        let names: Vec<String> = self.tags.0.into_iter().map(|n| n.0).collect();
        tags::set(&acting, &ticket, &names)?;
        answer(cx, ticket.id)
    }
}

/// Changes fields of a ticket; what is left out stays. With `version`, a ticket that somebody else has changed since is
/// left as it is and answered as a conflict.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct UpdateTicket {
    /// The ticket.
    ticket_id: TicketId,
    /// Its new subject.
    #[serde(default)]
    subject: Option<Subject>,
    /// Its new priority.
    #[serde(default)]
    priority: Option<Priority>,
    /// The code of its new category.
    #[serde(default)]
    category: Option<Code>,
    /// Its new status, reached by legal steps.
    #[serde(default)]
    status: Option<Status>,
    /// The operator to put in charge; 0 or null for nobody.
    #[serde(default)]
    assigned_to: Change<Int>,
    /// The names of exactly the tags it is to have.
    #[serde(default)]
    tags: Option<List<Name, 20>>,
    /// The client it belongs to.
    #[serde(default)]
    portal_domain: Option<Domain>,
    /// When it is due by agreement; null for the rule's time again.
    #[serde(default)]
    due_at: Change<Time>,
    /// Whether to go past an estimate that the client has not approved.
    #[serde(default)]
    force: Option<Flag>,
    /// The version that the change was made on.
    #[serde(default)]
    version: Option<Int>,
}
impl Spec for UpdateTicket {
    const NAME: &'static str = "update_ticket";
    const NEEDS: Needs = Needs::scopes(&[W, T]).editing();
    const TITLE: [&'static str; 3] = ["Изменить заявку", "Өтінімді өзгерту", "Update a ticket"];
    const EXAMPLE: &'static str = r#"{"ticket_id":42,"priority":"urgent","category":"crm"}"#;
    type By = Operator;
    type Output = TicketView;
}
impl Command for UpdateTicket {
    fn run(self, cx: &Write<'_, Operator>) -> Result<TicketView> {
        let stored = record::by_id(cx.tx, cx.by.tenant, self.ticket_id)?;
        if self.version.is_some_and(|v| v.0 != stored.version) {
            let current = serde_json::to_value(answer(cx, stored.id)?)?;
            return Err(Error::new(error::Code::Conflict)
                .on("version")
                .with("current", current));
        }
        with_ticket(cx, self.ticket_id, |acting, ticket| {
            if let Some(subject) = self.subject {
                change::set_subject(acting, ticket, subject.0)?;
            }
            if let Some(priority) = self.priority {
                change::set_priority(acting, ticket, priority)?;
            }
            if let Some(category) = self.category {
                change::set_category(acting, ticket, category.0)?;
            }
            if let Some(domain) = self.portal_domain {
                let client = client::by_domain(cx.tx, cx.by.tenant, &domain)?;
                change::set_client(acting, ticket, client)?;
            }
            match self.assigned_to {
                Change::Keep => {}
                Change::Clear | Change::Set(Int(0)) => change::assign(acting, ticket, None)?,
                Change::Set(Int(id)) if id > 0 => {
                    change::assign(acting, ticket, Some(OperatorId(id)))?
                }
                Change::Set(_) => return Err(Error::invalid("assigned_to", Fault::NotPositive)),
            }
            match self.due_at {
                Change::Keep => {}
                Change::Clear => change::set_due(acting, ticket, None)?,
                Change::Set(at) => change::set_due(acting, ticket, Some(at.0))?,
            }
            if let Some(names) = self.tags {
                let names: Vec<String> = names.0.into_iter().map(|n| n.0).collect();
                tags::set(acting, ticket, &names)?;
            }
            if let Some(status) = self.status {
                let verb = match status {
                    _ if self.force.is_some_and(|f| f.0) => Verb::Force(status),
                    Status::Closed => Verb::Close,
                    _ => Verb::Set(status),
                };
                change::by_verb(acting, ticket, verb, None)?;
            }
            Ok(())
        })
    }
}

/// Puts the caller in charge of a ticket. With `force`, work on an estimated ticket begins without the client's approval.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct TakeTicket {
    /// The ticket.
    ticket_id: TicketId,
    /// Whether to go past an estimate that the client has not approved.
    #[serde(default)]
    force: Flag,
}
impl Spec for TakeTicket {
    const NAME: &'static str = "take_ticket";
    const NEEDS: Needs = Needs::scopes(&[W, T]);
    const TITLE: [&'static str; 3] = ["Взять заявку", "Өтінімді алу", "Take a ticket"];
    const EXAMPLE: &'static str = r#"{"ticket_id":42}"#;
    type By = Operator;
    type Output = TicketView;
}
impl Command for TakeTicket {
    fn run(self, cx: &Write<'_, Operator>) -> Result<TicketView> {
        with_ticket(cx, self.ticket_id, |acting, ticket| {
            change::assign(acting, ticket, Some(cx.by.id))?;
            if self.force.0 && ticket.status == Status::Estimated {
                change::by_verb(acting, ticket, Verb::TakeOver, None)?;
            }
            Ok(())
        })
    }
}

/// Puts another operator in charge of a ticket.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ReassignTicket {
    /// The ticket.
    ticket_id: TicketId,
    /// The operator to put in charge.
    assigned_to: OperatorId,
}
impl Spec for ReassignTicket {
    const NAME: &'static str = "reassign_ticket";
    const NEEDS: Needs = Needs::scopes(&[W, T]);
    const TITLE: [&'static str; 3] = ["Передать заявку", "Өтінімді тапсыру", "Reassign a ticket"];
    const EXAMPLE: &'static str = r#"{"ticket_id":42,"assigned_to":2}"#;
    type By = Operator;
    type Output = TicketView;
}
impl Command for ReassignTicket {
    fn run(self, cx: &Write<'_, Operator>) -> Result<TicketView> {
        with_ticket(cx, self.ticket_id, |acting, ticket| {
            change::assign(acting, ticket, Some(self.assigned_to))
        })
    }
}

/// Offers the client an estimate and waits for their word.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct SetEstimate {
    /// The ticket.
    ticket_id: TicketId,
    /// The hours of work, more than zero.
    hours: Amount,
    /// What will be done.
    description: Body,
    /// What it costs; the hours at the client's rate if left out.
    #[serde(default)]
    cost: Option<Amount>,
}
impl Spec for SetEstimate {
    const NAME: &'static str = "set_estimate";
    const NEEDS: Needs = Needs::scopes(&[W, T]);
    const TITLE: [&'static str; 3] = ["Выставить смету", "Смета ұсыну", "Set an estimate"];
    const EXAMPLE: &'static str =
        r#"{"ticket_id":42,"hours":3.5,"description":"Настройка обмена с 1С"}"#;
    type By = Operator;
    type Output = TicketView;
}
impl Command for SetEstimate {
    fn run(self, cx: &Write<'_, Operator>) -> Result<TicketView> {
        if self.hours.0 <= 0.0 {
            return Err(Error::invalid("hours", Fault::OutOfRange(0, 10_000)));
        }
        with_ticket(cx, self.ticket_id, |acting, ticket| {
            estimate::offer(
                acting,
                ticket,
                self.hours.0,
                &self.description,
                self.cost.map(|c| c.0),
            )
        })
    }
}

/// Delivers the work of a ticket.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct CompleteTicket {
    /// The ticket.
    ticket_id: TicketId,
    /// What was done.
    result: Body,
    /// The hours it took, booked on the client's month.
    #[serde(default)]
    hours_spent: Option<Amount>,
}
impl Spec for CompleteTicket {
    const NAME: &'static str = "complete_ticket";
    const NEEDS: Needs = Needs::scopes(&[W, T]);
    const TITLE: [&'static str; 3] = ["Завершить заявку", "Өтінімді аяқтау", "Complete a ticket"];
    const EXAMPLE: &'static str =
        r#"{"ticket_id":42,"result":"Service restarted, monitoring confirmed normal operation"}"#;
    type By = Operator;
    type Output = TicketView;
}
impl Command for CompleteTicket {
    fn run(self, cx: &Write<'_, Operator>) -> Result<TicketView> {
        with_ticket(cx, self.ticket_id, |acting, ticket| {
            change::complete(acting, ticket, self.result.0, self.hours_spent.map(|h| h.0))
        })
    }
}

/// An action that moves a ticket by one verb, with an optional reason.
macro_rules! move_action {
    ($(#[$doc:meta])* $type:ident, $name:literal, $verb:expr, $title:expr) => {
        $(#[$doc])*
        #[derive(Debug, Deserialize, JsonSchema)]
        pub(crate) struct $type {
            /// The ticket.
            ticket_id: TicketId,
            /// Why.
            #[serde(default)]
            reason: Option<Line>,
        }
        impl Spec for $type {
            const NAME: &'static str = $name;
            const NEEDS: Needs = Needs::scopes(&[W, T]);
            const TITLE: [&'static str; 3] = $title;
            const EXAMPLE: &'static str = r#"{"ticket_id":42}"#;
            type By = Operator;
            type Output = TicketView;
        }
        impl Command for $type {
            fn run(self, cx: &Write<'_, Operator>) -> Result<TicketView> {
                let reason = filled(self.reason);
                with_ticket(cx, self.ticket_id, |acting, ticket| {
                    change::by_verb(acting, ticket, $verb, reason.as_deref())
                })
            }
        }
    };
}

move_action!(
    /// Puts a ticket on hold; its clocks stand still.
    HoldTicket,
    "hold_ticket",
    Verb::Hold,
    ["Приостановить заявку", "Өтінімді кідірту", "Put a ticket on hold"]
);
move_action!(
    /// Goes on with a ticket that was on hold.
    ResumeTicket,
    "resume_ticket",
    Verb::Resume,
    ["Возобновить заявку", "Өтінімді жалғастыру", "Resume a ticket"]
);
move_action!(
    /// Brings back a ticket that was done or closed.
    ReopenTicket,
    "reopen_ticket",
    Verb::Reopen,
    ["Открыть заявку снова", "Өтінімді қайта ашу", "Reopen a ticket"]
);

/// Which tag, by id or by name.
fn tag_of(cx: &Write<'_, Operator>, id: Option<TagId>, name: Option<Name>) -> Result<TagId> {
    match (id, name) {
        (Some(id), _) => Ok(id),
        (None, Some(name)) => tags::named(cx.tx, cx.by.tenant, &name),
        (None, None) => Err(Error::missing("tag_id")),
    }
}

/// Gives a ticket a tag, named by id or by name.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct AddTicketTag {
    /// The ticket.
    ticket_id: TicketId,
    /// The tag.
    #[serde(default)]
    tag_id: Option<TagId>,
    /// The tag's name, in place of its id; a new name makes a new tag.
    #[serde(default)]
    name: Option<Name>,
}
impl Spec for AddTicketTag {
    const NAME: &'static str = "add_ticket_tag";
    const NEEDS: Needs = Needs::role(crate::access::rules::Role::Operator).editing();
    const TITLE: [&'static str; 3] = ["Добавить метку", "Белгі қосу", "Add a tag to a ticket"];
    const EXAMPLE: &'static str = r#"{"ticket_id":42,"name":"vip"}"#;
    type By = Operator;
    type Output = TicketView;
}
impl Command for AddTicketTag {
    fn run(self, cx: &Write<'_, Operator>) -> Result<TicketView> {
        let (id, name) = (self.tag_id, self.name);
        with_ticket(cx, self.ticket_id, |acting, ticket| {
            tags::add(acting, ticket, tag_of(cx, id, name)?)
        })
    }
}

/// Takes a tag from a ticket, named by id or by name.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct RemoveTicketTag {
    /// The ticket.
    ticket_id: TicketId,
    /// The tag.
    #[serde(default)]
    tag_id: Option<TagId>,
    /// The tag's name, in place of its id.
    #[serde(default)]
    name: Option<Name>,
}
impl Spec for RemoveTicketTag {
    const NAME: &'static str = "remove_ticket_tag";
    const NEEDS: Needs = Needs::role(crate::access::rules::Role::Operator).editing();
    const TITLE: [&'static str; 3] = [
        "Снять метку",
        "Белгіні алып тастау",
        "Remove a tag from a ticket",
    ];
    const EXAMPLE: &'static str = r#"{"ticket_id":42,"name":"vip"}"#;
    type By = Operator;
    type Output = TicketView;
}
impl Command for RemoveTicketTag {
    fn run(self, cx: &Write<'_, Operator>) -> Result<TicketView> {
        let (id, name) = (self.tag_id, self.name);
        with_ticket(cx, self.ticket_id, |acting, ticket| {
            tags::remove(acting, ticket, tag_of(cx, id, name)?)
        })
    }
}
