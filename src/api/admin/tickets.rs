//! One ticket: shown whole, opened, changed.
use super::{bulk::Outcome, queue::filled};
use crate::{
    access::{Operator, rules::Needs},
    api::{
        Action, Command, Slow, Spec, Task, Write, command,
        field::{
            Body, Change, Code, Domain, Email, Flag, Int, Line, List, Name, OperatorId, Subject,
            TicketId, Time,
        },
        task,
    },
    channel, client, contact,
    error::{self, Error, Fault, Result},
    tenant::plan::Scope::{Read as R, Tickets as T, Write as W},
    ticket::{
        self, Acting, Actor, NewTicket, change, event,
        files::Links,
        list::Sight,
        message::{Draft, Reader},
        model::{FileView, HistoryEntry, MessageView, Origin, Priority, TicketView},
        reading,
        record::{self, Record},
        status::{Status, Verb},
        tags, view,
    },
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

pub(super) const ACTIONS: &[Action] = &[
    task::<GetTicket>(),
    command::<CreateTicket>(),
    command::<UpdateTicket>(),
];

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
        "Өтінім және хат алмасу",
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
            .glance(move |db| {
                let ticket = view::ticket(db, tenant, Sight::Staff, id, db.now)?;
                let (messages, files) = view::messages(
                    db,
                    tenant,
                    id,
                    false,
                    Links::new(&app.secret, tenant, db.now),
                )?;
                let history = event::history(db, tenant, id, false)?;
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
            reading::shown(
                &cx.app.db,
                tenant,
                actor,
                id,
                Reader::Staff,
                &whole.messages,
            )
            .await;
        }
        Ok(whole)
    }
}
/// The ticket as it now stands.
pub(super) fn answer(cx: &Write<'_, Operator>, id: TicketId) -> Result<TicketView> {
    view::ticket(cx.tx, cx.by.tenant, Sight::Staff, id, cx.tx.now)
}

pub(super) fn acting<'a>(cx: &'a Write<'_, Operator>) -> Acting<'a> {
    Acting::new(cx.tx, cx.by.tenant, Actor::operator(cx.by))
}

/// Loads a ticket, lets `verb` change it, saves it and answers it.
pub(super) fn with_ticket(
    cx: &Write<'_, Operator>,
    id: TicketId,
    verb: impl FnOnce(&Acting<'_>, &mut Record) -> Result<()>,
) -> Result<TicketView> {
    let acting = acting(cx);
    let mut ticket = record::by_id(cx.tx, cx.by.tenant, id)?;
    verb(&acting, &mut ticket)?;
    ticket.save_now(cx.tx)?;
    cx.tx.settle()?;
    answer(cx, id)
}
/// The same, unless somebody has changed the ticket since `version`: then it stays as it is and is answered with the refusal.
pub(super) fn with_version(
    cx: &Write<'_, Operator>,
    id: TicketId,
    version: Option<Int>,
    verb: impl FnOnce(&Acting<'_>, &mut Record) -> Result<()>,
) -> Result<TicketView> {
    let stored = record::by_id(cx.tx, cx.by.tenant, id)?;
    if version.is_some_and(|v| v.0 != stored.version) {
        let current = serde_json::to_value(answer(cx, stored.id)?)?;
        return Err(Error::new(error::Code::Conflict)
            .on("version")
            .with("current", current));
    }
    with_ticket(cx, id, verb)
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
    /// The operator to put in charge; 0 for nobody.
    #[serde(default)]
    assigned_to: Option<Int>,
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
            let contact = contact::of_address(cx.tx, tenant, email, name, client, now)?;
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
        // The first message is the client's, whoever types it in.
        let first = Draft {
            author_name: Some(new.creator_name.clone()),
            uploads: cx.call.uploads.clone(),
            ..Draft::client(self.description.0)
        };
        let (mut ticket, _) = ticket::open(&acting, new, first)?;
        if let Some(operator) = in_charge(self.assigned_to)? {
            change::assign(&acting, &mut ticket, Some(operator))?;
            ticket.save_now(cx.tx)?;
        }
        let names: Vec<String> = self.tags.0.into_iter().map(|n| n.0).collect();
        tags::set(&acting, &ticket, &names)?;
        cx.tx.settle()?;
        answer(cx, ticket.id)
    }
}

/// The operator that a call puts in charge; 0 is nobody.
fn in_charge(id: Option<Int>) -> Result<Option<OperatorId>> {
    match id {
        None | Some(Int(0)) => Ok(None),
        Some(Int(id @ 1..)) => Ok(Some(OperatorId(id))),
        Some(_) => Err(Error::invalid("assigned_to", Fault::NotPositive)),
    }
}

/// Changes fields of a ticket; what is left out stays. With `version`, a ticket that somebody else has changed since is
/// left as it is and answered as a conflict.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct UpdateTicket {
    /// The ticket.
    pub(super) ticket_id: TicketId,
    /// Its new subject.
    #[serde(default)]
    pub(super) subject: Option<Subject>,
    /// Its new priority.
    #[serde(default)]
    pub(super) priority: Option<Priority>,
    /// The code of its new category.
    #[serde(default)]
    pub(super) category: Option<Code>,
    /// Its new status, reached by legal steps.
    #[serde(default)]
    pub(super) status: Option<Status>,
    /// The operator to put in charge; 0 or null for nobody.
    #[serde(default)]
    pub(super) assigned_to: Change<Int>,
    /// The names of exactly the tags it is to have.
    #[serde(default)]
    pub(super) tags: Option<List<Name, 20>>,
    /// The client it belongs to.
    #[serde(default)]
    pub(super) portal_domain: Option<Domain>,
    /// When it is due by agreement; null for the rule's time again.
    #[serde(default)]
    pub(super) due_at: Change<Time>,
    /// Whether to go past an estimate that the client has not approved.
    #[serde(default)]
    pub(super) force: Option<Flag>,
    /// The version that the change was made on.
    #[serde(default)]
    pub(super) version: Option<Int>,
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
        with_version(cx, self.ticket_id, self.version, |acting, ticket| {
            self.apply(acting, ticket)
        })
    }
}

impl UpdateTicket {
    /// Makes the change, in the ticket's history and on its record.
    pub(super) fn apply(self, acting: &Acting<'_>, ticket: &mut Record) -> Result<()> {
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
            let client = client::by_domain(acting.tx, acting.tenant, &domain)?;
            change::set_client(acting, ticket, client)?;
        }
        match self.assigned_to {
            Change::Keep => {}
            Change::Clear => change::assign(acting, ticket, None)?,
            Change::Set(id) => change::assign(acting, ticket, in_charge(Some(id))?)?,
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
                _ => Verb::Set(status),
            };
            change::by_verb(acting, ticket, verb, None)?;
        }
        Ok(())
    }
}

/// Does the same to several tickets, each by itself: what is refused for one leaves the others done.
pub(super) fn each(
    cx: &Write<'_, Operator>,
    ids: Vec<TicketId>,
    verb: impl Fn(&Acting<'_>, TicketId) -> Result<()>,
) -> Result<Vec<Outcome>> {
    let acting = acting(cx);
    let mut seen = HashSet::with_capacity(ids.len());
    let mut outcomes = Vec::with_capacity(ids.len());
    for id in ids.into_iter().filter(|&id| seen.insert(id)) {
        // What is refused is this ticket's affair; a fault of ours is the whole call's.
        let outcome = match cx.tx.attempt(|_| verb(&acting, id)) {
            Err(error) if error.code().status() >= 500 => return Err(error),
            outcome => outcome,
        };
        outcomes.push(Outcome::of(id, outcome, cx.call.lang));
    }
    Ok(outcomes)
}
