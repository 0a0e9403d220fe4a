//! Triggers, macros and notifications from outside.
use crate::support::{Desk, Receiver, until, until_so};
use serde_json::{Value, json};

fn save(desk: &Desk, trigger: Value) -> Value {
    desk.alia.call("save_trigger", trigger)
}

fn runs(desk: &Desk) -> Vec<Value> {
    let page = desk.alia.call("list_trigger_runs", json!({ "limit": 100 }));
    page["runs"].as_array().unwrap().clone()
}

fn ticket(desk: &Desk, id: i64) -> Value {
    desk.key.call("get_ticket", json!({ "ticket_id": id }))
}

#[test]
fn a_trigger_acts_on_what_it_was_written_for_before_the_call_is_answered() {
    let desk = Desk::open();
    let omar = desk.alia.call("list_operators", json!({}));
    let omar = omar
        .as_array()
        .unwrap()
        .iter()
        .find(|o| o["role"] == "operator")
        .unwrap()["id"]
        .clone();
    save(
        &desk,
        json!({
            "name": "Касса срочно", "event": "ticket_created",
            "conditions": { "all": [{ "field": "subject", "op": "contains", "value": "касса" }] },
            "actions": [
                { "type": "set_priority", "value": "urgent" },
                { "type": "assign", "value": "least_loaded" },
                { "type": "add_tag", "value": "деньги" },
                { "type": "add_note", "value": "Заявка №{{ticket.id}}: {{ticket.subject}}" },
                { "type": "notify", "value": "supervisors", "text": "Касса у {{client.name}}" },
            ],
        }),
    );
    let body =
        json!({ "subject": "КАССА не печатает", "description": "Стоим", "contact_name": "Асем" });
    let made = desk.key.call("create_ticket", body);
    assert_eq!(
        (&made["priority"], &made["assigned_to"]),
        (&json!("urgent"), &omar)
    );
    assert_eq!(made["tags"][0]["name"], "деньги");
    let whole = ticket(&desk, made["id"].as_i64().unwrap());
    let note = &whole["messages"][1];
    assert_eq!(note["is_note"], true);
    assert_eq!(
        note["message"],
        format!("Заявка №{}: КАССА не печатает", made["id"])
    );
    assert_eq!(note["author_name"], "Касса срочно");
    assert_eq!(
        desk.saule.call("get_notifications", json!({}))[0]["text"],
        "Касса у Асем"
    );
    // Omar was put in charge by the rule, and is told.
    assert_eq!(
        desk.omar.call("get_notifications", json!({}))[0]["kind"],
        "assigned"
    );

    let other = desk.ticket("Принтер");
    assert_eq!(ticket(&desk, other)["ticket"]["priority"], "normal");
    let runs = runs(&desk);
    assert_eq!(runs.len(), 1);
    assert_eq!(
        (&runs[0]["outcome"], &runs[0]["ticket_id"]),
        (&json!("done"), &made["id"])
    );
    assert_eq!(runs[0]["actions"].as_array().unwrap().len(), 5);
}

#[test]
fn every_event_sets_off_its_triggers() {
    let desk = Desk::open();
    for event in [
        "ticket_created",
        "ticket_updated",
        "ticket_status_changed",
        "message_received",
    ] {
        save(
            &desk,
            json!({ "name": event, "event": event, "actions": { "add_tag": event } }),
        );
    }
    let client = desk.client("kassa.example", 7, "Асем");
    let body = json!({ "subject": "Почта", "description": "Не ходит" });
    let id = client.call("create_ticket", body)["id"].as_i64().unwrap();
    let tags = || -> Vec<String> {
        let whole = ticket(&desk, id);
        let tags = whole["ticket"]["tags"].as_array().unwrap().iter();
        tags.map(|t| t["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        tags(),
        ["message_received", "ticket_created", "ticket_updated"]
    );
    desk.omar.call(
        "add_message",
        json!({ "ticket_id": id, "message": "Смотрю" }),
    );
    assert!(tags().contains(&"ticket_status_changed".to_owned()));
    // Two fields of one call are one change.
    let before = runs(&desk).len();
    let by_hand = json!({ "ticket_id": id, "priority": "low", "category": "crm" });
    desk.omar.call("update_ticket", by_hand);
    assert_eq!(runs(&desk).len(), before + 1);
}

#[test]
fn triggers_that_set_each_other_off_come_to_an_end() {
    let desk = Desk::open();
    for (name, from, to) in [("Туда", "low", "urgent"), ("Обратно", "urgent", "low")] {
        save(
            &desk,
            json!({
                "name": name, "event": "ticket_updated", "conditions": { "priority": from },
                "actions": { "set_priority": to },
            }),
        );
    }
    let id = desk.ticket("Качели");
    let body = json!({ "ticket_id": id, "priority": "low" });
    desk.omar.call("update_ticket", body);
    // Each sees what the one before it did; the first that would run a second time in a chain is stopped, and that is the end.
    let runs = runs(&desk);
    let outcomes: Vec<&str> = runs.iter().filter_map(|r| r["outcome"].as_str()).collect();
    let count = |outcome: &str| outcomes.iter().filter(|o| **o == outcome).count();
    assert!((2..=4).contains(&count("done")), "{outcomes:?}");
    assert!(count("stopped") >= 1, "{outcomes:?}");
    assert_eq!(count("failed"), 0);
    let stopped = runs.iter().find(|r| r["outcome"] == "stopped").unwrap();
    assert_eq!(stopped["error"], "правило вызвало само себя");
    assert_eq!(stopped["actions"], json!([]));
}

#[test]
fn a_trigger_that_fails_says_so_and_loses_nothing_else() {
    let desk = Desk::open();
    save(
        &desk,
        json!({
            "name": "Нельзя", "event": "ticket_status_changed", "conditions": { "status": "done" }, "position": 1,
            "actions": [{ "type": "add_tag", "value": "наполовину" }, { "type": "set_status", "value": "on_hold" }],
        }),
    );
    save(
        &desk,
        json!({
            "name": "Можно", "event": "ticket_status_changed", "conditions": { "status": "done" }, "position": 2,
            "actions": [{ "type": "add_tag", "value": "готово" }],
        }),
    );
    let id = desk.ticket("Сделаем");
    let done = desk.omar.call(
        "complete_ticket",
        json!({ "ticket_id": id, "result": "Сделано" }),
    );
    assert_eq!(done["status"], "done");
    let names: Vec<&str> = done["tags"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|t| t["name"].as_str())
        .collect();
    assert_eq!(names, ["готово"]);
    let runs = runs(&desk);
    assert_eq!(
        (&runs[1]["trigger_name"], &runs[1]["outcome"]),
        (&json!("Нельзя"), &json!("failed"))
    );
    assert!(
        runs[1]["error"].as_str().unwrap().contains("on_hold"),
        "{}",
        runs[1]
    );
    assert_eq!(runs[0]["outcome"], "done");
    desk.check();
}

#[test]
fn an_idle_ticket_is_looked_at_once_in_a_stretch_of_quiet() {
    let mut desk = Desk::open();
    let id = desk.ticket("Забытая");
    save(
        &desk,
        json!({
            "name": "Напомнить", "event": "ticket_idle", "conditions": { "hours": 0.0001 },
            "actions": [{ "type": "add_note", "value": "Давно без движения" }],
        }),
    );
    let missing = json!({ "name": "x", "event": "ticket_idle", "actions": { "add_tag": "x" } });
    let refused = desk.alia.ask("save_trigger", &missing);
    assert_eq!(refused.json()["field"], "hours");
    // The clock looks when the program starts, and then every minute.
    std::thread::sleep(std::time::Duration::from_millis(500));
    desk.crash();
    until_so("the idle ticket to be seen", || runs(&desk).len() == 1);
    desk.crash();
    std::thread::sleep(std::time::Duration::from_secs(1));
    assert_eq!(runs(&desk).len(), 1);
    assert_eq!(
        ticket(&desk, id)["messages"][1]["message"],
        "Давно без движения"
    );
    desk.omar.call(
        "add_message",
        json!({ "ticket_id": id, "message": "Вспомнил", "is_note": true }),
    );
    std::thread::sleep(std::time::Duration::from_millis(500));
    desk.crash();
    until_so("the ticket to be seen again", || runs(&desk).len() == 2);
}

#[test]
fn a_trial_tells_and_writes_nothing() {
    let desk = Desk::open();
    let id = desk.ticket("Касса");
    desk.ticket("Принтер");
    let made = save(
        &desk,
        json!({
            "name": "Касса", "event": "ticket_created", "conditions": { "all": [{ "field": "subject", "op": "contains", "value": "касса" }] },
            "actions": [{ "type": "send_message", "value": "Заявка №{{ticket.id}} принята" }, { "type": "set_priority", "value": "urgent" }],
        }),
    );
    let rows = || {
        [
            "event",
            "message",
            "ticket_tag",
            "trigger_run",
            "notification",
            "audit_log",
            "outbox",
        ]
        .map(|table| desk.count(&format!("select count(*) from {table}")))
    };
    let before = rows();
    let one = desk.alia.call(
        "test_trigger",
        json!({ "trigger_id": made["id"], "ticket_id": id }),
    );
    assert_eq!(one["matches"], true);
    assert_eq!(
        one["results"][0]["actions"][0]["value"],
        format!("Заявка №{id} принята")
    );
    let many = desk.alia.call(
        "test_trigger",
        json!({ "trigger_id": made["id"], "last": 50 }),
    );
    assert_eq!(
        (&many["looked_at"], &many["matched"]),
        (&json!(2), &json!(1))
    );
    let miss = &many["results"][0];
    assert_eq!(
        (
            &miss["matches"],
            &miss["all"][0]["actual"],
            &miss["all"][0]["holds"]
        ),
        (&json!(false), &json!("Принтер"), &json!(false))
    );
    assert_eq!(rows(), before);
    assert_eq!(
        desk.greta
            .refused("test_trigger", json!({ "trigger_id": made["id"] })),
        (400, "trigger_not_found".into())
    );
    assert_eq!(
        desk.alia.refused(
            "test_trigger",
            json!({ "trigger_id": made["id"], "ticket_id": 999 })
        ),
        (400, "ticket_not_found".into())
    );
}

#[test]
fn a_trigger_calls_a_webhook_and_names_what_it_cannot_do() {
    let desk = Desk::open_with(&["--private-targets", "allow"]);
    let receiver = Receiver::start(Vec::new());
    let made = save(
        &desk,
        json!({
            "name": "Позвонить", "event": "ticket_created", "actions": [{ "type": "call_webhook", "url": receiver.url() }],
        }),
    );
    assert!(made["actions"][0]["value"].is_i64());
    let id = desk.ticket("Звонок");
    let call = receiver.wait(1)[0].json();
    assert_eq!(
        (&call["type"], &call["data"]["ticket_id"]),
        (&json!("trigger.fired"), &json!(id))
    );
    assert_eq!(call["data"]["trigger"]["name"], "Позвонить");

    for (actions, code, field) in [
        (
            json!([{ "type": "assign", "value": 999 }]),
            "operator_not_found",
            "actions[0].value",
        ),
        (
            json!([{ "type": "set_category", "value": "unknown" }]),
            "category_not_found",
            "actions[0].value",
        ),
        (
            json!([{ "type": "call_webhook", "value": 999 }]),
            "webhook_not_found",
            "actions[0].value",
        ),
        (
            json!([{ "type": "send_message", "value": "{{client.nmae}}" }]),
            "invalid_parameter",
            "actions[0].value",
        ),
        (json!([]), "invalid_parameter", "actions"),
    ] {
        let reply = desk.alia.ask(
            "save_trigger",
            &json!({ "name": "x", "event": "ticket_created", "actions": actions }),
        );
        assert_eq!(
            (reply.status, reply.code()),
            (400, code.into()),
            "{actions}"
        );
        assert_eq!(reply.json()["field"], field, "{actions}");
    }
    let theirs = json!({ "id": made["id"], "name": "x", "event": "ticket_created", "actions": { "add_tag": "x" } });
    assert_eq!(
        desk.greta.refused("save_trigger", theirs),
        (400, "trigger_not_found".into())
    );
    assert_eq!(
        desk.alia
            .call("delete_trigger", json!({ "trigger_id": made["id"] }))["deleted"],
        true
    );
}

#[test]
fn what_a_trigger_writes_to_the_client_is_no_answer_of_the_desk() {
    let desk = Desk::open();
    save(
        &desk,
        json!({
            "name": "Приняли", "event": "ticket_created",
            "actions": [{ "type": "send_message", "value": "Здравствуйте, {{client.name}}! Заявка №{{ticket.id}} принята." }],
        }),
    );
    let client = desk.client("kassa.example", 7, "Асем");
    let id = client.call(
        "create_ticket",
        json!({ "subject": "Почта", "description": "Не ходит" }),
    )["id"]
        .as_i64()
        .unwrap();
    let seen = client.call("get_ticket", json!({ "ticket_id": id }));
    assert_eq!(
        seen["messages"][1]["message"],
        format!("Здравствуйте, Асем! Заявка №{id} принята.")
    );
    assert_eq!(seen["messages"][1]["author_name"], "acme");
    let whole = ticket(&desk, id);
    assert_eq!(whole["ticket"]["status"], "new");
    assert!(whole["ticket"]["first_response_at"].is_null());
}

#[test]
fn a_macro_says_and_does_in_one_go() {
    let desk = Desk::open();
    let made = desk.omar.call("save_macro", json!({
        "title": "Ждём", "content": "{{client.name}}, пришлите номер договора. {{operator.name}}",
        "actions": [{ "type": "assign", "value": "me" }, { "type": "set_status", "value": "on_hold" }, { "type": "add_tag", "value": "ждём" }],
    }));
    let body = json!({ "subject": "Договор", "description": "Нужен счёт", "contact_name": "Асем" });
    let id = desk.key.call("create_ticket", body)["id"].as_i64().unwrap();
    let ids = json!({ "ticket_id": id, "macro_id": made["id"] });
    let preview = desk.omar.call("preview_macro", ids.clone());
    assert_eq!(
        preview["text"],
        "Асем, пришлите номер договора. Омар Сеитов"
    );
    assert_eq!(ticket(&desk, id)["messages"].as_array().unwrap().len(), 1);
    let after = desk.omar.call("apply_macro", ids.clone());
    assert_eq!(
        (&after["status"], &after["assigned_name"]),
        (&json!("on_hold"), &json!("Омар Сеитов"))
    );
    assert_eq!(ticket(&desk, id)["messages"][1]["message"], preview["text"]);

    assert_eq!(desk.key.call("list_macros", json!({}))[0]["title"], "Ждём");
    let wrong = desk.omar.ask(
        "save_macro",
        &json!({ "title": "x", "content": "{{ticket.colour}}" }),
    );
    assert_eq!(wrong.json()["field"], "content");
    let empty = desk.omar.ask("save_macro", &json!({ "title": "x" }));
    assert_eq!(empty.code(), "missing_parameter");
    // Half a macro is none: the ticket is done, so it cannot be put on hold, and nothing is said.
    desk.omar.call(
        "complete_ticket",
        json!({ "ticket_id": id, "result": "Готово" }),
    );
    assert_eq!(
        desk.omar.refused("apply_macro", ids.clone()),
        (400, "illegal_transition".into())
    );
    assert_eq!(ticket(&desk, id)["messages"].as_array().unwrap().len(), 2);
    assert_eq!(
        desk.greta.refused("apply_macro", ids),
        (400, "macro_not_found".into())
    );
    assert_eq!(
        desk.greta
            .refused("delete_macro", json!({ "macro_id": made["id"] })),
        (400, "macro_not_found".into())
    );
}

#[test]
fn operators_are_told_of_what_concerns_them_and_of_nothing_else() {
    let desk = Desk::open();
    let client = desk.client("kassa.example", 7, "Асем");
    let id = client.call(
        "create_ticket",
        json!({ "subject": "Касса", "description": "Стоит" }),
    )["id"]
        .as_i64()
        .unwrap();
    let count = |who: &crate::support::Caller| who.call("notif_count", json!({}))["count"].clone();
    assert_eq!(count(&desk.omar), 0);
    let operators = desk.alia.call("list_operators", json!({}));
    let omar = operators
        .as_array()
        .unwrap()
        .iter()
        .find(|o| o["role"] == "operator")
        .unwrap()["id"]
        .clone();
    desk.saule.call(
        "reassign_ticket",
        json!({ "ticket_id": id, "assigned_to": omar }),
    );
    client.call(
        "add_message",
        json!({ "ticket_id": id, "message": "Всё ещё стоит" }),
    );
    desk.alia.call(
        "add_message",
        json!({ "ticket_id": id, "message": "@Омар, позвони им", "is_note": true }),
    );
    // What he does himself he knows.
    desk.omar.call(
        "add_message",
        json!({ "ticket_id": id, "message": "Я, @Омар, звоню", "is_note": true }),
    );
    assert_eq!(count(&desk.omar), 3);
    let told = desk.omar.call("get_notifications", json!({ "limit": 20 }));
    let texts: Vec<&str> = told
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|n| n["text"].as_str())
        .collect();
    let ru = desk
        .omar
        .header("accept-language", "ru")
        .call("get_notifications", json!({}));
    assert_eq!(ru[0]["text"], "Алия Нурбекова упоминает вас в заметке");
    assert_eq!(texts[2], "Сауле Ахметова assigned a ticket to you");
    assert_eq!(
        (&told[1]["kind"], &told[1]["subject"]),
        (&json!("message"), &json!("Касса"))
    );
    assert_eq!(
        (count(&desk.alia), count(&desk.saule), count(&desk.greta)),
        (json!(0), json!(0), json!(0))
    );

    let one = json!({ "notification_ids": [told[0]["id"]] });
    assert_eq!(
        desk.saule.call("mark_notifications_read", one.clone())["count"],
        0
    );
    assert_eq!(desk.omar.call("mark_notifications_read", one)["count"], 2);
    assert_eq!(
        desk.omar.call("mark_notifications_read", json!({}))["count"],
        0
    );

    desk.omar.call(
        "save_notification_settings",
        json!({ "kinds": [{ "kind": "message", "in_desk": false, "by_mail": "off" }] }),
    );
    client.call("add_message", json!({ "ticket_id": id, "message": "Ау" }));
    assert_eq!(count(&desk.omar), 0);
    let wrong = desk.omar.ask(
        "save_notification_settings",
        &json!({ "quiet": { "from": "25:00", "to": "08:00" } }),
    );
    assert_eq!(wrong.json()["field"], "quiet.from");
    let settings = until("the settings", || {
        Some(desk.omar.call("get_notification_settings", json!({})))
    });
    let kinds = settings["kinds"].as_array().unwrap();
    assert!(
        kinds
            .iter()
            .any(|k| k["kind"] == "message" && k["in_desk"] == false)
    );
    assert!(kinds.iter().all(|k| k["kind"] != "webhook_off"));
}
