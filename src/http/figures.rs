//! What those ask who watch over the server: whether it works (`/api/health.php`), how it fares, and its figures in the text
//! format of Prometheus (`/metrics`). That it works anybody may know; the rest is for this machine and for who has the token.
use super::{
    answer::{self, Answer, set},
    api::Visit,
};
use crate::{
    app::App,
    channel::config::health::Figures,
    db::Tx,
    error::{Code, Error, Result},
    health::{self, Health},
    meters::{BOUNDS, Times},
};
use hyper::{HeaderMap, StatusCode, header};
use serde_json::json;
use std::{fmt::Write, fs};
use subtle::ConstantTimeEq;

/// Headers by which a proxy says that it asks for somebody else.
const FORWARDING: [&str; 4] = ["x-forwarded-for", "forwarded", "x-real-ip", "via"];

/// Whether somebody may see how the server fares: by the token, or because they ask from this machine and for themselves.
fn admitted(app: &App, headers: &HeaderMap, visit: &Visit) -> Result<()> {
    if let Some(shown) = headers.get(header::AUTHORIZATION) {
        // What is shown must hold; it is not passed over because of where somebody asks from.
        let shown = shown
            .to_str()
            .ok()
            .and_then(|value| value.strip_prefix("Bearer "))
            .unwrap_or_default();
        let holds = app
            .config
            .metrics_token
            .as_ref()
            .is_some_and(|token| bool::from(token.as_bytes().ct_eq(shown.as_bytes())));
        return if holds {
            Ok(())
        } else {
            Err(Error::new(Code::InvalidCredential))
        };
    }
    let for_another = FORWARDING.iter().any(|name| headers.contains_key(*name));
    if visit.address.is_loopback() && !for_another {
        Ok(())
    } else {
        Err(Error::new(Code::NotAuthenticated))
    }
}

/// Whether the program can do its work: read, and write to the disk. Those who may know are told how it fares.
pub(super) async fn health(app: &App, headers: &HeaderMap, visit: &Visit) -> Answer {
    let read = app
        .db
        .read(|db| crate::db::sql::one(db, "select 1", [], |row| row.get::<_, i64>(0)));
    let written = match read.await {
        Ok(_) => app.db.write(touch).await,
        Err(error) => Err(error),
    };
    if let Err(error) = written {
        tracing::error!(%error, "the health check failed");
        let mut refusal = answer::error(&Error::unavailable(), visit.lang, &visit.request_id);
        *refusal.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        return refusal;
    }
    let mut data = json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") });
    if admitted(app, headers, visit).is_ok() {
        match health::look(app).await {
            Ok(health) => {
                if !health.problems.is_empty() {
                    data["status"] = "degraded".into();
                }
                data["checks"] = serde_json::to_value(health).unwrap_or_default();
            }
            Err(error) => return answer::error(&error, visit.lang, &visit.request_id),
        }
    }
    let mut answer = answer::json(&json!({ "ok": true, "data": data }));
    set(&mut answer, header::CACHE_CONTROL, "no-store");
    answer
}

/// Writes a page as it is, which a full disk refuses.
fn touch(tx: &Tx<'_>) -> Result<()> {
    let version: i64 = tx.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok(tx.pragma_update(None, "user_version", version)?)
}

/// The figures of the server.
pub(super) async fn metrics(app: &App, headers: &HeaderMap, visit: &Visit) -> Answer {
    let figures = match admitted(app, headers, visit) {
        Ok(()) => health::look(app).await.map(|health| text(app, &health)),
        Err(error) => Err(error),
    };
    match figures {
        Ok(text) => {
            let kind = "text/plain; version=0.0.4; charset=utf-8";
            let mut answer = answer::answer(StatusCode::OK, kind, text);
            set(&mut answer, header::CACHE_CONTROL, "no-store");
            answer
        }
        Err(error) => answer::error(&error, visit.lang, &visit.request_id),
    }
}

/// Figures as Prometheus reads them.
#[derive(Default)]
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a text does not fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        let _ = if labels.is_empty() {
            writeln!(self.0, "{name} {value}")
        } else {
            writeln!(self.0, "{name}{{{labels}}} {value}")
        };
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: impl std::fmt::Display) {
        self.family(name, kind, help);
        self.sample(name, "", value);
    }

    fn times(&mut self, name: &str, help: &str, times: &Times) {
        self.family(name, "histogram", help);
        let (classes, count, seconds) = times.read();
        for (bound, below) in BOUNDS.iter().zip(classes) {
            let bound = *bound as f64 / 1e6;
            self.sample(&format!("{name}_bucket"), &format!("le=\"{bound}\""), below);
        }
        self.sample(&format!("{name}_bucket"), "le=\"+Inf\"", count);
        self.sample(&format!("{name}_sum"), "", seconds);
        self.sample(&format!("{name}_count"), "", count);
    }
}

fn text(app: &App, health: &Health) -> String {
    let mut page = Page::default();
    page.family("tehprof_info", "gauge", "The program.");
    let version = concat!("version=\"", env!("CARGO_PKG_VERSION"), "\"");
    page.sample("tehprof_info", version, 1);
    let meters = app.db.meters();
    let name = "tehprof_http_responses_total";
    page.family(name, "counter", "Answers by class of status.");
    for (class, count) in meters.answers().into_iter().enumerate() {
        page.sample(name, &format!("class=\"{}xx\"", class + 1), count);
    }
    page.times(
        "tehprof_http_response_seconds",
        "How long answers took.",
        &meters.answering,
    );
    page.times(
        "tehprof_commit_seconds",
        "How long commits took, each of one batch of commands.",
        &meters.committing,
    );
    for (name, help, count) in meters.counts() {
        page.one(name, "counter", help, count);
    }
    state(&mut page, health);
    process(&mut page);
    page.0
}

fn state(page: &mut Page, health: &Health) {
    let database = &health.database;
    for (name, help, value) in [
        ("tehprof_database_bytes", "The database.", database.bytes),
        (
            "tehprof_wal_bytes",
            "The log of writes beside it.",
            database.wal_bytes,
        ),
        (
            "tehprof_writer_waiting",
            "Commands that wait for the writer.",
            database.waiting as u64,
        ),
        (
            "tehprof_disk_full",
            "1 while changes are refused because the disk is full.",
            u64::from(database.is_full),
        ),
        (
            "tehprof_problems",
            "Parts that a person should look at.",
            health.problems.len() as u64,
        ),
    ] {
        page.one(name, "gauge", help, value);
    }
    if let Some(disk) = &health.disk {
        page.one(
            "tehprof_disk_free_bytes",
            "gauge",
            "Free room where the data lies.",
            disk.free_bytes,
        );
        page.one(
            "tehprof_disk_bytes",
            "gauge",
            "All room there.",
            disk.total_bytes,
        );
    }
    for (name, help, age) in [
        (
            "tehprof_backup_age_seconds",
            "How old the last backup is.",
            health.backup.age_seconds,
        ),
        (
            "tehprof_scrub_age_seconds",
            "How long ago everything stored was compared with its digests.",
            health.scrub.age_seconds,
        ),
    ] {
        if let Some(age) = age {
            page.one(name, "gauge", help, age);
        }
    }
    if let Some(found) = &health.scrub.found {
        page.one(
            "tehprof_scrub_findings",
            "gauge",
            "What the disk had changed then.",
            found.findings,
        );
    }
    type Of = fn(&health::Queue) -> i64;
    let figures: [(&str, &str, Of); 3] = [
        ("tehprof_queue_waiting", "What waits in a queue.", |q| {
            q.waiting
        }),
        (
            "tehprof_queue_overdue_seconds",
            "For how long the first in a queue could have been worked on.",
            |q| q.overdue_seconds,
        ),
        (
            "tehprof_queue_failed",
            "What was given up in the last day.",
            |q| q.failed,
        ),
    ];
    for (name, help, of) in figures {
        page.family(name, "gauge", help);
        for (queue, figure) in health.queues.named() {
            page.sample(name, &format!("queue=\"{queue}\""), of(figure));
        }
    }
    page.family(
        "tehprof_channels",
        "gauge",
        "Channels that are switched on.",
    );
    let failing = health.channels.failing;
    page.sample(
        "tehprof_channels",
        "state=\"working\"",
        health.channels.active - failing,
    );
    page.sample("tehprof_channels", "state=\"failing\"", failing);
    channels(page, &health.channels.each);
    page.one(
        "tehprof_errors",
        "gauge",
        "Faults of the program in the last day.",
        health.errors,
    );
}

/// How each channel fares.
fn channels(page: &mut Page, each: &[Figures]) {
    type Of = fn(&Figures) -> Option<i64>;
    let figures: [(&str, &str, Of); 4] = [
        (
            "tehprof_channel_working",
            "1 while a channel works, 0 while it does not.",
            |one| Some(i64::from(one.works)),
        ),
        (
            "tehprof_channel_queued",
            "What waits to go out by a channel.",
            |one| Some(one.queued),
        ),
        (
            "tehprof_channel_inbound_age_seconds",
            "How long ago something last came in by a channel.",
            |one| one.inbound_age,
        ),
        (
            "tehprof_channel_outbound_age_seconds",
            "How long ago something last went out by a channel.",
            |one| one.outbound_age,
        ),
    ];
    for (name, help, of) in figures {
        page.family(name, "gauge", help);
        for one in each {
            if let Some(value) = of(one) {
                let labels = format!("channel=\"{}\",type=\"{}\"", one.id, one.kind.as_str());
                page.sample(name, &labels, value);
            }
        }
    }
}

/// What the system says of the process.
fn process(page: &mut Page) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok());
    if let Some(kilobytes) = kilobytes {
        page.one(
            "process_resident_memory_bytes",
            "gauge",
            "Memory that the process holds.",
            kilobytes << 10,
        );
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        page.one(
            "process_open_fds",
            "gauge",
            "Open descriptors.",
            open.count(),
        );
    }
}
