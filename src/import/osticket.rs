//! osTicket: the dump of its MySQL database, of version 1.10 or later. Files that it keeps in the database come along; those
//! that its storage plugin keeps in a folder are looked for there by their key.
use super::{
    dump::{self, Tables, Wanted},
    open,
    stage::Stage,
};
use crate::{db::sql::all, error::Result};
use std::path::PathBuf;

const TABLES: [Wanted; 15] = [
    Wanted::text(
        "ticket",
        &[
            "ticket_id",
            "number",
            "user_id",
            "status_id",
            "staff_id",
            "source",
            "isanswered",
            "closed",
            "created",
            "updated",
            "lastupdate",
        ],
    ),
    Wanted::text("ticket__cdata", &["ticket_id", "subject", "priority"]),
    Wanted::text("ticket_status", &["id", "name", "state"]),
    Wanted::text("ticket_priority", &["priority_id", "priority"]),
    Wanted::text("thread", &["id", "object_id", "object_type"]),
    Wanted::text(
        "thread_entry",
        &[
            "id",
            "thread_id",
            "staff_id",
            "user_id",
            "type",
            "poster",
            "title",
            "body",
            "format",
            "created",
        ],
    ),
    Wanted::text("thread_entry_email", &["thread_entry_id", "mid"]),
    Wanted::text("user", &["id", "org_id", "default_email_id", "name"]),
    Wanted::text("user_email", &["id", "user_id", "address"]),
    Wanted::text("user__cdata", &["user_id", "phone"]),
    Wanted::text("organization", &["id", "name", "domain"]),
    Wanted::text(
        "staff",
        &[
            "staff_id",
            "firstname",
            "lastname",
            "email",
            "phone",
            "mobile",
            "isactive",
        ],
    ),
    Wanted::text(
        "attachment",
        &["object_id", "type", "file_id", "inline", "name"],
    ),
    Wanted::text("file", &["id", "bk", "type", "key", "name"]),
    Wanted {
        name: "file_chunk",
        columns: &["file_id", "chunk_id", "filedata"],
        is_raw: true,
    },
];

/// An entry's type is M for a message, R for a response, N for a note; an attachment's H stands for an entry.
const INTO: &str = "
insert into person (key, name, email, phone, is_agent, has_left)
  select 's' || staff_id, trim(coalesce(firstname, '') || ' ' || coalesce(lastname, '')), email,
         coalesce(nullif(mobile, ''), nullif(phone, '')), 1,
         coalesce(isactive, 1) = 0
    from their_staff;
insert into company (key, name, domain)
  select id, name, nullif(trim(substr(domain, 1, instr(domain || ',', ',') - 1)), '') from their_organization;
insert into person (key, name, email, phone, company, is_agent)
  select 'u' || u.id, u.name,
         coalesce((select e.address from their_user_email e where e.id = u.default_email_id),
                  (select e.address from their_user_email e where e.user_id = u.id order by e.id limit 1)),
         (select c.phone from their_user__cdata c where c.user_id = u.id limit 1),
         nullif(u.org_id, 0), 0
    from their_user u;
insert into ticket (key, number, subject, was, status, priority, channel, requester, assignee, created_at, updated_at,
                    done_at, left_out)
  select t.ticket_id, iif(t.number glob '*[^0-9]*', null, cast(t.number as int)),
         coalesce(nullif(d.subject, ''),
                  (select e.title from their_thread h join their_thread_entry e on e.thread_id = h.id
                    where h.object_type = 'T' and h.object_id = t.ticket_id order by e.id limit 1)),
         coalesce(s.name, t.status_id),
         case when s.state in ('closed', 'archived') then iif(lower(s.name) = 'resolved', 'done', 'closed')
              when t.staff_id > 0 or t.isanswered = 1 then 'in_progress' else 'new' end,
         case lower(coalesce(p.priority, d.priority, '')) when 'low' then 'low' when 'high' then 'urgent'
              when 'emergency' then 'urgent' else 'normal' end,
         case lower(coalesce(t.source, '')) when 'email' then 'email' when 'phone' then 'phone' when 'web' then 'portal'
              else 'api' end,
         'u' || t.user_id, 's' || nullif(t.staff_id, 0),
         moment(t.created), coalesce(moment(t.lastupdate), moment(t.updated)), moment(t.closed),
         iif(s.state = 'deleted', 'deleted', null)
    from their_ticket t
    left join their_ticket__cdata d on d.ticket_id = t.ticket_id
    left join their_ticket_status s on s.id = t.status_id
    left join their_ticket_priority p on p.priority_id = cast(d.priority as int);
insert or ignore into said (key, ticket, at, author, author_name, kind, html, body, mail_id)
  select e.id, h.object_id, moment(e.created),
         coalesce('s' || nullif(e.staff_id, 0), 'u' || nullif(e.user_id, 0)), e.poster,
         case e.type when 'N' then 'note' when 'R' then 'support' else 'client' end,
         iif(e.format = 'html', e.body, null), iif(e.format = 'html', null, e.body),
         (select m.mid from their_thread_entry_email m where m.thread_entry_id = e.id limit 1)
    from their_thread_entry e
    join their_thread h on h.id = e.thread_id and h.object_type = 'T'
   where e.type in ('M', 'R', 'N');
insert into attached (said, name, mime, ways, content_id)
  select a.object_id, coalesce(nullif(a.name, ''), f.name), f.type,
         substr(f.key, 1, 1) || '/' || f.key || char(10) || f.key || char(10) || f.name,
         iif(a.inline, f.key, null)
    from their_attachment a
    join their_file f on f.id = a.file_id
   where a.type = 'H';
";

/// The raw tables are looked things up in by these.
const INDEXES: [(&str, &str); 8] = [
    ("thread", "object_id"),
    ("thread_entry", "thread_id"),
    ("thread_entry_email", "thread_entry_id"),
    ("user_email", "user_id"),
    ("user_email", "id"),
    ("ticket__cdata", "ticket_id"),
    ("file_chunk", "file_id"),
    ("file", "id"),
];

pub(super) fn read(stage: &Stage, files: &[PathBuf]) -> Result<()> {
    let mut tables = Tables::default();
    for path in files {
        dump::load(&stage.conn, &mut open(path)?, &TABLES, &mut tables)?;
    }
    tables.settle(&stage.conn, "thread_entry", &TABLES)?;
    for (table, column) in INDEXES {
        tables.index(&stage.conn, "thread_entry", table, column)?;
    }
    stage.conn.execute_batch(INTO)?;
    contents(stage)
}

/// Puts the chunks of files that the database holds together.
fn contents(stage: &Stage) -> Result<()> {
    let carried: Vec<(i64, i64)> = all(
        &stage.conn,
        "select b.rowid, f.id
           from attached b
           join their_file f on b.ways = substr(f.key, 1, 1) || '/' || f.key || char(10) || f.key || char(10) || f.name
          where exists (select 1 from their_file_chunk c where c.file_id = f.id)",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    for (row, file) in carried {
        let chunks: Vec<Vec<u8>> = all(
            &stage.conn,
            "select cast(filedata as blob) from their_file_chunk where file_id = ?1 order by chunk_id",
            [file],
            |row| row.get(0),
        )?;
        stage.conn.execute(
            "update attached set content = ?2 where rowid = ?1",
            (row, chunks.concat()),
        )?;
    }
    Ok(())
}
