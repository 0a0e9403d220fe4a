-- Operators are told of things in a chat of their own as well: with the tenant's bot, tied by a link that works once.

create table staff_chat (
  tenant_id integer not null,
  operator_id integer not null,
  chat_id integer not null,
  created_at integer not null,
  lost_at integer, -- since when nothing arrives there: the bot was blocked
  primary key (tenant_id, operator_id),
  unique (tenant_id, chat_id),
  foreign key (tenant_id, operator_id) references operator (tenant_id, id) on delete cascade,
  foreign key (tenant_id, chat_id) references chat (tenant_id, id) on delete cascade
) strict, without rowid;

create table staff_link (
  code_hash blob primary key,
  tenant_id integer not null,
  operator_id integer not null,
  channel_id integer not null,
  expires_at integer not null,
  foreign key (tenant_id, operator_id) references operator (tenant_id, id) on delete cascade,
  foreign key (tenant_id, channel_id) references channel (tenant_id, id) on delete cascade
) strict, without rowid;
create index staff_link_by_age on staff_link (expires_at);
create index staff_link_of_operator on staff_link (tenant_id, operator_id);

-- More to tell, and another way of telling it.
create table new_notification (
  id integer primary key,
  tenant_id integer not null,
  operator_id integer not null,
  kind text not null check (kind in ('assigned', 'message', 'mention', 'sla_warning', 'sla_breach', 'estimate_approved',
                                     'estimate_rejected', 'csat', 'webhook_off', 'channel_broken', 'channel_mended',
                                     'secret_expires', 'telegram_off', 'rule')),
  ticket_id integer,
  message_id integer,
  actor_name text not null default '',
  detail text not null default '', -- the rule's words, a rating, an address
  created_at integer not null,
  read_at integer,
  mail text check (mail in ('now', 'digest')), -- waits to be mailed so
  chat text check (chat in ('now', 'digest')), -- waits to be said so in the operator's chat
  unique (tenant_id, id),
  foreign key (tenant_id, operator_id) references operator (tenant_id, id) on delete cascade,
  foreign key (tenant_id, ticket_id) references ticket (tenant_id, id) on delete cascade
) strict;
insert into new_notification (id, tenant_id, operator_id, kind, ticket_id, message_id, actor_name, detail, created_at, read_at, mail)
select id, tenant_id, operator_id, kind, ticket_id, message_id, actor_name, detail, created_at, read_at, mail
  from notification;
drop table notification;
alter table new_notification rename to notification;
create index notification_of_operator on notification (tenant_id, operator_id, id desc);
create index notification_unread on notification (tenant_id, operator_id) where read_at is null;
create index notification_of_ticket on notification (tenant_id, ticket_id) where ticket_id is not null;
create index notification_to_mail on notification (mail, operator_id) where mail is not null;
create index notification_to_say on notification (chat, operator_id) where chat is not null;
