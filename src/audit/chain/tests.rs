//! Whatever is done to the log behind the program's back is found, and what the program does is not.
use super::*;
use crate::db::migrate;
use std::path::PathBuf;

const KEY: Key = [3; 32];

struct Log {
    conn: Connection,
    dir: PathBuf,
}

impl Drop for Log {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// Two tenants, whose entries alternate: 1, 3, 5, 7 are the first one's.
fn log(name: &str) -> Log {
    let dir = std::env::temp_dir().join(format!("tehprof-chain-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let path = dir.join("t.db");
    migrate::bring_up(&path).unwrap();
    let conn = Connection::open(path).unwrap();
    conn.execute_batch(
        "insert into tenant (id, name, business_hours, widget_key, created_at)
         values (1, 'acme', '{}', 'a', 0), (2, 'globex', '{}', 'g', 0);",
    )
    .unwrap();
    let log = Log { conn, dir };
    for nth in 0..8 {
        log.write(TenantId(1 + nth % 2), nth);
    }
    log
}

impl Log {
    fn write(&self, tenant: TenantId, at: Millis) {
        let said = Said {
            at,
            actor_type: b"operator",
            actor_id: Some(7),
            actor_name: b"Omar",
            action: b"rename_ticket",
            subject: br#"{"ticket_id":1}"#,
            address: b"127.0.0.1",
            request_id: b"r",
        };
        let link = lengthen(&self.conn, &KEY, tenant, &said).unwrap();
        let sql = "insert into audit_log (tenant_id, at, actor_type, actor_id, actor_name, action, subject, address, request_id, link)
                   values (?1, ?2, 'operator', 7, 'Omar', 'rename_ticket', '{\"ticket_id\":1}', '127.0.0.1', 'r', ?3)";
        self.conn.execute(sql, (tenant, at, link)).unwrap();
    }

    fn damage(&self, sql: &str) {
        let sql = format!("drop trigger if exists audit_log_is_not_edited; {sql}");
        self.conn.execute_batch(&sql).unwrap();
    }

    /// What a walk in portions of three finds.
    fn found(&self) -> Vec<String> {
        let mut walk = Walk::new(KEY);
        loop {
            walk = walk.onward(&self.conn, 3).unwrap();
            if let Some(findings) = walk.findings() {
                return findings.to_vec();
            }
        }
    }
}

#[test]
fn what_the_program_writes_is_whole() {
    let log = log("whole");
    assert_eq!(log.found(), Vec::<String>::new());
    log.write(TenantId(2), 99);
    assert_eq!(log.found(), Vec::<String>::new());
}

#[test]
fn any_changed_value_of_an_entry_is_found_at_that_entry() {
    for change in [
        "at = 9",
        "actor_type = 'client'",
        "actor_id = 8",
        "actor_id = null",
        "actor_name = 'Omer'",
        "action = 'delete_ticket'",
        "subject = '{\"ticket_id\":2}'",
        "address = '127.0.0.2'",
        "request_id = 's'",
        "actor_name = cast(x'ff' as text)",
    ] {
        let log = log("change");
        log.damage(&format!("update audit_log set {change} where id = 3"));
        assert_eq!(
            log.found(),
            [
                "the audit log of tenant 1 is not what was written: 1 entries do not follow from those before them, the first is entry 3"
            ],
            "{change}"
        );
    }
}

#[test]
fn an_entry_that_is_gone_is_found_wherever_it_stood() {
    for (id, first_wrong) in [(1, 3), (3, 5)] {
        let log = log("gone");
        log.damage(&format!("delete from audit_log where id = {id}"));
        assert_eq!(
            log.found(),
            [
                format!(
                    "the audit log of tenant 1 is not what was written: 1 entries do not follow from those before them, the first is entry {first_wrong}"
                ),
                "the audit log of tenant 1 does not end as it did: it has 3 entries, and 4 were noted"
                    .to_owned(),
            ]
        );
    }
    let log = log("last");
    log.damage("delete from audit_log where tenant_id = 2 and id = 8");
    let end =
        ["the audit log of tenant 2 does not end as it did: it has 3 entries, and 4 were noted"];
    assert_eq!(log.found(), end);
    log.damage("delete from audit_log where tenant_id = 2");
    let end =
        ["the audit log of tenant 2 does not end as it did: it has 0 entries, and 4 were noted"];
    assert_eq!(log.found(), end);
}

#[test]
fn an_entry_that_was_slipped_in_is_found() {
    let insert = |id: i64, link: &str| {
        let log = log("in");
        log.damage(&format!(
            "insert into audit_log (id, tenant_id, at, actor_type, actor_id, actor_name, action, subject, address, request_id, link)
             select {id}, 1, 5, 'operator', 7, 'Omar', 'delete_ticket', '{{}}', '127.0.0.1', 'r', {link}"
        ));
        log.found()
    };
    for link in [
        "null",
        "(select link from audit_log where id = 7)",
        "zeroblob(32)",
    ] {
        let found = insert(99, link);
        assert_eq!(found.len(), 2, "{link}: {found:?}");
        assert!(found[0].ends_with("the first is entry 99"), "{found:?}");
    }
    // Between two: what follows it no longer does.
    let log = log("between");
    log.damage("update audit_log set id = 100 where id = 7");
    assert_eq!(
        log.found(),
        Vec::<String>::new(),
        "numbers are no part of it"
    );
    log.damage(
        "insert into audit_log (id, tenant_id, at, actor_type, actor_name, action, subject, address, request_id, link)
         values (50, 1, 5, 'operator', 'Omar', 'a', '{}', '', 'r', zeroblob(32))",
    );
    assert!(log.found()[0].contains("2 entries do not follow"));
}

#[test]
fn entries_of_one_tenant_are_worth_nothing_to_another_nor_in_another_order() {
    let log = log("moved");
    log.damage("update audit_log set tenant_id = 3 - tenant_id");
    assert_eq!(log.found().len(), 4);
    let log = self::log("order");
    log.damage("update audit_log set id = 20 where id = 3; update audit_log set id = 3 where id = 5; update audit_log set id = 5 where id = 20;");
    assert!(log.found()[0].contains("3 entries do not follow"));
}

#[test]
fn an_end_that_was_cut_to_fit_does_not_hold_and_is_not_made_to_hold() {
    let log = log("end");
    log.damage(
        "delete from audit_log where id = 7;
         update audit_chain set entries = 3, link = (select link from audit_log where id = 5) where tenant_id = 1;",
    );
    let found = log.found();
    assert_eq!(found.len(), 1, "{found:?}");
    log.write(TenantId(1), 9);
    assert_eq!(log.found().len(), 1, "the next entry does not cover it up");
    log.damage("delete from audit_chain where tenant_id = 1");
    assert_eq!(log.found().len(), 1);
}

#[test]
fn what_was_written_before_there_were_chains_gets_one_in_portions_and_only_once() {
    let mut log = log("before");
    log.conn
        .execute_batch(
            "drop trigger audit_log_is_not_edited; update audit_log set link = null; delete from audit_chain;
             insert into audit_log (tenant_id, at, actor_type, actor_name, action, subject, address, request_id)
             with recursive n (i) as (select 0 union all select i + 1 from n where i < 11000)
             select 1 + i % 2, i, 'system', '', 'a', '{}', '', '' from n;",
        )
        .unwrap();
    assert!(is_due(&log.conn).unwrap());
    assert!(link_some(&log.conn, &KEY, None, 5).unwrap());
    link_all(&mut log.conn, &KEY).unwrap();
    assert!(!is_due(&log.conn).unwrap());
    assert_eq!(log.found(), Vec::<String>::new());
    log.write(TenantId(1), 1);
    assert_eq!(log.found(), Vec::<String>::new());
}

#[test]
fn the_database_itself_lets_no_entry_be_changed() {
    let log = log("trigger");
    for change in [
        "action = 'x'",
        "link = null",
        "link = zeroblob(32)",
        "id = 77, link = zeroblob(32)",
    ] {
        let sql = format!("update audit_log set {change} where id = 3");
        let refused = log.conn.execute(&sql, []).unwrap_err();
        assert!(refused.to_string().contains("append-only"), "{refused}");
    }
    let sql = "insert into audit_log (tenant_id, at, actor_type, actor_name, action, subject, address, request_id)
               values (1, 1, 'system', '', 'a', '{}', '', '')";
    log.conn.execute(sql, []).unwrap();
    let sql = "update audit_log set link = zeroblob(32), action = 'b' where link is null";
    assert!(log.conn.execute(sql, []).is_err());
    let sql = "update audit_log set link = zeroblob(32) where link is null";
    assert_eq!(log.conn.execute(sql, []).unwrap(), 1);
}
