//! Gives the written conversations to people and days, so that they make a living desk.
//!
//! Which ticket comes how far is decided here, and who takes part; how a conversation becomes steps
//! is left to `beats`, and where they lie in time to `calendar`.

mod beats;
mod calendar;
mod closing;
mod example;

use beats::{Beat, Cue, Fate, Staff};
use calendar::Calendar;

use super::people::{CLIENTS, Client, Contact, Gender, OPERATORS, Operator};
use super::words::{Dice, Values, render};
use super::{Dialog, Language, Rating, Scene, Step, Turn, What, en, kk, ru};
use crate::sla::hours::Hours;

const MINUTE_MS: i64 = 60_000;
const AUTO_CLOSE_MS: i64 = 7 * 24 * 60 * MINUTE_MS;

/// How many tickets come how far, besides the one of the published examples.
const FATES: [(Fate, usize); 7] = [
    (Fate::Estimated, 6),
    (Fate::OnHold, 6),
    (Fate::Reopened, 5),
    (Fate::New, 8),
    (Fate::Working, 19),
    (Fate::Done, 18),
    (Fate::Closed, 137),
];

/// Of five tickets, three are Russian, one Kazakh and one English.
const LANGUAGES: [Language; 5] = [
    Language::Ru,
    Language::Ru,
    Language::Kk,
    Language::Ru,
    Language::En,
];

/// The tickets of a desk's last sixty days, oldest first.
///
/// All work lies in the desk's hours, though clients also write outside them. There are none for a
/// desk that did not open in that time.
pub(crate) fn scenes(seed: u64, now: i64, hours: &Hours) -> Vec<Scene> {
    let calendar = Calendar::new(hours, now);
    if calendar.length() == 0 {
        return Vec::new();
    }
    let mut dice = Dice::new(seed);
    let mut deck = Deck::full();
    // The ticket of the examples is one of the Russian ones.
    let mut languages = LANGUAGES.into_iter().cycle().skip(1);
    let mut scenes = Vec::new();
    for (fate, count) in FATES {
        for nth in 0..count {
            let Some(language) = languages.next() else {
                continue;
            };
            if let Some(dialog) = deck.deal(language, fate, &mut dice) {
                let share = Share { nth, of: count };
                scenes.extend(stage(dialog, fate, share, &calendar, &mut deck, &mut dice));
            }
        }
    }
    scenes.sort_by_key(|scene: &Scene| std::cmp::Reverse(scene.started_minutes_ago));
    let before = &scenes[..scenes.len().min(example::NUMBER - 1)];
    if let Some(last) = before.last() {
        let place = before.len();
        let example = example::scene(last.started_minutes_ago, &calendar);
        scenes.splice(place..place, example);
    }
    scenes
}

/// Which of so many tickets of one fate.
#[derive(Clone, Copy)]
struct Share {
    nth: usize,
    of: usize,
}

impl Share {
    /// The part of a whole that this ticket's turn comes at.
    fn part(self, whole: i64) -> i64 {
        let (nth, of) = (self.nth, self.of.max(1));
        whole * i64::try_from(nth + 1).unwrap_or(1) / i64::try_from(of).unwrap_or(1)
    }
}

/// The written conversations, and where each of them has been used.
struct Deck {
    cards: Vec<Card>,
}

struct Card {
    dialog: &'static Dialog,
    portals: Vec<&'static str>,
}

impl Deck {
    fn full() -> Self {
        let all = ru::DIALOGS
            .into_iter()
            .chain(kk::DIALOGS)
            .chain(en::DIALOGS)
            .flatten();
        Self {
            cards: all
                .map(|dialog| Card {
                    dialog,
                    portals: Vec::new(),
                })
                .collect(),
        }
    }

    /// One of the conversations used least so far that are in a language and can come to this end.
    fn deal(&self, language: Language, fate: Fate, dice: &mut Dice) -> Option<&'static Dialog> {
        let fits = |card: &&Card| card.dialog.language == language && fate.suits(card.dialog);
        let fitting: Vec<&Card> = self.cards.iter().filter(fits).collect();
        let least = fitting.iter().map(|card| card.portals.len()).min()?;
        let fresh: Vec<_> = fitting
            .iter()
            .filter(|card| card.portals.len() == least)
            .map(|card| card.dialog)
            .collect();
        dice.pick(&fresh)
    }

    /// Somebody it can happen to, at a portal where it has happened least.
    fn cast(
        &mut self,
        dialog: &'static Dialog,
        dice: &mut Dice,
    ) -> Option<(&'static Client, &'static Contact)> {
        let card = self
            .cards
            .iter_mut()
            .find(|card| std::ptr::eq(card.dialog, dialog))?;
        let mut people: Vec<_> = CLIENTS
            .iter()
            .filter(|client| {
                dialog.portals.is_empty() || dialog.portals.contains(&client.portal_domain)
            })
            .flat_map(|client| client.contacts.iter().map(move |contact| (client, contact)))
            .filter(|(_, contact)| contact.language == dialog.language)
            .collect();
        dice.shuffle(&mut people);
        let happened = |client: &Client| {
            let at = |portal: &&&str| **portal == client.portal_domain;
            card.portals.iter().filter(at).count()
        };
        let cast = people
            .into_iter()
            .min_by_key(|(client, _)| happened(client))?;
        card.portals.push(cast.0.portal_domain);
        Some(cast)
    }
}

fn stage(
    dialog: &'static Dialog,
    fate: Fate,
    share: Share,
    calendar: &Calendar<'_>,
    deck: &mut Deck,
    dice: &mut Dice,
) -> Option<Scene> {
    let (client, contact) = deck.cast(dialog, dice)?;
    let staff = staff(dialog, dice)?;
    let channel = channel(dialog, dice);
    let mut beats = beats::beats(dialog, fate, staff, dice);
    let length = beats.iter().map(|beat| beat.gap).sum();
    let urgent = dialog.priority == "urgent";
    let age = length + idle(fate, urgent, length, share, calendar, dice);
    let age = age.min(calendar.length());
    let (start, times) = times(&mut beats, age, fate, channel, calendar, dice);

    let mut values: Values = vec![
        ("client", contact.first_name.to_owned()),
        ("before", calendar.clock(start - 35 * MINUTE_MS)),
    ];
    for (name, choices) in dialog.values {
        let choices: Vec<&str> = choices.split('|').collect();
        values.push((name, dice.pick(&choices).unwrap_or_default().to_owned()));
    }
    let minutes = |at: i64| (at - start).max(0) / MINUTE_MS;
    let subject = capital(&render(dialog.subject, dice, &values, contact.gender));
    let steps: Vec<Step> = beats
        .iter()
        .zip(&times)
        .map(|(beat, &at)| Step {
            after_minutes: minutes(at),
            what: perform(beat, contact, &values, dice),
        })
        .collect();
    let rating = rating(fate, dialog.language, &beats, &times, dice).map(|rating| Rating {
        after_minutes: minutes(rating.0).min(calendar.minutes_ago(start)),
        stars: rating.1,
        comment: rating.2,
    });
    Some(Scene {
        client,
        contact,
        language: dialog.language,
        channel,
        subject,
        category: dialog.category,
        priority: dialog.priority,
        tags: dialog.tags,
        started_minutes_ago: calendar.minutes_ago(start),
        steps,
        rating,
    })
}

/// Who answers: mostly whoever the category belongs to, always somebody who speaks the language.
fn staff(dialog: &Dialog, dice: &mut Dice) -> Option<Staff> {
    let speaks = |operator: &&&'static Operator| operator.languages.contains(&dialog.language);
    let able: Vec<&'static Operator> = OPERATORS.iter().filter(|o| speaks(&o)).collect();
    let expert = |operator: &&Operator| operator.categories.contains(&dialog.category);
    let experts: Vec<_> = able.iter().copied().filter(expert).collect();
    let front: Vec<_> = able
        .iter()
        .copied()
        .filter(|operator| operator.role == "operator")
        .collect();
    let lead = if !experts.is_empty() && dice.percent(75) {
        dice.pick(&experts)?
    } else {
        dice.pick(&front)?
    };
    let others: Vec<_> = front.into_iter().filter(|&other| other != lead).collect();
    // What is passed on mostly needs somebody who knows the wires.
    let technician = others
        .iter()
        .copied()
        .find(|operator| operator.categories.contains(&"infrastructure"));
    Some(Staff {
        lead,
        colleague: technician.or_else(|| dice.pick(&others))?,
        supervisor: OPERATORS.iter().find(|o| o.role == "supervisor")?,
    })
}

fn channel(dialog: &Dialog, dice: &mut Dice) -> &'static str {
    if let Some(channel) = dice.pick(dialog.channels) {
        return channel;
    }
    match dice.below(100) {
        0..48 => "portal",
        48..82 => "email",
        _ => "widget",
    }
}

/// How many working minutes ago the last step of a ticket was done.
fn idle(
    fate: Fate,
    urgent: bool,
    length: i64,
    share: Share,
    calendar: &Calendar<'_>,
    dice: &mut Dice,
) -> i64 {
    let minutes = match fate {
        // Even a busy desk does not leave an urgent cry unheard for long.
        Fate::New if urgent => i64::from(dice.between(2, 44)),
        Fate::New => [3, 9, 24, 47, 90, 135, 190, 340][share.nth % 8],
        // Some work drags on.
        Fate::Working if share.nth % 9 == 8 => i64::from(dice.between(1500, 2600)),
        Fate::Working => share.part(700) - i64::from(dice.between(2, 30)),
        Fate::Estimated => i64::from(dice.between(60, 1500)),
        Fate::OnHold => i64::from(dice.between(100, 1700)),
        Fate::Reopened => i64::from(dice.between(4, 300)),
        // Whatever is done longer than the desk's seven days has closed by itself.
        Fate::Done => share.part(calendar.in_last_days(6)) - i64::from(dice.between(2, 60)),
        Fate::Closed => share.part(calendar.length()) - length - i64::from(dice.between(0, 150)),
    };
    minutes.max(1)
}

/// When each beat falls, and when the ticket was opened.
fn times(
    beats: &mut [Beat],
    age: i64,
    fate: Fate,
    channel: &str,
    calendar: &Calendar<'_>,
    dice: &mut Dice,
) -> (i64, Vec<i64>) {
    let mut base = calendar.ago(age);
    let mut start = base;
    if fate == Fate::Closed && channel != "portal" && dice.percent(30) {
        // Somebody wrote before the desk opened, and was answered when it did.
        if let Some(closed) = calendar.closed_before(base) {
            base = closed;
            start = closed - i64::from(dice.between(0, 600)) * MINUTE_MS;
            if calendar.is_open(start) {
                start = closed;
            }
        }
    }
    let room = calendar.between(base, calendar.ago(0));
    let length: i64 = beats.iter().map(|beat| beat.gap).sum();
    let mut passed = 0;
    let mut times: Vec<i64> = Vec::with_capacity(beats.len());
    for beat in beats {
        passed += beat.gap;
        let fitted = if length > room {
            passed * room / length
        } else {
            passed
        };
        let mut at = calendar.after(base, fitted);
        if matches!(beat.cue, Cue::AutoClose) {
            let closes = times.last().map_or(at, |done| done + AUTO_CLOSE_MS);
            if closes <= calendar.ago(0) {
                at = closes;
            } else {
                // Not left alone long enough yet: the client accepted it after all.
                beat.cue = Cue::Accept;
            }
        }
        times.push(at);
    }
    if let Some(first) = times.first_mut() {
        *first = start;
    }
    (start, times)
}

/// When a client rated the work, with how many stars and which words.
fn rating(
    fate: Fate,
    language: Language,
    beats: &[Beat],
    times: &[i64],
    dice: &mut Dice,
) -> Option<(i64, u8, &'static str)> {
    let chance = match fate {
        Fate::Done => 25,
        Fate::Closed => 55,
        _ => 0,
    };
    if !dice.percent(chance) {
        return None;
    }
    let (last, &at) = beats.last().zip(times.last())?;
    let at = match last.cue {
        // Rated when accepted; what nobody accepted was rated after its completion, if at all.
        Cue::AutoClose => at - AUTO_CLOSE_MS / 2,
        _ => at,
    };
    let (stars, comment) = closing::rating(language, dice);
    Some((at, stars, comment))
}

fn perform(beat: &Beat, contact: &Contact, values: &Values, dice: &mut Dice) -> What {
    let operator = beat.by;
    let mut words = |text: &str, speaker: Gender| capital(&render(text, dice, values, speaker));
    let (client, staff) = (contact.gender, operator.gender);
    let turn = match beat.cue {
        Cue::Take => return What::Take { operator },
        Cue::Assign(to) => return What::Assign { operator, to },
        Cue::Accept => return What::Accept,
        Cue::AutoClose => return What::AutoClose,
        Cue::Reopen(reason) => {
            let reason = words(reason, client);
            return What::Reopen { reason };
        }
        Cue::Turn(turn) => turn,
    };
    match turn {
        Turn::Client(_, text) => What::ClientSays(words(text, client)),
        Turn::Support(_, text) => What::SupportSays {
            operator,
            text: words(text, staff),
        },
        Turn::Note(_, text) | Turn::PassOn(_, text) => What::Note {
            operator,
            text: words(text, staff),
        },
        Turn::Estimate(_, hours, text) => What::Estimate {
            operator,
            hours,
            description: words(text, staff),
        },
        Turn::Approve(_) => What::Approve,
        Turn::Reject(_, reason) => What::Reject {
            reason: words(reason, client),
        },
        Turn::Hold(_, reason) => What::Hold {
            operator,
            reason: words(reason, staff),
        },
        Turn::Resume(_) => What::Resume { operator },
        Turn::LogTime(_, minutes, text) => What::LogTime {
            operator,
            minutes,
            description: words(text, staff),
        },
        Turn::Complete(_, result, minutes) => What::Complete {
            operator,
            result: words(result, staff),
            minutes,
        },
    }
}

/// A chosen value may stand first: a sentence begins with a capital all the same.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
