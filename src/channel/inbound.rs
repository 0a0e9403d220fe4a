//! What comes in. The raw delivery is stored and acknowledged first; a worker then reads it, decides by pure rules where it
//! belongs and posts it, all in one transaction that also says what became of it and why. A delivery that comes twice
//! makes one message; one that cannot be read stops nobody else and is kept.
use super::{
    config::{self, Channel},
    email::{
        bounce::{Action, Report},
        fold,
        form::Form,
        guard::{self, Around},
        html,
        mail::{Attachment, Mail},
        mailgun, parse, quote, subject,
        thread::{self, Candidate, Fact, Rule, Sender, Standing, Verdict},
        token::Keys,
    },
    outbox,
};
use crate::{
    access::secret::Purpose,
    api::{
        Upload,
        field::{ChannelId, MessageId, TenantId, TicketId},
    },
    app::App,
    client,
    clock::Millis,
    db::{
        Tx,
        sql::{all, first, run},
    },
    error::{Error, Result},
    lang::Lang,
    signal::Signal,
    tenant,
    ticket::{
        self, Acting, Actor, NewTicket,
        message::{self, Draft},
        model::{Delivery, Origin},
        record::{self, Record},
        status::{Status, Window},
    },
};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How a delivery reached us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Transport {
    Smtp,
    MailgunForm,
    MailgunEvent,
}

/// What the transport said beside the mail itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Envelope {
    pub(crate) transport: Transport,
    /// The sender's address; empty for the null sender.
    pub(crate) from: Option<String>,
    pub(crate) to: Vec<String>,
    /// The type of a webhook's body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) content_type: Option<String>,
}

/// Stores a delivery. When this returns, it is on the disk.
pub(crate) async fn store(
    app: &App,
    channel: &Channel,
    envelope: &Envelope,
    raw: Vec<u8>,
) -> Result<()> {
    let (tenant, id) = (channel.tenant, channel.id);
    let envelope = serde_json::to_string(envelope)?;
    let blobs = app.blobs.clone();
    let blob = tokio::task::spawn_blocking(move || blobs.put(tenant, &raw))
        .await
        .map_err(Error::internal)??;
    app.db
        .write(move |tx| {
            run(
                tx,
                "insert into inbound_event (tenant_id, channel_id, received_at, envelope, raw_hash) values (?1, ?2, ?3, ?4, ?5)",
                (tenant, id, tx.now, envelope, blob.hash),
            )?;
            run(tx, "update channel set last_inbound_at = ?2 where id = ?1", (id, tx.now))?;
            tx.signal(Signal::Inbound);
            Ok(())
        })
        .await
}

/// A stored delivery that is still to be worked on.
#[derive(Clone, Debug)]
struct Event {
    id: i64,
    tenant: TenantId,
    channel: ChannelId,
    envelope: String,
    raw_hash: String,
    attempts: i64,
}

fn waiting(conn: &Connection) -> Result<Vec<Event>> {
    all(
        conn,
        "select id, tenant_id, channel_id, envelope, raw_hash, attempts
           from inbound_event where state = 'received' order by id limit 50",
        [],
        |row| {
            Ok(Event {
                id: row.get(0)?,
                tenant: row.get(1)?,
                channel: row.get(2)?,
                envelope: row.get(3)?,
                raw_hash: row.get(4)?,
                attempts: row.get(5)?,
            })
        },
    )
}

/// How often a delivery that fails is tried before it is put aside.
const ATTEMPTS: i64 = 3;
/// How long the worker sleeps when nothing wakes it.
const PAUSE: Duration = Duration::from_secs(30);

/// Works on deliveries as they are stored, for as long as the program runs.
pub(crate) async fn work(app: App) {
    loop {
        match work_once(&app).await {
            Ok(0) => {
                let _ = tokio::time::timeout(PAUSE, app.db.signals().inbound.notified()).await;
            }
            Ok(_) => {}
            Err(error) => {
                tracing::error!(%error, "deliveries could not be worked on");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Works on what is stored now, in the order it came. Answers how much that was.
pub(crate) async fn work_once(app: &App) -> Result<usize> {
    let events = app.db.read(|db| waiting(db)).await?;
    for event in &events {
        // A panic in reading one mail is that mail's failure.
        let (owner, work) = (app.clone(), event.clone());
        let outcome = tokio::spawn(async move { process(&owner, work).await }).await;
        let failure = match outcome {
            Ok(Ok(())) => continue,
            Ok(Err(error)) => error.to_string(),
            Err(panic) => panic.to_string(),
        };
        tracing::error!(event = event.id, %failure, "a delivery could not be worked on");
        let (id, given_up) = (event.id, event.attempts + 1 >= ATTEMPTS);
        app.db
            .write(move |tx| {
                run(
                    tx,
                    "update inbound_event
                        set attempts = attempts + 1, detail = ?2, state = iif(?3, 'failed', state)
                      where id = ?1",
                    (id, failure, given_up),
                )
            })
            .await?;
    }
    Ok(events.len())
}

/// A delivery that was read, before it is decided where it belongs.
struct Incoming {
    mail: Mail,
    envelope_from: Option<String>,
    envelope_to: Vec<String>,
    external_id: String,
    uploads: Vec<Upload>,
    inline: Vec<(Upload, String)>,
}

async fn process(app: &App, event: Event) -> Result<()> {
    let blobs = app.blobs.clone();
    let (tenant, hash) = (event.tenant, event.raw_hash.clone());
    let raw = tokio::task::spawn_blocking(move || blobs.read(tenant, &hash))
        .await
        .map_err(Error::internal)??;
    let envelope: Envelope = serde_json::from_str(&event.envelope)?;
    let read = match envelope.transport {
        Transport::MailgunForm => {
            let boundary = envelope
                .content_type
                .as_deref()
                .and_then(|t| multer::parse_boundary(t).ok());
            Read::Posted(Form::read(&raw, boundary).await?)
        }
        Transport::MailgunEvent => Read::Event(raw),
        Transport::Smtp => Read::Raw(raw),
    };
    let owner = app.clone();
    let incoming = tokio::task::spawn_blocking(move || unpack(&owner, tenant, envelope, read))
        .await
        .map_err(Error::internal)??;
    let owner = app.clone();
    app.db
        .write(move |tx| {
            let outcome = match incoming {
                Unpacked::Mail(incoming) => apply(tx, &owner, &event, *incoming)?,
                Unpacked::Report(report) => {
                    let keys = keys_of(&owner, event.tenant);
                    report_on(tx, event.tenant, &keys, &report)?
                }
                Unpacked::Nothing => Outcome::ignored("event_without_a_message"),
            };
            outcome.write(tx, event.id)
        })
        .await
}

/// A delivery as its transport left it.
enum Read {
    Raw(Vec<u8>),
    Posted(Form),
    Event(Vec<u8>),
}

enum Unpacked {
    Mail(Box<Incoming>),
    Report(Report),
    Nothing,
}

/// Reads the mail and puts its attachments into the store.
fn unpack(app: &App, tenant: TenantId, envelope: Envelope, read: Read) -> Result<Unpacked> {
    let (mut mail, from, to) = match read {
        Read::Raw(raw) => (parse::parse(&raw), envelope.from, envelope.to),
        Read::Posted(form) => {
            let posted = mailgun::read(form);
            (posted.mail, posted.envelope_from, posted.envelope_to)
        }
        Read::Event(body) => {
            let report = mailgun::event(&body).and_then(|event| event.report);
            return Ok(report.map_or(Unpacked::Nothing, Unpacked::Report));
        }
    };
    let external_id = external_id(&mail);
    let shown = mail
        .html
        .as_deref()
        .map(html::shown_content_ids)
        .unwrap_or_default();
    let (mut uploads, mut inline) = (Vec::new(), Vec::new());
    for Attachment {
        name,
        mime,
        content_id,
        data,
        ..
    } in std::mem::take(&mut mail.attachments)
    {
        let blob = app.blobs.put(tenant, &data)?;
        let upload = Upload { blob, name, mime };
        match content_id.filter(|id| shown.contains(id)) {
            Some(id) => inline.push((upload, id)),
            None => uploads.push(upload),
        }
    }
    Ok(Unpacked::Mail(Box::new(Incoming {
        mail,
        envelope_from: from,
        envelope_to: to,
        external_id,
        uploads,
        inline,
    })))
}

/// What makes a repeated mail the same. Some devices send every mail under one Message-ID, so it is not enough alone.
fn external_id(mail: &Mail) -> String {
    let mut hasher = blake3::Hasher::new();
    let from = mail.from.as_ref().map_or("", |a| a.email.as_str());
    let date = mail.date.map(|d| d.to_string()).unwrap_or_default();
    for part in [
        mail.message_id.as_deref().unwrap_or_default(),
        from,
        &date,
        &mail.subject,
        &mail.text,
    ] {
        hasher.update(&(part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    for attachment in &mail.attachments {
        hasher.update(blake3::hash(&attachment.data).as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

fn keys_of(app: &App, tenant: TenantId) -> Keys {
    Keys::new(&app.secret.key(Purpose::MailThread), tenant.0)
}

/// What became of a delivery, and which rule decided so.
#[derive(Debug, Default)]
struct Outcome {
    outcome: &'static str,
    rule: String,
    /// What could not be read of it.
    detail: Option<String>,
    external_id: Option<String>,
    ticket: Option<TicketId>,
    message: Option<MessageId>,
}

impl Outcome {
    fn ignored(rule: impl Into<String>) -> Outcome {
        Outcome {
            outcome: "ignored",
            rule: rule.into(),
            ..Outcome::default()
        }
    }

    fn write(&self, tx: &Tx<'_>, event: i64) -> Result<()> {
        run(
            tx,
            "update inbound_event
                set state = 'done', outcome = ?2, rule = ?3, external_id = ?4, ticket_id = ?5, message_id = ?6, detail = ?7
              where id = ?1",
            (
                event,
                self.outcome,
                &self.rule,
                &self.external_id,
                self.ticket,
                self.message,
                &self.detail,
            ),
        )?;
        Ok(())
    }
}

fn apply(tx: &Tx<'_>, app: &App, event: &Event, incoming: Incoming) -> Result<Outcome> {
    let tenant = event.tenant;
    let keys = keys_of(app, tenant);
    let known: Option<i64> = first(
        tx,
        "select id from inbound_event where tenant_id = ?1 and channel_id = ?2 and external_id = ?3",
        (tenant, event.channel, &incoming.external_id),
        |row| row.get(0),
    )?;
    if known.is_some_and(|id| id != event.id) {
        return Ok(Outcome::ignored("duplicate"));
    }
    let mailboxes = config::mailboxes(tx)?;
    let auto = guard::judge(
        &incoming.mail,
        &Around {
            mailboxes: &mailboxes,
            installation: &installation(app),
            envelope_from: incoming.envelope_from.as_deref(),
            keys: &keys,
        },
    );
    let external_id = Some(incoming.external_id.clone());
    if auto.own {
        return Ok(Outcome {
            external_id,
            ..Outcome::ignored("own_mail_came_back")
        });
    }
    if let Some(report) = &incoming.mail.report {
        let outcome = report_on(tx, tenant, &keys, report)?;
        return Ok(Outcome {
            external_id,
            ..outcome
        });
    }
    let Some((email, name)) = sender(&incoming) else {
        return Ok(Outcome {
            external_id,
            ..Outcome::ignored("no_sender")
        });
    };
    let facts = facts(tx, tenant, &incoming, &keys, &email)?;
    let verdict = thread::decide(&facts);
    let automatic = auto.automatic || auto.bounce;
    let contact = client::contact_of(tx, tenant, &email, &name, None, tx.now)?;
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
    if !matches!(rule, Rule::UnknownSender) && !automatic {
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
        detail: incomplete,
        rule: rule.code().to_owned(),
        external_id,
        ticket: Some(ticket.id),
        message: Some(message),
    })
}

/// What this installation calls itself in the header by which it knows its own automatic mail again.
pub(super) fn installation(app: &App) -> String {
    let key = app.secret.key(Purpose::MailThread);
    data_encoding::HEXLOWER.encode(&blake3::hash(&key).as_bytes()[..8])
}

/// Who sent the mail: as it says itself, else as the transport said.
fn sender(incoming: &Incoming) -> Option<(String, String)> {
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

/// Looks up what the mail's own evidence points at.
fn facts(
    tx: &Tx<'_>,
    tenant: TenantId,
    incoming: &Incoming,
    keys: &Keys,
    sender: &str,
) -> Result<Vec<Fact>> {
    let days = tenant::by_id(tx, tenant)?.settings.reopen_window_days;
    let mut facts = Vec::new();
    for candidate in thread::candidates(&incoming.mail, &incoming.envelope_to, keys) {
        let number = match &candidate {
            Candidate::Proven { ticket, .. } | Candidate::Claimed { ticket } => {
                Some(TicketId(*ticket))
            }
            Candidate::Known { message_id, .. } => first(
                tx,
                "select ticket_id from message where tenant_id = ?1 and mail_id = ?2 order by id desc limit 1",
                (tenant, message_id),
                |row| row.get(0),
            )?,
        };
        let found = match number {
            Some(number) => target(tx, tenant, number)?,
            None => None,
        };
        let ticket = match found {
            // Evidence of ours that leads nowhere any more.
            None => number.map(|number| thread::Ticket {
                ticket: number.0,
                standing: Standing::Gone,
                sender: Sender::Stranger,
            }),
            Some(ticket) => Some(thread::Ticket {
                ticket: ticket.id.0,
                standing: standing(&ticket, tx.now, days),
                sender: participation(tx, &ticket, sender)?,
            }),
        };
        facts.push(Fact { candidate, ticket });
    }
    Ok(facts)
}

/// What staff are told, in Russian, Kazakh and English, when a mail was larger or deeper than what is taken.
const INCOMPLETE: [&str; 3] = [
    "Письмо показано не целиком: часть его не прочитана (слишком велика, слишком вложена или зашифрована). Исходное письмо сохранено.",
    "Хат толық көрсетілмеген: оның бір бөлігі оқылмады (тым үлкен, тым күрделі немесе шифрланған). Бастапқы хат сақталды.",
    "This mail is not shown whole: a part of it was not read (too large, too deep or encrypted). The original is kept.",
];

/// How often a merged ticket may have been merged on.
const MERGES: usize = 20;

/// The ticket of that number, or the one it went on in.
fn target(conn: &Connection, tenant: TenantId, mut id: TicketId) -> Result<Option<Record>> {
    for _ in 0..MERGES {
        match record::by_id(conn, tenant, id) {
            Ok(ticket) => match ticket.merged_into {
                Some(next) => id = next,
                None => return Ok(Some(ticket)),
            },
            Err(error) if error.code() == crate::error::Code::TicketNotFound => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

fn standing(ticket: &Record, now: Millis, days: u32) -> Standing {
    let closed = ticket.closed_at.unwrap_or(ticket.updated_at);
    match (ticket.status, Window::at(closed, now, days)) {
        (Status::Closed, Window::Over) => Standing::Expired,
        _ => Standing::Open,
    }
}

fn participation(conn: &Connection, ticket: &Record, sender: &str) -> Result<Sender> {
    if ticket.creator_email.as_deref() == Some(sender) {
        return Ok(Sender::Participant);
    }
    let takes_part: Option<i64> = first(
        conn,
        "select 1 from participant where tenant_id = ?1 and ticket_id = ?2 and email = ?3",
        (ticket.tenant, ticket.id, sender),
        |row| row.get(0),
    )?;
    Ok(if takes_part.is_some() {
        Sender::Participant
    } else {
        Sender::Stranger
    })
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
    (email, contact): (String, &client::Contact),
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

/// What a mail server says about a mail of ours becomes that message's delivery status; it never opens a ticket.
fn report_on(tx: &Tx<'_>, tenant: TenantId, keys: &Keys, report: &Report) -> Result<Outcome> {
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
    let exists = message::by_id(tx, tenant, message).is_ok_and(|stored| stored.ticket == ticket);
    if !exists {
        return Ok(Outcome::ignored("report_on_an_unknown_mail"));
    }
    let cx = Acting::new(tx, tenant, Actor::system());
    for recipient in recipients {
        let why = format!(
            "{}: {} {}",
            recipient.address, recipient.status, recipient.diagnostic
        );
        match recipient.action {
            Action::Failed => {
                message::delivered(&cx, ticket, message, Delivery::Failed, Some(why.trim()))?
            }
            Action::Delivered => {
                message::delivered(&cx, ticket, message, Delivery::Delivered, None)?
            }
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
