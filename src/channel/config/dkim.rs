//! The key by which a mailbox signs what it sends.
use super::{Channel, HIDDEN, Secrets, keep};
use crate::{
    api::field::{Name, decode},
    channel::email::dkim::Signer,
    error::{Error, Fault, Result},
};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

/// The signature under what a mailbox sends.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(crate) struct DkimConfig {
    /// The domain that signs: the mailbox's own, or one above it.
    pub(crate) domain: Name,
    /// The name of the key within the domain.
    pub(crate) selector: Name,
    /// The private key in PEM, RSA of at least 2048 bits or Ed25519; write-only.
    #[serde(default)]
    pub(crate) private_key: Option<String>,
}

/// Tells what is left out from what is taken away by `null`.
pub(super) fn given<'de, D: Deserializer<'de>>(
    from: D,
) -> std::result::Result<Option<Option<DkimConfig>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// The key's part of the set-up, and its secret. What is left out stays as it is.
pub(super) fn split(
    sent: Option<Option<DkimConfig>>,
    address: &str,
    before: Option<&Channel>,
    secrets: &mut Secrets,
) -> Result<Option<Value>> {
    let kept = before.and_then(|channel| channel.secrets.dkim_key.clone());
    let sent = match sent {
        None => {
            let known = before.and_then(|channel| channel.config.get("dkim").cloned());
            let signs = known.as_ref().and_then(|known| known["domain"].as_str());
            // A mailbox that has moved to another domain is not signed for by the old one.
            return Ok(match signs.filter(|domain| covers(domain, address)) {
                Some(_) => {
                    secrets.dkim_key = kept;
                    known
                }
                None => None,
            });
        }
        Some(None) => return Ok(None),
        Some(Some(sent)) => sent,
    };
    let domain = sent.domain.as_str().trim_end_matches('.').to_lowercase();
    if !covers(&domain, address) {
        let allowed = above(address);
        let allowed: Vec<&str> = allowed.iter().map(String::as_str).collect();
        return Err(Error::one_of("config.dkim.domain", &allowed));
    }
    let selector = sent.selector.as_str().to_lowercase();
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if selector.len() > 63 || !selector.chars().all(plain) {
        return Err(Error::invalid("config.dkim.selector", Fault::NotCode));
    }
    if sent.private_key.as_deref() == Some("") {
        return Err(Error::missing("config.dkim.private_key"));
    }
    let key =
        keep(sent.private_key, &kept).ok_or_else(|| Error::missing("config.dkim.private_key"))?;
    Signer::new(&domain, &selector, &key)
        .map_err(|_| Error::invalid("config.dkim.private_key", Fault::NotPrivateKey))?;
    secrets.dkim_key = Some(key);
    Ok(Some(json!({ "domain": domain, "selector": selector })))
}

/// Gives a channel a key.
pub(crate) fn set(channel: &mut Channel, sent: Value) -> Result<()> {
    let sent: DkimConfig = decode(sent)?;
    let mut secrets = channel.secrets.clone();
    let shown = split(Some(Some(sent)), &channel.address, None, &mut secrets)?;
    channel.config["dkim"] = shown.unwrap_or(Value::Null);
    channel.secrets = secrets;
    Ok(())
}

/// The domain of an address and those above it, the top one left out.
fn above(address: &str) -> Vec<String> {
    let domain = address
        .rsplit_once('@')
        .map_or(address, |(_, domain)| domain);
    let mut found = Vec::new();
    let mut rest = domain;
    loop {
        found.push(rest.to_owned());
        match rest.split_once('.') {
            Some((_, parent)) if parent.contains('.') => rest = parent,
            _ => return found,
        }
    }
}

fn covers(domain: &str, address: &str) -> bool {
    above(address).iter().any(|known| known == domain)
}

/// What may be read back: the key is hidden.
pub(super) fn shown(config: &mut Value, secrets: &Secrets) {
    if secrets.dkim_key.is_some() && config["dkim"].is_object() {
        config["dkim"]["private_key"] = HIDDEN.into();
    }
}

/// Who signs what the channel sends, if anybody does.
pub(crate) fn signer(channel: &Channel) -> Result<Option<Signer>> {
    let Some(key) = &channel.secrets.dkim_key else {
        return Ok(None);
    };
    let (domain, selector) = (channel.text("/dkim/domain"), channel.text("/dkim/selector"));
    Signer::new(domain, selector, key)
        .map(Some)
        .map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mailbox_is_signed_for_by_its_domain_and_those_above() {
        assert_eq!(above("help@mail.desk.kz"), ["mail.desk.kz", "desk.kz"]);
        assert!(covers("desk.kz", "help@desk.kz"));
        assert!(!covers("kz", "help@desk.kz"));
        assert!(!covers("other.kz", "help@desk.kz"));
        assert!(!covers("esk.kz", "help@desk.kz"));
    }
}
