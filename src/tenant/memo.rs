//! What a thread has read of tenants' hours and settings. They are kept as JSON and asked for several times in one command;
//! a text that says what it said before is not parsed again. It is compared with what is stored each time, so nothing has to
//! tell that it was changed.
use super::Settings;
use crate::{api::field::TenantId, sla::hours::Hours};
use rusqlite::{Row, types::Type};
use std::{cell::RefCell, collections::HashMap};

/// How many tenants a thread remembers.
const MOST: usize = 64;

/// A text and what it says.
struct Said<T> {
    text: String,
    value: T,
}

struct Read {
    hours: Said<Hours>,
    settings: Said<Settings>,
}

thread_local! {
    static READ: RefCell<HashMap<TenantId, Read>> = RefCell::default();
}

/// What a tenant's row says of its hours and settings.
pub(super) fn of_row(tenant: TenantId, row: &Row<'_>) -> rusqlite::Result<(Hours, Settings)> {
    let hours = row.get_ref("business_hours")?.as_str()?;
    let settings = row.get_ref("settings")?.as_str()?;
    of(tenant, hours, settings)
        .map_err(|e| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, e.into()))
}

fn of(tenant: TenantId, hours: &str, settings: &str) -> serde_json::Result<(Hours, Settings)> {
    READ.with_borrow_mut(|read| {
        if let Some(known) = read.get(&tenant)
            && known.hours.text == hours
            && known.settings.text == settings
        {
            return Ok((known.hours.value.clone(), known.settings.value.clone()));
        }
        let said = (
            serde_json::from_str::<Hours>(hours)?,
            Settings::read(settings),
        );
        if read.len() >= MOST {
            read.clear();
        }
        let (hours, settings) = (
            Said {
                text: hours.to_owned(),
                value: said.0.clone(),
            },
            Said {
                text: settings.to_owned(),
                value: said.1.clone(),
            },
        );
        read.insert(tenant, Read { hours, settings });
        Ok(said)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(zone: &str) -> String {
        serde_json::to_string(&Hours::weekdays(zone).unwrap()).unwrap()
    }

    #[test]
    fn another_text_is_read_anew() {
        let (almaty, berlin) = (hours("Asia/Almaty"), hours("Europe/Berlin"));
        let days = |tenant, hours: &str, settings| {
            let (hours, settings) = of(TenantId(tenant), hours, settings).unwrap();
            let zone = hours.zone().iana_name().unwrap().to_owned();
            (zone, settings.auto_close_days)
        };
        for _ in 0..2 {
            assert_eq!(days(1, &almaty, "{}"), ("Asia/Almaty".into(), 7));
            assert_eq!(days(2, &berlin, "{}"), ("Europe/Berlin".into(), 7));
        }
        let three = r#"{"auto_close_days":3}"#;
        assert_eq!(days(1, &almaty, three), ("Asia/Almaty".into(), 3));
        assert_eq!(days(1, &berlin, three), ("Europe/Berlin".into(), 3));
        // What is refused is remembered no more than it is believed.
        assert!(of(TenantId(1), "{}", three).is_err());
        assert_eq!(days(1, &berlin, three), ("Europe/Berlin".into(), 3));
    }

    #[test]
    fn no_more_tenants_are_remembered_than_there_is_room_for() {
        let text = hours("Asia/Almaty");
        for tenant in 0..1_000 {
            of(TenantId(tenant), &text, "{}").unwrap();
        }
        READ.with_borrow(|read| assert!((1..=MOST).contains(&read.len())));
    }
}
