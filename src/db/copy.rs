//! A copy of a database as it is at one moment, beside its writer.
use crate::error::Result;
use rusqlite::{
    Connection, OpenFlags,
    backup::{Backup, StepResult},
};
use std::{
    ffi::OsString,
    fs::{self, OpenOptions},
    io::{self, ErrorKind},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

/// How many pages are copied before they are flushed: 8 MB. A flush of the writer would otherwise wait for all that is unwritten.
const STEP: i32 = 2_048;

/// Copies a database page by page to a new file that nobody else may read. What an earlier attempt has left there goes.
/// <https://www.sqlite.org/backup.html>
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    remove(to)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let live = Connection::open_with_flags(from, flags)?;
    live.busy_timeout(Duration::from_secs(5))?;
    // A transaction that has read keeps its view of the file; without it every commit would begin the copy anew.
    live.execute_batch("begin; select count(*) from sqlite_schema;")?;
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to)?;
    let mut copy = Connection::open(to)?;
    copy.execute_batch("pragma journal_mode = off; pragma synchronous = off;")?;
    let backup = Backup::new(&live, &mut copy)?;
    loop {
        match backup.step(STEP)? {
            StepResult::Done => break,
            StepResult::More => file.sync_data()?,
            // A lock that is held for a moment.
            _ => std::thread::sleep(Duration::from_millis(10)),
        }
    }
    drop(backup);
    // The copy says of itself that it has a log, as the database has; it is to be one file.
    copy.query_row("pragma journal_mode = delete", [], |_| Ok(()))?;
    copy.close().map_err(|(_, error)| error)?;
    Ok(file.sync_all()?)
}

/// Removes a database, and the files that SQLite keeps beside one.
pub(crate) fn remove(database: &Path) -> io::Result<()> {
    for ending in ["", "-journal", "-wal", "-shm"] {
        match fs::remove_file(beside(database, ending)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// A path with `ending` after its name.
pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    PathBuf::from(name)
}
