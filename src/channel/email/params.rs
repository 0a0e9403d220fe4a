//! Values with parameters: `Content-Type` and `Content-Disposition`, with RFC 2231 names in all the shapes seen.

use super::{charset, transfer, words};

/// A value such as `text/plain; charset=utf-8`, its parameters still as written.
#[derive(Debug, Default, Clone)]
pub(crate) struct Value {
    /// What stands before the first semicolon, lower-cased.
    pub(crate) kind: String,
    params: Vec<(String, Vec<u8>)>,
}

impl Value {
    /// Reads a header value.
    pub(crate) fn read(raw: &[u8]) -> Self {
        let mut pieces = split(raw).into_iter();
        let kind = pieces
            .next()
            .map(|piece| String::from_utf8_lossy(&piece).to_ascii_lowercase())
            .unwrap_or_default();
        // Some scripts forget the semicolon.
        let kind = kind
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .to_owned();
        let params = pieces
            .filter_map(|piece| {
                let equals = piece.iter().position(|byte| *byte == b'=')?;
                let name = String::from_utf8_lossy(&piece[..equals])
                    .trim()
                    .to_ascii_lowercase();
                Some((name, unquote(piece[equals + 1..].trim_ascii())))
            })
            .collect();
        Self { kind, params }
    }

    /// A parameter as text: `name*`, then `name*0…`, then plain `name`, whichever is there first.
    pub(crate) fn param(&self, name: &str) -> Option<String> {
        self.extended(name)
            .or_else(|| self.continued(name))
            .or_else(|| self.raw(name).map(words::decode))
    }

    /// A parameter as written, for boundaries.
    pub(crate) fn raw(&self, name: &str) -> Option<&[u8]> {
        self.params
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_slice())
    }

    fn extended(&self, name: &str) -> Option<String> {
        let key = format!("{name}*");
        self.raw(&key).map(|value| {
            let (label, encoded) = language_tagged(value);
            charset::decode(&transfer::percent(encoded), label.as_deref())
        })
    }

    fn continued(&self, name: &str) -> Option<String> {
        let mut sections: Vec<(u32, bool, &[u8])> = self
            .params
            .iter()
            .filter_map(|(key, value)| {
                let rest = key.strip_prefix(name)?.strip_prefix('*')?;
                let (number, encoded) = match rest.strip_suffix('*') {
                    Some(number) => (number, true),
                    None => (rest, false),
                };
                Some((number.parse().ok()?, encoded, value.as_slice()))
            })
            .collect();
        sections.sort_by_key(|(number, ..)| *number);
        let (_, first_encoded, first) = *sections.first()?;
        if !sections.iter().any(|(_, encoded, _)| *encoded) {
            // Some mailers cut an RFC 2047 name into sections; together they decode.
            return Some(words::decode(
                &sections
                    .iter()
                    .flat_map(|(.., value)| value.iter().copied())
                    .collect::<Vec<u8>>(),
            ));
        }
        let (label, opening) = if first_encoded {
            language_tagged(first)
        } else {
            (None, first)
        };
        let mut bytes = Vec::new();
        for (position, (_, encoded, value)) in sections.into_iter().enumerate() {
            let value = if position == 0 { opening } else { value };
            if encoded {
                bytes.extend(transfer::percent(value));
            } else {
                bytes.extend_from_slice(value);
            }
        }
        Some(charset::decode(&bytes, label.as_deref()))
    }
}

/// Splits `charset'language'text`.
fn language_tagged(value: &[u8]) -> (Option<String>, &[u8]) {
    let mut pieces = value.splitn(3, |byte| *byte == b'\'');
    match (pieces.next(), pieces.next(), pieces.next()) {
        (Some(label), Some(_), Some(text)) => {
            (Some(String::from_utf8_lossy(label).into_owned()), text)
        }
        _ => (None, value),
    }
}

/// Cuts at semicolons outside quotes.
fn split(raw: &[u8]) -> Vec<Vec<u8>> {
    let mut pieces = vec![Vec::new()];
    let mut quoted = false;
    let mut escaped = false;
    for byte in raw {
        match byte {
            b'"' if !escaped => quoted = !quoted,
            b';' if !quoted => {
                pieces.push(Vec::new());
                continue;
            }
            _ => {}
        }
        escaped = quoted && *byte == b'\\' && !escaped;
        if let Some(piece) = pieces.last_mut() {
            piece.push(*byte);
        }
    }
    pieces
}

fn unquote(value: &[u8]) -> Vec<u8> {
    let Some(inner) = value.strip_prefix(b"\"") else {
        return value.to_vec();
    };
    let inner = inner.strip_suffix(b"\"").unwrap_or(inner);
    let mut out = Vec::with_capacity(inner.len());
    let mut escaped = false;
    for (at, byte) in inner.iter().enumerate() {
        // A backslash before a letter is a Windows path, not an escape.
        if *byte == b'\\' && !escaped && matches!(inner.get(at + 1), Some(b'"' | b'\\')) {
            escaped = true;
            continue;
        }
        escaped = false;
        out.push(*byte);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn param(value: &str, name: &str) -> Option<String> {
        Value::read(value.as_bytes()).param(name)
    }

    #[test]
    fn kind_and_plain_parameters_are_read() {
        let value = Value::read(b"Text/Plain; charset=\"utf-8\"; format=flowed");
        assert_eq!(value.kind, "text/plain");
        assert_eq!(value.param("charset").as_deref(), Some("utf-8"));
        assert_eq!(value.param("format").as_deref(), Some("flowed"));
        assert_eq!(value.param("boundary"), None);
        assert_eq!(Value::read(b"text/plain charset=utf-8").kind, "text/plain");
    }

    #[test]
    fn extended_names_are_decoded() {
        assert_eq!(
            param(
                "attachment; filename*=UTF-8''%D0%90%D0%BA%D1%82.pdf",
                "filename"
            )
            .as_deref(),
            Some("Акт.pdf")
        );
        assert_eq!(
            param("attachment; filename*=koi8-r'ru'%F0%D2%C9.txt", "filename").as_deref(),
            Some("При.txt")
        );
    }

    #[test]
    fn continuations_come_in_any_order_and_cut_letters() {
        let value =
            "attachment; filename*1*=%BA%D1%82; filename*0*=UTF-8''%D0%90%D0; filename*2=\".pdf\"";
        assert_eq!(param(value, "filename").as_deref(), Some("Акт.pdf"));
        assert_eq!(
            param(
                "attachment; filename*0=long; filename*1=name.txt",
                "filename"
            )
            .as_deref(),
            Some("longname.txt")
        );
        assert_eq!(
            param(
                "attachment; filename*0=\"=?utf-8?B?0JDQ\"; filename*1=\"utGC?=\"",
                "filename"
            )
            .as_deref(),
            Some("Акт")
        );
    }

    #[test]
    fn the_extended_form_wins_over_the_plain_one() {
        assert_eq!(
            param(
                "attachment; filename=\"?.pdf\"; filename*=utf-8''%D0%90.pdf",
                "filename"
            )
            .as_deref(),
            Some("А.pdf")
        );
    }

    #[test]
    fn illegal_but_common_forms_are_understood() {
        assert_eq!(
            param(
                "attachment; filename==?utf-8?B?0JDQutGCLnBkZg==?=",
                "filename"
            )
            .as_deref(),
            Some("Акт.pdf")
        );
        assert_eq!(
            param("attachment; filename=my file.pdf", "filename").as_deref(),
            Some("my file.pdf")
        );
        assert_eq!(
            param("attachment; filename=\"a; b\\\".txt\"", "filename").as_deref(),
            Some("a; b\".txt")
        );
        assert_eq!(
            param("attachment; filename=\"C:\\docs\\a.txt\"", "filename").as_deref(),
            Some("C:\\docs\\a.txt")
        );
        assert_eq!(
            param("attachment; filename=\"unclosed.txt", "filename").as_deref(),
            Some("unclosed.txt")
        );
    }
}
