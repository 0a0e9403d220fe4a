//! Who may not see what: another tenant's things, another client's tickets, notes.
use crate::support::{Caller, Desk, Tray, post, until};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// One thing of each kind in acme, by the name of the parameter that names it.
fn furnish(desk: &Desk) -> BTreeMap<&'static str, Value> {
    // Numbers are counted per tenant: this one must not be one that globex has as well.
    for _ in 0..9 {
        desk.ticket("Тайна acme");
    }
    let ticket = desk.ticket("Тайна acme");
    let message = desk.alia.call(
        "add_message",
        json!({ "ticket_id": ticket, "message": "Тайна", "is_note": true }),
    );
    let tag = desk
        .alia
        .call("create_tag", json!({ "name": "тайна", "color": "#112233" }));
    let reply = desk.alia.call(
        "save_quick_reply",
        json!({ "title": "Тайна", "content": "Тайна", "shortcut": "t" }),
    );
    let contact = desk.alia.call(
        "save_contact",
        json!({ "name": "Тайный контакт", "email": "secret@client.example" }),
    );
    let config = json!({
        "address": "secret@acme.example", "smtp": { "host": "127.0.0.1", "port": 9, "security": "none" },
        "inbound": { "provider": "smtp" },
    });
    let channel = desk.alia.call(
        "create_channel",
        json!({ "type": "email", "name": "Тайна", "config": config }),
    );
    let article = desk.alia.call(
        "create_kb_article",
        json!({ "title": "Тайна", "content": "Тайна", "status": "published" }),
    );
    let me = desk.omar.call("me", json!({}));
    desk.client("secret.example", 1, "Тайный клиент");
    let file = desk
        .alia
        .upload("upload_file", json!({}), &[("t.txt", "text/plain", b"t")])
        .data();
    BTreeMap::from([
        ("ticket_id", json!(ticket)),
        ("message_id", message["id"].clone()),
        ("tag_id", tag["id"].clone()),
        ("quick_reply_id", reply["id"].clone()),
        ("contact_id", contact["id"].clone()),
        ("article_id", article["id"].clone()),
        ("channel_id", channel["id"].clone()),
        ("assigned_to", me["operator"]["id"].clone()),
        ("portal_domain", json!("secret.example")),
        ("file_ids", json!([file["files"][0]["id"]])),
    ])
}

/// What names a thing that is nobody's.
fn absent(name: &str) -> Value {
    match name {
        "portal_domain" => json!("absent.example"),
        "file_ids" => json!([999_999]),
        _ => json!(999_999),
    }
}

/// The parameters of an action, whichever way its schema is written.
fn schema_names(desk: &Desk, schema: &Value) -> Vec<String> {
    let schema = match schema["$ref"].as_str() {
        Some(place) => desk
            .nobody()
            .get("/api/openapi.json")
            .json()
            .pointer(&place[1..])
            .unwrap()
            .clone(),
        None => schema.clone(),
    };
    schema["properties"]
        .as_object()
        .into_iter()
        .flat_map(|fields| fields.keys().cloned())
        .collect()
}

#[test]
fn another_tenant_s_id_answers_byte_for_byte_like_an_absent_one() {
    let desk = Desk::open();
    let things = furnish(&desk);
    // Something of globex's own, so that only the id under test is foreign.
    let own = desk.greta.call(
        "create_ticket",
        json!({ "subject": "Ours", "description": "Globex" }),
    )["id"]
        .clone();
    let before = desk.count("select count(*) from event where tenant_id = 1");
    let mut tried = Vec::new();
    for (action, operation) in desk.admin_actions() {
        let example = &operation["requestBody"]["content"]["application/json"]["example"];
        let properties = operation["requestBody"]["content"]["application/json"]["schema"].clone();
        let known = schema_names(&desk, &properties);
        for (name, theirs) in &things {
            // `create_client` names a portal that is to be made, and lists only filter by one.
            if !known.contains(&(*name).to_owned())
                || action == "create_client"
                || action == "list_tickets"
                || (action.starts_with("list_") && *name == "portal_domain")
            {
                continue;
            }
            let ask = |value: &Value| {
                let mut body = example.clone();
                let fields = body.as_object_mut().unwrap();
                fields.retain(|field, _| !things.contains_key(field.as_str()));
                if *name != "ticket_id" && known.contains(&"ticket_id".to_owned()) {
                    fields.insert("ticket_id".into(), own.clone());
                }
                fields.insert((*name).to_owned(), value.clone());
                let reply = desk
                    .greta
                    .header("x-request-id", "same")
                    .ask(&action, &body);
                (
                    reply.status,
                    reply.headers_but_date(),
                    reply.text().to_owned(),
                )
            };
            let (foreign, missing) = (ask(theirs), ask(&absent(name)));
            assert_eq!(foreign, missing, "{action} by {name}");
            // What is done to many at once answers for each of them by itself.
            let each = action.starts_with("bulk_") && !foreign.2.contains(r#""ok":true,"error""#);
            assert!(
                foreign.0 == 400 || each,
                "{action} by {name}: {}",
                foreign.2
            );
            tried.push(format!("{action} {name}"));
        }
    }
    assert!(tried.len() > 30, "{tried:?}");
    assert_eq!(
        desk.count("select count(*) from event where tenant_id = 1"),
        before,
        "nothing of acme has changed"
    );
    assert_eq!(
        desk.greta
            .call("list_tickets", json!({ "portal_domain": "secret.example" }))["total"],
        0
    );
    assert_eq!(
        desk.greta
            .call("list_tickets", json!({ "search": "тайна" }))["total"],
        0
    );
    assert_eq!(
        desk.greta.call(
            "list_tickets",
            json!({ "assigned_to": things["assigned_to"] })
        )["total"],
        0
    );
}

#[test]
fn nothing_of_one_tenant_shows_in_the_lists_of_another() {
    let desk = Desk::open();
    furnish(&desk);
    for action in [
        "list_tickets",
        "list_clients",
        "list_contacts",
        "list_operators",
        "list_tags",
        "list_quick_replies",
        "list_channels",
        "get_channels_status",
        "dashboard",
        "ticket_counts",
    ] {
        let shown = desk.greta.call(action, json!({})).to_string();
        for secret in ["айн", "secret", "acme"] {
            assert!(!shown.contains(secret), "{action}: {shown}");
        }
    }
    assert_eq!(desk.greta.call("ticket_counts", json!({}))["all"], 0);
}

#[test]
fn a_client_sees_only_their_own_tickets() {
    let desk = Desk::open();
    let ivan = desk.client("client.example", 1, "Иван Петров");
    let colleague = desk.client("client.example", 2, "Анна Ли");
    let stranger = desk.client("other.example", 1, "Пётр Иванов");
    let nameless = desk.client("client.example", 0, "Гость");
    let other_nameless = desk.client("client.example", 0, "Гость");
    let id = ivan.call(
        "create_ticket",
        json!({ "subject": "Моё", "description": "Личное" }),
    )["id"]
        .clone();
    let guests = nameless.call(
        "create_ticket",
        json!({ "subject": "Гостя", "description": "Тоже" }),
    )["id"]
        .clone();
    let offered = json!({ "ticket_id": id, "hours": 1, "description": "Работа" });
    desk.omar.call("set_estimate", offered);

    let ours = |who: &Caller| who.call("list_tickets", json!({}))["total"].clone();
    assert_eq!(
        (ours(&ivan), ours(&colleague), ours(&stranger)),
        (json!(1), json!(0), json!(0))
    );
    assert_eq!(
        (ours(&nameless), ours(&other_nameless)),
        (json!(1), json!(0))
    );
    for who in [&colleague, &stranger, &nameless] {
        for (action, body) in [
            ("get_ticket", json!({ "ticket_id": id })),
            (
                "add_message",
                json!({ "ticket_id": id, "message": "чужое" }),
            ),
            ("accept_ticket", json!({ "ticket_id": id })),
            ("reopen_ticket", json!({ "ticket_id": id })),
            ("approve_estimate", json!({ "ticket_id": id })),
            (
                "reject_estimate",
                json!({ "ticket_id": id, "reason": "чужое" }),
            ),
        ] {
            let reply = who.ask(action, &body);
            let mut missing = body.clone();
            missing["ticket_id"] = json!(999);
            assert_eq!(
                (reply.status, reply.text()),
                (400, who.ask(action, &missing).text()),
                "{action}"
            );
            assert_eq!(reply.code(), "ticket_not_found");
        }
    }
    assert_eq!(
        other_nameless.refused("get_ticket", json!({ "ticket_id": guests })),
        (400, "ticket_not_found".into())
    );
    // The portal's setting opens all of its tickets to all of its people, and to nobody else's.
    desk.alia.call(
        "client_settings",
        json!({ "portal_domain": "client.example", "data": { "shared_tickets": true } }),
    );
    assert_eq!(
        (ours(&ivan), ours(&colleague), ours(&stranger)),
        (json!(2), json!(2), json!(0))
    );
}

#[test]
fn notes_and_staff_addresses_never_reach_a_client_or_a_visitor() {
    let desk = Desk::open();
    let client = desk.client("client.example", 1, "Иван Петров");
    let visitor = desk.visitor();
    let id = client.call(
        "create_ticket",
        json!({ "subject": "Касса", "description": "Не печатает" }),
    )["id"]
        .clone();
    let form = json!({ "name": "Асем", "email": "asem@site.example", "subject": "Заказ", "description": "Где он?" });
    let opened = visitor.call("create_ticket", form);
    let number = desk
        .alia
        .call("list_tickets", json!({ "channel": "widget" }))["tickets"][0]["id"]
        .clone();
    for ticket in [&id, &number] {
        desk.omar.call(
            "add_message",
            json!({ "ticket_id": ticket, "message": "Ответ для всех" }),
        );
        desk.omar
            .upload(
                "add_message",
                json!({ "ticket_id": ticket, "message": "КЛИЕНТ СКАНДАЛИСТ", "is_note": true }),
                &[("досье.txt", "text/plain", b"dossier")],
            )
            .data();
        desk.omar.call(
            "add_ticket_tag",
            json!({ "ticket_id": ticket, "name": "скандалист" }),
        );
    }
    let door = json!({ "ticket_id": opened["ticket_id"], "email": "asem@site.example" });
    let token = json!({ "ticket_token": opened["ticket_token"] });
    let shown = [
        client.call("get_ticket", json!({ "ticket_id": id })),
        client.call("list_tickets", json!({})),
        client.call("client_dashboard", json!({})),
        client.call("me", json!({})),
        visitor.call("get_messages", door.clone()),
        visitor.call("get_messages", token),
        visitor.call("check_status", door),
        visitor.call("config", json!({})),
    ];
    for data in shown {
        let text = data.to_string().to_lowercase();
        for secret in ["скандалист", "досье", "acme.example"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
    for words in ["скандалист", "клиент скандалист", "досье"] {
        assert_eq!(
            client.call("list_tickets", json!({ "search": words }))["total"],
            0,
            "{words}"
        );
    }
    assert_eq!(
        client.call("list_tickets", json!({ "search": "ответ всех" }))["total"],
        1
    );
    let messages = client.call("get_ticket", json!({ "ticket_id": id }))["messages"].clone();
    assert_eq!(messages.as_array().unwrap().len(), 2);
    assert!(
        messages
            .as_array()
            .unwrap()
            .iter()
            .all(|m| m["is_note"] == false)
    );
}

/// Fills a tenant with things that bear a word, and answers the ids of one of each kind.
fn fill(desk: &Desk, who: &Caller, word: &str, plain: &str) -> BTreeMap<&'static str, Value> {
    let portal = format!("{plain}.portal.example");
    let client = json!({ "portal_domain": portal, "company_name": word, "notes": word });
    who.call("create_client", client);
    let ticket = who.call(
        "create_ticket",
        json!({ "subject": format!("{word} subject"), "description": format!("{word} text"), "portal_domain": portal,
            "tags": [word], "contact_name": word, "contact_email": format!("{plain}@people.example") }),
    )["id"]
        .clone();
    let spoken = json!({ "ticket_id": ticket, "message": format!("{word} answer") });
    let message = who.call("add_message", spoken)["id"].clone();
    let note = json!({ "ticket_id": ticket, "message": format!("{word} note"), "is_note": true });
    who.upload(
        "add_message",
        note,
        &[(&format!("{word}.txt"), "text/plain", word.as_bytes())],
    )
    .data();
    let work = json!({ "ticket_id": ticket, "hours": 2, "description": format!("{word} work") });
    who.call("set_estimate", work);
    let tag = who.call("list_tags", json!({}))[0]["id"].clone();
    let reply = json!({ "title": word, "content": word, "shortcut": plain });
    let quick = who.call("save_quick_reply", reply)["id"].clone();
    let contact =
        json!({ "name": format!("{word} contact"), "email": format!("{plain}2@people.example") });
    let contact = who.call("save_contact", contact)["id"].clone();
    let config = json!({ "address": format!("{plain}@desk.example"), "from_name": word, "signature": word,
        "smtp": { "host": "127.0.0.1", "port": 9, "security": "none" }, "inbound": { "provider": "smtp" } });
    let channel = json!({ "type": "email", "name": word, "config": config });
    let channel = who.call("create_channel", channel)["id"].clone();
    let look = json!({ "company_name": word, "welcome_text": word, "support_email": format!("{plain}@help.example") });
    who.call("save_branding", look);
    let me = who.call("me", json!({}))["operator"]["id"].clone();
    desk.settle();
    BTreeMap::from([
        ("ticket_id", ticket),
        ("message_id", message),
        ("tag_id", tag),
        ("quick_reply_id", quick),
        ("contact_id", contact),
        ("channel_id", channel),
        ("operator_id", me.clone()),
        ("assigned_to", me),
        ("portal_domain", json!(portal)),
    ])
}

#[test]
fn no_answer_export_or_log_line_of_one_tenant_shows_a_byte_of_another() {
    let desk = Desk::open();
    let one = fill(&desk, &desk.alia, "Яшмовый", "yashma");
    let other = fill(&desk, &desk.greta, "Кварцевый", "quartz");
    let actions = desk.admin_actions();
    let mut answered = 0;
    for (who, own, foreign) in [
        (
            &desk.greta,
            &other,
            ["Яшмов", "яшмов", "yashma", "@acme.example"],
        ),
        (
            &desk.alia,
            &one,
            ["Кварцев", "кварцев", "quartz", "@globex.example"],
        ),
    ] {
        for (action, operation) in &actions {
            // Signing out, and what ends the session, would leave nobody to ask on behalf of.
            if operation["x-role"] == "anyone"
                || ["admin_logout", "change_password", "revoke_session"].contains(&action.as_str())
            {
                continue;
            }
            let mut body =
                operation["requestBody"]["content"]["application/json"]["example"].clone();
            for (name, id) in own {
                if body.get(*name).is_some() {
                    body[*name] = id.clone();
                }
            }
            let reply = who.ask(action, &body);
            answered += usize::from(reply.status == 200);
            assert!(reply.status < 500, "{action}: {}", reply.text());
            for word in foreign {
                assert!(
                    !reply.text().contains(word),
                    "{action} {body}: {}",
                    reply.text()
                );
            }
        }
        for word in [foreign[0], foreign[2]] {
            let found = who.call("list_tickets", json!({ "search": word, "status": "all" }));
            assert_eq!(found["total"], 0, "{word}");
        }
        let made = who.call("export_tenant", json!({}));
        let url = made["url"].as_str().unwrap();
        let export = who.get(&url[url.find("/exports/").unwrap()..]);
        let export = String::from_utf8_lossy(&export.body).into_owned();
        assert!(export.len() > 1000);
        for word in foreign {
            assert!(!export.contains(word), "the export holds {word}");
        }
    }
    assert!(answered > 60, "{answered} answers");
    // The log says who did what and nothing of what was said.
    desk.nobody()
        .header("x-request-id", "end-of-isolation")
        .call("setup_status", json!({}));
    for line in desk.log_with("end-of-isolation") {
        for word in ["Яшмов", "Кварцев", "yashma", "quartz"] {
            assert!(!line.contains(word), "{line}");
        }
    }
}

#[test]
fn the_mails_of_one_tenant_hold_nothing_of_another() {
    let desk = Desk::open();
    let trays = [Tray::open(), Tray::open()];
    let words = ["yashma", "quartz"];
    for ((who, tray), word) in [&desk.alia, &desk.greta].into_iter().zip(&trays).zip(words) {
        let config = json!({ "address": format!("{word}@desk.example"), "from_name": word, "signature": word,
            "smtp": { "host": "127.0.0.1", "port": tray.address.port(), "security": "none" }, "inbound": { "provider": "smtp" } });
        who.call(
            "create_channel",
            json!({ "type": "email", "name": word, "config": config }),
        );
    }
    // The same person writes to both, in the same words, and both answer, invite and tell.
    for (who, word) in [&desk.alia, &desk.greta].into_iter().zip(words) {
        let letter = post::Letter::new(
            "asem@people.example",
            &format!("{word}@desk.example"),
            "Касса",
        );
        post::deliver(&desk, &letter.text(&format!("Пишу в {word}")));
        let ticket = until("the ticket", || {
            who.call("list_tickets", json!({ "channel": "email" }))["tickets"][0]["id"].as_i64()
        });
        who.call(
            "save_notification_settings",
            json!({ "kinds": [{ "kind": "mention", "in_desk": true, "by_mail": "now" }] }),
        );
        who.call(
            "add_message",
            json!({ "ticket_id": ticket, "message": format!("Ответ {word}") }),
        );
        who.call(
            "add_operator",
            json!({ "name": format!("Новый {word}"), "email": format!("{word}@staff.example"), "role": "operator" }),
        );
    }
    for ((tray, own), foreign) in trays.iter().zip(words).zip(["quartz", "yashma"]) {
        tray.nth(2);
        let all: Vec<String> = tray
            .taken()
            .iter()
            .map(|mail| {
                format!(
                    "{:?} {} {} {}",
                    mail.to,
                    mail.subject(),
                    mail.text(),
                    String::from_utf8_lossy(&mail.raw)
                )
            })
            .collect();
        assert!(all.iter().all(|mail| !mail.contains(foreign)), "{all:?}");
        assert!(all.iter().any(|mail| mail.contains(own)), "{all:?}");
    }
}
