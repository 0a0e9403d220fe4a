//! The three languages the program speaks.
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A language of the interface: Russian, Kazakh or English.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Lang {
    Ru,
    Kk,
    #[default]
    En,
}

impl Lang {
    pub(crate) const ALL: [Lang; 3] = [Lang::Ru, Lang::Kk, Lang::En];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Lang::Ru => "ru",
            Lang::Kk => "kk",
            Lang::En => "en",
        }
    }

    /// The language a tag such as `ru-RU` names, if it is one of the three.
    pub(crate) fn of_tag(tag: &str) -> Option<Lang> {
        let primary = tag.split(['-', '_']).next().unwrap_or(tag);
        Lang::ALL
            .into_iter()
            .find(|lang| lang.as_str().eq_ignore_ascii_case(primary.trim()))
    }

    /// The best of the three for an `Accept-Language` header (RFC 9110, section 12.5.4).
    pub(crate) fn accepted(header: &str) -> Option<Lang> {
        let mut best: Option<(f32, Lang)> = None;
        for item in header.split(',') {
            let mut parts = item.split(';');
            let Some(lang) = parts.next().and_then(Lang::of_tag) else {
                continue;
            };
            let weight = parts
                .find_map(|p| p.trim().strip_prefix("q=")?.parse::<f32>().ok())
                .unwrap_or(1.0);
            if weight > 0.0 && best.is_none_or(|(top, _)| weight > top) {
                best = Some((weight, lang));
            }
        }
        best.map(|(_, lang)| lang)
    }

    /// The language that a text's letters speak for: Kazakh by the letters that only it has, Russian by Cyrillic, English
    /// by Latin; `None` if there are hardly any letters.
    pub(crate) fn of_text(text: &str) -> Option<Lang> {
        let (mut kazakh, mut cyrillic, mut latin) = (0u32, 0u32, 0u32);
        for c in text.chars().take(4000) {
            match c.to_lowercase().next().unwrap_or(c) {
                'ә' | 'ғ' | 'қ' | 'ң' | 'ө' | 'ұ' | 'ү' | 'һ' | 'і' => kazakh += 1,
                'а'..='я' | 'ё' => cyrillic += 1,
                'a'..='z' => latin += 1,
                _ => {}
            }
        }
        match () {
            () if kazakh + cyrillic + latin < 8 => None,
            // A Kazakh name or two in a Russian text does not make it Kazakh.
            () if kazakh * 18 > kazakh + cyrillic => Some(Lang::Kk),
            () if cyrillic * 2 > latin => Some(Lang::Ru),
            () => Some(Lang::En),
        }
    }

    /// The text of this language out of `[ru, kk, en]`.
    pub(crate) const fn pick<T: Copy>(self, texts: [T; 3]) -> T {
        match self {
            Lang::Ru => texts[0],
            Lang::Kk => texts[1],
            Lang::En => texts[2],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_tells_its_language_by_its_letters() {
        assert_eq!(Lang::of_text("Принтер снова не печатает"), Some(Lang::Ru));
        assert_eq!(
            Lang::of_text("Касса чек шығармайды, көмек керек"),
            Some(Lang::Kk)
        );
        assert_eq!(
            Lang::of_text("Айгүл Сейтқали просила проверить принтер в бухгалтерии сегодня"),
            Some(Lang::Ru)
        );
        assert_eq!(Lang::of_text("VPN disconnects in Алматы"), Some(Lang::En));
        assert_eq!(Lang::of_text("+7 701"), None);
    }

    #[test]
    fn the_heaviest_known_language_wins() {
        assert_eq!(Lang::accepted("de, kk;q=0.7, ru-RU;q=0.9"), Some(Lang::Ru));
        assert_eq!(Lang::accepted("en-GB"), Some(Lang::En));
        assert_eq!(Lang::accepted("ru;q=0, fr"), None);
    }
}
