//! How the pages of the public knowledge base look. Every value is escaped as it is written; an article's own HTML was
//! sanitised when it was saved.
use crate::{
    clock,
    knowledge::{ArticleRow, ArticleView},
    lang::Lang,
};
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// What all pages of a tenant share.
pub(super) struct Frame<'a> {
    pub(super) company: &'a str,
    /// Where its colours are.
    pub(super) brand: &'a str,
    /// The path of its first page, and its whole address.
    pub(super) path: &'a str,
    pub(super) root: &'a str,
    pub(super) lang: Lang,
}

/// The words of the pages.
struct Words {
    title: &'static str,
    search: &'static str,
    find: &'static str,
    empty: &'static str,
    not_found: &'static str,
    absent: &'static str,
    back: &'static str,
    updated: &'static str,
    languages: &'static str,
    others: &'static str,
}

const fn words(lang: Lang) -> Words {
    match lang {
        Lang::Ru => Words {
            title: "База знаний",
            search: "Что вы хотите узнать?",
            find: "Найти",
            empty: "Здесь пока нет статей.",
            not_found: "Ничего не нашлось. Попробуйте другие слова.",
            absent: "Такой статьи нет. Возможно, её переименовали или сняли с публикации.",
            back: "Все статьи",
            updated: "Обновлено",
            languages: "Языки",
            others: "Разное",
        },
        Lang::Kk => Words {
            title: "Білім базасы",
            search: "Не білгіңіз келеді?",
            find: "Іздеу",
            empty: "Мұнда әзірге мақала жоқ.",
            not_found: "Ештеңе табылмады. Басқа сөздермен іздеп көріңіз.",
            absent: "Мұндай мақала жоқ. Оның атауы өзгерген немесе жарияланымнан алынған болуы мүмкін.",
            back: "Барлық мақалалар",
            updated: "Жаңартылған күні",
            languages: "Тілдер",
            others: "Басқа",
        },
        Lang::En => Words {
            title: "Knowledge base",
            search: "What would you like to know?",
            find: "Search",
            empty: "There are no articles here yet.",
            not_found: "Nothing was found. Try other words.",
            absent: "There is no such article. It may have been renamed or taken down.",
            back: "All articles",
            updated: "Updated",
            languages: "Languages",
            others: "Other",
        },
    }
}

/// A language in its own words.
const fn own_name(lang: Lang) -> &'static str {
    lang.pick(["Русский", "Қазақша", "English"])
}

struct Head<'a> {
    title: String,
    description: &'a str,
    /// The page's own address, after the root; none for one that is not to be found by search engines.
    canonical: Option<String>,
    /// The same page in other languages.
    alternates: Vec<(Lang, String)>,
}

fn whole(frame: &Frame<'_>, head: &Head<'_>, body: &Markup) -> String {
    let words = words(frame.lang);
    let home = format!("{}{}/", frame.path, frame.lang.as_str());
    let page = html! {
        (DOCTYPE)
        html lang=(frame.lang.as_str()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (head.title) }
                @if !head.description.is_empty() {
                    meta name="description" content=(head.description);
                    meta property="og:description" content=(head.description);
                }
                meta property="og:title" content=(head.title);
                meta property="og:site_name" content=(frame.company);
                @if let Some(place) = &head.canonical {
                    link rel="canonical" href={ (frame.root) (place) };
                } @else {
                    meta name="robots" content="noindex";
                }
                @for (lang, place) in &head.alternates {
                    link rel="alternate" hreflang=(lang.as_str()) href={ (frame.root) (place) };
                }
                link rel="icon" href="/icon.svg" type="image/svg+xml";
                link rel="stylesheet" href=(frame.brand);
                link rel="stylesheet" href="/kb.css";
            }
            body {
                header class="top" {
                    a class="home" href=(home) {
                        span class="company" { (frame.company) }
                        span { (words.title) }
                    }
                    @if head.alternates.len() > 1 {
                        nav class="languages" aria-label=(words.languages) {
                            @for (lang, place) in &head.alternates {
                                @if *lang == frame.lang {
                                    span lang=(lang.as_str()) aria-current="true" { (own_name(*lang)) }
                                } @else {
                                    a lang=(lang.as_str()) hreflang=(lang.as_str()) href={ (frame.path) (place) } { (own_name(*lang)) }
                                }
                            }
                        }
                    }
                }
                main { (body) }
            }
        }
    };
    page.into_string()
}

fn search_form(frame: &Frame<'_>, search: &str) -> Markup {
    let words = words(frame.lang);
    html! {
        form class="search" role="search" method="get" action={ (frame.path) (frame.lang.as_str()) "/" } {
            input type="search" name="q" value=(search) aria-label=(words.search) placeholder=(words.search) maxlength="200";
            button { (words.find) }
        }
    }
}

/// All articles in a language by category, or what a search found.
pub(super) fn list(
    frame: &Frame<'_>,
    languages: &[Lang],
    search: &str,
    articles: &[ArticleRow],
) -> String {
    let words = words(frame.lang);
    let is_search = !search.trim().is_empty();
    let entry = |article: &ArticleRow| {
        html! {
            li {
                a href={ (frame.path) (frame.lang.as_str()) "/" (article.slug) } { (article.title) }
                p { (article.excerpt) }
            }
        }
    };
    let body = html! {
        h1 { (words.title) }
        (search_form(frame, search))
        @if articles.is_empty() {
            p class="empty" { @if is_search { (words.not_found) } @else { (words.empty) } }
        } @else if is_search {
            ul class="articles" { @for article in articles { (entry(article)) } }
        } @else {
            @for shelf in articles.chunk_by(|a, b| a.category == b.category) {
                section {
                    @if let Some(first) = shelf.first() && articles.iter().any(|a| !a.category.is_empty()) {
                        h2 { @if first.category.is_empty() { (words.others) } @else { (first.category) } }
                    }
                    ul class="articles" { @for article in shelf { (entry(article)) } }
                }
            }
        }
    };
    let place = |lang: Lang| format!("{}/", lang.as_str());
    let head = Head {
        title: format!("{} — {}", words.title, frame.company),
        description: "",
        canonical: (!is_search).then(|| place(frame.lang)),
        alternates: languages.iter().map(|lang| (*lang, place(*lang))).collect(),
    };
    whole(frame, &head, &body)
}

/// The day of a time on the wire, as people of a language write it.
fn day(wire: &str, lang: Lang) -> String {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let part = |from: usize, to: usize| wire.get(from..to).unwrap_or_default();
    let (year, month, day) = (part(0, 4), part(5, 7), part(8, 10));
    match lang {
        Lang::Ru | Lang::Kk => format!("{day}.{month}.{year}"),
        Lang::En => {
            let number = month.parse::<usize>().ok().and_then(|m| m.checked_sub(1));
            let named = number.and_then(|n| MONTHS.get(n));
            format!("{day} {} {year}", named.copied().unwrap_or(month))
        }
    }
}

/// An article.
pub(super) fn article(frame: &Frame<'_>, article: &ArticleView) -> String {
    let words = words(frame.lang);
    let row = &article.row;
    let changed = clock::wire(row.updated_at.0);
    let day = day(&changed, frame.lang);
    let body = html! {
        nav class="back" { a href={ (frame.path) (frame.lang.as_str()) "/" } { "← " (words.back) } }
        article {
            @if !row.category.is_empty() { p class="category" { (row.category) } }
            h1 { (row.title) }
            div class="text" { (PreEscaped(&article.html)) }
            p class="changed" { (words.updated) " " time datetime=(changed) { (day) } }
        }
    };
    let place = |lang: Lang| format!("{}/{}", lang.as_str(), row.slug);
    let head = Head {
        title: format!("{} — {}", row.title, frame.company),
        description: &row.excerpt,
        canonical: Some(place(row.lang)),
        alternates: article
            .languages
            .iter()
            .map(|lang| (*lang, place(*lang)))
            .collect(),
    };
    whole(frame, &head, &body)
}

/// A page that is not there, in a knowledge base that is.
pub(super) fn nothing(frame: &Frame<'_>) -> String {
    let words = words(frame.lang);
    let body = html! {
        h1 { (words.title) }
        p class="empty" { (words.absent) }
        (search_form(frame, ""))
        nav class="back" { a href={ (frame.path) (frame.lang.as_str()) "/" } { "← " (words.back) } }
    };
    let head = Head {
        title: format!("{} — {}", words.title, frame.company),
        description: "",
        canonical: None,
        alternates: Vec::new(),
    };
    whole(frame, &head, &body)
}

/// Where there is no knowledge base for everybody.
pub(super) fn absent(lang: Lang) -> String {
    let words = words(lang);
    let page = html! {
        (DOCTYPE)
        html lang=(lang.as_str()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title { (words.title) }
                link rel="stylesheet" href="/brand.css";
                link rel="stylesheet" href="/kb.css";
            }
            body { main { h1 { (words.title) } p class="empty" { (words.empty) } } }
        }
    };
    page.into_string()
}
