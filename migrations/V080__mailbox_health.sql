-- Mail that is fetched has a health of its own: a mailbox that cannot be opened is no fault of the server that answers
-- leave by, and one that works again says nothing about the other.

alter table channel add column inbound_error text; -- what keeps mail from being fetched, in words
alter table channel add column inbound_error_at integer;
alter table channel add column inbound_checked_at integer; -- when the mailbox was last looked into
