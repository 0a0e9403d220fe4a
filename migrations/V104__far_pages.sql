-- A page far down a list is found by counting: how many tickets were last changed in each span of time, of each status. So
-- what lies before the page is passed over a span at a time, and only within one span ticket by ticket.
create table ticket_span (
  tenant_id integer not null references tenant (id),
  span integer not null, -- of 2^26 milliseconds, some nineteen hours, since 1970
  new_tickets integer not null,
  estimated_tickets integer not null,
  in_progress_tickets integer not null,
  on_hold_tickets integer not null,
  done_tickets integer not null,
  closed_tickets integer not null,
  reopened_tickets integer not null,
  primary key (tenant_id, span)
) strict, without rowid;

create trigger ticket_spanned after insert on ticket begin
  insert into ticket_span
  select new.tenant_id, new.updated_at >> 26,
         (new.status = 'new'),
         (new.status = 'estimated'),
         (new.status = 'in_progress'),
         (new.status = 'on_hold'),
         (new.status = 'done'),
         (new.status = 'closed'),
         (new.status = 'reopened')
   where new.deleted_at is null
      on conflict (tenant_id, span) do update set
         new_tickets = new_tickets + excluded.new_tickets,
         estimated_tickets = estimated_tickets + excluded.estimated_tickets,
         in_progress_tickets = in_progress_tickets + excluded.in_progress_tickets,
         on_hold_tickets = on_hold_tickets + excluded.on_hold_tickets,
         done_tickets = done_tickets + excluded.done_tickets,
         closed_tickets = closed_tickets + excluded.closed_tickets,
         reopened_tickets = reopened_tickets + excluded.reopened_tickets;
end;

create trigger ticket_spanned_again after update on ticket
 when old.updated_at >> 26 <> new.updated_at >> 26
   or old.status is not new.status
   or old.deleted_at is not new.deleted_at
begin
  insert into ticket_span
  select old.tenant_id, old.updated_at >> 26,
         -(old.status = 'new'),
         -(old.status = 'estimated'),
         -(old.status = 'in_progress'),
         -(old.status = 'on_hold'),
         -(old.status = 'done'),
         -(old.status = 'closed'),
         -(old.status = 'reopened')
   where old.deleted_at is null
      on conflict (tenant_id, span) do update set
         new_tickets = new_tickets + excluded.new_tickets,
         estimated_tickets = estimated_tickets + excluded.estimated_tickets,
         in_progress_tickets = in_progress_tickets + excluded.in_progress_tickets,
         on_hold_tickets = on_hold_tickets + excluded.on_hold_tickets,
         done_tickets = done_tickets + excluded.done_tickets,
         closed_tickets = closed_tickets + excluded.closed_tickets,
         reopened_tickets = reopened_tickets + excluded.reopened_tickets;
  insert into ticket_span
  select new.tenant_id, new.updated_at >> 26,
         (new.status = 'new'),
         (new.status = 'estimated'),
         (new.status = 'in_progress'),
         (new.status = 'on_hold'),
         (new.status = 'done'),
         (new.status = 'closed'),
         (new.status = 'reopened')
   where new.deleted_at is null
      on conflict (tenant_id, span) do update set
         new_tickets = new_tickets + excluded.new_tickets,
         estimated_tickets = estimated_tickets + excluded.estimated_tickets,
         in_progress_tickets = in_progress_tickets + excluded.in_progress_tickets,
         on_hold_tickets = on_hold_tickets + excluded.on_hold_tickets,
         done_tickets = done_tickets + excluded.done_tickets,
         closed_tickets = closed_tickets + excluded.closed_tickets,
         reopened_tickets = reopened_tickets + excluded.reopened_tickets;
end;

create trigger ticket_spanned_out after delete on ticket begin
  insert into ticket_span
  select old.tenant_id, old.updated_at >> 26,
         -(old.status = 'new'),
         -(old.status = 'estimated'),
         -(old.status = 'in_progress'),
         -(old.status = 'on_hold'),
         -(old.status = 'done'),
         -(old.status = 'closed'),
         -(old.status = 'reopened')
   where old.deleted_at is null
      on conflict (tenant_id, span) do update set
         new_tickets = new_tickets + excluded.new_tickets,
         estimated_tickets = estimated_tickets + excluded.estimated_tickets,
         in_progress_tickets = in_progress_tickets + excluded.in_progress_tickets,
         on_hold_tickets = on_hold_tickets + excluded.on_hold_tickets,
         done_tickets = done_tickets + excluded.done_tickets,
         closed_tickets = closed_tickets + excluded.closed_tickets,
         reopened_tickets = reopened_tickets + excluded.reopened_tickets;
end;

-- What is here already.
insert into ticket_span
select tenant_id, updated_at >> 26,
       sum(status = 'new'),
       sum(status = 'estimated'),
       sum(status = 'in_progress'),
       sum(status = 'on_hold'),
       sum(status = 'done'),
       sum(status = 'closed'),
       sum(status = 'reopened')
  from ticket
 where deleted_at is null
 group by tenant_id, updated_at >> 26;

-- The same of the days on which tickets were opened, beside the figures of those days.
alter table ticket_figure_day add column opened integer not null default 0;
update ticket_figure_day as d
   set opened = (select sum(f.opened) from ticket_figure f
                  where f.tenant_id = d.tenant_id and f.slot >= d.day * 96 and f.slot < d.day * 96 + 96);
drop trigger figure_of_day;
drop trigger figure_of_day_again;
drop trigger figure_of_day_out;
create trigger figure_of_day after insert on ticket_figure begin
  insert into ticket_figure_day (tenant_id, day, answered, response_ms, solved, resolution_ms, response_met, response_breached, resolution_met, resolution_breached, judged, broken, opened)
  values (new.tenant_id, new.slot / 96, new.answered, new.response_ms, new.solved, new.resolution_ms, new.response_met, new.response_breached, new.resolution_met, new.resolution_breached, new.judged, new.broken, new.opened)
      on conflict (tenant_id, day) do update set
         answered = answered + excluded.answered,
         response_ms = response_ms + excluded.response_ms,
         solved = solved + excluded.solved,
         resolution_ms = resolution_ms + excluded.resolution_ms,
         response_met = response_met + excluded.response_met,
         response_breached = response_breached + excluded.response_breached,
         resolution_met = resolution_met + excluded.resolution_met,
         resolution_breached = resolution_breached + excluded.resolution_breached,
         judged = judged + excluded.judged,
         broken = broken + excluded.broken,
         opened = opened + excluded.opened;
end;
create trigger figure_of_day_again after update on ticket_figure begin
  insert into ticket_figure_day (tenant_id, day, answered, response_ms, solved, resolution_ms, response_met, response_breached, resolution_met, resolution_breached, judged, broken, opened)
  values (new.tenant_id, new.slot / 96, new.answered - old.answered, new.response_ms - old.response_ms, new.solved - old.solved, new.resolution_ms - old.resolution_ms, new.response_met - old.response_met, new.response_breached - old.response_breached, new.resolution_met - old.resolution_met, new.resolution_breached - old.resolution_breached, new.judged - old.judged, new.broken - old.broken, new.opened - old.opened)
      on conflict (tenant_id, day) do update set
         answered = answered + excluded.answered,
         response_ms = response_ms + excluded.response_ms,
         solved = solved + excluded.solved,
         resolution_ms = resolution_ms + excluded.resolution_ms,
         response_met = response_met + excluded.response_met,
         response_breached = response_breached + excluded.response_breached,
         resolution_met = resolution_met + excluded.resolution_met,
         resolution_breached = resolution_breached + excluded.resolution_breached,
         judged = judged + excluded.judged,
         broken = broken + excluded.broken,
         opened = opened + excluded.opened;
end;
create trigger figure_of_day_out after delete on ticket_figure begin
  insert into ticket_figure_day (tenant_id, day, answered, response_ms, solved, resolution_ms, response_met, response_breached, resolution_met, resolution_breached, judged, broken, opened)
  values (old.tenant_id, old.slot / 96, -old.answered, -old.response_ms, -old.solved, -old.resolution_ms, -old.response_met, -old.response_breached, -old.resolution_met, -old.resolution_breached, -old.judged, -old.broken, -old.opened)
      on conflict (tenant_id, day) do update set
         answered = answered + excluded.answered,
         response_ms = response_ms + excluded.response_ms,
         solved = solved + excluded.solved,
         resolution_ms = resolution_ms + excluded.resolution_ms,
         response_met = response_met + excluded.response_met,
         response_breached = response_breached + excluded.response_breached,
         resolution_met = resolution_met + excluded.resolution_met,
         resolution_breached = resolution_breached + excluded.resolution_breached,
         judged = judged + excluded.judged,
         broken = broken + excluded.broken,
         opened = opened + excluded.opened;
end;
