//! The knowledge base for a client's people: what is published, in their own language where it is there.
use crate::{
    access::{ClientUser, rules::Needs},
    api::{
        Query, Read, Slow, Spec, Task,
        admin::{clients::part, queue::filled},
        field::{ArticleId, At, Code, Int, Line},
    },
    error::{Error, Result},
    knowledge::{self, ArticleRow, ArticleView, Filter, Named},
    lang::Lang,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An article as a reader's list shows it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ReaderRow {
    /// The article.
    id: ArticleId,
    /// Its title.
    title: String,
    /// Its name in addresses; translations of one article share it.
    slug: String,
    /// What it is filed under; empty if nothing.
    category: String,
    /// The language it is written in.
    lang: Lang,
    /// How it begins.
    excerpt: String,
    /// How often it was read.
    views: i64,
    /// When it was last changed.
    updated_at: At,
}

impl From<ArticleRow> for ReaderRow {
    fn from(row: ArticleRow) -> ReaderRow {
        ReaderRow {
            id: row.id,
            title: row.title,
            slug: row.slug,
            category: row.category,
            lang: row.lang,
            excerpt: row.excerpt,
            views: row.views,
            updated_at: row.updated_at,
        }
    }
}

/// An article as a reader is shown it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ReaderArticle {
    #[serde(flatten)]
    row: ReaderRow,
    /// Its text, in Markdown.
    content: String,
    /// Its text as sanitised HTML.
    html: String,
    /// The languages it can be read in, by its slug.
    languages: Vec<Lang>,
}

impl From<ArticleView> for ReaderArticle {
    fn from(article: ArticleView) -> ReaderArticle {
        ReaderArticle {
            row: article.row.into(),
            content: article.content,
            html: article.html,
            languages: article.languages,
        }
    }
}

/// The article that a reader names by its id, or by its slug and a language.
pub(crate) fn named(id: Option<ArticleId>, slug: Option<Code>, lang: Lang) -> Result<Named> {
    match (id, slug) {
        (Some(id), _) => Ok(Named::Id(id)),
        (None, Some(slug)) => Ok(Named::Slug(slug.0, lang)),
        (None, None) => Err(Error::missing("article_id")),
    }
}

/// Lists the published articles, those in the reader's language first, or finds some by the beginnings of their words. Of
/// an article's translations only the best one is shown.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct KbArticles {
    /// Words to look for; the best answers come first.
    #[serde(default)]
    search: Option<Line>,
    /// Only what is filed under this.
    #[serde(default)]
    category: Option<Line>,
    /// Only articles in this language.
    #[serde(default)]
    kb_lang: Option<Lang>,
    /// Which part of the list, from 1.
    #[serde(default)]
    page: Option<Int>,
    /// How many a part has, at most 100. Without it and `page` all are listed.
    #[serde(default)]
    limit: Option<Int>,
}
impl Spec for KbArticles {
    const NAME: &'static str = "kb_articles";
    const NEEDS: Needs = Needs::client();
    const TITLE: [&'static str; 3] = [
        "Статьи базы знаний",
        "Білім базасының мақалалары",
        "Browse the knowledge base",
    ];
    const EXAMPLE: &'static str = r#"{"search":"касса"}"#;
    type By = ClientUser;
    type Output = Vec<ReaderRow>;
}
impl Query for KbArticles {
    fn run(self, cx: &Read<'_, ClientUser>) -> Result<Vec<ReaderRow>> {
        let filter = Filter {
            lang: self.kb_lang,
            category: filled(self.category),
            search: filled(self.search),
            ..Filter::published(self.kb_lang.unwrap_or(cx.call.lang))
        };
        let part = part(self.page, self.limit)?;
        let found = knowledge::list(cx.db, cx.by.tenant, &filter, part)?;
        Ok(found.into_iter().map(ReaderRow::from).collect())
    }
}

/// Shows a published article.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct KbArticle {
    /// The article.
    #[serde(default)]
    article_id: Option<ArticleId>,
    /// The article, by a shorter name.
    #[serde(default)]
    id: Option<ArticleId>,
    /// In place of the id: its name in addresses, and `kb_lang`.
    #[serde(default)]
    slug: Option<Code>,
    /// The language of the slug; the reader's if left out.
    #[serde(default)]
    kb_lang: Option<Lang>,
}
impl Spec for KbArticle {
    const NAME: &'static str = "kb_article";
    const NEEDS: Needs = Needs::client();
    const TITLE: [&'static str; 3] = [
        "Статья базы знаний",
        "Білім базасының мақаласы",
        "Read a knowledge base article",
    ];
    const EXAMPLE: &'static str = r#"{"article_id":1}"#;
    type By = ClientUser;
    type Output = ReaderArticle;
}
impl Task for KbArticle {
    async fn run(self, cx: Slow<ClientUser>) -> Result<ReaderArticle> {
        let lang = self.kb_lang.unwrap_or(cx.call.lang);
        let named = named(self.article_id.or(self.id), self.slug, lang)?;
        let (db, tenant) = (&cx.app.db, cx.by.tenant);
        let article = db
            .read(move |db| knowledge::published(db, tenant, &named))
            .await?;
        knowledge::was_read(db, tenant, article.row.id).await;
        Ok(article.into())
    }
}
