//! Making one ticket of two, and two of one. Messages keep their ids and their order in time; what is kept on a ticket's
//! row and in the index follows them.
use super::{
    Acting, NewTicket, begin, change,
    event::{self, Event},
    message::{self, Stored},
    record::{self, Record},
    search,
    status::{Status, Verb},
};
use crate::{
    db::sql::{first, one, run},
    error::{Code, Error, Fault, Result},
    sla::due::breached,
};

/// Merges a ticket into another one: messages, files, hours, followers and tags move, whoever wrote goes on taking part,
/// and the source closes.
pub(crate) fn merge(cx: &Acting<'_>, source: &mut Record, target: &mut Record) -> Result<()> {
    if source.id == target.id {
        return Err(Error::invalid("source_id", Fault::Same));
    }
    for (ticket, field) in [(&*source, "source_id"), (&*target, "target_id")] {
        if let Some(into) = ticket.merged_into {
            return Err(change::merged(into).on(field));
        }
    }
    if let (Some(one), Some(other)) = (source.client, target.client)
        && one != other
    {
        return Err(Error::new(Code::DifferentClients).on("target_id"));
    }
    if source.status.is_open() && !target.status.is_open() {
        change::by_verb(cx, target, Verb::Reopen, None)?;
    }
    take_messages(cx, source, target)?;
    take_people(cx, source, target)?;
    if target.first_response_at.is_none()
        && let Some(at) = source.first_response_at
    {
        target.first_response_at = Some(at);
        target.sla_response_breached = breached(target.sla_response_at, at);
    }
    let (from, into) = (format!("#{}", source.id), format!("#{}", target.id));
    change::by_verb(cx, source, Verb::Close, Some(&into))?;
    source.merged_into = Some(target.id);
    source.snoozed_until = None;
    for ticket in [&mut *source, &mut *target] {
        message::recount(cx, ticket)?;
        ticket.save(cx.tx, cx.tx.now)?;
    }
    // What was merged into the source before goes on in the target as well.
    run(
        cx.tx,
        "update ticket set merged_into = ?3 where tenant_id = ?1 and merged_into = ?2",
        (cx.tenant, source.id, target.id),
    )?;
    let gone = Event {
        kind: "merged_into",
        new: Some(&into),
        ..Event::default()
    };
    event::write(cx, source.id, &gone)?;
    let come = Event {
        kind: "merged",
        new: Some(&from),
        note: Some(&source.subject),
        ..Event::default()
    };
    event::write(cx, target.id, &come)
}

/// Moves the source's messages among the target's, by when they were written. All of them get new places above those in
/// use, so that no two are ever in one place.
fn take_messages(cx: &Acting<'_>, source: &Record, target: &Record) -> Result<()> {
    search::forget(cx.tx, cx.tenant, source.id)?;
    search::forget(cx.tx, cx.tenant, target.id)?;
    run(
        cx.tx,
        "update message
            set ticket_id = ?3, ordinal = ?4 + x.place
           from (select id, row_number() over (order by created_at, id) - 1 as place
                   from message
                  where tenant_id = ?1 and ticket_id in (?2, ?3)) x
          where message.tenant_id = ?1 and message.id = x.id",
        (cx.tenant, source.id, target.id, target.next_ordinal),
    )?;
    search::renew(cx.tx, cx.tenant, target.id, &target.subject)?;
    for sql in [
        "update file set ticket_id = ?3 where tenant_id = ?1 and ticket_id = ?2",
        "update time_entry set ticket_id = ?3 where tenant_id = ?1 and ticket_id = ?2",
    ] {
        run(cx.tx, sql, (cx.tenant, source.id, target.id))?;
    }
    Ok(())
}

fn take_people(cx: &Acting<'_>, source: &Record, target: &mut Record) -> Result<()> {
    target.client = target.client.or(source.client);
    target.contact = target.contact.or(source.contact);
    for sql in [
        "insert into follower (tenant_id, ticket_id, operator_id)
         select tenant_id, ?3, operator_id from follower where tenant_id = ?1 and ticket_id = ?2
         on conflict do nothing",
        "insert into ticket_tag (tenant_id, ticket_id, tag_id)
         select tenant_id, ?3, tag_id from ticket_tag where tenant_id = ?1 and ticket_id = ?2
         on conflict do nothing",
        "insert into participant (tenant_id, ticket_id, email, name)
         select tenant_id, ?3, email, name from participant where tenant_id = ?1 and ticket_id = ?2
         on conflict do nothing",
    ] {
        run(cx.tx, sql, (cx.tenant, source.id, target.id))?;
    }
    if let Some(email) = &source.creator_email
        && target.creator_email.as_ref() != Some(email)
    {
        run(
            cx.tx,
            "insert into participant (tenant_id, ticket_id, email, name) values (?1, ?2, ?3, ?4) on conflict do nothing",
            (cx.tenant, target.id, email, &source.creator_name),
        )?;
    }
    Ok(())
}

/// Makes a ticket of its own out of a message and all that follow it.
pub(crate) fn split(cx: &Acting<'_>, from: &Stored, subject: Option<String>) -> Result<Record> {
    let mut source = record::by_id(cx.tx, cx.tenant, from.ticket)?;
    let is_first: bool = one(
        cx.tx,
        "select not exists (select 1 from message
                             where tenant_id = ?1 and ticket_id = ?2 and ordinal < ?3 and deleted_at is null)",
        (cx.tenant, source.id, from.ordinal),
        |row| row.get(0),
    )?;
    if is_first {
        return Err(Error::invalid("message_id", Fault::FirstMessage));
    }
    let phone = message::phone_of(cx.tx, cx.tenant, source.id)?;
    let new = NewTicket {
        priority: source.priority,
        category: source.category.clone(),
        channel_id: source.channel_id,
        client: source.client,
        contact: source.contact,
        client_user_id: source.client_user_id,
        client_session: source.client_session.clone(),
        creator_email: source.creator_email.clone(),
        creator_phone: phone,
        locale: source.locale,
        ..NewTicket::new(
            subject.unwrap_or_else(|| source.subject.clone()),
            source.channel,
            source.creator_name.clone(),
        )
    };
    let whence = format!("#{}", source.id);
    let mut made = begin(cx, new, Some(&whence))?;
    search::forget(cx.tx, cx.tenant, source.id)?;
    run(
        cx.tx,
        "update message
            set ticket_id = ?3, ordinal = x.place
           from (select id, row_number() over (order by ordinal) as place
                   from message
                  where tenant_id = ?1 and ticket_id = ?2 and ordinal >= ?4) x
          where message.tenant_id = ?1 and message.id = x.id",
        (cx.tenant, source.id, made.id, from.ordinal),
    )?;
    search::renew(cx.tx, cx.tenant, source.id, &source.subject)?;
    search::renew(cx.tx, cx.tenant, made.id, &made.subject)?;
    for sql in [
        "update file set ticket_id = ?3
          where tenant_id = ?1 and ticket_id = ?2
            and message_id in (select id from message where tenant_id = ?1 and ticket_id = ?3)",
        "update outbox set ticket_id = ?3
          where tenant_id = ?1 and ticket_id = ?2 and state = 'queued'
            and message_id in (select id from message where tenant_id = ?1 and ticket_id = ?3)",
        "insert into participant (tenant_id, ticket_id, email, name)
         select tenant_id, ?3, email, name from participant where tenant_id = ?1 and ticket_id = ?2",
        "insert into follower (tenant_id, ticket_id, operator_id)
         select tenant_id, ?3, operator_id from follower where tenant_id = ?1 and ticket_id = ?2",
    ] {
        run(cx.tx, sql, (cx.tenant, source.id, made.id))?;
    }
    made.assigned_to = source.assigned_to;
    let answered: Option<i64> = first(
        cx.tx,
        "select created_at from message
          where tenant_id = ?1 and ticket_id = ?2 and author_type = 'support' and not is_note
            and held_until is null and deleted_at is null
          order by ordinal limit 1",
        (cx.tenant, made.id),
        |row| row.get(0),
    )?;
    if answered.is_some() {
        change::answered(&mut made, cx.tx.now);
        change::by_verb(cx, &mut made, Verb::Set(Status::InProgress), None)?;
    }
    let named = format!("#{}", made.id);
    for ticket in [&mut source, &mut made] {
        message::recount(cx, ticket)?;
        ticket.save(cx.tx, cx.tx.now)?;
    }
    let entry = Event {
        kind: "split",
        new: Some(&named),
        note: Some(&made.subject),
        ..Event::default()
    };
    event::write(cx, source.id, &entry)?;
    Ok(made)
}
