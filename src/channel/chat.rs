//! Conversations of messengers: which chat a name stands for, which ticket it is held in, and what the provider calls each
//! message.
use super::{
    config::Channel,
    heard::{Person, Place},
};
use crate::{
    api::field::{ChannelId, ClientId, ContactId, MessageId, TenantId, TicketId},
    clock::Millis,
    db::{
        Tx,
        sql::{all, first, one, run},
    },
    error::Result,
    notification::staff,
};
use rusqlite::{Connection, Row};

/// A chat.
#[derive(Clone, Debug)]
pub(crate) struct Chat {
    pub(crate) id: i64,
    pub(crate) tenant: TenantId,
    pub(crate) channel: ChannelId,
    pub(crate) address: String,
    pub(crate) topic: Option<String>,
    pub(crate) is_group: bool,
    pub(crate) title: String,
    pub(crate) contact: Option<ContactId>,
}

fn read(row: &Row<'_>) -> rusqlite::Result<Chat> {
    Ok(Chat {
        id: row.get("id")?,
        tenant: row.get("tenant_id")?,
        channel: row.get("channel_id")?,
        address: row.get("address")?,
        topic: row.get("topic")?,
        is_group: row.get("is_group")?,
        title: row.get("title")?,
        contact: row.get("contact_id")?,
    })
}

pub(crate) fn by_id(conn: &Connection, tenant: TenantId, id: i64) -> Result<Option<Chat>> {
    first(
        conn,
        "select * from chat where tenant_id = ?1 and id = ?2",
        (tenant, id),
        read,
    )
}

/// A name as it is kept: topics of a group are chats of their own.
fn key(name: &str, topic: Option<&str>) -> String {
    topic.map_or_else(|| name.to_owned(), |topic| format!("{name}/{topic}"))
}

/// The chats that some of these names stand for, the oldest first.
fn named(
    conn: &Connection,
    tenant: TenantId,
    channel: ChannelId,
    keys: &[String],
) -> Result<Vec<Chat>> {
    let keys = serde_json::to_string(keys)?;
    all(
        conn,
        "select * from chat
          where tenant_id = ?1
            and id in (select chat_id from chat_name
                        where tenant_id = ?1 and channel_id = ?2 and name in (select value from json_each(?3)))
          order by id",
        (tenant, channel, keys),
        read,
    )
}

/// The chat of a place, if somebody has spoken there before.
pub(crate) fn find(tx: &Tx<'_>, channel: &Channel, place: &Place) -> Result<Option<Chat>> {
    let keys: Vec<String> = place
        .names
        .iter()
        .map(|n| key(n, place.topic.as_deref()))
        .collect();
    Ok(named(tx, channel.tenant, channel.id, &keys)?
        .into_iter()
        .next())
}

/// The chat of a place, made if nobody has spoken there yet. Names that turn out to stand for the same chat make it one.
pub(crate) fn at(tx: &Tx<'_>, channel: &Channel, place: &Place, by: &Person) -> Result<Chat> {
    let (tenant, topic) = (channel.tenant, place.topic.as_deref());
    let keys: Vec<String> = place.names.iter().map(|n| key(n, topic)).collect();
    let mut known = named(tx, tenant, channel.id, &keys)?.into_iter();
    let address = place.names.first().cloned().unwrap_or_default();
    let mut chat = match known.next() {
        Some(chat) => chat,
        None => {
            let contact = if place.is_group {
                None
            } else {
                Some(contact_of(tx, channel, by)?)
            };
            open(tx, channel, place, by, contact)?
        }
    };
    // An operator's chat is nobody's of the clients, until they write there as one.
    if !place.is_group && chat.contact.is_none() {
        chat.contact = Some(contact_of(tx, channel, by)?);
        bind(tx, &chat, chat.contact)?;
    }
    for other in known {
        join(tx, &mut chat, &other)?;
    }
    name(tx, &chat, &keys)?;
    // WhatsApp's privacy ids come and go; a number, once it is known, is the better address.
    let better = !address.is_empty() && !address.ends_with("@lid");
    if chat.address != address && better {
        run(
            tx,
            "update chat set address = ?3 where tenant_id = ?1 and id = ?2",
            (tenant, chat.id, &address),
        )?;
        chat.address = address;
    }
    Ok(chat)
}

/// The chat of a place in which an operator is told of things. It makes no contact of them.
pub(crate) fn of_staff(tx: &Tx<'_>, channel: &Channel, place: &Place, by: &Person) -> Result<Chat> {
    if let Some(chat) = find(tx, channel, place)? {
        return Ok(chat);
    }
    let chat = open(tx, channel, place, by, None)?;
    let topic = place.topic.as_deref();
    let keys: Vec<String> = place.names.iter().map(|n| key(n, topic)).collect();
    name(tx, &chat, &keys)?;
    Ok(chat)
}

/// A new chat, not named yet.
fn open(
    tx: &Tx<'_>,
    channel: &Channel,
    place: &Place,
    by: &Person,
    contact: Option<ContactId>,
) -> Result<Chat> {
    let address = place.names.first().cloned().unwrap_or_default();
    let title = [&place.title, &by.name, &address]
        .into_iter()
        .find(|t| !t.is_empty())
        .cloned()
        .unwrap_or_default();
    let id = one(
        tx,
        "insert into chat (tenant_id, channel_id, address, topic, is_group, title, contact_id, created_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) returning id",
        (
            channel.tenant,
            channel.id,
            &address,
            &place.topic,
            place.is_group,
            &title,
            contact,
            tx.now,
        ),
        |row| row.get(0),
    )?;
    Ok(Chat {
        id,
        tenant: channel.tenant,
        channel: channel.id,
        address,
        topic: place.topic.clone(),
        is_group: place.is_group,
        title,
        contact,
    })
}

/// Notes what a chat is called.
fn name(tx: &Tx<'_>, chat: &Chat, keys: &[String]) -> Result<()> {
    for key in keys {
        run(
            tx,
            "insert into chat_name (tenant_id, channel_id, name, chat_id) values (?1, ?2, ?3, ?4)
             on conflict do update set chat_id = excluded.chat_id",
            (chat.tenant, chat.channel, key, chat.id),
        )?;
    }
    Ok(())
}

/// Two chats turned out to be one: the older one goes on with what the other had.
fn join(tx: &Tx<'_>, chat: &mut Chat, other: &Chat) -> Result<()> {
    let values = (chat.tenant, other.id, chat.id);
    for sql in [
        "update chat_name set chat_id = ?3 where tenant_id = ?1 and chat_id = ?2",
        "update ticket_chat set chat_id = ?3 where tenant_id = ?1 and chat_id = ?2",
        "update chat_message set chat_id = ?3 where tenant_id = ?1 and chat_id = ?2",
        "update outbox set chat_id = ?3 where tenant_id = ?1 and chat_id = ?2",
        "update or ignore staff_chat set chat_id = ?3 where tenant_id = ?1 and chat_id = ?2",
    ] {
        run(tx, sql, values)?;
    }
    if chat.contact.is_none() && other.contact.is_some() {
        chat.contact = other.contact;
        bind(tx, chat, other.contact)?;
    }
    run(
        tx,
        "delete from chat where tenant_id = ?1 and id = ?2",
        (chat.tenant, other.id),
    )?;
    Ok(())
}

fn bind(tx: &Tx<'_>, chat: &Chat, contact: Option<ContactId>) -> Result<()> {
    run(
        tx,
        "update chat set contact_id = ?3 where tenant_id = ?1 and id = ?2",
        (chat.tenant, chat.id, contact),
    )?;
    Ok(())
}

/// The contact with a number, however it is written.
fn contact_with(conn: &Connection, tenant: TenantId, digits: &str) -> Result<Option<ContactId>> {
    if digits.is_empty() {
        return Ok(None);
    }
    first(
        conn,
        "select id from contact
          where tenant_id = ?1
            and replace(replace(replace(replace(replace(phone, '+', ''), ' ', ''), '-', ''), '(', ''), ')', '') = ?2
          order by id limit 1",
        (tenant, digits),
        |row| row.get(0),
    )
}

/// Who somebody is: known by a number that the provider vouches for, or somebody new.
fn contact_of(tx: &Tx<'_>, channel: &Channel, by: &Person) -> Result<ContactId> {
    let phone = by.phone.as_deref().unwrap_or_default();
    if let Some(known) = contact_with(tx, channel.tenant, phone)? {
        return Ok(known);
    }
    let name = if by.name.is_empty() {
        format!("{} {}", channel.name, by.id)
    } else {
        by.name.clone()
    };
    one(
        tx,
        "insert into contact (tenant_id, name, phone, created_at) values (?1, ?2, ?3, ?4) returning id",
        (
            channel.tenant,
            name.trim(),
            (!phone.is_empty()).then(|| format!("+{phone}")),
            tx.now,
        ),
        |row| row.get(0),
    )
}

/// Somebody has proved a number. If it is that of a contact the desk knows, it is they who write here.
pub(crate) fn proved(tx: &Tx<'_>, chat: &mut Chat, phone: &str) -> Result<()> {
    let Some(contact) = chat.contact.filter(|_| !chat.is_group) else {
        return Ok(());
    };
    match contact_with(tx, chat.tenant, phone)? {
        Some(known) if known == contact => Ok(()),
        Some(known) => {
            chat.contact = Some(known);
            bind(tx, chat, chat.contact)?;
            run(
                tx,
                "update ticket
                    set contact_id = ?3,
                        client_id = coalesce(client_id, (select client_id from contact where tenant_id = ?1 and id = ?3))
                  where tenant_id = ?1 and id in (select ticket_id from ticket_chat where tenant_id = ?1 and chat_id = ?2)",
                (chat.tenant, chat.id, known),
            )?;
            Ok(())
        }
        None => {
            run(
                tx,
                "update contact set phone = coalesce(phone, ?3) where tenant_id = ?1 and id = ?2",
                (chat.tenant, contact, format!("+{phone}")),
            )?;
            Ok(())
        }
    }
}

/// Whose a chat is from now on: its person's, and so its tickets' that are nobody's yet.
pub(crate) fn belongs(tx: &Tx<'_>, chat: &Chat, client: ClientId) -> Result<()> {
    run(
        tx,
        "update contact set client_id = ?3 where tenant_id = ?1 and id = ?2",
        (chat.tenant, chat.contact, client),
    )?;
    run(
        tx,
        "update ticket set client_id = ?3
          where tenant_id = ?1 and client_id is null
            and id in (select ticket_id from ticket_chat where tenant_id = ?1 and chat_id = ?2)",
        (chat.tenant, chat.id, client),
    )?;
    Ok(())
}

/// The client of who is there.
pub(crate) fn client_of(conn: &Connection, chat: &Chat) -> Result<Option<ClientId>> {
    let found: Option<Option<ClientId>> = first(
        conn,
        "select client_id from contact where tenant_id = ?1 and id = ?2",
        (chat.tenant, chat.contact),
        |row| row.get(0),
    )?;
    Ok(found.flatten())
}

/// A chat goes on under another name.
pub(crate) fn moved(
    tx: &Tx<'_>,
    tenant: TenantId,
    channel: ChannelId,
    from: &str,
    to: &str,
) -> Result<bool> {
    let chats: Vec<i64> = all(
        tx,
        "select id from chat where tenant_id = ?1 and channel_id = ?2 and address = ?3",
        (tenant, channel, from),
        |row| row.get(0),
    )?;
    for id in &chats {
        run(
            tx,
            "update chat set address = ?3 where tenant_id = ?1 and id = ?2",
            (tenant, id, to),
        )?;
        run(
            tx,
            "insert into chat_name (tenant_id, channel_id, name, chat_id)
             select tenant_id, channel_id, ?3 || iif(topic is null, '', '/' || topic), id
               from chat where tenant_id = ?1 and id = ?2
             on conflict do update set chat_id = excluded.chat_id",
            (tenant, id, to),
        )?;
    }
    Ok(!chats.is_empty())
}

/// Whether somebody takes what we send.
pub(crate) fn reachable(tx: &Tx<'_>, tenant: TenantId, chat: i64, reachable: bool) -> Result<()> {
    staff::heard(tx, tenant, chat, reachable)?;
    run(
        tx,
        "update chat set blocked_at = iif(?3, null, coalesce(blocked_at, ?4)) where tenant_id = ?1 and id = ?2",
        (tenant, chat, reachable, tx.now),
    )?;
    Ok(())
}

/// The chat that a ticket is held in. One that was split off goes on where its contact is.
pub(crate) fn of_ticket(
    conn: &Connection,
    tenant: TenantId,
    ticket: TicketId,
    (channel, contact): (Option<ChannelId>, Option<ContactId>),
) -> Result<Option<Chat>> {
    let held = first(
        conn,
        "select c.* from chat c
          where c.tenant_id = ?1
            and c.id = (select chat_id from ticket_chat where tenant_id = ?1 and ticket_id = ?2)",
        (tenant, ticket),
        read,
    )?;
    if held.is_some() || contact.is_none() {
        return Ok(held);
    }
    first(
        conn,
        "select * from chat
          where tenant_id = ?1 and contact_id = ?3 and channel_id = ?2 and not is_group
          order by id desc limit 1",
        (tenant, channel, contact),
        read,
    )
}

/// The ticket that a chat is about now: the newest that is open, else the newest.
pub(crate) fn ticket_of(conn: &Connection, chat: &Chat) -> Result<Option<TicketId>> {
    first(
        conn,
        "select t.id from ticket_chat h
           join ticket t on t.tenant_id = h.tenant_id and t.id = h.ticket_id and t.deleted_at is null
          where h.tenant_id = ?1 and h.chat_id = ?2
          order by t.is_open desc, t.id desc limit 1",
        (chat.tenant, chat.id),
        |row| row.get(0),
    )
}

/// Notes that a ticket is held in a chat, and who began it there.
pub(crate) fn hold(tx: &Tx<'_>, chat: &Chat, ticket: TicketId, by: &Person) -> Result<()> {
    // Who writes in a group's own name stays unknown.
    let is_unknown = by.id.is_empty() || (chat.is_group && by.id == chat.address);
    run(
        tx,
        "insert into ticket_chat (tenant_id, ticket_id, chat_id, person) values (?1, ?2, ?3, ?4) on conflict do nothing",
        (
            chat.tenant,
            ticket,
            chat.id,
            (!is_unknown).then_some(&by.id),
        ),
    )?;
    Ok(())
}

/// Whether it is somebody's own ticket: they began it in its chat. If nobody knows who did, it is everybody's there.
pub(crate) fn is_theirs(
    conn: &Connection,
    chat: &Chat,
    ticket: TicketId,
    by: &Person,
) -> Result<bool> {
    let person: Option<Option<String>> = first(
        conn,
        "select person from ticket_chat where tenant_id = ?1 and ticket_id = ?2",
        (chat.tenant, ticket),
        |row| row.get(0),
    )?;
    Ok(person.flatten().is_none_or(|person| person == by.id))
}

/// A message that the provider knows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    pub(crate) message: MessageId,
    pub(crate) chat: i64,
}

/// The message that a provider calls so.
pub(crate) fn message(
    conn: &Connection,
    tenant: TenantId,
    channel: ChannelId,
    external: &str,
) -> Result<Option<Known>> {
    first(
        conn,
        "select message_id, chat_id from chat_message where tenant_id = ?1 and channel_id = ?2 and external_id = ?3",
        (tenant, channel, external),
        |row| {
            Ok(Known {
                message: row.get(0)?,
                chat: row.get(1)?,
            })
        },
    )
}

/// The message that an album's earlier parts made.
pub(crate) fn message_of_album(
    conn: &Connection,
    chat: &Chat,
    album: &str,
) -> Result<Option<MessageId>> {
    first(
        conn,
        "select message_id from chat_message where tenant_id = ?1 and chat_id = ?2 and album = ?3 limit 1",
        (chat.tenant, chat.id, album),
        |row| row.get(0),
    )
}

/// What a provider calls a message, and what it belongs to there.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Name<'a> {
    pub(crate) external: &'a str,
    pub(crate) part: usize,
    pub(crate) album: Option<&'a str>,
    pub(crate) reply_to: Option<MessageId>,
}

/// Writes down what a provider calls a message.
pub(crate) fn know(tx: &Tx<'_>, chat: &Chat, message: MessageId, name: Name<'_>) -> Result<()> {
    run(
        tx,
        "insert into chat_message (tenant_id, channel_id, external_id, chat_id, message_id, part, album, reply_to_id)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         on conflict do nothing",
        (
            chat.tenant,
            chat.channel,
            name.external,
            chat.id,
            message,
            i64::try_from(name.part).unwrap_or(0),
            name.album,
            name.reply_to,
        ),
    )?;
    Ok(())
}

/// What a provider calls the parts of a message, in order.
pub(crate) fn externals(
    conn: &Connection,
    tenant: TenantId,
    message: MessageId,
) -> Result<Vec<String>> {
    all(
        conn,
        "select external_id from chat_message where tenant_id = ?1 and message_id = ?2 order by part, external_id",
        (tenant, message),
        |row| row.get(0),
    )
}

/// Writes down, or takes back, what somebody thinks of a message.
pub(crate) fn react(
    tx: &Tx<'_>,
    tenant: TenantId,
    message: MessageId,
    by: &Person,
    emoji: Option<&str>,
) -> Result<()> {
    match emoji {
        Some(emoji) => run(
            tx,
            "insert into reaction (tenant_id, message_id, author, author_name, emoji, at) values (?1, ?2, ?3, ?4, ?5, ?6)
             on conflict do update set emoji = excluded.emoji, author_name = excluded.author_name, at = excluded.at",
            (tenant, message, &by.id, &by.name, emoji, tx.now),
        )?,
        None => run(
            tx,
            "delete from reaction where tenant_id = ?1 and message_id = ?2 and author = ?3",
            (tenant, message, &by.id),
        )?,
    };
    Ok(())
}

/// Uses up a link that ties who opens it to a client.
pub(crate) fn use_link(
    tx: &Tx<'_>,
    channel: &Channel,
    hash: &[u8; 32],
) -> Result<Option<ClientId>> {
    first(
        tx,
        "delete from chat_link
          where token_hash = ?1 and tenant_id = ?2 and channel_id = ?3 and expires_at > ?4
          returning client_id",
        (hash, channel.tenant, channel.id, tx.now),
        |row| row.get(0),
    )
}

/// Makes a link that ties who opens it to a client.
pub(crate) fn make_link(
    tx: &Tx<'_>,
    channel: &Channel,
    client: ClientId,
    hash: &[u8; 32],
    expires: Millis,
) -> Result<()> {
    run(
        tx,
        "insert into chat_link (token_hash, tenant_id, channel_id, client_id, created_at, expires_at)
         values (?1, ?2, ?3, ?4, ?5, ?6)",
        (hash, channel.tenant, channel.id, client, tx.now, expires),
    )?;
    Ok(())
}
