//! Where a page far down a list begins. How many tickets lie in each span of time is kept (`ticket_span`,
//! `ticket_figure_day`), so what comes before the page is passed over a span at a time.
use crate::{
    api::field::TenantId,
    clock::{DAY, Millis},
    error::Result,
    ticket::filter::{Filter, Spans},
};
use rusqlite::Connection;

/// So many tickets are passed over as quickly one by one.
const FAR: i64 = 500;

/// The condition that leaves out whole spans before the page, and how many tickets are still to be passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Start {
    pub(super) condition: &'static str,
    pub(super) bound: Millis,
    pub(super) offset: i64,
}

/// Where the page begins that `offset` tickets come before, if there are counters for the list. `descends` is the way that
/// the list is gone through, which for the nearer end may be the other one.
pub(super) fn start(
    conn: &Connection,
    tenant: TenantId,
    filter: &Filter,
    offset: i64,
    descends: bool,
) -> Result<Option<Start>> {
    if offset < FAR {
        return Ok(None);
    }
    let Some(spans) = filter.spans() else {
        return Ok(None);
    };
    let Some((span, offset)) = span(conn, tenant, spans, offset, descends)? else {
        return Ok(None);
    };
    let start = |condition, bound| {
        Some(Start {
            condition,
            bound,
            offset,
        })
    };
    Ok(match (spans, descends) {
        (Spans::Updated(_), true) => start("t.updated_at < ?", (span + 1) << 26),
        (Spans::Updated(_), false) => start("t.updated_at >= ?", span << 26),
        // Days are counted towards 1970 from either side.
        (Spans::Created, _) if span <= 0 => None,
        (Spans::Created, true) => start("t.created_at < ?", (span + 1) * DAY),
        (Spans::Created, false) => start("t.created_at >= ?", span * DAY),
    })
}

/// The span that the ticket after `offset` others lies in, and how many of those lie in it.
fn span(
    conn: &Connection,
    tenant: TenantId,
    spans: Spans,
    offset: i64,
    descends: bool,
) -> Result<Option<(i64, i64)>> {
    let order = if descends { "desc" } else { "asc" };
    let sql = match spans {
        Spans::Updated(tickets) => format!(
            "select span, {tickets} from ticket_span where tenant_id = ?1 order by span {order}"
        ),
        Spans::Created => format!(
            "select day, opened from ticket_figure_day where tenant_id = ?1 order by day {order}"
        ),
    };
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query([tenant])?;
    let mut offset = offset;
    while let Some(row) = rows.next()? {
        let tickets: i64 = row.get(1)?;
        if offset < tickets {
            return Ok(Some((row.get(0)?, offset)));
        }
        offset -= tickets;
    }
    Ok(None)
}
