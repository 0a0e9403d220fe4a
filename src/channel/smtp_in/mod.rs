//! The appliance's own SMTP listener: takes mail for addresses it knows, relays nothing.
//!
//! The dialogue is in [`session`], lines and data in [`wire`], the grammar of commands in [`command`]. Whether an address is known
//! and where a mail is stored is behind [`Receiver`]; a mail is acknowledged only after it says stored.

mod command;
mod session;

#[cfg(feature = "fuzzing")]
/// Reads each line as a command, and all of them as the data of a mail, whole and cut in two.
pub(crate) fn strange(bytes: &[u8]) {
    for line in bytes.split(|byte| *byte == b'\n') {
        let _ = command::read(line.strip_suffix(b"\r").unwrap_or(line));
    }
    wire::strange(bytes);
}

#[cfg(test)]
mod tests;
mod wire;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::rustls::ServerConfig;

use crate::caps::Caps;

/// Sessions that are still busy this long after the stop are cut off.
const LONGEST_FAREWELL: Duration = Duration::from_secs(10);

/// Who stands behind the listener.
pub(crate) trait Receiver: Send + Sync + 'static {
    /// Whether mail for the address is taken here.
    fn knows(&self, recipient: &str) -> impl Future<Output = Known> + Send;

    /// Stores a mail for all its recipients.
    fn take(&self, delivery: Delivery) -> impl Future<Output = Taken> + Send;
}

/// Whether an address is ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    Yes,
    No,
    TryLater,
}

/// What became of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is on disk.
    Stored,
    TryLater,
    /// Never send it again; the text goes to the sender.
    Refused(String),
}

/// A mail as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) peer: SocketAddr,
    pub(crate) helo: String,
    /// Empty for the null sender of bounces and automatic answers.
    pub(crate) mail_from: String,
    pub(crate) recipients: Vec<String>,
    pub(crate) raw: Vec<u8>,
}

/// How the listener behaves.
#[derive(Clone)]
pub(crate) struct Settings {
    /// The name it greets with.
    pub(crate) name: String,
    /// Offers STARTTLS when there is a certificate.
    pub(crate) tls: Option<Arc<ServerConfig>>,
    pub(crate) limits: Limits,
}

/// What one peer, and all together, may use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) mail_bytes: usize,
    pub(crate) recipients: usize,
    pub(crate) connections: usize,
    /// From one IPv4 address, or one /64 of IPv6.
    pub(crate) connections_per_address: usize,
    /// Faults and unknown recipients until the connection is closed.
    pub(crate) faults: usize,
    /// Mails beyond [`wire::SMALL`] that are being received at one time.
    pub(crate) large_mails: usize,
    pub(crate) command: Duration,
    pub(crate) data: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            mail_bytes: 50 * 1024 * 1024,
            recipients: 100,
            connections: 256,
            connections_per_address: 16,
            faults: 20,
            large_mails: 6,
            command: Duration::from_secs(300),
            data: Duration::from_secs(600),
        }
    }
}

/// What all sessions share.
struct Shared<R> {
    settings: Settings,
    receiver: Arc<R>,
    large_mails: Arc<Semaphore>,
    stop: watch::Receiver<bool>,
}

/// Listens until `stop` turns true, then lets sessions finish the mail in hand.
pub(crate) async fn serve<R: Receiver>(
    listener: TcpListener,
    settings: Settings,
    receiver: Arc<R>,
    mut stop: watch::Receiver<bool>,
) {
    let caps = Caps::new(
        settings.limits.connections,
        settings.limits.connections_per_address,
    );
    let large_mails = Arc::new(Semaphore::new(settings.limits.large_mails));
    let shared = Arc::new(Shared {
        settings,
        receiver,
        large_mails,
        stop: stop.clone(),
    });
    let mut sessions = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            _ = stop.wait_for(|stopped| *stopped) => break,
            Some(_) = sessions.join_next(), if !sessions.is_empty() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let seat = caps.seat(peer.ip());
                let shared = Arc::clone(&shared);
                sessions.spawn(async move {
                    match seat {
                        Some(_seat) => Box::pin(session::run(stream, peer, shared)).await,
                        None => session::turn_away(stream).await,
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "smtp: a connection could not be accepted");
                // Out of descriptors: asking again at once would only spin.
                sleep(Duration::from_millis(200)).await;
            }
        }
    }
    drop(listener);
    let finished = timeout(LONGEST_FAREWELL, async {
        while sessions.join_next().await.is_some() {}
    })
    .await;
    if finished.is_err() {
        tracing::warn!(
            sessions = sessions.len(),
            "smtp: sessions were cut off at the stop"
        );
    }
}
