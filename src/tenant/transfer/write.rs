//! The export: one tenant as a snapshot shows it, into a file that appears when it is complete.
use super::{
    cell,
    frame::{Counts, Head, Writer},
    refuse,
    schema::{self, Meaning, Table},
};
use crate::{
    access::secret::{Secret, random_text},
    blob::Blobs,
    clock::wire,
    db::{Snapshot, migrate},
    error::{Error, Result},
    tenant::Tenant,
};
use rusqlite::{Connection, types::ValueRef};
use rustix::{
    fs::{CWD, RenameFlags, renameat_with},
    io::Errno,
};
use serde_json::{Map, Value as Json};
use std::{
    fs::{self, File},
    io::{self, BufWriter},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// Writes a tenant with its attachments to `target`, and answers how much that was.
pub(crate) fn export(
    db: &Snapshot<'_>,
    secret: &Secret,
    blobs: &Blobs,
    tenant: &Tenant,
    target: Target,
) -> Result<Counts> {
    let head = Head {
        schema: migrate::latest(),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        tenant: tenant.name.clone(),
        exported_at: wire(db.now),
    };
    let mut file = Writer::begin(BufWriter::with_capacity(1 << 18, target.file()?), head)?;
    for table in schema::tables(db)? {
        rows(db, secret, tenant, &table, &mut file)?;
    }
    attachments(db, blobs, tenant, &mut file)?;
    let (file, counts) = file.end()?;
    target.keep(file.into_inner().map_err(io::IntoInnerError::into_error)?)?;
    Ok(counts)
}

fn rows(
    conn: &Connection,
    secret: &Secret,
    tenant: &Tenant,
    table: &Table,
    file: &mut Writer<impl io::Write>,
) -> Result<()> {
    let mut statement = conn.prepare(&table.select())?;
    let mut rows = statement.query([tenant.id])?;
    while let Some(row) = rows.next()? {
        let mut columns = Map::new();
        for (place, column) in table.columns.iter().enumerate() {
            let value = row.get_ref(place)?;
            let cell = match (column.meaning, value) {
                (Meaning::Sealed, ValueRef::Blob(sealed)) => opened(secret, sealed)?,
                (Meaning::Anew, _) => Some(Json::Null),
                _ => cell::write(value),
            };
            let cell = cell.ok_or_else(|| {
                refuse(format!(
                    "{}.{} holds a text that is no UTF-8, so the tenant cannot be exported",
                    table.name, column.name
                ))
            })?;
            columns.insert(column.name.clone(), cell);
        }
        file.row(table.name, columns)?;
    }
    Ok(())
}

fn opened(secret: &Secret, sealed: &[u8]) -> Result<Option<Json>> {
    Ok(String::from_utf8(secret.open(sealed)?).ok().map(Json::from))
}

fn attachments(
    conn: &Connection,
    blobs: &Blobs,
    tenant: &Tenant,
    file: &mut Writer<impl io::Write>,
) -> Result<()> {
    let mut statement = conn.prepare(
        "select hash from file where tenant_id = ?1
         union
         select raw_hash from inbound_event where tenant_id = ?1 and raw_hash is not null",
    )?;
    let mut rows = statement.query([tenant.id])?;
    while let Some(row) = rows.next()? {
        let hash: String = row.get(0)?;
        let lost = || {
            refuse(format!(
                "the attachment {hash} is not there as it was stored, so the tenant cannot be exported whole; `tehprof check` tells more"
            ))
        };
        let from = match File::open(blobs.place(tenant.id, &hash)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(lost()),
            from => from?,
        };
        let size = from.metadata()?.len();
        if !file.blob(&hash, size, from)? {
            return Err(lost());
        }
    }
    Ok(())
}

/// Where an export goes. Until it is complete it has another name; dropped before that, it leaves nothing.
#[derive(Debug)]
pub(crate) struct Target {
    path: PathBuf,
    draft: PathBuf,
    overwrite: bool,
}

impl Target {
    /// A file of this name, which must not be there yet unless it is to be overwritten.
    pub(crate) fn new(path: PathBuf, overwrite: bool) -> Result<Target> {
        let name = path
            .file_name()
            .ok_or_else(|| refuse(format!("{} is not the name of a file", path.display())))?;
        let draft = format!(".{}.{}", name.to_string_lossy(), random_text(8)?);
        let target = Target {
            draft: path.with_file_name(draft),
            path,
            overwrite,
        };
        if !overwrite && fs::symlink_metadata(&target.path).is_ok() {
            return Err(target.taken());
        }
        Ok(target)
    }

    fn taken(&self) -> Error {
        refuse(format!(
            "{} is already there; --force overwrites it",
            self.path.display()
        ))
    }

    fn cannot(&self, error: impl std::fmt::Display) -> Error {
        refuse(format!("cannot write {}: {error}", self.path.display()))
    }

    fn file(&self) -> Result<File> {
        File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&self.draft)
            .map_err(|error| self.cannot(error))
    }

    /// Gives the complete file its name, once its bytes are on the disk.
    fn keep(self, file: File) -> Result<()> {
        file.sync_all().map_err(|error| self.cannot(error))?;
        let flags = if self.overwrite {
            RenameFlags::empty()
        } else {
            RenameFlags::NOREPLACE
        };
        match renameat_with(CWD, &self.draft, CWD, &self.path, flags) {
            Ok(()) => {}
            Err(Errno::EXIST) => return Err(self.taken()),
            // A network file system may not know how to rename so; it knows links, which never replace anything.
            Err(Errno::INVAL | Errno::NOSYS) => {
                fs::hard_link(&self.draft, &self.path).map_err(|error| match error.kind() {
                    io::ErrorKind::AlreadyExists => self.taken(),
                    _ => self.cannot(error),
                })?;
            }
            Err(error) => return Err(self.cannot(error)),
        }
        let folder = match self.path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let folder = File::open(folder).and_then(|folder| folder.sync_all());
        folder.map_err(|error| self.cannot(error))
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        // Gone already if it was kept.
        let _ = fs::remove_file(&self.draft);
    }
}
