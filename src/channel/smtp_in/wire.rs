//! Lines and mail data off the wire. Data ends at `CRLF . CRLF` and at nothing else, whatever a sender hopes that two servers
//! might read differently.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Longest command line.
const LONGEST_COMMAND: usize = 4096;
/// Longest line of data.
const LONGEST_LINE: usize = 1024 * 1024;
/// Mails up to this size are received without asking for room.
pub(super) const SMALL: usize = 256 * 1024;

/// Anything that SMTP can be spoken over.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// A stream with what has been read of it and not yet used.
pub(super) struct Wire {
    stream: Box<dyn Stream>,
    buffer: Vec<u8>,
    used: usize,
}

/// A command line, or why there is none.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    Whole(Vec<u8>),
    TooLong,
    /// It ended in a newline alone.
    BareNewline,
    Closed,
}

/// Mail data, or why there is none; in the last case but one all of it has been read off the wire.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Data {
    Whole(Vec<u8>),
    TooLarge,
    LineTooLong,
    Closed,
}

impl Wire {
    pub(super) fn new(stream: impl Stream + 'static) -> Self {
        Self {
            stream: Box::new(stream),
            buffer: Vec::new(),
            used: 0,
        }
    }

    /// The stream itself, if nothing read is waiting: what was sent before encryption must not be taken as sent under it.
    pub(super) fn into_clean_stream(self) -> Option<Box<dyn Stream>> {
        (self.used == self.buffer.len()).then_some(self.stream)
    }

    /// Whether more commands have already arrived, so that the replies can wait for each other.
    pub(super) fn has_more(&self) -> bool {
        self.buffer[self.used..].contains(&b'\n')
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    pub(super) async fn close(&mut self) {
        // The peer may be gone already, which is what we want.
        let _ = self.stream.shutdown().await;
    }

    /// Reads more into the buffer; false at the end of the stream.
    async fn fill(&mut self) -> bool {
        if self.used == self.buffer.len() {
            self.buffer.clear();
            self.used = 0;
        }
        if self.buffer.capacity() - self.buffer.len() < 4096 {
            self.buffer.drain(..self.used);
            self.used = 0;
            self.buffer.reserve(16 * 1024);
        }
        matches!(self.stream.read_buf(&mut self.buffer).await, Ok(read) if read > 0)
    }

    /// Reads a command line. A line that is too long is read to its end first.
    pub(super) async fn line(&mut self) -> Line {
        let mut line: Vec<u8> = Vec::new();
        let mut too_long = false;
        loop {
            let waiting = &self.buffer[self.used..];
            let newline = waiting.iter().position(|byte| *byte == b'\n');
            let taken = newline.map_or(waiting.len(), |at| at + 1);
            if line.len() + taken > LONGEST_COMMAND {
                too_long = true;
                line.clear();
            } else {
                line.extend_from_slice(&waiting[..taken]);
            }
            self.used += taken;
            if newline.is_some() {
                if too_long {
                    return Line::TooLong;
                }
                return match line.strip_suffix(b"\r\n") {
                    Some(line) => Line::Whole(line.to_vec()),
                    None => Line::BareNewline,
                };
            }
            if !self.fill().await {
                return Line::Closed;
            }
        }
    }

    /// Reads mail data to its end, undoing the stuffing of dots. `room` is awaited once the mail is no longer [`SMALL`].
    pub(super) async fn data<P>(
        &mut self,
        most: usize,
        room: impl Future<Output = Option<P>>,
    ) -> Data {
        let mut reading = Reading::new(most);
        let mut room = Some(room);
        let mut _permit = None;
        loop {
            let ended = reading.feed(&self.buffer[self.used..]);
            self.used = match ended {
                Some(used) => self.used + used,
                None => self.buffer.len(),
            };
            if ended.is_some() {
                return reading.finish();
            }
            if reading.mail.len() > SMALL
                && let Some(room) = room.take()
            {
                _permit = room.await;
            }
            if !self.fill().await {
                return Data::Closed;
            }
        }
    }
}

/// Where in a line the reader is.
#[derive(Clone, Copy)]
enum At {
    Start,
    /// After the dot that opens a line; it is not part of the mail.
    Dot,
    /// After a carriage return behind such a dot.
    DotReturn,
    Middle,
    Return,
    /// After a newline alone. It ends no line here, but clients that write it stuff their dots after it.
    Newline,
    NewlineDot,
}

struct Reading {
    mail: Vec<u8>,
    at: At,
    most: usize,
    size: usize,
    line: usize,
    line_too_long: bool,
}

impl Reading {
    fn new(most: usize) -> Self {
        Self {
            mail: Vec::new(),
            at: At::Start,
            most,
            size: 0,
            line: 0,
            line_too_long: false,
        }
    }

    /// Takes bytes; says how many belonged to the mail when they end it.
    fn feed(&mut self, bytes: &[u8]) -> Option<usize> {
        for (place, byte) in bytes.iter().enumerate() {
            self.at = match (self.at, byte) {
                (At::Start, b'.') => At::Dot,
                (At::Dot, b'\r') => At::DotReturn,
                (At::DotReturn, b'\n') => return Some(place + 1),
                (At::DotReturn, byte) => {
                    self.keep(b'\r');
                    self.after_return(*byte)
                }
                (At::Return, byte) => self.after_return(*byte),
                (At::Newline, b'.') => At::NewlineDot,
                (At::NewlineDot, b'.') => self.inside(b'.'),
                (At::NewlineDot, byte) => {
                    self.keep(b'.');
                    self.inside(*byte)
                }
                (At::Start | At::Dot | At::Middle | At::Newline, byte) => self.inside(*byte),
            };
        }
        None
    }

    fn inside(&mut self, byte: u8) -> At {
        self.keep(byte);
        match byte {
            b'\r' => At::Return,
            b'\n' => At::Newline,
            _ => At::Middle,
        }
    }

    fn after_return(&mut self, byte: u8) -> At {
        self.keep(byte);
        match byte {
            b'\n' => {
                self.line = 0;
                At::Start
            }
            b'\r' => At::Return,
            _ => At::Middle,
        }
    }

    fn keep(&mut self, byte: u8) {
        self.size += 1;
        self.line += 1;
        self.line_too_long |= self.line > LONGEST_LINE;
        if self.size > self.most {
            // Refused anyway; what was kept gives its memory back.
            self.mail = Vec::new();
        } else {
            self.mail.push(byte);
        }
    }

    fn finish(self) -> Data {
        if self.size > self.most {
            Data::TooLarge
        } else if self.line_too_long {
            Data::LineTooLong
        } else {
            Data::Whole(self.mail)
        }
    }
}

#[cfg(feature = "fuzzing")]
/// However data is cut, the same mail ends at the same byte.
pub(super) fn strange(bytes: &[u8]) {
    let mut whole = Reading::new(1 << 20);
    let end = whole.feed(bytes);
    let (first, second) = bytes.split_at(bytes.len() / 2);
    let mut halves = Reading::new(1 << 20);
    let cut = match halves.feed(first) {
        None => halves.feed(second).map(|end| end + first.len()),
        found => found,
    };
    assert_eq!((end, whole.mail), (cut, halves.mail));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn data(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
        let mut reading = Reading::new(1000);
        reading.feed(bytes).map(|used| (reading.mail, used))
    }

    #[test]
    fn data_ends_at_a_dot_between_two_line_ends_only() {
        assert_eq!(data(b"a\r\n.\r\nQUIT\r\n"), Some((b"a\r\n".to_vec(), 6)));
        assert_eq!(data(b".\r\n"), Some((vec![], 3)));
        for open in [
            &b"a\n.\nMAIL"[..],
            b"a\n.\r\nMAIL",
            b"a\r\n.\nMAIL",
            b"a\r.\rMAIL",
            b"a\r\n.\rMAIL",
            b"a\r.\r\nMAIL",
            b"a\r\n.\r\r\nMAIL",
            b"a\r\n..\r\n",
            b"a.\r\n",
        ] {
            assert_eq!(data(open), None, "{:?}", String::from_utf8_lossy(open));
        }
    }

    #[test]
    fn stuffed_dots_are_undone_once() {
        assert_eq!(
            data(b"..\r\n...a\r\nb..\r\n.\r\n"),
            Some((b".\r\n..a\r\nb..\r\n".to_vec(), 18))
        );
    }

    #[test]
    fn dots_that_were_stuffed_after_bare_newlines_are_undone_too() {
        assert_eq!(
            data(b"a\n..\n...b\n.c\n.\r\n\r\n.\r\n").map(|(mail, _)| mail),
            Some(b"a\n.\n..b\n.c\n.\r\n\r\n".to_vec())
        );
    }

    #[test]
    fn what_is_too_large_is_read_off_and_refused() {
        let mut reading = Reading::new(3);
        assert!(reading.feed(b"abcdef\r\n.\r\n").is_some());
        assert_eq!(reading.finish(), Data::TooLarge);
    }

    proptest! {
        #[test]
        fn however_it_is_cut_the_data_is_the_same(mail in "[.\r\na]{0,40}", cut in 0..40usize) {
            let bytes = mail.as_bytes();
            let bare = |at: usize| bytes[at] == b'\n' && (at == 0 || bytes[at - 1] != b'\r');
            prop_assume!(!(0..bytes.len()).any(|at| bare(at) && bytes[at + 1..].starts_with(b"..")));
            let mut stuffed = String::new();
            for (at, line) in mail.split("\r\n").enumerate() {
                if at > 0 {
                    stuffed.push_str("\r\n");
                }
                if line.starts_with('.') {
                    stuffed.push('.');
                }
                stuffed.push_str(line);
            }
            let stuffed = format!("{stuffed}\r\n.\r\n");
            let cut = cut.min(stuffed.len());
            let mut reading = Reading::new(1000);
            let first = reading.feed(&stuffed.as_bytes()[..cut]);
            let second = if first.is_none() { reading.feed(&stuffed.as_bytes()[cut..]) } else { first };
            prop_assert!(second.is_some());
            prop_assert_eq!(reading.mail, format!("{mail}\r\n").into_bytes());
        }
    }
}
