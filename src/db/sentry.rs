//! Whether the file that is written is still the one that bears its name. SQLite goes on acknowledging into a file that
//! somebody has deleted or replaced, and all of it is gone with the process: so the writer looks before it acknowledges,
//! and a job of the clock looks when nothing is written.
use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// A file that must stay the same one.
#[derive(Debug)]
struct Watched {
    path: PathBuf,
    /// Device and inode, as they were first seen.
    is: Option<(u64, u64)>,
}

impl Watched {
    fn look(&mut self) -> Result<(), String> {
        let found = match fs::metadata(&self.path) {
            Ok(about) => Some((about.dev(), about.ino())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            // Whoever may not look cannot say that it is gone.
            Err(_) => return Ok(()),
        };
        match (self.is, found) {
            (None, found) => {
                self.is = found;
                Ok(())
            }
            (Some(_), None) => Err(format!("{} was deleted", self.path.display())),
            (Some(was), Some(is)) if was != is => Err(format!(
                "another file is in the place of {}",
                self.path.display()
            )),
            _ => Ok(()),
        }
    }
}

/// Stands guard over a database and its log, once it is told to.
#[derive(Debug, Default)]
pub(crate) struct Sentry(Mutex<Vec<Watched>>);

impl Sentry {
    /// Begins: from now on the files must stay.
    pub(crate) fn stand(&self, database: &Path) {
        let mut log = database.as_os_str().to_owned();
        log.push("-wal");
        let mut watched: Vec<Watched> = [database.to_owned(), PathBuf::from(log)]
            .map(|path| Watched { path, is: None })
            .into();
        for file in &mut watched {
            // What is not there yet is known from when it is first seen.
            let _ = file.look();
        }
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = watched;
    }

    /// Ends: the file is being closed, and its log goes.
    pub(crate) fn rest(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// Says what has happened to a file, if anything has.
    pub(crate) fn look(&self) -> Result<(), String> {
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        watched.iter_mut().try_for_each(Watched::look)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_deleted_or_replaced_is_noticed() {
        let dir = std::env::temp_dir().join(format!("tehprof-sentry-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let (path, log) = (dir.join("t.db"), dir.join("t.db-wal"));
        fs::write(&path, b"one").unwrap();
        let sentry = Sentry::default();
        assert_eq!(sentry.look(), Ok(()), "nobody has told it to stand guard");
        sentry.stand(&path);
        fs::write(&log, b"log").unwrap();
        assert_eq!(
            sentry.look(),
            Ok(()),
            "the log is made with the first change"
        );
        fs::write(&path, b"more").unwrap();
        assert_eq!(sentry.look(), Ok(()), "writing is what it is for");
        fs::remove_file(&log).unwrap();
        assert!(sentry.look().unwrap_err().contains("t.db-wal was deleted"));
        fs::write(&log, b"log").unwrap();
        sentry.stand(&path);
        fs::write(dir.join("other"), b"two").unwrap();
        fs::rename(dir.join("other"), &path).unwrap();
        assert!(sentry.look().unwrap_err().contains("another file"));
        sentry.rest();
        assert_eq!(sentry.look(), Ok(()));
        fs::remove_dir_all(&dir).unwrap();
    }
}
