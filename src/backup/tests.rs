use super::*;
use crate::{app::App, clock::Clock, config::Config};
use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
};

struct Place(PathBuf);

impl Place {
    fn new() -> Place {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "tehprof-backup-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(path.join("data")).unwrap();
        Place(path)
    }

    fn config(&self) -> Config {
        Config::new(self.0.join("data"))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const NOW: i64 = 1_795_000_000_000;

/// A backup of a desk that has one tenant, two attachments and a mail that waits.
async fn made(place: &Place) -> PathBuf {
    let app = App::open(place.config(), Clock::manual(NOW)).unwrap();
    let named = app.blobs.put(TenantId(1), b"named").unwrap();
    app.blobs.put(TenantId(1), &[7; 100_000]).unwrap();
    app.db
        .write(move |tx| {
            tx.execute_batch(
                "insert into tenant (id, name, business_hours, widget_key, created_at) values (1, 'acme', '{}', 'k', 0);",
            )?;
            tx.execute(
                "insert into file (tenant_id, hash, name, mime, size, created_at) values (1, ?1, 'f', 'm', 5, 0)",
                [named.hash],
            )?;
            tx.execute_batch(
                "insert into operator (id, tenant_id, name, email, role, created_at) values (1, 1, 'a', 'a@b.kz', 'admin', 0);
                 insert into session (tenant_id, operator_id, token_hash, device, address, remember, created_at, last_seen_at, expires_at)
                 values (1, 1, x'00', 'd', 'a', 0, 0, 0, 1);
                 insert into mobile_session (tenant_id, operator_id, device, address, created_at, last_seen_at, expires_at)
                 values (1, 1, 'd', 'a', 0, 0, 1);
                 insert into webhook (id, tenant_id, url, events, secret, created_at) values (1, 1, 'https://a.kz', '[]', x'00', 0);
                 insert into webhook_delivery (tenant_id, webhook_id, uid, type, body, next_at, created_at)
                 values (1, 1, 'u', 'ticket.created', '{}', 0, 0);
                 insert into notice (tenant_id, kind, recipient, lang, variables, next_at, expires_at, created_at)
                 values (1, 'password', 'a@b.kz', 'ru', x'00', 0, 1, 0);",
            )?;
            Ok(())
        })
        .await
        .unwrap();
    let file = place.0.join("desk.backup");
    let manifest = write(&place.config(), &file, NOW).unwrap();
    assert_eq!((manifest.files, manifest.file_bytes), (2, 100_005));
    file
}

fn words<T: std::fmt::Debug>(outcome: Result<T>) -> String {
    let error = outcome.unwrap_err();
    std::error::Error::source(&error).unwrap().to_string()
}

#[tokio::test]
async fn a_backup_is_one_private_file_and_comes_back_whole() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let file = made(&place).await;
    let left: Vec<_> = fs::read_dir(&place.0).unwrap().collect();
    assert_eq!(left.len(), 2, "{left:?}");
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let to = place.0.join("other");
    let restored = restore::restore(&file, &to, false, NOW).unwrap();
    assert_eq!((restored.before, restored.held), (None, 2));
    let key = |dir: &Path| fs::read(dir.join(SECRET)).unwrap();
    assert_eq!(key(&to), key(&place.config().data_dir));
    let app = App::open(Config::new(to.clone()), Clock::manual(NOW)).unwrap();
    let hash = blake3::hash(b"named").to_hex().to_string();
    assert_eq!(app.blobs.read(TenantId(1), &hash).unwrap(), b"named");
    let name: String = app
        .db
        .read(|db| Ok(db.query_row("select name from tenant", [], |row| row.get(0))?))
        .await
        .unwrap();
    assert_eq!(name, "acme");
    // Nobody is signed in, and nothing that was waiting leaves by itself.
    for (sql, expected) in [
        ("select count(*) from session", 0),
        ("select count(*) from mobile_session", 0),
        (
            "select count(*) from webhook_delivery where state = 'queued'",
            0,
        ),
        (
            "select count(*) from webhook_delivery where state = 'failed'",
            1,
        ),
        ("select count(*) from notice where state = 'queued'", 0),
    ] {
        let count: i64 = app
            .db
            .read(move |db| Ok(db.query_row(sql, [], |row| row.get(0))?))
            .await
            .unwrap();
        assert_eq!(count, expected, "{sql}");
    }
    assert!(!restore::is_unfinished(&to));
}

#[tokio::test]
async fn a_desk_that_is_there_is_only_replaced_by_force_and_kept() {
    let place = Place::new();
    let file = made(&place).await;
    let dir = place.config().data_dir;
    let refused = words(restore::restore(&file, &dir, false, NOW));
    assert!(refused.contains("--force"), "{refused}");
    let before = restore::restore(&file, &dir, true, NOW).unwrap().before;
    assert!(before.unwrap().join(DATABASE).exists());
    assert!(dir.join(DATABASE).exists());
}

#[tokio::test]
async fn a_file_that_breaks_off_or_has_changed_anywhere_is_refused_and_touches_nothing() {
    let place = Place::new();
    let file = made(&place).await;
    let whole = fs::read(&file).unwrap();
    let bad = place.0.join("bad.backup");
    let to = place.0.join("never");
    let mut spoilt: Vec<Vec<u8>> = (1..8)
        .map(|n| whole[..whole.len() * n / 8].to_vec())
        .collect();
    // In the middle of each part: headers, the database, the attachments, the manifest.
    for at in (256..whole.len() - 1024).step_by(whole.len() / 40) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        spoilt.push(bytes);
    }
    for (nth, bytes) in spoilt.into_iter().enumerate() {
        fs::write(&bad, &bytes).unwrap();
        let Err(error) = verify(&bad) else {
            // Padding between entries is the only thing that says nothing.
            let differs = bytes.iter().zip(&whole).position(|(a, b)| a != b).unwrap();
            assert_eq!(whole[differs], 0, "case {nth} at {differs}");
            continue;
        };
        assert!(!error.to_string().is_empty());
        assert!(restore::restore(&bad, &to, false, NOW).is_err());
        assert!(!to.join(DATABASE).exists() && !restore::is_unfinished(&to));
    }
}

#[test]
fn only_names_that_a_backup_has_are_taken() {
    let hash = blake3::hash(b"x").to_hex().to_string();
    let shelf = &hash[..2];
    assert!(Part::of(&format!("files/3/{shelf}/{hash}")).is_some());
    for bad in [
        "../tehprof.db",
        "/tehprof.db",
        "files/../secret.key",
        "files/0/aa/aa",
        &format!("files/1/zz/{hash}"),
        &format!("files/1/{shelf}/{}", hash.to_uppercase()),
        &format!("files/1/{shelf}/{hash}/x"),
        "lock",
        "",
    ] {
        assert_eq!(Part::of(bad), None, "{bad}");
    }
}
