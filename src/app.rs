//! Everything that lives as long as the program does: the database, the secret, the attachments, the limits, and who is
//! connected.
use crate::{
    access::{password::Gate, secret::Secret, throttle::Throttle},
    blob::Blobs,
    clock::Clock,
    config::Config,
    db::{self, Closing, Db},
    error::Result,
    http::{limit::Limits, live::Hub},
};
use std::{net::IpAddr, ops::Deref, sync::Arc};

#[derive(Clone)]
pub(crate) struct App(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) db: Db,
    pub(crate) closing: Closing,
    pub(crate) secret: Secret,
    pub(crate) blobs: Blobs,
    pub(crate) config: Config,
    pub(crate) gate: Gate,
    /// Wrong passwords by account and address.
    pub(crate) logins: Throttle<(String, IpAddr)>,
    /// Wrong guesses at a widget's tickets by address and ticket.
    pub(crate) guesses: Throttle<(IpAddr, i64)>,
    pub(crate) limits: Limits,
    pub(crate) hub: Hub,
}

impl Deref for App {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl App {
    /// Opens the data directory that `config` names, which must exist and be locked by the caller or served by nobody
    /// else that migrates it.
    pub(crate) fn open(config: Config, clock: Clock) -> Result<App> {
        let path = config.database();
        db::migrate::bring_up(&path)?;
        let secret = Secret::of(&config.data_dir)?;
        let blobs = Blobs::open(&config.data_dir.join("files"))?;
        let (db, closing) = Db::open(&path, clock)?;
        Ok(App(Arc::new(Inner {
            db,
            closing,
            secret,
            blobs,
            config,
            gate: Gate::default(),
            logins: Throttle::default(),
            guesses: Throttle::default(),
            limits: Limits::default(),
            hub: Hub::default(),
        })))
    }

    /// An address of this installation as the outside knows it.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.config.public_url())
    }
}
