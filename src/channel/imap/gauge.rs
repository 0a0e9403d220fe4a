//! Keeps a server from filling our memory: the client gathers an answer whole before it hands it on, so what an answer may
//! cost is decided here, before the client hears of it.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, BufWriter, ReadBuf};

/// The longest line, the contents of literals left out.
const LONGEST_LINE: usize = 1 << 20;
/// As much of a line's beginning as tells what it is.
const HEAD: usize = 10;

/// What the client reads from and writes to.
pub(super) trait Wire: AsyncRead + AsyncWrite + fmt::Debug + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + fmt::Debug + Send + Unpin> Wire for T {}

/// A connection whose answers are measured as they come.
#[derive(Debug)]
pub(super) struct Gauge {
    /// The client says a command in pieces, which are to travel together.
    wire: BufWriter<Box<dyn Wire>>,
    meter: Meter,
}

impl Gauge {
    /// Measures a connection on which no literal may be larger than `largest`.
    pub(super) fn new(wire: impl Wire + 'static, largest: u64) -> Gauge {
        Gauge {
            wire: BufWriter::new(Box::new(wire)),
            meter: Meter::new(largest),
        }
    }

    /// The bare connection.
    pub(super) fn into_inner(self) -> Box<dyn Wire> {
        self.wire.into_inner()
    }
}

impl AsyncRead for Gauge {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.wire).poll_read(cx, buf))?;
        Poll::Ready(this.meter.see(&buf.filled()[before..]))
    }
}

impl AsyncWrite for Gauge {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().wire).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().wire).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().wire).poll_shutdown(cx)
    }
}

/// How far the end of a line looks like the head of a literal, `{42}`.
#[derive(Clone, Copy, Debug)]
enum Brace {
    None,
    Open(u64),
    Shut(u64),
}

/// Follows the lines and literals of a server's answers.
#[derive(Debug)]
struct Meter {
    largest: u64,
    /// How much of a literal is still to come.
    literal: u64,
    line: usize,
    head: Vec<u8>,
    brace: Brace,
}

impl Meter {
    fn new(largest: u64) -> Meter {
        Meter {
            largest,
            literal: 0,
            line: 0,
            head: Vec::with_capacity(HEAD),
            brace: Brace::None,
        }
    }

    fn see(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let inside = usize::try_from(self.literal)
                .unwrap_or(usize::MAX)
                .min(bytes.len());
            self.literal -= inside as u64;
            bytes = &bytes[inside..];
            let Some((byte, rest)) = bytes.split_first() else {
                break;
            };
            bytes = rest;
            self.step(*byte)?;
        }
        Ok(())
    }

    /// One byte of a line.
    fn step(&mut self, byte: u8) -> io::Result<()> {
        self.line += 1;
        if self.line > LONGEST_LINE {
            return Err(too_large());
        }
        if self.head.len() < HEAD {
            self.head.push(byte);
        }
        self.brace = match (self.brace, byte) {
            (_, b'{') => Brace::Open(0),
            (Brace::Open(n), b'0'..=b'9') => {
                Brace::Open(n.saturating_mul(10).saturating_add(u64::from(byte - b'0')))
            }
            (Brace::Open(n), b'}') => Brace::Shut(n),
            (Brace::Shut(n), b'\r') => Brace::Shut(n),
            (Brace::Shut(n), b'\n') => return self.literal_begins(n),
            (_, b'\n') => {
                self.line = 0;
                self.head.clear();
                Brace::None
            }
            _ => Brace::None,
        };
        Ok(())
    }

    /// A line that only tells something holds no literal, whatever its words look like; still none may announce one that is
    /// too large, for there are codes in which the client would believe it.
    fn literal_begins(&mut self, size: u64) -> io::Result<()> {
        self.brace = Brace::None;
        if size > self.largest {
            return Err(too_large());
        }
        if self.only_tells() {
            self.line = 0;
            self.head.clear();
        } else {
            self.literal = size;
        }
        Ok(())
    }

    fn only_tells(&self) -> bool {
        let Some(rest) = self.head.strip_prefix(b"* ") else {
            return true;
        };
        ["OK", "NO", "BAD", "BYE", "PREAUTH"].iter().any(|word| {
            rest.get(..word.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
        })
    }
}

fn too_large() -> io::Error {
    io::Error::new(
        io::ErrorKind::FileTooLarge,
        "the answer is larger than was asked for",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(answer: &[u8], portion: usize) -> bool {
        let mut meter = Meter::new(1000);
        answer.chunks(portion).all(|part| meter.see(part).is_ok())
    }

    #[test]
    fn a_literal_is_measured_before_it_is_gathered() {
        for portion in [1, 7, 4096] {
            assert!(seen(
                b"* 1 FETCH (BODY[] {5}\r\nab{9}\r\n)\r\nA1 OK\r\n",
                portion
            ));
            assert!(!seen(b"* 1 FETCH (BODY[] {1001}\r\n", portion));
            assert!(!seen(
                b"* 1 FETCH (BODY[] {99999999999999999999999}\r\n",
                portion
            ));
            // The contents of a literal announce nothing, whatever they look like.
            assert!(seen(
                b"* 1 FETCH (BODY[] {12}\r\n{99999999}\r\n)\r\n",
                portion
            ));
            assert!(!seen(
                b"* 1 FETCH (BODY[] {1}\r\nx BODY[] {99999}\r\n",
                portion
            ));
        }
    }

    #[test]
    fn words_are_no_way_to_hide_a_literal() {
        assert!(!seen(
            b"* OK look {900}\r\n* 1 FETCH (BODY[] {5000}\r\n",
            4096
        ));
        assert!(!seen(b"* OK [BADCHARSET ({5000}\r\n", 4096));
    }

    #[test]
    fn a_line_without_end_is_given_up() {
        assert!(seen(&vec![b'x'; LONGEST_LINE], 4096));
        assert!(!seen(&vec![b'x'; LONGEST_LINE + 1], 4096));
        let many = b"* 1 EXISTS\r\n".repeat(200_000);
        assert!(seen(&many, 4096));
    }
}
