//! Whether the bytes that rows name lie beside the database, whole, and what lies there that no row names.
use super::{Area, Report};
use crate::{
    clock::{DAY, Millis},
    error::Result,
    leftover::{self, NamedBlob},
};
use rusqlite::Connection;
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

/// How old something that no row names must be to be left over: younger, its row may be on the way.
const LEFT_OVER: Millis = DAY;

/// The bytes that rows name: by tenant and hash, their size where a row tells it.
type Named = BTreeMap<(String, String), Option<u64>>;

pub(super) fn examine(
    conn: &Connection,
    dir: &Path,
    now: Millis,
    report: &mut Report,
) -> Result<()> {
    let named = named(conn)?;
    let stored = stored(dir)?;
    for ((tenant, hash), size) in &named {
        let place = format!("tenant {tenant}, {hash}");
        let Some(path) = stored.get(&(tenant.clone(), hash.clone())) else {
            report.find(Area::Files, format!("{place}: the file is not there"));
            continue;
        };
        match weigh(path) {
            Err(error) => report.find(Area::Files, format!("{place}: {error}")),
            Ok((found, _)) if size.is_some_and(|size| size != found) => {
                let expected = size.unwrap_or_default();
                report.find(
                    Area::Files,
                    format!("{place}: has {found} bytes in place of {expected}"),
                );
            }
            Ok((_, found)) if found != *hash => report.find(
                Area::Files,
                format!("{place}: the bytes are not those that were stored"),
            ),
            Ok((found, _)) => report.figures.file_bytes += found,
        }
    }
    let mut left = 0;
    for (key, path) in &stored {
        if !named.contains_key(key) && age(path, now)? > LEFT_OVER {
            left += 1;
        }
    }
    if left > 0 {
        report.note(
            Area::Files,
            format!(
                "{left} files below {} belong to nothing any more",
                dir.display()
            ),
        );
    }
    Ok(())
}

fn named(conn: &Connection) -> Result<Named> {
    let rows = leftover::all_named(conn)?;
    let entry = |blob: NamedBlob| ((blob.tenant.to_string(), blob.hash), blob.size);
    Ok(rows.into_iter().map(entry).collect())
}

/// What lies in the store: `tenant/shelf/hash`. What is still arriving lies elsewhere and is left out.
fn stored(dir: &Path) -> Result<BTreeMap<(String, String), PathBuf>> {
    let mut stored = BTreeMap::new();
    for (tenant, folder) in entries(dir)? {
        if tenant.parse::<i64>().is_err() {
            continue;
        }
        for (_, shelf) in entries(&folder)? {
            for (hash, path) in entries(&shelf)? {
                stored.insert((tenant.clone(), hash), path);
            }
        }
    }
    Ok(stored)
}

/// The names in a folder and where they lead; none if there is no such folder.
fn entries(dir: &Path) -> Result<Vec<(String, PathBuf)>> {
    let listed = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        listed => listed?,
    };
    let mut found = Vec::new();
    for entry in listed {
        let entry = entry?;
        found.push((
            entry.file_name().to_string_lossy().into_owned(),
            entry.path(),
        ));
    }
    Ok(found)
}

/// The size and the hash of a file.
fn weigh(path: &Path) -> io::Result<(u64, String)> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path)?)?;
    Ok((hasher.count(), hasher.finalize().to_hex().to_string()))
}

fn age(path: &Path, now: Millis) -> Result<Millis> {
    let changed = match fs::metadata(path) {
        // Gone since it was listed.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        about => about?.modified()?,
    };
    let changed = changed
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_millis();
    Ok(now - Millis::try_from(changed).unwrap_or(Millis::MAX))
}
