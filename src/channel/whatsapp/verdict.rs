//! What an answer of the Evolution API means for what was sent. Pure.
use crate::channel::{
    heard::{text_at, text_of},
    messenger::{Sent, told_to_wait},
    peer::{Reply, Silence},
};
use crate::clock::SECOND;
use serde_json::Value;

/// What a server complains of, in its own words: a text, a list, a list of lists, or a list of numbers it does not know.
pub(super) fn complaint(body: &Value) -> Option<String> {
    if body["code"] == "LICENSE_REQUIRED" {
        return Some("the Evolution API server wants to be activated: register it, or use a version up to 2.3.7".into());
    }
    let said = body
        .pointer("/response/message")
        .or_else(|| body.get("message"))
        .or_else(|| body.get("error"))?;
    let mut words = Vec::new();
    collect(said, &mut words);
    (!words.is_empty()).then(|| words.join("; "))
}

fn collect(said: &Value, words: &mut Vec<String>) {
    match said {
        Value::Array(all) => all.iter().for_each(|one| collect(one, words)),
        Value::Object(_) if said["exists"] == false => words.push(unknown_number(said)),
        other => words.extend(text_of(other)),
    }
}

fn unknown_number(said: &Value) -> String {
    format!("{} is not on WhatsApp", text_at(said, "number"))
}

fn is_unknown_number(said: &Value) -> bool {
    match said {
        Value::Array(all) => all.iter().any(is_unknown_number),
        other => other["exists"] == false,
    }
}

/// What became of what was sent.
pub(super) fn verdict(reply: Result<Reply, Silence>) -> Sent {
    let reply = match reply {
        Ok(reply) => reply,
        Err(silence) => return silence.into(),
    };
    let body = reply.json();
    if reply.is_ok() {
        let id = text_at(&body["key"], "id");
        return Sent::Delivered(if id.is_empty() { Vec::new() } else { vec![id] });
    }
    let why = complaint(&body).unwrap_or_else(|| format!("the server answered {}", reply.status));
    if reply.status == 429 {
        return Sent::Wait {
            ms: told_to_wait(reply.retry_after.unwrap_or(30 * SECOND)),
            why,
        };
    }
    let unknown = body
        .pointer("/response/message")
        .is_some_and(is_unknown_number);
    if unknown {
        return Sent::Refused { why, gone: true };
    }
    // A phone that is not connected is waited for.
    let passing = [
        "Connection Closed",
        "Timed Out",
        "not connected",
        "connecting",
    ]
    .iter()
    .any(|words| why.contains(words));
    match reply.status {
        400 | 413 | 422 if !passing => Sent::Refused { why, gone: false },
        // A wrong key or an instance that is not there is the channel's trouble.
        _ => Sent::Retry { why },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use serde_json::json;

    fn after(status: u16, body: &Value) -> Sent {
        verdict(Ok(Reply {
            status,
            retry_after: None,
            bytes: Bytes::from(body.to_string()),
        }))
    }

    #[test]
    fn what_was_taken_is_known_by_its_id() {
        let taken =
            json!({ "key": { "id": "BAE5C0DE00112233", "fromMe": true }, "status": "PENDING" });
        assert_eq!(
            after(201, &taken),
            Sent::Delivered(vec!["BAE5C0DE00112233".into()])
        );
    }

    #[test]
    fn every_shape_of_a_complaint_is_read() {
        let numbers = json!({ "status": 400, "response": { "message": [{ "jid": "7@s.whatsapp.net", "exists": false, "number": "77010000000" }] } });
        assert_eq!(
            after(400, &numbers),
            Sent::Refused {
                why: "77010000000 is not on WhatsApp".into(),
                gone: true
            }
        );
        let lists = json!({ "response": { "message": [["instance requires property \"text\""]] } });
        assert!(
            matches!(after(400, &lists), Sent::Refused { gone: false, why } if why.contains("text"))
        );
        let closed = json!({ "status": 500, "response": { "message": "Connection Closed" } });
        assert!(matches!(after(500, &closed), Sent::Retry { why } if why == "Connection Closed"));
        let closed = json!({ "status": 400, "response": { "message": ["Connection Closed"] } });
        assert!(matches!(after(400, &closed), Sent::Retry { .. }));
        let gone = json!({ "status": 404, "response": { "message": ["The \"x\" instance does not exist"] } });
        assert!(matches!(after(404, &gone), Sent::Retry { .. }));
        let licence = json!({ "error": "service not activated", "code": "LICENSE_REQUIRED" });
        assert!(matches!(after(503, &licence), Sent::Retry { why } if why.contains("activated")));
        assert!(matches!(after(502, &Value::Null), Sent::Retry { .. }));
    }
}
