//! Puts what the log (WAL) holds into the file, on a thread and a connection of its own: the two flushes that it takes hold up
//! no commit. <https://www.sqlite.org/wal.html#ckpt>
//!
//! A checkpoint that runs beside a writer never quite reaches the log's end, and only a log that is in the file to its end is
//! begun anew. So where the log has grown long in spite of it, the writer does the little that is left itself.
use super::{prepare, writer::fail_stop};
use crate::error::{Error, Result};
use rusqlite::{Connection, ErrorCode, hooks::Wal};
use std::{
    cell::Cell,
    path::Path,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::JoinHandle,
};

/// From how many pages in the log on it is put into the file: 4 MB, what SQLite does by itself.
const DUE: i32 = 1_000;
/// From how many pages on the writer does it itself: 16 MB. Each page of the log is looked up by every reader.
const OVERDUE: i32 = 4_096;
const PASSIVE: &str = "pragma wal_checkpoint(passive)";

thread_local! {
    /// How many pages the log held after the last commit on this thread.
    static PAGES: Cell<i32> = const { Cell::new(0) };
}

/// Has checkpoints done for the writer.
pub(super) struct Checkpoints {
    due: SyncSender<()>,
    /// How many pages the log held when one was asked for last.
    asked_at: i32,
    thread: JoinHandle<()>,
}

impl Checkpoints {
    /// Takes them over from SQLite for the connection that writes.
    pub(super) fn take_over(writer: &Connection, path: &Path) -> Result<Checkpoints> {
        fn noted(_: &Wal, pages: i32) -> rusqlite::Result<()> {
            PAGES.set(pages);
            Ok(())
        }
        let conn = Connection::open(path)?;
        prepare(&conn)?;
        conn.execute_batch("pragma synchronous = full; pragma wal_autocheckpoint = 0;")?;
        // One is asked for while another runs: that is enough, a third would find nothing.
        let (due, asked) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("sqlite-checkpoint".into())
            .spawn(move || run(&conn, &asked))
            .map_err(Error::internal)?;
        writer.wal_hook(Some(noted));
        Ok(Checkpoints {
            due,
            asked_at: 0,
            thread,
        })
    }

    /// After a commit: asks for a checkpoint each time the log has grown by so much. Pages that change all the time would
    /// otherwise be written to the file as often.
    pub(super) fn committed(&mut self, writer: &Connection) {
        let pages = PAGES.replace(0);
        if pages == 0 {
            return; // nothing was changed
        }
        if pages < self.asked_at {
            self.asked_at = 0; // the log was begun anew
        }
        if pages >= OVERDUE {
            checkpoint(writer);
        } else if pages >= self.asked_at + DUE {
            self.asked_at = pages;
            // Full means that one is asked for already.
            let _ = self.due.try_send(());
        }
    }

    /// Lets the one that runs come to its end.
    pub(super) fn end(self) {
        drop(self.due);
        if self.thread.join().is_err() {
            tracing::error!("the thread of the checkpoints ended by a panic");
        }
    }
}

fn run(conn: &Connection, asked: &Receiver<()>) {
    while asked.recv().is_ok() {
        checkpoint(conn);
    }
}

/// Puts into the file what no reader stands in the way of. What another one is doing already is left to it.
fn checkpoint(conn: &Connection) {
    let done = conn
        .prepare_cached(PASSIVE)
        .and_then(|mut statement| statement.query_row([], |_| Ok(())));
    match done {
        Ok(()) => {}
        Err(error) if is_passing(&error) => {
            tracing::warn!(%error, "the log could not be put into the file and stays as it is");
        }
        Err(error) => fail_stop(error),
    }
}

/// Whether the log can simply wait for another time.
fn is_passing(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}
