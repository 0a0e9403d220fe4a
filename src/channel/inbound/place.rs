//! Where a mail belongs: joined to a ticket, made into one, or left alone; and what is posted.
use super::{
    Event, Outcome, evidence::facts, installation, keys_of, report, staff, unpack::Incoming,
};
use crate::{
    api::field::TicketId,
    app::App,
    channel::{
        config,
        email::{
            fold,
            guard::{self, Around, Auto},
            mail::Mail,
            quote, subject,
            thread::{self, Rule, Verdict},
            token::Keys,
        },
        outbox,
    },
    contact,
    db::{
        Tx,
        sql::{first, run},
    },
    error::Result,
    lang::Lang,
    tenant,
    ticket::{
        self, Acting, Actor, NewTicket,
        message::{self, Draft},
        model::Origin,
        record,
    },
};

/// Decides where a mail belongs and posts it.
pub(super) fn apply(tx: &Tx<'_>, app: &App, event: &Event, incoming: Incoming) -> Result<Outcome> {
    let tenant = event.tenant;
    let keys = keys_of(app, tenant);
    if repeats(tx, event, &incoming)? {
        return Ok(Outcome::ignored("duplicate"));
    }
    let mailboxes = config::mailboxes(tx)?;
    let auto = judged(app, &incoming, &mailboxes, &keys);
    let external_id = Some(incoming.external_id.clone());
    if auto.own {
        return Ok(Outcome {
            external_id,
            ..Outcome::ignored("own_mail_came_back")
        });
    }
    if let Some(report) = &incoming.mail.report {
        let outcome = report::apply(tx, tenant, &keys, report)?;
        return Ok(Outcome {
            external_id,
            ..outcome
        });
    }
    let mut doubt = None;
    match staff::judge(tx, tenant, &incoming, &keys, &auto)? {
        staff::Answer::No => {}
        staff::Answer::Doubted(why) => doubt = Some(format!("a notice is answered, but {why}")),
        staff::Answer::Automatic => {
            return Ok(Outcome {
                external_id,
                ..Outcome::ignored("a_machine_answers_a_notice")
            });
        }
        staff::Answer::Of(proven) => return staff::post(tx, event, incoming, *proven),
    }
    let Some((email, name)) = sender(&incoming) else {
        return Ok(Outcome {
            external_id,
            ..Outcome::ignored("no_sender")
        });
    };
    let facts = facts(tx, tenant, &incoming, &keys, &writer(&incoming, &email))?;
    let verdict = thread::decide(&facts);
    let automatic = auto.automatic || auto.bounce;
    let contact = contact::of_address(tx, tenant, &email, &name, None, tx.now)?;
    let cx = Acting::new(
        tx,
        tenant,
        Actor::visitor(if name.is_empty() {
            &contact.name
        } else {
            &name
        }),
    );
    let cc = copied(&incoming.mail, &mailboxes, &email);
    let (joined, rule, previous) = match verdict {
        Verdict::Reply { ticket, rule } => (Some((ticket, false)), rule, None),
        Verdict::ReplyUnverified { ticket, rule } => (Some((ticket, true)), rule, None),
        Verdict::NewTicket { previous, rule } => (None, rule, previous),
    };
    let notes = &incoming.mail.notes;
    let incomplete = (!notes.is_empty()).then(|| format!("{notes:?}"));
    let title = incoming.mail.subject.clone();
    let mut draft = draft(incoming, joined.is_some());
    draft.contact = Some(contact.id);
    draft.automatic = automatic;
    let (ticket, message, outcome) = match joined {
        Some((ticket, unverified)) => {
            draft.unverified = unverified;
            // A machine's answer is worth keeping, but says nothing of what the client wants.
            draft.is_note = automatic;
            let ticket = record::by_id(tx, tenant, TicketId(ticket))?;
            let (ticket, message) = message::post_by_client(&cx, ticket, draft)?;
            (ticket, message, "message")
        }
        None => {
            let new = new_ticket(tx, event, (email, &contact), (title, &draft.body), previous)?;
            let (ticket, message) = ticket::open(&cx, new, draft)?;
            let channel = config::by_id(tx, &app.secret, tenant, event.channel)?;
            if channel.acknowledges() && !automatic && !auto.suppress_reply && !auto.bulk {
                outbox::acknowledge(&cx, &ticket, message)?;
            }
            (ticket, message, "ticket")
        }
    };
    // Whom a mail copies takes part from now on, if a code of ours proves who sent it or the ticket is its own. A From and a
    // number in the subject anybody can write.
    let proven = matches!(
        rule,
        Rule::ReplyAddress | Rule::InReplyTo | Rule::References
    );
    if (proven || outcome == "ticket") && !automatic {
        for (address, name) in cc {
            run(
                tx,
                "insert into participant (tenant_id, ticket_id, email, name) values (?1, ?2, ?3, ?4) on conflict do nothing",
                (tenant, ticket.id, address, name),
            )?;
        }
    }
    if let Some(detail) = &incomplete {
        tracing::info!(event = event.id, %detail, "a mail was taken in part");
        let locale = tenant::by_id(tx, tenant)?.locale;
        let mut ticket = record::by_id(tx, tenant, ticket.id)?;
        let system = Acting::new(tx, tenant, Actor::system());
        message::post_system_note(&system, &mut ticket, locale.pick(INCOMPLETE).to_owned())?;
    }
    Ok(Outcome {
        outcome,
        detail: incomplete.or(doubt),
        rule: rule.code().to_owned(),
        external_id,
        ticket: Some(ticket.id),
        message: Some(message),
    })
}

/// Whether the same mail came before.
pub(super) fn repeats(tx: &Tx<'_>, event: &Event, incoming: &Incoming) -> Result<bool> {
    let known: Option<i64> = first(
        tx,
        "select id from inbound_event where tenant_id = ?1 and channel_id = ?2 and external_id = ?3",
        (event.tenant, event.channel, &incoming.external_id),
        |row| row.get(0),
    )?;
    Ok(known.is_some_and(|id| id != event.id))
}

/// What says that no person wrote the mail, or that we did.
pub(super) fn judged(app: &App, incoming: &Incoming, mailboxes: &[String], keys: &Keys) -> Auto {
    let around = Around {
        mailboxes,
        installation: &installation(app),
        envelope_from: incoming.envelope_from.as_deref(),
        keys,
    };
    guard::judge(&incoming.mail, &around)
}

/// Who wrote the mail. Reply-To says whom to answer; who takes part in a ticket is judged by From.
pub(super) fn writer(incoming: &Incoming, sender: &str) -> String {
    let from = incoming.mail.from.as_ref();
    from.map_or_else(|| sender.to_owned(), |from| from.email.to_lowercase())
}

/// Who sent the mail: as it says itself, else as the transport said.
pub(super) fn sender(incoming: &Incoming) -> Option<(String, String)> {
    let written = incoming
        .mail
        .from
        .as_ref()
        .filter(|a| a.email.contains('@'));
    // A form on a site writes from an address that nobody reads, and says whom to answer.
    let asked = written
        .filter(|from| is_unread(&from.email))
        .and(incoming.mail.reply_to.first());
    if let Some(from) = asked.or(written) {
        let name = from.name.clone();
        return Some((from.email.to_lowercase(), name));
    }
    let envelope = incoming.envelope_from.clone().filter(|a| a.contains('@'))?;
    Some((envelope.to_lowercase(), String::new()))
}

/// Whether an address says of itself that nobody reads what is sent to it.
fn is_unread(email: &str) -> bool {
    let local = email.split('@').next().unwrap_or_default().to_lowercase();
    let plain: String = local.chars().filter(char::is_ascii_alphanumeric).collect();
    plain.starts_with("noreply") || plain.starts_with("donotreply")
}

/// The people in copy, our own mailboxes and the sender left out.
fn copied(mail: &Mail, mailboxes: &[String], sender: &str) -> Vec<(String, String)> {
    mail.to
        .iter()
        .chain(&mail.cc)
        .map(|a| (a.email.to_lowercase(), a.name.clone()))
        .filter(|(email, _)| {
            let plain = email.rsplit_once('@').map(|(local, domain)| {
                format!("{}@{domain}", local.split('+').next().unwrap_or(local))
            });
            email != sender && plain.is_some_and(|p| !mailboxes.contains(&p))
        })
        .take(50)
        .collect()
}

/// The mail as a message. What it quotes is folded once it has joined a ticket; a forward's contents never are.
fn draft(incoming: Incoming, joined: bool) -> Draft {
    let mail = incoming.mail;
    let folds = joined && !subject::is_forward(&mail.subject);
    let quoted_from = if folds {
        quote::quoted_from(&mail.text)
            .and_then(|byte| i64::try_from(quote::wire_offset(&mail.text, byte)).ok())
    } else {
        None
    };
    let html = mail.html.map(|html| match folds {
        true => fold::fold(&html).unwrap_or(html),
        false => html,
    });
    let body = if mail.text.trim().is_empty() {
        mail.subject
    } else {
        mail.text
    };
    Draft {
        html,
        quoted_from,
        mail_id: mail.message_id,
        channel: Some(Origin::Email),
        uploads: incoming.uploads,
        inline: incoming.inline,
        ..Draft::client(body)
    }
}

/// The longest title of a ticket.
const TITLE: usize = 255;

/// What a ticket made of a mail is opened with.
fn new_ticket(
    tx: &Tx<'_>,
    event: &Event,
    (email, contact): (String, &contact::Contact),
    (title, body): (String, &str),
    previous: Option<i64>,
) -> Result<NewTicket> {
    let locale = tenant::by_id(tx, event.tenant)?.locale;
    let title: String = title.trim().chars().take(TITLE).collect();
    let untitled = locale.pick(["(без темы)", "(тақырыпсыз)", "(no subject)"]);
    let title = if title.is_empty() {
        untitled.to_owned()
    } else {
        title
    };
    let mut new = NewTicket::new(title, Origin::Email, contact.name.clone());
    "general".clone_into(&mut new.category);
    new.channel_id = Some(event.channel);
    new.client = contact.client;
    new.contact = Some(contact.id);
    new.creator_email = Some(email);
    new.locale = Some(Lang::of_text(body).unwrap_or(locale));
    new.previous = previous.map(TicketId);
    Ok(new)
}

/// What staff are told, in Russian, Kazakh and English, when a mail was larger or deeper than what is taken.
const INCOMPLETE: [&str; 3] = [
    "Письмо показано не целиком: часть его не прочитана (слишком большая, слишком глубоко вложена или зашифрована). Исходное письмо сохранено.",
    "Хат толық көрсетілмеген: оның бір бөлігі оқылмады (тым үлкен, тым күрделі немесе шифрланған). Бастапқы хат сақталды.",
    "This mail is not shown whole: a part of it was not read (too large, too deep or encrypted). The original is kept.",
];
