//! The demo desk's reference data: tariffs, tags, categories and quick replies.

use super::Language::{self, En, Kk, Ru};
use crate::sla::due::Rule;

/// What a client pays for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Tariff {
    pub(crate) code: &'static str,
    pub(crate) name: &'static str,
    pub(crate) hours_per_month: u32,
    /// In whole units of the currency.
    pub(crate) hourly_rate: u32,
    pub(crate) currency: &'static str,
    /// What it promises for urgent tickets, if not what the desk promises everybody.
    pub(crate) urgent: Option<Rule>,
}

/// The tariffs on offer.
pub(crate) const TARIFFS: &[Tariff] = &[
    Tariff {
        code: "start",
        name: "Старт",
        hours_per_month: 5,
        hourly_rate: 18_000,
        currency: "KZT",
        urgent: None,
    },
    Tariff {
        code: "standard",
        name: "Стандарт",
        hours_per_month: 20,
        hourly_rate: 15_000,
        currency: "KZT",
        urgent: None,
    },
    Tariff {
        code: "premium",
        name: "Премиум",
        hours_per_month: 60,
        hourly_rate: 12_000,
        currency: "KZT",
        urgent: Some(Rule {
            response_minutes: 20,
            resolution_minutes: 180,
        }),
    },
];

/// The tags of the desk with their colours.
pub(crate) const TAGS: &[(&str, &str)] = &[
    ("1С", "#e0a100"),
    ("VIP", "#8e44ad"),
    ("безопасность", "#c0392b"),
    ("выезд", "#d35400"),
    ("интеграция", "#2471a3"),
    ("касса", "#b7950b"),
    ("обучение", "#1e8449"),
    ("печать", "#616a6b"),
    ("сеть", "#117a65"),
    ("сервер", "#943126"),
    ("сотрудники", "#6c3483"),
    ("счёт", "#7d6608"),
    ("ЭЦП", "#1a5276"),
];

/// A category and its names in the languages of the desk.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Category {
    pub(crate) code: &'static str,
    pub(crate) ru: &'static str,
    pub(crate) kk: &'static str,
    pub(crate) en: &'static str,
}

const fn category(
    code: &'static str,
    ru: &'static str,
    kk: &'static str,
    en: &'static str,
) -> Category {
    Category { code, ru, kk, en }
}

/// The published categories, and the one its example of a monitoring alert uses.
pub(crate) const CATEGORIES: &[Category] = &[
    category("crm", "CRM", "CRM", "CRM"),
    category(
        "telephony",
        "Телефония / SIP",
        "Телефония / SIP",
        "Telephony / SIP",
    ),
    category(
        "whatsapp",
        "WhatsApp / мессенджеры",
        "WhatsApp / мессенджерлер",
        "WhatsApp / Messengers",
    ),
    category("tasks", "Задачи", "Тапсырмалар", "Tasks"),
    category(
        "automation",
        "Автоматизация / бизнес-процессы",
        "Автоматтандыру / бизнес-процестер",
        "Automation / Business Processes",
    ),
    category("setup", "Настройка", "Баптау", "Configuration / Setup"),
    category(
        "bugfix",
        "Исправление ошибок",
        "Қателерді түзету",
        "Bug fix",
    ),
    category("consultation", "Консультация", "Кеңес беру", "Consultation"),
    category(
        "infrastructure",
        "Инфраструктура",
        "Инфрақұрылым",
        "Infrastructure",
    ),
    category("other", "Другое", "Басқа", "Other"),
    category(
        "general",
        "Общее (из каналов)",
        "Жалпы (арналардан)",
        "General (from channels)",
    ),
];

/// Lists of the queue that the whole desk shares, and what each looks for.
pub(crate) const VIEWS: [(&str, &str); 2] = [
    (
        "Срочные в работе",
        r#"{"status":"active","priority":"urgent","snoozed":false,"sort":"sla","order":"asc"}"#,
    ),
    (
        "Письма без ответственного",
        r#"{"status":"active","channel":"email","assigned_to":"none","sort":"created_at","order":"asc"}"#,
    ),
];

/// An answer kept ready.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct QuickReply {
    pub(crate) language: Language,
    pub(crate) title: &'static str,
    pub(crate) content: &'static str,
    pub(crate) shortcut: &'static str,
}

const fn reply(
    language: Language,
    shortcut: &'static str,
    title: &'static str,
    content: &'static str,
) -> QuickReply {
    QuickReply {
        language,
        title,
        content,
        shortcut,
    }
}

/// Answers kept ready, the same five in each language.
pub(crate) const QUICK_REPLIES: &[QuickReply] = &[
    reply(
        Ru,
        "принято",
        "Приняли в работу",
        "Здравствуйте! Приняли обращение в работу, вернёмся с ответом в ближайшее время.",
    ),
    reply(
        Ru,
        "скрин",
        "Прошу скриншот",
        "Пришлите, пожалуйста, скриншот ошибки целиком: важно видеть весь экран и время, когда она появилась.",
    ),
    reply(
        Ru,
        "доступ",
        "Удалённый доступ",
        "Чтобы посмотреть на месте, нужен удалённый доступ. Запустите, пожалуйста, AnyDesk и пришлите номер рабочего места. Удобно будет сейчас?",
    ),
    reply(
        Ru,
        "проверьте",
        "Проверьте, пожалуйста",
        "Исправили. Проверьте, пожалуйста, у себя и напишите, всё ли в порядке.",
    ),
    reply(
        Ru,
        "ждём",
        "Ждём ответа",
        "Напоминаем о нашем вопросе выше: без ответа продолжить не сможем. Если помощь больше не нужна, просто напишите, и мы закроем обращение.",
    ),
    reply(
        Kk,
        "қабылданды",
        "Өтініш қабылданды",
        "Сәлеметсіз бе! Өтінішіңізді жұмысқа алдық, жақын арада жауап береміз.",
    ),
    reply(
        Kk,
        "скрин-кк",
        "Скриншот сұрау",
        "Қатенің скриншотын толық жіберіңізші: бүкіл экран мен қате шыққан уақыт көрініп тұруы керек.",
    ),
    reply(
        Kk,
        "қосылу",
        "Қашықтан қосылу",
        "Орнында қарау үшін қашықтан қосылу керек. AnyDesk бағдарламасын ашып, жұмыс орнының нөмірін жіберіңізші. Қазір ыңғайлы ма?",
    ),
    reply(
        Kk,
        "тексеріңіз",
        "Тексеріп көріңіз",
        "Түзеттік. Өзіңізде тексеріп, бәрі дұрыс па, жазып жіберіңізші.",
    ),
    reply(
        Kk,
        "күтеміз",
        "Жауап күтеміз",
        "Жоғарыдағы сұрағымызды еске саламыз: жауапсыз әрі қарай жалғастыра алмаймыз. Көмек керек болмаса, жазсаңыз болғаны, өтінішті жабамыз.",
    ),
    reply(
        En,
        "ack",
        "We are on it",
        "Hello! We have picked up your request and will get back to you shortly.",
    ),
    reply(
        En,
        "screenshot",
        "Ask for a screenshot",
        "Could you send us a screenshot of the whole screen with the error, and the time it appeared?",
    ),
    reply(
        En,
        "remote",
        "Remote session",
        "We would like to look at it on your computer. Please start AnyDesk and send us the number it shows. Is now a good time?",
    ),
    reply(
        En,
        "check",
        "Please check",
        "This should be fixed now. Could you check on your side and let us know?",
    ),
    reply(
        En,
        "waiting",
        "Waiting for you",
        "A gentle reminder: we need your answer to the question above to go on. If you no longer need help, just say so and we will close the request.",
    ),
];
