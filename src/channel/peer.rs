//! Calls of a messenger's server: JSON or a form with files there, JSON back. What goes wrong is told in words that name the
//! host and never the path, where tokens stand.
use super::messenger::Sent;
use crate::{
    access::secret::random_text,
    app::App,
    clock::{Millis, SECOND},
    outbound_http::{Bounds, Failure},
};
use bytes::Bytes;
use hyper::{Method, Request, header};
use serde_json::Value;
use std::time::Duration;

/// The largest answer that is no file.
const MOST: usize = 8 << 20;
/// How long a call may take in which a file is sent.
pub(crate) const LONG: Duration = Duration::from_secs(180);
/// How long any other may take.
pub(crate) const SHORT: Duration = Duration::from_secs(30);

/// What is sent with a call.
pub(crate) enum Body {
    None,
    Json(Value),
    Form(Form),
}

/// A call.
pub(crate) struct Call<'a> {
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) headers: &'a [(&'static str, &'a str)],
    pub(crate) body: Body,
    pub(crate) longest: Duration,
    pub(crate) most: usize,
}

impl<'a> Call<'a> {
    pub(crate) fn new(method: Method, url: String) -> Call<'a> {
        Call {
            method,
            url,
            headers: &[],
            body: Body::None,
            longest: SHORT,
            most: MOST,
        }
    }

    pub(crate) fn post(url: String, body: Value) -> Call<'a> {
        Call {
            body: Body::Json(body),
            ..Call::new(Method::POST, url)
        }
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// How long to wait, as the server says.
    pub(crate) retry_after: Option<Millis>,
    pub(crate) bytes: Bytes,
}

impl Reply {
    pub(crate) fn is_ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The answer as JSON; null if it is none, as a proxy's page.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or(Value::Null)
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Silence {
    pub(crate) why: String,
    /// Nobody was reached, so nobody has heard anything.
    pub(crate) is_unheard: bool,
}

impl From<Failure> for Silence {
    fn from(failure: Failure) -> Silence {
        Silence {
            why: failure.to_string(),
            is_unheard: matches!(failure, Failure::Unreachable(..)),
        }
    }
}

impl From<Silence> for String {
    fn from(silence: Silence) -> String {
        silence.why
    }
}

impl From<Silence> for Sent {
    fn from(Silence { why, is_unheard }: Silence) -> Sent {
        match is_unheard {
            true => Sent::Unreached { why },
            false => Sent::Retry { why },
        }
    }
}

/// Makes a call.
pub(crate) async fn ask(app: &App, call: Call<'_>) -> Result<Reply, Silence> {
    let mut request = Request::builder()
        .method(call.method)
        .uri(&call.url)
        .header(header::ACCEPT, "application/json");
    for (name, value) in call.headers {
        request = request.header(*name, *value);
    }
    let (kind, bytes) = match call.body {
        Body::None => (None, Bytes::new()),
        Body::Json(value) => (
            Some("application/json".to_owned()),
            value.to_string().into(),
        ),
        Body::Form(form) => {
            let (kind, bytes) = form.end();
            (Some(kind), bytes)
        }
    };
    if let Some(kind) = kind {
        request = request.header(header::CONTENT_TYPE, kind);
    }
    let request = request.body(bytes).map_err(|_| Failure::Address)?;
    let bounds = Bounds {
        reach: app.config.private_targets.of_channels(),
        longest: call.longest,
        most: call.most,
    };
    let answer = app.outbound_http.send(request, bounds).await?;
    let retry_after = answer
        .headers()
        .get(header::RETRY_AFTER)
        .and_then(|v| v.to_str().ok()?.trim().parse::<Millis>().ok())
        .map(|seconds| seconds.clamp(0, 86_400) * SECOND);
    Ok(Reply {
        status: answer.status().as_u16(),
        retry_after,
        bytes: answer.into_body(),
    })
}

/// A `multipart/form-data` body.
pub(crate) struct Form {
    boundary: String,
    bytes: Vec<u8>,
}

impl Form {
    pub(crate) fn new() -> Form {
        let random = random_text(24).unwrap_or_default();
        Form {
            boundary: format!("----tehprof{random}"),
            bytes: Vec::new(),
        }
    }

    fn head(&mut self, head: &str) {
        let begin = format!("--{}\r\n{head}\r\n\r\n", self.boundary);
        self.bytes.extend_from_slice(begin.as_bytes());
    }

    pub(crate) fn text(mut self, name: &str, value: &str) -> Form {
        self.head(&format!("Content-Disposition: form-data; name=\"{name}\""));
        self.bytes.extend_from_slice(value.as_bytes());
        self.bytes.extend_from_slice(b"\r\n");
        self
    }

    /// Adds a file. Its name goes as UTF-8; what would end the name is written as browsers do.
    pub(crate) fn file(mut self, name: &str, file_name: &str, mime: &str, bytes: &[u8]) -> Form {
        let shown = file_name
            .replace('"', "%22")
            .replace('\r', "%0D")
            .replace('\n', "%0A");
        let mime: String = mime.chars().filter(|c| c.is_ascii_graphic()).collect();
        let mime = if mime.contains('/') {
            mime.as_str()
        } else {
            "application/octet-stream"
        };
        self.head(&format!(
            "Content-Disposition: form-data; name=\"{name}\"; filename=\"{shown}\"\r\nContent-Type: {mime}"
        ));
        self.bytes.extend_from_slice(bytes);
        self.bytes.extend_from_slice(b"\r\n");
        self
    }

    fn end(mut self) -> (String, Bytes) {
        let end = format!("--{}--\r\n", self.boundary);
        self.bytes.extend_from_slice(end.as_bytes());
        let kind = format!("multipart/form-data; boundary={}", self.boundary);
        (kind, self.bytes.into())
    }
}
