//! Slows down guessing: each wrong try makes the next wait longer, per account and address together, so that nobody can
//! lock somebody else out. Time is an argument; what is remembered is bounded.
use crate::clock::{HOUR, Millis, SECOND};
use std::{collections::HashMap, hash::Hash, sync::Mutex};

/// Tries that cost nothing: people mistype.
const FREE: u32 = 5;
/// The longest wait.
const LONGEST: Millis = HOUR / 4;
/// How much is remembered at most; beyond it the oldest is forgotten.
const MOST: usize = 50_000;

#[derive(Clone, Copy, Debug)]
struct Record {
    failures: u32,
    until: Millis,
    last: Millis,
}

/// Remembers failures by `K`.
#[derive(Debug)]
pub(crate) struct Throttle<K>(Mutex<HashMap<K, Record>>);

impl<K> Default for Throttle<K> {
    fn default() -> Self {
        Throttle(Mutex::default())
    }
}

impl<K: Hash + Eq + Clone> Throttle<K> {
    /// Milliseconds to wait before another try of `key`, zero if it may go on.
    pub(crate) fn wait(&self, key: &K, now: Millis) -> Millis {
        let known = self.0.lock().ok().and_then(|map| map.get(key).copied());
        known.map_or(0, |record| (record.until - now).max(0))
    }

    pub(crate) fn failed(&self, key: K, now: Millis) {
        self.failed_beyond(key, FREE, now);
    }

    /// The same, where that many tries cost nothing.
    pub(crate) fn failed_beyond(&self, key: K, free: u32, now: Millis) {
        let Ok(mut map) = self.0.lock() else { return };
        if map.len() >= MOST {
            map.retain(|_, record| now - record.last < HOUR);
        }
        if map.len() >= MOST {
            let oldest = map
                .iter()
                .min_by_key(|(_, r)| r.last)
                .map(|(k, _)| k.clone());
            oldest.map(|k| map.remove(&k));
        }
        let record = map.entry(key).or_insert(Record {
            failures: 0,
            until: 0,
            last: now,
        });
        if now - record.last > HOUR {
            record.failures = 0;
        }
        record.failures += 1;
        record.last = now;
        let doublings = record.failures.saturating_sub(free).min(20);
        if doublings > 0 {
            record.until = now + (SECOND << (doublings - 1)).min(LONGEST);
        }
    }

    pub(crate) fn succeeded(&self, key: &K) {
        if let Ok(mut map) = self.0.lock() {
            map.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_grows_after_some_free_tries_and_ends_with_success() {
        let throttle = Throttle::default();
        let mut waits = Vec::new();
        for _ in 0..9 {
            throttle.failed("asem", 0);
            waits.push(throttle.wait(&"asem", 0) / SECOND);
        }
        assert_eq!(waits, [0, 0, 0, 0, 0, 1, 2, 4, 8]);
        assert_eq!(throttle.wait(&"ivan", 0), 0);
        throttle.succeeded(&"asem");
        assert_eq!(throttle.wait(&"asem", 0), 0);
    }

    #[test]
    fn the_wait_has_an_end_and_is_forgotten() {
        let throttle = Throttle::default();
        for _ in 0..100 {
            throttle.failed(1, 0);
        }
        assert_eq!(throttle.wait(&1, 0), LONGEST);
        throttle.failed(1, 2 * HOUR);
        assert_eq!(throttle.wait(&1, 2 * HOUR), 0);
    }
}
