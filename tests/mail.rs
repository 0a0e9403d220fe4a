//! Mail as mail programs and mail servers really write it, by the hundred: each of `fixtures/mail` is handed to the SMTP
//! listener of one running desk, and what becomes of it is what its row of `fixtures/mail.jsonl` says, by the rule that it says.
//!
//! A mail that stands for an answer names what it answers in double braces: `{{our}}` and `{{their}}` are the Message-IDs of
//! the desk's answer and of the mail that opened the ticket, `{{reply_to}}` the address that answers go to, `{{ticket}}` the
//! number. Each such mail answers a ticket of its own.
//!
//! Before it is handed over, the desk is asked what would become of it: what it says is what becomes of it then.
use crate::support::{
    Desk, Tray,
    http::Request,
    post::{self, Letter, MAILBOX, SIGNING_KEY, deliver, deliver_bytes},
    tray::Taken,
    until, until_so,
};
use data_encoding::BASE64;
use serde_json::{Value, json};
use std::{collections::HashMap, fs, path::Path};

/// Who opens the tickets that are answered.
const CLIENT: &str = "Асем Нурланова <asem@client.example>";
/// What the desk answers to it.
const ANSWER: &str = "Здравствуйте! Перезагрузите принтер и проверьте кабель.";

/// A ticket that came by mail and was answered by mail.
struct Talk {
    ticket: i64,
    answer: i64,
    names: HashMap<&'static str, String>,
}

/// A desk, the mails that left it, and what they have in common.
struct Lab {
    desk: Desk,
    tray: Tray,
    channel: i64,
    other: Option<Talk>,
    loop_header: String,
}

fn header(mail: &Taken, name: &str) -> String {
    let parsed = mail.parsed();
    let value = parsed.header_raw(name).unwrap_or_default();
    value.trim().to_owned()
}

impl Lab {
    fn open() -> Lab {
        let (desk, tray) = (Desk::open(), Tray::open());
        let config = json!({
            "address": MAILBOX,
            "from_name": "Acme",
            "signature": "С уважением, Acme",
            "acknowledge": true,
            "smtp": { "host": "127.0.0.1", "port": tray.address.port(), "security": "none" },
            "inbound": { "provider": "smtp" },
        });
        let body = json!({ "type": "email", "name": "Почта", "config": config });
        let channel = desk.alia.call("create_channel", body)["id"]
            .as_i64()
            .unwrap();
        let mut lab = Lab {
            desk,
            tray,
            channel,
            other: None,
            loop_header: String::new(),
        };
        lab.other = Some(lab.talk("Другой Клиент <other@client.example>", "other"));
        let taken = lab.tray.taken();
        let marked = taken.iter().map(|mail| header(mail, "X-Tehprof-Loop"));
        lab.loop_header = marked
            .into_iter()
            .find(|value| !value.is_empty())
            .expect("an acknowledgement bears the header");
        lab
    }

    /// A ticket opened by mail and answered.
    fn talk(&self, from: &str, name: &str) -> Talk {
        let their = format!("opening-{name}@client.example");
        let letter = Letter::new(from, MAILBOX, "Не печатает принтер");
        let opening = letter.message_id(&their).text("Помогите, пожалуйста");
        deliver(&self.desk, &opening);
        self.desk.settle();
        let find = "select ticket_id from message where mail_id = ?1";
        let ticket: i64 = self
            .desk
            .look()
            .query_row(find, [&their], |row| row.get(0))
            .unwrap();
        let before = self.tray.taken().len();
        let body = json!({ "ticket_id": ticket, "message": ANSWER });
        let answer = self.desk.omar.call("add_message", body)["id"]
            .as_i64()
            .unwrap();
        let prefix = format!("tp.{ticket}.{answer}.");
        let mail = until("the answer to leave", || {
            let taken = self.tray.taken();
            taken
                .into_iter()
                .skip(before)
                .find(|mail| mail.message_id().starts_with(&prefix))
        });
        self.settled(answer);
        let (our, reply_to) = (mail.message_id(), mail.reply_to());
        let names = HashMap::from([
            ("OUR", our.to_uppercase()),
            ("our", our),
            ("their", their),
            ("REPLY_TO", reply_to.to_uppercase()),
            ("reply_to", reply_to),
            ("ticket", ticket.to_string()),
        ]);
        Talk {
            ticket,
            answer,
            names,
        }
    }

    /// Waits until the answer is noted as sent, so that what is said of it later comes later.
    fn settled(&self, answer: i64) {
        let sql = format!(
            "select count(*) from message where id = {answer} and delivery_status = 'sent'"
        );
        until("the answer to be noted as sent", || {
            (self.desk.count(&sql) == 1).then_some(())
        });
    }

    /// A text with the names in it filled in; a form writes a plus sign in its own way.
    fn filled(&self, text: &[u8], talk: Option<&Talk>, plus: &str) -> Vec<u8> {
        let mut filled = text.to_vec();
        let mut names: Vec<(String, String)> = Vec::new();
        if let Some(talk) = talk {
            names.extend(talk.names.iter().map(|(n, v)| ((*n).to_owned(), v.clone())));
        }
        if let Some(other) = &self.other {
            let code = other.names["reply_to"].split(['.', '@']).nth(1).unwrap();
            names.push(("foreign_code".into(), code.to_owned()));
            names.push(("other_reply_to".into(), other.names["reply_to"].clone()));
        }
        names.push(("loop".into(), self.loop_header.clone()));
        // A repeat bears the same token; another delivery has another.
        let token = blake3::hash(text).to_hex().to_string();
        let (timestamp, signature) = post::signed(SIGNING_KEY, &token);
        names.extend([
            ("token".to_owned(), token),
            ("timestamp".to_owned(), timestamp),
            ("signature".to_owned(), signature),
        ]);
        for (name, value) in names {
            let value = value.replace('+', plus);
            filled = replaced(
                &filled,
                format!("{{{{{name}}}}}").as_bytes(),
                value.as_bytes(),
            );
        }
        filled
    }

    /// Hands over a row's delivery and tells in words what of it became otherwise than the row says.
    fn judge(&self, name: &str, row: &Value, raw: &[u8], way: &Way) -> Vec<String> {
        let row_text = row.to_string();
        let named = ["our", "OUR", "their", "reply_to", "REPLY_TO", "ticket"]
            .map(|n| format!("{{{{{n}}}}}"));
        let answers = row["before"].is_string()
            || named
                .iter()
                .any(|name| contains(raw, name.as_bytes()) || row_text.contains(name));
        let talk = answers.then(|| self.talk(CLIENT, name));
        if let Some(talk) = &talk {
            self.prepare(talk, &row["before"]);
        }
        let row: Value =
            serde_json::from_slice(&self.filled(row_text.as_bytes(), talk.as_ref(), "+")).unwrap();
        let is_form = row["content_type"] == "application/x-www-form-urlencoded";
        let raw = self.filled(raw, talk.as_ref(), if is_form { "%2B" } else { "+" });
        let mut wrong = Vec::new();
        self.quiet();
        let stored = self.standing();
        let foretold = self.foretold(&row, &raw, way);
        if self.standing() != stored {
            wrong.push("asking what would become of it changed something".to_owned());
        }
        let before = self.events();
        self.hand_over(&row, &raw, way);
        let found = self.found(talk.as_ref());
        wrong.extend(differences(&row, &found));
        wrong.extend(unforeseen(&foretold, &found));
        if self.events() != before + 1 {
            wrong.push("it was not stored once".to_owned());
        }
        if let (Some(talk), "message") = (&talk, row["outcome"].as_str().unwrap()) {
            let own = match row["joined"].as_str() {
                Some("other") => self.other.as_ref().unwrap().ticket,
                _ => talk.ticket,
            };
            if found["ticket"] != own {
                wrong.push(format!("it joined {} and not {own}", found["ticket"]));
            }
        }
        if row["repeats"] == true {
            self.hand_over(&row, &raw, way);
            let again = self.found(None);
            if (&again["outcome"], &again["rule"]) != (&json!("ignored"), &json!("duplicate")) {
                wrong.push(format!("the repeat became {again}"));
            }
        }
        wrong
    }

    fn hand_over(&self, row: &Value, raw: &[u8], way: &Way) {
        match way {
            Way::Smtp => {
                let to = row["to"].as_str().unwrap_or(MAILBOX);
                deliver_bytes(&self.desk, row["from"].as_str().unwrap(), to, raw);
            }
            Way::Hook { channel, proof } => {
                let path = format!("/api/channel-webhook.php?type=email&channel={channel}{proof}");
                let kind = row["content_type"].as_str().unwrap();
                let request = Request::post(&path).body(kind, raw.to_vec());
                assert_eq!(self.desk.nobody().send(&request).status, 200, "{row}");
            }
        }
        self.desk.settle();
    }

    /// What the desk says would become of it.
    fn foretold(&self, row: &Value, raw: &[u8], way: &Way) -> Value {
        let mut body = json!({ "source": BASE64.encode(raw), "encoding": "base64" });
        match way {
            Way::Smtp => {
                body["channel_id"] = self.channel.into();
                body["from"] = row["from"].clone();
                body["to"] = row["to"].as_str().unwrap_or(MAILBOX).into();
            }
            Way::Hook { channel, .. } => {
                body["channel_id"] = (*channel).into();
                let is_event = row["content_type"] == "application/json";
                body["format"] = if is_event { "event" } else { "form" }.into();
            }
        }
        let said = self.desk.alia.call("explain_inbound", body);
        assert_eq!(said["parts"].as_array().unwrap().len(), 1);
        said["parts"][0].clone()
    }

    /// How many rows each table has, and which is the last; and how many files there are.
    fn standing(&self) -> (String, usize) {
        let conn = self.desk.look();
        let tables = "select name from sqlite_schema where type = 'table' and sql not like '%virtual%' and sql not like '%without rowid%'";
        let mut query = conn.prepare(tables).unwrap();
        let names = query.query_map([], |row| row.get::<_, String>(0)).unwrap();
        let mut told = String::new();
        for name in names.map(Result::unwrap) {
            let sql = format!("select count(*) || ':' || coalesce(max(rowid), 0) from \"{name}\"");
            let counted: String = conn.query_row(&sql, [], |row| row.get(0)).unwrap();
            told.push_str(&format!("{name} {counted}\n"));
        }
        (told, self.desk.dir.files("files").len())
    }

    fn prepare(&self, talk: &Talk, before: &Value) {
        let id = talk.ticket;
        let omar = &self.desk.omar;
        match before.as_str() {
            None => {}
            Some("done") => {
                omar.call(
                    "complete_ticket",
                    json!({ "ticket_id": id, "result": "Кабель" }),
                );
            }
            Some("deleted") => {
                self.desk
                    .alia
                    .call("delete_ticket", json!({ "ticket_id": id }));
            }
            Some("merged") => {
                let target = self.other.as_ref().unwrap().ticket;
                self.desk.saule.call(
                    "merge_tickets",
                    json!({ "source_id": id, "target_id": target }),
                );
            }
            Some(other) => panic!("{other}"),
        }
    }

    /// Waits until everything that is to leave has left.
    fn quiet(&self) {
        until_so("everything to leave", || {
            self.desk
                .count("select count(*) from outbox where state = 'queued'")
                == 0
        });
    }

    fn events(&self) -> i64 {
        self.desk.count("select count(*) from inbound_event")
    }

    /// What became of the last delivery.
    fn found(&self, talk: Option<&Talk>) -> Value {
        let events = self
            .desk
            .alia
            .call("list_channel_events", json!({ "limit": 1 }));
        let event = &events["events"][0];
        let mut found = json!({ "outcome": event["outcome"], "rule": event["rule"], "detail": event["detail"], "ticket": event["ticket_id"] });
        if let Some(talk) = talk
            && let Some(whole) = self.whole(talk.ticket)
        {
            let message = message_of(&whole, talk.answer);
            found["delivery"] = message["delivery_status"].clone();
            found["why"] = message["delivery_error"].clone();
            found["status_after"] = whole["ticket"]["status"].clone();
        }
        let (Some(ticket), Some(message)) =
            (event["ticket_id"].as_i64(), event["message_id"].as_i64())
        else {
            return found;
        };
        let whole = self.whole(ticket).expect("the ticket is there");
        let message = message_of(&whole, message);
        let text = message["message"].as_str().unwrap();
        found["subject"] = whole["ticket"]["subject"].clone();
        let name = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        found["who"] = format!(
            "{} <{}>",
            name(&whole["ticket"]["creator_name"]),
            name(&whole["ticket"]["creator_email"])
        )
        .into();
        found["author"] = message["author_name"].clone();
        found["text"] = text.into();
        found["shown"] = shown(text, message["quoted_from"].as_u64()).into();
        found["rich"] = message["html"].as_str().map(visible).into();
        for flag in ["note", "unverified", "automatic"] {
            let field = if flag == "note" { "is_note" } else { flag };
            found[flag] = (message[field] == true).into();
        }
        let names = |inline: bool| {
            let files = message["files"].as_array().into_iter().flatten();
            let kept = files.filter(|file| (file["inline"] == true) == inline);
            kept.map(|file| file["name"].clone()).collect::<Vec<_>>()
        };
        found["files"] = names(false).into();
        found["inline"] = names(true).into();
        let one = message["id"].as_i64().unwrap();
        let acks = format!(
            "select count(*) from outbox where message_id = {one} and kind = 'acknowledgement'"
        );
        found["ack"] = (self.desk.count(&acks) == 1).into();
        found["cc"] = self.participants(ticket).into();
        found
    }

    /// A ticket, unless it is in the bin or went on in another.
    fn whole(&self, ticket: i64) -> Option<Value> {
        let reply = self
            .desk
            .omar
            .ask("get_ticket", &json!({ "ticket_id": ticket }));
        (reply.status == 200).then(|| reply.data())
    }

    fn participants(&self, ticket: i64) -> Vec<String> {
        let conn = self.desk.look();
        let mut query = conn
            .prepare("select email from participant where ticket_id = ?1 order by email")
            .unwrap();
        let rows = query.query_map([ticket], |row| row.get(0)).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    }
}

/// How a delivery reaches the desk.
enum Way {
    Smtp,
    /// By the webhook of this channel; with what its address bears as a proof.
    Hook {
        channel: i64,
        proof: &'static str,
    },
}

fn message_of(whole: &Value, id: i64) -> Value {
    let messages = whole["messages"].as_array().unwrap();
    let found = messages.iter().find(|m| m["id"] == id);
    found.cloned().unwrap_or_default()
}

/// In what a delivery became otherwise than was said beforehand.
fn unforeseen(said: &Value, found: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let message = &said["message"];
    let mut compare = |what: &str, said: &Value, found: &Value| {
        if said != found {
            wrong.push(format!("{what} was foretold as {said} and is {found}"));
        }
    };
    for name in ["outcome", "rule", "detail"] {
        compare(name, &said[name], &found[name]);
    }
    if found["outcome"] == "message" {
        compare("ticket", &said["ticket"]["id"], &found["ticket"]);
    }
    if found["text"].is_string() && found["outcome"] != "delivery_report" {
        compare("subject", &said["ticket"]["subject"], &found["subject"]);
        compare("shown", &message["shown"], &found["shown"]);
        compare("author", &message["author_name"], &found["author"]);
        compare("note", &message["is_note"], &found["note"]);
        compare(
            "unverified",
            &message["is_unverified"],
            &found["unverified"],
        );
        let sent = said["outgoing"].as_array().unwrap().iter();
        let acknowledged = sent.filter(|out| out["kind"] == "acknowledgement").count() == 1;
        compare("ack", &acknowledged.into(), &found["ack"]);
        for inline in [false, true] {
            let files = message["files"].as_array().unwrap().iter();
            let names = files
                .filter(|file| file["inline"] == inline)
                .map(|file| file["name"].clone());
            let field = if inline { "inline" } else { "files" };
            compare(field, &names.collect::<Vec<_>>().into(), &found[field]);
        }
    }
    wrong
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

fn replaced(text: &[u8], name: &[u8], value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.windows(name.len()).position(|window| window == name) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(value);
        rest = &rest[at + name.len()..];
    }
    out.extend_from_slice(rest);
    out
}

/// The part of a text that is not folded.
fn shown(text: &str, from: Option<u64>) -> String {
    let units: Vec<u16> = text.encode_utf16().collect();
    let end = from.map_or(units.len(), |at| usize::try_from(at).unwrap());
    String::from_utf16(&units[..end]).unwrap()
}

/// The words of HTML that are not folded, on one line.
fn visible(html: &str) -> String {
    let mut kept = String::new();
    let mut rest = html;
    while let Some((before, after)) = rest.split_once("<details class=\"quoted\">") {
        kept.push_str(before);
        rest = after.split_once("</details>").expect("it ends").1;
    }
    kept.push_str(rest);
    let mut words = String::new();
    let mut inside = false;
    for c in kept.chars() {
        match c {
            '<' => inside = true,
            '>' if inside => {
                inside = false;
                words.push(' ');
            }
            c if !inside => words.push(c),
            _ => {}
        }
    }
    let words = [
        ("&nbsp;", " "),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(words, |text, (name, sign)| text.replace(name, sign));
    on_one_line(&words)
}

fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// In what the found differs from the wanted. Files and notes that a row does not name must not be there.
fn differences(row: &Value, found: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let is_message = row["outcome"] == "ticket" || row["outcome"] == "message";
    let absent = [
        ("files", json!([])),
        ("inline", json!([])),
        ("note", json!(false)),
        ("unverified", json!(false)),
    ];
    let mut wanted: HashMap<String, Value> = HashMap::new();
    if is_message {
        wanted.extend(absent.map(|(name, value)| (name.to_owned(), value)));
    }
    for (name, value) in row.as_object().unwrap() {
        match name.as_str() {
            "mail" | "form" | "content_type" | "from" | "to" | "repeats" | "before" | "joined"
            | "rich" | "why" => {}
            _ if value.is_null() => drop(wanted.remove(name)),
            _ => drop(wanted.insert(name.clone(), value.clone())),
        }
    }
    for (name, value) in &wanted {
        if found[name] != *value {
            wrong.push(format!("{name} is {} and not {value}", found[name]));
        }
    }
    if let Some(why) = row["why"].as_str()
        && !found["why"].as_str().unwrap_or_default().contains(why)
    {
        wrong.push(format!("why is {} and does not tell {why}", found["why"]));
    }
    // Where a mail came as HTML too, both forms are folded at the same place.
    if let (Some(rich), Some(text)) = (found["rich"].as_str(), row.get("rich").or(row.get("shown")))
    {
        let text = on_one_line(text.as_str().unwrap());
        if rich.replace(' ', "") != text.replace(' ', "") {
            wrong.push(format!("the HTML shows {rich:?} and not {text:?}"));
        }
    }
    wrong
}

/// The rows of a table with the files that they name, which are all of their folder.
fn corpus(table: &str, folder: &str, field: &str) -> Vec<(Value, Vec<u8>)> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let table = fs::read_to_string(fixtures.join(table)).unwrap();
    let rows = table.lines().map(|line| {
        let row: Value = serde_json::from_str(line).unwrap();
        let raw = fs::read(fixtures.join(folder).join(row[field].as_str().unwrap())).unwrap();
        (row, raw)
    });
    let rows: Vec<_> = rows.collect();
    let files = fs::read_dir(fixtures.join(folder)).unwrap().count();
    assert_eq!(rows.len(), files, "every file has its row");
    rows
}

fn all_right(lab: &Lab, rows: &[(Value, Vec<u8>)], field: &str, way: &Way) {
    let mut wrong = Vec::new();
    for (row, raw) in rows {
        let name = row[field].as_str().unwrap();
        for fault in lab.judge(name, row, raw, way) {
            wrong.push(format!("{name}: {fault}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(lab.desk.alarms(), Vec::<String>::new());
    lab.desk.check();
}

#[test]
fn every_mail_of_the_corpus_becomes_what_the_table_says() {
    let rows = corpus("mail.jsonl", "mail", "mail");
    assert!(rows.len() >= 150, "{} mails", rows.len());
    all_right(&Lab::open(), &rows, "mail", &Way::Smtp);
}

/// Opens another mailbox, which is fed by a provider's forms.
fn fed_by(lab: &Lab, address: &str, inbound: Value) -> i64 {
    let smtp = json!({ "host": "127.0.0.1", "port": lab.tray.address.port(), "security": "none" });
    let config =
        json!({ "address": address, "acknowledge": true, "smtp": smtp, "inbound": inbound });
    let body = json!({ "type": "email", "name": address, "config": config });
    let channel = lab.desk.alia.call("create_channel", body);
    channel["id"].as_i64().unwrap()
}

#[test]
fn every_form_of_mailgun_becomes_what_the_table_says() {
    let lab = Lab::open();
    let inbound = json!({ "provider": "mailgun", "signing_key": SIGNING_KEY });
    let channel = fed_by(&lab, "mg@acme.example", inbound);
    let rows = corpus("mailgun.jsonl", "mailgun", "form");
    let way = Way::Hook { channel, proof: "" };
    all_right(&lab, &rows, "form", &way);
}

#[test]
fn every_form_of_sendgrid_becomes_what_the_table_says() {
    let lab = Lab::open();
    let inbound = json!({ "provider": "sendgrid", "secret": "sg-7f3a9c1d" });
    let channel = fed_by(&lab, "sg@acme.example", inbound);
    let rows = corpus("sendgrid.jsonl", "sendgrid", "form");
    assert!(rows.len() >= 20, "{} forms", rows.len());
    let way = Way::Hook {
        channel,
        proof: "&secret=sg-7f3a9c1d",
    };
    all_right(&lab, &rows, "form", &way);
}
