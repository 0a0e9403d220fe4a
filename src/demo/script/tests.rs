//! The demo desk's promises: it looks alive, it obeys the rules, and it repeats itself.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::people::{CLIENTS, OPERATORS};
use super::reference::{CATEGORIES, QUICK_REPLIES, TAGS, TARIFFS};
use super::staging::scenes;
use super::*;
use crate::sla::due::{self, Rules};
use crate::sla::holidays;
use crate::sla::hours::Hours;
use crate::ticket::status::{ClientReply, Status, Verb, Window, client_reply, support_reply};

const MINUTE_MS: i64 = 60_000;

/// A Wednesday afternoon in Almaty.
const NOW: i64 = 1_795_080_840_000;

fn hours() -> Hours {
    let hours = Hours::weekdays("Asia/Almaty").unwrap();
    hours.with_holidays((2026..2032).flat_map(holidays::kazakhstan))
}

fn demo() -> Vec<Scene> {
    scenes(1, NOW, &hours())
}

fn dialogs() -> Vec<&'static Dialog> {
    let all = ru::DIALOGS.into_iter().chain(kk::DIALOGS);
    all.chain(en::DIALOGS).flatten().collect()
}

/// Plays a step by the state machine, as a loader would.
fn play(at: Status, what: &What) -> Status {
    let verb = match what {
        What::ClientSays(_) => {
            return match client_reply(at, Window::Open) {
                ClientReply::Stays => at,
                ClientReply::Reopens => Status::Reopened,
                ClientReply::OpensNew => panic!("a reply would open another ticket"),
            };
        }
        What::SupportSays { .. } => return support_reply(at).unwrap_or(at),
        What::Note { .. } | What::Take { .. } | What::Assign { .. } | What::LogTime { .. } => {
            return at;
        }
        What::Estimate { .. } => Verb::Estimate,
        What::Approve => Verb::Approve,
        What::Reject { .. } => Verb::Reject,
        What::Hold { .. } => Verb::Hold,
        What::Resume { .. } => Verb::Resume,
        What::Complete { .. } => Verb::Complete,
        What::Accept => Verb::Accept,
        What::AutoClose => Verb::AutoClose,
        What::Reopen { .. } => Verb::Reopen,
    };
    let steps = verb.steps(at);
    let steps = steps.unwrap_or_else(|illegal| panic!("{what:?}: {illegal}"));
    steps.last().copied().unwrap_or(at)
}

fn status(scene: &Scene) -> Status {
    let steps = scene.steps.iter();
    steps.fold(Status::New, |at, step| play(at, &step.what))
}

fn text(what: &What) -> Option<&str> {
    match what {
        What::ClientSays(text)
        | What::SupportSays { text, .. }
        | What::Note { text, .. }
        | What::Estimate {
            description: text, ..
        }
        | What::Reject { reason: text }
        | What::Hold { reason: text, .. }
        | What::Complete { result: text, .. }
        | What::Reopen { reason: text }
        | What::LogTime {
            description: text, ..
        } => Some(text),
        What::Take { .. }
        | What::Assign { .. }
        | What::Approve
        | What::Resume { .. }
        | What::Accept
        | What::AutoClose => None,
    }
}

fn opening(scene: &Scene) -> &str {
    text(&scene.steps[0].what).unwrap()
}

/// Every scene keeps time: it opens with the client, goes forward and ends before now.
fn assert_in_time(scene: &Scene) {
    assert!(matches!(scene.steps[0].what, What::ClientSays(_)));
    assert_eq!(scene.steps[0].after_minutes, 0);
    assert!(scene.steps.is_sorted_by_key(|step| step.after_minutes));
    let last = scene.steps.last().unwrap().after_minutes;
    assert!(last <= scene.started_minutes_ago, "{}", scene.subject);
    assert!(scene.started_minutes_ago <= 61 * 24 * 60);
    if status(scene) == Status::Done {
        let idle = scene.started_minutes_ago - last;
        assert!(idle < 7 * 24 * 60, "would have closed by itself");
    }
    if let Some(rating) = &scene.rating {
        assert!((1..=5).contains(&rating.stars));
        assert!((0..=scene.started_minutes_ago).contains(&rating.after_minutes));
    }
}

#[test]
fn the_desk_holds_two_hundred_tickets_in_every_state() {
    let mut counts: BTreeMap<Status, usize> = BTreeMap::new();
    for scene in &demo() {
        *counts.entry(status(scene)).or_default() += 1;
    }
    let expected = [
        (Status::New, 8),
        (Status::Estimated, 6),
        (Status::InProgress, 20),
        (Status::OnHold, 6),
        (Status::Done, 18),
        (Status::Closed, 137),
        (Status::Reopened, 5),
    ];
    assert_eq!(counts, expected.into());
}

#[test]
fn three_of_five_tickets_are_russian_and_one_each_kazakh_and_english() {
    let demo = demo();
    let of = |language| demo.iter().filter(|s| s.language == language).count();
    assert_eq!(
        [of(Language::Ru), of(Language::Kk), of(Language::En)],
        [120, 40, 40]
    );
    for scene in &demo {
        assert_eq!(scene.contact.language, scene.language);
        for step in &scene.steps {
            if let What::SupportSays { operator, .. } = &step.what {
                assert!(operator.languages.contains(&scene.language));
            }
        }
    }
}

#[test]
fn kazakh_and_russian_are_told_apart_by_their_letters() {
    let kazakh = |scene: &Scene| opening(scene).contains(['ә', 'ғ', 'қ', 'ң', 'ө', 'ұ', 'ү', 'і']);
    let cyrillic = |scene: &Scene| opening(scene).contains(|c| ('а'..='я').contains(&c));
    for scene in demo() {
        let expected = match scene.language {
            Language::Ru => (false, true),
            Language::Kk => (true, true),
            Language::En => (false, false),
        };
        assert_eq!(
            (kazakh(&scene), cyrillic(&scene)),
            expected,
            "{}",
            opening(&scene)
        );
    }
}

#[test]
fn the_same_seed_gives_the_same_desk_and_another_one_another() {
    assert_eq!(demo(), demo());
    assert_ne!(demo(), scenes(2, NOW, &hours()));
}

#[test]
fn every_scene_keeps_time() {
    for scene in &demo() {
        assert_in_time(scene);
    }
}

#[test]
fn staff_work_in_the_desks_hours_and_clients_also_outside_them() {
    let (hours, demo) = (hours(), demo());
    let mut outside = 0;
    for scene in &demo {
        let start = NOW - scene.started_minutes_ago * MINUTE_MS;
        // Times are cut to whole minutes, and the last one of a day is still that day's.
        let open = |after: i64| {
            let at = start + after * MINUTE_MS;
            (-1..=1).any(|minute| hours.is_open(at + minute * MINUTE_MS))
        };
        outside += usize::from(!open(0));
        for step in &scene.steps {
            if let What::SupportSays { text, .. } = &step.what {
                assert!(open(step.after_minutes), "{text}");
            }
        }
    }
    assert!((10..60).contains(&outside), "{outside}");
}

#[test]
fn no_text_is_empty_or_unfinished() {
    for scene in &demo() {
        let spoken = scene.steps.iter().filter_map(|step| text(&step.what));
        for words in spoken.chain([scene.subject.as_str()]) {
            assert!(!words.trim().is_empty(), "{}", scene.subject);
            assert!(!words.contains(['{', '}', '[', ']', '|']), "{words}");
        }
        assert!(scene.subject.chars().count() <= 255);
    }
}

#[test]
fn tickets_name_only_what_the_desk_knows() {
    let categories: BTreeSet<_> = CATEGORIES.iter().map(|category| category.code).collect();
    let tags: BTreeSet<_> = TAGS.iter().map(|(name, _)| *name).collect();
    for scene in &demo() {
        assert!(categories.contains(scene.category));
        assert!(["urgent", "normal", "low"].contains(&scene.priority));
        assert!(["portal", "email", "widget", "api"].contains(&scene.channel));
        assert!(scene.tags.iter().all(|tag| tags.contains(tag)));
        assert!(scene.client.contacts.contains(scene.contact));
    }
    for client in CLIENTS {
        assert!(
            TARIFFS
                .iter()
                .any(|tariff| tariff.code == client.tariff_plan)
        );
    }
}

#[test]
fn the_open_tickets_all_tell_different_stories() {
    let demo = demo();
    let open: Vec<_> = demo.iter().filter(|s| status(s).is_open()).collect();
    let stories: BTreeSet<_> = open.iter().map(|scene| opening(scene)).collect();
    assert_eq!(stories.len(), open.len());
    let openings: BTreeSet<_> = demo.iter().map(opening).collect();
    assert!(openings.len() > 150, "{}", openings.len());
}

#[test]
fn there_is_something_to_do_at_first_sight() {
    let demo = demo();
    let open: Vec<_> = demo.iter().filter(|s| status(s).is_open()).collect();
    let assigned = |scene: &&&Scene| {
        let takes = |step: &Step| matches!(step.what, What::Take { .. } | What::Assign { .. });
        scene.steps.iter().any(takes)
    };
    let unread = |scene: &&&Scene| {
        let last = &scene.steps.last().unwrap().what;
        matches!(last, What::ClientSays(_)) && status(scene) == Status::InProgress
    };
    let unassigned = open.len() - open.iter().filter(assigned).count();
    assert!((3..=8).contains(&unassigned), "{unassigned}");
    assert!(open.iter().filter(unread).count() >= 4);
    assert!(demo.iter().filter(|scene| scene.rating.is_some()).count() > 50);
    for operator in OPERATORS.iter().filter(|o| o.role == "operator") {
        let speaks = |step: &Step| matches!(&step.what, What::SupportSays { operator: by, .. } if *by == operator);
        let tickets = demo.iter().filter(|scene| scene.steps.iter().any(speaks));
        assert!(tickets.count() > 15, "{}", operator.name);
    }
    for client in CLIENTS {
        let tickets = demo.iter().filter(|scene| scene.client == client).count();
        assert!(tickets > 5, "{}: {tickets}", client.company_name);
    }
}

#[test]
fn some_first_answers_come_too_late_and_most_do_not() {
    let (hours, demo, rules) = (hours(), demo(), Rules::default());
    let mut late = 0;
    for scene in &demo {
        let start = NOW - scene.started_minutes_ago * MINUTE_MS;
        let rule = match scene.priority {
            "urgent" => rules.urgent,
            "low" => rules.low,
            _ => rules.normal,
        };
        let due = due::start(start, rule, &hours);
        let mut steps = scene.steps.iter();
        let answer = steps.find(|step| matches!(step.what, What::SupportSays { .. }));
        let answered = answer.map_or(NOW, |step| start + step.after_minutes * MINUTE_MS);
        late += usize::from(due::breached(due.response_at, answered));
    }
    assert!((10..45).contains(&late), "{late}");
}

#[test]
fn every_conversation_is_whole() {
    for dialog in dialogs() {
        let name = dialog.subject;
        assert!(
            matches!(dialog.turns.first(), Some(Turn::Client(0, _))),
            "{name}"
        );
        assert!(
            matches!(dialog.turns.last(), Some(Turn::Complete(..))),
            "{name}"
        );
        let everything = format!("{dialog:?}");
        for (value, choices) in dialog.values {
            assert!(
                everything.contains(&format!("{{{value}}}")),
                "{name}: {value}"
            );
            assert!(choices.contains('|'), "{name}: {value}");
        }
        for named in everything
            .split('{')
            .filter_map(|rest| rest.split_once('}'))
        {
            let (name, _) = named;
            let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphabetic());
            let known = dialog.values.iter().any(|(value, _)| *value == name);
            assert!(
                !plain || known || ["client", "before"].contains(&name),
                "{name} has no value in {everything}"
            );
        }
        for portal in dialog.portals {
            assert!(CLIENTS.iter().any(|client| client.portal_domain == *portal));
        }
    }
}

#[test]
fn nobody_of_the_demo_can_be_written_to_by_accident() {
    let contacts = CLIENTS.iter().flat_map(|client| client.contacts);
    let mut seen = BTreeSet::new();
    for contact in contacts {
        assert!(contact.email.ends_with(".example"), "{}", contact.email);
        assert!(seen.insert(contact.email));
    }
    for operator in OPERATORS {
        assert!(operator.email.ends_with("@demo.tehprof.kz"));
        assert!(seen.insert(operator.email));
    }
}

#[test]
fn quick_replies_come_in_every_language_under_names_of_their_own() {
    let shortcuts: BTreeSet<_> = QUICK_REPLIES.iter().map(|reply| reply.shortcut).collect();
    assert_eq!(shortcuts.len(), QUICK_REPLIES.len());
    for language in [Language::Ru, Language::Kk, Language::En] {
        let replies = QUICK_REPLIES.iter().filter(|r| r.language == language);
        assert_eq!(replies.count(), 5);
    }
}

#[test]
fn a_desk_that_never_opens_has_no_past() {
    let closed = r#"{"timezone":"UTC","days":[[],[],[],[],[],[],[]]}"#;
    let closed: Hours = serde_json::from_str(closed).unwrap();
    assert!(scenes(1, NOW, &closed).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn on_any_day_and_with_any_seed_every_step_is_legal_and_in_the_past(
        seed in any::<u64>(), minutes in 0_i64..3 * 365 * 24 * 60,
        round_the_clock in any::<bool>(),
    ) {
        let hours = if round_the_clock {
            let day = r#"[{"from":"00:00","to":"24:00"}]"#;
            let days = [day; 7].join(",");
            serde_json::from_str(&format!(r#"{{"timezone":"Europe/Moscow","days":[{days}]}}"#)).unwrap()
        } else {
            hours()
        };
        let scenes = scenes(seed, NOW + minutes * MINUTE_MS, &hours);
        prop_assert_eq!(scenes.len(), 200);
        let open = scenes.iter().filter(|scene| status(scene).is_open()).count();
        prop_assert_eq!(open, 45);
        for scene in &scenes {
            assert_in_time(scene);
        }
    }
}
