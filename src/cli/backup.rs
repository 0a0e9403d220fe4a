//! `tehprof backup` and `tehprof restore`: a whole installation into one file and back.
use super::{DataDir, failure::Failure, out};
use crate::{
    backup::{self, restore::restore},
    clock::Clock,
    config::Config,
};
use clap::Args;
use std::path::PathBuf;

/// Copy database, attachments and secret into one file, while a server runs or without one
#[derive(Args, Debug)]
pub(super) struct Backup {
    #[command(flatten)]
    data: DataDir,
    /// Write the backup here; an earlier one of that name goes when the new one is whole
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Backup {
    pub(super) fn run(self) -> Result<(), Failure> {
        let config = Config::new(self.data.data_dir);
        let manifest = backup::write(&config, &self.file, Clock::System.now())?;
        if self.json {
            return out::json(&manifest);
        }
        out::say(format!(
            "{} holds the desk of {}: schema {}, attachments {} ({} MB); it was read back and is whole",
            self.file.display(),
            manifest.made_at,
            manifest.schema,
            manifest.files,
            manifest.file_bytes.div_ceil(1 << 20)
        ))
    }
}

/// Put a backup in place of a data directory: it is verified before anything there is touched
#[derive(Args, Debug)]
pub(super) struct Restore {
    #[command(flatten)]
    data: DataDir,
    /// The backup
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Put aside the desk that is there already
    #[arg(long)]
    force: bool,
    /// Only say whether the backup is whole
    #[arg(long)]
    verify: bool,
}

impl Restore {
    pub(super) fn run(self) -> Result<(), Failure> {
        if self.verify {
            let manifest = backup::verify(&self.file)?;
            return out::say(format!(
                "{} is whole: the desk of {}, schema {}, attachments {}",
                self.file.display(),
                manifest.made_at,
                manifest.schema,
                manifest.files
            ));
        }
        let dir = &self.data.data_dir;
        let restored = restore(&self.file, dir, self.force, Clock::System.now())?;
        out::say(format!(
            "{} now holds the desk of {}",
            dir.display(),
            restored.manifest.made_at
        ))?;
        if let Some(before) = restored.before {
            out::note(&format!("what was there before is in {}", before.display()));
        }
        if restored.held > 0 {
            out::note(&format!(
                "{} messages were waiting to be sent when the backup was made; they are marked as not sent, and the desk shows a button to send them again",
                restored.held
            ));
        }
        out::note("everybody must sign in again");
        Ok(())
    }
}
