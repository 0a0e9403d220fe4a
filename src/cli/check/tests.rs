//! Every kind of damage is found, and a whole desk is clean.
use super::*;
use crate::{
    api::{Upload, field::TenantId},
    blob::Blobs,
    cli::desk::{Desk, tests::Dir},
    clock::DAY,
    demo,
    ticket::{Acting, Actor, NewTicket, message::Draft, model::Origin},
};
use std::fs;

/// A played demo desk with one attachment.
fn desk() -> (Dir, Config) {
    let dir = Dir::new();
    let config = Config::new(dir.0.clone());
    let desk = Desk::open_or_make(&dir.0).unwrap();
    let blobs = Blobs::open(&dir.0.join("files")).unwrap();
    let secret = desk.secret.clone();
    desk.write(move |tx| {
        let tenant = demo::play(tx, "no password fits this")?;
        demo::open_mailbox(tx, tenant, &secret)?;
        let upload = Upload {
            name: "act.pdf".into(),
            mime: "application/pdf".into(),
            blob: blobs.put(tenant, b"a report")?,
        };
        let first = Draft {
            uploads: vec![upload],
            ..Draft::client("Акт во вложении".into())
        };
        let new = NewTicket::new("Акт".into(), Origin::Api, "Иван".into());
        crate::ticket::open(&Acting::new(tx, tenant, Actor::system()), new, first)?;
        for action in ["create_tag", "delete_tag", "purge_ticket"] {
            let place = ("127.0.0.1".to_owned(), "r");
            crate::audit::note(tx, tenant, &Actor::system(), action, "{}", place)?;
        }
        Ok(())
    })
    .unwrap();
    (dir, config)
}

fn found(config: &Config) -> Vec<String> {
    let report = examine(config, Clock::System.now()).unwrap();
    assert_eq!(report.ok, report.findings.is_empty());
    let line = |finding: Finding| format!("{}: {}", finding.area.name(), finding.what);
    report.findings.into_iter().map(line).collect()
}

/// Changes the database behind the program's back.
fn damage(config: &Config, sql: &str) {
    let conn = Connection::open(config.database()).unwrap();
    conn.execute_batch(&format!("pragma foreign_keys = off; {sql}"))
        .unwrap();
}

#[test]
fn a_whole_desk_is_clean_and_told_in_figures() {
    let (_dir, config) = desk();
    let report = examine(&config, Clock::System.now()).unwrap();
    assert_eq!(report.findings, []);
    assert_eq!(report.notes, []);
    let figures = &report.figures;
    assert_eq!(
        (
            figures.tenants,
            figures.tickets,
            figures.files,
            figures.file_bytes
        ),
        (1, 201, 1, 8)
    );
}

/// What is measured on it would else be no desk that there can be.
#[test]
fn a_desk_that_is_made_for_measuring_is_whole() {
    let dir = Dir::new();
    fs::create_dir_all(&dir.0).unwrap();
    crate::cli::bench::fill::fill(&dir.0, 400).unwrap();
    assert_eq!(found(&Config::new(dir.0.clone())), Vec::<String>::new());
}

#[test]
fn a_counter_that_lies_is_found() {
    let (_dir, config) = desk();
    damage(
        &config,
        "update ticket set unread_count = unread_count + 1 where id = 42",
    );
    let found = found(&config);
    assert_eq!(found.len(), 1);
    assert!(
        found[0].starts_with(
            "counters: ticket 42 of tenant 1: message_count 7 is 7, unread_count 3 is 2"
        ),
        "{found:?}"
    );
}

#[test]
fn a_lost_or_surplus_document_of_the_index_is_found() {
    let (_dir, config) = desk();
    let key = |ticket: i64, ordinal: i64| {
        crate::ticket::search::key(TenantId(1), crate::api::field::TicketId(ticket), ordinal)
    };
    damage(
        &config,
        &format!("delete from search where rowid = {}", key(42, 1)),
    );
    assert_eq!(
        found(&config),
        ["search: tenant 1: 1 messages cannot be found"]
    );
    damage(
        &config,
        &format!(
            "insert into search (rowid, text) values ({}, 'x')",
            key(42, 900)
        ),
    );
    assert_eq!(
        found(&config),
        [
            "search: tenant 1: 1 messages cannot be found",
            "search: tenant 1: 1 documents belong to no message"
        ]
    );
}

#[test]
fn a_reference_to_nothing_is_found() {
    let (_dir, config) = desk();
    damage(&config, "delete from tag where name = 'касса'");
    let found = found(&config);
    assert_eq!(found.len(), 1);
    assert!(
        found[0].starts_with("references: ")
            && found[0].ends_with(" rows of ticket_tag name a tag that is not there"),
        "{found:?}"
    );
}

#[test]
fn an_entry_of_the_audit_log_that_is_changed_gone_or_slipped_in_is_found() {
    let entries = "audit: the audit log of tenant 1 ";
    for (sql, findings) in [
        (
            "drop trigger audit_log_is_not_edited;
             update audit_log set action = 'delete_tags' where action = 'delete_tag'",
            1,
        ),
        ("delete from audit_log where action = 'delete_tag'", 2),
        ("delete from audit_log where action = 'purge_ticket'", 1),
        (
            "insert into audit_log (tenant_id, at, actor_type, actor_name, action, subject, address, request_id)
             values (1, 5, 'operator', 'Omar', 'delete_tag', '{}', '127.0.0.1', 'r')",
            2,
        ),
    ] {
        let (_dir, config) = desk();
        assert_eq!(found(&config), Vec::<String>::new());
        damage(&config, sql);
        let found = found(&config);
        assert_eq!(found.len(), findings, "{sql}: {found:?}");
        assert!(found.iter().all(|f| f.starts_with(entries)), "{found:?}");
    }
}

#[test]
fn an_attachment_that_is_gone_cut_or_changed_is_found_and_a_leftover_is_noted() {
    let (dir, config) = desk();
    let shelf = fs::read_dir(dir.0.join("files/1"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let path = fs::read_dir(shelf).unwrap().next().unwrap().unwrap().path();
    fs::write(&path, b"another!").unwrap();
    assert!(found(&config)[0].ends_with("the bytes are not those that were stored"));
    fs::write(&path, b"a rep").unwrap();
    assert!(found(&config)[0].ends_with("has 5 bytes in place of 8"));
    fs::rename(&path, path.with_file_name("0".repeat(64))).unwrap();
    assert!(found(&config)[0].ends_with("the file is not there"));

    fs::remove_file(path.with_file_name("0".repeat(64))).unwrap();
    fs::write(&path, b"a report").unwrap();
    damage(&config, "delete from file");
    let young = examine(&config, Clock::System.now()).unwrap();
    assert_eq!(young.notes, []);
    let old = examine(&config, Clock::System.now() + 2 * DAY).unwrap();
    assert_eq!(old.notes.len(), 1);
}

#[test]
fn a_file_that_the_desk_has_not_stored_is_found() {
    let (dir, config) = desk();
    let store = dir.0.join("files");
    for (path, bytes) in [
        (
            format!("1/{}/{}", "ab", "ab".repeat(32)),
            "not what its name says",
        ),
        ("1/ab/notes.txt".to_owned(), "on a shelf"),
        ("1/loose".to_owned(), "beside the shelves"),
        ("readme".to_owned(), "beside the tenants"),
    ] {
        let path = store.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        let told = format!(
            "files: {}: belongs to nothing and was not stored by the desk",
            path.display()
        );
        assert_eq!(found(&config), [told]);
        fs::remove_file(&path).unwrap();
    }
    assert_eq!(found(&config), Vec::<String>::new());
}

#[test]
fn a_file_that_is_no_database_is_a_finding_and_names_the_file() {
    let (_dir, config) = desk();
    let path = config.database();
    let mut torn = fs::read(&path).unwrap();
    torn[100..4_096].fill(0x5a);
    for bytes in [
        b"not a database, and long enough to be read as one".repeat(100),
        torn,
    ] {
        fs::write(&path, bytes).unwrap();
        let found = found(&config);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("database: "), "{found:?}");
    }
}

/// Whatever a desk has used goes with it, and no table is forgotten.
#[test]
fn a_tenant_goes_with_all_that_is_its_own() {
    let (_dir, config) = desk();
    let desk = Desk::open(&config.data_dir).unwrap();
    let left = desk
        .write(|tx| {
            let tables: Vec<String> = crate::db::sql::all(
                tx,
                "select s.name from sqlite_schema s
                  where s.type = 'table' and s.name not in ('search', 'kb_search')
                    and exists (select 1 from pragma_table_info(s.name) c where c.name = 'tenant_id')",
                [],
                |row| row.get(0),
            )?;
            assert!(tables.len() > 60, "{tables:?}");
            assert!(crate::tenant::delete(tx, TenantId(1))?);
            let mut left = Vec::new();
            for table in tables {
                let sql = format!("select count(*) from {table} where tenant_id = 1");
                let rows: i64 = crate::db::sql::one(tx, &sql, [], |row| row.get(0))?;
                let known = crate::tenant::OWN.contains(&table.as_str());
                if rows > 0 || !known {
                    left.push((table, rows));
                }
            }
            Ok(left)
        })
        .unwrap();
    assert_eq!(left, []);
    drop(desk);
    let report = examine(&config, Clock::System.now()).unwrap();
    assert_eq!(report.figures.tenants, 0);
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

#[test]
fn what_is_stuck_is_found_once_it_has_waited_too_long() {
    let (dir, config) = desk();
    let now = Clock::System.now();
    damage(
        &config,
        &format!(
            "insert into outbox (kind, tenant_id, channel_id, ticket_id, message_id, recipient, next_at, created_at)
               values ('answer', 1, 1, 42, 1, 'a@b.example', {now}, {now});
             insert into inbound_event (tenant_id, channel_id, received_at, next_at, envelope, raw_hash, state)
               values (1, 1, {now}, {now}, '{{}}', 'absent', 'received');"
        ),
    );
    fs::create_dir_all(dir.0.join("files/1/ab")).unwrap();
    let at = |at: Millis| {
        let report = examine(&config, at).unwrap();
        report
            .findings
            .iter()
            .filter(|f| f.area == Area::Queues)
            .count()
    };
    assert_eq!(at(now + DAY), 0);
    assert_eq!(at(now + 3 * DAY), 2);
    damage(&config, "update channel set is_active = 0");
    assert_eq!(at(now + 3 * DAY), 1);
    damage(&config, "update inbound_event set state = 'failed'");
    assert_eq!(at(now), 1);
}
