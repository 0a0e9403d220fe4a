-- Automation: triggers (when something happens, if it is so, then do) with what each of their runs came to, and macros, which
-- are texts and actions that an operator applies by hand. Conditions and actions are JSON in the one form that the rules
-- write; they are checked before they are stored.

create table trigger (
  id integer primary key,
  tenant_id integer not null references tenant (id),
  name text not null check (name <> ''),
  event text not null check (event in ('ticket_created', 'ticket_updated', 'ticket_status_changed', 'message_received',
                                       'sla_warning', 'sla_breach', 'csat_received', 'ticket_idle')),
  idle_hours real check (idle_hours > 0),
  conditions text not null,
  actions text not null,
  is_active integer not null default 1 check (is_active in (0, 1)),
  position integer not null,
  last_assigned integer, -- whose turn it was last
  created_at integer not null,
  unique (tenant_id, id),
  check ((event = 'ticket_idle') = (idle_hours is not null))
) strict;
create index trigger_of_event on trigger (tenant_id, event, position, id) where is_active;

create table trigger_run (
  id integer primary key,
  tenant_id integer not null,
  trigger_id integer not null,
  ticket_id integer not null,
  at integer not null,
  outcome text not null check (outcome in ('done', 'failed', 'stopped')),
  done text not null default '[]', -- JSON: the actions that were carried out
  error text, -- why it failed or was stopped
  foreign key (tenant_id, trigger_id) references trigger (tenant_id, id) on delete cascade,
  foreign key (tenant_id, ticket_id) references ticket (tenant_id, id) on delete cascade
) strict;
create index run_of_tenant on trigger_run (tenant_id, id desc);
create index run_of_trigger on trigger_run (tenant_id, trigger_id, ticket_id, at);
create index run_of_ticket on trigger_run (tenant_id, ticket_id);
create index run_by_time on trigger_run (at);

create table macro (
  id integer primary key,
  tenant_id integer not null references tenant (id),
  title text not null check (title <> ''),
  content text not null default '',
  is_note integer not null default 0 check (is_note in (0, 1)),
  actions text not null default '[]',
  unique (tenant_id, id)
) strict;
