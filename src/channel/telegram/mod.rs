//! Telegram: the Bot API, at its public address or at a server of one's own.
mod parse;
mod verdict;

use super::{
    config::Channel,
    heard::{Heard, Media, Source, text_at, text_of},
    messenger::{Button, Checked, Load, Messenger, Polled, Sent, To, Unfetched, Unpolled},
    parts::{Attached, Limits, Part},
    peer::{self, Body, Call, Form, LONG, SHORT},
};
use crate::app::App;
use futures_util::future::{BoxFuture, FutureExt};
use hyper::Method;
use serde_json::{Map, Value, json};
use std::time::Duration;
use verdict::{Answer, verdict};

/// The public Bot API.
pub(crate) const API: &str = "https://api.telegram.org";

/// The updates that a desk wants.
const UPDATES: [&str; 5] = [
    "message",
    "edited_message",
    "callback_query",
    "my_chat_member",
    "message_reaction",
];

/// How long one poll waits for something new.
const POLL: u64 = 25;

pub(crate) fn heard(channel: &Channel, update: &Value) -> Vec<Heard> {
    vec![parse::heard(
        update,
        channel.handle.as_deref().unwrap_or_default(),
    )]
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

    async fn call(&self, method: &str, body: Body, longest: Duration) -> Answer {
        let url = format!("{}/bot{}/{method}", self.base, self.token);
        let call = Call {
            body,
            longest,
            ..Call::new(Method::POST, url)
        };
        Answer::of(peer::ask(&self.app, call).await)
    }

    async fn ask(&self, method: &str, body: Value) -> Answer {
        self.call(method, Body::Json(body), SHORT).await
    }

    async fn deliver(&self, to: &To, load: Load<'_>) -> Sent {
        let mut fields = Map::new();
        fields.insert("chat_id".into(), number_or_name(&to.address));
        if let Some(topic) = to.topic.as_deref().and_then(|t| t.parse::<i64>().ok()) {
            fields.insert("message_thread_id".into(), topic.into());
        }
        if !load.buttons.is_empty() {
            fields.insert("reply_markup".into(), keyboard(load.buttons));
        }
        let answer = match load.part {
            Part::Text(text) => {
                fields.insert("text".into(), text.as_str().into());
                self.ask("sendMessage", fields.into()).await
            }
            Part::File { file, caption } => {
                let bytes = load.bytes.first().map(Vec::as_slice).unwrap_or_default();
                let (method, field) = way(file);
                if !caption.is_empty() {
                    fields.insert("caption".into(), caption.as_str().into());
                }
                if field == "document" {
                    fields.insert("disable_content_type_detection".into(), true.into());
                }
                let first = self.upload(method, &fields, &[(field, file, bytes)]).await;
                if field != "document" && first.refuses_the_file() {
                    // A picture or a recording of another make than Telegram takes is still a file.
                    let files = [("document", file, bytes)];
                    self.upload("sendDocument", &fields, &files).await
                } else {
                    first
                }
            }
            Part::Album { files, caption } => {
                let names: Vec<String> = (0..files.len()).map(|n| format!("file{n}")).collect();
                let media: Vec<Value> = names
                    .iter()
                    .enumerate()
                    .map(|(at, name)| {
                        let caption = if at == 0 { caption.as_str() } else { "" };
                        json!({ "type": "photo", "media": format!("attach://{name}"), "caption": caption })
                    })
                    .collect();
                fields.insert("media".into(), Value::Array(media));
                let parts: Vec<_> = names
                    .iter()
                    .zip(files)
                    .zip(&load.bytes)
                    .map(|((name, file), bytes)| (name.as_str(), file, bytes.as_slice()))
                    .collect();
                self.upload("sendMediaGroup", &fields, &parts).await
            }
        };
        verdict(answer, &to.address)
    }

    async fn upload(
        &self,
        method: &str,
        fields: &Map<String, Value>,
        files: &[(&str, &Attached, &[u8])],
    ) -> Answer {
        let mut form = Form::new();
        for (name, value) in fields {
            form = match value {
                Value::String(text) => form.text(name, text),
                other => form.text(name, &other.to_string()),
            };
        }
        for (name, file, bytes) in files {
            form = form.file(name, &file.name, &file.mime, bytes);
        }
        self.call(method, Body::Form(form), LONG).await
    }

    async fn identify(&self) -> Result<Checked, String> {
        let answer = self.ask("getMe", json!({})).await;
        let me = answer.result().map_err(|why| why.words())?;
        let name = text_at(&me, "username");
        Ok(Checked {
            server: format!("@{name}"),
            handle: Some(name),
            link: None,
        })
    }

    async fn download(&self, media: &Media, limit: u64) -> Result<Vec<u8>, Unfetched> {
        let Source::Named(id) = &media.source else {
            return Err(Unfetched::Never("no file is named".into()));
        };
        let answer = self.ask("getFile", json!({ "file_id": id })).await;
        let file = answer.result().map_err(|why| match why.is_final() {
            true => Unfetched::Never(why.words()),
            false => Unfetched::Later(why.words()),
        })?;
        let path = text_at(&file, "file_path");
        // A server of one's own answers a place on its own disk, which is not ours to open.
        if path.is_empty() || path.starts_with('/') || path.contains("..") {
            return Err(Unfetched::Never(
                "the Bot API server keeps the file on its own disk".into(),
            ));
        }
        let url = format!("{}/file/bot{}/{path}", self.base, self.token);
        let call = Call {
            longest: LONG,
            most: usize::try_from(limit).unwrap_or(usize::MAX),
            ..Call::new(Method::GET, url)
        };
        let reply = peer::ask(&self.app, call)
            .await
            .map_err(|silence| Unfetched::Later(silence.why))?;
        match reply.status {
            200 => Ok(reply.bytes.into()),
            404 | 400 => Err(Unfetched::Never("the file is gone".into())),
            status => Err(Unfetched::Later(format!(
                "the file server answered {status}"
            ))),
        }
    }

    async fn updates(&self, cursor: Option<&str>) -> Result<Polled, Unpolled> {
        let mut body = json!({ "timeout": POLL, "limit": 100, "allowed_updates": UPDATES });
        if let Some(offset) = cursor.and_then(|c| c.parse::<i64>().ok()) {
            body["offset"] = offset.into();
        }
        let longest = Duration::from_secs(POLL + 15);
        let answer = self.call("getUpdates", Body::Json(body), longest).await;
        let updates = answer.result().map_err(|why| {
            let words = why.words();
            match why.code() {
                409 if words.contains("webhook is active") => Unpolled::Hooked(words),
                409 => Unpolled::Taken(words),
                401 | 404 => Unpolled::Never(words),
                _ => Unpolled::Later {
                    why: words,
                    wait: why.wait(),
                },
            }
        })?;
        let events = updates.as_array().cloned().unwrap_or_default();
        let last = events.last().and_then(|u| u["update_id"].as_i64());
        Ok(Polled {
            cursor: last
                .map(|id| (id + 1).to_string())
                .or(cursor.map(str::to_owned)),
            events,
        })
    }
}

/// The method that sends a file, and what it calls the file.
fn way(file: &Attached) -> (&'static str, &'static str) {
    match file.mime.as_str() {
        _ if file.is_picture() => ("sendPhoto", "photo"),
        "audio/ogg" => ("sendVoice", "voice"),
        "audio/mpeg" | "audio/mp4" => ("sendAudio", "audio"),
        "video/mp4" => ("sendVideo", "video"),
        _ => ("sendDocument", "document"),
    }
}

fn number_or_name(address: &str) -> Value {
    address
        .parse::<i64>()
        .map_or_else(|_| address.into(), Value::from)
}

fn keyboard(buttons: &[Vec<Button>]) -> Value {
    let rows: Vec<Vec<Value>> = buttons
        .iter()
        .map(|row| {
            row.iter()
                .map(|b| json!({ "text": b.text, "callback_data": b.data }))
                .collect()
        })
        .collect();
    json!({ "inline_keyboard": rows })
}

/// The number of a message inside its chat.
fn number_in_chat(external: &str) -> Value {
    let number = external.rsplit(':').next().unwrap_or_default();
    number.parse::<i64>().map_or(Value::Null, Value::from)
}

impl Messenger for Bot {
    fn limits(&self) -> Limits {
        Limits {
            text: 4096,
            caption: 1024,
            album: 10,
        }
    }

    fn send<'a>(&'a self, to: &'a To, load: Load<'a>) -> BoxFuture<'a, Sent> {
        self.deliver(to, load).boxed()
    }

    fn edit<'a>(&'a self, to: &'a To, external: &'a str, text: &'a str) -> BoxFuture<'a, Sent> {
        async move {
            let body = json!({
                "chat_id": number_or_name(&to.address),
                "message_id": number_in_chat(external),
                "text": text,
            });
            let mut answer = self.ask("editMessageText", body.clone()).await;
            if answer.says("there is no text in the message to edit") {
                let mut body = body;
                body["caption"] = body["text"].take();
                answer = self.ask("editMessageCaption", body).await;
            }
            if answer.says("message is not modified") {
                return Sent::Delivered(Vec::new());
            }
            verdict(answer, &to.address)
        }
        .boxed()
    }

    fn revoke<'a>(&'a self, to: &'a To, external: &'a str) -> BoxFuture<'a, Sent> {
        async move {
            let body = json!({ "chat_id": number_or_name(&to.address), "message_id": number_in_chat(external) });
            let answer = self.ask("deleteMessage", body).await;
            if answer.says("message to delete not found") {
                return Sent::Delivered(Vec::new());
            }
            verdict(answer, &to.address)
        }
        .boxed()
    }

    fn acknowledge<'a>(&'a self, callback: &'a str, text: &'a str) -> BoxFuture<'a, Sent> {
        async move {
            let body = json!({ "callback_query_id": callback, "text": text });
            verdict(self.ask("answerCallbackQuery", body).await, "")
        }
        .boxed()
    }

    fn check(&self) -> BoxFuture<'_, Result<Checked, String>> {
        self.identify().boxed()
    }

    fn listen<'a>(&'a self, url: &'a str, secret: &'a str) -> BoxFuture<'a, Result<(), String>> {
        async move {
            let body = json!({ "url": url, "secret_token": secret, "allowed_updates": UPDATES, "max_connections": 20 });
            let answer = self.ask("setWebhook", body).await;
            answer.result().map(drop).map_err(|why| why.words())
        }
        .boxed()
    }

    fn deafen<'a>(&'a self, _url: &'a str) -> BoxFuture<'a, Result<(), String>> {
        async move {
            let body = json!({ "drop_pending_updates": false });
            let answer = self.ask("deleteWebhook", body).await;
            answer.result().map(drop).map_err(|why| why.words())
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

/// What Telegram calls the messages that it sent.
fn externals(result: &Value, chat: &str) -> Vec<String> {
    let one = |message: &Value| {
        let id = text_at(message, "message_id");
        let chat = message
            .pointer("/chat/id")
            .and_then(text_of)
            .unwrap_or_else(|| chat.to_owned());
        (!id.is_empty()).then(|| format!("{chat}:{id}"))
    };
    match result {
        Value::Array(all) => all.iter().filter_map(one).collect(),
        other => one(other).into_iter().collect(),
    }
}

#[cfg(feature = "fuzzing")]
pub(crate) fn strange(update: &Value) {
    let _ = (parse::token(update), parse::heard(update, "desk_bot"));
}
