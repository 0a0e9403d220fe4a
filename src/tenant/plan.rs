//! What each plan of a tenant allows. The table is the contract's; overrides of one tenant are laid over it.
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The plans, from the smallest to the largest.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Plan {
    Free,
    Starter,
    Pro,
    Business,
    Enterprise,
}

/// A right that an API key may carry.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Scope {
    Read,
    Write,
    Tickets,
    Messages,
    Clients,
    Webhooks,
}

impl Scope {
    pub(crate) const ALL: [Scope; 6] = [
        Scope::Read,
        Scope::Write,
        Scope::Tickets,
        Scope::Messages,
        Scope::Clients,
        Scope::Webhooks,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Scope::Read => "read",
            Scope::Write => "write",
            Scope::Tickets => "tickets",
            Scope::Messages => "messages",
            Scope::Clients => "clients",
            Scope::Webhooks => "webhooks",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Scope> {
        Scope::ALL.into_iter().find(|s| s.as_str() == text)
    }
}

/// What a tenant may use. `None` is without limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) keys: Option<u32>,
    pub(crate) scopes: &'static [Scope],
    pub(crate) requests_per_minute: u32,
    pub(crate) file_mb: u32,
    pub(crate) tickets_per_month: Option<u32>,
    pub(crate) operators: Option<u32>,
    pub(crate) clients: Option<u32>,
    pub(crate) storage_mb: u32,
}

impl Plan {
    pub(crate) const ALL: [Plan; 5] = [
        Plan::Free,
        Plan::Starter,
        Plan::Pro,
        Plan::Business,
        Plan::Enterprise,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Plan::Free => "free",
            Plan::Starter => "starter",
            Plan::Pro => "pro",
            Plan::Business => "business",
            Plan::Enterprise => "enterprise",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Plan> {
        Plan::ALL.into_iter().find(|p| p.as_str() == text)
    }

    pub(crate) const fn limits(self) -> Limits {
        use Scope::{Clients, Messages, Read, Tickets, Write};
        const WORKING: &[Scope] = &[Read, Write, Tickets, Messages, Clients];
        match self {
            Plan::Free => Limits {
                keys: Some(0),
                scopes: &[],
                requests_per_minute: 60,
                file_mb: 5,
                tickets_per_month: Some(50),
                operators: Some(1),
                clients: Some(10),
                storage_mb: 100,
            },
            Plan::Starter => Limits {
                keys: Some(1),
                scopes: &[Read, Tickets],
                requests_per_minute: 60,
                file_mb: 10,
                tickets_per_month: Some(200),
                operators: Some(3),
                clients: Some(50),
                storage_mb: 500,
            },
            Plan::Pro => Limits {
                keys: Some(3),
                scopes: WORKING,
                requests_per_minute: 120,
                file_mb: 25,
                tickets_per_month: Some(1_000),
                operators: Some(11),
                clients: Some(200),
                storage_mb: 2_048,
            },
            Plan::Business => Limits {
                keys: Some(10),
                scopes: WORKING,
                requests_per_minute: 300,
                file_mb: 50,
                tickets_per_month: Some(5_000),
                operators: Some(28),
                clients: Some(500),
                storage_mb: 10_240,
            },
            Plan::Enterprise => Limits {
                keys: None,
                scopes: &Scope::ALL,
                requests_per_minute: 600,
                file_mb: 100,
                tickets_per_month: None,
                operators: None,
                clients: None,
                storage_mb: 51_200,
            },
        }
    }
}

crate::db::sql::text_column!(Plan);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_larger_plan_never_allows_less() {
        let most = |limit: Option<u32>| limit.unwrap_or(u32::MAX);
        for pair in Plan::ALL.windows(2) {
            let (small, large) = (pair[0].limits(), pair[1].limits());
            assert!(most(small.keys) <= most(large.keys));
            assert!(small.scopes.iter().all(|s| large.scopes.contains(s)));
            assert!(small.requests_per_minute <= large.requests_per_minute);
            assert!(small.file_mb < large.file_mb);
            assert!(most(small.tickets_per_month) < most(large.tickets_per_month));
            assert!(most(small.operators) < most(large.operators));
            assert!(most(small.clients) < most(large.clients));
            assert!(small.storage_mb < large.storage_mb);
        }
    }
}
