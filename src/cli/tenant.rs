//! `tehprof tenant`: the companies that give support on this installation.
use super::{
    DataDir,
    desk::Desk,
    failure::{Failure, refuse},
    operator::{self as account, Password},
    out, value,
};
use crate::{
    access::rules::Role,
    api::field::TenantId,
    blob::Blobs,
    error::{Code, Result as Done},
    lang::Lang,
    operator::{self, NewOperator},
    tenant::{
        self, NewTenant, Tenant,
        plan::Plan,
        transfer::{self, Landing, Source, Target},
    },
};
use clap::{Args, Subcommand};
use rusqlite::Connection;
use serde::Serialize;
use std::{fs, io, path::PathBuf};

/// Care for the companies that give support here
#[derive(Debug, Subcommand)]
pub(super) enum Tenants {
    Create(Create),
    List(List),
    Update(Update),
    Export(Export),
    Import(Import),
    Delete(Delete),
}

impl Tenants {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self {
            Tenants::Create(create) => create.run(),
            Tenants::List(list) => list.run(),
            Tenants::Update(update) => update.run(),
            Tenants::Export(export) => export.run(),
            Tenants::Import(import) => import.run(),
            Tenants::Delete(delete) => delete.run(),
        }
    }
}

/// The tenant that a person means by an id, a domain or a name.
pub(super) fn meant(conn: &Connection, word: &str) -> Done<Tenant> {
    let mut found = tenant::named(conn, word)?;
    match (found.pop(), found.as_slice()) {
        (Some(tenant), []) => Ok(tenant),
        (Some(last), others) => {
            let ids: Vec<String> = others
                .iter()
                .chain([&last])
                .map(|t| t.id.to_string())
                .collect();
            Err(refuse(format!(
                "there are several tenants \"{word}\"; name one by its id: {}",
                ids.join(", ")
            )))
        }
        (None, _) => Err(refuse(format!(
            "there is no tenant \"{word}\"; `tehprof tenant list` shows those there are"
        ))),
    }
}

/// Make a tenant and its admin: prints the tenant's id, and the link by which the admin sets a password
#[derive(Args, Debug)]
pub(super) struct Create {
    #[command(flatten)]
    data: DataDir,
    /// Call the company this
    #[arg(long, value_name = "NAME", value_parser = value::name)]
    name: String,
    /// Let the admin sign in with this address
    #[arg(long, value_name = "EMAIL", value_parser = value::email)]
    admin_email: String,
    /// Call the admin this; the address if left out
    #[arg(long, value_name = "NAME", value_parser = value::name)]
    admin_name: Option<String>,
    /// Read the admin's password from standard input, and print no link
    #[arg(long)]
    admin_password_stdin: bool,
    /// Allow what this plan allows
    #[arg(long, default_value = "enterprise", value_parser = value::one_of(Plan::ALL.map(Plan::as_str), Plan::parse))]
    plan: Plan,
    /// Know the tenant by this domain as well
    #[arg(long, value_name = "DOMAIN", value_parser = value::domain)]
    domain: Option<String>,
    /// Speak this language to its people
    #[arg(long, default_value = "ru", value_parser = value::one_of(Lang::ALL.map(Lang::as_str), Lang::of_tag))]
    locale: Lang,
    /// Count its working hours by this time zone, such as Europe/Moscow; Asia/Almaty if left out
    #[arg(long, value_name = "ZONE", value_parser = value::timezone)]
    timezone: Option<String>,
    #[command(flatten)]
    links: account::Links,
}

impl Create {
    fn run(self) -> Result<(), Failure> {
        let password = Password::read_if(self.admin_password_stdin)?;
        let desk = Desk::open_or_make(&self.data.data_dir)?;
        let secret = desk.secret.clone();
        let (dir, email, links) = (
            self.data.data_dir.clone(),
            self.admin_email.clone(),
            self.links,
        );
        let (id, token) = desk.write(move |tx| {
            let new = NewTenant {
                name: &self.name,
                domain: self.domain.as_deref(),
                plan: self.plan,
                locale: self.locale,
                timezone: self.timezone.as_deref(),
            };
            let id = tenant::create(tx, &new, tx.now).map_err(|error| match error.code() {
                Code::AlreadyExists => refuse("another tenant has this domain"),
                _ => error,
            })?;
            let admin = NewOperator {
                name: self.admin_name.as_deref().unwrap_or(&self.admin_email),
                email: &self.admin_email,
                phone: None,
                role: Role::Admin,
                department: None,
                password_hash: password.hash(),
                locale: Some(self.locale),
            };
            let operator = operator::create(tx, id, &admin, tx.now)
                .map_err(|error| account::taken(error, &self.admin_email))?;
            let token = match password {
                Password::Given(_) => None,
                Password::Later => {
                    Some(operator::password_link(tx, &secret, id, operator, tx.now)?)
                }
            };
            Ok((id, token))
        })?;
        out::say(id)?;
        links.tell(&dir, token, &email)
    }
}

/// List the tenants
#[derive(Args, Debug)]
pub(super) struct List {
    #[command(flatten)]
    data: DataDir,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl List {
    fn run(self) -> Result<(), Failure> {
        let tenants = Desk::open(&self.data.data_dir)?.read(|db| tenant::all(db))?;
        if self.json {
            let all: Vec<_> = tenants.iter().map(Listed::of).collect();
            return out::json(&all);
        }
        let row = |t: Tenant| {
            let state = if t.is_active { "active" } else { "inactive" };
            [
                t.id.to_string(),
                t.name,
                t.domain.unwrap_or_default(),
                t.plan.as_str().to_owned(),
                t.locale.as_str().to_owned(),
                state.to_owned(),
            ]
        };
        let rows = tenants.into_iter().map(row).collect();
        out::table(["id", "name", "domain", "plan", "locale", "state"], rows)
    }
}

/// A tenant as scripts read it.
#[derive(Serialize)]
struct Listed<'a> {
    id: TenantId,
    name: &'a str,
    domain: Option<&'a str>,
    plan: Plan,
    locale: Lang,
    is_active: bool,
}

impl<'a> Listed<'a> {
    fn of(tenant: &'a Tenant) -> Listed<'a> {
        Listed {
            id: tenant.id,
            name: &tenant.name,
            domain: tenant.domain.as_deref(),
            plan: tenant.plan,
            locale: tenant.locale,
            is_active: tenant.is_active,
        }
    }
}

/// Change a tenant
#[derive(Args, Debug)]
pub(super) struct Update {
    /// The tenant's id, domain or name
    #[arg(value_name = "ID")]
    tenant: String,
    #[command(flatten)]
    data: DataDir,
    /// Allow what this plan allows
    #[arg(long, value_parser = value::one_of(Plan::ALL.map(Plan::as_str), Plan::parse))]
    plan: Plan,
}

impl Update {
    fn run(self) -> Result<(), Failure> {
        let desk = Desk::open(&self.data.data_dir)?;
        let plan = self.plan;
        let tenant = desk.write(move |tx| {
            let tenant = meant(tx, &self.tenant)?;
            tenant::set_plan(tx, tenant.id, plan)?;
            Ok(tenant)
        })?;
        out::say(format!(
            "tenant {} ({}) is on the plan {}",
            tenant.id,
            tenant.name,
            plan.as_str()
        ))
    }
}

/// Write a tenant with everything that is its own to a file, for `tehprof tenant import` on another installation
///
/// A server may run meanwhile: the file holds one moment. Not in it are sessions, links, API keys and the tokens of clients
/// and widget visitors, which are bound to this installation's secret and must be made anew, answers kept for repeated
/// calls, and the log of faults. The secrets of channels stand in it in clear: keep it as you would keep them.
#[derive(Args, Debug)]
pub(super) struct Export {
    /// The tenant's id, domain or name
    #[arg(value_name = "ID")]
    tenant: String,
    /// The file to write, which only its owner may read
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    data: DataDir,
    /// Overwrite the file if it is there
    #[arg(long)]
    force: bool,
}

impl Export {
    fn run(self) -> Result<(), Failure> {
        let target = Target::new(self.file.clone(), self.force)?;
        let desk = Desk::open(&self.data.data_dir)?;
        let blobs = Blobs::beside(&files_of(&self.data));
        let (word, secret) = (self.tenant, desk.secret.clone());
        let (tenant, counts) = desk.read(move |db| {
            let tenant = meant(db, &word)?;
            let counts = transfer::export(db, &secret, &blobs, &tenant, target)?;
            Ok((tenant, counts))
        })?;
        out::note(
            "not in the file: sessions, links, API keys and the tokens of clients and widget visitors, which must be made \
             anew, answers kept for repeated calls, and the log of faults",
        );
        out::note("in the file in clear: the secrets of channels; keep it as you would keep them");
        out::say(format!(
            "tenant {} ({}) is in {}: rows {}, attachments {}",
            tenant.id,
            tenant.name,
            self.file.display(),
            counts.rows(),
            counts.blobs
        ))
    }
}

/// Take in a tenant from a file that `tehprof tenant export` wrote: prints the id that the tenant has here
///
/// The whole file is checked before anything is changed. If a domain, an operator's e-mail or phone, or a channel's address
/// is taken here, nothing is imported. Tickets keep their numbers. Channels come switched off, with what waits to be sent, so
/// that nothing is sent from two installations; switch them on when the old ones are off. Sessions, links, API keys and the
/// tokens of clients and widget visitors do not come along. A server may run meanwhile; while the rows are written, it
/// answers changes with "busy".
#[derive(Args, Debug)]
pub(super) struct Import {
    /// The file to read
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    data: DataDir,
}

impl Import {
    fn run(self) -> Result<(), Failure> {
        let source = Source::open(&self.file)?;
        let (name, counts) = (source.tenant().to_owned(), source.counts().clone());
        let desk = Desk::open_or_make(&self.data.data_dir)?;
        let import = desk.read(move |db| transfer::Import::fit(db, source))?;
        let landing = Landing::open(&files_of(&self.data))?;
        import.land(&landing)?;
        let secret = desk.secret.clone();
        let tenant = desk.write(move |tx| import.settle(tx, &secret, &landing))?;
        out::note(&format!(
            "tenant {tenant} ({name}) is here: rows {}, attachments {}",
            counts.rows(),
            counts.blobs
        ));
        out::note(
            "its channels are switched off, so that nothing is sent from two installations; switch them on when the old \
             ones are off",
        );
        out::note(
            "to be made anew: API keys, links, and the tokens of clients and widget visitors; people sign in with the \
             passwords they have",
        );
        out::say(tenant)
    }
}

/// Delete a tenant with everything that is its own
#[derive(Args, Debug)]
pub(super) struct Delete {
    /// The tenant's id, domain or name
    #[arg(value_name = "ID")]
    tenant: String,
    #[command(flatten)]
    data: DataDir,
    /// Confirm it: nothing can bring the tenant back
    #[arg(long)]
    yes: bool,
}

impl Delete {
    fn run(self) -> Result<(), Failure> {
        let desk = Desk::open(&self.data.data_dir)?;
        let word = self.tenant;
        if !self.yes {
            let tenant = desk.read(move |db| meant(db, &word))?;
            return Err(Failure::Usage(format!(
                "this deletes tenant {} ({}) with all its tickets and files for good; confirm it with --yes",
                tenant.id, tenant.name
            )));
        }
        let tenant = desk.write(move |tx| {
            let tenant = meant(tx, &word)?;
            tenant::delete(tx, tenant.id)?;
            Ok(tenant)
        })?;
        remove_files(&self.data, tenant.id)?;
        out::say(format!("tenant {} ({}) is deleted", tenant.id, tenant.name))
    }
}

/// Where attachments lie.
fn files_of(data: &DataDir) -> PathBuf {
    data.data_dir.join("files")
}

/// Removes a tenant's attachments, once no row names them any more.
fn remove_files(data: &DataDir, tenant: TenantId) -> Result<(), Failure> {
    let shelf = files_of(data).join(tenant.to_string());
    match fs::remove_dir_all(&shelf) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Failure::Sentence(format!(
            "the tenant is deleted, but its files in {} are not: {error}",
            shelf.display()
        ))),
        _ => Ok(()),
    }
}
