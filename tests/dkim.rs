//! Signatures under the mail that leaves (RFC 6376), looked at as a receiver does: by the record that is to stand in DNS, and with
//! nothing of the code that signs.
use crate::support::{
    Desk, Tray,
    post::{Letter, MAILBOX, deliver, desk_with_mail},
    until,
};
use data_encoding::BASE64;
use ring::signature::{ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use x509_parser::{prelude::FromDer, x509::SubjectPublicKeyInfo};

/// The fields of a header block, folded as they are.
fn fields(head: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for line in head.split("\r\n") {
        if line.starts_with([' ', '\t']) {
            let last = found.last_mut().unwrap();
            last.1 = format!("{}\r\n{line}", last.1);
        } else {
            let (name, value) = line.split_once(':').unwrap();
            found.push((name.to_lowercase(), value.to_owned()));
        }
    }
    found
}

fn relaxed(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn relaxed_body(body: &str) -> String {
    let lines = body.split("\r\n").map(|line| {
        let words: Vec<&str> = line.split([' ', '\t']).collect();
        let mut shown = String::new();
        for (at, word) in words.iter().enumerate() {
            if at > 0 && !shown.ends_with(' ') {
                shown.push(' ');
            }
            shown.push_str(word);
        }
        shown.trim_end_matches(' ').to_owned()
    });
    let mut lines: Vec<String> = lines.collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines.iter().map(|line| format!("{line}\r\n")).collect()
}

fn tag(value: &str, name: &str) -> String {
    let tags = value.split(';').filter_map(|tag| tag.split_once('='));
    let found = tags
        .filter(|(known, _)| known.trim() == name)
        .map(|(_, v)| v);
    found
        .map(|v| v.split_whitespace().collect())
        .next()
        .unwrap_or_default()
}

/// Whether a mail bears a signature that is good by this record.
fn is_signed(raw: &str, record: &str) -> Result<(), &'static str> {
    let (head, body) = raw.split_once("\r\n\r\n").unwrap();
    let mut fields = fields(head);
    let at = fields.iter().position(|(name, _)| name == "dkim-signature");
    let (_, signature) = fields.remove(at.ok_or("no signature")?);
    assert_eq!(tag(&signature, "c"), "relaxed/relaxed");
    let hash = BASE64.encode(&Sha256::digest(relaxed_body(body)));
    if tag(&signature, "bh") != hash {
        return Err("another body");
    }
    let mut signed = String::new();
    for name in tag(&signature, "h").split(':') {
        let name = name.to_lowercase();
        // Of several the lowest that is not taken yet; one that is not there counts for nothing.
        if let Some(at) = fields.iter().rposition(|(known, _)| *known == name) {
            let (_, value) = fields.remove(at);
            signed.push_str(&format!("{name}:{}\r\n", relaxed(&value)));
        }
    }
    let (before, _) = signature.rsplit_once("b=").unwrap();
    signed.push_str(&format!(
        "dkim-signature:{}",
        relaxed(&format!("{before}b="))
    ));
    let key = BASE64.decode(tag(record, "p").as_bytes()).unwrap();
    let value = BASE64.decode(tag(&signature, "b").as_bytes()).unwrap();
    let checked = match tag(record, "k").as_str() {
        "rsa" => {
            assert_eq!(tag(&signature, "a"), "rsa-sha256");
            let (_, info) = SubjectPublicKeyInfo::from_der(&key).unwrap();
            let key = info.subject_public_key.data.to_vec();
            UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key)
                .verify(signed.as_bytes(), &value)
        }
        kind => {
            assert_eq!(
                (kind, tag(&signature, "a").as_str()),
                ("ed25519", "ed25519-sha256")
            );
            UnparsedPublicKey::new(&ED25519, key).verify(&Sha256::digest(signed), &value)
        }
    };
    checked.map_err(|_| "another header")
}

fn record(records: &Value, purpose: &str) -> (String, String) {
    let all = records["records"].as_array().unwrap();
    let found = all.iter().find(|record| record["purpose"] == purpose);
    let text = |name: &str| found.map(|r| r[name].as_str().unwrap().to_owned());
    (
        text("name").unwrap_or_default(),
        text("value").unwrap_or_default(),
    )
}

/// What leaves when a mail is answered.
fn answer(desk: &Desk, tray: &Tray, subject: &str) -> String {
    deliver(
        desk,
        &Letter::new("Асем <asem@client.example>", MAILBOX, subject).text("Помогите"),
    );
    desk.settle();
    let page = desk.omar.call("list_tickets", json!({ "search": subject }));
    let before = tray.taken().len();
    let body = json!({ "ticket_id": page["tickets"][0]["id"], "message": "Здравствуйте!\n\n.\nПробелы   и\tтабуляция  \n\n\n" });
    desk.omar.call("add_message", body);
    let mail = until("the answer", || tray.taken().get(before).cloned());
    String::from_utf8(mail.raw).unwrap()
}

fn channel(desk: &Desk) -> Value {
    desk.alia.call("list_channels", json!({}))[0].clone()
}

#[test]
fn what_a_mailbox_sends_is_signed_by_the_key_that_was_made_for_it() {
    let (desk, tray) = desk_with_mail();
    let id = channel(&desk)["id"].clone();
    assert!(!answer(&desk, &tray, "Без подписи").contains("DKIM-Signature"));
    let before = desk
        .alia
        .call("get_dns_records", json!({ "channel_id": id }));
    assert_eq!(record(&before, "dkim"), Default::default());
    let made = desk.alia.call(
        "make_dkim_key",
        json!({ "channel_id": id, "selector": "Desk2026" }),
    );
    assert_eq!(
        made,
        desk.alia
            .call("get_dns_records", json!({ "channel_id": id }))
    );
    let (name, value) = record(&made, "dkim");
    assert_eq!(name, "desk2026._domainkey.acme.example");
    assert!(
        value.starts_with("v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A"),
        "{value}"
    );
    assert_eq!(
        record(&made, "spf"),
        ("acme.example".into(), "v=spf1 mx ip4:127.0.0.1 ~all".into())
    );
    assert_eq!(
        record(&made, "dmarc"),
        (
            "_dmarc.acme.example".into(),
            "v=DMARC1; p=none; rua=mailto:help@acme.example".into()
        )
    );

    let mail = answer(
        &desk,
        &tray,
        "С подписью и длинной темой, которая не помещается на одну строку",
    );
    assert_eq!(is_signed(&mail, &value), Ok(()));
    let signature = fields(mail.split_once("\r\n\r\n").unwrap().0)[0].1.clone();
    assert_eq!(
        (tag(&signature, "d"), tag(&signature, "s")),
        ("acme.example".into(), "desk2026".into())
    );
    assert_eq!(tag(&signature, "l"), "", "the whole body is signed");
    let signed = tag(&signature, "h").to_lowercase();
    for name in [
        "subject",
        "to",
        "date",
        "message-id",
        "in-reply-to",
        "references",
        "mime-version",
        "content-type",
        "reply-to",
    ] {
        assert!(
            signed.split(':').any(|known| known == name),
            "{name}: {signed}"
        );
    }
    // Whatever is changed on the way is noticed, a second From as well.
    for (changed, why) in [
        (
            mail.replacen("Subject: ", "Subject: x", 1),
            "another header",
        ),
        (
            mail.replacen(
                "\r\nFrom: ",
                "\r\nFrom: Evil <evil@other.example>\r\nFrom: ",
                1,
            ),
            "another header",
        ),
        (mail.replacen("\r\nTo: ", "\r\nX-Added: 1\r\nTo: ", 1), ""),
        (format!("{mail}added\r\n"), "another body"),
    ] {
        let wanted = if why.is_empty() { Ok(()) } else { Err(why) };
        assert_eq!(is_signed(&changed, &value), wanted);
    }
    // The key is nobody's to see, and does not lie open.
    assert_eq!(
        channel(&desk)["config"]["dkim"],
        json!({ "domain": "acme.example", "selector": "desk2026", "private_key": "••••" })
    );
    for file in ["tehprof.db", "tehprof.db-wal"] {
        let bytes = std::fs::read(desk.dir.0.join(file)).unwrap();
        assert!(!bytes.windows(11).any(|w| w == b"PRIVATE KEY"), "{file}");
    }
    assert_eq!(
        desk.omar
            .refused("make_dkim_key", json!({ "channel_id": id }))
            .0,
        403
    );
    assert_eq!(
        desk.greta
            .refused("get_dns_records", json!({ "channel_id": id }))
            .0,
        400
    );
}

#[test]
fn a_key_of_one_s_own_signs_until_it_is_taken_away() {
    let (desk, tray) = desk_with_mail();
    let id = channel(&desk)["id"].clone();
    let mut config = channel(&desk)["config"].clone();
    let update = |config: &Value| json!({ "channel_id": id, "config": config });
    for pem in [
        include_str!("fixtures/keys/ed25519.pem"),
        include_str!("fixtures/keys/rsa-2048-pkcs1.pem"),
    ] {
        config["dkim"] = json!({ "domain": "acme.example", "selector": "own", "private_key": pem });
        desk.alia.call("update_channel", update(&config));
        let records = desk
            .alia
            .call("get_dns_records", json!({ "channel_id": id }));
        let value = record(&records, "dkim").1;
        let mail = answer(&desk, &tray, &format!("Ключ {}", value.len()));
        assert_eq!(is_signed(&mail, &value), Ok(()));
        // Who knows nothing of signatures changes nothing of them.
        config["from_name"] = "Другое имя".into();
        config.as_object_mut().unwrap().remove("dkim");
        let saved = desk.alia.call("update_channel", update(&config));
        assert_eq!(saved["config"]["dkim"]["private_key"], "••••");
        // What was shown comes back: the key stays what it was.
        desk.alia.call("update_channel", update(&saved["config"]));
        let after = desk
            .alia
            .call("get_dns_records", json!({ "channel_id": id }));
        assert_eq!(after, records);
    }
    config["dkim"] = Value::Null;
    let saved = desk.alia.call("update_channel", update(&config));
    assert_eq!(saved["config"].get("dkim"), None);
    assert!(!answer(&desk, &tray, "Снова без подписи").contains("DKIM-Signature"));
}

#[test]
fn what_cannot_sign_is_refused_by_its_field() {
    let (desk, _tray) = desk_with_mail();
    let id = channel(&desk)["id"].clone();
    let config = channel(&desk)["config"].clone();
    let good = include_str!("fixtures/keys/ed25519.pem");
    for (dkim, field) in [
        (
            json!({ "domain": "other.example", "selector": "s", "private_key": good }),
            "config.dkim.domain",
        ),
        (
            json!({ "domain": "example", "selector": "s", "private_key": good }),
            "config.dkim.domain",
        ),
        (
            json!({ "domain": "acme.example", "selector": "a b", "private_key": good }),
            "config.dkim.selector",
        ),
        (
            json!({ "domain": "acme.example", "selector": "s" }),
            "config.dkim.private_key",
        ),
        (
            json!({ "domain": "acme.example", "selector": "s", "private_key": "" }),
            "config.dkim.private_key",
        ),
        (
            json!({ "domain": "acme.example", "selector": "s", "private_key": "key" }),
            "config.dkim.private_key",
        ),
        (
            json!({ "domain": "acme.example", "selector": "s", "private_key": include_str!("fixtures/keys/rsa-1024.pem") }),
            "config.dkim.private_key",
        ),
        (json!({ "selector": "s" }), "config.dkim.domain"),
    ] {
        let mut config = config.clone();
        config["dkim"] = dkim.clone();
        let reply = desk.alia.ask(
            "update_channel",
            &json!({ "channel_id": id, "config": config }),
        );
        assert_eq!(
            (reply.status, &reply.json()["field"]),
            (400, &json!(field)),
            "{dkim}"
        );
    }
    let elsewhere = json!({ "channel_id": id, "domain": "other.example" });
    assert_eq!(
        desk.alia.ask("make_dkim_key", &elsewhere).json()["field"],
        "domain"
    );
}
