//! The tenant's settings, its audit log and its export.
use super::widget::WidgetAccess;
use crate::{
    access::{
        Operator,
        rules::{Needs, Role},
    },
    api::{
        ADMIN, Action, Command, Query, Read, Slow, Spec, Task, Write, command,
        field::{At, Flag, Int, Line, Name, OperatorId, TenantId, Time, Zone},
        query, task,
    },
    audit::{self, AuditEntry, Filter},
    db::{Lane, sql::Page},
    error::{Error, Fault, Result},
    lang::Lang,
    operator,
    tenant::{self, Tenant, export},
    ticket::clock,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

pub(super) const ACTIONS: &[Action] = &[
    query::<GetSettings>(),
    command::<SaveSettings>(),
    query::<ListAuditLog>(),
    task::<ExportTenant>(),
];

/// How the tenant works.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct SettingsView {
    /// The tenant.
    id: TenantId,
    /// What the company is called.
    company_name: String,
    /// The time zone of its working hours and of its months.
    timezone: String,
    /// The language it writes in.
    locale: Lang,
    /// Days after which a done ticket closes by itself; 0 is never.
    auto_close_days: u32,
    /// Days within which a reply brings a closed ticket back; 0 is never.
    reopen_window_days: u32,
    /// How a widget visitor opens an earlier ticket.
    widget_access: WidgetAccess,
    /// Whether all users of a new client see all of its tickets.
    shared_tickets: bool,
    /// Whether a client is asked in the chat how satisfied they are once the work is done.
    ask_rating: bool,
    /// Days for which what came in by the channels is kept as it came.
    raw_event_days: u32,
}

fn view(tenant: Tenant) -> SettingsView {
    SettingsView {
        id: tenant.id,
        timezone: tenant.zone_name(),
        locale: tenant.locale,
        auto_close_days: tenant.settings.auto_close_days,
        reopen_window_days: tenant.settings.reopen_window_days,
        widget_access: WidgetAccess::of(&tenant.settings),
        shared_tickets: tenant.settings.shared_tickets,
        ask_rating: tenant.settings.ask_rating,
        raw_event_days: tenant.settings.raw_event_days,
        company_name: tenant.name,
    }
}

/// Shows the tenant's settings.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetSettings {}
impl Spec for GetSettings {
    const NAME: &'static str = "get_settings";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = ["Настройки компании", "Компания баптаулары", "Show settings"];
    const EXAMPLE: &'static str = "{}";
    type By = Operator;
    type Output = SettingsView;
}
impl Query for GetSettings {
    fn run(self, cx: &Read<'_, Operator>) -> Result<SettingsView> {
        Ok(view(tenant::by_id(cx.db, cx.by.tenant)?))
    }
}

/// Changes the tenant's settings; what is left out stays. In another time zone the deadlines of open tickets are counted anew.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct SaveSettings {
    /// What the company is called.
    #[serde(default)]
    company_name: Option<Name>,
    /// The time zone of its working hours and of its months, such as `Asia/Almaty`.
    #[serde(default)]
    timezone: Option<Zone>,
    /// The language it writes in.
    #[serde(default)]
    locale: Option<Lang>,
    /// Days after which a done ticket closes by itself, 0 to 365; 0 is never.
    #[serde(default)]
    auto_close_days: Option<Int>,
    /// Days within which a reply brings a closed ticket back, 0 to 3650; 0 is never.
    #[serde(default)]
    reopen_window_days: Option<Int>,
    /// How a widget visitor opens an earlier ticket.
    #[serde(default)]
    widget_access: Option<WidgetAccess>,
    /// Whether all users of a new client see all of its tickets. Clients that there are keep what they have.
    #[serde(default)]
    shared_tickets: Option<Flag>,
    /// Whether a client whose ticket is held in a messenger is asked there to rate the work once it is done: by buttons in
    /// Telegram and MAX, by a link in WhatsApp.
    #[serde(default)]
    ask_rating: Option<Flag>,
    /// Days for which what came in by the channels is kept as it came, to be explained and replayed; 1 to 365.
    #[serde(default)]
    raw_event_days: Option<Int>,
}
impl Spec for SaveSettings {
    const NAME: &'static str = "save_settings";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = ["Сохранить настройки", "Баптауларды сақтау", "Save settings"];
    const EXAMPLE: &'static str =
        r#"{"timezone":"Asia/Almaty","auto_close_days":7,"reopen_window_days":14}"#;
    type By = Operator;
    type Output = SettingsView;
}

/// A number of days, if it is one of those allowed.
fn days(
    given: Option<Int>,
    field: &'static str,
    (least, most): (i64, i64),
    slot: &mut u32,
) -> Result<()> {
    if let Some(Int(days)) = given {
        let fits = u32::try_from(days)
            .ok()
            .filter(|_| (least..=most).contains(&days));
        *slot = fits.ok_or_else(|| Error::invalid(field, Fault::OutOfRange(least, most)))?;
    }
    Ok(())
}

impl Command for SaveSettings {
    fn run(self, cx: &Write<'_, Operator>) -> Result<SettingsView> {
        let mut tenant = tenant::by_id(cx.tx, cx.by.tenant)?;
        let settings = &mut tenant.settings;
        days(
            self.auto_close_days,
            "auto_close_days",
            (0, 365),
            &mut settings.auto_close_days,
        )?;
        days(
            self.reopen_window_days,
            "reopen_window_days",
            (0, 3650),
            &mut settings.reopen_window_days,
        )?;
        days(
            self.raw_event_days,
            "raw_event_days",
            (1, 365),
            &mut settings.raw_event_days,
        )?;
        if let Some(access) = self.widget_access {
            settings.widget_strict = access == WidgetAccess::Strict;
        }
        if let Some(shared) = self.shared_tickets {
            settings.shared_tickets = shared.0;
        }
        if let Some(ask) = self.ask_rating {
            settings.ask_rating = ask.0;
        }
        if let Some(name) = self.company_name {
            tenant.name = name.0;
        }
        if let Some(locale) = self.locale {
            tenant.locale = locale;
        }
        if let Some(zone) = &self.timezone {
            tenant.hours = tenant
                .hours
                .in_zone(zone)
                .map_err(|_| Error::invalid("timezone", Fault::NotZone))?;
        }
        tenant::save_about(cx.tx, &tenant)?;
        if self.timezone.is_some() {
            clock::recount(cx.tx, tenant.id)?;
        }
        tenant::save_settings(cx.tx, tenant.id, &tenant.settings)?;
        Ok(view(tenant))
    }
}

/// Lists who changed what, the latest first.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ListAuditLog {
    /// Only what this operator did.
    #[serde(default)]
    operator_id: Option<OperatorId>,
    /// Only calls of this action.
    #[serde(default)]
    action_name: Option<Line>,
    /// Only from this time on.
    #[serde(default)]
    since: Option<Time>,
    /// Only before this time.
    #[serde(default)]
    until: Option<Time>,
    /// The page, from 1.
    #[serde(default)]
    page: Option<Int>,
    /// Entries a page, at most 100; 30 if left out.
    #[serde(default)]
    limit: Option<Int>,
}
/// A page of the audit log.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AuditLog {
    /// The entries.
    entries: Vec<AuditEntry>,
    /// How many there are in all.
    total: i64,
    /// The page.
    page: i64,
    /// Entries a page.
    limit: i64,
}
impl Spec for ListAuditLog {
    const NAME: &'static str = "list_audit_log";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = ["Журнал действий", "Әрекеттер журналы", "List the audit log"];
    const EXAMPLE: &'static str = r#"{"page":1,"limit":50}"#;
    type By = Operator;
    type Output = AuditLog;
}
impl Query for ListAuditLog {
    const LANE: Lane = Lane::Slow;

    fn run(self, cx: &Read<'_, Operator>) -> Result<AuditLog> {
        let page = Page::new(self.page.map(|n| n.0), self.limit.map(|n| n.0), 30)?;
        if let Some(id) = self.operator_id {
            operator::by_id(cx.db, cx.by.tenant, id)?;
        }
        let filter = Filter {
            operator: self.operator_id,
            action: self
                .action_name
                .map(|line| line.0)
                .filter(|name| !name.is_empty()),
            since: self.since.map(|time| time.0),
            until: self.until.map(|time| time.0),
        };
        let lang = cx.call.lang;
        let title = |name: &str| match ADMIN.find(name) {
            Ok(action) => lang.pick(action.title).to_owned(),
            Err(_) => name.to_owned(),
        };
        let (entries, total) = audit::page(cx.db, cx.by.tenant, filter, page, title)?;
        Ok(AuditLog {
            entries,
            total,
            page: page.page,
            limit: page.limit,
        })
    }
}

/// Writes everything that is the tenant's own to one file, as `tehprof tenant export` does, and answers where to fetch it.
/// The secrets of channels stand in it in clear. An earlier export of the tenant is gone from then on.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ExportTenant {}
/// An export that is ready.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Exported {
    /// The tenant.
    id: TenantId,
    /// Where an admin of the tenant who is signed in fetches it.
    url: String,
    /// How large it is, in bytes.
    size: u64,
    /// Until when it is there.
    expires_at: At,
}
impl Spec for ExportTenant {
    const NAME: &'static str = "export_tenant";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = [
        "Выгрузить данные компании",
        "Компания деректерін шығарып алу",
        "Export the tenant",
    ];
    const EXAMPLE: &'static str = "{}";
    type By = Operator;
    type Output = Exported;
}
impl Task for ExportTenant {
    async fn run(self, cx: Slow<Operator>) -> Result<Exported> {
        let made = export::make(&cx.app, cx.by.tenant).await?;
        let (by, call) = (cx.by.clone(), cx.call);
        let at = cx
            .app
            .db
            .write(move |tx| {
                audit::note_call(tx, &by, &call, ExportTenant::NAME, &json!({}))?;
                Ok(tx.now)
            })
            .await?;
        Ok(Exported {
            id: cx.by.tenant,
            url: cx.app.url(&format!("/exports/{}", made.token)),
            size: made.size,
            expires_at: At(at + export::LASTS),
        })
    }
}
