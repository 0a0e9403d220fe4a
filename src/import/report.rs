//! What an import would do or has done, for a person to read before anything is changed and after.
use super::{
    agents::Agents,
    compare::Field,
    stage::{Stage, Ticket},
};
use crate::{api::field::TenantId, error::Result};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// How much the export holds.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Found {
    pub(crate) tickets: i64,
    pub(crate) messages: i64,
    pub(crate) files: i64,
    pub(crate) people: i64,
    pub(crate) agents: i64,
    pub(crate) companies: i64,
}

/// A word of status there and what it became here.
#[derive(Debug, Serialize)]
pub(crate) struct Mapped {
    pub(crate) there: String,
    pub(crate) here: String,
    pub(crate) tickets: i64,
}

/// What became of a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum What {
    /// It was not here.
    New,
    /// It was here, and is changed.
    Changed,
    /// It differs, and stays as people here have made it; messages that it lacked are added.
    Kept,
    /// It was thrown away here.
    Deleted,
}

/// A ticket that is not the same here and there.
#[derive(Debug, Serialize)]
pub(crate) struct Difference {
    pub(crate) what: What,
    /// What it is called there.
    pub(crate) there: String,
    /// Its number here.
    pub(crate) here: Option<i64>,
    pub(crate) subject: String,
    pub(crate) new_messages: usize,
    pub(crate) fields: Vec<Field>,
}

/// A whole import in figures.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    pub(crate) source: String,
    pub(crate) applied: bool,
    pub(crate) found: Found,
    /// Tickets of the export that do not come, by why.
    pub(crate) left_out: BTreeMap<String, i64>,
    pub(crate) statuses: Vec<Mapped>,
    pub(crate) new_tickets: usize,
    pub(crate) changed_tickets: usize,
    pub(crate) kept_tickets: usize,
    pub(crate) deleted_tickets: usize,
    pub(crate) unchanged_tickets: usize,
    pub(crate) new_messages: usize,
    pub(crate) new_files: usize,
    pub(crate) new_contacts: BTreeSet<String>,
    /// Agents of the other desk who get an account here, or have got one.
    pub(crate) new_operators: BTreeSet<String>,
    /// Why they cannot get one, in words; then nothing is brought.
    pub(crate) too_many_operators: Option<String>,
    /// Agents whose address is a login in another tenant.
    pub(crate) agents_of_other_tenants: BTreeSet<String>,
    pub(crate) new_clients: BTreeSet<String>,
    pub(crate) new_tags: BTreeSet<String>,
    /// Files that neither the export nor the folder of attachments holds.
    pub(crate) missing_files: Vec<String>,
    /// People of the other desk who have no account here: their name stands, and nobody is linked.
    pub(crate) agents_without_account: BTreeSet<String>,
    /// Companies that cannot become clients here, which are known by a domain.
    pub(crate) companies_without_domain: BTreeSet<String>,
    /// Numbers that were to be kept and are another ticket's here.
    pub(crate) numbers_taken: Vec<i64>,
    pub(crate) remarks: Vec<String>,
    pub(crate) differences: Vec<Difference>,
}

impl Report {
    /// Begins with what the export says of itself.
    pub(crate) fn of(stage: &Stage, source: &str) -> Result<Report> {
        let count = |sql: &'static str| stage.count(sql);
        let statuses = stage.statuses()?.into_iter();
        Ok(Report {
            source: source.to_owned(),
            found: Found {
                tickets: count("select count(*) from ticket")?,
                messages: count("select count(*) from said")?,
                files: count("select count(*) from attached")?,
                people: count("select count(*) from person where not is_agent")?,
                agents: count("select count(*) from person where is_agent")?,
                companies: count("select count(*) from company")?,
            },
            left_out: stage.left_out()?,
            statuses: statuses
                .map(|(there, here, tickets)| Mapped {
                    there,
                    here,
                    tickets,
                })
                .collect(),
            remarks: stage.remarks()?,
            ..Report::default()
        })
    }

    /// Says what becomes of the agents.
    pub(crate) fn agents(&mut self, tenant: TenantId, agents: &Agents) {
        self.new_operators.extend(agents.named());
        self.agents_of_other_tenants
            .extend(agents.elsewhere.iter().cloned());
        self.too_many_operators = agents.too_many(tenant);
    }

    /// Takes note of a ticket that differs.
    pub(super) fn differs(
        &mut self,
        what: What,
        ticket: &Ticket,
        here: Option<i64>,
        new_messages: usize,
        fields: Vec<Field>,
    ) {
        *match what {
            What::New => &mut self.new_tickets,
            What::Changed => &mut self.changed_tickets,
            What::Kept => &mut self.kept_tickets,
            What::Deleted => &mut self.deleted_tickets,
        } += 1;
        if what != What::Deleted {
            self.new_messages += new_messages;
        }
        self.differences.push(Difference {
            what,
            there: ticket.key.clone(),
            here,
            subject: ticket.subject.clone(),
            new_messages,
            fields,
        });
    }

    /// Adds what a batch of tickets came to.
    pub(crate) fn add(&mut self, batch: Report) {
        self.new_tickets += batch.new_tickets;
        self.changed_tickets += batch.changed_tickets;
        self.kept_tickets += batch.kept_tickets;
        self.deleted_tickets += batch.deleted_tickets;
        self.unchanged_tickets += batch.unchanged_tickets;
        self.new_messages += batch.new_messages;
        self.new_files += batch.new_files;
        self.new_contacts.extend(batch.new_contacts);
        self.new_clients.extend(batch.new_clients);
        self.new_tags.extend(batch.new_tags);
        self.missing_files.extend(batch.missing_files);
        self.agents_without_account
            .extend(batch.agents_without_account);
        self.companies_without_domain
            .extend(batch.companies_without_domain);
        self.numbers_taken.extend(batch.numbers_taken);
        self.differences.extend(batch.differences);
    }

    /// Whether there is anything to bring.
    pub(crate) fn is_idle(&self) -> bool {
        self.new_tickets + self.changed_tickets + self.new_messages + self.new_operators.len() == 0
    }
}
