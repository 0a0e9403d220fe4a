//! What stands in DNS for a mailbox, asked of a real name server.
use crate::support::{Desk, NameServer};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// A desk that asks `names`, with a mailbox that sends by a server of its domain. Answers the mailbox as well.
fn desk_that_asks(names: &NameServer) -> (Desk, Value) {
    let desk = Desk::open_with(&[names.flag(), "--public-url", "http://desk.acme.example"]);
    let config = json!({
        "address": "help@acme.example",
        "from_name": "Acme",
        "smtp": { "host": "relay.acme.example", "port": 587, "security": "starttls" },
        "inbound": { "provider": "smtp" },
    });
    let channel = desk.alia.call(
        "create_channel",
        json!({ "type": "email", "name": "Почта", "config": config }),
    );
    let id = channel["id"].clone();
    (desk, json!({ "channel_id": id }))
}

/// How a record stands and what is said of it, by the machine's words.
fn standing(checked: &Value, purpose: &str) -> (String, Vec<String>) {
    let all = checked["records"].as_array().unwrap();
    let record = all.iter().find(|r| r["purpose"] == purpose).unwrap();
    let remarks = record["remarks"].as_array().unwrap().iter();
    let said = remarks.map(|remark| remark["code"].as_str().unwrap().to_owned());
    (
        record["standing"].as_str().unwrap().to_owned(),
        said.collect(),
    )
}

fn is(word: &str, said: &[&str]) -> (String, Vec<String>) {
    (
        word.to_owned(),
        said.iter().map(|code| (*code).to_owned()).collect(),
    )
}

fn record<'a>(checked: &'a Value, purpose: &str) -> &'a Value {
    let all = checked["records"].as_array().unwrap();
    all.iter().find(|r| r["purpose"] == purpose).unwrap()
}

#[test]
fn each_record_is_compared_with_what_stands_in_dns() {
    let names = NameServer::open();
    let (desk, mailbox) = desk_that_asks(&names);
    desk.alia.call("make_dkim_key", mailbox.clone());
    let check = || desk.alia.call("check_dns_records", mailbox.clone());
    let empty = check();
    for purpose in ["mx", "spf", "dkim", "dmarc"] {
        assert_eq!(standing(&empty, purpose), is("missing", &[]), "{purpose}");
    }
    let wanted = desk.alia.call("get_dns_records", mailbox.clone());
    for record in wanted["records"].as_array().unwrap() {
        let (name, value) = (record["name"].as_str().unwrap(), &record["value"]);
        let value = value.as_str().unwrap();
        match record["purpose"].as_str().unwrap() {
            "mx" => assert_eq!(value, "10 desk.acme.example"),
            "spf" => names.texts(name, &[value, "google-site-verification=1"]),
            _ => names.texts(name, &[value]),
        }
    }
    names.exchanges("acme.example", &[(10, "desk.acme.example")]);
    names.host("desk.acme.example", "77.88.21.1");
    names.host("relay.acme.example", "77.88.21.2");
    // A key is longer than one piece of a text, and this one comes over TCP.
    names.long("tehprof._domainkey.acme.example");
    let good = check();
    for purpose in ["mx", "spf", "dkim"] {
        assert_eq!(standing(&good, purpose), is("good", &[]), "{purpose}");
    }
    assert_eq!(standing(&good, "dmarc"), is("good", &["only_watches"]));
    let dkim = record(&good, "dkim");
    assert_eq!(dkim["found"], json!([dkim["value"]]));
    assert!(dkim["value"].as_str().unwrap().len() > 255);
    let by_tcp = ("tcp", "tehprof._domainkey.acme.example".to_owned());
    assert!(names.asked().contains(&by_tcp));

    names.texts(
        "acme.example",
        &[
            "v=spf1 include:_spf.google.com ~all",
            "v=spf1 mx a:relay.acme.example ~all",
        ],
    );
    names.texts("tehprof._domainkey.acme.example", &["v=DKIM1; k=rsa; p="]);
    names.texts("_dmarc.acme.example", &["v=DMARC1; rua=mailto:a@b.kz"]);
    names.exchanges(
        "acme.example",
        &[(20, "desk.acme.example"), (5, "mx.old.example")],
    );
    let wrong = check();
    assert_eq!(standing(&wrong, "spf"), is("wrong", &["several"]));
    assert_eq!(standing(&wrong, "dkim"), is("wrong", &["key_taken_back"]));
    assert_eq!(standing(&wrong, "dmarc"), is("wrong", &["no_policy"]));
    assert_eq!(standing(&wrong, "mx"), is("good", &["tried_first"]));
    assert_eq!(
        record(&wrong, "mx")["found"],
        json!(["5 mx.old.example", "20 desk.acme.example"])
    );
    let words = |remark: &Value| remark["remarks"][0]["text"].as_str().unwrap().to_owned();
    for (lang, said) in [
        ("ru", "должна быть одна"),
        ("kk", "біреу ғана болуы керек"),
        ("en", "there must be one"),
    ] {
        let caller = desk.alia.header("accept-language", lang);
        let checked = caller.call("check_dns_records", mailbox.clone());
        assert!(words(record(&checked, "spf")).contains(said), "{checked}");
    }

    // A record that leads on is followed.
    names.texts("acme.example", &["v=spf1 include:_spf.acme.example -all"]);
    names.texts("_spf.acme.example", &["v=spf1 ip4:77.88.21.0/28 -all"]);
    assert_eq!(standing(&check(), "spf"), is("good", &[]));
    names.texts("_spf.acme.example", &["v=spf1 ip4:8.8.8.0/24 -all"]);
    assert_eq!(standing(&check(), "spf"), is("wrong", &["sender_lacking"]));
}

#[test]
fn who_does_not_answer_is_told_apart_from_what_is_not_there() {
    let names = NameServer::open();
    let (desk, mailbox) = desk_that_asks(&names);
    names.silent("acme.example");
    names.broken("_dmarc.acme.example");
    let began = Instant::now();
    let (checked, others) = std::thread::scope(|scope| {
        let asking = scope.spawn(|| desk.alia.call("check_dns_records", mailbox.clone()));
        let began = Instant::now();
        desk.omar.call("list_tickets", json!({}));
        let others = began.elapsed();
        (asking.join().unwrap(), others)
    });
    let took = began.elapsed();
    assert_eq!(standing(&checked, "spf"), is("unknown", &["late"]));
    assert_eq!(standing(&checked, "mx"), is("unknown", &["late"]));
    assert_eq!(standing(&checked, "dmarc"), is("unknown", &["failed"]));
    assert!(took > Duration::from_secs(1), "{took:?}");
    assert!(took < Duration::from_secs(12), "{took:?}");
    assert!(others < took / 2, "{others:?} of {took:?}");
}

#[test]
fn a_name_server_that_is_not_there_is_told() {
    let names = NameServer::open();
    let (mut desk, mailbox) = desk_that_asks(&names);
    desk.restart_with(&["--dns-server", "127.0.0.1:9"]);
    let checked = desk.alia.call("check_dns_records", mailbox);
    for purpose in ["spf", "dmarc"] {
        assert_eq!(standing(&checked, purpose).0, "unknown", "{purpose}");
    }
}

#[test]
fn only_admins_check_and_only_their_own_mailboxes() {
    let names = NameServer::open();
    let (desk, mailbox) = desk_that_asks(&names);
    assert_eq!(
        desk.omar.refused("check_dns_records", mailbox.clone()).0,
        403
    );
    assert_eq!(
        desk.greta.refused("check_dns_records", mailbox),
        (400, "channel_not_found".into())
    );
    assert_eq!(names.asked(), []);
}
