//! `tehprof import`: brings another desk's data in. Without `--apply` it says what it would change and changes nothing.
use super::{
    DataDir,
    desk::Desk,
    failure::{Failure, refuse},
    out,
    tenant::meant,
    value,
};
use crate::{
    blob::Blobs,
    error::Result as Done,
    import::{Agents, Bringing, Export, Format, Loaded, Person, Report, Stage, of_export},
    tenant::Tenant,
};
use clap::Args;
use jiff::tz::TimeZone;
use std::path::PathBuf;

/// How many tickets come in one transaction: a server that runs meanwhile waits no longer than for these.
const BATCH: usize = 25;
/// How many names of a long list are told to a person; --json tells all.
const SHOWN: usize = 10;

/// Bring in the tickets of another desk from its export; without --apply, only tell what would change
///
/// zendesk takes the JSON of its full export or of its API. freescout and osticket take the SQL that mysqldump writes of their
/// databases. csv takes a table with a line of names: ticket, subject, created_at, and as it may be status, priority, channel,
/// tags, company, domain, requester_name, requester_email, requester_phone, assignee_email, updated_at, closed_at, message,
/// message_id, message_at, author_name, author_email, kind (client, support or note), attachments; rows of one ticket belong
/// together. Tickets are not counted against the plan's tickets of the month, nobody is told of them and no rule acts on
/// them. The desk's agents become operators, known by their addresses; those who are not here get accounts without a password.
/// The same command may be given again: what is new there is added, what people have changed here stays.
#[derive(Args, Debug)]
pub(super) struct Import {
    /// Whose export it is
    #[arg(long, value_name = "DESK", value_parser = value::one_of(Format::ALL.map(Format::as_str), Format::parse))]
    from: Format,
    /// The files of the export
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Bring them to this tenant, by its id, domain or name; may be left out if there is one only
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
    /// Bring them; otherwise nothing is changed
    #[arg(long)]
    apply: bool,
    /// Look for attachments in this folder
    #[arg(long, value_name = "DIR")]
    attachments: Option<PathBuf>,
    /// Times that name no zone are meant in this one
    #[arg(long, value_name = "ZONE", default_value = "UTC", value_parser = value::timezone)]
    timezone: String,
    /// Give tickets the numbers they have there, where those are free here
    #[arg(long)]
    keep_numbers: bool,
    /// Give agents no accounts: their names stand, and tickets are for those who are here already
    #[arg(long)]
    without_agents: bool,
    /// Tell two desks of the same kind apart by this name
    #[arg(long, value_name = "NAME", value_parser = value::name)]
    source: Option<String>,
    #[command(flatten)]
    data: DataDir,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Import {
    pub(super) fn run(self) -> Result<(), Failure> {
        let zone =
            TimeZone::get(&self.timezone).map_err(|error| Failure::Usage(error.to_string()))?;
        let desk = Desk::open(&self.data.data_dir)?;
        let word = self.tenant.clone();
        let tenant = desk.read(move |db| whose(db, word.as_deref()))?;
        let export = Export {
            format: self.from,
            files: self.files,
            attachments: self.attachments,
            zone,
        };
        let stage = export.read()?;
        let source = self.source.unwrap_or_else(|| self.from.as_str().to_owned());
        let bringing = Bringing {
            tenant: tenant.id,
            source: source.clone(),
            keep_numbers: self.keep_numbers,
            agents: Agents::default(),
        };
        let agents = if self.without_agents {
            Vec::new()
        } else {
            of_export(&stage)?
        };
        let mut work = Work {
            report: Report::of(&stage, &source)?,
            keys: stage.keys()?,
            bringing,
            stage,
            export,
        };
        work.agents(&desk, agents, self.apply)?;
        if self.apply {
            let blobs = Blobs::joined(&self.data.data_dir.join("files"))?;
            work.bring(&desk, &blobs)?;
        } else {
            work.weigh(&desk)?;
        }
        if self.json {
            return out::json(&work.report);
        }
        tell(&work.report, &tenant)
    }
}

/// The tenant that is meant: the one that is named, or the only one.
fn whose(conn: &rusqlite::Connection, word: Option<&str>) -> Done<Tenant> {
    if let Some(word) = word {
        return meant(conn, word);
    }
    let mut all = crate::tenant::all(conn)?;
    match (all.pop(), all.is_empty()) {
        (Some(only), true) => Ok(only),
        (None, _) => Err(refuse(
            "there is no tenant yet; `tehprof tenant create` makes one",
        )),
        (Some(_), false) => Err(refuse(
            "there are several tenants; name one with --tenant, `tehprof tenant list` shows them",
        )),
    }
}

struct Work {
    report: Report,
    keys: Vec<String>,
    bringing: Bringing,
    stage: Stage,
    export: Export,
}

impl Work {
    fn load(&self, keys: &[String]) -> Done<Vec<Loaded>> {
        keys.iter()
            .map(|key| Loaded::of(&self.stage, &self.export, key))
            .collect()
    }

    /// Says who would get an account, or gives it to them: all of them before the first ticket comes, or nobody.
    fn agents(&mut self, desk: &Desk, people: Vec<Person>, apply: bool) -> Result<(), Failure> {
        let tenant = self.bringing.tenant;
        let agents = if apply {
            desk.write(move |tx| Agents::bring(tx, tenant, &people))?
        } else {
            desk.read(move |db| Agents::compare(db, tenant, &people))?
        };
        self.report.agents(tenant, &agents);
        self.bringing.agents = agents;
        Ok(())
    }

    /// Says what would change.
    fn weigh(&mut self, desk: &Desk) -> Result<(), Failure> {
        for keys in self.keys.chunks(BATCH) {
            let (batch, bringing) = (self.load(keys)?, self.bringing.clone());
            let part = desk.read(move |db| bringing.weigh(db, &batch))?;
            self.report.add(part);
        }
        Ok(())
    }

    /// Changes it, batch by batch; one that is cut short goes on where it was when the command is given again.
    fn bring(&mut self, desk: &Desk, blobs: &Blobs) -> Result<(), Failure> {
        self.report.applied = true;
        for keys in self.keys.chunks(BATCH) {
            let (batch, bringing) = (self.load(keys)?, self.bringing.clone());
            let (mut batch, news) = desk.read(move |db| {
                let news = bringing.news(db, &batch)?;
                Ok((batch, news))
            })?;
            for (loaded, new) in batch.iter_mut().zip(&news) {
                loaded.store(&self.stage, blobs, self.bringing.tenant, new)?;
            }
            let bringing = self.bringing.clone();
            let part = desk.write(move |tx| bringing.bring(tx, &mut batch))?;
            self.report.add(part);
        }
        Ok(())
    }
}

/// Some names of a list, and how many more there are.
fn names<'n>(list: impl IntoIterator<Item = &'n String>) -> String {
    let all: Vec<&str> = list.into_iter().map(String::as_str).collect();
    let shown = all
        .iter()
        .take(SHOWN)
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    match all.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn tell(report: &Report, tenant: &Tenant) -> Result<(), Failure> {
    let found = &report.found;
    out::say(format!(
        "the export holds: tickets {}, messages {}, files {}, people {}, agents {}, companies {}",
        found.tickets, found.messages, found.files, found.people, found.agents, found.companies
    ))?;
    for mapped in &report.statuses {
        out::say(format!(
            "  status {} becomes {}: {}",
            mapped.there, mapped.here, mapped.tickets
        ))?;
    }
    for (why, count) in &report.left_out {
        out::say(format!("  left out, {why}: {count}"))?;
    }
    let word = if report.applied {
        "has changed"
    } else {
        "would change"
    };
    out::say(format!(
        "in tenant {} ({}) this {word}:",
        tenant.id, tenant.name
    ))?;
    for (what, count) in [
        ("new tickets", report.new_tickets),
        ("tickets that changed there", report.changed_tickets),
        (
            "tickets kept as people here have made them",
            report.kept_tickets,
        ),
        (
            "tickets thrown away here, which stay away",
            report.deleted_tickets,
        ),
        ("tickets that are the same", report.unchanged_tickets),
        ("new messages", report.new_messages),
        ("new files", report.new_files),
        ("new contacts", report.new_contacts.len()),
        ("new operators", report.new_operators.len()),
    ] {
        out::say(format!("  {what}: {count}"))?;
    }
    let changed = report.differences.iter().filter(|d| !d.fields.is_empty());
    for difference in changed.take(SHOWN) {
        let here = difference
            .here
            .map_or_else(String::new, |id| format!(" (#{id} here)"));
        let fields: Vec<String> = difference.fields.iter().map(ToString::to_string).collect();
        out::say(format!(
            "  {}{here}: {}",
            difference.there,
            fields.join(", ")
        ))?;
    }
    let taken: Vec<String> = report
        .numbers_taken
        .iter()
        .map(ToString::to_string)
        .collect();
    for (what, list) in [
        (
            "operators who come without a password (`tehprof operator reset-password EMAIL` makes the link by which each sets one)",
            names(&report.new_operators),
        ),
        (
            "agents whose address is a login in another tenant, whose names stand without an account",
            names(&report.agents_of_other_tenants),
        ),
        (
            "--apply will bring nothing",
            report.too_many_operators.clone().unwrap_or_default(),
        ),
        ("new clients", names(&report.new_clients)),
        ("new tags", names(&report.new_tags)),
        (
            "agents without an account here, whose names stand without one (`tehprof operator add` first links them)",
            names(&report.agents_without_account),
        ),
        (
            "companies without a domain, which become no clients",
            names(&report.companies_without_domain),
        ),
        (
            "files that were not found (--attachments names their folder)",
            names(&report.missing_files),
        ),
        (
            "numbers that are taken here, whose tickets get others",
            names(&taken),
        ),
        ("note", names(&report.remarks)),
    ] {
        if !list.is_empty() {
            out::say(format!("  {what}: {list}"))?;
        }
    }
    if !report.applied && !report.is_idle() {
        out::note("nothing has been changed; the same command with --apply brings it");
    }
    Ok(())
}
