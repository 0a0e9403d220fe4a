//! How far a mailbox has been read. Servers number the mails of a folder once and for all, as long as they keep a number of
//! the folder itself, its UIDVALIDITY; when that changes, everything is looked through again and known mail left alone.

use serde::{Deserialize, Serialize};

use crate::clock::Millis;

/// Which folder is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) host: String,
    pub(super) username: String,
    pub(super) folder: String,
}

/// How far it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    place: Place,
    validity: u32,
    /// The last mail that was taken or passed over.
    pub(super) last: u32,
    /// Mails up to this number may have been there before reading began.
    old: u32,
    /// When reading began. What had come before stays where it is.
    begun: Millis,
}

impl Position {
    /// Where to go on in a folder that was opened: after what was read before, or, in a folder that is new to us, after
    /// what is there now. `next` is the number that the next mail will get.
    pub(super) fn resume(
        before: Option<Position>,
        place: Place,
        validity: u32,
        next: u32,
        now: Millis,
    ) -> Position {
        let newest = next.saturating_sub(1);
        match before {
            Some(before) if before.place == place && before.validity == validity => before,
            // The mailbox of the same person, numbered anew: by the same server, or by the one that it moved to.
            Some(before)
                if before.place.username == place.username
                    && before.place.folder == place.folder =>
            {
                Position {
                    place,
                    validity,
                    last: 0,
                    old: newest,
                    begun: before.begun,
                }
            }
            _ => Position {
                place,
                validity,
                last: newest,
                old: 0,
                // Servers tell the time of a mail in whole seconds.
                begun: now - now.rem_euclid(1000),
            },
        }
    }

    /// Whether a mail was there before reading began. One whose date the server does not tell may not have been.
    pub(super) fn is_past(&self, uid: u32, came_at: Option<Millis>) -> bool {
        uid <= self.old && came_at.is_some_and(|at| at < self.begun)
    }

    /// As it is kept with the channel.
    pub(super) fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// As it was kept; what is not understood is no position.
    pub(super) fn read(text: &str) -> Option<Position> {
        serde_json::from_str(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(host: &str, username: &str) -> Place {
        Place {
            host: host.to_owned(),
            username: username.to_owned(),
            folder: "INBOX".to_owned(),
        }
    }

    fn begun() -> Position {
        Position::resume(None, place("a", "help"), 7, 101, 5000)
    }

    #[test]
    fn a_new_mailbox_is_read_from_now_on() {
        let position = begun();
        assert_eq!(position.last, 100);
        assert!(!position.is_past(101, Some(0)), "it came after");
        let other = Position::resume(Some(position), place("a", "sales"), 7, 41, 9000);
        assert_eq!((other.last, other.begun), (40, 9000));
    }

    #[test]
    fn a_known_one_is_read_on() {
        let mut position = begun();
        position.last = 120;
        let kept = Position::read(&position.text());
        let on = Position::resume(kept, place("a", "help"), 7, 130, 9000);
        assert_eq!(on, position);
        assert_eq!(Position::read("1234"), None);
    }

    #[test]
    fn one_that_is_numbered_anew_is_looked_through_from_the_day_reading_began() {
        for (host, validity) in [("a", 8), ("b", 7), ("b", 8)] {
            let anew = Position::resume(Some(begun()), place(host, "help"), validity, 31, 9000);
            assert_eq!((anew.last, anew.begun), (0, 5000));
            assert!(anew.is_past(30, Some(4999)));
            assert!(!anew.is_past(30, Some(5000)) && !anew.is_past(30, None));
            assert!(!anew.is_past(31, Some(4999)), "it came after");
        }
    }
}
