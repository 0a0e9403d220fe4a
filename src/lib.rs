//! The rules that need no database: statuses, the SLA clock and the demo desk's script.
#![allow(dead_code)]

mod demo;
mod sla;
mod ticket;
