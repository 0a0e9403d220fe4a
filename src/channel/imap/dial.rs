//! A connection to an IMAP server that is greeted, encrypted and logged in.
//!
//! Encryption that was asked for is never given up for a plain connection, and no name or password is sent before it.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_imap::error::Error as ImapError;
use async_imap::imap_proto::{Response, Status};
use async_imap::{Authenticator, Client};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::gauge::{Gauge, Wire};
use super::session::{Conversation, LARGEST, capabilities};
use super::trouble::{Trouble, said, told};
use crate::channel::config::{HIDDEN, Security};
use crate::reach::Reach;

const LONGEST_CONNECT: Duration = Duration::from_secs(10);
const LONGEST_ANSWER: Duration = Duration::from_secs(30);
/// The whole way in.
const LONGEST: Duration = Duration::from_secs(90);

/// A mailbox on a server, and how to get to it.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) security: Security,
    pub(super) username: String,
    pub(super) password: String,
    pub(super) folder: String,
    /// Certificates in PEM to trust beside the public ones.
    pub(super) extra_ca: Option<String>,
    pub(super) reach: Reach,
}

/// Connects, greets, encrypts and logs in.
pub(super) async fn connect(target: &Target) -> Result<Conversation, Trouble> {
    let conversation = match timeout(LONGEST, Box::pin(enter(target))).await {
        Ok(entered) => entered,
        Err(_) => Err(late(LONGEST)),
    };
    conversation.map_err(|trouble| trouble.of(&target.host))
}

fn late(longest: Duration) -> Trouble {
    Trouble::Passing(format!("no answer within {} s", longest.as_secs()))
}

async fn enter(target: &Target) -> Result<Conversation, Trouble> {
    let stream = reach(target).await?;
    let mut client = match target.security {
        Security::Tls => greeted(encrypted(target, stream).await?).await?,
        Security::None => greeted(stream).await?,
        Security::Starttls => {
            let mut client = greeted(stream).await?;
            if !offers(&mut client).await?.contains("STARTTLS") {
                return Err(Trouble::Settings(
                    "it does not offer STARTTLS, and an unencrypted connection is not allowed"
                        .to_owned(),
                ));
            }
            let begun = ask(&mut client, "STARTTLS").await;
            begun.map_err(|trouble| match trouble {
                Trouble::Refused(why) => Trouble::Settings(format!("STARTTLS was refused: {why}")),
                other => other,
            })?;
            // What was said before the encryption goes with the client: nobody can slip in answers to what follows.
            let plain = client.into_inner().into_inner();
            Client::new(Gauge::new(encrypted(target, plain).await?, LARGEST.into()))
        }
    };
    let offered = offers(&mut client).await?;
    log_in(client, target, &offered).await
}

/// Connects to the first of the server's addresses that may be connected to and answers.
async fn reach(target: &Target) -> Result<TcpStream, Trouble> {
    let found = timeout(
        LONGEST_CONNECT,
        lookup_host((target.host.as_str(), target.port)),
    );
    let found = found.await.map_err(|_| late(LONGEST_CONNECT))?;
    let found = found.map_err(|error| Trouble::Passing(format!("cannot be found: {error}")))?;
    let reachable: Vec<SocketAddr> = found
        .filter(|address| target.reach.allows(address.ip()))
        .collect();
    let mut trouble = Trouble::Settings("has no address that may be connected to".to_owned());
    for address in reachable {
        match timeout(LONGEST_CONNECT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => trouble = Trouble::Passing(format!("cannot be reached: {error}")),
            Err(_) => trouble = late(LONGEST_CONNECT),
        }
    }
    Err(trouble)
}

async fn encrypted(
    target: &Target,
    plain: impl Wire + 'static,
) -> Result<impl Wire + 'static, Trouble> {
    let name = ServerName::try_from(target.host.clone())
        .map_err(|_| Trouble::Settings("is no name that a certificate could have".to_owned()))?;
    let connector = TlsConnector::from(Arc::new(trust(target.extra_ca.as_deref())?));
    let shaken = timeout(LONGEST_ANSWER, connector.connect(name, plain)).await;
    Ok(shaken.map_err(|_| late(LONGEST_ANSWER))??)
}

/// Whom to believe: the authorities of the web, and those that the channel names.
fn trust(extra: Option<&str>) -> Result<ClientConfig, Trouble> {
    let broken = |why: String| Trouble::Settings(format!("the encryption cannot be set up: {why}"));
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    for certificate in CertificateDer::pem_slice_iter(extra.unwrap_or_default().as_bytes()) {
        let certificate = certificate.map_err(|error| broken(error.to_string()))?;
        roots
            .add(certificate)
            .map_err(|error| broken(error.to_string()))?;
    }
    let config = ClientConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .map_err(|error| broken(error.to_string()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// Waits for the server's first word.
async fn greeted(wire: impl Wire + 'static) -> Result<Client<Gauge>, Trouble> {
    let mut client = Client::new(Gauge::new(wire, LARGEST.into()));
    let greeting = timeout(LONGEST_ANSWER, client.read_response()).await;
    let greeting = greeting.map_err(|_| late(LONGEST_ANSWER))??;
    match greeting.as_ref().map(|answer| answer.parsed()) {
        Some(Response::Data {
            status: Status::Ok, ..
        }) => Ok(client),
        Some(Response::Data {
            status: Status::Bye,
            outcome,
        }) => Err(Trouble::Passing(format!(
            "the server takes no connections: {}",
            said(outcome)
        ))),
        // A server that has let us in already would have to be believed without encryption and without a login.
        _ => Err(Trouble::Settings(
            "the server does not greet as IMAP does".to_owned(),
        )),
    }
}

/// Says a command before the login and waits for its end.
async fn ask(client: &mut Client<Gauge>, command: &str) -> Result<(), Trouble> {
    let asked = client.run_command_and_check_ok(command, None);
    timeout(LONGEST_ANSWER, asked)
        .await
        .map_err(|_| late(LONGEST_ANSWER))??;
    Ok(())
}

/// What the server says that it can do.
async fn offers(client: &mut Client<Gauge>) -> Result<BTreeSet<String>, Trouble> {
    let mut found = BTreeSet::new();
    let asked = async {
        // The client says commands before the login only where nobody wants to see what the server answers.
        let wire = client.get_mut();
        wire.write_all(b"C1 CAPABILITY\r\n").await?;
        wire.flush().await?;
        loop {
            let answer = client.read_response().await?;
            let answer = answer.ok_or(ImapError::ConnectionLost)?;
            capabilities(answer.parsed(), &mut found);
            if let Response::Done { .. } = answer.parsed() {
                return Ok::<(), Trouble>(());
            }
        }
    };
    timeout(LONGEST_ANSWER, asked)
        .await
        .map_err(|_| late(LONGEST_ANSWER))??;
    Ok(found)
}

/// Name and password at once, in any script (RFC 4616).
struct Plain<'a>(&'a Target);

impl Authenticator for Plain<'_> {
    type Response = String;

    fn process(&mut self, _challenge: &[u8]) -> String {
        format!("\0{}\0{}", self.0.username, self.0.password)
    }
}

async fn log_in(
    client: Client<Gauge>,
    target: &Target,
    offered: &BTreeSet<String>,
) -> Result<Conversation, Trouble> {
    let entering = async {
        if offered.contains("AUTH=PLAIN") {
            client.authenticate("PLAIN", Plain(target)).await
        } else if offered.contains("LOGINDISABLED") {
            let why = "it lets nobody in by a password on such a connection";
            return Err(Trouble::Settings(why.to_owned()));
        } else {
            client.login(&target.username, &target.password).await
        }
        .map_err(|(error, _)| refusal(error, &target.password))
    };
    let session = timeout(LONGEST_ANSWER, entering)
        .await
        .map_err(|_| late(LONGEST_ANSWER))??;
    Conversation::begin(session).await
}

/// What it means that we were not let in. A server may be busy as well, and says so.
fn refusal(error: ImapError, password: &str) -> Trouble {
    let text = match &error {
        ImapError::No(why) | ImapError::Bad(why) => told(why),
        ImapError::Validate(_) => "a line end is in the name or the password".to_owned(),
        _ => return error.into(),
    };
    let busy = ["UNAVAILABLE", "INUSE", "LIMIT"];
    if busy.iter().any(|code| text.to_uppercase().contains(code)) {
        return Trouble::Passing(format!("the login is not possible now: {text}"));
    }
    // No server should repeat it, and none is trusted not to.
    let text = match password.trim() {
        "" => text,
        password => text.replace(password, HIDDEN),
    };
    Trouble::Login(format!("the login was refused: {text}"))
}
