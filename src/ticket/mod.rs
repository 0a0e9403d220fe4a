//! Tickets and the verbs of the desk: open, post, take, assign, estimate, complete, hold, edit.
//!
//! Every verb runs in the caller's transaction, whoever the caller is: an operator's click, an API key, a mail. It changes
//! the ticket's row, writes the history and, where something is to be sent, the outbox, all or nothing.
pub(crate) mod arrival;
pub(crate) mod bin;
pub(crate) mod change;
pub(crate) mod clock;
pub(crate) mod count;
pub(crate) mod csat;
pub(crate) mod estimate;
pub(crate) mod event;
pub(crate) mod files;
mod filter;
mod find;
pub(crate) mod follow;
pub(crate) mod handover;
pub(crate) mod held;
pub(crate) mod list;
pub(crate) mod merge;
pub(crate) mod message;
pub(crate) mod model;
pub(crate) mod reading;
pub(crate) mod record;
pub(crate) mod search;
pub(crate) mod snooze;
pub(crate) mod status;
pub(crate) mod tags;
pub(crate) mod time;
pub(crate) mod unnamed;
pub(crate) mod view;

use crate::{
    access::secret::random,
    api::field::{
        ChannelId, ClientId, ContactId, MessageId, OperatorId, TenantId, TicketId, TriggerId,
    },
    db::Tx,
    error::{Error, Result},
    lang::Lang,
    tenant::{self, limits, plan::Limits},
};
use event::Event;
use message::Draft;
pub(crate) use model::Actor;
use model::{Origin, Priority};
use record::Record;
use status::Status;

/// An actor at work in one tenant, inside one transaction.
pub(crate) struct Acting<'a> {
    pub(crate) tx: &'a Tx<'a>,
    pub(crate) tenant: TenantId,
    pub(crate) actor: Actor,
    /// The triggers that led to this, the first one first; empty for people.
    pub(crate) chain: Vec<TriggerId>,
}

impl<'a> Acting<'a> {
    pub(crate) fn new(tx: &'a Tx<'a>, tenant: TenantId, actor: Actor) -> Acting<'a> {
        Acting {
            tx,
            tenant,
            actor,
            chain: Vec::new(),
        }
    }

    /// The same actor, led to this by triggers.
    pub(crate) fn after(self, chain: Vec<TriggerId>) -> Acting<'a> {
        Acting { chain, ..self }
    }

    /// The operator at work, if it is one.
    pub(crate) fn operator(&self) -> Option<OperatorId> {
        (self.actor.kind == model::ActorKind::Operator)
            .then_some(self.actor.id)
            .flatten()
            .map(OperatorId)
    }
}

/// What a ticket is opened with.
#[derive(Debug)]
pub(crate) struct NewTicket {
    pub(crate) subject: String,
    pub(crate) priority: Priority,
    pub(crate) category: String,
    pub(crate) channel: Origin,
    pub(crate) channel_id: Option<ChannelId>,
    pub(crate) client: Option<ClientId>,
    pub(crate) contact: Option<ContactId>,
    pub(crate) client_user_id: i64,
    pub(crate) client_session: Option<String>,
    pub(crate) creator_name: String,
    pub(crate) creator_email: Option<String>,
    pub(crate) creator_phone: Option<String>,
    pub(crate) locale: Option<Lang>,
    pub(crate) previous: Option<TicketId>,
}

impl NewTicket {
    /// A ticket of the usual priority that nobody is named in yet.
    pub(crate) fn new(subject: String, channel: Origin, creator_name: String) -> NewTicket {
        NewTicket {
            subject,
            priority: Priority::Normal,
            category: "other".to_owned(),
            channel,
            channel_id: None,
            client: None,
            contact: None,
            client_user_id: 0,
            client_session: None,
            creator_name,
            creator_email: None,
            creator_phone: None,
            locale: None,
            previous: None,
        }
    }
}

/// Opens a ticket; `first` becomes its first message. The plan's tickets of the month are counted in the same
/// transaction, so two at once cannot both take the last one.
pub(crate) fn open(cx: &Acting<'_>, new: NewTicket, first: Draft) -> Result<(Record, MessageId)> {
    let note = new.previous.map(|previous| format!("#{previous}"));
    let mut ticket = begin(cx, new, note.as_deref())?;
    let message = message::write(cx, &mut ticket, first)?;
    ticket.save(cx.tx, cx.tx.now)?;
    Ok((ticket, message))
}

/// A new ticket without a message yet; `note` says in its history where it comes from.
fn begin(cx: &Acting<'_>, new: NewTicket, note: Option<&str>) -> Result<Record> {
    within_plan(cx)?;
    let (phone, previous) = (new.creator_phone.clone(), new.previous);
    let mut ticket = blank(cx, new, record::next_number(cx.tx, cx.tenant)?)?;
    clock::start(
        &clock::Promises::to(cx.tx, cx.tenant, ticket.client)?,
        &mut ticket,
    );
    record::insert(cx.tx, &ticket, phone.as_deref(), previous)?;
    let created = Event {
        kind: "created",
        new: Some(ticket.channel.as_str()),
        note,
        ..Event::default()
    };
    event::write(cx, ticket.id, &created)?;
    Ok(ticket)
}

/// The row of a ticket in which nothing has happened yet.
fn blank(cx: &Acting<'_>, new: NewTicket, id: TicketId) -> Result<Record> {
    Ok(Record {
        tenant: cx.tenant,
        id,
        reference: random_reference()?,
        version: 0,
        subject: new.subject,
        status: Status::New,
        priority: new.priority,
        category: new.category,
        channel: new.channel,
        channel_id: new.channel_id,
        client: new.client,
        contact: new.contact,
        client_user_id: new.client_user_id,
        client_session: new.client_session,
        creator_name: new.creator_name,
        creator_email: new.creator_email,
        locale: new.locale,
        assigned_to: None,
        result: None,
        merged_into: None,
        message_count: 0,
        unread_count: 0,
        next_ordinal: 1,
        last_message_id: None,
        created_at: cx.tx.now,
        updated_at: cx.tx.now,
        first_response_at: None,
        done_at: None,
        closed_at: None,
        due_at: None,
        snoozed_until: None,
        sla_response_at: None,
        sla_resolution_at: None,
        sla_paused_at: None,
        sla_response_breached: false,
        sla_resolution_breached: false,
        sla_response_warn_at: None,
        sla_resolution_warn_at: None,
        sla_response_told: 0,
        sla_resolution_told: 0,
    })
}

/// A number of 12 to 15 digits that JavaScript holds exactly and nobody can guess.
pub(crate) fn random_reference() -> Result<i64> {
    const LOW: u64 = 100_000_000_000;
    const HIGH: u64 = 1_000_000_000_000_000;
    let drawn = u64::from_be_bytes(random::<8>()?) % (HIGH - LOW) + LOW;
    i64::try_from(drawn).map_err(Error::internal)
}

/// Refuses a ticket beyond what the plan allows in a month of the tenant's own calendar.
fn within_plan(cx: &Acting<'_>) -> Result<()> {
    let tenant = tenant::by_id(cx.tx, cx.tenant)?;
    let Some(most) = limits::of(cx.tx, cx.tenant)?.tickets_per_month else {
        return Ok(());
    };
    let since = tenant.month_start(cx.tx.now);
    let opened: u32 = crate::db::sql::one(
        cx.tx,
        "select count(*) from ticket where tenant_id = ?1 and created_at >= ?2 and deleted_at is null and not is_demo",
        (cx.tenant, since),
        |row| row.get(0),
    )?;
    Limits::room_for_one("tickets_per_month", Some(most), opened)
}
