//! A tenant moves from one installation to another: whole, or not at all.
mod misfit;
mod schema;
mod world;

use super::{frame::Counts, schema::MOVED};
use crate::{api::field::TenantId, channel::config, db::sql::one, demo};
use std::{fs, os::unix::fs::PermissionsExt};
use world::{World, sentence};

#[test]
fn every_row_arrives_and_refers_to_what_it_referred_to() {
    let (here, there) = (World::new(), World::new());
    let demo = here.play();
    let other = there.small("other");
    let before = there.rows(other);
    let file = here.dir.join("demo.tenant");
    let counts = here.export(demo, &file).unwrap();

    let arrived = there.import(&file).unwrap();
    assert_ne!(arrived, demo, "the test must move numbers");
    let (sent, came) = (here.rows(demo), there.rows(arrived));
    for table in MOVED {
        assert!(!sent[table].is_empty(), "nothing of {table} was moved");
        assert_eq!(sent[table], came[table], "{table}");
    }
    let sum: usize = sent.values().map(Vec::len).sum();
    assert_eq!(usize::try_from(counts.rows()).unwrap(), sum);
    assert_eq!(counts.blobs, 2);
    assert_eq!(there.rows(other), before);
    for (hash, bytes) in here.blobs(demo) {
        assert_eq!(there.bytes(arrived, &hash), bytes);
    }
    assert_eq!(there.damage(), Vec::<String>::new());
}

#[test]
fn numbers_in_the_audit_log_lead_to_the_same_rows() {
    let (here, there) = (World::new(), World::new());
    let demo = here.play();
    there.small("other");
    let (message, operator) = here.look(move |db| {
        let message = "select min(id) from message where tenant_id = ?1 and ticket_id = 42";
        let message: i64 = one(db, message, [demo], |row| row.get(0))?;
        let operator: i64 = one(db, "select max(id) from operator", [], |row| row.get(0))?;
        Ok((message, operator))
    });
    let subject = format!(
        r#"{{"ticket_id":42,"message_id":"{message}","file_ids":[1,999999],"key_id":5,"operator_id":{operator}}}"#
    );
    here.change(move |tx| {
        let audit = "update audit_log set subject = ?1 where action = 'moved'";
        tx.execute_batch("drop trigger audit_log_is_not_edited")?;
        assert_eq!(tx.execute(audit, [subject])?, 1);
        Ok(())
    });
    let file = here.dir.join("demo.tenant");
    here.export(demo, &file).unwrap();
    let arrived = there.import(&file).unwrap();
    let subject: String = there.look(move |db| {
        let sql = "select subject from audit_log where tenant_id = ?1 and action = 'moved'";
        one(db, sql, [arrived], |row| row.get(0))
    });
    let (message, operator, first) = there.look(move |db| {
        let message = "select min(id) from message where tenant_id = ?1 and ticket_id = 42";
        let message: i64 = one(db, message, [arrived], |row| row.get(0))?;
        let operator: i64 = one(db, "select max(id) from operator", [], |row| row.get(0))?;
        let file = "select min(id) from file where tenant_id = ?1";
        let file: i64 = one(db, file, [arrived], |row| row.get(0))?;
        Ok((message, operator, file))
    });
    assert_eq!(
        subject,
        format!(
            r#"{{"ticket_id":42,"message_id":{message},"file_ids":[{first},null],"key_id":5,"operator_id":{operator}}}"#
        )
    );
}

#[test]
fn channels_come_switched_off_with_their_secrets_sealed_anew() {
    let (here, there) = (World::new(), World::new());
    let demo = here.play();
    let file = here.dir.join("demo.tenant");
    here.export(demo, &file).unwrap();
    let text = fs::read(&file).unwrap();
    let clear = text.windows(12).any(|word| word == b"pa55 of mail");
    assert!(clear, "the file holds secrets in clear");
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let arrived = there.import(&file).unwrap();
    let secret = there.secret.clone();
    let channels = there.look(move |db| config::list(db, &secret, arrived));
    let [channel] = &channels[..] else {
        panic!("{channels:?}");
    };
    assert_eq!(channel.address, demo::MAILBOX);
    assert_eq!(
        channel.secrets.smtp_password.as_deref(),
        Some("pa55 of mail")
    );
    assert!(!channel.is_active);
    let queued = there.count("select count(*) from outbox where state = 'queued'");
    assert_eq!(queued, 1);
    let foreign = here.secret.clone();
    let opened = there.try_look(move |db| config::list(db, &foreign, arrived));
    assert!(opened.is_err());
}

#[test]
fn what_the_program_made_is_made_anew_only_if_it_is_taken() {
    let (here, there) = (World::new(), World::new());
    let demo = here.play();
    let file = here.dir.join("demo.tenant");
    here.export(demo, &file).unwrap();
    let (key, reference): (String, i64) = here.look(move |db| {
        let sql = "select widget_key, reference from tenant t join ticket k on k.tenant_id = t.id where k.id = 7";
        one(db, sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
    });
    there.small("other");
    let taken = key.clone();
    there.change(move |tx| {
        tx.execute("update tenant set widget_key = ?1", [taken])?;
        assert_eq!(
            tx.execute("update ticket set reference = ?1", [reference])?,
            1
        );
        Ok(())
    });
    let arrived = there.import(&file).unwrap();
    let (fresh, other): (String, i64) = there.look(move |db| {
        let sql = "select widget_key, reference from tenant t join ticket k on k.tenant_id = t.id where k.id = 7 and t.id = ?1";
        one(db, sql, [arrived], |row| Ok((row.get(0)?, row.get(1)?)))
    });
    assert!(fresh != key && fresh.starts_with("wk_") && fresh.len() == key.len());
    assert_ne!(other, reference);
    let references = |tenant: TenantId| {
        format!(
            "select group_concat(reference) from (select reference from ticket where tenant_id = {tenant} and id <> 7 order by id)"
        )
    };
    assert_eq!(
        there.word(&references(arrived)),
        here.word(&references(demo)),
        "the others stay"
    );
}

#[test]
fn what_people_know_is_refused_if_it_is_taken() {
    let (here, there) = (World::new(), World::new());
    let demo = here.play();
    let file = here.dir.join("demo.tenant");
    here.export(demo, &file).unwrap();
    let other = there.small("other");
    let phone = here.word("select phone from operator where phone is not null order by id limit 1");
    let email = here.word("select email from operator order by id limit 1");
    let taken = [
        (
            "update tenant set domain = ?1",
            "demo".to_owned(),
            "the domain demo",
        ),
        (
            "update operator set email = ?1",
            email,
            "an operator with the e-mail ",
        ),
        (
            "update operator set phone = ?1",
            phone,
            "an operator with the phone ",
        ),
        (
            "update channel set address = ?1",
            demo::MAILBOX.to_owned(),
            "a channel with the address support@demo.tehprof.kz",
        ),
    ];
    for (take, value, words) in taken {
        let given = value.clone();
        there.change(move |tx| {
            assert_eq!(tx.execute(take, [given])?, 1);
            Ok(())
        });
        let before = there.state();
        let refused = sentence(there.import(&file));
        let expected = format!("tenant {other} (other) here already has {words}");
        assert!(
            refused.starts_with(&expected) && refused.contains(&value),
            "{refused}"
        );
        assert_eq!(there.state(), before);
        there.change(move |tx| {
            tx.execute(take, ["gone@example.kz"])?;
            Ok(())
        });
    }
    there.import(&file).unwrap();
}

#[test]
fn a_file_is_overwritten_only_on_demand_and_never_half() {
    let here = World::new();
    let demo = here.play();
    let file = here.dir.join("demo.tenant");
    fs::write(&file, "precious").unwrap();
    let refused = sentence(here.export(demo, &file));
    assert!(
        refused.ends_with("is already there; --force overwrites it"),
        "{refused}"
    );
    assert_eq!(fs::read(&file).unwrap(), b"precious");

    let (hash, _) = here.blobs(demo).remove(0);
    let place = here.place(demo, &hash);
    let bytes = fs::read(&place).unwrap();
    fs::write(&place, "other bytes").unwrap();
    let refused = sentence(here.export_over(demo, &file));
    assert!(refused.contains(&hash), "{refused}");
    fs::remove_file(&place).unwrap();
    assert_eq!(sentence(here.export_over(demo, &file)), refused);
    assert_eq!(fs::read(&file).unwrap(), b"precious");

    fs::write(&place, bytes).unwrap();
    assert_ne!(here.export_over(demo, &file).unwrap(), Counts::default());
    let names = fs::read_dir(&here.dir).unwrap();
    let drafts = names.filter(|name| {
        let name = name.as_ref().unwrap().file_name();
        name.to_string_lossy().starts_with(".demo.tenant")
    });
    assert_eq!(drafts.count(), 0);
}
