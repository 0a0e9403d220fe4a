//! Whether the bytes that rows name lie beside the database, whole, and what lies there that no row names.
use super::{Area, Report};
use crate::{
    blob::{IMPORTING, INCOMING},
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
    let Store { stored, strays } = Store::read(dir)?;
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
    for (key, path) in stored.iter().filter(|(key, _)| !named.contains_key(key)) {
        // A file that was stored is called after its bytes, and a row may be on the way to it; anything else came by itself.
        match weigh(path) {
            Ok((_, hash)) if hash == key.1 => left += usize::from(age(path, now)? > LEFT_OVER),
            Ok(_) => report.find(Area::Files, stray(path)),
            // Gone since it was listed.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => report.find(Area::Files, format!("{}: {error}", path.display())),
        }
    }
    for path in &strays {
        report.find(Area::Files, stray(path));
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

fn stray(path: &Path) -> String {
    format!(
        "{}: belongs to nothing and was not stored by the desk",
        path.display()
    )
}

/// What lies in the store.
struct Store {
    /// By tenant and hash: `tenant/shelf/hash`.
    stored: BTreeMap<(String, String), PathBuf>,
    /// What lies where nothing is stored.
    strays: Vec<PathBuf>,
}

impl Store {
    fn read(dir: &Path) -> Result<Store> {
        let mut store = Store {
            stored: BTreeMap::new(),
            strays: Vec::new(),
        };
        for (tenant, folder) in entries(dir)? {
            // What is still arriving lies beside the tenants.
            if [INCOMING, IMPORTING].contains(&tenant.as_str()) {
                continue;
            }
            if tenant.parse::<i64>().is_err() || !folder.is_dir() {
                store.strays.push(folder);
                continue;
            }
            for (name, shelf) in entries(&folder)? {
                if !shelf.is_dir() {
                    store.strays.push(shelf);
                    continue;
                }
                for (hash, path) in entries(&shelf)? {
                    match hash.starts_with(&name) && path.is_file() {
                        true => drop(store.stored.insert((tenant.clone(), hash), path)),
                        false => store.strays.push(path),
                    }
                }
            }
        }
        Ok(store)
    }
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
