-- Lists that are narrowed by category, priority or channel are found in the index alone; by priority, and of what nobody
-- has read, they need not be sorted.
drop index ticket_by_update;
drop index ticket_status_by_update;
create index ticket_by_update on ticket (tenant_id, updated_at desc, id desc, category, priority, channel, deleted_at) where deleted_at is null;
create index ticket_status_by_update on ticket (tenant_id, status, updated_at desc, id desc, category, priority, channel, deleted_at) where deleted_at is null;
create index ticket_open_by_priority on ticket (tenant_id, is_open, priority_rank, updated_at desc, id desc) where deleted_at is null;
create index ticket_unread on ticket (tenant_id, is_open, updated_at desc, id desc) where unread_count > 0 and deleted_at is null;
