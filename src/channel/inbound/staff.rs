//! Answers of operators to the mails that tell them of a ticket. Such an answer is an operator's word only if all holds: the
//! address that it came to bears a code made for this operator and this ticket, the mail says that it is from this
//! operator's own address and nobody else's, no server on the way says that this is a lie, and a person wrote it. What
//! misses any of it is taken like a mail of anybody; a machine's answer is left alone, so that nothing goes in a circle.
use super::{Event, Outcome, evidence, unpack::Incoming};
use crate::{
    api::field::{OperatorId, TenantId, TicketId},
    channel::email::{
        address,
        attribution::{self, MARKERS},
        guard::Auto,
        header::Headers,
        quote,
        token::{Keys, StaffProof},
    },
    db::{Tx, sql::first},
    error::Result,
    ticket::{
        Acting, Actor,
        message::{self, Draft},
        model::ActorKind,
        record::Record,
    },
};

/// What a mail is to the desk's own people.
pub(super) enum Answer {
    /// Not an operator's answer to a notice.
    No,
    /// It bears a code of ours and yet is not taken for the operator's word, and why.
    Doubted(&'static str),
    /// A machine's answer to a notice.
    Automatic,
    Of(Box<Proven>),
}

/// An operator's word.
pub(super) struct Proven {
    operator: OperatorId,
    name: String,
    ticket: Record,
}

/// Judges whether a mail is an operator's answer to a notice.
pub(super) fn judge(
    tx: &Tx<'_>,
    tenant: TenantId,
    incoming: &Incoming,
    keys: &Keys,
    auto: &Auto,
) -> Result<Answer> {
    let Some(proof) = proof(incoming, keys) else {
        return Ok(Answer::No);
    };
    if auto.automatic || auto.bounce || auto.bulk {
        return Ok(Answer::Automatic);
    }
    let Some((name, email)) = operator(tx, tenant, OperatorId(proof.operator))? else {
        return Ok(Answer::Doubted("the operator does not work here any more"));
    };
    let senders: Vec<String> = incoming
        .mail
        .headers
        .all_raw("From")
        .flat_map(address::list)
        .map(|from| from.email.to_lowercase())
        .collect();
    if senders != [email] {
        return Ok(Answer::Doubted("it is not from the operator's own address"));
    }
    if is_refuted(&incoming.mail.headers) {
        return Ok(Answer::Doubted(
            "a server on the way says that the sender's address is forged",
        ));
    }
    match evidence::target(tx, tenant, TicketId(proof.ticket))? {
        Some(ticket) => Ok(Answer::Of(Box::new(Proven {
            operator: OperatorId(proof.operator),
            name,
            ticket,
        }))),
        None => Ok(Answer::Doubted("the ticket is gone")),
    }
}

/// The code that a recipient's address bears.
fn proof(incoming: &Incoming, keys: &Keys) -> Option<StaffProof> {
    let mail = &incoming.mail;
    let written = mail.to.iter().chain(&mail.cc).map(|a| a.email.as_str());
    incoming
        .envelope_to
        .iter()
        .chain(&mail.delivered_to)
        .map(String::as_str)
        .chain(written)
        .find_map(|address| keys.read_staff_address(address))
}

/// The name and the address of an operator who works here.
fn operator(tx: &Tx<'_>, tenant: TenantId, id: OperatorId) -> Result<Option<(String, String)>> {
    first(
        tx,
        "select name, lower(email) from operator where tenant_id = ?1 and id = ?2 and is_active",
        (tenant, id),
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// Whether a server wrote down that the sender's address is not theirs. Anybody can write such a header, but only to their
/// own harm: it proves nothing, it only takes away.
fn is_refuted(headers: &Headers) -> bool {
    let results = headers
        .all_raw("Authentication-Results")
        .map(|value| String::from_utf8_lossy(value).to_lowercase());
    let denied = results.into_iter().any(|result| {
        let says = |method: &str| {
            result
                .split(|c: char| c == ';' || c.is_whitespace())
                .any(|word| word == method)
        };
        says("dmarc=fail") || (says("dkim=fail") && says("spf=fail"))
    });
    let mailgun = |name: &str| {
        headers
            .text(name)
            .is_some_and(|v| v.trim().eq_ignore_ascii_case("fail"))
    };
    denied || (mailgun("X-Mailgun-Spf") && mailgun("X-Mailgun-Dkim-Check-Result"))
}

/// Words at the beginning that make an answer a note.
const NOTE: [&str; 3] = ["#note", "#заметка", "#жазба"];

/// What the operator wrote above our mail, without it, and whether it is a note.
fn own_words(text: &str) -> (String, bool) {
    let quoted = quote::quoted_from(text).unwrap_or(text.len());
    let text = &text[..quoted.min(marked(text))];
    let trimmed = text.trim();
    let head = trimmed.split_whitespace().next().unwrap_or_default();
    let is_note = NOTE.contains(
        &head
            .trim_end_matches([':', ',', '.'])
            .to_lowercase()
            .as_str(),
    );
    let words = match is_note {
        true => trimmed[head.len()..].trim(),
        false => trimmed,
    };
    (words.to_owned(), is_note)
}

/// Where our own mail begins: at the line that asks to write above it, and at the attribution that stands before that.
fn marked(text: &str) -> usize {
    let mut at = 0;
    let mut lines: Vec<&str> = Vec::new();
    for line in text.split('\n') {
        let bare = line.trim_start_matches(|c: char| c == '>' || c.is_whitespace());
        if MARKERS.iter().any(|(_, marker)| bare.contains(marker)) {
            break;
        }
        at += line.len() + 1;
        lines.push(line);
    }
    let at = at.min(text.len());
    if at == text.len() {
        return at;
    }
    // Blank lines and empty quotes between the attribution and our mail are neither's words.
    let is_blank = |line: &&str| {
        line.trim_matches(|c: char| c == '>' || c.is_whitespace())
            .is_empty()
    };
    let mut kept = lines.len();
    while kept > 0 && is_blank(&lines[kept - 1]) {
        kept -= 1;
    }
    let from = kept.saturating_sub(3);
    let opening = (from..kept).find(|&line| {
        attribution::at_start(&lines[line..kept]).is_some_and(|(length, _)| line + length == kept)
    });
    let block = (0..kept).find(|&line| attribution::opens_header_block(&lines[line..kept]));
    let end = opening.or(block).unwrap_or(kept);
    lines[..end]
        .iter()
        .map(|line| line.len() + 1)
        .sum::<usize>()
        .min(at)
}

/// Posts an operator's answer: to the client in their name, or as a note.
pub(super) fn post(
    tx: &Tx<'_>,
    event: &Event,
    incoming: Incoming,
    proven: Proven,
) -> Result<Outcome> {
    let external_id = Some(incoming.external_id);
    let Proven {
        operator,
        name,
        mut ticket,
    } = proven;
    let (words, is_note) = own_words(&incoming.mail.text);
    let pasted = incoming.inline.into_iter().map(|(upload, _)| upload);
    let uploads: Vec<_> = incoming.uploads.into_iter().chain(pasted).collect();
    if words.is_empty() && uploads.is_empty() {
        return Ok(Outcome {
            external_id,
            ticket: Some(ticket.id),
            ..Outcome::ignored("empty_answer_of_an_operator")
        });
    }
    let actor = Actor {
        kind: ActorKind::Operator,
        id: Some(operator.0),
        name,
    };
    let cx = Acting::new(tx, event.tenant, actor);
    let draft = Draft {
        uploads,
        is_note,
        ..Draft::support(words)
    };
    let message = message::post_by_support(&cx, &mut ticket, draft)?;
    let rule = if is_note {
        "operator_s_note_by_mail"
    } else {
        "operator_s_answer_by_mail"
    };
    Ok(Outcome {
        outcome: "message",
        rule: rule.to_owned(),
        external_id,
        ticket: Some(ticket.id),
        message: Some(message),
        ..Outcome::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::email::parse::parse;

    #[test]
    fn what_stands_above_our_mail_is_the_operator_s_word() {
        let marker = MARKERS[0].1;
        for text in [
            format!(
                "Перезагрузите кассу.\n\nср, 4 мар. 2026 г. в 13:07, Acme <help@acme.example>:\n\n> {marker}\n>\n> #7 Касса\n"
            ),
            format!("Перезагрузите кассу.\n\n> {marker}\n> #7 Касса\n"),
            format!(
                "Перезагрузите кассу.\n\n________________________________\nОт: Acme <help@acme.example>\nОтправлено: 4 марта 2026 г. 13:07\nКому: omar@acme.example\nТема: #7 Касса\n\n{marker}\n\n#7 Касса\n"
            ),
            format!("Перезагрузите кассу.\n{marker} #7 Касса"),
        ] {
            assert_eq!(
                own_words(&text),
                ("Перезагрузите кассу.".to_owned(), false),
                "{text}"
            );
        }
        assert_eq!(own_words("Да"), ("Да".to_owned(), false));
        assert_eq!(own_words(&format!("> {marker}\n> #7")).0, "");
    }

    #[test]
    fn a_marker_at_the_beginning_makes_a_note() {
        for text in [
            "#note перезвонить",
            "#Заметка: перезвонить",
            "#жазба\nперезвонить",
        ] {
            assert_eq!(own_words(text), ("перезвонить".to_owned(), true), "{text}");
        }
        for text in ["#notes перезвонить", "см. #note", "# note перезвонить"]
        {
            assert!(!own_words(text).1, "{text}");
        }
    }

    #[test]
    fn a_server_s_word_takes_the_proof_away() {
        let with =
            |header: &str| is_refuted(&parse(format!("{header}\r\n\r\nx").as_bytes()).headers);
        assert!(with(
            "Authentication-Results: mx.acme.example; spf=pass; dmarc=fail (p=reject) header.from=acme.example"
        ));
        assert!(with(
            "Authentication-Results: mx; dkim=fail header.d=acme.example; spf=fail"
        ));
        assert!(!with(
            "Authentication-Results: mx; dkim=fail header.d=list.example; spf=pass; dmarc=pass"
        ));
        assert!(!with("Authentication-Results: mx; none"));
        assert!(!with("Subject: dmarc=fail"));
    }
}
