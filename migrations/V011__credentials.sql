-- The second factor of an account, the devices that act for it, and how much of its allowance an API key had used when
-- that was last written down, so that a restart does not fill it up again.

create table totp (
  tenant_id integer not null,
  operator_id integer not null,
  secret blob not null, -- sealed
  enabled_at integer, -- null until a code has proved that the app knows the secret
  last_step integer not null default 0, -- a code is good once
  primary key (tenant_id, operator_id),
  foreign key (tenant_id, operator_id) references operator (tenant_id, id) on delete cascade
) strict, without rowid;

-- Each is good once, for who has lost the app.
create table recovery_code (
  tenant_id integer not null,
  operator_id integer not null,
  code_hash blob not null,
  primary key (tenant_id, operator_id, code_hash),
  foreign key (tenant_id, operator_id) references operator (tenant_id, id) on delete cascade
) strict, without rowid;

create table mobile_session (
  id integer primary key autoincrement, -- never reused: a token names it
  tenant_id integer not null,
  operator_id integer not null,
  device text not null,
  address text not null,
  created_at integer not null,
  last_seen_at integer not null,
  expires_at integer not null,
  foreign key (tenant_id, operator_id) references operator (tenant_id, id) on delete cascade
) strict;
create index mobile_session_of_operator on mobile_session (tenant_id, operator_id);

create table key_level (
  tenant_id integer not null,
  key_id integer not null,
  spent real not null check (spent >= 0), -- calls that the bucket had not made good yet
  noted_at integer not null,
  primary key (tenant_id, key_id),
  foreign key (tenant_id, key_id) references api_key (tenant_id, id) on delete cascade
) strict, without rowid;

-- When somebody last said whether they are at work; until then it is seen by whether they have the desk open.
alter table operator add column availability_at integer;
