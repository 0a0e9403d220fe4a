//! What the demo desk is filled with: people, words and two months of tickets, as plain data.
//!
//! Nothing here touches a database. Whoever loads a [`Scene`] plays its steps through the same verbs
//! that people use, so that histories, clocks and figures come out as if the desk had really worked.
//! The same seed, moment and hours give the same scenes.

mod en;
mod kk;
pub(crate) mod knowledge;
pub(crate) mod people;
pub(crate) mod reference;
mod ru;
pub(crate) mod staging;
mod words;

#[cfg(test)]
mod tests;

use people::{Client, Contact, Operator};

/// A language of the desk.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) enum Language {
    /// Russian.
    Ru,
    /// Kazakh.
    Kk,
    /// English.
    En,
}

impl Language {
    /// The language's code on the wire.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Ru => "ru",
            Self::Kk => "kk",
            Self::En => "en",
        }
    }
}

/// A ticket and everything that happened to it.
///
/// Its first step is always the client's message that opens it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scene {
    pub(crate) client: &'static Client,
    pub(crate) contact: &'static Contact,
    pub(crate) language: Language,
    /// The wire's word: `portal`, `email`, `widget` or `api`.
    pub(crate) channel: &'static str,
    pub(crate) subject: String,
    /// A code of [`reference::CATEGORIES`].
    pub(crate) category: &'static str,
    /// The wire's word: `urgent`, `normal` or `low`.
    pub(crate) priority: &'static str,
    /// Names of [`reference::TAGS`].
    pub(crate) tags: &'static [&'static str],
    pub(crate) started_minutes_ago: i64,
    pub(crate) steps: Vec<Step>,
    pub(crate) rating: Option<Rating>,
}

/// Something that happened to a ticket.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step {
    /// Minutes since the ticket was opened.
    pub(crate) after_minutes: i64,
    pub(crate) what: What,
}

/// How satisfied the client was, said once the work was done.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Rating {
    /// Minutes since the ticket was opened.
    pub(crate) after_minutes: i64,
    /// From 1 to 5.
    pub(crate) stars: u8,
    /// Empty when the client only tapped a star.
    pub(crate) comment: &'static str,
}

/// What somebody did.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum What {
    ClientSays(String),
    SupportSays {
        operator: &'static Operator,
        text: String,
    },
    Note {
        operator: &'static Operator,
        text: String,
    },
    Take {
        operator: &'static Operator,
    },
    Assign {
        operator: &'static Operator,
        to: &'static Operator,
    },
    Estimate {
        operator: &'static Operator,
        hours: f64,
        description: String,
    },
    Approve,
    Reject {
        reason: String,
    },
    Hold {
        operator: &'static Operator,
        reason: String,
    },
    Resume {
        operator: &'static Operator,
    },
    Complete {
        operator: &'static Operator,
        result: String,
        /// The time spent.
        minutes: u32,
    },
    Accept,
    /// The desk closes by itself what was left unanswered.
    AutoClose,
    /// The client reopens the ticket and says why.
    Reopen {
        reason: String,
    },
    LogTime {
        operator: &'static Operator,
        minutes: u32,
        description: String,
    },
}

/// A conversation as it was written, before it is given to people and to a day.
#[derive(Clone, Copy, Debug)]
struct Dialog {
    language: Language,
    category: &'static str,
    priority: &'static str,
    tags: &'static [&'static str],
    /// Where it may come from; anywhere a person writes when empty.
    channels: &'static [&'static str],
    /// Portals it can happen at; all that have somebody of its language when empty.
    portals: &'static [&'static str],
    /// Values chosen once for the whole conversation: a name, and the choices between bars.
    values: &'static [(&'static str, &'static str)],
    subject: &'static str,
    /// From the client's first message to the completion.
    turns: &'static [Turn],
    /// What the client writes when it turns out not to be solved; empty when it can't happen.
    relapse: &'static str,
}

impl Dialog {
    const fn of(language: Language) -> Self {
        Self {
            language,
            category: "other",
            priority: "normal",
            tags: &[],
            channels: &[],
            portals: &[],
            values: &[],
            subject: "",
            turns: &[],
            relapse: "",
        }
    }
}

/// A step of a [`Dialog`]: its working minutes since the step before come first.
#[derive(Clone, Copy, Debug)]
enum Turn {
    Client(u32, &'static str),
    Support(u32, &'static str),
    Note(u32, &'static str),
    /// Hands the ticket to a colleague, who goes on; the note says why.
    PassOn(u32, &'static str),
    /// Hours, and what for.
    Estimate(u32, f64, &'static str),
    Approve(u32),
    Reject(u32, &'static str),
    Hold(u32, &'static str),
    Resume(u32),
    /// Minutes, and what for.
    LogTime(u32, u32, &'static str),
    /// The result, and the minutes it took.
    Complete(u32, &'static str, u32),
}
