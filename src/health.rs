//! How the installation fares, for those who watch over it: what waits, how much room there is, when the last backup was made,
//! which channels do not work, and what of it a person should look at.
use crate::{
    app::App,
    backup,
    channel::config::health::{self as channel_health, Figures},
    clock::{self, DAY, MINUTE, Millis},
    confine::Confinement,
    db::{Snapshot, room, sql::one, upkeep},
    error::Result,
    scrub::{self, Scrubbed},
};
use serde::Serialize;
use std::fs;

/// Less free room than this is a matter for a person.
const LITTLE: u64 = 1 << 30;
/// A log that is longer than this is not being put into the file.
const LONG_LOG: u64 = 256 << 20;
/// What waits longer than this to leave is stuck.
const STUCK: Millis = 15 * MINUTE;

/// What waits in one queue.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Queue {
    pub(crate) waiting: i64,
    /// For how long the first of them could have been worked on, in seconds.
    pub(crate) overdue_seconds: i64,
    /// Those of the last day that were given up.
    pub(crate) failed: i64,
}

/// All queues.
#[derive(Debug, Serialize)]
pub(crate) struct Queues {
    pub(crate) outbox: Queue,
    pub(crate) inbound: Queue,
    pub(crate) webhooks: Queue,
    pub(crate) notices: Queue,
}

impl Queues {
    pub(crate) fn named(&self) -> [(&'static str, &Queue); 4] {
        [
            ("outbox", &self.outbox),
            ("inbound", &self.inbound),
            ("webhooks", &self.webhooks),
            ("notices", &self.notices),
        ]
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct Database {
    pub(crate) bytes: u64,
    pub(crate) wal_bytes: u64,
    /// Commands that wait for the writer.
    pub(crate) waiting: usize,
    /// Whether changes are refused because the disk is full.
    pub(crate) is_full: bool,
}

#[derive(Debug, Serialize)]
pub(crate) struct Disk {
    pub(crate) free_bytes: u64,
    pub(crate) total_bytes: u64,
}

#[derive(Debug, Serialize)]
pub(crate) struct LastBackup {
    /// Whether backups are made by the clock.
    pub(crate) scheduled: bool,
    pub(crate) at: Option<String>,
    pub(crate) age_seconds: Option<i64>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Channels {
    pub(crate) active: i64,
    pub(crate) failing: i64,
    /// Each of them, for machines that watch.
    #[serde(skip)]
    pub(crate) each: Vec<Figures>,
}

#[derive(Debug, Serialize)]
pub(crate) struct LastScrub {
    pub(crate) at: Option<String>,
    pub(crate) age_seconds: Option<i64>,
    #[serde(flatten)]
    pub(crate) found: Option<Scrubbed>,
}

/// How everything fares.
#[derive(Debug, Serialize)]
pub(crate) struct Health {
    /// What a person should look at, by the names below; empty when all is well.
    pub(crate) problems: Vec<&'static str>,
    pub(crate) database: Database,
    pub(crate) disk: Option<Disk>,
    /// How far Linux holds the process to its own files.
    pub(crate) landlock: Confinement,
    /// How far the calls of Linux that a server never makes are shut.
    pub(crate) seccomp: Confinement,
    pub(crate) backup: LastBackup,
    pub(crate) scrub: LastScrub,
    pub(crate) queues: Queues,
    pub(crate) channels: Channels,
    /// Faults of the program in the last day.
    pub(crate) errors: i64,
}

/// What only the database knows.
struct Counted {
    queues: Queues,
    channels: Channels,
    errors: i64,
    backup: Option<Millis>,
    scrub: Option<(Millis, Option<Scrubbed>)>,
}

/// Looks at everything.
pub(crate) async fn look(app: &App) -> Result<Health> {
    let now = app.db.clock().now();
    let counted = app.db.read(count).await?;
    let database = app.config.database();
    let size = |path: &std::path::Path| fs::metadata(path).map_or(0, |about| about.len());
    let wal = database.with_extension("db-wal");
    let database = Database {
        bytes: size(&database),
        wal_bytes: size(&wal),
        waiting: app.db.waiting(),
        is_full: app.db.is_full(),
    };
    let disk = room::free(&app.config.data_dir).map(|(free_bytes, total_bytes)| Disk {
        free_bytes,
        total_bytes,
    });
    let age = |at: Option<Millis>| at.map(|at| (now - at).max(0) / 1_000);
    let scrubbed = counted.scrub.as_ref().map(|(at, _)| *at);
    let mut health = Health {
        problems: Vec::new(),
        database,
        disk,
        landlock: app.config.confinement,
        seccomp: app.config.calls,
        backup: LastBackup {
            scheduled: app.config.backups.is_some(),
            at: counted.backup.map(clock::wire),
            age_seconds: age(counted.backup),
        },
        scrub: LastScrub {
            at: scrubbed.map(clock::wire),
            age_seconds: age(scrubbed),
            found: counted.scrub.and_then(|(_, found)| found),
        },
        queues: counted.queues,
        channels: counted.channels,
        errors: counted.errors,
    };
    health.problems = problems(&health, app.config.backups.as_ref().map(|s| s.every));
    Ok(health)
}

/// What of it a person should look at.
fn problems(health: &Health, backup_every: Option<Millis>) -> Vec<&'static str> {
    let little = health
        .disk
        .as_ref()
        .is_some_and(|disk| disk.free_bytes < LITTLE.min(disk.total_bytes / 10));
    let stuck = health
        .queues
        .named()
        .iter()
        .any(|(_, queue)| queue.overdue_seconds * 1_000 > STUCK);
    // One that is missed may be made up for by the next.
    let late = backup_every.is_some_and(|every| {
        health
            .backup
            .age_seconds
            .is_none_or(|age| age * 1_000 > every.saturating_mul(2))
    });
    let spoilt = health
        .scrub
        .found
        .as_ref()
        .is_some_and(|found| found.findings > 0);
    [
        ("disk", little || health.database.is_full),
        ("database", health.database.wal_bytes > LONG_LOG),
        ("queues", stuck),
        ("backup", late),
        ("scrub", spoilt),
        ("channels", health.channels.failing > 0),
    ]
    .into_iter()
    .filter_map(|(name, is_so)| is_so.then_some(name))
    .collect()
}

fn count(db: &Snapshot<'_>) -> Result<Counted> {
    let (now, since) = (db.now, db.now - DAY);
    let queue = |sql: &'static str| {
        one(db, sql, [since], |row| {
            let first: Option<Millis> = row.get(1)?;
            Ok(Queue {
                waiting: row.get(0)?,
                overdue_seconds: first.map_or(0, |at| (now - at).max(0) / 1_000),
                failed: row.get(2)?,
            })
        })
    };
    let queues = Queues {
        outbox: queue(
            "select count(*), min(next_at), (select count(*) from outbox where state = 'failed' and finished_at >= ?1)
               from outbox where state = 'queued'",
        )?,
        inbound: queue(
            "select count(*), min(next_at), (select count(*) from inbound_event where state = 'failed' and received_at >= ?1)
               from inbound_event where state = 'received'",
        )?,
        webhooks: queue(
            "select count(*), min(next_at), (select count(*) from webhook_delivery where state = 'failed' and finished_at >= ?1)
               from webhook_delivery d
              where state = 'queued' and exists (select 1 from webhook w where w.id = d.webhook_id and w.is_active)",
        )?,
        notices: queue(
            "select count(*), min(next_at), (select count(*) from notice where state = 'failed' and finished_at >= ?1)
               from notice where state = 'queued'",
        )?,
    };
    let each = channel_health::figures(db, db.now)?;
    let count = |of: &dyn Fn(&Figures) -> bool| {
        i64::try_from(each.iter().filter(|one| of(one)).count()).unwrap_or(i64::MAX)
    };
    let channels = Channels {
        active: count(&|_| true),
        failing: count(&|one| !one.works),
        each,
    };
    let errors = one(
        db,
        "select count(*) from error_log where at >= ?1",
        [since],
        |row| row.get(0),
    )?;
    Ok(Counted {
        queues,
        channels,
        errors,
        backup: upkeep::last::<serde_json::Value>(db, backup::NAME)?.map(|(at, _)| at),
        scrub: upkeep::last(db, scrub::NAME)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn well() -> Health {
        let queue = Queue::default;
        Health {
            problems: Vec::new(),
            database: Database {
                bytes: 1,
                wal_bytes: 0,
                waiting: 0,
                is_full: false,
            },
            disk: Some(Disk {
                free_bytes: 50 << 30,
                total_bytes: 100 << 30,
            }),
            landlock: Confinement::Full,
            seccomp: Confinement::Full,
            backup: LastBackup {
                scheduled: true,
                at: None,
                age_seconds: Some(3_600),
            },
            scrub: LastScrub {
                at: None,
                age_seconds: None,
                found: None,
            },
            queues: Queues {
                outbox: queue(),
                inbound: queue(),
                webhooks: queue(),
                notices: queue(),
            },
            channels: Channels {
                active: 1,
                failing: 0,
                each: Vec::new(),
            },
            errors: 0,
        }
    }

    #[test]
    fn each_problem_is_named_by_its_part() {
        assert_eq!(problems(&well(), Some(DAY)), Vec::<&str>::new());
        type Spoil = fn(&mut Health);
        let cases: [(&str, Spoil); 8] = [
            ("disk", |h| {
                h.disk = Some(Disk {
                    free_bytes: 1 << 20,
                    total_bytes: 100 << 30,
                });
            }),
            ("disk", |h| h.database.is_full = true),
            ("database", |h| h.database.wal_bytes = LONG_LOG + 1),
            ("queues", |h| h.queues.notices.overdue_seconds = 3_600),
            ("backup", |h| h.backup.age_seconds = Some(3 * DAY / 1_000)),
            ("backup", |h| h.backup.age_seconds = None),
            ("scrub", |h| {
                h.scrub.found = Some(Scrubbed {
                    findings: 1,
                    ..Scrubbed::default()
                });
            }),
            ("channels", |h| h.channels.failing = 1),
        ];
        for (name, spoil) in cases {
            let mut health = well();
            spoil(&mut health);
            assert_eq!(problems(&health, Some(DAY)), [name]);
        }
        // Where no backups are made by the clock, none is late.
        let mut health = well();
        health.backup.age_seconds = None;
        assert_eq!(problems(&health, None), Vec::<&str>::new());
    }
}
