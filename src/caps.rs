//! How many places there are, in all and for one neighbour: connections, uploads, deliveries.
use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
};

/// The count of places taken.
#[derive(Clone, Debug)]
pub(crate) struct Caps {
    taken: Arc<Mutex<Taken>>,
    most: usize,
    most_per_address: usize,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A place that is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    caps: Caps,
    address: Option<IpAddr>,
}

impl Caps {
    pub(crate) fn new(most: usize, most_per_address: usize) -> Self {
        Self {
            taken: Arc::default(),
            most,
            most_per_address,
        }
    }

    /// A place for somebody from there, if one is left.
    pub(crate) fn seat(&self, address: IpAddr) -> Option<Seat> {
        self.take(Some(neighbourhood(address)))
    }

    /// A place for somebody who stands for many, such as a proxy: it counts among all only.
    pub(crate) fn shared_seat(&self) -> Option<Seat> {
        self.take(None)
    }

    fn take(&self, address: Option<IpAddr>) -> Option<Seat> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.all >= self.most {
            return None;
        }
        if let Some(address) = address {
            let here = taken.by_address.get(&address).copied().unwrap_or(0);
            if here >= self.most_per_address {
                return None;
            }
            taken.by_address.insert(address, here + 1);
        }
        taken.all += 1;
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
        taken.all -= 1;
        let Some(address) = self.address else { return };
        if let Some(here) = taken.by_address.get_mut(&address) {
            *here -= 1;
            if *here == 0 {
                taken.by_address.remove(&address);
            }
        }
    }
}

/// One subscriber usually holds a whole /64 of IPv6.
pub(crate) fn neighbourhood(address: IpAddr) -> IpAddr {
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
    fn a_proxy_counts_among_all_only() {
        let caps = Caps::new(3, 1);
        let seats = [caps.shared_seat(), caps.shared_seat()];
        assert!(seats.iter().all(Option::is_some));
        let _last = caps.seat(ip("192.0.2.1")).unwrap();
        assert!(caps.shared_seat().is_none(), "all are taken");
        drop(seats);
        assert!(caps.shared_seat().is_some());
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
