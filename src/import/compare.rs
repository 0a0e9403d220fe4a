//! What an import of one ticket would change here: nothing yet, only the difference.
use super::{
    agents::{self, Agents},
    stage::{Person, Ticket},
};
use crate::{
    api::field::{Domain, OperatorId, TenantId, TicketId},
    db::sql::{all, first},
    error::Result,
    ticket::{
        record::{self, Record},
        status::Status,
    },
};
use rusqlite::Connection;
use serde::Serialize;
use std::collections::HashSet;

/// Where a ticket of the other desk is here.
#[derive(Debug)]
pub(super) enum Here {
    /// It has not come yet.
    Nowhere,
    /// It has come, and people here have thrown it away since.
    Gone,
    There(Box<Known>),
}

/// A ticket that has come before.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) record: Record,
    /// Whether the other desk says something else of it than the last time, or whoever it is for has come after it.
    pub(super) is_changed: bool,
    /// Whether people here have worked on it since.
    pub(super) is_touched: bool,
}

/// A field that stands differently here and there.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Field {
    field: &'static str,
    here: String,
    there: String,
}

impl std::fmt::Display for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} here, {} there", self.field, self.here, self.there)
    }
}

/// A ticket beside what is here of it.
#[derive(Debug)]
pub(super) struct Compared {
    pub(super) here: Here,
    /// The keys of messages that are not here.
    pub(super) new: HashSet<String>,
    pub(super) digest: String,
}

/// Looks for a ticket of `source` here.
pub(super) fn compare(
    conn: &Connection,
    (tenant, source): (TenantId, &str),
    ticket: &Ticket,
    agents: &Agents,
) -> Result<Compared> {
    let digest = digest(ticket)?;
    let keys: Vec<&str> = ticket.said.iter().map(|said| said.key.as_str()).collect();
    let known: HashSet<String> = all(
        conn,
        "select external_id from imported_message
          where tenant_id = ?1 and source = ?2 and external_id in (select value from json_each(?3))",
        (tenant, source, serde_json::to_string(&keys)?),
        |row| row.get(0),
    )?
    .into_iter()
    .collect();
    let new = keys
        .into_iter()
        .filter(|key| !known.contains(*key))
        .map(str::to_owned)
        .collect();
    let before: Option<(Option<TicketId>, String, bool)> = first(
        conn,
        "select i.ticket_id, i.digest,
                exists (select 1 from event e
                         where e.tenant_id = i.tenant_id and e.ticket_id = i.ticket_id
                           and e.id > coalesce(i.last_event_id, 0) and e.actor_type in ('operator', 'client'))
           from imported_ticket i
          where i.tenant_id = ?1 and i.source = ?2 and i.external_id = ?3",
        (tenant, source, &ticket.key),
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let here = match before {
        None => Here::Nowhere,
        Some((None, ..)) => Here::Gone,
        Some((Some(id), last, is_touched)) => match record::by_id(conn, tenant, id) {
            Ok(record) => {
                let is_nobody_s = record.assigned_to.is_none() && !is_touched;
                let is_late = is_nobody_s && assignee(conn, tenant, ticket, agents)?.is_some();
                Here::There(Box::new(Known {
                    record,
                    is_changed: last != digest || is_late,
                    is_touched,
                }))
            }
            Err(error) if error.code() == crate::error::Code::TicketNotFound => Here::Gone,
            Err(error) => return Err(error),
        },
    };
    Ok(Compared { here, new, digest })
}

/// What the other desk says of a ticket, in short.
fn digest(ticket: &Ticket) -> Result<String> {
    let said = serde_json::to_vec(&(
        &ticket.subject,
        ticket.status.as_str(),
        ticket.priority.as_str(),
        ticket.assignee.as_ref().map(|person| &person.key),
        &ticket.tags,
    ))?;
    Ok(blake3::hash(&said).to_hex().to_string())
}

/// Whom a ticket is for here: the number of an operator, or the address of one who is to come.
pub(super) fn assignee(
    conn: &Connection,
    tenant: TenantId,
    ticket: &Ticket,
    agents: &Agents,
) -> Result<Option<String>> {
    let person = ticket.assignee.as_ref();
    if let Some(id) = agents::at_work(conn, tenant, person)? {
        return Ok(Some(id.to_string()));
    }
    let coming = person.filter(|person| agents.brings(person));
    Ok(coming.and_then(|person| person.email.clone()))
}

/// The fields in which a ticket here differs from what the other desk says.
pub(super) fn fields(record: &Record, ticket: &Ticket, assignee: Option<&str>) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut compare = |field, here: &str, there: &str| {
        if here != there {
            fields.push(Field {
                field,
                here: here.to_owned(),
                there: there.to_owned(),
            });
        }
    };
    compare("subject", &record.subject, &ticket.subject);
    // What is done there may have been closed here by the calendar.
    if (record.status, ticket.status) != (Status::Closed, Status::Done) {
        compare("status", record.status.as_str(), ticket.status.as_str());
    }
    compare(
        "priority",
        record.priority.as_str(),
        ticket.priority.as_str(),
    );
    if let Some(assignee) = assignee {
        let number = |id: Option<OperatorId>| id.map_or_else(String::new, |id| id.to_string());
        compare("assigned_to", &number(record.assigned_to), assignee);
    }
    fields
}

/// The operator here who is that person there: by the address, which both sign in with.
pub(super) fn operator(
    conn: &Connection,
    tenant: TenantId,
    person: Option<&Person>,
) -> Result<Option<(OperatorId, String)>> {
    let Some(email) = person.and_then(|person| person.email.as_deref()) else {
        return Ok(None);
    };
    first(
        conn,
        "select id, name from operator where tenant_id = ?1 and email = ?2",
        (tenant, email),
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// A company's domain as clients have it.
pub(super) fn domain(text: Option<&str>) -> Option<String> {
    let domain = serde_json::from_value::<Domain>(text?.into()).ok()?;
    Some(domain.0)
}
