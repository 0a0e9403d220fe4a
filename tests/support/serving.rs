//! A running `serve`: started, listened to, ended gently or not.
use super::{PATIENCE, until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

/// The lines of a stream, as they come.
type Lines = Arc<Mutex<Vec<String>>>;

/// A running `serve`.
#[derive(Debug)]
pub(crate) struct Serving {
    child: Child,
    pub(crate) address: SocketAddr,
    /// How long it took until the first request could be sent.
    pub(crate) ready_after: Duration,
    /// What it printed before it listened.
    pub(crate) greeting: Vec<String>,
    log: Lines,
}

impl Serving {
    /// Starts `serve` on a directory and waits until it listens.
    pub(crate) fn start(dir: &Path, arguments: &[&str]) -> Serving {
        let began = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_tehprof"))
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--log-format",
                "json",
                "--data-dir",
            ])
            .arg(dir)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Lines::default();
        let (stderr, kept) = (child.stderr.take().unwrap(), Arc::clone(&log));
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                kept.lock().unwrap().push(line);
            }
        });
        let (stdout, (said, heard)) = (child.stdout.take().unwrap(), mpsc::channel());
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = said.send(line);
            }
        });
        let mut greeting = Vec::new();
        let address = loop {
            let Ok(line) = heard.recv_timeout(PATIENCE) else {
                let _ = child.kill();
                panic!("the server did not start: {:?}", log.lock().unwrap());
            };
            let address = ["listening on http://", "listening on https://"]
                .iter()
                .find_map(|words| line.strip_prefix(words));
            if let Some(address) = address {
                break address.parse().unwrap();
            }
            greeting.push(line);
        };
        Serving {
            child,
            address,
            ready_after: began.elapsed(),
            greeting,
            log,
        }
    }

    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// Where it takes mail by SMTP.
    pub(crate) fn smtp(&self) -> SocketAddr {
        until("the line that tells where mail is taken", || {
            let log = self.log();
            let told = log
                .iter()
                .filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let told = told.filter(|line| line["message"] == "taking mail by SMTP");
            told.filter_map(|line| line["address"].as_str()?.parse().ok())
                .next()
        })
    }

    /// Sends SIGTERM and waits for the end. Answers how it ended and how long that took.
    pub(crate) fn terminate(&mut self) -> (ExitStatus, Duration) {
        let began = Instant::now();
        kill_process(self.pid(), Signal::TERM).unwrap();
        let status = until("the end of the server", || self.child.try_wait().unwrap());
        (status, began.elapsed())
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Ends the process as a power cut would.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.kill();
        if thread::panicking() {
            let log = self.log();
            let last = &log[log.len().saturating_sub(30)..];
            println!("the last lines of the log:\n{}", last.join("\n"));
        }
    }
}
