//! Contacts: the people who write in.
use super::clients::part;
use crate::{
    access::{Operator, rules::Needs},
    api::{
        Action, Command, Query, Read, Spec, Write, command,
        field::{ContactId, Domain, Email, Int, Line, List, Name},
        query,
    },
    client,
    contact::{self, ContactView, Saved, Wanted},
    error::{Error, Result},
    tenant::plan::Scope::{Clients as C, Read as R, Write as W},
};
use schemars::JsonSchema;
use serde::Deserialize;

pub(super) const ACTIONS: &[Action] = &[
    query::<ListContacts>(),
    command::<SaveContact>(),
    command::<MergeContacts>(),
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
    const TITLE: [&'static str; 3] = ["Список контактов", "Байланыстар тізімі", "List contacts"];
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
    const TITLE: [&'static str; 3] = ["Сохранить контакт", "Байланысты сақтау", "Save a contact"];
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
        "Байланыстарды біріктіру",
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
