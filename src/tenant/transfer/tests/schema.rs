//! Nothing that migrations bring is forgotten.
use super::world::World;
use crate::{
    db::sql::all,
    tenant::transfer::schema::{MARKED, MOVED, Meaning, tables},
};
use rusqlite::Connection;
use std::collections::BTreeSet;

/// Tables with rows of a tenant that stay behind.
const STAYS: [&str; 22] = [
    // Bound to the installation's secret.
    "session",
    "access_link",
    "api_key",
    "chat_link",
    "staff_link",
    // How channels fare here says nothing of how they fare there.
    "channel_watch",
    "notice",
    "key_level",
    "mobile_session",
    "recovery_code",
    // A portal's application points to the installation that it was made for.
    "bitrix24_portal",
    "bitrix24_user",
    // Answers of the old installation to calls that may be repeated there.
    "idempotency",
    // Made anew over the entries that have come.
    "audit_chain",
    // Good for ten minutes, and bound to the installation's secret.
    "widget_code",
    // What went wrong in the old installation.
    "error_log",
    // Counted anew by triggers as the tickets arrive.
    "ticket_count",
    "ticket_figure",
    "ticket_figure_day",
    "ticket_flow",
    "ticket_opened",
    "ticket_span",
];

/// Columns that are called like numbers of rows and are none: names that mail or another system gave.
const THEIRS: [(&str, &str); 11] = [
    ("portal_user", "user_id"),
    ("ended_token", "user_id"),
    ("ticket", "client_user_id"),
    ("message", "mail_id"),
    ("file", "content_id"),
    ("inbound_event", "external_id"),
    ("chat_message", "external_id"),
    ("imported_ticket", "external_id"),
    ("imported_message", "external_id"),
    ("audit_log", "request_id"),
    // The name of whoever decided.
    ("estimate", "decided_by"),
];

fn words(conn: &Connection, sql: &str, of: &str) -> Vec<String> {
    all(conn, sql, [of], |row| row.get(0)).unwrap()
}

fn columns(conn: &Connection, table: &str) -> Vec<String> {
    words(conn, "select name from pragma_table_info(?1)", table)
}

#[test]
fn every_table_of_a_tenant_moves_or_is_said_to_stay() {
    let world = World::new();
    let conn = world.connection();
    let all = words(
        &conn,
        "select name from sqlite_schema where type = ?1",
        "table",
    );
    let owned = all.iter().filter(|table| {
        *table == "tenant" || columns(&conn, table).iter().any(|c| c == "tenant_id")
    });
    let owned: BTreeSet<&str> = owned.map(String::as_str).collect();
    let said: BTreeSet<&str> = MOVED.into_iter().chain(STAYS).collect();
    assert_eq!(owned, said);
    assert_eq!(said.len(), MOVED.len() + STAYS.len());
}

#[test]
fn every_number_of_a_row_is_a_reference_or_said_to_be_none() {
    let world = World::new();
    let conn = world.connection();
    for table in tables(&conn).unwrap() {
        for column in &table.columns {
            let name = column.name.as_str();
            let is_called_so = name == "id" || name.ends_with("_id") || name.ends_with("_by");
            let is_theirs = THEIRS.contains(&(table.name, name));
            let is_plain = column.meaning == Meaning::Plain;
            if is_called_so {
                assert_eq!(is_plain, is_theirs, "{}.{name}", table.name);
            }
        }
    }
    for (table, column) in THEIRS {
        assert!(columns(&conn, table).iter().any(|c| c == column));
    }
    for (table, column, _) in MARKED {
        assert!(
            columns(&conn, table).iter().any(|c| c == column),
            "{table}.{column}"
        );
    }
}

#[test]
fn parents_come_before_children() {
    let world = World::new();
    let conn = world.connection();
    let place = |name: &str| MOVED.iter().position(|moved| *moved == name);
    for (at, table) in MOVED.iter().enumerate() {
        let parents = words(
            &conn,
            r#"select "table" from pragma_foreign_key_list(?1)"#,
            table,
        );
        for parent in parents {
            let known = place(&parent).is_some_and(|parent| parent <= at);
            assert!(known, "{table} comes before {parent}");
        }
    }
    for table in tables(&conn).unwrap() {
        let number = table.columns.iter().position(|c| c.name == "id");
        let own = table.columns.iter().position(|c| table.is_own(c));
        assert!(own.is_none() || number < own, "{}", table.name);
        let later = table.columns.iter().filter(|c| table.is_own(c));
        assert!(later.into_iter().all(|c| !c.required), "{}", table.name);
    }
}

#[test]
fn what_is_unique_in_an_installation_is_claimed_or_made_anew() {
    let world = World::new();
    let conn = world.connection();
    for table in tables(&conn).unwrap() {
        let indexes = words(
            &conn,
            r#"select name from pragma_index_list(?1) where "unique""#,
            table.name,
        );
        for index in indexes {
            let of = words(&conn, "select name from pragma_index_info(?1)", &index);
            if of.iter().any(|column| column == "tenant_id") {
                continue;
            }
            let [only] = &of[..] else {
                panic!("{index} is unique without the tenant");
            };
            let column = table.columns.iter().find(|c| c.name == *only);
            let meaning = column.map(|column| column.meaning);
            assert!(
                matches!(meaning, Some(Meaning::Claim(_) | Meaning::Made(_))),
                "{}.{only}: {meaning:?}",
                table.name
            );
        }
    }
}

/// Bytes that everybody may see.
const OPEN: [(&str, &str); 2] = [("brand_image", "bytes"), ("audit_log", "link")];

#[test]
fn bytes_in_a_row_are_sealed_secrets_unless_they_are_pictures() {
    let world = World::new();
    let conn = world.connection();
    for table in tables(&conn).unwrap() {
        let blobs = words(
            &conn,
            "select name from pragma_table_info(?1) where type = 'BLOB'",
            table.name,
        );
        for column in &table.columns {
            let is_sealed = column.meaning == Meaning::Sealed;
            let is_open = OPEN.contains(&(table.name, column.name.as_str()));
            let is_blob = blobs.contains(&column.name);
            assert_eq!(is_sealed || is_open, is_blob, "{}", table.name);
        }
    }
}
