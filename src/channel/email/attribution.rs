//! Recognises the lines that mail programs put around quotes: who wrote when, header blocks, separators, marks of forwards.
//! Whole lines only; [`super::quote`] decides what they mean together.

use super::vocabulary::{FORWARD_OPENINGS, FORWARDS, MONTHS, OTHERS, SENDER, SEPARATORS, VERBS};

/// How sure an attribution line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sure {
    /// Says enough on its own: a verb or an address together with a date or a time.
    Alone,
    /// Counts only when a quote follows.
    BeforeQuote,
}

/// Longest attribution in bytes.
const LONGEST: usize = 800;

/// The line above which our own mail asks to answer, in every language we write.
pub(crate) const MARKERS: &[(&str, &str)] = &[
    ("ru", "## Пишите ответ выше этой строки ##"),
    ("kk", "## Жауапты осы жолдың үстіне жазыңыз ##"),
    ("en", "## Please reply above this line ##"),
];

/// Whether the line is our own marker.
pub(crate) fn is_marker(line: &str) -> bool {
    let line = line.trim_start_matches(|c: char| c == '>' || c.is_whitespace());
    let line = line.trim_end();
    MARKERS.iter().any(|(_, marker)| line == *marker)
        || line == "-- Please reply above this line --"
}

/// Whether the line separates a reply from the mail it answers.
pub(crate) fn is_separator(line: &str) -> bool {
    dashed(line).is_some_and(|words| SEPARATORS.contains(&words.as_str()))
        || is_separator_with_header(line)
}

/// Whether a separator goes on with the header block on its own line, as Samsung's plain text has it.
fn is_separator_with_header(line: &str) -> bool {
    let Some(rest) = line.trim_start().strip_prefix("--") else {
        return false;
    };
    let Some((words, header)) = rest.trim_start_matches('-').split_once("--") else {
        return false;
    };
    let name = header
        .trim_start_matches('-')
        .split_once(':')
        .map(|(name, _)| name);
    SEPARATORS.contains(&words.trim().to_lowercase().as_str())
        && name.is_some_and(|name| SENDER.contains(&name.trim().to_lowercase().as_str()))
}

/// Whether the line begins (or ends) a forwarded mail.
pub(crate) fn is_forward(line: &str) -> bool {
    dashed(line).is_some_and(|words| FORWARDS.iter().any(|known| words.starts_with(known)))
        || FORWARD_OPENINGS.contains(&line.trim().trim_matches('*').to_lowercase().as_str())
}

/// The words between the dashes of `----- Words -----`.
fn dashed(line: &str) -> Option<String> {
    let line = line.trim().trim_matches('*');
    if !line.starts_with("--") || line.len() > 200 {
        return None;
    }
    let words = line
        .trim_matches(|c: char| c == '-' || c.is_whitespace())
        .to_lowercase();
    (!words.is_empty()).then_some(words)
}

/// Whether a header block starts here (`От: … Кому: … Тема: …`), perhaps with a ruler above it.
pub(crate) fn opens_header_block(lines: &[&str]) -> bool {
    let ruled = lines.first().is_some_and(|line| is_ruler(line));
    let body = if ruled { &lines[1..] } else { lines };
    let skipped = body
        .iter()
        .take(2)
        .take_while(|line| ruled && line.trim().is_empty())
        .count();
    let fields: Vec<(usize, String)> = body[skipped..]
        .iter()
        .enumerate()
        .take(10)
        .filter(|(_, line)| !line.trim().is_empty())
        .take(6)
        .filter_map(|(at, line)| field_name(line).map(|name| (at, name)))
        .collect();
    let Some((0, first)) = fields.first() else {
        return false;
    };
    let sender = SENDER.contains(&first.as_str());
    let others = OTHERS
        .iter()
        .filter(|names| {
            fields
                .iter()
                .any(|(_, field)| names.contains(&field.as_str()))
        })
        .count();
    // Yandex leaves the sender out and rules the block off instead.
    (sender || ruled) && others >= 2
}

fn is_ruler(line: &str) -> bool {
    let line = line.trim();
    line.len() >= 5
        && (line.bytes().all(|byte| byte == b'_') || line.bytes().all(|byte| byte == b'-'))
}

fn field_name(line: &str) -> Option<String> {
    let line = line.trim_start_matches(|c: char| c.is_whitespace() || c == '*' || c == '>');
    let (name, _) = line.split_once(':')?;
    let name = name.trim_matches(|c: char| c == '*' || c.is_whitespace());
    (name.len() <= 40 && !name.is_empty()).then(|| name.to_lowercase())
}

/// Whether the last lines are an attribution of any sureness, blank lines after them aside.
pub(crate) fn ends_with_one<'a>(lines: impl DoubleEndedIterator<Item = &'a str>) -> bool {
    let mut tail: Vec<&str> = lines
        .rev()
        .skip_while(|line| line.trim().is_empty())
        .take(3)
        .take_while(|line| !line.trim().is_empty())
        .collect();
    tail.reverse();
    (0..tail.len())
        .any(|at| at_start(&tail[at..]).is_some_and(|(length, _)| at + length == tail.len()))
}

/// Reads an attribution of one to three lines at the start of `lines`.
pub(crate) fn at_start(lines: &[&str]) -> Option<(usize, Sure)> {
    for length in 1..=lines.len().min(3) {
        let taken = &lines[..length];
        let too_long = taken.iter().map(|line| line.len()).sum::<usize>() > LONGEST;
        if too_long || taken.iter().any(|line| line.trim().is_empty()) {
            return None;
        }
        let joined = taken
            .iter()
            .map(|line| line.trim())
            .collect::<Vec<_>>()
            .join(" ");
        if let Some(sure) = sureness(&joined) {
            return Some((length, sure));
        }
        // Only a line that already looks like the head of one may go on in the next.
        if length == 1 && !is_head(&joined) {
            return None;
        }
    }
    None
}

/// What the words of an attribution say.
#[derive(Default)]
struct Features {
    verb: bool,
    date: bool,
    time: bool,
    address: bool,
}

fn sureness(line: &str) -> Option<Sure> {
    let line = line.trim_start_matches(|c: char| c == '>' || c.is_whitespace());
    let line = line.trim_end_matches(|c: char| c.is_whitespace() || c == '\u{A0}' || c == '*');
    let stem = line.strip_suffix(':').or_else(|| line.strip_suffix('：'))?;
    let has = features(stem);
    if has.verb && (has.date || has.time || has.address) || has.address && (has.date || has.time) {
        Some(Sure::Alone)
    } else if has.verb || (has.date && has.time) {
        Some(Sure::BeforeQuote)
    } else {
        None
    }
}

fn is_head(line: &str) -> bool {
    let has = features(line);
    let ends_a_sentence = line.ends_with(['.', '!', '?']) && !line.ends_with("г.");
    (has.date || has.time) && !ends_a_sentence
}

fn features(line: &str) -> Features {
    let mut has = Features::default();
    let lower = line.to_lowercase();
    let words: Vec<&str> = lower
        .split(|c: char| {
            c.is_whitespace()
                || matches!(
                    c,
                    ',' | ';' | '<' | '>' | '"' | '«' | '»' | '[' | ']' | '\u{A0}'
                )
        })
        .filter(|word| !word.is_empty())
        .collect();
    for (at, word) in words.iter().enumerate() {
        has.address |= word
            .split_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.'));
        has.time |= is_time(word);
        has.date |= is_date(word);
        let month = word.trim_end_matches('.');
        if MONTHS.contains(&month) {
            let day = |at: Option<usize>| {
                at.and_then(|at| words.get(at))
                    .is_some_and(|word| is_day(word))
            };
            has.date |= day(at.checked_sub(1)) || day(Some(at + 1));
        }
        let verb = word.trim_matches(|c: char| matches!(c, '*' | '.' | '_'));
        has.verb |= VERBS.contains(&verb);
    }
    has.verb |= lower.contains("のメッセージ");
    has
}

fn is_day(word: &str) -> bool {
    let word = word.trim_end_matches('.');
    word.len() <= 2 && word.parse::<u8>().is_ok_and(|day| (1..=31).contains(&day))
}

fn is_time(word: &str) -> bool {
    let mut pieces = word.trim_end_matches('.').split(':');
    let number = |piece: Option<&str>, most: u8| {
        piece.is_some_and(|piece| {
            (1..=2).contains(&piece.len()) && piece.parse::<u8>().is_ok_and(|n| n <= most)
        })
    };
    let hours = number(pieces.next(), 23);
    let minutes = number(
        pieces
            .next()
            .map(|piece| piece.trim_end_matches(['a', 'p', 'm'])),
        59,
    );
    hours && minutes
}

fn is_date(word: &str) -> bool {
    let word = word.trim_end_matches(|c: char| !c.is_ascii_digit());
    ['.', '/', '-'].iter().any(|separator| {
        let pieces: Vec<&str> = word.split(*separator).collect();
        let numeric = pieces.len() == 3
            && pieces
                .iter()
                .all(|piece| !piece.is_empty() && piece.bytes().all(|byte| byte.is_ascii_digit()));
        let short = |piece: &str| piece.len() <= 2;
        let year = |piece: &str| piece.len() == 4 || piece.len() == 2;
        numeric
            && (short(pieces[0]) && short(pieces[1]) && year(pieces[2])
                || pieces[0].len() == 4 && short(pieces[1]) && short(pieces[2]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributions_of_the_listed_programs_are_recognised() {
        for line in [
            "On Wed, Mar 4, 2026 at 1:07 PM Support <s@d.kz> wrote:",
            "ср, 4 мар. 2026 г. в 13:07, Support <s@d.kz>:",
            "4 марта 2026 г., 13:07 пользователь Support <s@d.kz> написал:",
            "В Ср, 4 мар. 2026 г. в 13:07, Support <s@d.kz> написал(а):",
            "> 4 марта 2026 г., в 13:07, Support <s@d.kz> написал(а):",
            "04.03.2026, в 13:07, Support написал:",
            "04.03.2026 13:07, Support пишет:",
            "Support пишет 04.03.2026 13:07:",
            "04.03.2026 13:07 уақытында, Қолдау қызметі жазған:",
            "Қолдау қызметі жазған, уақыты 04.03.2026 13:07:",
            "Среда, 4 марта 2026, 13:07 +05:00 от Support <s@d.kz>:",
            "04.03.2026, 13:07, \"Support\" <s@d.kz>:",
            "Wed, 4 Mar 2026 13:07:00 +0500 Support <s@d.kz>:",
            "2026-03-04 13:07 GMT+05:00 Support <s@d.kz>:",
            "Am 04.03.2026 um 13:07 schrieb Support <s@d.kz>:",
        ] {
            assert_eq!(at_start(&[line]), Some((1, Sure::Alone)), "{line}");
        }
    }

    #[test]
    fn a_verb_or_a_moment_alone_needs_a_quote_below() {
        for line in [
            "Support пишет:",
            "Қолдау жазған:",
            "Вчера менеджер написал:",
            "Встреча 04.03.2026 в 13:07:",
        ] {
            assert_eq!(at_start(&[line]), Some((1, Sure::BeforeQuote)), "{line}");
        }
    }

    #[test]
    fn ordinary_lines_that_end_with_a_colon_are_not_attributions() {
        for line in [
            "Прошу рассчитать по КМД от 12.09.2026:",
            "Совещание завтра в 10:00, повестка:",
            "Документы присылайте на docs@example.org:",
            "Список:",
            "On Wed, Mar 4, 2026 at 1:07 PM Support <s@d.kz> wrote",
        ] {
            assert_eq!(at_start(&[line]), None, "{line}");
        }
    }

    #[test]
    fn a_wrapped_attribution_is_joined_and_own_text_above_it_is_not() {
        let wrapped = [
            "ср, 4 мар. 2026 г. в 13:07, Техподдержка большой компании <",
            "support@desk.example.kz>:",
        ];
        assert_eq!(at_start(&wrapped), Some((2, Sure::Alone)));
        assert_eq!(
            at_start(&["Спасибо!", "ср, 4 мар. 2026 г. в 13:07, S <s@d.kz>:"]),
            None
        );
        assert!(ends_with_one(
            ["Спасибо!", "ср, 4 мар. 2026 г. в 13:07, S <s@d.kz>:", ""].into_iter()
        ));
    }

    #[test]
    fn header_blocks_need_a_sender_and_two_more_fields() {
        let block = [
            "________________________________",
            "От: S <s@d.kz>",
            "Отправлено: 4 марта 2026 г. 13:07",
            "Кому: c@x.kz",
            "Тема: Касса",
            "",
            "Привет",
        ];
        assert!(opens_header_block(&block));
        assert!(opens_header_block(&block[1..]));
        assert!(opens_header_block(&[
            "*Кімнен:* S",
            "*Күні:* 4",
            "*Кімге:* c"
        ]));
        assert!(opens_header_block(&[
            "----------------",
            "Кому: \"Имя\" <a@b.kz>;",
            "Тема: Касса;",
            "23.07.2026, 03:56, \"S\" <s@d.kz>:"
        ]));
        assert!(!opens_header_block(&["От: Иванова", "надо получить акт"]));
        assert!(!opens_header_block(&["Вот", "От: S", "Дата: 4", "Кому: c"]));
        assert!(!opens_header_block(&[
            "Кому: складу",
            "Тема: болты",
            "Дата: завтра"
        ]));
    }

    #[test]
    fn separators_and_forwards_are_told_apart() {
        for line in [
            "-----Original Message-----",
            "-------- Исходное сообщение --------",
            "-------- Түпнұсқа хабарламасы --------",
            "-------- Исходное сообщение --------От: S <s@d.kz> Дата: 04.03.2026  13:07 (GMT+05:00) Кому: c@x.kz Тема: Касса Привет",
        ] {
            assert!(is_separator(line) && !is_forward(line), "{line}");
        }
        for line in [
            "---------- Forwarded message ---------",
            "-------- Перенаправленное сообщение --------",
            "-------- Конец пересылаемого сообщения --------",
            "Начало переадресованного сообщения:",
            "-------- Әрі қарай жіберілген хабарлама --------",
        ] {
            assert!(is_forward(line) && !is_separator(line), "{line}");
        }
    }
}
