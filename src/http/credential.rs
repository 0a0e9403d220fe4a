//! Which credential a request bears and whose it is. What its bearer may do is decided by the action.
use super::{
    api::{Log, Visit, text},
    cookie,
};
use crate::{
    access::{
        ClientUser, Operator, Principal, Via, WidgetSite,
        bitrix24::{self, Visitor},
        client_token::ClientToken,
        mobile::{self, MobileToken},
        secret::Purpose,
        store::{self, Used},
    },
    api::{Action, Surface, field::TenantId},
    app::App,
    error::{Code, Error, Result},
};
use hyper::HeaderMap;
use serde_json::{Map, Value};

/// The API key that the headers bear: in a header of its own, or as a bearer. Another scheme of `Authorization` is between
/// the browser and a proxy before us, and no credential of ours.
fn api_key(headers: &HeaderMap) -> Option<&str> {
    let bearer = || {
        let whole = text(headers, "authorization")?.trim();
        let (scheme, key) = whole.split_once(' ').unwrap_or((whole, ""));
        scheme.eq_ignore_ascii_case("bearer").then_some(key)
    };
    text(headers, "x-api-key").or_else(bearer).map(str::trim)
}

/// A browser says where a request comes from. One that another site makes with our cookie may not change anything; a key or a
/// device's token is never sent by a browser itself.
pub(super) fn same_site(
    app: &App,
    headers: &HeaderMap,
    action: &Action,
    surface: &Surface,
    presented: Option<&Principal>,
) -> Result<()> {
    let exempt = match presented {
        Some(Principal::Operator(operator)) => !operator.by_session(),
        _ => false,
    };
    if surface.name != "admin" || !action.changes() || exempt {
        return Ok(());
    }
    let foreign = || Error::new(Code::CrossSite);
    if matches!(
        text(headers, "sec-fetch-site"),
        Some("cross-site" | "same-site")
    ) {
        return Err(foreign());
    }
    match text(headers, "origin") {
        Some(origin) if !app.config.is_own(origin, text(headers, "host")) => Err(foreign()),
        _ => Ok(()),
    }
}

/// Who the headers say is asking. A credential that is presented but does not hold is refused, never passed over; of
/// several the first that is named here counts.
pub(super) async fn in_headers(
    app: &App,
    surface: &Surface,
    headers: &HeaderMap,
    visit: &Visit,
    log: &mut Log,
) -> Result<Option<Principal>> {
    match surface.name {
        "widget" => {
            // A site's page is known by the key in the body alone, but a credential that does not hold is refused here as well.
            presented(app, headers, visit, log).await?;
            Ok(None)
        }
        "client" => {
            // An operator's credential opens no portal, but one that does not hold is refused here as well.
            if let Some(operator) = presented(app, headers, visit, log).await? {
                return Ok(Some(Principal::Operator(operator)));
            }
            match text(headers, "x-client-token") {
                Some(token) => Ok(Some(Principal::Client(client_user(app, token).await?))),
                None => Ok(None),
            }
        }
        _ => match operator(app, headers, visit, log).await {
            Ok(operator) => Ok(operator.map(Principal::Operator)),
            // Signing in again must work with the cookie of a session that has ended; anything else is refused later.
            Err(error) if error.code() == Code::SessionExpired => Ok(None),
            Err(error) => Err(error),
        },
    }
}

/// The operator whose key or device the headers bear. A call by a key counts against the key's limit.
async fn presented(
    app: &App,
    headers: &HeaderMap,
    visit: &Visit,
    log: &mut Log,
) -> Result<Option<Operator>> {
    if let Some(key) = api_key(headers) {
        return by_key(app, key, visit, log).await.map(Some);
    }
    match text(headers, "x-mobile-token") {
        Some(token) => by_device(app, token, visit).await.map(Some),
        None => Ok(None),
    }
}

/// The operator whose key, device or session the headers bear.
pub(super) async fn operator(
    app: &App,
    headers: &HeaderMap,
    visit: &Visit,
    log: &mut Log,
) -> Result<Option<Operator>> {
    if let Some(operator) = presented(app, headers, visit, log).await? {
        return Ok(Some(operator));
    }
    match cookie::read(headers, &app.config) {
        Some(token) => by_session(app, token).await.map(Some),
        None => Ok(None),
    }
}

/// Who the body names that goes before a session or a client token of the headers, if it names anybody.
pub(super) async fn before_session(
    app: &App,
    surface: &Surface,
    early: Option<&Principal>,
    fields: &Map<String, Value>,
    visit: &Visit,
) -> Result<Option<Principal>> {
    let goes_after = match early {
        None | Some(Principal::Client(_)) => true,
        Some(Principal::Operator(operator)) => operator.by_session(),
        Some(_) => false,
    };
    if surface.name == "widget" || !goes_after {
        return Ok(None);
    }
    let text = |name: &str| fields.get(name).map(|v| v.as_str().unwrap_or_default());
    if let Some(token) = text("mobile_token") {
        let operator = by_device(app, token, visit).await?;
        return Ok(Some(Principal::Operator(operator)));
    }
    let Some(token) = text("auth_token") else {
        return Ok(None);
    };
    app.limits.address(visit.address)?;
    if token.trim().is_empty() {
        return Err(Error::new(Code::InvalidCredential).on("auth_token"));
    }
    let domain = text("domain").unwrap_or_default();
    let visitor = bitrix24::visitor(app, domain, token, visit.address).await?;
    Ok(Some(match visitor {
        Visitor::Operator(operator) => Principal::Operator(operator),
        Visitor::Client(client) => Principal::Client(client),
    }))
}

/// Who the body of a widget's call says is asking, or why nobody is known to.
pub(super) async fn in_body(
    app: &App,
    surface: &Surface,
    fields: &Map<String, Value>,
    headers: &HeaderMap,
    visit: &Visit,
    log: &mut Log,
) -> Result<Principal> {
    if surface.name != "widget" {
        return Err(absent(app, surface, headers));
    }
    app.limits.address(visit.address)?;
    let key = fields.get("api_key").and_then(Value::as_str);
    let key = key.ok_or_else(|| Error::new(Code::NotAuthenticated).on("api_key"))?;
    let site = widget_site(app, key.to_owned()).await?;
    log.origins = Some(site.allowed_origins.clone());
    let listed = |origin| lists(&site.allowed_origins, origin);
    if !site.allowed_origins.is_empty() && !text(headers, "origin").is_none_or(listed) {
        return Err(Error::new(Code::CrossSite).on("api_key"));
    }
    Ok(Principal::Widget(site))
}

/// Whether a list of sites names the one of `origin`.
pub(super) fn lists(sites: &[String], origin: &str) -> bool {
    sites.iter().any(|site| site.eq_ignore_ascii_case(origin))
}

/// Why a request that bears no credential which holds is refused.
pub(super) fn absent(app: &App, surface: &Surface, headers: &HeaderMap) -> Error {
    let ended = surface.name == "admin" && cookie::read(headers, &app.config).is_some();
    Error::new(if ended {
        Code::SessionExpired
    } else {
        Code::NotAuthenticated
    })
}

/// The session whose token this is, as it stands. Looking does not prolong it.
pub(super) async fn session(app: &App, token: &str) -> Result<Used> {
    let hash = app.secret.hash(Purpose::Session, token);
    let found = app
        .db
        .glance(move |db| store::session(db, &hash, db.now))
        .await?;
    found.ok_or_else(|| Error::new(Code::SessionExpired))
}

/// The operator whose session a cookie bears; using it moves its end.
pub(super) async fn by_session(app: &App, token: &str) -> Result<Operator> {
    let used = session(app, token).await?;
    if used.stale
        && let Via::Session { id } = used.operator.via
    {
        let noted = app
            .db
            .write(move |tx| store::touch_session(tx, id, tx.now))
            .await;
        unnoted(noted);
    }
    Ok(used.operator)
}

/// The operator that a device acts for.
async fn by_device(app: &App, token: &str, visit: &Visit) -> Result<Operator> {
    let refused = || Error::new(Code::InvalidCredential);
    let token = MobileToken::read(token, &app.secret, app.db.clock().now());
    let Some(token) = token else {
        app.limits.address(visit.address)?;
        return Err(refused());
    };
    let found = app
        .db
        .read(move |db| mobile::operator(db, token, db.now))
        .await?;
    let (operator, is_stale) = found.ok_or_else(refused)?;
    if is_stale && let Via::Mobile { id } = operator.via {
        let address = visit.address.to_string();
        let noted = app
            .db
            .write(move |tx| mobile::touch(tx, id, &address, tx.now))
            .await;
        unnoted(noted);
    }
    Ok(operator)
}

/// The operator that an API key acts for.
async fn by_key(app: &App, key: &str, visit: &Visit, log: &mut Log) -> Result<Operator> {
    let refused = || Error::new(Code::InvalidCredential);
    if !key.starts_with("tps_") {
        return Err(refused());
    }
    let hash = app.secret.hash(Purpose::ApiKey, key);
    let found = app
        .db
        .glance(move |db| store::key(db, &hash, db.now))
        .await?;
    let Some(used) = found else {
        app.limits.address(visit.address)?;
        return Err(refused());
    };
    let limit = used.operator.limits.requests_per_minute;
    let now = app.db.clock().now();
    match app.limits.key(used.key, limit, now) {
        Ok(standing) => log.standing = Some(standing),
        Err((error, standing)) => {
            log.standing = Some(standing);
            return Err(error);
        }
    }
    if used.stale {
        let (id, address) = (used.key, visit.address.to_string());
        let noted = app
            .db
            .write(move |tx| store::touch_key(tx, id, &address, tx.now))
            .await;
        unnoted(noted);
    }
    Ok(used.operator)
}

/// A use that cannot be written down, as on a full disk, is no reason to refuse what can still be read.
fn unnoted(noted: Result<()>) {
    if let Err(error) = noted {
        tracing::warn!(%error, "the use of a credential could not be written down");
    }
}

/// The portal's user that a client token bears.
pub(super) async fn client_user(app: &App, token: &str) -> Result<ClientUser> {
    let refused = || Error::new(Code::InvalidCredential);
    let now = app.db.clock().now();
    let token = ClientToken::read(token, &app.secret, now).ok_or_else(refused)?;
    let (tenant, domain, user) = (
        TenantId(token.tenant),
        token.portal_domain.clone(),
        token.user_id,
    );
    let contact = token.contact().map(|contact| (contact, token.issued));
    let portal = app
        .db
        .read(move |db| store::portal(db, tenant, &domain, (user, contact)))
        .await?;
    let portal = portal
        .filter(|p| p.generation == token.generation && token.issued > p.ended_at)
        .ok_or_else(refused)?;
    Ok(ClientUser {
        contact: token.contact(),
        tenant,
        plan: portal.plan,
        limits: portal.limits,
        client: portal.client,
        portal_domain: token.portal_domain,
        company_name: portal.company_name,
        user_id: token.user_id,
        user_name: token.user_name,
        session: token.session,
        shared: portal.shared,
        locale: portal.locale,
    })
}

async fn widget_site(app: &App, key: String) -> Result<WidgetSite> {
    let site = app.db.read(move |db| store::widget_site(db, &key)).await?;
    site.ok_or_else(|| Error::new(Code::InvalidCredential).on("api_key"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &str)| {
            (
                hyper::header::HeaderName::from_static(name),
                value.parse().unwrap(),
            )
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn a_bearer_is_a_key_in_any_letter_case_and_no_other_scheme_is() {
        for scheme in ["Bearer", "bearer", "BEARER"] {
            let headers = headers(&[("authorization", &format!("{scheme} tps_1"))]);
            assert_eq!(api_key(&headers), Some("tps_1"));
        }
        let both = headers(&[("authorization", "Basic dTpw"), ("x-api-key", " tps_2")]);
        assert_eq!(api_key(&both), Some("tps_2"));
        assert_eq!(api_key(&headers(&[("authorization", "Basic dTpw")])), None);
        // Who announces a key and has none bears one that does not hold.
        assert_eq!(api_key(&headers(&[("authorization", "Bearer ")])), Some(""));
    }
}
