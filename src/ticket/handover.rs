//! What somebody leaves behind who goes: their open tickets get another operator, each with a line in its history.
use super::{Acting, change, record};
use crate::{
    api::field::{OperatorId, TicketId},
    db::sql::all,
    error::Result,
};

/// Puts `to` in charge of every open ticket that is `from`'s, or nobody.
pub(crate) fn hand_over(cx: &Acting<'_>, from: OperatorId, to: Option<OperatorId>) -> Result<()> {
    let theirs: Vec<TicketId> = all(
        cx.tx,
        "select id from ticket
          where tenant_id = ?1 and assigned_to = ?2 and is_open and deleted_at is null",
        (cx.tenant, from),
        |row| row.get(0),
    )?;
    for id in theirs {
        let mut ticket = record::by_id(cx.tx, cx.tenant, id)?;
        change::assign(cx, &mut ticket, to)?;
        ticket.save_now(cx.tx)?;
    }
    Ok(())
}
