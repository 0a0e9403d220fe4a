//! The rules as a table: conditions as an admin writes them, facts, and whether they hold.
use super::*;
use crate::lang::Lang;
use serde_json::json;

fn facts() -> Facts {
    let text = |text: &str| Fact::Text(text.to_owned());
    Facts::from([
        (Field::Status, text("new")),
        (Field::Priority, text("urgent")),
        (Field::Category, text("crm")),
        (Field::Subject, text("Не Приходит ПОЧТА, всё встало")),
        (Field::AssignedTo, text("7")),
        (Field::Tag, Fact::Many(vec!["VIP".into(), "касса".into()])),
        (Field::MessageCount, Fact::Number(3.0)),
        (Field::AgeHours, Fact::Number(25.5)),
        (Field::WorkingHours, text("false")),
    ])
}

#[test]
fn conditions_hold_or_do_not() {
    let table = [
        (json!(null), true),
        (json!({}), true),
        (json!([]), true),
        (json!({ "priority": "urgent" }), true),
        (json!({ "priority": "low" }), false),
        (
            json!({ "priority": ["low", "urgent"], "status": "new" }),
            true,
        ),
        (json!({ "priority": "urgent", "status": "done" }), false),
        (json!({ "company_name": null }), true),
        (json!({ "tags": "vip" }), true),
        (json!({ "tag": "Касса" }), true),
        (json!({ "assigned_to": 7 }), true),
        (json!({ "assigned_to": "7" }), true),
        (json!({ "assigned_to": 8 }), false),
        (json!({ "working_hours": false }), true),
        (json!({ "message_count": 3 }), true),
        (
            json!([{ "field": "subject", "op": "contains", "value": "все ВСТАЛО" }]),
            true,
        ),
        (
            json!([{ "field": "subject", "op": "contains", "value": ["1С", "почта"] }]),
            true,
        ),
        (
            json!([{ "field": "subject", "op": "not_contains", "value": "почта" }]),
            false,
        ),
        (
            json!([{ "field": "subject", "op": "starts_with", "value": "не приходит" }]),
            true,
        ),
        (
            json!([{ "field": "age_hours", "op": ">", "value": 24 }]),
            true,
        ),
        (
            json!([{ "field": "age_hours", "op": "lte", "value": "25.5" }]),
            true,
        ),
        (
            json!([{ "field": "rating", "op": "lt", "value": 3 }]),
            false,
        ),
        (
            json!([{ "field": "rating", "op": "is_not", "value": 3 }]),
            true,
        ),
        (json!([{ "field": "assigned_to", "op": "is_set" }]), true),
        (
            json!([{ "field": "creator_email", "op": "is_not_set" }]),
            true,
        ),
        (
            json!([{ "field": "category", "op": "!=", "value": "crm" }]),
            false,
        ),
        (
            json!([{ "field": "category", "op": "not_in", "value": ["hosting", "other"] }]),
            true,
        ),
        (
            json!({ "all": [{ "field": "status", "op": "eq", "value": "new" }],
                    "any": [{ "field": "priority", "op": "is", "value": "low" },
                            { "field": "tag", "op": "is", "value": "vip" }] }),
            true,
        ),
        (
            json!({ "any": [{ "field": "priority", "op": "is", "value": "low" }] }),
            false,
        ),
    ];
    let facts = facts();
    for (given, holds) in table {
        let conditions = Conditions::read(&given).unwrap();
        assert_eq!(conditions.met_by(&facts), holds, "{given}");
        let stored = serde_json::to_value(&conditions).unwrap();
        assert_eq!(Conditions::read(&stored).unwrap(), conditions, "{given}");
    }
}

#[test]
fn what_cannot_be_asked_is_refused_where_it_stands() {
    let table = [
        (json!("x"), "conditions"),
        (json!({ "colour": "red" }), "conditions.colour"),
        (json!({ "status": "finished" }), "conditions.status"),
        (json!({ "assigned_to": "omar" }), "conditions.assigned_to"),
        (json!({ "all": {} }), "conditions.all"),
        (json!({ "all": [], "status": "new" }), "conditions.status"),
        (json!({ "all": [7] }), "conditions.all[0]"),
        (
            json!({ "any": [{ "op": "is" }] }),
            "conditions.any[0].field",
        ),
        (
            json!({ "all": [{ "field": "status", "op": "similar", "value": "new" }] }),
            "conditions.all[0].op",
        ),
        (
            json!({ "all": [{ "field": "status", "op": "gt", "value": "new" }] }),
            "conditions.all[0].op",
        ),
        (
            json!({ "all": [{ "field": "subject", "op": "contains" }] }),
            "conditions.all[0].value",
        ),
        (
            json!({ "all": [{ "field": "subject", "op": "contains", "value": [] }] }),
            "conditions.all[0].value",
        ),
        (
            json!({ "all": [{ "field": "rating", "op": "lt", "value": "low" }] }),
            "conditions.all[0].value",
        ),
        (
            json!({ "all": [{ "field": "subject", "op": "is", "value": { "a": 1 } }] }),
            "conditions.all[0].value",
        ),
    ];
    for (given, field) in table {
        let error = Conditions::read(&given).unwrap_err();
        assert_eq!(
            error.field(),
            Some(field),
            "{given}: {}",
            error.sentence(Lang::En)
        );
    }
}

#[test]
fn an_entry_of_the_history_is_at_most_one_event() {
    let of = |kind| When::of(kind, None).map(When::as_str);
    assert_eq!(of("created"), Some("ticket_created"));
    assert_eq!(of("status"), Some("ticket_status_changed"));
    assert_eq!(of("tags"), Some("ticket_updated"));
    assert_eq!(of("sla_breach"), Some("sla_breach"));
    assert_eq!(of("csat"), Some("csat_received"));
    assert_eq!(of("message"), None);
    assert_eq!(
        When::of("message", Some(Author::Client)),
        Some(When::MessageReceived)
    );
    assert_eq!(When::of("message", Some(Author::Support)), None);
    assert_eq!(When::of("note", Some(Author::Client)), None);
    assert_eq!(of("read"), None);
}
