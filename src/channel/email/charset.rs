//! Bytes of mail to text: declared charsets, wrong ones, missing ones, and the two Kazakh tables the web standard lacks.
//! Transfer encodings and encoded words are undone before bytes arrive here.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, WINDOWS_1251, WINDOWS_1252};

/// What a declared charset label means to us.
enum Declared {
    /// A label that mailers write when they do not know: worth nothing against the bytes themselves.
    Unknown,
    /// ISO-8859-1 and its kin: believed only while the bytes do not look like something else.
    Western,
    Utf8,
    Utf7,
    /// windows-1251 with some positions replaced.
    Kazakh(&'static [(u8, char)]),
    Known(&'static Encoding),
}

/// Kazakhstan's STRK 1048-2002, as differences from windows-1251.
const KZ_1048: &[(u8, char)] = &[
    (0x8D, 'Қ'),
    (0x8E, 'Һ'),
    (0x9D, 'қ'),
    (0x9E, 'һ'),
    (0xA1, 'Ұ'),
    (0xA2, 'ұ'),
    (0xA3, 'Ә'),
    (0xA5, 'Ө'),
    (0xAA, 'Ғ'),
    (0xAF, 'Ү'),
    (0xB4, 'ө'),
    (0xBA, 'ғ'),
    (0xBC, 'ә'),
    (0xBD, 'Ң'),
    (0xBE, 'ң'),
    (0xBF, 'ү'),
];

/// ParaType's PT154 for Cyrillic of Asia, as differences from windows-1251.
const PT_154: &[(u8, char)] = &[
    (0x80, 'Җ'),
    (0x81, 'Ғ'),
    (0x82, 'Ӯ'),
    (0x83, 'ғ'),
    (0x86, 'Ҷ'),
    (0x87, 'Ү'),
    (0x88, 'Ҳ'),
    (0x89, 'ү'),
    (0x8A, 'Ҡ'),
    (0x8B, 'Ӣ'),
    (0x8C, 'Ң'),
    (0x8D, 'Қ'),
    (0x8E, 'Һ'),
    (0x8F, 'Ҹ'),
    (0x90, 'җ'),
    (0x98, 'ҳ'),
    (0x99, 'ҷ'),
    (0x9A, 'ҡ'),
    (0x9B, 'ӣ'),
    (0x9C, 'ң'),
    (0x9D, 'қ'),
    (0x9E, 'һ'),
    (0x9F, 'ҹ'),
    (0xA4, 'Ө'),
    (0xA5, 'Ҙ'),
    (0xA6, 'Ұ'),
    (0xAA, 'Ә'),
    (0xAD, 'ӯ'),
    (0xAF, 'Ҝ'),
    (0xB1, 'ұ'),
    (0xB4, 'ҙ'),
    (0xB5, 'ө'),
    (0xBA, 'ә'),
    (0xBD, 'Ҫ'),
    (0xBE, 'ҫ'),
    (0xBF, 'ҝ'),
];

/// Turns bytes into text, believing `label` as far as the bytes allow. Never fails; NUL does not survive.
pub(crate) fn decode(bytes: &[u8], label: Option<&str>) -> String {
    let text = match declared(label.unwrap_or_default()) {
        Declared::Known(encoding) => encoding.decode(bytes).0.into_owned(),
        Declared::Kazakh(differences) => kazakh(bytes, differences),
        Declared::Utf7 => utf7(bytes),
        Declared::Utf8 | Declared::Unknown => {
            honest_utf8(bytes).unwrap_or_else(|| detected(bytes, Some(b"ru")))
        }
        Declared::Western => honest_utf8(bytes).unwrap_or_else(|| detected(bytes, None)),
    };
    if text.contains('\0') {
        text.replace('\0', "")
    } else {
        text
    }
}

/// The text when the bytes are UTF-8 through and through, or start with a byte order mark that says what they are.
fn honest_utf8(bytes: &[u8]) -> Option<String> {
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return Some(encoding.decode(bytes).0.into_owned());
    }
    std::str::from_utf8(bytes).ok().map(str::to_owned)
}

/// Bytes from the first that is not ASCII by which a charset is guessed.
const SAMPLE: usize = 64 * 1024;

fn detected(bytes: &[u8], hint: Option<&[u8]>) -> String {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    let foreign = bytes.iter().position(|byte| !byte.is_ascii()).unwrap_or(0);
    let sample = &bytes[foreign..bytes.len().min(foreign + SAMPLE)];
    detector.feed(sample, true);
    let guess = detector.guess(hint, Utf8Detection::Allow);
    // Mostly UTF-8 with a broken byte (a cut text) beats a guess that turns every letter into two.
    let lossy = String::from_utf8_lossy(bytes);
    let broken = lossy
        .chars()
        .filter(|c| *c == char::REPLACEMENT_CHARACTER)
        .count();
    let foreign = lossy.chars().filter(|c| !c.is_ascii()).count();
    if guess == UTF_8 || broken * 8 < foreign {
        return lossy.into_owned();
    }
    guess.decode_without_bom_handling(bytes).0.into_owned()
}

fn declared(label: &str) -> Declared {
    let label = label
        .trim_matches(|c: char| c.is_whitespace() || c == '"' || c == '\'')
        .split([';', ' ', '\t', '"'])
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    match label.as_str() {
        "" | "default" | "x-unknown" | "unknown-8bit" | "unknown" | "8bit" | "binary" | "ansi" => {
            Declared::Unknown
        }
        "utf-8" | "utf8" | "unicode-1-1-utf-8" | "x-utf-8" | "cp65001" | "utf8mb4" => {
            Declared::Utf8
        }
        "utf-7" | "utf7" | "unicode-1-1-utf-7" | "x-unicode-2-0-utf-7" => Declared::Utf7,
        "kz-1048" | "kz1048" | "strk1048-2002" | "strk-1048-2002" | "rk1048" => {
            Declared::Kazakh(KZ_1048)
        }
        "pt154" | "ptcp154" | "cp154" | "csptcp154" | "cyrillic-asian" => Declared::Kazakh(PT_154),
        "win-1251" | "win1251" | "cp-1251" | "ansi-1251" | "1251" => Declared::Known(WINDOWS_1251),
        "koi8r" => Declared::Known(encoding_rs::KOI8_R),
        "koi8u" => Declared::Known(encoding_rs::KOI8_U),
        "cp949" | "ms949" => Declared::Known(encoding_rs::EUC_KR),
        "cp936" => Declared::Known(encoding_rs::GB18030),
        "cp932" => Declared::Known(encoding_rs::SHIFT_JIS),
        _ => match Encoding::for_label(label.as_bytes()) {
            Some(encoding) if encoding == WINDOWS_1252 => Declared::Western,
            Some(encoding) if encoding == UTF_8 => Declared::Utf8,
            Some(encoding) if encoding == encoding_rs::REPLACEMENT => Declared::Unknown,
            Some(encoding) => Declared::Known(encoding),
            None => Declared::Unknown,
        },
    }
}

fn kazakh(bytes: &[u8], differences: &[(u8, char)]) -> String {
    let mut table: [char; 128] = ['\u{FFFD}'; 128];
    let high: Vec<u8> = (0x80..=0xFF).collect();
    for (slot, letter) in table
        .iter_mut()
        .zip(WINDOWS_1251.decode_without_bom_handling(&high).0.chars())
    {
        *slot = letter;
    }
    for (byte, letter) in differences {
        table[usize::from(byte & 0x7F)] = *letter;
    }
    bytes
        .iter()
        .map(|byte| {
            if byte.is_ascii() {
                char::from(*byte)
            } else {
                table[usize::from(byte & 0x7F)]
            }
        })
        .collect()
}

/// RFC 2152. What does not decode stays as it was written.
fn utf7(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(plus) = rest.iter().position(|byte| *byte == b'+') {
        out.push_str(&String::from_utf8_lossy(&rest[..plus]));
        let run = &rest[plus + 1..];
        let length = run
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'+' || **byte == b'/')
            .count();
        let closed = run.get(length) == Some(&b'-');
        if length == 0 {
            out.push('+');
        } else {
            let units: Vec<u16> = super::transfer::base64(&run[..length])
                .chunks_exact(2)
                .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
                .collect();
            out.push_str(&String::from_utf16_lossy(&units));
        }
        rest = &run[length + usize::from(closed)..];
    }
    out.push_str(&String::from_utf8_lossy(rest));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(text: &str, label: &str) -> Vec<u8> {
        Encoding::for_label(label.as_bytes())
            .unwrap()
            .encode(text)
            .0
            .into_owned()
    }

    #[test]
    fn declared_cyrillic_charsets_are_believed() {
        for label in [
            "koi8-r",
            "windows-1251",
            "ibm866",
            "x-mac-cyrillic",
            "iso-8859-5",
        ] {
            assert_eq!(
                decode(&encoded("Привет", label), Some(label)),
                "Привет",
                "{label}"
            );
        }
    }

    #[test]
    fn labels_are_read_as_mailers_write_them() {
        let bytes = encoded("Принтер", "windows-1251");
        for label in [
            "\"windows-1251\"",
            " CP1251 ",
            "win-1251",
            "windows-1251; format=flowed",
            "x-cp1251",
        ] {
            assert_eq!(decode(&bytes, Some(label)), "Принтер", "{label}");
        }
    }

    #[test]
    fn kazakh_letters_come_out_of_kz_1048_and_pt154() {
        let kz = [0x8D, 0xE0, 0xE7, 0xE0, 0x9D, 0x20, 0xA3, 0xBC, 0xBE];
        assert_eq!(decode(&kz, Some("KZ-1048")), "Қазақ Әәң");
        assert_eq!(
            decode(
                &[0x8D, 0xE0, 0xE7, 0xE0, 0x9D, 0x20, 0xAA, 0xBA, 0x9C],
                Some("PT154")
            ),
            "Қазақ Әәң"
        );
    }

    #[test]
    fn utf8_declared_as_latin_is_still_utf8() {
        assert_eq!(decode("Сәлем".as_bytes(), Some("iso-8859-1")), "Сәлем");
        assert_eq!(decode("Сәлем".as_bytes(), Some("us-ascii")), "Сәлем");
    }

    #[test]
    fn cyrillic_without_or_with_a_wrong_charset_is_recognised() {
        let text = "Не печатает принтер в бухгалтерии, помогите пожалуйста";
        for real in ["windows-1251", "koi8-r"] {
            for said in [None, Some("utf-8"), Some("iso-8859-1"), Some("x-unknown")] {
                assert_eq!(
                    decode(&encoded(text, real), said),
                    text,
                    "{real} said {said:?}"
                );
            }
        }
    }

    #[test]
    fn short_undeclared_cyrillic_is_recognised() {
        assert_eq!(decode(&encoded("Принтер", "windows-1251"), None), "Принтер");
        assert_eq!(
            decode(&encoded("Здравствуйте", "koi8-r"), None),
            "Здравствуйте"
        );
    }

    #[test]
    fn western_text_stays_western() {
        let text = "Le café près de l'église est fermé à midi";
        assert_eq!(
            decode(&encoded(text, "windows-1252"), Some("iso-8859-1")),
            text
        );
    }

    #[test]
    fn a_cut_utf8_text_loses_only_its_last_letter() {
        let whole = "Не печатает принтер, ошибка 13";
        let mut bytes = whole.as_bytes().to_vec();
        bytes.extend_from_slice(&"я".as_bytes()[..1]);
        assert!(decode(&bytes, Some("utf-8")).starts_with(whole));
    }

    #[test]
    fn utf7_is_decoded() {
        assert_eq!(
            decode(b"+BB8EQAQ4BDIENQRC-, 1 +- 1", Some("utf-7")),
            "Привет, 1 + 1"
        );
    }

    #[test]
    fn nul_does_not_survive() {
        assert_eq!(decode(b"a\0b", Some("us-ascii")), "ab");
    }
}
