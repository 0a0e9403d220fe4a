//! The two lanes of read-only connections: a report of seconds holds up no ticket that somebody opens.
use super::prepare;
use crate::error::{Error, Result};
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::OpenFlags;
use std::{
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};
use tokio::sync::{Semaphore, SemaphorePermit};

/// How long a reader waits for a free connection before the caller is told to come back.
const READER_WAIT: Duration = Duration::from_secs(5);

/// Which readers serve a query: those for indexed look-ups, or those for reports and exports. A long report cannot hold
/// up a ticket that somebody opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// On the thread of the request, with a connection of the fast lane: for what takes microseconds whatever the desk
    /// holds, going to another thread and back costs more than the look.
    Here,
    Fast,
    Slow,
}

/// The connections of one lane.
pub(super) struct Readers {
    pub(super) pool: r2d2::Pool<SqliteConnectionManager>,
    pub(super) permits: Semaphore,
    /// How many callers wait for a permit, and how many may.
    waiting: AtomicUsize,
    most_waiting: usize,
}

impl Readers {
    pub(super) fn open(path: &Path, size: u32, most_waiting: usize) -> Result<Readers> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let manager = SqliteConnectionManager::file(path)
            .with_flags(flags)
            .with_init(|conn| {
                conn.execute_batch("pragma query_only = on; pragma cache_size = -4000;")?;
                prepare(conn)
            });
        let pool = r2d2::Pool::builder()
            .max_size(size)
            .min_idle(Some(1))
            .test_on_check_out(false)
            .connection_timeout(READER_WAIT)
            .build(manager)
            .map_err(Error::internal)?;
        Ok(Readers {
            pool,
            permits: Semaphore::new(size as usize),
            waiting: AtomicUsize::new(0),
            most_waiting,
        })
    }

    /// A turn at a connection, or the answer to come back later: a queue that only grows serves nobody.
    pub(super) async fn turn(&self) -> Result<SemaphorePermit<'_>> {
        if let Ok(permit) = self.permits.try_acquire() {
            return Ok(permit);
        }
        let _place =
            Place::take(&self.waiting, self.most_waiting).ok_or_else(Error::unavailable)?;
        tokio::time::timeout(READER_WAIT, self.permits.acquire())
            .await
            .map_err(|_| Error::unavailable())?
            .map_err(Error::internal)
    }
}

/// A place in a queue, free again when it is dropped, also by a caller that went away.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(taken: &'a AtomicUsize, most: usize) -> Option<Place<'a>> {
        let before = taken.fetch_add(1, Ordering::Relaxed);
        let place = Place(taken);
        (before < most).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
