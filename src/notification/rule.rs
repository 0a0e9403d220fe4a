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
    /// It concerns whoever is in charge and who follows the ticket.
    Watched(Kind),
    /// It concerns who follows the ticket: what the desk itself answers.
    Followed(Kind),
    /// It concerns whom the note calls.
    Note,
}

/// The topic of an entry, if it is one.
pub(crate) fn topic(happened: &Happened) -> Option<Topic> {
    Some(match happened.kind {
        "assigned" => Topic::InCharge(Kind::Assigned),
        "message" if happened.author == Some(Author::Client) => Topic::Watched(Kind::Message),
        "message" if happened.author == Some(Author::Support) => Topic::Followed(Kind::Message),
        "note" if happened.author == Some(Author::Support) => Topic::Note,
        "sla_warning" => Topic::Overseen(Kind::SlaWarning),
        "sla_breach" => Topic::Overseen(Kind::SlaBreach),
        "estimate_approved" => Topic::Watched(Kind::EstimateApproved),
        "estimate_rejected" => Topic::Watched(Kind::EstimateRejected),
        "csat_received" => Topic::Watched(Kind::Csat),
        _ => return None,
    })
}

/// Who has to do with a ticket.
#[derive(Clone, Debug, Default)]
pub(crate) struct Around {
    pub(crate) in_charge: Option<OperatorId>,
    pub(crate) followers: Vec<OperatorId>,
    /// Whom the note names, besides by `@` in its text.
    pub(crate) named: Vec<OperatorId>,
    /// The text of the note, if it is one.
    pub(crate) note: String,
}

/// Who is told, each once, and of what.
pub(crate) fn recipients(
    topic: Topic,
    around: &Around,
    people: &[Person],
) -> (Kind, Vec<OperatorId>) {
    let in_charge = || around.in_charge.into_iter();
    let followers = || around.followers.iter().copied();
    let (kind, all): (Kind, Vec<OperatorId>) = match topic {
        Topic::InCharge(kind) => (kind, in_charge().collect()),
        Topic::Overseen(kind) if around.in_charge.is_none() => (kind, overseers(people)),
        Topic::Overseen(kind) => (kind, in_charge().collect()),
        Topic::Watched(kind) => (kind, in_charge().chain(followers()).collect()),
        Topic::Followed(kind) => (kind, followers().collect()),
        Topic::Note => {
            let called = mentioned(&around.note, people);
            let named = around.named.iter().copied();
            (Kind::Mention, called.into_iter().chain(named).collect())
        }
    };
    let mut told: Vec<OperatorId> = Vec::with_capacity(all.len());
    for id in all {
        if !told.contains(&id) {
            told.push(id);
        }
    }
    (kind, told)
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
            let around = Around {
                in_charge: in_charge.map(OperatorId),
                ..Around::default()
            };
            let (_, ids) = recipients(topic, &around, &people);
            ids.into_iter().map(|id| id.0).collect()
        };
        assert_eq!(told(Topic::InCharge(Kind::Message), Some(2)), [2]);
        assert!(told(Topic::InCharge(Kind::Message), None).is_empty());
        assert_eq!(told(Topic::Overseen(Kind::SlaBreach), Some(3)), [3]);
        assert_eq!(told(Topic::Overseen(Kind::SlaBreach), None), [4]);
    }

    #[test]
    fn followers_and_those_a_note_names_are_told_once() {
        let people = people();
        let around = Around {
            in_charge: Some(OperatorId(2)),
            followers: vec![OperatorId(2), OperatorId(3)],
            named: vec![OperatorId(1), OperatorId(4)],
            note: "@Сауле, глянь".into(),
        };
        let told = |topic| -> (Kind, Vec<i64>) {
            let (kind, ids) = recipients(topic, &around, &people);
            (kind, ids.into_iter().map(|id| id.0).collect())
        };
        assert_eq!(
            told(Topic::Watched(Kind::Message)),
            (Kind::Message, vec![2, 3])
        );
        assert_eq!(
            told(Topic::Followed(Kind::Message)),
            (Kind::Message, vec![2, 3])
        );
        assert_eq!(
            told(Topic::InCharge(Kind::Assigned)),
            (Kind::Assigned, vec![2])
        );
        assert_eq!(told(Topic::Note), (Kind::Mention, vec![4, 1]));
    }
}
