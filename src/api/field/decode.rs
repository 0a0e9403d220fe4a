//! From a JSON body to an input: what serde says of a value that does not fit becomes an error that names the parameter
//! and, in words, what is wrong with it.
use crate::error::{Error, Fault, Result};
use serde::de;
use serde_json::Value;
use serde_path_to_error::{Path, Segment};
use std::fmt;

/// How often a body is looked at once more: more than any call has parameters, and few enough that one made of nothing but
/// blanks keeps nobody waiting.
const SECOND_LOOKS: usize = 200;

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
///
/// What a parameter does not take is looked at once more, as programs and forms write it: `null`, or empty text, stands
/// for a parameter that was left out, and text that holds JSON for a list or an object.
pub(crate) fn decode<T: de::DeserializeOwned>(body: Value) -> Result<T> {
    let mut made = None;
    settle(body, &mut |body| {
        match serde_path_to_error::deserialize(body) {
            Ok(input) => made = Some(input),
            Err(error) => return Some(Failed::of(error.path(), &error.inner().to_string())),
        }
        None
    })?;
    made.ok_or_else(|| Error::internal("an input was neither made nor refused"))
}

/// What serde says of a body that does not fit.
struct Failed {
    /// The parameter, as an error names it.
    path: String,
    /// Where its value stands (RFC 6901).
    pointer: String,
    text: String,
}

impl Failed {
    fn of(path: &Path, text: &str) -> Failed {
        let segment = |segment: &Segment| match segment {
            Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
            Segment::Seq { index } => format!("/{index}"),
            Segment::Enum { .. } | Segment::Unknown => "/?".to_owned(),
        };
        Failed {
            path: path.to_string(),
            pointer: path.iter().map(segment).collect(),
            text: text.to_owned(),
        }
    }

    fn error(&self) -> Error {
        explain(&self.path, &self.text)
    }

    /// The parameter that is missing, if that is what is wrong.
    fn missing(&self) -> Option<String> {
        let name = between(self.text.strip_prefix("missing field ")?)?;
        Some(inside(&self.path, name))
    }
}

/// Tries a body, and as often again as something in it can be taken in another way.
fn settle(mut body: Value, attempt: &mut dyn FnMut(&Value) -> Option<Failed>) -> Result<()> {
    // What was wrong with parameters that count as left out, if they turn out to be needed.
    let mut left_out = Vec::<(String, Error)>::new();
    let mut looks = 0..SECOND_LOOKS;
    loop {
        let Some(failed) = attempt(&body) else {
            return Ok(());
        };
        if looks.next().is_none() {
            return Err(failed.error());
        }
        if let Some(missing) = failed.missing() {
            let first = left_out.into_iter().find(|(name, _)| *name == missing);
            return Err(first.map_or_else(|| failed.error(), |(_, error)| error));
        }
        let Some(value) = body.pointer_mut(&failed.pointer) else {
            return Err(failed.error());
        };
        let is_blank = match value {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            _ => false,
        };
        if is_blank {
            if !leave_out(&mut body, &failed.pointer) {
                return Err(failed.error());
            }
            left_out.push((failed.path.clone(), failed.error()));
            continue;
        }
        if let Some(meant) = held(value, &failed.text) {
            *value = meant;
            continue;
        }
        // Of a number where a word is expected serde does not say which words there are.
        if failed.text.ends_with("expected string or map") {
            *value = Value::String(String::new());
            if let Some(told) = attempt(&body).filter(|f| f.text.starts_with("unknown variant")) {
                return Err(told.error());
            }
        }
        return Err(failed.error());
    }
}

/// Says `null` in the place of a text, and nothing in the place of `null`. An entry of a list cannot be left out.
fn leave_out(body: &mut Value, pointer: &str) -> bool {
    let (parent, name) = pointer.rsplit_once('/').unwrap_or_default();
    let name = name.replace("~1", "/").replace("~0", "~");
    let Some(Value::Object(fields)) = body.pointer_mut(parent) else {
        return false;
    };
    match fields.get_mut(&name) {
        Some(Value::Null) => fields.shift_remove(&name).is_some(),
        Some(value) => {
            *value = Value::Null;
            true
        }
        None => false,
    }
}

/// The list or object that a text holds, where one is expected.
fn held(value: &Value, text: &str) -> Option<Value> {
    let fault = expected(text)?;
    let held = serde_json::from_str(value.as_str()?).ok()?;
    let fits = match fault {
        Fault::NotList => matches!(held, Value::Array(_)),
        Fault::NotObject => matches!(held, Value::Object(_)),
        _ => false,
    };
    fits.then_some(held)
}

/// What is between the first two backquotes.
fn between(text: &str) -> Option<&str> {
    text.split('`').nth(1)
}

fn inside(path: &str, name: &str) -> String {
    match path {
        "." => name.to_owned(),
        _ => format!("{path}.{name}"),
    }
}

/// What serde expected in the place of something else.
fn expected(text: &str) -> Option<Fault> {
    let (_, what) = text.rsplit_once("expected ")?;
    Some(match what {
        what if what.contains("sequence") => Fault::NotList,
        "string or map" => Fault::NotText,
        what if what.contains("map") || what.contains("struct") => Fault::NotObject,
        what if what.contains("string") || what.contains("variant") => Fault::NotText,
        _ => return None,
    })
}

fn explain(path: &str, text: &str) -> Error {
    if let Some(fault) = uncarry(text) {
        return Error::invalid(path.to_owned(), fault);
    }
    if let Some(name) = text.strip_prefix("missing field ").and_then(between) {
        return Error::missing(inside(path, name));
    }
    // The same parameter under two of its names.
    if let Some(name) = text.strip_prefix("duplicate field ").and_then(between) {
        return Error::invalid(inside(path, name), Fault::Contradictory);
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
            false => inside(path, &name),
        };
        return Error::invalid(place, Fault::OneOf(named.collect()));
    }
    Error::invalid(path.to_owned(), expected(text).unwrap_or(Fault::WrongType))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::field::{Change, Flag, List, Name, Subject, TicketId, Time},
        lang::Lang,
    };
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Debug, Deserialize)]
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
        #[serde(default, alias = "kept")]
        until: Change<Time>,
        #[serde(default)]
        hours: Option<Hours>,
    }

    #[derive(Debug, Deserialize)]
    struct Hours {
        from: Name,
        #[serde(default)]
        by_day: Flag,
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

    #[test]
    fn nothing_in_the_place_of_something_is_a_parameter_that_was_left_out() {
        for nothing in [json!(""), json!(null)] {
            let input: Input = decode(json!({
                "ticket_id": 1, "subject": nothing, "urgent": nothing, "lang": nothing, "tags": nothing,
                "hours": { "from": "09:00", "by_day": nothing },
            }))
            .unwrap();
            assert!(input.subject.is_none() && input.lang.is_none() && input.tags.0.is_empty());
            assert!(!input.urgent.0);
        }
        assert_eq!(
            fault(json!({"ticket_id": ""})),
            "The parameter \"ticket_id\": must be an integer."
        );
        assert_eq!(
            fault(json!({"ticket_id": 1, "hours": {"from": ""}})),
            "The parameter \"hours.from\": must not be empty."
        );
        assert_eq!(
            fault(json!({"ticket_id": 1, "tags": ["a", ""]})),
            "The parameter \"tags[1]\": must not be empty."
        );
    }

    #[test]
    fn nothing_takes_away_what_a_change_may_take_away() {
        for (given, clears) in [
            (json!(null), true),
            (json!(""), true),
            (json!("2026-01-01T00:00:00Z"), false),
        ] {
            let input: Input = decode(json!({ "ticket_id": 1, "until": given })).unwrap();
            assert_eq!(matches!(input.until, Change::Clear), clears, "{given}");
        }
        let input: Input = decode(json!({ "ticket_id": 1 })).unwrap();
        assert!(matches!(input.until, Change::Keep));
    }

    #[test]
    fn a_list_or_an_object_may_come_as_text() {
        let input: Input = decode(json!({
            "ticket_id": 1, "tags": "[\"a\",\"b\"]", "hours": "{\"from\":\"09:00\",\"by_day\":1}",
        }))
        .unwrap();
        assert_eq!(input.tags.0.len(), 2);
        let hours = input.hours.unwrap();
        assert_eq!((&*hours.from.0, hours.by_day.0), ("09:00", true));
        assert_eq!(
            fault(json!({"ticket_id": 1, "tags": "{}"})),
            "The parameter \"tags\": must be a list."
        );
        assert_eq!(
            fault(json!({"ticket_id": 1, "hours": "9"})),
            "The parameter \"hours\": must be an object."
        );
    }

    #[test]
    fn a_number_for_a_word_is_told_which_words_there_are() {
        for value in [json!(1), json!(["ru"])] {
            assert_eq!(
                fault(json!({"ticket_id": 1, "lang": value})),
                "The parameter \"lang\": must be one of: ru, kk, en."
            );
        }
    }

    #[test]
    fn a_parameter_under_two_names_is_named() {
        assert_eq!(
            fault(json!({"ticket_id": 1, "until": null, "kept": null})),
            "The parameter \"until\": is given in two ways."
        );
    }

    #[test]
    fn a_body_of_nothing_but_blanks_is_given_up() {
        #[derive(Debug, Deserialize)]
        struct Many {
            hours: Vec<Hours>,
        }
        let hours = |count: usize| json!({ "hours": vec![json!({ "from": "09:00", "by_day": null }); count] });
        assert_eq!(
            decode::<Many>(hours(SECOND_LOOKS)).unwrap().hours.len(),
            SECOND_LOOKS
        );
        let refused = decode::<Many>(hours(50_000)).unwrap_err();
        let place = format!("hours[{SECOND_LOOKS}].by_day");
        assert_eq!(refused.field(), Some(place.as_str()));
    }
}
