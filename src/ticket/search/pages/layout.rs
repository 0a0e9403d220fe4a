//! How FTS5 lays out its pages; told at the top of SQLite's `fts5_index.c`. What is not laid out so is `None`. Pure.

/// How the record that lists the parts of an index like ours begins, after its first number.
const WITH_ORIGINS: [u8; 4] = [0xff, 0, 0, 1];
/// The bits of the number of a page within its part.
const PAGES: u32 = 31;
/// Words of up to so many letters have an index of their own of every beginning.
const LETTERS: usize = 7;

/// A part of the index: its words in order on pages that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) id: i64,
    pub(super) first: i64,
    pub(super) last: i64,
    /// How many pages of deleted documents it has.
    pub(super) deleted: i64,
}

/// The next number, and where it ends: seven bits a byte, the highest first, and all eight of a ninth.
pub(super) fn varint(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let mut value = 0;
    for (n, byte) in bytes.get(at..)?.iter().take(9).enumerate() {
        if n == 8 {
            return Some((value << 8 | u64::from(*byte), at + 9));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if *byte < 0x80 {
            return Some((value, at + n + 1));
        }
    }
    None
}

fn number(bytes: &[u8], at: &mut usize) -> Option<i64> {
    let (value, end) = varint(bytes, *at)?;
    *at = end;
    i64::try_from(value).ok()
}

/// The parts that a record lists.
pub(super) fn parts_of(record: &[u8]) -> Option<Vec<Part>> {
    if record.get(4..8)? != WITH_ORIGINS {
        return None;
    }
    let mut at = 8;
    let mut next = || number(record, &mut at);
    let (levels, many, _writes) = (next()?, next()?, next()?);
    let mut parts = Vec::new();
    for _ in 0..levels {
        let (_merged, own) = (next()?, next()?);
        for _ in 0..own {
            let (id, first, last) = (next()?, next()?, next()?);
            let (_oldest, _newest, deleted, _dead, _alive) =
                (next()?, next()?, next()?, next()?, next()?);
            let is_known = id >> 16 == 0 && first <= last && (last | deleted) >> PAGES == 0;
            is_known.then_some(())?;
            parts.push(Part {
                id,
                first,
                last,
                deleted,
            });
        }
    }
    (parts.len() == usize::try_from(many).ok()?).then_some(parts)
}

/// A word as the index has it: which of its indices, then the letters.
pub(super) fn term(word: &str) -> Vec<u8> {
    let letters = word.chars().count();
    let index = if letters > LETTERS { 0 } else { letters };
    let mut term = vec![b'0'.wrapping_add(u8::try_from(index).unwrap_or(0))];
    term.extend(word.bytes());
    term
}

/// The least that comes after everything that begins so. No letter is a byte of only ones.
pub(super) fn beyond(term: &[u8]) -> Vec<u8> {
    let mut beyond = term.to_vec();
    if let Some(last) = beyond.last_mut() {
        *last = last.saturating_add(1);
    }
    beyond
}

/// A page: where its words begin, and where they end.
pub(super) struct Leaf<'a> {
    pub(super) bytes: &'a [u8],
    words: Vec<usize>,
}

impl<'a> Leaf<'a> {
    pub(super) fn read(block: &'a [u8]) -> Option<Leaf<'a>> {
        let end = usize::from(u16::from_be_bytes([*block.get(2)?, *block.get(3)?]));
        let bytes = block.get(..end)?;
        let (mut words, mut at, mut place) = (Vec::new(), end, 0);
        while at < block.len() {
            place = usize::try_from(number(block, &mut at)?)
                .ok()?
                .checked_add(place)?;
            words.push(place);
        }
        Some(Leaf { bytes, words })
    }

    /// Where the documents of the word before it end.
    pub(super) fn head(&self) -> usize {
        self.words.first().copied().unwrap_or(self.bytes.len())
    }

    /// Each word with the bytes of its documents. A word is written as what it shares with the one before, and the rest.
    pub(super) fn each(&self, mut see: impl FnMut(&[u8], &'a [u8]) -> Option<()>) -> Option<()> {
        let mut word: Vec<u8> = Vec::new();
        for (n, start) in self.words.iter().enumerate() {
            let mut at = *start;
            let shared = match n {
                0 => 0,
                _ => usize::try_from(number(self.bytes, &mut at)?).ok()?,
            };
            let rest = usize::try_from(number(self.bytes, &mut at)?).ok()?;
            word.truncate(shared);
            word.extend(self.bytes.get(at..at.checked_add(rest)?)?);
            let end = self.words.get(n + 1).copied().unwrap_or(self.bytes.len());
            see(&word, self.bytes.get(at + rest..end)?)?;
        }
        Some(())
    }
}

/// Documents of one page and word: the first number, then differences. A difference of naught would mark one as deleted, as
/// this kind of index never does.
pub(super) fn documents(bytes: &[u8], mut see: impl FnMut(i64)) -> Option<()> {
    let (mut rest, mut key) = (bytes, 0_i64);
    while let [byte, after @ ..] = rest {
        let high = u64::from(*byte & 0x7f);
        // Nearly all take up to three bytes, and there may be millions of them.
        let (step, after) = match after {
            _ if *byte < 0x80 => (high, after),
            [low, after @ ..] if *low < 0x80 => (high << 7 | u64::from(*low), after),
            [middle, low, after @ ..] if *low < 0x80 => {
                let middle = u64::from(*middle & 0x7f);
                (high << 14 | middle << 7 | u64::from(*low), after)
            }
            _ => {
                let (step, end) = varint(rest, 0)?;
                (step, rest.get(end..)?)
            }
        };
        if step == 0 {
            return None;
        }
        key = key.wrapping_add_unsigned(step);
        rest = after;
        see(key);
    }
    Some(())
}

/// The documents that a page of deleted ones holds: after eight bytes, places of four bytes or of eight, many of them empty.
pub(super) fn deleted(block: &[u8]) -> Option<impl Iterator<Item = i64>> {
    let width = if *block.first()? == 4 { 4 } else { 8 };
    let places = block.get(8..)?.chunks_exact(width);
    let key = |place: &[u8]| {
        let bytes = place.iter();
        bytes.fold(0_i64, |key, byte| key << 8 | i64::from(*byte))
    };
    Some(places.map(key).filter(|key| *key != 0))
}
