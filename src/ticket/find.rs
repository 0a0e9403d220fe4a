//! Tickets by the words of their messages, at any number of matches.
//!
//! The words are looked up first, the newest match first, which reads nothing but the index: a document's key holds its
//! ticket, so no message is read. Few matches are then fetched and put in order; of many the list is walked in its own
//! order, and each ticket is asked whether it is among them.
use super::{
    filter::{Filter, Sight},
    search,
};
use crate::{
    api::field::TenantId,
    db::sql::{Page, Where, all},
    error::Result,
};
use rusqlite::{Connection, params_from_iter, types::Value};

/// Up to so many matches cost less to put in order than a walk of any list.
const FEW: usize = 2_000;

/// Where the rows of a page lie in the table, in order, and how many tickets there are in all.
pub(super) fn page(
    conn: &Connection,
    tenant: TenantId,
    words: &str,
    (filter, conditions): (&Filter, &Where),
    page: Page,
) -> Result<(Vec<i64>, i64)> {
    let matches = if matches!(filter.sight, Sight::Staff) {
        matches(conn, tenant, words)?
    } else {
        seen_by_client(conn, tenant, words, conditions)?
    };
    let offset = usize::try_from(page.offset()).unwrap_or(usize::MAX);
    let part = (offset, usize::try_from(page.limit).unwrap_or(0));
    let within = Within {
        conditions,
        order: filter.order(),
        is_all: conditions.is_one(),
    };
    // A walk may end early if it knows the total before and need not sort the list first.
    let ends_early = within.is_all && !filter.order_is_of_open_ones();
    let is_few = matches.len() <= FEW
        || (!ends_early && {
            // A row that is looked up costs about four steps along an index.
            let walk = filter.at_most(conn, tenant)? / 4;
            matches.len() <= usize::try_from(walk).unwrap_or(0)
        });
    if is_few {
        few(conn, tenant, &matches, within, part)
    } else {
        walk(conn, tenant, &matches, within, part)
    }
}

/// What narrows a list besides words, and its order.
#[derive(Clone, Copy, Debug)]
struct Within<'a> {
    conditions: &'a Where,
    order: &'a str,
    /// Whether nothing narrows it.
    is_all: bool,
}

/// The tickets of all documents with these words, the largest number first.
fn matches(conn: &Connection, tenant: TenantId, words: &str) -> Result<Vec<i64>> {
    let mut numbers = keys(conn, tenant, words)?;
    for number in &mut numbers {
        *number = search::ticket_of(*number).0;
    }
    numbers.dedup();
    Ok(numbers)
}

fn keys(conn: &Connection, tenant: TenantId, words: &str) -> Result<Vec<i64>> {
    let (low, high) = search::span_of(tenant);
    all(
        conn,
        "select rowid from search where search match ?1 and rowid between ?2 and ?3 order by rowid desc",
        (words, low, high),
        |row| row.get(0),
    )
}

/// The tickets that a client finds: among their own, and not by the words of a message that they may not see.
fn seen_by_client(
    conn: &Connection,
    tenant: TenantId,
    words: &str,
    conditions: &Where,
) -> Result<Vec<i64>> {
    let mut keys = keys(conn, tenant, words)?;
    if keys.is_empty() {
        return Ok(keys);
    }
    let own: Vec<i64> = all(
        conn,
        &format!("select t.id from ticket t where {}", conditions.text()),
        params_from_iter(conditions.bind([])),
        |row| row.get(0),
    )?;
    let own = Set::of(&own);
    keys.retain(|key| own.has(search::ticket_of(*key).0));
    let mut numbers: Vec<i64> = all(
        conn,
        "select m.ticket_id
           from json_each(?2) k
          cross join message m on m.tenant_id = ?1 and m.ticket_id = (k.value >> 20) & 268435455
                              and m.ordinal = k.value & 1048575
          where not m.is_note and m.held_until is null
          order by k.key",
        (tenant, serde_json::to_string(&keys)?),
        |row| row.get(0),
    )?;
    numbers.dedup();
    Ok(numbers)
}

/// Fetches what is among `numbers` and puts it in order.
fn few(
    conn: &Connection,
    tenant: TenantId,
    numbers: &[i64],
    within: Within<'_>,
    (offset, limit): (usize, usize),
) -> Result<(Vec<i64>, i64)> {
    let mut values = vec![Value::Text(serde_json::to_string(numbers)?), tenant.into()];
    values.extend(within.conditions.bind([]));
    let places: Vec<i64> = all(
        conn,
        &format!(
            "select t.rowid from json_each(?) i cross join ticket t on t.tenant_id = ? and t.id = i.value where {} order by {}",
            within.conditions.text(),
            within.order
        ),
        params_from_iter(values),
        |row| row.get(0),
    )?;
    let total = i64::try_from(places.len()).unwrap_or(i64::MAX);
    Ok((places.into_iter().skip(offset).take(limit).collect(), total))
}

/// Goes through the list in its order and keeps what is among `numbers`, the largest of which comes first.
fn walk(
    conn: &Connection,
    tenant: TenantId,
    numbers: &[i64],
    within: Within<'_>,
    (offset, limit): (usize, usize),
) -> Result<(Vec<i64>, i64)> {
    let set = Set::of(numbers);
    // Without another condition the matches are the total, but for those in the bin.
    let known = if within.is_all {
        let binned: Vec<i64> = all(
            conn,
            "select id from ticket where tenant_id = ?1 and deleted_at is not null",
            [tenant],
            |row| row.get(0),
        )?;
        Some(numbers.len() - binned.into_iter().filter(|id| set.has(*id)).count())
    } else {
        None
    };
    let mut statement = conn.prepare_cached(&format!(
        "select t.rowid, t.id from ticket t where {} order by {}",
        within.conditions.text(),
        within.order
    ))?;
    let mut rows = statement.query(params_from_iter(within.conditions.bind([])))?;
    let (mut places, mut seen) = (Vec::new(), 0usize);
    while let Some(row) = rows.next()? {
        if !set.has(row.get(1)?) {
            continue;
        }
        if seen >= offset && places.len() < limit {
            places.push(row.get(0)?);
        }
        seen += 1;
        if known.is_some() && places.len() == limit {
            break;
        }
    }
    let total = known.unwrap_or(seen);
    Ok((places, i64::try_from(total).unwrap_or(i64::MAX)))
}

/// Ticket numbers, a bit each.
struct Set(Vec<u64>);

impl Set {
    fn of(numbers: &[i64]) -> Set {
        let place = |number: i64| usize::try_from(number).unwrap_or(0);
        let most = numbers.iter().copied().max().map_or(0, place);
        let mut bits = vec![0u64; most / 64 + 1];
        for number in numbers {
            let at = place(*number);
            if let Some(word) = bits.get_mut(at / 64) {
                *word |= 1 << (at % 64);
            }
        }
        Set(bits)
    }

    fn has(&self, number: i64) -> bool {
        let at = usize::try_from(number).unwrap_or(usize::MAX);
        self.0
            .get(at / 64)
            .is_some_and(|word| word >> (at % 64) & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        db::migrate,
        ticket::list::{self, Sort},
    };

    #[test]
    fn a_set_has_what_was_put_in_and_nothing_else() {
        let set = Set::of(&[4_000, 129, 128, 64, 1]);
        let held: Vec<i64> = (-1..5_000).filter(|n| set.has(*n)).collect();
        assert_eq!(held, [1, 64, 128, 129, 4_000]);
    }

    const TENANT: TenantId = TenantId(1);

    /// A desk of 300 tickets, many of which changed at the same time; every third is about a printer, some are in the bin.
    fn with_desk(name: &str, look: impl FnOnce(&Connection)) {
        let path = std::env::temp_dir().join(format!("tehprof-{name}-{}.db", std::process::id()));
        migrate::bring_up(&path).unwrap();
        let conn = Connection::open(&path).unwrap();
        conn.execute(
            "insert into tenant (id, name, business_hours, widget_key, created_at) values (1, 'acme', '{}', 'a', 0)",
            [],
        )
        .unwrap();
        for id in 1..=300i64 {
            conn.execute(
                "insert into ticket (tenant_id, id, reference, subject, status, priority, channel, creator_name, created_at,
                                     updated_at, sla_next_at, deleted_at)
                 values (1, ?1, ?1, 's', iif(?1 % 4, 'new', 'closed'), iif(?1 % 5, 'normal', 'urgent'), 'api', 'x', ?1 / 7,
                         ?1 * 7 % 60, iif(?1 % 2, ?1 % 30, null), iif(?1 % 50, null, 1))",
                [id],
            )
            .unwrap();
            let text = if id % 3 == 0 {
                "принтер"
            } else {
                "касса"
            };
            search::insert(
                &conn,
                search::key(TENANT, crate::api::field::TicketId(id), 1),
                "s",
                text,
            )
            .unwrap();
        }
        look(&conn);
        drop(conn);
        for ending in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{ending}", path.display()));
        }
    }

    #[test]
    fn pages_of_every_order_neither_repeat_nor_lose_a_ticket() {
        with_desk("pages", |conn| {
            for sort in [Sort::CreatedAt, Sort::UpdatedAt, Sort::Priority, Sort::Sla] {
                for ascending in [false, true] {
                    for search in [
                        None,
                        Some("принтер".to_owned()),
                        Some("не принтер".to_owned()),
                    ] {
                        let wanted = if search.is_some() { 98 } else { 294 };
                        let filter = Filter {
                            sort,
                            ascending,
                            search,
                            ..Filter::all(Sight::Staff)
                        };
                        let page = |page, limit| {
                            let page = Page::new(Some(page), Some(limit), 30).unwrap();
                            let (rows, total) = list::page(conn, TENANT, &filter, page, 0).unwrap();
                            assert_eq!(total, wanted, "{filter:?}");
                            rows.into_iter().map(|row| row.id.0).collect::<Vec<_>>()
                        };
                        let whole: Vec<i64> = (1..=4).flat_map(|n| page(n, 100)).collect();
                        let small: Vec<i64> = (1..=43).flat_map(|n| page(n, 7)).collect();
                        assert_eq!(whole, small, "{filter:?}");
                        let mut ids = whole.clone();
                        ids.sort_unstable();
                        ids.dedup();
                        assert_eq!(i64::try_from(ids.len()).unwrap(), wanted, "{filter:?}");
                        assert!(page(1_000_000, 100).is_empty());
                    }
                }
            }
        });
    }

    #[test]
    fn many_matches_are_found_as_few_are() {
        with_desk("matches", |conn| {
            let numbers: Vec<i64> = (1..=300).rev().filter(|id| id % 3 == 0).collect();
            let all = Where::new("t.tenant_id = ? and t.deleted_at is null", [TENANT.into()]);
            let mut open = Where::new("t.tenant_id = ? and t.deleted_at is null", [TENANT.into()]);
            open.and("t.is_open = 1", []);
            for (conditions, is_all) in [(&all, true), (&open, false)] {
                for order in ["t.updated_at desc, t.id desc", "t.created_at, t.id"] {
                    let within = Within {
                        conditions,
                        order,
                        is_all,
                    };
                    for part in [(0, 10), (10, 10), (95, 10), (500, 10)] {
                        let by_few = few(conn, TENANT, &numbers, within, part).unwrap();
                        let by_walk = walk(conn, TENANT, &numbers, within, part).unwrap();
                        assert_eq!(by_few, by_walk, "{order} {part:?}");
                    }
                }
            }
        });
    }
}
