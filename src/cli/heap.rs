//! How many heaps the C library keeps, which it reads from the environment before anything of ours runs.
//!
//! glibc gives threads that allocate at once a heap each, up to eight a processor, and what is freed in one serves no other. The
//! connections of readers are used by whichever thread is free, so with the many heaps memory goes on growing with the desk for
//! hours; with two it stays where the caches end. See `mallopt(3)`, M_ARENA_MAX.
use std::{
    env,
    ffi::{OsStr, OsString},
    io,
    os::unix::process::CommandExt,
    process::Command,
};

const HEAPS: &str = "MALLOC_ARENA_MAX";
const TUNABLES: &str = "GLIBC_TUNABLES";
const AT_MOST: &str = "2";

/// Starts the program again in its place, with the same process id, arguments and files, if nobody has said how many heaps there
/// may be. Comes back when there is nothing to do or it cannot be done, as where `/proc` is not there: all works without.
pub(super) fn keep_few() {
    if is_said(
        env::var_os(HEAPS).as_deref(),
        env::var_os(TUNABLES).as_deref(),
    ) {
        return;
    }
    let error = again();
    tracing::debug!(%error, "the heaps are as many as the C library likes");
}

fn is_said(heaps: Option<&OsStr>, tunables: Option<&OsStr>) -> bool {
    heaps.is_some()
        || tunables.is_some_and(|all| all.to_string_lossy().contains("glibc.malloc.arena_max"))
}

/// Comes back only with why it could not be done.
fn again() -> io::Error {
    let program = match env::current_exe() {
        Ok(program) => program,
        Err(error) => return error,
    };
    let mut arguments = env::args_os();
    let name = arguments
        .next()
        .unwrap_or_else(|| OsString::from("tehprof"));
    Command::new(program)
        .arg0(name)
        .args(arguments)
        .env(HEAPS, AT_MOST)
        .exec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_about_heaps_is_left_alone() {
        let few = OsStr::new("glibc.malloc.check=0:glibc.malloc.arena_max=1");
        let other = OsStr::new("glibc.malloc.check=0");
        assert!(!is_said(None, None));
        assert!(!is_said(None, Some(other)));
        assert!(is_said(Some(OsStr::new("8")), None));
        assert!(is_said(None, Some(few)));
    }
}
