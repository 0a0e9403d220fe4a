//! A table in CSV. Each row is something that was said: rows with the same `ticket` belong together, and the first of them
//! tells of the ticket. [`COLUMNS`] are known; others are passed over and named in the report.
use super::{refuse, stage::Stage, whole};
use crate::{channel::email::charset, db::sql::run, error::Result, ticket::status::Status};
use csv::StringRecord;
use std::{collections::HashMap, path::PathBuf};

/// The largest file.
const LARGEST: u64 = 512 << 20;

/// What a column may be called; the first word is the one in the documentation.
pub(crate) const COLUMNS: [(&str, &[&str]); 22] = [
    ("ticket", &["ticket", "id", "ticket_id", "number"]),
    ("subject", &["subject", "title"]),
    ("status", &["status"]),
    ("priority", &["priority"]),
    ("channel", &["channel"]),
    ("tags", &["tags", "labels"]),
    ("company", &["company", "company_name", "organization"]),
    ("domain", &["domain", "portal_domain"]),
    (
        "requester_name",
        &["requester_name", "requester", "customer", "name"],
    ),
    (
        "requester_email",
        &["requester_email", "customer_email", "email"],
    ),
    ("requester_phone", &["requester_phone", "phone"]),
    (
        "assignee_email",
        &["assignee_email", "assignee", "assigned_to"],
    ),
    ("created_at", &["created_at", "created"]),
    ("updated_at", &["updated_at", "updated"]),
    ("closed_at", &["closed_at", "closed", "solved_at"]),
    ("message", &["message", "description", "body", "text"]),
    ("message_id", &["message_id"]),
    ("message_at", &["message_at"]),
    ("author_name", &["author_name", "author"]),
    ("author_email", &["author_email"]),
    ("kind", &["kind", "message_type"]),
    ("attachments", &["attachments", "files"]),
];

pub(super) fn read(stage: &Stage, files: &[PathBuf]) -> Result<()> {
    for path in files {
        let bytes = whole(path, LARGEST)?;
        let text = charset::decode(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes), None);
        table(stage, &text).map_err(|error| match std::error::Error::source(&error) {
            Some(why) => refuse(format!("{}: {why}", path.display())),
            None => error,
        })?;
    }
    Ok(())
}

/// Which of the usual signs stands between the columns.
fn delimiter(text: &str) -> u8 {
    let heading = text.lines().next().unwrap_or_default();
    let count = |sign: u8| heading.bytes().filter(|byte| *byte == sign).count();
    [b',', b';', b'\t']
        .into_iter()
        .rev()
        .max_by_key(|sign| count(*sign))
        .unwrap_or(b',')
}

fn table(stage: &Stage, text: &str) -> Result<()> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter(text))
        .flexible(true)
        .from_reader(text.as_bytes());
    let unreadable = |error: csv::Error| refuse(error.to_string());
    let places = places(stage, reader.headers().map_err(unreadable)?)?;
    for name in ["ticket", "subject"] {
        if !places.contains_key(name) {
            return Err(refuse(format!("the first line names no column \"{name}\"")));
        }
    }
    let mut counts = HashMap::<String, u32>::new();
    for record in reader.records() {
        let record = record.map_err(unreadable)?;
        let row = Row {
            record: &record,
            places: &places,
        };
        let line = record.position().map_or(0, csv::Position::line);
        let Some(ticket) = row.get("ticket") else {
            if record.iter().all(|cell| cell.trim().is_empty()) {
                continue;
            }
            return Err(refuse(format!("line {line}: \"ticket\" is empty")));
        };
        let nth = counts.entry(ticket.to_owned()).or_default();
        *nth += 1;
        if *nth == 1 {
            open(stage, &row, ticket, line)?;
        }
        said(stage, &row, ticket, *nth, line)?;
    }
    Ok(())
}

/// Where the known columns stand.
fn places(stage: &Stage, headings: &StringRecord) -> Result<HashMap<&'static str, usize>> {
    let mut places = HashMap::new();
    for (at, heading) in headings.iter().enumerate() {
        let plain = heading.trim().to_lowercase().replace([' ', '-'], "_");
        let known = COLUMNS.iter().find(|(_, names)| names.contains(&&*plain));
        match known {
            Some((name, _)) if !places.contains_key(name) => {
                places.insert(*name, at);
            }
            _ if plain.is_empty() => {}
            _ => stage.remark(&format!("the column \"{}\" is passed over", heading.trim()))?,
        }
    }
    Ok(places)
}

struct Row<'r> {
    record: &'r StringRecord,
    places: &'r HashMap<&'static str, usize>,
}

impl<'r> Row<'r> {
    /// A cell that says something.
    fn get(&self, column: &str) -> Option<&'r str> {
        let cell = self.record.get(*self.places.get(column)?)?.trim();
        (!cell.is_empty()).then_some(cell)
    }

    /// Several values in one cell.
    fn list(&self, column: &str) -> Vec<&'r str> {
        let cell = self.get(column).unwrap_or_default();
        let parts = cell.split([',', ';', '\n', '|']).map(str::trim);
        parts.filter(|part| !part.is_empty()).collect()
    }

    fn time(&self, stage: &Stage, column: &str, line: u64) -> Result<Option<i64>> {
        let Some(text) = self.get(column) else {
            return Ok(None);
        };
        match stage.moment(text) {
            Some(at) => Ok(Some(at)),
            None => Err(refuse(format!(
                "line {line}: \"{column}\" is no time: {text}"
            ))),
        }
    }
}

/// A status in any of the usual words.
fn status(word: &str) -> Option<&'static str> {
    let plain = word.to_lowercase().replace([' ', '-'], "_");
    let ours = Status::parse(&plain).map(Status::as_str);
    ours.or(match &*plain {
        "open" | "active" | "assigned" | "новая" | "новый" | "открыта" | "открыт" | "в_работе" => {
            Some("in_progress")
        }
        "pending" | "hold" | "waiting" | "ожидание" | "ожидает" => Some("on_hold"),
        "solved" | "resolved" | "решена" | "решен" | "решён" | "выполнена" => {
            Some("done")
        }
        "закрыта" | "закрыт" | "archived" => Some("closed"),
        _ => None,
    })
}

fn priority(word: &str) -> Option<&'static str> {
    match &*word.to_lowercase() {
        "low" | "низкий" => Some("low"),
        "normal" | "medium" | "обычный" | "средний" => Some("normal"),
        "high" | "urgent" | "critical" | "emergency" | "высокий" | "срочный" => {
            Some("urgent")
        }
        _ => None,
    }
}

fn channel(word: &str) -> &'static str {
    match &*word.to_lowercase() {
        "email" | "mail" => "email",
        "phone" => "phone",
        "portal" | "web" => "portal",
        "widget" | "chat" => "widget",
        _ => "api",
    }
}

/// A person by address, or by name where there is none.
fn person(
    stage: &Stage,
    name: Option<&str>,
    email: Option<&str>,
    about: (Option<&str>, Option<&str>),
    is_agent: bool,
) -> Result<Option<String>> {
    let Some(key) = email.or(name).map(str::to_lowercase) else {
        return Ok(None);
    };
    let (phone, company) = about;
    run(
        &stage.conn,
        "insert into person (key, name, email, phone, company, is_agent) values (?1, ?2, ?3, ?4, ?5, ?6)
         on conflict do update
            set name = coalesce(name, excluded.name), phone = coalesce(phone, excluded.phone),
                company = coalesce(company, excluded.company), is_agent = max(is_agent, excluded.is_agent)",
        (&key, name, email, phone, company, is_agent),
    )?;
    Ok(Some(key))
}

fn open(stage: &Stage, row: &Row<'_>, key: &str, line: u64) -> Result<()> {
    let unknown = |column: &str, word: &str| {
        refuse(format!("line {line}: \"{column}\" is not known: {word}"))
    };
    let was = row.get("status").unwrap_or("closed");
    let status = status(was).ok_or_else(|| unknown("status", was))?;
    let urgency = row.get("priority").unwrap_or("normal");
    let priority = priority(urgency).ok_or_else(|| unknown("priority", urgency))?;
    let company = row
        .get("domain")
        .or(row.get("company"))
        .map(str::to_lowercase);
    if let Some(company) = &company {
        run(
            &stage.conn,
            "insert into company (key, name, domain) values (?1, ?2, ?3)
             on conflict do update set domain = coalesce(domain, excluded.domain)",
            (
                company,
                row.get("company").or(row.get("domain")),
                row.get("domain"),
            ),
        )?;
    }
    let requester = person(
        stage,
        row.get("requester_name"),
        row.get("requester_email"),
        (row.get("requester_phone"), company.as_deref()),
        false,
    )?;
    let assignee = person(stage, None, row.get("assignee_email"), (None, None), true)?;
    let created_at = row.time(stage, "created_at", line)?;
    let Some(created_at) = created_at.or(row.time(stage, "message_at", line)?) else {
        return Err(refuse(format!("line {line}: \"created_at\" is empty")));
    };
    run(
        &stage.conn,
        "insert into ticket (key, number, subject, was, status, priority, channel, requester, assignee, company, tags,
                             created_at, updated_at, done_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14) on conflict do nothing",
        rusqlite::params![
            key,
            key.trim_start_matches('#').parse::<i64>().ok(),
            row.get("subject"),
            was,
            status,
            priority,
            channel(row.get("channel").unwrap_or_default()),
            requester,
            assignee,
            company,
            serde_json::to_string(&row.list("tags"))?,
            created_at,
            row.time(stage, "updated_at", line)?,
            row.time(stage, "closed_at", line)?,
        ],
    )?;
    Ok(())
}

fn said(stage: &Stage, row: &Row<'_>, ticket: &str, nth: u32, line: u64) -> Result<()> {
    let files = row.list("attachments");
    if row.get("message").is_none() && files.is_empty() {
        return Ok(());
    }
    let kind = match row.get("kind").map(str::to_lowercase).as_deref() {
        None if nth == 1 => "client",
        None => "",
        Some("client" | "customer" | "message" | "клиент") => "client",
        Some("support" | "agent" | "reply" | "response" | "operator" | "сотрудник" | "ответ") => {
            "support"
        }
        Some("note" | "internal" | "заметка") => "note",
        Some(other) => {
            return Err(refuse(format!(
                "line {line}: \"kind\" is not known: {other}"
            )));
        }
    };
    let (name, email) = (row.get("author_name"), row.get("author_email"));
    let by_desk = matches!(kind, "support" | "note");
    let author = match person(stage, name, email, (None, None), by_desk)? {
        None if kind == "client" => person(
            stage,
            row.get("requester_name"),
            row.get("requester_email"),
            (None, None),
            false,
        )?,
        author => author,
    };
    let key = match row.get("message_id") {
        Some(id) => id.to_owned(),
        None => format!("{ticket}/{nth}"),
    };
    let at = row.time(stage, "message_at", line)?;
    run(
        &stage.conn,
        "insert or ignore into said (key, ticket, at, author, author_name, kind, body) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        (&key, ticket, at, author, name, kind, row.get("message")),
    )?;
    for way in files {
        let name = way.rsplit('/').next().unwrap_or(way);
        run(
            &stage.conn,
            "insert into attached (said, name, ways) values (?1, ?2, ?3)",
            (&key, name, way),
        )?;
    }
    Ok(())
}
