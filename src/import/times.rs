//! Times as exports write them.
use crate::clock::Millis;
use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    tz::TimeZone,
};

/// The orders in which people write days, for tables made by hand.
const DAYS: [&str; 3] = ["%d.%m.%Y", "%Y/%m/%d", "%d/%m/%Y"];
const CLOCKS: [&str; 3] = ["", " %H:%M", " %H:%M:%S"];

/// The time that a text names; one without a zone is meant in `zone`.
pub(super) fn parse(text: &str, zone: &TimeZone) -> Option<Millis> {
    let text = text.trim();
    // What MySQL writes where there is no time.
    if text.is_empty() || text.starts_with("0000-") {
        return None;
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at.as_millisecond());
    }
    civil(text)?
        .to_zoned(zone.clone())
        .ok()
        .map(|at| at.timestamp().as_millisecond())
}

fn civil(text: &str) -> Option<DateTime> {
    if let Ok(at) = text.parse::<DateTime>() {
        return Some(at);
    }
    if let Ok(day) = text.parse::<Date>() {
        return Some(day.at(0, 0, 0, 0));
    }
    DAYS.iter()
        .flat_map(|day| CLOCKS.iter().map(move |clock| format!("{day}{clock}")))
        .find_map(|form| {
            DateTime::strptime(&form, text).ok().or_else(|| {
                let day = Date::strptime(&form, text).ok()?;
                Some(day.at(0, 0, 0, 0))
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::wire;

    #[test]
    fn times_are_read_as_databases_and_people_write_them() {
        let almaty = TimeZone::get("Asia/Almaty").unwrap();
        for (text, expected) in [
            ("2026-03-19T10:30:00Z", "2026-03-19T10:30:00.000Z"),
            ("2026-03-19T10:30:00+05:00", "2026-03-19T05:30:00.000Z"),
            ("2026-03-19 10:30:00", "2026-03-19T05:30:00.000Z"),
            ("2026-03-19", "2026-03-18T19:00:00.000Z"),
            ("19.03.2026 10:30", "2026-03-19T05:30:00.000Z"),
            ("19.03.2026", "2026-03-18T19:00:00.000Z"),
        ] {
            assert_eq!(wire(parse(text, &almaty).unwrap()), expected, "{text}");
        }
        for none in ["", "0000-00-00 00:00:00", "soon", "32.13.2026"] {
            assert_eq!(parse(none, &almaty), None, "{none}");
        }
    }
}
