//! What is refused before anything looks at a request: whatever a proxy in front of us may have read differently than we
//! do, and methods that nothing here takes.
use super::{
    answer::{self, Answer, set},
    api::Visit,
};
use crate::{
    config::Config,
    error::{Code, Error},
};
use hyper::{
    HeaderMap, Method, Request, Version,
    header::{self, HeaderValue},
};
use std::net::IpAddr;

/// What a request that is refused is told; its connection ends.
pub(super) fn refuse(code: Code, visit: &Visit) -> Answer {
    let mut refused = answer::error(&Error::new(code), visit.lang, &visit.request_id);
    set(&mut refused, header::CONNECTION, "close");
    if code == Code::MethodNotAllowed {
        set(&mut refused, header::ALLOW, "GET, HEAD, POST, OPTIONS");
    }
    refused
}

/// Puts a request of HTTP/2, which names the host beside the headers and may split the cookies, into the form that HTTP/1
/// sends.
pub(super) fn settle<B>(request: &mut Request<B>) {
    if request.version() != Version::HTTP_2 {
        return;
    }
    let named = request.uri().authority().map(|a| a.as_str().to_owned());
    let headers = request.headers_mut();
    if let Some(host) = named.and_then(|named| HeaderValue::from_str(&named).ok())
        && !headers.contains_key(header::HOST)
    {
        headers.insert(header::HOST, host);
    }
    let crumbs: Vec<&[u8]> = headers
        .get_all(header::COOKIE)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    if crumbs.len() > 1
        && let Ok(whole) = HeaderValue::from_bytes(&crumbs.join(&b"; "[..]))
    {
        headers.insert(header::COOKIE, whole);
    }
}

/// Why a request is refused, if it is.
pub(super) fn fault<B>(request: &Request<B>) -> Option<Code> {
    if matches!(*request.method(), Method::TRACE | Method::CONNECT) {
        return Some(Code::MethodNotAllowed);
    }
    let headers = request.headers();
    if !names_one_host(request, headers) {
        return Some(Code::BadRequest);
    }
    // Packed bodies are not unpacked, so none can burst.
    let packed = headers
        .get(header::CONTENT_ENCODING)
        .is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"));
    packed.then_some(Code::UnsupportedMediaType)
}

/// Whether a request is for somebody else than us. Whoever set up a trusted proxy has seen to that there.
pub(super) fn is_astray<B>(request: &Request<B>, config: &Config, peer: IpAddr) -> bool {
    let host = request.headers().get(header::HOST);
    let named = host.map(|host| host.to_str().unwrap_or_default());
    !config.trusted_proxies.contains(&peer) && named.is_some_and(|host| !config.answers_to(host))
}

/// Whether a request says once and in one voice which host it is for (RFC 9112, section 3.2).
fn names_one_host<B>(request: &Request<B>, headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, None) => request.version() < Version::HTTP_11,
        (Some(host), None) => request.uri().authority().is_none_or(|named| {
            host.to_str()
                .is_ok_and(|host| host.eq_ignore_ascii_case(named.as_str()))
        }),
        _ => false,
    }
}

#[cfg(feature = "fuzzing")]
/// Judges a request with the method, the address and the headers that the lines of a text name.
pub(super) fn strange(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines();
    let mut first = lines.next().unwrap_or_default().split(' ');
    let mut request = Request::builder();
    if let (Some(method), Some(uri)) = (first.next(), first.next()) {
        request = request.method(method).uri(uri);
    }
    if first.next() == Some("HTTP/2") {
        request = request.version(Version::HTTP_2);
    }
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        request = request.header(name, value.trim());
    }
    let Ok(mut request) = request.body(()) else {
        return;
    };
    settle(&mut request);
    let mut config = Config::new(std::path::PathBuf::new());
    config.public_url = Some("https://desk.example".to_owned());
    let peer = IpAddr::from([127, 0, 0, 1]);
    let _ = (fault(&request), is_astray(&request, &config, peer));
    let _ = super::body::Kind::of(request.headers());
    let forwarded = request.headers().get("x-forwarded-for");
    let _ = config.origin_of(peer, forwarded.and_then(|v| v.to_str().ok()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(method: &str, uri: &str, headers: &[(&str, &str)]) -> Option<u16> {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        fault(&request.body(()).unwrap()).map(Code::status)
    }

    #[test]
    fn a_request_names_its_host_once_and_in_one_voice() {
        assert_eq!(ask("GET", "/", &[("host", "a")]), None);
        assert_eq!(ask("GET", "/", &[]), Some(400));
        assert_eq!(ask("GET", "/", &[("host", "a"), ("host", "b")]), Some(400));
        assert_eq!(ask("GET", "http://a/x", &[("host", "A")]), None);
        assert_eq!(ask("GET", "http://evil/x", &[("host", "a")]), Some(400));
    }

    #[test]
    fn methods_and_codings_that_nothing_takes_are_refused() {
        assert_eq!(ask("TRACE", "/", &[("host", "a")]), Some(405));
        assert_eq!(ask("CONNECT", "a:443", &[("host", "a:443")]), Some(405));
        let packed = [("host", "a"), ("content-encoding", "gzip")];
        assert_eq!(ask("POST", "/", &packed), Some(415));
        let plain = [("host", "a"), ("content-encoding", "identity")];
        assert_eq!(ask("POST", "/", &plain), None);
    }

    #[test]
    fn a_request_of_http_2_is_read_as_one_of_http_1() {
        let mut request = Request::builder()
            .version(Version::HTTP_2)
            .uri("https://desk.test/x")
            .header("cookie", "a=1")
            .header("cookie", "b=2")
            .body(())
            .unwrap();
        settle(&mut request);
        assert_eq!(fault(&request), None);
        assert_eq!(request.headers()["host"], "desk.test");
        assert_eq!(request.headers()["cookie"], "a=1; b=2");
    }
}
