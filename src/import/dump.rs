//! The SQL that `mysqldump` and phpMyAdmin write, read statement by statement: which columns a table has, and its rows. Only
//! the tables that are asked for are kept; everything else is passed over. Nothing of it is executed.
use super::refuse;
use crate::{channel::email::charset, error::Result};
use rusqlite::{Connection, params_from_iter, types::Value};
use std::{collections::HashMap, io::BufRead};

/// The longest single value: larger than MySQL sends in one packet by default.
const LONGEST: usize = 256 << 20;
/// The most columns of a table.
const COLUMNS: usize = 512;

/// A table that is asked for: what it is called without the prefix of the installation, and the columns that are read.
pub(super) struct Wanted {
    pub(super) name: &'static str,
    pub(super) columns: &'static [&'static str],
    /// Whether its bytes are those of files and no text.
    pub(super) is_raw: bool,
}

impl Wanted {
    pub(super) const fn text(name: &'static str, columns: &'static [&'static str]) -> Wanted {
        Wanted {
            name,
            columns,
            is_raw: false,
        }
    }
}

/// Reads one file of SQL into tables of `conn`, each under the name it has there.
pub(super) fn load(
    conn: &Connection,
    source: &mut dyn BufRead,
    wanted: &[Wanted],
    tables: &mut Tables,
) -> Result<()> {
    let mut lexer = Lexer {
        source,
        line: 1,
        ahead: None,
    };
    loop {
        match lexer.next()? {
            Token::End => return Ok(()),
            Token::Word(word) if word.eq_ignore_ascii_case("create") => {
                create(conn, &mut lexer, wanted, tables)?;
            }
            Token::Word(word)
                if word.eq_ignore_ascii_case("insert") || word.eq_ignore_ascii_case("replace") =>
            {
                insert(conn, &mut lexer, wanted, tables)?;
            }
            Token::Mark(b';') => {}
            _ => lexer.skip_statement()?,
        }
    }
}

/// The tables that were found, with their columns.
#[derive(Debug, Default)]
pub(super) struct Tables(HashMap<String, Vec<String>>);

impl Tables {
    /// What stands before the name of every table of the installation.
    fn prefix(&self, first: &str) -> Option<&str> {
        let prefixes = self.0.keys().filter_map(|name| name.strip_suffix(first));
        prefixes.min_by_key(|prefix| prefix.len())
    }

    /// Makes a look-up by a column quick, where the dump has it.
    pub(super) fn index(
        &self,
        conn: &Connection,
        first: &str,
        table: &str,
        column: &str,
    ) -> Result<()> {
        let name = format!("{}{table}", self.prefix(first).unwrap_or_default());
        let known = self.0.get(&name);
        if known.is_some_and(|columns| columns.iter().any(|known| known == column)) {
            conn.execute_batch(&format!(
                "create index {} on {} ({})",
                quoted(&format!("{name} by {column}")),
                quoted(&raw(&name)),
                quoted(column)
            ))?;
        }
        Ok(())
    }

    /// Makes views of the tables that were asked for, under the names they were asked for by; a column that this version
    /// of the other desk does not have is null, and so is a whole table. `first` is a table that every such desk has and
    /// whose name tells the prefix of all.
    pub(super) fn settle(&self, conn: &Connection, first: &str, wanted: &[Wanted]) -> Result<()> {
        let Some(prefix) = self.prefix(first) else {
            return Err(refuse(format!(
                "the dump has no table {first}: is it the whole database, as mysqldump writes it?"
            )));
        };
        for table in wanted {
            let name = format!("{prefix}{}", table.name);
            let found = self.0.get(&name);
            let columns: Vec<String> = table
                .columns
                .iter()
                .map(|column| match found {
                    Some(known) if known.iter().any(|k| k.eq_ignore_ascii_case(column)) => {
                        quoted(column)
                    }
                    _ => format!("null as {}", quoted(column)),
                })
                .collect();
            let from = match found {
                Some(_) => format!(" from {}", quoted(&raw(&name))),
                None => " where false".to_owned(),
            };
            conn.execute_batch(&format!(
                "create temp view {} as select {}{from}",
                quoted(&format!("their_{}", table.name)),
                columns.join(", ")
            ))?;
        }
        Ok(())
    }
}

/// The name of a table of the dump in the temporary database.
fn raw(name: &str) -> String {
    format!("raw {name}")
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Which of the tables that are asked for this is, if any.
fn meant<'w>(wanted: &'w [Wanted], name: &str) -> Option<&'w Wanted> {
    wanted.iter().find(|table| name.ends_with(table.name))
}

/// `create table name (column …, key …)`.
fn create(
    conn: &Connection,
    lexer: &mut Lexer<'_>,
    wanted: &[Wanted],
    tables: &mut Tables,
) -> Result<()> {
    let mut name = None;
    loop {
        match lexer.next()? {
            Token::Word(word)
                if ["table", "if", "not", "exists"].contains(&&*word.to_lowercase()) => {}
            Token::Word(word)
                if name.is_none()
                    && [
                        "view",
                        "procedure",
                        "function",
                        "trigger",
                        "database",
                        "index",
                        "temporary",
                    ]
                    .contains(&&*word.to_lowercase()) =>
            {
                return lexer.skip_statement();
            }
            Token::Name(word) | Token::Word(word) => name = Some(word),
            Token::Mark(b'.') => {}
            Token::Mark(b'(') => break,
            Token::Mark(b';') | Token::End => return Ok(()),
            _ => return lexer.skip_statement(),
        }
    }
    let Some(name) = name.filter(|name| meant(wanted, name).is_some()) else {
        return lexer.skip_statement();
    };
    let mut columns = Vec::new();
    let (mut depth, mut begins) = (1, true);
    while depth > 0 {
        match lexer.next()? {
            Token::Name(column) if begins && depth == 1 => {
                columns.push(column);
                begins = false;
            }
            Token::Mark(b'(') => depth += 1,
            Token::Mark(b')') => depth -= 1,
            Token::Mark(b',') if depth == 1 => begins = true,
            Token::End => return Err(lexer.broken("it ends inside a table")),
            _ => begins = false,
        }
    }
    lexer.skip_statement()?;
    make(conn, tables, name, columns)
}

fn make(conn: &Connection, tables: &mut Tables, name: String, columns: Vec<String>) -> Result<()> {
    if tables.0.contains_key(&name) {
        return Ok(());
    }
    if columns.is_empty() || columns.len() > COLUMNS {
        return Err(refuse(format!(
            "the table {name} of the dump has no columns that can be read"
        )));
    }
    let list: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
    conn.execute_batch(&format!(
        "create table {} ({})",
        quoted(&raw(&name)),
        list.join(", ")
    ))?;
    tables.0.insert(name, columns);
    Ok(())
}

/// `insert into name (columns) values (…), (…)`.
fn insert(
    conn: &Connection,
    lexer: &mut Lexer<'_>,
    wanted: &[Wanted],
    tables: &mut Tables,
) -> Result<()> {
    let mut name = None;
    let mut columns: Option<Vec<String>> = None;
    loop {
        match lexer.next()? {
            Token::Word(word)
                if word.eq_ignore_ascii_case("values") || word.eq_ignore_ascii_case("value") =>
            {
                break;
            }
            Token::Word(word)
                if ["into", "ignore", "low_priority", "delayed"]
                    .contains(&&*word.to_lowercase()) => {}
            Token::Name(word) | Token::Word(word) => match &mut columns {
                Some(columns) => columns.push(word),
                None => name = Some(word),
            },
            Token::Mark(b'(') => columns = Some(Vec::new()),
            Token::Mark(b')' | b',' | b'.') => {}
            Token::Mark(b';') | Token::End => return Ok(()),
            _ => return lexer.skip_statement(),
        }
    }
    let Some((name, table)) = name
        .and_then(|name| Some((meant(wanted, &name)?, name)))
        .map(|(t, n)| (n, t))
    else {
        return lexer.skip_statement();
    };
    if let Some(columns) = &columns {
        make(conn, tables, name.clone(), columns.clone())?;
    }
    let Some(known) = tables.0.get(&name) else {
        return Err(lexer.broken(&format!(
            "the rows of {name} come without the names of its columns; export the structure as well"
        )));
    };
    let columns = columns.as_ref().unwrap_or(known);
    let list: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
    let places = vec!["?"; columns.len()].join(", ");
    let sql = format!(
        "insert into {} ({}) values ({places})",
        quoted(&raw(&name)),
        list.join(", ")
    );
    let mut statement = conn.prepare_cached(&sql)?;
    loop {
        match lexer.next()? {
            Token::Mark(b'(') => {}
            Token::Mark(b',') => continue,
            Token::Mark(b';') => return Ok(()),
            Token::End => return Err(lexer.broken("it breaks off inside rows")),
            // `on duplicate key update …`
            _ => return lexer.skip_statement(),
        }
        let row = lexer.row(table.is_raw)?;
        if row.len() != columns.len() {
            return Err(lexer.broken(&format!(
                "a row of {name} has {} values for {} columns",
                row.len(),
                columns.len()
            )));
        }
        statement.execute(params_from_iter(row))?;
    }
}

/// A piece of SQL.
#[derive(Debug, PartialEq)]
enum Token {
    /// A word or a number.
    Word(String),
    /// A name in backticks.
    Name(String),
    /// A text in quotes, or bytes in hex.
    Text(Vec<u8>),
    Mark(u8),
    End,
}

struct Lexer<'r> {
    source: &'r mut dyn BufRead,
    line: usize,
    ahead: Option<u8>,
}

impl Lexer<'_> {
    fn broken(&self, what: &str) -> crate::error::Error {
        refuse(format!("line {} of the dump: {what}", self.line))
    }

    fn byte(&mut self) -> Result<Option<u8>> {
        if let Some(byte) = self.ahead.take() {
            return Ok(Some(byte));
        }
        let mut one = [0];
        if self.source.read(&mut one)? == 0 {
            return Ok(None);
        }
        self.line += usize::from(one[0] == b'\n');
        Ok(Some(one[0]))
    }

    fn peek(&mut self) -> Result<Option<u8>> {
        let byte = self.byte()?;
        self.ahead = byte;
        Ok(byte)
    }

    fn next(&mut self) -> Result<Token> {
        loop {
            let Some(byte) = self.byte()? else {
                return Ok(Token::End);
            };
            match byte {
                byte if byte.is_ascii_whitespace() => {}
                b'#' => self.skip_line()?,
                b'-' => match self.peek()? {
                    Some(b'-') => self.skip_line()?,
                    _ => return self.word(byte).map(Token::Word),
                },
                b'/' if self.peek()? == Some(b'*') => self.skip_comment()?,
                b'`' => {
                    let name = self.quoted(b'`')?;
                    return Ok(Token::Name(String::from_utf8_lossy(&name).into_owned()));
                }
                b'\'' | b'"' => return self.quoted(byte).map(Token::Text),
                byte if is_word(byte) => {
                    let word = self.word(byte)?;
                    if let Some(hex) = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
                        let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(hex.as_bytes());
                        return bytes
                            .map(Token::Text)
                            .map_err(|_| self.broken("bytes in hex that are none"));
                    }
                    // `_binary '…'` says what kind of text follows.
                    if word.starts_with('_') && self.is_before_quote()? {
                        continue;
                    }
                    return Ok(Token::Word(word));
                }
                mark => return Ok(Token::Mark(mark)),
            }
        }
    }

    /// Whether nothing but blanks stands before a quote.
    fn is_before_quote(&mut self) -> Result<bool> {
        while let Some(byte) = self.peek()? {
            match byte {
                b' ' => self.ahead = None,
                byte => return Ok(byte == b'\''),
            }
        }
        Ok(false)
    }

    fn word(&mut self, first: u8) -> Result<String> {
        let mut word = vec![first];
        while let Some(byte) = self.peek()?.filter(|byte| is_word(*byte) || *byte == b'.') {
            // A number may have a point; a name of two parts is taken as one word, and only its last part counts.
            self.ahead = None;
            word.push(byte);
            if word.len() > LONGEST {
                return Err(self.broken("a value is too long"));
            }
        }
        Ok(String::from_utf8_lossy(&word).into_owned())
    }

    /// What stands between quotes, as MySQL escapes it.
    fn quoted(&mut self, quote: u8) -> Result<Vec<u8>> {
        let mut text = Vec::new();
        let unfinished = "it breaks off inside a text";
        loop {
            let byte = self.byte()?.ok_or_else(|| self.broken(unfinished))?;
            match byte {
                b'\\' if quote != b'`' => {
                    let escaped = self.byte()?.ok_or_else(|| self.broken(unfinished))?;
                    match escaped {
                        b'0' => text.push(0),
                        b'b' => text.push(8),
                        b'n' => text.push(b'\n'),
                        b'r' => text.push(b'\r'),
                        b't' => text.push(b'\t'),
                        b'Z' => text.push(26),
                        other => text.push(other),
                    }
                }
                byte if byte == quote => match self.peek()? {
                    Some(again) if again == quote => {
                        self.ahead = None;
                        text.push(quote);
                    }
                    _ => return Ok(text),
                },
                byte => text.push(byte),
            }
            if text.len() > LONGEST {
                return Err(self.broken("a value is too long"));
            }
        }
    }

    fn skip_line(&mut self) -> Result<()> {
        while let Some(byte) = self.byte()? {
            if byte == b'\n' {
                break;
            }
        }
        Ok(())
    }

    fn skip_comment(&mut self) -> Result<()> {
        let mut before = 0;
        // The star that opens it does not close it.
        self.byte()?;
        while let Some(byte) = self.byte()? {
            if (before, byte) == (b'*', b'/') {
                return Ok(());
            }
            before = byte;
        }
        Err(self.broken("it breaks off inside a comment"))
    }

    fn skip_statement(&mut self) -> Result<()> {
        loop {
            if matches!(self.next()?, Token::Mark(b';') | Token::End) {
                return Ok(());
            }
        }
    }

    /// The values of a row, whose opening bracket has been read.
    fn row(&mut self, is_raw: bool) -> Result<Vec<Value>> {
        let mut row = Vec::new();
        loop {
            let value = match self.next()? {
                Token::Text(bytes) if is_raw => Value::Blob(bytes),
                Token::Text(bytes) => Value::Text(match String::from_utf8(bytes) {
                    Ok(text) => text,
                    Err(other) => charset::decode(other.as_bytes(), None),
                }),
                Token::Word(word) if word.eq_ignore_ascii_case("null") => Value::Null,
                Token::Word(word) => match (word.parse::<i64>(), word.parse::<f64>()) {
                    (Ok(number), _) => Value::Integer(number),
                    (_, Ok(number)) => Value::Real(number),
                    _ => Value::Text(word),
                },
                Token::Mark(b')') if row.is_empty() => return Ok(row),
                _ => return Err(self.broken("a value that cannot be read")),
            };
            row.push(value);
            if row.len() > COLUMNS {
                return Err(self.broken("a row has too many values"));
            }
            match self.next()? {
                Token::Mark(b',') => {}
                Token::Mark(b')') => return Ok(row),
                _ => return Err(self.broken("a row that cannot be read")),
            }
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80 || byte == b'+'
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::sql::all;
    use proptest::prelude::*;

    const WANTED: [Wanted; 2] = [
        Wanted::text("letter", &["id", "body", "gone"]),
        Wanted {
            name: "chunk",
            columns: &["id", "bytes"],
            is_raw: true,
        },
    ];

    fn read(sql: &[u8]) -> Result<Vec<(Value, Value, Value)>> {
        let conn = Connection::open_in_memory().unwrap();
        let mut tables = Tables::default();
        load(&conn, &mut &sql[..], &WANTED, &mut tables)?;
        tables.settle(&conn, "letter", &WANTED)?;
        all(
            &conn,
            "select id, body, gone from their_letter",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
    }

    #[test]
    fn rows_are_read_as_mysqldump_writes_them() {
        let sql = br"-- MySQL dump 10.13
/*!40101 SET NAMES utf8mb4 */;
DROP TABLE IF EXISTS `ost_letter`;
CREATE TABLE `ost_letter` (
  `id` int(11) unsigned NOT NULL AUTO_INCREMENT,
  `body` text NOT NULL COMMENT 'a (strange; one)',
  `price` decimal(10,2) DEFAULT '1.00',
  PRIMARY KEY (`id`),
  KEY `body` (`body`(10))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
LOCK TABLES `ost_letter` WRITE;
INSERT INTO `ost_letter` VALUES (1,'it\'s; \\ a \n line',-1.50),(2,'two '' quotes',NULL),(3,_binary 'bytes',7);
INSERT INTO `other` VALUES (1,'not (asked; for');
UNLOCK TABLES;
INSERT IGNORE INTO `desk`.`ost_letter` (`body`, `id`) VALUES (0x68656c6c6f, 4);
";
        let rows = read(sql).unwrap();
        let texts: Vec<_> = rows.iter().map(|(_, body, _)| body.clone()).collect();
        let text = |t: &str| Value::Text(t.to_owned());
        assert_eq!(
            texts,
            [
                text("it's; \\ a \n line"),
                text("two ' quotes"),
                text("bytes"),
                text("hello")
            ]
        );
        assert!(rows.iter().all(|(_, _, gone)| *gone == Value::Null));
        assert_eq!(rows[3].0, Value::Integer(4));
    }

    #[test]
    fn a_dump_that_breaks_off_is_refused_with_its_line() {
        for broken in [
            "CREATE TABLE `letter` (`id` int);\nINSERT INTO `letter` VALUES (1),(2",
            "CREATE TABLE `letter` (`id` int);\nINSERT INTO `letter` VALUES ('a",
            "CREATE TABLE `letter` (`id` int);\nINSERT INTO `letter` VALUES (1,2);",
            "CREATE TABLE `letter` (`id` int",
        ] {
            let error = read(broken.as_bytes()).unwrap_err();
            let said = std::error::Error::source(&error).unwrap().to_string();
            assert!(said.starts_with("line "), "{said}");
        }
        let nothing = read(b"select 1;").unwrap_err();
        let said = std::error::Error::source(&nothing).unwrap().to_string();
        assert!(said.contains("no table letter"), "{said}");
    }

    proptest! {
        #[test]
        fn whatever_the_bytes_are_reading_ends(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = read(&bytes);
            let mut inside = b"CREATE TABLE `letter` (`id` int, `body` text);INSERT INTO `letter` VALUES (1,".to_vec();
            inside.extend(&bytes);
            let _ = read(&inside);
        }

        #[test]
        fn a_text_comes_back_as_it_went(text in "[\\PC\n\t'\\\\;()`\"]{0,60}") {
            let escaped = text.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n");
            let sql = format!("CREATE TABLE `letter` (`id` int, `body` text);INSERT INTO `letter` VALUES (1,'{escaped}');");
            let rows = read(sql.as_bytes()).unwrap();
            prop_assert_eq!(&rows[0].1, &Value::Text(text));
        }
    }
}
