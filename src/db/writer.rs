//! The thread that owns the only writing connection. It takes what is queued, runs each command in a savepoint, commits
//! once for all and only then answers: one fsync is shared by whoever waits for it.
use super::{Tx, Ways, checkpoint::Checkpoints};
use crate::{
    error::{Error, Result},
    signal::Signals,
};
use rusqlite::{Connection, ErrorCode};
use std::{
    any::Any,
    cell::RefCell,
    fmt::Display,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread::JoinHandle,
    time::Instant,
};
use tokio::sync::{mpsc, oneshot};

/// The most commands that share a commit. Beyond it the wait for the commit grows faster than the gain.
const BATCH: usize = 256;

/// The exit code of a process that can no longer promise durability (`EX_IOERR` of sysexits.h).
const EX_IOERR: i32 = 74;

/// Answers the caller once it is known whether the batch is on disk.
type Reply = Box<dyn FnOnce(Result<()>) + Send>;

/// A command with the way back to its caller.
type Command = Box<dyn FnOnce(&Tx<'_>) -> Outcome + Send>;

/// What a command has come to.
pub(super) struct Outcome {
    is_done: bool,
    /// Why the file can be trusted no longer, if a read or a write of it has failed.
    fault: Option<String>,
    reply: Reply,
}

/// Whether what a command does is to stay, if it succeeds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Kept,
    Undone,
}

pub(super) enum Job {
    Run(Command),
    /// The writer is to end after what was queued before.
    Last,
}

impl Job {
    pub(super) fn new<T: Send + 'static>(
        f: impl FnOnce(&Tx<'_>) -> Result<T> + Send + 'static,
        reply: oneshot::Sender<Result<T>>,
    ) -> Job {
        Job::run(f, reply, Fate::Kept)
    }

    /// The same, but all of it is undone, whatever it answers.
    pub(super) fn rehearsal<T: Send + 'static>(
        f: impl FnOnce(&Tx<'_>) -> Result<T> + Send + 'static,
        reply: oneshot::Sender<Result<T>>,
    ) -> Job {
        Job::run(f, reply, Fate::Undone)
    }

    fn run<T: Send + 'static>(
        f: impl FnOnce(&Tx<'_>) -> Result<T> + Send + 'static,
        reply: oneshot::Sender<Result<T>>,
        fate: Fate,
    ) -> Job {
        Job::Run(Box::new(move |tx| {
            let whole = || {
                let value = f(tx)?;
                tx.settle()?;
                Ok(value)
            };
            let outcome = catch_unwind(AssertUnwindSafe(whole)).unwrap_or_else(|panic| {
                let what = what_panicked(&*panic);
                Err(Error::internal(format!("a command panicked: {what}")))
            });
            let fault = outcome.as_ref().err().and_then(Error::io_fault);
            let reply = |outcome: Result<T>| -> Reply {
                Box::new(move |committed| {
                    // A caller that went away does not need the answer.
                    let _ = reply.send(committed.and(outcome));
                })
            };
            Outcome {
                is_done: fate == Fate::Kept && outcome.is_ok(),
                fault,
                reply: reply(outcome),
            }
        }))
    }
}

/// What a panic said.
pub(crate) fn what_panicked(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(|s| (*s).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_default()
}

pub(super) fn start(
    conn: Connection,
    mut checkpoints: Checkpoints,
    mut jobs: mpsc::Receiver<Job>,
    ways: Arc<Ways>,
    signals: Arc<Signals>,
) -> Result<JoinHandle<()>> {
    let thread = std::thread::Builder::new()
        .name("sqlite-writer".into())
        .spawn(move || {
            let mut queue = Vec::with_capacity(BATCH);
            let mut ending = false;
            while !ending && jobs.blocking_recv_many(&mut queue, BATCH) > 0 {
                let mut batch = Vec::with_capacity(queue.len());
                for job in queue.drain(..) {
                    match job {
                        Job::Run(command) => batch.push(command),
                        Job::Last => ending = true,
                    }
                }
                let mut batch = batch.into_iter().peekable();
                while batch.peek().is_some() {
                    run(&conn, &mut batch, &ways, &signals);
                    checkpoints.committed(&conn);
                }
            }
            checkpoints.end();
            if let Err(error) =
                conn.execute_batch("pragma optimize; pragma wal_checkpoint(truncate);")
            {
                tracing::warn!(%error, "the last checkpoint did not complete");
            }
        })
        .map_err(Error::internal)?;
    Ok(thread)
}

/// Runs jobs in one transaction until they are through or SQLite itself has given the transaction up.
fn run(
    conn: &Connection,
    jobs: &mut impl Iterator<Item = Command>,
    ways: &Ways,
    signals: &Signals,
) {
    let began = Instant::now();
    let mut is_changed = false;
    let mut replies = Vec::new();
    let mut emitted = Vec::new();
    if let Err(error) = execute(conn, "begin immediate") {
        // Another process holds the lock for longer than the busy timeout. Dropping the jobs tells their callers.
        tracing::error!(%error, "the writer could not begin");
        jobs.for_each(drop);
        return;
    }
    for job in jobs {
        let tx = Tx {
            conn,
            now: ways.clock.now(),
            ways,
            signals: RefCell::default(),
            after: RefCell::default(),
        };
        let before = conn.total_changes();
        let marked = execute(conn, "savepoint command");
        let Outcome {
            is_done: done,
            fault,
            reply,
        } = job(&tx);
        replies.push(reply);
        if let Some(fault) = fault {
            fail_stop(fault);
        }
        if conn.is_autocommit() {
            // A full disk or a failed write rolls the whole transaction back behind our back.
            lack_room(conn, ways);
            let full = || Err(Error::unavailable());
            replies.into_iter().for_each(|reply| reply(full()));
            return;
        }
        let settled = marked.and_then(|()| {
            if done {
                execute(conn, "release command")
            } else {
                execute(conn, "rollback to command")?;
                execute(conn, "release command")
            }
        });
        match settled {
            Ok(()) if done => {
                is_changed |= conn.total_changes() != before;
                emitted.append(&mut tx.signals.borrow_mut());
            }
            Ok(()) => {}
            Err(error) => fail_stop(error),
        }
    }
    let stamped = if is_changed {
        execute(conn, "update stamp set commits = commits + 1 where id = 1")
    } else {
        Ok(())
    };
    match stamped.and_then(|()| execute(conn, "commit")) {
        Ok(()) => {
            if let Err(what) = ways.sentry.look() {
                fail_stop(what);
            }
            ways.meters.committed(replies.len(), began.elapsed());
            for signal in emitted {
                signals.emit(signal);
            }
            replies.into_iter().for_each(|reply| reply(Ok(())));
        }
        Err(error) => {
            if !conn.is_autocommit() {
                let _ = execute(conn, "rollback");
            }
            if error.sqlite_error_code() != Some(ErrorCode::DiskFull) {
                fail_stop(error);
            }
            lack_room(conn, ways);
            replies
                .into_iter()
                .for_each(|reply| reply(Err(Error::unavailable())));
        }
    }
}

pub(super) fn execute(conn: &Connection, sql: &str) -> rusqlite::Result<()> {
    conn.prepare_cached(sql)?.execute([]).map(|_| ())
}

/// The disk is full: what lies in the log is put into the file with the room that the ballast gives back, so that deleting
/// works.
fn lack_room(conn: &Connection, ways: &Ways) {
    if !ways.room.is_full() {
        tracing::error!(
            "the disk is full: changes are refused until there is room, reading goes on"
        );
    }
    ways.meters.refused();
    if ways.room.lack()
        && let Err(error) = conn.execute_batch("pragma wal_checkpoint(truncate);")
    {
        tracing::warn!(%error, "the log could not be put into the file");
    }
}

/// After a failed write to the log the kernel may drop the pages and report success next time (Rebello et al., "Can
/// applications recover from fsync failures?", ATC 2020). The only honest answer is none: stop, and recover on restart.
pub(super) fn fail_stop(error: impl Display) -> ! {
    tracing::error!(%error, "the database cannot be written; stopping so that nothing unsaved is acknowledged");
    std::process::exit(EX_IOERR)
}
