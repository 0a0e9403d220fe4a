//! A channel whose server cannot be reached: while rows wait for it by their own schedules, one of them is tried again every
//! few seconds, which costs it no attempt. When one has left, the others are due at once.
use super::{DUE, Due};
use crate::{
    api::field::ChannelId,
    clock::{Millis, SECOND},
    db::{
        Tx,
        sql::{all, run},
    },
    error::Result,
    signal::Signal,
};
use rusqlite::Connection;

/// The shortest and the longest time between two looks whether a server is back.
const OFTEN: Millis = 15 * SECOND;
const SELDOM: Millis = 30 * SECOND;

/// How long to wait until the next look: servers that went together are not all called at the same moment.
pub(crate) fn interval(jitter: u64) -> Millis {
    let spread = (SELDOM - OFTEN).unsigned_abs();
    OFTEN + (jitter % (spread + 1)).cast_signed()
}

/// Of each channel that was cut off and has nothing due, the oldest row that waits for it.
pub(crate) fn probes(conn: &Connection, now: Millis) -> Result<Vec<Due>> {
    let sql = format!(
        "select {DUE}
           from channel c
           join tenant t on t.id = c.tenant_id and t.is_active
           join outbox o on o.id = (select min(id) from outbox where channel_id = c.id and is_cut = 1 and is_next = 1)
          where c.is_active
            and not exists (select 1 from outbox d where d.channel_id = c.id and d.is_next = 1 and d.next_at <= ?1)"
    );
    all(conn, &sql, [now], |row| {
        Ok(Due {
            is_probe: true,
            ..Due::of(row)?
        })
    })
}

/// Writes down whether it was for want of a connection that a row has to wait.
pub(crate) fn mark(tx: &Tx<'_>, row: &Due, is_cut: bool) -> Result<()> {
    run(
        tx,
        "update outbox set is_cut = ?2 where id = ?1 and is_cut <> ?2",
        (row.id, is_cut),
    )?;
    Ok(())
}

/// Writes down that a server is still away. The row goes on waiting as it did.
pub(crate) fn goes_on(tx: &Tx<'_>, row: &Due, why: &str) -> Result<()> {
    run(
        tx,
        "update channel set last_error = ?2, last_error_at = ?3, error_side = 'out' where id = ?1",
        (row.channel, why, tx.now),
    )?;
    Ok(())
}

/// Makes due what has waited for a server that was away.
pub(crate) fn is_over(tx: &Tx<'_>, channel: ChannelId) -> Result<()> {
    let woken = run(
        tx,
        "update outbox set next_at = min(next_at, ?2), is_cut = 0 where channel_id = ?1 and is_cut = 1 and is_next = 1",
        (channel, tx.now),
    )?;
    if woken > 0 {
        tx.signal(Signal::Outbox);
    }
    Ok(())
}
