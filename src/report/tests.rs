//! What is counted in passing is what a slow count finds, whatever happened before; and no figure reads a whole table.
use super::{
    Outcome, SLOT, analytics,
    dashboard::{self, PortalFigures},
    operators, tickets,
};
use crate::{
    api::field::TenantId,
    clock::{Clock, DAY, HOUR, Millis},
    db::{
        cost, migrate,
        sql::{all, one},
    },
    ticket::{
        count::{self, Counts, Facet},
        list::tests::Desk,
        status::Status,
    },
};
use history::{carry_out, step};
use jiff::tz::TimeZone;
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};
use rusqlite::Connection;
use std::path::PathBuf;

mod days;
mod history;

/// A migrated database of two tenants, each with two clients and two operators.
struct World {
    conn: Connection,
    path: PathBuf,
}

impl World {
    fn new(name: &str) -> World {
        let path =
            std::env::temp_dir().join(format!("tehprof-report-{name}-{}.db", std::process::id()));
        migrate::bring_up(&path).unwrap();
        let conn = Connection::open(&path).unwrap();
        conn.execute_batch(
            "insert into tenant (id, name, business_hours, widget_key, created_at) values (1, 'acme', '{}', 'a', 0), (2, 'globex', '{}', 'b', 0);
             insert into client (id, tenant_id, portal_domain, company_name, created_at)
             values (1, 1, 'a.kz', 'A', 0), (2, 1, 'b.kz', 'B', 0), (3, 2, 'c.kz', 'C', 0), (4, 2, 'd.kz', 'D', 0);
             insert into operator (id, tenant_id, name, email, role, created_at)
             values (1, 1, 'Омар', 'o@a', 'operator', 0), (2, 1, 'Сауле', 's@a', 'operator', 0),
                    (3, 2, 'Greta', 'g@b', 'operator', 0), (4, 2, 'Hans', 'h@b', 'operator', 0);",
        )
        .unwrap();
        World { conn, path }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for ending in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{ending}", self.path.display()));
        }
    }
}

/// What a slow count finds where the counters say something.
fn counted_slowly(conn: &Connection, tenant: i64, facet: &str, value: &str) -> Counts {
    let column = match facet {
        "client" => "coalesce(client_id, '')",
        "operator" => "coalesce(assigned_to, '')",
        "all" => "''",
        plain => plain,
    };
    let count = |what: &str| -> i64 {
        let sql = format!(
            "select count(*) from ticket where tenant_id = ?1 and cast({column} as text) = ?2 and deleted_at is null and {what}"
        );
        one(conn, &sql, (tenant, value), |row| row.get(0)).unwrap()
    };
    let of = |status: Status| count(&format!("status = '{}'", status.as_str()));
    Counts {
        new: of(Status::New),
        estimated: of(Status::Estimated),
        in_progress: of(Status::InProgress),
        on_hold: of(Status::OnHold),
        done: of(Status::Done),
        closed: of(Status::Closed),
        reopened: of(Status::Reopened),
        unread: count("is_open and unread_count > 0"),
    }
}

fn outcome_slowly(conn: &Connection, tenant: i64, since: Millis) -> [i64; 9] {
    one(
        conn,
        "select count(first_response_at), coalesce(sum(first_response_at - created_at), 0), count(done_at),
                coalesce(sum(done_at - created_at), 0),
                coalesce(sum(sla_response_at is not null and first_response_at is not null and not sla_response_breached), 0),
                coalesce(sum(sla_response_breached), 0),
                coalesce(sum(coalesce(due_at, sla_resolution_at) is not null and done_at is not null and not sla_resolution_breached), 0),
                coalesce(sum(sla_resolution_breached), 0),
                coalesce(sum(sla_response_breached or sla_resolution_breached), 0)
           from ticket
          where tenant_id = ?1 and created_at >= ?2 and deleted_at is null",
        (tenant, since),
        |row| {
            let mut figures = [0; 9];
            for (at, figure) in figures.iter_mut().enumerate() {
                *figure = row.get(at)?;
            }
            Ok(figures)
        },
    )
    .unwrap()
}

fn compare(conn: &Connection) {
    for tenant in 1..3i64 {
        let id = TenantId(tenant);
        let mut facets = vec![(Facet::All, "all", String::new())];
        for (facet, name, values) in [
            (Facet::Client, "client", ["", "1", "2", "3", "4"].as_slice()),
            (Facet::Operator, "operator", &["", "1", "2", "3", "4"]),
            (Facet::Priority, "priority", &["low", "normal", "urgent"]),
            (Facet::Category, "category", &["crm", "other"]),
            (Facet::Channel, "channel", &["email", "api", "widget"]),
        ] {
            facets.extend(
                values
                    .iter()
                    .map(|value| (facet, name, (*value).to_owned())),
            );
        }
        for (facet, name, value) in facets {
            let quick = count::of(conn, id, facet, &value).unwrap();
            assert_eq!(
                quick,
                counted_slowly(conn, tenant, name, &value),
                "{name} {value:?}"
            );
        }
        days::compare(conn, id);
        for since in [0, 40 * SLOT, 150 * SLOT] {
            let quick = Outcome::since(conn, id, since, 0).unwrap();
            let quick = [
                quick.answered,
                quick.response_ms,
                quick.solved,
                quick.resolution_ms,
                quick.response_met,
                quick.response_breached,
                quick.resolution_met,
                quick.resolution_breached,
                quick.broken,
            ];
            assert_eq!(quick, outcome_slowly(conn, tenant, since), "since {since}");
        }
    }
}

#[test]
fn counters_are_what_a_slow_count_finds_after_any_history() {
    let world = World::new("counters");
    let mut runner = TestRunner::new(Config {
        cases: 60,
        failure_persistence: None,
        ..Config::default()
    });
    runner
        .run(&prop::collection::vec(step(), 1..120), |steps| {
            world
                .conn
                .execute_batch("begin; delete from ticket;")
                .unwrap();
            let mut tickets = Vec::new();
            for step in &steps {
                carry_out(&world.conn, &mut tickets, step);
            }
            compare(&world.conn);
            world.conn.execute_batch("rollback").unwrap();
            Ok(())
        })
        .unwrap();
}

#[test]
fn tickets_that_were_there_before_the_counters_are_counted_by_the_migration() {
    let world = World::new("filled");
    let mut tickets = Vec::new();
    let mut runner = TestRunner::deterministic();
    for _ in 0..200 {
        let step = step().new_tree(&mut runner).unwrap().current();
        carry_out(&world.conn, &mut tickets, &step);
    }
    world
        .conn
        .execute_batch("delete from ticket_count; delete from ticket_figure;")
        .unwrap();
    let migration = include_str!("../../migrations/V035__figures.sql");
    let filling = migration.split_once("-- What is here already.").unwrap().1;
    let filling = filling.split_once("drop index").unwrap().0;
    world.conn.execute_batch(filling).unwrap();
    world
        .conn
        .execute_batch(
            "delete from ticket_opened; delete from ticket_flow; delete from ticket_span;",
        )
        .unwrap();
    for migration in [
        include_str!("../../migrations/V103__sums_of_days.sql"),
        include_str!("../../migrations/V104__far_pages.sql"),
    ] {
        let filling = migration.split_once("-- What is here already.").unwrap().1;
        // What comes after it changes the tables.
        let filling = filling.split("drop index").next().unwrap();
        let filling = filling.split("alter table").next().unwrap();
        world.conn.execute_batch(filling).unwrap();
    }
    compare(&world.conn);
}

#[test]
fn a_ticket_whose_clock_ran_out_counts_as_late_before_anything_happens_to_it() {
    let world = World::new("late");
    world
        .conn
        .execute(
            "insert into ticket (tenant_id, id, reference, subject, status, priority, channel, creator_name, created_at,
                                 updated_at, client_id, sla_response_at, sla_resolution_at, sla_next_at)
             values (1, 1, 1, 's', 'new', 'normal', 'api', 'x', ?1, ?1, 1, ?2, ?3, ?2)",
            (40 * DAY, 40 * DAY + HOUR, 40 * DAY + 8 * HOUR),
        )
        .unwrap();
    let at = |now| dashboard::dashboard(&world.conn, TenantId(1), now).unwrap();
    assert_eq!(at(40 * DAY + HOUR).sla_compliance_pct, Some(100));
    let late = at(40 * DAY + HOUR + 1);
    assert_eq!(late.sla_compliance_pct, Some(0));
    assert_eq!(
        (late.avg_response_min, late.avg_resolution_hours),
        (None, None)
    );
    assert_eq!(
        late.per_portal,
        [PortalFigures {
            portal_domain: "a.kz".into(),
            company_name: "A".into(),
            open: 1,
            new: 1
        }]
    );
    assert_eq!(at(80 * DAY).sla_compliance_pct, None);
    let outcome = Outcome::since(&world.conn, TenantId(1), 0, 40 * DAY + 9 * HOUR).unwrap();
    assert_eq!(
        (
            outcome.response_breached,
            outcome.resolution_breached,
            outcome.broken
        ),
        (1, 1, 1)
    );
}

#[test]
fn no_figure_reads_a_whole_table() {
    let world = World::new("plans");
    // What else is gone through: what was grouped before.
    for (sql, parameters, small) in [
        (analytics::OPENED, 2, &[][..]),
        (analytics::OPENED_BEFORE, 3, &[]),
        (analytics::INFLOW, 3, &[]),
        (analytics::FLOW, 3, &[]),
        (analytics::RATED, 2, &[]),
        (
            operators::OPERATORS,
            2,
            &["t", "f", "b", "r", "taken", "finished", "booked", "rated"],
        ),
        (tickets::TICKETS, 2, &[]),
    ] {
        let values = (0..parameters).map(|_| rusqlite::types::Value::Integer(1));
        let plan: Vec<String> = all(
            &world.conn,
            &format!("explain query plan {sql}"),
            rusqlite::params_from_iter(values),
            |row| row.get(3),
        )
        .unwrap();
        let mut scans = plan.iter().filter_map(|step| step.strip_prefix("SCAN "));
        assert!(
            scans.all(|of| small.contains(&of.split(' ').next().unwrap_or(of))),
            "{sql}: {plan:#?}"
        );
        if sql == analytics::OPENED_BEFORE {
            let looks_up = plan.iter().any(|step| step.contains("USING INDEX"));
            assert!(!looks_up, "{plan:#?}");
        }
    }
}

#[test]
fn an_outcome_holds_as_long_as_it_says() {
    let desk = Desk::of("outcome", 600);
    let (tenant, now) = (desk.filled.tenant, Clock::System.now());
    let conn = Connection::open(desk.path()).unwrap();
    // As if nobody had looked at a clock for years.
    conn.execute_batch("update ticket set sla_response_breached = 0, sla_resolution_breached = 0")
        .unwrap();
    let figures = |outcome: Outcome| Outcome {
        until: 0,
        ..outcome
    };
    for since in [0, now - 20 * DAY] {
        let since = since / SLOT * SLOT;
        let at = |now| Outcome::since(&conn, tenant, since, now).unwrap();
        let first = now - 1_200 * DAY;
        let (mut found, mut spans) = (at(first), 0);
        for now in (0..6_000).map(|n| first + n * 5 * HOUR) {
            let asked = at(now);
            assert!(asked.until >= now);
            if now <= found.until {
                assert_eq!(figures(asked), figures(found), "at {now}");
                spans += 1;
            } else {
                found = asked;
            }
        }
        assert!((1..5_999).contains(&spans), "{spans}");
        // When nothing runs out any more, it holds for ever.
        assert_eq!(at(now + 100 * DAY).until, Millis::MAX);
    }
}

#[test]
fn figures_of_some_days_read_those_days_alone() {
    let desk = Desk::of("figures", 6_000);
    let (tenant, now) = (desk.filled.tenant, Clock::System.now());
    let path = desk.path();
    let zone = TimeZone::UTC;
    let (_, glance) = cost::of(&path, |conn| {
        dashboard::dashboard(conn, tenant, now).unwrap();
    });
    // One step a ticket, and more than that for all its figures, is what going through them all would take.
    assert!(
        glance.scanned <= 200 && glance.steps < 10_000,
        "{glance:#?}"
    );
    type Figure<'a> = Box<dyn Fn(&Connection, u16) + 'a>;
    let since = |days: u16| now - Millis::from(days) * DAY;
    let figures: [(&str, Figure<'_>); 3] = [
        (
            "analytics",
            Box::new(|conn, days| {
                analytics::analytics(conn, tenant, days, &zone, now).unwrap();
            }),
        ),
        (
            "operators",
            Box::new(|conn, days| {
                operators::operators(conn, tenant, since(days)).unwrap();
            }),
        ),
        (
            "tickets",
            Box::new(|conn, days| {
                tickets::tickets(conn, tenant, since(days), now).unwrap();
            }),
        ),
    ];
    for (name, figure) in figures {
        let (_, month) = cost::of(&path, |conn| figure(conn, 30));
        let (_, always) = cost::of(&path, |conn| figure(conn, 1_200));
        assert!(month.scanned <= 200, "{name}: {month:#?}");
        assert!(
            month.steps * 8 < always.steps,
            "{name}: {month:#?} {always:#?}"
        );
    }
}
