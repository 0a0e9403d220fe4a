//! The log of a server: one line an event, on standard error.
use clap::ValueEnum;
use std::{io, panic};
use tracing_subscriber::EnvFilter;

/// How a line of the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Text,
    /// One JSON object a line, for programs
    Json,
}

/// What is worth a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Level {
    /// Somebody must act
    Error,
    /// Something is not as it should be
    Warn,
    /// What the server does
    Info,
    /// How it does it
    Debug,
    /// Every step
    Trace,
}

impl Level {
    /// What is written of our own doings; of libraries only what is wrong.
    const fn filter(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warn => "warn",
            Level::Info => "warn,tehprof=info",
            Level::Debug => "warn,tehprof=debug",
            Level::Trace => "warn,tehprof=trace",
        }
    }
}

/// Starts the log. A panic is an event of it too, so that nothing but lines of the log stands in it.
pub(super) fn start(format: Format, level: Level) {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(level.filter()))
        .with_writer(io::stderr);
    let started = match format {
        Format::Text => builder.try_init(),
        Format::Json => builder.json().flatten_event(true).try_init(),
    };
    if started.is_ok() {
        panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));
    }
}
