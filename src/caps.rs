//! How many connections there may be, in all and from one neighbour.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// The count of seats taken.
#[derive(Clone)]
pub(super) struct Caps {
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
    most: usize,
    most_per_address: usize,
}

/// A place that is free again when this is dropped.
pub(super) struct Seat {
    caps: Caps,
    address: IpAddr,
}

impl Caps {
    pub(super) fn new(most: usize, most_per_address: usize) -> Self {
        Self {
            taken: Arc::default(),
            most,
            most_per_address,
        }
    }

    /// A seat for a connection from there, if one is left.
    pub(super) fn seat(&self, address: IpAddr) -> Option<Seat> {
        let address = neighbourhood(address);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.values().sum::<usize>() >= self.most {
            return None;
        }
        let here = taken.entry(address).or_default();
        if *here >= self.most_per_address {
            return None;
        }
        *here += 1;
        Some(Seat {
            caps: self.clone(),
            address,
        })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self
            .caps
            .taken
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(here) = taken.get_mut(&self.address) {
            *here -= 1;
            if *here == 0 {
                taken.remove(&self.address);
            }
        }
    }
}

/// One subscriber usually holds a whole /64 of IPv6.
fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn seats_are_counted_per_neighbour_and_in_all() {
        let caps = Caps::new(3, 2);
        let one = caps.seat(ip("192.0.2.1"));
        let two = caps.seat(ip("192.0.2.1"));
        assert!(one.is_some() && two.is_some());
        assert!(
            caps.seat(ip("192.0.2.1")).is_none(),
            "the neighbour has two"
        );
        let _three = caps.seat(ip("192.0.2.2")).unwrap();
        assert!(caps.seat(ip("192.0.2.3")).is_none(), "all are taken");
        drop(one);
        assert!(caps.seat(ip("192.0.2.1")).is_some());
    }

    #[test]
    fn a_network_of_ipv6_is_one_neighbour() {
        let caps = Caps::new(9, 1);
        let _one = caps.seat(ip("2001:db8:1:2::1")).unwrap();
        assert!(caps.seat(ip("2001:db8:1:2:ffff::9")).is_none());
        assert!(caps.seat(ip("2001:db8:1:3::1")).is_some());
        let _mapped = caps.seat(ip("::ffff:192.0.2.1")).unwrap();
        assert!(caps.seat(ip("192.0.2.1")).is_none());
    }
}
