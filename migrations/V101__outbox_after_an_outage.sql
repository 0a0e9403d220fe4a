-- A row that waits because nobody could be reached does not wait for its own sake: as soon as its channel is heard of
-- again, it is due.

alter table outbox add column is_cut integer not null default 0 check (is_cut in (0, 1));
create index outbox_cut on outbox (channel_id, id) where is_cut = 1 and is_next = 1;
