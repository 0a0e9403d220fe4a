//! What the messengers post. A delivery proves itself by the secret that we gave the provider: in a header, for WhatsApp
//! also in the address, or by the key of the instance that it names.
use super::{LIMIT, TIME, unknown};
use crate::{
    api::field::ChannelId,
    app::App,
    channel::{
        config::{self, Channel, ChannelType},
        inbound::{self, Delivery},
        messenger,
    },
    error::{Code, Error, Result},
    http::{api::Visit, body},
};
use hyper::{
    HeaderMap,
    body::{Body, Incoming},
};
use serde_json::Value;
use std::{collections::HashMap, time::Duration};
use subtle::ConstantTimeEq;

/// The largest delivery of a server that is known to be ours: a file of 100 MB in base64.
const PROVEN_LIMIT: usize = 140 << 20;
/// Beyond this size a delivery needs one of the few places for large ones.
const LARGE: u64 = 1 << 20;
/// How long a small delivery may take.
const SMALL_TIME: Duration = Duration::from_secs(30);

/// What a delivery's head says.
pub(super) struct Asked<'a> {
    pub(super) kind: ChannelType,
    pub(super) headers: &'a HeaderMap,
    pub(super) query: &'a HashMap<String, String>,
}

impl Asked<'_> {
    fn header(&self, name: &str) -> Option<String> {
        let value = self.headers.get(name)?.to_str().ok()?;
        Some(value.to_owned()).filter(|v| !v.is_empty())
    }

    /// The secret that was given, wherever this kind of provider puts it.
    fn secret(&self) -> Option<String> {
        match self.kind {
            ChannelType::Telegram => self.header("x-telegram-bot-api-secret-token"),
            ChannelType::Max => self.header("x-max-bot-api-secret"),
            ChannelType::Whatsapp => self
                .header("x-hook-secret")
                .or_else(|| self.query.get("secret").cloned()),
            ChannelType::Email => None,
        }
    }

    /// The channel that the address names.
    fn named(&self) -> Result<Option<ChannelId>> {
        match self.query.get("channel") {
            Some(id) => Ok(Some(ChannelId(id.parse().map_err(|_| unknown())?))),
            None => Ok(None),
        }
    }

    /// The channel whose secret was given; nobody's secret is nobody's channel.
    async fn proven(&self, app: &App) -> Result<Option<Channel>> {
        let Some(secret) = self.secret() else {
            return Ok(None);
        };
        let (owner, kind) = (app.clone(), self.kind);
        let found = app
            .db
            .read(move |db| config::by_hook(db, &owner.secret, kind, &secret))
            .await?;
        let named = self.named()?;
        match found {
            Some(channel) if named.is_none_or(|id| id == channel.id) => Ok(Some(channel)),
            // A secret that is presented and does not hold is not made good by anything else.
            _ => Err(unknown()),
        }
    }
}

pub(super) async fn take(app: &App, asked: Asked<'_>, wire: Incoming, visit: &Visit) -> Result<()> {
    let proven = match asked.proven(app).await {
        Ok(proven) => proven,
        Err(error) => {
            app.limits.address(visit.address)?;
            return Err(error);
        }
    };
    // Whoever proves nothing is counted, and heard out only where the proof stands in the body.
    if proven.is_none() {
        app.limits.address(visit.address)?;
        if asked.kind != ChannelType::Whatsapp {
            return Err(unknown());
        }
    }
    let size = wire.size_hint();
    let large = size.upper().is_none_or(|most| most > LARGE);
    let _seat = if large {
        Some(app.limits.delivery(visit.address)?)
    } else {
        None
    };
    let limit = if proven.is_some() {
        PROVEN_LIMIT
    } else {
        LIMIT
    };
    let time = if large { TIME } else { SMALL_TIME };
    let bytes = body::bytes(wire, limit, time).await?;
    let (parsed, bytes) = tokio::task::spawn_blocking(move || {
        let parsed = serde_json::from_slice::<Value>(&bytes);
        (parsed, bytes)
    })
    .await
    .map_err(Error::internal)?;
    let delivery = parsed
        .ok()
        .filter(Value::is_object)
        .ok_or_else(|| Error::new(Code::MalformedJson))?;
    let channel = match (asked.kind, proven) {
        (ChannelType::Whatsapp, Some(channel)) => match instance_of(app, channel, &delivery).await?
        {
            Some(channel) => channel,
            // Of an instance that is no channel of ours: heard, and nobody's business here.
            None => return Ok(()),
        },
        (_, Some(channel)) => channel,
        (_, None) => by_key(app, &asked, &delivery).await?,
    };
    let token = messenger::token(channel.kind, &delivery);
    inbound::store_all(
        app,
        &channel,
        vec![Delivery::told(bytes.into(), token)],
        None,
    )
    .await
}

fn instance(delivery: &Value) -> &str {
    delivery["instance"].as_str().unwrap_or_default()
}

async fn with_instance(app: &App, name: &str) -> Result<Vec<Channel>> {
    let (owner, name) = (app.clone(), name.to_owned());
    app.db
        .read(move |db| config::by_handle(db, &owner.secret, ChannelType::Whatsapp, &name))
        .await
}

/// The channel of the instance that an event is about: a server may post the events of all its instances to one address.
async fn instance_of(app: &App, channel: Channel, delivery: &Value) -> Result<Option<Channel>> {
    let name = instance(delivery);
    if name.is_empty() || name == channel.text("/instance") {
        return Ok(Some(channel));
    }
    let others = with_instance(app, name).await?;
    let same = |other: &Channel| {
        other.tenant == channel.tenant && other.text("/base_url") == channel.text("/base_url")
    };
    Ok(others.into_iter().find(same))
}

/// The channel of the instance that is named, if its key stands beside the name.
async fn by_key(app: &App, asked: &Asked<'_>, delivery: &Value) -> Result<Channel> {
    let given = delivery["apikey"]
        .as_str()
        .map(str::to_owned)
        .or_else(|| asked.header("apikey"))
        .ok_or_else(unknown)?;
    let named = asked.named()?;
    let candidates = with_instance(app, instance(delivery)).await?;
    let holds = |channel: &Channel| {
        let key = channel.secrets.token.as_deref().unwrap_or_default();
        let same: bool = key.as_bytes().ct_eq(given.as_bytes()).into();
        same && !key.is_empty() && named.is_none_or(|id| id == channel.id)
    };
    candidates.into_iter().find(holds).ok_or_else(unknown)
}
