//! The sentences of notifications.
use super::Kind;
use crate::{channel::config::advice, contact, lang::Lang};

/// What happened, as a sentence. The ticket's subject stands beside it and is not part of it.
pub(super) fn sentence(lang: Lang, kind: Kind, actor: &str, detail: &str) -> String {
    let clock = |[ru, kk, en]: [&'static str; 3]| match lang {
        Lang::Ru => ru,
        Lang::Kk => kk,
        Lang::En => en,
    };
    let promise = if detail == "resolution" {
        clock(["решения", "шешу", "solution"])
    } else {
        clock(["ответа", "жауап", "answer"])
    };
    // Of a channel its name is kept, and what its server said.
    let (name, said) = detail.split_once('\n').unwrap_or((detail, ""));
    let why = match kind {
        Kind::ChannelBroken => advice::about(said, lang).unwrap_or(said),
        _ => said,
    };
    let text = lang.pick(match kind {
        Kind::Assigned => [
            "{actor}: заявка назначена вам",
            "{actor}: өтінім сізге тағайындалды",
            "{actor} assigned a ticket to you",
        ],
        Kind::Message => [
            "{actor}: новое сообщение",
            "{actor}: жаңа хабарлама",
            "New message from {actor}",
        ],
        Kind::Mention => [
            "{actor} упоминает вас в заметке",
            "{actor} жазбада сізді атап өтті",
            "{actor} mentions you in a note",
        ],
        Kind::SlaWarning => [
            "Срок {promise} скоро истечёт",
            "{promise} мерзімі жақында аяқталады",
            "The time for the {promise} is running out",
        ],
        Kind::SlaBreach => [
            "Срок {promise} нарушен",
            "{promise} мерзімі өтіп кетті",
            "The time for the {promise} has passed",
        ],
        Kind::EstimateApproved => [
            "{actor}: смета согласована",
            "{actor}: смета мақұлданды",
            "{actor} approved the estimate",
        ],
        Kind::EstimateRejected => [
            "{actor}: смета отклонена. {detail}",
            "{actor}: смета қабылданбады. {detail}",
            "{actor} rejected the estimate. {detail}",
        ],
        Kind::Csat => [
            "{actor}: оценка {detail} из 5",
            "{actor}: 5-тен {detail} баға",
            "{actor} rated the work {detail} of 5",
        ],
        Kind::WebhookOff => [
            "Вебхук отключён после сбоев: {detail}",
            "Вебхук қателерден кейін өшірілді: {detail}",
            "A webhook was switched off after failures: {detail}",
        ],
        Kind::ChannelBroken if why.is_empty() => [
            "Канал «{name}» не работает",
            "«{name}» арнасы жұмыс істемейді",
            "The channel \"{name}\" does not work",
        ],
        Kind::ChannelBroken => [
            "Канал «{name}» не работает: {why}",
            "«{name}» арнасы жұмыс істемейді: {why}",
            "The channel \"{name}\" does not work: {why}",
        ],
        Kind::ChannelMended => [
            "Канал «{name}» снова работает",
            "«{name}» арнасы қайта жұмыс істеп тұр",
            "The channel \"{name}\" works again",
        ],
        Kind::SecretExpires => [
            "Пароль или токен канала «{name}» действует до {why}. Получите новый и впишите его в настройках канала",
            "«{name}» арнасының құпиясөзі не токені {why} дейін жарамды. Жаңасын алып, арна баптауларына енгізіңіз",
            "The password or token of the channel \"{name}\" holds until {why}. Get a new one and put it into the channel's settings",
        ],
        Kind::TelegramOff => [
            "Уведомления в Telegram больше не доходят: бот заблокирован. Разблокируйте его или свяжите чат заново в настройках уведомлений",
            "Telegram хабарландырулары енді жетпейді: бот бұғатталған. Оны бұғаттан шығарыңыз не хабарландыру баптауларында чатты қайта байланыстырыңыз",
            "Notifications no longer arrive in Telegram: the bot is blocked. Unblock it, or tie the chat again in your notification settings",
        ],
        Kind::Rule => ["{detail}", "{detail}", "{detail}"],
    });
    let mut sentence = String::with_capacity(text.len() + actor.len() + detail.len());
    let mut rest = text;
    // Values are put in place one by one, so that braces inside them stay what they are.
    while let Some((before, after)) = rest.split_once('{') {
        let (hole, tail) = after.split_once('}').unwrap_or((after, ""));
        sentence.push_str(before);
        sentence.push_str(match hole {
            "actor" if actor.is_empty() => lang.pick(contact::ERASED),
            "actor" => actor,
            "promise" => promise,
            "name" => name,
            "why" => why,
            _ => detail,
        });
        rest = tail;
    }
    sentence.push_str(rest);
    let trimmed = sentence.trim();
    let mut letters = trimmed.chars();
    match letters.next() {
        Some(first) if kind != Kind::Rule => first.to_uppercase().chain(letters).collect(),
        _ => trimmed.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_says_something_in_every_language() {
        for &kind in Kind::ALL {
            for lang in Lang::ALL {
                let said = sentence(lang, kind, "Асем", "resolution");
                assert!(said.len() > 5 && !said.contains(['{', '}']), "{said}");
            }
        }
        let rated = sentence(Lang::Ru, Kind::Csat, "{detail}", "4");
        assert_eq!(rated, "{detail}: оценка 4 из 5");
        let broken = "Бот\nthe token is not valid: Unauthorized";
        let said = sentence(Lang::Ru, Kind::ChannelBroken, "", broken);
        assert!(said.starts_with("Канал «Бот» не работает: Токен"), "{said}");
        let breach = sentence(Lang::Kk, Kind::SlaBreach, "", "response");
        assert_eq!(breach, "Жауап мерзімі өтіп кетті");
    }
}
