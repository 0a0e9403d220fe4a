//! What receivers are to do with mail that neither SPF nor DKIM speaks for (RFC 7489, 6.3).
use super::{Finding, Known, Remark, Sender, tag, tags};
use crate::channel::config::records::DnsRecord;

pub(super) fn judge(known: &Known, sender: &Sender, wanted: &DnsRecord) -> Finding {
    let found = match policies(known, &sender.domain) {
        Ok(found) => found,
        Err(why) => return Finding::unknown(why),
    };
    if found.is_empty() {
        return above(known, &sender.domain)
            .unwrap_or_else(|| Finding::missing(known, &wanted.name, &sender.domain, "v=dmarc1"));
    }
    let remarks = remarks(&found, "p");
    Finding::of(found, remarks)
}

fn policies(known: &Known, domain: &str) -> Result<Vec<String>, Remark> {
    let found = known.txt(&format!("_dmarc.{domain}"))?;
    let is_policy = |text: &&String| {
        let first = text.split(';').next().unwrap_or_default();
        let first: String = first.split_whitespace().collect();
        first == "v=DMARC1"
    };
    Ok(found.iter().filter(is_policy).cloned().collect())
}

/// A domain that says nothing is spoken for by the one above it.
fn above(known: &Known, domain: &str) -> Option<Finding> {
    let mut rest = domain;
    while let Some((_, parent)) = rest.split_once('.').filter(|(_, p)| p.contains('.')) {
        match policies(known, parent) {
            Ok(found) if found.is_empty() => {}
            Ok(found) => {
                let mut remarks = vec![Remark::FromAbove(format!("_dmarc.{parent}"))];
                let first = tags(&found[0]);
                let policy = tag(&first, "sp").map_or("p", |_| "sp");
                remarks.extend(self::remarks(&found, policy));
                return Some(Finding::of(found, remarks));
            }
            Err(why) => return Some(Finding::unknown(why)),
        }
        rest = parent;
    }
    None
}

/// What is to be said of policies, of which there may be one. `policy` is the tag that holds for the mailbox.
fn remarks(found: &[String], policy: &str) -> Vec<Remark> {
    let [one] = found else {
        return vec![Remark::Several("DMARC", found.len())];
    };
    let tags = tags(one);
    let mut remarks = Vec::new();
    match tag(&tags, policy).map(str::to_lowercase).as_deref() {
        Some("none") => remarks.push(Remark::OnlyWatches),
        Some("quarantine" | "reject") => {}
        Some(other) => remarks.push(Remark::NoSuchPolicy(other.to_owned())),
        None => remarks.push(Remark::NoPolicy),
    }
    if tag(&tags, "rua").is_none() {
        remarks.push(Remark::NoReports);
    }
    remarks
}
