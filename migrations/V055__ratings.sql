-- Ratings of some days are counted in the index alone.
drop index csat_by_time;
create index csat_by_time on csat (tenant_id, created_at, operator_id, rating, ticket_id);
