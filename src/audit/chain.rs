//! The chain through the audit log: each entry's link is a MAC over what the entry says and over the link of the entry
//! before it of the same tenant, and a sealed row tells where the chain ends. The key is not in the database, so who
//! changes, removes or slips in an entry there cannot make the links fit. What is not seen is that a whole earlier state
//! was put back, end and all.
//!
//! Numbers are left out of it on purpose: a tenant that moves gets others, and its chain is made anew where it arrives.
use crate::{
    access::secret::{Key, mac},
    api::field::TenantId,
    clock::Millis,
    db::sql::{all, first, one, run},
    error::Result,
};
use rusqlite::{Connection, Row};
use std::collections::BTreeMap;

/// How many entries get their links in one transaction when the schema is brought up.
const PORTION: i64 = 5_000;

/// What an entry says.
pub(super) struct Said<'a> {
    pub(super) at: Millis,
    pub(super) actor_type: &'a [u8],
    pub(super) actor_id: Option<i64>,
    pub(super) actor_name: &'a [u8],
    pub(super) action: &'a [u8],
    pub(super) subject: &'a [u8],
    pub(super) address: &'a [u8],
    pub(super) request_id: &'a [u8],
}

/// The columns of [`Said`], in the order that [`Said::of`] reads them from the first on.
const SAID: &str = "at, actor_id, actor_type, actor_name, action, subject, address, request_id";

impl<'a> Said<'a> {
    /// Reads it as bytes: a text that the disk has made no text of is compared like any other.
    fn of(row: &'a Row<'_>, from: usize) -> Result<Said<'a>> {
        let bytes = |place: usize| -> Result<&'a [u8]> {
            Ok(row.get_ref(from + place)?.as_bytes().unwrap_or_default())
        };
        Ok(Said {
            at: row.get(from)?,
            actor_id: row.get(from + 1)?,
            actor_type: bytes(2)?,
            actor_name: bytes(3)?,
            action: bytes(4)?,
            subject: bytes(5)?,
            address: bytes(6)?,
            request_id: bytes(7)?,
        })
    }

    fn link(&self, key: &Key, tenant: TenantId, before: &[u8]) -> Key {
        let actor = self.actor_id.map(i64::to_be_bytes);
        mac(
            key,
            &[
                b"entry",
                &tenant.0.to_be_bytes(),
                before,
                &self.at.to_be_bytes(),
                actor.as_ref().map_or(&[], |bytes| &bytes[..]),
                self.actor_type,
                self.actor_name,
                self.action,
                self.subject,
                self.address,
                self.request_id,
            ],
        )
    }
}

/// Where a tenant's chain ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct End {
    entries: i64,
    link: Vec<u8>,
    seal: Vec<u8>,
}

impl End {
    fn of(conn: &Connection, tenant: TenantId) -> Result<Option<End>> {
        first(
            conn,
            "select entries, link, seal from audit_chain where tenant_id = ?1",
            [tenant],
            |row| {
                Ok(End {
                    entries: row.get(0)?,
                    link: row.get(1)?,
                    seal: row.get(2)?,
                })
            },
        )
    }

    fn sealed(&self, key: &Key, tenant: TenantId) -> Vec<u8> {
        let (tenant, entries) = (tenant.0.to_be_bytes(), self.entries.to_be_bytes());
        mac(key, &[b"end", &tenant, &entries, &self.link]).to_vec()
    }

    fn holds(&self, key: &Key, tenant: TenantId) -> bool {
        self.seal == self.sealed(key, tenant)
    }

    /// The end after one more entry. A seal that does not hold is not replaced by one that does.
    fn extend(before: Option<End>, key: &Key, tenant: TenantId, said: &Said<'_>) -> End {
        let held = before.as_ref().is_none_or(|end| end.holds(key, tenant));
        let before = before.unwrap_or_default();
        let mut end = End {
            entries: before.entries + 1,
            link: said.link(key, tenant, &before.link).to_vec(),
            seal: before.seal,
        };
        if held {
            end.seal = end.sealed(key, tenant);
        }
        end
    }

    fn save(&self, conn: &Connection, tenant: TenantId) -> Result<()> {
        run(
            conn,
            "insert into audit_chain (tenant_id, entries, link, seal) values (?1, ?2, ?3, ?4)
             on conflict do update set entries = excluded.entries, link = excluded.link, seal = excluded.seal",
            (tenant, self.entries, &self.link, &self.seal),
        )?;
        Ok(())
    }
}

/// Lengthens a tenant's chain by what an entry says, and answers the entry's link.
pub(super) fn lengthen(
    conn: &Connection,
    key: &Key,
    tenant: TenantId,
    said: &Said<'_>,
) -> Result<Vec<u8>> {
    let end = End::extend(End::of(conn, tenant)?, key, tenant, said);
    end.save(conn, tenant)?;
    Ok(end.link)
}

/// Gives the entries that have no links theirs, those of one tenant or of all. Answers whether there may be more of them.
fn link_some(conn: &Connection, key: &Key, of: Option<TenantId>, most: i64) -> Result<bool> {
    let sql = format!(
        "select id, tenant_id, {SAID} from audit_log
          where link is null and (?1 is null or tenant_id = ?1)
          order by id
          limit ?2"
    );
    let mut ends: BTreeMap<TenantId, End> = BTreeMap::new();
    let mut links: Vec<(i64, Vec<u8>)> = Vec::new();
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query((of, most))?;
    while let Some(row) = rows.next()? {
        let (id, tenant): (i64, TenantId) = (row.get(0)?, row.get(1)?);
        let before = match ends.remove(&tenant) {
            Some(end) => Some(end),
            None => End::of(conn, tenant)?,
        };
        let end = End::extend(before, key, tenant, &Said::of(row, 2)?);
        links.push((id, end.link.clone()));
        ends.insert(tenant, end);
    }
    for (id, link) in &links {
        let sql = "update audit_log set link = ?2 where id = ?1";
        run(conn, sql, (id, link))?;
    }
    for (tenant, end) in &ends {
        end.save(conn, *tenant)?;
    }
    Ok(i64::try_from(links.len()).is_ok_and(|done| done == most))
}

/// Makes the chain of a tenant that has come with its entries.
pub(crate) fn link_tenant(conn: &Connection, key: &Key, tenant: TenantId) -> Result<()> {
    while link_some(conn, key, Some(tenant), PORTION)? {}
    Ok(())
}

/// Whether there are entries without a link.
pub(crate) fn is_due(conn: &Connection) -> Result<bool> {
    let sql = "select exists (select 1 from audit_log where link is null)";
    one(conn, sql, [], |row| row.get(0))
}

/// Makes the chains of what was written before there were any, in portions: killed in between, it goes on where it was.
pub(crate) fn link_all(conn: &mut Connection, key: &Key) -> Result<()> {
    loop {
        let tx = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let more = link_some(&tx, key, None, PORTION)?;
        tx.commit()?;
        if !more {
            return Ok(());
        }
    }
}

/// What was seen of a tenant's entries.
#[derive(Clone, Debug, Default)]
struct Seen {
    entries: i64,
    last: Vec<u8>,
    wrong: u64,
    first_wrong: i64,
}

/// A walk along all chains, in portions: between them entries may be added, and tenants may go.
#[derive(Clone)]
pub(crate) struct Walk {
    key: Key,
    after: i64,
    seen: BTreeMap<TenantId, Seen>,
    /// What is wrong, once the end is reached.
    findings: Option<Vec<String>>,
}

impl Walk {
    pub(crate) fn new(key: Key) -> Walk {
        Walk {
            key,
            after: 0,
            seen: BTreeMap::new(),
            findings: None,
        }
    }

    /// How many entries were looked at.
    pub(crate) fn entries(&self) -> u64 {
        let entries: i64 = self.seen.values().map(|seen| seen.entries).sum();
        entries.unsigned_abs()
    }

    /// What is wrong; nothing before the end is reached.
    pub(crate) fn findings(&self) -> Option<&[String]> {
        self.findings.as_deref()
    }

    /// Looks at the next entries; of one snapshot, since the end is compared with what was there last.
    pub(crate) fn onward(mut self, conn: &Connection, most: i64) -> Result<Walk> {
        let sql = format!(
            "select id, tenant_id, link, {SAID} from audit_log where id > ?1 order by id limit ?2"
        );
        let mut statement = conn.prepare_cached(&sql)?;
        let mut rows = statement.query((self.after, most))?;
        let mut read = 0;
        while let Some(row) = rows.next()? {
            read += 1;
            self.after = row.get(0)?;
            let link: Option<Vec<u8>> = row.get(2)?;
            let tenant = row.get(1)?;
            let seen = self.seen.entry(tenant).or_default();
            let should_be = Said::of(row, 3)?.link(&self.key, tenant, &seen.last);
            if link.as_deref() != Some(&should_be[..]) {
                if seen.wrong == 0 {
                    seen.first_wrong = self.after;
                }
                seen.wrong += 1;
            }
            seen.entries += 1;
            seen.last = link.unwrap_or_default();
        }
        if read < most {
            self.findings = Some(self.compare(conn)?);
        }
        Ok(self)
    }

    fn compare(&self, conn: &Connection) -> Result<Vec<String>> {
        let tenants: Vec<TenantId> = all(conn, "select id from tenant order by id", [], |row| {
            row.get(0)
        })?;
        let nothing = Seen::default();
        let mut findings = Vec::new();
        for tenant in tenants {
            let seen = self.seen.get(&tenant).unwrap_or(&nothing);
            let log = format!("the audit log of tenant {tenant}");
            if seen.wrong > 0 {
                findings.push(format!(
                    "{log} is not what was written: {} entries do not follow from those before them, the first is entry {}",
                    seen.wrong, seen.first_wrong
                ));
            }
            let end = End::of(conn, tenant)?;
            let is_whole = match &end {
                None => seen.entries == 0,
                Some(end) => {
                    end.holds(&self.key, tenant)
                        && (end.entries, &end.link) == (seen.entries, &seen.last)
                }
            };
            if !is_whole {
                let written = end.map_or(0, |end| end.entries);
                findings.push(format!(
                    "{log} does not end as it did: it has {} entries, and {written} were noted",
                    seen.entries
                ));
            }
        }
        Ok(findings)
    }
}

#[cfg(test)]
mod tests;
