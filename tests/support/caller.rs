//! Somebody who calls the API: the receiver of each call in a test.
use super::http::{self, File, Reply, Request};
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    sync::{Arc, RwLock},
};

/// Where the program listens at the moment: it is another port after a restart.
pub(crate) type Address = Arc<RwLock<SocketAddr>>;

/// Somebody with a credential, or with none.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    address: Address,
    endpoint: &'static str,
    headers: Vec<(String, String)>,
    /// The widget's key, which goes into each body.
    api_key: Option<String>,
}

impl Caller {
    /// Somebody without a credential at `admin`, `client` or `widget`.
    pub(crate) fn nobody(address: &Address, endpoint: &'static str) -> Caller {
        Caller {
            address: Arc::clone(address),
            endpoint,
            headers: Vec::new(),
            api_key: None,
        }
    }

    /// The bearer of an API key.
    pub(crate) fn with_key(address: &Address, key: &str) -> Caller {
        Caller::nobody(address, "admin").header("x-api-key", key)
    }

    /// The bearer of a client token.
    pub(crate) fn with_token(address: &Address, token: &str) -> Caller {
        Caller::nobody(address, "client").header("x-client-token", token)
    }

    /// A visitor of a site with the widget.
    pub(crate) fn visitor(address: &Address, widget_key: &str) -> Caller {
        let mut visitor = Caller::nobody(address, "widget");
        visitor.api_key = Some(widget_key.to_owned());
        visitor
    }

    /// Signs in and keeps the session's cookie.
    #[track_caller]
    pub(crate) fn sign_in(address: &Address, login: &str, password: &str) -> Caller {
        let nobody = Caller::nobody(address, "admin");
        let reply = nobody.ask(
            "admin_login",
            &json!({ "login": login, "password": password }),
        );
        reply.data();
        let cookie = reply
            .header("set-cookie")
            .expect("signing in sets a cookie");
        nobody.header("cookie", cookie.split(';').next().unwrap_or_default())
    }

    /// The same caller, whose every call bears one more header.
    pub(crate) fn header(&self, name: &str, value: &str) -> Caller {
        let mut other = self.clone();
        other.headers.retain(|(known, _)| known != name);
        other.headers.push((name.to_owned(), value.to_owned()));
        other
    }

    /// The same credential at another endpoint.
    pub(crate) fn at(&self, endpoint: &'static str) -> Caller {
        Caller {
            endpoint,
            ..self.clone()
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        *self.address.read().unwrap()
    }

    /// A value of this caller's headers.
    pub(crate) fn credential(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    /// A request with this caller's headers.
    pub(crate) fn request(&self, method: &str, path: &str) -> Request {
        let mut request = Request::new(method, path);
        request.headers.clone_from(&self.headers);
        request
    }

    fn fields(&self, body: &Value) -> Value {
        let mut body = body.clone();
        if let Some(key) = &self.api_key {
            body["api_key"] = key.as_str().into();
        }
        body
    }

    /// The path of an action.
    pub(crate) fn path(&self, action: &str) -> String {
        format!("/api/{}.php/{action}", self.endpoint)
    }

    /// The request that calls an action.
    pub(crate) fn calling(&self, action: &str, body: &Value) -> Request {
        self.request("POST", &self.path(action))
            .json(&self.fields(body))
    }

    /// Calls an action and answers whatever comes back.
    #[track_caller]
    pub(crate) fn ask(&self, action: &str, body: &Value) -> Reply {
        self.send(&self.calling(action, body))
    }

    #[track_caller]
    pub(crate) fn send(&self, request: &Request) -> Reply {
        http::send(self.address(), request)
            .unwrap_or_else(|error| panic!("{} {}: {error}", request.method, request.path))
    }

    /// Calls an action that must succeed, and answers its data.
    #[track_caller]
    pub(crate) fn call(&self, action: &str, body: Value) -> Value {
        self.ask(action, &body).data()
    }

    /// Calls an action that must be refused: the status and the code.
    #[track_caller]
    pub(crate) fn refused(&self, action: &str, body: Value) -> (u16, String) {
        let reply = self.ask(action, &body);
        (reply.status, reply.code())
    }

    /// Calls an action with files.
    #[track_caller]
    pub(crate) fn upload(&self, action: &str, fields: Value, files: &[File<'_>]) -> Reply {
        let request = self.request("POST", &self.path(action));
        self.send(&request.multipart(&self.fields(&fields), files))
    }

    /// Fetches a path with this caller's credential.
    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Reply {
        self.send(&self.request("GET", path))
    }
}
