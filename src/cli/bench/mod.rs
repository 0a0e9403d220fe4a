//! `tehprof bench`: how fast this machine runs a desk of a given size, beside what the same machine gives without the desk,
//! measured in the same run. It judges nothing: machines differ, ratios do so less.
//!
//! [`fill`] makes a scratch desk of [`text`], [`bare`] measures the limits, [`load`] loads a real server, a process of its own,
//! over HTTP.
mod bare;
pub(crate) mod fill;
mod load;
mod operations;
mod server;
mod text;

use super::{failure::Failure, out};
use bare::Write;
use clap::Args;
use fill::Filled;
use load::{Ask, Door, Load};
use operations::Operation;
use serde::Serialize;
use serde_json::json;
use server::Child;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{net::TcpListener, runtime};

/// Measure what this machine gives: requests a second and how long they take, beside the bare limits of the machine
#[derive(Args, Debug)]
pub(super) struct Bench {
    /// Fill the scratch desk with so many tickets
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(i64).range(100..=10_000_000))]
    tickets: i64,
    /// Load each operation for so long
    #[arg(long, value_name = "N", default_value_t = 3)]
    seconds: u64,
    /// Load it over so many connections at once
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_values_t = [1, 16, 64, 256])]
    connections: Vec<usize>,
    /// Keep the scratch desk in this directory, and take one that is there
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Print what is loaded over 64 connections, and what is asked one by one, as a table in Markdown
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
    /// Send back what comes in: the other end of the measure of the machine
    #[arg(long, hide = true)]
    echo: bool,
}

/// One operation under load.
#[derive(Debug, Serialize)]
struct Row {
    operation: &'static str,
    #[serde(flatten)]
    load: Load,
    /// The rate in percent of `of`'s at as many connections.
    #[serde(skip_serializing_if = "Option::is_none")]
    percent: Option<f64>,
    /// What it is compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<&'static str>,
    /// What is aimed for.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'static str>,
}

/// All that was measured.
#[derive(Debug, Serialize)]
struct Report {
    version: &'static str,
    tickets: i64,
    messages: i64,
    processors: usize,
    database_mb: f64,
    fill_seconds: f64,
    start_ms: f64,
    idle_mb: f64,
    loaded_mb: f64,
    list_page_ms: f64,
    rows: Vec<Row>,
}

const ECHO: &str = "bare HTTP echo";
const TICKETS: &str = "bare commits of tickets";
const MESSAGES: &str = "bare commits of messages";

impl Bench {
    pub(super) fn run(self) -> Result<(), Failure> {
        let runtime = runtime::Builder::new_multi_thread().enable_all().build()?;
        if self.echo {
            return runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await?;
                out::say(format!("listening on http://{}", listener.local_addr()?))?;
                Ok(bare::echo(listener).await?)
            });
        }
        let scratch = Scratch::new(self.scratch.clone())?;
        let began = Instant::now();
        let filled = match scratch.filled()? {
            Some(filled) => filled,
            None => {
                out::note(&format!(
                    "filling a scratch desk with {} tickets",
                    self.tickets
                ));
                let filled = fill::fill(&scratch.dir, self.tickets)?;
                scratch.note(filled)?;
                filled
            }
        };
        let fill_seconds = began.elapsed().as_secs_f64();
        let report = runtime.block_on(self.measure(&scratch.dir, filled, fill_seconds))?;
        if self.json {
            out::json(&report)
        } else if self.markdown {
            markdown(&report)
        } else {
            tell(&report)
        }
    }

    async fn measure(
        &self,
        dir: &Path,
        filled: Filled,
        fill_seconds: f64,
    ) -> Result<Report, Failure> {
        let lasts = Duration::from_secs(self.seconds);
        let mut rows = Vec::new();
        out::note("measuring the machine");
        {
            let echo = Child::start(&["bench", "--echo"]).await?;
            let door = echo.door();
            let ask: Ask = Arc::new(|_| {
                (
                    "/",
                    r#"{"action":"list_tickets","status":"active","page":1}"#.to_owned(),
                )
            });
            for &connections in &self.connections {
                let load = door.load(connections, lasts, &ask).await?;
                rows.push(Row::bare(ECHO, load));
            }
        }
        for (name, what) in [(TICKETS, Write::Ticket), (MESSAGES, Write::Message)] {
            for &callers in &self.connections {
                let load = bare::commits(dir, filled, what, callers, lasts).await?;
                rows.push(Row::bare(name, load));
            }
        }
        let list_page_ms = tokio::task::block_in_place(|| bare::page(dir, filled))?;
        out::note("loading the server");
        let data = dir.to_string_lossy();
        let began = Instant::now();
        let child = Child::start(&[
            "serve",
            "--data-dir",
            &data,
            "--listen",
            "127.0.0.1:0",
            "--log-level",
            "error",
        ])
        .await?;
        let door = child.door();
        door.ask("/api/admin.php/me", "{}").await?;
        let start_ms = began.elapsed().as_secs_f64() * 1000.0;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let idle_mb = child.resident_mb()?;
        for operation in operations::all(filled) {
            for &connections in self.connections.iter().filter(|n| **n <= operation.most) {
                let load = door.load(connections, lasts, &operation.ask).await?;
                rows.push(operation.row(load, &rows));
            }
        }
        rows.extend(beside_reports(&door, lasts, &rows).await?);
        let loaded_mb = child.resident_mb()?;
        child.stop().await?;
        #[expect(clippy::cast_precision_loss, reason = "megabytes")]
        let database_mb =
            fs::metadata(crate::Config::new(dir.to_owned()).database())?.len() as f64 / 1e6;
        Ok(Report {
            version: env!("CARGO_PKG_VERSION"),
            tickets: filled.tickets,
            messages: filled.messages,
            processors: std::thread::available_parallelism().map_or(0, usize::from),
            database_mb,
            fill_seconds,
            start_ms,
            idle_mb,
            loaded_mb,
            list_page_ms,
            rows,
        })
    }
}

impl Row {
    fn bare(operation: &'static str, load: Load) -> Row {
        Row {
            operation,
            load,
            percent: None,
            of: None,
            target: None,
        }
    }
}

impl Operation {
    /// The operation's row beside what is there of what it is compared with.
    fn row(&self, load: Load, rows: &[Row]) -> Row {
        let beside = self.of.and_then(|of| {
            rows.iter()
                .find(|row| row.operation == of && row.load.connections == load.connections)
        });
        Row {
            percent: beside.map(|row| 100.0 * load.per_second / row.load.per_second),
            operation: self.name,
            of: self.of,
            target: self.target.filter(|_| load.connections == 64),
            load,
        }
    }
}

/// Lists while reports and searches for common words run without a pause.
async fn beside_reports(door: &Door, lasts: Duration, rows: &[Row]) -> Result<Vec<Row>, Failure> {
    const LIST: &str = "list_tickets, 30 rows";
    let list: Ask = Arc::new(|n| {
        let body = json!({ "limit": 30, "n": n });
        ("/api/admin.php/list_tickets", body.to_string())
    });
    let report: Ask = Arc::new(|n| {
        if n % 2 == 0 {
            let body = json!({ "days": 365, "n": n });
            ("/api/admin.php/dashboard_analytics", body.to_string())
        } else {
            let body = json!({ "search": "не", "n": n });
            ("/api/admin.php/list_tickets", body.to_string())
        }
    });
    let (lists, reports) = tokio::join!(door.load(64, lasts, &list), door.load(4, lasts, &report));
    let alone = rows
        .iter()
        .find(|row| row.operation == LIST && row.load.connections == 64);
    let (lists, reports) = (lists?, reports?);
    Ok(vec![
        Row {
            operation: "list_tickets beside reports",
            percent: alone.map(|row| 100.0 * lists.p99_ms / row.load.p99_ms),
            of: Some("its p99 alone"),
            target: Some("p99 ≤ 200 %"),
            load: lists,
        },
        Row::bare("the reports meanwhile", reports),
    ])
}

/// Prints the report for people.
fn tell(report: &Report) -> Result<(), Failure> {
    let rows = report.rows.iter().map(|row| {
        [
            row.operation.to_owned(),
            row.load.connections.to_string(),
            format!("{:.0}", row.load.per_second),
            format!("{:.2}", row.load.p50_ms),
            format!("{:.2}", row.load.p99_ms),
            format!("{:.1}", row.load.worst_ms),
            match (row.percent, row.of) {
                (Some(percent), Some(of)) => format!("{percent:.0} % of {of}"),
                _ => String::new(),
            },
            row.target.unwrap_or_default().to_owned(),
            if row.load.refused > 0 {
                format!("{} refused", row.load.refused)
            } else {
                String::new()
            },
        ]
    });
    out::table(
        [
            "operation",
            "connections",
            "per second",
            "p50 ms",
            "p99 ms",
            "worst ms",
            "ratio",
            "target",
            "",
        ],
        rows.collect(),
    )?;
    out::say(format!(
        "{} tickets, {} messages, {:.0} MB, filled in {:.0} s; {} processors, the load on the same",
        report.tickets, report.messages, report.database_mb, report.fill_seconds, report.processors
    ))?;
    out::say(format!(
        "start to first answer {:.0} ms; memory {:.1} MB idle, {:.1} MB after the load; the list's page on one connection {:.3} ms",
        report.start_ms, report.idle_mb, report.loaded_mb, report.list_page_ms
    ))
}

/// Prints what is loaded over 64 connections, and what is asked one by one, for a document.
fn markdown(report: &Report) -> Result<(), Failure> {
    out::say(format!(
        "{} tickets, {} messages, a database of {:.0} MB:",
        report.tickets, report.messages, report.database_mb
    ))?;
    out::say("\n| operation | a second | p50 ms | p99 ms | worst ms | beside | target |")?;
    out::say("|---|---|---|---|---|---|---|")?;
    for row in &report.rows {
        let load = &row.load;
        let other = || {
            report
                .rows
                .iter()
                .any(|o| o.operation == row.operation && o.load.connections == 64)
        };
        if load.connections != 64 && other() {
            continue;
        }
        let beside = match (row.percent, row.of) {
            (Some(percent), Some(of)) => format!("{percent:.0} % of {of}"),
            _ => String::new(),
        };
        let refused = match load.refused {
            0 => String::new(),
            n => format!(", {n} refused"),
        };
        out::say(format!(
            "| {}{refused} | {:.0} | {:.1} | {:.1} | {:.0} | {beside} | {} |",
            row.operation,
            load.per_second,
            load.p50_ms,
            load.p99_ms,
            load.worst_ms,
            row.target.unwrap_or_default()
        ))?;
    }
    out::say(format!(
        "| start to the first answer | | {:.0} | | | | ≤ 60 ms |\n| memory, idle / after the load | | | | | {:.1} / {:.1} MB | |",
        report.start_ms, report.idle_mb, report.loaded_mb
    ))
}

/// The directory of the scratch desk, gone afterwards unless it was named.
struct Scratch {
    dir: PathBuf,
    kept: bool,
}

impl Scratch {
    fn new(named: Option<PathBuf>) -> Result<Scratch, Failure> {
        let kept = named.is_some();
        let dir = named.unwrap_or_else(|| {
            std::env::temp_dir().join(format!("tehprof-bench-{}", std::process::id()))
        });
        super::desk::make(&dir)?;
        Ok(Scratch { dir, kept })
    }

    fn notes(&self) -> PathBuf {
        self.dir.join("bench.json")
    }

    /// What a run before has left here. A directory that holds something else is not touched.
    fn filled(&self) -> Result<Option<Filled>, Failure> {
        if let Ok(notes) = fs::read(self.notes()) {
            return Ok(Some(serde_json::from_slice(&notes)?));
        }
        if fs::read_dir(&self.dir)?.next().is_some() {
            return Err(Failure::Sentence(format!(
                "{} is neither empty nor a scratch desk of an earlier run",
                self.dir.display()
            )));
        }
        Ok(None)
    }

    fn note(&self, filled: Filled) -> Result<(), Failure> {
        Ok(fs::write(self.notes(), serde_json::to_vec(&filled)?)?)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.kept {
            let _ = fs::remove_dir_all(&self.dir);
        }
    }
}
