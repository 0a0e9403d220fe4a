//! Reference data: tags, categories, quick replies.
use super::Deleted;
use crate::{
    access::{
        ClientUser, Operator,
        rules::{Needs, Role},
    },
    api::{
        Action, Command, Query, Read, Spec, Write, command,
        field::{Body, Color, Line, Name, QuickReplyId, TagId, TenantId},
        query,
    },
    db::sql::{all, first, run},
    error::{Code, Error, Result},
    lang::Lang,
    tenant::plan::{Plan, Scope::Read as R},
    ticket::{model::TagView, tags},
};
use rusqlite::{Connection, Row};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) const ACTIONS: &[Action] = &[
    query::<ListTags>(),
    command::<CreateTag>(),
    command::<DeleteTag>(),
    query::<ListCategories<Operator>>(),
    query::<ListQuickReplies>(),
    command::<SaveQuickReply>(),
    command::<DeleteQuickReply>(),
];

/// Lists all tags by name.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ListTags {}
impl Spec for ListTags {
    const NAME: &'static str = "list_tags";
    const NEEDS: Needs = Needs::scopes(&[R]);
    const TITLE: [&'static str; 3] = ["Список меток", "Белгілер тізімі", "List tags"];
    const EXAMPLE: &'static str = "{}";
    type By = Operator;
    type Output = Vec<TagView>;
}
impl Query for ListTags {
    fn run(self, cx: &Read<'_, Operator>) -> Result<Vec<TagView>> {
        tags::list(cx.db, cx.by.tenant)
    }
}

/// Makes a tag.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct CreateTag {
    /// What it says.
    name: Name,
    /// Its colour.
    color: Color,
}
impl Spec for CreateTag {
    const NAME: &'static str = "create_tag";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = ["Создать метку", "Белгі құру", "Create a tag"];
    const EXAMPLE: &'static str = r##"{"name":"гарантия","color":"#2563eb"}"##;
    type By = Operator;
    type Output = TagView;
}
impl Command for CreateTag {
    fn run(self, cx: &Write<'_, Operator>) -> Result<TagView> {
        let id = tags::create(cx.tx, cx.by.tenant, &self.name, &self.color)?;
        Ok(TagView {
            id,
            name: self.name.0,
            color: self.color.0,
        })
    }
}

/// Deletes a tag and takes it from all tickets.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct DeleteTag {
    /// The tag.
    tag_id: TagId,
}
impl Spec for DeleteTag {
    const NAME: &'static str = "delete_tag";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = ["Удалить метку", "Белгіні жою", "Delete a tag"];
    const EXAMPLE: &'static str = r#"{"tag_id":1}"#;
    type By = Operator;
    type Output = Deleted;
}
impl Command for DeleteTag {
    const FREES: bool = true;
    fn run(self, cx: &Write<'_, Operator>) -> Result<Deleted> {
        tags::delete(cx.tx, cx.by.tenant, self.tag_id)?;
        Ok(Deleted::of(self.tag_id.0))
    }
}

/// A category of tickets.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CategoryView {
    /// Its code, by which tickets name it.
    code: String,
    /// Its name in the caller's language.
    name: String,
    /// Its name in Russian.
    name_ru: String,
    /// Its name in Kazakh.
    name_kk: String,
    /// Its name in English.
    name_en: String,
    /// Where it stands in lists.
    position: i64,
}

impl CategoryView {
    pub(super) fn has_code(&self, code: &str) -> bool {
        self.code == code
    }
}

/// The tenant's categories, named in `lang`.
pub(crate) fn categories(
    conn: &Connection,
    tenant: TenantId,
    lang: Lang,
) -> Result<Vec<CategoryView>> {
    all(
        conn,
        "select code, name_ru, name_kk, name_en, position from category where tenant_id = ?1 order by position, code",
        [tenant],
        |row| {
            let names: [String; 3] = [row.get(1)?, row.get(2)?, row.get(3)?];
            let name = lang.pick([&names[0], &names[1], &names[2]]).clone();
            let [name_ru, name_kk, name_en] = names;
            Ok(CategoryView {
                code: row.get(0)?,
                name,
                name_ru,
                name_kk,
                name_en,
                position: row.get(4)?,
            })
        },
    )
}

/// Lists the categories, named in the caller's language.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(bound = "")]
#[schemars(bound = "", rename = "ListCategories")]
pub(crate) struct ListCategories<B> {
    #[serde(skip)]
    by: std::marker::PhantomData<B>,
}
impl Spec for ListCategories<Operator> {
    const NAME: &'static str = "list_categories";
    const NEEDS: Needs = Needs::scopes(&[R]);
    const TITLE: [&'static str; 3] = ["Список категорий", "Санаттар тізімі", "List categories"];
    const EXAMPLE: &'static str = "{}";
    type By = Operator;
    type Output = Vec<CategoryView>;
}
impl Query for ListCategories<Operator> {
    fn run(self, cx: &Read<'_, Operator>) -> Result<Vec<CategoryView>> {
        categories(cx.db, cx.by.tenant, cx.call.lang)
    }
}
impl Spec for ListCategories<ClientUser> {
    const NAME: &'static str = "list_categories";
    const NEEDS: Needs = Needs::client();
    const TITLE: [&'static str; 3] = ["Список категорий", "Санаттар тізімі", "List categories"];
    const EXAMPLE: &'static str = "{}";
    type By = ClientUser;
    type Output = Vec<CategoryView>;
}
impl Query for ListCategories<ClientUser> {
    fn run(self, cx: &Read<'_, ClientUser>) -> Result<Vec<CategoryView>> {
        categories(cx.db, cx.by.tenant, cx.call.lang)
    }
}

/// A canned answer.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct QuickReplyView {
    /// The quick reply.
    id: QuickReplyId,
    /// Its title.
    title: String,
    /// What it says.
    content: String,
    /// What to type after `/` to get it.
    shortcut: String,
}

fn quick_reply(row: &Row<'_>) -> rusqlite::Result<QuickReplyView> {
    Ok(QuickReplyView {
        id: row.get(0)?,
        title: row.get(1)?,
        content: row.get(2)?,
        shortcut: row.get(3)?,
    })
}

/// Lists the canned answers by title.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ListQuickReplies {}
impl Spec for ListQuickReplies {
    const NAME: &'static str = "list_quick_replies";
    const NEEDS: Needs = Needs::scopes(&[R]).plan(Plan::Starter);
    const TITLE: [&'static str; 3] = [
        "Список быстрых ответов",
        "Жылдам жауаптар тізімі",
        "List quick replies",
    ];
    const EXAMPLE: &'static str = "{}";
    type By = Operator;
    type Output = Vec<QuickReplyView>;
}
impl Query for ListQuickReplies {
    fn run(self, cx: &Read<'_, Operator>) -> Result<Vec<QuickReplyView>> {
        all(
            cx.db,
            "select id, title, content, shortcut from quick_reply where tenant_id = ?1 order by title, id",
            [cx.by.tenant],
            quick_reply,
        )
    }
}

/// Makes a canned answer, or changes the one of `quick_reply_id`.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct SaveQuickReply {
    /// The quick reply to change; a new one if left out.
    #[serde(default)]
    quick_reply_id: Option<QuickReplyId>,
    /// Its title.
    title: Name,
    /// What it says.
    content: Body,
    /// What to type after `/` to get it.
    #[serde(default)]
    shortcut: Line,
}
impl Spec for SaveQuickReply {
    const NAME: &'static str = "save_quick_reply";
    const NEEDS: Needs = Needs::role(Role::Operator).plan(Plan::Starter);
    const TITLE: [&'static str; 3] = [
        "Сохранить быстрый ответ",
        "Жылдам жауапты сақтау",
        "Save a quick reply",
    ];
    const EXAMPLE: &'static str =
        r#"{"title":"Приветствие","content":"Здравствуйте! Уже смотрю.","shortcut":"hi"}"#;
    type By = Operator;
    type Output = QuickReplyView;
}
impl Command for SaveQuickReply {
    fn run(self, cx: &Write<'_, Operator>) -> Result<QuickReplyView> {
        let texts = (&self.title.0, &self.content.0, &self.shortcut.0);
        let saved = match self.quick_reply_id {
            None => first(
                cx.tx,
                "insert into quick_reply (tenant_id, title, content, shortcut) values (?1, ?2, ?3, ?4)
                 returning id, title, content, shortcut",
                (cx.by.tenant, texts.0, texts.1, texts.2),
                quick_reply,
            )?,
            Some(id) => first(
                cx.tx,
                "update quick_reply set title = ?3, content = ?4, shortcut = ?5 where tenant_id = ?1 and id = ?2
                 returning id, title, content, shortcut",
                (cx.by.tenant, id, texts.0, texts.1, texts.2),
                quick_reply,
            )?,
        };
        saved.ok_or_else(|| Error::new(Code::QuickReplyNotFound).on("quick_reply_id"))
    }
}

/// Deletes a canned answer.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct DeleteQuickReply {
    /// The quick reply.
    quick_reply_id: QuickReplyId,
}
impl Spec for DeleteQuickReply {
    const NAME: &'static str = "delete_quick_reply";
    const NEEDS: Needs = Needs::role(Role::Operator).plan(Plan::Starter);
    const TITLE: [&'static str; 3] = [
        "Удалить быстрый ответ",
        "Жылдам жауапты жою",
        "Delete a quick reply",
    ];
    const EXAMPLE: &'static str = r#"{"quick_reply_id":1}"#;
    type By = Operator;
    type Output = Deleted;
}
impl Command for DeleteQuickReply {
    const FREES: bool = true;
    fn run(self, cx: &Write<'_, Operator>) -> Result<Deleted> {
        let gone = run(
            cx.tx,
            "delete from quick_reply where tenant_id = ?1 and id = ?2",
            (cx.by.tenant, self.quick_reply_id),
        )?;
        if gone == 0 {
            return Err(Error::new(Code::QuickReplyNotFound).on("quick_reply_id"));
        }
        Ok(Deleted::of(self.quick_reply_id.0))
    }
}
