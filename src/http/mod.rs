//! The HTTP server: accepting, bounding, and answering connections.
pub(crate) mod answer;
pub(crate) mod api;
pub(crate) mod body;
pub(crate) mod cookie;
pub(crate) mod files;
pub(crate) mod hook;
pub(crate) mod limit;
pub(crate) mod live;
pub(crate) mod pages;
pub(crate) mod route;

use crate::{app::App, error::Error, lang::Lang};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{convert::Infallible, net::IpAddr, pin::pin, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

/// How long a request's head may take to arrive. It takes effect because a timer is set.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// The most bytes of a request's head.
const HEAD_SIZE: usize = 64 << 10;
/// How long requests in flight may take once the server is stopping.
const DRAIN: Duration = Duration::from_secs(8);
/// How long to wait after the system could not give a connection, which is when it has no descriptors left.
const BREATH: Duration = Duration::from_millis(100);

/// Serves connections until `stop` says to end, then lets requests in flight finish.
pub(crate) async fn serve(app: App, listener: TcpListener, mut stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            () = stopping(&mut stop) => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                connections.spawn(connection(app.clone(), stream, peer.ip(), stop.clone()));
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

/// Answers the requests of one connection until either side ends it.
async fn connection(app: App, stream: TcpStream, peer: IpAddr, mut stop: watch::Receiver<bool>) {
    // An answer is written whole; waiting to fill a packet only delays it.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: Request<Incoming>| {
        let app = app.clone();
        // The work is a task of its own: a client that hangs up cannot stop it half way.
        async move {
            let work = tokio::spawn(async move { route::answer(&app, peer, request).await });
            Ok::<_, Infallible>(work.await.unwrap_or_else(|panic| {
                tracing::error!(%panic, "a request panicked");
                answer::error(&Error::internal(panic), Lang::En, "")
            }))
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_SIZE)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopping(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Waits until the server is to stop.
async fn stopping(stop: &mut watch::Receiver<bool>) {
    // A sender that is gone means the same.
    let _ = stop.wait_for(|stopping| *stopping).await.is_ok();
}
