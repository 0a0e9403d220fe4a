//! Calls as programs, forms and browsers write them: lists and objects in forms, fields that were left blank, files that were not
//! chosen, answers to who is still sending. Each is taken for what it means, or refused so that the sender reads why.
use crate::support::{
    Desk,
    http::{BOUNDARY, Request, begin},
};
use serde_json::{Value, json};
use std::io::{Read, Write};

const FORM: &str = "application/x-www-form-urlencoded";

fn form(desk: &Desk, pairs: &[(&str, &str)]) -> Value {
    let escaped = |text: &str| -> String {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._[]".contains(&b);
        text.bytes()
            .map(|b| match plain(b) {
                true => char::from(b).to_string(),
                false => format!("%{b:02X}"),
            })
            .collect()
    };
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{}={}", escaped(name), escaped(value)))
        .collect();
    let request = desk.key.request("POST", "/api/admin.php");
    desk.key.send(&request.body(FORM, pairs.join("&"))).data()
}

fn names(tags: &Value) -> Vec<&str> {
    let tags = tags.as_array().unwrap().iter();
    tags.map(|tag| tag["name"].as_str().unwrap()).collect()
}

#[test]
fn a_form_brings_lists_and_objects_as_libraries_write_them() {
    let desk = Desk::open();
    for tags in [
        &[("tags[]", "печать"), ("tags[]", "касса")][..],
        &[("tags[0]", "печать"), ("tags[1]", "касса")],
        &[("tags", r#"["печать","касса"]"#)],
    ] {
        let fields = [
            ("action", "create_ticket"),
            ("subject", "Принтер"),
            ("description", "Не печатает"),
            ("priority", ""),
            ("assigned_to", ""),
            ("contact_email", ""),
            ("portal_domain", ""),
        ];
        let ticket = form(&desk, &[&fields, tags].concat());
        assert_eq!(names(&ticket["tags"]), ["касса", "печать"], "{tags:?}");
        assert_eq!(
            (&ticket["priority"], &ticket["assigned_to"]),
            (&json!("normal"), &json!(null))
        );
    }
    desk.alia.call(
        "create_client",
        json!({ "portal_domain": "client.example", "company_name": "Клиент" }),
    );
    for data in [
        ("data[notes]", "Звонить в офис"),
        ("data", r#"{"notes":"Звонить в офис"}"#),
    ] {
        desk.alia.call(
            "client_settings",
            json!({ "portal_domain": "client.example", "data": { "notes": "" } }),
        );
        let client = form(
            &desk,
            &[
                ("action", "client_settings"),
                ("portal_domain", "client.example"),
                data,
            ],
        );
        assert_eq!(client["notes"], "Звонить в офис");
    }
}

#[test]
fn what_is_left_blank_narrows_nothing_and_changes_nothing() {
    let desk = Desk::open();
    let (first, second) = (desk.ticket("Первая"), desk.ticket("Вторая"));
    let fields = [
        "status",
        "priority",
        "category",
        "search",
        "portal_domain",
        "assigned_to",
        "tag",
        "channel",
        "updated_since",
        "contact_id",
        "snoozed",
        "sort",
        "order",
        "page",
        "limit",
    ];
    for nothing in [json!(""), json!(null)] {
        let blank = |fields: &[&str]| -> Value {
            fields
                .iter()
                .map(|name| ((*name).to_owned(), nothing.clone()))
                .collect()
        };
        assert_eq!(desk.key.call("list_tickets", blank(&fields))["total"], 2);
        let mut same = blank(&[
            "subject",
            "priority",
            "category",
            "status",
            "tags",
            "portal_domain",
            "force",
        ]);
        same["ticket_id"] = first.into();
        let ticket = desk.key.call("update_ticket", same);
        assert_eq!(
            (&ticket["subject"], &ticket["status"]),
            (&json!("Первая"), &json!("new"))
        );
        let mut message = blank(&["is_note", "file_ids"]);
        message["ticket_id"] = second.into();
        message["message"] = "Ответ".into();
        assert_eq!(desk.key.call("add_message", message)["is_note"], false);
    }
    // What is needed cannot be left blank.
    let refused = desk
        .key
        .ask("get_ticket", &json!({ "ticket_id": "" }))
        .json();
    assert_eq!(
        (&refused["code"], &refused["field"]),
        (&json!("invalid_parameter"), &json!("ticket_id"))
    );
    assert_eq!(
        desk.key.call("list_tickets", json!({ "assigned_to": 0 }))["total"],
        2
    );
}

#[test]
fn words_are_told_to_who_sends_something_else() {
    let desk = Desk::open();
    for value in [json!(1), json!(["new"]), json!({ "is": "new" })] {
        let refused = desk
            .key
            .ask("list_tickets", &json!({ "status": value }))
            .json();
        assert_eq!(refused["field"], "status");
        assert!(
            refused["allowed"]
                .as_array()
                .is_some_and(|words| words.contains(&json!("active"))),
            "{refused}"
        );
    }
    let twice = desk
        .alia
        .ask(
            "delete_time_entry",
            &json!({ "time_entry_id": 1, "entry_id": 1 }),
        )
        .json();
    assert_eq!(twice["field"], "time_entry_id", "{twice}");
    let marked = [&b"\xEF\xBB\xBF"[..], br#"{"action":"list_tickets"}"#].concat();
    let request = desk
        .key
        .request("POST", "/api/admin.php")
        .body("application/json", marked);
    assert_eq!(desk.key.send(&request).status, 200);
}

#[test]
fn letter_case_makes_no_second_tag_and_hides_no_client() {
    let desk = Desk::open();
    let ticket = |tag: &str| {
        desk.key.call(
            "create_ticket",
            json!({ "subject": "Касса", "description": "Чек", "tags": [tag] }),
        )
    };
    ticket("Срочно");
    assert_eq!(names(&ticket("срочно")["tags"]), ["Срочно"]);
    assert_eq!(
        desk.alia.refused(
            "create_tag",
            json!({ "name": "СРОЧНО", "color": "#112233" })
        ),
        (400, "already_exists".into())
    );
    assert_eq!(
        desk.key
            .call("list_tags", json!({}))
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        desk.key.call("list_tickets", json!({ "tag": "срочно" }))["total"],
        2
    );
    let view = json!({ "name": "Срочные", "filter": { "tag": "СРОЧНО" } });
    assert_eq!(desk.omar.call("save_view", view)["count"], 2);
    let made = ticket("прочее")["id"].clone();
    desk.omar.call(
        "remove_ticket_tag",
        json!({ "ticket_id": made, "name": "Прочее" }),
    );
    assert_eq!(
        desk.key.call("list_tickets", json!({ "tag": "прочее" }))["total"],
        0
    );
    desk.alia.call(
        "create_client",
        json!({ "portal_domain": "client.example", "company_name": "Клиент" }),
    );
    desk.alia.call(
        "update_ticket",
        json!({ "ticket_id": made, "portal_domain": "client.example" }),
    );
    let of_client = json!({ "portal_domain": "Client.Example" });
    assert_eq!(desk.key.call("list_tickets", of_client)["total"], 1);
    let number = format!("№{made}");
    assert_eq!(
        desk.key.call("list_tickets", json!({ "search": number }))["total"],
        1
    );
}

#[test]
fn a_file_that_was_not_chosen_is_no_attachment() {
    let desk = Desk::open();
    let id = desk.ticket("Первая");
    let sent = |text: &str| {
        let body = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"ticket_id\"\r\n\r\n{id}\r\n\
             --{BOUNDARY}\r\nContent-Disposition: form-data; name=\"message\"\r\n\r\n{text}\r\n\
             --{BOUNDARY}\r\nContent-Disposition: form-data; name=\"files[]\"; filename=\"\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n\r\n--{BOUNDARY}--\r\n"
        );
        let request = desk.omar.request("POST", &desk.omar.path("add_message"));
        desk.omar
            .send(&request.body(&format!("multipart/form-data; boundary={BOUNDARY}"), body))
    };
    assert_eq!(sent("Ответ").data()["files"], json!([]));
    let empty = sent("");
    assert_eq!(
        (empty.status, empty.json()["field"].clone()),
        (400, json!("message"))
    );
}

#[test]
fn a_refusal_reaches_who_is_still_sending() {
    let desk = Desk::open();
    let (key, nobody) = (
        desk.key.credential("x-api-key").to_owned(),
        "tps_nobody".to_owned(),
    );
    let json = "application/json";
    let multipart = format!("multipart/form-data; boundary={BOUNDARY}");
    for (key, kind, path, size, status) in [
        (&key, json, "/api/admin.php", 8 << 20, 413),
        (&nobody, json, "/api/admin.php", 900 << 10, 403),
        (&key, "text/plain", "/api/admin.php", 8 << 20, 415),
        (&key, json, "/api/nothing.php", 8 << 20, 404),
        (
            &nobody,
            multipart.as_str(),
            "/api/admin.php/add_message",
            8 << 20,
            403,
        ),
    ] {
        let request = Request::post(path)
            .header("x-api-key", key)
            .body(kind, vec![b'x'; size]);
        let mut stream = begin(desk.key.address(), &request).unwrap();
        stream.write_all(&request.body).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{path} {kind}: {answer}"
        );
        assert!(answer.ends_with('}'), "{answer}");
    }
}

#[test]
fn an_estimate_is_not_passed_by_closing() {
    let desk = Desk::open();
    let id = desk.ticket("Первая");
    let estimated = |desk: &Desk| {
        desk.omar.call(
            "set_estimate",
            json!({ "ticket_id": id, "hours": 2, "description": "Замена" }),
        )
    };
    estimated(&desk);
    assert_eq!(
        desk.omar.refused(
            "update_ticket",
            json!({ "ticket_id": id, "status": "closed" })
        ),
        (400, "illegal_transition".into())
    );
    let bulk = desk.omar.call(
        "bulk_update_tickets",
        json!({ "ticket_ids": [id], "status": "closed" }),
    );
    assert!(bulk.to_string().contains("illegal_transition"), "{bulk}");
    assert_eq!(
        desk.omar.call("get_ticket", json!({ "ticket_id": id }))["ticket"]["status"],
        "estimated"
    );
    let closed = desk.omar.call(
        "update_ticket",
        json!({ "ticket_id": id, "status": "closed", "force": true }),
    );
    assert_eq!(closed["status"], "closed");
}

#[test]
fn a_credential_that_does_not_hold_is_never_passed_over() {
    let desk = Desk::open();
    let id = desk.ticket("Первая");
    let bare = desk.omar.header("authorization", "Bearer");
    assert_eq!(
        bare.refused("me", json!({})),
        (403, "invalid_credential".into())
    );
    let visitor = desk.visitor().header("x-api-key", "tps_nobody");
    assert_eq!(
        visitor.refused("config", json!({})),
        (403, "invalid_credential".into())
    );
    let message = desk
        .omar
        .upload(
            "add_message",
            json!({ "ticket_id": id, "message": "" }),
            &[("a.txt", "text/plain", b"a")],
        )
        .data();
    let url = message["files"][0]["url"].as_str().unwrap();
    assert_eq!(desk.nobody().get(url).status, 200);
    assert_eq!(
        desk.nobody()
            .header("x-api-key", "tps_nobody")
            .get(url)
            .status,
        403
    );
    // Whose key it is hears how much of its limit is left, whatever comes of the call.
    let bare_path = url.split_once('?').unwrap().0;
    let other = desk
        .key
        .request("POST", "/api/admin.php")
        .body("text/plain", "{}");
    for reply in [
        desk.key.send(&other),
        desk.key.get(bare_path),
        desk.key.get(url),
    ] {
        assert!(
            reply.header("ratelimit-remaining").is_some(),
            "{}",
            reply.status
        );
    }
    assert_eq!(desk.alarms(), Vec::<String>::new());
}
