//! Backups by the clock: one every so often into a directory, of which the newest are kept.
use super::{
    restore::stamp,
    write::{is_draft_of, write},
};
use crate::{
    app::App,
    clock::Millis,
    error::{Error, Result},
};
use std::{fs, path::Path};

/// How the files are called: when each was made stands between these.
const PREFIX: &str = "tehprof-";
const SUFFIX: &str = ".backup";

/// How backups are made by the clock.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// Where they are put.
    pub dir: std::path::PathBuf,
    /// How much time lies between two.
    pub every: Millis,
    /// How many are kept.
    pub keep: usize,
}

/// Makes a backup if the newest is older than the schedule says, and removes those beyond what is to be kept. An old one
/// goes only when a new one is there and good.
pub(crate) async fn run(app: App) -> Result<()> {
    let Some(schedule) = app.config.backups.clone() else {
        return Ok(());
    };
    let now = app.db.clock().now();
    let work = tokio::task::spawn_blocking(move || {
        let newest = made(&schedule.dir)?.pop();
        let due = stamp(now.saturating_sub(schedule.every));
        if newest.is_some_and(|newest| *newest > *format!("{PREFIX}{due}{SUFFIX}")) {
            return Ok(());
        }
        sweep(&schedule.dir)?;
        let target = schedule.dir.join(format!("{PREFIX}{}{SUFFIX}", stamp(now)));
        let manifest = write(&app.config, &target, now)?;
        tracing::info!(file = %target.display(), files = manifest.files, "a backup was made and read back");
        let all = made(&schedule.dir)?;
        for old in &all[..all.len().saturating_sub(schedule.keep)] {
            fs::remove_file(schedule.dir.join(old))?;
        }
        Ok(())
    });
    work.await.map_err(Error::internal)?
}

/// Whether a backup of this name was made by the clock.
fn is_ours(name: &str) -> bool {
    name.starts_with(PREFIX) && name.ends_with(SUFFIX)
}

/// Removes what attempts have left behind that were cut short with their server.
fn sweep(dir: &Path) -> Result<()> {
    for name in names(dir, |name| is_draft_of(name, is_ours))? {
        fs::remove_file(dir.join(name))?;
    }
    Ok(())
}

/// The backups in a directory that a schedule has made, the oldest first.
fn made(dir: &Path) -> Result<Vec<String>> {
    names(dir, is_ours)
}

/// The names of the files in a directory that fit, in order.
fn names(dir: &Path, fits: impl Fn(&str) -> bool) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir)? {
        if let Ok(name) = entry?.file_name().into_string()
            && fits(&name)
        {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_attempt_left_behind_goes_and_nothing_else() {
        let dir = std::env::temp_dir().join(format!("tehprof-sweep-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let kept = [
            "notes.part",
            "other.backup.part",
            "tehprof-20261128-120000.backup",
            "tehprof.db",
        ];
        let left = [
            "tehprof-20261127-120000.backup.part",
            "tehprof-20261127-120000.backup.part.db",
            "tehprof-20261127-120000.backup.part.db-journal",
        ];
        for name in kept.iter().chain(&left) {
            fs::write(dir.join(name), "x").unwrap();
        }
        sweep(&dir).unwrap();
        assert_eq!(names(&dir, |_| true).unwrap(), kept);
        fs::remove_dir_all(&dir).unwrap();
    }
}
