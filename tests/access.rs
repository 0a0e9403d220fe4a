//! The ways in: API keys and their limits, the second factor, sessions, devices, and who may do what to whose account.
use crate::support::{Caller, Desk, desk::PASSWORD, until_so};
use data_encoding::BASE32_NOPAD;
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};
use totp_rs::Builder;

fn login(desk: &Desk, body: &Value) -> crate::support::http::Reply {
    desk.nobody().ask("admin_login", body)
}

/// What an authenticator app shows, `steps` half minutes from now.
fn code(secret: &str, steps: i64) -> String {
    let key = BASE32_NOPAD.decode(secret.as_bytes()).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let at = i64::try_from(now.as_secs()).unwrap() + steps * 30;
    let totp = Builder::new().with_secret(key).build().unwrap();
    totp.generate(u64::try_from(at).unwrap()).to_string()
}

#[test]
fn a_key_is_told_once_works_and_ends_at_once() {
    let desk = Desk::open();
    let body =
        json!({ "name": "Отчёты", "scopes": ["tickets", "read", "read"], "expires_in_days": 30 });
    let made = desk.alia.call("create_api_key", body);
    let key = made["key"].as_str().unwrap();
    assert!(key.starts_with("tps_") && key.len() >= 36, "{key}");
    assert_eq!(made["scopes"], json!(["read", "tickets"]));
    assert_eq!(made["operator_name"], "Алия Нурбекова");
    let program = Caller::with_key(&desk.address(), key);
    assert_eq!(program.call("list_tickets", json!({}))["total"], 0);
    assert_eq!(
        program.refused("list_api_keys", json!({})).1,
        "session_only"
    );
    let listed = desk.alia.call("list_api_keys", json!({}));
    let row = &listed[0];
    assert_eq!(row["id"], made["id"]);
    assert_eq!(row["status"], "active");
    assert_eq!(row["last_used_ip"], "127.0.0.1");
    assert!(key.starts_with(row["prefix"].as_str().unwrap()));
    assert!(row.get("key").is_none());
    // Another secret ends the old one; ending ends both.
    let id = json!({ "key_id": made["id"] });
    let renewed = desk.alia.call("regenerate_api_key", id.clone());
    assert_eq!(renewed["expires_at"], made["expires_at"]);
    let invalid = (403, "invalid_credential".to_owned());
    assert_eq!(program.refused("list_tickets", json!({})), invalid);
    let program = Caller::with_key(&desk.address(), renewed["key"].as_str().unwrap());
    program.call("list_tickets", json!({}));
    assert_eq!(
        desk.alia.call("revoke_api_key", id.clone())["status"],
        "revoked"
    );
    assert_eq!(program.refused("list_tickets", json!({})), invalid);
    assert_eq!(
        desk.alia.refused("regenerate_api_key", id.clone()),
        (400, "key_not_found".into())
    );
    // Another tenant's key is none.
    let foreign = desk.greta.ask("revoke_api_key", &id);
    let absent = desk.greta.ask("revoke_api_key", &json!({ "key_id": 999 }));
    assert_eq!((foreign.status, foreign.text()), (400, absent.text()));
    for (body, field) in [
        (json!({ "name": "x", "scopes": [] }), "scopes"),
        (json!({ "name": "x", "scopes": ["all"] }), "scopes[0]"),
        (
            json!({ "name": "x", "scopes": ["read"], "expires_in_days": 0 }),
            "expires_in_days",
        ),
        (
            json!({ "name": "x", "scopes": ["read"], "expires_at": "2020-01-01T00:00:00Z" }),
            "expires_at",
        ),
        (json!({ "scopes": ["read"] }), "name"),
    ] {
        let refusal = desk.alia.ask("create_api_key", &body);
        assert_eq!(refusal.status, 400, "{body}");
        assert_eq!(refusal.json()["field"], field);
    }
}

#[test]
fn a_plan_bounds_keys_and_their_scopes() {
    let desk = Desk::open();
    desk.dir
        .run(&["tenant", "update", "2", "--plan", "starter"], "");
    let make = |scopes: &[&str]| {
        let body = json!({ "name": "BI", "scopes": scopes });
        desk.greta.ask("create_api_key", &body)
    };
    let beyond = make(&["read", "write"]);
    assert_eq!((beyond.status, beyond.code()), (403, "plan_limit".into()));
    let id = make(&["read", "tickets"]).data()["id"].clone();
    let second = make(&["read"]);
    assert_eq!((second.status, second.code()), (403, "plan_limit".into()));
    // A key that has ended takes no place.
    desk.greta.call("revoke_api_key", json!({ "key_id": id }));
    assert_eq!(make(&["read"]).status, 200);
}

#[test]
fn a_restart_gives_nothing_of_a_limit_back() {
    let mut desk = Desk::open();
    desk.dir
        .run(&["tenant", "update", "2", "--plan", "starter"], "");
    let body = json!({ "name": "BI", "scopes": ["read", "tickets"] });
    let made = desk.greta.call("create_api_key", body);
    let program = Caller::with_key(&desk.address(), made["key"].as_str().unwrap());
    let ask = || program.ask("list_tickets", &json!({}));
    let first = ask();
    assert_eq!(first.header("ratelimit-limit"), Some("60"));
    assert_eq!(first.header("ratelimit-remaining"), Some("59"));
    for _ in 0..48 {
        ask();
    }
    let last = ask();
    let remaining: u32 = last.header("ratelimit-remaining").unwrap().parse().unwrap();
    assert!(remaining <= 30, "{remaining}");
    until_so("the use to be written down", || {
        desk.count("select count(*) from key_level where spent > 30") == 1
    });
    desk.crash();
    let after = ask();
    let left: u32 = after
        .header("ratelimit-remaining")
        .unwrap()
        .parse()
        .unwrap();
    assert!(left <= 40, "{left} after a crash");
    let refused = (0..60).map(|_| ask()).find(|reply| reply.status == 429);
    let refused = refused.expect("the limit is kept");
    assert!(refused.header("retry-after").is_some());
    assert_eq!(refused.header("ratelimit-remaining"), Some("0"));
}

#[test]
fn a_second_factor_is_asked_for_and_each_code_is_good_once() {
    let desk = Desk::open();
    let omar = &desk.omar;
    assert_eq!(
        omar.refused("totp_enable", json!({ "code": "123456" })),
        (400, "totp_not_set_up".into())
    );
    let setup = omar.call("totp_setup", json!({}));
    let secret = setup["secret"].as_str().unwrap();
    let uri = setup["otpauth_uri"].as_str().unwrap();
    assert!(
        uri.starts_with("otpauth://totp/acme") && uri.contains(secret),
        "{uri}"
    );
    assert!(setup["qr_svg"].as_str().unwrap().starts_with("<svg"));
    // Nothing is asked for before a code has shown that the app works.
    let by_password = json!({ "login": "omar@acme.example", "password": PASSWORD });
    assert_eq!(login(&desk, &by_password).status, 200);
    let wrong = omar.refused("totp_enable", json!({ "code": "000000" }));
    assert_eq!(wrong, (403, "totp_invalid".into()));
    // The code before this one, so that those that follow are news.
    let enabled = omar.call("totp_enable", json!({ "code": code(secret, -1) }));
    let recovery = enabled["recovery_codes"].as_array().unwrap();
    assert_eq!(recovery.len(), 10);
    assert_eq!(omar.call("me", json!({}))["two_factor"], true);
    assert_eq!(omar.refused("totp_setup", json!({})).1, "totp_enabled");

    let with = |code: &str| {
        let mut body = by_password.clone();
        body["totp"] = code.into();
        login(&desk, &body)
    };
    let asked = login(&desk, &by_password);
    assert_eq!((asked.status, asked.code()), (403, "totp_required".into()));
    let stranger = json!({ "login": "omar@acme.example", "password": "wrong", "totp": "1" });
    assert_eq!(login(&desk, &stranger).code(), "login_failed");
    let now = code(secret, 0);
    assert_eq!(with(&now).status, 200);
    assert_eq!(with(&now).code(), "totp_invalid", "a code is good once");
    let spare = recovery[0].as_str().unwrap();
    assert_eq!(with(&spare.to_uppercase()).status, 200);
    assert_eq!(with(spare).code(), "totp_invalid");
    // A short code is not guessed: whoever has the password is slowed down.
    let slowed = (0..8)
        .map(|_| with("000000"))
        .find(|reply| reply.status == 429);
    assert!(
        slowed
            .expect("guessing is slowed down")
            .header("retry-after")
            .is_some()
    );
    let device = json!({ "login": "omar@acme.example", "password": PASSWORD, "device": "Pixel" });
    assert_eq!(desk.nobody().ask("mobile_login", &device).status, 429);

    assert_eq!(
        omar.refused("totp_disable", json!({ "password": "wrong" })),
        (400, "invalid_parameter".into())
    );
    omar.call("totp_disable", json!({ "password": PASSWORD }));
    assert_eq!(omar.call("me", json!({}))["two_factor"], false);
    // An admin helps who has lost everything, and nobody above them.
    let setup = omar.call("totp_setup", json!({}));
    let secret = setup["secret"].as_str().unwrap();
    omar.call("totp_enable", json!({ "code": code(secret, 0) }));
    let id = omar.call("me", json!({}))["operator"]["id"].clone();
    assert_eq!(
        desk.saule
            .refused("reset_operator_totp", json!({ "operator_id": id }))
            .1,
        "role_required"
    );
    desk.alia
        .call("reset_operator_totp", json!({ "operator_id": id }));
    assert_eq!(omar.call("me", json!({}))["two_factor"], false);
    let bytes = std::fs::read(desk.dir.database()).unwrap();
    assert!(!bytes.windows(32).any(|w| w == secret.as_bytes()));
}

#[test]
fn sessions_are_listed_and_ended_by_whose_they_are() {
    let desk = Desk::open();
    let elsewhere = Caller::sign_in(&desk.address(), "omar@acme.example", PASSWORD);
    let listed = desk.omar.call("list_sessions", json!({}));
    let rows = listed.as_array().unwrap();
    assert_eq!(rows.len(), 2);
    let other = rows.iter().find(|row| row["is_current"] == false).unwrap();
    assert_eq!(other["address"], "127.0.0.1");
    let id = json!({ "session_id": other["id"] });
    let foreign = desk.saule.refused("revoke_session", id.clone());
    assert_eq!(foreign, (400, "session_not_found".into()));
    assert_eq!(
        desk.omar.call("revoke_session", id),
        json!({ "id": other["id"], "deleted": true })
    );
    assert_eq!(elsewhere.refused("me", json!({})).1, "session_expired");
    desk.omar.call("me", json!({}));
}

#[test]
fn a_device_is_an_operator_at_most_and_ends_with_the_password() {
    let desk = Desk::open();
    let enter = |login: &str, device: &str| {
        let body = json!({ "login": login, "password": PASSWORD, "device": device });
        desk.nobody().call("mobile_login", body)
    };
    let opened = enter("alia@acme.example", "Pixel 9");
    let token = opened["token"].as_str().unwrap();
    assert!(token.starts_with("mt_"));
    assert_eq!(opened["permissions"]["is_admin"], false);
    let phone = desk.nobody().header("x-mobile-token", token);
    let ticket = desk.ticket("С телефона");
    let taken = phone.call("take_ticket", json!({ "ticket_id": ticket }));
    assert_eq!(taken["assigned_name"], "Алия Нурбекова");
    let in_body = json!({ "mobile_token": token });
    assert_eq!(
        desk.nobody().call("list_tickets", in_body.clone())["total"],
        1
    );
    // It goes before a session, and one that does not hold is not passed over.
    let me = desk.omar.call("me", in_body);
    assert_eq!(me["operator"]["email"], "alia@acme.example");
    let forged = desk
        .omar
        .refused("me", json!({ "mobile_token": format!("{token}x") }));
    assert_eq!(forged, (403, "invalid_credential".into()));
    let beside_key = desk.key.header("x-mobile-token", "mt_nonsense");
    beside_key.call("list_tickets", json!({}));
    for (action, operation) in desk.admin_actions() {
        let example = &operation["requestBody"]["content"]["application/json"]["example"];
        if matches!(
            operation["x-role"].as_str(),
            Some("supervisor" | "admin" | "head_admin")
        ) {
            assert_eq!(
                phone.refused(&action, example.clone()),
                (403, "role_required".into()),
                "{action}"
            );
        }
    }
    for action in ["totp_setup", "list_sessions", "change_password"] {
        let body = json!({ "password": PASSWORD, "new_password": "another password" });
        assert_eq!(phone.refused(action, body).1, "session_only", "{action}");
    }
    // A device signs itself out and no other; whose it is ends any.
    let tablet = enter("alia@acme.example", "Tablet");
    let own = json!({ "session_id": opened["id"] });
    let other = json!({ "session_id": tablet["id"] });
    assert_eq!(
        phone.refused("revoke_mobile_session", other.clone()).1,
        "session_only"
    );
    let listed = desk.alia.call("list_mobile_sessions", json!({}));
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert_eq!(
        desk.omar.refused("revoke_mobile_session", other),
        (400, "session_not_found".into())
    );
    phone.call("revoke_mobile_session", own);
    assert_eq!(
        phone.refused("me", json!({})),
        (403, "invalid_credential".into())
    );
    let tablet = desk
        .nobody()
        .header("x-mobile-token", tablet["token"].as_str().unwrap());
    tablet.call("me", json!({}));
    let change = json!({ "password": PASSWORD, "new_password": "another password" });
    desk.alia.call("change_password", change);
    assert_eq!(
        tablet.refused("me", json!({})),
        (403, "invalid_credential".into())
    );
    desk.alia.call("me", json!({}));
}

#[test]
fn roles_are_given_below_one_s_own_and_one_admin_stays() {
    let desk = Desk::open();
    let id = |who: &Caller| who.call("me", json!({}))["operator"]["id"].clone();
    let (alia, saule, omar) = (id(&desk.alia), id(&desk.saule), id(&desk.omar));
    let role = |whom: &Value, role: &str| {
        let body = json!({ "operator_id": whom, "role": role });
        desk.alia.ask("update_operator_role", &body)
    };
    assert_eq!(role(&omar, "supervisor").data()["role"], "supervisor");
    assert_eq!(
        desk.omar.call("me", json!({}))["permissions"]["is_supervisor"],
        true
    );
    let head = role(&omar, "head_admin");
    assert_eq!(
        (head.status, head.json()["field"].clone()),
        (400, "role".into())
    );
    let last = role(&alia, "operator");
    assert_eq!((last.status, last.code()), (400, "last_admin".into()));
    let body = json!({ "operator_id": alia });
    assert_eq!(
        desk.alia.refused("remove_operator", body),
        (400, "last_admin".into())
    );
    // Nobody reaches up: the head admin is not an admin's to change.
    desk.dir.run(
        &["operator", "set-role", "saule@acme.example", "head_admin"],
        "",
    );
    let above = role(&saule, "operator");
    assert_eq!((above.status, above.code()), (403, "role_required".into()));
    let body = json!({ "operator_id": saule });
    assert_eq!(desk.alia.refused("remove_operator", body).0, 403);
    let edit = json!({ "operator_id": omar, "can_edit": false });
    assert_eq!(
        desk.alia.call("toggle_operator_edit", edit)["can_edit"],
        false
    );
    // Another tenant's operator is none.
    let greta = json!({ "operator_id": id(&desk.greta), "role": "operator" });
    let absent = json!({ "operator_id": 9999, "role": "operator" });
    assert_eq!(
        desk.alia.ask("update_operator_role", &greta).text(),
        desk.alia.ask("update_operator_role", &absent).text()
    );
}

#[test]
fn who_is_removed_leaves_their_work_to_another_and_may_come_back() {
    let desk = Desk::open();
    let id = |who: &Caller| who.call("me", json!({}))["operator"]["id"].clone();
    let (omar, saule) = (id(&desk.omar), id(&desk.saule));
    let ticket = desk.ticket("Наследство");
    desk.omar
        .call("take_ticket", json!({ "ticket_id": ticket }));
    desk.omar.call(
        "add_message",
        json!({ "ticket_id": ticket, "message": "Смотрю" }),
    );
    let key = desk.dir.run(
        &[
            "key",
            "create",
            "--tenant",
            "acme",
            "--name",
            "x",
            "--scopes",
            "read,tickets",
            "--operator",
            "omar@acme.example",
        ],
        "",
    );
    let key = Caller::with_key(&desk.address(), &key);
    key.call("list_tickets", json!({}));
    let foreign = json!({ "operator_id": omar, "reassign_to": id(&desk.greta) });
    let refusal = desk.alia.ask("remove_operator", &foreign);
    assert_eq!(
        (refusal.code(), refusal.json()["field"].clone()),
        ("operator_not_found".into(), "reassign_to".into())
    );
    let body = json!({ "operator_id": omar, "reassign_to": saule });
    assert_eq!(
        desk.alia.call("remove_operator", body.clone())["deleted"],
        true
    );
    assert_eq!(
        desk.alia.refused("remove_operator", body).1,
        "operator_not_found"
    );
    assert_eq!(desk.omar.refused("me", json!({})).1, "session_expired");
    assert_eq!(
        key.refused("list_tickets", json!({})).1,
        "invalid_credential"
    );
    let by_password = json!({ "login": "omar@acme.example", "password": PASSWORD });
    assert_eq!(login(&desk, &by_password).code(), "login_failed");
    let whole = desk.alia.call("get_ticket", json!({ "ticket_id": ticket }));
    assert_eq!(whole["ticket"]["assigned_name"], "Сауле Ахметова");
    let messages = whole["messages"].as_array().unwrap();
    assert!(messages.iter().any(|m| m["author_name"] == "Омар Сеитов"));
    // Back by the same address, without the old keys.
    let body = json!({ "name": "Омар Сеитов", "email": "omar@acme.example", "password": "a new password" });
    assert_eq!(desk.alia.call("add_operator", body.clone())["id"], omar);
    assert_eq!(
        desk.alia.refused("add_operator", body.clone()).1,
        "already_exists"
    );
    assert_eq!(desk.greta.refused("add_operator", body).1, "already_exists");
    Caller::sign_in(&desk.address(), "omar@acme.example", "a new password");
    assert_eq!(
        key.refused("list_tickets", json!({})).1,
        "invalid_credential"
    );
    desk.check();
}

#[test]
fn somebody_says_whether_they_are_at_work() {
    let desk = Desk::open();
    let of_omar = || {
        let listed = desk.alia.call("list_operators", json!({}));
        let rows = listed.as_array().unwrap().clone();
        let row = rows
            .into_iter()
            .find(|row| row["email"] == "omar@acme.example");
        row.unwrap()["availability"].clone()
    };
    assert_eq!(of_omar(), "offline");
    for word in ["away", "online", "offline"] {
        let said = desk
            .omar
            .call("set_availability", json!({ "availability": word }));
        assert_eq!(said["availability"], word);
        assert_eq!(of_omar(), word);
    }
    let refusal = desk
        .omar
        .ask("set_availability", &json!({ "availability": "asleep" }));
    assert_eq!(
        refusal.json()["allowed"],
        json!(["online", "away", "offline"])
    );
}

#[test]
fn many_sign_ins_leave_no_memory_behind() {
    let desk = Desk::open_with(&["--trusted-proxies", "127.0.0.1"]);
    let resident = || {
        let pid = desk.serving.pid().as_raw_nonzero();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS"))
            .unwrap();
        let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        kib / 1024
    };
    let before = resident();
    // Sixteen people at a time, so that each of the threads that hash has had its turn.
    std::thread::scope(|scope| {
        for person in 0..16 {
            let nobody = desk.nobody();
            scope.spawn(move || {
                for turn in 0..4 {
                    let from = nobody.header("X-Forwarded-For", &format!("203.0.113.{person}"));
                    let login = format!("{person}-{turn}@acme.example");
                    let (status, code) = from.refused(
                        "admin_login",
                        json!({ "login": login, "password": "wrong one" }),
                    );
                    assert_eq!((status, code.as_str()), (403, "login_failed"));
                }
            });
        }
    });
    let after = resident();
    assert!(after < before + 60, "{before} MB before, {after} MB after");
}
