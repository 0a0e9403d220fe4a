//! What SendGrid's Inbound Parse posts, in the shapes that it really has: parsed and raw, each field in its own charset.
use crate::support::{
    Desk, Tray,
    http::Request,
    post::{MAILBOX, hook, open_mailbox},
    until, until_so,
};
use serde_json::{Value, json};
use std::thread;

const SECRET: &str = "sg 7f3a+9c1d";
/// The same as it stands in an address.
const IN_ADDRESS: &str = "sg%207f3a%2B9c1d";

fn desk_with_sendgrid() -> (Desk, Tray, i64) {
    let (desk, tray) = (Desk::open(), Tray::open());
    let inbound = json!({ "provider": "sendgrid", "secret": SECRET });
    let channel = open_mailbox(&desk, &tray, inbound);
    (desk, tray, channel)
}

/// A field of a form: its name, what else its head says, and its bytes.
type Part<'a> = (&'a str, &'a str, &'a [u8]);

/// A form as SendGrid writes it.
fn form(parts: &[Part<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, more, bytes) in parts {
        let head =
            format!("--xYzZY\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n");
        body.extend(head.as_bytes());
        body.extend(*bytes);
        body.extend(b"\r\n");
    }
    body.extend(b"--xYzZY--\r\n");
    body
}

fn posted_to(query: &str, parts: &[Part<'_>]) -> Request {
    Request::post(&format!("/api/channel-webhook.php?type=email{query}"))
        .header("user-agent", "SendGrid")
        .body("multipart/form-data; boundary=xYzZY", form(parts))
}

fn posted(parts: &[Part<'_>]) -> Request {
    posted_to(&format!("&secret={IN_ADDRESS}"), parts)
}

const HEADERS: &[u8] = b"Received: by mx0031p1mdw1.sendgrid.net with SMTP id AbC\nDate: Wed, 4 Mar 2026 13:07:33 +0500\n\
Message-ID: <002a01dcab@client.example>\nFrom: =?windows-1251?B?wPHl7A==?= <asem@client.example>\nTo: help@acme.example\n\
Subject: =?windows-1251?B?z/Do7fLl8A==?=\nMIME-Version: 1.0\nContent-Type: text/plain; charset=\"windows-1251\"\n";
const ENVELOPE: &[u8] = br#"{"to":["help@acme.example"],"from":"asem@client.example"}"#;

/// A mail of which every field is in another charset.
fn mixed() -> Vec<Part<'static>> {
    vec![
        ("headers", "", HEADERS),
        ("dkim", "", b"{@client.example : pass}"),
        ("to", "", b"help@acme.example"),
        ("from", "", "Асем <asem@client.example>".as_bytes()),
        ("text", "", b"\xcd\xe5 \xef\xe5\xf7\xe0\xf2\xe0\xe5\xf2"),
        ("sender_ip", "", b"192.0.2.15"),
        ("envelope", "", ENVELOPE),
        ("attachments", "", b"0"),
        ("subject", "", b"\xf0\xd2\xc9\xce\xd4\xc5\xd2"),
        (
            "charsets",
            "",
            br#"{"to":"UTF-8","from":"UTF-8","subject":"koi8-r","text":"windows-1251"}"#,
        ),
        ("SPF", "", b"pass"),
    ]
}

fn total(desk: &Desk) -> Value {
    desk.omar.call("list_tickets", json!({}))["total"].clone()
}

/// The one ticket there is, with its messages.
fn the_ticket(desk: &Desk) -> Value {
    let ticket = until("the ticket", || {
        let page = desk.omar.call("list_tickets", json!({}));
        page["tickets"].get(0).cloned()
    });
    desk.omar
        .call("get_ticket", json!({ "ticket_id": ticket["id"] }))
}

#[test]
fn each_field_is_read_in_its_own_charset() {
    let (desk, _tray, _) = desk_with_sendgrid();
    assert_eq!(hook(&desk, &posted(&mixed())).status, 200);
    let whole = the_ticket(&desk);
    assert_eq!(whole["ticket"]["subject"], "Принтер");
    assert_eq!(whole["ticket"]["creator_name"], "Асем");
    assert_eq!(whole["ticket"]["creator_email"], "asem@client.example");
    assert_eq!(whole["messages"][0]["message"], "Не печатает");

    // Where the header block says nothing of it, the fields count, each in its charset.
    let mut bare = mixed();
    bare[0].2 = b"Message-ID: <002c@client.example>\n";
    assert_eq!(hook(&desk, &posted(&bare)).status, 200);
    until_so("the second ticket", || total(&desk) == 2);
    let page = desk.omar.call("list_tickets", json!({}));
    for ticket in page["tickets"].as_array().unwrap() {
        assert_eq!(ticket["subject"], "Принтер");
    }
}

#[test]
fn files_come_with_their_names_and_pictures_stand_in_the_text() {
    let (desk, _tray, _) = desk_with_sendgrid();
    let png = b"\x89PNG\r\n\x1a\n--xYzZ not the end\r\n";
    let info = r#"{"attachment2":{"filename":"../Акт.pdf","name":"../Акт.pdf","type":"application/pdf"},"attachment1":{"filename":"image001.png","name":"image001.png","type":"image/png","content-id":"image001.png@01DCAB12.3F"}}"#;
    let mut parts = mixed();
    parts.retain(|(name, ..)| *name != "attachments");
    parts.extend([
        (
            "html",
            "",
            br#"<p>See <img src="cid:image001.png@01DCAB12.3F"></p>"#.as_slice(),
        ),
        ("attachments", "", b"2"),
        ("attachment-info", "", info.as_bytes()),
        (
            "content-ids",
            "",
            br#"{"image001.png@01DCAB12.3F":"attachment1"}"#,
        ),
        // An empty file name makes it no less a file.
        (
            "attachment2",
            "; filename=\"\"\r\nContent-Type: application/pdf",
            b"%PDF-1.4 act",
        ),
        (
            "attachment1",
            "; filename=\"image001.png\"\r\nContent-Type: image/png",
            png,
        ),
    ]);
    assert_eq!(hook(&desk, &posted(&parts)).status, 200);
    let whole = the_ticket(&desk);
    let message = &whole["messages"][0];
    let names: Vec<&Value> = message["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| &file["name"])
        .collect();
    assert_eq!(names, ["Акт.pdf", "image001.png"]);
    let html = message["html"].as_str().unwrap();
    assert!(
        html.contains("/image001.png?"),
        "it stands in the text: {html}"
    );
    let act = &message["files"][0];
    assert_eq!(act["size"], 12);
    let got = desk.omar.get(act["url"].as_str().unwrap());
    assert_eq!(got.body, b"%PDF-1.4 act");
}

const RAW: &str = "Received: by mx0031p1mdw1.sendgrid.net with SMTP id AbC
Message-ID: <002b@client.example>
From: asem@client.example
To: help@acme.example
Subject: =?koi8-r?B?8NLJztTF0g==?=
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary=\"xYzZ\"

--xYzZ
Content-Type: text/plain; charset=koi8-r
Content-Transfer-Encoding: 8bit

@@
--xYzZ
Content-Type: text/html; charset=utf-8

<p>hello</p>
--xYzZ--
";

#[test]
fn a_raw_mail_is_read_as_it_was_sent() {
    let (desk, _tray, channel) = desk_with_sendgrid();
    let raw = RAW.replace('\n', "\r\n");
    let (before, after) = raw.split_once("@@").unwrap();
    // Bytes that are no UTF-8, which a form must not change.
    let raw = [
        before.as_bytes(),
        b"\xf0\xd2\xc9\xd7\xc5\xd4",
        after.as_bytes(),
    ]
    .concat();
    let parts: Vec<Part<'_>> = vec![
        ("email", "", &raw),
        ("dkim", "", b"none"),
        ("to", "", b"help@acme.example"),
        ("from", "", b"asem@client.example"),
        ("subject", "", b"test"),
        ("envelope", "", ENVELOPE),
        (
            "charsets",
            "",
            br#"{"to":"UTF-8","from":"UTF-8","subject":"UTF-8"}"#,
        ),
        ("SPF", "", b"pass"),
    ];
    // The address that the channel names is all that its provider has to be told.
    for list in ["list_channels", "get_channels_status"] {
        let channels = desk.alia.call(list, json!({}));
        let url = channels[0]["webhook_url"].as_str().unwrap();
        assert!(
            url.ends_with(&format!("&channel={channel}&secret={IN_ADDRESS}")),
            "{url}"
        );
    }
    let named = format!("&channel={channel}&secret={IN_ADDRESS}");
    assert_eq!(hook(&desk, &posted_to(&named, &parts)).status, 200);
    let whole = the_ticket(&desk);
    assert_eq!(whole["ticket"]["subject"], "Принтер");
    assert_eq!(whole["messages"][0]["message"], "Привет");
}

#[test]
fn a_post_without_the_secret_is_refused_and_changes_nothing() {
    let (desk, _tray, channel) = desk_with_sendgrid();
    for query in [
        String::new(),
        "&secret=".to_owned(),
        "&secret=wrong".to_owned(),
        format!("&secret={IN_ADDRESS}x"),
        format!("&channel={channel}"),
        format!("&channel={channel}&secret=wrong"),
        format!("&channel=999&secret={IN_ADDRESS}"),
    ] {
        let reply = hook(&desk, &posted_to(&query, &mixed()));
        assert_eq!(
            (reply.status, reply.code()),
            (403, "bad_signature".into()),
            "{query}"
        );
    }
    // A secret is good for its own mailbox alone.
    let mut elsewhere = mixed();
    for part in &mut elsewhere {
        if part.0 == "envelope" {
            part.2 = br#"{"to":["nobody@acme.example"],"from":"asem@client.example"}"#;
        }
    }
    assert_eq!(hook(&desk, &posted(&elsewhere)).status, 403);
    // Nor does it sign what Mailgun says of a mail.
    let event = Request::post(&format!(
        "/api/channel-webhook.php?type=email&channel={channel}&secret={IN_ADDRESS}"
    ))
    .json(&json!({
        "signature": { "timestamp": "1772611653", "token": "a", "signature": "b" },
        "event-data": { "event": "failed" },
    }));
    assert_eq!(hook(&desk, &event).status, 403);
    assert_eq!(desk.count("select count(*) from inbound_event"), 0);
    assert_eq!(desk.stored().0, 0);
    assert_eq!(desk.dir.files("files"), Vec::<String>::new());
}

#[test]
fn a_repeat_is_taken_and_changes_nothing() {
    let (desk, _tray, _) = desk_with_sendgrid();
    let parts = mixed();
    thread::scope(|scope| {
        for _ in 0..5 {
            scope.spawn(|| assert_eq!(hook(&desk, &posted(&parts)).status, 200));
        }
    });
    // Accepted is stored.
    assert_eq!(desk.count("select count(*) from inbound_event"), 1);
    desk.settle();
    // Tried again with another verdict on it, it is the same mail still.
    let mut again = mixed();
    again.push(("spam_score", "", b"0.5"));
    assert_eq!(hook(&desk, &posted(&again)).status, 200);
    desk.settle();
    assert_eq!(total(&desk), 1);
    assert_eq!(desk.count("select count(*) from message"), 1);
}

#[test]
fn a_mail_to_two_mailboxes_comes_to_both() {
    let (desk, tray, _) = desk_with_sendgrid();
    let config = json!({
        "address": "sales@acme.example",
        "smtp": { "host": "127.0.0.1", "port": tray.address.port(), "security": "none" },
        "inbound": { "provider": "sendgrid", "secret": SECRET },
    });
    let second = json!({ "type": "email", "name": "Продажи", "config": config });
    let second = desk.alia.call("create_channel", second);
    assert_eq!(
        second["config"]["inbound"],
        json!({ "provider": "sendgrid", "secret": "••••" })
    );
    let mut parts = mixed();
    for part in &mut parts {
        if part.0 == "envelope" {
            part.2 = br#"{"to":["help+tag@acme.example","sales@acme.example","else@where.example"],"from":"asem@client.example"}"#;
        }
    }
    assert_eq!(hook(&desk, &posted(&parts)).status, 200);
    desk.settle();
    assert_eq!(
        desk.count("select count(distinct channel_id) from inbound_event"),
        2
    );
    assert_eq!(total(&desk), 2);
    assert_eq!(MAILBOX, "help@acme.example");
}

#[test]
fn a_channel_of_sendgrid_needs_a_secret() {
    let (desk, tray) = (Desk::open(), Tray::open());
    let config = json!({
        "address": MAILBOX,
        "smtp": { "host": "127.0.0.1", "port": tray.address.port(), "security": "none" },
        "inbound": { "provider": "sendgrid" },
    });
    let made = json!({ "type": "email", "name": "Почта", "config": config });
    let refused = desk.alia.ask("create_channel", &made);
    assert_eq!(
        (refused.code(), &refused.json()["field"]),
        ("missing_parameter".into(), &json!("config.inbound.secret"))
    );
}
