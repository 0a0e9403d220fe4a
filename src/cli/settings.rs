//! Where flags get their values: from the command line, else from a variable, else from the configuration file, else by
//! default.
//!
//! The list of flags is clap's own. What holds for one holds for all, and a new flag is at once a variable and a key of
//! the file: `--data-dir` is `TEHPROF_DATA_DIR` and `data-dir` (or `data_dir`). Whatever cannot be used is reported
//! together, each fault with the name to set.
use super::{failure::USAGE, out};
use clap::{
    Arg, ArgAction, Command, Parser,
    builder::{BoolishValueParser, TypedValueParser},
    error::{ContextKind, ContextValue, ErrorKind},
};
use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    env,
    error::Error as _,
    ffi::OsString,
    fs,
    path::PathBuf,
    process::ExitCode,
};
use toml::{Table, Value};

/// The flag that names the file; it is the only one that cannot stand in the file.
const CONFIG: &str = "config";

/// What a process was started with.
pub(super) struct Settings {
    arguments: Vec<OsString>,
    variables: BTreeMap<String, OsString>,
}

/// Why the settings cannot be used.
#[derive(Debug)]
pub(super) enum Refusal {
    /// What clap has to say, which may also be the help that was asked for.
    Clap(clap::Error),
    /// Values that cannot be used, each with where it comes from.
    Faults(Vec<String>),
}

impl Refusal {
    /// Says what is wrong and gives the exit code for it.
    pub(super) fn tell(self) -> ExitCode {
        match self {
            Refusal::Clap(error) => {
                // That nobody can read it changes nothing about the outcome.
                let _ = error.print();
                u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
            }
            Refusal::Faults(faults) => {
                out::complain("the settings cannot be used:");
                for fault in faults {
                    out::note(&format!("  {fault}"));
                }
                ExitCode::from(USAGE)
            }
        }
    }
}

impl Settings {
    /// The arguments and variables of this process. An empty variable is none: container files set such.
    pub(super) fn of_process() -> Settings {
        let named = |(name, value): (OsString, OsString)| {
            let name = name.into_string().ok()?;
            (name.starts_with("TEHPROF_") && !value.is_empty()).then_some((name, value))
        };
        Settings {
            arguments: env::args_os().collect(),
            variables: env::vars_os().filter_map(named).collect(),
        }
    }

    /// The command that these settings name, with all its values.
    pub(super) fn read<T: Parser>(&self) -> Result<T, Refusal> {
        let bare = boolish(T::command());
        let mut given = Given {
            variables: &self.variables,
            file: BTreeMap::new(),
            faults: Vec::new(),
        };
        if let Some(path) = self.file_named(&bare) {
            given.read_file(path, &flags_of(&bare));
        }
        let command = given.fill(bare);
        let matches = parse(command, &self.arguments, given.faults)?;
        T::from_arg_matches(&matches).map_err(Refusal::Clap)
    }

    /// The configuration file, named by its flag or its variable.
    fn file_named(&self, command: &Command) -> Option<PathBuf> {
        let lenient = excuse_all(command.clone()).ignore_errors(true);
        let matches = lenient.try_get_matches_from(&self.arguments).ok();
        let named = matches.and_then(|matches| {
            let mut innermost = &matches;
            while let Some((_, inner)) = innermost.subcommand() {
                innermost = inner;
            }
            innermost
                .try_get_one::<PathBuf>(CONFIG)
                .ok()
                .flatten()
                .cloned()
        });
        named.or_else(|| self.variables.get(&variable_of(CONFIG)).map(PathBuf::from))
    }
}

/// The variable that stands for a flag.
fn variable_of(flag: &str) -> String {
    format!("TEHPROF_{}", flag.to_uppercase().replace('-', "_"))
}

/// The flag of an argument that may be set otherwise.
fn flag_of(arg: &Arg) -> Option<&str> {
    arg.get_long().filter(|&flag| flag != CONFIG)
}

fn is_switch(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::SetTrue)
}

/// The names of an argument that may be set otherwise: its flag, and what that was called before.
fn names_of(arg: &Arg) -> Vec<String> {
    let Some(flag) = flag_of(arg) else {
        return Vec::new();
    };
    let earlier = arg.get_all_aliases().unwrap_or_default();
    let all = std::iter::once(flag).chain(earlier);
    all.map(str::to_owned).collect()
}

/// The flags of a command and of all commands below it.
fn flags_of(command: &Command) -> BTreeSet<String> {
    let own = command.get_arguments().flat_map(names_of);
    let below = command.get_subcommands().flat_map(flags_of);
    own.chain(below).collect()
}

/// Lets a switch be turned by the words that people use for yes and no.
fn boolish(command: Command) -> Command {
    command
        .mut_args(|arg| {
            if is_switch(&arg) {
                arg.value_parser(BoolishValueParser::new())
            } else {
                arg
            }
        })
        .mut_subcommands(boolish)
}

/// What is given otherwise than on the command line.
struct Given<'a> {
    variables: &'a BTreeMap<String, OsString>,
    /// Values by flag, with where each stands.
    file: BTreeMap<String, (String, OsString)>,
    faults: Vec<String>,
}

impl Given<'_> {
    fn read_file(&mut self, path: PathBuf, flags: &BTreeSet<String>) {
        let shown = path.display();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) => return self.faults.push(format!("--config {shown}: {error}")),
        };
        let table: Table = match text.parse() {
            Ok(table) => table,
            Err(error) => {
                let error: toml::de::Error = error;
                let line = error
                    .span()
                    .map_or(1, |span| 1 + text[..span.start].matches('\n').count());
                return self
                    .faults
                    .push(format!("{shown}, line {line}: {}", error.message()));
            }
        };
        for (key, value) in &table {
            let flag = key.replace('_', "-");
            let place = format!("`{key}` in {shown}");
            if !flags.contains(&flag) {
                self.faults
                    .push(format!("{place}: there is no such setting"));
                continue;
            }
            match (self.file.entry(flag), written(value)) {
                (Entry::Occupied(_), _) => {
                    self.faults.push(format!("{place}: stands there twice"));
                }
                (Entry::Vacant(free), Some(text)) => {
                    free.insert((place, text.into()));
                }
                (Entry::Vacant(_), None) => self.faults.push(format!(
                    "{place}: must be a text, a number, true or false, or a list of texts"
                )),
            }
        }
    }

    /// Gives each flag of a command what a variable or the file says, in place of its default.
    fn fill(&mut self, command: Command) -> Command {
        let command = command.mut_args(|arg| self.fill_one(arg));
        command.mut_subcommands(|below| self.fill(below))
    }

    fn fill_one(&mut self, arg: Arg) -> Arg {
        let Some(flag) = flag_of(&arg) else {
            return arg;
        };
        let variable = variable_of(flag);
        let names = names_of(&arg);
        let in_variable = |name: &String| {
            let variable = variable_of(name);
            let value = self.variables.get(&variable)?.clone();
            Some((variable, value))
        };
        let found = names.iter().find_map(in_variable);
        let found = found.or_else(|| names.iter().find_map(|name| self.file.get(name).cloned()));
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let arg = arg.help(format!("{help} [env: {variable}]"));
        let Some((place, value)) = found else {
            return arg;
        };
        if let Err(why) = weigh(&arg, &value) {
            let fault = format!("{place} \"{}\": {why}", value.display());
            // A flag of several commands is weighed for each.
            if !self.faults.contains(&fault) {
                self.faults.push(fault);
            }
            return arg.required(false);
        }
        // Clap keeps defaults for as long as the process lives, and so does this.
        arg.default_value(&*value.leak()).required(false)
    }
}

/// A value of the file as it would be written on the command line.
fn written(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Boolean(truth) => Some(truth.to_string()),
        Value::Array(items) => {
            let texts: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
            texts.map(|texts| texts.join(","))
        }
        Value::Float(_) | Value::Datetime(_) | Value::Table(_) => None,
    }
}

/// Says what is wrong with a value of a flag, if anything is.
fn weigh(arg: &Arg, value: &OsString) -> Result<(), String> {
    if is_switch(arg) {
        let switch = BoolishValueParser::new().parse_ref(&Command::new("scales"), None, value);
        return switch
            .map(|_| ())
            .map_err(|_| "must be true or false".to_owned());
    }
    let mut given = OsString::from(format!("--{}=", arg.get_long().unwrap_or_default()));
    given.push(value);
    let scales = Command::new("scales")
        .no_binary_name(true)
        .arg(arg.clone().required(false));
    let weighed = scales.try_get_matches_from([given]);
    weighed.map(|_| ()).map_err(|error| match fault_of(&error) {
        Some((_, _, why)) => why,
        None => error.kind().to_string(),
    })
}

/// The flag, the value and what is wrong with it, if that is what an error is about.
fn fault_of(error: &clap::Error) -> Option<(String, String, String)> {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        _ => None,
    };
    let why = match error.kind() {
        ErrorKind::ValueValidation => error.source()?.to_string(),
        ErrorKind::InvalidValue => match error.get(ContextKind::ValidValue) {
            Some(ContextValue::Strings(words)) if !words.is_empty() => {
                format!("must be one of {}", words.join(", "))
            }
            _ => "needs a value".to_owned(),
        },
        _ => return None,
    };
    Some((
        text(ContextKind::InvalidArg)?,
        text(ContextKind::InvalidValue)?,
        why,
    ))
}

/// Parses the arguments. Each value that cannot be used is noted down and then let through, so that the next one shows.
fn parse(
    mut command: Command,
    arguments: &[OsString],
    mut faults: Vec<String>,
) -> Result<clap::ArgMatches, Refusal> {
    let mut excused = BTreeSet::new();
    loop {
        let error = match command.clone().try_get_matches_from(arguments) {
            Ok(matches) if faults.is_empty() => return Ok(matches),
            Ok(_) => return Err(Refusal::Faults(faults)),
            Err(error) => error,
        };
        match fault_of(&error) {
            Some((arg, value, why)) if excused.insert(arg.clone()) => {
                let flag = arg.split(' ').next().unwrap_or(&arg);
                faults.push(format!("{flag} \"{value}\": {why}"));
                command = excuse(command, &arg);
            }
            _ if faults.is_empty() || !error.use_stderr() => return Err(Refusal::Clap(error)),
            _ => {
                let told = error.to_string();
                let first = told.lines().next().unwrap_or_default();
                faults.push(first.trim_start_matches("error: ").to_owned());
                return Err(Refusal::Faults(faults));
            }
        }
    }
}

/// Lets any value through for every argument but the name of the file, so that none hides it.
fn excuse_all(command: Command) -> Command {
    command
        .mut_args(|arg| match arg.get_long() {
            Some(CONFIG) => arg,
            _ => arg.value_parser(clap::value_parser!(OsString)),
        })
        .mut_subcommands(excuse_all)
}

/// Lets any value through for the argument that clap shows as `--flag <VALUE>` or `<NAME>`.
fn excuse(command: Command, shown: &str) -> Command {
    let word = shown.split(' ').next().unwrap_or(shown);
    let is_it = |arg: &Arg| match arg.get_long() {
        Some(flag) => word.strip_prefix("--") == Some(flag),
        None => {
            let name = word.trim_matches(['<', '>', '[', ']', '.']);
            let named = arg.get_value_names().and_then(|names| names.first());
            named.is_some_and(|named| *named == name)
        }
    };
    let anything = clap::value_parser!(OsString);
    command
        .mut_args(|arg| {
            if is_it(&arg) {
                arg.value_parser(anything.clone())
            } else {
                arg
            }
        })
        .mut_subcommands(|below| excuse(below, shown))
}

#[cfg(test)]
mod tests;
