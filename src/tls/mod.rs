//! The certificates that the server shows: of files, which may be replaced while it runs, or given by an authority over
//! ACME ([`acme`]). A network without the internet makes an authority of its own ([`private_ca`]).
pub(crate) mod acme;
pub(crate) mod private_ca;

use crate::{
    app::App,
    config::Config,
    error::{Error, Result},
};
use std::{
    collections::HashMap,
    fs,
    io::Cursor,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::SystemTime,
};
use tokio_rustls::rustls::{
    self, ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

/// The protocol by which an authority looks whether a name is ours (RFC 8737).
pub(crate) const ACME_TLS: &[u8] = b"acme-tls/1";

/// Where certificates come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Files { cert: PathBuf, key: PathBuf },
    Acme(acme::Order),
}

/// The certificates in use.
#[derive(Debug)]
pub(crate) struct Certificates {
    pub(crate) origin: Origin,
    current: RwLock<Option<Arc<CertifiedKey>>>,
    /// When the files in use were written.
    written: RwLock<Option<(SystemTime, SystemTime)>>,
    /// What an authority is shown that asks for a name.
    challenges: RwLock<HashMap<String, Arc<CertifiedKey>>>,
}

impl Certificates {
    /// The certificates that the configuration names, if it names any. Files must be there and fit each other.
    pub(crate) fn of(config: &Config) -> Result<Option<Arc<Certificates>>> {
        let origin = match (&config.tls_cert, &config.tls_key, &config.acme) {
            (Some(cert), Some(key), None) => Origin::Files {
                cert: cert.clone(),
                key: key.clone(),
            },
            (None, None, Some(order)) => Origin::Acme(order.clone()),
            (None, None, None) => return Ok(None),
            _ => {
                return Err(Error::internal(
                    "a certificate needs its key, and comes either from files or from an authority",
                ));
            }
        };
        let certificates = Certificates {
            origin,
            current: RwLock::default(),
            written: RwLock::default(),
            challenges: RwLock::default(),
        };
        match &certificates.origin {
            Origin::Files { cert, key } => certificates.load(cert, key)?,
            Origin::Acme(_) => {
                let (cert, key) = acme::kept(&config.data_dir);
                if cert.exists() && key.exists() {
                    certificates.load(&cert, &key)?;
                }
            }
        }
        Ok(Some(Arc::new(certificates)))
    }

    /// Takes the certificate of two files into use.
    fn load(&self, cert: &Path, key: &Path) -> Result<()> {
        let times = written(cert, key)?;
        let made = certified(&read(cert)?, &read(key)?).map_err(|why| {
            Error::internal(format!("{} and {}: {why}", cert.display(), key.display()))
        })?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(made);
        *self.written.write().unwrap_or_else(PoisonError::into_inner) = Some(times);
        Ok(())
    }

    /// Takes changed files into use. Those that do not fit each other, as while they are being replaced, change nothing.
    fn follow(&self, cert: &Path, key: &Path) -> Result<bool> {
        let known = *self.written.read().unwrap_or_else(PoisonError::into_inner);
        if known == Some(written(cert, key)?) {
            return Ok(false);
        }
        self.load(cert, key).map(|()| true)
    }

    fn challenge(&self, name: &str, shown: Option<Arc<CertifiedKey>>) {
        let mut challenges = self
            .challenges
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        match shown {
            Some(shown) => challenges.insert(name.to_owned(), shown),
            None => challenges.remove(name),
        };
    }

    /// The leaf in use, if there is one yet.
    pub(crate) fn leaf(&self) -> Option<CertificateDer<'static>> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.as_ref()?.cert.first().cloned()
    }

    /// How a server speaks TLS with these certificates, and which protocols it offers inside.
    pub(crate) fn server(self: &Arc<Self>, protocols: &[&[u8]]) -> Result<Arc<ServerConfig>> {
        let resolver: Arc<dyn ResolvesServerCert> = Arc::<Certificates>::clone(self);
        let mut server = ServerConfig::builder_with_provider(ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .map_err(Error::internal)?
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        server.alpn_protocols = protocols.iter().map(|p| p.to_vec()).collect();
        Ok(Arc::new(server))
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        if hello
            .alpn()
            .is_some_and(|mut all| all.any(|p| p == ACME_TLS))
        {
            let challenges = self
                .challenges
                .read()
                .unwrap_or_else(PoisonError::into_inner);
            return challenges.get(hello.server_name()?).cloned();
        }
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| Error::internal(format!("{}: {error}", path.display())))
}

/// When two files were last written.
fn written(cert: &Path, key: &Path) -> Result<(SystemTime, SystemTime)> {
    let time = |path: &Path| {
        fs::metadata(path)
            .and_then(|about| about.modified())
            .map_err(|error| Error::internal(format!("{}: {error}", path.display())))
    };
    Ok((time(cert)?, time(key)?))
}

/// A chain and its key in PEM, if they belong together.
fn certified(chain: &[u8], key: &[u8]) -> Result<Arc<CertifiedKey>, String> {
    let chain = CertificateDer::pem_reader_iter(Cursor::new(chain))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| error.to_string())?;
    let key =
        PrivateKeyDer::from_pem_reader(Cursor::new(key)).map_err(|error| error.to_string())?;
    certified_der(chain, key).map_err(|error| error.to_string())
}

fn certified_der(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<CertifiedKey>, rustls::Error> {
    if chain.is_empty() {
        return Err(rustls::Error::NoCertificatesPresented);
    }
    CertifiedKey::from_der(chain, key, &ring::default_provider()).map(Arc::new)
}

/// Takes changed certificate files into use, as a job of the clock.
pub(crate) async fn follow(app: App) -> Result<()> {
    let Some(certificates) = app.certificates.clone() else {
        return Ok(());
    };
    let work = tokio::task::spawn_blocking(move || match &certificates.origin {
        Origin::Files { cert, key } => certificates.follow(cert, key),
        Origin::Acme(_) => Ok(false),
    });
    if work.await.map_err(Error::internal)?? {
        tracing::info!("the certificate files have changed and are in use");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A certificate of its own for a name, as PEM.
    fn pair(name: &str) -> (String, String) {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    #[test]
    fn files_that_change_are_taken_up_and_files_that_do_not_fit_change_nothing() {
        let dir = std::env::temp_dir().join(format!("tehprof-tls-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let (cert, key) = (dir.join("cert.pem"), dir.join("key.pem"));
        let put = |pair: (&str, &str), at: u64| {
            for (path, text) in [(&cert, pair.0), (&key, pair.1)] {
                fs::write(path, text).unwrap();
                let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(at);
                fs::File::options()
                    .write(true)
                    .open(path)
                    .unwrap()
                    .set_modified(time)
                    .unwrap();
            }
        };
        let (one, other) = (pair("one.test"), pair("other.test"));
        put((&one.0, &one.1), 1);
        let mut config = Config::new(dir.clone());
        config.tls_cert = Some(cert.clone());
        config.tls_key = Some(key.clone());
        let certificates = Certificates::of(&config).unwrap().unwrap();
        let first = certificates.leaf();
        assert!(!certificates.follow(&cert, &key).unwrap());
        // Half replaced: the certificate is new and the key is not.
        put((&other.0, &one.1), 2);
        assert!(certificates.follow(&cert, &key).is_err());
        assert_eq!(certificates.leaf(), first);
        put((&other.0, &other.1), 3);
        assert!(certificates.follow(&cert, &key).unwrap());
        assert_ne!(certificates.leaf(), first);
        put((&one.0, &other.1), 4);
        assert!(Certificates::of(&config).is_err());
        fs::remove_dir_all(&dir).unwrap();
    }
}
