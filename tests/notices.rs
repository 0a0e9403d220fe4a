//! Mails that belong to no ticket: the way back into an account, and invitations.
use crate::support::{
    Caller, Desk,
    desk::PASSWORD,
    post::desk_with_mail,
    tray::{Mood, Taken},
    until_so,
};
use serde_json::json;

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
