//! A server over HTTP that the program calls: a messenger's API, as much of it as a desk uses. It keeps what it was asked,
//! and can refuse, hang, hang up, and answer twice.
use super::{PATIENCE, until};
use serde_json::{Value, json};
use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// A call that was made.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The body as JSON; null if it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// What stands behind the last slash, without the query.
    pub(crate) fn method_name(&self) -> &str {
        let path = self.path.split('?').next().unwrap_or_default();
        path.rsplit('/').next().unwrap_or_default()
    }
}

/// What a server answers: a status, more headers, and a body.
pub(crate) type Answer = (u16, Vec<(String, String)>, Vec<u8>);

pub(crate) fn answer(status: u16, body: &Value) -> Answer {
    (status, Vec::new(), body.to_string().into_bytes())
}

/// How the server treats what is sent through it; other calls are always answered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Mood {
    Take,
    /// Answers so instead.
    Answer(u16, Value),
    /// Takes it and never says so.
    Hang,
    /// Takes it and hangs up before it says so.
    Cut,
}

/// How a server of some kind answers a call; `number` is new with every call.
type Rules = fn(&Asked, i64, &Shared) -> Answer;

pub(crate) struct Shared {
    rules: Rules,
    mood: Mutex<Mood>,
    asked: Mutex<Vec<Asked>>,
    /// What waits to be asked for.
    pub(crate) news: Mutex<Vec<Value>>,
    /// How many seconds whoever polls next is told to wait.
    put_off: Mutex<Option<i64>>,
    open: AtomicBool,
    numbers: AtomicI64,
}

/// The server.
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    listening: Option<JoinHandle<()>>,
}

impl Peer {
    fn open(rules: Rules) -> Peer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut peer = Peer {
            address: listener.local_addr().unwrap(),
            shared: Arc::new(Shared {
                rules,
                mood: Mutex::new(Mood::Take),
                asked: Mutex::default(),
                news: Mutex::default(),
                put_off: Mutex::default(),
                open: AtomicBool::new(false),
                numbers: AtomicI64::new(1000),
            }),
            listening: None,
        };
        peer.listen(listener);
        peer
    }

    /// A server of the Bot API.
    pub(crate) fn telegram() -> Peer {
        Peer::open(telegram)
    }

    /// A server of the Evolution API, version 2.
    pub(crate) fn evolution() -> Peer {
        Peer::open(evolution)
    }

    /// One of version 1.
    pub(crate) fn evolution_1() -> Peer {
        Peer::open(evolution_1)
    }

    /// The platform of MAX.
    pub(crate) fn max() -> Peer {
        Peer::open(max)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn listen(&mut self, listener: TcpListener) {
        self.shared.open.store(true, Ordering::SeqCst);
        let shared = Arc::clone(&self.shared);
        self.listening = Some(thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if !shared.open.load(Ordering::SeqCst) {
                    return;
                }
                let shared = Arc::clone(&shared);
                // A caller that goes away in the middle is not this server's failure.
                thread::spawn(move || drop(serve(&shared, stream)));
            }
        }));
    }

    pub(crate) fn be(&self, mood: Mood) {
        *self.shared.mood.lock().unwrap() = mood;
    }

    /// Something new that whoever polls is told.
    pub(crate) fn tell(&self, update: Value) {
        self.shared.news.lock().unwrap().push(update);
    }

    /// Tells whoever polls next to wait.
    pub(crate) fn put_off(&self, seconds: i64) {
        *self.shared.put_off.lock().unwrap() = Some(seconds);
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().clone()
    }

    /// The calls of one method, in the order they came.
    pub(crate) fn calls(&self, method: &str) -> Vec<Asked> {
        let mut asked = self.asked();
        asked.retain(|call| call.path.contains(method));
        asked
    }

    /// Waits for the `n`th call of a method, counted from 1, and answers it.
    pub(crate) fn nth(&self, method: &str, n: usize) -> Asked {
        until(&format!("call {n} of {method}"), || {
            self.calls(method).get(n - 1).cloned()
        })
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.shared.open.store(false, Ordering::SeqCst);
        // The listener waits for a connection; this is its last one.
        drop(TcpStream::connect(self.address));
        if let Some(listening) = self.listening.take() {
            listening.join().unwrap();
        }
    }
}

fn serve(shared: &Shared, stream: TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut out = stream.try_clone()?;
    let mut lines = BufReader::new(stream);
    let mut first = String::new();
    lines.read_line(&mut first)?;
    let mut words = first.split(' ');
    let (method, path) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        lines.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let mut asked = Asked {
        method: method.to_owned(),
        path: path.to_owned(),
        headers,
        body: Vec::new(),
    };
    let length = asked.header("content-length").and_then(|n| n.parse().ok());
    asked.body = vec![0; length.unwrap_or(0)];
    lines.read_exact(&mut asked.body)?;
    let mood = if sends(&asked) {
        shared.mood.lock().unwrap().clone()
    } else {
        Mood::Take
    };
    let number = shared.numbers.fetch_add(1, Ordering::SeqCst);
    shared.asked.lock().unwrap().push(asked.clone());
    let (status, more, body) = match mood {
        Mood::Take => (shared.rules)(&asked, number, shared),
        Mood::Answer(status, body) => answer(status, &body),
        Mood::Cut => return Ok(()),
        Mood::Hang => {
            while shared.open.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(20));
            }
            return Ok(());
        }
    };
    let mut head = format!(
        "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n",
        body.len()
    );
    for (name, value) in more {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    out.write_all(format!("{head}\r\n").as_bytes())?;
    out.write_all(&body)
}

/// Whether a call sends something to a client.
fn sends(asked: &Asked) -> bool {
    asked.path.contains("/send")
        || asked.path.contains("/message/send")
        || (asked.method == "POST" && asked.path.starts_with("/messages"))
}

fn telegram(asked: &Asked, number: i64, shared: &Shared) -> Answer {
    let body = asked.json();
    let ok = |result: Value| answer(200, &json!({ "ok": true, "result": result }));
    let refuse = |code: u16, words: &str| {
        answer(
            code,
            &json!({ "ok": false, "error_code": code, "description": words }),
        )
    };
    if asked.path.starts_with("/file/") {
        return (
            200,
            Vec::new(),
            b"\x89PNG\r\n\x1a\nbytes of a file".to_vec(),
        );
    }
    if !asked.path.starts_with("/bot123:token/") {
        return refuse(401, "Unauthorized");
    }
    let chat = body["chat_id"].clone();
    match asked.method_name() {
        "getMe" => {
            ok(json!({ "id": 123, "is_bot": true, "first_name": "Desk", "username": "desk_bot" }))
        }
        "setWebhook" | "deleteWebhook" | "answerCallbackQuery" | "deleteMessage" => ok(json!(true)),
        "getFile" => match body["file_id"].as_str() {
            Some("toobig") => refuse(400, "Bad Request: file is too big"),
            Some("local") => {
                ok(json!({ "file_id": "local", "file_path": "/var/lib/telegram/file_1.pdf" }))
            }
            _ => ok(
                json!({ "file_id": body["file_id"], "file_size": 20, "file_path": "documents/file_17.log" }),
            ),
        },
        "getUpdates" => {
            if let Some(seconds) = shared.put_off.lock().unwrap().take() {
                return answer(
                    429,
                    &json!({ "ok": false, "error_code": 429, "description": "Too Many Requests", "parameters": { "retry_after": seconds } }),
                );
            }
            let offset = body["offset"].as_i64().unwrap_or(0);
            let mut news = shared.news.lock().unwrap();
            news.retain(|update| update["update_id"].as_i64().unwrap_or(0) >= offset);
            let found = news.clone();
            drop(news);
            if found.is_empty() {
                thread::sleep(Duration::from_millis(50));
            }
            ok(found.into())
        }
        "sendMediaGroup" => {
            let one = |n: i64| json!({ "message_id": number * 10 + n, "date": 1_772_612_500, "chat": { "id": 1 } });
            ok(json!([one(0), one(1)]))
        }
        _ => ok(json!({ "message_id": number, "date": 1_772_612_500, "chat": { "id": chat } })),
    }
}

const UNAUTHORIZED: &str = "Unauthorized";

fn evolution(asked: &Asked, number: i64, _: &Shared) -> Answer {
    let body = asked.json();
    if asked.header("apikey") != Some("evo-key") {
        let refused = json!({ "status": 401, "error": UNAUTHORIZED, "response": { "message": UNAUTHORIZED } });
        return answer(401, &refused);
    }
    let path = asked.path.as_str();
    if path.contains("/instance/connectionState/") {
        return answer(
            200,
            &json!({ "instance": { "instanceName": "support-almaty", "state": "open" } }),
        );
    }
    if path.contains("/instance/connect/") {
        let code = json!({ "pairingCode": "ABCD1234", "code": "2@x", "base64": "data:image/png;base64,iVBORw0KGgo=", "count": 1 });
        return answer(200, &code);
    }
    if path.contains("/webhook/set/") {
        if body["webhook"]["url"].is_null() {
            let words = json!(["instance requires property \"webhook\""]);
            return answer(
                400,
                &json!({ "status": 400, "response": { "message": words } }),
            );
        }
        return answer(
            201,
            &json!({ "url": body["webhook"]["url"], "enabled": true }),
        );
    }
    if path.contains("/getBase64FromMediaMessage/") {
        return answer(
            201,
            &json!({ "mimetype": "application/pdf", "base64": "JVBERi0xLjQK" }),
        );
    }
    if path.contains("/message/sendText/") && body["text"].is_null() {
        let words = json!(["instance requires property \"text\""]);
        return answer(
            400,
            &json!({ "status": 400, "response": { "message": words } }),
        );
    }
    taken(&body, number)
}

fn taken(body: &Value, number: i64) -> Answer {
    let key =
        json!({ "remoteJid": body["number"], "fromMe": true, "id": format!("BAE5{number:012X}") });
    answer(201, &json!({ "key": key, "status": "PENDING" }))
}

fn evolution_1(asked: &Asked, number: i64, shared: &Shared) -> Answer {
    let body = asked.json();
    let missing = |what: &str| {
        let words = json!([[format!("instance requires property \"{what}\"")]]);
        answer(
            400,
            &json!({ "status": 400, "error": "Bad Request", "response": { "message": words } }),
        )
    };
    if asked.path.contains("/message/sendText/") {
        return if body["textMessage"]["text"].is_null() {
            missing("textMessage")
        } else {
            taken(&body, number)
        };
    }
    if asked.path.contains("/message/sendMedia/") {
        return if body["mediaMessage"]["media"].is_null() {
            missing("mediaMessage")
        } else {
            taken(&body, number)
        };
    }
    if asked.path.contains("/webhook/set/") {
        return if body["url"].is_null() {
            missing("url")
        } else {
            answer(201, &json!({ "webhook": { "url": body["url"] } }))
        };
    }
    evolution(asked, number, shared)
}

fn max(asked: &Asked, number: i64, shared: &Shared) -> Answer {
    if asked.path.starts_with("/upload-here") {
        return answer(
            200,
            &json!({ "token": "f9LHod", "photos": { "p": { "token": "t" } } }),
        );
    }
    if asked.header("authorization") != Some("max-token") {
        return answer(
            401,
            &json!({ "code": "verify.token", "message": "Invalid access_token" }),
        );
    }
    let path = asked.path.split('?').next().unwrap_or_default();
    match (asked.method.as_str(), path) {
        ("GET", "/me") => answer(
            200,
            &json!({ "user_id": 229_229_229, "name": "Desk", "username": "desk_bot", "is_bot": true }),
        ),
        ("POST", "/uploads") => {
            let host = asked.header("host").unwrap_or_default();
            answer(200, &json!({ "url": format!("http://{host}/upload-here") }))
        }
        ("GET", "/updates") => {
            if let Some(seconds) = shared.put_off.lock().unwrap().take() {
                let wait = ("retry-after".to_owned(), seconds.to_string());
                let body = json!({ "code": "too.many.requests", "message": "slow down" });
                return (429, vec![wait], body.to_string().into_bytes());
            }
            let mut news = shared.news.lock().unwrap();
            let found = std::mem::take(&mut *news);
            drop(news);
            if found.is_empty() {
                thread::sleep(Duration::from_millis(50));
            }
            answer(200, &json!({ "updates": found, "marker": number }))
        }
        ("POST", "/messages") => {
            let body =
                json!({ "mid": format!("mid.{number:032x}"), "seq": 116_327_994_376_978_687_i64 });
            answer(200, &json!({ "message": { "body": body } }))
        }
        _ => answer(200, &json!({ "success": true })),
    }
}
