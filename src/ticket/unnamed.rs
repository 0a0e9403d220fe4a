//! A ticket whose requester was erased. It stays for the figures and the money, with its texts, and no longer says whose it
//! was: nobody can be answered by it, and no link or token that was made for it works.
use super::{
    Acting,
    event::{self, Event},
    random_reference, search,
};
use crate::{
    api::field::TicketId,
    db::sql::{one, run},
    error::Result,
    tenant,
};

/// Why an answer that waited was not sent, in Russian, Kazakh and English.
const NOBODY: [&str; 3] = [
    "контакт удалён раньше, чем ответ ушёл",
    "жауап кеткенше контакт жойылды",
    "the contact was deleted before the answer left",
];

/// Takes the requester off a ticket, wherever it lies. `names` are all that they were called in it.
pub(crate) fn unname(cx: &Acting<'_>, id: TicketId, names: &[String]) -> Result<()> {
    let subject: String = one(
        cx.tx,
        "select subject from ticket where tenant_id = ?1 and id = ?2",
        (cx.tenant, id),
        |row| row.get(0),
    )?;
    let plain = without_name(&subject, names);
    let lang = tenant::by_id(cx.tx, cx.tenant)?.locale;
    run(
        cx.tx,
        "update message set author_name = '', mail_id = null
          where tenant_id = ?1 and ticket_id = ?2 and author_type = 'client'
            and (contact_id is null
                 or contact_id = (select contact_id from ticket where tenant_id = ?1 and id = ?2))",
        (cx.tenant, id),
    )?;
    run(
        cx.tx,
        "update ticket
            set contact_id = null, creator_name = '', creator_email = null, creator_phone = null, client_user_id = 0,
                client_session = null, reference = ?3, subject = ?4, version = version + 1, updated_at = ?5
          where tenant_id = ?1 and id = ?2",
        (cx.tenant, id, random_reference()?, plain, cx.tx.now),
    )?;
    run(
        cx.tx,
        "update message set delivery_status = 'failed', delivery_error = ?3
          where tenant_id = ?1 and ticket_id = ?2 and delivery_status = 'pending' and held_until is null",
        (cx.tenant, id, lang.pick(NOBODY)),
    )?;
    run(
        cx.tx,
        "delete from widget_code where tenant_id = ?1 and ticket_id = ?2",
        (cx.tenant, id),
    )?;
    if plain != subject {
        search::renew(cx.tx, cx.tenant, id, plain)?;
        search::shed::note(cx.tx)?;
    }
    let entry = Event {
        kind: event::UNNAMED,
        ..Event::default()
    };
    event::write(cx, id, &entry)
}

/// A subject without the name of whoever wrote in: what begins without words is called by its author.
fn without_name<'a>(subject: &'a str, names: &[String]) -> &'a str {
    let called = |name: &String| subject.strip_suffix(name.as_str())?.strip_suffix(": ");
    names.iter().find_map(called).unwrap_or(subject)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_loses_the_name_that_it_was_made_of_and_no_other_words() {
        let names = ["Асем".to_owned()];
        assert_eq!(without_name("Сообщение: Асем", &names), "Сообщение");
        for whole in ["Асем не может войти", "Асем", ": Айгуль"] {
            assert_eq!(without_name(whole, &names), whole);
        }
    }
}
