//! The actions of a client's people, `/api/client.php`. A token sees its own tickets only, never notes, never staff's
//! addresses.
mod decide;
pub(crate) mod knowledge;
mod link;

use super::{
    Action, Command, Query, Read, Slow, Spec, Task, Write,
    admin::queue::{StatusFilter, TicketPage, filled},
    command,
    field::{At, Body, Code, Int, Line, Subject, Text, TicketId},
    query, task,
};
use crate::{
    access::{ClientUser, rules::Needs},
    branding::{self, BrandingView},
    client, contact,
    db::sql::{Page, run},
    error::{Error, Result},
    lang::Lang,
    tariff, tenant,
    ticket::{
        self, Acting, Actor, NewTicket, event,
        files::Links,
        list::{self, Filter, Sight, Stage},
        message::{self, Draft, Reader},
        model::{FileView, HistoryEntry, MessageView, Origin, Priority, TicketRow, TicketView},
        reading,
        record::Record,
        status::Status,
        view,
    },
};
use decide::{AcceptTicket, ApproveEstimate, RejectEstimate, ReopenTicket, SubmitCsat};
use knowledge::{KbArticle, KbArticles};
use link::RequestLink;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) const GROUPS: &[(&str, &[Action])] = &[("portal", ACTIONS)];

const ACTIONS: &[Action] = &[
    query::<Me>(),
    query::<Branding>(),
    command::<CreateTicket>(),
    query::<ListTickets>(),
    task::<GetTicket>(),
    command::<AddMessage>(),
    command::<AcceptTicket>(),
    command::<ReopenTicket>(),
    command::<ApproveEstimate>(),
    command::<RejectEstimate>(),
    command::<SubmitCsat>(),
    query::<ClientDashboard>(),
    query::<Tariff>(),
    query::<KbArticles>(),
    task::<KbArticle>(),
    query::<super::admin::reference::ListCategories<ClientUser>>(),
    command::<SetLocale>(),
    task::<RequestLink>(),
];

impl ClientUser {
    /// What this user may see.
    pub(crate) fn sight(&self) -> Sight {
        match (self.shared, self.contact, self.user_id) {
            (true, ..) => Sight::Portal(self.client),
            (false, Some(contact), _) => Sight::Contact(self.client, contact),
            (false, None, 0) => Sight::Session(self.client, self.session.clone()),
            (false, None, user) => Sight::User(self.client, user),
        }
    }
}

/// The caller.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Identity {
    /// The user in the client's own system; 0 has no name.
    user_id: i64,
    /// What they are called.
    user_name: String,
    /// The client's portal.
    portal_domain: String,
    /// The client's company.
    company_name: String,
    /// The language they are written to in.
    locale: Lang,
    /// How the portal looks.
    branding: BrandingView,
}

/// Tells who the caller is.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Me {}
impl Spec for Me {
    const NAME: &'static str = "me";
    const NEEDS: Needs = Needs::client();
    const TITLE: [&'static str; 3] = ["Кто я", "Мен кіммін", "Who am I"];
    const EXAMPLE: &'static str = "{}";
    type By = ClientUser;
    type Output = Identity;
}
impl Query for Me {
    fn run(self, cx: &Read<'_, ClientUser>) -> Result<Identity> {
        let tenant = tenant::by_id(cx.db, cx.by.tenant)?;
        Ok(Identity {
            user_id: cx.by.user_id,
            user_name: cx.by.user_name.clone(),
            portal_domain: cx.by.portal_domain.clone(),
            company_name: cx.by.company_name.clone(),
            locale: cx.by.locale.unwrap_or(tenant.locale),
            branding: branding::shown(cx.db, &tenant)?,
        })
    }
}

/// Tells how the portal looks.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Branding {}
impl Spec for Branding {
    const NAME: &'static str = "branding";
    const NEEDS: Needs = Needs::client();
    const TITLE: [&'static str; 3] = [
        "Оформление портала",
        "Порталдың безендірілуі",
        "The portal's look",
    ];
    const EXAMPLE: &'static str = "{}";
    type By = ClientUser;
    type Output = BrandingView;
}
impl Query for Branding {
    fn run(self, cx: &Read<'_, ClientUser>) -> Result<BrandingView> {
        branding::shown(cx.db, &tenant::by_id(cx.db, cx.by.tenant)?)
    }
}

fn acting<'a>(cx: &'a Write<'_, ClientUser>) -> Acting<'a> {
    Acting::new(cx.tx, cx.by.tenant, Actor::client(cx.by))
}

fn answer(cx: &Write<'_, ClientUser>, id: TicketId) -> Result<TicketView> {
    view::ticket(cx.tx, cx.by.tenant, cx.by.sight(), id, cx.tx.now)
}

/// Opens a ticket.
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
}
impl Spec for CreateTicket {
    const NAME: &'static str = "create_ticket";
    const NEEDS: Needs = Needs::client();
    const TITLE: [&'static str; 3] = ["Создать заявку", "Өтінім құру", "Create a ticket"];
    const EXAMPLE: &'static str = r#"{"subject":"Не печатает касса","description":"С утра не выходит чек, на экране ошибка 52.","priority":"urgent","category":"bugfix"}"#;
    const FILES: bool = true;
    type By = ClientUser;
    type Output = TicketView;
}
impl Command for CreateTicket {
    fn run(self, cx: &Write<'_, ClientUser>) -> Result<TicketView> {
        let mut new = NewTicket::new(self.subject.0, Origin::Portal, cx.by.user_name.clone());
        new.priority = self.priority.unwrap_or(Priority::Normal);
        new.category = self.category.map_or(new.category, |c| c.0);
        new.client = Some(cx.by.client);
        new.contact = cx.by.contact;
        new.client_user_id = cx.by.user_id;
        new.client_session = (cx.by.user_id == 0).then(|| cx.by.session.clone());
        new.locale = cx.by.locale.or(Some(cx.call.lang));
        let first = Draft {
            uploads: cx.call.uploads.clone(),
            ..Draft::client(self.description.0)
        };
        let (ticket, _) = ticket::open(&acting(cx), new, first)?;
        answer(cx, ticket.id)
    }
}

/// Lists the caller's own tickets, the latest change first.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ListTickets {
    /// Which statuses to show.
    #[serde(default)]
    status: Option<StatusFilter>,
    /// Words to look for.
    #[serde(default)]
    search: Option<Line>,
    /// Which page, from 1.
    #[serde(default)]
    page: Option<Int>,
    /// How many a page has, at most 100.
    #[serde(default)]
    limit: Option<Int>,
}
impl Spec for ListTickets {
    const NAME: &'static str = "list_tickets";
    const NEEDS: Needs = Needs::client();
    const TITLE: [&'static str; 3] = ["Мои заявки", "Менің өтінімдерім", "List my tickets"];
    const EXAMPLE: &'static str = r#"{"status":"active","page":1}"#;
    type By = ClientUser;
    type Output = TicketPage;
}
impl Query for ListTickets {
    fn run(self, cx: &Read<'_, ClientUser>) -> Result<TicketPage> {
        let page = Page::new(self.page.map(|p| p.0), self.limit.map(|l| l.0), 30)?;
        let filter = Filter {
            stage: self.status.map_or(Stage::All, Stage::from),
            search: filled(self.search),
            ..Filter::all(cx.by.sight())
        };
        let (tickets, total) = list::page(cx.db, cx.by.tenant, &filter, page, cx.db.now)?;
        let ids: Vec<TicketId> = tickets.iter().map(|t| t.id).collect();
        let unread = list::unread_by_client(cx.db, cx.by.tenant, &ids)?;
        let own = |row: TicketRow| for_client(unread.get(&row.id).copied().unwrap_or(0), row);
        Ok(TicketPage {
            tickets: tickets.into_iter().map(own).collect(),
            total,
            page: page.page,
            limit: page.limit,
        })
    }
}

/// Leaves out of a row what only staff may know (the last message may be a note); unread are the desk's answers.
fn for_client(unread_count: i64, row: TicketRow) -> TicketRow {
    TicketRow {
        last_message: None,
        tags: Vec::new(),
        snoozed_until: None,
        unread_count,
        ..row
    }
}

/// Shows one of the caller's own tickets with its messages and files. Reading it marks the desk's answers read.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetTicket {
    /// The ticket.
    ticket_id: TicketId,
}
/// A ticket as its client sees it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct OwnTicket {
    /// The ticket.
    ticket: TicketView,
    /// Its messages in order.
    messages: Vec<MessageView>,
    /// All its files.
    files: Vec<FileView>,
    /// How its status changed.
    history: Vec<HistoryEntry>,
}
impl Spec for GetTicket {
    const NAME: &'static str = "get_ticket";
    const NEEDS: Needs = Needs::client();
    const TITLE: [&'static str; 3] = ["Моя заявка", "Менің өтінімім", "Get my ticket"];
    const EXAMPLE: &'static str = r#"{"ticket_id":42}"#;
    type By = ClientUser;
    type Output = OwnTicket;
}
impl Task for GetTicket {
    async fn run(self, cx: Slow<ClientUser>) -> Result<OwnTicket> {
        let (tenant, id, sight) = (cx.by.tenant, self.ticket_id, cx.by.sight());
        let (app, lang) = (cx.app.clone(), cx.call.lang);
        let own = cx
            .app
            .db
            .read(move |db| {
                let links = Links::new(&app.secret, tenant, db.now);
                let ticket = view::ticket(db, tenant, sight, id, db.now)?;
                let (mut messages, files) = view::messages(db, tenant, id, true, links)?;
                for message in &mut messages {
                    if message.author_name.is_empty() {
                        lang.pick(contact::ERASED)
                            .clone_into(&mut message.author_name);
                    }
                }
                let history = event::history(db, tenant, id, true)?;
                Ok(OwnTicket {
                    ticket,
                    messages,
                    files,
                    history,
                })
            })
            .await?;
        let actor = Actor::client(&cx.by);
        reading::shown(&cx.app.db, tenant, actor, id, Reader::Client, &own.messages).await;
        Ok(own)
    }
}

/// Replies to one of the caller's own tickets. A reply to a done ticket reopens it; to one closed long ago it opens a new
/// ticket, which the answer names.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct AddMessage {
    /// The ticket.
    ticket_id: TicketId,
    /// The text; may be empty only if there is a file.
    #[serde(default)]
    message: Option<Text>,
}
/// The message, and the ticket it is in.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Posted {
    #[serde(flatten)]
    message: MessageView,
    /// The ticket that the message is in.
    ticket_id: TicketId,
}
impl Spec for AddMessage {
    const NAME: &'static str = "add_message";
    const NEEDS: Needs = Needs::client();
    const TITLE: [&'static str; 3] = ["Ответить", "Жауап беру", "Reply"];
    const EXAMPLE: &'static str = r#"{"ticket_id":42,"message":"Спасибо, теперь всё работает."}"#;
    const FILES: bool = true;
    type By = ClientUser;
    type Output = Posted;
}
impl Command for AddMessage {
    fn run(self, cx: &Write<'_, ClientUser>) -> Result<Posted> {
        let ticket = own(cx, self.ticket_id)?;
        let text = match self.message {
            Some(text) => text.0,
            None if !cx.call.uploads.is_empty() => String::new(),
            None => return Err(Error::missing("message")),
        };
        let draft = Draft {
            channel: Some(Origin::Portal),
            uploads: cx.call.uploads.clone(),
            ..Draft::client(text)
        };
        let (ticket, id) = message::post_by_client(&acting(cx), ticket, draft)?;
        Ok(Posted {
            message: view::one_message(
                cx.tx,
                cx.by.tenant,
                id,
                true,
                Links::new(&cx.app.secret, cx.by.tenant, cx.tx.now),
            )?,
            ticket_id: ticket.id,
        })
    }
}

/// One of the caller's own tickets.
fn own(cx: &Write<'_, ClientUser>, id: TicketId) -> Result<Record> {
    view::reach(cx.tx, cx.by.tenant, &cx.by.sight(), id)
}

/// Counts the caller's own tickets and the hours of their company's plan.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ClientDashboard {}
/// The caller's tickets and hours.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ClientFigures {
    /// Open ones.
    open: i64,
    /// Those that wait for the caller: an estimate, or work to accept.
    waiting: i64,
    /// Done ones, not closed yet.
    done: i64,
    /// All.
    total: i64,
    /// The hours the plan includes each month.
    hours_per_month: f64,
    /// The hours used this month.
    hours_used: f64,
    /// The hours left this month.
    hours_left: f64,
}
impl Spec for ClientDashboard {
    const NAME: &'static str = "client_dashboard";
    const NEEDS: Needs = Needs::client();
    const TITLE: [&'static str; 3] = ["Моя сводка", "Менің көрсеткіштерім", "My dashboard"];
    const EXAMPLE: &'static str = "{}";
    type By = ClientUser;
    type Output = ClientFigures;
}
impl Query for ClientDashboard {
    fn run(self, cx: &Read<'_, ClientUser>) -> Result<ClientFigures> {
        let tenant = cx.by.tenant;
        let first = Page { page: 1, limit: 1 };
        let count = |stage| {
            let filter = Filter {
                stage,
                ..Filter::all(cx.by.sight())
            };
            list::page(cx.db, tenant, &filter, first, cx.db.now).map(|(_, total)| total)
        };
        let (open, done) = (count(Stage::Active)?, count(Stage::One(Status::Done))?);
        let company = client::view(cx.db, tenant, &cx.by.portal_domain, cx.db.now)?;
        Ok(ClientFigures {
            open,
            waiting: done + count(Stage::One(Status::Estimated))?,
            done,
            total: count(Stage::All)?,
            hours_per_month: company.hours_per_month,
            hours_used: company.hours_used,
            hours_left: (company.hours_per_month - company.hours_used).max(0.0),
        })
    }
}

/// Tells what the company's plan includes and how much of it is used.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Tariff {}
/// What a company's plan includes each month and how much of it is used.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct OwnTariff {
    /// The code of the plan.
    tariff_plan: String,
    /// Its name.
    name: String,
    /// The hours it includes each month.
    hours_per_month: f64,
    /// The hours used this month.
    hours_used: f64,
    /// The hours left this month.
    hours_left: f64,
    /// What an hour beyond the plan costs, if it is agreed.
    hourly_rate: Option<f64>,
    /// The currency of the rate.
    currency: String,
    /// When this month began in the desk's own calendar.
    period_start: At,
}
impl Spec for Tariff {
    const NAME: &'static str = "tariff";
    const NEEDS: Needs = Needs::client();
    const TITLE: [&'static str; 3] = ["Мой тариф", "Менің тарифім", "My plan"];
    const EXAMPLE: &'static str = "{}";
    type By = ClientUser;
    type Output = OwnTariff;
}
impl Query for Tariff {
    fn run(self, cx: &Read<'_, ClientUser>) -> Result<OwnTariff> {
        let tenant = tenant::by_id(cx.db, cx.by.tenant)?;
        let company = client::view(cx.db, tenant.id, &cx.by.portal_domain, cx.db.now)?;
        let name = tariff::name_of(cx.db, tenant.id, &company.tariff_plan)?;
        Ok(OwnTariff {
            name,
            hours_left: (company.hours_per_month - company.hours_used).max(0.0),
            tariff_plan: company.tariff_plan,
            hours_per_month: company.hours_per_month,
            hours_used: company.hours_used,
            hourly_rate: company.hourly_rate,
            currency: company.currency,
            period_start: At(tenant.month_start(cx.db.now)),
        })
    }
}

/// Sets the language that the caller is written to in. A name-less session has nowhere to keep it.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct SetLocale {
    /// The language.
    locale: Lang,
}
/// The language that is set.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct LocaleSet {
    /// The language.
    locale: Lang,
}
impl Spec for SetLocale {
    const NAME: &'static str = "set_locale";
    const NEEDS: Needs = Needs::client();
    const TITLE: [&'static str; 3] = ["Выбрать язык", "Тілді таңдау", "Set my language"];
    const EXAMPLE: &'static str = r#"{"locale":"kk"}"#;
    type By = ClientUser;
    type Output = LocaleSet;
}
impl Command for SetLocale {
    fn run(self, cx: &Write<'_, ClientUser>) -> Result<LocaleSet> {
        if cx.by.user_id > 0 {
            run(
                cx.tx,
                "insert into portal_user (tenant_id, client_id, user_id, locale) values (?1, ?2, ?3, ?4)
                 on conflict do update set locale = excluded.locale",
                (cx.by.tenant, cx.by.client, cx.by.user_id, self.locale),
            )?;
        }
        Ok(LocaleSet {
            locale: self.locale,
        })
    }
}
