//! What a ticket is made of, as the API speaks of it: the parameters of a change and the shapes of an answer.
use super::{csat::CsatView, status::Status};
use crate::{
    access::{ClientUser, Operator},
    api::field::{At, ContactId, FileId, MessageId, OperatorId, TagId, TicketId},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        $(#[$doc])*
        pub(crate) enum $name { $($(#[$variant_doc])* #[serde(rename = $word)] $variant,)* }
        impl $name {
            #[allow(dead_code, reason = "not every list is read out")]
            pub(crate) const ALL: &[$name] = &[$($name::$variant,)*];
            pub(crate) const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word,)* }
            }
            pub(crate) fn parse(text: &str) -> Option<$name> {
                match text { $($word => Some($name::$variant),)* _ => None }
            }
        }
        crate::db::sql::text_column!($name);
    };
}
pub(crate) use words;

words! {
    /// How much a ticket matters.
    Priority {
        Low = "low",
        Normal = "normal",
        Urgent = "urgent",
    }
}

words! {
    /// The way a ticket came in, and its answers go out.
    Origin {
        Api = "api",
        Portal = "portal",
        Widget = "widget",
        Email = "email",
        Telegram = "telegram",
        Whatsapp = "whatsapp",
        Max = "max",
        Phone = "phone",
    }
}

words! {
    /// Who wrote a message.
    Author {
        Client = "client",
        Support = "support",
        System = "system",
    }
}

words! {
    /// How a message that went out has fared.
    Delivery {
        Pending = "pending",
        Sent = "sent",
        Delivered = "delivered",
        Read = "read",
        Failed = "failed",
    }
}

words! {
    /// What kind of actor changed something.
    ActorKind {
        Operator = "operator",
        Client = "client",
        System = "system",
        Rule = "rule",
    }
}

words! {
    /// Where an estimate stands.
    EstimateStatus {
        Pending = "pending",
        Approved = "approved",
        Rejected = "rejected",
        Superseded = "superseded",
    }
}

crate::db::sql::text_column!(Status);

/// Whoever changes a ticket, as its history names them.
#[derive(Clone, Debug)]
pub(crate) struct Actor {
    pub(crate) kind: ActorKind,
    /// The operator, or the user of the client's portal.
    pub(crate) id: Option<i64>,
    pub(crate) name: String,
}

impl Actor {
    pub(crate) fn operator(operator: &Operator) -> Actor {
        Actor {
            kind: ActorKind::Operator,
            id: Some(operator.id.0),
            name: operator.name.clone(),
        }
    }

    pub(crate) fn client(user: &ClientUser) -> Actor {
        Actor {
            kind: ActorKind::Client,
            id: (user.user_id > 0).then_some(user.user_id),
            name: user.user_name.clone(),
        }
    }

    /// Somebody who wrote from outside, known by name only.
    pub(crate) fn visitor(name: &str) -> Actor {
        Actor {
            kind: ActorKind::Client,
            id: None,
            name: name.to_owned(),
        }
    }

    pub(crate) fn system() -> Actor {
        Actor {
            kind: ActorKind::System,
            id: None,
            name: "tehprof".to_owned(),
        }
    }
}

/// A label of tickets.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct TagView {
    /// The tag.
    pub(crate) id: TagId,
    /// What it says.
    pub(crate) name: String,
    /// Its colour, `#rrggbb`.
    pub(crate) color: String,
}

/// The last message of a ticket, in short.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct LastMessage {
    /// Its beginning, at most 140 characters.
    pub(crate) preview: String,
    /// Which side wrote it.
    pub(crate) author_type: Author,
    /// Who wrote it.
    pub(crate) author_name: String,
    /// When.
    pub(crate) created_at: At,
    /// Whether it is an internal note.
    pub(crate) is_note: bool,
}

/// A ticket as lists show it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct TicketRow {
    /// The ticket's number.
    pub(crate) id: TicketId,
    /// What it is about.
    pub(crate) subject: String,
    /// Where it stands.
    pub(crate) status: Status,
    /// How much it matters.
    pub(crate) priority: Priority,
    /// The code of its category.
    pub(crate) category: String,
    /// The client's portal, if the ticket belongs to a client.
    pub(crate) portal_domain: Option<String>,
    /// The client's company.
    pub(crate) company_name: Option<String>,
    /// The operator in charge.
    pub(crate) assigned_to: Option<OperatorId>,
    /// The name of the operator in charge.
    pub(crate) assigned_name: Option<String>,
    /// When it was opened.
    pub(crate) created_at: At,
    /// When anything last happened to it.
    pub(crate) updated_at: At,
    /// Who opened it.
    pub(crate) creator_name: String,
    /// Its public messages.
    pub(crate) message_count: i64,
    /// The other side's messages that are unread: for staff the client's, for a client the desk's.
    pub(crate) unread_count: i64,
    /// The way it came in.
    pub(crate) channel: Origin,
    /// Its labels.
    pub(crate) tags: Vec<TagView>,
    /// When the first answer is due.
    pub(crate) sla_response_at: Option<At>,
    /// When the solution is due.
    pub(crate) sla_resolution_at: Option<At>,
    /// Whether the first answer came or is late.
    pub(crate) sla_response_breached: bool,
    /// Whether the solution came or is late.
    pub(crate) sla_resolution_breached: bool,
    /// Whether the clock stands still.
    pub(crate) sla_paused: bool,
    /// When it was first answered.
    pub(crate) first_response_at: Option<At>,
    /// Until when it is out of sight.
    pub(crate) snoozed_until: Option<At>,
    /// The last message in short.
    pub(crate) last_message: Option<LastMessage>,
}

/// A ticket in the bin.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct DeletedTicket {
    #[serde(flatten)]
    pub(crate) row: TicketRow,
    /// When it was deleted.
    pub(crate) deleted_at: At,
    /// Who deleted it.
    pub(crate) deleted_by_name: Option<String>,
    /// When it will be removed for good.
    pub(crate) purge_at: At,
}

/// What a client is offered for work beyond the plan.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct EstimateView {
    /// Grows with every revision.
    pub(crate) version: i64,
    /// The hours of work.
    pub(crate) hours: f64,
    /// What they cost, if the client has a rate.
    pub(crate) cost: Option<f64>,
    /// The currency of the cost.
    pub(crate) currency: String,
    /// What will be done.
    pub(crate) description: String,
    /// What the client said.
    pub(crate) status: EstimateStatus,
    /// When it was made.
    pub(crate) created_at: At,
    /// When the client decided.
    pub(crate) decided_at: Option<At>,
    /// Who decided.
    pub(crate) decided_by: Option<String>,
    /// Why it was rejected.
    pub(crate) reason: Option<String>,
    /// The SHA-256 of what was offered: the ticket's number, then version, hours, cost with two decimals, currency and
    /// description, a line each.
    pub(crate) hash: String,
    /// By which way the client's word came.
    pub(crate) decided_via: Option<String>,
    /// The address from which it came; for staff only.
    pub(crate) decided_address: Option<String>,
}

/// The client of a ticket, in short.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct ClientCard {
    /// The client's portal.
    pub(crate) portal_domain: String,
    /// The company.
    pub(crate) company_name: String,
    /// The code of its tariff.
    pub(crate) tariff_plan: String,
    /// The hours its plan includes each month.
    pub(crate) hours_per_month: f64,
    /// The hours used this month.
    pub(crate) hours_used: f64,
    /// The hours left this month; none if the plan includes none.
    pub(crate) hours_left: f64,
    /// What an hour beyond the plan costs.
    pub(crate) hourly_rate: Option<f64>,
    /// The currency of the rate.
    pub(crate) currency: String,
    /// What the desk notes about it.
    pub(crate) notes: String,
}

/// Another ticket of the same client or contact.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct OtherTicket {
    /// The ticket's number.
    pub(crate) id: TicketId,
    /// What it is about.
    pub(crate) subject: String,
    /// Where it stands.
    pub(crate) status: Status,
    /// When anything last happened to it.
    pub(crate) updated_at: At,
}

/// An operator who is told what happens to a ticket without being in charge of it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Follower {
    /// The operator.
    pub(crate) operator_id: OperatorId,
    /// What they are called.
    pub(crate) name: String,
}

/// What may be done with a ticket next.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Can {
    /// The statuses it may be moved to.
    pub(crate) transitions: Vec<Status>,
}

/// A ticket with everything but its messages.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct TicketView {
    #[serde(flatten)]
    pub(crate) row: TicketRow,
    /// Its first message.
    pub(crate) description: String,
    /// Which contact opened it; null if none is known, or they were deleted.
    pub(crate) contact_id: Option<ContactId>,
    /// The address of who opened it.
    pub(crate) creator_email: Option<String>,
    /// The phone number of who opened it.
    pub(crate) creator_phone: Option<String>,
    /// The newest estimate.
    pub(crate) estimate: Option<EstimateView>,
    /// The estimates before it, the newest first.
    pub(crate) earlier_estimates: Vec<EstimateView>,
    /// What the client said of the work when it was last rated.
    pub(crate) csat: Option<CsatView>,
    /// What was done.
    pub(crate) result: Option<String>,
    /// The ticket it went on in.
    pub(crate) merged_into: Option<TicketId>,
    /// The closed ticket that a late reply would have reopened.
    pub(crate) previous_ticket: Option<TicketId>,
    /// The hours booked on it.
    pub(crate) hours_spent: f64,
    /// When it was done.
    pub(crate) done_at: Option<At>,
    /// When it was closed.
    pub(crate) closed_at: Option<At>,
    /// When it is due by agreement.
    pub(crate) due_at: Option<At>,
    /// Random public number, given to widget visitors in place of the id.
    pub(crate) reference: i64,
    /// Grows with every change; sent back, it guards a change against another one's.
    pub(crate) version: i64,
    /// What may be done next.
    pub(crate) can: Can,
    /// The client it belongs to.
    pub(crate) client: Option<ClientCard>,
    /// The newest other tickets of the same client or contact.
    pub(crate) other_tickets: Vec<OtherTicket>,
    /// The operators who follow it.
    pub(crate) followers: Vec<Follower>,
}

/// An attachment.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct FileView {
    /// The file.
    pub(crate) id: FileId,
    /// Its name.
    pub(crate) name: String,
    /// Its size in bytes.
    pub(crate) size: i64,
    /// Its media type.
    pub(crate) mime: String,
    /// Where to get it.
    pub(crate) url: String,
    /// Whether the message shows it in its text.
    pub(crate) inline: bool,
    /// By what the message's HTML shows it.
    pub(crate) content_id: Option<String>,
}

/// What somebody thinks of a message.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct ReactionView {
    /// The sign.
    pub(crate) emoji: String,
    /// Who left it.
    pub(crate) author_name: String,
}

/// A message of a ticket.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct MessageView {
    /// The message.
    pub(crate) id: MessageId,
    /// Its text; empty once deleted.
    pub(crate) message: String,
    /// A mail's HTML body, sanitised; to be shown in a sandboxed frame only.
    pub(crate) html: Option<String>,
    /// Where the folded quote begins, in UTF-16 units of `message`.
    pub(crate) quoted_from: Option<i64>,
    /// Which side wrote it.
    pub(crate) author_type: Author,
    /// Who wrote it.
    pub(crate) author_name: String,
    /// Whether it is an internal note.
    pub(crate) is_note: bool,
    /// When it was written.
    pub(crate) created_at: At,
    /// When it was last edited.
    pub(crate) edited_at: Option<At>,
    /// When it was deleted; it then has no text and no files.
    pub(crate) deleted_at: Option<At>,
    /// How it fared on its way out.
    pub(crate) delivery_status: Option<Delivery>,
    /// Why it could not be delivered.
    pub(crate) delivery_error: Option<String>,
    /// The way it came or went.
    pub(crate) channel: Origin,
    /// Whether it came from an address that is not a participant's.
    pub(crate) unverified: bool,
    /// Whether a machine wrote it, such as an out-of-office answer.
    pub(crate) automatic: bool,
    /// The operator who wrote it.
    pub(crate) operator_id: Option<OperatorId>,
    /// When it will leave; until then its client does not see it and it can be taken back.
    pub(crate) held_until: Option<At>,
    /// The message that it answers, where the messenger says so.
    pub(crate) reply_to: Option<MessageId>,
    /// What people think of it.
    pub(crate) reactions: Vec<ReactionView>,
    /// Its attachments.
    pub(crate) files: Vec<FileView>,
}

/// A change in a ticket's life.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct HistoryEntry {
    /// The entry.
    pub(crate) id: i64,
    /// When.
    pub(crate) at: At,
    /// What kind of actor.
    pub(crate) actor_type: ActorKind,
    /// Who.
    pub(crate) actor_name: String,
    /// What changed: `created`, `status`, `assigned`, `priority` and so on.
    pub(crate) kind: String,
    /// The earlier value.
    pub(crate) from: Option<String>,
    /// The new value.
    pub(crate) to: Option<String>,
    /// Why.
    pub(crate) note: Option<String>,
}
