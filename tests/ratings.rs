//! How a client rates the work where they wrote: by buttons, or by a link where a messenger has none.
use crate::{
    messengers::{Hook, event, path_of, telegram, update, whatsapp},
    support::{
        Desk, Peer,
        http::{self, Request},
        until, until_so,
    },
};
use rusqlite::Connection;
use serde_json::{Value, json};

/// Lets acme ask for ratings.
fn asking(desk: &Desk) {
    desk.alia
        .call("save_settings", json!({ "ask_rating": true }));
}

/// The number of the one ticket of that subject.
fn number(desk: &Desk, subject: &str) -> Value {
    desk.settle();
    let page = desk.omar.call("list_tickets", json!({ "limit": 100 }));
    let all = page["tickets"].as_array().unwrap();
    let found = all.iter().find(|ticket| ticket["subject"] == subject);
    found.unwrap_or_else(|| panic!("{all:?}"))["id"].clone()
}

fn complete(desk: &Desk, ticket: &Value) {
    let body = json!({ "ticket_id": ticket, "result": "Готово" });
    desk.omar.call("complete_ticket", body);
}

fn rating(desk: &Desk, ticket: &Value) -> Value {
    desk.settle();
    desk.omar.call("get_ticket", json!({ "ticket_id": ticket }))["ticket"]["csat"]["rating"].clone()
}

/// The question that a bot was asked to send, once it was.
fn question(peer: &Peer, chat: i64) -> Value {
    until("the question", || {
        let sent = peer
            .calls("sendMessage")
            .into_iter()
            .map(|call| call.json());
        sent.filter(|body| body["chat_id"] == chat)
            .find(|body| body["reply_markup"].is_object())
    })
}

fn buttons(question: &Value) -> Vec<Value> {
    let row = &question["reply_markup"]["inline_keyboard"][0];
    row.as_array().unwrap().clone()
}

fn press(n: i64, chat: i64, message: i64, data: &Value) -> Value {
    json!({ "update_id": n, "callback_query": {
        "id": format!("{n}"), "data": data, "chat_instance": "-1",
        "from": { "id": chat, "is_bot": false, "first_name": "Асем", "language_code": "ru" },
        "message": { "message_id": message, "date": 0, "chat": { "id": chat, "type": "private" } },
    }})
}

/// What a press was answered with.
fn told(peer: &Peer, callback: &str) -> String {
    until("the press to be answered", || {
        let mut answers = peer.calls("answerCallbackQuery").into_iter();
        let found = answers.find(|call| call.json()["callback_query_id"] == callback)?;
        Some(found.json()["text"].as_str().unwrap().to_owned())
    })
}

#[test]
fn a_button_rates_the_work_once_and_gives_way_to_a_word_of_thanks() {
    let (desk, peer, post, _) = telegram();
    asking(&desk);
    post(&desk, &update(1, 77, "Касса не печатает"));
    post(&desk, &update(2, 88, "Принтер шумит громко"));
    let id = number(&desk, "Касса не печатает");
    complete(&desk, &id);
    let asked = question(&peer, 77);
    let row = buttons(&asked);
    let labels: Vec<&Value> = row.iter().map(|button| &button["text"]).collect();
    assert_eq!(labels, ["1", "2", "3", "4", "5"]);
    assert!(asked["text"].as_str().unwrap().contains("Оцените"));
    let five = &row[4]["callback_data"];
    assert!(five.as_str().unwrap().len() <= 64, "{five}");

    // Somebody else's chat, and a rating that no button bears.
    post(&desk, &press(50, 88, 9, five));
    assert!(told(&peer, "50").contains("не действует"));
    let forged = five.as_str().unwrap().replacen(":r5.", ":r1.", 1);
    post(&desk, &press(51, 77, 9, &json!(forged)));
    assert!(told(&peer, "51").contains("не действует"));
    assert_eq!(rating(&desk, &id), Value::Null);

    post(&desk, &press(52, 77, 9, five));
    assert_eq!(told(&peer, "52"), "Спасибо! Ваша оценка: 5 из 5.");
    let edited = peer.nth("editMessageText", 1).json();
    assert_eq!(
        (&edited["message_id"], &edited["text"]),
        (&json!(9), &json!("Спасибо! Ваша оценка: 5 из 5."))
    );
    assert!(edited["reply_markup"].is_null(), "the buttons are gone");
    assert_eq!(rating(&desk, &id), 5);
    // The same press, delivered again and made again.
    post(&desk, &press(52, 77, 9, five));
    post(&desk, &press(53, 77, 9, five));
    assert!(told(&peer, "53").contains("5 из 5"));
    let told_of = "select count(*) from event where kind = 'csat_received'";
    assert_eq!(desk.count(told_of), 1);
    assert_eq!(desk.count("select count(*) from csat"), 1);
    desk.check();
}

#[test]
fn in_a_group_only_who_opened_a_ticket_rates_it() {
    let (desk, peer, post, _) = telegram();
    asking(&desk);
    let group = json!({ "id": -1_001, "title": "Линия", "type": "supergroup" });
    let said = |n: i64, by: i64, text: &str| {
        let mut update = update(n, by, text);
        update["message"]["chat"] = group.clone();
        update
    };
    let pressed = |n: i64, by: i64, data: &Value| {
        let mut press = press(n, by, 9, data);
        press["callback_query"]["message"]["chat"] = group.clone();
        press
    };
    post(&desk, &said(1, 77, "Касса не печатает"));
    post(&desk, &said(2, 88, "У меня тоже"));
    let id = number(&desk, "Касса не печатает");
    complete(&desk, &id);
    let row = buttons(&question(&peer, -1_001));
    let (one, five) = (&row[0]["callback_data"], &row[4]["callback_data"]);
    for other in [88, 99] {
        post(&desk, &pressed(other, other, one));
        assert!(told(&peer, &other.to_string()).contains("тот, кто создал"));
        assert_eq!(rating(&desk, &id), Value::Null);
    }
    post(&desk, &pressed(50, 77, five));
    assert!(told(&peer, "50").contains("5 из 5"));
    assert_eq!(rating(&desk, &id), 5);

    // In a chat of two likewise, and an estimate as well as a rating.
    post(&desk, &update(3, 66, "Нужна доработка"));
    let id = number(&desk, "Нужна доработка");
    let body = json!({ "ticket_id": id, "hours": 3, "description": "Отчёт", "cost": 45000 });
    desk.omar.call("set_estimate", body);
    let yes = question(&peer, 66)["reply_markup"]["inline_keyboard"][0][0]["callback_data"].clone();
    let mut foreign = press(51, 66, 9, &yes);
    foreign["callback_query"]["from"]["id"] = json!(77);
    post(&desk, &foreign);
    assert!(told(&peer, "51").contains("тот, кто создал"));
    post(&desk, &press(52, 66, 9, &yes));
    assert!(told(&peer, "52").contains("согласована"));
    desk.check();
}

#[test]
fn a_press_on_work_that_goes_on_again_is_refused_politely() {
    let (desk, peer, post, _) = telegram();
    asking(&desk);
    post(&desk, &update(1, 77, "Принтер не печатает ничего"));
    let id = number(&desk, "Принтер не печатает ничего");
    complete(&desk, &id);
    let row = buttons(&question(&peer, 77));
    desk.omar.call("reopen_ticket", json!({ "ticket_id": id }));
    post(&desk, &press(50, 77, 9, &row[0]["callback_data"]));
    assert!(told(&peer, "50").contains("снова в работе"));
    assert_eq!(rating(&desk, &id), Value::Null);
    // Done once more, it is asked once more, and the old buttons lead nowhere.
    complete(&desk, &id);
    until_so("another question", || {
        let sent = peer.calls("sendMessage").into_iter();
        sent.filter(|call| call.json()["reply_markup"].is_object())
            .count()
            == 2
    });
    post(&desk, &press(51, 77, 9, &row[0]["callback_data"]));
    assert!(told(&peer, "51").contains("снова в работе"));
    assert_eq!(rating(&desk, &id), Value::Null);
}

/// Moves what was rated so many hours back.
fn hours_pass(desk: &Desk, hours: i64) {
    let db = Connection::open(desk.dir.database()).unwrap();
    db.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    let moved = db.execute(
        "update csat set created_at = created_at - ?1 * 3600000, updated_at = updated_at - ?1 * 3600000",
        [hours],
    );
    assert_eq!(moved.unwrap(), 1);
}

#[test]
fn a_rating_may_be_changed_for_a_day_and_a_later_press_is_thanked_and_changes_nothing() {
    let (desk, peer, post, _) = telegram();
    asking(&desk);
    post(&desk, &update(1, 77, "Терминал завис"));
    let id = number(&desk, "Терминал завис");
    complete(&desk, &id);
    let row = buttons(&question(&peer, 77));
    let stars = |n: usize| &row[n - 1]["callback_data"];
    post(&desk, &press(50, 77, 9, stars(2)));
    assert!(told(&peer, "50").contains("2 из 5"));
    hours_pass(&desk, 23);
    post(&desk, &press(51, 77, 9, stars(4)));
    assert!(told(&peer, "51").contains("4 из 5"));
    assert_eq!(rating(&desk, &id), 4);
    hours_pass(&desk, 2);
    // The button that was pressed before and another one, a day after the first word.
    post(&desk, &press(52, 77, 9, stars(4)));
    assert!(told(&peer, "52").contains("4 из 5"));
    post(&desk, &press(53, 77, 9, stars(1)));
    assert_eq!(told(&peer, "53"), "Вы уже оценили эту работу. Спасибо!");
    assert_eq!(rating(&desk, &id), 4);
    assert_eq!(desk.count("select count(*) from csat"), 1);
    let received = "select count(*) from event where kind = 'csat_received'";
    assert_eq!(desk.count(received), 2);

    // Work that was done once more is rated by its own buttons, and the first rating stays with the first work.
    desk.omar.call("reopen_ticket", json!({ "ticket_id": id }));
    post(&desk, &press(54, 77, 9, stars(5)));
    assert!(told(&peer, "54").contains("снова в работе"));
    complete(&desk, &id);
    let again = until("another question", || {
        let sent = peer.calls("sendMessage").into_iter();
        let mut asked = sent.map(|call| call.json());
        asked.find(|body| body["reply_markup"].is_object() && buttons(body)[0] != row[0])
    });
    post(
        &desk,
        &press(55, 77, 10, &buttons(&again)[2]["callback_data"]),
    );
    assert!(told(&peer, "55").contains("3 из 5"));
    assert_eq!(rating(&desk, &id), 3);
    assert_eq!(desk.count("select count(*) from csat where rating = 4"), 1);
    desk.check();
}

#[test]
fn a_ticket_in_the_bin_is_not_rated_by_its_old_buttons() {
    let (desk, peer, post, _) = telegram();
    asking(&desk);
    post(&desk, &update(1, 77, "Кофемашина не варит"));
    let id = number(&desk, "Кофемашина не варит");
    complete(&desk, &id);
    let row = buttons(&question(&peer, 77));
    desk.alia.call("delete_ticket", json!({ "ticket_id": id }));
    post(&desk, &press(50, 77, 9, &row[4]["callback_data"]));
    assert!(!told(&peer, "50").is_empty());
    assert_eq!(desk.count("select count(*) from csat"), 0);
    desk.alia.call("restore_ticket", json!({ "ticket_id": id }));
    post(&desk, &press(51, 77, 9, &row[4]["callback_data"]));
    assert!(told(&peer, "51").contains("5 из 5"));
    assert_eq!(rating(&desk, &id), 5);
}

#[test]
fn nobody_is_asked_unless_the_tenant_wants_to_know() {
    let (desk, peer, post, _) = telegram();
    post(&desk, &update(1, 77, "Касса не печатает"));
    let id = number(&desk, "Касса не печатает");
    complete(&desk, &id);
    desk.omar.call(
        "add_message",
        json!({ "ticket_id": id, "message": "Всё готово" }),
    );
    assert_eq!(peer.nth("sendMessage", 1).json()["text"], "Всё готово");
    assert_eq!(
        desk.count("select count(*) from outbox where kind = 'say'"),
        0
    );
}

#[test]
fn max_asks_by_buttons_and_takes_them_away() {
    let (desk, peer) = (Desk::open(), Peer::max());
    asking(&desk);
    let config = json!({ "token": "max-token", "api_base": peer.url() });
    let body = json!({ "type": "max", "name": "MAX", "config": config });
    desk.alia.call("create_channel", body);
    let set = peer.nth("/subscriptions", 1).json();
    let hook = Hook {
        path: path_of(&set["url"]),
        headers: vec![(
            "x-max-bot-api-secret",
            set["secret"].as_str().unwrap().to_owned(),
        )],
    };
    let said = json!({ "timestamp": 1_772_611_653_821_i64, "user_locale": "kk", "update_type": "message_created", "message": {
        "recipient": { "chat_id": 182, "chat_type": "dialog", "user_id": 229 }, "timestamp": 1_772_611_653_821_i64,
        "body": { "mid": "mid.1", "seq": 1, "text": "Сәлеметсіз бе, принтер жұмыс істемейді" },
        "sender": { "user_id": 10_001, "first_name": "Асем", "is_bot": false, "name": "Асем" },
    }});
    hook.post(&desk, &said);
    let id = number(&desk, "Сәлеметсіз бе, принтер жұмыс істемейді");
    complete(&desk, &id);
    let asked = peer.nth("/messages", 1).json();
    let row = &asked["attachments"][0]["payload"]["buttons"][0];
    assert!(
        asked["text"].as_str().unwrap().contains("бағалаңызшы"),
        "{asked}"
    );
    let pressed = json!({ "update_type": "message_callback", "timestamp": 1_772_612_000_210_i64, "user_locale": "kk",
        "callback": { "timestamp": 1_772_612_000_210_i64, "callback_id": "cb1", "payload": row[3]["payload"],
            "user": { "user_id": 10_001, "first_name": "Асем", "is_bot": false, "name": "Асем" } },
        "message": { "recipient": { "chat_id": 182, "chat_type": "dialog", "user_id": 10_001 },
            "body": { "mid": "mid.question", "seq": 2, "text": "?" } },
    });
    hook.post(&desk, &pressed);
    assert_eq!(rating(&desk, &id), 4);
    assert_eq!(
        peer.nth("/answers", 1).json()["notification"],
        "Рақмет! Сіздің бағаңыз: 5-тен 4."
    );
    let changed = peer.nth("/messages", 2);
    assert!(
        changed.path.contains("message_id=mid%2Equestion"),
        "{}",
        changed.path
    );
    assert_eq!(changed.json()["attachments"], json!([]));
}

#[test]
fn whatsapp_asks_by_a_link_that_rates_when_its_form_is_sent_and_not_before() {
    let (desk, peer, post, _) = whatsapp(Peer::evolution());
    asking(&desk);
    post(
        &desk,
        &event("3EB01", "77015550142", "Терминал не работает"),
    );
    let id = number(&desk, "Терминал не работает");
    complete(&desk, &id);
    let text = until("the question", || {
        let sent = peer.calls("/message/sendText").into_iter();
        let mut texts = sent.map(|call| call.json().to_string());
        texts.find(|text| text.contains("/rate/"))
    });
    let from = text.find("/rate/").unwrap();
    let path = text[from..]
        .split(['"', '\\', ' '])
        .next()
        .unwrap()
        .to_owned();
    let get = |path: &str| http::send(desk.serving.address, &Request::get(path)).unwrap();
    let send = |path: &str, form: &str| {
        let request = Request::post(path).body("application/x-www-form-urlencoded", form);
        http::send(desk.serving.address, &request).unwrap()
    };
    let page = get(&path);
    assert_eq!(page.status, 200);
    assert!(page.text().contains("Оцените нашу работу") && page.text().contains("Терминал"));
    assert!(page.text().contains("href=\"/brand.css?tenant=1\""));
    assert_eq!(rating(&desk, &id), Value::Null, "looking rates nothing");
    assert_eq!(send(&path, "rating=7").status, 400);
    assert_eq!(send(&path, "rating=").status, 400);
    let done = send(&path, "rating=2&comment=%D0%94%D0%BE%D0%BB%D0%B3%D0%BE");
    assert!(
        done.status == 200 && done.text().contains("2 из 5"),
        "{}",
        done.text()
    );
    assert_eq!(rating(&desk, &id), 2);
    assert_eq!(get(&path.replacen("/rate/1.", "/rate/2.", 1)).status, 404);
    assert_eq!(
        send(&path.replacen("/rate/1.", "/rate/2.", 1), "rating=5").status,
        404
    );
    desk.omar.call("reopen_ticket", json!({ "ticket_id": id }));
    assert!(send(&path, "rating=5").text().contains("снова в работе"));
    desk.check();
}
