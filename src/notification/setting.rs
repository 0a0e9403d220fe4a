//! How an operator wants to be told: for each kind whether in the desk, and whether by mail and in Telegram, at once or once
//! a day; and the hours in which nothing is sent.
use super::Kind;
use crate::{
    api::field::{OperatorId, TenantId},
    db::sql::{first, run},
    error::Result,
    ticket::model::words,
};
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

words! {
    /// Whether something is told outside the desk as well, and when.
    #[derive(Default)]
    Pace {
        /// Not at all.
        #[default]
        Off = "off",
        /// At once.
        Now = "now",
        /// Once a day, with everything else.
        Digest = "digest",
    }
}

/// How one kind is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Way {
    /// Whether it is shown in the desk.
    pub(crate) in_desk: bool,
    /// Whether it is mailed as well.
    pub(crate) by_mail: Pace,
    /// Whether it is said in the operator's chat with the bot as well.
    #[serde(default)]
    pub(crate) by_telegram: Pace,
}

impl Pace {
    /// `None` if it is not told so at all.
    pub(crate) fn wanted(self) -> Option<Pace> {
        (self != Pace::Off).then_some(self)
    }
}

/// Hours of the day in which nothing is sent: what comes then is sent after them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Quiet {
    /// When they begin, `HH:MM` in the tenant's time zone.
    pub(crate) from: String,
    /// When they end; earlier than the beginning means the next morning.
    pub(crate) to: String,
}

/// How an operator wants to be told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settings {
    /// What differs from what everybody has.
    #[serde(default)]
    pub(crate) ways: BTreeMap<Kind, Way>,
    #[serde(default)]
    pub(crate) quiet: Option<Quiet>,
}

impl Settings {
    /// How a kind is told. Without a choice it is shown in the desk alone; what stops the desk's work is mailed as well.
    pub(crate) fn way(&self, kind: Kind) -> Way {
        let by_mail = match kind {
            Kind::ChannelBroken | Kind::ChannelMended | Kind::SecretExpires => Pace::Now,
            _ => Pace::Off,
        };
        self.ways.get(&kind).copied().unwrap_or(Way {
            in_desk: true,
            by_mail,
            by_telegram: Pace::Off,
        })
    }
}

impl Quiet {
    /// Whether a minute of the day lies within the hours.
    pub(crate) fn holds(&self, minute: u32) -> bool {
        let (Some(from), Some(to)) = (minute_of(&self.from), minute_of(&self.to)) else {
            return false;
        };
        if from <= to {
            (from..to).contains(&minute)
        } else {
            minute >= from || minute < to
        }
    }
}

/// The minute of the day that `HH:MM` names.
pub(crate) fn minute_of(text: &str) -> Option<u32> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |part: &str| {
        (part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit()))
            .then(|| part.parse::<u32>().ok())
            .flatten()
    };
    let (hour, minute) = (digits(hour)?, digits(minute)?);
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}

/// How an operator wants to be told.
pub(crate) fn of(conn: &Connection, tenant: TenantId, operator: OperatorId) -> Result<Settings> {
    let stored: Option<String> = first(
        conn,
        "select settings from notification_setting where tenant_id = ?1 and operator_id = ?2",
        (tenant, operator),
        |row| row.get(0),
    )?;
    Ok(stored
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default())
}

pub(crate) fn save(
    conn: &Connection,
    tenant: TenantId,
    operator: OperatorId,
    settings: &Settings,
) -> Result<()> {
    run(
        conn,
        "insert into notification_setting (tenant_id, operator_id, settings) values (?1, ?2, ?3)
         on conflict (tenant_id, operator_id) do update set settings = excluded.settings",
        (tenant, operator, serde_json::to_string(settings)?),
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_hours_may_reach_over_midnight() {
        let night = Quiet {
            from: "22:00".into(),
            to: "08:30".into(),
        };
        for (minute, quiet) in [
            (1319, false),
            (1320, true),
            (0, true),
            (509, true),
            (510, false),
        ] {
            assert_eq!(night.holds(minute), quiet, "{minute}");
        }
        for wrong in ["8:00", "24:00", "12:60", "12", "1a:00", "+1:00"] {
            assert_eq!(minute_of(wrong), None, "{wrong}");
        }
    }
}
