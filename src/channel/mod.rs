//! The channels by which messages come in and go out.
//!
//! In: [`smtp_in`], the webhooks, [`imap`], which fetches mail, and [`tend`], which polls, hand raw deliveries to [`inbound`], which stores them first and
//! then decides where they belong. Out: the verbs write to [`outbox`], [`outbound`] sends. [`email`] is the whole of mail
//! without a database; [`telegram`], [`whatsapp`] and [`max`] are the messengers, each an adapter behind [`messenger`].
//! [`rating`] asks clients what they think of the work, [`watch`] tells admins how the channels fare, [`dns`] compares what stands
//! in DNS for a mailbox with what is to stand there.
pub(crate) mod chat;
pub(crate) mod config;
pub(crate) mod dns;
pub(crate) mod email;
pub(crate) mod heard;
pub(crate) mod imap;
pub(crate) mod inbound;
pub(crate) mod mailbox;
mod marks;
pub(crate) mod max;
pub(crate) mod messenger;
pub(crate) mod outbound;
pub(crate) mod outbox;
mod parts;
mod peer;
pub(crate) mod rating;
pub(crate) mod smtp_in;
pub(crate) mod telegram;
pub(crate) mod tend;
pub(crate) mod watch;
pub(crate) mod whatsapp;

#[cfg(feature = "fuzzing")]
/// Reads a delivery as each messenger would.
pub(crate) fn strange_delivery(value: &serde_json::Value) {
    telegram::strange(value);
    whatsapp::strange(value);
    max::strange(value);
}
