//! The published reference, sent as its readers send it: the six examples against the demo desk, in order, and the exact
//! names and types of every published shape.
use crate::support::{Caller, Serving, desk::Dir, http::Request};
use serde_json::{Value, json};
use std::sync::{Arc, RwLock};

/// Asserts that `value` has every name of `shape`, each of its type. A string of `shape` names a type.
#[track_caller]
fn assert_shape(value: &Value, shape: &Value, place: &str) {
    match shape {
        Value::Object(fields) => {
            for (name, inner) in fields {
                let found = value
                    .get(name)
                    .unwrap_or_else(|| panic!("{place}.{name} is missing in {value}"));
                assert_shape(found, inner, &format!("{place}.{name}"));
            }
        }
        Value::Array(one) => {
            let items = value
                .as_array()
                .unwrap_or_else(|| panic!("{place} is no list: {value}"));
            assert!(!items.is_empty(), "{place} is empty and shows nothing");
            for (i, item) in items.iter().enumerate() {
                assert_shape(item, &one[0], &format!("{place}[{i}]"));
            }
        }
        Value::String(kind) => {
            let fits = kind.split('|').any(|kind| match kind {
                "id" => value.as_i64().is_some_and(|n| n > 0),
                "int" => value.as_i64().is_some_and(|n| n >= 0),
                "number" => value.as_f64().is_some_and(|n| n >= 0.0),
                "text" => value.is_string(),
                "bool" => value.is_boolean(),
                "null" => value.is_null(),
                "list" => value.is_array(),
                "time" => is_time(value.as_str().unwrap_or_default()),
                literal => value == literal,
            });
            assert!(fits, "{place} is {value} and not {kind}");
        }
        _ => assert_eq!(value, shape, "{place}"),
    }
}

/// Whether a text looks like `2026-03-19T10:30:00.000Z`.
fn is_time(text: &str) -> bool {
    let mask: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    mask == "0000-00-00T00:00:00.000Z"
}

#[test]
fn the_published_examples_answer_in_the_published_shapes() {
    let dir = Dir::new();
    let serving = Serving::start(&dir.0, &["--demo"]);
    let printed = serving
        .greeting
        .iter()
        .find(|line| line.contains("API key"))
        .expect("the demo prints a key");
    let api_key = printed
        .split_whitespace()
        .find(|word| word.starts_with("tps_"))
        .unwrap();
    let address = Arc::new(RwLock::new(serving.address));
    let key = Caller::with_key(&address, api_key);
    let curl = |body: Value| {
        let request = Request::post("/api/admin.php")
            .header("X-Api-Key", api_key)
            .body("application/json", body.to_string());
        let reply = key.send(&request);
        assert_eq!(reply.status, 200, "{}", reply.text());
        // Letters stand as they are, never as escapes.
        assert!(!reply.text().contains("\\u0"), "{}", reply.text());
        reply.data()
    };

    let list = curl(json!({ "action": "list_tickets", "status": "active" }));
    let row = json!({
        "id": "id", "subject": "text", "status": "new|estimated|in_progress|on_hold|reopened",
        "priority": "low|normal|urgent", "category": "text", "portal_domain": "text|null", "company_name": "text|null",
        "assigned_to": "id|null", "assigned_name": "text|null", "created_at": "time", "updated_at": "time",
        "creator_name": "text", "message_count": "int", "unread_count": "int",
    });
    assert_shape(
        &list,
        &json!({ "tickets": [row], "total": "int", "page": 1, "limit": 30 }),
        "list_tickets",
    );
    assert!(
        list["tickets"]
            .as_array()
            .unwrap()
            .iter()
            .any(|t| t["portal_domain"].is_string() && t["assigned_to"].is_i64())
    );

    let created = curl(json!({
        "action": "create_ticket",
        "subject": "Server CPU > 90%",
        "description": "Alert from Zabbix: host prod-01, CPU 94% for 5 min",
        "priority": "urgent",
        "category": "infrastructure",
        "portal_domain": "client.bitrix24.kz",
    }));
    let shape =
        json!({ "id": "id", "subject": "Server CPU > 90%", "status": "new", "created_at": "time" });
    assert_shape(&created, &shape, "create_ticket");
    assert_eq!(created["portal_domain"], "client.bitrix24.kz");

    // The examples speak of ticket 42, which the demo has, open.
    let before = curl(json!({ "action": "get_ticket", "ticket_id": 42 }));
    assert_ne!(before["ticket"]["status"], "closed");
    let text = "Fixed. CPU dropped to 35% after restarting the service.";
    let message = curl(json!({ "action": "add_message", "ticket_id": 42, "message": text }));
    let one = json!({
        "id": "id", "message": "text", "author_type": "client|support|system", "author_name": "text", "is_note": "bool",
        "created_at": "time", "files": "list",
    });
    assert_shape(&message, &one, "add_message");
    assert_eq!(
        (&message["message"], &message["author_type"]),
        (&json!(text), &json!("support"))
    );
    assert_shape(
        &message["delivery_status"],
        &json!("pending|sent|delivered|read"),
        "delivery_status",
    );

    let result = "Service restarted, monitoring confirmed normal operation";
    let completed = curl(json!({ "action": "complete_ticket", "ticket_id": 42, "result": result }));
    assert_eq!(
        (&completed["id"], &completed["status"], &completed["result"]),
        (&json!(42), &json!("done"), &json!(result))
    );

    let whole = curl(json!({ "action": "get_ticket", "ticket_id": 42 }));
    let ticket = json!({
        "id": 42, "subject": "text", "description": "text", "status": "done", "priority": "low|normal|urgent",
        "category": "text", "portal_domain": "text|null", "assigned_to": "id|null", "assigned_name": "text|null",
        "created_at": "time", "sla_response_at": "time|null", "sla_response_breached": "bool",
    });
    assert_shape(
        &whole,
        &json!({ "ticket": ticket, "messages": [one], "files": "list" }),
        "get_ticket",
    );
    let first = &whole["messages"][0];
    assert_eq!(first["message"], whole["ticket"]["description"]);

    let figures = curl(json!({ "action": "dashboard" }));
    let portal =
        json!({ "portal_domain": "text", "company_name": "text", "open": "int", "new": "int" });
    let shape = json!({
        "total_open": "int", "total_new": "int", "total_in_progress": "int", "total_done": "int", "total_on_hold": "int",
        "avg_response_min": "int", "avg_resolution_hours": "number", "sla_compliance_pct": "int", "per_portal": [portal],
    });
    assert_shape(&figures, &shape, "dashboard");
    let active = curl(json!({ "action": "list_tickets", "status": "active", "limit": 1 }));
    assert_eq!(figures["total_open"], active["total"]);

    let token = curl(json!({
        "action": "create_client_token",
        "portal_domain": "client.bitrix24.kz",
        "user_id": 123,
        "user_name": "Иван Петров",
        "ttl": 28800,
    }));
    let text = token["token"].as_str().unwrap();
    assert!(text.starts_with("ct_eyJ0IjoxLCJwI"), "{text}");
    assert_eq!(token["expires_in"], 28_800);
    let base = format!("http://{}", serving.address);
    assert_eq!(
        token["portal_url"],
        format!("{base}/index.html?ctoken={text}")
    );
    assert_eq!(
        token["embed_url"],
        format!("{base}/embed.html?ctoken={text}")
    );
    let client = Caller::with_token(&address, text);
    assert_eq!(client.call("me", json!({}))["user_name"], "Иван Петров");

    let clients = curl(json!({ "action": "list_clients" }));
    let client = json!({
        "portal_domain": "text", "company_name": "text", "tariff_plan": "text", "hours_per_month": "number",
        "hours_used": "number", "ticket_stats": { "open": "int", "done_month": "int", "total": "int" },
    });
    assert_shape(&clients, &json!([client]), "list_clients");
    let operators = curl(json!({ "action": "list_operators" }));
    assert_shape(
        &operators,
        &json!([{ "name": "text", "role": "text", "department": "text" }]),
        "list_operators",
    );
    let replies = curl(json!({ "action": "list_quick_replies" }));
    assert_shape(
        &replies,
        &json!([{ "title": "text", "content": "text", "shortcut": "text" }]),
        "list_quick_replies",
    );
    assert_shape(
        &curl(json!({ "action": "list_tags" })),
        &json!([{ "name": "text", "color": "text" }]),
        "list_tags",
    );
    let contacts = curl(json!({ "action": "list_contacts" }));
    let contact =
        json!({ "name": "text", "phone": "text|null", "email": "text|null", "photo": "text|null" });
    assert_shape(&contacts, &json!([contact]), "list_contacts");
}

#[test]
fn the_document_on_the_wire_is_the_one_of_the_command() {
    let dir = Dir::new();
    let serving = Serving::start(&dir.0, &[]);
    let nobody = Caller::nobody(&Arc::new(RwLock::new(serving.address)), "admin");
    let served = nobody.get("/api/openapi.json").json();
    let printed = dir_less(&["openapi"]);
    assert_eq!(served, serde_json::from_str::<Value>(&printed).unwrap());
    assert_eq!(served["openapi"], "3.1.0");
}

/// What a command that needs no data directory prints.
fn dir_less(arguments: &[&str]) -> String {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_tehprof"))
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}
