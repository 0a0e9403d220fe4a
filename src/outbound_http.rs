//! Calls of other servers: channels, outgoing webhooks, portals. The one way out over HTTP, so that its rules hold for all:
//! a name is resolved and the address vetted when the connection is made, an answer has a largest size and the whole call
//! a longest time, and no redirect is followed.
use crate::{
    error::{Error, Result},
    reach::{Reach, is_local_name},
};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{HeaderMap, Request, Response, StatusCode, Uri, body::Body, header, http::HeaderValue};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{
        Client,
        connect::{HttpConnector, dns::Name},
    },
    rt::{TokioExecutor, TokioTimer},
};
use std::{
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    path::Path,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
    vec,
};
use thiserror::Error;
use tokio_rustls::rustls::{
    self, ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};
use tower_service::Service;

const LONGEST_CONNECT: Duration = Duration::from_secs(10);
const IDLE: Duration = Duration::from_secs(30);
const MOST_IDLE: usize = 4;

/// What a call may cost and where it may go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) reach: Reach,
    /// How long the call may take, its answer's body included.
    pub(crate) longest: Duration,
    /// How large the answer's body may be, in bytes.
    pub(crate) most: usize,
}

/// Why a call came to nothing. The words name the host and never the path or a header: those may hold secrets.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    #[error(
        "the address cannot be called: it must be http or https, with a host and without a password"
    )]
    Address,
    #[error("{0} is in a private network, which is not allowed")]
    Forbidden(String),
    #[error("{0} cannot be reached: {1}")]
    Unreachable(String, String),
    #[error("{0} did not answer within {1} s")]
    TimedOut(String, u64),
    #[error("the answer of {0} is larger than {1} bytes")]
    TooLarge(String, usize, StatusCode),
    #[error("the answer of {0} broke off: {1}")]
    Broken(String, String),
}

type Pool = Client<HttpsConnector<HttpConnector<Vetting>>, Full<Bytes>>;

/// The clients: one for each reach, so that a connection is never shared between them.
pub(crate) struct OutboundHttp {
    public: Pool,
    anywhere: Pool,
}

impl OutboundHttp {
    pub(crate) fn new() -> Result<OutboundHttp> {
        let tls = ClientConfig::builder_with_provider(ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .map_err(Error::internal)?
            .with_webpki_roots()
            .with_no_client_auth();
        Ok(OutboundHttp::with(&tls))
    }

    /// A client that trusts the root in a PEM file, in place of those of the web.
    pub(crate) fn trusting(root: &Path) -> Result<OutboundHttp> {
        let mut roots = RootCertStore::empty();
        for root in CertificateDer::pem_file_iter(root).map_err(Error::internal)? {
            roots
                .add(root.map_err(Error::internal)?)
                .map_err(Error::internal)?;
        }
        let tls = ClientConfig::builder_with_provider(ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .map_err(Error::internal)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(OutboundHttp::with(&tls))
    }

    fn with(tls: &ClientConfig) -> OutboundHttp {
        OutboundHttp {
            public: pool(Reach::PublicOnly, tls.clone()),
            anywhere: pool(Reach::Anywhere, tls.clone()),
        }
    }

    /// Makes a call and waits for the whole answer, whatever its status.
    pub(crate) async fn send(
        &self,
        mut request: Request<Bytes>,
        bounds: Bounds,
    ) -> Result<Response<Bytes>, Failure> {
        let host = host(request.uri())?;
        // A host that is an address is never resolved, so it is vetted here.
        if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>()
            && !bounds.reach.allows(address)
        {
            return Err(Failure::Forbidden(host));
        }
        name_us(request.headers_mut());
        let pool = match bounds.reach {
            Reach::PublicOnly => &self.public,
            Reach::Anywhere => &self.anywhere,
        };
        let call = exchange(pool, request.map(Full::new), &host, bounds.most);
        tokio::time::timeout(bounds.longest, Box::pin(call))
            .await
            .unwrap_or_else(|_| Err(Failure::TimedOut(host.clone(), bounds.longest.as_secs())))
    }
}

/// Whether `address` may be called at all as far as is known now: it has the form of a URL, and its name leads to where
/// `reach` allows. What it leads to later is vetted again when it is called.
pub(crate) async fn vet(address: &str, reach: Reach) -> Result<(), Failure> {
    let uri: Uri = address.parse().map_err(|_| Failure::Address)?;
    let host = host(&uri)?;
    if reach == Reach::PublicOnly && is_local_name(&host) {
        return Err(Failure::Forbidden(host));
    }
    resolve(host.trim_matches(['[', ']']), reach)
        .await
        .map(drop)
        .map_err(|error| failure(&host, &error))
}

async fn exchange(
    pool: &Pool,
    request: Request<Full<Bytes>>,
    host: &str,
    most: usize,
) -> Result<Response<Bytes>, Failure> {
    let answer = pool
        .request(request)
        .await
        .map_err(|error| match failure(host, &error) {
            // Somebody took the call and did not answer it.
            Failure::Unreachable(host, words) if !error.is_connect() => {
                Failure::Broken(host, words)
            }
            failure => failure,
        })?;
    let (head, body) = answer.into_parts();
    let too_large = || Failure::TooLarge(host.to_owned(), most, head.status);
    // A body that announces its size is not waited for.
    if body.size_hint().lower() > most as u64 {
        return Err(too_large());
    }
    let body = Limited::new(body, most).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            too_large()
        } else {
            Failure::Broken(host.to_owned(), error.to_string())
        }
    })?;
    Ok(Response::from_parts(head, body.to_bytes()))
}

/// The host that a call goes to, if it is one that can be made.
fn host(uri: &Uri) -> Result<String, Failure> {
    let known = matches!(uri.scheme_str(), Some("http" | "https"));
    let authority = uri.authority().filter(|a| !a.as_str().contains('@'));
    match authority {
        Some(authority) if known && !authority.host().is_empty() => Ok(authority.host().to_owned()),
        _ => Err(Failure::Address),
    }
}

fn name_us(headers: &mut HeaderMap) {
    const NAME: HeaderValue =
        HeaderValue::from_static(concat!("tehprof/", env!("CARGO_PKG_VERSION")));
    headers.entry(header::USER_AGENT).or_insert(NAME);
}

/// What an error of the client means, read from the innermost cause that says something.
fn failure(host: &str, error: &(dyn std::error::Error + 'static)) -> Failure {
    let mut words = error.to_string();
    let mut cause = Some(error);
    while let Some(at) = cause {
        let inner = at.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if inner.is_some_and(|inner| inner.is::<OutOfReach>()) {
            return Failure::Forbidden(host.to_owned());
        }
        if let Some(tls) = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            words = tls.to_string();
        } else {
            words = at.to_string();
        }
        cause = at.source();
    }
    Failure::Unreachable(host.to_owned(), words)
}

fn pool(reach: Reach, tls: ClientConfig) -> Pool {
    let mut connector = HttpConnector::new_with_resolver(Vetting(reach));
    connector.enforce_http(false);
    connector.set_connect_timeout(Some(LONGEST_CONNECT));
    connector.set_nodelay(true);
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_http1()
        .wrap_connector(connector);
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(MOST_IDLE)
        .build(connector)
}

/// No address of a name may be connected to.
#[derive(Debug, Error)]
#[error("no address that may be connected to")]
struct OutOfReach;

/// The addresses of a name that `reach` allows.
async fn resolve(name: &str, reach: Reach) -> io::Result<Vec<SocketAddr>> {
    let found = tokio::net::lookup_host((name, 0)).await?;
    let allowed: Vec<_> = found.filter(|a| reach.allows(a.ip())).collect();
    if allowed.is_empty() {
        return Err(io::Error::other(OutOfReach));
    }
    Ok(allowed)
}

/// Resolves a name to addresses that may be connected to. The client connects to these and asks nobody again.
#[derive(Clone, Copy)]
struct Vetting(Reach);

impl Service<Name> for Vetting {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let reach = self.0;
        Box::pin(async move { Ok(resolve(name.as_str(), reach).await?.into_iter()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
        sync::mpsc,
    };
    use tokio_rustls::{
        TlsAcceptor,
        rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    };

    const BOUNDS: Bounds = Bounds {
        reach: Reach::Anywhere,
        longest: Duration::from_secs(5),
        most: 1_000,
    };

    /// A peer that answers each connection with `answer` and tells what it was sent.
    async fn peer(answer: &'static [u8]) -> (SocketAddr, mpsc::UnboundedReceiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, told) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, answer, tell.clone()));
            }
        });
        (address, told)
    }

    async fn serve<S: AsyncReadExt + AsyncWriteExt + Unpin>(
        mut stream: S,
        answer: &'static [u8],
        tell: mpsc::UnboundedSender<String>,
    ) {
        let mut heard = vec![0; 4096];
        let read = stream.read(&mut heard).await.unwrap_or(0);
        let _ = tell.send(String::from_utf8_lossy(&heard[..read]).into_owned());
        let _ = stream.write_all(answer).await;
        // Whoever asked hangs up; until then nothing more comes.
        let _ = stream.read(&mut heard).await;
    }

    fn post(url: &str) -> Request<Bytes> {
        Request::post(url)
            .header("content-type", "application/json")
            .body(Bytes::from_static(b"{\"a\":1}"))
            .unwrap()
    }

    #[tokio::test]
    async fn a_call_brings_status_headers_and_body() {
        let (address, mut told) =
            peer(b"HTTP/1.1 422 No\r\nx-why: because\r\ncontent-length: 2\r\n\r\nno").await;
        let http = OutboundHttp::new().unwrap();
        let answer = http
            .send(post(&format!("http://{address}/hook?x=1")), BOUNDS)
            .await
            .unwrap();
        assert_eq!(answer.status(), 422);
        assert_eq!(answer.headers()["x-why"], "because");
        assert_eq!(&answer.body()[..], b"no");
        let heard = told.recv().await.unwrap();
        assert!(heard.starts_with("POST /hook?x=1 HTTP/1.1\r\n"), "{heard}");
        assert!(heard.contains("user-agent: tehprof/"), "{heard}");
        assert!(heard.ends_with("{\"a\":1}"), "{heard}");
    }

    #[tokio::test]
    async fn a_private_address_is_not_connected_to_however_it_is_written() {
        let (address, mut told) = peer(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        let port = address.port();
        let http = OutboundHttp::new().unwrap();
        let bounds = Bounds {
            reach: Reach::PublicOnly,
            ..BOUNDS
        };
        for host in [
            "127.0.0.1",
            "localhost",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "2130706433",
            "0x7f000001",
            "127.1",
            "0.0.0.0",
            "127.0.1",
            "127.255.255.254",
            "0",
            "0x0",
            "017700000001",
            "0177.0.0.1",
            "0177.0.0.01",
            "0x7f.0.0.1",
            "0x7f.0x0.0x0.0x1",
            "0x7F000001",
            "127.0.0.1.",
            "127.000.000.001",
            "127.0.0.0x1",
            "LOCALHOST",
            "localhost.",
            "LocalHost.",
            "[::]",
            "[0:0:0:0:0:0:0:1]",
            "[0000:0000:0000:0000:0000:0000:0000:0001]",
            "[::ffff:7f00:1]",
            "[::ffff:0:127.0.0.1]",
            "[::FFFF:127.0.0.1]",
            "[0:0:0:0:0:ffff:127.0.0.1]",
            "[::127.0.0.1]",
            "[::7f00:1]",
            "[64:ff9b::127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
            "[2001:0:7f00:1::]",
            "[fe80::1]",
            "[fc00::1]",
            "[fd12:3456:789a::1]",
            "[fec0::1]",
            "[ff02::1]",
            "10.0.0.1",
            "10.1",
            "0xa000001",
            "167772161",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "3232235777",
            "169.254.169.254",
            "0xa9fea9fe",
            "2852039166",
            "0251.0376.0251.0376",
            "100.64.0.1",
            "192.0.0.192",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "240.0.0.1",
        ] {
            let url = format!("http://{host}:{port}/");
            // A way of writing that no resolver knows is no address at all, which is as good.
            let sent = http.send(post(&url), bounds).await.err();
            let vetted = vet(&url, Reach::PublicOnly).await.err();
            let is_plain = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
            for refused in [sent, vetted] {
                let refused = refused.unwrap_or_else(|| panic!("{host} is let through"));
                let known = match refused {
                    Failure::Forbidden(_) => true,
                    Failure::Address | Failure::Unreachable(..) => !is_plain,
                    _ => false,
                };
                assert!(known, "{host}: {refused}");
            }
        }
        assert!(told.try_recv().is_err());
        assert!(
            vet(&format!("http://{address}/"), Reach::Anywhere)
                .await
                .is_ok()
        );
    }

    #[tokio::test]
    async fn only_http_with_a_host_and_without_a_password_is_called() {
        let http = OutboundHttp::new().unwrap();
        for url in ["ftp://a.example/", "/path", "http://user:secret@a.example/"] {
            let failed = http.send(post(url), BOUNDS).await.unwrap_err();
            assert!(matches!(failed, Failure::Address), "{url}: {failed}");
        }
    }

    #[tokio::test]
    async fn a_redirect_is_an_answer_like_any_other() {
        let (elsewhere, mut visited) = peer(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        let location = format!(
            "HTTP/1.1 302 Found\r\nlocation: http://{elsewhere}/\r\ncontent-length: 0\r\n\r\n"
        );
        let (address, _told) = peer(location.leak().as_bytes()).await;
        let http = OutboundHttp::new().unwrap();
        let answer = http
            .send(post(&format!("http://{address}/")), BOUNDS)
            .await
            .unwrap();
        assert_eq!(answer.status(), 302);
        assert!(visited.try_recv().is_err());
    }

    #[tokio::test]
    async fn an_answer_that_is_too_large_or_too_slow_is_given_up() {
        let http = OutboundHttp::new().unwrap();
        let unannounced = format!(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3e9\r\n{}\r\n",
            "a".repeat(1_001)
        );
        for answer in [
            &b"HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n"[..],
            unannounced.leak().as_bytes(),
        ] {
            let (large, _told) = peer(answer).await;
            let failed = http.send(post(&format!("http://{large}/")), BOUNDS).await;
            assert!(
                matches!(failed, Err(Failure::TooLarge(_, 1_000, StatusCode::OK))),
                "{failed:?}"
            );
        }
        let (slow, _told) = peer(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab").await;
        let bounds = Bounds {
            longest: Duration::from_millis(300),
            ..BOUNDS
        };
        let failed = http.send(post(&format!("http://{slow}/")), bounds).await;
        assert!(matches!(failed, Err(Failure::TimedOut(..))), "{failed:?}");
    }

    #[tokio::test]
    async fn nobody_at_the_door_is_told_in_words_without_the_path() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let http = OutboundHttp::new().unwrap();
        let failed = http
            .send(post(&format!("http://{address}/bot-secret")), BOUNDS)
            .await
            .unwrap_err()
            .to_string();
        assert!(
            failed.starts_with("127.0.0.1 cannot be reached: "),
            "{failed}"
        );
        assert!(!failed.contains("secret"), "{failed}");
    }

    #[tokio::test]
    async fn https_is_spoken_and_an_unknown_certificate_refused() {
        let certificate = CertificateDer::from_pem_slice(include_bytes!(
            "channel/smtp_in/testdata/localhost.crt"
        ))
        .unwrap();
        let key =
            PrivateKeyDer::from_pem_slice(include_bytes!("channel/smtp_in/testdata/localhost.key"))
                .unwrap();
        let server = rustls::ServerConfig::builder_with_provider(ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(server));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (tell, _told) = mpsc::unbounded_channel();
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                let tell = tell.clone();
                tokio::spawn(async move {
                    let stream: TcpStream = stream;
                    if let Ok(stream) = acceptor.accept(stream).await {
                        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
                        serve(stream, answer, tell).await;
                    }
                });
            }
        });
        let url = format!("https://localhost:{port}/");
        let failed = OutboundHttp::new()
            .unwrap()
            .send(post(&url), BOUNDS)
            .await
            .unwrap_err()
            .to_string();
        assert!(failed.contains("certificate"), "{failed}");

        let mut roots = RootCertStore::empty();
        roots.add(certificate).unwrap();
        let tls = ClientConfig::builder_with_provider(ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let answer = OutboundHttp::with(&tls).send(post(&url), BOUNDS).await;
        assert_eq!(&answer.unwrap().body()[..], b"ok");
    }
}
