//! Subjects: cleaned for storing, stripped of `Re:` and tags for replying, searched for a ticket number.

/// Longest subject in characters.
const LONGEST: usize = 255;

/// Words before a colon that only say that this is a reply.
const REPLY: &[&str] = &[
    "re",
    "aw",
    "sv",
    "vs",
    "antw",
    "odp",
    "rif",
    "ynt",
    "отв",
    "ответ",
    "ha",
    "на",
    "жауап",
    "回复",
    "答复",
];

/// Words before a colon that say that this was forwarded.
const FORWARD: &[&str] = &[
    "fwd",
    "fw",
    "wg",
    "tr",
    "ilt",
    "i̇lt",
    "пересл",
    "пер",
    "fyi",
    "қайта жіберу",
    "转发",
];

/// Tags that gateways put in front.
const TAGS: &[&str] = &[
    "[ext]",
    "[external]",
    "[spam]",
    "[внешнее]",
    "***spam***",
    "{spam?}",
];

/// A subject on one line, without control and direction characters, cut to what is stored.
pub(crate) fn clean(raw: &str) -> String {
    let spaced: String = raw
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .filter(|c| !super::names::is_deceptive(*c))
        .collect();
    let words: Vec<&str> = spaced.split_whitespace().collect();
    words.join(" ").chars().take(LONGEST).collect()
}

/// The subject without reply and forward words, gateway tags and our own `[#42]`.
pub(crate) fn bare(subject: &str) -> String {
    let mut rest = subject.trim();
    loop {
        let next = strip_tag(rest)
            .or_else(|| strip_number(rest))
            .or_else(|| strip_word(rest).map(|(_, rest)| rest));
        match next {
            Some(next) => {
                rest = next.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{A0}')
            }
            None => return rest.trim_end().to_owned(),
        }
    }
}

/// Whether the subject says that the mail was forwarded.
pub(crate) fn is_forward(subject: &str) -> bool {
    let mut rest = subject.trim();
    while let Some(next) = strip_tag(rest).or_else(|| strip_number(rest)) {
        rest = next.trim_start();
    }
    strip_word(rest).is_some_and(|(word, _)| FORWARD.contains(&word.as_str()))
}

/// The ticket number in the first `[#42]`.
pub(crate) fn number(subject: &str) -> Option<i64> {
    subject
        .match_indices("[#")
        .find_map(|(at, _)| bracketed(&subject[at..]).map(|(number, _)| number))
}

fn bracketed(text: &str) -> Option<(i64, &str)> {
    let (inner, rest) = text.strip_prefix("[#")?.split_once(']')?;
    let digits =
        !inner.is_empty() && inner.len() <= 18 && inner.bytes().all(|byte| byte.is_ascii_digit());
    let number: i64 = if digits {
        inner.parse().ok()?
    } else {
        return None;
    };
    (number > 0).then_some((number, rest))
}

fn strip_number(text: &str) -> Option<&str> {
    bracketed(text).map(|(_, rest)| rest)
}

fn strip_tag(text: &str) -> Option<&str> {
    TAGS.iter().find_map(|tag| {
        let head = text.get(..tag.len())?;
        (head.to_lowercase() == *tag).then(|| &text[tag.len()..])
    })
}

/// Takes `Re:`, `Re[2]:`, `FW :`, `Отв：` off the front: the word in lower case and what follows.
fn strip_word(text: &str) -> Option<(String, &str)> {
    let (at, colon) = text
        .char_indices()
        .take(24)
        .find(|(_, c)| matches!(c, ':' | '：'))?;
    let head = text[..at].trim_end().to_lowercase();
    let word = head.trim_end_matches(|c: char| {
        c.is_ascii_digit() || matches!(c, '[' | ']' | '(' | ')' | '^' | ' ')
    });
    let known = REPLY.contains(&word) || FORWARD.contains(&word);
    known.then(|| (word.to_owned(), &text[at + colon.len_utf8()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reply_words_tags_and_our_number_come_off() {
        let table = [
            ("Re: [#1042] Принтер", "Принтер"),
            ("RE: Fwd: Re[2]: Re(3): Отв: Ответ: Принтер", "Принтер"),
            ("[EXT] FW： AW: Принтер", "Принтер"),
            ("***SPAM*** На: Принтер", "Принтер"),
            ("Жауап: Қайта жіберу: Принтер", "Принтер"),
            ("Принтер: не печатает", "Принтер: не печатает"),
            ("Re:", ""),
        ];
        for (subject, wanted) in table {
            assert_eq!(bare(subject), wanted, "{subject}");
        }
    }

    #[test]
    fn forwards_are_told_from_replies() {
        for subject in ["Fwd: Акт", "FW: Акт", "[EXT] Пересл: Акт", "[#7] Fwd: Акт"]
        {
            assert!(is_forward(subject), "{subject}");
        }
        for subject in ["Re: Fwd: Акт", "Акт", "Re: Акт", "Fwd без двоеточия"]
        {
            assert!(!is_forward(subject), "{subject}");
        }
    }

    #[test]
    fn the_ticket_number_is_found_wherever_it_stands() {
        assert_eq!(number("Re: [#1042] Принтер"), Some(1042));
        assert_eq!(
            number("Принтер [#abc] [#123456789012345]"),
            Some(123_456_789_012_345)
        );
        assert_eq!(
            number("Заказ #1042 [#0] [#-1] [#] [#99999999999999999999]"),
            None
        );
    }

    #[test]
    fn a_subject_stays_on_one_line() {
        assert_eq!(clean("a\r\nBcc: b\u{202E}c\u{0}  d"), "a Bcc: bc d");
        assert_eq!(clean(&"ж".repeat(400)).chars().count(), 255);
    }
}
