//! What the machine gives without the desk: an HTTP server that sends back what it got, the same rows committed in groups
//! without HTTP, and the same reads without either.
use super::{fill::Filled, load::Load, text};
use crate::{
    api::field::TicketId,
    clock::Clock,
    config::Config,
    db::{Db, sql::Page, watch},
    error::Result,
    ticket::{
        self, Acting, Actor, NewTicket,
        list::{self, Filter, Sight},
        message::{self, Draft},
        model::{ActorKind, Origin},
        record,
    },
};
use fastrand::Rng;
use http_body_util::{BodyExt, Full};
use hyper::{Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use rusqlite::Connection;
use std::{
    io,
    path::Path,
    time::{Duration, Instant},
};
use tokio::{net::TcpListener, task::JoinSet};

/// Sends back what it gets until the process is ended.
pub(super) async fn echo(listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let service = service_fn(|request: hyper::Request<Incoming>| async move {
            let body = request.into_body().collect().await?.to_bytes();
            Ok::<_, hyper::Error>(Response::new(Full::new(body)))
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

/// A request of a program that loads its server in groups: a ticket opened, or a message added to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Write {
    Ticket,
    Message,
}

/// The same rows as over HTTP, by so many callers at once, each waiting for its commit.
pub(super) async fn commits(
    dir: &Path,
    filled: Filled,
    what: Write,
    callers: usize,
    lasts: Duration,
) -> Result<Load> {
    let path = Config::new(dir.to_owned()).database();
    let (db, closing) = Db::open(&path, Clock::System)?;
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for caller in 0..callers {
        let db = db.clone();
        tasks.spawn(async move {
            let mut rng = Rng::with_seed(caller as u64);
            let mut took = Vec::new();
            while began.elapsed() < lasts {
                let sent = Instant::now();
                let (subject, body) = (text::subject(&mut rng), text::message(&mut rng));
                let id = TicketId(rng.i64(1..=filled.tickets));
                db.write(move |tx| {
                    let actor = Actor {
                        kind: ActorKind::Operator,
                        id: Some(filled.operator.0),
                        name: "Оператор 1".to_owned(),
                    };
                    let acting = Acting::new(tx, filled.tenant, actor);
                    match what {
                        Write::Ticket => {
                            let new = NewTicket::new(subject, Origin::Api, "Оператор 1".to_owned());
                            ticket::open(&acting, new, Draft::support(body)).map(|_| ())
                        }
                        Write::Message => {
                            let mut ticket = record::by_id(tx, filled.tenant, id)?;
                            message::post_by_support(&acting, &mut ticket, Draft::support(body))
                                .map(|_| ())
                        }
                    }
                })
                .await?;
                took.push(u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX));
            }
            Ok::<_, crate::error::Error>(took)
        });
    }
    let mut took = Vec::new();
    while let Some(done) = tasks.join_next().await {
        took.extend(done.map_err(crate::error::Error::internal)??);
    }
    let load = Load::of(callers, took, 0, began.elapsed());
    db.close().await;
    drop(db);
    tokio::task::block_in_place(|| closing.wait());
    Ok(load)
}

/// How long one connection takes for the page that lists begin with, in milliseconds on average.
pub(super) fn page(dir: &Path, filled: Filled) -> Result<f64> {
    let conn = Connection::open(Config::new(dir.to_owned()).database())?;
    watch(&conn);
    conn.set_prepared_statement_cache_capacity(64);
    let filter = Filter::all(Sight::Staff);
    let page = Page::new(None, None, 30)?;
    let now = Clock::System.now();
    const TURNS: u32 = 2_000;
    let began = Instant::now();
    for _ in 0..TURNS {
        list::page(&conn, filled.tenant, &filter, page, now)?;
    }
    Ok(began.elapsed().as_secs_f64() * 1000.0 / f64::from(TURNS))
}
