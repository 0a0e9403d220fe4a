-- What is sold and what is promised. A client names its tariff by code; hours and rate of its own go before the tariff's.
-- A ticket keeps when its clocks are next to be told of, so that one index says what is due, and what has been told.

create table tariff (
  id integer primary key,
  tenant_id integer not null references tenant (id),
  code text not null check (code <> ''),
  name text not null check (name <> ''),
  hours_per_month real not null default 0 check (hours_per_month >= 0),
  hourly_rate integer check (hourly_rate >= 0), -- in hundredths of the currency
  currency text not null default 'KZT',
  sla text not null default '{}', -- JSON: a rule by priority; what is left out is the tenant's
  created_at integer not null,
  unique (tenant_id, id),
  unique (tenant_id, code)
) strict;

insert into tariff (tenant_id, code, name, created_at)
select id, 'standard', iif(locale = 'en', 'Standard', 'Стандарт'), created_at from tenant;
insert into tariff (tenant_id, code, name, created_at)
select tenant_id, tariff_plan, tariff_plan, min(created_at) from client where tariff_plan not in ('standard', '') group by 1, 2;
update client set tariff_plan = 'standard' where tariff_plan = '';

-- Null is the tariff's. The money of a client is that of its tariff.
alter table client add column own_hours real check (own_hours >= 0);
update client set own_hours = hours_per_month where hours_per_month > 0;
alter table client drop column hours_per_month;
alter table client rename column own_hours to hours_per_month;
alter table client drop column currency;
create index client_by_tariff on client (tenant_id, tariff_plan);

-- When a warning is due, and what has been told: 0 nothing, 1 that it is near, 2 that it was missed.
alter table ticket add column sla_response_warn_at integer;
alter table ticket add column sla_resolution_warn_at integer;
alter table ticket add column sla_response_told integer not null default 0 check (sla_response_told in (0, 1, 2));
alter table ticket add column sla_resolution_told integer not null default 0 check (sla_resolution_told in (0, 1, 2));
alter table ticket add column sla_alarm_at integer; -- the next of these; null while nothing is to be told
create index ticket_by_alarm on ticket (sla_alarm_at) where sla_alarm_at is not null and deleted_at is null;

-- The last ticket whose clocks were counted anew after a change of rules or hours; null when all are.
alter table tenant add column sla_recount_after integer;
update tenant set sla_recount_after = 0;

-- Proof of what was agreed: by whom, by which way, from where, and the hash of the words they saw.
alter table estimate add column hash text not null default '';
alter table estimate add column decided_via text;
alter table estimate add column decided_address text;
alter table estimate add column decided_user integer; -- of the client's own system

-- What clients say of the work: once for each time it was done.
create table csat (
  id integer primary key,
  tenant_id integer not null,
  ticket_id integer not null,
  completed_at integer not null, -- when the work that is rated was done
  rating integer not null check (rating between 1 and 5),
  comment text not null default '',
  operator_id integer, -- who was in charge then
  author_name text not null,
  created_at integer not null,
  updated_at integer not null,
  unique (tenant_id, ticket_id, completed_at),
  foreign key (tenant_id, ticket_id) references ticket (tenant_id, id) on delete cascade,
  foreign key (tenant_id, operator_id) references operator (tenant_id, id)
) strict;
create index csat_by_time on csat (tenant_id, created_at);
