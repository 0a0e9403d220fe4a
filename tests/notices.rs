//! Mails that belong to no ticket: the way back into an account, and invitations.
use crate::support::{
    Caller, Desk,
    desk::PASSWORD,
    post::desk_with_mail,
    tray::{Mood, Taken},
    until_so,
};
use serde_json::json;
use std::{thread, time::Duration};

/// The token of the link in a mail, and the whole link.
fn link(mail: &Taken) -> (String, String) {
    let text = mail.text();
    let url = text
        .split_whitespace()
        .find(|word| word.contains("token="))
        .expect("a link");
    let token = url.split_once("token=").unwrap().1;
    (token.to_owned(), url.to_owned())
}

#[test]
fn a_forgotten_password_is_set_by_the_link_that_was_mailed() {
    let (desk, tray) = desk_with_mail();
    let nobody = desk.nobody();
    let ask = |login: &str| {
        nobody
            .header("host", "evil.example")
            .ask("request_password_reset", &json!({ "login": login }))
    };
    let known = ask("Omar@acme.example");
    assert_eq!((known.status, known.data()), (200, json!({ "done": true })));
    let mail = tray.nth(1);
    assert_eq!(mail.to, ["omar@acme.example"]);
    assert_eq!(mail.from, "", "what bounces comes back to nobody");
    assert_eq!(mail.subject(), "Новый пароль");
    let raw = String::from_utf8_lossy(&mail.raw).into_owned();
    assert!(raw.contains("Auto-Submitted: auto-generated"), "{raw}");
    let (token, url) = link(&mail);
    assert!(
        url.starts_with(&format!(
            "http://{}/tenant.html#/password?",
            nobody.address()
        )),
        "{url}"
    );
    let set = |token: &str| {
        let body = json!({ "token": token, "password": "a better password" });
        nobody.ask("reset_password", &body)
    };
    assert_eq!(set(&token).data()["operator"]["email"], "omar@acme.example");
    // The link is used up, the old password and the old session are gone, and the new one opens.
    assert_eq!(set(&token).code(), "link_invalid");
    let old = json!({ "login": "omar@acme.example", "password": PASSWORD });
    assert_eq!(nobody.refused("admin_login", old).1, "login_failed");
    assert_eq!(desk.omar.refused("me", json!({})).1, "session_expired");
    Caller::sign_in(&desk.address(), "omar@acme.example", "a better password")
        .call("me", json!({}));
    // Whose account it is hears of it.
    assert_eq!(tray.nth(2).subject(), "Пароль изменён");
    // What is done keeps no secret.
    until_so("the notices to be done", || {
        desk.count("select count(*) from notice where state = 'sent' and variables is null") == 2
    });
}

#[test]
fn an_unknown_login_is_answered_alike_and_nobody_is_flooded() {
    let (desk, tray) = desk_with_mail();
    let ask = |login: &str| {
        let body = json!({ "login": login });
        desk.nobody().ask("request_password_reset", &body)
    };
    let unknown = ask("nobody@acme.example");
    let mut replies = vec![];
    for _ in 0..8 {
        replies.push(ask("saule@acme.example"));
    }
    assert_eq!(unknown.text(), replies[0].text());
    let slowed = replies.iter().find(|reply| reply.status == 429);
    assert!(
        slowed
            .expect("asking is slowed down")
            .header("retry-after")
            .is_some()
    );
    until_so("the links to be sent", || {
        desk.count("select count(*) from notice where state = 'queued'") == 0
    });
    assert_eq!(tray.taken().len(), 3);
    assert_eq!(
        desk.count("select count(*) from notice where recipient <> 'saule@acme.example'"),
        0
    );
}

#[test]
fn without_a_mail_channel_no_link_is_made() {
    let desk = Desk::open();
    let body = json!({ "login": "omar@acme.example" });
    assert_eq!(
        desk.nobody().call("request_password_reset", body),
        json!({ "done": true })
    );
    assert_eq!(desk.count("select count(*) from notice"), 0);
    assert_eq!(desk.count("select count(*) from access_link"), 0);
}

#[test]
fn an_invitation_is_mailed_and_told_to_the_admin() {
    let (desk, tray) = desk_with_mail();
    let body = json!({ "name": "Данияр", "email": "daniyar@acme.example" });
    let added = desk.alia.call("add_operator", body);
    assert_eq!(added["invitation_sent"], true);
    let mail = tray.nth(1);
    assert_eq!(mail.subject(), "Приглашение в «acme»");
    assert!(mail.text().contains("Алия Нурбекова"), "{}", mail.text());
    let (token, url) = link(&mail);
    assert_eq!(added["invitation_url"], url);
    // Asking for a new password does not take the invitation away.
    desk.nobody().call(
        "request_password_reset",
        json!({ "login": "daniyar@acme.example" }),
    );
    let body = json!({ "token": token, "password": "a good password" });
    let signed_in = desk.nobody().call("reset_password", body);
    assert_eq!(signed_in["operator"]["name"], "Данияр");
    assert_eq!(desk.count("select count(*) from access_link"), 0);
}

#[test]
fn a_notice_outlives_a_mail_server_that_is_away_and_a_crash() {
    let (mut desk, mut tray) = desk_with_mail();
    tray.go_away();
    let body = json!({ "name": "Данияр", "email": "daniyar@acme.example" });
    desk.alia.call("add_operator", body);
    until_so("a failed attempt", || {
        desk.count("select count(*) from notice where state = 'queued' and attempts > 0") == 1
    });
    tray.come_back();
    desk.crash();
    assert_eq!(tray.nth(1).to, ["daniyar@acme.example"]);
    // An address that is refused for good is not tried again.
    tray.be(Mood::Refuse("550 no such user"));
    let body = json!({ "name": "Ерлан", "email": "erlan@acme.example" });
    desk.alia.call("add_operator", body);
    until_so("the refusal", || {
        desk.count("select count(*) from notice where state = 'failed' and variables is null") == 1
    });
    desk.check();
}

#[test]
fn what_an_operator_wants_at_once_is_mailed_together_and_what_they_have_read_is_not() {
    let (desk, tray) = desk_with_mail();
    desk.omar.call(
        "save_notification_settings",
        json!({ "kinds": [
            { "kind": "assigned", "in_desk": true, "by_mail": "now" },
            { "kind": "mention", "in_desk": false, "by_mail": "now" },
        ] }),
    );
    let omar = desk.omar.call("me", json!({}))["operator"]["id"].clone();
    let id = desk.ticket("Касса не печатает");
    desk.alia.call(
        "reassign_ticket",
        json!({ "ticket_id": id, "assigned_to": omar }),
    );
    desk.alia.call(
        "add_message",
        json!({ "ticket_id": id, "message": "@Омар, позвони им", "is_note": true }),
    );
    let mail = tray.nth(1);
    assert_eq!(mail.to, ["omar@acme.example"]);
    assert_eq!(mail.subject(), format!("#{id} Касса не печатает"));
    let text = mail.text();
    assert!(text.contains("заявка назначена вам"), "{text}");
    assert!(text.contains("упоминает вас в заметке"), "{text}");
    assert!(text.contains(&format!("/tenant.html#/t/{id}")), "{text}");
    assert!(!text.contains("позвони им"), "{text}");
    // What is only mailed does not count in the desk.
    assert_eq!(desk.omar.call("notif_count", json!({}))["count"], 1);
    // In the quiet hours nothing goes; what is read meanwhile is not mailed after them.
    desk.alia
        .call("save_settings", json!({ "timezone": "UTC" }));
    let minute = desk.count("select max(created_at) / 60000 from ticket");
    let clock = |minute: i64| format!("{:02}:{:02}", minute / 60 % 24, minute % 60);
    desk.omar.call(
        "save_notification_settings",
        json!({ "quiet": { "from": clock(minute + 1380), "to": clock(minute + 60) } }),
    );
    let other = desk.ticket("Сканер");
    desk.alia.call(
        "reassign_ticket",
        json!({ "ticket_id": other, "assigned_to": omar }),
    );
    thread::sleep(Duration::from_secs(6));
    let waiting = "select count(*) from notification where mail is not null";
    assert_eq!(desk.count(waiting), 1);
    desk.omar.call("mark_notifications_read", json!({}));
    assert_eq!(desk.count(waiting), 0);
    assert_eq!(tray.taken().len(), 1);
}

#[test]
fn followers_hear_of_answers_on_both_sides_and_of_nothing_they_did_themselves() {
    let desk = Desk::open();
    let client = desk.client("client.example", 7, "Иван");
    let ticket = client.call(
        "create_ticket",
        json!({ "subject": "Касса", "description": "Не печатает" }),
    );
    let id = &ticket["id"];
    desk.saule.call("follow_ticket", json!({ "ticket_id": id }));
    desk.omar.call("take_ticket", json!({ "ticket_id": id }));
    desk.omar.call(
        "add_message",
        json!({ "ticket_id": id, "message": "Смотрю" }),
    );
    desk.saule
        .call("add_message", json!({ "ticket_id": id, "message": "И я" }));
    client.call("add_message", json!({ "ticket_id": id, "message": "Ау" }));
    let told = |caller: &Caller| -> Vec<String> {
        let list = caller.call("get_notifications", json!({}));
        list.as_array()
            .unwrap()
            .iter()
            .map(|n| n["text"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        told(&desk.saule),
        ["New message from Иван", "New message from Омар Сеитов"]
    );
    assert_eq!(told(&desk.omar), ["New message from Иван"]);
}
