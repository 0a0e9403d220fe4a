//! How far SQLite goes for what is asked of it. Tests prove by it that an answer costs as much on a large desk as on a small
//! one: what a statement does is counted while it runs, so nothing can be forgotten and no plan need be read.
use rusqlite::{
    Connection, StatementStatus,
    trace::{TraceEvent, TraceEventCodes},
};
use std::{cell::RefCell, collections::BTreeMap, path::Path};

/// What the statements of a piece of work did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cost {
    /// Instructions of SQLite's machine.
    pub(crate) steps: i64,
    /// Rows of whole tables that were gone through.
    pub(crate) scanned: i64,
    /// Sorts.
    pub(crate) sorts: i64,
    /// How many times a statement that was prepared was planned again.
    pub(crate) replans: i64,
    /// What each statement did, for whoever reads a failure.
    pub(crate) statements: BTreeMap<String, [i32; 4]>,
}

thread_local! {
    static SEEN: RefCell<BTreeMap<String, [i32; 4]>> = RefCell::default();
}

/// What `work` costs on a new connection to `path`. A statement counts from when it was prepared, so an old one would bring
/// along what it did before.
pub(crate) fn of<T>(path: &Path, work: impl FnOnce(&Connection) -> T) -> (T, Cost) {
    let conn = Connection::open(path).unwrap();
    super::prepare(&conn).unwrap();
    SEEN.with_borrow_mut(BTreeMap::clear);
    conn.trace_v2(
        TraceEventCodes::SQLITE_TRACE_PROFILE,
        Some(|event| {
            if let TraceEvent::Profile(statement, _) = event {
                let counts = [
                    StatementStatus::VmStep,
                    StatementStatus::FullscanStep,
                    StatementStatus::Sort,
                    StatementStatus::RePrepare,
                ]
                .map(|what| statement.get_status(what));
                let sql = statement.sql().into_owned();
                super::statements::note(&sql);
                SEEN.with_borrow_mut(|seen| seen.insert(sql, counts));
            }
        }),
    );
    let outcome = work(&conn);
    let statements = SEEN.take();
    let sum = |at: usize| {
        statements
            .values()
            .map(|counts| i64::from(counts[at]))
            .sum()
    };
    let cost = Cost {
        steps: sum(0),
        scanned: sum(1),
        sorts: sum(2),
        replans: sum(3),
        statements,
    };
    (outcome, cost)
}
