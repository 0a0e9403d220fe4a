//! `tehprof serve`: opens a data directory and serves it until somebody says stop.
//!
//! What is printed before the server is ready is in [`welcome`]; the server itself is `app::Server`.
use super::{
    DataDir, desk,
    failure::Failure,
    heap,
    log::{self, Format, Level},
    out,
    served::Served,
    service, value, welcome,
};
use crate::{
    Clock, Config, Confinement, Millis, Order, PrivateTargets, Server, backup::schedule::Schedule,
    confine, db::lock,
};
use clap::Args;
use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};
use tokio::{
    runtime,
    signal::unix::{Signal, SignalKind, signal},
    time::timeout,
};

/// How long requests in flight and full queues may take to end, so that all has ended within ten seconds.
const GRACE: Duration = Duration::from_secs(9);
/// How long threads that still compute are waited for after that.
const LAST: Duration = Duration::from_millis(500);

/// Serve the desk until SIGTERM or SIGINT
#[derive(Args, Debug)]
pub(super) struct Serve {
    #[command(flatten)]
    data: DataDir,
    /// Take HTTP connections here; port 0 picks a free one
    #[arg(long, value_name = "ADDR:PORT", default_value_t = Config::new(PathBuf::new()).listen)]
    listen: SocketAddr,
    /// Tell people this address, by which they reach the server; http:// and --listen if left out
    #[arg(long, value_name = "URL", value_parser = value::url)]
    public_url: Option<String>,
    /// Answer under these names as well; others than them and the public address are refused once there is one
    #[arg(long, value_name = "DOMAIN,…", value_delimiter = ',', value_parser = value::domain)]
    public_alias: Vec<String>,
    /// Fill an empty data directory with a desk to try everything on, and print how to get in
    #[arg(long)]
    demo: bool,
    /// Take mail by SMTP here, straight into the e-mail channels
    #[arg(long, value_name = "ADDR:PORT")]
    smtp_listen: Option<SocketAddr>,
    /// Speak HTTPS, and STARTTLS to who sends mail, by the certificates of this PEM file
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// The private key of the certificate, as a PEM file
    #[arg(long, value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// Speak HTTPS by a certificate for these names, which an authority gives over ACME
    #[arg(long, value_name = "DOMAIN,…", value_delimiter = ',', value_parser = value::domain, conflicts_with_all = ["tls_cert", "tls_key"])]
    acme: Vec<String>,
    /// Let the authority write to this address
    #[arg(long, value_name = "EMAIL", value_parser = value::email)]
    acme_email: Option<String>,
    /// Ask the authority with this directory; Let's Encrypt if left out
    #[arg(long, value_name = "URL", default_value = instant_acme::LetsEncrypt::Production.url())]
    acme_directory: String,
    /// Trust the authority by the root in this PEM file, in place of the roots of the web
    #[arg(long, value_name = "FILE")]
    acme_root: Option<PathBuf>,
    /// Believe these proxies in front of the server about where a request comes from
    #[arg(long, value_name = "ADDR,…", value_delimiter = ',')]
    trusted_proxies: Vec<IpAddr>,
    /// Connect to servers in private networks: never, for channels an admin set up, or always
    #[arg(long, value_enum, value_name = "WHICH", default_value_t)]
    private_targets: PrivateTargets,
    /// Make a backup of everything in this directory by the clock
    #[arg(long, value_name = "DIR")]
    backup_dir: Option<PathBuf>,
    /// Let so much time lie between two backups
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = value::duration)]
    backup_every: Millis,
    /// Keep so many backups
    #[arg(long, value_name = "N", default_value_t = 14, value_parser = clap::value_parser!(u16).range(1..))]
    backup_keep: u16,
    /// Show /metrics and the deep health to who bears this token, besides programs of this machine
    #[arg(long, value_name = "TOKEN", value_parser = value::token)]
    metrics_token: Option<String>,
    /// Do not have Linux hold the server to its own files (Landlock) and shut the calls that it never makes (seccomp), as when
    /// something it needs lies elsewhere; --no-landlock is the same
    #[arg(long, alias = "no-landlock")]
    no_sandbox: bool,
    /// Go on with a database that is behind what was acknowledged, as when its log was deleted
    #[arg(long)]
    accept_loss: bool,
    /// Ask a Bitrix24 portal at this address instead of https:// and its domain, as one inside the network may need
    #[arg(long, value_name = "DOMAIN=URL,…", value_delimiter = ',', value_parser = value::portal)]
    bitrix24_portal: Vec<(String, String)>,
    /// Ask this name server about the DNS records of mailboxes, instead of those of this machine
    #[arg(long, value_name = "ADDR[:PORT]", value_parser = value::name_server)]
    dns_server: Option<SocketAddr>,
    /// Write the log like this
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    log_format: Format,
    /// Write so much into the log
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t = Level::Info)]
    log_level: Level,
}

impl Serve {
    pub(super) fn run(self) -> Result<(), Failure> {
        if self.tls_cert.is_some() != self.tls_key.is_some() {
            let lacking = if self.tls_key.is_none() {
                "--tls-key"
            } else {
                "--tls-cert"
            };
            return Err(Failure::Usage(format!(
                "--tls-cert and --tls-key belong together: {lacking} is not set"
            )));
        }
        log::start(self.log_format, self.log_level);
        heap::keep_few();
        let mut config = Config {
            data_dir: self.data.data_dir,
            listen: self.listen,
            public_url: self.public_url,
            public_aliases: self.public_alias,
            smtp_listen: self.smtp_listen,
            tls_cert: self.tls_cert,
            tls_key: self.tls_key,
            acme: (!self.acme.is_empty()).then_some(Order {
                names: self.acme,
                email: self.acme_email,
                directory: self.acme_directory,
                root: self.acme_root,
            }),
            demo: self.demo,
            trusted_proxies: self.trusted_proxies,
            private_targets: self.private_targets,
            backups: self.backup_dir.map(|dir| Schedule {
                dir,
                every: self.backup_every,
                keep: usize::from(self.backup_keep),
            }),
            metrics_token: self.metrics_token,
            accept_loss: self.accept_loss,
            bitrix24_portals: self.bitrix24_portal,
            dns_server: self.dns_server,
            confinement: Confinement::Off,
            calls: Confinement::Off,
        };
        desk::make(&config.data_dir)?;
        if let Some(schedule) = &config.backups {
            desk::make(&schedule.dir)?;
        }
        let _lock = lock::take(&config.data_dir).map_err(Failure::Sentence)?;
        desk::whole(&config.data_dir)?;
        // Threads are held to what the one that starts them is held to, so this comes before all others.
        if !self.no_sandbox {
            config.confinement = confined(&config);
            config.calls = shut();
        }
        let runtime = runtime::Builder::new_multi_thread().enable_all().build()?;
        let outcome = runtime.block_on(serve(config));
        runtime.shutdown_timeout(LAST);
        outcome
    }
}

/// Holds the process to its own files as far as this Linux can, and says how far that is.
fn confined(config: &Config) -> Confinement {
    let reached = match confine::confine(config) {
        Ok(reached) => reached,
        Err(error) => {
            tracing::warn!(%error, "the process could not be held to its own files");
            return Confinement::Unavailable;
        }
    };
    match reached {
        Confinement::Full | Confinement::Partial => tracing::info!(
            landlock = ?reached,
            "the process is held to its data, its backups and what it was told to read"
        ),
        Confinement::Unavailable | Confinement::Off => {
            tracing::warn!("this Linux cannot hold the process to its own files (Landlock)");
        }
    }
    reached
}

/// Shuts the calls that the server never makes as far as this Linux can, and says how far that is.
fn shut() -> Confinement {
    let reached = match confine::calls::shut() {
        Ok(reached) => reached,
        Err(error) => {
            tracing::warn!(%error, "the calls that the server never makes could not be shut");
            return Confinement::Unavailable;
        }
    };
    match reached {
        Confinement::Full | Confinement::Partial => {
            tracing::info!(seccomp = ?reached, "the calls that the server never makes are shut");
        }
        Confinement::Unavailable | Confinement::Off => {
            tracing::warn!(
                "this Linux cannot shut the calls that the server never makes (seccomp)"
            );
        }
    }
    reached
}

async fn serve(config: Config) -> Result<(), Failure> {
    let mut stop = Stop::new()?;
    let starting = service::starting();
    let server = Server::start(config, Clock::System).await?;
    drop(starting);
    if let Some(address) = server.smtp_address() {
        tracing::info!(%address, "taking mail by SMTP");
    }
    leave_note(&server);
    let ready = match welcome::greet(&server).await {
        Ok(()) => out::say(format!("listening on {}", server.origin())),
        Err(failure) => Err(failure),
    };
    if ready.is_ok() {
        service::ready(&server);
        service::watchdog(&server);
        let signal = stop.wait().await;
        tracing::info!(signal, "stopping");
    }
    service::stopping();
    tokio::select! {
        ended = timeout(GRACE, server.stop()) => if ended.is_err() {
            tracing::warn!("some requests did not end in time and were cut off");
        },
        signal = stop.wait() => tracing::warn!(signal, "told to stop again: not waiting for what is in flight"),
    }
    ready
}

/// Notes where and how the desk is served, for commands of the shell.
fn leave_note(server: &Server) {
    let config = &server.app().config;
    let served = Served {
        url: config.public_url(),
        public_url: config.public_url.clone(),
        tls_cert: config.tls_cert.clone(),
    };
    if let Err(error) = served.keep(&config.data_dir) {
        tracing::warn!(%error, "it could not be noted where the desk is served");
    }
}

/// The signals that end a server.
struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    fn new() -> Result<Stop, Failure> {
        Ok(Stop {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for one of them and tells its name.
    async fn wait(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
