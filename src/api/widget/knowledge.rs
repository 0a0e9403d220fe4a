//! The knowledge base for a site's visitors: what is published, while everybody may read it and the widget offers it.
use crate::{
    access::{WidgetSite, rules::Needs},
    api::{
        Query, Read, Slow, Spec, Task,
        client::knowledge::{ReaderArticle, ReaderRow, named},
        field::{ArticleId, Code, Int, Line},
    },
    db::sql::Page,
    error::{Code as Failed, Error, Result},
    knowledge::{self, Filter},
    lang::Lang,
    tenant::{self, Tenant},
};
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::Deserialize;

/// How many articles a search shows unless it asks for more.
const SHOWN: i64 = 5;

/// Whether the widget offers the knowledge base: it may, and there is something to find.
pub(super) fn is_offered(conn: &Connection, tenant: &Tenant) -> Result<bool> {
    Ok(tenant.settings.kb_public
        && tenant.settings.widget_kb
        && !knowledge::languages(conn, tenant.id)?.is_empty())
}

/// Finds published articles by the beginnings of their words, the best answers first. Finds nothing while the widget does
/// not offer the knowledge base.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct KbSearch {
    /// The site's public widget key.
    #[serde(rename = "api_key")]
    _api_key: Line,
    /// Words to look for.
    search: Line,
    /// How many to show, at most 100; 5 if left out.
    #[serde(default)]
    limit: Option<Int>,
}
impl Spec for KbSearch {
    const NAME: &'static str = "kb_search";
    const NEEDS: Needs = Needs::widget();
    const TITLE: [&'static str; 3] = [
        "Поиск по базе знаний",
        "Білім базасынан іздеу",
        "Search the knowledge base",
    ];
    const EXAMPLE: &'static str = r#"{"api_key":"YOUR_WIDGET_API_KEY","search":"касса"}"#;
    type By = WidgetSite;
    type Output = Vec<ReaderRow>;
}
impl Query for KbSearch {
    fn run(self, cx: &Read<'_, WidgetSite>) -> Result<Vec<ReaderRow>> {
        let page = Page::new(None, self.limit.map(|l| l.0), SHOWN)?;
        if !is_offered(cx.db, &tenant::by_id(cx.db, cx.by.tenant)?)? {
            return Ok(Vec::new());
        }
        let filter = Filter {
            search: Some(self.search.0),
            ..Filter::published(cx.call.lang)
        };
        let found = knowledge::list(cx.db, cx.by.tenant, &filter, Some(page))?;
        Ok(found.into_iter().map(ReaderRow::from).collect())
    }
}

/// Shows a published article.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct KbArticle {
    /// The site's public widget key.
    #[serde(rename = "api_key")]
    _api_key: Line,
    /// The article.
    #[serde(default)]
    article_id: Option<ArticleId>,
    /// In place of the id: its name in addresses, and `kb_lang`.
    #[serde(default)]
    slug: Option<Code>,
    /// The language of the slug; the visitor's if left out.
    #[serde(default)]
    kb_lang: Option<Lang>,
}
impl Spec for KbArticle {
    const NAME: &'static str = "kb_article";
    const NEEDS: Needs = Needs::widget();
    const TITLE: [&'static str; 3] = [
        "Статья базы знаний",
        "Білім базасының мақаласы",
        "Read a knowledge base article",
    ];
    const EXAMPLE: &'static str = r#"{"api_key":"YOUR_WIDGET_API_KEY","article_id":1}"#;
    type By = WidgetSite;
    type Output = ReaderArticle;
}
impl Task for KbArticle {
    async fn run(self, cx: Slow<WidgetSite>) -> Result<ReaderArticle> {
        let named = named(
            self.article_id,
            self.slug,
            self.kb_lang.unwrap_or(cx.call.lang),
        )?;
        let (db, tenant) = (&cx.app.db, cx.by.tenant);
        let article = db
            .read(move |db| {
                if !is_offered(db, &tenant::by_id(db, tenant)?)? {
                    return Err(Error::new(Failed::ArticleNotFound).on("article_id"));
                }
                knowledge::published(db, tenant, &named)
            })
            .await?;
        knowledge::was_read(db, tenant, article.row.id).await;
        Ok(article.into())
    }
}
