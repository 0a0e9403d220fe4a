//! What would become of a delivery, asked beforehand. It is read, judged and posted as one that has come in, with the rules that
//! it sets off, in a transaction that is undone: nothing is stored, sent or told, and no file is fetched or kept.
use super::{
    Applied, Envelope, Event, Outcome, Transport,
    evidence::facts,
    foretold::{FileTold, Guard, Key, MailRead, Outgoing, Rehearsal, Words},
    keys_of, place, reasons, report,
    talk::{self, Ready},
    unpack::{Incoming, Read, Shelf, Unpacked, unpack},
};
use crate::{
    api::{
        Upload,
        field::{MessageId, TenantId, TicketId},
    },
    app::App,
    automation::trigger,
    blob::Blob,
    channel::{
        config::{self, Channel, ChannelType},
        email::{
            address,
            form::Form,
            thread::{self, Candidate, Fact, Source, Standing},
        },
        heard::{Heard, file_name},
        messenger,
    },
    db::{
        Tx,
        sql::{Page, all, one},
    },
    error::{Error, Fault, Result},
    lang::Lang,
    ticket::{
        files::Links,
        list::{self, Sight},
        model::MessageView,
        view,
    },
};
use tokio::task;

/// What is handed in to be looked at.
#[derive(Debug)]
pub(crate) enum Sample {
    /// A mail, and what its transport would say beside it.
    Mail {
        raw: Vec<u8>,
        from: Option<String>,
        to: Vec<String>,
    },
    /// A mail as Mailgun or SendGrid posts it, whichever the channel is fed by; a form of several parts has a boundary.
    Form {
        raw: Vec<u8>,
        boundary: Option<String>,
    },
    /// JSON of a provider.
    Json(Vec<u8>),
}

/// Tells what would become of a delivery, in its parts: a mail is one, a messenger may tell several things at once.
pub(crate) async fn rehearse(
    app: &App,
    channel: &Channel,
    sample: Sample,
    lang: Lang,
) -> Result<Vec<Rehearsal>> {
    let is_mail = channel.kind == ChannelType::Email;
    let (transport, from, to, read) = match sample {
        Sample::Json(raw) if !is_mail => return told(app, channel, &raw, lang).await,
        _ if !is_mail => return Err(Error::one_of("format", &["event"])),
        Sample::Mail { raw, from, to } => (Transport::Smtp, from, to, Read::Raw(raw)),
        Sample::Form { raw, boundary } => {
            let form = Form::read(&raw, boundary).await?;
            let (transport, read) = if channel.is_fed_by("sendgrid") {
                (Transport::SendgridForm, Read::Sendgrid(form))
            } else {
                (Transport::MailgunForm, Read::Mailgun(form))
            };
            (transport, None, Vec::new(), read)
        }
        Sample::Json(raw) => (Transport::MailgunEvent, None, Vec::new(), Read::Event(raw)),
    };
    let envelope = Envelope {
        transport,
        from,
        to,
        content_type: None,
        is_cut: false,
    };
    let unpacked = task::spawn_blocking(move || unpack(&Shelf::None, envelope, read))
        .await
        .map_err(Error::internal)??;
    let (owner, channel) = (app.clone(), channel.clone());
    app.db
        .rehearse(move |tx| {
            let stage = Stage::set(tx, &owner, &channel, lang)?;
            let part = match unpacked {
                Unpacked::Mail(incoming) => stage.mail(*incoming)?,
                Unpacked::Report(said) => {
                    let keys = keys_of(&owner, channel.tenant);
                    let outcome = report::apply(tx, channel.tenant, &keys, &said)?;
                    stage.played(Rehearsal::default(), &outcome)?
                }
                Unpacked::Nothing => {
                    let outcome = Outcome::ignored("event_without_a_message");
                    stage.played(Rehearsal::default(), &outcome)?
                }
            };
            Ok(vec![part])
        })
        .await
}

/// The same for what a messenger tells.
async fn told(app: &App, channel: &Channel, raw: &[u8], lang: Lang) -> Result<Vec<Rehearsal>> {
    let delivery =
        serde_json::from_slice(raw).map_err(|_| Error::invalid("source", Fault::NotObject))?;
    let reading = channel.clone();
    let heard = task::spawn_blocking(move || messenger::heard(&reading, &delivery))
        .await
        .map_err(Error::internal)?;
    let (owner, channel) = (app.clone(), channel.clone());
    app.db
        .rehearse(move |tx| {
            if heard.is_empty() {
                let stage = Stage::set(tx, &owner, &channel, lang)?;
                let nothing = Outcome::ignored("empty_update");
                return Ok(vec![stage.played(Rehearsal::default(), &nothing)?]);
            }
            let parts = heard.into_iter().map(|heard| {
                let stage = Stage::set(tx, &owner, &channel, lang)?;
                let ready = Ready {
                    uploads: promised(&heard),
                    heard,
                    lost: Vec::new(),
                };
                let outcome = match talk::apply(tx, &owner, &stage.event, &channel, ready)? {
                    Applied::Done(outcome) | Applied::Answered { outcome, .. } => outcome,
                    Applied::Later(_) => Outcome::ignored("waits_for_its_message"),
                };
                stage.played(Rehearsal::default(), &outcome)
            });
            parts.collect()
        })
        .await
}

/// The files that would be fetched, as far as they are known without it.
fn promised(heard: &Heard) -> Vec<Upload> {
    let Heard::Said(said) = heard else {
        return Vec::new();
    };
    let files = said.media.iter().map(|media| Upload {
        blob: Blob {
            size: media.size.unwrap_or(0),
            ..Blob::of(&[])
        },
        name: file_name(&media.name, &media.mime, "file"),
        mime: media.mime.clone(),
    });
    files.collect()
}

/// Where a delivery is played through: what was there before it tells what came of it.
struct Stage<'a> {
    tx: &'a Tx<'a>,
    app: &'a App,
    tenant: TenantId,
    lang: Lang,
    event: Event,
    last_run: i64,
    last_sent: i64,
}

impl<'a> Stage<'a> {
    fn set(tx: &'a Tx<'a>, app: &'a App, channel: &Channel, lang: Lang) -> Result<Stage<'a>> {
        let last = |sql: &'static str| one(tx, sql, [], |row| row.get(0));
        Ok(Stage {
            tx,
            app,
            tenant: channel.tenant,
            lang,
            event: Event {
                // No stored delivery has this number, so every one that is stored is another.
                id: 0,
                tenant: channel.tenant,
                channel: channel.id,
                envelope: String::new(),
                raw_hash: None,
                // What overtook its message would have waited for it by now.
                received_at: 0,
                attempts: 0,
            },
            last_run: last("select coalesce(max(id), 0) from trigger_run")?,
            last_sent: last("select coalesce(max(id), 0) from outbox")?,
        })
    }

    fn mail(&self, incoming: Incoming) -> Result<Rehearsal> {
        let mailboxes = config::mailboxes(self.tx)?;
        let keys = keys_of(self.app, self.tenant);
        let auto = place::judged(self.app, &incoming, &mailboxes, &keys);
        let sender = place::sender(&incoming);
        let mut signs = auto.why.clone();
        if place::repeats(self.tx, &self.event, &incoming)? {
            signs.insert(0, "duplicate");
        }
        let found = match &sender {
            Some((email, _)) => {
                let writer = place::writer(&incoming, email);
                facts(self.tx, self.tenant, &incoming, &keys, &writer)?
            }
            None => Vec::new(),
        };
        let mail = &incoming.mail;
        let from = mail.from.clone().unwrap_or_default();
        let to = mail.to.iter().chain(&mail.cc).map(|a| a.email.clone());
        let seen = Rehearsal {
            guards: signs
                .into_iter()
                .map(|sign| Guard {
                    name: sign.to_owned(),
                    why: reasons::guard(sign, self.lang),
                })
                .collect(),
            keys: keys_told(&found),
            mail: Some(MailRead {
                from_name: from.name,
                from_email: Some(from.email)
                    .filter(|email| !email.is_empty())
                    .or(incoming.envelope_from.clone()),
                to: to.collect(),
                subject: mail.subject.clone(),
                message_id: mail.message_id.clone(),
                is_automatic: auto.automatic || auto.bounce,
                is_bulk: auto.bulk,
                is_unanswered: auto.suppress_reply,
                is_own: auto.own,
            }),
            ..Rehearsal::default()
        };
        let outcome = place::apply(self.tx, self.app, &self.event, incoming)?;
        self.played(seen, &outcome)
    }

    /// Lets follow what follows, and tells what came of it.
    fn played(&self, seen: Rehearsal, outcome: &Outcome) -> Result<Rehearsal> {
        self.tx.settle()?;
        let (tx, tenant) = (self.tx, self.tenant);
        let is_new_ticket = outcome.outcome == "ticket";
        let (mut ticket, mut runs, mut previous_ticket) = (None, Vec::new(), None);
        if let Some(id) = outcome.ticket {
            ticket = list::one_row(tx, tenant, Sight::Staff, id, tx.now)?;
            let page = Page::new(None, Some(Page::MOST), Page::MOST)?;
            (runs, _) = trigger::runs(tx, tenant, None, Some(id), page)?;
            runs.retain(|run| run.id > self.last_run);
            runs.reverse();
            previous_ticket = one(
                tx,
                "select previous_ticket from ticket where tenant_id = ?1 and id = ?2",
                (tenant, id),
                |row| row.get(0),
            )?;
        }
        let message = match outcome.message {
            Some(id) => Some(self.words(id)?),
            None => None,
        };
        Ok(Rehearsal {
            outcome: outcome.outcome.to_owned(),
            why: reasons::rule(&outcome.rule, self.lang),
            rule: outcome.rule.clone(),
            detail: outcome.detail.clone(),
            is_new_ticket,
            ticket,
            previous_ticket: previous_ticket.filter(|_| is_new_ticket),
            message,
            triggers: runs,
            outgoing: self.outgoing()?,
            ..seen
        })
    }

    fn words(&self, id: MessageId) -> Result<Words> {
        let links = Links::new(&self.app.secret, self.tenant, self.tx.now);
        let found = view::one_message(self.tx, self.tenant, id, false, links)?;
        let (shown, folded) = split(&found);
        let files = found.files.into_iter().map(|file| FileTold {
            name: file.name,
            mime: file.mime,
            size: file.size,
            inline: file.inline,
        });
        Ok(Words {
            author_name: found.author_name,
            shown,
            folded,
            has_html: found.html.is_some(),
            is_note: found.is_note,
            is_unverified: found.unverified,
            files: files.collect(),
        })
    }

    fn outgoing(&self) -> Result<Vec<Outgoing>> {
        all(
            self.tx,
            "select kind, recipient from outbox where tenant_id = ?1 and id > ?2 order by id",
            (self.tenant, self.last_sent),
            |row| {
                Ok(Outgoing {
                    kind: row.get(0)?,
                    recipient: row.get(1)?,
                })
            },
        )
    }
}

/// What of a message stays in view, and what is folded. The place is counted in UTF-16 units.
fn split(message: &MessageView) -> (String, String) {
    let at = message.quoted_from.and_then(|at| usize::try_from(at).ok());
    let units: Vec<u16> = message.message.encode_utf16().collect();
    match at.filter(|at| *at < units.len()) {
        Some(at) => (
            String::from_utf16_lossy(&units[..at]),
            String::from_utf16_lossy(&units[at..])
                .trim_start()
                .to_owned(),
        ),
        None => (message.message.clone(), String::new()),
    }
}

fn keys_told(found: &[Fact]) -> Vec<Key> {
    let nowhere = |verdict| matches!(verdict, thread::Verdict::NewTicket { previous: None, .. });
    // The first that leads somewhere together with those before it is the one that decides.
    let decider = (1..=found.len()).find(|n| !nowhere(thread::decide(&found[..*n])));
    let keys = found.iter().enumerate().map(|(at, fact)| {
        let (kind, value) = match &fact.candidate {
            Candidate::Proven { source, .. } => (proven(*source), None),
            Candidate::Known { message_id, source } => (known(*source), Some(message_id.clone())),
            Candidate::Claimed { .. } => ("subject_number", None),
        };
        Key {
            kind,
            value,
            ticket_id: fact.ticket.map(|t| TicketId(t.ticket)),
            state: match fact.ticket.map(|t| t.standing) {
                Some(Standing::Open) => "open",
                Some(Standing::Expired) => "expired",
                Some(Standing::Gone) => "gone",
                None => "unknown",
            },
            takes_part: fact
                .ticket
                .is_some_and(|t| t.sender == thread::Sender::Participant),
            decides: decider == Some(at + 1),
        }
    });
    keys.collect()
}

const fn proven(source: Source) -> &'static str {
    match source {
        Source::ReplyAddress => "reply_address",
        Source::InReplyTo => "in_reply_to",
        Source::References => "references",
    }
}

const fn known(source: Source) -> &'static str {
    match source {
        Source::ReplyAddress => "reply_address",
        Source::InReplyTo => "known_in_reply_to",
        Source::References => "known_references",
    }
}

/// The sender that a transport names: an address, or nothing for the null sender.
pub(crate) fn envelope_sender(text: &str) -> Result<String> {
    match text.trim() {
        "" | "<>" => Ok(String::new()),
        text => address::bare(text).ok_or_else(|| Error::invalid("from", Fault::NotEmail)),
    }
}

/// The recipient that a transport names.
pub(crate) fn envelope_recipient(text: &str) -> Result<String> {
    address::bare(text).ok_or_else(|| Error::invalid("to", Fault::NotEmail))
}
