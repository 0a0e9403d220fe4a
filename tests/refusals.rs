//! What the program refuses and how: the contracted status and code, nothing stored, no noise in the log.
use crate::support::{
    Desk,
    http::{self, Request},
};
use serde_json::{Value, json};

#[test]
fn bad_input_is_refused_quietly_and_stores_nothing() {
    let desk = Desk::open();
    let before = desk.stored();
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
    assert_eq!(desk.stored(), before);
    assert_eq!(desk.alarms(), Vec::<String>::new());
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
    assert_eq!(desk.alarms(), Vec::<String>::new());
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
    let log = desk.log_with("look-for-me");
    let line = log
        .iter()
        .find(|line| line.contains("look-for-me"))
        .unwrap();
    assert!(line.contains("dashboard"), "{line}");
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

#[test]
fn a_place_in_a_list_that_leaves_no_room_behind_it_is_refused() {
    let desk = Desk::open();
    let action = json!([{ "type": "add_tag", "value": "срочно" }]);
    let calls = |position: i64| {
        [
            (
                "save_category",
                json!({ "code": "printing", "name": "Печать", "position": position }),
            ),
            (
                "save_view",
                json!({ "name": "Срочные", "filter": {}, "position": position }),
            ),
            (
                "save_trigger",
                json!({ "name": "Срочное", "event": "ticket_created", "actions": action, "position": position }),
            ),
        ]
    };
    for position in [i64::MAX, i64::MIN, -1, 1_000_000_001] {
        for (name, body) in calls(position) {
            let reply = desk.alia.ask(name, &body);
            assert_eq!(reply.status, 400, "{name} {position}: {}", reply.text());
            assert_eq!(reply.json()["field"], "position");
        }
    }
    for (name, body) in calls(1_000_000_000) {
        desk.alia.call(name, body);
    }
    // There is a place behind the last one.
    for (name, mut body) in calls(0) {
        body.as_object_mut().unwrap().remove("position");
        body["name"] = json!("Ещё одно");
        desk.alia.call(name, body);
    }
}
