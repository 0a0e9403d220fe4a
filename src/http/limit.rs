//! How many requests an API key and an address may make: token buckets. And how many bodies that
//! take long or much are read at once.
use super::allowance::{Allowance, Standing};
use crate::{
    api::field::KeyId,
    caps::{Caps, Seat, neighbourhood},
    clock::Millis,
    error::{Code, Error},
};
use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    state::keyed::DefaultKeyedStateStore,
};
use std::{net::IpAddr, num::NonZeroU32};

type Buckets<K> = RateLimiter<K, DefaultKeyedStateStore<K>, DefaultClock>;

/// Calls without a credential that an address may make in a minute: widget visitors, logins, links.
const PER_ADDRESS: u32 = 600;

/// Bodies with files that are read at once, in all and from one address: of who has a credential, and of visitors, who
/// cannot use up the places of the others.
const UPLOADS: (usize, usize) = (48, 16);
const VISITORS: (usize, usize) = (16, 4);
/// The same for large deliveries of webhooks, which are held in memory.
const DELIVERIES: (usize, usize) = (6, 3);

pub(crate) struct Limits {
    pub(crate) keys: Allowance,
    addresses: Buckets<IpAddr>,
    uploads: Caps,
    visitors: Caps,
    deliveries: Caps,
}

fn buckets<K: Eq + std::hash::Hash + Clone>(per_minute: u32) -> Buckets<K> {
    let size = NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN);
    RateLimiter::keyed(Quota::per_minute(size))
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            keys: Allowance::default(),
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
    /// Counts a call of a key that may make `limit` a minute.
    pub(crate) fn key(
        &self,
        key: KeyId,
        limit: u32,
        now: Millis,
    ) -> Result<Standing, (Error, Standing)> {
        let taken = self.keys.take(key, limit, now);
        taken.map_err(|(wait, standing)| (refused(wait), standing))
    }

    /// Counts a call that bears no credential of its own.
    pub(crate) fn address(&self, address: IpAddr) -> Result<(), Error> {
        self.addresses
            .check_key(&neighbourhood(address))
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
    pub(crate) fn tidy(&self, now: Millis) {
        self.keys.tidy(now);
        self.addresses.retain_recent();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_refused_beyond_its_limit_whatever_it_is_in_its_neighbourhood() {
        let limits = Limits::default();
        let of = |last: u16| IpAddr::from([0x2001, 0xdb8, 1, 2, 0, 0, 0, last]);
        for n in 0..600 {
            limits.address(of(n)).unwrap();
        }
        assert!(limits.address(of(999)).is_err());
        assert!(limits.address(IpAddr::from([192, 0, 2, 1])).is_ok());
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
