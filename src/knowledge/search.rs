//! The index of the knowledge base: one document an article. Words are looked for by their beginnings and by their stems,
//! so that «кассы» is found by «касса»; a title weighs more than a text.
use crate::{
    api::field::{ArticleId, TenantId},
    db::sql::run,
    error::Result,
    lang::Lang,
    ticket::search::fold,
};
use rusqlite::Connection;
use rust_stemmers::{Algorithm, Stemmer};

/// The bits of a document's key that hold the article; the tenant is above them.
const ARTICLE_BITS: u32 = 48;
/// The words that a query may have; more do not make a search better.
const WORDS: usize = 16;
/// From so many words on, what is asked is a sentence: an article that has only some of its words may answer it.
const SENTENCE: usize = 3;
/// A shorter stem would begin too many words.
const STEM: usize = 3;

const fn key(tenant: TenantId, article: ArticleId) -> i64 {
    tenant.0 << ARTICLE_BITS | article.0
}

/// The keys of a tenant's documents, from the first to the last.
pub(crate) const fn span_of(tenant: TenantId) -> (i64, i64) {
    (
        tenant.0 << ARTICLE_BITS,
        ((tenant.0 + 1) << ARTICLE_BITS) - 1,
    )
}

/// What is looked for, in the index's own language.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asked {
    /// An article that has every word.
    pub(super) all: String,
    /// An article that has any of them, if a whole sentence was asked.
    pub(super) any: Option<String>,
}

impl Asked {
    /// Reads what a person typed; `None` if there is no word in it.
    pub(super) fn read(text: &str) -> Option<Asked> {
        let folded = fold(text);
        let words: Vec<&str> = folded
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .take(WORDS)
            .collect();
        if words.is_empty() {
            return None;
        }
        let joined = |words: &[&str], by: &str| {
            let words: Vec<String> = words.iter().map(|word| beginnings(word)).collect();
            words.join(by)
        };
        // Of a sentence the short words say nothing: they begin too many others.
        let telling: Vec<&str> = words
            .iter()
            .copied()
            .filter(|word| word.chars().count() > STEM)
            .collect();
        Some(Asked {
            all: joined(&words, " AND "),
            any: (words.len() >= SENTENCE && !telling.is_empty()).then(|| joined(&telling, " OR ")),
        })
    }
}

/// A word's own beginning or its stem's. A quoted string followed by a star is a prefix; there is no quote in a word.
fn beginnings(word: &str) -> String {
    let algorithm = match Lang::of_text(&word.repeat(8)) {
        Some(Lang::Ru) => Algorithm::Russian,
        Some(Lang::En) => Algorithm::English,
        Some(Lang::Kk) | None => return format!("\"{word}\"*"),
    };
    let stem = Stemmer::create(algorithm).stem(word).into_owned();
    if stem == word || stem.chars().count() < STEM {
        format!("\"{word}\"*")
    } else if word.starts_with(&stem) {
        format!("\"{stem}\"*")
    } else {
        format!("(\"{word}\"* OR \"{stem}\"*)")
    }
}

/// Puts an article into the index.
pub(super) fn insert(
    conn: &Connection,
    tenant: TenantId,
    article: ArticleId,
    title: &str,
    text: &str,
) -> Result<()> {
    run(
        conn,
        "insert into kb_search (rowid, title, text) values (?1, ?2, ?3)",
        (key(tenant, article), fold(title), fold(text)),
    )?;
    Ok(())
}

/// Takes an article out of the index.
pub(super) fn remove(conn: &Connection, tenant: TenantId, article: ArticleId) -> Result<()> {
    run(
        conn,
        "delete from kb_search where rowid = ?1",
        [key(tenant, article)],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_looked_for_by_its_stem() {
        assert_eq!(beginnings("кассы"), "\"касс\"*");
        assert_eq!(beginnings("печатает"), "\"печата\"*");
        assert_eq!(beginnings("printers"), "\"printer\"*");
        assert_eq!(beginnings("policy"), "(\"policy\"* OR \"polici\"*)");
        assert_eq!(beginnings("өтінім"), "\"өтінім\"*");
        assert_eq!(beginnings("1с"), "\"1с\"*");
    }

    #[test]
    fn only_a_sentence_may_be_answered_in_part() {
        assert_eq!(Asked::read(" \"*\" "), None);
        assert_eq!(
            Asked::read("касса OR не чеки").unwrap().any,
            Some("\"касс\"* OR \"чек\"*".into())
        );
        assert_eq!(Asked::read("касса чек").unwrap().any, None);
    }
}
