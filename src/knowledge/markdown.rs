//! From Markdown to the HTML that readers are shown: rendered and sanitised once, when an article is saved. Pictures of
//! other sites become links to them: a reader's browser is not sent to a stranger without being asked.
use ammonia::{Builder, UrlRelative, clean_text};
use comrak::{
    Arena, Options,
    arena_tree::NodeEdge,
    format_html,
    nodes::{NodeLink, NodeValue},
    parse_document,
};
use std::{collections::HashSet, sync::LazyLock};

/// How many characters of an article's text its lists show.
const EXCERPT: usize = 200;

/// How deep quotes and lists may lie in each other. What lies deeper takes an HTML parser time that grows with its square, so
/// such a text is shown as it was typed.
const DEEPEST: usize = 64;

/// What an article becomes.
#[derive(Debug)]
pub(super) struct Rendered {
    pub(super) html: String,
    /// Its words without any marks, for the index.
    pub(super) text: String,
    /// How it begins.
    pub(super) excerpt: String,
}

fn options() -> Options<'static> {
    let mut options = Options::default();
    options.extension.autolink = true;
    options.extension.strikethrough = true;
    options.extension.table = true;
    options.extension.tasklist = true;
    options.extension.footnotes = true;
    options
}

/// Links open outside: an article is also read in a frame of somebody else's page.
static POLICY: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut policy = Builder::default();
    policy
        .rm_tags(["img", "map", "area"])
        .add_tags(["input", "section"])
        .add_tag_attributes("input", ["type", "checked", "disabled"])
        .add_tag_attributes("code", ["class"])
        .url_schemes(HashSet::from(["http", "https", "mailto", "tel"]))
        .url_relative(UrlRelative::PassThrough)
        .link_rel(Some("noopener noreferrer"))
        .set_tag_attribute_value("a", "target", "_blank")
        .attribute_filter(|tag, name, value| match (tag, name) {
            ("input", "type") => (value == "checkbox").then(|| value.into()),
            ("input", "disabled" | "checked") => Some("".into()),
            ("code", "class") => value.starts_with("language-").then(|| value.into()),
            _ => Some(value.into()),
        });
    policy
});

/// Renders an article.
pub(super) fn render(content: &str) -> Rendered {
    let arena = Arena::new();
    let options = options();
    let root = parse_document(&arena, content, &options);
    let mut text = String::new();
    let (mut depth, mut deepest) = (0, 0);
    for edge in root.traverse() {
        let node = match edge {
            NodeEdge::Start(node) => node,
            NodeEdge::End(_) => {
                depth -= 1;
                continue;
            }
        };
        depth += 1;
        deepest = deepest.max(depth);
        let mut data = node.data.borrow_mut();
        match &mut data.value {
            NodeValue::Image(link) => {
                let link = NodeLink {
                    url: std::mem::take(&mut link.url),
                    title: std::mem::take(&mut link.title),
                };
                data.value = NodeValue::Link(Box::new(link));
            }
            NodeValue::Text(words) => text.push_str(words),
            NodeValue::Code(code) => text.push_str(&code.literal),
            NodeValue::CodeBlock(block) => {
                text.push_str(&block.literal);
                text.push(' ');
            }
            NodeValue::SoftBreak | NodeValue::LineBreak => text.push(' '),
            value if value.block() && !text.ends_with(' ') => text.push(' '),
            _ => {}
        }
    }
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if deepest > DEEPEST {
        return Rendered {
            html: format!("<p>{}</p>", clean_text(content)),
            excerpt: beginning(&text),
            text,
        };
    }
    let mut html = String::new();
    // Writing to a text does not fail.
    let _ = format_html(root, &options, &mut html);
    Rendered {
        html: POLICY.clean(&html).to_string(),
        excerpt: beginning(&text),
        text,
    }
}

/// The beginning of a text, cut at a word.
fn beginning(text: &str) -> String {
    if text.chars().count() <= EXCERPT {
        return text.to_owned();
    }
    let cut: String = text.chars().take(EXCERPT).collect();
    let whole = cut
        .rsplit_once(' ')
        .map_or(cut.as_str(), |(words, _)| words);
    format!("{whole}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_article_is_rendered_and_its_words_are_taken_out() {
        let done = render(
            "# Касса\n\nНажмите **«Смена»**.\n\n- раз\n- два\n\n| a | b |\n|---|---|\n| 1 | 2 |",
        );
        assert!(done.html.contains("<h1>Касса</h1>"), "{}", done.html);
        assert!(done.html.contains("<strong>«Смена»</strong>") && done.html.contains("<table>"));
        assert_eq!(done.text, "Касса Нажмите «Смена». раз два a b 1 2");
    }

    #[test]
    fn nothing_that_runs_or_loads_survives() {
        for hostile in [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "<b onclick=\"alert(1)\">x</b>",
            "[x](javascript:alert(1))",
            "[x](data:text/html;base64,PHNjcmlwdD4=)",
            "<iframe src=https://evil.example></iframe>",
            "<form action=https://evil.example><input type=password></form>",
            "<svg/onload=alert(1)>",
            "<style>body{display:none}</style>",
            "<a href=\"jav&#x09;ascript:alert(1)\">x</a>",
            "![x](https://tracker.example/p.gif)",
        ] {
            let html = render(hostile).html.to_lowercase();
            for bad in [
                "<script",
                "onerror",
                "onclick",
                "javascript:alert",
                "data:text",
                "<iframe",
                "<form",
                "password",
                "<svg",
                "<style",
                "<img",
            ] {
                assert!(!html.contains(bad), "{hostile} gave {html}");
            }
        }
        let picture = render("![Схема](https://site.example/a.png)").html;
        assert!(
            picture.contains("href=\"https://site.example/a.png\"")
                && picture.contains("Схема</a>"),
            "{picture}"
        );
    }

    #[test]
    fn a_text_that_is_too_deep_is_shown_as_it_was_typed() {
        for deep in [">".repeat(60_000), "* ".repeat(30_000)] {
            assert!(!render(&deep).html.contains("<blockquote>"));
        }
        let quote = render("> > <b>a</b>").html;
        assert!(quote.contains("<blockquote>"), "{quote}");
        for long in [
            "[".repeat(60_000),
            "**a ".repeat(15_000),
            "`".repeat(60_000),
        ] {
            assert!(render(&long).html.len() < 200_000);
        }
    }

    #[test]
    fn a_long_text_begins_with_whole_words() {
        let done = render(&"слово ".repeat(100));
        assert!(done.excerpt.ends_with("слово…") && done.excerpt.chars().count() <= EXCERPT + 1);
    }
}
