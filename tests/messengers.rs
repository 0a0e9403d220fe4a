//! Messengers from outside: what is posted to the desk, what the desk calls, and what survives in between.
use crate::support::{
    Desk, Peer,
    http::{self, Reply, Request},
    peer::Mood,
    until, until_so,
};
use serde_json::{Value, json};
use std::{
    thread,
    time::{Duration, Instant},
};

/// The address and the headers that a provider was told to post with.
#[derive(Clone, Debug)]
pub(crate) struct Hook {
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Hook {
    fn request(&self, delivery: &Value) -> Request {
        let mut request = Request::post(&self.path).json(delivery);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request
    }

    pub(crate) fn post(&self, desk: &Desk, delivery: &Value) -> Reply {
        http::send(desk.serving.address, &self.request(delivery)).unwrap()
    }
}

pub(crate) fn path_of(url: &Value) -> String {
    let url = url.as_str().unwrap();
    url[url.find("/api/").unwrap()..].to_owned()
}

/// Hands an event to the webhook of a channel.
type Post = Box<dyn Fn(&Desk, &Value) -> Reply>;

/// A desk with a Telegram bot that is posted to.
pub(crate) fn telegram() -> (Desk, Peer, Post, Value) {
    let (desk, peer) = (Desk::open(), Peer::telegram());
    let config = json!({ "bot_token": "123:token", "api_base": peer.url(), "mode": "webhook", "welcome": "Здравствуйте!" });
    let body = json!({ "type": "telegram", "name": "Бот", "config": config });
    let channel = desk.alia.call("create_channel", body);
    let set = peer.nth("setWebhook", 1).json();
    let hook = Hook {
        path: path_of(&set["url"]),
        headers: vec![(
            "x-telegram-bot-api-secret-token",
            set["secret_token"].as_str().unwrap().to_owned(),
        )],
    };
    (
        desk,
        peer,
        Box::new(move |desk, update| hook.post(desk, update)),
        channel,
    )
}

/// A desk with a WhatsApp channel at an Evolution API server.
pub(crate) fn whatsapp(peer: Peer) -> (Desk, Peer, Post, Value) {
    let desk = Desk::open();
    let config =
        json!({ "base_url": peer.url(), "instance": "support-almaty", "api_key": "evo-key" });
    let body = json!({ "type": "whatsapp", "name": "WhatsApp", "config": config });
    let channel = desk.alia.call("create_channel", body);
    let set = until("the webhook to be set", || {
        let calls = peer.calls("/webhook/set/");
        let bodies = calls.iter().map(|call| call.json());
        bodies
            .map(|body| body.get("webhook").cloned().unwrap_or(body))
            .find(|hook| hook["url"].is_string())
    });
    let hook = Hook {
        path: path_of(&set["url"]),
        headers: Vec::new(),
    };
    (
        desk,
        peer,
        Box::new(move |desk, event| hook.post(desk, event)),
        channel,
    )
}

pub(crate) fn update(id: i64, chat: i64, text: &str) -> Value {
    json!({ "update_id": 900_000 + id, "message": {
        "message_id": id, "date": 1_772_611_653, "text": text,
        "from": { "id": chat, "is_bot": false, "first_name": "Асем", "language_code": "ru" },
        "chat": { "id": chat, "first_name": "Асем", "type": "private" },
    }})
}

pub(crate) fn event(id: &str, number: &str, text: &str) -> Value {
    json!({ "event": "messages.upsert", "instance": "support-almaty", "data": {
        "key": { "remoteJid": format!("{number}@s.whatsapp.net"), "fromMe": false, "id": id },
        "pushName": "Ержан", "message": { "conversation": text }, "messageType": "conversation",
        "messageTimestamp": 1_772_611_653,
    }})
}

fn tickets(desk: &Desk) -> Vec<Value> {
    let page = desk.omar.call("list_tickets", json!({ "limit": 100 }));
    page["tickets"].as_array().unwrap().clone()
}

/// The one ticket that there is, whole.
fn ticket(desk: &Desk) -> Value {
    desk.settle();
    let all = tickets(desk);
    assert_eq!(all.len(), 1, "{all:?}");
    desk.omar
        .call("get_ticket", json!({ "ticket_id": all[0]["id"] }))
}

fn say(desk: &Desk, ticket: &Value, text: &str) -> i64 {
    let body = json!({ "ticket_id": ticket, "message": text });
    desk.omar.call("add_message", body)["id"].as_i64().unwrap()
}

fn message(desk: &Desk, ticket: &Value, id: i64) -> Value {
    let whole = desk.omar.call("get_ticket", json!({ "ticket_id": ticket }));
    let all = whole["messages"].as_array().unwrap();
    all.iter().find(|m| m["id"] == id).unwrap().clone()
}

#[track_caller]
fn until_status(desk: &Desk, ticket: &Value, id: i64, status: &str) {
    until_so(&format!("the message to be {status}"), || {
        message(desk, ticket, id)["delivery_status"] == status
    });
}

#[test]
fn a_question_in_telegram_is_answered_there() {
    let (desk, peer, post, _) = telegram();
    assert_eq!(post(&desk, &update(1, 77, "Касса не печатает")).status, 200);
    let opened = ticket(&desk);
    let row = &opened["ticket"];
    assert_eq!(
        (&row["subject"], &row["channel"], &row["creator_name"]),
        (
            &json!("Касса не печатает"),
            &json!("telegram"),
            &json!("Асем")
        )
    );
    let answer = say(&desk, &row["id"], "Перезагрузите её");
    let sent = peer.nth("sendMessage", 1).json();
    assert_eq!(
        (&sent["chat_id"], &sent["text"]),
        (&json!(77), &json!("Перезагрузите её"))
    );
    until_status(&desk, &row["id"], answer, "sent");

    let body = json!({ "message_id": answer, "message": "Перезагрузите кассу" });
    desk.omar.call("edit_message", body);
    let edited = peer.nth("editMessageText", 1).json();
    assert_eq!(edited["text"], "Перезагрузите кассу");
    desk.omar
        .call("delete_message", json!({ "message_id": answer }));
    assert_eq!(
        peer.nth("deleteMessage", 1).json()["message_id"],
        edited["message_id"]
    );
}

#[test]
fn a_delivery_that_proves_no_secret_changes_nothing() {
    let (desk, _peer, _post, channel) = telegram();
    let id = &channel["id"];
    let paths = [
        "/api/channel-webhook.php?type=telegram".to_owned(),
        format!("/api/channel-webhook.php?type=telegram&channel={id}"),
        "/api/channel-webhook.php?type=telegram&channel=999".to_owned(),
        format!("/api/channel-webhook.php?type=max&channel={id}"),
        format!("/api/channel-webhook.php?type=whatsapp&channel={id}"),
        "/api/channel-webhook.php?type=whatsapp&secret=guess".to_owned(),
    ];
    for path in paths {
        for secret in [None, Some("guess")] {
            let mut request = Request::post(&path).json(&update(1, 77, "подделка"));
            if let Some(secret) = secret {
                request = request.header("x-telegram-bot-api-secret-token", secret);
            }
            let reply = http::send(desk.serving.address, &request).unwrap();
            assert_eq!(
                (reply.status, reply.code()),
                (403, "bad_signature".into()),
                "{path}"
            );
        }
    }
    assert_eq!(desk.count("select count(*) from inbound_event"), 0);
}

#[test]
fn the_bot_of_a_tenant_that_was_switched_off_hears_nothing_until_it_is_on_again() {
    let (desk, peer) = (Desk::open(), Peer::telegram());
    desk.dir.run(
        &["operator", "set-role", "alia@acme.example", "head_admin"],
        "",
    );
    let config = json!({ "bot_token": "123:token", "api_base": peer.url(), "mode": "webhook" });
    desk.greta.call(
        "create_channel",
        json!({ "type": "telegram", "name": "Bot", "config": config }),
    );
    let set = peer.nth("setWebhook", 1).json();
    let hook = Hook {
        path: path_of(&set["url"]),
        headers: vec![(
            "x-telegram-bot-api-secret-token",
            set["secret_token"].as_str().unwrap().to_owned(),
        )],
    };
    let switch = |is_active: bool| {
        let body = json!({ "tenant_id": 2, "is_active": is_active });
        desk.alia.call("update_tenant", body);
    };
    switch(false);
    assert_eq!(hook.post(&desk, &update(1, 77, "есть кто?")).status, 403);
    switch(true);
    assert_eq!(hook.post(&desk, &update(1, 77, "есть кто?")).status, 200);
}

#[test]
fn any_delivery_ten_times_at_once_is_one_message() {
    let (desk, _peer, post, channel) = telegram();
    let id = channel["id"].as_i64().unwrap();
    let set = _peer.nth("setWebhook", 1).json();
    let request = Request::post(&format!(
        "/api/channel-webhook.php?type=telegram&channel={id}"
    ))
    .json(&update(1, 77, "Десять раз"))
    .header(
        "x-telegram-bot-api-secret-token",
        set["secret_token"].as_str().unwrap(),
    );
    let address = desk.serving.address;
    thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| assert_eq!(http::send(address, &request).unwrap().status, 200));
        }
    });
    assert_eq!(ticket(&desk)["messages"].as_array().unwrap().len(), 1);
    // Also under another number of the update, which is how a provider repeats after it was moved.
    let mut again = update(1, 77, "Десять раз");
    again["update_id"] = json!(5);
    assert_eq!(post(&desk, &again).status, 200);
    assert_eq!(ticket(&desk)["messages"].as_array().unwrap().len(), 1);
    assert_eq!(desk.alarms(), Vec::<String>::new());
}

#[test]
fn polling_needs_no_address_and_reads_everything_once() {
    let (mut desk, peer) = (Desk::open(), Peer::telegram());
    for n in 1..=3 {
        peer.tell(update(n, 77, &format!("Вопрос {n}")));
    }
    let config = json!({ "bot_token": "123:token", "api_base": peer.url(), "mode": "polling" });
    let body = json!({ "type": "telegram", "name": "Бот", "config": config });
    desk.alia.call("create_channel", body);
    until_so("the questions", || {
        desk.count("select count(*) from message") == 3
    });
    assert!(
        !peer.calls("deleteWebhook").is_empty(),
        "a webhook would exclude polling"
    );
    desk.crash();
    peer.tell(update(4, 77, "Вопрос 4"));
    until_so("the fourth", || {
        desk.count("select count(*) from message") == 4
    });
    let texts: Vec<Value> = ticket(&desk)["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["message"].clone())
        .collect();
    assert_eq!(texts, ["Вопрос 1", "Вопрос 2", "Вопрос 3", "Вопрос 4"]);
}

#[test]
fn who_polls_too_often_waits_as_long_as_it_is_told() {
    let desk = Desk::open();
    let bots = [
        (
            "telegram",
            Peer::telegram(),
            "bot_token",
            "123:token",
            "getUpdates",
        ),
        ("max", Peer::max(), "token", "max-token", "/updates?"),
    ];
    for (kind, peer, field, token, method) in bots {
        peer.put_off(4);
        let mut config = json!({ "api_base": peer.url(), "mode": "polling" });
        config[field] = json!(token);
        let body = json!({ "type": kind, "name": "Бот", "config": config });
        desk.alia.call("create_channel", body);
        peer.nth(method, 1);
        let began = Instant::now();
        peer.nth(method, 2);
        let waited = began.elapsed();
        assert!(waited > Duration::from_secs(3), "{kind}: {waited:?}");
    }
}

#[test]
fn code_leaves_as_it_was_typed() {
    let (desk, peer, post, _) = telegram();
    post(&desk, &update(1, 77, "Как настроить?"));
    let id = ticket(&desk)["ticket"]["id"].clone();
    say(&desk, &id, "**Так:**\n```\nx = \"_a_\"\n```\nИ 2**3**4");
    let sent = peer.nth("sendMessage", 1).json();
    assert_eq!(sent["text"], "Так:\n```\nx = \"_a_\"\n```\nИ 2**3**4");
}

#[test]
fn one_setting_of_a_channel_is_changed_and_the_others_stay() {
    let (desk, peer, _post, channel) = telegram();
    let change = |config: Value| {
        let body = json!({ "channel_id": channel["id"], "config": config });
        desk.alia.ask("update_channel", &body)
    };
    for config in [
        json!({ "mode": "polling" }),
        json!({ "mode": "polling", "bot_token": "••••" }),
    ] {
        let now = change(config).data()["config"].clone();
        let wanted = json!({
            "mode": "polling", "api_base": peer.url(), "welcome": "Здравствуйте!", "bot_token": "••••",
        });
        assert_eq!(now, wanted);
    }
    peer.nth("getUpdates", 1);
    // The token goes to no other server than it was given for.
    for api_base in [json!("http://127.0.0.1:9"), Value::Null] {
        let refused = change(json!({ "api_base": api_base, "bot_token": "••••" }));
        assert_eq!(
            (refused.code(), &refused.json()["field"]),
            ("invalid_parameter".into(), &json!("config.bot_token"))
        );
    }
    assert_eq!(
        change(json!({ "welcome": "" })).data()["config"]["welcome"],
        Value::Null
    );
}

#[test]
fn a_flood_is_waited_for_and_a_blocked_bot_is_told() {
    let (desk, peer, post, _) = telegram();
    post(&desk, &update(1, 77, "Вопрос"));
    let id = ticket(&desk)["ticket"]["id"].clone();
    peer.be(Mood::Answer(
        429,
        json!({ "ok": false, "error_code": 429, "description": "Too Many Requests: retry after 1", "parameters": { "retry_after": 1 } }),
    ));
    let first = say(&desk, &id, "Первый");
    let second = say(&desk, &id, "Второй");
    peer.nth("sendMessage", 1);
    assert_eq!(message(&desk, &id, first)["delivery_status"], "pending");
    peer.be(Mood::Take);
    until_status(&desk, &id, second, "sent");
    let texts: Vec<Value> = peer
        .calls("sendMessage")
        .iter()
        .map(|c| c.json()["text"].clone())
        .collect();
    assert_eq!(texts.last().unwrap(), "Второй");
    assert!(
        texts[..texts.len() - 1].iter().all(|t| t == "Первый"),
        "{texts:?}"
    );
    assert_eq!(desk.count("select max(attempts) from outbox"), 1);

    peer.be(Mood::Answer(
        403,
        json!({ "ok": false, "error_code": 403, "description": "Forbidden: bot was blocked by the user" }),
    ));
    let third = say(&desk, &id, "Третий");
    until_status(&desk, &id, third, "failed");
    let told = message(&desk, &id, third);
    assert!(told["delivery_error"].as_str().unwrap().contains("blocked"));
    peer.be(Mood::Take);
    desk.omar
        .call("retry_message", json!({ "message_id": third }));
    until_status(&desk, &id, third, "sent");
}

#[test]
fn a_server_that_hangs_up_is_tried_again_once_it_works() {
    let (desk, peer, post, channel) = telegram();
    post(&desk, &update(1, 77, "Вопрос"));
    let id = ticket(&desk)["ticket"]["id"].clone();
    peer.be(Mood::Cut);
    let answer = say(&desk, &id, "Ответ");
    until_so("the failure to be noted", || {
        desk.count("select count(*) from outbox where attempts = 1 and state = 'queued'") == 1
    });
    assert_eq!(message(&desk, &id, answer)["delivery_status"], "pending");
    peer.be(Mood::Take);
    desk.alia
        .call("test_channel", json!({ "channel_id": channel["id"] }));
    until_status(&desk, &id, answer, "sent");
}

#[test]
fn one_chat_that_hangs_keeps_no_other_waiting() {
    let (desk, peer, post, _) = telegram();
    let other = Peer::evolution();
    let config =
        json!({ "base_url": other.url(), "instance": "support-almaty", "api_key": "evo-key" });
    let body = json!({ "type": "whatsapp", "name": "WhatsApp", "config": config });
    desk.alia.call("create_channel", body);
    let set = until("the webhook", || {
        other.calls("/webhook/set/").first().cloned()
    })
    .json();
    let hook = Hook {
        path: path_of(&set["webhook"]["url"]),
        headers: Vec::new(),
    };
    post(&desk, &update(1, 77, "В телеграме"));
    hook.post(&desk, &event("3EB01", "77015550142", "В вотсапе"));
    desk.settle();
    let of = |channel: &str| {
        let all = tickets(&desk);
        all.iter().find(|t| t["channel"] == channel).unwrap()["id"].clone()
    };
    peer.be(Mood::Hang);
    say(&desk, &of("telegram"), "Зависнет");
    peer.nth("sendMessage", 1);
    let quick = say(&desk, &of("whatsapp"), "Дойдёт");
    until_status(&desk, &of("whatsapp"), quick, "sent");
    peer.be(Mood::Take);
}

#[test]
fn a_long_answer_with_files_leaves_in_parts_and_a_kill_repeats_at_most_one() {
    let (mut desk, peer, post, _) = telegram();
    post(&desk, &update(1, 77, "Пришлите всё"));
    let id = ticket(&desk)["ticket"]["id"].clone();
    let long = format!("{}\n\n{}", "а".repeat(4000), "б".repeat(4000));
    let fields = json!({ "ticket_id": id, "message": long });
    let files = [
        ("акт.pdf", "application/pdf", &b"%PDF-1.4"[..]),
        ("журнал.log", "text/plain", &b"log"[..]),
    ];
    let sent = desk.omar.upload("add_message", fields, &files).data();
    // The server dies while the second part is on its way.
    peer.nth("sendMessage", 1);
    peer.be(Mood::Hang);
    until_so("a part that hangs", || {
        peer.calls("/send").len() >= 2
            || desk.count("select count(*) from outbox where state = 'sent'") == 1
    });
    // What hangs goes on hanging; what the next start sends is taken at once.
    peer.be(Mood::Take);
    desk.crash();
    let message = sent["id"].as_i64().unwrap();
    until_status(&desk, &id, message, "sent");
    let texts: Vec<String> = peer
        .calls("sendMessage")
        .iter()
        .map(|c| c.json()["text"].as_str().unwrap().chars().take(1).collect())
        .collect();
    let documents = peer.calls("sendDocument").len();
    assert!(
        texts.starts_with(&["а".to_owned()]) && texts.contains(&"б".to_owned()),
        "{texts:?}"
    );
    let calls = texts.len() + documents;
    assert!(
        (4..=5).contains(&calls),
        "{texts:?} and {documents} documents"
    );
    assert!(
        peer.calls("sendDocument")[0]
            .text()
            .contains("filename=\"акт.pdf\"")
    );
}

#[test]
fn answers_keep_their_order_through_kills_and_none_is_lost() {
    let (mut desk, peer, post, _) = telegram();
    post(&desk, &update(1, 77, "Вопрос"));
    let id = ticket(&desk)["ticket"]["id"].clone();
    let mut last = 0;
    for round in 0..3 {
        for n in 0..4 {
            last = say(&desk, &id, &format!("{}", round * 4 + n));
        }
        desk.crash();
    }
    until_status(&desk, &id, last, "sent");
    let texts: Vec<usize> = peer
        .calls("sendMessage")
        .iter()
        .map(|c| c.json()["text"].as_str().unwrap().parse().unwrap())
        .collect();
    assert!(texts.is_sorted(), "{texts:?}");
    let mut once = texts.clone();
    once.dedup();
    assert_eq!(once, (0..12).collect::<Vec<_>>());
    assert!(
        texts.len() <= 12 + 3,
        "more than one repeat for a kill: {texts:?}"
    );
}

#[test]
fn an_answer_in_whatsapp_is_followed_to_its_reader() {
    let (desk, peer, post, _) = whatsapp(Peer::evolution());
    assert_eq!(
        post(&desk, &event("3EB01", "77015550142", "Принтер")).status,
        200
    );
    let opened = ticket(&desk)["ticket"].clone();
    assert_eq!(opened["creator_phone"], "+77015550142");
    let answer = say(&desk, &opened["id"], "Какой именно?");
    let sent = peer.nth("/message/sendText/", 1);
    assert_eq!(
        (&sent.json()["number"], &sent.json()["text"]),
        (&json!("77015550142"), &json!("Какой именно?"))
    );
    until_status(&desk, &opened["id"], answer, "sent");
    let external = desk
        .omar
        .call("explain_message", json!({ "message_id": answer }))["external_ids"][0]
        .clone();
    let receipt = |status: &str| {
        json!({ "event": "messages.update", "instance": "support-almaty", "data": {
            "keyId": external, "remoteJid": "218340011223344@lid", "fromMe": true, "status": status,
        }})
    };
    post(&desk, &receipt("READ"));
    until_status(&desk, &opened["id"], answer, "read");
    post(&desk, &receipt("DELIVERY_ACK"));
    desk.settle();
    assert_eq!(
        message(&desk, &opened["id"], answer)["delivery_status"],
        "read"
    );
    // What the server tells of our own message is not a second one.
    let echo = json!({ "event": "send.message", "instance": "support-almaty", "data": {
        "key": { "remoteJid": "77015550142@s.whatsapp.net", "fromMe": true, "id": external },
        "message": { "conversation": "Какой именно?" }, "messageTimestamp": 1_772_611_660,
    }});
    post(&desk, &echo);
    assert_eq!(ticket(&desk)["messages"].as_array().unwrap().len(), 2);
}

#[test]
fn a_server_of_version_1_is_spoken_to_in_its_own_way() {
    let (desk, peer, post, _) = whatsapp(Peer::evolution_1());
    post(&desk, &event("3EB01", "77015550142", "Старый сервер"));
    let opened = ticket(&desk)["ticket"].clone();
    let answer = say(&desk, &opened["id"], "Понимаю");
    until_status(&desk, &opened["id"], answer, "sent");
    let sent = peer.calls("/message/sendText/");
    assert_eq!(
        sent.last().unwrap().json()["textMessage"]["text"],
        "Понимаю"
    );
}

#[test]
fn an_instance_proves_itself_by_its_key() {
    let (desk, _peer, _post, _) = whatsapp(Peer::evolution());
    let path = "/api/channel-webhook.php?type=whatsapp";
    let mut delivery = event("3EB07", "77015550142", "По ключу");
    for (key, status) in [
        (json!("wrong"), 403),
        (Value::Null, 403),
        (json!("evo-key"), 200),
    ] {
        delivery["apikey"] = key;
        let reply = http::send(desk.serving.address, &Request::post(path).json(&delivery)).unwrap();
        assert_eq!(reply.status, status, "{delivery}");
    }
    assert_eq!(ticket(&desk)["messages"].as_array().unwrap().len(), 1);
}

#[test]
fn a_lost_phone_is_an_alarm_and_a_code_connects_it_again() {
    let (desk, peer, post, channel) = whatsapp(Peer::evolution());
    let state = || {
        desk.settle();
        desk.alia.call("get_channels_status", json!({}))[0].clone()
    };
    until_so("the connection to be seen", || {
        state()["connection"] == "open"
    });
    let lost = json!({ "event": "connection.update", "instance": "support-almaty", "data": { "state": "close", "statusReason": 401 } });
    post(&desk, &lost);
    let now = state();
    assert_eq!(
        (&now["status"], &now["connection"]),
        (&json!("error"), &json!("closed"))
    );
    assert!(
        now["last_error"]
            .as_str()
            .unwrap()
            .contains("scan the code")
    );
    let code = desk
        .alia
        .call("connect_channel", json!({ "channel_id": channel["id"] }));
    assert_eq!(code["pairing_code"], "ABCD1234");
    assert!(code["qr"].as_str().unwrap().starts_with("data:image/png"));
    let open = json!({ "event": "connection.update", "instance": "support-almaty", "data": { "state": "open", "statusReason": 200 } });
    post(&desk, &open);
    let now = state();
    assert_eq!(
        (&now["status"], &now["qr"]),
        (&json!("connected"), &Value::Null)
    );
    drop(peer);
}

#[test]
fn max_is_spoken_to_as_it_is_described() {
    let (desk, peer) = (Desk::open(), Peer::max());
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
    let said = json!({ "timestamp": 1_772_611_653_821_i64, "user_locale": "ru", "update_type": "message_created", "message": {
        "recipient": { "chat_id": 182_182_182, "chat_type": "dialog", "user_id": 229_229_229 }, "timestamp": 1_772_611_653_821_i64,
        "body": { "mid": "mid.000000000adf429c019d47b1ce4600ff", "seq": 116_327_994_376_978_687_i64, "text": "Здравствуйте" },
        "sender": { "user_id": 10_001, "first_name": "Асем", "last_name": "", "is_bot": false, "name": "Асем" },
    }});
    assert_eq!(hook.post(&desk, &said).status, 200);
    assert_eq!(hook.post(&desk, &said).status, 200);
    let opened = ticket(&desk)["ticket"].clone();
    let fields = json!({ "ticket_id": opened["id"], "message": "Вот акт" });
    let files = [("акт.pdf", "application/pdf", &b"%PDF-1.4"[..])];
    let answer = desk.omar.upload("add_message", fields, &files).data();
    until_status(&desk, &opened["id"], answer["id"].as_i64().unwrap(), "sent");
    let sent = peer.nth("/messages", 1);
    assert!(sent.path.ends_with("chat_id=182182182"), "{}", sent.path);
    assert_eq!(sent.json()["attachments"][0]["payload"]["token"], "f9LHod");
    assert_eq!(peer.nth("/upload-here", 1).header("authorization"), None);
}

#[test]
fn an_estimate_is_approved_by_a_button_that_only_its_own_chat_can_press() {
    let (desk, peer, post, _) = telegram();
    post(&desk, &update(1, 77, "Нужна доработка"));
    post(&desk, &update(2, 88, "Другой чат"));
    desk.settle();
    let all = tickets(&desk);
    let id = all
        .iter()
        .find(|t| t["subject"] == "Нужна доработка")
        .unwrap()["id"]
        .clone();
    let body =
        json!({ "ticket_id": id, "hours": 3, "description": "Доработать отчёт", "cost": 45000 });
    desk.omar.call("set_estimate", body);
    let asked = peer.nth("sendMessage", 1).json();
    assert_eq!(asked["chat_id"], 77);
    let data = asked["reply_markup"]["inline_keyboard"][0][0]["callback_data"].clone();
    assert!(data.as_str().unwrap().len() <= 64);
    let press = |n: i64, chat: i64, data: &Value| {
        json!({ "update_id": n, "callback_query": {
            "id": format!("{n}"), "data": data, "chat_instance": "-1",
            "from": { "id": chat, "is_bot": false, "first_name": "Асем" },
            "message": { "message_id": 9, "date": 0, "chat": { "id": chat, "type": "private" } },
        }})
    };
    let status = || {
        desk.settle();
        desk.omar.call("get_ticket", json!({ "ticket_id": id }))["ticket"]["status"].clone()
    };
    post(&desk, &press(50, 88, &data));
    assert_eq!(status(), "estimated", "another chat pressed it");
    post(
        &desk,
        &press(51, 77, &json!(data.as_str().unwrap().replace('a', "b"))),
    );
    assert_eq!(status(), "estimated", "a forged button was pressed");
    post(&desk, &press(52, 77, &data));
    assert_eq!(status(), "in_progress");
    until_so("every press to be answered", || {
        peer.calls("answerCallbackQuery").len() == 3
    });
    assert!(
        peer.calls("answerCallbackQuery")[2].json()["text"]
            .as_str()
            .unwrap()
            .contains("согласована")
    );
}

#[test]
fn a_link_ties_a_chat_to_a_client_once() {
    let (desk, peer, post, channel) = telegram();
    let client = json!({ "portal_domain": "romashka", "company_name": "ТОО «Ромашка»" });
    desk.alia.call("create_client", client);
    until_so("the bot's name", || {
        desk.alia.call("get_channels_status", json!({}))[0]["handle"] == "desk_bot"
    });
    let body = json!({ "channel_id": channel["id"], "portal_domain": "romashka" });
    let link = desk.omar.call("create_chat_link", body)["url"]
        .as_str()
        .unwrap()
        .to_owned();
    let payload = link.strip_prefix("https://t.me/desk_bot?start=").unwrap();
    assert!(payload.len() <= 64);
    post(&desk, &update(1, 77, &format!("/start {payload}")));
    post(&desk, &update(2, 77, "Мы из Ромашки"));
    post(&desk, &update(3, 88, &format!("/start {payload}")));
    post(&desk, &update(4, 88, "И мы"));
    desk.settle();
    let domain = |name: &str| {
        let all = tickets(&desk);
        all.iter().find(|t| t["subject"] == name).unwrap()["portal_domain"].clone()
    };
    assert_eq!(domain("Мы из Ромашки"), "romashka");
    assert_eq!(domain("И мы"), Value::Null);
    assert_eq!(peer.nth("sendMessage", 1).json()["text"], "Здравствуйте!");
}

#[test]
fn a_delivery_is_explained_and_may_be_worked_on_again() {
    let (desk, _peer, post, channel) = whatsapp(Peer::evolution());
    let mut group = event("3EB01", "77015550142", "Из группы");
    group["data"]["key"]["remoteJid"] = json!("120363041234567890@g.us");
    group["data"]["key"]["participant"] = json!("77015550142@s.whatsapp.net");
    post(&desk, &group);
    desk.settle();
    let events = desk
        .alia
        .call("list_channel_events", json!({ "state": "ignored" }));
    let ignored = &events["events"][0];
    assert_eq!(
        (&ignored["rule"], &events["total"]),
        (&json!("group"), &json!(1))
    );
    // The admin mends the set-up and works on it again.
    let config = json!({ "base_url": _peer.url(), "instance": "support-almaty", "groups": true });
    desk.alia.call(
        "update_channel",
        json!({ "channel_id": channel["id"], "config": config }),
    );
    desk.alia
        .call("replay_event", json!({ "event_id": ignored["id"] }));
    let opened = ticket(&desk);
    let explained = desk.omar.call(
        "explain_message",
        json!({ "message_id": opened["messages"][0]["id"] }),
    );
    assert_eq!(
        (
            &explained["events"][0]["outcome"],
            &explained["events"][0]["rule"]
        ),
        (&json!("ticket"), &json!("first_message"))
    );
    assert_eq!(
        desk.alia
            .refused("replay_event", json!({ "event_id": ignored["id"] })),
        (400, "event_done".into())
    );
    let theirs = desk
        .greta
        .refused("replay_event", json!({ "event_id": ignored["id"] }));
    assert_eq!(theirs, (400, "event_not_found".into()));
}

#[test]
fn a_test_really_connects_and_says_what_is_wrong() {
    let (desk, peer, _post, channel) = telegram();
    let test = json!({ "channel_id": channel["id"] });
    assert_eq!(
        desk.alia.call("test_channel", test.clone())["server"],
        "@desk_bot"
    );
    let shown = &desk.alia.call("list_channels", json!({}))[0];
    assert_eq!(shown["config"]["bot_token"], "••••");
    assert!(!shown.to_string().contains("token/"));
    let config = json!({ "bot_token": "123:wrong", "api_base": peer.url(), "mode": "webhook" });
    desk.alia.call(
        "update_channel",
        json!({ "channel_id": channel["id"], "config": config }),
    );
    assert_eq!(
        desk.alia.refused("test_channel", test),
        (400, "channel_failed".into())
    );
    until_so("the error to be shown", || {
        let state = desk.alia.call("get_channels_status", json!({}))[0].clone();
        state["status"] == "error" && state["last_error"].as_str().unwrap().contains("token")
    });
    // A channel that is removed takes its webhook back.
    let config = json!({ "bot_token": "123:token", "api_base": peer.url(), "mode": "webhook" });
    desk.alia.call(
        "update_channel",
        json!({ "channel_id": channel["id"], "config": config }),
    );
    peer.nth("setWebhook", 3);
    desk.alia
        .call("delete_channel", json!({ "channel_id": channel["id"] }));
    peer.nth("deleteWebhook", 1);
}

#[test]
fn plans_gate_the_types_of_channels() {
    let desk = Desk::open();
    let bot = json!({ "type": "telegram", "name": "x", "config": { "bot_token": "1:a", "mode": "polling", "api_base": "http://127.0.0.1:9" } });
    let max = json!({ "type": "max", "name": "x", "config": { "token": "1", "mode": "polling", "api_base": "http://127.0.0.1:9" } });
    let ask = |body: &Value| {
        let reply = desk.alia.ask("create_channel", body);
        (reply.status, reply.json()["required_plan"].clone())
    };
    let plan = |plan: &str| {
        desk.dir
            .run(&["tenant", "update", "acme", "--plan", plan], "")
    };
    plan("free");
    assert_eq!(ask(&bot), (403, json!("starter")));
    plan("starter");
    assert_eq!(ask(&bot).0, 200);
    assert_eq!(ask(&max), (403, json!("pro")));
    plan("pro");
    assert_eq!(ask(&max).0, 200);
}
