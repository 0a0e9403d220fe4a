//! HTML on which a standard parser would need more than linear time, and what is shown of it instead.
//!
//! The limits are far above what mail programs write; each stands for a shape that was seen to take seconds.

use std::borrow::Cow;
use std::collections::HashMap;

use super::dom::{self, Tag};

/// Elements open at one time: each new paragraph looks through all of them.
const DEEPEST: usize = 400;
/// Formatting elements open at one time: each new paragraph opens them all again.
const MOST_FORMATTING: usize = 100;
/// Elements between a table's rows: each is moved out in front of the table, past all that were moved before.
const MOST_MISPLACED: usize = 500;
/// Attributes of one tag: each is compared with all before it.
const MOST_ATTRIBUTES: usize = 300;
/// Characters written as references, and those of them that have rare or unknown names: each is added to its text alone, and an
/// unknown name is read twice.
const MOST_REFERENCES: usize = 100_000;
const MOST_NAMED_REFERENCES: usize = 20_000;

const FORMATTING: &[&str] = &[
    "a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u",
];
const CLOSING_THEMSELVES: &[&str] = &[
    "br", "hr", "img", "input", "meta", "link", "wbr", "col", "area", "base", "embed", "source",
    "track", "param", "p", "li", "dt", "dd", "td", "th", "tr", "tbody", "thead", "tfoot", "option",
    "html", "head", "body", "!doctype", "!--", "?xml",
];

/// Whether the HTML has a shape on which a standard parser needs more than linear time.
pub(super) fn is_slow(html: &str) -> bool {
    let mut shape = Shape::default();
    let references = html.matches('&').count();
    references > MOST_REFERENCES
        || references > MOST_NAMED_REFERENCES && named_references(html) > MOST_NAMED_REFERENCES
        || dom::tags(html).any(|tag| shape.breaks(&tag))
}

/// What is open at a place in the HTML, counted generously.
#[derive(Default)]
struct Shape {
    open: HashMap<String, usize>,
    depth: usize,
    formatting: usize,
    /// For each open table, whether the place is between its cells.
    between_cells: Vec<bool>,
    misplaced: usize,
}

impl Shape {
    fn breaks(&mut self, tag: &Tag<'_>) -> bool {
        if tag.attributes.len() > 2 * MOST_ATTRIBUTES
            && dom::attributes(tag.attributes)
                .nth(MOST_ATTRIBUTES)
                .is_some()
        {
            return true;
        }
        let name = tag.name.to_ascii_lowercase();
        self.place(&name, tag.closing);
        if !CLOSING_THEMSELVES.contains(&name.as_str()) {
            self.count(name, tag.closing);
        }
        self.depth > DEEPEST || self.formatting > MOST_FORMATTING || self.misplaced > MOST_MISPLACED
    }

    fn place(&mut self, name: &str, closing: bool) {
        let here = self.between_cells.last_mut();
        match (name, here) {
            ("table", _) if closing => {
                self.between_cells.pop();
            }
            ("table", _) => self.between_cells.push(true),
            ("td" | "th" | "caption", Some(between)) => *between = closing,
            ("tr" | "tbody" | "thead" | "tfoot", Some(between)) => *between = true,
            ("colgroup" | "col" | "!--" | "script" | "style" | "template", _) => {}
            (_, Some(true)) => self.misplaced += 1,
            _ => {}
        }
    }

    fn count(&mut self, name: String, closing: bool) {
        let formatting = usize::from(FORMATTING.contains(&name.as_str()));
        if !closing {
            *self.open.entry(name).or_default() += 1;
            self.depth += 1;
            self.formatting += formatting;
        } else if let Some(open) = self.open.get_mut(&name).filter(|open| **open > 0) {
            // An end tag that ends nothing must not make the place look shallower.
            *open -= 1;
            self.depth -= 1;
            self.formatting -= formatting;
        }
    }
}

/// Escapes ampersands that begin no character reference: to the parser they are errors, and many errors take long.
pub(super) fn escape_stray(html: &str) -> Cow<'_, str> {
    const WITHOUT_SEMICOLON: &[&str] = &["nbsp", "amp", "lt", "gt", "quot", "copy", "reg"];
    let mut out = String::new();
    let mut copied = 0;
    for (at, _) in html.match_indices('&') {
        let rest = &html[at + 1..];
        if reference(rest).is_some() {
            continue;
        }
        out.push_str(&html[copied..at]);
        copied = at + 1;
        match WITHOUT_SEMICOLON
            .iter()
            .find(|name| rest.starts_with(**name))
        {
            Some(name) => {
                out.push('&');
                out.push_str(name);
                out.push(';');
                copied += name.len();
            }
            None => out.push_str("&amp;"),
        }
    }
    if copied == 0 {
        return Cow::Borrowed(html);
    }
    out.push_str(&html[copied..]);
    Cow::Owned(out)
}

/// The name or number of the character reference whose text after the ampersand this is.
fn reference(rest: &str) -> Option<&str> {
    let end = rest
        .bytes()
        .take(33)
        .position(|byte| !byte.is_ascii_alphanumeric() && byte != b'#')?;
    (end > 0 && rest.as_bytes()[end] == b';').then(|| &rest[..end])
}

fn named_references(html: &str) -> usize {
    let common = |name: &&str| {
        matches!(*name, "nbsp" | "amp" | "lt" | "gt" | "quot") || name.starts_with('#')
    };
    html.match_indices('&')
        .filter_map(|(at, _)| reference(&html[at + 1..]))
        .filter(|name| !common(name))
        .count()
}

/// The text of HTML too slow to parse: tags cut out, nothing interpreted.
pub(super) fn strip_tags(html: &str) -> String {
    let mut out = String::with_capacity(html.len() / 2);
    let mut copied = 0;
    for tag in dom::tags(html) {
        out.push_str(&dom::unescape(&html[copied..tag.start]));
        if matches!(
            tag.name,
            "br" | "p" | "div" | "tr" | "li" | "BR" | "P" | "DIV" | "TR" | "LI"
        ) {
            out.push('\n');
        }
        copied = tag.end;
    }
    out.push_str(&dom::unescape(&html[copied..]));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::email::html::sanitise;

    #[test]
    fn slow_shapes_are_shown_as_text_and_huge_ones_are_cut() {
        for slow in [
            format!("{}привет", "<div>".repeat(100_000)),
            format!("{}привет", "<b><p>".repeat(50_000)),
            format!("{}привет", "<div></x>".repeat(50_000)),
            format!("{}привет", "<div/>".repeat(50_000)),
            format!("<table>{}привет", "<b>x</b>".repeat(50_000)),
            format!("{}привет", "&nosuch;".repeat(50_000)),
            format!("{}привет", "&amp;".repeat(200_000)),
            format!(
                "<p {}>привет",
                (0..50_000).map(|n| format!("a{n}=1 ")).collect::<String>()
            ),
        ] {
            let out = sanitise(&slow).html;
            assert!(
                out.contains("привет") && !out.contains("<p"),
                "{}",
                &out[out.len().saturating_sub(60)..]
            );
        }
        // Ampersands that begin nothing are many in addresses, and no reason to give up the looks.
        assert!(
            sanitise(&format!("<p>{}", "&x ".repeat(50_000)))
                .html
                .starts_with("<p>&amp;x")
        );
        let huge = sanitise(&"<p>ж</p>".repeat(400_000));
        assert!(huge.cut);
    }

    #[test]
    fn ordinary_mail_is_not_slow() {
        let row = "<tr><td><b>1</b></td><td><a href=\"https://x.kz/?a=1&b=2\">2</a></td></tr>";
        let nested = format!(
            "{}{}",
            "<table><tbody><tr><td>".repeat(40),
            "</td></tr></tbody></table>".repeat(40)
        );
        let thread = format!(
            "{}x{}",
            "<blockquote><div>".repeat(60),
            "</div></blockquote>".repeat(60)
        );
        for html in [
            format!("<table>{}</table>", row.repeat(5000)),
            nested,
            thread,
            "<p>a<br>&nbsp;&nbsp;<o:p></o:p></p>".repeat(5000),
        ] {
            assert!(!is_slow(&html));
        }
    }

    #[test]
    fn stray_ampersands_are_escaped_and_references_stay() {
        assert_eq!(
            escape_stray("a & b &amp; &#1078; &eacute; &nbsp &nbspx ?a=1&b=2 &"),
            "a &amp; b &amp; &#1078; &eacute; &nbsp; &nbsp;x ?a=1&amp;b=2 &amp;"
        );
        assert!(matches!(escape_stray("ok &amp;"), Cow::Borrowed(_)));
    }
}
