//! Once a day everything that was written is read again and compared with its digest: messages with theirs, attachments with
//! their names, entries of the audit log with the chain that runs through them. SQLite sees a page that makes no sense, but not a byte of a text that the disk has changed.
use crate::{
    access::secret::Purpose,
    api::field::{MessageId, TenantId},
    app::App,
    audit::chain::Walk,
    clock::DAY,
    db::{
        Lane, Snapshot,
        sql::{self, all},
        upkeep,
    },
    error::{Code, Error, Result},
    ticket::message::digest,
};
use serde::{Deserialize, Serialize};
use std::{fs::File, io, sync::Arc, time::Duration};

/// What the work is called among that of the program itself.
pub(crate) const NAME: &str = "scrub";
/// How many messages are read at once, and how long others go first after that.
const PORTION: i64 = 500;
const ENTRIES: i64 = 5_000;
const PAUSE: Duration = Duration::from_millis(20);
/// How long it waits where the database is busy with what people ask for.
const BUSY: Duration = Duration::from_secs(1);
/// How many findings are written into the log of faults one by one.
const TOLD: usize = 100;

/// What a scrub has come to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Scrubbed {
    pub(crate) messages: u64,
    pub(crate) attachments: u64,
    /// Entries of the audit log.
    #[serde(default)]
    pub(crate) entries: u64,
    pub(crate) findings: u64,
}

/// Scrubs if the last time is a day ago.
pub(crate) async fn run(app: App) -> Result<()> {
    let last = |db: &Snapshot<'_>| Ok(upkeep::last::<Scrubbed>(db, NAME)?.map(|(at, _)| at));
    let last = when_free(|| app.db.read(last)).await?;
    if last.is_some_and(|at| (0..DAY).contains(&(app.db.clock().now() - at))) {
        return Ok(());
    }
    whole(&app).await.map(drop)
}

/// Looks at everything.
pub(crate) async fn whole(app: &App) -> Result<Scrubbed> {
    let (mut done, mut findings) = (Scrubbed::default(), Vec::new());
    messages(app, &mut done, &mut findings).await?;
    attachments(app, &mut done, &mut findings).await?;
    chains(app, &mut done, &mut findings).await?;
    done.findings = findings.len() as u64;
    for what in &findings {
        tracing::error!(%what, "what was stored has changed without a call of the program; a backup has it as it was");
    }
    let noted = Arc::new((done.clone(), findings));
    when_free(|| {
        let noted = noted.clone();
        app.db.write(move |tx| {
            for what in noted.1.iter().take(TOLD) {
                sql::run(
                    tx,
                    "insert into error_log (at, request_id, action, detail) values (?1, '', 'scrub', ?2)",
                    (tx.now, what),
                )?;
            }
            upkeep::note(tx, NAME, tx.now, &noted.0)
        })
    })
    .await?;
    Ok(done)
}

/// A message as it is compared.
struct Line {
    id: MessageId,
    tenant: TenantId,
    ticket: i64,
    /// None if the bytes are no text any more.
    is: Option<i64>,
    should_be: Option<i64>,
}

fn portion(db: &Snapshot<'_>, after: MessageId) -> Result<Vec<Line>> {
    all(
        db,
        "select id, tenant_id, ticket_id, body, html, digest from message where id > ?1 order by id limit ?2",
        (after, PORTION),
        |row| {
            let text = |place: usize| row.get_ref(place).map(|value| value.as_str_or_null());
            let is = match (text(3)?, text(4)?) {
                (Ok(body), Ok(html)) => Some(digest(body.unwrap_or_default(), html)),
                _ => None,
            };
            Ok(Line {
                id: row.get(0)?,
                tenant: row.get(1)?,
                ticket: row.get(2)?,
                is,
                should_be: row.get(5)?,
            })
        },
    )
}

/// Does what the database has no time for yet as soon as it has: nobody waits for this work, and what it has read it need not
/// read again.
async fn when_free<T, F: Future<Output = Result<T>>>(work: impl Fn() -> F) -> Result<T> {
    loop {
        match work().await {
            Err(error) if error.code() == Code::Unavailable => tokio::time::sleep(BUSY).await,
            outcome => return outcome,
        }
    }
}

async fn messages(app: &App, done: &mut Scrubbed, findings: &mut Vec<String>) -> Result<()> {
    let mut after = MessageId(0);
    loop {
        let lines = when_free(|| app.db.read_on(Lane::Slow, move |db| portion(db, after))).await?;
        let Some(last) = lines.last() else {
            return Ok(());
        };
        after = last.id;
        done.messages += lines.len() as u64;
        let mut first_seen = Vec::new();
        for line in lines {
            match (line.should_be, line.is) {
                (None, Some(is)) => first_seen.push((line.id, is)),
                (Some(should_be), Some(is)) if is == should_be => {}
                _ => findings.push(format!(
                    "message {} of ticket {} of tenant {} is not what was written",
                    line.id, line.ticket, line.tenant
                )),
            }
        }
        if !first_seen.is_empty() {
            let first_seen = Arc::new(first_seen);
            when_free(|| {
                let first_seen = first_seen.clone();
                app.db.write(move |tx| {
                    // One that is changed meanwhile has a digest of its own by now.
                    let sql = "update message set digest = ?2 where id = ?1 and digest is null";
                    for (id, is) in first_seen.iter() {
                        sql::run(tx, sql, (id, is))?;
                    }
                    Ok(())
                })
            })
            .await?;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn chains(app: &App, done: &mut Scrubbed, findings: &mut Vec<String>) -> Result<()> {
    let mut walk = Walk::new(app.secret.key(Purpose::Audit));
    loop {
        walk = when_free(|| {
            let walk = walk.clone();
            app.db
                .read_on(Lane::Slow, move |db| walk.onward(db, ENTRIES))
        })
        .await?;
        if let Some(wrong) = walk.findings() {
            findings.extend_from_slice(wrong);
            done.entries = walk.entries();
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn attachments(app: &App, done: &mut Scrubbed, findings: &mut Vec<String>) -> Result<()> {
    let blobs = app.blobs.clone();
    let listing = tokio::task::spawn_blocking(move || blobs.all());
    for seen in listing.await.map_err(Error::internal)?? {
        let place = app.blobs.place(seen.tenant, &seen.hash);
        let hashing = tokio::task::spawn_blocking(move || -> io::Result<String> {
            let mut hasher = blake3::Hasher::new();
            io::copy(&mut File::open(place)?, &mut hasher)?;
            Ok(hasher.finalize().to_hex().to_string())
        });
        let what = match hashing.await.map_err(Error::internal)? {
            Ok(hash) if hash == seen.hash => None,
            Ok(_) => Some("is not what was stored".to_owned()),
            // It was deleted meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => Some(format!("cannot be read: {error}")),
        };
        if let Some(what) = what {
            findings.push(format!(
                "attachment {} of tenant {} {what}",
                seen.hash, seen.tenant
            ));
        }
        done.attachments += 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{audit, clock::Clock, config::Config, db::sql::one, ticket::Actor};
    use rusqlite::Connection;
    use std::{fs::OpenOptions, os::unix::fs::FileExt};

    /// A desk with a message and an attachment.
    const WORDS: &str = "слово в слово ";
    const OTHER_WORDS: &str = "буква в букву ";

    async fn desk(dir: &std::path::Path) -> App {
        std::fs::create_dir_all(dir).unwrap();
        let app = App::open(Config::new(dir.to_owned()), Clock::manual(DAY)).unwrap();
        let (body, other) = (WORDS.repeat(200), OTHER_WORDS.repeat(200));
        let kept = digest(&body, None);
        app.db
            .write(move |tx| {
                tx.execute_batch(
                    "insert into tenant (id, name, business_hours, widget_key, created_at) values (1, 'acme', '{}', 'k', 0);
                     insert into ticket (tenant_id, id, reference, subject, status, priority, channel, creator_name, created_at, updated_at)
                     values (1, 1, 1, 's', 'new', 'normal', 'api', 'a', 0, 0);",
                )?;
                for (ordinal, body, digest) in [(1, &body, Some(kept)), (2, &other, None)] {
                    sql::run(
                        tx,
                        "insert into message (tenant_id, ticket_id, ordinal, author_type, author_name, body, channel, created_at, digest)
                         values (1, 1, ?1, 'client', 'a', ?2, 'api', 0, ?3)",
                        (ordinal, body, digest),
                    )?;
                }
                for action in ["create_tag", "delete_tag", "purge_ticket"] {
                    let place = ("127.0.0.1".to_owned(), "r");
                    audit::note(tx, TenantId(1), &Actor::system(), action, "{}", place)?;
                }
                Ok(())
            })
            .await
            .unwrap();
        app.blobs.put(TenantId(1), b"attached").unwrap();
        app
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn work_that_finds_the_readers_busy_goes_on_when_they_are_not() {
        let dir = std::env::temp_dir().join(format!("tehprof-scrub-busy-{}", std::process::id()));
        let app = desk(&dir).await;
        // Both readers are held until the other end of their channel is gone.
        let mut held = Vec::new();
        for _ in 0..2 {
            let (hold, released) = std::sync::mpsc::channel::<()>();
            let (begun, begins) = tokio::sync::oneshot::channel();
            let db = app.db.clone();
            let reading = tokio::spawn(async move {
                let wait = move |_: &Snapshot<'_>| {
                    let _ = begun.send(());
                    Ok(released.recv().is_err())
                };
                db.read_on(Lane::Slow, wait).await
            });
            begins.await.unwrap();
            held.push((hold, reading));
        }
        let scrubbing = tokio::spawn({
            let app = app.clone();
            async move { whole(&app).await }
        });
        // Whoever asks after it is refused, and so it has been by then.
        let refused = app.db.read_on(Lane::Slow, |_| Ok(())).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable);
        for (hold, reading) in held {
            drop(hold);
            assert!(reading.await.unwrap().unwrap());
        }
        assert_eq!(scrubbing.await.unwrap().unwrap().messages, 2);
        let _ = std::fs::remove_dir_all(&dir);
    }

    #[tokio::test]
    async fn a_byte_that_the_disk_has_changed_is_found_wherever_it_is() {
        let dir = std::env::temp_dir().join(format!("tehprof-scrub-{}", std::process::id()));
        let app = desk(&dir).await;
        let clean = whole(&app).await.unwrap();
        assert_eq!(
            (
                clean.messages,
                clean.attachments,
                clean.entries,
                clean.findings
            ),
            (2, 1, 3, 0)
        );
        let without: i64 = app
            .db
            .read(|db| {
                one(
                    db,
                    "select count(*) from message where digest is null",
                    [],
                    |row| row.get(0),
                )
            })
            .await
            .unwrap();
        assert_eq!(without, 0, "what nobody had looked at has its digest now");
        app.db.close().await;
        app.closing.wait();
        drop(app);
        // One bit of the text, where it lies in the file.
        let path = dir.join("tehprof.db");
        let bytes = std::fs::read(&path).unwrap();
        let place = |words: &str| {
            let mut windows = bytes.windows(words.len());
            windows.position(|w| w == words.as_bytes()).unwrap()
        };
        let at = place(WORDS);
        let file = OpenOptions::new().write(true).open(&path).unwrap();
        // The first letter becomes another one that is text as well; of the other message one becomes what is no text.
        file.write_at(&[bytes[at + 1] ^ 1], at as u64 + 1).unwrap();
        file.write_at(&[0xff], place(OTHER_WORDS) as u64 + 1)
            .unwrap();
        let blob = {
            let app = App::open(Config::new(dir.clone()), Clock::manual(DAY)).unwrap();
            let seen = app.blobs.all().unwrap().remove(0);
            app.blobs.place(seen.tenant, &seen.hash)
        };
        std::fs::write(blob, b"Attached").unwrap();
        Connection::open(&path)
            .unwrap()
            .execute("delete from audit_log where action = 'delete_tag'", [])
            .unwrap();
        let verdict: String = Connection::open(&path)
            .unwrap()
            .query_row("pragma integrity_check", [], |row| row.get(0))
            .unwrap();
        assert_eq!(verdict, "ok", "SQLite does not see it");
        let app = App::open(Config::new(dir.clone()), Clock::manual(3 * DAY)).unwrap();
        run(app.clone()).await.unwrap();
        let (_, found) = app
            .db
            .read(|db| upkeep::last::<Scrubbed>(db, NAME))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(found.unwrap().findings, 5);
        let told: i64 = app
            .db
            .read(|db| {
                one(
                    db,
                    "select count(*) from error_log where action = 'scrub'",
                    [],
                    |row| row.get(0),
                )
            })
            .await
            .unwrap();
        assert_eq!(told, 5);
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
