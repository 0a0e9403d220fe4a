//! What the server may open and which calls of Linux it may make. That all it does goes on is shown by every other test, since
//! all of them run against a server that is held so. On a Linux that cannot do it (5.19 can, with Landlock switched on), what
//! is tested is that the server says so.
use crate::support::{Desk, Serving, desk::Dir, until_so};
use serde_json::json;
use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

/// An attachment of a ticket, and where its bytes lie.
fn attached(desk: &Desk) -> (String, PathBuf) {
    let id = desk.ticket("Файл");
    let files: [(&str, &str, &[u8]); 1] = [("a.txt", "text/plain", b"what was sent")];
    let body = json!({ "ticket_id": id, "message": "" });
    let message = desk.omar.upload("add_message", body, &files).data();
    let url = message["files"][0]["url"].as_str().unwrap().to_owned();
    assert_eq!(desk.nobody().get(&url).text(), "what was sent");
    let hash: String = desk
        .look()
        .query_row("select hash from file", [], |row| row.get(0))
        .unwrap();
    let stored = desk.dir.files("files");
    let place = stored.into_iter().find(|path| path.ends_with(&hash));
    (url, PathBuf::from(place.unwrap()))
}

/// A file outside of what the server was told of, of as many bytes as the attachment.
struct Outside(PathBuf);

impl Outside {
    fn new(name: &str) -> Outside {
        let dir =
            std::env::temp_dir().join(format!("tehprof-outside-{name}-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("secret"), "what's secret").unwrap();
        Outside(dir)
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Lies in wait for whoever opens the attachment.
fn lead_astray(place: &Path, outside: &Outside) {
    fs::remove_file(place).unwrap();
    symlink(outside.0.join("secret"), place).unwrap();
}

/// What the deep health says of a means that Linux has.
fn state(desk: &Desk, means: &str) -> String {
    let health = desk.nobody().get("/api/health.php").json();
    let state = health["data"]["checks"][means].as_str();
    state.unwrap().to_owned()
}

/// Whether Linux holds the server by a means. Where it cannot, the log and the health must say so.
fn is_held(desk: &Desk, means: &str, held: &str, not_held: &str) -> bool {
    let state = state(desk, means);
    let word = match state.as_str() {
        "full" | "partial" => held,
        "unavailable" => not_held,
        other => panic!("{means} is {other}"),
    };
    let told = desk.serving.log();
    assert!(told.iter().any(|line| line.contains(word)), "{told:?}");
    state != "unavailable"
}

#[test]
fn a_file_outside_is_not_opened_even_if_something_inside_leads_there() {
    let (mut desk, outside) = (Desk::open(), Outside::new("link"));
    let (url, place) = attached(&desk);
    lead_astray(&place, &outside);
    if is_held(&desk, "landlock", "held to its data", "cannot hold") {
        let refused = desk.nobody().get(&url);
        assert!(
            refused.status >= 400 && !refused.text().contains("secret"),
            "{}: {}",
            refused.status,
            refused.text()
        );
    }
    // Without it nothing stands in the way: so it was Linux that refused. This is what the switch was called before.
    desk.restart_with(&["--no-landlock"]);
    assert_eq!(state(&desk, "landlock"), "off");
    assert!(desk.nobody().get(&url).text().contains("what's secret"));
}

/// What Linux says of each thread of the server.
fn seccomp_of_threads(desk: &Desk) -> Vec<String> {
    let tasks = format!("/proc/{}/task", desk.serving.pid().as_raw_nonzero());
    let threads = fs::read_dir(tasks).unwrap().flatten();
    // A thread may end while it is looked at.
    let told = threads.filter_map(|thread| fs::read_to_string(thread.path().join("status")).ok());
    let line = |status: String| {
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("Seccomp:"));
        line.unwrap().trim().to_owned()
    };
    told.map(line).collect()
}

#[test]
fn the_calls_that_the_server_never_makes_are_shut_in_all_its_threads() {
    let mut desk = Desk::open();
    desk.ticket("Звонок");
    let own = fs::read_to_string("/proc/self/status").unwrap();
    if is_held(&desk, "seccomp", "never makes are shut", "cannot shut") {
        let threads = seccomp_of_threads(&desk);
        assert!(threads.len() > 3, "{threads:?}");
        assert!(threads.iter().all(|mode| mode == "2"), "{threads:?}");
    }
    desk.restart_with(&["--no-sandbox"]);
    assert_eq!(state(&desk, "seccomp"), "off");
    assert_eq!(state(&desk, "landlock"), "off");
    // What this test is held to itself, the server it starts is too.
    let mode = own.lines().find_map(|line| line.strip_prefix("Seccomp:"));
    let threads = seccomp_of_threads(&desk);
    assert!(
        threads
            .iter()
            .all(|own| Some(own.as_str()) == mode.map(str::trim)),
        "{threads:?}"
    );
}

#[test]
fn a_certificate_that_leads_outside_is_named_in_the_log() {
    let (dir, keys, outside) = (Dir::new(), Dir::new(), Outside::new("certificate"));
    keys.run(&["tls", "init", "--names", "localhost"], "");
    let place = |name: &str| keys.0.join("tls").join(name);
    let (cert, key) = (place("cert.pem"), place("key.pem"));
    let arguments = [
        "--tls-cert",
        cert.to_str().unwrap(),
        "--tls-key",
        key.to_str().unwrap(),
    ];
    let serving = Serving::start(&dir.0, &arguments);
    if serving
        .log()
        .iter()
        .any(|line| line.contains("cannot hold"))
    {
        return;
    }
    fs::remove_file(&cert).unwrap();
    symlink(outside.0.join("secret"), &cert).unwrap();
    let name = cert.display().to_string();
    until_so("the refusal in the log", || {
        let told = serving.log();
        told.iter()
            .any(|line| line.contains(&name) && line.contains("Permission denied"))
    });
}
