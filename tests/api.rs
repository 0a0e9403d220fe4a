//! What the API promises of tickets: retries, lists, search, changes, estimates, files.
use crate::support::{Desk, caller::Caller};
use serde_json::{Value, json};
use std::thread;

fn ids(page: &Value) -> Vec<i64> {
    page["tickets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t["id"].as_i64().unwrap())
        .collect()
}

/// The numbers of the tickets that a list finds, in order of number.
fn found(who: &Caller, filter: Value) -> Vec<i64> {
    let page = who.call("list_tickets", filter);
    let mut ids = ids(&page);
    ids.sort_unstable();
    assert_eq!(page["total"], ids.len(), "the total is exact");
    ids
}

/// A field of every status step in a ticket's history.
fn steps(whole: &Value) -> Vec<&str> {
    let history = whole["history"].as_array().unwrap().iter();
    history
        .filter(|e| e["kind"] == "status")
        .filter_map(|e| e["to"].as_str())
        .collect()
}

#[test]
fn a_repeated_request_creates_once_even_after_a_crash() {
    let mut desk = Desk::open();
    let who = desk.key.header("idempotency-key", "monitoring-4711");
    let body = json!({ "subject": "Сервер недоступен", "description": "Нет ответа 5 минут" });
    let first = who.call("create_ticket", body.clone());
    assert_eq!(who.call("create_ticket", body.clone()), first);
    desk.crash();
    assert_eq!(who.call("create_ticket", body.clone()), first);

    let other = json!({ "subject": "Сервер недоступен", "description": "Нет ответа 10 минут" });
    assert_eq!(
        who.refused("create_ticket", other),
        (400, "idempotency_mismatch".into())
    );
    // A key is its bearer's: another caller may use the same words.
    let another = desk
        .omar
        .header("idempotency-key", "monitoring-4711")
        .call("create_ticket", body);
    assert_ne!(another["id"], first["id"]);
    assert_eq!(found(&desk.key, json!({})).len(), 2);
}

#[test]
fn ten_equal_requests_at_once_create_one_ticket() {
    let desk = Desk::open();
    let who = desk.key.header("idempotency-key", "once");
    let body = json!({ "subject": "Один раз", "description": "Десять попыток" });
    let answers: Vec<Value> = thread::scope(|scope| {
        let calls: Vec<_> = (0..10)
            .map(|_| scope.spawn(|| who.call("create_ticket", body.clone())))
            .collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(found(&desk.key, json!({})).len(), 1);
}

#[test]
fn pages_hold_every_ticket_once_and_the_total_is_exact() {
    let desk = Desk::open();
    let all: Vec<i64> = (1..=7)
        .map(|n| desk.ticket(&format!("Заявка {n}")))
        .collect();
    let page = |page: i64, limit: i64| {
        let body = json!({ "page": page, "limit": limit, "sort": "created_at", "order": "asc" });
        desk.key.call("list_tickets", body)
    };
    let mut seen = Vec::new();
    for n in 1..=3 {
        let answer = page(n, 3);
        assert_eq!(
            (&answer["total"], &answer["page"], &answer["limit"]),
            (&json!(7), &json!(n), &json!(3))
        );
        seen.extend(ids(&answer));
    }
    assert_eq!(seen, all);
    let beyond = page(4, 3);
    assert_eq!((ids(&beyond), &beyond["total"]), (Vec::new(), &json!(7)));
    assert_eq!(page(1, 1_000)["limit"], 100);
    assert_eq!(desk.key.call("list_tickets", json!({}))["limit"], 30);
    assert_eq!(
        desk.key.refused("list_tickets", json!({ "page": 0 })).0,
        400
    );
}

#[test]
fn filters_narrow_the_list_alone_and_together() {
    let desk = Desk::open();
    desk.client("client.example", 1, "Иван Петров");
    let body = |subject: &str, priority: &str, category: &str| json!({ "subject": subject, "description": "…", "priority": priority, "category": category });
    let a = desk.alia.call("create_ticket", body("А", "urgent", "crm"))["id"]
        .as_i64()
        .unwrap();
    let b = desk.alia.call("create_ticket", body("Б", "normal", "crm"))["id"]
        .as_i64()
        .unwrap();
    let mut with_client = body("В", "low", "setup");
    with_client["portal_domain"] = "client.example".into();
    with_client["tags"] = json!(["vip"]);
    let c = desk.alia.call("create_ticket", with_client)["id"]
        .as_i64()
        .unwrap();
    desk.omar.call("take_ticket", json!({ "ticket_id": b }));
    desk.omar.call(
        "complete_ticket",
        json!({ "ticket_id": b, "result": "Готово" }),
    );

    let list = |filter: Value| found(&desk.omar, filter);
    assert_eq!(list(json!({ "priority": "urgent" })), [a]);
    assert_eq!(list(json!({ "category": "crm" })), [a, b]);
    assert_eq!(list(json!({ "category": "crm", "status": "done" })), [b]);
    assert_eq!(list(json!({ "status": "active" })), [a, c]);
    assert_eq!(list(json!({ "status": "all" })), [a, b, c]);
    assert_eq!(list(json!({ "portal_domain": "client.example" })), [c]);
    assert_eq!(
        list(json!({ "portal_domain": "nobody.example" })),
        Vec::<i64>::new()
    );
    assert_eq!(list(json!({ "assigned_to": "me" })), [b]);
    assert_eq!(list(json!({ "assigned_to": "none" })), [a, c]);
    assert_eq!(list(json!({ "tag": "vip" })), [c]);
    assert_eq!(list(json!({ "channel": "api" })), [a, b, c]);
    assert_eq!(
        list(json!({ "updated_since": "2126-01-01T00:00:00Z" })),
        Vec::<i64>::new()
    );
    assert_eq!(
        desk.omar
            .refused("list_tickets", json!({ "status": "lost" })),
        (400, "invalid_parameter".into())
    );

    let counts = desk.omar.call("ticket_counts", json!({}));
    for (name, count) in [
        ("all", 3),
        ("active", 2),
        ("done", 1),
        ("new", 2),
        ("mine", 0),
        ("unassigned", 2),
    ] {
        assert_eq!(counts[name], count, "{name}");
    }
}

#[test]
fn search_finds_word_beginnings_in_any_spelling() {
    let desk = Desk::open();
    let open = |subject: &str, description: &str| {
        let body = json!({ "subject": subject, "description": description });
        desk.alia.call("create_ticket", body)["id"]
            .as_i64()
            .unwrap()
    };
    let tree = open("Ёлка не включается", "Гирлянда мигает");
    let kazakh = open("Қоңырау естілмейді", "Әріптесім сөйлесе алмайды");
    let english = open("Printer on fire", "It smokes");
    desk.alia.call(
        "add_message",
        json!({ "ticket_id": english, "message": "Заменили картридж" }),
    );
    desk.alia.call(
        "add_message",
        json!({ "ticket_id": tree, "message": "Секретная пометка", "is_note": true }),
    );

    for (words, expected) in [
        ("елка", vec![tree]),
        ("ЁЛКА", vec![tree]),
        ("ёлк включ", vec![tree]),
        ("гирл", vec![tree]),
        ("ҚОҢЫРАУ", vec![kazakh]),
        ("әріптес", vec![kazakh]),
        ("сөйлес", vec![kazakh]),
        ("PRINT", vec![english]),
        ("картридж", vec![english]),
        ("пометка", vec![tree]),
        ("принт", vec![]),
        ("inter", vec![]),
        ("елка картридж", vec![]),
    ] {
        assert_eq!(
            found(&desk.omar, json!({ "search": words })),
            expected,
            "{words}"
        );
    }
    assert_eq!(
        found(&desk.omar, json!({ "search": format!("#{kazakh}") })),
        [kazakh]
    );
    assert_eq!(
        found(&desk.omar, json!({ "search": "#999" })),
        Vec::<i64>::new()
    );
    // What SQLite's own query language means is only letters here.
    assert_eq!(
        found(&desk.omar, json!({ "search": "\"елка\" OR printer*" })),
        Vec::<i64>::new()
    );

    desk.alia.call(
        "update_ticket",
        json!({ "ticket_id": tree, "subject": "Сосна не включается" }),
    );
    assert_eq!(
        found(&desk.omar, json!({ "search": "елка" })),
        Vec::<i64>::new()
    );
    assert_eq!(found(&desk.omar, json!({ "search": "сосна" })), [tree]);
}

#[test]
fn reading_by_a_session_marks_read_and_reading_by_a_key_does_not() {
    let desk = Desk::open();
    let client = desk.client("client.example", 1, "Иван Петров");
    let id = client.call(
        "create_ticket",
        json!({ "subject": "Касса", "description": "Не печатает" }),
    )["id"]
        .clone();
    client.call(
        "add_message",
        json!({ "ticket_id": id, "message": "Срочно!" }),
    );
    let unread = || desk.key.call("list_tickets", json!({}))["tickets"][0]["unread_count"].clone();
    assert_eq!(unread(), 2);
    desk.key.call("get_ticket", json!({ "ticket_id": id }));
    assert_eq!(unread(), 2);
    desk.key
        .call("get_ticket", json!({ "ticket_id": id, "mark_read": true }));
    assert_eq!(unread(), 0);
    client.call(
        "add_message",
        json!({ "ticket_id": id, "message": "Ещё раз" }),
    );
    assert_eq!(unread(), 1);
    desk.omar.call("get_ticket", json!({ "ticket_id": id }));
    assert_eq!(unread(), 0);
    // The other way round: the desk's answer is unread for the client, and read once the client has seen it.
    desk.omar.call(
        "add_message",
        json!({ "ticket_id": id, "message": "Смотрю" }),
    );
    assert_eq!(
        client.call("list_tickets", json!({}))["tickets"][0]["unread_count"],
        1
    );
    client.call("get_ticket", json!({ "ticket_id": id }));
    assert_eq!(
        client.call("list_tickets", json!({}))["tickets"][0]["unread_count"],
        0
    );
    let whole = desk.omar.call("get_ticket", json!({ "ticket_id": id }));
    let last = whole["messages"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&last["message"], &last["delivery_status"]),
        (&json!("Смотрю"), &json!("read"))
    );
}

#[test]
fn a_change_touches_only_the_fields_given_and_a_stale_one_nothing() {
    let desk = Desk::open();
    let id = desk.ticket("Касса");
    let before = desk.alia.call("get_ticket", json!({ "ticket_id": id }))["ticket"].clone();
    let after = desk.omar.call(
        "update_ticket",
        json!({ "ticket_id": id, "priority": "urgent", "unheard_of": 1 }),
    );
    for field in [
        "subject",
        "category",
        "status",
        "assigned_to",
        "portal_domain",
        "tags",
        "description",
        "due_at",
    ] {
        assert_eq!(after[field], before[field], "{field}");
    }
    assert_eq!(after["priority"], "urgent");

    let stale = json!({ "ticket_id": id, "subject": "Другое", "version": before["version"] });
    let refusal = desk.omar.ask("update_ticket", &stale);
    assert_eq!((refusal.status, refusal.code()), (400, "conflict".into()));
    assert_eq!(refusal.json()["current"]["priority"], "urgent");
    assert_eq!(
        desk.omar.call("get_ticket", json!({ "ticket_id": id }))["ticket"]["subject"],
        "Касса"
    );
    let fresh = json!({ "ticket_id": id, "subject": "Касса в зале", "version": after["version"] });
    assert_eq!(
        desk.omar.call("update_ticket", fresh)["subject"],
        "Касса в зале"
    );

    // Half a change is none: the second field is refused, so the first is not made.
    let half = json!({ "ticket_id": id, "subject": "Половина", "assigned_to": 999 });
    assert_eq!(
        desk.omar.refused("update_ticket", half),
        (400, "operator_not_found".into())
    );
    assert_eq!(
        desk.omar.call("get_ticket", json!({ "ticket_id": id }))["ticket"]["subject"],
        "Касса в зале"
    );
}

#[test]
fn a_shortcut_leaves_every_step_in_the_history() {
    let desk = Desk::open();
    let id = desk.ticket("Прямо в готово");
    let done = desk.omar.call(
        "complete_ticket",
        json!({ "ticket_id": id, "result": "Сделано" }),
    );
    assert_eq!(
        (&done["status"], &done["result"]),
        (&json!("done"), &json!("Сделано"))
    );
    desk.omar.call(
        "update_ticket",
        json!({ "ticket_id": id, "status": "closed" }),
    );
    desk.omar.call(
        "reopen_ticket",
        json!({ "ticket_id": id, "reason": "Опять" }),
    );
    desk.omar.call(
        "add_message",
        json!({ "ticket_id": id, "message": "Смотрим снова" }),
    );
    let whole = desk.omar.call("get_ticket", json!({ "ticket_id": id }));
    assert_eq!(
        steps(&whole),
        ["in_progress", "done", "closed", "reopened", "in_progress"]
    );
    let reopened = whole["history"]
        .as_array()
        .unwrap()
        .iter()
        .find(|e| e["to"] == "reopened")
        .unwrap();
    assert_eq!(
        (&reopened["actor_name"], &reopened["note"]),
        (&json!("Омар Сеитов"), &json!("Опять"))
    );
}

#[test]
fn an_illegal_step_is_refused_with_what_would_be_legal() {
    let desk = Desk::open();
    let id = desk.ticket("Новая");
    let refused = |action: &str, body: Value| {
        let reply = desk.omar.ask(action, &body);
        assert_eq!(
            (reply.status, reply.code()),
            (400, "illegal_transition".into()),
            "{action} {body}"
        );
        let body = reply.json();
        (
            body["from"].clone(),
            body["to"].clone(),
            body["allowed"].clone(),
        )
    };
    let (from, to, allowed) = refused(
        "update_ticket",
        json!({ "ticket_id": id, "status": "reopened" }),
    );
    assert_eq!((from, to), (json!("new"), json!("reopened")));
    assert_eq!(
        allowed,
        json!(["estimated", "in_progress", "on_hold", "done", "closed"])
    );
    refused("resume_ticket", json!({ "ticket_id": id }));
    refused("reopen_ticket", json!({ "ticket_id": id }));
    desk.omar.call("hold_ticket", json!({ "ticket_id": id }));
    refused("hold_ticket", json!({ "ticket_id": id }));
    assert_eq!(
        desk.omar.call("resume_ticket", json!({ "ticket_id": id }))["status"],
        "in_progress"
    );
    desk.omar.call(
        "update_ticket",
        json!({ "ticket_id": id, "status": "closed" }),
    );
    refused("complete_ticket", json!({ "ticket_id": id, "result": "…" }));
    refused("update_ticket", json!({ "ticket_id": id, "status": "new" }));
    assert_eq!(
        desk.omar.call("get_ticket", json!({ "ticket_id": id }))["ticket"]["status"],
        "closed"
    );
}

#[test]
fn a_client_decides_on_an_estimate() {
    let desk = Desk::open();
    let client = desk.client("client.example", 7, "Иван Петров");
    let id = client.call(
        "create_ticket",
        json!({ "subject": "Отчёт", "description": "Нужен новый" }),
    )["id"]
        .clone();
    assert_eq!(
        client.refused("approve_estimate", json!({ "ticket_id": id })),
        (400, "estimate_not_found".into())
    );
    let offer =
        json!({ "ticket_id": id, "hours": 3.5, "description": "Настройка отчёта", "cost": 35_000 });
    let offered = desk.omar.call("set_estimate", offer);
    assert_eq!(offered["status"], "estimated");
    let estimate = &offered["estimate"];
    assert_eq!(
        (&estimate["hours"], &estimate["cost"], &estimate["status"]),
        (&json!(3.5), &json!(35_000.0), &json!("pending"))
    );

    // Staff do not go past the client's word, unless they say so.
    let past = json!({ "ticket_id": id, "status": "in_progress" });
    assert_eq!(
        desk.omar.refused("update_ticket", past),
        (400, "illegal_transition".into())
    );

    let rejected = client.call(
        "reject_estimate",
        json!({ "ticket_id": id, "reason": "Дорого" }),
    );
    assert_eq!(
        (&rejected["status"], &rejected["estimate"]["reason"]),
        (&json!("in_progress"), &json!("Дорого"))
    );
    let revised = desk.omar.call(
        "set_estimate",
        json!({ "ticket_id": id, "hours": 2, "description": "Проще" }),
    );
    assert_eq!(
        (&revised["status"], &revised["estimate"]["version"]),
        (&json!("estimated"), &json!(2))
    );
    let approved = client.call("approve_estimate", json!({ "ticket_id": id }));
    assert_eq!(
        (&approved["status"], &approved["estimate"]["status"]),
        (&json!("in_progress"), &json!("approved"))
    );
    assert_eq!(approved["estimate"]["decided_by"], "Иван Петров");
    assert_eq!(
        desk.omar
            .refused(
                "set_estimate",
                json!({ "ticket_id": id, "hours": 0, "description": "…" })
            )
            .0,
        400
    );

    desk.omar.call(
        "set_estimate",
        json!({ "ticket_id": id, "hours": 1, "description": "Ещё" }),
    );
    let forced = desk.omar.call(
        "update_ticket",
        json!({ "ticket_id": id, "status": "in_progress", "force": true }),
    );
    assert_eq!(forced["status"], "in_progress");
    desk.omar.call(
        "complete_ticket",
        json!({ "ticket_id": id, "result": "Готово" }),
    );
    assert_eq!(
        client.call("accept_ticket", json!({ "ticket_id": id }))["status"],
        "closed"
    );
}

#[test]
fn tags_come_by_name_and_go_by_name() {
    let desk = Desk::open();
    let id = desk.ticket("Метки");
    let names = |ticket: &Value| -> Vec<String> {
        ticket["tags"]
            .as_array()
            .unwrap()
            .iter()
            .map(|t| t["name"].as_str().unwrap().to_owned())
            .collect()
    };
    desk.omar
        .call("add_ticket_tag", json!({ "ticket_id": id, "name": "vip" }));
    let twice = desk
        .omar
        .call("add_ticket_tag", json!({ "ticket_id": id, "name": "vip" }));
    assert_eq!(names(&twice), ["vip"]);
    let set = desk.omar.call(
        "update_ticket",
        json!({ "ticket_id": id, "tags": ["выезд", "vip"] }),
    );
    assert_eq!(names(&set), ["vip", "выезд"]);
    assert_eq!(
        names(&desk.omar.call(
            "remove_ticket_tag",
            json!({ "ticket_id": id, "name": "vip" })
        )),
        ["выезд"]
    );
    assert_eq!(
        desk.omar
            .call("list_tags", json!({}))
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let tag = desk.alia.call(
        "create_tag",
        json!({ "name": "срочно", "color": "#DC2626" }),
    );
    assert_eq!(tag["color"], "#dc2626");
    let taken = desk.alia.refused(
        "create_tag",
        json!({ "name": "срочно", "color": "#dc2626" }),
    );
    assert_eq!(taken, (400, "already_exists".into()));
    let deleted = desk.alia.call("delete_tag", json!({ "tag_id": tag["id"] }));
    assert_eq!(deleted, json!({ "id": tag["id"], "deleted": true }));
}

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
fn an_edited_message_keeps_its_past_and_a_deleted_one_its_place() {
    let desk = Desk::open();
    let id = desk.ticket("Правки");
    let message = desk.omar.upload(
        "add_message",
        json!({ "ticket_id": id, "message": "Опечятка" }),
        &[("a.txt", "text/plain", b"a")],
    );
    let message = message.data();
    let edited = desk.omar.call(
        "edit_message",
        json!({ "message_id": message["id"], "message": "Опечатка" }),
    );
    assert_eq!(edited["message"], "Опечатка");
    assert!(edited["edited_at"].is_string());
    assert_eq!(
        desk.count("select count(*) from message_edit where body = 'Опечятка'"),
        1
    );
    let deleted = desk
        .omar
        .call("delete_message", json!({ "message_id": message["id"] }));
    assert_eq!(deleted, json!({ "id": message["id"], "deleted": true }));
    let whole = desk.omar.call("get_ticket", json!({ "ticket_id": id }));
    let tombstone = &whole["messages"][1];
    assert_eq!(
        (&tombstone["message"], &tombstone["files"]),
        (&json!(""), &json!([]))
    );
    assert!(tombstone["deleted_at"].is_string());
    assert_eq!(
        desk.nobody()
            .get(message["files"][0]["url"].as_str().unwrap())
            .status,
        404
    );
    assert_eq!(
        desk.omar
            .refused(
                "edit_message",
                json!({ "message_id": message["id"], "message": "…" })
            )
            .1,
        "message_not_found"
    );
}

#[test]
fn every_keyed_answer_tells_what_is_left() {
    let desk = Desk::open();
    desk.dir
        .run(&["tenant", "update", "globex", "--plan", "starter"], "");
    let key = desk.key_of("globex", "read,tickets");
    let first = key.ask("list_tickets", &json!({}));
    assert_eq!(
        (
            first.header("ratelimit-limit"),
            first.header("ratelimit-remaining")
        ),
        (Some("60"), Some("59"))
    );
    assert!(first.header("ratelimit-reset").is_some());
    let refused = (0..100)
        .map(|_| key.ask("list_tickets", &json!({})))
        .find(|reply| reply.status != 200)
        .unwrap();
    assert_eq!(
        (refused.status, refused.code()),
        (429, "rate_limited".into())
    );
    assert_eq!(
        (
            refused.header("ratelimit-limit"),
            refused.header("ratelimit-remaining")
        ),
        (Some("60"), Some("0"))
    );
    let wait: u32 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=2).contains(&wait), "{wait}");
    // Another key is another bucket, and sessions have none.
    assert_eq!(
        desk.key
            .ask("list_tickets", &json!({}))
            .header("ratelimit-remaining"),
        Some("599")
    );
    assert_eq!(
        desk.greta
            .ask("list_tickets", &json!({}))
            .header("ratelimit-limit"),
        None
    );
}
