//! What the door itself decides: which files are kept, which credential counts, what is answered again and what is noted.
use crate::support::{Caller, Desk, desk::PASSWORD, http::Request, until_so};
use serde_json::{Value, json};

/// A file that no test keeps anywhere else.
const FILE: (&str, &str, &[u8]) = ("a.txt", "text/plain", b"nobody's");

#[test]
fn files_that_no_message_takes_are_not_left_behind() {
    let desk = Desk::open();
    let visitor = desk.visitor();
    let before = desk.dir.files("files");
    // The action takes no files, with and without its name in the path.
    visitor.upload("config", json!({}), &[FILE]).data();
    let nameless = visitor.request("POST", "/api/widget.php");
    let key = desk.alia.call("get_widget_settings", json!({}))["api_key"].clone();
    let fields = json!({ "action": "config", "api_key": key });
    visitor.send(&nameless.multipart(&fields, &[FILE])).data();
    // The action fails, or a machine is answered and nothing is stored.
    let stranger = json!({ "ticket_id": 1, "email": "a@b.kz", "message": "x" });
    let refused = visitor.upload("add_reply", stranger, &[FILE]);
    assert_eq!(refused.code(), "ticket_not_found");
    let machine =
        json!({ "name": "Bot", "email": "bot@b.kz", "description": "Buy", "website": "b.kz" });
    visitor.upload("create_ticket", machine, &[FILE]).data();
    desk.key
        .upload(
            "get_ticket",
            json!({ "ticket_id": desk.ticket("Нет") }),
            &[FILE],
        )
        .data();
    until_so("the files to be cleared away", || {
        desk.dir.files("files") == before
    });

    // The same bytes stay where a message has them, whatever fails afterwards.
    let id = desk.ticket("С файлом");
    let answer = json!({ "ticket_id": id, "message": "" });
    let kept = desk.omar.upload("add_message", answer, &[FILE]).data();
    desk.omar
        .upload(
            "add_message",
            json!({ "ticket_id": 999, "message": "" }),
            &[FILE],
        )
        .code();
    let url = kept["files"][0]["url"].as_str().unwrap().to_owned();
    assert_eq!(desk.nobody().get(&url).body, FILE.2);
    desk.check();
}

#[test]
fn a_visitor_s_files_are_bounded_together_and_the_limit_is_told_in_megabytes() {
    let desk = Desk::open();
    let bytes = vec![0_u8; 6 << 20];
    let files = [("a.bin", "application/octet-stream", bytes.as_slice()); 5];
    let ticket = json!({ "name": "Асем", "email": "asem@b.kz", "description": "Файлы" });
    let reply = desk
        .visitor()
        .upload("create_ticket", ticket.clone(), &files);
    assert_eq!((reply.status, reply.code()), (413, "too_large".into()));
    assert_eq!(reply.json()["limit"], "25 MB");
    desk.visitor()
        .upload("create_ticket", ticket, &files[..4])
        .data();
    assert_eq!(desk.count("select count(*) from file"), 4);
    until_so("the refused files to be cleared away", || {
        desk.dir.files("files/incoming").is_empty()
    });
}

#[test]
fn signing_in_takes_a_form_with_parts_as_it_takes_json() {
    let desk = Desk::open();
    let fields = json!({ "login": "omar@acme.example", "password": PASSWORD });
    let reply = desk.nobody().upload("admin_login", fields, &[FILE]);
    assert_eq!(reply.data()["operator"]["name"], "Омар Сеитов");
    assert!(reply.header("set-cookie").is_some());
    assert_eq!(desk.dir.files("files/incoming"), Vec::<String>::new());
}

#[test]
fn a_key_fetches_a_file_only_if_it_may_see_the_ticket() {
    let desk = Desk::open();
    let answer = json!({ "ticket_id": desk.ticket("Файл"), "message": "" });
    let message = desk.omar.upload("add_message", answer, &[FILE]).data();
    let bare = message["files"][0]["url"]
        .as_str()
        .unwrap()
        .split('?')
        .next()
        .unwrap()
        .to_owned();
    for scopes in ["clients,read", "tickets,write"] {
        let reply = desk.key_of("acme", scopes).get(&bare);
        assert_eq!(
            (reply.status, reply.code()),
            (403, "missing_scope".into()),
            "{scopes}"
        );
    }
    let key = desk.key_of("acme", "read,tickets");
    assert_eq!(key.get(&bare).body, FILE.2);
    let nobody = desk.nobody();
    for scheme in ["Bearer", "bearer"] {
        let bearer = format!("{scheme} {}", key.credential("x-api-key"));
        let bearer = nobody.header("authorization", &bearer);
        assert_eq!(bearer.get(&bare).body, FILE.2);
        assert_eq!(bearer.call("list_tickets", json!({}))["total"], 1);
    }
}

#[test]
fn fetching_files_counts_against_the_limit_of_the_key() {
    let desk = Desk::open();
    desk.dir
        .run(&["tenant", "update", "acme", "--plan", "starter"], "");
    let answer = json!({ "ticket_id": desk.ticket("Файл"), "message": "" });
    let message = desk.omar.upload("add_message", answer, &[FILE]).data();
    let bare = message["files"][0]["url"]
        .as_str()
        .unwrap()
        .split('?')
        .next()
        .unwrap()
        .to_owned();
    let statuses: Vec<u16> = (0..70).map(|_| desk.key.get(&bare).status).collect();
    assert_eq!(statuses[..60], [200; 60]);
    assert!(statuses.contains(&429), "{statuses:?}");
}

#[test]
fn a_cookie_is_the_credential_even_beside_what_a_proxy_asks_for() {
    let desk = Desk::open();
    let id = desk.ticket("Чужой сайт");
    let take = |caller: &Caller| caller.ask("take_ticket", &json!({ "ticket_id": id }));
    let lured = desk
        .omar
        .header("authorization", "Basic dXNlcjpwYXNz")
        .header("origin", "https://evil.example");
    let reply = take(&lured);
    assert_eq!((reply.status, reply.code()), (403, "cross_site".into()));
    let own = format!("http://{}", desk.omar.address());
    take(&lured.header("origin", &own)).data();
    // A key is no browser's.
    take(&desk.key.header("origin", "https://evil.example")).data();
}

#[test]
fn a_visitor_s_wrong_parameter_is_named() {
    let desk = Desk::open();
    for (action, body, field) in [
        ("check_status", json!({ "ticket_id": "abc" }), "ticket_id"),
        (
            "get_messages",
            json!({ "ticket_id": 1, "email": 7 }),
            "email",
        ),
        ("add_reply", json!({ "ticket_token": [] }), "ticket_token"),
    ] {
        let reply = desk.visitor().ask(action, &body);
        assert_eq!(
            (reply.code().as_str(), &reply.json()["field"]),
            ("invalid_parameter", &json!(field))
        );
    }
}

#[test]
fn who_enters_is_noted() {
    let desk = Desk::open();
    let noted = |action: &str| {
        let row = desk.look().query_row(
            "select actor_name, subject from audit_log where action = ?1 order by id desc",
            [action],
            |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)),
        );
        row.unwrap()
    };
    let id = desk.greta.call("me", json!({}))["operator"]["id"].clone();
    let subject = json!({ "operator_id": id }).to_string();
    assert_eq!(noted("admin_login"), ("Greta Holm".to_owned(), subject));
    let added = json!({ "name": "Данияр", "email": "daniyar@acme.example" });
    let url = desk.alia.call("add_operator", added)["invitation_url"].clone();
    let (_, token) = url.as_str().unwrap().split_once("token=").unwrap();
    let body = json!({ "token": token, "password": PASSWORD });
    desk.nobody().call("reset_password", body);
    assert_eq!(noted("reset_password").0, "Данияр");
}

#[test]
fn a_repeated_call_is_answered_alike_and_its_answer_lies_sealed() {
    let desk = Desk::open();
    desk.client("client.example", 1, "Иван");
    let again = desk.alia.header("idempotency-key", "k-1");
    let token = |caller: &Caller| {
        caller.call(
            "create_client_token",
            json!({ "portal_domain": "client.example" }),
        )
    };
    let first = token(&again);
    assert_eq!(token(&again), first);
    let answer: Vec<u8> = desk
        .look()
        .query_row("select answer from idempotency", [], |row| row.get(0))
        .unwrap();
    assert!(!answer.windows(3).any(|part| part == b"ct_"));

    // A task that creates does so once.
    let once = desk.alia.header("idempotency-key", "k-2");
    let body = json!({ "name": "Данияр", "email": "daniyar@acme.example" });
    let first: Value = once.call("add_operator", body.clone());
    assert_eq!(once.call("add_operator", body.clone()), first);
    assert_eq!(desk.alia.refused("add_operator", body).1, "already_exists");
    let other = json!({ "name": "Данияр", "email": "other@acme.example" });
    assert_eq!(
        once.refused("add_operator", other).1,
        "idempotency_mismatch"
    );
}

#[test]
fn clients_are_found_however_they_are_spelt_and_lists_have_parts() {
    let desk = Desk::open();
    for (domain, name) in [("led.example", "ТОО «Лёд»"), ("mir.example", "Мир")] {
        desk.alia.call(
            "create_client",
            json!({ "portal_domain": domain, "company_name": name }),
        );
    }
    let found = |search: &str| {
        let list = desk.alia.call("list_clients", json!({ "search": search }));
        list.as_array().unwrap().len()
    };
    assert_eq!(
        (found("лёд"), found("ЛЕД"), found("LED.ex"), found("")),
        (1, 1, 1, 2)
    );
    let part = desk
        .alia
        .call("list_clients", json!({ "page": 2, "limit": 1 }));
    assert_eq!(part[0]["portal_domain"], "led.example");
    for name in ["Асем", "Болат", "Вера"] {
        desk.alia.call("save_contact", json!({ "name": name }));
    }
    let names = |body: Value| -> Vec<String> {
        let list = desk.alia.call("list_contacts", body);
        let name = |contact: &Value| contact["name"].as_str().unwrap().to_owned();
        list.as_array().unwrap().iter().map(name).collect()
    };
    assert_eq!(names(json!({})), ["Асем", "Болат", "Вера"]);
    assert_eq!(names(json!({ "page": 2, "limit": 2 })), ["Вера"]);
    assert_eq!(
        desk.alia.refused("list_contacts", json!({ "page": 0 })).1,
        "invalid_parameter"
    );
}

#[test]
fn a_webhook_of_no_channel_is_refused_before_its_body_is_read() {
    let desk = Desk::open();
    // Announces a body that never comes.
    let request = Request::post("/api/channel-webhook.php?type=email&channel=77")
        .header("content-type", "multipart/form-data; boundary=b")
        .header("content-length", "30000000");
    let reply = desk.nobody().send(&request);
    assert_eq!((reply.status, reply.code()), (403, "bad_signature".into()));
}
