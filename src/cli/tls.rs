//! `tehprof tls`: certificates for a network that no authority on the internet reaches.
use super::{DataDir, desk, failure::Failure, out};
use crate::{clock::Clock, tls::private_ca};
use clap::{Args, Subcommand};

/// Make certificates for a network without the internet
#[derive(Debug, Subcommand)]
pub(super) enum Tls {
    Init(Init),
}

impl Tls {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self {
            Tls::Init(init) => init.run(),
        }
    }
}

/// Make a root to install on the network's machines, and a certificate of it for this server; a root that is there stays
#[derive(Args, Debug)]
pub(super) struct Init {
    #[command(flatten)]
    data: DataDir,
    /// Certify these host names and addresses, by which people reach the server
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', required = true)]
    names: Vec<String>,
    /// Call the root by the name of this company
    #[arg(long, value_name = "NAME", default_value = "tehprof")]
    company: String,
}

impl Init {
    fn run(self) -> Result<(), Failure> {
        let dir = &self.data.data_dir;
        desk::make(dir)?;
        let files = private_ca::issue(dir, &self.company, &self.names, Clock::System.now())?;
        out::say(files.root.display())?;
        out::note(
            "install this root on the machines of the network (certmgr on Windows, /usr/local/share/ca-certificates on Debian), then start:",
        );
        out::note(&format!(
            "  tehprof serve --tls-cert {} --tls-key {} --public-url https://{}",
            files.cert.display(),
            files.key.display(),
            self.names.first().map_or("", String::as_str)
        ));
        out::note(
            "the certificate lasts about two years; the same command makes the next one, and a running server takes it up by itself",
        );
        Ok(())
    }
}
