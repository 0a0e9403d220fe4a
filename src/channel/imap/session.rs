//! What is said to an IMAP server once it has let us in: open a folder, list what is new, fetch a mail, wait for more. Every
//! answer is read to its end and judged, every wait has its limit.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use async_imap::Session;
use async_imap::imap_proto::{
    AttributeValue, Capability, MailboxDatum, Response, ResponseCode, Status,
};
use jiff::Timestamp;
use tokio::time::{Instant, timeout, timeout_at};

use super::folder;
use super::gauge::Gauge;
use super::trouble::{Trouble, closed, said};
use crate::clock::Millis;

/// The largest mail that is taken whole, as by the listener for mail.
pub(super) const LARGEST: u32 = 50 << 20;
/// How long an answer may take that is no mail.
const ANSWER: Duration = Duration::from_secs(60);
/// A mail may take longer by a second for each of these bytes.
const BYTES_A_SECOND: u32 = 32 << 10;
/// The most mails that are listed at a time.
const MOST_LISTED: usize = 1_000_000;

/// A mail in a folder, before it is fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) uid: u32,
    /// As the server reckons; not all do so well.
    pub(super) size: u32,
    pub(super) came_at: Option<Millis>,
}

/// A folder that was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Opened {
    pub(super) validity: u32,
    /// The number of the next mail.
    pub(super) next: u32,
}

/// A server that has let us in.
pub(super) struct Conversation {
    session: Session<Gauge>,
    can_idle: bool,
    folder: Folder,
}

/// What is known of the open folder.
#[derive(Debug, Default)]
struct Folder {
    /// How many mails it holds.
    exists: u32,
    /// Whether more have come since it was listed last.
    has_news: bool,
    is_read_only: bool,
}

impl Conversation {
    /// Goes on with a session that was just begun.
    pub(super) async fn begin(session: Session<Gauge>) -> Result<Conversation, Trouble> {
        let mut conversation = Conversation {
            session,
            can_idle: false,
            folder: Folder::default(),
        };
        // What is offered after the login may be more than before.
        let mut offered = BTreeSet::new();
        conversation
            .command("CAPABILITY", ANSWER, |response| {
                capabilities(response, &mut offered);
                Ok(())
            })
            .await?;
        conversation.can_idle = offered.contains("IDLE");
        Ok(conversation)
    }

    /// Says a command, hands every answer to `each` and waits for the end of it.
    async fn command(
        &mut self,
        text: &str,
        longest: Duration,
        mut each: impl FnMut(&Response<'_>) -> Result<(), Trouble>,
    ) -> Result<(), Trouble> {
        let talk = async {
            let id = self.session.run_command(text).await?;
            loop {
                let answer = self.session.read_response().await?;
                let answer = answer.ok_or_else(closed)?;
                match answer.parsed() {
                    Response::Done {
                        tag,
                        status,
                        outcome,
                    } if *tag == id => {
                        // What an OK says beside itself may be of use as well.
                        each(answer.parsed())?;
                        return match status {
                            Status::Ok => Ok(()),
                            _ => Err(Trouble::Refused(said(outcome))),
                        };
                    }
                    other => {
                        self.folder.note(other)?;
                        each(other)?;
                    }
                }
            }
        };
        timeout(longest, talk).await.unwrap_or_else(|_| {
            Err(Trouble::Passing(format!(
                "no answer within {} s",
                longest.as_secs()
            )))
        })
    }

    /// Opens a folder.
    pub(super) async fn open(&mut self, name: &str) -> Result<Opened, Trouble> {
        let text = format!("SELECT {}", folder::quoted(&folder::spelled(name)));
        let (mut validity, mut next, mut is_read_only) = (None, None, false);
        self.folder = Folder::default();
        let opened = self.command(&text, ANSWER, |response| {
            match code(response) {
                Some(ResponseCode::UidValidity(number)) => validity = Some(*number),
                Some(ResponseCode::UidNext(number)) => next = Some(*number),
                Some(ResponseCode::ReadOnly) => is_read_only = true,
                _ => {}
            }
            Ok(())
        });
        opened.await.map_err(|trouble| match trouble {
            Trouble::Refused(why) => {
                Trouble::Settings(format!("the folder \"{name}\" cannot be opened: {why}"))
            }
            other => other,
        })?;
        self.folder.is_read_only = is_read_only;
        let validity = validity.ok_or_else(|| {
            Trouble::Settings(format!("the mails of \"{name}\" have no lasting numbers"))
        })?;
        let next = match next {
            Some(next) => next,
            // An old server does not tell; the number of the last mail does.
            None => {
                let last = self.list(0).await?.into_iter().next_back();
                last.map_or(1, |mail| mail.uid.saturating_add(1))
            }
        };
        Ok(Opened { validity, next })
    }

    /// The mails after a number, in order.
    pub(super) async fn list(&mut self, after: u32) -> Result<Vec<Listed>, Trouble> {
        // Of an empty folder `*` means nothing.
        self.folder.has_news = false;
        if self.folder.exists == 0 {
            return Ok(Vec::new());
        }
        let from = after.saturating_add(1);
        let mut found = Vec::new();
        let text = format!("UID FETCH {from}:* (UID RFC822.SIZE INTERNALDATE)");
        self.command(&text, ANSWER * 5, |response| {
            if let Some(mail) = listed(response) {
                found.push(mail);
            }
            match found.len() {
                ..=MOST_LISTED => Ok(()),
                _ => Err(Trouble::Garbled("it lists mails without end".to_owned())),
            }
        })
        .await?;
        // `*` is the last mail also where that is not after the number.
        found.retain(|mail| mail.uid > after);
        found.sort_by_key(|mail| mail.uid);
        found.dedup_by_key(|mail| mail.uid);
        Ok(found)
    }

    /// The first bytes of a mail, unless it is gone. It stays unread.
    pub(super) async fn fetch(&mut self, uid: u32, most: u32) -> Result<Option<Vec<u8>>, Trouble> {
        let mut raw = None;
        let longest = ANSWER + Duration::from_secs(u64::from(most / BYTES_A_SECOND));
        let text = format!("UID FETCH {uid} (UID BODY.PEEK[]<0.{most}>)");
        self.command(&text, longest, |response| {
            if let Some(bytes) = body(response, uid) {
                raw = Some(bytes.to_vec());
            }
            Ok(())
        })
        .await?;
        Ok(raw)
    }

    /// Marks a mail as read, for people who look into the mailbox. That it may not be so is no trouble of ours.
    pub(super) async fn mark_seen(&mut self, uid: u32) -> Result<(), Trouble> {
        if self.folder.is_read_only {
            return Ok(());
        }
        let text = format!("UID STORE {uid} +FLAGS.SILENT (\\Seen)");
        match self.command(&text, ANSWER, |_| Ok(())).await {
            Err(Trouble::Refused(why)) => {
                tracing::debug!(%why, "a mail could not be marked as read");
                Ok(())
            }
            other => other,
        }
    }

    /// Waits until the server has news, for `idle` at most; a server that tells nothing by itself is left alone for
    /// `pause`.
    pub(super) async fn wait(&mut self, idle: Duration, pause: Duration) -> Result<(), Trouble> {
        if self.folder.has_news {
            return Ok(());
        }
        if !self.can_idle {
            tokio::time::sleep(pause).await;
            return self.command("NOOP", ANSWER, |_| Ok(())).await;
        }
        match self.idle(idle).await {
            Err(Trouble::Refused(why)) => {
                tracing::info!(%why, "a server offers IDLE and does not do it");
                self.can_idle = false;
                Ok(())
            }
            other => other,
        }
    }

    async fn idle(&mut self, longest: Duration) -> Result<(), Trouble> {
        let id = self.session.run_command("IDLE").await?;
        // The server agrees, tells, and ends the command once we are done.
        let (mut agreed, mut is_done) = (false, false);
        let mut until = Instant::now() + ANSWER;
        loop {
            let ends = match timeout_at(until, self.session.read_response()).await {
                // What else the server says meanwhile does not prolong this.
                Err(_) if agreed && !is_done => true,
                Err(_) => {
                    let why = format!("no answer within {} s", ANSWER.as_secs());
                    return Err(Trouble::Passing(why));
                }
                Ok(answer) => {
                    let answer = answer?.ok_or_else(closed)?;
                    match answer.parsed() {
                        Response::Continue(_) if !agreed => {
                            (agreed, until) = (true, Instant::now() + longest);
                            self.folder.has_news
                        }
                        Response::Done {
                            tag,
                            status,
                            outcome,
                        } if *tag == id => {
                            return match status {
                                Status::Ok => Ok(()),
                                _ => Err(Trouble::Refused(said(outcome))),
                            };
                        }
                        other => {
                            self.folder.note(other)?;
                            matches!(other, Response::MailboxData(MailboxDatum::Exists(_)))
                        }
                    }
                }
            };
            if ends && agreed && !is_done {
                self.session.run_command_untagged("DONE").await?;
                (is_done, until) = (true, Instant::now() + ANSWER);
            }
        }
    }

    /// Says goodbye; a server that does not answer it is left all the same.
    pub(super) async fn leave(mut self) {
        let goodbye = self.command("LOGOUT", Duration::from_secs(5), |_| Ok(()));
        let _ = goodbye.await;
    }
}

impl Folder {
    /// Takes note of what any answer may tell: how many mails there are, and that the server is going.
    fn note(&mut self, response: &Response<'_>) -> Result<(), Trouble> {
        match response {
            Response::MailboxData(MailboxDatum::Exists(number)) => {
                self.has_news |= *number > self.exists;
                self.exists = *number;
            }
            Response::Expunge(_) => self.exists = self.exists.saturating_sub(1),
            Response::Data {
                status: Status::Bye,
                outcome,
            } => {
                let why = format!("the server ended the connection: {}", said(outcome));
                return Err(Trouble::Passing(why));
            }
            _ => {}
        }
        Ok(())
    }
}

/// Adds what a server says that it can do.
pub(super) fn capabilities(response: &Response<'_>, found: &mut BTreeSet<String>) {
    let list = match response {
        Response::Capabilities(list) => list,
        other => match code(other) {
            Some(ResponseCode::Capabilities(list)) => list,
            _ => return,
        },
    };
    for capability in list {
        found.insert(match capability {
            Capability::Imap4rev1 => "IMAP4REV1".to_owned(),
            Capability::Auth(name) => format!("AUTH={}", name.to_uppercase()),
            Capability::Atom(name) => name.to_uppercase(),
        });
    }
}

fn code<'a>(response: &'a Response<'_>) -> Option<&'a ResponseCode<'a>> {
    match response {
        Response::Data { outcome, .. } | Response::Done { outcome, .. } => outcome.code.as_ref(),
        _ => None,
    }
}

fn listed(response: &Response<'_>) -> Option<Listed> {
    let Response::Fetch(_, attributes) = response else {
        return None;
    };
    let (mut uid, mut size, mut came_at) = (None, 0, None);
    for attribute in attributes {
        match attribute {
            AttributeValue::Uid(number) => uid = Some(*number),
            AttributeValue::Rfc822Size(bytes) => size = *bytes,
            AttributeValue::InternalDate(text) => came_at = instant(text),
            _ => {}
        }
    }
    let uid = uid?;
    Some(Listed { uid, size, came_at })
}

/// A time as IMAP writes it: ` 4-Mar-2026 13:07:33 +0500`.
fn instant(text: &str) -> Option<Millis> {
    let time = Timestamp::strptime("%d-%b-%Y %H:%M:%S %z", text.trim()).ok()?;
    Some(time.as_millisecond())
}

/// The bytes of a mail, if the answer is about it.
fn body<'a>(response: &'a Response<'_>, wanted: u32) -> Option<&'a Cow<'a, [u8]>> {
    let Response::Fetch(_, attributes) = response else {
        return None;
    };
    let is_it = attributes
        .iter()
        .any(|attribute| matches!(attribute, AttributeValue::Uid(uid) if *uid == wanted));
    attributes.iter().find_map(|attribute| match attribute {
        AttributeValue::BodySection {
            section: None,
            data: Some(bytes),
            ..
        } if is_it => Some(bytes),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_imap_writes_them() {
        assert_eq!(
            instant("04-Mar-2026 13:07:33 +0500"),
            Some(1_772_611_653_000)
        );
        assert_eq!(
            instant(" 4-Mar-2026 08:07:33 +0000"),
            Some(1_772_611_653_000)
        );
        assert_eq!(instant("yesterday"), None);
    }
}
