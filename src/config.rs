//! What must be known before the database opens: where it lies, where to listen, what the outside calls us.
use std::{net::SocketAddr, path::PathBuf};

/// The configuration of a running server.
#[derive(Clone, Debug)]
pub struct Config {
    pub data_dir: PathBuf,
    pub listen: SocketAddr,
    /// The address the outside uses, without a slash at the end.
    pub public_url: Option<String>,
    pub smtp_listen: Option<SocketAddr>,
    pub tls_cert: Option<PathBuf>,
    pub tls_key: Option<PathBuf>,
    pub demo: bool,
    /// Which servers in private networks may be connected to.
    pub private_targets: PrivateTargets,
}

/// Which targets in private networks may be connected to: none, those an admin typed into a channel, or all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum PrivateTargets {
    Deny,
    #[default]
    Channels,
    Allow,
}

impl Config {
    /// A configuration for `data_dir` with everything else at its default.
    pub fn new(data_dir: PathBuf) -> Config {
        Config {
            data_dir,
            listen: SocketAddr::from(([127, 0, 0, 1], 8095)),
            public_url: None,
            smtp_listen: None,
            tls_cert: None,
            tls_key: None,
            demo: false,
            private_targets: PrivateTargets::default(),
        }
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.data_dir.join("tehprof.db")
    }

    pub(crate) fn public_url(&self) -> String {
        match &self.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("http://{}", self.listen),
        }
    }

    /// The name of this host as the outside knows it.
    pub(crate) fn host_name(&self) -> String {
        let url = self.public_url();
        let host = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
        host.split([':', '/'])
            .next()
            .unwrap_or("localhost")
            .to_owned()
    }

    /// Whether the outside reaches us by https, by itself or through a proxy.
    pub(crate) fn is_https(&self) -> bool {
        self.public_url().starts_with("https://")
    }
}
