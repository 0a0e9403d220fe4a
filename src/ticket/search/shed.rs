//! Has the words of what was deleted for good leave the index. FTS5 forgets a document at once, but its words lie in the parts
//! of the index until these are merged, which by itself may be never. So within a day after something was deleted for good all
//! parts are merged into one, a little at a time, as others go on writing between.
//! <https://www.sqlite.org/fts5.html#the_merge_command>
use crate::{
    app::App,
    clock::DAY,
    db::{
        Snapshot, Tx,
        sql::run,
        upkeep::{self, last},
    },
    error::Result,
};
use rusqlite::Connection;
use std::time::Duration;

/// What is noted: when something was deleted for good, and when the parts were merged last.
const DELETED: &str = "words deleted";
const SHED: &str = "words shed";
/// How many pages of the index are written at once, and how long others go first after that.
const PAGES: i64 = 256;
const PAUSE: Duration = Duration::from_millis(20);

/// Notes that documents were deleted for good.
pub(crate) fn note(tx: &Tx<'_>) -> Result<()> {
    upkeep::note(tx, DELETED, tx.now, &())
}

/// Whether words wait to leave, and the last time is a day ago.
fn is_due(db: &Snapshot<'_>) -> Result<bool> {
    let Some((deleted, _)) = last::<()>(db, DELETED)? else {
        return Ok(false);
    };
    let shed = last::<()>(db, SHED)?;
    Ok(shed.is_none_or(|(shed, _)| deleted >= shed && db.now - shed >= DAY))
}

/// Merges a portion; `pages` is negative at the beginning. Answers whether there is more to merge.
fn merge(conn: &Connection, pages: i64) -> Result<bool> {
    let before = conn.total_changes();
    run(
        conn,
        "insert into search (search, rank) values ('merge', ?1)",
        [pages],
    )?;
    // The command itself counts as a change.
    Ok(conn.total_changes() - before >= 2)
}

/// Merges if it is due.
pub(crate) async fn run_if_due(app: &App) -> Result<()> {
    if !app.db.read(is_due).await? {
        return Ok(());
    }
    let begin = |tx: &Tx<'_>| {
        upkeep::note(tx, SHED, tx.now, &())?;
        merge(tx, -PAGES)
    };
    let mut more = app.db.write(begin).await?;
    while more {
        tokio::time::sleep(PAUSE).await;
        more = app.db.write(|tx| merge(tx, PAGES)).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        db::{cost, sql::one},
        ticket::list::tests::Desk,
    };

    /// In how many pages of the index a word stands; its beginning may be left out there.
    fn pages_with(conn: &Connection, end: &str) -> i64 {
        let sql = "select count(*) from search_data where instr(block, cast(?1 as blob)) > 0";
        one(conn, sql, [end], |row| row.get(0)).unwrap()
    }

    fn found(conn: &Connection, word: &str) -> i64 {
        let sql = "select count(*) from search where search match ?1";
        one(conn, sql, [word], |row| row.get(0)).unwrap()
    }

    #[test]
    fn the_words_of_a_document_that_is_forgotten_leave_the_index() {
        let desk = Desk::of("shed", 400);
        let (gone, stays) = (1_i64 << 60, (1 << 60) + 1);
        let work = |conn: &Connection| {
            for (key, text) in [
                (gone, "Пароль от сейфа: выхухоль"),
                (stays, "Принтер в коридоре: землеройка"),
            ] {
                super::super::insert(conn, key, "", text).unwrap();
            }
            super::super::remove(conn, gone).unwrap();
            assert!(
                pages_with(conn, "хухоль") > 0,
                "else there is nothing to do here"
            );
            let mut portions = 1;
            let mut more = merge(conn, -8).unwrap();
            while more {
                more = merge(conn, 8).unwrap();
                portions += 1;
            }
            assert!(portions > 2, "a large index is merged in portions");
            assert_eq!(pages_with(conn, "хухоль"), 0);
            assert_eq!((found(conn, "выхухоль"), found(conn, "землеройка")), (0, 1));
            assert!(found(conn, "касса") + found(conn, "сервер") > 0);
            run(
                conn,
                "insert into search (search) values ('integrity-check')",
                [],
            )
            .unwrap();
        };
        cost::of(&desk.path(), work);
    }
}
