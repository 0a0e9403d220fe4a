//! Answers: JSON, errors, redirects, and the headers that every answer bears.
use crate::{
    error::{Code, Error},
    lang::Lang,
    report::sheet::{self, Download},
};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::{
    Response, StatusCode,
    header::{self, HeaderName, HeaderValue},
};
use serde_json::{Map, Value};
use std::io;

/// The body of every answer: whole, or a stream of a file or of events.
pub(crate) type Body = UnsyncBoxBody<Bytes, io::Error>;
pub(crate) type Answer = Response<Body>;

pub(crate) fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into())
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// An answer of one piece.
pub(crate) fn answer(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(whole(body));
    *answer.status_mut() = status;
    set(&mut answer, header::CONTENT_TYPE, kind);
    answer
}

pub(crate) fn empty(status: StatusCode) -> Answer {
    let mut answer = Response::new(whole(Bytes::new()));
    *answer.status_mut() = status;
    answer
}

/// Sets a header; a value that cannot stand in one is left out.
pub(crate) fn set(answer: &mut Answer, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
}

const JSON: &str = "application/json; charset=utf-8";

/// `{"ok":true,"data":…}` around data that is already JSON.
pub(crate) fn data(json: &[u8]) -> Answer {
    let mut body = Vec::with_capacity(json.len() + 20);
    body.extend_from_slice(br#"{"ok":true,"data":"#);
    body.extend_from_slice(json);
    body.push(b'}');
    answer(StatusCode::OK, JSON, body)
}

/// A file to save.
pub(crate) fn download(file: Download) -> Answer {
    let kind = if file.mime == sheet::CSV {
        "text/csv; charset=utf-8; header=present"
    } else {
        file.mime
    };
    let mut answer = answer(StatusCode::OK, kind, file.bytes);
    let name = format!("attachment; filename=\"{}\"", file.name);
    set(&mut answer, header::CONTENT_DISPOSITION, &name);
    set(&mut answer, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    answer
}

/// A value as it is.
pub(crate) fn json(value: &Value) -> Answer {
    answer(StatusCode::OK, JSON, value.to_string())
}

/// 405: this address takes only the methods of `allowed`.
pub(crate) fn wrong_method(allowed: &str, lang: Lang, request_id: &str) -> Answer {
    let mut refusal = error(&Error::new(Code::MethodNotAllowed), lang, request_id);
    set(&mut refusal, header::ALLOW, allowed);
    refusal
}

/// `{"ok":false,…}`: a sentence in `lang`, the code, the field at fault and whatever helps.
pub(crate) fn error(error: &Error, lang: Lang, request_id: &str) -> Answer {
    let code = error.code();
    let mut body = Map::new();
    body.insert("ok".into(), false.into());
    let sentence = if code == Code::Internal {
        Error::new(code)
            .with("request_id", request_id)
            .sentence(lang)
    } else {
        error.sentence(lang)
    };
    body.insert("error".into(), sentence.into());
    body.insert("code".into(), code.name().into());
    if let Some(field) = error.field() {
        body.insert("field".into(), field.into());
    }
    body.extend(error.details().clone());
    if code.status() >= 500 {
        body.insert("request_id".into(), request_id.into());
    }
    let status = StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = answer(status, JSON, Value::Object(body).to_string());
    if let Some(seconds) = error.detail("retry_after") {
        set(&mut answer, header::RETRY_AFTER, &seconds.to_string());
    }
    answer
}
