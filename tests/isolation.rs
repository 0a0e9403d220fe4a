//! Who may not see what: another tenant's things, another client's tickets, notes, and what a credential does not reach.
use crate::support::{Caller, Desk, http::Request};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs};

/// One thing of each kind in acme, by the name of the parameter that names it.
fn furnish(desk: &Desk) -> BTreeMap<&'static str, Value> {
    // Numbers are counted per tenant: this one must not be one that globex has as well.
    let ticket = (0..9).map(|_| desk.ticket("Тайна acme")).last().unwrap();
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

/// The admin's actions of the served document: name and operation.
fn admin_actions(desk: &Desk) -> Vec<(String, Value)> {
    let document = desk.nobody().get("/api/openapi.json").json();
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .filter_map(|(path, item)| {
            Some((
                path.strip_prefix("/api/admin.php/")?.to_owned(),
                item["post"].clone(),
            ))
        })
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
    for (action, operation) in admin_actions(&desk) {
        let example = &operation["requestBody"]["content"]["application/json"]["example"];
        let properties = operation["requestBody"]["content"]["application/json"]["schema"].clone();
        let known = schema_names(&desk, &properties);
        for (name, theirs) in &things {
            // `create_client` names a portal that is to be made, and lists only filter by one.
            if !known.contains(&(*name).to_owned())
                || action == "create_client"
                || action == "list_tickets"
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
            assert_eq!(foreign.0, 400, "{action} by {name}: {}", foreign.2);
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

#[test]
fn only_a_token_that_we_made_and_that_still_holds_is_believed() {
    let desk = Desk::open();
    let client = desk.client("client.example", 1, "Иван Петров");
    let token = client.credential("x-client-token").to_owned();
    assert_eq!(client.call("me", json!({}))["user_id"], 1);
    let (payload, proof) = token.strip_prefix("ct_").unwrap().split_once('.').unwrap();
    let mut claims: Value =
        serde_json::from_slice(&BASE64URL_NOPAD.decode(payload.as_bytes()).unwrap()).unwrap();
    claims["u"] = 2.into();
    let forged = BASE64URL_NOPAD.encode(claims.to_string().as_bytes());
    let refused = |token: &str| desk.bearer(token).refused("me", json!({}));
    let invalid = (403, "invalid_credential".to_owned());
    assert_eq!(refused(&format!("ct_{forged}.{proof}")), invalid);
    assert_eq!(refused(&format!("ct_{payload}.")), invalid);
    assert_eq!(refused(&format!("ct_{payload}.{}", &proof[1..])), invalid);
    assert_eq!(refused(&format!("ct_{payload}")), invalid);
    assert_eq!(refused("ct_"), invalid);
    assert_eq!(
        desk.nobody().at("client").refused("me", json!({})),
        (403, "not_authenticated".into())
    );
    // Another installation's token, with the same tenant, portal and user.
    let elsewhere = Desk::open();
    let foreign = elsewhere.client("client.example", 1, "Иван Петров");
    assert_eq!(refused(foreign.credential("x-client-token")), invalid);
    // A key and a session are no client's credentials, nor the other way round.
    assert_eq!(
        desk.key.at("client").refused("me", json!({})),
        (403, "not_authenticated".into())
    );
    assert_eq!(
        desk.omar.at("client").refused("me", json!({})),
        (403, "not_authenticated".into())
    );
    assert_eq!(
        client.at("admin").refused("me", json!({})),
        (403, "not_authenticated".into())
    );
    for ttl in [299, 604_801] {
        let body = json!({ "portal_domain": "client.example", "ttl": ttl });
        assert_eq!(
            desk.alia.refused("create_client_token", body),
            (400, "invalid_parameter".into())
        );
    }
    // A portal that was switched off lets nobody in.
    desk.alia.call(
        "client_settings",
        json!({ "portal_domain": "client.example", "data": { "is_active": false } }),
    );
    assert_eq!(refused(&token), invalid);
}

#[test]
fn a_key_reaches_what_its_scopes_say_and_no_setting() {
    let desk = Desk::open();
    let id = desk.ticket("Права");
    let answer = json!({ "ticket_id": id, "message": "…" });
    let reader = desk.key_of("acme", "read,tickets");
    assert_eq!(reader.call("list_tickets", json!({}))["total"], 1);
    let refusal = reader.ask("take_ticket", &json!({ "ticket_id": id }));
    assert_eq!(
        (refusal.status, refusal.code()),
        (403, "missing_scope".into())
    );
    assert_eq!(refusal.json()["required_scope"], "write");
    assert_eq!(
        reader.ask("list_clients", &json!({})).json()["required_scope"],
        "clients"
    );
    assert_eq!(
        reader.ask("add_message", &answer).json()["code"],
        "missing_scope"
    );
    let writer = desk.key_of("acme", "write,messages");
    assert_eq!(
        writer.call("add_message", answer)["author_name"],
        "Алия Нурбекова"
    );
    assert_eq!(
        writer.ask("get_ticket", &json!({ "ticket_id": id })).json()["code"],
        "missing_scope"
    );
    // An admin's key with every scope is still no admin.
    for (action, operation) in admin_actions(&desk) {
        if operation["x-key"] == false && operation["x-role"] != "anyone" {
            let example = &operation["requestBody"]["content"]["application/json"]["example"];
            assert_eq!(
                desk.key.refused(&action, example.clone()),
                (403, "session_only".into()),
                "{action}"
            );
        }
    }
    // A bad key is refused even beside a good session.
    let both = desk.omar.header(
        "x-api-key",
        "tps_0000000000000000000000000000000000000000000",
    );
    assert_eq!(
        both.refused("list_tickets", json!({})),
        (403, "invalid_credential".into())
    );
    // A revoked key ends at once.
    let listed: Value =
        serde_json::from_str(&desk.dir.run(&["key", "list", "--json"], "")).unwrap();
    let prefix = &writer.credential("x-api-key")[..12];
    let row = listed
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["prefix"] == prefix)
        .expect("the key is listed");
    desk.dir.run(&["key", "revoke", &row["id"].to_string()], "");
    assert_eq!(
        writer.refused("add_message", json!({ "ticket_id": id, "message": "…" })),
        (403, "invalid_credential".into())
    );
}

#[test]
fn an_operator_does_not_reach_what_is_an_admin_s() {
    let desk = Desk::open();
    for (action, operation) in admin_actions(&desk) {
        let example = operation["requestBody"]["content"]["application/json"]["example"].clone();
        if operation["x-role"] == "admin" {
            for who in [&desk.omar, &desk.saule] {
                let reply = who.ask(&action, &example);
                assert_eq!(
                    (reply.status, reply.code()),
                    (403, "role_required".into()),
                    "{action}"
                );
                assert_eq!(reply.json()["required_role"], "admin");
            }
        }
    }
    // Nobody gives a role above their own.
    let body = json!({ "name": "Босс", "email": "boss@acme.example", "role": "head_admin", "password": "correct horse" });
    assert_eq!(desk.alia.refused("add_operator", body).0, 400);
}

#[test]
fn a_request_that_another_site_makes_changes_nothing() {
    let desk = Desk::open();
    let id = desk.ticket("Чужой сайт");
    let take = json!({ "ticket_id": id });
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("sec-fetch-site", "cross-site"),
        ("origin", "null"),
    ] {
        let foreign = desk.omar.header(name, value);
        assert_eq!(
            foreign.refused("take_ticket", take.clone()),
            (403, "cross_site".into()),
            "{name}: {value}"
        );
    }
    let own = desk
        .omar
        .header("origin", &format!("http://{}", desk.omar.address()))
        .header("sec-fetch-site", "same-origin");
    assert_eq!(
        own.call("take_ticket", take)["assigned_name"],
        "Омар Сеитов"
    );
}

#[test]
fn a_visitor_opens_a_ticket_only_by_what_was_given_to_them() {
    let desk = Desk::open();
    let visitor = desk.visitor();
    let form =
        json!({ "name": "Асем", "email": "Asem@Site.example", "description": "Где мой заказ?" });
    let opened = visitor.call("create_ticket", form.clone());
    let reference = opened["ticket_id"].as_i64().unwrap();
    assert!((100_000_000_000..1_000_000_000_000_000).contains(&reference));
    let check = |body: Value| visitor.ask("check_status", &body);
    assert_eq!(
        check(json!({ "ticket_id": reference, "email": "asem@site.example" })).data()["subject"],
        "Где мой заказ?"
    );
    let token = opened["ticket_token"].as_str().unwrap();
    let replied = visitor.call(
        "add_reply",
        json!({ "ticket_token": token, "message": "Ау!" }),
    );
    assert_eq!(replied["message"]["author_type"], "client");

    let wrong_email = check(json!({ "ticket_id": reference, "email": "other@site.example" }));
    let wrong_id = check(json!({ "ticket_id": reference + 1, "email": "asem@site.example" }));
    let number = desk.alia.call("list_tickets", json!({}))["tickets"][0]["id"].clone();
    let sequential = check(json!({ "ticket_id": number, "email": "asem@site.example" }));
    assert_eq!(
        (wrong_email.status, wrong_email.code()),
        (400, "ticket_not_found".into())
    );
    assert_eq!(wrong_email.text(), wrong_id.text());
    assert_eq!(wrong_email.text(), sequential.text());
    let forged = format!("wt_{reference}_{}", "A".repeat(43));
    assert_eq!(
        check(json!({ "ticket_token": forged })).code(),
        "ticket_not_found"
    );
    // The honeypot answers as if all were well, and stores nothing.
    let mut machine = form;
    machine["website"] = "https://spam.example".into();
    assert!(visitor.call("create_ticket", machine)["ticket_id"].is_i64());
    assert_eq!(desk.count("select count(*) from ticket"), 1);
    // Guessing on is slowed down; the token still opens.
    let guesses = (0..12).map(|n| {
        check(json!({ "ticket_id": reference, "email": format!("guess{n}@site.example") }))
    });
    let slowed = guesses
        .into_iter()
        .find(|reply| reply.status == 429)
        .expect("guessing is slowed down");
    assert!(slowed.header("retry-after").is_some());
    assert_eq!(
        check(json!({ "ticket_id": reference, "email": "asem@site.example" })).status,
        429
    );
    assert_eq!(check(json!({ "ticket_token": token })).status, 200);
    // A strict tenant wants the token.
    desk.alia.call(
        "save_widget_settings",
        json!({ "widget_access": "strict", "allowed_origins": ["https://shop.example"] }),
    );
    assert_eq!(check(json!({ "ticket_token": token })).status, 200);
    let elsewhere = visitor.header("origin", "https://evil.example");
    assert_eq!(
        elsewhere.refused("check_status", json!({ "ticket_token": token })),
        (403, "cross_site".into())
    );
    let shop = visitor
        .header("origin", "https://shop.example")
        .ask("check_status", &json!({ "ticket_token": token }));
    assert_eq!(
        shop.header("access-control-allow-origin"),
        Some("https://shop.example")
    );
    let no_key = Caller::visitor(&desk.address(), "wk_nobody").refused("config", json!({}));
    assert_eq!(no_key, (403, "invalid_credential".into()));
}

#[test]
fn a_file_opens_by_its_own_link_or_to_its_own_tenant() {
    let desk = Desk::open();
    let id = desk.ticket("Файл");
    let message = desk
        .omar
        .upload(
            "add_message",
            json!({ "ticket_id": id, "message": "" }),
            &[("план.txt", "text/plain", b"plan")],
        )
        .data();
    let url = message["files"][0]["url"].as_str().unwrap().to_owned();
    let (bare, query) = url.split_once('?').unwrap();
    let nobody = desk.nobody();
    assert_eq!(nobody.get(&url).body, b"plan");
    assert_eq!(desk.omar.get(bare).body, b"plan");
    assert_eq!(desk.key.get(bare).body, b"plan");
    assert_eq!(
        (nobody.get(bare).status, nobody.get(bare).code()),
        (403, "not_authenticated".into())
    );
    assert_eq!(
        (desk.greta.get(bare).status, desk.greta.get(bare).code()),
        (404, "not_found".into())
    );
    // The proof is of this tenant, this file and this time.
    let other = desk
        .omar
        .upload(
            "add_message",
            json!({ "ticket_id": id, "message": "" }),
            &[("b.txt", "text/plain", b"b")],
        )
        .data();
    let other = other["files"][0]["url"]
        .as_str()
        .unwrap()
        .split_once('?')
        .unwrap()
        .0
        .to_owned();
    let tampered = |from: &str, to: &str| format!("{bare}?{}", query.replacen(from, to, 1));
    let expires = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("e="))
        .unwrap();
    let later = (expires.parse::<i64>().unwrap() + 3_600_000).to_string();
    let mut cut = url.clone();
    cut.pop();
    for address in [
        format!("{other}?{query}"),
        tampered("t=1", "t=2"),
        tampered(expires, &later),
        cut,
    ] {
        let reply = nobody.get(&address);
        assert_eq!(
            (reply.status, reply.code()),
            (403, "not_authenticated".into()),
            "{address}"
        );
    }
    assert_eq!(desk.greta.get(&tampered("t=1", "t=2")).status, 404);
    let shown = nobody.get(&url);
    assert!(
        shown
            .header("content-security-policy")
            .unwrap()
            .contains("sandbox")
    );
    assert_eq!(
        shown.header("content-type"),
        Some("application/octet-stream")
    );
    assert_eq!(nobody.send(&Request::new("HEAD", &url)).body, b"");
    // What was uploaded and not posted yet is its uploader's alone.
    let ahead = desk
        .omar
        .upload(
            "upload_file",
            json!({}),
            &[("draft.txt", "text/plain", b"draft")],
        )
        .data();
    let draft = ahead["files"][0]["url"].as_str().unwrap();
    assert_eq!(
        (
            desk.omar.get(draft).status,
            desk.saule.get(draft).status,
            nobody.get(draft).status
        ),
        (200, 404, 404)
    );
}

#[test]
fn logins_tell_nothing_and_passwords_are_not_kept() {
    let desk = Desk::open();
    let nobody = desk.nobody();
    let login = |login: &str, password: &str| {
        nobody.ask(
            "admin_login",
            &json!({ "login": login, "password": password }),
        )
    };
    let (wrong, unknown) = (
        login("omar@acme.example", "wrong password"),
        login("nobody@acme.example", "wrong password"),
    );
    assert_eq!((wrong.status, wrong.text()), (403, unknown.text()));
    assert_eq!(wrong.code(), "login_failed");
    let slowed = (0..10)
        .map(|_| login("omar@acme.example", "wrong password"))
        .find(|reply| reply.status == 429);
    assert!(
        slowed
            .expect("guessing is slowed down")
            .header("retry-after")
            .is_some()
    );
    // Another account from the same address is not locked out by it.
    assert_eq!(
        login("saule@acme.example", crate::support::desk::PASSWORD).status,
        200
    );
    let cookie = login("alia@acme.example", crate::support::desk::PASSWORD);
    let cookie = cookie.header("set-cookie").unwrap();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite"),
        "{cookie}"
    );
    let token = cookie.split([';', '=']).nth(1).unwrap().to_owned();
    desk.key.call("dashboard", json!({}));
    for file in ["tehprof.db", "tehprof.db-wal"] {
        let bytes = fs::read(desk.dir.0.join(file)).unwrap();
        for secret in [
            crate::support::desk::PASSWORD,
            desk.key.credential("x-api-key"),
            &token,
        ] {
            assert!(
                !bytes.windows(secret.len()).any(|w| w == secret.as_bytes()),
                "{secret} lies in {file}"
            );
        }
    }
    let log = desk.serving.log().join("\n");
    assert!(
        !log.contains(crate::support::desk::PASSWORD)
            && !log.contains(&token)
            && !log.contains("tps_")
    );
}
