-- The ways in and out. What comes in is stored as it came before anything is made of it; what goes out waits in the
-- outbox and is sent outside any transaction. Both keep what became of them.

create table channel (
  id integer primary key autoincrement, -- never reused: workers know a channel by it alone
  tenant_id integer not null references tenant (id),
  type text not null check (type in ('email', 'telegram', 'whatsapp', 'max')),
  name text not null,
  address text, -- the mailbox of an email channel; how an inbound mail finds it
  config text not null, -- JSON without its secrets
  secrets blob not null, -- the secrets, sealed under a key that is not in this file
  is_active integer not null default 1 check (is_active in (0, 1)),
  last_error text,
  last_error_at integer,
  last_inbound_at integer,
  last_outbound_at integer,
  created_at integer not null,
  unique (tenant_id, id)
) strict;
create unique index channel_by_address on channel (address) where address is not null;

create table inbound_event (
  id integer primary key autoincrement,
  tenant_id integer not null,
  channel_id integer not null,
  received_at integer not null,
  envelope text not null, -- JSON: sender and recipients as the transport said them
  raw_hash text not null, -- the bytes lie beside the database
  token text, -- a provider's signature is good once
  state text not null default 'received' check (state in ('received', 'done', 'failed')),
  attempts integer not null default 0,
  next_at integer not null, -- when it is to be worked on
  external_id text, -- what makes a repeated delivery the same
  outcome text, -- what became of it
  rule text, -- and which rule decided so
  detail text,
  ticket_id integer,
  message_id integer,
  unique (tenant_id, id),
  foreign key (tenant_id, channel_id) references channel (tenant_id, id) on delete cascade
) strict;
create index inbound_to_do on inbound_event (next_at, id) where state = 'received';
create index inbound_by_raw on inbound_event (tenant_id, raw_hash);
create unique index inbound_token on inbound_event (tenant_id, channel_id, token) where token is not null;
create unique index inbound_once on inbound_event (tenant_id, channel_id, external_id) where external_id is not null;

create table outbox (
  id integer primary key autoincrement, -- never reused: a sender writes the fate of the row it took
  tenant_id integer not null,
  channel_id integer not null,
  ticket_id integer not null,
  message_id integer not null, -- the answer that is sent, or the mail that is acknowledged
  kind text not null check (kind in ('answer', 'copy', 'acknowledgement')),
  recipient text not null,
  state text not null default 'queued' check (state in ('queued', 'sent', 'failed')),
  attempts integer not null default 0,
  next_at integer not null,
  last_error text,
  created_at integer not null,
  finished_at integer,
  foreign key (tenant_id, channel_id) references channel (tenant_id, id) on delete cascade,
  foreign key (tenant_id, message_id) references message (tenant_id, id) on delete cascade
) strict;
create index outbox_to_do on outbox (next_at) where state = 'queued';
create index outbox_of_ticket on outbox (tenant_id, ticket_id, recipient, id) where state = 'queued';
create index outbox_of_message on outbox (tenant_id, message_id);
create index acknowledgement_of_recipient on outbox (tenant_id, recipient, created_at) where kind = 'acknowledgement';
create index outbox_of_channel on outbox (tenant_id, channel_id) where state = 'queued';
