//! Signatures as Standard Webhooks 1.0 has them: HMAC-SHA256 over id, time and body, by a key that both sides know as
//! `whsec_` and base64.
use crate::{
    access::secret::random,
    error::{Error, Result},
};
use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const PREFIX: &str = "whsec_";

/// A new key.
pub(crate) fn new_key() -> Result<String> {
    Ok(format!("{PREFIX}{}", BASE64.encode(&random::<32>()?)))
}

/// The bytes of a key as people write it: with the prefix or without it, 24 to 64 bytes.
pub(crate) fn bytes(key: &str) -> Option<Vec<u8>> {
    let text = key.trim();
    let text = text.strip_prefix(PREFIX).unwrap_or(text);
    BASE64
        .decode(text.as_bytes())
        .ok()
        .filter(|bytes| (24..=64).contains(&bytes.len()))
}

/// The value of `webhook-signature` for one attempt.
pub(crate) fn signature(key: &str, id: &str, seconds: i64, body: &str) -> Result<String> {
    let key = bytes(key).ok_or_else(|| Error::internal("a webhook's key is damaged"))?;
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&key).map_err(Error::internal)?;
    mac.update(format!("{id}.{seconds}.{body}").as_bytes());
    Ok(format!(
        "v1,{}",
        BASE64.encode(&mac.finalize().into_bytes())
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_the_one_that_others_compute() {
        let made = signature(
            "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=",
            "msg_2Tp0Xq7mB1c9Zr4L",
            1_772_611_653,
            r#"{"type":"ticket.created","timestamp":"2026-03-04T08:07:33.120Z","data":{"id":1042}}"#,
        );
        assert_eq!(
            made.unwrap(),
            "v1,RjSqniIWzulQdMk8cjP7uW9xjZvnLsg/DSGkMONqTRc="
        );
    }

    #[test]
    fn a_key_has_enough_bytes_and_not_too_many() {
        assert_eq!(bytes(&new_key().unwrap()).unwrap().len(), 32);
        assert!(bytes("whsec_AQID").is_none());
        assert!(bytes("whsec_!").is_none());
        assert!(bytes(&format!("whsec_{}", BASE64.encode(&[7; 65]))).is_none());
    }
}
