-- What analysis asks about some days is sums of days and of quarters of an hour, in place of a walk through all that was
-- written in them. Triggers keep them, as they do the other figures; two indices that served nothing else go.

-- The tickets opened on a day of UTC, of each category, by their priority and by the way they came in.
create table ticket_opened (
  tenant_id integer not null references tenant (id),
  day integer not null, -- since 1970
  category text not null,
  low integer not null,
  normal integer not null,
  urgent integer not null,
  api integer not null,
  portal integer not null,
  widget integer not null,
  email integer not null,
  telegram integer not null,
  whatsapp integer not null,
  max integer not null,
  phone integer not null,
  primary key (tenant_id, day, category)
) strict, without rowid;

-- What was finished and written in a quarter of an hour, by when that was.
create table ticket_flow (
  tenant_id integer not null references tenant (id),
  slot integer not null, -- quarters of an hour since 1970
  done integer not null,
  closed integer not null,
  messages integer not null, -- of clients and staff, notes left out
  primary key (tenant_id, slot)
) strict, without rowid;

create trigger ticket_opened_on after insert on ticket begin
  insert into ticket_opened
  select new.tenant_id, new.created_at / 86400000, new.category,
         (new.priority = 'low'),
         (new.priority = 'normal'),
         (new.priority = 'urgent'),
         (new.channel = 'api'),
         (new.channel = 'portal'),
         (new.channel = 'widget'),
         (new.channel = 'email'),
         (new.channel = 'telegram'),
         (new.channel = 'whatsapp'),
         (new.channel = 'max'),
         (new.channel = 'phone')
   where new.deleted_at is null
      on conflict (tenant_id, day, category) do update set
         low = low + excluded.low,
         normal = normal + excluded.normal,
         urgent = urgent + excluded.urgent,
         api = api + excluded.api,
         portal = portal + excluded.portal,
         widget = widget + excluded.widget,
         email = email + excluded.email,
         telegram = telegram + excluded.telegram,
         whatsapp = whatsapp + excluded.whatsapp,
         max = max + excluded.max,
         phone = phone + excluded.phone;
end;

create trigger ticket_opened_again after update on ticket
 when old.created_at is not new.created_at
   or old.category is not new.category
   or old.priority is not new.priority
   or old.channel is not new.channel
   or old.deleted_at is not new.deleted_at
begin
  insert into ticket_opened
  select old.tenant_id, old.created_at / 86400000, old.category,
         -(old.priority = 'low'),
         -(old.priority = 'normal'),
         -(old.priority = 'urgent'),
         -(old.channel = 'api'),
         -(old.channel = 'portal'),
         -(old.channel = 'widget'),
         -(old.channel = 'email'),
         -(old.channel = 'telegram'),
         -(old.channel = 'whatsapp'),
         -(old.channel = 'max'),
         -(old.channel = 'phone')
   where old.deleted_at is null
      on conflict (tenant_id, day, category) do update set
         low = low + excluded.low,
         normal = normal + excluded.normal,
         urgent = urgent + excluded.urgent,
         api = api + excluded.api,
         portal = portal + excluded.portal,
         widget = widget + excluded.widget,
         email = email + excluded.email,
         telegram = telegram + excluded.telegram,
         whatsapp = whatsapp + excluded.whatsapp,
         max = max + excluded.max,
         phone = phone + excluded.phone;
  insert into ticket_opened
  select new.tenant_id, new.created_at / 86400000, new.category,
         (new.priority = 'low'),
         (new.priority = 'normal'),
         (new.priority = 'urgent'),
         (new.channel = 'api'),
         (new.channel = 'portal'),
         (new.channel = 'widget'),
         (new.channel = 'email'),
         (new.channel = 'telegram'),
         (new.channel = 'whatsapp'),
         (new.channel = 'max'),
         (new.channel = 'phone')
   where new.deleted_at is null
      on conflict (tenant_id, day, category) do update set
         low = low + excluded.low,
         normal = normal + excluded.normal,
         urgent = urgent + excluded.urgent,
         api = api + excluded.api,
         portal = portal + excluded.portal,
         widget = widget + excluded.widget,
         email = email + excluded.email,
         telegram = telegram + excluded.telegram,
         whatsapp = whatsapp + excluded.whatsapp,
         max = max + excluded.max,
         phone = phone + excluded.phone;
end;

create trigger ticket_opened_out after delete on ticket begin
  insert into ticket_opened
  select old.tenant_id, old.created_at / 86400000, old.category,
         -(old.priority = 'low'),
         -(old.priority = 'normal'),
         -(old.priority = 'urgent'),
         -(old.channel = 'api'),
         -(old.channel = 'portal'),
         -(old.channel = 'widget'),
         -(old.channel = 'email'),
         -(old.channel = 'telegram'),
         -(old.channel = 'whatsapp'),
         -(old.channel = 'max'),
         -(old.channel = 'phone')
   where old.deleted_at is null
      on conflict (tenant_id, day, category) do update set
         low = low + excluded.low,
         normal = normal + excluded.normal,
         urgent = urgent + excluded.urgent,
         api = api + excluded.api,
         portal = portal + excluded.portal,
         widget = widget + excluded.widget,
         email = email + excluded.email,
         telegram = telegram + excluded.telegram,
         whatsapp = whatsapp + excluded.whatsapp,
         max = max + excluded.max,
         phone = phone + excluded.phone;
end;

create trigger ticket_flowed after insert on ticket
 when new.done_at is not null or new.closed_at is not null
begin
  insert into ticket_flow
  select new.tenant_id, new.done_at / 900000, 1, 0, 0
   where new.done_at is not null and new.deleted_at is null
      on conflict (tenant_id, slot) do update set done = done + excluded.done;
  insert into ticket_flow
  select new.tenant_id, new.closed_at / 900000, 0, 1, 0
   where new.closed_at is not null and new.deleted_at is null
      on conflict (tenant_id, slot) do update set closed = closed + excluded.closed;
end;

create trigger ticket_flowed_again after update on ticket
 when old.done_at is not new.done_at
   or old.closed_at is not new.closed_at
   or old.deleted_at is not new.deleted_at
begin
  insert into ticket_flow
  select old.tenant_id, old.done_at / 900000, -1, 0, 0
   where old.done_at is not null and old.deleted_at is null
      on conflict (tenant_id, slot) do update set done = done + excluded.done;
  insert into ticket_flow
  select old.tenant_id, old.closed_at / 900000, 0, -1, 0
   where old.closed_at is not null and old.deleted_at is null
      on conflict (tenant_id, slot) do update set closed = closed + excluded.closed;
  insert into ticket_flow
  select new.tenant_id, new.done_at / 900000, 1, 0, 0
   where new.done_at is not null and new.deleted_at is null
      on conflict (tenant_id, slot) do update set done = done + excluded.done;
  insert into ticket_flow
  select new.tenant_id, new.closed_at / 900000, 0, 1, 0
   where new.closed_at is not null and new.deleted_at is null
      on conflict (tenant_id, slot) do update set closed = closed + excluded.closed;
end;

create trigger ticket_flowed_out after delete on ticket
 when old.done_at is not null or old.closed_at is not null
begin
  insert into ticket_flow
  select old.tenant_id, old.done_at / 900000, -1, 0, 0
   where old.done_at is not null and old.deleted_at is null
      on conflict (tenant_id, slot) do update set done = done + excluded.done;
  insert into ticket_flow
  select old.tenant_id, old.closed_at / 900000, 0, -1, 0
   where old.closed_at is not null and old.deleted_at is null
      on conflict (tenant_id, slot) do update set closed = closed + excluded.closed;
end;

create trigger message_flowed after insert on message
 when new.is_note = 0 and new.deleted_at is null and new.author_type <> 'system'
begin
  insert into ticket_flow
  select new.tenant_id, new.created_at / 900000, 0, 0, 1
   where new.is_note = 0 and new.deleted_at is null and new.author_type <> 'system'
      on conflict (tenant_id, slot) do update set messages = messages + excluded.messages;
end;

create trigger message_flowed_again after update of created_at, is_note, deleted_at, author_type on message
 when old.created_at is not new.created_at
   or old.is_note is not new.is_note
   or old.deleted_at is not new.deleted_at
   or old.author_type is not new.author_type
begin
  insert into ticket_flow
  select old.tenant_id, old.created_at / 900000, 0, 0, -1
   where old.is_note = 0 and old.deleted_at is null and old.author_type <> 'system'
      on conflict (tenant_id, slot) do update set messages = messages + excluded.messages;
  insert into ticket_flow
  select new.tenant_id, new.created_at / 900000, 0, 0, 1
   where new.is_note = 0 and new.deleted_at is null and new.author_type <> 'system'
      on conflict (tenant_id, slot) do update set messages = messages + excluded.messages;
end;

create trigger message_flowed_out after delete on message
 when old.is_note = 0 and old.deleted_at is null and old.author_type <> 'system'
begin
  insert into ticket_flow
  select old.tenant_id, old.created_at / 900000, 0, 0, -1
   where old.is_note = 0 and old.deleted_at is null and old.author_type <> 'system'
      on conflict (tenant_id, slot) do update set messages = messages + excluded.messages;
end;

-- What is here already.
insert into ticket_opened
select tenant_id, created_at / 86400000, category,
       sum(priority = 'low'),
       sum(priority = 'normal'),
       sum(priority = 'urgent'),
       sum(channel = 'api'),
       sum(channel = 'portal'),
       sum(channel = 'widget'),
       sum(channel = 'email'),
       sum(channel = 'telegram'),
       sum(channel = 'whatsapp'),
       sum(channel = 'max'),
       sum(channel = 'phone')
  from ticket
 where deleted_at is null
 group by tenant_id, created_at / 86400000, category;

insert into ticket_flow
select tenant_id, slot, sum(done), sum(closed), sum(messages)
  from (select tenant_id, done_at / 900000 as slot, 1 as done, 0 as closed, 0 as messages
          from ticket
         where done_at is not null and deleted_at is null
         union all
        select tenant_id, closed_at / 900000, 0, 1, 0
          from ticket
         where closed_at is not null and deleted_at is null
         union all
        select tenant_id, created_at / 900000, 0, 0, 1
          from message
         where is_note = 0 and deleted_at is null and author_type <> 'system')
 group by tenant_id, slot;

drop index message_by_time;
drop index ticket_by_closing;
