-- Addresses that a contact has besides their own: those of contacts that turned out to be the same person.
create table contact_address (
  tenant_id integer not null,
  email text not null check (email = lower(email)),
  contact_id integer not null,
  primary key (tenant_id, email),
  foreign key (tenant_id, contact_id) references contact (tenant_id, id) on delete cascade
) strict, without rowid;
create index address_of_contact on contact_address (tenant_id, contact_id);
create index contact_of_client on contact (tenant_id, client_id, name) where client_id is not null;

-- When the tokens of one user of a client's portal were ended; 0 stands for those without a name.
create table ended_token (
  tenant_id integer not null,
  client_id integer not null,
  user_id integer not null check (user_id >= 0),
  ended_at integer not null,
  primary key (tenant_id, client_id, user_id),
  foreign key (tenant_id, client_id) references client (tenant_id, id) on delete cascade
) strict, without rowid;

-- A list of the queue under a name of its own. The operator that it looks for is a column, so that it stays a reference.
create table saved_view (
  id integer primary key,
  tenant_id integer not null,
  operator_id integer not null, -- who made it
  is_shared integer not null default 0 check (is_shared in (0, 1)),
  name text not null check (name <> ''),
  filter text not null, -- JSON: the parameters of list_tickets
  assigned_to integer,
  position integer not null default 0,
  unique (tenant_id, id),
  foreign key (tenant_id, operator_id) references operator (tenant_id, id) on delete cascade,
  foreign key (tenant_id, assigned_to) references operator (tenant_id, id)
) strict;
create index view_of_operator on saved_view (tenant_id, operator_id);

-- What an operator has begun to write, so that another device can go on with it.
create table draft (
  tenant_id integer not null,
  operator_id integer not null,
  ticket_id integer not null,
  kind text not null check (kind in ('reply', 'note')),
  body text not null,
  updated_at integer not null,
  primary key (tenant_id, operator_id, ticket_id, kind),
  foreign key (tenant_id, operator_id) references operator (tenant_id, id) on delete cascade,
  foreign key (tenant_id, ticket_id) references ticket (tenant_id, id) on delete cascade
) strict, without rowid;
create index draft_of_ticket on draft (tenant_id, ticket_id);
-- Whose messages go over to another contact when two turn out to be one.
create index message_of_contact on message (tenant_id, contact_id) where contact_id is not null;
