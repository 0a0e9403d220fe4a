//! How many tickets there are, as triggers count them: of each status, in all and by one more thing.
use super::status::Status;
use crate::{api::field::TenantId, db::sql::first, error::Result};
use rusqlite::Connection;

/// By what tickets are counted besides their status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Facet {
    All,
    Client,
    Operator,
    Priority,
    Category,
    Channel,
}

impl Facet {
    const fn as_str(self) -> &'static str {
        match self {
            Facet::All => "all",
            Facet::Client => "client",
            Facet::Operator => "operator",
            Facet::Priority => "priority",
            Facet::Category => "category",
            Facet::Channel => "channel",
        }
    }
}

/// Tickets by status. Those in the bin are left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) new: i64,
    pub(crate) estimated: i64,
    pub(crate) in_progress: i64,
    pub(crate) on_hold: i64,
    pub(crate) done: i64,
    pub(crate) closed: i64,
    pub(crate) reopened: i64,
    /// Open ones with unread messages.
    pub(crate) unread: i64,
}

impl Counts {
    pub(crate) const fn of(&self, status: Status) -> i64 {
        match status {
            Status::New => self.new,
            Status::Estimated => self.estimated,
            Status::InProgress => self.in_progress,
            Status::OnHold => self.on_hold,
            Status::Done => self.done,
            Status::Closed => self.closed,
            Status::Reopened => self.reopened,
        }
    }

    /// Every status but done and closed.
    pub(crate) const fn open(&self) -> i64 {
        self.new + self.estimated + self.in_progress + self.on_hold + self.reopened
    }

    pub(crate) const fn all(&self) -> i64 {
        self.open() + self.done + self.closed
    }
}

/// The tickets whose `facet` is `value`; the value is empty for all, for no client and for nobody.
pub(crate) fn of(conn: &Connection, tenant: TenantId, facet: Facet, value: &str) -> Result<Counts> {
    let found = first(
        conn,
        "select new_tickets, estimated_tickets, in_progress_tickets, on_hold_tickets, done_tickets, closed_tickets,
                reopened_tickets, unread_tickets
           from ticket_count
          where tenant_id = ?1 and facet = ?2 and value = ?3",
        (tenant, facet.as_str(), value),
        |row| {
            Ok(Counts {
                new: row.get(0)?,
                estimated: row.get(1)?,
                in_progress: row.get(2)?,
                on_hold: row.get(3)?,
                done: row.get(4)?,
                closed: row.get(5)?,
                reopened: row.get(6)?,
                unread: row.get(7)?,
            })
        },
    )?;
    Ok(found.unwrap_or_default())
}
