//! Another process of this program, which listens somewhere and ends with the bench.
use super::{fill::TOKEN, load::Door};
use crate::cli::failure::Failure;
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs, io,
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{self, Command, Stdio},
};

/// A process that serves until this is dropped.
pub(super) struct Child {
    process: process::Child,
    address: SocketAddr,
}

impl Child {
    /// Starts this program with `arguments` and waits until it says where it listens.
    pub(super) async fn start(arguments: &[&str]) -> Result<Child, Failure> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let said = process.stdout.take();
        let address = tokio::task::spawn_blocking(move || {
            let lines = BufReader::new(said?).lines().map_while(Result::ok);
            lines
                .filter_map(|line| line.strip_prefix("listening on http://")?.parse().ok())
                .next()
        })
        .await
        .map_err(io::Error::other)?;
        match address {
            Some(address) => Ok(Child { process, address }),
            None => Err(Failure::Sentence("the server did not start".to_owned())),
        }
    }

    pub(super) fn door(&self) -> Door {
        Door {
            address: self.address,
            cookie: format!("{}={TOKEN}", crate::http::cookie::NAME),
        }
    }

    /// How much memory the process holds.
    pub(super) fn resident_mb(&self) -> Result<f64, Failure> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let kilobytes: f64 = status
            .lines()
            .find_map(|line| {
                line.strip_prefix("VmRSS:")?
                    .trim()
                    .strip_suffix(" kB")?
                    .parse()
                    .ok()
            })
            .unwrap_or_default();
        Ok(kilobytes / 1024.0)
    }

    /// Lets the process end in order.
    pub(super) async fn stop(mut self) -> Result<(), Failure> {
        let pid = i32::try_from(self.process.id())
            .ok()
            .and_then(Pid::from_raw);
        if let Some(pid) = pid {
            kill_process(pid, Signal::TERM).map_err(io::Error::from)?;
        }
        tokio::task::block_in_place(|| self.process.wait())?;
        Ok(())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
