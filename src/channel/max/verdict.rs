//! What an answer of MAX means for what was sent. Pure.
use crate::channel::{
    heard::text_at,
    messenger::{Sent, told_to_wait},
    peer::{Reply, Silence},
};
use crate::clock::SECOND;
use serde_json::Value;

/// What the platform complains of.
pub(super) fn complaint(reply: &Reply, body: &Value) -> String {
    let words: Vec<String> = ["code", "message", "error"]
        .iter()
        .map(|name| text_at(body, name))
        .filter(|text| !text.is_empty())
        .collect();
    match reply.status {
        401 => "the token is not valid".to_owned(),
        _ if words.is_empty() => format!("the server answered {}", reply.status),
        _ => words.join(": "),
    }
}

/// Whether a file of the message is still being made ready.
pub(super) fn is_not_ready(reply: &Result<Reply, Silence>) -> bool {
    reply.as_ref().is_ok_and(|reply| {
        let code = text_at(&reply.json(), "code");
        reply.status == 400 && (code == "attachment.not.ready" || code.ends_with("not.processed"))
    })
}

/// What became of what was sent.
pub(super) fn verdict(reply: Result<Reply, Silence>) -> Sent {
    let reply = match reply {
        Ok(reply) => reply,
        Err(silence) => return silence.into(),
    };
    let body = reply.json();
    if reply.is_ok() && body["success"] != false {
        let id = body.pointer("/message/body/mid").and_then(Value::as_str);
        return Sent::Delivered(id.map(str::to_owned).into_iter().collect());
    }
    let why = complaint(&reply, &body);
    match reply.status {
        429 => Sent::Wait {
            ms: told_to_wait(reply.retry_after.unwrap_or(2 * SECOND)),
            why,
        },
        403 | 404 => Sent::Refused { why, gone: true },
        400 | 413 => Sent::Refused { why, gone: false },
        200..300 => Sent::Refused { why, gone: false },
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
    fn every_answer_has_a_meaning() {
        let taken = json!({ "message": { "body": { "mid": "mid.01", "seq": 116_328_127_605_864_690_i64 } } });
        assert_eq!(after(200, &taken), Sent::Delivered(vec!["mid.01".into()]));
        let denied = json!({ "code": "chat.denied", "message": "suspended" });
        assert!(matches!(
            after(403, &denied),
            Sent::Refused { gone: true, .. }
        ));
        let failed = json!({ "success": false, "message": "no" });
        assert!(matches!(
            after(200, &failed),
            Sent::Refused { gone: false, .. }
        ));
        assert!(matches!(after(429, &Value::Null), Sent::Wait { .. }));
        assert!(matches!(after(503, &Value::Null), Sent::Retry { .. }));
        let token = json!({ "code": "verify.token", "message": "Invalid access_token" });
        assert_eq!(
            after(401, &token),
            Sent::Retry {
                why: "the token is not valid".into()
            }
        );
    }
}
