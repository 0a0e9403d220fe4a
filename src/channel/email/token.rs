//! Proofs that a mail answers one of ours: the Message-IDs and plus-addresses we write, each with a code nobody else can make.
//!
//! A code is 80 bits of HMAC-SHA256 in lower-case base32, because local parts get their letter case changed on the way.

use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// Characters of a code: 80 bits.
const CODE: usize = 16;

/// The secret of the installation, in the hands of one tenant.
#[derive(Clone)]
pub(crate) struct Keys {
    secret: Vec<u8>,
    tenant: i64,
}

/// What a code is for; one made for one purpose never serves another.
#[derive(Clone, Copy)]
enum Purpose {
    MessageId,
    ReplyAddress,
    StaffAddress,
}

/// An answer to a notice of ours, proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StaffProof {
    pub(crate) ticket: i64,
    /// The operator whom the notice was sent to.
    pub(crate) operator: i64,
}

/// A mail of ours, proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Proof {
    pub(crate) ticket: i64,
    /// The message the mail carried; a reply address names only its ticket.
    pub(crate) message: Option<i64>,
}

impl Keys {
    /// Keys of a tenant under the installation's secret.
    pub(crate) fn new(secret: &[u8], tenant: i64) -> Self {
        Self {
            secret: secret.to_vec(),
            tenant,
        }
    }

    /// The Message-ID, without brackets, of a message that goes out by mail from `domain`.
    pub(crate) fn message_id(&self, ticket: i64, message: i64, domain: &str) -> String {
        format!(
            "tp.{ticket}.{message}.{}@{domain}",
            self.code(Purpose::MessageId, ticket, message)
        )
    }

    /// The address to which answers about a ticket come: `support+t42.code@desk.example`. `None` for what is no address.
    pub(crate) fn reply_address(&self, mailbox: &str, ticket: i64) -> Option<String> {
        let (local, domain) = mailbox.rsplit_once('@')?;
        Some(format!(
            "{local}+t{ticket}.{}@{domain}",
            self.code(Purpose::ReplyAddress, ticket, 0)
        ))
    }

    /// The address to which an operator answers about a ticket: `support+o42.7.code@desk.example`. The code is good for
    /// that operator alone. `None` for what is no address.
    pub(crate) fn staff_address(
        &self,
        mailbox: &str,
        ticket: i64,
        operator: i64,
    ) -> Option<String> {
        let (local, domain) = mailbox.rsplit_once('@')?;
        let code = self.code(Purpose::StaffAddress, ticket, operator);
        Some(format!("{local}+o{ticket}.{operator}.{code}@{domain}"))
    }

    /// Who answers a notice about which ticket, if the code in the recipient's address is right.
    pub(crate) fn read_staff_address(&self, address: &str) -> Option<StaffProof> {
        let (local, _) = address.rsplit_once('@')?;
        let (_, token) = local.rsplit_once('+')?;
        let mut pieces = strip_prefix_ignoring_case(token, "o")?.split('.');
        let (ticket, operator, code) = (
            number(pieces.next()?)?,
            number(pieces.next()?)?,
            pieces.next()?,
        );
        let whole = pieces.next().is_none();
        (whole && self.fits(Purpose::StaffAddress, ticket, operator, code))
            .then_some(StaffProof { ticket, operator })
    }

    /// The proof in a Message-ID, if its code is right. The domain may have changed since.
    pub(crate) fn read_message_id(&self, id: &str) -> Option<Proof> {
        let (local, _) = id.trim_matches(['<', '>']).rsplit_once('@')?;
        let mut pieces = strip_prefix_ignoring_case(local, "tp.")?.split('.');
        let (ticket, message, code) = (
            number(pieces.next()?)?,
            number(pieces.next()?)?,
            pieces.next()?,
        );
        let whole = pieces.next().is_none();
        (whole && self.fits(Purpose::MessageId, ticket, message, code)).then_some(Proof {
            ticket,
            message: Some(message),
        })
    }

    /// The proof in a recipient's address, if its code is right.
    pub(crate) fn read_reply_address(&self, address: &str) -> Option<Proof> {
        let (local, _) = address.rsplit_once('@')?;
        let (_, token) = local.rsplit_once('+')?;
        let (ticket, code) = strip_prefix_ignoring_case(token, "t")?.split_once('.')?;
        let ticket = number(ticket)?;
        self.fits(Purpose::ReplyAddress, ticket, 0, code)
            .then_some(Proof {
                ticket,
                message: None,
            })
    }

    fn code(&self, purpose: Purpose, ticket: i64, message: i64) -> String {
        let label: &[u8] = match purpose {
            Purpose::MessageId => b"mail message id",
            Purpose::ReplyAddress => b"mail reply address",
            Purpose::StaffAddress => b"mail staff address",
        };
        let mut parts = Vec::with_capacity(label.len() + 25);
        parts.extend_from_slice(label);
        parts.push(0);
        for number in [self.tenant, ticket, message] {
            parts.extend_from_slice(&number.to_be_bytes());
        }
        let mut code = BASE32_NOPAD
            .encode(&sign(&self.secret, &parts))
            .to_ascii_lowercase();
        code.truncate(CODE);
        code
    }

    fn fits(&self, purpose: Purpose, ticket: i64, message: i64, code: &str) -> bool {
        let wanted = self.code(purpose, ticket, message);
        wanted
            .as_bytes()
            .ct_eq(code.to_ascii_lowercase().as_bytes())
            .into()
    }
}

/// HMAC-SHA256.
pub(crate) fn sign(secret: &[u8], message: &[u8]) -> [u8; 32] {
    // A key of any length is a key for HMAC, so the failing arm is never taken.
    match <Hmac<Sha256> as KeyInit>::new_from_slice(secret) {
        Ok(mut mac) => {
            mac.update(message);
            mac.finalize().into_bytes().into()
        }
        Err(_) => [0; 32],
    }
}

/// A positive number in plain digits, as we write it.
fn number(text: &str) -> Option<i64> {
    let plain = !text.is_empty()
        && !text.starts_with('0')
        && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix)
        .then(|| &text[prefix.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Keys {
        Keys::new(b"an installation's secret of 32 b", 3)
    }

    #[test]
    fn what_we_write_we_read() {
        let id = keys().message_id(123_456_789_012, 88, "desk.example.kz");
        assert!(id.starts_with("tp.123456789012.88.") && id.ends_with("@desk.example.kz"));
        assert_eq!(
            keys().read_message_id(&id),
            Some(Proof {
                ticket: 123_456_789_012,
                message: Some(88)
            })
        );
        assert_eq!(
            keys().read_message_id(&format!("<{id}>")),
            Some(Proof {
                ticket: 123_456_789_012,
                message: Some(88)
            })
        );
        let address = keys().reply_address("support@desk.example.kz", 42).unwrap();
        assert_eq!(
            keys().read_reply_address(&address),
            Some(Proof {
                ticket: 42,
                message: None
            })
        );
    }

    #[test]
    fn an_operator_s_address_is_good_for_one_operator_and_one_ticket() {
        let address = keys().staff_address("support@desk.kz", 42, 7).unwrap();
        let proof = StaffProof {
            ticket: 42,
            operator: 7,
        };
        assert_eq!(keys().read_staff_address(&address), Some(proof));
        assert_eq!(
            keys().read_staff_address(&address.to_uppercase()),
            Some(proof)
        );
        for forged in [
            address.replacen("o42.7.", "o42.8.", 1),
            address.replacen("o42.7.", "o43.7.", 1),
            address.replacen("+o42.7.", "+t42.", 1),
            keys().reply_address("support@desk.kz", 42).unwrap(),
            "support@desk.kz".to_owned(),
        ] {
            assert_eq!(keys().read_staff_address(&forged), None, "{forged}");
        }
        assert_eq!(keys().read_reply_address(&address), None);
    }

    #[test]
    fn letter_case_and_another_domain_do_not_matter() {
        let address = keys()
            .reply_address("support@desk.example.kz", 42)
            .unwrap()
            .to_uppercase();
        assert!(keys().read_reply_address(&address).is_some());
        let id = keys()
            .message_id(42, 7, "desk.example.kz")
            .replace("desk.example.kz", "old-name.example");
        assert!(keys().read_message_id(&id).is_some());
    }

    #[test]
    fn forged_codes_are_refused() {
        let id = keys().message_id(42, 7, "d.kz");
        let code = id.split(['.', '@']).nth(3).unwrap().to_owned();
        let other_tenant = Keys::new(b"an installation's secret of 32 b", 4);
        let other_secret = Keys::new(b"another installation's secret !!", 3);
        assert_eq!(other_tenant.read_message_id(&id), None);
        assert_eq!(other_secret.read_message_id(&id), None);
        for forged in [
            format!("tp.43.7.{code}@d.kz"),
            format!("tp.42.8.{code}@d.kz"),
            format!("tp.42.7.{}@d.kz", &code[..15]),
            format!("tp.42.7.{code}a@d.kz"),
            format!("tp.042.7.{code}@d.kz"),
            format!("tp.42.7.{code}.x@d.kz"),
            format!("xx.42.7.{code}@d.kz"),
            "tp.42.7.@d.kz".to_owned(),
            "tp.42.7.3fa9@d.kz".to_owned(),
            "tp.42".to_owned(),
            String::new(),
        ] {
            assert_eq!(keys().read_message_id(&forged), None, "{forged}");
        }
        let plus = keys().reply_address("support@d.kz", 42).unwrap();
        let plus_code = plus.split(['.', '@']).nth(1).unwrap();
        assert_eq!(
            keys().read_reply_address(&format!("support+t43.{plus_code}@d.kz")),
            None
        );
        assert_eq!(
            keys().read_reply_address(&format!("support+t42.{code}@d.kz")),
            None,
            "a code serves one purpose"
        );
        assert_eq!(keys().read_reply_address("support@d.kz"), None);
    }

    #[test]
    fn a_code_has_eighty_bits() {
        assert_eq!(keys().code(Purpose::MessageId, 1, 1).len() * 5, 80);
    }
}
