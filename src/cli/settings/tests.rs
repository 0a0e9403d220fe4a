//! Which value wins, and that every fault is told with the name to set.
use super::*;
use crate::cli::Cli;
use clap::CommandFactory;
use std::{
    net::SocketAddr,
    sync::atomic::{AtomicU32, Ordering},
};

/// A file that is gone when the test is.
struct File(PathBuf);

impl File {
    fn of(text: &str) -> File {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let nth = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!(
            "tehprof-settings-{}-{nth}.toml",
            std::process::id()
        ));
        fs::write(&path, text).unwrap();
        File(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// A program with the kinds of flags that there are.
#[derive(Debug, Parser)]
#[command(name = "desk")]
struct Desk {
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Commands,
}

#[derive(Debug, clap::Subcommand)]
enum Commands {
    Serve {
        /// Listen here
        #[arg(long, default_value = "127.0.0.1:1")]
        listen: SocketAddr,
        #[arg(long)]
        smtp_listen: Option<SocketAddr>,
        #[arg(long, alias = "show")]
        demo: bool,
        #[arg(long, default_value = "text", value_parser = ["text", "json"])]
        log_format: String,
    },
    Key {
        #[arg(long)]
        name: String,
        #[arg(long, value_delimiter = ',')]
        scopes: Vec<String>,
    },
}

fn read(
    arguments: &[&str],
    variables: &[(&str, &str)],
    file: Option<&File>,
) -> Result<Commands, Refusal> {
    let mut all = vec![OsString::from("desk")];
    all.extend(arguments.iter().map(OsString::from));
    if let Some(File(path)) = file {
        all.extend(["--config".into(), path.into()]);
    }
    let variables = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), OsString::from(value)));
    let settings = Settings {
        arguments: all,
        variables: variables.collect(),
    };
    settings.read::<Desk>().map(|desk| desk.command)
}

fn listen(arguments: &[&str], variables: &[(&str, &str)], file: Option<&File>) -> u16 {
    match read(arguments, variables, file).unwrap() {
        Commands::Serve { listen, .. } => listen.port(),
        Commands::Key { .. } => panic!("another command"),
    }
}

fn faults(arguments: &[&str], variables: &[(&str, &str)], file: Option<&File>) -> Vec<String> {
    match read(arguments, variables, file) {
        Err(Refusal::Faults(faults)) => faults,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_flag_goes_before_a_variable_before_the_file_before_the_default() {
    let file = File::of("listen = \"127.0.0.1:2\"");
    let variable = [("TEHPROF_LISTEN", "127.0.0.1:3")];
    let flag = ["serve", "--listen", "127.0.0.1:4"];
    assert_eq!(listen(&["serve"], &[], None), 1);
    assert_eq!(listen(&["serve"], &[], Some(&file)), 2);
    assert_eq!(listen(&["serve"], &variable, Some(&file)), 3);
    assert_eq!(listen(&flag, &variable, Some(&file)), 4);
}

#[test]
fn the_file_may_be_named_by_its_variable_and_before_the_command() {
    let file = File::of("listen = \"127.0.0.1:2\"");
    let path = file.0.to_str().unwrap();
    assert_eq!(listen(&["serve"], &[("TEHPROF_CONFIG", path)], None), 2);
    assert_eq!(listen(&["--config", path, "serve"], &[], None), 2);
}

#[test]
fn keys_are_written_with_either_dash_and_may_belong_to_another_command() {
    let file = File::of(
        "smtp_listen = \"127.0.0.1:25\"\nlog-format = \"json\"\nname = \"BI\"\ndemo = true",
    );
    match read(&["serve"], &[], Some(&file)).unwrap() {
        Commands::Serve {
            smtp_listen,
            demo,
            log_format,
            ..
        } => {
            assert_eq!(smtp_listen.unwrap().port(), 25);
            assert!(demo);
            assert_eq!(log_format, "json");
        }
        Commands::Key { .. } => panic!("another command"),
    }
}

#[test]
fn a_flag_is_still_set_by_what_it_was_called_before() {
    let demo = |variables: &[(&str, &str)], file: Option<&File>| matches!(read(&["serve"], variables, file).unwrap(), Commands::Serve { demo, .. } if demo);
    let file = File::of("show = true");
    assert!(demo(&[], Some(&file)));
    assert!(demo(&[("TEHPROF_SHOW", "yes")], None));
    let both = [("TEHPROF_DEMO", "no"), ("TEHPROF_SHOW", "yes")];
    assert!(!demo(&both, None));
    assert!(!demo(&[("TEHPROF_DEMO", "no")], Some(&file)));
    assert!(!demo(&[], None));
}

#[test]
fn a_required_flag_and_a_list_may_come_from_elsewhere() {
    let file = File::of("scopes = [\"read\", \"tickets\"]");
    match read(&["key"], &[("TEHPROF_NAME", "BI")], Some(&file)).unwrap() {
        Commands::Key { name, scopes } => {
            assert_eq!(name, "BI");
            assert_eq!(scopes, ["read", "tickets"]);
        }
        Commands::Serve { .. } => panic!("another command"),
    }
    assert!(matches!(read(&["key"], &[], None), Err(Refusal::Clap(_))));
}

#[test]
fn a_switch_takes_the_words_for_yes_and_no() {
    for (word, expected) in [
        ("1", true),
        ("yes", true),
        ("true", true),
        ("0", false),
        ("no", false),
    ] {
        match read(&["serve"], &[("TEHPROF_DEMO", word)], None).unwrap() {
            Commands::Serve { demo, .. } => assert_eq!(demo, expected, "{word}"),
            Commands::Key { .. } => panic!("another command"),
        }
    }
    let file = File::of("demo = false");
    match read(&["serve", "--demo"], &[], Some(&file)).unwrap() {
        Commands::Serve { demo, .. } => assert!(demo),
        Commands::Key { .. } => panic!("another command"),
    }
}

#[test]
fn all_faults_are_told_together_each_with_the_name_to_set() {
    let file = File::of("lisen = 1\nsmtp-listen = \"here\"\nlog_format = [1]");
    let path = file.0.display();
    let variables = [("TEHPROF_DEMO", "perhaps")];
    let flags = ["serve", "--listen", "there", "--log-format", "xml"];
    assert_eq!(
        faults(&flags, &variables, Some(&file)),
        [
            format!("`lisen` in {path}: there is no such setting"),
            format!(
                "`log_format` in {path}: must be a text, a number, true or false, or a list of texts"
            ),
            format!("`smtp-listen` in {path} \"here\": invalid socket address syntax"),
            "TEHPROF_DEMO \"perhaps\": must be true or false".to_owned(),
            "--listen \"there\": invalid socket address syntax".to_owned(),
            "--log-format \"xml\": must be one of text, json".to_owned(),
        ]
    );
}

#[test]
fn a_file_that_cannot_be_read_is_told_with_the_line() {
    let file = File::of("demo = true\nlisten = \n");
    let told = faults(&["serve"], &[], Some(&file)).join("\n");
    assert!(told.contains("line 2"), "{told}");
    let absent = faults(&["serve", "--config", "/nowhere/tehprof.toml"], &[], None).join("\n");
    assert!(
        absent.starts_with("--config /nowhere/tehprof.toml: "),
        "{absent}"
    );
}

#[test]
fn every_command_is_well_formed_and_its_help_names_the_variables() {
    let none = BTreeMap::new();
    let mut given = Given {
        variables: &none,
        file: BTreeMap::new(),
        faults: Vec::new(),
    };
    let mut command = given.fill(boolish(Cli::command()));
    command.clone().debug_assert();
    let serve = command.find_subcommand_mut("serve").unwrap();
    let help = serve.render_help().to_string();
    for variable in [
        "TEHPROF_DATA_DIR",
        "TEHPROF_LISTEN",
        "TEHPROF_DEMO",
        "TEHPROF_LOG_LEVEL",
    ] {
        assert!(help.contains(variable), "{help}");
    }
}
