//! Folds over the OpenAPI document: whatever it says of an action is true of the running program.
use crate::support::{
    Caller, Desk, Serving,
    caller::Address,
    desk::{Dir, PASSWORD},
};
use serde_json::{Value, json};
use std::sync::{Arc, RwLock};

/// An action as the document describes it.
struct Operation {
    surface: &'static str,
    name: String,
    described: Value,
}

impl Operation {
    fn example(&self) -> Value {
        self.described["requestBody"]["content"]["application/json"]["example"].clone()
    }

    fn role(&self) -> &str {
        self.described["x-role"].as_str().unwrap()
    }
}

fn document(address: &Address) -> Value {
    Caller::nobody(address, "admin")
        .get("/api/openapi.json")
        .json()
}

fn operations(document: &Value) -> Vec<Operation> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let (endpoint, name) = path
            .strip_prefix("/api/")
            .unwrap()
            .split_once(".php/")
            .unwrap();
        let surface = match endpoint {
            "admin" => "admin",
            "client" => "client",
            "widget" => "widget",
            other => panic!("an endpoint that the contract does not have: {other}"),
        };
        all.push(Operation {
            surface,
            name: name.to_owned(),
            described: item["post"].clone(),
        });
    }
    assert!(all.len() > 60, "{} actions", all.len());
    all
}

#[test]
fn without_a_credential_every_action_is_refused() {
    let desk = Desk::open();
    for operation in operations(&document(&desk.address())) {
        if operation.role() == "anyone" {
            continue;
        }
        let nobody = Caller::nobody(&desk.address(), operation.surface);
        let mut body = operation.example();
        body.as_object_mut().unwrap().remove("api_key");
        let name = format!("{} {}", operation.surface, operation.name);
        assert_eq!(
            nobody.refused(&operation.name, body.clone()),
            (403, "not_authenticated".into()),
            "{name}"
        );
        // Nobody is told what is wrong with a call before they have said who they are.
        assert_eq!(
            nobody.refused(&operation.name, json!({})),
            (403, "not_authenticated".into()),
            "{name}"
        );
    }
}

#[test]
fn a_credential_that_does_not_hold_is_refused_at_every_action() {
    let desk = Desk::open();
    for operation in operations(&document(&desk.address())) {
        let nobody = Caller::nobody(&desk.address(), operation.surface);
        let bad: Vec<(Caller, &str)> = match (operation.surface, operation.role()) {
            ("admin", "anyone") => continue,
            ("admin", _) => vec![
                (
                    nobody.header("x-api-key", "tps_unknown"),
                    "invalid_credential",
                ),
                (
                    nobody.header("x-api-key", "wk_unknown"),
                    "invalid_credential",
                ),
                (
                    nobody.header("authorization", "Bearer tps_unknown"),
                    "invalid_credential",
                ),
                (
                    nobody.header("cookie", "tehprof_session=unknown"),
                    "session_expired",
                ),
            ],
            ("client", _) => vec![(
                nobody.header("x-client-token", "ct_unknown.x"),
                "invalid_credential",
            )],
            _ => vec![(
                Caller::visitor(&desk.address(), "wk_unknown"),
                "invalid_credential",
            )],
        };
        for (who, code) in bad {
            let refusal = who.refused(&operation.name, operation.example());
            assert_eq!(
                refusal,
                (403, code.into()),
                "{} {}",
                operation.surface,
                operation.name
            );
        }
    }
}

/// Admin actions whose example stands for something that only exists once somebody has it: the reason in words.
const NEEDS_A_PEER: [(&str, &str); 19] = [
    ("admin_login", "the example's account is made up"),
    (
        "reset_password",
        "the token of a link is made when the link is",
    ),
    ("mobile_login", "the example's account is made up"),
    ("totp_enable", "a code is the app's of the moment"),
    ("totp_disable", "the example's password is made up"),
    (
        "revoke_session",
        "the example's session is the one that asks",
    ),
    ("revoke_mobile_session", "needs a device that has signed in"),
    ("complete_setup", "works once, before there is a tenant"),
    (
        "change_password",
        "the example's present password is made up",
    ),
    ("enable_demo", "fills a company that has nothing of its own"),
    (
        "retry_message",
        "needs a message that could not be delivered",
    ),
    (
        "merge_tickets",
        "needs two tickets of one client, whose numbers the calendar decides",
    ),
    ("withdraw_message", "needs an answer that has not left"),
    ("reschedule_message", "needs an answer that has not left"),
    ("connect_channel", "needs a WhatsApp channel and its server"),
    (
        "create_chat_link",
        "needs a bot that has told what it is called",
    ),
    (
        "create_staff_link",
        "needs a bot that has told what it is called",
    ),
    (
        "replay_event",
        "needs a delivery that could not be worked on",
    ),
    ("retry_outbox", "needs something that was given up"),
];

/// When an example runs. All speak of the same ticket and the same first things, so what moves the ticket follows its
/// life, what deletes comes late, and signing out comes last. Booked time goes with its ticket, and whose the first is
/// depends on the calendar, so it is taken back before any ticket is deleted.
fn turn(name: &str) -> usize {
    const LATE: [&str; 6] = [
        "complete_ticket",
        "reopen_ticket",
        "hold_ticket",
        "resume_ticket",
        "set_estimate",
        "admin_logout",
    ];
    match LATE.iter().position(|late| *late == name) {
        Some(LAST) => LAST + 3,
        Some(place) => place + 2,
        None if name == "delete_time_entry" => 0,
        None if name.starts_with("delete_")
            || name.starts_with("remove_operator")
            || name.starts_with("unbind_") =>
        {
            LAST + 2
        }
        None => 1,
    }
}

/// The place of signing out.
const LAST: usize = 5;

#[test]
fn every_example_runs_at_the_demo_desk_and_answers_what_its_schema_says() {
    let dir = Dir::new();
    let serving = Serving::start(&dir.0, &["--demo", "--smtp-listen", "127.0.0.1:0"]);
    let address: Address = Arc::new(RwLock::new(serving.address));
    let password = serving
        .greeting
        .iter()
        .find_map(|line| line.split_once("with the password "))
        .unwrap()
        .1;
    let admin = serving
        .greeting
        .iter()
        .find(|line| line.contains("(admin)"))
        .unwrap();
    let dmitry = Caller::sign_in(&address, admin.split_whitespace().next().unwrap(), password);
    // The desk has nobody who looks after the whole installation.
    let login = "head@demo.tehprof.kz";
    let arguments = [
        "operator", "add", "--tenant", "demo", "--name", "Head", "--email", login,
    ];
    dir.run(
        &[&arguments[..], &["--head-admin", "--password-stdin"]].concat(),
        PASSWORD,
    );
    let head = Caller::sign_in(&address, login, PASSWORD);
    let document = document(&address);
    let mut all = operations(&document);
    all.retain(|operation| operation.surface == "admin");
    all.sort_by_key(|operation| turn(&operation.name));
    let skipped: Vec<&str> = NEEDS_A_PEER.iter().map(|(name, _)| *name).collect();
    assert!(
        skipped
            .iter()
            .all(|name| all.iter().any(|o| o.name == *name)),
        "an exception that is none"
    );

    let mut failures = Vec::new();
    for operation in all
        .iter()
        .filter(|operation| !skipped.contains(&operation.name.as_str()))
    {
        let (name, example) = (operation.name.as_str(), operation.example());
        let reply = if name == "upload_file" {
            dmitry.upload(
                name,
                example.clone(),
                &[("отчёт.txt", "text/plain", b"report")],
            )
        } else {
            let caller = match operation.role() {
                "head_admin" => &head,
                _ => &dmitry,
            };
            caller.ask(name, &example)
        };
        // The demo's mailbox hands its mail to a server that is not there.
        if name == "test_channel" && reply.status == 400 && reply.code() == "channel_failed" {
            continue;
        }
        if reply.status != 200 {
            failures.push(format!(
                "{name} {example}: {} {}",
                reply.status,
                reply.text()
            ));
            continue;
        }
        // References in the schema point into the document, so the schema is looked at with the document around it.
        let mut schema =
            operation.described["responses"]["200"]["content"]["application/json"]["schema"]
                .clone();
        schema["components"] = document["components"].clone();
        let validator = jsonschema::draft202012::options()
            .should_validate_formats(true)
            .build(&schema)
            .unwrap();
        let answer = reply.json();
        failures.extend(
            validator
                .iter_errors(&answer)
                .map(|error| format!("{name}: {error} at {}", error.instance_path())),
        );
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_example_fits_its_own_schema() {
    let dir = Dir::new();
    let serving = Serving::start(&dir.0, &[]);
    let document = document(&Arc::new(RwLock::new(serving.address)));
    for operation in operations(&document) {
        let mut schema =
            operation.described["requestBody"]["content"]["application/json"]["schema"].clone();
        schema["components"] = document["components"].clone();
        let validator = jsonschema::draft202012::options()
            .should_validate_formats(true)
            .build(&schema)
            .unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&operation.example())
            .map(|e| e.to_string())
            .collect();
        assert!(
            errors.is_empty(),
            "{} {}: {errors:?}",
            operation.surface,
            operation.name
        );
    }
}

#[test]
fn every_refusal_has_the_shape_that_the_document_gives_it() {
    let desk = Desk::open();
    let document = document(&desk.address());
    let mut schema = document["components"]["schemas"]["Error"].clone();
    schema["components"] = document["components"].clone();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    for operation in operations(&document)
        .iter()
        .filter(|operation| operation.surface == "admin")
    {
        for body in [
            json!({}),
            json!({ "ticket_id": "x", "message_id": [], "name": 7, "subject": {} }),
        ] {
            for who in [&desk.nobody(), &desk.key, &desk.omar] {
                // Signing out succeeds, and would leave nobody signed in for what follows.
                if operation.name == "admin_logout" && !who.credential("cookie").is_empty() {
                    continue;
                }
                let reply = who.ask(&operation.name, &body);
                if reply.status != 200 {
                    let refusal = reply.json();
                    assert!(
                        validator.is_valid(&refusal),
                        "{}: {refusal}",
                        operation.name
                    );
                    assert!(reply.status < 500, "{}: {refusal}", operation.name);
                }
            }
        }
    }
}
