//! Figures as the API answers them: the dashboard, the analysis of some days, and reports as JSON and as files.
use crate::support::{Desk, http::Reply};
use serde_json::{Value, json};

/// A desk where two tickets of a client are open, one is done and one is another client's.
fn busy() -> Desk {
    let desk = Desk::open();
    for (portal, company) in [("a.kz", "ТОО Альфа"), ("b.kz", "ИП Бета")] {
        desk.alia.call(
            "create_client",
            json!({ "portal_domain": portal, "company_name": company }),
        );
    }
    let open = |subject: &str, portal: &str, priority: &str| {
        let body = json!({
            "subject": subject, "description": "не работает", "portal_domain": portal, "priority": priority,
            "category": "crm", "contact_phone": "+7 701 000 00 00"
        });
        desk.omar.call("create_ticket", body)["id"].clone()
    };
    open("=cmd|' /C calc'!A0", "a.kz", "urgent");
    open("Принтер", "a.kz", "normal");
    open("Касса", "b.kz", "low");
    let done = open("Сканер", "b.kz", "normal");
    desk.omar.call("take_ticket", json!({ "ticket_id": done }));
    desk.omar.call(
        "add_message",
        json!({ "ticket_id": done, "message": "Проверьте" }),
    );
    desk.omar.call(
        "complete_ticket",
        json!({ "ticket_id": done, "result": "Заменили кабель", "hours_spent": 1.5 }),
    );
    desk
}

#[test]
fn the_dashboard_counts_what_is_there_and_of_this_tenant_only() {
    let desk = busy();
    let seen = desk.key.call("dashboard", json!({}));
    for (figure, value) in [
        ("total_open", 3),
        ("total_new", 3),
        ("total_in_progress", 0),
        ("total_done", 1),
        ("total_on_hold", 0),
        ("avg_response_min", 0),
        ("sla_compliance_pct", 100),
    ] {
        assert_eq!(seen[figure], value, "{figure}");
    }
    assert_eq!(seen["avg_resolution_hours"], 0.0);
    assert_eq!(
        seen["per_portal"],
        json!([
            { "portal_domain": "a.kz", "company_name": "ТОО Альфа", "open": 2, "new": 2 },
            { "portal_domain": "b.kz", "company_name": "ИП Бета", "open": 1, "new": 1 },
        ])
    );
    let other = desk.greta.call("dashboard", json!({}));
    assert_eq!(
        (&other["total_open"], &other["avg_response_min"]),
        (&json!(0), &Value::Null)
    );
    assert_eq!(other["sla_compliance_pct"], Value::Null);
    assert_eq!(other["per_portal"], json!([]));
}

#[test]
fn what_was_answered_before_a_change_is_not_answered_after_it() {
    let desk = Desk::open();
    let list = || {
        desk.alia
            .call("list_tickets", json!({ "status": "active" }))
    };
    for n in 1..=40 {
        let before = list();
        assert_eq!(before["total"], n - 1);
        assert_eq!(list(), before);
        let counts = desk.alia.call("ticket_counts", json!({}));
        assert_eq!(counts["active"], n - 1);
        let subject = format!("Принтер {n}");
        let new = json!({ "subject": subject, "description": "не печатает" });
        let id = desk.omar.call("create_ticket", new)["id"].clone();
        let after = list();
        assert_eq!(after["total"], n);
        assert_eq!(after["tickets"][0]["id"], id);
        assert_eq!(desk.alia.call("ticket_counts", json!({}))["active"], n);
        assert_eq!(desk.alia.call("dashboard", json!({}))["total_open"], n);
        // Another asks the same of another desk.
        assert_eq!(
            desk.greta
                .call("list_tickets", json!({ "status": "active" }))["total"],
            0
        );
    }
    // What one has in charge is not what another has.
    desk.omar.call("take_ticket", json!({ "ticket_id": 1 }));
    for _ in 0..2 {
        let mine = json!({ "assigned_to": "me" });
        assert_eq!(desk.omar.call("list_tickets", mine.clone())["total"], 1);
        assert_eq!(desk.alia.call("list_tickets", mine)["total"], 0);
    }
}

#[test]
fn totals_of_narrowed_lists_are_those_of_the_rows() {
    let desk = busy();
    for filter in [
        json!({}),
        json!({ "status": "active" }),
        json!({ "status": "done" }),
        json!({ "priority": "normal" }),
        json!({ "priority": "normal", "status": "active" }),
        json!({ "category": "crm" }),
        json!({ "category": "none_such" }),
        json!({ "portal_domain": "a.kz" }),
        json!({ "portal_domain": "unknown.kz" }),
        json!({ "portal_domain": "b.kz", "priority": "low" }),
        json!({ "assigned_to": "me" }),
        json!({ "assigned_to": "none", "status": "new" }),
        json!({ "channel": "api" }),
        json!({ "channel": "email" }),
    ] {
        let page = desk.omar.call("list_tickets", filter.clone());
        let rows = page["tickets"].as_array().unwrap().len();
        assert_eq!(page["total"], rows, "{filter}");
    }
}

#[test]
fn the_analysis_of_some_days_ends_with_today() {
    let desk = busy();
    let seen = desk.key.call("dashboard_analytics", json!({ "days": "7" }));
    let daily = seen["daily"].as_array().unwrap();
    assert_eq!(daily.len(), 7);
    let today = &daily[6];
    assert_eq!(
        (
            &today["created"],
            &today["done"],
            &today["closed"],
            &today["messages"]
        ),
        (&json!(4), &json!(1), &json!(0), &json!(5))
    );
    assert!(
        daily[..6]
            .iter()
            .all(|day| day["created"] == 0 && day["messages"] == 0)
    );
    assert_eq!(
        seen["by_category"],
        json!([{ "category": "crm", "count": 4 }])
    );
    assert_eq!(
        seen["by_priority"],
        json!([
            { "priority": "urgent", "count": 1 },
            { "priority": "normal", "count": 2 },
            { "priority": "low", "count": 1 },
        ])
    );
    assert_eq!(
        seen["by_channel"],
        json!([{ "channel": "api", "count": 4 }])
    );
    assert_eq!(
        seen["sla"],
        json!({ "response_met": 1, "response_breached": 0, "resolution_met": 1, "resolution_breached": 0, "compliance_pct": 100 })
    );
    assert_eq!(
        (&seen["backlog"], &seen["avg_response_min"]),
        (&json!(3), &json!(0))
    );
    let usual = desk.key.call("dashboard_analytics", json!({}));
    assert_eq!(usual["daily"].as_array().unwrap().len(), 30);
    for days in [json!(0), json!(-1), json!(100_000), json!("many")] {
        let reply = desk
            .key
            .ask("dashboard_analytics", &json!({ "days": days }));
        assert_eq!(
            (reply.status, reply.code()),
            (400, "invalid_parameter".into())
        );
        assert_eq!(reply.json()["field"], "days");
    }
}

#[test]
fn a_report_on_operators_names_everybody_and_what_they_did() {
    let desk = busy();
    let rows = desk.key.call("report_operators", json!({ "days": 1 }));
    let omar = rows
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["name"] == "Омар Сеитов")
        .unwrap();
    assert_eq!(
        (
            &omar["assigned"],
            &omar["done"],
            &omar["avg_response_min"],
            &omar["hours_logged"]
        ),
        (&json!(1), &json!(1), &json!(0), &json!(1.5))
    );
    assert_eq!(rows.as_array().unwrap().len(), 3);
    let idle = rows
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["name"] == "Сауле Ахметова")
        .unwrap();
    assert_eq!(
        (&idle["assigned"], &idle["avg_resolution_hours"]),
        (&json!(0), &Value::Null)
    );
}

#[test]
fn ratings_count_for_the_desk_and_for_who_did_the_work() {
    let desk = Desk::open();
    let client = desk.client("a.kz", 7, "Асем");
    let body = json!({ "subject": "Принтер", "description": "не печатает" });
    let id = client.call("create_ticket", body)["id"].clone();
    desk.omar.call("take_ticket", json!({ "ticket_id": id }));
    desk.omar.call(
        "complete_ticket",
        json!({ "ticket_id": id, "result": "Готово" }),
    );
    client.call("submit_csat", json!({ "ticket_id": id, "rating": 4 }));
    let seen = desk.key.call("dashboard_analytics", json!({}));
    assert_eq!(
        seen["csat"],
        json!({ "avg": 4.0, "count": 1, "distribution": { "1": 0, "2": 0, "3": 0, "4": 1, "5": 0 } })
    );
    let rows = desk.key.call("report_operators", json!({}));
    let of = |name: &str| {
        let row = rows.as_array().unwrap().iter().find(|r| r["name"] == name);
        row.map(|r| (r["csat_avg"].clone(), r["csat_count"].clone()))
            .unwrap()
    };
    assert_eq!(of("Омар Сеитов"), (json!(4.0), json!(1)));
    assert_eq!(of("Сауле Ахметова"), (Value::Null, json!(0)));
    let tickets = desk.key.call("report_tickets", json!({}));
    assert_eq!(tickets[0]["csat"], 4);
}

fn kind(reply: &Reply) -> (&str, &str) {
    let header = |name| reply.header(name).unwrap_or_default();
    (header("content-type"), header("content-disposition"))
}

#[test]
fn a_report_on_tickets_is_json_or_a_file() {
    let desk = busy();
    let rows = desk.key.call("report_tickets", json!({}));
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 4);
    let done = &rows[0];
    for (field, value) in [
        ("subject", json!("Сканер")),
        ("status", json!("done")),
        ("portal_domain", json!("b.kz")),
        ("assigned_name", json!("Омар Сеитов")),
        ("hours_spent", json!(1.5)),
        ("result", json!("Заменили кабель")),
        ("response_min", json!(0)),
        ("sla_resolution_breached", json!(false)),
    ] {
        assert_eq!(done[field], value, "{field}");
    }

    let csv = desk.key.ask("report_tickets", &json!({ "format": "csv" }));
    assert_eq!(csv.status, 200);
    assert_eq!(
        kind(&csv),
        (
            "text/csv; charset=utf-8; header=present",
            "attachment; filename=\"tickets.csv\""
        )
    );
    let lines: Vec<&str> = csv.text().split("\r\n").collect();
    assert_eq!(lines.len(), 6);
    let head: Vec<&str> = lines[0].split(',').collect();
    let fields: Vec<&String> = done.as_object().unwrap().keys().collect();
    assert_eq!(head, fields);
    assert!(lines[4].contains(",'=cmd|"), "{}", lines[4]);
    assert!(lines[4].contains(",'+7 701"), "{}", lines[4]);

    let xlsx = desk
        .key
        .ask("report_tickets", &json!({ "format": "xlsx", "days": 7 }));
    assert!(xlsx.body.starts_with(b"PK"));
    assert_eq!(
        kind(&xlsx),
        (
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "attachment; filename=\"tickets.xlsx\""
        )
    );
    let refused = desk.key.ask("report_tickets", &json!({ "format": "pdf" }));
    assert_eq!(
        (refused.status, refused.code()),
        (400, "invalid_parameter".into())
    );
    assert_eq!(refused.json()["allowed"], json!(["json", "csv", "xlsx"]));
    let other = desk.greta.call("report_tickets", json!({}));
    assert_eq!(other, json!([]));
}

#[test]
fn figures_are_part_of_the_plans_that_have_them() {
    let desk = Desk::open();
    let actions = [
        "dashboard",
        "dashboard_analytics",
        "report_tickets",
        "report_operators",
    ];
    for (plan, lacking) in [("free", 4), ("starter", 3), ("pro", 0)] {
        desk.dir.run(&["tenant", "update", "1", "--plan", plan], "");
        let refused = actions
            .iter()
            .filter(|action| desk.omar.ask(action, &json!({})).status == 403)
            .count();
        assert_eq!(refused, lacking, "{plan}");
    }
}
