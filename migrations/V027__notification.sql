-- What each operator is told of, and how they want to be told. A notification holds what happened; the sentence is written
-- when it is shown, in the reader's language.

create table notification (
  id integer primary key,
  tenant_id integer not null,
  operator_id integer not null,
  kind text not null check (kind in ('assigned', 'message', 'mention', 'sla_warning', 'sla_breach', 'estimate_approved',
                                     'estimate_rejected', 'csat', 'webhook_off', 'channel_broken', 'rule')),
  ticket_id integer,
  message_id integer,
  actor_name text not null default '',
  detail text not null default '', -- the rule's words, a rating, an address
  created_at integer not null,
  read_at integer,
  mail text check (mail in ('now', 'digest')), -- waits to be mailed so
  unique (tenant_id, id),
  foreign key (tenant_id, operator_id) references operator (tenant_id, id) on delete cascade,
  foreign key (tenant_id, ticket_id) references ticket (tenant_id, id) on delete cascade
) strict;
create index notification_of_operator on notification (tenant_id, operator_id, id desc);
create index notification_unread on notification (tenant_id, operator_id) where read_at is null;
create index notification_of_ticket on notification (tenant_id, ticket_id) where ticket_id is not null;
create index notification_to_mail on notification (mail, operator_id) where mail is not null;

create table notification_setting (
  tenant_id integer not null,
  operator_id integer not null,
  settings text not null, -- JSON: what is told in the desk and by mail, and the quiet hours
  primary key (tenant_id, operator_id),
  foreign key (tenant_id, operator_id) references operator (tenant_id, id) on delete cascade
) strict, without rowid;
