//! The header block of a mail or of a part: split, unfolded, looked up by name. Values stay bytes until somebody asks for text.

use super::words;

/// Header bytes beyond this are not read.
pub(crate) const LONGEST_BLOCK: usize = 256 * 1024;

/// One field: the name as written and the unfolded value as bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) value: Vec<u8>,
}

/// The fields of a block in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Headers {
    fields: Vec<Field>,
}

/// A block and where what follows it begins.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) headers: Headers,
    pub(crate) body_at: usize,
    /// Some of the block was not read because it is longer than [`LONGEST_BLOCK`].
    pub(crate) cut: bool,
}

impl Headers {
    /// Wraps fields that came some other way than as a block (a webhook's list).
    pub(crate) fn from_fields(fields: Vec<Field>) -> Self {
        Self { fields }
    }

    pub(crate) fn into_fields(self) -> Vec<Field> {
        self.fields
    }

    /// The first field of that name, as bytes.
    pub(crate) fn raw<'a>(&'a self, name: &'a str) -> Option<&'a [u8]> {
        self.all_raw(name).next()
    }

    /// Every field of that name in order, as bytes.
    pub(crate) fn all_raw<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.fields
            .iter()
            .filter(move |field| field.name.eq_ignore_ascii_case(name))
            .map(|field| field.value.as_slice())
    }

    /// The first field of that name, decoded and trimmed.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.raw(name)
            .map(|value| words::decode(value).trim().to_owned())
    }

    /// Whether a field of that name is there, with whatever value.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.raw(name).is_some()
    }

    /// The fields in order.
    pub(crate) fn fields(&self) -> &[Field] {
        &self.fields
    }
}

/// Reads the block at the start of `raw` up to the first empty line. Lines that are no fields are passed over; input that has
/// no field at all is all body.
pub(crate) fn read(raw: &[u8]) -> Block {
    read_until(raw, |_| false)
}

/// Reads a block as [`read`] does, and ends it before a line that `stop` names as well.
pub(crate) fn read_until(raw: &[u8], stop: impl Fn(&[u8]) -> bool) -> Block {
    let mut fields: Vec<Field> = Vec::new();
    let mut at = 0;
    let mut cut = false;
    let mut body_at = raw.len();
    while at < raw.len() {
        let end = raw[at..]
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(raw.len(), |newline| at + newline + 1);
        let line = trim_line_end(&raw[at..end]);
        if line.is_empty() {
            body_at = end;
            break;
        }
        if stop(line) {
            body_at = at;
            break;
        }
        if end > LONGEST_BLOCK {
            cut = true;
        } else if line[0] == b' ' || line[0] == b'\t' {
            if let Some(field) = fields.last_mut() {
                field.value.extend_from_slice(line);
            }
        } else if let Some(field) = field(line) {
            fields.push(field);
        }
        at = end;
    }
    if fields.is_empty() {
        body_at = if raw.starts_with(b"\r\n") {
            2
        } else if raw.starts_with(b"\n") {
            1
        } else {
            0
        };
    }
    Block {
        headers: Headers { fields },
        body_at,
        cut,
    }
}

fn field(line: &[u8]) -> Option<Field> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let name = line[..colon].trim_ascii_end();
    if name.is_empty() || !name.iter().all(u8::is_ascii_graphic) {
        return None;
    }
    Some(Field {
        name: String::from_utf8_lossy(name).into_owned(),
        value: line[colon + 1..].trim_ascii().to_vec(),
    })
}

fn trim_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_fields_are_joined_and_found_whatever_their_case() {
        let block = read(b"Subject: one\r\n two\r\nX-A: 1\r\nx-a: 2\r\n\r\nbody");
        assert_eq!(block.headers.text("SUBJECT").as_deref(), Some("one two"));
        assert_eq!(
            block.headers.all_raw("X-A").collect::<Vec<_>>(),
            [b"1", b"2"]
        );
        assert_eq!(block.body_at, 38);
    }

    #[test]
    fn an_mbox_line_and_rubbish_are_passed_over() {
        let block = read(b"From asem@client.kz Wed Mar  4\nSubject: a\nrubbish\nTo: b\n\nx");
        assert_eq!(block.headers.text("to").as_deref(), Some("b"));
        assert_eq!(block.headers.fields().len(), 2);
    }

    #[test]
    fn text_without_any_field_is_all_body() {
        assert_eq!(read(b"hello\nthere\n\nyou").body_at, 0);
        assert_eq!(read(b"\r\nbody").body_at, 2);
        assert_eq!(read(b"").body_at, 0);
    }

    #[test]
    fn a_block_beyond_the_limit_is_cut_and_the_body_is_still_found() {
        let mut raw = b"Subject: a\r\n".to_vec();
        raw.extend(b"X-Filler: 0123456789012345678901234567890123456789\r\n".repeat(8000));
        raw.extend(b"\r\nbody");
        let block = read(&raw);
        assert!(block.cut);
        assert_eq!(&raw[block.body_at..], b"body");
        assert_eq!(block.headers.text("Subject").as_deref(), Some("a"));
    }
}
