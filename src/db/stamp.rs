//! How far a database has come, said twice: by a counter inside it, which every commit raises, and by a note beside it.
//!
//! SQLite opens a file whose log was deleted, or over which an older copy was put, as if nothing had happened, and what was
//! acknowledged since is gone without a word. The note is written every few seconds and at the end; a file that is behind
//! its note is refused. It is no copy of anything: without a note there is nothing to compare, and the file is taken as it is.
use super::sql::first;
use crate::{
    error::{Error, Result},
    private_file,
};
use rusqlite::{Connection, OpenFlags};
use serde::{Deserialize, Serialize};
use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

/// What the note is called.
pub(crate) const NOTE: &str = "state";

/// How far a file has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    epoch: String,
    /// Commits, with those that only the log holds.
    commits: i64,
    /// Commits that the file itself holds, without its log.
    settled: i64,
    /// Whether it was closed in order.
    clean: bool,
}

fn note(database: &Path) -> PathBuf {
    database.with_file_name(NOTE)
}

/// What a database says of itself; nothing if it is older than this counter.
fn of(conn: &Connection) -> Result<Option<(String, i64)>> {
    first(
        conn,
        "select epoch, commits from stamp where id = 1",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// What the file says without its log. One that is being written to may say nothing sensible, which says nothing at all.
fn settled(database: &Path) -> Option<(String, i64)> {
    let text = database.to_str()?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    let mut escaped = String::new();
    for c in text.chars() {
        if plain(c) {
            escaped.push(c);
        } else {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                escaped.push_str(&format!("%{byte:02x}"));
            }
        }
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(format!("file:{escaped}?immutable=1"), flags).ok()?;
    super::watch(&conn);
    of(&conn).ok()?
}

fn read(database: &Path) -> Result<Option<Stamp>> {
    match fs::read(note(database)) {
        Ok(text) => Ok(serde_json::from_slice(&text).ok()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn behind(database: &Path, what: &str) -> Error {
    Error::internal(format!(
        "{} is behind what was acknowledged: {what}. Put the missing file back or restore a backup; \
         `tehprof serve --accept-loss` goes on with what is there",
        database.display()
    ))
}

/// Looks at the file before it is opened, while its log is still beside it.
pub(crate) fn look_before(database: &Path) -> Result<()> {
    let (Some(noted), Some((epoch, settled))) = (read(database)?, settled(database)) else {
        return Ok(());
    };
    if epoch != noted.epoch {
        return Err(behind(database, "another database is in its place"));
    }
    if settled < noted.settled {
        return Err(behind(database, "an older copy is in its place"));
    }
    Ok(())
}

/// Looks at the opened file: it must hold every commit that the note counts.
pub(crate) fn look_after(database: &Path, conn: &Connection) -> Result<()> {
    let (Some(noted), Some((epoch, commits))) = (read(database)?, of(conn)?) else {
        return Ok(());
    };
    if epoch == noted.epoch && commits < noted.commits {
        let lost = noted.commits - commits;
        return Err(behind(
            database,
            &format!("its last {lost} commits are not there, as when its log (-wal) was deleted"),
        ));
    }
    Ok(())
}

/// Forgets the note: what is there counts from now on.
pub(crate) fn accept(database: &Path) -> Result<()> {
    match fs::remove_file(note(database)) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// Writes down how far the database has come, if it has come further.
pub(crate) fn keep(database: &Path, conn: &Connection, clean: bool) -> Result<()> {
    let Some((epoch, commits)) = of(conn)? else {
        return Ok(());
    };
    let before = read(database)?.filter(|noted| noted.epoch == epoch);
    let known = before.as_ref().map_or(0, |noted| noted.settled);
    let held = settled(database).filter(|(own, _)| *own == epoch);
    let stamp = Stamp {
        settled: held
            .map_or(known, |(_, settled)| settled.min(commits))
            .max(known),
        epoch,
        commits,
        clean,
    };
    if before.as_ref() == Some(&stamp) {
        return Ok(());
    }
    let stamp = serde_json::to_vec(&stamp)?;
    Ok(private_file::put(&note(database), &stamp)?)
}
