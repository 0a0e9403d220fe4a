-- The knowledge base. An article is one text in one language; articles of several languages that share a slug are
-- translations of each other. The HTML is made when the text is saved, so that reading renders nothing.

create table kb_article (
  id integer primary key autoincrement, -- never reused: readers keep links to it
  tenant_id integer not null references tenant (id),
  lang text not null check (lang in ('ru', 'kk', 'en')),
  slug text not null check (slug <> ''),
  title text not null check (title <> ''),
  category text not null default '',
  status text not null check (status in ('draft', 'published')),
  content text not null, -- Markdown, as it was written
  html text not null, -- what it is shown as, sanitised
  excerpt text not null, -- how its text begins
  views integer not null default 0, -- readings by others than staff
  created_by integer,
  created_at integer not null,
  updated_at integer not null,
  published_at integer,
  unique (tenant_id, id),
  unique (tenant_id, lang, slug),
  foreign key (tenant_id, created_by) references operator (tenant_id, id)
) strict;
create index kb_article_by_status on kb_article (tenant_id, status, lang);

-- One document an article, its words folded as in the search for tickets. The rowid is tenant << 48 | article.
create virtual table kb_search using fts5 (
  title,
  text,
  content = '',
  contentless_delete = 1,
  tokenize = "unicode61 remove_diacritics 0",
  prefix = '2 3 4'
);
