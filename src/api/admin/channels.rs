//! Channels for admins: setting up, testing, watching.
use super::Deleted;
use crate::{
    access::{
        Operator,
        rules::{Needs, Role},
    },
    api::{
        Action, Command, Query, Read, Slow, Spec, Task, Write, command,
        field::{ChannelId, Flag, Name},
        query, task,
    },
    app::App,
    channel::{
        config::{self, Channel, ChannelStatus, EmailConfig},
        outbound,
    },
    error::{Code, Error, Result},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(super) const ACTIONS: &[Action] = &[
    query::<ListChannels>(),
    command::<CreateChannel>(),
    command::<UpdateChannel>(),
    command::<DeleteChannel>(),
    task::<TestChannel>(),
    query::<GetChannelsStatus>(),
];

/// The types a channel may have.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ChannelType {
    Email,
}

impl ChannelType {
    const fn as_str(self) -> &'static str {
        match self {
            ChannelType::Email => "email",
        }
    }
}

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
    /// Where a provider posts to.
    webhook_url: String,
}

fn webhook_url(app: &App, id: ChannelId, kind: &str) -> String {
    app.url(&format!(
        "/api/channel-webhook.php?type={kind}&channel={id}"
    ))
}

fn shown(app: &App, channel: &Channel) -> ChannelView {
    ChannelView {
        id: channel.id,
        kind: ChannelType::Email,
        name: channel.name.clone(),
        is_active: channel.is_active,
        config: channel.shown(),
        webhook_url: webhook_url(app, channel.id, "email"),
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

/// Sets up a channel.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct CreateChannel {
    /// Its type.
    #[serde(rename = "type")]
    kind: ChannelType,
    /// Its name.
    name: Name,
    /// Its set-up, by type.
    config: EmailConfig,
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
        let split = self.config.split(None)?;
        let secret = &cx.app.secret;
        let id = config::insert(cx.tx, secret, cx.by.tenant, &self.name, split, cx.tx.now)?;
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
    /// Its whole new set-up; a secret that is left out or `••••` keeps its value.
    #[serde(default)]
    config: Option<EmailConfig>,
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
            channel.is_active = active.0;
        }
        if let Some(new) = self.config {
            (channel.config, channel.secrets) = new.split(Some(&channel))?;
        }
        config::update(cx.tx, &cx.app.secret, &channel)?;
        cx.tx.signal(crate::signal::Signal::Outbox);
        Ok(shown(cx.app, &channel))
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
    fn run(self, cx: &Write<'_, Operator>) -> Result<Deleted> {
        config::delete(cx.tx, cx.by.tenant, self.channel_id, cx.tx.now)?;
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
        config::statuses(cx.db, cx.by.tenant, |id, kind| {
            webhook_url(cx.app, id, kind)
        })
    }
}
