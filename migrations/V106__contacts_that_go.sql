-- Whoever deletes a contact asks for their tickets, also those in the bin, and the database asks once more before it lets the
-- row go; and for tickets from a site, which name an address and no contact.
create index ticket_of_any_contact on ticket (tenant_id, contact_id, deleted_at) where contact_id is not null;
create index ticket_by_address on ticket (tenant_id, creator_email) where contact_id is null and creator_email is not null;
