//! The actions of staff and API keys, `/api/admin.php`.
mod attention;
mod bin;
mod bitrix24;
mod branding;
mod bulk;
mod categories;
mod channels;
pub(crate) mod clients;
mod contacts;
mod demo;
mod devices;
mod dkim;
mod drafts;
mod events;
mod figures;
mod keys;
mod knowledge;
mod lifecycle;
mod macros;
mod merging;
mod messages;
mod notifications;
mod operators;
mod password;
mod plan;
mod platform;
pub(crate) mod queue;
pub(crate) mod reference;
mod rehearsal;
mod second_factor;
pub(crate) mod session;
mod settings;
mod setup;
mod sla;
mod tariffs;
mod tickets;
mod time;
mod triggers;
mod views;
mod webhooks;
mod widget;

pub(crate) use devices::SessionView;
pub(crate) use messages::Viewer;

use super::Action;
use schemars::JsonSchema;
use serde::Serialize;

/// All groups, in the order of the reference.
pub(super) const GROUPS: &[(&str, &[Action])] = &[
    ("session", session::ACTIONS),
    ("session", password::ACTIONS),
    ("session", second_factor::ACTIONS),
    ("session", devices::ACTIONS),
    ("setup", setup::ACTIONS),
    ("tickets", queue::ACTIONS),
    ("tickets", tickets::ACTIONS),
    ("tickets", lifecycle::ACTIONS),
    ("tickets", time::ACTIONS),
    ("tickets", attention::ACTIONS),
    ("tickets", bulk::ACTIONS),
    ("tickets", merging::ACTIONS),
    ("tickets", bin::ACTIONS),
    ("tickets", views::ACTIONS),
    ("messages", messages::ACTIONS),
    ("messages", drafts::ACTIONS),
    ("clients", clients::ACTIONS),
    ("clients", contacts::ACTIONS),
    ("operators", operators::ACTIONS),
    ("keys", keys::ACTIONS),
    ("bitrix24", bitrix24::ACTIONS),
    ("figures", figures::ACTIONS),
    ("reference", reference::ACTIONS),
    ("knowledge", knowledge::ACTIONS),
    ("reference", categories::ACTIONS),
    ("sla", sla::ACTIONS),
    ("tariffs", tariffs::ACTIONS),
    ("macros", macros::ACTIONS),
    ("notifications", notifications::ACTIONS),
    ("automation", triggers::ACTIONS),
    ("webhooks", webhooks::ACTIONS),
    ("channels", channels::ACTIONS),
    ("channels", events::ACTIONS),
    ("channels", rehearsal::ACTIONS),
    ("channels", dkim::ACTIONS),
    ("widget", widget::ACTIONS),
    ("branding", branding::ACTIONS),
    ("settings", settings::ACTIONS),
    ("plan", plan::ACTIONS),
    ("plan", demo::ACTIONS),
    ("platform", platform::ACTIONS),
];

/// What was deleted.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Deleted {
    /// The id of what is gone.
    pub(crate) id: i64,
    /// Always true.
    pub(crate) deleted: bool,
}

impl Deleted {
    pub(crate) fn of(id: i64) -> Deleted {
        Deleted { id, deleted: true }
    }
}

/// Nothing to tell beyond that it was done.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Done {
    /// Always true.
    pub(crate) done: bool,
}

impl Done {
    pub(crate) const fn new() -> Done {
        Done { done: true }
    }
}
