-- The search index anew: which documents a word is in, without the places in them, and the beginnings of words up to seven
-- letters. No question needs the places; without them the index is smaller, and a word that stands everywhere costs a third.
-- The text is put as words in lower case with blanks between them (`search_words`), which the plainest tokenizer takes apart.
drop table search;
create virtual table search using fts5 (
  text,
  content = '',
  contentless_delete = 1,
  detail = none,
  tokenize = "ascii",
  prefix = '1 2 3 4 5 6 7'
);
insert into search (rowid, text)
select (m.tenant_id << 48) + (m.ticket_id << 20) + m.ordinal, search_words(t.subject || ' ' || m.body)
  from message m
  join ticket t on t.tenant_id = m.tenant_id and t.id = m.ticket_id
 where m.deleted_at is null
 order by m.tenant_id, m.ticket_id, m.ordinal;
