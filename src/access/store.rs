//! Where sessions, keys and links are kept. Tokens are stored as keyed hashes only, so what is read here cannot be used
//! to sign in.
use super::{Operator, Via, WidgetSite, secret::Key};
use crate::{
    api::{
        admin::SessionView,
        field::{ClientId, ContactId, KeyId, OperatorId, SessionId, TenantId},
    },
    clock::{DAY, HOUR, MINUTE, Millis},
    db::sql::{self, first, run},
    error::{Code, Error, Result},
    lang::Lang,
    tenant::{
        limits,
        plan::{Limits, Plan, Scope},
    },
};
use rusqlite::{Connection, Row};

/// How long a session lasts after it was last used.
const SESSION: Millis = 12 * HOUR;
/// The same for a session that is to be remembered.
const REMEMBERED: Millis = 30 * DAY;
/// How often a session's or a key's last use is written down.
pub(crate) const NOTICE: Millis = MINUTE;

/// A session that is being used, and whether its last use should be written down again.
pub(crate) struct Used {
    pub(crate) operator: Operator,
    pub(crate) stale: bool,
}

/// An operator with how they came in, of a row that names them and their tenant.
pub(crate) fn operator(row: &Row<'_>, via: Via) -> rusqlite::Result<Operator> {
    Ok(Operator {
        tenant: row.get("tenant_id")?,
        plan: row.get("plan")?,
        limits: limits::of_row(row)?,
        id: row.get("operator_id")?,
        name: row.get("name")?,
        role: row.get("role")?,
        may_edit: row.get("can_edit")?,
        via,
        as_of: None,
    })
}

/// The session whose token hashes to `hash`, unless it has ended or its bearer may no longer work here. It is found by its
/// index, whatever statistics say of how many there were once.
pub(crate) fn session(conn: &Connection, hash: &Key, now: Millis) -> Result<Option<Used>> {
    first(
        conn,
        "select s.id, s.tenant_id, s.operator_id, s.last_seen_at,
                t.plan, t.limits, o.name, o.role, o.can_edit, (select commits from stamp where id = 1) as commits
           from session s indexed by sqlite_autoindex_session_1
           join operator o on o.tenant_id = s.tenant_id and o.id = s.operator_id and o.is_active
           join tenant t on t.id = s.tenant_id and t.is_active
          where s.token_hash = ?1
            and s.expires_at > ?2",
        (hash, now),
        |row| {
            let operator = operator(row, Via::Session { id: row.get("id")? })?;
            Ok(Used {
                operator: Operator {
                    as_of: row.get("commits")?,
                    ..operator
                },
                stale: now - row.get::<_, Millis>("last_seen_at")? > NOTICE,
            })
        },
    )
}

/// Opens a session and tells when it ends if it is not used.
pub(crate) fn open_session(
    conn: &Connection,
    (tenant, operator): (TenantId, OperatorId),
    hash: &Key,
    (device, address): (&str, &str),
    remember: bool,
    now: Millis,
) -> Result<Millis> {
    run(conn, "delete from session where expires_at <= ?1", [now])?;
    let expires = now + if remember { REMEMBERED } else { SESSION };
    run(
        conn,
        "insert into session (tenant_id, operator_id, token_hash, device, address, remember, created_at, last_seen_at, expires_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8)",
        (tenant, operator, hash, device, address, remember, now, expires),
    )?;
    Ok(expires)
}

/// Notes that a session is in use, which moves its end.
pub(crate) fn touch_session(conn: &Connection, id: i64, now: Millis) -> Result<()> {
    run(
        conn,
        "update session
            set last_seen_at = ?2,
                expires_at = ?2 + iif(remember, ?3, ?4)
          where id = ?1",
        (id, now, REMEMBERED, SESSION),
    )?;
    Ok(())
}

pub(crate) fn close_session(conn: &Connection, tenant: TenantId, id: i64) -> Result<()> {
    run(
        conn,
        "delete from session where tenant_id = ?1 and id = ?2",
        (tenant, id),
    )?;
    Ok(())
}

/// The sessions of an operator; `own` is the one that asks.
pub(crate) fn sessions(
    conn: &Connection,
    (tenant, operator): (TenantId, OperatorId),
    own: Option<i64>,
    now: Millis,
) -> Result<Vec<SessionView>> {
    sql::all(
        conn,
        "select id, device, address, created_at, last_seen_at, expires_at, remember
           from session
          where tenant_id = ?1 and operator_id = ?2 and expires_at > ?3
          order by last_seen_at desc, id desc",
        (tenant, operator, now),
        |row| {
            let id: SessionId = row.get(0)?;
            Ok(SessionView {
                id,
                device: row.get(1)?,
                address: row.get(2)?,
                created_at: row.get(3)?,
                last_seen_at: row.get(4)?,
                expires_at: row.get(5)?,
                remember: row.get(6)?,
                is_current: own == Some(id.0),
            })
        },
    )
}

/// Ends one session of an operator; tells whether there was one.
pub(crate) fn close_own_session(
    conn: &Connection,
    (tenant, operator): (TenantId, OperatorId),
    id: SessionId,
) -> Result<bool> {
    let closed = run(
        conn,
        "delete from session where tenant_id = ?1 and operator_id = ?2 and id = ?3",
        (tenant, operator, id),
    )?;
    Ok(closed > 0)
}

/// Ends every session of a tenant.
pub(crate) fn close_all_sessions(conn: &Connection, tenant: TenantId) -> Result<()> {
    run(conn, "delete from session where tenant_id = ?1", [tenant])?;
    Ok(())
}

/// Ends every session of an operator but `kept`.
pub(crate) fn close_sessions(
    conn: &Connection,
    tenant: TenantId,
    operator: OperatorId,
    kept: Option<i64>,
) -> Result<()> {
    run(
        conn,
        "delete from session where tenant_id = ?1 and operator_id = ?2 and id is not ?3",
        (tenant, operator, kept),
    )?;
    Ok(())
}

/// An API key that is being used.
pub(crate) struct UsedKey {
    pub(crate) operator: Operator,
    pub(crate) key: KeyId,
    pub(crate) stale: bool,
}

/// What was found of a credential, unless its tenant is switched off.
fn at_work<T>(found: Option<(bool, T)>) -> Result<Option<T>> {
    match found {
        Some((false, _)) => Err(Error::new(Code::TenantInactive)),
        found => Ok(found.map(|(_, it)| it)),
    }
}

/// The key whose token hashes to `hash`, unless it was revoked, has expired or its owner may no longer work here.
pub(crate) fn key(conn: &Connection, hash: &Key, now: Millis) -> Result<Option<UsedKey>> {
    let found = first(
        conn,
        "select k.id, k.tenant_id, k.operator_id, k.scopes, k.last_used_at,
                t.is_active, t.plan, t.limits, o.name, o.role, o.can_edit,
                (select commits from stamp where id = 1) as commits
           from api_key k
           join operator o on o.tenant_id = k.tenant_id and o.id = k.operator_id and o.is_active
           join tenant t on t.id = k.tenant_id
          where k.token_hash = ?1
            and k.revoked_at is null
            and (k.expires_at is null or k.expires_at > ?2)",
        (hash, now),
        |row| {
            let id = row.get("id")?;
            let scopes = scopes_of(&row.get::<_, String>("scopes")?);
            let last: Option<Millis> = row.get("last_used_at")?;
            let operator = operator(row, Via::Key { id, scopes })?;
            let used = UsedKey {
                operator: Operator {
                    as_of: row.get("commits")?,
                    ..operator
                },
                key: id,
                stale: last.is_none_or(|at| now - at > NOTICE),
            };
            Ok((row.get("is_active")?, used))
        },
    )?;
    at_work(found)
}

/// A name that is no scope of this version grants nothing.
fn scopes_of(json: &str) -> Vec<Scope> {
    let names: Vec<String> = serde_json::from_str(json).unwrap_or_default();
    names.iter().filter_map(|n| Scope::parse(n)).collect()
}

pub(crate) fn touch_key(conn: &Connection, id: KeyId, address: &str, now: Millis) -> Result<()> {
    run(
        conn,
        "update api_key set last_used_at = ?2, last_used_ip = ?3 where id = ?1",
        (id, now, address),
    )?;
    Ok(())
}

/// What is needed to make an API key.
pub(crate) struct NewKey<'a> {
    pub(crate) tenant: TenantId,
    pub(crate) operator: OperatorId,
    pub(crate) name: &'a str,
    pub(crate) token: &'a str,
    pub(crate) hash: Key,
    pub(crate) scopes: &'a [Scope],
    pub(crate) expires_at: Option<Millis>,
}

/// How much of a key its lists may show.
const PREFIX: usize = 12;

pub(crate) fn insert_key(conn: &Connection, key: &NewKey<'_>, now: Millis) -> Result<KeyId> {
    let names: Vec<&str> = key.scopes.iter().map(|s| s.as_str()).collect();
    run(
        conn,
        "insert into api_key (tenant_id, operator_id, name, prefix, token_hash, scopes, created_at, expires_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        (
            key.tenant,
            key.operator,
            key.name,
            &key.token[..PREFIX],
            key.hash,
            serde_json::to_string(&names)?,
            now,
            key.expires_at,
        ),
    )?;
    Ok(KeyId(conn.last_insert_rowid()))
}

/// A key as lists show it.
#[derive(Debug, serde::Serialize)]
pub(crate) struct KeyRow {
    pub(crate) id: KeyId,
    pub(crate) tenant_id: TenantId,
    pub(crate) name: String,
    pub(crate) prefix: String,
    pub(crate) scopes: Vec<Scope>,
    /// Whom it acts for.
    pub(crate) operator_id: OperatorId,
    pub(crate) operator_name: String,
    pub(crate) created_at: crate::api::field::At,
    pub(crate) expires_at: Option<crate::api::field::At>,
    pub(crate) revoked_at: Option<crate::api::field::At>,
    pub(crate) last_used_at: Option<crate::api::field::At>,
    pub(crate) last_used_ip: Option<String>,
}

const KEYS: &str =
    "select k.id, k.tenant_id, k.name, k.prefix, k.scopes, k.operator_id, o.name as operator_name,
            k.created_at, k.expires_at, k.revoked_at, k.last_used_at, k.last_used_ip
       from api_key k
       join operator o on o.tenant_id = k.tenant_id and o.id = k.operator_id";

pub(crate) fn keys(conn: &Connection, tenant: Option<TenantId>) -> Result<Vec<KeyRow>> {
    let one = format!("{KEYS} where k.tenant_id = ?1 order by k.id");
    let all = format!("{KEYS} order by k.tenant_id, k.id");
    sql::all(
        conn,
        if tenant.is_some() { &one } else { &all },
        rusqlite::params_from_iter(tenant),
        |row| {
            Ok(KeyRow {
                id: row.get("id")?,
                tenant_id: row.get("tenant_id")?,
                name: row.get("name")?,
                prefix: row.get("prefix")?,
                scopes: scopes_of(&row.get::<_, String>("scopes")?),
                operator_id: row.get("operator_id")?,
                operator_name: row.get("operator_name")?,
                created_at: row.get("created_at")?,
                expires_at: row.get("expires_at")?,
                revoked_at: row.get("revoked_at")?,
                last_used_at: row.get("last_used_at")?,
                last_used_ip: row.get("last_used_ip")?,
            })
        },
    )
}

impl KeyRow {
    /// Whether it works.
    pub(crate) fn is_valid(&self, now: Millis) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|at| at.0 > now)
    }
}

/// Gives a key another secret.
pub(crate) fn renew_key(
    conn: &Connection,
    (tenant, id): (TenantId, KeyId),
    (token, hash): (&str, &Key),
    expires_at: Option<Millis>,
) -> Result<()> {
    run(
        conn,
        "update api_key
            set token_hash = ?3, prefix = ?4, expires_at = ?5, last_used_at = null, last_used_ip = null
          where tenant_id = ?1 and id = ?2",
        (tenant, id, hash, &token[..PREFIX], expires_at),
    )?;
    Ok(())
}

/// Ends the keys that act for an operator.
pub(crate) fn revoke_keys_of(
    conn: &Connection,
    (tenant, operator): (TenantId, OperatorId),
    now: Millis,
) -> Result<()> {
    run(
        conn,
        "update api_key set revoked_at = ?3 where tenant_id = ?1 and operator_id = ?2 and revoked_at is null",
        (tenant, operator, now),
    )?;
    Ok(())
}

/// Ends a key for good; tells whether there was one to end.
pub(crate) fn revoke_key(conn: &Connection, id: KeyId, now: Millis) -> Result<bool> {
    let changed = run(
        conn,
        "update api_key set revoked_at = ?2 where id = ?1 and revoked_at is null",
        (id, now),
    )?;
    Ok(changed > 0)
}

/// What signing in needs to know of an account.
pub(crate) struct Account {
    pub(crate) tenant: TenantId,
    pub(crate) operator: OperatorId,
    pub(crate) password_hash: Option<String>,
    /// Whether the tenant is switched on.
    pub(crate) is_at_work: bool,
}

/// A login as accounts are known by it, however it was typed: an e-mail address in lower case, or the digits of a phone
/// number.
pub(crate) fn login(typed: &str) -> String {
    if typed.contains('@') {
        return typed.trim().to_lowercase();
    }
    typed.chars().filter(char::is_ascii_digit).collect()
}

/// The active account of a [`login`].
pub(crate) fn account(conn: &Connection, login: &str) -> Result<Option<Account>> {
    first(
        conn,
        "select o.tenant_id, o.id, o.password_hash, t.is_active
           from operator o
           join tenant t on t.id = o.tenant_id
          where o.is_active
            and (o.email = ?1 or o.phone = ?1)",
        [login],
        |row| {
            Ok(Account {
                tenant: row.get(0)?,
                operator: row.get(1)?,
                password_hash: row.get(2)?,
                is_at_work: row.get(3)?,
            })
        },
    )
}

pub(crate) fn password_hash(
    conn: &Connection,
    tenant: TenantId,
    operator: OperatorId,
) -> Result<Option<String>> {
    sql::one(
        conn,
        "select password_hash from operator where tenant_id = ?1 and id = ?2",
        (tenant, operator),
        |row| row.get(0),
    )
}

pub(crate) fn set_password(
    conn: &Connection,
    tenant: TenantId,
    operator: OperatorId,
    hash: &str,
) -> Result<()> {
    run(
        conn,
        "update operator set password_hash = ?3 where tenant_id = ?1 and id = ?2",
        (tenant, operator, hash),
    )?;
    Ok(())
}

/// What a link that is used once gives access to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// Makes the first tenant and its admin.
    Setup,
    /// Sets the password of an operator.
    Password(TenantId, OperatorId),
}

/// Stores a link; an earlier one of the same kind for the same person is worth nothing from now on.
pub(crate) fn insert_link(
    conn: &Connection,
    hash: &Key,
    link: Link,
    now: Millis,
    lasts: Millis,
) -> Result<()> {
    let (purpose, tenant, operator) = match link {
        Link::Setup => ("setup", None, None),
        Link::Password(tenant, operator) => ("password", Some(tenant), Some(operator)),
    };
    run(
        conn,
        "delete from access_link
          where expires_at <= ?4
             or (purpose = ?1 and tenant_id is ?2 and operator_id is ?3)",
        (purpose, tenant, operator, now),
    )?;
    run(
        conn,
        "insert into access_link (token_hash, purpose, tenant_id, operator_id, created_at, expires_at)
         values (?1, ?2, ?3, ?4, ?5, ?6)",
        (hash, purpose, tenant, operator, now, now + lasts),
    )?;
    Ok(())
}

/// Stores one more link for a password beside those that are still good: asking for it is open to anybody, and must not
/// take an invitation away from whom it was sent to.
pub(crate) fn add_password_link(
    conn: &Connection,
    hash: &Key,
    (tenant, operator): (TenantId, OperatorId),
    now: Millis,
    lasts: Millis,
) -> Result<()> {
    run(
        conn,
        "insert into access_link (token_hash, purpose, tenant_id, operator_id, created_at, expires_at)
         values (?1, 'password', ?2, ?3, ?4, ?5)",
        (hash, tenant, operator, now, now + lasts),
    )?;
    Ok(())
}

/// Takes away every link that could set an operator's password.
pub(crate) fn drop_links(conn: &Connection, tenant: TenantId, operator: OperatorId) -> Result<()> {
    run(
        conn,
        "delete from access_link where tenant_id = ?1 and operator_id = ?2",
        (tenant, operator),
    )?;
    Ok(())
}

/// What a link is for, if it is good.
pub(crate) fn link(conn: &Connection, hash: &Key, now: Millis) -> Result<Option<Link>> {
    first(
        conn,
        "select tenant_id, operator_id from access_link where token_hash = ?1 and expires_at > ?2",
        (hash, now),
        |row| {
            Ok(match (row.get(0)?, row.get(1)?) {
                (Some(tenant), Some(operator)) => Link::Password(tenant, operator),
                _ => Link::Setup,
            })
        },
    )
}

/// Takes a link up: what it was for, and it is gone.
pub(crate) fn take_link(conn: &Connection, hash: &Key, now: Millis) -> Result<Link> {
    let found: Option<(Option<TenantId>, Option<OperatorId>)> = first(
        conn,
        "delete from access_link
          where token_hash = ?1
            and expires_at > ?2
         returning tenant_id, operator_id",
        (hash, now),
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    match found {
        Some((Some(tenant), Some(operator))) => Ok(Link::Password(tenant, operator)),
        Some(_) => Ok(Link::Setup),
        None => Err(Error::new(Code::LinkInvalid)),
    }
}

/// What a client token's portal is today.
pub(crate) struct Portal {
    pub(crate) client: ClientId,
    pub(crate) plan: Plan,
    pub(crate) limits: Limits,
    pub(crate) company_name: String,
    pub(crate) generation: i64,
    pub(crate) shared: bool,
    pub(crate) locale: Option<Lang>,
    /// Up to when the user's tokens were ended.
    pub(crate) ended_at: Millis,
}

/// The portal of a domain as a user's token needs it. A contact's token holds only as long as there is the contact that it
/// was made for: a number may be given again, and who was erased or merged has none.
pub(crate) fn portal(
    conn: &Connection,
    tenant: TenantId,
    domain: &str,
    (user, contact): (i64, Option<(ContactId, Millis)>),
) -> Result<Option<Portal>> {
    let found = first(
        conn,
        "select c.id, t.is_active, t.plan, t.limits, c.company_name, c.token_generation, c.shared_tickets,
                coalesce(u.locale, c.locale) as locale, coalesce(e.ended_at, -1) as ended_at
           from client c
           left join ended_token e on e.tenant_id = c.tenant_id and e.client_id = c.id and e.user_id = ?3
           left join portal_user u on u.tenant_id = c.tenant_id and u.client_id = c.id and u.user_id = ?3
           join tenant t on t.id = c.tenant_id
          where c.tenant_id = ?1
            and c.portal_domain = ?2
            and c.is_active
            and (?4 is null or exists (select 1 from contact x
                                        where x.tenant_id = ?1 and x.id = ?4 and x.created_at <= ?5))",
        (tenant, domain, user, contact.map(|c| c.0), contact.map(|c| c.1)),
        |row| {
            let portal = Portal {
                client: row.get("id")?,
                plan: row.get("plan")?,
                limits: limits::of_row(row)?,
                company_name: row.get("company_name")?,
                generation: row.get("token_generation")?,
                shared: row.get("shared_tickets")?,
                locale: row.get("locale")?,
                ended_at: row.get("ended_at")?,
            };
            Ok((row.get("is_active")?, portal))
        },
    )?;
    at_work(found)
}

/// The site that a widget key belongs to.
pub(crate) fn widget_site(conn: &Connection, key: &str) -> Result<Option<WidgetSite>> {
    let found = first(
        conn,
        "select id, is_active, plan, limits, settings from tenant where widget_key = ?1",
        [key],
        |row| {
            let settings = crate::tenant::Settings::read(&row.get::<_, String>("settings")?);
            let site = WidgetSite {
                tenant: row.get("id")?,
                plan: row.get("plan")?,
                limits: limits::of_row(row)?,
                allowed_origins: settings.widget_origins,
            };
            Ok((row.get("is_active")?, site))
        },
    )?;
    at_work(found)
}

#[cfg(test)]
mod tests {
    use super::login;

    #[test]
    fn a_login_is_the_same_however_it_is_typed() {
        for typed in ["+7 701 123-45-67", "7701 1234567", "x77011234567"] {
            assert_eq!(login(typed), "77011234567");
        }
        assert_eq!(login(" Alia@Acme.KZ "), "alia@acme.kz");
        // Digits in an address are not somebody else's phone number.
        assert_eq!(login("77011234567@mail.kz"), "77011234567@mail.kz");
    }
}
