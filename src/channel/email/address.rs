//! Address lists of header fields: quoted commas, comments, groups, routes, raw 8-bit names. An address is taken as it is
//! written, except that its domain is lower-cased.

use super::words;

/// More addresses than this in one field are not read.
const MOST: usize = 500;

/// Somebody's address and the name beside it (empty when there is none).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) name: String,
    pub(crate) email: String,
}

/// Whether two addresses are equal, letter case aside.
pub(crate) fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other) || one.to_lowercase() == other.to_lowercase()
}

/// An address on its own, with or without angle brackets; `None` when it is none.
pub(crate) fn bare(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text
        .strip_prefix('<')
        .and_then(|rest| rest.strip_suffix('>'))
        .unwrap_or(text);
    let text = text.trim();
    let text = text.strip_prefix("mailto:").unwrap_or(text);
    // A source route: <@relay.example:asem@client.kz>.
    let text = match text.strip_prefix('@') {
        Some(route) => route.split_once(':')?.1,
        None => text,
    };
    let (local, domain) = text.rsplit_once('@')?;
    let sound = !local.is_empty()
        && !domain.is_empty()
        && text.len() <= 320
        && !text
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ',' | ';'));
    sound.then(|| format!("{local}@{}", domain.trim_end_matches('.').to_lowercase()))
}

/// What has been read of the address at hand.
#[derive(Default)]
struct Pending {
    phrase: Vec<u8>,
    angle: Option<Vec<u8>>,
    comment: Vec<u8>,
}

impl Pending {
    fn finish(&mut self) -> Option<Address> {
        let pending = std::mem::take(self);
        let phrase = words::decode(&pending.phrase);
        let comment = tidy(&words::decode(&pending.comment));
        if let Some(angle) = pending.angle {
            let email = bare(&words::decode(&angle))?;
            let name = tidy(&phrase);
            return Some(Address {
                name: if name.is_empty() { comment } else { name },
                email,
            });
        }
        let email = phrase.split_whitespace().find_map(bare)?;
        Some(Address {
            name: comment,
            email,
        })
    }
}

/// Reads every address of a field's value.
pub(crate) fn list(raw: &[u8]) -> Vec<Address> {
    let mut found = Vec::new();
    let mut pending = Pending::default();
    let mut quoted = false;
    let mut depth = 0usize;
    let mut bytes = raw.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if found.len() == MOST {
            return found;
        }
        if byte == b'\\' && (quoted || depth > 0) {
            let target = if depth > 0 {
                &mut pending.comment
            } else {
                &mut pending.phrase
            };
            target.extend(bytes.next());
            continue;
        }
        if depth > 0 {
            match byte {
                b'(' => depth += 1,
                b')' => depth -= 1,
                _ => {}
            }
            if depth > 0 {
                pending.comment.push(byte);
            }
            continue;
        }
        match byte {
            b'"' => quoted = !quoted,
            _ if quoted => pending.phrase.push(byte),
            b'(' => depth = 1,
            b'<' => {
                let inner: Vec<u8> = bytes.by_ref().take_while(|byte| *byte != b'>').collect();
                pending.angle = Some(inner);
            }
            b',' | b';' => found.extend(pending.finish()),
            // The name of a group; an address of its own cannot hold a bare colon.
            b':' if pending.angle.is_none() => pending.phrase.clear(),
            _ => pending.phrase.push(byte),
        }
    }
    found.extend(pending.finish());
    found
}

/// A display name on one line, without control and direction characters.
fn tidy(name: &str) -> String {
    let clean: String = name
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .filter(|c| !super::names::is_deceptive(*c))
        .collect();
    let words: Vec<&str> = clean.split_whitespace().collect();
    words
        .join(" ")
        .trim_matches(|c| c == '"' || c == '\'')
        .chars()
        .take(200)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Vec<(String, String)> {
        list(value.as_bytes())
            .into_iter()
            .map(|a| (a.name, a.email))
            .collect()
    }

    fn pair(name: &str, email: &str) -> (String, String) {
        (name.to_owned(), email.to_owned())
    }

    #[test]
    fn plain_named_and_commented_addresses_are_read() {
        assert_eq!(
            read("asem@client.kz, Асем <Asem@Client.KZ>, omar@x.kz (Омар (склад))"),
            [
                pair("", "asem@client.kz"),
                pair("Асем", "Asem@client.kz"),
                pair("Омар (склад)", "omar@x.kz")
            ]
        );
    }

    #[test]
    fn commas_inside_quotes_and_encoded_words_do_not_split() {
        assert_eq!(
            read(
                "\"ТОО \\\"Ромашка\\\", касса\" <buh@client.kz>, =?utf-8?B?0JAsINCR?= <b@client.kz>"
            ),
            [
                pair("ТОО \"Ромашка\", касса", "buh@client.kz"),
                pair("А, Б", "b@client.kz")
            ]
        );
    }

    #[test]
    fn groups_are_opened_and_empty_ones_vanish() {
        assert_eq!(read("undisclosed-recipients:;"), []);
        assert_eq!(
            read("Офис: a@x.kz, B <b@x.kz>; c@x.kz"),
            [pair("", "a@x.kz"), pair("B", "b@x.kz"), pair("", "c@x.kz")]
        );
    }

    #[test]
    fn what_is_no_address_is_left_out() {
        assert_eq!(read("<>, nobody, @x.kz, a@, <a b@x.kz>, Root"), []);
    }

    #[test]
    fn routes_mailto_and_international_domains_are_understood() {
        assert_eq!(
            read("<@relay.kz:a@x.kz>, <mailto:b@x.kz>, почта@Пример.РФ"),
            [
                pair("", "a@x.kz"),
                pair("", "b@x.kz"),
                pair("", "почта@пример.рф")
            ]
        );
    }

    #[test]
    fn a_name_cannot_break_the_line_or_turn_the_text_around() {
        assert_eq!(
            read("\"a\tb \u{202E}fdp\" <x@y.kz>"),
            [pair("a b fdp", "x@y.kz")]
        );
    }
}
