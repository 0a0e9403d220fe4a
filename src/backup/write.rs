//! Making a backup. The database is copied first, as it is at one moment and beside its writer; attachments never change, so
//! whatever is there afterwards is at least what the copy names. The file is read back before it bears its name.
//!
//! Others have precedence: the processor is taken when nobody else wants it, and what is written goes to the disk a little at
//! a time, since a writer's flush would otherwise wait for all of it.
use super::{
    DATABASE, FILES, FORMAT, Hashing, MANIFEST, Manifest, NAME, SECRET, Sum, refuse, verify,
};
use crate::{
    api::field::TenantId,
    blob::{Blobs, Seen},
    clock::{self, Millis},
    config::Config,
    db::{
        copy::{beside, copy, remove},
        migrate, upkeep, watch, what_panicked,
    },
    error::Result,
    leftover,
};
use rusqlite::{Connection, OpenFlags};
use rustix::process::setpriority_process;
use std::{
    any::Any,
    collections::HashSet,
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, ErrorKind, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

/// How often a backup is begun anew because something that its database names was deleted under it.
const TRIES: usize = 3;

/// How much is written before it is flushed.
const FLUSHED: usize = 8 << 20;
/// How far the work stands back for others, in steps of `nice`.
const NICE: i32 = 10;

/// Removes a file when it is dropped, unless it has been given its name.
struct Draft(PathBuf);

impl Draft {
    /// A file beside `target`; what an attempt that was cut short has left there goes.
    fn beside(target: &Path, ending: &str) -> Result<Draft> {
        let draft = Draft(beside(target, ending));
        remove(&draft.0)?;
        Ok(draft)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // It is there only if something went wrong, which has been told already.
        let _ = remove(&self.0);
    }
}

/// A file that is flushed as it grows.
struct Flushing {
    file: File,
    unflushed: usize,
}

impl Write for Flushing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.unflushed += written;
        if self.unflushed >= FLUSHED {
            self.file.sync_data()?;
            self.unflushed = 0;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Whether a file bears the name of an attempt at the backup `target`.
pub(super) fn is_draft_of(name: &str, target: impl Fn(&str) -> bool) -> bool {
    name.split_once(".part").is_some_and(|(of, _)| target(of))
}

/// Writes a backup of the data directory of `config` to `target`. An earlier file of that name stays until the new one has
/// been read back and found good.
pub(crate) fn write(config: &Config, target: &Path, now: Millis) -> Result<Manifest> {
    let database = config.database();
    if !database.exists() {
        return Err(refuse(format!(
            "there is no database in {}",
            config.data_dir.display()
        )));
    }
    let folder = target
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    if target.is_dir() || !folder.is_dir() {
        return Err(refuse(format!(
            "cannot write {}: name a file in a directory that is there",
            target.display()
        )));
    }
    for _ in 0..TRIES {
        let part = Draft::beside(target, ".part")?;
        let Some(manifest) = behind_others(|| {
            let is_whole = attempt(config, target, &part.0, now)?;
            is_whole.then(|| verify(&part.0)).transpose()
        })?
        else {
            continue;
        };
        fs::rename(&part.0, target)?;
        File::open(folder)?.sync_all()?;
        if let Err(error) = tell(&database, target, now) {
            tracing::warn!(%error, "that a backup was made could not be written down");
        }
        return Ok(manifest);
    }
    Err(refuse(
        "attachments kept being deleted while they were copied; try again when the desk is quieter",
    ))
}

/// Does something on a thread of its own that takes the processor when nobody else wants it.
fn behind_others<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let stand_back = || {
        // Without the id of a process it is for this thread alone.
        if let Err(error) = setpriority_process(None, NICE) {
            tracing::debug!(%error, "the backup is made at the usual priority");
        }
    };
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            stand_back();
            work()
        });
        let panicked = |panic: Box<dyn Any + Send>| Err(refuse(what_panicked(&*panic)));
        thread.join().unwrap_or_else(panicked)
    })
}

/// Lets the desk know that there is a backup; one of an older schema need not know.
fn tell(database: &Path, target: &Path, now: Millis) -> Result<()> {
    if migrate::version(database)? != Some(migrate::latest()) {
        return Ok(());
    }
    let conn = Connection::open(database)?;
    conn.busy_timeout(Duration::from_secs(5))?;
    watch(&conn);
    conn.execute_batch("pragma synchronous = full;")?;
    upkeep::note(&conn, NAME, now, &target.display().to_string())
}

/// Writes the archive once. Answers whether everything that its database names came along.
fn attempt(config: &Config, target: &Path, part: &Path, now: Millis) -> Result<bool> {
    let copy = Draft::beside(target, ".part.db")?;
    let named = snapshot(&config.database(), &copy.0)?;
    let file = Flushing {
        file: OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(part)?,
        unflushed: 0,
    };
    let mut archive = tar::Builder::new(BufWriter::with_capacity(1 << 20, file));
    archive.mode(tar::HeaderMode::Deterministic);
    let database = append(&mut archive, DATABASE, &copy.0)?;
    let secret = append(&mut archive, SECRET, &config.data_dir.join(SECRET))?;
    let blobs = Blobs::beside(&config.data_dir.join(FILES));
    let mut kept = HashSet::new();
    let mut file_bytes = 0;
    for Seen { tenant, hash, .. } in blobs.all()? {
        let shelf = hash.get(..2).unwrap_or_default();
        let name = format!("{FILES}/{tenant}/{shelf}/{hash}");
        match append(&mut archive, &name, &blobs.place(tenant, &hash)) {
            Ok(sum) => file_bytes += sum.size,
            // Gone since it was listed: if the copy of the database names it, the comparison below says so.
            Err(error) if is_absent(&error) => continue,
            Err(error) => return Err(error),
        }
        kept.insert((tenant, hash));
    }
    if let Some((tenant, hash)) = named.iter().find(|blob| !kept.contains(*blob)) {
        if still_named(&config.database(), *tenant, hash)? {
            return Err(refuse(format!(
                "the attachment {hash} of tenant {tenant} is not there; `tehprof check` says more"
            )));
        }
        return Ok(false);
    }
    let manifest = Manifest {
        format: FORMAT,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        schema: migrate::version(&copy.0)?.unwrap_or_default(),
        made_at: clock::wire(now),
        database,
        secret,
        files: u64::try_from(kept.len()).unwrap_or(u64::MAX),
        file_bytes,
    };
    let text = serde_json::to_vec_pretty(&manifest)?;
    append_from(
        &mut archive,
        MANIFEST,
        text.len() as u64,
        &mut text.as_slice(),
    )?;
    let written = archive
        .into_inner()?
        .into_inner()
        .map_err(io::IntoInnerError::into_error)?;
    written.file.sync_all()?;
    Ok(true)
}

/// Copies the database, looks whether the copy is whole, and answers which attachments it names.
fn snapshot(database: &Path, target: &Path) -> Result<HashSet<(TenantId, String)>> {
    copy(database, target)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(target, flags)?;
    watch(&conn);
    let verdict: String = conn.query_row("pragma integrity_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Err(refuse(format!("the database is damaged: {verdict}")));
    }
    let named = leftover::all_named(&conn)?;
    Ok(named
        .into_iter()
        .map(|blob| (blob.tenant, blob.hash))
        .collect())
}

/// Whether the database still names an attachment that its copy named.
fn still_named(database: &Path, tenant: TenantId, hash: &str) -> Result<bool> {
    let live = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    watch(&live);
    let named = leftover::all_named(&live)?;
    Ok(named
        .iter()
        .any(|blob| blob.tenant == tenant && blob.hash == hash))
}

/// Appends a file under a name of the archive.
fn append<W: Write>(archive: &mut tar::Builder<W>, name: &str, path: &Path) -> Result<Sum> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    append_from(archive, name, size, &mut file.take(size))
}

fn append_from<W: Write>(
    archive: &mut tar::Builder<W>,
    name: &str,
    size: u64,
    source: &mut dyn Read,
) -> Result<Sum> {
    let mut header = tar::Header::new_ustar();
    header.set_size(size);
    header.set_mode(0o600);
    header.set_entry_type(tar::EntryType::Regular);
    let mut source = Hashing::new(source);
    archive.append_data(&mut header, name, &mut source)?;
    let sum = source.sum();
    if sum.size == size {
        Ok(sum)
    } else {
        Err(refuse(format!(
            "{name} became shorter while it was read: {} bytes in place of {size}",
            sum.size
        )))
    }
}

fn is_absent(error: &crate::error::Error) -> bool {
    std::error::Error::source(error)
        .and_then(|source| source.downcast_ref::<io::Error>())
        .is_some_and(|source| source.kind() == ErrorKind::NotFound)
}
