//! What the program refuses and how: the contracted status and code, nothing stored, no noise in the log.
use crate::support::{
    Desk,
    http::{self, BOUNDARY, Request, open_multipart},
};
use serde_json::{Value, json};
use std::{fs, path::Path};

/// All files below a directory.
fn files_in(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_in(&path));
        } else {
            found.push(path.display().to_string());
        }
    }
    found
}

fn stored(desk: &Desk) -> (i64, i64, Vec<String>) {
    let count = |table: &str| desk.count(&format!("select count(*) from {table}"));
    (
        count("ticket"),
        count("message"),
        files_in(&desk.dir.0.join("files")),
    )
}

/// The lines of the log that somebody would have to act on.
fn alarms(desk: &Desk) -> Vec<String> {
    let mut log = desk.serving.log();
    log.retain(|line| {
        let level = serde_json::from_str::<Value>(line).map(|entry| entry["level"].clone());
        // A line that is no entry of the log is a panic or a backtrace.
        !matches!(level, Ok(Value::String(level)) if matches!(level.as_str(), "INFO" | "WARN" | "DEBUG"))
    });
    log
}

#[test]
fn bad_input_is_refused_quietly_and_stores_nothing() {
    let desk = Desk::open();
    let before = stored(&desk);
    let path = "/api/admin.php";
    let post = |body: &str| {
        desk.key
            .request("POST", path)
            .body("application/json", body)
    };
    let cases: Vec<(&str, Request, u16, &str, Option<&str>)> = vec![
        (
            "cut JSON",
            post(r#"{"action":"list_tickets""#),
            400,
            "malformed_json",
            None,
        ),
        ("a list", post("[1,2]"), 400, "malformed_json", None),
        (
            "not UTF-8",
            desk.key
                .request("POST", path)
                .body("application/json", b"{\"action\":\"\xff\"}".to_vec()),
            400,
            "malformed_json",
            None,
        ),
        (
            "deep nesting",
            post(&"[".repeat(100_000)),
            400,
            "malformed_json",
            None,
        ),
        (
            "no action",
            post("{}"),
            400,
            "missing_parameter",
            Some("action"),
        ),
        (
            "unknown action",
            post(r#"{"action":"drop_tables"}"#),
            400,
            "unknown_action",
            Some("action"),
        ),
        (
            "action of a wrong type",
            post(r#"{"action":7}"#),
            400,
            "invalid_parameter",
            Some("action"),
        ),
        (
            "missing parameter",
            post(r#"{"action":"get_ticket"}"#),
            400,
            "missing_parameter",
            Some("ticket_id"),
        ),
        (
            "word for a number",
            post(r#"{"action":"get_ticket","ticket_id":"five"}"#),
            400,
            "invalid_parameter",
            Some("ticket_id"),
        ),
        (
            "list for a number",
            post(r#"{"action":"get_ticket","ticket_id":[1]}"#),
            400,
            "invalid_parameter",
            Some("ticket_id"),
        ),
        (
            "negative number",
            post(r#"{"action":"get_ticket","ticket_id":-1}"#),
            400,
            "invalid_parameter",
            Some("ticket_id"),
        ),
        (
            "number beyond 64 bits",
            post(r#"{"action":"get_ticket","ticket_id":99999999999999999999}"#),
            400,
            "invalid_parameter",
            Some("ticket_id"),
        ),
        (
            "absent ticket",
            post(r#"{"action":"get_ticket","ticket_id":4242}"#),
            400,
            "ticket_not_found",
            Some("ticket_id"),
        ),
        (
            "largest number",
            post(r#"{"action":"get_ticket","ticket_id":9223372036854775807}"#),
            400,
            "ticket_not_found",
            Some("ticket_id"),
        ),
        (
            "number for text",
            post(r#"{"action":"create_ticket","subject":7,"description":"x"}"#),
            400,
            "invalid_parameter",
            Some("subject"),
        ),
        (
            "empty subject",
            post(r#"{"action":"create_ticket","subject":"  ","description":"x"}"#),
            400,
            "invalid_parameter",
            Some("subject"),
        ),
        (
            "null subject",
            post(r#"{"action":"create_ticket","subject":null,"description":"x"}"#),
            400,
            "invalid_parameter",
            Some("subject"),
        ),
        (
            "unknown priority",
            post(r#"{"action":"create_ticket","subject":"x","description":"x","priority":"asap"}"#),
            400,
            "invalid_parameter",
            Some("priority"),
        ),
        (
            "unknown client",
            post(
                r#"{"action":"create_ticket","subject":"x","description":"x","portal_domain":"nobody.example"}"#,
            ),
            400,
            "client_not_found",
            Some("portal_domain"),
        ),
        (
            "object for a flag",
            post(r#"{"action":"add_message","ticket_id":1,"message":"x","is_note":{}}"#),
            400,
            "invalid_parameter",
            Some("is_note"),
        ),
        (
            "another type of body",
            desk.key.request("POST", path).body("text/xml", "<a/>"),
            415,
            "unsupported_media_type",
            None,
        ),
        (
            "a packed body",
            post("{}").header("content-encoding", "gzip"),
            415,
            "unsupported_media_type",
            None,
        ),
        (
            "wrong method",
            desk.key.request("GET", path),
            405,
            "method_not_allowed",
            None,
        ),
        (
            "wrong method",
            desk.key.request("DELETE", "/api/client.php"),
            405,
            "method_not_allowed",
            None,
        ),
        (
            "unknown endpoint",
            Request::post("/api/root.php").json(&json!({})),
            404,
            "not_found",
            None,
        ),
        (
            "unknown page",
            Request::get("/wp-admin/setup.php"),
            404,
            "not_found",
            None,
        ),
        (
            "a way up",
            Request::get("/../../etc/passwd"),
            404,
            "not_found",
            None,
        ),
        (
            "a packed way up",
            Request::get("/assets/%2e%2e/%2e%2e/etc/passwd"),
            404,
            "not_found",
            None,
        ),
    ];
    for (what, request, status, code, field) in cases {
        let reply = desk.nobody().send(&request);
        assert_eq!(
            (reply.status, reply.code().as_str()),
            (status, code),
            "{what}"
        );
        let body = reply.json();
        assert_eq!(body["field"].as_str(), field, "{what}");
        assert!(body["error"].as_str().unwrap().len() > 5, "{what}");
        assert!(reply.header("x-request-id").is_some(), "{what}");
    }
    assert_eq!(stored(&desk), before);
    assert_eq!(alarms(&desk), Vec::<String>::new());
}

#[test]
fn texts_are_taken_up_to_their_limit_and_not_beyond() {
    let desk = Desk::open();
    let create = |subject: usize, text: usize| {
        let body = json!({ "subject": "ш".repeat(subject), "description": "щ".repeat(text) });
        desk.key.ask("create_ticket", &body)
    };
    let whole = create(255, 65_536).data();
    assert_eq!(
        whole["description"].as_str().unwrap().chars().count(),
        65_536
    );
    assert_eq!(create(256, 1).json()["field"], "subject");
    assert_eq!(create(1, 65_537).json()["field"], "description");
}

#[test]
fn a_json_body_beyond_a_megabyte_is_too_large() {
    let desk = Desk::open();
    let huge =
        json!({ "action": "create_ticket", "subject": "x", "description": "x".repeat(10 << 20) });
    let request = desk.key.request("POST", "/api/admin.php").json(&huge);
    let reply = desk.key.send(&request);
    assert_eq!((reply.status, reply.code()), (413, "too_large".into()));
    // One that only claims to be large is refused as well, without waiting for it.
    let claims = desk
        .key
        .request("POST", "/api/admin.php")
        .header("content-length", "4000000000");
    let reply = desk.key.send(&claims.body("application/json", "{}"));
    assert_eq!((reply.status, reply.code()), (413, "too_large".into()));
    assert_eq!(desk.count("select count(*) from ticket"), 0);
    assert_eq!(alarms(&desk), Vec::<String>::new());
}

#[test]
fn a_broken_upload_leaves_nothing() {
    let desk = Desk::open();
    let id = desk.ticket("Файлы");
    let before = stored(&desk);
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
    let (address, hang_up) = (desk.key.address(), broken.clone());
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let mut bytes = format!("POST {path} HTTP/1.1\r\nhost: x\r\n").into_bytes();
    for (name, value) in &hang_up.headers {
        bytes.extend(format!("{name}: {value}\r\n").bytes());
    }
    bytes.extend(b"\r\n");
    bytes.extend(&open);
    std::io::Write::write_all(&mut stream, &bytes).unwrap();
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
    crate::support::until_so("the broken upload to be cleared away", || {
        files_in(&desk.dir.0.join("files/incoming")).is_empty()
    });
    assert_eq!((stored(&desk).0, stored(&desk).1), (before.0, before.1));
    assert_eq!(desk.count("select count(*) from file"), 0);
    assert_eq!(alarms(&desk), Vec::<String>::new());
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
    assert!(files_in(&desk.dir.0.join("files/incoming")).is_empty());
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
    let names = files_in(&desk.dir.0);
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
fn a_wrong_method_is_told_the_right_one() {
    let desk = Desk::open();
    let nobody = desk.nobody();
    for (method, path, allowed) in [
        ("GET", "/api/admin.php", "POST"),
        ("PUT", "/api/client.php", "POST"),
        ("GET", "/api/widget.php", "POST"),
        ("GET", "/api/admin.php/list_tickets", "POST"),
        ("GET", "/api/channel-webhook.php?type=email", "POST"),
        ("POST", "/api/health.php", "GET"),
        ("POST", "/api/openapi.json", "GET"),
        ("POST", "/tenant.html", "GET, HEAD"),
        ("POST", "/files/1/a.txt", "GET, HEAD"),
    ] {
        let reply = nobody.send(&Request::new(method, path));
        assert_eq!(
            (reply.status, reply.header("allow")),
            (405, Some(allowed)),
            "{method} {path}"
        );
    }
    // The same without .php.
    assert_eq!(
        desk.key
            .send(
                &desk
                    .key
                    .request("POST", "/api/admin")
                    .json(&json!({ "action": "dashboard" }))
            )
            .status,
        200
    );
    assert_eq!(nobody.get("/api/health").json()["ok"], true);
}

#[test]
fn errors_speak_the_caller_s_language() {
    let desk = Desk::open();
    let sentence = |header: &str, body: Value| {
        let who = desk.key.header("accept-language", header);
        who.ask("get_ticket", &body).json()["error"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let absent = json!({ "ticket_id": 404 });
    assert_eq!(
        sentence("ru-RU,ru;q=0.9,en;q=0.5", absent.clone()),
        "Такой заявки нет."
    );
    assert_eq!(sentence("kk", absent.clone()), "Мұндай өтінім жоқ.");
    assert_eq!(
        sentence("en-US", absent.clone()),
        "There is no such ticket."
    );
    assert_eq!(
        sentence("de-DE,de;q=0.9", absent),
        "There is no such ticket."
    );
    assert_eq!(
        sentence("en", json!({ "ticket_id": 404, "lang": "kk" })),
        "Мұндай өтінім жоқ."
    );
    assert_eq!(sentence("ru", json!({})), "Не указан параметр «ticket_id».");
}

#[test]
fn a_plain_request_id_is_kept_and_another_replaced() {
    let desk = Desk::open();
    let id_of = |sent: &str| {
        let reply = http::send(
            desk.key.address(),
            &Request::get("/api/health.php").header("x-request-id", sent),
        )
        .unwrap();
        reply.header("x-request-id").unwrap().to_owned()
    };
    assert_eq!(id_of("monitoring_42-a"), "monitoring_42-a");
    assert_eq!(id_of(&"x".repeat(64)), "x".repeat(64));
    for bad in ["", "with space", "<b>", &"x".repeat(65)] {
        let made = id_of(bad);
        assert!(made != bad && made.len() >= 8, "{bad:?} became {made:?}");
    }
    assert_ne!(id_of(""), id_of(""));
    // The line of the log bears the same id.
    desk.key
        .header("x-request-id", "look-for-me")
        .call("dashboard", json!({}));
    let logged = desk
        .serving
        .log()
        .into_iter()
        .any(|line| line.contains("look-for-me") && line.contains("dashboard"));
    assert!(logged);
}

#[test]
fn forms_and_queries_say_the_same_as_json() {
    let desk = Desk::open();
    let id = desk.ticket("Форма");
    let form = format!("action=add_message&ticket_id={id}&message=%D0%B4%D0%B0&is_note=1");
    let note = desk
        .key
        .send(
            &desk
                .key
                .request("POST", "/api/admin.php")
                .body("application/x-www-form-urlencoded", form),
        )
        .data();
    assert_eq!(
        (&note["message"], &note["is_note"]),
        (&json!("да"), &json!(true))
    );
    let query = desk
        .key
        .request("POST", "/api/admin.php?action=get_ticket")
        .json(&json!({ "ticket_id": id.to_string() }));
    assert_eq!(desk.key.send(&query).data()["ticket"]["id"], id);
    let bearer = desk.nobody().header(
        "authorization",
        &format!("Bearer {}", desk.key.credential("x-api-key")),
    );
    assert_eq!(bearer.call("list_tickets", json!({}))["total"], 1);
}
