//! The knowledge base for staff: reading and searching for all, writing for admins.
use super::{Deleted, clients::part, queue::filled};
use crate::{
    access::{
        Operator,
        rules::{Needs, Role},
    },
    api::{
        Action, Command, Query, Read, Spec, Write, command,
        field::{ArticleId, Body, Code, Flag, Int, Line, Subject, Text},
        query,
    },
    error::Result,
    knowledge::{self, ArticleRow, ArticleView, Edit, Filter, NewArticle, Status},
    lang::Lang,
    tenant::{self, Tenant, plan::Scope::Read as R},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) const ACTIONS: &[Action] = &[
    query::<ListKbArticles>(),
    query::<GetKbArticle>(),
    query::<SearchKb>(),
    command::<CreateKbArticle>(),
    command::<UpdateKbArticle>(),
    command::<DeleteKbArticle>(),
    query::<PreviewKbArticle>(),
    query::<GetKbSettings>(),
    command::<SaveKbSettings>(),
];

/// Lists the articles by category and title, drafts included.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ListKbArticles {
    /// Only drafts, or only what is published.
    #[serde(default)]
    status: Option<Status>,
    /// Only articles in this language.
    #[serde(default)]
    lang: Option<Lang>,
    /// Only what is filed under this.
    #[serde(default)]
    category: Option<Line>,
    /// Words to look for; the best answers come first.
    #[serde(default)]
    search: Option<Line>,
    /// Which part of the list, from 1.
    #[serde(default)]
    page: Option<Int>,
    /// How many a part has, at most 100. Without it and `page` all are listed.
    #[serde(default)]
    limit: Option<Int>,
}
impl Spec for ListKbArticles {
    const NAME: &'static str = "list_kb_articles";
    const NEEDS: Needs = Needs::scopes(&[R]);
    const TITLE: [&'static str; 3] = [
        "Список статей",
        "Мақалалар тізімі",
        "List knowledge base articles",
    ];
    const EXAMPLE: &'static str = r#"{"status":"published"}"#;
    type By = Operator;
    type Output = Vec<ArticleRow>;
}
impl Query for ListKbArticles {
    fn run(self, cx: &Read<'_, Operator>) -> Result<Vec<ArticleRow>> {
        let filter = Filter {
            status: self.status,
            lang: self.lang,
            category: filled(self.category),
            search: filled(self.search),
            reader: None,
        };
        let part = part(self.page, self.limit)?;
        knowledge::list(cx.db, cx.by.tenant, &filter, part)
    }
}

/// An article as staff see it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct StaffArticle {
    #[serde(flatten)]
    article: ArticleView,
    /// Where everybody may read it; null while nobody outside may.
    url: Option<String>,
}

/// Adds the address at which everybody may read it.
fn with_url(
    article: ArticleView,
    tenant: &Tenant,
    root: impl FnOnce() -> Result<String>,
) -> Result<StaffArticle> {
    let is_public = tenant.settings.kb_public && article.row.status == Status::Published;
    let url = is_public
        .then(|| {
            root().map(|root| format!("{root}{}/{}", article.row.lang.as_str(), article.row.slug))
        })
        .transpose()?;
    Ok(StaffArticle { article, url })
}

/// Shows an article.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetKbArticle {
    /// The article.
    article_id: ArticleId,
}
impl Spec for GetKbArticle {
    const NAME: &'static str = "get_kb_article";
    const NEEDS: Needs = Needs::scopes(&[R]);
    const TITLE: [&'static str; 3] = ["Статья", "Мақала", "Get a knowledge base article"];
    const EXAMPLE: &'static str = r#"{"article_id":1}"#;
    type By = Operator;
    type Output = StaffArticle;
}
impl Query for GetKbArticle {
    fn run(self, cx: &Read<'_, Operator>) -> Result<StaffArticle> {
        let tenant = tenant::by_id(cx.db, cx.by.tenant)?;
        let article = knowledge::by_id(cx.db, tenant.id, self.article_id)?;
        with_url(article, &tenant, || {
            knowledge::address::root(cx.db, cx.app, &tenant)
        })
    }
}

/// Finds articles by the beginnings of their words, the best answers first. Drafts are found as well.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct SearchKb {
    /// Words to look for.
    search: Line,
    /// Only drafts, or only what is published.
    #[serde(default)]
    status: Option<Status>,
    /// Only articles in this language.
    #[serde(default)]
    lang: Option<Lang>,
}
impl Spec for SearchKb {
    const NAME: &'static str = "search_kb";
    const NEEDS: Needs = Needs::scopes(&[R]);
    const TITLE: [&'static str; 3] = [
        "Поиск по базе знаний",
        "Білім базасынан іздеу",
        "Search the knowledge base",
    ];
    const EXAMPLE: &'static str = r#"{"search":"касса"}"#;
    type By = Operator;
    type Output = Vec<ArticleRow>;
}
impl Query for SearchKb {
    fn run(self, cx: &Read<'_, Operator>) -> Result<Vec<ArticleRow>> {
        let filter = Filter {
            status: self.status,
            lang: self.lang,
            search: Some(self.search.0),
            ..Filter::default()
        };
        knowledge::list(cx.db, cx.by.tenant, &filter, None)
    }
}

/// Writes an article.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct CreateKbArticle {
    /// Its title.
    title: Subject,
    /// Its text, in Markdown.
    content: Body,
    /// Whether it is for readers yet; `draft` if left out.
    #[serde(default)]
    status: Option<Status>,
    /// What it is filed under.
    #[serde(default)]
    category: Option<Line>,
    /// The language it is written in; the company's if left out.
    #[serde(default)]
    lang: Option<Lang>,
    /// Its name in addresses, one of its kind in a language; made of the title if left out. Translations share it.
    #[serde(default)]
    slug: Option<Code>,
}
impl Spec for CreateKbArticle {
    const NAME: &'static str = "create_kb_article";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = [
        "Создать статью",
        "Мақала құру",
        "Create a knowledge base article",
    ];
    const EXAMPLE: &'static str = r###"{"title":"Как заменить ленту в кассе","content":"## Что нужно\n\n1. Откройте крышку.\n2. Вставьте ленту **чеком вверх**.","status":"published","category":"Касса","lang":"ru"}"###;
    type By = Operator;
    type Output = StaffArticle;
}
impl Command for CreateKbArticle {
    fn run(self, cx: &Write<'_, Operator>) -> Result<StaffArticle> {
        let tenant = tenant::by_id(cx.tx, cx.by.tenant)?;
        let new = NewArticle {
            title: self.title.0,
            content: self.content.0,
            status: self.status.unwrap_or(Status::Draft),
            category: self.category.map(|c| c.0).unwrap_or_default(),
            lang: self.lang.unwrap_or(tenant.locale),
            slug: self.slug.map(|s| s.0),
            by: Some(cx.by.id),
        };
        let id = knowledge::create(cx.tx, tenant.id, new)?;
        answer(cx, &tenant, id)
    }
}

fn answer(cx: &Write<'_, Operator>, tenant: &Tenant, id: ArticleId) -> Result<StaffArticle> {
    let article = knowledge::by_id(cx.tx, tenant.id, id)?;
    with_url(article, tenant, || {
        knowledge::address::root(cx.tx, cx.app, tenant)
    })
}

/// Changes an article; what is left out stays, its address too.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct UpdateKbArticle {
    /// The article.
    article_id: ArticleId,
    /// Its title.
    #[serde(default)]
    title: Option<Subject>,
    /// Its text, in Markdown.
    #[serde(default)]
    content: Option<Body>,
    /// Whether it is for readers yet.
    #[serde(default)]
    status: Option<Status>,
    /// What it is filed under; empty for nothing.
    #[serde(default)]
    category: Option<Line>,
    /// The language it is written in.
    #[serde(default)]
    lang: Option<Lang>,
    /// Its name in addresses; links to the old one lead nowhere.
    #[serde(default)]
    slug: Option<Code>,
}
impl Spec for UpdateKbArticle {
    const NAME: &'static str = "update_kb_article";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = [
        "Изменить статью",
        "Мақаланы өзгерту",
        "Update a knowledge base article",
    ];
    const EXAMPLE: &'static str = r#"{"article_id":1,"status":"published"}"#;
    type By = Operator;
    type Output = StaffArticle;
}
impl Command for UpdateKbArticle {
    fn run(self, cx: &Write<'_, Operator>) -> Result<StaffArticle> {
        let tenant = tenant::by_id(cx.tx, cx.by.tenant)?;
        let edit = Edit {
            title: self.title.map(|t| t.0),
            content: self.content.map(|c| c.0),
            status: self.status,
            category: self.category.map(|c| c.0),
            lang: self.lang,
            slug: self.slug.map(|s| s.0),
        };
        knowledge::update(cx.tx, tenant.id, self.article_id, edit)?;
        answer(cx, &tenant, self.article_id)
    }
}

/// Deletes an article for good.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct DeleteKbArticle {
    /// The article.
    article_id: ArticleId,
}
impl Spec for DeleteKbArticle {
    const NAME: &'static str = "delete_kb_article";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = [
        "Удалить статью",
        "Мақаланы жою",
        "Delete a knowledge base article",
    ];
    const EXAMPLE: &'static str = r#"{"article_id":1}"#;
    type By = Operator;
    type Output = Deleted;
}
impl Command for DeleteKbArticle {
    const FREES: bool = true;
    fn run(self, cx: &Write<'_, Operator>) -> Result<Deleted> {
        knowledge::delete(cx.tx, cx.by.tenant, self.article_id)?;
        Ok(Deleted::of(self.article_id.0))
    }
}

/// Shows what readers would be shown of a text. Stores nothing.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct PreviewKbArticle {
    /// The text, in Markdown.
    content: Text,
}
/// What readers would be shown.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Preview {
    /// Sanitised HTML.
    html: String,
}
impl Spec for PreviewKbArticle {
    const NAME: &'static str = "preview_kb_article";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = [
        "Предпросмотр статьи",
        "Мақаланы алдын ала қарау",
        "Preview a knowledge base article",
    ];
    const EXAMPLE: &'static str = r#"{"content":"Нажмите **«Смена»**."}"#;
    type By = Operator;
    type Output = Preview;
}
impl Query for PreviewKbArticle {
    fn run(self, _: &Read<'_, Operator>) -> Result<Preview> {
        Ok(Preview {
            html: knowledge::preview(&self.content),
        })
    }
}

/// Who may read the knowledge base, and where.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct KbSettings {
    /// Whether everybody may read it: its own pages and the widget's search. Otherwise only clients in their portal may.
    is_public: bool,
    /// Where its pages are.
    url: String,
}

/// Shows who may read the knowledge base.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetKbSettings {}
impl Spec for GetKbSettings {
    const NAME: &'static str = "get_kb_settings";
    const NEEDS: Needs = Needs::role(Role::Operator);
    const TITLE: [&'static str; 3] = [
        "Настройки базы знаний",
        "Білім базасының баптаулары",
        "Show the knowledge base's settings",
    ];
    const EXAMPLE: &'static str = "{}";
    type By = Operator;
    type Output = KbSettings;
}
impl Query for GetKbSettings {
    fn run(self, cx: &Read<'_, Operator>) -> Result<KbSettings> {
        let tenant = tenant::by_id(cx.db, cx.by.tenant)?;
        Ok(KbSettings {
            is_public: tenant.settings.kb_public,
            url: knowledge::address::root(cx.db, cx.app, &tenant)?,
        })
    }
}

/// Changes who may read the knowledge base.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct SaveKbSettings {
    /// Whether everybody may read it.
    is_public: Flag,
}
impl Spec for SaveKbSettings {
    const NAME: &'static str = "save_kb_settings";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = [
        "Сохранить настройки базы знаний",
        "Білім базасының баптауларын сақтау",
        "Save the knowledge base's settings",
    ];
    const EXAMPLE: &'static str = r#"{"is_public":true}"#;
    type By = Operator;
    type Output = KbSettings;
}
impl Command for SaveKbSettings {
    fn run(self, cx: &Write<'_, Operator>) -> Result<KbSettings> {
        let mut tenant = tenant::by_id(cx.tx, cx.by.tenant)?;
        tenant.settings.kb_public = self.is_public.0;
        tenant::save_settings(cx.tx, tenant.id, &tenant.settings)?;
        Ok(KbSettings {
            is_public: self.is_public.0,
            url: knowledge::address::root(cx.tx, cx.app, &tenant)?,
        })
    }
}
