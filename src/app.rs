//! Everything that lives as long as the program does: the database, the secret, the attachments, the limits, and who is
//! connected.
use crate::{
    access::{
        bitrix24::Verdicts, guesses::Guesses, password::Gate, secret::Secret, throttle::Throttle,
    },
    api::{
        field::{OperatorId, TenantId},
        shared::Answers,
    },
    blob::Blobs,
    channel::{imap, inbound, mailbox::Mailboxes, outbound, smtp_in, tend},
    clock::Clock,
    config::Config,
    db::{self, Closing, Db, stamp},
    error::{Error, Result},
    http::{self, hub::Hub, limit::Limits},
    notice,
    outbound_http::OutboundHttp,
    tls::{ACME_TLS, Certificates},
    webhook, worker,
};
use futures_util::{FutureExt, future::BoxFuture};
use rusqlite::Connection;
use std::{
    net::{IpAddr, SocketAddr},
    ops::Deref,
    path::Path,
    sync::Arc,
    time::Duration,
};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
    task::JoinHandle,
};

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
    /// Wrong codes of a second factor, by account.
    pub(crate) codes: Throttle<(TenantId, OperatorId)>,
    /// What Bitrix24 portals said of tokens lately.
    pub(crate) verdicts: Verdicts,
    /// Tokens that a portal did not take, by portal and address.
    pub(crate) portal_tries: Throttle<(String, IpAddr)>,
    /// Links for a new password that were asked for, by address.
    pub(crate) resets: Throttle<IpAddr>,
    /// Wrong guesses at a widget's tickets.
    pub(crate) guesses: Guesses,
    pub(crate) limits: Limits,
    /// What queries answered, as long as it holds.
    pub(crate) answers: Answers,
    pub(crate) hub: Hub,
    /// Whose turn it is to export a tenant: one at a time.
    pub(crate) exports: Semaphore,
    /// Calls of other servers.
    pub(crate) outbound_http: OutboundHttp,
    /// The certificates that HTTPS and STARTTLS show, if there are any.
    pub(crate) certificates: Option<Arc<Certificates>>,
}

impl Deref for App {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// A connection for what comes before all others are there.
fn looked_at(path: &Path) -> rusqlite::Result<Connection> {
    let conn = Connection::open(path)?;
    db::watch(&conn);
    Ok(conn)
}

impl App {
    /// Opens the data directory that `config` names, which must exist and be locked by the caller or served by nobody
    /// else that migrates it.
    pub(crate) fn open(config: Config, clock: Clock) -> Result<App> {
        let certificates = Certificates::of(&config)?;
        let path = config.database();
        if config.accept_loss {
            stamp::accept(&path)?;
        }
        stamp::look_before(&path)?;
        db::migrate::bring_up(&path)?;
        stamp::look_after(&path, &looked_at(&path)?)?;
        let secret = Secret::of(&config.data_dir)?;
        let blobs = Blobs::open(&config.data_dir.join("files"))?;
        let now = clock.now();
        let (db, closing) = Db::open(&path, clock)?;
        let limits = Limits::default();
        limits.keys.restore(&looked_at(&path)?, now)?;
        Ok(App(Arc::new(Inner {
            db,
            closing,
            secret,
            blobs,
            config,
            gate: Gate::default(),
            logins: Throttle::default(),
            verdicts: Verdicts::default(),
            portal_tries: Throttle::default(),
            codes: Throttle::default(),
            resets: Throttle::default(),
            guesses: Guesses::default(),
            limits,
            answers: Answers::default(),
            hub: Hub::default(),
            exports: Semaphore::new(1),
            outbound_http: OutboundHttp::new()?,
            certificates,
        })))
    }

    /// An address of this installation as the outside knows it.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.config.public_url())
    }
}

/// How long mails that are being sent may take once the server is stopping.
const LAST_MAILS: Duration = Duration::from_secs(5);

/// A running server.
pub struct Server {
    app: App,
    address: SocketAddr,
    smtp_address: Option<SocketAddr>,
    stop: watch::Sender<bool>,
    serving: Vec<JoinHandle<()>>,
    working: Vec<JoinHandle<()>>,
}

impl Server {
    /// Opens the data directory and begins to serve. The caller holds the directory's lock.
    pub async fn start(mut config: Config, clock: Clock) -> Result<Server> {
        let listener = bind(config.listen).await?;
        let smtp = match config.smtp_listen {
            Some(address) => Some(bind(address).await?),
            None => None,
        };
        config.listen = listener.local_addr()?;
        let smtp_address = smtp.as_ref().map(TcpListener::local_addr).transpose()?;
        let address = config.listen;
        let app = App::open(config, clock)?;
        let certificates = app.certificates.as_ref();
        let https = certificates
            .map(|c| c.server(&[b"h2".as_slice(), b"http/1.1", ACME_TLS]))
            .transpose()?;
        let starttls = certificates.map(|c| c.server(&[])).transpose()?;
        let (stop, stopping) = watch::channel(false);
        let mut serving = vec![tokio::spawn(http::serve(
            app.clone(),
            listener,
            https,
            stopping.clone(),
        ))];
        if let Some(listener) = smtp {
            let settings = smtp_in::Settings {
                name: app.config.host_name(),
                tls: starttls,
                limits: smtp_in::Limits::default(),
            };
            let mailboxes = Arc::new(Mailboxes(app.clone()));
            serving.push(tokio::spawn(smtp_in::serve(
                listener, settings, mailboxes, stopping,
            )));
        }
        let working = vec![
            tokio::spawn(inbound::work(app.clone(), stop.subscribe())),
            tokio::spawn(outbound::work(app.clone(), stop.subscribe())),
            tokio::spawn(tend::work(app.clone(), stop.subscribe())),
            tokio::spawn(imap::work(app.clone(), stop.subscribe())),
            tokio::spawn(webhook::send::work(app.clone(), stop.subscribe())),
            tokio::spawn(notice::work(app.clone(), stop.subscribe())),
        ];
        app.db.stand_guard();
        worker::start(&app);
        Ok(Server {
            app,
            address,
            smtp_address,
            stop,
            serving,
            working,
        })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens, as an address to open.
    pub fn origin(&self) -> String {
        let scheme = if self.app.config.serves_tls() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{}", self.address)
    }

    pub fn smtp_address(&self) -> Option<SocketAddr> {
        self.smtp_address
    }

    pub(crate) fn app(&self) -> &App {
        &self.app
    }

    /// A question to the writer, which it answers as long as it lives.
    pub(crate) fn pulse(&self) -> impl Fn() -> BoxFuture<'static, bool> + Send + use<> {
        let app = self.app.clone();
        move || {
            let app = app.clone();
            async move { app.db.write_to_free(|_| Ok(())).await.is_ok() }.boxed()
        }
    }

    /// Stops: no new connections, requests in flight finish, the queue of the writer is written, the file is closed.
    pub async fn stop(self) {
        self.app.hub.close();
        // Nobody left to tell is not a failure.
        let _ = self.stop.send(true);
        for task in self.serving {
            if task.await.is_err() {
                tracing::error!("a listener ended by a panic");
            }
        }
        // What is in hand is brought to its end, so that a mail that was just taken is not sent again after the start.
        let finished = async {
            for task in self.working {
                if task.await.is_err() {
                    tracing::error!("a worker ended by a panic");
                }
            }
        };
        if tokio::time::timeout(LAST_MAILS, finished).await.is_err() {
            tracing::warn!("something was still being sent; it is sent again after the start");
        }
        if let Err(error) = worker::note_allowance(self.app.clone()).await {
            tracing::warn!(%error, "what API keys have used could not be written down");
        }
        self.app.db.close().await;
        let app = self.app.clone();
        let closed = tokio::task::spawn_blocking(move || app.closing.wait()).await;
        if closed.is_err() {
            tracing::error!("the database was not closed in order");
        } else if let Err(error) = self.app.db.keep_stamp(true).await {
            tracing::warn!(%error, "how far the database has come could not be written down");
        }
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .map_err(|error| Error::internal(format!("cannot listen on {address}: {error}")))
}
