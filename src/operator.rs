//! Operators: the people of the desk.
use crate::{
    access::{
        mobile,
        rules::Role,
        secret::{Purpose, Secret, random_text},
        store::{self, Link},
        totp,
    },
    api::field::{OperatorId, TenantId},
    clock::{DAY, HOUR, Millis},
    db::{
        Tx,
        sql::{all, first, one, run, taken, text_column},
    },
    error::{Code, Error, Result},
    lang::Lang,
    tenant::{limits, plan::Limits},
};
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether somebody is at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Availability {
    Online,
    Away,
    Offline,
}

impl Availability {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Availability::Online => "online",
            Availability::Away => "away",
            Availability::Offline => "offline",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Availability> {
        [
            Availability::Online,
            Availability::Away,
            Availability::Offline,
        ]
        .into_iter()
        .find(|availability| availability.as_str() == text)
    }
}

text_column!(Availability);

/// Somebody of the desk.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct OperatorView {
    /// The operator.
    pub(crate) id: OperatorId,
    /// What they are called.
    pub(crate) name: String,
    /// Their address, which is also their login.
    pub(crate) email: String,
    /// Their phone number, which is also a login.
    pub(crate) phone: Option<String>,
    /// What they may do.
    pub(crate) role: Role,
    /// Where they work.
    pub(crate) department: Option<String>,
    /// Whether they may edit tickets and others' messages.
    pub(crate) can_edit: bool,
    /// `online`, `away` or `offline`.
    pub(crate) availability: Availability,
    /// Whether that is their own word.
    #[serde(skip)]
    pub(crate) has_said: bool,
    /// The language they work in.
    pub(crate) locale: Option<Lang>,
    /// Whether they still work here.
    pub(crate) is_active: bool,
}

/// The operators of a tenant, or the one of `id`.
pub(crate) fn list(
    conn: &Connection,
    tenant: TenantId,
    id: Option<OperatorId>,
) -> Result<Vec<OperatorView>> {
    all(
        conn,
        "select id, name, email, phone, role, department, can_edit, availability, locale, is_active,
                availability_at is not null
           from operator
          where tenant_id = ?1 and (?2 is null or id = ?2)
          order by is_active desc, name, id",
        (tenant, id),
        |row| {
            Ok(OperatorView {
                id: row.get(0)?,
                name: row.get(1)?,
                email: row.get(2)?,
                phone: row.get(3)?,
                role: row.get(4)?,
                department: row.get(5)?,
                can_edit: row.get(6)?,
                availability: row.get(7)?,
                locale: row.get(8)?,
                is_active: row.get(9)?,
                has_said: row.get(10)?,
            })
        },
    )
}

pub(crate) fn by_id(conn: &Connection, tenant: TenantId, id: OperatorId) -> Result<OperatorView> {
    list(conn, tenant, Some(id))?
        .pop()
        .ok_or_else(|| Error::new(Code::OperatorNotFound).on("operator_id"))
}

/// The operator of an id, who must still work here.
pub(crate) fn active(conn: &Connection, tenant: TenantId, id: OperatorId) -> Result<OperatorView> {
    let found = by_id(conn, tenant, id)?;
    if !found.is_active {
        return Err(Error::new(Code::OperatorNotFound).on("operator_id"));
    }
    Ok(found)
}

/// What an operator is made of.
#[derive(Debug)]
pub(crate) struct NewOperator<'a> {
    pub(crate) name: &'a str,
    pub(crate) email: &'a str,
    pub(crate) phone: Option<&'a str>,
    pub(crate) role: Role,
    pub(crate) department: Option<&'a str>,
    pub(crate) password_hash: Option<&'a str>,
    pub(crate) locale: Option<Lang>,
}

/// A phone number as logins are compared: its digits.
pub(crate) fn digits(phone: &str) -> Option<String> {
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    (digits.len() >= 7).then_some(digits)
}

/// Refuses one more operator or supervisor than the tenant may have. Admins are as many as it likes.
pub(crate) fn room_for(conn: &Connection, tenant: TenantId, role: Role) -> Result<()> {
    let limits = limits::of(conn, tenant)?;
    let (what, most) = match role {
        Role::Operator => ("operators", limits.operators),
        Role::Supervisor => ("supervisors", limits.supervisors),
        Role::Admin | Role::HeadAdmin => return Ok(()),
    };
    let have = one(
        conn,
        "select count(*) from operator where tenant_id = ?1 and is_active and role = ?2",
        (tenant, role),
        |row| row.get(0),
    )?;
    Limits::room_for_one(what, most, have)
}

/// Makes an operator. Those of the plan are counted in the same transaction.
pub(crate) fn create(
    conn: &Connection,
    tenant: TenantId,
    new: &NewOperator<'_>,
    now: Millis,
) -> Result<OperatorId> {
    room_for(conn, tenant, new.role)?;
    let made = run(
        conn,
        "insert into operator (tenant_id, name, email, phone, role, department, password_hash, locale, created_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         on conflict (email) do update
            set name = excluded.name, phone = excluded.phone, role = excluded.role, department = excluded.department,
                password_hash = excluded.password_hash, is_active = 1, can_edit = 1
          where operator.tenant_id = excluded.tenant_id and not operator.is_active",
        rusqlite::params![
            tenant,
            new.name,
            new.email,
            new.phone.and_then(digits),
            new.role,
            new.department,
            new.password_hash,
            new.locale,
            now,
        ],
    )
    .map_err(|e| taken(e, "operator.phone", "phone"))?;
    // Whose address it is already and who still works somewhere is left alone.
    if made == 0 {
        return Err(Error::new(Code::AlreadyExists).on("email"));
    }
    one(
        conn,
        "select id from operator where tenant_id = ?1 and email = ?2",
        (tenant, new.email),
        |row| row.get(0),
    )
}

/// How long a link for a new password works.
pub(crate) const RESET: Millis = HOUR;
/// How long an invitation works.
pub(crate) const INVITATION: Millis = 3 * DAY;

/// A link by which somebody sets their password, once. Answers its token.
pub(crate) fn password_link(
    conn: &Connection,
    secret: &Secret,
    tenant: TenantId,
    id: OperatorId,
    now: Millis,
) -> Result<String> {
    let token = random_text(43)?;
    let hash = secret.hash(Purpose::AccessLink, &token);
    store::insert_link(conn, &hash, Link::Password(tenant, id), now, INVITATION)?;
    Ok(token)
}

/// A link by which somebody who has forgotten their password sets another. Answers its token.
pub(crate) fn reset_link(
    conn: &Connection,
    secret: &Secret,
    tenant: TenantId,
    id: OperatorId,
    now: Millis,
) -> Result<String> {
    let token = random_text(43)?;
    let hash = secret.hash(Purpose::AccessLink, &token);
    store::add_password_link(conn, &hash, (tenant, id), now, RESET)?;
    Ok(token)
}

/// The operator whose login is `email`.
pub(crate) fn by_email(conn: &Connection, email: &str) -> Result<Option<(TenantId, OperatorId)>> {
    first(
        conn,
        "select tenant_id, id from operator where email = ?1",
        [email.to_lowercase()],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// Refuses what would leave a tenant without an admin: that this one stops being one.
fn unless_last_admin(conn: &Connection, tenant: TenantId, id: OperatorId) -> Result<()> {
    let others: i64 = one(
        conn,
        "select count(*) from operator
          where tenant_id = ?1 and id <> ?2 and is_active and role in ('admin', 'head_admin')",
        (tenant, id),
        |row| row.get(0),
    )?;
    if others == 0 {
        return Err(Error::new(Code::LastAdmin).on("operator_id"));
    }
    Ok(())
}

/// Gives an operator another role. The last admin of a tenant stays one.
pub(crate) fn set_role(
    conn: &Connection,
    tenant: TenantId,
    id: OperatorId,
    role: Role,
) -> Result<()> {
    let current = by_id(conn, tenant, id)?;
    if current.role >= Role::Admin && role < Role::Admin {
        unless_last_admin(conn, tenant, id)?;
    }
    if current.is_active && current.role != role {
        room_for(conn, tenant, role)?;
    }
    run(
        conn,
        "update operator set role = ?3 where tenant_id = ?1 and id = ?2",
        (tenant, id, role),
    )?;
    Ok(())
}

pub(crate) fn set_can_edit(
    conn: &Connection,
    tenant: TenantId,
    id: OperatorId,
    can_edit: bool,
) -> Result<()> {
    run(
        conn,
        "update operator set can_edit = ?3 where tenant_id = ?1 and id = ?2",
        (tenant, id, can_edit),
    )?;
    Ok(())
}

pub(crate) fn set_availability(
    tx: &Tx<'_>,
    tenant: TenantId,
    id: OperatorId,
    availability: Availability,
) -> Result<()> {
    run(
        tx,
        "update operator set availability = ?3, availability_at = ?4 where tenant_id = ?1 and id = ?2",
        (tenant, id, availability, tx.now),
    )?;
    Ok(())
}

/// Takes an operator off the desk: nothing that was theirs opens it any more. Their name stays where they wrote; what they
/// look after goes to `heir`. Tickets are handed over before.
pub(crate) fn remove(
    tx: &Tx<'_>,
    tenant: TenantId,
    id: OperatorId,
    heir: Option<OperatorId>,
) -> Result<()> {
    if by_id(tx, tenant, id)?.role >= Role::Admin {
        unless_last_admin(tx, tenant, id)?;
    }
    run(
        tx,
        "update client set responsible_id = ?3 where tenant_id = ?1 and responsible_id = ?2",
        (tenant, id, heir),
    )?;
    store::close_sessions(tx, tenant, id, None)?;
    mobile::close_all(tx, tenant, id)?;
    store::drop_links(tx, tenant, id)?;
    store::revoke_keys_of(tx, (tenant, id), tx.now)?;
    totp::disable(tx, (tenant, id))?;
    // The phone is free for somebody else; the address stays, by which they may come back.
    run(
        tx,
        "update operator
            set is_active = 0, password_hash = null, phone = null, availability = 'offline', availability_at = null
          where tenant_id = ?1 and id = ?2",
        (tenant, id),
    )?;
    Ok(())
}
