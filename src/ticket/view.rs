//! One ticket whole: its fields, its messages in order, its files and its history.
use super::{
    csat, estimate,
    files::{self, Links},
    follow,
    list::{self, Sight},
    model::{Can, ClientCard, FileView, MessageView, OtherTicket, ReactionView, TicketView},
    record, status,
};
use crate::{
    api::field::{ClientId, ContactId, MessageId, TenantId, TicketId},
    client,
    clock::Millis,
    db::sql::{all, first, one},
    error::{Code, Error, Result},
};
use rusqlite::{Connection, Row};
use std::collections::HashMap;

/// What a ticket's own row says beyond what lists show.
struct Rest {
    creator_email: Option<String>,
    creator_phone: Option<String>,
    client: Option<ClientId>,
    contact: Option<ContactId>,
    view: RestView,
}

struct RestView {
    result: Option<String>,
    merged_into: Option<TicketId>,
    previous_ticket: Option<TicketId>,
    done_at: Option<crate::api::field::At>,
    closed_at: Option<crate::api::field::At>,
    due_at: Option<crate::api::field::At>,
    reference: i64,
    version: i64,
    hours_spent: f64,
    description: String,
}

fn rest(conn: &Connection, tenant: TenantId, id: TicketId) -> Result<Rest> {
    one(
        conn,
        "select t.creator_email, t.creator_phone, t.client_id, t.contact_id, t.result, t.merged_into, t.previous_ticket,
                t.done_at, t.closed_at, t.due_at, t.reference, t.version,
                (select coalesce(sum(e.minutes), 0) / 60.0 from time_entry e
                  where e.tenant_id = t.tenant_id and e.ticket_id = t.id),
                (select iif(m.deleted_at is null, m.body, '') from message m
                  where m.tenant_id = t.tenant_id and m.ticket_id = t.id
                  order by m.ordinal limit 1)
           from ticket t
          where t.tenant_id = ?1 and t.id = ?2",
        (tenant, id),
        |row| {
            Ok(Rest {
                creator_email: row.get(0)?,
                creator_phone: row.get(1)?,
                client: row.get(2)?,
                contact: row.get(3)?,
                view: RestView {
                    result: row.get(4)?,
                    merged_into: row.get(5)?,
                    previous_ticket: row.get(6)?,
                    done_at: row.get(7)?,
                    closed_at: row.get(8)?,
                    due_at: row.get(9)?,
                    reference: row.get(10)?,
                    version: row.get(11)?,
                    hours_spent: row.get(12)?,
                    description: row.get::<_, Option<String>>(13)?.unwrap_or_default(),
                },
            })
        },
    )
}

/// The ticket, as far as `sight` reaches. What only staff may know is left out for others.
pub(crate) fn ticket(
    conn: &Connection,
    tenant: TenantId,
    sight: Sight,
    id: TicketId,
    now: Millis,
) -> Result<TicketView> {
    let staff = matches!(sight, Sight::Staff);
    let mut row = list::one_row(conn, tenant, sight, id, now)?
        .ok_or_else(|| Error::new(Code::TicketNotFound).on("ticket_id"))?;
    let Rest {
        creator_email,
        creator_phone,
        client,
        contact,
        view,
    } = rest(conn, tenant, id)?;
    let client_card = match client {
        Some(client) => Some(card(conn, tenant, client, now)?),
        None => None,
    };
    let (other_tickets, followers) = if staff {
        (
            others(conn, tenant, id, client, contact)?,
            follow::of(conn, tenant, id)?,
        )
    } else {
        (Vec::new(), Vec::new())
    };
    if !staff {
        let unread = list::unread_by_client(conn, tenant, &[id])?;
        row.unread_count = unread.get(&id).copied().unwrap_or(0);
        row.tags = Vec::new();
        row.last_message = None;
        row.snoozed_until = None;
    }
    let mut estimates = estimate::of_ticket(conn, tenant, id)?;
    if !staff {
        for estimate in &mut estimates {
            estimate.decided_address = None;
        }
    }
    let mut estimates = estimates.into_iter();
    let newest_estimate = estimates.next();
    Ok(TicketView {
        can: Can {
            transitions: if staff && view.merged_into.is_none() {
                status::allowed(row.status)
            } else {
                Vec::new()
            },
        },
        row,
        description: view.description,
        contact_id: contact.filter(|_| staff),
        creator_email: creator_email.filter(|_| staff),
        creator_phone: creator_phone.filter(|_| staff),
        estimate: newest_estimate,
        earlier_estimates: estimates.collect(),
        csat: csat::newest(conn, tenant, id)?,
        result: view.result,
        merged_into: view.merged_into,
        previous_ticket: view.previous_ticket,
        hours_spent: view.hours_spent,
        done_at: view.done_at,
        closed_at: view.closed_at,
        due_at: view.due_at,
        reference: if staff { view.reference } else { 0 },
        version: view.version,
        client: client_card.map(|card| {
            if staff {
                card
            } else {
                ClientCard {
                    notes: String::new(),
                    ..card
                }
            }
        }),
        other_tickets,
        followers,
    })
}

fn card(conn: &Connection, tenant: TenantId, id: ClientId, now: Millis) -> Result<ClientCard> {
    let since = crate::tenant::by_id(conn, tenant)?.month_start(now);
    let hours_used = client::hours_used(conn, tenant, id, since)?;
    one(
        conn,
        "select c.portal_domain, c.company_name, c.tariff_plan, coalesce(c.hours_per_month, t.hours_per_month, 0), c.notes,
                coalesce(c.hourly_rate, t.hourly_rate) / 100.0, coalesce(t.currency, 'KZT')
           from client c
           left join tariff t on t.tenant_id = c.tenant_id and t.code = c.tariff_plan
          where c.tenant_id = ?1 and c.id = ?2",
        (tenant, id),
        |row| {
            let hours_per_month: f64 = row.get(3)?;
            Ok(ClientCard {
                portal_domain: row.get(0)?,
                company_name: row.get(1)?,
                tariff_plan: row.get(2)?,
                hours_per_month,
                hours_used,
                hours_left: (hours_per_month - hours_used).max(0.0),
                hourly_rate: row.get(5)?,
                currency: row.get(6)?,
                notes: row.get(4)?,
            })
        },
    )
}

/// The newest other tickets of the same client, or of the same contact where there is no client.
fn others(
    conn: &Connection,
    tenant: TenantId,
    id: TicketId,
    client: Option<ClientId>,
    contact: Option<ContactId>,
) -> Result<Vec<OtherTicket>> {
    let read = |row: &Row<'_>| {
        Ok(OtherTicket {
            id: row.get(0)?,
            subject: row.get(1)?,
            status: row.get(2)?,
            updated_at: row.get(3)?,
        })
    };
    match (client, contact) {
        // The newest of either kind stand at the ends of two walks of an index; sorting all that a client has does not.
        (Some(client), _) => all(
            conn,
            "select id, subject, status, updated_at
               from (select * from (select id, subject, status, updated_at, is_open from ticket
                                     where tenant_id = ?1 and client_id = ?2 and is_open = 1 and id <> ?3 and deleted_at is null
                                     order by updated_at desc limit 5)
                      union all
                     select * from (select id, subject, status, updated_at, is_open from ticket
                                     where tenant_id = ?1 and client_id = ?2 and is_open = 0 and id <> ?3 and deleted_at is null
                                     order by updated_at desc limit 5))
              order by is_open desc, updated_at desc limit 5",
            (tenant, client, id),
            read,
        ),
        (None, Some(contact)) => all(
            conn,
            "select id, subject, status, updated_at from ticket
              where tenant_id = ?1 and contact_id = ?2 and id <> ?3 and deleted_at is null
              order by updated_at desc limit 5",
            (tenant, contact, id),
            read,
        ),
        (None, None) => Ok(Vec::new()),
    }
}

const MESSAGE: &str =
    "select id, body, html, quoted_from, author_type, author_name, is_note, created_at, edited_at,
       deleted_at, delivery_status, delivery_error, channel, unverified, automatic, operator_id,
       held_until,
       (select n.reply_to_id from chat_message n
         where n.tenant_id = message.tenant_id and n.message_id = message.id and n.reply_to_id is not null limit 1)
  from message";

fn message(row: &Row<'_>) -> rusqlite::Result<MessageView> {
    let deleted_at: Option<crate::api::field::At> = row.get(9)?;
    let kept = deleted_at.is_none();
    Ok(MessageView {
        id: row.get(0)?,
        message: if kept { row.get(1)? } else { String::new() },
        html: if kept { row.get(2)? } else { None },
        quoted_from: if kept { row.get(3)? } else { None },
        author_type: row.get(4)?,
        author_name: row.get(5)?,
        is_note: row.get(6)?,
        created_at: row.get(7)?,
        edited_at: row.get(8)?,
        deleted_at,
        delivery_status: row.get(10)?,
        delivery_error: row.get(11)?,
        channel: row.get(12)?,
        unverified: row.get(13)?,
        automatic: row.get(14)?,
        operator_id: row.get(15)?,
        held_until: row.get(16)?,
        reply_to: row.get(17)?,
        reactions: Vec::new(),
        files: Vec::new(),
    })
}

/// Shows a mail's pictures where its HTML names them, and keeps what only staff may know from others.
fn finish(message: &mut MessageView, files: Vec<FileView>, public: bool) {
    if let Some(html) = &message.html {
        let url = |cid: &str| {
            files
                .iter()
                .find(|f| f.content_id.as_deref() == Some(cid))
                .map(|f| f.url.clone())
        };
        message.html = Some(crate::channel::email::html::render(html, url));
    }
    message.files = files;
    if public {
        message.operator_id = None;
        message.delivery_error = None;
    }
}

/// A ticket's messages in order, with their files, and the list of all files.
pub(crate) fn messages(
    conn: &Connection,
    tenant: TenantId,
    id: TicketId,
    public: bool,
    links: Links<'_>,
) -> Result<(Vec<MessageView>, Vec<FileView>)> {
    let mut messages = all(
        conn,
        &format!(
            "{MESSAGE} where tenant_id = ?1 and ticket_id = ?2 and not (?3 and (is_note or held_until is not null)) order by ordinal"
        ),
        (tenant, id, public),
        message,
    )?;
    let mut by_message = HashMap::<MessageId, Vec<FileView>>::new();
    let mut files = Vec::new();
    for (message, file) in files::of_ticket(conn, tenant, id, public, links)? {
        if let Some(message) = message {
            by_message.entry(message).or_default().push(file.clone());
        }
        files.push(file);
    }
    let mut reactions = HashMap::<MessageId, Vec<ReactionView>>::new();
    for (message, reaction) in reactions_of(conn, tenant, id)? {
        reactions.entry(message).or_default().push(reaction);
    }
    for message in &mut messages {
        if message.deleted_at.is_none() {
            message.reactions = reactions.remove(&message.id).unwrap_or_default();
        }
        finish(
            message,
            by_message.remove(&message.id).unwrap_or_default(),
            public,
        );
    }
    Ok((messages, files))
}

/// What people think of a ticket's messages.
fn reactions_of(
    conn: &Connection,
    tenant: TenantId,
    id: TicketId,
) -> Result<Vec<(MessageId, ReactionView)>> {
    all(
        conn,
        "select r.message_id, r.emoji, r.author_name
           from message m
           join reaction r on r.tenant_id = m.tenant_id and r.message_id = m.id
          where m.tenant_id = ?1 and m.ticket_id = ?2
          order by r.message_id, r.at",
        (tenant, id),
        |row| {
            let reaction = ReactionView {
                emoji: row.get(1)?,
                author_name: row.get(2)?,
            };
            Ok((row.get(0)?, reaction))
        },
    )
}

/// One message with its files.
pub(crate) fn one_message(
    conn: &Connection,
    tenant: TenantId,
    id: MessageId,
    public: bool,
    links: Links<'_>,
) -> Result<MessageView> {
    let found = first(
        conn,
        &format!("{MESSAGE} where tenant_id = ?1 and id = ?2"),
        (tenant, id),
        message,
    )?;
    let mut message = found.ok_or_else(|| Error::new(Code::MessageNotFound).on("message_id"))?;
    let files = files::of_message(conn, tenant, id, links)?;
    finish(&mut message, files, public);
    Ok(message)
}

/// The ticket's row, if `sight` reaches it.
pub(crate) fn reach(
    conn: &Connection,
    tenant: TenantId,
    sight: &Sight,
    id: TicketId,
) -> Result<record::Record> {
    let ticket = record::by_id(conn, tenant, id)?;
    let seen = match sight {
        Sight::Staff => true,
        Sight::Portal(client) => ticket.client == Some(*client),
        Sight::User(client, user) => {
            ticket.client == Some(*client) && ticket.client_user_id == *user
        }
        Sight::Contact(client, contact) => {
            ticket.client == Some(*client) && ticket.contact == Some(*contact)
        }
        Sight::Session(client, session) => {
            ticket.client == Some(*client)
                && ticket.client_user_id == 0
                && ticket.client_session.as_ref() == Some(session)
        }
    };
    if seen {
        Ok(ticket)
    } else {
        Err(Error::new(Code::TicketNotFound).on("ticket_id"))
    }
}
