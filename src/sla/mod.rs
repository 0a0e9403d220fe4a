//! The SLA clock: when a desk works, by when it owes an answer and a result, and how the clock of a ticket ran.

pub(crate) mod due;
pub(crate) mod holidays;
pub(crate) mod hours;
pub(crate) mod run;
