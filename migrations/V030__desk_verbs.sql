-- What operators do with a ticket beyond answering it: follow it, be named in it, put it out of sight, merge it, throw it
-- away. A ticket in the bin keeps all its rows; deleted_at alone hides it, and a worker removes it for good later.

create table follower (
  tenant_id integer not null,
  ticket_id integer not null,
  operator_id integer not null,
  primary key (tenant_id, ticket_id, operator_id),
  foreign key (tenant_id, ticket_id) references ticket (tenant_id, id) on delete cascade,
  foreign key (tenant_id, operator_id) references operator (tenant_id, id) on delete cascade
) strict, without rowid;
create index followed_by_operator on follower (tenant_id, operator_id, ticket_id);

-- Whom a note names with @.
create table mention (
  tenant_id integer not null,
  message_id integer not null,
  operator_id integer not null,
  primary key (tenant_id, message_id, operator_id),
  foreign key (tenant_id, message_id) references message (tenant_id, id) on delete cascade,
  foreign key (tenant_id, operator_id) references operator (tenant_id, id) on delete cascade
) strict, without rowid;
create index mention_of_operator on mention (tenant_id, operator_id, message_id);

alter table ticket add column deleted_by integer;
create index ticket_in_bin on ticket (tenant_id, deleted_at desc, id desc) where deleted_at is not null;
create index ticket_snoozed on ticket (tenant_id, snoozed_until) where snoozed_until is not null and deleted_at is null;
-- A ticket that is removed for good is looked for in these.
create index ticket_by_merge on ticket (tenant_id, merged_into) where merged_into is not null;
create index ticket_by_previous on ticket (tenant_id, previous_ticket) where previous_ticket is not null;
create index inbound_of_ticket on inbound_event (tenant_id, ticket_id) where ticket_id is not null;

-- An answer that has not left: until then its client sees nothing of it, and its author can take it back.
alter table message add column held_until integer;
create index message_held on message (held_until) where held_until is not null;
