//! Messages: posting, editing, deleting, reading. What a message does to its ticket is decided by the state machine.
use super::{
    Acting, NewTicket,
    change::{self, WayOut, answered, step_to},
    event::{self, Event},
    files,
    model::{Author, Delivery, Origin},
    record::{self, Record},
    search, snooze,
    status::{self, ClientReply, Status, Window},
};
use crate::{
    api::{
        Upload,
        field::{ContactId, FileId, MessageId, OperatorId, TenantId, TicketId},
    },
    channel::outbox,
    clock::Millis,
    db::sql::{first, one, run},
    error::{Code, Error, Fault, Result},
    tenant,
};
use rusqlite::Connection;

/// A message before it is posted.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) body: String,
    pub(crate) html: Option<String>,
    pub(crate) quoted_from: Option<i64>,
    pub(crate) author: Option<Author>,
    /// Who says it, if it is not the one at work who types it in.
    pub(crate) author_name: Option<String>,
    pub(crate) contact: Option<ContactId>,
    pub(crate) is_note: bool,
    pub(crate) channel: Option<Origin>,
    pub(crate) unverified: bool,
    pub(crate) automatic: bool,
    pub(crate) mail_id: Option<String>,
    /// How it fared, if it has left already: somebody wrote it elsewhere.
    pub(crate) fate: Option<Delivery>,
    /// Files that came with the call.
    pub(crate) uploads: Vec<Upload>,
    /// Files that the mail's HTML shows, by content id.
    pub(crate) inline: Vec<(Upload, String)>,
    /// Files that were uploaded before.
    pub(crate) file_ids: Vec<FileId>,
    /// Until when its author may take it back.
    pub(crate) held_until: Option<Millis>,
}

impl Draft {
    /// A public message of the desk.
    pub(crate) fn support(body: String) -> Draft {
        Draft {
            body,
            author: Some(Author::Support),
            ..Draft::default()
        }
    }

    /// A message of the client's side.
    pub(crate) fn client(body: String) -> Draft {
        Draft {
            body,
            author: Some(Author::Client),
            ..Draft::default()
        }
    }

    /// A note that only staff see.
    pub(crate) fn note(body: String) -> Draft {
        Draft {
            is_note: true,
            ..Draft::support(body)
        }
    }

    fn has_files(&self) -> bool {
        !(self.uploads.is_empty() && self.inline.is_empty() && self.file_ids.is_empty())
    }
}

/// What tells whether a message still says what was written: the database does not see a byte that the disk has changed.
pub(crate) fn digest(body: &str, html: Option<&str>) -> i64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(body.len() as u64).to_le_bytes());
    hasher.update(body.as_bytes());
    if let Some(html) = html {
        hasher.update(html.as_bytes());
    }
    let mut first = [0; 8];
    hasher.finalize_xof().fill(&mut first);
    i64::from_le_bytes(first)
}

/// Why an answer by mail could not even be queued.
pub(super) const NO_MAILBOX: &str = "there is no mailbox to send from, or no address to send to";

/// Why an answer in a messenger could not even be queued.
const NO_CHAT: &str = "the channel is gone, or there is no chat to write to";

/// Writes a message into its ticket's row, history, index and, if it is to go out, the outbox. Leaves the ticket's status
/// and the saving of its row to the caller.
pub(super) fn write(cx: &Acting<'_>, ticket: &mut Record, draft: Draft) -> Result<MessageId> {
    if draft.body.trim().is_empty() && !draft.has_files() {
        return Err(Error::invalid("message", Fault::Empty));
    }
    let author = draft.author.unwrap_or(Author::System);
    let outgoing = author == Author::Support && !draft.is_note && ticket.message_count > 0;
    let way = if outgoing && draft.fate.is_none() {
        Some(change::way_out(cx, ticket)?)
    } else {
        None
    };
    let held = draft.held_until.filter(|_| outgoing);
    let delivery = way.map(|way| match way {
        _ if held.is_some() => Delivery::Pending,
        WayOut::Here => Delivery::Sent,
        WayOut::Channel => Delivery::Pending,
        WayOut::Nowhere => Delivery::Failed,
    });
    let delivery = delivery.or(draft.fate);
    let nowhere = way == Some(WayOut::Nowhere) && held.is_none();
    let trouble = nowhere.then_some(match ticket.channel {
        Origin::Email => NO_MAILBOX,
        _ => NO_CHAT,
    });
    let ordinal = ticket.next_ordinal;
    run(
        cx.tx,
        "insert into message (tenant_id, ticket_id, ordinal, author_type, operator_id, contact_id, author_name, body, html,
                              quoted_from, is_note, channel, unverified, automatic, mail_id, created_at, delivery_status,
                              delivery_error, held_until, digest)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)",
        rusqlite::params![
            cx.tenant,
            ticket.id,
            ordinal,
            author,
            cx.operator().filter(|_| author == Author::Support),
            draft.contact,
            draft.author_name.as_deref().unwrap_or(&cx.actor.name),
            draft.body,
            draft.html,
            draft.quoted_from,
            draft.is_note,
            draft.channel.unwrap_or(ticket.channel),
            draft.unverified,
            draft.automatic,
            draft.mail_id,
            cx.tx.now,
            delivery,
            trouble,
            held,
            digest(&draft.body, draft.html.as_deref()),
        ],
    )?;
    let id = MessageId(cx.tx.last_insert_rowid());
    files::attach(cx, ticket.id, id, &draft)?;
    search::insert(
        cx.tx,
        search::key(cx.tenant, ticket.id, ordinal),
        &ticket.subject,
        &draft.body,
    )?;
    ticket.next_ordinal += 1;
    ticket.last_message_id = Some(id.0);
    if !draft.is_note {
        ticket.message_count += 1;
    }
    if author == Author::Client && !draft.is_note {
        ticket.unread_count += 1;
    }
    let posted = Event {
        kind: match held {
            Some(_) => "held",
            None if draft.is_note => "note",
            None => "message",
        },
        message: Some(id),
        author: Some(author),
        is_note: draft.is_note,
        ..Event::default()
    };
    event::write(cx, ticket.id, &posted)?;
    if way == Some(WayOut::Channel) && held.is_none() {
        outbox::enqueue(cx, ticket, id)?;
    }
    Ok(id)
}

/// Posts a message of the desk: a public answer or a note.
pub(crate) fn post_by_support(
    cx: &Acting<'_>,
    ticket: &mut Record,
    draft: Draft,
) -> Result<MessageId> {
    if let Some(into) = ticket.merged_into {
        return Err(change::merged(into));
    }
    let goes_out = !draft.is_note && draft.held_until.is_none();
    let id = write(cx, ticket, draft)?;
    if goes_out {
        replied(cx, ticket)?;
    }
    ticket.save(cx.tx, cx.tx.now)?;
    Ok(id)
}

/// What a public answer does to its ticket.
pub(super) fn replied(cx: &Acting<'_>, ticket: &mut Record) -> Result<()> {
    if ticket.first_response_at.is_none() {
        answered(ticket, cx.tx.now);
    }
    match status::support_reply(ticket.status) {
        Some(next) => step_to(cx, ticket, next, None),
        None => Ok(()),
    }
}

/// Posts what a rule says: to the client, or as a note. It is no answer of the desk's people, so it stops no clock and moves
/// no status. The caller saves the ticket.
pub(crate) fn post_by_rule(
    cx: &Acting<'_>,
    ticket: &mut Record,
    draft: Draft,
) -> Result<MessageId> {
    write(cx, ticket, draft)
}

/// Leaves a note of the program's own, such as the page a visitor wrote from.
pub(crate) fn post_system_note(cx: &Acting<'_>, ticket: &mut Record, body: String) -> Result<()> {
    let note = Draft {
        author: Some(Author::System),
        ..Draft::note(body)
    };
    write(cx, ticket, note)?;
    ticket.save(cx.tx, cx.tx.now)
}

/// Posts a message of the client's side. What is written to a merged ticket comes to where it went on; a reply on a ticket that was closed too long ago opens a new one that names it;
/// the answer tells which ticket the message is in.
pub(crate) fn post_by_client(
    cx: &Acting<'_>,
    mut ticket: Record,
    draft: Draft,
) -> Result<(Record, MessageId)> {
    if ticket.merged_into.is_some() {
        ticket = record::gone_on(cx.tx, cx.tenant, ticket.id)?;
    }
    let days = tenant::by_id(cx.tx, cx.tenant)?.settings.reopen_window_days;
    let closed_at = ticket.closed_at.unwrap_or(ticket.updated_at);
    // A machine's answer tells nothing of what the client wants: it is kept and moves nothing.
    let effect = if draft.automatic {
        ClientReply::Stays
    } else {
        status::client_reply(ticket.status, Window::at(closed_at, cx.tx.now, days))
    };
    if effect == ClientReply::OpensNew {
        let phone = phone_of(cx.tx, cx.tenant, ticket.id)?;
        let new = NewTicket {
            priority: ticket.priority,
            category: ticket.category.clone(),
            channel_id: ticket.channel_id,
            client: ticket.client,
            contact: ticket.contact,
            client_user_id: ticket.client_user_id,
            client_session: ticket.client_session.clone(),
            creator_email: ticket.creator_email.clone(),
            creator_phone: phone,
            locale: ticket.locale,
            previous: Some(ticket.id),
            ..NewTicket::new(
                ticket.subject.clone(),
                ticket.channel,
                ticket.creator_name.clone(),
            )
        };
        return super::open(cx, new, draft);
    }
    if !draft.automatic {
        snooze::wake(cx, &mut ticket)?;
    }
    let id = write(cx, &mut ticket, draft)?;
    if effect == ClientReply::Reopens {
        step_to(cx, &mut ticket, Status::Reopened, None)?;
    }
    ticket.save(cx.tx, cx.tx.now)?;
    Ok((ticket, id))
}

pub(super) fn phone_of(
    conn: &Connection,
    tenant: TenantId,
    id: TicketId,
) -> Result<Option<String>> {
    one(
        conn,
        "select creator_phone from ticket where tenant_id = ?1 and id = ?2",
        (tenant, id),
        |row| row.get(0),
    )
}

/// What editing and deleting need to know of a message.
pub(crate) struct Stored {
    pub(crate) id: MessageId,
    pub(crate) ticket: TicketId,
    pub(crate) ordinal: i64,
    pub(crate) author: Author,
    pub(crate) operator: Option<OperatorId>,
    pub(crate) is_note: bool,
    pub(crate) body: String,
    /// Whether it has not left yet.
    pub(crate) is_held: bool,
}

pub(crate) fn by_id(conn: &Connection, tenant: TenantId, id: MessageId) -> Result<Stored> {
    first(
        conn,
        "select m.id, m.ticket_id, m.ordinal, m.author_type, m.operator_id, m.is_note, m.body, m.held_until is not null
           from message m
           join ticket t on t.tenant_id = m.tenant_id and t.id = m.ticket_id and t.deleted_at is null
          where m.tenant_id = ?1 and m.id = ?2 and m.deleted_at is null",
        (tenant, id),
        |row| {
            Ok(Stored {
                id: row.get(0)?,
                ticket: row.get(1)?,
                ordinal: row.get(2)?,
                author: row.get(3)?,
                operator: row.get(4)?,
                is_note: row.get(5)?,
                body: row.get(6)?,
                is_held: row.get(7)?,
            })
        },
    )?
    .ok_or_else(|| Error::new(Code::MessageNotFound).on("message_id"))
}

/// Replaces a message's text; the earlier one is kept.
pub(crate) fn edit(cx: &Acting<'_>, message: &Stored, body: &str) -> Result<()> {
    if message.body == body {
        return Ok(());
    }
    run(
        cx.tx,
        "insert into message_edit (tenant_id, message_id, body, edited_at, edited_by) values (?1, ?2, ?3, ?4, ?5)",
        (cx.tenant, message.id, &message.body, cx.tx.now, cx.actor.id),
    )?;
    run(
        cx.tx,
        "update message
            set body = ?3, html = null, quoted_from = null, edited_at = ?4, digest = ?5
          where tenant_id = ?1 and id = ?2",
        (cx.tenant, message.id, body, cx.tx.now, digest(body, None)),
    )?;
    let mut ticket = record::by_id(cx.tx, cx.tenant, message.ticket)?;
    let key = search::key(cx.tenant, ticket.id, message.ordinal);
    search::remove(cx.tx, key)?;
    search::insert(cx.tx, key, &ticket.subject, body)?;
    outbox::follow(cx, message.id, outbox::Kind::Edit)?;
    changed(cx, &mut ticket, message, "message_edited")
}

/// Gives a message the words that came later than its first part; that is no edit.
pub(crate) fn amend(cx: &Acting<'_>, message: &Stored, body: &str) -> Result<()> {
    // The HTML that it may have stays, so the digest is that of both.
    let html: Option<String> = one(
        cx.tx,
        "select html from message where tenant_id = ?1 and id = ?2",
        (cx.tenant, message.id),
        |row| row.get(0),
    )?;
    run(
        cx.tx,
        "update message set body = ?3, digest = ?4 where tenant_id = ?1 and id = ?2",
        (cx.tenant, message.id, body, digest(body, html.as_deref())),
    )?;
    let ticket = record::by_id(cx.tx, cx.tenant, message.ticket)?;
    let key = search::key(cx.tenant, ticket.id, message.ordinal);
    search::remove(cx.tx, key)?;
    search::insert(cx.tx, key, &ticket.subject, body)
}

/// Tells who looks on that something beside a message's words has changed. Answers the message's ticket.
pub(crate) fn touched(cx: &Acting<'_>, message: MessageId) -> Result<TicketId> {
    let (ticket, author): (TicketId, Author) = one(
        cx.tx,
        "select ticket_id, author_type from message where tenant_id = ?1 and id = ?2",
        (cx.tenant, message),
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let entry = Event {
        kind: "touched",
        message: Some(message),
        author: Some(author),
        ..Event::default()
    };
    event::write(cx, ticket, &entry)?;
    Ok(ticket)
}

/// Notes a provider's receipt. Receipts overtake each other: what was read is not merely delivered afterwards, and does
/// not fail. Answers the message's ticket.
pub(crate) fn receipt(
    cx: &Acting<'_>,
    message: MessageId,
    status: Delivery,
    why: Option<&str>,
) -> Result<TicketId> {
    let (ticket, stored): (TicketId, Option<Delivery>) = one(
        cx.tx,
        "select ticket_id, delivery_status from message where tenant_id = ?1 and id = ?2",
        (cx.tenant, message),
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let rank = |status: Delivery| match status {
        Delivery::Failed => 0,
        Delivery::Pending => 1,
        Delivery::Sent => 2,
        Delivery::Delivered => 3,
        Delivery::Read => 4,
    };
    let Some(stored) = stored else {
        return Ok(ticket);
    };
    let news = match status {
        Delivery::Failed => rank(stored) <= rank(Delivery::Sent) && stored != Delivery::Failed,
        _ => rank(status) > rank(stored),
    };
    if news {
        delivered(cx, ticket, message, status, why)?;
    }
    Ok(ticket)
}

/// Deletes a message softly: a tombstone without text stays in its place.
pub(crate) fn delete(cx: &Acting<'_>, message: &Stored) -> Result<()> {
    run(
        cx.tx,
        "update message set deleted_at = ?3, held_until = null where tenant_id = ?1 and id = ?2",
        (cx.tenant, message.id, cx.tx.now),
    )?;
    outbox::withdraw(cx, message.id)?;
    outbox::follow(cx, message.id, outbox::Kind::Revoke)?;
    let mut ticket = record::by_id(cx.tx, cx.tenant, message.ticket)?;
    search::remove(cx.tx, search::key(cx.tenant, ticket.id, message.ordinal))?;
    recount(cx, &mut ticket)?;
    changed(cx, &mut ticket, message, "message_deleted")
}

/// Counts anew what a ticket's row keeps of its messages.
pub(super) fn recount(cx: &Acting<'_>, ticket: &mut Record) -> Result<()> {
    (
        ticket.message_count,
        ticket.unread_count,
        ticket.last_message_id,
    ) = one(
        cx.tx,
        "select coalesce(sum(not is_note), 0),
                coalesce(sum(author_type = 'client' and not is_note and read_at is null), 0),
                (select id from message
                  where tenant_id = ?1 and ticket_id = ?2 and deleted_at is null
                  order by ordinal desc limit 1)
           from message
          where tenant_id = ?1 and ticket_id = ?2 and deleted_at is null",
        (cx.tenant, ticket.id),
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let used: i64 = one(
        cx.tx,
        "select coalesce(max(ordinal), 0) from message where tenant_id = ?1 and ticket_id = ?2",
        (cx.tenant, ticket.id),
        |row| row.get(0),
    )?;
    ticket.next_ordinal = ticket.next_ordinal.max(used + 1);
    Ok(())
}

fn changed(
    cx: &Acting<'_>,
    ticket: &mut Record,
    message: &Stored,
    kind: &'static str,
) -> Result<()> {
    ticket.save(cx.tx, cx.tx.now)?;
    let entry = Event {
        kind,
        message: Some(message.id),
        author: Some(message.author),
        is_note: message.is_note,
        ..Event::default()
    };
    event::write(cx, ticket.id, &entry)
}

/// Which side reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    Staff,
    Client,
}

/// How many of the client's messages no operator has read.
fn unread(cx: &Acting<'_>, ticket: TicketId) -> Result<i64> {
    one(
        cx.tx,
        "select count(*) from message
          where tenant_id = ?1 and ticket_id = ?2 and author_type = 'client' and not is_note
            and read_at is null and deleted_at is null",
        (cx.tenant, ticket),
        |row| row.get(0),
    )
}

/// Marks the other side's messages read, as far as `last`, the newest that was shown: one that came meanwhile stays unread.
pub(crate) fn mark_read(
    cx: &Acting<'_>,
    ticket: TicketId,
    reader: Reader,
    last: MessageId,
) -> Result<()> {
    let values = (cx.tenant, ticket, cx.tx.now, last);
    let marked = match reader {
        Reader::Staff => run(
            cx.tx,
            "update message set read_at = ?3
              where tenant_id = ?1 and ticket_id = ?2 and author_type = 'client' and read_at is null and id <= ?4",
            values,
        )?,
        Reader::Client => run(
            cx.tx,
            "update message
                set read_at = ?3,
                    delivery_status = iif(delivery_status in ('sent', 'delivered'), 'read', delivery_status)
              where tenant_id = ?1 and ticket_id = ?2 and author_type = 'support' and not is_note
                and held_until is null and read_at is null and id <= ?4",
            values,
        )?,
    };
    if marked == 0 {
        return Ok(());
    }
    if reader == Reader::Staff {
        run(
            cx.tx,
            "update ticket set unread_count = ?3 where tenant_id = ?1 and id = ?2",
            (cx.tenant, ticket, unread(cx, ticket)?),
        )?;
    }
    let entry = Event {
        kind: "read",
        author: Some(match reader {
            Reader::Staff => Author::Client,
            Reader::Client => Author::Support,
        }),
        ..Event::default()
    };
    event::write(cx, ticket, &entry)
}

/// Notes that a message has arrived, unless it is known to have been read already.
pub(crate) fn arrived(cx: &Acting<'_>, ticket: TicketId, message: MessageId) -> Result<()> {
    let unread: bool = one(
        cx.tx,
        "select delivery_status = 'sent' from message where tenant_id = ?1 and id = ?2",
        (cx.tenant, message),
        |row| row.get(0),
    )?;
    if unread {
        delivered(cx, ticket, message, Delivery::Delivered, None)?;
    }
    Ok(())
}

/// Notes how a message fared on its way out.
pub(crate) fn delivered(
    cx: &Acting<'_>,
    ticket: TicketId,
    message: MessageId,
    outcome: Delivery,
    error: Option<&str>,
) -> Result<()> {
    run(
        cx.tx,
        "update message set delivery_status = ?3, delivery_error = ?4 where tenant_id = ?1 and id = ?2",
        (cx.tenant, message, outcome, error),
    )?;
    let entry = Event {
        kind: "delivery",
        message: Some(message),
        author: Some(Author::Support),
        new: Some(outcome.as_str()),
        note: error,
        ..Event::default()
    };
    event::write(cx, ticket, &entry)
}
