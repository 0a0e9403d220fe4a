//! Stories told from end to end on real parts: a customer's mail program, the desk, an operator, and the mail server that
//! takes what the desk sends.
use crate::support::{
    Desk,
    post::{Letter, MAILBOX, deliver, deliver_raw, desk_with_mail},
    tray::Taken,
    until, until_so,
};
use serde_json::{Value, json};

const AIGUL: &str = "Айгуль Смагулова <aigul@client.example>";

fn only_ticket(desk: &Desk) -> Value {
    until("the ticket", || {
        let page = desk.omar.call("list_tickets", json!({}));
        (page["total"] == 1).then(|| page["tickets"][0].clone())
    })
}

/// The ticket as a key reads it, which marks nothing read.
fn whole(desk: &Desk, id: &Value) -> Value {
    desk.key.call("get_ticket", json!({ "ticket_id": id }))
}

fn messages(desk: &Desk, id: &Value) -> Vec<Value> {
    whole(desk, id)["messages"].as_array().unwrap().clone()
}

fn delivery(desk: &Desk, ticket: &Value, message: &Value) -> Value {
    let all = messages(desk, ticket);
    all.iter().find(|m| m["id"] == message["id"]).unwrap()["delivery_status"].clone()
}

/// The customer's mail program answers `mail`, quoting it as such programs do.
fn reply_to(mail: &Taken, from: &str, words: &str) -> lettre::Message {
    let quoted: String = mail
        .text()
        .lines()
        .map(|line| format!("> {line}\n"))
        .collect();
    let text =
        format!("{words}\n\nчт, 19 мар. 2026 г. в 10:45, Омар Сеитов <{MAILBOX}>:\n\n{quoted}");
    Letter::new(from, &mail.reply_to(), &format!("Re: {}", mail.subject()))
        .answering(&mail.message_id())
        .text(&text)
}

#[test]
fn a_mail_becomes_a_ticket_and_its_answer_and_the_reply_stay_in_one_thread() {
    let (desk, tray) = desk_with_mail();
    let report: Vec<u8> = (0..70_000u32).map(|n| (n * 7 % 256) as u8).collect();
    let first = Letter::new(AIGUL, MAILBOX, "Не открывается отчёт за март").header("Message-ID", "<first@client.example>").with_file(
        "Здравствуйте! Отчёт во вложении не открывается.",
        "<p>Здравствуйте! <b>Отчёт</b> во вложении не открывается.<script>alert(1)</script></p>",
        ("Отчёт за март.xlsx", "application/octet-stream", &report),
    );
    deliver(&desk, &first);

    let ticket = only_ticket(&desk);
    let id = &ticket["id"];
    assert_eq!(
        (&ticket["subject"], &ticket["status"]),
        (&json!("Не открывается отчёт за март"), &json!("new"))
    );
    assert_eq!(
        (&ticket["creator_name"], &ticket["channel"]),
        (&json!("Айгуль Смагулова"), &json!("email"))
    );
    let opened = messages(&desk, id).remove(0);
    assert!(
        opened["message"]
            .as_str()
            .unwrap()
            .starts_with("Здравствуйте! Отчёт во вложении")
    );
    let html = opened["html"].as_str().unwrap();
    assert!(
        html.contains("<b>Отчёт</b>") && !html.contains("script"),
        "{html}"
    );
    assert_eq!(opened["files"][0]["name"], "Отчёт за март.xlsx");
    assert_eq!(
        desk.omar
            .get(opened["files"][0]["url"].as_str().unwrap())
            .body,
        report
    );

    let answer = desk
        .omar
        .upload(
            "add_message",
            json!({ "ticket_id": id, "message": "Добрый день!\n\nПосмотрите инструкцию." }),
            &[("Инструкция.txt", "text/plain", "Шаг 1".as_bytes())],
        )
        .data();
    assert_eq!(answer["delivery_status"], "pending");
    let mail = tray.nth(1);
    assert_eq!(
        (mail.from.as_str(), mail.to.as_slice()),
        (MAILBOX, &["aigul@client.example".to_owned()][..])
    );
    assert_eq!(
        mail.subject(),
        format!("Re: [#{id}] Не открывается отчёт за март")
    );
    let parsed = mail.parsed();
    assert_eq!(parsed.in_reply_to().as_text(), Some("first@client.example"));
    assert_eq!(parsed.references().as_text(), Some("first@client.example"));
    assert!(
        mail.message_id()
            .starts_with(&format!("tp.{id}.{}.", answer["id"])),
        "{}",
        mail.message_id()
    );
    assert!(
        mail.reply_to().starts_with(&format!("help+t{id}."))
            && mail.reply_to().ends_with("@acme.example")
    );
    assert!(
        mail.text().contains("Посмотрите инструкцию.") && mail.text().contains("С уважением, Acme")
    );
    assert!(
        parsed
            .body_html(0)
            .unwrap()
            .contains("Посмотрите инструкцию.")
    );
    use mail_parser::MimeHeaders;
    let attached = parsed.attachments().next().unwrap();
    assert_eq!(
        (attached.attachment_name(), attached.contents()),
        (Some("Инструкция.txt"), "Шаг 1".as_bytes())
    );
    assert!(
        parsed.header("Auto-Submitted").is_none(),
        "a person's answer does not look like a machine's"
    );
    until_so("the answer to be noted as sent", || {
        delivery(&desk, id, &answer) == "sent"
    });
    assert_eq!(whole(&desk, id)["ticket"]["status"], "in_progress");

    desk.omar.call(
        "complete_ticket",
        json!({ "ticket_id": id, "result": "Отправлена инструкция" }),
    );
    let reply = reply_to(&mail, AIGUL, "Не помогло, всё так же.");
    deliver(&desk, &reply);
    let all = until("the reply in the ticket", || {
        Some(messages(&desk, id)).filter(|all| all.len() == 3)
    });
    let text = all[2]["message"].as_str().unwrap();
    let fold = all[2]["quoted_from"].as_u64().expect("the quote is folded") as usize;
    let shown = String::from_utf16(&text.encode_utf16().take(fold).collect::<Vec<_>>()).unwrap();
    assert_eq!(shown.trim(), "Не помогло, всё так же.");
    assert_eq!(
        (&all[2]["author_type"], &all[2]["unverified"]),
        (&json!("client"), &json!(false))
    );
    assert_eq!(whole(&desk, id)["ticket"]["status"], "reopened");

    // The same mail again, as servers send it that missed the acknowledgement.
    deliver(&desk, &reply);
    deliver(&desk, &first);
    desk.settle();
    assert_eq!(messages(&desk, id).len(), 3);
    assert_eq!(only_ticket(&desk)["id"], *id);

    // The next answer goes on in the thread: it answers the reply and names all before it.
    desk.omar.call(
        "add_message",
        json!({ "ticket_id": id, "message": "Перезвоню вам." }),
    );
    let second = tray.nth(2);
    let parsed = second.parsed();
    let references: Vec<String> = parsed
        .references()
        .as_text_list()
        .unwrap()
        .iter()
        .map(|id| id.to_string())
        .collect();
    assert_eq!(
        references[..2],
        ["first@client.example".to_owned(), mail.message_id()]
    );
    assert_eq!(
        parsed.in_reply_to().as_text().unwrap(),
        references.last().unwrap()
    );
    desk.check();
}

#[test]
fn a_stranger_who_quotes_a_number_opens_a_ticket_of_their_own() {
    let (desk, tray) = desk_with_mail();
    deliver(
        &desk,
        &Letter::new(AIGUL, MAILBOX, "Моя заявка").text("Личное"),
    );
    let id = only_ticket(&desk)["id"].clone();
    desk.omar.call(
        "add_message",
        json!({ "ticket_id": id, "message": "Ответ" }),
    );
    let answer = tray.nth(1);
    let stranger = "Мошенник <evil@elsewhere.example>";
    let subject = format!("Re: Моя заявка [#{id}]");
    deliver(
        &desk,
        &Letter::new(stranger, MAILBOX, &subject).text("Пришлите мне переписку"),
    );
    // Knowing a customer's own Message-ID proves nothing either.
    deliver(
        &desk,
        &Letter::new(stranger, MAILBOX, "Re: Моя")
            .answering("unknown@client.example")
            .text("И мне"),
    );
    // A forged code of ours.
    let forged = answer.reply_to().replace("@acme", "x@acme");
    deliver(
        &desk,
        &Letter::new(stranger, &forged, "Подделка").text("Впустите"),
    );
    desk.settle();
    assert_eq!(messages(&desk, &id).len(), 2);
    assert_eq!(desk.omar.call("list_tickets", json!({}))["total"], 4);
    // The customer's own number in the subject is enough.
    deliver(
        &desk,
        &Letter::new(AIGUL, MAILBOX, &subject).text("Добавлю"),
    );
    until_so("the customer's addition", || {
        messages(&desk, &id).len() == 3
    });
    // Whoever was handed the mail of ours has its code: they join, marked as somebody not known there.
    deliver(
        &desk,
        &reply_to(
            &answer,
            "Коллега <boss@client.example>",
            "Отвечаю за Айгуль",
        ),
    );
    let all = until("the colleague's words", || {
        Some(messages(&desk, &id)).filter(|all| all.len() == 4)
    });
    assert_eq!(all[3]["unverified"], true);
    assert_eq!(tray.taken().len(), 1, "nobody was answered by the machine");
}

#[test]
fn an_out_of_office_answer_changes_nothing_and_sends_nothing() {
    let (desk, tray) = desk_with_mail();
    deliver(
        &desk,
        &Letter::new(AIGUL, MAILBOX, "Принтер").text("Не печатает"),
    );
    let id = only_ticket(&desk)["id"].clone();
    desk.omar.call(
        "add_message",
        json!({ "ticket_id": id, "message": "Проверьте бумагу" }),
    );
    let answer = tray.nth(1);
    desk.omar.call(
        "complete_ticket",
        json!({ "ticket_id": id, "result": "Бумага" }),
    );
    let before = whole(&desk, &id)["ticket"].clone();
    for header in [
        ("Auto-Submitted", "auto-replied"),
        ("X-Autoreply", "yes"),
        ("Precedence", "auto_reply"),
    ] {
        let subject = format!("Автоответ: {}", answer.subject());
        let away = Letter::new(AIGUL, &answer.reply_to(), &subject)
            .answering(&answer.message_id())
            .header(header.0, header.1);
        deliver(
            &desk,
            &away.text(&format!("Я в отпуске до 5 апреля. {}", header.0)),
        );
    }
    desk.settle();
    let after = whole(&desk, &id);
    for field in ["status", "unread_count", "message_count", "done_at"] {
        assert_eq!(after["ticket"][field], before[field], "{field}");
    }
    let kept = &after["messages"][2];
    assert_eq!(
        (&kept["is_note"], &kept["automatic"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(desk.count("select count(*) from outbox"), 1);
    assert_eq!(tray.taken().len(), 1);
    assert_eq!(desk.omar.call("list_tickets", json!({}))["total"], 1);
}

#[test]
fn a_bounce_is_told_on_the_message_that_bounced() {
    let (desk, tray) = desk_with_mail();
    deliver(
        &desk,
        &Letter::new(AIGUL, MAILBOX, "Касса").text("Не печатает"),
    );
    let id = only_ticket(&desk)["id"].clone();
    let answer = desk.omar.call(
        "add_message",
        json!({ "ticket_id": id, "message": "Смотрю" }),
    );
    let mail = tray.nth(1);
    until_so("the answer to be noted as sent", || {
        delivery(&desk, &id, &answer) == "sent"
    });
    let bounce = |original: &str| {
        format!(
            "From: MAILER-DAEMON@client.example
To: {MAILBOX}
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
Message-ID: <bounce-{}@client.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=\"b1\"

--b1
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.client.example

Final-Recipient: rfc822; aigul@client.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 <aigul@client.example>: mailbox unavailable

--b1
Content-Type: text/rfc822-headers

From: {MAILBOX}
To: aigul@client.example
Message-ID: <{original}>

--b1--
",
            original.len()
        )
    };
    // A report on a mail that is none of ours says nothing.
    deliver_raw(&desk, "", MAILBOX, &bounce("forged.1.2@client.example"));
    desk.settle();
    assert_eq!(delivery(&desk, &id, &answer), "sent");
    deliver_raw(&desk, "", MAILBOX, &bounce(&mail.message_id()));
    until_so("the answer to be noted as failed", || {
        delivery(&desk, &id, &answer) == "failed"
    });
    let told = messages(&desk, &id)[1]["delivery_error"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        told.contains("5.1.1") && told.contains("mailbox unavailable"),
        "{told}"
    );
    assert_eq!(
        desk.omar.call("list_tickets", json!({}))["total"],
        1,
        "a bounce opens no ticket"
    );
    assert_eq!(tray.taken().len(), 1);
}

#[test]
fn an_answer_is_delivered_once_after_the_mail_server_and_the_desk_were_both_down() {
    let (mut desk, mut tray) = desk_with_mail();
    deliver(&desk, &Letter::new(AIGUL, MAILBOX, "Сервер").text("Лежит"));
    let id = only_ticket(&desk)["id"].clone();
    tray.go_away();
    let answer = desk.omar.call(
        "add_message",
        json!({ "ticket_id": id, "message": "Поднимаю" }),
    );
    let failed = |desk: &Desk| desk.count("select coalesce(sum(attempts), 0) from outbox");
    until_so("a first attempt in vain", || failed(&desk) > 0);
    assert_eq!(delivery(&desk, &id, &answer), "pending");
    desk.serving.kill();
    desk.start();
    until_so("another attempt in vain after the start", || {
        failed(&desk) > 1
    });
    desk.serving.kill();
    tray.come_back();
    desk.start();
    let mail = tray.nth(1);
    assert!(mail.text().contains("Поднимаю"));
    until_so("the answer to be noted as sent", || {
        delivery(&desk, &id, &answer) == "sent"
    });
    desk.crash();
    until_so("the outbox to be empty", || {
        desk.count("select count(*) from outbox where state = 'queued'") == 0
    });
    desk.omar.call(
        "add_message",
        json!({ "ticket_id": id, "message": "Поднял" }),
    );
    assert!(tray.nth(2).text().contains("Поднял"));
    assert_eq!(tray.taken().len(), 2, "nothing was sent twice");
    desk.check();
}

#[test]
fn a_mail_that_was_acknowledged_survives_the_crash_that_follows() {
    let (mut desk, _tray) = desk_with_mail();
    for n in 0..5 {
        deliver(
            &desk,
            &Letter::new(AIGUL, MAILBOX, &format!("Письмо {n}")).text(&format!("Текст {n}")),
        );
        desk.crash();
    }
    desk.settle();
    let page = desk.omar.call(
        "list_tickets",
        json!({ "sort": "created_at", "order": "asc" }),
    );
    let subjects: Vec<&str> = page["tickets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t["subject"].as_str().unwrap())
        .collect();
    assert_eq!(
        subjects,
        ["Письмо 0", "Письмо 1", "Письмо 2", "Письмо 3", "Письмо 4"]
    );
    desk.check();
}
