-- What is kept about calls: who changed what (audit), answers to repeat (idempotency), faults of ours (errors).

create table audit_log (
  id integer primary key,
  tenant_id integer not null references tenant (id),
  at integer not null,
  actor_type text not null,
  actor_id integer,
  actor_name text not null,
  action text not null,
  subject text not null, -- JSON: the ids the call named; never its texts or secrets
  address text not null,
  request_id text not null
) strict;
create index audit_by_time on audit_log (tenant_id, at desc);
create trigger audit_log_is_not_edited before update on audit_log begin select raise(abort, 'the audit log is append-only'); end;

create table idempotency (
  tenant_id integer not null,
  caller text not null, -- who called: a key is only ever theirs
  key text not null,
  request_hash blob not null,
  answer blob not null,
  created_at integer not null,
  primary key (tenant_id, caller, key)
) strict, without rowid;
create index idempotency_by_age on idempotency (created_at);

create table error_log (
  id integer primary key,
  at integer not null,
  tenant_id integer,
  request_id text not null,
  action text not null,
  detail text not null
) strict;
