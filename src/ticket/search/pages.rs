//! The documents of words, read from the pages in which FTS5 keeps them.
//!
//! `match` hands over one document at a time, and of a word that stands everywhere there are more than anybody waits for. On
//! the pages they are differences of one to three bytes, so all of them are read in a tenth of the time. How the pages are laid
//! out is told at the top of SQLite's `fts5_index.c` and is a part of its file format. Whatever is laid out in another way, and
//! what `match` finds as quickly, is left to `match`.
mod layout;

use crate::{
    db::sql::{first, one},
    error::Result,
};
use layout::{Leaf, Part, beyond, documents, parts_of, term, varint};
use rusqlite::{Connection, Row};

/// The number of the record that lists the parts of the index.
const PARTS: i64 = 10;
/// The bits of a page's number within its part, and what is added to a part's number for its deleted documents.
const PAGE_BITS: u32 = 37;
const DELETED: i64 = 1 << 16;
/// What stands on so few pages `match` finds at once.
const FEW: i64 = 2;
/// Following the documents of the rarest word through the others costs as much as reading so many pages for each of its own.
const WORTH: i64 = 100;

/// Pages that may have documents of a word, and whether the first begins in the midst of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stretch {
    from: i64,
    to: i64,
    is_within: bool,
}

fn parts(conn: &Connection) -> Result<Option<Vec<Part>>> {
    let record: Option<Vec<u8>> = first(
        conn,
        "select block from search_data where id = ?1",
        [PARTS],
        |row| row.get(0),
    )?;
    Ok(record.and_then(|record| parts_of(&record)))
}

fn blob<'a>(row: &'a Row<'_>) -> rusqlite::Result<&'a [u8]> {
    Ok(row.get_ref(0)?.as_blob()?)
}

/// Looks at the pages from one to another, in order; `None` if one of them is not what it should be.
fn leaves(
    conn: &Connection,
    part: i64,
    (from, to): (i64, i64),
    mut see: impl FnMut(&Leaf<'_>) -> Option<()>,
) -> Result<Option<()>> {
    let mut statement =
        conn.prepare_cached("select block from search_data where id between ?1 and ?2")?;
    let mut rows = statement.query([part << PAGE_BITS | from, part << PAGE_BITS | to])?;
    while let Some(row) = rows.next()? {
        let seen = Leaf::read(blob(row)?).and_then(|leaf| see(&leaf));
        if seen.is_none() {
            return Ok(None);
        }
    }
    Ok(Some(()))
}

/// The first document on a page that has no word of its own.
fn first_on(conn: &Connection, part: i64, page: i64) -> Result<Option<i64>> {
    let mut key = None;
    leaves(conn, part, (page, page), |leaf| {
        key = Some(i64::try_from(varint(leaf.bytes, 4)?.0).ok()?);
        Some(())
    })?;
    Ok(key)
}

/// The first page from `from` to `to` whose documents are all above `key`; the page after `to` if none is.
fn first_above(
    conn: &Connection,
    part: i64,
    (mut from, mut to): (i64, i64),
    key: i64,
) -> Result<Option<i64>> {
    while from <= to {
        let middle = from + (to - from) / 2;
        match first_on(conn, part, middle)? {
            None => return Ok(None),
            Some(found) if found > key => to = middle - 1,
            Some(_) => from = middle + 1,
        }
    }
    Ok(Some(from))
}

/// Where a part has documents of a word within a range of keys.
fn stretches(
    conn: &Connection,
    part: &Part,
    term: &[u8],
    (low, high): (i64, i64),
) -> Result<Option<Vec<Stretch>>> {
    let before = "select coalesce(max(pgno >> 1), 0)
       from (select pgno from search_idx where segid = ?1 and term <= ?2 order by term desc limit 1)";
    let after = "select coalesce(max(pgno >> 1), ?3)
       from (select pgno from search_idx where segid = ?1 and term > ?2 order by term limit 1)";
    let at_or_after = "select coalesce(max(pgno >> 1), ?3)
       from (select pgno from search_idx where segid = ?1 and term >= ?2 order by term limit 1)";
    let begin: i64 = one(conn, before, (part.id, term), |row| row.get(0))?;
    let begin = begin.clamp(part.first, part.last);
    let end: i64 = one(
        conn,
        at_or_after,
        (part.id, beyond(term), part.last),
        |row| row.get(0),
    )?;
    let end = end.min(part.last);
    // Whether the documents of the last word of the first page go on on the next.
    let mut goes_on = false;
    let read = leaves(conn, part.id, (begin, begin), |leaf| {
        leaf.each(|word, _| {
            goes_on = word.starts_with(term);
            Some(())
        })
    })?;
    if read.is_none() {
        return Ok(None);
    }
    let whole = |from, to| Stretch {
        from,
        to,
        is_within: false,
    };
    if !goes_on {
        let next: i64 = one(conn, after, (part.id, term, part.last), |row| row.get(0))?;
        let mut found = vec![whole(begin, begin)];
        if next > begin {
            found.push(whole(next, end));
        }
        return Ok(Some(found));
    }
    // The pages between have the documents of one word alone, in order.
    let is_one_word = term.first() != Some(&b'0');
    let between = (begin + 1, end - 1);
    if !is_one_word || between.0 >= between.1 {
        return Ok(Some(vec![whole(begin, end)]));
    }
    let (Some(from), Some(to)) = (
        first_above(conn, part.id, between, low)?,
        first_above(conn, part.id, between, high)?,
    ) else {
        return Ok(None);
    };
    let from = from - 1;
    let to = if to > between.1 { end } else { to - 1 };
    Ok(Some(vec![Stretch {
        from,
        to,
        is_within: from > begin,
    }]))
}

/// The documents of a part that were deleted, in order.
fn deleted(conn: &Connection, part: &Part) -> Result<Option<Vec<i64>>> {
    let mut keys = Vec::new();
    if part.deleted == 0 {
        return Ok(Some(keys));
    }
    let mut statement =
        conn.prepare_cached("select block from search_data where id between ?1 and ?2")?;
    let base = (part.id + DELETED) << PAGE_BITS;
    let mut rows = statement.query([base, base + part.deleted - 1])?;
    while let Some(row) = rows.next()? {
        let block = blob(row)?;
        let Some(own) = layout::deleted(block) else {
            return Ok(None);
        };
        keys.extend(own);
    }
    keys.sort_unstable();
    Ok(Some(keys))
}

/// What is looked for in all parts.
struct Look<'a> {
    conn: &'a Connection,
    parts: &'a [(Part, Vec<i64>)],
    span: (i64, i64),
}

impl Look<'_> {
    /// Every document of a word, those of one part and word in order; one may come more than once.
    fn each(&self, term: &[u8], mut see: impl FnMut(i64)) -> Result<Option<()>> {
        for (part, deleted) in self.parts {
            let Some(stretches) = stretches(self.conn, part, term, self.span)? else {
                return Ok(None);
            };
            for stretch in stretches {
                if self.read(part, deleted, stretch, term, &mut see)?.is_none() {
                    return Ok(None);
                }
            }
        }
        Ok(Some(()))
    }

    fn read(
        &self,
        part: &Part,
        deleted: &[i64],
        stretch: Stretch,
        term: &[u8],
        see: &mut impl FnMut(i64),
    ) -> Result<Option<()>> {
        let (low, high) = self.span;
        let mut alive = |bytes: &[u8]| {
            let mut dead = 0;
            documents(bytes, |key| {
                if key < low || key > high {
                    return;
                }
                while deleted.get(dead).is_some_and(|other| *other < key) {
                    dead += 1;
                }
                if deleted.get(dead) != Some(&key) {
                    see(key);
                }
            })
        };
        let mut is_within = stretch.is_within;
        leaves(self.conn, part.id, (stretch.from, stretch.to), |leaf| {
            if is_within {
                alive(leaf.bytes.get(4..leaf.head())?)?;
            }
            leaf.each(|word, bytes| {
                is_within = word.starts_with(term);
                if is_within { alive(bytes) } else { Some(()) }
            })
        })
    }

    /// The documents of a word, in order, each once.
    fn all(&self, term: &[u8], keep: &impl Fn(i64) -> bool) -> Result<Option<Vec<i64>>> {
        let mut keys = Vec::new();
        let read = self.each(term, |key| {
            if keep(key) {
                keys.push(key);
            }
        })?;
        // Long ones that are in order, one after the other: this is what the stable sort is quick at.
        keys.sort();
        keys.dedup();
        Ok(read.map(|()| keys))
    }

    /// Leaves of `keys`, which are in order, those that have the word as well.
    fn narrow(&self, keys: &mut Vec<i64>, term: &[u8]) -> Result<Option<()>> {
        let mut has = vec![false; keys.len()];
        let (mut at, mut before) = (0, i64::MIN);
        let read = self.each(term, |key| {
            if key < before {
                at = keys.partition_point(|other| *other < key);
            } else if keys.get(at).is_some_and(|other| *other < key) {
                at += 1;
                while keys.get(at).is_some_and(|other| *other < key) {
                    at += 1;
                }
            }
            before = key;
            if keys.get(at) == Some(&key)
                && let Some(has) = has.get_mut(at)
            {
                *has = true;
            }
        })?;
        let mut has = has.into_iter();
        keys.retain(|_| has.next() == Some(true));
        Ok(read)
    }
}

/// Whether the words stand on so many pages that reading those is quicker, and which word stands on the fewest: by what the
/// largest part has.
fn is_worth(
    conn: &Connection,
    parts: &[Part],
    terms: &mut Vec<Vec<u8>>,
    span: (i64, i64),
) -> Result<bool> {
    let Some(largest) = parts.iter().max_by_key(|part| part.last - part.first) else {
        return Ok(false);
    };
    let mut sizes = Vec::new();
    for term in terms.drain(..) {
        let Some(found) = stretches(conn, largest, &term, span)? else {
            return Ok(false);
        };
        let pages: i64 = found.iter().map(|found| found.to - found.from + 1).sum();
        sizes.push((pages, term));
    }
    sizes.sort();
    let fewest = sizes.first().map_or(0, |(pages, _)| *pages);
    let all: i64 = sizes.iter().map(|(pages, _)| *pages).sum();
    terms.extend(sizes.into_iter().map(|(_, term)| term));
    Ok(fewest > FEW && fewest * WORTH >= all)
}

/// Finds every document within a range of keys that has words beginning with all of `words`, in no order, and maybe more than
/// once. Answers whether it did: what is quicker found otherwise, or not laid out as it should be, is left alone, and `found`
/// may have been called.
pub(crate) fn each(
    conn: &Connection,
    words: &[&str],
    span: (i64, i64),
    keep: &impl Fn(i64) -> bool,
    found: &mut impl FnMut(i64),
) -> Result<bool> {
    let Some(parts) = parts(conn)? else {
        return Ok(false);
    };
    let mut terms: Vec<Vec<u8>> = words.iter().map(|word| term(word)).collect();
    if !is_worth(conn, &parts, &mut terms, span)? {
        return Ok(false);
    }
    let mut known = Vec::new();
    for part in parts {
        let Some(deleted) = deleted(conn, &part)? else {
            return Ok(false);
        };
        known.push((part, deleted));
    }
    let look = Look {
        conn,
        parts: &known,
        span,
    };
    let Some((rarest, others)) = terms.split_first() else {
        return Ok(false);
    };
    if others.is_empty() {
        let read = look.each(rarest, |key| {
            if keep(key) {
                found(key);
            }
        })?;
        return Ok(read.is_some());
    }
    let Some(mut keys) = look.all(rarest, keep)? else {
        return Ok(false);
    };
    for term in others {
        if look.narrow(&mut keys, term)?.is_none() {
            return Ok(false);
        }
    }
    keys.into_iter().for_each(found);
    Ok(true)
}

#[cfg(test)]
mod tests;
