//! A migration that is killed, at moments and at writes, is finished by the next start.
use crate::{durability::of_the_first_schema, support::desk::Dir};
use serde_json::Value;
use std::{
    env, fs,
    process::{Child, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::Instant,
};

/// What is killed: the program under test, or the one that `TEHPROF_BINARY` names, since a release build comes to an end sooner.
fn program() -> String {
    env::var("TEHPROF_BINARY").unwrap_or_else(|_| env!("CARGO_BIN_EXE_tehprof").into())
}

fn copy(old: &Dir) -> Dir {
    let dir = Dir::new();
    fs::copy(old.database(), dir.database()).unwrap();
    dir
}

/// Starts a migration, under another program if there are words before its own.
fn migrate(dir: &Dir, before: &[&str]) -> Child {
    let program = program();
    let mut words = before.to_vec();
    words.extend([&program, "migrate", "--data-dir"]);
    Command::new(words[0])
        .args(&words[1..])
        .arg(&dir.0)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// What a command says that ends well.
#[track_caller]
fn run(dir: &Dir, words: &[&str], when: &str) -> Vec<u8> {
    let output = Command::new(program())
        .args(words)
        .arg("--data-dir")
        .arg(&dir.0)
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}, {when}: {complaint}");
    output.stdout
}

/// The next start finishes what was cut short, and nothing is lost of it.
#[track_caller]
fn finish(dir: &Dir, when: &str) {
    run(dir, &["migrate"], when);
    run(dir, &["check"], when);
    let listed: Value =
        serde_json::from_slice(&run(dir, &["tenant", "list", "--json"], when)).unwrap();
    assert_eq!(listed[0]["name"], "acme", "{when}");
}

#[test]
fn a_migration_that_is_killed_anywhere_is_finished_by_the_next_start() {
    let old = of_the_first_schema();
    let whole = copy(&old);
    let began = Instant::now();
    assert!(migrate(&whole, &[]).wait().unwrap().success());
    let takes = began.elapsed();
    let mut cut_short = 0;
    for moment in 0..40 {
        let dir = copy(&old);
        let mut child = migrate(&dir, &[]);
        thread::sleep(takes * moment / 40);
        let _ = child.kill();
        cut_short += u32::from(!child.wait().unwrap().success());
        finish(&dir, &format!("killed after {moment} of 40 parts"));
    }
    assert!(cut_short > 5, "only {cut_short} were cut short");
}

/// Migrates and is killed at the so-and-so-manieth call of a kind.
fn migrate_until(dir: &Dir, kind: &str, nth: usize) -> ExitStatus {
    let traced = format!("trace={kind}");
    let rule = format!("inject={kind}:signal=SIGKILL:when={nth}");
    let strace = [
        "strace",
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        &traced,
        "-e",
        &rule,
    ];
    migrate(dir, &strace).wait().unwrap()
}

/// `TEHPROF_EACH_WRITE=1` takes each write; else every 61st, and every second flush.
#[test]
fn a_migration_that_is_killed_at_a_write_or_a_flush_is_finished_by_the_next_start() {
    let traceable = Command::new("strace")
        .args(["-qq", "-o", "/dev/null", "true"])
        .status();
    if !traceable.is_ok_and(|status| status.success()) {
        println!("left out: needs strace, and leave to trace a program");
        return;
    }
    let old = of_the_first_schema();
    let each = env::var_os("TEHPROF_EACH_WRITE").is_some();
    for (kind, stride) in [
        ("pwrite64", 61),
        ("fsync,fdatasync", 2),
        ("ftruncate,unlink", 1),
    ] {
        let kills = kill_at_each(&old, kind, if each { 1 } else { stride });
        println!("killed {kills} times at {kind}");
        assert!(kills > 0, "no {kind} was met");
    }
}

/// Kills a migration at each so-and-so-manieth call of a kind, several side by side, and answers how many there were.
fn kill_at_each(old: &Dir, kind: &str, stride: usize) -> usize {
    let (next, ended, kills) = (
        AtomicUsize::new(0),
        AtomicBool::new(false),
        AtomicUsize::new(0),
    );
    let at_a_time = thread::available_parallelism().map_or(2, usize::from) + 1;
    thread::scope(|scope| {
        for _ in 0..at_a_time {
            scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    let nth = 1 + stride * next.fetch_add(1, Ordering::Relaxed);
                    let dir = copy(old);
                    if migrate_until(&dir, kind, nth).success() {
                        ended.store(true, Ordering::Relaxed);
                        return;
                    }
                    kills.fetch_add(1, Ordering::Relaxed);
                    finish(&dir, &format!("killed at {kind} {nth}"));
                }
            });
        }
    });
    kills.into_inner()
}
