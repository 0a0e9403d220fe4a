//! The load: connections that are kept, each of which sends its next request when it has its answer.
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, StatusCode,
    client::conn::http1::{self, SendRequest},
    header,
};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{net::TcpStream, task::JoinSet};

/// What a request says: the path and the JSON of the n-th.
pub(super) type Ask = Arc<dyn Fn(u64) -> (&'static str, String) + Send + Sync>;

/// What came of a load.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Load {
    pub(super) connections: usize,
    pub(super) per_second: f64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    pub(super) worst_ms: f64,
    /// Answers that were not 200.
    pub(super) refused: u64,
}

impl Load {
    /// Sums up how long each of many calls took, in microseconds.
    pub(super) fn of(
        connections: usize,
        mut took: Vec<u32>,
        refused: u64,
        lasted: Duration,
    ) -> Load {
        took.sort_unstable();
        let at = |part: usize| {
            let place = took.len().saturating_sub(1) * part / 100;
            f64::from(took.get(place).copied().unwrap_or_default()) / 1000.0
        };
        #[expect(clippy::cast_precision_loss, reason = "a rate")]
        let per_second = took.len() as f64 / lasted.as_secs_f64();
        Load {
            connections,
            per_second,
            p50_ms: at(50),
            p99_ms: at(99),
            worst_ms: at(100),
            refused,
        }
    }
}

/// Where requests go and how they prove who sends them.
#[derive(Clone, Debug)]
pub(super) struct Door {
    pub(super) address: SocketAddr,
    pub(super) cookie: String,
}

impl Door {
    async fn connect(&self) -> io::Result<SendRequest<Full<Bytes>>> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        tokio::spawn(connection);
        Ok(sender)
    }

    fn request(&self, (path, body): (&'static str, String)) -> io::Result<Request<Full<Bytes>>> {
        Request::post(path)
            .header(header::HOST, "bench")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::COOKIE, &self.cookie)
            .body(Full::new(Bytes::from(body)))
            .map_err(io::Error::other)
    }

    /// Asks once and answers the status and the body.
    pub(super) async fn ask(
        &self,
        path: &'static str,
        body: &str,
    ) -> io::Result<(StatusCode, Bytes)> {
        let mut sender = self.connect().await?;
        exchange(&mut sender, self.request((path, body.to_owned()))?).await
    }

    /// Loads the server for a while.
    pub(super) async fn load(
        &self,
        connections: usize,
        lasts: Duration,
        ask: &Ask,
    ) -> io::Result<Load> {
        let next = Arc::new(AtomicU64::new(0));
        let began = Instant::now();
        let mut tasks = JoinSet::new();
        for _ in 0..connections {
            let mut sender = self.connect().await?;
            let (door, ask, next) = (self.clone(), Arc::clone(ask), Arc::clone(&next));
            tasks.spawn(async move {
                let (mut took, mut refused) = (Vec::new(), 0);
                while began.elapsed() < lasts {
                    let request = door.request(ask(next.fetch_add(1, Ordering::Relaxed)))?;
                    let sent = Instant::now();
                    let (status, _) = exchange(&mut sender, request).await?;
                    took.push(u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX));
                    refused += u64::from(status != StatusCode::OK);
                }
                Ok::<_, io::Error>((took, refused))
            });
        }
        let (mut took, mut refused) = (Vec::new(), 0);
        while let Some(done) = tasks.join_next().await {
            let (more, bad) = done.map_err(io::Error::other)??;
            took.extend(more);
            refused += bad;
        }
        Ok(Load::of(connections, took, refused, began.elapsed()))
    }
}

async fn exchange(
    sender: &mut SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> io::Result<(StatusCode, Bytes)> {
    sender.ready().await.map_err(io::Error::other)?;
    let answer = sender
        .send_request(request)
        .await
        .map_err(io::Error::other)?;
    let status = answer.status();
    let body = answer
        .into_body()
        .collect()
        .await
        .map_err(io::Error::other)?;
    Ok((status, body.to_bytes()))
}
