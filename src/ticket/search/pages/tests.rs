//! What is read from the pages is what `match` finds, however the index came to be.
use super::*;
use crate::{
    api::field::{TenantId, TicketId},
    db::{migrate, sql::all},
    ticket::search::{Query, beginnings, insert, key, remove, span_of},
};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use std::collections::BTreeSet;

/// Words that begin alike, of every length and two alphabets.
const WORDS: [&str; 16] = [
    "касса",
    "кассир",
    "кассовый",
    "кассоваялента",
    "кассоваясмена",
    "к",
    "принтер",
    "принтеры",
    "принт",
    "өтінім",
    "не",
    "srv",
    "srvx1",
    "обновление",
    "обновления",
    "1",
];

/// A database of its own, gone with the test.
struct World {
    conn: Connection,
    path: std::path::PathBuf,
}

impl World {
    fn new(name: &str) -> World {
        let path = std::env::temp_dir().join(format!("tehprof-{name}-{}.db", std::process::id()));
        migrate::bring_up(&path).unwrap();
        let conn = Connection::open(&path).unwrap();
        // Of small pages and small steps there are many with few documents.
        conn.execute_batch(
            "insert into search (search, rank) values ('pgsz', 64), ('automerge', 2), ('crisismerge', 4);",
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

fn by_match(conn: &Connection, words: &str, (low, high): (i64, i64)) -> Vec<i64> {
    all(
        conn,
        "select rowid from search where search match ?1 and rowid between ?2 and ?3 order by rowid",
        (words, low, high),
        |row| row.get(0),
    )
    .unwrap()
}

/// What the pages say, whether or not that is quicker.
fn by_pages(conn: &Connection, words: &str, span: (i64, i64)) -> Vec<i64> {
    let known: Vec<(Part, Vec<i64>)> = parts(conn)
        .unwrap()
        .unwrap()
        .into_iter()
        .map(|part| (part, deleted(conn, &part).unwrap().unwrap()))
        .collect();
    let look = Look {
        conn,
        parts: &known,
        span,
    };
    let terms: Vec<Vec<u8>> = beginnings(words).into_iter().map(term).collect();
    let (first, others) = terms.split_first().unwrap();
    let mut keys = look.all(first, &|_| true).unwrap().unwrap();
    for other in others {
        look.narrow(&mut keys, other).unwrap().unwrap();
    }
    keys
}

/// Compares for each word, for some pairs, and within some spans.
fn compare(conn: &Connection) {
    let some = [
        "кассов",
        "кассоваяс",
        "обновлени",
        "при",
        "несуществующее",
        "я",
        "zzz",
        "касса принт",
        "не srv",
        "кассовая 1",
        "не касса обновлен",
    ];
    let everything = (i64::MIN, i64::MAX);
    let part_of_one = (
        key(TenantId(2), TicketId(5), 0),
        key(TenantId(2), TicketId(300), 9),
    );
    for text in WORDS.iter().chain(&some) {
        let Query::Words(words) = Query::read(text) else {
            panic!("{text} is no question");
        };
        for span in [
            everything,
            span_of(TenantId(1)),
            span_of(TenantId(2)),
            span_of(TenantId(3)),
            part_of_one,
        ] {
            let found = by_pages(conn, &words, span);
            assert_eq!(found, by_match(conn, &words, span), "{text} in {span:?}");
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Put { key: i64, words: Vec<&'static str> },
    Change { at: usize, words: Vec<&'static str> },
    Remove { at: usize },
    Merge { pages: i64 },
    Optimize,
    Commit,
}

fn step() -> impl Strategy<Value = Step> {
    let words = || prop::collection::vec(prop::sample::select(WORDS.to_vec()), 1..12);
    let place = (1..3i64, 1..400i64, 1..4i64)
        .prop_map(|(tenant, ticket, ordinal)| key(TenantId(tenant), TicketId(ticket), ordinal));
    prop_oneof![
        30 => (place, words()).prop_map(|(key, words)| Step::Put { key, words }),
        4 => (0..1_000usize, words()).prop_map(|(at, words)| Step::Change { at, words }),
        4 => (0..1_000usize).prop_map(|at| Step::Remove { at }),
        1 => (-16..16i64).prop_map(|pages| Step::Merge { pages }),
        1 => Just(Step::Optimize),
        8 => Just(Step::Commit),
    ]
}

fn carry_out(conn: &Connection, keys: &mut Vec<i64>, step: &Step) {
    match step {
        Step::Put { key, words } => {
            if !keys.contains(key) {
                insert(conn, *key, "", &words.join(" ")).unwrap();
                keys.push(*key);
            }
        }
        Step::Change { at, words } => {
            if let Some(key) = keys.get(at % keys.len().max(1)) {
                remove(conn, *key).unwrap();
                insert(conn, *key, "", &words.join(" ")).unwrap();
            }
        }
        Step::Remove { at } => {
            if !keys.is_empty() {
                let gone = keys.swap_remove(at % keys.len());
                remove(conn, gone).unwrap();
            }
        }
        Step::Merge { pages } => {
            let sql = "insert into search (search, rank) values ('merge', ?1)";
            conn.execute(sql, [pages]).unwrap();
        }
        Step::Optimize => {
            conn.execute("insert into search (search) values ('optimize')", [])
                .unwrap();
        }
        Step::Commit => conn.execute_batch("commit; begin").unwrap(),
    }
}

#[test]
fn pages_say_what_match_finds_after_any_history() {
    let world = World::new("pages-any");
    let mut runner = TestRunner::new(Config {
        cases: 24,
        failure_persistence: None,
        ..Config::default()
    });
    runner
        .run(&prop::collection::vec(step(), 1..250), |steps| {
            let conn = &world.conn;
            conn.execute_batch("begin; delete from search;").unwrap();
            let mut keys = Vec::new();
            for step in &steps {
                carry_out(conn, &mut keys, step);
            }
            conn.execute_batch("commit").unwrap();
            compare(conn);
            Ok(())
        })
        .unwrap();
}

/// Many documents on pages as they are in the world, with parts of every size.
fn fill(conn: &Connection, tickets: i64) {
    conn.execute_batch(
        "insert into search (search, rank) values ('pgsz', 4050), ('automerge', 4), ('crisismerge', 16); begin",
    )
    .unwrap();
    for ticket in 1..=tickets {
        let tenant = TenantId(1 + ticket % 2);
        let text = if ticket % 3 == 0 {
            format!("принтер касса срочно{ticket} обновление")
        } else {
            format!("принтер заявка{ticket} обновления кассовая")
        };
        insert(conn, key(tenant, TicketId(ticket), 1), "тема", &text).unwrap();
        if ticket % 97 == 0 {
            remove(conn, key(tenant, TicketId(ticket), 1)).unwrap();
        }
        if ticket % 1_000 == 0 {
            conn.execute_batch("commit; begin").unwrap();
        }
        if ticket == tickets / 2 {
            conn.execute("insert into search (search) values ('optimize')", [])
                .unwrap();
        }
    }
    conn.execute_batch("commit").unwrap();
}

#[test]
fn a_common_word_is_read_from_pages_and_a_rare_one_is_not() {
    let world = World::new("pages-many");
    let conn = &world.conn;
    fill(conn, 30_000);
    for tenant in [1, 2] {
        let span = span_of(TenantId(tenant));
        for (text, is_read) in [
            ("принтер", true),
            ("обновлени", true),
            ("принтер обновление", true),
            ("касса принтер", true),
            ("заявка77", false),
            ("заявка777 принтер", false),
            ("ничего", false),
        ] {
            let words: Vec<&str> = text.split(' ').collect();
            let mut found = BTreeSet::new();
            let keep = |key: i64| key % 7 != 0;
            let read = each(conn, &words, span, &keep, &mut |key| {
                found.insert(key);
            });
            assert_eq!(read.unwrap(), is_read, "{text}");
            if is_read {
                let Query::Words(asked) = Query::read(text) else {
                    panic!("{text} is no question");
                };
                let wanted = by_match(conn, &asked, span).into_iter();
                let wanted: BTreeSet<i64> = wanted.filter(|key| keep(*key)).collect();
                assert_eq!(found, wanted, "{text}");
            }
        }
        compare(conn);
    }
}

#[test]
fn steps_of_every_length_are_read() {
    let mut bytes = Vec::new();
    let mut wanted = Vec::new();
    let mut key = 0_i64;
    for bits in 0..55 {
        for step in [1_u64 << bits, (1 << bits) + 1, (2 << bits) - 1] {
            let groups = (64 - step.leading_zeros()).div_ceil(7);
            for group in (0..groups).rev() {
                let low = u8::try_from(step >> (7 * group) & 0x7f).unwrap();
                bytes.push(if group == 0 { low } else { low | 0x80 });
            }
            key = key.wrapping_add_unsigned(step);
            wanted.push(key);
        }
    }
    let mut found = Vec::new();
    documents(&bytes, |key| found.push(key)).unwrap();
    assert_eq!(found, wanted);
}

#[test]
fn what_is_laid_out_otherwise_is_left_to_match() {
    assert_eq!(parts_of(&[0, 0, 0, 0, 1, 1, 5]), None);
    assert_eq!(parts_of(&[]), None);
    let list = [
        0, 0, 0, 7, 0xff, 0, 0, 1, 1, 1, 5, 0, 1, 3, 1, 0x81, 0, 1, 2, 0, 0, 9,
    ];
    let part = Part {
        id: 3,
        first: 1,
        last: 128,
        deleted: 0,
    };
    assert_eq!(parts_of(&list), Some(vec![part]));
    assert_eq!(parts_of(&list[..list.len() - 1]), None);
    let mut far = list;
    far[14..18].copy_from_slice(&[0xff, 0xff, 0xff, 0x7f]);
    assert_eq!(parts_of(&far), None);
    assert_eq!(documents(&[5, 0, 1], |_| ()), None);
    assert_eq!(documents(&[0x85], |_| ()), None);
    assert!(Leaf::read(&[0, 0, 0]).is_none());
    assert!(Leaf::read(&[0, 0, 0, 9, 1]).is_none());
    let nine = [0xff; 9];
    assert_eq!(varint(&nine, 0), Some((u64::MAX, 9)));
}
