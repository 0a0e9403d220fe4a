//! What leaves next is what a slow search finds, whatever happened to the rows before; and a long queue costs no more to
//! look at than a short one.
use super::{busy_channels, due, next_at, outage::probes};
use crate::{
    api::field::ChannelId,
    db::{
        cost, migrate,
        sql::{all, one},
    },
};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use rusqlite::Connection;
use std::path::PathBuf;

/// A migrated database of one tenant with a bot, five chats and six tickets, each with a message.
struct World {
    conn: Connection,
    path: PathBuf,
}

impl World {
    fn new(name: &str) -> World {
        let path =
            std::env::temp_dir().join(format!("tehprof-outbox-{name}-{}.db", std::process::id()));
        migrate::bring_up(&path).unwrap();
        let conn = Connection::open(&path).unwrap();
        conn.execute_batch(
            "insert into tenant (id, name, business_hours, widget_key, created_at) values (1, 'acme', '{}', 'a', 0);
             insert into channel (id, tenant_id, type, name, config, secrets, created_at) values (1, 1, 'telegram', 't', '{}', x'', 0);",
        )
        .unwrap();
        for id in 1..=5 {
            conn.execute(
                "insert into chat (id, tenant_id, channel_id, address, title, created_at) values (?1, 1, 1, ?1, 'c', 0)",
                [id],
            )
            .unwrap();
        }
        for id in 1..=6 {
            conn.execute(
                "insert into ticket (tenant_id, id, reference, subject, status, priority, channel, creator_name, created_at, updated_at)
                 values (1, ?1, ?1, 's', 'new', 'normal', 'api', 'x', 0, 0)",
                [id],
            )
            .unwrap();
            conn.execute(
                "insert into message (id, tenant_id, ticket_id, ordinal, author_type, author_name, body, channel, created_at)
                 values (?1, 1, ?1, 1, 'support', 'x', 'b', 'api', 0)",
                [id],
            )
            .unwrap();
        }
        World { conn, path }
    }

    fn due(&self) -> Vec<i64> {
        let rows = due(&self.conn, ChannelId(1), NOW, 1_000_000).unwrap();
        rows.into_iter().map(|row| row.id).collect()
    }

    /// Of each lane the oldest that waits and whose ticket is not in the bin, if its time has come.
    fn due_slowly(&self) -> Vec<i64> {
        all(
            &self.conn,
            "with waiting as (select o.* from outbox o
                                left join ticket t on t.tenant_id = o.tenant_id and t.id = o.ticket_id
                               where o.state = 'queued' and t.deleted_at is null)
             select id from waiting w
              where next_at <= ?1 and id = (select min(id) from waiting where lane = w.lane)
              order by next_at, id",
            [NOW],
            |row| row.get(0),
        )
        .unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for ending in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{ending}", self.path.display()));
        }
    }
}

/// What is due by then is due.
const NOW: i64 = 100;

/// What happens to rows, by their place among those there are.
#[derive(Clone, Debug)]
enum Step {
    Put {
        ticket: Option<i64>,
        chat: Option<i64>,
    },
    State {
        row: usize,
        state: &'static str,
    },
    Off {
        row: usize,
        until: i64,
    },
    Chat {
        from: i64,
        to: i64,
    },
    Merge {
        from: i64,
        to: i64,
    },
    Bin {
        ticket: i64,
        restore: bool,
    },
    Take {
        row: usize,
    },
    Purge {
        ticket: i64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let (row, ticket, chat) = (0..30usize, 1..7i64, 1..6i64);
    let states = prop::sample::select(vec!["queued", "sent", "failed"]);
    let place = prop_oneof![
        (
            prop::option::of(ticket.clone()),
            chat.clone().prop_map(Some)
        ),
        (ticket.clone().prop_map(Some), Just(None)),
    ];
    prop_oneof![
        6 => place.prop_map(|(ticket, chat)| Step::Put { ticket, chat }),
        6 => (row.clone(), states).prop_map(|(row, state)| Step::State { row, state }),
        2 => (row.clone(), 0..200i64).prop_map(|(row, until)| Step::Off { row, until }),
        1 => (chat.clone(), chat).prop_map(|(from, to)| Step::Chat { from, to }),
        1 => (ticket.clone(), ticket.clone()).prop_map(|(from, to)| Step::Merge { from, to }),
        3 => (ticket.clone(), any::<bool>()).prop_map(|(ticket, restore)| Step::Bin { ticket, restore }),
        2 => row.prop_map(|row| Step::Take { row }),
        1 => ticket.prop_map(|ticket| Step::Purge { ticket }),
    ]
}

fn carry_out(conn: &Connection, step: &Step) {
    let nth = |row: usize| -> Option<i64> {
        let ids: Vec<i64> =
            all(conn, "select id from outbox order by id", [], |r| r.get(0)).unwrap();
        ids.get(row % ids.len().max(1)).copied()
    };
    let run = |sql: &str, parameters: &[&dyn rusqlite::ToSql]| {
        conn.execute(sql, parameters).unwrap();
    };
    match *step {
        Step::Put { ticket, chat } => run(
            "insert into outbox (tenant_id, channel_id, ticket_id, message_id, chat_id, kind, recipient, next_at, created_at)
             select 1, 1, ?1, (select id from message where id = ?1), ?2, 'answer', 'x@y.kz', 0, 0
              where ?2 is not null or exists (select 1 from message where id = ?1)",
            &[&ticket, &chat],
        ),
        Step::State { row, state } => {
            run("update outbox set state = ?2 where id = ?1", &[&nth(row), &state]);
        }
        Step::Off { row, until } => {
            run("update outbox set next_at = ?2 where id = ?1", &[&nth(row), &until]);
        }
        Step::Chat { from, to } => {
            run("update outbox set chat_id = ?2 where tenant_id = 1 and chat_id = ?1", &[&from, &to]);
        }
        Step::Merge { from, to } => run(
            "update outbox set ticket_id = ?2
              where tenant_id = 1 and ticket_id = ?1 and exists (select 1 from ticket where id = ?2)",
            &[&from, &to],
        ),
        Step::Bin { ticket, restore } => {
            run("update ticket set deleted_at = iif(?2, null, 1) where id = ?1", &[&ticket, &restore]);
        }
        Step::Take { row } => run("delete from outbox where id = ?1", &[&nth(row)]),
        Step::Purge { ticket } => {
            run(
                "delete from outbox where ticket_id = ?1 or message_id = ?1",
                &[&ticket],
            );
            run("delete from ticket where id = ?1", &[&ticket]);
        }
    }
}

#[test]
fn what_is_marked_is_what_a_slow_search_finds_after_any_history() {
    let mut runner = TestRunner::deterministic();
    let steps = prop::collection::vec(step(), 60);
    let world = World::new("history");
    for round in 0..40 {
        world.conn.execute_batch("begin").unwrap();
        let history = steps.new_tree(&mut runner).unwrap().current();
        for (at, step) in history.iter().enumerate() {
            carry_out(&world.conn, step);
            assert_eq!(
                world.due(),
                world.due_slowly(),
                "round {round}, after {:?}",
                &history[..=at]
            );
        }
        world.conn.execute_batch("rollback").unwrap();
    }
}

/// Puts so many rows into each of five chats.
fn fill(world: &World, rows: i64) {
    world
        .conn
        .execute(
            "with recursive n (n) as (select 1 union all select n + 1 from n where n < ?1)
             insert into outbox (tenant_id, channel_id, chat_id, kind, recipient, content, next_at, created_at)
             select 1, 1, c.id, 'say', c.id, '{}', 1, 1 from n, chat c",
            [rows],
        )
        .unwrap();
}

#[test]
fn a_long_queue_costs_no_more_than_a_short_one() {
    let look = |rows: i64| {
        let world = World::new(&format!("cost-{rows}"));
        fill(&world, rows);
        let (found, cost) = cost::of(&world.path, |conn| {
            assert_eq!(busy_channels(conn, NOW).unwrap(), [ChannelId(1)]);
            assert_eq!(next_at(conn, NOW).unwrap(), None);
            due(conn, ChannelId(1), NOW, 32).unwrap().len()
        });
        assert_eq!(found, 5);
        let left: i64 = one(&world.conn, "select count(*) from outbox", [], |r| r.get(0)).unwrap();
        assert_eq!(left, rows * 5);
        cost
    };
    let (short, long) = (look(2), look(4_000));
    assert_eq!(short.steps, long.steps, "{:?}", long.statements);
    assert_eq!(long.sorts, 0);
}

#[test]
fn a_channel_that_is_cut_off_is_tried_with_its_oldest_row_while_nothing_else_is_due() {
    let world = World::new("cut");
    let put = |ticket: i64, at: i64, is_cut: bool| {
        world
            .conn
            .execute(
                "insert into outbox (tenant_id, channel_id, ticket_id, message_id, kind, recipient, next_at, created_at, is_cut)
                 values (1, 1, ?1, ?1, 'answer', 'r' || ?1, ?2, 0, ?3)",
                (ticket, at, is_cut),
            )
            .unwrap();
    };
    let tried = || -> Vec<i64> {
        let rows = probes(&world.conn, NOW).unwrap();
        assert!(rows.iter().all(|row| row.is_probe));
        rows.into_iter().map(|row| row.id).collect()
    };
    put(1, NOW + 9, false);
    assert_eq!(tried(), [0; 0], "one that waits for its own sake");
    put(2, NOW + 9, true);
    put(3, NOW + 5, true);
    assert_eq!(tried(), [2]);
    put(4, NOW, false);
    assert_eq!(tried(), [0; 0], "what is due shows it as well");
    world
        .conn
        .execute_batch(
            "update outbox set state = 'sent' where id = 4; update channel set is_active = 0",
        )
        .unwrap();
    assert_eq!(tried(), [0; 0]);
    for jitter in [0, 7, u64::MAX] {
        let wait = super::outage::interval(jitter);
        assert!((15_000..=30_000).contains(&wait), "{wait}");
    }
}
