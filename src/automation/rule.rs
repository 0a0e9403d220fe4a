//! Conditions: what a trigger asks of a ticket and of what happened to it. Reading them, and judging facts by them, needs
//! nothing but the values; gathering the facts is left to [`super::facts`].
use crate::{
    error::{Error, Fault, Result},
    ticket::{
        model::{Author, Origin, Priority, words},
        search::fold,
        status::Status,
    },
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

words! {
    /// When a trigger looks at a ticket.
    #[schemars(rename = "TriggerEvent")]
    When {
        /// A ticket was opened.
        TicketCreated = "ticket_created",
        /// A field, a tag or who is in charge changed.
        TicketUpdated = "ticket_updated",
        /// A ticket moved from one status to another.
        TicketStatusChanged = "ticket_status_changed",
        /// The client's side wrote.
        MessageReceived = "message_received",
        /// A time of the SLA draws near.
        SlaWarning = "sla_warning",
        /// A time of the SLA has passed.
        SlaBreach = "sla_breach",
        /// The client rated the work.
        CsatReceived = "csat_received",
        /// An open ticket has lain untouched for so many hours.
        TicketIdle = "ticket_idle",
    }
}

impl When {
    /// The event that an entry of a ticket's history is, if it is one.
    pub(crate) fn of(kind: &str, author: Option<Author>) -> Option<When> {
        Some(match kind {
            "created" => When::TicketCreated,
            "status" => When::TicketStatusChanged,
            "message" if author == Some(Author::Client) => When::MessageReceived,
            "subject" | "category" | "priority" | "client" | "due" | "tags" | "assigned" => {
                When::TicketUpdated
            }
            "sla_warning" => When::SlaWarning,
            "sla_breach" => When::SlaBreach,
            "csat" | "csat_received" => When::CsatReceived,
            _ => return None,
        })
    }
}

words! {
    /// What a condition asks about.
    #[schemars(rename = "RuleField")]
    Field {
        /// Where the ticket stands.
        Status = "status",
        /// Where it stood before the change.
        FromStatus = "from_status",
        /// How much it matters.
        Priority = "priority",
        /// The code of its category.
        Category = "category",
        /// The way it came in.
        Channel = "channel",
        /// Its subject.
        Subject = "subject",
        /// Its first message.
        Description = "description",
        /// The message that has come; otherwise the client's last.
        Message = "message",
        /// The names of its tags.
        Tag = "tag",
        /// The client's portal.
        PortalDomain = "portal_domain",
        /// The client's company.
        CompanyName = "company_name",
        /// Who opened it.
        CreatorName = "creator_name",
        /// Their address.
        CreatorEmail = "creator_email",
        /// The operator in charge, by number.
        AssignedTo = "assigned_to",
        /// The language of the ticket.
        Locale = "locale",
        /// How many public messages it has.
        MessageCount = "message_count",
        /// Hours since it was opened.
        AgeHours = "age_hours",
        /// Hours since anything happened to it.
        IdleHours = "idle_hours",
        /// Whether it is working time now.
        WorkingHours = "working_hours",
        /// The client's rating, 1 to 5.
        Rating = "rating",
    }
}

words! {
    /// How a condition compares.
    #[schemars(rename = "RuleOp")]
    Op {
        Is = "is",
        IsNot = "is_not",
        Contains = "contains",
        NotContains = "not_contains",
        StartsWith = "starts_with",
        Greater = "gt",
        AtLeast = "gte",
        Less = "lt",
        AtMost = "lte",
        IsSet = "is_set",
        IsNotSet = "is_not_set",
    }
}

impl Op {
    /// The comparison of that name, or of another that people know it by.
    fn named(name: &str) -> Option<Op> {
        Op::parse(name).or(match name {
            "eq" | "equals" | "=" | "==" | "in" | "any_of" => Some(Op::Is),
            "ne" | "neq" | "not_equals" | "!=" | "<>" | "not_in" | "not" => Some(Op::IsNot),
            "includes" | "like" => Some(Op::Contains),
            "not_includes" => Some(Op::NotContains),
            "begins_with" => Some(Op::StartsWith),
            ">" => Some(Op::Greater),
            ">=" => Some(Op::AtLeast),
            "<" => Some(Op::Less),
            "<=" => Some(Op::AtMost),
            "present" | "not_empty" => Some(Op::IsSet),
            "absent" | "empty" | "is_empty" => Some(Op::IsNotSet),
            _ => None,
        })
    }

    const fn needs_value(self) -> bool {
        !matches!(self, Op::IsSet | Op::IsNotSet)
    }

    const fn is_of_numbers(self) -> bool {
        matches!(self, Op::Greater | Op::AtLeast | Op::Less | Op::AtMost)
    }
}

/// One condition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Condition {
    /// What is asked about.
    pub(crate) field: Field,
    /// How it is compared.
    pub(crate) op: Op,
    /// What it is compared with: a text, a number or a list of which one will do.
    #[serde(default)]
    pub(crate) value: Value,
}

/// The conditions of a trigger: all of `all`, and one of `any` if there are some.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Conditions {
    /// All of these must hold.
    #[serde(default)]
    pub(crate) all: Vec<Condition>,
    /// At least one of these must hold, if there are any.
    #[serde(default)]
    pub(crate) any: Vec<Condition>,
}

/// The most conditions of a trigger, and the most values of a condition.
const MOST: usize = 50;
/// The longest text to compare with.
const LONGEST: usize = 500;

impl Conditions {
    /// Reads conditions as a call gives them: in full, as a list that must hold whole, or as the short map.
    pub(crate) fn read(given: &Value) -> Result<Conditions> {
        let conditions = match given {
            Value::Null => Conditions::default(),
            Value::Array(list) => Conditions {
                all: many(list, "conditions")?,
                any: Vec::new(),
            },
            Value::Object(map) if map.contains_key("all") || map.contains_key("any") => {
                if let Some(name) = map.keys().find(|k| !matches!(k.as_str(), "all" | "any")) {
                    return Err(Error::one_of(format!("conditions.{name}"), &["all", "any"]));
                }
                let part = |name: &str| match map.get(name) {
                    None | Some(Value::Null) => Ok(Vec::new()),
                    Some(Value::Array(list)) => many(list, &format!("conditions.{name}")),
                    Some(_) => Err(Error::invalid(format!("conditions.{name}"), Fault::NotList)),
                };
                Conditions {
                    all: part("all")?,
                    any: part("any")?,
                }
            }
            Value::Object(map) => Conditions {
                all: short(map)?,
                any: Vec::new(),
            },
            _ => return Err(Error::invalid("conditions", Fault::NotObject)),
        };
        if conditions.all.len() + conditions.any.len() > MOST {
            return Err(Error::invalid("conditions", Fault::TooMany(MOST)));
        }
        Ok(conditions)
    }

    /// Whether `facts` meet the conditions.
    pub(crate) fn met_by(&self, facts: &Facts) -> bool {
        let holds = |condition: &Condition| condition.met_by(facts);
        self.all.iter().all(holds) && (self.any.is_empty() || self.any.iter().any(holds))
    }
}

fn field_of(name: &str, path: &str) -> Result<Field> {
    let alias = match name {
        "tags" => "tag",
        "from" | "old_status" => "from_status",
        "text" | "body" => "message",
        "company" => "company_name",
        "client" | "portal" => "portal_domain",
        "csat" => "rating",
        "hours" => "idle_hours",
        "operator_id" | "assignee" => "assigned_to",
        other => other,
    };
    Field::parse(alias).ok_or_else(|| {
        let known: Vec<&str> = Field::ALL.iter().map(|f| f.as_str()).collect();
        Error::one_of(path.to_owned(), &known)
    })
}

fn short(map: &Map<String, Value>) -> Result<Vec<Condition>> {
    map.iter()
        .map(|(name, value)| {
            let path = format!("conditions.{name}");
            let field = field_of(name, &path)?;
            let op = match value {
                Value::Null => Op::IsNotSet,
                _ => Op::Is,
            };
            checked(field, op, value, &path, &path)
        })
        .collect()
}

fn many(list: &[Value], path: &str) -> Result<Vec<Condition>> {
    let read = |(at, given): (usize, &Value)| {
        let path = format!("{path}[{at}]");
        let Value::Object(map) = given else {
            return Err(Error::invalid(path, Fault::NotObject));
        };
        let word = |name: &str| match map.get(name) {
            Some(Value::String(word)) => Ok(word.as_str()),
            None => Err(Error::missing(format!("{path}.{name}"))),
            Some(_) => Err(Error::invalid(format!("{path}.{name}"), Fault::NotText)),
        };
        let field = field_of(word("field")?, &format!("{path}.field"))?;
        let op = match map.get("op").or(map.get("operator")) {
            None => Op::Is,
            Some(Value::String(name)) => Op::named(name).ok_or_else(|| {
                let known: Vec<&str> = Op::ALL.iter().map(|op| op.as_str()).collect();
                Error::one_of(format!("{path}.op"), &known)
            })?,
            Some(_) => return Err(Error::invalid(format!("{path}.op"), Fault::NotText)),
        };
        let value = map.get("value").unwrap_or(&Value::Null);
        checked(
            field,
            op,
            value,
            &format!("{path}.op"),
            &format!("{path}.value"),
        )
    };
    list.iter().enumerate().map(read).collect()
}

/// A condition that can hold: its comparison suits its field, and its value is one that the field may have.
fn checked(
    field: Field,
    op: Op,
    value: &Value,
    op_path: &str,
    value_path: &str,
) -> Result<Condition> {
    let is_number = matches!(
        field,
        Field::MessageCount | Field::AgeHours | Field::IdleHours | Field::Rating
    );
    if op.is_of_numbers() && !is_number {
        let suitable: Vec<&str> = Op::ALL
            .iter()
            .filter(|op| !op.is_of_numbers())
            .map(|op| op.as_str())
            .collect();
        return Err(Error::one_of(op_path.to_owned(), &suitable));
    }
    if !op.needs_value() {
        return Ok(Condition {
            field,
            op,
            value: Value::Null,
        });
    }
    let values = match value {
        Value::Null => return Err(Error::missing(value_path.to_owned())),
        Value::Array(list) if list.is_empty() => {
            return Err(Error::invalid(value_path.to_owned(), Fault::Empty));
        }
        Value::Array(list) if list.len() > MOST => {
            return Err(Error::invalid(value_path.to_owned(), Fault::TooMany(MOST)));
        }
        Value::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    for value in values {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(truth) => truth.to_string(),
            _ => return Err(Error::invalid(value_path.to_owned(), Fault::NotText)),
        };
        if text.chars().count() > LONGEST {
            return Err(Error::invalid(
                value_path.to_owned(),
                Fault::TooLong(LONGEST),
            ));
        }
        let exact = matches!(op, Op::Is | Op::IsNot);
        if let Some(known) = known(field).filter(|_| exact)
            && !known.contains(&text.as_str())
        {
            return Err(Error::one_of(value_path.to_owned(), &known));
        }
        if (is_number || field == Field::AssignedTo) && text.trim().parse::<f64>().is_err() {
            return Err(Error::invalid(value_path.to_owned(), Fault::NotNumber));
        }
    }
    Ok(Condition {
        field,
        op,
        value: value.clone(),
    })
}

/// The values that a field can have, if they can be named.
fn known(field: Field) -> Option<Vec<&'static str>> {
    Some(match field {
        Field::Status | Field::FromStatus => Status::ALL.iter().map(|s| s.as_str()).collect(),
        Field::Priority => Priority::ALL.iter().map(|p| p.as_str()).collect(),
        Field::Channel => Origin::ALL.iter().map(|o| o.as_str()).collect(),
        Field::Locale => vec!["ru", "kk", "en"],
        Field::WorkingHours => vec!["true", "false"],
        _ => return None,
    })
}

/// What is so of a ticket at a moment. A field that is not in it is not set.
pub(crate) type Facts = BTreeMap<Field, Fact>;

/// What is so of one field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fact {
    Text(String),
    Number(f64),
    Many(Vec<String>),
}

impl Fact {
    /// As people and the log read it.
    pub(crate) fn shown(&self) -> String {
        match self {
            Fact::Text(text) => text.chars().take(200).collect(),
            Fact::Number(number) => ((number * 100.0).round() / 100.0).to_string(),
            Fact::Many(list) => list.join(", "),
        }
    }

    /// Whether one of its texts passes.
    fn some(&self, passes: impl Fn(&str) -> bool) -> bool {
        match self {
            Fact::Text(text) => passes(&fold(text)),
            Fact::Number(number) => passes(&number.to_string()),
            Fact::Many(list) => list.iter().any(|text| passes(&fold(text))),
        }
    }
}

impl Condition {
    /// Whether the condition holds. Letter case and `ё` do not matter, as in the search.
    pub(crate) fn met_by(&self, facts: &Facts) -> bool {
        let fact = facts.get(&self.field);
        let values: Vec<&Value> = match &self.value {
            Value::Array(list) => list.iter().collect(),
            one => vec![one],
        };
        let texts = || {
            values.iter().map(|value| match value {
                Value::String(text) => fold(text.trim()),
                other => other.to_string(),
            })
        };
        let compares = |passes: fn(&str, &str) -> bool| {
            fact.is_some_and(|fact| texts().any(|value| fact.some(|text| passes(text, &value))))
        };
        let counts = |passes: fn(&f64, &f64) -> bool| {
            let Some(Fact::Number(number)) = fact else {
                return false;
            };
            texts().any(|value| value.parse().is_ok_and(|value| passes(number, &value)))
        };
        let is = |text: &str, value: &str| text == value || same_number(text, value);
        match self.op {
            Op::Is => compares(is),
            Op::IsNot => !compares(is),
            Op::Contains => compares(|text, value| text.contains(value)),
            Op::NotContains => !compares(|text, value| text.contains(value)),
            Op::StartsWith => compares(|text, value| text.starts_with(value)),
            Op::Greater => counts(f64::gt),
            Op::AtLeast => counts(f64::ge),
            Op::Less => counts(f64::lt),
            Op::AtMost => counts(f64::le),
            Op::IsSet => fact.is_some(),
            Op::IsNotSet => fact.is_none(),
        }
    }
}

/// Whether both are the same number, however they are written.
fn same_number(text: &str, value: &str) -> bool {
    matches!((text.parse::<f64>(), value.parse::<f64>()), (Ok(a), Ok(b)) if (a - b).abs() < 1e-9)
}

#[cfg(test)]
mod tests;
