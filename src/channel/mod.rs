//! The channels by which messages come in and go out.
//!
//! In: [`smtp_in`] and the webhooks hand raw deliveries to [`inbound`], which stores them first and then decides where they
//! belong. Out: the verbs write to [`outbox`], [`outbound`] sends. [`email`] is the whole of mail without a database.
pub(crate) mod config;
pub(crate) mod email;
pub(crate) mod inbound;
pub(crate) mod mailbox;
pub(crate) mod outbound;
pub(crate) mod outbox;
pub(crate) mod smtp_in;
