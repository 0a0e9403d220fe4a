//! The HTTP server: accepting, bounding, and answering connections.
pub(crate) mod allowance;
mod answer;
pub(crate) mod api;
pub(crate) mod body;
pub(crate) mod cookie;
mod credential;
pub(crate) mod export;
mod figures;
pub(crate) mod files;
mod guard;
mod heads;
pub(crate) mod hook;
pub(crate) mod hub;
mod kb;
mod kept;
pub(crate) mod limit;
pub(crate) mod live;
mod multipart;
pub(crate) mod pages;
mod rate;
pub(crate) mod route;
mod secure;
mod stream;

use crate::{
    app::App,
    caps::{Caps, Seat},
};
use answer::Answer;
use hyper::{Request, body::Incoming};
use rustix::process::{Resource, getrlimit};
use std::{convert::Infallible, io::Write, net::IpAddr, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};
use tokio_rustls::rustls::ServerConfig;

/// How long a request's head may take to arrive. It takes effect because a timer is set.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// The most bytes of a request's head.
const HEAD_SIZE: usize = 64 << 10;
/// How long requests in flight may take once the server is stopping.
const DRAIN: Duration = Duration::from_secs(8);
/// How long to wait after the system could not give a connection, which is when it has no descriptors left.
const BREATH: Duration = Duration::from_millis(100);
/// The most connections there may be, if the system gives as many descriptors.
const CONNECTIONS: usize = 16_384;
/// The most connections from one address. A whole office with its open pages often stands behind one.
const PER_ADDRESS: usize = 512;
/// What a connection beyond those is told.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// Serves connections until `stop` says to end, then lets requests in flight finish.
pub(crate) async fn serve(
    app: App,
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    mut stop: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    let descriptors = getrlimit(Resource::Nofile).current;
    let descriptors = descriptors.and_then(|n| usize::try_from(n).ok());
    let most = descriptors.map_or(CONNECTIONS, most_connections);
    let caps = Caps::new(most, PER_ADDRESS);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            () = stopping(&mut stop) => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                // A socket that listens to both versions of IP knows an old address by a new name.
                let peer = peer.ip().to_canonical();
                match seat(&app, &caps, peer) {
                    Some(seat) => {
                        let (app, tls, stop) = (app.clone(), tls.clone(), stop.clone());
                        connections.spawn(connection(app, stream, peer, seat, tls, stop));
                    }
                    None => turn_away(stream),
                }
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
    drop(listener);
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN, drained).await.is_err() {
        tracing::warn!("some requests did not finish in time");
    }
}

/// How many connections may be open with so many descriptors: a quarter of them, and of few rather a half, is left for the
/// database, attachments and mail.
fn most_connections(descriptors: usize) -> usize {
    let kept = (descriptors / 4).max(64).min(descriptors / 2);
    (descriptors - kept).min(CONNECTIONS)
}

/// A place for a connection. A proxy of ours, or a program of this machine, stands for many.
fn seat(app: &App, caps: &Caps, peer: IpAddr) -> Option<Seat> {
    if peer.is_loopback() || app.config.trusted_proxies.contains(&peer) {
        caps.shared_seat()
    } else {
        caps.seat(peer)
    }
}

/// Tells why a connection is closed, as far as that does not take waiting.
fn turn_away(stream: TcpStream) {
    let told = stream
        .into_std()
        .and_then(|mut stream| stream.write_all(FULL));
    if let Err(error) = told {
        tracing::debug!(%error, "a connection was closed without a word");
    }
}

/// Answers the requests of one connection until either side ends it. Where there is a certificate, the connection tells by
/// its first byte whether it is encrypted.
async fn connection(
    app: App,
    stream: TcpStream,
    peer: IpAddr,
    seat: Seat,
    tls: Option<Arc<ServerConfig>>,
    stop: watch::Receiver<bool>,
) {
    // An answer is written whole; waiting to fill a packet only delays it.
    let _ = stream.set_nodelay(true);
    let visitor = Visitor {
        app,
        peer,
        seat: Arc::new(seat),
    };
    let ended = match tls {
        None => kept::serve(stream, visitor, stop).await.map_err(Into::into),
        // In a place of its own, which one that is not encrypted does without.
        Some(tls) => Box::pin(secure::serve(stream, tls, visitor, stop)).await,
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Who is at the other end of a connection.
#[derive(Clone)]
struct Visitor {
    app: App,
    peer: IpAddr,
    seat: Arc<Seat>,
}

impl Visitor {
    async fn answer(self, mut request: Request<Incoming>) -> Result<Answer, Infallible> {
        // A socket takes its place along when it leaves this connection behind.
        request.extensions_mut().insert(self.seat);
        Ok(route::serve(self.app, self.peer, request).await)
    }
}

/// Waits until the server is to stop.
async fn stopping(stop: &mut watch::Receiver<bool>) {
    // A sender that is gone means the same.
    let _ = stop.wait_for(|stopping| *stopping).await.is_ok();
}

#[cfg(feature = "fuzzing")]
/// Reads a head as the guard in front of the parser does, and what is asked of one that was parsed.
pub(crate) fn strange_head(bytes: &[u8]) {
    heads::strange(bytes);
    guard::strange(bytes);
}

#[cfg(feature = "fuzzing")]
/// Reads the body of a request with files.
pub(crate) async fn strange_parts(app: &App, bytes: &[u8]) {
    multipart::strange(app, bytes).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_to_the_rest_of_the_program() {
        for (descriptors, most) in [(64, 32), (256, 192), (1_024, 768), (1_000_000, CONNECTIONS)] {
            assert_eq!(most_connections(descriptors), most);
        }
    }
}
