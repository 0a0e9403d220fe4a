//! The live connections of a test: an operator's WebSocket and a portal page's event stream.
use super::{Caller, PATIENCE, http, http::Request, until};
use serde_json::{Value, json};
use std::{
    io::BufReader,
    net::{Shutdown, TcpStream},
};
use tokio_tungstenite::tungstenite::{
    self, ClientRequestBuilder, Message, WebSocket, client::client, handshake::HandshakeError,
};

/// An operator's live connection.
pub(crate) struct Socket(WebSocket<TcpStream>);

impl Socket {
    /// Opens a connection that resumes after `since`, or says with which status it was refused.
    pub(crate) fn open(
        who: &Caller,
        since: Option<i64>,
        origin: Option<&str>,
    ) -> Result<Socket, u16> {
        let address = who.address();
        let since = since.map(|seq| format!("?since={seq}")).unwrap_or_default();
        let address_text = format!("ws://{address}/api/live{since}");
        let mut request = ClientRequestBuilder::new(address_text.parse().unwrap());
        for (name, value) in [
            ("cookie", who.credential("cookie")),
            ("origin", origin.unwrap_or_default()),
        ] {
            if !value.is_empty() {
                request = request.with_header(name, value);
            }
        }
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        match client(request, stream) {
            Ok((socket, _)) => Ok(Socket(socket)),
            Err(HandshakeError::Failure(tungstenite::Error::Http(refusal))) => {
                Err(refusal.status().as_u16())
            }
            Err(error) => panic!("the live connection failed: {error}"),
        }
    }

    pub(crate) fn say(&mut self, value: &Value) {
        self.0.send(Message::text(value.to_string())).unwrap();
    }

    /// The next thing that is said, heartbeats left out.
    pub(crate) fn next(&mut self) -> Value {
        loop {
            if let Message::Text(text) = self.0.read().unwrap() {
                return serde_json::from_str(text.as_str()).unwrap();
            }
        }
    }

    /// The next thing said that fits; what comes before it is passed over.
    pub(crate) fn next_that(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        until("a word on the live connection", || {
            Some(self.next()).filter(&fits)
        })
    }

    /// Everything that was said up to the answer to a ping.
    pub(crate) fn all_until_pong(&mut self) -> Vec<Value> {
        self.say(&json!({ "type": "ping" }));
        let mut said = Vec::new();
        loop {
            let value = self.next();
            if value["type"] == "pong" {
                return said;
            }
            said.push(value);
        }
    }
}

/// A portal page's event stream.
pub(crate) struct Stream(BufReader<TcpStream>);

impl Stream {
    /// Opens the stream of a ticket, or answers the refusal.
    pub(crate) fn open(who: &Caller, ticket: i64) -> Result<Stream, http::Reply> {
        let request: Request = who.request("GET", &format!("/api/live?ticket_id={ticket}"));
        let (reply, stream) = http::open(who.address(), &request).unwrap();
        if reply.status != 200 {
            return Err(who.send(&request));
        }
        assert_eq!(reply.header("content-type"), Some("text/event-stream"));
        let mut stream = Stream(stream);
        assert_eq!(stream.frame(), ": listening\n\n");
        Ok(stream)
    }

    fn frame(&mut self) -> String {
        let bytes = http::chunk(&mut self.0)
            .unwrap()
            .expect("the stream goes on");
        String::from_utf8(bytes).unwrap()
    }

    /// The next event.
    pub(crate) fn next(&mut self) -> Value {
        loop {
            let frame = self.frame();
            if let Some(data) = frame.lines().find_map(|line| line.strip_prefix("data: ")) {
                return serde_json::from_str(data).unwrap();
            }
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let _ = self.0.get_ref().shutdown(Shutdown::Both);
    }
}
