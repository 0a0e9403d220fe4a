//! What an operator has begun to write and not sent: kept here as well as in the browser, so that another device goes on
//! with it.
use crate::{
    access::{
        Operator,
        rules::{Needs, Role},
    },
    api::{
        Action, Command, Query, Read, Spec, Write, command,
        field::{At, OperatorId, TenantId, Text, TicketId},
        query,
    },
    db::sql::{all, run, text_column},
    error::Result,
    ticket::record,
};
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) const ACTIONS: &[Action] = &[query::<ListDrafts>(), command::<SaveDraft>()];

/// What a draft is to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DraftKind {
    Reply,
    Note,
}

impl DraftKind {
    const fn as_str(self) -> &'static str {
        match self {
            DraftKind::Reply => "reply",
            DraftKind::Note => "note",
        }
    }
    fn parse(text: &str) -> Option<DraftKind> {
        [DraftKind::Reply, DraftKind::Note]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}

text_column!(DraftKind);

/// What has been begun.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DraftView {
    /// The ticket it is for.
    ticket_id: TicketId,
    /// What it is to become.
    kind: DraftKind,
    /// Its text; empty once there is none.
    message: String,
    /// When it was last written.
    updated_at: At,
}

/// Forgets what the caller had begun, now that it is said.
pub(super) fn clear(
    conn: &Connection,
    tenant: TenantId,
    by: OperatorId,
    ticket: TicketId,
    kind: DraftKind,
) -> Result<()> {
    run(
        conn,
        "delete from draft where tenant_id = ?1 and operator_id = ?2 and ticket_id = ?3 and kind = ?4",
        (tenant, by, ticket, kind),
    )?;
    Ok(())
}

/// Lists the caller's drafts, the latest first.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ListDrafts {}
impl Spec for ListDrafts {
    const NAME: &'static str = "list_drafts";
    const NEEDS: Needs = Needs::role(Role::Operator);
    const TITLE: [&'static str; 3] = ["Мои черновики", "Менің жобаларым", "List my drafts"];
    const EXAMPLE: &'static str = "{}";
    type By = Operator;
    type Output = Vec<DraftView>;
}
impl Query for ListDrafts {
    fn run(self, cx: &Read<'_, Operator>) -> Result<Vec<DraftView>> {
        all(
            cx.db,
            "select d.ticket_id, d.kind, d.body, d.updated_at
               from draft d
               join ticket t on t.tenant_id = d.tenant_id and t.id = d.ticket_id and t.deleted_at is null
              where d.tenant_id = ?1 and d.operator_id = ?2
              order by d.updated_at desc
              limit 500",
            (cx.by.tenant, cx.by.id),
            |row| {
                Ok(DraftView {
                    ticket_id: row.get(0)?,
                    kind: row.get(1)?,
                    message: row.get(2)?,
                    updated_at: row.get(3)?,
                })
            },
        )
    }
}

/// Keeps what the caller has begun to write; an empty text is a draft no longer.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct SaveDraft {
    /// The ticket it is for.
    ticket_id: TicketId,
    /// What it is to become.
    kind: DraftKind,
    /// Its text.
    message: Text,
}
impl Spec for SaveDraft {
    const NAME: &'static str = "save_draft";
    const NEEDS: Needs = Needs::role(Role::Operator);
    const TITLE: [&'static str; 3] = ["Сохранить черновик", "Жобаны сақтау", "Save a draft"];
    const EXAMPLE: &'static str =
        r#"{"ticket_id":42,"kind":"reply","message":"Здравствуйте! Проверил настройки"}"#;
    type By = Operator;
    type Output = DraftView;
}
impl Command for SaveDraft {
    fn run(self, cx: &Write<'_, Operator>) -> Result<DraftView> {
        let (tenant, by) = (cx.by.tenant, cx.by.id);
        record::by_id(cx.tx, tenant, self.ticket_id)?;
        if self.message.trim().is_empty() {
            clear(cx.tx, tenant, by, self.ticket_id, self.kind)?;
        } else {
            run(
                cx.tx,
                "insert into draft (tenant_id, operator_id, ticket_id, kind, body, updated_at) values (?1, ?2, ?3, ?4, ?5, ?6)
                 on conflict do update set body = excluded.body, updated_at = excluded.updated_at",
                (tenant, by, self.ticket_id, self.kind, &self.message.0, cx.tx.now),
            )?;
        }
        Ok(DraftView {
            ticket_id: self.ticket_id,
            kind: self.kind,
            message: self.message.0,
            updated_at: At(cx.tx.now),
        })
    }
}
