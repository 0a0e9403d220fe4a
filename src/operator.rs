//! Operators: the people of the desk.
use crate::{
    access::{
        rules::Role,
        secret::{Purpose, Secret, random_text},
        store::{self, Link},
    },
    api::field::{OperatorId, TenantId},
    clock::{DAY, Millis},
    db::sql::{all, first, one, run, taken},
    error::{Code, Error, Result},
    lang::Lang,
    tenant::{limits, plan::Limits},
};
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::Serialize;

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
    pub(crate) availability: String,
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
        "select id, name, email, phone, role, department, can_edit, availability, locale, is_active
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
            })
        },
    )
}

pub(crate) fn by_id(conn: &Connection, tenant: TenantId, id: OperatorId) -> Result<OperatorView> {
    list(conn, tenant, Some(id))?
        .pop()
        .ok_or_else(|| Error::new(Code::OperatorNotFound).on("operator_id"))
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
    run(
        conn,
        "insert into operator (tenant_id, name, email, phone, role, department, password_hash, locale, created_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
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
    .map_err(|e| taken(e, "operator.email", "email"))
    .map_err(|e| taken(e, "operator.phone", "phone"))?;
    Ok(OperatorId(conn.last_insert_rowid()))
}

/// How long an invitation works.
const INVITATION: Millis = 3 * DAY;

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

/// The operator whose login is `email`.
pub(crate) fn by_email(conn: &Connection, email: &str) -> Result<Option<(TenantId, OperatorId)>> {
    first(
        conn,
        "select tenant_id, id from operator where email = ?1",
        [email.to_lowercase()],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
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
        let others: i64 = one(
            conn,
            "select count(*) from operator
              where tenant_id = ?1 and id <> ?2 and is_active and role in ('admin', 'head_admin')",
            (tenant, id),
            |row| row.get(0),
        )?;
        if others == 0 {
            return Err(Error::one_of("role", &["admin"]));
        }
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
