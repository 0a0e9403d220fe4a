use super::*;
use crate::error::Code;

fn open() -> (tempdir::Dir, Db, Closing) {
    let dir = tempdir::Dir::new();
    let path = dir.path().join("t.db");
    migrate::bring_up(&path).unwrap();
    let (db, closing) = Db::open(&path, Clock::manual(1)).unwrap();
    (dir, db, closing)
}

mod tempdir {
    use std::path::{Path, PathBuf};
    pub(super) struct Dir(PathBuf);
    impl Dir {
        pub(super) fn new() -> Dir {
            let name = format!(
                "tehprof-db-{}-{:?}",
                std::process::id(),
                std::thread::current().id()
            );
            let path = std::env::temp_dir().join(name.replace(['(', ')'], ""));
            std::fs::create_dir_all(&path).unwrap();
            Dir(path)
        }
        pub(super) fn path(&self) -> &Path {
            &self.0
        }
    }
    impl Drop for Dir {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}

async fn count(db: &Db) -> i64 {
    db.read(|s| Ok(s.query_row("select count(*) from error_log", [], |r| r.get(0))?))
        .await
        .unwrap()
}

fn log(tx: &Tx<'_>, detail: &str) -> Result<()> {
    tx.prepare_cached(
        "insert into error_log (at, request_id, action, detail) values (?1, 'r', 'a', ?2)",
    )?
    .execute((tx.now, detail))?;
    Ok(())
}

#[tokio::test]
async fn a_failed_command_leaves_nothing_and_does_not_hurt_its_neighbours() {
    let (_dir, db, _closing) = open();
    let writes = (0..50).map(|i| {
        let db = db.clone();
        tokio::spawn(async move {
            db.write(move |tx| {
                log(tx, "x")?;
                match i % 5 {
                    3 => Err(Error::new(Code::Conflict)),
                    4 => panic!("a handler's bug"),
                    _ => Ok(()),
                }
            })
            .await
            .is_ok()
        })
    });
    let mut kept = 0;
    for write in writes.collect::<Vec<_>>() {
        kept += i64::from(write.await.unwrap());
    }
    assert_eq!(kept, 30);
    assert_eq!(count(&db).await, 30);
}

#[tokio::test]
async fn a_panic_in_a_query_hurts_no_later_query() {
    let (_dir, db, _closing) = open();
    for _ in 0..8 {
        let panicked: Result<()> = db.read(|_| panic!("a handler's bug")).await;
        assert!(panicked.is_err());
    }
    for _ in 0..16 {
        assert_eq!(count(&db).await, 0);
    }
}

#[tokio::test]
async fn a_glance_sees_what_is_committed_and_survives_a_panic() {
    let (_dir, db, _closing) = open();
    for seen in 0..8 {
        let look = db.glance(|s| {
            let count: i64 = s.query_row("select count(*) from error_log", [], |r| r.get(0))?;
            Ok(count)
        });
        assert_eq!(look.await.unwrap(), seen);
        let panicked: Result<()> = db.glance(|_| panic!("a handler's bug")).await;
        assert!(panicked.is_err());
        db.write(|tx| log(tx, "x")).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_of_readers_that_is_full_sends_the_next_one_away() {
    let (_dir, db, _closing) = open();
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let wait = Arc::new(Mutex::new(wait));
    let slow = |db: &Db| {
        let (db, wait) = (db.clone(), Arc::clone(&wait));
        tokio::spawn(async move {
            db.read_on(Lane::Slow, move |_| {
                // Held until the test lets go, or its sender is gone.
                let _ = wait.lock().unwrap().recv();
                Ok(())
            })
            .await
        })
    };
    let asked: Vec<_> = (0..300).map(|_| slow(&db)).collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    drop(go);
    let (mut served, mut refused) = (0, 0);
    for task in asked {
        match task.await.unwrap() {
            Ok(()) => served += 1,
            Err(error) if error.code() == Code::Unavailable => refused += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!((served, refused), (258, 42));
    assert_eq!(count(&db).await, 0);
}

#[tokio::test]
async fn the_log_is_put_into_the_file_while_others_read_and_write() {
    let (dir, db, _closing) = open();
    let path = dir.path().join("t.db");
    let before = std::fs::metadata(&path).unwrap().len();
    for _ in 0..60 {
        let (many, read) = (db.clone(), db.clone());
        let detail = "x".repeat(1_000_000);
        let (written, seen) = tokio::join!(many.write(move |tx| log(tx, &detail)), count(&read));
        written.unwrap();
        assert!(seen <= 60);
    }
    let log = std::fs::metadata(path.with_extension("db-wal"))
        .unwrap()
        .len();
    assert!(log < 40_000_000, "{log} bytes in the log");
    let grown = std::fs::metadata(&path).unwrap().len() - before;
    assert!(grown > 40_000_000, "{grown} bytes in the file");
}

#[tokio::test]
async fn a_snapshot_cannot_be_written_through() {
    let (_dir, db, _closing) = open();
    let refused = db
        .read(|s| Ok(s.execute("delete from error_log", [])?))
        .await;
    assert!(refused.is_err());
}

#[tokio::test]
async fn what_ends_a_command_runs_in_its_transaction_and_in_order() {
    let (_dir, db, _closing) = open();
    db.write(|tx| {
        tx.after(|tx| {
            tx.after(|tx| log(tx, "third"));
            log(tx, "second")
        });
        log(tx, "first")
    })
    .await
    .unwrap();
    let undone: Result<()> = db
        .write(|tx| {
            tx.after(|_| Err(Error::new(Code::Conflict)));
            log(tx, "lost")
        })
        .await;
    assert!(undone.is_err());
    let order: String = db
        .read(|s| {
            let sql = "select group_concat(detail) from error_log order by id";
            Ok(s.query_row(sql, [], |r| r.get(0))?)
        })
        .await
        .unwrap();
    assert_eq!(order, "first,second,third");
}

#[tokio::test]
async fn a_failed_attempt_takes_back_its_rows_its_signals_and_what_it_put_off() {
    let (_dir, db, _closing) = open();
    let mut access = db.signals().access.subscribe();
    db.write(|tx| {
        log(tx, "kept")?;
        let failed: Result<()> = tx.attempt(|tx| {
            tx.signal(Signal::Access);
            tx.after(|tx| log(tx, "put off"));
            log(tx, "taken back")?;
            Err(Error::new(Code::Conflict))
        });
        assert!(failed.is_err());
        tx.attempt(|tx| log(tx, "kept too"))
    })
    .await
    .unwrap();
    assert_eq!(count(&db).await, 2);
    assert!(access.try_recv().is_err());
}

#[tokio::test]
async fn a_signal_of_an_undone_command_is_not_sent() {
    let (_dir, db, _closing) = open();
    let mut access = db.signals().access.subscribe();
    let undone: Result<()> = db
        .write(|tx| {
            tx.signal(Signal::Access);
            Err(Error::new(Code::Conflict))
        })
        .await;
    assert!(undone.is_err());
    assert!(access.try_recv().is_err());
    db.write(|tx| {
        tx.signal(Signal::Access);
        Ok(())
    })
    .await
    .unwrap();
    assert!(access.try_recv().is_ok());
}
