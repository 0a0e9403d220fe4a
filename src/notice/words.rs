//! What each notice says, in the three languages. `{name}` stands for what fills it in; `{company}` is always known.
use crate::{
    error::{Error, Result},
    lang::Lang,
};
use std::collections::BTreeMap;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal, [$($subject:literal, $body:literal;)*];)*) => {
        /// What a notice is about.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Kind { $($(#[$doc])* $kind,)* }

        impl Kind {
            pub(crate) const ALL: &[Kind] = &[$(Kind::$kind,)*];

            pub(crate) const fn as_str(self) -> &'static str {
                match self { $(Kind::$kind => $name,)* }
            }

            /// Subject and text in Russian, Kazakh and English.
            const fn words(self) -> [(&'static str, &'static str); 3] {
                match self { $(Kind::$kind => [$(($subject, $body),)*],)* }
            }
        }
    };
}

kinds! {
    /// A link for a new password, asked for by whoever knows the login.
    PasswordReset = "password_reset", [
        "Новый пароль",
        "Здравствуйте!\n\nКто-то — скорее всего, вы — попросил задать новый пароль для входа в «{company}». Откройте ссылку, \
         она работает один раз и только час:\n\n{url}\n\nЕсли вы об этом не просили, ничего делать не нужно: прежний пароль \
         действует.";
        "Жаңа құпиясөз",
        "Сәлеметсіз бе!\n\n«{company}» жүйесіне кіруге арналған жаңа құпиясөз сұралды — оны сұраған өзіңіз болсаңыз керек. \
         Мына сілтемені ашыңыз, ол бір рет және бір сағат қана жұмыс істейді:\n\n{url}\n\nСұрамаған болсаңыз, ештеңе \
         істемеңіз: бұрынғы құпиясөз күшінде қалады.";
        "A new password",
        "Hello,\n\nSomebody, most likely you, asked to set a new password for {company}. Open this link; it works once, for \
         an hour:\n\n{url}\n\nIf you did not ask for it, there is nothing to do: your old password still works.";
    ];
    /// A link by which somebody who was added to the desk sets a password.
    Invitation = "invitation", [
        "Приглашение в «{company}»",
        "Здравствуйте!\n\n{inviter} приглашает вас отвечать на обращения в «{company}». Задайте пароль по ссылке, она работает \
         один раз, три дня:\n\n{url}\n\nВаш логин — {login}.";
        "«{company}» шақыруы",
        "Сәлеметсіз бе!\n\n{inviter} сізді «{company}» қолдау қызметінде жұмыс істеуге шақырады. Сілтеме арқылы құпиясөз \
         орнатыңыз, ол бір рет, үш күн жұмыс істейді:\n\n{url}\n\nЛогиніңіз: {login}.";
        "You are invited to {company}",
        "Hello,\n\n{inviter} invites you to the help desk of {company}. Set a password by this link; it works once, for three \
         days:\n\n{url}\n\nYour login is {login}.";
    ];
    /// Somebody has another password now, by whatever way.
    PasswordChanged = "password_changed", [
        "Пароль изменён",
        "Здравствуйте!\n\nПароль вашей учётной записи в «{company}» изменён, остальные сеансы завершены.\n\nЕсли это были не вы, \
         запросите новый пароль на странице входа и сообщите администратору:\n\n{url}";
        "Құпиясөз өзгертілді",
        "Сәлеметсіз бе!\n\n«{company}» жүйесіндегі құпиясөзіңіз өзгертілді, басқа сеанстар аяқталды.\n\nБұл сіз болмасаңыз, \
         кіру бетінде жаңа құпиясөз сұраңыз және әкімшіге хабарлаңыз:\n\n{url}";
        "Your password was changed",
        "Hello,\n\nThe password of your account at {company} was changed, and your other sessions have ended.\n\nIf this was \
         not you, ask for a new password on the sign-in page and tell your administrator:\n\n{url}";
    ];
    /// The digits by which a visitor of a site proves that the address is theirs.
    WidgetCode = "widget_code", [
        "Код: {code}",
        "Здравствуйте!\n\nВаш код, чтобы открыть заявку в «{company}»:\n\n{code}\n\nОн действует десять минут. Если вы его не \
         запрашивали, ничего делать не нужно.";
        "Код: {code}",
        "Сәлеметсіз бе!\n\n«{company}» қызметіндегі өтініміңізді ашуға арналған код:\n\n{code}\n\nКод он минут жарамды. Оны \
         сұрамаған болсаңыз, ештеңе істемеңіз.";
        "Code: {code}",
        "Hello,\n\nThis code opens your request at {company}:\n\n{code}\n\nIt is good for ten minutes. If you did not ask for it, \
         there is nothing to do.";
    ];
    /// What an operator is told of at once.
    Notification = "notification", [
        "{subject}",
        "{above}{news}\n\n{how}—\nО чём вам писать и когда, задаётся в настройках уведомлений:\n{settings}";
        "{subject}",
        "{above}{news}\n\n{how}—\nСізге не туралы және қашан жазу керегін хабарландыру баптауларында таңдайсыз:\n{settings}";
        "{subject}",
        "{above}{news}\n\n{how}—\nWhat you are told of and when is set in your notification settings:\n{settings}";
    ];
    /// What an operator is told of once a day.
    Digest = "digest", [
        "Сводка за день: {count}",
        "Накопилось за день:\n\n{news}\n\n—\nО чём вам писать и когда, задаётся в настройках уведомлений:\n{settings}";
        "Күндік жиынтық: {count}",
        "Бір күнде жиналғаны:\n\n{news}\n\n—\nСізге не туралы және қашан жазу керегін хабарландыру баптауларында таңдайсыз:\n{settings}";
        "Daily digest: {count}",
        "What came together in a day:\n\n{news}\n\n—\nWhat you are told of and when is set in your notification settings:\n{settings}";
    ];
    /// A link by which somebody of a client enters the portal.
    PortalLink = "portal_link", [
        "Вход на портал поддержки",
        "Здравствуйте!\n\nПо этой ссылке откроются ваши заявки в «{company}», она действует сутки:\n\n{url}\n\nНикому её не \
         пересылайте. Если вы её не запрашивали, ничего делать не нужно.";
        "Қолдау порталына кіру",
        "Сәлеметсіз бе!\n\nМына сілтеме «{company}» қызметіндегі өтінімдеріңізді ашады, ол бір тәулік жарамды:\n\n{url}\n\nОны \
         ешкімге жібермеңіз. Сұрамаған болсаңыз, ештеңе істемеңіз.";
        "Your link to the support portal",
        "Hello,\n\nThis link opens your requests at {company}; it works for a day:\n\n{url}\n\nDo not pass it on. If you did not \
         ask for it, there is nothing to do.";
    ];
}

impl Kind {
    pub(crate) fn parse(text: &str) -> Option<Kind> {
        Kind::ALL.iter().copied().find(|k| k.as_str() == text)
    }

    /// Subject and text with everything filled in.
    pub(super) fn written(
        self,
        lang: Lang,
        variables: &BTreeMap<String, String>,
    ) -> Result<(String, String)> {
        let [ru, kk, en] = self.words();
        let (subject, text) = match lang {
            Lang::Ru => ru,
            Lang::Kk => kk,
            Lang::En => en,
        };
        Ok((filled(subject, variables)?, filled(text, variables)?))
    }
}

crate::db::sql::text_column!(Kind);

/// `template` with its holes filled. What fills them in is not looked at again, so it brings no holes of its own.
fn filled(template: &str, variables: &BTreeMap<String, String>) -> Result<String> {
    let mut out = String::with_capacity(template.len() + 64);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let (name, tail) = after
            .split_once('}')
            .ok_or_else(|| Error::internal("a notice has an open brace"))?;
        let value = variables
            .get(name)
            .ok_or_else(|| Error::internal(format!("a notice was not told its {name}")))?;
        out.push_str(value);
        rest = tail;
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_three_languages_have_the_same_holes() {
        let holes = |(subject, text): (&str, &str)| -> BTreeSet<String> {
            format!("{subject}{text}")
                .split('{')
                .skip(1)
                .filter_map(|part| part.split_once('}').map(|(name, _)| name.to_owned()))
                .collect()
        };
        for kind in Kind::ALL {
            let [ru, kk, en] = kind.words();
            assert_eq!(holes(ru), holes(en), "{kind:?}");
            assert_eq!(holes(kk), holes(en), "{kind:?}");
        }
    }

    #[test]
    fn what_fills_a_hole_brings_none_of_its_own() {
        let variables = [("a", "{b}"), ("b", "secret")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        assert_eq!(filled("x {a} y", &variables).unwrap(), "x {b} y");
        assert!(filled("{c}", &variables).is_err());
    }
}
