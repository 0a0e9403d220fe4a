//! Labels of tickets. A name that is not there yet becomes a tag.
use super::{
    Acting,
    event::{self, Event},
    model::TagView,
    record::Record,
};
use crate::{
    api::field::{TagId, TenantId},
    db::sql::{all, first, run, taken},
    error::{Code, Error, Result},
};
use rusqlite::Connection;

/// The colour of a tag that was made by naming it.
const PLAIN: &str = "#6b7280";

pub(crate) fn list(conn: &Connection, tenant: TenantId) -> Result<Vec<TagView>> {
    all(
        conn,
        "select id, name, color from tag where tenant_id = ?1 order by name",
        [tenant],
        |row| {
            Ok(TagView {
                id: row.get(0)?,
                name: row.get(1)?,
                color: row.get(2)?,
            })
        },
    )
}

pub(crate) fn create(
    conn: &Connection,
    tenant: TenantId,
    name: &str,
    color: &str,
) -> Result<TagId> {
    if find(conn, tenant, name)?.is_some() {
        return Err(Error::new(Code::AlreadyExists).on("name"));
    }
    run(
        conn,
        "insert into tag (tenant_id, name, color) values (?1, ?2, ?3)",
        (tenant, name, color),
    )
    .map_err(|e| taken(e, "tag.name", "name"))?;
    Ok(TagId(conn.last_insert_rowid()))
}

pub(crate) fn delete(conn: &Connection, tenant: TenantId, id: TagId) -> Result<()> {
    match run(
        conn,
        "delete from tag where tenant_id = ?1 and id = ?2",
        (tenant, id),
    )? {
        0 => Err(Error::new(Code::TagNotFound).on("tag_id")),
        _ => Ok(()),
    }
}

fn name_of(conn: &Connection, tenant: TenantId, id: TagId) -> Result<String> {
    let name = first(
        conn,
        "select name from tag where tenant_id = ?1 and id = ?2",
        (tenant, id),
        |row| row.get(0),
    )?;
    name.ok_or_else(|| Error::new(Code::TagNotFound).on("tag_id"))
}

/// The tag of that name, if there is one. Letter case tells none from another, unless there are several that it does.
pub(crate) fn find(conn: &Connection, tenant: TenantId, name: &str) -> Result<Option<TagId>> {
    first(
        conn,
        "select id from tag where tenant_id = ?1 and fold(name) = fold(?2) order by name <> ?2, id limit 1",
        (tenant, name),
        |row| row.get(0),
    )
}

/// How the tag of that name is written, if there is one.
pub(crate) fn spelling(conn: &Connection, tenant: TenantId, name: &str) -> Result<Option<String>> {
    match find(conn, tenant, name)? {
        Some(id) => name_of(conn, tenant, id).map(Some),
        None => Ok(None),
    }
}

/// The tag of that name.
pub(crate) fn known(conn: &Connection, tenant: TenantId, name: &str) -> Result<TagId> {
    find(conn, tenant, name)?.ok_or_else(|| Error::new(Code::TagNotFound).on("name"))
}

/// The tag of that name, made if it is not there yet.
pub(crate) fn named(conn: &Connection, tenant: TenantId, name: &str) -> Result<TagId> {
    match find(conn, tenant, name)? {
        Some(id) => Ok(id),
        None => create(conn, tenant, name, PLAIN),
    }
}

pub(crate) fn add(cx: &Acting<'_>, ticket: &Record, id: TagId) -> Result<()> {
    let name = name_of(cx.tx, cx.tenant, id)?;
    let added = run(
        cx.tx,
        "insert into ticket_tag (tenant_id, ticket_id, tag_id) values (?1, ?2, ?3) on conflict do nothing",
        (cx.tenant, ticket.id, id),
    )?;
    if added > 0 {
        let entry = Event {
            kind: "tags",
            new: Some(&name),
            ..Event::default()
        };
        event::write(cx, ticket.id, &entry)?;
    }
    Ok(())
}

pub(crate) fn remove(cx: &Acting<'_>, ticket: &Record, id: TagId) -> Result<()> {
    let name = name_of(cx.tx, cx.tenant, id)?;
    let removed = run(
        cx.tx,
        "delete from ticket_tag where tenant_id = ?1 and ticket_id = ?2 and tag_id = ?3",
        (cx.tenant, ticket.id, id),
    )?;
    if removed > 0 {
        let entry = Event {
            kind: "tags",
            old: Some(&name),
            ..Event::default()
        };
        event::write(cx, ticket.id, &entry)?;
    }
    Ok(())
}

/// Gives a ticket exactly the tags of these names.
pub(crate) fn set(cx: &Acting<'_>, ticket: &Record, names: &[String]) -> Result<()> {
    let mut wanted = Vec::with_capacity(names.len());
    for name in names {
        wanted.push(named(cx.tx, cx.tenant, name)?);
    }
    let present: Vec<TagId> = all(
        cx.tx,
        "select tag_id from ticket_tag where tenant_id = ?1 and ticket_id = ?2",
        (cx.tenant, ticket.id),
        |row| row.get(0),
    )?;
    for &id in present.iter().filter(|id| !wanted.contains(id)) {
        remove(cx, ticket, id)?;
    }
    for &id in wanted.iter().filter(|id| !present.contains(id)) {
        add(cx, ticket, id)?;
    }
    Ok(())
}
