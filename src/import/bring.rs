//! Bringing tickets here, some at a time: each with all that belongs to it in one transaction, and noted there, so that an
//! import that is cut short goes on where it was.
use super::{
    Export, Report, Stage,
    agents::{self, Agents},
    compare::{self, Compared, Here, compare},
    report::What,
    stage::{Attached, Company, Kind, Person, Said, Ticket},
};
use crate::{
    api::{
        Upload,
        field::{ClientId, TenantId},
    },
    blob::Blobs,
    channel::email::{html, names},
    client,
    clock::DAY,
    contact,
    db::{
        Tx,
        sql::{first, one, run},
    },
    error::{Code, Result},
    tenant,
    ticket::{
        Acting, Actor, NewTicket,
        arrival::{self, Standing},
        message::Draft,
        model::{ActorKind, Author, Delivery},
        record::Record,
        status::Status,
    },
};
use rusqlite::Connection;
use std::{collections::HashMap, fs, path::PathBuf};

/// Whose tickets come to whom.
#[derive(Clone, Debug)]
pub(crate) struct Bringing {
    pub(crate) tenant: TenantId,
    /// Which desk they come from: two of one kind are told apart by it.
    pub(crate) source: String,
    pub(crate) keep_numbers: bool,
    /// Who gets an account.
    pub(crate) agents: Agents,
}

/// A ticket with what is known of its files.
#[derive(Debug)]
pub(crate) struct Loaded {
    ticket: Ticket,
    /// Where the files of a message are, by its key.
    files: HashMap<String, Vec<Source>>,
    missing: HashMap<String, Vec<String>>,
    uploads: HashMap<String, Vec<(Upload, Option<String>)>>,
}

/// Where the bytes of a file come from.
#[derive(Debug)]
struct Source {
    about: Attached,
    place: Option<PathBuf>,
}

impl Loaded {
    /// Reads a ticket of the export and looks for its files.
    pub(crate) fn of(stage: &Stage, export: &Export, key: &str) -> Result<Loaded> {
        let mut loaded = Loaded {
            ticket: stage.ticket(key)?,
            files: HashMap::new(),
            missing: HashMap::new(),
            uploads: HashMap::new(),
        };
        for said in &loaded.ticket.said {
            for about in &said.files {
                let place = export.find(&about.ways);
                if about.row.is_none() && place.is_none() {
                    let missing = loaded.missing.entry(said.key.clone()).or_default();
                    missing.push(about.name.clone());
                    continue;
                }
                loaded
                    .files
                    .entry(said.key.clone())
                    .or_default()
                    .push(Source {
                        about: about.clone(),
                        place,
                    });
            }
        }
        Ok(loaded)
    }

    /// Puts the files of the messages of these keys into the store.
    pub(crate) fn store(
        &mut self,
        stage: &Stage,
        blobs: &Blobs,
        tenant: TenantId,
        new: &[String],
    ) -> Result<()> {
        for key in new {
            for source in self.files.remove(key).unwrap_or_default() {
                let bytes = match (source.about.row, &source.place) {
                    (Some(row), _) => stage.content(row)?,
                    (None, Some(place)) => fs::read(place)?,
                    (None, None) => continue,
                };
                let about = source.about;
                let upload = Upload {
                    blob: blobs.put(tenant, &bytes)?,
                    name: names::of(Some(&about.name), &about.mime, 1),
                    mime: about.mime,
                };
                let content_id = about.content_id.map(|id| html::content_id(&id));
                self.uploads
                    .entry(key.clone())
                    .or_default()
                    .push((upload, content_id));
            }
        }
        Ok(())
    }
}

impl Bringing {
    fn compare(&self, conn: &Connection, loaded: &Loaded) -> Result<Compared> {
        let place = (self.tenant, self.source.as_str());
        compare(conn, place, &loaded.ticket, &self.agents)
    }

    /// The keys of the messages of a batch that are not here, ticket by ticket.
    pub(crate) fn news(&self, conn: &Connection, batch: &[Loaded]) -> Result<Vec<Vec<String>>> {
        let news = |loaded: &Loaded| {
            let compared = self.compare(conn, loaded)?;
            Ok(match compared.here {
                Here::Gone => Vec::new(),
                _ => compared.new.into_iter().collect(),
            })
        };
        batch.iter().map(news).collect()
    }

    /// Says what a batch would change.
    pub(crate) fn weigh(&self, conn: &Connection, batch: &[Loaded]) -> Result<Report> {
        let mut report = Report::default();
        for loaded in batch {
            let compared = self.compare(conn, loaded)?;
            self.note(conn, loaded, &compared, &mut report)?;
        }
        Ok(report)
    }

    /// Brings a batch, and says what it changed.
    pub(crate) fn bring(&self, tx: &Tx<'_>, batch: &mut [Loaded]) -> Result<Report> {
        let mut report = Report::default();
        for loaded in batch {
            let compared = self.compare(tx, loaded)?;
            self.note(tx, loaded, &compared, &mut report)?;
            self.one(tx, loaded, compared)?;
        }
        Ok(report)
    }

    /// Writes down how a ticket there and here differ.
    fn note(
        &self,
        conn: &Connection,
        loaded: &Loaded,
        compared: &Compared,
        report: &mut Report,
    ) -> Result<()> {
        let ticket = &loaded.ticket;
        let assignee = compare::assignee(conn, self.tenant, ticket, &self.agents)?;
        let new = compared.new.len();
        match &compared.here {
            Here::Gone => {
                report.differs(What::Deleted, ticket, None, 0, Vec::new());
                return Ok(());
            }
            Here::Nowhere => {
                report.differs(What::New, ticket, None, new, Vec::new());
                if let Some(number) = ticket.number.filter(|_| self.keep_numbers)
                    && self.is_taken(conn, number)?
                {
                    report.numbers_taken.push(number);
                }
            }
            Here::There(known) => {
                let fields = if known.is_changed {
                    compare::fields(&known.record, ticket, assignee.as_deref())
                } else {
                    Vec::new()
                };
                if new == 0 && !known.is_changed {
                    report.unchanged_tickets += 1;
                    return Ok(());
                }
                let what = if known.is_touched && known.is_changed {
                    What::Kept
                } else {
                    What::Changed
                };
                report.differs(what, ticket, Some(known.record.id.0), new, fields);
            }
        }
        for said in ticket
            .said
            .iter()
            .filter(|said| compared.new.contains(&said.key))
        {
            report.new_files += loaded.files.get(&said.key).map_or(0, Vec::len)
                + loaded.uploads.get(&said.key).map_or(0, Vec::len);
            let missing = loaded.missing.get(&said.key).into_iter().flatten();
            let named = missing.map(|name| format!("{}: {name}", ticket.key));
            report.missing_files.extend(named);
        }
        self.note_people(conn, ticket, report)
    }

    fn note_people(&self, conn: &Connection, ticket: &Ticket, report: &mut Report) -> Result<()> {
        let requester = ticket
            .requester
            .as_ref()
            .and_then(|person| person.email.as_deref());
        if let Some(email) = requester
            && contact::by_address(conn, self.tenant, email)?.is_none()
        {
            report.new_contacts.insert(email.to_owned());
        }
        let agents = ticket.said.iter().filter_map(|said| said.author.as_ref());
        for agent in agents
            .chain(&ticket.assignee)
            .filter(|person| person.is_agent)
        {
            if !self.agents.brings(agent)
                && compare::operator(conn, self.tenant, Some(agent))?.is_none()
            {
                report.agents_without_account.insert(agents::shown(agent));
            }
        }
        if let Some(company) = &ticket.company
            && self.known_client(conn, company)?.is_none()
        {
            match compare::domain(company.domain.as_deref()) {
                Some(domain) => report
                    .new_clients
                    .insert(format!("{} ({domain})", company.name)),
                None => report.companies_without_domain.insert(company.name.clone()),
            };
        }
        for tag in &ticket.tags {
            let is_known: bool = one(
                conn,
                "select exists (select 1 from tag where tenant_id = ?1 and name = ?2)",
                (self.tenant, tag),
                |row| row.get(0),
            )?;
            if !is_known {
                report.new_tags.insert(tag.clone());
            }
        }
        Ok(())
    }

    fn is_taken(&self, conn: &Connection, number: i64) -> Result<bool> {
        one(
            conn,
            "select ?2 not between 1 and 268435455
                    or exists (select 1 from ticket where tenant_id = ?1 and id = ?2)",
            (self.tenant, number),
            |row| row.get(0),
        )
    }

    fn one(&self, tx: &Tx<'_>, loaded: &mut Loaded, compared: Compared) -> Result<()> {
        let ticket = &loaded.ticket;
        let (mut record, is_kept) = match compared.here {
            Here::Gone => return Ok(()),
            Here::There(known) if compared.new.is_empty() && !known.is_changed => return Ok(()),
            Here::There(known) => (known.record, known.is_touched),
            Here::Nowhere => (self.begin(tx, ticket)?, false),
        };
        let mut seen = None;
        for said in &ticket.said {
            if !compared.new.contains(&said.key) {
                continue;
            }
            let uploads = loaded.uploads.remove(&said.key).unwrap_or_default();
            let id = self.say(tx, &mut record, said, uploads)?;
            if said.kind == Kind::Support {
                seen = Some(id);
            }
            run(
                tx,
                "insert into imported_message (tenant_id, source, external_id, message_id) values (?1, ?2, ?3, ?4)",
                (self.tenant, &self.source, &said.key, id),
            )?;
        }
        let then = tx.at(ticket.updated_at.max(record.updated_at));
        let cx = Acting::new(&then, self.tenant, Actor::system());
        if is_kept {
            // People here have worked on it: it stays as they have made it.
            record.save_now(&then)?;
        } else {
            let standing = Standing {
                seen,
                ..self.standing(tx, ticket, &record)?
            };
            record.subject.clone_from(&ticket.subject);
            record.priority = ticket.priority;
            arrival::settle(&cx, &mut record, &standing, &ticket.tags)?;
        }
        run(
            tx,
            "insert into imported_ticket (tenant_id, source, external_id, ticket_id, digest, last_event_id, imported_at)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             on conflict do update
                set digest = excluded.digest,
                    last_event_id = iif(?8, imported_ticket.last_event_id, excluded.last_event_id),
                    imported_at = excluded.imported_at",
            (
                self.tenant,
                &self.source,
                &ticket.key,
                record.id,
                &compared.digest,
                arrival::last_event(&cx, record.id)?,
                tx.now,
                is_kept,
            ),
        )?;
        Ok(())
    }

    /// Makes the row of a ticket that has not come yet, and whoever asked in it.
    fn begin(&self, tx: &Tx<'_>, ticket: &Ticket) -> Result<Record> {
        let then = tx.at(ticket.created_at);
        let client = self.client(tx, ticket.company.as_ref())?;
        let nobody = Person::default();
        let requester = ticket.requester.as_ref().unwrap_or(&nobody);
        let contact = match &requester.email {
            Some(email) => Some(contact::of_address(
                tx,
                self.tenant,
                email,
                &requester.name,
                client,
                ticket.created_at,
            )?),
            None => None,
        };
        let new = NewTicket {
            priority: ticket.priority,
            client: contact
                .as_ref()
                .and_then(|contact| contact.client)
                .or(client),
            contact: contact.map(|contact| contact.id),
            creator_email: requester.email.clone(),
            creator_phone: requester.phone.clone(),
            ..NewTicket::new(
                ticket.subject.clone(),
                ticket.channel,
                requester.name.clone(),
            )
        };
        let cx = Acting::new(&then, self.tenant, Actor::visitor(&requester.name));
        let number = ticket.number.filter(|_| self.keep_numbers);
        let note = format!("{} {}", self.source, ticket.key);
        arrival::begin(&cx, new, number, &note)
    }

    fn say(
        &self,
        tx: &Tx<'_>,
        record: &mut Record,
        said: &Said,
        uploads: Vec<(Upload, Option<String>)>,
    ) -> Result<crate::api::field::MessageId> {
        let then = tx.at(said.at);
        let author = said.author.as_ref();
        let name = author
            .map(|person| person.name.clone())
            .filter(|name| !name.is_empty())
            .or_else(|| said.author_name.clone());
        let mut draft = Draft {
            body: said.body.clone(),
            html: said.html.clone(),
            mail_id: said.mail_id.clone(),
            ..Draft::default()
        };
        for (upload, content_id) in uploads {
            match content_id {
                Some(id) => draft.inline.push((upload, id)),
                None => draft.uploads.push(upload),
            }
        }
        let actor = match said.kind {
            Kind::Client => {
                draft.author = Some(Author::Client);
                let email = author.and_then(|person| person.email.as_deref());
                let known = match email {
                    Some(email) => contact::by_address(tx, self.tenant, email)?,
                    None => None,
                };
                draft.contact = known.map(|contact| contact.id);
                Actor::visitor(name.as_deref().unwrap_or(&record.creator_name))
            }
            Kind::Support | Kind::Note => {
                draft.author = Some(Author::Support);
                draft.is_note = said.kind == Kind::Note;
                // It left there: nothing is sent from here.
                draft.fate = (said.kind == Kind::Support).then_some(Delivery::Sent);
                let operator = compare::operator(tx, self.tenant, author)?;
                Actor {
                    kind: ActorKind::Operator,
                    id: operator.as_ref().map(|(id, _)| id.0),
                    name: operator
                        .map(|(_, name)| name)
                        .or(name)
                        .unwrap_or_else(|| self.source.clone()),
                }
            }
        };
        arrival::say(&Acting::new(&then, self.tenant, actor), record, draft)
    }

    fn standing(&self, tx: &Tx<'_>, ticket: &Ticket, record: &Record) -> Result<Standing> {
        let assignee = agents::at_work(tx, self.tenant, ticket.assignee.as_ref())?;
        let days = i64::from(tenant::by_id(tx, self.tenant)?.settings.auto_close_days);
        // What the calendar would close at once comes closed, so that nobody hears of it now.
        let is_over = days > 0 && ticket.done_at <= tx.now - days * DAY;
        let status = match ticket.status {
            Status::Done if is_over => Status::Closed,
            status => status,
        };
        let answers = ticket.said.iter().skip(1);
        let answer = answers
            .filter(|said| said.kind == Kind::Support)
            .map(|said| said.at);
        Ok(Standing {
            status,
            assigned_to: assignee.or(record.assigned_to),
            first_response_at: answer.min(),
            done_at: ticket.done_at,
            updated_at: ticket.updated_at.max(record.updated_at),
            seen: None,
        })
    }

    /// The client that a company is here, by its domain or its name.
    fn known_client(&self, conn: &Connection, company: &Company) -> Result<Option<ClientId>> {
        if let Some(domain) = compare::domain(company.domain.as_deref()) {
            match client::by_domain(conn, self.tenant, &domain) {
                Err(error) if error.code() == Code::ClientNotFound => {}
                found => return found.map(Some),
            }
        }
        first(
            conn,
            "select id from client where tenant_id = ?1 and company_name = ?2 order by id limit 1",
            (self.tenant, &company.name),
            |row| row.get(0),
        )
    }

    fn client(&self, tx: &Tx<'_>, company: Option<&Company>) -> Result<Option<ClientId>> {
        let Some(company) = company else {
            return Ok(None);
        };
        if let Some(known) = self.known_client(tx, company)? {
            return Ok(Some(known));
        }
        match compare::domain(company.domain.as_deref()) {
            Some(domain) => {
                client::create(tx, self.tenant, &domain, &company.name, tx.now).map(Some)
            }
            None => Ok(None),
        }
    }
}
