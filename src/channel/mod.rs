//! The channels by which messages come in and go out.

pub(crate) mod email;
pub(crate) mod smtp_in;
