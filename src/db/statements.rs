//! What this program asks of SQLite, written down for the test that looks at how each statement is gone about
//! (`tests/statements`). It is a part of debug builds alone, and does nothing unless a variable names a folder.
use rusqlite::{
    Connection,
    trace::{TraceEvent, TraceEventCodes},
};
use std::{
    collections::HashSet,
    env,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::Path,
    sync::{Mutex, OnceLock, PoisonError},
    time::SystemTime,
};

/// The variable that names the folder.
const FOLDER: &str = "TEHPROF_STATEMENTS";

/// The statements that are written down already, and where the next one goes. What is open before the process is held to
/// its own files stays so.
struct Record {
    file: File,
    seen: HashSet<String>,
}

static RECORD: OnceLock<Option<Mutex<Record>>> = OnceLock::new();

fn record() -> Option<&'static Mutex<Record>> {
    let open = || {
        let folder = env::var_os(FOLDER).filter(|folder| !folder.is_empty())?;
        Record::open(Path::new(&folder)).ok().map(Mutex::new)
    };
    RECORD.get_or_init(open).as_ref()
}

impl Record {
    /// The record of this very build: its file is named after the program and when that was made.
    fn open(folder: &Path) -> io::Result<Record> {
        let program = env::current_exe()?;
        let built = fs::metadata(&program)?.modified()?;
        let built = built.duration_since(SystemTime::UNIX_EPOCH);
        let built = built.map_err(io::Error::other)?.as_millis();
        let name = program.file_stem().unwrap_or_default().to_string_lossy();
        fs::create_dir_all(folder)?;
        let path = folder.join(format!("{name}.{built}"));
        let file = OpenOptions::new().append(true).create(true).open(&path)?;
        let known = fs::read_to_string(&path)?;
        let seen = known.split('\0').map(str::to_owned).collect();
        Ok(Record { file, seen })
    }

    /// One write each, so that processes that write at once do not mix.
    fn add(&mut self, sql: &str) {
        if !self.seen.contains(sql) && self.file.write_all(format!("{sql}\0").as_bytes()).is_ok() {
            self.seen.insert(sql.to_owned());
        }
    }
}

/// Opens the record, so that it is open before files are shut.
pub(crate) fn begin() {
    record();
}

/// Writes a statement down.
pub(crate) fn note(sql: &str) {
    if let Some(record) = record() {
        let mut record = record.lock().unwrap_or_else(PoisonError::into_inner);
        record.add(sql);
    }
}

/// Writes down what a connection runs from now on.
pub(crate) fn watch(conn: &Connection) {
    if record().is_none() {
        return;
    }
    conn.trace_v2(
        TraceEventCodes::SQLITE_TRACE_STMT,
        Some(|event| {
            if let TraceEvent::Stmt(statement, _) = event {
                note(&statement.sql());
            }
        }),
    );
}
