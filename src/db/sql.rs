//! Small pieces that several stores need to speak SQL: a where clause built from fixed fragments, pages, and what a
//! violated constraint means. Values are always bound, never written into the text.
use crate::error::{Error, Fault, Result};
use rusqlite::{
    Connection, OptionalExtension, Params, Row, ToSql,
    types::{ToSqlOutput, Value},
};

/// Conditions joined by `and`, and the values they bind, in order.
#[derive(Debug, Default)]
pub(crate) struct Where {
    text: String,
    values: Vec<Value>,
    parts: usize,
}

impl Where {
    /// Starts with a condition; each `?` in it binds the next of `values`.
    pub(crate) fn new<const N: usize>(condition: &'static str, values: [Value; N]) -> Where {
        let mut all = Where::default();
        all.and(condition, values);
        all
    }

    pub(crate) fn and<const N: usize>(&mut self, condition: &'static str, values: [Value; N]) {
        if !self.text.is_empty() {
            self.text.push_str("\n   and ");
        }
        self.text.push_str(condition);
        self.values.extend(values);
        self.parts += 1;
    }

    /// Whether nothing was added to the first condition.
    pub(crate) fn is_one(&self) -> bool {
        self.parts == 1
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The values of the conditions, then `more`.
    pub(crate) fn bind<const N: usize>(&self, more: [Value; N]) -> Vec<Value> {
        self.values.iter().cloned().chain(more).collect()
    }
}

/// A page of a list, from 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page {
    pub(crate) page: i64,
    pub(crate) limit: i64,
}

impl Page {
    pub(crate) const MOST: i64 = 100;

    /// A limit above the most is cut to it; neither may be below one.
    pub(crate) fn new(page: Option<i64>, limit: Option<i64>, usual: i64) -> Result<Page> {
        let (page, limit) = (page.unwrap_or(1), limit.unwrap_or(usual));
        if page < 1 {
            return Err(Error::invalid("page", Fault::NotPositive));
        }
        if limit < 1 {
            return Err(Error::invalid("limit", Fault::NotPositive));
        }
        Ok(Page {
            page,
            limit: limit.min(Page::MOST),
        })
    }

    pub(crate) fn offset(self) -> i64 {
        (self.page - 1).saturating_mul(self.limit)
    }
}

/// All rows of a query, each made into a `T`.
pub(crate) fn all<T>(
    conn: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>> {
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map(params, read)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The first row of a query, if there is one.
pub(crate) fn first<T>(
    conn: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Option<T>> {
    Ok(conn
        .prepare_cached(sql)?
        .query_row(params, read)
        .optional()?)
}

/// The one row that a query always has.
pub(crate) fn one<T>(
    conn: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<T> {
    Ok(conn.prepare_cached(sql)?.query_row(params, read)?)
}

/// Runs a change and tells how many rows it touched.
pub(crate) fn run(conn: &Connection, sql: &str, params: impl Params) -> Result<usize> {
    Ok(conn.prepare_cached(sql)?.execute(params)?)
}

/// Turns a violated `unique` on `column` (`table.column`) into the error that a person understands.
pub(crate) fn taken(error: Error, column: &str, field: &'static str) -> Error {
    let violated = std::error::Error::source(&error)
        .and_then(|source| source.downcast_ref::<rusqlite::Error>())
        .is_some_and(|e| {
            e.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation)
                && e.to_string().contains(column)
        });
    if violated {
        Error::new(crate::error::Code::AlreadyExists).on(field)
    } else {
        error
    }
}

/// Stores an enum by its wire name and reads it back through `parse`.
macro_rules! text_column {
    ($type:ty) => {
        impl rusqlite::ToSql for $type {
            fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
                Ok(self.as_str().into())
            }
        }
        impl rusqlite::types::FromSql for $type {
            fn column_result(
                value: rusqlite::types::ValueRef<'_>,
            ) -> rusqlite::types::FromSqlResult<Self> {
                <$type>::parse(value.as_str()?).ok_or(rusqlite::types::FromSqlError::InvalidType)
            }
        }
    };
}
pub(crate) use text_column;

impl ToSql for crate::lang::Lang {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.as_str().into())
    }
}

impl rusqlite::types::FromSql for crate::lang::Lang {
    fn column_result(value: rusqlite::types::ValueRef<'_>) -> rusqlite::types::FromSqlResult<Self> {
        crate::lang::Lang::of_tag(value.as_str()?).ok_or(rusqlite::types::FromSqlError::InvalidType)
    }
}
