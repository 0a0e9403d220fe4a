//! Plays the script: every step at its own time, all tickets side by side, in one transaction.
use super::{
    cast::{Cast, lang, unknown},
    rules,
    script::{Scene, What, people::Operator, staging},
};
use crate::{
    api::field::{MessageId, TenantId, TicketId},
    clock::{DAY, MINUTE, Millis},
    db::{Tx, sql::run},
    error::Result,
    tenant,
    ticket::{
        self, Acting, Actor, NewTicket, change, clock, csat,
        estimate::{self, Word},
        message::{self, Draft, Reader},
        model::{Origin, Priority},
        record,
        status::Verb,
        tags,
        time::{self, Spent},
    },
};

/// What the dice of the script are thrown with.
const SEED: u64 = 42;

/// When the desk was set up: before its first ticket.
pub(super) const SET_UP: Millis = 75 * DAY;

/// The message that the published examples edit: an answer of the desk.
const ANSWER: usize = 102;

/// Makes the demo tenant in an empty database and plays its two months; all its people have the same password.
pub(crate) fn play(tx: &Tx<'_>, password_hash: &str) -> Result<TenantId> {
    let cast = Cast::hire(&tx.at(tx.now - SET_UP), password_hash)?;
    perform(tx, &cast)?;
    rules::furnish(tx, cast.tenant)?;
    Ok(cast.tenant)
}

/// Plays the two months of a desk whose people are there.
pub(super) fn perform(tx: &Tx<'_>, cast: &Cast) -> Result<()> {
    let hours = tenant::by_id(tx, cast.tenant)?.hours;
    let scenes = staging::scenes(SEED, tx.now, &hours);
    let mut opened: Vec<Option<Opened>> = scenes.iter().map(|_| None).collect();
    for moment in timeline(&scenes, tx.now) {
        let then = tx.at(moment.at);
        let scene = &scenes[moment.scene];
        match &mut opened[moment.scene] {
            Some(ticket) => ticket.go_on(cast, &then, scene, moment.what)?,
            none => *none = Some(open(cast, &then, scene, moment.what)?),
        }
    }
    for (scene, ticket) in scenes.iter().zip(&opened) {
        if let Some(ticket) = ticket {
            ticket.is_rated(cast, tx, scene)?;
            clock::catch_up(tx, cast.tenant, ticket.id)?;
        }
    }
    // The desk that is played had a mailbox of its own; this one has not.
    run(
        tx,
        "update message set delivery_status = 'sent', delivery_error = null where tenant_id = ?1 and delivery_status = 'failed'",
        [cast.tenant],
    )?;
    Ok(())
}

/// Whoever acts has seen everything there is.
const ALL: MessageId = MessageId(i64::MAX);

/// A step of a scene and when it happens.
#[derive(Debug)]
struct Moment<'s> {
    at: Millis,
    scene: usize,
    what: &'s What,
}

/// All steps of all scenes, as they followed each other.
fn timeline(scenes: &[Scene], now: Millis) -> Vec<Moment<'_>> {
    let mut moments = Vec::new();
    for (index, scene) in scenes.iter().enumerate() {
        let start = now - scene.started_minutes_ago * MINUTE;
        moments.extend(scene.steps.iter().map(|step| Moment {
            at: start + step.after_minutes * MINUTE,
            scene: index,
            what: &step.what,
        }));
    }
    moments.sort_by_key(|moment| moment.at);
    put_an_answer_at(&mut moments, ANSWER);
    moments
}

/// Sees to it that the message of this number is an answer of the desk: if it is not, an answer that comes soon after is
/// written down earlier, and with it what led to it.
fn put_an_answer_at(moments: &mut [Moment<'_>], number: usize) {
    let mut messages = (0..moments.len()).filter(|&index| is_message(&moments[index]));
    let Some(place) = messages.nth(number - 1) else {
        return;
    };
    for answer in place..moments.len() {
        if !matches!(moments[answer].what, What::SupportSays { .. }) {
            continue;
        }
        let scene = moments[answer].scene;
        let too_early = moments[place..answer]
            .iter()
            .filter(|moment| is_message(moment))
            .count();
        let others = (0..answer)
            .rev()
            .filter(|&index| moments[index].scene != scene && is_message(&moments[index]));
        // So many messages of other tickets are to follow it instead.
        let from = others.take(too_early).last().unwrap_or(answer);
        // Tickets keep the numbers that they are opened by.
        if moments[..from].iter().any(|moment| moment.scene == scene) {
            // False goes before true, and what is equal keeps its order.
            moments[from..=answer].sort_by_key(|moment| moment.scene != scene);
            return;
        }
    }
}

fn is_message(moment: &Moment<'_>) -> bool {
    matches!(
        moment.what,
        What::ClientSays(_) | What::SupportSays { .. } | What::Note { .. }
    )
}

/// Opens the ticket of a scene by its first step.
fn open(cast: &Cast, tx: &Tx<'_>, scene: &Scene, what: &What) -> Result<Opened> {
    let What::ClientSays(text) = what else {
        return Err(unknown("a ticket that its client did not open"));
    };
    let (contact, member) = (scene.contact, cast.member(scene)?);
    let origin = Origin::parse(scene.channel).ok_or_else(|| unknown(scene.channel))?;
    let new = NewTicket {
        priority: Priority::parse(scene.priority).ok_or_else(|| unknown(scene.priority))?,
        category: scene.category.to_owned(),
        client: Some(member.client),
        contact: Some(member.contact),
        client_user_id: if origin == Origin::Portal {
            member.user
        } else {
            0
        },
        creator_email: Some(contact.email.to_owned()),
        creator_phone: Some(contact.phone.to_owned()),
        locale: lang(scene.language),
        ..NewTicket::new(scene.subject.clone(), origin, contact.name.to_owned())
    };
    let first = Draft {
        contact: Some(member.contact),
        ..Draft::client(text.clone())
    };
    let cx = Acting::new(tx, cast.tenant, cast.client(scene)?);
    let (ticket, _) = ticket::open(&cx, new, first)?;
    Ok(Opened {
        id: ticket.id,
        is_tagged: false,
    })
}

/// A ticket that has been opened.
#[derive(Debug)]
struct Opened {
    id: TicketId,
    is_tagged: bool,
}

impl Opened {
    /// Plays a later step of the ticket's scene.
    fn go_on(&mut self, cast: &Cast, tx: &Tx<'_>, scene: &Scene, what: &What) -> Result<()> {
        let actor = match (what, by(what)) {
            (_, Some(operator)) => cast.staff(operator)?,
            (What::AutoClose, None) => Actor::system(),
            (_, None) => cast.client(scene)?,
        };
        clock::catch_up(tx, cast.tenant, self.id)?;
        let cx = Acting::new(tx, cast.tenant, actor);
        self.look(&cx, scene, what)?;
        let mut ticket = record::by_id(tx, cast.tenant, self.id)?;
        match what {
            What::ClientSays(text) => {
                let draft = Draft {
                    contact: ticket.contact,
                    ..Draft::client(text.clone())
                };
                return message::post_by_client(&cx, ticket, draft).map(|_| ());
            }
            What::SupportSays { text, .. } => {
                return message::post_by_support(&cx, &mut ticket, Draft::support(text.clone()))
                    .map(|_| ());
            }
            What::Note { text, .. } => {
                return message::post_by_support(&cx, &mut ticket, Draft::note(text.clone()))
                    .map(|_| ());
            }
            What::LogTime {
                operator,
                minutes,
                description,
            } => {
                let operator = cast.operator(operator)?;
                let spent = Spent {
                    operator,
                    minutes: i64::from(*minutes),
                    description,
                    billable: true,
                    at: tx.now,
                };
                return time::log(&cx, &ticket, &spent).map(drop);
            }
            What::Take { operator } => {
                change::assign(&cx, &mut ticket, Some(cast.operator(operator)?))?
            }
            What::Assign { to, .. } => change::assign(&cx, &mut ticket, Some(cast.operator(to)?))?,
            What::Estimate {
                hours, description, ..
            } => estimate::offer(&cx, &mut ticket, *hours, description, None)?,
            What::Approve => estimate::decide(&cx, &mut ticket, true, &word(scene, None))?,
            What::Reject { reason } => {
                estimate::decide(&cx, &mut ticket, false, &word(scene, Some(reason)))?;
            }
            What::Hold { reason, .. } => {
                change::by_verb(&cx, &mut ticket, Verb::Hold, Some(reason))?
            }
            What::Resume { .. } => change::by_verb(&cx, &mut ticket, Verb::Resume, None)?,
            What::Complete {
                result, minutes, ..
            } => {
                change::complete(
                    &cx,
                    &mut ticket,
                    result.clone(),
                    Some(f64::from(*minutes) / 60.0),
                )?;
            }
            What::Accept => change::by_verb(&cx, &mut ticket, Verb::Accept, None)?,
            What::AutoClose => change::by_verb(&cx, &mut ticket, Verb::AutoClose, None)?,
            What::Reopen { reason } => {
                change::by_verb(&cx, &mut ticket, Verb::Reopen, Some(reason))?
            }
        }
        ticket.save_now(tx)
    }

    /// The client says how satisfied they were, if they did by now.
    fn is_rated(&self, cast: &Cast, tx: &Tx<'_>, scene: &Scene) -> Result<()> {
        let Some(rating) = &scene.rating else {
            return Ok(());
        };
        let at = tx.now - (scene.started_minutes_ago - rating.after_minutes) * MINUTE;
        let ticket = record::by_id(tx, cast.tenant, self.id)?;
        if at > tx.now || ticket.done_at.is_none_or(|done_at| at < done_at) {
            return Ok(());
        }
        let then = tx.at(at.max(ticket.updated_at));
        let cx = Acting::new(&then, cast.tenant, cast.client(scene)?);
        let comment = Some(rating.comment).filter(|text| !text.is_empty());
        csat::rate(&cx, &ticket, i64::from(rating.stars), comment)
    }

    /// Whoever acts on a ticket has read it before, and the first of the desk who does gives it its tags.
    fn look(&mut self, cx: &Acting<'_>, scene: &Scene, what: &What) -> Result<()> {
        match what {
            // Handing a ticket to somebody, or closing it by the calendar, is done without opening it.
            What::Assign { .. } | What::AutoClose => return Ok(()),
            _ if by(what).is_none() => return message::mark_read(cx, self.id, Reader::Client, ALL),
            _ => message::mark_read(cx, self.id, Reader::Staff, ALL)?,
        }
        if !std::mem::replace(&mut self.is_tagged, true) {
            let names: Vec<String> = scene.tags.iter().map(|&name| name.to_owned()).collect();
            let ticket = record::by_id(cx.tx, cx.tenant, self.id)?;
            tags::set(cx, &ticket, &names)?;
        }
        Ok(())
    }
}

/// A client's word on an estimate, and the way it came.
fn word<'a>(scene: &'a Scene, reason: Option<&'a str>) -> Word<'a> {
    Word {
        via: scene.channel,
        address: None,
        reason,
        version: None,
    }
}

/// Who of the desk does it, if it is not the client's or the desk's own doing.
fn by(what: &What) -> Option<&'static Operator> {
    match what {
        What::SupportSays { operator, .. }
        | What::Note { operator, .. }
        | What::Take { operator }
        | What::Assign { operator, .. }
        | What::Estimate { operator, .. }
        | What::Hold { operator, .. }
        | What::Resume { operator }
        | What::Complete { operator, .. }
        | What::LogTime { operator, .. } => Some(operator),
        What::ClientSays(_)
        | What::Approve
        | What::Reject { .. }
        | What::Accept
        | What::AutoClose
        | What::Reopen { .. } => None,
    }
}

#[cfg(test)]
mod tests;
