//! A reading of HTML just good enough for what our own sanitiser wrote: tags, attributes, a flat tree in document order.
//! It never changes what it reads and never decides what is safe.

use std::borrow::Cow;

/// Elements that have no end tag.
const VOID: &[&str] = &["br", "hr", "img", "wbr", "col"];

/// A tag as it stands in the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tag<'a> {
    pub(crate) name: &'a str,
    pub(crate) closing: bool,
    /// What stands between the name and the bracket.
    pub(crate) attributes: &'a str,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// Every tag and comment of the source in order. A bracket that opens no tag is text.
pub(crate) fn tags(html: &str) -> impl Iterator<Item = Tag<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let start = at + html[at..].find('<')?;
            let rest = &html[start + 1..];
            if rest.starts_with("!--") {
                let end = rest
                    .find("-->")
                    .map_or(html.len(), |close| start + 1 + close + 3);
                at = end;
                return Some(Tag {
                    name: "!--",
                    closing: false,
                    attributes: "",
                    start,
                    end,
                });
            }
            let (closing, named) = match rest.strip_prefix('/') {
                Some(named) => (true, named),
                None => (false, rest),
            };
            if !named.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '!' | '?')) {
                at = start + 1;
                continue;
            }
            let name_end = named
                .find(|c: char| c.is_ascii_whitespace() || matches!(c, '>' | '/'))
                .unwrap_or(named.len());
            let tail = &named[name_end..];
            let length = tag_end(tail);
            let closed = tail.len() > length;
            let end = html.len() - tail.len() + length + usize::from(closed);
            at = end;
            return Some(Tag {
                name: &named[..name_end],
                closing,
                attributes: tail[..length].trim(),
                start,
                end,
            });
        }
    })
}

/// The place of the bracket that ends a tag, outside quotes.
fn tag_end(tail: &str) -> usize {
    let mut quote = None;
    let mut after_equals = false;
    for (at, byte) in tail.bytes().enumerate() {
        match (quote, byte) {
            (Some(open), byte) if open == byte => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') if after_equals => quote = Some(byte),
            (None, b'>') => return at,
            _ => {}
        }
        if !byte.is_ascii_whitespace() {
            after_equals = quote.is_none() && byte == b'=';
        }
    }
    tail.len()
}

/// Names and still escaped values of a tag's attributes.
pub(crate) fn attributes(source: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = source;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if rest.is_empty() {
            return None;
        }
        let name_end = rest
            .find(|c: char| c.is_ascii_whitespace() || matches!(c, '=' | '/'))
            .unwrap_or(rest.len());
        // A stray equals sign would otherwise be an empty name for ever.
        let name_end = if name_end == 0 { 1 } else { name_end };
        let (name, after) = rest.split_at(name_end);
        let Some(value) = after.trim_start().strip_prefix('=') else {
            rest = after;
            return Some((name, ""));
        };
        let value = value.trim_start();
        let (value, after) = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => {
                let inner = &value[1..];
                inner.split_once(quote).unwrap_or((inner, ""))
            }
            _ => value.split_at(
                value
                    .find(|c: char| c.is_ascii_whitespace())
                    .unwrap_or(value.len()),
            ),
        };
        rest = after;
        Some((name, value))
    })
}

/// One attribute, unescaped.
pub(crate) fn attribute<'a>(source: &'a str, name: &str) -> Option<Cow<'a, str>> {
    attributes(source)
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| unescape(value))
}

/// Undoes the escapes that a serialiser writes, and the commonest others.
pub(crate) fn unescape(text: &str) -> Cow<'_, str> {
    const ESCAPES: &[(&str, &str)] = &[
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&nbsp;", "\u{A0}"),
        ("&amp;", "&"),
    ];
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        match ESCAPES.iter().find(|(escape, _)| rest.starts_with(escape)) {
            Some((escape, plain)) => {
                out.push_str(plain);
                rest = &rest[escape.len()..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// A place in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Node<'a> {
    pub(crate) parent: usize,
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) kind: Kind<'a>,
}

/// What stands at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind<'a> {
    Element { name: &'a str, attributes: &'a str },
    Text(&'a str),
}

/// The nodes in document order; the first is the document itself.
pub(crate) fn tree(html: &str) -> Vec<Node<'_>> {
    let document = Node {
        parent: 0,
        start: 0,
        end: html.len(),
        kind: Kind::Element {
            name: "",
            attributes: "",
        },
    };
    let mut nodes = vec![document];
    let mut open = vec![0usize];
    let mut copied = 0;
    let text = |nodes: &mut Vec<Node<'_>>, parent: usize, start: usize, end: usize| {
        if start < end {
            nodes.push(Node {
                parent,
                start,
                end,
                kind: Kind::Text(""),
            });
        }
    };
    for tag in tags(html) {
        let parent = open.last().copied().unwrap_or(0);
        text(&mut nodes, parent, copied, tag.start);
        copied = tag.end;
        if tag.closing {
            let place = open.iter().rposition(
                |at| matches!(nodes[*at].kind, Kind::Element { name, .. } if name == tag.name),
            );
            if let Some(place) = place.filter(|place| *place > 0) {
                for at in open.drain(place..).rev() {
                    nodes[at].end = tag.end;
                }
            }
            continue;
        }
        if tag.name == "!--" {
            continue;
        }
        nodes.push(Node {
            parent,
            start: tag.start,
            end: tag.end,
            kind: Kind::Element {
                name: tag.name,
                attributes: tag.attributes,
            },
        });
        if !VOID.contains(&tag.name) {
            open.push(nodes.len() - 1);
        }
    }
    let parent = open.last().copied().unwrap_or(0);
    text(&mut nodes, parent, copied, html.len());
    for at in open {
        nodes[at].end = html.len();
    }
    for node in &mut nodes {
        if let Kind::Text(content) = &mut node.kind {
            *content = &html[node.start..node.end];
        }
    }
    nodes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn brackets_in_attributes_do_not_end_a_tag() {
        let found: Vec<_> = tags("1 < 2 <a title=\"x > y\" b='>' c>z</a><!-- <b> --><br/>")
            .map(|tag| (tag.name, tag.closing))
            .collect();
        assert_eq!(
            found,
            [("a", false), ("a", true), ("!--", false), ("br", false)]
        );
    }

    #[test]
    fn attributes_are_found_and_unescaped() {
        let source = "href=\"https://x.kz/?a=1&amp;b=2\" ALT='q \"q\"' hidden width=5 /";
        assert_eq!(attribute(source, "href").unwrap(), "https://x.kz/?a=1&b=2");
        assert_eq!(attribute(source, "alt").unwrap(), "q \"q\"");
        assert_eq!(attribute(source, "hidden").unwrap(), "");
        assert_eq!(attribute(source, "width").unwrap(), "5");
        assert_eq!(attribute(source, "src"), None);
    }

    #[test]
    fn escapes_are_undone_once() {
        assert_eq!(unescape("&amp;lt; &lt;b&gt; &x &"), "&lt; <b> &x &");
    }

    #[test]
    fn the_tree_knows_parents_and_extents() {
        let html = "<div>a<br><b>c</b></div>d";
        let nodes = tree(html);
        let names: Vec<_> = nodes
            .iter()
            .map(|node| (node.parent, &html[node.start..node.end]))
            .collect();
        assert_eq!(
            names[1..],
            [
                (0, "<div>a<br><b>c</b></div>"),
                (1, "a"),
                (1, "<br>"),
                (1, "<b>c</b>"),
                (4, "c"),
                (0, "d")
            ]
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(html in "[<>/a-c \"'=!&;ж-]{0,80}") {
            let nodes = tree(&html);
            for node in &nodes {
                prop_assert!(html.get(node.start..node.end).is_some());
                if let Kind::Element { attributes: source, .. } = node.kind {
                    prop_assert!(attributes(source).count() <= source.len());
                }
            }
        }
    }
}
