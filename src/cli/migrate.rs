//! `tehprof migrate`: brings a database to this program's schema ahead of a start, or tells whether it needs that.
use super::{
    DataDir,
    failure::{Failure, refuse},
    out,
};
use crate::{
    config::Config,
    db::{
        lock,
        migrate::{self, Brought},
    },
};
use clap::Args;
use std::path::Path;

/// Bring the database to this program's schema; a snapshot is kept beside it
#[derive(Args, Debug)]
pub(super) struct Migrate {
    #[command(flatten)]
    data: DataDir,
    /// Only tell whether it is needed: exit 1 if so
    #[arg(long)]
    check: bool,
}

impl Migrate {
    pub(super) fn run(self) -> Result<(), Failure> {
        let dir = self.data.data_dir;
        let database = Config::new(dir.clone()).database();
        let latest = migrate::latest();
        let found = migrate::version(&database)?
            .ok_or_else(|| refuse(format!("there is no database in {}", dir.display())))?;
        if self.check {
            return standing(&database, found, latest);
        }
        if found != latest {
            let _lock = lock::take(&dir).map_err(Failure::Sentence)?;
            if let Brought::Migrated { from, snapshot } = migrate::bring_up(&database)? {
                let kept = snapshot.display();
                return out::say(format!(
                    "migrated from schema {from} to {latest}; the earlier one is kept in {kept}"
                ));
            }
        }
        out::say(format!("the database is at schema {latest}"))
    }
}

fn standing(database: &Path, found: i32, latest: i32) -> Result<(), Failure> {
    if found == latest {
        return out::say(format!("the database is at schema {latest}"));
    }
    let path = database.display();
    Err(Failure::Sentence(if found > latest {
        format!("{path} is at schema {found}, written by a newer tehprof: this one knows {latest}")
    } else {
        format!(
            "{path} is at schema {found}; `tehprof migrate` or the next start of the server brings it to {latest}"
        )
    }))
}
