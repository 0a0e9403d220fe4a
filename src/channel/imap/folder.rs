//! The name of a folder as IMAP spells it: UTF-7, modified (RFC 3501, section 5.1.3).

use data_encoding::BASE64_NOPAD;

/// Spells a folder's name for a server.
pub(super) fn spelled(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut strange = String::new();
    for c in name.chars() {
        if matches!(c, ' '..='~') {
            end(&mut out, &mut strange);
            out.push(c);
            if c == '&' {
                out.push('-');
            }
        } else {
            strange.push(c);
        }
    }
    end(&mut out, &mut strange);
    out
}

/// Writes down what is not ASCII.
fn end(out: &mut String, strange: &mut String) {
    if strange.is_empty() {
        return;
    }
    let wide: Vec<u8> = strange.encode_utf16().flat_map(u16::to_be_bytes).collect();
    out.push('&');
    out.push_str(&BASE64_NOPAD.encode(&wide).replace('/', ","));
    out.push('-');
    strange.clear();
}

/// A text as a quoted string of a command.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_spelled_as_servers_know_them() {
        assert_eq!(spelled("INBOX"), "INBOX");
        assert_eq!(spelled("R&D"), "R&-D");
        assert_eq!(
            spelled("Отправленные"),
            "&BB4EQgQ,BEAEMAQyBDsENQQ9BD0ESwQ1-"
        );
        assert_eq!(spelled("Заявки/new"), "&BBcEMARPBDIEOgQ4-/new");
        assert_eq!(quoted(r#"a"b\c"#), r#""a\"b\\c""#);
    }
}
