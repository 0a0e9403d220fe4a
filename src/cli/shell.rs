//! `tehprof completions` and `tehprof man`: what a shell and `man` want to know of the commands, made from the commands.
use super::{Cli, failure::Failure};
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use std::io::{self, Write};

/// Print completions for a shell
#[derive(Args, Debug)]
pub(super) struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "tehprof", &mut script);
        Ok(io::stdout().lock().write_all(&script)?)
    }
}

/// Print the manual page, with every command and flag
#[derive(Args, Debug)]
pub(super) struct Man {}

impl Man {
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut page = Vec::new();
        let mut command = Cli::command();
        command.build();
        let man = clap_mangen::Man::new(command.clone());
        man.render_title(&mut page)?;
        man.render_name_section(&mut page)?;
        man.render_synopsis_section(&mut page)?;
        man.render_description_section(&mut page)?;
        man.render_options_section(&mut page)?;
        each(&command, "tehprof", &mut |name, command| {
            writeln!(page, ".SH \"{}\"", name.to_uppercase())?;
            let man = clap_mangen::Man::new(command.clone().bin_name(name));
            let mut section = Vec::new();
            man.render_synopsis_section(&mut section)?;
            man.render_description_section(&mut section)?;
            man.render_options_section(&mut section)?;
            // The headings of a command's own page are sections below the command in the one page of all.
            let text = String::from_utf8_lossy(&section).replace(".SH ", ".SS ");
            page.write_all(text.as_bytes())
        })?;
        man.render_version_section(&mut page)?;
        Ok(io::stdout().lock().write_all(&page)?)
    }
}

/// Hands every command below `command` to `take`, with its whole name.
fn each(
    command: &clap::Command,
    name: &str,
    take: &mut dyn FnMut(&str, &clap::Command) -> io::Result<()>,
) -> io::Result<()> {
    for below in command.get_subcommands().filter(|c| c.get_name() != "help") {
        let name = format!("{name} {}", below.get_name());
        if below.has_subcommands() {
            each(below, &name, take)?;
        } else {
            take(&name, below)?;
        }
    }
    Ok(())
}
