//! An HTTP server that takes the desk's calls and answers as a test says: at once, late, never, or with anything else.
use super::until;
use serde_json::Value;
use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

/// A call as it came.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    pub(crate) at: Instant,
}

impl Heard {
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The type of the event that the call tells of.
    pub(crate) fn kind(&self) -> String {
        self.json()["type"].as_str().unwrap().to_owned()
    }
}

/// How a call is answered.
#[derive(Clone, Debug)]
pub(crate) enum Answers {
    /// With a status, headers and a body.
    With(u16, &'static str, Vec<u8>),
    /// Not at all: the connection stays open.
    Never,
}

impl Answers {
    pub(crate) fn status(status: u16) -> Answers {
        Answers::With(status, "", Vec::new())
    }
}

#[derive(Debug, Default)]
struct State {
    heard: Vec<Heard>,
    /// The next answers; when they run out, 200.
    script: VecDeque<Answers>,
    /// Connections that are left open.
    open: Vec<TcpStream>,
}

/// A running receiver. It listens until the test ends.
#[derive(Clone, Debug)]
pub(crate) struct Receiver {
    pub(crate) port: u16,
    state: Arc<Mutex<State>>,
}

impl Receiver {
    pub(crate) fn start(script: Vec<Answers>) -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State {
            script: script.into(),
            ..State::default()
        }));
        let kept = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let state = Arc::clone(&kept);
                thread::spawn(move || take(stream, &state));
            }
        });
        Receiver { port, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/desk", self.port)
    }

    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.state.lock().unwrap().heard.clone()
    }

    /// Waits for so many calls and answers them.
    #[track_caller]
    pub(crate) fn wait(&self, calls: usize) -> Vec<Heard> {
        until(&format!("{calls} calls"), || {
            let heard = self.heard();
            (heard.len() >= calls).then_some(heard)
        })
    }
}

fn take(stream: TcpStream, state: &Mutex<State>) -> Option<()> {
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .ok()?;
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut writer = stream;
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first).ok()? == 0 {
            return None;
        }
        let path = first.split(' ').nth(1)?.to_owned();
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim_end().split_once(':') else {
                break;
            };
            headers.push((name.to_lowercase(), value.trim().to_owned()));
        }
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let length = length
            .and_then(|(_, value)| value.parse().ok())
            .unwrap_or(0);
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let answer = {
            let mut state = state.lock().unwrap();
            state.heard.push(Heard {
                path,
                headers,
                body: String::from_utf8(body).ok()?,
                at: Instant::now(),
            });
            state.script.pop_front().unwrap_or(Answers::status(200))
        };
        match answer {
            Answers::Never => {
                state.lock().unwrap().open.push(writer);
                return None;
            }
            Answers::With(status, headers, body) => {
                let head = format!(
                    "HTTP/1.1 {status} Answer\r\n{headers}content-length: {}\r\n\r\n",
                    body.len()
                );
                writer.write_all(head.as_bytes()).ok()?;
                writer.write_all(&body).ok()?;
            }
        }
    }
}
