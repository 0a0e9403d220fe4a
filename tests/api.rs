//! What the API promises of lists and calls: retries, pages, filters, search, reading, rates.
use crate::support::{Caller, Desk};
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
