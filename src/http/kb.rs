//! The public knowledge base, `/kb/…`: pages made by the server, which need no script and are there for search engines.
//! What is not published, or not for everybody, is as good as absent.
mod page;

use super::{
    answer::{self, Answer, set},
    api::{self, Visit},
    pages,
};
use crate::{
    app::App,
    error::Result,
    knowledge::{self, ArticleRow, ArticleView, Filter, Named, address},
    lang::Lang,
    tenant::Tenant,
};
use hyper::{Method, Request, StatusCode, body::Incoming, header};
use page::Frame;
use percent_encoding::percent_decode_str;

/// Nothing runs, nothing comes from elsewhere, nobody frames it; the search form sends to us.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; \
    frame-ancestors 'none'";

/// What a page is made of.
struct Shelf {
    tenant: Tenant,
    /// The path of the tenant's first page.
    path: String,
    languages: Vec<Lang>,
    shown: Shown,
}

enum Shown {
    /// To the language that suits the reader.
    Elsewhere(Lang),
    List {
        lang: Lang,
        search: String,
        articles: Vec<ArticleRow>,
    },
    Article(Box<ArticleView>),
    Nothing(Lang),
}

/// Answers a page of the knowledge base; `rest` are the parts of the path after `kb`.
pub(crate) async fn answer(
    app: &App,
    rest: &[&str],
    request: &Request<Incoming>,
    visit: &Visit,
) -> Answer {
    if let Err(error) = app.limits.address(visit.address) {
        return answer::error(&error, visit.lang, &visit.request_id);
    }
    let shelf = match look(app, rest, request, visit).await {
        Ok(shelf) => shelf,
        Err(error) => {
            api::fault(app, &error, &visit.request_id, "kb", None);
            return answer::error(&error, visit.lang, &visit.request_id);
        }
    };
    let Some(shelf) = shelf else {
        return html(StatusCode::NOT_FOUND, page::absent(visit.lang));
    };
    if let Shown::Article(article) = &shelf.shown
        && request.method() == Method::GET
    {
        knowledge::was_read(&app.db, shelf.tenant.id, article.row.id).await;
    }
    let root = app.url(&shelf.path);
    let brand = pages::brand_of(shelf.tenant.id);
    let frame = |lang| Frame {
        company: &shelf.tenant.name,
        brand: &brand,
        path: &shelf.path,
        root: &root,
        lang,
    };
    match &shelf.shown {
        Shown::Elsewhere(lang) => {
            let mut answer = answer::empty(StatusCode::FOUND);
            let place = format!("{}{}/", shelf.path, lang.as_str());
            set(&mut answer, header::LOCATION, &place);
            set(&mut answer, header::VARY, "accept-language");
            answer
        }
        Shown::List {
            lang,
            search,
            articles,
        } => html(
            StatusCode::OK,
            page::list(&frame(*lang), &shelf.languages, search, articles),
        ),
        Shown::Article(article) => html(
            StatusCode::OK,
            page::article(&frame(article.row.lang), article),
        ),
        Shown::Nothing(lang) => html(StatusCode::NOT_FOUND, page::nothing(&frame(*lang))),
    }
}

fn html(status: StatusCode, page: String) -> Answer {
    let mut answer = answer::answer(status, "text/html; charset=utf-8", page);
    set(&mut answer, header::CONTENT_SECURITY_POLICY, POLICY);
    set(&mut answer, header::CACHE_CONTROL, "no-cache");
    answer
}

/// What the path names, `None` if there is no knowledge base there.
async fn look(
    app: &App,
    rest: &[&str],
    request: &Request<Incoming>,
    visit: &Visit,
) -> Result<Option<Shelf>> {
    let parts: Vec<String> = rest
        .iter()
        .filter(|part| !part.is_empty())
        .map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned())
        .collect();
    let query = request.uri().query().unwrap_or_default();
    let search = form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "q")
        .map(|(_, value)| value.chars().take(200).collect::<String>())
        .unwrap_or_default();
    let wished = visit.lang;
    app.db
        .read(move |db| {
            let (name, parts) = match parts.split_first() {
                Some((first, others)) if first.starts_with('@') => {
                    (first.strip_prefix('@'), others)
                }
                _ => (None, parts.as_slice()),
            };
            let Some(tenant) = address::tenant(db, name)? else {
                return Ok(None);
            };
            let languages = knowledge::languages(db, tenant.id)?;
            let shown = match parts {
                [] => {
                    let has = |lang: &Lang| languages.is_empty() || languages.contains(lang);
                    let suits = [wished, tenant.locale].into_iter().find(has);
                    Shown::Elsewhere(suits.or(languages.first().copied()).unwrap_or(wished))
                }
                [lang, rest @ ..] => {
                    match (Lang::of_tag(lang).filter(|l| l.as_str() == lang), rest) {
                        (Some(lang), []) => {
                            let filter = Filter {
                                lang: Some(lang),
                                search: Some(search.clone()).filter(|s| !s.trim().is_empty()),
                                ..Filter::published(lang)
                            };
                            let articles = knowledge::list(db, tenant.id, &filter, None)?;
                            Shown::List {
                                lang,
                                search,
                                articles,
                            }
                        }
                        (Some(lang), [slug]) => {
                            let named = Named::Slug(slug.clone(), lang);
                            match knowledge::published(db, tenant.id, &named) {
                                Ok(article) => Shown::Article(Box::new(article)),
                                Err(error) if error.code().status() < 500 => Shown::Nothing(lang),
                                Err(error) => return Err(error),
                            }
                        }
                        (lang, _) => Shown::Nothing(lang.unwrap_or(wished)),
                    }
                }
            };
            let path = address::path(db, &tenant)?;
            Ok(Some(Shelf {
                tenant,
                path,
                languages,
                shown,
            }))
        })
        .await
}
