//! HTML of mail as plain text, line by line, with what each line is and where it came from.

use super::attribution;
use super::dom::{self, Kind, Node};
use super::html;

/// A line of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) text: String,
    /// The first node of the tree that shows on this line.
    pub(crate) node: usize,
    /// The mail program marked it as a quote.
    pub(crate) quoted: bool,
    /// The mail program marked it as a signature.
    pub(crate) signature: bool,
    /// The mail program marked it as forwarded.
    pub(crate) forwarded: bool,
}

/// The text of sanitised HTML.
pub(crate) fn of(html: &str) -> String {
    let lines: Vec<String> = lines(&dom::tree(html))
        .into_iter()
        .map(|line| line.text)
        .collect();
    lines.join("\n")
}

/// The lines of sanitised HTML, without blank ones at either end.
pub(crate) fn lines(nodes: &[Node<'_>]) -> Vec<Line> {
    let mut writer = Writer::default();
    let mut open: Vec<usize> = Vec::new();
    for (at, node) in nodes.iter().enumerate().skip(1) {
        while let Some(last) = open
            .last()
            .copied()
            .filter(|last| nodes[*last].end <= node.start)
        {
            writer.leave(last, &nodes[last]);
            open.pop();
        }
        match node.kind {
            Kind::Text(text) => writer.text(at, &dom::unescape(text)),
            Kind::Element { name, attributes } => {
                writer.enter(at, name, attributes);
                open.push(at);
            }
        }
    }
    while let Some(last) = open.pop() {
        writer.leave(last, &nodes[last]);
    }
    writer.finish()
}

#[derive(Default)]
struct Writer {
    lines: Vec<Line>,
    current: String,
    node: Option<usize>,
    /// A blank line is due before the next text, inside this many blockquotes.
    gap: Option<usize>,
    /// Blockquotes around the text: those that are quotes show `>`, the others an indent.
    prefixes: Vec<&'static str>,
    /// The number of the last item in each open list; `None` in those with bullets.
    lists: Vec<Option<u32>>,
    /// What open elements have opened, innermost last.
    scopes: Vec<(usize, Scope)>,
    /// How many of each are open.
    quotes: usize,
    signatures: usize,
    forwards: usize,
    preformatted: usize,
    rest: bool,
}

/// Quotes deeper than this look like this deep.
const MOST_PREFIXES: usize = 10;

enum Scope {
    Prefix,
    Quote,
    Signature,
    Forward,
    Preformatted,
    List,
    Link(String),
}

impl Writer {
    fn enter(&mut self, at: usize, name: &str, attributes: &str) {
        self.mark(at, attributes);
        match name {
            "br" => self.line_break(at),
            "hr" => {
                self.end_line();
                self.text(at, "----------");
                self.end_line();
            }
            "img" => {
                if let Some(alt) =
                    dom::attribute(attributes, "alt").filter(|alt| !alt.trim().is_empty())
                {
                    self.text(at, &format!("[{}]", alt.trim()));
                }
            }
            "blockquote" => {
                self.paragraph();
                let marked = dom::attribute(attributes, "type").is_some() || self.quotes > 0;
                let quote = marked
                    || attribution::ends_with_one(self.lines.iter().map(|line| line.text.as_str()));
                if quote {
                    self.open(at, Scope::Quote);
                }
                self.prefixes.push(if quote { "> " } else { "    " });
                self.open(at, Scope::Prefix);
            }
            "pre" => {
                self.paragraph();
                self.open(at, Scope::Preformatted);
            }
            "ul" | "ol" => {
                self.paragraph();
                self.lists.push((name == "ol").then_some(0));
                self.open(at, Scope::List);
            }
            "li" => {
                self.end_line();
                self.begin_line(at);
                let bullet = match self.lists.last_mut() {
                    Some(Some(number)) => {
                        *number = number.saturating_add(1);
                        format!("{number}. ")
                    }
                    _ => "- ".to_owned(),
                };
                self.current.push_str(&bullet);
            }
            "td" | "th" if !self.current.is_empty() && !self.current.ends_with(' ') => {
                self.current.push(' ')
            }
            "a" => {
                if let Some(target) =
                    dom::attribute(attributes, "href").filter(|target| target.starts_with("http"))
                {
                    self.open(at, Scope::Link(target.into_owned()));
                }
            }
            _ if is_paragraph(name) => self.paragraph(),
            _ if is_block(name) => self.end_line(),
            _ => {}
        }
    }

    fn mark(&mut self, at: usize, attributes: &str) {
        for name in ["class", "id"] {
            match dom::attribute(attributes, name).as_deref() {
                Some(html::QUOTE) => self.open(at, Scope::Quote),
                Some(html::SIGNATURE) => self.open(at, Scope::Signature),
                Some(html::FORWARD) => self.open(at, Scope::Forward),
                Some(html::REST) => {
                    self.end_line();
                    self.rest = true;
                }
                _ => {}
            }
        }
    }

    fn leave(&mut self, at: usize, node: &Node<'_>) {
        let Kind::Element { name, .. } = node.kind else {
            return;
        };
        if is_paragraph(name) {
            self.paragraph();
        } else if is_block(name) {
            self.end_line();
        }
        while let Some((_, scope)) = self.scopes.pop_if(|(opened, _)| *opened == at) {
            match scope {
                Scope::Prefix => {
                    self.prefixes.pop();
                }
                Scope::List => {
                    self.lists.pop();
                }
                Scope::Quote => self.quotes -= 1,
                Scope::Signature => self.signatures -= 1,
                Scope::Forward => self.forwards -= 1,
                Scope::Preformatted => self.preformatted -= 1,
                Scope::Link(target) => self.link(at, &target),
            }
        }
    }

    fn open(&mut self, at: usize, scope: Scope) {
        match scope {
            Scope::Quote => self.quotes += 1,
            Scope::Signature => self.signatures += 1,
            Scope::Forward => self.forwards += 1,
            Scope::Preformatted => self.preformatted += 1,
            Scope::Prefix | Scope::List | Scope::Link(_) => {}
        }
        self.scopes.push((at, scope));
    }

    /// Adds where a link goes when its text does not say so.
    fn link(&mut self, at: usize, target: &str) {
        let shown = target.trim_end_matches('/');
        let bare = shown.split_once("://").map_or(shown, |(_, bare)| bare);
        let mut tail = self.current.len().saturating_sub(400);
        while !self.current.is_char_boundary(tail) {
            tail += 1;
        }
        if !self.current[tail..].contains(bare) && target.len() <= 300 {
            self.text(at, &format!(" <{target}>"));
        }
    }

    fn text(&mut self, at: usize, text: &str) {
        if self.preformatted > 0 {
            for (position, line) in text.split('\n').enumerate() {
                if position > 0 {
                    self.line_break(at);
                }
                if !line.is_empty() {
                    self.begin_line(at);
                    self.current.push_str(line.trim_end_matches('\r'));
                }
            }
            return;
        }
        for c in text.chars() {
            if c.is_whitespace() {
                // A block of nothing else is the blank line that Yandex and others write so.
                if c == '\u{A0}' && self.begins_a_blank_line() {
                    self.begin_line(at);
                }
                if self.node.is_some() && !self.current.ends_with(' ') && !self.current.is_empty() {
                    self.current.push(' ');
                }
            } else if c != '\u{200B}' && c != '\u{FEFF}' {
                self.begin_line(at);
                self.current.push(c);
            }
        }
    }

    fn begins_a_blank_line(&self) -> bool {
        let after_text = self
            .lines
            .last()
            .is_some_and(|last| !last.text.trim().is_empty());
        self.node.is_none() && self.gap.is_none() && after_text
    }

    fn begin_line(&mut self, at: usize) {
        if self.node.is_none() {
            self.node = Some(at);
            if let Some(depth) = self.gap.take() {
                let inner = self.prefixes.split_off(depth.min(self.prefixes.len()));
                self.push(String::new(), at);
                self.prefixes.extend(inner);
            }
        }
    }

    /// A `<br>`: ends the line, or makes an empty one.
    fn line_break(&mut self, at: usize) {
        self.begin_line(at);
        self.end_line();
    }

    fn paragraph(&mut self) {
        self.end_line();
        if !self.lines.is_empty() {
            self.gap = Some(
                self.gap
                    .map_or(self.prefixes.len(), |depth| depth.min(self.prefixes.len())),
            );
        }
    }

    fn end_line(&mut self) {
        if let Some(node) = self.node.take() {
            let text = std::mem::take(&mut self.current);
            self.push(text.trim_end().to_owned(), node);
        }
        self.current.clear();
    }

    fn push(&mut self, text: String, node: usize) {
        let text = if self.prefixes.is_empty() {
            text
        } else {
            format!(
                "{}{text}",
                self.prefixes[..self.prefixes.len().min(MOST_PREFIXES)].concat()
            )
            .trim_end()
            .to_owned()
        };
        self.lines.push(Line {
            text,
            node,
            quoted: self.rest || self.quotes > 0,
            signature: self.signatures > 0,
            forwarded: self.forwards > 0,
        });
    }

    fn finish(mut self) -> Vec<Line> {
        self.end_line();
        let blank = |line: &Line| line.text.trim().is_empty();
        let kept = self
            .lines
            .iter()
            .rposition(|line| !blank(line))
            .map_or(0, |last| last + 1);
        self.lines.truncate(kept);
        let first = self.lines.iter().position(|line| !blank(line)).unwrap_or(0);
        self.lines.drain(..first);
        self.lines
    }
}

fn is_paragraph(name: &str) -> bool {
    matches!(
        name,
        "p" | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "ul"
            | "ol"
            | "dl"
            | "table"
            | "blockquote"
            | "pre"
    )
}

fn is_block(name: &str) -> bool {
    matches!(
        name,
        "div"
            | "tr"
            | "li"
            | "dt"
            | "dd"
            | "center"
            | "caption"
            | "hr"
            | "tbody"
            | "thead"
            | "tfoot"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(source: &str) -> String {
        of(&html::sanitise(source).html)
    }

    #[test]
    fn paragraphs_breaks_and_lists_become_lines() {
        assert_eq!(
            text(
                "<p>Добрый&nbsp;день!</p>\n<p>Список:<br>раз</p><ol><li>один</li><li>два</li></ol><ul><li>три</li></ul>конец"
            ),
            "Добрый день!\n\nСписок:\nраз\n\n1. один\n2. два\n\n- три\n\nконец"
        );
    }

    #[test]
    fn gmail_divs_and_empty_lines_come_out_as_typed() {
        assert_eq!(
            text("<div dir=\"ltr\">раз<div>два</div><div><br></div><div>три</div></div>"),
            "раз\nдва\n\nтри"
        );
    }

    #[test]
    fn a_block_of_a_hard_space_is_a_blank_line_where_there_is_none_yet() {
        let yandex = "<div>раз</div><div>&nbsp;</div><div>&nbsp;</div><div>&nbsp; два</div>";
        assert_eq!(text(yandex), "раз\n\nдва");
        let outlook = "<p>раз</p><p>&nbsp;</p><p>два</p>";
        assert_eq!(text(outlook), "раз\n\nдва");
    }

    #[test]
    fn links_say_where_they_go_and_pictures_what_they_are() {
        assert_eq!(
            text(
                "<a href=\"https://x.kz/a\">акт</a> <a href=\"https://x.kz\">x.kz</a> <img src=\"cid:1\" alt=\"касса\">"
            ),
            "акт <https://x.kz/a> x.kz [касса]"
        );
    }

    #[test]
    fn tables_give_a_line_a_row() {
        assert_eq!(
            text(
                "<table><tr><td>Касса</td><td>5</td></tr><tr><td>Итого</td><td>7</td></tr></table>"
            ),
            "Касса 5\nИтого 7"
        );
    }

    #[test]
    fn preformatted_text_keeps_its_blanks() {
        assert_eq!(text("<pre>a  b\n\n  c</pre>"), "a  b\n\n  c");
    }

    #[test]
    fn a_cited_blockquote_is_a_quote_and_a_bare_one_an_indent() {
        assert_eq!(
            text("да<blockquote type=\"cite\">нет<br>ок</blockquote>"),
            "да\n\n> нет\n> ок"
        );
        assert_eq!(
            text("Заказ:<blockquote>болт 5</blockquote>"),
            "Заказ:\n\n    болт 5"
        );
        assert_eq!(
            text(
                "да<br>04.03.2026, 13:07, \"Support\" &lt;s@d.kz&gt;:<blockquote>нет</blockquote>"
            ),
            "да\n04.03.2026, 13:07, \"Support\" <s@d.kz>:\n\n> нет"
        );
    }
}
