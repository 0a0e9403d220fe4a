//! Which portal is whose, and which of its users is which operator.
use super::PortalUser;
use crate::{
    access::{
        ClientUser, Operator, Via,
        rules::Role,
        store::{self, Portal},
    },
    api::field::{ClientId, OperatorId, PortalId, TenantId},
    clock::Millis,
    db::sql::{all, first, run},
    error::{Code, Error, Result},
};
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::Serialize;

/// Whose a portal is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// The tenant's own: its users are operators.
    Tenant(PortalId),
    /// A client's, who goes by this domain.
    Client(String),
}

/// A portal that is bound to somebody.
#[derive(Clone, Debug)]
pub(crate) struct Bound {
    pub(crate) tenant: TenantId,
    pub(crate) whose: Whose,
    /// The application that tokens must be of.
    pub(crate) app_code: Option<String>,
    /// Whether an admin bound it, and not only the name of a client.
    pub(crate) is_explicit: bool,
}

/// Whose the portal of `domain` is: as an admin said, or else the one client that goes by this domain.
pub(crate) fn bound(conn: &Connection, domain: &str) -> Result<Option<Bound>> {
    let explicit = first(
        conn,
        "select p.id, p.tenant_id, p.app_code, p.client_id is not null, c.portal_domain
           from bitrix24_portal p
           join tenant t on t.id = p.tenant_id and t.is_active
           left join client c on c.tenant_id = p.tenant_id and c.id = p.client_id
          where p.domain = ?1",
        [domain],
        |row| {
            let portal: Option<String> = row.get(4)?;
            Ok(Bound {
                tenant: row.get(1)?,
                whose: match portal {
                    Some(domain) => Whose::Client(domain),
                    None => Whose::Tenant(row.get(0)?),
                },
                app_code: row.get(2)?,
                is_explicit: true,
            })
        },
    )?;
    if explicit.is_some() {
        return Ok(explicit);
    }
    let named: Vec<TenantId> = all(
        conn,
        "select c.tenant_id
           from client c
           join tenant t on t.id = c.tenant_id and t.is_active
          where c.portal_domain = ?1 and c.is_active
          limit 2",
        [domain],
        |row| row.get(0),
    )?;
    // Of two tenants with the same client neither is meant more than the other.
    Ok(match named[..] {
        [tenant] => Some(Bound {
            tenant,
            whose: Whose::Client(domain.to_owned()),
            app_code: None,
            is_explicit: false,
        }),
        _ => None,
    })
}

/// The operator that a portal's user was linked to. Unless tokens are known to be of the desk's own application, they are
/// an operator at most: another application of the portal has tokens of its users as well.
pub(crate) fn operator(
    conn: &Connection,
    (tenant, portal): (TenantId, PortalId),
    user: i64,
    trusted: bool,
) -> Result<Option<Operator>> {
    first(
        conn,
        "select u.tenant_id, u.operator_id, t.plan, t.limits, o.name, o.role, o.can_edit
           from bitrix24_user u
           join operator o on o.tenant_id = u.tenant_id and o.id = u.operator_id and o.is_active
           join tenant t on t.id = u.tenant_id and t.is_active
          where u.tenant_id = ?1 and u.portal_id = ?2 and u.user_id = ?3",
        (tenant, portal, user),
        |row| {
            let mut operator = store::operator(row, Via::Portal { id: portal, user })?;
            if !trusted {
                operator.may_edit = operator.can_edit();
                operator.role = Role::Operator;
            }
            Ok(operator)
        },
    )
}

/// A client's user, by the number that their portal gave them.
pub(crate) fn client(
    conn: &Connection,
    tenant: TenantId,
    portal_domain: &str,
    user: &PortalUser,
) -> Result<Option<ClientUser>> {
    let portal = store::portal(conn, tenant, portal_domain, (user.id, None))?;
    Ok(portal.map(|portal: Portal| ClientUser {
        contact: None,
        tenant,
        plan: portal.plan,
        limits: portal.limits,
        client: portal.client,
        portal_domain: portal_domain.to_owned(),
        company_name: portal.company_name,
        user_id: user.id,
        user_name: user.name.clone(),
        session: String::new(),
        shared: portal.shared,
        locale: portal.locale,
    }))
}

/// A user of the tenant's own portal who is an operator.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct LinkedUser {
    /// The user's number in the portal.
    user_id: i64,
    /// The operator they are.
    operator_id: OperatorId,
    /// What the operator is called.
    operator_name: String,
}

/// A Bitrix24 portal that is bound.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PortalView {
    /// The binding.
    pub(crate) id: PortalId,
    /// The portal's host, with its port if it has one.
    pub(crate) domain: String,
    /// The client whose portal it is; null for the tenant's own.
    pub(crate) portal_domain: Option<String>,
    /// The application that tokens must be of, if that is looked at.
    pub(crate) app_code: Option<String>,
    /// The users who are operators, for the tenant's own portal.
    pub(crate) users: Vec<LinkedUser>,
}

pub(crate) fn list(conn: &Connection, tenant: TenantId) -> Result<Vec<PortalView>> {
    let mut portals = all(
        conn,
        "select p.id, p.domain, c.portal_domain, p.app_code
           from bitrix24_portal p
           left join client c on c.tenant_id = p.tenant_id and c.id = p.client_id
          where p.tenant_id = ?1
          order by p.domain",
        [tenant],
        |row| {
            Ok(PortalView {
                id: row.get(0)?,
                domain: row.get(1)?,
                portal_domain: row.get(2)?,
                app_code: row.get(3)?,
                users: Vec::new(),
            })
        },
    )?;
    let users: Vec<(PortalId, LinkedUser)> = all(
        conn,
        "select u.portal_id, u.user_id, u.operator_id, o.name
           from bitrix24_user u
           join operator o on o.tenant_id = u.tenant_id and o.id = u.operator_id
          where u.tenant_id = ?1
          order by u.portal_id, u.user_id",
        [tenant],
        |row| {
            let user = LinkedUser {
                user_id: row.get(1)?,
                operator_id: row.get(2)?,
                operator_name: row.get(3)?,
            };
            Ok((row.get(0)?, user))
        },
    )?;
    for (portal, user) in users {
        if let Some(found) = portals.iter_mut().find(|p| p.id == portal) {
            found.users.push(user);
        }
    }
    Ok(portals)
}

pub(crate) fn by_id(conn: &Connection, tenant: TenantId, id: PortalId) -> Result<PortalView> {
    list(conn, tenant)?
        .into_iter()
        .find(|portal| portal.id == id)
        .ok_or_else(|| Error::new(Code::PortalNotFound).on("portal_id"))
}

/// Binds a portal, or binds it otherwise if it is the tenant's already. Another tenant's is left alone.
pub(crate) fn bind(
    conn: &Connection,
    tenant: TenantId,
    domain: &str,
    (client, app_code): (Option<ClientId>, Option<&str>),
    now: Millis,
) -> Result<PortalId> {
    let done = run(
        conn,
        "insert into bitrix24_portal (tenant_id, domain, client_id, app_code, created_at)
         values (?1, ?2, ?3, ?4, ?5)
         on conflict (domain) do update set client_id = excluded.client_id, app_code = excluded.app_code
          where bitrix24_portal.tenant_id = excluded.tenant_id",
        (tenant, domain, client, app_code, now),
    )?;
    if done == 0 {
        return Err(Error::new(Code::AlreadyExists).on("domain"));
    }
    let id = first(
        conn,
        "select id from bitrix24_portal where tenant_id = ?1 and domain = ?2",
        (tenant, domain),
        |row| row.get(0),
    )?;
    let id = id.ok_or_else(|| Error::internal("a portal that was bound is not there"))?;
    if client.is_some() {
        // A client's users are no operators.
        run(
            conn,
            "delete from bitrix24_user where tenant_id = ?1 and portal_id = ?2",
            (tenant, id),
        )?;
    }
    Ok(id)
}

pub(crate) fn unbind(conn: &Connection, tenant: TenantId, id: PortalId) -> Result<()> {
    run(
        conn,
        "delete from bitrix24_portal where tenant_id = ?1 and id = ?2",
        (tenant, id),
    )?;
    Ok(())
}

pub(crate) fn link(
    conn: &Connection,
    (tenant, portal): (TenantId, PortalId),
    user: i64,
    operator: OperatorId,
) -> Result<()> {
    run(
        conn,
        "insert into bitrix24_user (tenant_id, portal_id, user_id, operator_id) values (?1, ?2, ?3, ?4)
         on conflict do update set operator_id = excluded.operator_id",
        (tenant, portal, user, operator),
    )?;
    Ok(())
}

pub(crate) fn unlink(
    conn: &Connection,
    (tenant, portal): (TenantId, PortalId),
    user: i64,
) -> Result<()> {
    run(
        conn,
        "delete from bitrix24_user where tenant_id = ?1 and portal_id = ?2 and user_id = ?3",
        (tenant, portal, user),
    )?;
    Ok(())
}
