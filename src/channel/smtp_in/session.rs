//! One conversation with a peer, from the greeting to the goodbye.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::command::{self, Command};
use super::wire::{Data, Line, Wire};
use super::{Delivery, Known, Receiver, Shared, Taken};
use crate::channel::email::header;

/// A mail that has passed this many servers runs in a circle.
const MOST_HOPS: usize = 50;

/// Whether the conversation goes on after a reply.
#[derive(PartialEq)]
enum Next {
    Go,
    Encrypt,
    Close,
}

/// The mail being spoken of.
#[derive(Default)]
struct Transaction {
    from: Option<String>,
    recipients: Vec<String>,
}

struct Session<R> {
    shared: Arc<Shared<R>>,
    wire: Wire,
    peer: SocketAddr,
    helo: Option<String>,
    encrypted: bool,
    transaction: Transaction,
    faults: usize,
    replies: Vec<u8>,
}

/// Tells a peer for whom there is no seat to come back.
pub(super) async fn turn_away(mut stream: TcpStream) {
    let _ = stream
        .write_all(b"421 4.7.0 Too many connections, try again later\r\n")
        .await;
    let _ = stream.shutdown().await;
}

/// Talks until the peer leaves, misbehaves, or the listener stops.
pub(super) async fn run<R: Receiver>(stream: TcpStream, peer: SocketAddr, shared: Arc<Shared<R>>) {
    // Replies are small and answered at once; without this each would wait for the last to be acknowledged.
    let _ = stream.set_nodelay(true);
    let greeting = format!("220 {} ESMTP", shared.settings.name);
    let mut session = Session {
        shared,
        wire: Wire::new(stream),
        peer,
        helo: None,
        encrypted: false,
        transaction: Transaction::default(),
        faults: 0,
        replies: Vec::new(),
    };
    session.reply(&greeting);
    loop {
        match session.turn().await {
            Next::Go => {}
            Next::Encrypt => match session.encrypt().await {
                Some(encrypted) => session = encrypted,
                None => return,
            },
            Next::Close => break,
        }
    }
    let _ = session.flush().await;
    session.wire.close().await;
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that the listener itself is gone, which is a stop as well.
    let _ = stop.wait_for(|stopped| *stopped).await;
}

impl<R: Receiver> Session<R> {
    /// Reads one command and answers it.
    async fn turn(&mut self) -> Next {
        if !self.wire.has_more() && self.flush().await.is_err() {
            return Next::Close;
        }
        let mut stop = self.shared.stop.clone();
        let limit = self.shared.settings.limits.command;
        let line = tokio::select! {
            biased;
            () = stopped(&mut stop) => {
                self.reply("421 4.3.2 The server is stopping");
                return Next::Close;
            }
            line = timeout(limit, self.wire.line()) => line,
        };
        let command = match line {
            Err(_) => {
                self.reply("421 4.4.2 Waited too long");
                return Next::Close;
            }
            Ok(Line::Closed) => return Next::Close,
            Ok(Line::TooLong) => Err("500 5.5.2 Line too long"),
            Ok(Line::BareNewline) => Err("500 5.5.2 Lines end in CRLF"),
            Ok(Line::Whole(line)) => command::read(&line),
        };
        match command {
            Ok(command) => self.obey(command).await,
            Err(fault) => self.fault(fault),
        }
    }

    async fn obey(&mut self, command: Command) -> Next {
        match command {
            Command::Helo(name) => {
                self.greeted(name);
                let reply = format!("250 {}", self.shared.settings.name);
                self.reply(&reply);
            }
            Command::Ehlo(name) => {
                self.greeted(name);
                self.offer();
            }
            Command::Mail { from, size } => return self.mail(from, size),
            Command::Rcpt { to } => return self.rcpt(to).await,
            Command::Data => return self.data().await,
            Command::Rset => {
                self.transaction = Transaction::default();
                self.reply("250 2.0.0 Forgotten");
            }
            Command::Noop => self.reply("250 2.0.0 OK"),
            Command::Vrfy => self.reply("252 2.1.5 Send a mail and see"),
            Command::Help => self.reply("214 2.0.0 RFC 5321"),
            Command::StartTls => return self.starttls(),
            Command::Quit => {
                self.reply("221 2.0.0 Bye");
                return Next::Close;
            }
        }
        Next::Go
    }

    fn greeted(&mut self, name: String) {
        self.helo = Some(name);
        self.transaction = Transaction::default();
    }

    fn offer(&mut self) {
        let settings = &self.shared.settings;
        let mut lines = vec![
            settings.name.clone(),
            format!("SIZE {}", settings.limits.mail_bytes),
            "8BITMIME".to_owned(),
            "SMTPUTF8".to_owned(),
            "PIPELINING".to_owned(),
            "ENHANCEDSTATUSCODES".to_owned(),
        ];
        if settings.tls.is_some() && !self.encrypted {
            lines.push("STARTTLS".to_owned());
        }
        let last = lines.len() - 1;
        for (at, line) in lines.iter().enumerate() {
            self.reply(&format!("250{}{line}", if at == last { ' ' } else { '-' }));
        }
    }

    fn mail(&mut self, from: String, size: Option<u64>) -> Next {
        if self.helo.is_none() {
            return self.fault("503 5.5.1 Say EHLO first");
        }
        if self.transaction.from.is_some() {
            return self.fault("503 5.5.1 One mail at a time");
        }
        let most = self.shared.settings.limits.mail_bytes as u64;
        if size.is_some_and(|size| size > most) {
            self.reply("552 5.3.4 The mail is too large");
            return Next::Go;
        }
        self.transaction.from = Some(from);
        self.reply("250 2.1.0 OK");
        Next::Go
    }

    async fn rcpt(&mut self, to: String) -> Next {
        if self.transaction.from.is_none() {
            return self.fault("503 5.5.1 Say MAIL first");
        }
        if self.transaction.recipients.len() >= self.shared.settings.limits.recipients {
            self.reply("452 4.5.3 Too many recipients");
            return Next::Go;
        }
        match self.shared.receiver.knows(&to).await {
            Known::Yes => {
                if !self.transaction.recipients.contains(&to) {
                    self.transaction.recipients.push(to);
                }
                self.reply("250 2.1.5 OK");
                Next::Go
            }
            Known::No => self.fault("550 5.1.1 No such address here"),
            Known::TryLater => {
                self.reply("451 4.3.0 Try again later");
                Next::Go
            }
        }
    }

    async fn data(&mut self) -> Next {
        if self.transaction.from.is_none() {
            return self.fault("503 5.5.1 Say MAIL first");
        }
        if self.transaction.recipients.is_empty() {
            return self.fault("554 5.5.1 No valid recipients");
        }
        self.reply("354 End with a dot on a line of its own");
        if self.flush().await.is_err() {
            return Next::Close;
        }
        let limits = self.shared.settings.limits;
        let large = Arc::clone(&self.shared.large_mails);
        let room = async { large.acquire_owned().await.ok() };
        let data = timeout(limits.data, self.wire.data(limits.mail_bytes, room)).await;
        let Transaction { from, recipients } = std::mem::take(&mut self.transaction);
        match data {
            Err(_) => {
                self.reply("421 4.4.2 Waited too long");
                return Next::Close;
            }
            Ok(Data::Closed) => return Next::Close,
            Ok(Data::TooLarge) => self.reply("552 5.3.4 The mail is too large"),
            Ok(Data::LineTooLong) => self.reply("554 5.6.0 A line of the mail is too long"),
            Ok(Data::Whole(raw)) if hops(&raw) > MOST_HOPS => {
                self.reply("554 5.4.6 The mail runs in a circle")
            }
            Ok(Data::Whole(raw)) => {
                let delivery = Delivery {
                    peer: self.peer,
                    helo: self.helo.clone().unwrap_or_default(),
                    mail_from: from.unwrap_or_default(),
                    recipients,
                    raw,
                };
                match self.shared.receiver.take(delivery).await {
                    Taken::Stored => self.reply("250 2.0.0 Stored"),
                    Taken::TryLater => self.reply("451 4.3.0 Try again later"),
                    Taken::Refused(why) => self.reply(&format!("554 5.7.1 {}", one_line(&why))),
                }
            }
        }
        Next::Go
    }

    fn starttls(&mut self) -> Next {
        if self.encrypted {
            return self.fault("503 5.5.1 Already encrypted");
        }
        if self.shared.settings.tls.is_none() {
            return self.fault("502 5.5.1 Not offered");
        }
        self.reply("220 2.0.0 Go ahead");
        Next::Encrypt
    }

    /// The conversation begun anew under encryption. A peer that has already sent more in the clear is dropped.
    async fn encrypt(mut self) -> Option<Self> {
        let config = self.shared.settings.tls.clone()?;
        self.flush().await.ok()?;
        let stream = self.wire.into_clean_stream()?;
        let limit = self.shared.settings.limits.command;
        let encrypted = timeout(limit, TlsAcceptor::from(config).accept(stream))
            .await
            .ok()?
            .ok()?;
        Some(Self {
            shared: self.shared,
            wire: Wire::new(encrypted),
            peer: self.peer,
            helo: None,
            encrypted: true,
            transaction: Transaction::default(),
            faults: self.faults,
            replies: Vec::new(),
        })
    }

    fn fault(&mut self, reply: &str) -> Next {
        self.faults += 1;
        self.reply(reply);
        if self.faults < self.shared.settings.limits.faults {
            return Next::Go;
        }
        self.reply("421 4.7.0 Too many faults");
        Next::Close
    }

    fn reply(&mut self, line: &str) {
        self.replies.extend_from_slice(line.as_bytes());
        self.replies.extend_from_slice(b"\r\n");
    }

    async fn flush(&mut self) -> std::io::Result<()> {
        if self.replies.is_empty() {
            return Ok(());
        }
        let replies = std::mem::take(&mut self.replies);
        let limit = self.shared.settings.limits.command;
        match timeout(limit, self.wire.write(&replies)).await {
            Ok(written) => written,
            Err(_) => Err(std::io::ErrorKind::TimedOut.into()),
        }
    }
}

fn hops(raw: &[u8]) -> usize {
    header::read(raw).headers.all_raw("Received").count()
}

/// Text that may stand in a reply.
fn one_line(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_ascii() && !c.is_ascii_control())
        .take(300)
        .collect()
}
