//! tehprof, a help desk in one file. This is the map of the program.
//!
//! | where | what |
//! |---|---|
//! | [`cli`] | the commands of the shell; `serve` is one of them |
//! | `app` | what lives as long as the program: database, secret, attachments, limits, who is connected |
//! | `http` | every URL in one match (`route`), the API's door (`api`), files, webhooks, live connections |
//! | `api` | the registry: one struct an action, one row each; dispatch, OpenAPI and tests fold over it |
//! | `access` | who is asking and what they may do; secrets and tokens |
//! | `audit` | what operators have changed, in a chain that shows when an entry is not what was written |
//! | `tenant`, `operator`, `client`, `contact` | companies that give support, their people, the companies they support, the people there |
//! | `knowledge` | the articles for readers outside and the search in them |
//! | `ticket` | the verbs of the desk; `status` is its state machine |
//! | `sla`, `tariff` | working time, deadlines and the way to them, as pure rules; what is sold to clients |
//! | `channel` | the ways in and out: mail, Telegram, WhatsApp, MAX; inbound events, the outbox; how they fare (`watch`) |
//! | `automation` | what follows from what happens: triggers, and macros that people apply |
//! | `webhook`, `notification` | other programs and operators are told of what happens; operators in the desk, by mail and in a chat of their own |
//! | `db` | the one writer, the readers, migrations; nobody else begins a transaction |
//! | `notice` | mails that belong to no ticket: links for a password and for the portal, codes, invitations, what operators are told of |
//! | `outbound_http`, `reach` | calls of other servers, and which addresses may be connected to |
//! | `tls` | certificates: of files, of an authority over ACME, of one's own |
//! | `backup` | the whole installation in one file, by hand and by the clock, and back |
//! | `import` | another desk's data, from its export |
//! | `meters`, `health`, `http::figures` | what the program counts about itself, `/metrics`, the deep health |
//! | `confine` | which files the process may open at all, and which calls of Linux it may make |
//! | `scrub`, `leftover` | what the disk has changed, what nothing names any more |
//! | `platform` | the installation as its head sees it: all tenants, faults, figures |
//! | `report` | the dashboard, the analysis of some days, reports as JSON, CSV and workbooks |
//! | `demo` | the desk that `serve --demo` shows |
//!
//! A request's life: `http::route` finds the door, `http::api` reads the body and asks `access` who this is,
//! `api::Action::dispatch` checks what the action needs and hands it to a reader (unless `api::shared` has an answer that
//! still holds) or to the writer, the action calls a
//! verb of `ticket`, the verb writes row, history, index and outbox in one transaction, the writer commits it together
//! with whatever else is queued and only then answers. Workers are woken by the commit and send what is to leave.
//!
//! What comes in: `http::hook`, `channel::smtp_in`, `channel::imap` or `channel::tend`, which polls, stores the raw bytes and acknowledges;
//! `channel::inbound` reads them, decides by pure rules where they belong and calls the same verbs. All readers of strangers'
//! bytes stand in `hostile` for property tests and in `fuzzing` for `tests/fuzz`.
mod access;
mod api;
mod app;
mod audit;
mod automation;
mod backup;
mod blob;
mod branding;
mod caps;
mod channel;
pub mod cli;
mod client;
mod clock;
mod config;
mod confine;
mod contact;
mod db;
mod demo;
mod error;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod health;
#[cfg(test)]
mod hostile;
mod http;
mod import;
mod knowledge;
mod lang;
mod leftover;
mod meters;
mod notice;
mod notification;
mod operator;
mod outbound_http;
mod platform;
mod private_file;
mod reach;
mod report;
mod scrub;
mod signal;
mod sla;
mod tariff;
mod tenant;
mod ticket;
mod tls;
mod webhook;
mod worker;

pub use app::Server;
pub use backup::schedule::Schedule;
pub use clock::{Clock, Millis};
pub use config::{Config, PrivateTargets};
pub use confine::Confinement;
pub use tls::acme::Order;
