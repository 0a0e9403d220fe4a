//! Everything that is asked of the compiled program from outside: real processes, real SQLite files, real HTTP, WebSocket
//! and SMTP. What a rule decides by itself is tested beside the rule, in `src`.
#![allow(
    clippy::disallowed_methods,
    reason = "outside the program nobody is handed the time"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed, and figures are shown to who asks with --no-capture"
)]

mod support;

mod access;
mod api;
mod automation;
mod bitrix24;
mod changes;
mod channels;
mod confined;
mod credentials;
mod dkim;
mod dns;
mod durability;
mod erasing;
mod faults;
mod figures;
mod files;
mod fixtures;
mod imap;
mod import;
mod isolation;
mod journeys;
mod killed;
mod knowledge;
mod live;
mod mail;
mod matrix;
mod messengers;
mod narrowed;
mod notices;
mod outbox;
mod postfix;
mod ratings;
mod reference;
mod refusals;
mod registry;
mod rehearsal;
mod review_http;
mod sendgrid;
mod settings;
mod shell;
mod sla;
mod staff;
mod tenants;
mod transfer;
mod verbs;
mod webhooks;
mod widget;
mod written;
