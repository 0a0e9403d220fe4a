-- What may leave next is marked, so that a long queue of few conversations costs no more than a short one: of each lane the
-- oldest row that waits, unless its ticket lies in the bin. The marks are kept here, whoever changes a row.

alter table outbox add column is_held integer not null default 0 check (is_held in (0, 1)); -- its ticket lies in the bin
alter table outbox add column is_next integer not null default 0 check (is_next in (0, 1));

drop index outbox_to_do;
drop index outbox_in_order;
drop index outbox_due_of_channel;
create index outbox_in_order on outbox (tenant_id, lane, id) where state = 'queued' and is_held = 0;
create index outbox_next on outbox (next_at) where is_next = 1;
create index outbox_next_of_channel on outbox (channel_id, next_at, id) where is_next = 1;
create index outbox_next_of_lane on outbox (tenant_id, lane) where is_next = 1;
create index outbox_waiting_of_ticket on outbox (tenant_id, ticket_id) where state = 'queued';
create index outbox_given_up on outbox (tenant_id, channel_id, finished_at) where state = 'failed';

update outbox set is_held = 1
 where state = 'queued'
   and exists (select 1 from ticket t
                where t.tenant_id = outbox.tenant_id and t.id = outbox.ticket_id and t.deleted_at is not null);
update outbox set is_next = 1
 where id in (select min(id) from outbox where state = 'queued' and is_held = 0 group by tenant_id, lane);

create trigger outbox_put after insert on outbox when new.state = 'queued' begin
  update outbox set is_held = 1
   where id = new.id
     and exists (select 1 from ticket
                  where tenant_id = new.tenant_id and id = new.ticket_id and deleted_at is not null);
  update outbox set is_next = 1
   where id = (select min(id) from outbox
                where tenant_id = new.tenant_id and lane = new.lane and state = 'queued' and is_held = 0)
     and is_next = 0;
end;

create trigger outbox_moved after update of state, is_held, ticket_id, chat_id, recipient on outbox begin
  update outbox set is_held = 1 - is_held
   where id = new.id and state = 'queued'
     and is_held <> exists (select 1 from ticket
                             where tenant_id = new.tenant_id and id = new.ticket_id and deleted_at is not null);
  -- The lane that it left, or left the head of.
  update outbox set is_next = 1
   where id = (select min(id) from outbox
                where tenant_id = old.tenant_id and lane = old.lane and state = 'queued' and is_held = 0)
     and is_next = 0;
  -- What no longer waits, and whoever comes after it in the lane where it is now.
  update outbox set is_next = 0
   where id = new.id and is_next = 1 and (state <> 'queued' or is_held = 1);
  update outbox set is_next = 0
   where tenant_id = new.tenant_id and lane = new.lane and is_next = 1
     and id > (select min(id) from outbox
                where tenant_id = new.tenant_id and lane = new.lane and state = 'queued' and is_held = 0);
  update outbox set is_next = 1
   where id = (select min(id) from outbox
                where tenant_id = new.tenant_id and lane = new.lane and state = 'queued' and is_held = 0)
     and is_next = 0;
end;

create trigger outbox_gone after delete on outbox when old.is_next = 1 begin
  update outbox set is_next = 1
   where id = (select min(id) from outbox
                where tenant_id = old.tenant_id and lane = old.lane and state = 'queued' and is_held = 0)
     and is_next = 0;
end;

create trigger ticket_binned after update of deleted_at on ticket
  when (old.deleted_at is null) <> (new.deleted_at is null) begin
  update outbox set is_held = new.deleted_at is not null
   where tenant_id = new.tenant_id and ticket_id = new.id and state = 'queued';
end;
