//! Messages for staff: answering, noting, editing, deleting, and files uploaded ahead of them.
use super::{
    Deleted,
    drafts::{self, DraftKind},
};
use crate::{
    access::{Operator, rules::Needs},
    api::{
        Action, Command, Query, Read, Slow, Spec, Task, Write, command,
        field::{At, Body, FileId, Flag, Int, List, MessageId, OperatorId, Text, TicketId, Time},
        query, task,
    },
    channel::outbox,
    clock::{Millis, SECOND},
    db::sql::all,
    error::{Code, Error, Fault, Result},
    tenant::plan::Scope::{Messages as M, Read as R, Write as W},
    ticket::{
        Acting, Actor,
        files::{self, Links},
        follow, held,
        message::{self, Draft, Stored},
        model::{FileView, MessageView},
        record, view,
    },
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) const ACTIONS: &[Action] = &[
    command::<AddMessage>(),
    command::<EditMessage>(),
    command::<DeleteMessage>(),
    command::<WithdrawMessage>(),
    command::<RescheduleMessage>(),
    query::<ListMessageEdits>(),
    command::<RetryMessage>(),
    command::<UploadFile>(),
    task::<Typing>(),
    query::<Presence>(),
];

fn acting<'a>(cx: &'a Write<'_, Operator>) -> Acting<'a> {
    Acting::new(cx.tx, cx.by.tenant, Actor::operator(cx.by))
}

fn answer(cx: &Write<'_, Operator>, id: MessageId) -> Result<MessageView> {
    view::one_message(
        cx.tx,
        cx.by.tenant,
        id,
        false,
        Links::new(&cx.app.secret, cx.by.tenant, cx.tx.now),
    )
}

/// Answers a ticket, or adds an internal note. A public answer goes out by the ticket's channel through a durable queue;
/// `delivery_status` tells how it fares. The text may be empty only if there is a file.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct AddMessage {
    /// The ticket.
    ticket_id: TicketId,
    /// The text.
    #[serde(default)]
    message: Option<Text>,
    /// Whether only staff may see it.
    #[serde(default)]
    is_note: Flag,
    /// Files that were uploaded before.
    #[serde(default)]
    file_ids: List<FileId, 50>,
    /// How many seconds a public answer waits before it leaves, at most 30; until then `withdraw_message` takes it back.
    #[serde(default)]
    undo_seconds: Option<Int>,
    /// When a public answer is to leave; at once if left out.
    #[serde(default)]
    send_at: Option<Time>,
    /// The operators whom a note names; they follow the ticket from now on.
    #[serde(default)]
    mentions: List<OperatorId, 50>,
}

impl AddMessage {
    /// Until when the answer is held; a note never is.
    fn held_until(&self, now: Millis) -> Result<Option<Millis>> {
        if self.is_note.0 {
            return Ok(None);
        }
        if let Some(Time(at)) = self.send_at {
            return match at > now {
                true => Ok(Some(at)),
                false => Err(Error::invalid("send_at", Fault::NotFuture)),
            };
        }
        match self.undo_seconds {
            None | Some(Int(0)) => Ok(None),
            Some(Int(seconds @ 1..=30)) => Ok(Some(now + seconds * SECOND)),
            Some(_) => Err(Error::invalid("undo_seconds", Fault::OutOfRange(0, 30))),
        }
    }
}
impl Spec for AddMessage {
    const NAME: &'static str = "add_message";
    const NEEDS: Needs = Needs::scopes(&[W, M]);
    const TITLE: [&'static str; 3] = [
        "Ответить или оставить заметку",
        "Жауап беру не жазба қалдыру",
        "Add a message",
    ];
    const EXAMPLE: &'static str =
        r#"{"ticket_id":42,"message":"Fixed. CPU dropped to 35% after restarting the service."}"#;
    const FILES: bool = true;
    type By = Operator;
    type Output = MessageView;
}
impl Command for AddMessage {
    fn run(self, cx: &Write<'_, Operator>) -> Result<MessageView> {
        let held_until = self.held_until(cx.tx.now)?;
        let mut ticket = record::by_id(cx.tx, cx.by.tenant, self.ticket_id)?;
        let has_files = !(self.file_ids.0.is_empty() && cx.call.uploads.is_empty());
        let text = match self.message {
            Some(text) => text.0,
            None if has_files => String::new(),
            None => return Err(Error::missing("message")),
        };
        let draft = Draft {
            is_note: self.is_note.0,
            uploads: cx.call.uploads.clone(),
            file_ids: self.file_ids.0,
            held_until,
            ..Draft::support(text)
        };
        let acting = acting(cx);
        let id = message::post_by_support(&acting, &mut ticket, draft)?;
        follow::mention(&acting, &ticket, id, &self.mentions.0)?;
        let kind = match self.is_note.0 {
            true => DraftKind::Note,
            false => DraftKind::Reply,
        };
        drafts::clear(cx.tx, cx.by.tenant, cx.by.id, ticket.id, kind)?;
        answer(cx, id)
    }
}

/// A message that the caller may change: their own, or another's if they may edit.
fn changeable(cx: &Write<'_, Operator>, id: MessageId) -> Result<Stored> {
    let message = message::by_id(cx.tx, cx.by.tenant, id)?;
    if message.operator != Some(cx.by.id) && !cx.by.can_edit() {
        return Err(Error::new(Code::EditingNotAllowed));
    }
    Ok(message)
}

/// Replaces a message's text; the earlier one is kept in its history.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct EditMessage {
    /// The message.
    message_id: MessageId,
    /// Its new text.
    message: Body,
}
impl Spec for EditMessage {
    const NAME: &'static str = "edit_message";
    const NEEDS: Needs = Needs::scopes(&[W, M]);
    const TITLE: [&'static str; 3] = [
        "Изменить сообщение",
        "Хабарламаны өзгерту",
        "Edit a message",
    ];
    const EXAMPLE: &'static str =
        r#"{"message_id":102,"message":"Настройки синхронизации проверены, ошибка найдена."}"#;
    type By = Operator;
    type Output = MessageView;
}
impl Command for EditMessage {
    fn run(self, cx: &Write<'_, Operator>) -> Result<MessageView> {
        let stored = changeable(cx, self.message_id)?;
        message::edit(&acting(cx), &stored, &self.message)?;
        answer(cx, stored.id)
    }
}

/// Deletes a message; a tombstone without text stays in its place.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct DeleteMessage {
    /// The message.
    message_id: MessageId,
}
impl Spec for DeleteMessage {
    const NAME: &'static str = "delete_message";
    const NEEDS: Needs = Needs::scopes(&[W, M]);
    const TITLE: [&'static str; 3] = ["Удалить сообщение", "Хабарламаны жою", "Delete a message"];
    const EXAMPLE: &'static str = r#"{"message_id":102}"#;
    type By = Operator;
    type Output = Deleted;
}
impl Command for DeleteMessage {
    const FREES: bool = true;
    fn run(self, cx: &Write<'_, Operator>) -> Result<Deleted> {
        let stored = changeable(cx, self.message_id)?;
        message::delete(&acting(cx), &stored)?;
        Ok(Deleted::of(stored.id.0))
    }
}

/// Takes back an answer that has not left yet. Its files can be attached again.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct WithdrawMessage {
    /// The message.
    message_id: MessageId,
}
impl Spec for WithdrawMessage {
    const NAME: &'static str = "withdraw_message";
    const NEEDS: Needs = Needs::scopes(&[W, M]);
    const TITLE: [&'static str; 3] = [
        "Отменить отправку",
        "Жіберуді болдырмау",
        "Take back a message",
    ];
    const EXAMPLE: &'static str = r#"{"message_id":102}"#;
    type By = Operator;
    type Output = Deleted;
}
impl Command for WithdrawMessage {
    fn run(self, cx: &Write<'_, Operator>) -> Result<Deleted> {
        let stored = changeable(cx, self.message_id)?;
        held::withdraw(&acting(cx), &stored)?;
        Ok(Deleted::of(stored.id.0))
    }
}

/// Lets an answer that waits leave at another time, or at once.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct RescheduleMessage {
    /// The message.
    message_id: MessageId,
    /// When it is to leave; at once if left out.
    #[serde(default)]
    send_at: Option<Time>,
}
impl Spec for RescheduleMessage {
    const NAME: &'static str = "reschedule_message";
    const NEEDS: Needs = Needs::scopes(&[W, M]);
    const TITLE: [&'static str; 3] = [
        "Перенести отправку",
        "Жіберу уақытын өзгерту",
        "Send a waiting message at another time",
    ];
    const EXAMPLE: &'static str = r#"{"message_id":102,"send_at":"2099-03-19T10:30:00Z"}"#;
    type By = Operator;
    type Output = MessageView;
}
impl Command for RescheduleMessage {
    fn run(self, cx: &Write<'_, Operator>) -> Result<MessageView> {
        let stored = changeable(cx, self.message_id)?;
        let until = match self.send_at {
            Some(Time(at)) if at <= cx.tx.now => {
                return Err(Error::invalid("send_at", Fault::NotFuture));
            }
            Some(Time(at)) => at,
            None => cx.tx.now,
        };
        held::hold(&acting(cx), &stored, until)?;
        answer(cx, stored.id)
    }
}

/// What a message said before it was edited.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct EditView {
    /// The earlier text.
    message: String,
    /// When it was replaced.
    edited_at: At,
    /// Who replaced it.
    edited_by_name: Option<String>,
}

/// Lists what a message said before, the oldest first.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ListMessageEdits {
    /// The message.
    message_id: MessageId,
}
impl Spec for ListMessageEdits {
    const NAME: &'static str = "list_message_edits";
    const NEEDS: Needs = Needs::scopes(&[R, M]);
    const TITLE: [&'static str; 3] = [
        "Прежние тексты сообщения",
        "Хабарламаның бұрынғы мәтіндері",
        "List a message's earlier texts",
    ];
    const EXAMPLE: &'static str = r#"{"message_id":102}"#;
    type By = Operator;
    type Output = Vec<EditView>;
}
impl Query for ListMessageEdits {
    fn run(self, cx: &Read<'_, Operator>) -> Result<Vec<EditView>> {
        let stored = message::by_id(cx.db, cx.by.tenant, self.message_id)?;
        all(
            cx.db,
            "select e.body, e.edited_at, o.name
               from message_edit e
               left join operator o on o.tenant_id = e.tenant_id and o.id = e.edited_by
              where e.tenant_id = ?1 and e.message_id = ?2
              order by e.id",
            (cx.by.tenant, stored.id),
            |row| {
                Ok(EditView {
                    message: row.get(0)?,
                    edited_at: row.get(1)?,
                    edited_by_name: row.get(2)?,
                })
            },
        )
    }
}

/// Puts a message that could not be delivered back into the queue.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct RetryMessage {
    /// The message.
    message_id: MessageId,
}
impl Spec for RetryMessage {
    const NAME: &'static str = "retry_message";
    const NEEDS: Needs = Needs::scopes(&[W, M]);
    const TITLE: [&'static str; 3] = [
        "Отправить снова",
        "Қайта жіберу",
        "Send a failed message again",
    ];
    const EXAMPLE: &'static str = r#"{"message_id":102}"#;
    type By = Operator;
    type Output = MessageView;
}
impl Command for RetryMessage {
    fn run(self, cx: &Write<'_, Operator>) -> Result<MessageView> {
        outbox::retry(&acting(cx), self.message_id)?;
        answer(cx, self.message_id)
    }
}

/// Uploads files ahead of the message they are for. A file that no message takes up is removed after a day.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct UploadFile {}
/// The uploaded files.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Uploaded {
    /// The files, to be attached by their ids.
    files: Vec<FileView>,
}
impl Spec for UploadFile {
    const NAME: &'static str = "upload_file";
    const NEEDS: Needs = Needs::scopes(&[W, M]);
    const TITLE: [&'static str; 3] = ["Загрузить файлы", "Файлдарды жүктеу", "Upload files"];
    const EXAMPLE: &'static str = "{}";
    const FILES: bool = true;
    type By = Operator;
    type Output = Uploaded;
}
impl Command for UploadFile {
    fn run(self, cx: &Write<'_, Operator>) -> Result<Uploaded> {
        if cx.call.uploads.is_empty() {
            return Err(Error::missing("files"));
        }
        let acting = acting(cx);
        let links = Links::new(&cx.app.secret, cx.by.tenant, cx.tx.now);
        let mut views = Vec::with_capacity(cx.call.uploads.len());
        for upload in &cx.call.uploads {
            let id = files::insert(&acting, upload, None, None)?;
            views.push(files::by_id(cx.tx, cx.by.tenant, id, links)?);
        }
        Ok(Uploaded { files: views })
    }
}

/// Somebody who looks at a ticket.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Viewer {
    /// The operator.
    pub(crate) operator_id: OperatorId,
    /// What they are called.
    pub(crate) name: String,
    /// Whether they are writing an answer.
    pub(crate) is_typing: bool,
}
/// Who looks at a ticket.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Viewers {
    /// Everybody who looks at it now, the caller left out.
    viewers: Vec<Viewer>,
}

/// Tells who else looks at a ticket or writes in it.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Presence {
    /// The ticket.
    ticket_id: TicketId,
}
impl Spec for Presence {
    const NAME: &'static str = "presence";
    const NEEDS: Needs = Needs::role(crate::access::rules::Role::Operator);
    const TITLE: [&'static str; 3] = [
        "Кто смотрит заявку",
        "Өтінімді кім қарап отыр",
        "See who views a ticket",
    ];
    const EXAMPLE: &'static str = r#"{"ticket_id":42}"#;
    type By = Operator;
    type Output = Viewers;
}
impl Query for Presence {
    fn run(self, cx: &Read<'_, Operator>) -> Result<Viewers> {
        record::by_id(cx.db, cx.by.tenant, self.ticket_id)?;
        let mut viewers = cx.app.hub.viewers(cx.by.tenant, self.ticket_id, cx.db.now);
        viewers.retain(|v| v.operator_id != cx.by.id);
        Ok(Viewers { viewers })
    }
}

/// Tells others that the caller looks at a ticket and whether they write in it. It holds for 30 seconds.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Typing {
    /// The ticket.
    ticket_id: TicketId,
    /// Whether the caller is writing.
    #[serde(default)]
    is_typing: Flag,
}
impl Spec for Typing {
    const NAME: &'static str = "typing";
    const NEEDS: Needs = Needs::role(crate::access::rules::Role::Operator);
    const TITLE: [&'static str; 3] = [
        "Сообщить, что пишу ответ",
        "Жауап жазып отырғанды хабарлау",
        "Show that I am typing",
    ];
    const EXAMPLE: &'static str = r#"{"ticket_id":42,"is_typing":true}"#;
    type By = Operator;
    type Output = Viewers;
}
impl Task for Typing {
    async fn run(self, cx: Slow<Operator>) -> Result<Viewers> {
        let (tenant, id) = (cx.by.tenant, self.ticket_id);
        let now = cx
            .app
            .db
            .read(move |db| record::by_id(db, tenant, id).map(|_| db.now))
            .await?;
        cx.app.hub.looks(&cx.by, Some(id), self.is_typing.0, now);
        let mut viewers = cx.app.hub.viewers(tenant, id, now);
        viewers.retain(|v| v.operator_id != cx.by.id);
        Ok(Viewers { viewers })
    }
}
