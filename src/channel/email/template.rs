//! The words and the plain frame around what an operator writes, in the three languages, as text and as HTML.

use super::attribution::MARKERS;
use super::html;
use crate::channel::marks::{self, Piece};

/// The language of the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Russian,
    Kazakh,
    English,
}

impl Language {
    /// The language of a locale code; English for any other.
    pub(crate) fn of(code: &str) -> Self {
        match code.get(..2) {
            Some("ru") => Self::Russian,
            Some("kk") => Self::Kazakh,
            _ => Self::English,
        }
    }

    fn code(self) -> &'static str {
        match self {
            Self::Russian => "ru",
            Self::Kazakh => "kk",
            Self::English => "en",
        }
    }

    /// The line above which to answer.
    pub(crate) fn marker(self) -> &'static str {
        MARKERS
            .iter()
            .find(|(code, _)| *code == self.code())
            .map_or("", |(_, marker)| marker)
    }

    /// What stands for an empty subject.
    pub(crate) fn no_subject(self) -> &'static str {
        match self {
            Self::Russian => "Без темы",
            Self::Kazakh => "Тақырыпсыз",
            Self::English => "No subject",
        }
    }

    /// The line above a quote.
    pub(crate) fn attribution(self, moment: &str, author: &str) -> String {
        match self {
            Self::Russian => format!("{moment}, {author} написал(а):"),
            Self::Kazakh => format!("{moment} уақытында, {author} жазған:"),
            Self::English => format!("On {moment}, {author} wrote:"),
        }
    }

    /// The line at the foot.
    pub(crate) fn footer(self, company: &str, ticket: Option<i64>) -> String {
        let Some(ticket) = ticket else {
            return company.to_owned();
        };
        match self {
            Self::Russian => format!("{company} · обращение № {ticket}"),
            Self::Kazakh => format!("{company} · № {ticket} өтініш"),
            Self::English => format!("{company} · request #{ticket}"),
        }
    }
}

/// What goes into the frame.
#[derive(Debug)]
pub(crate) struct Letter<'a> {
    pub(crate) language: Language,
    pub(crate) text: &'a str,
    pub(crate) signature: Option<&'a str>,
    /// Attribution and text of the mail that is answered.
    pub(crate) quote: Option<(String, &'a str)>,
    pub(crate) company: &'a str,
    /// `#rrggbb`; anything else is not used.
    pub(crate) colour: Option<&'a str>,
    pub(crate) ticket: Option<i64>,
}

/// Lines of a quote that are sent back; the rest of a long mail helps nobody.
const MOST_QUOTED: usize = 200;

/// The letter as plain text.
pub(crate) fn plain(letter: &Letter<'_>) -> String {
    let mut out = letter.text.trim_end().to_owned();
    if let Some(signature) = filled(letter.signature) {
        out.push_str("\n\n-- \n");
        out.push_str(signature);
    }
    if let Some((attribution, quoted)) = &letter.quote {
        out.push_str("\n\n");
        out.push_str(letter.language.marker());
        out.push_str("\n\n");
        out.push_str(attribution);
        for line in quoted.trim_end().lines().take(MOST_QUOTED) {
            out.push_str(if line.is_empty() || line.starts_with('>') {
                "\n>"
            } else {
                "\n> "
            });
            out.push_str(line);
        }
    }
    out.push('\n');
    out
}

/// The letter as HTML: one column, inline styles only, nothing to load.
pub(crate) fn rich(letter: &Letter<'_>) -> String {
    let colour = letter
        .colour
        .filter(|colour| is_colour(colour))
        .unwrap_or("#3f4a5a");
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"{}\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"></head>\n\
         <body style=\"margin:0;padding:16px;font-family:Arial,Helvetica,sans-serif;font-size:15px;line-height:1.5;color:#1c2430\">\n\
         <div style=\"max-width:640px\">\n<div>{}</div>\n",
        letter.language.code(),
        marked(letter.text.trim_end())
    );
    if let Some(signature) = filled(letter.signature) {
        out.push_str(&format!(
            "<div style=\"margin-top:16px;color:#5b6675\">-- <br>{}</div>\n",
            paragraphs(signature)
        ));
    }
    out.push_str(&format!(
        "<div style=\"margin-top:20px;padding-top:8px;border-top:2px solid {colour};font-size:12px;color:#5b6675\">{}</div>\n",
        html::escape(&letter.language.footer(letter.company, letter.ticket))
    ));
    if let Some((attribution, quoted)) = &letter.quote {
        let quoted: Vec<&str> = quoted.trim_end().lines().take(MOST_QUOTED).collect();
        out.push_str(&format!(
            "<div style=\"margin-top:16px;font-size:12px;color:#8a94a3\">{}</div>\n\
             <div class=\"moz-cite-prefix\" style=\"margin-top:8px;color:#5b6675\">{}</div>\n\
             <blockquote type=\"cite\" style=\"margin:8px 0 0 0;padding-left:12px;border-left:2px solid #d0d6de;color:#5b6675\">{}</blockquote>\n",
            html::escape(letter.language.marker()),
            html::escape(attribution),
            paragraphs(&quoted.join("\n"))
        ));
    }
    out.push_str("</div>\n</body></html>\n");
    out
}

fn filled(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

fn is_colour(colour: &str) -> bool {
    colour.strip_prefix('#').is_some_and(|hex| {
        matches!(hex.len(), 3 | 6) && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

/// Escaped text with line breaks, its web addresses made into links.
fn paragraphs(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(linked).collect();
    lines.join("<br>\n")
}

/// As `paragraphs`, with the marks that an operator's words bear.
fn marked(text: &str) -> String {
    let lines: Vec<String> = marks::lines(text)
        .map(|line| line.into_iter().map(shown).collect())
        .collect();
    lines.join("<br>\n")
}

fn shown(piece: Piece<'_>) -> String {
    match piece {
        Piece::Plain(words) => linked(words),
        Piece::Bold(words) => format!("<b>{}</b>", html::escape(words)),
        Piece::Italic(words) => format!("<i>{}</i>", html::escape(words)),
        Piece::Code(words) => format!("<code>{}</code>", html::escape(words)),
        Piece::Link { words, address } => format!(
            "<a href=\"{}\">{}</a>",
            html::escape(address),
            html::escape(words)
        ),
    }
}

fn linked(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = ["https://", "http://"]
        .iter()
        .filter_map(|scheme| rest.find(scheme))
        .min()
    {
        let (before, found) = rest.split_at(at);
        out.push_str(&html::escape(before));
        let end = found
            .find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '«' | '»'))
            .unwrap_or(found.len());
        let address = found[..end].trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '\'']);
        let escaped = html::escape(address);
        out.push_str(&format!("<a href=\"{escaped}\">{escaped}</a>"));
        rest = &found[address.len()..];
    }
    out.push_str(&html::escape(rest));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::email::{fold, quote, text};

    fn letter(language: Language) -> Letter<'static> {
        Letter {
            language,
            text: "Добрый день!\n\nСм. https://desk.kz/a?b=1&c=2. <b>нет</b>",
            signature: Some("Омар\nТехподдержка"),
            quote: Some((
                language.attribution("04.03.2026 13:07", "Асем <i>"),
                "Не печатает\n\n> раньше",
            )),
            company: "ТОО «Ромашка» & Ко",
            colour: Some("#0a7"),
            ticket: Some(42),
        }
    }

    #[test]
    fn the_plain_form_reads_like_a_letter() {
        assert_eq!(
            plain(&letter(Language::Russian)),
            "Добрый день!\n\nСм. https://desk.kz/a?b=1&c=2. <b>нет</b>\n\n-- \nОмар\nТехподдержка\n\n## Пишите ответ выше этой строки ##\n\n\
             04.03.2026 13:07, Асем <i> написал(а):\n> Не печатает\n>\n>> раньше\n"
        );
    }

    #[test]
    fn the_rich_form_is_escaped_and_linked() {
        let rich = rich(&letter(Language::Kazakh));
        assert!(rich.contains("<html lang=\"kk\">"));
        assert!(rich.contains("<a href=\"https://desk.kz/a?b=1&amp;c=2\">https://desk.kz/a?b=1&amp;c=2</a>. &lt;b&gt;нет&lt;/b&gt;"));
        assert!(rich.contains("ТОО «Ромашка» &amp; Ко · № 42 өтініш"));
        assert!(rich.contains("solid #0a7") && !rich.contains("<i>"));
    }

    #[test]
    fn a_colour_that_is_none_is_not_used() {
        let mut letter = letter(Language::English);
        letter.colour = Some("red;background:url(x)");
        assert!(!rich(&letter).contains("url("));
    }

    #[test]
    fn our_own_quote_is_one_that_we_fold() {
        for language in [Language::Russian, Language::Kazakh, Language::English] {
            let plain = plain(&letter(language));
            let shown = quote::quoted_from(&plain).map(|at| &plain[..at]);
            assert_eq!(
                shown,
                Some("Добрый день!\n\nСм. https://desk.kz/a?b=1&c=2. <b>нет</b>")
            );
            let clean = html::sanitise(&rich(&letter(language))).html;
            let folded = fold::fold(&clean).expect("folded");
            let (shown, _) = folded.split_once("<details").expect("details");
            assert!(text::of(shown).starts_with("Добрый день!"), "{shown}");
        }
    }

    #[test]
    fn marks_are_shown_in_the_rich_half_alone() {
        let mut letter = letter(Language::Russian);
        letter.text = "**Готово** <b>: `a<b`, [вход](https://a.kz/?x=1&y=2) и https://b.kz/_c_";
        let rich = rich(&letter);
        assert!(rich.contains(
            "<b>Готово</b> &lt;b&gt;: <code>a&lt;b</code>, <a href=\"https://a.kz/?x=1&amp;y=2\">вход</a> и <a href=\"https://b.kz/_c_\">"
        ));
        assert!(plain(&letter).starts_with("**Готово** <b>: `a<b`, [вход]"));
    }
}
