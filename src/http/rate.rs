//! The page of a link that was sent into a chat without buttons, `/rate/…`: a client says how satisfied they are. Looking
//! at it rates nothing, since messengers fetch links to show what is behind them.
use super::{
    answer::{self, Answer, set},
    api::{self, Visit},
    body, pages,
};
use crate::{
    api::field::{TenantId, TicketId},
    app::App,
    channel::rating::{self, Taken},
    clock::Millis,
    error::{Code, Error, Fault, Result},
    lang::Lang,
    tenant,
    ticket::{
        Acting, Actor,
        record::{self, Record},
    },
};
use hyper::{Method, Request, StatusCode, body::Incoming, header};
use maud::{DOCTYPE, Markup, html};
use rusqlite::Connection;

/// Nothing runs, nothing comes from elsewhere, nobody frames it; the form sends to us.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; \
    frame-ancestors 'none'";

/// The longest comment.
const COMMENT: usize = 2000;

/// What a link leads to.
struct Work {
    company: String,
    /// Where its colours are.
    brand: String,
    ticket: Record,
    lang: Lang,
}

impl Work {
    /// The company's name and where its colours are.
    fn looks(&self) -> (&str, &str) {
        (&self.company, &self.brand)
    }
}

/// Answers the page of a link, or takes what its form says.
pub(crate) async fn answer(
    app: &App,
    token: &str,
    request: Request<Incoming>,
    visit: &Visit,
) -> Answer {
    if let Err(error) = app.limits.address(visit.address) {
        return answer::error(&error, visit.lang, &visit.request_id);
    }
    let outcome = match *request.method() {
        Method::GET | Method::HEAD => look(app, token).await,
        Method::POST => take(app, token, request).await,
        _ => return answer::wrong_method("GET, HEAD, POST", visit.lang, &visit.request_id),
    };
    match outcome {
        Ok(page) => whole(StatusCode::OK, page),
        Err(error) if error.code() == Code::TicketNotFound => {
            let words = words(visit.lang);
            let page = frame(
                ("", "/brand.css"),
                visit.lang,
                words.title,
                &html! { p class="empty" { (words.absent) } },
            );
            whole(StatusCode::NOT_FOUND, page)
        }
        Err(error) => {
            api::fault(app, &error, &visit.request_id, "rate", None);
            answer::error(&error, visit.lang, &visit.request_id)
        }
    }
}

fn whole(status: StatusCode, page: String) -> Answer {
    let mut answer = answer::answer(status, "text/html; charset=utf-8", page);
    set(&mut answer, header::CONTENT_SECURITY_POLICY, POLICY);
    set(&mut answer, header::CACHE_CONTROL, "no-store");
    answer
}

/// The work of a link. A forged link leads to no ticket.
fn work(conn: &Connection, (owner, id, _): (TenantId, TicketId, Millis)) -> Result<Work> {
    let tenant = tenant::find(conn, owner).map_err(|_| Error::new(Code::TicketNotFound))?;
    if !tenant.is_active {
        return Err(Error::new(Code::TicketNotFound));
    }
    let ticket = record::by_id(conn, owner, id)?;
    Ok(Work {
        company: tenant.name,
        brand: pages::brand_of(tenant.id),
        lang: rating::lang_of(conn, &ticket)?,
        ticket,
    })
}

fn of_link(app: &App, token: &str) -> Result<(TenantId, TicketId, Millis)> {
    rating::of_link(&app.secret, token).ok_or_else(|| Error::new(Code::TicketNotFound))
}

async fn look(app: &App, token: &str) -> Result<String> {
    let of = of_link(app, token)?;
    let work = app.db.read(move |db| work(db, of)).await?;
    Ok(form(&work, token))
}

async fn take(app: &App, token: &str, request: Request<Incoming>) -> Result<String> {
    let of = of_link(app, token)?;
    let fields = body::form(request.into_body()).await?;
    let text = |name: &str| {
        fields
            .get(name)
            .and_then(|v| v.as_str())
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    let stars = text("rating")
        .parse::<i64>()
        .ok()
        .filter(|stars| (1..=5).contains(stars));
    let stars = stars.ok_or_else(|| Error::invalid("rating", Fault::OutOfRange(1, 5)))?;
    let comment = text("comment");
    if comment.chars().count() > COMMENT {
        return Err(Error::invalid("comment", Fault::TooLong(COMMENT)));
    }
    let (work, taken) = app
        .db
        .write(move |tx| {
            let mut work = work(tx, of)?;
            let cx = Acting::new(tx, of.0, Actor::visitor(&work.ticket.creator_name));
            let said = Some(comment.as_str()).filter(|text| !text.is_empty());
            let taken = rating::take(&cx, &mut work.ticket, (stars, of.2), said)?;
            Ok((work, taken))
        })
        .await?;
    Ok(thanked(&work, taken, stars))
}

/// The words of the page.
struct Words {
    title: &'static str,
    legend: &'static str,
    poor: &'static str,
    excellent: &'static str,
    comment: &'static str,
    send: &'static str,
    absent: &'static str,
}

const fn words(lang: Lang) -> Words {
    match lang {
        Lang::Ru => Words {
            title: "Оцените нашу работу",
            legend: "Ваша оценка",
            poor: "плохо",
            excellent: "отлично",
            comment: "Что добавите? (необязательно)",
            send: "Отправить оценку",
            absent: "Эта ссылка не действует.",
        },
        Lang::Kk => Words {
            title: "Жұмысымызды бағалаңыз",
            legend: "Сіздің бағаңыз",
            poor: "нашар",
            excellent: "өте жақсы",
            comment: "Не қосасыз? (міндетті емес)",
            send: "Бағаны жіберу",
            absent: "Бұл сілтеме жарамсыз.",
        },
        Lang::En => Words {
            title: "Rate our work",
            legend: "Your rating",
            poor: "poor",
            excellent: "excellent",
            comment: "Anything to add? (optional)",
            send: "Send the rating",
            absent: "This link does not work.",
        },
    }
}

fn frame((company, brand): (&str, &str), lang: Lang, title: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang=(lang.as_str()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                title { (title) @if !company.is_empty() { " — " (company) } }
                link rel="icon" href="/icon.svg" type="image/svg+xml";
                link rel="stylesheet" href=(brand);
                link rel="stylesheet" href="/kb.css";
            }
            body {
                @if !company.is_empty() {
                    header class="top" { span class="home" { span class="company" { (company) } } }
                }
                main { h1 { (title) } (body) }
            }
        }
    };
    page.into_string()
}

fn form(work: &Work, token: &str) -> String {
    let words = words(work.lang);
    let body = html! {
        p { "№" (work.ticket.id) " " (work.ticket.subject) }
        form class="rate" method="post" action={ "/rate/" (token) } {
            fieldset {
                legend { (words.legend) }
                @for stars in 1..=5 {
                    label {
                        input type="radio" name="rating" value=(stars) required;
                        " " (stars)
                        @if stars == 1 { " — " (words.poor) }
                        @if stars == 5 { " — " (words.excellent) }
                    }
                }
            }
            label for="comment" { (words.comment) }
            textarea id="comment" name="comment" rows="4" maxlength=(COMMENT) {}
            button { (words.send) }
        }
    };
    frame(work.looks(), work.lang, words.title, &body)
}

fn thanked(work: &Work, taken: Taken, stars: i64) -> String {
    let body = html! { p role="status" { (rating::thanks(taken, stars, work.lang)) } };
    frame(work.looks(), work.lang, words(work.lang).title, &body)
}
