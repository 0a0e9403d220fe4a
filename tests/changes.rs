//! What the API promises of a ticket's life: fields, steps, estimates, tags, and messages that were changed.
use crate::support::Desk;
use serde_json::{Value, json};

/// A field of every status step in a ticket's history.
fn steps(whole: &Value) -> Vec<&str> {
    let history = whole["history"].as_array().unwrap().iter();
    history
        .filter(|e| e["kind"] == "status")
        .filter_map(|e| e["to"].as_str())
        .collect()
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
fn every_verb_of_a_ticket_leaves_one_alone_that_was_changed_meanwhile() {
    let desk = Desk::open();
    let id = desk.ticket("Касса");
    let ticket = || desk.alia.call("get_ticket", json!({ "ticket_id": id }))["ticket"].clone();
    desk.omar
        .call("add_ticket_tag", json!({ "ticket_id": id, "name": "vip" }));
    for (verb, more) in [
        ("hold_ticket", json!({})),
        ("resume_ticket", json!({})),
        ("add_ticket_tag", json!({ "name": "касса" })),
        ("remove_ticket_tag", json!({ "name": "vip" })),
        ("snooze_ticket", json!({ "until": "2099-03-19T10:30:00Z" })),
        ("unsnooze_ticket", json!({})),
        (
            "complete_ticket",
            json!({ "result": "Готово", "hours_spent": 1 }),
        ),
        ("reopen_ticket", json!({})),
    ] {
        let seen = ticket();
        let other = json!({ "ticket_id": id, "subject": format!("До {verb}") });
        let changed = desk.saule.call("update_ticket", other);
        let mut body = more;
        body["ticket_id"] = id.into();
        body["version"] = seen["version"].clone();
        let refusal = desk.omar.ask(verb, &body);
        assert_eq!(
            (refusal.status, refusal.code(), &refusal.json()["field"]),
            (400, "conflict".into(), &json!("version")),
            "{verb}"
        );
        assert_eq!(refusal.json()["current"]["subject"], changed["subject"]);
        let after = ticket();
        for field in [
            "version",
            "status",
            "tags",
            "snoozed_until",
            "result",
            "hours_spent",
        ] {
            assert_eq!(after[field], changed[field], "{verb} {field}");
        }
        body["version"] = after["version"].clone();
        let done = desk.omar.call(verb, body);
        assert!(
            done["version"].as_i64() > after["version"].as_i64(),
            "{verb}"
        );
    }
    assert_eq!(ticket()["status"], "reopened");
    desk.check();
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
