//! Undoes content transfer encodings, forgivingly: stray characters are skipped, a missing end is the end.

use data_encoding::BASE64;

/// Decodes base64, skipping whatever is not of its alphabet and stopping at padding that ends the data.
pub(crate) fn base64(input: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(input.len() / 4 * 3 + 3);
    let mut bits: u32 = 0;
    let mut held = 0u8;
    for byte in input {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => {
                // Concatenated base64 pads in the middle: forget the spare bits, go on.
                bits = 0;
                held = 0;
                continue;
            }
            _ => continue,
        };
        bits = (bits << 6) | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    out
}

/// Encodes in lines of 76 characters.
pub(crate) fn to_base64(data: &[u8]) -> Vec<u8> {
    const BYTES_A_LINE: usize = 57;
    let mut out = Vec::with_capacity(data.len() / 3 * 4 + data.len() / 28 + 8);
    for line in data.chunks(BYTES_A_LINE) {
        out.extend_from_slice(BASE64.encode(line).as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    out
}

/// Decodes quoted-printable; `=` that escapes nothing stays as it is.
pub(crate) fn quoted_printable(input: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(input.len());
    let mut at = 0;
    while at < input.len() {
        if input[at] != b'=' {
            out.push(input[at]);
            at += 1;
            continue;
        }
        let rest = &input[at + 1..];
        if let Some(byte) = hex_pair(rest) {
            out.push(byte);
            at += 3;
            continue;
        }
        let blanks = rest
            .iter()
            .take_while(|byte| **byte == b' ' || **byte == b'\t')
            .count();
        match &rest[blanks..] {
            [b'\r', b'\n', ..] => at += blanks + 3,
            [b'\n', ..] => at += blanks + 2,
            [] => at = input.len(),
            _ => {
                out.push(b'=');
                at += 1;
            }
        }
    }
    out
}

/// Decodes the first `begin … end` block of uuencoded data.
pub(crate) fn uuencode(input: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(input.len() * 3 / 4);
    let mut inside = false;
    for line in input.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if !inside {
            inside = line.starts_with(b"begin ");
            continue;
        }
        if line == b"end" {
            break;
        }
        let Some((length, data)) = line.split_first() else {
            continue;
        };
        let wanted = usize::from(length.wrapping_sub(b' ') & 0x3F);
        let before = out.len();
        for group in data.chunks(4) {
            let six = |at: usize| {
                u32::from(
                    group
                        .get(at)
                        .map_or(0, |byte| byte.wrapping_sub(b' ') & 0x3F),
                )
            };
            let bits = six(0) << 18 | six(1) << 12 | six(2) << 6 | six(3);
            out.extend_from_slice(&[(bits >> 16) as u8, (bits >> 8) as u8, bits as u8]);
        }
        out.truncate(before + wanted.min(out.len() - before));
    }
    out
}

/// Decodes `%41` escapes of RFC 2231; a `%` that escapes nothing stays.
pub(crate) fn percent(input: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(input.len());
    let mut at = 0;
    while at < input.len() {
        match (input[at], hex_pair(&input[at + 1..])) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 3;
            }
            (byte, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}

fn hex_pair(bytes: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    match bytes {
        [high, low, ..] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_survives_line_ends_stray_characters_and_a_missing_end() {
        assert_eq!(base64(b"8NLJ\r\n18XU"), b"\xF0\xD2\xC9\xD7\xC5\xD4");
        assert_eq!(base64(b"aGVs*bG8=!"), b"hello");
        assert_eq!(base64(b"aGVsbG"), b"hell");
        assert_eq!(base64(b"aGk=aGk="), b"hihi");
    }

    #[test]
    fn base64_is_written_in_short_lines_and_read_back() {
        let data: Vec<u8> = (0..=255).collect();
        let written = to_base64(&data);
        assert!(
            written
                .split(|byte| *byte == b'\n')
                .all(|line| line.len() <= 77)
        );
        assert_eq!(base64(&written), data);
    }

    #[test]
    fn quoted_printable_joins_soft_breaks_and_keeps_a_lone_equals_sign() {
        assert_eq!(
            quoted_printable(b"=D0=9F=\r\n=d1=80=  \n!"),
            "Пр!".as_bytes()
        );
        assert_eq!(quoted_printable(b"a=b=ZZ="), b"a=b=ZZ");
    }

    #[test]
    fn uuencoded_data_is_decoded() {
        assert_eq!(uuencode(b"begin 644 a.txt\n#0V%T\n`\nend\n"), b"Cat");
    }

    #[test]
    fn percent_escapes_are_decoded() {
        assert_eq!(percent(b"%D0%90.pdf%"), "А.pdf%".as_bytes());
    }
}
