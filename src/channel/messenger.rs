//! What every messenger can do, whichever it is. Nothing here waits inside a transaction; the adapters know no database.
use super::{
    config::{Channel, ChannelType},
    heard::{Heard, Media},
    max,
    parts::{Limits, Part},
    telegram, whatsapp,
};
use crate::{
    app::App,
    clock::{HOUR, Millis, SECOND},
};
use futures_util::future::BoxFuture;
use serde_json::Value;

/// To whom something is sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct To {
    pub(crate) address: String,
    pub(crate) topic: Option<String>,
}

/// A part with the bytes of its files, as a provider is handed it.
#[derive(Debug)]
pub(crate) struct Load<'a> {
    pub(crate) part: &'a Part,
    /// In the order that the part names them.
    pub(crate) bytes: Vec<Vec<u8>>,
    pub(crate) buttons: &'a [Vec<Button>],
}

/// Something to press below a message.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Button {
    pub(crate) text: String,
    pub(crate) data: String,
}

/// How a call to a provider ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// Taken, and what the provider calls it.
    Delivered(Vec<String>),
    /// Asked to wait; that is no failure.
    Wait { ms: Millis, why: String },
    /// Not taken now.
    Retry { why: String },
    /// Nobody was there to take it: nothing was said at all.
    Unreached { why: String },
    /// Not taken now or later. Somebody `gone` takes nothing from us any more.
    Refused { why: String, gone: bool },
    /// The chat is called so now.
    Moved { to: String },
}

/// The longest that a provider may make us wait in one go.
const LONGEST_WAIT: Millis = HOUR;

/// How long we wait if a provider tells us to.
pub(crate) fn told_to_wait(told: Millis) -> Millis {
    told.clamp(SECOND, LONGEST_WAIT)
}

/// Why a file was not fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unfetched {
    /// Another attempt may succeed.
    Later(String),
    /// It cannot be had.
    Never(String),
}

/// What a test of a channel found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Checked {
    /// Who answered, in words.
    pub(crate) server: String,
    /// What the provider calls us.
    pub(crate) handle: Option<String>,
    /// Where the connection behind it stands.
    pub(crate) link: Option<super::heard::Link>,
}

/// A messenger.
pub(crate) trait Messenger: Send + Sync {
    fn limits(&self) -> Limits;
    /// Sends one part.
    fn send<'a>(&'a self, to: &'a To, load: Load<'a>) -> BoxFuture<'a, Sent>;
    /// Gives a message that was sent another text.
    fn edit<'a>(&'a self, to: &'a To, external: &'a str, text: &'a str) -> BoxFuture<'a, Sent>;
    /// Puts other words in the place of a message that was sent; its buttons are gone.
    fn replace<'a>(&'a self, to: &'a To, external: &'a str, text: &'a str) -> BoxFuture<'a, Sent> {
        self.edit(to, external, text)
    }
    /// Takes a message back.
    fn revoke<'a>(&'a self, to: &'a To, external: &'a str) -> BoxFuture<'a, Sent>;
    /// Tells whoever pressed a button that it was heard.
    fn acknowledge<'a>(&'a self, callback: &'a str, text: &'a str) -> BoxFuture<'a, Sent>;
    /// Connects and signs in. Answers who answered, or what is wrong in words.
    fn check(&self) -> BoxFuture<'_, Result<Checked, String>>;
    /// Asks the provider to post to `url`, each time with `secret`.
    fn listen<'a>(&'a self, url: &'a str, secret: &'a str) -> BoxFuture<'a, Result<(), String>>;
    /// Asks the provider to post no more.
    fn deafen<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<(), String>>;
    /// Fetches a file that came with a message, at most `limit` bytes of it.
    fn fetch<'a>(
        &'a self,
        media: &'a Media,
        limit: u64,
    ) -> BoxFuture<'a, Result<Vec<u8>, Unfetched>>;
    /// Waits for what is new since `cursor`. Answers the events and the new cursor.
    fn poll<'a>(&'a self, cursor: Option<&'a str>) -> BoxFuture<'a, Result<Polled, Unpolled>>;
}

/// What polling brought.
#[derive(Clone, Debug, Default)]
pub(crate) struct Polled {
    pub(crate) events: Vec<Value>,
    pub(crate) cursor: Option<String>,
}

/// Why polling brought nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unpolled {
    /// Try again, not before so long if the provider says how long.
    Later { why: String, wait: Option<Millis> },
    /// Somebody else reads with the same token; fighting over it helps nobody.
    Taken(String),
    /// A webhook is set, which excludes polling.
    Hooked(String),
    /// The token does not hold.
    Never(String),
}

/// The messenger behind a channel; mail is none.
pub(crate) fn of(app: &App, channel: &Channel) -> Option<Box<dyn Messenger>> {
    match channel.kind {
        ChannelType::Email => None,
        ChannelType::Telegram => Some(Box::new(telegram::Bot::of(app, channel))),
        ChannelType::Whatsapp => Some(Box::new(whatsapp::Instance::of(app, channel))),
        ChannelType::Max => Some(Box::new(max::Bot::of(app, channel))),
    }
}

/// What a stored delivery says.
pub(crate) fn heard(channel: &Channel, delivery: &Value) -> Vec<Heard> {
    match channel.kind {
        ChannelType::Email => Vec::new(),
        ChannelType::Telegram => telegram::heard(channel, delivery),
        ChannelType::Whatsapp => whatsapp::heard(channel, delivery),
        ChannelType::Max => max::heard(channel, delivery),
    }
}

/// What makes a delivery the same when it comes again.
pub(crate) fn token(kind: ChannelType, delivery: &Value) -> Option<String> {
    match kind {
        ChannelType::Email => None,
        ChannelType::Telegram => Some(telegram::token(delivery)),
        ChannelType::Whatsapp => Some(whatsapp::token(delivery)),
        ChannelType::Max => Some(max::token(delivery)),
    }
}
