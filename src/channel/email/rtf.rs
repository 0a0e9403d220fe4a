//! The text of RTF, as Outlook packs it: decompressed by [MS-OXRTFCP], and read without its looks.
use super::charset;

/// The first bytes of every dictionary, by the format's definition.
const DICTIONARY: &[u8] = b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";
const WINDOW: usize = 4_096;

/// The RTF of a packed property, at most `room` bytes; `None` if it is not one or does not fit.
pub(super) fn decompress(data: &[u8], room: usize) -> Option<Vec<u8>> {
    let number = |at: usize| Some(u32::from_le_bytes(data.get(at..at + 4)?.try_into().ok()?));
    let size = usize::try_from(number(4)?)
        .ok()
        .filter(|size| *size <= room)?;
    let packed = data.get(16..)?;
    match &number(8)?.to_le_bytes() {
        b"MELA" => packed.get(..size).map(<[u8]>::to_vec),
        b"LZFu" => inflate(packed, size),
        _ => None,
    }
}

/// Eight steps follow a byte of flags: a letter as it is, or a piece of the last 4,096 by place and length.
fn inflate(packed: &[u8], size: usize) -> Option<Vec<u8>> {
    let mut window = [b' '; WINDOW];
    window
        .get_mut(..DICTIONARY.len())?
        .copy_from_slice(DICTIONARY);
    let (mut at, mut output) = (DICTIONARY.len(), Vec::with_capacity(size));
    let mut input = packed.iter().copied();
    while output.len() < size {
        let flags = input.next()?;
        for bit in 0..8 {
            let (from, length) = if flags >> bit & 1 == 0 {
                *window.get_mut(at)? = input.next()?;
                (at, 1)
            } else {
                let pair = u16::from_be_bytes([input.next()?, input.next()?]);
                (usize::from(pair >> 4), usize::from(pair & 15) + 2)
            };
            // A piece at the place that is written next is the end.
            if length > 1 && from == at {
                return Some(output);
            }
            for step in 0..length {
                let byte = *window.get((from + step) % WINDOW)?;
                *window.get_mut(at)? = byte;
                at = (at + 1) % WINDOW;
                output.push(byte);
            }
            if output.len() >= size {
                break;
            }
        }
    }
    output.truncate(size);
    Some(output)
}

/// Groups that hold no text of the mail.
const ASIDE: [&str; 14] = [
    "fonttbl",
    "colortbl",
    "stylesheet",
    "info",
    "pict",
    "object",
    "header",
    "footer",
    "listtable",
    "rsidtbl",
    "themedata",
    "generator",
    "xmlnstbl",
    "latentstyles",
];

/// What holds inside a group and ends with it.
#[derive(Clone, Copy)]
struct Group {
    is_aside: bool,
    /// RTF beside HTML that stands in it as well.
    is_double: bool,
    /// How many letters stand for one that is written by its number.
    spare: usize,
}

/// The text without its looks. HTML that was put into RTF comes out as the text between its tags.
pub(super) fn text(rtf: &[u8]) -> String {
    let mut reader = Reader {
        rtf,
        at: 0,
        group: Group {
            is_aside: false,
            is_double: false,
            spare: 1,
        },
        outer: Vec::new(),
        charset: "windows-1252".to_owned(),
        bytes: Vec::new(),
        high: None,
        text: String::new(),
        skip: 0,
    };
    while reader.step().is_some() {}
    reader.settle();
    reader.text.trim().to_owned()
}

/// Groups in groups, as deep as they are followed.
const MOST_DEEP: usize = 256;

struct Reader<'a> {
    rtf: &'a [u8],
    at: usize,
    group: Group,
    outer: Vec<Group>,
    charset: String,
    /// Letters of the charset that are not text yet: some take two bytes.
    bytes: Vec<u8>,
    /// The first half of a letter that UTF-16 writes in two.
    high: Option<u16>,
    text: String,
    /// Letters still to be left out, for their number was read.
    skip: usize,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<u8> {
        let byte = *self.rtf.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn peek(&self) -> Option<u8> {
        self.rtf.get(self.at).copied()
    }

    fn step(&mut self) -> Option<()> {
        match self.next()? {
            b'{' => {
                if self.outer.len() >= MOST_DEEP {
                    return None;
                }
                self.outer.push(self.group);
            }
            b'}' => self.group = self.outer.pop()?,
            b'\\' => self.command()?,
            b'\r' | b'\n' => {}
            byte => self.letter(byte),
        }
        Some(())
    }

    fn letter(&mut self, byte: u8) {
        if self.skip > 0 {
            self.skip -= 1;
        } else if self.is_shown() {
            self.bytes.push(byte);
        }
    }

    fn is_shown(&self) -> bool {
        !self.group.is_aside && !self.group.is_double
    }

    /// Turns what was gathered into text.
    fn settle(&mut self) {
        if !self.bytes.is_empty() {
            let bytes = std::mem::take(&mut self.bytes);
            self.text
                .push_str(&charset::decode(&bytes, Some(&self.charset)));
        }
    }

    fn say(&mut self, letter: char) {
        if self.is_shown() {
            self.settle();
            self.text.push(letter);
        }
    }

    fn command(&mut self) -> Option<()> {
        let first = self.next()?;
        if !first.is_ascii_alphabetic() {
            match first {
                b'\'' => {
                    let digits = [self.next()?, self.next()?];
                    let code = std::str::from_utf8(&digits).ok()?;
                    if let Ok(byte) = u8::from_str_radix(code, 16) {
                        self.letter(byte);
                    }
                }
                b'~' => self.say('\u{a0}'),
                b'_' => self.say('-'),
                b'*' => self.group.is_aside = true,
                b'\\' | b'{' | b'}' => self.letter(first),
                _ => {}
            }
            return Some(());
        }
        let from = self.at - 1;
        while self.peek().is_some_and(|byte| byte.is_ascii_alphabetic()) {
            self.at += 1;
        }
        let word = std::str::from_utf8(self.rtf.get(from..self.at)?)
            .ok()?
            .to_owned();
        let from = self.at;
        while self
            .peek()
            .is_some_and(|byte| byte.is_ascii_digit() || (byte == b'-' && self.at == from))
        {
            self.at += 1;
        }
        let digits = std::str::from_utf8(self.rtf.get(from..self.at)?).ok()?;
        let number: Option<i64> = digits.parse().ok();
        if self.peek() == Some(b' ') {
            self.at += 1;
        }
        self.word(&word, number);
        Some(())
    }

    fn word(&mut self, word: &str, number: Option<i64>) {
        match word {
            "par" | "line" | "row" | "sect" | "page" => self.say('\n'),
            "tab" | "cell" => self.say('\t'),
            "emdash" => self.say('—'),
            "endash" => self.say('–'),
            "lquote" => self.say('‘'),
            "rquote" => self.say('’'),
            "ldblquote" => self.say('“'),
            "rdblquote" => self.say('”'),
            "bullet" => self.say('•'),
            "ansicpg" => {
                self.settle();
                let code_page = number.and_then(|n| u32::try_from(n).ok()).unwrap_or(1252);
                self.charset = super::tnef::label(code_page);
            }
            "htmlrtf" => self.group.is_double = number != Some(0),
            "uc" => self.group.spare = number.and_then(|n| usize::try_from(n).ok()).unwrap_or(1),
            "u" => self.by_number(number.unwrap_or_default()),
            "bin" => {
                self.at = self
                    .at
                    .saturating_add(number.and_then(|n| usize::try_from(n).ok()).unwrap_or(0))
            }
            aside if ASIDE.contains(&aside) => self.group.is_aside = true,
            _ => {}
        }
    }

    /// A letter by its number in UTF-16, which is written as a signed one.
    fn by_number(&mut self, number: i64) {
        self.skip = self.group.spare;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the format's own way of writing them"
        )]
        let unit = number as u16;
        if (0xD800..0xDC00).contains(&unit) {
            self.high = Some(unit);
            return;
        }
        let units = [self.high.take().unwrap_or_default(), unit];
        let units = if units[0] == 0 {
            &units[1..]
        } else {
            &units[..]
        };
        for letter in char::decode_utf16(units.iter().copied()) {
            self.say(letter.unwrap_or(char::REPLACEMENT_CHARACTER));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// [MS-OXRTFCP], 3.1: the example without and with a piece that overlaps itself.
    #[test]
    fn the_examples_of_the_format_are_read() {
        let simple = [
            0x2d, 0, 0, 0, 0x2b, 0, 0, 0, 0x4c, 0x5a, 0x46, 0x75, 0xf1, 0xc5, 0xc7, 0xa7, 0x03,
            0x00, 0x0a, 0x00, 0x72, 0x63, 0x70, 0x67, 0x31, 0x32, 0x35, 0x42, 0x32, 0x0a, 0xf3,
            0x20, 0x68, 0x65, 0x6c, 0x09, 0x00, 0x20, 0x62, 0x77, 0x05, 0xb0, 0x6c, 0x64, 0x7d,
            0x0a, 0x80, 0x0f, 0xa0,
        ];
        let rtf = decompress(&simple, 1_000).unwrap();
        assert_eq!(
            String::from_utf8_lossy(&rtf),
            "{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
        );
        assert_eq!(text(&rtf), "hello world");
        assert_eq!(decompress(&simple, 10), None);
        let crossing = [
            0x1a, 0, 0, 0, 0x1c, 0, 0, 0, 0x4c, 0x5a, 0x46, 0x75, 0xe2, 0xd4, 0x4b, 0x51, 0x41,
            0x00, 0x04, 0x20, 0x57, 0x58, 0x59, 0x5a, 0x0d, 0x6e, 0x7d, 0x01, 0x0e, 0xb0,
        ];
        let rtf = decompress(&crossing, 1_000).unwrap();
        assert_eq!(
            String::from_utf8_lossy(&rtf),
            "{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}"
        );
    }

    #[test]
    fn letters_are_read_in_their_charset_and_by_their_numbers() {
        let rtf = br"{\rtf1\ansi\ansicpg1251{\fonttbl{\f0 Arial;}}{\*\generator Msftedit;}\uc1\pard \'cf\'f0\'e8\'e2\'e5\'f2\par \u1179?\u-10179?\u-8704?\tab x\{y\}}";
        assert_eq!(text(rtf), "Привет\nқ😀\tx{y}");
    }

    #[test]
    fn html_in_rtf_is_its_text() {
        let rtf = br"{\rtf1\ansi\ansicpg1251\fromhtml1 {\*\htmltag64 <p>}\htmlrtf {\htmlrtf0 one{\*\htmltag72 </p>}\htmlrtf\par}\htmlrtf0\par two}";
        assert_eq!(text(rtf), "one\ntwo");
    }

    proptest! {
        #[test]
        fn anything_is_read(bytes in proptest::collection::vec(any::<u8>(), 0..300), words in "(\\\\[a-z]{1,6}-?[0-9]{0,3} ?|[{}a-z\\\\'])*") {
            let mut packed = vec![0, 0, 0, 0, 200, 0, 0, 0];
            packed.extend(b"LZFu\0\0\0\0");
            packed.extend(&bytes);
            if let Some(rtf) = decompress(&packed, 200) {
                prop_assert!(rtf.len() <= 217);
                text(&rtf);
            }
            text(&bytes);
            text(words.as_bytes());
        }
    }
}
