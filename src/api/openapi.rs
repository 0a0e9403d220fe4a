//! The OpenAPI 3.1 document, made from the registry. The reference page and the front end's types are made from it.
use super::{Action, SURFACES, Surface};
use crate::{
    access::rules::{Audience, Role},
    error::Code,
};
use schemars::{Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

/// The document that describes every action of every endpoint.
pub(crate) fn document() -> Value {
    // What goes in and what comes out differ in what must be there: an answer always has a field that may be null.
    let settings = || {
        SchemaSettings::draft2020_12().with(|s| s.definitions_path = "/components/schemas".into())
    };
    let mut inputs = settings().into_generator();
    let mut outputs = settings().for_serialize().into_generator();
    let mut paths = Map::new();
    let mut tags = Vec::new();
    for surface in SURFACES {
        for (group, _) in surface.groups {
            let tag = json!({ "name": format!("{}: {group}", surface.name) });
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        for (group, action) in surface.actions() {
            let input = (action.input)(&mut inputs);
            let output = (action.output)(&mut outputs);
            let required = required(&input, &inputs);
            let operation = operation(
                surface,
                group,
                action,
                &input.into(),
                &output.into(),
                &required,
            );
            let path = format!("/api/{}.php/{}", surface.name, action.name);
            paths.insert(path, json!({ "post": operation }));
        }
    }
    let mut components = inputs.take_definitions(true);
    components.extend(outputs.take_definitions(true));
    components.insert("Error".into(), error_schema());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "tehprof",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Every action is also reached by POST to its endpoint with \"action\" in the body: {\"action\": \"list_tickets\"} to /api/admin.php."
        },
        "servers": [{ "url": "/" }],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "apiKey": { "type": "apiKey", "in": "header", "name": "X-Api-Key" },
                "session": { "type": "apiKey", "in": "cookie", "name": crate::http::cookie::NAME },
                "mobileToken": { "type": "apiKey", "in": "header", "name": "X-Mobile-Token" },
                "clientToken": { "type": "apiKey", "in": "header", "name": "X-Client-Token" }
            }
        }
    })
}

/// The parameters that an input must have, whether its schema stands there or is referred to.
fn required(input: &Schema, generator: &SchemaGenerator) -> Vec<String> {
    let input: &Value = input.as_value();
    let named = input["$ref"].as_str().and_then(|r| r.rsplit('/').next());
    let schema = named
        .and_then(|name| generator.definitions().get(name))
        .unwrap_or(input);
    let names = schema["required"].as_array().into_iter().flatten();
    names.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn operation(
    surface: &Surface,
    group: &str,
    action: &Action,
    input: &Value,
    output: &Value,
    required: &[String],
) -> Value {
    let example: Value = serde_json::from_str(action.example).unwrap_or_default();
    let [ru, kk, en] = action.title;
    let mut content = json!({ "application/json": { "schema": input, "example": example } });
    if action.files {
        content["multipart/form-data"] = json!({
            "schema": { "allOf": [input, {
                "type": "object",
                "properties": { "files[]": {
                    "type": "array",
                    "items": { "type": "string", "contentMediaType": "application/octet-stream" },
                    "description": "Attachments."
                } }
            }] }
        });
    }
    let (role, security) = match action.needs.audience {
        Audience::Anyone => ("anyone", json!([{}])),
        Audience::Client => ("client", json!([{ "clientToken": [] }])),
        Audience::Widget => ("widget", json!([{}])),
        Audience::Operator(role) => {
            let key = action.needs.scopes.map(|_| json!({ "apiKey": [] }));
            let is_a_device_s = role == Role::Operator && !action.needs.signed_in;
            let device = is_a_device_s.then(|| json!({ "mobileToken": [] }));
            let ways = [key, Some(json!({ "session": [] })), device];
            (role.as_str(), ways.into_iter().flatten().collect())
        }
    };
    let needs_body = !required.is_empty() || action.needs.audience == Audience::Widget;
    let mut answers = json!({ "application/json": { "schema": {
        "type": "object",
        "required": ["ok", "data"],
        "properties": { "ok": { "const": true }, "data": output }
    } } });
    for media in action.downloads {
        answers[*media] = json!({ "schema": { "type": "string", "contentMediaType": media } });
    }
    let refused = |description: &str| {
        json!({
            "description": description,
            "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Error" } } }
        })
    };
    json!({
        "operationId": format!("{}_{}", surface.name, action.name),
        "tags": [format!("{}: {group}", surface.name)],
        "summary": en,
        "x-summary": { "ru": ru, "kk": kk, "en": en },
        "x-surface": surface.name,
        "x-role": role,
        "x-scopes": action.needs.scopes.unwrap_or_default(),
        "x-plan": action.needs.plan,
        "x-key": action.needs.scopes.is_some(),
        "security": security,
        "requestBody": { "required": needs_body, "content": content },
        "responses": {
            "200": {
                "description": "The action's data.",
                "content": answers
            },
            "400": refused("A parameter is missing or cannot be used."),
            "403": refused("The credential is missing, wrong, or not enough."),
            "413": refused("The body or a file is too large."),
            "415": refused("The content type is not understood."),
            "429": refused("Too many requests; Retry-After says when to come back."),
            "500": refused("A fault of the server; quote the request id."),
            "503": refused("The server is busy; Retry-After says when to come back.")
        }
    })
}

fn error_schema() -> Value {
    // Two of them share a name.
    let codes: std::collections::BTreeSet<&str> =
        Code::ALL.iter().map(|code| code.name()).collect();
    json!({
        "type": "object",
        "description": "Why a call failed.",
        "required": ["ok", "error", "code"],
        "properties": {
            "ok": { "const": false },
            "error": { "type": "string", "description": "A sentence for a person, in the caller's language." },
            "code": { "type": "string", "enum": codes, "description": "The same for a program." },
            "field": { "type": "string", "description": "The parameter that is to blame." },
            "allowed": { "description": "What would have been accepted." },
            "required_scope": { "type": "string", "description": "The scope that the key lacks." },
            "required_role": { "type": "string", "description": "The role that the caller lacks." },
            "required_plan": { "type": "string", "description": "The plan that has the feature." },
            "retry_after": { "type": "integer", "description": "Seconds to wait." },
            "request_id": { "type": "string", "description": "Names the call in the server's log." }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn action_names_are_unique_and_plain() {
        for surface in SURFACES {
            let mut seen = BTreeSet::new();
            for (_, action) in surface.actions() {
                let plain = action
                    .name
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
                assert!(plain, "{}", action.name);
                assert!(seen.insert(action.name), "{} stands twice", action.name);
                assert!(
                    action.title.iter().all(|t| !t.is_empty()),
                    "{}",
                    action.name
                );
            }
        }
    }

    #[test]
    fn a_nullable_field_of_an_answer_is_always_there() {
        let ticket = &document()["components"]["schemas"]["TicketRow"];
        let required = ticket["required"].as_array().unwrap();
        let fields = ticket["properties"].as_object().unwrap();
        assert_eq!(required.len(), fields.len());
    }

    #[test]
    fn every_schema_and_field_is_described() {
        let document = document();
        let schemas = document["components"]["schemas"].as_object().unwrap();
        for (name, schema) in schemas {
            assert!(
                schema["description"].is_string(),
                "{name} has no doc comment"
            );
            for (field, value) in schema["properties"].as_object().into_iter().flatten() {
                let described = value["description"].is_string() || value["const"].is_boolean();
                assert!(described, "{name}.{field} has no doc comment");
            }
        }
    }
}
