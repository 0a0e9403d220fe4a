//! How a visitor gets to a ticket: by its token, or by its public id and the address it was opened with.
use crate::{
    access::{
        WidgetSite,
        guesses::Guess,
        secret::{Purpose, Secret},
    },
    api::{
        Call,
        field::{Int, Line, TenantId},
    },
    app::App,
    clock::Millis,
    db::sql::one,
    error::{Code, Error, Result},
    tenant,
    ticket::{
        model::Origin,
        record::{self, Record},
    },
};
use rusqlite::Connection;

/// The token of a ticket: it names the ticket and proves that its bearer opened it.
pub(super) fn token(secret: &Secret, tenant: TenantId, reference: i64) -> String {
    let parts = [tenant.0.to_be_bytes(), reference.to_be_bytes()];
    let proof = secret.sign(Purpose::WidgetTicket, &[&parts[0], &parts[1]]);
    format!("wt_{reference}_{proof}")
}

/// The reference that a token names, if this installation made it for this tenant.
fn reference_of(secret: &Secret, tenant: TenantId, token: &str) -> Option<i64> {
    let (reference, proof) = token.strip_prefix("wt_")?.split_once('_')?;
    let reference: i64 = reference.parse().ok()?;
    let parts = [tenant.0.to_be_bytes(), reference.to_be_bytes()];
    secret
        .verify(Purpose::WidgetTicket, &[&parts[0], &parts[1]], proof)
        .then_some(reference)
}

/// The ticket that a merged one went on in, if the same visitor opened that one; somebody else's is not theirs to read.
fn gone_on(conn: &Connection, ticket: Record) -> Result<Record> {
    if ticket.merged_into.is_none() {
        return Ok(ticket);
    }
    let on = match record::gone_on(conn, ticket.tenant, ticket.id) {
        Ok(on) => on,
        Err(error) if error.code() == Code::TicketNotFound => return Ok(ticket),
        Err(error) => return Err(error),
    };
    let is_theirs = on.creator_email.is_some() && on.creator_email == ticket.creator_email;
    Ok(if is_theirs { on } else { ticket })
}

/// Whether a visitor of a site opened the ticket with that address.
pub(super) fn is_opened_by(ticket: &Record, email: &str) -> bool {
    ticket.channel == Origin::Widget
        && ticket.creator_email.as_deref() == Some(email.trim().to_lowercase().as_str())
}

/// The ticket of that id if it was opened with that address. Where there is none another one is looked at in its place: how
/// long the answer takes tells nobody which ids there are.
fn behind(
    conn: &Connection,
    tenant: TenantId,
    reference: i64,
    email: &str,
) -> Result<Option<Record>> {
    let (theirs, other): (Option<i64>, Option<i64>) = one(
        conn,
        "select (select reference from ticket where tenant_id = ?1 and reference = ?2 and deleted_at is null),
                (select reference from ticket where tenant_id = ?1 and deleted_at is null order by id desc limit 1)",
        (tenant, reference),
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let Some(looked_at) = theirs.or(other) else {
        return Ok(None);
    };
    let ticket = record::by_reference(conn, tenant, looked_at)?;
    let fits = ticket.filter(|ticket| is_opened_by(ticket, email));
    Ok(fits.filter(|_| theirs.is_some()))
}

/// How a visitor names their ticket: by its token, or by its id and the e-mail it was opened with.
#[derive(Clone, Debug)]
pub(super) struct Door {
    pub(super) ticket_id: Option<Int>,
    pub(super) email: Option<Line>,
    pub(super) ticket_token: Option<Line>,
}

impl Door {
    /// The ticket behind the door. A wrong id and a wrong address have one answer, and too many of them a wait.
    pub(super) fn open(
        &self,
        conn: &Connection,
        app: &App,
        site: &WidgetSite,
        call: &Call,
        now: Millis,
    ) -> Result<Record> {
        let tenant = site.tenant;
        if let Some(token) = self.ticket_token.as_ref().filter(|t| !t.is_empty()) {
            let found = match reference_of(&app.secret, tenant, token) {
                Some(reference) => record::by_reference(conn, tenant, reference)?,
                None => None,
            };
            let found = found.ok_or_else(|| Error::new(Code::TicketNotFound).on("ticket_token"))?;
            return gone_on(conn, found);
        }
        let reference = self.ticket_id.ok_or_else(|| Error::missing("ticket_id"))?.0;
        let email = self.email.as_ref().ok_or_else(|| Error::missing("email"))?;
        let guess = Guess {
            site: tenant,
            address: call.address,
            ticket: reference,
        };
        app.guesses.admit(guess, now)?;
        let strict = tenant::by_id(conn, tenant)?.settings.widget_strict;
        match behind(conn, tenant, reference, email)?.filter(|_| !strict) {
            Some(ticket) => {
                app.guesses.succeeded(guess);
                gone_on(conn, ticket)
            }
            None => {
                app.guesses.failed(guess, now);
                Err(Error::new(Code::TicketNotFound).on("ticket_id"))
            }
        }
    }
}
