//! What the values of flags are made of. Each says in a few words what it takes.
use crate::{
    api::field::{Domain, Email},
    clock::{DAY, HOUR, MINUTE, Millis, SECOND},
    sla::hours::Hours,
};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::Value;
use std::net::{IpAddr, SocketAddr};

/// The longest name of a person or a thing, as the API has it.
const NAME: usize = 200;

/// One of a few words.
pub(super) fn one_of<T: Clone + Send + Sync + 'static>(
    words: impl IntoIterator<Item = &'static str>,
    parse: fn(&str) -> Option<T>,
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(words)
        .try_map(move |word| parse(&word).ok_or("is not one of the words"))
}

/// An e-mail address.
pub(super) fn email(text: &str) -> Result<String, &'static str> {
    let email = Email::parse(text).ok_or("must be an e-mail address")?;
    Ok(email.0)
}

/// A name: one line that says something.
pub(super) fn name(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err("must be one line that says something");
    }
    if text.chars().count() > NAME {
        return Err("must have at most 200 characters");
    }
    Ok(text.to_owned())
}

/// A domain name.
pub(super) fn domain(text: &str) -> Result<String, &'static str> {
    let domain = serde_json::from_value::<Domain>(Value::from(text));
    domain
        .map(|domain| domain.0)
        .map_err(|_| "must be a domain name such as desk.example.kz")
}

/// A time zone that has a name.
pub(super) fn timezone(text: &str) -> Result<String, &'static str> {
    match Hours::weekdays(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("must be the name of a time zone such as Asia/Almaty"),
    }
}

/// The address of this installation: scheme and host, without a path.
pub(super) fn url(text: &str) -> Result<String, &'static str> {
    let wrong = "must be an address such as https://desk.example.kz";
    let url = text.trim_end_matches('/');
    let host = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))
        .ok_or(wrong)?;
    let plain = |c: char| c.is_alphanumeric() || "-._:[]".contains(c);
    if host.is_empty() || !host.chars().all(plain) {
        return Err(wrong);
    }
    Ok(url.to_owned())
}

/// A secret that a header can carry, long enough not to be guessed.
pub(super) fn token(text: &str) -> Result<String, &'static str> {
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic());
    if plain && text.len() >= 16 {
        Ok(text.to_owned())
    } else {
        Err("must have at least 16 characters, letters, digits and signs")
    }
}

/// A Bitrix24 portal's domain and where it is reached, `portal.zavod.local=http://10.0.0.5`.
pub(super) fn portal(text: &str) -> Result<(String, String), &'static str> {
    let wrong = "must be a domain, =, and an address such as portal.zavod.local=http://10.0.0.5";
    let (domain, address) = text.split_once('=').ok_or(wrong)?;
    let domain = crate::access::bitrix24::host(domain).ok_or(wrong)?;
    Ok((domain, url(address).map_err(|_| wrong)?))
}

/// A name server: an address, and a port if it is another than that of DNS.
pub(super) fn name_server(text: &str) -> Result<SocketAddr, &'static str> {
    const DNS: u16 = 53;
    let alone = text.parse::<IpAddr>();
    alone
        .map(|ip| SocketAddr::new(ip, DNS))
        .or_else(|_| text.parse())
        .map_err(|_| "must be an address such as 1.1.1.1 or 127.0.0.1:5353")
}

/// How long something lasts: a number and its unit, `90d`.
pub(super) fn duration(text: &str) -> Result<Millis, &'static str> {
    let wrong = "must be a number and one of s, m, h, d, w, such as 90d";
    let unit = text.chars().next_back().ok_or(wrong)?;
    let length = match unit {
        's' => SECOND,
        'm' => MINUTE,
        'h' => HOUR,
        'd' => DAY,
        'w' => 7 * DAY,
        _ => return Err(wrong),
    };
    let digits = &text[..text.len() - unit.len_utf8()];
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(wrong);
    }
    let count: Millis = digits.parse().map_err(|_| wrong)?;
    // A hundred years is for ever, and leaves every sum of times in range.
    let most = 100 * 365 * DAY / length;
    if !(1..=most).contains(&count) {
        return Err("must be more than nothing and less than a hundred years");
    }
    Ok(count * length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_server_is_an_address_with_or_without_a_port() {
        let read = |text| name_server(text).map(|address| address.to_string());
        assert_eq!(read("1.1.1.1"), Ok("1.1.1.1:53".to_owned()));
        assert_eq!(read("127.0.0.1:5353"), Ok("127.0.0.1:5353".to_owned()));
        assert_eq!(read("::1"), Ok("[::1]:53".to_owned()));
        assert_eq!(read("[::1]:5353"), Ok("[::1]:5353".to_owned()));
        assert!(read("dns.example").is_err());
        assert!(read("").is_err());
    }

    #[test]
    fn a_portal_is_a_domain_and_an_address() {
        assert_eq!(
            portal("Portal.Zavod.local:8443=http://10.0.0.5"),
            Ok((
                "portal.zavod.local:8443".to_owned(),
                "http://10.0.0.5".to_owned()
            ))
        );
        for bad in [
            "",
            "portal.zavod.local",
            "=http://a.kz",
            "a.kz=",
            "a.kz=ftp://b.kz",
            "a=http://b.kz",
        ] {
            assert!(portal(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_duration_is_a_number_and_its_unit() {
        assert_eq!(duration("90d"), Ok(90 * DAY));
        assert_eq!(duration("36h"), Ok(36 * HOUR));
        assert_eq!(duration("15m"), Ok(15 * MINUTE));
        assert_eq!(duration("30s"), Ok(30 * SECOND));
        assert_eq!(duration("2w"), Ok(14 * DAY));
        for bad in [
            "",
            "d",
            "90",
            "90 d",
            "-1d",
            "+1d",
            "1.5h",
            "0d",
            "101y",
            "36501d",
            "9999999999999999999d",
            "1д",
        ] {
            assert!(duration(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_address_of_the_installation_has_no_path() {
        assert_eq!(
            url("https://desk.example.kz/"),
            Ok("https://desk.example.kz".to_owned())
        );
        assert_eq!(url("http://[::1]:8095"), Ok("http://[::1]:8095".to_owned()));
        for bad in [
            "desk.example.kz",
            "ftp://desk",
            "https://",
            "https://desk/path",
            "https://de sk",
        ] {
            assert!(url(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_time_zone_goes_by_its_name() {
        assert_eq!(timezone("Europe/Moscow"), Ok("Europe/Moscow".to_owned()));
        for bad in ["", "Mars/Olympus", "+05:00"] {
            assert!(timezone(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_name_is_one_line_that_says_something() {
        assert_eq!(name(" ТОО «Сервис» "), Ok("ТОО «Сервис»".to_owned()));
        assert!(name(" ").is_err());
        assert!(name("a\nb").is_err());
        assert!(name(&"я".repeat(201)).is_err());
    }

    #[test]
    fn addresses_and_domains_are_taken_as_the_api_takes_them() {
        assert_eq!(email("Asem@Client.KZ"), Ok("asem@client.kz".to_owned()));
        assert!(email("asem").is_err());
        assert_eq!(domain("Desk.Example.KZ."), Ok("desk.example.kz".to_owned()));
        assert!(domain("desk example").is_err());
    }
}
