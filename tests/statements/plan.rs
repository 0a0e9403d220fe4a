//! How SQLite goes about a statement, read from the program that it makes of it: at each table of tenants that is opened,
//! whether only one tenant's rows can be come to.
//!
//! A row is come to keyed if the index that it is found by begins with `tenant_id` and that is bound, if it is passed over
//! unless its `tenant_id` is the one that is wanted, or if its number stands in a row that was itself come to keyed: keys
//! from table to table carry the tenant, so it is of the same one. Triggers and what deletes cascade to are programs that
//! SQLite lists behind the statement's own, and are looked at alike.
use crate::program::Program;
use rusqlite::{Connection, Row};
use std::collections::{BTreeMap, BTreeSet};

/// Where rows lie: a table or an index, with the columns in the order in which it holds them.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) table: String,
    columns: Vec<Option<String>>,
    /// Whether its rows are found by number and not by its columns.
    pub(crate) by_number: bool,
}

/// What the database is made of.
#[derive(Debug)]
pub(crate) struct Schema {
    /// By the page at which SQLite begins to read.
    pub(crate) trees: BTreeMap<i64, Tree>,
}

/// One instruction of SQLite's machine.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) address: i64,
    pub(crate) does: String,
    pub(crate) p: [i64; 3],
    pub(crate) more: String,
}

impl Step {
    fn read(row: &Row<'_>) -> rusqlite::Result<Step> {
        Ok(Step {
            address: row.get(0)?,
            does: row.get(1)?,
            p: [row.get(2)?, row.get(3)?, row.get(4)?],
            more: row.get::<_, Option<String>>(5)?.unwrap_or_default(),
        })
    }

    pub(crate) fn is(&self, any_of: &[&str]) -> bool {
        any_of.contains(&self.does.as_str())
    }
}

/// The column that says whose a row of a table is.
fn owner(table: &str) -> &'static str {
    if table == "tenant" { "id" } else { "tenant_id" }
}

fn texts(conn: &Connection, sql: &str, of: &str) -> Vec<Option<String>> {
    let mut statement = conn.prepare(sql).unwrap();
    let rows = statement.query_map([of], |row| row.get(0)).unwrap();
    rows.collect::<rusqlite::Result<_>>().unwrap()
}

impl Schema {
    pub(crate) fn of(conn: &Connection) -> Schema {
        let sql = "select m.type, m.name, m.tbl_name, m.rootpage, coalesce(l.wr, 0)
                     from sqlite_master m left join pragma_table_list l on l.name = m.name and l.schema = 'main'
                    where m.rootpage > 0";
        let mut statement = conn.prepare(sql).unwrap();
        let trees = statement.query_map([], |row| {
            let (kind, name): (String, String) = (row.get(0)?, row.get(1)?);
            let (is_index, is_keyed) = (kind == "index", row.get::<_, bool>(4)?);
            let columns = match (is_index, is_keyed) {
                (true, _) => "select name from pragma_index_xinfo(?1) order by seqno",
                (false, true) => {
                    "select name from pragma_table_xinfo(?1) where hidden <> 2 order by pk = 0, pk, cid"
                }
                (false, false) => {
                    "select name from pragma_table_xinfo(?1) where hidden <> 2 order by cid"
                }
            };
            let tree = Tree {
                table: row.get(2)?,
                columns: texts(conn, columns, &name),
                by_number: !is_index && !is_keyed,
            };
            Ok((row.get(3)?, tree))
        });
        let trees = trees.unwrap().collect::<rusqlite::Result<_>>().unwrap();
        Schema { trees }
    }

    /// The tables that hold what is a tenant's.
    pub(crate) fn owned(&self) -> BTreeSet<&str> {
        let is_owned = |tree: &&Tree| tree.owner().is_some();
        let names = self.trees.values().filter(is_owned);
        names.map(|tree| tree.table.as_str()).collect()
    }
}

impl Tree {
    /// Which of its columns says whose a row is.
    pub(crate) fn owner(&self) -> Option<i64> {
        let named = |name: &Option<String>| name.as_deref() == Some(owner(&self.table));
        let at = self.columns.iter().position(named)?;
        i64::try_from(at).ok()
    }
}

/// Whether SQLite makes a plan for a statement, as it does not for `begin` and the like.
pub(crate) fn is_planned(sql: &str) -> bool {
    let word = sql.split_whitespace().next().unwrap_or_default();
    let planned = ["select", "insert", "update", "delete", "replace", "with"];
    planned.iter().any(|one| word.eq_ignore_ascii_case(one))
}

/// The tables of which a statement may come to rows of more than one tenant, or what SQLite has against it.
pub(crate) fn unkeyed(
    conn: &Connection,
    schema: &Schema,
    sql: &str,
) -> rusqlite::Result<BTreeSet<String>> {
    let mut statement = conn.prepare(&format!("explain {sql}"))?;
    let steps: Vec<Step> = statement
        .raw_query()
        .mapped(Step::read)
        .collect::<rusqlite::Result<_>>()?;
    let mut found = BTreeSet::new();
    for program in programs(steps) {
        found.extend(Program::new(schema, &program).unkeyed());
    }
    found.extend(searched(conn, sql)?);
    Ok(found)
}

/// The statement's own program and those of what it sets off; each counts its steps from naught.
fn programs(steps: Vec<Step>) -> Vec<Vec<Step>> {
    let mut programs: Vec<Vec<Step>> = Vec::new();
    for step in steps {
        match programs.last_mut() {
            Some(program) if step.address > 0 => program.push(step),
            _ => programs.push(vec![step]),
        }
    }
    programs
}

/// The indexes of words that are searched without a range of numbers: theirs begin with the tenant's.
fn searched(conn: &Connection, sql: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = conn.prepare(&format!("explain query plan {sql}"))?;
    let steps: Vec<String> = statement
        .raw_query()
        .mapped(|row| row.get("detail"))
        .collect::<rusqlite::Result<_>>()?;
    let words: Vec<&str> = sql
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| !word.is_empty())
        .collect();
    let mut found = Vec::new();
    for table in ["search", "kb_search"] {
        let is_it =
            |name: &str| name == table || words.windows(2).any(|pair| pair == [table, name]);
        let unbound = |step: &&String| {
            let (name, how) = step
                .strip_prefix("SCAN ")
                .unwrap_or("")
                .split_once(' ')
                .unwrap_or_default();
            let bounds = how.rsplit(':').next().unwrap_or_default();
            let is_bound = bounds.contains('=') || (bounds.contains('<') && bounds.contains('>'));
            how.starts_with("VIRTUAL TABLE") && is_it(name) && !is_bound
        };
        found.extend(steps.iter().find(unbound).map(|_| table.to_owned()));
    }
    Ok(found)
}
