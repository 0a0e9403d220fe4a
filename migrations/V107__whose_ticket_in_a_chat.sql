-- In a group anybody sees the buttons below a question, and only whose ticket it is may press them. Of tickets from before this
-- nobody knows who opened them.
alter table ticket_chat add column person text; -- what the provider calls who opened the ticket; empty once they were erased
