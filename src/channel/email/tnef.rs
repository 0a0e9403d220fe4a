//! What Outlook packs into `winmail.dat`: the files of a mail and its text, by [MS-OXTNEF]. Of an attribute that is cut short
//! what came before it is taken; whoever reads is told that something is missing.
use super::{charset, rtf};

/// The first four bytes of a stream.
const SIGNATURE: u32 = 0x223E_9F78;
/// Mails in mails, as deep as anybody looks.
const MOST_DEEP: usize = 4;
/// So many files, and so many properties of one thing, are more than a mail has.
const MOST_FILES: usize = 200;
const MOST_PROPERTIES: u32 = 4_096;

/// Attributes, by their tags.
mod attribute {
    pub(super) const CODE_PAGE: u32 = 0x0006_9007;
    pub(super) const BODY: u32 = 0x0002_800C;
    pub(super) const MESSAGE: u32 = 0x0006_9003;
    pub(super) const FILE_BEGINS: u32 = 0x0006_9002;
    pub(super) const FILE_TITLE: u32 = 0x0001_8010;
    pub(super) const FILE_DATA: u32 = 0x0006_800F;
    pub(super) const FILE: u32 = 0x0006_9005;
}

/// Properties, by their numbers.
mod property {
    pub(super) const BODY: u16 = 0x1000;
    pub(super) const RTF: u16 = 0x1009;
    pub(super) const HTML: u16 = 0x1013;
    pub(super) const CHARSET: u16 = 0x3FDE;
    pub(super) const DATA: u16 = 0x3701;
    pub(super) const NAME: u16 = 0x3704;
    pub(super) const LONG_NAME: u16 = 0x3707;
    pub(super) const MIME: u16 = 0x370E;
    pub(super) const CONTENT_ID: u16 = 0x3712;
}

/// A file that was packed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Packed {
    pub(super) name: Option<String>,
    pub(super) mime: Option<String>,
    pub(super) content_id: Option<String>,
    pub(super) data: Vec<u8>,
}

/// What a stream holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Unpacked {
    pub(super) plain: Option<String>,
    pub(super) html: Option<String>,
    pub(super) files: Vec<Packed>,
    /// Whether something is broken, so that the stream itself is worth keeping.
    pub(super) is_broken: bool,
}

/// Unpacks a stream, at most `room` bytes of it; `None` if it is none.
pub(super) fn unpack(stream: &[u8], room: usize) -> Option<Unpacked> {
    let mut room = room;
    level(stream, &mut room, 0)
}

fn level(stream: &[u8], room: &mut usize, depth: usize) -> Option<Unpacked> {
    let mut bytes = Bytes(stream);
    if bytes.u32()? != SIGNATURE {
        return None;
    }
    bytes.u16()?;
    let mut reader = Reader {
        found: Unpacked::default(),
        charset: None,
        is_own: false,
        room,
        depth,
    };
    while !bytes.0.is_empty() {
        if bytes.attribute(&mut reader).is_none() {
            reader.found.is_broken = true;
            break;
        }
    }
    Some(reader.found)
}

struct Reader<'a> {
    found: Unpacked,
    /// The charset of what is not Unicode.
    charset: Option<String>,
    /// Whether the body came as a property, which knows its charset.
    is_own: bool,
    room: &'a mut usize,
    depth: usize,
}

impl Reader<'_> {
    fn take(&mut self, tag: u32, data: &[u8]) {
        match tag {
            attribute::CODE_PAGE => {
                self.charset = Bytes(data).u32().map(label);
            }
            attribute::BODY if !self.is_own => {
                self.found.plain = Some(self.text(data));
            }
            attribute::MESSAGE => self.message(data),
            attribute::FILE_BEGINS if self.found.files.len() < MOST_FILES => {
                self.found.files.push(Packed::default());
            }
            attribute::FILE_BEGINS => self.found.is_broken = true,
            attribute::FILE_TITLE => {
                let name = self.text(data);
                if let Some(file) = self.found.files.last_mut() {
                    file.name.get_or_insert(name);
                }
            }
            attribute::FILE_DATA => {
                let kept = self.keep(data);
                if let Some(file) = self.found.files.last_mut() {
                    file.data = kept;
                }
            }
            attribute::FILE => self.file(data),
            _ => {}
        }
    }

    /// Text that is not Unicode.
    fn text(&self, data: &[u8]) -> String {
        let until = data
            .iter()
            .position(|byte| *byte == 0)
            .unwrap_or(data.len());
        charset::decode(&data[..until], self.charset.as_deref())
    }

    /// A copy, if there is room for it.
    fn keep(&mut self, data: &[u8]) -> Vec<u8> {
        if data.len() > *self.room {
            self.found.is_broken = true;
            return Vec::new();
        }
        *self.room -= data.len();
        data.to_vec()
    }

    fn message(&mut self, data: &[u8]) {
        let (properties, is_whole) = properties(data);
        self.found.is_broken |= !is_whole;
        let html_charset = properties
            .iter()
            .find(|found| found.id == property::CHARSET)
            .and_then(|found| Bytes(found.data).u32())
            .map(label);
        for found in properties {
            match found.id {
                property::BODY => {
                    self.found.plain = Some(self.string(&found));
                    self.is_own = true;
                }
                property::HTML => {
                    self.found.html = Some(match found.kind {
                        Kind::Unicode => self.string(&found),
                        _ => charset::decode(found.data, html_charset.as_deref()),
                    });
                }
                property::RTF if self.found.plain.is_none() => {
                    let text = rtf::decompress(found.data, *self.room).map(|rtf| rtf::text(&rtf));
                    self.found.is_broken |= text.is_none();
                    self.found.plain = text.filter(|text| !text.trim().is_empty());
                }
                _ => {}
            }
        }
    }

    fn file(&mut self, data: &[u8]) {
        let (properties, is_whole) = properties(data);
        self.found.is_broken |= !is_whole;
        for found in properties {
            let text = self.string(&found);
            let is_object = found.kind == Kind::Object && found.id == property::DATA;
            if is_object {
                self.embedded(found.data);
                continue;
            }
            let Some(file) = self.found.files.last_mut() else {
                return;
            };
            match found.id {
                property::LONG_NAME => file.name = Some(text),
                property::NAME => {
                    file.name.get_or_insert(text);
                }
                property::MIME => file.mime = Some(text),
                property::CONTENT_ID => file.content_id = Some(text),
                property::DATA if file.data.is_empty() => {
                    let kept = self.keep(found.data);
                    if let Some(file) = self.found.files.last_mut() {
                        file.data = kept;
                    }
                }
                _ => {}
            }
        }
    }

    /// A mail in the mail: its files are files of ours, its text is one.
    fn embedded(&mut self, data: &[u8]) {
        // An interface's name of 16 bytes, then a stream of its own.
        let inner = data
            .get(16..)
            .filter(|_| self.depth < MOST_DEEP)
            .and_then(|stream| level(stream, self.room, self.depth + 1));
        let Some(inner) = inner else {
            self.found.is_broken = true;
            return;
        };
        self.found.is_broken |= inner.is_broken;
        if let Some(file) = self.found.files.last_mut() {
            let (text, mime, ending) = match (inner.html, inner.plain) {
                (Some(html), _) => (html, "text/html", "html"),
                (None, plain) => (plain.unwrap_or_default(), "text/plain", "txt"),
            };
            let title = file.name.take().unwrap_or_else(|| "message".to_owned());
            file.name = Some(format!("{title}.{ending}"));
            file.mime = Some(mime.to_owned());
            file.data = text.into_bytes();
        }
        let left = MOST_FILES.saturating_sub(self.found.files.len());
        self.found.is_broken |= inner.files.len() > left;
        self.found.files.extend(inner.files.into_iter().take(left));
    }

    fn string(&self, found: &Property<'_>) -> String {
        match found.kind {
            Kind::Unicode => utf16(found.data),
            Kind::Bytes => self.text(found.data),
            Kind::Object | Kind::Number => String::new(),
        }
    }
}

/// How a charset is called that Windows numbers so.
pub(super) fn label(code_page: u32) -> String {
    match code_page {
        65_001 => "utf-8".to_owned(),
        866 => "ibm866".to_owned(),
        20_866 => "koi8-r".to_owned(),
        21_866 => "koi8-u".to_owned(),
        28_591..=28_605 => format!("iso-8859-{}", code_page - 28_590),
        932 => "shift_jis".to_owned(),
        936 => "gbk".to_owned(),
        949 => "euc-kr".to_owned(),
        950 => "big5".to_owned(),
        other => format!("windows-{other}"),
    }
}

fn utf16(data: &[u8]) -> String {
    let units: Vec<u16> = data
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .take_while(|unit| *unit != 0)
        .collect();
    String::from_utf16_lossy(&units)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Number,
    /// Bytes, or text that is not Unicode.
    Bytes,
    Unicode,
    Object,
}

#[derive(Debug)]
struct Property<'a> {
    id: u16,
    kind: Kind,
    data: &'a [u8],
}

/// The properties of a mail or a file, and whether they were read to their end.
fn properties(data: &[u8]) -> (Vec<Property<'_>>, bool) {
    let mut bytes = Bytes(data);
    let mut found = Vec::new();
    let Some(count) = bytes.u32().filter(|count| *count <= MOST_PROPERTIES) else {
        return (found, false);
    };
    for _ in 0..count {
        if bytes.property(&mut found).is_none() {
            return (found, false);
        }
    }
    (found, true)
}

/// What is not read yet, little-endian.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// Values stand at multiples of four bytes.
    fn padded(&mut self, count: usize) -> Option<&'a [u8]> {
        let taken = self.take(count)?;
        self.take(count.next_multiple_of(4) - count)?;
        Some(taken)
    }

    fn u16(&mut self) -> Option<u16> {
        let taken = self.take(2)?;
        Some(u16::from_le_bytes(taken.try_into().ok()?))
    }

    fn u32(&mut self) -> Option<u32> {
        let taken = self.take(4)?;
        Some(u32::from_le_bytes(taken.try_into().ok()?))
    }

    fn size(&mut self) -> Option<usize> {
        usize::try_from(self.u32()?).ok()
    }

    /// Level, tag, length, data, and a sum of the data that nothing here depends on.
    fn attribute(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        self.take(1)?;
        let tag = self.u32()?;
        let length = self.size()?;
        let data = self.take(length)?;
        reader.take(tag, data);
        self.u16()?;
        Some(())
    }

    fn property(&mut self, found: &mut Vec<Property<'a>>) -> Option<()> {
        const MANY: u16 = 0x1000;
        let (form, id) = (self.u16()?, self.u16()?);
        if id >= 0x8000 {
            self.take(16)?;
            match self.u32()? {
                0 => drop(self.u32()?),
                _ => {
                    let length = self.size()?;
                    self.padded(length)?;
                }
            }
        }
        let (fixed, kind) = match form & !MANY {
            0x02 | 0x0B | 0x03 | 0x04 | 0x0A => (Some(4), Kind::Number),
            0x05 | 0x06 | 0x07 | 0x14 | 0x40 => (Some(8), Kind::Number),
            0x48 => (Some(16), Kind::Number),
            0x1E | 0x102 => (None, Kind::Bytes),
            0x1F => (None, Kind::Unicode),
            0x0D => (None, Kind::Object),
            _ => return None,
        };
        // What has no fixed size says how many values it has, even if it may have but one.
        let values = match (fixed, form & MANY) {
            (Some(_), 0) => 1,
            _ => self.u32().filter(|values| *values <= MOST_PROPERTIES)?,
        };
        for at in 0..values {
            let data = match fixed {
                Some(size) => self.take(size)?,
                None => {
                    let length = self.size()?;
                    self.padded(length)?
                }
            };
            if at == 0 {
                found.push(Property { id, kind, data });
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn attribute(level: u8, tag: u32, data: &[u8]) -> Vec<u8> {
        let sum = data
            .iter()
            .fold(0u16, |sum, byte| sum.wrapping_add(u16::from(*byte)));
        [
            &[level][..],
            &tag.to_le_bytes(),
            &u32::try_from(data.len()).unwrap().to_le_bytes(),
            data,
            &sum.to_le_bytes(),
        ]
        .concat()
    }

    fn variable(form: u16, id: u16, data: &[u8]) -> Vec<u8> {
        let mut bytes = [form.to_le_bytes(), id.to_le_bytes()].concat();
        bytes.extend(1u32.to_le_bytes());
        bytes.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
        bytes.extend(data);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn many(list: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = u32::try_from(list.len()).unwrap().to_le_bytes().to_vec();
        bytes.extend(list.concat());
        bytes
    }

    fn wide(text: &str) -> Vec<u8> {
        text.encode_utf16()
            .chain([0])
            .flat_map(u16::to_le_bytes)
            .collect()
    }

    fn stream(attributes: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = SIGNATURE.to_le_bytes().to_vec();
        bytes.extend([1, 0]);
        bytes.extend(attributes.concat());
        bytes
    }

    fn sample() -> Vec<u8> {
        let code_page = [1251u32.to_le_bytes(), [0; 4]].concat();
        let title = encoding_rs::WINDOWS_1251.encode("Акт.doc\0").0.into_owned();
        let inner = stream(&[attribute(1, attribute::BODY, b"inside\0")]);
        let object = [&[7u8; 16][..], &inner].concat();
        stream(&[
            attribute(1, attribute::CODE_PAGE, &code_page),
            attribute(
                1,
                attribute::MESSAGE,
                &many(&[
                    [
                        &0x03u16.to_le_bytes()[..],
                        &property::CHARSET.to_le_bytes(),
                        &65_001u32.to_le_bytes(),
                    ]
                    .concat(),
                    variable(0x102, property::HTML, "<p>Привет</p>".as_bytes()),
                    variable(0x1F, property::BODY, &wide("Привет")),
                ]),
            ),
            attribute(2, attribute::FILE_BEGINS, &[0; 14]),
            attribute(2, attribute::FILE_TITLE, &title),
            attribute(2, attribute::FILE_DATA, b"first"),
            attribute(2, attribute::FILE_BEGINS, &[0; 14]),
            attribute(2, attribute::FILE_TITLE, b"SECOND~1.PNG\0"),
            attribute(2, attribute::FILE_DATA, b"second"),
            attribute(
                2,
                attribute::FILE,
                &many(&[
                    variable(0x1F, property::LONG_NAME, &wide("Екінші сурет.png")),
                    variable(0x1E, property::MIME, b"image/png\0"),
                    variable(0x1E, property::CONTENT_ID, b"a@b\0"),
                ]),
            ),
            attribute(2, attribute::FILE_BEGINS, &[0; 14]),
            attribute(
                2,
                attribute::FILE,
                &many(&[
                    variable(0x1F, property::LONG_NAME, &wide("Re: счёт")),
                    variable(0x0D, property::DATA, &object),
                ]),
            ),
        ])
    }

    #[test]
    fn files_and_texts_come_out_as_they_went_in() {
        let found = unpack(&sample(), 1_000).unwrap();
        assert!(!found.is_broken);
        assert_eq!(found.plain.as_deref(), Some("Привет"));
        assert_eq!(found.html.as_deref(), Some("<p>Привет</p>"));
        let files: Vec<_> = found
            .files
            .iter()
            .map(|file| {
                (
                    file.name.as_deref().unwrap(),
                    file.mime.as_deref(),
                    file.data.as_slice(),
                )
            })
            .collect();
        assert_eq!(
            files,
            [
                ("Акт.doc", None, &b"first"[..]),
                ("Екінші сурет.png", Some("image/png"), b"second"),
                ("Re: счёт.txt", Some("text/plain"), b"inside"),
            ]
        );
        assert_eq!(found.files[1].content_id.as_deref(), Some("a@b"));
    }

    #[test]
    fn what_breaks_off_or_does_not_fit_is_told() {
        let whole = sample();
        let cut = unpack(&whole[..whole.len() - 40], 1_000).unwrap();
        assert!(cut.is_broken);
        assert_eq!(cut.files[0].data, b"first");
        let small = unpack(&whole, 5).unwrap();
        assert!(small.is_broken);
        assert_eq!(
            (small.files[0].data.len(), small.files[1].data.len()),
            (5, 0)
        );
        assert_eq!(unpack(b"PK\x03\x04 no such stream", 1_000), None);
    }

    proptest! {
        #[test]
        fn any_stream_is_read(edits in proptest::collection::vec((0..600usize, any::<u8>()), 0..12), cut in 0..700usize) {
            let mut bytes = sample();
            for (at, byte) in edits {
                if let Some(place) = bytes.get_mut(at) {
                    *place = byte;
                }
            }
            bytes.truncate(cut);
            if let Some(found) = unpack(&bytes, 1_000) {
                let kept: usize = found.files.iter().map(|file| file.data.len()).sum();
                prop_assert!(kept <= 4_000);
            }
        }
    }
}
