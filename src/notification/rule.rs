//! Who is told of what. Pure: an entry of the history, who is in charge and who works here go in; people come out.
use super::Kind;
use crate::{
    access::rules::Role,
    api::field::OperatorId,
    automation::Happened,
    ticket::{model::Author, search::fold},
};

/// Somebody who works here.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) id: OperatorId,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) role: Role,
}

/// What an entry of the history is to operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    /// It concerns whoever is in charge, as the kind says.
    InCharge(Kind),
    /// The same; if nobody is in charge, those who oversee the desk.
    Overseen(Kind),
    /// It concerns whom the note calls.
    Note,
}

/// The topic of an entry, if it is one.
pub(crate) fn topic(happened: &Happened) -> Option<Topic> {
    Some(match happened.kind {
        "assigned" => Topic::InCharge(Kind::Assigned),
        "message" if happened.author == Some(Author::Client) => Topic::InCharge(Kind::Message),
        "note" if happened.author == Some(Author::Support) => Topic::Note,
        "sla_warning" => Topic::Overseen(Kind::SlaWarning),
        "sla_breach" => Topic::Overseen(Kind::SlaBreach),
        "estimate_approved" => Topic::InCharge(Kind::EstimateApproved),
        "estimate_rejected" => Topic::InCharge(Kind::EstimateRejected),
        "csat_received" => Topic::InCharge(Kind::Csat),
        _ => return None,
    })
}

/// Who is told, and of what.
pub(crate) fn recipients(
    topic: Topic,
    in_charge: Option<OperatorId>,
    people: &[Person],
    note: &str,
) -> Vec<(OperatorId, Kind)> {
    match (topic, in_charge) {
        (Topic::InCharge(kind) | Topic::Overseen(kind), Some(id)) => vec![(id, kind)],
        (Topic::InCharge(_), None) => Vec::new(),
        (Topic::Overseen(kind), None) => {
            overseers(people).into_iter().map(|id| (id, kind)).collect()
        }
        (Topic::Note, _) => mentioned(note, people)
            .into_iter()
            .map(|id| (id, Kind::Mention))
            .collect(),
    }
}

/// Those who oversee the desk: supervisors, or the admins where there are none.
pub(crate) fn overseers(people: &[Person]) -> Vec<OperatorId> {
    let supervisors: Vec<OperatorId> = people
        .iter()
        .filter(|p| p.role == Role::Supervisor)
        .map(|p| p.id)
        .collect();
    if supervisors.is_empty() {
        admins(people)
    } else {
        supervisors
    }
}

pub(crate) fn admins(people: &[Person]) -> Vec<OperatorId> {
    people
        .iter()
        .filter(|p| p.role >= Role::Admin)
        .map(|p| p.id)
        .collect()
}

/// Whom a text calls by `@`: by full name, by the part of the address before its `@`, or by a first name that only one
/// person has. The longest name that fits is meant.
pub(crate) fn mentioned(text: &str, people: &[Person]) -> Vec<OperatorId> {
    let mut names: Vec<(String, OperatorId)> = Vec::new();
    for person in people {
        let full = fold(person.name.trim());
        let first = full.split(' ').next().unwrap_or_default().to_owned();
        let local = person.email.split('@').next().unwrap_or_default();
        let alone = people
            .iter()
            .filter(|p| fold(p.name.trim()).split(' ').next() == Some(first.as_str()))
            .count()
            == 1;
        names.push((fold(local), person.id));
        if alone && first != full {
            names.push((first, person.id));
        }
        names.push((full, person.id));
    }
    names.retain(|(name, _)| !name.is_empty());
    names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    let text = fold(text);
    let mut called = Vec::new();
    for (at, _) in text.match_indices('@') {
        // An address is no call.
        if text[..at]
            .chars()
            .next_back()
            .is_some_and(char::is_alphanumeric)
        {
            continue;
        }
        let rest = &text[at + 1..];
        let meant = names.iter().find(|(name, _)| {
            rest.strip_prefix(name.as_str())
                .is_some_and(|tail| !tail.starts_with(char::is_alphanumeric))
        });
        if let Some((_, id)) = meant
            && !called.contains(id)
        {
            called.push(*id);
        }
    }
    called
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people() -> Vec<Person> {
        let person = |id, name: &str, email: &str, role| Person {
            id: OperatorId(id),
            name: name.to_owned(),
            email: email.to_owned(),
            role,
        };
        vec![
            person(1, "Алия Нурбекова", "alia@acme.example", Role::Admin),
            person(2, "Омар Сеитов", "omar@acme.example", Role::Operator),
            person(3, "Омар Ким", "o.kim@acme.example", Role::Operator),
            person(4, "Сауле Ахметова", "saule@acme.example", Role::Supervisor),
        ]
    }

    #[test]
    fn people_are_called_by_name_address_or_a_first_name_of_their_own() {
        let people = people();
        let table: [(&str, &[i64]); 9] = [
            ("@Омар Сеитов, посмотри", &[2]),
            ("@омар ким и @Сауле: срочно", &[3, 4]),
            ("@Омар, кто из вас?", &[]),
            ("@o.kim @alia", &[3, 1]),
            ("(@Алия)", &[1]),
            ("пишите на help@alia.example", &[]),
            ("@Алиянка", &[]),
            ("@ Алия", &[]),
            ("@Алия @alia", &[1]),
        ];
        for (text, ids) in table {
            let called: Vec<i64> = mentioned(text, &people).iter().map(|id| id.0).collect();
            assert_eq!(called, ids, "{text}");
        }
    }

    #[test]
    fn whoever_is_in_charge_is_told_and_otherwise_who_oversees() {
        let people = people();
        let told = |topic, in_charge: Option<i64>| -> Vec<i64> {
            recipients(topic, in_charge.map(OperatorId), &people, "")
                .into_iter()
                .map(|(id, _)| id.0)
                .collect()
        };
        assert_eq!(told(Topic::InCharge(Kind::Message), Some(2)), [2]);
        assert!(told(Topic::InCharge(Kind::Message), None).is_empty());
        assert_eq!(told(Topic::Overseen(Kind::SlaBreach), Some(3)), [3]);
        assert_eq!(told(Topic::Overseen(Kind::SlaBreach), None), [4]);
    }
}
