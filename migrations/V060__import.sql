-- What was brought from another desk, by the names it has there: bringing it again adds what is new and doubles nothing.

create table imported_ticket (
  tenant_id integer not null references tenant (id),
  source text not null, -- which desk it came from
  external_id text not null,
  ticket_id integer, -- stays when the ticket is removed for good: what was thrown away does not come back
  digest text not null, -- of what that desk said of it last
  last_event_id integer, -- the last line of its history when it came: what people do here has a later one
  imported_at integer not null,
  primary key (tenant_id, source, external_id)
) strict, without rowid;

create table imported_message (
  tenant_id integer not null,
  source text not null,
  external_id text not null,
  message_id integer not null,
  primary key (tenant_id, source, external_id),
  foreign key (tenant_id, message_id) references message (tenant_id, id) on delete cascade
) strict, without rowid;
create index imported_by_message on imported_message (tenant_id, message_id);
