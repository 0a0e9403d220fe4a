-- Each entry of the audit log carries a seal over what it says and over the entry before it of the same tenant, made with
-- a secret that is not in this file: one that is changed, removed or slipped in later is found. Entries that were written
-- before get their seals once the migrations are through.

alter table audit_log add column link blob;
create index audit_unlinked on audit_log (id) where link is null; -- none, as soon as all have theirs

drop trigger audit_log_is_not_edited;
create trigger audit_log_is_not_edited before update on audit_log
  when old.link is not null or new.link is null
    or (new.id, new.tenant_id, new.at, new.actor_type, new.actor_id, new.actor_name, new.action, new.subject, new.address, new.request_id)
       is not (old.id, old.tenant_id, old.at, old.actor_type, old.actor_id, old.actor_name, old.action, old.subject, old.address, old.request_id)
begin select raise(abort, 'the audit log is append-only'); end;

-- Where each tenant's chain ends.
create table audit_chain (
  tenant_id integer primary key references tenant (id),
  entries integer not null,
  link blob not null, -- of the last entry
  seal blob not null -- over the two
) strict, without rowid;
