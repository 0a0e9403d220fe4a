//! What operators are told outside the desk, what they answer from there, and what admins hear of channels.
use crate::{
    messengers::{telegram, update},
    support::{
        Caller, Desk, Peer, Tray,
        peer::Mood,
        post::{Letter, deliver, desk_with_mail, open_mailbox},
        until, until_so,
    },
};
use rusqlite::Connection;
use serde_json::{Value, json};

fn id_of(caller: &Caller) -> Value {
    caller.call("me", json!({}))["operator"]["id"].clone()
}

fn assign(desk: &Desk, ticket: i64) {
    let body = json!({ "ticket_id": ticket, "assigned_to": id_of(&desk.omar) });
    desk.alia.call("reassign_ticket", body);
}

fn settings(caller: &Caller) -> Value {
    caller.call("get_notification_settings", json!({}))
}

/// The code by which an operator ties their chat, once the bot is known.
fn code(caller: &Caller) -> String {
    until_so("the bot's name", || {
        settings(caller)["bots"][0]["handle"] == "desk_bot"
    });
    let link = caller.call("create_staff_link", json!({}));
    let url = link["url"].as_str().unwrap();
    let code = url.strip_prefix("https://t.me/desk_bot?start=").unwrap();
    assert_eq!(link["command"], format!("/start {code}"));
    code.to_owned()
}

/// What the bot has said in a chat.
fn said_in(peer: &Peer, chat: i64) -> Vec<String> {
    let sent = peer
        .calls("sendMessage")
        .into_iter()
        .map(|call| call.json());
    sent.filter(|body| body["chat_id"] == chat)
        .map(|body| body["text"].as_str().unwrap().to_owned())
        .collect()
}

/// How often the bot has said something in a chat that has these words.
fn times(peer: &Peer, chat: i64, words: &str) -> usize {
    let said = said_in(peer, chat);
    said.iter().filter(|text| text.contains(words)).count()
}

#[test]
fn an_operator_is_told_in_their_own_chat_until_they_block_the_bot() {
    let (desk, peer, post, _) = telegram();
    let said = |chat: i64| said_in(&peer, chat);
    let (first, second) = (code(&desk.omar), code(&desk.omar));
    post(&desk, &update(1, 501, &format!("/start {first}")));
    post(&desk, &update(2, 500, &format!("/start {second}")));
    post(&desk, &update(3, 502, &format!("/start {second}")));
    desk.settle();
    assert_eq!(settings(&desk.omar)["telegram"]["title"], "Асем");
    assert_eq!(
        desk.count(
            "select cast(chat.address as integer) from staff_chat join chat on chat.id = chat_id"
        ),
        500,
        "a newer code takes the place of an older one, and each works once"
    );
    until_so("the chat to be told so", || {
        said(500)
            .iter()
            .any(|text| text.contains("для Омар Сеитов"))
    });
    // It is no client's chat.
    assert_eq!(
        desk.count("select count(*) from chat where address = '500' and contact_id is not null"),
        0
    );

    let choice =
        json!({ "kind": "assigned", "in_desk": true, "by_mail": "off", "by_telegram": "now" });
    desk.omar
        .call("save_notification_settings", json!({ "kinds": [choice] }));
    let id = desk.ticket("Касса не печатает");
    assign(&desk, id);
    let place = format!("/tenant.html#/t/{id}");
    until_so("the operator to be told", || {
        said(500)
            .iter()
            .any(|text| text.contains("назначена вам") && text.contains(&place))
    });

    let blocked = json!({ "ok": false, "error_code": 403, "description": "Forbidden: bot was blocked by the user" });
    peer.be(Mood::Answer(403, blocked));
    let other = desk.ticket("Сканер");
    assign(&desk, other);
    until_so("the loss to be told in the desk", || {
        let told = desk.omar.call("get_notifications", json!({}));
        told[0]["kind"] == "telegram_off"
    });
    assert_eq!(settings(&desk.omar)["telegram"]["is_lost"], true);
    peer.be(Mood::Take);
    let third = desk.ticket("Принтер");
    assign(&desk, third);
    assert_eq!(
        desk.count("select count(*) from notification where chat is not null"),
        0
    );
    // They take it back.
    let back = json!({ "update_id": 77, "my_chat_member": {
        "chat": { "id": 500, "type": "private" }, "from": { "id": 500, "is_bot": false, "first_name": "Асем" }, "date": 1_772_612_000,
        "new_chat_member": { "user": { "id": 1, "is_bot": true, "first_name": "Desk" }, "status": "member" } } });
    post(&desk, &back);
    desk.settle();
    assert_eq!(settings(&desk.omar)["telegram"]["is_lost"], false);
    let gone = desk.omar.call("remove_staff_chat", json!({}));
    assert_eq!(gone["telegram"], Value::Null);
    desk.check();
}

/// Омар's chat and Сауле's with the bot.
const OMAR: i64 = 500;
const SAULE: i64 = 600;

/// A desk whose Омар and Сауле have tied their chats, and how Омар wants to hear of what is assigned to him; Сауле hears
/// of it at once.
fn two_chats(pace: &str) -> (Desk, Peer) {
    let (desk, peer, post, _) = telegram();
    desk.alia
        .call("save_settings", json!({ "timezone": "UTC" }));
    for (n, caller, chat, pace) in [(1, &desk.omar, OMAR, pace), (2, &desk.saule, SAULE, "now")] {
        post(&desk, &update(n, chat, &format!("/start {}", code(caller))));
        desk.settle();
        let choice =
            json!({ "kind": "assigned", "in_desk": true, "by_mail": "off", "by_telegram": pace });
        caller.call("save_notification_settings", json!({ "kinds": [choice] }));
    }
    (desk, peer)
}

/// Lets everything that is due be told: what Сауле is told comes in the same round, and after it.
fn a_round_is_told(desk: &Desk, peer: &Peer) {
    let told = times(peer, SAULE, "назначена вам");
    let id = desk.ticket("Для Сауле");
    let body = json!({ "ticket_id": id, "assigned_to": id_of(&desk.saule) });
    desk.alia.call("reassign_ticket", body);
    until_so("Сауле to be told", || {
        times(peer, SAULE, "назначена вам") > told
    });
    until_so("everything to leave", || {
        desk.count("select count(*) from outbox where state = 'queued'") == 0
    });
}

/// Lets Омар's quiet hours lie around the present, or lie behind it.
fn be_quiet(desk: &Desk, quiet: bool) {
    let minute = desk.count("select max(created_at) / 60000 from ticket");
    let clock = |minute: i64| format!("{:02}:{:02}", minute / 60 % 24, minute % 60);
    let (from, to) = if quiet { (-60, 60) } else { (-180, -120) };
    let hours = json!({ "from": clock(minute + from), "to": clock(minute + to) });
    desk.omar
        .call("save_notification_settings", json!({ "quiet": hours }));
}

const WAITING: &str = "select count(*) from notification where chat is not null";

#[test]
fn in_quiet_hours_nothing_is_said_in_a_chat_and_after_them_everything_at_once() {
    let (desk, peer) = two_chats("now");
    let (first, second) = (desk.ticket("Касса молчит"), desk.ticket("Сканер"));
    be_quiet(&desk, true);
    assign(&desk, first);
    assign(&desk, second);
    a_round_is_told(&desk, &peer);
    assert_eq!(times(&peer, OMAR, "назначена вам"), 0);
    assert_eq!(desk.count(WAITING), 2, "it waits and is not lost");
    assert_eq!(desk.omar.call("notif_count", json!({}))["count"], 2);

    be_quiet(&desk, false);
    until_so("Омар to be told", || {
        times(&peer, OMAR, "назначена вам") == 1
    });
    let told = said_in(&peer, OMAR).pop().unwrap();
    for words in [
        format!("#{first} Касса молчит"),
        format!("#{second} Сканер"),
        format!("/tenant.html#/t/{second}"),
    ] {
        assert!(told.contains(&words), "{words}: {told}");
    }
    assert_eq!(desk.count(WAITING), 0);

    // What was read meanwhile in the desk is not said after the hours.
    be_quiet(&desk, true);
    let third = desk.ticket("Принтер");
    assign(&desk, third);
    a_round_is_told(&desk, &peer);
    desk.omar.call("mark_notifications_read", json!({}));
    be_quiet(&desk, false);
    a_round_is_told(&desk, &peer);
    assert_eq!(times(&peer, OMAR, "назначена вам"), 1);
    desk.check();
}

#[test]
fn the_digest_comes_into_a_chat_once_when_its_morning_has_come_and_no_hour_is_quiet() {
    let (desk, peer) = two_chats("digest");
    let (first, second) = (desk.ticket("Касса молчит"), desk.ticket("Сканер"));
    assign(&desk, first);
    assign(&desk, second);
    a_round_is_told(&desk, &peer);
    let heading = "Накопилось за день";
    assert_eq!(times(&peer, OMAR, heading), 0, "the morning is not here");
    be_quiet(&desk, true);
    let db = Connection::open(desk.dir.database()).unwrap();
    db.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    let a_day_passes =
        "update notification set created_at = created_at - 86400000 where chat = 'digest'";
    assert_eq!(db.execute(a_day_passes, []).unwrap(), 2);
    a_round_is_told(&desk, &peer);
    assert_eq!(times(&peer, OMAR, heading), 0, "the hours are quiet");
    be_quiet(&desk, false);
    until_so("the digest", || times(&peer, OMAR, heading) == 1);
    let told = said_in(&peer, OMAR).pop().unwrap();
    for words in [
        format!("#{first} Касса молчит"),
        format!("#{second} Сканер"),
    ] {
        assert!(told.contains(&words), "{words}: {told}");
    }
    // What comes now waits for the next one.
    let third = desk.ticket("Принтер");
    assign(&desk, third);
    a_round_is_told(&desk, &peer);
    assert_eq!(times(&peer, OMAR, heading), 1);
    assert_eq!(desk.count(WAITING), 1);
    desk.check();
}

/// A ticket that a client opened by mail and Омар is in charge of, and the mail by which he is told of a message in it.
fn told_by_mail() -> (Desk, Tray, i64, String) {
    let (desk, tray) = desk_with_mail();
    let letter = Letter::new("Асем <asem@client.example>", "help@acme.example", "Касса");
    deliver(&desk, &letter.text("Касса не печатает чек"));
    desk.settle();
    let id = desk.count("select id from ticket");
    assign(&desk, id);
    let choice = json!({ "kind": "message", "in_desk": true, "by_mail": "now" });
    desk.omar
        .call("save_notification_settings", json!({ "kinds": [choice] }));
    let more = Letter::new(
        "Асем <asem@client.example>",
        "help@acme.example",
        &format!("Re: [#{id}] Касса"),
    );
    deliver(&desk, &more.text("Ошибка номер пять"));
    let notice = until("the notice", || {
        tray.taken()
            .into_iter()
            .find(|mail| mail.to == ["omar@acme.example"])
    });
    let text = notice.text();
    assert!(
        text.contains("Ошибка номер пять")
            && text.contains("#note")
            && text.contains("выше этой строки"),
        "{text}"
    );
    let address = notice.reply_to();
    assert!(address.starts_with(&format!("help+o{id}.")), "{address}");
    (desk, tray, id, address)
}

/// What stands in a ticket: who wrote, what, and whether it is a note.
fn messages(desk: &Desk, ticket: i64) -> Vec<(String, String, bool)> {
    desk.settle();
    let whole = desk.omar.call("get_ticket", json!({ "ticket_id": ticket }));
    let all = whole["messages"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    all.iter()
        .map(|m| {
            (
                text(&m["author_name"]),
                text(&m["message"]),
                m["is_note"] == true,
            )
        })
        .collect()
}

const QUOTE: &str = "\n\nср, 4 мар. 2026 г. в 13:07, acme <help@acme.example>:\n\n> ## Пишите ответ выше этой строки ##\n>\n> #1 Касса\n> Ошибка номер пять\n";

#[test]
fn an_operator_answers_a_notice_and_the_client_reads_the_answer_alone() {
    let (desk, tray, id, address) = told_by_mail();
    let answer = Letter::new("Омар <omar@acme.example>", &address, "Re: #1 Касса");
    deliver(&desk, &answer.text(&format!("Перезагрузите кассу.{QUOTE}")));
    let note = Letter::new("Омар <omar@acme.example>", &address, "Re: #1 Касса");
    deliver(&desk, &note.text(&format!("#note Это третий раз{QUOTE}")));
    let all = messages(&desk, id);
    let own = |text: &str, note| ("Омар Сеитов".to_owned(), text.to_owned(), note);
    assert_eq!(
        all[2..],
        [
            own("Перезагрузите кассу.", false),
            own("Это третий раз", true)
        ],
        "{all:?}"
    );
    let mail = until("the answer to leave", || {
        let mut taken = tray.taken().into_iter();
        taken.find(|mail| {
            mail.to == ["asem@client.example"] && mail.text().contains("Перезагрузите")
        })
    });
    assert!(
        !mail.text().contains("третий раз") && !String::from_utf8_lossy(&mail.raw).contains("+o")
    );
    let rules = "select count(*) from inbound_event where rule like 'operator_s_%'";
    assert_eq!(desk.count(rules), 2);
    desk.check();
}

#[test]
fn who_does_not_prove_to_be_the_operator_speaks_for_nobody_but_themselves() {
    let (desk, _tray, id, address) = told_by_mail();
    let before = messages(&desk, id);
    let forged = address.replacen(&format!("+o{id}."), &format!("+o{id}0."), 1);
    for (from, to, header) in [
        // The notice was passed on, and somebody else answers it.
        ("Сауле <saule@acme.example>", &address, ("X-Plain", "1")),
        ("Асем <asem@other.example>", &address, ("X-Plain", "1")),
        ("Омар <omar@acme.example>", &forged, ("X-Plain", "1")),
        // A server on the way says that it is not Омар.
        (
            "Омар <omar@acme.example>",
            &address,
            (
                "Authentication-Results",
                "mx.acme.example; dmarc=fail header.from=acme.example",
            ),
        ),
    ] {
        let letter = Letter::new(from, to, &format!("Re: #{id} Касса")).header(header.0, header.1);
        deliver(&desk, &letter.text("Переведите деньги сюда"));
    }
    // A machine of the operator's answers; nothing comes of it, so nothing goes in a circle.
    let away = Letter::new("Омар <omar@acme.example>", &address, "Автоответ: Касса")
        .header("Auto-Submitted", "auto-replied");
    deliver(&desk, &away.text("Я в отпуске"));
    assert_eq!(messages(&desk, id), before);
    assert_eq!(
        desk.count("select count(*) from inbound_event where rule = 'a_machine_answers_a_notice'"),
        1
    );
    let opened = desk.count("select count(*) from ticket where id <> (select min(id) from ticket)");
    assert_eq!(opened, 4, "what is not the operator's word is anybody's");
    assert_eq!(
        desk.count(
            "select count(*) from inbound_event where detail like 'a notice is answered, but%'"
        ),
        3
    );
    // Who left speaks no more.
    desk.alia.call(
        "remove_operator",
        json!({ "operator_id": id_of(&desk.omar), "reassign_to": id_of(&desk.saule) }),
    );
    let late = Letter::new(
        "Омар <omar@acme.example>",
        &address,
        &format!("Re: #{id} Касса"),
    );
    deliver(&desk, &late.text("Я ещё здесь"));
    desk.settle();
    let posted =
        format!("select count(*) from message where ticket_id = {id} and author_type = 'support'");
    assert_eq!(desk.count(&posted), 0);
    desk.check();
}

/// Moves what is known of channels an hour back.
fn an_hour_passes(desk: &Desk) {
    let db = Connection::open(desk.dir.database()).unwrap();
    db.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    db.execute_batch(
        "update channel_watch set bad_since = bad_since - 3600000, good_since = good_since - 3600000, told_at = told_at - 3600000",
    )
    .unwrap();
}

#[test]
fn admins_hear_of_a_channel_that_breaks_by_another_one_and_of_its_end() {
    let (desk, peer, _post, bot) = telegram();
    let tray = Tray::open();
    open_mailbox(&desk, &tray, json!({ "provider": "smtp" }));
    let configure = |token: &str| {
        let config = json!({ "bot_token": token, "api_base": peer.url(), "mode": "webhook" });
        desk.alia.call(
            "update_channel",
            json!({ "channel_id": bot["id"], "config": config }),
        );
    };
    configure("123:wrong");
    let known =
        "select count(*) from channel_watch where bad_since is not null and told_at is null";
    until_so("the trouble to be seen", || desk.count(known) == 1);
    let state = desk.alia.call("get_channels_status", json!({}))[0].clone();
    assert!(
        state["advice"].as_str().unwrap().contains("@BotFather"),
        "{state}"
    );
    let metrics = desk.nobody().get("/metrics");
    let line = format!(
        "tehprof_channel_working{{channel=\"{}\",type=\"telegram\"}} 0",
        bot["id"]
    );
    assert!(metrics.text().contains(&line), "{}", metrics.text());
    assert_eq!(
        desk.count("select count(*) from notification"),
        0,
        "not at the first hiccup"
    );
    an_hour_passes(&desk);
    let told = until("the admin to be told", || {
        let told = desk.alia.call("get_notifications", json!({}));
        (told[0]["kind"] == "channel_broken").then(|| told[0].clone())
    });
    assert!(
        told["text"]
            .as_str()
            .unwrap()
            .contains("\"Бот\" does not work"),
        "{told}"
    );
    let mail = tray.nth(1);
    assert_eq!(mail.to, ["alia@acme.example"]);
    assert!(
        mail.text().contains("Канал «Бот» не работает: Токен"),
        "{}",
        mail.text()
    );
    assert_eq!(desk.omar.call("notif_count", json!({}))["count"], 0);

    configure("123:token");
    until_so("the channel to work", || {
        desk.count("select count(*) from channel_watch where good_since is not null") == 1
    });
    an_hour_passes(&desk);
    until_so("its end to be told", || {
        desk.alia.call("get_notifications", json!({}))[0]["kind"] == "channel_mended"
    });
    assert!(tray.nth(2).text().contains("снова работает"));
    // A password that ends is told of ahead.
    let wrong = json!({ "channel_id": bot["id"], "secret_expires_on": "soon" });
    assert_eq!(desk.alia.refused("update_channel", wrong).0, 400);
    let ends = json!({ "channel_id": bot["id"], "secret_expires_on": "2026-03-01" });
    desk.alia.call("update_channel", ends);
    until_so("the end of a secret to be told", || {
        let told = desk.alia.call("get_notifications", json!({}));
        told[0]["kind"] == "secret_expires"
            && told[0]["text"].as_str().unwrap().contains("2026-03-01")
    });
}

#[test]
fn an_admin_hears_of_a_broken_mailbox_in_the_chat_and_in_the_desk_and_never_by_that_mailbox() {
    let (desk, peer, post, _) = telegram();
    let mut tray = Tray::open();
    let mailbox = open_mailbox(&desk, &tray, json!({ "provider": "smtp" }));
    let chat = 700;
    post(
        &desk,
        &update(1, chat, &format!("/start {}", code(&desk.alia))),
    );
    desk.settle();
    // She wants mail alone, which cannot reach her while it is the mailbox that is broken.
    let choice =
        |kind| json!({ "kind": kind, "in_desk": true, "by_mail": "now", "by_telegram": "off" });
    let kinds = [choice("channel_broken"), choice("channel_mended")];
    desk.alia
        .call("save_notification_settings", json!({ "kinds": kinds }));
    let letter = Letter::new("Асем <asem@client.example>", "help@acme.example", "Касса");
    deliver(&desk, &letter.text("Касса не печатает чек"));
    desk.settle();
    let id = desk.count("select id from ticket");
    tray.go_away();
    let answer = json!({ "ticket_id": id, "message": "Смотрим" });
    desk.omar.call("add_message", answer);
    let known =
        "select count(*) from channel_watch where bad_since is not null and told_at is null";
    until_so("the trouble to be seen", || desk.count(known) == 1);
    let status = |field: &str| {
        let all = desk.alia.call("get_channels_status", json!({}));
        let all = all.as_array().unwrap().clone();
        let own = all.into_iter().find(|one| one["id"] == mailbox).unwrap();
        own[field].clone()
    };
    assert_eq!(status("status"), "error");
    an_hour_passes(&desk);
    let broken = "Канал «Почта» не работает";
    until_so("the chat to be told", || times(&peer, chat, broken) == 1);
    let told = desk.alia.call("get_notifications", json!({}));
    assert_eq!(told[0]["kind"], "channel_broken");
    assert!(
        told[0]["text"].as_str().unwrap().contains("Почта"),
        "{told}"
    );
    // Nothing waits to be mailed by what is broken, and nobody but admins is told.
    let by_mail =
        "select count(*) from notification where kind = 'channel_broken' and mail is not null";
    assert_eq!(desk.count(by_mail), 0);
    assert_eq!(desk.count("select count(*) from notice"), 0);
    for caller in [&desk.omar, &desk.saule] {
        let own = caller.call("get_notifications", json!({}));
        assert!(!own.to_string().contains("channel_broken"), "{own}");
    }
    an_hour_passes(&desk);
    assert_eq!(times(&peer, chat, broken), 1, "it is told once");

    tray.come_back();
    desk.alia
        .call("test_channel", json!({ "channel_id": mailbox }));
    until_so("the mailbox to work", || {
        desk.count("select count(*) from channel_watch where good_since is not null") == 1
    });
    an_hour_passes(&desk);
    // By now mail is a way again, which is the one she chose.
    let mended = until("the end to be mailed", || {
        let mut taken = tray.taken().into_iter();
        taken.find(|mail| mail.to == ["alia@acme.example"])
    });
    assert!(
        mended.text().contains("снова работает"),
        "{}",
        mended.text()
    );
    assert_eq!(
        desk.alia.call("get_notifications", json!({}))[0]["kind"],
        "channel_mended"
    );
    assert_eq!(times(&peer, chat, "снова работает"), 0);
    desk.check();
}

#[test]
fn where_there_is_another_mailbox_an_admin_hears_of_the_broken_one_by_it() {
    let desk = Desk::open();
    let (mut first, second) = (Tray::open(), Tray::open());
    let broken = open_mailbox(&desk, &first, json!({ "provider": "smtp" }));
    let config = json!({
        "address": "sales@acme.example",
        "smtp": { "host": "127.0.0.1", "port": second.address.port(), "security": "none" },
        "inbound": { "provider": "smtp" },
    });
    let other = json!({ "type": "email", "name": "Продажи", "config": config });
    desk.alia.call("create_channel", other);
    let letter = Letter::new("Асем <asem@client.example>", "help@acme.example", "Касса");
    deliver(&desk, &letter.text("Касса не печатает чек"));
    desk.settle();
    first.go_away();
    let test = json!({ "channel_id": broken });
    assert_eq!(
        desk.alia.ask("test_channel", &test).code(),
        "channel_failed"
    );
    let id = desk.count("select id from ticket");
    let answer = json!({ "ticket_id": id, "message": "Смотрим" });
    desk.omar.call("add_message", answer);
    let known =
        "select count(*) from channel_watch where bad_since is not null and told_at is null";
    until_so("the trouble to be seen", || desk.count(known) == 1);
    an_hour_passes(&desk);
    let mail = second.nth(1);
    assert_eq!(mail.to, ["alia@acme.example"]);
    assert!(
        mail.text().contains("Канал «Почта» не работает"),
        "{}",
        mail.text()
    );
    assert_eq!(first.taken().len(), 0);
}
