//! What names somebody beside their own row and their tickets' rows: every column that can hold a name, an address or a
//! number of theirs.
use super::{Person, json};
use crate::{
    api::field::{TenantId, TicketId},
    clock::DAY,
    db::{Tx, sql::run},
    error::Result,
};

/// Lists as the statements take them.
struct Lists {
    /// Tickets that stay and may name them.
    touched: String,
    /// Tickets of theirs, whether they stay or not.
    own: String,
    /// Names, addresses and numbers.
    words: String,
    emails: String,
}

/// Forgets somebody everywhere; `touched` are the tickets that stay and may name them.
pub(super) fn forget(
    tx: &Tx<'_>,
    tenant: TenantId,
    person: &Person,
    touched: &[TicketId],
) -> Result<()> {
    let words = [&person.names[..], &person.emails, &person.phones].concat();
    let lists = Lists {
        touched: json(touched)?,
        own: json(&person.tickets)?,
        words: json(&words)?,
        emails: json(&person.emails)?,
    };
    in_tickets(tx, tenant, &lists)?;
    reactions(tx, tenant, person, &lists)?;
    on_the_way(tx, tenant, &lists)?;
    deliveries(tx, tenant, person, &lists)?;
    // A name of one or two letters stands in other words, and a short one of a person's in an error's.
    for name in person.names.iter().filter(|n| n.chars().count() > 2) {
        in_notes(tx, tenant, &lists.touched, name)?;
    }
    for address in person.emails.iter().chain(&person.phones) {
        in_notes(tx, tenant, &lists.touched, address)?;
        in_errors(tx, tenant, address)?;
    }
    chats(tx, tenant, person)?;
    run(
        tx,
        "update message set contact_id = null, author_name = '', mail_id = null where tenant_id = ?1 and contact_id = ?2",
        (tenant, person.id),
    )?;
    // Lists that were kept to look for them alone.
    run(
        tx,
        "delete from saved_view
          where tenant_id = ?1
            and (json_extract(filter, '$.contact_id') = ?2
                 or json_extract(filter, '$.search') in (select value from json_each(?3)))",
        (tenant, person.id, &lists.words),
    )?;
    Ok(())
}

/// What tickets that stay say of them: who wrote, decided, rated, was told of.
fn in_tickets(tx: &Tx<'_>, tenant: TenantId, lists: &Lists) -> Result<()> {
    for sql in [
        "update message set author_name = ''
          where tenant_id = ?1 and ticket_id in (select value from json_each(?2))
            and author_type = 'client' and contact_id is null and author_name in (select value from json_each(?3))",
        "update event set actor_name = '', actor_id = null
          where tenant_id = ?1 and ticket_id in (select value from json_each(?2))
            and actor_type = 'client' and actor_name in (select value from json_each(?3))",
        "update csat set author_name = ''
          where tenant_id = ?1 and ticket_id in (select value from json_each(?2))
            and author_name in (select value from json_each(?3))",
        "update estimate set decided_by = '', decided_address = null, decided_user = null
          where tenant_id = ?1 and ticket_id in (select value from json_each(?2))
            and decided_by in (select value from json_each(?3))",
        "update notification set actor_name = ''
          where tenant_id = ?1 and ticket_id in (select value from json_each(?2))
            and actor_name in (select value from json_each(?3))",
    ] {
        run(tx, sql, (tenant, &lists.touched, &lists.words))?;
    }
    run(
        tx,
        "delete from participant where tenant_id = ?1 and email in (select value from json_each(?2))",
        (tenant, &lists.emails),
    )?;
    Ok(())
}

/// What they thought of messages, by name or by what their messenger calls them.
fn reactions(tx: &Tx<'_>, tenant: TenantId, person: &Person, lists: &Lists) -> Result<()> {
    let chats: Vec<i64> = person.chats.iter().map(|chat| chat.id).collect();
    run(
        tx,
        "delete from reaction
          where tenant_id = ?1
            and message_id in (select id from message
                                where tenant_id = ?1 and ticket_id in (select value from json_each(?2)))
            and (author_name in (select value from json_each(?3))
                 or author in (select name from chat_name
                                where tenant_id = ?1 and chat_id in (select value from json_each(?4))))",
        (tenant, &lists.touched, &lists.words, json(&chats)?),
    )?;
    Ok(())
}

/// What waits to be sent to them, or was; and what other programs of the tenant were or are to be told of them.
fn on_the_way(tx: &Tx<'_>, tenant: TenantId, lists: &Lists) -> Result<()> {
    for sql in [
        "delete from outbox where tenant_id = ?1 and recipient in (select value from json_each(?2))",
        "delete from notice where tenant_id = ?1 and recipient in (select value from json_each(?2))",
    ] {
        run(tx, sql, (tenant, &lists.emails))?;
    }
    run(
        tx,
        "delete from webhook_delivery
          where tenant_id = ?1
            and (json_extract(body, '$.data.ticket_id') in (select value from json_each(?2))
                 or (json_extract(body, '$.data.ticket_id') in (select value from json_each(?3))
                     and exists (select 1 from json_each(?4) w where instr(body, json_quote(w.value)))))",
        (tenant, &lists.own, &lists.touched, &lists.words),
    )?;
    Ok(())
}

/// What came in from them, as it came. That it came, and what became of it, stays; what still waits does not.
fn deliveries(tx: &Tx<'_>, tenant: TenantId, person: &Person, lists: &Lists) -> Result<()> {
    run(
        tx,
        "delete from inbound_event
          where tenant_id = ?1 and state <> 'done'
            and exists (select 1 from json_each(?2) e where instr(lower(envelope), json_quote(e.value)))",
        (tenant, &lists.emails),
    )?;
    run(
        tx,
        "update inbound_event
            set raw_hash = null, envelope = '{}', detail = null,
                external_id = iif(exists (select 1 from json_each(?2) e where instr(lower(external_id), e.value)), null, external_id)
          where tenant_id = ?1 and state = 'done'
            and (ticket_id in (select value from json_each(?3))
                 or exists (select 1 from json_each(?2) e where instr(lower(envelope), json_quote(e.value))))",
        (tenant, &lists.emails, &lists.touched),
    )?;
    // A messenger's envelope does not say who wrote, and what led to no ticket may have been theirs.
    for chat in &person.chats {
        run(
            tx,
            "update inbound_event set raw_hash = null
              where tenant_id = ?1 and channel_id = ?2 and state = 'done' and received_at >= ?3",
            (tenant, chat.channel, chat.since - DAY),
        )?;
    }
    Ok(())
}

/// What says it among other words in the history of tickets, in what operators are told and in why nothing arrived.
fn in_notes(tx: &Tx<'_>, tenant: TenantId, touched: &str, word: &str) -> Result<()> {
    for sql in [
        "update event set note = replace(note, ?3, '')
          where tenant_id = ?1 and ticket_id in (select value from json_each(?2)) and instr(note, ?3)",
        "update event set old = replace(old, ?3, ''), new = replace(new, ?3, '')
          where tenant_id = ?1 and ticket_id in (select value from json_each(?2)) and kind = 'subject'
            and (instr(old, ?3) or instr(new, ?3))",
        "update notification set detail = replace(detail, ?3, '')
          where tenant_id = ?1 and ticket_id in (select value from json_each(?2))
            and kind in ('rule', 'estimate_rejected') and instr(detail, ?3)",
        "update message set delivery_error = replace(delivery_error, ?3, '')
          where tenant_id = ?1 and ticket_id in (select value from json_each(?2)) and instr(delivery_error, ?3)",
    ] {
        run(tx, sql, (tenant, touched, word))?;
    }
    Ok(())
}

/// What a server said of an address when it did not take a mail.
fn in_errors(tx: &Tx<'_>, tenant: TenantId, address: &str) -> Result<()> {
    for sql in [
        "update channel set last_error = replace(last_error, ?2, '') where tenant_id = ?1 and instr(last_error, ?2)",
        "update channel set inbound_error = replace(inbound_error, ?2, '') where tenant_id = ?1 and instr(inbound_error, ?2)",
        "update error_log set detail = replace(detail, ?2, '') where tenant_id = ?1 and instr(detail, ?2)",
        "update outbox set last_error = replace(last_error, ?2, '') where tenant_id = ?1 and instr(last_error, ?2)",
    ] {
        run(tx, sql, (tenant, address))?;
    }
    Ok(())
}

/// Their conversations, with what is called how there and what is to be said. An operator's own stays theirs.
fn chats(tx: &Tx<'_>, tenant: TenantId, person: &Person) -> Result<()> {
    let own: Vec<i64> = person.chats.iter().map(|chat| chat.id).collect();
    run(
        tx,
        "update ticket_chat set person = ''
          where tenant_id = ?1
            and person in (select name from chat_name
                            where tenant_id = ?1 and chat_id in (select value from json_each(?2)))",
        (tenant, json(&own)?),
    )?;
    for sql in [
        "delete from chat
          where tenant_id = ?1 and contact_id = ?2
            and not exists (select 1 from staff_chat s where s.tenant_id = chat.tenant_id and s.chat_id = chat.id)",
        "update chat set contact_id = null where tenant_id = ?1 and contact_id = ?2",
    ] {
        run(tx, sql, (tenant, person.id))?;
    }
    Ok(())
}
