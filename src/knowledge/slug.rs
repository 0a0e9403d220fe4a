//! The name of an article in an address, made of its title: Latin letters, digits and hyphens. Russian is spelled as in
//! passports, Kazakh letters as their plain neighbours of the Latin alphabet.
use crate::ticket::search::fold;

/// How long a slug may be; it is cut at a word.
const LONGEST: usize = 64;

/// What stands for a title without a letter or a digit.
const NAMELESS: &str = "article";

/// The spelling of a letter, `None` if it has none and parts words.
fn spelling(letter: char) -> Option<&'static str> {
    Some(match letter {
        'а' | 'ә' => "a",
        'б' => "b",
        'в' => "v",
        'г' | 'ғ' => "g",
        'д' => "d",
        'е' | 'э' => "e",
        'ж' => "zh",
        'з' => "z",
        'и' | 'й' | 'і' => "i",
        'к' => "k",
        'қ' => "q",
        'л' => "l",
        'м' => "m",
        'н' | 'ң' => "n",
        'о' | 'ө' => "o",
        'п' => "p",
        'р' => "r",
        'с' => "s",
        'т' => "t",
        'у' | 'ұ' | 'ү' => "u",
        'ф' => "f",
        'х' | 'һ' => "h",
        'ц' => "ts",
        'ч' => "ch",
        'ш' => "sh",
        'щ' => "shch",
        'ы' => "y",
        'ю' => "yu",
        'я' => "ya",
        'ь' | 'ъ' | '\'' | '’' => "",
        _ => return None,
    })
}

/// The slug of a title.
pub(super) fn of(title: &str) -> String {
    let mut slug = String::new();
    let mut word = String::new();
    let mut close = |word: &mut String| {
        let joint = usize::from(!slug.is_empty());
        if !word.is_empty() && slug.len() + joint + word.len() <= LONGEST {
            if joint > 0 {
                slug.push('-');
            }
            slug.push_str(word);
        } else if slug.is_empty() {
            slug.extend(word.chars().take(LONGEST));
        }
        word.clear();
    };
    for letter in fold(title).chars() {
        if letter.is_ascii_alphanumeric() {
            word.push(letter);
        } else if let Some(latin) = spelling(letter) {
            word.push_str(latin);
        } else {
            close(&mut word);
        }
    }
    close(&mut word);
    if slug.is_empty() {
        NAMELESS.clone_into(&mut slug);
    }
    slug
}

/// The slug that follows `slug` when it is taken: the `n`th of its name.
pub(super) fn numbered(slug: &str, n: u32) -> String {
    let tail = format!("-{n}");
    let head: String = slug.chars().take(LONGEST - tail.len()).collect();
    format!("{}{tail}", head.trim_end_matches('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_spelled_in_latin_letters() {
        assert_eq!(
            of("Как обновить прошивку кассы?"),
            "kak-obnovit-proshivku-kassy"
        );
        assert_eq!(of("Объём и щётка: ёжик"), "obem-i-shchetka-ezhik");
        assert_eq!(of("Қолдау қызметіне өтінім"), "qoldau-qyzmetine-otinim");
        assert_eq!(of("VPN: set-up in 5 minutes"), "vpn-set-up-in-5-minutes");
        assert_eq!(of("🙂 — !"), "article");
    }

    #[test]
    fn a_long_title_is_cut_at_a_word() {
        let slug = of(&"слово ".repeat(40));
        assert!(slug.len() <= LONGEST && slug.ends_with("-slovo"), "{slug}");
        assert_eq!(of(&"я".repeat(100)).len(), LONGEST);
        assert_eq!(numbered(&"a".repeat(64), 12).len(), LONGEST);
        assert_eq!(numbered("kassa", 2), "kassa-2");
    }
}
