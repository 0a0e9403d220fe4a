//! The demo desk's knowledge base. Articles that share a slug are translations of each other.
use super::Language::{self, En, Kk, Ru};

/// An article.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Article {
    pub(crate) language: Language,
    pub(crate) slug: &'static str,
    pub(crate) category: &'static str,
    pub(crate) title: &'static str,
    /// Markdown.
    pub(crate) content: &'static str,
    pub(crate) is_draft: bool,
    /// How often it was read so far.
    pub(crate) views: i64,
}

const fn article(
    language: Language,
    slug: &'static str,
    category: &'static str,
    views: i64,
    title: &'static str,
    content: &'static str,
) -> Article {
    Article {
        language,
        slug,
        category,
        title,
        content,
        is_draft: false,
        views,
    }
}

/// The articles of the desk.
pub(crate) const ARTICLES: &[Article] = &[
    article(
        Ru,
        "kassa-ne-pechataet-chek",
        "Касса и оплата",
        184,
        "Касса не печатает чек",
        "Чаще всего дело в ленте или в закрытой смене. Проверьте по порядку, это займёт пять минут.

## 1. Лента

1. Откройте крышку и выньте рулон.
2. Вставьте его **термослоем к печатающей головке**: лента должна выходить снизу.
3. Закройте крышку до щелчка и нажмите кнопку прогона.

## 2. Смена

Если на экране `Смена превысила 24 часа`, закройте её отчётом с гашением и откройте новую.

## 3. Коды ошибок

| Код | Что значит | Что делать |
|---|---|---|
| 52 | Нет связи с сервером | Проверьте интернет и перезапустите кассу |
| 63 | Кончилась лента | Замените рулон |
| 70 | Открыта крышка | Закройте до щелчка |

> Если чек не вышел, а деньги списаны, не пробивайте второй: напишите нам номер смены и время.",
    ),
    article(
        Kk,
        "kassa-ne-pechataet-chek",
        "Касса және төлем",
        57,
        "Касса чек шығармайды",
        "Көбіне себеп таспада немесе жабылмаған ауысымда болады. Ретімен тексеріңіз, бес минут жетеді.

## 1. Таспа

1. Қақпақты ашып, орамды шығарыңыз.
2. Орамды **термоқабаты басатын бөлікке қаратып** салыңыз: таспа төменнен шығуы керек.
3. Қақпақты сырт еткенше жауып, таспаны жылжыту түймесін басыңыз.

## 2. Ауысым

Экранда `Смена превысила 24 часа` деп тұрса, есеппен жауып, жаңа ауысым ашыңыз.

> Чек шықпай, ақша есептен шығарылса, екінші рет ұрмаңыз: бізге ауысым нөмірі мен уақытын жазыңыз.",
    ),
    article(
        En,
        "kassa-ne-pechataet-chek",
        "Till and payments",
        21,
        "The till prints no receipt",
        "Most often it is the paper or a shift that was not closed. Check in this order; it takes five minutes.

## 1. The paper

1. Open the lid and take out the roll.
2. Put it in with its **thermal side to the print head**: the paper comes out at the bottom.
3. Close the lid until it clicks and press the feed button.

## 2. The shift

If the screen says `Смена превысила 24 часа` (the shift is longer than 24 hours), close it with a report and open a new one.

> If no receipt came out but the money was taken, do not ring it up again: send us the shift's number and the time.",
    ),
    article(
        Ru,
        "vpn-s-domashnego-noutbuka",
        "Доступ и пароли",
        142,
        "Как подключиться к рабочей сети из дома",
        "Понадобятся ноутбук, интернет и приложение для одноразовых кодов в телефоне.

1. Установите клиент VPN с [портала](https://support.example/vpn) и откройте его.
2. Введите рабочую почту и пароль от Windows.
3. Введите шесть цифр из приложения.

**Соединение рвётся каждые несколько минут?** Отключите на ноутбуке второй VPN и антивирус с проверкой сети, затем подключитесь снова.

Пароль не подходит после отпуска: скорее всего, истёк срок. Его можно сменить на рабочем компьютере: `Ctrl+Alt+Del` → «Изменить пароль».",
    ),
    article(
        En,
        "vpn-s-domashnego-noutbuka",
        "Access and passwords",
        38,
        "How to connect to the office network from home",
        "You need a laptop, the internet and the app for one-time codes on your phone.

1. Install the VPN client from the [portal](https://support.example/vpn) and open it.
2. Type your work e-mail and your Windows password.
3. Type the six digits that the app shows.

**The connection drops every few minutes?** Turn off any second VPN on the laptop and connect again.",
    ),
    article(
        Kk,
        "parolimdi-umyttym",
        "Қолжетімділік пен құпиясөздер",
        33,
        "Құпиясөзімді ұмытып қалдым",
        "Құпиясөзді өзіңіз қалпына келтіре аласыз:

1. Кіру бетінде **«Құпиясөзді ұмыттыңыз ба?»** сілтемесін басыңыз.
2. Жұмыс поштаңызды енгізіңіз.
3. Хаттағы сілтеме бір сағат жарамды: ашып, жаңа құпиясөз ойлап табыңыз.

Хат келмесе, «Спам» бумасын қараңыз немесе бізге жазыңыз.",
    ),
    article(
        Ru,
        "crm-ne-sinhroniziruyutsya-kontakty",
        "CRM",
        96,
        "Контакты в CRM не синхронизируются",
        "Синхронизация останавливается, если в CRM сменили пароль или закончилось место.

- Откройте **Настройки → Интеграции** и посмотрите, нет ли жёлтого треугольника.
- Нажмите «Переподключить» и войдите под той учётной записью, которая владеет контактами.
- Подождите 15 минут: большие базы догружаются частями.

Если треугольник вернулся, пришлите нам снимок экрана и время.",
    ),
    article(
        Ru,
        "nastroyka-pochty-na-telefone",
        "Почта",
        211,
        "Рабочая почта на телефоне",
        "| Что | Входящая | Исходящая |
|---|---|---|
| Сервер | `imap.company.example` | `smtp.company.example` |
| Порт | 993 | 587 |
| Защита | SSL/TLS | STARTTLS |

Логин — адрес почты целиком. Если телефон просит «пароль приложения», получите его на странице профиля.",
    ),
    article(
        Ru,
        "kak-bystree-poluchit-pomosch",
        "Начало работы",
        75,
        "Как быстрее получить помощь",
        "Чем точнее первое сообщение, тем меньше вопросов мы зададим.

- [x] Что вы делали и что ожидали увидеть
- [x] Что произошло на самом деле, с текстом ошибки
- [x] Когда это началось и у кого ещё так
- [x] Снимок экрана целиком

Срочность ставьте по последствиям: **«Срочно»** — работа стоит, **«Обычная»** — можно работать в обход.",
    ),
    Article {
        is_draft: true,
        ..article(
            Ru,
            "perenos-telefonii",
            "Телефония",
            0,
            "Перенос телефонии на новый сервер",
            "Черновик для дежурной смены. Дописать порядок отключения старых номеров.",
        )
    },
];
