//! Channels at their edges: Mailgun's webhook, and mail servers that refuse, hang up or fall silent.
use crate::support::{
    Desk, Tray,
    post::{Letter, MAILBOX, SIGNING_KEY, deliver, desk_with_mail, hook, mailgun, open_mailbox},
    tray::Mood,
    until, until_so,
};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::{
    thread,
    time::{Duration, Instant},
};

fn desk_with_mailgun() -> (Desk, Tray) {
    let (desk, tray) = (Desk::open(), Tray::open());
    open_mailbox(
        &desk,
        &tray,
        json!({ "provider": "mailgun", "signing_key": SIGNING_KEY }),
    );
    (desk, tray)
}

fn total(desk: &Desk) -> Value {
    desk.omar.call("list_tickets", json!({}))["total"].clone()
}

/// A ticket that came by mail, whose answers go out by mail.
fn mailed_ticket(desk: &Desk, subject: &str) -> Value {
    deliver(
        desk,
        &Letter::new("Айгуль <aigul@client.example>", MAILBOX, subject).text("Помогите"),
    );
    until("the ticket", || {
        let page = desk.omar.call("list_tickets", json!({ "search": subject }));
        page["tickets"].get(0).map(|ticket| ticket["id"].clone())
    })
}

fn answer(desk: &Desk, ticket: &Value, text: &str) -> Value {
    desk.omar.call(
        "add_message",
        json!({ "ticket_id": ticket, "message": text }),
    )["id"]
        .clone()
}

fn status_of(desk: &Desk, ticket: &Value, message: &Value) -> (String, String) {
    let whole = desk.omar.call("get_ticket", json!({ "ticket_id": ticket }));
    let found = whole["messages"]
        .as_array()
        .unwrap()
        .iter()
        .find(|m| m["id"] == *message)
        .unwrap()
        .clone();
    let text = |name: &str| found[name].as_str().unwrap_or_default().to_owned();
    (text("delivery_status"), text("delivery_error"))
}

#[test]
fn a_signed_delivery_of_mailgun_becomes_a_ticket() {
    let (desk, _tray) = desk_with_mailgun();
    let posted = mailgun(
        SIGNING_KEY,
        "Ержан <erzhan@client.example>",
        "Қоңырау жоқ",
        "Телефон істемейді",
        "m1@client.example",
    );
    assert_eq!(hook(&desk, &posted).status, 200);
    until_so("the ticket", || total(&desk) == 1);
    let page = desk
        .omar
        .call("list_tickets", json!({ "search": "қоңырау" }));
    let ticket = &page["tickets"][0];
    assert_eq!(
        (&ticket["subject"], &ticket["creator_name"]),
        (&json!("Қоңырау жоқ"), &json!("Ержан"))
    );
    let whole = desk
        .omar
        .call("get_ticket", json!({ "ticket_id": ticket["id"] }));
    assert_eq!(whole["messages"][0]["message"], "Телефон істемейді");
}

#[test]
fn an_unproven_delivery_is_refused_and_stores_nothing() {
    let (desk, _tray) = desk_with_mailgun();
    let good = mailgun(
        SIGNING_KEY,
        "a@client.example",
        "Тема",
        "Текст",
        "m@client.example",
    );
    let mut tampered = good.clone();
    tampered.body = String::from_utf8(good.body.clone())
        .unwrap()
        .replace("signature=", "signature=0")
        .into_bytes();
    let mut unsigned = good.clone();
    unsigned.body = String::from_utf8(good.body.clone())
        .unwrap()
        .replace("signature=", "sign=")
        .into_bytes();
    let mut stale = good.clone();
    stale.body = String::from_utf8(good.body.clone())
        .unwrap()
        .replace("timestamp=1", "timestamp=0")
        .into_bytes();
    let mut elsewhere = good.clone();
    elsewhere.path += "&channel=999";
    let forged = mailgun(
        "another key",
        "a@client.example",
        "Тема",
        "Текст",
        "m@client.example",
    );
    for (what, request) in [
        ("tampered", tampered),
        ("unsigned", unsigned),
        ("stale", stale),
        ("elsewhere", elsewhere),
        ("forged", forged),
    ] {
        let reply = hook(&desk, &request);
        assert_eq!(
            (reply.status, reply.code()),
            (403, "bad_signature".into()),
            "{what}"
        );
    }
    let mut unknown = good;
    unknown.path = "/api/channel-webhook.php?type=fax".into();
    assert_eq!(hook(&desk, &unknown).code(), "invalid_parameter");
    assert_eq!(desk.count("select count(*) from inbound_event"), 0);
    assert_eq!(total(&desk), 0);
}

#[test]
fn the_same_delivery_ten_times_at_once_is_one_message() {
    let (desk, _tray) = desk_with_mailgun();
    let posted = mailgun(
        SIGNING_KEY,
        "a@client.example",
        "Десять раз",
        "Одно письмо",
        "ten@client.example",
    );
    thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| assert_eq!(hook(&desk, &posted).status, 200));
        }
    });
    desk.settle();
    assert_eq!(total(&desk), 1);
    assert_eq!(desk.count("select count(*) from message"), 1);
    assert_eq!(
        desk.alarms(),
        Vec::<String>::new(),
        "a repeat is no failure"
    );
    // It is so after a day as well: what is compared is stored.
    assert_eq!(hook(&desk, &posted).status, 200);
    desk.settle();
    assert_eq!(desk.count("select count(*) from message"), 1);
}

#[test]
fn a_refused_recipient_is_told_and_can_be_tried_again() {
    let (desk, tray) = desk_with_mail();
    let ticket = mailed_ticket(&desk, "Отказ");
    tray.be(Mood::Refuse("550 5.1.1 no such user"));
    let message = answer(&desk, &ticket, "Ответ");
    until_so("the refusal to be told", || {
        status_of(&desk, &ticket, &message).0 == "failed"
    });
    assert!(
        status_of(&desk, &ticket, &message)
            .1
            .contains("no such user")
    );
    tray.be(Mood::Take);
    desk.omar
        .call("retry_message", json!({ "message_id": message }));
    assert!(tray.nth(1).text().contains("Ответ"));
    until_so("the answer to be noted as sent", || {
        status_of(&desk, &ticket, &message).0 == "sent"
    });
    assert_eq!(
        desk.omar
            .refused("retry_message", json!({ "message_id": message })),
        (400, "message_not_found".into())
    );
}

#[test]
fn a_server_that_defers_is_tried_again_once_it_works() {
    let (desk, tray) = desk_with_mail();
    let ticket = mailed_ticket(&desk, "Отсрочка");
    tray.be(Mood::Refuse("451 4.7.1 greylisted, try later"));
    let first = answer(&desk, &ticket, "Первый ответ");
    until_so("an attempt", || {
        desk.count("select coalesce(sum(attempts), 0) from outbox") > 0
    });
    let second = answer(&desk, &ticket, "Второй ответ");
    assert_eq!(status_of(&desk, &ticket, &first).0, "pending");
    let status = desk.alia.call("get_channels_status", json!({}))[0].clone();
    assert_eq!(
        (&status["status"], &status["queued"]),
        (&json!("error"), &json!(2))
    );
    assert!(
        status["last_error"]
            .as_str()
            .unwrap()
            .contains("greylisted")
    );
    // An admin who tests the channel after mending the server sends everything on its way.
    tray.be(Mood::Take);
    desk.alia
        .call("test_channel", json!({ "channel_id": status["id"] }));
    assert!(
        tray.nth(1).text().contains("Первый ответ"),
        "a ticket's mails leave in their order"
    );
    assert!(tray.nth(2).text().contains("Второй ответ"));
    until_so("both to be noted as sent", || {
        status_of(&desk, &ticket, &second).0 == "sent"
    });
    assert_eq!(
        desk.alia.call("get_channels_status", json!({}))[0]["status"],
        "connected"
    );
}

/// After hours of an outage the next attempts are hours away. Nobody is to wait for them once the server is back.
#[test]
fn what_waited_out_an_outage_leaves_within_a_minute_of_its_end() {
    let (desk, mut tray) = desk_with_mail();
    let tickets = ["Первая", "Вторая", "Третья"].map(|subject| mailed_ticket(&desk, subject));
    desk.settle();
    let before = tray.taken().len();
    tray.go_away();
    for ticket in &tickets {
        answer(&desk, ticket, "Сначала");
    }
    until_so("an attempt of each", || {
        desk.count("select count(*) from outbox where state = 'queued' and attempts = 1") == 3
    });
    answer(&desk, &tickets[0], "Потом");
    let later = "update outbox set attempts = 7, next_at = next_at + 36000000 where state = 'queued' and attempts = 1";
    let changed = Connection::open(desk.dir.database()).unwrap();
    changed.busy_timeout(Duration::from_secs(10)).unwrap();
    assert_eq!(changed.execute(later, []).unwrap(), 3);
    changed
        .execute("update channel set last_error_at = 1", [])
        .unwrap();
    let minute = |what: &str, probe: &dyn Fn() -> bool| {
        let began = Instant::now();
        while !probe() {
            assert!(began.elapsed() < Duration::from_secs(60), "{what}");
            thread::sleep(Duration::from_millis(50));
        }
    };
    minute("a look whether the server is back", &|| {
        desk.count("select count(*) from channel where last_error_at > 1") == 1
    });
    let spent = "select count(*) from outbox where state = 'queued' and attempts not in (0, 7)";
    assert_eq!(desk.count(spent), 0, "a look costs no attempt");
    tray.come_back();
    minute("all answers", &|| tray.taken().len() == before + 4);
    let of_first: Vec<String> = tray.taken()[before..]
        .iter()
        .filter(|mail| mail.subject().contains("Первая"))
        .map(|mail| mail.text())
        .collect();
    assert!(of_first[0].contains("Сначала") && of_first[1].contains("Потом"));
    until_so("all to be noted", || {
        desk.count("select count(*) from outbox where state = 'queued' or is_cut = 1") == 0
    });
}

#[test]
fn a_mail_whose_acknowledgement_was_lost_is_repeated_under_the_same_id() {
    let (mut desk, tray) = desk_with_mail();
    let ticket = mailed_ticket(&desk, "Обрыв");
    tray.be(Mood::CloseAfterData);
    let message = answer(&desk, &ticket, "Дошло ли?");
    let lost = tray.nth(1);
    until_so("the attempt to be noted", || {
        desk.count("select coalesce(sum(attempts), 0) from outbox") > 0
    });
    tray.be(Mood::Take);
    desk.crash();
    let again = tray.nth(2);
    assert_eq!(
        (again.message_id(), again.raw),
        (lost.message_id(), lost.raw),
        "receivers can tell it is the same"
    );
    until_so("the answer to be noted as sent", || {
        status_of(&desk, &ticket, &message).0 == "sent"
    });
}

#[test]
fn a_silent_server_delays_nobody_else() {
    let (desk, tray) = desk_with_mail();
    let other = Tray::open();
    let config = json!({
        "address": "second@acme.example",
        "smtp": { "host": "127.0.0.1", "port": other.address.port(), "security": "none" },
        "inbound": { "provider": "smtp" },
    });
    desk.alia.call(
        "create_channel",
        json!({ "type": "email", "name": "Вторая", "config": config }),
    );
    let stuck = mailed_ticket(&desk, "Молчание");
    tray.be(Mood::Hang);
    for n in 0..3 {
        answer(&desk, &stuck, &format!("Ответ {n}"));
    }
    deliver(
        &desk,
        &Letter::new(
            "Ержан <erzhan@client.example>",
            "second@acme.example",
            "Вторая почта",
        )
        .text("Помогите"),
    );
    let free = until("the ticket", || {
        desk.omar
            .call("list_tickets", json!({ "search": "вторая" }))["tickets"]
            .get(0)
            .map(|t| t["id"].clone())
    });
    answer(&desk, &free, "Быстрый ответ");
    assert!(other.nth(1).text().contains("Быстрый ответ"));
    assert!(tray.taken().is_empty());
}

#[test]
fn a_channel_keeps_its_secrets_to_itself() {
    let (desk, tray) = desk_with_mail();
    let id = desk.alia.call("list_channels", json!({}))[0]["id"].clone();
    let mut config = json!({
        "address": MAILBOX,
        "smtp": { "host": "127.0.0.1", "port": tray.address.port(), "security": "none", "username": "help", "password": "hunter2-smtp" },
        "inbound": { "provider": "mailgun", "signing_key": SIGNING_KEY },
    });
    let saved = desk.alia.call(
        "update_channel",
        json!({ "channel_id": id, "config": config }),
    );
    assert_eq!(
        (
            &saved["config"]["smtp"]["password"],
            &saved["config"]["inbound"]["signing_key"]
        ),
        (&json!("••••"), &json!("••••"))
    );
    // What was shown comes back: the secret stays what it was.
    config["smtp"]["password"] = "••••".into();
    config["inbound"]["signing_key"] = "••••".into();
    desk.alia.call(
        "update_channel",
        json!({ "channel_id": id, "config": config }),
    );
    let posted = mailgun(
        SIGNING_KEY,
        "a@client.example",
        "Ключ цел",
        "Текст",
        "k@client.example",
    );
    assert_eq!(hook(&desk, &posted).status, 200);
    desk.settle();
    for file in ["tehprof.db", "tehprof.db-wal"] {
        let bytes = std::fs::read(desk.dir.0.join(file)).unwrap();
        for secret in ["hunter2-smtp", SIGNING_KEY] {
            assert!(
                !bytes.windows(secret.len()).any(|w| w == secret.as_bytes()),
                "{secret} lies open in {file}"
            );
        }
    }
    // A mailbox is one channel's.
    let twice = json!({ "type": "email", "name": "Ещё раз", "config": config });
    let taken = desk.greta.refused("create_channel", twice);
    assert_eq!(taken.0, 400);
}
