//! What is said in a messenger becomes a message, a new ticket, an edit or a receipt; each with the rule that decided so.
use super::{Applied, Event, Outcome, button, words};
use crate::{
    access::secret::Purpose,
    api::{
        Upload,
        field::{MessageId, TicketId},
    },
    app::App,
    channel::{
        chat::{self, Chat, Name},
        config::{Channel, ChannelType},
        heard::{Heard, Link, Person, Place, Said},
        outbox::{self, Words},
    },
    clock::{MINUTE, SECOND},
    db::{
        Tx,
        sql::{first, one, run},
    },
    error::{Code, Result},
    lang::Lang,
    notification::staff,
    signal::Signal,
    tenant,
    ticket::{
        self, Acting, Actor, NewTicket, files,
        message::{self, Draft},
        model::{Author, Delivery, Origin},
        record,
    },
};

/// One thing that was heard, with its files in the store.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) heard: Heard,
    pub(super) uploads: Vec<Upload>,
    /// The files that could not be had: their names, and why.
    pub(super) lost: Vec<(String, String)>,
}

/// How long what is said about a message waits for the message itself: deliveries overtake each other.
const OVERTAKEN: i64 = MINUTE;
/// How long a message of our own waits for the word that it is one we sent.
const OWN: i64 = 20 * SECOND;

/// The desk's word for a channel.
pub(super) const fn origin(kind: ChannelType) -> Origin {
    match kind {
        ChannelType::Email => Origin::Email,
        ChannelType::Telegram => Origin::Telegram,
        ChannelType::Whatsapp => Origin::Whatsapp,
        ChannelType::Max => Origin::Max,
    }
}

fn done(outcome: &'static str, rule: &str, place: Option<(TicketId, MessageId)>) -> Applied {
    Applied::Done(Outcome {
        outcome,
        rule: rule.to_owned(),
        ticket: place.map(|p| p.0),
        message: place.map(|p| p.1),
        ..Outcome::default()
    })
}

fn ignored(rule: &str) -> Applied {
    Applied::Done(Outcome::ignored(rule))
}

pub(super) fn apply(
    tx: &Tx<'_>,
    app: &App,
    event: &Event,
    channel: &Channel,
    ready: Ready,
) -> Result<Applied> {
    let waited = tx.now - event.received_at;
    let overtaken = |rule: &str| {
        if waited < OVERTAKEN {
            Applied::Later(5 * SECOND)
        } else {
            ignored(rule)
        }
    };
    let Ready {
        heard,
        uploads,
        lost,
    } = ready;
    Ok(match heard {
        Heard::Said(said) if said.own => own(tx, channel, *said, uploads, waited)?,
        Heard::Said(said) => self::said(tx, channel, *said, uploads, &lost)?,
        Heard::Edited { id, text } => match of_client(tx, channel, &id)? {
            Some((author, message)) => {
                let cx = Acting::new(tx, channel.tenant, Actor::visitor(&author));
                if message.body == text {
                    return Ok(ignored("edit_without_change"));
                }
                message::edit(&cx, &message, &text)?;
                done("edited", "edit", Some((message.ticket, message.id)))
            }
            None => overtaken("edit_of_an_unknown_message"),
        },
        Heard::Removed { id } => match of_client(tx, channel, &id)? {
            Some((author, message)) => {
                let cx = Acting::new(tx, channel.tenant, Actor::visitor(&author));
                message::delete(&cx, &message)?;
                done("deleted", "revocation", Some((message.ticket, message.id)))
            }
            None => overtaken("revocation_of_an_unknown_message"),
        },
        Heard::Reacted { id, by, emoji } => {
            match chat::message(tx, channel.tenant, channel.id, &id)? {
                Some(known) => {
                    chat::react(tx, channel.tenant, known.message, &by, emoji.as_deref())?;
                    let cx = Acting::new(tx, channel.tenant, Actor::visitor(&by.name));
                    let ticket = message::touched(&cx, known.message)?;
                    done("reaction", "reaction", Some((ticket, known.message)))
                }
                None => overtaken("reaction_to_an_unknown_message"),
            }
        }
        Heard::Receipt { id, status, why } => {
            match chat::message(tx, channel.tenant, channel.id, &id)? {
                Some(known) => {
                    let cx = Acting::new(tx, channel.tenant, Actor::system());
                    let ticket = message::receipt(&cx, known.message, status, why.as_deref())?;
                    done("delivery_report", "receipt", Some((ticket, known.message)))
                }
                None => overtaken("receipt_for_an_unknown_message"),
            }
        }
        Heard::Pressed(press) => button::pressed(tx, app, channel, &press)?,
        Heard::Reachable { chat, reachable } => match chat::find(tx, channel, &chat)? {
            Some(chat) => {
                chat::reachable(tx, channel.tenant, chat.id, reachable)?;
                let rule = if reachable { "reachable" } else { "blocked" };
                done("noted", rule, None)
            }
            None => ignored("nobody_known"),
        },
        Heard::Started { chat, by, payload } => {
            started(tx, app, channel, (&chat, &by), payload.as_deref())?
        }
        Heard::Moved { from, to } => {
            if chat::moved(tx, channel.tenant, channel.id, &from, &to)? {
                done("noted", "group_moved", None)
            } else {
                ignored("nobody_known")
            }
        }
        Heard::Connection { state, why } => {
            linked(tx, channel, state, why.as_deref())?;
            done("noted", "connection", None)
        }
        Heard::Qr { image } => {
            run(
                tx,
                "update channel set qr = ?2, qr_at = ?3, state = 'connecting', state_at = ?3 where id = ?1",
                (channel.id, image, tx.now),
            )?;
            done("noted", "code_to_scan", None)
        }
        Heard::Nothing(rule) => ignored(rule),
    })
}

/// Writes down where the connection behind a channel stands.
pub(crate) fn linked(tx: &Tx<'_>, channel: &Channel, state: Link, why: Option<&str>) -> Result<()> {
    let trouble = (state == Link::Closed).then(|| {
        let why = why.unwrap_or("the connection to WhatsApp was lost");
        format!("{why}: scan the code again in the channel's settings")
    });
    run(
        tx,
        "update channel
            set state = ?2, state_at = ?3, qr = iif(?2 = 'open', null, qr), last_error = ?4,
                last_error_at = iif(?4 is null, null, ?3), error_side = null
          where id = ?1 and (state is not ?2 or last_error is not ?4)",
        (channel.id, state.as_str(), tx.now, trouble),
    )?;
    if state == Link::Open {
        outbox::hurry(tx, Some(channel.id))?;
        tx.signal(Signal::Outbox);
    }
    Ok(())
}

/// The client's message that the provider calls so, and who wrote it. One of ours is changed here, not there.
fn of_client(
    tx: &Tx<'_>,
    channel: &Channel,
    external: &str,
) -> Result<Option<(String, message::Stored)>> {
    let Some(known) = chat::message(tx, channel.tenant, channel.id, external)? else {
        return Ok(None);
    };
    let message = match message::by_id(tx, channel.tenant, known.message) {
        Ok(message) if message.author == Author::Client => message,
        Ok(_) => return Ok(None),
        Err(error) if error.code() == Code::MessageNotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let name = one(
        tx,
        "select author_name from message where tenant_id = ?1 and id = ?2",
        (channel.tenant, known.message),
        |row| row.get(0),
    )?;
    Ok(Some((name, message)))
}

fn said(
    tx: &Tx<'_>,
    channel: &Channel,
    said: Said,
    uploads: Vec<Upload>,
    lost: &[(String, String)],
) -> Result<Applied> {
    let tenant = channel.tenant;
    if chat::message(tx, tenant, channel.id, &said.id)?.is_some() {
        return Ok(ignored("duplicate"));
    }
    let mut chat = chat::at(tx, channel, &said.place, &said.by)?;
    chat::reachable(tx, tenant, chat.id, true)?;
    if channel.kind != ChannelType::Whatsapp
        && let Some(phone) = &said.by.phone
    {
        chat::proved(tx, &mut chat, phone)?;
    }
    let locale = tenant::by_id(tx, tenant)?.locale;
    let body = words::body(&said, lost, locale);
    let cx = Acting::new(tx, tenant, Actor::visitor(&said.by.name));
    if let Some(album) = &said.album
        && let Some(message) = chat::message_of_album(tx, &chat, album)?
    {
        return add_to_album(&cx, &chat, message, (&said, &body), &uploads);
    }
    let answered = match &said.reply_to {
        Some(external) => chat::message(tx, tenant, channel.id, external)?,
        None => None,
    };
    let quoted = answered.map(|known| known.message);
    // An answer to a message belongs where that message is; anything else where the chat is at.
    let by_reply = match answered.filter(|known| known.chat == chat.id) {
        Some(known) => ticket_of_message(tx, channel, known.message)?,
        None => None,
    };
    let (target, rule) = match by_reply {
        Some(ticket) => (Some(ticket), "reply"),
        None => match chat::ticket_of(tx, &chat)? {
            Some(ticket) => (Some(ticket), "chat"),
            None => (None, "first_message"),
        },
    };
    let target = match target {
        Some(ticket) => super::evidence::target(tx, tenant, ticket)?,
        None => None,
    };
    let draft = Draft {
        contact: chat.contact,
        author_name: Some(said.by.name.clone()).filter(|n| !n.is_empty()),
        channel: Some(origin(channel.kind)),
        uploads,
        ..Draft::client(body.clone())
    };
    let (ticket, message, outcome, rule) = match target {
        Some(ticket) => {
            let before = ticket.id;
            let (ticket, message) = message::post_by_client(&cx, ticket, draft)?;
            if ticket.id == before {
                (ticket, message, "message", rule)
            } else {
                (ticket, message, "ticket", "closed_too_long_ago")
            }
        }
        None => {
            let new = new_ticket(tx, channel, &chat, (&said, &body), locale)?;
            let (ticket, message) = ticket::open(&cx, new, draft)?;
            let rule = if rule == "first_message" {
                rule
            } else {
                "ticket_is_gone"
            };
            (ticket, message, "ticket", rule)
        }
    };
    chat::hold(tx, &chat, ticket.id, &said.by)?;
    let name = Name {
        external: &said.id,
        album: said.album.as_deref(),
        reply_to: quoted,
        ..Name::default()
    };
    chat::know(tx, &chat, message, name)?;
    Ok(done(outcome, rule, Some((ticket.id, message))))
}

/// A part of an album joins the message that the first part made; words may come with any part.
fn add_to_album(
    cx: &Acting<'_>,
    chat: &Chat,
    message: MessageId,
    (said, body): (&Said, &str),
    uploads: &[Upload],
) -> Result<Applied> {
    let stored = match message::by_id(cx.tx, cx.tenant, message) {
        Ok(stored) => stored,
        Err(error) if error.code() == Code::MessageNotFound => {
            return Ok(ignored("album_was_deleted"));
        }
        Err(error) => return Err(error),
    };
    for upload in uploads {
        files::insert(cx, upload, Some((stored.ticket, stored.id)), None)?;
    }
    if !body.trim().is_empty() {
        let whole = [stored.body.trim(), body.trim()].join("\n");
        message::amend(cx, &stored, whole.trim())?;
    }
    let name = Name {
        external: &said.id,
        album: said.album.as_deref(),
        ..Name::default()
    };
    chat::know(cx.tx, chat, message, name)?;
    message::touched(cx, message)?;
    Ok(done("message", "album", Some((stored.ticket, message))))
}

fn ticket_of_message(
    tx: &Tx<'_>,
    channel: &Channel,
    message: MessageId,
) -> Result<Option<TicketId>> {
    first(
        tx,
        "select ticket_id from message where tenant_id = ?1 and id = ?2",
        (channel.tenant, message),
        |row| row.get(0),
    )
}

/// What a ticket made of a chat is opened with.
fn new_ticket(
    tx: &Tx<'_>,
    channel: &Channel,
    chat: &Chat,
    (said, body): (&Said, &str),
    locale: Lang,
) -> Result<NewTicket> {
    let name = if chat.is_group {
        &chat.title
    } else {
        &said.by.name
    };
    let name = if name.is_empty() { &chat.title } else { name };
    let subject = words::subject(&said.text, name, locale);
    let mut new = NewTicket::new(subject, origin(channel.kind), name.clone());
    "general".clone_into(&mut new.category);
    new.channel_id = Some(channel.id);
    new.contact = chat.contact;
    new.client = chat::client_of(tx, chat)?;
    new.creator_phone = said.by.phone.as_ref().map(|p| format!("+{p}"));
    let spoken = said.by.locale.as_deref().and_then(Lang::of_tag);
    new.locale = Some(Lang::of_text(body).or(spoken).unwrap_or(locale));
    Ok(new)
}

/// What our own side wrote: through us, which is known already, or on the phone, which is an answer like another.
fn own(
    tx: &Tx<'_>,
    channel: &Channel,
    said: Said,
    uploads: Vec<Upload>,
    waited: i64,
) -> Result<Applied> {
    let tenant = channel.tenant;
    if chat::message(tx, tenant, channel.id, &said.id)?.is_some() {
        return Ok(ignored("sent_by_us"));
    }
    let Some(chat) = chat::find(tx, channel, &said.place)? else {
        return Ok(ignored("own_message_without_a_ticket"));
    };
    // The provider's word may come before its answer to our call, or instead of it.
    let ours: Option<(i64, MessageId)> = first(
        tx,
        "select o.id, o.message_id from outbox o
           join message m on m.tenant_id = o.tenant_id and m.id = o.message_id
          where o.tenant_id = ?1 and o.chat_id = ?2 and o.kind = 'answer' and o.progress = 0
            and trim(m.body) = trim(?3)
            and (o.state = 'queued' or o.finished_at > ?4)
            and not exists (select 1 from chat_message n where n.tenant_id = o.tenant_id and n.message_id = o.message_id)
          order by o.id limit 1",
        (tenant, chat.id, &said.text, tx.now - MINUTE),
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    if waited < OWN {
        let waiting: bool = one(
            tx,
            "select exists (select 1 from outbox where tenant_id = ?1 and chat_id = ?2 and state = 'queued')",
            (tenant, chat.id),
            |row| row.get(0),
        )?;
        if waiting {
            return Ok(Applied::Later(3 * SECOND));
        }
    }
    if let Some((row, message)) = ours {
        let name = Name {
            external: &said.id,
            ..Name::default()
        };
        chat::know(tx, &chat, message, name)?;
        run(
            tx,
            "update outbox set progress = max(progress, 1) where tenant_id = ?1 and id = ?2",
            (tenant, row),
        )?;
        let ticket = ticket_of_message(tx, channel, message)?;
        return Ok(done("noted", "sent_by_us", ticket.map(|t| (t, message))));
    }
    let target = match chat::ticket_of(tx, &chat)? {
        Some(ticket) => super::evidence::target(tx, tenant, ticket)?,
        None => None,
    };
    let Some(mut ticket) = target else {
        return Ok(ignored("own_message_without_a_ticket"));
    };
    let locale = tenant::by_id(tx, tenant)?.locale;
    let body = words::body(&said, &[], locale);
    let cx = Acting::new(tx, tenant, Actor::visitor(locale.pick(PHONE)));
    let draft = Draft {
        author_name: Some(locale.pick(PHONE).to_owned()),
        channel: Some(origin(channel.kind)),
        fate: Some(Delivery::Sent),
        uploads,
        ..Draft::support(body)
    };
    let message = message::post_by_support(&cx, &mut ticket, draft)?;
    let name = Name {
        external: &said.id,
        ..Name::default()
    };
    chat::know(tx, &chat, message, name)?;
    Ok(done(
        "message",
        "written_on_the_phone",
        Some((ticket.id, message)),
    ))
}

/// Who writes an answer on the desk's own phone, in Russian, Kazakh and English.
const PHONE: [&str; 3] = ["Ответ с телефона", "Телефоннан жауап", "Answer by phone"];

/// An operator opened the bot by a code of theirs: from now on they are told of things there.
fn tied(
    tx: &Tx<'_>,
    app: &App,
    channel: &Channel,
    (place, by): (&Place, &Person),
    payload: &str,
) -> Result<Option<Applied>> {
    if place.is_group || channel.kind != ChannelType::Telegram {
        return Ok(None);
    }
    let hash = app.secret.hash(Purpose::StaffChat, payload);
    let Some(operator) = staff::use_code(tx, channel, &hash)? else {
        return Ok(None);
    };
    let chat = chat::of_staff(tx, channel, place, by)?;
    chat::reachable(tx, channel.tenant, chat.id, true)?;
    staff::tie(tx, &chat, operator)?;
    Ok(Some(done("noted", "chat_of_an_operator", None)))
}

/// Somebody opened the bot. That opens no ticket; a link of ours tells whose they are.
fn started(
    tx: &Tx<'_>,
    app: &App,
    channel: &Channel,
    (place, by): (&Place, &Person),
    payload: Option<&str>,
) -> Result<Applied> {
    if let Some(payload) = payload
        && let Some(applied) = tied(tx, app, channel, (place, by), payload)?
    {
        return Ok(applied);
    }
    let chat = chat::at(tx, channel, place, by)?;
    chat::reachable(tx, channel.tenant, chat.id, true)?;
    let client = match payload {
        Some(token) => {
            let hash = app.secret.hash(Purpose::ChatLink, token);
            chat::use_link(tx, channel, &hash)?
        }
        None => None,
    };
    if let Some(client) = client
        && !chat.is_group
    {
        chat::belongs(tx, &chat, client)?;
    }
    let welcome = channel.text("/welcome");
    if !welcome.is_empty() {
        outbox::say(tx, &chat, None, &Words::plain(welcome.to_owned()))?;
    }
    let rule = match (payload, client) {
        (_, Some(_)) => "start_by_link",
        (Some(_), None) => "start_by_an_unknown_link",
        (None, None) => "start",
    };
    Ok(done("noted", rule, None))
}

/// The newest record of a ticket, for the buttons.
pub(super) fn held(tx: &Tx<'_>, chat: &Chat, ticket: TicketId) -> Result<Option<record::Record>> {
    let held: bool = one(
        tx,
        "select exists (select 1 from ticket_chat where tenant_id = ?1 and ticket_id = ?2 and chat_id = ?3)",
        (chat.tenant, ticket, chat.id),
        |row| row.get(0),
    )?;
    if !held {
        return Ok(None);
    }
    super::evidence::target(tx, chat.tenant, ticket)
}
