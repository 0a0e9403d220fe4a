//! Which ticket a mail belongs to: the evidence in order of strength, then one pure decision.
//!
//! A code of ours proves that the sender held a mail of ours. A stored id proves nothing about the sender, and a number in the
//! subject can be guessed, so both count only for somebody who already takes part in the ticket. Looking up ids, tickets and
//! participants, and following a merged ticket to its target, is the caller's.

use super::mail::Mail;
use super::subject;
use super::token::Keys;

/// Ids looked at in `References`; mails of long threads carry hundreds.
const MOST_REFERENCES: usize = 50;

/// Where a piece of evidence stands in the mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    ReplyAddress,
    InReplyTo,
    References,
}

/// A ticket the mail may belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Candidate {
    /// A code of ours says so.
    Proven {
        ticket: i64,
        message: Option<i64>,
        source: Source,
    },
    /// An id to be looked up among the ids stored for this mailbox.
    Known { message_id: String, source: Source },
    /// The subject says so, and anybody can write a subject.
    Claimed { ticket: i64 },
}

/// All evidence in the mail, strongest first. `envelope_to` are the recipients the server was told.
pub(crate) fn candidates(mail: &Mail, envelope_to: &[String], keys: &Keys) -> Vec<Candidate> {
    let mut found: Vec<Candidate> = Vec::new();
    let mut keep = |candidate: Candidate| {
        if !found.contains(&candidate) {
            found.push(candidate);
        }
    };
    let written = mail
        .to
        .iter()
        .chain(&mail.cc)
        .map(|address| address.email.as_str());
    let recipients = envelope_to
        .iter()
        .chain(&mail.delivered_to)
        .map(String::as_str)
        .chain(written);
    for proof in recipients.filter_map(|address| keys.read_reply_address(address)) {
        keep(Candidate::Proven {
            ticket: proof.ticket,
            message: None,
            source: Source::ReplyAddress,
        });
    }
    let parents = mail
        .in_reply_to
        .iter()
        .rev()
        .map(|id| (id, Source::InReplyTo));
    let ancestors = mail
        .references
        .iter()
        .rev()
        .take(MOST_REFERENCES)
        .map(|id| (id, Source::References));
    let ids: Vec<(&String, Source)> = parents.chain(ancestors).collect();
    // An id of ours further up outweighs a foreign one, which may belong to a talk among outsiders.
    for (id, source) in &ids {
        if let Some(proof) = keys.read_message_id(id) {
            keep(Candidate::Proven {
                ticket: proof.ticket,
                message: proof.message,
                source: *source,
            });
        }
    }
    for (id, source) in ids {
        if keys.read_message_id(id).is_none() {
            keep(Candidate::Known {
                message_id: id.clone(),
                source,
            });
        }
    }
    if let Some(ticket) = subject::number(&mail.subject) {
        keep(Candidate::Claimed { ticket });
    }
    found
}

/// How a ticket stands towards a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Takes replies; being reopened by one counts as taking it.
    Open,
    /// Closed too long ago: a reply makes a new ticket that names this one.
    Expired,
    /// Deleted or spam.
    Gone,
}

/// What the caller found for a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) ticket: i64,
    pub(crate) standing: Standing,
    pub(crate) sender: Sender,
}

/// Who the sender is to a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sender {
    /// Its requester, somebody in copy, or an operator.
    Participant,
    Stranger,
}

/// A candidate and the ticket found for it, if any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fact {
    pub(crate) candidate: Candidate,
    pub(crate) ticket: Option<Ticket>,
}

/// Where the mail goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Joins the ticket as the words of somebody who takes part in it.
    Reply { ticket: i64, rule: Rule },
    /// Joins the ticket, shown as sent from an address that does not take part in it.
    ReplyUnverified { ticket: i64, rule: Rule },
    /// Opens a ticket, which may name an earlier one.
    NewTicket { previous: Option<i64>, rule: Rule },
}

/// Why the mail went where it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    ReplyAddress,
    InReplyTo,
    References,
    KnownInReplyTo,
    KnownReferences,
    SubjectNumber,
    /// The code fits, the sender's address takes no part.
    UnknownSender,
    /// The ticket has been closed too long.
    TicketExpired,
    /// The subject names a ticket in which the sender takes no part.
    SubjectOfStranger,
    /// The mail answers a stored one, but the sender takes no part in that ticket.
    ReplyOfStranger,
    /// The ticket is deleted.
    TicketGone,
    /// No evidence, or none that leads to a ticket.
    NoMatch,
}

impl Rule {
    /// The name under which the reason is stored.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::ReplyAddress => "reply_address",
            Self::InReplyTo => "in_reply_to",
            Self::References => "references",
            Self::KnownInReplyTo => "known_in_reply_to",
            Self::KnownReferences => "known_references",
            Self::SubjectNumber => "subject_number",
            Self::UnknownSender => "unknown_sender",
            Self::TicketExpired => "ticket_expired",
            Self::SubjectOfStranger => "subject_of_stranger",
            Self::ReplyOfStranger => "reply_of_stranger",
            Self::TicketGone => "ticket_gone",
            Self::NoMatch => "no_match",
        }
    }
}

/// Decides by the first fact that leads to a ticket; what kept earlier ones from deciding is remembered as the reason.
pub(crate) fn decide(facts: &[Fact]) -> Verdict {
    let mut otherwise = Rule::NoMatch;
    for fact in facts {
        let Some(found) = fact.ticket else { continue };
        let participant = found.sender == Sender::Participant;
        let (rule, refused) = match &fact.candidate {
            Candidate::Proven {
                source: Source::ReplyAddress,
                ..
            } => (Rule::ReplyAddress, None),
            Candidate::Proven {
                source: Source::InReplyTo,
                ..
            } => (Rule::InReplyTo, None),
            Candidate::Proven { .. } => (Rule::References, None),
            Candidate::Known {
                source: Source::InReplyTo,
                ..
            } => (
                Rule::KnownInReplyTo,
                (!participant).then_some(Rule::ReplyOfStranger),
            ),
            Candidate::Known { .. } => (
                Rule::KnownReferences,
                (!participant).then_some(Rule::ReplyOfStranger),
            ),
            Candidate::Claimed { .. } => (
                Rule::SubjectNumber,
                (!participant).then_some(Rule::SubjectOfStranger),
            ),
        };
        if let Some(refused) = refused {
            otherwise = first_reason(otherwise, refused);
            continue;
        }
        match found.standing {
            Standing::Gone => otherwise = first_reason(otherwise, Rule::TicketGone),
            Standing::Expired => {
                return Verdict::NewTicket {
                    previous: Some(found.ticket),
                    rule: Rule::TicketExpired,
                };
            }
            Standing::Open if participant => {
                return Verdict::Reply {
                    ticket: found.ticket,
                    rule,
                };
            }
            Standing::Open => {
                return Verdict::ReplyUnverified {
                    ticket: found.ticket,
                    rule: Rule::UnknownSender,
                };
            }
        }
    }
    Verdict::NewTicket {
        previous: None,
        rule: otherwise,
    }
}

fn first_reason(known: Rule, new: Rule) -> Rule {
    if known == Rule::NoMatch { new } else { known }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::email::parse::parse;

    fn keys() -> Keys {
        Keys::new(b"secret", 1)
    }

    fn fact(candidate: Candidate, standing: Standing, sender: Sender) -> Fact {
        Fact {
            candidate,
            ticket: Some(Ticket {
                ticket: 42,
                standing,
                sender,
            }),
        }
    }

    fn proven() -> Candidate {
        Candidate::Proven {
            ticket: 42,
            message: Some(7),
            source: Source::InReplyTo,
        }
    }

    fn known() -> Candidate {
        Candidate::Known {
            message_id: "a@x.kz".to_owned(),
            source: Source::References,
        }
    }

    const CLAIMED: Candidate = Candidate::Claimed { ticket: 42 };

    #[test]
    fn evidence_is_listed_strongest_first() {
        let ours = keys().message_id(42, 7, "desk.kz");
        let older = keys().message_id(42, 5, "desk.kz");
        let plus = keys().reply_address("support@desk.kz", 42).unwrap();
        let raw = format!(
            "From: a@x.kz\r\nTo: <{plus}>\r\nSubject: Re: [#42] Касса\r\nIn-Reply-To: <{ours}>\r\nReferences: <first@x.kz> <{older}> <last@x.kz>\r\n\r\nда"
        );
        let source = Source::References;
        assert_eq!(
            candidates(&parse(raw.as_bytes()), &[], &keys()),
            [
                Candidate::Proven {
                    ticket: 42,
                    message: None,
                    source: Source::ReplyAddress
                },
                Candidate::Proven {
                    ticket: 42,
                    message: Some(7),
                    source: Source::InReplyTo
                },
                Candidate::Proven {
                    ticket: 42,
                    message: Some(5),
                    source
                },
                Candidate::Known {
                    message_id: "last@x.kz".to_owned(),
                    source
                },
                Candidate::Known {
                    message_id: "first@x.kz".to_owned(),
                    source
                },
                Candidate::Claimed { ticket: 42 },
            ]
        );
    }

    #[test]
    fn the_envelope_counts_before_the_headers() {
        let plus = keys().reply_address("support@desk.kz", 9).unwrap();
        let mail = parse(b"To: support@desk.kz\r\n\r\nx");
        let found = candidates(&mail, &[plus], &keys());
        assert_eq!(
            found,
            [Candidate::Proven {
                ticket: 9,
                message: None,
                source: Source::ReplyAddress
            }]
        );
    }

    #[test]
    fn a_forged_code_is_no_proof() {
        let raw = b"To: support+t42.aaaaaaaaaaaaaaaa@desk.kz\r\nIn-Reply-To: <tp.42.7.aaaaaaaaaaaaaaaa@desk.kz>\r\n\r\nx";
        let found = candidates(&parse(raw), &[], &keys());
        assert_eq!(
            found,
            [Candidate::Known {
                message_id: "tp.42.7.aaaaaaaaaaaaaaaa@desk.kz".to_owned(),
                source: Source::InReplyTo
            }]
        );
    }

    #[test]
    fn the_decision_table() {
        use Sender::{Participant, Stranger};
        use Standing::{Expired, Gone, Open};
        let new = |rule| Verdict::NewTicket {
            previous: None,
            rule,
        };
        let table = [
            (
                proven(),
                Open,
                Participant,
                Verdict::Reply {
                    ticket: 42,
                    rule: Rule::InReplyTo,
                },
            ),
            (
                proven(),
                Open,
                Stranger,
                Verdict::ReplyUnverified {
                    ticket: 42,
                    rule: Rule::UnknownSender,
                },
            ),
            (
                proven(),
                Expired,
                Participant,
                Verdict::NewTicket {
                    previous: Some(42),
                    rule: Rule::TicketExpired,
                },
            ),
            (proven(), Gone, Participant, new(Rule::TicketGone)),
            (
                known(),
                Open,
                Participant,
                Verdict::Reply {
                    ticket: 42,
                    rule: Rule::KnownReferences,
                },
            ),
            (known(), Open, Stranger, new(Rule::ReplyOfStranger)),
            (known(), Expired, Stranger, new(Rule::ReplyOfStranger)),
            (
                known(),
                Expired,
                Participant,
                Verdict::NewTicket {
                    previous: Some(42),
                    rule: Rule::TicketExpired,
                },
            ),
            (
                CLAIMED,
                Open,
                Participant,
                Verdict::Reply {
                    ticket: 42,
                    rule: Rule::SubjectNumber,
                },
            ),
            (CLAIMED, Open, Stranger, new(Rule::SubjectOfStranger)),
            (CLAIMED, Gone, Participant, new(Rule::TicketGone)),
        ];
        for (candidate, standing, sender, wanted) in table {
            assert_eq!(
                decide(&[fact(candidate.clone(), standing, sender)]),
                wanted,
                "{candidate:?} {standing:?} {sender:?}"
            );
        }
        assert_eq!(decide(&[]), new(Rule::NoMatch));
    }

    #[test]
    fn evidence_that_leads_nowhere_lets_the_next_decide() {
        let lost = Fact {
            candidate: proven(),
            ticket: None,
        };
        let gone = fact(proven(), Standing::Gone, Sender::Participant);
        let live = Fact {
            candidate: known(),
            ticket: Some(Ticket {
                ticket: 50,
                standing: Standing::Open,
                sender: Sender::Participant,
            }),
        };
        assert_eq!(
            decide(&[lost, gone, live]),
            Verdict::Reply {
                ticket: 50,
                rule: Rule::KnownReferences
            }
        );
    }
}
