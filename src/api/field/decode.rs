//! From a JSON body to an input: what serde says of a value that does not fit becomes an error that names the parameter
//! and, in words, what is wrong with it.
use crate::error::{Error, Fault, Result};
use serde::de;
use serde_json::Value;
use std::fmt;

/// Carries a fault through serde's errors, which hold text only.
struct Carried(Fault);

/// Marks a text that is a carried fault and not one of serde's own sentences.
const MARK: char = '\u{1}';

impl fmt::Display for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Fault::TooLong(n) => write!(f, "{MARK}TooLong {n}"),
            Fault::TooMany(n) => write!(f, "{MARK}TooMany {n}"),
            Fault::OutOfRange(low, high) => write!(f, "{MARK}OutOfRange {low} {high}"),
            fault => write!(f, "{MARK}{fault:?}"),
        }
    }
}

fn uncarry(text: &str) -> Option<Fault> {
    let mut words = text.strip_prefix(MARK)?.split(' ');
    let name = words.next()?;
    let mut number = || words.next()?.parse::<i64>().ok();
    let size = |n: i64| usize::try_from(n).unwrap_or(0);
    Some(match name {
        "TooLong" => Fault::TooLong(size(number()?)),
        "TooMany" => Fault::TooMany(size(number()?)),
        "OutOfRange" => Fault::OutOfRange(number()?, number()?),
        "NotInteger" => Fault::NotInteger,
        "NotPositive" => Fault::NotPositive,
        "NotNumber" => Fault::NotNumber,
        "NotBool" => Fault::NotBool,
        "NotText" => Fault::NotText,
        "NotTime" => Fault::NotTime,
        "Empty" => Fault::Empty,
        "NotEmail" => Fault::NotEmail,
        "NotDomain" => Fault::NotDomain,
        "NotColor" => Fault::NotColor,
        "NotCurrency" => Fault::NotCurrency,
        "NotCode" => Fault::NotCode,
        "NotUrl" => Fault::NotUrl,
        "NotZone" => Fault::NotZone,
        "NotObject" => Fault::NotObject,
        "WeakPassword" => Fault::WeakPassword,
        _ => Fault::WrongType,
    })
}

pub(super) fn refuse<E: de::Error>(fault: Fault) -> E {
    E::custom(Carried(fault))
}

/// Makes an input of `body`, or an error that names the parameter at fault.
pub(crate) fn decode<T: de::DeserializeOwned>(body: Value) -> Result<T> {
    serde_path_to_error::deserialize(body).map_err(|error| {
        let path = error.path().to_string();
        explain(&path, &error.into_inner().to_string())
    })
}

fn explain(path: &str, text: &str) -> Error {
    let inside = |name: &str| match path {
        "." => name.to_owned(),
        _ => format!("{path}.{name}"),
    };
    if let Some(fault) = uncarry(text) {
        return Error::invalid(path.to_owned(), fault);
    }
    if let Some(name) = text
        .strip_prefix("missing field `")
        .and_then(|t| t.split('`').next())
    {
        return Error::missing(inside(name));
    }
    if text.starts_with("unknown variant") {
        let allowed = text
            .split('`')
            .skip(3)
            .step_by(2)
            .map(str::to_owned)
            .collect();
        return Error::invalid(path.to_owned(), Fault::OneOf(allowed));
    }
    if text.starts_with("unknown field") {
        let mut named = text.split('`').skip(1).step_by(2).map(str::to_owned);
        let name = named.next().unwrap_or_default();
        let place = match path.ends_with(&name) {
            true => path.to_owned(),
            false => inside(&name),
        };
        return Error::invalid(place, Fault::OneOf(named.collect()));
    }
    let fault = match text.rsplit_once("expected ").map(|(_, what)| what) {
        Some(what) if what.contains("sequence") => Fault::NotList,
        Some(what) if what.contains("map") || what.contains("struct") => Fault::NotObject,
        Some(what) if what.contains("string") || what.contains("variant") => Fault::NotText,
        _ => Fault::WrongType,
    };
    Error::invalid(path.to_owned(), fault)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::field::{Flag, List, Name, Subject, TicketId},
        lang::Lang,
    };
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only decoding is looked at")]
    struct Input {
        ticket_id: TicketId,
        #[serde(default)]
        subject: Option<Subject>,
        #[serde(default)]
        urgent: Flag,
        #[serde(default)]
        lang: Option<Lang>,
        #[serde(default)]
        tags: List<Name, 2>,
    }

    fn fault(body: Value) -> String {
        decode::<Input>(body).unwrap_err().sentence(Lang::En)
    }

    #[test]
    fn numbers_and_bools_may_come_as_text() {
        let input: Input = decode(json!({"ticket_id": "42", "urgent": "1"})).unwrap();
        assert_eq!((input.ticket_id, input.urgent.0), (TicketId(42), true));
    }

    #[test]
    fn a_bad_parameter_is_named_with_what_is_wrong() {
        assert_eq!(fault(json!({})), "The parameter \"ticket_id\" is missing.");
        assert_eq!(
            fault(json!({"ticket_id": 0})),
            "The parameter \"ticket_id\": must be a positive integer."
        );
        assert_eq!(
            fault(json!({"ticket_id": [1]})),
            "The parameter \"ticket_id\": must be an integer."
        );
        assert_eq!(
            fault(json!({"ticket_id": 1, "subject": " "})),
            "The parameter \"subject\": must not be empty."
        );
        assert_eq!(
            fault(json!({"ticket_id": 1, "subject": "x".repeat(256)})),
            "The parameter \"subject\": is too long, at most 255 characters."
        );
        assert_eq!(
            fault(json!({"ticket_id": 1, "lang": "de"})),
            "The parameter \"lang\": must be one of: ru, kk, en."
        );
        assert_eq!(
            fault(json!({"ticket_id": 1, "tags": ["a", "b", "c"]})),
            "The parameter \"tags\": has too many entries, at most 2."
        );
        assert_eq!(
            fault(json!({"ticket_id": 1, "tags": ["a", 7]})),
            "The parameter \"tags[1]\": must be text."
        );
        assert_eq!(
            fault(json!({"ticket_id": 1, "tags": "a"})),
            "The parameter \"tags\": must be a list."
        );
    }
}
