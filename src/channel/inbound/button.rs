//! Buttons below what the desk says in a chat: approving an estimate, rating the work. Anybody can send what a button
//! would, so each carries a proof that it was made for this ticket in this chat.
use super::{Applied, Outcome, talk};
use crate::{
    access::secret::{Purpose, Secret},
    api::field::TicketId,
    app::App,
    channel::{
        chat::{self, Chat},
        config::Channel,
        heard::{Person, Place},
        messenger::Button,
        outbox::{self, Words},
    },
    db::Tx,
    error::{Code, Result},
    lang::Lang,
    tenant,
    ticket::{Acting, Actor, estimate, model::EstimateStatus, record::Record},
};

/// How much of a proof fits into a button.
const PROOF: usize = 16;

fn proof(secret: &Secret, chat: &Chat, ticket: TicketId, what: &str) -> String {
    let parts = [chat.tenant.0, chat.id, ticket.0].map(i64::to_be_bytes);
    let mut proof = secret.sign(
        Purpose::ChatButton,
        &[&parts[0], &parts[1], &parts[2], what.as_bytes()],
    );
    proof.truncate(PROOF);
    proof
}

/// A button that says `what` of a ticket: `e3a` approves its third estimate, `e3r` rejects it.
fn button(secret: &Secret, chat: &Chat, ticket: TicketId, what: &str, text: String) -> Button {
    let proof = proof(secret, chat, ticket, what);
    Button {
        data: format!("{ticket}:{what}:{proof}"),
        text,
    }
}

/// Asks in the chat of a ticket whether its newest estimate is approved.
pub(crate) fn ask_about_estimate(tx: &Tx<'_>, secret: &Secret, ticket: &Record) -> Result<()> {
    let place = (ticket.channel_id, ticket.contact);
    let Some(chat) = chat::of_ticket(tx, ticket.tenant, ticket.id, place)? else {
        return Ok(());
    };
    let Some(offer) = estimate::newest(tx, ticket.tenant, ticket.id)? else {
        return Ok(());
    };
    let lang = match ticket.locale {
        Some(lang) => lang,
        None => tenant::by_id(tx, ticket.tenant)?.locale,
    };
    let hours = offer.hours;
    let cost = offer
        .cost
        .map(|cost| format!("{cost:.2} {}", offer.currency));
    let price = match (&cost, lang) {
        (Some(cost), Lang::Ru) => format!("{hours} ч, {cost}"),
        (Some(cost), Lang::Kk) => format!("{hours} сағ, {cost}"),
        (Some(cost), Lang::En) => format!("{hours} h, {cost}"),
        (None, Lang::Ru) => format!("{hours} ч"),
        (None, Lang::Kk) => format!("{hours} сағ"),
        (None, Lang::En) => format!("{hours} h"),
    };
    let title = lang.pick([
        "Смета по заявке",
        "Өтінім бойынша смета",
        "Estimate for request",
    ]);
    let yes = lang.pick(["Согласовать", "Келісу", "Approve"]);
    let no = lang.pick(["Отклонить", "Бас тарту", "Decline"]);
    let version = offer.version;
    let make = |what: String, text: String| button(secret, &chat, ticket.id, &what, text);
    let words = Words {
        text: format!("{title} №{}: {price}\n\n{}", ticket.id, offer.description),
        buttons: vec![vec![
            make(format!("e{version}a"), format!("{yes} ({price})")),
            make(format!("e{version}r"), no.to_owned()),
        ]],
    };
    outbox::say(tx, &chat, Some(ticket.id), &words)
}

/// Somebody pressed a button.
pub(super) fn pressed(
    tx: &Tx<'_>,
    app: &App,
    channel: &Channel,
    (place, by): (&Place, &Person),
    callback: &str,
    data: &str,
) -> Result<Applied> {
    let lang = tenant::by_id(tx, channel.tenant)?.locale;
    let answer = |rule: &str, words: [&str; 3], ticket: Option<TicketId>| Applied::Answered {
        outcome: Outcome {
            outcome: if ticket.is_some() {
                "decided"
            } else {
                "ignored"
            },
            rule: rule.to_owned(),
            ticket,
            ..Outcome::default()
        },
        callback: callback.to_owned(),
        text: lang.pick(words).to_owned(),
    };
    const STALE: [&str; 3] = [
        "Кнопка больше не действует",
        "Бұл түйме енді жарамсыз",
        "This button no longer works",
    ];
    let mut parts = data.split(':');
    let (number, what, given) = (parts.next(), parts.next(), parts.next());
    let ticket = number.and_then(|n| n.parse().ok()).map(TicketId);
    let (Some(ticket), Some(what), Some(given)) = (ticket, what, given) else {
        return Ok(answer("button_not_ours", STALE, None));
    };
    let Some(chat) = chat::find(tx, channel, place)? else {
        return Ok(answer("nobody_known", STALE, None));
    };
    let expected = proof(&app.secret, &chat, ticket, what);
    let proven: bool = subtle::ConstantTimeEq::ct_eq(expected.as_bytes(), given.as_bytes()).into();
    if !proven {
        return Ok(answer("button_forged", STALE, None));
    }
    let Some(mut ticket) = talk::held(tx, &chat, ticket)? else {
        return Ok(answer("ticket_is_gone", STALE, None));
    };
    let decision = what
        .strip_prefix('e')
        .and_then(|rest| Some((rest.get(..rest.len().checked_sub(1)?)?, rest.ends_with('a'))));
    let Some((version, approved)) = decision else {
        return Ok(answer("button_not_ours", STALE, None));
    };
    let current = estimate::newest(tx, channel.tenant, ticket.id)?
        .is_some_and(|e| e.version.to_string() == version && e.status == EstimateStatus::Pending);
    if !current {
        return Ok(answer("estimate_is_not_pending", STALE, None));
    }
    let cx = Acting::new(tx, channel.tenant, Actor::visitor(&by.name));
    let word = estimate::Word {
        via: channel.kind.as_str(),
        address: None,
        reason: None,
        version: version.parse().ok(),
    };
    match estimate::decide(&cx, &mut ticket, approved, &word) {
        Ok(()) => {}
        Err(error)
            if matches!(
                error.code(),
                Code::EstimateNotFound | Code::IllegalTransition
            ) =>
        {
            return Ok(answer("estimate_is_not_pending", STALE, None));
        }
        Err(error) => return Err(error),
    }
    ticket.save_now(tx)?;
    let (rule, words) = if approved {
        (
            "estimate_approved",
            [
                "Смета согласована",
                "Смета келісілді",
                "The estimate is approved",
            ],
        )
    } else {
        (
            "estimate_rejected",
            [
                "Смета отклонена",
                "Сметадан бас тартылды",
                "The estimate is declined",
            ],
        )
    };
    Ok(answer(rule, words, Some(ticket.id)))
}
