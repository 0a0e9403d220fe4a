//! Asking in a chat how satisfied a client is with the work: by buttons where the messenger has them, by a link to a page
//! of ours where it has none. What is answered is a rating like any other (see [`csat`]).
use super::{
    chat::{self, Chat},
    config::{Channel, ChannelType},
    inbound::button,
    messenger::Button,
    outbox::{self, Question, Words},
};
use crate::{
    access::secret::{Purpose, Secret},
    api::field::{TenantId, TicketId},
    app::App,
    automation::Happened,
    clock::Millis,
    db::Tx,
    error::{Code, Result},
    lang::Lang,
    tenant,
    ticket::{
        Acting, csat,
        record::{self, Record},
    },
};
use rusqlite::Connection;

/// Asks for a rating when a ticket that is held in a chat was done, if its tenant wants to know.
pub(crate) fn ask(tx: &Tx<'_>, happened: &Happened) -> Result<()> {
    if happened.kind != "status" || happened.new.as_deref() != Some("done") {
        return Ok(());
    }
    if !tenant::by_id(tx, happened.tenant)?.settings.ask_rating {
        return Ok(());
    }
    let Some(ticket) = held(tx, happened.tenant, happened.ticket)? else {
        return Ok(());
    };
    let Some(done_at) = ticket.done_at.filter(|_| ticket.merged_into.is_none()) else {
        return Ok(());
    };
    let place = (ticket.channel_id, ticket.contact);
    match chat::of_ticket(tx, ticket.tenant, ticket.id, place)? {
        Some(chat) => {
            let words = Words {
                question: Some(Question::Rating { done_at }),
                ..Words::default()
            };
            outbox::say(tx, &chat, Some(ticket.id), &words)
        }
        None => Ok(()),
    }
}

/// A ticket, unless it is gone.
fn held(conn: &Connection, tenant: TenantId, ticket: TicketId) -> Result<Option<Record>> {
    match record::by_id(conn, tenant, ticket) {
        Ok(ticket) => Ok(Some(ticket)),
        Err(error) if error.code() == Code::TicketNotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether the work that was done at a time is still what there is to rate, and whoever was asked is not erased.
fn is_due(ticket: &Record, done_at: Millis) -> bool {
    ticket.done_at == Some(done_at) && !ticket.status.is_open() && !ticket.is_unnamed()
}

/// The language of a ticket's client.
pub(crate) fn lang_of(conn: &Connection, ticket: &Record) -> Result<Lang> {
    match ticket.locale {
        Some(lang) => Ok(lang),
        None => Ok(tenant::by_id(conn, ticket.tenant)?.locale),
    }
}

/// The question as it leaves; `None` if the ticket was reopened or rated meanwhile.
pub(crate) fn question(
    conn: &Connection,
    app: &App,
    channel: &Channel,
    chat: &Chat,
    (id, done_at): (TicketId, Millis),
) -> Result<Option<Words>> {
    let Some(ticket) = held(conn, chat.tenant, id)?.filter(|ticket| is_due(ticket, done_at)) else {
        return Ok(None);
    };
    if csat::given(conn, chat.tenant, id, done_at)?.is_some() {
        return Ok(None);
    }
    let lang = lang_of(conn, &ticket)?;
    let [done, ask] = lang.pick([
        [
            "Заявка №{} выполнена.",
            "Оцените, пожалуйста, нашу работу: 1 — плохо, 5 — отлично.",
        ],
        [
            "№{} өтінім орындалды.",
            "Жұмысымызды бағалаңызшы: 1 — нашар, 5 — өте жақсы.",
        ],
        [
            "Request #{} is done.",
            "Please rate our work: 1 is poor, 5 is excellent.",
        ],
    ]);
    let mut text = format!("{}\n{ask}", done.replace("{}", &id.to_string()));
    if channel.kind == ChannelType::Whatsapp {
        let token = link(&app.secret, (chat.tenant, id, done_at));
        text = format!("{text}\n{}", app.url(&format!("/rate/{token}")));
        return Ok(Some(Words::plain(text)));
    }
    let make = |stars: i64| Button {
        text: stars.to_string(),
        data: button::data(&app.secret, chat, id, &what(stars, done_at)),
    };
    Ok(Some(Words {
        text,
        buttons: vec![(1..=5).map(make).collect()],
        ..Words::default()
    }))
}

/// What a button says: the rating, and which work it is of.
fn what(stars: i64, done_at: Millis) -> String {
    format!("r{stars}.{done_at}")
}

/// Reads what a button says.
pub(crate) fn read(what: &str) -> Option<(i64, Millis)> {
    let (stars, done_at) = what.strip_prefix('r')?.split_once('.')?;
    let stars = stars.parse().ok().filter(|stars| (1..=5).contains(stars))?;
    Some((stars, done_at.parse().ok()?))
}

/// How an answer was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    Rated,
    /// The same was said before.
    Again,
    /// It was rated too long ago to be rated otherwise.
    TooLate,
    /// The ticket was reopened, or done once more.
    Outdated,
}

/// Takes an answer, by the rules of every rating.
pub(crate) fn take(
    cx: &Acting<'_>,
    ticket: &mut Record,
    (stars, done_at): (i64, Millis),
    comment: Option<&str>,
) -> Result<Taken> {
    if !is_due(ticket, done_at) {
        return Ok(Taken::Outdated);
    }
    let given = csat::given(cx.tx, cx.tenant, ticket.id, done_at)?;
    if given == Some(stars) && comment.is_none() {
        return Ok(Taken::Again);
    }
    match csat::rate(cx, ticket, stars, comment) {
        Ok(()) => {
            ticket.save_now(cx.tx)?;
            Ok(Taken::Rated)
        }
        Err(error) => match error.code() {
            Code::CsatGiven => Ok(Taken::TooLate),
            Code::CsatTooEarly => Ok(Taken::Outdated),
            _ => Err(error),
        },
    }
}

/// What whoever answered is told.
pub(crate) fn thanks(taken: Taken, stars: i64, lang: Lang) -> String {
    let words = match taken {
        Taken::Rated | Taken::Again => [
            "Спасибо! Ваша оценка: {} из 5.",
            "Рақмет! Сіздің бағаңыз: 5-тен {}.",
            "Thank you! You rated our work {} of 5.",
        ],
        Taken::TooLate => [
            "Вы уже оценили эту работу. Спасибо!",
            "Сіз бұл жұмысты бағалап қойғансыз. Рақмет!",
            "You have rated this work already. Thank you!",
        ],
        Taken::Outdated => [
            "Эта заявка снова в работе. Оценить можно будет, когда она будет выполнена.",
            "Бұл өтінім қайта жұмысқа алынды. Орындалғаннан кейін бағалай аласыз.",
            "This request is being worked on again. You can rate it once it is done.",
        ],
    };
    lang.pick(words).replace("{}", &stars.to_string())
}

/// How much of a proof stands in a link.
const PROOF: usize = 24;

fn proof(secret: &Secret, (tenant, ticket, done_at): (TenantId, TicketId, Millis)) -> String {
    let parts = [tenant.0, ticket.0, done_at].map(i64::to_be_bytes);
    let mut proof = secret.sign(Purpose::RatingLink, &[&parts[0], &parts[1], &parts[2]]);
    proof.truncate(PROOF);
    proof
}

/// The last part of a link that rates one piece of work.
fn link(secret: &Secret, of: (TenantId, TicketId, Millis)) -> String {
    let (tenant, ticket, done_at) = of;
    format!("{tenant}.{ticket}.{done_at}.{}", proof(secret, of))
}

/// Which work a link rates, if it is one of ours.
pub(crate) fn of_link(secret: &Secret, token: &str) -> Option<(TenantId, TicketId, Millis)> {
    let mut parts = token.split('.');
    let mut number = || parts.next()?.parse::<i64>().ok();
    let of = (TenantId(number()?), TicketId(number()?), number()?);
    let given = parts.next().filter(|_| parts.next().is_none())?;
    let proven: bool =
        subtle::ConstantTimeEq::ct_eq(proof(secret, of).as_bytes(), given.as_bytes()).into();
    proven.then_some(of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_button_says_a_rating_and_which_work_it_is_of() {
        assert_eq!(
            read(&what(5, 1_772_611_653_000)),
            Some((5, 1_772_611_653_000))
        );
        for wrong in ["r6.1", "r0.1", "r5", "e1a", "r5.x", "r-1.1", ""] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_link_holds_for_its_own_work_alone() {
        let secret = Secret::known([7; 32]);
        let of = (TenantId(1), TicketId(42), 1_772_611_653_000);
        let token = link(&secret, of);
        assert_eq!(of_link(&secret, &token), Some(of));
        for forged in [
            token.replacen("1.42", "1.43", 1),
            token.replacen("1.42", "2.42", 1),
            format!("{token}.x"),
            token[..token.len() - 1].to_owned(),
            String::new(),
        ] {
            assert_eq!(of_link(&secret, &forged), None, "{forged}");
        }
    }
}
