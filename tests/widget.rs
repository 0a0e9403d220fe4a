//! The widget as an admin sets it up and a site's visitor finds it, and the portal as a program on a phone.
use crate::support::{Caller, Desk, post::desk_with_mail, tray::Taken};
use serde_json::{Value, json};

#[test]
fn what_an_admin_sets_is_what_a_visitor_finds() {
    let desk = Desk::open();
    let visitor = desk.visitor();
    let config = |lang: &str| visitor.call("config", json!({ "lang": lang }));
    let usual = config("ru");
    assert_eq!(usual["texts"]["title"], "Поддержка");
    assert_eq!(
        usual["fields"],
        json!({ "name": true, "email": true, "phone": true, "subject": true })
    );
    assert_eq!(
        (&usual["access"], &usual["kb"]),
        (&json!("standard"), &json!(false))
    );
    assert_eq!(usual["reply_minutes"], 120);
    assert_eq!(usual["texts"]["reply"], "Обычно отвечаем за 2 ч");

    let saved = desk.alia.call(
        "save_widget_settings",
        json!({
            "fields": { "phone": false }, "texts": { "ru": { "title": "Поможем с заказом" }, "kk": { "welcome": "Жазыңыз!" } },
            "kb": false, "widget_access": "strict",
        }),
    );
    assert_eq!(
        saved["texts"]["ru"],
        json!({ "title": "Поможем с заказом", "welcome": "" })
    );
    assert_eq!(saved["usual_texts"]["ru"]["title"], "Поддержка");
    assert_eq!(
        (&saved["fields"]["phone"], &saved["fields"]["subject"]),
        (&json!(false), &json!(true))
    );
    let now = config("ru");
    assert_eq!(now["texts"]["title"], "Поможем с заказом");
    assert_eq!(now["texts"]["welcome"], usual["texts"]["welcome"]);
    assert_eq!(
        (&now["fields"]["phone"], &now["access"]),
        (&json!(false), &json!("strict"))
    );
    assert_eq!(config("kk")["texts"]["welcome"], "Жазыңыз!");
    assert_eq!(config("en")["texts"]["title"], "Support");
    // An empty text brings the usual one back.
    desk.alia.call(
        "save_widget_settings",
        json!({ "texts": { "ru": { "title": "" } } }),
    );
    assert_eq!(config("ru")["texts"]["title"], "Поддержка");
}

#[test]
fn the_widget_offers_no_articles_when_an_admin_says_so() {
    let desk = Desk::open();
    let visitor = desk.visitor();
    desk.alia.call(
        "create_kb_article",
        json!({ "title": "Касса", "content": "Лента", "status": "published" }),
    );
    assert_eq!(visitor.call("config", json!({}))["kb"], true);
    desk.alia
        .call("save_widget_settings", json!({ "kb": false }));
    assert_eq!(visitor.call("config", json!({}))["kb"], false);
    assert_eq!(
        visitor.call("kb_search", json!({ "search": "касса" })),
        json!([])
    );
}

#[test]
fn another_key_ends_the_one_before() {
    let desk = Desk::open();
    let visitor = desk.visitor();
    let before = desk.alia.call("get_widget_settings", json!({}))["api_key"].clone();
    assert_eq!(
        desk.omar.refused("regenerate_widget_key", json!({})),
        (403, "role_required".into())
    );
    let after = desk.alia.call("regenerate_widget_key", json!({}));
    assert_ne!(after["api_key"], before);
    assert!(
        after["embed_code"]
            .as_str()
            .unwrap()
            .contains(after["api_key"].as_str().unwrap())
    );
    assert_eq!(
        visitor.refused("config", json!({})),
        (403, "invalid_credential".into())
    );
    desk.visitor().call("config", json!({}));
}

#[test]
fn a_site_may_load_the_widget_and_a_phone_may_keep_the_portal() {
    let desk = Desk::open();
    for file in ["/widget/loader.js", "/widget/more.js"] {
        let reply = desk.nobody().get(file);
        assert_eq!(
            (reply.status, reply.header("access-control-allow-origin")),
            (200, Some("*")),
            "{file}"
        );
    }
    let reply = desk.nobody().get("/manifest.webmanifest");
    assert_eq!(
        reply.header("content-type"),
        Some("application/manifest+json")
    );
    let manifest: Value = reply.json();
    assert_eq!(
        (&manifest["name"], &manifest["start_url"]),
        (&json!("acme"), &json!("./index.html"))
    );
    for icon in manifest["icons"].as_array().unwrap() {
        let path = icon["src"]
            .as_str()
            .unwrap()
            .trim_start_matches('.')
            .to_owned();
        let picture = desk.nobody().get(&path);
        assert_eq!(
            (picture.status, picture.header("content-type")),
            (200, Some("image/png")),
            "{path}"
        );
    }
    assert_eq!(desk.nobody().get("/sw.js").status, 200);
}

/// The six digits of a mail.
fn digits(mail: &Taken) -> String {
    let text = mail.text();
    let code = text
        .split_whitespace()
        .find(|word| word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit()));
    code.expect("a code").to_owned()
}

#[test]
fn where_the_desk_is_strict_a_code_by_mail_opens_an_earlier_request() {
    let (desk, tray) = desk_with_mail();
    desk.alia
        .call("save_widget_settings", json!({ "widget_access": "strict" }));
    let visitor = desk.visitor();
    let made = visitor.call(
        "create_ticket",
        json!({ "name": "Асем", "email": "Asem@client.example", "description": "Где заказ?" }),
    );
    let door = json!({ "ticket_id": made["ticket_id"], "email": "asem@client.example" });
    assert_eq!(
        visitor.refused("check_status", door.clone()),
        (400, "ticket_not_found".into())
    );
    let sent = json!({ "sent": true, "expires_in": 600 });
    assert_eq!(visitor.call("request_code", door.clone()), sent);
    // A wrong address and a wrong number answer alike, and nobody is mailed.
    for other in [
        json!({ "ticket_id": made["ticket_id"], "email": "else@client.example" }),
        json!({ "ticket_id": 123_456_789_012_i64, "email": "asem@client.example" }),
    ] {
        assert_eq!(visitor.call("request_code", other), sent);
    }
    let mail = tray.nth(1);
    assert_eq!(mail.to, ["asem@client.example"]);
    assert!(!mail.text().contains("Где заказ"), "{}", mail.text());
    let code = digits(&mail);
    let with = |code: &str| {
        let mut body = door.clone();
        body["code"] = code.into();
        body
    };
    let wrong = if code == "000000" { "000001" } else { "000000" };
    assert_eq!(
        visitor.refused("confirm_code", with(wrong)),
        (400, "code_invalid".into())
    );
    let proven = visitor.call("confirm_code", with(&code));
    assert_eq!(proven["ticket_id"], made["ticket_id"]);
    let status = visitor.call(
        "check_status",
        json!({ "ticket_token": proven["ticket_token"] }),
    );
    assert_eq!(status["status"], "new");
    // It works once.
    assert_eq!(
        visitor.refused("confirm_code", with(&code)),
        (400, "code_invalid".into())
    );
    assert_eq!(desk.count("select count(*) from notice"), 1);
    assert_eq!(desk.count("select count(*) from widget_code"), 0);
}

#[test]
fn a_code_is_tried_five_times_at_most() {
    let (desk, tray) = desk_with_mail();
    let visitor = desk.visitor();
    let made = visitor.call(
        "create_ticket",
        json!({ "name": "Асем", "email": "asem@client.example", "description": "Где заказ?" }),
    );
    let mut body = json!({ "ticket_id": made["ticket_id"], "email": "asem@client.example" });
    visitor.call("request_code", body.clone());
    let code = digits(&tray.nth(1));
    body["code"] = if code == "000000" { "000001" } else { "000000" }.into();
    let answers: Vec<u16> = (0..7)
        .map(|_| visitor.ask("confirm_code", &body).status)
        .collect();
    assert!(answers.contains(&429), "{answers:?}");
    body["code"] = code.into();
    assert_ne!(visitor.ask("confirm_code", &body).status, 200);
}

#[test]
fn a_contact_of_a_client_enters_by_a_link_that_was_mailed_and_sees_their_own_tickets() {
    let (desk, tray) = desk_with_mail();
    desk.client("client.example", 7, "Иван");
    desk.alia.call(
        "save_contact",
        json!({ "name": "Асем", "email": "asem@client.example", "portal_domain": "client.example" }),
    );
    let anybody = Caller::nobody(&desk.address(), "client");
    let sent = json!({ "sent": true });
    assert_eq!(
        anybody.call("request_link", json!({ "email": "nobody@client.example" })),
        sent
    );
    assert_eq!(
        anybody.call("request_link", json!({ "email": "Asem@client.example" })),
        sent
    );
    assert_eq!(
        anybody.call("request_link", json!({ "email": "asem@client.example" })),
        sent
    );
    let mail = tray.nth(1);
    assert_eq!(mail.to, ["asem@client.example"]);
    let text = mail.text();
    let token = text
        .split_whitespace()
        .find_map(|word| word.split_once("ctoken="))
        .expect("a link")
        .1;
    let asem = desk.bearer(token);
    assert_eq!(asem.call("me", json!({}))["user_name"], "Асем");
    let own = asem.call(
        "create_ticket",
        json!({ "subject": "Моя", "description": "Текст" }),
    );
    let mailed = desk.alia.call(
        "create_ticket",
        json!({ "subject": "По почте", "description": "Текст", "portal_domain": "client.example", "contact_email": "asem@client.example", "contact_name": "Асем" }),
    );
    let foreign = desk.alia.call(
        "create_ticket",
        json!({ "subject": "Чужая", "description": "Текст", "portal_domain": "client.example" }),
    );
    let seen = asem.call("list_tickets", json!({}));
    let ids: Vec<&Value> = seen["tickets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| &t["id"])
        .collect();
    assert!(
        ids.contains(&&own["id"]) && ids.contains(&&mailed["id"]),
        "{seen}"
    );
    assert_eq!(
        asem.refused("get_ticket", json!({ "ticket_id": foreign["id"] })),
        (400, "ticket_not_found".into())
    );
    // One link in two minutes.
    assert_eq!(desk.count("select count(*) from notice"), 1);
}
