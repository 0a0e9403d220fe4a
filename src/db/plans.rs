//! No statement that people wait for all day goes through a table that grows with the desk. What is asked is not listed
//! here: the actions themselves are called on a filled desk, their statements are written down while they run, and SQLite
//! tells how it goes about each, with the triggers that it sets off.
use super::sql::all;
use crate::{
    access::{Principal, secret::Purpose, store},
    api::{ADMIN, Call},
    app::App,
    cli::bench::fill::TOKEN,
    clock::Clock,
    config::Config,
    lang::Lang,
    ticket::list::tests::Desk,
};
use rusqlite::{
    Connection,
    config::DbConfig,
    trace::{TraceEvent, TraceEventCodes},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

/// The database that is watched, and the statements that were run on it.
static WATCHED: Mutex<Option<(String, BTreeSet<String>)>> = Mutex::new(None);

fn watched<T>(f: impl FnOnce(&mut Option<(String, BTreeSet<String>)>) -> T) -> T {
    f(&mut WATCHED.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Writes down what a new connection runs, if it is one to the database that is watched.
pub(super) fn watch(conn: &Connection) {
    let is_ours = |of: &str| conn.path() == Some(of);
    if !watched(|w| w.as_ref().is_some_and(|(path, _)| is_ours(path))) {
        return;
    }
    conn.trace_v2(
        TraceEventCodes::SQLITE_TRACE_STMT,
        Some(|event| {
            if let TraceEvent::Stmt(statement, _) = event {
                watched(|w| {
                    w.as_mut()
                        .map(|(_, all)| all.insert(statement.sql().into_owned()))
                });
            }
        }),
    );
}

/// Tables of which a desk has few rows, however many tickets it has.
const SMALL: [&str; 28] = [
    "api_key",
    "bitrix24_portal",
    "bitrix24_user",
    "brand_image",
    "category",
    "channel",
    "channel_watch",
    "demo_run",
    "kb_article",
    "key_level",
    "macro",
    "notification_setting",
    "operator",
    "quick_reply",
    "refinery_schema_history",
    "saved_view",
    "sla_rule",
    "sqlite_sequence",
    "sqlite_stat1",
    "staff_chat",
    "stamp",
    "tag",
    "tariff",
    "tenant",
    "totp",
    "trigger",
    "upkeep",
    "webhook",
];

/// The tables that grow.
fn growing(conn: &Connection) -> Vec<String> {
    let tables: Vec<String> = all(
        conn,
        "select name from sqlite_master where type = 'table'",
        [],
        |row| row.get(0),
    )
    .unwrap();
    let grows = |name: &String| !SMALL.contains(&name.as_str());
    tables.into_iter().filter(grows).collect()
}

/// Whether SQLite makes a plan for a statement, as it does not for `begin` and the like.
fn is_planned(sql: &str) -> bool {
    let word = sql.split_whitespace().next();
    word.is_some_and(|word| ["select", "insert", "update", "delete", "with"].contains(&word))
}

/// How SQLite goes about a statement and what it sets off.
fn plan(conn: &Connection, sql: &str) -> Vec<String> {
    let mut statement = conn.prepare(&format!("explain query plan {sql}")).unwrap();
    let rows = statement.raw_query();
    rows.mapped(|row| row.get("detail"))
        .collect::<rusqlite::Result<_>>()
        .unwrap()
}

/// The tables of `growing` that a step goes through from one end to the other. A step names a table as the statement does.
fn gone_through<'a>(step: &str, sql: &str, growing: &'a [String]) -> Option<&'a str> {
    let name = step.strip_prefix("SCAN ")?.split(' ').next()?;
    // A search for words is no walk.
    if step.contains("VIRTUAL TABLE INDEX") && (step.contains(":M") || step.contains(":=")) {
        return None;
    }
    let words: Vec<&str> = sql
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| !word.is_empty())
        .collect();
    let stands_for = |table: &str| {
        table == name
            || words
                .windows(2)
                .any(|pair| pair[0] == table && pair[1] == name)
    };
    growing.iter().map(String::as_str).find(|t| stands_for(t))
}

async fn call(app: &App, action: &str, input: Value) {
    let hash = app.secret.hash(Purpose::Session, TOKEN);
    let used = app
        .db
        .glance(move |db| store::session(db, &hash, db.now))
        .await
        .unwrap()
        .unwrap();
    let call = Call {
        lang: Lang::Ru,
        request_id: "plans".to_owned(),
        address: IpAddr::from([192, 0, 2, 1]),
        device: String::new(),
        uploads: Vec::new(),
        idempotency_key: None,
        cookie: Mutex::default(),
        file: Mutex::default(),
    };
    let Value::Object(input) = input else {
        panic!("{input} is no input");
    };
    let principal = Principal::Operator(used.operator);
    let done = ADMIN
        .find(action)
        .unwrap()
        .dispatch(app, principal, Arc::new(call), input)
        .await;
    assert!(done.is_ok(), "{action}: {done:?}");
}

/// What is done all day, with a rule and an endpoint that follow it.
async fn a_day(app: &App) {
    for (action, input) in [
        (
            "save_trigger",
            json!({
                "name": "rule", "event": "ticket_created", "is_active": true, "position": 1,
                "conditions": { "all": [{ "field": "priority", "op": "is", "value": "urgent" }], "any": [] },
                "actions": [{ "type": "assign", "value": "least_loaded" }, { "type": "add_tag", "value": "urgent" }],
            }),
        ),
        ("list_tickets", json!({})),
        (
            "list_tickets",
            json!({ "status": "active", "sort": "priority" }),
        ),
        ("list_tickets", json!({ "sort": "sla" })),
        (
            "list_tickets",
            json!({ "status": "new", "assigned_to": "none" }),
        ),
        (
            "list_tickets",
            json!({ "assigned_to": "me", "snoozed": false }),
        ),
        (
            "list_tickets",
            json!({ "portal_domain": "client7.bitrix24.kz" }),
        ),
        (
            "list_tickets",
            json!({ "unread": true, "status": "active" }),
        ),
        ("list_tickets", json!({ "search": "касса" })),
        ("list_tickets", json!({ "search": "#42" })),
        ("get_ticket", json!({ "ticket_id": 50 })),
        ("ticket_counts", json!({})),
        ("dashboard", json!({})),
        (
            "add_message",
            json!({ "ticket_id": 50, "message": "Готово" }),
        ),
        (
            "add_message",
            json!({ "ticket_id": 51, "message": "Заметка", "is_note": true }),
        ),
        (
            "create_ticket",
            json!({
                "subject": "Касса", "description": "Не печатает", "priority": "urgent",
                "portal_domain": "client7.bitrix24.kz", "tags": ["касса"],
            }),
        ),
    ] {
        call(app, action, input).await;
    }
}

#[tokio::test]
async fn nothing_that_is_done_all_day_goes_through_a_table_that_grows() {
    let desk = Desk::of("plans", 1_000);
    let path = desk.path();
    let name = path.to_str().unwrap().to_owned();
    watched(|w| *w = Some((name, BTreeSet::new())));
    let config = Config::new(path.parent().unwrap().to_owned());
    let app = App::open(config, Clock::System).unwrap();
    a_day(&app).await;
    let statements = watched(Option::take).unwrap().1;
    let has = |of: &str| statements.iter().any(|sql| sql.contains(of));
    for of in [
        "from session s",
        "insert into ticket ",
        "insert into message",
        "from ticket_figure",
        "search match",
        "trigger_run",
    ] {
        assert!(has(of), "{of} was not asked: {statements:#?}");
    }
    let conn = Connection::open(&path).unwrap();
    // What this desk has few of yet, another has many of: statistics of ten rows are none.
    conn.execute_batch("delete from sqlite_stat1 where cast(stat as integer) < 10")
        .unwrap();
    drop(conn);
    let conn = Connection::open(&path).unwrap();
    super::prepare(&conn).unwrap();
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_TRIGGER_EQP, true)
        .unwrap();
    let growing = growing(&conn);
    assert!(growing.iter().any(|table| table == "ticket"));
    let faults: Vec<_> = statements
        .iter()
        .filter(|sql| is_planned(sql))
        .map(|sql| (sql, plan(&conn, sql)))
        .filter(|(sql, plan)| {
            let walks = |step: &String| gone_through(step, sql, &growing).is_some();
            plan.iter().any(walks)
        })
        .collect();
    assert!(faults.is_empty(), "{faults:#?}");
    app.db.close().await;
}

#[test]
fn a_walk_through_a_table_is_told_from_a_look_into_it() {
    let growing = ["ticket".to_owned(), "search".to_owned()];
    let sql = "select t.id from ticket t where t.subject = ?1";
    for (step, through) in [
        ("SCAN t", Some("ticket")),
        (
            "SCAN t USING COVERING INDEX ticket_by_update",
            Some("ticket"),
        ),
        ("SCAN ticket", Some("ticket")),
        ("SEARCH t USING INDEX ticket_by_update (tenant_id=?)", None),
        ("SCAN p", None),
        ("SCAN search VIRTUAL TABLE INDEX 0:M1", None),
        ("SCAN search VIRTUAL TABLE INDEX 0:", Some("search")),
        ("SCAN i VIRTUAL TABLE INDEX 1:", None),
    ] {
        assert_eq!(gone_through(step, sql, &growing), through, "{step}");
    }
}
