//! Work that is done by the clock: each job has a name and an interval, and a failure of one stops no other.
use crate::{
    api::widget,
    app::App,
    automation,
    backup::schedule,
    channel::{inbound::record, watch},
    clock::{DAY, MINUTE, SECOND},
    db::sql::{all, run},
    error::{Code, Error, Result},
    http::allowance,
    leftover, notice, notification, scrub,
    tenant::{self, export},
    ticket::{bin, change, clock, held, search, snooze},
    tls::{self, acme},
    webhook,
};
use std::{future::Future, time::Duration};

/// Starts every job; they run until the program ends.
pub(crate) fn start(app: &App) {
    every(
        app,
        "close what was done and left",
        Duration::from_secs(60),
        close_stale,
    );
    every(
        app,
        "tell what is due",
        Duration::from_secs(2),
        tell_what_is_due,
    );
    every(
        app,
        "let waiting answers leave",
        Duration::from_secs(1),
        release_held,
    );
    every(
        app,
        "bring back what was put aside",
        Duration::from_secs(1),
        wake_snoozed,
    );
    every(app, "empty the bin", Duration::from_secs(3600), empty_bin);
    every(
        app,
        "mail what operators are to be told",
        Duration::from_secs(5),
        notification::mail::send,
    );
    every(
        app,
        "run triggers on idle tickets",
        Duration::from_secs(60),
        automation::idle::look,
    );
    every(
        app,
        "tell admins how channels fare",
        Duration::from_secs(5),
        watch::tell,
    );
    every(
        app,
        "forget what nobody needs",
        Duration::from_secs(3600),
        tidy,
    );
    every(
        app,
        "write down what keys have used",
        Duration::from_secs(5),
        note_allowance,
    );
    every(
        app,
        "remove attachments that nothing names",
        Duration::from_secs(3600),
        leftover::collect,
    );
    every(
        app,
        "follow the certificate files",
        Duration::from_secs(10),
        tls::follow,
    );
    every(
        app,
        "renew the certificate",
        Duration::from_secs(1800),
        acme::renew,
    );
    every(
        app,
        "make a backup if one is due",
        backup_watch(app),
        schedule::run,
    );
    every(
        app,
        "see that the database is still there",
        Duration::from_secs(1),
        look_after_files,
    );
    every(
        app,
        "write down how far the database has come",
        Duration::from_secs(5),
        keep_stamp,
    );
    every(
        app,
        "compare what is stored with its digests",
        Duration::from_secs(3600),
        scrub::run,
    );
    every(
        app,
        "remove exports that are a day old",
        Duration::from_secs(3600),
        export::tidy,
    );
}

/// How often it is looked whether a backup is due: each minute, or as often as one is to be made.
fn backup_watch(app: &App) -> Duration {
    let every = app
        .config
        .backups
        .as_ref()
        .map_or(MINUTE, |schedule| schedule.every);
    Duration::from_millis(u64::try_from(every.clamp(SECOND, MINUTE)).unwrap_or_default())
}

fn every<F, W>(app: &App, name: &'static str, interval: Duration, work: W)
where
    F: Future<Output = Result<()>> + Send + 'static,
    W: Fn(App) -> F + Send + 'static,
{
    let app = app.clone();
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(interval);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            match tokio::spawn(work(app.clone())).await {
                Ok(Ok(())) => {}
                // That has been told, and is told again when it is over.
                Ok(Err(error)) if error.code() == Code::Unavailable && app.db.is_full() => {}
                Ok(Err(error)) => {
                    app.db.meters().job_failed();
                    tracing::error!(name, %error, "a job failed");
                }
                Err(panic) => {
                    app.db.meters().job_failed();
                    tracing::error!(name, %panic, "a job panicked");
                }
            }
        }
    });
}

/// Writes down what API keys have used since the last time, so that a restart is no way around their limits.
pub(crate) async fn note_allowance(app: App) -> Result<()> {
    let news = app.limits.keys.news();
    if news.is_empty() {
        return Ok(());
    }
    app.db.write(move |tx| allowance::note(tx, &news)).await
}

/// Closes tickets that were done and left unanswered for their tenant's days.
async fn close_stale(app: App) -> Result<()> {
    let tenants = app.db.read(|db| tenant::all(db)).await?;
    for tenant in tenants.into_iter().filter(|t| t.is_active) {
        loop {
            let one = tenant.clone();
            // In portions, so that nobody waits long behind them.
            if app
                .db
                .write(move |tx| change::close_stale(tx, &one))
                .await?
                == 0
            {
                break;
            }
        }
    }
    Ok(())
}

/// Counts anew what a change of rules or hours has left to be counted, then tells of due times that are near or missed.
async fn tell_what_is_due(app: App) -> Result<()> {
    // Asked before anything is written: most of the time there is nothing to do.
    while app.db.read(|db| clock::is_waiting(db, db.now)).await? {
        app.db
            .write(|tx| {
                if clock::recount_more(tx)? {
                    return Ok(());
                }
                clock::ring(tx)
            })
            .await?;
    }
    Ok(())
}

/// Lets answers leave whose time has come.
async fn release_held(app: App) -> Result<()> {
    while app.db.read(held::is_due).await? {
        app.db.write(held::release_due).await?;
    }
    Ok(())
}

/// Brings back tickets whose time has come.
async fn wake_snoozed(app: App) -> Result<()> {
    while app.db.read(snooze::is_due).await? {
        app.db.write(snooze::wake_due).await?;
    }
    Ok(())
}

/// Removes for good what has lain in the bin for its time, and its words from the index.
async fn empty_bin(app: App) -> Result<()> {
    while app.db.write_to_free(bin::purge).await? > 0 {}
    search::shed::run_if_due(&app).await
}

/// Stops the program if its database was taken away, and takes changes again once a full disk has room.
async fn look_after_files(app: App) -> Result<()> {
    let db = app.db.clone();
    tokio::task::spawn_blocking(move || db.look_after_files())
        .await
        .map_err(Error::internal)
}

async fn keep_stamp(app: App) -> Result<()> {
    app.db.keep_stamp(false).await
}

/// Forgets sessions and links that have ended, answers kept for retries, full buckets, and uploads that no message took up.
async fn tidy(app: App) -> Result<()> {
    app.limits.tidy(app.db.clock().now());
    while app.db.write_to_free(record::forget_raw).await? > 0 {}
    app.db
        .write_to_free(|tx| {
            run(tx, "delete from session where expires_at <= ?1", [tx.now])?;
            run(tx, "delete from access_link where expires_at <= ?1", [tx.now])?;
            run(tx, "delete from chat_link where expires_at <= ?1", [tx.now])?;
            run(tx, "delete from staff_link where expires_at <= ?1", [tx.now])?;
            notice::tidy(tx)?;
            widget::code::tidy(tx)?;
            run(tx, "delete from error_log where at <= ?1", [tx.now - 90 * DAY])?;
            automation::trigger::tidy(tx)?;
            notification::tidy(tx)?;
            webhook::queue::tidy(tx)?;
            run(tx, "delete from idempotency where created_at <= ?1", [tx.now - DAY])?;
            let left: Vec<(i64, i64, String, i64)> = all(
                tx,
                "select id, tenant_id, hash, size from file where message_id is null and created_at <= ?1 limit 1000",
                [tx.now - DAY],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
            )?;
            for (id, tenant, hash, size) in left {
                run(tx, "delete from file where id = ?1", [id])?;
                run(
                    tx,
                    "update tenant set stored_bytes = max(0, stored_bytes - ?3)
                      where id = ?1 and not exists (select 1 from file where tenant_id = ?1 and hash = ?2)",
                    (tenant, hash, size),
                )?;
            }
            Ok(())
        })
        .await
}
