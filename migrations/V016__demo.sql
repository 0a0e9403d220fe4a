-- Demo data in a tenant of somebody's own is marked where it stands, so that it can be told from theirs, is not counted
-- against their plan, and is removed without touching anything else.

alter table ticket add column is_demo integer not null default 0 check (is_demo in (0, 1));
alter table client add column is_demo integer not null default 0 check (is_demo in (0, 1));
alter table contact add column is_demo integer not null default 0 check (is_demo in (0, 1));
alter table operator add column is_demo integer not null default 0 check (is_demo in (0, 1));
alter table tag add column is_demo integer not null default 0 check (is_demo in (0, 1));
alter table quick_reply add column is_demo integer not null default 0 check (is_demo in (0, 1));

-- Who tried the program with demo data, and until when.
create table demo_run (
  id integer primary key,
  tenant_id integer not null references tenant (id),
  enabled_at integer not null,
  enabled_by integer,
  enabled_by_name text not null,
  disabled_at integer
) strict;
create index demo_run_of_tenant on demo_run (tenant_id, id);
create unique index demo_run_now on demo_run (tenant_id) where disabled_at is null;
