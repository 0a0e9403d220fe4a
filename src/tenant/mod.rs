//! A company that gives support: its settings, its working hours, and what a new one starts with.
pub(crate) mod export;
pub(crate) mod limits;
mod memo;
pub(crate) mod plan;
pub(crate) mod transfer;

use crate::{
    access::secret::random_text,
    api::field::TenantId,
    branding::Look,
    clock::Millis,
    db::sql::{self, first, one, run, taken},
    error::{Code, Error, Result},
    lang::Lang,
    sla::{
        due::{Rule, Rules},
        holidays,
        hours::Hours,
    },
    tariff,
    ticket::model::Priority,
};
use limits::Overrides;
use plan::{Limits, Plan};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a tenant may set and rarely does. A setting that is not stored has its default.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Settings {
    /// Days after which a done ticket closes by itself.
    pub(crate) auto_close_days: u32,
    /// Days within which a reply brings a closed ticket back.
    pub(crate) reopen_window_days: u32,
    /// The colour of the tenant's pages.
    pub(crate) primary_color: String,
    /// Sites that may show the widget; all if empty.
    pub(crate) widget_origins: Vec<String>,
    /// Whether a widget visitor needs the ticket's token, where otherwise id and e-mail will do.
    pub(crate) widget_strict: bool,
    /// Whether everybody may read the knowledge base, where otherwise only clients do.
    pub(crate) kb_public: bool,
    /// Whether the widget offers the knowledge base.
    pub(crate) widget_kb: bool,
    /// How much of the promised working time is left when the desk is warned, in hundredths; 0 for no warnings.
    pub(crate) sla_warning_percent: u32,
    /// How many days what came in by the channels is kept as it came.
    pub(crate) raw_event_days: u32,
    /// Whether all users of a new client see all of its tickets.
    pub(crate) shared_tickets: bool,
    /// Whether a client is asked in the chat how satisfied they are once the work is done.
    pub(crate) ask_rating: bool,
    /// How the tenant's pages look beside their colour.
    pub(crate) look: Look,
    /// Whether the widget's form asks for a phone number and a subject.
    pub(crate) widget_phone: bool,
    pub(crate) widget_subject: bool,
    /// The widget's words where they are the tenant's own.
    pub(crate) widget_texts: BTreeMap<Lang, WidgetWords>,
}

/// The words of the widget's first screen; an empty one stands for the program's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WidgetWords {
    pub(crate) title: String,
    pub(crate) welcome: String,
}

/// How many days that is unless the tenant says otherwise.
pub(crate) const RAW_EVENT_DAYS: u32 = 30;

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            auto_close_days: 7,
            reopen_window_days: 14,
            primary_color: "#0b6e4f".to_owned(),
            widget_origins: Vec::new(),
            widget_strict: false,
            kb_public: true,
            widget_kb: true,
            sla_warning_percent: 20,
            raw_event_days: RAW_EVENT_DAYS,
            shared_tickets: false,
            ask_rating: false,
            look: Look::default(),
            widget_phone: true,
            widget_subject: true,
            widget_texts: BTreeMap::new(),
        }
    }
}

impl Settings {
    /// Reads what is stored. A text that an older program wrote is completed with defaults.
    pub(crate) fn read(json: &str) -> Settings {
        serde_json::from_str(json).unwrap_or_default()
    }
}

/// A tenant.
#[derive(Clone, Debug)]
pub(crate) struct Tenant {
    pub(crate) id: TenantId,
    pub(crate) name: String,
    pub(crate) domain: Option<String>,
    pub(crate) plan: Plan,
    /// What it may use otherwise than its plan says.
    pub(crate) overrides: Overrides,
    pub(crate) is_active: bool,
    pub(crate) locale: Lang,
    pub(crate) hours: Hours,
    pub(crate) settings: Settings,
    pub(crate) widget_key: String,
    pub(crate) created_at: Millis,
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Tenant> {
    let id = row.get("id")?;
    let (hours, settings) = memo::of_row(id, row)?;
    Ok(Tenant {
        id,
        name: row.get("name")?,
        domain: row.get("domain")?,
        plan: row.get("plan")?,
        overrides: Overrides::read(row.get_ref("limits")?.as_str()?),
        is_active: row.get("is_active")?,
        locale: row.get("locale")?,
        hours,
        settings,
        widget_key: row.get("widget_key")?,
        created_at: row.get("created_at")?,
    })
}

const COLUMNS: &str = "select id, name, domain, plan, limits, is_active, locale, business_hours, settings, widget_key, created_at from tenant";

pub(crate) fn by_id(conn: &Connection, id: TenantId) -> Result<Tenant> {
    one(conn, &format!("{COLUMNS} where id = ?1"), [id], read)
}

/// The tenant of an id that somebody gave.
pub(crate) fn find(conn: &Connection, id: TenantId) -> Result<Tenant> {
    first(conn, &format!("{COLUMNS} where id = ?1"), [id], read)?
        .ok_or_else(|| Error::new(Code::TenantNotFound).on("tenant_id"))
}

/// The tenants that a person may mean in the shell: that of an id, else that of a domain, else all of a name.
pub(crate) fn named(conn: &Connection, word: &str) -> Result<Vec<Tenant>> {
    if let Ok(id) = word.parse::<i64>()
        && id.to_string() == word
    {
        let found = first(
            conn,
            &format!("{COLUMNS} where id = ?1"),
            [TenantId(id)],
            read,
        )?;
        if let Some(tenant) = found {
            return Ok(vec![tenant]);
        }
    }
    let found = first(conn, &format!("{COLUMNS} where domain = ?1"), [word], read)?;
    match found {
        Some(tenant) => Ok(vec![tenant]),
        None => sql::all(
            conn,
            &format!("{COLUMNS} where name = ?1 order by id"),
            [word],
            read,
        ),
    }
}

pub(crate) fn all(conn: &Connection) -> Result<Vec<Tenant>> {
    sql::all(conn, &format!("{COLUMNS} order by id"), [], read)
}

pub(crate) fn exists_any(conn: &Connection) -> Result<bool> {
    one(conn, "select exists (select 1 from tenant)", [], |row| {
        row.get(0)
    })
}

/// The tenant whose colours and name a page shows when nobody has signed in: the first.
pub(crate) fn first_tenant(conn: &Connection) -> Result<Option<Tenant>> {
    first(
        conn,
        &format!("{COLUMNS} where is_active order by id limit 1"),
        [],
        read,
    )
}

pub(crate) fn set_plan(conn: &Connection, id: TenantId, plan: Plan) -> Result<bool> {
    Ok(run(
        conn,
        "update tenant set plan = ?2 where id = ?1",
        (id, plan),
    )? > 0)
}

/// Writes what the installation decides of a tenant: its name, plan, limits, and whether it works.
pub(crate) fn save_standing(conn: &Connection, tenant: &Tenant) -> Result<()> {
    run(
        conn,
        "update tenant set name = ?2, plan = ?3, limits = ?4, is_active = ?5 where id = ?1",
        (
            tenant.id,
            &tenant.name,
            tenant.plan,
            serde_json::to_string(&tenant.overrides)?,
            tenant.is_active,
        ),
    )?;
    Ok(())
}

/// Writes what a tenant says of itself: its name, its language, its working hours.
pub(crate) fn save_about(conn: &Connection, tenant: &Tenant) -> Result<()> {
    run(
        conn,
        "update tenant set name = ?2, locale = ?3, business_hours = ?4 where id = ?1",
        (
            tenant.id,
            &tenant.name,
            tenant.locale,
            serde_json::to_string(&tenant.hours)?,
        ),
    )?;
    Ok(())
}

pub(crate) fn save_settings(conn: &Connection, id: TenantId, settings: &Settings) -> Result<()> {
    let json = serde_json::to_string(settings)?;
    run(
        conn,
        "update tenant set settings = ?2 where id = ?1",
        (id, json),
    )?;
    Ok(())
}

/// Every table with rows of tenants, each before those that it refers to.
pub(crate) const OWN: &[&str] = &[
    "webhook_delivery",
    "webhook",
    "trigger_run",
    "trigger",
    "macro",
    "notification",
    "notification_setting",
    "error_log",
    "outbox",
    "inbound_event",
    "reaction",
    "chat_message",
    "ticket_chat",
    "chat_name",
    "chat_link",
    "channel_watch",
    "staff_link",
    "staff_chat",
    "chat",
    "file",
    "csat",
    "time_entry",
    "estimate",
    "event",
    "draft",
    "mention",
    "follower",
    "ticket_tag",
    "widget_code",
    "participant",
    "message_edit",
    "imported_message",
    "imported_ticket",
    "message",
    "ticket",
    "ticket_count",
    "ticket_figure",
    "ticket_figure_day",
    "ticket_flow",
    "ticket_opened",
    "ticket_span",
    "channel",
    "quick_reply",
    "kb_article",
    "category",
    "tag",
    "saved_view",
    "contact_address",
    "contact",
    "portal_user",
    "ended_token",
    "client",
    "tariff",
    "sla_rule",
    "idempotency",
    "audit_chain",
    "audit_log",
    "notice",
    "bitrix24_user",
    "bitrix24_portal",
    "key_level",
    "api_key",
    "totp",
    "recovery_code",
    "mobile_session",
    "session",
    "access_link",
    "operator",
    "demo_run",
    "brand_image",
];

/// Removes a tenant and everything that is its own.
pub(crate) fn delete(conn: &Connection, id: TenantId) -> Result<bool> {
    for table in OWN {
        run(
            conn,
            &format!("delete from {table} where tenant_id = ?1"),
            [id],
        )?;
    }
    let (low, high) = crate::ticket::search::span_of(id);
    run(
        conn,
        "delete from search where rowid between ?1 and ?2",
        (low, high),
    )?;
    crate::knowledge::forget_index(conn, id)?;
    Ok(run(conn, "delete from tenant where id = ?1", [id])? > 0)
}

/// How fast each priority is to be answered and solved.
pub(crate) fn rules(conn: &Connection, id: TenantId) -> Result<Rules> {
    let mut rules = Rules::default();
    let stored: Vec<(Priority, Rule)> = sql::all(
        conn,
        "select priority, response_minutes, resolution_minutes from sla_rule where tenant_id = ?1",
        [id],
        |row| {
            let rule = Rule {
                response_minutes: row.get(1)?,
                resolution_minutes: row.get(2)?,
            };
            Ok((row.get(0)?, rule))
        },
    )?;
    for (priority, rule) in stored {
        match priority {
            Priority::Urgent => rules.urgent = rule,
            Priority::Normal => rules.normal = rule,
            Priority::Low => rules.low = rule,
        }
    }
    Ok(rules)
}

/// Sets how fast each priority is to be answered and solved. What is running is counted anew by the caller.
pub(crate) fn save_rules(conn: &Connection, id: TenantId, rules: &Rules) -> Result<()> {
    for (priority, rule) in [
        (Priority::Urgent, rules.urgent),
        (Priority::Normal, rules.normal),
        (Priority::Low, rules.low),
    ] {
        run(
            conn,
            "insert into sla_rule (tenant_id, priority, response_minutes, resolution_minutes) values (?1, ?2, ?3, ?4)
             on conflict do update set response_minutes = excluded.response_minutes,
                                       resolution_minutes = excluded.resolution_minutes",
            (id, priority, rule.response_minutes, rule.resolution_minutes),
        )?;
    }
    Ok(())
}

/// Sets when the desk works. What is running is counted anew by the caller.
pub(crate) fn save_hours(conn: &Connection, id: TenantId, hours: &Hours) -> Result<()> {
    run(
        conn,
        "update tenant set business_hours = ?2 where id = ?1",
        (id, serde_json::to_string(hours)?),
    )?;
    Ok(())
}

/// What a new tenant is made of.
#[derive(Debug)]
pub(crate) struct NewTenant<'a> {
    pub(crate) name: &'a str,
    pub(crate) domain: Option<&'a str>,
    pub(crate) plan: Plan,
    pub(crate) locale: Lang,
    /// The time zone of its working hours; unknown ones count as not said.
    pub(crate) timezone: Option<&'a str>,
}

/// The zone of a desk that has not said where it is: the product's home.
const HOME_ZONE: &str = "Asia/Almaty";

/// Makes a tenant with the published categories, working hours of weekdays and the usual service levels.
pub(crate) fn create(conn: &Connection, new: &NewTenant<'_>, now: Millis) -> Result<TenantId> {
    let year = jiff::Timestamp::from_millisecond(now)
        .map_err(Error::internal)?
        .to_zoned(jiff::tz::TimeZone::UTC)
        .year();
    let said = new
        .timezone
        .and_then(|zone| Some((zone, Hours::weekdays(zone).ok()?)));
    let (zone, hours) = match said {
        Some(said) => said,
        None => {
            let hours = Hours::weekdays(HOME_ZONE)
                .map_err(|fault| Error::internal(format!("{fault:?}")))?;
            (HOME_ZONE, hours)
        }
    };
    let free = [year, year + 1]
        .into_iter()
        .flat_map(|year| holidays::of_zone(zone, year))
        .collect::<Vec<_>>();
    let hours = hours.with_holidays(free);
    let widget_key = format!("wk_{}", random_text(24)?);
    run(
        conn,
        "insert into tenant (name, domain, plan, locale, business_hours, widget_key, created_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        (
            new.name,
            new.domain,
            new.plan,
            new.locale,
            serde_json::to_string(&hours)?,
            widget_key,
            now,
        ),
    )
    .map_err(|e| taken(e, "tenant.domain", "domain"))?;
    let id = TenantId(conn.last_insert_rowid());
    for (position, (code, [ru, kk, en])) in (0i64..).zip(CATEGORIES) {
        run(
            conn,
            "insert into category (tenant_id, code, name_ru, name_kk, name_en, position) values (?1, ?2, ?3, ?4, ?5, ?6)",
            (id, code, ru, kk, en, position),
        )?;
    }
    save_rules(conn, id, &Rules::default())?;
    tariff::insert_usual(conn, id, new.locale, now)?;
    Ok(id)
}

/// The published categories with their names in Russian, Kazakh and English.
const CATEGORIES: [(&str, [&str; 3]); 10] = [
    ("crm", ["CRM", "CRM", "CRM"]),
    (
        "telephony",
        ["Телефония / SIP", "Телефония / SIP", "Telephony / SIP"],
    ),
    (
        "whatsapp",
        [
            "WhatsApp и мессенджеры",
            "WhatsApp және мессенджерлер",
            "WhatsApp / messengers",
        ],
    ),
    ("tasks", ["Задачи", "Тапсырмалар", "Tasks"]),
    (
        "automation",
        [
            "Автоматизация и бизнес-процессы",
            "Автоматтандыру және бизнес-үдерістер",
            "Automation / business processes",
        ],
    ),
    ("setup", ["Настройка", "Баптау", "Configuration / set-up"]),
    ("bugfix", ["Исправление ошибки", "Қатені түзету", "Bug fix"]),
    (
        "consultation",
        ["Консультация", "Кеңес беру", "Consultation"],
    ),
    ("other", ["Другое", "Басқа", "Other"]),
    (
        "general",
        [
            "Общее (из каналов)",
            "Жалпы (арналардан)",
            "General (from channels)",
        ],
    ),
];

impl Tenant {
    /// What it may use.
    pub(crate) fn limits(&self) -> Limits {
        limits::effective(self.plan, &self.overrides)
    }

    /// The name of the zone that the working hours are in.
    pub(crate) fn zone_name(&self) -> String {
        self.hours.zone().iana_name().unwrap_or("UTC").to_owned()
    }

    /// When the month of `now` began in the tenant's own calendar.
    pub(crate) fn month_start(&self, now: Millis) -> Millis {
        let zoned = jiff::Timestamp::from_millisecond(now)
            .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
            .to_zoned(self.hours.zone().clone());
        zoned
            .first_of_month()
            .and_then(|day| day.start_of_day())
            .map_or(now, |start| start.timestamp().as_millisecond())
    }
}

/// Gives the widget another key.
pub(crate) fn renew_widget_key(conn: &Connection, id: TenantId) -> Result<()> {
    let key = format!("wk_{}", random_text(24)?);
    run(
        conn,
        "update tenant set widget_key = ?2 where id = ?1",
        (id, key),
    )?;
    Ok(())
}
