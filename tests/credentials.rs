//! What each credential opens and what it does not: keys, sessions, client tokens, a visitor's reference.
use crate::support::{Caller, Desk, desk::PASSWORD};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use hmac::{Hmac, KeyInit, Mac};
use rusqlite::Connection;
use serde_json::{Value, json};
use sha2::Sha256;
use std::fs;

/// How the installation signs: HMAC-SHA256 over a part and, before it, its length.
fn mac(key: &[u8], part: &[u8]) -> Vec<u8> {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).unwrap();
    mac.update(&(part.len() as u64).to_be_bytes());
    mac.update(part);
    mac.finalize().into_bytes().to_vec()
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
    // Signed by the installation's own secret, but ended a second after the clock began.
    let secret = HEXLOWER
        .decode(
            fs::read(desk.dir.0.join("secret.key"))
                .unwrap()
                .trim_ascii(),
        )
        .unwrap();
    let sign = |claims: &Value| {
        let payload = BASE64URL_NOPAD.encode(claims.to_string().as_bytes());
        let proof = mac(&mac(&secret, b"client token"), payload.as_bytes());
        format!("ct_{payload}.{}", BASE64URL_NOPAD.encode(&proof))
    };
    claims["u"] = 1.into();
    assert_eq!(
        desk.bearer(&sign(&claims)).call("me", json!({}))["user_id"],
        1,
        "the signature is right"
    );
    claims["e"] = 1.into();
    assert_eq!(refused(&sign(&claims)), invalid);
    // All tokens issued so far end with their generation.
    let database = Connection::open(desk.dir.database()).unwrap();
    database
        .execute(
            "update client set token_generation = token_generation + 1",
            [],
        )
        .unwrap();
    assert_eq!(refused(&token), invalid);
    let token = desk
        .client("client.example", 1, "Иван Петров")
        .credential("x-client-token")
        .to_owned();
    assert_eq!(desk.bearer(&token).call("me", json!({}))["user_id"], 1);
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
    for (action, operation) in desk.admin_actions() {
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
    for (action, operation) in desk.admin_actions() {
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
    let refused = elsewhere.ask("check_status", &json!({ "ticket_token": token }));
    assert_eq!((refused.status, refused.code()), (403, "cross_site".into()));
    // A page that is not of the site may not even read why.
    assert_eq!(refused.header("access-control-allow-origin"), None);
    assert_eq!(refused.header("vary"), Some("origin"));
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
    assert_eq!(login("saule@acme.example", PASSWORD).status, 200);
    let cookie = login("alia@acme.example", PASSWORD);
    let cookie = cookie.header("set-cookie").unwrap();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite"),
        "{cookie}"
    );
    let token = cookie.split([';', '=']).nth(1).unwrap().to_owned();
    desk.key.call("dashboard", json!({}));
    for file in ["tehprof.db", "tehprof.db-wal"] {
        let bytes = fs::read(desk.dir.0.join(file)).unwrap();
        for secret in [PASSWORD, desk.key.credential("x-api-key"), &token] {
            assert!(
                !bytes.windows(secret.len()).any(|w| w == secret.as_bytes()),
                "{secret} lies in {file}"
            );
        }
    }
    let log = desk.serving.log().join("\n");
    assert!(!log.contains(PASSWORD) && !log.contains(&token) && !log.contains("tps_"));
}
