//! The tree of a mail's parts, found in one pass over its lines. Nothing is decoded here; bodies are slices of the mail.
//!
//! A multipart that never ends is ended by its parent's boundary or by the end of the mail. Attached mails stay closed: they are
//! leaves, so depth and work are bounded by the limits below and not by what a sender nests.

use super::header::{self, Headers};
use super::params::Value;

/// Deeper multiparts are not entered.
pub(crate) const DEEPEST: usize = 20;
/// Parts after this many are not read.
pub(crate) const MOST_PARTS: usize = 1000;

/// A part that holds no parts.
#[derive(Debug)]
pub(crate) struct Part<'a> {
    pub(crate) headers: Headers,
    pub(crate) content_type: Value,
    pub(crate) body: &'a [u8],
}

/// A part with what it holds.
#[derive(Debug)]
pub(crate) enum Node<'a> {
    Leaf(Part<'a>),
    Multi {
        kind: String,
        root: Option<String>,
        children: Vec<Node<'a>>,
    },
}

/// What a mail is made of, and which limits it broke.
#[derive(Debug)]
pub(crate) struct Tree<'a> {
    pub(crate) headers: Headers,
    pub(crate) root: Node<'a>,
    pub(crate) headers_cut: bool,
    pub(crate) too_deep: bool,
    pub(crate) too_many: bool,
}

/// Reads the tree.
pub(crate) fn tree(raw: &[u8]) -> Tree<'_> {
    let block = header::read(raw);
    let mut walker = Walker {
        raw,
        at: block.body_at,
        boundaries: Vec::new(),
        parts: 0,
        too_deep: false,
        too_many: false,
        headers_cut: block.cut,
    };
    let (root, _) = walker.entity(block.headers.clone(), "text/plain");
    Tree {
        headers: block.headers,
        root,
        headers_cut: walker.headers_cut,
        too_deep: walker.too_deep,
        too_many: walker.too_many,
    }
}

/// The line that ended a part.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// A delimiter of the boundary at this place in the stack.
    Delimiter {
        level: usize,
        closing: bool,
    },
    Mail,
}

struct Walker<'a> {
    raw: &'a [u8],
    at: usize,
    boundaries: Vec<Vec<u8>>,
    parts: usize,
    too_deep: bool,
    too_many: bool,
    headers_cut: bool,
}

impl<'a> Walker<'a> {
    /// Reads one part whose headers have been read, with the cursor at its body.
    fn entity(&mut self, headers: Headers, default_kind: &str) -> (Node<'a>, End) {
        let mut content_type = Value::read(headers.raw("Content-Type").unwrap_or_default());
        if !content_type.kind.contains('/') {
            content_type.kind = default_kind.to_owned();
        }
        let boundary = content_type
            .raw("boundary")
            .filter(|boundary| !boundary.is_empty())
            .map(<[u8]>::to_vec);
        match boundary {
            Some(boundary) if content_type.kind.starts_with("multipart/") => {
                if self.boundaries.len() < DEEPEST {
                    return self.multipart(&content_type, boundary);
                }
                self.too_deep = true;
            }
            // A multipart that does not say where its parts begin is read as the text it then is.
            None if content_type.kind.starts_with("multipart/") => {
                default_kind.clone_into(&mut content_type.kind)
            }
            _ => {}
        }
        let (body, end) = self.body();
        (
            Node::Leaf(Part {
                headers,
                content_type,
                body,
            }),
            end,
        )
    }

    fn multipart(&mut self, content_type: &Value, boundary: Vec<u8>) -> (Node<'a>, End) {
        let default_kind = if content_type.kind == "multipart/digest" {
            "message/rfc822"
        } else {
            "text/plain"
        };
        let level = self.boundaries.len();
        self.boundaries.push(boundary);
        let mut children = Vec::new();
        let (_, mut end) = self.body();
        loop {
            match end {
                End::Delimiter {
                    level: hit,
                    closing: false,
                } if hit == level => {
                    if self.parts >= MOST_PARTS {
                        self.too_many = true;
                        (_, end) = self.body();
                        continue;
                    }
                    self.parts += 1;
                    let block = header::read_until(&self.raw[self.at..], |line| {
                        delimiter(line, &self.boundaries).is_some()
                    });
                    self.headers_cut |= block.cut;
                    self.at += block.body_at;
                    let child;
                    (child, end) = self.entity(block.headers, default_kind);
                    children.push(child);
                }
                // The epilogue, up to a delimiter of somebody further out.
                End::Delimiter {
                    level: hit,
                    closing: true,
                } if hit == level => {
                    self.boundaries.truncate(level);
                    (_, end) = self.body();
                    break;
                }
                _ => break,
            }
        }
        self.boundaries.truncate(level);
        let root = content_type.param("start");
        (
            Node::Multi {
                kind: content_type.kind.clone(),
                root,
                children,
            },
            end,
        )
    }

    /// Takes lines up to the next delimiter of any open boundary; the line end before it belongs to it.
    fn body(&mut self) -> (&'a [u8], End) {
        let raw = self.raw;
        let start = self.at;
        while self.at < raw.len() {
            let line_start = self.at;
            let line_end = raw[line_start..]
                .iter()
                .position(|byte| *byte == b'\n')
                .map_or(raw.len(), |newline| line_start + newline + 1);
            self.at = line_end;
            if let Some((level, closing)) = delimiter(&raw[line_start..line_end], &self.boundaries)
            {
                let body = &raw[start..line_start];
                let body = body.strip_suffix(b"\n").unwrap_or(body);
                let body = body.strip_suffix(b"\r").unwrap_or(body);
                return (body, End::Delimiter { level, closing });
            }
        }
        (&raw[start..], End::Mail)
    }
}

/// Which boundary a line delimits, the innermost first, and whether it closes it.
fn delimiter(line: &[u8], boundaries: &[Vec<u8>]) -> Option<(usize, bool)> {
    let rest = line.strip_prefix(b"--")?.trim_ascii_end();
    boundaries
        .iter()
        .enumerate()
        .rev()
        .find_map(|(level, boundary)| {
            let after = rest.strip_prefix(boundary.trim_ascii_end())?;
            match after {
                [] => Some((level, false)),
                b"--" => Some((level, true)),
                _ => None,
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(node: &Node<'_>) -> String {
        match node {
            Node::Leaf(part) => format!(
                "{}={}",
                part.content_type.kind,
                String::from_utf8_lossy(part.body)
            ),
            Node::Multi { kind, children, .. } => {
                format!(
                    "{kind}[{}]",
                    children.iter().map(shape).collect::<Vec<_>>().join(", ")
                )
            }
        }
    }

    #[test]
    fn parts_nest_and_epilogues_are_passed_over() {
        let raw = "Content-Type: multipart/mixed; boundary=a\r\n\r\npreamble\r\n--a\r\nContent-Type: multipart/alternative; boundary=\"a b\"\r\n\r\n\
                   --a b\r\n\r\nplain\r\n--a b\r\nContent-Type: text/html\r\n\r\n<b>\r\n--a b--\r\nepilogue\r\n--a\r\nContent-Type: application/pdf\r\n\r\nPDF\r\n--a--\r\nend";
        assert_eq!(
            shape(&tree(raw.as_bytes()).root),
            "multipart/mixed[multipart/alternative[text/plain=plain, text/html=<b>], application/pdf=PDF]"
        );
    }

    #[test]
    fn a_missing_final_boundary_and_bare_newlines_lose_nothing() {
        let raw = "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--a\n\ntwo";
        assert_eq!(
            shape(&tree(raw.as_bytes()).root),
            "multipart/mixed[multipart/mixed[text/plain=one], text/plain=two]"
        );
    }

    #[test]
    fn a_boundary_that_begins_like_another_is_not_that_other() {
        let raw = "Content-Type: multipart/mixed; boundary=a\n\n--a\n\n--ab\n--a-\n--a\n\nx\n--a--";
        assert_eq!(
            shape(&tree(raw.as_bytes()).root),
            "multipart/mixed[text/plain=--ab\n--a-, text/plain=x]"
        );
    }

    #[test]
    fn a_multipart_without_a_boundary_is_text() {
        assert_eq!(
            shape(&tree(b"Content-Type: multipart/mixed\n\nhello").root),
            "text/plain=hello"
        );
    }

    #[test]
    fn an_attached_mail_stays_closed() {
        let raw = "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: message/rfc822\n\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b--\n--a--";
        assert!(
            matches!(&tree(raw.as_bytes()).root, Node::Multi { children, .. } if matches!(&children[0], Node::Leaf(part) if part.body.ends_with(b"--b--")))
        );
    }

    #[test]
    fn depth_and_number_of_parts_are_bounded() {
        let mut deep = String::new();
        for level in 0..100 {
            deep += &format!("Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n");
        }
        assert!(tree(deep.as_bytes()).too_deep);
        let many = format!(
            "Content-Type: multipart/mixed; boundary=a\n\n{}",
            "--a\n\nx\n".repeat(5000)
        );
        let many = tree(many.as_bytes());
        assert!(many.too_many);
        assert!(matches!(many.root, Node::Multi { children, .. } if children.len() == MOST_PARTS));
    }
}
