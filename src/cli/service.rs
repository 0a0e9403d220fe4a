//! What systemd is told: that the server is ready, that it stops, and, while its writer answers, that it lives.
use crate::Server;
use sd_notify::NotifyState;
use std::time::Duration;

/// Tells the service manager, if there is one; that it does not listen is no reason to stop.
fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager could not be told");
    }
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
