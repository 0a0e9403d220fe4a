//! The import proper: all rows in one transaction, with fresh numbers where numbers count for the whole installation, and
//! what is kept beside rows (search index, stored bytes) made anew. Limits of the plan do not stop it.
use super::{
    cell,
    fit::{Import, Numbers},
    frame::Row,
    landing::Landing,
    refuse,
    schema::{Column, Made, Meaning, Table},
};
use crate::{
    access::secret::{Secret, random_text},
    api::field::{TenantId, TicketId},
    audit::chain,
    automation::act,
    db::{
        Tx,
        sql::{one, run},
    },
    error::{Error, Result},
    knowledge,
    ticket::{random_reference, search},
};
use rusqlite::{Connection, params_from_iter, types::Value};
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// The most tenants an installation can hold: the search key keeps 15 bits for them.
const TENANTS: i64 = 32_767;

impl Import {
    /// Writes all rows and hands the attachments over to them. Answers the number that the tenant has here.
    pub(crate) fn settle(
        self,
        tx: &Tx<'_>,
        secret: &Secret,
        landing: &Landing,
    ) -> Result<TenantId> {
        self.refuse_claims(tx)?;
        let tenant = landing.free(TenantId(last_number(tx, "tenant")? + 1));
        if tenant.0 > TENANTS {
            return Err(refuse("there is no number left for another tenant"));
        }
        let mut settling = Settling {
            tx,
            secret,
            tenant,
            fresh: Fresh::of(tx, self.numbers, &self.tables)?,
            later: Vec::new(),
        };
        let tables: BTreeMap<_, _> = self.tables.iter().map(|t| (t.name, t)).collect();
        self.source.each_row(|row| {
            let table = tables
                .get(row.table.as_str())
                .ok_or_else(|| refuse("a table was lost while the file was read"))?;
            settling.row(table, row)
        })?;
        settling.end()?;
        landing.hand_over(tenant)?;
        Ok(tenant)
    }
}

/// Which number a row of the file has here.
struct Fresh {
    /// The numbers in the file, and the one before the first fresh one; without it they stay.
    tables: BTreeMap<&'static str, (Vec<i64>, Option<i64>)>,
}

impl Fresh {
    fn of(conn: &Connection, numbers: Numbers, tables: &[Table]) -> Result<Fresh> {
        let mut fresh = BTreeMap::new();
        for (name, old) in numbers {
            let is_renewed = tables.iter().any(|table| {
                table.name == name && table.columns.iter().any(|c| c.meaning == Meaning::Number)
            });
            let last = is_renewed.then(|| last_number(conn, name)).transpose()?;
            fresh.insert(name, (old, last));
        }
        Ok(Fresh { tables: fresh })
    }

    fn number(&self, table: &str, old: i64) -> Option<i64> {
        let (known, last) = self.tables.get(table)?;
        let place = known.binary_search(&old).ok()?;
        match last {
            None => Some(old),
            Some(last) => last.checked_add(i64::try_from(place).ok()?)?.checked_add(1),
        }
    }

    /// The numbers in a JSON object, each called by its table: `{"message_id": 7, "file_ids": [1, 2]}`. A number that
    /// leads nowhere here becomes null, lest it lead to somebody else's.
    fn subject(&self, text: &str) -> Option<String> {
        let mut subject: serde_json::Map<String, Json> = serde_json::from_str(text).ok()?;
        for (name, value) in &mut subject {
            let table = name.strip_suffix("_id").or(name.strip_suffix("_ids"));
            if let Some(table) = table.filter(|table| self.tables.contains_key(table)) {
                self.named(table, value);
            }
        }
        Some(Json::Object(subject).to_string())
    }

    /// The JSON of a rule with the numbers that its operators and webhooks have here.
    fn rule(&self, text: &str) -> Option<String> {
        let mut rule: Json = serde_json::from_str(text).ok()?;
        act::renumber(&mut rule, &|table, old| self.number(table, old));
        Some(rule.to_string())
    }

    fn named(&self, table: &str, value: &mut Json) {
        let old = match value {
            Json::Array(values) => {
                values.iter_mut().for_each(|value| self.named(table, value));
                return;
            }
            Json::Number(number) => number.as_i64(),
            Json::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        *value = old.and_then(|old| self.number(table, old)).into();
    }
}

/// The highest number that a table has given, to a row that may be gone.
fn last_number(conn: &Connection, table: &str) -> Result<i64> {
    let highest = format!("select coalesce(max(id), 0) from {table}");
    let highest: i64 = one(conn, &highest, [], |row| row.get(0))?;
    let given: i64 = one(
        conn,
        "select coalesce(max(seq), 0) from sqlite_sequence where name = ?1",
        [table],
        |row| row.get(0),
    )?;
    Ok(highest.max(given))
}

struct Settling<'a> {
    tx: &'a Tx<'a>,
    secret: &'a Secret,
    tenant: TenantId,
    fresh: Fresh,
    /// References to rows of the same table, set when all of them are there: the statement, the row, what it refers to.
    later: Vec<(String, i64, i64)>,
}

impl Settling<'_> {
    fn row(&mut self, table: &Table, mut row: Row) -> Result<()> {
        let mut columns = Vec::with_capacity(table.columns.len());
        let mut values = vec![Value::Integer(self.tenant.0)];
        let mut own = None;
        let by_operator = row
            .columns
            .get("actor_type")
            .is_some_and(|t| t == "operator");
        for column in &table.columns {
            let Some(cell) = row.columns.remove(&column.name) else {
                continue;
            };
            let value =
                cell::read(cell).ok_or_else(|| self.unfit(table, "has an unknown value"))?;
            let value = match (column.meaning, value) {
                (Meaning::Kept, Value::Integer(number)) => {
                    own = Some(number);
                    Value::Integer(number)
                }
                (Meaning::Number, Value::Integer(old)) => {
                    let number = self.fresh.number(table.name, old);
                    own = number;
                    Value::Integer(number.ok_or_else(|| self.unfit(table, "has no number left"))?)
                }
                (Meaning::Reference { parent, firm }, Value::Integer(old)) => {
                    let number = self.fresh.number(parent, old);
                    match (number, own) {
                        (Some(number), Some(own)) if table.is_own(column) => {
                            self.later.push((table.set(column), own, number));
                            Value::Null
                        }
                        (None, _) if firm => {
                            return Err(self.unfit(table, &format!("names no {parent} of its own")));
                        }
                        (number, _) => number.map_or(Value::Null, Value::Integer),
                    }
                }
                (Meaning::Actor, Value::Integer(old)) if by_operator => {
                    let number = self.fresh.number("operator", old);
                    number.map_or(Value::Null, Value::Integer)
                }
                (Meaning::Subject, Value::Text(text)) => {
                    Value::Text(self.fresh.subject(&text).unwrap_or(text))
                }
                (Meaning::Rule, Value::Text(text)) => {
                    Value::Text(self.fresh.rule(&text).unwrap_or(text))
                }
                (Meaning::Sealed, Value::Text(text)) => {
                    Value::Blob(self.secret.seal(text.as_bytes())?)
                }
                (Meaning::Made(made), value) => self.own_or_other(table, column, made, value)?,
                (Meaning::Anew, _) => Value::Null,
                (Meaning::Off, _) => Value::Integer(0),
                (_, value) => value,
            };
            columns.push(column);
            values.push(value);
        }
        let sql = table.insert(columns);
        run(self.tx, &sql, params_from_iter(values)).map_err(|error| self.explain(table, error))?;
        Ok(())
    }

    fn unfit(&self, table: &Table, what: &str) -> Error {
        refuse(format!(
            "nothing was imported: a row of {} {what}",
            table.name
        ))
    }

    /// A row that the database does not take is the file's fault; a full disk is not.
    fn explain(&self, table: &Table, error: Error) -> Error {
        let cause = std::error::Error::source(&error)
            .and_then(|source| source.downcast_ref::<rusqlite::Error>())
            .filter(|cause| {
                cause.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation)
            })
            .map(ToString::to_string);
        match cause {
            Some(cause) => self.unfit(table, &format!("does not fit ({cause})")),
            None => error,
        }
    }

    /// The value itself, or another one like it if somebody here has it.
    fn own_or_other(
        &self,
        table: &Table,
        column: &Column,
        made: Made,
        value: Value,
    ) -> Result<Value> {
        let holder = self
            .tx
            .prepare_cached(&table.holder(column))?
            .exists([&value])?;
        if !holder {
            return Ok(value);
        }
        Ok(match made {
            Made::WidgetKey => Value::Text(format!("wk_{}", random_text(24)?)),
            Made::TicketReference => Value::Integer(random_reference()?),
        })
    }

    /// Sets what could only be set when all rows were there, and makes anew what is no row.
    fn end(self) -> Result<()> {
        let (tx, tenant) = (self.tx, self.tenant);
        for (sql, own, other) in &self.later {
            run(tx, sql, (tenant, own, other))?;
        }
        run(
            tx,
            "update tenant
                set stored_bytes = (select coalesce(sum(size), 0)
                                      from (select max(size) as size from file where tenant_id = ?1 group by hash))
              where id = ?1",
            [tenant],
        )?;
        chain::link_tenant(tx, tx.audit_key(), tenant)?;
        let mut statement = tx.prepare("select id, subject from ticket where tenant_id = ?1")?;
        let mut tickets = statement.query([tenant])?;
        while let Some(ticket) = tickets.next()? {
            let (id, subject): (TicketId, String) = (ticket.get(0)?, ticket.get(1)?);
            search::renew(tx, tenant, id, &subject)?;
        }
        knowledge::renew_index(tx, tenant)
    }
}
