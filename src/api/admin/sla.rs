//! Service levels: what is promised, when the desk works, and why a ticket is due when it is.
mod explain;

use super::tariffs::promise;
use crate::{
    access::{
        Operator,
        rules::{Needs, Role},
    },
    api::{
        Action, Command, Query, Read, Spec, Write, command,
        field::{Int, List},
        query,
    },
    error::{Error, Fault, Result},
    sla::{
        due::{Rule, Rules},
        holidays,
        hours::{Hours, Why, WireHours, WireInterval},
    },
    tenant::{
        self,
        plan::{Plan, Scope::Read as R},
    },
    ticket::clock,
};
use explain::ExplainSla;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) const ACTIONS: &[Action] = &[
    query::<GetSlaRules>(),
    command::<SaveSlaRules>(),
    query::<GetBusinessHours>(),
    command::<SaveBusinessHours>(),
    query::<ListHolidays>(),
    query::<ExplainSla>(),
];

/// What a desk promises by priority, in working minutes.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct SlaRules {
    #[serde(flatten)]
    rules: Rules,
    /// How much of the promised time is left when the desk is warned, in hundredths; 0 for no warnings.
    warning_percent: u32,
}

fn sla_rules(conn: &rusqlite::Connection, by: &Operator) -> Result<SlaRules> {
    Ok(SlaRules {
        rules: tenant::rules(conn, by.tenant)?,
        warning_percent: tenant::by_id(conn, by.tenant)?.settings.sla_warning_percent,
    })
}

/// Shows how fast each priority is to be answered and solved, in working minutes. A client's tariff may promise otherwise.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetSlaRules {}
impl Spec for GetSlaRules {
    const NAME: &'static str = "get_sla_rules";
    const NEEDS: Needs = Needs::scopes(&[R]);
    const TITLE: [&'static str; 3] = ["Правила SLA", "SLA ережелері", "Get the SLA rules"];
    const EXAMPLE: &'static str = "{}";
    type By = Operator;
    type Output = SlaRules;
}
impl Query for GetSlaRules {
    fn run(self, cx: &Read<'_, Operator>) -> Result<SlaRules> {
        sla_rules(cx.db, cx.by)
    }
}

/// Some of the rules.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
pub(crate) struct SomeRules {
    /// What is promised for urgent tickets.
    #[serde(default)]
    urgent: Option<Rule>,
    /// What is promised for normal tickets.
    #[serde(default)]
    normal: Option<Rule>,
    /// What is promised for tickets of low priority.
    #[serde(default)]
    low: Option<Rule>,
}

/// Sets how fast each priority is to be answered and solved, in working minutes; what is left out stays. The due times of
/// all open tickets are counted anew from when each was opened, pauses left out; what was answered stays as it was judged.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct SaveSlaRules {
    /// What is promised for urgent tickets.
    #[serde(default)]
    urgent: Option<Rule>,
    /// What is promised for normal tickets.
    #[serde(default)]
    normal: Option<Rule>,
    /// What is promised for tickets of low priority.
    #[serde(default)]
    low: Option<Rule>,
    /// The same three, in an object of their own.
    #[serde(default)]
    rules: SomeRules,
    /// How much of the promised time is left when the desk is warned, in hundredths; 0 for no warnings, 20 at first.
    #[serde(default)]
    warning_percent: Option<Int>,
}
impl Spec for SaveSlaRules {
    const NAME: &'static str = "save_sla_rules";
    const NEEDS: Needs = Needs::role(Role::Admin).plan(Plan::Starter);
    const TITLE: [&'static str; 3] = [
        "Сохранить правила SLA",
        "SLA ережелерін сақтау",
        "Save the SLA rules",
    ];
    const EXAMPLE: &'static str = r#"{"urgent":{"response_minutes":30,"resolution_minutes":240},"normal":{"response_minutes":120,"resolution_minutes":1440}}"#;
    type By = Operator;
    type Output = SlaRules;
}
impl Command for SaveSlaRules {
    fn run(self, cx: &Write<'_, Operator>) -> Result<SlaRules> {
        let mut rules = tenant::rules(cx.tx, cx.by.tenant)?;
        for (name, rule, outer, inner) in [
            ("urgent", &mut rules.urgent, self.urgent, self.rules.urgent),
            ("normal", &mut rules.normal, self.normal, self.rules.normal),
            ("low", &mut rules.low, self.low, self.rules.low),
        ] {
            if let Some(new) = outer {
                promise(new, name)?;
                *rule = new;
            } else if let Some(new) = inner {
                promise(new, &format!("rules.{name}"))?;
                *rule = new;
            }
        }
        tenant::save_rules(cx.tx, cx.by.tenant, &rules)?;
        if let Some(Int(percent)) = self.warning_percent {
            let mut settings = tenant::by_id(cx.tx, cx.by.tenant)?.settings;
            settings.sla_warning_percent = u32::try_from(percent)
                .ok()
                .filter(|percent| *percent <= 90)
                .ok_or_else(|| Error::invalid("warning_percent", Fault::OutOfRange(0, 90)))?;
            tenant::save_settings(cx.tx, cx.by.tenant, &settings)?;
        }
        clock::recount(cx.tx, cx.by.tenant)?;
        sla_rules(cx.tx, cx.by)
    }
}

/// Shows when the desk works: its time zone, its week from Monday on, its holidays.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetBusinessHours {}
impl Spec for GetBusinessHours {
    const NAME: &'static str = "get_business_hours";
    const NEEDS: Needs = Needs::scopes(&[R]);
    const TITLE: [&'static str; 3] = ["Рабочее время", "Жұмыс уақыты", "Get the business hours"];
    const EXAMPLE: &'static str = "{}";
    type By = Operator;
    type Output = WireHours;
}
impl Query for GetBusinessHours {
    fn run(self, cx: &Read<'_, Operator>) -> Result<WireHours> {
        Ok(tenant::by_id(cx.db, cx.by.tenant)?.hours.into())
    }
}

/// A part of a day: `{"from":"09:00","to":"18:00"}` or `["09:00","18:00"]`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum PartOfDay {
    /// By name.
    Named(WireInterval),
    /// Beginning and end.
    Pair(String, String),
}

impl From<PartOfDay> for WireInterval {
    fn from(part: PartOfDay) -> WireInterval {
        match part {
            PartOfDay::Named(interval) => interval,
            PartOfDay::Pair(from, to) => WireInterval { from, to },
        }
    }
}

/// Sets when the desk works. The due times of all open tickets are counted anew.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct SaveBusinessHours {
    /// The time zone's IANA name, such as `Asia/Almaty`; the present one if left out.
    #[serde(default)]
    timezone: Option<String>,
    /// Seven days from Monday on, each with the intervals worked; none on a day off.
    days: List<List<PartOfDay, 48>, 7>,
    /// Days on which nobody works, as `2026-12-16`; the present ones if left out.
    #[serde(default)]
    holidays: Option<List<String, 2000>>,
}
impl Spec for SaveBusinessHours {
    const NAME: &'static str = "save_business_hours";
    const NEEDS: Needs = Needs::role(Role::Admin);
    const TITLE: [&'static str; 3] = [
        "Сохранить рабочее время",
        "Жұмыс уақытын сақтау",
        "Save the business hours",
    ];
    const EXAMPLE: &'static str = r#"{"timezone":"Asia/Almaty","days":[[{"from":"09:00","to":"13:00"},{"from":"14:00","to":"18:00"}],[{"from":"09:00","to":"18:00"}],[{"from":"09:00","to":"18:00"}],[{"from":"09:00","to":"18:00"}],[{"from":"09:00","to":"17:00"}],[],[]],"holidays":["2026-12-16"]}"#;
    type By = Operator;
    type Output = WireHours;
}
impl Command for SaveBusinessHours {
    fn run(self, cx: &Write<'_, Operator>) -> Result<WireHours> {
        let present = WireHours::from(tenant::by_id(cx.tx, cx.by.tenant)?.hours);
        let day = |parts: List<PartOfDay, 48>| parts.0.into_iter().map(Into::into).collect();
        let wanted = WireHours {
            timezone: self.timezone.unwrap_or(present.timezone),
            days: self.days.0.into_iter().map(day).collect(),
            holidays: self.holidays.map_or(present.holidays, |days| days.0),
        };
        let hours = Hours::try_from(wanted).map_err(|fault| {
            let why = match fault.why {
                Why::UnknownZone => Fault::NotZone,
                Why::NotSevenDays => Fault::NotSevenDays,
                Why::NotATime => Fault::NotClockTime,
                Why::EndsTooEarly => Fault::EndsTooEarly,
                Why::Overlaps => Fault::Overlaps,
                Why::NotADate => Fault::NotDate,
            };
            Error::invalid(fault.part, why)
        })?;
        tenant::save_hours(cx.tx, cx.by.tenant, &hours)?;
        clock::recount(cx.tx, cx.by.tenant)?;
        Ok(hours.into())
    }
}

/// A country whose public holidays are known here.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Country {
    /// Kazakhstan.
    Kz,
    /// Russia.
    Ru,
}

/// Lists the public holidays of a country that fall on the same date every year, to be added to the business hours. Feasts
/// of the lunar calendar and days that a government moves are not among them.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ListHolidays {
    /// The country.
    country: Country,
    /// The year; the present one in the desk's time zone if left out.
    #[serde(default)]
    year: Option<Int>,
}
/// The fixed public holidays of a country in a year.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Holidays {
    /// The country.
    country: Country,
    /// The year.
    year: i16,
    /// The days, as `2026-12-16`.
    days: Vec<String>,
}
impl Spec for ListHolidays {
    const NAME: &'static str = "list_holidays";
    const NEEDS: Needs = Needs::scopes(&[R]);
    const TITLE: [&'static str; 3] = [
        "Государственные праздники",
        "Мемлекеттік мерекелер",
        "List public holidays",
    ];
    const EXAMPLE: &'static str = r#"{"country":"kz","year":2026}"#;
    type By = Operator;
    type Output = Holidays;
}
impl Query for ListHolidays {
    fn run(self, cx: &Read<'_, Operator>) -> Result<Holidays> {
        let year = match self.year {
            None => {
                let zone: TimeZone = tenant::by_id(cx.db, cx.by.tenant)?.hours.zone().clone();
                jiff::Timestamp::from_millisecond(cx.db.now)
                    .map_err(Error::internal)?
                    .to_zoned(zone)
                    .year()
            }
            Some(Int(year)) => i16::try_from(year)
                .ok()
                .filter(|year| (2000..=2100).contains(year))
                .ok_or_else(|| Error::invalid("year", Fault::OutOfRange(2000, 2100)))?,
        };
        let days = match self.country {
            Country::Kz => holidays::kazakhstan(year),
            Country::Ru => holidays::russia(year),
        };
        Ok(Holidays {
            country: self.country,
            year,
            days: days.iter().map(ToString::to_string).collect(),
        })
    }
}
