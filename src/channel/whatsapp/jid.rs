//! What WhatsApp calls people, groups and things. Pure.

/// What an id stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Jid {
    /// Somebody by their number, digits only.
    Phone(String),
    /// Somebody whose number WhatsApp keeps to itself.
    Private(String),
    Group(String),
    /// A story, a channel, a list or WhatsApp itself: nobody to answer.
    Nobody,
}

impl Jid {
    pub(super) fn of(text: &str) -> Jid {
        let (user, domain) = text.split_once('@').unwrap_or((text, "s.whatsapp.net"));
        // A device of the same person.
        let user = user.split(':').next().unwrap_or_default();
        let digits = !user.is_empty() && user.bytes().all(|b| b.is_ascii_digit());
        match domain {
            "s.whatsapp.net" | "c.us" if digits && user != "0" => Jid::Phone(user.to_owned()),
            "lid" if digits => Jid::Private(user.to_owned()),
            "g.us" if !user.is_empty() => Jid::Group(user.to_owned()),
            _ => Jid::Nobody,
        }
    }

    /// The one spelling that we keep.
    pub(super) fn name(&self) -> Option<String> {
        match self {
            Jid::Phone(digits) => Some(format!("{digits}@s.whatsapp.net")),
            Jid::Private(digits) => Some(format!("{digits}@lid")),
            Jid::Group(id) => Some(format!("{id}@g.us")),
            Jid::Nobody => None,
        }
    }

    pub(super) fn phone(&self) -> Option<&str> {
        match self {
            Jid::Phone(digits) => Some(digits),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_person_is_the_same() {
        let phone = Jid::Phone("77015550142".into());
        for text in [
            "77015550142@s.whatsapp.net",
            "77015550142:12@s.whatsapp.net",
            "77015550142@c.us",
            "77015550142",
        ] {
            assert_eq!(Jid::of(text), phone, "{text}");
        }
        assert_eq!(Jid::of("218340011223344@lid").phone(), None);
    }

    #[test]
    fn what_nobody_can_answer_is_nobody() {
        for text in [
            "status@broadcast",
            "123@broadcast",
            "120363@newsletter",
            "0@s.whatsapp.net",
            "",
        ] {
            assert_eq!(Jid::of(text), Jid::Nobody, "{text}");
        }
        assert_eq!(
            Jid::of("77010000000-1600000000@g.us").name().as_deref(),
            Some("77010000000-1600000000@g.us")
        );
    }
}
