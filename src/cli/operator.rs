//! `tehprof operator`: account care from the shell, also when nobody can sign in any more.
use super::{
    DataDir,
    desk::Desk,
    failure::{Failure, refuse},
    out,
    served::Served,
    tenant::meant,
    value,
};
use crate::{
    access::{password::hash_now, rules::Role, store},
    api::field::{self, OperatorId, TenantId},
    config::Config,
    error::{Code, Error, Result as Done},
    lang::Lang,
    operator::{self, NewOperator, OperatorView},
    signal::Signal,
    tenant,
};
use clap::{Args, Subcommand};
use rusqlite::Connection;
use serde::Serialize;
use std::{
    io::{self, Read},
    path::Path,
};

/// Care for the people who work at the desk
#[derive(Debug, Subcommand)]
pub(super) enum Operators {
    Add(Add),
    List(List),
    ResetPassword(ResetPassword),
    SetRole(SetRole),
}

impl Operators {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self {
            Operators::Add(add) => add.run(),
            Operators::List(list) => list.run(),
            Operators::ResetPassword(reset) => reset.run(),
            Operators::SetRole(set) => set.run(),
        }
    }
}

/// How an account comes by its password.
pub(super) enum Password {
    /// It was given; this is its hash.
    Given(String),
    /// Its owner sets it by a link.
    Later,
}

impl Password {
    /// Reads a password from standard input, if it was said to come that way.
    pub(super) fn read_if(by_stdin: bool) -> Result<Password, Failure> {
        if !by_stdin {
            return Ok(Password::Later);
        }
        let mut text = String::new();
        io::stdin().lock().read_to_string(&mut text)?;
        let password = text.strip_suffix('\n').unwrap_or(&text);
        let password = password.strip_suffix('\r').unwrap_or(password);
        if password.chars().count() < field::Password::LEAST {
            return Err(Failure::Sentence(format!(
                "the password on standard input must have at least {} characters",
                field::Password::LEAST
            )));
        }
        Ok(Password::Given(hash_now(password)?))
    }

    pub(super) fn hash(&self) -> Option<&str> {
        match self {
            Password::Given(hash) => Some(hash),
            Password::Later => None,
        }
    }
}

/// How links to this installation begin.
#[derive(Args, Debug)]
pub(super) struct Links {
    /// Begin links with this address, by which people reach the server; as the server was started last if left out
    #[arg(long, value_name = "URL", value_parser = value::url)]
    public_url: Option<String>,
}

impl Links {
    /// Prints the link by which somebody sets their password, if there is one.
    pub(super) fn tell(
        self,
        dir: &Path,
        token: Option<String>,
        email: &str,
    ) -> Result<(), Failure> {
        let Some(token) = token else {
            return Ok(());
        };
        let config = Config {
            public_url: self.public_url.or_else(|| Some(Served::of(dir)?.url)),
            ..Config::new(dir.to_owned())
        };
        out::note(&format!(
            "By this link {email} sets a password, once and within three days:"
        ));
        out::say(format!(
            "{}/tenant.html#/password?token={token}",
            config.public_url()
        ))
    }
}

/// Says in words that a login is somebody's already.
pub(super) fn taken(error: Error, email: &str) -> Error {
    match error.code() {
        Code::AlreadyExists => refuse(format!("{email} is the login of somebody already")),
        Code::PlanLimit => refuse(
            "the tenant's plan has no more operators; `tehprof tenant update ID --plan P` changes it",
        ),
        _ => error,
    }
}

/// The operator whose login this is.
fn known(conn: &Connection, email: &str) -> Done<(TenantId, OperatorId)> {
    operator::by_email(conn, email)?.ok_or_else(|| {
        refuse(format!(
            "there is no operator {email}; `tehprof operator list` shows those there are"
        ))
    })
}

/// Add an operator: prints the id, and the link by which they set a password
#[derive(Args, Debug)]
pub(super) struct Add {
    #[command(flatten)]
    data: DataDir,
    /// Add to the tenant of this id, domain or name
    #[arg(long, value_name = "TENANT")]
    tenant: String,
    /// Call the operator this
    #[arg(long, value_name = "NAME", value_parser = value::name)]
    name: String,
    /// Let the operator sign in with this address
    #[arg(long, value_name = "EMAIL", value_parser = value::email)]
    email: String,
    /// Allow what this role allows
    #[arg(long, default_value = "operator", value_parser = value::one_of(Role::ALL.map(Role::as_str), Role::parse))]
    role: Role,
    /// Let the operator care for the whole installation: the role head_admin
    #[arg(long)]
    head_admin: bool,
    /// Read the password from standard input, and print no link
    #[arg(long)]
    password_stdin: bool,
    /// Speak this language to the operator; the tenant's if left out
    #[arg(long, value_parser = value::one_of(Lang::ALL.map(Lang::as_str), Lang::of_tag))]
    locale: Option<Lang>,
    #[command(flatten)]
    links: Links,
}

impl Add {
    fn run(self) -> Result<(), Failure> {
        let password = Password::read_if(self.password_stdin)?;
        let desk = Desk::open(&self.data.data_dir)?;
        let secret = desk.secret.clone();
        let (dir, email, links) = (self.data.data_dir.clone(), self.email.clone(), self.links);
        let (id, token) = desk.write(move |tx| {
            let tenant = meant(tx, &self.tenant)?;
            let new = NewOperator {
                name: &self.name,
                email: &self.email,
                phone: None,
                role: if self.head_admin {
                    Role::HeadAdmin
                } else {
                    self.role
                },
                department: None,
                password_hash: password.hash(),
                locale: self.locale,
            };
            let id = operator::create(tx, tenant.id, &new, tx.now)
                .map_err(|error| taken(error, &self.email))?;
            let token = match password {
                Password::Given(_) => None,
                Password::Later => {
                    Some(operator::password_link(tx, &secret, tenant.id, id, tx.now)?)
                }
            };
            Ok((id, token))
        })?;
        out::say(id)?;
        links.tell(&dir, token, &email)
    }
}

/// List the operators of all tenants or of one
#[derive(Args, Debug)]
pub(super) struct List {
    #[command(flatten)]
    data: DataDir,
    /// List those of the tenant of this id, domain or name
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// An operator and where they work.
#[derive(Serialize)]
struct Listed {
    tenant_id: TenantId,
    #[serde(flatten)]
    operator: OperatorView,
}

impl List {
    fn run(self) -> Result<(), Failure> {
        let all = Desk::open(&self.data.data_dir)?.read(move |db| {
            let tenants = match &self.tenant {
                Some(word) => vec![meant(db, word)?],
                None => tenant::all(db)?,
            };
            let mut all = Vec::new();
            for tenant in tenants {
                let listed = |operator| Listed {
                    tenant_id: tenant.id,
                    operator,
                };
                all.extend(operator::list(db, tenant.id, None)?.into_iter().map(listed));
            }
            Ok(all)
        })?;
        if self.json {
            return out::json(&all);
        }
        let row = |listed: Listed| {
            let operator = listed.operator;
            let state = if operator.is_active {
                "active"
            } else {
                "inactive"
            };
            [
                operator.id.to_string(),
                listed.tenant_id.to_string(),
                operator.name,
                operator.email,
                operator.role.as_str().to_owned(),
                state.to_owned(),
            ]
        };
        let rows = all.into_iter().map(row).collect();
        out::table(["id", "tenant", "name", "email", "role", "state"], rows)
    }
}

/// Give an operator a new password: prints the link by which they set it
#[derive(Args, Debug)]
pub(super) struct ResetPassword {
    /// The operator's login
    #[arg(value_parser = value::email)]
    email: String,
    #[command(flatten)]
    data: DataDir,
    /// Read the password from standard input, set it at once and end the operator's sessions
    #[arg(long)]
    password_stdin: bool,
    #[command(flatten)]
    links: Links,
}

impl ResetPassword {
    fn run(self) -> Result<(), Failure> {
        let password = Password::read_if(self.password_stdin)?;
        let desk = Desk::open(&self.data.data_dir)?;
        let (secret, email) = (desk.secret.clone(), self.email.clone());
        let token = desk.write(move |tx| {
            let (tenant, id) = known(tx, &email)?;
            match password {
                Password::Later => {
                    operator::password_link(tx, &secret, tenant, id, tx.now).map(Some)
                }
                Password::Given(hash) => {
                    store::set_password(tx, tenant, id, &hash)?;
                    store::close_sessions(tx, tenant, id, None)?;
                    tx.signal(Signal::Access);
                    Ok(None)
                }
            }
        })?;
        self.links.tell(&self.data.data_dir, token, &self.email)
    }
}

/// Give an operator another role
#[derive(Args, Debug)]
pub(super) struct SetRole {
    /// The operator's login
    #[arg(value_parser = value::email)]
    email: String,
    /// The role
    #[arg(value_parser = value::one_of(Role::ALL.map(Role::as_str), Role::parse))]
    role: Role,
    #[command(flatten)]
    data: DataDir,
}

impl SetRole {
    fn run(self) -> Result<(), Failure> {
        let desk = Desk::open(&self.data.data_dir)?;
        let (email, role) = (self.email.clone(), self.role);
        desk.write(move |tx| {
            let (tenant, id) = known(tx, &email)?;
            operator::set_role(tx, tenant, id, role).map_err(|error| match error.code() {
                Code::LastAdmin => refuse(format!(
                    "{email} is the tenant's last admin and must stay one"
                )),
                _ => error,
            })
        })?;
        out::say(format!(
            "{} has the role {}",
            self.email,
            self.role.as_str()
        ))
    }
}
