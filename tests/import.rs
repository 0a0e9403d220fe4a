//! Another desk's data comes in beside a running server: first as a report that changes nothing, then for good, and again
//! without doubling anything.
use crate::support::{Desk, desk::Dir, http};
use serde_json::{Value, json};
use std::{fs, path::PathBuf};

/// A file of the fixtures.
fn fixture(name: &str) -> String {
    let place = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/import");
    place.join(name).to_str().unwrap().to_owned()
}

/// Runs an import into acme, and answers its report.
#[track_caller]
fn import(dir: &Dir, from: &str, file: &str, more: &[&str]) -> Value {
    let arguments = ["import", "--from", from, file, "--tenant", "acme", "--json"];
    let said = dir.run(&[&arguments, more].concat(), "");
    serde_json::from_str(&said).unwrap()
}

/// A ticket as somebody sees it who only looks.
fn by_number(desk: &Desk, id: &Value) -> Value {
    let body = json!({ "ticket_id": id, "mark_read": false });
    desk.omar.call("get_ticket", body)
}

/// The ticket here whose subject that is.
fn ticket(desk: &Desk, subject: &str) -> Value {
    let found = desk.omar.call("list_tickets", json!({ "search": subject }));
    let id = &found["tickets"][0]["id"];
    assert!(id.is_number(), "{subject}: {found}");
    by_number(desk, id)["ticket"].clone()
}

fn messages(desk: &Desk, ticket: &Value) -> Vec<Value> {
    let whole = by_number(desk, &ticket["id"]);
    whole["messages"].as_array().unwrap().clone()
}

#[test]
fn an_export_of_zendesk_is_weighed_then_brought_then_brought_again() {
    let desk = Desk::open();
    let (file, folder) = (fixture("zendesk.ndjson"), fixture("attachments"));
    let attachments = ["--attachments", folder.as_str()];
    let weighed = import(&desk.dir, "zendesk", &file, &attachments);
    assert_eq!(weighed["applied"], false);
    assert_eq!(weighed["new_tickets"], 2);
    assert_eq!(weighed["new_messages"], 6);
    assert_eq!(weighed["left_out"], json!({ "deleted": 1 }));
    assert_eq!(weighed["new_contacts"], json!(["dana@zavod.kz"]));
    assert_eq!(weighed["new_clients"], json!(["ТОО «Завод» (zavod.kz)"]));
    assert_eq!(weighed["new_tags"], json!(["гарантия", "принтер"]));
    assert_eq!(weighed["new_files"], 1);
    assert_eq!(weighed["missing_files"], json!(["35436: lost.pdf"]));
    assert_eq!(
        weighed["agents_without_account"],
        json!(["Jane Gone <jane@elsewhere.example>"])
    );
    for table in ["ticket", "contact", "client", "file", "imported_ticket"] {
        assert_eq!(
            desk.count(&format!("select count(*) from {table}")),
            0,
            "{table}"
        );
    }

    let apply = [&attachments[..], &["--apply"]].concat();
    let brought = import(&desk.dir, "zendesk", &file, &apply);
    assert_eq!(brought["applied"], true);
    for figure in [
        "new_tickets",
        "new_messages",
        "new_files",
        "new_contacts",
        "new_clients",
    ] {
        assert_eq!(brought[figure], weighed[figure], "{figure}");
    }
    let printer = ticket(&desk, "Принтер");
    // It was done so long ago that the calendar has closed it.
    assert_eq!(printer["status"], "closed");
    assert_eq!(printer["priority"], "urgent");
    assert_eq!(printer["channel"], "email");
    assert_eq!(printer["assigned_name"], "Омар Сеитов");
    assert_eq!(printer["creator_email"], "dana@zavod.kz");
    assert_eq!(printer["creator_phone"], "+77010000001");
    assert_eq!(printer["client"]["portal_domain"], "zavod.kz");
    assert_eq!(printer["created_at"], "2025-02-03T04:10:00.000Z");
    assert_eq!(printer["closed_at"], "2025-02-05T09:00:00.000Z");
    assert_eq!(printer["first_response_at"], "2025-02-05T08:55:00.000Z");
    assert_eq!(printer["unread_count"], 0);
    assert!(printer["sla_response_at"].is_null());
    let said = messages(&desk, &printer);
    let about: Vec<_> = said
        .iter()
        .map(|m| {
            (
                m["author_type"].clone(),
                m["author_name"].clone(),
                m["is_note"].clone(),
            )
        })
        .collect();
    assert_eq!(
        about,
        [
            (json!("client"), json!("Дана Ким"), json!(false)),
            (json!("support"), json!("Омар Сеитов"), json!(true)),
            (json!("support"), json!("Jane Gone"), json!(false)),
        ]
    );
    assert_eq!(said[0]["created_at"], "2025-02-03T04:10:00.000Z");
    let html = said[0]["html"].as_str().unwrap();
    assert!(
        html.contains("<b>полосы</b>") && !html.contains("script"),
        "{html}"
    );
    let file = &said[0]["files"][0];
    assert_eq!(file["name"], "полосы.txt");
    let bytes = desk.omar.get(file["url"].as_str().unwrap());
    assert_eq!(bytes.text(), "полосы на листе\n");
    // The last word is the client's, and nobody here has seen it.
    let access = ticket(&desk, "Доступ к 1С");
    assert_eq!(
        (&access["status"], &access["unread_count"]),
        (&json!("in_progress"), &json!(1))
    );
    // Nothing leaves because of it.
    assert_eq!(desk.count("select count(*) from outbox"), 0);
    assert_eq!(desk.count("select count(*) from notification"), 0);
    desk.check();

    let again = import(&desk.dir, "zendesk", &fixture("zendesk.ndjson"), &apply);
    assert_eq!(again["unchanged_tickets"], 2);
    assert_eq!(
        (&again["new_tickets"], &again["new_messages"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(desk.count("select count(*) from message"), 6);
}

#[test]
fn what_changed_there_comes_and_what_people_changed_here_stays() {
    let desk = Desk::open();
    let (first, later) = (fixture("zendesk.ndjson"), fixture("zendesk-events.json"));
    import(&desk.dir, "zendesk", &first, &["--apply"]);
    let weighed = import(&desk.dir, "zendesk", &later, &[]);
    assert_eq!(
        (&weighed["changed_tickets"], &weighed["new_messages"]),
        (&json!(1), &json!(1))
    );
    let fields: Vec<&str> = weighed["differences"][0]["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|field| field["field"].as_str().unwrap())
        .collect();
    assert_eq!(fields, ["subject", "status", "priority", "assigned_to"]);
    // Somebody here takes it before it is brought.
    let id = ticket(&desk, "Доступ к 1С")["id"].clone();
    desk.saule.call("take_ticket", json!({ "ticket_id": id }));
    let kept = import(&desk.dir, "zendesk", &later, &["--apply"]);
    assert_eq!(
        (&kept["kept_tickets"], &kept["new_messages"]),
        (&json!(1), &json!(1))
    );
    let access = by_number(&desk, &json!(id))["ticket"].clone();
    assert_eq!(access["assigned_name"], "Сауле Ахметова");
    assert_eq!(access["status"], "in_progress");
    assert_eq!(
        messages(&desk, &access).last().unwrap()["message"],
        "Доступ открыт"
    );
    // What is thrown away here does not come back.
    desk.alia.call("delete_ticket", json!({ "ticket_id": id }));
    let gone = import(&desk.dir, "zendesk", &later, &["--apply"]);
    assert_eq!(
        (&gone["deleted_tickets"], &gone["new_tickets"]),
        (&json!(1), &json!(0))
    );
    desk.check();
}

#[test]
fn untouched_tickets_follow_the_other_desk() {
    let desk = Desk::open();
    import(
        &desk.dir,
        "zendesk",
        &fixture("zendesk.ndjson"),
        &["--apply", "--keep-numbers"],
    );
    let access = by_number(&desk, &json!(35437))["ticket"].clone();
    assert_eq!(access["subject"], "Доступ к 1С");
    import(
        &desk.dir,
        "zendesk",
        &fixture("zendesk-events.json"),
        &["--apply"],
    );
    let access = by_number(&desk, &json!(35437))["ticket"].clone();
    assert_eq!(access["subject"], "Доступ к 1С для бухгалтера");
    assert_eq!(
        (&access["status"], &access["priority"]),
        (&json!("closed"), &json!("urgent"))
    );
    assert_eq!(access["tags"][0]["name"], "доступ");
    // The numbers go on after the highest that came.
    assert_eq!(desk.ticket("Следующая"), 35438);
    desk.check();
}

/// Who an operator's row says they are.
fn operator(desk: &Desk, email: &str) -> Option<(String, String, bool, bool)> {
    let sql = "select name, role, is_active, password_hash is null from operator where email = ?1";
    let row = desk.look().query_row(sql, [email], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
    });
    row.ok()
}

/// An export of Zendesk with one ticket, which is for an admin there who has no account here.
fn zendesk_of_aidana(desk: &Desk) -> String {
    let page = json!({
        "users": [
            { "id": 13, "name": "Айдана Ким", "email": "Aidana@acme.example", "role": "admin", "active": true },
            { "id": 14, "name": "Greta Holm", "email": "greta@globex.example", "role": "agent" },
            { "id": 15, "name": "Ушедший", "email": "gone@acme.example", "role": "agent", "suspended": true },
            { "id": 16, "name": "Без почты", "role": "agent" },
            { "id": 21, "name": "Дана Ким", "email": "dana@zavod.kz", "role": "end-user" },
        ],
        "tickets": [{
            "id": 40001, "subject": "Настроить почту", "status": "open", "requester_id": 21, "assignee_id": 13,
            "description": "Не приходит", "created_at": "2025-02-03T04:10:00Z", "updated_at": "2025-02-03T04:10:00Z",
        }],
    });
    let file = desk.dir.0.join("aidana.json");
    fs::write(&file, page.to_string()).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn agents_get_accounts_without_a_password_and_their_tickets_with_them() {
    let desk = Desk::open();
    let file = zendesk_of_aidana(&desk);
    let without = import(
        &desk.dir,
        "zendesk",
        &file,
        &["--apply", "--without-agents"],
    );
    assert_eq!(without["new_operators"], json!([]));
    assert_eq!(operator(&desk, "aidana@acme.example"), None);
    assert!(ticket(&desk, "Настроить почту")["assigned_to"].is_null());

    let weighed = import(&desk.dir, "zendesk", &file, &[]);
    assert_eq!(
        weighed["new_operators"],
        json!(["Айдана Ким <aidana@acme.example>"])
    );
    assert_eq!(
        weighed["agents_of_other_tenants"],
        json!(["Greta Holm <greta@globex.example>"])
    );
    assert_eq!(weighed["agents_without_account"], json!([]));
    let differs = &weighed["differences"][0];
    assert_eq!(
        (&differs["what"], &differs["fields"]),
        (
            &json!("changed"),
            &json!([
                { "field": "assigned_to", "here": "", "there": "aidana@acme.example" },
            ])
        )
    );
    assert_eq!(operator(&desk, "aidana@acme.example"), None);

    let brought = import(&desk.dir, "zendesk", &file, &["--apply"]);
    assert_eq!(
        (&brought["new_operators"], &brought["changed_tickets"]),
        (&weighed["new_operators"], &json!(1))
    );
    let aidana = operator(&desk, "aidana@acme.example").unwrap();
    // Whoever was an admin there is none here until an admin says so.
    assert_eq!(aidana, ("Айдана Ким".into(), "operator".into(), true, true));
    assert_eq!(operator(&desk, "gone@acme.example"), None);
    assert_eq!(
        ticket(&desk, "Настроить почту")["assigned_name"],
        "Айдана Ким"
    );
    let link = desk
        .dir
        .run(&["operator", "reset-password", "aidana@acme.example"], "");
    assert!(link.contains("#/password?token="), "{link}");

    let again = import(&desk.dir, "zendesk", &file, &["--apply"]);
    assert_eq!(
        (&again["new_operators"], &again["unchanged_tickets"]),
        (&json!([]), &json!(1))
    );
    // Whoever was taken off the desk here stays off it.
    let id = desk.count("select id from operator where email = 'aidana@acme.example'");
    desk.alia
        .call("remove_operator", json!({ "operator_id": id }));
    let after = import(&desk.dir, "zendesk", &file, &["--apply"]);
    assert_eq!(after["new_operators"], json!([]));
    assert!(!operator(&desk, "aidana@acme.example").unwrap().2);
    desk.check();
}

#[test]
fn agents_of_dumps_get_accounts_unless_they_have_left() {
    let desk = Desk::open();
    for (from, there, gone) in [
        (
            "freescout",
            "(1,'Омар','Сеитов','omar@acme.example','$2y$10$abcdefghijklmnopqrstuv')",
            "status",
        ),
        (
            "osticket",
            "(1,'Омар','Сеитов','$2a$08$secret','omar@acme.example','','')",
            "isactive",
        ),
    ] {
        let text = fs::read_to_string(fixture(&format!("{from}.sql"))).unwrap();
        assert!(text.contains(there), "{from}");
        let column = format!("  `{gone}` tinyint NOT NULL,\n  PRIMARY KEY");
        let table = if from == "freescout" {
            "CREATE TABLE `users`"
        } else {
            "CREATE TABLE `ost_staff`"
        };
        let place = text.find(table).unwrap();
        let (before, after) = text.split_at(place);
        let after = after.replacen("  PRIMARY KEY", &column, 1);
        let person = |email: &str, number: &str, flag: u8| {
            let row = there
                .replacen("(1", &format!("({number}"), 1)
                .replace("omar@", &format!("{email}.{from}@"));
            format!("{},{flag})", row.strip_suffix(')').unwrap())
        };
        let left = if from == "freescout" { 3 } else { 0 };
        let people = format!("{},{}", person("nurlan", "1", 1), person("left", "2", left));
        let file = desk.dir.0.join(format!("{from}.sql"));
        fs::write(&file, format!("{before}{}", after.replace(there, &people))).unwrap();
        let report = import(&desk.dir, from, file.to_str().unwrap(), &["--apply"]);
        let named = format!("Омар Сеитов <nurlan.{from}@acme.example>");
        assert_eq!(report["new_operators"], json!([named]), "{from}");
        let assigned = "select count(*) from ticket t join operator o on o.id = t.assigned_to where o.email = 'nurlan.' || ?1 || '@acme.example'";
        let tickets: i64 = desk
            .look()
            .query_row(assigned, [from], |row| row.get(0))
            .unwrap();
        assert!(tickets > 0, "{from}");
    }
    desk.check();
}

#[test]
fn agents_whom_the_plan_does_not_take_stop_the_import_before_anything_comes() {
    let desk = Desk::open();
    desk.dir
        .run(&["tenant", "update", "acme", "--plan", "free"], "");
    let file = zendesk_of_aidana(&desk);
    let weighed = import(&desk.dir, "zendesk", &file, &[]);
    let words = weighed["too_many_operators"].as_str().unwrap();
    assert!(
        words.starts_with("the tenant's plan has 1 operators, 1 are here and 1 more would come"),
        "{words}"
    );
    let arguments = [
        "import", "--from", "zendesk", &file, "--tenant", "acme", "--apply",
    ];
    let refused = desk.dir.cli(&arguments, "");
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(
        said.contains("nothing was imported: the tenant's plan has 1 operators"),
        "{said}"
    );
    for table in ["ticket", "contact", "imported_ticket"] {
        let rows = desk.count(&format!("select count(*) from {table}"));
        assert_eq!(rows, 0, "{table}");
    }
    assert_eq!(operator(&desk, "aidana@acme.example"), None);
    let brought = import(
        &desk.dir,
        "zendesk",
        &file,
        &["--apply", "--without-agents"],
    );
    assert_eq!(brought["new_tickets"], 1);
    desk.check();
}

#[test]
fn a_dump_of_freescout_comes_with_its_people_and_files() {
    let desk = Desk::open();
    let folder = fixture("attachments");
    let report = import(
        &desk.dir,
        "freescout",
        &fixture("freescout.sql"),
        &["--apply", "--attachments", &folder],
    );
    assert_eq!(report["new_tickets"], 2);
    assert_eq!(report["left_out"], json!({ "drafts": 1, "spam": 1 }));
    assert_eq!(report["companies_without_domain"], json!(["Север"]));
    // A way out of the folder leads nowhere.
    assert_eq!(report["missing_files"], json!(["1: passwd"]));
    let plan = ticket(&desk, "План работ");
    assert_eq!(
        (&plan["status"], &plan["assigned_name"]),
        (&json!("closed"), &json!("Омар Сеитов"))
    );
    assert_eq!(plan["creator_phone"], "+7 701 222 33 44");
    assert_eq!(plan["tags"][0]["name"], "план");
    let said = messages(&desk, &plan);
    let texts: Vec<_> = said
        .iter()
        .map(|m| m["message"].as_str().unwrap())
        .collect();
    assert_eq!(
        texts,
        [
            "Пришлите, пожалуйста,\nплан; на 'март'",
            "Отправили",
            "позвонить в пятницу"
        ]
    );
    assert_eq!(
        (&said[2]["is_note"], &said[0]["files"][0]["name"]),
        (&json!(true), &json!("план.txt"))
    );
    assert_eq!(ticket(&desk, "Ждём")["status"], "on_hold");
    desk.check();
}

#[test]
fn a_dump_of_osticket_carries_its_files_in_itself() {
    let desk = Desk::open();
    let report = import(
        &desk.dir,
        "osticket",
        &fixture("osticket.sql"),
        &["--apply", "--timezone", "Asia/Almaty"],
    );
    assert_eq!(
        (&report["new_tickets"], &report["new_files"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(report["left_out"], json!({ "deleted": 1 }));
    let server = ticket(&desk, "Сервер недоступен");
    assert_eq!(
        (&server["status"], &server["priority"]),
        (&json!("in_progress"), &json!("urgent"))
    );
    // The dump's times are those of a clock in Almaty, which was at +05:00 then.
    assert_eq!(server["created_at"], "2025-04-01T06:00:00.000Z");
    assert_eq!(server["client"]["portal_domain"], "yug.kz");
    let said = messages(&desk, &server);
    assert_eq!(said.len(), 3);
    assert_eq!(said[1]["message"], "Смотрим");
    let file = &said[0]["files"][0];
    let path = file["url"].as_str().unwrap();
    let request = http::Request::get(path);
    let reply = http::send(desk.omar.address(), &request).unwrap();
    assert_eq!(reply.body, b"\x89PNG\r\n\x1a\n\xff");
    desk.check();
}

#[test]
fn a_table_of_russian_excel_is_read() {
    let desk = Desk::open();
    let table = "Ticket;Subject;Status;Priority;Requester email;Requester name;Created at;Message;Kind;Message at;Author email;Цвет\r\n\
                 7;Не печатает;открыта;срочный;a@b.kz;Асем;19.03.2025 10:30;\"Не печатает; совсем\";;;;красный\r\n\
                 7;;;;;;;Проверьте кабель;ответ;19.03.2025 11:00;omar@acme.example;\r\n\
                 8;Спасибо;решена;;a@b.kz;;20.03.2025;Спасибо;;;;\r\n";
    let (bytes, _, _) = encoding_rs::WINDOWS_1251.encode(table);
    let file = desk.dir.0.join("table.csv");
    fs::write(&file, bytes).unwrap();
    let report = import(
        &desk.dir,
        "csv",
        file.to_str().unwrap(),
        &["--apply", "--timezone", "Asia/Almaty", "--keep-numbers"],
    );
    assert_eq!(
        (&report["new_tickets"], &report["new_messages"]),
        (&json!(2), &json!(3))
    );
    assert_eq!(
        report["remarks"],
        json!(["the column \"Цвет\" is passed over"])
    );
    let first = by_number(&desk, &json!(7))["ticket"].clone();
    assert_eq!(
        (&first["priority"], &first["creator_name"]),
        (&json!("urgent"), &json!("Асем"))
    );
    assert_eq!(first["created_at"], "2025-03-19T05:30:00.000Z");
    let said = messages(&desk, &first);
    assert_eq!(said[0]["message"], "Не печатает; совсем");
    assert_eq!(
        (&said[1]["author_name"], &said[1]["author_type"]),
        (&json!("Омар Сеитов"), &json!("support"))
    );
    desk.check();
}

#[test]
fn what_cannot_be_read_is_refused_in_one_sentence_and_changes_nothing() {
    let desk = Desk::open();
    let write = |name: &str, text: &[u8]| {
        let path = desk.dir.0.join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    for (from, file, words) in [
        ("zendesk", write("broken.json", b"{\"id\": 1, \"subject\""), "is not JSON"),
        ("zendesk", write("packed.zip", b"PK\x03\x04rest"), "is packed"),
        ("freescout", write("other.sql", b"select 1;"), "no table conversations"),
        ("osticket", write("cut.sql", b"CREATE TABLE `ost_thread_entry` (`id` int);\nINSERT INTO `ost_thread_entry` VALUES (1"), "line 2"),
        ("csv", write("nothing.csv", b"a,b\n1,2\n"), "names no column \"ticket\""),
        ("csv", write("word.csv", b"ticket,subject,status,created_at\n1,x,strange,2025-01-01\n"), "line 2: \"status\" is not known: strange"),
        ("csv", write("time.csv", b"ticket,subject,created_at\n1,x,soon\n"), "line 2: \"created_at\" is no time: soon"),
        ("csv", desk.dir.0.to_str().unwrap().to_owned(), "is a folder"),
        ("csv", "nowhere.csv".to_owned(), "cannot open nowhere.csv"),
    ] {
        let arguments = ["import", "--from", from, &file, "--tenant", "acme", "--apply"];
        let refused = desk.dir.cli(&arguments, "");
        let said = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(1), "{said}");
        assert!(said.contains(words) && said.trim().lines().count() == 1, "{said}");
    }
    let nobody = desk.dir.cli(&["import", "--from", "csv", "x.csv"], "");
    let said = String::from_utf8(nobody.stderr).unwrap();
    assert!(said.contains("there are several tenants"), "{said}");
    let unknown = desk.dir.cli(&["import", "--from", "jira", "x"], "");
    assert_eq!(unknown.status.code(), Some(2));
    assert_eq!(desk.count("select count(*) from ticket"), 0);
}
