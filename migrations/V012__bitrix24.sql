-- Bitrix24 portals whose users may come in with the token that their portal gave them. An admin says which portal is whose:
-- the tenant's own, whose users are operators by an explicit link and never by their e-mail, or a client's.

create table bitrix24_portal (
  id integer primary key autoincrement,
  tenant_id integer not null references tenant (id),
  domain text not null unique check (domain = lower(domain)), -- a portal is one desk's in the installation
  client_id integer, -- the client whose portal it is; null for the tenant's own
  app_code text, -- the application that tokens must be of
  created_at integer not null,
  unique (tenant_id, id),
  foreign key (tenant_id, client_id) references client (tenant_id, id) on delete cascade
) strict;

create table bitrix24_user (
  tenant_id integer not null,
  portal_id integer not null,
  user_id integer not null check (user_id > 0), -- the portal's number
  operator_id integer not null,
  primary key (tenant_id, portal_id, user_id),
  foreign key (tenant_id, portal_id) references bitrix24_portal (tenant_id, id) on delete cascade,
  foreign key (tenant_id, operator_id) references operator (tenant_id, id) on delete cascade
) strict, without rowid;

-- A client's portal is known by its domain without more, where no other tenant has a client of the same.
create index client_by_domain on client (portal_domain);
