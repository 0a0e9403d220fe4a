//! Variables in the texts of macros and triggers: `{{client.name}}` and the like. A text with one that nobody knows is not
//! stored, so that no client is ever sent a pair of braces.
use crate::error::{Error, Fault, Result};

/// The variables, in the order in which they are offered.
pub(crate) const VARIABLES: [&str; 10] = [
    "client.name",
    "client.company",
    "client.email",
    "ticket.id",
    "ticket.subject",
    "ticket.status",
    "ticket.priority",
    "operator.name",
    "company.name",
    "message.text",
];

/// A part of a text.
enum Part<'t> {
    Plain(&'t str),
    Variable(&'t str),
}

/// The parts of a text. Braces that do not close are text.
fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, tail)) = after.split_once("}}") else {
            break;
        };
        parts.push(Part::Plain(before));
        parts.push(Part::Variable(name.trim()));
        rest = tail;
    }
    parts.push(Part::Plain(rest));
    parts
}

/// Refuses a text with a variable that nobody knows.
pub(crate) fn check(text: &str, field: &str) -> Result<()> {
    for part in parts(text) {
        if let Part::Variable(name) = part
            && !VARIABLES.contains(&name)
        {
            let name = name.chars().take(64).collect();
            return Err(Error::invalid(
                field.to_owned(),
                Fault::UnknownVariable(name),
            ));
        }
    }
    Ok(())
}

/// Puts values in the place of variables. A value is text and is not looked into again; one that is not known at the moment
/// leaves nothing.
pub(crate) fn fill(text: &str, value: impl Fn(&str) -> Option<String>) -> String {
    parts(text)
        .into_iter()
        .map(|part| match part {
            Part::Plain(text) => text.to_owned(),
            Part::Variable(name) => value(name).unwrap_or_default(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_filled_and_what_they_bring_is_not_looked_into() {
        let value = |name: &str| match name {
            "client.name" => Some("{{ticket.id}}".to_owned()),
            "ticket.id" => Some("42".to_owned()),
            _ => None,
        };
        let filled = fill(
            "Здравствуйте, {{ client.name }}! №{{ticket.id}}{{client.company}}. {{не закрыто",
            value,
        );
        assert_eq!(filled, "Здравствуйте, {{ticket.id}}! №42. {{не закрыто");
    }

    #[test]
    fn a_variable_that_nobody_knows_is_refused() {
        assert!(
            VARIABLES
                .iter()
                .all(|name| check(&format!("{{{{{name}}}}}"), "content").is_ok())
        );
        let refused = check("Привет, {{client.nmae}}", "content").unwrap_err();
        assert_eq!(refused.field(), Some("content"));
        assert!(refused.to_string().contains("client.nmae"), "{refused}");
    }
}
