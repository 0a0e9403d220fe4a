//! What providers really send, by the hundred: each delivery of the two tables is posted, and what becomes of it is what the
//! table says, by the rule that it says.
use crate::{
    messengers::{telegram, whatsapp},
    support::{Desk, Peer, http::Reply},
};
use serde_json::{Value, json};

type Post = Box<dyn Fn(&Desk, &Value) -> Reply>;

fn rows(table: &str) -> Vec<Value> {
    let rows: Vec<Value> = table
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(rows.len() >= 60, "{} rows", rows.len());
    rows
}

/// What is wrong with what became of a row, in words.
fn judge(desk: &Desk, post: &Post, row: &Value) -> Vec<String> {
    let last_before = desk.count("select coalesce(max(id), 0) from inbound_event");
    for before in row["before"].as_array().into_iter().flatten() {
        assert_eq!(post(desk, before).status, 200, "{before}");
        desk.settle();
    }
    let last = desk.count("select coalesce(max(id), 0) from inbound_event");
    assert_eq!(post(desk, &row["update"]).status, 200, "{row}");
    desk.settle();
    let mut wrong = Vec::new();
    let events = desk.alia.call("list_channel_events", json!({ "limit": 1 }));
    let event = &events["events"][0];
    if row["repeats"] == true {
        let now = desk.count("select coalesce(max(id), 0) from inbound_event");
        if (now, last > last_before) != (last, true) {
            wrong.push("the repeat was stored".to_owned());
        }
    }
    let mut expect = |what: &str, found: &Value, wanted: &Value| {
        if found != wanted {
            wrong.push(format!("{what} is {found} and not {wanted}"));
        }
    };
    expect("the outcome", &event["outcome"], &row["outcome"]);
    expect("the rule", &event["rule"], &row["rule"]);
    if let Some(connection) = row.get("connection") {
        let state = desk.alia.call("get_channels_status", json!({}));
        expect("the connection", &state[0]["connection"], connection);
    }
    let told = ["text", "author", "files", "reactions", "phone", "subject"];
    if !told.iter().any(|name| row.get(*name).is_some()) {
        return wrong;
    }
    let ticket = match event["ticket_id"].as_i64() {
        Some(ticket) => ticket,
        None => desk.count("select max(id) from ticket"),
    };
    let whole = desk.omar.call("get_ticket", json!({ "ticket_id": ticket }));
    let messages = whole["messages"].as_array().unwrap();
    let message = match event["message_id"].as_i64() {
        Some(id) => messages.iter().find(|m| m["id"] == id),
        None => messages.last(),
    };
    let Some(message) = message else {
        wrong.push("there is no message".to_owned());
        return wrong;
    };
    let list = |items: &Value, name: &str| {
        let items = items.as_array().into_iter().flatten();
        Value::from(items.map(|item| item[name].clone()).collect::<Vec<_>>())
    };
    let mut expect = |name: &str, found: Value| {
        if let Some(wanted) = row.get(name).filter(|wanted| **wanted != found) {
            wrong.push(format!("{name} is {found} and not {wanted}"));
        }
    };
    expect("text", message["message"].clone());
    expect("author", message["author_name"].clone());
    expect("files", list(&message["files"], "name"));
    expect("reactions", list(&message["reactions"], "emoji"));
    expect("phone", whole["ticket"]["creator_phone"].clone());
    expect("subject", whole["ticket"]["subject"].clone());
    wrong
}

fn all_right(desk: &Desk, post: &Post, table: &str) {
    let mut wrong = Vec::new();
    for row in rows(table) {
        for fault in judge(desk, post, &row) {
            wrong.push(format!("{}: {fault}", row["name"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(desk.alarms(), Vec::<String>::new());
    desk.check();
}

#[test]
fn every_update_of_telegram_becomes_what_the_table_says() {
    let (desk, peer, post, _) = telegram();
    all_right(&desk, &post, include_str!("fixtures/telegram.jsonl"));
    let fetched = peer.calls("getFile");
    let largest = fetched
        .iter()
        .any(|call| call.json()["file_id"] == "AgACbig");
    assert!(largest, "of a photo the largest size is fetched");
}

#[test]
fn every_event_of_evolution_becomes_what_the_table_says() {
    let (desk, _peer, post, _) = whatsapp(Peer::evolution());
    all_right(&desk, &post, include_str!("fixtures/evolution.jsonl"));
}
