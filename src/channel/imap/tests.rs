//! Conversations with a server that a test plays.

use std::time::Duration;

use async_imap::Client;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, duplex, split};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::gauge::Gauge;
use super::rest;
use super::session::{Conversation, LARGEST, Opened};
use super::trouble::Trouble;

/// What the server can do, and what it says while we are idle.
#[derive(Clone, Copy)]
struct Manner {
    can_idle: bool,
    tells: &'static str,
}

/// Lets us in and tells the commands that it heard.
async fn met(manner: Manner) -> (Conversation, mpsc::UnboundedReceiver<String>) {
    let (ours, theirs) = duplex(4096);
    let (said, heard) = mpsc::unbounded_channel();
    tokio::spawn(play(theirs, manner, said));
    let client = Client::new(Gauge::new(ours, LARGEST.into()));
    let session = client.login("help", "secret").await;
    let session = session.map_err(|(error, _)| error).unwrap();
    (Conversation::begin(session).await.unwrap(), heard)
}

async fn play(theirs: DuplexStream, manner: Manner, said: mpsc::UnboundedSender<String>) {
    let (read, mut write) = split(theirs);
    let mut lines = BufReader::new(read).lines();
    let mut idle = String::new();
    while let Ok(Some(line)) = lines.next_line().await {
        let (tag, command) = line.split_once(' ').unwrap_or(("", line.as_str()));
        let _ = said.send(command.to_owned());
        let answer = match command.split(' ').next().unwrap_or_default() {
            "CAPABILITY" if manner.can_idle => {
                format!("* CAPABILITY IMAP4rev1 IDLE\r\n{tag} OK\r\n")
            }
            "SELECT" => format!(
                "* 3 EXISTS\r\n* OK [UIDVALIDITY 7] UIDs valid\r\n{tag} OK [READ-WRITE] done\r\n"
            ),
            "UID" if command.contains("3:*") => {
                format!(
                    "* 3 FETCH (UID 9 RFC822.SIZE 5 INTERNALDATE \" 4-Mar-2026 08:07:33 +0000\")\r\n{tag} NO not now\r\n"
                )
            }
            "UID" => format!(
                "* 3 FETCH (UID 9 RFC822.SIZE 5)\r\n* 2 FETCH (UID 4 RFC822.SIZE 5)\r\n\
                 * 3 FETCH (FLAGS (\\Seen))\r\n* 3 FETCH (UID 9 RFC822.SIZE 5)\r\n{tag} OK done\r\n"
            ),
            "IDLE" => {
                tag.clone_into(&mut idle);
                format!("+ idling\r\n{}", manner.tells)
            }
            "DONE" => format!("{idle} OK done\r\n"),
            _ => format!("{tag} OK done\r\n"),
        };
        if write.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(200);

#[tokio::test]
async fn waiting_ends_with_news_or_when_its_time_is_over() {
    let manner = |tells| Manner {
        can_idle: true,
        tells,
    };
    let (mut news, _heard) = met(manner("* 4 EXISTS\r\n")).await;
    let began = Instant::now();
    news.wait(LONG, LONG).await.unwrap();
    assert!(began.elapsed() < LONG / 2);

    // Words that are no news do not prolong it.
    let (mut quiet, mut heard) = met(manner("* OK still here\r\n")).await;
    let began = Instant::now();
    quiet.wait(SHORT, LONG).await.unwrap();
    assert!(began.elapsed() >= SHORT && began.elapsed() < LONG / 2);
    quiet.wait(SHORT, LONG).await.unwrap();
    let mut all = Vec::new();
    while let Ok(command) = heard.try_recv() {
        all.push(command);
    }
    assert_eq!(all[2..], ["IDLE", "DONE", "IDLE", "DONE"]);

    let (mut going, _heard) = met(manner("* BYE restarting\r\n")).await;
    let ended = going.wait(LONG, LONG).await;
    assert!(matches!(ended, Err(Trouble::Passing(why)) if why.contains("restarting")));
}

#[tokio::test]
async fn a_server_that_does_not_tell_is_asked() {
    let manner = Manner {
        can_idle: false,
        tells: "",
    };
    let (mut asked, mut heard) = met(manner).await;
    asked.wait(LONG, SHORT).await.unwrap();
    let mut last = String::new();
    while let Ok(command) = heard.try_recv() {
        last = command;
    }
    assert_eq!(last, "NOOP");
}

#[tokio::test]
async fn mails_are_listed_in_order_and_a_refused_list_is_no_empty_one() {
    let manner = Manner {
        can_idle: true,
        tells: "",
    };
    let (mut asked, _heard) = met(manner).await;
    // It does not say which number is next, and the last mail does.
    let opened = Opened {
        validity: 7,
        next: 10,
    };
    assert_eq!(asked.open("INBOX").await.unwrap(), opened);
    let listed = asked.list(0).await.unwrap();
    let uids: Vec<u32> = listed.iter().map(|mail| mail.uid).collect();
    assert_eq!(uids, [4, 9]);
    let after: Vec<u32> = asked.list(4).await.unwrap().iter().map(|m| m.uid).collect();
    assert_eq!(after, [9]);
    let refused = asked.list(2).await;
    assert!(matches!(refused, Err(Trouble::Refused(why)) if why == "not now"));
}

#[test]
fn rests_grow_to_a_bound_and_a_login_is_tried_seldom() {
    let passing = Trouble::Passing(String::new());
    let login = Trouble::Login(String::new());
    let seconds = |trouble: &Trouble, failures| rest(trouble, failures, 0).as_secs();
    assert_eq!([1, 2, 3, 20].map(|n| seconds(&passing, n)), [1, 2, 4, 300]);
    assert_eq!([1, 2, 20].map(|n| seconds(&login, n)), [300, 600, 3600]);
    assert!(rest(&passing, 20, 999) > rest(&passing, 20, 0));
    assert!(rest(&passing, 20, u64::MAX) < Duration::from_secs(375));
}
