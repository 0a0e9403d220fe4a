-- The figures of thirty days are sums of days and of the quarters of an hour before the first whole one, in place of three
-- thousand quarters. Days are of UTC: as long as nobody sees them, any will do.
create table ticket_figure_day (
  tenant_id integer not null references tenant (id),
  day integer not null, -- since 1970
  answered integer not null,
  response_ms integer not null,
  solved integer not null,
  resolution_ms integer not null,
  response_met integer not null,
  response_breached integer not null,
  resolution_met integer not null,
  resolution_breached integer not null,
  judged integer not null,
  broken integer not null,
  primary key (tenant_id, day)
) strict, without rowid;

create trigger figure_of_day after insert on ticket_figure begin
  insert into ticket_figure_day values (new.tenant_id, new.slot / 96, new.answered, new.response_ms, new.solved, new.resolution_ms, new.response_met, new.response_breached, new.resolution_met, new.resolution_breached, new.judged, new.broken)
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
         broken = broken + excluded.broken;
end;
create trigger figure_of_day_again after update on ticket_figure begin
  insert into ticket_figure_day values (new.tenant_id, new.slot / 96, new.answered - old.answered, new.response_ms - old.response_ms, new.solved - old.solved, new.resolution_ms - old.resolution_ms, new.response_met - old.response_met, new.response_breached - old.response_breached, new.resolution_met - old.resolution_met, new.resolution_breached - old.resolution_breached, new.judged - old.judged, new.broken - old.broken)
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
         broken = broken + excluded.broken;
end;
create trigger figure_of_day_out after delete on ticket_figure begin
  insert into ticket_figure_day values (old.tenant_id, old.slot / 96, -old.answered, -old.response_ms, -old.solved, -old.resolution_ms, -old.response_met, -old.response_breached, -old.resolution_met, -old.resolution_breached, -old.judged, -old.broken)
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
         broken = broken + excluded.broken;
end;
insert into ticket_figure_day
select tenant_id, slot / 96, sum(answered), sum(response_ms), sum(solved), sum(resolution_ms), sum(response_met), sum(response_breached), sum(resolution_met), sum(resolution_breached), sum(judged), sum(broken)
  from ticket_figure
 group by tenant_id, slot / 96;

-- The nearest time of a running clock that nobody has judged yet. Once it has passed, the ticket is late though no counter
-- says so; that is seen to within seconds, so there are few of these, where there may be any number of late tickets.
alter table ticket add column unjudged_at integer generated always as (
  iif(sla_next_at is null, null,
      nullif(min(iif(first_response_at is null and not sla_response_breached, coalesce(sla_response_at, 9223372036854775807), 9223372036854775807),
                 iif(sla_resolution_breached, 9223372036854775807, coalesce(due_at, sla_resolution_at, 9223372036854775807))),
             9223372036854775807))) virtual;
drop index ticket_with_clock;
create index ticket_to_judge on ticket (tenant_id, unjudged_at, created_at) where unjudged_at is not null and deleted_at is null;
