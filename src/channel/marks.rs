//! The few marks that an operator's words may bear: `**bold**`, `_italic_`, `` `code` `` and `[words](address)`. The text is
//! kept as it was typed; each way out shows the marks as it can. What only looks like a mark stays as it is, and so do lines
//! between two fences of three backquotes, which are code.

/// A piece of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    Plain(&'a str),
    Bold(&'a str),
    Italic(&'a str),
    Code(&'a str),
    Link { words: &'a str, address: &'a str },
}

/// Cuts a text into its lines, and those into their pieces. A fence, and code behind one, has no marks.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = Vec<Piece<'_>>> {
    let mut fence = None;
    text.split('\n').map(move |line| {
        let here = fence_of(line);
        let is_code = match (fence, here) {
            (None, Some((length, _))) => {
                fence = Some(length);
                true
            }
            (None, None) => false,
            (Some(begun), Some((length, true))) if length >= begun => {
                fence = None;
                true
            }
            (Some(_), _) => true,
        };
        match line {
            "" => Vec::new(),
            line if is_code => vec![Piece::Plain(line)],
            line => pieces(line),
        }
    })
}

/// How many backquotes a fence has, and whether they stand alone, so that they may end what another began.
fn fence_of(line: &str) -> Option<(usize, bool)> {
    let line = line.trim();
    let length = run(line);
    let rest = &line[length..];
    (length >= 3 && !rest.contains('`')).then_some((length, rest.is_empty()))
}

/// How many backquotes a text begins with.
fn run(text: &str) -> usize {
    text.len() - text.trim_start_matches('`').len()
}

/// Cuts a line into its pieces.
fn pieces(line: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let (mut from, mut at) = (0, 0);
    while at < line.len() {
        let rest = &line[at..];
        let before = line[..at].chars().next_back();
        if let Some((piece, length)) = begun(rest, before) {
            if from < at {
                found.push(Piece::Plain(&line[from..at]));
            }
            found.push(piece);
            at += length;
            from = at;
        } else {
            at += address(rest)
                .map_or_else(|| rest.chars().next().map_or(1, char::len_utf8), str::len);
        }
    }
    if from < line.len() {
        found.push(Piece::Plain(&line[from..]));
    }
    found
}

/// A bare address at the beginning of `rest`: underscores in it are its own.
fn address(rest: &str) -> Option<&str> {
    if !(rest.starts_with("https://") || rest.starts_with("http://")) {
        return None;
    }
    Some(rest.split(char::is_whitespace).next().unwrap_or(rest))
}

/// The marked piece that `rest` begins with, and how long it is with its marks.
fn begun(rest: &str, before: Option<char>) -> Option<(Piece<'_>, usize)> {
    let wordly = |c: char| c.is_alphanumeric() || c == '_';
    // Within a word a sign is part of a name or of a sum.
    let alone = |length: usize| {
        let after = rest[length..].chars().next();
        !before.is_some_and(wordly) && !after.is_some_and(wordly)
    };
    if rest.starts_with('`') {
        return code(rest, before);
    }
    if let Some(inner) = between(rest, "**").filter(|inner| inner.trim() == *inner) {
        let length = inner.len() + 4;
        return alone(length).then_some((Piece::Bold(inner), length));
    }
    if let Some(inner) = between(rest, "_").filter(|inner| inner.trim() == *inner) {
        let length = inner.len() + 2;
        return alone(length).then_some((Piece::Italic(inner), length));
    }
    let (words, tail) = rest.strip_prefix('[')?.split_once("](")?;
    let address = tail.split_once(')')?.0;
    let is_address = (address.starts_with("https://") || address.starts_with("http://"))
        && !address.contains(|c: char| c.is_whitespace() || matches!(c, '(' | '<' | '>' | '"'));
    let is_link = is_address && !words.is_empty() && !words.contains(']');
    is_link.then_some((
        Piece::Link { words, address },
        words.len() + address.len() + 4,
    ))
}

/// The code that `rest` begins with: what stands between as many backquotes as it begins with and as many again.
fn code(rest: &str, before: Option<char>) -> Option<(Piece<'_>, usize)> {
    let signs = run(rest);
    let mut at = signs;
    while let Some(next) = rest[at..].find('`').filter(|_| before != Some('`')) {
        let end = at + next;
        match run(&rest[end..]) {
            found if found == signs => {
                return Some((Piece::Code(&rest[signs..end]), end + signs));
            }
            found => at = end + found,
        }
    }
    None
}

/// What stands between a sign at the beginning and the next one.
fn between<'a>(rest: &'a str, sign: &str) -> Option<&'a str> {
    let inner = rest.strip_prefix(sign)?;
    inner
        .split_once(sign)
        .map(|(inner, _)| inner)
        .filter(|inner| !inner.is_empty())
}

/// The words without their marks, for ways out that have none.
pub(crate) fn bare(text: &str) -> String {
    told(text, |piece, out| match piece {
        Piece::Plain(words) | Piece::Bold(words) | Piece::Italic(words) | Piece::Code(words) => {
            out.push_str(words);
        }
        Piece::Link { words, address } => {
            out.push_str(words);
            out.push_str(": ");
            out.push_str(address);
        }
    })
}

/// The words with the marks of WhatsApp.
pub(crate) fn whatsapp(text: &str) -> String {
    told(text, |piece, out| {
        let (sign, words) = match piece {
            Piece::Bold(words) => ("*", words),
            Piece::Italic(words) => ("_", words),
            Piece::Code(words) => ("```", words),
            Piece::Plain(words) => ("", words),
            Piece::Link { words, address } => {
                out.push_str(words);
                out.push_str(": ");
                ("", address)
            }
        };
        for part in [sign, words, sign] {
            out.push_str(part);
        }
    })
}

fn told(text: &str, tell: impl Fn(Piece<'_>, &mut String)) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, line) in lines(text).enumerate() {
        if at > 0 {
            out.push('\n');
        }
        for piece in line {
            tell(piece, &mut out);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_found_where_they_are_meant() {
        assert_eq!(
            pieces(
                "Нажмите **Смена паролей** и _ждите_: `ipconfig /all`, см. [портал](https://a.kz/x_y_z)"
            ),
            [
                Piece::Plain("Нажмите "),
                Piece::Bold("Смена паролей"),
                Piece::Plain(" и "),
                Piece::Italic("ждите"),
                Piece::Plain(": "),
                Piece::Code("ipconfig /all"),
                Piece::Plain(", см. "),
                Piece::Link {
                    words: "портал",
                    address: "https://a.kz/x_y_z"
                },
            ]
        );
    }

    #[test]
    fn what_only_looks_like_a_mark_stays() {
        for line in [
            "2 ** 3 ** 4",
            "2**3**4",
            "x**2 + y**2",
            "f(**kwargs)**2",
            "``не закрыто`",
            "``",
            "my_long_name_.txt",
            "https://a.kz/_x_/**y**",
            "`не закрыто",
            "[нет](javascript:alert(1))",
            "** пусто **",
            "__",
            "****",
            "",
        ] {
            assert_eq!(bare(line), line);
            assert_eq!(whatsapp(line), line);
        }
    }

    #[test]
    fn code_leaves_as_it_was_typed() {
        for text in [
            "```\nx = \"_a_\"\n```",
            "```python\n  **kwargs** `x` [a](https://a.kz)\n```",
            "  ```\n_a_\n  ```  ",
            "````\n```\n_a_\n```\n_b_\n````",
            "```\n_не закрыто_\n**и это**",
        ] {
            assert_eq!(bare(text), text);
            assert_eq!(whatsapp(text), text);
        }
        // Marks around it are marks.
        let text = "**Так:**\n```\n**x**\n```\n_и всё_";
        assert_eq!(bare(text), "Так:\n```\n**x**\n```\nи всё");
        assert_eq!(whatsapp(text), "*Так:*\n```\n**x**\n```\n_и всё_");
        assert_eq!(bare("`2**3**4` и `_a_`"), "2**3**4 и _a_");
        assert_eq!(bare("```x = _a_```, ``a`_b_`c``"), "x = _a_, a`_b_`c");
        assert_eq!(whatsapp("```x = _a_```"), "```x = _a_```");
    }

    #[test]
    fn every_way_out_says_the_same_words() {
        let text = "**Готово.**\n- проверьте _почту_\n- [вход](https://a.kz)\n";
        assert_eq!(
            bare(text),
            "Готово.\n- проверьте почту\n- вход: https://a.kz\n"
        );
        assert_eq!(
            whatsapp(text),
            "*Готово.*\n- проверьте _почту_\n- вход: https://a.kz\n"
        );
    }
}
