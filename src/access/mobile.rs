//! Tokens of phones and other programs that act for an operator: signed, so that a made-up one costs no look-up, and bound
//! to a row, so that it can be ended at once. Their bearer is an operator at most, whoever it belongs to.
use super::{
    Operator, Via,
    rules::Role,
    secret::{Purpose, Secret},
    store,
};
use crate::{
    api::field::{At, MobileSessionId, OperatorId, TenantId},
    clock::{DAY, Millis},
    db::sql::{all, first, run},
    error::Result,
};
use data_encoding::BASE64URL_NOPAD;
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How long a token works.
const LASTS: Millis = 30 * DAY;

/// What a token says, in short names.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    /// The tenant.
    t: i64,
    /// The operator.
    o: i64,
    /// The session.
    s: i64,
    /// When it ends.
    e: Millis,
}

/// A token that this installation made and that has not run out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MobileToken {
    tenant: TenantId,
    operator: OperatorId,
    session: MobileSessionId,
}

/// Writes a token.
fn write(secret: &Secret, claims: &Claims) -> Result<String> {
    let payload = BASE64URL_NOPAD.encode(&serde_json::to_vec(claims)?);
    let proof = secret.sign(Purpose::MobileToken, &[payload.as_bytes()]);
    Ok(format!("mt_{payload}.{proof}"))
}

impl MobileToken {
    /// Reads a token, if it is ours and has not run out.
    pub(crate) fn read(token: &str, secret: &Secret, now: Millis) -> Option<MobileToken> {
        let (payload, proof) = token.strip_prefix("mt_")?.split_once('.')?;
        if !secret.verify(Purpose::MobileToken, &[payload.as_bytes()], proof) {
            return None;
        }
        let json = BASE64URL_NOPAD.decode(payload.as_bytes()).ok()?;
        let claims: Claims = serde_json::from_slice(&json).ok()?;
        (claims.e > now).then_some(MobileToken {
            tenant: TenantId(claims.t),
            operator: OperatorId(claims.o),
            session: MobileSessionId(claims.s),
        })
    }
}

/// A device that acts for an operator.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct MobileSessionView {
    /// The session, for `revoke_mobile_session`.
    pub(crate) id: MobileSessionId,
    /// What the device is called.
    pub(crate) device: String,
    /// The address it was last used from.
    pub(crate) address: String,
    /// When it signed in.
    pub(crate) created_at: At,
    /// When it was last used.
    pub(crate) last_seen_at: At,
    /// When its token runs out.
    pub(crate) expires_at: At,
    /// Whether it is the one that asks.
    pub(crate) is_current: bool,
}

/// Opens a session for a device and answers it with its token.
pub(crate) fn open(
    conn: &Connection,
    secret: &Secret,
    (tenant, operator): (TenantId, OperatorId),
    (device, address): (&str, &str),
    now: Millis,
) -> Result<(MobileSessionId, String, Millis)> {
    let ends = now + LASTS;
    run(
        conn,
        "insert into mobile_session (tenant_id, operator_id, device, address, created_at, last_seen_at, expires_at)
         values (?1, ?2, ?3, ?4, ?5, ?5, ?6)",
        (tenant, operator, device, address, now, ends),
    )?;
    let id = MobileSessionId(conn.last_insert_rowid());
    let claims = Claims {
        t: tenant.0,
        o: operator.0,
        s: id.0,
        e: ends,
    };
    Ok((id, write(secret, &claims)?, ends))
}

/// The operator that a token acts for, unless its session has ended or they may no longer work here.
pub(crate) fn operator(
    conn: &Connection,
    token: MobileToken,
    now: Millis,
) -> Result<Option<(Operator, bool)>> {
    first(
        conn,
        "select m.id, m.tenant_id, m.operator_id, m.last_seen_at,
                t.plan, t.limits, o.name, o.role, o.can_edit
           from mobile_session m
           join operator o on o.tenant_id = m.tenant_id and o.id = m.operator_id and o.is_active
           join tenant t on t.id = m.tenant_id and t.is_active
          where m.tenant_id = ?1 and m.operator_id = ?2 and m.id = ?3
            and m.expires_at > ?4",
        (token.tenant, token.operator, token.session, now),
        |row| {
            let mut operator = store::operator(row, Via::Mobile { id: row.get("id")? })?;
            operator.may_edit = operator.can_edit();
            operator.role = Role::Operator;
            Ok((
                operator,
                now - row.get::<_, Millis>("last_seen_at")? > store::NOTICE,
            ))
        },
    )
}

pub(crate) fn touch(
    conn: &Connection,
    id: MobileSessionId,
    address: &str,
    now: Millis,
) -> Result<()> {
    run(
        conn,
        "update mobile_session set last_seen_at = ?2, address = ?3 where id = ?1",
        (id, now, address),
    )?;
    Ok(())
}

pub(crate) fn list(
    conn: &Connection,
    (tenant, operator): (TenantId, OperatorId),
    via: &Via,
    now: Millis,
) -> Result<Vec<MobileSessionView>> {
    all(
        conn,
        "select id, device, address, created_at, last_seen_at, expires_at
           from mobile_session
          where tenant_id = ?1 and operator_id = ?2 and expires_at > ?3
          order by last_seen_at desc, id desc",
        (tenant, operator, now),
        |row| {
            let id = row.get(0)?;
            Ok(MobileSessionView {
                id,
                device: row.get(1)?,
                address: row.get(2)?,
                created_at: row.get(3)?,
                last_seen_at: row.get(4)?,
                expires_at: row.get(5)?,
                is_current: matches!(via, Via::Mobile { id: own } if *own == id),
            })
        },
    )
}

/// Ends a device's session; tells whether there was one.
pub(crate) fn close(
    conn: &Connection,
    (tenant, operator): (TenantId, OperatorId),
    id: MobileSessionId,
) -> Result<bool> {
    let closed = run(
        conn,
        "delete from mobile_session where tenant_id = ?1 and operator_id = ?2 and id = ?3",
        (tenant, operator, id),
    )?;
    Ok(closed > 0)
}

/// Ends the sessions of all devices of an operator.
pub(crate) fn close_all(conn: &Connection, tenant: TenantId, operator: OperatorId) -> Result<()> {
    run(
        conn,
        "delete from mobile_session where tenant_id = ?1 and operator_id = ?2",
        (tenant, operator),
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_by_who_made_it_until_it_runs_out() {
        let secret = Secret::known([7; 32]);
        let claims = |o| Claims {
            t: 1,
            o,
            s: 3,
            e: 1_000,
        };
        let token = write(&secret, &claims(2)).unwrap();
        assert_eq!(
            MobileToken::read(&token, &secret, 999),
            Some(MobileToken {
                tenant: TenantId(1),
                operator: OperatorId(2),
                session: MobileSessionId(3),
            })
        );
        assert_eq!(MobileToken::read(&token, &secret, 1_000), None);
        assert_eq!(MobileToken::read(&token, &Secret::known([8; 32]), 0), None);
        let (payload, proof) = token.split_once('.').unwrap();
        let other = write(&secret, &claims(9)).unwrap();
        let (forged, _) = other.split_once('.').unwrap();
        for bad in [
            format!("{forged}.{proof}"),
            format!("{payload}."),
            payload.to_owned(),
            token.replace("mt_", "ct_"),
            String::new(),
        ] {
            assert_eq!(MobileToken::read(&bad, &secret, 0), None, "{bad}");
        }
    }
}
