//! A connection to an SMTP server that is greeted, encrypted and logged in. What is then said over it is [`super::send`]'s.
//!
//! Encryption that was asked for is never given up for a plain connection.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use tokio::net::lookup_host;
use tokio::time::timeout;
use tokio_rustls::rustls;

use super::send::{Sent, Trouble};
use crate::reach::Reach;

const LONGEST_CONNECT: Duration = Duration::from_secs(20);

/// How the connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Security {
    None,
    StartTls,
    Tls,
}

/// A server and how to talk to it.
#[derive(Clone)]
pub(crate) struct SmtpTarget {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) security: Security,
    /// User name and password.
    pub(crate) login: Option<(String, String)>,
    /// The name we greet with.
    pub(crate) hello: String,
    /// Certificates in PEM to trust beside the public ones.
    pub(crate) extra_ca: Option<Vec<u8>>,
    pub(crate) reach: Reach,
}

/// A connection that is greeted, encrypted and logged in.
pub(super) async fn connect(target: &SmtpTarget) -> Result<AsyncSmtpConnection, Sent> {
    let found = lookup_host((target.host.as_str(), target.port))
        .await
        .map_err(|error| unreached(format!("{} cannot be found: {error}", target.host)))?;
    let reachable: Vec<SocketAddr> = found
        .filter(|address| target.reach.allows(address.ip()))
        .collect();
    if reachable.is_empty() {
        return Err(misconfigured(format!(
            "{} has no address that may be connected to",
            target.host
        )));
    }
    let hello = hello(&target.hello);
    let wrapped = match target.security {
        Security::Tls => Some(tls(target)?),
        Security::None | Security::StartTls => None,
    };
    let mut connection = AsyncSmtpConnection::connect_tokio1(
        &reachable[..],
        Some(LONGEST_CONNECT),
        &hello,
        wrapped,
        None,
    )
    .await
    .map_err(|error| at_the_door(&error))?;
    if target.security == Security::StartTls {
        if !connection.can_starttls() {
            quit(&mut connection).await;
            return Err(misconfigured(format!(
                "{} does not offer STARTTLS, and unencrypted sending is not allowed",
                target.host
            )));
        }
        let parameters = tls(target)?;
        if let Err(error) = connection.starttls(parameters, &hello).await {
            // After a failed handshake there is no stream left to say goodbye on; lettre would panic.
            drop(connection);
            return Err(at_the_door(&error));
        }
    }
    if let Some((user, password)) = &target.login {
        let credentials = Credentials::new(user.clone(), password.clone());
        if let Err(error) = connection.auth(DEFAULT_MECHANISMS, &credentials).await {
            connection.abort().await;
            return Err(at_the_door(&error));
        }
    }
    Ok(connection)
}

fn tls(target: &SmtpTarget) -> Result<TlsParameters, Sent> {
    let broken =
        |error: Error| misconfigured(format!("the certificates to trust cannot be read: {error}"));
    let mut builder = TlsParameters::builder(target.host.clone());
    if let Some(pem) = &target.extra_ca {
        builder = builder.add_root_certificate(Certificate::from_pem(pem).map_err(broken)?);
    }
    builder.build().map_err(broken)
}

fn hello(name: &str) -> ClientId {
    match name.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => ClientId::Ipv4(address),
        Ok(IpAddr::V6(address)) => ClientId::Ipv6(address),
        Err(_) => {
            let sound: String = name
                .chars()
                .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))
                .collect();
            if sound.is_empty() {
                ClientId::default()
            } else {
                ClientId::Domain(sound)
            }
        }
    }
}

/// Trouble before any mail was spoken of: unless it is plainly temporary and so the network's, it is the channel's.
fn at_the_door(error: &Error) -> Sent {
    let network = error.status().is_none() && !error.is_client() && !is_about_encryption(error);
    if network || (error.is_transient() && !is_about_login(error)) {
        unreached(error.to_string())
    } else {
        misconfigured(error.to_string())
    }
}

/// Whether the server's certificate or its TLS is at fault, which waiting does not mend.
fn is_about_encryption(error: &Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(at) = cause {
        let io = at.downcast_ref::<std::io::Error>();
        if io
            .and_then(std::io::Error::get_ref)
            .is_some_and(|inner| inner.is::<rustls::Error>())
        {
            return true;
        }
        cause = at.source();
    }
    error.is_tls()
}

/// Whether the server refuses us and not the mail.
pub(super) fn is_about_login(error: &Error) -> bool {
    matches!(code(error), Some(454 | 530 | 534 | 535 | 538))
}

/// The code of the server's answer, when it gave one.
pub(super) fn code(error: &Error) -> Option<u16> {
    error.status().map(u16::from)
}

/// Says goodbye; a server that does not answer it has still taken the mail.
pub(super) async fn quit(connection: &mut AsyncSmtpConnection) {
    let _ = timeout(Duration::from_secs(5), connection.quit()).await;
}

/// Trouble of getting there, which may pass.
pub(super) fn unreached(why: String) -> Sent {
    Sent::Retry {
        why,
        at_least: None,
        trouble: Trouble::Network,
    }
}

/// Trouble that may pass.
pub(super) fn retry(why: String) -> Sent {
    Sent::Retry {
        why,
        at_least: None,
        trouble: Trouble::Mail,
    }
}

/// Trouble that somebody has to end.
pub(super) fn misconfigured(why: String) -> Sent {
    Sent::Retry {
        why,
        at_least: None,
        trouble: Trouble::Channel,
    }
}
