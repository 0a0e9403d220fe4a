//! Blobs that no row names: what a refused call had uploaded, what was deleted for good. They are looked for every hour and
//! removed a day after they were last kept; what a call itself has just brought goes as soon as the call has failed.
use crate::{
    api::field::TenantId,
    app::App,
    blob::Seen,
    clock::DAY,
    db::{Lane, sql::all},
    error::{Error, Result},
};
use rusqlite::Connection;

/// How many blobs are asked for at once.
const PORTION: usize = 10_000;

/// Removes what has been left over for a day.
pub(crate) async fn collect(app: App) -> Result<()> {
    let (blobs, before) = (app.blobs.clone(), app.db.clock().now() - DAY);
    let listed = tokio::task::spawn_blocking(move || blobs.older_than(before));
    let mut seen = listed.await.map_err(Error::internal)??;
    seen.sort_by_key(|blob| blob.tenant);
    let mut removed = 0;
    for portion in seen
        .chunk_by(|one, next| one.tenant == next.tenant)
        .flat_map(|tenant| tenant.chunks(PORTION))
    {
        let (tenant, hashes) = (portion[0].tenant, hashes(portion)?);
        let named = app
            .db
            .read_on(Lane::Slow, move |db| named(db, tenant, &hashes))
            .await?;
        removed += remove(&app, portion.to_vec(), named).await?;
    }
    if removed > 0 {
        tracing::info!(removed, "attachments that nothing names were removed");
    }
    Ok(())
}

/// Removes what a call has made and no row came to name.
pub(crate) async fn release(app: &App, made: Vec<Seen>) -> Result<()> {
    let Some(tenant) = made.first().map(|blob| blob.tenant) else {
        return Ok(());
    };
    let hashes = hashes(&made)?;
    // A delivery that came with the same bytes has kept them since, and that alone holds them.
    let attached = app.db.read(move |db| attached(db, tenant, &hashes)).await?;
    remove(app, made, attached).await.map(|_| ())
}

async fn remove(app: &App, seen: Vec<Seen>, named: Vec<String>) -> Result<usize> {
    let blobs = app.blobs.clone();
    let work = tokio::task::spawn_blocking(move || {
        let mut removed = 0;
        let named: std::collections::HashSet<String> = named.into_iter().collect();
        for blob in seen.iter().filter(|blob| !named.contains(&blob.hash)) {
            removed += usize::from(blobs.remove(blob)?);
        }
        Ok(removed)
    });
    work.await.map_err(Error::internal)?
}

fn hashes(seen: &[Seen]) -> Result<String> {
    let hashes: Vec<&str> = seen.iter().map(|blob| blob.hash.as_str()).collect();
    Ok(serde_json::to_string(&hashes)?)
}

/// Which of a JSON list of hashes files name.
fn attached(conn: &Connection, tenant: TenantId, hashes: &str) -> Result<Vec<String>> {
    all(
        conn,
        "select h.value from json_each(?2) h
          where exists (select 1 from file f where f.tenant_id = ?1 and f.hash = h.value)",
        (tenant, hashes),
        |row| row.get(0),
    )
}

/// Which of a JSON list of hashes files or deliveries name.
fn named(conn: &Connection, tenant: TenantId, hashes: &str) -> Result<Vec<String>> {
    let mut named = attached(conn, tenant, hashes)?;
    named.extend(all(
        conn,
        "select raw_hash from inbound_event
          where tenant_id = ?1 and raw_hash in (select value from json_each(?2))",
        (tenant, hashes),
        |row| row.get(0),
    )?);
    Ok(named)
}

/// A blob that rows name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamedBlob {
    pub(crate) tenant: TenantId,
    pub(crate) hash: String,
    /// Its size, where a row tells it.
    pub(crate) size: Option<u64>,
}

/// Every blob that any row names, each once.
pub(crate) fn all_named(conn: &Connection) -> Result<Vec<NamedBlob>> {
    all(
        conn,
        "select tenant_id, hash, max(size)
           from (select tenant_id, hash, size from file
                  union all
                 select tenant_id, raw_hash, null from inbound_event where raw_hash is not null)
          group by tenant_id, hash",
        [],
        |row| {
            let size: Option<i64> = row.get(2)?;
            Ok(NamedBlob {
                tenant: row.get(0)?,
                hash: row.get(1)?,
                size: size.and_then(|size| u64::try_from(size).ok()),
            })
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::Clock, config::Config, db::sql::run};

    /// A time in the year 2100: whatever is stored now is old by then.
    const LATER: i64 = 4_102_444_800_000;

    #[tokio::test]
    async fn only_what_neither_a_file_nor_a_delivery_names_is_removed() {
        let dir = std::env::temp_dir().join(format!("tehprof-leftover-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let app = App::open(Config::new(dir.clone()), Clock::manual(LATER)).unwrap();
        let (one, other) = (TenantId(1), TenantId(2));
        let put = |tenant, bytes: &[u8]| app.blobs.put(tenant, bytes).unwrap();
        let (file, mail) = (put(one, b"file"), put(one, b"mail"));
        let (nobody, elsewhere) = (put(one, b"nobody"), put(other, b"file"));
        let (f, m) = (file.hash.clone(), mail.hash.clone());
        app.db
            .write(move |tx| {
                tx.execute_batch(
                    "insert into tenant (id, name, business_hours, widget_key, created_at) values (1, 'acme', '{}', 'k', 0);
                     insert into channel (id, tenant_id, type, name, config, secrets, created_at)
                     values (1, 1, 'email', 'mail', '{}', x'00', 0);",
                )?;
                run(
                    tx,
                    "insert into file (tenant_id, hash, name, mime, size, created_at) values (1, ?1, 'f', 'm', 4, 0)",
                    [f],
                )?;
                run(
                    tx,
                    "insert into inbound_event (tenant_id, channel_id, received_at, next_at, envelope, raw_hash) values (1, 1, 0, 0, '{}', ?1)",
                    [m],
                )?;
                Ok(())
            })
            .await
            .unwrap();
        collect(app.clone()).await.unwrap();
        let there = |tenant, hash: &str| app.blobs.read(tenant, hash).is_ok();
        assert!(there(one, &file.hash) && there(one, &mail.hash));
        assert!(!there(one, &nobody.hash) && !there(other, &elsewhere.hash));
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
