//! Where the attachments of an import lie until rows name them: beside those of the tenants, so that the whole folder is
//! moved in one step, and whatever an import that came to nothing has brought is told from everything else.
use super::refuse;
use crate::{
    api::field::TenantId,
    blob::{Blobs, IMPORTING},
    db::lock::{self, Lock},
    error::Result,
};
use std::{
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

/// Whose attachments they are until their tenant has a number.
const NOBODY: TenantId = TenantId(0);

/// The one import that a data directory takes in at a time.
#[derive(Debug)]
pub(crate) struct Landing {
    files: PathBuf,
    root: PathBuf,
    blobs: Blobs,
    _lock: Lock,
}

impl Landing {
    /// `files` is where attachments lie, each tenant's in a folder of its own.
    pub(crate) fn open(files: &Path) -> Result<Landing> {
        let place = files.join(IMPORTING);
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&place)?;
        let lock = lock::take(&place).map_err(refuse)?;
        let root = place.join("blobs");
        clear(&root)?;
        DirBuilder::new().mode(0o700).create(&root)?;
        Ok(Landing {
            files: files.to_owned(),
            blobs: Blobs::open(&root)?,
            root,
            _lock: lock,
        })
    }

    pub(super) fn blobs(&self) -> (&Blobs, TenantId) {
        (&self.blobs, NOBODY)
    }

    /// The first number from `tenant` on whose folder is not there: an earlier tenant's may have been left.
    pub(super) fn free(&self, mut tenant: TenantId) -> TenantId {
        while self.folder(tenant).exists() {
            tenant.0 += 1;
        }
        tenant
    }

    fn folder(&self, tenant: TenantId) -> PathBuf {
        self.files.join(tenant.to_string())
    }

    /// Makes the attachments those of `tenant`.
    pub(super) fn hand_over(&self, tenant: TenantId) -> Result<()> {
        match fs::rename(self.root.join(NOBODY.to_string()), self.folder(tenant)) {
            // A tenant without attachments has no folder.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            renamed => {
                renamed?;
                Ok(File::open(&self.files)?.sync_all()?)
            }
        }
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        // What cannot be cleared away now is cleared away by the next import.
        let _ = clear(&self.root);
    }
}

fn clear(root: &Path) -> io::Result<()> {
    match fs::remove_dir_all(root) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
