//! What an operator is told of, and how they want to be told.
use crate::{
    access::{
        Operator,
        rules::{Needs, Role},
        secret::{Purpose, random_text},
    },
    api::{
        Action, Command, Query, Read, Spec, Write, command,
        field::{At, ChannelId, Flag, Int, List, NotificationId, TicketId},
        query,
    },
    channel::config,
    db::sql::Page,
    error::{Code, Error, Fault, Result},
    notification::{
        self, Kind, Notification,
        setting::{self, Pace, Quiet, Settings, Way, minute_of},
        staff::{self, Bot, StaffChat},
    },
    tenant::plan::Scope::Read as R,
    ticket::record,
};
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) const ACTIONS: &[Action] = &[
    query::<NotifCount>(),
    query::<GetNotifications>(),
    command::<MarkNotificationsRead>(),
    query::<GetNotificationSettings>(),
    command::<SaveNotificationSettings>(),
    command::<CreateStaffLink>(),
    command::<RemoveStaffChat>(),
];

/// How many notifications the caller has not read.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Unread {
    /// How many.
    count: i64,
}

/// Counts the caller's unread notifications.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct NotifCount {}
impl Spec for NotifCount {
    const NAME: &'static str = "notif_count";
    const NEEDS: Needs = Needs::scopes(&[R]);
    const TITLE: [&'static str; 3] = [
        "Число уведомлений",
        "Хабарландырулар саны",
        "Count notifications",
    ];
    const EXAMPLE: &'static str = "{}";
    type By = Operator;
    type Output = Unread;
}
impl Query for NotifCount {
    fn run(self, cx: &Read<'_, Operator>) -> Result<Unread> {
        let count = notification::unread(cx.db, cx.by.tenant, cx.by.id)?;
        Ok(Unread { count })
    }
}

/// Lists the caller's notifications, the newest first.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetNotifications {
    /// How many, at most 100; 20 if left out.
    #[serde(default)]
    limit: Option<Int>,
    /// Only those that were not read.
    #[serde(default)]
    unread: Flag,
}
impl Spec for GetNotifications {
    const NAME: &'static str = "get_notifications";
    const NEEDS: Needs = Needs::scopes(&[R]);
    const TITLE: [&'static str; 3] = ["Уведомления", "Хабарландырулар", "List notifications"];
    const EXAMPLE: &'static str = r#"{"limit":20}"#;
    type By = Operator;
    type Output = Vec<Notification>;
}
impl Query for GetNotifications {
    fn run(self, cx: &Read<'_, Operator>) -> Result<Vec<Notification>> {
        let page = Page::new(None, self.limit.map(|l| l.0), 20)?;
        notification::list(
            cx.db,
            cx.by.tenant,
            cx.by.id,
            (self.unread.0, page.limit),
            cx.call.lang,
        )
    }
}

/// Marks the caller's notifications read: those named, those about a ticket, or all. Answers how many are left unread.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct MarkNotificationsRead {
    /// The notifications; left out, all.
    #[serde(default, alias = "ids")]
    notification_ids: Option<List<NotificationId, 500>>,
    /// Those about this ticket.
    #[serde(default)]
    ticket_id: Option<TicketId>,
}
impl Spec for MarkNotificationsRead {
    const NAME: &'static str = "mark_notifications_read";
    const NEEDS: Needs = Needs::role(Role::Operator);
    const TITLE: [&'static str; 3] = [
        "Отметить уведомления прочитанными",
        "Хабарландыруларды оқылған деп белгілеу",
        "Mark notifications read",
    ];
    const EXAMPLE: &'static str = "{}";
    type By = Operator;
    type Output = Unread;
}
impl Command for MarkNotificationsRead {
    fn run(self, cx: &Write<'_, Operator>) -> Result<Unread> {
        let (tenant, operator) = (cx.by.tenant, cx.by.id);
        if let Some(id) = self.ticket_id {
            record::by_id(cx.tx, tenant, id)?;
        }
        let ids = self.notification_ids.map(|list| list.0);
        notification::mark_read(cx.tx, tenant, operator, ids.as_deref(), self.ticket_id)?;
        let count = notification::unread(cx.tx, tenant, operator)?;
        Ok(Unread { count })
    }
}

/// How one kind of notification is told.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct KindSetting {
    /// The kind.
    kind: Kind,
    #[serde(flatten)]
    way: Way,
}

/// How the caller wants to be told.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct NotificationSettings {
    /// Each kind that concerns the caller's role.
    kinds: Vec<KindSetting>,
    /// The hours in which nothing is sent.
    quiet: Option<Quiet>,
    /// Where the caller is told of things in Telegram.
    telegram: Option<StaffChat>,
    /// The bots by which that is possible.
    bots: Vec<Bot>,
}

/// Whether somebody of a role chooses how a kind is told: some are for admins alone, and what is the matter with the chat
/// itself is always told in the desk.
fn concerns(kind: Kind, role: Role) -> bool {
    match kind {
        Kind::TelegramOff => false,
        Kind::WebhookOff | Kind::ChannelBroken | Kind::ChannelMended | Kind::SecretExpires => {
            role >= Role::Admin
        }
        _ => true,
    }
}

fn shown(conn: &Connection, by: &Operator) -> Result<NotificationSettings> {
    let settings = setting::of(conn, by.tenant, by.id)?;
    let kinds = Kind::ALL
        .iter()
        .filter(|kind| concerns(**kind, by.role))
        .map(|&kind| KindSetting {
            kind,
            way: settings.way(kind),
        })
        .collect();
    Ok(NotificationSettings {
        kinds,
        quiet: settings.quiet,
        telegram: staff::of(conn, by.tenant, by.id)?,
        bots: staff::telling(conn, by.tenant)?,
    })
}

/// Shows how the caller wants to be told.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetNotificationSettings {}
impl Spec for GetNotificationSettings {
    const NAME: &'static str = "get_notification_settings";
    const NEEDS: Needs = Needs::role(Role::Operator);
    const TITLE: [&'static str; 3] = [
        "Настройки уведомлений",
        "Хабарландыру баптаулары",
        "Show notification settings",
    ];
    const EXAMPLE: &'static str = "{}";
    type By = Operator;
    type Output = NotificationSettings;
}
impl Query for GetNotificationSettings {
    fn run(self, cx: &Read<'_, Operator>) -> Result<NotificationSettings> {
        shown(cx.db, cx.by)
    }
}

/// A kind of notification and how it is to be told.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct KindChoice {
    /// The kind.
    kind: Kind,
    /// Whether it is shown in the desk.
    in_desk: Flag,
    /// Whether it is mailed as well.
    by_mail: Pace,
    /// Whether it is said in the caller's chat with the bot as well; left out, that stays as it is.
    #[serde(default)]
    by_telegram: Option<Pace>,
}

/// Sets how the caller wants to be told. Kinds that are left out stay as they are.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct SaveNotificationSettings {
    /// The kinds to set.
    #[serde(default)]
    kinds: List<KindChoice, 32>,
    /// The hours in which nothing is sent; none if left out.
    #[serde(default)]
    quiet: Option<Quiet>,
}
impl Spec for SaveNotificationSettings {
    const NAME: &'static str = "save_notification_settings";
    const NEEDS: Needs = Needs::role(Role::Operator);
    const TITLE: [&'static str; 3] = [
        "Сохранить настройки уведомлений",
        "Хабарландыру баптауларын сақтау",
        "Save notification settings",
    ];
    const EXAMPLE: &'static str = r#"{"kinds":[{"kind":"assigned","in_desk":true,"by_mail":"now","by_telegram":"off"}],"quiet":{"from":"22:00","to":"08:00"}}"#;
    type By = Operator;
    type Output = NotificationSettings;
}
impl Command for SaveNotificationSettings {
    fn run(self, cx: &Write<'_, Operator>) -> Result<NotificationSettings> {
        if let Some(quiet) = &self.quiet {
            for (name, text) in [("quiet.from", &quiet.from), ("quiet.to", &quiet.to)] {
                if minute_of(text).is_none() {
                    return Err(Error::invalid(name, Fault::NotClock));
                }
            }
        }
        let mut settings: Settings = setting::of(cx.tx, cx.by.tenant, cx.by.id)?;
        for choice in self.kinds.0 {
            let before = settings.way(choice.kind);
            let way = Way {
                in_desk: choice.in_desk.0,
                by_mail: choice.by_mail,
                by_telegram: choice.by_telegram.unwrap_or(before.by_telegram),
            };
            settings.ways.insert(choice.kind, way);
        }
        settings.quiet = self.quiet;
        setting::save(cx.tx, cx.by.tenant, cx.by.id, &settings)?;
        shown(cx.tx, cx.by)
    }
}

/// Makes a code by which the caller's own Telegram chat with the tenant's bot is tied to their account. It works once, for a
/// quarter of an hour: by opening the link, or by sending the bot the command.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct CreateStaffLink {
    /// The bot's channel; left out, the tenant's first.
    #[serde(default)]
    channel_id: Option<ChannelId>,
}
/// A way into the chat.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct StaffLink {
    /// Where it leads.
    url: String,
    /// What the bot is to be sent instead.
    command: String,
    /// What Telegram calls the bot.
    bot: String,
    /// Until when it works.
    expires_at: At,
}
impl Spec for CreateStaffLink {
    const NAME: &'static str = "create_staff_link";
    const NEEDS: Needs = Needs::role(Role::Operator);
    const TITLE: [&'static str; 3] = [
        "Связать свой Telegram",
        "Өз Telegram-ыңызды байланыстыру",
        "Tie one's own Telegram chat",
    ];
    const EXAMPLE: &'static str = "{}";
    type By = Operator;
    type Output = StaffLink;
}
impl Command for CreateStaffLink {
    fn run(self, cx: &Write<'_, Operator>) -> Result<StaffLink> {
        let (tenant, wanted) = (cx.by.tenant, self.channel_id);
        let bot = staff::telling(cx.tx, tenant)?
            .into_iter()
            .find(|bot| wanted.is_none_or(|id| id == bot.channel_id))
            .ok_or_else(|| Error::new(Code::ChannelNotFound).on("channel_id"))?;
        let channel = config::by_id(cx.tx, &cx.app.secret, tenant, bot.channel_id)?;
        let code = random_text(32)?;
        let hash = cx.app.secret.hash(Purpose::StaffChat, &code);
        let expires = staff::keep_code(cx.tx, &channel, cx.by.id, &hash)?;
        Ok(StaffLink {
            url: format!("https://t.me/{}?start={code}", bot.handle),
            command: format!("/start {code}"),
            bot: bot.handle,
            expires_at: At(expires),
        })
    }
}

/// Lets go of the caller's Telegram chat: nothing is told there any more.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct RemoveStaffChat {}
impl Spec for RemoveStaffChat {
    const NAME: &'static str = "remove_staff_chat";
    const NEEDS: Needs = Needs::role(Role::Operator);
    const TITLE: [&'static str; 3] = [
        "Отвязать свой Telegram",
        "Өз Telegram-ыңызды ажырату",
        "Let go of one's Telegram chat",
    ];
    const EXAMPLE: &'static str = "{}";
    type By = Operator;
    type Output = NotificationSettings;
}
impl Command for RemoveStaffChat {
    fn run(self, cx: &Write<'_, Operator>) -> Result<NotificationSettings> {
        staff::untie(cx.tx, cx.by.tenant, cx.by.id)?;
        shown(cx.tx, cx.by)
    }
}
