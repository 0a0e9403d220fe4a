//! What the process may touch of the file system: its data directory and where backups go, and to read, what its start or the
//! resolver names. Linux holds it to that by Landlock, for good: whoever makes the program open another file finds it shut.
//!
//! Rules hold for what lies below a folder at any time, and a file that is replaced is another one. So folders are named
//! where files in them are replaced: `/etc` for that of the name servers, the folder of a certificate for the certificate.
//!
//! What it may ask of Linux beside files is the matter of [`calls`].
pub(crate) mod calls;

use crate::config::Config;
use landlock::{
    ABI, Access, AccessFs, BitFlags, CompatLevel, Compatible, LandlockStatus, PathBeneath, PathFd,
    Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus, path_beneath_rules,
};
use rusqlite::Connection;
use serde::Serialize;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    thread,
};

/// How far Linux holds the process to what it needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Confinement {
    /// In all that this program knows to ask for.
    Full,
    /// In what an older Linux knows of it.
    Partial,
    /// Not at all: this Linux cannot do it.
    Unavailable,
    /// Not at all: it was not asked for.
    #[default]
    Off,
}

impl Confinement {
    const fn of(status: &RulesetStatus) -> Confinement {
        match status {
            RulesetStatus::FullyEnforced => Confinement::Full,
            RulesetStatus::PartiallyEnforced => Confinement::Partial,
            RulesetStatus::NotEnforced => Confinement::Unavailable,
        }
    }
}

/// The newest rules that this program asks for.
const ASKED: ABI = ABI::V7;

/// What may be read whatever the settings say: how names are resolved, time zones, libraries that a resolver loads, and what
/// Linux tells of this process and of the machine's memory and processors.
const READ: [&str; 12] = [
    "/etc",
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/share/zoneinfo",
    "/dev/urandom",
    "/proc/self",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/sys/vm",
    "/sys/fs/cgroup",
];

/// What may be read and written.
const WRITTEN: [&str; 1] = ["/dev/null"];

/// Holds this thread, and all that it will start, to what `config` names. The data directory and that of backups are there.
pub(crate) fn confine(config: &Config) -> Result<Confinement, String> {
    let own = own(config).map_err(|error| error.to_string())?;
    spill(&config.data_dir).map_err(|error| error.to_string())?;
    let status = restrict(&own, &read(config)).map_err(|error| error.to_string())?;
    Ok(Confinement::of(&status))
}

/// Lets SQLite put what does not fit into memory beside the database: the places where it would are shut.
fn spill(data_dir: &Path) -> rusqlite::Result<()> {
    let place = data_dir.to_string_lossy();
    Connection::open_in_memory()?.pragma_update(None, "temp_store_directory", place.as_ref())
}

/// What is written: the data directory with what is linked into it from elsewhere, and the directory of backups.
fn own(config: &Config) -> std::io::Result<BTreeSet<PathBuf>> {
    let mut own = BTreeSet::from([config.data_dir.canonicalize()?]);
    for entry in fs::read_dir(&config.data_dir)? {
        let entry = entry?;
        if !entry.file_type()?.is_symlink() {
            continue;
        }
        // A link that leads nowhere opens nothing.
        if let Ok(target) = entry.path().canonicalize() {
            let folder = match target.is_dir() {
                true => Some(target.as_path()),
                // What SQLite writes beside a database lies beside where it really is.
                false => target.parent(),
            };
            own.extend(folder.map(Path::to_owned));
        }
    }
    if let Some(schedule) = &config.backups {
        own.insert(schedule.dir.canonicalize()?);
    }
    Ok(own)
}

/// The folders in which files lie that the settings name to be read, and into which those files may be links.
fn read(config: &Config) -> BTreeSet<PathBuf> {
    let root = config.acme.as_ref().and_then(|order| order.root.as_ref());
    let resolver = PathBuf::from("/etc/resolv.conf");
    let named = [&config.tls_cert, &config.tls_key].into_iter().flatten();
    let mut folders = BTreeSet::new();
    for file in named.chain(root).chain([&resolver]) {
        let real = file.canonicalize().ok();
        for path in [Some(file), real.as_ref()].into_iter().flatten() {
            let folder = match path.parent() {
                Some(folder) if folder == Path::new("") => Path::new("."),
                Some(folder) => folder,
                None => continue,
            };
            folders.insert(folder.to_owned());
        }
    }
    folders
}

fn restrict(own: &BTreeSet<PathBuf>, read: &BTreeSet<PathBuf>) -> Result<RulesetStatus, Refused> {
    let nothing_run = AccessFs::Execute | AccessFs::MakeChar | AccessFs::MakeBlock;
    let all = AccessFs::from_all(ASKED) & !nothing_run;
    let look: BitFlags<AccessFs> = AccessFs::ReadFile | AccessFs::ReadDir;
    let mut ruleset = Ruleset::default()
        // A Linux that knows no rule for files that are moved between folders would forbid it, and this program moves them.
        .set_compatibility(CompatLevel::SoftRequirement)
        .handle_access(AccessFs::Refer)?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(ASKED))?
        .create()?;
    for path in own {
        // Without these nothing works, so that they cannot be opened is told and not passed over.
        ruleset = ruleset.add_rule(PathBeneath::new(PathFd::new(path)?, all))?;
    }
    let status = ruleset
        .add_rules(path_beneath_rules(WRITTEN, all))?
        .add_rules(path_beneath_rules(READ, look))?
        .add_rules(path_beneath_rules(read, look))?
        .restrict_self()?;
    Ok(status.ruleset)
}

/// Why the rules could not be made.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error(transparent)]
    Rules(#[from] RulesetError),
    #[error(transparent)]
    Path(#[from] landlock::PathFdError),
}

/// What this Linux can do of it, found out by a thread that ends at once.
pub(crate) fn offered() -> Confinement {
    let probe = || -> Result<Confinement, RulesetError> {
        let status = Ruleset::default()
            .handle_access(AccessFs::from_all(ASKED))?
            .create()?
            .restrict_self()?;
        Ok(match status.landlock {
            LandlockStatus::Available { .. } => Confinement::of(&status.ruleset),
            _ => Confinement::Unavailable,
        })
    };
    let found = thread::spawn(probe).join();
    found
        .ok()
        .and_then(Result::ok)
        .unwrap_or(Confinement::Unavailable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Order, backup::schedule::Schedule};
    use std::os::unix::fs::symlink;

    /// A folder for one test, gone when it ends.
    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Place {
            let dir =
                std::env::temp_dir().join(format!("tehprof-confine-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&dir);
            for below in ["data/files", "backups", "elsewhere", "keys"] {
                fs::create_dir_all(dir.join(below)).unwrap();
            }
            Place(dir)
        }

        fn config(&self) -> Config {
            Config {
                backups: Some(Schedule {
                    dir: self.0.join("backups"),
                    every: 1,
                    keep: 1,
                }),
                ..Config::new(self.0.join("data"))
            }
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    /// Whether this Linux has Landlock. Where it has not, nothing is shut, and this must be what is told.
    fn is_there(place: &Place) -> bool {
        if offered() != Confinement::Unavailable {
            return true;
        }
        let config = place.config();
        let status = restrict(&own(&config).unwrap(), &read(&config)).unwrap();
        assert_eq!(Confinement::of(&status), Confinement::Unavailable);
        println!("this Linux has no Landlock: only that this is told was tested");
        false
    }

    /// Runs on a thread of its own, which alone is held to the rules.
    fn held<T: Send + 'static>(config: Config, work: impl FnOnce() -> T + Send + 'static) -> T {
        let (own, read) = (own(&config).unwrap(), read(&config));
        let thread = thread::spawn(move || {
            let status = restrict(&own, &read).unwrap();
            assert_ne!(status, RulesetStatus::NotEnforced);
            work()
        });
        thread.join().unwrap()
    }

    fn refused<T>(outcome: std::io::Result<T>) -> bool {
        outcome.is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied)
    }

    #[test]
    fn what_lies_outside_is_shut_and_what_the_program_does_inside_goes_on() {
        let place = Place::new("outside");
        if !is_there(&place) {
            return;
        }
        let dir = place.0.clone();
        fs::write(dir.join("elsewhere/secret"), "x").unwrap();
        symlink(dir.join("elsewhere/secret"), dir.join("data/files/link")).unwrap();
        held(place.config(), move || {
            for path in ["elsewhere/secret", "data/files/link"] {
                assert!(refused(fs::read(dir.join(path))), "{path}");
            }
            assert!(refused(fs::write(dir.join("elsewhere/new"), "x")));
            assert!(refused(fs::read_dir(dir.join("elsewhere"))));
            assert!(refused(fs::write(dir.join("backups/../new"), "x")));
            assert!(refused(std::process::Command::new("/bin/true").status()));
            fs::create_dir(dir.join("data/incoming")).unwrap();
            fs::write(dir.join("data/incoming/a"), "x").unwrap();
            fs::rename(dir.join("data/incoming/a"), dir.join("data/files/a")).unwrap();
            fs::hard_link(dir.join("data/files/a"), dir.join("data/b")).unwrap();
            fs::File::open(dir.join("data"))
                .unwrap()
                .sync_all()
                .unwrap();
            fs::write(dir.join("backups/new"), "x").unwrap();
            fs::remove_file(dir.join("backups/new")).unwrap();
            let conn = Connection::open(dir.join("data/t.db")).unwrap();
            conn.execute_batch(
                "pragma journal_mode = wal; create table t (x); insert into t values (1);",
            )
            .unwrap();
            let copy = dir.join("backups/copy.db");
            conn.execute("vacuum into ?1", [copy.to_str().unwrap()])
                .unwrap();
            assert!(
                fs::read_to_string("/proc/self/status")
                    .unwrap()
                    .contains("VmRSS")
            );
            assert!(fs::read_dir("/proc/self/fd").unwrap().count() > 0);
            fs::read("/etc/hosts").unwrap();
        });
    }

    #[test]
    fn a_certificate_is_read_again_when_it_was_replaced_and_followed_no_further() {
        let place = Place::new("certificate");
        if !is_there(&place) {
            return;
        }
        let dir = place.0.clone();
        fs::create_dir(dir.join("archive")).unwrap();
        for (name, text) in [
            ("archive/1", "first"),
            ("archive/2", "second"),
            ("elsewhere/3", "third"),
        ] {
            fs::write(dir.join(name), text).unwrap();
        }
        let link = dir.join("keys/cert.pem");
        symlink(dir.join("archive/1"), &link).unwrap();
        let config = Config {
            tls_cert: Some(link.clone()),
            acme: Some(Order {
                names: Vec::new(),
                email: None,
                directory: String::new(),
                root: Some(dir.join("keys/root.pem")),
            }),
            ..place.config()
        };
        let (told, turn) = std::sync::mpsc::channel::<()>();
        let (said, heard) = std::sync::mpsc::channel();
        let own_link = link.clone();
        let reading = thread::spawn(move || {
            held(config, move || {
                while turn.recv().is_ok() {
                    said.send(fs::read_to_string(&own_link)).unwrap();
                }
            });
        });
        let look = || {
            told.send(()).unwrap();
            heard.recv().unwrap()
        };
        assert_eq!(look().unwrap(), "first");
        for (target, seen) in [("archive/2", Some("second")), ("elsewhere/3", None)] {
            fs::remove_file(&link).unwrap();
            symlink(dir.join(target), &link).unwrap();
            match seen {
                Some(text) => assert_eq!(look().unwrap(), text),
                None => assert!(refused(look())),
            }
        }
        drop(told);
        reading.join().unwrap();
    }

    #[test]
    fn what_is_linked_into_the_data_directory_belongs_to_it() {
        let place = Place::new("linked");
        if !is_there(&place) {
            return;
        }
        let dir = place.0.clone();
        fs::remove_dir(dir.join("data/files")).unwrap();
        symlink(dir.join("elsewhere"), dir.join("data/files")).unwrap();
        symlink(dir.join("nowhere"), dir.join("data/broken")).unwrap();
        held(place.config(), move || {
            fs::write(dir.join("data/files/a"), "x").unwrap();
        });
    }

    #[test]
    fn what_linux_offers_is_found_out_without_being_held_to_it() {
        let offered = [offered(), offered()];
        assert_eq!(offered[0], offered[1]);
        assert_ne!(offered[0], Confinement::Off);
        let path = std::env::temp_dir().join(format!("tehprof-confine-{}", std::process::id()));
        fs::write(&path, "x").unwrap();
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn sqlite_sorts_in_the_data_directory_what_does_not_fit_into_memory() {
        let place = Place::new("spill");
        spill(&place.0.join("data")).unwrap();
        let conn = Connection::open_in_memory().unwrap();
        let told: String = conn
            .query_row("pragma temp_store_directory", [], |row| row.get(0))
            .unwrap();
        assert_eq!(Path::new(&told), place.0.join("data"));
        // It holds for the whole process, and the folder goes with this test.
        conn.pragma_update(None, "temp_store_directory", "")
            .unwrap();
    }
}
