//! The widget as an admin sets it up and a site's visitor finds it, and the portal as a program on a phone.
use crate::support::Desk;
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
