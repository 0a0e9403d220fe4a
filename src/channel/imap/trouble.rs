//! What goes wrong between us and an IMAP server, in words for people, and what it means for going on.

use std::io;

use async_imap::error::Error as ImapError;
use async_imap::imap_proto::Outcome;
use tokio_rustls::rustls;

use crate::error::Error;

/// What is wrong between us and the server.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The network's or the server's, and may pass.
    Passing(String),
    /// The server does not let us in.
    Login(String),
    /// It is not as the channel says; somebody has to look at it.
    Settings(String),
    /// The server does not do what it was asked.
    Refused(String),
    /// What the server answers cannot be understood.
    Garbled(String),
    Ours(Error),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Trouble {
        Trouble::Ours(error)
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Trouble {
        let inner = error.get_ref();
        if inner.is_some_and(|inner| inner.is::<rustls::Error>()) {
            return Trouble::Settings(format!("the encryption failed: {error}"));
        }
        match error.kind() {
            io::ErrorKind::FileTooLarge => Trouble::Garbled(error.to_string()),
            // So the client calls what it cannot read, and quotes all of it.
            io::ErrorKind::Other => Trouble::Garbled("its answer cannot be understood".to_owned()),
            _ => Trouble::Passing(words(&error.to_string())),
        }
    }
}

impl From<ImapError> for Trouble {
    fn from(error: ImapError) -> Trouble {
        match error {
            ImapError::Io(error) => error.into(),
            ImapError::ConnectionLost => closed(),
            ImapError::Bad(why) | ImapError::No(why) => Trouble::Refused(told(&why)),
            other => Trouble::Garbled(words(&other.to_string())),
        }
    }
}

impl Trouble {
    pub(super) fn why(&self) -> String {
        match self {
            Trouble::Passing(why)
            | Trouble::Login(why)
            | Trouble::Settings(why)
            | Trouble::Refused(why)
            | Trouble::Garbled(why) => why.clone(),
            Trouble::Ours(error) => error.to_string(),
        }
    }

    /// The same, told of a server.
    pub(super) fn of(self, host: &str) -> Trouble {
        let told = |why: String| format!("{host}: {why}");
        match self {
            Trouble::Passing(why) => Trouble::Passing(told(why)),
            Trouble::Login(why) => Trouble::Login(told(why)),
            Trouble::Settings(why) => Trouble::Settings(told(why)),
            Trouble::Refused(why) => Trouble::Refused(told(why)),
            Trouble::Garbled(why) => Trouble::Garbled(told(why)),
            Trouble::Ours(error) => Trouble::Ours(error),
        }
    }
}

pub(super) fn closed() -> Trouble {
    Trouble::Passing("the connection was closed".to_owned())
}

/// What a server says, as far as people will read it.
fn words(text: &str) -> String {
    const MOST: usize = 300;
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MOST)
        .collect();
    line.trim().to_owned()
}

/// The server's own words in what the client says of a refusal: `code: …, info: Some("…")`.
pub(super) fn told(why: &str) -> String {
    let info = why.split_once("info: Some(\"").map(|(_, info)| info);
    words(info.map_or(why, |info| info.strip_suffix("\")").unwrap_or(info)))
}

/// What the server says beside a status.
pub(super) fn said(outcome: &Outcome<'_>) -> String {
    let information = outcome.information.as_deref().unwrap_or_default();
    match words(information) {
        text if text.is_empty() => "the server does not say why".to_owned(),
        text => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_is_cut_to_what_people_read() {
        let refusal = r#"code: None, info: Some("[AUTHENTICATIONFAILED] Wrong password.")"#;
        assert_eq!(told(refusal), "[AUTHENTICATIONFAILED] Wrong password.");
        assert_eq!(words("Go\r\naway\u{7}"), "Go  away");
        assert_eq!(words(&"я".repeat(1000)).chars().count(), 300);
    }
}
