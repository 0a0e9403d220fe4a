//! Figures of the desk.
use crate::{
    access::{Operator, rules::Needs},
    api::{Action, Query, Read, Spec, field::Int, query},
    clock::Millis,
    db::Lane,
    error::{Error, Fault, Result},
    report::{
        analytics::{self, Analytics},
        dashboard::{self, Dashboard},
        operators::{self, OperatorFigures},
        period, sheet,
        tickets::{self, TicketFigures},
    },
    tenant,
    tenant::plan::{Plan, Scope::Read as R},
};
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) const ACTIONS: &[Action] = &[
    query::<ShowDashboard>(),
    query::<ShowAnalytics>(),
    query::<ReportTickets>(),
    query::<ReportOperators>(),
];

/// Shows the desk at a glance: what is open, how fast it is answered and solved, and each client's part of it.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ShowDashboard {}
impl Spec for ShowDashboard {
    const NAME: &'static str = "dashboard";
    const NEEDS: Needs = Needs::scopes(&[R]).plan(Plan::Starter);
    const TITLE: [&'static str; 3] = ["Сводка", "Көрсеткіштер", "Dashboard"];
    const EXAMPLE: &'static str = "{}";
    type By = Operator;
    type Output = Dashboard;
}
impl Query for ShowDashboard {
    const LANE: Lane = Lane::Here;
    fn holds_until(found: &Dashboard, _now: Millis) -> Option<Millis> {
        Some(found.until)
    }
    fn run(self, cx: &Read<'_, Operator>) -> Result<Dashboard> {
        dashboard::dashboard(cx.db, cx.by.tenant, cx.db.now)
    }
}

/// The days that a report covers if it is not said.
const USUAL: i64 = 30;
/// The most days that a report covers.
const MOST: i64 = 3_660;

/// How many days are asked for.
fn days(asked: Option<Int>) -> Result<u16> {
    let days = asked.map_or(USUAL, |days| days.0);
    u16::try_from(days)
        .ok()
        .filter(|_| (1..=MOST).contains(&days))
        .ok_or_else(|| Error::invalid("days", Fault::OutOfRange(1, MOST)))
}

/// When the first of `days` began where the tenant is, and the tenant's zone.
fn beginning(cx: &Read<'_, Operator>, days: u16) -> Result<(Millis, TimeZone)> {
    let zone = tenant::by_id(cx.db, cx.by.tenant)?.hours.zone().clone();
    let since = period::last(days, &zone, cx.db.now)
        .first()
        .map_or(cx.db.now, |day| day.from);
    Ok((since, zone))
}

/// Shows how the desk fared over the last days, today included: what came in and went out each day, by category, priority
/// and channel, and how well times were kept. Days are those of the tenant's time zone.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ShowAnalytics {
    /// How many days, 30 if it is left out.
    #[serde(default)]
    days: Option<Int>,
}
impl Spec for ShowAnalytics {
    const NAME: &'static str = "dashboard_analytics";
    const NEEDS: Needs = Needs::scopes(&[R]).plan(Plan::Pro);
    const TITLE: [&'static str; 3] = ["Аналитика", "Талдау", "Analytics"];
    const EXAMPLE: &'static str = r#"{"days":30}"#;
    type By = Operator;
    type Output = Analytics;
}
impl Query for ShowAnalytics {
    const LANE: Lane = Lane::Slow;
    fn holds_until(found: &Analytics, _now: Millis) -> Option<Millis> {
        Some(found.until)
    }
    fn run(self, cx: &Read<'_, Operator>) -> Result<Analytics> {
        let days = days(self.days)?;
        let zone = tenant::by_id(cx.db, cx.by.tenant)?.hours.zone().clone();
        analytics::analytics(cx.db, cx.by.tenant, days, &zone, cx.db.now)
    }
}

/// What a report is answered as: `json` in the usual envelope; `csv` or `xlsx` as a file to save.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ReportFormat {
    #[default]
    Json,
    Csv,
    Xlsx,
}

impl ReportFormat {
    /// The rows as JSON; or none, and the file is the answer.
    fn answer<T: Serialize + JsonSchema>(
        self,
        cx: &Read<'_, Operator>,
        name: &str,
        rows: Vec<T>,
        zone: &TimeZone,
    ) -> Result<Vec<T>> {
        let file = match self {
            ReportFormat::Json => return Ok(rows),
            ReportFormat::Csv => sheet::csv(name, &rows)?,
            ReportFormat::Xlsx => sheet::xlsx(name, &rows, zone, &cx.app.config.data_dir)?,
        };
        cx.call.answer_with(file);
        Ok(Vec::new())
    }
}

/// The media types of a report's files.
const FILES: &[&str] = &[sheet::CSV, sheet::XLSX];

/// Lists all tickets opened in the last days, today included, with full details, the newest first. With `format` `csv` or
/// `xlsx` the answer is the file itself, with its name in `Content-Disposition`; refusals are JSON as everywhere. A period
/// with more than 50,000 tickets is refused.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ReportTickets {
    /// How many days, 30 if it is left out.
    #[serde(default)]
    days: Option<Int>,
    /// What to answer with, `json` if it is left out.
    #[serde(default)]
    format: Option<ReportFormat>,
}
impl Spec for ReportTickets {
    const NAME: &'static str = "report_tickets";
    const NEEDS: Needs = Needs::scopes(&[R]).plan(Plan::Pro);
    const TITLE: [&'static str; 3] = [
        "Отчёт по заявкам",
        "Өтінімдер бойынша есеп",
        "Report on tickets",
    ];
    const EXAMPLE: &'static str = r#"{"days":30,"format":"json"}"#;
    const DOWNLOADS: &'static [&'static str] = FILES;
    type By = Operator;
    type Output = Vec<TicketFigures>;
}
impl Query for ReportTickets {
    const LANE: Lane = Lane::Slow;
    fn run(self, cx: &Read<'_, Operator>) -> Result<Vec<TicketFigures>> {
        let (since, zone) = beginning(cx, days(self.days)?)?;
        let rows = tickets::tickets(cx.db, cx.by.tenant, since, cx.db.now)?;
        let format = self.format.unwrap_or_default();
        format.answer(cx, "tickets", rows, &zone)
    }
}

/// Tells how each operator fared over the last days, today included: who works here, and who has left but worked then.
/// With `format` `csv` or `xlsx` the answer is the file itself.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ReportOperators {
    /// How many days, 30 if it is left out.
    #[serde(default)]
    days: Option<Int>,
    /// What to answer with, `json` if it is left out.
    #[serde(default)]
    format: Option<ReportFormat>,
}
impl Spec for ReportOperators {
    const NAME: &'static str = "report_operators";
    const NEEDS: Needs = Needs::scopes(&[R]).plan(Plan::Pro);
    const TITLE: [&'static str; 3] = [
        "Отчёт по сотрудникам",
        "Қызметкерлер бойынша есеп",
        "Report on operators",
    ];
    const EXAMPLE: &'static str = r#"{"days":30}"#;
    const DOWNLOADS: &'static [&'static str] = FILES;
    type By = Operator;
    type Output = Vec<OperatorFigures>;
}
impl Query for ReportOperators {
    const LANE: Lane = Lane::Slow;
    fn run(self, cx: &Read<'_, Operator>) -> Result<Vec<OperatorFigures>> {
        let (since, zone) = beginning(cx, days(self.days)?)?;
        let rows = operators::operators(cx.db, cx.by.tenant, since)?;
        let format = self.format.unwrap_or_default();
        format.answer(cx, "operators", rows, &zone)
    }
}
