//! Zendesk: its JSON. That of the full export is a line a ticket, user or organization; that of the API is a page, an object
//! with a list of `tickets`, `users`, `organizations`, `comments`, `audits` or `ticket_events`. All of them may come together,
//! in any order and in several files. Attachments are named by an address that needs a session, so they are looked for in
//! the folder of attachments by their number.
use super::{open, refuse, stage::Stage};
use crate::{db::sql::run, error::Result};
use serde_json::{Deserializer, Map, Value};
use std::path::PathBuf;

/// How deep lists may stand in each other.
const DEEPEST: usize = 4;
/// The lists of a page.
const PAGES: [&str; 7] = [
    "tickets",
    "users",
    "organizations",
    "comments",
    "audits",
    "ticket_events",
    "results",
];

pub(super) fn read(stage: &Stage, files: &[PathBuf]) -> Result<()> {
    for path in files {
        let values = Deserializer::from_reader(open(path)?).into_iter::<Value>();
        for value in values {
            let value = value
                .map_err(|error| refuse(format!("{} is not JSON: {error}", path.display())))?;
            take(stage, &value, DEEPEST)?;
        }
    }
    // Most of what is said in a page of comments does not name its ticket.
    let lost = stage.count("select count(*) from said where ticket is null")?;
    if lost > 0 {
        stage.remark(&format!(
            "comments that do not say of which ticket they are: {lost}; export them as audits or ticket events"
        ))?;
        run(&stage.conn, "delete from said where ticket is null", [])?;
    }
    describe(stage)
}

/// A ticket that came without its comments has at least its description.
fn describe(stage: &Stage) -> Result<()> {
    let sql = "insert into said (key, ticket, at, author, kind, body)
               select 'description of ' || d.ticket, d.ticket, t.created_at, t.requester, 'client', d.text
                 from description d
                 join ticket t on t.key = d.ticket
                where not exists (select 1 from said s where s.ticket = d.ticket)";
    stage.conn.execute_batch(DESCRIPTIONS)?;
    run(&stage.conn, sql, [])?;
    Ok(())
}

const DESCRIPTIONS: &str =
    "create table if not exists description (ticket text primary key, text text)";

fn take(stage: &Stage, value: &Value, depth: usize) -> Result<()> {
    match value {
        Value::Array(items) if depth > 0 => items
            .iter()
            .try_for_each(|item| take(stage, item, depth - 1)),
        Value::Object(object) => {
            let pages = PAGES.iter().filter_map(|name| object.get(*name));
            let pages: Vec<&Value> = pages.filter(|page| page.is_array()).collect();
            let is_ticket = object.contains_key("id") && object.contains_key("subject");
            if !pages.is_empty() && !is_ticket && depth > 0 {
                return pages
                    .into_iter()
                    .try_for_each(|page| take(stage, page, depth - 1));
            }
            one(stage, object, is_ticket)
        }
        _ => Ok(()),
    }
}

fn one(stage: &Stage, object: &Map<String, Value>, is_ticket: bool) -> Result<()> {
    let has = |name: &str| object.contains_key(name);
    if is_ticket {
        ticket(stage, object)
    } else if has("ticket_id") && has("events") {
        audit(stage, object, "events", "author_id")
    } else if has("ticket_id") && has("child_events") {
        audit(stage, object, "child_events", "updater_id")
    } else if has("author_id") && (has("body") || has("html_body")) {
        comment(
            stage,
            object,
            key(object, "ticket_id").as_deref(),
            None,
            None,
        )
    } else if has("domain_names") {
        organization(stage, object)
    } else if has("email") || has("role") {
        user(stage, object)
    } else {
        Ok(())
    }
}

/// A number or a text as a key.
fn key(object: &Map<String, Value>, name: &str) -> Option<String> {
    match object.get(name)? {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        _ => None,
    }
}

fn text<'v>(object: &'v Map<String, Value>, name: &str) -> Option<&'v str> {
    object.get(name)?.as_str()
}

fn user(stage: &Stage, user: &Map<String, Value>) -> Result<()> {
    let Some(id) = key(user, "id") else {
        return Ok(());
    };
    let is_agent = matches!(text(user, "role"), Some("agent" | "admin"));
    let is = |name: &str| user.get(name).and_then(Value::as_bool);
    let has_left = is("active") == Some(false) || is("suspended") == Some(true);
    run(
        &stage.conn,
        "insert into person (key, name, email, phone, company, is_agent, has_left) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         on conflict do update
            set name = coalesce(excluded.name, name), email = coalesce(excluded.email, email),
                phone = coalesce(excluded.phone, phone), company = coalesce(excluded.company, company),
                is_agent = max(excluded.is_agent, is_agent), has_left = max(excluded.has_left, has_left)",
        (
            id,
            text(user, "name"),
            text(user, "email"),
            text(user, "phone"),
            key(user, "organization_id"),
            is_agent,
            has_left,
        ),
    )?;
    if let Some(Value::Object(inside)) = user.get("organization") {
        organization(stage, inside)?;
    }
    Ok(())
}

fn organization(stage: &Stage, organization: &Map<String, Value>) -> Result<()> {
    let (Some(id), Some(name)) = (key(organization, "id"), text(organization, "name")) else {
        return Ok(());
    };
    let domains = organization.get("domain_names").and_then(Value::as_array);
    let domain = domains.and_then(|domains| domains.first()?.as_str());
    run(
        &stage.conn,
        "insert into company (key, name, domain) values (?1, ?2, ?3)
         on conflict do update set name = excluded.name, domain = coalesce(excluded.domain, domain)",
        (id, name, domain),
    )?;
    Ok(())
}

/// What a status of theirs is here.
fn status(word: &str) -> &'static str {
    match word {
        "new" => "new",
        "pending" | "hold" => "on_hold",
        "solved" => "done",
        "closed" => "closed",
        _ => "in_progress",
    }
}

/// What a channel of theirs is here. Whatever is written into a page of theirs is a portal's here.
fn channel(word: &str) -> &'static str {
    match word {
        "email" => "email",
        "voice" | "phone" => "phone",
        "web" | "help_center" | "web_form" | "mobile" | "mobile_sdk" => "portal",
        "web_widget" | "chat" | "messaging" | "native_messaging" => "widget",
        _ => "api",
    }
}

fn ticket(stage: &Stage, ticket: &Map<String, Value>) -> Result<()> {
    let Some(id) = key(ticket, "id") else {
        return Ok(());
    };
    // The full export holds the people of a ticket as well as their numbers.
    let mut named = [None, None];
    for (place, name) in ["requester", "assignee"].into_iter().enumerate() {
        if let Some(Value::Object(person)) = ticket.get(name) {
            user(stage, person)?;
            named[place] = key(person, "id");
        }
    }
    if let Some(Value::Object(inside)) = ticket.get("organization") {
        organization(stage, inside)?;
    }
    let [requester, assignee] = named;
    let requester = key(ticket, "requester_id").or(requester);
    let assignee = key(ticket, "assignee_id").or(assignee);
    if let Some(assignee) = &assignee {
        run(
            &stage.conn,
            "insert into person (key, is_agent) values (?1, 1) on conflict do update set is_agent = 1",
            [assignee],
        )?;
    }
    let word = text(ticket, "status").unwrap_or("open");
    let via = ticket.get("via").and_then(|via| match via {
        Value::Object(via) => text(via, "channel"),
        other => other.as_str(),
    });
    let priority = match text(ticket, "priority") {
        Some("low") => "low",
        Some("high" | "urgent") => "urgent",
        _ => "normal",
    };
    let tags = ticket.get("tags").filter(|tags| tags.is_array());
    let updated_at = text(ticket, "updated_at").and_then(|at| stage.moment(at));
    let solved_at = ticket
        .get("metric_set")
        .and_then(|metrics| metrics.get("solved_at").and_then(Value::as_str));
    run(
        &stage.conn,
        "insert into ticket (key, number, subject, was, status, priority, channel, requester, assignee, company, tags,
                             created_at, updated_at, done_at, left_out)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
         on conflict do update
            set subject = excluded.subject, was = excluded.was, status = excluded.status, priority = excluded.priority,
                requester = excluded.requester, assignee = excluded.assignee, company = excluded.company,
                tags = excluded.tags, updated_at = excluded.updated_at, done_at = excluded.done_at,
                left_out = excluded.left_out
          where coalesce(excluded.updated_at, 0) >= coalesce(ticket.updated_at, 0)",
        rusqlite::params![
            id,
            id.parse::<i64>().ok(),
            text(ticket, "raw_subject").filter(|s| !s.is_empty()).or(text(ticket, "subject")),
            word,
            status(word),
            priority,
            channel(via.unwrap_or_default()),
            requester,
            assignee,
            key(ticket, "organization_id"),
            tags.map(Value::to_string),
            text(ticket, "created_at").and_then(|at| stage.moment(at)),
            updated_at,
            solved_at.and_then(|at| stage.moment(at)).or(updated_at),
            (word == "deleted").then_some("deleted"),
        ],
    )?;
    if let Some(description) = text(ticket, "description") {
        stage.conn.execute_batch(DESCRIPTIONS)?;
        run(
            &stage.conn,
            "insert or replace into description (ticket, text) values (?1, ?2)",
            (&id, description),
        )?;
    }
    let comments = ticket.get("comments").and_then(Value::as_array);
    for said in comments.into_iter().flatten() {
        if let Value::Object(said) = said {
            comment(stage, said, Some(&id), None, None)?;
        }
    }
    Ok(())
}

/// A step of a ticket's history, of which the comments count.
fn audit(stage: &Stage, audit: &Map<String, Value>, list: &str, author: &str) -> Result<()> {
    let (ticket, author) = (key(audit, "ticket_id"), key(audit, author));
    let events = audit.get(list).and_then(Value::as_array);
    for event in events.into_iter().flatten() {
        let Value::Object(event) = event else {
            continue;
        };
        let kind = text(event, "event_type").or(text(event, "type"));
        if matches!(kind, Some("Comment" | "VoiceComment")) {
            comment(
                stage,
                event,
                ticket.as_deref(),
                author.as_deref(),
                text(audit, "created_at"),
            )?;
        }
    }
    Ok(())
}

fn comment(
    stage: &Stage,
    said: &Map<String, Value>,
    ticket: Option<&str>,
    author: Option<&str>,
    at: Option<&str>,
) -> Result<()> {
    let Some(id) = key(said, "id") else {
        return Ok(());
    };
    let is_public = said
        .get("public")
        .or(said.get("comment_public"))
        .and_then(Value::as_bool)
        .unwrap_or(true);
    let author = key(said, "author_id").or(author.map(str::to_owned));
    let at = text(said, "created_at").or(at);
    let added = run(
        &stage.conn,
        "insert into said (key, ticket, at, author, kind, html, body) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         on conflict do update set ticket = coalesce(excluded.ticket, ticket) where said.ticket is null",
        (
            &id,
            ticket,
            at.and_then(|at| stage.moment(at)),
            author,
            if is_public { "" } else { "note" },
            text(said, "html_body"),
            text(said, "plain_body").or(text(said, "body")),
        ),
    )?;
    if added == 0 {
        return Ok(());
    }
    run(&stage.conn, "delete from attached where said = ?1", [&id])?;
    let files = said.get("attachments").and_then(Value::as_array);
    for file in files.into_iter().flatten() {
        let Value::Object(file) = file else { continue };
        let name = text(file, "file_name").unwrap_or("file");
        let Some(number) = key(file, "id") else {
            continue;
        };
        let ways = [
            format!("{number}/{name}"),
            format!("{number}-{name}"),
            format!("{number}_{name}"),
            number,
        ];
        run(
            &stage.conn,
            "insert into attached (said, name, mime, ways) values (?1, ?2, ?3, ?4)",
            (&id, name, text(file, "content_type"), ways.join("\n")),
        )?;
    }
    Ok(())
}
