-- How channels fare: which way the trouble is, when a password or token of theirs holds no more, and what admins were told.

alter table channel add column error_side text check (error_side in ('in', 'out')); -- both if it says nothing
alter table channel add column secret_expires_at integer; -- as an admin said
alter table channel add column secret_told_at integer; -- when the admins were last reminded of it

-- A channel that breaks and works again every minute is told of once.
create table channel_watch (
  tenant_id integer not null,
  channel_id integer not null,
  bad_since integer, -- the first trouble after it had worked for a while
  good_since integer, -- since when it works without a break
  told_at integer, -- since when its admins know that it is broken
  probed_at integer, -- when its server was last asked by the way
  primary key (tenant_id, channel_id),
  foreign key (tenant_id, channel_id) references channel (tenant_id, id) on delete cascade
) strict, without rowid;
