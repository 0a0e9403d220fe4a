//! Password hashing with Argon2id, off the async threads and behind a gate: two at a time, a bounded queue, so that a
//! flood of logins takes neither the memory nor the processors from everybody else.
use crate::error::{Error, Result};
use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Semaphore;

/// OWASP's password storage cheat sheet: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;

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
            let parsed = PasswordHash::new(hash).map_err(|e| Error::internal(e.to_string()))?;
            let fits = Argon2::default().verify_password(password.as_bytes(), &parsed);
            Ok(known && fits.is_ok())
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
    let params =
        Params::new(MEMORY_KIB, PASSES, 1, None).map_err(|e| Error::internal(e.to_string()))?;
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|e| Error::internal(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[tokio::test]
    async fn an_unknown_account_is_verified_against_nobody() {
        assert!(!Gate::default().verify(String::new(), None).await.unwrap());
        let parsed = PasswordHash::new(NOBODY).unwrap();
        assert_eq!(parsed.params.get_str("m"), Some("19456"));
    }
}
