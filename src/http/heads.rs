//! The guard in front of the HTTP/1 parser: a line of a head, of a chunk's size or of a trailer ends in CRLF. A parser that
//! also takes a bare LF, as ours does, may see the end of a head where a proxy in front of us sees none.
//!
//! The guard reads along without keeping more than the beginning of a line, finds by the same fields as the parser where a
//! body ends, and puts a byte that no head may hold in the place of a bare LF: the parser then answers 400 and closes.
/// How much of a line is looked at: more than the longest field that says where a body ends.
const LOOKED_AT: usize = 256;

/// Where in a request the guard is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Before the first line of a head: empty lines may stand there.
    Before,
    Head,
    /// In a body or chunk of which so many bytes are still to come.
    Bytes(u64, Then),
    Size,
    Trailers,
    /// Something is wrong, or another protocol is spoken from here on: the rest is not for the guard.
    Past,
}

/// What follows some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    Request,
    Chunk,
}

/// Reads along with the parser.
#[derive(Debug)]
pub(super) struct Guard {
    place: Place,
    line: Vec<u8>,
    last: u8,
    /// How many heads have come to their end.
    heads: u32,
    length: Option<u64>,
    is_chunked: bool,
}

impl Guard {
    pub(super) fn new() -> Guard {
        Guard {
            place: Place::Before,
            line: Vec::new(),
            last: 0,
            heads: 0,
            length: None,
            is_chunked: false,
        }
    }

    /// How many requests have arrived, if they have arrived whole and nothing of another has.
    pub(super) fn whole(&self) -> Option<u32> {
        let is_between = self.place == Place::Before && self.line.is_empty() && self.last == 0;
        is_between.then_some(self.heads)
    }

    /// Looks at what has arrived, and spoils it where it must not be understood.
    pub(super) fn read(&mut self, mut bytes: &mut [u8]) {
        while !bytes.is_empty() {
            match self.place {
                Place::Past => return,
                Place::Bytes(left, then) => {
                    let here = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                    bytes = &mut bytes[here..];
                    self.place = match (left - here as u64, then) {
                        (0, Then::Request) => Place::Before,
                        (0, Then::Chunk) => Place::Size,
                        (left, then) => Place::Bytes(left, then),
                    };
                }
                Place::Before | Place::Head | Place::Size | Place::Trailers => {
                    let Some((byte, rest)) = bytes.split_first_mut() else {
                        return;
                    };
                    bytes = rest;
                    if *byte != b'\n' {
                        if self.line.len() < LOOKED_AT {
                            self.line.push(*byte);
                        }
                        self.last = *byte;
                        continue;
                    }
                    if self.last != b'\r' {
                        *byte = 0;
                        self.place = Place::Past;
                        return;
                    }
                    self.last = 0;
                    let mut line = std::mem::take(&mut self.line);
                    line.pop_if(|byte| *byte == b'\r');
                    self.place = self.after(&line);
                    line.clear();
                    self.line = line;
                }
            }
        }
    }

    /// What follows a line that has ended as it should.
    fn after(&mut self, line: &[u8]) -> Place {
        match self.place {
            Place::Before if line.is_empty() => Place::Before,
            Place::Before => Place::Head,
            Place::Head if line.is_empty() => {
                self.heads = self.heads.wrapping_add(1);
                let (length, is_chunked) = (self.length.take(), self.is_chunked);
                self.is_chunked = false;
                match length {
                    _ if is_chunked => Place::Size,
                    Some(length @ 1..) => Place::Bytes(length, Then::Request),
                    _ => Place::Before,
                }
            }
            Place::Head => {
                self.field(line);
                Place::Head
            }
            // What follows a chunk is the end of its line, which is empty.
            Place::Size if line.is_empty() => Place::Size,
            Place::Size => match size(line) {
                Some(0) => Place::Trailers,
                Some(size) => Place::Bytes(size, Then::Chunk),
                None => Place::Past,
            },
            Place::Trailers if line.is_empty() => Place::Before,
            place => place,
        }
    }

    fn field(&mut self, line: &[u8]) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            return;
        };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"content-length") {
            let value = std::str::from_utf8(value).ok();
            self.length = value.and_then(|value| value.parse().ok());
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            let coding = value
                .rsplit(|byte| *byte == b',')
                .next()
                .unwrap_or_default();
            self.is_chunked = coding.trim_ascii().eq_ignore_ascii_case(b"chunked");
        }
    }
}

/// The size of a chunk, before whatever may follow it.
fn size(line: &[u8]) -> Option<u64> {
    let digits = line
        .split(|byte| matches!(byte, b';' | b' ' | b'\t'))
        .next()?;
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(feature = "fuzzing")]
/// How bytes arrive makes no difference to what the parser behind the guard gets to see.
pub(super) fn strange(bytes: &[u8]) {
    let seen = |most: usize| {
        let (mut guard, mut seen) = (Guard::new(), bytes.to_vec());
        for piece in seen.chunks_mut(most) {
            guard.read(piece);
        }
        seen
    };
    let whole = seen(bytes.len().max(1));
    assert_eq!(seen(1), whole);
    assert_eq!(seen(7), whole);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What the parser gets to see of bytes that arrive in pieces.
    fn seen(bytes: &[u8], pieces: usize) -> Vec<u8> {
        let mut guard = Guard::new();
        let mut seen = bytes.to_vec();
        for piece in seen.chunks_mut(pieces.max(1)) {
            guard.read(piece);
        }
        seen
    }

    #[test]
    fn a_line_that_ends_in_a_bare_lf_is_spoilt() {
        for bad in [
            &b"GET / HTTP/1.1\nHost: a\n\n"[..],
            b"GET / HTTP/1.1\r\nHost: a\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\n\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na\nGET /second HTTP/1.1\r\nHost: a\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nA: b\n\r\n",
        ] {
            let seen = seen(bad, 3);
            let differs: Vec<usize> = (0..bad.len()).filter(|at| seen[*at] != bad[*at]).collect();
            assert_eq!(differs.len(), 1, "{:?}", String::from_utf8_lossy(bad));
            assert_eq!((bad[differs[0]], seen[differs[0]]), (b'\n', 0));
        }
    }

    #[test]
    fn bodies_may_hold_what_they_like() {
        for good in [
            &b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"[..],
            b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\n\n\n\n\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n3;ext=1\r\n\n\n\n\r\n0\r\nA: b\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        ] {
            for pieces in [1, 7, 1000] {
                assert_eq!(seen(good, pieces), good);
            }
        }
    }

    #[test]
    fn what_has_arrived_whole_is_counted() {
        let mut guard = Guard::new();
        let mut whole = |text: &str| {
            guard.read(&mut text.as_bytes().to_vec());
            guard.whole()
        };
        assert_eq!(whole(""), Some(0));
        assert_eq!(whole("GET / HTTP/1.1\r\nHost: a\r\n"), None);
        assert_eq!(whole("\r\n"), Some(1));
        assert_eq!(whole("P"), None);
        assert_eq!(whole("OST / HTTP/1.1\r\nContent-Length: 2\r\n\r\na"), None);
        assert_eq!(whole("b"), Some(2));
        assert_eq!(whole("\r"), None);
        assert_eq!(
            whole("\nGET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n"),
            Some(4)
        );
    }

    proptest! {
        #[test]
        fn how_bytes_arrive_makes_no_difference(text in "(POST|GET|Content-Length: [0-9]{1,2}|Transfer-Encoding: chunked|[0-9a-f]|x|\r\n|\n|\r\n\r\n){0,40}", pieces in 1_usize..9) {
            let bytes = text.as_bytes();
            prop_assert_eq!(seen(bytes, pieces), seen(bytes, usize::MAX));
        }
    }
}
