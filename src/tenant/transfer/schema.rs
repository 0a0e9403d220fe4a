//! What moves, and what its columns mean to somebody who moves them. Columns and references are read from the database;
//! what no database can tell stands in [`MARKED`]. A test fails when a migration brings a table or a number that is
//! neither here nor said to stay behind.
use crate::{
    db::sql::{all, one},
    error::Result,
};
use rusqlite::Connection;

/// The tables that move, parents before children.
pub(super) const MOVED: [&str; 49] = [
    "tenant",
    "brand_image",
    "tariff",
    "operator",
    "demo_run",
    "totp",
    "client",
    "portal_user",
    "ended_token",
    "contact",
    "contact_address",
    "saved_view",
    "tag",
    "category",
    "quick_reply",
    "kb_article",
    "sla_rule",
    "channel",
    "ticket",
    "message",
    "message_edit",
    "participant",
    "ticket_tag",
    "follower",
    "mention",
    "draft",
    "event",
    "estimate",
    "time_entry",
    "csat",
    "file",
    "inbound_event",
    "chat",
    "chat_name",
    "ticket_chat",
    "chat_message",
    "reaction",
    "staff_chat",
    "outbox",
    "audit_log",
    "webhook",
    "webhook_delivery",
    "trigger",
    "trigger_run",
    "macro",
    "notification",
    "notification_setting",
    "imported_ticket",
    "imported_message",
];

/// What a column is to a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A value that stays as it is.
    Plain,
    /// The row's own number, which counts for the whole installation and is given anew.
    Number,
    /// The row's own number, which counts for the tenant and stays.
    Kept,
    /// The number of a row of that table. A firm one must be there; another that is not is forgotten.
    Reference { parent: &'static str, firm: bool },
    /// The number of an operator if `actor_type` says so, and otherwise one of somebody else's system.
    Actor,
    /// A JSON object of numbers, each called by the table it counts in.
    Subject,
    /// The JSON of a rule, in which operators and webhooks stand by number.
    Rule,
    /// Sealed with the installation's secret; the file holds it opened.
    Sealed,
    /// The hash of an attachment.
    Blob,
    /// Unique in an installation and known to people, who call it so: if it is taken, the tenant cannot come.
    Claim(&'static str),
    /// Unique in an installation and made by the program: if it is taken, another is made.
    Made(Made),
    /// Made anew when all rows are there.
    Anew,
    /// Whether a channel works. None does on arrival, so that nothing is sent from two installations.
    Off,
}

/// A value that the program makes at random.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Made {
    WidgetKey,
    TicketReference,
}

/// A number of `parent` that the schema does not enforce, because what it names may go first.
const fn loose(parent: &'static str) -> Meaning {
    Meaning::Reference {
        parent,
        firm: false,
    }
}

/// What the schema does not tell of its columns.
pub(super) const MARKED: [(&str, &str, Meaning); 38] = [
    ("tenant", "domain", Meaning::Claim("the domain")),
    ("tenant", "widget_key", Meaning::Made(Made::WidgetKey)),
    (
        "operator",
        "email",
        Meaning::Claim("an operator with the e-mail"),
    ),
    (
        "operator",
        "phone",
        Meaning::Claim("an operator with the phone"),
    ),
    ("totp", "secret", Meaning::Sealed),
    (
        "channel",
        "address",
        Meaning::Claim("a channel with the address"),
    ),
    ("channel", "secrets", Meaning::Sealed),
    ("channel", "is_active", Meaning::Off),
    ("kb_article", "created_by", loose("operator")),
    ("ticket", "reference", Meaning::Made(Made::TicketReference)),
    ("ticket", "channel_id", loose("channel")),
    ("ticket", "last_message_id", loose("message")),
    ("ticket", "deleted_by", loose("operator")),
    ("demo_run", "enabled_by", loose("operator")),
    ("message_edit", "edited_by", loose("operator")),
    ("event", "message_id", loose("message")),
    ("event", "actor_id", Meaning::Actor),
    ("estimate", "created_by", loose("operator")),
    ("time_entry", "client_id", loose("client")),
    ("file", "hash", Meaning::Blob),
    ("file", "uploaded_by", loose("operator")),
    ("inbound_event", "raw_hash", Meaning::Blob),
    ("inbound_event", "ticket_id", loose("ticket")),
    ("inbound_event", "message_id", loose("message")),
    ("chat_message", "reply_to_id", loose("message")),
    ("outbox", "ticket_id", loose("ticket")),
    ("audit_log", "actor_id", Meaning::Actor),
    ("audit_log", "subject", Meaning::Subject),
    // Bound to the installation's secret.
    ("audit_log", "link", Meaning::Anew),
    ("webhook", "secret", Meaning::Sealed),
    ("webhook", "is_active", Meaning::Off),
    ("trigger", "last_assigned", loose("operator")),
    ("trigger", "conditions", Meaning::Rule),
    ("trigger", "actions", Meaning::Rule),
    ("macro", "actions", Meaning::Rule),
    ("notification", "message_id", loose("message")),
    ("imported_ticket", "ticket_id", loose("ticket")),
    ("imported_ticket", "last_event_id", loose("event")),
];

/// A column that moves.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) required: bool,
    pub(super) meaning: Meaning,
}

/// A table that moves, without the column that says whose a row is.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: Vec<Column>,
}

/// The column that says whose a row is.
fn owner(table: &str) -> &'static str {
    if table == "tenant" { "id" } else { "tenant_id" }
}

/// The name of a table or column as SQL writes it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl Table {
    fn of(conn: &Connection, name: &'static str) -> Result<Table> {
        let references: Vec<(String, String)> = all(
            conn,
            r#"select "from", "table" from pragma_foreign_key_list(?1)"#,
            [name],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        let keys: i64 = one(
            conn,
            "select count(*) from pragma_table_info(?1) where pk > 0",
            [name],
            |row| row.get(0),
        )?;
        let meaning = |column: &str, is_key: bool| {
            let marked = MARKED
                .iter()
                .find(|(table, marked, _)| (*table, *marked) == (name, column));
            if let Some((_, _, meaning)) = marked {
                return *meaning;
            }
            if is_key && column == "id" {
                return if keys == 1 {
                    Meaning::Number
                } else {
                    Meaning::Kept
                };
            }
            let parent = references
                .iter()
                .find(|(from, _)| from == column)
                .and_then(|(_, parent)| MOVED.iter().find(|moved| *moved == parent));
            match parent {
                Some(parent) => Meaning::Reference { parent, firm: true },
                None => Meaning::Plain,
            }
        };
        // Columns that the database computes are not in this list.
        let columns = all(
            conn,
            r#"select name, "notnull" and dflt_value is null, pk > 0 from pragma_table_info(?1) where name <> ?2"#,
            (name, owner(name)),
            |row| {
                let column: String = row.get(0)?;
                Ok(Column {
                    meaning: meaning(&column, row.get(2)?),
                    required: row.get(1)?,
                    name: column,
                })
            },
        )?;
        Ok(Table { name, columns })
    }

    /// Reads a tenant's rows, in the order of [`Table::columns`].
    pub(super) fn select(&self) -> String {
        let columns: Vec<_> = self.columns.iter().map(|c| quoted(&c.name)).collect();
        format!(
            "select {} from {} where {} = ?1",
            columns.join(", "),
            self.name,
            owner(self.name)
        )
    }

    /// Writes a tenant's row: whose it is comes first, then the columns that are named.
    pub(super) fn insert<'a>(&self, columns: impl IntoIterator<Item = &'a Column>) -> String {
        let mut names = owner(self.name).to_owned();
        let mut places = "?".to_owned();
        for column in columns {
            names.push_str(", ");
            names.push_str(&quoted(&column.name));
            places.push_str(", ?");
        }
        format!("insert into {} ({names}) values ({places})", self.name)
    }

    /// Sets one column of a row that is known by tenant and number.
    pub(super) fn set(&self, column: &Column) -> String {
        format!(
            "update {} set {} = ?3 where {} = ?1 and id = ?2",
            self.name,
            quoted(&column.name),
            owner(self.name)
        )
    }

    /// Finds the tenant whose row has a value in a column where no two rows have the same.
    pub(super) fn holder(&self, column: &Column) -> String {
        format!(
            "select id, name from tenant where id = (select {} from {} where {} = ?1)",
            owner(self.name),
            self.name,
            quoted(&column.name)
        )
    }

    /// Whether a column refers to rows of its own table, which may come later than the row itself.
    pub(super) fn is_own(&self, column: &Column) -> bool {
        matches!(column.meaning, Meaning::Reference { parent, .. } if parent == self.name)
    }
}

/// The tables that move, as this database has them.
pub(super) fn tables(conn: &Connection) -> Result<Vec<Table>> {
    MOVED.iter().map(|name| Table::of(conn, name)).collect()
}
