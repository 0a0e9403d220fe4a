//! Brings a database file to this program's schema: marks it as ours, takes a snapshot before changing an existing one,
//! and refuses a file that a newer program has written.
use crate::{
    audit::chain,
    db::copy::copy,
    error::{Error, Result},
};
use rusqlite::Connection;
use std::{
    fs,
    path::{Path, PathBuf},
};

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// `tehp`: what `file` and SQLite's tools see in the header.
const APPLICATION_ID: i32 = 0x7465_6870;

/// What [`bring_up`] found and did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Brought {
    Created,
    Current,
    Migrated { from: i32, snapshot: PathBuf },
}

/// The schema this program works with.
pub(crate) fn latest() -> i32 {
    embedded::migrations::runner()
        .get_migrations()
        .iter()
        .map(|m| m.version())
        .max()
        .unwrap_or(0)
}

/// Where `path` stands, without touching it: `None` if there is no such file yet.
pub(crate) fn version(path: &Path) -> Result<Option<i32>> {
    let is_there = path
        .try_exists()
        .map_err(|error| Error::internal(format!("{}: {error}", path.display())))?;
    if !is_there {
        return Ok(None);
    }
    let conn = Connection::open(path)?;
    let (id, version) = marks(&conn)?;
    if id != APPLICATION_ID && (id != 0 || version != 0) {
        return Err(Error::internal(format!(
            "{} is not a tehprof database",
            path.display()
        )));
    }
    Ok(Some(version))
}

fn marks(conn: &Connection) -> rusqlite::Result<(i32, i32)> {
    let pragma = |name: &str| conn.query_row(&format!("pragma {name}"), [], |row| row.get(0));
    Ok((pragma("application_id")?, pragma("user_version")?))
}

/// Creates `path` or migrates it. The snapshot of the earlier schema stays beside it until a later start finds nothing
/// to migrate.
pub(crate) fn bring_up(path: &Path) -> Result<Brought> {
    let from = version(path)?.unwrap_or(0);
    let to = latest();
    if from > to {
        return Err(Error::internal(format!(
            "{} was written by a newer tehprof (schema {from}, this program knows {to}); install that version again, \
             or put back the snapshot it made before migrating",
            path.display()
        )));
    }
    if from == to {
        forget_snapshots(path)?;
        return Ok(Brought::Current);
    }
    let mut conn = Connection::open(path)?;
    conn.busy_timeout(std::time::Duration::from_secs(5))?;
    super::functions(&conn)?;
    let snapshot = snapshot_path(path, from);
    // One that is there already is of an attempt that was cut short, and of the same schema: it is the better one.
    if from > 0 && !snapshot.exists() {
        let unfinished = snapshot.with_extension("unfinished");
        copy(path, &unfinished)?;
        fs::rename(&unfinished, &snapshot)?;
    }
    // Inside refinery's transaction SQLite ignores this pragma, and rebuilding a parent table would then delete its
    // children: keys are off while migrating and checked right after.
    conn.execute_batch(
        "pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = off;",
    )?;
    embedded::migrations::runner()
        .set_grouped(true)
        .run(&mut conn)
        .map_err(Error::internal)?;
    if conn.prepare("pragma foreign_key_check")?.exists([])? {
        return Err(Error::internal(
            "a migration left a reference to a row that is gone",
        ));
    }
    super::watch(&conn);
    // Before the file counts as current: cut short, the next start goes on with it, and no later one.
    if chain::is_due(&conn)? {
        chain::link_all(&mut conn, &super::audit_key(path)?)?;
    }
    conn.execute_batch(&format!(
        "pragma application_id = {APPLICATION_ID}; pragma user_version = {to};"
    ))?;
    Ok(if from == 0 {
        Brought::Created
    } else {
        Brought::Migrated { from, snapshot }
    })
}

fn snapshot_path(path: &Path, version: i32) -> PathBuf {
    path.with_extension(format!("before-schema-{}.db", version + 1))
}

fn forget_snapshots(path: &Path) -> Result<()> {
    for version in 1..latest() {
        let old = snapshot_path(path, version);
        if old.exists() {
            fs::remove_file(old)?;
        }
    }
    Ok(())
}
