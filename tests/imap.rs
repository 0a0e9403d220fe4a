//! Mailboxes that mail is fetched from, on a real IMAP server: nothing lost and nothing doubled, whatever happens to the
//! server or to the desk, and nothing said in the open that should not be.
use crate::support::{
    Desk, Tray,
    dovecot::{Dovecot, MAIL_PASSWORD},
    until, until_so,
};
use serde_json::{Value, json};
use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    sync::mpsc,
    thread,
    time::{Duration, Instant, SystemTime},
};

/// A desk, and a mail server that takes its answers.
fn desk() -> (Desk, Tray) {
    (Desk::open(), Tray::open())
}

/// Opens a channel that is fed so, and answers its id.
fn open_channel(desk: &Desk, tray: &Tray, address: &str, inbound: Value) -> i64 {
    let config = json!({
        "address": address,
        "smtp": { "host": "127.0.0.1", "port": tray.address.port(), "security": "none" },
        "inbound": inbound,
    });
    let made = json!({ "type": "email", "name": address, "config": config });
    desk.alia.call("create_channel", made)["id"]
        .as_i64()
        .unwrap()
}

fn status(desk: &Desk, channel: i64) -> Value {
    let all = desk.alia.call("get_channels_status", json!({}));
    let all = all.as_array().unwrap().iter();
    let mut found = all.filter(|status| status["id"] == channel);
    found.next().unwrap().clone()
}

/// Waits until the mailbox was looked into.
fn until_read(desk: &Desk, channel: i64) {
    until_so("the mailbox to be looked into", || {
        !status(desk, channel)["last_checked_at"].is_null()
    });
}

/// What is wrong with a channel, once something is.
fn trouble(desk: &Desk, channel: i64) -> String {
    until("the trouble to be told", || {
        let status = status(desk, channel);
        (status["status"] == "error").then(|| status["last_error"].as_str().unwrap().to_owned())
    })
}

fn mail(subject: &str, number: u32) -> Vec<u8> {
    format!(
        "Return-Path: <aigul@client.example>\r\n\
         Received: from mx.client.example by mail.acme.example with ESMTP id {number}\r\n\
         From: =?utf-8?B?0JDQudCz0YPQu9GM?= <aigul@client.example>\r\n\
         To: help@acme.example\r\n\
         Subject: {subject}\r\n\
         Message-ID: <{number}@client.example>\r\n\
         Date: Wed, 4 Mar 2026 13:07:33 +0500\r\n\
         MIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\
         Content-Transfer-Encoding: 8bit\r\n\
         \r\n\
         Касса не печатает, {number}\r\n"
    )
    .into_bytes()
}

fn subjects(desk: &Desk) -> Vec<String> {
    let page = desk.omar.call("list_tickets", json!({ "limit": 100 }));
    let tickets = page["tickets"].as_array().unwrap().iter();
    let mut all: Vec<String> = tickets
        .map(|ticket| ticket["subject"].as_str().unwrap().to_owned())
        .collect();
    all.sort();
    all
}

fn until_there(desk: &Desk, wanted: &[&str]) {
    until_so("the tickets", || subjects(desk).len() >= wanted.len());
    desk.settle();
    assert_eq!(subjects(desk), wanted);
}

#[test]
fn a_mail_becomes_a_ticket_at_once_and_stays_on_the_server() {
    let (desk, tray) = desk();
    let dovecot = Dovecot::start();
    let hour_ago = SystemTime::now() - Duration::from_secs(3600);
    dovecot.deliver_as_of("help", "INBOX", &mail("Old", 1), hour_ago);
    let channel = open_channel(&desk, &tray, "help@acme.example", dovecot.inbound("help"));
    until_read(&desk, channel);

    let began = Instant::now();
    dovecot.deliver("help", "INBOX", &mail("New", 2));
    until_there(&desk, &["New"]);
    let took = began.elapsed();
    assert!(
        took < Duration::from_secs(10),
        "the server told of it: {took:?}"
    );
    until_so("the mail to be marked as read", || {
        dovecot.seen_and_unseen("help") == (1, 1)
    });

    let ticket = desk.omar.call("list_tickets", json!({}))["tickets"][0].clone();
    assert_eq!(ticket["creator_name"], "Айгуль");
    let whole = desk
        .omar
        .call("get_ticket", json!({ "ticket_id": ticket["id"] }));
    assert_eq!(whole["messages"][0]["message"], "Касса не печатает, 2");
    // The answer leaves by the channel.
    let answer = json!({ "ticket_id": ticket["id"], "message": "Смотрим" });
    desk.omar.call("add_message", answer);
    assert!(tray.nth(1).text().contains("Смотрим"));
    let status = status(&desk, channel);
    assert_eq!(status["status"], "connected");
    assert!(!status["last_inbound_at"].is_null());
}

#[test]
fn mail_comes_by_tls_by_starttls_and_in_the_open_where_that_is_asked_for() {
    let (desk, tray) = desk();
    let dovecot = Dovecot::start();
    let (mut tls, mut starttls, mut plain) = (
        dovecot.inbound("first"),
        dovecot.inbound("second"),
        dovecot.inbound("third"),
    );
    // A folder in Cyrillic, as a server spells it.
    let folder = "&BBcEMARPBDIEOgQ4-";
    dovecot.deliver("first", folder, &mail("Old", 1));
    tls["folder"] = json!("Заявки");
    starttls["security"] = json!("starttls");
    starttls["port"] = json!(dovecot.port);
    plain["security"] = json!("none");
    plain["port"] = json!(dovecot.port);
    for (name, inbound) in [("first", tls), ("second", starttls), ("third", plain)] {
        let address = format!("{name}@acme.example");
        let channel = open_channel(&desk, &tray, &address, inbound);
        let tested = desk
            .alia
            .call("test_channel", json!({ "channel_id": channel }));
        assert!(
            tested["server"].as_str().unwrap().ends_with(", 127.0.0.1"),
            "both servers were asked: {tested}"
        );
        until_read(&desk, channel);
    }
    dovecot.deliver("first", folder, &mail("By TLS", 2));
    dovecot.deliver("second", "INBOX", &mail("By STARTTLS", 3));
    dovecot.deliver("third", "INBOX", &mail("In the open", 4));
    until_there(&desk, &["By STARTTLS", "By TLS", "In the open"]);
}

#[test]
fn nothing_is_lost_or_doubled_when_a_server_or_the_desk_ends() {
    let (mut desk, tray) = desk();
    let mut dovecot = Dovecot::start();
    let channel = open_channel(&desk, &tray, "help@acme.example", dovecot.inbound("help"));
    until_read(&desk, channel);
    dovecot.deliver("help", "INBOX", &mail("A", 1));
    until_there(&desk, &["A"]);

    dovecot.kill();
    dovecot.deliver("help", "INBOX", &mail("B", 2));
    dovecot.deliver("help", "INBOX", &mail("C", 3));
    assert!(trouble(&desk, channel).starts_with("127.0.0.1: cannot be reached"));
    dovecot.restart();
    until_there(&desk, &["A", "B", "C"]);
    until_so("the trouble to be over", || {
        status(&desk, channel)["status"] == "connected"
    });

    desk.crash();
    dovecot.deliver("help", "INBOX", &mail("D", 4));
    until_there(&desk, &["A", "B", "C", "D"]);
    // The same mail once more, as somebody copies it in a mail program.
    dovecot.deliver("help", "INBOX", &mail("D", 4));
    dovecot.deliver("help", "INBOX", &mail("E", 5));
    until_there(&desk, &["A", "B", "C", "D", "E"]);
    assert_eq!(desk.count("select count(*) from inbound_event"), 5);
    assert_eq!(desk.count("select count(*) from message"), 5);
}

#[test]
fn mails_that_are_numbered_anew_are_known_again() {
    let (desk, tray) = desk();
    let mut dovecot = Dovecot::start();
    let hour_ago = SystemTime::now() - Duration::from_secs(3600);
    dovecot.deliver_as_of("help", "INBOX", &mail("Old", 1), hour_ago);
    let channel = open_channel(&desk, &tray, "help@acme.example", dovecot.inbound("help"));
    until_read(&desk, channel);
    dovecot.deliver("help", "INBOX", &mail("A", 2));
    dovecot.deliver("help", "INBOX", &mail("B", 3));
    until_there(&desk, &["A", "B"]);
    let validity = "select cursor ->> '$.validity' from channel";
    let before = desk.count(validity);

    dovecot.kill();
    dovecot.forget_numbers("help");
    dovecot.deliver("help", "INBOX", &mail("C", 4));
    dovecot.restart();
    until_there(&desk, &["A", "B", "C"]);
    assert_ne!(desk.count(validity), before, "the folder has a new number");
    dovecot.deliver("help", "INBOX", &mail("D", 5));
    until_there(&desk, &["A", "B", "C", "D"]);
    assert_eq!(desk.count("select count(*) from inbound_event"), 4);
}

#[test]
fn what_is_wrong_is_told_in_words() {
    let (desk, tray) = desk();
    let dovecot = Dovecot::start();
    let mut inbound = dovecot.inbound("help");
    inbound["password"] = json!("a wrong guess");
    let channel = open_channel(&desk, &tray, "help@acme.example", inbound.clone());
    let why = trouble(&desk, channel);
    assert!(why.starts_with("127.0.0.1: the login was refused"), "{why}");
    assert!(!why.contains("a wrong guess"), "{why}");
    let tested = desk
        .alia
        .ask("test_channel", &json!({ "channel_id": channel }));
    assert_eq!(tested.code(), "channel_failed");
    assert!(tested.text().contains("the login was refused"));

    let change = |inbound: &Value| {
        let config = json!({
            "address": "help@acme.example",
            "smtp": { "host": "127.0.0.1", "port": tray.address.port(), "security": "none" },
            "inbound": inbound,
        });
        let changed = json!({ "channel_id": channel, "config": config });
        desk.alia.ask("update_channel", &changed)
    };
    inbound["password"] = json!(MAIL_PASSWORD);
    inbound["folder"] = json!("Nowhere");
    change(&inbound).data();
    until_so("the folder to be missed", || {
        trouble(&desk, channel).contains("the folder \"Nowhere\" cannot be opened")
    });

    // A certificate of nobody who is known.
    let ca = inbound["ca"].take();
    inbound["folder"] = json!("INBOX");
    change(&inbound).data();
    until_so("the certificate to be doubted", || {
        trouble(&desk, channel).contains("encryption failed")
    });

    inbound["ca"] = ca;
    let saved = change(&inbound).data();
    assert_eq!(saved["config"]["inbound"]["password"], "••••");
    until_read(&desk, channel);
    assert_eq!(status(&desk, channel)["status"], "connected");
    // A password goes to no other server than it was given for.
    inbound["password"] = json!("••••");
    inbound["host"] = json!("localhost");
    let refused = change(&inbound);
    assert_eq!(
        (refused.code(), &refused.json()["field"]),
        (
            "invalid_parameter".into(),
            &json!("config.inbound.password")
        )
    );
    inbound["host"] = json!("127.0.0.1");
    inbound["ca"] = json!("no certificate");
    assert_eq!(change(&inbound).json()["field"], "config.inbound.ca");
    inbound["ca"] = Value::Null;
    inbound["port"] = json!(70_000);
    assert_eq!(change(&inbound).json()["field"], "config.inbound.port");
}

/// A server that says its part whatever it hears, and everything that it heard.
fn scripted(answers: &'static [&'static str]) -> (u16, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (said, heard) = mpsc::channel();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let said = said.clone();
            thread::spawn(move || {
                let mut part = [0; 4096];
                let mut answers = answers.iter();
                // After its part it stays connected and says no more.
                let mut line_ends = true;
                loop {
                    if line_ends && let Some(answer) = answers.next() {
                        let _ = stream.write_all(answer.as_bytes());
                    }
                    let Ok(read @ 1..) = stream.read(&mut part) else {
                        return;
                    };
                    line_ends = part[..read].ends_with(b"\n");
                    let _ = said.send(String::from_utf8_lossy(&part[..read]).into_owned());
                }
            });
        }
    });
    (port, heard)
}

#[test]
fn a_password_is_never_said_in_the_open() {
    let (desk, tray) = desk();
    let inbound = |port: u16| {
        json!({
            "provider": "imap", "host": "127.0.0.1", "port": port, "security": "starttls",
            "username": "help", "password": MAIL_PASSWORD,
        })
    };
    let (port, none) = scripted(&["* OK ready\r\n", "* CAPABILITY IMAP4rev1\r\nC1 OK\r\n"]);
    let channel = open_channel(&desk, &tray, "none@acme.example", inbound(port));
    assert!(trouble(&desk, channel).contains("does not offer STARTTLS"));
    // One that offers it and then answers for itself what should come encrypted.
    let (port, cheat) = scripted(&[
        "* OK ready\r\n",
        "* CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN\r\nC1 OK\r\n",
        "A0001 OK go on\r\nC1 OK\r\n* PREAUTH\r\n",
    ]);
    let channel = open_channel(&desk, &tray, "cheat@acme.example", inbound(port));
    let _ = until("a handshake", || {
        cheat.try_iter().find(|heard| heard.contains('\u{16}'))
    });
    // One that lets everybody in without encryption.
    let (port, open) = scripted(&["* PREAUTH welcome\r\n"]);
    let preauth = open_channel(&desk, &tray, "open@acme.example", inbound(port));
    assert!(trouble(&desk, preauth).contains("does not greet as IMAP does"));
    let heard: String = none
        .try_iter()
        .chain(cheat.try_iter())
        .chain(open.try_iter())
        .collect();
    for secret in ["LOGIN", "AUTHENTICATE", MAIL_PASSWORD] {
        assert!(!heard.contains(secret), "{heard}");
    }
    assert_ne!(status(&desk, channel)["status"], "disabled");
}

#[test]
fn a_server_that_is_silent_or_hostile_delays_nobody_and_no_stop() {
    let (mut desk, tray) = desk();
    let dovecot = Dovecot::start();
    let inbound = |port: u16| {
        json!({
            "provider": "imap", "host": "127.0.0.1", "port": port, "security": "none",
            "username": "help", "password": MAIL_PASSWORD,
        })
    };
    let (silent, _heard) = scripted(&[]);
    open_channel(&desk, &tray, "silent@acme.example", inbound(silent));
    // An answer that claims to be half a gigabyte.
    let (hostile, _heard) = scripted(&[
        "* OK ready\r\n",
        "* CAPABILITY IMAP4rev1\r\nC1 OK\r\n",
        "* 1 FETCH (UID 1 BODY[] {500000000}\r\n",
    ]);
    let hostile = open_channel(&desk, &tray, "hostile@acme.example", inbound(hostile));
    assert!(trouble(&desk, hostile).contains("larger than was asked for"));
    let channel = open_channel(&desk, &tray, "help@acme.example", dovecot.inbound("help"));
    until_read(&desk, channel);
    dovecot.deliver("help", "INBOX", &mail("A", 1));
    until_there(&desk, &["A"]);
    let (ended, took) = desk.serving.terminate();
    assert!(ended.success());
    assert!(took < Duration::from_secs(4), "{took:?}");
}

#[test]
fn a_mailbox_in_a_private_network_is_left_alone_where_that_is_forbidden() {
    let desk = Desk::open_with(&["--private-targets", "deny"]);
    let (tray, dovecot) = (Tray::open(), Dovecot::start());
    let channel = open_channel(&desk, &tray, "help@acme.example", dovecot.inbound("help"));
    assert!(trouble(&desk, channel).contains("no address that may be connected to"));
}

#[test]
fn a_channel_that_is_switched_off_changed_or_removed_is_read_no_more() {
    let (desk, tray) = desk();
    let dovecot = Dovecot::start();
    let channel = open_channel(&desk, &tray, "help@acme.example", dovecot.inbound("help"));
    until_read(&desk, channel);
    let switch = |on: bool| {
        let change = json!({ "channel_id": channel, "is_active": on });
        desk.alia.call("update_channel", change)
    };
    switch(false);
    thread::sleep(Duration::from_secs(1));
    dovecot.deliver("help", "INBOX", &mail("A", 1));
    thread::sleep(Duration::from_secs(2));
    assert_eq!(subjects(&desk), Vec::<String>::new());
    // What came meanwhile is waiting.
    switch(true);
    until_there(&desk, &["A"]);
    desk.alia
        .call("delete_channel", json!({ "channel_id": channel }));
    thread::sleep(Duration::from_secs(1));
    dovecot.deliver("help", "INBOX", &mail("B", 2));
    thread::sleep(Duration::from_secs(2));
    assert_eq!(subjects(&desk), ["A"]);
    assert_eq!(dovecot.seen_and_unseen("help"), (1, 1));
}

#[test]
fn of_a_mail_that_is_too_large_the_text_is_taken() {
    let (desk, tray) = desk();
    let dovecot = Dovecot::start();
    let channel = open_channel(&desk, &tray, "help@acme.example", dovecot.inbound("help"));
    until_read(&desk, channel);
    let mut large = b"From: aigul@client.example\r\nSubject: Large\r\nMessage-ID: <l@client.example>\r\n\
        MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
        --b\r\nContent-Type: text/plain\r\n\r\nSee the video\r\n\
        --b\r\nContent-Type: video/mp4; name=v.mp4\r\nContent-Disposition: attachment; filename=v.mp4\r\n\
        Content-Transfer-Encoding: base64\r\n\r\n"
        .to_vec();
    let line = [b"QUJD".repeat(19).as_slice(), b"\r\n"].concat();
    large.extend(line.repeat((51 << 20) / line.len()));
    large.extend(b"\r\n--b--\r\n");
    let place = dovecot.deliver("help", "INBOX", &large);
    dovecot.deliver("help", "INBOX", &mail("Next", 2));
    until_there(&desk, &["Large", "Next"]);
    let found = desk.omar.call("list_tickets", json!({ "search": "Large" }));
    let whole = desk.omar.call(
        "get_ticket",
        json!({ "ticket_id": found["tickets"][0]["id"] }),
    );
    let messages = whole["messages"].as_array().unwrap();
    assert_eq!(messages[0]["message"], "See the video");
    assert_eq!(messages[0]["files"], json!([]));
    assert_eq!(messages.len(), 2, "staff are told that it is not whole");
    assert_eq!(messages[1]["is_note"], true);
    // It is whole where it lies.
    assert!(fs::metadata(place).is_ok() || dovecot.seen_and_unseen("help").0 == 2);
}
