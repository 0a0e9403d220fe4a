//! What an operator is told of, and how they want to be told.
use crate::{
    access::{
        Operator,
        rules::{Needs, Role},
    },
    api::{
        Action, Command, Query, Read, Spec, Write, command,
        field::{Flag, Int, List, NotificationId, TicketId},
        query,
    },
    db::sql::Page,
    error::{Error, Fault, Result},
    notification::{
        self, Kind, Notification,
        setting::{self, ByMail, Quiet, Settings, Way, minute_of},
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
    /// The hours in which no mail is sent.
    quiet: Option<Quiet>,
}

/// Kinds that only admins are told of.
fn concerns(kind: Kind, role: Role) -> bool {
    !matches!(kind, Kind::WebhookOff | Kind::ChannelBroken) || role >= Role::Admin
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
    by_mail: ByMail,
}

/// Sets how the caller wants to be told. Kinds that are left out stay as they are.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct SaveNotificationSettings {
    /// The kinds to set.
    #[serde(default)]
    kinds: List<KindChoice, 32>,
    /// The hours in which no mail is sent; none if left out.
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
    const EXAMPLE: &'static str = r#"{"kinds":[{"kind":"assigned","in_desk":true,"by_mail":"now"}],"quiet":{"from":"22:00","to":"08:00"}}"#;
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
            let way = Way {
                in_desk: choice.in_desk.0,
                by_mail: choice.by_mail,
            };
            settings.ways.insert(choice.kind, way);
        }
        settings.quiet = self.quiet;
        setting::save(cx.tx, cx.by.tenant, cx.by.id, &settings)?;
        shown(cx.tx, cx.by)
    }
}
