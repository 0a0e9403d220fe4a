//! Macros: a text and actions that an operator applies to a ticket in one go.
use super::{
    act::{self, Act},
    facts::{self, Values},
};
use crate::{
    api::field::{MacroId, TenantId, TicketId},
    db::sql::{all, run},
    error::{Code, Error, Result},
    tenant,
    ticket::{
        Acting,
        message::{self, Draft},
        record,
    },
};
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::Serialize;

/// A macro.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Macro {
    /// The macro.
    pub(crate) id: MacroId,
    /// Its title.
    pub(crate) title: String,
    /// What it says; may be empty if it only acts.
    pub(crate) content: String,
    /// Whether the text is an internal note.
    pub(crate) is_note: bool,
    /// What it does besides.
    pub(crate) actions: Vec<Act>,
}

/// The macros of a tenant by title, or the one of `id`.
pub(crate) fn list(conn: &Connection, tenant: TenantId, id: Option<MacroId>) -> Result<Vec<Macro>> {
    all(
        conn,
        "select id, title, content, is_note, actions from macro
          where tenant_id = ?1 and (?2 is null or id = ?2)
          order by title, id",
        (tenant, id),
        |row| {
            let actions: String = row.get(4)?;
            Ok(Macro {
                id: row.get(0)?,
                title: row.get(1)?,
                content: row.get(2)?,
                is_note: row.get(3)?,
                actions: serde_json::from_str(&actions).map_err(|e| {
                    rusqlite::Error::FromSqlConversionFailure(
                        4,
                        rusqlite::types::Type::Text,
                        e.into(),
                    )
                })?,
            })
        },
    )
}

pub(crate) fn by_id(conn: &Connection, tenant: TenantId, id: MacroId) -> Result<Macro> {
    list(conn, tenant, Some(id))?
        .pop()
        .ok_or_else(|| Error::new(Code::MacroNotFound).on("macro_id"))
}

/// Makes a macro, or makes the one of `id` another.
pub(crate) fn save(
    conn: &Connection,
    tenant: TenantId,
    id: Option<MacroId>,
    (title, content, is_note): (&str, &str, bool),
    actions: &[Act],
) -> Result<MacroId> {
    let actions = serde_json::to_string(actions)?;
    let Some(id) = id else {
        run(
            conn,
            "insert into macro (tenant_id, title, content, is_note, actions) values (?1, ?2, ?3, ?4, ?5)",
            (tenant, title, content, is_note, actions),
        )?;
        return Ok(MacroId(conn.last_insert_rowid()));
    };
    let changed = run(
        conn,
        "update macro set title = ?3, content = ?4, is_note = ?5, actions = ?6 where tenant_id = ?1 and id = ?2",
        (tenant, id, title, content, is_note, actions),
    )?;
    match changed {
        0 => Err(Error::new(Code::MacroNotFound).on("macro_id")),
        _ => Ok(id),
    }
}

pub(crate) fn delete(conn: &Connection, tenant: TenantId, id: MacroId) -> Result<()> {
    match run(
        conn,
        "delete from macro where tenant_id = ?1 and id = ?2",
        (tenant, id),
    )? {
        0 => Err(Error::new(Code::MacroNotFound).on("macro_id")),
        _ => Ok(()),
    }
}

/// The text of a macro as it would be sent in a ticket by an operator.
pub(crate) fn filled(
    conn: &Connection,
    tenant: TenantId,
    ticket: TicketId,
    operator: &str,
    text: &str,
) -> Result<String> {
    let owner = tenant::by_id(conn, tenant)?;
    // A ticket in the bin is as good as none.
    record::by_id(conn, tenant, ticket)?;
    let told = facts::told(conn, tenant, ticket)?
        .ok_or_else(|| Error::new(Code::TicketNotFound).on("ticket_id"))?;
    let words = facts::words(conn, tenant, ticket, None)?;
    let values = Values {
        tenant: &owner,
        ticket: &told,
        operator: Some(operator),
        message: words.as_deref(),
    };
    Ok(values.fill(text))
}

/// Applies a macro to a ticket: what it says is posted first, then its actions are carried out, all or nothing.
pub(crate) fn apply(cx: &Acting<'_>, ticket: TicketId, chosen: &Macro) -> Result<()> {
    let text = filled(cx.tx, cx.tenant, ticket, &cx.actor.name, &chosen.content)?;
    let mut record = record::by_id(cx.tx, cx.tenant, ticket)?;
    if !text.trim().is_empty() {
        let draft = if chosen.is_note {
            Draft::note(text)
        } else {
            Draft::support(text)
        };
        message::post_by_support(cx, &mut record, draft)?;
    }
    let owner = tenant::by_id(cx.tx, cx.tenant)?;
    for act in &chosen.actions {
        let told = facts::told(cx.tx, cx.tenant, ticket)?
            .ok_or_else(|| Error::new(Code::TicketNotFound).on("ticket_id"))?;
        let values = Values {
            tenant: &owner,
            ticket: &told,
            operator: Some(&cx.actor.name),
            message: None,
        };
        act::perform(cx, &mut record, act, &values)?;
    }
    record.save_now(cx.tx)
}
