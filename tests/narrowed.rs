//! Each way to narrow a list: it shows what was asked for, and of the asker's tenant alone.
use crate::support::Desk;
use serde_json::{Value, json};

fn total(answer: &Value) -> i64 {
    answer["total"].as_i64().unwrap()
}

#[test]
fn tickets_are_told_by_whether_they_were_read_and_by_status_in_any_order() {
    let desk = Desk::open();
    let client = desk.client("read.bitrix24.kz", 1, "Айгуль");
    let fresh = json!({ "subject": "Не читано", "description": "Не работает" });
    client.call("create_ticket", fresh);
    desk.ticket("Читано");
    desk.greta.call(
        "create_ticket",
        json!({ "subject": "Foreign", "description": "Not ours" }),
    );
    let listed = |filter: Value| {
        let answer = desk.omar.call("list_tickets", filter);
        let tickets = answer["tickets"].as_array().unwrap().iter();
        let subjects = tickets.map(|ticket| ticket["subject"].as_str().unwrap().to_owned());
        subjects.collect::<Vec<_>>()
    };
    let (unread, read) = (
        listed(json!({ "unread": true })),
        listed(json!({ "unread": false })),
    );
    let mut both = [unread.clone(), read].concat();
    both.sort();
    assert_eq!(both, ["Не читано", "Читано"], "unread: {unread:?}");
    assert!(unread.contains(&"Не читано".to_owned()));
    for sort in ["priority", "sla"] {
        let new = json!({ "status": "new", "sort": sort });
        assert_eq!(listed(new).len(), 2, "{sort}");
        let done = json!({ "status": "done", "sort": sort });
        assert!(listed(done).is_empty(), "{sort}");
    }
}

#[test]
fn articles_are_told_by_what_they_are_filed_under() {
    let desk = Desk::open();
    for (who, category) in [
        (&desk.alia, "Касса"),
        (&desk.alia, "Склад"),
        (&desk.greta, "Касса"),
    ] {
        who.call(
            "create_kb_article",
            json!({ "title": "Статья", "content": "Текст", "category": category, "status": "published" }),
        );
    }
    let filed = |category: &str| {
        let answer = desk
            .omar
            .call("list_kb_articles", json!({ "category": category }));
        answer.as_array().unwrap().len()
    };
    assert_eq!((filed("Касса"), filed("Склад"), filed("Иное")), (1, 1, 0));
}

#[test]
fn deliveries_and_what_waits_are_told_by_channel_and_by_how_they_stand() {
    let desk = Desk::open();
    let config = json!({
        "address": "desk@acme.example", "smtp": { "host": "127.0.0.1", "port": 9, "security": "none" },
        "inbound": { "provider": "smtp" },
    });
    let channel = json!({ "type": "email", "name": "Почта", "config": config });
    let id = desk.alia.call("create_channel", channel)["id"].clone();
    for state in ["received", "done", "failed"] {
        let narrow = json!({ "channel_id": id, "state": state });
        assert_eq!(
            total(&desk.alia.call("list_channel_events", narrow)),
            0,
            "{state}"
        );
    }
    assert_eq!(
        total(&desk.alia.call("list_outbox", json!({ "channel_id": id }))),
        0
    );
}

#[test]
fn faults_are_told_by_the_request_that_met_them() {
    let desk = Desk::open();
    desk.dir.run(
        &["operator", "set-role", "alia@acme.example", "head_admin"],
        "",
    );
    let narrow = json!({ "request_id": "nobody-asked-so" });
    assert_eq!(total(&desk.alia.call("list_error_logs", narrow)), 0);
}
