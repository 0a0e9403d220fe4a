//! Makes the calls that wait. Each endpoint has one call in hand at a time, so its order is kept; endpoints know nothing of
//! each other, so one that hangs delays nobody else's.
use super::{
    queue::{self, Answer, Call},
    sign,
};
use crate::{
    access::secret::random,
    api::field::WebhookId,
    app::App,
    clock::{Millis, SECOND},
    error::{Error, Result},
    outbound_http::{Bounds, Failure},
};
use bytes::Bytes;
use hyper::{Request, header};
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};
use tokio::{
    sync::watch,
    task::{self, JoinSet},
};

/// How long a call may take.
const DEADLINE: Duration = Duration::from_secs(15);
/// How much of an answer is read.
const MOST_ANSWER: usize = 64 << 10;
/// How much of it is kept, in characters.
const EXCERPT: usize = 1_000;
/// How many endpoints are called at the same time.
const AT_ONCE: usize = 64;
/// The longest sleep: the clock may be moved under us.
const PAUSE: Duration = Duration::from_secs(10);
/// The shortest and the longest wait for the database to take the fate of a call.
const SHORT: Duration = Duration::from_secs(1);
const LONG: Duration = Duration::from_secs(60);

/// The calls in hand, by endpoint. An endpoint stays among them until the fate of its call is written down.
#[derive(Default)]
struct Callers {
    tasks: JoinSet<()>,
    endpoints: HashMap<task::Id, WebhookId>,
}

/// Makes what is due until `stop` says to end, then lets the calls in hand come to theirs.
pub(crate) async fn work(app: App, mut stop: watch::Receiver<bool>) {
    let mut callers = Callers::default();
    loop {
        let pause = match callers.start(&app).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::error!(%error, "the calls of webhooks could not be looked at");
                PAUSE
            }
        };
        tokio::select! {
            _ = stop.wait_for(|stopping| *stopping) => break,
            Some(ended) = callers.tasks.join_next_with_id(), if !callers.tasks.is_empty() => callers.ended(ended),
            () = app.db.signals().webhooks.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
    while callers.tasks.join_next().await.is_some() {}
}

impl Callers {
    /// Starts what is due and whose endpoint is free. Answers how long there is nothing else to do.
    async fn start(&mut self, app: &App) -> Result<Duration> {
        let busy: Vec<WebhookId> = self.endpoints.values().copied().collect();
        let free = AT_ONCE.saturating_sub(busy.len());
        let (calls, next) = app
            .db
            .read(move |db| {
                let due = queue::due(db, db.now)?;
                let calls: Vec<Call> = due
                    .into_iter()
                    .filter(|call| !busy.contains(&call.webhook))
                    .take(free)
                    .collect();
                Ok((calls, queue::next_at(db)?.map(|at| at - db.now)))
            })
            .await?;
        for call in calls {
            let (app, webhook) = (app.clone(), call.webhook);
            let task = self.tasks.spawn(async move { deliver(&app, &call).await });
            self.endpoints.insert(task.id(), webhook);
        }
        let wait = next
            .and_then(|ms| u64::try_from(ms).ok())
            .filter(|ms| *ms > 0);
        Ok(wait.map_or(PAUSE, |ms| Duration::from_millis(ms).min(PAUSE)))
    }

    fn ended(&mut self, ended: Result<(task::Id, ()), task::JoinError>) {
        let id = match ended {
            Ok((id, ())) => id,
            Err(panic) => {
                tracing::error!(%panic, "a call of a webhook panicked");
                panic.id()
            }
        };
        self.endpoints.remove(&id);
    }
}

/// Makes one call and writes down how it fared. The writing is tried until it succeeds; after a crash in between the call
/// is made again, under the same `webhook-id`, by which receivers recognise it.
async fn deliver(app: &App, call: &Call) {
    let answer = attempt(app, call).await;
    if !answer.is_good() {
        let (status, why) = (answer.status, answer.error.as_deref().unwrap_or_default());
        tracing::warn!(webhook = call.webhook.0, delivery = call.id.0, status, %why, "a webhook was not taken");
    }
    let mut pause = SHORT;
    loop {
        let (row, fate) = (call.clone(), answer.clone());
        let noted = async {
            let jitter = u64::from_be_bytes(random::<8>()?);
            app.db
                .write(move |tx| queue::settle(tx, &row, &fate, jitter))
                .await
        };
        match noted.await {
            Ok(()) => return,
            Err(error) => {
                tracing::error!(delivery = call.id.0, %error, "the fate of a webhook could not be written down yet");
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONG);
    }
}

/// Makes one attempt. Whatever goes wrong is an answer too.
pub(crate) async fn attempt(app: &App, call: &Call) -> Answer {
    let began = Instant::now();
    let mut answer = match post(app, call).await {
        Ok(answer) => answer,
        Err(error) => Answer {
            error: Some(error.to_string()),
            ..Answer::default()
        },
    };
    answer.latency_ms = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
    answer
}

async fn post(app: &App, call: &Call) -> Result<Answer> {
    let key = String::from_utf8(app.secret.open(&call.secret)?).map_err(Error::internal)?;
    let seconds = app.db.clock().now() / SECOND;
    let signature = sign::signature(&key, &call.uid, seconds, &call.body)?;
    let request = Request::post(&call.url)
        .header(header::CONTENT_TYPE, "application/json")
        .header("webhook-id", &call.uid)
        .header("webhook-timestamp", seconds)
        .header("webhook-signature", signature)
        .body(Bytes::from(call.body.clone()))
        .map_err(Error::internal)?;
    let bounds = Bounds {
        reach: app.config.private_targets.of_others(),
        longest: DEADLINE,
        most: MOST_ANSWER,
    };
    Ok(match app.outbound_http.send(request, bounds).await {
        Ok(response) => {
            let retry_after = response
                .headers()
                .get(header::RETRY_AFTER)
                .and_then(|value| value.to_str().ok()?.trim().parse::<Millis>().ok())
                .map(|seconds| seconds.saturating_mul(SECOND));
            let status = response.status();
            let text = String::from_utf8_lossy(response.body());
            let good = status.is_success();
            Answer {
                status: Some(status.as_u16()),
                error: (!good).then(|| format!("the answer was {}", status.as_u16())),
                response: Some(text.chars().take(EXCERPT).collect()),
                retry_after,
                latency_ms: 0,
            }
        }
        // Whoever says more than is read has said by the status whether the call was taken.
        Err(Failure::TooLarge(_, _, status)) if status.is_success() => Answer {
            status: Some(status.as_u16()),
            ..Answer::default()
        },
        Err(failure) => Answer {
            error: Some(failure.to_string()),
            ..Answer::default()
        },
    })
}
