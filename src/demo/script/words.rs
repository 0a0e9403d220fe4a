//! Turns a written text into one of the many it stands for.
//!
//! `{a|b}` is a choice, `{name}` a value, and `[a/b]` the form for the gender of whoever speaks, a
//! man's first. Choices are made by a [`Dice`], so that they repeat with the seed.

use super::people::Gender;

/// A repeatable source of choices (the SplitMix64 generator).
#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 when there is none.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        let roll = usize::try_from(self.roll() >> 33).unwrap_or_default();
        roll.checked_rem(bound).unwrap_or_default()
    }

    /// A number from `low` up to but not including `high`.
    pub(super) fn between(&mut self, low: u32, high: u32) -> u32 {
        let span = usize::try_from(high.saturating_sub(low)).unwrap_or_default();
        low + u32::try_from(self.below(span)).unwrap_or_default()
    }

    /// True so many times in a hundred.
    pub(super) fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        from.get(self.below(from.len())).copied()
    }

    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

/// The values a text may name.
pub(super) type Values = Vec<(&'static str, String)>;

/// Makes the choices of a text, fills its values in and gives it the speaker's gender.
pub(super) fn render(text: &str, dice: &mut Dice, values: &Values, speaker: Gender) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find(['{', '[']) {
        out.push_str(&rest[..open]);
        let bar = if rest[open..].starts_with('{') {
            '|'
        } else {
            '/'
        };
        let Some((choices, after)) = choices(&rest[open..], bar) else {
            rest = &rest[open..];
            break;
        };
        match (bar, choices.as_slice()) {
            ('/', [man, woman]) => out.push_str(match speaker {
                Gender::Man => man,
                Gender::Woman => woman,
            }),
            (_, [name]) => out.push_str(value(values, name).unwrap_or(name)),
            _ => {
                let chosen = dice.pick(&choices).unwrap_or_default();
                out.push_str(&render(chosen, dice, values, speaker));
            }
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Splits a bracketed text at its own bars, not at those of brackets inside it, and gives what
/// follows the closing bracket as well.
fn choices(text: &str, bar: char) -> Option<(Vec<&str>, &str)> {
    let mut depth = 0_usize;
    let mut start = 1;
    let mut found = Vec::new();
    for (at, letter) in text.char_indices() {
        match letter {
            '{' | '[' => depth += 1,
            '}' | ']' if depth == 1 => {
                found.push(&text[start..at]);
                return Some((found, &text[at + 1..]));
            }
            '}' | ']' => depth -= 1,
            _ if letter == bar && depth == 1 => {
                found.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    None
}

fn value<'a>(values: &'a Values, name: &str) -> Option<&'a str> {
    values
        .iter()
        .find_map(|(known, value)| (*known == name).then_some(value.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_takes_choices_values_and_the_speakers_gender() {
        let values = vec![("floor", "3".to_owned())];
        let mut dice = Dice::new(1);
        let text = "{Same|Same} floor {floor}, [он сам/она сама].";
        assert_eq!(
            render(text, &mut dice, &values, Gender::Woman),
            "Same floor 3, она сама."
        );
        assert_eq!(
            render(text, &mut dice, &values, Gender::Man),
            "Same floor 3, он сам."
        );
    }

    #[test]
    fn a_choice_may_hold_values_and_forms() {
        let values = vec![("n", "7".to_owned())];
        let text = "{[Сделал/Сделала] {n}|[Сделал/Сделала] {n}}.";
        let made = render(text, &mut Dice::new(2), &values, Gender::Woman);
        assert_eq!(made, "Сделала 7.");
    }

    #[test]
    fn every_choice_of_a_text_is_made_sooner_or_later() {
        let mut dice = Dice::new(7);
        let texts: std::collections::BTreeSet<String> = (0..100)
            .map(|_| render("{a|b|c}", &mut dice, &Vec::new(), Gender::Man))
            .collect();
        assert_eq!(texts.into_iter().collect::<String>(), "abc");
    }

    #[test]
    fn the_same_seed_rolls_the_same_dice() {
        let rolls = |seed| {
            let mut dice = Dice::new(seed);
            (0..20).map(|_| dice.below(1000)).collect::<Vec<_>>()
        };
        assert_eq!(rolls(5), rolls(5));
        assert_ne!(rolls(5), rolls(6));
    }

    #[test]
    fn a_shuffle_keeps_every_item() {
        let mut items: Vec<usize> = (0..50).collect();
        Dice::new(3).shuffle(&mut items);
        assert_ne!(items, (0..50).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..50).collect::<Vec<_>>());
    }
}
