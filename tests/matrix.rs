//! Every action against every way to be refused that the document tells of: the list of actions is the document's own, so
//! a new one is asked as soon as it is there. Refused calls change nothing.
use crate::support::{Caller, Desk, desk::PASSWORD};
use serde_json::{Map, Value, json};

/// What the document says of an action.
struct Row {
    surface: &'static str,
    name: String,
    described: Value,
    /// Its parameters, by name.
    properties: Map<String, Value>,
    required: Vec<String>,
}

impl Row {
    fn example(&self) -> Value {
        self.described["requestBody"]["content"]["application/json"]["example"].clone()
    }

    fn role(&self) -> &str {
        self.described["x-role"].as_str().unwrap()
    }

    fn plan(&self) -> &str {
        self.described["x-plan"].as_str().unwrap()
    }

    fn scopes(&self) -> Vec<&str> {
        let scopes = self.described["x-scopes"].as_array().unwrap();
        scopes.iter().map(|s| s.as_str().unwrap()).collect()
    }

    fn takes_keys(&self) -> bool {
        self.described["x-key"] == true
    }

    fn is_for_operators(&self) -> bool {
        self.surface == "admin" && self.role() != "anyone"
    }
}

/// Every action of the served document.
fn rows(desk: &Desk) -> Vec<Row> {
    let document = desk.nobody().get("/api/openapi.json").json();
    let mut rows = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let (endpoint, name) = path
            .strip_prefix("/api/")
            .unwrap()
            .split_once(".php/")
            .unwrap();
        let surface = ["admin", "client", "widget"]
            .into_iter()
            .find(|s| *s == endpoint)
            .unwrap();
        let described = item["post"].clone();
        let mut schema = described["requestBody"]["content"]["application/json"]["schema"].clone();
        if let Some(place) = schema["$ref"].as_str() {
            schema = document.pointer(&place[1..]).unwrap().clone();
        }
        let required = schema["required"].as_array().into_iter().flatten();
        rows.push(Row {
            surface,
            name: name.to_owned(),
            required: required.map(|r| r.as_str().unwrap().to_owned()).collect(),
            properties: schema["properties"]
                .as_object()
                .cloned()
                .unwrap_or_default(),
            described,
        });
    }
    rows
}

/// What must not change when a call is refused. Sessions and buckets note that somebody was there.
fn stored(desk: &Desk) -> Vec<i64> {
    [
        "ticket",
        "message",
        "event",
        "audit_log",
        "operator",
        "client",
        "contact",
        "channel",
        "tag",
        "outbox",
        "file",
    ]
    .iter()
    .map(|table| desk.count(&format!("select count(*) from {table}")))
    .collect()
}

const SCOPES: [&str; 6] = [
    "read", "write", "tickets", "messages", "clients", "webhooks",
];

#[test]
fn a_key_that_lacks_any_one_scope_is_told_which() {
    let desk = Desk::open();
    let rows = rows(&desk);
    let before = stored(&desk);
    let mut tried = 0;
    for lacking in SCOPES {
        let rest: Vec<&str> = SCOPES.into_iter().filter(|s| *s != lacking).collect();
        let key = desk.key_of("acme", &rest.join(","));
        for row in rows.iter().filter(|row| row.scopes().contains(&lacking)) {
            let reply = key.ask(&row.name, &row.example());
            let told = (
                reply.status,
                reply.code(),
                reply.json()["required_scope"].clone(),
            );
            assert_eq!(
                told,
                (403, "missing_scope".to_owned(), json!(lacking)),
                "{} without {lacking}",
                row.name
            );
            tried += 1;
        }
    }
    assert!(tried > 50, "{tried}");
    assert_eq!(stored(&desk), before);
}

#[test]
fn a_key_never_reaches_what_is_for_sessions_whatever_its_owner_is() {
    let desk = Desk::open();
    let before = stored(&desk);
    for row in rows(&desk) {
        if !row.is_for_operators() || row.takes_keys() {
            continue;
        }
        let refused = desk.key.refused(&row.name, row.example());
        assert_eq!(refused, (403, "session_only".to_owned()), "{}", row.name);
    }
    assert_eq!(stored(&desk), before);
}

#[test]
fn a_role_below_the_action_s_is_told_which_it_takes() {
    let desk = Desk::open();
    let ladder = ["operator", "supervisor", "admin", "head_admin"];
    let rank = |role: &str| ladder.iter().position(|r| *r == role).unwrap();
    let people = [
        ("operator", &desk.omar),
        ("supervisor", &desk.saule),
        ("admin", &desk.alia),
    ];
    let before = stored(&desk);
    let mut tried = 0;
    for row in rows(&desk).iter().filter(|row| row.is_for_operators()) {
        for (role, who) in people {
            if rank(role) >= rank(row.role()) {
                continue;
            }
            let reply = who.ask(&row.name, &row.example());
            let told = (
                reply.status,
                reply.code(),
                reply.json()["required_role"].clone(),
            );
            let expected = (403, "role_required".to_owned(), json!(row.role()));
            assert_eq!(told, expected, "{} as {role}", row.name);
            tried += 1;
        }
    }
    assert!(tried > 30, "{tried}");
    assert_eq!(stored(&desk), before);
}

#[test]
fn a_plan_below_the_action_s_is_told_which_it_takes() {
    let desk = Desk::open();
    let ladder = ["free", "starter", "pro", "business", "enterprise"];
    let rank = |plan: &str| ladder.iter().position(|p| *p == plan).unwrap();
    let rows = rows(&desk);
    for plan in ladder {
        desk.dir
            .run(&["tenant", "update", "acme", "--plan", plan], "");
        let before = stored(&desk);
        for row in rows.iter().filter(|row| {
            row.is_for_operators() && row.role() != "head_admin" && rank(row.plan()) > rank(plan)
        }) {
            let reply = desk.alia.ask(&row.name, &row.example());
            let told = (
                reply.status,
                reply.code(),
                reply.json()["required_plan"].clone(),
            );
            let expected = (403, "plan_required".to_owned(), json!(row.plan()));
            assert_eq!(told, expected, "{} on {plan}", row.name);
        }
        assert_eq!(stored(&desk), before, "on {plan}");
    }
}

#[test]
fn a_key_beyond_its_rate_is_told_to_wait_at_every_action() {
    let desk = Desk::open();
    desk.dir
        .run(&["tenant", "update", "acme", "--plan", "pro"], "");
    let key = desk.key_of("acme", "read,write,tickets,messages,clients");
    let spent = (0..400).any(|_| key.ask("list_tags", &json!({})).status == 429);
    assert!(spent, "the plan's rate has no end");
    let before = stored(&desk);
    for row in rows(&desk).iter().filter(|row| row.takes_keys()) {
        let reply = key.ask(&row.name, &row.example());
        if reply.status != 429 {
            // A slow machine fills the bucket again by a call now and then.
            let spent = (0..20).any(|_| key.ask(&row.name, &json!({})).status == 429);
            assert!(spent, "{}", row.name);
            continue;
        }
        assert_eq!(reply.code(), "rate_limited", "{}", row.name);
        let wait: u64 = reply.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait), "{}: {wait}", row.name);
        assert_eq!(
            reply.header("ratelimit-remaining"),
            Some("0"),
            "{}",
            row.name
        );
    }
    assert!(stored(&desk)[0] <= before[0] + 1);
}

/// Somebody who may call an action as far as the credential goes.
fn entitled<'a>(
    desk: &'a Desk,
    row: &Row,
    client: &'a Caller,
    visitor: &'a Caller,
) -> Option<&'a Caller> {
    match (row.surface, row.role()) {
        ("client", _) => Some(client),
        ("widget", _) => Some(visitor),
        // Whoever is anybody is asked by name in other tests; the head of the installation is another tenant's.
        (_, "anyone" | "head_admin") => None,
        _ => Some(&desk.alia),
    }
}

/// Whether a value of this kind is surely none of the schema's.
fn is_surely_wrong(schema: &Value, value: &Value) -> bool {
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => return false,
    };
    match value {
        Value::Object(_) => !kinds.contains(&"object"),
        Value::Array(_) => !kinds.contains(&"array"),
        // A number may also come as text, so only text that is no number counts.
        Value::String(_) => {
            !kinds.contains(&"string") && !kinds.contains(&"object") && !kinds.contains(&"array")
        }
        _ => false,
    }
}

#[test]
fn a_parameter_that_is_missing_or_of_the_wrong_kind_is_named_at_every_action() {
    let desk = Desk::open();
    let (client, visitor) = (desk.client("client.example", 1, "Иван"), desk.visitor());
    desk.ticket("Первая");
    let before = stored(&desk);
    let (mut missing, mut wrong) = (0, 0);
    for row in rows(&desk) {
        let Some(who) = entitled(&desk, &row, &client, &visitor) else {
            continue;
        };
        // Signing out takes nothing, and would leave nobody signed in.
        if row.name == "admin_logout" {
            continue;
        }
        for name in row.required.iter().filter(|name| *name != "api_key") {
            let mut body = row.example();
            body.as_object_mut().unwrap().remove(name);
            let reply = who.ask(&row.name, &body);
            let told = (reply.status, reply.code(), reply.json()["field"].clone());
            let expected = (400, "missing_parameter".to_owned(), json!(name));
            assert_eq!(
                told, expected,
                "{} {} without {name}",
                row.surface, row.name
            );
            missing += 1;
        }
        for (name, schema) in row.properties.iter().filter(|(name, _)| *name != "api_key") {
            for value in [json!({ "x": 1 }), json!([[1]]), json!("не то")] {
                if !is_surely_wrong(schema, &value) {
                    continue;
                }
                let mut body = row.example();
                body[name] = value.clone();
                let reply = who.ask(&row.name, &body);
                let answer = reply.json();
                let field = answer["field"].as_str().unwrap_or_default();
                let named = field == name
                    || field.starts_with(&format!("{name}."))
                    || field.starts_with(&format!("{name}["));
                assert!(
                    reply.status == 400 && reply.code() == "invalid_parameter" && named,
                    "{} {} with {name} = {value}: {} {answer}",
                    row.surface,
                    row.name,
                    reply.status
                );
                wrong += 1;
            }
        }
    }
    assert!(missing > 60 && wrong > 150, "{missing} {wrong}");
    assert_eq!(stored(&desk), before);
}

#[test]
fn a_body_of_another_language_or_depth_is_refused_at_every_endpoint() {
    let desk = Desk::open();
    let deep = format!(
        "{{\"action\":\"list_tickets\",\"search\":{}1{}}}",
        "[".repeat(60_000),
        "]".repeat(60_000)
    );
    for endpoint in ["admin", "client", "widget"] {
        for (kind, body, status) in [
            ("application/json", "[1]".to_owned(), 400),
            ("application/json", "{\"action\":".to_owned(), 400),
            ("application/json", deep.clone(), 400),
            ("application/xml", "<a/>".to_owned(), 415),
        ] {
            let mut request = desk
                .nobody()
                .request("POST", &format!("/api/{endpoint}.php"));
            request.headers.push(("content-type".into(), kind.into()));
            request.body = body.into_bytes();
            let reply = desk.nobody().send(&request);
            assert_eq!(reply.status, status, "{endpoint} {kind}: {}", reply.text());
        }
    }
    // The same process still answers.
    let again = Caller::sign_in(&desk.address(), "omar@acme.example", PASSWORD);
    assert_eq!(again.call("me", json!({}))["tenant"]["name"], "acme");
    assert_eq!(desk.alarms(), Vec::<String>::new());
}
