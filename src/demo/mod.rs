//! The demo desk.

pub(crate) mod script;
