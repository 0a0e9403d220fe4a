//! Tickets: the rules of their life.

pub(crate) mod status;
