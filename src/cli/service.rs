//! What systemd is told: that the server still starts, that it is ready, that it stops, and, while its writer answers, that it lives.
use crate::Server;
use sd_notify::NotifyState;
use std::{
    sync::mpsc::{self, RecvTimeoutError, Sender},
    thread,
    time::Duration,
};

/// Tells the service manager, if there is one; that it does not listen is no reason to stop.
fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager could not be told");
    }
}

/// How often a start that lasts is told of, and how much longer it may last from then on.
const BEAT: Duration = Duration::from_secs(30);
const MORE_MICROSECONDS: u32 = 120_000_000;

/// For as long as it is held, a start that lasts is given more time: to bring a large database to a new schema takes minutes,
/// and a server that was killed over it would begin it anew each time.
#[derive(Debug)]
#[must_use]
pub(super) struct Starting {
    _held: Sender<()>,
}

pub(super) fn starting() -> Starting {
    beating(BEAT, || {
        tell(&[NotifyState::ExtendTimeoutUsec(MORE_MICROSECONDS)]);
    })
}

fn beating(beat: Duration, say: impl Fn() + Send + 'static) -> Starting {
    let (held, released) = mpsc::channel();
    thread::spawn(move || {
        while released.recv_timeout(beat) == Err(RecvTimeoutError::Timeout) {
            say();
        }
    });
    Starting { _held: held }
}

/// The server takes connections.
pub(super) fn ready(server: &Server) {
    let status = format!("serving {}", server.origin());
    tell(&[NotifyState::Ready, NotifyState::Status(&status)]);
}

/// The server ends what is in flight.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Tells again and again that the server lives, for as long as a command comes back from the writer each time. Where nobody
/// wants to know, nothing runs.
pub(super) fn watchdog(server: &Server) {
    let Some(limit) = sd_notify::watchdog_enabled() else {
        return;
    };
    let beat = (limit / 3).max(Duration::from_millis(100));
    let alive = server.pulse();
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(beat);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            match tokio::time::timeout(limit, alive()).await {
                Ok(true) => tell(&[NotifyState::Watchdog]),
                Ok(false) => tracing::error!(
                    "the writer does not answer; the service manager is not told that it lives"
                ),
                Err(_) => tracing::error!(
                    "the writer is too slow; the service manager is not told that it lives"
                ),
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_is_told_of_again_and_again_until_it_is_over() {
        let (told, heard) = mpsc::channel();
        let starting = beating(Duration::from_millis(5), move || {
            let _ = told.send(());
        });
        for _ in 0..3 {
            heard.recv_timeout(Duration::from_secs(30)).unwrap();
        }
        drop(starting);
        // What was said before it ended may still be there; then the other end is gone.
        while heard.recv_timeout(Duration::from_secs(30)).is_ok() {}
        assert_eq!(
            heard.recv_timeout(Duration::from_secs(30)),
            Err(RecvTimeoutError::Disconnected)
        );
    }
}
