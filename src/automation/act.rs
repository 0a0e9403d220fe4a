//! What triggers and macros do to a ticket: reading the actions that an admin wrote, and carrying one out by the verbs that
//! operators use.
use super::{facts::Values, template};
use crate::{
    api::field::{OperatorId, TenantId, TriggerId, WebhookId},
    db::sql::{all, first, one, run},
    error::{Code, Error, Fault, Result},
    notification,
    ticket::{
        Acting, change,
        message::{self, Draft},
        model::{Priority, words},
        record::Record,
        status::{Status, Verb},
        tags,
    },
    webhook,
};
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

words! {
    /// What is done.
    #[schemars(rename = "ActKind")]
    Kind {
        /// Puts an operator in charge: by number, `least_loaded`, `round_robin`, `me` or `nobody`.
        Assign = "assign",
        /// Sets the priority.
        SetPriority = "set_priority",
        /// Moves the ticket to a status, by legal steps.
        SetStatus = "set_status",
        /// Sets the category.
        SetCategory = "set_category",
        /// Adds a tag, by name.
        AddTag = "add_tag",
        /// Takes a tag off, by name.
        RemoveTag = "remove_tag",
        /// Writes to the client.
        SendMessage = "send_message",
        /// Leaves an internal note.
        AddNote = "add_note",
        /// Tells operators: one by number, `assigned`, `supervisors`, `admins` or `all`.
        Notify = "notify",
        /// Calls an outgoing webhook, by number.
        CallWebhook = "call_webhook",
    }
}

/// One action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Act {
    /// What is done.
    #[serde(rename = "type")]
    pub(crate) kind: Kind,
    /// What with: a number, a word or a text, as the action needs it.
    pub(crate) value: Value,
    /// What those who are told read.
    #[serde(default)]
    pub(crate) text: Option<String>,
}

/// Who writes actions: some make sense in one place only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Trigger,
    Macro,
}

/// The most actions of one trigger or macro.
const MOST: usize = 20;

/// Reads actions as a call gives them: a list of objects, or the short map from action to value.
pub(crate) fn read(given: &Value, place: Place) -> Result<Vec<Act>> {
    let list: Vec<(String, Kind, Map<String, Value>)> = match given {
        Value::Null => Vec::new(),
        Value::Object(map) => map
            .iter()
            .map(|(name, value)| {
                let path = format!("actions.{name}");
                let kind = kind_of(name, &path)?;
                let fields = match value {
                    Value::Object(fields) => fields.clone(),
                    value => Map::from_iter([("value".to_owned(), value.clone())]),
                };
                Ok((path, kind, fields))
            })
            .collect::<Result<_>>()?,
        Value::Array(list) => list
            .iter()
            .enumerate()
            .map(|(at, given)| {
                let path = format!("actions[{at}]");
                let Value::Object(fields) = given else {
                    return Err(Error::invalid(path, Fault::NotObject));
                };
                let named = fields.get("type").or(fields.get("action"));
                let Some(Value::String(name)) = named else {
                    return Err(Error::missing(format!("{path}.type")));
                };
                let kind = kind_of(name, &format!("{path}.type"))?;
                Ok((path, kind, fields.clone()))
            })
            .collect::<Result<_>>()?,
        _ => return Err(Error::invalid("actions", Fault::NotList)),
    };
    if list.len() > MOST {
        return Err(Error::invalid("actions", Fault::TooMany(MOST)));
    }
    list.into_iter()
        .map(|(path, kind, fields)| one_act(kind, &fields, &path, place))
        .collect()
}

fn kind_of(name: &str, path: &str) -> Result<Kind> {
    Kind::parse(name).ok_or_else(|| {
        let known: Vec<&str> = Kind::ALL.iter().map(|k| k.as_str()).collect();
        Error::one_of(path.to_owned(), &known)
    })
}

/// The names under which an action's value may come, besides `value`.
const fn names(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Assign => &["operator_id", "assigned_to", "operator", "to", "mode"],
        Kind::SetPriority => &["priority"],
        Kind::SetStatus => &["status"],
        Kind::SetCategory => &["category"],
        Kind::AddTag | Kind::RemoveTag => &["tag", "name"],
        Kind::SendMessage | Kind::AddNote => &["message", "text", "note", "content"],
        Kind::Notify => &["to", "operator_id", "whom"],
        Kind::CallWebhook => &["webhook_id", "webhook", "url"],
    }
}

fn one_act(kind: Kind, fields: &Map<String, Value>, path: &str, place: Place) -> Result<Act> {
    let at = format!("{path}.value");
    let given = std::iter::once("value")
        .chain(names(kind).iter().copied())
        .find_map(|name| fields.get(name).filter(|v| !v.is_null()));
    let value = match (given, kind) {
        (Some(value), _) => value.clone(),
        (None, Kind::Notify) => "assigned".into(),
        (None, _) => return Err(Error::missing(at)),
    };
    let number = || match &value {
        Value::Number(n) => n.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let word = || match &value {
        Value::String(text) if !text.trim().is_empty() => Ok(text.trim()),
        Value::String(_) => Err(Error::invalid(at.clone(), Fault::Empty)),
        _ => Err(Error::invalid(at.clone(), Fault::NotText)),
    };
    let among = |known: &[&str]| {
        let word = word()?.replace('-', "_");
        if known.contains(&word.as_str()) {
            Ok(Value::from(word))
        } else {
            Err(Error::one_of(at.clone(), known))
        }
    };
    let counted = |known: &[&str]| match number() {
        Some(n) if n > 0 => Ok(Value::from(n)),
        Some(_) => Err(Error::invalid(at.clone(), Fault::NotPositive)),
        None => among(known),
    };
    let text = |most: usize| {
        let text = word()?;
        if text.chars().count() > most {
            return Err(Error::invalid(at.clone(), Fault::TooLong(most)));
        }
        Ok(Value::from(text))
    };
    let value = match kind {
        Kind::Assign if place == Place::Macro => counted(&["me", "least_loaded", "nobody"])?,
        Kind::Assign => counted(&["least_loaded", "round_robin", "nobody"])?,
        Kind::SetPriority => among(&["low", "normal", "urgent"])?,
        Kind::SetStatus => among(&["in_progress", "on_hold", "done", "closed", "reopened"])?,
        Kind::SetCategory => text(64)?,
        Kind::AddTag | Kind::RemoveTag => text(200)?,
        Kind::SendMessage | Kind::AddNote => {
            let text = text(65_536)?;
            template::check(text.as_str().unwrap_or_default(), &at)?;
            text
        }
        Kind::Notify => counted(&["assigned", "supervisors", "admins", "all"])?,
        Kind::CallWebhook => match number() {
            Some(n) if n > 0 => n.into(),
            // An address stands for the webhook that it is made into; see `webhook::of_url`.
            _ => text(2_000)?,
        },
    };
    let said = fields.get("text").filter(|_| kind == Kind::Notify);
    let text = match said {
        Some(Value::String(said)) if !said.trim().is_empty() => {
            if said.chars().count() > 500 {
                return Err(Error::invalid(format!("{path}.text"), Fault::TooLong(500)));
            }
            template::check(said, &format!("{path}.text"))?;
            Some(said.trim().to_owned())
        }
        _ => None,
    };
    Ok(Act { kind, value, text })
}

impl Act {
    fn word(&self) -> &str {
        self.value.as_str().unwrap_or_default()
    }

    fn number(&self) -> Option<i64> {
        self.value.as_i64()
    }

    /// Whether what the action names is there.
    pub(crate) fn check(&self, conn: &Connection, tenant: TenantId, path: &str) -> Result<()> {
        let at = || format!("{path}.value");
        match (self.kind, self.number()) {
            (Kind::Assign | Kind::Notify, Some(id)) => {
                name_of(conn, tenant, OperatorId(id)).map_err(|error| error.on(at()))?;
            }
            (Kind::SetCategory, _) => {
                let known: bool = one(
                    conn,
                    "select exists (select 1 from category where tenant_id = ?1 and code = ?2)",
                    (tenant, self.word()),
                    |row| row.get(0),
                )?;
                if !known {
                    return Err(Error::new(Code::CategoryNotFound).on(at()));
                }
            }
            (Kind::CallWebhook, Some(id)) => {
                webhook::by_id(conn, tenant, WebhookId(id)).map_err(|error| error.on(at()))?;
            }
            _ => {}
        }
        Ok(())
    }
}

/// Gives operators and webhooks in the JSON of a rule other numbers. One that is given none is left out of the rule by null,
/// which no operator has.
pub(crate) fn renumber(rule: &mut Value, number: &dyn Fn(&str, i64) -> Option<i64>) {
    match rule {
        Value::Array(list) => list.iter_mut().for_each(|part| renumber(part, number)),
        Value::Object(map) => {
            let word = |name: &str| map.get(name).and_then(Value::as_str);
            let table = match (word("type"), word("field")) {
                (Some("assign" | "notify"), _) | (_, Some("assigned_to")) => "operator",
                (Some("call_webhook"), _) => "webhook",
                _ => {
                    map.values_mut().for_each(|part| renumber(part, number));
                    return;
                }
            };
            let fresh = |value: &mut Value| {
                let old = match value {
                    Value::Number(old) => old.as_i64(),
                    Value::String(old) => old.parse().ok(),
                    _ => None,
                };
                if let Some(old) = old {
                    *value = number(table, old).into();
                }
            };
            match map.get_mut("value") {
                Some(Value::Array(values)) => values.iter_mut().for_each(fresh),
                Some(value) => fresh(value),
                None => {}
            }
        }
        _ => {}
    }
}

/// The name of an operator who works here.
fn name_of(conn: &Connection, tenant: TenantId, id: OperatorId) -> Result<String> {
    first(
        conn,
        "select name from operator where tenant_id = ?1 and id = ?2 and is_active",
        (tenant, id),
        |row| row.get(0),
    )?
    .ok_or_else(|| Error::new(Code::OperatorNotFound))
}

/// Those who take tickets, as the least loaded comes first: the plain operators before supervisors and admins, who is there
/// before who is not, then by open tickets.
fn pool(conn: &Connection, tenant: TenantId) -> Result<Vec<OperatorId>> {
    all(
        conn,
        "select o.id
           from operator o
           left join (select assigned_to, count(*) as n from ticket
                       where tenant_id = ?1 and is_open = 1 and deleted_at is null and assigned_to is not null
                       group by assigned_to) t on t.assigned_to = o.id
          where o.tenant_id = ?1 and o.is_active
            and (o.role = 'operator'
                 or not exists (select 1 from operator p
                                 where p.tenant_id = ?1 and p.is_active and p.role = 'operator'))
          order by o.availability = 'offline', o.availability = 'away', coalesce(t.n, 0), o.id",
        [tenant],
        |row| row.get(0),
    )
}

/// The next in turn: those who are there take tickets one after another, by number.
fn next_in_turn(
    conn: &Connection,
    tenant: TenantId,
    trigger: TriggerId,
) -> Result<Option<OperatorId>> {
    let last: Option<i64> = first(
        conn,
        "select last_assigned from trigger where tenant_id = ?1 and id = ?2",
        (tenant, trigger),
        |row| row.get(0),
    )?
    .flatten();
    let mut there: Vec<OperatorId> = all(
        conn,
        "select o.id from operator o
          where o.tenant_id = ?1 and o.is_active and o.availability <> 'offline'
            and (o.role = 'operator'
                 or not exists (select 1 from operator p
                                 where p.tenant_id = ?1 and p.is_active and p.role = 'operator'))",
        [tenant],
        |row| row.get(0),
    )?;
    if there.is_empty() {
        there = pool(conn, tenant)?;
    }
    there.sort();
    let next = there
        .iter()
        .find(|id| last.is_none_or(|last| id.0 > last))
        .or(there.first())
        .copied();
    run(
        conn,
        "update trigger set last_assigned = ?3 where tenant_id = ?1 and id = ?2",
        (tenant, trigger, next),
    )?;
    Ok(next)
}

/// Carries out one action on a ticket. The caller saves the ticket.
pub(crate) fn perform(
    cx: &Acting<'_>,
    ticket: &mut Record,
    act: &Act,
    values: &Values<'_>,
) -> Result<()> {
    let trigger = cx.chain.last().copied();
    match act.kind {
        Kind::Assign => {
            let to = match (act.number(), act.word()) {
                (Some(id), _) => Some(OperatorId(id)),
                (None, "me") => cx.operator(),
                (None, "round_robin") => match trigger {
                    Some(trigger) => next_in_turn(cx.tx, cx.tenant, trigger)?,
                    None => None,
                },
                (None, "least_loaded") => pool(cx.tx, cx.tenant)?.first().copied(),
                _ => None,
            };
            if to.is_none() && act.word() != "nobody" {
                return Err(Error::new(Code::OperatorNotFound).on("assigned_to"));
            }
            change::assign(cx, ticket, to)
        }
        Kind::SetPriority => match Priority::parse(act.word()) {
            Some(priority) => change::set_priority(cx, ticket, priority),
            None => Err(Error::one_of("priority", &["low", "normal", "urgent"])),
        },
        Kind::SetStatus => match Status::parse(act.word()) {
            Some(status) => change::by_verb(cx, ticket, Verb::Set(status), None),
            None => Err(Error::one_of("status", &[])),
        },
        Kind::SetCategory => change::set_category(cx, ticket, act.word().to_owned()),
        Kind::AddTag => tags::add(cx, ticket, tags::named(cx.tx, cx.tenant, act.word())?),
        Kind::RemoveTag => match tags::known(cx.tx, cx.tenant, act.word()) {
            Ok(tag) => tags::remove(cx, ticket, tag),
            // A tag that does not exist is on no ticket.
            Err(error) if error.code() == Code::TagNotFound => Ok(()),
            Err(error) => Err(error),
        },
        Kind::SendMessage => {
            let text = values.fill(act.word());
            match trigger {
                Some(_) => {
                    let draft = Draft {
                        author_name: Some(values.tenant.name.clone()),
                        automatic: true,
                        ..Draft::support(text)
                    };
                    message::post_by_rule(cx, ticket, draft)?;
                }
                None => {
                    message::post_by_support(cx, ticket, Draft::support(text))?;
                }
            }
            Ok(())
        }
        Kind::AddNote => {
            let note = Draft {
                automatic: trigger.is_some(),
                ..Draft::note(values.fill(act.word()))
            };
            message::post_by_rule(cx, ticket, note)?;
            Ok(())
        }
        Kind::Notify => {
            let text = act.text.as_deref().map(|text| values.fill(text));
            let whom = match (act.number(), act.word()) {
                (Some(id), _) => notification::Whom::One(OperatorId(id)),
                (None, "supervisors") => notification::Whom::Supervisors,
                (None, "admins") => notification::Whom::Admins,
                (None, "all") => notification::Whom::All,
                _ => notification::Whom::InCharge(ticket.assigned_to),
            };
            let words = text.unwrap_or_else(|| cx.actor.name.clone());
            notification::by_rule(cx, ticket.id, whom, &words)
        }
        Kind::CallWebhook => {
            let id = act.number().map(WebhookId);
            let id = id.ok_or_else(|| Error::new(Code::WebhookNotFound))?;
            webhook::queue::call(cx, id, ticket.id)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::Lang;
    use serde_json::json;

    #[test]
    fn actions_are_read_in_every_form_into_one() {
        let table = [
            (
                json!([{ "type": "assign", "value": 2 }]),
                json!([{ "type": "assign", "value": 2, "text": null }]),
            ),
            (
                json!([{ "action": "assign", "operator_id": "2" }]),
                json!([{ "type": "assign", "value": 2, "text": null }]),
            ),
            (
                json!([{ "type": "assign", "value": "least-loaded" }]),
                json!([{ "type": "assign", "value": "least_loaded", "text": null }]),
            ),
            (
                json!({ "set_priority": "urgent", "add_tag": " vip " }),
                json!([
                    { "type": "set_priority", "value": "urgent", "text": null },
                    { "type": "add_tag", "value": "vip", "text": null },
                ]),
            ),
            (
                json!([{ "type": "notify", "text": "Смотрите {{ticket.id}}" }]),
                json!([
                    { "type": "notify", "value": "assigned", "text": "Смотрите {{ticket.id}}" },
                ]),
            ),
            (
                json!([{ "type": "send_message", "message": "Здравствуйте, {{client.name}}!" }]),
                json!([
                    { "type": "send_message", "value": "Здравствуйте, {{client.name}}!", "text": null },
                ]),
            ),
        ];
        for (given, stored) in table {
            let acts = read(&given, Place::Trigger).unwrap();
            assert_eq!(serde_json::to_value(&acts).unwrap(), stored, "{given}");
            assert_eq!(read(&stored, Place::Trigger).unwrap(), acts, "{given}");
        }
    }

    #[test]
    fn operators_and_webhooks_are_renumbered_and_nothing_else() {
        let mut rule = json!({
            "all": [{ "field": "assigned_to", "op": "is", "value": ["2", 9] },
                    { "field": "message_count", "op": "is", "value": 2 }],
            "acts": [{ "type": "assign", "value": 2 }, { "type": "assign", "value": "least_loaded" },
                     { "type": "call_webhook", "value": 2 }, { "type": "add_note", "value": "2" }],
        });
        renumber(&mut rule, &|table, old| match (table, old) {
            ("operator", 2) => Some(12),
            ("webhook", 2) => Some(22),
            _ => None,
        });
        let expected = json!({
            "all": [{ "field": "assigned_to", "op": "is", "value": [12, null] },
                    { "field": "message_count", "op": "is", "value": 2 }],
            "acts": [{ "type": "assign", "value": 12 }, { "type": "assign", "value": "least_loaded" },
                     { "type": "call_webhook", "value": 22 }, { "type": "add_note", "value": "2" }],
        });
        assert_eq!(rule, expected);
    }

    #[test]
    fn what_cannot_be_done_is_refused_where_it_stands() {
        let table = [
            (json!(7), Place::Trigger, "actions"),
            (json!([7]), Place::Trigger, "actions[0]"),
            (json!([{ "value": 1 }]), Place::Trigger, "actions[0].type"),
            (
                json!([{ "type": "explode" }]),
                Place::Trigger,
                "actions[0].type",
            ),
            (json!({ "explode": 1 }), Place::Trigger, "actions.explode"),
            (
                json!([{ "type": "set_status", "value": "new" }]),
                Place::Trigger,
                "actions[0].value",
            ),
            (
                json!([{ "type": "add_tag", "value": " " }]),
                Place::Trigger,
                "actions[0].value",
            ),
            (
                json!([{ "type": "add_tag" }]),
                Place::Trigger,
                "actions[0].value",
            ),
            (
                json!([{ "type": "assign", "value": "me" }]),
                Place::Trigger,
                "actions[0].value",
            ),
            (
                json!([{ "type": "assign", "value": "round_robin" }]),
                Place::Macro,
                "actions[0].value",
            ),
            (
                json!([{ "type": "add_note", "value": "{{ticket.colour}}" }]),
                Place::Macro,
                "actions[0].value",
            ),
            (
                json!([{ "type": "notify", "text": "{{x}}" }]),
                Place::Trigger,
                "actions[0].text",
            ),
        ];
        for (given, place, field) in table {
            let error = read(&given, place).unwrap_err();
            assert_eq!(
                error.field(),
                Some(field),
                "{given}: {}",
                error.sentence(Lang::En)
            );
        }
    }
}
