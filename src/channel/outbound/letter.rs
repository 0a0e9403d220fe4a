//! Writes the mail of an outbox row: what it says, to whom, in which thread.
use super::target;
use crate::{
    access::secret::Purpose,
    api::field::{MessageId, TenantId, TicketId},
    app::App,
    channel::{
        config::{self, Channel, dkim},
        email::{
            address::Address,
            compose::{self, Author, File, Outgoing, Quoted},
            dial::SmtpTarget,
            send,
            template::Language,
            token::Keys,
        },
        inbound,
        outbox::{Due, Kind},
    },
    clock::Millis,
    db::{
        Snapshot,
        sql::{all, first},
    },
    error::{Code, Error, Result},
    lang::Lang,
    tenant,
    ticket::record,
};
use rusqlite::Connection;

/// A mail that is ready to go.
pub(super) struct Letter {
    pub(super) target: SmtpTarget,
    pub(super) envelope: send::Envelope,
    pub(super) raw: Vec<u8>,
    pub(super) mail_id: String,
}

/// What a mail is made of, read in one snapshot.
struct Facts {
    channel: Channel,
    subject: String,
    recipient: Address,
    copies: Vec<Address>,
    author: String,
    /// Whether a rule wrote it and no person.
    automatic: bool,
    body: String,
    created_at: Millis,
    language: Lang,
    company: String,
    /// The company and where to write to it, as the foot of a mail says it.
    foot: String,
    colour: String,
    references: Vec<String>,
    in_reply_to: Option<String>,
    quoted: Option<(String, jiff::Zoned, String)>,
    files: Vec<(String, String, String)>,
}

/// Writes the mail of a row.
pub(super) async fn prepare(app: &App, row: &Due) -> Result<Letter> {
    let (owner, due) = (app.clone(), row.clone());
    let facts = app.db.read(move |db| facts(db, &owner, &due)).await?;
    let (owner, due) = (app.clone(), row.clone());
    tokio::task::spawn_blocking(move || write(&owner, &due, facts))
        .await
        .map_err(Error::internal)?
}

fn facts(db: &Snapshot<'_>, app: &App, row: &Due) -> Result<Facts> {
    let channel = config::by_id(db, &app.secret, row.tenant, row.channel)?;
    let ticket = record::by_id(db, row.tenant, row.ticket()?)?;
    let tenant = tenant::by_id(db, row.tenant)?;
    let (author, body, created_at, ordinal, automatic): (String, String, Millis, i64, bool) =
        first(
            db,
            "select author_name, body, created_at, ordinal, automatic from message
          where tenant_id = ?1 and id = ?2 and deleted_at is null",
            (row.tenant, row.message),
            |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?)),
        )?
        .ok_or_else(|| Error::new(Code::MessageNotFound))?;
    // An acknowledgement answers the message itself; an answer, those before it.
    let before = match row.kind {
        Kind::Acknowledgement => ordinal + 1,
        _ => ordinal,
    };
    let requester = ticket
        .creator_email
        .ok_or_else(|| Error::new(Code::TicketNotFound))?;
    let copies = all(
        db,
        "select name, email from participant where tenant_id = ?1 and ticket_id = ?2 and email <> ?3 order by email",
        (row.tenant, row.ticket, &requester),
        |r| {
            Ok(Address {
                name: r.get(0)?,
                email: r.get(1)?,
            })
        },
    )?;
    let ids: Vec<(String, bool)> = all(
        db,
        "select mail_id, author_type = 'client' from message
          where tenant_id = ?1 and ticket_id = ?2 and ordinal < ?3 and mail_id is not null
          order by ordinal",
        (row.tenant, row.ticket, before),
        |r| Ok((r.get(0)?, r.get(1)?)),
    )?;
    let last_inbound = ids.iter().rev().find(|(_, client)| *client).or(ids.last());
    let quoted = quoted(db, &tenant, row.ticket()?, ordinal)?;
    Ok(Facts {
        in_reply_to: last_inbound.map(|(id, _)| id.clone()),
        references: ids.into_iter().map(|(id, _)| id).collect(),
        subject: ticket.subject,
        recipient: Address {
            // Somebody without a name is called by the address, which stands there anyway.
            name: Some(ticket.creator_name)
                .filter(|n| *n != requester)
                .unwrap_or_default(),
            email: requester,
        },
        copies,
        author,
        automatic,
        body,
        created_at,
        language: ticket.locale.unwrap_or(tenant.locale),
        foot: match tenant.settings.look.support_email {
            Some(email) => format!("{} · {email}", tenant.name),
            None => tenant.name.clone(),
        },
        company: tenant.name,
        colour: tenant.settings.primary_color,
        quoted,
        files: attachments(db, row.tenant, row.message()?)?,
        channel,
    })
}

/// The client's last words before a message, as a mail quotes them.
fn quoted(
    conn: &Connection,
    tenant: &tenant::Tenant,
    ticket: TicketId,
    before: i64,
) -> Result<Option<(String, jiff::Zoned, String)>> {
    let found: Option<(String, Millis, String, Option<i64>)> = first(
        conn,
        "select author_name, created_at, body, quoted_from from message
          where tenant_id = ?1 and ticket_id = ?2 and ordinal < ?3 and author_type = 'client'
            and not is_note and not unverified and deleted_at is null
          order by ordinal desc limit 1",
        (tenant.id, ticket, before),
        |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)),
    )?;
    let Some((author, at, body, quoted_from)) = found else {
        return Ok(None);
    };
    let at = jiff::Timestamp::from_millisecond(at).map_err(Error::internal)?;
    // Of a reply only what is new: the rest was quoted in our own mail before.
    let new = match quoted_from {
        Some(units) => String::from_utf16_lossy(
            &body
                .encode_utf16()
                .take(usize::try_from(units).unwrap_or(0))
                .collect::<Vec<_>>(),
        ),
        None => body,
    };
    Ok(Some((
        author,
        at.to_zoned(tenant.hours.zone().clone()),
        new.trim().to_owned(),
    )))
}

fn attachments(
    conn: &Connection,
    tenant: TenantId,
    message: MessageId,
) -> Result<Vec<(String, String, String)>> {
    all(
        conn,
        "select name, mime, hash from file where tenant_id = ?1 and message_id = ?2 order by id",
        (tenant, message),
        |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)),
    )
}

/// What the desk says by itself when a mail has opened a ticket. None of the sender's own words are in it: anybody can
/// write an address that is not theirs.
fn acknowledgement(language: Lang) -> [&'static str; 2] {
    match language {
        Lang::Ru => [
            "Обращение получено",
            "Здравствуйте!\n\nМы получили ваше обращение и скоро ответим. Номер обращения — в теме этого письма. \
             Чтобы что-то добавить, просто ответьте на него.",
        ],
        Lang::Kk => [
            "Өтініш қабылданды",
            "Сәлеметсіз бе!\n\nӨтінішіңізді алдық, жақын арада жауап береміз. Өтініш нөмірі осы хаттың тақырыбында көрсетілген. \
             Толықтырғыңыз келсе, осы хатқа жауап беріңіз.",
        ],
        Lang::En => [
            "We have received your request",
            "Hello,\n\nWe have received your request and will answer soon. Its number is in the subject of this mail. \
             To add anything, just reply to it.",
        ],
    }
}

fn write(app: &App, row: &Due, mut facts: Facts) -> Result<Letter> {
    let acknowledges = row.kind == Kind::Acknowledgement;
    if acknowledges {
        let [subject, text] = acknowledgement(facts.language);
        subject.clone_into(&mut facts.subject);
        text.clone_into(&mut facts.body);
        facts.author.clone_from(&facts.company);
        facts.copies.clear();
        facts.files.clear();
        facts.quoted = None;
    }
    let installation = inbound::installation(app);
    let mut data = Vec::with_capacity(facts.files.len());
    for (_, _, hash) in &facts.files {
        data.push(app.blobs.read(row.tenant, hash)?);
    }
    let files: Vec<File<'_>> = facts
        .files
        .iter()
        .zip(&data)
        .map(|((name, mime, _), data)| File { name, mime, data })
        .collect();
    let channel = &facts.channel;
    let keys = Keys::new(&app.secret.key(Purpose::MailThread), row.tenant.0);
    let domain = channel
        .address
        .rsplit_once('@')
        .map_or("localhost", |(_, domain)| domain);
    let mail_id = keys.message_id(row.ticket()?.0, row.message()?.0, domain);
    let reply_to = keys.reply_address(&channel.address, row.ticket()?.0);
    let from = Address {
        name: format!("{} ({})", facts.author, channel.sender_name()),
        email: channel.address.clone(),
    };
    let to = [facts.recipient];
    let raw = compose::compose(&Outgoing {
        author: if acknowledges || facts.automatic {
            Author::AutoReply {
                installation: &installation,
            }
        } else {
            Author::Person
        },
        from: &from,
        to: &to,
        cc: &facts.copies,
        reply_to: reply_to.as_deref(),
        ticket: Some(row.ticket()?.0),
        subject: &facts.subject,
        message_id: &mail_id,
        in_reply_to: facts.in_reply_to.as_deref(),
        references: &facts.references,
        date: facts.created_at,
        language: Language::of(facts.language.as_str()),
        text: &facts.body,
        signature: Some(channel.text("/signature")).filter(|s| !s.is_empty()),
        quoted: facts.quoted.as_ref().map(|(author, at, text)| Quoted {
            author,
            at: at.clone(),
            text,
        }),
        files: &files,
        company: &facts.foot,
        colour: Some(&facts.colour),
    })
    .map_err(Error::internal)?;
    let raw = match dkim::signer(channel)? {
        Some(signer) => signer
            .sign(&raw, facts.created_at)
            .map_err(Error::internal)?,
        None => raw,
    };
    Ok(Letter {
        target: target(app, channel),
        envelope: send::Envelope {
            // RFC 3834: an automatic answer has the null sender, so that nothing answers it.
            from: (!acknowledges).then(|| channel.address.clone()),
            // Everybody who is named has a row of their own, and so a fate of their own.
            to: vec![row.recipient.clone()],
        },
        raw,
        mail_id,
    })
}
