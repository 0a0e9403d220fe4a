//! A small HTTP/1.1 client that sends exactly what a test says, broken requests included.
use serde_json::Value;
use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
};

/// What is sent.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn new(method: &str, path: &str) -> Request {
        Request {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    pub(crate) fn get(path: &str) -> Request {
        Request::new("GET", path)
    }

    pub(crate) fn post(path: &str) -> Request {
        Request::new("POST", path)
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Request {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the body and says what it is.
    pub(crate) fn body(mut self, kind: &str, body: impl Into<Vec<u8>>) -> Request {
        self.body = body.into();
        self.header("content-type", kind)
    }

    pub(crate) fn json(self, value: &Value) -> Request {
        self.body("application/json", value.to_string())
    }

    fn head(&self, address: SocketAddr) -> String {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        if !self.headers.iter().any(|(name, _)| name == "host") {
            head.push_str(&format!("host: {address}\r\n"));
        }
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !self
            .headers
            .iter()
            .any(|(name, _)| name == "content-length")
        {
            head.push_str(&format!("content-length: {}\r\n", self.body.len()));
        }
        head + "connection: close\r\n\r\n"
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is UTF-8")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("no JSON: {} {}", self.status, self.text()))
    }

    /// All headers but the one that the clock changes.
    pub(crate) fn headers_but_date(&self) -> Vec<(String, String)> {
        self.headers
            .iter()
            .filter(|(name, _)| name != "date")
            .cloned()
            .collect()
    }

    /// The data of a successful call.
    #[track_caller]
    pub(crate) fn data(&self) -> Value {
        let mut body = self.json();
        assert!(
            self.status == 200 && body["ok"] == true,
            "refused: {} {body}",
            self.status
        );
        body["data"].take()
    }

    /// The machine's name of why a call failed.
    #[track_caller]
    pub(crate) fn code(&self) -> String {
        let body = self.json();
        assert!(
            self.status != 200 && body["ok"] == false,
            "not refused: {body}"
        );
        body["code"]
            .as_str()
            .expect("an error has a code")
            .to_owned()
    }
}

/// Sends a request and reads the answer.
pub(crate) fn send(address: SocketAddr, request: &Request) -> io::Result<Reply> {
    let (mut reply, mut stream) = open(address, request)?;
    if reply.header("transfer-encoding") == Some("chunked") {
        while let Some(chunk) = chunk(&mut stream)? {
            reply.body.extend(chunk);
        }
    } else if let Some(length) = reply
        .header("content-length")
        .filter(|_| request.method != "HEAD")
    {
        let length: u64 = length.parse().map_err(io::Error::other)?;
        if (&mut stream).take(length).read_to_end(&mut reply.body)? as u64 != length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(reply)
}

/// Connects and sends the head of a request. The body is left to the caller.
pub(crate) fn begin(address: SocketAddr, request: &Request) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(super::PATIENCE))?;
    stream.set_nodelay(true)?;
    stream.write_all(request.head(address).as_bytes())?;
    Ok(stream)
}

/// Sends a request and reads the head of the answer. What follows is left in the stream.
pub(crate) fn open(
    address: SocketAddr,
    request: &Request,
) -> io::Result<(Reply, BufReader<TcpStream>)> {
    let mut stream = begin(address, request)?;
    // A server may refuse by the head alone and stop reading; its answer is what counts.
    let _ = stream.write_all(&request.body);
    let mut stream = BufReader::new(stream);
    let first = line(&mut stream)?;
    let status = first.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status = status.ok_or_else(|| io::Error::other(format!("no status line: {first:?}")))?;
    let mut headers = Vec::new();
    loop {
        let text = line(&mut stream)?;
        let Some((name, value)) = text.split_once(':') else {
            break;
        };
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let reply = Reply {
        status,
        headers,
        body: Vec::new(),
    };
    Ok((reply, stream))
}

fn line(stream: &mut impl BufRead) -> io::Result<String> {
    let mut text = String::new();
    if stream.read_line(&mut text)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(text.trim_end().to_owned())
}

/// The next chunk of a chunked body, `None` at its end.
pub(crate) fn chunk(stream: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let size = usize::from_str_radix(&line(stream)?, 16).map_err(io::Error::other)?;
    let mut bytes = vec![0; size];
    stream.read_exact(&mut bytes)?;
    line(stream)?;
    Ok((size > 0).then_some(bytes))
}

/// A file for a multipart body: its name, its type, its bytes.
pub(crate) type File<'a> = (&'a str, &'a str, &'a [u8]);

/// The boundary of the multipart bodies that tests send.
pub(crate) const BOUNDARY: &str = "tehprof-boundary-4f1c";

/// Fields and `files[]` as `multipart/form-data`, without the closing delimiter.
pub(crate) fn open_multipart(fields: &Value, files: &[File<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in fields.as_object().into_iter().flatten() {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        body.extend(
            format!(
                "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n"
            )
            .bytes(),
        );
    }
    for (name, mime, bytes) in files {
        let head = format!(
            "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"files[]\"; filename=\"{name}\"\r\ncontent-type: {mime}\r\n\r\n"
        );
        body.extend(head.bytes());
        body.extend(*bytes);
        body.extend(b"\r\n");
    }
    body
}

impl Request {
    /// Sets a multipart body of fields and `files[]`.
    pub(crate) fn multipart(self, fields: &Value, files: &[File<'_>]) -> Request {
        let mut body = open_multipart(fields, files);
        body.extend(format!("--{BOUNDARY}--\r\n").bytes());
        self.body(&format!("multipart/form-data; boundary={BOUNDARY}"), body)
    }
}
