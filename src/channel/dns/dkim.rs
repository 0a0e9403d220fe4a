//! The public key by which receivers check a signature (RFC 6376, 3.6.1).
use super::{Finding, Known, Remark, Sender, tag, tags};
use crate::channel::config::records::DnsRecord;
use data_encoding::BASE64;

pub(super) fn judge(known: &Known, sender: &Sender, wanted: &DnsRecord) -> Finding {
    let found = match known.txt(&wanted.name) {
        Ok(found) => found.to_vec(),
        Err(why) => return Finding::unknown(why),
    };
    let keys: Vec<&String> = found.iter().filter(|text| is_key(text)).collect();
    match keys.as_slice() {
        [] => {
            // The name of a key is that of the domain that signs, which may stand above the mailbox's.
            let signs = wanted.name.split_once("._domainkey.");
            let domain = signs.map_or(sender.domain.as_str(), |(_, domain)| domain);
            let missing = Finding::missing(known, &wanted.name, domain, "v=dkim1");
            Finding { found, ..missing }
        }
        [key] => {
            let remarks = remarks(key, &wanted.value);
            Finding::of(found, remarks)
        }
        several => {
            let remark = Remark::Several("DKIM", several.len());
            Finding::of(found, vec![remark])
        }
    }
}

/// Whether a text is a key at all: what else stands there counts for nothing.
fn is_key(text: &str) -> bool {
    let tags = tags(text);
    match tag(&tags, "v") {
        Some(version) => version == "DKIM1",
        None => tag(&tags, "p").is_some(),
    }
}

fn remarks(found: &str, wanted: &str) -> Vec<Remark> {
    let (found, wanted) = (tags(found), tags(wanted));
    let mut remarks = Vec::new();
    let key = |tags: &[(String, &str)]| {
        let value = tag(tags, "p").unwrap_or_default();
        value.split_whitespace().collect::<String>()
    };
    let (own, theirs) = (key(&wanted), key(&found));
    let kind = |tags: &[(String, &str)]| tag(tags, "k").unwrap_or("rsa").to_lowercase();
    match () {
        () if theirs.is_empty() => remarks.push(Remark::KeyTakenBack),
        () if theirs == own => {}
        () if BASE64.decode(theirs.as_bytes()).is_err() => remarks.push(Remark::BrokenKey),
        () => remarks.push(Remark::OtherKey),
    }
    if !theirs.is_empty() && kind(&found) != kind(&wanted) {
        remarks.push(Remark::KeyKind(kind(&found), kind(&wanted)));
    }
    let lists = |name: &str, any: &[&str]| {
        tag(&found, name).is_none_or(|list| {
            list.split(':')
                .any(|word| any.contains(&word.trim().to_lowercase().as_str()))
        })
    };
    if !lists("h", &["sha256"]) {
        remarks.push(Remark::NotOurHash);
    }
    if !lists("s", &["*", "email"]) {
        remarks.push(Remark::NotForMail);
    }
    let flags = tag(&found, "t").unwrap_or_default();
    if flags.split(':').any(|flag| flag.trim() == "y") {
        remarks.push(Remark::Testing);
    }
    remarks
}
