//! What the server may open. That all it does goes on is shown by every other test, since all of them run against a server
//! that is held to its own files; this needs a Linux that can do it (5.19, with Landlock switched on).
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

#[test]
fn a_file_outside_is_not_opened_even_if_something_inside_leads_there() {
    let (mut desk, outside) = (Desk::open(), Outside::new("link"));
    let state = |desk: &Desk| {
        let health = desk.nobody().get("/api/health.php").json();
        health["data"]["checks"]["landlock"].clone()
    };
    assert_eq!(state(&desk), "full");
    let (url, place) = attached(&desk);
    lead_astray(&place, &outside);
    let refused = desk.nobody().get(&url);
    assert!(
        refused.status >= 400 && !refused.text().contains("secret"),
        "{}: {}",
        refused.status,
        refused.text()
    );
    let told = desk.serving.log();
    assert!(
        told.iter().any(|line| line.contains("held to its data")),
        "{told:?}"
    );
    // Without it nothing stands in the way: so it was Linux that refused.
    desk.restart_with(&["--no-landlock"]);
    assert_eq!(state(&desk), "off");
    assert!(desk.nobody().get(&url).text().contains("what's secret"));
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
    fs::remove_file(&cert).unwrap();
    symlink(outside.0.join("secret"), &cert).unwrap();
    let name = cert.display().to_string();
    until_so("the refusal in the log", || {
        let told = serving.log();
        told.iter()
            .any(|line| line.contains(&name) && line.contains("Permission denied"))
    });
}
