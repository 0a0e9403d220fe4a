-- Codes that were mailed to visitors of a site, the last one of each ticket. Only a hash is kept.

create table widget_code (
  tenant_id integer not null,
  ticket_id integer not null,
  code_hash blob not null,
  tries integer not null,
  created_at integer not null,
  expires_at integer not null,
  primary key (tenant_id, ticket_id),
  foreign key (tenant_id, ticket_id) references ticket (tenant_id, id) on delete cascade
) strict, without rowid;
create index widget_code_by_end on widget_code (expires_at);
