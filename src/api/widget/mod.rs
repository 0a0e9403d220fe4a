//! The actions of a site's visitors, `/api/widget.php`. The `ticket_id` of a visitor is the ticket's random public
//! reference, never the desk's number. Whoever holds the ticket's token has proved themselves; reference and e-mail together
//! are as good unless the tenant is strict, and wrong guesses are slowed down.
pub(crate) mod code;
pub(crate) mod config;
mod door;
mod knowledge;

use super::{
    Action, Command, Slow, Spec, Task, Write, command,
    field::{At, Body, Email, Int, Line, MessageId, Name, Text},
    query, task,
};
use crate::{
    access::{WidgetSite, rules::Needs},
    error::{Error, Result},
    ticket::{
        self, Acting, Actor, NewTicket,
        files::Links,
        message::{self, Draft, Reader},
        model::{Author, FileView, Origin},
        reading,
        status::Status,
        view,
    },
};
use code::{ConfirmCode, RequestCode};
use config::Config;
use door::{Door, token};
use knowledge::{KbArticle, KbSearch};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) const GROUPS: &[(&str, &[Action])] = &[("widget", ACTIONS)];

const ACTIONS: &[Action] = &[
    query::<Config>(),
    command::<CreateTicket>(),
    task::<CheckStatus>(),
    task::<GetMessages>(),
    command::<AddReply>(),
    task::<RequestCode>(),
    task::<ConfirmCode>(),
    query::<KbSearch>(),
    task::<KbArticle>(),
];

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
    updated_at: At,
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
        let door = Door {
            ticket_id: self.ticket_id,
            email: self.email,
            ticket_token: self.ticket_token,
        };
        let app = cx.app.clone();
        cx.app
            .db
            .read(move |db| {
                let ticket = door.open(db, &app, &cx.by, &cx.call, db.now)?;
                Ok(Standing {
                    ticket_id: ticket.reference,
                    updated_at: At(ticket.updated_at),
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
    id: MessageId,
    /// Its text; empty once deleted.
    message: String,
    /// Which side wrote it.
    author_type: Author,
    /// Who wrote it.
    author_name: String,
    /// When.
    created_at: At,
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
        let door = Door {
            ticket_id: self.ticket_id,
            email: self.email,
            ticket_token: self.ticket_token,
        };
        let (app, tenant) = (cx.app.clone(), cx.by.tenant);
        let (ticket, messages) = cx
            .app
            .db
            .read(move |db| {
                let ticket = door.open(db, &app, &cx.by, &cx.call, db.now)?;
                let links = Links::new(&app.secret, tenant, db.now);
                let (messages, _) = view::messages(db, tenant, ticket.id, true, links)?;
                Ok((ticket, messages))
            })
            .await?;
        let actor = Actor::visitor(&ticket.creator_name);
        reading::shown(
            &cx.app.db,
            tenant,
            actor,
            ticket.id,
            Reader::Client,
            &messages,
        )
        .await;
        Ok(Conversation {
            ticket_id: ticket.reference,
            subject: ticket.subject,
            status: ticket.status,
            messages: messages.into_iter().map(VisitorMessage::from).collect(),
        })
    }
}

/// Replies to a ticket.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct AddReply {
    /// The site's public widget key.
    #[serde(rename = "api_key")]
    _api_key: Line,
    /// The ticket's public id.
    #[serde(default)]
    ticket_id: Option<Int>,
    /// The address it was opened with.
    #[serde(default)]
    email: Option<Line>,
    /// The ticket's token, in place of both.
    #[serde(default)]
    ticket_token: Option<Line>,
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
        let door = Door {
            ticket_id: self.ticket_id,
            email: self.email,
            ticket_token: self.ticket_token,
        };
        let ticket = door.open(cx.tx, cx.app, cx.by, cx.call, cx.tx.now)?;
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
        let (known_as, email) = (ticket.reference, ticket.creator_email.clone());
        let (ticket, id) = message::post_by_client(&visitor, ticket, draft)?;
        // What was merged into somebody else's ticket is said there, and not shown from there.
        let reference = match ticket.creator_email == email {
            true => ticket.reference,
            false => known_as,
        };
        let links = Links::new(&cx.app.secret, tenant, cx.tx.now);
        Ok(Replied {
            message: view::one_message(cx.tx, tenant, id, true, links)?.into(),
            ticket_id: reference,
            ticket_token: token(&cx.app.secret, tenant, reference),
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
