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
    config::Config,
    error::{Code, Result as Done},
    lang::Lang,
    operator::{self, NewOperator},
    tenant::{self, NewTenant, Tenant, plan::Plan},
};
use clap::{Args, Subcommand};
use rusqlite::Connection;
use serde::Serialize;
use std::{fs, io};

/// Care for the companies that give support here
#[derive(Debug, Subcommand)]
pub(super) enum Tenants {
    Create(Create),
    List(List),
    Update(Update),
    Delete(Delete),
}

impl Tenants {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self {
            Tenants::Create(create) => create.run(),
            Tenants::List(list) => list.run(),
            Tenants::Update(update) => update.run(),
            Tenants::Delete(delete) => delete.run(),
        }
    }
}

/// The tenant that a person means by an id, a domain or a name.
pub(super) fn meant(conn: &Connection, word: &str) -> Done<Tenant> {
    tenant::named(conn, word)?.ok_or_else(|| {
        refuse(format!(
            "there is no tenant \"{word}\"; `tehprof tenant list` shows those there are"
        ))
    })
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
        let (email, links) = (self.admin_email.clone(), self.links);
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
        links.tell(token, &email)
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
        remove_files(&Config::new(self.data.data_dir), tenant.id)?;
        out::say(format!("tenant {} ({}) is deleted", tenant.id, tenant.name))
    }
}

/// Removes a tenant's attachments, once no row names them any more.
fn remove_files(config: &Config, tenant: TenantId) -> Result<(), Failure> {
    let shelf = config.data_dir.join("files").join(tenant.to_string());
    match fs::remove_dir_all(&shelf) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Failure::Sentence(format!(
            "the tenant is deleted, but its files in {} are not: {error}",
            shelf.display()
        ))),
        _ => Ok(()),
    }
}
