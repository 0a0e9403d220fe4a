//! Words that fit any conversation: a second look, and what clients say when they rate.

use crate::demo::script::Language;
use crate::demo::script::words::Dice;

/// What is said when a trouble comes back.
#[derive(Clone, Copy, Debug)]
pub(super) struct SecondRound {
    pub(super) look: &'static str,
    pub(super) fixed: &'static str,
    pub(super) thanks: &'static str,
    pub(super) result: &'static str,
}

pub(super) const fn second_round(language: Language) -> SecondRound {
    match language {
        Language::Ru => SecondRound {
            look: "{client}, {простите за повтор, разбираемся до конца.|вижу, беру снова. На этот раз найдём первопричину.|жаль, что вернулось. Смотрю прямо сейчас.}",
            fixed: "{Нашли первопричину и устранили её, а не последствия. Понаблюдаем вместе пару дней.|В прошлый раз исправили следствие, теперь — причину. Проверьте, пожалуйста.|Исправлено, и добавлена проверка: если повторится, мы узнаем раньше вас.}",
            thanks: "{Теперь стабильно, спасибо.|Два дня без повторов. Можно закрывать.|Спасибо, что довели до конца.}",
            result: "Устранена первопричина, повторов нет.",
        },
        Language::Kk => SecondRound {
            look: "{client}, {қайталанғаны үшін кешірім сұраймыз, түбіне дейін тексереміз.|қайтадан қолға алдық, қазір қараймыз.}",
            fixed: "{Негізгі себебін тауып, түзеттік. Бірер күн бірге бақылайық.|Бұл жолы салдарын емес, себебін жойдық. Тексеріп көріңізші.}",
            thanks: "{Енді тұрақты жұмыс істейді, рақмет.|Қайталанған жоқ, жабуға болады.}",
            result: "Негізгі себебі жойылды, қайталанған жоқ.",
        },
        Language::En => SecondRound {
            look: "{{client}, sorry it came back. We are going after the root cause this time.|{client}, reopened on our side, looking at it right now.}",
            fixed: "{We found the root cause and removed it, rather than the symptom. Let us watch it together for a day or two.|Fixed for good, and a check now tells us first should it ever return.}",
            thanks: "{Stable since then, thanks.|No recurrence, please close it.}",
            result: "Root cause removed, no recurrence.",
        },
    }
}

/// A number of stars and the words that go with it; most people only tap.
pub(super) fn rating(language: Language, dice: &mut Dice) -> (u8, &'static str) {
    let stars = match dice.below(100) {
        0..3 => 1,
        3..7 => 2,
        7..15 => 3,
        15..35 => 4,
        _ => 5,
    };
    let comments: &[&str] = match (language, stars) {
        (Language::Ru, 5) => &[
            "Быстро и по делу, спасибо!",
            "Всё объяснили человеческим языком.",
            "Отдельное спасибо за терпение.",
        ],
        (Language::Ru, 4) => &["Хорошо, но хотелось бы быстрее.", "Помогли, спасибо."],
        (Language::Ru, _) => &[
            "Решали дольше, чем хотелось.",
            "Не хватило объяснения, что это было и почему.",
        ],
        (Language::Kk, 5) => &["Өте тез көмектесті, рақмет!", "Бәрін түсінікті етіп айтты."],
        (Language::Kk, 4) => &[
            "Жақсы, бірақ тезірек болса екен.",
            "Көмектескендеріне рақмет.",
        ],
        (Language::Kk, _) => &[
            "Күткеннен ұзаққа созылды.",
            "Не болғанын толық түсіндірмеді.",
        ],
        (Language::En, 5) => &[
            "Quick and friendly, thank you.",
            "They found the real cause.",
            "Best support we have had.",
        ],
        (Language::En, 4) => &["Good, a bit slow at first.", "Helpful."],
        (Language::En, _) => &[
            "Took longer than I hoped.",
            "I would have liked more of an explanation.",
        ],
    };
    let comment = if dice.percent(45) {
        dice.pick(comments).unwrap_or_default()
    } else {
        ""
    };
    (stars, comment)
}
