//! Contacts: the people who write in. One person may have several addresses; mail of any of them finds the one.
pub(crate) mod erase;

use crate::{
    api::field::{ClientId, ContactId, TenantId},
    clock::Millis,
    db::sql::{Page, all, first, one, run},
    error::{Code, Error, Fault, Result},
    ticket::search::fold,
};
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::Serialize;

/// What somebody is called who was erased, in Russian, Kazakh and English. Where their name was stored, nothing is.
pub(crate) const ERASED: [&str; 3] = ["Удалённый контакт", "Жойылған контакт", "Deleted contact"];

/// A person at a client, or somebody who wrote in.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct ContactView {
    /// The contact.
    pub(crate) id: ContactId,
    /// What they are called.
    pub(crate) name: String,
    /// Their phone number.
    pub(crate) phone: Option<String>,
    /// Their address.
    pub(crate) email: Option<String>,
    /// Where their picture is.
    pub(crate) photo: Option<String>,
    /// The client they belong to.
    pub(crate) portal_domain: Option<String>,
    /// Other addresses of theirs.
    pub(crate) other_emails: Vec<String>,
    /// How many tickets they have.
    pub(crate) tickets: i64,
}

/// Which contacts a list shows.
#[derive(Debug, Default)]
pub(crate) struct Wanted<'a> {
    pub(crate) id: Option<ContactId>,
    pub(crate) portal_domain: Option<&'a str>,
    /// A part of a name, an address or a phone number.
    pub(crate) search: &'a str,
    pub(crate) part: Option<Page>,
}

/// The contacts of a tenant by name.
pub(crate) fn list(
    conn: &Connection,
    tenant: TenantId,
    wanted: &Wanted<'_>,
) -> Result<Vec<ContactView>> {
    let (limit, offset) = wanted
        .part
        .map_or((-1, 0), |page| (page.limit, page.offset()));
    let pattern = format!("%{}%", fold(wanted.search).replace(['%', '_', '\\'], " "));
    all(
        conn,
        "select x.id, x.name, x.phone, x.email, x.photo, c.portal_domain,
                (select json_group_array(a.email) from contact_address a
                  where a.tenant_id = x.tenant_id and a.contact_id = x.id),
                (select count(*) from ticket t
                  where t.tenant_id = x.tenant_id and t.contact_id = x.id and t.deleted_at is null)
           from contact x
           left join client c on c.tenant_id = x.tenant_id and c.id = x.client_id
          where x.tenant_id = ?1
            and (?2 is null or x.id = ?2)
            and (?3 is null or c.portal_domain = ?3)
            and (?4 = '%%' or fold(x.name) like ?4 or x.email like ?4 or x.phone like ?4
                 or exists (select 1 from contact_address a
                             where a.tenant_id = x.tenant_id and a.contact_id = x.id and a.email like ?4))
          order by x.name, x.id
          limit ?5 offset ?6",
        (tenant, wanted.id, wanted.portal_domain, pattern, limit, offset),
        |row| {
            let others: String = row.get(6)?;
            Ok(ContactView {
                id: row.get(0)?,
                name: row.get(1)?,
                phone: row.get(2)?,
                email: row.get(3)?,
                photo: row.get(4)?,
                portal_domain: row.get(5)?,
                other_emails: serde_json::from_str(&others).unwrap_or_default(),
                tickets: row.get(7)?,
            })
        },
    )
}

/// One contact as lists show it.
pub(crate) fn view(conn: &Connection, tenant: TenantId, id: ContactId) -> Result<ContactView> {
    let wanted = Wanted {
        id: Some(id),
        ..Wanted::default()
    };
    let found = list(conn, tenant, &wanted)?.pop();
    found.ok_or_else(|| Error::new(Code::ContactNotFound).on("contact_id"))
}

/// A contact as the verbs need it.
#[derive(Clone, Debug)]
pub(crate) struct Contact {
    pub(crate) id: ContactId,
    pub(crate) client: Option<ClientId>,
    pub(crate) name: String,
}

/// Whose address it is.
pub(crate) fn by_address(
    conn: &Connection,
    tenant: TenantId,
    email: &str,
) -> Result<Option<Contact>> {
    first(
        conn,
        "select id, client_id, name from contact
          where tenant_id = ?1
            and (email = ?2 or id = (select contact_id from contact_address where tenant_id = ?1 and email = ?2))",
        (tenant, email),
        |row| {
            Ok(Contact {
                id: row.get(0)?,
                client: row.get(1)?,
                name: row.get(2)?,
            })
        },
    )
}

/// The contact of an address, made if nobody has written from it yet. An existing one keeps its name and client: what a
/// stranger types does not change who somebody is.
pub(crate) fn of_address(
    conn: &Connection,
    tenant: TenantId,
    email: &str,
    name: &str,
    client: Option<ClientId>,
    now: Millis,
) -> Result<Contact> {
    if let Some(contact) = by_address(conn, tenant, email)? {
        return Ok(contact);
    }
    let name = if name.trim().is_empty() {
        email
    } else {
        name.trim()
    };
    run(
        conn,
        "insert into contact (tenant_id, client_id, name, email, created_at) values (?1, ?2, ?3, ?4, ?5)",
        (tenant, client, name, email, now),
    )?;
    Ok(Contact {
        id: ContactId(conn.last_insert_rowid()),
        client,
        name: name.to_owned(),
    })
}

/// What is saved of a contact; what is left out stays.
#[derive(Debug)]
pub(crate) struct Saved {
    pub(crate) name: String,
    pub(crate) phone: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) photo: Option<String>,
    pub(crate) client: Option<ClientId>,
}

/// Makes a contact, or changes the one of `id`. An address is one person's only.
pub(crate) fn save(
    conn: &Connection,
    tenant: TenantId,
    id: Option<ContactId>,
    saved: &Saved,
    now: Millis,
) -> Result<ContactId> {
    if let Some(email) = &saved.email {
        let holder = by_address(conn, tenant, email)?;
        if holder.is_some_and(|holder| Some(holder.id) != id) {
            return Err(Error::new(Code::AlreadyExists).on("email"));
        }
        // One of their other addresses becomes the first.
        run(
            conn,
            "delete from contact_address where tenant_id = ?1 and email = ?2",
            (tenant, email),
        )?;
    }
    let Some(id) = id else {
        run(
            conn,
            "insert into contact (tenant_id, client_id, name, phone, email, photo, created_at)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            (
                tenant,
                saved.client,
                &saved.name,
                &saved.phone,
                &saved.email,
                &saved.photo,
                now,
            ),
        )?;
        return Ok(ContactId(conn.last_insert_rowid()));
    };
    let changed = run(
        conn,
        "update contact
            set client_id = coalesce(?3, client_id), name = ?4, phone = coalesce(?5, phone),
                email = coalesce(?6, email), photo = coalesce(?7, photo)
          where tenant_id = ?1 and id = ?2",
        (
            tenant,
            id,
            saved.client,
            &saved.name,
            &saved.phone,
            &saved.email,
            &saved.photo,
        ),
    )?;
    match changed {
        0 => Err(Error::new(Code::ContactNotFound).on("contact_id")),
        _ => Ok(id),
    }
}

/// Makes one contact of two that are the same person: tickets and messages move, every address is kept, and what the one
/// that stays does not have it takes from the other.
pub(crate) fn merge(
    conn: &Connection,
    tenant: TenantId,
    source: ContactId,
    target: ContactId,
) -> Result<()> {
    if source == target {
        return Err(Error::invalid("source_id", Fault::Same));
    }
    for (id, field) in [(source, "source_id"), (target, "target_id")] {
        let is_there: bool = one(
            conn,
            "select exists (select 1 from contact where tenant_id = ?1 and id = ?2)",
            (tenant, id),
            |row| row.get(0),
        )?;
        if !is_there {
            return Err(Error::new(Code::ContactNotFound).on(field));
        }
    }
    for sql in [
        "update ticket set contact_id = ?3 where tenant_id = ?1 and contact_id = ?2",
        "update message set contact_id = ?3 where tenant_id = ?1 and contact_id = ?2",
        "update chat set contact_id = ?3 where tenant_id = ?1 and contact_id = ?2",
        "update contact_address set contact_id = ?3 where tenant_id = ?1 and contact_id = ?2",
        "insert into contact_address (tenant_id, email, contact_id)
         select tenant_id, email, ?3 from contact where tenant_id = ?1 and id = ?2 and email is not null",
        "update contact
            set phone = coalesce(contact.phone, s.phone), photo = coalesce(contact.photo, s.photo),
                client_id = coalesce(contact.client_id, s.client_id)
           from (select phone, photo, client_id from contact where tenant_id = ?1 and id = ?2) s
          where contact.tenant_id = ?1 and contact.id = ?3",
    ] {
        run(conn, sql, (tenant, source, target))?;
    }
    run(
        conn,
        "delete from contact where tenant_id = ?1 and id = ?2",
        (tenant, source),
    )?;
    // Who had no address of their own has one now.
    let first_address: Option<String> = first(
        conn,
        "select a.email
           from contact_address a
           join contact x on x.tenant_id = a.tenant_id and x.id = a.contact_id and x.email is null
          where a.tenant_id = ?1 and a.contact_id = ?2
          order by a.email
          limit 1",
        (tenant, target),
        |row| row.get(0),
    )?;
    if let Some(email) = first_address {
        for sql in [
            "delete from contact_address where tenant_id = ?1 and contact_id = ?2 and email = ?3",
            "update contact set email = ?3 where tenant_id = ?1 and id = ?2",
        ] {
            run(conn, sql, (tenant, target, &email))?;
        }
    }
    Ok(())
}
