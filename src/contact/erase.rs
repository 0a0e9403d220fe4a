//! Erasing a person: the contact goes with every address, and so does whatever names them elsewhere. Their tickets go as
//! well, or stay without saying whose they were. All of it is one transaction.
mod traces;

use crate::{
    api::field::{ContactId, TenantId, TicketId},
    clock::Millis,
    db::sql::{all, first, run},
    error::{Code, Error, Result},
    ticket::{Acting, bin, search, unnamed},
};
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::Deserialize;

/// What becomes of the tickets of somebody who is erased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Tickets {
    #[default]
    Keep,
    Erase,
}

/// How many tickets of theirs went, and how many stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Erased {
    pub(crate) erased: usize,
    pub(crate) kept: usize,
}

/// All that is known of somebody, before it goes.
struct Person {
    id: ContactId,
    /// What they were called, here and there.
    names: Vec<String>,
    /// Their addresses, and those that their tickets were opened with; none that is somebody else's by now.
    emails: Vec<String>,
    phones: Vec<String>,
    /// Their tickets, also those in the bin.
    tickets: Vec<TicketId>,
    chats: Vec<Chat>,
}

/// A conversation with nobody but them.
struct Chat {
    id: i64,
    channel: i64,
    since: Millis,
}

/// Erases a contact.
pub(crate) fn erase(cx: &Acting<'_>, id: ContactId, fate: Tickets) -> Result<Erased> {
    let (tx, tenant) = (cx.tx, cx.tenant);
    let person = Person::of(tx, tenant, id)?;
    // What others' tickets and those that stay say of them; asked for while it can still be told.
    let mut touched = person.tickets_of_others(tx, tenant)?;
    match fate {
        Tickets::Erase => {
            for &ticket in &person.tickets {
                bin::erase(cx, ticket)?;
            }
            if !person.tickets.is_empty() {
                search::shed::note(tx)?;
            }
        }
        Tickets::Keep => {
            for &ticket in &person.tickets {
                unnamed::unname(cx, ticket, &person.names)?;
            }
            touched.extend(&person.tickets);
        }
    }
    traces::forget(tx, tenant, &person, &touched)?;
    run(
        tx,
        "delete from contact where tenant_id = ?1 and id = ?2",
        (tenant, id),
    )?;
    let all = person.tickets.len();
    Ok(match fate {
        Tickets::Erase => Erased {
            erased: all,
            kept: 0,
        },
        Tickets::Keep => Erased {
            erased: 0,
            kept: all,
        },
    })
}

/// A list as a parameter: SQL takes it apart again.
fn json<T: serde::Serialize>(list: &[T]) -> Result<String> {
    Ok(serde_json::to_string(list)?)
}

/// Adds what is not empty and not there yet.
fn add(list: &mut Vec<String>, value: Option<String>) {
    let value = value.map(|v| v.trim().to_owned());
    if let Some(value) = value.filter(|v| !v.is_empty() && !list.contains(v)) {
        list.push(value);
    }
}

impl Person {
    fn of(conn: &Connection, tenant: TenantId, id: ContactId) -> Result<Person> {
        let row = first(
            conn,
            "select name, email, phone from contact where tenant_id = ?1 and id = ?2",
            (tenant, id),
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )?;
        let (name, email, phone) =
            row.ok_or_else(|| Error::new(Code::ContactNotFound).on("contact_id"))?;
        let mut person = Person {
            id,
            names: Vec::new(),
            emails: Vec::new(),
            phones: Vec::new(),
            tickets: Vec::new(),
            chats: Vec::new(),
        };
        add(&mut person.names, Some(name));
        add(&mut person.emails, email);
        add(&mut person.phones, phone);
        let others: Vec<String> = all(
            conn,
            "select email from contact_address where tenant_id = ?1 and contact_id = ?2",
            (tenant, id),
            |row| row.get(0),
        )?;
        others
            .into_iter()
            .for_each(|email| add(&mut person.emails, Some(email)));
        person.find_tickets(conn, tenant)?;
        person.find_names(conn, tenant)?;
        person.find_chats(conn, tenant)?;
        person.leave_to_others(conn, tenant)?;
        Ok(person)
    }

    /// The tickets that are theirs, and what they are called in them. Those from a site name an address alone.
    fn find_tickets(&mut self, conn: &Connection, tenant: TenantId) -> Result<()> {
        let found: Vec<(TicketId, String, Option<String>, Option<String>)> = all(
            conn,
            "select id, creator_name, creator_email, creator_phone
               from ticket
              where tenant_id = ?1 and contact_id = ?2
              union all
             select id, creator_name, creator_email, creator_phone
               from ticket
              where tenant_id = ?1 and contact_id is null and creator_email in (select value from json_each(?3))",
            (tenant, self.id, json(&self.emails)?),
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
        )?;
        for (ticket, name, email, phone) in found {
            self.tickets.push(ticket);
            add(&mut self.names, Some(name));
            add(&mut self.emails, email.map(|e| e.to_lowercase()));
            add(&mut self.phones, phone);
        }
        Ok(())
    }

    /// What they are called where they write and where they are copied.
    fn find_names(&mut self, conn: &Connection, tenant: TenantId) -> Result<()> {
        let found: Vec<String> = all(
            conn,
            "select author_name from message where tenant_id = ?1 and contact_id = ?2
              union
             select m.author_name
               from message m
              where m.tenant_id = ?1 and m.ticket_id in (select value from json_each(?3))
                and m.author_type = 'client' and m.contact_id is null
              union
             select name from participant
              where tenant_id = ?1 and email in (select value from json_each(?4))",
            (tenant, self.id, json(&self.tickets)?, json(&self.emails)?),
            |row| row.get(0),
        )?;
        found
            .into_iter()
            .for_each(|name| add(&mut self.names, Some(name)));
        Ok(())
    }

    fn find_chats(&mut self, conn: &Connection, tenant: TenantId) -> Result<()> {
        let found: Vec<(Chat, String)> = all(
            conn,
            "select id, channel_id, created_at, title from chat where tenant_id = ?1 and contact_id = ?2",
            (tenant, self.id),
            |row| {
                let chat = Chat {
                    id: row.get(0)?,
                    channel: row.get(1)?,
                    since: row.get(2)?,
                };
                Ok((chat, row.get(3)?))
            },
        )?;
        for (chat, title) in found {
            self.chats.push(chat);
            add(&mut self.names, Some(title));
        }
        Ok(())
    }

    /// Takes out addresses that are another contact's.
    fn leave_to_others(&mut self, conn: &Connection, tenant: TenantId) -> Result<()> {
        self.emails = all(
            conn,
            "select e.value
               from json_each(?2) e
              where not exists (select 1 from contact x
                                 where x.tenant_id = ?1 and x.email = e.value and x.id <> ?3)
                and not exists (select 1 from contact_address a
                                 where a.tenant_id = ?1 and a.email = e.value and a.contact_id <> ?3)",
            (tenant, json(&self.emails)?, self.id),
            |row| row.get(0),
        )?;
        Ok(())
    }

    /// Tickets of others in which they write or are copied, and those of groups that they may be in.
    fn tickets_of_others(&self, conn: &Connection, tenant: TenantId) -> Result<Vec<TicketId>> {
        let channels: Vec<i64> = self.chats.iter().map(|chat| chat.channel).collect();
        let found: Vec<TicketId> = all(
            conn,
            "select ticket_id from message where tenant_id = ?1 and contact_id = ?2
              union
             select ticket_id from participant
              where tenant_id = ?1 and email in (select value from json_each(?3))
              union
             select h.ticket_id
               from chat c
               join ticket_chat h on h.tenant_id = c.tenant_id and h.chat_id = c.id
              where c.tenant_id = ?1 and c.is_group and c.channel_id in (select value from json_each(?4))",
            (tenant, self.id, json(&self.emails)?, json(&channels)?),
            |row| row.get(0),
        )?;
        let theirs = |ticket: &TicketId| self.tickets.contains(ticket);
        Ok(found.into_iter().filter(|ticket| !theirs(ticket)).collect())
    }
}
