//! Backups by the clock: one every so often into a directory, of which the newest are kept.
use super::{restore::stamp, write};
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

/// The backups in a directory that a schedule has made, the oldest first.
fn made(dir: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir)? {
        if let Ok(name) = entry?.file_name().into_string()
            && name.starts_with(PREFIX)
            && name.ends_with(SUFFIX)
        {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}
