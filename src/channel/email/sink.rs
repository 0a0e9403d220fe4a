//! An SMTP server for tests that answers as its script says.

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::dial::{Security, SmtpTarget};
use crate::reach::Reach;

/// A server that answers each command by the first line of its script whose word the command starts with, once each; what is not
/// in the script is taken. `drop` as an answer closes the connection.
pub(crate) async fn server(
    script: &'static [(&'static str, &'static str)],
) -> (SmtpTarget, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (heard, hearing) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let (reading, mut writing) = stream.into_split();
        let mut lines = BufReader::new(reading).lines();
        let mut script = script.to_vec();
        let mut in_data = false;
        let mut next = Some("CONNECT".to_owned());
        while let Some(line) = next {
            let _ = heard.send(line.clone());
            let place = script.iter().position(|(word, _)| match in_data {
                true => line == "." && *word == ".",
                false => line.starts_with(word),
            });
            let answer = match place {
                Some(place) => script.remove(place).1,
                None if in_data && line != "." => "",
                None if line.starts_with("CONNECT") => "220 sink",
                None if line.starts_with("EHLO") => {
                    "250-sink\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME"
                }
                None if line.starts_with("DATA") => "354 go on",
                None => "250 ok",
            };
            in_data = (in_data && line != ".") || answer.starts_with("354");
            if answer == "drop" {
                return;
            }
            if !answer.is_empty()
                && writing
                    .write_all(format!("{answer}\r\n").as_bytes())
                    .await
                    .is_err()
            {
                return;
            }
            next = lines.next_line().await.ok().flatten();
        }
    });
    let target = SmtpTarget {
        host: "127.0.0.1".to_owned(),
        port,
        security: Security::None,
        login: None,
        hello: "desk.example.kz".to_owned(),
        extra_ca: None,
        reach: Reach::Anywhere,
    };
    (target, hearing)
}
