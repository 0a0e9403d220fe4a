//! The servers that take a domain's mail.
use super::{Finding, Kind, Known, Remark, Standing, host_of};
use crate::channel::config::records::DnsRecord;

pub(super) fn judge(known: &Known, wanted: &DnsRecord) -> Finding {
    let found = match known.get(Kind::Mx, &wanted.name) {
        Ok(found) => found.to_vec(),
        Err(why) => return Finding::unknown(why),
    };
    if found.is_empty() {
        return Finding {
            standing: Standing::Missing,
            found,
            remarks: Vec::new(),
        };
    }
    let host = host_of(&wanted.value);
    let mut remarks = Vec::new();
    let own = |line: &&String| host_of(line).eq_ignore_ascii_case(host);
    match found.iter().find(own) {
        Some(own) => {
            let earlier = found.iter().find(|line| preference(line) < preference(own));
            remarks.extend(earlier.map(|line| Remark::TriedFirst(host_of(line).to_owned())));
            match known.addresses(host) {
                Ok(addresses) if addresses.is_empty() => {
                    remarks.push(Remark::NoAddress(host.to_owned()));
                }
                Ok(_) => {}
                Err(why) => remarks.push(why),
            }
        }
        None if found.iter().all(|line| host_of(line) == ".") => remarks.push(Remark::NoMail),
        None => {
            let hosts: Vec<&str> = found.iter().map(|line| host_of(line)).collect();
            remarks.push(Remark::MailElsewhere(hosts.join(", ")));
        }
    }
    Finding::of(found, remarks)
}

fn preference(line: &str) -> u16 {
    let number = line.split(' ').next().unwrap_or_default();
    number.parse().unwrap_or(u16::MAX)
}
