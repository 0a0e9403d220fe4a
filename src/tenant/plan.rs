//! What each plan of a tenant allows. The table is the contract's; what one tenant has otherwise is laid over it in
//! [`super::limits`].
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

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

/// A channel that not every plan has; e-mail and the widget belong to all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Messenger {
    Telegram,
    Whatsapp,
    Max,
}

impl Messenger {
    pub(crate) const ALL: [Messenger; 3] =
        [Messenger::Telegram, Messenger::Whatsapp, Messenger::Max];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Messenger::Telegram => "telegram",
            Messenger::Whatsapp => "whatsapp",
            Messenger::Max => "max",
        }
    }
}

/// A part of the product that begins with a plan. The registry's rows say which actions it is; this is what people are
/// told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Feature {
    KnowledgeBase,
    SlaRules,
    QuickReplies,
    Dashboard,
    Automation,
    FullAnalytics,
    OutgoingWebhooks,
    WhiteLabel,
    Bitrix24Crm,
    WebhooksScope,
    Bulk,
}

impl Feature {
    pub(crate) const ALL: [Feature; 11] = [
        Feature::KnowledgeBase,
        Feature::SlaRules,
        Feature::QuickReplies,
        Feature::Dashboard,
        Feature::Automation,
        Feature::FullAnalytics,
        Feature::OutgoingWebhooks,
        Feature::WhiteLabel,
        Feature::Bitrix24Crm,
        Feature::WebhooksScope,
        Feature::Bulk,
    ];

    /// The plan that it begins with.
    pub(crate) const fn begins(self) -> Plan {
        match self {
            Feature::KnowledgeBase => Plan::Free,
            Feature::SlaRules | Feature::QuickReplies | Feature::Dashboard => Plan::Starter,
            Feature::Automation
            | Feature::FullAnalytics
            | Feature::OutgoingWebhooks
            | Feature::WhiteLabel => Plan::Pro,
            Feature::Bitrix24Crm => Plan::Business,
            Feature::WebhooksScope | Feature::Bulk => Plan::Enterprise,
        }
    }
}

/// What a tenant may use. `null` is without limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Limits {
    /// API keys that are valid at once.
    pub(crate) keys: Option<u32>,
    /// The scopes that a key may have.
    pub(crate) scopes: Cow<'static, [Scope]>,
    /// Calls of one key in a minute.
    pub(crate) requests_per_minute: u32,
    /// The size of one file, in megabytes.
    pub(crate) file_mb: u32,
    /// Tickets that are opened in a month of the tenant's own calendar.
    pub(crate) tickets_per_month: Option<u32>,
    /// People with the role of an operator.
    pub(crate) operators: Option<u32>,
    /// People with the role of a supervisor.
    pub(crate) supervisors: Option<u32>,
    /// Companies that are supported.
    pub(crate) clients: Option<u32>,
    /// All attachments together, in megabytes.
    pub(crate) storage_mb: u32,
    /// The channels beside e-mail and the widget.
    pub(crate) channels: Cow<'static, [Messenger]>,
}

impl Limits {
    /// How large a file may be, in bytes.
    pub(crate) fn file_bytes(&self) -> u64 {
        u64::from(self.file_mb) << 20
    }

    /// Refuses one more of what the tenant has `have` of already.
    pub(crate) fn room_for_one(
        what: &'static str,
        most: Option<u32>,
        have: u32,
    ) -> crate::error::Result<()> {
        match most {
            Some(most) if have >= most => {
                Err(crate::error::Error::new(crate::error::Code::PlanLimit)
                    .with("limit", most.to_string())
                    .with("resource", what))
            }
            _ => Ok(()),
        }
    }

    /// Refuses a type of channel that the plan does not have.
    pub(crate) fn channel(&self, kind: &str) -> crate::error::Result<()> {
        let messenger = Messenger::ALL.into_iter().find(|m| m.as_str() == kind);
        match messenger {
            Some(messenger) if !self.channels.contains(&messenger) => {
                Err(plan_required(Plan::first_with(|limits| {
                    limits.channels.contains(&messenger)
                })))
            }
            _ => Ok(()),
        }
    }

    /// Refuses a scope that no key of the plan may have.
    pub(crate) fn scope(&self, scope: Scope) -> crate::error::Result<()> {
        if self.scopes.contains(&scope) {
            return Ok(());
        }
        Err(plan_required(Plan::first_with(|limits| {
            limits.scopes.contains(&scope)
        })))
    }
}

/// Says that something begins with a larger plan.
pub(crate) fn plan_required(plan: Plan) -> crate::error::Error {
    crate::error::Error::new(crate::error::Code::PlanRequired).with("required_plan", plan.as_str())
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

    /// The smallest plan whose limits are so; the largest if none is.
    fn first_with(so: impl Fn(&Limits) -> bool) -> Plan {
        Plan::ALL
            .into_iter()
            .find(|plan| so(&plan.limits()))
            .unwrap_or(Plan::Enterprise)
    }

    /// What the plan itself allows; a tenant's own limits are [`super::limits::of`].
    pub(super) const fn limits(self) -> Limits {
        use Scope::{Clients, Messages, Read, Tickets, Write};
        const WORKING: &[Scope] = &[Read, Write, Tickets, Messages, Clients];
        match self {
            Plan::Free => Limits {
                keys: Some(0),
                scopes: Cow::Borrowed(&[]),
                requests_per_minute: 60,
                file_mb: 5,
                tickets_per_month: Some(50),
                operators: Some(1),
                supervisors: Some(0),
                clients: Some(10),
                storage_mb: 100,
                channels: Cow::Borrowed(&[]),
            },
            Plan::Starter => Limits {
                keys: Some(1),
                scopes: Cow::Borrowed(&[Read, Tickets]),
                requests_per_minute: 60,
                file_mb: 10,
                tickets_per_month: Some(200),
                operators: Some(3),
                supervisors: Some(0),
                clients: Some(50),
                storage_mb: 500,
                channels: Cow::Borrowed(&[Messenger::Telegram, Messenger::Whatsapp]),
            },
            Plan::Pro => Limits {
                keys: Some(3),
                scopes: Cow::Borrowed(WORKING),
                requests_per_minute: 120,
                file_mb: 25,
                tickets_per_month: Some(1_000),
                operators: Some(10),
                supervisors: Some(1),
                clients: Some(200),
                storage_mb: 2_048,
                channels: Cow::Borrowed(&Messenger::ALL),
            },
            Plan::Business => Limits {
                keys: Some(10),
                scopes: Cow::Borrowed(WORKING),
                requests_per_minute: 300,
                file_mb: 50,
                tickets_per_month: Some(5_000),
                operators: Some(25),
                supervisors: Some(3),
                clients: Some(500),
                storage_mb: 10_240,
                channels: Cow::Borrowed(&Messenger::ALL),
            },
            Plan::Enterprise => Limits {
                keys: None,
                scopes: Cow::Borrowed(&Scope::ALL),
                requests_per_minute: 600,
                file_mb: 100,
                tickets_per_month: None,
                operators: None,
                supervisors: None,
                clients: None,
                storage_mb: 51_200,
                channels: Cow::Borrowed(&Messenger::ALL),
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
            assert!(most(small.supervisors) <= most(large.supervisors));
            assert!(small.channels.iter().all(|c| large.channels.contains(c)));
            assert!(most(small.clients) < most(large.clients));
            assert!(small.storage_mb < large.storage_mb);
        }
    }
}
