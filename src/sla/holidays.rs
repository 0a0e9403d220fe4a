//! Public holidays that fall on the same date every year, as presets for a desk's calendar.
//!
//! Feasts of the lunar calendar and the days that a government moves by its yearly decree are left
//! to the people who run the desk.

use jiff::civil::Date;

/// The fixed public holidays of Kazakhstan in a year.
///
/// Source: the Law of 13 December 2001 No. 267-II «On holidays in the Republic of Kazakhstan»,
/// articles 2, 3 and 5, as in force since the amendments of 29 September 2022; Orthodox Christmas
/// is a day off by article 84(5) of the Labour Code of 23 November 2015 No. 414-V. Constitution Day
/// left 30 August in 2026 for the date of that year's referendum, 15 March, kept from 2027 on.
pub(crate) fn kazakhstan(year: i16) -> Vec<Date> {
    let mut days = vec![
        (1, 1),
        (1, 2),
        (1, 7),
        (3, 8),
        (3, 21),
        (3, 22),
        (3, 23),
        (5, 1),
        (5, 7),
        (5, 9),
        (7, 6),
        (10, 25),
        (12, 16),
    ];
    match year {
        ..=2025 => days.push((8, 30)),
        2026 => {}
        2027.. => days.push((3, 15)),
    }
    dates(year, days)
}

/// The fixed public holidays of Russia in a year.
///
/// Source: article 112 of the Labour Code of the Russian Federation of 30 December 2001 No. 197-FZ,
/// as in force since 2013.
pub(crate) fn russia(year: i16) -> Vec<Date> {
    let new_year = (1..=8).map(|day| (1, day));
    let others = [(2, 23), (3, 8), (5, 1), (5, 9), (6, 12), (11, 4)];
    dates(year, new_year.chain(others).collect())
}

/// The fixed public holidays of the country that a time zone is in, if it is one of those known here.
///
/// Source: the zones of the IANA time zone database by country (`zone1970.tab`).
pub(crate) fn of_zone(zone: &str, year: i16) -> Vec<Date> {
    const KAZAKHSTAN: [&str; 7] = [
        "Almaty",
        "Aqtau",
        "Aqtobe",
        "Atyrau",
        "Oral",
        "Qostanay",
        "Qyzylorda",
    ];
    const RUSSIA: [&str; 26] = [
        "Anadyr",
        "Astrakhan",
        "Barnaul",
        "Chita",
        "Irkutsk",
        "Kaliningrad",
        "Kamchatka",
        "Khandyga",
        "Kirov",
        "Krasnoyarsk",
        "Magadan",
        "Moscow",
        "Novokuznetsk",
        "Novosibirsk",
        "Omsk",
        "Sakhalin",
        "Samara",
        "Saratov",
        "Srednekolymsk",
        "Tomsk",
        "Ulyanovsk",
        "Ust-Nera",
        "Vladivostok",
        "Volgograd",
        "Yakutsk",
        "Yekaterinburg",
    ];
    match zone.split_once('/') {
        Some(("Asia", city)) if KAZAKHSTAN.contains(&city) => kazakhstan(year),
        Some(("Asia" | "Europe", city)) if RUSSIA.contains(&city) => russia(year),
        _ => Vec::new(),
    }
}

fn dates(year: i16, mut days: Vec<(i8, i8)>) -> Vec<Date> {
    days.sort_unstable();
    days.into_iter()
        .filter_map(|(month, day)| Date::new(year, month, day).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_has_the_holidays_of_its_country() {
        assert_eq!(of_zone("Asia/Qyzylorda", 2026), kazakhstan(2026));
        assert_eq!(of_zone("Europe/Moscow", 2026), russia(2026));
        assert!(of_zone("Europe/Berlin", 2026).is_empty());
    }

    fn words(days: &[Date]) -> String {
        let days: Vec<_> = days
            .iter()
            .map(|date| date.strftime("%m-%d").to_string())
            .collect();
        days.join(" ")
    }

    #[test]
    fn kazakhstan_rests_on_these_days() {
        insta::assert_snapshot!(
            words(&kazakhstan(2025)),
            @"01-01 01-02 01-07 03-08 03-21 03-22 03-23 05-01 05-07 05-09 07-06 08-30 10-25 12-16"
        );
    }

    #[test]
    fn constitution_day_moves_from_august_to_march() {
        let august = |year| Date::new(year, 8, 30).unwrap();
        let march = |year| Date::new(year, 3, 15).unwrap();
        assert!(kazakhstan(2025).contains(&august(2025)));
        assert!(!kazakhstan(2026).contains(&august(2026)));
        assert!(!kazakhstan(2026).contains(&march(2026)));
        assert!(kazakhstan(2027).contains(&march(2027)));
    }

    #[test]
    fn russia_rests_on_these_days() {
        insta::assert_snapshot!(
            words(&russia(2026)),
            @"01-01 01-02 01-03 01-04 01-05 01-06 01-07 01-08 02-23 03-08 05-01 05-09 06-12 11-04"
        );
    }

    #[test]
    fn every_day_lies_in_the_year_it_was_asked_for() {
        for year in 2023..2040 {
            for date in kazakhstan(year).into_iter().chain(russia(year)) {
                assert_eq!(date.year(), year);
            }
        }
    }
}
