//! FreeScout: the dump of its MySQL database. Attachments are files under `storage/app/attachment`.
use super::{
    dump::{self, Tables, Wanted},
    open,
    stage::Stage,
};
use crate::error::Result;
use std::path::PathBuf;

const TABLES: [Wanted; 8] = [
    Wanted::text(
        "conversations",
        &[
            "id",
            "number",
            "type",
            "status",
            "state",
            "subject",
            "user_id",
            "customer_id",
            "customer_email",
            "created_by_user_id",
            "source_type",
            "closed_at",
            "created_at",
            "updated_at",
            "last_reply_at",
        ],
    ),
    Wanted::text(
        "threads",
        &[
            "id",
            "conversation_id",
            "type",
            "state",
            "body",
            "message_id",
            "created_by_user_id",
            "created_by_customer_id",
            "customer_id",
            "created_at",
        ],
    ),
    Wanted::text(
        "customers",
        &["id", "first_name", "last_name", "company", "phones"],
    ),
    Wanted::text("emails", &["id", "customer_id", "email"]),
    Wanted::text(
        "users",
        &[
            "id",
            "first_name",
            "last_name",
            "email",
            "phone",
            "status",
            "type",
        ],
    ),
    Wanted::text(
        "attachments",
        &[
            "id",
            "thread_id",
            "file_dir",
            "file_name",
            "mime_type",
            "embedded",
        ],
    ),
    Wanted::text("tags", &["id", "name"]),
    Wanted::text("conversation_tag", &["conversation_id", "tag_id"]),
];

/// Numbers stand for words there: a conversation's status 1 active, 2 pending, 3 closed, 4 spam; its state and a thread's
/// 1 draft, 2 published, 3 deleted or hidden; a thread's type 1 by the customer, 2 by the desk, 3 a note, 4 no text; a
/// user's status 1 at work, 2 switched off, 3 deleted, and type 1 a person, 2 a robot.
const INTO: &str = "
insert into person (key, name, email, phone, is_agent, has_left)
  select 'u' || id, trim(coalesce(first_name, '') || ' ' || coalesce(last_name, '')), email, phone, 1,
         coalesce(status, 1) <> 1 or coalesce(type, 1) <> 1
    from their_users;
insert into company (key, name)
  select distinct lower(trim(company)), trim(company) from their_customers where trim(coalesce(company, '')) <> '' group by 1;
insert into person (key, name, email, phone, company, is_agent)
  select 'c' || c.id, trim(coalesce(c.first_name, '') || ' ' || coalesce(c.last_name, '')),
         (select e.email from their_emails e where e.customer_id = c.id order by e.id limit 1),
         iif(json_valid(c.phones), c.phones ->> '$[0].value', null),
         nullif(lower(trim(coalesce(c.company, ''))), ''), 0
    from their_customers c;
insert into ticket (key, number, subject, was, status, priority, channel, requester, assignee, tags, created_at, updated_at,
                    done_at, left_out)
  select v.id, v.number, v.subject,
         case v.status when 1 then 'active' when 2 then 'pending' when 3 then 'closed' when 4 then 'spam' else v.status end,
         case v.status when 2 then 'on_hold' when 3 then 'closed' else iif(v.user_id is null, 'new', 'in_progress') end,
         'normal',
         case v.type when 2 then 'phone' when 1 then 'email' else 'api' end,
         'c' || v.customer_id, 'u' || v.user_id,
         (select json_group_array(t.name) from their_conversation_tag x join their_tags t on t.id = x.tag_id
           where x.conversation_id = v.id),
         moment(v.created_at), coalesce(moment(v.last_reply_at), moment(v.updated_at)), moment(v.closed_at),
         case when v.state = 1 then 'drafts' when v.state = 3 then 'deleted' when v.status = 4 then 'spam' end
    from their_conversations v;
insert or ignore into said (key, ticket, at, author, kind, html, mail_id)
  select t.id, t.conversation_id, moment(t.created_at),
         coalesce('u' || t.created_by_user_id, 'c' || coalesce(t.created_by_customer_id, t.customer_id)),
         case t.type when 3 then 'note' when 2 then 'support' else 'client' end,
         t.body, t.message_id
    from their_threads t
   where t.type <> 4 and t.state = 2;
insert into attached (said, name, mime, ways)
  select thread_id, file_name, mime_type,
         coalesce(file_dir, '') || file_name || char(10) || 'attachment/' || coalesce(file_dir, '') || file_name
    from their_attachments where thread_id is not null;
";

/// The raw tables are looked things up in by these.
const INDEXES: [(&str, &str); 3] = [
    ("emails", "customer_id"),
    ("conversation_tag", "conversation_id"),
    ("tags", "id"),
];

pub(super) fn read(stage: &Stage, files: &[PathBuf]) -> Result<()> {
    let mut tables = Tables::default();
    for path in files {
        dump::load(&stage.conn, &mut open(path)?, &TABLES, &mut tables)?;
    }
    tables.settle(&stage.conn, "conversations", &TABLES)?;
    for (table, column) in INDEXES {
        tables.index(&stage.conn, "conversations", table, column)?;
    }
    Ok(stage.conn.execute_batch(INTO)?)
}
