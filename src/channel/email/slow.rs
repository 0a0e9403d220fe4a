//! HTML on which a standard parser would need more than linear time, and what is shown of it instead.

use super::dom;

/// Whether the HTML has a shape on which a standard parser needs more than linear time: very deep nesting, formatting elements that
/// never close (each paragraph reopens them all), tags with thousands of attributes.
pub(super) fn is_slow(html: &str) -> bool {
    const FORMATTING: &[&str] = &[
        "a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt",
        "u",
    ];
    const CLOSING_THEMSELVES: &[&str] = &[
        "br", "hr", "img", "input", "meta", "link", "wbr", "col", "area", "base", "embed",
        "source", "track", "param", "p", "li", "dt", "dd", "td", "th", "tr", "tbody", "thead",
        "tfoot", "option", "html", "head", "body", "!doctype", "!--", "?xml",
    ];
    let (mut depth, mut formatting) = (0i64, 0i64);
    for tag in dom::tags(html) {
        if tag.attributes.len() > 2000 && dom::attributes(tag.attributes).nth(300).is_some() {
            return true;
        }
        let name = tag.name.to_ascii_lowercase();
        if CLOSING_THEMSELVES.contains(&name.as_str()) || tag.attributes.ends_with('/') {
            continue;
        }
        let step = if tag.closing { -1 } else { 1 };
        depth = (depth + step).max(0);
        if FORMATTING.contains(&name.as_str()) {
            formatting = (formatting + step).max(0);
        }
        if depth > 1000 || formatting > 200 {
            return true;
        }
    }
    false
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
    use crate::channel::email::html::sanitise;

    #[test]
    fn slow_shapes_are_shown_as_text_and_huge_ones_are_cut() {
        for slow in [
            format!("{}привет", "<div>".repeat(100_000)),
            format!("{}привет", "<b><p>".repeat(50_000)),
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
        let huge = sanitise(&"<p>ж</p>".repeat(400_000));
        assert!(huge.cut);
    }
}
