//! Whether a whole file can be taken in here: its rows have tables and columns of this schema, what they refer to is there,
//! and nobody here has what a row claims as its own.
use super::{
    cell,
    frame::Row,
    landing::Landing,
    refuse,
    schema::{self, Column, Meaning, Table},
    source::Source,
};
use crate::{
    api::field::TenantId,
    db::sql::first,
    error::{Error, Result},
};
use rusqlite::{Connection, types::Value};
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// The numbers of the rows in a file, in order, by table.
pub(super) type Numbers = BTreeMap<&'static str, Vec<i64>>;

/// A file that fits.
#[derive(Debug)]
pub(crate) struct Import {
    pub(super) source: Source,
    pub(super) tables: Vec<Table>,
    pub(super) numbers: Numbers,
    pub(super) claims: Vec<Claim>,
}

impl Import {
    /// Judges a whole file.
    pub(crate) fn fit(conn: &Connection, source: Source) -> Result<Import> {
        let tables = schema::tables(conn)?;
        let mut judge = Judge::of(&source, &tables);
        source.each_row(|row| judge.row(row))?;
        let (numbers, claims) = judge.end()?;
        let import = Import {
            source,
            tables,
            numbers,
            claims,
        };
        import.refuse_claims(conn)?;
        Ok(import)
    }

    /// Brings the attachments, which nothing names yet.
    pub(crate) fn land(&self, landing: &Landing) -> Result<()> {
        let (blobs, nobody) = landing.blobs();
        self.source.store(blobs, nobody)
    }

    /// Refuses the tenant if somebody here has what it claims.
    pub(super) fn refuse_claims(&self, conn: &Connection) -> Result<()> {
        for claim in &self.claims {
            claim.refuse_if_taken(conn)?;
        }
        Ok(())
    }
}

/// What is known of a file while its rows go by.
struct Judge<'a> {
    source: &'a Source,
    tables: &'a [Table],
    /// The table that rows come from at the moment.
    at: usize,
    tenants: u64,
    numbers: Numbers,
    claims: Vec<Claim>,
}

impl<'a> Judge<'a> {
    fn of(source: &'a Source, tables: &'a [Table]) -> Judge<'a> {
        Judge {
            source,
            tables,
            at: 0,
            tenants: 0,
            numbers: Numbers::new(),
            claims: Vec::new(),
        }
    }

    fn unfit(&self, what: &str) -> Error {
        let name = self.source.name();
        refuse(format!("{name} cannot be imported: {what}"))
    }

    fn row(&mut self, row: Row) -> Result<()> {
        let table = self.table(&row.table)?;
        self.tenants += u64::from(table.name == "tenant");
        let mut cells = row.columns;
        let size = cells.get("size").and_then(Json::as_u64);
        for column in &table.columns {
            match cells.remove(&column.name) {
                Some(cell) => {
                    let value = cell::read(cell).ok_or_else(|| {
                        let place = (table.name, &column.name);
                        self.unfit(&format!("a value of {}.{} has no type", place.0, place.1))
                    })?;
                    self.value(table, column, value, size)?;
                }
                None if column.required || column.meaning == Meaning::Number => {
                    let place = (table.name, &column.name);
                    return Err(self.unfit(&format!("a row has no {}.{}", place.0, place.1)));
                }
                None => {}
            }
        }
        match cells.keys().next() {
            None => Ok(()),
            Some(unknown) => Err(self.unfit(&format!(
                "{} has no column \"{unknown}\" in this schema",
                table.name
            ))),
        }
    }

    /// The table of the next row, which is the last one's or a later one.
    fn table(&mut self, name: &str) -> Result<&'a Table> {
        let place = self.tables.iter().position(|table| table.name == name);
        let place = place.ok_or_else(|| {
            self.unfit(&format!("this schema has no table \"{name}\" that moves"))
        })?;
        if place < self.at {
            return Err(self.unfit(&format!("rows of {name} come too late")));
        }
        while self.at < place {
            self.close()?;
            self.at += 1;
        }
        Ok(&self.tables[place])
    }

    /// Ends a table: its numbers can be looked up from now on.
    fn close(&mut self) -> Result<()> {
        let table = self.tables[self.at].name;
        let Some(numbers) = self.numbers.get_mut(table) else {
            return Ok(());
        };
        numbers.sort_unstable();
        if numbers.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(self.unfit(&format!("two rows of {table} have one number")));
        }
        Ok(())
    }

    fn value(
        &mut self,
        table: &Table,
        column: &Column,
        value: Value,
        size: Option<u64>,
    ) -> Result<()> {
        let wrong = |what: &str| {
            let what = format!("{}.{} {what}", table.name, column.name);
            Err(self.unfit(&what))
        };
        match (column.meaning, value) {
            (Meaning::Number | Meaning::Kept, Value::Integer(number)) => {
                self.numbers.entry(table.name).or_default().push(number);
                Ok(())
            }
            (Meaning::Number | Meaning::Kept, _) => wrong("is no number"),
            // Rows of the same table may refer to each other in any order: that is seen when they are written.
            (Meaning::Reference { parent, firm: true }, Value::Integer(number))
                if !table.is_own(column) && !self.has(parent, number) =>
            {
                wrong(&format!("names the {parent} {number}, which is not in it"))
            }
            (Meaning::Blob, Value::Text(hash)) => match self.source.size_of(&hash) {
                None => wrong(&format!("names the attachment {hash}, which is not in it")),
                Some(actual) if size.is_some_and(|told| told != actual) => {
                    wrong(&format!("tells a wrong size of the attachment {hash}"))
                }
                Some(_) => Ok(()),
            },
            (Meaning::Blob, Value::Null) if !column.required => Ok(()),
            (Meaning::Blob, _) => wrong("is no hash"),
            (Meaning::Claim(words), Value::Text(value)) => {
                self.claims.push(Claim {
                    holder: table.holder(column),
                    words,
                    value,
                });
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn has(&self, table: &str, number: i64) -> bool {
        self.numbers
            .get(table)
            .is_some_and(|known| known.binary_search(&number).is_ok())
    }

    fn end(mut self) -> Result<(Numbers, Vec<Claim>)> {
        self.close()?;
        if self.tenants != 1 {
            return Err(self.unfit("it does not hold one tenant"));
        }
        Ok((self.numbers, self.claims))
    }
}

/// A value that only one row of an installation may have.
#[derive(Debug)]
pub(super) struct Claim {
    /// The query for who has it.
    holder: String,
    words: &'static str,
    value: String,
}

impl Claim {
    fn refuse_if_taken(&self, conn: &Connection) -> Result<()> {
        let holder: Option<(TenantId, String)> = first(conn, &self.holder, [&self.value], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        match holder {
            None => Ok(()),
            Some((id, name)) => Err(refuse(format!(
                "tenant {id} ({name}) here already has {} {}; nothing was imported",
                self.words, self.value
            ))),
        }
    }
}
