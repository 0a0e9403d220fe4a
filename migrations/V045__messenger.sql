-- Messengers. A chat is one conversation of a channel: a person, a group or a topic of a group. A provider may call it by
-- several names over time (a phone number, a privacy id, a group that became another), so names stand in a table of their
-- own. Every message knows what the provider calls it: by that a repeat, an edit, a receipt and a reply are understood.

alter table channel add column handle text; -- what the provider calls it: a bot's name, an instance
alter table channel add column hook_hash text; -- of the secret that deliveries bear, by which they find their channel
alter table channel add column hook_set_at integer; -- when the provider was last told where to post
alter table channel add column cursor text; -- how far a channel that polls has read
alter table channel add column state text; -- what the provider says of the connection behind it
alter table channel add column state_at integer;
alter table channel add column qr text; -- the code that a phone is to scan, as a data: URL
alter table channel add column qr_at integer;
create index channel_by_hook on channel (type, hook_hash) where hook_hash is not null;
create index channel_by_handle on channel (type, handle) where handle is not null;

create table chat (
  id integer primary key autoincrement, -- never reused: the outbox keeps its order by it
  tenant_id integer not null,
  channel_id integer not null,
  address text not null, -- what is sent to
  topic text, -- of a group that has topics
  is_group integer not null default 0 check (is_group in (0, 1)),
  title text not null,
  contact_id integer, -- who is there, if it is one person
  blocked_at integer, -- since when they take nothing from us
  created_at integer not null,
  unique (tenant_id, id),
  foreign key (tenant_id, channel_id) references channel (tenant_id, id) on delete cascade,
  foreign key (tenant_id, contact_id) references contact (tenant_id, id)
) strict;
create index chat_of_contact on chat (tenant_id, contact_id) where contact_id is not null;

create table chat_name (
  tenant_id integer not null,
  channel_id integer not null,
  name text not null,
  chat_id integer not null,
  primary key (tenant_id, channel_id, name),
  foreign key (tenant_id, channel_id) references channel (tenant_id, id) on delete cascade,
  foreign key (tenant_id, chat_id) references chat (tenant_id, id) on delete cascade
) strict, without rowid;
create index name_of_chat on chat_name (tenant_id, chat_id);

-- The conversation that a ticket is held in.
create table ticket_chat (
  tenant_id integer not null,
  ticket_id integer not null,
  chat_id integer not null,
  primary key (tenant_id, ticket_id),
  foreign key (tenant_id, ticket_id) references ticket (tenant_id, id) on delete cascade,
  foreign key (tenant_id, chat_id) references chat (tenant_id, id) on delete cascade
) strict, without rowid;
create index ticket_by_chat on ticket_chat (tenant_id, chat_id, ticket_id);

-- What a provider calls a message of ours. A long answer is several messages there.
create table chat_message (
  tenant_id integer not null,
  channel_id integer not null,
  external_id text not null,
  chat_id integer not null,
  message_id integer not null,
  part integer not null default 0,
  album text, -- what the parts of one album have in common
  reply_to_id integer, -- the message it answers
  primary key (tenant_id, channel_id, external_id),
  foreign key (tenant_id, channel_id) references channel (tenant_id, id) on delete cascade,
  foreign key (tenant_id, chat_id) references chat (tenant_id, id) on delete cascade,
  foreign key (tenant_id, message_id) references message (tenant_id, id) on delete cascade
) strict, without rowid;
create index chat_message_of_message on chat_message (tenant_id, message_id, part);
create index chat_message_of_album on chat_message (tenant_id, chat_id, album) where album is not null;

create table reaction (
  tenant_id integer not null,
  message_id integer not null,
  author text not null, -- what the provider calls them
  author_name text not null,
  emoji text not null,
  at integer not null,
  primary key (tenant_id, message_id, author),
  foreign key (tenant_id, message_id) references message (tenant_id, id) on delete cascade
) strict, without rowid;

-- A link that ties who opens it to a client, once.
create table chat_link (
  token_hash blob primary key,
  tenant_id integer not null,
  channel_id integer not null,
  client_id integer not null,
  created_at integer not null,
  expires_at integer not null,
  foreign key (tenant_id, channel_id) references channel (tenant_id, id) on delete cascade,
  foreign key (tenant_id, client_id) references client (tenant_id, id) on delete cascade
) strict, without rowid;
create index chat_link_by_age on chat_link (expires_at);

-- The outbox takes what is said in a chat: answers in parts, edits, and words that are no message of the ticket.
create table new_outbox (
  id integer primary key autoincrement, -- never reused: a sender writes the fate of the row it took
  tenant_id integer not null,
  channel_id integer not null,
  ticket_id integer,
  message_id integer, -- the answer that is sent, changed or taken back, or the mail that is acknowledged
  chat_id integer,
  kind text not null check (kind in ('answer', 'copy', 'acknowledgement', 'edit', 'revoke', 'say')),
  recipient text not null,
  lane text not null generated always as (coalesce('chat ' || chat_id, 'ticket ' || ticket_id || ' ' || recipient)) virtual, -- leaves in order
  content text, -- JSON: what is said where no message says it
  progress integer not null default 0, -- how many parts have left
  state text not null default 'queued' check (state in ('queued', 'sent', 'failed')),
  attempts integer not null default 0,
  next_at integer not null,
  last_error text,
  created_at integer not null,
  finished_at integer,
  check (chat_id is not null or (ticket_id is not null and message_id is not null)),
  foreign key (tenant_id, channel_id) references channel (tenant_id, id) on delete cascade,
  foreign key (tenant_id, message_id) references message (tenant_id, id) on delete cascade,
  foreign key (tenant_id, chat_id) references chat (tenant_id, id) on delete cascade
) strict;
insert into new_outbox (id, tenant_id, channel_id, ticket_id, message_id, kind, recipient, state, attempts, next_at,
                        last_error, created_at, finished_at)
select id, tenant_id, channel_id, ticket_id, message_id, kind, recipient, state, attempts, next_at,
       last_error, created_at, finished_at
  from outbox;
update sqlite_sequence set seq = (select seq from sqlite_sequence where name = 'outbox') where name = 'new_outbox';
drop table outbox;
alter table new_outbox rename to outbox;
create index outbox_to_do on outbox (next_at) where state = 'queued';
create index outbox_in_order on outbox (tenant_id, lane, id) where state = 'queued';
create index outbox_of_message on outbox (tenant_id, message_id);
create index acknowledgement_of_recipient on outbox (tenant_id, recipient, created_at) where kind = 'acknowledgement';
create index outbox_of_channel on outbox (tenant_id, channel_id) where state = 'queued';
create index outbox_due_of_channel on outbox (channel_id, next_at) where state = 'queued';

-- What came in is kept for as long as the tenant says; that it came, and what became of it, stays.
create table new_inbound_event (
  id integer primary key autoincrement,
  tenant_id integer not null,
  channel_id integer not null,
  received_at integer not null,
  envelope text not null, -- JSON: sender and recipients as the transport said them
  raw_hash text, -- the bytes lie beside the database
  token text, -- what makes a delivery the same that is repeated at once
  state text not null default 'received' check (state in ('received', 'done', 'failed')),
  attempts integer not null default 0,
  next_at integer not null, -- when it is to be worked on
  external_id text, -- what makes a repeated mail the same
  outcome text, -- what became of it
  rule text, -- and which rule decided so
  detail text,
  ticket_id integer,
  message_id integer,
  unique (tenant_id, id),
  foreign key (tenant_id, channel_id) references channel (tenant_id, id) on delete cascade
) strict;
insert into new_inbound_event select * from inbound_event;
update sqlite_sequence set seq = (select seq from sqlite_sequence where name = 'inbound_event') where name = 'new_inbound_event';
drop table inbound_event;
alter table new_inbound_event rename to inbound_event;
create index inbound_to_do on inbound_event (next_at, id) where state = 'received';
create index inbound_by_raw on inbound_event (tenant_id, raw_hash) where raw_hash is not null;
create unique index inbound_token on inbound_event (tenant_id, channel_id, token) where token is not null;
create unique index inbound_once on inbound_event (tenant_id, channel_id, external_id) where external_id is not null;
create index inbound_of_message on inbound_event (tenant_id, message_id) where message_id is not null;
create index inbound_of_channel on inbound_event (tenant_id, channel_id, id);
create index inbound_with_raw on inbound_event (received_at) where raw_hash is not null and state = 'done';
