//! The boundary to SQLite: one writer thread that commits in groups, and two lanes of read-only connections.
//!
//! Nothing outside this folder begins or ends a transaction. A command runs inside one as a [`Tx`], a query inside a
//! [`Snapshot`]; both are synchronous, so no `await` can stand inside a transaction. What is acknowledged is on disk.
mod checkpoint;
pub(crate) mod copy;
#[cfg(test)]
pub(crate) mod cost;
mod lanes;
pub(crate) mod lock;
pub(crate) mod migrate;
#[cfg(test)]
mod plans;
pub(crate) mod room;
mod sentry;
pub(crate) mod sql;
pub(crate) mod stamp;
#[cfg(debug_assertions)]
pub(crate) mod statements;
pub(crate) mod upkeep;
mod writer;

pub(crate) use lanes::Lane;
#[cfg(debug_assertions)]
pub(crate) use statements::watch;
pub(crate) use writer::what_panicked;

/// What is released writes nothing down.
#[cfg(not(debug_assertions))]
pub(crate) fn watch(_: &Connection) {}

use crate::{
    access::secret::{Key, Purpose, Secret},
    clock::{Clock, Millis},
    error::{Error, Result},
    meters::Meters,
    signal::{Signal, Signals},
    ticket::search,
};
use checkpoint::Checkpoints;
use lanes::Readers;
use room::Room;
use rusqlite::{Connection, config::DbConfig, functions::FunctionFlags};
use sentry::Sentry;
use std::{
    cell::RefCell,
    collections::VecDeque,
    ops::Deref,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread::JoinHandle,
    time::{Duration, Instant},
};
use tokio::sync::{mpsc, oneshot};

/// How many commands may wait for the writer before callers are told to come back.
const WRITER_QUEUE: usize = 4096;
/// How long one query of the slow lane may compute.
const SLOW_QUERY: Duration = Duration::from_secs(20);

/// A consistent view of the database that cannot be written through.
pub(crate) struct Snapshot<'c> {
    conn: &'c Connection,
    pub(crate) now: Millis,
}

impl Deref for Snapshot<'_> {
    type Target = Connection;
    fn deref(&self) -> &Connection {
        self.conn
    }
}

/// Work that ends a command: see [`Tx::after`].
type After = Box<dyn FnOnce(&Tx<'_>) -> Result<()>>;

/// The open write transaction of one command, and the one time it happens at.
pub(crate) struct Tx<'c> {
    conn: &'c Connection,
    pub(crate) now: Millis,
    ways: &'c Ways,
    signals: RefCell<Vec<Signal>>,
    after: RefCell<VecDeque<After>>,
}

impl Tx<'_> {
    /// What the links of the audit log are made with.
    pub(crate) fn audit_key(&self) -> &Key {
        &self.ways.audit
    }

    /// Tells the rest of the program, if and once the transaction is on disk.
    pub(crate) fn signal(&self, signal: Signal) {
        self.signals.borrow_mut().push(signal);
    }

    /// Puts work at the end of the command: it runs in the same transaction once the command itself is through, or when
    /// the command asks for it by [`Tx::settle`]. What it puts there in turn runs after it.
    pub(crate) fn after(&self, work: impl FnOnce(&Tx<'_>) -> Result<()> + 'static) {
        self.after.borrow_mut().push_back(Box::new(work));
    }

    /// Does what was put at the end of the command now, so that the answer can tell of it.
    pub(crate) fn settle(&self) -> Result<()> {
        loop {
            let next = self.after.borrow_mut().pop_front();
            match next {
                Some(work) => work(self)?,
                None => return Ok(()),
            }
        }
    }

    /// Runs `f` so that, if it fails, what it did is undone and the rest of the transaction stays.
    pub(crate) fn attempt<T>(&self, f: impl FnOnce(&Tx<'_>) -> Result<T>) -> Result<T> {
        let (told, waiting) = (self.signals.borrow().len(), self.after.borrow().len());
        writer::execute(self.conn, "savepoint attempt")?;
        let outcome = f(self);
        // A full disk has undone everything already; there is no savepoint to go back to.
        if self.conn.is_autocommit() {
            return outcome.and(Err(Error::unavailable()));
        }
        if outcome.is_err() {
            writer::execute(self.conn, "rollback to attempt")?;
            self.signals.borrow_mut().truncate(told);
            self.after.borrow_mut().truncate(waiting);
        }
        writer::execute(self.conn, "release attempt")?;
        outcome
    }

    /// The same transaction at another time. Demo data happens in the past; what would follow from it is left out.
    pub(crate) fn at(&self, now: Millis) -> Tx<'_> {
        Tx {
            conn: self.conn,
            now,
            ways: self.ways,
            signals: RefCell::default(),
            after: RefCell::default(),
        }
    }
}

impl Deref for Tx<'_> {
    type Target = Connection;
    fn deref(&self) -> &Connection {
        self.conn
    }
}

struct Inner {
    fast: Readers,
    slow: Readers,
    writer: mpsc::Sender<writer::Job>,
    clock: Clock,
    pub(crate) signals: Arc<Signals>,
    path: PathBuf,
    ways: Arc<Ways>,
}

/// What the writer shares with the rest of the program.
struct Ways {
    clock: Clock,
    meters: Meters,
    sentry: Sentry,
    room: Room,
    audit: Key,
}

/// A handle on the database. Cheap to clone; the writer stops when the last one is dropped.
#[derive(Clone)]
pub(crate) struct Db(Arc<Inner>);

/// Waits for the writer to finish its queue and close the file.
pub(crate) struct Closing(Mutex<Option<JoinHandle<()>>>);

impl Closing {
    pub(crate) fn wait(&self) {
        let thread = self.0.lock().ok().and_then(|mut slot| slot.take());
        if thread.is_some_and(|t| t.join().is_err()) {
            tracing::error!("the writer thread ended by a panic");
        }
    }
}

impl Db {
    /// Opens `path`, which [`migrate::bring_up`] has made current.
    pub(crate) fn open(path: &Path, clock: Clock) -> Result<(Db, Closing)> {
        let conn = Connection::open(path)?;
        conn.execute_batch(
            "pragma journal_mode = wal; pragma synchronous = full; pragma journal_size_limit = 67108864; \
             pragma cache_size = -16000; pragma secure_delete = on;",
        )?;
        prepare(&conn)?;
        let signals = Arc::<Signals>::default();
        let (sender, jobs) = mpsc::channel(WRITER_QUEUE);
        let ways = Arc::new(Ways {
            clock: clock.clone(),
            meters: Meters::default(),
            sentry: Sentry::default(),
            room: Room::beside(path),
            audit: audit_key(path)?,
        });
        let checkpoints = Checkpoints::take_over(&conn, path)?;
        let thread = writer::start(
            conn,
            checkpoints,
            jobs,
            Arc::clone(&ways),
            Arc::clone(&signals),
        )?;
        let inner = Inner {
            path: path.to_owned(),
            ways,
            fast: Readers::open(path, 4, 1024)?,
            slow: Readers::open(path, 2, 256)?,
            writer: sender,
            clock,
            signals,
        };
        Ok((Db(Arc::new(inner)), Closing(Mutex::new(Some(thread)))))
    }

    pub(crate) fn signals(&self) -> &Arc<Signals> {
        &self.0.signals
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub(crate) fn meters(&self) -> &Meters {
        &self.0.ways.meters
    }

    /// How many commands wait for the writer.
    pub(crate) fn waiting(&self) -> usize {
        WRITER_QUEUE - self.0.writer.capacity()
    }

    /// Whether changes are refused because the disk is full.
    pub(crate) fn is_full(&self) -> bool {
        self.0.ways.room.is_full()
    }

    /// From now on the files of the database must stay where they are.
    pub(crate) fn stand_guard(&self) {
        self.0.ways.sentry.stand(&self.0.path);
    }

    /// Looks after the files: stops the program if the database was taken away under it, and takes changes again once a full
    /// disk has room.
    pub(crate) fn look_after_files(&self) {
        if let Err(what) = self.0.ways.sentry.look() {
            writer::fail_stop(what);
        }
        if self.0.ways.room.look() {
            tracing::info!("the disk has room again: changes are taken");
        }
    }

    /// Writes down beside the database how far it has come.
    pub(crate) async fn keep_stamp(&self, clean: bool) -> Result<()> {
        let path = self.0.path.clone();
        self.read_on(Lane::Slow, move |db| stamp::keep(&path, db, clean))
            .await
    }

    /// Runs `f` against one snapshot on the fast lane.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Snapshot<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.read_on(Lane::Fast, f).await
    }

    /// Runs `f` against one snapshot where `lane` says.
    pub(crate) async fn read_on<T: Send + 'static>(
        &self,
        lane: Lane,
        f: impl FnOnce(&Snapshot<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        match lane {
            Lane::Here => self.glance(f).await,
            Lane::Fast => self.queued(&self.0.fast, None, f).await,
            Lane::Slow => self.queued(&self.0.slow, Some(SLOW_QUERY), f).await,
        }
    }

    /// Runs `f` against one snapshot on this thread if a connection is free.
    pub(crate) async fn glance<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Snapshot<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let fast = &self.0.fast;
        if let Some((_permit, conn)) = fast.permits.try_acquire().ok().zip(fast.pool.try_get()) {
            let now = self.0.clock.now();
            let looked = catch_unwind(AssertUnwindSafe(|| look(&conn, now, f)));
            return looked
                .unwrap_or_else(|_| Err(Error::internal("a look into the database panicked")));
        }
        self.queued(fast, None, f).await
    }

    /// Runs `f` against one snapshot off the async threads, for at most so long.
    async fn queued<T: Send + 'static>(
        &self,
        readers: &Readers,
        most: Option<Duration>,
        f: impl FnOnce(&Snapshot<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let permit = readers.turn().await?;
        let (pool, now) = (readers.pool.clone(), self.0.clock.now());
        let work = tokio::task::spawn_blocking(move || {
            let conn = pool.get().map_err(Error::internal)?;
            if let Some(most) = most {
                let deadline = Instant::now() + most;
                conn.progress_handler(10_000, Some(move || Instant::now() > deadline))?;
            }
            look(&conn, now, f)
        });
        let outcome = work.await.map_err(Error::internal)?;
        drop(permit);
        outcome
    }

    /// Lets the writer finish what is queued and end; whatever comes later is told that the server is stopping.
    pub(crate) async fn close(&self) {
        self.0.ways.sentry.rest();
        // A writer that has ended already needs no telling.
        let _ = self.0.writer.send(writer::Job::Last).await;
    }

    /// Runs `f` in one transaction on the writer thread: on disk if it returns `Ok`, undone otherwise. Dropping the
    /// future does not stop it, so a caller that hangs up cannot leave half a change.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Tx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        if self.is_full() {
            self.0.ways.meters.refused();
            return Err(Error::unavailable());
        }
        self.write_to_free(f).await
    }

    /// The same for what makes room: it is tried on a full disk as well.
    pub(crate) async fn write_to_free<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Tx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        self.queue(writer::Job::new(f, reply))?;
        answer.await.map_err(|_| Error::unavailable())?
    }

    /// Runs `f` as [`Db::write`] does, with all that follows from it, and undoes all of it: so it can be asked what would
    /// become of something.
    pub(crate) async fn rehearse<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Tx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        if self.is_full() {
            return Err(Error::unavailable());
        }
        let (reply, answer) = oneshot::channel();
        self.queue(writer::Job::rehearsal(f, reply))?;
        answer.await.map_err(|_| Error::unavailable())?
    }

    fn queue(&self, job: writer::Job) -> Result<()> {
        self.0
            .writer
            .try_send(job)
            .map_err(|_| Error::unavailable())
    }
}

/// Runs `f` in a transaction that ends with it, so that no connection goes back with its snapshot still open.
fn look<T>(
    conn: &Connection,
    now: Millis,
    f: impl FnOnce(&Snapshot<'_>) -> Result<T>,
) -> Result<T> {
    struct Open<'a>(&'a Connection);
    impl Drop for Open<'_> {
        fn drop(&mut self) {
            // A failed query may have ended it already.
            let _ = writer::execute(self.0, "rollback");
        }
    }
    writer::execute(conn, "begin")?;
    let open = Open(conn);
    f(&Snapshot { conn: open.0, now })
}

/// What the links of the audit log are made with, of the database at `path`.
fn audit_key(path: &Path) -> Result<Key> {
    let dir = path.parent().unwrap_or(Path::new(""));
    Ok(Secret::of(dir)?.key(Purpose::Audit))
}

/// What every connection has in common.
fn prepare(conn: &Connection) -> rusqlite::Result<()> {
    conn.busy_timeout(Duration::from_secs(5))?;
    conn.execute_batch(
        "pragma foreign_keys = on; pragma trusted_schema = off; pragma cell_size_check = on; \
         pragma mmap_size = 0; pragma temp_store = memory;",
    )?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    // A prepared statement is one that is not planned again for other values.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    conn.set_prepared_statement_cache_capacity(128);
    watch(conn);
    #[cfg(test)]
    plans::watch(conn);
    functions(conn)
}

/// The functions of our own that statements and migrations call.
fn functions(conn: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    conn.create_scalar_function("fold", 1, flags, |arguments| {
        Ok(search::fold(arguments.get_raw(0).as_str()?))
    })?;
    conn.create_scalar_function("search_words", 1, flags, |arguments| {
        Ok(search::words(arguments.get_raw(0).as_str()?))
    })
}

#[cfg(test)]
mod tests;
