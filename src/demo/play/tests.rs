//! What the demo promises once it has been played: the figures, the tickets of the published examples, clean counters.
use super::*;
use crate::{
    Clock,
    api::field::MessageId,
    db::{Closing, Db, migrate},
    demo,
    sla::hours::Hours,
    ticket::status::Status,
};
use rusqlite::Connection;
use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
};

/// A Wednesday afternoon in Almaty.
const NOW: Millis = 1_795_080_840_000;

/// A demo desk that is gone when the test is.
struct Played {
    db: Option<Db>,
    closing: Closing,
    path: PathBuf,
    tenant: TenantId,
}

impl Played {
    async fn at(now: Millis) -> Played {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let nth = COUNT.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("tehprof-demo-{}-{nth}.db", std::process::id()));
        migrate::bring_up(&path).unwrap();
        let (db, closing) = Db::open(&path, Clock::manual(now)).unwrap();
        let tenant = db
            .write(|tx| play(tx, "no password fits this"))
            .await
            .unwrap();
        Played {
            db: Some(db),
            closing,
            path,
            tenant,
        }
    }

    async fn ask<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Connection, TenantId) -> Result<T> + Send + 'static,
    ) -> T {
        let tenant = self.tenant;
        let db = self.db.as_ref().unwrap();
        db.read(move |snapshot| f(snapshot, tenant)).await.unwrap()
    }

    async fn number(&self, sql: &'static str) -> i64 {
        self.ask(move |conn, _| Ok(conn.query_row(sql, [], |row| row.get(0))?))
            .await
    }
}

impl Drop for Played {
    fn drop(&mut self) {
        drop(self.db.take());
        self.closing.wait();
        for end in ["db", "db-wal", "db-shm"] {
            let _ = fs::remove_file(self.path.with_extension(end));
        }
    }
}

#[tokio::test]
async fn the_desk_has_two_hundred_tickets_in_every_state() {
    let desk = Played::at(NOW).await;
    let counts: BTreeMap<Status, i64> = desk
        .ask(|conn, _| {
            let mut statement =
                conn.prepare("select status, count(*) from ticket group by status")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await;
    let expected = [
        (Status::New, 8),
        (Status::Estimated, 6),
        (Status::InProgress, 20),
        (Status::OnHold, 6),
        (Status::Done, 18),
        (Status::Closed, 137),
        (Status::Reopened, 5),
    ];
    assert_eq!(counts, expected.into());
}

#[tokio::test]
async fn the_published_examples_find_their_ticket_and_their_message() {
    // Another day of the week, another hour, a desk that is closed, a turn of the year.
    for days in [0, 1, 4, 45, 200] {
        let desk = Played::at(NOW + days * DAY + 7 * crate::clock::HOUR * (days % 3)).await;
        let (ticket, charge) = desk
            .ask(|conn, tenant| {
                let ticket = record::by_id(conn, tenant, TicketId(42))?;
                let charge: String = conn.query_row(
                    "select name from operator where tenant_id = ?1 and id = ?2",
                    (tenant, ticket.assigned_to),
                    |row| row.get(0),
                )?;
                Ok((ticket, charge))
            })
            .await;
        assert_eq!(ticket.subject, "CRM не синхронизируется");
        assert_eq!(
            (ticket.status, ticket.priority),
            (Status::InProgress, Priority::Urgent)
        );
        assert_eq!(
            (ticket.category.as_str(), charge.as_str()),
            ("crm", "Алия Нурбекова")
        );
        assert_eq!(
            (ticket.creator_name.as_str(), ticket.client_user_id),
            ("Иван Петров", 123)
        );
        assert_eq!((ticket.message_count, ticket.unread_count), (7, 2));
        let answer = desk
            .ask(|conn, tenant| message::by_id(conn, tenant, MessageId(102)))
            .await;
        assert_eq!(answer.author, ticket::model::Author::Support);
        assert!(!answer.is_note);
    }
}

#[tokio::test]
async fn counters_agree_with_the_slow_count_and_time_goes_forward() {
    let desk = Played::at(NOW).await;
    let wrong = "select count(*) from ticket t
                  where message_count <> (select count(*) from message m where m.tenant_id = t.tenant_id and m.ticket_id = t.id and not m.is_note)
                     or unread_count <> (select count(*) from message m where m.tenant_id = t.tenant_id and m.ticket_id = t.id
                                            and m.author_type = 'client' and m.read_at is null)
                     or updated_at < created_at";
    assert_eq!(desk.number(wrong).await, 0);
    assert_eq!(
        desk.number("select (select count(*) from message) - (select count(*) from search)")
            .await,
        0
    );
    let back = "select count(*) from event e join event f on f.ticket_id = e.ticket_id and f.id > e.id and f.at < e.at";
    assert_eq!(desk.number(back).await, 0);
    let later = "select count(*) from event where at > (select max(updated_at) from ticket)";
    assert_eq!(desk.number(later).await, 0);
    let numbers = "select count(*) from ticket a join ticket b on a.id < b.id and a.created_at > b.created_at";
    assert_eq!(desk.number(numbers).await, 0);
}

#[tokio::test]
async fn there_is_work_that_nobody_has_read_and_time_that_was_booked() {
    let desk = Played::at(NOW).await;
    assert!(
        desk.number("select count(*) from ticket where is_open and unread_count > 0")
            .await
            >= 8
    );
    assert_eq!(
        desk.number("select count(*) from ticket where status = 'closed' and closed_at is null")
            .await,
        0
    );
    assert!(desk.number("select count(*) from time_entry").await > 150);
    assert!(
        desk.number("select count(*) from estimate where status = 'pending'")
            .await
            >= 6
    );
    assert!(
        desk.number("select count(*) from message where delivery_status = 'read'")
            .await
            > 100
    );
    assert_eq!(desk.number("select count(*) from outbox").await, 0);
    assert_eq!(desk.number("select count(*) from category").await, 11);
}

#[tokio::test]
async fn the_demo_is_known_by_its_domain() {
    let desk = Played::at(NOW).await;
    let found = desk.ask(|conn, _| demo::find(conn)).await;
    assert_eq!(found.map(|tenant| tenant.id), Some(desk.tenant));
}

/// The message of the published examples, as it comes out of the script at `now`.
fn example_message(now: Millis) -> bool {
    let hours = Hours::weekdays("Asia/Almaty").unwrap();
    let scenes = staging::scenes(SEED, now, &hours);
    let moments = timeline(&scenes, now);
    let mut messages = moments.iter().filter(|moment| is_message(moment));
    matches!(
        messages.nth(ANSWER - 1).map(|moment| moment.what),
        Some(What::SupportSays { .. })
    )
}

#[test]
fn on_any_day_the_message_of_the_examples_is_an_answer() {
    for day in 0..60 {
        let now = NOW + day * (7 * DAY + 5 * crate::clock::HOUR);
        assert!(example_message(now), "{}", crate::clock::wire(now));
    }
}

#[test]
fn an_answer_is_moved_to_its_number_with_what_led_to_it() {
    let operator = &super::super::script::people::OPERATORS[0];
    let client = What::ClientSays("?".into());
    let support = What::SupportSays {
        operator,
        text: "!".into(),
    };
    let take = What::Take { operator };
    let moment = |scene, what| Moment { at: 0, scene, what };
    let mut moments = vec![
        moment(0, &client),
        moment(1, &client),
        moment(2, &client),
        moment(2, &support),
        moment(0, &client),
        moment(0, &take),
        moment(0, &support),
    ];
    put_an_answer_at(&mut moments, 3);
    let order: Vec<_> = moments
        .iter()
        .map(|moment| (moment.scene, moment.what))
        .collect();
    assert_eq!(
        order,
        [
            (0, &client),
            (0, &client),
            (0, &take),
            (0, &support),
            (1, &client),
            (2, &client),
            (2, &support),
        ]
    );
}
