//! What is to be said of a record, in a sentence for who keeps the domain. Pure.
use crate::lang::Lang;

/// What is to be said of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Remark {
    /// Nobody answered in time.
    Late,
    /// The name server could not say, and why.
    Failed(String),
    /// There are several records where there may be one: of what kind, and how many.
    Several(&'static str, usize),
    /// The record stands under this name, which has the domain twice.
    NameTwice(String),
    /// Another server takes the domain's mail.
    MailElsewhere(String),
    /// This server is tried before ours.
    TriedFirst(String),
    /// The server that mail is sent to has no address.
    NoAddress(String),
    /// The domain says that it takes no mail.
    NoMail,
    /// The server that sends is not allowed to; the term that would allow it.
    SenderLacking(String),
    /// The server that sends is known here by an address that nobody else sees.
    SeenFromInside,
    /// A term leads to a domain without such a record.
    LeadsNowhere(String),
    TooManyLookups,
    NoSuchTerm(String),
    /// By this term every receiver decides anew.
    CannotTell(String),
    AllowsAll,
    NoAll,
    /// These terms stand after the one that ends the record.
    AfterAll(String),
    OtherKey,
    BrokenKey,
    KeyTakenBack,
    /// The kind of the key that stands there, and that of ours.
    KeyKind(String, String),
    NotOurHash,
    NotForMail,
    Testing,
    /// The policy is that of the domain above, under this name.
    FromAbove(String),
    OnlyWatches,
    NoPolicy,
    NoSuchPolicy(String),
    NoReports,
}

/// What a remark weighs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Weight {
    /// The record does not do what it is to do.
    Fault,
    /// Whether it does cannot be told.
    Doubt,
    /// It does, and something is to be known of it.
    Hint,
}

impl Remark {
    pub(crate) fn is_fault(&self) -> bool {
        self.weight() == Weight::Fault
    }

    pub(crate) fn is_doubt(&self) -> bool {
        self.weight() == Weight::Doubt
    }

    fn weight(&self) -> Weight {
        match self {
            Remark::Late | Remark::Failed(_) | Remark::SeenFromInside | Remark::CannotTell(_) => {
                Weight::Doubt
            }
            Remark::TriedFirst(_)
            | Remark::NoAll
            | Remark::AfterAll(_)
            | Remark::Testing
            | Remark::FromAbove(_)
            | Remark::OnlyWatches
            | Remark::NoReports => Weight::Hint,
            _ => Weight::Fault,
        }
    }

    /// The machine's word for it.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Remark::Late => "late",
            Remark::Failed(_) => "failed",
            Remark::Several(..) => "several",
            Remark::NameTwice(_) => "name_twice",
            Remark::MailElsewhere(_) => "mail_elsewhere",
            Remark::TriedFirst(_) => "tried_first",
            Remark::NoAddress(_) => "no_address",
            Remark::NoMail => "no_mail",
            Remark::SenderLacking(_) => "sender_lacking",
            Remark::SeenFromInside => "seen_from_inside",
            Remark::LeadsNowhere(_) => "leads_nowhere",
            Remark::TooManyLookups => "too_many_lookups",
            Remark::NoSuchTerm(_) => "no_such_term",
            Remark::CannotTell(_) => "cannot_tell",
            Remark::AllowsAll => "allows_all",
            Remark::NoAll => "no_all",
            Remark::AfterAll(_) => "after_all",
            Remark::OtherKey => "other_key",
            Remark::BrokenKey => "broken_key",
            Remark::KeyTakenBack => "key_taken_back",
            Remark::KeyKind(..) => "key_kind",
            Remark::NotOurHash => "not_our_hash",
            Remark::NotForMail => "not_for_mail",
            Remark::Testing => "testing",
            Remark::FromAbove(_) => "from_above",
            Remark::OnlyWatches => "only_watches",
            Remark::NoPolicy => "no_policy",
            Remark::NoSuchPolicy(_) => "no_such_policy",
            Remark::NoReports => "no_reports",
        }
    }

    /// The sentence, in Russian, Kazakh or English.
    pub(crate) fn sentence(&self, lang: Lang) -> String {
        let said = match self {
            Remark::MailElsewhere(_)
            | Remark::TriedFirst(_)
            | Remark::NoAddress(_)
            | Remark::NoMail => self.of_mx(),
            Remark::OtherKey
            | Remark::BrokenKey
            | Remark::KeyTakenBack
            | Remark::KeyKind(..)
            | Remark::NotOurHash
            | Remark::NotForMail
            | Remark::Testing => self.of_dkim(),
            Remark::FromAbove(_)
            | Remark::OnlyWatches
            | Remark::NoPolicy
            | Remark::NoSuchPolicy(_)
            | Remark::NoReports => self.of_dmarc(),
            Remark::Late | Remark::Failed(_) | Remark::Several(..) | Remark::NameTwice(_) => {
                self.of_any()
            }
            _ => self.of_spf(),
        };
        let [ru, kk, en] = said;
        match lang {
            Lang::Ru => ru,
            Lang::Kk => kk,
            Lang::En => en,
        }
    }

    fn of_any(&self) -> [String; 3] {
        match self {
            Remark::Failed(why) => [
                format!("Сервер имён не смог ответить: {why}."),
                format!("Атаулар сервері жауап бере алмады: {why}."),
                format!("The name server could not answer: {why}."),
            ],
            Remark::Several(what, count) => [
                format!("Записей {what} здесь {count}, а должна быть одна: получатели не верят ни одной. Сведите их в одну."),
                format!("Мұнда {what} жазбасы {count}, ал біреу ғана болуы керек: алушылар ешқайсысына сенбейді. Оларды біріктіріңіз."),
                format!("There are {count} {what} records, and there must be one: receivers believe none of them. Make them one."),
            ],
            Remark::NameTwice(name) => [
                format!("Запись стоит под именем {name}: панель добавила домен ещё раз. Впишите имя без домена."),
                format!("Жазба {name} атауымен тұр: панель доменді тағы бір рет қосқан. Атауды доменсіз жазыңыз."),
                format!("The record stands under {name}: the panel has added the domain once more. Type the name without the domain."),
            ],
            _ => [
                "Сервер имён не ответил вовремя. Проверьте сеть этой машины и повторите.".to_owned(),
                "Атаулар сервері уақытында жауап бермеді. Осы машинаның желісін тексеріп, қайталаңыз.".to_owned(),
                "The name server did not answer in time. Check this machine's network and try again.".to_owned(),
            ],
        }
    }

    fn of_mx(&self) -> [String; 3] {
        match self {
            Remark::MailElsewhere(hosts) => [
                format!(
                    "Почту домена принимает {hosts}. Сюда она попадёт, только если её пересылают оттуда."
                ),
                format!(
                    "Доменнің поштасын {hosts} қабылдайды. Ол осында сол жақтан жіберілсе ғана келеді."
                ),
                format!(
                    "The domain's mail is taken by {hosts}. It gets here only if it is passed on from there."
                ),
            ],
            Remark::TriedFirst(host) => [
                format!("Сначала почту отдают серверу {host}: у него меньше число."),
                format!("Пошта алдымен {host} серверіне беріледі: оның саны кішірек."),
                format!("Mail is handed to {host} first: its number is smaller."),
            ],
            Remark::NoAddress(host) => [
                format!("У сервера {host} нет адреса в DNS: добавьте ему запись A."),
                format!("{host} серверінің DNS-те мекенжайы жоқ: оған A жазбасын қосыңыз."),
                format!("The server {host} has no address in DNS: give it an A record."),
            ],
            _ => [
                "Домен объявил, что не принимает почту (MX с точкой).".to_owned(),
                "Домен пошта қабылдамайтынын жариялаған (нүктелі MX).".to_owned(),
                "The domain says that it takes no mail (an MX of a single dot).".to_owned(),
            ],
        }
    }

    fn of_spf(&self) -> [String; 3] {
        match self {
            Remark::SenderLacking(term) => [
                format!("Запись не разрешает слать серверу, через который уходят ответы. Добавьте {term} перед all."),
                format!("Жазба жауаптар шығатын серверге жіберуге рұқсат бермейді. all алдына {term} қосыңыз."),
                format!("The record does not let the server send by which answers leave. Add {term} before all."),
            ],
            Remark::SeenFromInside => [
                "Сервер отправки виден отсюда по внутреннему адресу. Проверьте, что его внешний адрес есть в записи.".to_owned(),
                "Жіберуші сервер осы жерден ішкі мекенжаймен көрінеді. Сыртқы мекенжайы жазбада бар екенін тексеріңіз.".to_owned(),
                "The server that sends is known here by an address of the inner network. See that its outer one is in the record.".to_owned(),
            ],
            Remark::LeadsNowhere(term) => [
                format!("{term} ведёт туда, где нет записи SPF: вся запись не действует. Исправьте или уберите."),
                format!("{term} SPF жазбасы жоқ жерге апарады: бүкіл жазба күшін жояды. Түзетіңіз не алып тастаңыз."),
                format!("{term} leads to where there is no SPF record, and the whole record does not hold. Mend or remove it."),
            ],
            Remark::TooManyLookups => [
                "Запись требует больше 10 запросов к DNS: получатели её не принимают. Уберите лишние include, a и mx.".to_owned(),
                "Жазба DNS-ке 10-нан көп сұрау талап етеді: алушылар оны қабылдамайды. Артық include, a және mx алып тастаңыз.".to_owned(),
                "The record takes more than 10 look-ups in DNS: receivers do not accept it. Remove what is not needed of include, a and mx.".to_owned(),
            ],
            Remark::NoSuchTerm(term) => [
                format!("В записи непонятная часть: {term}. Из-за неё вся запись не действует."),
                format!("Жазбада түсініксіз бөлік бар: {term}. Соның кесірінен бүкіл жазба күшін жояды."),
                format!("The record has a part that nobody understands: {term}. Because of it the whole record does not hold."),
            ],
            Remark::CannotTell(term) => [
                format!("Что разрешает {term}, решает каждый получатель сам: отсюда этого не узнать."),
                format!("{term} не нәрсеге рұқсат беретінін әр алушы өзі шешеді: оны осы жерден білу мүмкін емес."),
                format!("What {term} allows is decided by each receiver: it cannot be told from here."),
            ],
            Remark::AllowsAll => [
                "Запись разрешает слать кому угодно (+all). Замените на ~all.".to_owned(),
                "Жазба кез келгенге жіберуге рұқсат береді (+all). Оны ~all деп ауыстырыңыз.".to_owned(),
                "The record lets anybody send (+all). Put ~all in its place.".to_owned(),
            ],
            Remark::AfterAll(terms) => [
                format!("После all ничего не читается: {terms}. Переставьте это перед all."),
                format!("all сөзінен кейін ештеңе оқылмайды: {terms}. Мұны all алдына қойыңыз."),
                format!("Nothing after all is read: {terms}. Move it before all."),
            ],
            _ => [
                "Запись ничем не кончается: добавьте ~all.".to_owned(),
                "Жазба ештеңемен аяқталмайды: ~all қосыңыз.".to_owned(),
                "The record has no end: add ~all.".to_owned(),
            ],
        }
    }

    fn of_dkim(&self) -> [String; 3] {
        match self {
            Remark::BrokenKey => [
                "Ключ в записи испорчен: в нём лишние знаки. Скопируйте значение ещё раз целиком.".to_owned(),
                "Жазбадағы кілт бүлінген: артық таңбалар бар. Мәнді түгел қайта көшіріңіз.".to_owned(),
                "The key in the record is broken: it has signs that do not belong there. Copy the whole value again.".to_owned(),
            ],
            Remark::KeyTakenBack => [
                "Ключ отозван: p= пусто. Впишите значение ещё раз.".to_owned(),
                "Кілт қайтарып алынған: p= бос. Мәнді қайта енгізіңіз.".to_owned(),
                "The key is taken back: p= is empty. Put the value in again.".to_owned(),
            ],
            Remark::KeyKind(theirs, ours) => [
                format!("Вид ключа в записи — {theirs}, а подписываем мы ключом {ours}."),
                format!("Жазбадағы кілт түрі — {theirs}, ал біз {ours} кілтімен қол қоямыз."),
                format!("The record says that the key is {theirs}, and ours is {ours}."),
            ],
            Remark::NotOurHash => [
                "Запись не разрешает sha256 (h=), а подпись сделана им. Уберите h=.".to_owned(),
                "Жазба sha256-ға рұқсат бермейді (h=), ал қолтаңба соныкі. h= алып тастаңыз.".to_owned(),
                "The record does not allow sha256 (h=), which the signature is made by. Remove h=.".to_owned(),
            ],
            Remark::NotForMail => [
                "Ключ не для почты (s=). Уберите s=.".to_owned(),
                "Кілт поштаға арналмаған (s=). s= алып тастаңыз.".to_owned(),
                "The key is not for mail (s=). Remove s=.".to_owned(),
            ],
            Remark::Testing => [
                "Ключ помечен как пробный (t=y): часть получателей не смотрит на подпись. Уберите t=y.".to_owned(),
                "Кілт сынақ деп белгіленген (t=y): кейбір алушылар қолтаңбаға қарамайды. t=y алып тастаңыз.".to_owned(),
                "The key is marked as on trial (t=y): some receivers do not look at the signature. Remove t=y.".to_owned(),
            ],
            _ => [
                "В записи другой ключ: подписи им не проверить. Замените значение.".to_owned(),
                "Жазбада басқа кілт тұр: онымен қолтаңба тексерілмейді. Мәнін ауыстырыңыз.".to_owned(),
                "The record has another key, by which our signatures do not hold. Replace its value.".to_owned(),
            ],
        }
    }

    fn of_dmarc(&self) -> [String; 3] {
        match self {
            Remark::FromAbove(name) => [
                format!("Действует запись домена выше: {name}."),
                format!("Жоғарырақ доменнің жазбасы қолданылады: {name}."),
                format!("What holds is the record of the domain above: {name}."),
            ],
            Remark::OnlyWatches => [
                "Политика none: подделки только считают, но не задерживают. Когда отчёты станут чистыми, поставьте quarantine.".to_owned(),
                "Саясат none: жалған хаттар тек саналады, бірақ тоқтатылмайды. Есептер таза болғанда quarantine қойыңыз.".to_owned(),
                "The policy is none: forgeries are counted and not held back. Once the reports are clean, set quarantine.".to_owned(),
            ],
            Remark::NoPolicy => [
                "В записи нет политики: добавьте p=none.".to_owned(),
                "Жазбада саясат жоқ: p=none қосыңыз.".to_owned(),
                "The record has no policy: add p=none.".to_owned(),
            ],
            Remark::NoSuchPolicy(policy) => [
                format!("Политики {policy} не бывает: только none, quarantine или reject."),
                format!("{policy} деген саясат болмайды: тек none, quarantine не reject."),
                format!("There is no policy {policy}: only none, quarantine or reject."),
            ],
            _ => [
                "Отчёты никому не шлют: добавьте rua=mailto:….".to_owned(),
                "Есептер ешкімге жіберілмейді: rua=mailto:… қосыңыз.".to_owned(),
                "Reports go to nobody: add rua=mailto:….".to_owned(),
            ],
        }
    }
}
