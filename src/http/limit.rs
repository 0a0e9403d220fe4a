//! How many requests an API key and an address may make: token buckets, as large as the tenant's limit. And how many bodies that
//! take long or much are read at once.
use crate::{
    api::field::KeyId,
    caps::{Caps, Seat},
    error::{Code, Error},
};
use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::StateInformationMiddleware,
    state::keyed::DefaultKeyedStateStore,
};
use std::{
    collections::HashMap,
    net::IpAddr,
    num::NonZeroU32,
    sync::{Arc, PoisonError, RwLock},
};

type Buckets<K> =
    RateLimiter<K, DefaultKeyedStateStore<K>, DefaultClock, StateInformationMiddleware>;

/// Calls without a credential that an address may make in a minute: widget visitors, logins, links.
const PER_ADDRESS: u32 = 600;

/// Bodies with files that are read at once, in all and from one address: of who has a credential, and of visitors, who
/// cannot use up the places of the others.
const UPLOADS: (usize, usize) = (48, 16);
const VISITORS: (usize, usize) = (16, 4);
/// The same for large deliveries of webhooks, which are held in memory.
const DELIVERIES: (usize, usize) = (6, 3);

pub(crate) struct Limits {
    /// By how many calls a minute they allow: a tenant may have a number of its own.
    keys: RwLock<HashMap<u32, Arc<Buckets<KeyId>>>>,
    addresses: Buckets<IpAddr>,
    uploads: Caps,
    visitors: Caps,
    deliveries: Caps,
}

/// What is left of a key's bucket, for the `RateLimit-*` headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    /// Seconds until the bucket is full again.
    pub(crate) reset: u32,
}

fn buckets<K: Eq + std::hash::Hash + Clone>(per_minute: u32) -> Buckets<K> {
    let size = NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN);
    RateLimiter::keyed(Quota::per_minute(size)).with_middleware::<StateInformationMiddleware>()
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            keys: RwLock::default(),
            addresses: buckets(PER_ADDRESS),
            uploads: Caps::new(UPLOADS.0, UPLOADS.1),
            visitors: Caps::new(VISITORS.0, VISITORS.1),
            deliveries: Caps::new(DELIVERIES.0, DELIVERIES.1),
        }
    }
}

fn refused(seconds: u64) -> Error {
    Error::new(Code::RateLimited).with("retry_after", seconds.max(1))
}

impl Limits {
    fn buckets_of(&self, per_minute: u32) -> Arc<Buckets<KeyId>> {
        let known = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(buckets) = known.get(&per_minute) {
            return Arc::clone(buckets);
        }
        drop(known);
        let mut known = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        let made = || Arc::new(buckets(per_minute));
        Arc::clone(known.entry(per_minute).or_insert_with(made))
    }

    /// Counts a call of a key that may make `limit` a minute.
    pub(crate) fn key(&self, key: KeyId, limit: u32) -> Result<Standing, (Error, Standing)> {
        match self.buckets_of(limit).check_key(&key) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                let reset = (limit - remaining.min(limit))
                    .saturating_mul(60)
                    .div_ceil(limit.max(1));
                Ok(Standing {
                    limit,
                    remaining,
                    reset,
                })
            }
            Err(early) => {
                let wait = early.wait_time_from(DefaultClock::default().now());
                let standing = Standing {
                    limit,
                    remaining: 0,
                    reset: 60,
                };
                Err((refused(wait.as_secs() + 1), standing))
            }
        }
    }

    /// Counts a call that bears no credential of its own.
    pub(crate) fn address(&self, address: IpAddr) -> Result<(), Error> {
        self.addresses
            .check_key(&address)
            .map(|_| ())
            .map_err(|early| {
                let wait = early.wait_time_from(DefaultClock::default().now());
                refused(wait.as_secs() + 1)
            })
    }

    /// A place for a body with files.
    pub(crate) fn upload(&self, is_visitor: bool, address: IpAddr) -> Result<Seat, Error> {
        let caps = if is_visitor {
            &self.visitors
        } else {
            &self.uploads
        };
        caps.seat(address).ok_or_else(Error::unavailable)
    }

    /// A place for a large delivery.
    pub(crate) fn delivery(&self, address: IpAddr) -> Result<Seat, Error> {
        self.deliveries.seat(address).ok_or_else(Error::unavailable)
    }

    /// Forgets buckets that are full again.
    pub(crate) fn tidy(&self) {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        keys.retain(|_, buckets| {
            buckets.retain_recent();
            !buckets.is_empty()
        });
        self.addresses.retain_recent();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_refused_beyond_its_plan_and_another_is_not() {
        let limits = Limits::default();
        for n in 0..60 {
            let standing = limits.key(KeyId(1), 60).unwrap();
            assert_eq!((standing.limit, standing.remaining), (60, 59 - n));
        }
        let (error, standing) = limits.key(KeyId(1), 60).unwrap_err();
        assert_eq!((error.code(), standing.remaining), (Code::RateLimited, 0));
        assert!(limits.key(KeyId(2), 60).is_ok());
    }

    #[test]
    fn visitors_do_not_take_the_places_of_the_others() {
        let limits = Limits::default();
        let from = |n: u8| IpAddr::from([192, 0, 2, n]);
        let visitors: Vec<_> = (0..5).map(|_| limits.upload(true, from(1))).collect();
        assert_eq!(visitors.iter().filter(|seat| seat.is_ok()).count(), 4);
        let others: Vec<_> = (2..20).map(|n| limits.upload(true, from(n))).collect();
        assert_eq!(others.iter().filter(|seat| seat.is_ok()).count(), 12);
        assert!(limits.upload(false, from(1)).is_ok());
    }
}
