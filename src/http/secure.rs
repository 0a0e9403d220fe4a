//! Connections to a server that has a certificate. An encrypted one begins with a byte that no request begins with; another
//! is answered as it is if it comes from this machine or a proxy of ours, and is sent to the encrypted address otherwise.
use super::{
    HEAD_SIZE, HEAD_TIME, Visitor,
    answer::{self, Answer, set},
    kept, stopping,
};
use crate::tls::ACME_TLS;
use hyper::{
    Request, StatusCode,
    body::Incoming,
    header,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::{convert::Infallible, error::Error, pin::pin, sync::Arc, time::Duration};
use tokio::{net::TcpStream, sync::watch, time::timeout};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig, server::TlsStream};

/// The first byte of an encrypted connection: a record of the handshake (RFC 8446, section 5.1).
const HANDSHAKE: u8 = 0x16;
/// How many requests one connection may have in flight, and how many it may take back before it is closed ("rapid reset",
/// CVE-2023-44487).
const STREAMS: u32 = 100;
const RESETS: usize = 20;
/// A peer that does not answer a ping is gone.
const PING: Duration = Duration::from_secs(30);

type Fault = Box<dyn Error + Send + Sync>;

pub(super) async fn serve(
    stream: TcpStream,
    tls: Arc<ServerConfig>,
    visitor: Visitor,
    stop: watch::Receiver<bool>,
) -> Result<(), Fault> {
    let mut first = [0];
    if timeout(HEAD_TIME, stream.peek(&mut first)).await?? == 0 {
        return Ok(());
    }
    if first[0] != HANDSHAKE {
        let trusted = &visitor.app.config.trusted_proxies;
        return if visitor.peer.is_loopback() || trusted.contains(&visitor.peer) {
            Ok(kept::serve(stream, visitor, stop).await?)
        } else {
            send_on(stream, visitor.app.config.public_url()).await
        };
    }
    let stream = timeout(HEAD_TIME, TlsAcceptor::from(tls).accept(stream)).await??;
    match stream.get_ref().1.alpn_protocol() {
        Some(b"h2") => serve_http2(stream, visitor, stop).await,
        // The authority has seen what it wanted to see.
        Some(ACME_TLS) => Ok(()),
        _ => Ok(kept::serve(stream, visitor, stop).await?),
    }
}

async fn serve_http2(
    stream: TlsStream<TcpStream>,
    visitor: Visitor,
    mut stop: watch::Receiver<bool>,
) -> Result<(), Fault> {
    let service = service_fn(move |request| visitor.clone().answer(request));
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_pending_accept_reset_streams(RESETS)
        .max_header_list_size(u32::try_from(HEAD_SIZE)?)
        .keep_alive_interval(PING)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => ended?,
        () = stopping(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await?;
        }
    }
    Ok(())
}

/// Answers the one request of an unencrypted connection by the address to use.
async fn send_on(stream: TcpStream, public_url: String) -> Result<(), Fault> {
    let service = service_fn(move |request: Request<Incoming>| {
        let path = request.uri().path_and_query().map_or("/", |p| p.as_str());
        let mut answer: Answer = answer::empty(StatusCode::PERMANENT_REDIRECT);
        set(
            &mut answer,
            header::LOCATION,
            &format!("{public_url}{path}"),
        );
        set(&mut answer, header::CONNECTION, "close");
        async move { Ok::<_, Infallible>(answer) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_SIZE)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    Ok(timeout(HEAD_TIME, connection).await??)
}
