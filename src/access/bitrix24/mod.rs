//! Bitrix24: a portal's user comes in with the token that the portal gave them. Whose a portal is says a binding in
//! [`store`], never the request; the token is shown to that portal and to nobody else, and what it said is remembered for a
//! few minutes. A portal that is bound to nobody is not asked anything.
pub(crate) mod store;

use super::{
    ClientUser, Operator,
    secret::{Key, Purpose},
};
use crate::{
    app::App,
    clock::{MINUTE, Millis, SECOND},
    error::{Code, Error, Result},
    outbound_http::{Bounds, Failure},
    reach::Reach,
};
use bytes::Bytes;
use hyper::{Request, StatusCode, header};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use store::{Bound, Whose};
use tokio::sync::Semaphore;

/// How long a portal's word is taken.
const HELD: Millis = 5 * MINUTE;
/// How long its refusal is: a user who signs in anew has another token.
const REFUSED: Millis = MINUTE;
/// What is remembered at most.
const MOST: usize = 10_000;
/// How long a portal may take to answer, and how much it may say.
const LONGEST: Duration = Duration::from_secs(8);
const LARGEST: usize = 256 << 10;
/// Portals that are asked at the same time.
const AT_ONCE: usize = 16;

/// A user as their portal knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PortalUser {
    pub(crate) id: i64,
    pub(crate) name: String,
}

/// What portals said lately, by a hash of the token, and how many are being asked.
#[derive(Debug)]
pub(crate) struct Verdicts {
    known: Mutex<HashMap<Key, (Option<PortalUser>, Millis)>>,
    asking: Semaphore,
}

impl Default for Verdicts {
    fn default() -> Verdicts {
        Verdicts {
            known: Mutex::default(),
            asking: Semaphore::new(AT_ONCE),
        }
    }
}

impl Verdicts {
    fn known(&self, key: &Key, now: Millis) -> Option<Option<PortalUser>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (verdict, until) = known.get(key)?;
        (*until > now).then(|| verdict.clone())
    }

    fn learn(&self, key: Key, verdict: Option<PortalUser>, now: Millis) {
        let until = now + if verdict.is_some() { HELD } else { REFUSED };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.retain(|_, (_, until)| *until > now);
        }
        if known.len() < MOST {
            known.insert(key, (verdict, until));
        }
    }
}

/// Whom a portal's token stands for.
#[derive(Clone, Debug)]
pub(crate) enum Visitor {
    Operator(Operator),
    Client(ClientUser),
}

/// Finds out whose `token` of the portal `domain` is. Everything that makes it worthless is refused alike; a portal that
/// does not answer is said to be at fault.
pub(crate) async fn visitor(
    app: &App,
    domain: &str,
    token: &str,
    address: IpAddr,
) -> Result<Visitor> {
    let refused = || Error::new(Code::InvalidCredential).on("auth_token");
    let domain = host(domain).ok_or_else(refused)?;
    let asked = domain.clone();
    let bound = app.db.read(move |db| store::bound(db, &asked)).await?;
    let bound = bound.ok_or_else(refused)?;
    let user = user(app, &bound, &domain, token, address).await?;
    let user = user.ok_or_else(refused)?;
    let found = app.db.read(move |db| match &bound.whose {
        Whose::Tenant(portal) => {
            let trusted = bound.app_code.is_some();
            store::operator(db, (bound.tenant, *portal), user.id, trusted)
                .map(|found| found.map(Visitor::Operator))
        }
        Whose::Client(portal_domain) => {
            store::client(db, bound.tenant, portal_domain, &user).map(|c| c.map(Visitor::Client))
        }
    });
    found
        .await?
        .ok_or_else(|| Error::new(Code::PortalUserUnknown).on("auth_token"))
}

/// A portal's host as bindings know it: lower case, with its port if it has one, and nothing else of a URL.
pub(crate) fn host(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let (name, port) = match text.split_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (text.as_str(), None),
    };
    let label = |l: &str| {
        !l.is_empty()
            && l.len() <= 63
            && !l.starts_with('-')
            && !l.ends_with('-')
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let good_port =
        port.is_none_or(|p| p.parse::<u16>().is_ok_and(|n| n > 0 && p == n.to_string()));
    // An address instead of a name would be vetted, but no portal goes by one.
    let is_name = name.len() <= 253
        && name.contains('.')
        && name.split('.').all(label)
        && name.parse::<IpAddr>().is_err();
    (is_name && good_port).then_some(text)
}

/// What the portal says of a token: whose it is, or that it is nobody's.
async fn user(
    app: &App,
    bound: &Bound,
    domain: &str,
    token: &str,
    address: IpAddr,
) -> Result<Option<PortalUser>> {
    let key = app.secret.hash(
        Purpose::PortalToken,
        &json!([domain, token, bound.app_code]).to_string(),
    );
    let now = app.db.clock().now();
    if let Some(known) = app.verdicts.known(&key, now) {
        return Ok(known);
    }
    // Made-up tokens are no way to have us knock at a portal again and again.
    let tries = (domain.to_owned(), crate::caps::neighbourhood(address));
    let wait = app.portal_tries.wait(&tries, now);
    if wait > 0 {
        return Err(Error::new(Code::RateLimited).with("retry_after", wait / SECOND + 1));
    }
    let _place = app
        .verdicts
        .asking
        .try_acquire()
        .map_err(|_| Error::unavailable())?;
    let verdict = ask(app, bound, domain, token).await?;
    match verdict {
        Some(_) => app.portal_tries.succeeded(&tries),
        None => app.portal_tries.failed(tries, now),
    }
    app.verdicts.learn(key, verdict.clone(), now);
    Ok(verdict)
}

async fn ask(app: &App, bound: &Bound, domain: &str, token: &str) -> Result<Option<PortalUser>> {
    let portal = Portal {
        app,
        domain,
        token,
        reach: reach(app, bound, domain),
    };
    // A token of another application on the same portal opens that one's `profile` as well.
    if let Some(code) = &bound.app_code {
        match portal.call("app.info").await? {
            Some(info) if info["CODE"].as_str() == Some(code) => {}
            _ => return Ok(None),
        }
    }
    let Some(profile) = portal.call("profile").await? else {
        return Ok(None);
    };
    Ok(read_profile(&profile))
}

/// The user of a profile. Somebody who was dismissed has an empty one.
fn read_profile(profile: &Value) -> Option<PortalUser> {
    let id = match &profile["ID"] {
        Value::String(text) => text.parse().ok()?,
        number => number.as_i64()?,
    };
    let part = |name: &str| profile[name].as_str().unwrap_or_default().trim().to_owned();
    let name = format!("{} {}", part("NAME"), part("LAST_NAME"));
    (id > 0).then(|| PortalUser {
        id,
        name: name.trim().chars().take(200).collect(),
    })
}

/// How far the portal may be: one that an admin bound as they bind a channel, any other only in public.
fn reach(app: &App, bound: &Bound, domain: &str) -> Reach {
    if app.config.bitrix24_portals.iter().any(|(d, _)| d == domain) {
        return Reach::Anywhere;
    }
    match bound.is_explicit {
        true => app.config.private_targets.of_channels(),
        false => app.config.private_targets.of_others(),
    }
}

struct Portal<'a> {
    app: &'a App,
    domain: &'a str,
    token: &'a str,
    reach: Reach,
}

impl Portal<'_> {
    /// Calls a method with the token: its result, or nothing if the portal does not take the token.
    async fn call(&self, method: &str) -> Result<Option<Value>> {
        let named = self.app.config.bitrix24_portals.iter();
        let base = named
            .filter(|(domain, _)| domain == self.domain)
            .map(|(_, url)| url.trim_end_matches('/').to_owned())
            .next()
            .unwrap_or_else(|| format!("https://{}", self.domain));
        let request = Request::post(format!("{base}/rest/{method}.json"))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json")
            .body(Bytes::from(json!({ "auth": self.token }).to_string()))
            .map_err(Error::internal)?;
        let bounds = Bounds {
            reach: self.reach,
            longest: LONGEST,
            most: LARGEST,
        };
        let answer = self
            .app
            .outbound_http
            .send(request, bounds)
            .await
            .map_err(|failure| self.silent(&failure))?;
        let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        let says_no = matches!(
            answer.status(),
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
        );
        match (&body["result"], body["error"].as_str()) {
            (result @ (Value::Object(_) | Value::Array(_)), None) if answer.status() == 200 => {
                Ok(Some(result.clone()))
            }
            (_, Some(error)) if says_no || answer.status() == 200 => {
                tracing::debug!(
                    portal = self.domain,
                    error,
                    "a portal does not take a token"
                );
                Ok(None)
            }
            // Busy, moved, closed, or no portal at all.
            _ => Err(self.at_fault(&format!("status {}", answer.status().as_u16()))),
        }
    }

    fn silent(&self, failure: &Failure) -> Error {
        self.at_fault(&failure.to_string())
    }

    fn at_fault(&self, why: &str) -> Error {
        tracing::warn!(
            portal = self.domain,
            why,
            "a portal could not be asked about a token"
        );
        Error::new(Code::PortalUnavailable)
            .on("domain")
            .with("domain", self.domain)
    }
}

#[cfg(feature = "fuzzing")]
/// Reads what a portal says of somebody.
pub(crate) fn strange(profile: &Value) {
    if let Some(user) = read_profile(profile) {
        assert!(user.id > 0 && user.name.chars().count() <= 200);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_portal_s_host_is_a_name_and_nothing_else() {
        assert_eq!(
            host(" Romashka.Bitrix24.KZ ").as_deref(),
            Some("romashka.bitrix24.kz")
        );
        assert_eq!(
            host("portal.zavod.local:8443").as_deref(),
            Some("portal.zavod.local:8443")
        );
        for bad in [
            "",
            "localhost",
            "127.0.0.1",
            "127.0.0.1:80",
            "[::1]:80",
            "https://romashka.bitrix24.kz",
            "romashka.bitrix24.kz/rest",
            "user@romashka.bitrix24.kz",
            "romashka.bitrix24.kz@evil.com",
            "romashka.bitrix24.kz:0",
            "romashka.bitrix24.kz:080",
            "romashka.bitrix24.kz:80:80",
            "romashka..kz",
            "romashka.bitrix24.kz.",
            "-a.kz",
            "рома.kz",
            "a.kz#b",
            "a.kz?b",
        ] {
            assert_eq!(host(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_profile_is_read_as_portals_of_all_ages_write_it() {
        let read = |profile| read_profile(&profile);
        let aliya = Some(PortalUser {
            id: 7,
            name: "Алия Сейт".into(),
        });
        assert_eq!(
            read(json!({ "ID": "7", "NAME": "Алия", "LAST_NAME": "Сейт" })),
            aliya
        );
        assert_eq!(
            read(json!({ "ID": 7, "NAME": " Алия", "LAST_NAME": "Сейт " })),
            aliya
        );
        for nobody in [
            json!([]),
            json!({}),
            json!({ "ID": "" }),
            json!({ "ID": 0 }),
        ] {
            assert_eq!(read(nobody), None);
        }
    }

    #[test]
    fn a_verdict_is_taken_for_a_while() {
        let verdicts = Verdicts::default();
        let user = Some(PortalUser {
            id: 7,
            name: String::new(),
        });
        verdicts.learn([1; 32], user.clone(), 0);
        verdicts.learn([2; 32], None, 0);
        assert_eq!(verdicts.known(&[1; 32], HELD - 1), Some(user));
        assert_eq!(verdicts.known(&[1; 32], HELD), None);
        assert_eq!(verdicts.known(&[2; 32], REFUSED - 1), Some(None));
        assert_eq!(verdicts.known(&[2; 32], REFUSED), None);
    }
}
