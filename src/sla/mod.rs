//! The SLA clock: when a desk works, and by when it owes an answer and a result.

pub(crate) mod due;
pub(crate) mod holidays;
pub(crate) mod hours;
