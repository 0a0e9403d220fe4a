//! The knowledge base: articles for readers outside and the search in them. A draft is nobody's but staff's.
pub(crate) mod address;
mod markdown;
pub(crate) mod search;
mod slug;

use crate::{
    api::field::{ArticleId, At, OperatorId, TenantId},
    db::{
        Db, Tx,
        sql::{Page, Where, all, first, one, run, taken},
    },
    error::{Code, Error, Result},
    lang::Lang,
};
use rusqlite::{Connection, Row, params_from_iter, types::Value};
use schemars::JsonSchema;
use search::Asked;
use serde::{Deserialize, Serialize};

/// Whether an article is for readers yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "ArticleStatus")]
pub(crate) enum Status {
    Draft,
    Published,
}

impl Status {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Status::Draft => "draft",
            Status::Published => "published",
        }
    }

    fn parse(text: &str) -> Option<Status> {
        match text {
            "draft" => Some(Status::Draft),
            "published" => Some(Status::Published),
            _ => None,
        }
    }
}

crate::db::sql::text_column!(Status);

/// An article as lists show it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct ArticleRow {
    /// The article.
    pub(crate) id: ArticleId,
    /// Its title.
    pub(crate) title: String,
    /// Its name in addresses; translations of one article share it.
    pub(crate) slug: String,
    /// Whether it is for readers yet.
    pub(crate) status: Status,
    /// What it is filed under; empty if nothing.
    pub(crate) category: String,
    /// The language it is written in.
    pub(crate) lang: Lang,
    /// How often it was read by others than staff.
    pub(crate) views: i64,
    /// How it begins.
    pub(crate) excerpt: String,
    /// When it was made.
    pub(crate) created_at: At,
    /// When it was last changed.
    pub(crate) updated_at: At,
}

/// A whole article.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ArticleView {
    /// What lists show of it.
    #[serde(flatten)]
    pub(crate) row: ArticleRow,
    /// Its text, in Markdown.
    pub(crate) content: String,
    /// What readers are shown: sanitised HTML.
    pub(crate) html: String,
    /// When it was first published.
    pub(crate) published_at: Option<At>,
    /// The languages it is published in, by its slug.
    pub(crate) languages: Vec<Lang>,
}

const COLUMNS: &str = "a.id, a.title, a.slug, a.status, a.category, a.lang, a.views, a.excerpt, a.created_at, a.updated_at";

fn row(row: &Row<'_>) -> rusqlite::Result<ArticleRow> {
    Ok(ArticleRow {
        id: row.get(0)?,
        title: row.get(1)?,
        slug: row.get(2)?,
        status: row.get(3)?,
        category: row.get(4)?,
        lang: row.get(5)?,
        views: row.get(6)?,
        excerpt: row.get(7)?,
        created_at: row.get(8)?,
        updated_at: row.get(9)?,
    })
}

/// Which articles a list shows.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    pub(crate) status: Option<Status>,
    pub(crate) lang: Option<Lang>,
    pub(crate) category: Option<String>,
    /// Of an article's translations only the best for a reader of this language, and those in it first.
    pub(crate) reader: Option<Lang>,
    pub(crate) search: Option<String>,
}

impl Filter {
    /// What a reader outside is shown.
    pub(crate) fn published(reader: Lang) -> Filter {
        Filter {
            status: Some(Status::Published),
            reader: Some(reader),
            ..Filter::default()
        }
    }

    fn conditions(&self, tenant: TenantId) -> Where {
        let text = |s: &str| Value::Text(s.to_owned());
        let mut w = Where::new("a.tenant_id = ?", [tenant.into()]);
        if let Some(status) = self.status {
            w.and("a.status = ?", [text(status.as_str())]);
        }
        if let Some(lang) = self.lang {
            w.and("a.lang = ?", [text(lang.as_str())]);
        }
        if let Some(category) = &self.category {
            w.and("a.category = ?", [text(category)]);
        }
        w
    }
}

/// The articles that a filter lets through: by title, or by how well they answer a search. Without a page, all of them.
pub(crate) fn list(
    conn: &Connection,
    tenant: TenantId,
    filter: &Filter,
    page: Option<Page>,
) -> Result<Vec<ArticleRow>> {
    let Some(search) = &filter.search else {
        return titles(conn, tenant, filter, page);
    };
    let Some(asked) = Asked::read(search) else {
        return Ok(Vec::new());
    };
    let whole = found(conn, tenant, filter, asked.all, page)?;
    match asked.any {
        Some(any) if whole.is_empty() => found(conn, tenant, filter, any, page),
        _ => Ok(whole),
    }
}

fn titles(
    conn: &Connection,
    tenant: TenantId,
    filter: &Filter,
    page: Option<Page>,
) -> Result<Vec<ArticleRow>> {
    let mut conditions = filter.conditions(tenant);
    if let Some(reader) = filter.reader {
        // Of translations the one in the reader's language, else Russian before Kazakh before English, as letters go.
        conditions.and(
            "not exists (select 1 from kb_article b
                          where b.tenant_id = a.tenant_id and b.slug = a.slug and b.status = 'published'
                            and (b.lang = ?, b.lang) > (a.lang = ?, a.lang))",
            [language(reader), language(reader)],
        );
    }
    let (limit, offset) = rows_of(page);
    let sql = format!(
        "select {COLUMNS} from kb_article a
          where {}
          order by a.lang = ? desc, a.category, a.title, a.id
          limit ? offset ?",
        conditions.text()
    );
    let first = filter.reader.map_or(Value::Null, language);
    let values = conditions.bind([first, limit.into(), offset.into()]);
    all(conn, &sql, params_from_iter(values), row)
}

/// Of translations that are found, the one in the reader's language, else the one that answers best.
fn found(
    conn: &Connection,
    tenant: TenantId,
    filter: &Filter,
    words: String,
    page: Option<Page>,
) -> Result<Vec<ArticleRow>> {
    let (low, high) = search::span_of(tenant);
    let (limit, offset) = rows_of(page);
    let conditions = filter.conditions(tenant);
    let sql = format!(
        "with hit as materialized (
           select rowid - ? as id, bm25(kb_search, 6.0, 1.0) as rank
             from kb_search
            where kb_search match ? and rowid between ? and ?
         ), a as (
           select a.*, hit.rank,
                  row_number() over (partition by iif(?, a.slug, a.id) order by a.lang = ? desc, hit.rank) as place
             from hit
             join kb_article a on a.id = hit.id
            where {}
         )
         select {COLUMNS} from a
          where a.place = 1
          order by a.rank, a.id
          limit ? offset ?",
        conditions.text()
    );
    let reader = filter.reader.map_or(Value::Null, language);
    let mut values: Vec<Value> = vec![low.into(), words.into(), low.into(), high.into()];
    values.extend([filter.reader.is_some().into(), reader]);
    values.extend(conditions.bind([limit.into(), offset.into()]));
    all(conn, &sql, params_from_iter(values), row)
}

fn language(lang: Lang) -> Value {
    lang.as_str().to_owned().into()
}

/// The limit and the offset of a page; all rows without one.
fn rows_of(page: Option<Page>) -> (i64, i64) {
    page.map_or((-1, 0), |page| (page.limit, page.offset()))
}

fn view(conn: &Connection, tenant: TenantId, condition: Where) -> Result<Option<ArticleView>> {
    let sql = format!(
        "select {COLUMNS}, a.content, a.html, a.published_at from kb_article a where {}",
        condition.text()
    );
    let values = params_from_iter(condition.bind([]));
    let found = first(conn, &sql, values, |r| {
        Ok(ArticleView {
            row: row(r)?,
            content: r.get(10)?,
            html: r.get(11)?,
            published_at: r.get(12)?,
            languages: Vec::new(),
        })
    })?;
    let Some(mut article) = found else {
        return Ok(None);
    };
    article.languages = all(
        conn,
        "select lang from kb_article where tenant_id = ?1 and slug = ?2 and status = 'published' order by lang desc",
        (tenant, &article.row.slug),
        |row| row.get(0),
    )?;
    Ok(Some(article))
}

fn absent() -> Error {
    Error::new(Code::ArticleNotFound).on("article_id")
}

/// An article as staff see it.
pub(crate) fn by_id(conn: &Connection, tenant: TenantId, id: ArticleId) -> Result<ArticleView> {
    let condition = Where::new("a.tenant_id = ? and a.id = ?", [tenant.into(), id.into()]);
    view(conn, tenant, condition)?.ok_or_else(absent)
}

/// How a reader outside names an article.
#[derive(Clone, Debug)]
pub(crate) enum Named {
    Id(ArticleId),
    Slug(String, Lang),
}

/// A published article; a draft is as good as absent.
pub(crate) fn published(conn: &Connection, tenant: TenantId, named: &Named) -> Result<ArticleView> {
    let mut condition = Where::new(
        "a.tenant_id = ? and a.status = 'published'",
        [tenant.into()],
    );
    match named {
        Named::Id(id) => condition.and("a.id = ?", [(*id).into()]),
        Named::Slug(slug, lang) => condition.and(
            "a.slug = ? and a.lang = ?",
            [slug.clone().into(), lang.as_str().to_owned().into()],
        ),
    }
    view(conn, tenant, condition)?.ok_or_else(absent)
}

/// Notes that somebody outside was shown an article. A disk that takes no more keeps nobody from reading.
pub(crate) async fn was_read(db: &Db, tenant: TenantId, id: ArticleId) {
    let noted = db
        .write(move |tx| {
            run(
                tx,
                "update kb_article set views = views + 1 where tenant_id = ?1 and id = ?2",
                (tenant, id),
            )
        })
        .await;
    if let Err(error) = noted {
        tracing::warn!(article = id.0, %error, "it could not be noted that an article was read");
    }
}

/// The languages that a tenant has published in.
pub(crate) fn languages(conn: &Connection, tenant: TenantId) -> Result<Vec<Lang>> {
    all(
        conn,
        "select distinct lang from kb_article where tenant_id = ?1 and status = 'published' order by lang desc",
        [tenant],
        |row| row.get(0),
    )
}

/// What an article is made of.
#[derive(Debug)]
pub(crate) struct NewArticle {
    pub(crate) title: String,
    pub(crate) content: String,
    pub(crate) status: Status,
    pub(crate) category: String,
    pub(crate) lang: Lang,
    /// Made of the title if not said.
    pub(crate) slug: Option<String>,
    pub(crate) by: Option<OperatorId>,
}

/// What is shown of Markdown.
pub(crate) fn preview(content: &str) -> String {
    markdown::render(content).html
}

pub(crate) fn create(tx: &Tx<'_>, tenant: TenantId, new: NewArticle) -> Result<ArticleId> {
    let slug = match new.slug {
        Some(slug) => slug,
        None => free_slug(tx, tenant, new.lang, slug::of(&new.title))?,
    };
    let rendered = markdown::render(&new.content);
    run(
        tx,
        "insert into kb_article (tenant_id, lang, slug, title, category, status, content, html, excerpt,
                                 created_by, created_at, updated_at, published_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11, iif(?6 = 'published', ?11, null))",
        (
            tenant, new.lang, slug, &new.title, new.category, new.status, &new.content,
            rendered.html, rendered.excerpt, new.by, tx.now,
        ),
    )
    .map_err(|e| taken(e, "kb_article.slug", "slug"))?;
    let id = ArticleId(tx.last_insert_rowid());
    search::insert(tx, tenant, id, &new.title, &rendered.text)?;
    Ok(id)
}

/// A slug that no article of this language has: the wished one, or the first free number after it.
fn free_slug(conn: &Connection, tenant: TenantId, lang: Lang, wished: String) -> Result<String> {
    let is_taken = |slug: &str| {
        one(
            conn,
            "select exists (select 1 from kb_article where tenant_id = ?1 and lang = ?2 and slug = ?3)",
            (tenant, lang, slug),
            |row| row.get::<_, bool>(0),
        )
    };
    let mut slug = wished.clone();
    let mut n = 1;
    while is_taken(&slug)? {
        n += 1;
        slug = slug::numbered(&wished, n);
    }
    Ok(slug)
}

/// What is to change of an article; the rest stays. Its address does, too, unless another is given.
#[derive(Debug, Default)]
pub(crate) struct Edit {
    pub(crate) title: Option<String>,
    pub(crate) content: Option<String>,
    pub(crate) status: Option<Status>,
    pub(crate) category: Option<String>,
    pub(crate) lang: Option<Lang>,
    pub(crate) slug: Option<String>,
}

pub(crate) fn update(tx: &Tx<'_>, tenant: TenantId, id: ArticleId, edit: Edit) -> Result<()> {
    let now = by_id(tx, tenant, id)?;
    let title = edit.title.unwrap_or(now.row.title);
    let content = edit.content.unwrap_or(now.content);
    let rendered = markdown::render(&content);
    run(
        tx,
        "update kb_article
            set title = ?3, content = ?4, html = ?5, excerpt = ?6, status = ?7, category = ?8, lang = ?9, slug = ?10,
                updated_at = ?11, published_at = iif(?7 = 'published', coalesce(published_at, ?11), published_at)
          where tenant_id = ?1 and id = ?2",
        (
            tenant,
            id,
            &title,
            content,
            rendered.html,
            rendered.excerpt,
            edit.status.unwrap_or(now.row.status),
            edit.category.unwrap_or(now.row.category),
            edit.lang.unwrap_or(now.row.lang),
            edit.slug.unwrap_or(now.row.slug),
            tx.now,
        ),
    )
    .map_err(|e| taken(e, "kb_article.slug", "slug"))?;
    search::remove(tx, tenant, id)?;
    search::insert(tx, tenant, id, &title, &rendered.text)
}

pub(crate) fn delete(tx: &Tx<'_>, tenant: TenantId, id: ArticleId) -> Result<()> {
    let gone = run(
        tx,
        "delete from kb_article where tenant_id = ?1 and id = ?2",
        (tenant, id),
    )?;
    if gone == 0 {
        return Err(absent());
    }
    search::remove(tx, tenant, id)
}

/// Takes all of a tenant's articles out of the index and puts them in anew.
pub(crate) fn renew_index(conn: &Connection, tenant: TenantId) -> Result<()> {
    forget_index(conn, tenant)?;
    let mut statement =
        conn.prepare("select id, title, content from kb_article where tenant_id = ?1")?;
    let mut articles = statement.query([tenant])?;
    while let Some(article) = articles.next()? {
        let (id, title, content): (ArticleId, String, String) =
            (article.get(0)?, article.get(1)?, article.get(2)?);
        search::insert(conn, tenant, id, &title, &markdown::render(&content).text)?;
    }
    Ok(())
}

/// Takes all of a tenant's articles out of the index.
pub(crate) fn forget_index(conn: &Connection, tenant: TenantId) -> Result<()> {
    let (low, high) = search::span_of(tenant);
    run(
        conn,
        "delete from kb_search where rowid between ?1 and ?2",
        (low, high),
    )?;
    Ok(())
}

#[cfg(feature = "fuzzing")]
/// Renders an article.
pub(crate) fn strange(content: &str) {
    let _ = markdown::render(content);
}
