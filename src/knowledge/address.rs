//! Where a tenant's public articles are: `/kb/<lang>/<slug>` of the installation's first tenant, and of another one
//! `/kb/@<domain or number>/<lang>/<slug>`.
use crate::{app::App, error::Result, tenant, tenant::Tenant};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use rusqlite::Connection;

/// What cannot stand in a path as it is.
const UNSAFE: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'/')
    .add(b'<')
    .add(b'>')
    .add(b'?');

/// The path of a tenant's first page, with a slash at its end.
pub(crate) fn path(conn: &Connection, tenant: &Tenant) -> Result<String> {
    let is_first = tenant::first_tenant(conn)?.is_some_and(|first| first.id == tenant.id);
    if is_first {
        return Ok("/kb/".to_owned());
    }
    let name = tenant
        .domain
        .clone()
        .unwrap_or_else(|| tenant.id.to_string());
    Ok(format!("/kb/@{}/", utf8_percent_encode(&name, UNSAFE)))
}

/// The address of a tenant's first page.
pub(crate) fn root(conn: &Connection, app: &App, tenant: &Tenant) -> Result<String> {
    Ok(app.url(&path(conn, tenant)?))
}

/// The tenant that a path names, the first if it names none. One that is switched off or keeps its articles to its clients
/// has no pages.
pub(crate) fn tenant(conn: &Connection, name: Option<&str>) -> Result<Option<Tenant>> {
    let found = match name {
        None => tenant::first_tenant(conn)?,
        Some(name) => tenant::named(conn, name)?
            .into_iter()
            .find(|t| t.domain.as_deref() == Some(name) || t.id.to_string() == name),
    };
    Ok(found.filter(|t| t.is_active && t.settings.kb_public))
}
