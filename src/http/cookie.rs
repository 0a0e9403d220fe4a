//! The session's cookie.
use crate::{
    clock::{DAY, SECOND},
    config::Config,
};
use hyper::{HeaderMap, header};

/// The cookie's name where the outside reaches us by plain http.
pub(crate) const NAME: &str = "tehprof_session";
/// Its name by https: the prefix makes browsers refuse one that another host or a plain page has set.
const SECURE_NAME: &str = "__Host-tehprof_session";

fn name(config: &Config) -> &'static str {
    if config.is_https() { SECURE_NAME } else { NAME }
}

fn attributes(config: &Config) -> &'static str {
    if config.is_https() {
        "; Path=/; HttpOnly; SameSite=Lax; Secure"
    } else {
        "; Path=/; HttpOnly; SameSite=Lax"
    }
}

/// `Set-Cookie` of an opened session. One that is to be remembered outlives the browser.
pub(crate) fn session(config: &Config, token: &str, remember: bool) -> String {
    let lasts = if remember {
        format!("; Max-Age={}", 30 * DAY / SECOND)
    } else {
        String::new()
    };
    format!("{}={token}{}{lasts}", name(config), attributes(config))
}

/// `Set-Cookie` that takes the session away.
pub(crate) fn gone(config: &Config) -> String {
    format!("{}={}; Max-Age=0", name(config), attributes(config))
}

/// The session's token, if the request bears one.
pub(crate) fn read<'a>(headers: &'a HeaderMap, config: &Config) -> Option<&'a str> {
    let name = name(config);
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
        .filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn the_cookie_is_secure_whenever_the_outside_is() {
        let mut config = Config::new(PathBuf::new());
        let plain = session(&config, "t", false);
        assert!(plain.starts_with("tehprof_session=t;") && !plain.contains("Secure"));
        config.public_url = Some("https://desk.example".into());
        let secure = session(&config, "t", true);
        assert!(secure.starts_with("__Host-tehprof_session=t;"));
        assert!(secure.contains("; HttpOnly; SameSite=Lax; Secure; Max-Age=2592000"));
    }

    #[test]
    fn the_token_is_found_among_other_cookies() {
        let config = Config::new(PathBuf::new());
        let mut headers = HeaderMap::new();
        headers.insert(
            header::COOKIE,
            "a=1; tehprof_session=abc; b=2".parse().unwrap(),
        );
        assert_eq!(read(&headers, &config), Some("abc"));
        headers.insert(header::COOKIE, "xtehprof_session=abc".parse().unwrap());
        assert_eq!(read(&headers, &config), None);
    }
}
