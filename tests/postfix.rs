//! The desk beside a real mail server: what it relays becomes tickets, and it takes and delivers what the desk answers.
use crate::support::{
    Desk,
    dovecot::{certificate, free_port},
    post::{Letter, MAILBOX},
    postfix::Prepared,
    until, until_so,
};
use lettre::{SmtpTransport, Transport};
use mail_parser::MessageParser;
use serde_json::json;
use std::fs;

#[test]
fn postfix_relays_to_the_desk_and_takes_its_answers() {
    let mut desk = Desk::open();
    let postfix = Prepared::new(free_port());
    let config = json!({
        "address": MAILBOX,
        "from_name": "Acme",
        "smtp": { "host": "127.0.0.1", "port": postfix.port, "security": "starttls", "ca": postfix.ca },
        "inbound": { "provider": "smtp" },
    });
    desk.alia.call(
        "create_channel",
        json!({ "type": "email", "name": "Почта", "config": config }),
    );
    // The listener offers STARTTLS once the desk has a certificate.
    let (cert, key) = certificate();
    let place = |name: &str| desk.dir.0.join(name).display().to_string();
    let (cert_file, key_file) = (place("relay-cert.pem"), place("relay-key.pem"));
    fs::write(&cert_file, cert).unwrap();
    fs::write(&key_file, key).unwrap();
    desk.restart_with(&["--tls-cert", &cert_file, "--tls-key", &key_file]);
    let postfix = postfix.start(desk.serving.smtp());

    let letter = Letter::new(
        "Айгуль <aigul@client.example>",
        MAILBOX,
        "Касса не печатает",
    );
    let relay = SmtpTransport::builder_dangerous("127.0.0.1").port(postfix.port);
    let sent = relay.build().send(&letter.text("Помогите, пожалуйста"));
    assert!(sent.unwrap().is_positive());
    until_so("the ticket", || {
        desk.count("select count(*) from ticket where subject = 'Касса не печатает'") == 1
    });
    let log = until("the relay to be noted", || {
        let log = postfix.log();
        log.contains("status=sent").then_some(log)
    });
    assert!(
        log.contains("TLS connection established to 127.0.0.1"),
        "{log}"
    );

    // The way back: the desk hands over to Postfix, which delivers.
    desk.restart_with(&[]);
    let page = desk.omar.call("list_tickets", json!({}));
    let ticket = &page["tickets"][0];
    assert_eq!(ticket["creator_name"], "Айгуль");
    let answer = json!({ "ticket_id": ticket["id"], "message": "Перезапустите кассу" });
    desk.omar.call("add_message", answer);
    let raw = postfix.delivered();
    let mail = MessageParser::default().parse(&raw).expect("a mail");
    assert!(mail.body_text(0).unwrap().contains("Перезапустите кассу"));
    assert_eq!(
        mail.from().unwrap().first().unwrap().address(),
        Some(MAILBOX)
    );
    let log = postfix.log();
    assert!(
        log.contains("TLS connection established from localhost"),
        "{log}"
    );
    until_so("the answer to be noted as sent", || {
        desk.count("select count(*) from outbox where state = 'sent'") == 1
    });
}
