//! Contacts: the people who write in.
use super::{Deleted, clients::part, tickets::acting};
use crate::{
    access::{
        Operator,
        rules::{Needs, Role},
    },
    api::{
        Action, Command, Query, Read, Spec, Write, command,
        field::{At, ContactId, Domain, Email, Int, Line, List, Name},
        query,
    },
    backup::schedule::Schedule,
    client,
    clock::Millis,
    contact::{
        self, ContactView, Saved, Wanted,
        erase::{self, Tickets},
    },
    error::{Error, Result},
    tenant::plan::Scope::{Clients as C, Read as R, Write as W},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) const ACTIONS: &[Action] = &[
    query::<ListContacts>(),
    command::<SaveContact>(),
    command::<MergeContacts>(),
    command::<DeleteContact>(),
];

/// Lists the contacts by name.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ListContacts {
    /// A part of a name, an address or a phone number.
    #[serde(default)]
    search: Option<Line>,
    /// Only contacts of the client of this portal.
    #[serde(default)]
    portal_domain: Option<Domain>,
    /// Which part of the list, from 1.
    #[serde(default)]
    page: Option<Int>,
    /// How many a part has, at most 100. Without it and `page` all are listed.
    #[serde(default)]
    limit: Option<Int>,
}
impl Spec for ListContacts {
    const NAME: &'static str = "list_contacts";
    const NEEDS: Needs = Needs::scopes(&[R, C]);
    const TITLE: [&'static str; 3] = ["Список контактов", "Контактілер тізімі", "List contacts"];
    const EXAMPLE: &'static str = "{}";
    type By = Operator;
    type Output = Vec<ContactView>;
}
impl Query for ListContacts {
    fn run(self, cx: &Read<'_, Operator>) -> Result<Vec<ContactView>> {
        let wanted = Wanted {
            id: None,
            portal_domain: self.portal_domain.as_ref().map(|d| d.as_str()),
            search: self.search.as_ref().map_or("", |s| s.as_str()),
            part: part(self.page, self.limit)?,
        };
        contact::list(cx.db, cx.by.tenant, &wanted)
    }
}

/// Makes a contact, or changes the one of `contact_id`.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct SaveContact {
    /// The contact to change; a new one if left out.
    #[serde(default)]
    contact_id: Option<ContactId>,
    /// What they are called.
    name: Name,
    /// Their phone number.
    #[serde(default)]
    phone: Option<Line>,
    /// Their address.
    #[serde(default)]
    email: Option<Email>,
    /// Where their picture is.
    #[serde(default)]
    photo: Option<Line>,
    /// The client they belong to.
    #[serde(default)]
    portal_domain: Option<Domain>,
}
impl Spec for SaveContact {
    const NAME: &'static str = "save_contact";
    const NEEDS: Needs = Needs::scopes(&[W, C]);
    const TITLE: [&'static str; 3] = ["Сохранить контакт", "Контактіні сақтау", "Save a contact"];
    const EXAMPLE: &'static str = r#"{"name":"Асем Касымова","email":"asem@client.example","phone":"+7 701 000 00 00","portal_domain":"client.bitrix24.kz"}"#;
    type By = Operator;
    type Output = ContactView;
}
impl Command for SaveContact {
    fn run(self, cx: &Write<'_, Operator>) -> Result<ContactView> {
        let tenant = cx.by.tenant;
        let client = match &self.portal_domain {
            Some(domain) => Some(client::by_domain(cx.tx, tenant, domain)?),
            None => None,
        };
        let saved = Saved {
            name: self.name.0,
            phone: self.phone.map(|p| p.0),
            email: self.email.map(|e| e.0),
            photo: self.photo.map(|p| p.0),
            client,
        };
        let id = contact::save(cx.tx, tenant, self.contact_id, &saved, cx.tx.now)?;
        contact::view(cx.tx, tenant, id)
    }
}

/// Makes one contact of several that are the same person. Tickets and messages move; every address is kept, so that mail
/// of each finds the one.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct MergeContacts {
    /// The contact to merge.
    #[serde(default)]
    source_id: Option<ContactId>,
    /// Several contacts to merge, in place of one.
    #[serde(default)]
    source_ids: List<ContactId, 50>,
    /// The contact that stays.
    target_id: ContactId,
}
impl Spec for MergeContacts {
    const NAME: &'static str = "merge_contacts";
    const NEEDS: Needs = Needs::scopes(&[W, C]);
    const TITLE: [&'static str; 3] = [
        "Объединить контакты",
        "Контактілерді біріктіру",
        "Merge contacts",
    ];
    const EXAMPLE: &'static str = r#"{"source_id":2,"target_id":1}"#;
    type By = Operator;
    type Output = ContactView;
}
impl Command for MergeContacts {
    fn run(self, cx: &Write<'_, Operator>) -> Result<ContactView> {
        let mut sources: Vec<ContactId> = self
            .source_id
            .into_iter()
            .chain(self.source_ids.0)
            .collect();
        sources.sort_unstable();
        sources.dedup();
        if sources.is_empty() {
            return Err(Error::missing("source_id"));
        }
        for source in sources {
            contact::merge(cx.tx, cx.by.tenant, source, self.target_id)?;
        }
        contact::view(cx.tx, cx.by.tenant, self.target_id)
    }
}

/// Deletes a contact for good, with every address of theirs. There is no way back.
///
/// With `tickets: "erase"` all their tickets go too, also those in the bin, with messages and files; the search index sheds
/// their words within a day. With `keep`, the default, the tickets stay for the figures and the money and name nobody: name,
/// address and number are taken out of them, as are reactions and mails as they came in; estimates and ratings stay without
/// who gave them. Where a name was there is an empty one. What they wrote, and what was written to them, stays as it is; in
/// tickets of others it does in either case. In groups of the messengers they are known by their name alone, so that of a
/// namesake goes with it.
///
/// Links and tokens that they have end, what waits to be sent to them is not sent, and if they write again they are somebody
/// new. No outgoing webhook tells of it, and what was written for webhooks about them is dropped. Bytes of files and of what
/// came in leave the disk within a day; a delivery of a messenger that could not be read is kept. Answers kept for
/// `Idempotency-Key` are sealed and end within a day.
///
/// The audit log is never changed. It says which contact was deleted by number; earlier entries hold numbers as well, and a
/// name only where a caller has put one into a parameter called an id. What the desk's own people wrote elsewhere, such as
/// the conditions of a trigger or notes on a client, is theirs to look through.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct DeleteContact {
    /// The contact.
    contact_id: ContactId,
    /// What becomes of their tickets: `keep`, or `erase`.
    #[serde(default)]
    tickets: Tickets,
}
/// What became of a contact that was deleted.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DeletedContact {
    #[serde(flatten)]
    deleted: Deleted,
    /// How many tickets of theirs were deleted for good.
    tickets_erased: usize,
    /// How many tickets of theirs stay, without them.
    tickets_kept: usize,
    /// What backups still hold.
    backups: StillThere,
}
/// What backups that were made before a deletion hold.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct StillThere {
    /// Always true: a backup that was made before holds the contact, and brings it back if it is restored.
    hold_contact: bool,
    /// How many backups the schedule keeps; null if none makes any.
    kept: Option<usize>,
    /// When the last of them that holds the contact goes, if they are made as scheduled. Copies elsewhere are not known here.
    gone_at: Option<At>,
}

impl StillThere {
    fn under(schedule: Option<&Schedule>, now: Millis) -> StillThere {
        // The newest of now goes when as many have been made after it as are kept.
        let gone_at = |s: &Schedule| {
            let backups = Millis::try_from(s.keep).unwrap_or(Millis::MAX);
            At(now.saturating_add(s.every.saturating_mul(backups)))
        };
        StillThere {
            hold_contact: true,
            kept: schedule.map(|s| s.keep),
            gone_at: schedule.map(gone_at),
        }
    }
}

impl Spec for DeleteContact {
    const NAME: &'static str = "delete_contact";
    const NEEDS: Needs = Needs::scopes(&[W, C]).least(Role::Admin);
    const TITLE: [&'static str; 3] = ["Удалить контакт", "Контактіні жою", "Delete a contact"];
    const EXAMPLE: &'static str = r#"{"contact_id":3,"tickets":"keep"}"#;
    type By = Operator;
    type Output = DeletedContact;
}
impl Command for DeleteContact {
    const FREES: bool = true;
    fn run(self, cx: &Write<'_, Operator>) -> Result<DeletedContact> {
        let done = erase::erase(&acting(cx), self.contact_id, self.tickets)?;
        Ok(DeletedContact {
            deleted: Deleted::of(self.contact_id.0),
            tickets_erased: done.erased,
            tickets_kept: done.kept,
            backups: StillThere::under(cx.app.config.backups.as_ref(), cx.tx.now),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::DAY;

    #[test]
    fn the_last_backup_that_holds_a_contact_goes_when_as_many_were_made_as_are_kept() {
        let daily = Schedule {
            dir: "/backups".into(),
            every: DAY,
            keep: 7,
        };
        let told = StillThere::under(Some(&daily), 5 * DAY);
        assert_eq!(
            (told.hold_contact, told.kept, told.gone_at.map(|at| at.0)),
            (true, Some(7), Some(12 * DAY))
        );
        let told = StillThere::under(None, 5 * DAY);
        assert!(told.hold_contact && told.kept.is_none() && told.gone_at.is_none());
    }
}
