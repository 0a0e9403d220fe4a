//! What an answer of the Bot API means for what was sent. Pure.
use super::externals;
use crate::channel::{
    heard::{number_of, text_of},
    messenger::{Sent, told_to_wait},
    peer::{Reply, Silence},
};
use crate::clock::{Millis, SECOND};
use serde_json::Value;

/// An answer, or why there is none.
#[derive(Debug)]
pub(super) enum Answer {
    Result(Value),
    Refusal(Refusal),
    /// Nobody answered: whether it was taken is not known.
    Silence(Silence),
}

/// What the Bot API says when it does not do what it was asked.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    code: i64,
    description: String,
    retry_after: Option<Millis>,
    migrated_to: Option<String>,
}

/// Why a call brought no result.
#[derive(Clone, Debug)]
pub(super) enum Why {
    Refused(Refusal),
    Silent(String),
}

impl Why {
    pub(super) fn code(&self) -> i64 {
        match self {
            Why::Refused(refusal) => refusal.code,
            Why::Silent(_) => 0,
        }
    }

    pub(super) fn words(&self) -> String {
        match self {
            Why::Refused(refusal) => refusal.words(),
            Why::Silent(why) => why.clone(),
        }
    }

    /// How long to wait before asking again, if that was told.
    pub(super) fn wait(&self) -> Option<Millis> {
        match self {
            Why::Refused(refusal) => refusal.retry_after.map(told_to_wait),
            Why::Silent(_) => None,
        }
    }

    /// Whether asking again would bring the same.
    pub(super) fn is_final(&self) -> bool {
        matches!(self.code(), 400 | 403 | 404 | 413)
    }
}

impl Refusal {
    fn words(&self) -> String {
        match self.code {
            401 | 404 => format!("the token is not valid: {}", self.description),
            _ => self.description.clone(),
        }
    }
}

impl Answer {
    pub(super) fn of(reply: Result<Reply, Silence>) -> Answer {
        let reply = match reply {
            Ok(reply) => reply,
            Err(silence) => return Answer::Silence(silence),
        };
        let mut body = reply.json();
        if body["ok"] == true {
            return Answer::Result(body["result"].take());
        }
        let described = body["description"].as_str().map(str::to_owned);
        let status = i64::from(reply.status);
        let code = number_of(&body["error_code"]).unwrap_or(status);
        let after = body
            .pointer("/parameters/retry_after")
            .and_then(number_of)
            .map(|seconds| seconds.max(1).saturating_mul(SECOND));
        Answer::Refusal(Refusal {
            // A page of a proxy with status 200 is an outage as well.
            code: if code == 200 { 502 } else { code },
            description: described.unwrap_or_else(|| format!("the server answered {status}")),
            retry_after: after.or(reply.retry_after),
            migrated_to: body
                .pointer("/parameters/migrate_to_chat_id")
                .and_then(text_of),
        })
    }

    pub(super) fn result(self) -> Result<Value, Why> {
        match self {
            Answer::Result(result) => Ok(result),
            Answer::Refusal(refusal) => Err(Why::Refused(refusal)),
            Answer::Silence(silence) => Err(Why::Silent(silence.why)),
        }
    }

    pub(super) fn says(&self, words: &str) -> bool {
        matches!(self, Answer::Refusal(refusal) if refusal.description.contains(words))
    }

    /// Whether it was the kind of file that was not taken.
    pub(super) fn refuses_the_file(&self) -> bool {
        const ABOUT_FILES: [&str; 7] = [
            "PHOTO_INVALID_DIMENSIONS",
            "PHOTO_SAVE_FILE_INVALID",
            "IMAGE_PROCESS_FAILED",
            "VOICE_MESSAGES_FORBIDDEN",
            "wrong file identifier",
            "wrong type of the web page content",
            "photo",
        ];
        matches!(self, Answer::Refusal(r) if r.code == 400 && ABOUT_FILES.iter().any(|w| r.description.contains(w)))
    }
}

/// Who takes nothing from us any more.
const GONE: [&str; 8] = [
    "bot was blocked by the user",
    "user is deactivated",
    "bot can't initiate conversation with a user",
    "bot was kicked",
    "bot is not a member",
    "chat not found",
    "PEER_ID_INVALID",
    "group chat was deleted",
];

/// What became of what was sent to `chat`.
pub(super) fn verdict(answer: Answer, chat: &str) -> Sent {
    let refusal = match answer {
        Answer::Result(result) => return Sent::Delivered(externals(&result, chat)),
        Answer::Silence(silence) => return silence.into(),
        Answer::Refusal(refusal) => refusal,
    };
    let why = refusal.words();
    if let Some(to) = refusal.migrated_to {
        return Sent::Moved { to };
    }
    if refusal.code == 429 {
        let ms = told_to_wait(refusal.retry_after.unwrap_or(SECOND));
        return Sent::Wait { ms, why };
    }
    if GONE.iter().any(|words| refusal.description.contains(words)) {
        return Sent::Refused { why, gone: true };
    }
    match refusal.code {
        400 | 403 | 413 => Sent::Refused { why, gone: false },
        // A token that does not hold is the channel's trouble: what waits is sent once it is mended.
        _ => Sent::Retry { why },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use serde_json::json;

    fn after(status: u16, body: &Value) -> Sent {
        let reply = Reply {
            status,
            retry_after: None,
            bytes: Bytes::from(body.to_string()),
        };
        verdict(Answer::of(Ok(reply)), "7")
    }

    fn silence(is_unheard: bool) -> Answer {
        Answer::of(Err(Silence {
            why: "timed out".into(),
            is_unheard,
        }))
    }

    fn refused(code: u16, description: &str) -> Sent {
        after(
            code,
            &json!({ "ok": false, "error_code": code, "description": description }),
        )
    }

    #[test]
    fn what_was_taken_is_known_by_chat_and_number() {
        let message = json!({ "message_id": 418, "chat": { "id": 5_234_567_890_i64 } });
        let one = after(200, &json!({ "ok": true, "result": message }));
        assert_eq!(one, Sent::Delivered(vec!["5234567890:418".into()]));
        let album = after(200, &json!({ "ok": true, "result": [message, message] }));
        assert!(matches!(album, Sent::Delivered(ids) if ids.len() == 2));
        assert_eq!(
            after(200, &json!({ "ok": true, "result": true })),
            Sent::Delivered(Vec::new())
        );
    }

    #[test]
    fn a_flood_waits_as_long_as_it_is_told() {
        let flood = json!({
            "ok": false, "error_code": 429, "description": "Too Many Requests: retry after 17",
            "parameters": { "retry_after": 17 }
        });
        assert!(matches!(after(429, &flood), Sent::Wait { ms: 17_000, .. }));
        let waits = |body: &Value| {
            let reply = Reply {
                status: 429,
                retry_after: None,
                bytes: Bytes::from(body.to_string()),
            };
            Answer::of(Ok(reply)).result().unwrap_err().wait()
        };
        assert_eq!(waits(&flood), Some(17_000));
        let ages =
            json!({ "ok": false, "error_code": 429, "parameters": { "retry_after": i64::MAX } });
        assert_eq!(waits(&ages), Some(3_600_000));
        assert_eq!(waits(&json!({ "ok": false, "error_code": 429 })), None);
    }

    #[test]
    fn who_blocked_the_bot_is_gone_and_a_group_moves() {
        let blocked = refused(403, "Forbidden: bot was blocked by the user");
        assert!(matches!(blocked, Sent::Refused { gone: true, .. }));
        assert!(matches!(
            refused(400, "Bad Request: chat not found"),
            Sent::Refused { gone: true, .. }
        ));
        assert!(matches!(
            refused(400, "Bad Request: message is too long"),
            Sent::Refused { gone: false, .. }
        ));
        let moved = json!({
            "ok": false, "error_code": 400,
            "description": "Bad Request: group chat was upgraded to a supergroup chat",
            "parameters": { "migrate_to_chat_id": -1_009_988_776_655_i64 }
        });
        assert_eq!(
            after(400, &moved),
            Sent::Moved {
                to: "-1009988776655".into()
            }
        );
    }

    #[test]
    fn an_outage_or_a_bad_token_is_tried_again() {
        assert!(matches!(refused(401, "Unauthorized"), Sent::Retry { .. }));
        assert!(matches!(
            refused(500, "Internal Server Error"),
            Sent::Retry { .. }
        ));
        let page = Reply {
            status: 502,
            retry_after: None,
            bytes: Bytes::from_static(b"<html>"),
        };
        assert!(matches!(
            verdict(Answer::of(Ok(page)), "7"),
            Sent::Retry { .. }
        ));
        assert!(matches!(verdict(silence(false), "7"), Sent::Retry { .. }));
        // Who heard nothing can be asked again without saying it twice.
        assert!(matches!(
            verdict(silence(true), "7"),
            Sent::Unreached { .. }
        ));
    }
}
