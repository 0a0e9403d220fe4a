//! Channels for admins: setting up, testing, watching.
use super::Deleted;
use crate::{
    access::{
        Operator,
        rules::{Needs, Role},
        secret::{Purpose, random_text},
    },
    api::{
        Action, Command, Query, Read, Slow, Spec, Task, Write, command,
        field::{At, ChannelId, Domain, Flag, Line, Name},
        query, task,
    },
    app::App,
    channel::{
        chat,
        config::{
            self, Channel, ChannelType, Sent,
            health::{self, ChannelStatus},
        },
        outbound,
        whatsapp::{Instance, Pairing},
    },
    client,
    clock::{self, DAY, Millis},
    db::sql::run,
    error::{Code, Error, Fault, Result},
    notification::staff::{self, Bot},
    signal::Signal,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashMap;

pub(super) const ACTIONS: &[Action] = &[
    query::<ListChannels>(),
    command::<CreateChannel>(),
    command::<UpdateChannel>(),
    command::<DeleteChannel>(),
    task::<TestChannel>(),
    query::<GetChannelsStatus>(),
    task::<ConnectChannel>(),
    query::<ListBots>(),
    command::<CreateChatLink>(),
];

/// A channel as it was set up.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ChannelView {
    /// The channel.
    id: ChannelId,
    /// Its type.
    #[serde(rename = "type")]
    kind: ChannelType,
    /// Its name.
    name: String,
    /// Whether it is switched on.
    is_active: bool,
    /// Its set-up; secrets read back as `••••`.
    config: Value,
    /// Where a provider posts to, with the secret if it is one that signs nothing.
    webhook_url: String,
}

/// The address of a channel's webhook. Of a provider that signs nothing it bears the secret by which deliveries are known.
fn webhook_url(app: &App, channel: &Channel) -> String {
    let (kind, id) = (channel.kind.as_str(), channel.id);
    let url = app.url(&format!(
        "/api/channel-webhook.php?type={kind}&channel={id}"
    ));
    match channel.secret_in_url() {
        Some(secret) => format!(
            "{url}&secret={}",
            utf8_percent_encode(secret, NON_ALPHANUMERIC)
        ),
        None => url,
    }
}

fn shown(app: &App, channel: &Channel) -> ChannelView {
    ChannelView {
        id: channel.id,
        kind: channel.kind,
        name: channel.name.clone(),
        is_active: channel.is_active,
        config: channel.shown(),
        webhook_url: webhook_url(app, channel),
    }
}

/// Lists the channels with their set-up.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ListChannels {}
impl Spec for ListChannels {
    const NAME: &'static str = "list_channels";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = ["Список каналов", "Арналар тізімі", "List channels"];
    const EXAMPLE: &'static str = "{}";
    type By = Operator;
    type Output = Vec<ChannelView>;
}
impl Query for ListChannels {
    fn run(self, cx: &Read<'_, Operator>) -> Result<Vec<ChannelView>> {
        let channels = config::list(cx.db, &cx.app.secret, cx.by.tenant)?;
        Ok(channels.iter().map(|c| shown(cx.app, c)).collect())
    }
}

/// Sets up a channel: e-mail, Telegram, WhatsApp through an Evolution API server, or MAX. The server tells a messenger's
/// provider by itself where to post, and makes the secret by which deliveries are known. What of MAX could only be written by
/// its description, since its tokens are given to residents of Russia alone, is the whole of that type.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct CreateChannel {
    /// Its type.
    #[serde(rename = "type")]
    kind: ChannelType,
    /// Its name.
    name: Name,
    /// Its set-up, by type.
    config: Sent,
}
impl Spec for CreateChannel {
    const NAME: &'static str = "create_channel";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = ["Создать канал", "Арна құру", "Create a channel"];
    const EXAMPLE: &'static str = r#"{"type":"email","name":"Почта","config":{"address":"help@desk.example","from_name":"Поддержка","smtp":{"host":"smtp.desk.example","port":587,"security":"starttls","username":"help@desk.example","password":"secret"},"inbound":{"provider":"smtp"}}}"#;
    type By = Operator;
    type Output = ChannelView;
}
impl Command for CreateChannel {
    fn run(self, cx: &Write<'_, Operator>) -> Result<ChannelView> {
        cx.by.limits.channel(self.kind.as_str())?;
        let split = self.config.split(self.kind, None)?;
        let (secret, kind) = (&cx.app.secret, (self.kind, self.name.as_str()));
        let id = config::insert(cx.tx, secret, cx.by.tenant, kind, split, cx.tx.now)?;
        cx.tx.signal(Signal::Channels);
        Ok(shown(
            cx.app,
            &config::by_id(cx.tx, secret, cx.by.tenant, id)?,
        ))
    }
}

/// Changes a channel; what is left out stays.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct UpdateChannel {
    /// The channel.
    channel_id: ChannelId,
    /// Its new name.
    #[serde(default)]
    name: Option<Name>,
    /// Whether it is switched on. What waits in a channel that is switched off is sent once it is on again.
    #[serde(default)]
    is_active: Option<Flag>,
    /// The day on which its password or token stops working, such as `2027-01-31`; admins are reminded two weeks before.
    /// Empty for one that does not expire.
    #[serde(default)]
    secret_expires_on: Option<Line>,
    /// What is new in its set-up; what is left out stays, and so does a secret that is `••••`. When a server's address
    /// changes, the secret that goes there is to be given again.
    #[serde(default)]
    config: Option<Sent>,
}
impl Spec for UpdateChannel {
    const NAME: &'static str = "update_channel";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = ["Изменить канал", "Арнаны өзгерту", "Update a channel"];
    const EXAMPLE: &'static str = r#"{"channel_id":1,"name":"Почта поддержки"}"#;
    type By = Operator;
    type Output = ChannelView;
}
impl Command for UpdateChannel {
    fn run(self, cx: &Write<'_, Operator>) -> Result<ChannelView> {
        let mut channel = config::by_id(cx.tx, &cx.app.secret, cx.by.tenant, self.channel_id)?;
        if let Some(name) = self.name {
            channel.name = name.0;
        }
        if let Some(active) = self.is_active {
            if active.0 && !channel.is_active {
                cx.by.limits.channel(channel.kind.as_str())?;
            }
            channel.is_active = active.0;
        }
        if let Some(new) = self.config {
            (channel.config, channel.secrets) = new.split(channel.kind, Some(&channel))?;
        }
        config::update(cx.tx, &cx.app.secret, &channel)?;
        if let Some(day) = self.secret_expires_on {
            let at = expiry(&day.0)?;
            health::expires(cx.tx, &channel, at)?;
        }
        cx.tx.signal(Signal::Outbox);
        cx.tx.signal(Signal::Channels);
        Ok(shown(cx.app, &channel))
    }
}

/// The beginning of a day; `None` of none.
fn expiry(day: &str) -> Result<Option<Millis>> {
    if day.is_empty() {
        return Ok(None);
    }
    let is_day = day.len() == 10 && day.is_ascii();
    match clock::parse(&format!("{day}T00:00:00Z")).filter(|_| is_day) {
        Some(at) => Ok(Some(at)),
        None => Err(Error::invalid("secret_expires_on", Fault::NotDate)),
    }
}

/// Deletes a channel. Its tickets stay; answers that have not left yet are marked failed.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct DeleteChannel {
    /// The channel.
    channel_id: ChannelId,
}
impl Spec for DeleteChannel {
    const NAME: &'static str = "delete_channel";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = ["Удалить канал", "Арнаны жою", "Delete a channel"];
    const EXAMPLE: &'static str = r#"{"channel_id":1}"#;
    type By = Operator;
    type Output = Deleted;
}
impl Command for DeleteChannel {
    const FREES: bool = true;
    fn run(self, cx: &Write<'_, Operator>) -> Result<Deleted> {
        config::delete(cx.tx, cx.by.tenant, self.channel_id, cx.tx.now)?;
        cx.tx.signal(Signal::Channels);
        Ok(Deleted::of(self.channel_id.0))
    }
}

/// Connects to a channel's server and signs in, without sending anything.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct TestChannel {
    /// The channel.
    channel_id: ChannelId,
}
/// What the server said.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Tested {
    /// The name that the server goes by.
    server: String,
}
impl Spec for TestChannel {
    const NAME: &'static str = "test_channel";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = ["Проверить канал", "Арнаны тексеру", "Test a channel"];
    const EXAMPLE: &'static str = r#"{"channel_id":1}"#;
    type By = Operator;
    type Output = Tested;
}
impl Task for TestChannel {
    async fn run(self, cx: Slow<Operator>) -> Result<Tested> {
        let (app, tenant, id) = (cx.app.clone(), cx.by.tenant, self.channel_id);
        let channel = cx
            .app
            .db
            .read(move |db| config::by_id(db, &app.secret, tenant, id))
            .await?;
        match outbound::check(&cx.app, &channel).await {
            Ok(server) => Ok(Tested { server }),
            Err(why) => Err(Error::new(Code::ChannelFailed)
                .on("channel_id")
                .with("why", why)),
        }
    }
}

/// Tells how each channel fares: whether it works, what went wrong last, how much waits.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetChannelsStatus {}
impl Spec for GetChannelsStatus {
    const NAME: &'static str = "get_channels_status";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = [
        "Состояние каналов",
        "Арналардың күйі",
        "Show how channels fare",
    ];
    const EXAMPLE: &'static str = "{}";
    type By = Operator;
    type Output = Vec<ChannelStatus>;
}
impl Query for GetChannelsStatus {
    fn run(self, cx: &Read<'_, Operator>) -> Result<Vec<ChannelStatus>> {
        let channels = config::list(cx.db, &cx.app.secret, cx.by.tenant)?;
        let urls: HashMap<ChannelId, String> = channels
            .iter()
            .map(|channel| (channel.id, webhook_url(cx.app, channel)))
            .collect();
        health::statuses(cx.db, cx.by.tenant, (cx.db.now, cx.call.lang), |id| {
            urls.get(&id).cloned().unwrap_or_default()
        })
    }
}

/// Asks the server behind a WhatsApp channel for a code to scan with the phone; an instance that is not there yet is made.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ConnectChannel {
    /// The channel.
    channel_id: ChannelId,
}
/// A code to scan, or that none is needed.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Connection {
    /// Whether the phone is connected.
    connected: bool,
    /// The code, as a `data:` URL of a picture. It works for less than a minute.
    qr: Option<String>,
    /// A code to type into the phone instead.
    pairing_code: Option<String>,
}
impl Spec for ConnectChannel {
    const NAME: &'static str = "connect_channel";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = [
        "Подключить телефон к каналу",
        "Арнаға телефон қосу",
        "Connect a phone to a channel",
    ];
    const EXAMPLE: &'static str = r#"{"channel_id":1}"#;
    type By = Operator;
    type Output = Connection;
}
impl Task for ConnectChannel {
    async fn run(self, cx: Slow<Operator>) -> Result<Connection> {
        let (app, tenant, id) = (cx.app.clone(), cx.by.tenant, self.channel_id);
        let channel = cx
            .app
            .db
            .read(move |db| config::by_id(db, &app.secret, tenant, id))
            .await?;
        if channel.kind != ChannelType::Whatsapp {
            return Err(Error::new(Code::ChannelNotFound).on("channel_id"));
        }
        let failed = |why: String| {
            Error::new(Code::ChannelFailed)
                .on("channel_id")
                .with("why", why)
        };
        let pairing = Instance::of(&cx.app, &channel)
            .pair()
            .await
            .map_err(failed)?;
        let (image, code) = match pairing {
            Pairing::Connected => {
                return Ok(Connection {
                    connected: true,
                    qr: None,
                    pairing_code: None,
                });
            }
            Pairing::Scan { image, code } => (image, code),
        };
        let kept = image.clone();
        cx.app
            .db
            .write(move |tx| {
                run(
                    tx,
                    "update channel set qr = ?2, qr_at = ?3, state = 'connecting', state_at = ?3, hook_set_at = null where id = ?1",
                    (id, kept, tx.now),
                )?;
                tx.signal(Signal::Channels);
                Ok(())
            })
            .await?;
        Ok(Connection {
            connected: false,
            qr: Some(image),
            pairing_code: code,
        })
    }
}

/// Lists the bots to which `create_chat_link` makes links.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ListBots {}
impl Spec for ListBots {
    const NAME: &'static str = "list_bots";
    const NEEDS: Needs = Needs::role(Role::Operator);
    const TITLE: [&'static str; 3] = ["Список ботов", "Боттар тізімі", "List bots"];
    const EXAMPLE: &'static str = "{}";
    type By = Operator;
    type Output = Vec<Bot>;
}
impl Query for ListBots {
    fn run(self, cx: &Read<'_, Operator>) -> Result<Vec<Bot>> {
        staff::bots(cx.db, cx.by.tenant)
    }
}

/// Makes a link to a Telegram or MAX bot that ties who opens it first to a client. It works once.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct CreateChatLink {
    /// The channel of the bot.
    channel_id: ChannelId,
    /// The client's portal.
    portal_domain: Domain,
}
/// A link into a chat.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ChatLink {
    /// Where it leads.
    url: String,
    /// Until when it works.
    expires_at: At,
}
impl Spec for CreateChatLink {
    const NAME: &'static str = "create_chat_link";
    const NEEDS: Needs = Needs::role(Role::Operator);
    const TITLE: [&'static str; 3] = [
        "Ссылка в чат для клиента",
        "Клиентке арналған чат сілтемесі",
        "Make a client's link into a chat",
    ];
    const EXAMPLE: &'static str = r#"{"channel_id":1,"portal_domain":"romashka.kz"}"#;
    type By = Operator;
    type Output = ChatLink;
}
impl Command for CreateChatLink {
    fn run(self, cx: &Write<'_, Operator>) -> Result<ChatLink> {
        let channel = config::by_id(cx.tx, &cx.app.secret, cx.by.tenant, self.channel_id)?;
        let handle = channel.handle.as_deref().filter(|h| !h.is_empty());
        let base = match (channel.kind, handle) {
            (ChannelType::Telegram, Some(bot)) => format!("https://t.me/{bot}?start="),
            (ChannelType::Max, Some(bot)) => format!("https://max.ru/{bot}?start="),
            _ => return Err(Error::new(Code::ChannelNotFound).on("channel_id")),
        };
        let client = client::by_domain(cx.tx, cx.by.tenant, &self.portal_domain)?;
        let token = random_text(32)?;
        let hash = cx.app.secret.hash(Purpose::ChatLink, &token);
        let expires = cx.tx.now + LINK;
        chat::make_link(cx.tx, &channel, client, &hash, expires)?;
        Ok(ChatLink {
            url: format!("{base}{token}"),
            expires_at: At(expires),
        })
    }
}

/// How long a link into a chat works.
const LINK: i64 = 7 * DAY;
