//! Tickets by the words of their messages, at any number of matches.
//!
//! The words are looked up first, which reads nothing but the index: a document's key holds its ticket, so no message is read.
//! Few matches are then fetched and put in order; of many the list is walked in its own order, and each ticket is asked whether
//! it is among them.
use super::{
    filter::{Filter, Merged, Sight},
    search::{self, pages},
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
    let rest = match conditions.is_one() {
        true => Rest::Nothing,
        false => filter.rest(conn, tenant)?.map_or(Rest::Unknown, Rest::Of),
    };
    let within = Within {
        conditions,
        order: filter.order(),
        merged: filter.merged(),
        rest: &rest,
    };
    let many = matches.count();
    // A walk may end early if it knows the total before and need not sort the list first.
    let ends_early = !matches!(rest, Rest::Unknown)
        && (!filter.order_is_of_open_ones() || within.merged.is_some());
    let is_few = many <= FEW
        || (!ends_early && {
            // A row that is looked up costs about four steps along an index.
            let walk = filter.at_most(conn, tenant)? / 4;
            many <= usize::try_from(walk).unwrap_or(0)
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
    /// The same order of open tickets and the others, if that is how the list is merged.
    merged: Option<Merged>,
    rest: &'a Rest,
}

/// The tickets that are not in a list.
#[derive(Debug)]
enum Rest {
    /// None: nothing narrows it.
    Nothing,
    /// Those, of which there are fewer than in the list.
    Of(Where),
    /// Any.
    Unknown,
}

/// The tickets of all documents with these words.
fn matches(conn: &Connection, tenant: TenantId, words: &str) -> Result<Set> {
    let (mut found, mut before) = (Set::default(), -1);
    let put = |key| {
        let number = search::ticket_of(key).0;
        // The messages of one ticket lie together.
        if number != before {
            before = number;
            found.put(number);
        }
    };
    each(conn, tenant, words, &|_| true, put)?;
    Ok(found)
}

/// Finds every document with these words that `keep` keeps, in no order, and maybe more than once.
fn each(
    conn: &Connection,
    tenant: TenantId,
    words: &str,
    keep: &impl Fn(i64) -> bool,
    mut found: impl FnMut(i64),
) -> Result<()> {
    let span = search::span_of(tenant);
    if pages::each(conn, &search::beginnings(words), span, keep, &mut found)? {
        return Ok(());
    }
    let mut statement = conn.prepare_cached(
        "select rowid from search where search match ?1 and rowid between ?2 and ?3",
    )?;
    let mut rows = statement.query((words, span.0, span.1))?;
    while let Some(row) = rows.next()? {
        let key = row.get(0)?;
        if keep(key) {
            found(key);
        }
    }
    Ok(())
}

/// The tickets that a client finds: among their own, and not by the words of a message that they may not see.
fn seen_by_client(
    conn: &Connection,
    tenant: TenantId,
    words: &str,
    conditions: &Where,
) -> Result<Set> {
    let mut own = Set::default();
    let numbers: Vec<i64> = all(
        conn,
        &format!("select t.id from ticket t where {}", conditions.text()),
        params_from_iter(conditions.bind([])),
        |row| row.get(0),
    )?;
    numbers.into_iter().for_each(|number| own.put(number));
    let mut keys = Vec::new();
    let is_own = |key| own.has(search::ticket_of(key).0);
    each(conn, tenant, words, &is_own, |key| keys.push(key))?;
    let numbers: Vec<i64> = all(
        conn,
        "select m.ticket_id
           from json_each(?2) k
          cross join message m on m.tenant_id = ?1 and m.ticket_id = (k.value >> 20) & 268435455
                              and m.ordinal = k.value & 1048575
          where not m.is_note and m.held_until is null",
        (tenant, serde_json::to_string(&keys)?),
        |row| row.get(0),
    )?;
    let mut seen = Set::default();
    numbers.into_iter().for_each(|number| seen.put(number));
    Ok(seen)
}

/// Fetches what is among `set` and puts it in order.
fn few(
    conn: &Connection,
    tenant: TenantId,
    set: &Set,
    within: Within<'_>,
    (offset, limit): (usize, usize),
) -> Result<(Vec<i64>, i64)> {
    let mut values = vec![
        Value::Text(serde_json::to_string(&set.numbers())?),
        tenant.into(),
    ];
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

/// How many of `set` are in a list: all but those in the bin and those in the rest, if that is known.
fn known(conn: &Connection, tenant: TenantId, set: &Set, rest: &Rest) -> Result<Option<usize>> {
    let bin = Where::new(
        "t.tenant_id = ? and t.deleted_at is not null",
        [tenant.into()],
    );
    let others = match rest {
        Rest::Nothing => 0,
        Rest::Of(others) => many_in(conn, set, others)?,
        Rest::Unknown => return Ok(None),
    };
    Ok(Some(set.count() - others - many_in(conn, set, &bin)?))
}

/// How many of `set` fulfil the conditions.
fn many_in(conn: &Connection, set: &Set, conditions: &Where) -> Result<usize> {
    let sql = format!("select t.id from ticket t where {}", conditions.text());
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(conditions.bind([])))?;
    let mut many = 0;
    while let Some(row) = rows.next()? {
        many += usize::from(set.has(row.get(0)?));
    }
    Ok(many)
}

/// Goes through the list in its order and keeps what is among `set`.
fn walk(
    conn: &Connection,
    tenant: TenantId,
    set: &Set,
    within: Within<'_>,
    (offset, limit): (usize, usize),
) -> Result<(Vec<i64>, i64)> {
    let known = known(conn, tenant, set, within.rest)?;
    let (text, order) = (within.conditions.text(), within.order);
    let mut values = within.conditions.bind([]);
    let sql = match within.merged {
        Some(merged) => {
            values.extend(within.conditions.bind([]));
            let (columns, order) = (merged.columns, merged.order);
            format!(
                "select t.rowid, t.id, {columns} from ticket t where {text} and t.is_open = 1
                  union all
                 select t.rowid, t.id, {columns} from ticket t where {text} and t.is_open = 0
                  order by {order}"
            )
        }
        None => format!("select t.rowid, t.id from ticket t where {text} order by {order}"),
    };
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
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
#[derive(Debug, Default)]
struct Set(Vec<u64>);

impl Set {
    #[inline]
    fn put(&mut self, number: i64) {
        let at = usize::try_from(number).unwrap_or(0);
        if at / 64 >= self.0.len() {
            self.0.resize(at / 64 + 1, 0);
        }
        if let Some(word) = self.0.get_mut(at / 64) {
            *word |= 1 << (at % 64);
        }
    }

    fn has(&self, number: i64) -> bool {
        let at = usize::try_from(number).unwrap_or(usize::MAX);
        self.0
            .get(at / 64)
            .is_some_and(|word| word >> (at % 64) & 1 == 1)
    }

    fn count(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    fn numbers(&self) -> Vec<usize> {
        let bits = |(at, word): (usize, &u64)| {
            let word = *word;
            (0..64)
                .filter(move |bit| word >> bit & 1 == 1)
                .map(move |bit| at * 64 + bit)
        };
        let some = self.0.iter().enumerate().filter(|(_, word)| **word != 0);
        some.flat_map(bits).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        db::migrate,
        ticket::list::{self, Sort},
    };

    fn set_of(numbers: &[i64]) -> Set {
        let mut set = Set::default();
        numbers.iter().for_each(|number| set.put(*number));
        set
    }

    #[test]
    fn a_set_has_what_was_put_in_and_nothing_else() {
        let set = set_of(&[4_000, 129, 128, 64, 1, 64]);
        let held: Vec<i64> = (-1..5_000).filter(|n| set.has(*n)).collect();
        assert_eq!(held, [1, 64, 128, 129, 4_000]);
        assert_eq!(set.numbers(), [1, 64, 128, 129, 4_000]);
        assert_eq!(set.count(), 5);
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
            let numbers: Vec<i64> = (1..=300).filter(|id| id % 3 == 0).collect();
            let numbers = set_of(&numbers);
            let all = Where::new("t.tenant_id = ? and t.deleted_at is null", [TENANT.into()]);
            let mut open = Where::new("t.tenant_id = ? and t.deleted_at is null", [TENANT.into()]);
            open.and("t.is_open = 1", []);
            let shut = Rest::Of(Where::new(
                "t.tenant_id = ? and t.deleted_at is null and t.is_open = 0",
                [TENANT.into()],
            ));
            for (conditions, rest) in [
                (&all, &Rest::Nothing),
                (&open, &Rest::Unknown),
                (&open, &shut),
            ] {
                for (sort, ascending) in [
                    (Sort::UpdatedAt, false),
                    (Sort::CreatedAt, true),
                    (Sort::Priority, false),
                    (Sort::Sla, false),
                ] {
                    let filter = Filter {
                        sort,
                        ascending,
                        ..Filter::all(Sight::Staff)
                    };
                    let within = Within {
                        conditions,
                        order: filter.order(),
                        merged: filter.merged(),
                        rest,
                    };
                    for part in [(0, 10), (10, 10), (95, 10), (500, 10)] {
                        let by_few = few(conn, TENANT, &numbers, within, part).unwrap();
                        let by_walk = walk(conn, TENANT, &numbers, within, part).unwrap();
                        assert_eq!(by_few, by_walk, "{within:?} {part:?}");
                    }
                }
            }
        });
    }
}
