//! Words of a help desk in Russian and Kazakh, put together so that a search index has the same work with them as with
//! what people write: few words are everywhere, most are rare, and every text has something that no other has.
use fastrand::Rng;

/// How often a word of a rank comes up falls with the rank, as in any language (Zipf).
fn common<'a, T>(rng: &mut Rng, words: &'a [T]) -> &'a T {
    let most = words.len();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a place in a short list"
    )]
    let place = ((most as f64).powf(rng.f64()) - 1.0) as usize;
    &words[place.min(most - 1)]
}

const RUSSIAN_SMALL: [&str; 24] = [
    "не",
    "и",
    "в",
    "на",
    "с",
    "после",
    "при",
    "у",
    "нас",
    "что",
    "это",
    "как",
    "для",
    "по",
    "уже",
    "сегодня",
    "вчера",
    "очень",
    "можно",
    "пожалуйста",
    "снова",
    "где",
    "только",
    "когда",
];
const RUSSIAN_STEMS: [&str; 96] = [
    "принтер",
    "заявк",
    "сервер",
    "счёт",
    "касс",
    "отчёт",
    "договор",
    "клиент",
    "телефон",
    "оператор",
    "звонк",
    "почт",
    "доступ",
    "парол",
    "настройк",
    "обновлен",
    "ошибк",
    "окн",
    "файл",
    "документ",
    "склад",
    "товар",
    "остатк",
    "цен",
    "скидк",
    "заказ",
    "доставк",
    "курьер",
    "оплат",
    "платеж",
    "банк",
    "выписк",
    "налог",
    "деклараци",
    "бухгалтер",
    "зарплат",
    "сотрудник",
    "отдел",
    "отпуск",
    "пропуск",
    "график",
    "смен",
    "задач",
    "проект",
    "срок",
    "комментари",
    "уведомлен",
    "письм",
    "вложен",
    "ссылк",
    "портал",
    "сайт",
    "форм",
    "виджет",
    "чат",
    "бот",
    "интеграци",
    "ключ",
    "база",
    "копи",
    "архив",
    "диск",
    "памят",
    "процессор",
    "сет",
    "роутер",
    "кабел",
    "розетк",
    "монитор",
    "клавиатур",
    "мыш",
    "сканер",
    "картридж",
    "бумаг",
    "очеред",
    "терминал",
    "карт",
    "чек",
    "возврат",
    "номенклатур",
    "штрихкод",
    "этикетк",
    "ревизи",
    "инвентаризаци",
    "контрагент",
    "реквизит",
    "подпис",
    "сертификат",
    "лиценз",
    "версии",
    "модул",
    "справочник",
    "контакт",
    "сделк",
    "воронк",
    "лид",
];
const RUSSIAN_ENDINGS: [&str; 14] = [
    "", "а", "у", "ом", "е", "ы", "ов", "ам", "ами", "ах", "ный", "ного", "ные", "ка",
];
const KAZAKH_SMALL: [&str; 18] = [
    "және",
    "бұл",
    "үшін",
    "бойынша",
    "кейін",
    "қазір",
    "бізде",
    "емес",
    "жоқ",
    "бар",
    "керек",
    "мен",
    "тағы",
    "бүгін",
    "кеше",
    "өте",
    "қалай",
    "неге",
];
const KAZAKH_STEMS: [&str; 48] = [
    "өтінім",
    "тапсырыс",
    "құжат",
    "есеп",
    "төлем",
    "жүйе",
    "қате",
    "құпиясөз",
    "қолжетімділік",
    "баптау",
    "жаңарту",
    "телефон",
    "байланыс",
    "қоңырау",
    "хат",
    "пошта",
    "қызметкер",
    "бөлім",
    "клиент",
    "тауар",
    "қойма",
    "баға",
    "жеңілдік",
    "жеткізу",
    "касса",
    "түбіртек",
    "принтер",
    "желі",
    "сервер",
    "дерекқор",
    "көшірме",
    "файл",
    "сурет",
    "нысан",
    "сайт",
    "портал",
    "шарт",
    "қолтаңба",
    "куәлік",
    "мерзім",
    "кесте",
    "ауысым",
    "жоба",
    "тапсырма",
    "ескерту",
    "сілтеме",
    "шот",
    "банк",
];
const KAZAKH_ENDINGS: [&str; 12] = [
    "",
    "ді",
    "ге",
    "де",
    "ден",
    "нің",
    "лер",
    "лерді",
    "імізде",
    "ы",
    "сін",
    "мен",
];

fn word(rng: &mut Rng, kazakh: bool) -> String {
    let (small, stems, endings): (&[&str], &[&str], &[&str]) = if kazakh {
        (&KAZAKH_SMALL, &KAZAKH_STEMS, &KAZAKH_ENDINGS)
    } else {
        (&RUSSIAN_SMALL, &RUSSIAN_STEMS, &RUSSIAN_ENDINGS)
    };
    match rng.u8(..100) {
        0..35 => (*common(rng, small)).to_owned(),
        // Numbers of invoices, names of hosts: what a search is often for.
        96.. => format!(
            "{}{}",
            ["№", "srv-", "INV", "ip"][rng.usize(..4)],
            rng.u32(..900_000)
        ),
        _ => format!("{}{}", common(rng, stems), common(rng, endings)),
    }
}

/// So many words, the first with a capital.
fn sentence(rng: &mut Rng, words: usize, kazakh: bool) -> String {
    let mut text = String::new();
    for at in 0..words {
        let word = word(rng, kazakh);
        if at == 0 {
            let mut letters = word.chars();
            text.extend(letters.next().into_iter().flat_map(char::to_uppercase));
            text.push_str(letters.as_str());
        } else {
            text.push(' ');
            text.push_str(&word);
        }
    }
    text
}

/// A subject of a few words. One text in four is Kazakh.
pub(super) fn subject(rng: &mut Rng) -> String {
    let kazakh = rng.u8(..4) == 0;
    let words = rng.usize(3..8);
    sentence(rng, words, kazakh)
}

/// A message of a few sentences.
pub(super) fn message(rng: &mut Rng) -> String {
    let kazakh = rng.u8(..4) == 0;
    let mut text = String::new();
    for _ in 0..rng.usize(2..6) {
        let words = rng.usize(4..14);
        text.push_str(&sentence(rng, words, kazakh));
        text.push_str(". ");
    }
    text.truncate(text.trim_end().len());
    text
}
