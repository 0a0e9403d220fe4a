-- What the program knows of its own state. A message's digest tells a byte that the disk has changed, which the database
-- itself does not see; null means that nobody has looked at it yet.

alter table message add column digest integer;

-- How far the file has come: a file that is behind what the note beside it says has lost something.
create table stamp (
  id integer primary key check (id = 1),
  epoch text not null, -- which database this is
  commits integer not null
) strict;
insert into stamp (id, epoch, commits) values (1, lower(hex(randomblob(16))), 0);

-- When work of the program itself was last done, and what came of it.
create table upkeep (
  name text primary key,
  at integer not null,
  detail text not null -- JSON
) strict, without rowid;
