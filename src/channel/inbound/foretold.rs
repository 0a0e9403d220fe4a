//! What is told of a delivery that has not come in: see [`super::rehearse`].
use crate::{api::field::TicketId, automation::trigger::Run, ticket::model::TicketRow};
use schemars::JsonSchema;
use serde::Serialize;

/// What would become of a delivery, or of a part of one.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct Rehearsal {
    /// What would become of it, such as `ticket`, `message`, `ignored`.
    pub(super) outcome: String,
    /// The rule that would decide so.
    pub(super) rule: String,
    /// The rule in words.
    pub(super) why: String,
    /// What could not be read of it.
    pub(super) detail: Option<String>,
    /// The mail as it was read; nothing for a messenger.
    pub(super) mail: Option<MailRead>,
    /// The signs that a machine or the desk itself wrote it.
    pub(super) guards: Vec<Guard>,
    /// What in it points at a ticket, the strongest first.
    pub(super) keys: Vec<Key>,
    /// Whether it would open a ticket of its own.
    pub(super) is_new_ticket: bool,
    /// The ticket as it would be then; the number of a new one is not taken yet.
    pub(super) ticket: Option<TicketRow>,
    /// The earlier ticket that a new one would name.
    pub(super) previous_ticket: Option<TicketId>,
    /// The message that it would be, or of which it speaks.
    pub(super) message: Option<Words>,
    /// The triggers whose conditions it would meet, in their order.
    pub(super) triggers: Vec<Run>,
    /// What the desk would send.
    pub(super) outgoing: Vec<Outgoing>,
}

/// What was read of a mail.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct MailRead {
    /// The name in `From`.
    pub(super) from_name: String,
    /// The address in `From`, or the sender that the transport named.
    pub(super) from_email: Option<String>,
    /// Whom it was sent to.
    pub(super) to: Vec<String>,
    /// Its subject.
    pub(super) subject: String,
    /// Its Message-ID.
    pub(super) message_id: Option<String>,
    /// Whether a machine wrote it: it is kept as a note where it joins a ticket.
    pub(super) is_automatic: bool,
    /// Whether it went to many.
    pub(super) is_bulk: bool,
    /// Whether nothing automatic may answer it.
    pub(super) is_unanswered: bool,
    /// Whether it is a mail of the desk's own.
    pub(super) is_own: bool,
}

/// A sign that a machine or the desk itself wrote a mail.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Guard {
    /// Its name.
    pub(super) name: String,
    /// The same in words.
    pub(super) why: String,
}

/// Something in a mail that points at a ticket.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Key {
    /// `reply_address`, `in_reply_to`, `references`, `known_in_reply_to`, `known_references` or `subject_number`. Those that are
    /// `known` are ids of others' mails, stored when they came.
    pub(super) kind: &'static str,
    /// The Message-ID, where it is one of another's mail.
    pub(super) value: Option<String>,
    /// The ticket that it leads to.
    pub(super) ticket_id: Option<TicketId>,
    /// How that ticket stands: `open`, `expired` if it has been closed too long, `gone`, or `unknown` if there is none.
    pub(super) state: &'static str,
    /// Whether the sender takes part in that ticket.
    pub(super) takes_part: bool,
    /// Whether it decides.
    pub(super) decides: bool,
}

/// The message that a delivery would be.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Words {
    /// Who would be shown as its author.
    pub(super) author_name: String,
    /// What stays in view.
    pub(super) shown: String,
    /// What would be folded: the quote and the signature.
    pub(super) folded: String,
    /// Whether it has HTML beside the text.
    pub(super) has_html: bool,
    /// Whether only staff would see it.
    pub(super) is_note: bool,
    /// Whether it would be marked as sent from an address that takes no part.
    pub(super) is_unverified: bool,
    /// Its files.
    pub(super) files: Vec<FileTold>,
}

/// A file of a message.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct FileTold {
    /// What it would be called.
    pub(super) name: String,
    /// Its type.
    pub(super) mime: String,
    /// Its size in bytes; 0 where a messenger does not say.
    pub(super) size: i64,
    /// Whether the text shows it.
    pub(super) inline: bool,
}

/// Something that the desk would send.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Outgoing {
    /// What it is: `acknowledgement`, `answer`, `say` and so on.
    pub(super) kind: String,
    /// To whom.
    pub(super) recipient: String,
}
