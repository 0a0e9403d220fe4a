//! The test world: [`Desk`] is a running program with two tenants and their people, [`Tray`] is a mail server that takes
//! what the desk sends, [`dovecot`] and [`postfix`] are real ones, [`Peer`] a messenger that it calls, [`NameServer`] one that it asks for records, [`Receiver`] an HTTP server that takes its calls, [`post`] writes the
//! mails that customers send.
pub(crate) mod caller;
pub(crate) mod desk;
pub(crate) mod dovecot;
pub(crate) mod http;
pub(crate) mod names;
pub(crate) mod peer;
pub(crate) mod post;
pub(crate) mod postfix;
pub(crate) mod receiver;
pub(crate) mod serving;
pub(crate) mod socket;
pub(crate) mod tray;

pub(crate) use caller::Caller;
pub(crate) use desk::Desk;
pub(crate) use names::NameServer;
pub(crate) use peer::Peer;
pub(crate) use receiver::Receiver;
pub(crate) use serving::Serving;
pub(crate) use tray::Tray;

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

/// How long anything may take that is waited for. Generous: the machine may be busy with other tests.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Asks again and again until there is an answer.
pub(crate) fn until<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = probe() {
            return answer;
        }
        assert!(began.elapsed() < PATIENCE, "in vain waited for: {what}");
        sleep(Duration::from_millis(10));
    }
}

/// Asks again and again until it is so.
pub(crate) fn until_so(what: &str, mut probe: impl FnMut() -> bool) {
    until(what, || probe().then_some(()));
}
