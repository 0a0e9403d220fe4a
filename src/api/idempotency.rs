//! `Idempotency-Key`: the same key and body within a day answer what they answered the first time. A command's answer is
//! stored in the transaction of the change itself, so a retry after a crash finds either both or neither; that of a task
//! right after it. Answers may hold tokens and links, so they are sealed, and of a request only a keyed hash is stored.
use super::{Call, caller_name};
use crate::{
    access::{
        Principal,
        secret::{Purpose, Secret},
    },
    api::field::TenantId,
    clock::{DAY, Millis},
    db::{
        Tx,
        sql::{first, run},
    },
    error::{Code, Error, Fault, Result},
};
use rusqlite::Connection;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The longest key that is taken.
const LONGEST: usize = 255;

#[derive(Clone)]
pub(super) struct Repeat {
    secret: Secret,
    tenant: TenantId,
    caller: String,
    key: String,
    request: [u8; 32],
}

impl Repeat {
    /// What to look for before running `action`, if the caller sent a key.
    pub(super) fn of(
        secret: &Secret,
        action: &str,
        principal: &Principal,
        call: &Call,
        body: &Map<String, Value>,
    ) -> Result<Option<Repeat>> {
        let Some(key) = &call.idempotency_key else {
            return Ok(None);
        };
        if key.is_empty() || key.len() > LONGEST {
            let fault = if key.is_empty() {
                Fault::Empty
            } else {
                Fault::TooLong(LONGEST)
            };
            return Err(Error::invalid("Idempotency-Key", fault));
        }
        let Some((tenant, caller)) = caller_name(principal, call) else {
            return Ok(None);
        };
        let mut hasher = blake3::Hasher::new_keyed(&secret.key(Purpose::KeptAnswer));
        hasher.update(action.as_bytes());
        // The order in which a client writes its parameters does not matter.
        let sorted: BTreeMap<&String, &Value> = body.iter().collect();
        hasher.update(&serde_json::to_vec(&sorted)?);
        for upload in &call.uploads {
            hasher.update(upload.blob.hash.as_bytes());
            hasher.update(upload.name.as_bytes());
        }
        Ok(Some(Repeat {
            secret: secret.clone(),
            tenant,
            caller,
            key: key.clone(),
            request: *hasher.finalize().as_bytes(),
        }))
    }

    /// The answer that this very request had before.
    pub(super) fn earlier(&self, conn: &Connection, now: Millis) -> Result<Option<Vec<u8>>> {
        let known: Option<([u8; 32], Vec<u8>)> = first(
            conn,
            "select request_hash, answer
               from idempotency
              where tenant_id = ?1 and caller = ?2 and key = ?3 and created_at > ?4",
            (self.tenant, &self.caller, &self.key, now - DAY),
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        match known {
            Some((request, answer)) if request == self.request => {
                let opened = self.secret.open_for(Purpose::KeptAnswer, &answer)?;
                Ok(Some(opened))
            }
            Some(_) => Err(Error::new(Code::IdempotencyMismatch).on("Idempotency-Key")),
            None => Ok(None),
        }
    }

    /// Keeps the answer for whoever asks again. Of two that ran at once the first one's stays.
    pub(super) fn keep(&self, tx: &Tx<'_>, answer: &[u8]) -> Result<()> {
        run(
            tx,
            "delete from idempotency where created_at <= ?1",
            [tx.now - DAY],
        )?;
        run(
            tx,
            "insert into idempotency (tenant_id, caller, key, request_hash, answer, created_at)
             values (?1, ?2, ?3, ?4, ?5, ?6)
             on conflict do nothing",
            (
                self.tenant,
                &self.caller,
                &self.key,
                self.request,
                self.secret.seal_for(Purpose::KeptAnswer, answer)?,
                tx.now,
            ),
        )?;
        Ok(())
    }
}
