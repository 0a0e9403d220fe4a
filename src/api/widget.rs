//! The actions of a site's visitors, `/api/widget.php`. The `ticket_id` of a visitor is the ticket's random public
//! reference, never the desk's number. Whoever holds the ticket's token has proved themselves; reference and e-mail together
//! are as good unless the tenant is strict, and wrong guesses are slowed down.
use super::{
    Action, Call, Command, Query, Read, Slow, Spec, Task, Write, command,
    field::{Body, Email, Int, Line, Name, TenantId, Text},
    query, task,
};
use crate::{
    access::{
        WidgetSite,
        rules::Needs,
        secret::{Purpose, Secret},
    },
    app::App,
    clock::{Millis, SECOND},
    error::{Code, Error, Result},
    lang::Lang,
    tenant,
    ticket::{
        self, Acting, Actor, NewTicket,
        files::Links,
        message::{self, Draft, Reader},
        model::{Author, FileView, Origin},
        record::{self, Record},
        status::Status,
        view,
    },
};
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) const GROUPS: &[(&str, &[Action])] = &[("widget", ACTIONS)];

const ACTIONS: &[Action] = &[
    query::<Config>(),
    command::<CreateTicket>(),
    task::<CheckStatus>(),
    task::<GetMessages>(),
    command::<AddReply>(),
];

/// The token of a ticket: it names the ticket and proves that its bearer opened it.
fn token(secret: &Secret, tenant: TenantId, reference: i64) -> String {
    let parts = [tenant.0.to_be_bytes(), reference.to_be_bytes()];
    let proof = secret.sign(Purpose::WidgetTicket, &[&parts[0], &parts[1]]);
    format!("wt_{reference}_{proof}")
}

/// The reference that a token names, if this installation made it for this tenant.
fn reference_of(secret: &Secret, tenant: TenantId, token: &str) -> Option<i64> {
    let (reference, proof) = token.strip_prefix("wt_")?.split_once('_')?;
    let reference: i64 = reference.parse().ok()?;
    let parts = [tenant.0.to_be_bytes(), reference.to_be_bytes()];
    secret
        .verify(Purpose::WidgetTicket, &[&parts[0], &parts[1]], proof)
        .then_some(reference)
}

/// How a visitor names their ticket: by its token, or by its id and the e-mail it was opened with.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(crate) struct Door {
    /// The ticket's public id.
    #[serde(default)]
    ticket_id: Option<Int>,
    /// The address it was opened with.
    #[serde(default)]
    email: Option<Line>,
    /// The ticket's token, in place of both.
    #[serde(default)]
    ticket_token: Option<Line>,
}

impl Door {
    /// The ticket behind the door. A wrong id and a wrong address have one answer, and too many of them a wait.
    fn open(
        &self,
        conn: &Connection,
        app: &App,
        site: &WidgetSite,
        call: &Call,
        now: Millis,
    ) -> Result<Record> {
        let tenant = site.tenant;
        if let Some(token) = self.ticket_token.as_ref().filter(|t| !t.is_empty()) {
            let found = match reference_of(&app.secret, tenant, token) {
                Some(reference) => record::by_reference(conn, tenant, reference)?,
                None => None,
            };
            return found.ok_or_else(|| Error::new(Code::TicketNotFound).on("ticket_token"));
        }
        let reference = self.ticket_id.ok_or_else(|| Error::missing("ticket_id"))?.0;
        let email = self.email.as_ref().ok_or_else(|| Error::missing("email"))?;
        let tries = (call.address, reference);
        let wait = app
            .guesses
            .wait(&tries, now)
            .max(app.guesses.wait(&(call.address, 0), now));
        if wait > 0 {
            return Err(Error::new(Code::RateLimited).with("retry_after", wait / SECOND + 1));
        }
        let strict = tenant::by_id(conn, tenant)?.settings.widget_strict;
        let found = record::by_reference(conn, tenant, reference)?;
        let fits = |ticket: &Record| {
            ticket.channel == Origin::Widget
                && ticket.creator_email.as_deref() == Some(email.trim().to_lowercase().as_str())
        };
        match found.filter(|t| fits(t) && !strict) {
            Some(ticket) => {
                app.guesses.succeeded(&tries);
                Ok(ticket)
            }
            None => {
                app.guesses.failed(tries, now);
                app.guesses.failed((call.address, 0), now);
                Err(Error::new(Code::TicketNotFound).on("ticket_id"))
            }
        }
    }
}

/// The colours and the name that the widget wears.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct WidgetBranding {
    /// The company that gives support.
    company_name: String,
    /// Its colour, `#rrggbb`.
    primary_color: String,
}

/// The words of the widget's first screen.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct WidgetTexts {
    /// The title.
    title: String,
    /// What greets the visitor.
    welcome: String,
}

/// Which fields the form has.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct WidgetFields {
    /// Whether it asks for a name.
    name: bool,
    /// Whether it asks for an address.
    email: bool,
    /// Whether it asks for a phone number.
    phone: bool,
}

/// How the widget is to look and what it is to say.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct WidgetConfig {
    /// Colours and name.
    branding: WidgetBranding,
    /// Words.
    texts: WidgetTexts,
    /// Fields.
    fields: WidgetFields,
    /// Whether the desk is at work now.
    is_open: bool,
    /// When it is at work next, if it is not.
    opens_at: Option<super::field::At>,
    /// Whether the knowledge base may be searched.
    kb: bool,
}

/// Tells the widget how to look and what to say.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Config {
    /// The site's public widget key.
    #[serde(rename = "api_key")]
    _api_key: Line,
}
impl Spec for Config {
    const NAME: &'static str = "config";
    const NEEDS: Needs = Needs::widget();
    const TITLE: [&'static str; 3] = [
        "Настройки виджета",
        "Виджет баптаулары",
        "Widget configuration",
    ];
    const EXAMPLE: &'static str = r#"{"api_key":"YOUR_WIDGET_API_KEY"}"#;
    type By = WidgetSite;
    type Output = WidgetConfig;
}
impl Query for Config {
    fn run(self, cx: &Read<'_, WidgetSite>) -> Result<WidgetConfig> {
        let tenant = tenant::by_id(cx.db, cx.by.tenant)?;
        let is_open = tenant.hours.is_open(cx.db.now);
        let [title, welcome] = match cx.call.lang {
            Lang::Ru => ["Поддержка", "Опишите вопрос, и мы ответим здесь же."],
            Lang::Kk => [
                "Қолдау қызметі",
                "Сұрағыңызды жазыңыз, осында жауап береміз.",
            ],
            Lang::En => [
                "Support",
                "Tell us what happened and we will answer right here.",
            ],
        };
        Ok(WidgetConfig {
            opens_at: tenant
                .hours
                .next_open(cx.db.now)
                .filter(|_| !is_open)
                .map(super::field::At),
            is_open,
            branding: WidgetBranding {
                company_name: tenant.name,
                primary_color: tenant.settings.primary_color,
            },
            texts: WidgetTexts {
                title: title.to_owned(),
                welcome: welcome.to_owned(),
            },
            fields: WidgetFields {
                name: true,
                email: true,
                phone: true,
            },
            kb: false,
        })
    }
}

/// Opens a ticket from a site. Answers its public id and a token that opens it again.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct CreateTicket {
    /// The site's public widget key.
    #[serde(rename = "api_key")]
    _api_key: Line,
    /// What the visitor is called.
    name: Name,
    /// The visitor's address.
    email: Email,
    /// The visitor's phone number.
    #[serde(default)]
    phone: Option<Line>,
    /// What it is about; the beginning of the description if left out.
    #[serde(default)]
    subject: Option<Line>,
    /// What happened.
    description: Body,
    /// The page the visitor was on.
    #[serde(default)]
    page: Option<Line>,
    /// A field that people do not see. Who fills it in is a machine: it is answered and nothing is stored.
    #[serde(default)]
    website: Option<Line>,
}
/// The ticket that was opened.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Opened {
    /// The ticket's public id.
    ticket_id: i64,
    /// Where it stands.
    status: Status,
    /// The token that opens it again.
    ticket_token: String,
}
impl Spec for CreateTicket {
    const NAME: &'static str = "create_ticket";
    const NEEDS: Needs = Needs::widget();
    const TITLE: [&'static str; 3] = [
        "Создать заявку с сайта",
        "Сайттан өтінім құру",
        "Create a ticket from a site",
    ];
    const EXAMPLE: &'static str = r#"{"api_key":"YOUR_WIDGET_API_KEY","name":"Асем","email":"asem@client.example","subject":"Вопрос по заказу","description":"Где мой заказ?"}"#;
    const FILES: bool = true;
    type By = WidgetSite;
    type Output = Opened;
}

/// How many characters of a description make a subject.
const SUBJECT: usize = 80;

impl Command for CreateTicket {
    fn run(self, cx: &Write<'_, WidgetSite>) -> Result<Opened> {
        let tenant = cx.by.tenant;
        if self.website.is_some_and(|w| !w.is_empty()) {
            let reference = ticket::random_reference()?;
            return Ok(Opened {
                ticket_id: reference,
                status: Status::New,
                ticket_token: token(&cx.app.secret, tenant, reference),
            });
        }
        let subject = match self.subject.filter(|s| !s.is_empty()) {
            Some(subject) => subject.0,
            None => first_words(&self.description),
        };
        let mut new = NewTicket::new(subject, Origin::Widget, self.name.0.clone());
        "general".clone_into(&mut new.category);
        new.creator_email = Some(self.email.0);
        new.creator_phone = self.phone.map(|p| p.0).filter(|p| !p.is_empty());
        new.locale = Some(cx.call.lang);
        let first = Draft {
            uploads: cx.call.uploads.clone(),
            ..Draft::client(self.description.0)
        };
        let visitor = Acting::new(cx.tx, tenant, Actor::visitor(&self.name));
        let (mut ticket, _) = ticket::open(&visitor, new, first)?;
        if let Some(page) = self.page.filter(|p| !p.is_empty()) {
            let system = Acting::new(cx.tx, tenant, Actor::system());
            message::post_system_note(&system, &mut ticket, page.0)?;
        }
        Ok(Opened {
            ticket_id: ticket.reference,
            status: ticket.status,
            ticket_token: token(&cx.app.secret, tenant, ticket.reference),
        })
    }
}

/// The beginning of a text as a subject, cut at a word.
fn first_words(text: &str) -> String {
    let line = text
        .lines()
        .map(str::trim)
        .find(|l| !l.is_empty())
        .unwrap_or_default();
    if line.chars().count() <= SUBJECT {
        return line.to_owned();
    }
    let cut: String = line.chars().take(SUBJECT).collect();
    let whole = cut
        .rsplit_once(char::is_whitespace)
        .map_or(cut.as_str(), |(words, _)| words);
    format!("{whole}…")
}

/// Tells where a ticket stands.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct CheckStatus {
    /// The site's public widget key.
    #[serde(rename = "api_key")]
    _api_key: Line,
    #[serde(flatten)]
    door: Door,
}
/// Where a ticket stands.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Standing {
    /// The ticket's public id.
    ticket_id: i64,
    /// What it is about.
    subject: String,
    /// Where it stands.
    status: Status,
    /// When anything last happened to it.
    updated_at: super::field::At,
}
impl Spec for CheckStatus {
    const NAME: &'static str = "check_status";
    const NEEDS: Needs = Needs::widget();
    const TITLE: [&'static str; 3] = ["Узнать статус", "Күйін білу", "Check a ticket's status"];
    const EXAMPLE: &'static str = r#"{"api_key":"YOUR_WIDGET_API_KEY","ticket_id":123456789012,"email":"asem@client.example"}"#;
    type By = WidgetSite;
    type Output = Standing;
}
impl Task for CheckStatus {
    async fn run(self, cx: Slow<WidgetSite>) -> Result<Standing> {
        let app = cx.app.clone();
        cx.app
            .db
            .read(move |db| {
                let ticket = self.door.open(db, &app, &cx.by, &cx.call, db.now)?;
                Ok(Standing {
                    ticket_id: ticket.reference,
                    updated_at: super::field::At(ticket.updated_at),
                    status: ticket.status,
                    subject: ticket.subject,
                })
            })
            .await
    }
}

/// A message as a visitor sees it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct VisitorMessage {
    /// The message.
    id: super::field::MessageId,
    /// Its text; empty once deleted.
    message: String,
    /// Which side wrote it.
    author_type: Author,
    /// Who wrote it.
    author_name: String,
    /// When.
    created_at: super::field::At,
    /// Its attachments.
    files: Vec<FileView>,
}

impl From<ticket::model::MessageView> for VisitorMessage {
    fn from(view: ticket::model::MessageView) -> VisitorMessage {
        VisitorMessage {
            id: view.id,
            message: view.message,
            author_type: view.author_type,
            author_name: view.author_name,
            created_at: view.created_at,
            files: view.files,
        }
    }
}

/// Shows the messages of a ticket.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetMessages {
    /// The site's public widget key.
    #[serde(rename = "api_key")]
    _api_key: Line,
    #[serde(flatten)]
    door: Door,
}
/// A ticket's messages as a visitor sees them.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Conversation {
    /// The ticket's public id.
    ticket_id: i64,
    /// What it is about.
    subject: String,
    /// Where it stands.
    status: Status,
    /// Its messages in order.
    messages: Vec<VisitorMessage>,
}
impl Spec for GetMessages {
    const NAME: &'static str = "get_messages";
    const NEEDS: Needs = Needs::widget();
    const TITLE: [&'static str; 3] = [
        "Сообщения заявки",
        "Өтінім хабарламалары",
        "Get a ticket's messages",
    ];
    const EXAMPLE: &'static str = r#"{"api_key":"YOUR_WIDGET_API_KEY","ticket_id":123456789012,"email":"asem@client.example"}"#;
    type By = WidgetSite;
    type Output = Conversation;
}
impl Task for GetMessages {
    async fn run(self, cx: Slow<WidgetSite>) -> Result<Conversation> {
        let (app, tenant) = (cx.app.clone(), cx.by.tenant);
        let (conversation, id, name, unread) = cx
            .app
            .db
            .read(move |db| {
                let ticket = self.door.open(db, &app, &cx.by, &cx.call, db.now)?;
                let links = Links::new(&app.secret, tenant, db.now);
                let (messages, _) = view::messages(db, tenant, ticket.id, true, links)?;
                let unread = messages.iter().any(|m| {
                    m.author_type == Author::Support
                        && m.delivery_status == Some(ticket::model::Delivery::Sent)
                });
                let conversation = Conversation {
                    ticket_id: ticket.reference,
                    subject: ticket.subject,
                    status: ticket.status,
                    messages: messages.into_iter().map(VisitorMessage::from).collect(),
                };
                Ok((conversation, ticket.id, ticket.creator_name, unread))
            })
            .await?;
        if unread {
            let actor = Actor::visitor(&name);
            cx.app
                .db
                .write(move |tx| {
                    message::mark_read(&Acting::new(tx, tenant, actor), id, Reader::Client)
                })
                .await?;
        }
        Ok(conversation)
    }
}

/// Replies to a ticket.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct AddReply {
    /// The site's public widget key.
    #[serde(rename = "api_key")]
    _api_key: Line,
    #[serde(flatten)]
    door: Door,
    /// The text; may be empty only if there is a file.
    #[serde(default)]
    message: Option<Text>,
}
/// The reply that was posted.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Replied {
    /// The message.
    message: VisitorMessage,
    /// The public id of the ticket it is in: a reply on a ticket closed long ago opens a new one.
    ticket_id: i64,
    /// That ticket's token.
    ticket_token: String,
}
impl Spec for AddReply {
    const NAME: &'static str = "add_reply";
    const NEEDS: Needs = Needs::widget();
    const TITLE: [&'static str; 3] = [
        "Ответить с сайта",
        "Сайттан жауап беру",
        "Reply from a site",
    ];
    const EXAMPLE: &'static str = r#"{"api_key":"YOUR_WIDGET_API_KEY","ticket_id":123456789012,"email":"asem@client.example","message":"Спасибо!"}"#;
    const FILES: bool = true;
    type By = WidgetSite;
    type Output = Replied;
}
impl Command for AddReply {
    fn run(self, cx: &Write<'_, WidgetSite>) -> Result<Replied> {
        let tenant = cx.by.tenant;
        let ticket = self.door.open(cx.tx, cx.app, cx.by, cx.call, cx.tx.now)?;
        let text = match self.message {
            Some(text) => text.0,
            None if !cx.call.uploads.is_empty() => String::new(),
            None => return Err(Error::missing("message")),
        };
        let draft = Draft {
            uploads: cx.call.uploads.clone(),
            ..Draft::client(text)
        };
        let visitor = Acting::new(cx.tx, tenant, Actor::visitor(&ticket.creator_name));
        let (ticket, id) = message::post_by_client(&visitor, ticket, draft)?;
        let links = Links::new(&cx.app.secret, tenant, cx.tx.now);
        Ok(Replied {
            message: view::one_message(cx.tx, tenant, id, true, links)?.into(),
            ticket_id: ticket.reference,
            ticket_token: token(&cx.app.secret, tenant, ticket.reference),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_made_of_the_first_words() {
        assert_eq!(
            first_words("\n  Где мой заказ?\nЖду третий день."),
            "Где мой заказ?"
        );
        let long = "слово ".repeat(30);
        let subject = first_words(&long);
        assert!(subject.ends_with("слово…") && subject.chars().count() <= SUBJECT + 1);
    }
}
