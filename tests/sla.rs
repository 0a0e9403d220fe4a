//! Service levels, tariffs, estimates, time and ratings, asked from outside.
use crate::support::{Caller, Desk, until};
use serde_json::{Value, json};

const PORTAL: &str = "client.example";

/// A client of acme, and one of its people.
fn client(desk: &Desk, settings: Value) -> Caller {
    let mut body = json!({ "portal_domain": PORTAL, "company_name": "ТОО «Рога и Копыта»" });
    for (name, value) in settings.as_object().unwrap() {
        body[name] = value.clone();
    }
    desk.key.call("create_client", body);
    let token = desk.key.call(
        "create_client_token",
        json!({ "portal_domain": PORTAL, "user_id": 7, "user_name": "Иван Петров" }),
    );
    Caller::with_token(&desk.address(), token["token"].as_str().unwrap())
}

fn ask(ivan: &Caller) -> Value {
    ivan.call(
        "create_ticket",
        json!({ "subject": "Отчёт", "description": "Нужен отчёт по продажам", "priority": "urgent" }),
    )["id"]
        .clone()
}

fn open(desk: &Desk, priority: &str) -> Value {
    desk.key.call(
        "create_ticket",
        json!({ "subject": "Касса", "description": "Стоит", "priority": priority }),
    )
}

fn ticket(desk: &Desk, id: &Value) -> Value {
    desk.key.call("get_ticket", json!({ "ticket_id": id }))["ticket"].clone()
}

fn kinds(desk: &Desk, id: &Value) -> Vec<String> {
    let whole = desk.key.call("get_ticket", json!({ "ticket_id": id }));
    let history = whole["history"].as_array().unwrap();
    history
        .iter()
        .map(|entry| entry["kind"].as_str().unwrap().to_owned())
        .collect()
}

/// Changes rows behind the program's back: nobody waits for an hour in a test.
fn age(desk: &Desk, sql: &str) {
    let conn = rusqlite::Connection::open(desk.dir.database()).unwrap();
    conn.busy_timeout(std::time::Duration::from_secs(10))
        .unwrap();
    conn.execute_batch(sql).unwrap();
}

fn around_the_clock() -> Value {
    json!({ "timezone": "UTC", "days": vec![vec![["00:00", "24:00"]]; 7], "holidays": [] })
}

#[test]
fn rules_are_read_by_key_and_saved_by_an_admin_who_moves_what_runs() {
    let desk = Desk::open();
    let rules = desk.key.call("get_sla_rules", json!({}));
    assert_eq!(rules["urgent"]["response_minutes"], 30);
    desk.alia.call("save_business_hours", around_the_clock());
    let opened = open(&desk, "urgent");
    let saved = desk.alia.call(
        "save_sla_rules",
        json!({ "urgent": { "response_minutes": 45, "resolution_minutes": 90 } }),
    );
    assert_eq!(saved["urgent"]["resolution_minutes"], 90);
    assert_eq!(saved["normal"], rules["normal"]);
    let moved = ticket(&desk, &opened["id"]);
    let minutes = |from: &Value, to: &Value| {
        let at = |v: &Value| v.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        at(to).duration_since(at(from)).as_secs() / 60
    };
    assert_eq!(minutes(&moved["created_at"], &moved["sla_response_at"]), 45);
    assert_eq!(
        minutes(&moved["created_at"], &moved["sla_resolution_at"]),
        90
    );
    assert_eq!(
        desk.key.refused("save_sla_rules", json!({})),
        (403, "session_only".into())
    );
    assert_eq!(
        desk.omar.refused("save_sla_rules", json!({})),
        (403, "role_required".into())
    );
    let reply = desk.alia.ask(
        "save_sla_rules",
        &json!({ "low": { "response_minutes": 60, "resolution_minutes": 30 } }),
    );
    assert_eq!(reply.json()["field"], "low.resolution_minutes");
    assert_eq!(
        desk.greta.call("get_sla_rules", json!({}))["urgent"]["response_minutes"],
        30
    );
}

#[test]
fn hours_name_the_part_at_fault_in_the_caller_s_language() {
    let desk = Desk::open();
    let hours = desk.key.call("get_business_hours", json!({}));
    assert_eq!(hours["days"].as_array().unwrap().len(), 7);
    let mut days = vec![json!([]); 7];
    days[2] = json!([{ "from": "09:00", "to": "13:00" }, { "from": "12:00", "to": "18:00" }]);
    let reply = desk.alia.ask(
        "save_business_hours",
        &json!({ "days": days, "lang": "ru" }),
    );
    let refusal = reply.json();
    assert_eq!(refusal["field"], "days[2][1]");
    assert!(
        refusal["error"].as_str().unwrap().contains("пересекается"),
        "{refusal}"
    );
    let refused = |body: Value| desk.alia.ask("save_business_hours", &body).json()["field"].clone();
    assert_eq!(refused(json!({ "days": [] })), "days");
    let week = vec![json!([]); 7];
    assert_eq!(
        refused(json!({ "days": week, "timezone": "Mars/Olympus" })),
        "timezone"
    );
    assert_eq!(
        refused(json!({ "days": week, "holidays": ["2026-02-30"] })),
        "holidays[0]"
    );
    assert_eq!(desk.key.call("get_business_hours", json!({})), hours);
    let preset = desk
        .alia
        .call("list_holidays", json!({ "country": "kz", "year": 2026 }));
    assert!(
        preset["days"]
            .as_array()
            .unwrap()
            .contains(&json!("2026-12-16"))
    );
    let saved = desk.alia.call(
        "save_business_hours",
        json!({ "timezone": "Asia/Almaty", "days": week, "holidays": preset["days"] }),
    );
    assert_eq!(saved["holidays"], preset["days"]);
    assert_eq!(
        ticket(&desk, &open(&desk, "low")["id"])["sla_response_at"],
        Value::Null
    );
}

#[test]
fn a_late_ticket_is_told_of_once_and_explained() {
    let desk = Desk::open();
    desk.alia.call("save_business_hours", around_the_clock());
    let opened = open(&desk, "urgent");
    let id = &opened["id"];
    age(
        &desk,
        "update ticket set created_at = created_at - 3600000 where id = 1;
         update event set at = at - 3600000 where ticket_id = 1;",
    );
    desk.alia.call("save_sla_rules", json!({}));
    until("the breach to be told", || {
        kinds(&desk, id)
            .contains(&"sla_breach".to_owned())
            .then_some(())
    });
    desk.alia.call("save_sla_rules", json!({}));
    std::thread::sleep(std::time::Duration::from_millis(2500));
    let told = kinds(&desk, id).into_iter().filter(|k| k == "sla_breach");
    assert_eq!(told.count(), 1);
    let late = ticket(&desk, id);
    assert_eq!(
        (&late["sla_response_breached"], &late["version"]),
        (&json!(true), &opened["version"]),
        "nobody has changed the ticket"
    );
    desk.omar.call("hold_ticket", json!({ "ticket_id": id }));
    let explained = desk.key.call("explain_sla", json!({ "ticket_id": id }));
    assert_eq!(explained["response"]["breached"], true);
    assert_eq!(explained["response"]["promised_minutes"], 30);
    assert_eq!(explained["response"]["running"], false, "it is on hold");
    assert_eq!(explained["response"]["due_at"], late["sla_response_at"]);
    assert_eq!(explained["resolution"]["source"], "rules");
    let counted = explained["resolution"]["counted_minutes"].as_f64().unwrap();
    assert!((60.0..62.0).contains(&counted), "{counted}");
    let reasons: Vec<&str> = explained["intervals"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| part["reason"].as_str().unwrap())
        .collect();
    assert_eq!(reasons.first(), Some(&"working_time"));
    assert_eq!(reasons.last(), Some(&"on_hold"));
    assert_eq!(
        desk.greta
            .refused("explain_sla", json!({ "ticket_id": id })),
        (400, "ticket_not_found".into())
    );
}

#[test]
fn a_tariff_promises_its_clients_something_of_its_own() {
    let desk = Desk::open();
    let tariff = desk.alia.call(
        "create_tariff",
        json!({ "code": "gold", "name": "Золотой", "hours_per_month": 20, "hourly_rate": 15000, "currency": "kzt",
                "sla": { "urgent": { "response_minutes": 5, "resolution_minutes": 60 } } }),
    );
    assert_eq!(
        (&tariff["currency"], &tariff["clients"]),
        (&json!("KZT"), &json!(0))
    );
    let ivan = client(&desk, json!({ "tariff_plan": "gold" }));
    let id = ask(&ivan);
    let explained = desk.key.call("explain_sla", json!({ "ticket_id": id }));
    assert_eq!(explained["response"]["promised_minutes"], 5);
    assert_eq!(explained["response"]["source"], "tariff");
    let own = ivan.call("tariff", json!({}));
    assert_eq!(
        (&own["name"], &own["hours_left"], &own["hourly_rate"]),
        (&json!("Золотой"), &json!(20.0), &json!(15000.0))
    );
    // The client's own hours go before the tariff's, until they are taken back.
    let set = |data: Value| {
        desk.key.call(
            "client_settings",
            json!({ "portal_domain": PORTAL, "data": data }),
        )
    };
    assert_eq!(set(json!({ "hours_per_month": 5 }))["hours_per_month"], 5.0);
    assert_eq!(
        set(json!({ "hours_per_month": null }))["hours_per_month"],
        20.0
    );
    let refused = desk.key.ask(
        "client_settings",
        &json!({ "portal_domain": PORTAL, "data": { "tariff_plan": "silver" } }),
    );
    assert_eq!(
        (
            refused.status,
            refused.code().as_str(),
            &refused.json()["field"]
        ),
        (400, "tariff_not_found", &json!("data.tariff_plan"))
    );
    // With another code, the client follows; with other promises, the ticket does.
    desk.alia.call(
        "update_tariff",
        json!({ "tariff_id": tariff["id"], "code": "platinum", "sla": null }),
    );
    assert_eq!(ivan.call("tariff", json!({}))["tariff_plan"], "platinum");
    let explained = desk.key.call("explain_sla", json!({ "ticket_id": id }));
    assert_eq!(explained["response"]["promised_minutes"], 30);
    assert_eq!(
        desk.alia
            .refused("delete_tariff", json!({ "tariff_id": tariff["id"] })),
        (400, "tariff_in_use".into())
    );
    let usual = desk.key.call("get_tariff_plans", json!({}))[0].clone();
    assert_eq!(usual["code"], "standard");
    desk.alia.call(
        "delete_tariff",
        json!({ "tariff_id": tariff["id"], "replace_with": usual["id"] }),
    );
    assert_eq!(ivan.call("tariff", json!({}))["tariff_plan"], "standard");
    assert_eq!(
        desk.alia
            .refused("delete_tariff", json!({ "tariff_id": usual["id"] })),
        (400, "tariff_in_use".into())
    );
    assert_eq!(
        desk.greta
            .refused("update_tariff", json!({ "tariff_id": usual["id"] })),
        (400, "tariff_not_found".into())
    );
    assert_eq!(
        desk.alia.refused(
            "create_tariff",
            json!({ "code": "standard", "name": "Ещё один" })
        ),
        (400, "already_exists".into())
    );
}

#[test]
fn an_estimate_is_agreed_on_with_proof_and_its_versions_are_kept() {
    let desk = Desk::open();
    let ivan = client(
        &desk,
        json!({ "hourly_rate": 12000, "hours_per_month": 10 }),
    );
    let id = ask(&ivan);
    desk.omar.call(
        "set_estimate",
        json!({ "ticket_id": id, "hours": 2.5, "description": "Отчёт по продажам" }),
    );
    let revised = desk.omar.call(
        "set_estimate",
        json!({ "ticket_id": id, "hours": 3, "description": "Отчёт по продажам и возвратам" }),
    );
    assert_eq!(revised["status"], "estimated");
    let offer = &revised["estimate"];
    assert_eq!(
        (&offer["version"], &offer["cost"]),
        (&json!(2), &json!(36000.0))
    );
    let seen = ivan.call("get_ticket", json!({ "ticket_id": id }))["ticket"].clone();
    assert_eq!(
        (&seen["client"]["hours_left"], &seen["estimate"]["hash"]),
        (&json!(10.0), &offer["hash"])
    );
    assert_eq!(
        ivan.refused("approve_estimate", json!({ "ticket_id": id, "version": 1 })),
        (400, "estimate_changed".into())
    );
    ivan.call("approve_estimate", json!({ "ticket_id": id, "version": 2 }));
    let agreed = ticket(&desk, &id);
    let proof = &agreed["estimate"];
    assert_eq!(
        (
            &agreed["status"],
            &proof["status"],
            &proof["decided_by"],
            &proof["decided_via"]
        ),
        (
            &json!("in_progress"),
            &json!("approved"),
            &json!("Иван Петров"),
            &json!("portal")
        )
    );
    assert_eq!(proof["decided_address"], "127.0.0.1");
    let words = format!("{id}\n2\n3\n36000.00\nKZT\nОтчёт по продажам и возвратам");
    assert_eq!(proof["hash"], sha256(&words));
    assert_eq!(agreed["earlier_estimates"][0]["status"], "superseded");
    let own = ivan.call("get_ticket", json!({ "ticket_id": id }));
    assert_eq!(own["ticket"]["estimate"]["decided_address"], Value::Null);
    assert_eq!(
        ivan.refused("approve_estimate", json!({ "ticket_id": id })),
        (400, "estimate_not_found".into())
    );
    // Going past an estimate without the client's word is written down.
    desk.omar.call(
        "set_estimate",
        json!({ "ticket_id": id, "hours": 1, "description": "Ещё час", "cost": 500 }),
    );
    assert_eq!(
        desk.omar.refused(
            "update_ticket",
            json!({ "ticket_id": id, "status": "in_progress" })
        ),
        (400, "illegal_transition".into())
    );
    desk.omar
        .call("take_ticket", json!({ "ticket_id": id, "force": true }));
    assert!(kinds(&desk, &id).contains(&"estimate_forced".to_owned()));
    assert_eq!(ticket(&desk, &id)["estimate"]["status"], "superseded");
}

fn sha256(words: &str) -> String {
    use sha2::Digest;
    data_encoding::HEXLOWER.encode(&sha2::Sha256::digest(words.as_bytes()))
}

#[test]
fn time_is_booked_listed_and_taken_back() {
    let desk = Desk::open();
    let ivan = client(&desk, json!({ "hours_per_month": 10 }));
    let id = ask(&ivan);
    let entry = desk.omar.call(
        "log_time",
        json!({ "ticket_id": id, "minutes": "90", "description": "Разбор", "billable": true }),
    );
    assert_eq!(
        (&entry["minutes"], &entry["operator_name"]),
        (&json!(90), &json!("Омар Сеитов"))
    );
    desk.saule.call(
        "log_time",
        json!({ "ticket_id": id, "minutes": 30, "description": "Обучение", "billable": false }),
    );
    let listed = desk
        .key
        .call("list_time_entries", json!({ "ticket_id": id }));
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert_eq!(ticket(&desk, &id)["hours_spent"], 2.0);
    let used = || ivan.call("tariff", json!({}))["hours_used"].clone();
    assert_eq!(
        used(),
        1.5,
        "what is not billable does not count on the month"
    );
    desk.omar.call(
        "complete_ticket",
        json!({ "ticket_id": id, "result": "Сделано", "hours_spent": 0.5 }),
    );
    assert_eq!(used(), 2.0);
    let of_saule = listed[1]["id"].clone();
    assert_eq!(
        desk.omar
            .refused("delete_time_entry", json!({ "time_entry_id": of_saule })),
        (403, "role_required".into())
    );
    assert_eq!(
        desk.saule
            .call("delete_time_entry", json!({ "time_entry_id": entry["id"] })),
        json!({ "id": entry["id"], "deleted": true })
    );
    assert_eq!(used(), 0.5);
    for (body, field) in [
        (json!({ "ticket_id": id, "minutes": 0 }), "minutes"),
        (
            json!({ "ticket_id": id, "minutes": 5, "spent_at": "2999-01-01T00:00:00Z" }),
            "spent_at",
        ),
    ] {
        assert_eq!(desk.omar.ask("log_time", &body).json()["field"], field);
    }
    assert_eq!(
        desk.greta
            .refused("list_time_entries", json!({ "ticket_id": id })),
        (400, "ticket_not_found".into())
    );
}

#[test]
fn the_work_is_rated_once_for_each_time_it_was_done() {
    let desk = Desk::open();
    let ivan = client(&desk, json!({}));
    let id = ask(&ivan);
    let rate = |rating: i64| {
        ivan.ask(
            "submit_csat",
            &json!({ "ticket_id": id, "rating": rating, "comment": " Спасибо " }),
        )
    };
    assert_eq!(rate(5).code(), "csat_too_early");
    let done = json!({ "ticket_id": id, "result": "Сделано" });
    desk.omar.call("complete_ticket", done.clone());
    assert_eq!(rate(6).json()["field"], "rating");
    let rated = rate(3).data();
    assert_eq!(
        (&rated["id"], &rated["rating"], &rated["comment"]),
        (&id, &json!(3), &json!("Спасибо"))
    );
    assert_eq!(
        rate(4).data()["csat"]["rating"],
        4,
        "another one replaces it"
    );
    ivan.call("accept_ticket", json!({ "ticket_id": id }));
    assert_eq!(ticket(&desk, &id)["csat"]["comment"], "Спасибо");
    age(&desk, "update csat set created_at = created_at - 90000000");
    assert_eq!(rate(1).code(), "csat_given");
    ivan.call("reopen_ticket", json!({ "ticket_id": id }));
    assert_eq!(rate(1).code(), "csat_too_early");
    desk.omar.call("complete_ticket", done);
    assert_eq!(rate(1).data()["csat"]["rating"], 1);
    let told = kinds(&desk, &id)
        .into_iter()
        .filter(|k| k == "csat_received");
    assert_eq!(told.count(), 3);
    assert_eq!(desk.count("select count(*) from csat"), 2);
}

#[test]
fn categories_are_made_named_and_deleted() {
    let desk = Desk::open();
    let made = desk.alia.call(
        "save_category",
        json!({ "code": "printing", "name_ru": "Печать", "name_en": "Printing", "lang": "ru" }),
    );
    assert_eq!(
        (&made["name"], &made["name_kk"]),
        (&json!("Печать"), &json!("Печать"))
    );
    desk.alia.call(
        "save_category",
        json!({ "code": "printing", "name_kk": "Басып шығару" }),
    );
    let listed = desk.key.call("list_categories", json!({ "lang": "kk" }));
    let last = listed.as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (&last["code"], &last["name"]),
        (&json!("printing"), &json!("Басып шығару"))
    );
    let id = desk.key.call(
        "create_ticket",
        json!({ "subject": "Печать", "description": "Не печатает", "category": "printing" }),
    )["id"]
        .clone();
    assert_eq!(
        desk.alia.call(
            "delete_category",
            json!({ "code": "printing", "replace_with": "bugfix" })
        ),
        json!({ "id": "printing", "deleted": true })
    );
    assert_eq!(ticket(&desk, &id)["category"], "bugfix");
    assert_eq!(
        desk.alia
            .refused("delete_category", json!({ "code": "printing" })),
        (400, "category_not_found".into())
    );
    assert_eq!(
        desk.alia
            .refused("delete_category", json!({ "code": "other" })),
        (400, "category_needed".into())
    );
}
