//! The installation's secret and everything that is derived from it: hashes of tokens, seals of stored secrets, MACs.
//!
//! The secret lies in a file beside the database, readable by its owner only, so that a stolen database file alone opens
//! nothing. Each use derives a key of its own, so a MAC made for one purpose is worth nothing for another.
use crate::error::{Error, Result};
use chacha20poly1305::{
    XChaCha20Poly1305,
    aead::{Aead, KeyInit},
};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};
use subtle::ConstantTimeEq;

/// What a derived key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Session,
    ApiKey,
    AccessLink,
    ClientToken,
    WidgetTicket,
    FileLink,
    MailThread,
    ChannelSecrets,
    ChannelHook,
    ChatLink,
    ChatButton,
    KeptAnswer,
    WidgetCode,
    Notice,
    RecoveryCode,
    MobileToken,
    PortalToken,
    RatingLink,
    StaffChat,
    Audit,
}

impl Purpose {
    const fn label(self) -> &'static [u8] {
        match self {
            Purpose::Session => b"session",
            Purpose::ApiKey => b"api key",
            Purpose::AccessLink => b"access link",
            Purpose::ClientToken => b"client token",
            Purpose::WidgetTicket => b"widget ticket",
            Purpose::FileLink => b"file link",
            Purpose::MailThread => b"mail thread",
            Purpose::ChannelSecrets => b"channel secrets",
            Purpose::ChannelHook => b"channel hook",
            Purpose::ChatLink => b"chat link",
            Purpose::ChatButton => b"chat button",
            Purpose::KeptAnswer => b"kept answer",
            Purpose::WidgetCode => b"widget code",
            Purpose::Notice => b"notice",
            Purpose::RecoveryCode => b"recovery code",
            Purpose::MobileToken => b"mobile token",
            Purpose::PortalToken => b"portal token",
            Purpose::RatingLink => b"rating link",
            Purpose::StaffChat => b"staff chat",
            Purpose::Audit => b"audit",
        }
    }
}

/// A key for one purpose.
pub(crate) type Key = [u8; 32];

/// The secret of the installation.
#[derive(Clone)]
pub(crate) struct Secret(Key);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl Secret {
    /// Reads the secret of a data directory, or makes one if the directory has none yet. It is written under another name
    /// and linked into place, so that of two commands that make it at once both read the one that was first.
    pub(crate) fn of(dir: &Path) -> Result<Secret> {
        let path = dir.join("secret.key");
        if !path.exists() {
            let draft = dir.join(format!("secret.{}", random_text(16)?));
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&draft)?;
            writeln!(file, "{}", HEXLOWER.encode(&random::<32>()?))?;
            file.sync_all()?;
            match fs::hard_link(&draft, &path) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error.into()),
                Ok(()) | Err(_) => fs::remove_file(&draft)?,
            }
            fs::File::open(dir)?.sync_all()?;
        }
        let text = fs::read_to_string(&path)?;
        let bytes = HEXLOWER.decode(text.trim().as_bytes());
        let key = bytes.ok().and_then(|b| Key::try_from(b).ok());
        key.map(Secret).ok_or_else(|| {
            Error::internal(format!(
                "{} does not hold 64 hexadecimal digits",
                path.display()
            ))
        })
    }

    /// A secret that is known, for tests.
    #[cfg(test)]
    pub(crate) const fn known(key: Key) -> Secret {
        Secret(key)
    }

    /// The key for `purpose`.
    pub(crate) fn key(&self, purpose: Purpose) -> Key {
        mac(&self.0, &[purpose.label()])
    }

    /// What is stored of a token: enough to know it again, not enough to make it.
    pub(crate) fn hash(&self, purpose: Purpose, token: &str) -> Key {
        mac(&self.key(purpose), &[token.as_bytes()])
    }

    /// A proof that this installation made `parts`, for use in a link or a token.
    pub(crate) fn sign(&self, purpose: Purpose, parts: &[&[u8]]) -> String {
        BASE64URL_NOPAD.encode(&mac(&self.key(purpose), parts))
    }

    /// Whether `proof` is what [`Secret::sign`] gives, compared in constant time.
    pub(crate) fn verify(&self, purpose: Purpose, parts: &[&[u8]], proof: &str) -> bool {
        let expected = self.sign(purpose, parts);
        expected.as_bytes().ct_eq(proof.as_bytes()).into()
    }

    /// Encrypts the secrets of a channel so that only this installation can read them.
    pub(crate) fn seal(&self, plain: &[u8]) -> Result<Vec<u8>> {
        self.seal_for(Purpose::ChannelSecrets, plain)
    }

    /// Decrypts what [`Secret::seal`] made.
    pub(crate) fn open(&self, sealed: &[u8]) -> Result<Vec<u8>> {
        self.open_for(Purpose::ChannelSecrets, sealed)
    }

    /// Encrypts `plain` so that only this installation can read it, and only for the same purpose.
    pub(crate) fn seal_for(&self, purpose: Purpose, plain: &[u8]) -> Result<Vec<u8>> {
        let nonce = random::<24>()?;
        let cipher = XChaCha20Poly1305::new(&self.key(purpose).into());
        let sealed = cipher
            .encrypt(&nonce.into(), plain)
            .map_err(|_| Error::internal("sealing failed"))?;
        Ok([&nonce[..], &sealed].concat())
    }

    /// Decrypts what [`Secret::seal_for`] made.
    pub(crate) fn open_for(&self, purpose: Purpose, sealed: &[u8]) -> Result<Vec<u8>> {
        let (nonce, body) = sealed
            .split_first_chunk::<24>()
            .ok_or_else(|| Error::internal("a sealed value is cut short"))?;
        let cipher = XChaCha20Poly1305::new(&self.key(purpose).into());
        cipher.decrypt(&(*nonce).into(), body).map_err(|_| {
            Error::internal("a sealed value does not open with this installation's secret")
        })
    }
}

/// HMAC-SHA256 over `parts`, each preceded by its length so that no two lists give the same bytes.
pub(crate) fn mac(key: &Key, parts: &[&[u8]]) -> Key {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("any length will do");
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// Random bytes of the operating system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| Error::internal(e.to_string()))?;
    Ok(bytes)
}

/// Random text of `length` base62 characters, without the bias of a plain remainder.
pub(crate) fn random_text(length: usize) -> Result<String> {
    const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut text = String::with_capacity(length);
    while text.len() < length {
        for byte in random::<64>()? {
            // 248 is the largest multiple of 62 that fits in a byte.
            if byte < 248 && text.len() < length {
                text.push(char::from(ALPHABET[usize::from(byte % 62)]));
            }
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> Secret {
        Secret([7; 32])
    }

    #[test]
    fn a_proof_of_one_purpose_is_worth_nothing_for_another() {
        let proof = secret().sign(Purpose::FileLink, &[b"a", b"b"]);
        assert!(secret().verify(Purpose::FileLink, &[b"a", b"b"], &proof));
        assert!(!secret().verify(Purpose::WidgetTicket, &[b"a", b"b"], &proof));
        assert!(!secret().verify(Purpose::FileLink, &[b"ab", b""], &proof));
        assert!(!secret().verify(Purpose::FileLink, &[b"a", b"b"], ""));
    }

    #[test]
    fn two_that_make_the_secret_at_once_have_the_same() {
        let dir = std::env::temp_dir().join(format!("tehprof-secret-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let made: Vec<Key> = std::thread::scope(|scope| {
            let makers: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| Secret::of(&dir).unwrap().0))
                .collect();
            makers
                .into_iter()
                .map(|maker| maker.join().unwrap())
                .collect()
        });
        assert!(made.iter().all(|key| *key == made[0]));
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 1);
        fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn what_is_sealed_opens_here_and_nowhere_else() {
        let sealed = secret().seal(b"smtp password").unwrap();
        assert_eq!(secret().open(&sealed).unwrap(), b"smtp password");
        assert!(Secret([8; 32]).open(&sealed).is_err());
        assert!(secret().open(&sealed[..20]).is_err());
        assert!(secret().open_for(Purpose::KeptAnswer, &sealed).is_err());
        assert!(!sealed.windows(4).any(|w| w == b"smtp"));
    }

    #[test]
    fn random_text_has_its_length_and_alphabet() {
        let text = random_text(43).unwrap();
        assert_eq!(text.len(), 43);
        assert!(text.bytes().all(|b| b.is_ascii_alphanumeric()));
        assert_ne!(text, random_text(43).unwrap());
    }
}
