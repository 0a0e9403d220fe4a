//! Attachments: stored once, whole or not at all, under names of our own, and opened only by who may.
use crate::support::{
    Desk,
    desk::PASSWORD,
    http::{self, BOUNDARY, Request, open_multipart},
    until_so,
};
use serde_json::json;
use std::io::Write;

#[test]
fn the_same_bytes_are_stored_once_and_come_back_exactly() {
    let desk = Desk::open();
    let id = desk.ticket("Файлы");
    let bytes: Vec<u8> = (0..200_000u32).map(|n| (n % 251) as u8).collect();
    let files: [(&str, &str, &[u8]); 2] = [
        ("Отчёт за март.pdf", "application/pdf", &bytes),
        ("copy.pdf", "application/pdf", &bytes),
    ];
    let message = desk
        .omar
        .upload(
            "add_message",
            json!({ "ticket_id": id, "message": "" }),
            &files,
        )
        .data();
    let stored = message["files"].as_array().unwrap();
    assert_eq!(
        (stored.len(), &stored[0]["name"], &stored[0]["size"]),
        (2, &json!("Отчёт за март.pdf"), &json!(200_000))
    );
    assert_eq!(desk.count("select count(*) from file"), 2);
    assert_eq!(desk.count("select count(distinct hash) from file"), 1);
    for file in stored {
        let reply = desk.nobody().get(file["url"].as_str().unwrap());
        assert_eq!((reply.status, &reply.body), (200, &bytes));
        assert!(
            reply
                .header("content-disposition")
                .unwrap()
                .starts_with("attachment;")
        );
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    }
    let name = desk.nobody().get(stored[0]["url"].as_str().unwrap());
    let shown = name.header("content-disposition").unwrap();
    assert!(
        shown.contains("filename*=UTF-8''%D0%9E%D1%82%D1%87%D1%91%D1%82"),
        "{shown}"
    );

    // Ahead of the message: uploaded, then attached by id, once.
    let ahead = desk
        .omar
        .upload(
            "upload_file",
            json!({}),
            &[("log.txt", "text/plain", b"ok")],
        )
        .data();
    let attach =
        json!({ "ticket_id": id, "message": "Журнал", "file_ids": [ahead["files"][0]["id"]] });
    assert_eq!(
        desk.omar.call("add_message", attach.clone())["files"][0]["name"],
        "log.txt"
    );
    assert_eq!(
        desk.omar.refused("add_message", attach),
        (400, "file_not_found".into())
    );
    desk.check();
}

#[test]
fn a_file_opens_by_its_own_link_or_to_its_own_tenant() {
    let desk = Desk::open();
    let id = desk.ticket("Файл");
    let message = desk
        .omar
        .upload(
            "add_message",
            json!({ "ticket_id": id, "message": "" }),
            &[("план.txt", "text/plain", b"plan")],
        )
        .data();
    let url = message["files"][0]["url"].as_str().unwrap().to_owned();
    let (bare, query) = url.split_once('?').unwrap();
    let nobody = desk.nobody();
    assert_eq!(nobody.get(&url).body, b"plan");
    assert_eq!(desk.omar.get(bare).body, b"plan");
    assert_eq!(desk.key.get(bare).body, b"plan");
    assert_eq!(
        (nobody.get(bare).status, nobody.get(bare).code()),
        (403, "not_authenticated".into())
    );
    assert_eq!(
        (desk.greta.get(bare).status, desk.greta.get(bare).code()),
        (404, "not_found".into())
    );
    // The proof is of this tenant, this file and this time.
    let other = desk
        .omar
        .upload(
            "add_message",
            json!({ "ticket_id": id, "message": "" }),
            &[("b.txt", "text/plain", b"b")],
        )
        .data();
    let other = other["files"][0]["url"]
        .as_str()
        .unwrap()
        .split_once('?')
        .unwrap()
        .0
        .to_owned();
    let tampered = |from: &str, to: &str| format!("{bare}?{}", query.replacen(from, to, 1));
    let expires = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("e="))
        .unwrap();
    let later = (expires.parse::<i64>().unwrap() + 3_600_000).to_string();
    let mut cut = url.clone();
    cut.pop();
    for address in [
        format!("{other}?{query}"),
        tampered("t=1", "t=2"),
        tampered(expires, &later),
        cut,
    ] {
        let reply = nobody.get(&address);
        assert_eq!(
            (reply.status, reply.code()),
            (403, "not_authenticated".into()),
            "{address}"
        );
    }
    assert_eq!(desk.greta.get(&tampered("t=1", "t=2")).status, 404);
    let shown = nobody.get(&url);
    assert!(
        shown
            .header("content-security-policy")
            .unwrap()
            .contains("sandbox")
    );
    assert_eq!(
        shown.header("content-type"),
        Some("application/octet-stream")
    );
    assert_eq!(nobody.send(&Request::new("HEAD", &url)).body, b"");
    // What was uploaded and not posted yet is its uploader's alone.
    let ahead = desk
        .omar
        .upload(
            "upload_file",
            json!({}),
            &[("draft.txt", "text/plain", b"draft")],
        )
        .data();
    let draft = ahead["files"][0]["url"].as_str().unwrap();
    assert_eq!(
        (
            desk.omar.get(draft).status,
            desk.saule.get(draft).status,
            nobody.get(draft).status
        ),
        (200, 404, 404)
    );
}

#[test]
fn a_broken_upload_leaves_nothing() {
    let desk = Desk::open();
    let id = desk.ticket("Файлы");
    let before = desk.stored();
    let fields = json!({ "ticket_id": id, "message": "С файлом" });
    let open = open_multipart(&fields, &[("a.txt", "text/plain", &[b'a'; 50_000])]);
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let path = desk.key.path("add_message");
    let cut = desk.key.request("POST", &path).body(&kind, open.clone());
    let headless = desk
        .key
        .request("POST", &path)
        .body(&kind, "nothing of the kind");
    let no_boundary = desk
        .key
        .request("POST", &path)
        .body("multipart/form-data", open.clone());
    for (what, request) in [
        ("cut", cut),
        ("headless", headless),
        ("without a boundary", no_boundary),
    ] {
        let reply = desk.key.send(&request);
        assert_eq!(
            (reply.status, reply.code()),
            (400, "malformed_form".into()),
            "{what}"
        );
    }
    // The connection breaks in the middle of the file.
    let promised = (open.len() + 1_000).to_string();
    let broken = desk
        .key
        .request("POST", &path)
        .header("content-length", &promised)
        .body(&kind, open.clone());
    let mut stream = http::begin(desk.key.address(), &broken).unwrap();
    stream.write_all(&open).unwrap();
    drop(stream);
    // A file for a ticket that is not there.
    let absent = desk.key.upload(
        "add_message",
        json!({ "ticket_id": 999, "message": "x" }),
        &[("b.txt", "text/plain", b"b")],
    );
    assert_eq!(
        (absent.status, absent.code()),
        (400, "ticket_not_found".into())
    );
    // Somebody unknown uploads.
    let unknown = desk
        .nobody()
        .upload("add_message", fields, &[("c.txt", "text/plain", b"c")]);
    assert_eq!(
        (unknown.status, unknown.code()),
        (403, "not_authenticated".into())
    );
    until_so("the broken upload to be cleared away", || {
        desk.dir.files("files/incoming").is_empty()
    });
    assert_eq!((desk.stored().0, desk.stored().1), (before.0, before.1));
    assert_eq!(desk.count("select count(*) from file"), 0);
    assert_eq!(desk.alarms(), Vec::<String>::new());
}

#[test]
fn a_file_beyond_the_plan_is_too_large() {
    let desk = Desk::open();
    desk.dir
        .run(&["tenant", "update", "globex", "--plan", "free"], "");
    let id = desk.greta.call(
        "create_ticket",
        json!({ "subject": "Big", "description": "File" }),
    )["id"]
        .clone();
    let five = vec![0_u8; 5 << 20];
    let fits = desk.greta.upload(
        "add_message",
        json!({ "ticket_id": id }),
        &[("five.bin", "application/octet-stream", &five)],
    );
    assert_eq!(fits.status, 200, "{}", fits.text());
    let more = vec![0_u8; (5 << 20) + 1];
    let reply = desk.greta.upload(
        "add_message",
        json!({ "ticket_id": id }),
        &[("more.bin", "application/octet-stream", &more)],
    );
    assert_eq!((reply.status, reply.code()), (413, "too_large".into()));
    assert_eq!(desk.count("select count(*) from file"), 1);
    assert!(desk.dir.files("files/incoming").is_empty());
}

#[test]
fn a_path_in_a_file_s_name_stays_out_of_the_file_system() {
    let desk = Desk::open();
    let id = desk.ticket("Имена");
    for (given, kept) in [
        ("../../../../etc/cron.d/evil", "evil"),
        ("..\\..\\windows\\system.ini", "system.ini"),
        ("/etc/passwd", "passwd"),
        ("a<script>.html", "a_script_.html"),
        ("счёт\u{202e}fdp.exe", "счётfdp.exe"),
    ] {
        let file = (given, "application/pdf", given.as_bytes());
        let message = desk
            .key
            .upload(
                "add_message",
                json!({ "ticket_id": id, "message": "" }),
                &[file],
            )
            .data();
        assert_eq!(message["files"][0]["name"], kept, "{given}");
    }
    let names = desk.dir.files("");
    assert!(
        names
            .iter()
            .all(|name| !name.contains("evil") && !name.contains("passwd")),
        "{names:?}"
    );
    let dots = desk.key.upload(
        "add_message",
        json!({ "ticket_id": id, "message": "" }),
        &[("..", "application/pdf", b"x")],
    );
    assert_eq!(dots.data()["files"][0]["name"], "attachment-1.pdf");
    desk.check();
}

#[test]
fn a_device_names_itself_in_the_body_ahead_of_its_files() {
    let desk = Desk::open();
    let id = desk.ticket("Фото с объекта");
    let login = json!({ "login": "omar@acme.example", "password": PASSWORD, "device": "Телефон" });
    let token = desk.nobody().call("mobile_login", login)["token"].clone();
    let photo: (&str, &str, &[u8]) = ("щит.txt", "text/plain", b"1");
    let fields = json!({ "mobile_token": token, "ticket_id": id, "message": "Вот" });
    let sent = desk.nobody().upload("add_message", fields, &[photo]);
    assert_eq!(sent.status, 200, "{}", sent.text());
    assert_eq!(sent.data()["files"][0]["name"], "щит.txt");
    // One that does not hold is refused, and its file is gone.
    let wrong = json!({ "mobile_token": "mt_wrong", "ticket_id": id, "message": "Вот" });
    let refused = desk.nobody().upload("add_message", wrong, &[photo]);
    assert_eq!(refused.status, 403, "{}", refused.text());
    until_so("the refused file to be cleared away", || {
        desk.dir.files("files/incoming").is_empty()
    });
    assert_eq!(desk.count("select count(*) from file"), 1);
}
