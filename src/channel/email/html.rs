//! HTML of mail made harmless by an allow list, and the form in which it is kept: links that tell nothing to their target, remote
//! images not loaded (`data-remote-src`), pictures of the mail itself as `cid:` until [`render`] knows their addresses.
//!
//! The result is for a sandboxed frame with its own content policy; this is the first of two walls, not the only one. Marks that
//! mail programs leave on quotes survive as a few class names of ours, which [`super::text`] reads.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use ammonia::{Builder, UrlRelative};

use super::{dom, slow, style, transfer};

/// HTML beyond this many bytes is cut.
pub(crate) const LONGEST: usize = 2 * 1024 * 1024;

/// Inside a quote, or the line above one that names its author.
pub(crate) const QUOTE: &str = "tp-quote";
/// From here to the end everything is a quote.
pub(crate) const REST: &str = "tp-rest";
/// A signature.
pub(crate) const SIGNATURE: &str = "tp-signature";
/// A forwarded mail.
pub(crate) const FORWARD: &str = "tp-forward";

/// Sanitised HTML.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Clean {
    pub(crate) html: String,
    /// Something was left out because it was longer than [`LONGEST`].
    pub(crate) cut: bool,
}

/// Makes `html` harmless.
#[cfg(test)]
pub(crate) fn sanitise(html: &str) -> Clean {
    sanitise_within(html, LONGEST)
}

/// Makes the first `most` bytes of `html` harmless. Time is linear in its length: what would make the HTML parser slow is
/// shown as plain text instead.
pub(crate) fn sanitise_within(html: &str, most: usize) -> Clean {
    let mut end = html.len().min(most);
    while !html.is_char_boundary(end) {
        end -= 1;
    }
    let (html, cut) = (&html[..end], end < html.len());
    let clean = if slow::is_slow(html) {
        from_text(&slow::strip_tags(html))
    } else {
        hide_remote(&POLICY.clean(&slow::escape_stray(html)).to_string())
    };
    Clean { html: clean, cut }
}

/// Plain text as HTML: escaped, line ends kept.
pub(crate) fn from_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for (at, line) in text.lines().enumerate() {
        if at > 0 {
            out.push_str("<br>");
        }
        out.push_str(&escape(line));
    }
    out
}

/// Escapes text for use between tags and inside double quotes.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// Gives the pictures of the mail their addresses: `url` is asked with the normalised content id ([`content_id`]).
/// A picture it does not know loses its source and keeps its alternative text.
pub(crate) fn render(html: &str, url: impl Fn(&str) -> Option<String>) -> String {
    rewrite_images(html, |source| match source.get(..4) {
        Some(scheme) if scheme.eq_ignore_ascii_case("cid:") => {
            url(&content_id(&source[4..])).map(|url| format!("src=\"{}\"", escape(&url)))
        }
        _ => Some(format!("src=\"{}\"", escape(source))),
    })
}

/// The content ids of the pictures that the HTML shows.
pub(crate) fn shown_content_ids(html: &str) -> HashSet<String> {
    dom::tags(html)
        .filter(|tag| tag.name == "img")
        .filter_map(|tag| dom::attribute(tag.attributes, "src"))
        .filter_map(|source| source.strip_prefix("cid:").map(content_id))
        .collect()
}

/// One form for the many spellings of a content id.
pub(crate) fn content_id(id: &str) -> String {
    let id = id.trim().trim_matches(['<', '>']);
    String::from_utf8_lossy(&transfer::percent(id.as_bytes()))
        .trim()
        .to_lowercase()
}

static POLICY: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut policy = Builder::default();
    policy
        .tags(set(&[
            "a",
            "abbr",
            "b",
            "big",
            "blockquote",
            "br",
            "caption",
            "center",
            "code",
            "col",
            "colgroup",
            "dd",
            "del",
            "div",
            "dl",
            "dt",
            "em",
            "font",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "hr",
            "i",
            "img",
            "ins",
            "li",
            "ol",
            "p",
            "pre",
            "s",
            "small",
            "span",
            "strike",
            "strong",
            "sub",
            "sup",
            "table",
            "tbody",
            "td",
            "tfoot",
            "th",
            "thead",
            "tr",
            "tt",
            "u",
            "ul",
            "wbr",
        ]))
        .clean_content_tags(set(&[
            "applet",
            "audio",
            "embed",
            "iframe",
            "math",
            "noembed",
            "noframes",
            "noscript",
            "object",
            "plaintext",
            "script",
            "select",
            "style",
            "svg",
            "template",
            "textarea",
            "title",
            "video",
            "xmp",
        ]))
        .tag_attributes(HashMap::from([
            ("a", set(&["href"])),
            ("img", set(&["src", "alt", "width", "height"])),
            (
                "td",
                set(&[
                    "colspan", "rowspan", "width", "height", "align", "valign", "bgcolor",
                ]),
            ),
            (
                "th",
                set(&[
                    "colspan", "rowspan", "width", "height", "align", "valign", "bgcolor",
                ]),
            ),
            ("tr", set(&["align", "valign", "bgcolor"])),
            (
                "table",
                set(&[
                    "width",
                    "border",
                    "cellpadding",
                    "cellspacing",
                    "align",
                    "bgcolor",
                ]),
            ),
            ("col", set(&["span", "width"])),
            ("colgroup", set(&["span", "width"])),
            ("ol", set(&["start", "type"])),
            ("ul", set(&["type"])),
            ("blockquote", set(&["type"])),
            ("font", set(&["color", "size", "face"])),
        ]))
        .generic_attributes(set(&["style", "class", "id", "title", "dir", "align"]))
        .url_schemes(set(&["http", "https", "mailto", "tel", "cid", "data"]))
        .url_relative(UrlRelative::Deny)
        .link_rel(Some("noopener noreferrer nofollow"))
        .set_tag_attribute_value("a", "target", "_blank")
        .attribute_filter(attribute);
    policy
});

fn set(names: &[&'static str]) -> HashSet<&'static str> {
    names.iter().copied().collect()
}

/// What becomes of an attribute that the lists let through.
fn attribute<'a>(element: &str, name: &str, value: &'a str) -> Option<Cow<'a, str>> {
    match (element, name) {
        (_, "style") => Some(style::filter(value))
            .filter(|style| !style.is_empty())
            .map(Cow::Owned),
        (_, "class" | "id") => mark(value).map(Cow::Borrowed),
        ("a", "href") => (!has_scheme(value, "cid:") && !has_scheme(value, "data:"))
            .then_some(Cow::Borrowed(value)),
        ("img", "src") => is_picture(value).then_some(Cow::Borrowed(value)),
        ("blockquote", "type") => value
            .eq_ignore_ascii_case("cite")
            .then_some(Cow::Borrowed("cite")),
        _ => Some(Cow::Borrowed(value)),
    }
}

fn has_scheme(value: &str, scheme: &str) -> bool {
    value
        .trim_start()
        .get(..scheme.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(scheme))
}

fn is_picture(source: &str) -> bool {
    if has_scheme(source, "data:") {
        return ["png", "jpeg", "jpg", "gif", "webp"]
            .iter()
            .any(|kind| has_scheme(source, &format!("data:image/{kind};base64,")));
    }
    ["http:", "https:", "cid:"]
        .iter()
        .any(|scheme| has_scheme(source, scheme))
}

/// Our class for the class or id by which a mail program marks a quote, a signature or a forward.
fn mark(value: &str) -> Option<&'static str> {
    value.split_ascii_whitespace().find_map(|token| {
        // Web mail prefixes or suffixes names when it sanitises what it quotes.
        let mut token = token.strip_suffix("_mr_css_attr").unwrap_or(token);
        while let Some(rest) = token.strip_prefix("x_") {
            token = rest;
        }
        match token {
            "gmail_quote"
            | "gmail_quote_container"
            | "gmail_attr"
            | "moz-cite-prefix"
            | "protonmail_quote"
            | "zmail_extra"
            | "tutanota_quote"
            | "includetail"
            | "mail-quote-collapse"
            | "mailru-blockquote"
            | "yahoo_quoted"
            | "composeWebView_previouse_content"
            | "mail-app-auto-quote"
            | "OLK_SRC_BODY_SECTION"
            | "mail-editor-reference-message-container" => Some(QUOTE),
            "divRplyFwdMsg" | "appendonsend" => Some(REST),
            "gmail_signature" | "moz-signature" | "mail-app-auto-signature" => Some(SIGNATURE),
            "moz-forward-container" => Some(FORWARD),
            _ if token.starts_with("yahoo_quoted_") => Some(QUOTE),
            _ => None,
        }
    })
}

fn hide_remote(html: &str) -> String {
    rewrite_images(html, |source| {
        let name = if has_scheme(source, "http:") || has_scheme(source, "https:") {
            "data-remote-src"
        } else {
            "src"
        };
        Some(format!("{name}=\"{}\"", escape(source)))
    })
}

/// Replaces the `src` attribute of every picture by what `with` makes of its value.
fn rewrite_images(html: &str, with: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(html.len());
    let mut copied = 0;
    for tag in dom::tags(html).filter(|tag| tag.name == "img") {
        let Some(source) = dom::attribute(tag.attributes, "src") else {
            continue;
        };
        out.push_str(&html[copied..tag.start]);
        out.push_str("<img");
        for (name, raw) in dom::attributes(tag.attributes) {
            let piece = if name == "src" {
                with(&source)
            } else {
                Some(format!("{name}=\"{raw}\""))
            };
            if let Some(piece) = piece {
                out.push(' ');
                out.push_str(&piece);
            }
        }
        out.push('>');
        copied = tag.end;
    }
    out.push_str(&html[copied..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(html: &str) -> String {
        sanitise(html).html
    }

    #[test]
    fn nothing_that_runs_or_loads_survives() {
        for hostile in [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "<svg onload=alert(1)><script>alert(1)</script></svg>",
            "<math><mtext><img src=x onerror=alert(1)></mtext></math>",
            "<a href=\"javascript:alert(1)\">x</a>",
            "<a href=\" jAvAsCrIpT:alert(1)\">x</a>",
            "<a href=\"data:text/html,<script>alert(1)</script>\">x</a>",
            "<iframe src=\"https://t.example\"></iframe>",
            "<object data=x></object><embed src=x>",
            "<form action=\"https://t.example\"><input name=a><button>go</button></form>",
            "<base href=\"https://t.example/\"><meta http-equiv=refresh content=\"0;url=https://t.example\">",
            "<link rel=stylesheet href=\"https://t.example/a.css\"><style>@import 'https://t.example'</style>",
            "<div style=\"background:url(https://t.example/p.gif);position:fixed\">x</div>",
            "<body background=\"https://t.example/p.gif\" onload=alert(1)>x</body>",
            "<table background=\"https://t.example/p.gif\"><td>x</table>",
            "<img src=\"data:image/svg+xml;base64,PHN2Zz4=\">",
            "<img srcset=\"https://t.example/p.gif 1x\">",
            "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
            "<video src=\"https://t.example\"></video><audio src=\"https://t.example\"></audio>",
        ] {
            let out = clean(hostile);
            let lower = out.to_lowercase();
            for forbidden in [
                "alert",
                "script",
                "onerror",
                "onload",
                "t.example",
                "<iframe",
                "<form",
                "<input",
                "<svg",
                "data:",
                "position",
            ] {
                assert!(!lower.contains(forbidden), "{hostile} gave {out}");
            }
        }
    }

    #[test]
    fn ordinary_mail_keeps_its_looks() {
        let html = "<p style=\"color:red\">Добрый <b>день</b><o:p></o:p></p><!--[if mso]><v:shape/><![endif]--><table border=\"1\"><tbody><tr><td colspan=\"2\">1</td></tr></tbody></table>";
        assert_eq!(
            clean(html),
            "<p style=\"color:red\">Добрый <b>день</b></p><table border=\"1\"><tbody><tr><td colspan=\"2\">1</td></tr></tbody></table>"
        );
    }

    #[test]
    fn links_open_elsewhere_and_tell_nothing() {
        assert_eq!(
            clean("<a href=\"https://x.kz/?a=1&b=2\" onclick=a()>x</a>"),
            "<a href=\"https://x.kz/?a=1&amp;b=2\" target=\"_blank\" rel=\"noopener noreferrer nofollow\">x</a>"
        );
    }

    #[test]
    fn remote_pictures_wait_and_own_ones_are_rendered() {
        let html = clean(
            "<img src=\"https://t.example/p.gif?a&amp;b\" alt=\"лого\"><img src=\"CID:II_m5%40X1\"><img src=\"cid:absent\" alt=\"нет\">",
        );
        assert_eq!(
            html,
            "<img data-remote-src=\"https://t.example/p.gif?a&amp;b\" alt=\"лого\"><img src=\"CID:II_m5%40X1\"><img src=\"cid:absent\" alt=\"нет\">"
        );
        let shown = render(&html, |cid| {
            (cid == "ii_m5@x1").then(|| "/files/7/a.png?s=1&t=\"2".to_owned())
        });
        assert_eq!(
            shown,
            "<img data-remote-src=\"https://t.example/p.gif?a&amp;b\" alt=\"лого\"><img src=\"/files/7/a.png?s=1&amp;t=&quot;2\"><img alt=\"нет\">"
        );
    }

    #[test]
    fn marks_of_mail_programs_become_ours_and_other_names_go() {
        assert_eq!(
            clean(
                "<div class=\"x gmail_quote\" id=\"q1\">a</div><div id=\"x_x_divRplyFwdMsg\">b</div><p class=\"MsoNormal\">c</p>"
            ),
            "<div class=\"tp-quote\">a</div><div id=\"tp-rest\">b</div><p>c</p>"
        );
    }
}
