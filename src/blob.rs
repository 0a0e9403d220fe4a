//! Attachments' bytes: files beside the database, named by their hash, stored once per tenant.
//!
//! A blob is complete before any row names it: written to a temporary file, synced, renamed into place, and the folder
//! synced. A crash leaves at most a file that nothing names.
use crate::{
    access::secret::random_text,
    api::field::TenantId,
    error::{Code, Error, Result},
};
use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

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
}

impl Blobs {
    /// Opens the store and clears away what an interrupted upload left.
    pub(crate) fn open(dir: &Path) -> Result<Blobs> {
        let incoming = dir.join("incoming");
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

    /// Begins a blob of at most `limit` bytes.
    pub(crate) fn begin(&self, limit: u64) -> Result<Incoming> {
        let path = self.dir.join("incoming").join(random_text(24)?);
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
        let blob = Blob {
            size: incoming.size,
            hash,
        };
        let place = self.place(tenant, &blob.hash);
        let folder = place.parent().unwrap_or(&self.dir);
        if !folder.exists() {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)?;
            // The new folder's name must reach the disk as well as the file's.
            for parent in folder.ancestors().skip(1).take(2) {
                File::open(parent)?.sync_all()?;
            }
        }
        if !place.exists() {
            fs::rename(&incoming.path, &place)?;
            File::open(folder)?.sync_all()?;
        }
        Ok(blob)
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

    #[test]
    fn the_same_bytes_are_kept_once_and_an_unfinished_blob_leaves_nothing() {
        let dir = std::env::temp_dir().join(format!("tehprof-blob-{}", std::process::id()));
        let blobs = Blobs::open(&dir).unwrap();
        let tenant = TenantId(1);
        let first = blobs.put(tenant, b"report").unwrap();
        assert_eq!(blobs.put(tenant, b"report").unwrap(), first);
        assert_eq!(blobs.read(tenant, &first.hash).unwrap(), b"report");
        assert!(blobs.read(TenantId(2), &first.hash).is_err());

        let mut large = blobs.begin(4).unwrap();
        assert_eq!(large.write(b"12345").unwrap_err().code(), Code::TooLarge);
        drop(large);
        assert_eq!(fs::read_dir(dir.join("incoming")).unwrap().count(), 0);
        fs::remove_dir_all(&dir).unwrap();
    }
}
