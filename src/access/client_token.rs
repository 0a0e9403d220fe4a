//! Client tokens: `ct_` + base64url of a JSON payload + `.` + base64url of its HMAC-SHA256. Passwordless access of one
//! user of one client portal, safe in a browser: it names its bearer, ends by itself, and dies with its generation.
use super::secret::{Purpose, Secret, random_text};
use crate::{
    api::field::{ContactId, TenantId},
    clock::{Millis, SECOND},
    error::Result,
};
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};

const PREFIX: &str = "ct_";
/// How the session of a contact's tokens begins.
const CONTACT: &str = "contact-";

/// What a client token says. The names are one letter because the token travels in addresses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ClientToken {
    /// The tenant.
    #[serde(rename = "t")]
    pub(crate) tenant: i64,
    /// The portal's domain.
    #[serde(rename = "p")]
    pub(crate) portal_domain: String,
    /// The user in the client's own system; 0 has no name.
    #[serde(rename = "u")]
    pub(crate) user_id: i64,
    /// What to call the user.
    #[serde(rename = "n")]
    pub(crate) user_name: String,
    /// When it ends, in seconds since 1970.
    #[serde(rename = "e")]
    pub(crate) expires: i64,
    /// The portal's token generation when it was made.
    #[serde(rename = "g")]
    pub(crate) generation: i64,
    /// Tells one name-less session from another.
    #[serde(rename = "s")]
    pub(crate) session: String,
    /// When it was made, in milliseconds since 1970.
    #[serde(rename = "i", default)]
    pub(crate) issued: Millis,
}

impl ClientToken {
    /// Makes a token that ends `ttl` seconds after `now`.
    pub(crate) fn new(
        tenant: TenantId,
        portal_domain: String,
        user: (i64, String),
        generation: i64,
        now: Millis,
        ttl: i64,
    ) -> Result<ClientToken> {
        Ok(ClientToken {
            tenant: tenant.0,
            portal_domain,
            user_id: user.0,
            user_name: user.1,
            expires: now / SECOND + ttl,
            generation,
            session: random_text(12)?,
            issued: now,
        })
    }

    /// Makes it the token of a contact of the desk, who is the same person with every token.
    pub(crate) fn is_of(&mut self, contact: ContactId) {
        self.session = format!("{CONTACT}{contact}");
    }

    /// The contact of the desk whose token it is, if it is one's. A random session has no hyphen.
    pub(crate) fn contact(&self) -> Option<ContactId> {
        let number = self.session.strip_prefix(CONTACT)?.parse().ok()?;
        (self.user_id == 0).then_some(ContactId(number))
    }

    pub(crate) fn write(&self, secret: &Secret) -> Result<String> {
        let payload = BASE64URL_NOPAD.encode(&serde_json::to_vec(self)?);
        let proof = secret.sign(Purpose::ClientToken, &[payload.as_bytes()]);
        Ok(format!("{PREFIX}{payload}.{proof}"))
    }

    /// The token that `text` is, if this installation made it and it has not ended.
    pub(crate) fn read(text: &str, secret: &Secret, now: Millis) -> Option<ClientToken> {
        let (payload, proof) = text.strip_prefix(PREFIX)?.split_once('.')?;
        if !secret.verify(Purpose::ClientToken, &[payload.as_bytes()], proof) {
            return None;
        }
        let bytes = BASE64URL_NOPAD.decode(payload.as_bytes()).ok()?;
        let token: ClientToken = serde_json::from_slice(&bytes).ok()?;
        (token.expires > now / SECOND).then_some(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made() -> (Secret, String) {
        let secret = Secret::known([7; 32]);
        let token = ClientToken::new(
            TenantId(1),
            "client.bitrix24.kz".into(),
            (123, "Иван Петров".into()),
            1,
            1_000_000,
            300,
        );
        let text = token.unwrap().write(&secret).unwrap();
        (secret, text)
    }

    #[test]
    fn a_token_is_read_back_until_it_ends() {
        let (secret, text) = made();
        assert!(text.starts_with("ct_eyJ0IjoxLCJwI"));
        let token = ClientToken::read(&text, &secret, 1_000_000).unwrap();
        assert_eq!(
            (token.user_id, token.user_name.as_str()),
            (123, "Иван Петров")
        );
        assert!(ClientToken::read(&text, &secret, 1_000_000 + 300 * SECOND).is_none());
    }

    #[test]
    fn a_contact_is_known_by_every_token() {
        let (secret, _) = made();
        let mut token = ClientToken::new(
            TenantId(1),
            "c.example".into(),
            (0, "Асем".into()),
            1,
            0,
            300,
        )
        .unwrap();
        assert_eq!(token.contact(), None);
        token.is_of(ContactId(7));
        let read = ClientToken::read(&token.write(&secret).unwrap(), &secret, 0).unwrap();
        assert_eq!(read.contact(), Some(ContactId(7)));
    }

    #[test]
    fn no_changed_byte_is_accepted() {
        let (secret, text) = made();
        for i in 0..text.len() {
            let mut forged = text.clone().into_bytes();
            forged[i] = if forged[i] == b'A' { b'B' } else { b'A' };
            if forged == text.as_bytes() {
                continue;
            }
            let forged = String::from_utf8(forged).unwrap();
            assert!(
                ClientToken::read(&forged, &secret, 1_000_000).is_none(),
                "byte {i}"
            );
        }
    }
}
