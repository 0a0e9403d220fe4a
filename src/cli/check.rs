//! `tehprof check`: is everything that the data directory holds whole, and does everything that waits move on?
//!
//! It reads one snapshot of the database, so that it can be asked while a server runs. What the database says about
//! itself is in [`rows`], what it says about the attachments in [`blobs`].
mod blobs;
mod rows;

use super::{
    DataDir,
    failure::{Failure, refuse},
    out,
};
use crate::{
    clock::{Clock, Millis},
    config::Config,
    db::{migrate, watch},
    error::{Error, Result as Done},
};
use clap::Args;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use serde::Serialize;
use std::{path::Path, time::Duration};

/// Check that database and attachments are whole and nothing is stuck: exit 1 if something is wrong
#[derive(Args, Debug)]
pub(super) struct Check {
    #[command(flatten)]
    data: DataDir,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Area {
    Database,
    References,
    Counters,
    Search,
    Files,
    Queues,
    Audit,
}

impl Area {
    const fn name(self) -> &'static str {
        match self {
            Area::Database => "database",
            Area::References => "references",
            Area::Counters => "counters",
            Area::Search => "search",
            Area::Files => "files",
            Area::Queues => "queues",
            Area::Audit => "audit",
        }
    }
}

/// Something that was found.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Finding {
    area: Area,
    what: String,
}

/// How much there is.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Figures {
    tenants: i64,
    tickets: i64,
    messages: i64,
    files: i64,
    file_bytes: u64,
    waiting: i64,
}

/// What a check has come to.
#[derive(Debug, Default, Serialize)]
struct Report {
    ok: bool,
    findings: Vec<Finding>,
    /// What is worth knowing and nothing wrong.
    notes: Vec<Finding>,
    figures: Figures,
}

impl Report {
    fn find(&mut self, area: Area, what: impl Into<String>) {
        self.findings.push(Finding {
            area,
            what: what.into(),
        });
    }

    fn note(&mut self, area: Area, what: impl Into<String>) {
        self.notes.push(Finding {
            area,
            what: what.into(),
        });
    }
}

impl Check {
    pub(super) fn run(self) -> Result<(), Failure> {
        let config = Config::new(self.data.data_dir);
        let report = examine(&config, Clock::System.now())?;
        if self.json {
            out::json(&report)?;
        } else {
            tell(&report)?;
        }
        if report.ok {
            Ok(())
        } else {
            Err(Failure::Told)
        }
    }
}

fn tell(report: &Report) -> Result<(), Failure> {
    for found in &report.findings {
        out::say(format!("{}: {}", found.area.name(), found.what))?;
    }
    for noted in &report.notes {
        out::note(&format!("note: {}: {}", noted.area.name(), noted.what));
    }
    if !report.ok {
        return Ok(());
    }
    let Figures {
        tenants,
        tickets,
        messages,
        files,
        file_bytes,
        waiting,
    } = &report.figures;
    let megabytes = file_bytes.div_ceil(1 << 20);
    out::say(format!(
        "ok: tenants {tenants}, tickets {tickets}, messages {messages}, files {files} ({megabytes} MB), waiting to be sent {waiting}"
    ))
}

/// Looks at everything.
fn examine(config: &Config, now: Millis) -> Done<Report> {
    let database = config.database();
    let mut report = Report::default();
    match look(config, now, &mut report) {
        // A file that SQLite cannot make sense of is what was looked for.
        Err(error) if is_damage(&error) => {
            report.find(Area::Database, format!("{}: {error}", database.display()));
        }
        looked => looked?,
    }
    report.ok = report.findings.is_empty();
    Ok(report)
}

/// Whether SQLite says that its file is damaged or none of its own.
fn is_damage(error: &Error) -> bool {
    std::error::Error::source(error)
        .and_then(|source| source.downcast_ref::<rusqlite::Error>())
        .and_then(rusqlite::Error::sqlite_error_code)
        .is_some_and(|code| matches!(code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

fn look(config: &Config, now: Millis, report: &mut Report) -> Done<()> {
    let conn = open(&config.database())?;
    conn.execute_batch("begin")?;
    rows::integrity(&conn, report)?;
    // Nothing can be said about the contents of a file that is not whole.
    if report.findings.is_empty() {
        rows::figures(&conn, report)?;
        rows::references(&conn, report)?;
        rows::counters(&conn, report)?;
        rows::search(&conn, report)?;
        rows::queues(&conn, now, report)?;
        rows::audit(&conn, &config.data_dir, report)?;
        blobs::examine(&conn, &config.data_dir.join("files"), now, report)?;
    }
    Ok(())
}

/// Opens the database for reading alone, if it has this program's schema.
fn open(path: &Path) -> Done<Connection> {
    let (found, latest) = (migrate::version(path)?, migrate::latest());
    match found {
        None => {
            return Err(refuse(format!(
                "there is no database at {}",
                path.display()
            )));
        }
        Some(found) if found != latest => {
            return Err(refuse(format!(
                "{} is at schema {found} and this program checks schema {latest}; `tehprof migrate --check` says more",
                path.display()
            )));
        }
        Some(_) => {}
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(Duration::from_secs(5))?;
    watch(&conn);
    conn.execute_batch(
        "pragma query_only = on; pragma cell_size_check = on; pragma trusted_schema = off;",
    )?;
    Ok(conn)
}

#[cfg(test)]
mod tests;
