//! When the program's own work was last done, and what came of it.
use super::sql::{first, run};
use crate::{clock::Millis, error::Result};
use rusqlite::Connection;
use serde::{Serialize, de::DeserializeOwned};

/// Notes that something was done.
pub(crate) fn note(
    conn: &Connection,
    name: &str,
    at: Millis,
    detail: &impl Serialize,
) -> Result<()> {
    run(
        conn,
        "insert into upkeep (name, at, detail) values (?1, ?2, ?3)
         on conflict do update set at = excluded.at, detail = excluded.detail",
        (name, at, serde_json::to_string(detail)?),
    )?;
    Ok(())
}

/// When it was last done, and what came of it.
pub(crate) fn last<T: DeserializeOwned>(
    conn: &Connection,
    name: &str,
) -> Result<Option<(Millis, Option<T>)>> {
    first(
        conn,
        "select at, detail from upkeep where name = ?1",
        [name],
        |row| {
            let detail: String = row.get(1)?;
            Ok((row.get(0)?, serde_json::from_str(&detail).ok()))
        },
    )
}
