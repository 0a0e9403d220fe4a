//! What a mail server says about a mail of ours.
use super::Outcome;
use crate::{
    api::field::{MessageId, TenantId, TicketId},
    channel::email::{
        bounce::{Action, Report},
        token::Keys,
    },
    db::Tx,
    error::Result,
    ticket::{
        Acting, Actor, message,
        model::{Author, Delivery},
        record,
    },
};

/// What a mail server says about a mail of ours becomes that message's delivery status; it never opens a ticket.
pub(super) fn apply(
    tx: &Tx<'_>,
    tenant: TenantId,
    keys: &Keys,
    report: &Report,
) -> Result<Outcome> {
    let Report::Delivery {
        recipients,
        original,
    } = report
    else {
        return Ok(Outcome::ignored("receipt_or_complaint"));
    };
    let proof = original.as_deref().and_then(|id| keys.read_message_id(id));
    let Some((ticket, message)) =
        proof.and_then(|p| Some((TicketId(p.ticket), MessageId(p.message?))))
    else {
        return Ok(Outcome::ignored("report_on_an_unknown_mail"));
    };
    let ours = message::by_id(tx, tenant, message)
        .is_ok_and(|stored| stored.ticket == ticket && stored.author == Author::Support);
    if !ours {
        return Ok(Outcome::ignored("report_on_an_unknown_mail"));
    }
    let requester = record::by_id(tx, tenant, ticket)?.creator_email;
    let cx = Acting::new(tx, tenant, Actor::system());
    // A copy that did not arrive says nothing of the answer to who asked.
    let to_requester = |address: &str| {
        address.is_empty()
            || requester
                .as_deref()
                .is_none_or(|r| r.eq_ignore_ascii_case(address))
    };
    for recipient in recipients.iter().filter(|r| to_requester(&r.address)) {
        let why = format!(
            "{}: {} {}",
            recipient.address, recipient.status, recipient.diagnostic
        );
        match recipient.action {
            Action::Failed => {
                message::delivered(&cx, ticket, message, Delivery::Failed, Some(why.trim()))?
            }
            Action::Delivered => message::arrived(&cx, ticket, message)?,
            Action::Delayed => {}
        }
    }
    Ok(Outcome {
        outcome: "delivery_report",
        rule: "report_on_our_mail".to_owned(),
        ticket: Some(ticket),
        message: Some(message),
        ..Outcome::default()
    })
}
