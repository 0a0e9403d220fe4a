//! Putting a backup in place. Everything is unpacked and looked at beside what is there; only then does it take its place,
//! and what was there before is kept.
//!
//! A restored desk does not act on its own: mails, calls of webhooks and links that were waiting may have been sent after the
//! backup was made, so they are marked as not sent, for people to send again by a button; all sessions have ended.
use super::{DATABASE, FILES, Manifest, Part, SECRET, read, refuse};
use crate::{
    blob::Blobs,
    clock::{self, Millis},
    db::{lock, migrate, stamp, watch},
    error::Result,
    leftover,
};
use rusqlite::Connection;
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, ErrorKind, Read},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// Where a backup is unpacked, inside the data directory: so that it also works where that is a mount of its own.
const UNPACKED: &str = "restoring";
/// What a data directory is made of, besides the lock. The database comes last: without it there is no desk yet.
const ITEMS: [&str; 6] = [
    stamp::NOTE,
    FILES,
    SECRET,
    "tehprof.db-wal",
    "tehprof.db-shm",
    DATABASE,
];

/// What a restore has come to.
#[derive(Debug)]
pub(crate) struct Restored {
    pub(crate) manifest: Manifest,
    /// Where what was there before is kept.
    pub(crate) before: Option<PathBuf>,
    /// How many mails, other messages and calls were waiting and are marked as not sent.
    pub(crate) held: usize,
}

/// Whether a restore into this directory was cut short, so that what lies there may be half of one desk and half of another.
pub(crate) fn is_unfinished(dir: &Path) -> bool {
    dir.join(UNPACKED).exists()
}

/// Puts the backup `file` in place of the data directory `dir`. If there is a desk already, `force` must be given, nobody
/// may be serving it, and it is kept beside the new one.
pub(crate) fn restore(file: &Path, dir: &Path, force: bool, now: Millis) -> Result<Restored> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let occupied = ITEMS.iter().any(|item| dir.join(item).exists());
    if occupied && !force {
        return Err(refuse(format!(
            "{} holds a desk already; --force puts it aside and the backup in its place",
            dir.display()
        )));
    }
    let _lock = lock::take(dir).map_err(refuse)?;
    let unpacked = dir.join(UNPACKED);
    if unpacked.exists() {
        fs::remove_dir_all(&unpacked)?;
    }
    let outcome = unpack(file, &unpacked, now);
    let (manifest, held) = match outcome {
        Ok(good) => good,
        Err(error) => {
            fs::remove_dir_all(&unpacked)?;
            return Err(error);
        }
    };
    let before = occupied.then(|| dir.join(format!("before-restore-{}", stamp(now))));
    if let Some(before) = &before {
        DirBuilder::new().mode(0o700).create(before)?;
        // The database first: a desk that is half put aside must not look like a whole one.
        for item in ITEMS.iter().rev() {
            rename_if_there(&dir.join(item), &before.join(item))?;
        }
        File::open(before)?.sync_all()?;
    }
    for item in ITEMS {
        rename_if_there(&unpacked.join(item), &dir.join(item))?;
    }
    File::open(dir)?.sync_all()?;
    fs::remove_dir_all(&unpacked)?;
    File::open(dir)?.sync_all()?;
    Ok(Restored {
        manifest,
        before,
        held,
    })
}

/// A time as it may stand in the name of a file.
pub(super) fn stamp(now: Millis) -> String {
    clock::wire(now)
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take("20261127T201000".len())
        .collect()
}

fn rename_if_there(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        renamed => renamed,
    }
}

/// Unpacks a backup, looks whether it is whole and makes it ready to be served.
fn unpack(file: &Path, to: &Path, now: Millis) -> Result<(Manifest, usize)> {
    DirBuilder::new().mode(0o700).create(to)?;
    let blobs = Blobs::open(&to.join(FILES))?;
    let manifest = read(file, |part, source| match part {
        Part::Database => write_out(source, &to.join(DATABASE)),
        Part::Secret => write_out(source, &to.join(SECRET)),
        Part::File { tenant, .. } => {
            let mut incoming = blobs.begin(u64::MAX)?;
            let mut portion = vec![0; 256 << 10];
            loop {
                match source.read(&mut portion)? {
                    0 => break,
                    read => incoming.write(&portion[..read])?,
                }
            }
            // That the bytes are those of the name is compared by the reader.
            blobs.keep(*tenant, incoming).map(|_| ())
        }
        Part::Manifest => Ok(()),
    })?;
    let held = settle(&to.join(DATABASE), &blobs, now)?;
    File::open(to)?.sync_all()?;
    Ok((manifest, held))
}

fn write_out(source: &mut dyn Read, path: &Path) -> Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    io::copy(source, &mut file)?;
    Ok(file.sync_all()?)
}

/// Looks whether a restored database is one that this program can serve, and keeps it from doing again what may have been
/// done since. Answers how much was waiting to be sent.
fn settle(database: &Path, blobs: &Blobs, now: Millis) -> Result<usize> {
    let (found, latest) = (
        migrate::version(database)?.unwrap_or_default(),
        migrate::latest(),
    );
    if found == 0 || found > latest {
        return Err(refuse(format!(
            "the backup is of schema {found} and this tehprof knows {latest}: restore it with the version that made it"
        )));
    }
    let mut conn = Connection::open(database)?;
    watch(&conn);
    conn.execute_batch("pragma foreign_keys = on; pragma synchronous = full;")?;
    let verdict: String = conn.query_row("pragma integrity_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Err(refuse(format!(
            "the database in the backup is damaged: {verdict}"
        )));
    }
    for blob in leftover::all_named(&conn)? {
        if !blobs.place(blob.tenant, &blob.hash).exists() {
            return Err(refuse(format!(
                "the attachment {} of tenant {} is not in the backup",
                blob.hash, blob.tenant
            )));
        }
    }
    let why = "restored from a backup: whether this was sent is not known";
    let tx = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    tx.execute("delete from session", [])?;
    tx.execute("delete from mobile_session", [])?;
    // For those who read it in a ticket, in the language of their desk; the rest is for who looks after the machine.
    tx.execute(
        "update message
            set delivery_status = 'failed',
                delivery_error = (select case t.locale when 'ru' then ?1 when 'kk' then ?2 else ?3 end
                                    from tenant t where t.id = message.tenant_id)
          where id in (select message_id from outbox where state = 'queued' and kind = 'answer')",
        (
            "восстановлено из резервной копии: ушло ли это, неизвестно",
            "сақтық көшірмеден қалпына келтірілді: жіберілген-жіберілмегені белгісіз",
            why,
        ),
    )?;
    let mut held = tx.execute(
        "update outbox set state = 'failed', finished_at = ?2, last_error = ?1 where state = 'queued'",
        (why, now),
    )?;
    held += tx.execute(
        "update webhook_delivery set state = 'failed', finished_at = ?2, error = ?1 where state = 'queued'",
        (why, now),
    )?;
    held += tx.execute(
        "update notice set state = 'failed', finished_at = ?2, last_error = ?1, variables = null where state = 'queued'",
        (why, now),
    )?;
    tx.commit()?;
    // One file again, with nothing beside it.
    conn.execute_batch("pragma wal_checkpoint(truncate);")?;
    conn.close().map_err(|(_, error)| error)?;
    File::open(database)?.sync_all()?;
    Ok(held)
}
