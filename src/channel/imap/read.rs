//! Takes what is new out of an open folder into the store. A mail is known again by its bytes, whatever its number, so one
//! that comes twice is stored once; one that the server does not hand over is put aside and stops no other.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::dial::Target;
use super::position::{Place, Position};
use super::session::{Conversation, LARGEST, Listed, Opened};
use super::trouble::Trouble;
use crate::app::App;
use crate::channel::config::Channel;
use crate::channel::inbound::{self, Delivery, Envelope, Transport};
use crate::db::sql::first;
use crate::error::{Error, Result};

/// Beyond this size a mail needs one of the few places for large ones.
const LARGE: u32 = 1 << 20;
/// What is taken of a mail that is too large: its text, as a rule.
const BEGINNING: u32 = 1 << 20;
/// How often a server is asked for a mail that it lists and does not hand over.
const TRIES: u32 = 3;
/// After so many mails that were passed over it is written down how far that went.
const PASSED: u32 = 500;

/// Reads one mailbox.
pub(super) struct Reader {
    app: App,
    channel: Channel,
    place: Place,
    seats: Arc<Semaphore>,
    position: Option<Position>,
    /// The mail that was not handed over, and how often.
    stuck: (u32, u32),
}

impl Reader {
    pub(super) fn new(
        app: &App,
        channel: &Channel,
        target: &Target,
        seats: &Arc<Semaphore>,
    ) -> Reader {
        Reader {
            app: app.clone(),
            channel: channel.clone(),
            place: Place {
                host: target.host.clone(),
                username: target.username.clone(),
                folder: target.folder.clone(),
            },
            seats: Arc::clone(seats),
            position: None,
            stuck: (0, 0),
        }
    }

    /// Finds out where to go on in a folder that was just opened.
    pub(super) async fn resume(&mut self, opened: Opened) -> Result<()> {
        let id = self.channel.id;
        let kept = self
            .app
            .db
            .read(move |db| {
                first(
                    db,
                    "select cursor from channel where id = ?1",
                    [id],
                    |row| row.get::<_, Option<String>>(0),
                )
            })
            .await?
            .flatten();
        let before = kept.as_deref().and_then(Position::read);
        let now = self.app.db.clock().now();
        let place = self.place.clone();
        let position = Position::resume(before.clone(), place, opened.validity, opened.next, now);
        if before.as_ref() != Some(&position) {
            self.keep(&position, Vec::new()).await?;
        }
        self.position = Some(position);
        Ok(())
    }

    /// Takes everything that is new, the oldest first.
    pub(super) async fn take_new(
        &mut self,
        conversation: &mut Conversation,
    ) -> Result<(), Trouble> {
        let Some(mut position) = self.position.clone() else {
            return Ok(());
        };
        let mut passed = 0;
        for mail in conversation.list(position.last).await? {
            position.last = mail.uid;
            if position.is_past(mail.uid, mail.came_at) {
                passed += 1;
                if passed % PASSED == 0 {
                    self.keep(&position, Vec::new()).await?;
                }
            } else {
                passed = 0;
                self.take(conversation, mail, &position).await?;
            }
            self.position = Some(position.clone());
        }
        if passed > 0 {
            self.keep(&position, Vec::new()).await?;
        }
        Ok(())
    }

    /// Takes one mail and goes on behind it.
    async fn take(
        &mut self,
        conversation: &mut Conversation,
        mail: Listed,
        position: &Position,
    ) -> Result<(), Trouble> {
        let _seat = if mail.size > LARGE {
            let seat = self.seats.acquire().await;
            Some(seat.map_err(|error| Trouble::Ours(Error::internal(error)))?)
        } else {
            None
        };
        match fetch(conversation, mail).await {
            Ok(Some((raw, is_cut))) => {
                let delivery = self.delivery(raw, is_cut).await?;
                self.keep(position, delivery).await?;
                // Only now: a mail that nobody has yet must not look as if somebody had.
                conversation.mark_seen(mail.uid).await
            }
            // Somebody removed it meanwhile.
            Ok(None) => Ok(self.keep(position, Vec::new()).await?),
            Err(trouble @ (Trouble::Refused(_) | Trouble::Garbled(_))) => {
                self.stuck = match self.stuck {
                    (uid, times) if uid == mail.uid => (uid, times + 1),
                    _ => (mail.uid, 1),
                };
                let why = format!("mail {} is not handed over: {}", mail.uid, trouble.why());
                if self.stuck.1 >= TRIES {
                    let (cursor, envelope) = (position.text(), envelope(false));
                    inbound::set_aside(&self.app, &self.channel, &envelope, why, cursor).await?;
                    self.position = Some(position.clone());
                    // The connection may be in the middle of what could not be read.
                    return Err(Trouble::Passing("a mail was put aside".to_owned()));
                }
                Err(Trouble::Refused(why))
            }
            Err(trouble) => Err(trouble),
        }
    }

    /// What is to be stored of a mail: nothing if it is here already.
    async fn delivery(&self, raw: Vec<u8>, is_cut: bool) -> Result<Vec<Delivery>> {
        let hashed = tokio::task::spawn_blocking(move || (blake3::hash(&raw).to_hex(), raw));
        let (hash, raw) = hashed.await.map_err(Error::internal)?;
        let token = format!("imap:{hash}");
        let (tenant, id, asked) = (self.channel.tenant, self.channel.id, token.clone());
        let known: Option<i64> = self
            .app
            .db
            .read(move |db| {
                first(
                    db,
                    "select id from inbound_event where tenant_id = ?1 and channel_id = ?2 and token = ?3",
                    (tenant, id, asked),
                    |row| row.get(0),
                )
            })
            .await?;
        let delivery = Delivery {
            envelope: envelope(is_cut),
            raw,
            token: Some(token),
        };
        Ok(match known {
            Some(_) => Vec::new(),
            None => vec![delivery],
        })
    }

    /// Stores what was read and how far that is, in one transaction.
    async fn keep(&self, position: &Position, deliveries: Vec<Delivery>) -> Result<()> {
        let cursor = Some(position.text());
        inbound::store_all(&self.app, &self.channel, deliveries, cursor).await
    }
}

/// A mailbox says nothing of how a mail came to be in it; its headers do.
fn envelope(is_cut: bool) -> Envelope {
    Envelope {
        transport: Transport::Imap,
        from: None,
        to: Vec::new(),
        content_type: None,
        is_cut,
    }
}

/// Fetches a mail, and says whether it is only the beginning of one that is too large.
async fn fetch(
    conversation: &mut Conversation,
    mail: Listed,
) -> Result<Option<(Vec<u8>, bool)>, Trouble> {
    let most = if mail.size > LARGEST {
        BEGINNING
    } else {
        LARGEST
    };
    let Some(mut raw) = conversation.fetch(mail.uid, most).await? else {
        return Ok(None);
    };
    // The size that a server tells may be wrong; what came tells for sure.
    let is_cut = raw.len() >= most as usize;
    if is_cut {
        raw.truncate(BEGINNING as usize);
    }
    Ok(Some((raw, is_cut)))
}
