//! The ticket that the published examples of the API speak of: number 42, urgent, old, and still at work.
//!
//! It waited for somebody else for weeks, so its clock stood still, and was taken up again today.

use super::Calendar;
use crate::demo::script::people::{CLIENTS, OPERATORS};
use crate::demo::script::{Language, Scene, Step, What};

const MINUTE_MS: i64 = 60_000;

/// Which of the desk's tickets it is.
pub(super) const NUMBER: usize = 42;

/// When a step happens, in working minutes.
#[derive(Clone, Copy)]
enum When {
    /// So long after the ticket was opened.
    After(i64),
    /// So long ago.
    Ago(i64),
}

/// The ticket, opened so long ago.
pub(super) fn scene(started_minutes_ago: i64, calendar: &Calendar<'_>) -> Option<Scene> {
    let client = CLIENTS
        .iter()
        .find(|client| client.portal_domain == "client.bitrix24.kz")?;
    let contact = client
        .contacts
        .iter()
        .find(|contact| contact.name == "Иван Петров")?;
    let operator = OPERATORS
        .iter()
        .find(|operator| operator.name == "Алия Нурбекова")?;
    let says = |text: &str| What::SupportSays {
        operator,
        text: text.to_owned(),
    };
    let start = calendar.before(started_minutes_ago);
    let story = [
        (
            When::After(0),
            What::ClientSays(format!(
                "Здравствуйте! После обновления контакты не подтягиваются в CRM: последний обмен прошёл в {}, с тех пор 38 новых контрагентов так и не появились. Менеджеры не могут выставить счета.",
                calendar.clock(start - 35 * MINUTE_MS)
            )),
        ),
        (When::After(2), What::Take { operator }),
        (
            When::After(15),
            says("Здравствуйте, Иван! Проверяю настройки синхронизации, отпишу через 10 минут."),
        ),
        (
            When::After(24),
            What::Note {
                operator,
                text: "В журнале обмена 401: модуль обмена после обновления портала теряет ключ доступа. Разработчик модуля об ошибке знает, исправление обещает в следующем выпуске.".to_owned(),
            },
        ),
        (
            When::After(38),
            says(
                "Причина найдена: после обновления портала модуль обмена теряет ключ доступа. Выпустили новый ключ, все 38 контрагентов загружены. Сам модуль может исправить только его разработчик: до нового выпуска следим за ключом сами и заявку не закрываем.",
            ),
        ),
        (
            When::After(56),
            What::ClientSays(
                "Контрагенты на месте, счета ушли. Спасибо! Ждём исправления.".to_owned(),
            ),
        ),
        (
            When::After(62),
            What::Hold {
                operator,
                reason: "Ждём от разработчика исправленный модуль обмена".to_owned(),
            },
        ),
        (When::Ago(150), What::Resume { operator }),
        (
            When::Ago(146),
            says(
                "Иван, исправленный модуль вышел, сегодня установили его на ваш портал. Понаблюдайте, пожалуйста, за обменом и напишите, если что-то пойдёт не так.",
            ),
        ),
        (
            When::Ago(95),
            What::ClientSays(
                "После установки контакты опять не подтягиваются, за последний час ни одного."
                    .to_owned(),
            ),
        ),
        (
            When::Ago(40),
            What::ClientSays(
                "Проверили и сделки: они проходят, встали только контакты. Посмотрите, пожалуйста, менеджеры снова ждут."
                    .to_owned(),
            ),
        ),
    ];
    let mut latest = 0;
    let mut steps = Vec::with_capacity(story.len());
    for (when, what) in story {
        let at = match when {
            When::After(0) => start,
            When::After(minutes) => calendar.after(start, minutes),
            When::Ago(minutes) => calendar.ago(minutes),
        };
        // A desk with few hours has the whole story close together.
        latest = latest.max((at - start) / MINUTE_MS);
        steps.push(Step {
            after_minutes: latest,
            what,
        });
    }
    Some(Scene {
        client,
        contact,
        language: Language::Ru,
        channel: "portal",
        subject: "CRM не синхронизируется".to_owned(),
        category: "crm",
        priority: "urgent",
        tags: &["интеграция", "1С"],
        started_minutes_ago,
        steps,
        rating: None,
    })
}
