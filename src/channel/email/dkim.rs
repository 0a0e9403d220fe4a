//! Signs the mail that leaves, so that receivers can tell it is ours (RFC 6376; Ed25519 by RFC 8463): relaxed canonicalisation,
//! the whole body, and `From` signed once more than it stands there, so that nobody can add another below the signature.
//!
//! The same mail gets the same signature: the moment in it is the mail's own.

use std::fmt;

use data_encoding::BASE64;
use getrandom::SysRng;
use ring::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};
use rsa::{
    PrivateKey,
    pkcs8::{EncodePrivateKey, LineEnding},
    rand_core::UnwrapErr,
};
use sha2::{Digest, Sha256};
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, pem::PemObject};

use super::header::{self, Field};

/// The fields that are signed where they stand in a mail. Those that servers on the way add or change are not among them.
const SIGNED: &[&str] = &[
    "From",
    "Reply-To",
    "To",
    "Cc",
    "Subject",
    "Date",
    "Message-ID",
    "In-Reply-To",
    "References",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
    "Auto-Submitted",
];

/// The bits of a key that is made here: what every receiver takes and every DNS panel holds.
const BITS: usize = 2048;

/// Why a text is no key to sign with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is neither an RSA key of 2048 to 4096 bits nor an Ed25519 key in PEM")]
pub(crate) struct NoKey;

enum Pair {
    Rsa(Box<RsaKeyPair>),
    Ed25519(Ed25519KeyPair),
}

/// Who signs, and with what.
pub(crate) struct Signer {
    domain: String,
    selector: String,
    pair: Pair,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({}, {})", self.selector, self.domain)
    }
}

impl Signer {
    /// Reads the key of a domain.
    pub(crate) fn new(domain: &str, selector: &str, pem: &str) -> Result<Signer, NoKey> {
        let der = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| NoKey)?;
        let rsa = |pair: Result<RsaKeyPair, _>| pair.map(|pair| Pair::Rsa(Box::new(pair)));
        let pair = match &der {
            PrivateKeyDer::Pkcs1(key) => rsa(RsaKeyPair::from_der(key.secret_pkcs1_der())),
            PrivateKeyDer::Pkcs8(key) => {
                let der = key.secret_pkcs8_der();
                rsa(RsaKeyPair::from_pkcs8(der))
                    .or_else(|_| Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map(Pair::Ed25519))
            }
            _ => return Err(NoKey),
        };
        Ok(Signer {
            domain: domain.to_owned(),
            selector: selector.to_owned(),
            pair: pair.map_err(|_| NoKey)?,
        })
    }

    /// The name under which the key is published.
    pub(crate) fn record_name(&self) -> String {
        format!("{}._domainkey.{}", self.selector, self.domain)
    }

    /// What is published there.
    pub(crate) fn record(&self) -> String {
        let (kind, key) = match &self.pair {
            Pair::Rsa(pair) => ("rsa", public_key_info(pair.public().as_ref())),
            Pair::Ed25519(pair) => ("ed25519", pair.public_key().as_ref().to_vec()),
        };
        format!("v=DKIM1; k={kind}; p={}", BASE64.encode(&key))
    }

    /// The mail with its signature on top. `at` is the moment that the signature names, in milliseconds UTC.
    pub(crate) fn sign(&self, raw: &[u8], at: i64) -> Result<Vec<u8>, NoKey> {
        let block = header::read(raw);
        let body_hash = Sha256::digest(relaxed_body(&raw[block.body_at..]));
        let (names, mut signed) = chosen(block.headers.fields());
        let algorithm = match self.pair {
            Pair::Rsa(_) => "rsa-sha256",
            Pair::Ed25519(_) => "ed25519-sha256",
        };
        let unsigned = format!(
            "v=1; a={algorithm}; c=relaxed/relaxed; d={};\r\n s={}; t={};\r\n h={};\r\n bh={};\r\n b=",
            self.domain,
            self.selector,
            at.div_euclid(1000),
            names.join(":\r\n "),
            BASE64.encode(&body_hash),
        );
        // The signature's own field is the last that is signed, with nothing after `b=` and no line end.
        signed.extend(relaxed_field("DKIM-Signature", unsigned.as_bytes()));
        let signature = BASE64.encode(&self.signature(&signed)?);
        let folded: Vec<&str> = signature
            .as_bytes()
            .chunks(72)
            .map(|chunk| std::str::from_utf8(chunk).unwrap_or_default())
            .collect();
        let head = format!("DKIM-Signature: {unsigned}{}\r\n", folded.join("\r\n "));
        Ok([head.as_bytes(), raw].concat())
    }

    fn signature(&self, data: &[u8]) -> Result<Vec<u8>, NoKey> {
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(
                    &RSA_PKCS1_SHA256,
                    &SystemRandom::new(),
                    data,
                    &mut signature,
                )
                .map_err(|_| NoKey)?;
                Ok(signature)
            }
            // What is signed is the hash, not the data itself.
            Pair::Ed25519(pair) => Ok(pair.sign(&Sha256::digest(data)).as_ref().to_vec()),
        }
    }
}

/// Makes an RSA key, as PEM. It takes a second or so.
pub(crate) fn make_key() -> Result<String, NoKey> {
    let key = PrivateKey::new(&mut UnwrapErr(SysRng), BITS).map_err(|_| NoKey)?;
    let pem = key.to_pkcs8_pem(LineEnding::LF).map_err(|_| NoKey)?;
    Ok(pem.to_string())
}

/// The names that `h=` lists, and what of the header is signed, both in the order in which a verifier takes them: of several
/// fields of one name the lowest first.
fn chosen(fields: &[Field]) -> (Vec<&'static str>, Vec<u8>) {
    let (mut names, mut signed) = (Vec::new(), Vec::new());
    for name in SIGNED {
        let of_name = fields
            .iter()
            .rev()
            .filter(|field| field.name.eq_ignore_ascii_case(name));
        for field in of_name {
            names.push(*name);
            signed.extend(relaxed_field(name, &field.value));
            signed.extend(b"\r\n");
        }
    }
    // One more than there are: a verifier finds none, and would find one that was added.
    names.push("From");
    (names, signed)
}

/// A field with its name in lower case, unfolded, with single blanks (RFC 6376, 3.4.2); no line end.
fn relaxed_field(name: &str, value: &[u8]) -> Vec<u8> {
    let mut out = name.to_ascii_lowercase().into_bytes();
    out.push(b':');
    out.extend(single_blanks(value, |byte| {
        matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
    }));
    let start = name.len() + 1;
    if out.get(start) == Some(&b' ') {
        out.remove(start);
    }
    if out.last() == Some(&b' ') {
        out.pop();
    }
    out
}

/// The body with single blanks, none at the ends of lines, and no blank lines at its end (RFC 6376, 3.4.4).
fn relaxed_body(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut blank_lines = 0;
    for line in body.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let mut line = single_blanks(line, |byte| matches!(byte, b' ' | b'\t'));
        if line.last() == Some(&b' ') {
            line.pop();
        }
        if line.is_empty() {
            blank_lines += 1;
            continue;
        }
        for _ in 0..std::mem::take(&mut blank_lines) {
            out.extend(b"\r\n");
        }
        out.extend(line);
        out.extend(b"\r\n");
    }
    out
}

fn single_blanks(text: &[u8], is_blank: impl Fn(u8) -> bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        if !is_blank(*byte) {
            out.push(*byte);
        } else if out.last() != Some(&b' ') {
            out.push(b' ');
        }
    }
    out
}

/// An RSA key as `p=` holds it: PKCS #1 inside a SubjectPublicKeyInfo (RFC 6376, 3.6.1).
fn public_key_info(pkcs1: &[u8]) -> Vec<u8> {
    const RSA: [u8; 15] = [
        0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
    ];
    let key = der(0x03, &[&[0], pkcs1].concat());
    der(0x30, &[&RSA[..], &key].concat())
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let significant = &length[length.iter().take_while(|byte| **byte == 0).count()..];
    let mut out = vec![tag];
    match significant {
        [short @ ..=0x7f] => out.push(*short),
        long => {
            // Eight bytes at most, so the count fits beside the mark.
            out.push(0x80 | long.len() as u8);
            out.extend(long);
        }
    }
    out.extend(content);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key pair of RFC 8463, A.2.
    const ED25519: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n";

    #[test]
    fn the_record_of_the_standard_s_own_key_is_the_standard_s() {
        let signer = Signer::new("football.example.com", "brisbane", ED25519).unwrap();
        assert_eq!(
            signer.record_name(),
            "brisbane._domainkey.football.example.com"
        );
        assert_eq!(
            signer.record(),
            "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
        );
    }

    /// RFC 6376, 3.4.5.
    #[test]
    fn blanks_are_made_one_as_in_the_standard_s_example() {
        assert_eq!(relaxed_field("A", b" X\r\n"), b"a:X");
        assert_eq!(
            relaxed_field("B ".trim_end(), b" Y\t\r\n\tZ  \r\n"),
            b"b:Y Z"
        );
        assert_eq!(relaxed_body(b" C \r\nD \t E\r\n\r\n\r\n"), b" C\r\nD E\r\n");
        assert_eq!(relaxed_body(b"\r\n\r\n"), b"");
        assert_eq!(relaxed_body(b"a\r\n\r\nb"), b"a\r\n\r\nb\r\n");
    }

    #[test]
    fn from_is_signed_once_more_than_it_stands_there() {
        let fields =
            header::read(b"From: a@x.kz\r\nTo: b@x.kz\r\nto: c@x.kz\r\nX-Other: 1\r\n\r\n");
        let (names, signed) = chosen(fields.headers.fields());
        assert_eq!(names, ["From", "To", "To", "From"]);
        assert_eq!(
            String::from_utf8(signed).unwrap(),
            "from:a@x.kz\r\nto:c@x.kz\r\nto:b@x.kz\r\n"
        );
    }

    #[test]
    fn the_same_mail_gets_the_same_signature_and_another_another() {
        let signer = Signer::new("desk.kz", "tp1", ED25519).unwrap();
        let sign = |mail: &[u8]| signer.sign(mail, 1_772_611_653_000).unwrap();
        let mail = b"From: a@desk.kz\r\nSubject: x\r\n\r\nhello\r\n";
        assert_eq!(sign(mail), sign(mail));
        assert!(sign(mail).ends_with(mail));
        let other = b"From: a@desk.kz\r\nSubject: y\r\n\r\nhello\r\n";
        let head = |mail: &[u8]| sign(mail)[..sign(mail).len() - mail.len()].to_vec();
        assert_ne!(head(mail), head(other));
        let text = String::from_utf8(sign(mail)).unwrap();
        assert!(text.starts_with("DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; d=desk.kz;\r\n s=tp1; t=1772611653;\r\n"));
        assert!(text.lines().all(|line| line.len() <= 78), "{text}");
        assert!(!text.contains("; l="));
    }

    #[test]
    fn what_is_no_key_is_told() {
        for pem in [
            "",
            "key",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ] {
            assert!(matches!(Signer::new("x.kz", "s", pem), Err(NoKey)), "{pem}");
        }
    }
}
