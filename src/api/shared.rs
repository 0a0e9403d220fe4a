//! Answers that still hold. What a query answers follows from who asks, for what, and from the data; while nothing has been
//! written since and no time has passed that the answer speaks of, it is given again as it was.
//!
//! How far the data has come is read with the credential, in the same look into the database (see [`access::store`]): whoever
//! is told of a change has been told after its commit, so their next question finds no answer from before it. Only queries
//! that say until when they hold are kept.
//!
//! [`access::store`]: crate::access::store
use super::Call;
use crate::{
    access::Principal,
    api::field::{OperatorId, TenantId},
    clock::Millis,
    lang::Lang,
};
use bytes::Bytes;
use serde_json::{Map, Value};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// How many bytes of answers are kept at most.
const MOST: usize = 4 << 20;
/// The largest answer that is kept.
const LARGEST: usize = 256 << 10;

/// A question: who asks for what, and how far the data had come when they were let in.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    as_of: i64,
    key: Key,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    action: &'static str,
    tenant: TenantId,
    operator: OperatorId,
    lang: Lang,
    input: String,
}

impl Question {
    /// Nothing if it is not known how far the data had come.
    pub(crate) fn of(
        action: &'static str,
        principal: &Principal,
        call: &Call,
        input: &Map<String, Value>,
    ) -> Option<Question> {
        let Principal::Operator(operator) = principal else {
            return None;
        };
        let key = Key {
            action,
            tenant: operator.tenant,
            operator: operator.id,
            lang: call.lang,
            input: serde_json::to_string(input).ok()?,
        };
        Some(Question {
            as_of: operator.as_of?,
            key,
        })
    }
}

#[derive(Clone, Debug)]
struct Answer {
    since: Millis,
    until: Millis,
    json: Bytes,
}

/// The answers to the data as it is now.
#[derive(Debug, Default)]
pub(crate) struct Answers(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    as_of: i64,
    bytes: usize,
    answers: HashMap<Key, Answer>,
}

impl Kept {
    /// Forgets all of it, for data that has come so far.
    fn begin(&mut self, as_of: i64) {
        *self = Kept {
            as_of,
            ..Kept::default()
        };
    }
}

impl Answers {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        // What a panic left behind is whole: it is changed in one step.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer to a question, if there is one that holds at `now`.
    pub(crate) fn find(&self, asked: &Question, now: Millis) -> Option<Bytes> {
        let kept = self.kept();
        let answer = (kept.as_of == asked.as_of)
            .then(|| kept.answers.get(&asked.key))
            .flatten()?;
        (answer.since..=answer.until)
            .contains(&now)
            .then(|| answer.json.clone())
    }

    /// Keeps an answer that was found at `since` in data at least as new as the question's.
    pub(crate) fn keep(&self, asked: Question, since: Millis, until: Millis, json: &Bytes) {
        if json.len() > LARGEST {
            return;
        }
        let mut kept = self.kept();
        if asked.as_of < kept.as_of {
            return;
        }
        if asked.as_of > kept.as_of || kept.bytes + json.len() > MOST {
            kept.begin(asked.as_of);
        }
        let answer = Answer {
            since,
            until,
            json: json.clone(),
        };
        let name = asked.key.input.len();
        let before = kept.answers.insert(asked.key, answer);
        kept.bytes += name + json.len();
        kept.bytes -= before.map_or(0, |before| name + before.json.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(as_of: i64, operator: i64) -> Question {
        Question {
            as_of,
            key: Key {
                action: "list_tickets",
                tenant: TenantId(1),
                operator: OperatorId(operator),
                lang: Lang::Ru,
                input: "{}".to_owned(),
            },
        }
    }

    #[test]
    fn an_answer_holds_until_something_is_written_or_its_time_is_over() {
        let answers = Answers::default();
        let json = Bytes::from_static(b"[1]");
        answers.keep(question(7, 1), 100, 200, &json);
        assert_eq!(answers.find(&question(7, 1), 100), Some(json.clone()));
        assert_eq!(answers.find(&question(7, 1), 200), Some(json));
        assert_eq!(answers.find(&question(7, 1), 201), None);
        // The machine's clock can be put back.
        assert_eq!(answers.find(&question(7, 1), 99), None);
        assert_eq!(answers.find(&question(8, 1), 150), None);
        assert_eq!(answers.find(&question(7, 2), 150), None);
    }

    #[test]
    fn what_was_asked_before_a_change_does_not_answer_after_it() {
        let answers = Answers::default();
        let (old, new) = (Bytes::from_static(b"old"), Bytes::from_static(b"new"));
        answers.keep(question(8, 1), 100, 200, &new);
        // A slow one that began before the change comes to its end.
        answers.keep(question(7, 1), 100, 200, &old);
        assert_eq!(answers.find(&question(8, 1), 150), Some(new));
        assert_eq!(answers.find(&question(7, 1), 150), None);
    }

    #[test]
    fn answers_take_no_more_room_than_they_are_given() {
        let answers = Answers::default();
        let json = Bytes::from(vec![b' '; LARGEST]);
        for operator in 0..100 {
            answers.keep(question(1, operator), 0, 9, &json);
        }
        assert!(answers.kept().bytes <= MOST + LARGEST);
        assert!(answers.find(&question(1, 99), 5).is_some());
        let larger = Bytes::from(vec![b' '; LARGEST + 1]);
        answers.keep(question(1, 200), 0, 9, &larger);
        assert_eq!(answers.find(&question(1, 200), 5), None);
        // The same answer again takes no more room.
        let before = answers.kept().bytes;
        answers.keep(question(1, 99), 0, 9, &Bytes::from_static(b"1"));
        assert!(answers.kept().bytes <= before);
    }
}
