//! The audit log: who called which changing action, on what, from where. Written in the transaction of the change.
use crate::{
    api::field::TenantId,
    db::{Tx, sql::run},
    error::Result,
    ticket::Actor,
};

/// Notes a change. `subject` is a JSON object of the ids it was about.
pub(crate) fn note(
    tx: &Tx<'_>,
    tenant: TenantId,
    actor: &Actor,
    action: &str,
    subject: &str,
    (address, request_id): (String, &str),
) -> Result<()> {
    run(
        tx,
        "insert into audit_log (tenant_id, at, actor_type, actor_id, actor_name, action, subject, address, request_id)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        (
            tenant,
            tx.now,
            actor.kind.as_str(),
            actor.id,
            &actor.name,
            action,
            subject,
            address,
            request_id,
        ),
    )?;
    Ok(())
}
