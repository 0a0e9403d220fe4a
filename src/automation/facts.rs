//! What is known of a ticket when rules look at it: one query for the ticket, and the texts only if a rule asks for them.
//! The same knowledge fills variables and the bodies of outgoing webhooks.
use super::{
    Happened,
    rule::{Fact, Facts, Field},
    template,
};
use crate::{
    api::field::{At, MessageId, OperatorId, TenantId, TicketId},
    clock::{HOUR, Millis, wire},
    db::sql::first,
    error::Result,
    lang::Lang,
    tenant::Tenant,
    ticket::{
        model::{Origin, Priority},
        status::Status,
    },
};
use rusqlite::Connection;
use serde::Serialize;

/// A ticket as other programs are told of it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Told {
    pub(crate) id: TicketId,
    pub(crate) subject: String,
    pub(crate) status: Status,
    pub(crate) priority: Priority,
    pub(crate) category: String,
    pub(crate) channel: Origin,
    pub(crate) portal_domain: Option<String>,
    pub(crate) company_name: Option<String>,
    pub(crate) assigned_to: Option<OperatorId>,
    pub(crate) assigned_name: Option<String>,
    pub(crate) creator_name: String,
    pub(crate) creator_email: Option<String>,
    pub(crate) locale: Option<Lang>,
    pub(crate) tags: Vec<String>,
    pub(crate) message_count: i64,
    pub(crate) created_at: At,
    pub(crate) updated_at: At,
}

/// A ticket, in the bin or not, with its client, its operator and its tags.
pub(crate) fn told(conn: &Connection, tenant: TenantId, id: TicketId) -> Result<Option<Told>> {
    first(
        conn,
        "select t.subject, t.status, t.priority, t.category, t.channel, c.portal_domain, c.company_name, t.assigned_to,
                o.name, t.creator_name, t.creator_email, t.locale, t.message_count, t.created_at, t.updated_at,
                (select json_group_array(g.name order by g.name) from ticket_tag x
                   join tag g on g.tenant_id = x.tenant_id and g.id = x.tag_id
                  where x.tenant_id = t.tenant_id and x.ticket_id = t.id)
           from ticket t
           left join client c on c.tenant_id = t.tenant_id and c.id = t.client_id
           left join operator o on o.tenant_id = t.tenant_id and o.id = t.assigned_to
          where t.tenant_id = ?1 and t.id = ?2",
        (tenant, id),
        |row| {
            let tags: String = row.get(15)?;
            Ok(Told {
                id,
                subject: row.get(0)?,
                status: row.get(1)?,
                priority: row.get(2)?,
                category: row.get(3)?,
                channel: row.get(4)?,
                portal_domain: row.get(5)?,
                company_name: row.get(6)?,
                assigned_to: row.get(7)?,
                assigned_name: row.get(8)?,
                creator_name: row.get(9)?,
                creator_email: row.get(10)?,
                locale: row.get(11)?,
                message_count: row.get(12)?,
                created_at: row.get(13)?,
                updated_at: row.get(14)?,
                tags: serde_json::from_str(&tags).unwrap_or_default(),
            })
        },
    )
}

/// The text of a ticket's first message.
fn description(conn: &Connection, tenant: TenantId, id: TicketId) -> Result<Option<String>> {
    first(
        conn,
        "select body from message
          where tenant_id = ?1 and ticket_id = ?2 and deleted_at is null and not is_note
          order by ordinal limit 1",
        (tenant, id),
        |row| row.get(0),
    )
}

/// The text of a message, or without one of the client's last.
pub(crate) fn words(
    conn: &Connection,
    tenant: TenantId,
    id: TicketId,
    message: Option<MessageId>,
) -> Result<Option<String>> {
    first(
        conn,
        "select body from message
          where tenant_id = ?1 and ticket_id = ?2 and deleted_at is null
            and (id = ?3 or (?3 is null and author_type = 'client' and not is_note))
          order by ordinal desc limit 1",
        (tenant, id, message),
        |row| row.get(0),
    )
}

/// Everything that a condition may ask of a ticket, at `now` and after what happened.
pub(crate) fn of(
    conn: &Connection,
    tenant: &Tenant,
    ticket: &Told,
    happened: Option<&Happened>,
    now: Millis,
) -> Result<Facts> {
    #[expect(clippy::cast_precision_loss, reason = "hours of a ticket's life")]
    let hours = |since: At| Fact::Number((now - since.0) as f64 / HOUR as f64);
    #[expect(clippy::cast_precision_loss, reason = "messages of a ticket")]
    let messages = Fact::Number(ticket.message_count as f64);
    let text = |text: &str| Fact::Text(text.to_owned());
    let mut facts = Facts::from([
        (Field::Status, text(ticket.status.as_str())),
        (Field::Priority, text(ticket.priority.as_str())),
        (Field::Category, text(&ticket.category)),
        (Field::Channel, text(ticket.channel.as_str())),
        (Field::Subject, text(&ticket.subject)),
        (Field::CreatorName, text(&ticket.creator_name)),
        (Field::MessageCount, messages),
        (Field::AgeHours, hours(ticket.created_at)),
        (Field::IdleHours, hours(ticket.updated_at)),
        (
            Field::WorkingHours,
            text(if tenant.hours.is_open(now) {
                "true"
            } else {
                "false"
            }),
        ),
    ]);
    let rating = rating(conn, tenant.id, ticket.id)?;
    let status = happened.filter(|h| h.kind == "status");
    let message = happened.and_then(|h| h.message);
    let optional = [
        (Field::PortalDomain, ticket.portal_domain.clone()),
        (Field::CompanyName, ticket.company_name.clone()),
        (Field::CreatorEmail, ticket.creator_email.clone()),
        (Field::AssignedTo, ticket.assigned_to.map(|o| o.to_string())),
        (Field::Locale, ticket.locale.map(|l| l.as_str().to_owned())),
        (Field::FromStatus, status.and_then(|h| h.old.clone())),
        (Field::Description, description(conn, tenant.id, ticket.id)?),
        (Field::Message, words(conn, tenant.id, ticket.id, message)?),
    ];
    for (field, value) in optional {
        if let Some(value) = value.filter(|v| !v.is_empty()) {
            facts.insert(field, Fact::Text(value));
        }
    }
    if !ticket.tags.is_empty() {
        facts.insert(Field::Tag, Fact::Many(ticket.tags.clone()));
    }
    if let Some(rating) = rating {
        facts.insert(Field::Rating, Fact::Number(rating));
    }
    Ok(facts)
}

/// What the client last rated the work at, as the history tells.
fn rating(conn: &Connection, tenant: TenantId, id: TicketId) -> Result<Option<f64>> {
    let told: Option<Option<String>> = first(
        conn,
        "select new from event
          where tenant_id = ?1 and ticket_id = ?2 and kind = 'csat_received'
          order by id desc limit 1",
        (tenant, id),
        |row| row.get(0),
    )?;
    Ok(told.flatten().and_then(|rating| rating.parse().ok()))
}

/// The value of a variable.
pub(crate) struct Values<'a> {
    pub(crate) tenant: &'a Tenant,
    pub(crate) ticket: &'a Told,
    /// Who speaks: the operator at work, or the one in charge.
    pub(crate) operator: Option<&'a str>,
    pub(crate) message: Option<&'a str>,
}

impl Values<'_> {
    /// A text with its variables filled, in the language of the ticket.
    pub(crate) fn fill(&self, text: &str) -> String {
        let lang = self.ticket.locale.unwrap_or(self.tenant.locale);
        template::fill(text, |name| {
            Some(match name {
                "client.name" => self.ticket.creator_name.clone(),
                "client.company" => self.ticket.company_name.clone()?,
                "client.email" => self.ticket.creator_email.clone()?,
                "ticket.id" => self.ticket.id.to_string(),
                "ticket.subject" => self.ticket.subject.clone(),
                "ticket.status" => lang.pick(status_words(self.ticket.status)).to_owned(),
                "ticket.priority" => lang.pick(priority_words(self.ticket.priority)).to_owned(),
                "operator.name" => self.operator.unwrap_or(&self.tenant.name).to_owned(),
                "company.name" => self.tenant.name.clone(),
                "message.text" => self.message?.to_owned(),
                _ => return None,
            })
        })
    }
}

const fn status_words(status: Status) -> [&'static str; 3] {
    match status {
        Status::New => ["новая", "жаңа", "new"],
        Status::Estimated => ["на согласовании", "келісуде", "awaiting approval"],
        Status::InProgress => ["в работе", "жұмыста", "in progress"],
        Status::OnHold => ["приостановлена", "кідіртілген", "on hold"],
        Status::Done => ["выполнена", "орындалды", "done"],
        Status::Closed => ["закрыта", "жабық", "closed"],
        Status::Reopened => ["открыта снова", "қайта ашылды", "reopened"],
    }
}

const fn priority_words(priority: Priority) -> [&'static str; 3] {
    match priority {
        Priority::Low => ["низкий", "төмен", "low"],
        Priority::Normal => ["обычный", "қалыпты", "normal"],
        Priority::Urgent => ["срочный", "шұғыл", "urgent"],
    }
}

/// A ticket's messages as other programs are told of one of them.
pub(crate) fn message(
    conn: &Connection,
    tenant: TenantId,
    id: MessageId,
) -> Result<Option<serde_json::Value>> {
    first(
        conn,
        "select body, author_type, author_name, is_note, operator_id, channel, created_at, edited_at, deleted_at,
                delivery_status
           from message where tenant_id = ?1 and id = ?2",
        (tenant, id),
        |row| {
            let deleted: Option<Millis> = row.get(8)?;
            let text: String = row.get(0)?;
            Ok(serde_json::json!({
                "id": id,
                "message": if deleted.is_some() { String::new() } else { text },
                "author_type": row.get::<_, String>(1)?,
                "author_name": row.get::<_, String>(2)?,
                "is_note": row.get::<_, bool>(3)?,
                "operator_id": row.get::<_, Option<i64>>(4)?,
                "channel": row.get::<_, String>(5)?,
                "created_at": wire(row.get(6)?),
                "edited_at": row.get::<_, Option<Millis>>(7)?.map(wire),
                "deleted_at": deleted.map(wire),
                "delivery_status": row.get::<_, Option<String>>(9)?,
            }))
        },
    )
}
