//! Sends an outbox row of a messenger: an answer in parts, each noted as soon as it has left, so that after a crash at most
//! the one that was on its way leaves twice.
use super::Fate;
use crate::{
    api::field::TenantId,
    app::App,
    channel::{
        chat::{self, Chat},
        config::{self, ChannelType},
        marks,
        messenger::{self, Button, Load, Messenger, Sent, To},
        outbox::{self, Due, Kind, Question, Words},
        parts::{Attached, Part, cut},
        rating,
    },
    db::{
        Snapshot,
        sql::{all, first},
    },
    error::{Code, Error, Result},
};
use rusqlite::Connection;

/// What a row says, read in one snapshot.
struct Facts {
    messenger: Box<dyn Messenger>,
    chat: Chat,
    body: String,
    files: Vec<Attached>,
    buttons: Vec<Vec<Button>>,
    externals: Vec<String>,
    /// What the provider calls the message that the words take the place of.
    replaces: Option<String>,
    /// Nobody needs to be told any more.
    is_moot: bool,
}

fn facts(db: &Snapshot<'_>, app: &App, row: &Due) -> Result<Facts> {
    let channel = config::by_id(db, &app.secret, row.tenant, row.channel)?;
    let gone = || Error::new(Code::ChannelNotFound);
    let id = row.chat.ok_or_else(gone)?;
    let chat = chat::by_id(db, row.tenant, id)?.ok_or_else(gone)?;
    let messenger = messenger::of(app, &channel).ok_or_else(gone)?;
    let mut facts = Facts {
        messenger,
        chat,
        body: String::new(),
        files: Vec::new(),
        buttons: Vec::new(),
        externals: Vec::new(),
        replaces: None,
        is_moot: false,
    };
    if let Some(content) = &row.content {
        let mut words: Words = serde_json::from_str(content)?;
        if let Some(Question::Rating { done_at }) = words.question {
            let asked = rating::question(db, app, &channel, &facts.chat, (row.ticket()?, done_at))?;
            facts.is_moot = asked.is_none();
            words = asked.unwrap_or_default();
        }
        facts.body = words.text;
        facts.buttons = words.buttons;
        facts.replaces = words.replaces;
        return Ok(facts);
    }
    let message = row.message()?;
    facts.externals = chat::externals(db, row.tenant, message)?;
    let kept: Option<String> = first(
        db,
        "select body from message where tenant_id = ?1 and id = ?2 and (deleted_at is null or ?3)",
        (row.tenant, message, row.kind == Kind::Revoke),
        |r| r.get(0),
    )?;
    let body = kept.ok_or_else(|| Error::new(Code::MessageNotFound))?;
    facts.body = match channel.kind {
        ChannelType::Whatsapp => marks::whatsapp(&body),
        _ => marks::bare(&body),
    };
    facts.files = attached(db, row.tenant, row)?;
    Ok(facts)
}

fn attached(conn: &Connection, tenant: TenantId, row: &Due) -> Result<Vec<Attached>> {
    all(
        conn,
        "select name, mime, hash, size from file where tenant_id = ?1 and message_id = ?2 order by id",
        (tenant, row.message),
        |r| {
            Ok(Attached {
                name: r.get(0)?,
                mime: r.get(1)?,
                hash: r.get(2)?,
                size: r.get(3)?,
            })
        },
    )
}

/// Sends what has not left yet of a row.
pub(super) async fn attempt(app: &App, row: &Due) -> Result<Fate> {
    let (owner, due) = (app.clone(), row.clone());
    let facts = app.db.read(move |db| facts(db, &owner, &due)).await?;
    let to = To {
        address: facts.chat.address.clone(),
        topic: facts.chat.topic.clone(),
    };
    if facts.is_moot {
        return Ok(Fate::Sent { mail_id: None });
    }
    if let Some(external) = &facts.replaces {
        return Ok(
            match facts.messenger.replace(&to, external, &facts.body).await {
                // It was deleted there, or is too old to be changed: what it asked is answered all the same.
                Sent::Refused { gone: false, .. } => Fate::Sent { mail_id: None },
                other => fate(other),
            },
        );
    }
    match row.kind {
        Kind::Edit => edit(&facts, &to).await,
        Kind::Revoke => revoke(&facts, &to).await,
        _ => send(app, row, facts, &to).await,
    }
}

async fn send(app: &App, row: &Due, facts: Facts, to: &To) -> Result<Fate> {
    let limits = facts.messenger.limits();
    let parts = cut(&facts.body, facts.files, limits);
    for (at, part) in parts.iter().enumerate().skip(row.progress) {
        let bytes = bytes_of(app, row.tenant, part).await?;
        let last = at + 1 == parts.len();
        let load = Load {
            part,
            bytes,
            buttons: if last { &facts.buttons } else { &[] },
        };
        let externals = match facts.messenger.send(to, load).await {
            Sent::Delivered(externals) => externals,
            other => return Ok(fate(other)),
        };
        super::persist(app, row, move |tx, row| {
            outbox::part_sent(tx, row, at, &externals)
        })
        .await;
    }
    Ok(Fate::Sent { mail_id: None })
}

/// The bytes of a part's files, read off the async threads.
async fn bytes_of(app: &App, tenant: TenantId, part: &Part) -> Result<Vec<Vec<u8>>> {
    let hashes: Vec<String> = match part {
        Part::Text(_) => return Ok(Vec::new()),
        Part::File { file, .. } => vec![file.hash.clone()],
        Part::Album { files, .. } => files.iter().map(|f| f.hash.clone()).collect(),
    };
    let blobs = app.blobs.clone();
    let work = tokio::task::spawn_blocking(move || {
        let bytes = hashes.iter().map(|hash| Ok(blobs.read(tenant, hash)?));
        bytes.collect::<Result<Vec<_>>>()
    });
    work.await.map_err(Error::internal)?
}

/// Gives the part that bears the words another text. Words that were cut in pieces are edited in the first piece only if
/// they still fit there.
async fn edit(facts: &Facts, to: &To) -> Result<Fate> {
    let Some(external) = facts.externals.first() else {
        return Ok(Fate::Sent { mail_id: None });
    };
    let limits = facts.messenger.limits();
    let pieces = cut(&facts.body, Vec::new(), limits);
    let [Part::Text(text)] = pieces.as_slice() else {
        return Ok(Fate::Failed {
            why: "the text is too long to be changed there".into(),
            gone: false,
        });
    };
    Ok(fate(facts.messenger.edit(to, external, text).await))
}

async fn revoke(facts: &Facts, to: &To) -> Result<Fate> {
    for external in &facts.externals {
        match facts.messenger.revoke(to, external).await {
            Sent::Delivered(_) => {}
            other => return Ok(fate(other)),
        }
    }
    Ok(Fate::Sent { mail_id: None })
}

fn fate(sent: Sent) -> Fate {
    match sent {
        Sent::Delivered(_) => Fate::Sent { mail_id: None },
        Sent::Wait { ms, why } => Fate::Wait { ms, why },
        Sent::Retry { why } => Fate::Again {
            why,
            at_least: 0,
            is_cut: false,
        },
        Sent::Unreached { why } => Fate::Again {
            why,
            at_least: 0,
            is_cut: true,
        },
        Sent::Refused { why, gone } => Fate::Failed { why, gone },
        Sent::Moved { to } => Fate::Moved { to },
    }
}
