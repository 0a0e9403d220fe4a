//! What operators do with tickets beyond answering: many at once, merging and splitting, the bin, putting aside, following,
//! answers that wait, views and drafts.
use crate::support::{
    Desk, Tray,
    post::{Letter, MAILBOX, deliver, desk_with_mail},
    tray::Taken,
    until, until_so,
};
use serde_json::{Value, json};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A time so many milliseconds from now, as the wire writes it.
fn in_ms(ms: u64) -> String {
    let at = SystemTime::now() + Duration::from_millis(ms);
    let since = at.duration_since(UNIX_EPOCH).unwrap().as_millis();
    jiff::Timestamp::from_millisecond(i64::try_from(since).unwrap())
        .unwrap()
        .to_string()
}

fn whole(desk: &Desk, id: i64) -> Value {
    desk.omar.call("get_ticket", json!({ "ticket_id": id }))
}

fn texts(whole: &Value) -> Vec<String> {
    let messages = whole["messages"].as_array().unwrap().iter();
    messages
        .map(|m| m["message"].as_str().unwrap().to_owned())
        .collect()
}

fn found(desk: &Desk, body: Value) -> Vec<i64> {
    let page = desk.omar.call("list_tickets", body);
    let tickets = page["tickets"].as_array().unwrap().iter();
    tickets.map(|t| t["id"].as_i64().unwrap()).collect()
}

fn say(desk: &Desk, id: i64, text: &str) -> i64 {
    let said = desk
        .omar
        .call("add_message", json!({ "ticket_id": id, "message": text }));
    said["id"].as_i64().unwrap()
}

/// The first mail that left with these words.
fn letter_with(tray: &Tray, words: &str) -> Option<Taken> {
    let mut taken = tray.taken().into_iter();
    taken.find(|letter| letter.text().contains(words))
}

#[test]
fn a_bulk_change_answers_for_each_ticket_and_undoes_only_what_was_refused() {
    let desk = Desk::open();
    let (one, two) = (desk.ticket("Первая"), desk.ticket("Вторая"));
    desk.omar.call(
        "set_estimate",
        json!({ "ticket_id": two, "hours": 1, "description": "Работа" }),
    );
    let outcomes = desk.omar.call(
        "bulk_update_tickets",
        json!({ "ticket_ids": [one, two, 999, one], "priority": "urgent", "status": "done", "tags": ["касса"] }),
    );
    let told: Vec<(i64, bool, &str)> = outcomes
        .as_array()
        .unwrap()
        .iter()
        .map(|o| {
            let code = o["code"].as_str().unwrap_or_default();
            (o["id"].as_i64().unwrap(), o["ok"].as_bool().unwrap(), code)
        })
        .collect();
    assert_eq!(
        told,
        [
            (one, true, ""),
            (two, false, "illegal_transition"),
            (999, false, "ticket_not_found"),
        ]
    );
    let of = |id| whole(&desk, id)["ticket"].clone();
    assert_eq!(
        (&of(one)["status"], &of(one)["priority"]),
        (&json!("done"), &json!("urgent"))
    );
    assert_eq!(
        (&of(two)["status"], &of(two)["priority"]),
        (&json!("estimated"), &json!("normal"))
    );
    assert_eq!(of(two)["tags"], json!([]));
    assert_eq!(
        desk.omar
            .refused("bulk_update_tickets", json!({ "ticket_ids": vec![1; 501] })),
        (400, "invalid_parameter".into())
    );
    // Another tenant's tickets answer like absent ones.
    let foreign = desk.greta.call(
        "bulk_update_tickets",
        json!({ "ticket_ids": [one], "priority": "low" }),
    );
    assert_eq!(foreign[0]["code"], "ticket_not_found");
    desk.check();
}

#[test]
fn a_bulk_change_gives_and_takes_tags_and_leaves_the_others() {
    let desk = Desk::open();
    let (one, two) = (desk.ticket("Первая"), desk.ticket("Вторая"));
    let tag = |id, name| json!({ "ticket_id": id, "name": name });
    desk.omar.call("add_ticket_tag", tag(one, "касса"));
    desk.omar.call("add_ticket_tag", tag(two, "vip"));
    let names = |id| {
        let ticket = whole(&desk, id)["ticket"].clone();
        let tags = ticket["tags"].as_array().unwrap().iter();
        let names = tags.map(|tag| tag["name"].as_str().unwrap().to_owned());
        (names.collect::<Vec<_>>(), ticket["category"].clone())
    };
    let change = json!({ "ticket_ids": [one, two], "add_tags": ["срочно", "касса"], "remove_tags": ["vip", "нет такой"], "category": "crm" });
    let outcomes = desk.omar.call("bulk_update_tickets", change);
    assert!(outcomes.as_array().unwrap().iter().all(|o| o["ok"] == true));
    for id in [one, two] {
        assert_eq!(
            names(id),
            (vec!["касса".to_owned(), "срочно".to_owned()], json!("crm"))
        );
    }
    let history = whole(&desk, one)["history"].clone();
    let of_tags = history.as_array().unwrap().iter();
    let said = of_tags.filter(|e| e["kind"] == "tags").count();
    assert_eq!(
        said, 2,
        "a tag that was there is not given again: {history}"
    );
    // A name to be taken makes no tag.
    let all = desk.omar.call("list_tags", json!({}));
    assert!(!all.to_string().contains("нет такой"));
    let wrong = json!({ "ticket_ids": [one], "add_tags": ["a".repeat(201)] });
    let refusal = desk.omar.ask("bulk_update_tickets", &wrong);
    assert_eq!(refusal.status, 400);
    assert!(
        refusal.json()["field"]
            .as_str()
            .unwrap()
            .starts_with("add_tags")
    );
    desk.check();
}

#[test]
fn what_was_merged_is_one_conversation_in_order_and_closes_its_source() {
    let desk = Desk::open();
    let (source, target) = (desk.ticket("Не печатает"), desk.ticket("Принтер молчит"));
    say(&desk, target, "Смотрим");
    let moved = say(&desk, source, "Проверяем кабель");
    let uploaded = desk.omar.upload(
        "add_message",
        json!({ "ticket_id": source, "message": "Снимок" }),
        &[("a.txt", "text/plain", b"picture")],
    );
    uploaded.data();
    desk.omar
        .call("follow_ticket", json!({ "ticket_id": source }));
    desk.omar.call(
        "add_ticket_tag",
        json!({ "ticket_id": source, "name": "принтер" }),
    );
    let body = json!({ "source_id": source, "target_id": target });
    assert_eq!(
        desk.omar.refused("merge_tickets", body.clone()),
        (403, "role_required".into())
    );
    let merged = desk.saule.call("merge_tickets", body.clone());
    assert_eq!(merged["id"], target);
    let whole_target = whole(&desk, target);
    let said = texts(&whole_target);
    assert_eq!(said.len(), 5);
    assert_eq!(&said[2..], ["Смотрим", "Проверяем кабель", "Снимок"]);
    assert_eq!(whole_target["ticket"]["message_count"], 5);
    assert_eq!(whole_target["messages"][4]["files"][0]["name"], "a.txt");
    assert_eq!(whole_target["files"].as_array().unwrap().len(), 1);
    assert_eq!(
        whole_target["ticket"]["followers"][0]["name"],
        "Омар Сеитов"
    );
    assert_eq!(whole_target["ticket"]["tags"][0]["name"], "принтер");
    let gone = whole(&desk, source)["ticket"].clone();
    assert_eq!(
        (&gone["status"], &gone["merged_into"]),
        (&json!("closed"), &json!(target))
    );
    assert_eq!(gone["message_count"], 0);
    // The moved words are found in the target, under its own subject too.
    assert_eq!(found(&desk, json!({ "search": "кабель" })), [target]);
    assert_eq!(found(&desk, json!({ "search": "молчит" })), [target]);
    // The ids of messages stay.
    desk.omar.call(
        "edit_message",
        json!({ "message_id": moved, "message": "Проверили кабель" }),
    );
    assert_eq!(texts(&whole(&desk, target))[3], "Проверили кабель");

    // What is merged stays closed, cannot be merged again, and goes on where it went.
    let refusal = desk.saule.ask("merge_tickets", &body);
    assert_eq!(
        (refusal.status, refusal.code()),
        (400, "already_merged".into())
    );
    assert_eq!(refusal.json()["merged_into"], target);
    for (action, body) in [
        ("reopen_ticket", json!({ "ticket_id": source })),
        (
            "add_message",
            json!({ "ticket_id": source, "message": "Ещё" }),
        ),
    ] {
        assert_eq!(
            desk.omar.refused(action, body),
            (400, "already_merged".into()),
            "{action}"
        );
    }
    for (source, target, code) in [
        (target, target, "invalid_parameter"),
        (999, target, "ticket_not_found"),
        (target, 999, "ticket_not_found"),
    ] {
        let body = json!({ "source_id": source, "target_id": target });
        assert_eq!(
            desk.saule.refused("merge_tickets", body),
            (400, code.into())
        );
    }
    desk.check();
}

#[test]
fn one_clients_words_are_not_merged_into_anothers_ticket() {
    let desk = Desk::open();
    let (one, other) = (
        desk.client("one.kz", 1, "Асем"),
        desk.client("other.kz", 1, "Ержан"),
    );
    let open = |who: &crate::support::Caller| {
        who.call(
            "create_ticket",
            json!({ "subject": "Тема", "description": "Текст" }),
        )["id"]
            .clone()
    };
    let body = json!({ "source_id": open(&one), "target_id": open(&other) });
    assert_eq!(
        desk.saule.refused("merge_tickets", body),
        (400, "different_clients".into())
    );
    // A portal's user who writes to a ticket of theirs that was merged writes where it went on.
    let (first, second) = (open(&one), open(&one));
    desk.saule.call(
        "merge_tickets",
        json!({ "source_id": first, "target_id": second }),
    );
    let posted = one.call(
        "add_message",
        json!({ "ticket_id": first, "message": "Ну что там?" }),
    );
    assert_eq!(posted["ticket_id"], second);
    assert_eq!(
        whole(&desk, first.as_i64().unwrap())["ticket"]["status"],
        "closed"
    );
}

#[test]
fn a_mail_to_a_merged_ticket_lands_where_it_went_on_through_any_number_of_merges() {
    let (desk, tray) = desk_with_mail();
    let mailed = |subject: &str| {
        deliver(
            &desk,
            &Letter::new("Айгуль <aigul@client.example>", MAILBOX, subject).text("Помогите"),
        );
        until("the ticket", || {
            found(&desk, json!({ "search": subject })).first().copied()
        })
    };
    let first = mailed("Телефония");
    say(&desk, first, "Какой номер не отвечает?");
    let letter = until("the answer", || letter_with(&tray, "Какой номер"));
    let (second, third) = (desk.ticket("Звонки"), desk.ticket("Связь"));
    desk.saule.call(
        "merge_tickets",
        json!({ "source_id": first, "target_id": second }),
    );
    desk.saule.call(
        "merge_tickets",
        json!({ "source_ids": [second], "target_id": third }),
    );
    let reply = Letter::new(
        "Айгуль <aigul@client.example>",
        &letter.reply_to(),
        "Re: Телефония",
    )
    .answering(&letter.message_id())
    .text("Номер 105");
    deliver(&desk, &reply);
    until_so("the reply", || {
        texts(&whole(&desk, third)).iter().any(|t| t == "Номер 105")
    });
    for merged in [first, second] {
        let ticket = whole(&desk, merged)["ticket"].clone();
        assert_eq!(
            (&ticket["status"], &ticket["merged_into"]),
            (&json!("closed"), &json!(third))
        );
    }
    desk.check();
}

#[test]
fn a_ticket_is_split_from_a_message_on() {
    let desk = Desk::open();
    let asem = desk.client("split.kz", 5, "Асем");
    let id = asem.call(
        "create_ticket",
        json!({ "subject": "Две беды", "description": "Касса" }),
    )["id"]
        .as_i64()
        .unwrap();
    say(&desk, id, "Чиним кассу");
    let second = asem.call(
        "add_message",
        json!({ "ticket_id": id, "message": "И ещё сканер" }),
    );
    let second = second["id"].clone();
    say(&desk, id, "Смотрим сканер");
    let first = whole(&desk, id)["messages"][0]["id"].clone();
    let refused = desk
        .saule
        .ask("split_ticket", &json!({ "message_id": first }));
    assert_eq!(
        (refused.status, refused.code()),
        (400, "invalid_parameter".into())
    );
    let made = desk.saule.call(
        "split_ticket",
        json!({ "message_id": second, "subject": "Сканер" }),
    );
    let made = made["id"].as_i64().unwrap();
    assert_eq!(texts(&whole(&desk, id)), ["Касса", "Чиним кассу"]);
    let new = whole(&desk, made);
    assert_eq!(texts(&new), ["И ещё сканер", "Смотрим сканер"]);
    assert_eq!(
        (&new["ticket"]["subject"], &new["ticket"]["status"]),
        (&json!("Сканер"), &json!("in_progress"))
    );
    assert_eq!(new["messages"][0]["id"], second);
    // Its client sees both.
    assert_eq!(asem.call("list_tickets", json!({}))["total"], 2);
    assert_eq!(found(&desk, json!({ "search": "сканер" })), [made]);
    desk.check();
}

#[test]
fn a_ticket_in_the_bin_is_found_nowhere_and_comes_back_whole() {
    let desk = Desk::open();
    let asem = desk.client("bin.kz", 5, "Асем");
    let id = asem.call(
        "create_ticket",
        json!({ "subject": "Выбросить", "description": "Мусор" }),
    )["id"]
        .as_i64()
        .unwrap();
    let message = say(&desk, id, "Ответ");
    let body = json!({ "ticket_id": id });
    assert_eq!(
        desk.omar.refused("delete_ticket", body.clone()),
        (403, "role_required".into())
    );
    assert_eq!(
        desk.greta.refused("delete_ticket", body.clone()),
        (400, "ticket_not_found".into())
    );
    assert_eq!(
        desk.saule.call("delete_ticket", body.clone()),
        json!({ "id": id, "deleted": true })
    );
    let nowhere = (400, "ticket_not_found".to_owned());
    assert_eq!(desk.omar.refused("get_ticket", body.clone()), nowhere);
    assert_eq!(asem.refused("get_ticket", body.clone()), nowhere);
    assert_eq!(desk.saule.refused("delete_ticket", body.clone()), nowhere);
    assert_eq!(
        desk.omar.refused(
            "edit_message",
            json!({ "message_id": message, "message": "x" })
        ),
        (400, "message_not_found".into())
    );
    for search in [
        json!({}),
        json!({ "search": "мусор" }),
        json!({ "search": format!("#{id}") }),
    ] {
        assert_eq!(found(&desk, search), Vec::<i64>::new());
    }
    assert_eq!(asem.call("list_tickets", json!({}))["total"], 0);
    assert_eq!(desk.omar.call("ticket_counts", json!({}))["all"], 0);
    let bin = desk.saule.call("list_deleted_tickets", json!({}));
    assert_eq!(
        (&bin["total"], &bin["tickets"][0]["id"]),
        (&json!(1), &json!(id))
    );
    assert_eq!(bin["tickets"][0]["deleted_by_name"], "Сауле Ахметова");
    assert_eq!(
        desk.omar.refused("list_deleted_tickets", json!({})),
        (403, "role_required".into())
    );

    let back = desk.saule.call("restore_ticket", body.clone());
    assert_eq!(back["subject"], "Выбросить");
    assert_eq!(texts(&whole(&desk, id)), ["Мусор", "Ответ"]);
    assert_eq!(found(&desk, json!({ "search": "мусор" })), [id]);
    assert_eq!(desk.saule.refused("restore_ticket", body), nowhere);

    let outcomes = desk
        .saule
        .call("bulk_delete_tickets", json!({ "ticket_ids": [id, 999] }));
    assert_eq!(
        (&outcomes[0]["deleted"], &outcomes[1]["deleted"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(outcomes[1]["code"], "ticket_not_found");
    desk.check();
}

#[test]
fn a_ticket_put_aside_comes_back_by_time_or_by_its_clients_word() {
    let desk = Desk::open();
    let asem = desk.client("aside.kz", 5, "Асем");
    let open = |subject: &str| {
        asem.call(
            "create_ticket",
            json!({ "subject": subject, "description": "Текст" }),
        )["id"]
            .as_i64()
            .unwrap()
    };
    let (timed, written) = (open("По времени"), open("По ответу"));
    let past = json!({ "ticket_id": timed, "until": "2020-01-01T00:00:00Z" });
    assert_eq!(
        desk.omar.refused("snooze_ticket", past),
        (400, "invalid_parameter".into())
    );
    let until_time = in_ms(1500);
    desk.omar.call(
        "snooze_ticket",
        json!({ "ticket_id": timed, "until": until_time }),
    );
    let far = desk.omar.call(
        "snooze_ticket",
        json!({ "ticket_id": written, "until": "2099-01-01T00:00:00Z" }),
    );
    assert_eq!(far["snoozed_until"], "2099-01-01T00:00:00.000Z");
    assert_eq!(found(&desk, json!({ "snoozed": false })), Vec::<i64>::new());
    assert_eq!(
        found(
            &desk,
            json!({ "snoozed": true, "sort": "created_at", "order": "asc" })
        ),
        [timed, written]
    );
    assert_eq!(
        asem.call("get_ticket", json!({ "ticket_id": written }))["ticket"]["snoozed_until"],
        Value::Null
    );
    until_so("the time", || {
        found(&desk, json!({ "snoozed": false })) == [timed]
    });
    asem.call(
        "add_message",
        json!({ "ticket_id": written, "message": "Есть новости?" }),
    );
    assert_eq!(found(&desk, json!({ "snoozed": true })), Vec::<i64>::new());
    desk.omar.call(
        "snooze_ticket",
        json!({ "ticket_id": timed, "until": "2099-01-01T00:00:00Z" }),
    );
    assert_eq!(
        desk.omar
            .call("unsnooze_ticket", json!({ "ticket_id": timed }))["snoozed_until"],
        Value::Null
    );
    let kinds: Vec<Value> = whole(&desk, timed)["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["kind"].clone())
        .collect();
    assert_eq!(
        kinds
            .iter()
            .filter(|k| *k == "snoozed" || *k == "unsnoozed")
            .count(),
        4
    );
}

#[test]
fn who_follows_a_ticket_or_is_named_in_a_note_finds_it() {
    let desk = Desk::open();
    let (one, two) = (desk.ticket("Первая"), desk.ticket("Вторая"));
    assert_eq!(
        desk.omar.call("follow_ticket", json!({ "ticket_id": one }))["followers"][0]["name"],
        "Омар Сеитов"
    );
    assert_eq!(found(&desk, json!({ "following": true })), [one]);
    let omar = desk.omar.call("me", json!({}))["operator"]["id"].clone();
    desk.saule.call(
        "add_message",
        json!({ "ticket_id": two, "message": "@Омар глянь", "is_note": true, "mentions": [omar] }),
    );
    assert_eq!(found(&desk, json!({ "following": true })), [two, one]);
    assert_eq!(
        desk.omar
            .call("unfollow_ticket", json!({ "ticket_id": one }))["followers"],
        json!([])
    );
    let bad = json!({ "ticket_id": two, "message": "@", "is_note": true, "mentions": [999] });
    assert_eq!(
        desk.saule.refused("add_message", bad),
        (400, "operator_not_found".into())
    );
    assert_eq!(texts(&whole(&desk, two)).len(), 2);
}

#[test]
fn an_answer_is_held_before_it_leaves_and_can_be_taken_back() {
    let (desk, tray) = desk_with_mail();
    let asem = desk.client("held.kz", 5, "Асем");
    let id = asem.call(
        "create_ticket",
        json!({ "subject": "Ждём", "description": "Текст" }),
    )["id"]
        .as_i64()
        .unwrap();
    let send = |seconds: i64, text: &str| {
        desk.omar.call(
            "add_message",
            json!({ "ticket_id": id, "message": text, "undo_seconds": seconds }),
        )
    };
    let seen = || texts(&asem.call("get_ticket", json!({ "ticket_id": id }))).len();
    let held = send(30, "Не то");
    assert_eq!(held["delivery_status"], "pending");
    assert!(held["held_until"].is_string());
    assert_eq!(
        (seen(), &whole(&desk, id)["ticket"]["status"]),
        (1, &json!("new"))
    );
    let taken = desk
        .omar
        .call("withdraw_message", json!({ "message_id": held["id"] }));
    assert_eq!(taken["deleted"], true);
    assert_eq!(texts(&whole(&desk, id)), ["Текст"]);

    let held = send(1, "То");
    until_so("the answer to leave", || seen() == 2);
    let ticket = whole(&desk, id);
    assert_eq!(ticket["ticket"]["status"], "in_progress");
    assert!(ticket["ticket"]["first_response_at"].is_string());
    assert_eq!(
        desk.omar
            .refused("withdraw_message", json!({ "message_id": held["id"] })),
        (400, "already_sent".into())
    );
    assert_eq!(
        desk.omar.refused(
            "add_message",
            json!({ "ticket_id": id, "message": "x", "undo_seconds": 31 })
        ),
        (400, "invalid_parameter".into())
    );

    // One that is meant for later goes by mail too, after a restart, and comes after what was said meanwhile.
    deliver(
        &desk,
        &Letter::new("Айгуль <aigul@client.example>", MAILBOX, "Почта").text("Помогите"),
    );
    let mailed = until("the ticket", || {
        found(&desk, json!({ "search": "Почта" })).first().copied()
    });
    let body =
        json!({ "ticket_id": mailed, "message": "Утром", "send_at": "2099-01-01T06:00:00Z" });
    let later = desk.omar.call("add_message", body);
    say(&desk, mailed, "Сейчас");
    until_so("the answer of now", || {
        letter_with(&tray, "Сейчас").is_some()
    });
    assert!(letter_with(&tray, "Утром").is_none());
    let mut desk = desk;
    desk.crash();
    desk.omar
        .call("reschedule_message", json!({ "message_id": later["id"] }));
    until_so("the answer of later", || {
        letter_with(&tray, "Утром").is_some()
    });
    until_so("both to be sent", || {
        let whole = whole(&desk, mailed);
        texts(&whole) == ["Помогите", "Сейчас", "Утром"]
            && whole["messages"][2]["delivery_status"] == "sent"
    });
    desk.check();
}

#[test]
fn an_edit_keeps_the_earlier_text_until_the_message_is_deleted() {
    let desk = Desk::open();
    let id = desk.ticket("Правка");
    let message = say(&desk, id, "Первый текст");
    desk.omar.call(
        "edit_message",
        json!({ "message_id": message, "message": "Второй текст" }),
    );
    let edits = desk
        .omar
        .call("list_message_edits", json!({ "message_id": message }));
    assert_eq!(
        (&edits[0]["message"], &edits[0]["edited_by_name"]),
        (&json!("Первый текст"), &json!("Омар Сеитов"))
    );
    let earlier = |desk: &Desk| {
        let history = whole(desk, id)["history"].as_array().unwrap().clone();
        history
            .iter()
            .find(|e| e["kind"] == "message_edited")
            .unwrap()["from"]
            .clone()
    };
    assert_eq!(earlier(&desk), "Первый текст");
    desk.omar
        .call("delete_message", json!({ "message_id": message }));
    assert_eq!(earlier(&desk), Value::Null);
    let tombstone = whole(&desk, id)["messages"][1].clone();
    assert_eq!(
        (&tombstone["message"], tombstone["deleted_at"].is_string()),
        (&json!(""), true)
    );
}

#[test]
fn contacts_that_are_one_person_become_one_whom_every_address_finds() {
    let (desk, _tray) = desk_with_mail();
    let mailed = |from: &str, subject: &str| {
        deliver(&desk, &Letter::new(from, MAILBOX, subject).text("Текст"));
        until("the ticket", || {
            found(&desk, json!({ "search": subject })).first().copied()
        })
    };
    mailed("Айгуль <aigul@client.example>", "Раз");
    mailed("Айгуль <a.personal@mail.example>", "Два");
    let contact =
        |search: &str| desk.omar.call("list_contacts", json!({ "search": search }))[0].clone();
    let (work, home) = (contact("aigul@client"), contact("a.personal"));
    let merged = desk.omar.call(
        "merge_contacts",
        json!({ "source_id": home["id"], "target_id": work["id"] }),
    );
    assert_eq!(
        (&merged["other_emails"], &merged["tickets"]),
        (&json!(["a.personal@mail.example"]), &json!(2))
    );
    mailed("Кто-то <a.personal@mail.example>", "Три");
    let after = contact("a.personal");
    assert_eq!((&after["id"], &after["tickets"]), (&work["id"], &json!(3)));
    assert_eq!(found(&desk, json!({ "contact_id": work["id"] })).len(), 3);
    let taken = json!({ "name": "Другая", "email": "a.personal@mail.example" });
    assert_eq!(
        desk.omar.refused("save_contact", taken),
        (400, "already_exists".into())
    );
    for (source, target, code) in [
        (work["id"].clone(), work["id"].clone(), "invalid_parameter"),
        (home["id"].clone(), work["id"].clone(), "contact_not_found"),
    ] {
        let body = json!({ "source_id": source, "target_id": target });
        assert_eq!(
            desk.omar.refused("merge_contacts", body),
            (400, code.into())
        );
    }
    desk.check();
}

#[test]
fn ended_tokens_let_nobody_in_and_new_ones_do() {
    let desk = Desk::open();
    let (asem, erzhan) = (
        desk.client("ended.kz", 1, "Асем"),
        desk.client("ended.kz", 2, "Ержан"),
    );
    desk.omar.call(
        "revoke_client_tokens",
        json!({ "portal_domain": "ended.kz", "user_id": 1 }),
    );
    assert_eq!(
        asem.refused("me", json!({})),
        (403, "invalid_credential".into())
    );
    assert_eq!(erzhan.call("me", json!({}))["user_name"], "Ержан");
    let again = desk.client("ended.kz", 1, "Асем");
    assert_eq!(again.call("me", json!({}))["user_name"], "Асем");
    desk.omar.call(
        "revoke_client_tokens",
        json!({ "portal_domain": "ended.kz" }),
    );
    for who in [&erzhan, &again] {
        assert_eq!(
            who.refused("me", json!({})),
            (403, "invalid_credential".into())
        );
    }
    let unknown = json!({ "portal_domain": "nobody.kz" });
    assert_eq!(
        desk.omar.refused("revoke_client_tokens", unknown),
        (400, "client_not_found".into())
    );
}

#[test]
fn a_view_counts_for_whoever_looks_and_is_shared_by_supervisors_only() {
    let desk = Desk::open();
    let id = desk.ticket("Моя");
    desk.ticket("Ничья");
    desk.omar.call("take_ticket", json!({ "ticket_id": id }));
    let body =
        json!({ "name": "Мои открытые", "filter": { "status": "active", "assigned_to": "me" } });
    let view = desk.omar.call("save_view", body);
    assert_eq!(
        (&view["count"], &view["is_shared"]),
        (&json!(1), &json!(false))
    );
    let saved = json!({ "view_id": view["id"], "is_shared": true });
    assert_eq!(
        desk.omar.refused("share_view", saved.clone()),
        (403, "role_required".into())
    );
    assert_eq!(
        desk.saule.refused("share_view", saved),
        (400, "view_not_found".into())
    );
    assert_eq!(desk.saule.call("list_views", json!({})), json!([]));
    let of_saule = desk
        .saule
        .call("save_view", json!({ "name": "Все", "filter": {} }));
    let share = json!({ "view_id": of_saule["id"], "is_shared": true });
    assert_eq!(desk.saule.call("share_view", share)["is_shared"], true);
    let seen = desk.omar.call("list_views", json!({}));
    assert_eq!(
        (seen.as_array().unwrap().len(), &seen[0]["count"]),
        (2, &json!(2))
    );
    let not_his = json!({ "view_id": of_saule["id"] });
    assert_eq!(
        desk.omar.refused("delete_view", not_his),
        (400, "view_not_found".into())
    );
    let bad = json!({ "name": "x", "filter": { "assigned_to": 999 } });
    assert_eq!(
        desk.omar.refused("save_view", bad),
        (400, "operator_not_found".into())
    );
    let other = desk.omar.call("me", json!({}))["operator"]["id"].clone();
    let named =
        json!({ "view_id": view["id"], "name": "Омара", "filter": { "assigned_to": other } });
    assert_eq!(
        desk.omar.call("save_view", named)["filter"]["assigned_to"],
        other
    );
    assert_eq!(
        desk.omar
            .call("delete_view", json!({ "view_id": view["id"] }))["deleted"],
        true
    );
    assert_eq!(desk.greta.call("list_views", json!({})), json!([]));
}

#[test]
fn a_draft_waits_for_its_writer_until_it_is_sent() {
    let desk = Desk::open();
    let id = desk.ticket("Черновик");
    let save = |text: &str| {
        desk.omar.call(
            "save_draft",
            json!({ "ticket_id": id, "kind": "reply", "message": text }),
        )
    };
    save("Здрав");
    save("Здравствуйте");
    let drafts = desk.omar.call("list_drafts", json!({}));
    assert_eq!(
        (drafts.as_array().unwrap().len(), &drafts[0]["message"]),
        (1, &json!("Здравствуйте"))
    );
    assert_eq!(desk.saule.call("list_drafts", json!({})), json!([]));
    say(&desk, id, "Здравствуйте!");
    assert_eq!(desk.omar.call("list_drafts", json!({})), json!([]));
    save("Ещё");
    save(" ");
    assert_eq!(desk.omar.call("list_drafts", json!({})), json!([]));
}
