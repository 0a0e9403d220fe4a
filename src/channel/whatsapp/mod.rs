//! WhatsApp through a server of the Evolution API. Versions 1 and 2 want other bodies: the newer one is tried first, and
//! the older one when the server says that it misses what the older one has.
mod contents;
mod jid;
mod parse;
mod verdict;

use super::{
    config::Channel,
    heard::{Heard, Link, Media, Source, text_at},
    messenger::{Checked, Load, Messenger, Polled, Sent, To, Unfetched, Unpolled},
    parts::{Attached, Limits, Part},
    peer::{self, Body, Call, LONG, Reply, SHORT, Silence},
};
use crate::app::App;
use data_encoding::{BASE64, BASE64_MIME_PERMISSIVE};
use futures_util::future::{BoxFuture, FutureExt};
use hyper::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use std::time::Duration;
use verdict::{complaint, verdict};

/// The events that a desk wants, and the ones that every version knows.
const EVENTS: [&str; 10] = [
    "MESSAGES_UPSERT",
    "MESSAGES_UPDATE",
    "MESSAGES_EDITED",
    "MESSAGES_DELETE",
    "SEND_MESSAGE",
    "CONNECTION_UPDATE",
    "QRCODE_UPDATED",
    "STATUS_INSTANCE",
    "LOGOUT_INSTANCE",
    "REMOVE_INSTANCE",
];
const COMMON: [&str; 6] = [
    "MESSAGES_UPSERT",
    "MESSAGES_UPDATE",
    "MESSAGES_DELETE",
    "SEND_MESSAGE",
    "CONNECTION_UPDATE",
    "QRCODE_UPDATED",
];

pub(crate) fn heard(channel: &Channel, event: &Value) -> Vec<Heard> {
    parse::heard(event, channel.config["groups"] == true)
}

pub(crate) fn token(event: &Value) -> String {
    parse::token(event)
}

/// An instance of the server: one WhatsApp account.
pub(crate) struct Instance {
    app: App,
    base: String,
    name: String,
    key: String,
}

/// A code to scan, or that none is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pairing {
    Scan { image: String, code: Option<String> },
    Connected,
}

impl Instance {
    pub(crate) fn of(app: &App, channel: &Channel) -> Instance {
        Instance {
            app: app.clone(),
            base: channel.text("/base_url").trim_end_matches('/').to_owned(),
            name: channel.text("/instance").to_owned(),
            key: channel.secrets.token.clone().unwrap_or_default(),
        }
    }

    /// Calls `path` of the instance.
    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Body,
        longest: Duration,
    ) -> Result<Reply, Silence> {
        let name = utf8_percent_encode(&self.name, NON_ALPHANUMERIC);
        let call = Call {
            headers: &[("apikey", self.key.as_str())],
            body,
            longest,
            // A file comes in base64.
            most: 160 << 20,
            ..Call::new(method, format!("{}/{path}/{name}", self.base))
        };
        peer::ask(&self.app, call).await
    }

    async fn post(&self, path: &str, body: Value, longest: Duration) -> Result<Reply, Silence> {
        self.call(Method::POST, path, Body::Json(body), longest)
            .await
    }

    /// Posts the body of version 2, and that of version 1 to a server which misses it.
    async fn post_either(
        &self,
        path: &str,
        new: Value,
        old: Value,
        longest: Duration,
    ) -> Result<Reply, Silence> {
        let reply = self.post(path, new, longest).await?;
        if reply.status == 400 && is_of_version_1(&complaint(&reply.json())) {
            return self.post(path, old, longest).await;
        }
        Ok(reply)
    }

    async fn deliver(&self, to: &To, load: Load<'_>) -> Sent {
        let number = number(&to.address);
        let first = load.bytes.first().map(Vec::as_slice).unwrap_or_default();
        let reply = match load.part {
            Part::Text(text) => {
                let new =
                    json!({ "number": number, "text": text, "delay": 0, "linkPreview": false });
                let old = json!({
                    "number": number, "textMessage": { "text": text },
                    "options": { "delay": 0, "linkPreview": false },
                });
                self.post_either("message/sendText", new, old, SHORT * 2)
                    .await
            }
            Part::File { file, caption } => self.send_file(&number, file, caption, first).await,
            // Albums are not asked for: the limits say so.
            Part::Album { files, caption } => match files.first() {
                Some(file) => self.send_file(&number, file, caption, first).await,
                None => return Sent::Delivered(Vec::new()),
            },
        };
        verdict(reply)
    }

    async fn send_file(
        &self,
        number: &str,
        file: &Attached,
        caption: &str,
        bytes: &[u8],
    ) -> Result<Reply, Silence> {
        let data = BASE64.encode(bytes);
        if file.mime == "audio/ogg" {
            let new = json!({ "number": number, "audio": data, "encoding": true });
            let old = json!({ "number": number, "audioMessage": { "audio": data } });
            return self
                .post_either("message/sendWhatsAppAudio", new, old, LONG)
                .await;
        }
        let kind = match file.mime.split('/').next() {
            Some("image") if file.is_picture() => "image",
            Some("video") => "video",
            Some("audio") => "audio",
            _ => "document",
        };
        let media = json!({
            "mediatype": kind, "mimetype": file.mime, "fileName": file.name,
            "caption": caption, "media": data,
        });
        let mut new = media.clone();
        new["number"] = number.into();
        let old = json!({ "number": number, "mediaMessage": media });
        self.post_either("message/sendMedia", new, old, LONG).await
    }

    async fn state(&self) -> Result<Checked, String> {
        let reply = self
            .call(Method::GET, "instance/connectionState", Body::None, SHORT)
            .await?;
        if !reply.is_ok() {
            return Err(complaint(&reply.json()).unwrap_or_else(|| outage(&reply)));
        }
        let body = reply.json();
        let state = text_at(body.get("instance").unwrap_or(&body), "state");
        let link = match state.as_str() {
            "open" => Link::Open,
            "connecting" => Link::Connecting,
            "close" | "closed" | "refused" => Link::Closed,
            other => {
                return Err(format!(
                    "the server speaks of a state it does not have: {other}"
                ));
            }
        };
        Ok(Checked {
            server: self.name.clone(),
            handle: Some(self.name.clone()),
            link: Some(link),
        })
    }

    /// Asks for a code to scan; an instance that is not there yet is made.
    pub(crate) async fn pair(&self) -> Result<Pairing, String> {
        let reply = self
            .call(Method::GET, "instance/connect", Body::None, SHORT)
            .await?;
        let reply = if reply.status == 404 {
            self.create().await?
        } else {
            reply
        };
        let body = reply.json();
        if !reply.is_ok() || body["error"] == true {
            return Err(complaint(&body).unwrap_or_else(|| outage(&reply)));
        }
        if body.pointer("/instance/state").is_some_and(|s| s == "open") {
            return Ok(Pairing::Connected);
        }
        let qr = body.get("qrcode").unwrap_or(&body);
        let image = text_at(qr, "base64");
        if !image.starts_with("data:image/png;base64,") {
            return Err("the server has no code to scan yet; try again in a few seconds".into());
        }
        let code = text_at(qr, "pairingCode");
        Ok(Pairing::Scan {
            image,
            code: (!code.is_empty()).then_some(code),
        })
    }

    async fn create(&self) -> Result<Reply, Silence> {
        let body = json!({
            "instanceName": self.name, "integration": "WHATSAPP-BAILEYS", "qrcode": true,
            "rejectCall": false, "readMessages": false, "alwaysOnline": false, "syncFullHistory": false,
        });
        let call = Call {
            headers: &[("apikey", self.key.as_str())],
            longest: SHORT,
            ..Call::post(format!("{}/instance/create", self.base), body)
        };
        peer::ask(&self.app, call).await
    }

    async fn hook(&self, url: &str, enabled: bool, secret: &str) -> Result<(), String> {
        let mut last = String::new();
        for events in [&EVENTS[..], &COMMON[..]] {
            let new = json!({ "webhook": {
                "enabled": enabled, "url": url, "headers": { "X-Hook-Secret": secret },
                "byEvents": false, "base64": false, "events": events,
            }});
            let old = json!({
                "enabled": enabled, "url": url, "webhook_by_events": false, "webhook_base64": false,
                "events": COMMON,
            });
            let reply = self.post_either("webhook/set", new, old, SHORT).await?;
            if reply.is_ok() {
                return Ok(());
            }
            last = complaint(&reply.json()).unwrap_or_else(|| outage(&reply));
            // One event that a version does not know makes it refuse all.
            if reply.status != 400 {
                break;
            }
        }
        Err(last)
    }

    async fn download(&self, media: &Media, limit: u64) -> Result<Vec<u8>, Unfetched> {
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let message = match &media.source {
            Source::Message(message) => message,
            Source::Url(url) => {
                let call = Call {
                    longest: LONG,
                    most,
                    ..Call::new(Method::GET, url.clone())
                };
                let reply = peer::ask(&self.app, call)
                    .await
                    .map_err(|silence| Unfetched::Later(silence.why))?;
                return match reply.status {
                    200 => Ok(reply.bytes.into()),
                    404 | 403 => Err(Unfetched::Never("the file is gone".into())),
                    _ => Err(Unfetched::Later(outage(&reply))),
                };
            }
            Source::Inline(_) | Source::Named(_) => {
                return Err(Unfetched::Never("no file is named".into()));
            }
        };
        let body = json!({ "message": message, "convertToMp4": false });
        let reply = self
            .post("chat/getBase64FromMediaMessage", body, LONG)
            .await
            .map_err(|silence| Unfetched::Later(silence.why))?;
        let answer = reply.json();
        if !reply.is_ok() {
            // It may not be stored there yet.
            return Err(Unfetched::Later(
                complaint(&answer).unwrap_or_else(|| outage(&reply)),
            ));
        }
        decode(&text_at(&answer, "base64"), limit)
    }
}

/// The bytes behind a text of base64.
pub(crate) fn decode(text: &str, limit: u64) -> Result<Vec<u8>, Unfetched> {
    let bare = text.rsplit_once(";base64,").map_or(text, |(_, bare)| bare);
    if bare.len() as u64 / 4 * 3 > limit.saturating_add(4) {
        return Err(Unfetched::Never(
            "the file is larger than the plan allows".into(),
        ));
    }
    match BASE64_MIME_PERMISSIVE.decode(bare.as_bytes()) {
        Ok(bytes) if !bytes.is_empty() => Ok(bytes),
        _ => Err(Unfetched::Never("the file cannot be read".into())),
    }
}

fn is_of_version_1(complaint: &Option<String>) -> bool {
    const MISSED: [&str; 5] = [
        "\"textMessage\"",
        "\"mediaMessage\"",
        "\"audioMessage\"",
        "\"webhook\"",
        "requires property \"url\"",
    ];
    complaint
        .as_deref()
        .is_some_and(|words| MISSED.iter().any(|missed| words.contains(missed)))
}

fn outage(reply: &Reply) -> String {
    format!("the server answered {}", reply.status)
}

/// What is sent to: a bare number, or the whole id where there is none.
fn number(address: &str) -> String {
    address
        .strip_suffix("@s.whatsapp.net")
        .unwrap_or(address)
        .to_owned()
}

impl Messenger for Instance {
    fn limits(&self) -> Limits {
        Limits {
            text: 60_000,
            caption: 1024,
            album: 1,
        }
    }

    fn send<'a>(&'a self, to: &'a To, load: Load<'a>) -> BoxFuture<'a, Sent> {
        self.deliver(to, load).boxed()
    }

    fn edit<'a>(&'a self, to: &'a To, external: &'a str, text: &'a str) -> BoxFuture<'a, Sent> {
        async move {
            let key = json!({ "id": external, "remoteJid": to.address, "fromMe": true });
            let body = json!({ "number": number(&to.address), "text": text, "key": key });
            verdict(self.post("chat/updateMessage", body, SHORT).await)
        }
        .boxed()
    }

    fn revoke<'a>(&'a self, to: &'a To, external: &'a str) -> BoxFuture<'a, Sent> {
        async move {
            let body = json!({ "id": external, "remoteJid": to.address, "fromMe": true, "participant": "" });
            let path = "chat/deleteMessageForEveryone";
            let reply = self.call(Method::DELETE, path, Body::Json(body), SHORT).await;
            verdict(reply)
        }
        .boxed()
    }

    fn acknowledge<'a>(&'a self, _callback: &'a str, _text: &'a str) -> BoxFuture<'a, Sent> {
        async { Sent::Delivered(Vec::new()) }.boxed()
    }

    fn check(&self) -> BoxFuture<'_, Result<Checked, String>> {
        self.state().boxed()
    }

    fn listen<'a>(&'a self, url: &'a str, secret: &'a str) -> BoxFuture<'a, Result<(), String>> {
        self.hook(url, true, secret).boxed()
    }

    fn deafen<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<(), String>> {
        self.hook(url, false, "").boxed()
    }

    fn fetch<'a>(
        &'a self,
        media: &'a Media,
        limit: u64,
    ) -> BoxFuture<'a, Result<Vec<u8>, Unfetched>> {
        self.download(media, limit).boxed()
    }

    fn poll<'a>(&'a self, _cursor: Option<&'a str>) -> BoxFuture<'a, Result<Polled, Unpolled>> {
        async { Err(Unpolled::Never("WhatsApp is not polled".into())) }.boxed()
    }
}

#[cfg(feature = "fuzzing")]
pub(crate) fn strange(event: &Value) {
    let _ = (parse::event_name(event), parse::token(event));
    let _ = (parse::heard(event, false), parse::heard(event, true));
}
