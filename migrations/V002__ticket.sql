-- Tickets and what is said in them. A ticket's id counts per tenant, so it is the number people see and tells nothing of
-- other tenants. What a list shows is kept on the ticket's row (counts, last message, next due time), written in the same
-- transaction as the message it comes from; a test compares it with the slow count.

create table ticket (
  tenant_id integer not null references tenant (id),
  id integer not null check (id between 1 and 268435455), -- the search key keeps 28 bits for it
  reference integer not null unique, -- random; what a widget visitor sees instead of the id
  version integer not null default 1,
  subject text not null,
  status text not null check (status in ('new', 'estimated', 'in_progress', 'on_hold', 'done', 'closed', 'reopened')),
  is_open integer not null generated always as (status not in ('done', 'closed')) virtual,
  priority text not null check (priority in ('low', 'normal', 'urgent')),
  priority_rank integer not null generated always as (case priority when 'urgent' then 0 when 'normal' then 1 else 2 end) virtual,
  category text not null default 'other',
  channel text not null check (channel in ('api', 'portal', 'widget', 'email', 'telegram', 'whatsapp', 'max', 'phone')),
  channel_id integer,
  client_id integer,
  contact_id integer,
  client_user_id integer not null default 0, -- the user of a client token; 0 has no name
  client_session text, -- the name-less token session it was made in
  creator_name text not null,
  creator_email text,
  creator_phone text,
  locale text check (locale in ('ru', 'kk', 'en')),
  assigned_to integer,
  result text,
  previous_ticket integer, -- the closed ticket that a late reply would have reopened
  merged_into integer,
  message_count integer not null default 0, -- notes and deleted ones left out
  unread_count integer not null default 0, -- client messages no operator has seen
  next_ordinal integer not null default 1 check (next_ordinal < 1048576), -- the search key keeps 20 bits for it
  last_message_id integer,
  created_at integer not null,
  updated_at integer not null,
  first_response_at integer,
  done_at integer,
  closed_at integer,
  due_at integer, -- set by hand; goes before the rule's resolution time
  snoozed_until integer,
  sla_response_at integer,
  sla_resolution_at integer,
  sla_paused_at integer,
  sla_next_at integer, -- the nearest time still to be kept; null while nothing runs
  sla_response_breached integer not null default 0 check (sla_response_breached in (0, 1)),
  sla_resolution_breached integer not null default 0 check (sla_resolution_breached in (0, 1)),
  deleted_at integer,
  primary key (tenant_id, id),
  foreign key (tenant_id, client_id) references client (tenant_id, id),
  foreign key (tenant_id, contact_id) references contact (tenant_id, id),
  foreign key (tenant_id, assigned_to) references operator (tenant_id, id),
  foreign key (tenant_id, merged_into) references ticket (tenant_id, id),
  foreign key (tenant_id, previous_ticket) references ticket (tenant_id, id)
) strict;

create index ticket_open_by_update on ticket (tenant_id, is_open, updated_at desc, id desc) where deleted_at is null;
create index ticket_status_by_update on ticket (tenant_id, status, updated_at desc, id desc) where deleted_at is null;
create index ticket_by_update on ticket (tenant_id, updated_at desc, id desc) where deleted_at is null;
create index ticket_by_creation on ticket (tenant_id, created_at desc, id desc) where deleted_at is null;
create index ticket_open_by_sla on ticket (tenant_id, is_open, sla_next_at is null, sla_next_at, id) where deleted_at is null;
create index ticket_of_operator on ticket (tenant_id, assigned_to, is_open, updated_at desc) where deleted_at is null;
create index ticket_of_client on ticket (tenant_id, client_id, is_open, updated_at desc) where deleted_at is null;
create index ticket_of_contact on ticket (tenant_id, contact_id, updated_at desc) where deleted_at is null;

create table message (
  id integer primary key,
  tenant_id integer not null,
  ticket_id integer not null,
  ordinal integer not null check (ordinal > 0),
  author_type text not null check (author_type in ('client', 'support', 'system')),
  operator_id integer,
  contact_id integer,
  author_name text not null,
  body text not null,
  html text, -- a mail's sanitised body; body is then its text
  quoted_from integer, -- UTF-16 offset in body where the folded quote begins
  is_note integer not null default 0 check (is_note in (0, 1)),
  channel text not null,
  unverified integer not null default 0 check (unverified in (0, 1)), -- came from an address that is not a participant's
  automatic integer not null default 0 check (automatic in (0, 1)), -- an out-of-office answer and the like
  mail_id text, -- the Message-ID, without brackets
  created_at integer not null,
  edited_at integer,
  deleted_at integer,
  read_at integer, -- by the other side
  delivery_status text check (delivery_status in ('pending', 'sent', 'delivered', 'read', 'failed')),
  delivery_error text,
  unique (tenant_id, id),
  unique (tenant_id, ticket_id, ordinal),
  foreign key (tenant_id, ticket_id) references ticket (tenant_id, id) on delete cascade,
  foreign key (tenant_id, operator_id) references operator (tenant_id, id),
  foreign key (tenant_id, contact_id) references contact (tenant_id, id)
) strict;
create index message_by_mail_id on message (tenant_id, mail_id) where mail_id is not null;

-- What a message said before it was edited.
create table message_edit (
  id integer primary key,
  tenant_id integer not null,
  message_id integer not null,
  body text not null,
  edited_at integer not null,
  edited_by integer,
  foreign key (tenant_id, message_id) references message (tenant_id, id) on delete cascade
) strict;
create index edit_of_message on message_edit (tenant_id, message_id);

-- Who takes part by mail besides the requester.
create table participant (
  tenant_id integer not null,
  ticket_id integer not null,
  email text not null check (email = lower(email)),
  name text not null default '',
  primary key (tenant_id, ticket_id, email),
  foreign key (tenant_id, ticket_id) references ticket (tenant_id, id) on delete cascade
) strict, without rowid;

create table ticket_tag (
  tenant_id integer not null,
  ticket_id integer not null,
  tag_id integer not null,
  primary key (tenant_id, ticket_id, tag_id),
  foreign key (tenant_id, ticket_id) references ticket (tenant_id, id) on delete cascade,
  foreign key (tenant_id, tag_id) references tag (tenant_id, id) on delete cascade
) strict, without rowid;
create index ticket_by_tag on ticket_tag (tenant_id, tag_id, ticket_id);

-- Who changed what when. Written only, read as the ticket's history and as the live connection's backlog.
create table event (
  id integer primary key autoincrement, -- never reused: live connections resume after the last one they saw
  tenant_id integer not null,
  ticket_id integer not null,
  message_id integer,
  at integer not null,
  actor_type text not null check (actor_type in ('operator', 'client', 'system', 'rule')),
  actor_id integer,
  actor_name text not null,
  kind text not null,
  old text,
  new text,
  note text,
  foreign key (tenant_id, ticket_id) references ticket (tenant_id, id) on delete cascade
) strict;
create index event_of_ticket on event (tenant_id, ticket_id, id);
create index event_of_tenant on event (tenant_id, id);

create table estimate (
  id integer primary key,
  tenant_id integer not null,
  ticket_id integer not null,
  version integer not null,
  hours real not null check (hours > 0),
  cost integer, -- in hundredths of the currency
  currency text not null,
  description text not null,
  status text not null check (status in ('pending', 'approved', 'rejected', 'superseded')),
  created_at integer not null,
  created_by integer,
  decided_at integer,
  decided_by text,
  reason text,
  unique (tenant_id, ticket_id, version),
  foreign key (tenant_id, ticket_id) references ticket (tenant_id, id) on delete cascade
) strict;

create table time_entry (
  id integer primary key,
  tenant_id integer not null,
  ticket_id integer not null,
  client_id integer,
  operator_id integer not null,
  minutes integer not null check (minutes > 0),
  description text not null,
  billable integer not null check (billable in (0, 1)),
  spent_at integer not null,
  unique (tenant_id, id),
  foreign key (tenant_id, ticket_id) references ticket (tenant_id, id) on delete cascade,
  foreign key (tenant_id, operator_id) references operator (tenant_id, id)
) strict;
create index time_of_ticket on time_entry (tenant_id, ticket_id);
create index time_of_client on time_entry (tenant_id, client_id, spent_at);

-- Attachments: the bytes lie beside the database under their hash, once each; a row is one use of them.
create table file (
  id integer primary key,
  tenant_id integer not null references tenant (id),
  hash text not null,
  name text not null,
  mime text not null,
  size integer not null check (size >= 0),
  ticket_id integer,
  message_id integer, -- null until the message it was uploaded for is posted
  content_id text, -- the cid: an HTML mail shows it by
  is_inline integer not null default 0 check (is_inline in (0, 1)),
  uploaded_by integer,
  created_at integer not null,
  unique (tenant_id, id),
  foreign key (tenant_id, ticket_id) references ticket (tenant_id, id) on delete cascade,
  foreign key (tenant_id, message_id) references message (tenant_id, id) on delete cascade
) strict;
create index file_of_message on file (tenant_id, message_id);
create index file_of_ticket on file (tenant_id, ticket_id);
create index file_by_hash on file (tenant_id, hash);

-- One document a message: its words and its ticket's subject, already in lower case and folded. The rowid is
-- tenant << 48 | ticket << 20 | ordinal, so a range of rowids is a tenant, a shift is a ticket and no join is needed.
create virtual table search using fts5 (
  text,
  content = '',
  contentless_delete = 1,
  tokenize = "unicode61 remove_diacritics 0",
  prefix = '2 3 4'
);
