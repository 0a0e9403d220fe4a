//! Password hashing with Argon2id, off the async threads and behind a gate: two at a time, a bounded queue, so that a
//! flood of logins takes neither the memory nor the processors from everybody else.
use crate::error::{Error, Result};
use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{Output, ParamsString, PasswordHash, Salt},
};
use std::sync::atomic::{AtomicUsize, Ordering};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

/// OWASP's password storage cheat sheet: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;

/// As much is asked of the allocator for a hash, in bytes, though less is used, and what is never touched takes no memory. A
/// piece above 32 MiB is given back to the system as soon as it is done with; smaller ones glibc keeps for the thread that had
/// them, which for the threads that hash in turn comes to a gigabyte (`M_MMAP_THRESHOLD` in mallopt(3)).
const GIVEN_BACK: usize = 33 << 20;

/// A hash of no password, verified when a login is unknown, so that both take the same time.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5bm9ib2R5bm9ib2Q$8gLXCtm6yHOvmvXcjqwS8ejIkzNwNkv9LZRL0hLQyJg";

#[derive(Debug)]
pub(crate) struct Gate {
    permits: Semaphore,
    waiting: AtomicUsize,
}

impl Default for Gate {
    fn default() -> Gate {
        Gate {
            permits: Semaphore::new(2),
            waiting: AtomicUsize::new(0),
        }
    }
}

impl Gate {
    /// How many callers may wait; the next one is told to come back.
    const QUEUE: usize = 64;

    /// Whether `password` belongs to `hash`; `None` is the hash of an account that does not exist.
    pub(crate) async fn verify(&self, password: String, hash: Option<String>) -> Result<bool> {
        self.run(move || {
            let known = hash.is_some();
            let hash = hash.as_deref().unwrap_or(NOBODY);
            let hash = PasswordHash::new(hash).map_err(|e| Error::internal(e.to_string()))?;
            Ok(fits(&password, &hash).unwrap_or_default() && known)
        })
        .await
    }

    /// The hash to store of `password`.
    pub(crate) async fn hash(&self, password: String) -> Result<String> {
        self.run(move || hash_now(&password)).await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= Gate::QUEUE {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(Error::unavailable());
        }
        let permit = self.permits.acquire().await;
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        let _permit = permit.map_err(Error::internal)?;
        tokio::task::spawn_blocking(work)
            .await
            .map_err(Error::internal)?
    }
}

/// The hash of `password`, computed on this thread. For the shell, which has nobody to keep waiting.
pub(crate) fn hash_now(password: &str) -> Result<String> {
    hash_with(password, Salt::generate()).map_err(|e| Error::internal(e.to_string()))
}

fn hash_with(password: &str, salt: Salt) -> Result<String, argon2::password_hash::Error> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None)?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut digest = [0; Params::DEFAULT_OUTPUT_LEN];
    digest_into(&argon2, password, &salt, &mut digest)?;
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(argon2.params())?,
        salt: Some(salt),
        hash: Some(Output::new(&digest)?),
    };
    Ok(hash.to_string())
}

/// Whether `password` is what `hash` was made of.
fn fits(password: &str, hash: &PasswordHash) -> Result<bool, argon2::password_hash::Error> {
    let (Some(salt), Some(expected)) = (&hash.salt, &hash.hash) else {
        return Ok(false);
    };
    let version = hash.version.map(Version::try_from).transpose()?;
    let argon2 = Argon2::new(
        Algorithm::try_from(hash.algorithm.as_str())?,
        version.unwrap_or_default(),
        Params::try_from(hash)?,
    );
    let mut digest = vec![0; expected.len()];
    digest_into(&argon2, password, salt, &mut digest)?;
    Ok(digest.ct_eq(expected.as_bytes()).into())
}

fn digest_into(
    argon2: &Argon2<'_>,
    password: &str,
    salt: &[u8],
    digest: &mut [u8],
) -> Result<(), argon2::Error> {
    let mut blocks = Vec::with_capacity(GIVEN_BACK / Block::SIZE);
    blocks.resize(argon2.params().block_count(), Block::default());
    argon2.hash_password_into_with_memory(password.as_bytes(), salt, digest, &mut blocks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use argon2::{PasswordHasher, PasswordVerifier};

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only() {
        let gate = Gate::default();
        let hash = gate.hash("correct horse".into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(
            gate.verify("correct horse".into(), Some(hash.clone()))
                .await
                .unwrap()
        );
        assert!(
            !gate
                .verify("battery staple".into(), Some(hash))
                .await
                .unwrap()
        );
    }

    #[test]
    fn a_hash_is_the_one_that_everybody_else_makes() {
        let salt = Salt::new(b"somesaltsomesalt").unwrap();
        let hash = hash_with("password", salt).unwrap();
        let hash = PasswordHash::new(&hash).unwrap();
        assert_eq!(
            Argon2::default().verify_password(b"password", &hash),
            Ok(())
        );
        // Lighter and of another kind, as from another program.
        let params = Params::new(64, 1, 2, None).unwrap();
        let theirs = Argon2::new(Algorithm::Argon2i, Version::V0x10, params);
        let theirs = theirs.hash_password(b"password").unwrap();
        assert_eq!(fits("password", &theirs), Ok(true));
        assert_eq!(fits("passwort", &theirs), Ok(false));
    }

    #[tokio::test]
    async fn an_unknown_account_is_verified_against_nobody() {
        assert!(!Gate::default().verify(String::new(), None).await.unwrap());
        let parsed = PasswordHash::new(NOBODY).unwrap();
        assert_eq!(parsed.params.get_str("m"), Some("19456"));
        assert_eq!(fits("", &parsed), Ok(false));
    }
}
