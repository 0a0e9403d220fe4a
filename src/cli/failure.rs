//! How a command fails: with one sentence for a person and an exit code for a script.
use super::out;
use crate::{
    error::{Code, Error},
    lang::Lang,
};
use std::{error::Error as _, io, process::ExitCode};

/// The exit code of a command that was called wrongly.
pub(super) const USAGE: u8 = 2;

/// Why a command ends early.
#[derive(Debug)]
pub(super) enum Failure {
    /// It was called wrongly.
    Usage(String),
    /// It could not be done.
    Sentence(String),
    /// What it found is bad, and has been told.
    Told,
    /// Nobody listens any more, as when `head` has read enough.
    Unheard,
}

impl Failure {
    /// Says what went wrong and gives the exit code for it.
    pub(super) fn tell(self) -> ExitCode {
        match self {
            Failure::Usage(sentence) => {
                out::complain(&sentence);
                ExitCode::from(USAGE)
            }
            Failure::Sentence(sentence) => {
                out::complain(&sentence);
                ExitCode::FAILURE
            }
            Failure::Told => ExitCode::FAILURE,
            Failure::Unheard => ExitCode::SUCCESS,
        }
    }
}

/// A refusal from inside a transaction: it is undone, and the shell says this sentence.
pub(super) fn refuse(sentence: impl Into<String>) -> Error {
    Error::internal(sentence.into())
}

impl From<Error> for Failure {
    /// In the shell there is no log to look a request up in: the cause of a fault is the sentence.
    fn from(error: Error) -> Failure {
        let ours = matches!(error.code(), Code::Internal | Code::Unavailable);
        let cause = error.source().filter(|_| ours).map(ToString::to_string);
        Failure::Sentence(cause.unwrap_or_else(|| error.sentence(Lang::En)))
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Failure {
        Error::from(error).into()
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Failure {
        Error::from(error).into()
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::Unheard,
            _ => Failure::Sentence(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_of_ours_is_told_by_its_cause_and_everything_else_by_its_words() {
        let sentence = |error: Error| match Failure::from(error) {
            Failure::Sentence(sentence) => sentence,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            sentence(refuse("there is no tenant 7")),
            "there is no tenant 7"
        );
        let known = Error::new(Code::OperatorNotFound);
        assert_eq!(sentence(known), "There is no such operator.");
    }
}
