//! Saved views: lists of the queue under names of their own, one's own or shared with the whole desk.
use super::{
    Deleted,
    queue::{InCharge, ListTickets, Order, SortBy, StatusFilter},
};
use crate::{
    access::{
        Operator,
        rules::{Needs, Role},
    },
    api::{
        Action, Command, Query, Read, Spec, Write, command,
        field::{Flag, Line, Name, OperatorId, Position, TenantId, ViewId},
        query,
    },
    db::sql::{all, first, one, run},
    error::{Code, Error, Fault, Result},
    ticket::{
        list,
        model::{Origin, Priority},
    },
};
use rusqlite::{Connection, Row};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) const ACTIONS: &[Action] = &[
    query::<ListViews>(),
    command::<SaveView>(),
    command::<ShareView>(),
    command::<DeleteView>(),
];

/// How many views an operator may keep: each is counted whenever they are listed.
const MOST: i64 = 50;

/// What a view looks for, in the words of `list_tickets`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub(crate) struct ViewFilter {
    /// Which statuses to show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<StatusFilter>,
    /// Only tickets of this priority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    priority: Option<Priority>,
    /// Only tickets of the category of this code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    category: Option<Line>,
    /// Words to look for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    search: Option<Line>,
    /// Only tickets of the client of this portal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    portal_domain: Option<Line>,
    /// Only tickets in charge of this operator: an id, `me` (whoever looks) or `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    assigned_to: Option<InCharge>,
    /// Only tickets with the tag of this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tag: Option<Line>,
    /// Only tickets that came in this way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    channel: Option<Origin>,
    /// Only tickets that are put aside, or only those that are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    snoozed: Option<Flag>,
    /// Only tickets that whoever looks follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    following: Option<Flag>,
    /// Only tickets with messages that no operator has read, or only those without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unread: Option<Flag>,
    /// What to order by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sort: Option<SortBy>,
    /// The direction of the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    order: Option<Order>,
}

/// A saved view.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct SavedView {
    /// The view.
    id: ViewId,
    /// What it is called.
    name: String,
    /// What it looks for.
    filter: ViewFilter,
    /// Whether the whole desk sees it.
    is_shared: bool,
    /// Who made it.
    operator_id: OperatorId,
    /// Its place among the others.
    position: i64,
    /// How many tickets it has for the caller.
    count: i64,
}

fn read(row: &Row<'_>) -> rusqlite::Result<SavedView> {
    let filter: String = row.get(2)?;
    let mut filter: ViewFilter = serde_json::from_str(&filter).map_err(|e| {
        rusqlite::Error::FromSqlConversionFailure(2, rusqlite::types::Type::Text, e.into())
    })?;
    if let Some(id) = row.get::<_, Option<OperatorId>>(3)? {
        filter.assigned_to = Some(InCharge::Operator(id));
    }
    Ok(SavedView {
        id: row.get(0)?,
        name: row.get(1)?,
        filter,
        is_shared: row.get(4)?,
        operator_id: row.get(5)?,
        position: row.get(6)?,
        count: 0,
    })
}

/// The views that an operator sees: their own and the shared ones, or of these the one of `id`.
fn seen(conn: &Connection, by: &Operator, id: Option<ViewId>) -> Result<Vec<SavedView>> {
    let mut views = all(
        conn,
        "select id, name, filter, assigned_to, is_shared, operator_id, position
           from saved_view
          where tenant_id = ?1 and (operator_id = ?2 or is_shared) and (?3 is null or id = ?3)
          order by position, name, id",
        (by.tenant, by.id, id),
        read,
    )?;
    for view in &mut views {
        let query = ListTickets::of_view(&view.filter)?;
        view.count = list::count(conn, by.tenant, &query.filter(conn, by)?)?;
    }
    Ok(views)
}

fn view(conn: &Connection, by: &Operator, id: ViewId) -> Result<SavedView> {
    let found = seen(conn, by, Some(id))?.pop();
    found.ok_or_else(|| Error::new(Code::ViewNotFound).on("view_id"))
}

/// Lists the caller's views and the shared ones, each with its number of tickets.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ListViews {}
impl Spec for ListViews {
    const NAME: &'static str = "list_views";
    const NEEDS: Needs = Needs::role(Role::Operator);
    const TITLE: [&'static str; 3] = [
        "Сохранённые представления",
        "Сақталған көріністер",
        "List saved views",
    ];
    const EXAMPLE: &'static str = "{}";
    type By = Operator;
    type Output = Vec<SavedView>;
}
impl Query for ListViews {
    fn run(self, cx: &Read<'_, Operator>) -> Result<Vec<SavedView>> {
        seen(cx.db, cx.by, None)
    }
}

/// Makes a view, or changes the caller's own one of `view_id`.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct SaveView {
    /// The view to change; a new one if left out.
    #[serde(default)]
    view_id: Option<ViewId>,
    /// What it is called.
    name: Name,
    /// What it looks for.
    #[serde(default)]
    filter: ViewFilter,
    /// Its place among the others; the last if left out.
    #[serde(default)]
    position: Option<Position>,
}
impl Spec for SaveView {
    const NAME: &'static str = "save_view";
    const NEEDS: Needs = Needs::role(Role::Operator);
    const TITLE: [&'static str; 3] = ["Сохранить представление", "Көріністі сақтау", "Save a view"];
    const EXAMPLE: &'static str = r#"{"name":"Срочные без ответственного","filter":{"status":"active","priority":"urgent","assigned_to":"none"}}"#;
    type By = Operator;
    type Output = SavedView;
}
impl Command for SaveView {
    fn run(mut self, cx: &Write<'_, Operator>) -> Result<SavedView> {
        let charge = match self.filter.assigned_to {
            Some(InCharge::Operator(id)) => {
                crate::operator::by_id(cx.tx, cx.by.tenant, id).map_err(|e| e.on("assigned_to"))?;
                self.filter.assigned_to = None;
                Some(id)
            }
            _ => None,
        };
        let filter = serde_json::to_string(&self.filter)?;
        let position = self.position.map(|p| p.0);
        let id = match self.view_id {
            Some(id) => {
                let changed = run(
                    cx.tx,
                    "update saved_view
                        set name = ?4, filter = ?5, assigned_to = ?6, position = coalesce(?7, position)
                      where tenant_id = ?1 and operator_id = ?2 and id = ?3",
                    (cx.by.tenant, cx.by.id, id, &self.name.0, filter, charge, position),
                )?;
                if changed == 0 {
                    return Err(Error::new(Code::ViewNotFound).on("view_id"));
                }
                id
            }
            None => insert(cx, &self.name.0, &filter, charge, position)?,
        };
        view(cx.tx, cx.by, id)
    }
}

fn insert(
    cx: &Write<'_, Operator>,
    name: &str,
    filter: &str,
    charge: Option<OperatorId>,
    position: Option<i64>,
) -> Result<ViewId> {
    let (kept, last): (i64, i64) = one(
        cx.tx,
        "select count(*), coalesce(max(position), 0) from saved_view where tenant_id = ?1 and operator_id = ?2",
        (cx.by.tenant, cx.by.id),
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    if kept >= MOST {
        return Err(Error::invalid("name", Fault::TooMany(50)));
    }
    run(
        cx.tx,
        "insert into saved_view (tenant_id, operator_id, name, filter, assigned_to, position) values (?1, ?2, ?3, ?4, ?5, ?6)",
        (
            cx.by.tenant,
            cx.by.id,
            name,
            filter,
            charge,
            position.unwrap_or(last + 1),
        ),
    )?;
    Ok(ViewId(cx.tx.last_insert_rowid()))
}

/// Shows a view to the whole desk, or to its maker only again.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ShareView {
    /// The view.
    view_id: ViewId,
    /// Whether the whole desk is to see it.
    is_shared: Flag,
}
impl Spec for ShareView {
    const NAME: &'static str = "share_view";
    const NEEDS: Needs = Needs::role(Role::Supervisor);
    const TITLE: [&'static str; 3] = [
        "Открыть представление всем",
        "Көріністі бәріне ашу",
        "Share a view",
    ];
    const EXAMPLE: &'static str = r#"{"view_id":1,"is_shared":true}"#;
    type By = Operator;
    type Output = SavedView;
}
impl Command for ShareView {
    fn run(self, cx: &Write<'_, Operator>) -> Result<SavedView> {
        let shown = view(cx.tx, cx.by, self.view_id)?;
        run(
            cx.tx,
            "update saved_view set is_shared = ?3 where tenant_id = ?1 and id = ?2",
            (cx.by.tenant, shown.id, self.is_shared.0),
        )?;
        Ok(SavedView {
            is_shared: self.is_shared.0,
            ..shown
        })
    }
}

/// Deletes one of the caller's own views.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct DeleteView {
    /// The view.
    view_id: ViewId,
}
impl Spec for DeleteView {
    const NAME: &'static str = "delete_view";
    const NEEDS: Needs = Needs::role(Role::Operator);
    const TITLE: [&'static str; 3] = ["Удалить представление", "Көріністі жою", "Delete a view"];
    const EXAMPLE: &'static str = r#"{"view_id":1}"#;
    type By = Operator;
    type Output = Deleted;
}
impl Command for DeleteView {
    const FREES: bool = true;
    fn run(self, cx: &Write<'_, Operator>) -> Result<Deleted> {
        delete(cx.tx, cx.by.tenant, cx.by.id, self.view_id)?;
        Ok(Deleted::of(self.view_id.0))
    }
}

fn delete(conn: &Connection, tenant: TenantId, by: OperatorId, id: ViewId) -> Result<()> {
    let gone: Option<i64> = first(
        conn,
        "delete from saved_view where tenant_id = ?1 and operator_id = ?2 and id = ?3 returning id",
        (tenant, by, id),
        |row| row.get(0),
    )?;
    gone.map(drop)
        .ok_or_else(|| Error::new(Code::ViewNotFound).on("view_id"))
}
