//! A tenant moves from one running server to another by way of a file, and everybody who knew it finds it again.
use crate::support::{
    Caller, Desk, Serving,
    desk::{Dir, PASSWORD},
    post::{Letter, deliver, desk_with_mail},
    until_so,
};
use serde_json::{Value, json};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    sync::{Arc, RwLock},
};

const DEMO_PASSWORD: &str = "demo-demo-demo";
const DEMO_ADMIN: &str = "dmitry@demo.tehprof.kz";

/// The demo desk as a server shows it.
struct Demo {
    admin: Caller,
    _serving: Serving,
    dir: Dir,
}

impl Demo {
    fn open() -> Demo {
        let dir = Dir::new();
        let serving = Serving::start(&dir.0, &["--demo", "--smtp-listen", "127.0.0.1:0"]);
        let address = Arc::new(RwLock::new(serving.address));
        Demo {
            admin: Caller::sign_in(&address, DEMO_ADMIN, DEMO_PASSWORD),
            _serving: serving,
            dir,
        }
    }

    /// Exports the demo, and answers where it is.
    fn export(&self) -> PathBuf {
        let file = self.dir.0.join("demo.tenant");
        let path = file.to_str().unwrap();
        self.dir.run(&["tenant", "export", "demo", path], "");
        file
    }
}

/// Imports a file that must be refused, and answers the sentence that says why.
#[track_caller]
fn refused(dir: &Dir, file: &std::path::Path) -> String {
    let output = dir.cli(&["tenant", "import", file.to_str().unwrap()], "");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        (output.status.code(), &output.stdout[..]),
        (Some(1), &b""[..]),
        "{said}"
    );
    assert_eq!(said.lines().count(), 1, "{said}");
    said
}

/// What a data directory holds: its tenants and its attachments.
fn holdings(dir: &Dir) -> (String, Vec<String>) {
    let mut files = dir.files("files");
    files.retain(|file| !file.ends_with("/lock"));
    files.sort();
    (dir.run(&["tenant", "list", "--json"], ""), files)
}

/// An answer without what an installation gives: its own numbers, links, and the time of asking.
fn told(answer: &Value) -> Value {
    const OURS: [&str; 14] = [
        "id",
        "operator_id",
        "assigned_to",
        "client_id",
        "contact_id",
        "channel_id",
        "message_id",
        "uploaded_by",
        "url",
        "webhook_url",
        "author_id",
        "now",
        "reference",
        "responsible_id",
    ];
    match answer {
        Value::Array(values) => values.iter().map(told).collect(),
        Value::Object(fields) => {
            let kept = fields
                .iter()
                .filter(|(name, _)| !OURS.contains(&name.as_str()));
            Value::Object(
                kept.map(|(name, value)| (name.clone(), told(value)))
                    .collect(),
            )
        }
        value => value.clone(),
    }
}

/// Every page of all tickets.
fn tickets(caller: &Caller) -> Vec<Value> {
    let mut all = Vec::new();
    for page in 1.. {
        let body = json!({ "page": page, "limit": 100, "sort": "created_at" });
        let answer = caller.call("list_tickets", body);
        let tickets = answer["tickets"].as_array().unwrap();
        if tickets.is_empty() {
            break;
        }
        all.extend(tickets.clone());
    }
    all
}

#[test]
fn the_demo_moves_whole_beside_a_desk_that_is_at_work() {
    let demo = Demo::open();
    let bytes: Vec<u8> = (0..300_000u32).map(|n| (n * 7 % 253) as u8).collect();
    let file = ("Схема сети.bin", "application/octet-stream", &bytes[..]);
    let sent = demo.admin.upload(
        "add_message",
        json!({ "ticket_id": 42, "message": "Смотрите уникальнейшую схему" }),
        &[file],
    );
    let message = sent.data();
    let export = demo.export();
    let mode = fs::metadata(&export).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let again = demo
        .dir
        .cli(&["tenant", "export", "demo", export.to_str().unwrap()], "");
    let said = String::from_utf8(again.stderr).unwrap();
    assert!(
        !again.status.success() && said.contains("--force"),
        "{said}"
    );

    let desk = Desk::open();
    let own = desk.ticket("Своя заявка");
    let id = desk
        .dir
        .run(&["tenant", "import", export.to_str().unwrap()], "");
    assert_eq!(id, "3");
    let moved = Caller::sign_in(&desk.address(), DEMO_ADMIN, DEMO_PASSWORD);

    let (before, after) = (tickets(&demo.admin), tickets(&moved));
    assert!(before.len() > 150);
    let numbers = |all: &[Value]| all.iter().map(|t| t["id"].clone()).collect::<Vec<_>>();
    assert_eq!(numbers(&before), numbers(&after));
    for (ticket, other) in before.iter().zip(&after) {
        assert_eq!(told(ticket), told(other));
        let body = json!({ "ticket_id": ticket["id"] });
        let whole = demo.admin.call("get_ticket", body.clone());
        assert_eq!(told(&whole), told(&moved.call("get_ticket", body)));
    }
    for list in [
        "list_operators",
        "list_clients",
        "list_tags",
        "list_quick_replies",
        "list_channels",
    ] {
        let mut kept = told(&demo.admin.call(list, json!({})));
        if list == "list_channels" {
            assert_eq!(kept[0]["is_active"], true);
            kept[0]["is_active"] = false.into();
        }
        assert_eq!(kept, told(&moved.call(list, json!({}))), "{list}");
    }

    let search = |caller: &Caller, words: &str| {
        let found = caller.call("list_tickets", json!({ "search": words }));
        numbers(found["tickets"].as_array().unwrap())
    };
    assert_eq!(search(&moved, "уникальнейш"), [42]);
    assert_eq!(search(&moved, "касс"), search(&demo.admin, "касс"));
    assert!(!search(&moved, "касс").is_empty());

    let whole = moved.call("get_ticket", json!({ "ticket_id": 42 }));
    let messages = whole["messages"].as_array().unwrap();
    let arrived = messages.iter().find(|m| m["message"] == message["message"]);
    let file = &arrived.unwrap()["files"][0];
    assert_eq!(file["name"], "Схема сети.bin");
    let reply = moved.get(file["url"].as_str().unwrap());
    assert!(reply.status == 200 && reply.body == bytes);

    // Both go on with their work.
    let next = moved.call(
        "create_ticket",
        json!({ "subject": "Дальше", "description": "Новое" }),
    );
    assert_eq!(next["id"].as_u64().unwrap() as usize, before.len() + 1);
    assert_eq!(told(&tickets(&desk.alia)[0])["subject"], "Своя заявка");
    assert_ne!(desk.ticket("Ещё своя"), own);
    desk.check();
}

#[test]
fn a_file_that_was_damaged_on_the_way_changes_nothing() {
    let demo = Demo::open();
    let whole = fs::read(demo.export()).unwrap();
    let target = Dir::new();
    target.run(
        &[
            "tenant",
            "create",
            "--name",
            "x",
            "--admin-email",
            "x@x.kz",
            "--admin-password-stdin",
        ],
        PASSWORD,
    );
    let before = holdings(&target);
    let file = target.0.join("altered");
    let refuse = |bytes: &[u8], words: &str| {
        fs::write(&file, bytes).unwrap();
        let said = refused(&target, &file);
        assert!(said.contains(words), "{said}");
        assert_eq!(holdings(&target), before);
    };
    for part in 1..4 {
        let at = whole.len() * part / 4;
        let mut flipped = whole.clone();
        flipped[at] ^= 4;
        refuse(&flipped, "is damaged");
        refuse(&whole[..at], "it ends too early");
    }
    refuse(b"SQLite format 3\0", "is not an export of a tenant");
    refuse(b"", "is not an export of a tenant");

    let newer = String::from_utf8(whole.clone()).unwrap();
    let newer = newer.replacen("\"schema\":", "\"schema\":9", 1);
    refuse(newer.as_bytes(), "was written by a newer tehprof");

    let nowhere = Dir::new();
    let said = refused(&nowhere, &file);
    assert!(said.contains("newer tehprof"), "{said}");
    assert_eq!(nowhere.files(""), Vec::<String>::new());

    fs::write(&file, &whole).unwrap();
    let id = target.run(&["tenant", "import", file.to_str().unwrap()], "");
    assert_eq!(id, "2");
    target.run(&["check"], "");
}

#[test]
fn a_tenant_does_not_come_twice() {
    let demo = Demo::open();
    let export = demo.export();
    let before = holdings(&demo.dir);
    let said = refused(&demo.dir, &export);
    assert!(
        said.contains("tenant 1 (") && said.contains("already has the domain demo"),
        "{said}"
    );
    assert_eq!(holdings(&demo.dir), before);
    demo.dir.run(&["check"], "");
}

#[test]
fn mail_that_waits_moves_and_is_not_sent_until_its_channel_is_switched_on() {
    let (source, tray) = desk_with_mail();
    let letter = Letter::new(
        "Айгуль <aigul@client.example>",
        "help@acme.example",
        "Помогите",
    );
    deliver(&source, &letter.text("Не работает"));
    source.settle();
    let channel = source.alia.call("list_channels", json!({}))[0]["id"].clone();
    let on = |caller: &Caller, channel: &Value, on: bool| {
        caller.call(
            "update_channel",
            json!({ "channel_id": channel, "is_active": on }),
        )
    };
    on(&source.alia, &channel, false);
    let ticket = source.omar.call("list_tickets", json!({}))["tickets"][0]["id"].clone();
    let body = json!({ "ticket_id": ticket, "message": "Перезагрузите" });
    source.omar.call("add_message", body);
    let file = source.dir.0.join("acme.tenant");
    source
        .dir
        .run(&["tenant", "export", "acme", file.to_str().unwrap()], "");

    let target = Dir::new();
    let output = target.cli(&["tenant", "import", file.to_str().unwrap()], "");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.success() && said.contains("channels are switched off"),
        "{said}"
    );
    target.run(&["check"], "");
    let serving = Serving::start(&target.0, &[]);
    let address = Arc::new(RwLock::new(serving.address));
    let alia = Caller::sign_in(&address, "alia@acme.example", PASSWORD);
    let moved = &alia.call("list_channels", json!({}))[0];
    assert_eq!(moved["is_active"], false);
    on(&alia, &moved["id"], true);
    let sent = tray.nth(1);
    assert!(sent.subject().contains(&format!("[#{ticket}]")));
    assert!(sent.text().contains("Перезагрузите"));
    until_so("the answer to be noted as sent", || {
        let whole = alia.call("get_ticket", json!({ "ticket_id": ticket }));
        whole["messages"][1]["delivery_status"] == "sent"
    });
}
