//! The registry of actions. Everything that must agree about an action is read from one row of it: dispatch,
//! authorisation, the OpenAPI document, the reference page and the tests.
//!
//! The input type is the action: its doc comment is the reference text, its fields are the schema, [`Spec`] carries the
//! rest. A [`Query`] reads one snapshot, a [`Command`] writes one transaction, a [`Task`] waits for something else.
pub(crate) mod admin;
pub(crate) mod client;
pub(crate) mod field;
mod idempotency;
pub(crate) mod openapi;
pub(crate) mod shared;
pub(crate) mod widget;

use crate::{
    access::{
        Caller, Principal,
        rules::{Audience, Needs},
    },
    app::App,
    blob::Blob,
    clock::Millis,
    db::{Lane, Snapshot, Tx},
    error::{Code, Error, Result},
    lang::Lang,
    report::sheet::Download,
    ticket::Actor,
};
use bytes::Bytes;
use field::TenantId;
use idempotency::Repeat;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use shared::Question;
use std::{
    future::Future,
    net::IpAddr,
    pin::Pin,
    sync::{Arc, Mutex},
};

/// A file that came with a call, already in the store.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    pub(crate) blob: Blob,
    pub(crate) name: String,
    pub(crate) mime: String,
}

/// What is known of a call besides its parameters and its caller.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) lang: Lang,
    pub(crate) request_id: String,
    pub(crate) address: IpAddr,
    /// The caller's program, as its `User-Agent` says.
    pub(crate) device: String,
    pub(crate) uploads: Vec<Upload>,
    pub(crate) idempotency_key: Option<String>,
    /// A cookie to set with the answer.
    pub(crate) cookie: Mutex<Option<String>>,
    /// A file to answer with in place of JSON.
    pub(crate) file: Mutex<Option<Download>>,
}

impl Call {
    /// Sets a cookie with the answer.
    pub(crate) fn set_cookie(&self, cookie: String) {
        if let Ok(mut slot) = self.cookie.lock() {
            *slot = Some(cookie);
        }
    }

    /// Answers with a file in place of JSON.
    pub(crate) fn answer_with(&self, file: Download) {
        if let Ok(mut slot) = self.file.lock() {
            *slot = Some(file);
        }
    }
}

/// What a query is handed: a snapshot it cannot write through.
pub(crate) struct Read<'a, B> {
    pub(crate) db: &'a Snapshot<'a>,
    pub(crate) by: &'a B,
    pub(crate) call: &'a Call,
    pub(crate) app: &'a App,
}

/// What a command is handed: the one open write transaction.
pub(crate) struct Write<'a, B> {
    pub(crate) tx: &'a Tx<'a>,
    pub(crate) by: &'a B,
    pub(crate) call: &'a Call,
    pub(crate) app: &'a App,
}

/// What a task is handed: the program itself, to be used in short calls between slow work.
pub(crate) struct Slow<B> {
    pub(crate) app: App,
    pub(crate) by: B,
    pub(crate) call: Arc<Call>,
}

/// The part all actions share. The type that implements it is the action's input.
pub(crate) trait Spec: DeserializeOwned + JsonSchema + Send + 'static {
    const NAME: &'static str;
    const NEEDS: Needs;
    /// A title in Russian, Kazakh and English.
    const TITLE: [&'static str; 3];
    /// An input that decodes; shown in the reference, sent by the tests.
    const EXAMPLE: &'static str;
    /// Whether files may come with it, as `files[]` of a multipart body.
    const FILES: bool = false;
    /// The media types of the files that it may answer with in place of JSON.
    const DOWNLOADS: &'static [&'static str] = &[];
    type By: Caller;
    type Output: Serialize + JsonSchema + Send + 'static;
}

/// Reads one snapshot.
pub(crate) trait Query: Spec {
    const LANE: Lane = Lane::Fast;
    /// Where this one is read: some inputs of an action cost more than others.
    fn lane(&self) -> Lane {
        Self::LANE
    }
    /// Until when an answer that was found at `now` holds if nothing is written meanwhile: as long, it is given again to
    /// whoever asks the same (see [`shared`]). Without a word on it, it is found anew each time.
    fn holds_until(_: &Self::Output, _now: Millis) -> Option<Millis> {
        None
    }
    fn run(self, cx: &Read<'_, Self::By>) -> Result<Self::Output>;
}

/// Writes in one transaction; must not wait for anything but SQLite.
pub(crate) trait Command: Spec {
    /// Whether it makes room: on a full disk it is by such actions that people go on.
    const FREES: bool = false;
    fn run(self, cx: &Write<'_, Self::By>) -> Result<Self::Output>;
}

/// Waits: hashes a password, calls another server.
pub(crate) trait Task: Spec {
    /// Whether it makes something, so that a retry with the same `Idempotency-Key` must not make another.
    const CREATES: bool = false;
    fn run(self, cx: Slow<Self::By>) -> impl Future<Output = Result<Self::Output>> + Send;
}

type Reading = Box<dyn FnOnce(&Snapshot<'_>, &Principal, &Call, &App) -> Result<Found> + Send>;
type Writing = Box<dyn FnOnce(&Tx<'_>, &Principal, &Call, &App) -> Result<Vec<u8>> + Send>;
type Waiting = Pin<Box<dyn Future<Output = Result<Vec<u8>>> + Send>>;

/// What a query answers, and until when that holds if it is to be kept.
type Found = (Vec<u8>, Option<Millis>);

/// How an action runs. The input is decoded before a thread of the database is asked for anything.
#[derive(Clone, Copy)]
pub(crate) enum Run {
    Query(Look),
    Command { frees: bool, decode: Decode },
    Task { creates: bool, start: Start },
}

type Look = fn(Value) -> Result<(Lane, Reading)>;
type Decode = fn(Value) -> Result<Writing>;
type Start = fn(Value, App, Arc<Principal>, Arc<Call>) -> Result<Waiting>;

/// One row of the registry.
pub(crate) struct Action {
    pub(crate) name: &'static str,
    pub(crate) needs: Needs,
    pub(crate) title: [&'static str; 3],
    pub(crate) example: &'static str,
    pub(crate) files: bool,
    pub(crate) downloads: &'static [&'static str],
    run: Run,
    input: fn(&mut SchemaGenerator) -> Schema,
    output: fn(&mut SchemaGenerator) -> Schema,
    #[cfg(feature = "fuzzing")]
    decode: fn(Value) -> Result<()>,
}

const fn row<A: Spec>(run: Run) -> Action {
    Action {
        name: A::NAME,
        needs: A::NEEDS,
        title: A::TITLE,
        example: A::EXAMPLE,
        files: A::FILES,
        downloads: A::DOWNLOADS,
        run,
        input: |generator| generator.subschema_for::<A>(),
        output: |generator| generator.subschema_for::<A::Output>(),
        #[cfg(feature = "fuzzing")]
        decode: |input| field::decode::<A>(input).map(drop),
    }
}

fn by<B: Caller>(principal: &Principal) -> Result<&B> {
    B::of(principal).ok_or_else(|| Error::new(Code::NotAuthenticated))
}

fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    Ok(serde_json::to_vec(value)?)
}

pub(crate) const fn query<A: Query>() -> Action {
    row::<A>(Run::Query(|input| {
        let input = field::decode::<A>(input)?;
        let lane = input.lane();
        let reading: Reading = Box::new(move |db, principal, call, app| {
            let by = by(principal)?;
            let found = input.run(&Read { db, by, call, app })?;
            Ok((encode(&found)?, A::holds_until(&found, db.now)))
        });
        Ok((lane, reading))
    }))
}

pub(crate) const fn command<A: Command>() -> Action {
    row::<A>(Run::Command {
        frees: A::FREES,
        decode: |input| {
            let input = field::decode::<A>(input)?;
            Ok(Box::new(move |tx, principal, call, app| {
                let by = by(principal)?;
                encode(&input.run(&Write { tx, by, call, app })?)
            }))
        },
    })
}

pub(crate) const fn task<A: Task>() -> Action {
    row::<A>(Run::Task {
        creates: A::CREATES,
        start: |input, app, principal, call| {
            let input = field::decode::<A>(input)?;
            let by = by::<A::By>(&principal)?.clone();
            Ok(Box::pin(async move {
                encode(&input.run(Slow { app, by, call }).await?)
            }))
        },
    })
}

/// One endpoint of the API and the actions behind it, in groups as the reference shows them.
pub(crate) struct Surface {
    pub(crate) name: &'static str,
    pub(crate) groups: &'static [(&'static str, &'static [Action])],
}

pub(crate) static ADMIN: Surface = Surface {
    name: "admin",
    groups: admin::GROUPS,
};
pub(crate) static CLIENT: Surface = Surface {
    name: "client",
    groups: client::GROUPS,
};
pub(crate) static WIDGET: Surface = Surface {
    name: "widget",
    groups: widget::GROUPS,
};

/// Every endpoint.
pub(crate) static SURFACES: [&Surface; 3] = [&ADMIN, &CLIENT, &WIDGET];

impl Surface {
    pub(crate) fn actions(&self) -> impl Iterator<Item = (&'static str, &'static Action)> {
        self.groups
            .iter()
            .flat_map(|(group, rows)| rows.iter().map(move |action| (*group, action)))
    }

    pub(crate) fn find(&self, name: &str) -> Result<&'static Action> {
        self.actions()
            .find(|(_, action)| action.name == name)
            .map(|(_, action)| action)
            .ok_or_else(|| {
                let shown: String = name.chars().take(64).collect();
                Error::new(Code::UnknownAction)
                    .on("action")
                    .with("action", shown)
            })
    }
}

impl Action {
    /// Whether it may change anything. A browser that another site drives may not call such an action.
    pub(crate) fn changes(&self) -> bool {
        !matches!(self.run, Run::Query(..))
    }

    pub(crate) fn is_for_anyone(&self) -> bool {
        self.needs.audience == Audience::Anyone
    }

    /// Decodes a body and does nothing with it.
    #[cfg(feature = "fuzzing")]
    pub(crate) fn decodes(&self, body: Value) -> Result<()> {
        (self.decode)(body)
    }

    /// Runs the action and answers its data as JSON.
    pub(crate) async fn dispatch(
        &self,
        app: &App,
        principal: Principal,
        call: Arc<Call>,
        body: Map<String, Value>,
    ) -> Result<Bytes> {
        self.needs.met_by(&principal)?;
        let answer = match self.run {
            Run::Query(decode) => return self.read(app, principal, call, body, decode).await,
            Run::Command { frees, decode } => {
                let work = self.writing(app, principal, call, body, decode)?;
                if frees {
                    app.db.write_to_free(work).await
                } else {
                    app.db.write(work).await
                }
            }
            Run::Task {
                creates: false,
                start,
            } => {
                let input = Value::Object(body);
                start(input, app.clone(), Arc::new(principal), call)?.await
            }
            Run::Task {
                creates: true,
                start,
            } => self.create(app, principal, call, body, start).await,
        };
        answer.map(Bytes::from)
    }

    /// Answers a query, with what was found before if it still holds.
    async fn read(
        &self,
        app: &App,
        principal: Principal,
        call: Arc<Call>,
        body: Map<String, Value>,
        decode: Look,
    ) -> Result<Bytes> {
        let asked = Question::of(self.name, &principal, &call, &body);
        let kept = asked
            .as_ref()
            .and_then(|asked| app.answers.find(asked, app.db.clock().now()));
        if let Some(json) = kept {
            return Ok(json);
        }
        let (lane, reading) = decode(Value::Object(body))?;
        let reader = app.clone();
        let look = move |s: &Snapshot<'_>| {
            let (json, until) = reading(s, &principal, &call, &reader)?;
            Ok((Bytes::from(json), s.now, until))
        };
        let (json, since, until) = app.db.read_on(lane, look).await?;
        if let (Some(asked), Some(until)) = (asked, until) {
            app.answers.keep(asked, since, until, &json);
        }
        Ok(json)
    }

    /// Runs a task that makes something, unless it was run before with the same key.
    async fn create(
        &self,
        app: &App,
        principal: Principal,
        call: Arc<Call>,
        body: Map<String, Value>,
        start: Start,
    ) -> Result<Vec<u8>> {
        let repeat = Repeat::of(&app.secret, self.name, &principal, &call, &body)?;
        let work = start(Value::Object(body), app.clone(), Arc::new(principal), call)?;
        let Some(repeat) = repeat else {
            return work.await;
        };
        let asked = repeat.clone();
        if let Some(answer) = app.db.read(move |db| asked.earlier(db, db.now)).await? {
            return Ok(answer);
        }
        let answer = work.await?;
        let kept = answer.clone();
        if let Err(error) = app.db.write(move |tx| repeat.keep(tx, &kept)).await {
            // It is done all the same; a retry will be told that there already is one.
            tracing::warn!(%error, "an answer could not be kept for retries");
        }
        Ok(answer)
    }

    /// What the writer does: the action once, its audit entry, and its answer kept for a retry.
    fn writing(
        &self,
        app: &App,
        principal: Principal,
        call: Arc<Call>,
        body: Map<String, Value>,
        decode: Decode,
    ) -> Result<impl FnOnce(&Tx<'_>) -> Result<Vec<u8>> + Send + 'static> {
        let subject = audit_subject(&body);
        let repeat = Repeat::of(&app.secret, self.name, &principal, &call, &body)?;
        let writing = decode(Value::Object(body))?;
        let (name, app) = (self.name, app.clone());
        Ok(move |tx: &Tx<'_>| {
            if let Some(answer) = repeat
                .as_ref()
                .map(|r| r.earlier(tx, tx.now))
                .transpose()?
                .flatten()
            {
                return Ok(answer);
            }
            let answer = writing(tx, &principal, &call, &app)?;
            if let Principal::Operator(operator) = &principal {
                let actor = Actor::operator(operator);
                let place = (call.address.to_string(), call.request_id.as_str());
                crate::audit::note(tx, operator.tenant, &actor, name, &subject, place)?;
            }
            if let Some(repeat) = &repeat {
                repeat.keep(tx, &answer)?;
            }
            Ok(answer)
        })
    }
}

/// The ids that a call names: what an audit entry is about. Texts and secrets stay out of it.
fn audit_subject(body: &Map<String, Value>) -> String {
    let named =
        |name: &str| name.ends_with("_id") || name.ends_with("_ids") || name == "portal_domain";
    let ids: Map<String, Value> = body
        .iter()
        .filter(|(name, value)| named(name) && !value.is_object() && value.to_string().len() <= 512)
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    Value::Object(ids).to_string()
}

/// Who a caller is in the idempotency table: a key that one caller used is not another's. The visitors of a site, who all
/// bear its key, are told apart by where they come from.
fn caller_name(principal: &Principal, call: &Call) -> Option<(TenantId, String)> {
    match principal {
        Principal::Anonymous => None,
        Principal::Operator(o) => Some((o.tenant, o.signature())),
        Principal::Client(c) => Some((
            c.tenant,
            match c.user_id {
                0 => format!("client {} session {}", c.client, c.session),
                user => format!("client {} user {user}", c.client),
            },
        )),
        Principal::Widget(w) => Some((w.tenant, format!("widget {}", call.address))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        access::WidgetSite,
        tenant::{limits, plan::Plan},
    };

    #[test]
    fn visitors_of_a_site_are_told_apart_by_where_they_come_from() {
        let visitor = Principal::Widget(WidgetSite {
            tenant: TenantId(1),
            plan: Plan::Free,
            limits: limits::effective(Plan::Free, &limits::Overrides::default()),
            allowed_origins: Vec::new(),
        });
        let name = |last: u8| {
            let call = Call {
                lang: Lang::Ru,
                request_id: String::new(),
                address: IpAddr::from([192, 0, 2, last]),
                device: String::new(),
                uploads: Vec::new(),
                idempotency_key: None,
                cookie: Mutex::default(),
                file: Mutex::default(),
            };
            caller_name(&visitor, &call)
        };
        assert_eq!(name(1), Some((TenantId(1), "widget 192.0.2.1".to_owned())));
        assert_ne!(name(1), name(2));
    }
}
