//! MAX: the bot platform at its public address or at another one. Written by its description; nobody here has talked to the
//! real platform, whose tokens only residents of Russia are given.
mod parse;
mod verdict;

use super::{
    config::Channel,
    heard::{Heard, Media, Source, text_at},
    messenger::{
        Button, Checked, Load, Messenger, Polled, Sent, To, Unfetched, Unpolled, told_to_wait,
    },
    parts::{Attached, Limits, Part},
    peer::{self, Body, Call, Form, LONG, Reply, SHORT, Silence},
};
use crate::app::App;
use futures_util::future::{BoxFuture, FutureExt};
use hyper::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use std::time::Duration;
use verdict::{complaint, verdict};

/// The platform.
pub(crate) const API: &str = "https://platform-api2.max.ru";

const UPDATES: [&str; 9] = [
    "message_created",
    "message_edited",
    "message_removed",
    "message_callback",
    "bot_started",
    "bot_stopped",
    "bot_added",
    "bot_removed",
    "dialog_removed",
];

/// How long one poll waits for something new.
const POLL: u64 = 30;
/// How long a file may take to be made ready, and the first wait for it.
const READY_WAITS: [u64; 4] = [1, 2, 4, 8];

pub(crate) fn heard(channel: &Channel, update: &Value) -> Vec<Heard> {
    let key = channel.secrets.token.as_deref().unwrap_or_default();
    vec![parse::heard(update, key)]
}

pub(crate) fn token(update: &Value) -> String {
    parse::token(update)
}

/// A bot.
pub(crate) struct Bot {
    app: App,
    base: String,
    token: String,
}

impl Bot {
    pub(crate) fn of(app: &App, channel: &Channel) -> Bot {
        let base = match channel.text("/api_base") {
            "" => API,
            base => base,
        };
        Bot {
            app: app.clone(),
            base: base.trim_end_matches('/').to_owned(),
            token: channel.secrets.token.clone().unwrap_or_default(),
        }
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Body,
        longest: Duration,
    ) -> Result<Reply, Silence> {
        let call = Call {
            headers: &[("authorization", self.token.as_str())],
            body,
            longest,
            ..Call::new(method, format!("{}{path}", self.base))
        };
        peer::ask(&self.app, call).await
    }

    /// A call whose result says by itself whether it succeeded.
    async fn order(&self, method: Method, path: &str, body: Body) -> Result<Value, String> {
        let reply = self.call(method, path, body, SHORT).await?;
        let answer = reply.json();
        if reply.is_ok() && answer["success"] != false {
            return Ok(answer);
        }
        Err(complaint(&reply, &answer))
    }

    async fn deliver(&self, to: &To, load: Load<'_>) -> Sent {
        let mut attachments = Vec::new();
        let text = match load.part {
            Part::Text(text) => text.as_str(),
            Part::File { file, caption } => {
                let bytes = load.bytes.first().map(Vec::as_slice).unwrap_or_default();
                match self.upload(file, bytes).await {
                    Ok(attachment) => attachments.push(attachment),
                    Err(failed) => return failed,
                }
                caption
            }
            Part::Album { files, caption } => {
                for (file, bytes) in files.iter().zip(&load.bytes) {
                    match self.upload(file, bytes).await {
                        Ok(attachment) => attachments.push(attachment),
                        Err(failed) => return failed,
                    }
                }
                caption
            }
        };
        if !load.buttons.is_empty() {
            attachments.push(keyboard(load.buttons));
        }
        let path = format!("/messages?chat_id={}", escaped(&to.address));
        let body = json!({
            "text": text,
            "attachments": if attachments.is_empty() { Value::Null } else { attachments.into() },
            "notify": true,
        });
        let mut waits = READY_WAITS.iter();
        loop {
            let reply = self
                .call(Method::POST, &path, Body::Json(body.clone()), SHORT)
                .await;
            // A file that was just uploaded may not be ready.
            if verdict::is_not_ready(&reply)
                && let Some(wait) = waits.next()
            {
                tokio::time::sleep(Duration::from_secs(*wait)).await;
                continue;
            }
            return verdict(reply);
        }
    }

    /// Hands a file over. Answers the attachment that a message then names.
    async fn upload(&self, file: &Attached, bytes: &[u8]) -> Result<Value, Sent> {
        let kind = match file.mime.split('/').next() {
            Some("image") if file.is_picture() => "image",
            Some("video") => "video",
            Some("audio") => "audio",
            _ => "file",
        };
        let path = format!("/uploads?type={kind}");
        let place = match self.call(Method::POST, &path, Body::None, SHORT).await {
            Ok(reply) if reply.is_ok() => reply.json(),
            refused => return Err(verdict(refused)),
        };
        let form = Form::new().file("data", &file.name, &file.mime, bytes);
        // The place is another host, which is not told the token.
        let call = Call {
            body: Body::Form(form),
            longest: LONG,
            ..Call::new(Method::POST, text_at(&place, "url"))
        };
        let taken = match peer::ask(&self.app, call).await {
            Ok(reply) if reply.is_ok() => reply.json(),
            refused => return Err(verdict(refused)),
        };
        let payload = if kind == "image" {
            json!({ "photos": taken["photos"] })
        } else {
            let token = [&taken, &place].map(|answer| text_at(answer, "token"));
            json!({ "token": token.iter().find(|t| !t.is_empty()) })
        };
        Ok(json!({ "type": kind, "payload": payload }))
    }

    /// Gives a message another text. Attachments that are null stay as they are, an empty list takes them away.
    async fn change(&self, external: &str, text: &str, attachments: Value) -> Sent {
        let path = format!("/messages?message_id={}", escaped(external));
        let body = json!({ "text": text, "attachments": attachments, "notify": false });
        let body = Body::Json(body);
        verdict(self.call(Method::PUT, &path, body, SHORT).await)
    }

    async fn identify(&self) -> Result<Checked, String> {
        let me = self.order(Method::GET, "/me", Body::None).await?;
        let username = text_at(&me, "username");
        Ok(Checked {
            server: if username.is_empty() {
                text_at(&me, "name")
            } else {
                format!("@{username}")
            },
            handle: Some(username),
            link: None,
        })
    }

    async fn updates(&self, cursor: Option<&str>) -> Result<Polled, Unpolled> {
        let marker = cursor.map(|c| format!("&marker={}", escaped(c)));
        let path = format!(
            "/updates?limit=100&timeout={POLL}&types={}{}",
            UPDATES.join(","),
            marker.unwrap_or_default()
        );
        let longest = Duration::from_secs(POLL + 15);
        let reply = self
            .call(Method::GET, &path, Body::None, longest)
            .await
            .map_err(|silence| Unpolled::Later {
                why: silence.why,
                wait: None,
            })?;
        let mut answer = reply.json();
        if !reply.is_ok() {
            let why = complaint(&reply, &answer);
            return Err(match reply.status {
                401 => Unpolled::Never(why),
                405 => Unpolled::Hooked(why),
                _ => Unpolled::Later {
                    why,
                    wait: reply.retry_after.map(told_to_wait),
                },
            });
        }
        let marker = text_at(&answer, "marker");
        Ok(Polled {
            cursor: if marker.is_empty() {
                cursor.map(str::to_owned)
            } else {
                Some(marker)
            },
            events: match answer["updates"].take() {
                Value::Array(updates) => updates,
                _ => Vec::new(),
            },
        })
    }

    async fn download(&self, media: &Media, limit: u64) -> Result<Vec<u8>, Unfetched> {
        let Source::Url(url) = &media.source else {
            return Err(Unfetched::Never("no file is named".into()));
        };
        let call = Call {
            longest: LONG,
            most: usize::try_from(limit).unwrap_or(usize::MAX),
            ..Call::new(Method::GET, url.clone())
        };
        let reply = peer::ask(&self.app, call)
            .await
            .map_err(|silence| Unfetched::Later(silence.why))?;
        match reply.status {
            200 => Ok(reply.bytes.into()),
            403 | 404 | 410 => Err(Unfetched::Never("the file is gone".into())),
            status => Err(Unfetched::Later(format!(
                "the file server answered {status}"
            ))),
        }
    }
}

fn escaped(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn keyboard(buttons: &[Vec<Button>]) -> Value {
    let rows: Vec<Vec<Value>> = buttons
        .iter()
        .map(|row| {
            row.iter()
                .map(|b| json!({ "type": "callback", "text": b.text, "payload": b.data }))
                .collect()
        })
        .collect();
    json!({ "type": "inline_keyboard", "payload": { "buttons": rows } })
}

impl Messenger for Bot {
    fn limits(&self) -> Limits {
        Limits {
            text: 4000,
            caption: 4000,
            album: 12,
        }
    }

    fn send<'a>(&'a self, to: &'a To, load: Load<'a>) -> BoxFuture<'a, Sent> {
        self.deliver(to, load).boxed()
    }

    fn edit<'a>(&'a self, _to: &'a To, external: &'a str, text: &'a str) -> BoxFuture<'a, Sent> {
        self.change(external, text, Value::Null).boxed()
    }

    fn replace<'a>(&'a self, _to: &'a To, external: &'a str, text: &'a str) -> BoxFuture<'a, Sent> {
        self.change(external, text, json!([])).boxed()
    }

    fn revoke<'a>(&'a self, _to: &'a To, external: &'a str) -> BoxFuture<'a, Sent> {
        async move {
            let path = format!("/messages?message_id={}", escaped(external));
            verdict(self.call(Method::DELETE, &path, Body::None, SHORT).await)
        }
        .boxed()
    }

    fn acknowledge<'a>(&'a self, callback: &'a str, text: &'a str) -> BoxFuture<'a, Sent> {
        async move {
            let path = format!("/answers?callback_id={}", escaped(callback));
            let body = json!({ "notification": text });
            verdict(
                self.call(Method::POST, &path, Body::Json(body), SHORT)
                    .await,
            )
        }
        .boxed()
    }

    fn check(&self) -> BoxFuture<'_, Result<Checked, String>> {
        self.identify().boxed()
    }

    fn listen<'a>(&'a self, url: &'a str, secret: &'a str) -> BoxFuture<'a, Result<(), String>> {
        async move {
            let body = json!({ "url": url, "secret": secret, "update_types": UPDATES });
            let asked = self.order(Method::POST, "/subscriptions", Body::Json(body));
            asked.await.map(drop)
        }
        .boxed()
    }

    fn deafen<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<(), String>> {
        async move {
            let path = format!("/subscriptions?url={}", escaped(url));
            self.order(Method::DELETE, &path, Body::None)
                .await
                .map(drop)
        }
        .boxed()
    }

    fn fetch<'a>(
        &'a self,
        media: &'a Media,
        limit: u64,
    ) -> BoxFuture<'a, Result<Vec<u8>, Unfetched>> {
        self.download(media, limit).boxed()
    }

    fn poll<'a>(&'a self, cursor: Option<&'a str>) -> BoxFuture<'a, Result<Polled, Unpolled>> {
        self.updates(cursor).boxed()
    }
}

#[cfg(feature = "fuzzing")]
pub(crate) fn strange(update: &Value) {
    let _ = (parse::token(update), parse::heard(update, "key"));
}
