-- Figures that are exact and cost nothing to read. Triggers keep them in the transaction of whatever changes a ticket, so
-- no verb has to think of them and none can forget; a test compares them with slow counts after random histories.

-- How many tickets a list has that is narrowed by one thing besides its status. Tickets in the bin are not counted.
create table ticket_count (
  tenant_id integer not null references tenant (id),
  facet text not null check (facet in ('all', 'client', 'operator', 'priority', 'category', 'channel')),
  value text not null, -- an id or a word; empty for none
  new_tickets integer not null,
  estimated_tickets integer not null,
  in_progress_tickets integer not null,
  on_hold_tickets integer not null,
  done_tickets integer not null,
  closed_tickets integer not null,
  reopened_tickets integer not null,
  unread_tickets integer not null, -- open ones with unread messages
  primary key (tenant_id, facet, value)
) strict, without rowid;

-- What became of the tickets opened in a quarter of an hour: days of every time zone, and the last thirty of them, are
-- sums of these.
create table ticket_figure (
  tenant_id integer not null references tenant (id),
  slot integer not null, -- quarters of an hour since 1970
  opened integer not null,
  answered integer not null,
  response_ms integer not null,
  solved integer not null,
  resolution_ms integer not null,
  response_met integer not null,
  response_breached integer not null,
  resolution_met integer not null,
  resolution_breached integer not null,
  judged integer not null, -- those with a time to keep
  broken integer not null, -- those that missed one of their times
  primary key (tenant_id, slot)
) strict, without rowid;

create trigger ticket_counted after insert on ticket begin
  insert into ticket_count
  select new.tenant_id, f.column1, f.column2,
         (new.status = 'new'),
         (new.status = 'estimated'),
         (new.status = 'in_progress'),
         (new.status = 'on_hold'),
         (new.status = 'done'),
         (new.status = 'closed'),
         (new.status = 'reopened'),
         (new.unread_count > 0 and new.status not in ('done', 'closed'))
    from (values ('all', ''), ('client', coalesce(new.client_id, '')), ('operator', coalesce(new.assigned_to, '')),
                 ('priority', new.priority), ('category', new.category), ('channel', new.channel)) f
   where new.deleted_at is null
      on conflict (tenant_id, facet, value) do update set
         new_tickets = new_tickets + excluded.new_tickets,
         estimated_tickets = estimated_tickets + excluded.estimated_tickets,
         in_progress_tickets = in_progress_tickets + excluded.in_progress_tickets,
         on_hold_tickets = on_hold_tickets + excluded.on_hold_tickets,
         done_tickets = done_tickets + excluded.done_tickets,
         closed_tickets = closed_tickets + excluded.closed_tickets,
         reopened_tickets = reopened_tickets + excluded.reopened_tickets,
         unread_tickets = unread_tickets + excluded.unread_tickets;
end;

create trigger ticket_counted_again after update on ticket
 when old.status is not new.status
   or old.client_id is not new.client_id
   or old.assigned_to is not new.assigned_to
   or old.priority is not new.priority
   or old.category is not new.category
   or old.channel is not new.channel
   or old.deleted_at is not new.deleted_at
   or (old.unread_count > 0) is not (new.unread_count > 0)
begin
  insert into ticket_count
  select old.tenant_id, f.column1, f.column2,
         -(old.status = 'new'),
         -(old.status = 'estimated'),
         -(old.status = 'in_progress'),
         -(old.status = 'on_hold'),
         -(old.status = 'done'),
         -(old.status = 'closed'),
         -(old.status = 'reopened'),
         -(old.unread_count > 0 and old.status not in ('done', 'closed'))
    from (values ('all', ''), ('client', coalesce(old.client_id, '')), ('operator', coalesce(old.assigned_to, '')),
                 ('priority', old.priority), ('category', old.category), ('channel', old.channel)) f
   where old.deleted_at is null
      on conflict (tenant_id, facet, value) do update set
         new_tickets = new_tickets + excluded.new_tickets,
         estimated_tickets = estimated_tickets + excluded.estimated_tickets,
         in_progress_tickets = in_progress_tickets + excluded.in_progress_tickets,
         on_hold_tickets = on_hold_tickets + excluded.on_hold_tickets,
         done_tickets = done_tickets + excluded.done_tickets,
         closed_tickets = closed_tickets + excluded.closed_tickets,
         reopened_tickets = reopened_tickets + excluded.reopened_tickets,
         unread_tickets = unread_tickets + excluded.unread_tickets;
  insert into ticket_count
  select new.tenant_id, f.column1, f.column2,
         (new.status = 'new'),
         (new.status = 'estimated'),
         (new.status = 'in_progress'),
         (new.status = 'on_hold'),
         (new.status = 'done'),
         (new.status = 'closed'),
         (new.status = 'reopened'),
         (new.unread_count > 0 and new.status not in ('done', 'closed'))
    from (values ('all', ''), ('client', coalesce(new.client_id, '')), ('operator', coalesce(new.assigned_to, '')),
                 ('priority', new.priority), ('category', new.category), ('channel', new.channel)) f
   where new.deleted_at is null
      on conflict (tenant_id, facet, value) do update set
         new_tickets = new_tickets + excluded.new_tickets,
         estimated_tickets = estimated_tickets + excluded.estimated_tickets,
         in_progress_tickets = in_progress_tickets + excluded.in_progress_tickets,
         on_hold_tickets = on_hold_tickets + excluded.on_hold_tickets,
         done_tickets = done_tickets + excluded.done_tickets,
         closed_tickets = closed_tickets + excluded.closed_tickets,
         reopened_tickets = reopened_tickets + excluded.reopened_tickets,
         unread_tickets = unread_tickets + excluded.unread_tickets;
end;

create trigger ticket_counted_out after delete on ticket begin
  insert into ticket_count
  select old.tenant_id, f.column1, f.column2,
         -(old.status = 'new'),
         -(old.status = 'estimated'),
         -(old.status = 'in_progress'),
         -(old.status = 'on_hold'),
         -(old.status = 'done'),
         -(old.status = 'closed'),
         -(old.status = 'reopened'),
         -(old.unread_count > 0 and old.status not in ('done', 'closed'))
    from (values ('all', ''), ('client', coalesce(old.client_id, '')), ('operator', coalesce(old.assigned_to, '')),
                 ('priority', old.priority), ('category', old.category), ('channel', old.channel)) f
   where old.deleted_at is null
      on conflict (tenant_id, facet, value) do update set
         new_tickets = new_tickets + excluded.new_tickets,
         estimated_tickets = estimated_tickets + excluded.estimated_tickets,
         in_progress_tickets = in_progress_tickets + excluded.in_progress_tickets,
         on_hold_tickets = on_hold_tickets + excluded.on_hold_tickets,
         done_tickets = done_tickets + excluded.done_tickets,
         closed_tickets = closed_tickets + excluded.closed_tickets,
         reopened_tickets = reopened_tickets + excluded.reopened_tickets,
         unread_tickets = unread_tickets + excluded.unread_tickets;
end;

create trigger ticket_figured after insert on ticket begin
  insert into ticket_figure
  select new.tenant_id, new.created_at / 900000,
         1,
         (new.first_response_at is not null),
         coalesce(new.first_response_at - new.created_at, 0),
         (new.done_at is not null),
         coalesce(new.done_at - new.created_at, 0),
         (new.sla_response_at is not null and new.first_response_at is not null and not new.sla_response_breached),
         new.sla_response_breached,
         coalesce(new.due_at, new.sla_resolution_at) is not null and new.done_at is not null and not new.sla_resolution_breached,
         new.sla_resolution_breached,
         (new.sla_response_at is not null or coalesce(new.due_at, new.sla_resolution_at) is not null),
         (new.sla_response_breached or new.sla_resolution_breached)
   where new.deleted_at is null
      on conflict (tenant_id, slot) do update set
         opened = opened + excluded.opened,
         answered = answered + excluded.answered,
         response_ms = response_ms + excluded.response_ms,
         solved = solved + excluded.solved,
         resolution_ms = resolution_ms + excluded.resolution_ms,
         response_met = response_met + excluded.response_met,
         response_breached = response_breached + excluded.response_breached,
         resolution_met = resolution_met + excluded.resolution_met,
         resolution_breached = resolution_breached + excluded.resolution_breached,
         judged = judged + excluded.judged,
         broken = broken + excluded.broken;
end;

create trigger ticket_figured_again after update on ticket
 when old.created_at is not new.created_at
   or old.first_response_at is not new.first_response_at
   or old.done_at is not new.done_at
   or old.due_at is not new.due_at
   or old.sla_response_at is not new.sla_response_at
   or old.sla_resolution_at is not new.sla_resolution_at
   or old.sla_response_breached is not new.sla_response_breached
   or old.sla_resolution_breached is not new.sla_resolution_breached
   or old.deleted_at is not new.deleted_at
begin
  insert into ticket_figure
  select old.tenant_id, old.created_at / 900000,
         -(1),
         -(old.first_response_at is not null),
         -(coalesce(old.first_response_at - old.created_at, 0)),
         -(old.done_at is not null),
         -(coalesce(old.done_at - old.created_at, 0)),
         -(old.sla_response_at is not null and old.first_response_at is not null and not old.sla_response_breached),
         -(old.sla_response_breached),
         -(coalesce(old.due_at, old.sla_resolution_at) is not null and old.done_at is not null and not old.sla_resolution_breached),
         -(old.sla_resolution_breached),
         -(old.sla_response_at is not null or coalesce(old.due_at, old.sla_resolution_at) is not null),
         -(old.sla_response_breached or old.sla_resolution_breached)
   where old.deleted_at is null
      on conflict (tenant_id, slot) do update set
         opened = opened + excluded.opened,
         answered = answered + excluded.answered,
         response_ms = response_ms + excluded.response_ms,
         solved = solved + excluded.solved,
         resolution_ms = resolution_ms + excluded.resolution_ms,
         response_met = response_met + excluded.response_met,
         response_breached = response_breached + excluded.response_breached,
         resolution_met = resolution_met + excluded.resolution_met,
         resolution_breached = resolution_breached + excluded.resolution_breached,
         judged = judged + excluded.judged,
         broken = broken + excluded.broken;
  insert into ticket_figure
  select new.tenant_id, new.created_at / 900000,
         1,
         (new.first_response_at is not null),
         coalesce(new.first_response_at - new.created_at, 0),
         (new.done_at is not null),
         coalesce(new.done_at - new.created_at, 0),
         (new.sla_response_at is not null and new.first_response_at is not null and not new.sla_response_breached),
         new.sla_response_breached,
         coalesce(new.due_at, new.sla_resolution_at) is not null and new.done_at is not null and not new.sla_resolution_breached,
         new.sla_resolution_breached,
         (new.sla_response_at is not null or coalesce(new.due_at, new.sla_resolution_at) is not null),
         (new.sla_response_breached or new.sla_resolution_breached)
   where new.deleted_at is null
      on conflict (tenant_id, slot) do update set
         opened = opened + excluded.opened,
         answered = answered + excluded.answered,
         response_ms = response_ms + excluded.response_ms,
         solved = solved + excluded.solved,
         resolution_ms = resolution_ms + excluded.resolution_ms,
         response_met = response_met + excluded.response_met,
         response_breached = response_breached + excluded.response_breached,
         resolution_met = resolution_met + excluded.resolution_met,
         resolution_breached = resolution_breached + excluded.resolution_breached,
         judged = judged + excluded.judged,
         broken = broken + excluded.broken;
end;

create trigger ticket_figured_out after delete on ticket begin
  insert into ticket_figure
  select old.tenant_id, old.created_at / 900000,
         -(1),
         -(old.first_response_at is not null),
         -(coalesce(old.first_response_at - old.created_at, 0)),
         -(old.done_at is not null),
         -(coalesce(old.done_at - old.created_at, 0)),
         -(old.sla_response_at is not null and old.first_response_at is not null and not old.sla_response_breached),
         -(old.sla_response_breached),
         -(coalesce(old.due_at, old.sla_resolution_at) is not null and old.done_at is not null and not old.sla_resolution_breached),
         -(old.sla_resolution_breached),
         -(old.sla_response_at is not null or coalesce(old.due_at, old.sla_resolution_at) is not null),
         -(old.sla_response_breached or old.sla_resolution_breached)
   where old.deleted_at is null
      on conflict (tenant_id, slot) do update set
         opened = opened + excluded.opened,
         answered = answered + excluded.answered,
         response_ms = response_ms + excluded.response_ms,
         solved = solved + excluded.solved,
         resolution_ms = resolution_ms + excluded.resolution_ms,
         response_met = response_met + excluded.response_met,
         response_breached = response_breached + excluded.response_breached,
         resolution_met = resolution_met + excluded.resolution_met,
         resolution_breached = resolution_breached + excluded.resolution_breached,
         judged = judged + excluded.judged,
         broken = broken + excluded.broken;
end;

-- What is here already.
insert into ticket_count
select t.tenant_id, f.facet,
       case f.facet when 'client' then coalesce(t.client_id, '') when 'operator' then coalesce(t.assigned_to, '')
                    when 'priority' then t.priority when 'category' then t.category when 'channel' then t.channel else '' end as side,
       sum(t.status = 'new'),
       sum(t.status = 'estimated'),
       sum(t.status = 'in_progress'),
       sum(t.status = 'on_hold'),
       sum(t.status = 'done'),
       sum(t.status = 'closed'),
       sum(t.status = 'reopened'),
       sum(t.unread_count > 0 and t.is_open)
  from ticket t
  join (select column1 as facet from (values ('all'), ('client'), ('operator'), ('priority'), ('category'), ('channel'))) f
 where t.deleted_at is null
 group by t.tenant_id, f.facet, side;

insert into ticket_figure
select t.tenant_id, t.created_at / 900000,
       sum(1),
       sum(t.first_response_at is not null),
       sum(coalesce(t.first_response_at - t.created_at, 0)),
       sum(t.done_at is not null),
       sum(coalesce(t.done_at - t.created_at, 0)),
       sum(t.sla_response_at is not null and t.first_response_at is not null and not t.sla_response_breached),
       sum(t.sla_response_breached),
       sum(coalesce(t.due_at, t.sla_resolution_at) is not null and t.done_at is not null and not t.sla_resolution_breached),
       sum(t.sla_resolution_breached),
       sum(t.sla_response_at is not null or coalesce(t.due_at, t.sla_resolution_at) is not null),
       sum(t.sla_response_breached or t.sla_resolution_breached)
  from ticket t
 where t.deleted_at is null
 group by t.tenant_id, t.created_at / 900000;

-- A partial index covers a query only if it also holds the columns of its own condition. With them a deep page and a
-- period are found in the index alone. A list by creation reads the whole of it; the same entries tell of a period by
-- category, priority and channel.
drop index ticket_by_creation;
drop index ticket_by_update;
drop index ticket_open_by_update;
drop index ticket_status_by_update;
create index ticket_by_creation on ticket (tenant_id, created_at desc, id desc, category, priority, channel, deleted_at) where deleted_at is null;
create index ticket_by_update on ticket (tenant_id, updated_at desc, id desc, deleted_at) where deleted_at is null;
create index ticket_open_by_update on ticket (tenant_id, is_open, updated_at desc, id desc, deleted_at) where deleted_at is null;
create index ticket_status_by_update on ticket (tenant_id, status, updated_at desc, id desc, deleted_at) where deleted_at is null;
create index ticket_by_done on ticket (tenant_id, done_at, assigned_to, created_at, deleted_at) where deleted_at is null and done_at is not null;
create index ticket_by_closing on ticket (tenant_id, closed_at, deleted_at) where deleted_at is null and closed_at is not null;
create index message_by_time on message (tenant_id, created_at, is_note, deleted_at, author_type)
 where is_note = 0 and deleted_at is null and author_type <> 'system';
create index time_by_spending on time_entry (tenant_id, spent_at, operator_id, minutes);
