//! Encoded words of RFC 2047 in header values, as senders really write them: split inside a letter, inside quotes,
//! with spaces in them, or not encoded at all.

use super::{charset, transfer};

/// An encoded word longer than this is taken literally; it also bounds the search for the end of one.
const LONGEST: usize = 4096;

/// A stretch of decoded bytes waiting for its neighbours before it becomes text.
struct Run {
    charset: Option<String>,
    bytes: Vec<u8>,
}

/// Decodes a header value. Neighbouring words of one charset are joined as bytes first, because some mailers cut a letter in two.
pub(crate) fn decode(value: &[u8]) -> String {
    let mut runs: Vec<Run> = Vec::new();
    let mut at = 0;
    let mut literal = 0;
    while at < value.len() {
        let Some((charset, bytes, length)) = word(&value[at..]) else {
            at += 1;
            continue;
        };
        let between = &value[literal..at];
        let adjacent = between.iter().all(u8::is_ascii_whitespace)
            && runs.last().is_some_and(|run| run.charset.is_some());
        if !adjacent && !between.is_empty() {
            runs.push(Run {
                charset: None,
                bytes: between.to_vec(),
            });
        }
        match runs.last_mut() {
            Some(run) if adjacent && run.charset.as_deref() == Some(&charset) => {
                run.bytes.extend_from_slice(&bytes)
            }
            _ => runs.push(Run {
                charset: Some(charset),
                bytes,
            }),
        }
        at += length;
        literal = at;
    }
    if literal < value.len() {
        runs.push(Run {
            charset: None,
            bytes: value[literal..].to_vec(),
        });
    }
    runs.iter()
        .map(|run| charset::decode(&run.bytes, run.charset.as_deref()))
        .collect()
}

/// Reads one `=?charset?q?text?=` at the start of `input`: charset, decoded bytes, length consumed.
fn word(input: &[u8]) -> Option<(String, Vec<u8>, usize)> {
    let inner = input.strip_prefix(b"=?")?;
    let charset_end = inner.iter().take(64).position(|byte| *byte == b'?')?;
    let charset = &inner[..charset_end];
    if charset.is_empty() || charset.iter().any(u8::is_ascii_whitespace) {
        return None;
    }
    let encoding = inner.get(charset_end + 1)?;
    if inner.get(charset_end + 2) != Some(&b'?') {
        return None;
    }
    let text_start = charset_end + 3;
    let text = &inner[text_start..inner.len().min(text_start + LONGEST)];
    let text_end = text.windows(2).position(|pair| pair == b"?=")?;
    let text = &text[..text_end];
    let bytes = match encoding {
        b'B' | b'b' => transfer::base64(text),
        b'Q' | b'q' => {
            let spaced: Vec<u8> = text
                .iter()
                .map(|byte| if *byte == b'_' { b' ' } else { *byte })
                .collect();
            transfer::quoted_printable(&spaced)
        }
        _ => return None,
    };
    // RFC 2231 lets a language follow the charset after a star.
    let label = charset
        .split(|byte| *byte == b'*')
        .next()
        .unwrap_or_default();
    let label = String::from_utf8_lossy(label).to_ascii_lowercase();
    Some((label, bytes, 2 + text_start + text_end + 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_encodings_are_decoded() {
        assert_eq!(decode(b"=?koi8-r?B?8NLJ18XU?="), "Привет");
        assert_eq!(decode(b"=?UTF-8?q?=D0=9F=D1=80=D0=B8_hello?="), "При hello");
        assert_eq!(
            decode(b"=?windows-1251?B?wPHl7A==?= <asem@client.kz>"),
            "Асем <asem@client.kz>"
        );
    }

    #[test]
    fn whitespace_between_encoded_words_disappears_and_elsewhere_stays() {
        assert_eq!(
            decode(b"=?utf-8?B?0KLQtdGB?=\r\n =?utf-8?B?0YI=?= ok =?utf-8?Q?!?="),
            "Тест ok !"
        );
    }

    #[test]
    fn a_letter_split_between_two_words_is_joined() {
        assert_eq!(decode(b"=?utf-8?B?0KLQtdGB0Q==?= =?utf-8?B?gg==?="), "Тест");
    }

    #[test]
    fn words_inside_quotes_and_with_spaces_and_languages_are_decoded() {
        assert_eq!(decode(b"\"=?utf-8?B?0JDQutGC?=.pdf\""), "\"Акт.pdf\"");
        assert_eq!(decode(b"=?utf-8*ru?Q?=D0=90 b?="), "А b");
    }

    #[test]
    fn raw_eight_bit_headers_are_detected() {
        let raw = encoding_rs::WINDOWS_1251
            .encode("Не печатает касса")
            .0
            .into_owned();
        assert_eq!(decode(&raw), "Не печатает касса");
        assert_eq!(decode("Сәлем".as_bytes()), "Сәлем");
    }

    #[test]
    fn what_is_not_an_encoded_word_stays() {
        for text in [
            "=?",
            "=?utf-8?X?abc?=",
            "=?utf-8?B?abc",
            "a =?= b",
            "1 =? 2 ?=",
        ] {
            assert_eq!(decode(text.as_bytes()), text);
        }
    }

    #[test]
    fn a_header_full_of_openings_takes_linear_time() {
        let hostile = b"=?a?b?x".repeat(30_000);
        assert_eq!(decode(&hostile).len(), hostile.len());
    }
}
