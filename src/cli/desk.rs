//! A data directory as a command works on it, while a server runs on it or none does: a second connection to the same
//! database, read and written by the same functions.
use super::failure::Failure;
use crate::{
    access::secret::Secret,
    backup::restore,
    clock::Clock,
    config::Config,
    db::{Closing, Db, Snapshot, Tx, lock, migrate},
    error::Result as Done,
};
use std::{fs::DirBuilder, os::unix::fs::DirBuilderExt, path::Path};
use tokio::runtime::{self, Runtime};

/// An open data directory.
pub(super) struct Desk {
    /// Dropped before `_closed`, which waits until the writer has come to its end.
    db: Db,
    _closed: Closed,
    pub(super) secret: Secret,
    runtime: Runtime,
}

struct Closed(Closing);

impl Drop for Closed {
    fn drop(&mut self) {
        self.0.wait();
    }
}

/// Makes a directory that only its owner may enter, unless it is there already.
pub(super) fn make(dir: &Path) -> Result<(), Failure> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(|error| {
        Failure::Sentence(format!(
            "cannot make the directory {}: {error}",
            dir.display()
        ))
    })
}

/// Refuses a directory in which a restore was cut short.
pub(super) fn whole(dir: &Path) -> Result<(), Failure> {
    if restore::is_unfinished(dir) {
        return Err(Failure::Sentence(format!(
            "a restore into {} was cut short: run `tehprof restore` again, with --force",
            dir.display()
        )));
    }
    Ok(())
}

impl Desk {
    /// Opens the data directory `dir`, which must hold a database.
    pub(super) fn open(dir: &Path) -> Result<Desk, Failure> {
        let database = Config::new(dir.to_owned()).database();
        let is_there = database.try_exists().map_err(|error| {
            Failure::Sentence(format!("cannot look into {}: {error}", dir.display()))
        })?;
        if !is_there {
            return Err(Failure::Sentence(format!(
                "there is no database in {}; `tehprof serve` or `tehprof tenant create` makes one, --data-dir names another place",
                dir.display()
            )));
        }
        Desk::open_or_make(dir)
    }

    /// Opens the data directory `dir`, and makes what is missing of it.
    pub(super) fn open_or_make(dir: &Path) -> Result<Desk, Failure> {
        make(dir)?;
        whole(dir)?;
        let database = Config::new(dir.to_owned()).database();
        bring_up(dir, &database)?;
        let secret = Secret::of(dir)?;
        let (db, closing) = Db::open(&database, Clock::System)?;
        Ok(Desk {
            db,
            _closed: Closed(closing),
            secret,
            runtime: runtime::Builder::new_current_thread()
                .enable_time()
                .build()?,
        })
    }

    pub(super) fn read<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Snapshot<'_>) -> Done<T> + Send + 'static,
    ) -> Result<T, Failure> {
        Ok(self.runtime.block_on(self.db.read(f))?)
    }

    pub(super) fn write<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Tx<'_>) -> Done<T> + Send + 'static,
    ) -> Result<T, Failure> {
        Ok(self.runtime.block_on(self.db.write(f))?)
    }
}

/// Brings the database to this program's schema, which nobody else may be at work on.
fn bring_up(dir: &Path, database: &Path) -> Result<(), Failure> {
    let latest = migrate::latest();
    let found = migrate::version(database)?;
    if found == Some(latest) {
        return Ok(());
    }
    if found.is_none_or(|version| version < latest) {
        let _lock = lock::take(dir).map_err(|holder| {
            Failure::Sentence(format!(
                "the database must first be brought from schema {} to {latest}, and {holder}",
                found.unwrap_or(0)
            ))
        })?;
        migrate::bring_up(database)?;
        return Ok(());
    }
    // A newer file is refused with the same words wherever it is opened.
    migrate::bring_up(database)?;
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::{
        fs,
        path::PathBuf,
        sync::atomic::{AtomicU32, Ordering},
    };

    /// A data directory that is gone when the test is.
    pub(in crate::cli) struct Dir(pub(in crate::cli) PathBuf);

    impl Dir {
        pub(in crate::cli) fn new() -> Dir {
            static COUNT: AtomicU32 = AtomicU32::new(0);
            let nth = COUNT.fetch_add(1, Ordering::Relaxed);
            let name = format!("tehprof-desk-{}-{nth}", std::process::id());
            Dir(std::env::temp_dir().join(name))
        }
    }

    impl Drop for Dir {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn sentence<T>(outcome: Result<T, Failure>) -> String {
        match outcome {
            Err(Failure::Sentence(sentence)) => sentence,
            Err(other) => panic!("{other:?}"),
            Ok(_) => panic!("it was done"),
        }
    }

    #[test]
    fn a_directory_without_a_database_is_not_made_by_looking() {
        let dir = Dir::new();
        assert!(sentence(Desk::open(&dir.0)).starts_with("there is no database in "));
        assert!(!dir.0.exists());
    }

    #[test]
    fn a_desk_is_worked_on_while_somebody_holds_its_lock() {
        let dir = Dir::new();
        drop(Desk::open_or_make(&dir.0).unwrap());
        let _server = lock::take(&dir.0).unwrap();
        let desk = Desk::open(&dir.0).unwrap();
        let log =
            "insert into error_log (at, request_id, action, detail) values (?1, 'r', 'a', 'd')";
        desk.write(move |tx| Ok(tx.execute(log, [tx.now])?))
            .unwrap();
        let count = "select count(*) from error_log";
        let rows: i64 = desk
            .read(move |db| Ok(db.query_row(count, [], |row| row.get(0))?))
            .unwrap();
        assert_eq!(rows, 1);
    }

    #[test]
    fn a_desk_that_must_be_migrated_waits_for_the_server_and_a_newer_one_is_refused() {
        let dir = Dir::new();
        drop(Desk::open_or_make(&dir.0).unwrap());
        let database = Config::new(dir.0.clone()).database();
        let mark = |version: i32| {
            let conn = rusqlite::Connection::open(&database).unwrap();
            conn.pragma_update(None, "user_version", version).unwrap();
        };
        mark(migrate::latest() - 1);
        let server = lock::take(&dir.0).unwrap();
        let waits = sentence(Desk::open(&dir.0));
        assert!(waits.contains("another tehprof"), "{waits}");
        drop(server);
        mark(migrate::latest() + 1);
        let refused = sentence(Desk::open(&dir.0));
        assert!(refused.contains("newer tehprof"), "{refused}");
    }
}
