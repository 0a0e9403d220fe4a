//! How far SQLite goes for each list, on a small desk and on one four times as large; and that every total is exact.
use super::*;
use crate::{
    api::field::ClientId,
    cli::bench::fill::{self, Filled},
    config::Config,
    db::cost::{self, Cost},
    ticket::model::{Origin, Priority},
};
use std::path::{Path, PathBuf};

/// A desk of so many tickets, gone with the test.
pub(crate) struct Desk {
    dir: PathBuf,
    pub(crate) filled: Filled,
}

impl Desk {
    pub(crate) fn of(name: &str, tickets: i64) -> Desk {
        let name = format!("tehprof-{name}-{tickets}-{}", std::process::id());
        let dir = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&dir).unwrap();
        let filled = fill::fill(&dir, tickets).unwrap();
        Desk { dir, filled }
    }

    pub(crate) fn path(&self) -> PathBuf {
        Config::new(self.dir.clone()).database()
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

const NOW: Millis = 0;

fn staff(stage: Stage, sort: Sort) -> Filter {
    Filter {
        stage,
        sort,
        ..Filter::all(Sight::Staff)
    }
}

/// The lists that people look at all day.
fn usual() -> Vec<Filter> {
    let mut lists = Vec::new();
    for sort in [Sort::UpdatedAt, Sort::Priority, Sort::Sla] {
        for stage in [Stage::All, Stage::Active, Stage::One(Status::InProgress)] {
            lists.push(staff(stage, sort));
        }
    }
    let active = || staff(Stage::Active, Sort::UpdatedAt);
    lists.extend([
        staff(Stage::All, Sort::CreatedAt),
        staff(Stage::One(Status::Closed), Sort::UpdatedAt),
        Filter {
            ascending: true,
            ..staff(Stage::Active, Sort::UpdatedAt)
        },
        Filter {
            ascending: true,
            ..staff(Stage::All, Sort::CreatedAt)
        },
        Filter {
            charge: Some(Charge::Operator(OperatorId(1))),
            ..staff(Stage::All, Sort::UpdatedAt)
        },
        Filter {
            charge: Some(Charge::Nobody),
            ..active()
        },
        Filter {
            snoozed: Some(false),
            ..active()
        },
        Filter {
            snoozed: Some(true),
            ..active()
        },
        Filter {
            priority: Some(Priority::Urgent),
            ..active()
        },
        Filter {
            channel: Some(Origin::Email),
            ..staff(Stage::All, Sort::UpdatedAt)
        },
        Filter {
            search: Some("srv-123456".into()),
            ..staff(Stage::All, Sort::UpdatedAt)
        },
        Filter {
            search: Some("#17".into()),
            ..staff(Stage::All, Sort::UpdatedAt)
        },
    ]);
    lists
}

/// Lists that are narrowed by more, or whose size follows that of the desk.
fn others() -> Vec<Filter> {
    let all = || staff(Stage::All, Sort::UpdatedAt);
    vec![
        Filter {
            unread: Some(true),
            ..all()
        },
        Filter {
            portal_domain: Some("client7.bitrix24.kz".into()),
            ..all()
        },
        Filter {
            portal_domain: Some("nobody.kz".into()),
            ..all()
        },
        Filter {
            priority: Some(Priority::Low),
            category: Some("crm".into()),
            ..all()
        },
        Filter {
            search: Some("принтер".into()),
            ..all()
        },
        Filter {
            search: Some("принтер".into()),
            ..staff(Stage::One(Status::Closed), Sort::UpdatedAt)
        },
        Filter {
            search: Some("принтер".into()),
            ..staff(Stage::All, Sort::Priority)
        },
        Filter {
            search: Some("не принтер склад".into()),
            priority: Some(Priority::Urgent),
            ..staff(Stage::Active, Sort::Sla)
        },
        Filter {
            search: Some("касса".into()),
            ..Filter::all(Sight::Portal(ClientId(7)))
        },
        Filter::all(Sight::Portal(ClientId(7))),
        Filter::all(Sight::User(ClientId(7), 7)),
        Filter {
            snoozed: Some(false),
            charge: Some(Charge::Operator(OperatorId(3))),
            ..staff(Stage::Active, Sort::Priority)
        },
    ]
}

fn look(path: &Path, filled: Filled, filter: &Filter, number: i64) -> (Vec<i64>, i64, Cost) {
    let part = Page::new(Some(number), Some(30), 30).unwrap();
    let ((rows, total), cost) = cost::of(path, |conn| {
        page(conn, filled.tenant, filter, part, NOW).unwrap()
    });
    (rows.into_iter().map(|row| row.id.0).collect(), total, cost)
}

#[test]
fn a_list_costs_on_a_large_desk_what_it_costs_on_a_small_one() {
    let (small, large) = (Desk::of("lists", 1_500), Desk::of("lists", 6_000));
    for filter in usual() {
        let (_, _, few) = look(&small.path(), small.filled, &filter, 1);
        let (_, _, many) = look(&large.path(), large.filled, &filter, 1);
        assert!(many.scanned <= 200, "{filter:?}: {many:#?}");
        // A page that is not full costs less; a full one takes about 3,500 steps.
        assert!(
            many.steps <= few.steps.max(4_000) * 3 / 2,
            "{filter:?}: {few:#?} {many:#?}"
        );
    }
    for filter in others() {
        let (_, _, many) = look(&large.path(), large.filled, &filter, 1);
        assert!(many.scanned <= 200, "{filter:?}: {many:#?}");
        // The statistics of this desk are known, and still no value makes SQLite plan a statement anew.
        assert_eq!(many.replans, 0, "{filter:?}: {many:#?}");
    }
}

#[test]
fn a_ticket_of_a_client_with_many_is_shown_at_the_cost_of_one() {
    let desk = Desk::of("one", 2_000);
    Connection::open(desk.path())
        .unwrap()
        .execute("update ticket set client_id = 1", [])
        .unwrap();
    let (shown, cost) = cost::of(&desk.path(), |conn| {
        let id = TicketId(1_000);
        crate::ticket::view::ticket(conn, desk.filled.tenant, Sight::Staff, id, NOW).unwrap()
    });
    assert_eq!(shown.other_tickets.len(), 5);
    assert!(cost.scanned <= 200 && cost.steps < 8_000, "{cost:#?}");
}

#[test]
fn a_far_page_costs_on_a_large_desk_what_it_costs_on_a_small_one() {
    let (small, large) = (Desk::of("far", 3_000), Desk::of("far", 12_000));
    let lists = [
        staff(Stage::All, Sort::UpdatedAt),
        staff(Stage::All, Sort::CreatedAt),
        staff(Stage::One(Status::Closed), Sort::UpdatedAt),
        Filter {
            ascending: true,
            ..staff(Stage::All, Sort::UpdatedAt)
        },
    ];
    for filter in lists {
        let of = |desk: &Desk, part: i64| {
            let (.., total, _) = look(&desk.path(), desk.filled, &filter, 1);
            look(
                &desk.path(),
                desk.filled,
                &filter,
                (total * part / 300).max(1),
            )
        };
        for part in [3, 5, 7, 10] {
            let (few, many) = (of(&small, part).2, of(&large, part).2);
            assert!(
                many.steps <= few.steps.max(4_000) * 3 / 2,
                "{filter:?}: {few:#?} {many:#?}"
            );
        }
        // The last page is found from the end.
        let (rows, _, last) = of(&large, 10);
        assert_eq!(rows.len(), 30);
        assert!(last.steps < 6_000, "{filter:?}: {last:#?}");
    }
}

#[test]
fn a_page_is_in_the_order_that_was_asked_for_from_either_end() {
    let desk = Desk::of("order", 3_000);
    let conn = Connection::open(desk.path()).unwrap();
    for filter in usual().iter().chain(&others()) {
        let Some((conditions, None)) = filter.conditions(desk.filled.tenant) else {
            continue;
        };
        let (text, order) = (conditions.text(), filter.order());
        let sorted: Vec<i64> = all(
            &conn,
            &format!("select t.id from ticket t where {text} order by {order}"),
            rusqlite::params_from_iter(conditions.bind([])),
            |row| row.get(0),
        )
        .unwrap();
        let last = i64::try_from(sorted.len()).unwrap() / 30 + 1;
        for number in [
            1,
            2,
            last / 4,
            last / 3,
            last / 2,
            last * 2 / 3,
            last - 1,
            last,
        ] {
            let number = number.max(1);
            let start = usize::try_from(number - 1).unwrap() * 30;
            let expected: Vec<i64> = sorted.iter().skip(start).take(30).copied().collect();
            let (shown, ..) = look(&desk.path(), desk.filled, filter, number);
            assert_eq!(shown, expected, "page {number} of {filter:?}");
        }
    }
}

#[test]
fn a_beginning_is_cut_between_letters() {
    let long = "ж".repeat(139) + "😀😀";
    assert_eq!(beginning(long.as_bytes()), "ж".repeat(139) + "😀");
    assert_eq!(beginning("коротко".as_bytes()), "коротко");
    assert_eq!(beginning("😀".repeat(300).as_bytes()), "😀".repeat(140));
    let mixed = "a".to_owned() + &"ж".repeat(500);
    assert_eq!(
        beginning(mixed.as_bytes()),
        "a".to_owned() + &"ж".repeat(139)
    );
}

#[test]
fn a_total_is_what_a_slow_count_finds() {
    let desk = Desk::of("totals", 3_000);
    let conn = Connection::open(desk.path()).unwrap();
    conn.execute_batch(
        "update ticket set snoozed_until = 1 where id % 7 = 0 and is_open;
         update ticket set deleted_at = 1 where id % 31 = 0;
         update message set is_note = 1 where id % 5 = 0;",
    )
    .unwrap();
    for filter in usual().iter().chain(&others()) {
        let (_, total, _) = look(&desk.path(), desk.filled, filter, 1);
        assert_eq!(
            total,
            slowly(&conn, desk.filled.tenant, filter),
            "{filter:?}"
        );
        let pages = (1..=total / 30 + 1).step_by(7);
        let mut seen = Vec::new();
        for number in pages {
            seen.extend(look(&desk.path(), desk.filled, filter, number).0);
        }
        let many = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), many, "{filter:?} shows a ticket twice");
    }
}

/// Counts without counters and without the index of words.
fn slowly(conn: &Connection, tenant: TenantId, filter: &Filter) -> i64 {
    let Some((conditions, words)) = filter.conditions(tenant) else {
        return 0;
    };
    let found: Vec<i64> = all(
        conn,
        &format!("select t.id from ticket t where {}", conditions.text()),
        rusqlite::params_from_iter(conditions.bind([])),
        |row| row.get(0),
    )
    .unwrap();
    let Some(words) = words else {
        return i64::try_from(found.len()).unwrap();
    };
    let words: Vec<String> = words
        .split(' ')
        .map(|w| w.replace(['"', '*'], ""))
        .collect();
    let staff = matches!(filter.sight, Sight::Staff);
    let has = |ticket: &i64| {
        let texts: Vec<String> = all(
            conn,
            "select t.subject || ' ' || m.body
               from ticket t
               join message m on m.tenant_id = t.tenant_id and m.ticket_id = t.id
              where t.tenant_id = ?1 and t.id = ?2 and (?3 or not m.is_note)",
            (tenant, ticket, staff),
            |row| row.get(0),
        )
        .unwrap();
        texts.iter().any(|text| {
            let text = crate::ticket::search::words(text);
            words.iter().all(|word| {
                text.split(' ')
                    .any(|other| other.starts_with(word.as_str()))
            })
        })
    };
    i64::try_from(found.iter().filter(|id| has(id)).count()).unwrap()
}

#[test]
fn what_the_clock_looks_for_is_found_whatever_a_sample_says_of_the_tenants() {
    let desk = Desk::of("due", 3_000);
    let conn = Connection::open(desk.path()).unwrap();
    // What `pragma optimize` wrote down of a million tickets of one tenant.
    conn.execute_batch(
        "analyze;
         delete from sqlite_stat1 where tbl = 'ticket';
         insert into sqlite_stat1 values ('ticket', 'ticket_by_alarm', '11991 292'),
                                         ('ticket', 'ticket_by_done', '959250 874 1 1 1 1'),
                                         ('ticket', 'ticket_status_by_update', '1011988 874 874 2 1 1 1 1 1'),
                                         ('ticket', 'sqlite_autoindex_ticket_2', '1011988 874 1');",
    )
    .unwrap();
    drop(conn);
    let (_, cost) = cost::of(&desk.path(), |conn| {
        crate::ticket::clock::is_waiting(conn, 0).unwrap()
    });
    assert!(cost.steps < 300, "{cost:?}");
    let (found, cost) = cost::of(&desk.path(), |conn| {
        crate::ticket::change::stale(conn, desk.filled.tenant, Millis::MAX).unwrap()
    });
    let per_ticket = cost.steps / i64::try_from(found.len().max(1)).unwrap();
    assert!(
        !found.is_empty() && per_ticket < 30,
        "{per_ticket} steps of {cost:?}"
    );
}
