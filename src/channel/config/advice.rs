//! What a person can do about what a channel's server said: a sentence in their language. Pure. What nobody here knows
//! gets none, and stands as the server said it.
use crate::lang::Lang;

/// What is the matter, as far as a person can act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    Token,
    TokenTaken,
    Webhook,
    Phone,
    Login,
    SenderRefused,
    Name,
    Certificate,
    Refused,
    Silent,
    Private,
    Plan,
    Full,
    Later,
}

/// Words by which a trouble is known, in lower case; the first that stands in the text decides.
const KNOWN: [(&str, Trouble); 47] = [
    ("scan the code again", Trouble::Phone),
    ("connection to whatsapp was lost", Trouble::Phone),
    (
        "another program reads with the same token",
        Trouble::TokenTaken,
    ),
    ("terminated by other getupdates", Trouble::TokenTaken),
    ("webhook is active", Trouble::Webhook),
    ("does not take our address", Trouble::Webhook),
    ("bad webhook", Trouble::Webhook),
    ("the token is not valid", Trouble::Token),
    ("verify.token", Trouble::Token),
    ("invalid access_token", Trouble::Token),
    ("unauthorized", Trouble::Token),
    ("api key", Trouble::Token),
    ("535", Trouble::Login),
    ("534", Trouble::Login),
    ("530", Trouble::Login),
    ("authenticat", Trouble::Login),
    ("wrong password", Trouble::Login),
    ("login failed", Trouble::Login),
    ("invalid credentials", Trouble::Login),
    ("553", Trouble::SenderRefused),
    ("sender address rejected", Trouble::SenderRefused),
    ("not owned by", Trouble::SenderRefused),
    ("certificate", Trouble::Certificate),
    ("tls", Trouble::Certificate),
    ("starttls", Trouble::Certificate),
    ("private network", Trouble::Private),
    ("no address that may be connected to", Trouble::Private),
    ("cannot be found", Trouble::Name),
    ("name or service not known", Trouble::Name),
    ("failed to lookup address", Trouble::Name),
    ("dns", Trouble::Name),
    ("no record found", Trouble::Name),
    ("connection refused", Trouble::Refused),
    ("refused", Trouble::Refused),
    ("did not answer", Trouble::Silent),
    ("timed out", Trouble::Silent),
    ("timeout", Trouble::Silent),
    ("cannot be reached", Trouble::Silent),
    ("unreachable", Trouble::Silent),
    ("broke off", Trouble::Silent),
    ("plan", Trouble::Plan),
    ("552", Trouble::Full),
    ("quota", Trouble::Full),
    ("421", Trouble::Later),
    ("450", Trouble::Later),
    ("451", Trouble::Later),
    ("the server answered 5", Trouble::Later),
];

fn trouble(why: &str) -> Option<Trouble> {
    let why = why.to_lowercase();
    KNOWN
        .iter()
        .find(|(words, _)| {
            why.match_indices(words).any(|(at, _)| {
                // A code of three digits is none inside a longer number.
                let is_code = words.bytes().all(|b| b.is_ascii_digit());
                let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
                !is_code
                    || !(digit(why[..at].chars().next_back())
                        || digit(why[at + words.len()..].chars().next()))
            })
        })
        .map(|(_, trouble)| *trouble)
}

/// What to do about what was said.
pub(crate) fn about(why: &str, lang: Lang) -> Option<&'static str> {
    let words = match trouble(why)? {
        Trouble::Token => [
            "Токен или ключ больше не подходит. Выпустите новый у провайдера (для Telegram — у @BotFather) и впишите его в настройках канала.",
            "Токен не кілт енді жарамайды. Провайдерден жаңасын алыңыз (Telegram үшін — @BotFather), содан кейін арна баптауларына енгізіңіз.",
            "The token or key holds no more. Get a new one from the provider (@BotFather for Telegram) and put it into the channel's settings.",
        ],
        Trouble::TokenTaken => [
            "Этот же токен читает другая программа. Остановите её или выпустите новый токен и впишите его здесь.",
            "Осы токенмен басқа бағдарлама да оқып отыр. Оны тоқтатыңыз не жаңа токен алып, осында енгізіңіз.",
            "Another program reads with the same token. Stop it, or get a new token and put it in here.",
        ],
        Trouble::Webhook => [
            "Провайдер не может слать сообщения на наш адрес. Проверьте, что адрес установки открыт из интернета по https, или выберите режим опроса.",
            "Провайдер хабарламаларды біздің мекенжайға жібере алмайды. Орнатым мекенжайы интернеттен https арқылы ашық екенін тексеріңіз не сұрау режимін таңдаңыз.",
            "The provider cannot post to our address. See that the installation's address is open from the internet by https, or choose polling.",
        ],
        Trouble::Phone => [
            "Телефон отключён от WhatsApp. Откройте канал и отсканируйте код заново.",
            "Телефон WhatsApp-тан ажыратылған. Арнаны ашып, кодты қайта сканерлеңіз.",
            "The phone is disconnected from WhatsApp. Open the channel and scan the code again.",
        ],
        Trouble::Login => [
            "Почтовый сервер не принял логин или пароль. Проверьте их в настройках канала; для Яндекса, Mail.ru и Gmail нужен пароль приложения.",
            "Пошта сервері логинді не құпиясөзді қабылдамады. Оларды арна баптауларынан тексеріңіз; Яндекс, Mail.ru және Gmail үшін қолданба құпиясөзі керек.",
            "The mail server did not take the login or password. Check them in the channel's settings; Yandex, Mail.ru and Gmail want an app password.",
        ],
        Trouble::SenderRefused => [
            "Сервер не разрешает писать с этого адреса. Адрес канала должен совпадать с логином на сервере.",
            "Сервер бұл мекенжайдан жазуға рұқсат бермейді. Арна мекенжайы сервердегі логинмен бірдей болуы керек.",
            "The server does not allow this address to send. The channel's address must be the login on that server.",
        ],
        Trouble::Name => [
            "Сервер с таким именем не найден. Проверьте имя сервера в настройках канала и DNS этой машины.",
            "Мұндай атаулы сервер табылмады. Арна баптауларындағы сервер атауын және осы машинаның DNS-ін тексеріңіз.",
            "No server of that name is found. Check the server's name in the channel's settings, and this machine's DNS.",
        ],
        Trouble::Certificate => [
            "Защищённое соединение не удалось. Проверьте порт и вид защиты (TLS, STARTTLS) и срок сертификата сервера.",
            "Қорғалған қосылым орнатылмады. Портты, қорғау түрін (TLS, STARTTLS) және сервер сертификатының мерзімін тексеріңіз.",
            "The secure connection failed. Check the port, the kind of protection (TLS, STARTTLS) and whether the server's certificate has expired.",
        ],
        Trouble::Refused => [
            "По этому адресу и порту никто не отвечает. Проверьте порт в настройках канала и что сервер запущен.",
            "Бұл мекенжай мен портта ешкім жауап бермейді. Арна баптауларындағы портты және сервердің қосулы екенін тексеріңіз.",
            "Nobody answers at this address and port. Check the port in the channel's settings, and that the server runs.",
        ],
        Trouble::Silent => [
            "Сервер не отвечает. Проверьте сеть и межсетевой экран; как только он ответит, всё отправится само.",
            "Сервер жауап бермейді. Желіні және желіаралық экранды тексеріңіз; ол жауап берген соң бәрі өздігінен жіберіледі.",
            "The server does not answer. Check the network and the firewall; what waits leaves by itself once it does.",
        ],
        Trouble::Private => [
            "Адрес сервера — во внутренней сети, а это запрещено. Разрешите его ключом --private-targets или укажите другой адрес.",
            "Сервер мекенжайы ішкі желіде, ал бұған тыйым салынған. --private-targets кілтімен рұқсат етіңіз не басқа мекенжай көрсетіңіз.",
            "The server's address is in a private network, which is not allowed. Allow it by --private-targets, or give another address.",
        ],
        Trouble::Plan => [
            "Исчерпан лимит тарифа: входящие подождут. Поднимите тариф или дождитесь нового месяца.",
            "Тариф шегі таусылды: келгендер күтіп тұрады. Тарифті көтеріңіз не жаңа айды күтіңіз.",
            "The plan's limit is used up: what comes in waits. Raise the plan, or wait for the new month.",
        ],
        Trouble::Full => [
            "Почтовый ящик переполнен или письмо слишком велико. Освободите место на сервере.",
            "Пошта жәшігі толған не хат тым үлкен. Серверде орын босатыңыз.",
            "The mailbox is full, or the mail too large. Make room on the server.",
        ],
        Trouble::Later => [
            "Сервер временно не принимает. Мы повторяем сами; если не пройдёт за час, напишите его администратору.",
            "Сервер уақытша қабылдамайды. Өзіміз қайталаймыз; бір сағатта өтпесе, оның әкімшісіне жазыңыз.",
            "The server takes nothing for the moment. We try again by ourselves; if it lasts an hour, write to its administrator.",
        ],
    };
    Some(lang.pick(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_servers_say_is_told_apart() {
        for (said, expected) in [
            ("the token is not valid: Unauthorized", Some(Trouble::Token)),
            ("535 5.7.8 wrong password", Some(Trouble::Login)),
            (
                "smtp.desk.example cannot be found: no record found",
                Some(Trouble::Name),
            ),
            (
                "127.0.0.1 cannot be reached: Connection refused (os error 111)",
                Some(Trouble::Refused),
            ),
            (
                "api.telegram.org did not answer within 30 s",
                Some(Trouble::Silent),
            ),
            (
                "invalid peer certificate: Expired",
                Some(Trouble::Certificate),
            ),
            (
                "the connection to WhatsApp was lost: scan the code again in the channel's settings",
                Some(Trouble::Phone),
            ),
            (
                "another program reads with the same token: Conflict: terminated by other getUpdates request",
                Some(Trouble::TokenTaken),
            ),
            (
                "10.0.0.7 is in a private network, which is not allowed",
                Some(Trouble::Private),
            ),
            ("421 4.7.0 try again later", Some(Trouble::Later)),
            ("ticket 15351 is odd", None),
            ("", None),
        ] {
            assert_eq!(trouble(said), expected, "{said}");
        }
    }

    #[test]
    fn everybody_is_advised_in_their_own_language() {
        for (words, _) in KNOWN {
            let said: Vec<_> = Lang::ALL
                .iter()
                .filter_map(|lang| about(words, *lang))
                .collect();
            assert_eq!(said.len(), 3, "{words}");
            assert!(said[0] != said[1] && said[1] != said[2], "{words}");
        }
    }
}
