//! What a commit tells the rest of the program: live connections hear of changes, workers hear that there is work.
use crate::api::field::{OperatorId, TenantId};
use serde::Serialize;
use std::sync::Arc;
use tokio::sync::{Notify, broadcast};

/// A change that live connections may be told of. It names what changed and holds no content: whoever hears it fetches
/// through the API, where rights are checked.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Change {
    #[serde(skip)]
    pub(crate) tenant: i64,
    /// Grows with every change of the installation; a connection resumes after the last one it saw.
    pub(crate) seq: i64,
    pub(crate) kind: &'static str,
    pub(crate) ticket_id: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) actor_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) author_type: Option<&'static str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_note: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Signal {
    Changed(Arc<Change>),
    /// The outbox has a new row.
    Outbox,
    /// An inbound event was stored.
    Inbound,
    /// A channel was set up, changed or removed.
    Channels,
    /// A call of an outgoing webhook waits.
    Webhook,
    /// An operator has other notifications than before.
    Notified(TenantId, OperatorId),
    /// A notice was written.
    Notice,
    /// An operator's sessions or rights changed; live connections are to check theirs.
    Access,
}

/// Where signals go. One for the program, shared by the writer and everybody who listens.
#[derive(Debug)]
pub(crate) struct Signals {
    pub(crate) changes: broadcast::Sender<Arc<Change>>,
    pub(crate) access: broadcast::Sender<()>,
    pub(crate) outbox: Notify,
    pub(crate) inbound: Notify,
    pub(crate) channels: Notify,
    pub(crate) mailboxes: Notify,
    pub(crate) webhooks: Notify,
    pub(crate) notified: broadcast::Sender<(TenantId, OperatorId)>,
    pub(crate) notices: Notify,
}

impl Default for Signals {
    fn default() -> Signals {
        Signals {
            changes: broadcast::channel(1024).0,
            access: broadcast::channel(16).0,
            outbox: Notify::new(),
            inbound: Notify::new(),
            channels: Notify::new(),
            mailboxes: Notify::new(),
            webhooks: Notify::new(),
            notified: broadcast::channel(256).0,
            notices: Notify::new(),
        }
    }
}

impl Signals {
    pub(crate) fn emit(&self, signal: Signal) {
        match signal {
            // Nobody listening is not a failure.
            Signal::Changed(change) => drop(self.changes.send(change)),
            Signal::Access => drop(self.access.send(())),
            Signal::Outbox => self.outbox.notify_one(),
            Signal::Inbound => self.inbound.notify_one(),
            // Two look after channels, and each is to hear of it.
            Signal::Channels => {
                self.channels.notify_one();
                self.mailboxes.notify_one();
            }
            Signal::Webhook => self.webhooks.notify_one(),
            Signal::Notified(tenant, operator) => drop(self.notified.send((tenant, operator))),
            Signal::Notice => self.notices.notify_one(),
        }
    }
}
