//! How much of its allowance each API key has used: a token bucket a key, refilled evenly over a minute. Unlike other limits
//! this one outlives the program: what is used is written down every few seconds and at the end, and a restart gives
//! nothing back.
use crate::{
    api::field::KeyId,
    clock::{MINUTE, Millis},
    db::{
        Tx,
        sql::{all, run},
    },
    error::Result,
};
use rusqlite::Connection;
use serde_json::json;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// What is left of a key's bucket, for the `RateLimit-*` headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    /// Seconds until the bucket is full again.
    pub(crate) reset: u32,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// Calls that time has not made good yet, as of `at`.
    spent: f64,
    at: Millis,
    /// Whether this is yet to be written down.
    is_news: bool,
}

impl Bucket {
    /// Calls that are not made good at `now` where `limit` are in a minute. A clock that is set back makes nothing good.
    fn spent_at(self, now: Millis, limit: u32) -> f64 {
        let passed = (now - self.at).max(0) as f64;
        (self.spent - passed * f64::from(limit) / MINUTE as f64).max(0.0)
    }
}

/// The buckets of all keys that were used lately.
#[derive(Debug, Default)]
pub(crate) struct Allowance(Mutex<HashMap<KeyId, Bucket>>);

impl Allowance {
    /// Counts a call of a key that may make `limit` a minute; `Err` holds the seconds to wait as well.
    pub(crate) fn take(
        &self,
        key: KeyId,
        limit: u32,
        now: Millis,
    ) -> Result<Standing, (u64, Standing)> {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry(key).or_insert(Bucket {
            spent: 0.0,
            at: now,
            is_news: true,
        });
        let spent = bucket.spent_at(now, limit);
        let size = f64::from(limit);
        let a_second = (size / 60.0).max(f64::MIN_POSITIVE);
        let seconds = |calls: f64| (calls / a_second).ceil().min(1e9);
        let standing = |spent: f64| Standing {
            limit,
            remaining: (size - spent).max(0.0) as u32,
            reset: seconds(spent) as u32,
        };
        if spent + 1.0 > size {
            let wait = seconds(spent + 1.0 - size).max(1.0) as u64;
            return Err((wait, standing(spent)));
        }
        *bucket = Bucket {
            spent: spent + 1.0,
            at: now.max(bucket.at),
            is_news: true,
        };
        Ok(standing(spent + 1.0))
    }

    /// Forgets buckets that are full again, whatever their size.
    pub(crate) fn tidy(&self, now: Millis) {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.retain(|_, bucket| bucket.is_news || now - bucket.at < MINUTE);
    }

    /// What was used since this was last asked.
    pub(crate) fn news(&self) -> Vec<(KeyId, f64, Millis)> {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let news = buckets.iter_mut().filter(|(_, bucket)| bucket.is_news);
        news.map(|(key, bucket)| {
            bucket.is_news = false;
            (*key, bucket.spent, bucket.at)
        })
        .collect()
    }

    /// Takes up what was written down. The time in between is not made good: nobody knows what was used after the last
    /// writing.
    pub(crate) fn restore(&self, conn: &Connection, now: Millis) -> Result<()> {
        let rows: Vec<(KeyId, f64)> =
            all(conn, "select key_id, spent from key_level", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, spent) in rows {
            let bucket = Bucket {
                spent,
                at: now,
                is_news: false,
            };
            buckets.insert(key, bucket);
        }
        Ok(())
    }
}

/// Writes down what keys have used, and forgets what time has made good.
pub(crate) fn note(tx: &Tx<'_>, news: &[(KeyId, f64, Millis)]) -> Result<()> {
    let rows: Vec<_> = news
        .iter()
        .map(|(key, spent, at)| json!({ "key": key, "spent": spent, "at": at }))
        .collect();
    run(
        tx,
        "insert into key_level (tenant_id, key_id, spent, noted_at)
         select k.tenant_id, k.id, n.value ->> 'spent', n.value ->> 'at'
           from json_each(?1) n
           join api_key k on k.id = n.value ->> 'key'
          where true
         on conflict do update set spent = excluded.spent, noted_at = excluded.noted_at",
        [serde_json::to_string(&rows)?],
    )?;
    run(
        tx,
        "delete from key_level where noted_at < ?1",
        [tx.now - MINUTE],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SECOND;

    const KEY: KeyId = KeyId(1);

    #[test]
    fn a_key_is_refused_beyond_its_limit_and_another_is_not() {
        let keys = Allowance::default();
        for n in 0..60 {
            let standing = keys.take(KEY, 60, 0).unwrap();
            assert_eq!((standing.limit, standing.remaining), (60, 59 - n));
            assert_eq!(standing.reset, n + 1);
        }
        let (wait, standing) = keys.take(KEY, 60, 0).unwrap_err();
        assert_eq!((wait, standing.remaining, standing.reset), (1, 0, 60));
        assert!(keys.take(KeyId(2), 60, 0).is_ok());
    }

    #[test]
    fn time_makes_calls_good_and_a_clock_set_back_does_not() {
        let keys = Allowance::default();
        for _ in 0..60 {
            assert!(keys.take(KEY, 60, MINUTE).is_ok());
        }
        assert!(keys.take(KEY, 60, MINUTE - 50 * SECOND).is_err());
        assert_eq!(
            keys.take(KEY, 60, MINUTE + 2 * SECOND).unwrap().remaining,
            1
        );
        // A larger plan makes room at once, a smaller one takes it.
        assert_eq!(
            keys.take(KEY, 600, MINUTE + 2 * SECOND).unwrap().remaining,
            540
        );
        assert!(keys.take(KEY, 30, MINUTE + 2 * SECOND).is_err());
    }

    #[test]
    fn what_is_news_is_told_once() {
        let keys = Allowance::default();
        assert!(keys.take(KEY, 60, 7).is_ok());
        assert_eq!(keys.news(), [(KEY, 1.0, 7)]);
        assert_eq!(keys.news(), []);
        keys.tidy(7 + MINUTE);
        assert_eq!(keys.take(KEY, 60, 7 + MINUTE).unwrap().remaining, 59);
    }

    #[test]
    fn a_limit_of_nothing_lets_nothing_through() {
        assert!(Allowance::default().take(KEY, 0, 0).is_err());
    }
}
