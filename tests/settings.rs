//! What an admin sets up for a tenant: its settings, its looks, demo data, its export; and what the audit log says of it.
use crate::support::{Caller, Desk, desk::PASSWORD, http::Request};
use serde_json::json;

/// A picture of one pixel.
const PIXEL: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";

/// Somebody who looks after the whole installation.
fn head(desk: &Desk) -> Caller {
    let login = "head@acme.example";
    let person = [
        "operator", "add", "--tenant", "acme", "--name", "Head", "--email", login,
    ];
    desk.dir.run(
        &[&person[..], &["--head-admin", "--password-stdin"]].concat(),
        PASSWORD,
    );
    Caller::sign_in(&desk.address(), login, PASSWORD)
}

#[test]
fn a_setting_that_is_given_changes_and_no_other() {
    let desk = Desk::open();
    let before = desk.alia.call("get_settings", json!({}));
    let wanted =
        json!({ "timezone": "europe/moscow", "auto_close_days": 0, "shared_tickets": true });
    let after = desk.alia.call("save_settings", wanted);
    assert_eq!(after["timezone"], "Europe/Moscow");
    assert_eq!(after["auto_close_days"], 0);
    for kept in [
        "id",
        "company_name",
        "locale",
        "reopen_window_days",
        "widget_access",
    ] {
        assert_eq!(before[kept], after[kept], "{kept}");
    }
    assert_eq!(
        desk.alia.call("me", json!({}))["tenant"]["timezone"],
        "Europe/Moscow"
    );
    let client = json!({ "portal_domain": "new.example", "company_name": "New" });
    assert_eq!(
        desk.alia.call("create_client", client)["shared_tickets"],
        true
    );
    desk.alia.call(
        "save_settings",
        json!({ "company_name": " ТОО «Жаңа» ", "widget_access": "strict" }),
    );
    assert_eq!(
        desk.alia.call("me", json!({}))["tenant"]["name"],
        "ТОО «Жаңа»"
    );
    assert_eq!(
        desk.alia.call("get_widget_settings", json!({}))["widget_access"],
        "strict"
    );
    for (body, field) in [
        (json!({ "timezone": "Mars/Olympus" }), "timezone"),
        (json!({ "auto_close_days": 366 }), "auto_close_days"),
        (json!({ "reopen_window_days": -1 }), "reopen_window_days"),
        (json!({ "locale": "de" }), "locale"),
        (json!({ "company_name": "  " }), "company_name"),
    ] {
        let refusal = desk.alia.ask("save_settings", &body).json();
        assert_eq!(refusal["field"], field, "{body}");
    }
    assert_eq!(
        desk.omar.refused("save_settings", json!({})),
        (403, "role_required".into())
    );
    assert_eq!(
        desk.greta.call("get_settings", json!({}))["timezone"],
        "Asia/Almaty"
    );
}

#[test]
fn a_done_ticket_closes_by_the_tenant_s_days() {
    let desk = Desk::open();
    let id = desk.ticket("Решено");
    desk.alia.call(
        "complete_ticket",
        json!({ "ticket_id": id, "result": "Готово" }),
    );
    desk.alia
        .call("save_settings", json!({ "reopen_window_days": 0 }));
    let client = desk.client("c.example", 1, "Иван");
    let own = client.call(
        "create_ticket",
        json!({ "subject": "Моя", "description": "Текст" }),
    )["id"]
        .clone();
    desk.alia.call(
        "complete_ticket",
        json!({ "ticket_id": own, "result": "Готово" }),
    );
    client.call("accept_ticket", json!({ "ticket_id": own }));
    assert_eq!(
        client.refused("reopen_ticket", json!({ "ticket_id": own })),
        (400, "illegal_transition".into()),
        "with a window of no days a closed ticket stays closed"
    );
}

#[test]
fn the_audit_log_tells_who_did_what_and_is_the_tenant_s_own() {
    let desk = Desk::open();
    desk.alia
        .call("create_tag", json!({ "name": "важно", "color": "#112233" }));
    desk.omar.call(
        "create_ticket",
        json!({ "subject": "S", "description": "D" }),
    );
    desk.greta.call(
        "create_tag",
        json!({ "name": "theirs", "color": "#112233" }),
    );
    let all = desk
        .alia
        .call("list_audit_log", json!({ "limit": 2, "lang": "ru" }));
    assert_eq!(all["entries"].as_array().unwrap().len(), 2);
    assert_eq!(all["entries"][0]["action"], "create_ticket");
    assert_eq!(all["entries"][0]["title"], "Создать заявку");
    assert!(all["total"].as_i64().unwrap() > 2);
    let omar = desk.omar.call("me", json!({}))["operator"]["id"].clone();
    let his = desk
        .alia
        .call("list_audit_log", json!({ "operator_id": omar }));
    assert!(
        his["entries"]
            .as_array()
            .unwrap()
            .iter()
            .all(|e| e["actor_id"] == omar)
    );
    let tags = desk
        .alia
        .call("list_audit_log", json!({ "action_name": "create_tag" }));
    assert_eq!(tags["total"], 1, "{tags}");
    let later = desk
        .alia
        .call("list_audit_log", json!({ "since": "2999-01-01T00:00:00Z" }));
    assert_eq!(later["total"], 0);
    assert_eq!(
        desk.greta
            .refused("list_audit_log", json!({ "operator_id": omar })),
        (400, "operator_not_found".into())
    );
    assert!(
        !desk
            .alia
            .call("list_audit_log", json!({ "limit": 100 }))
            .to_string()
            .contains("theirs")
    );
}

#[test]
fn looks_are_worn_by_pages_and_widget() {
    let desk = Desk::open();
    let saved = desk.alia.call(
        "save_branding",
        json!({ "primary_color": "#FFE600", "accent_color": "#0000c0", "logo": PIXEL, "portal_title": "Помощь",
            "support_email": "Help@Acme.example", "welcome_text": "Рады помочь", "hide_powered_by": true,
            "widget": { "position": "left", "color": "#123456" } }),
    );
    assert_eq!(saved["primary_color"], "#ffe600");
    let logo = saved["logo"].as_str().unwrap().to_owned();
    let picture = desk.nobody().get(&logo);
    assert_eq!(
        (picture.status, picture.header("content-type")),
        (200, Some("image/png"))
    );
    assert_eq!(picture.header("x-content-type-options"), Some("nosniff"));
    assert!(
        picture
            .header("content-security-policy")
            .unwrap()
            .contains("sandbox")
    );
    assert_eq!(desk.nobody().get("/brand/0000").status, 404);

    let sheet = desk.nobody().get("/brand.css").text().to_owned();
    assert!(
        sheet.contains("--brand:#ffe600;--on-brand:#000000"),
        "{sheet}"
    );
    assert!(sheet.contains("--accent-text:#0000c0"), "{sheet}");
    // Whoever is signed in at another tenant sees that one's colours.
    let theirs = desk.greta.get("/brand.css").text().to_owned();
    assert!(!theirs.contains("#ffe600"), "{theirs}");
    // A page that knows whose it is names its tenant, whoever looks at it.
    let named = |id: i64| {
        desk.greta
            .get(&format!("/brand.css?tenant={id}"))
            .text()
            .to_owned()
    };
    assert_eq!(named(1), sheet);
    assert_eq!(named(2), theirs);

    let client = desk.client("c.example", 1, "Иван");
    let branding = client.call("branding", json!({}));
    assert_eq!(branding["portal_title"], "Помощь");
    assert_eq!(branding["support_email"], "help@acme.example");
    assert_eq!(
        (&branding["logo"], &branding["powered_by"]),
        (&json!(logo), &json!(false))
    );
    let widget = desk.visitor().call("config", json!({}))["branding"].clone();
    assert_eq!(widget["primary_color"], "#123456");
    let code = desk.alia.call("get_widget_settings", json!({}))["embed_code"].clone();
    assert!(
        code.as_str().unwrap().contains(r#"data-position="left""#),
        "{code}"
    );

    // What is sent back as it was answered changes nothing; null takes away.
    let again = desk.alia.call(
        "save_branding",
        json!({ "logo": logo, "portal_title": null }),
    );
    assert_eq!(
        (&again["logo"], &again["portal_title"]),
        (&json!(logo), &json!(null))
    );
    assert_eq!(again["welcome_text"], "Рады помочь");
    for (body, field) in [
        (
            json!({ "logo": "data:image/svg+xml;base64,PHN2Zy8+" }),
            "logo",
        ),
        (
            json!({ "favicon": "https://elsewhere.example/x.png" }),
            "favicon",
        ),
        (json!({ "primary_color": "red" }), "primary_color"),
        (json!({ "support_email": "nobody" }), "support_email"),
        (
            json!({ "widget": { "position": "top" } }),
            "widget.position",
        ),
    ] {
        let refusal = desk.alia.ask("save_branding", &body).json();
        assert_eq!(refusal["field"], field, "{body}");
    }
    let reset = desk.alia.call("reset_branding", json!({}));
    assert_eq!(
        (&reset["logo"], &reset["primary_color"]),
        (&json!(null), &json!("#0b6e4f"))
    );
    assert_eq!(desk.nobody().get(&logo).status, 404);
}

#[test]
fn a_plan_without_white_label_keeps_its_looks_and_says_what_it_is_made_with() {
    let desk = Desk::open();
    desk.alia.call(
        "save_branding",
        json!({ "hide_powered_by": true, "primary_color": "#aa0000" }),
    );
    head(&desk).call(
        "update_tenant",
        json!({ "tenant_id": 1, "plan": "starter" }),
    );
    let reply = desk
        .alia
        .ask("save_branding", &json!({ "primary_color": "#00aa00" }));
    assert_eq!((reply.status, reply.code()), (403, "plan_required".into()));
    assert_eq!(reply.json()["required_plan"], "pro");
    let client = desk.client("c.example", 1, "Иван");
    let branding = client.call("branding", json!({}));
    assert_eq!(
        (&branding["powered_by"], &branding["primary_color"]),
        (&json!(true), &json!("#aa0000"))
    );
}

#[test]
fn demo_data_comes_into_an_empty_tenant_and_goes_without_a_trace() {
    let desk = Desk::open();
    head(&desk).call("update_tenant", json!({ "tenant_id": 2, "plan": "free" }));
    desk.greta
        .call("create_tag", json!({ "name": "mine", "color": "#112233" }));
    let count =
        |table: &str| desk.count(&format!("select count(*) from {table} where tenant_id = 2"));
    let tables = [
        "ticket",
        "message",
        "client",
        "contact",
        "operator",
        "tag",
        "quick_reply",
        "event",
        "estimate",
        "time_entry",
        "outbox",
        "category",
    ];
    let before: Vec<i64> = tables.iter().map(|table| count(table)).collect();
    let words =
        || desk.count("select count(*) from search where rowid between 2 << 48 and (3 << 48) - 1");

    let status = desk.greta.call("check_demo_status", json!({}));
    assert_eq!(
        (&status["is_enabled"], &status["can_enable"]),
        (&json!(false), &json!(true))
    );
    let status = desk.greta.call("enable_demo", json!({}));
    assert_eq!(status["is_enabled"], true);
    let tickets = status["demo_tickets"].as_i64().unwrap();
    assert!(tickets > 150, "{status}");
    assert_eq!(
        desk.greta.call("enable_demo", json!({}))["demo_tickets"],
        tickets,
        "twice is once"
    );
    assert!(words() > tickets);
    assert_eq!(count("outbox"), 0, "nobody outside hears of it");
    // It counts for nothing against a plan of 50 tickets and 10 clients, and its people take no place.
    let features = desk.greta.call("get_plan_features", json!({}));
    assert_eq!(features["usage"]["tickets_this_month"], 0);
    assert_eq!(
        (
            &features["usage"]["clients"],
            &features["usage"]["operators"]
        ),
        (&json!(0), &json!(0))
    );
    let found = desk.greta.call("list_tickets", json!({ "status": "all" }));
    assert_eq!(found["total"], tickets);

    // Something of one's own among it, bound to the demo's things.
    let client = desk.greta.call("list_clients", json!({}))[0]["portal_domain"].clone();
    let own = desk.greta.call(
        "create_ticket",
        json!({ "subject": "Mine", "description": "Real", "portal_domain": client, "tags": ["mine"] }),
    )["id"]
        .clone();
    let status = desk.greta.call("disable_demo", json!({}));
    assert_eq!(
        (&status["is_enabled"], &status["own_tickets"]),
        (&json!(false), &json!(1))
    );
    assert_eq!(status["demo_tickets"], 0);
    assert_eq!(words(), 1);
    let kept = desk.greta.call("get_ticket", json!({ "ticket_id": own }));
    assert_eq!(kept["ticket"]["portal_domain"], client);
    let after: Vec<i64> = tables.iter().map(|table| count(table)).collect();
    let grown: Vec<(&str, i64)> = tables
        .iter()
        .zip(after.iter().zip(&before))
        .filter(|(_, (after, before))| after != before)
        .map(|(table, (after, before))| (*table, after - before))
        .collect();
    let event = grown
        .iter()
        .find(|(table, _)| *table == "event")
        .map_or(0, |(_, n)| *n);
    assert_eq!(
        grown
            .iter()
            .filter(|(table, _)| *table != "event")
            .copied()
            .collect::<Vec<_>>(),
        [("ticket", 1), ("message", 1), ("client", 1)]
    );
    let own_events = desk.count(&format!(
        "select count(*) from event where tenant_id = 2 and ticket_id = {own}"
    ));
    assert_eq!(event, own_events, "only the history of the one ticket");
    assert_eq!(
        desk.greta.refused("enable_demo", json!({})),
        (400, "tenant_not_empty".into())
    );
    desk.check();
    let demos = head_of(&desk).call("demo_analytics", json!({}));
    assert_eq!(
        (&demos["enabled_now"], &demos["went_on"]),
        (&json!(0), &json!(1))
    );
    assert_eq!(demos["runs"][0]["tenant_name"], "globex");
}

/// The head that was made before.
fn head_of(desk: &Desk) -> Caller {
    Caller::sign_in(&desk.address(), "head@acme.example", PASSWORD)
}

#[test]
fn nobody_gets_into_a_tenant_that_is_switched_off_and_everybody_back_into_one_that_is_on() {
    let desk = Desk::open();
    let head = head(&desk);
    let key = desk.key_of("globex", "read,tickets");
    let widget = desk.greta.call("get_widget_settings", json!({}))["api_key"]
        .as_str()
        .unwrap()
        .to_owned();
    let visitor = Caller::visitor(&desk.address(), &widget);
    desk.greta.call(
        "create_client",
        json!({ "portal_domain": "c.example", "company_name": "C" }),
    );
    let token = desk.greta.call(
        "create_client_token",
        json!({ "portal_domain": "c.example", "user_id": 1 }),
    );
    let client = desk.bearer(token["token"].as_str().unwrap());
    let switch = |on: bool| head.call("update_tenant", json!({ "tenant_id": 2, "is_active": on }));

    assert_eq!(switch(false)["is_active"], false);
    let off = (403, "tenant_inactive".to_owned());
    assert_eq!(
        desk.greta.refused("me", json!({})),
        (403, "session_expired".into())
    );
    let login = json!({ "login": "greta@globex.example", "password": PASSWORD });
    assert_eq!(desk.nobody().refused("admin_login", login.clone()), off);
    let wrong = json!({ "login": "greta@globex.example", "password": "not this one" });
    assert_eq!(
        desk.nobody().refused("admin_login", wrong),
        (403, "login_failed".into())
    );
    assert_eq!(key.refused("list_tickets", json!({})), off);
    assert_eq!(client.refused("list_tickets", json!({})), off);
    assert_eq!(visitor.refused("config", json!({})), off);
    assert_eq!(
        desk.alia.ask("me", &json!({})).status,
        200,
        "the other tenant works on"
    );

    switch(true);
    assert_eq!(desk.nobody().ask("admin_login", &login).status, 200);
    assert_eq!(key.ask("list_tickets", &json!({})).status, 200);
    assert_eq!(client.ask("list_tickets", &json!({})).status, 200);
    assert_eq!(visitor.ask("config", &json!({})).status, 200);
}

#[test]
fn an_export_is_fetched_by_its_own_admin_and_can_be_moved_in_elsewhere() {
    let desk = Desk::open();
    desk.ticket("Переезд");
    let made = desk.alia.call("export_tenant", json!({}));
    let url = made["url"].as_str().unwrap().to_owned();
    let path = &url[url.find("/exports/").unwrap()..];
    let fetched = desk.alia.get(path);
    assert_eq!(fetched.status, 200);
    assert!(
        fetched
            .header("content-disposition")
            .unwrap()
            .starts_with("attachment")
    );
    assert_eq!(made["size"], fetched.body.len());
    assert_eq!(desk.omar.get(path).status, 403);
    assert_eq!(desk.nobody().get(path).status, 403);
    assert_eq!(desk.key.get(path).status, 403);
    assert_eq!(desk.greta.get(path).status, 404);
    assert_eq!(desk.alia.get("/exports/..%2f..%2fsecret").status, 404);
    assert_eq!(desk.alia.send(&Request::new("POST", path)).status, 405);

    let elsewhere = crate::support::desk::Dir::new();
    let file = elsewhere.0.join("acme.tehprof");
    std::fs::write(&file, &fetched.body).unwrap();
    elsewhere.run(&["tenant", "import", file.to_str().unwrap()], "");
    // Another one takes the place of the first.
    desk.alia.call("export_tenant", json!({}));
    assert_eq!(desk.alia.get(path).status, 404);
    let log = desk
        .alia
        .call("list_audit_log", json!({ "action_name": "export_tenant" }));
    assert_eq!(log["total"], 2);
}
