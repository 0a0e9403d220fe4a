//! Followers: operators who want to know what happens to a ticket that is not in their charge.
use super::{
    Acting,
    event::{self, Event},
    model::Follower,
    record::Record,
};
use crate::{
    api::field::{MessageId, OperatorId, TenantId, TicketId},
    db::sql::{all, first, run},
    error::{Code, Error, Result},
};
use rusqlite::Connection;

/// Who follows a ticket, by name.
pub(crate) fn of(conn: &Connection, tenant: TenantId, ticket: TicketId) -> Result<Vec<Follower>> {
    all(
        conn,
        "select o.id, o.name
           from follower f
           join operator o on o.tenant_id = f.tenant_id and o.id = f.operator_id
          where f.tenant_id = ?1 and f.ticket_id = ?2
          order by o.name, o.id",
        (tenant, ticket),
        |row| {
            Ok(Follower {
                operator_id: row.get(0)?,
                name: row.get(1)?,
            })
        },
    )
}

fn name_of(cx: &Acting<'_>, operator: OperatorId) -> Result<String> {
    first(
        cx.tx,
        "select name from operator where tenant_id = ?1 and id = ?2 and is_active",
        (cx.tenant, operator),
        |row| row.get(0),
    )?
    .ok_or_else(|| Error::new(Code::OperatorNotFound).on("operator_id"))
}

/// Lets an operator follow a ticket.
pub(crate) fn add(cx: &Acting<'_>, ticket: &Record, operator: OperatorId) -> Result<()> {
    let name = name_of(cx, operator)?;
    let added = run(
        cx.tx,
        "insert into follower (tenant_id, ticket_id, operator_id) values (?1, ?2, ?3) on conflict do nothing",
        (cx.tenant, ticket.id, operator),
    )?;
    if added == 0 {
        return Ok(());
    }
    let entry = Event {
        kind: "followers",
        new: Some(&name),
        ..Event::default()
    };
    event::write(cx, ticket.id, &entry)
}

/// Lets an operator follow a ticket no longer.
pub(crate) fn remove(cx: &Acting<'_>, ticket: &Record, operator: OperatorId) -> Result<()> {
    let name = name_of(cx, operator)?;
    let removed = run(
        cx.tx,
        "delete from follower where tenant_id = ?1 and ticket_id = ?2 and operator_id = ?3",
        (cx.tenant, ticket.id, operator),
    )?;
    if removed == 0 {
        return Ok(());
    }
    let entry = Event {
        kind: "followers",
        old: Some(&name),
        ..Event::default()
    };
    event::write(cx, ticket.id, &entry)
}

/// Notes whom a message names: they follow its ticket from now on.
pub(crate) fn mention(
    cx: &Acting<'_>,
    ticket: &Record,
    message: MessageId,
    operators: &[OperatorId],
) -> Result<()> {
    for &operator in operators {
        add(cx, ticket, operator).map_err(|e| e.on("mentions"))?;
        run(
            cx.tx,
            "insert into mention (tenant_id, message_id, operator_id) values (?1, ?2, ?3) on conflict do nothing",
            (cx.tenant, message, operator),
        )?;
    }
    Ok(())
}
