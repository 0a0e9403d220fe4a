//! Message ids out of `Message-ID`, `In-Reply-To` and `References`, which also hold comments, garbage and folded ids; and back
//! into them.

/// More ids than this in one field are not read, nor longer ones.
const MOST: usize = 500;
const LONGEST: usize = 500;

/// Ids kept in `References` after the first, and the header's longest value: relays refuse large header blocks.
const LAST_REFERENCES: usize = 20;
const LONGEST_REFERENCES: usize = 1500;

/// Every id in the value, in order, without angle brackets and without repeats.
pub(crate) fn list(raw: &[u8]) -> Vec<String> {
    let value = String::from_utf8_lossy(raw);
    let mut found: Vec<String> = Vec::new();
    let mut keep = |id: String| {
        if !id.is_empty() && id.len() <= LONGEST && found.len() < MOST && !found.contains(&id) {
            found.push(id);
        }
    };
    let mut rest = value.as_ref();
    let mut bracketed = false;
    while let Some(open) = rest.find('<') {
        let Some(close) = rest[open..].find('>') else {
            break;
        };
        let inner: String = rest[open + 1..open + close]
            .chars()
            .filter(|c| !c.is_whitespace() && !c.is_control())
            .collect();
        // An unclosed bracket swallows the next one: the id is what follows the last opening.
        keep(inner.rsplit('<').next().unwrap_or_default().to_owned());
        bracketed = true;
        rest = &rest[open + close + 1..];
    }
    if !bracketed {
        for word in value
            .split([' ', '\t', ',', ';'])
            .filter(|word| word.contains('@'))
        {
            keep(word.trim_matches(['<', '>', '"']).to_owned());
        }
    }
    found
}

/// The mail's own id, if it has one.
pub(crate) fn first(raw: &[u8]) -> Option<String> {
    let mut ids = list(raw);
    if ids.is_empty() {
        // A few devices write an id without an @ or brackets; it still identifies.
        let word = String::from_utf8_lossy(raw)
            .trim()
            .trim_matches(['<', '>'])
            .to_owned();
        return (!word.is_empty() && word.len() <= LONGEST && !word.contains(char::is_whitespace))
            .then_some(word);
    }
    Some(ids.swap_remove(0))
}

/// An id in brackets, if it is one that may stand in a header.
pub(crate) fn bracketed(id: &str) -> Option<String> {
    let id = id.trim().trim_matches(['<', '>']);
    let sound = !id.is_empty()
        && id.len() <= 500
        && id
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'<' && byte != b'>');
    sound.then(|| format!("<{id}>"))
}

/// The value of `References`: the first id and the last ones that fit, the parent being the very last.
pub(crate) fn chain(talk: &[String], parent: Option<&str>) -> String {
    let mut chain: Vec<String> = Vec::new();
    for id in talk
        .iter()
        .map(String::as_str)
        .chain(parent)
        .filter_map(bracketed)
    {
        chain.retain(|known| *known != id);
        chain.push(id);
    }
    let Some((first, later)) = chain.split_first() else {
        return String::new();
    };
    let mut room = LONGEST_REFERENCES.saturating_sub(first.len());
    let mut kept: Vec<&str> = Vec::new();
    for id in later.iter().rev().take(LAST_REFERENCES) {
        let Some(left) = room.checked_sub(id.len() + 1) else {
            break;
        };
        room = left;
        kept.push(id);
    }
    kept.push(first);
    kept.reverse();
    kept.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_between_comments_and_garbage() {
        assert_eq!(
            list(b"<a@x.kz> (Asem's message of Monday) <b@y.kz>,<a@x.kz>"),
            ["a@x.kz", "b@y.kz"]
        );
        assert_eq!(list(b"Your message of today <c@z.kz>"), ["c@z.kz"]);
        assert_eq!(list(b"<a@x.kz <b@y.kz>"), ["b@y.kz"]);
    }

    #[test]
    fn ids_without_brackets_and_folded_ids_are_read() {
        assert_eq!(
            list(b"tp.1042.88.3fa9@desk.example.kz"),
            ["tp.1042.88.3fa9@desk.example.kz"]
        );
        assert_eq!(
            list(b"<tp.1042.88.3fa9@desk .example.kz>"),
            ["tp.1042.88.3fa9@desk.example.kz"]
        );
        assert_eq!(list(b"nothing here"), Vec::<String>::new());
    }

    #[test]
    fn a_device_that_writes_no_at_sign_still_has_an_id() {
        assert_eq!(first(b"<scan-0001>").as_deref(), Some("scan-0001"));
        assert_eq!(first(b"scan-0001").as_deref(), Some("scan-0001"));
        assert_eq!(first(b"").as_deref(), None);
    }

    #[test]
    fn long_talks_keep_their_first_and_last_ids() {
        let talk: Vec<String> = (0..200)
            .map(|n| format!("id-{n}-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@mail.client.kz"))
            .collect();
        let value = chain(&talk, Some("last@client.kz"));
        assert!(value.len() <= LONGEST_REFERENCES);
        assert!(value.starts_with("<id-0-") && value.ends_with("<last@client.kz>"));
        assert_eq!(value.split(' ').count(), 1 + LAST_REFERENCES);
        assert_eq!(
            chain(
                &["a@x".to_owned(), "b c@x".to_owned(), "a@x".to_owned()],
                None
            ),
            "<a@x>"
        );
    }
}
