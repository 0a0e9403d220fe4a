//! The neutral form: people, companies, tickets, what was said and the files, in a temporary database that is gone with the
//! process. Readers of formats write it, the rest of the import reads it ticket by ticket.
use super::times;
use crate::{
    channel::email::{html, text},
    clock::Millis,
    db::sql::{all, first, one, run},
    error::Result,
    ticket::{
        model::{Origin, Priority},
        status::Status,
    },
};
use jiff::tz::TimeZone;
use rusqlite::{Connection, Row, functions::FunctionFlags, types::ValueRef};
use std::collections::BTreeMap;

/// The longest HTML of one message that is shown as such.
const LONGEST_HTML: usize = 2 << 20;
/// The longest subject, as the API has it.
const SUBJECT: usize = 255;

/// Keys are those of the other desk; words of status, priority and channel are already ours, `was` is the other desk's.
const SCHEMA: &str = "
create table company (key text primary key, name text not null, domain text);
create table person (key text primary key, name text, email text, phone text, company text, is_agent int not null,
                     has_left int not null default 0);
create table ticket (
  key text primary key, number int, subject text, was text, status text, priority text, channel text, requester text,
  assignee text, company text, tags text, created_at int, updated_at int, done_at int, left_out text
);
create table said (
  key text primary key, ticket text, at int, author text, author_name text, kind text, html text, body text, mail_id text
);
create table attached (said text, name text, mime text, ways text, content_id text, content blob);
create table remark (text text primary key);
";

/// An export in the neutral form.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(super) conn: Connection,
    zone: TimeZone,
}

/// A person of the other desk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Person {
    pub(super) key: String,
    pub(super) name: String,
    pub(super) email: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) company: Option<String>,
    pub(super) is_agent: bool,
}

/// A company there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Company {
    pub(super) name: String,
    pub(super) domain: Option<String>,
}

/// Who said it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Client,
    Support,
    Note,
}

/// Something that was said.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) key: String,
    pub(super) at: Millis,
    pub(super) author: Option<Person>,
    pub(super) author_name: Option<String>,
    pub(super) kind: Kind,
    pub(super) body: String,
    pub(super) html: Option<String>,
    pub(super) mail_id: Option<String>,
    pub(super) files: Vec<Attached>,
}

/// A file that came with it.
#[derive(Clone, Debug)]
pub(super) struct Attached {
    /// The row of its content, if the export carries that.
    pub(super) row: Option<i64>,
    pub(super) name: String,
    pub(super) mime: String,
    /// Where it may lie in the folder of attachments, a line each.
    pub(super) ways: String,
    pub(super) content_id: Option<String>,
}

/// A ticket of the other desk.
#[derive(Clone, Debug)]
pub(super) struct Ticket {
    pub(super) key: String,
    pub(super) number: Option<i64>,
    pub(super) subject: String,
    pub(super) status: Status,
    pub(super) priority: Priority,
    pub(super) channel: Origin,
    pub(super) requester: Option<Person>,
    pub(super) assignee: Option<Person>,
    pub(super) company: Option<Company>,
    pub(super) tags: Vec<String>,
    pub(super) created_at: Millis,
    pub(super) updated_at: Millis,
    pub(super) done_at: Millis,
    pub(super) said: Vec<Said>,
}

impl Stage {
    pub(super) fn new(zone: TimeZone) -> Result<Stage> {
        // Without a name SQLite keeps it in a file of its own that is deleted at once, and only if it grows.
        let conn = Connection::open("")?;
        conn.execute_batch("pragma journal_mode = off; pragma synchronous = off;")?;
        conn.execute_batch(SCHEMA)?;
        let flags = FunctionFlags::SQLITE_UTF8;
        let own = zone.clone();
        conn.create_scalar_function("moment", 1, flags, move |arguments| {
            Ok(match arguments.get_raw(0) {
                ValueRef::Text(text) => std::str::from_utf8(text)
                    .ok()
                    .and_then(|text| times::parse(text, &own)),
                // Seconds since 1970.
                ValueRef::Integer(at) => at.checked_mul(1_000).filter(|at| *at > 0),
                _ => None,
            })
        })?;
        conn.execute_batch("begin")?;
        Ok(Stage { conn, zone })
    }

    /// The time that a text names.
    pub(super) fn moment(&self, text: &str) -> Option<Millis> {
        times::parse(text, &self.zone)
    }

    /// Ends the reading: what refers to nothing is told, and what is asked for most gets its index.
    pub(super) fn finish(&self) -> Result<()> {
        self.conn.execute_batch(
            "create index said_in on said (ticket, at);
             create index attached_to on attached (said);
             insert or ignore into remark
               select 'messages of tickets that the export does not hold: ' || count(*)
                 from said where not exists (select 1 from ticket t where t.key = said.ticket) having count(*) > 0;
             commit;",
        )?;
        Ok(())
    }

    /// Notes something that a person should know of the export.
    pub(super) fn remark(&self, text: &str) -> Result<()> {
        run(
            &self.conn,
            "insert or ignore into remark (text) values (?1)",
            [text],
        )?;
        Ok(())
    }

    pub(super) fn remarks(&self) -> Result<Vec<String>> {
        all(
            &self.conn,
            "select text from remark order by rowid",
            [],
            |row| row.get(0),
        )
    }

    pub(super) fn count(&self, sql: &'static str) -> Result<i64> {
        one(&self.conn, sql, [], |row| row.get(0))
    }

    /// How many tickets are left out, by why.
    pub(super) fn left_out(&self) -> Result<BTreeMap<String, i64>> {
        let sql =
            "select left_out, count(*) from ticket where left_out is not null group by left_out";
        let rows: Vec<(String, i64)> =
            all(&self.conn, sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.into_iter().collect())
    }

    /// Which word of status there became which here, and how often.
    pub(super) fn statuses(&self) -> Result<Vec<(String, String, i64)>> {
        all(
            &self.conn,
            "select coalesce(was, ''), status, count(*) from ticket where left_out is null group by 1, 2 order by 3 desc",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
    }

    /// The keys of the tickets that are to come, in the order in which they were opened.
    pub(crate) fn keys(&self) -> Result<Vec<String>> {
        all(
            &self.conn,
            "select key from ticket where left_out is null order by created_at, number, key",
            [],
            |row| row.get(0),
        )
    }

    /// One ticket with all that was said in it.
    pub(super) fn ticket(&self, key: &str) -> Result<Ticket> {
        let mut ticket = one(
            &self.conn,
            "select t.key, t.number, t.subject, t.status, t.priority, t.channel, t.requester, t.assignee,
                    coalesce(t.company, p.company), t.tags, t.created_at, t.updated_at, t.done_at
               from ticket t
               left join person p on p.key = t.requester
              where t.key = ?1",
            [key],
            |row| {
                let created_at: Millis = row.get::<_, Option<Millis>>(10)?.unwrap_or(0);
                let updated_at = row.get::<_, Option<Millis>>(11)?.unwrap_or(created_at);
                let tags: Option<String> = row.get(9)?;
                let references: [Option<String>; 3] = [row.get(6)?, row.get(7)?, row.get(8)?];
                Ok((
                    Ticket {
                        key: row.get(0)?,
                        number: row.get(1)?,
                        subject: subject(row.get::<_, Option<String>>(2)?.as_deref()),
                        status: row.get(3)?,
                        priority: row.get(4)?,
                        channel: row.get(5)?,
                        requester: None,
                        assignee: None,
                        company: None,
                        tags: tags
                            .and_then(|tags| serde_json::from_str(&tags).ok())
                            .unwrap_or_default(),
                        created_at,
                        updated_at: updated_at.max(created_at),
                        done_at: row
                            .get::<_, Option<Millis>>(12)?
                            .unwrap_or(updated_at)
                            .max(created_at),
                        said: Vec::new(),
                    },
                    references,
                ))
            },
        )
        .and_then(|(ticket, [requester, assignee, company]): (Ticket, _)| {
            Ok(Ticket {
                requester: self.person(requester.as_deref())?,
                assignee: self.person(assignee.as_deref())?,
                company: self.company(company.as_deref())?,
                ..ticket
            })
        })?;
        ticket.said = self.said(&ticket)?;
        Ok(ticket)
    }

    fn said(&self, ticket: &Ticket) -> Result<Vec<Said>> {
        type Line = (
            String,
            Option<Millis>,
            Option<String>,
            Option<String>,
            String,
            [Option<String>; 3],
        );
        let lines: Vec<Line> = all(
            &self.conn,
            "select key, at, author, author_name, kind, html, body, mail_id from said where ticket = ?1
              order by at, rowid",
            [&ticket.key],
            |row| {
                let texts = [row.get(5)?, row.get(6)?, row.get(7)?];
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, texts))
            },
        )?;
        let mut said = Vec::with_capacity(lines.len());
        for (key, at, author, author_name, kind, [html, body, mail_id]) in lines {
            let author = self.person(author.as_deref())?;
            let kind = match kind.as_str() {
                "note" => Kind::Note,
                "support" => Kind::Support,
                "client" => Kind::Client,
                // The format does not say: whoever works there answers, everybody else asks.
                _ if author.as_ref().is_some_and(|author| author.is_agent) => Kind::Support,
                _ => Kind::Client,
            };
            let clean = html
                .filter(|html| !html.trim().is_empty())
                .map(|html| html::sanitise_within(&html, LONGEST_HTML).html);
            let body = match (&clean, body) {
                (Some(html), _) => text::of(html),
                (None, body) => body.unwrap_or_default(),
            };
            let files = self.attached(&key)?;
            said.push(Said {
                at: at.unwrap_or(ticket.created_at).max(ticket.created_at),
                author,
                author_name: author_name.filter(|name| !name.trim().is_empty()),
                kind,
                body: body.trim().to_owned(),
                html: clean.filter(|html| html.contains('<')),
                mail_id: mail_id.map(|id| id.trim_matches(['<', '>', ' ']).to_owned()),
                files,
                key,
            });
        }
        // A message of which nothing is left says nothing here.
        said.retain(|said| !said.body.is_empty() || !said.files.is_empty());
        Ok(said)
    }

    fn attached(&self, said: &str) -> Result<Vec<Attached>> {
        all(
            &self.conn,
            "select iif(content is null, null, rowid), name, mime, ways, content_id from attached where said = ?1
              order by rowid",
            [said],
            |row| {
                let name: Option<String> = row.get(1)?;
                let mime: Option<String> = row.get(2)?;
                Ok(Attached {
                    row: row.get(0)?,
                    name: name.unwrap_or_else(|| "file".to_owned()),
                    mime: mime
                        .filter(|mime| mime.contains('/'))
                        .unwrap_or_else(|| "application/octet-stream".to_owned()),
                    ways: row.get::<_, Option<String>>(3)?.unwrap_or_default(),
                    content_id: row.get(4)?,
                })
            },
        )
    }

    /// The bytes of a file that the export carries.
    pub(super) fn content(&self, row: i64) -> Result<Vec<u8>> {
        one(
            &self.conn,
            "select cast(content as blob) from attached where rowid = ?1",
            [row],
            |row| row.get(0),
        )
    }

    /// The agents who still work there and can be known by an address.
    pub(super) fn agents(&self) -> Result<Vec<Person>> {
        let agents = all(
            &self.conn,
            "select key, name, email, phone, company, is_agent from person where is_agent and not has_left order by key",
            [],
            person,
        )?;
        Ok(agents.into_iter().filter(|a| a.email.is_some()).collect())
    }

    fn person(&self, key: Option<&str>) -> Result<Option<Person>> {
        first(
            &self.conn,
            "select key, name, email, phone, company, is_agent from person where key = ?1",
            [key],
            person,
        )
    }

    fn company(&self, key: Option<&str>) -> Result<Option<Company>> {
        first(
            &self.conn,
            "select name, domain from company where key = ?1",
            [key],
            |row| {
                Ok(Company {
                    name: row.get(0)?,
                    domain: row.get(1)?,
                })
            },
        )
    }
}

fn person(row: &Row<'_>) -> rusqlite::Result<Person> {
    let name: Option<String> = row.get(1)?;
    let email: Option<String> = row.get(2)?;
    Ok(Person {
        key: row.get(0)?,
        name: name
            .map(|name| name.trim().to_owned())
            .filter(|name| !name.is_empty())
            .or_else(|| email.clone())
            .unwrap_or_default(),
        email: email
            .and_then(|email| crate::api::field::Email::parse(&email))
            .map(|email| email.0),
        phone: row.get(3)?,
        company: row.get(4)?,
        is_agent: row.get(5)?,
    })
}

/// A subject as tickets have it: one line that says something.
fn subject(text: Option<&str>) -> String {
    let line = text.unwrap_or_default().split_whitespace();
    let line: String = line.collect::<Vec<_>>().join(" ");
    match line.chars().count() {
        0 => "…".to_owned(),
        n if n > SUBJECT => line.chars().take(SUBJECT - 1).chain(['…']).collect(),
        _ => line,
    }
}
