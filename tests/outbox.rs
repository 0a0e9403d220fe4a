//! What is to leave leaves: whatever ends the process, and whoever else does not answer. `TEHPROF_OUTBOX=100000:50` says how
//! many rows and how many kills; without it there are few enough for every day. A bot says about 30 things a second.
use crate::{
    messengers::{telegram, update},
    support::{
        Desk, Peer, Receiver, Tray, peer,
        post::{Letter, deliver, open_mailbox},
        receiver::Answers,
        tray::Mood,
        until_so,
    },
};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

/// How many conversations the rows are spread over.
const CHATS: i64 = 40;
/// How many bots send them. Of each, one message may be on its way when the end comes.
const BOTS: usize = 4;

/// Rows and kills.
fn extent() -> (i64, usize) {
    let given = std::env::var("TEHPROF_OUTBOX").unwrap_or_else(|_| "3000:10".to_owned());
    let (rows, kills) = given.split_once(':').expect("TEHPROF_OUTBOX=rows:kills");
    (rows.parse().unwrap(), kills.parse().unwrap())
}

/// Fills the outbox with numbered words for every chat, each of which is one bot's.
fn fill(desk: &Desk, bots: &[i64], rows: i64) {
    let mut db = Connection::open(desk.dir.database()).unwrap();
    let tx = db.transaction().unwrap();
    for (chat, bot) in (1..=CHATS).zip(bots.iter().cycle()) {
        tx.execute(
            "insert into chat (tenant_id, channel_id, address, title, created_at) values (1, ?1, ?2, ?2, 1)",
            (bot, chat.to_string()),
        )
        .unwrap();
    }
    for n in 0..rows {
        let (chat, nth) = (n % CHATS + 1, n / CHATS);
        let content = json!({ "text": nth.to_string() }).to_string();
        tx.execute(
            "insert into outbox (tenant_id, channel_id, chat_id, kind, recipient, content, next_at, created_at)
             select 1, channel_id, id, 'say', address, ?2, 1, 1 from chat where address = ?1",
            (chat.to_string(), content),
        )
        .unwrap();
    }
    tx.commit().unwrap();
}

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

/// What each chat was sent, in order.
fn arrived(peers: &[Peer]) -> BTreeMap<i64, Vec<i64>> {
    let mut all: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for call in peers.iter().flat_map(|peer| peer.calls("sendMessage")) {
        let body = call.json();
        let chat = body["chat_id"].as_i64().unwrap();
        let nth = body["text"].as_str().unwrap().parse().unwrap();
        all.entry(chat).or_default().push(nth);
    }
    all
}

#[test]
fn nothing_is_lost_and_order_is_kept_when_the_sender_is_killed_again_and_again() {
    let (rows, kills) = extent();
    let (mut desk, peer, _post, channel) = telegram();
    let (mut peers, mut bots) = (vec![peer], vec![channel["id"].as_i64().unwrap()]);
    while bots.len() < BOTS {
        let peer = Peer::telegram();
        let config = json!({ "bot_token": "123:token", "api_base": peer.url(), "mode": "webhook" });
        let body = json!({ "type": "telegram", "name": peer.url(), "config": config });
        let channel = desk.alia.call("create_channel", body);
        bots.push(channel["id"].as_i64().unwrap());
        peers.push(peer);
    }
    desk.serving.terminate();
    fill(&desk, &bots, rows);
    desk.start();
    let left = "select count(*) from outbox where state = 'queued'";
    let mut dice = Dice(2026);
    let began = Instant::now();
    for kill in 1..=kills {
        // Somewhere in the next portion, at whatever moment of sending and writing down.
        let upon = rows - rows * i64::try_from(kill).unwrap() / i64::try_from(kills + 1).unwrap();
        let began = Instant::now();
        while desk.count(left) > upon {
            assert!(
                began.elapsed() < Duration::from_secs(600),
                "the outbox does not move"
            );
            thread::sleep(Duration::from_millis(20));
        }
        thread::sleep(Duration::from_micros(dice.below(30_000)));
        desk.crash();
    }
    while desk.count(left) > 0 {
        assert!(
            began.elapsed() < Duration::from_secs(3600),
            "the outbox does not move"
        );
        thread::sleep(Duration::from_millis(20));
    }
    let (mut repeats, mut most) = (0, 0);
    let all = arrived(&peers);
    for (chat, mut sent) in all {
        let with_repeats = sent.len();
        sent.dedup();
        let per_chat = rows / CHATS + i64::from(chat <= rows % CHATS);
        assert_eq!(sent, (0..per_chat).collect::<Vec<_>>(), "chat {chat}");
        repeats += with_repeats - sent.len();
        most = most.max(with_repeats - sent.len());
    }
    println!(
        "{rows} rows, {kills} kills, {repeats} repeats in all, at most {most} in one chat, {:?}",
        began.elapsed()
    );
    assert!(
        most <= kills,
        "{most} repeats in one chat after {kills} kills"
    );
    assert!(
        repeats <= kills * BOTS,
        "{repeats} repeats after {kills} kills"
    );
    assert_eq!(
        desk.count("select count(*) from outbox where state <> 'sent'"),
        0
    );
    desk.check();
}

/// How long each of so many answers in Telegram took from the click to the provider's word, sorted.
fn paces(desk: &Desk, ticket: &Value, count: usize) -> Vec<i64> {
    let before = desk.count("select coalesce(max(id), 0) from outbox");
    let db = desk.look();
    for n in 0..count {
        let body = json!({ "ticket_id": ticket, "message": format!("Ответ {n}") });
        desk.omar.call("add_message", body);
        until_so("the answer to leave", || {
            desk.count("select count(*) from outbox where chat_id is not null and state = 'queued'")
                == 0
        });
    }
    let mut paces = db
        .prepare("select finished_at - created_at from outbox where id > ?1 and chat_id is not null order by 1")
        .unwrap();
    let paces: Vec<i64> = paces
        .query_map([before], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(paces.len(), count);
    paces
}

#[test]
fn a_dead_mail_server_and_a_hanging_receiver_slow_no_chat_down() {
    let (mut desk, peer, post, _) = telegram();
    let (tray, receiver) = (Tray::open(), Receiver::start(vec![Answers::Never; 200]));
    desk.restart_with(&["--private-targets", "allow"]);
    open_mailbox(&desk, &tray, json!({ "provider": "smtp" }));
    post(&desk, &update(1, 77, "Касса не печатает"));
    desk.settle();
    let ticket = desk.omar.call("list_tickets", json!({}))["tickets"][0]["id"].clone();
    let alone = paces(&desk, &ticket, 100);

    tray.be(Mood::Hang);
    let hook = json!({ "url": receiver.url(), "events": ["message.created", "ticket.created"] });
    desk.alia.call("create_webhook", hook);
    for n in 0..10 {
        let letter = Letter::new(
            &format!("c{n}@client.example"),
            "help@acme.example",
            "Вопрос",
        );
        deliver(&desk, &letter.text("Как настроить кассу?"));
    }
    desk.settle();
    let asked = desk
        .omar
        .call("list_tickets", json!({ "channel": "email" }));
    for row in asked["tickets"].as_array().unwrap() {
        let body = json!({ "ticket_id": row["id"], "message": "Сейчас посмотрим" });
        desk.omar.call("add_message", body);
    }
    until_so("mail and webhooks to be stuck", || {
        desk.count("select count(*) from outbox where chat_id is null and state = 'queued'") >= 10
            && !receiver.heard().is_empty()
    });
    let beside = paces(&desk, &ticket, 100);
    let p99 = |paces: &[i64]| paces[paces.len() * 99 / 100];
    println!(
        "p99 alone {} ms, beside the stuck ones {} ms",
        p99(&alone),
        p99(&beside)
    );
    // A sender that is held up stands still for tens of seconds; the machine's own noise is far below.
    assert!(
        p99(&beside) <= p99(&alone) * 5 + 1000,
        "alone {alone:?}, beside the stuck ones {beside:?}"
    );
    assert_eq!(peer.calls("sendMessage").len(), 200);
    assert!(desk.count("select count(*) from webhook_delivery where state = 'queued'") > 0);
    tray.be(Mood::Take);
}

#[test]
fn what_was_given_up_is_listed_and_sent_again_once_the_reason_is_mended() {
    let (desk, peer, post, channel) = telegram();
    post(&desk, &update(1, 77, "Касса не печатает"));
    desk.settle();
    let ticket = desk.omar.call("list_tickets", json!({}))["tickets"][0]["id"].clone();
    let refused = json!({ "ok": false, "error_code": 400, "description": "Bad Request: text must be encoded in UTF-8" });
    peer.be(peer::Mood::Answer(400, refused));
    let body = json!({ "ticket_id": ticket, "message": "Перезагрузите её" });
    desk.omar.call("add_message", body);
    let wanted = json!({ "channel_id": channel["id"], "state": "failed" });
    until_so("the answer to be given up", || {
        desk.alia.call("list_outbox", wanted.clone())["total"] == 1
    });
    let item = desk.alia.call("list_outbox", wanted.clone())["items"][0].clone();
    assert_eq!(
        (&item["kind"], &item["recipient"]),
        (&json!("answer"), &json!("77"))
    );
    assert!(
        item["last_error"].as_str().unwrap().contains("UTF-8"),
        "{item}"
    );
    let again = json!({ "outbox_id": item["id"] });
    assert_eq!(desk.omar.refused("retry_outbox", again.clone()).0, 403);
    assert_eq!(desk.greta.refused("retry_outbox", again.clone()).0, 400);
    peer.be(peer::Mood::Take);
    desk.alia.call("retry_outbox", again.clone());
    until_so("the answer to be sent", || {
        let whole = desk.omar.call("get_ticket", json!({ "ticket_id": ticket }));
        whole["messages"][1]["delivery_status"] == "sent"
    });
    assert_eq!(desk.alia.call("list_outbox", wanted)["total"], 0);
    assert_eq!(
        desk.alia.refused("retry_outbox", again).0,
        400,
        "it has left"
    );
}
