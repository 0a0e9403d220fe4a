//! Room on the disk. A file of ballast is kept beside the database: on a full disk it is given back, so that what was
//! written can be put in order and things can be deleted, which takes room as well. Until there is enough room again
//! changes are refused at once, reading goes on, and nobody has to restart anything.
use rustix::fs::{FallocateFlags, fallocate, statvfs};
use std::{
    fs::{self, OpenOptions},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

/// How large the ballast is.
const BALLAST: u64 = 64 << 20;
/// The ballast is only kept where the disk has so many times as much to give.
const PLENTY: u64 = 4;
/// How much must be free, beside what the ballast takes, for changes to be taken again.
const ENOUGH: u64 = 4 << 20;

#[derive(Debug, Default)]
pub(crate) struct Room {
    full: AtomicBool,
    /// Whether the ballast was given back and is not made good yet.
    gave: AtomicBool,
    ballast: Option<PathBuf>,
}

/// The free bytes where `dir` is, for those who are not root, and all there are.
pub(crate) fn free(dir: &Path) -> Option<(u64, u64)> {
    let about = statvfs(dir).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(about.f_frsize);
    Some((bytes(about.f_bavail), bytes(about.f_blocks)))
}

impl Room {
    pub(crate) fn beside(database: &Path) -> Room {
        Room {
            ballast: database.parent().map(|dir| dir.join("ballast")),
            ..Room::default()
        }
    }

    /// Whether changes are refused for want of room.
    pub(crate) fn is_full(&self) -> bool {
        self.full.load(Ordering::Acquire)
    }

    /// The disk is full: the ballast is given back. Answers whether that has just made room.
    pub(crate) fn lack(&self) -> bool {
        self.full.store(true, Ordering::Release);
        let given = self.ballast.as_deref().map(fs::remove_file);
        let given = matches!(given, Some(Ok(())));
        self.gave.fetch_or(given, Ordering::AcqRel);
        given
    }

    /// Looks how much room there is, and takes the ballast up again once there is plenty. Answers whether changes are taken
    /// again that were refused.
    pub(crate) fn look(&self) -> bool {
        let Some(ballast) = self.ballast.as_deref() else {
            return false;
        };
        let Some((free, _)) = ballast.parent().and_then(free) else {
            return false;
        };
        // What the ballast gave back is for putting things in order, not for going on until that is gone as well.
        let needed = if self.gave.load(Ordering::Acquire) {
            BALLAST + ENOUGH
        } else {
            ENOUGH
        };
        if free < needed {
            return false;
        }
        if !ballast.exists() && free >= BALLAST * PLENTY {
            take(ballast);
        }
        self.gave.store(false, Ordering::Release);
        self.full.swap(false, Ordering::AcqRel)
    }
}

/// Makes the ballast. A file system that cannot set room aside has none.
fn take(ballast: &Path) {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(ballast);
    if let Ok(file) = file
        && fallocate(&file, FallocateFlags::empty(), 0, BALLAST).is_err()
    {
        // What is left of a failed attempt takes room for nothing.
        let _ = fs::remove_file(ballast);
    }
}
