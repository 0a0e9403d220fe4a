//! HTTP/1 connections between their requests. What a connection needs to read and write one, some 20 kB, is given back once
//! it has been quiet for a moment; kept is the stream alone, until the next request begins to arrive.
use super::{HEAD_SIZE, HEAD_TIME, Visitor, answer::Answer, heads::Guard, stopping};
use hyper::{
    Request, StatusCode, Version,
    body::Incoming,
    header::{CONNECTION, HeaderMap},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    convert::Infallible,
    io,
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    sync::watch,
    time::{Instant, sleep, timeout},
};

/// How long a connection has been quiet when it is looked at whether it rests.
const QUIET: Duration = Duration::from_millis(250);
/// How long the next request may take to begin.
const KEPT: Duration = Duration::from_secs(75);
/// How long a request that was answered before all of it had arrived is read on.
const LINGERS: Duration = Duration::from_secs(30);
/// How long nothing more of it may arrive.
const LINGERS_IDLE: Duration = Duration::from_secs(5);

/// Serves HTTP/1 over any stream until either side ends it or the server is to stop.
pub(super) async fn serve<S>(
    mut stream: S,
    visitor: Visitor,
    mut stop: watch::Receiver<bool>,
) -> hyper::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut first = None;
    loop {
        let line = Arc::new(Line::new(stream, first));
        // In a place of its own, so that a connection at rest does without it.
        let ended = Box::pin(exchange(&line, &visitor, &mut stop)).await;
        // A socket that has gone over to another protocol is held elsewhere.
        let Some(line) = Arc::into_inner(line) else {
            return ended;
        };
        stream = match line.left(&ended) {
            Left::Rested(stream) => stream,
            Left::Unread(mut stream) => {
                linger(&mut stream, &mut stop).await;
                return ended;
            }
            Left::Nothing => return ended,
        };
        first = next(&mut stream, &mut stop).await;
        if first.is_none() {
            return Ok(());
        }
    }
}

/// The first byte of the next request, if there is one.
async fn next<S: AsyncRead + Unpin>(
    stream: &mut S,
    stop: &mut watch::Receiver<bool>,
) -> Option<u8> {
    let mut byte = [0];
    tokio::select! {
        read = timeout(KEPT, stream.read(&mut byte)) => match read {
            Ok(Ok(1)) => Some(byte[0]),
            _ => None,
        },
        () = stopping(stop) => None,
    }
}

/// Reads over what still arrives of a request that was answered early, as one that is too large is. A stream that is closed with
/// bytes unread is reset, and the reset may overtake the answer (RFC 9112, section 9.6).
async fn linger<S>(stream: &mut S, stop: &mut watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let reading = async {
        let mut bytes = vec![0; 16 << 10];
        // The other side sees the end of the answer and has no reason to wait for more.
        if stream.shutdown().await.is_err() {
            return;
        }
        while let Ok(Ok(1..)) = timeout(LINGERS_IDLE, stream.read(&mut bytes)).await {}
    };
    tokio::select! {
        _ = timeout(LINGERS, reading) => {}
        () = stopping(stop) => {}
    }
}

/// Answers requests until the connection ends or rests.
async fn exchange<S>(
    line: &Arc<Line<S>>,
    visitor: &Visitor,
    stop: &mut watch::Receiver<bool>,
) -> hyper::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(|request: Request<Incoming>| {
        let (visitor, line) = (visitor.clone(), Arc::clone(line));
        line.state().asked(&request);
        async move {
            let answer = visitor.answer(request).await?;
            line.state().answered(&answer);
            Ok::<_, Infallible>(answer)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_SIZE)
        .serve_connection(TokioIo::new(Guarded(Arc::clone(line))), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let mut quiet = pin!(sleep(QUIET));
    loop {
        tokio::select! {
            ended = connection.as_mut() => return ended,
            () = stopping(stop) => break,
            () = quiet.as_mut() => {
                if line.state().rest() {
                    break;
                }
                quiet.as_mut().reset(Instant::now() + QUIET);
            }
        }
    }
    connection.as_mut().graceful_shutdown();
    connection.await
}

/// A stream that outlives what parses its requests.
#[derive(Debug)]
struct Line<S> {
    stream: Mutex<S>,
    state: Mutex<State>,
}

/// What is known of the requests that a stream has brought.
#[derive(Debug)]
struct State {
    guard: Guard,
    /// A byte that was read before.
    first: Option<u8>,
    asked: u32,
    answered: u32,
    /// Whether the last request and its answer leave the connection open.
    stays: bool,
    /// Whether the connection has gone over to another protocol.
    is_upgraded: bool,
    /// Whether the parser is only put away, and the stream is to stay open.
    rests: bool,
}

impl<S> Line<S> {
    fn new(stream: S, first: Option<u8>) -> Line<S> {
        Line {
            stream: Mutex::new(stream),
            state: Mutex::new(State {
                guard: Guard::new(),
                first,
                asked: 0,
                answered: 0,
                stays: false,
                is_upgraded: false,
                rests: false,
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stream(&self) -> MutexGuard<'_, S> {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What there is to do with the stream once the parser has `ended`.
    fn left(self, ended: &hyper::Result<()>) -> Left<S> {
        let mut state = self.state();
        let rests = ended.is_ok() && state.rests && state.rest();
        let was_cut = match ended {
            Ok(()) => !state.is_upgraded && state.guard.whole() != Some(state.asked),
            Err(error) => error.is_parse(),
        };
        drop(state);
        let stream = self.stream.into_inner();
        let stream = stream.unwrap_or_else(PoisonError::into_inner);
        match (rests, was_cut) {
            (true, _) => Left::Rested(stream),
            (false, true) => Left::Unread(stream),
            (false, false) => Left::Nothing,
        }
    }
}

/// What a parser leaves of a connection.
enum Left<S> {
    /// A stream that is to stay open, of which nothing has arrived that would be gone with the parser.
    Rested(S),
    /// A stream of which the parser has not read all that was being sent.
    Unread(S),
    Nothing,
}

/// Whether a message closes its connection (RFC 9112, section 9.3).
fn closes(headers: &HeaderMap) -> bool {
    let mut options = headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    options.any(|option| option.trim_ascii().eq_ignore_ascii_case(b"close"))
}

impl State {
    fn asked(&mut self, request: &Request<Incoming>) {
        self.asked = self.asked.wrapping_add(1);
        self.stays = request.version() == Version::HTTP_11 && !closes(request.headers());
    }

    fn answered(&mut self, answer: &Answer) {
        self.answered = self.answered.wrapping_add(1);
        self.stays &= !closes(answer.headers());
        self.is_upgraded |= answer.status() == StatusCode::SWITCHING_PROTOCOLS;
    }

    /// Puts the parser away if it holds nothing: each request that has arrived was answered, and nothing of another is there.
    /// What it still writes of an answer it writes to its end.
    fn rest(&mut self) -> bool {
        let whole = self.guard.whole();
        self.rests = whole == Some(self.asked)
            && self.asked == self.answered
            && self.stays
            && !self.is_upgraded;
        self.rests
    }
}

/// The parser's end of a line, with the guard on what is read from it.
#[derive(Debug)]
struct Guarded<S>(Arc<Line<S>>);

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut state = self.0.state();
        let before = buffer.filled().len();
        let first = state.first.take_if(|_| buffer.remaining() > 0);
        if let Some(byte) = first {
            buffer.put_slice(&[byte]);
        }
        let read = Pin::new(&mut *self.0.stream()).poll_read(cx, buffer);
        if first.is_none() {
            ready!(read)?;
        }
        if !state.is_upgraded {
            state.guard.read(&mut buffer.filled_mut()[before..]);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0.stream()).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.stream()).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.0.state().rests {
            return self.poll_flush(cx);
        }
        Pin::new(&mut *self.0.stream()).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.stream().is_write_vectored()
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0.stream()).poll_write_vectored(cx, parts)
    }
}
