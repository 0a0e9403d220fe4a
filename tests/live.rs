//! Live updates: an operator's WebSocket and a portal page's event stream.
use crate::support::{
    Desk,
    socket::{Socket, Stream},
};
use serde_json::json;

#[test]
fn a_change_reaches_every_operator_of_the_tenant_and_nobody_else() {
    let desk = Desk::open();
    let mut omar = Socket::open(&desk.omar, None, None).unwrap();
    let mut greta = Socket::open(&desk.greta, None, None).unwrap();
    let hello = omar.next();
    assert_eq!(hello["type"], "hello");
    assert!(hello["seq"].is_i64() && hello["operator_id"].is_i64());
    assert_eq!(greta.next()["type"], "hello");

    let id = desk.ticket("Живая заявка");
    let created = omar.next_that(|said| said["kind"] == "ticket.created");
    assert_eq!(
        (&created["type"], &created["ticket_id"]),
        (&json!("event"), &json!(id))
    );
    let note = desk.alia.call(
        "add_message",
        json!({ "ticket_id": id, "message": "между нами", "is_note": true }),
    );
    let noted = omar.next_that(|said| said["message_id"] == note["id"]);
    assert_eq!(
        (&noted["kind"], &noted["is_note"]),
        (&json!("message.created"), &json!(true))
    );
    desk.alia.call("take_ticket", json!({ "ticket_id": id }));
    omar.next_that(|said| said["kind"] == "ticket.assigned");
    desk.alia.call("hold_ticket", json!({ "ticket_id": id }));
    let moved = omar.next_that(|said| said["kind"] == "ticket.status_changed");
    // An event names what changed and holds none of it.
    assert!(!moved.to_string().contains("между нами") && moved.get("subject").is_none());
    assert_eq!(greta.all_until_pong(), Vec::<serde_json::Value>::new());
}

#[test]
fn a_connection_resumes_after_the_last_change_it_saw() {
    let mut desk = Desk::open();
    let mut socket = Socket::open(&desk.omar, None, None).unwrap();
    socket.next();
    desk.ticket("Первая");
    let seen = socket.next_that(|said| said["kind"] == "message.created")["seq"]
        .as_i64()
        .unwrap();
    drop(socket);
    let second = desk.ticket("Вторая");
    desk.crash();
    let mut resumed = Socket::open(&desk.omar, Some(seen), None).unwrap();
    assert_eq!(resumed.next()["type"], "hello");
    let missed = resumed.all_until_pong();
    let kinds: Vec<_> = missed
        .iter()
        .map(|said| {
            (
                said["kind"].as_str().unwrap(),
                said["ticket_id"].as_i64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        kinds,
        [("ticket.created", second), ("message.created", second)]
    );
}

#[test]
fn operators_see_who_looks_and_who_types() {
    let desk = Desk::open();
    let id = desk.ticket("Кто здесь");
    let (mut omar, mut saule) = (
        Socket::open(&desk.omar, None, None).unwrap(),
        Socket::open(&desk.saule, None, None).unwrap(),
    );
    omar.say(&json!({ "type": "view", "ticket_id": id }));
    saule.say(&json!({ "type": "view", "ticket_id": id }));
    let both = omar.next_that(|said| said["viewers"].as_array().is_some_and(|v| v.len() == 2));
    assert_eq!(
        (&both["type"], &both["ticket_id"]),
        (&json!("presence"), &json!(id))
    );
    let people = desk.omar.call("list_operators", json!({}));
    let online = people
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["availability"] == "online");
    assert_eq!(online.count(), 2);
    saule.say(&json!({ "type": "typing", "ticket_id": id, "is_typing": true }));
    let typing = omar.next_that(|said| {
        said["viewers"]
            .as_array()
            .is_some_and(|v| v.iter().any(|one| one["is_typing"] == true))
    });
    assert_eq!(typing["viewers"][0]["name"], "Сауле Ахметова");
    let others = desk.omar.call("presence", json!({ "ticket_id": id }));
    assert_eq!(others["viewers"].as_array().unwrap().len(), 1);
    drop(saule);
    omar.next_that(|said| said["viewers"].as_array().is_some_and(|v| v.len() == 1));
    assert_eq!(
        desk.greta.refused("presence", json!({ "ticket_id": id })),
        (400, "ticket_not_found".into())
    );
}

#[test]
fn a_live_connection_wants_a_session_of_the_same_site_and_ends_with_it() {
    let desk = Desk::open();
    assert_eq!(Socket::open(&desk.nobody(), None, None).err(), Some(403));
    assert_eq!(Socket::open(&desk.key, None, None).err(), Some(403));
    assert_eq!(
        Socket::open(&desk.omar, None, Some("https://evil.example")).err(),
        Some(403)
    );
    let own = format!("http://{}", desk.omar.address());
    let mut socket = Socket::open(&desk.omar, None, Some(&own)).unwrap();
    socket.next();
    desk.omar.call("admin_logout", json!({}));
    socket.next_that(|said| said["type"] == "bye");
    assert_eq!(
        desk.omar.refused("me", json!({})),
        (403, "session_expired".into())
    );
}

#[test]
fn a_portal_page_hears_of_its_own_ticket_and_of_no_note() {
    let desk = Desk::open();
    let client = desk.client("client.example", 1, "Иван Петров");
    let id = client.call(
        "create_ticket",
        json!({ "subject": "Касса", "description": "Не печатает" }),
    )["id"]
        .as_i64()
        .unwrap();
    let mut stream = Stream::open(&client, id).unwrap();
    desk.omar.call(
        "add_message",
        json!({ "ticket_id": id, "message": "между нами", "is_note": true }),
    );
    let other = desk.ticket("Чужая");
    desk.omar.call(
        "add_message",
        json!({ "ticket_id": other, "message": "Чужой ответ" }),
    );
    let answer = desk.omar.call(
        "add_message",
        json!({ "ticket_id": id, "message": "Смотрю" }),
    );
    let event = stream.next();
    assert_eq!(
        (&event["kind"], &event["message_id"]),
        (&json!("message.created"), &answer["id"])
    );
    assert_eq!(
        (&event["ticket_id"], event.get("actor_id")),
        (&json!(id), None)
    );

    let stranger = desk.client("other.example", 1, "Пётр Иванов");
    for (who, ticket) in [(&stranger, id), (&client, other), (&client, 999)] {
        let refusal = Stream::open(who, ticket).err().unwrap();
        assert_eq!(
            (refusal.status, refusal.code()),
            (400, "ticket_not_found".into())
        );
    }
}
