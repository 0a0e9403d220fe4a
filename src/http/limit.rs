//! How many requests an API key and an address may make: token buckets, one size for each plan.
use crate::{
    api::field::KeyId,
    error::{Code, Error},
    tenant::plan::Plan,
};
use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::StateInformationMiddleware,
    state::keyed::DefaultKeyedStateStore,
};
use std::{net::IpAddr, num::NonZeroU32};

type Buckets<K> =
    RateLimiter<K, DefaultKeyedStateStore<K>, DefaultClock, StateInformationMiddleware>;

/// Calls without a credential that an address may make in a minute: widget visitors, logins, links.
const PER_ADDRESS: u32 = 600;

pub(crate) struct Limits {
    keys: [Buckets<KeyId>; 5],
    addresses: Buckets<IpAddr>,
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
            keys: Plan::ALL.map(|plan| buckets(plan.limits().requests_per_minute)),
            addresses: buckets(PER_ADDRESS),
        }
    }
}

fn refused(seconds: u64) -> Error {
    Error::new(Code::RateLimited).with("retry_after", seconds.max(1))
}

impl Limits {
    /// Counts a call of a key.
    pub(crate) fn key(&self, key: KeyId, plan: Plan) -> Result<Standing, (Error, Standing)> {
        let limit = plan.limits().requests_per_minute;
        let bucket = &self.keys[plan as usize];
        match bucket.check_key(&key) {
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

    /// Forgets buckets that are full again.
    pub(crate) fn tidy(&self) {
        self.keys.iter().for_each(RateLimiter::retain_recent);
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
            let standing = limits.key(KeyId(1), Plan::Starter).unwrap();
            assert_eq!((standing.limit, standing.remaining), (60, 59 - n));
        }
        let (error, standing) = limits.key(KeyId(1), Plan::Starter).unwrap_err();
        assert_eq!((error.code(), standing.remaining), (Code::RateLimited, 0));
        assert!(limits.key(KeyId(2), Plan::Starter).is_ok());
    }
}
