//! Who works at the demo desk and whom it serves.
//!
//! Every address of a client lies under `.example`, so that no demo desk ever writes to a stranger.

use super::Language::{self, En, Kk, Ru};

/// Which forms a language needs for somebody.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Gender {
    Man,
    Woman,
}

/// Somebody of the desk.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Operator {
    pub(crate) first_name: &'static str,
    pub(crate) name: &'static str,
    pub(crate) gender: Gender,
    /// Also the login.
    pub(crate) email: &'static str,
    pub(crate) phone: &'static str,
    /// The wire's word: `admin`, `supervisor` or `operator`.
    pub(crate) role: &'static str,
    pub(crate) department: &'static str,
    /// The first one is the language of the screen.
    pub(crate) languages: &'static [Language],
    /// The categories that land here first.
    pub(crate) categories: &'static [&'static str],
}

/// A company the desk serves.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Client {
    pub(crate) portal_domain: &'static str,
    pub(crate) company_name: &'static str,
    /// A code of `reference::TARIFFS`.
    pub(crate) tariff_plan: &'static str,
    pub(crate) hours_per_month: u32,
    pub(crate) locale: Language,
    /// For the staff's eyes.
    pub(crate) notes: &'static str,
    pub(crate) contacts: &'static [Contact],
}

/// Somebody of a company.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Contact {
    pub(crate) first_name: &'static str,
    pub(crate) name: &'static str,
    pub(crate) gender: Gender,
    pub(crate) email: &'static str,
    pub(crate) phone: &'static str,
    pub(crate) language: Language,
}

/// The name of the demo tenant.
pub(crate) const COMPANY: &str = "TehProf Demo";

/// The people of the desk: the first administers it, the second supervises.
pub(crate) const OPERATORS: &[Operator] = &[
    Operator {
        first_name: "Дмитрий",
        name: "Дмитрий Соколов",
        gender: Gender::Man,
        email: "dmitry@demo.tehprof.kz",
        phone: "+77000000001",
        role: "admin",
        department: "Руководство",
        languages: &[Ru, En],
        categories: &["infrastructure"],
    },
    Operator {
        first_name: "Алия",
        name: "Алия Нурбекова",
        gender: Gender::Woman,
        email: "aliya@demo.tehprof.kz",
        phone: "+77000000002",
        role: "supervisor",
        department: "CRM и автоматизация",
        languages: &[Ru, Kk, En],
        categories: &["crm", "automation", "consultation"],
    },
    Operator {
        first_name: "Ерлан",
        name: "Ерлан Сәрсенов",
        gender: Gender::Man,
        email: "erlan@demo.tehprof.kz",
        phone: "+77000000003",
        role: "operator",
        department: "Телефония и сети",
        languages: &[Kk, Ru],
        categories: &["telephony", "infrastructure", "setup"],
    },
    Operator {
        first_name: "Марина",
        name: "Марина Ким",
        gender: Gender::Woman,
        email: "marina@demo.tehprof.kz",
        phone: "+77000000004",
        role: "operator",
        department: "CRM и автоматизация",
        languages: &[Ru, En],
        categories: &["crm", "whatsapp", "tasks", "automation"],
    },
    Operator {
        first_name: "Тимур",
        name: "Тимур Ахметов",
        gender: Gender::Man,
        email: "timur@demo.tehprof.kz",
        phone: "+77000000005",
        role: "operator",
        department: "Рабочие места",
        languages: &[Ru, Kk, En],
        categories: &["setup", "bugfix", "other"],
    },
    Operator {
        first_name: "Айгерим",
        name: "Айгерим Бекова",
        gender: Gender::Woman,
        email: "aigerim@demo.tehprof.kz",
        phone: "+77000000006",
        role: "operator",
        department: "Первая линия",
        languages: &[Kk, Ru, En],
        categories: &["general", "other", "whatsapp", "consultation"],
    },
];

const fn man(
    first_name: &'static str,
    name: &'static str,
    email: &'static str,
    phone: &'static str,
    language: Language,
) -> Contact {
    Contact {
        first_name,
        name,
        gender: Gender::Man,
        email,
        phone,
        language,
    }
}

const fn woman(
    first_name: &'static str,
    name: &'static str,
    email: &'static str,
    phone: &'static str,
    language: Language,
) -> Contact {
    Contact {
        gender: Gender::Woman,
        ..man(first_name, name, email, phone, language)
    }
}

/// The companies the desk serves.
pub(crate) const CLIENTS: &[Client] = &[
    Client {
        portal_domain: "client.bitrix24.kz",
        company_name: "ТОО «Рога и Копыта»",
        tariff_plan: "standard",
        hours_per_month: 20,
        locale: Ru,
        notes: "Офис на 3-м и 4-м этажах, пропуск заказывать за день. Главный контакт — Иван Петров.",
        contacts: &[
            man(
                "Иван",
                "Иван Петров",
                "petrov@roga-kopyta.example",
                "+77000000101",
                Ru,
            ),
            woman(
                "Ольга",
                "Ольга Белова",
                "buh@roga-kopyta.example",
                "+77000000102",
                Ru,
            ),
            man(
                "Данияр",
                "Данияр Қасымов",
                "kassymov@roga-kopyta.example",
                "+77000000103",
                Kk,
            ),
        ],
    },
    Client {
        portal_domain: "other.bitrix24.kz",
        company_name: "ИП Сидоров",
        tariff_plan: "start",
        hours_per_month: 5,
        locale: Ru,
        notes: "Два магазина автозапчастей. Звонить лучше после 10:00.",
        contacts: &[
            man(
                "Алексей",
                "Алексей Сидоров",
                "sidorov@avto-sidorov.example",
                "+77000000111",
                Ru,
            ),
            woman(
                "Наталья",
                "Наталья Юрченко",
                "magazin@avto-sidorov.example",
                "+77000000112",
                Ru,
            ),
        ],
    },
    Client {
        portal_domain: "altyn-dan.bitrix24.kz",
        company_name: "ТОО «Алтын Дән»",
        tariff_plan: "standard",
        hours_per_month: 30,
        locale: Kk,
        notes: "Элеватор Көкшетау маңында, байланыс әлсіз: үлкен файлдарды кешке жүктейміз.",
        contacts: &[
            man(
                "Нұрлан",
                "Нұрлан Жақсыбеков",
                "nurlan@altyn-dan.example",
                "+77000000121",
                Kk,
            ),
            woman(
                "Гүлнар",
                "Гүлнар Омарова",
                "buh@altyn-dan.example",
                "+77000000122",
                Kk,
            ),
            man(
                "Сергей",
                "Сергей Литвинов",
                "sklad@altyn-dan.example",
                "+77000000123",
                Ru,
            ),
        ],
    },
    Client {
        portal_domain: "steppe-logistics.bitrix24.com",
        company_name: "Steppe Logistics LLP",
        tariff_plan: "premium",
        hours_per_month: 60,
        locale: En,
        notes: "Offices in Almaty and Aktau. Anything that stops dispatching is urgent, whatever they tick.",
        contacts: &[
            man(
                "James",
                "James Whitfield",
                "james@steppe-logistics.example",
                "+77000000131",
                En,
            ),
            woman(
                "Saule",
                "Saule Iskakova",
                "saule@steppe-logistics.example",
                "+77000000132",
                En,
            ),
            man(
                "Marat",
                "Marat Dzhumabayev",
                "it@steppe-logistics.example",
                "+77000000133",
                En,
            ),
        ],
    },
    Client {
        portal_domain: "nurly-dent.bitrix24.kz",
        company_name: "«Нұрлы Дент» стоматологиясы",
        tariff_plan: "start",
        hours_per_month: 10,
        locale: Kk,
        notes: "Қабылдау 20:00-ге дейін. Рентген сервері кабинет 5-те.",
        contacts: &[
            woman(
                "Айдана",
                "Айдана Серікбаева",
                "admin@nurly-dent.example",
                "+77000000141",
                Kk,
            ),
            man(
                "Бауыржан",
                "Бауыржан Төлеген",
                "director@nurly-dent.example",
                "+77000000142",
                Kk,
            ),
        ],
    },
    Client {
        portal_domain: "sever-stroy.bitrix24.ru",
        company_name: "ООО «СеверСтрой»",
        tariff_plan: "premium",
        hours_per_month: 40,
        locale: Ru,
        notes: "Стройплощадки в трёх городах, на площадках только мобильный интернет.",
        contacts: &[
            man(
                "Андрей",
                "Андрей Кузьмин",
                "kuzmin@sever-stroy.example",
                "+79000000151",
                Ru,
            ),
            woman(
                "Елена",
                "Елена Рябова",
                "ryabova@sever-stroy.example",
                "+79000000152",
                Ru,
            ),
            woman(
                "Виктория",
                "Виктория Мельник",
                "hr@sever-stroy.example",
                "+79000000153",
                Ru,
            ),
        ],
    },
    Client {
        portal_domain: "caspian-trade.bitrix24.kz",
        company_name: "Caspian Trade Ltd.",
        tariff_plan: "standard",
        hours_per_month: 20,
        locale: En,
        notes: "Head office in Baku: the finance team is one hour behind Almaty and works Saturdays.",
        contacts: &[
            woman(
                "Leyla",
                "Leyla Mammadova",
                "leyla@caspian-trade.example",
                "+77000000161",
                En,
            ),
            man(
                "Oliver",
                "Oliver Brandt",
                "oliver@caspian-trade.example",
                "+77000000162",
                En,
            ),
        ],
    },
    Client {
        portal_domain: "dala-market.bitrix24.kz",
        company_name: "ТОО «Дала Маркет»",
        tariff_plan: "premium",
        hours_per_month: 80,
        locale: Ru,
        notes: "12 магазинов. Касса, которая не пробивает, — всегда срочно.",
        contacts: &[
            man(
                "Руслан",
                "Руслан Ибраев",
                "it@dala-market.example",
                "+77000000171",
                Ru,
            ),
            woman(
                "Светлана",
                "Светлана Цой",
                "office@dala-market.example",
                "+77000000172",
                Ru,
            ),
            woman(
                "Жанар",
                "Жанар Мұратқызы",
                "zhanar@dala-market.example",
                "+77000000173",
                Kk,
            ),
        ],
    },
];
