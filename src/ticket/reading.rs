//! Reading leaves a trace: what was shown counts as read. The trace is worth less than the reading itself, so a disk that
//! takes no more keeps nobody from reading.
use super::{
    Acting, Actor,
    message::{self, Reader},
    model::{Author, Delivery, MessageView},
};
use crate::{
    api::field::{TenantId, TicketId},
    db::Db,
};

/// Notes that `actor` has been shown these messages, all of one ticket and in order.
pub(crate) async fn shown(
    db: &Db,
    tenant: TenantId,
    actor: Actor,
    ticket: TicketId,
    reader: Reader,
    messages: &[MessageView],
) {
    let unread = |m: &MessageView| match reader {
        Reader::Staff => m.author_type == Author::Client,
        Reader::Client => {
            m.author_type == Author::Support
                && m.delivery_status.is_some_and(|s| s != Delivery::Read)
        }
    };
    let Some(last) = messages.iter().rev().find(|m| unread(m)).map(|m| m.id) else {
        return;
    };
    let noted = db
        .write(move |tx| message::mark_read(&Acting::new(tx, tenant, actor), ticket, reader, last))
        .await;
    if let Err(error) = noted {
        tracing::warn!(ticket = ticket.0, %error, "it could not be noted that a ticket was read");
    }
}
