//! Every statement that this program puts to SQLite comes to the rows of one tenant alone, unless it is named here with why it
//! may come to all. What the statements are is not listed: debug builds write down what they run (`src/db/statements.rs`), so
//! this comes after the other tests. One that stands whole in the sources is looked at whether it was run or not; one that is put
//! together and that no test ran is a fault.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed, and figures are shown to who asks with --no-capture"
)]

mod across;
mod finder;
mod plan;
mod program;
mod sources;

use across::{ACROSS, ANOTHER, OPEN};
use plan::{Schema, is_planned, unkeyed};
use rusqlite::{Connection, functions::FunctionFlags};
use sources::{Pieces, Place, Sources};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::SystemTime,
};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// When the newest file at or below a place was changed, in milliseconds.
fn changed(place: &Path) -> u128 {
    let own = fs::metadata(place).unwrap().modified().unwrap();
    let own = own
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_millis();
    match fs::read_dir(place) {
        Ok(entries) => entries
            .map(|entry| changed(&entry.unwrap().path()))
            .max()
            .unwrap_or(0),
        Err(_) => own,
    }
}

/// A statement as it is compared: without what stands around it.
fn bare(sql: &str) -> &str {
    sql.trim().trim_end_matches(';').trim_end()
}

/// What programs made of these sources have put to SQLite: the program itself, and unit tests.
struct Recorded {
    program: BTreeSet<String>,
    tests: BTreeSet<String>,
}

impl Recorded {
    fn read() -> Recorded {
        let newest = changed(&root().join("src")).max(changed(&root().join("migrations")));
        let mut recorded = Recorded {
            program: BTreeSet::new(),
            tests: BTreeSet::new(),
        };
        for entry in fs::read_dir(root().join("target/statements"))
            .into_iter()
            .flatten()
        {
            let path = entry.unwrap().path();
            let built = path
                .extension()
                .and_then(|built| built.to_str()?.parse().ok());
            if built.is_none_or(|built: u128| built < newest) {
                // Of an earlier program.
                fs::remove_file(&path).unwrap();
                continue;
            }
            let of = match path.file_stem().is_some_and(|name| name == "tehprof") {
                true => &mut recorded.program,
                false => &mut recorded.tests,
            };
            let text = fs::read_to_string(&path).unwrap();
            let run = text.split('\0').map(|sql| bare(sql).to_owned());
            of.extend(run.filter(|sql| is_planned(sql)));
        }
        assert!(
            !recorded.program.is_empty(),
            "nothing was recorded: `cargo test` runs the tests that do, and then this"
        );
        recorded
    }

    /// What was run of a text with gaps. What tests ask by themselves may look alike, so they are heard only about what the
    /// program was not seen to run.
    fn of(&self, pieces: &[String]) -> Vec<&String> {
        let mut run = self
            .program
            .iter()
            .filter(|sql| is_made_of(sql, pieces))
            .peekable();
        match run.peek() {
            Some(_) => run.collect(),
            None => self
                .tests
                .iter()
                .filter(|sql| is_made_of(sql, pieces))
                .collect(),
        }
    }

    fn has(&self, condition: &str) -> bool {
        self.program
            .iter()
            .chain(&self.tests)
            .any(|sql| sql.contains(condition))
    }
}

/// A desk without anything in it, in memory, as this program makes one.
fn desk() -> Connection {
    let dir = std::env::temp_dir().join(format!(
        "tehprof-statements-{}-{:?}",
        std::process::id(),
        std::thread::current().id()
    ));
    fs::create_dir_all(&dir).unwrap();
    let made = Command::new(env!("CARGO_BIN_EXE_tehprof"))
        .args([
            "tenant",
            "create",
            "--name",
            "acme",
            "--admin-email",
            "alia@acme.example",
            "--data-dir",
        ])
        .arg(&dir)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(made.success());
    let conn = Connection::open_in_memory().unwrap();
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    for name in ["fold", "search_words"] {
        conn.create_scalar_function(name, 1, flags, |given| given.get::<String>(0))
            .unwrap();
    }
    for sql in schema_of(&dir.join("tehprof.db")) {
        conn.execute_batch(&sql).unwrap();
    }
    fs::remove_dir_all(&dir).unwrap();
    conn
}

/// What makes a database like that of a file.
fn schema_of(path: &Path) -> Vec<String> {
    let made = Connection::open(path).unwrap();
    let sql = "select m.sql from sqlite_master m left join pragma_table_list l on l.name = m.name and l.schema = 'main'
                where m.sql is not null and m.name not like 'sqlite_%' and l.type is not 'shadow'
                order by m.type = 'trigger', m.type = 'index', m.rowid";
    let mut statement = made.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.collect::<rusqlite::Result<_>>().unwrap()
}

/// Whether a statement is a text of the sources with its gaps filled.
fn is_made_of(sql: &str, pieces: &[String]) -> bool {
    // A text that is nothing but a gap says nothing.
    if pieces.iter().all(|piece| piece.trim().is_empty()) {
        return false;
    }
    let [first, between @ .., last] = pieces else {
        return pieces.first().is_some_and(|whole| bare(whole) == sql);
    };
    let (first, last) = (first.trim_start(), bare(last));
    let Some(mut rest) = sql.strip_prefix(first) else {
        return false;
    };
    for piece in between {
        match rest.find(piece.as_str()) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// The statements of the sources that SQLite makes a plan for. One text may be several.
fn written(sources: &Sources) -> Vec<(Place, Pieces)> {
    let mut all = Vec::new();
    for (place, pieces) in &sources.statements {
        let several = pieces.len() == 1 && pieces[0].contains(';');
        let each: Vec<Pieces> = match several {
            true => pieces[0]
                .split(';')
                .map(|one| vec![one.to_owned()])
                .collect(),
            false => vec![pieces.clone()],
        };
        let planned = each
            .into_iter()
            .filter(|one| one[0].trim().is_empty() && one.len() > 1 || is_planned(&one[0]))
            .filter(|one| one.iter().any(|piece| !piece.trim().is_empty()));
        all.extend(planned.map(|one| (place.clone(), one)));
    }
    all
}

/// A text in one line, as it is listed.
fn line(sql: &str) -> String {
    sql.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// All statements there are: those that stand whole in the sources, and of those that are put together what was run.
fn all(written: &[(Place, Pieces)]) -> BTreeSet<String> {
    let (whole, parts): (Vec<_>, Vec<_>) = written
        .iter()
        .map(|(_, pieces)| pieces)
        .partition(|pieces| pieces.len() == 1);
    let mut all: BTreeSet<String> = whole
        .iter()
        .map(|pieces| bare(&pieces[0]).to_owned())
        .collect();
    let recorded = Recorded::read();
    let run = parts.into_iter().flat_map(|pieces| recorded.of(pieces));
    all.extend(run.cloned());
    all
}

/// The statements of the sources that are put to the database of the desk.
fn of_desk(sources: &Sources) -> Vec<(Place, Pieces)> {
    let is_of_another = |place: &Place| ANOTHER.iter().any(|(name, _)| *name == place.file);
    let mut all = written(sources);
    all.retain(|(place, _)| !is_of_another(place));
    all
}

#[test]
fn every_statement_comes_to_one_tenant_s_rows_unless_it_is_named_here() {
    let written = of_desk(&Sources::read(&root().join("src")));
    let (conn, all) = (desk(), all(&written));
    let schema = Schema::of(&conn);
    let (mut faults, mut needed) = (Vec::new(), BTreeSet::new());
    for sql in &all {
        let tables = match unkeyed(&conn, &schema, sql) {
            Ok(tables) => tables.into_iter().collect::<Vec<_>>().join(", "),
            Err(error) => {
                faults.push(format!("{error}: {}", line(sql)));
                continue;
            }
        };
        let named =
            across().position(|(_, which, part)| which == tables && is_meant(&line(sql), part));
        match named {
            _ if tables.is_empty() => {}
            Some(entry) => {
                needed.insert(entry);
            }
            None => faults.push(format!("{tables}: {}", line(sql))),
        }
    }
    assert!(
        faults.is_empty(),
        "come to more than one tenant's rows:\n{}",
        faults.join("\n")
    );
    let idle: Vec<_> = across()
        .enumerate()
        .filter(|(entry, _)| !needed.contains(entry))
        .collect();
    assert!(
        idle.is_empty(),
        "no statement needs these entries: {idle:#?}"
    );
    println!(
        "{} statements looked at, {} entries for those over all tenants",
        all.len(),
        needed.len()
    );
}

/// Whether an entry means a statement: it is its text, or its beginning or its end.
fn is_meant(sql: &str, part: &str) -> bool {
    match (part.strip_suffix('…'), part.strip_prefix('…')) {
        (Some(beginning), _) => sql.starts_with(beginning),
        (_, Some(end)) => sql.ends_with(end),
        _ => sql == part,
    }
}

/// The entries of what may go over all tenants: why, the tables, and the statement or a part of it.
fn across() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let group = |&(why, entries): &'static (&str, &[(&str, &str)])| {
        entries
            .iter()
            .map(move |&(tables, part)| (why, tables, part))
    };
    ACROSS.iter().flat_map(group)
}

#[test]
fn every_statement_that_is_put_together_was_run() {
    let (recorded, sources) = (Recorded::read(), Sources::read(&root().join("src")));
    let mut unseen = Vec::new();
    for (place, pieces) in of_desk(&sources)
        .iter()
        .filter(|(_, pieces)| pieces.len() > 1)
    {
        if recorded.of(pieces).is_empty() {
            unseen.push(format!(
                "{}:{}: {}",
                place.file,
                place.line,
                line(&pieces.join("…"))
            ));
        }
    }
    for (place, text) in &sources.conditions {
        if !recorded.has(text) {
            unseen.push(format!("{}:{}: {}", place.file, place.line, line(text)));
        }
    }
    assert!(
        unseen.is_empty(),
        "no test ran these:\n{}",
        unseen.join("\n")
    );
}

#[test]
fn nothing_but_fixed_text_goes_into_a_statement() {
    let sources = Sources::read(&root().join("src"));
    assert!(
        sources.statements.len() > 500,
        "{}",
        sources.statements.len()
    );
    let named: BTreeSet<(String, String)> = OPEN
        .iter()
        .map(|(file, what, _)| ((*file).to_owned(), (*what).to_owned()))
        .collect();
    let new: Vec<_> = sources.open.difference(&named).collect();
    assert!(
        new.is_empty(),
        "goes into a statement and is not seen to be fixed: {new:#?}"
    );
    let gone: Vec<_> = named.difference(&sources.open).collect();
    assert!(
        gone.is_empty(),
        "goes into no statement any more: {gone:#?}"
    );
}

#[test]
fn a_value_that_is_written_into_a_statement_is_found() {
    for (body, is_fixed) in [
        (r#"run(conn, "delete from tag where id = ?1", [id])"#, true),
        (
            r#"run(conn, &format!("delete from {TABLE} where id = ?1"), [id])"#,
            true,
        ),
        (
            r#"run(conn, &format!("delete from tag where name = '{name}'"), [])"#,
            false,
        ),
        (
            r#"run(conn, &format!("delete from tag where {}", only.text()), [])"#,
            true,
        ),
        (
            r#"let sql = format!("delete from tag where id = {}", id); conn.execute(&sql, [])"#,
            false,
        ),
        (
            r#"conn.execute_batch(&("delete from ".to_owned() + name))"#,
            false,
        ),
        (
            r#"for table in ["tag", "macro"] { run(conn, &format!("delete from {table}"), []); }"#,
            true,
        ),
        (
            r#"for table in tables { run(conn, &format!("delete from {table}"), []); }"#,
            false,
        ),
    ] {
        let text = format!(
            "const TABLE: &str = \"tag\"; fn f(conn: &Connection, name: &str, id: u8, only: &Where, tables: Vec<String>) {{ {body}; }}"
        );
        let found = Sources::of(&text);
        assert!(!found.statements.is_empty(), "{body}");
        assert_eq!(found.open.is_empty(), is_fixed, "{body}: {:?}", found.open);
    }
}

#[test]
fn a_statement_that_forgets_its_tenant_is_found() {
    let conn = desk();
    let schema = Schema::of(&conn);
    for (sql, tables) in [
        ("select subject from ticket where tenant_id = ?1 and id = ?2", ""),
        ("select subject from ticket where id = ?2", "ticket"),
        ("select subject from ticket where tenant_id > ?1", "ticket"),
        ("select count(*) from ticket", "ticket"),
        // By its own number, and passed over if it is another's.
        ("select body from message where id = ?1 and tenant_id = ?2", ""),
        ("select body from message where id = ?1", "message"),
        ("select exists (select 1 from message where id = ?1)", "message"),
        ("select body from message where id = ?1 and (tenant_id = ?2 or ?3)", "message"),
        ("select body from message where id = ?1 and (?2 is null or tenant_id = ?2)", "message"),
        // A join by composite keys, and one that forgot half of them.
        (
            "select m.body from ticket t join message m on m.tenant_id = t.tenant_id and m.ticket_id = t.id
              where t.tenant_id = ?1 and t.id = ?2",
            "",
        ),
        (
            "select m.body from ticket t join message m on m.ticket_id = t.id where t.tenant_id = ?1 and t.id = ?2",
            "message",
        ),
        ("select o.name from ticket t join operator o on o.id = t.assigned_to where t.tenant_id = ?1", ""),
        ("select o.name from operator o where exists (select 1 from ticket t where t.tenant_id = ?1)", "operator"),
        ("update ticket set subject = ?3 where tenant_id = ?1 and id = ?2", ""),
        ("update ticket set subject = ?3 where id = ?2", "ticket"),
        ("update ticket set subject = ?3", "ticket"),
        ("delete from tag where tenant_id = ?1 and id = ?2", ""),
        ("delete from tag where id = ?2", "tag"),
        ("delete from draft", "draft"),
        ("insert into tag (tenant_id, name) values (?1, ?2)", ""),
        ("insert into tag (tenant_id, name) select ?1, name from tag", "tag"),
        ("select rowid from search where search match ?1 and rowid between ?2 and ?3", ""),
        ("select rowid from search where search match ?1", "search"),
        ("select id from tenant where id = ?1", ""),
        ("select id from tenant where is_active", "tenant"),
        ("select token_hash from session where token_hash = ?1", "session"),
        // That a row's own tenant is read beside it tells nothing about whose it is.
        (
            "select o.name from session s join operator o on o.tenant_id = s.tenant_id and o.id = s.operator_id
               join tenant t on t.id = s.tenant_id where s.token_hash = ?1",
            "operator, session",
        ),
    ] {
        let found: Vec<String> = unkeyed(&conn, &schema, sql).unwrap().into_iter().collect();
        assert_eq!(found.join(", "), tables, "{sql}");
    }
    let trigger = "create trigger forgetful after update of name on tag begin
                     update contact set name = new.name where name = old.name; end";
    conn.execute_batch(trigger).unwrap();
    let set_off = "update tag set name = ?3 where tenant_id = ?1 and id = ?2";
    let found = unkeyed(&conn, &schema, set_off).unwrap();
    assert!(found.contains("contact"), "{found:?}");
}
