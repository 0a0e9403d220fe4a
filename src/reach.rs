//! Which addresses the program may connect to. Names are resolved first and the address itself is asked about, so that no
//! spelling of it and no answer of a name server leads into a private network.
use crate::config::PrivateTargets;
use std::net::IpAddr;

/// Which addresses may be connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Also private networks, loopback and link-local.
    Anywhere,
    PublicOnly,
}

impl Reach {
    pub(crate) fn allows(self, address: IpAddr) -> bool {
        self == Reach::Anywhere || is_public(address)
    }
}

impl PrivateTargets {
    /// How far a server reaches that an admin typed into a channel.
    pub(crate) fn of_channels(self) -> Reach {
        match self {
            PrivateTargets::Deny => Reach::PublicOnly,
            PrivateTargets::Channels | PrivateTargets::Allow => Reach::Anywhere,
        }
    }

    /// How far anything else reaches: outgoing webhooks, addresses that came from outside.
    pub(crate) fn of_others(self) -> Reach {
        match self {
            PrivateTargets::Deny | PrivateTargets::Channels => Reach::PublicOnly,
            PrivateTargets::Allow => Reach::Anywhere,
        }
    }
}

/// Whether a name means this machine or its surroundings wherever it is asked (RFC 6761, section 6.3, and what hypervisors call
/// their own service). What it resolves to here and now is asked about all the same.
pub(crate) fn is_local_name(host: &str) -> bool {
    let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let is_of = |domain: &str| {
        let before = name.strip_suffix(domain);
        before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
    };
    is_of("localhost")
        || is_of("localdomain")
        || is_of("internal")
        || is_of("local")
        || matches!(&*name, "ip6-localhost" | "ip6-loopback")
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            let shared = a == 100 && (64..128).contains(&b);
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_unspecified()
                || v4.is_broadcast()
                || v4.is_multicast()
                || v4.is_documentation()
                || shared
                // Addresses of protocols, and those that networks are measured with.
                || matches!((a, b), (192, 0) | (198, 18 | 19))
                || a == 0
                || a >= 240)
        }
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => is_public(IpAddr::V4(v4)),
            None => {
                let first = v6.segments()[0];
                let local = (first & 0xfe00) == 0xfc00
                    || (first & 0xffc0) == 0xfe80
                    || (first & 0xffc0) == 0xfec0;
                // These carry an IPv4 address that the check above would not see: 64:ff9b::/96, 2002::/16, 2001::/32, ::/96,
                // ::ffff:0:0:0/96.
                let translated = (first == 0x64 && v6.segments()[1] == 0xff9b)
                    || first == 0x2002
                    || (first == 0x2001 && v6.segments()[1] == 0)
                    || v6.segments()[..6] == [0; 6]
                    || v6.segments()[..6] == [0, 0, 0, 0, 0xffff, 0];
                !(v6.is_loopback()
                    || v6.is_unspecified()
                    || v6.is_multicast()
                    || local
                    || translated)
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_this_machine_are_known_without_asking_for_them() {
        for local in [
            "localhost",
            "LOCALHOST.",
            "a.localhost",
            "localhost.localdomain",
            "ip6-localhost",
            "metadata.google.internal",
            "metadata.google.internal.",
            "printer.local",
        ] {
            assert!(is_local_name(local), "{local}");
        }
        for other in [
            "hooks.example.org",
            "notlocalhost",
            "internal.example.org",
            "local.kz",
            "",
        ] {
            assert!(!is_local_name(other), "{other}");
        }
    }

    #[test]
    fn private_networks_are_known() {
        for private in [
            "127.0.0.1",
            "10.1.2.3",
            "192.168.0.1",
            "172.16.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "::1",
            "fe80::1",
            "fd00::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:a00:1::",
            "2001:0:4136:e378:8000:63bf:3fff:fdd2",
            "::127.0.0.1",
            "::7f00:1",
            "::ffff:0:7f00:1",
            "192.0.0.192",
            "198.18.0.1",
            "255.255.255.255",
            "224.0.0.1",
            "ff02::1",
            "fec0::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
        for public in ["8.8.8.8", "93.184.216.34", "2a00:1450:4010:c0f::1a"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }
}
