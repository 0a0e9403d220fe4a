//! Outgoing webhooks from outside: real receivers that answer, fail, hang, redirect and overflow.
use crate::support::{
    Desk, Receiver,
    receiver::{Answers, Heard},
    until, until_so,
};
use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::time::Duration;

const ALLOWED: [&str; 2] = ["--private-targets", "allow"];

fn desk() -> Desk {
    Desk::open_with(&ALLOWED)
}

fn hook(desk: &Desk, receiver: &Receiver, events: &[&str]) -> Value {
    desk.alia.call(
        "create_webhook",
        json!({ "url": receiver.url(), "events": events }),
    )
}

fn kinds(heard: &[Heard]) -> Vec<String> {
    heard.iter().map(Heard::kind).collect()
}

/// The signature as the specification words it, computed here from the headers and the raw body.
fn verifies(secret: &str, call: &Heard) -> bool {
    let key = BASE64
        .decode(secret.strip_prefix("whsec_").unwrap().as_bytes())
        .unwrap();
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&key).unwrap();
    for part in [
        call.header("webhook-id"),
        ".",
        call.header("webhook-timestamp"),
        ".",
        &call.body,
    ] {
        mac.update(part.as_bytes());
    }
    let expected = format!("v1,{}", BASE64.encode(&mac.finalize().into_bytes()));
    call.header("webhook-signature") == expected
}

#[test]
fn events_arrive_signed_and_in_order() {
    let (desk, receiver) = (desk(), Receiver::start(Vec::new()));
    let made = hook(
        &desk,
        &receiver,
        &[
            "ticket.created",
            "message.created",
            "ticket.status_changed",
            "ticket.assigned",
            "client.created",
        ],
    );
    let secret = made["secret"].as_str().unwrap();
    assert!(desk.alia.call("list_webhooks", json!({}))[0]["secret"].is_null());

    let id = desk.ticket("Касса");
    desk.omar.call("take_ticket", json!({ "ticket_id": id }));
    desk.omar.call(
        "add_message",
        json!({ "ticket_id": id, "message": "Смотрю" }),
    );
    desk.alia.call(
        "create_client",
        json!({ "portal_domain": "new.example", "company_name": "ТОО «Новый»" }),
    );
    let heard = receiver.wait(6);
    assert_eq!(
        kinds(&heard),
        [
            "ticket.created",
            "message.created",
            "ticket.assigned",
            "message.created",
            "ticket.status_changed",
            "client.created",
        ]
    );
    for call in &heard {
        assert!(verifies(secret, call), "{call:?}");
        assert_eq!(call.header("content-type"), "application/json");
        assert!(call.header("user-agent").starts_with("tehprof/"));
        assert_eq!(call.path, "/desk");
    }
    let created = heard[0].json();
    assert_eq!(created["data"]["ticket_id"], id);
    assert_eq!(created["data"]["ticket"]["subject"], "Касса");
    assert_eq!(
        heard[2].json()["data"]["ticket"]["assigned_name"],
        "Омар Сеитов"
    );
    assert_eq!(heard[3].json()["data"]["message"]["message"], "Смотрю");
    let moved = heard[4].json();
    assert_eq!(
        (&moved["data"]["from"], &moved["data"]["to"]),
        (&json!("new"), &json!("in_progress"))
    );
    assert_eq!(
        heard[5].json()["data"]["client"]["portal_domain"],
        "new.example"
    );
    // The receiver has heard the last one before its answer is noted.
    until_so("every delivery to be noted", || {
        let log = desk.alia.call(
            "list_webhook_deliveries",
            json!({ "webhook_id": made["id"] }),
        );
        assert_eq!(log["total"], 6);
        let noted = |d: &Value| d["state"] == "sent" && d["status"] == 200;
        log["deliveries"].as_array().unwrap().iter().all(noted)
    });
}

#[test]
fn a_dead_endpoint_delays_nobody_and_keeps_its_own_order() {
    let desk = desk();
    let hangs = Receiver::start(vec![Answers::Never]);
    let fails = Receiver::start(vec![Answers::status(500)]);
    let works = Receiver::start(Vec::new());
    for receiver in [&hangs, &fails, &works] {
        hook(&desk, receiver, &["ticket.created"]);
    }
    let ids = [desk.ticket("Первая"), desk.ticket("Вторая")];
    let subjects = |heard: &[Heard]| -> Vec<i64> {
        heard
            .iter()
            .map(|h| h.json()["data"]["ticket_id"].as_i64().unwrap())
            .collect()
    };
    let heard = works.wait(2);
    assert_eq!(subjects(&heard), ids);
    let waited = heard[1].at.duration_since(hangs.wait(1)[0].at);
    assert!(waited < Duration::from_secs(5), "{waited:?}");

    // The one that failed is tried again after some seconds, under the same id, and only then comes the second.
    let heard = fails.wait(3);
    assert_eq!(subjects(&heard), [ids[0], ids[0], ids[1]]);
    assert_eq!(heard[0].header("webhook-id"), heard[1].header("webhook-id"));
    assert_ne!(heard[1].header("webhook-id"), heard[2].header("webhook-id"));
    // The one that hung is given up after its 15 seconds and comes back as well.
    let heard = hangs.wait(3);
    assert_eq!(subjects(&heard), [ids[0], ids[0], ids[1]]);
}

#[test]
fn what_was_not_acknowledged_is_sent_again_after_a_crash() {
    let mut desk = desk();
    let receiver = Receiver::start(vec![Answers::Never]);
    hook(&desk, &receiver, &["ticket.created"]);
    desk.ticket("Посреди звонка");
    receiver.wait(1);
    desk.crash();
    let heard = receiver.wait(2);
    assert_eq!(heard[0].header("webhook-id"), heard[1].header("webhook-id"));
    assert_eq!(heard[0].body, heard[1].body);
    until_so("the delivery to be noted", || {
        desk.count("select count(*) from webhook_delivery where state = 'sent'") == 1
    });
}

#[test]
fn a_test_shows_what_the_endpoint_said() {
    let desk = desk();
    let elsewhere = Receiver::start(Vec::new());
    let location: &'static str =
        format!("location: http://127.0.0.1:{}/\r\n", elsewhere.port).leak();
    let receiver = Receiver::start(vec![
        Answers::With(204, "", Vec::new()),
        Answers::With(422, "", "не то".into()),
        Answers::With(302, location, Vec::new()),
        Answers::With(200, "", vec![b'x'; 1 << 20]),
    ]);
    let made = hook(&desk, &receiver, &["ticket.created"]);
    let test = || {
        desk.alia
            .call("test_webhook", json!({ "webhook_id": made["id"] }))
    };
    let good = test();
    assert_eq!(
        (&good["state"], &good["status"]),
        (&json!("sent"), &json!(204))
    );
    assert_eq!(receiver.heard()[0].kind(), "webhook.test");
    let bad = test();
    assert_eq!(
        (&bad["state"], &bad["status"]),
        (&json!("failed"), &json!(422))
    );
    assert_eq!(bad["response"], "не то");
    let redirected = test();
    assert_eq!(
        (&redirected["state"], &redirected["status"]),
        (&json!("failed"), &json!(302))
    );
    assert!(elsewhere.heard().is_empty());
    // What it says beyond the limit is not read, but it has said that it took the call.
    let huge = test();
    assert_eq!(
        (&huge["state"], &huge["status"]),
        (&json!("sent"), &json!(200))
    );
    // A trial has no consequences.
    let listed = &desk.alia.call("list_webhooks", json!({}))[0];
    assert_eq!(
        (&listed["is_active"], &listed["queued"]),
        (&json!(true), &json!(0))
    );
    assert!(listed["failing_since"].is_null());
}

#[test]
fn an_endpoint_that_is_gone_is_switched_off_and_the_admins_are_told() {
    let desk = desk();
    let receiver = Receiver::start(vec![Answers::status(410)]);
    let made = hook(&desk, &receiver, &["ticket.created"]);
    desk.ticket("Некому сказать");
    until_so("the webhook to be switched off", || {
        desk.alia.call("list_webhooks", json!({}))[0]["is_active"] == false
    });
    let listed = desk.alia.call("list_webhooks", json!({}))[0].clone();
    assert_eq!(listed["switched_off"], "gone");
    let told = desk.alia.call("get_notifications", json!({}));
    assert_eq!(told[0]["kind"], "webhook_off");
    assert!(told[0]["text"].as_str().unwrap().contains(&receiver.url()));
    assert_eq!(desk.omar.call("notif_count", json!({}))["count"], 0);

    let delivery = desk.alia.call("list_webhook_deliveries", json!({}))["deliveries"][0].clone();
    assert_eq!(delivery["state"], "failed");
    desk.ticket("Пока отключено");
    desk.alia.call(
        "update_webhook",
        json!({ "webhook_id": made["id"], "is_active": true }),
    );
    desk.alia.call(
        "redeliver_webhook",
        json!({ "delivery_id": delivery["id"] }),
    );
    let heard = receiver.wait(2);
    assert_eq!(heard[0].header("webhook-id"), heard[1].header("webhook-id"));
    assert_eq!(
        desk.alia.call("list_webhook_deliveries", json!({}))["total"],
        1
    );
}

#[test]
fn a_private_target_is_refused_when_it_is_set_and_when_it_is_called() {
    let mut desk = desk();
    let receiver = Receiver::start(Vec::new());
    hook(&desk, &receiver, &["ticket.created"]);
    desk.arguments.truncate(2);
    desk.crash();
    for url in [
        receiver.url(),
        format!("http://localhost:{}/", receiver.port),
        format!("http://[::1]:{}/", receiver.port),
        format!("http://2130706433:{}/", receiver.port),
        "http://10.0.0.1/".to_owned(),
        "http://169.254.169.254/latest".to_owned(),
    ] {
        let reply = desk.alia.ask(
            "create_webhook",
            &json!({ "url": url, "events": ["ticket.created"] }),
        );
        assert_eq!(
            (reply.status, reply.code()),
            (400, "invalid_parameter".into()),
            "{url}"
        );
        assert_eq!(reply.json()["field"], "url");
    }
    for url in [
        "ftp://a.example/",
        "https://",
        "nonsense",
        "https://u:p@a.example/",
    ] {
        let body = json!({ "url": url, "events": ["ticket.created"] });
        assert_eq!(
            desk.alia.refused("create_webhook", body),
            (400, "invalid_parameter".into()),
            "{url}"
        );
    }
    desk.ticket("Никому");
    let failed = until("the call to fail", || {
        let log = desk.alia.call("list_webhook_deliveries", json!({}));
        let delivery = log["deliveries"][0].clone();
        (delivery["attempts"] == 1).then_some(delivery)
    });
    assert!(
        failed["error"]
            .as_str()
            .unwrap()
            .contains("private network"),
        "{failed}"
    );
    assert!(failed["response"].is_null());
    assert!(receiver.heard().is_empty());
}

#[test]
fn a_key_needs_its_scopes_and_another_tenant_sees_nothing() {
    let (desk, receiver) = (desk(), Receiver::start(Vec::new()));
    let made = hook(&desk, &receiver, &["ticket.created"]);
    let id = json!({ "webhook_id": made["id"] });
    let reads = desk.key_of("acme", "read,webhooks");
    assert_eq!(reads.call("list_webhooks", json!({}))[0]["id"], made["id"]);
    assert_eq!(
        reads.refused("test_webhook", id.clone()),
        (403, "missing_scope".into())
    );
    let plain = desk.key_of("acme", "read,write");
    assert_eq!(
        plain.refused("list_webhooks", json!({})),
        (403, "missing_scope".into())
    );
    assert_eq!(
        desk.omar.refused("list_webhooks", json!({})),
        (403, "role_required".into())
    );
    for action in [
        "update_webhook",
        "delete_webhook",
        "test_webhook",
        "list_webhook_deliveries",
    ] {
        assert_eq!(
            desk.greta.refused(action, id.clone()),
            (400, "webhook_not_found".into()),
            "{action}"
        );
        assert_eq!(
            desk.alia.refused(action, json!({ "webhook_id": 999 })),
            (400, "webhook_not_found".into())
        );
    }
    assert_eq!(
        desk.greta
            .refused("redeliver_webhook", json!({ "delivery_id": 1 })),
        (400, "delivery_not_found".into())
    );
    let bad = json!({ "url": receiver.url(), "events": ["ticket.exploded"] });
    assert_eq!(
        desk.alia.refused("create_webhook", bad),
        (400, "invalid_parameter".into())
    );
    let weak = json!({ "url": receiver.url(), "events": ["ticket.created"], "secret": "short" });
    assert_eq!(
        desk.alia.refused("create_webhook", weak),
        (400, "invalid_parameter".into())
    );
    assert_eq!(desk.alia.call("delete_webhook", id)["deleted"], true);
}
