//! The search index: one document a message, holding its words and its ticket's subject. Word beginnings are found in any
//! letter case, with ё and е alike, in Russian, Kazakh and English.
pub(crate) mod pages;
pub(crate) mod shed;

use crate::{
    api::field::{TenantId, TicketId},
    db::sql::{all, run},
    error::Result,
};
use rusqlite::Connection;
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// The bits of a document's key that hold a message's ordinal.
const ORDINAL_BITS: u32 = 20;
/// The bits that hold ordinal and ticket together; the tenant is above them.
const TICKET_BITS: u32 = 48;

/// The words that a query may have; more do not make a search narrower.
const WORDS: usize = 16;

/// The key of a document: a range of keys is a tenant, a shift is a ticket.
pub(crate) const fn key(tenant: TenantId, ticket: TicketId, ordinal: i64) -> i64 {
    tenant.0 << TICKET_BITS | ticket.0 << ORDINAL_BITS | ordinal
}

/// The keys of a tenant's documents, from the first to the last.
pub(crate) const fn span_of(tenant: TenantId) -> (i64, i64) {
    (tenant.0 << TICKET_BITS, ((tenant.0 + 1) << TICKET_BITS) - 1)
}

/// The ticket of a document.
pub(crate) const fn ticket_of(key: i64) -> TicketId {
    TicketId(key >> ORDINAL_BITS & ((1 << (TICKET_BITS - ORDINAL_BITS)) - 1))
}

/// Letters as they are compared: composed, in lower case, ё as е.
pub(crate) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    // Nearly every text is composed as it is, and composing costs the most here.
    if text.chars().all(is_composed) {
        text.chars().for_each(|letter| put(&mut folded, letter));
    } else {
        text.nfc().for_each(|letter| put(&mut folded, letter));
    }
    folded
}

/// Adds a letter in lower case, ё as е.
fn put(folded: &mut String, letter: char) {
    match letter {
        '\0'..='\u{7f}' => folded.push(letter.to_ascii_lowercase()),
        'а'..='я' => folded.push(letter),
        'Ё' | 'ё' => folded.push('е'),
        _ => folded.extend(letter.to_lowercase()),
    }
}

/// Whether a text of such letters alone is composed: none of them has another form or can be put on the one before it.
const fn is_composed(letter: char) -> bool {
    matches!(letter, '\0'..='\u{2ff}' | '\u{400}'..='\u{482}' | '\u{48a}'..='\u{52f}' | '\u{2010}'..='\u{2027}' | '№')
}

/// Whether it is a letter or a digit; those of Russian and Kazakh without a look into the tables.
fn is_of_word(letter: char) -> bool {
    match letter {
        '\0'..='\u{7f}' => letter.is_ascii_alphanumeric(),
        '\u{48a}'..='\u{52f}' | '\u{400}'..='\u{481}' => true,
        _ => letter.is_alphanumeric(),
    }
}

/// The words of a text as they are compared, with a blank between each two: what the index takes and what a query asks for.
/// A word is letters, digits and nothing else; accents that no letter of its own has are left out.
pub(crate) fn words(text: &str) -> String {
    let mut words = String::with_capacity(text.len());
    for letter in fold(text).chars() {
        if is_of_word(letter) {
            words.push(letter);
        } else if !is_combining_mark(letter) && !words.is_empty() && !words.ends_with(' ') {
            words.push(' ');
        }
    }
    words.truncate(words.trim_end().len());
    words
}

/// Words that stand in every other text. Beside another word they narrow nothing and cost the most.
const STOP: [&str; 44] = [
    "а", "без", "бы", "в", "во", "вот", "все", "для", "до", "же", "за", "и", "из", "или", "к",
    "как", "ко", "мы", "на", "не", "но", "о", "от", "по", "при", "с", "со", "то", "у", "что",
    "это", "я", "бар", "бұл", "да", "де", "және", "мен", "үшін", "a", "in", "of", "the", "to",
];

/// What a person asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Query {
    /// Nothing that could be looked for.
    Nothing,
    /// `#42` or `№42`: the ticket of that number.
    Number(i64),
    /// Word beginnings, all of which a document must have, in the index's own language.
    Words(String),
}

impl Query {
    pub(crate) fn read(text: &str) -> Query {
        let text = text.trim();
        let number = text.strip_prefix(['#', '№']);
        if let Some(number) = number.and_then(|n| n.trim().parse().ok()) {
            return Query::Number(number);
        }
        let text = words(text);
        let all: Vec<&str> = text.split_whitespace().collect();
        let telling: Vec<&str> = all
            .iter()
            .copied()
            .filter(|word| !STOP.contains(word))
            .collect();
        let asked = if telling.is_empty() { all } else { telling };
        // A quoted string followed by a star is a prefix; there is no quote in a word.
        let asked: Vec<String> = asked
            .iter()
            .take(WORDS)
            .map(|word| format!("\"{word}\"*"))
            .collect();
        if asked.is_empty() {
            Query::Nothing
        } else {
            Query::Words(asked.join(" "))
        }
    }
}

/// The beginnings that [`Query::Words`] asks for.
pub(crate) fn beginnings(words: &str) -> Vec<&str> {
    words
        .split(' ')
        .map(|word| word.trim_matches(['"', '*']))
        .collect()
}

/// Puts a message into the index.
pub(crate) fn insert(conn: &Connection, key: i64, subject: &str, body: &str) -> Result<()> {
    let text = words(&format!("{subject} {body}"));
    run(
        conn,
        "insert into search (rowid, text) values (?1, ?2)",
        (key, text),
    )?;
    Ok(())
}

/// Takes a message out of the index.
pub(crate) fn remove(conn: &Connection, key: i64) -> Result<()> {
    run(conn, "delete from search where rowid = ?1", [key])?;
    Ok(())
}

/// Takes a ticket's messages out of the index.
pub(crate) fn forget(conn: &Connection, tenant: TenantId, ticket: TicketId) -> Result<()> {
    let span = (
        key(tenant, ticket, 0),
        key(tenant, ticket, (1 << ORDINAL_BITS) - 1),
    );
    run(
        conn,
        "delete from search where rowid between ?1 and ?2",
        span,
    )?;
    Ok(())
}

/// Puts a ticket's messages in anew, after its subject changed.
pub(crate) fn renew(
    conn: &Connection,
    tenant: TenantId,
    ticket: TicketId,
    subject: &str,
) -> Result<()> {
    let messages: Vec<(i64, String)> = all(
        conn,
        "select ordinal, body
           from message
          where tenant_id = ?1 and ticket_id = ?2 and deleted_at is null",
        (tenant, ticket),
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    for (ordinal, body) in messages {
        let key = key(tenant, ticket, ordinal);
        remove(conn, key)?;
        insert(conn, key, subject, &body)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_normalization::{IsNormalized, char::canonical_combining_class};

    #[test]
    fn keys_of_one_tenant_lie_together() {
        let (low, high) = span_of(TenantId(7));
        assert!(low < key(TenantId(7), TicketId(1), 1));
        assert!(key(TenantId(7), TicketId((1 << 28) - 1), (1 << 20) - 1) <= high);
        assert!(high < key(TenantId(8), TicketId(1), 1));
        assert_eq!(ticket_of(key(TenantId(7), TicketId(42), 3)), TicketId(42));
        assert!(key(TenantId(32_767), TicketId((1 << 28) - 1), (1 << 20) - 1) > 0);
    }

    #[test]
    fn a_query_is_made_of_words_only() {
        assert_eq!(Query::read("  #42 "), Query::Number(42));
        assert_eq!(
            Query::read("Ёлка, НЕ печатает!"),
            Query::Words("\"елка\"* \"печатает\"*".into())
        );
        // Alone, a word that stands everywhere is what was asked for.
        assert_eq!(Query::read("и не"), Query::Words("\"и\"* \"не\"*".into()));
        assert_eq!(
            Query::read("\" OR text:*"),
            Query::Words("\"or\"* \"text\"*".into())
        );
        assert_eq!(Query::read(" -- "), Query::Nothing);
    }

    #[test]
    fn letters_written_in_two_ways_are_one() {
        assert_eq!(fold("и\u{306}"), fold("й"));
        assert_eq!(fold("Қазақша ӘЛЕМ"), "қазақша әлем");
    }

    #[test]
    fn short_ways_lead_where_the_tables_do() {
        for letter in '\0'..=char::MAX {
            let mut folded = String::new();
            put(&mut folded, letter);
            let lower: String = letter.to_lowercase().collect();
            assert_eq!(folded, lower.replace('ё', "е"), "{letter:?}");
            assert_eq!(is_of_word(letter), letter.is_alphanumeric(), "{letter:?}");
            if is_composed(letter) {
                let quick = unicode_normalization::is_nfc_quick(std::iter::once(letter));
                assert_eq!(quick, IsNormalized::Yes, "{letter:?}");
                assert_eq!(canonical_combining_class(letter), 0, "{letter:?}");
            }
        }
    }

    #[test]
    fn a_text_is_its_words() {
        assert_eq!(words("  Ёлка\u{a0}— НЕ\tпечатает!\n"), "елка не печатает");
        assert_eq!(words("srv-42@shop.kz"), "srv 42 shop kz");
        // A stress mark is not a letter, and neither does it part a word.
        assert_eq!(words("за\u{301}мок"), "замок");
        // What only the latest Unicode knows as a letter is one word here and in the index.
        assert_eq!(words("\u{11f04}\u{11f05}"), "\u{11f04}\u{11f05}");
        assert_eq!(words("«…»"), "");
    }
}
