-- Mails that belong to no ticket: a link for a new password, an invitation. Written in the transaction that decided so and
-- sent by a worker. What fills the words in is sealed, since a link in it opens an account, and is gone once it is sent.

create table notice (
  id integer primary key autoincrement, -- never reused: the Message-ID is made of it
  tenant_id integer not null references tenant (id),
  kind text not null,
  recipient text not null check (recipient = lower(recipient)),
  lang text not null check (lang in ('ru', 'kk', 'en')),
  variables blob, -- JSON, sealed
  state text not null default 'queued' check (state in ('queued', 'sent', 'failed')),
  attempts integer not null default 0,
  next_at integer not null,
  expires_at integer not null, -- what it says is of no use any more
  last_error text,
  created_at integer not null,
  finished_at integer,
  check ((state = 'queued') = (variables is not null)),
  unique (tenant_id, id)
) strict;
create index notice_to_do on notice (next_at) where state = 'queued';
create index notice_of_recipient on notice (tenant_id, recipient, kind, created_at);
