//! What is to stand in DNS for a mailbox. Pure.
use super::{Channel, dkim};
use crate::error::Result;
use schemars::JsonSchema;
use serde::Serialize;
use std::net::IpAddr;

/// A record that is to stand in DNS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct DnsRecord {
    /// What it is for: `mx`, `spf`, `dkim` or `dmarc`.
    pub(crate) purpose: &'static str,
    /// Its name.
    pub(crate) name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    /// Its value. A DNS panel that takes no more than 255 characters in one piece wants a long one in several.
    pub(crate) value: String,
}

/// The large mail services by the names of their servers, and the records that name the addresses they send from: those
/// are others than the ones that take mail.
const SERVICES: [(&str, &str); 12] = [
    ("smtp.yandex.ru", "_spf.yandex.net"),
    ("smtp.yandex.com", "_spf.yandex.net"),
    ("smtp.yandex.kz", "_spf.yandex.net"),
    ("smtp.mail.ru", "_spf.mail.ru"),
    ("smtp.gmail.com", "_spf.google.com"),
    ("smtp-relay.gmail.com", "_spf.google.com"),
    ("smtp.office365.com", "spf.protection.outlook.com"),
    ("smtp-mail.outlook.com", "spf.protection.outlook.com"),
    ("smtp.mailgun.org", "mailgun.org"),
    ("smtp.eu.mailgun.org", "mailgun.org"),
    ("smtp.sendgrid.net", "sendgrid.net"),
    ("smtp.postmarkapp.com", "spf.mtasv.net"),
];

/// The term of SPF that lets a server send.
fn allowing(relay: &str) -> String {
    let relay = relay.trim_end_matches('.').to_lowercase();
    let service = SERVICES.iter().find(|(host, _)| *host == relay);
    match (service, relay.parse()) {
        (Some((_, domain)), _) => format!("include:{domain}"),
        (None, Ok(IpAddr::V4(ip))) => format!("ip4:{ip}"),
        (None, Ok(IpAddr::V6(ip))) => format!("ip6:{ip}"),
        (None, Err(_)) => format!("a:{relay}"),
    }
}

/// The servers to which mail for a mailbox is to be sent. A mailbox that mail is fetched from has its own already.
fn exchanges<'a>(channel: &Channel, host: &'a str) -> Vec<&'a str> {
    match channel.text("/inbound/provider") {
        "smtp" => Vec::from_iter(host.contains('.').then_some(host)),
        "mailgun" => vec!["mxa.mailgun.org", "mxb.mailgun.org"],
        "sendgrid" => vec!["mx.sendgrid.net"],
        _ => Vec::new(),
    }
}

/// The domain of a mailbox.
pub(crate) fn domain(channel: &Channel) -> &str {
    let address = channel.address.rsplit_once('@');
    address.map_or("", |(_, domain)| domain)
}

/// The records that bring mail to a mailbox and let receivers believe what it sends. The server that answers are handed to is
/// the one that sends; `host` is our own, if it has a name.
pub(crate) fn records(channel: &Channel, host: Option<&str>) -> Result<Vec<DnsRecord>> {
    let record = |purpose, kind, name: String, value: String| DnsRecord {
        purpose,
        name,
        kind,
        value,
    };
    let (address, domain) = (&channel.address, domain(channel));
    let servers = exchanges(channel, host.unwrap_or_default()).into_iter();
    let mut found: Vec<DnsRecord> = servers
        .map(|server| record("mx", "MX", domain.to_owned(), format!("10 {server}")))
        .collect();
    let sender = allowing(channel.text("/smtp/host"));
    found.push(record(
        "spf",
        "TXT",
        domain.to_owned(),
        format!("v=spf1 mx {sender} ~all"),
    ));
    if let Some(signer) = dkim::signer(channel)? {
        let name = signer.record_name();
        found.push(record("dkim", "TXT", name, signer.record()));
    }
    found.push(record(
        "dmarc",
        "TXT",
        format!("_dmarc.{domain}"),
        format!("v=DMARC1; p=none; rua=mailto:{address}"),
    ));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_let_send_by_its_address_its_name_or_its_service() {
        for (relay, term) in [
            ("203.0.113.7", "ip4:203.0.113.7"),
            ("2001:db8::7", "ip6:2001:db8::7"),
            ("mail.desk.kz", "a:mail.desk.kz"),
            ("SMTP.Yandex.ru.", "include:_spf.yandex.net"),
            ("smtp.yandex.ru.desk.kz", "a:smtp.yandex.ru.desk.kz"),
        ] {
            assert_eq!(allowing(relay), term);
        }
    }
}
