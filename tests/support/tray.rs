//! A mail server that takes what the desk sends and keeps it: RFC 5321, as much of it as a relay uses. It can refuse, hang
//! up, fall silent, and be away.
use super::{PATIENCE, until};
use mail_parser::{Message, MessageParser};
use std::{
    io::{self, BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// How the server treats a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Take,
    /// Answers this to `RCPT`.
    Refuse(&'static str),
    /// Takes the mail and hangs up before it says so.
    CloseAfterData,
    /// Greets and never says another word.
    Hang,
}

/// A mail that was taken.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) raw: Vec<u8>,
}

impl Taken {
    pub(crate) fn parsed(&self) -> Message<'_> {
        MessageParser::default().parse(&self.raw).expect("a mail")
    }

    pub(crate) fn subject(&self) -> String {
        self.parsed().subject().unwrap_or_default().to_owned()
    }

    pub(crate) fn message_id(&self) -> String {
        self.parsed()
            .message_id()
            .expect("a mail has an id")
            .to_owned()
    }

    /// The address that answers go to.
    pub(crate) fn reply_to(&self) -> String {
        let mail = self.parsed();
        let address = mail
            .reply_to()
            .and_then(|to| to.first())
            .and_then(|to| to.address());
        address.expect("a mail says where answers go").to_owned()
    }

    pub(crate) fn text(&self) -> String {
        self.parsed()
            .body_text(0)
            .expect("a mail has text")
            .into_owned()
    }
}

#[derive(Debug)]
struct Shared {
    mood: Mutex<Mood>,
    taken: Mutex<Vec<Taken>>,
    open: AtomicBool,
}

/// The mail server.
#[derive(Debug)]
pub(crate) struct Tray {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    listening: Option<JoinHandle<()>>,
}

impl Tray {
    pub(crate) fn open() -> Tray {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut tray = Tray {
            address: listener.local_addr().unwrap(),
            shared: Arc::new(Shared {
                mood: Mutex::new(Mood::Take),
                taken: Mutex::default(),
                open: AtomicBool::new(false),
            }),
            listening: None,
        };
        tray.listen(listener);
        tray
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
                // A peer that goes away in the middle is not this server's failure.
                thread::spawn(move || drop(talk(&shared, stream)));
            }
        }));
    }

    /// Stops listening: from now on nobody can connect.
    pub(crate) fn go_away(&mut self) {
        self.shared.open.store(false, Ordering::SeqCst);
        // The listener waits for a connection; this is its last one.
        drop(TcpStream::connect(self.address));
        if let Some(listening) = self.listening.take() {
            listening.join().unwrap();
        }
    }

    /// Listens again where it did before.
    pub(crate) fn come_back(&mut self) {
        let listener = until("the tray's port", || TcpListener::bind(self.address).ok());
        self.listen(listener);
    }

    pub(crate) fn be(&self, mood: Mood) {
        *self.shared.mood.lock().unwrap() = mood;
    }

    pub(crate) fn taken(&self) -> Vec<Taken> {
        self.shared.taken.lock().unwrap().clone()
    }

    /// Waits for the `n`th mail, counted from 1, and answers it.
    pub(crate) fn nth(&self, n: usize) -> Taken {
        until("a mail to come out", || self.taken().get(n - 1).cloned())
    }
}

impl Drop for Tray {
    fn drop(&mut self) {
        self.go_away();
    }
}

fn talk(shared: &Shared, stream: TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut out = stream.try_clone()?;
    let mut lines = BufReader::new(stream);
    let mut say = move |text: &str| out.write_all(format!("{text}\r\n").as_bytes());
    say("220 tray.example ESMTP")?;
    let mood = *shared.mood.lock().unwrap();
    if mood == Mood::Hang {
        while shared.open.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(20));
        }
        return Ok(());
    }
    let (mut from, mut to) = (String::new(), Vec::new());
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let upper = line.trim().to_uppercase();
        if upper.starts_with("EHLO") {
            say("250-tray.example\r\n250-8BITMIME\r\n250 SMTPUTF8")?;
        } else if upper.starts_with("MAIL FROM:") {
            (from, to) = (path(&line), Vec::new());
            say("250 ok")?;
        } else if upper.starts_with("RCPT TO:") {
            match mood {
                Mood::Refuse(answer) => say(answer)?,
                _ => {
                    to.push(path(&line));
                    say("250 ok")?;
                }
            }
        } else if upper == "DATA" {
            say("354 go on")?;
            let raw = data(&mut lines)?;
            let mail = Taken {
                from: from.clone(),
                to: to.clone(),
                raw,
            };
            shared.taken.lock().unwrap().push(mail);
            if mood == Mood::CloseAfterData {
                return Ok(());
            }
            say("250 taken")?;
        } else if upper == "QUIT" {
            return say("221 bye");
        } else {
            say("250 ok")?;
        }
    }
}

/// The address between the angle brackets.
fn path(line: &str) -> String {
    let inside = line
        .split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'));
    inside.map_or("", |(path, _)| path).to_owned()
}

/// The mail, its dots unstuffed.
fn data(lines: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut raw = Vec::new();
    loop {
        let mut line = Vec::new();
        if lines.read_until(b'\n', &mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if line == b".\r\n" {
            return Ok(raw);
        }
        raw.extend(line.strip_prefix(b".").unwrap_or(&line));
    }
}
