//! A ticket's row: what the verbs read before they decide, and the one place that writes it back.
use super::{
    model::{Origin, Priority},
    status::Status,
};
use crate::{
    api::field::{ChannelId, ClientId, ContactId, OperatorId, TenantId, TicketId},
    clock::Millis,
    db::sql::{first, run},
    error::{Code, Error, Result},
    lang::Lang,
};
use rusqlite::{Connection, Row};

/// What the verbs need to know of a ticket.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) tenant: TenantId,
    pub(crate) id: TicketId,
    pub(crate) reference: i64,
    pub(crate) version: i64,
    pub(crate) subject: String,
    pub(crate) status: Status,
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
    pub(crate) locale: Option<Lang>,
    pub(crate) assigned_to: Option<OperatorId>,
    pub(crate) result: Option<String>,
    pub(crate) merged_into: Option<TicketId>,
    pub(crate) message_count: i64,
    pub(crate) unread_count: i64,
    pub(crate) next_ordinal: i64,
    pub(crate) last_message_id: Option<i64>,
    pub(crate) created_at: Millis,
    pub(crate) updated_at: Millis,
    pub(crate) first_response_at: Option<Millis>,
    pub(crate) done_at: Option<Millis>,
    pub(crate) closed_at: Option<Millis>,
    pub(crate) due_at: Option<Millis>,
    pub(crate) snoozed_until: Option<Millis>,
    pub(crate) sla_response_at: Option<Millis>,
    pub(crate) sla_resolution_at: Option<Millis>,
    pub(crate) sla_paused_at: Option<Millis>,
    pub(crate) sla_response_breached: bool,
    pub(crate) sla_resolution_breached: bool,
    pub(crate) sla_response_warn_at: Option<Millis>,
    pub(crate) sla_resolution_warn_at: Option<Millis>,
    pub(crate) sla_response_told: i64,
    pub(crate) sla_resolution_told: i64,
}

fn read(row: &Row<'_>) -> rusqlite::Result<Record> {
    Ok(Record {
        tenant: row.get("tenant_id")?,
        id: row.get("id")?,
        reference: row.get("reference")?,
        version: row.get("version")?,
        subject: row.get("subject")?,
        status: row.get("status")?,
        priority: row.get("priority")?,
        category: row.get("category")?,
        channel: row.get("channel")?,
        channel_id: row.get("channel_id")?,
        client: row.get("client_id")?,
        contact: row.get("contact_id")?,
        client_user_id: row.get("client_user_id")?,
        client_session: row.get("client_session")?,
        creator_name: row.get("creator_name")?,
        creator_email: row.get("creator_email")?,
        locale: row.get("locale")?,
        assigned_to: row.get("assigned_to")?,
        result: row.get("result")?,
        merged_into: row.get("merged_into")?,
        message_count: row.get("message_count")?,
        unread_count: row.get("unread_count")?,
        next_ordinal: row.get("next_ordinal")?,
        last_message_id: row.get("last_message_id")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
        first_response_at: row.get("first_response_at")?,
        done_at: row.get("done_at")?,
        closed_at: row.get("closed_at")?,
        due_at: row.get("due_at")?,
        snoozed_until: row.get("snoozed_until")?,
        sla_response_at: row.get("sla_response_at")?,
        sla_resolution_at: row.get("sla_resolution_at")?,
        sla_paused_at: row.get("sla_paused_at")?,
        sla_response_breached: row.get("sla_response_breached")?,
        sla_resolution_breached: row.get("sla_resolution_breached")?,
        sla_response_warn_at: row.get("sla_response_warn_at")?,
        sla_resolution_warn_at: row.get("sla_resolution_warn_at")?,
        sla_response_told: row.get("sla_response_told")?,
        sla_resolution_told: row.get("sla_resolution_told")?,
    })
}

/// The ticket of that number, unless it is another tenant's or in the bin.
pub(crate) fn by_id(conn: &Connection, tenant: TenantId, id: TicketId) -> Result<Record> {
    first(
        conn,
        "select * from ticket where tenant_id = ?1 and id = ?2 and deleted_at is null",
        (tenant, id),
        read,
    )?
    .ok_or_else(|| Error::new(Code::TicketNotFound).on("ticket_id"))
}

/// The next open tickets after that number.
pub(super) fn open_after(
    conn: &Connection,
    tenant: TenantId,
    after: i64,
    most: i64,
) -> Result<Vec<Record>> {
    crate::db::sql::all(
        conn,
        "select * from ticket
          where tenant_id = ?1 and id > ?2 and status not in ('done', 'closed') and deleted_at is null
          order by id
          limit ?3",
        (tenant, after, most),
        read,
    )
}

/// The ticket of that number in the bin.
pub(super) fn in_bin(conn: &Connection, tenant: TenantId, id: TicketId) -> Result<Record> {
    first(
        conn,
        "select * from ticket where tenant_id = ?1 and id = ?2 and deleted_at is not null",
        (tenant, id),
        read,
    )?
    .ok_or_else(|| Error::new(Code::TicketNotFound).on("ticket_id"))
}

/// How often a merged ticket may have been merged on.
const MERGES: usize = 20;

/// The ticket of that number, or the one it went on in.
pub(crate) fn gone_on(conn: &Connection, tenant: TenantId, id: TicketId) -> Result<Record> {
    let mut ticket = by_id(conn, tenant, id)?;
    for _ in 0..MERGES {
        match ticket.merged_into {
            Some(next) => ticket = by_id(conn, tenant, next)?,
            None => return Ok(ticket),
        }
    }
    Err(Error::new(Code::TicketNotFound).on("ticket_id"))
}

/// The ticket with that public reference.
pub(crate) fn by_reference(
    conn: &Connection,
    tenant: TenantId,
    reference: i64,
) -> Result<Option<Record>> {
    first(
        conn,
        "select * from ticket where tenant_id = ?1 and reference = ?2 and deleted_at is null",
        (tenant, reference),
        read,
    )
}

/// Takes the next number of the tenant's tickets.
pub(super) fn next_number(conn: &Connection, tenant: TenantId) -> Result<TicketId> {
    crate::db::sql::one(
        conn,
        "update tenant set next_ticket = next_ticket + 1 where id = ?1 returning next_ticket - 1",
        [tenant],
        |row| row.get(0),
    )
}

/// Writes a new ticket's row.
pub(super) fn insert(
    conn: &Connection,
    t: &Record,
    phone: Option<&str>,
    previous: Option<TicketId>,
) -> Result<()> {
    run(
        conn,
        "insert into ticket (tenant_id, id, reference, subject, status, priority, category, channel, channel_id,
                             client_id, contact_id, client_user_id, client_session, creator_name, creator_email,
                             creator_phone, locale, previous_ticket, created_at, updated_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?19)",
        rusqlite::params![
            t.tenant,
            t.id,
            t.reference,
            t.subject,
            t.status,
            t.priority,
            t.category,
            t.channel,
            t.channel_id,
            t.client,
            t.contact,
            t.client_user_id,
            t.client_session,
            t.creator_name,
            t.creator_email,
            phone,
            t.locale,
            previous,
            t.created_at,
        ],
    )?;
    Ok(())
}

impl Record {
    /// Whether whoever opened it was erased.
    pub(crate) fn is_unnamed(&self) -> bool {
        self.creator_name.is_empty()
    }

    /// The nearest time still to be kept, or `None` while no clock runs.
    pub(crate) fn sla_next_at(&self) -> Option<Millis> {
        if !self.status.clock_runs() {
            return None;
        }
        let response = self
            .sla_response_at
            .filter(|_| self.first_response_at.is_none());
        let resolution = self.due_at.or(self.sla_resolution_at);
        response.into_iter().chain(resolution).min()
    }

    /// Writes back what a verb changed, as of the transaction's time.
    pub(crate) fn save_now(&mut self, tx: &crate::db::Tx<'_>) -> Result<()> {
        self.save(tx, tx.now)
    }

    /// Writes back what a verb changed. Every save is a new version.
    pub(super) fn save(&mut self, conn: &Connection, now: Millis) -> Result<()> {
        self.version += 1;
        self.updated_at = now;
        run(
            conn,
            "update ticket
                set version = ?3, subject = ?4, status = ?5, priority = ?6, category = ?7, channel = ?8, channel_id = ?9,
                    client_id = ?10, contact_id = ?11, creator_name = ?12, creator_email = ?13, locale = ?14,
                    assigned_to = ?15, result = ?16, merged_into = ?17, message_count = ?18, unread_count = ?19,
                    next_ordinal = ?20, last_message_id = ?21, updated_at = ?22, first_response_at = ?23, done_at = ?24,
                    closed_at = ?25, due_at = ?26, sla_response_at = ?27, sla_resolution_at = ?28, sla_paused_at = ?29,
                    sla_next_at = ?30, sla_response_breached = ?31, sla_resolution_breached = ?32, client_user_id = ?33,
                    client_session = ?34, sla_response_warn_at = ?35, sla_resolution_warn_at = ?36,
                    sla_response_told = ?37, sla_resolution_told = ?38, sla_alarm_at = ?39, snoozed_until = ?40
              where tenant_id = ?1 and id = ?2",
            rusqlite::params![
                self.tenant,
                self.id,
                self.version,
                self.subject,
                self.status,
                self.priority,
                self.category,
                self.channel,
                self.channel_id,
                self.client,
                self.contact,
                self.creator_name,
                self.creator_email,
                self.locale,
                self.assigned_to,
                self.result,
                self.merged_into,
                self.message_count,
                self.unread_count,
                self.next_ordinal,
                self.last_message_id,
                self.updated_at,
                self.first_response_at,
                self.done_at,
                self.closed_at,
                self.due_at,
                self.sla_response_at,
                self.sla_resolution_at,
                self.sla_paused_at,
                self.sla_next_at(),
                self.sla_response_breached,
                self.sla_resolution_breached,
                self.client_user_id,
                self.client_session,
                self.sla_response_warn_at,
                self.sla_resolution_warn_at,
                self.sla_response_told,
                self.sla_resolution_told,
                self.sla_alarm_at(),
                self.snoozed_until,
            ],
        )?;
        Ok(())
    }
}
