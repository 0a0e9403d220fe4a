//! Who looks at which ticket and who has the desk open. Kept in memory only: it means nothing once the connections are gone.
use crate::{
    access::Operator,
    api::{
        admin::Viewer,
        field::{OperatorId, TenantId, TicketId},
    },
    clock::{Millis, SECOND},
};
use std::{collections::HashMap, sync::Mutex};
use tokio::sync::broadcast;

/// How long a look at a ticket counts without being repeated.
const LOOK: Millis = 30 * SECOND;

#[derive(Clone, Debug)]
struct Look {
    tenant: TenantId,
    ticket: TicketId,
    name: String,
    typing: bool,
    until: Millis,
}

/// Who looks at what, and who is told of it.
#[derive(Debug)]
pub(crate) struct Hub {
    looks: Mutex<HashMap<OperatorId, Look>>,
    /// How many live connections each operator has: one a tab.
    connections: Mutex<HashMap<OperatorId, usize>>,
    pub(super) moves: broadcast::Sender<(TenantId, TicketId)>,
    pub(super) closing: broadcast::Sender<()>,
}

impl Default for Hub {
    fn default() -> Hub {
        Hub {
            looks: Mutex::default(),
            connections: Mutex::default(),
            moves: broadcast::channel(256).0,
            closing: broadcast::channel(1).0,
        }
    }
}

impl Hub {
    /// Whether an operator has the desk open somewhere.
    pub(crate) fn is_online(&self, operator: OperatorId) -> bool {
        self.connections
            .lock()
            .is_ok_and(|map| map.contains_key(&operator))
    }

    pub(super) fn connected(&self, operator: OperatorId) {
        if let Ok(mut map) = self.connections.lock() {
            *map.entry(operator).or_default() += 1;
        }
    }

    /// Forgets a connection; with the last one goes the operator's look at a ticket.
    pub(super) fn disconnected(&self, by: &Operator, now: Millis) {
        let Ok(mut map) = self.connections.lock() else {
            return;
        };
        let left = map.get(&by.id).map_or(0, |n| n.saturating_sub(1));
        if left > 0 {
            map.insert(by.id, left);
            return;
        }
        map.remove(&by.id);
        drop(map);
        self.looks(by, None, false, now);
    }

    /// Notes that an operator looks at a ticket, or at none.
    pub(crate) fn looks(&self, by: &Operator, ticket: Option<TicketId>, typing: bool, now: Millis) {
        let look = ticket.map(|ticket| Look {
            tenant: by.tenant,
            ticket,
            name: by.name.clone(),
            typing,
            until: now + LOOK,
        });
        let Ok(mut looks) = self.looks.lock() else {
            return;
        };
        let before = match look.clone() {
            Some(look) => looks.insert(by.id, look),
            None => looks.remove(&by.id),
        };
        drop(looks);
        let seen = |look: &Option<Look>| look.as_ref().map(|l| (l.ticket, l.typing));
        if seen(&before) != seen(&look) {
            for look in before.into_iter().chain(look) {
                // Nobody listening is not a failure.
                let _ = self.moves.send((look.tenant, look.ticket));
            }
        }
    }

    /// Everybody who looks at a ticket now.
    pub(crate) fn viewers(&self, tenant: TenantId, ticket: TicketId, now: Millis) -> Vec<Viewer> {
        let Ok(mut looks) = self.looks.lock() else {
            return Vec::new();
        };
        looks.retain(|_, look| look.until > now);
        let mut viewers: Vec<Viewer> = looks
            .iter()
            .filter(|(_, look)| look.tenant == tenant && look.ticket == ticket)
            .map(|(&operator_id, look)| Viewer {
                operator_id,
                name: look.name.clone(),
                is_typing: look.typing,
            })
            .collect();
        viewers.sort_by_key(|v| (!v.is_typing, v.operator_id));
        viewers
    }

    /// Tells every live connection that the server is stopping.
    pub(crate) fn close(&self) {
        let _ = self.closing.send(());
    }
}
