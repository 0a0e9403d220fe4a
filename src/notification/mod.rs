//! What operators are told of: who is told is decided in [`rule`], how each wants to be told in [`setting`]; a row holds what
//! happened, and its sentence is written when it is read, in the reader's language.
pub(crate) mod mail;
pub(crate) mod rule;
pub(crate) mod setting;
pub(crate) mod staff;
mod words;

use crate::{
    api::field::{At, ChannelId, MessageId, NotificationId, OperatorId, TenantId, TicketId},
    automation::{Happened, facts},
    clock::{DAY, Millis},
    db::{
        Tx,
        sql::{all, one, run},
    },
    error::Result,
    lang::Lang,
    signal::Signal,
    ticket::{Acting, model::words as enumerate},
};
use rule::{Around, Person};
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use setting::Pace;

enumerate! {
    /// What an operator is told of.
    #[schemars(rename = "NotificationKind")]
    Kind {
        /// A ticket was put in their charge.
        Assigned = "assigned",
        /// The client wrote in a ticket of theirs.
        Message = "message",
        /// A note calls them by name.
        Mention = "mention",
        /// A time of the SLA draws near.
        SlaWarning = "sla_warning",
        /// A time of the SLA has passed.
        SlaBreach = "sla_breach",
        /// The client approved an estimate.
        EstimateApproved = "estimate_approved",
        /// The client rejected an estimate.
        EstimateRejected = "estimate_rejected",
        /// The client rated the work.
        Csat = "csat",
        /// An outgoing webhook was switched off by itself.
        WebhookOff = "webhook_off",
        /// A channel does not work.
        ChannelBroken = "channel_broken",
        /// A channel works again.
        ChannelMended = "channel_mended",
        /// A password or token of a channel soon holds no more.
        SecretExpires = "secret_expires",
        /// Nothing arrives in the operator's chat with the bot any more.
        TelegramOff = "telegram_off",
        /// A trigger says so.
        Rule = "rule",
    }
}

/// Something that an operator was told of.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Notification {
    /// The notification.
    pub(crate) id: NotificationId,
    /// What it is about.
    pub(crate) kind: Kind,
    /// What happened, in the caller's language.
    pub(crate) text: String,
    /// The ticket, if it is about one.
    pub(crate) ticket_id: Option<TicketId>,
    /// The ticket's subject.
    pub(crate) subject: Option<String>,
    /// The message, if it is about one.
    pub(crate) message_id: Option<MessageId>,
    /// Who did it.
    pub(crate) actor_name: String,
    /// When.
    pub(crate) created_at: At,
    /// Whether it was read.
    pub(crate) is_read: bool,
}

/// The newest notifications of an operator.
pub(crate) fn list(
    conn: &Connection,
    tenant: TenantId,
    operator: OperatorId,
    (unread, limit): (bool, i64),
    lang: Lang,
) -> Result<Vec<Notification>> {
    all(
        conn,
        "select n.id, n.kind, n.ticket_id, t.subject, n.message_id, n.actor_name, n.detail, n.created_at,
                n.read_at is not null
           from notification n
           left join ticket t on t.tenant_id = n.tenant_id and t.id = n.ticket_id
          where n.tenant_id = ?1 and n.operator_id = ?2 and (not ?3 or n.read_at is null)
          order by n.id desc limit ?4",
        (tenant, operator, unread, limit),
        |row| {
            let (kind, ticket_id, subject): (Kind, Option<TicketId>, Option<String>) =
                (row.get(1)?, row.get(2)?, row.get(3)?);
            let (actor_name, detail): (String, String) = (row.get(5)?, row.get(6)?);
            Ok(Notification {
                id: row.get(0)?,
                kind,
                text: words::sentence(lang, kind, &actor_name, &detail),
                ticket_id,
                subject,
                message_id: row.get(4)?,
                actor_name,
                created_at: row.get(7)?,
                is_read: row.get(8)?,
            })
        },
    )
}

/// How many an operator has not read.
pub(crate) fn unread(conn: &Connection, tenant: TenantId, operator: OperatorId) -> Result<i64> {
    one(
        conn,
        "select count(*) from notification where tenant_id = ?1 and operator_id = ?2 and read_at is null",
        (tenant, operator),
        |row| row.get(0),
    )
}

/// Marks notifications of an operator read: those of `ids`, those about a ticket, or all.
pub(crate) fn mark_read(
    tx: &Tx<'_>,
    tenant: TenantId,
    operator: OperatorId,
    ids: Option<&[NotificationId]>,
    ticket: Option<TicketId>,
) -> Result<()> {
    let ids = ids.map(serde_json::to_string).transpose()?;
    let marked = run(
        tx,
        "update notification set read_at = ?3, mail = null, chat = null
          where tenant_id = ?1 and operator_id = ?2 and read_at is null
            and (?4 is null or id in (select value from json_each(?4)))
            and (?5 is null or ticket_id = ?5)",
        (tenant, operator, tx.now, ids, ticket),
    )?;
    if marked > 0 {
        tx.signal(Signal::Notified(tenant, operator));
    }
    Ok(())
}

/// What is written about something that happened.
#[derive(Clone, Copy, Debug)]
struct News<'a> {
    kind: Kind,
    ticket: Option<TicketId>,
    message: Option<MessageId>,
    actor: &'a str,
    detail: &'a str,
}

/// Tells one operator, as they want to be told.
fn write(tx: &Tx<'_>, tenant: TenantId, to: OperatorId, news: News<'_>) -> Result<()> {
    let way = setting::of(tx, tenant, to)?.way(news.kind);
    let chat = match way.by_telegram.wanted() {
        Some(pace) => staff::reach(tx, tenant, to, None)?.map(|_| pace),
        None => None,
    };
    insert(
        tx,
        tenant,
        to,
        (way.in_desk, way.by_mail.wanted(), chat),
        news,
    )
}

/// Writes what an operator is told in the desk, by mail and in their chat.
fn insert(
    tx: &Tx<'_>,
    tenant: TenantId,
    to: OperatorId,
    (in_desk, mail, chat): (bool, Option<Pace>, Option<Pace>),
    news: News<'_>,
) -> Result<()> {
    if !in_desk && mail.is_none() && chat.is_none() {
        return Ok(());
    }
    // What is only sent does not count in the desk.
    let read_at = (!in_desk).then_some(tx.now);
    run(
        tx,
        "insert into notification (tenant_id, operator_id, kind, ticket_id, message_id, actor_name, detail, created_at, read_at,
                                   mail, chat)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        rusqlite::params![
            tenant,
            to,
            news.kind,
            news.ticket,
            news.message,
            news.actor,
            news.detail,
            tx.now,
            read_at,
            mail,
            chat,
        ],
    )?;
    tx.signal(Signal::Notified(tenant, to));
    Ok(())
}

/// Tells whom an entry of a ticket's history concerns.
pub(crate) fn tell(tx: &Tx<'_>, happened: &Happened) -> Result<()> {
    let Some(topic) = rule::topic(happened) else {
        return Ok(());
    };
    let tenant = happened.tenant;
    let Some(ticket) = facts::told(tx, tenant, happened.ticket)? else {
        return Ok(());
    };
    let people = people(tx, tenant)?;
    let mut around = Around {
        in_charge: ticket.assigned_to,
        followers: followers(tx, tenant, ticket.id)?,
        ..Around::default()
    };
    if let (rule::Topic::Note, Some(id)) = (topic, happened.message) {
        around.note = facts::words(tx, tenant, ticket.id, Some(id))?.unwrap_or_default();
        around.named = named(tx, tenant, id)?;
    }
    let (kind, told) = rule::recipients(topic, &around, &people);
    // What a ticket begins with is no news beside the ticket itself.
    if kind == Kind::Message && ticket.message_count <= 1 {
        return Ok(());
    }
    for to in told {
        // Nobody is told of what they did themselves.
        if happened.actor.kind == crate::ticket::model::ActorKind::Operator
            && happened.actor.id == Some(to.0)
        {
            continue;
        }
        let detail = match kind {
            Kind::Csat | Kind::SlaWarning | Kind::SlaBreach => {
                happened.new.as_deref().unwrap_or_default()
            }
            Kind::EstimateRejected => happened.note.as_deref().unwrap_or_default(),
            _ => "",
        };
        let news = News {
            kind,
            ticket: Some(ticket.id),
            message: happened.message,
            actor: &happened.actor.name,
            detail,
        };
        write(tx, tenant, to, news)?;
    }
    Ok(())
}

/// Who follows a ticket and still works here.
fn followers(conn: &Connection, tenant: TenantId, ticket: TicketId) -> Result<Vec<OperatorId>> {
    all(
        conn,
        "select f.operator_id
           from follower f
           join operator o on o.tenant_id = f.tenant_id and o.id = f.operator_id and o.is_active
          where f.tenant_id = ?1 and f.ticket_id = ?2
          order by f.operator_id",
        (tenant, ticket),
        |row| row.get(0),
    )
}

/// Whom a message names.
fn named(conn: &Connection, tenant: TenantId, message: MessageId) -> Result<Vec<OperatorId>> {
    all(
        conn,
        "select operator_id from mention where tenant_id = ?1 and message_id = ?2 order by operator_id",
        (tenant, message),
        |row| row.get(0),
    )
}

/// Everybody who works here.
fn people(conn: &Connection, tenant: TenantId) -> Result<Vec<Person>> {
    all(
        conn,
        "select id, name, email, role from operator where tenant_id = ?1 and is_active order by id",
        [tenant],
        |row| {
            Ok(Person {
                id: row.get(0)?,
                name: row.get(1)?,
                email: row.get(2)?,
                role: row.get(3)?,
            })
        },
    )
}

/// Whom a trigger tells.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Whom {
    One(OperatorId),
    InCharge(Option<OperatorId>),
    Supervisors,
    Admins,
    All,
}

/// Tells operators what a trigger says. A ticket that nobody is in charge of concerns the supervisors.
pub(crate) fn by_rule(cx: &Acting<'_>, ticket: TicketId, whom: Whom, text: &str) -> Result<()> {
    let people = people(cx.tx, cx.tenant)?;
    let to: Vec<OperatorId> = match whom {
        Whom::One(id) | Whom::InCharge(Some(id)) => vec![id],
        Whom::InCharge(None) | Whom::Supervisors => rule::overseers(&people),
        Whom::Admins => rule::admins(&people),
        Whom::All => people.iter().map(|p| p.id).collect(),
    };
    for to in to {
        let news = News {
            kind: Kind::Rule,
            ticket: Some(ticket),
            message: None,
            actor: &cx.actor.name,
            detail: text,
        };
        write(cx.tx, cx.tenant, to, news)?;
    }
    Ok(())
}

/// Tells the admins of a tenant of something that is not about a ticket.
fn tell_admins(tx: &Tx<'_>, tenant: TenantId, kind: Kind, detail: &str) -> Result<()> {
    for to in rule::admins(&people(tx, tenant)?) {
        let news = News {
            kind,
            ticket: None,
            message: None,
            actor: "",
            detail,
        };
        write(tx, tenant, to, news)?;
    }
    Ok(())
}

/// Tells the admins that an outgoing webhook was switched off.
pub(crate) fn webhook_off(tx: &Tx<'_>, tenant: TenantId, url: &str) -> Result<()> {
    tell_admins(tx, tenant, Kind::WebhookOff, url)
}

/// What a notification about a channel keeps: its name, and what is the matter.
pub(crate) fn of_channel(name: &str, why: Option<&str>) -> String {
    let name = name.replace(char::is_control, " ");
    match why {
        Some(why) => format!("{name}\n{why}"),
        None => name,
    }
}

/// Tells the admins how a channel fares, in the desk and by whatever of their ways is not that channel itself. If the way
/// they chose leads through it, the other one is taken.
pub(crate) fn about_channel(
    tx: &Tx<'_>,
    tenant: TenantId,
    channel: ChannelId,
    kind: Kind,
    detail: &str,
) -> Result<()> {
    let is_broken = (kind == Kind::ChannelBroken).then_some(channel);
    let mails = mails_without(tx, tenant, is_broken)?;
    for to in rule::admins(&people(tx, tenant)?) {
        let way = setting::of(tx, tenant, to)?.way(kind);
        let says = staff::reach(tx, tenant, to, is_broken)?.is_some();
        let (mail, chat) = (way.by_mail.wanted(), way.by_telegram.wanted());
        let news = News {
            kind,
            ticket: None,
            message: None,
            actor: "",
            detail,
        };
        let ways = (
            way.in_desk,
            mail.or(chat.filter(|_| !says)).filter(|_| mails),
            chat.or(mail.filter(|_| !mails)).filter(|_| says),
        );
        insert(tx, tenant, to, ways, news)?;
    }
    Ok(())
}

/// Whether operators can be mailed although a channel is broken.
fn mails_without(conn: &Connection, tenant: TenantId, broken: Option<ChannelId>) -> Result<bool> {
    one(
        conn,
        "select exists (select 1 from channel where tenant_id = ?1 and type = 'email' and is_active and id is not ?2)",
        (tenant, broken),
        |row| row.get(0),
    )
}

/// How long notifications are kept.
const KEPT: Millis = 90 * DAY;

/// Forgets old notifications.
pub(crate) fn tidy(tx: &Tx<'_>) -> Result<()> {
    run(
        tx,
        "delete from notification where created_at <= ?1",
        [tx.now - KEPT],
    )?;
    Ok(())
}
