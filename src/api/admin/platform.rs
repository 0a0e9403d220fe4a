//! The installation: all its tenants, what they use, and what went wrong.
use crate::{
    access::{
        Operator,
        rules::{Needs, Role},
        store,
    },
    api::{
        Action, Command, Query, Read, Slow, Spec, Task, Write, command,
        field::{Domain, Email, Flag, Int, Line, Name, OperatorId, Password, TenantId, Zone},
        query, task,
    },
    audit,
    db::{Lane, sql::Page},
    error::{Error, Result},
    lang::Lang,
    operator::{self, NewOperator},
    platform::{self, DemoAnalytics, ErrorEntry, PlatformStats, TenantStanding},
    signal::Signal,
    tenant::{self, NewTenant, limits::LimitChanges, plan::Plan},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

pub(super) const ACTIONS: &[Action] = &[
    query::<ListTenants>(),
    task::<CreateTenant>(),
    command::<UpdateTenant>(),
    query::<ListErrorLogs>(),
    query::<ShowPlatformStats>(),
    query::<ShowDemoAnalytics>(),
];

/// Lists the tenants of the installation with their plans, limits and usage.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ListTenants {}
impl Spec for ListTenants {
    const NAME: &'static str = "list_tenants";
    const NEEDS: Needs = Needs::role(Role::HeadAdmin);
    const TITLE: [&'static str; 3] = ["Список компаний", "Компаниялар тізімі", "List tenants"];
    const EXAMPLE: &'static str = "{}";
    type By = Operator;
    type Output = Vec<TenantStanding>;
}
impl Query for ListTenants {
    const LANE: Lane = Lane::Slow;
    fn run(self, cx: &Read<'_, Operator>) -> Result<Vec<TenantStanding>> {
        platform::tenants(cx.db, tenant::all(cx.db)?, cx.db.now)
    }
}

/// Makes a tenant and its admin. Without a password the admin is invited by a link that works once, for three days.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct CreateTenant {
    /// What the company is called.
    name: Name,
    /// The admin's address, which is also their login.
    admin_email: Email,
    /// What the admin is called; the address if left out.
    #[serde(default)]
    admin_name: Option<Name>,
    /// The admin's first password, in place of an invitation.
    #[serde(default)]
    admin_password: Option<Password>,
    /// Its plan; `enterprise` if left out.
    #[serde(default)]
    plan: Option<Plan>,
    /// A domain that it is known by as well.
    #[serde(default)]
    domain: Option<Domain>,
    /// The language to speak to its people; the caller's if left out.
    #[serde(default)]
    locale: Option<Lang>,
    /// The time zone of its working hours, such as `Asia/Almaty`.
    #[serde(default)]
    timezone: Option<Zone>,
}
/// The new tenant.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CreatedTenant {
    #[serde(flatten)]
    tenant: TenantStanding,
    /// Its admin.
    admin_id: OperatorId,
    /// The link by which the admin sets a password.
    invitation_url: Option<String>,
}
impl Spec for CreateTenant {
    const NAME: &'static str = "create_tenant";
    const NEEDS: Needs = Needs::role(Role::HeadAdmin);
    const TITLE: [&'static str; 3] = ["Создать компанию", "Компания құру", "Create a tenant"];
    const EXAMPLE: &'static str =
        r#"{"name":"ТОО «Новый дом»","admin_email":"admin@newhome.example","plan":"pro"}"#;
    type By = Operator;
    type Output = CreatedTenant;
}
impl Task for CreateTenant {
    const CREATES: bool = true;

    async fn run(self, cx: Slow<Operator>) -> Result<CreatedTenant> {
        let hash = match self.admin_password {
            Some(password) => {
                password.strong_enough("admin_password")?;
                Some(cx.app.gate.hash(password.0).await?)
            }
            None => None,
        };
        let (app, by, call) = (cx.app.clone(), cx.by, cx.call);
        let work = move |tx: &crate::db::Tx<'_>| {
            let locale = self.locale.unwrap_or(call.lang);
            let new = NewTenant {
                name: &self.name,
                domain: self.domain.as_deref().map(String::as_str),
                plan: self.plan.unwrap_or(Plan::Enterprise),
                locale,
                timezone: self.timezone.as_deref().map(String::as_str),
            };
            let id = tenant::create(tx, &new, tx.now)?;
            let admin = NewOperator {
                name: self.admin_name.as_deref().unwrap_or(&self.admin_email),
                email: &self.admin_email,
                phone: None,
                role: Role::Admin,
                department: None,
                password_hash: hash.as_deref(),
                locale: Some(locale),
            };
            let admin_id = operator::create(tx, id, &admin, tx.now)
                .map_err(|error| error.renamed("email", "admin_email"))?;
            let invitation_url = match hash {
                Some(_) => None,
                None => {
                    let token = operator::password_link(tx, &app.secret, id, admin_id, tx.now)?;
                    Some(app.url(&format!("/tenant.html#/password?token={token}")))
                }
            };
            audit::note_call(
                tx,
                &by,
                &call,
                CreateTenant::NAME,
                &json!({ "tenant_id": id }),
            )?;
            Ok(CreatedTenant {
                tenant: platform::tenant(tx, tenant::by_id(tx, id)?, tx.now)?,
                admin_id,
                invitation_url,
            })
        };
        cx.app.db.write(work).await
    }
}

/// Changes a tenant; what is left out stays. One that is switched off lets nobody in and sends nothing.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct UpdateTenant {
    /// The tenant.
    tenant_id: TenantId,
    /// What it is called.
    #[serde(default)]
    name: Option<Name>,
    /// Its plan.
    #[serde(default)]
    plan: Option<Plan>,
    /// Whether it is switched on.
    #[serde(default)]
    is_active: Option<Flag>,
    /// Limits of its own; those that are left out stay.
    #[serde(default)]
    limits: Option<LimitChanges>,
}
impl Spec for UpdateTenant {
    const NAME: &'static str = "update_tenant";
    const NEEDS: Needs = Needs::role(Role::HeadAdmin);
    const TITLE: [&'static str; 3] = ["Изменить компанию", "Компанияны өзгерту", "Update a tenant"];
    const EXAMPLE: &'static str =
        r#"{"tenant_id":1,"plan":"enterprise","limits":{"storage_mb":102400}}"#;
    type By = Operator;
    type Output = TenantStanding;
}
impl Command for UpdateTenant {
    fn run(self, cx: &Write<'_, Operator>) -> Result<TenantStanding> {
        let mut tenant = tenant::find(cx.tx, self.tenant_id)?;
        if let Some(name) = self.name {
            tenant.name = name.0;
        }
        if let Some(plan) = self.plan {
            tenant.plan = plan;
        }
        if let Some(active) = self.is_active {
            if !active.0 && tenant.id == cx.by.tenant {
                // Whoever switches off their own company could not switch it on again.
                return Err(Error::one_of("is_active", &["true"]));
            }
            tenant.is_active = active.0;
            if !active.0 {
                store::close_all_sessions(cx.tx, tenant.id)?;
            }
        }
        if let Some(limits) = self.limits {
            limits.apply(&mut tenant.overrides)?;
        }
        tenant::save_standing(cx.tx, &tenant)?;
        cx.tx.signal(Signal::Access);
        cx.tx.signal(Signal::Outbox);
        cx.tx.signal(Signal::Inbound);
        platform::tenant(cx.tx, tenant, cx.tx.now)
    }
}

/// Lists faults of the program, the latest first. Each stands under the request id that its caller was told.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ListErrorLogs {
    /// Only the one of this request.
    #[serde(default)]
    request_id: Option<Line>,
    /// Only those of this tenant.
    #[serde(default)]
    tenant_id: Option<TenantId>,
    /// The page, from 1.
    #[serde(default)]
    page: Option<Int>,
    /// Entries a page, at most 100; 30 if left out.
    #[serde(default)]
    limit: Option<Int>,
}
/// A page of faults.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ErrorLogs {
    /// The faults.
    error_logs: Vec<ErrorEntry>,
    /// How many there are in all.
    total: i64,
    /// The page.
    page: i64,
    /// Entries a page.
    limit: i64,
}
impl Spec for ListErrorLogs {
    const NAME: &'static str = "list_error_logs";
    const NEEDS: Needs = Needs::role(Role::HeadAdmin);
    const TITLE: [&'static str; 3] = ["Журнал ошибок", "Қателер журналы", "List faults"];
    const EXAMPLE: &'static str = r#"{"page":1,"limit":50}"#;
    type By = Operator;
    type Output = ErrorLogs;
}
impl Query for ListErrorLogs {
    fn run(self, cx: &Read<'_, Operator>) -> Result<ErrorLogs> {
        let page = Page::new(self.page.map(|n| n.0), self.limit.map(|n| n.0), 30)?;
        let request = self.request_id.map(|line| line.0);
        let (error_logs, total) = platform::errors(cx.db, request, self.tenant_id, page)?;
        Ok(ErrorLogs {
            error_logs,
            total,
            page: page.page,
            limit: page.limit,
        })
    }
}

/// Tells how the installation fares: tenants, people, tickets, storage, what waits and what failed.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ShowPlatformStats {}
impl Spec for ShowPlatformStats {
    const NAME: &'static str = "platform_stats";
    const NEEDS: Needs = Needs::role(Role::HeadAdmin);
    const TITLE: [&'static str; 3] = [
        "Показатели системы",
        "Жүйе көрсеткіштері",
        "Show how the installation fares",
    ];
    const EXAMPLE: &'static str = "{}";
    type By = Operator;
    type Output = PlatformStats;
}
impl Query for ShowPlatformStats {
    const LANE: Lane = Lane::Slow;
    fn run(self, cx: &Read<'_, Operator>) -> Result<PlatformStats> {
        platform::stats(cx.db, cx.db.now)
    }
}

/// Tells who tries the program with demo data, since when, and who went on with data of their own.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ShowDemoAnalytics {}
impl Spec for ShowDemoAnalytics {
    const NAME: &'static str = "demo_analytics";
    const NEEDS: Needs = Needs::role(Role::HeadAdmin);
    const TITLE: [&'static str; 3] = [
        "Как пробуют программу",
        "Бағдарламаны қалай сынайды",
        "Show who tries the program",
    ];
    const EXAMPLE: &'static str = "{}";
    type By = Operator;
    type Output = DemoAnalytics;
}
impl Query for ShowDemoAnalytics {
    const LANE: Lane = Lane::Slow;
    fn run(self, cx: &Read<'_, Operator>) -> Result<DemoAnalytics> {
        platform::demos(cx.db)
    }
}
