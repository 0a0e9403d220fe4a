//! What must be known before the database opens: where it lies, where to listen, what the outside calls us.
use crate::{backup::schedule::Schedule, confine::Confinement, tls::acme::Order};
use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

/// The configuration of a running server.
#[derive(Clone, Debug)]
pub struct Config {
    pub data_dir: PathBuf,
    pub listen: SocketAddr,
    /// The address the outside uses, without a slash at the end.
    pub public_url: Option<String>,
    /// Other names by which the outside reaches us.
    pub public_aliases: Vec<String>,
    pub smtp_listen: Option<SocketAddr>,
    pub tls_cert: Option<PathBuf>,
    pub tls_key: Option<PathBuf>,
    /// The certificate to get from an authority, in place of files.
    pub acme: Option<Order>,
    pub demo: bool,
    /// Proxies whose word is taken for where a request comes from.
    pub trusted_proxies: Vec<IpAddr>,
    /// Which servers in private networks may be connected to.
    pub private_targets: PrivateTargets,
    /// How backups are made by the clock, if they are.
    pub backups: Option<Schedule>,
    /// What who may see the figures of the server says, besides programs of this machine.
    pub metrics_token: Option<String>,
    /// Whether a database is taken that is behind what was acknowledged.
    pub accept_loss: bool,
    /// Where Bitrix24 portals are asked that are not reached at `https://` and their domain.
    pub bitrix24_portals: Vec<(String, String)>,
    /// Whom to ask for DNS records of mailboxes, in place of the name servers of this machine.
    pub dns_server: Option<SocketAddr>,
    /// How far the process is held to the files that are named here.
    pub confinement: Confinement,
    /// How far the calls of Linux that a server never makes are shut.
    pub calls: Confinement,
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
            public_aliases: Vec::new(),
            smtp_listen: None,
            tls_cert: None,
            tls_key: None,
            acme: None,
            demo: false,
            trusted_proxies: Vec::new(),
            private_targets: PrivateTargets::default(),
            backups: None,
            metrics_token: None,
            accept_loss: false,
            bitrix24_portals: Vec::new(),
            dns_server: None,
            confinement: Confinement::Off,
            calls: Confinement::Off,
        }
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.data_dir.join("tehprof.db")
    }

    pub(crate) fn public_url(&self) -> String {
        match &self.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None if self.serves_tls() => format!("https://{}", self.listen),
            None => format!("http://{}", self.listen),
        }
    }

    /// Whether a page of `origin` is one of ours: of the host that was asked, or of the public address where a proxy
    /// has put its own name for us into `Host`.
    pub(crate) fn is_own(&self, origin: &str, host: Option<&str>) -> bool {
        let Some((_, from)) = origin.split_once("://") else {
            return false;
        };
        let public = self.public_url();
        let public = public.split_once("://").map(|(_, host)| host);
        host.into_iter()
            .chain(public)
            .any(|own| own.eq_ignore_ascii_case(from))
    }

    /// Whether a request for `host` is meant for us. Who has not told us what the outside calls us is answered under any
    /// name; else it must be the public address, one of its other names, or a name that no foreign page can borrow: an
    /// address in numbers, or this machine's own.
    pub(crate) fn answers_to(&self, host: &str) -> bool {
        let Some(public) = &self.public_url else {
            return true;
        };
        let public = public.split_once("://").map_or("", |(_, host)| host);
        let asked = bare(host);
        let same = |own: &str| own.eq_ignore_ascii_case(asked);
        let ordered = self.acme.iter().flat_map(|order| &order.names);
        same(bare(public.trim_end_matches('/')))
            || self
                .public_aliases
                .iter()
                .chain(ordered)
                .any(|own| same(own))
            || same("localhost")
            || asked.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
    }

    /// Where a request comes from. A trusted proxy says so in `X-Forwarded-For`, each proxy adding the address it saw at
    /// the end; what stands before the last untrusted one anybody can write.
    pub(crate) fn origin_of(&self, peer: IpAddr, forwarded: Option<&str>) -> IpAddr {
        if !self.trusted_proxies.contains(&peer) {
            return peer;
        }
        let mut seen = peer;
        for hop in forwarded.unwrap_or_default().rsplit(',') {
            let Ok(address) = hop.trim().parse() else {
                break;
            };
            seen = address;
            if !self.trusted_proxies.contains(&seen) {
                break;
            }
        }
        seen
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

    /// The name of this host that DNS may know: no address, and not of this machine or network alone.
    pub(crate) fn public_name(&self) -> Option<String> {
        let name = self.host_name();
        let is_address = name.parse::<IpAddr>().is_ok();
        (name.contains('.') && !is_address).then_some(name)
    }

    /// Whether the server itself speaks TLS.
    pub(crate) fn serves_tls(&self) -> bool {
        self.tls_cert.is_some() || self.acme.is_some()
    }

    /// Whether the outside reaches us by https, by itself or through a proxy.
    pub(crate) fn is_https(&self) -> bool {
        self.public_url().starts_with("https://")
    }
}

/// A host without its port and without the dot that ends a full name.
fn bare(host: &str) -> &str {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|c| c.is_ascii_digit()) => name,
        _ => host,
    };
    name.strip_suffix('.').unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_ours_by_the_host_that_was_asked_or_by_the_public_address() {
        let mut config = Config::new(PathBuf::new());
        assert!(config.is_own("http://desk.test:8095", Some("desk.test:8095")));
        assert!(!config.is_own("https://evil.example", Some("desk.test:8095")));
        assert!(!config.is_own("null", Some("desk.test:8095")));
        config.public_url = Some("https://desk.example/".into());
        assert!(config.is_own("https://desk.example", Some("127.0.0.1:8095")));
    }

    #[test]
    fn a_name_that_is_not_ours_is_not_answered_once_we_know_our_own() {
        let mut config = Config::new(PathBuf::new());
        assert!(config.answers_to("evil.example"));
        config.public_url = Some("https://desk.example:8443/".into());
        config.public_aliases = vec!["help.desk.example".into()];
        for ours in [
            "desk.example",
            "DESK.example:8443",
            "desk.example.",
            "help.desk.example:80",
            "localhost:8095",
            "127.0.0.1:8095",
            "192.0.2.7",
            "[::1]:8095",
            "[::1]",
        ] {
            assert!(config.answers_to(ours), "{ours}");
        }
        for foreign in [
            "evil.example",
            "desk.example.evil.example",
            "xdesk.example",
            "help.desk.example@evil.example",
            "desk.example:80:80",
            "127.0.0.1.evil.example",
            "desk.example:x",
            "",
        ] {
            assert!(!config.answers_to(foreign), "{foreign}");
        }
    }

    #[test]
    fn only_a_trusted_proxy_is_believed_and_only_its_own_word() {
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let mut config = Config::new(PathBuf::new());
        let from = |config: &Config, peer, forwarded| config.origin_of(address(peer), forwarded);
        assert_eq!(
            from(&config, "127.0.0.1", Some("9.9.9.9")),
            address("127.0.0.1")
        );
        config.trusted_proxies = vec![address("127.0.0.1"), address("10.0.0.2")];
        assert_eq!(
            from(&config, "127.0.0.1", Some("1.1.1.1, 9.9.9.9")),
            address("9.9.9.9")
        );
        assert_eq!(
            from(&config, "127.0.0.1", Some("1.1.1.1, 9.9.9.9, 10.0.0.2")),
            address("9.9.9.9")
        );
        assert_eq!(
            from(&config, "127.0.0.1", Some("nonsense")),
            address("127.0.0.1")
        );
        assert_eq!(from(&config, "127.0.0.1", None), address("127.0.0.1"));
        assert_eq!(
            from(&config, "8.8.8.8", Some("9.9.9.9")),
            address("8.8.8.8")
        );
    }
}
