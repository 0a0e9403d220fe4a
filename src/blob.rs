//! Attachments' bytes: files beside the database, named by their hash, stored once per tenant.
//!
//! A blob is complete before any row names it: written to a temporary file, synced, renamed into place, and the folder
//! synced. A crash leaves at most a file that nothing names.
//!
//! Which blobs are named only the database knows, so whoever removes one has asked it before. In between somebody may have
//! kept the same bytes again: that renews the time of the file, and a removal takes place only if the time is still the one
//! that was seen before asking. Both happen under a lock on the folder, which other processes heed as well.
use crate::{
    access::secret::random_text,
    api::field::TenantId,
    clock::Millis,
    error::{Code, Error, Result},
};
use rustix::fs::{FlockOperation, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT, flock};
use std::{
    fs::{self, File, FileTimes},
    io::{self, ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// The folder of the store in which blobs arrive.
pub(crate) const INCOMING: &str = "incoming";
/// The folder of the store in which those of a tenant that is brought in arrive.
pub(crate) const IMPORTING: &str = "importing";

/// The store of blobs.
#[derive(Clone, Debug)]
pub(crate) struct Blobs {
    dir: PathBuf,
}

/// A blob that is in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Blob {
    pub(crate) hash: String,
    pub(crate) size: u64,
    /// When it was made, if it was not in the store before. Should nobody come to name it, it can go again.
    pub(crate) made: Option<SystemTime>,
}

/// A blob in the store, as it was seen at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) tenant: TenantId,
    pub(crate) hash: String,
    /// When it was last kept.
    pub(crate) kept: SystemTime,
}

impl Blob {
    /// What bytes would be called in the store, without their being put there.
    pub(crate) fn of(bytes: &[u8]) -> Blob {
        Blob {
            hash: blake3::hash(bytes).to_hex().to_string(),
            size: bytes.len() as u64,
            made: None,
        }
    }
}

/// Makes a tenant's folder of blobs, if it is not there. The new folder's name must reach the disk as well as the file's: who
/// sees the folder may rely upon it, so this is done alone.
fn shelve(folder: &Path) -> io::Result<()> {
    if folder.exists() {
        return Ok(());
    }
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    for parent in folder.ancestors().skip(1).take(2) {
        File::open(parent)?.sync_all()?;
    }
    Ok(())
}

impl Blobs {
    /// Opens the store and clears away what an interrupted upload left.
    pub(crate) fn open(dir: &Path) -> Result<Blobs> {
        let incoming = dir.join(INCOMING);
        let private = |path: &Path| {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(path)
        };
        private(&incoming)?;
        for leftover in fs::read_dir(&incoming)? {
            fs::remove_file(leftover?.path())?;
        }
        Ok(Blobs {
            dir: dir.to_owned(),
        })
    }

    /// The store beside a server that may be receiving into it, to read from: nothing is cleared away.
    pub(crate) fn beside(dir: &Path) -> Blobs {
        Blobs {
            dir: dir.to_owned(),
        }
    }

    /// The store beside a server that may be receiving into it, to add to: nothing is cleared away.
    pub(crate) fn joined(dir: &Path) -> Result<Blobs> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir.join(INCOMING))?;
        Ok(Blobs::beside(dir))
    }

    /// Begins a blob of at most `limit` bytes.
    pub(crate) fn begin(&self, limit: u64) -> Result<Incoming> {
        let path = self.dir.join(INCOMING).join(random_text(24)?);
        let file = File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        Ok(Incoming {
            file,
            path,
            hasher: blake3::Hasher::new(),
            size: 0,
            limit,
        })
    }

    /// Puts a finished blob in its place; the same bytes of the same tenant are kept once.
    pub(crate) fn keep(&self, tenant: TenantId, incoming: Incoming) -> Result<Blob> {
        incoming.file.sync_all()?;
        let hash = incoming.hasher.finalize().to_hex().to_string();
        let place = self.place(tenant, &hash);
        let folder = place.parent().unwrap_or(&self.dir);
        let made = {
            let _alone = self.alone()?;
            shelve(folder)?;
            if renew(&place)? {
                None
            } else {
                fs::rename(&incoming.path, &place)?;
                Some(fs::metadata(&place)?.modified()?)
            }
        };
        // Also where the file was there before: who put it there may not have come so far yet.
        File::open(folder)?.sync_all()?;
        Ok(Blob {
            size: incoming.size,
            hash,
            made,
        })
    }

    /// Keeps others from keeping and removing as long as the answer lives.
    fn alone(&self) -> io::Result<File> {
        let folder = File::open(&self.dir)?;
        flock(&folder, FlockOperation::LockExclusive)?;
        Ok(folder)
    }

    /// The blobs that were last kept before a time.
    pub(crate) fn older_than(&self, before: Millis) -> io::Result<Vec<Seen>> {
        let before = UNIX_EPOCH + Duration::from_millis(u64::try_from(before).unwrap_or(0));
        let mut found = self.all()?;
        found.retain(|blob| blob.kept < before);
        Ok(found)
    }

    /// Every blob that is complete.
    pub(crate) fn all(&self) -> io::Result<Vec<Seen>> {
        let mut found = Vec::new();
        for (name, folder) in entries(&self.dir)? {
            // What is still arriving lies beside the tenants.
            let Ok(tenant) = name.parse().map(TenantId) else {
                continue;
            };
            for (_, shelf) in entries(&folder)? {
                for (hash, path) in entries(&shelf)? {
                    let kept = match fs::metadata(path) {
                        Err(error) if error.kind() == ErrorKind::NotFound => continue,
                        about => about?.modified()?,
                    };
                    found.push(Seen { tenant, hash, kept });
                }
            }
        }
        Ok(found)
    }

    /// Removes a blob that no row names, unless somebody has kept it again since it was seen. Tells whether it is gone.
    pub(crate) fn remove(&self, seen: &Seen) -> io::Result<bool> {
        let place = self.place(seen.tenant, &seen.hash);
        let _alone = self.alone()?;
        match fs::metadata(&place) {
            Ok(about) if about.modified()? == seen.kept => fs::remove_file(&place).map(|()| true),
            Ok(_) => Ok(false),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Stores bytes that are already in memory.
    pub(crate) fn put(&self, tenant: TenantId, bytes: &[u8]) -> Result<Blob> {
        let mut incoming = self.begin(u64::MAX)?;
        incoming.write(bytes)?;
        self.keep(tenant, incoming)
    }

    pub(crate) fn read(&self, tenant: TenantId, hash: &str) -> io::Result<Vec<u8>> {
        fs::read(self.place(tenant, hash))
    }

    /// Where a blob lies. The hash comes from the store or from a row, never from a request.
    pub(crate) fn place(&self, tenant: TenantId, hash: &str) -> PathBuf {
        let shelf = hash.get(..2).unwrap_or("00");
        self.dir.join(tenant.to_string()).join(shelf).join(hash)
    }
}

/// The names in a folder and where they lead; none if the folder is gone.
fn entries(dir: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let listed = match fs::read_dir(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        listed => listed?,
    };
    let mut found = Vec::new();
    for entry in listed {
        let entry = entry?;
        if let Ok(name) = entry.file_name().into_string() {
            found.push((name, entry.path()));
        }
    }
    Ok(found)
}

/// Gives a file the present time, and a later one than it had in any case. Answers whether there is such a file.
fn renew(place: &Path) -> io::Result<bool> {
    let file = match File::options().write(true).open(place) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        opened => opened?,
    };
    let before = file.metadata()?.modified()?;
    rustix::fs::futimens(&file, &NOW)?;
    if file.metadata()?.modified()? <= before {
        // The kernel's time moves in steps of milliseconds, and somebody may have turned it back.
        file.set_times(FileTimes::new().set_modified(before + Duration::from_nanos(1)))?;
    }
    Ok(true)
}

/// The present time as the kernel tells it; that of the last access stays.
const NOW: Timestamps = Timestamps {
    last_access: Timespec {
        tv_sec: 0,
        tv_nsec: UTIME_OMIT,
    },
    last_modification: Timespec {
        tv_sec: 0,
        tv_nsec: UTIME_NOW,
    },
};

/// A blob that is still arriving. Dropped before it is kept, it leaves nothing.
#[derive(Debug)]
pub(crate) struct Incoming {
    file: File,
    path: PathBuf,
    hasher: blake3::Hasher,
    size: u64,
    limit: u64,
}

impl Incoming {
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.size += bytes.len() as u64;
        if self.size > self.limit {
            let limit = format!("{} MB", self.limit / (1 << 20));
            return Err(Error::new(Code::TooLarge).with("limit", limit));
        }
        self.hasher.update(bytes);
        Ok(self.file.write_all(bytes)?)
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // Gone already if it was kept.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(name: &str) -> (PathBuf, Blobs) {
        let dir = std::env::temp_dir().join(format!("tehprof-blob-{name}-{}", std::process::id()));
        let blobs = Blobs::open(&dir).unwrap();
        (dir, blobs)
    }

    #[test]
    fn the_same_bytes_are_kept_once_and_an_unfinished_blob_leaves_nothing() {
        let (dir, blobs) = store("once");
        let tenant = TenantId(1);
        let first = blobs.put(tenant, b"report").unwrap();
        let again = blobs.put(tenant, b"report").unwrap();
        assert_eq!((&again.hash, again.size), (&first.hash, first.size));
        assert!(first.made.is_some() && again.made.is_none());
        assert_eq!(blobs.read(tenant, &first.hash).unwrap(), b"report");
        assert!(blobs.read(TenantId(2), &first.hash).is_err());

        let mut large = blobs.begin(4).unwrap();
        assert_eq!(large.write(b"12345").unwrap_err().code(), Code::TooLarge);
        drop(large);
        assert_eq!(fs::read_dir(dir.join(INCOMING)).unwrap().count(), 0);
        fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn a_blob_that_was_kept_again_is_not_removed() {
        let (dir, blobs) = store("again");
        let tenant = TenantId(1);
        let blob = blobs.put(tenant, b"report").unwrap();
        assert_eq!(blobs.older_than(0).unwrap(), []);
        let seen = blobs.older_than(Millis::MAX / 1_000_000).unwrap();
        assert_eq!(seen.len(), 1);
        assert_eq!(
            (seen[0].tenant, Some(seen[0].kept)),
            (tenant, blob.made),
            "what was made is what is seen"
        );

        // At once, so that the kernel's clock may still tell the same time.
        blobs.put(tenant, b"report").unwrap();
        assert!(!blobs.remove(&seen[0]).unwrap());
        assert_eq!(blobs.read(tenant, &blob.hash).unwrap(), b"report");

        let seen = blobs.older_than(Millis::MAX / 1_000_000).unwrap();
        assert!(blobs.remove(&seen[0]).unwrap());
        assert!(blobs.read(tenant, &blob.hash).is_err());
        fs::remove_dir_all(&dir).unwrap();
    }
}
