//! What would become of a delivery, asked without its coming in: what is told, and that nothing is left of it.
use crate::{
    messengers::{telegram, whatsapp},
    support::{
        Desk, Peer,
        post::{Letter, MAILBOX, deliver, desk_with_mail},
        until_so,
    },
};
use rusqlite::types::Value as Cell;
use serde_json::{Value, json};

/// Everything that is stored: each row of each table, and each file.
fn everything(desk: &Desk) -> (String, Vec<String>) {
    let conn = desk.look();
    // Where the table is one of FTS5's own, its rows are those of the index.
    let tables = "select name from sqlite_schema where type = 'table' order by name";
    let mut query = conn.prepare(tables).unwrap();
    let names = query.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let mut hasher = blake3::Hasher::new();
    for name in names.map(Result::unwrap) {
        let mut query = conn.prepare(&format!("select * from \"{name}\"")).unwrap();
        let width = query.column_count();
        let mut rows = query.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for at in 0..width {
                let cell: Cell = row.get(at).unwrap();
                hasher.update(format!("{name} {at} {cell:?}\n").as_bytes());
            }
        }
    }
    let hash = hasher.finalize().to_hex().to_string();
    (hash, desk.dir.files("files"))
}

/// Asks, and proves that nothing is left of it.
fn explain(desk: &Desk, body: Value) -> Value {
    let channel = desk.alia.call("list_channels", json!({}))[0]["id"].clone();
    let mut body = body;
    if body.get("channel_id").is_none() {
        body["channel_id"] = channel;
    }
    until_so("everything to rest", || {
        desk.count("select count(*) from outbox where state = 'queued'") == 0
            && desk.count("select count(*) from inbound_event where state = 'received'") == 0
    });
    let before = everything(desk);
    let said = desk.alia.call("explain_inbound", body);
    assert_eq!(everything(desk), before, "something was left of asking");
    said["parts"].clone()
}

fn mail_with_file(from: &str) -> String {
    let letter = Letter::new(from, MAILBOX, "Не печатает касса");
    let file = ("чек.txt", "text/plain", &b"receipt"[..]);
    let mail = letter.with_file("Помогите", "<p>Помогите</p>", file);
    String::from_utf8(mail.formatted()).unwrap()
}

#[test]
fn a_mail_is_explained_with_the_rules_that_it_sets_off_and_leaves_nothing() {
    let (desk, tray) = desk_with_mail();
    desk.alia.call(
        "save_trigger",
        json!({
            "name": "Касса срочно", "event": "ticket_created",
            "conditions": { "all": [{ "field": "subject", "op": "contains", "value": "касса" }] },
            "actions": [
                { "type": "set_priority", "value": "urgent" },
                { "type": "send_message", "value": "Уже смотрим" },
                { "type": "notify", "value": "supervisors", "text": "Касса" },
            ],
        }),
    );
    let source = mail_with_file("Асем <asem@client.example>");
    let parts = explain(&desk, json!({ "source": source }));
    let part = &parts[0];
    assert_eq!(
        (&part["outcome"], &part["rule"], &part["is_new_ticket"]),
        (&json!("ticket"), &json!("no_match"), &json!(true))
    );
    assert_eq!(part["ticket"]["subject"], "Не печатает касса");
    assert_eq!(
        part["ticket"]["priority"], "urgent",
        "as the trigger makes it"
    );
    assert_eq!(part["message"]["shown"], "Помогите");
    assert_eq!(part["message"]["files"][0]["name"], "чек.txt");
    assert_eq!(part["message"]["files"][0]["size"], 7);
    assert_eq!(part["triggers"][0]["trigger_name"], "Касса срочно");
    assert_eq!(
        part["outgoing"],
        json!([{ "kind": "answer", "recipient": "asem@client.example" }])
    );
    assert_eq!(part["why"], "nothing leads to an earlier ticket");
    // Nobody was told and nothing was sent, also later.
    assert_eq!(desk.saule.call("get_notifications", json!({})), json!([]));
    let id = desk.ticket("Другая");
    assert_eq!(part["ticket"]["id"], id, "its number was not taken");
    assert!(tray.taken().is_empty());
    desk.check();
}

#[test]
fn what_points_at_a_ticket_is_told_and_which_of_it_decides() {
    let (desk, tray) = desk_with_mail();
    deliver(
        &desk,
        &Letter::new("Асем <asem@client.example>", MAILBOX, "Касса").text("Помогите"),
    );
    desk.settle();
    let ticket = desk.omar.call("list_tickets", json!({}))["tickets"][0]["id"].clone();
    let answer = json!({ "ticket_id": ticket, "message": "Перезагрузите" });
    desk.omar.call("add_message", answer);
    let ours = tray.nth(1);
    let reply = |from: &str, text: &str| {
        let subject = format!("Re: [#{ticket}] Касса");
        let letter = Letter::new(from, MAILBOX, &subject).answering(&ours.message_id());
        String::from_utf8(letter.text(text).formatted()).unwrap()
    };
    let text = "Помогло\r\n\r\n19.03.2026 10:30, Acme пишет:\r\n> Перезагрузите\r\n";
    let parts = explain(
        &desk,
        json!({ "source": reply("asem@client.example", text) }),
    );
    let part = &parts[0];
    assert_eq!(
        (
            &part["outcome"],
            &part["ticket"]["id"],
            &part["is_new_ticket"]
        ),
        (&json!("message"), &ticket, &json!(false))
    );
    assert_eq!(part["message"]["shown"], "Помогло");
    let folded = part["message"]["folded"].as_str().unwrap();
    assert!(folded.contains("Acme пишет:"), "{folded}");
    let keys: Vec<_> = part["keys"].as_array().unwrap().iter().collect();
    let told: Vec<_> = keys
        .iter()
        .map(|key| (key["kind"].as_str().unwrap(), key["decides"] == true))
        .collect();
    assert_eq!(
        told,
        [
            ("in_reply_to", true),
            ("references", false),
            ("subject_number", false)
        ]
    );
    assert!(
        keys.iter()
            .all(|key| key["takes_part"] == true && key["state"] == "open")
    );
    // Of a stranger the same mail is told to be a stranger's.
    let parts = explain(&desk, json!({ "source": reply("omar@other.example", "Я") }));
    assert_eq!(parts[0]["rule"], "unknown_sender");
    assert_eq!(parts[0]["message"]["is_unverified"], true);
    // A machine's answer is told to be one.
    let machine = reply("asem@client.example", "В отпуске").replacen(
        "MIME-Version",
        "Auto-Submitted: auto-replied\r\nMIME-Version",
        1,
    );
    let parts = explain(&desk, json!({ "source": machine, "from": "<>" }));
    assert_eq!(parts[0]["message"]["is_note"], true);
    let guards: Vec<_> = parts[0]["guards"]
        .as_array()
        .unwrap()
        .iter()
        .map(|g| g["name"].clone())
        .collect();
    assert_eq!(guards, ["auto_submitted", "null_sender"]);
    // A report would change how the answer fares, and does not.
    let report = format!(
        "From: MAILER-DAEMON@mx.example\r\nSubject: failure notice\r\n\r\n<asem@client.example>: no such user (#5.1.1)\r\n\r\nMessage-ID: <{}>\r\n",
        ours.message_id()
    );
    let parts = explain(&desk, json!({ "source": report }));
    assert_eq!(parts[0]["outcome"], "delivery_report");
    let whole = desk.omar.call("get_ticket", json!({ "ticket_id": ticket }));
    assert_eq!(whole["messages"][1]["delivery_status"], "sent");
}

#[test]
fn a_mail_that_has_come_before_and_one_of_our_own_are_told_as_such() {
    let (desk, _tray) = desk_with_mail();
    let mail = Letter::new("Асем <asem@client.example>", MAILBOX, "Касса").text("Помогите");
    deliver(&desk, &mail);
    desk.settle();
    let source = String::from_utf8(mail.formatted()).unwrap();
    let parts = explain(&desk, json!({ "source": source }));
    assert_eq!(
        (&parts[0]["outcome"], &parts[0]["rule"]),
        (&json!("ignored"), &json!("duplicate"))
    );
    assert_eq!(parts[0]["guards"][0]["name"], "duplicate");
    assert_eq!(parts[0]["message"], Value::Null);
}

#[test]
fn what_messengers_tell_is_explained_and_no_file_is_fetched() {
    let (desk, peer, _post, _) = telegram();
    let update = json!({ "update_id": 1, "message": {
        "message_id": 5, "date": 1_772_611_653,
        "from": { "id": 77, "is_bot": false, "first_name": "Дамир" },
        "chat": { "id": 77, "type": "private", "first_name": "Дамир" },
        "caption": "Фото чека", "photo": [{ "file_id": "AgAC", "file_unique_id": "q", "width": 90, "height": 90, "file_size": 1234 }],
    } });
    let calls = peer.calls("getFile").len();
    let parts = explain(&desk, json!({ "source": update.to_string() }));
    assert_eq!(
        (&parts[0]["outcome"], &parts[0]["rule"]),
        (&json!("ticket"), &json!("first_message"))
    );
    assert_eq!(parts[0]["message"]["shown"], "Фото чека");
    assert_eq!(parts[0]["message"]["files"][0]["size"], 1234);
    assert_eq!(peer.calls("getFile").len(), calls);
    let body = |source: &str, format: &str| {
        let channel = desk.alia.call("list_channels", json!({}))[0]["id"].clone();
        json!({ "channel_id": channel, "source": source, "format": format })
    };
    for (source, format, field) in [("{", "event", "source"), ("From: a@b.kz", "mail", "format")] {
        let reply = desk.alia.ask("explain_inbound", &body(source, format));
        assert_eq!((reply.status, &reply.json()["field"]), (400, &json!(field)));
    }
}

#[test]
fn an_event_of_evolution_is_explained() {
    let (desk, _peer, _post, _) = whatsapp(Peer::evolution());
    let row = include_str!("fixtures/evolution.jsonl")
        .lines()
        .next()
        .unwrap();
    let row: Value = serde_json::from_str(row).unwrap();
    let parts = explain(&desk, json!({ "source": row["update"].to_string() }));
    assert_eq!(
        (&parts[0]["outcome"], &parts[0]["rule"]),
        (&row["outcome"], &row["rule"])
    );
}

#[test]
fn only_an_admin_asks_and_a_faulty_question_names_its_field() {
    let (desk, tray) = desk_with_mail();
    let channel = desk.alia.call("list_channels", json!({}))[0]["id"].clone();
    let body = json!({ "channel_id": channel, "source": "From: a@b.kz\r\n\r\nx" });
    assert_eq!(desk.omar.refused("explain_inbound", body.clone()).0, 403);
    // Another tenant's channel is nobody's.
    assert_eq!(
        desk.greta.refused("explain_inbound", body.clone()),
        (400, "channel_not_found".into())
    );
    for (name, value) in [
        ("source", json!("")),
        ("source", json!("x".repeat(1_000_001))),
        ("encoding", json!("hex")),
        ("format", json!("pdf")),
        ("from", json!("nobody")),
        ("to", json!("nowhere")),
    ] {
        let mut faulty = body.clone();
        faulty[name] = value;
        let reply = desk.alia.ask("explain_inbound", &faulty);
        assert!(reply.status == 400 || reply.status == 413, "{name}");
        if reply.status == 400 {
            assert_eq!(reply.json()["field"], name);
        }
    }
    let mut broken = body;
    broken["encoding"] = "base64".into();
    broken["source"] = "не base64".into();
    assert_eq!(
        desk.alia.ask("explain_inbound", &broken).json()["field"],
        "source"
    );
    // A form of Mailgun is read by its own boundary.
    let second = json!({ "provider": "mailgun", "signing_key": "k" });
    let config = json!({
        "address": "mg@acme.example",
        "smtp": { "host": "127.0.0.1", "port": tray.address.port(), "security": "none" },
        "inbound": second,
    });
    let made = desk.alia.call(
        "create_channel",
        json!({ "type": "email", "name": "MG", "config": config }),
    );
    let form = "--b7\r\nContent-Disposition: form-data; name=\"from\"\r\n\r\nАсем <a@client.example>\r\n--b7\r\nContent-Disposition: form-data; name=\"subject\"\r\n\r\nФорма\r\n--b7\r\nContent-Disposition: form-data; name=\"body-plain\"\r\n\r\nТекст\r\n--b7--\r\n";
    let parts = explain(
        &desk,
        json!({ "channel_id": made["id"], "source": form, "format": "form" }),
    );
    assert_eq!(parts[0]["mail"]["from_name"], "Асем");
    assert_eq!(parts[0]["message"]["shown"], "Текст");
}
