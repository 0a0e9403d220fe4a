//! A person is erased: with their tickets, or out of tickets that stay; and nothing in the database names them afterwards.
use crate::{
    messengers::{telegram, update},
    support::{
        Desk, Tray,
        post::{Letter, MAILBOX, deliver, deliver_bytes, desk_with_mail, open_mailbox},
        socket::Socket,
        until, until_so,
    },
};
use rusqlite::types::ValueRef;
use serde_json::{Value, json};

/// What only one person is called, and where only they are reached.
const NAME: &str = "Зубайра Канарейкина";
const EMAIL: &str = "zubaira.kanareikina@client.example";
const PHONE: &str = "+7 701 555 77 31";
const TRACES: [&str; 4] = [NAME, "Зубайра", "zubaira.kanareikina", PHONE];

/// Deliveries whose bytes are still kept.
const RAW: &str = "select count(*) from inbound_event where raw_hash is not null";

/// Where any of these words stand: `table.column`. The index is looked through byte by byte elsewhere.
fn standing(desk: &Desk, words: &[&str]) -> Vec<String> {
    let conn = desk.look();
    let tables =
        "select name from sqlite_master where type = 'table' and sql not like 'create virtual%'";
    let mut statement = conn.prepare(tables).unwrap();
    let names = statement.query_map([], |row| row.get(0)).unwrap();
    let names: Vec<String> = names.map(Result::unwrap).collect();
    let mut found = Vec::new();
    for table in names {
        let mut rows = conn.prepare(&format!("select * from \"{table}\"")).unwrap();
        let columns: Vec<String> = rows.column_names().into_iter().map(str::to_owned).collect();
        let mut rows = rows.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for (at, column) in columns.iter().enumerate() {
                let bytes = match row.get_ref(at).unwrap() {
                    ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes),
                    _ => continue,
                };
                let place = format!("{table}.{column}");
                if words.iter().any(|word| bytes.contains(word)) && !found.contains(&place) {
                    found.push(place);
                }
            }
        }
    }
    found
}

/// The ticket with this word, once there is one.
fn ticket_of(desk: &Desk, word: &str) -> i64 {
    until("the ticket", || {
        let page = desk.omar.call("list_tickets", json!({ "search": word }));
        page["tickets"][0]["id"].as_i64()
    })
}

fn mail(desk: &Desk, letter: Letter, subject: &str) -> i64 {
    deliver(desk, &letter.text("Не печатает касса"));
    ticket_of(desk, subject)
}

fn contact(desk: &Desk, search: &str) -> Option<i64> {
    let found = desk.omar.call("list_contacts", json!({ "search": search }));
    found[0]["id"].as_i64()
}

fn whole(desk: &Desk, id: i64) -> Value {
    desk.omar.call("get_ticket", json!({ "ticket_id": id }))
}

/// A desk with a mailbox whose webhooks may lead into the machine itself.
fn open() -> (Desk, Tray) {
    let desk = Desk::open_with(&["--private-targets", "allow"]);
    let tray = Tray::open();
    open_mailbox(&desk, &tray, json!({ "provider": "smtp" }));
    (desk, tray)
}

/// Somebody with a ticket by mail, one from a site, one in the bin, and a copy of another's.
struct World {
    person: i64,
    mailed: i64,
    visited: i64,
    binned: i64,
    others: i64,
    /// Of the ticket from the site.
    token: String,
}

fn world(desk: &Desk) -> World {
    // Nobody answers there: what is to be told waits.
    let hook =
        json!({ "url": "http://127.0.0.1:9/", "events": ["ticket.created", "message.created"] });
    desk.alia.call("create_webhook", hook);
    // A receiver that nobody ever reaches: what it is to be told waits.
    let hook = json!({ "url": "https://hooks.invalid/tehprof", "events": ["ticket.created", "message.created"] });
    desk.alia.call("create_webhook", hook);
    let from = format!("{NAME} <{EMAIL}>");
    let mailed = mail(
        desk,
        Letter::new(&from, MAILBOX, "Первокасса").message_id("first@zubaira.kanareikina.example"),
        "Первокасса",
    );
    let person = contact(desk, EMAIL).unwrap();
    desk.alia.call(
        "save_contact",
        json!({ "contact_id": person, "name": NAME, "phone": PHONE }),
    );
    let copied = Letter::new("Ержан <erzhan@client.example>", MAILBOX, "Чужекасса");
    let copied = copied.header("Cc", &from).text("И у меня").formatted();
    deliver_bytes(desk, "erzhan@client.example", MAILBOX, &copied);
    let others = ticket_of(desk, "Чужекасса");
    let opened = desk.visitor().call(
        "create_ticket",
        json!({ "name": NAME, "email": EMAIL, "phone": PHONE, "subject": "Витрина", "description": "С сайта" }),
    );
    let visited = ticket_of(desk, "Витрина");
    let binned = desk.alia.call(
        "create_ticket",
        json!({ "subject": "Корзина", "description": "Выброшено", "contact_email": EMAIL, "contact_phone": PHONE }),
    )["id"]
        .as_i64()
        .unwrap();
    desk.alia
        .call("delete_ticket", json!({ "ticket_id": binned }));
    for ticket in [mailed, others] {
        desk.omar.call(
            "add_message",
            json!({ "ticket_id": ticket, "message": "Уже едем" }),
        );
    }
    World {
        person,
        mailed,
        visited,
        binned,
        others,
        token: opened["ticket_token"].as_str().unwrap().to_owned(),
    }
}

#[test]
fn a_person_is_erased_with_all_their_tickets_and_is_new_when_they_write_again() {
    let (desk, tray) = open();
    let world = world(&desk);
    until_so("what was written to have left", || tray.taken().len() >= 3);
    let places = standing(&desk, &TRACES);
    for place in [
        "contact.name",
        "event.actor_name",
        "inbound_event.envelope",
        "message.author_name",
        "outbox.recipient",
        "participant.email",
        "ticket.creator_phone",
        "webhook_delivery.body",
    ] {
        assert!(places.contains(&place.to_owned()), "{place} of {places:?}");
    }
    let mut socket = Socket::open(&desk.omar, None, None).unwrap();
    socket.next();

    let body = json!({ "contact_id": world.person, "tickets": "erase" });
    let gone = desk.alia.call("delete_contact", body.clone());
    assert_eq!(
        gone,
        json!({ "id": world.person, "deleted": true, "tickets_erased": 3, "tickets_kept": 0,
            "backups": { "hold_contact": true, "kept": null, "gone_at": null } })
    );
    let told = socket.next_that(|said| said["ticket_id"] == json!(world.mailed));
    assert_eq!(told["kind"], "ticket.deleted");
    assert_eq!(standing(&desk, &TRACES), Vec::<String>::new());
    for ticket in [world.mailed, world.visited, world.binned] {
        assert_eq!(
            desk.omar
                .refused("get_ticket", json!({ "ticket_id": ticket })),
            (400, "ticket_not_found".into())
        );
    }
    let binned = desk.saule.call("list_deleted_tickets", json!({}));
    assert_eq!(binned["total"], 0);
    let other = whole(&desk, world.others);
    assert_eq!(other["ticket"]["creator_name"], "Ержан");
    // Mails as they came bear her address in their heads; without a name in a row they leave the disk.
    assert_eq!(desk.count(RAW), 0);
    let entry = desk
        .alia
        .call("list_audit_log", json!({ "action_name": "delete_contact" }))["entries"][0]
        .clone();
    assert_eq!(entry["subject"], json!({ "contact_id": world.person }));
    assert_eq!(
        desk.alia.refused("delete_contact", body),
        (400, "contact_not_found".into())
    );

    let from = format!("{NAME} <{EMAIL}>");
    let again = mail(
        &desk,
        Letter::new(&from, MAILBOX, "Второкасса"),
        "Второкасса",
    );
    let ticket = whole(&desk, again)["ticket"].clone();
    assert_eq!(ticket["creator_name"], NAME);
    let known = desk.omar.call("list_contacts", json!({ "search": EMAIL }));
    assert_eq!(
        (&known[0]["phone"], &known[0]["tickets"]),
        (&json!(null), &json!(1))
    );
    desk.check();
}

#[test]
fn tickets_that_stay_name_nobody_and_lead_to_nobody() {
    let (desk, tray) = open();
    let world = world(&desk);
    let answer = until("the answer to her", || {
        let mut taken = tray.taken().into_iter();
        taken.find(|letter| letter.to == [EMAIL] && letter.text().contains("Уже едем"))
    });
    let visitor = desk.visitor();
    let door = json!({ "ticket_token": world.token });
    visitor.call("get_messages", door.clone());
    let mut socket = Socket::open(&desk.omar, None, None).unwrap();
    socket.next();

    let gone = desk
        .alia
        .call("delete_contact", json!({ "contact_id": world.person }));
    assert_eq!(
        (&gone["tickets_erased"], &gone["tickets_kept"]),
        (&json!(0), &json!(3))
    );
    socket.next_that(|said| {
        said["ticket_id"] == json!(world.mailed) && said["kind"] == "ticket.updated"
    });
    assert_eq!(standing(&desk, &TRACES), Vec::<String>::new());

    assert_eq!(desk.count(RAW), 0);

    let kept = whole(&desk, world.mailed);
    assert_eq!(
        (
            &kept["ticket"]["creator_name"],
            &kept["ticket"]["creator_email"]
        ),
        (&json!(""), &json!(null))
    );
    let first = &kept["messages"][0];
    assert_eq!(
        (
            &first["author_name"],
            first["message"].as_str().unwrap().trim()
        ),
        (&json!(""), "Не печатает касса")
    );
    let last = kept["history"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(last["kind"], "contact_erased");
    let restored = desk
        .saule
        .call("restore_ticket", json!({ "ticket_id": world.binned }));
    assert_eq!(restored["creator_name"], "");

    // The ticket of somebody else goes on with whoever is still there.
    let other = whole(&desk, world.others);
    assert_eq!(other["messages"][0]["author_name"], "Ержан");

    assert_eq!(visitor.refused("get_messages", door).1, "ticket_not_found");
    let unsent = desk.omar.call(
        "add_message",
        json!({ "ticket_id": world.mailed, "message": "Вы ещё там?" }),
    );
    assert_eq!(unsent["delivery_status"], "failed");

    // What she answers to an old mail begins anew, whatever code the mail bears.
    let from = format!("{NAME} <{EMAIL}>");
    let letter =
        Letter::new(&from, &answer.reply_to(), "Re: Первокасса").answering(&answer.message_id());
    deliver(&desk, &letter.text("Спасибо, приезжайте"));
    let begun = ticket_of(&desk, "приезжайте");
    assert_ne!(begun, world.mailed);
    assert_eq!(whole(&desk, begun)["ticket"]["creator_name"], NAME);
    desk.check();
}

#[test]
fn an_erased_contact_s_link_to_the_portal_ends_even_if_their_number_is_given_again() {
    let (desk, tray) = desk_with_mail();
    let client = json!({ "portal_domain": "client.example", "company_name": "Клиент" });
    desk.alia.call("create_client", client);
    let body = json!({ "name": NAME, "email": EMAIL, "portal_domain": "client.example" });
    let person = desk.alia.call("save_contact", body)["id"].clone();
    let anybody = desk.nobody().at("client");
    anybody.call("request_link", json!({ "email": EMAIL }));
    let text = tray.nth(1).text();
    let mut words = text.split_whitespace();
    let token = words.find_map(|word| word.split_once("ctoken=")).unwrap().1;
    let zubaira = desk.bearer(token);
    let hers = zubaira.call(
        "create_ticket",
        json!({ "subject": "Из портала", "description": "Текст" }),
    );
    let hers = json!({ "ticket_id": hers["id"] });
    let with = |more: Value| {
        let mut body = hers.clone();
        let more = more.as_object().unwrap().clone();
        body.as_object_mut().unwrap().extend(more);
        body
    };
    desk.omar.call("take_ticket", hers.clone());
    let work = with(json!({ "hours": 1, "description": "Работа" }));
    desk.omar.call("set_estimate", work);
    zubaira.call("approve_estimate", hers.clone());
    let done = with(json!({ "result": "Сделано" }));
    desk.omar.call("complete_ticket", done);
    zubaira.call("submit_csat", with(json!({ "rating": 5 })));
    let places = standing(&desk, &TRACES);
    for place in [
        "csat.author_name",
        "estimate.decided_by",
        "notification.actor_name",
        "notice.recipient",
    ] {
        assert!(places.contains(&place.to_owned()), "{place} of {places:?}");
    }
    // A colleague who sees all tickets of the portal reads hers afterwards.
    desk.alia.call(
        "client_settings",
        json!({ "portal_domain": "client.example", "data": { "shared_tickets": true } }),
    );
    let colleague = desk.client("client.example", 7, "Ержан");
    let id = colleague.call("list_tickets", json!({}))["tickets"][0]["id"].clone();

    desk.alia
        .call("delete_contact", json!({ "contact_id": person }));
    assert_eq!(standing(&desk, &TRACES), Vec::<String>::new());
    let refused = (403, "invalid_credential".to_owned());
    assert_eq!(zubaira.refused("me", json!({})), refused);
    let seen = colleague.call("get_ticket", json!({ "ticket_id": id, "lang": "kk" }));
    assert_eq!(seen["messages"][0]["author_name"], "Жойылған контакт");

    let next = json!({ "name": "Другая", "portal_domain": "client.example" });
    let next = desk.alia.call("save_contact", next)["id"].clone();
    assert_eq!(next, person, "else the next lines say nothing");
    assert_eq!(zubaira.refused("me", json!({})), refused);
}

#[test]
fn a_chat_of_somebody_who_was_erased_begins_anew() {
    let (desk, peer, post, _) = telegram();
    let mut first = update(1, 1001, "");
    first["message"]["from"]["first_name"] = json!(NAME);
    first["message"]["chat"]["first_name"] = json!(NAME);
    first["message"]["sticker"] = json!({ "file_id": "s", "emoji": "🔥", "is_animated": true });
    assert_eq!(post(&desk, &first).status, 200);
    let ticket = until("the ticket", || {
        let page = desk.omar.call("list_tickets", json!({}));
        page["tickets"][0]["id"].as_i64()
    });
    let subject = |id: i64| whole(&desk, id)["ticket"]["subject"].clone();
    assert_eq!(subject(ticket), format!("Сообщение: {NAME}"));
    let person = contact(&desk, NAME).unwrap();
    desk.omar.call(
        "add_message",
        json!({ "ticket_id": ticket, "message": "Слушаем" }),
    );
    until_so("the answer", || {
        peer.calls("sendMessage")
            .iter()
            .any(|call| call.text().contains("Слушаем"))
    });

    desk.alia
        .call("delete_contact", json!({ "contact_id": person }));
    assert_eq!(standing(&desk, &TRACES), Vec::<String>::new());
    assert_eq!(subject(ticket), "Сообщение");
    let found = desk
        .omar
        .call("list_tickets", json!({ "search": "канарейкина" }));
    assert_eq!(found["total"], 0);
    let unsent = desk.omar.call(
        "add_message",
        json!({ "ticket_id": ticket, "message": "Ещё там?" }),
    );
    assert_eq!(unsent["delivery_status"], "failed");

    assert_eq!(post(&desk, &update(2, 1001, "Это снова я")).status, 200);
    let begun = ticket_of(&desk, "снова");
    assert_ne!(begun, ticket);
    assert_eq!(whole(&desk, begun)["ticket"]["creator_name"], "Асем");
    desk.check();
}

#[test]
fn only_an_admin_erases_and_only_people_of_the_own_desk() {
    let desk = Desk::open();
    let body = json!({ "name": NAME, "email": EMAIL });
    let body = json!({ "contact_id": desk.omar.call("save_contact", body)["id"] });
    for caller in [&desk.omar, &desk.saule] {
        assert_eq!(
            caller.refused("delete_contact", body.clone()),
            (403, "role_required".into())
        );
    }
    let key = desk.key_of("acme", "read,write,tickets");
    assert_eq!(
        key.refused("delete_contact", body.clone()).1,
        "missing_scope"
    );
    let nobody = json!({ "contact_id": 999_999 });
    let foreign = desk.greta.ask("delete_contact", &body).json();
    let missing = desk.greta.ask("delete_contact", &nobody).json();
    assert_eq!(
        (&foreign["code"], &foreign["field"]),
        (&json!("contact_not_found"), &json!("contact_id"))
    );
    assert_eq!(foreign, missing);
    let odd = json!({ "contact_id": body["contact_id"], "tickets": "burn" });
    let refused = desk.alia.ask("delete_contact", &odd).json();
    assert_eq!(
        (&refused["code"], &refused["field"]),
        (&json!("invalid_parameter"), &json!("tickets"))
    );
    assert!(contact(&desk, EMAIL).is_some());
    assert_eq!(desk.key.call("delete_contact", body)["deleted"], true);
    assert!(contact(&desk, EMAIL).is_none());
}
