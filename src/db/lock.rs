//! The lock on a data directory: one server at a time. The kernel lets go of it however the process ends.
use rustix::fs::{FlockOperation, flock};
use std::{
    fs::{File, OpenOptions},
    io::{Read, Seek, Write},
    path::Path,
};

/// Held for as long as the server runs.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "the lock lives as long as the file")] File);

/// Takes the lock of `dir`, or says in a sentence who has it.
pub(crate) fn take(dir: &Path) -> Result<Lock, String> {
    let path = dir.join("lock");
    let open = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path);
    let mut file = open.map_err(|e| format!("cannot open {}: {e}", path.display()))?;
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        let mut pid = String::new();
        let _ = file.read_to_string(&mut pid);
        let holder = if pid.trim().is_empty() {
            String::new()
        } else {
            format!(" (process {})", pid.trim())
        };
        return Err(format!(
            "another tehprof{holder} already works on {}; stop it first or name another --data-dir",
            dir.display()
        ));
    }
    let written = file
        .set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "{}", std::process::id()));
    written.map_err(|e| format!("cannot write {}: {e}", path.display()))?;
    Ok(Lock(file))
}
