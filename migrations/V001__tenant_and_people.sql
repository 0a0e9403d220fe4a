-- Who is here: companies that give support (tenants), their operators, the companies they support (clients) and the
-- people there (contacts). Every tenant's row carries tenant_id first and every reference is composite, so a row of one
-- tenant cannot point at a row of another, whatever the code above does. Times are milliseconds since 1970, UTC.

create table tenant (
  id integer primary key autoincrement check (id between 1 and 32767), -- never reused; the search key keeps 15 bits for it
  name text not null check (name <> ''),
  domain text unique,
  plan text not null default 'enterprise' check (plan in ('free', 'starter', 'pro', 'business', 'enterprise')),
  is_active integer not null default 1 check (is_active in (0, 1)),
  locale text not null default 'ru' check (locale in ('ru', 'kk', 'en')),
  business_hours text not null, -- JSON: zone, intervals of the week, holidays
  settings text not null default '{}', -- JSON: what has a default and is rarely set
  limits text not null default '{}', -- JSON: overrides of the plan's limits
  widget_key text not null unique,
  next_ticket integer not null default 1,
  stored_bytes integer not null default 0, -- of attachments, each counted once
  created_at integer not null
) strict;

create table operator (
  id integer primary key,
  tenant_id integer not null references tenant (id),
  name text not null check (name <> ''),
  email text not null unique check (email = lower(email)), -- a login is unique in the installation
  phone text unique,
  role text not null check (role in ('operator', 'supervisor', 'admin', 'head_admin')),
  department text,
  password_hash text, -- null until the invitation is taken up
  can_edit integer not null default 1 check (can_edit in (0, 1)),
  is_active integer not null default 1 check (is_active in (0, 1)),
  availability text not null default 'offline' check (availability in ('online', 'away', 'offline')),
  locale text check (locale in ('ru', 'kk', 'en')),
  created_at integer not null,
  unique (tenant_id, id)
) strict;

create table session (
  id integer primary key,
  tenant_id integer not null,
  operator_id integer not null,
  token_hash blob not null unique,
  device text not null,
  address text not null,
  remember integer not null check (remember in (0, 1)),
  created_at integer not null,
  last_seen_at integer not null,
  expires_at integer not null,
  foreign key (tenant_id, operator_id) references operator (tenant_id, id) on delete cascade
) strict;
create index session_of_operator on session (tenant_id, operator_id);

-- Links sent by mail or printed by the shell: used once, then gone.
create table access_link (
  token_hash blob primary key,
  purpose text not null check (purpose in ('setup', 'password')),
  tenant_id integer,
  operator_id integer,
  created_at integer not null,
  expires_at integer not null,
  check ((purpose = 'setup') = (operator_id is null)),
  foreign key (tenant_id, operator_id) references operator (tenant_id, id) on delete cascade
) strict, without rowid;

create table api_key (
  id integer primary key,
  tenant_id integer not null,
  operator_id integer not null, -- a key acts for the operator who made it
  name text not null,
  prefix text not null, -- what lists may show
  token_hash blob not null unique,
  scopes text not null, -- JSON array
  created_at integer not null,
  expires_at integer,
  revoked_at integer,
  last_used_at integer,
  last_used_ip text,
  unique (tenant_id, id),
  foreign key (tenant_id, operator_id) references operator (tenant_id, id) on delete cascade
) strict;

create table client (
  id integer primary key,
  tenant_id integer not null references tenant (id),
  portal_domain text not null check (portal_domain <> ''),
  company_name text not null,
  tariff_plan text not null default 'standard',
  hours_per_month real not null default 0 check (hours_per_month >= 0),
  hourly_rate integer check (hourly_rate >= 0), -- in hundredths of the currency
  currency text not null default 'KZT',
  responsible_id integer,
  locale text check (locale in ('ru', 'kk', 'en')),
  notes text not null default '',
  is_active integer not null default 1 check (is_active in (0, 1)),
  shared_tickets integer not null default 0 check (shared_tickets in (0, 1)),
  token_generation integer not null default 1, -- raised to end all client tokens issued so far
  created_at integer not null,
  unique (tenant_id, id),
  unique (tenant_id, portal_domain),
  foreign key (tenant_id, responsible_id) references operator (tenant_id, id)
) strict;

-- What a user of a client's portal has chosen. The user's number is that of the client's own system.
create table portal_user (
  tenant_id integer not null,
  client_id integer not null,
  user_id integer not null check (user_id > 0),
  locale text check (locale in ('ru', 'kk', 'en')),
  primary key (tenant_id, client_id, user_id),
  foreign key (tenant_id, client_id) references client (tenant_id, id) on delete cascade
) strict, without rowid;

create table contact (
  id integer primary key,
  tenant_id integer not null references tenant (id),
  client_id integer,
  name text not null,
  email text check (email = lower(email)),
  phone text,
  photo text,
  created_at integer not null,
  unique (tenant_id, id),
  unique (tenant_id, email),
  foreign key (tenant_id, client_id) references client (tenant_id, id)
) strict;
create index contact_by_name on contact (tenant_id, name);

create table tag (
  id integer primary key,
  tenant_id integer not null references tenant (id),
  name text not null check (name <> ''),
  color text not null,
  unique (tenant_id, id),
  unique (tenant_id, name)
) strict;

create table category (
  tenant_id integer not null references tenant (id),
  code text not null,
  name_ru text not null,
  name_kk text not null,
  name_en text not null,
  position integer not null,
  primary key (tenant_id, code)
) strict, without rowid;

create table quick_reply (
  id integer primary key,
  tenant_id integer not null references tenant (id),
  title text not null,
  content text not null,
  shortcut text not null default '',
  unique (tenant_id, id)
) strict;

create table sla_rule (
  tenant_id integer not null references tenant (id),
  priority text not null check (priority in ('low', 'normal', 'urgent')),
  response_minutes integer not null check (response_minutes > 0),
  resolution_minutes integer not null check (resolution_minutes > 0),
  primary key (tenant_id, priority)
) strict, without rowid;
