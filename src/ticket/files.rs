//! Attachments: which file belongs to which message, and who may fetch it.
use super::{Acting, message::Draft, model::FileView};
use crate::{
    access::secret::{Purpose, Secret},
    api::{
        Upload,
        field::{FileId, MessageId, OperatorId, TenantId, TicketId},
    },
    clock::{HOUR, Millis},
    db::sql::{all, first, one, run},
    error::{Code, Error, Result},
    tenant::limits,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rusqlite::{Connection, Row};

/// Characters that stay as they are in a path segment.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// How long a link to a file works at least, and the grid its end lies on: within it a link stays the same, so that a
/// browser that asks again finds the picture in its cache.
const LINK: Millis = HOUR;

/// Makes links to files. Each carries a proof and ends; whoever holds one needs no other credential, which is what a
/// picture in a sandboxed mail, a portal page and a widget all need.
#[derive(Clone, Copy)]
pub(crate) struct Links<'a> {
    secret: &'a Secret,
    tenant: TenantId,
    expires: Millis,
}

impl<'a> Links<'a> {
    pub(crate) fn new(secret: &'a Secret, tenant: TenantId, now: Millis) -> Links<'a> {
        Links {
            secret,
            tenant,
            expires: (now / LINK + 2) * LINK,
        }
    }

    pub(crate) fn url(self, id: FileId, name: &str) -> String {
        let name = utf8_percent_encode(name, SEGMENT);
        let (tenant, expires) = (self.tenant, self.expires);
        let proof = sign(self.secret, tenant, id, expires);
        format!("/files/{id}/{name}?t={tenant}&e={expires}&s={proof}")
    }
}

fn link_parts(tenant: TenantId, id: FileId, expires: Millis) -> [[u8; 8]; 3] {
    [
        tenant.0.to_be_bytes(),
        id.0.to_be_bytes(),
        expires.to_be_bytes(),
    ]
}

fn sign(secret: &Secret, tenant: TenantId, id: FileId, expires: Millis) -> String {
    let parts = link_parts(tenant, id, expires);
    secret.sign(Purpose::FileLink, &[&parts[0], &parts[1], &parts[2]])
}

/// Whether a link to a file was made here and has not ended.
pub(crate) fn link_holds(
    secret: &Secret,
    (tenant, id): (TenantId, FileId),
    expires: Millis,
    proof: &str,
    now: Millis,
) -> bool {
    let parts = link_parts(tenant, id, expires);
    expires > now && secret.verify(Purpose::FileLink, &[&parts[0], &parts[1], &parts[2]], proof)
}

/// Stores the row of a file whose bytes are already in the store. The plan's storage is counted in the same transaction.
pub(crate) fn insert(
    cx: &Acting<'_>,
    upload: &Upload,
    place: Option<(TicketId, MessageId)>,
    content_id: Option<&str>,
) -> Result<FileId> {
    let size = i64::try_from(upload.blob.size).map_err(Error::internal)?;
    let known: bool = one(
        cx.tx,
        "select exists (select 1 from file where tenant_id = ?1 and hash = ?2)",
        (cx.tenant, &upload.blob.hash),
        |row| row.get(0),
    )?;
    if !known {
        take_space(cx, size)?;
    }
    run(
        cx.tx,
        "insert into file (tenant_id, hash, name, mime, size, ticket_id, message_id, content_id, is_inline, uploaded_by, created_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        rusqlite::params![
            cx.tenant,
            upload.blob.hash,
            upload.name,
            upload.mime,
            size,
            place.map(|p| p.0),
            place.map(|p| p.1),
            content_id,
            content_id.is_some(),
            cx.operator(),
            cx.tx.now,
        ],
    )?;
    Ok(FileId(cx.tx.last_insert_rowid()))
}

/// Counts a new blob against the plan's storage.
fn take_space(cx: &Acting<'_>, size: i64) -> Result<()> {
    let most = limits::of(cx.tx, cx.tenant)?.storage_mb;
    let taken = run(
        cx.tx,
        "update tenant set stored_bytes = stored_bytes + ?2 where id = ?1 and stored_bytes + ?2 <= ?3",
        (cx.tenant, size, i64::from(most) << 20),
    )?;
    if taken == 0 {
        return Err(Error::new(Code::PlanLimit)
            .on("files")
            .with("limit", format!("{most} MB")));
    }
    Ok(())
}

/// Binds a draft's files to the message that was made of it. A file that was uploaded before must be the uploader's own
/// and not yet be bound.
pub(super) fn attach(
    cx: &Acting<'_>,
    ticket: TicketId,
    message: MessageId,
    draft: &Draft,
) -> Result<()> {
    for upload in &draft.uploads {
        insert(cx, upload, Some((ticket, message)), None)?;
    }
    for (upload, content_id) in &draft.inline {
        insert(cx, upload, Some((ticket, message)), Some(content_id))?;
    }
    for id in &draft.file_ids {
        let bound = run(
            cx.tx,
            "update file set ticket_id = ?3, message_id = ?4
              where tenant_id = ?1 and id = ?2 and message_id is null and uploaded_by is ?5",
            (cx.tenant, id, ticket, message, cx.operator()),
        )?;
        if bound == 0 {
            return Err(Error::new(Code::FileNotFound).on("file_ids"));
        }
    }
    Ok(())
}

fn view(row: &Row<'_>, links: Links<'_>) -> rusqlite::Result<(Option<MessageId>, FileView)> {
    let (id, name): (FileId, String) = (row.get(0)?, row.get(1)?);
    let file = FileView {
        url: links.url(id, &name),
        id,
        name,
        size: row.get(2)?,
        mime: row.get(3)?,
        inline: row.get(4)?,
        content_id: row.get(5)?,
    };
    Ok((row.get(6)?, file))
}

/// All files of a ticket with the messages they belong to. `public` leaves out those of notes; those of deleted messages
/// are always left out.
pub(crate) fn of_ticket(
    conn: &Connection,
    tenant: TenantId,
    ticket: TicketId,
    public: bool,
    links: Links<'_>,
) -> Result<Vec<(Option<MessageId>, FileView)>> {
    all(
        conn,
        "select f.id, f.name, f.size, f.mime, f.is_inline, f.content_id, f.message_id
           from file f
           join message m on m.tenant_id = f.tenant_id and m.id = f.message_id
          where f.tenant_id = ?1
            and f.ticket_id = ?2
            and m.deleted_at is null
            and not (?3 and (m.is_note or m.held_until is not null))
          order by f.id",
        (tenant, ticket, public),
        |row| view(row, links),
    )
}

/// The files of one message.
pub(crate) fn of_message(
    conn: &Connection,
    tenant: TenantId,
    message: MessageId,
    links: Links<'_>,
) -> Result<Vec<FileView>> {
    all(
        conn,
        "select id, name, size, mime, is_inline, content_id, message_id
           from file
          where tenant_id = ?1 and message_id = ?2
          order by id",
        (tenant, message),
        |row| view(row, links).map(|(_, file)| file),
    )
}

/// One file that was uploaded and not bound yet.
pub(crate) fn by_id(
    conn: &Connection,
    tenant: TenantId,
    id: FileId,
    links: Links<'_>,
) -> Result<FileView> {
    one(
        conn,
        "select id, name, size, mime, is_inline, content_id, message_id from file where tenant_id = ?1 and id = ?2",
        (tenant, id),
        |row| view(row, links).map(|(_, file)| file),
    )
}

/// What serving a file needs.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) hash: String,
    pub(crate) name: String,
    pub(crate) mime: String,
    pub(crate) size: i64,
}

/// The file, if it may be served: not of a deleted message or ticket; before it is bound, to whoever uploaded it only.
pub(crate) fn served(
    conn: &Connection,
    tenant: TenantId,
    id: FileId,
    uploader: Option<OperatorId>,
) -> Result<Option<Served>> {
    first(
        conn,
        "select f.hash, f.name, f.mime, f.size
           from file f
           left join message m on m.tenant_id = f.tenant_id and m.id = f.message_id
           left join ticket t on t.tenant_id = f.tenant_id and t.id = f.ticket_id
          where f.tenant_id = ?1
            and f.id = ?2
            and m.deleted_at is null
            and t.deleted_at is null
            and (f.message_id is not null or f.uploaded_by is ?3)",
        (tenant, id, uploader),
        |row| {
            Ok(Served {
                hash: row.get(0)?,
                name: row.get(1)?,
                mime: row.get(2)?,
                size: row.get(3)?,
            })
        },
    )
}
