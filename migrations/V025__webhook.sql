-- Outgoing webhooks: where a tenant's own programs want to hear of events, and every call that is or was to be made. A call
-- is written in the transaction of what it tells; its body is fixed then, its signature is made when it leaves.

create table webhook (
  id integer primary key autoincrement, -- never reused: the sender knows an endpoint by it alone
  tenant_id integer not null references tenant (id),
  url text not null,
  events text not null, -- JSON array of event names; an empty one is called by triggers only
  secret blob not null, -- signs the calls; sealed under a key that is not in this file
  is_active integer not null default 1 check (is_active in (0, 1)),
  failing_since integer, -- when the calls that fail now began to fail
  switched_off text check (switched_off in ('gone', 'failing')), -- why the program switched it off by itself
  created_at integer not null,
  unique (tenant_id, id)
) strict;

create table webhook_delivery (
  id integer primary key autoincrement, -- calls of an endpoint leave in this order
  tenant_id integer not null,
  webhook_id integer not null,
  uid text not null, -- the webhook-id header: the same for every attempt
  type text not null,
  body text not null,
  state text not null default 'queued' check (state in ('queued', 'sent', 'failed')),
  attempts integer not null default 0,
  next_at integer not null,
  began_at integer, -- the first attempt
  finished_at integer,
  status integer, -- of the last attempt
  latency_ms integer,
  error text,
  response text, -- the beginning of the answer
  created_at integer not null,
  unique (tenant_id, id),
  foreign key (tenant_id, webhook_id) references webhook (tenant_id, id) on delete cascade
) strict;
create index webhook_to_do on webhook_delivery (webhook_id, id) where state = 'queued';
create index delivery_of_webhook on webhook_delivery (tenant_id, webhook_id, id desc);
create index delivery_by_end on webhook_delivery (finished_at) where finished_at is not null;
