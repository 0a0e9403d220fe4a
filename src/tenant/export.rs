//! An export that an admin asks for over the API: written beside the database, fetched by its address while it is there,
//! gone a day later. The file is the one of `tehprof tenant export`; it holds the secrets of channels in clear, so only an
//! admin of the tenant can fetch it, and nobody who does not know its random name.
use super::transfer::{self, Target};
use crate::{
    access::secret::random_text,
    api::field::TenantId,
    app::App,
    clock::{DAY, Millis},
    db::Snapshot,
    error::{Error, Result},
};
use std::{
    fs, io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

/// How long an export may be fetched.
pub(crate) const LASTS: Millis = DAY;

/// What an export's file is called in the end.
const ENDING: &str = "tehprof";

/// A finished export.
#[derive(Debug)]
pub(crate) struct Export {
    /// The random part of its address.
    pub(crate) token: String,
    /// How large it is, in bytes.
    pub(crate) size: u64,
}

fn shelf(data_dir: &Path, tenant: TenantId) -> PathBuf {
    data_dir.join("exports").join(tenant.to_string())
}

/// Writes a tenant as it is now to a file of a random name. An earlier one of the same tenant goes.
pub(crate) async fn make(app: &App, tenant: TenantId) -> Result<Export> {
    // A large tenant keeps a reader busy for a while: one export at a time leaves the others for the desk.
    let turn = app.exports.acquire().await.map_err(Error::internal)?;
    let owner = app.clone();
    let work = move |db: &Snapshot<'_>| -> Result<Export> {
        let shelf = shelf(&owner.config.data_dir, tenant);
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&shelf)?;
        for earlier in fs::read_dir(&shelf)? {
            fs::remove_file(earlier?.path())?;
        }
        let token = random_text(32)?;
        let path = shelf.join(format!("{token}.{ENDING}"));
        let target = Target::new(path.clone(), false)?;
        let tenant = super::by_id(db, tenant)?;
        transfer::export(db, &owner.secret, &owner.blobs, &tenant, target)?;
        let size = fs::metadata(&path)?.len();
        Ok(Export { token, size })
    };
    let made = app.db.read(work).await;
    drop(turn);
    made
}

/// Where the export of this address lies, if it is one of the tenant's and still there.
pub(crate) fn find(data_dir: &Path, tenant: TenantId, token: &str) -> Option<PathBuf> {
    let plain = token.len() == 32 && token.bytes().all(|b| b.is_ascii_alphanumeric());
    let path = shelf(data_dir, tenant).join(format!("{token}.{ENDING}"));
    (plain && path.is_file()).then_some(path)
}

/// Removes exports that are a day old, and what a crash has left of one.
pub(crate) async fn tidy(app: App) -> Result<()> {
    let (dir, now) = (app.config.data_dir.join("exports"), app.db.clock().now());
    let before = UNIX_EPOCH + Duration::from_millis(u64::try_from(now - LASTS).unwrap_or(0));
    let work = tokio::task::spawn_blocking(move || -> io::Result<()> {
        let tenants = match fs::read_dir(&dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            tenants => tenants?,
        };
        for tenant in tenants {
            for export in fs::read_dir(tenant?.path())? {
                let path = export?.path();
                if fs::metadata(&path)?.modified()? < before {
                    fs::remove_file(path)?;
                }
            }
        }
        Ok(())
    });
    Ok(work.await.map_err(Error::internal)??)
}
