-- Lists that are narrowed by category, priority or channel are found in the index alone; by priority, and of what nobody
-- has read, they need not be sorted.
drop index ticket_by_update;
drop index ticket_status_by_update;
create index ticket_by_update on ticket (tenant_id, updated_at desc, id desc, category, priority, channel, deleted_at) where deleted_at is null;
create index ticket_status_by_update on ticket (tenant_id, status, updated_at desc, id desc, category, priority, channel, deleted_at) where deleted_at is null;
create index ticket_open_by_priority on ticket (tenant_id, is_open, priority_rank, updated_at desc, id desc) where deleted_at is null;
create index ticket_unread on ticket (tenant_id, is_open, updated_at desc, id desc) where unread_count > 0 and deleted_at is null;

-- Of the tickets opened in a period, those whose clock runs, with all that tells whether they are late.
create index ticket_with_clock on ticket (tenant_id, created_at, sla_next_at, first_response_at, sla_response_at, sla_resolution_at,
                                          due_at, sla_response_breached, sla_resolution_breached, deleted_at)
 where sla_next_at is not null and deleted_at is null;
