-- The pictures that a tenant's pages wear. They are small, public and asked for by their hash, so they lie in the database
-- and not beside it: a change of looks is one transaction, and no address tells whose picture it is.

create table brand_image (
  tenant_id integer not null references tenant (id),
  kind text not null check (kind in ('logo', 'favicon')),
  hash text not null,
  mime text not null check (mime in ('image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/x-icon')),
  bytes blob not null check (length(bytes) between 1 and 524288),
  unique (tenant_id, kind)
) strict;
create index brand_image_by_hash on brand_image (hash);
