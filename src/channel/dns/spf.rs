//! Who may send for a domain (RFC 7208), read for one question: whether the server that our answers are handed to is among
//! them. Nobody knows from which address that server sends on, so it is allowed by the term that names it, or by its own
//! addresses.
use super::{Finding, Known, Remark, Sender};
use crate::{channel::config::records::DnsRecord, reach::Reach};
use std::net::IpAddr;

/// How many terms of a record, and of those that it includes, may ask DNS.
const MOST_LOOKUPS: usize = 10;

pub(super) fn judge(known: &Known, sender: &Sender, wanted: &DnsRecord) -> Finding {
    let found = match policies(known, &sender.domain) {
        Ok(found) => found,
        Err(why) => return Finding::unknown(why),
    };
    match found.as_slice() {
        [] => Finding::missing(known, &sender.domain, &sender.domain, "v=spf1"),
        [one] => {
            let remarks = remarks(known, sender, wanted, one);
            Finding::of(found, remarks)
        }
        several => {
            let remark = Remark::Several("SPF", several.len());
            Finding::of(found, vec![remark])
        }
    }
}

fn policies(known: &Known, domain: &str) -> Result<Vec<String>, Remark> {
    let is_policy = |text: &&String| {
        let first = text.split(' ').next().unwrap_or_default();
        first.eq_ignore_ascii_case("v=spf1")
    };
    let found = known.txt(domain)?;
    Ok(found.iter().filter(is_policy).cloned().collect())
}

/// The term that names the sender in the record that is wanted.
fn own_term(wanted: &DnsRecord) -> &str {
    let mut terms = wanted.value.split(' ').skip(1);
    terms
        .find(|term| !matches!(*term, "mx" | "~all"))
        .unwrap_or_default()
}

fn remarks(known: &Known, sender: &Sender, wanted: &DnsRecord, record: &str) -> Vec<Remark> {
    let own = own_term(wanted);
    let addresses = match sender.relay.parse() {
        Ok(address) => Ok(vec![address]),
        Err(_) => known.addresses(&sender.relay),
    };
    // How a server is reached inside a network says nothing about the address that others see.
    let outside = addresses.map(|found| {
        let seen = found.into_iter().filter(|ip| Reach::PublicOnly.allows(*ip));
        seen.collect::<Vec<_>>()
    });
    let mut walk = Walk {
        known,
        own,
        addresses: outside.as_deref().unwrap_or_default(),
        lookups: 0,
        faults: Vec::new(),
        doubts: Vec::new(),
    };
    let fate = walk.record(record, &sender.domain);
    let Walk {
        lookups,
        faults: mut said,
        doubts,
        ..
    } = walk;
    if lookups > MOST_LOOKUPS {
        said.push(Remark::TooManyLookups);
    }
    match fate {
        Fate::Allowed => {}
        // What ends too early may have allowed it further on.
        _ if lookups > MOST_LOOKUPS => {}
        _ if !doubts.is_empty() => said.extend(doubts),
        _ => match outside {
            Ok(addresses) if addresses.is_empty() => said.push(Remark::SeenFromInside),
            Ok(_) => said.push(Remark::SenderLacking(own.to_owned())),
            Err(why) => said.push(why),
        },
    }
    said.extend(of_the_end(record));
    said.dedup();
    said
}

/// What is to be said of how a record ends.
fn of_the_end(record: &str) -> Option<Remark> {
    let terms: Vec<String> = record.split_whitespace().map(str::to_lowercase).collect();
    let is_all = |term: &String| term.trim_start_matches(['+', '-', '~', '?']) == "all";
    match terms.iter().position(is_all) {
        Some(at) if matches!(terms[at].as_str(), "all" | "+all") => Some(Remark::AllowsAll),
        Some(at) if terms[at + 1..].iter().any(|term| !term.contains('=')) => {
            Some(Remark::AfterAll(terms[at + 1..].join(" ")))
        }
        Some(_) => None,
        None if terms.iter().any(|term| term.starts_with("redirect=")) => None,
        None => Some(Remark::NoAll),
    }
}

/// What a record says of the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Allowed,
    Refused,
    /// Nothing in it is about the sender.
    Unnamed,
}

/// A walk through a record and those that it leads to.
struct Walk<'a> {
    known: &'a Known,
    /// The term that is as good as an address.
    own: &'a str,
    addresses: &'a [IpAddr],
    lookups: usize,
    faults: Vec<Remark>,
    /// Why something could not be told.
    doubts: Vec<Remark>,
}

impl Walk<'_> {
    /// The whole of a record is walked through, also past the term that decides: for other senders it is.
    fn record(&mut self, record: &str, domain: &str) -> Fate {
        let (mut fate, mut onward) = (None, None);
        for term in record.split_whitespace().skip(1) {
            if self.lookups > MOST_LOOKUPS {
                break;
            }
            let lower = term.to_lowercase();
            if let Some((name, value)) = modifier(&lower) {
                if name == "redirect" {
                    onward = Some(value.to_owned());
                }
                continue;
            }
            let (refuses, mechanism) = match lower.strip_prefix(['-', '~', '?']) {
                Some(rest) => (true, rest),
                None => (false, lower.strip_prefix('+').unwrap_or(&lower)),
            };
            if mechanism == "all" {
                // Who lets everybody send is told so; the sender is not among those that are meant.
                return fate.unwrap_or(Fate::Refused);
            }
            if self.matches(mechanism, term, domain) {
                let by_this = if refuses {
                    Fate::Refused
                } else {
                    Fate::Allowed
                };
                fate.get_or_insert(by_this);
            }
        }
        if let Some(onward) = onward {
            self.lookups += 1;
            let further = self.other(&onward, "redirect=");
            fate.get_or_insert(further);
        }
        fate.unwrap_or(Fate::Unnamed)
    }

    /// What the record of another domain says.
    fn other(&mut self, domain: &str, by: &str) -> Fate {
        if self.lookups > MOST_LOOKUPS {
            return Fate::Unnamed;
        }
        if domain.contains('%') {
            self.doubts
                .push(Remark::CannotTell(format!("{by}{domain}")));
            return Fate::Unnamed;
        }
        match policies(self.known, domain) {
            Ok(found) => match found.as_slice() {
                [one] => self.record(one, domain),
                _ => {
                    self.faults
                        .push(Remark::LeadsNowhere(format!("{by}{domain}")));
                    Fate::Unnamed
                }
            },
            Err(why) => {
                self.doubts.push(why);
                Fate::Unnamed
            }
        }
    }

    /// Whether a mechanism is about the sender.
    fn matches(&mut self, mechanism: &str, shown: &str, domain: &str) -> bool {
        let own = mechanism == self.own.to_lowercase();
        let (name, target) = match mechanism.find([':', '/']) {
            Some(at) => (&mechanism[..at], mechanism[at..].trim_start_matches(':')),
            None => (mechanism, ""),
        };
        match name {
            "include" if !target.is_empty() => {
                self.lookups += 1;
                self.other(target, "include:") == Fate::Allowed || own
            }
            "a" | "mx" => {
                self.lookups += 1;
                own || self.is_host(name, target, domain)
            }
            "ip4" | "ip6" => match network(target) {
                Some((net, bits)) if net.is_ipv4() == (name == "ip4") => {
                    own || self.addresses.iter().any(|ip| is_in(*ip, net, bits))
                }
                _ => self.is_wrong(shown),
            },
            "exists" | "ptr" => {
                self.lookups += 1;
                self.doubts.push(Remark::CannotTell(shown.to_owned()));
                false
            }
            _ => self.is_wrong(shown),
        }
    }

    fn is_wrong(&mut self, term: &str) -> bool {
        self.faults.push(Remark::NoSuchTerm(term.to_owned()));
        false
    }

    /// Whether the sender has an address of a host, or of a domain's mail servers.
    fn is_host(&mut self, name: &str, target: &str, domain: &str) -> bool {
        let (host, lengths) = target.split_once('/').unwrap_or((target, ""));
        let host = if host.is_empty() { domain } else { host };
        if host.contains('%') {
            self.doubts
                .push(Remark::CannotTell(format!("{name}:{host}")));
            return false;
        }
        let hosts = match name {
            "mx" => self.known.exchanges(host),
            _ => Ok(vec![host]),
        };
        let hosts = hosts.unwrap_or_else(|why| {
            self.doubts.push(why);
            Vec::new()
        });
        let (four, six) = lengths.split_once("//").unwrap_or((lengths, ""));
        // A record may lead to ten mail servers; what comes after them counts for nothing.
        for host in hosts
            .into_iter()
            .filter(|host| *host != ".")
            .take(MOST_LOOKUPS)
        {
            match self.known.addresses(host) {
                Ok(found) => {
                    let near = |net: &IpAddr| {
                        let length = if net.is_ipv4() { four } else { six };
                        let bits = length.parse().unwrap_or(128);
                        self.addresses.iter().any(|ip| is_in(*ip, *net, bits))
                    };
                    if found.iter().any(near) {
                        return true;
                    }
                }
                Err(why) => self.doubts.push(why),
            }
        }
        false
    }
}

/// A term such as `redirect=other.example`.
fn modifier(term: &str) -> Option<(&str, &str)> {
    let (name, value) = term.split_once('=')?;
    (!name.contains([':', '/'])).then_some((name, value))
}

/// `192.0.2.0/24`; an address alone is a network of one.
fn network(text: &str) -> Option<(IpAddr, u32)> {
    let (address, length) = text.split_once('/').unwrap_or((text, "128"));
    let address: IpAddr = address.parse().ok()?;
    let bits: u32 = length.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    (text.find('/').is_none() || bits <= most).then_some((address, bits))
}

/// Whether an address is of a network, by its first bits.
fn is_in(ip: IpAddr, net: IpAddr, bits: u32) -> bool {
    match (ip, net) {
        (IpAddr::V4(ip), IpAddr::V4(net)) => {
            let differ = ip.to_bits() ^ net.to_bits();
            differ.leading_zeros() >= bits.min(32)
        }
        (IpAddr::V6(ip), IpAddr::V6(net)) => {
            let differ = ip.to_bits() ^ net.to_bits();
            differ.leading_zeros() >= bits.min(128)
        }
        _ => false,
    }
}
