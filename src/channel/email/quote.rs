//! Where the folded tail of a reply begins: the quote of the mail it answers, the signature above it, or both.
//!
//! Nothing is ever removed; the caller stores the place and the reader can unfold. Forwarded mails and answers written between the
//! lines of a quote are content and fold nowhere. Whether the mail is a reply at all (it joined a ticket, its subject is no
//! forward) is for the caller to know.

use super::attribution::{self, Sure};

/// Longer mails are shown whole.
const MOST_LINES: usize = 20_000;
/// A signature is at most this long.
const LONGEST_SIGNATURE: usize = 12;

/// A line and what its mail program said about it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Line<'a> {
    pub(crate) text: &'a str,
    pub(crate) quoted: bool,
    pub(crate) signature: bool,
    pub(crate) forwarded: bool,
}

impl Line<'_> {
    fn is_blank(&self) -> bool {
        self.text
            .trim_matches(|c: char| c.is_whitespace() || c == '\u{200B}')
            .is_empty()
    }

    fn is_quote(&self) -> bool {
        self.quoted || self.text.trim_start().starts_with('>') || attribution::is_marker(self.text)
    }

    fn is_forward(&self) -> bool {
        self.forwarded || attribution::is_forward(self.text)
    }
}

/// The byte offset in `text` at which the folded tail begins, at the end of the last line that stays in view.
pub(crate) fn quoted_from(text: &str) -> Option<usize> {
    let lines: Vec<Line<'_>> = text
        .split('\n')
        .map(|line| Line {
            text: line.trim_end_matches('\r'),
            ..Line::default()
        })
        .collect();
    let start = starts(&lines)?;
    let last_shown = lines[..start].iter().rposition(|line| !line.is_blank())?;
    // Lines are slices of `text`, in order.
    let shown = lines[last_shown].text;
    Some(shown.as_ptr() as usize - text.as_ptr() as usize + shown.trim_end().len())
}

/// The same place counted in UTF-16 code units, as browsers count.
pub(crate) fn wire_offset(text: &str, byte: usize) -> usize {
    let mut end = byte.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].encode_utf16().count()
}

/// The first line of the tail to fold; there is always something to see before it.
pub(crate) fn starts(lines: &[Line<'_>]) -> Option<usize> {
    if lines.len() > MOST_LINES {
        return None;
    }
    let end = lines
        .iter()
        .rposition(|line| !line.is_blank())
        .map_or(0, |last| last + 1);
    let lines = &lines[..end];
    let forward = lines.iter().position(Line::is_forward);
    let start = match quote(lines) {
        Quote::Tail(start) => start,
        Quote::None => lines.len(),
        Quote::Interleaved => return None,
    };
    if forward.is_some_and(|forward| forward <= start) {
        return None;
    }
    let start = signature(&lines[..start]).unwrap_or(start);
    let shows_something = lines[..start].iter().any(|line| !line.is_blank());
    (shows_something && start < lines.len()).then_some(start)
}

enum Quote {
    /// Everything from this line on.
    Tail(usize),
    /// Own words stand between or below quoted ones.
    Interleaved,
    None,
}

fn quote(lines: &[Line<'_>]) -> Quote {
    let texts: Vec<&str> = lines.iter().map(|line| line.text).collect();
    let first_quoted = lines.iter().position(Line::is_quote);
    for at in 0..lines.len() {
        let line = &lines[at];
        if line.is_quote() {
            break;
        }
        if line.is_blank() {
            continue;
        }
        if attribution::is_separator(line.text) {
            return Quote::Tail(at);
        }
        if attribution::opens_header_block(&texts[at..texts.len().min(at + 14)]) {
            return Quote::Tail(at);
        }
        let Some((length, sure)) = attribution::at_start(&texts[at..texts.len().min(at + 3)])
        else {
            continue;
        };
        let below = &lines[at + length..];
        let next = below.iter().position(|line| !line.is_blank());
        let before_quote = next.is_some_and(|next| below[next].is_quote());
        if before_quote {
            return if is_quote_to_the_end(below) {
                Quote::Tail(at)
            } else {
                Quote::Interleaved
            };
        }
        if sure == Sure::Alone && next.is_some() {
            return Quote::Tail(at);
        }
    }
    match first_quoted {
        None => Quote::None,
        Some(first) if is_quote_to_the_end(&lines[first..]) => Quote::Tail(first),
        Some(first) => {
            // A marker of ours, or the program's own mark, reaches to the end even over unmarked lines.
            let reaches = attribution::is_marker(lines[first].text);
            if reaches {
                Quote::Tail(first)
            } else {
                Quote::Interleaved
            }
        }
    }
}

/// Whether only quoted and blank lines follow, and perhaps a signature (Mail.ru puts it below the quote).
fn is_quote_to_the_end(lines: &[Line<'_>]) -> bool {
    let last_quoted = lines.iter().rposition(Line::is_quote);
    let marker = lines
        .iter()
        .position(|line| attribution::is_marker(line.text));
    let Some(last_quoted) = last_quoted else {
        return false;
    };
    let own_between = lines[..last_quoted]
        .iter()
        .any(|line| !line.is_quote() && !line.is_blank());
    // Text that a program wrapped out of the quote is rare beside people who answer between the lines.
    if own_between && marker.is_none() {
        return false;
    }
    let rest = &lines[last_quoted + 1..];
    match rest.iter().position(|line| !line.is_blank()) {
        None => true,
        Some(first) => marker.is_some() || opens_signature(&rest[first..]),
    }
}

/// The line at which a signature begins that reaches to the end of `lines`, when something stands above it.
fn signature(lines: &[Line<'_>]) -> Option<usize> {
    let end = lines.iter().rposition(|line| !line.is_blank())? + 1;
    let lines = &lines[..end];
    let mut filled = 0;
    let mut found = None;
    for at in (0..end).rev() {
        if !lines[at].is_blank() {
            filled += 1;
        }
        if filled > LONGEST_SIGNATURE {
            break;
        }
        if opens_signature(&lines[at..]) && lines[..at].iter().any(|line| !line.is_blank()) {
            found = Some(at);
        }
    }
    found
}

/// Whether a signature begins with the first of `lines` and could reach to the last.
fn opens_signature(lines: &[Line<'_>]) -> bool {
    let Some(first) = lines.first() else {
        return false;
    };
    let filled = lines.iter().filter(|line| !line.is_blank()).count();
    if first.signature {
        return lines
            .iter()
            .all(|line| line.signature || line.is_blank() || is_device_line(line.text));
    }
    let text = first.text.trim();
    if first.text.trim_end_matches(['\r', '\u{A0}']).trim_end() == "--" || text == "—" {
        return filled <= LONGEST_SIGNATURE;
    }
    if is_device_line(text) {
        return filled <= 2;
    }
    is_farewell(text) && (2..=10).contains(&filled)
}

fn is_device_line(line: &str) -> bool {
    const OPENINGS: &[&str] = &[
        "отправлено с ",
        "отправлено из ",
        "отправлено через ",
        "sent from my ",
        "sent from mail",
        "sent from outlook",
        "get outlook for ",
        "скачать outlook для ",
        "iphone-нан жіберілді",
        "менің iphone",
        "жіберілген құрылғы",
        "sent with proton",
        "sent with [proton mail]",
        "sent via ",
    ];
    let line = line.trim().to_lowercase();
    line.len() <= 160 && OPENINGS.iter().any(|opening| line.starts_with(opening))
}

fn is_farewell(line: &str) -> bool {
    const WORDS: &[&str] = &[
        "с уважением",
        "с наилучшими пожеланиями",
        "құрметпен",
        "ізгі тілекпен",
        "best regards",
        "kind regards",
        "regards",
        "sincerely",
        "with best regards",
    ];
    let line = line.trim_end_matches([',', '!', '.', ' ']).to_lowercase();
    WORDS.contains(&line.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &str) -> &str {
        quoted_from(text).map_or(text, |at| &text[..at])
    }

    #[test]
    fn the_quote_of_each_program_is_folded() {
        let table: &[(&str, &str)] = &[
            (
                "Спасибо, заберу завтра.\n\nср, 4 мар. 2026 г. в 13:07, Техподдержка <support@desk.example.kz>:\n\n> Здравствуйте! Принтер готов.",
                "Спасибо, заберу завтра.",
            ),
            (
                "Рахмет, бәрі жұмыс істейді.\n\n04.03.2026 13:07 уақытында, Қолдау қызметі жазған:\n> Сәлеметсіз бе! Тексеріп көріңіз.",
                "Рахмет, бәрі жұмыс істейді.",
            ),
            (
                "Готово.\n\n________________________________\nОт: Техподдержка <support@desk.example.kz>\nОтправлено: 4 марта 2026 г. 13:07\nКому: client@example.kz\nТема: Касса\n\nЗдравствуйте! Пришлите фото.",
                "Готово.",
            ),
            (
                "Thanks!\r\n\r\nOn Wed, Mar 4, 2026 at 1:07 PM Support <\r\nsupport@desk.example.kz> wrote:\r\n\r\n> Ready.\r\n",
                "Thanks!",
            ),
            (
                "Да\n\n> 4 марта 2026 г., в 13:07, Support <s@d.kz> написал(а):\n> \n> Готово?\n",
                "Да",
            ),
            (
                "Да\n\nСреда, 4 марта 2026, 13:07 +05:00 от Support <s@d.kz>:\n\nГотово?",
                "Да",
            ),
            (
                "Да\n\n04.03.2026, 13:07, \"Support\" <s@d.kz>:\n\nГотово?",
                "Да",
            ),
            (
                "Да\n\n04.03.2026, 13:07, \"S\" <s@d.kz>:\n\nГотово?\n\n> Раньше",
                "Да",
            ),
            ("Да\n\nSupport пишет:\n> Готово?", "Да"),
            ("Да\n\n-----Original Message-----\nанything\n\nmore", "Да"),
            (
                "Иә\n\n-------- Түпнұсқа хабарламасы --------\nКімнен: S",
                "Иә",
            ),
            ("Да\n\n> Готово?\n> Точно?", "Да"),
            (
                "Да\n\n## Пишите ответ выше этой строки ##\n\nГотово?\nТочно?",
                "Да",
            ),
            (
                "Ок\n\nFrom: S <s@d.kz>\nSent: Wednesday\nTo: c@x.kz\nSubject: Cash\n\nHi",
                "Ок",
            ),
        ];
        for (mail, wanted) in table {
            assert_eq!(shown(mail), *wanted, "{mail}");
        }
    }

    #[test]
    fn answers_between_the_lines_stay_in_view() {
        for mail in [
            "> Какая модель?\nHP 1320\n> Когда удобно?\nЗавтра после 10",
            "ср, 4 мар. 2026 г. в 13:07, S <s@d.kz>:\n> Какая модель?\nHP 1320\n> Когда удобно?\nЗавтра",
            "Отвечаю ниже\n\nS пишет:\n> Какая модель?\nHP 1320\n> Когда?",
        ] {
            assert_eq!(quoted_from(mail), None, "{mail}");
        }
    }

    #[test]
    fn forwards_stay_in_view() {
        for mail in [
            "Посмотрите\n\n---------- Forwarded message ---------\nОт: A <a@b.kz>\nDate: ср\nSubject: x\nTo: y\n\nтекст",
            "Вот\n\n-------- Перенаправленное сообщение --------\nТема: x\nДата: y\nОт: z\n\nтекст",
            "Вот\n\nНачало переадресованного сообщения:\n\n> От: A\n> Дата: b\n> Кому: c",
        ] {
            assert_eq!(quoted_from(mail), None, "{mail}");
        }
    }

    #[test]
    fn ordinary_text_is_not_folded() {
        for mail in [
            "Прошу рассчитать по КМД от 12.09.2026:\nболт 5 шт",
            "Совещание завтра в 10:00, повестка:\n1. касса",
            "Документы присылайте на docs@example.org:\nакт и счёт",
            "Вчера менеджер написал:\nприеду в пять",
            "Одна строка",
            "",
            "\n\n",
        ] {
            assert_eq!(quoted_from(mail), None, "{mail}");
        }
    }

    #[test]
    fn nothing_is_folded_when_nothing_would_remain() {
        assert_eq!(quoted_from("> одно\n> другое"), None);
        assert_eq!(
            quoted_from("04.03.2026 13:07, Support пишет:\n> Готово?"),
            None
        );
        assert_eq!(quoted_from("-- \nАсем"), None);
    }

    #[test]
    fn signatures_are_folded_with_the_quote_or_alone() {
        let table = [
            ("Не печатает\n\n-- \nАсем\n+7 701 000 00 00", "Не печатает"),
            (
                "Не печатает\n\nС уважением,\nАсем, ТОО Ромашка\n+7 701 000 00 00",
                "Не печатает",
            ),
            ("Келемін\n\nҚұрметпен,\nӘсем", "Келемін"),
            (
                "Да\nОтправлено с iPhone\n\n> 4 марта 2026 г., в 13:07, S <s@d.kz> написал(а):\n>\n> Готово?",
                "Да",
            ),
            (
                "Да\n\nСреда, 4 марта 2026, 13:07 +05:00 от S <s@d.kz>:\n> Готово?\n\n--\nАсем",
                "Да",
            ),
        ];
        for (mail, wanted) in table {
            assert_eq!(shown(mail), wanted, "{mail}");
        }
    }

    #[test]
    fn a_farewell_with_a_long_text_below_is_no_signature() {
        let long = format!("Текст\nС уважением,\n{}", "строка\n".repeat(20));
        assert_eq!(quoted_from(&long), None);
    }

    #[test]
    fn the_place_is_counted_as_browsers_count() {
        let text = "Ок 👍\n\n> да";
        let at = quoted_from(text).unwrap();
        assert_eq!(wire_offset(text, at), 5);
        assert_eq!(wire_offset("жж", 1), 0);
        assert_eq!(wire_offset("a", 99), 1);
    }

    proptest! {
        #[test]
        fn the_place_is_always_between_letters(text in "([>жa😀 :\\-]|On 04.03.2026 13:07 S wrote:|\\r?\\n){0,60}") {
            if let Some(at) = quoted_from(&text) {
                prop_assert!(text.is_char_boundary(at));
                prop_assert!(!text[..at].trim().is_empty());
            }
        }
    }
}
