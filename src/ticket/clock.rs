//! A ticket's clocks: what is promised for it, when that is due, and telling once of what is near or was missed.
//!
//! Due times follow from the history, the desk's hours and the promises alone ([`Run`]), so they can be counted anew when
//! any of these change. What has been told stands on the ticket's row: however the machine's clock is set, nothing is
//! told twice of the same due time.
use super::{
    Acting,
    change::rule_of,
    event::{self, Event},
    model::{Actor, Priority},
    record::{self, Record},
    status::Status,
};
use crate::{
    api::field::{ClientId, TenantId, TicketId},
    clock::{MINUTE, Millis},
    db::{
        Tx,
        sql::{all, first, one, run},
    },
    error::Result,
    sla::{
        due::{self, Rule, Rules},
        hours::Hours,
        run::Run,
    },
    tariff, tenant,
};
use rusqlite::Connection;
use std::collections::HashMap;

/// Nothing has been told yet.
const SILENT: i64 = 0;
/// That a due time is near.
const WARNED: i64 = 1;
/// That it was missed.
const MISSED: i64 = 2;

/// How many tickets are counted anew in the transaction that changes what they depend on; the rest follows in portions.
const AT_ONCE: i64 = 300;

/// One of a ticket's two clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    Response,
    Resolution,
}

impl Clock {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Clock::Response => "response",
            Clock::Resolution => "resolution",
        }
    }
}

/// What a desk promises, and the hours it measures by.
#[derive(Debug)]
pub(crate) struct Promises {
    pub(crate) hours: Hours,
    warning_percent: i64,
    rules: Rules,
    by_client: HashMap<ClientId, Rules>,
}

impl Promises {
    /// What is promised to everybody.
    fn to_all(conn: &Connection, id: TenantId) -> Result<Promises> {
        let mut promises = Promises::to(conn, id, None)?;
        promises.by_client = tariff::rules_by_client(conn, id, promises.rules)?;
        Ok(promises)
    }

    /// What is promised to one client, or to nobody in particular.
    pub(crate) fn to(
        conn: &Connection,
        id: TenantId,
        client: Option<ClientId>,
    ) -> Result<Promises> {
        let tenant = tenant::by_id(conn, id)?;
        let rules = tenant::rules(conn, id)?;
        let mut by_client = HashMap::new();
        if let Some(client) = client
            && let Some(own) = tariff::rules_of(conn, id, client, rules)?
        {
            by_client.insert(client, own);
        }
        Ok(Promises {
            hours: tenant.hours,
            warning_percent: i64::from(tenant.settings.sla_warning_percent.min(99)),
            rules,
            by_client,
        })
    }

    /// The name of the zone that the hours are in.
    pub(crate) fn zone_name(&self) -> String {
        self.hours.zone().iana_name().unwrap_or("UTC").to_owned()
    }

    /// What is promised for a ticket, and whether its client's tariff says so.
    pub(crate) fn rule(&self, client: Option<ClientId>, priority: Priority) -> (Rule, bool) {
        let own = client.and_then(|client| self.by_client.get(&client));
        let usual = rule_of(&self.rules, priority);
        let rule = own.map_or(usual, |rules| rule_of(rules, priority));
        (rule, rule != usual)
    }

    /// When so many promised minutes are over, and when to warn of it.
    fn ends(&self, run: &Run, minutes: u32) -> (Option<Millis>, Option<Millis>) {
        let whole = i64::from(minutes) * MINUTE;
        let warning = whole * (100 - self.warning_percent) / 100;
        let warn = (self.warning_percent > 0).then(|| run.reaches(warning, &self.hours));
        (run.reaches(whole, &self.hours), warn.flatten())
    }

    /// When to warn of a time that was agreed on by hand at `now`.
    fn warn_of(&self, due: Millis, now: Millis) -> Option<Millis> {
        if self.warning_percent == 0 {
            return None;
        }
        let before = self.hours.working_ms(now, due) * (100 - self.warning_percent) / 100;
        // A time outside business hours has none to count: then all of the time until it does.
        if before == 0 {
            return Some(due - (due - now).max(0) * self.warning_percent / 100);
        }
        self.hours.add_working(now, before)
    }
}

/// The statuses of some tickets since they were opened.
fn changes(
    conn: &Connection,
    tenant: TenantId,
    ids: &[TicketId],
) -> Result<HashMap<TicketId, Vec<(Millis, Status)>>> {
    let rows: Vec<(TicketId, Millis, String)> = all(
        conn,
        "select e.ticket_id, e.at, e.new
           from json_each(?2) i
           cross join event e on e.tenant_id = ?1 and e.ticket_id = i.value
          where e.kind = 'status' and e.new is not null
          order by e.ticket_id, e.id",
        (tenant, serde_json::to_string(ids)?),
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let mut changes = HashMap::<TicketId, Vec<(Millis, Status)>>::new();
    for (id, at, word) in rows {
        if let Some(status) = Status::parse(&word) {
            changes.entry(id).or_default().push((at, status));
        }
    }
    Ok(changes)
}

/// How the clock of one ticket ran.
pub(crate) fn run_of(conn: &Connection, ticket: &Record) -> Result<Run> {
    let mut changes = changes(conn, ticket.tenant, &[ticket.id])?;
    let own = changes.remove(&ticket.id).unwrap_or_default();
    Ok(Run::new(ticket.created_at, own))
}

/// Starts both clocks of a ticket that is being opened.
pub(super) fn start(promises: &Promises, ticket: &mut Record) {
    count(
        promises,
        ticket,
        &Run::new(ticket.created_at, []),
        ticket.created_at,
    );
}

/// Counts the times of one ticket anew, after what they depend on has changed.
pub(super) fn renew(cx: &Acting<'_>, ticket: &mut Record) -> Result<()> {
    let promises = Promises::to(cx.tx, cx.tenant, ticket.client)?;
    let run = run_of(cx.tx, ticket)?;
    count(&promises, ticket, &run, cx.tx.now);
    Ok(())
}

/// Sets what is still owed; what was answered or delivered stays as it was judged.
fn count(promises: &Promises, ticket: &mut Record, run: &Run, now: Millis) {
    if !ticket.status.is_open() {
        return;
    }
    let (rule, _) = promises.rule(ticket.client, ticket.priority);
    if ticket.first_response_at.is_none() {
        let (due, warn) = promises.ends(run, rule.response_minutes);
        (ticket.sla_response_at, ticket.sla_response_warn_at) = (due, warn);
        ticket.sla_response_told = still_told(due, warn, now, ticket.sla_response_told);
        ticket.sla_response_breached = ticket.sla_response_told == MISSED;
    }
    let (due, warn) = promises.ends(run, rule.resolution_minutes);
    ticket.sla_resolution_at = due;
    // A time agreed on by hand goes before the rule's and has a warning of its own.
    if ticket.due_at.is_none() {
        ticket.sla_resolution_warn_at = warn;
        ticket.sla_resolution_told = still_told(due, warn, now, ticket.sla_resolution_told);
        ticket.sla_resolution_breached = ticket.sla_resolution_told == MISSED;
    }
}

/// What remains told of a clock whose due time has moved: what lies ahead of it again may be told again.
fn still_told(due: Option<Millis>, warn: Option<Millis>, now: Millis, told: i64) -> i64 {
    match due {
        None => SILENT,
        Some(due) if due::breached(Some(due), now) => told,
        Some(_) if warn.is_some_and(|warn| warn <= now) => told.min(WARNED),
        Some(_) => SILENT,
    }
}

/// Takes note of a time agreed on by hand, or of its end.
pub(super) fn agree(cx: &Acting<'_>, ticket: &mut Record, due: Option<Millis>) -> Result<()> {
    ticket.due_at = due;
    let Some(at) = due else {
        return renew(cx, ticket);
    };
    let warn = Promises::to(cx.tx, cx.tenant, ticket.client)?.warn_of(at, cx.tx.now);
    ticket.sla_resolution_warn_at = warn;
    ticket.sla_resolution_told = still_told(due, warn, cx.tx.now, ticket.sla_resolution_told);
    if ticket.status.is_open() {
        ticket.sla_resolution_breached = ticket.sla_resolution_told == MISSED;
    }
    Ok(())
}

impl Record {
    /// What a clock still owes: when it is due, when to warn of it, what has been told.
    pub(crate) fn owes(&self, clock: Clock) -> Option<(Millis, Option<Millis>, i64)> {
        if !self.status.clock_runs() {
            return None;
        }
        match clock {
            Clock::Response if self.first_response_at.is_some() => None,
            Clock::Response => Some((
                self.sla_response_at?,
                self.sla_response_warn_at,
                self.sla_response_told,
            )),
            Clock::Resolution => Some((
                self.due_at.or(self.sla_resolution_at)?,
                self.sla_resolution_warn_at,
                self.sla_resolution_told,
            )),
        }
    }

    /// When something is next to be told of the ticket's clocks.
    pub(crate) fn sla_alarm_at(&self) -> Option<Millis> {
        let next = |clock| {
            let (due, warn, told) = self.owes(clock)?;
            match told {
                // The last moment is in time.
                SILENT => Some(warn.map_or(due + 1, |warn| warn.min(due + 1))),
                WARNED => Some(due + 1),
                _ => None,
            }
        };
        let (response, resolution) = (next(Clock::Response), next(Clock::Resolution));
        response.into_iter().chain(resolution).min()
    }
}

/// Tells what is to be told by now. A warning that comes after the due time itself is left out.
fn tell(cx: &Acting<'_>, ticket: &mut Record) -> Result<()> {
    let now = cx.tx.now;
    for clock in [Clock::Response, Clock::Resolution] {
        let Some((due, warn, told)) = ticket.owes(clock) else {
            continue;
        };
        let (kind, level) = if due::breached(Some(due), now) {
            ("sla_breach", MISSED)
        } else if warn.is_some_and(|warn| warn <= now) {
            ("sla_warning", WARNED)
        } else {
            continue;
        };
        if told >= level {
            continue;
        }
        let (stands, breached) = match clock {
            Clock::Response => (
                &mut ticket.sla_response_told,
                &mut ticket.sla_response_breached,
            ),
            Clock::Resolution => (
                &mut ticket.sla_resolution_told,
                &mut ticket.sla_resolution_breached,
            ),
        };
        *stands = level;
        *breached = level == MISSED;
        let due = crate::clock::wire(due);
        let told = Event {
            kind,
            new: Some(clock.as_str()),
            note: Some(&due),
            ..Event::default()
        };
        event::write(cx, ticket.id, &told)?;
    }
    Ok(())
}

/// Writes a ticket's clocks back. Nobody has changed the ticket: its version and its place in lists stay.
fn save(conn: &Connection, ticket: &Record) -> Result<()> {
    run(
        conn,
        "update ticket
            set sla_response_at = ?3, sla_resolution_at = ?4, sla_next_at = ?5, sla_alarm_at = ?6,
                sla_response_warn_at = ?7, sla_resolution_warn_at = ?8, sla_response_told = ?9, sla_resolution_told = ?10,
                sla_response_breached = ?11, sla_resolution_breached = ?12
          where tenant_id = ?1 and id = ?2",
        rusqlite::params![
            ticket.tenant,
            ticket.id,
            ticket.sla_response_at,
            ticket.sla_resolution_at,
            ticket.sla_next_at(),
            ticket.sla_alarm_at(),
            ticket.sla_response_warn_at,
            ticket.sla_resolution_warn_at,
            ticket.sla_response_told,
            ticket.sla_resolution_told,
            ticket.sla_response_breached,
            ticket.sla_resolution_breached,
        ],
    )?;
    Ok(())
}

/// Says whether there is anything for [`recount_more`] or [`ring()`] to do. The cross join has SQLite begin with the tickets that
/// are due: by figures of a sample, as `pragma optimize` takes them on a large desk, it would go through all of each tenant.
pub(crate) fn is_waiting(conn: &Connection, now: Millis) -> Result<bool> {
    one(
        conn,
        "select exists (select 1 from tenant where sla_recount_after is not null)
             or exists (select 1 from ticket t
                         cross join tenant n on n.id = t.tenant_id and n.is_active
                         where t.sla_alarm_at <= ?1 and t.deleted_at is null)",
        [now],
        |row| row.get(0),
    )
}

/// Tells of the tickets, of any tenant at work, whose time has come: at most 100 of them.
pub(crate) fn ring(tx: &Tx<'_>) -> Result<()> {
    let due: Vec<(TenantId, TicketId)> = all(
        tx,
        "select t.tenant_id, t.id
           from ticket t
          cross join tenant n on n.id = t.tenant_id and n.is_active
          where t.sla_alarm_at <= ?1 and t.deleted_at is null
          order by t.sla_alarm_at
          limit 100",
        [tx.now],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    for &(tenant, id) in &due {
        let cx = Acting::new(tx, tenant, Actor::system());
        let mut ticket = record::by_id(tx, tenant, id)?;
        tell(&cx, &mut ticket)?;
        save(tx, &ticket)?;
    }
    Ok(())
}

/// Tells what a ticket had to tell until now, each at its own time: what a desk that is played back has missed.
pub(crate) fn catch_up(tx: &Tx<'_>, tenant: TenantId, id: TicketId) -> Result<()> {
    loop {
        let mut ticket = record::by_id(tx, tenant, id)?;
        let Some(at) = ticket.sla_alarm_at().filter(|&at| at <= tx.now) else {
            return Ok(());
        };
        let then = tx.at(at);
        tell(&Acting::new(&then, tenant, Actor::system()), &mut ticket)?;
        save(tx, &ticket)?;
    }
}

/// Counts all open tickets of a tenant anew, because rules, tariffs or hours have changed: the first at once, the rest as
/// [`recount_more`] comes by.
pub(crate) fn recount(tx: &Tx<'_>, tenant: TenantId) -> Result<()> {
    run(
        tx,
        "update tenant set sla_recount_after = 0 where id = ?1",
        [tenant],
    )?;
    portion(tx, tenant, 0)
}

/// Goes on with one tenant whose tickets are being counted anew. Answers whether there was one.
pub(crate) fn recount_more(tx: &Tx<'_>) -> Result<bool> {
    let waiting = first(
        tx,
        "select id, sla_recount_after from tenant where sla_recount_after is not null order by id limit 1",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    match waiting {
        Some((tenant, after)) => portion(tx, tenant, after).map(|()| true),
        None => Ok(false),
    }
}

fn portion(tx: &Tx<'_>, tenant: TenantId, after: i64) -> Result<()> {
    let tickets = record::open_after(tx, tenant, after, AT_ONCE)?;
    let promises = Promises::to_all(tx, tenant)?;
    let ids: Vec<TicketId> = tickets.iter().map(|ticket| ticket.id).collect();
    let mut changes = changes(tx, tenant, &ids)?;
    let last = ids
        .last()
        .map(|id| id.0)
        .filter(|_| tickets.len() as i64 == AT_ONCE);
    for mut ticket in tickets {
        let own = changes.remove(&ticket.id).unwrap_or_default();
        let run = Run::new(ticket.created_at, own);
        count(&promises, &mut ticket, &run, tx.now);
        save(tx, &ticket)?;
    }
    run(
        tx,
        "update tenant set sla_recount_after = ?2 where id = ?1",
        (tenant, last),
    )?;
    Ok(())
}

#[cfg(test)]
mod tests;
