//! The commands of the shell, one file a command.
//!
//! What a command is given comes through [`settings`]: flags, variables and the configuration file are one list. A
//! command works through [`desk`] beside a running server or without one, tells its result on standard output and what
//! went wrong on standard error, in one sentence. Nothing here ever asks a question.
mod backup;
pub(crate) mod bench;
mod check;
mod desk;
mod doctor;
mod failure;
mod heap;
mod import;
mod key;
mod log;
mod migrate;
mod openapi;
mod operator;
mod out;
mod serve;
mod served;
mod service;
mod settings;
mod shell;
mod tenant;
mod tls;
mod value;
mod welcome;

use clap::{Args, Parser, Subcommand};
use failure::Failure;
use rustix::{fs::Mode, process::umask};
use std::{path::PathBuf, process::ExitCode};

/// A help desk in one file: tickets, mail, portal, widget and API.
///
/// Every flag may also be set by the variable that its help names, or by a line of the --config file: `listen =
/// "127.0.0.1:8095"`. A flag goes before a variable, a variable before the file.
#[derive(Debug, Parser)]
#[command(
    name = "tehprof",
    version,
    arg_required_else_help = true,
    disable_help_subcommand = true
)]
struct Cli {
    /// Read settings from this TOML file
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(Box<serve::Serve>),
    #[command(subcommand)]
    Tenant(tenant::Tenants),
    #[command(subcommand)]
    Operator(operator::Operators),
    #[command(subcommand)]
    Key(key::Keys),
    Backup(backup::Backup),
    Restore(backup::Restore),
    Import(import::Import),
    Check(check::Check),
    Doctor(doctor::Doctor),
    Migrate(migrate::Migrate),
    #[command(subcommand)]
    Tls(tls::Tls),
    Openapi(openapi::Openapi),
    Completions(shell::Completions),
    Man(shell::Man),
    Bench(bench::Bench),
}

impl Command {
    fn run(self) -> Result<(), Failure> {
        match self {
            Command::Serve(serve) => serve.run(),
            Command::Tenant(tenant) => tenant.run(),
            Command::Operator(operator) => operator.run(),
            Command::Key(key) => key.run(),
            Command::Backup(backup) => backup.run(),
            Command::Restore(restore) => restore.run(),
            Command::Import(import) => import.run(),
            Command::Check(check) => check.run(),
            Command::Doctor(doctor) => doctor.run(),
            Command::Migrate(migrate) => migrate.run(),
            Command::Tls(tls) => tls.run(),
            Command::Openapi(openapi) => openapi.run(),
            Command::Completions(completions) => completions.run(),
            Command::Man(man) => man.run(),
            Command::Bench(bench) => bench.run(),
        }
    }
}

/// Where the database, the attachments and the secret lie.
#[derive(Args, Debug)]
struct DataDir {
    /// Keep database, attachments and secret in this directory
    #[arg(long, value_name = "DIR", default_value = "./data")]
    data_dir: PathBuf,
}

/// Runs the command that the arguments name, and answers 0 if it is done, 1 if it failed, 2 if it was called wrongly.
pub fn main() -> ExitCode {
    // Whatever a command writes is its owner's alone, also in a directory that others may enter.
    umask(Mode::RWXG | Mode::RWXO);
    #[cfg(debug_assertions)]
    crate::db::statements::begin();
    let settings = settings::Settings::of_process();
    match settings.read::<Cli>() {
        Ok(cli) => match cli.command.run() {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => failure.tell(),
        },
        Err(refusal) => refusal.tell(),
    }
}
