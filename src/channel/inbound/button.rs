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
        heard::Press,
        messenger::Button,
        outbox::{self, Words},
        rating::{self, Taken},
    },
    clock::Millis,
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

/// What a button bears that says `what` of a ticket: `e3a` approves its third estimate, `e3r` rejects it, `r5.…` rates the
/// work that was done at a time.
pub(crate) fn data(secret: &Secret, chat: &Chat, ticket: TicketId, what: &str) -> String {
    let proof = proof(secret, chat, ticket, what);
    format!("{ticket}:{what}:{proof}")
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
    let lang = rating::lang_of(tx, ticket)?;
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
    let make = |what: String, text: String| Button {
        data: data(secret, &chat, ticket.id, &what),
        text,
    };
    let words = Words {
        text: format!("{title} №{}: {price}\n\n{}", ticket.id, offer.description),
        buttons: vec![vec![
            make(format!("e{version}a"), format!("{yes} ({price})")),
            make(format!("e{version}r"), no.to_owned()),
        ]],
        ..Words::default()
    };
    outbox::say(tx, &chat, Some(ticket.id), &words)
}

/// A button that leads nowhere any more, in Russian, Kazakh and English.
const STALE: [&str; 3] = [
    "Кнопка больше не действует",
    "Бұл түйме енді жарамсыз",
    "This button no longer works",
];

/// Somebody else's button, in Russian, Kazakh and English.
const ANOTHERS: [&str; 3] = [
    "Ответить может только тот, кто создал заявку",
    "Тек өтінімді жасаған адам ғана жауап бере алады",
    "Only the person who opened the request can answer",
];

/// The answer to whoever pressed: it ends the button's spinning and shows some words.
fn answer(press: &Press, outcome: &'static str, rule: &str, text: String) -> Applied {
    Applied::Answered {
        outcome: Outcome {
            outcome,
            rule: rule.to_owned(),
            ..Outcome::default()
        },
        callback: press.callback.clone(),
        text,
    }
}

/// The same, about a ticket that something was decided of.
fn decided(
    press: &Press,
    (outcome, rule): (&'static str, &str),
    ticket: TicketId,
    text: String,
) -> Applied {
    match answer(press, outcome, rule, text) {
        Applied::Answered {
            mut outcome,
            callback,
            text,
        } => {
            outcome.ticket = Some(ticket);
            Applied::Answered {
                outcome,
                callback,
                text,
            }
        }
        other => other,
    }
}

/// A press that proves where it comes from.
struct Proven {
    chat: Chat,
    ticket: Record,
    what: String,
}

/// Reads what a button bears. What is no button of this chat is refused by a rule's name.
fn proven(
    tx: &Tx<'_>,
    app: &App,
    channel: &Channel,
    press: &Press,
) -> Result<Result<Proven, &'static str>> {
    let mut parts = press.data.split(':');
    let (number, what, given) = (parts.next(), parts.next(), parts.next());
    let ticket = number.and_then(|n| n.parse().ok()).map(TicketId);
    let (Some(ticket), Some(what), Some(given)) = (ticket, what, given) else {
        return Ok(Err("button_not_ours"));
    };
    let Some(chat) = chat::find(tx, channel, &press.chat)? else {
        return Ok(Err("nobody_known"));
    };
    let expected = proof(&app.secret, &chat, ticket, what);
    let is_ours: bool = subtle::ConstantTimeEq::ct_eq(expected.as_bytes(), given.as_bytes()).into();
    if !is_ours {
        return Ok(Err("button_forged"));
    }
    Ok(match talk::held(tx, &chat, ticket)? {
        Some(ticket) => Ok(Proven {
            chat,
            ticket,
            what: what.to_owned(),
        }),
        None => Err("ticket_is_gone"),
    })
}

/// Somebody pressed a button.
pub(super) fn pressed(tx: &Tx<'_>, app: &App, channel: &Channel, press: &Press) -> Result<Applied> {
    let spoken = press.by.locale.as_deref().and_then(Lang::of_tag);
    let proven = match proven(tx, app, channel, press)? {
        Ok(proven) => proven,
        Err(rule) => {
            let lang = spoken.unwrap_or(tenant::by_id(tx, channel.tenant)?.locale);
            return Ok(answer(press, "ignored", rule, lang.pick(STALE).to_owned()));
        }
    };
    if !chat::is_theirs(tx, &proven.chat, proven.ticket.id, &press.by)? {
        let lang = spoken.unwrap_or(rating::lang_of(tx, &proven.ticket)?);
        let text = lang.pick(ANOTHERS).to_owned();
        return Ok(answer(press, "ignored", "pressed_by_another", text));
    }
    match rating::read(&proven.what) {
        Some(said) => rated(tx, channel, press, proven, said),
        None => on_estimate(tx, channel, press, proven),
    }
}

/// A press that rates the work. The question gives way to a word of thanks.
fn rated(
    tx: &Tx<'_>,
    channel: &Channel,
    press: &Press,
    proven: Proven,
    said: (i64, Millis),
) -> Result<Applied> {
    let Proven {
        chat, mut ticket, ..
    } = proven;
    let lang = rating::lang_of(tx, &ticket)?;
    let cx = Acting::new(tx, channel.tenant, Actor::visitor(&press.by.name));
    let taken = rating::take(&cx, &mut ticket, said, None)?;
    let text = rating::thanks(taken, said.0, lang);
    let result = match taken {
        Taken::Rated => ("rated", "rated_by_button"),
        Taken::Again => ("ignored", "rated_already"),
        Taken::TooLate => ("ignored", "rated_too_late"),
        Taken::Outdated => ("ignored", "work_goes_on"),
    };
    // A repeated press has its words there already.
    if taken != Taken::Again {
        let words = Words {
            text: text.clone(),
            replaces: press.message.clone(),
            ..Words::default()
        };
        outbox::say(tx, &chat, Some(ticket.id), &words)?;
    }
    Ok(decided(press, result, ticket.id, text))
}

/// A press that approves or rejects an estimate.
fn on_estimate(tx: &Tx<'_>, channel: &Channel, press: &Press, proven: Proven) -> Result<Applied> {
    let Proven {
        mut ticket, what, ..
    } = proven;
    let lang = rating::lang_of(tx, &ticket)?;
    let stale = |rule| Ok(answer(press, "ignored", rule, lang.pick(STALE).to_owned()));
    let decision = what
        .strip_prefix('e')
        .and_then(|rest| Some((rest.get(..rest.len().checked_sub(1)?)?, rest.ends_with('a'))));
    let Some((version, approved)) = decision else {
        return stale("button_not_ours");
    };
    let current = estimate::newest(tx, channel.tenant, ticket.id)?
        .is_some_and(|e| e.version.to_string() == version && e.status == EstimateStatus::Pending);
    if !current {
        return stale("estimate_is_not_pending");
    }
    let cx = Acting::new(tx, channel.tenant, Actor::visitor(&press.by.name));
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
            return stale("estimate_is_not_pending");
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
    let text = lang.pick(words).to_owned();
    Ok(decided(press, ("decided", rule), ticket.id, text))
}
