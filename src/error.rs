//! One error for the whole program: a code for machines, a sentence for people in their language.
//!
//! [`Code`] is the only table from code to wire name to HTTP status to words. What is wrong with a single parameter is a
//! [`Fault`], which has words of its own.
use crate::lang::Lang;
use serde_json::{Map, Value};
use std::{borrow::Cow, fmt};

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

macro_rules! codes {
    ($($(#[$doc:meta])* $code:ident = $wire:literal, $status:literal, $ru:literal, $kk:literal, $en:literal;)*) => {
        /// Why a call failed. The wire name and the status are part of the contract.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(crate) enum Code { $($(#[$doc])* $code,)* }

        impl Code {
            pub(crate) const ALL: &[Code] = &[$(Code::$code,)*];

            /// The name on the wire.
            pub(crate) const fn name(self) -> &'static str {
                match self { $(Code::$code => $wire,)* }
            }
            /// The HTTP status.
            pub(crate) const fn status(self) -> u16 {
                match self { $(Code::$code => $status,)* }
            }
            /// The sentence in Russian, Kazakh and English; `{name}` stands for a detail of the error.
            pub(crate) const fn words(self) -> [&'static str; 3] {
                match self { $(Code::$code => [$ru, $kk, $en],)* }
            }
        }
    };
}

codes! {
    /// A required parameter is not there.
    MissingParameter = "missing_parameter", 400, "Не указан параметр «{field}».", "«{field}» параметрі көрсетілмеген.", "The parameter \"{field}\" is missing.";
    /// A parameter is there but cannot be used.
    InvalidParameter = "invalid_parameter", 400, "Параметр «{field}»: {fault}.", "«{field}» параметрі: {fault}.", "The parameter \"{field}\": {fault}.";
    /// The body is not JSON.
    MalformedJson = "malformed_json", 400, "Тело запроса — не JSON-объект.", "Сұраныс денесі JSON нысаны емес.", "The body is not a JSON object.";
    /// A multipart or form body breaks off or does not follow its boundary.
    MalformedForm = "malformed_form", 400, "Форма передана с ошибкой или не полностью.", "Форма қате немесе толық жіберілмеген.", "The form is broken or incomplete.";
    /// A request that two programs could read differently, as when it names two hosts.
    BadRequest = "bad_request", 400, "Запрос составлен неверно.", "Сұраныс дұрыс құрылмаған.", "The request is not well formed.";
    /// No such action behind this endpoint.
    UnknownAction = "unknown_action", 400, "Нет действия «{action}».", "«{action}» деген әрекет жоқ.", "There is no action \"{action}\".";
    TicketNotFound = "ticket_not_found", 400, "Такой заявки нет.", "Мұндай өтінім жоқ.", "There is no such ticket.";
    MessageNotFound = "message_not_found", 400, "Такого сообщения нет.", "Мұндай хабарлама жоқ.", "There is no such message.";
    OperatorNotFound = "operator_not_found", 400, "Такого сотрудника нет.", "Мұндай қызметкер жоқ.", "There is no such operator.";
    ClientNotFound = "client_not_found", 400, "Такого клиента нет.", "Мұндай клиент жоқ.", "There is no such client.";
    ContactNotFound = "contact_not_found", 400, "Такого контакта нет.", "Мұндай контакт жоқ.", "There is no such contact.";
    TagNotFound = "tag_not_found", 400, "Такой метки нет.", "Мұндай белгі жоқ.", "There is no such tag.";
    FileNotFound = "file_not_found", 400, "Такого файла нет.", "Мұндай файл жоқ.", "There is no such file.";
    ChannelNotFound = "channel_not_found", 400, "Такого канала нет.", "Мұндай арна жоқ.", "There is no such channel.";
    TenantNotFound = "tenant_not_found", 400, "Такой компании нет.", "Мұндай компания жоқ.", "There is no such tenant.";
    EventNotFound = "event_not_found", 400, "Такого входящего события нет.", "Мұндай кіріс оқиға жоқ.", "There is no such delivery.";
    /// A delivery has become something already, or its bytes are no longer kept.
    EventDone = "event_done", 400, "Это событие уже разобрано, или его исходные данные больше не хранятся.", "Бұл оқиға қаралып қойған немесе оның бастапқы деректері енді сақталмайды.", "This delivery has become a message already, or its bytes are no longer kept.";
    KeyNotFound = "key_not_found", 400, "Такого ключа нет.", "Мұндай кілт жоқ.", "There is no such key.";
    PortalNotFound = "portal_not_found", 400, "Такого портала нет.", "Мұндай портал жоқ.", "There is no such portal.";
    SessionNotFound = "session_not_found", 400, "Такого сеанса нет.", "Мұндай сеанс жоқ.", "There is no such session.";
    /// A tenant keeps at least one admin.
    LastAdmin = "last_admin", 400, "Это единственный администратор. Сначала назначьте другого.", "Бұл — жалғыз әкімші. Алдымен басқасын тағайындаңыз.", "This is the only admin. Make somebody else one first.";
    TotpEnabled = "totp_enabled", 400, "Двухфакторный вход уже включён.", "Екі факторлы кіру қосылып қойған.", "Two-factor sign-in is already on.";
    TotpNotSetUp = "totp_not_set_up", 400, "Сначала начните настройку двухфакторного входа.", "Алдымен екі факторлы кіруді баптауды бастаңыз.", "Begin to set up two-factor sign-in first.";
    /// Demo data would mix with what is there.
    TenantNotEmpty = "tenant_not_empty", 400, "В компании уже есть свои данные: демо-данные добавляют только в пустую.", "Компанияда өз деректері бар: демо-деректер тек бос компанияға қосылады.", "The company has data of its own; demo data is added to an empty one only.";
    QuickReplyNotFound = "quick_reply_not_found", 400, "Такого быстрого ответа нет.", "Мұндай жылдам жауап жоқ.", "There is no such quick reply.";
    ArticleNotFound = "article_not_found", 400, "Такой статьи нет.", "Мұндай мақала жоқ.", "There is no such article.";
    TriggerNotFound = "trigger_not_found", 400, "Такого правила нет.", "Мұндай ереже жоқ.", "There is no such trigger.";
    MacroNotFound = "macro_not_found", 400, "Такого макроса нет.", "Мұндай макрос жоқ.", "There is no such macro.";
    WebhookNotFound = "webhook_not_found", 400, "Такого вебхука нет.", "Мұндай вебхук жоқ.", "There is no such webhook.";
    DeliveryNotFound = "delivery_not_found", 400, "Такой доставки нет.", "Мұндай жеткізу жоқ.", "There is no such delivery.";
    CategoryNotFound = "category_not_found", 400, "Такой категории нет.", "Мұндай санат жоқ.", "There is no such category.";
    /// Wrong, old, used or tried too often: one answer for all.
    DigitsInvalid = "code_invalid", 400, "Код не подходит или устарел. Запросите новый.", "Код сәйкес емес немесе ескірген. Жаңасын сұраңыз.", "The code is wrong or too old. Ask for a new one.";
    EstimateNotFound = "estimate_not_found", 400, "У заявки нет сметы, ожидающей решения.", "Өтінімде шешім күтіп тұрған смета жоқ.", "The ticket has no estimate that awaits a decision.";
    EstimateChanged = "estimate_changed", 400, "Смету тем временем изменили (версия {version}). Посмотрите её ещё раз.", "Смета осы арада өзгертілді ({version}-нұсқа). Қайта қарап шығыңыз.", "The estimate has changed meanwhile (version {version}). Look at it again.";
    TariffNotFound = "tariff_not_found", 400, "Такого тарифа нет.", "Мұндай тариф жоқ.", "There is no such tariff.";
    TariffInUse = "tariff_in_use", 400, "Тариф стоит у клиентов ({clients}). Укажите, на какой их перевести.", "Тариф клиенттерде тұр ({clients}). Оларды қай тарифке ауыстыру керегін көрсетіңіз.", "Clients have this tariff ({clients}). Name the one they are to have instead.";
    TariffNeeded = "tariff_needed", 400, "Тариф «{name}» удалить нельзя: с него начинают новые клиенты.", "«{name}» тарифін жоюға болмайды: жаңа клиенттер содан бастайды.", "The tariff \"{name}\" cannot be deleted: new clients begin with it.";
    TimeEntryNotFound = "time_entry_not_found", 400, "Такой записи о времени нет.", "Уақыт туралы мұндай жазба жоқ.", "There is no such time entry.";
    CategoryNeeded = "category_needed", 400, "Категорию «{name}» удалить нельзя: в неё попадают заявки без категории.", "«{name}» санатын жоюға болмайды: санаты жоқ өтінімдер соған түседі.", "The category \"{name}\" cannot be deleted: tickets without a category go there.";
    CsatTooEarly = "csat_too_early", 400, "Оценить можно, когда работа завершена.", "Жұмыс аяқталғанда ғана бағалауға болады.", "The work can be rated once it is done.";
    CsatGiven = "csat_given", 400, "Оценка уже дана; изменить её можно было в течение суток.", "Баға берілген; оны бір тәулік ішінде ғана өзгертуге болатын еді.", "The rating has been given; it could be changed for a day.";
    /// The state machine does not lead from `from` to `to`.
    IllegalTransition = "illegal_transition", 400, "Из статуса «{from}» нельзя перейти в «{to}».", "«{from}» күйінен «{to}» күйіне өтуге болмайды.", "A ticket cannot go from \"{from}\" to \"{to}\".";
    /// Somebody changed it first.
    Conflict = "conflict", 400, "Заявку уже изменил кто-то другой. Обновите её и повторите.", "Өтінімді басқа біреу өзгертіп қойды. Жаңартып, қайталап көріңіз.", "Somebody else has changed the ticket. Reload it and try again.";
    /// A ticket that was merged into another one goes on there.
    AlreadyMerged = "already_merged", 400, "Заявка объединена с №{merged_into}: работа идёт там.", "Өтінім №{merged_into} өтінімімен біріктірілген: жұмыс сонда жалғасады.", "The ticket was merged into #{merged_into} and goes on there.";
    /// What one client wrote is not to be read by another.
    DifferentClients = "different_clients", 400, "Заявки принадлежат разным клиентам, объединить их нельзя.", "Өтінімдер әртүрлі клиенттердікі, біріктіруге болмайды.", "The tickets belong to different clients and cannot be merged.";
    /// What has left cannot be taken back.
    AlreadySent = "already_sent", 400, "Сообщение уже отправлено.", "Хабарлама жіберіліп қойған.", "The message has already been sent.";
    ViewNotFound = "view_not_found", 400, "Такого представления нет.", "Мұндай көрініс жоқ.", "There is no such view.";
    AlreadyExists = "already_exists", 400, "Уже есть: «{field}» с таким значением.", "Бұрыннан бар: мұндай мәні бар «{field}».", "There already is one with this \"{field}\".";
    /// An idempotency key came again with another body.
    IdempotencyMismatch = "idempotency_mismatch", 400, "Этот Idempotency-Key уже использован с другим запросом.", "Бұл Idempotency-Key басқа сұраныспен қолданылған.", "This Idempotency-Key was already used with another request.";
    PlanLimit = "plan_limit", 400, "Достигнут предел тарифа: {limit}.", "Тариф лимиті таусылды: {limit}.", "The plan's limit is reached: {limit}.";
    /// The peer that a test connected to did not answer as it should.
    ChannelFailed = "channel_failed", 400, "Канал не отвечает: {why}", "Арна жауап бермейді: {why}", "The channel does not answer: {why}";

    NotAuthenticated = "not_authenticated", 403, "Нужно войти или передать ключ доступа.", "Кіру немесе қолжетімділік кілтін беру қажет.", "Sign in or present a credential.";
    InvalidCredential = "invalid_credential", 403, "Ключ доступа неверен, просрочен или отозван.", "Қолжетімділік кілті жарамсыз, мерзімі өткен немесе қайтарып алынған.", "The credential is wrong, expired or revoked.";
    /// The same answer for an unknown login and a wrong password.
    LoginFailed = "login_failed", 403, "Неверный логин или пароль.", "Логин немесе құпиясөз қате.", "Wrong login or password.";
    /// The installation has switched the tenant off: nobody of it is let in, and nothing of it runs.
    TenantInactive = "tenant_inactive", 403, "Компания отключена. Обратитесь к администратору системы.", "Компания өшірілген. Жүйе әкімшісіне хабарласыңыз.", "The company is switched off. Ask the administrator of this installation.";
    /// The password is right, and the account has a second factor.
    TotpRequired = "totp_required", 403, "Введите код из приложения-аутентификатора.", "Аутентификатор қолданбасындағы кодты енгізіңіз.", "Enter the code of your authenticator app.";
    TotpInvalid = "totp_invalid", 403, "Код неверен или уже использован.", "Код қате немесе қолданылып қойған.", "The code is wrong or was already used.";
    /// An API key beyond what the plan allows; the contract gives it the name of the other limits and a status of its own.
    KeyPlanLimit = "plan_limit", 403, "Тариф не даёт больше ключей или таких прав: {limit}.", "Тариф бұдан көп кілт немесе мұндай құқық бермейді: {limit}.", "The plan does not allow another key or these scopes: {limit}.";
    /// The portal vouches for its user, who is nobody here.
    PortalUserUnknown = "portal_user_unknown", 403, "Пользователь портала не связан с сотрудником. Обратитесь к администратору.", "Портал пайдаланушысы қызметкермен байланыстырылмаған. Әкімшіге хабарласыңыз.", "The portal's user is not linked to an operator. Ask your administrator.";
    /// The portal could not be asked, so nobody comes in from it.
    PortalUnavailable = "portal_unavailable", 403, "Портал {domain} не отвечает, войти через него нельзя.", "{domain} порталы жауап бермейді, ол арқылы кіру мүмкін емес.", "The portal {domain} does not answer, so nobody can come in from it.";
    SessionExpired = "session_expired", 403, "Сеанс истёк. Войдите снова.", "Сеанс аяқталды. Қайта кіріңіз.", "The session has ended. Sign in again.";
    MissingScope = "missing_scope", 403, "Ключу не хватает права «{required_scope}».", "Кілтке «{required_scope}» құқығы жетпейді.", "The key lacks the scope \"{required_scope}\".";
    SessionOnly = "session_only", 403, "Это действие доступно только после входа, не по ключу.", "Бұл әрекет кілтпен емес, тек кіргеннен кейін қолжетімді.", "This action needs a signed-in operator, not a key.";
    RoleRequired = "role_required", 403, "Нужна роль не ниже «{required_role}».", "Кемінде «{required_role}» рөлі қажет.", "This needs at least the role \"{required_role}\".";
    PlanRequired = "plan_required", 403, "Доступно с тарифа «{required_plan}».", "«{required_plan}» тарифінен бастап қолжетімді.", "This is part of the plan \"{required_plan}\" and above.";
    EditingNotAllowed = "editing_not_allowed", 403, "У вас нет права изменять заявки и чужие сообщения.", "Сізде өтінімдер мен басқалардың хабарламаларын өзгерту құқығы жоқ.", "You may not edit tickets or others' messages.";
    /// A browser says that another site made it send this.
    CrossSite = "cross_site", 403, "Запрос пришёл с чужого сайта.", "Сұраныс бөтен сайттан келді.", "The request came from another site.";
    /// A channel's delivery proves no secret.
    BadSignature = "bad_signature", 403, "Подпись не подтверждена.", "Қолтаңба расталмады.", "The signature does not verify.";
    SetupDone = "setup_done", 403, "Первоначальная настройка уже выполнена.", "Бастапқы баптау орындалып қойған.", "The first set-up is already done.";
    LinkInvalid = "link_invalid", 403, "Ссылка недействительна: просрочена или уже использована.", "Сілтеме жарамсыз: мерзімі өткен немесе қолданылған.", "The link is not valid: expired or already used.";

    NotFound = "not_found", 404, "Нет такой страницы.", "Мұндай бет жоқ.", "There is no such page.";
    MethodNotAllowed = "method_not_allowed", 405, "Этот адрес не принимает такой метод.", "Бұл мекенжай мұндай әдісті қабылдамайды.", "This address does not take that method.";
    TooLarge = "too_large", 413, "Слишком большой запрос или файл: можно до {limit}.", "Сұраныс немесе файл тым үлкен, ең көбі {limit}.", "The body or a file is too large: at most {limit}.";
    /// The request names a host that is not ours.
    Misdirected = "misdirected", 421, "Этот сервер не обслуживает такой адрес.", "Бұл сервер мұндай мекенжайға қызмет көрсетпейді.", "This server does not serve that host.";
    UnsupportedMediaType = "unsupported_media_type", 415, "Такой Content-Type не поддерживается.", "Мұндай Content-Type қабылданбайды.", "This Content-Type is not understood.";
    RateLimited = "rate_limited", 429, "Слишком много запросов. Повторите через {retry_after} с.", "Сұраныс тым көп. {retry_after} с кейін қайталаңыз.", "Too many requests. Try again in {retry_after} s.";
    /// A fault of ours. The cause is in the log under the request id.
    Internal = "internal", 500, "Ошибка на нашей стороне. Номер запроса: {request_id}.", "Біздің тарапымыздан қате. Сұраныс нөмірі: {request_id}.", "Something failed on our side. Request id: {request_id}.";
    /// Full, slow or stopping: nothing was done.
    Unavailable = "unavailable", 503, "Сервер занят. Повторите через несколько секунд.", "Сервер бос емес. Бірнеше секундтан кейін қайталаңыз.", "The server is busy. Try again in a few seconds.";
}

/// What is wrong with one parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    NotInteger,
    NotPositive,
    NotNumber,
    NotBool,
    NotText,
    NotList,
    NotObject,
    NotTime,
    /// The same thing where another one is meant.
    Same,
    /// The first message of a ticket where a later one is meant.
    FirstMessage,
    /// A time that has passed where one to come is meant.
    NotFuture,
    Empty,
    TooLong(usize),
    TooMany(usize),
    OutOfRange(i64, i64),
    /// More than so many tickets fall into it.
    TooLongPeriod(i64),
    NotEmail,
    NotDomain,
    NotColor,
    NotCode,
    NotUrl,
    NotZone,
    NotImage,
    NotCertificate,
    OneOf(Vec<String>),
    NotAboveZero,
    NotCurrency,
    InFuture,
    NotClockTime,
    /// Given in two ways that cannot both be meant.
    Contradictory,
    NotDate,
    NotSevenDays,
    EndsTooEarly,
    Overlaps,
    UnknownVariable(String),
    NotReachable(String),
    NotSecret,
    NotBase64,
    NotPrivateKey,
    /// A secret that is kept, but was given for another server.
    OfAnotherServer,
    NotClock,
    WrongPassword,
    WeakPassword,
    WrongType,
}

impl Fault {
    /// The words after the colon, in `lang`.
    fn words(&self, lang: Lang) -> Cow<'static, str> {
        let fixed = match self {
            Fault::NotInteger => ["нужно целое число", "бүтін сан қажет", "must be an integer"],
            Fault::NotPositive => [
                "нужно целое число больше нуля",
                "нөлден үлкен бүтін сан қажет",
                "must be a positive integer",
            ],
            Fault::NotNumber => ["нужно число", "сан қажет", "must be a number"],
            Fault::NotBool => [
                "нужно true или false",
                "true немесе false қажет",
                "must be true or false",
            ],
            Fault::NotText => ["нужен текст", "мәтін қажет", "must be text"],
            Fault::NotList => ["нужен список", "тізім қажет", "must be a list"],
            Fault::NotObject => ["нужен объект", "нысан қажет", "must be an object"],
            Fault::NotTime => [
                "нужно время вида 2026-03-19T10:30:00Z",
                "2026-03-19T10:30:00Z түріндегі уақыт қажет",
                "must be a time such as 2026-03-19T10:30:00Z",
            ],
            Fault::NotFuture => [
                "нужно время в будущем",
                "болашақтағы уақыт қажет",
                "must be a time in the future",
            ],
            Fault::Same => [
                "нужны две разные записи",
                "екі бөлек жазба қажет",
                "must be another one",
            ],
            Fault::FirstMessage => [
                "первое сообщение отделить нельзя",
                "бірінші хабарламаны бөлуге болмайды",
                "must not be the first message of its ticket",
            ],
            Fault::Empty => [
                "не может быть пустым",
                "бос болмауы керек",
                "must not be empty",
            ],
            Fault::NotEmail => [
                "нужен адрес электронной почты",
                "электрондық пошта мекенжайы қажет",
                "must be an e-mail address",
            ],
            Fault::NotDomain => [
                "нужно имя домена",
                "домен атауы қажет",
                "must be a domain name",
            ],
            Fault::NotColor => [
                "нужен цвет вида #1a2b3c",
                "#1a2b3c түріндегі түс қажет",
                "must be a colour such as #1a2b3c",
            ],
            Fault::NotCode => [
                "можно строчные латинские буквы, цифры, «-» и «_»",
                "кіші латын әріптері, цифрлар, «-» және «_» ғана",
                "may have lower-case Latin letters, digits, \"-\" and \"_\"",
            ],
            Fault::NotUrl => [
                "нужен адрес вида https://example.org",
                "https://example.org түріндегі мекенжай қажет",
                "must be an address such as https://example.org",
            ],
            Fault::NotAboveZero => [
                "нужно число больше нуля",
                "нөлден үлкен сан қажет",
                "must be more than zero",
            ],
            Fault::NotCurrency => [
                "нужен код валюты вида KZT",
                "KZT түріндегі валюта коды қажет",
                "must be a currency code such as KZT",
            ],
            Fault::InFuture => [
                "не может быть в будущем",
                "болашақта болмауы керек",
                "must not be in the future",
            ],
            Fault::NotZone => [
                "нужен часовой пояс вида Asia/Almaty",
                "Asia/Almaty түріндегі уақыт белдеуі қажет",
                "must be a time zone such as Asia/Almaty",
            ],
            Fault::Contradictory => [
                "задано двумя разными способами",
                "екі түрлі жолмен берілген",
                "is given in two ways",
            ],
            Fault::NotClockTime => [
                "нужно время суток вида 09:00",
                "09:00 түріндегі тәулік уақыты қажет",
                "must be a time of day such as 09:00",
            ],
            Fault::NotDate => [
                "нужна дата вида 2026-12-16",
                "2026-12-16 түріндегі күн қажет",
                "must be a date such as 2026-12-16",
            ],
            Fault::NotSevenDays => [
                "нужно семь дней, с понедельника",
                "дүйсенбіден бастап жеті күн қажет",
                "must be seven days, from Monday on",
            ],
            Fault::EndsTooEarly => [
                "конец должен быть позже начала",
                "соңы басынан кейін болуы керек",
                "must be later than the beginning",
            ],
            Fault::Overlaps => [
                "пересекается с другим промежутком этого дня",
                "осы күннің басқа аралығымен қиылысады",
                "overlaps another interval of the day",
            ],
            Fault::NotSecret => [
                "нужен секрет вида whsec_… из 24–64 байт в base64",
                "base64 түріндегі 24–64 байттан тұратын whsec_… құпиясы қажет",
                "must be a secret such as whsec_… with 24 to 64 bytes in base64",
            ],
            Fault::NotBase64 => [
                "нужен текст в base64",
                "base64 түріндегі мәтін қажет",
                "must be text in base64",
            ],
            Fault::NotPrivateKey => [
                "нужен закрытый ключ в PEM: RSA от 2048 до 4096 бит или Ed25519",
                "PEM түріндегі жабық кілт қажет: 2048–4096 биттік RSA не Ed25519",
                "must be a private key in PEM: RSA of 2048 to 4096 bits or Ed25519",
            ],
            Fault::OfAnotherServer => [
                "адрес сервера изменился, а это значение дано для другого; укажите его ещё раз",
                "сервер мекенжайы өзгерді, ал бұл мән басқасына берілген; оны қайта көрсетіңіз",
                "was given for another server; give it again",
            ],
            Fault::NotClock => [
                "нужно время суток вида 08:30",
                "08:30 түріндегі тәулік уақыты қажет",
                "must be a time of day such as 08:30",
            ],
            Fault::NotCertificate => [
                "нужны сертификаты в виде PEM: от -----BEGIN CERTIFICATE----- до -----END CERTIFICATE-----",
                "PEM түріндегі сертификаттар қажет: -----BEGIN CERTIFICATE----- басталып, -----END CERTIFICATE----- аяқталады",
                "must be certificates in PEM, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----",
            ],
            Fault::NotImage => [
                "нужна картинка PNG, JPEG, WebP или GIF до 512 КБ и 2048 × 2048 точек",
                "512 КБ пен 2048 × 2048 нүктеге дейінгі PNG, JPEG, WebP не GIF суреті қажет",
                "must be a PNG, JPEG, WebP or GIF picture of at most 512 KB and 2048 by 2048 pixels",
            ],
            Fault::WrongPassword => [
                "текущий пароль неверен",
                "ағымдағы құпиясөз қате",
                "is not the current password",
            ],
            Fault::WeakPassword => [
                "нужно не меньше 8 символов",
                "кемінде 8 таңба қажет",
                "must have at least 8 characters",
            ],
            Fault::WrongType => [
                "значение не того вида",
                "мән түрі сәйкес емес",
                "has the wrong type",
            ],
            Fault::TooLong(n) => {
                return Cow::Owned(match lang {
                    Lang::Ru => format!("слишком длинно, можно до {n} символов"),
                    Lang::Kk => format!("тым ұзын, ең көбі {n} таңба"),
                    Lang::En => format!("is too long, at most {n} characters"),
                });
            }
            Fault::TooMany(n) => {
                return Cow::Owned(match lang {
                    Lang::Ru => format!("слишком много, можно до {n}"),
                    Lang::Kk => format!("тым көп, ең көбі {n}"),
                    Lang::En => format!("has too many entries, at most {n}"),
                });
            }
            Fault::OutOfRange(low, high) => {
                return Cow::Owned(match lang {
                    Lang::Ru => format!("нужно значение от {low} до {high}"),
                    Lang::Kk => format!("{low} мен {high} аралығындағы мән қажет"),
                    Lang::En => format!("must be between {low} and {high}"),
                });
            }
            Fault::UnknownVariable(name) => {
                return Cow::Owned(match lang {
                    Lang::Ru => format!("нет переменной «{name}»"),
                    Lang::Kk => format!("«{name}» айнымалысы жоқ"),
                    Lang::En => format!("there is no variable \"{name}\""),
                });
            }
            Fault::NotReachable(why) => {
                return Cow::Owned(match lang {
                    Lang::Ru => format!("по этому адресу обращаться нельзя: {why}"),
                    Lang::Kk => format!("бұл мекенжайға жүгінуге болмайды: {why}"),
                    Lang::En => format!("cannot be called: {why}"),
                });
            }
            Fault::TooLongPeriod(n) => {
                return Cow::Owned(match lang {
                    Lang::Ru => format!("за этот срок больше {n} заявок, возьмите меньше дней"),
                    Lang::Kk => format!("бұл мерзімде {n} өтінімнен көп, азырақ күн алыңыз"),
                    Lang::En => {
                        format!("covers more than {n} tickets; take fewer days")
                    }
                });
            }
            Fault::OneOf(allowed) => {
                let list = allowed.join(", ");
                return Cow::Owned(match lang {
                    Lang::Ru => format!("можно одно из: {list}"),
                    Lang::Kk => format!("мыналардың бірі болуы керек: {list}"),
                    Lang::En => format!("must be one of: {list}"),
                });
            }
        };
        Cow::Borrowed(lang.pick(fixed))
    }
}

/// A failed call. Boxed, so that a `Result` stays small on the path where nothing fails.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    code: Code,
    field: Option<Cow<'static, str>>,
    fault: Option<Fault>,
    details: Map<String, Value>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(code: Code) -> Error {
        Error(Box::new(Inner {
            code,
            field: None,
            fault: None,
            details: Map::new(),
            source: None,
        }))
    }

    /// `field` is required and was not given.
    pub(crate) fn missing(field: impl Into<Cow<'static, str>>) -> Error {
        Error::new(Code::MissingParameter).on(field)
    }

    /// `field` was given and cannot be used.
    pub(crate) fn invalid(field: impl Into<Cow<'static, str>>, fault: Fault) -> Error {
        let mut error = Error::new(Code::InvalidParameter).on(field);
        error.0.fault = Some(fault);
        if let Some(Fault::OneOf(allowed)) = &error.0.fault {
            let allowed: Value = allowed.clone().into();
            error = error.with("allowed", allowed);
        }
        error
    }

    /// `field` is not one of `allowed`.
    pub(crate) fn one_of(field: impl Into<Cow<'static, str>>, allowed: &[&str]) -> Error {
        let allowed = allowed.iter().map(|&s| s.to_owned()).collect();
        Error::invalid(field, Fault::OneOf(allowed))
    }

    /// A fault of ours. The cause is logged; the caller is told a request id.
    pub(crate) fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        let mut error = Error::new(Code::Internal);
        error.0.source = Some(cause.into());
        error
    }

    /// What a read or a write of the database's file has failed with, if that is the cause. A full disk is another matter.
    pub(crate) fn io_fault(&self) -> Option<String> {
        let cause = self.0.source.as_ref()?;
        let cause = cause.downcast_ref::<rusqlite::Error>()?;
        let failed = rusqlite::ErrorCode::SystemIoFailure;
        (cause.sqlite_error_code() == Some(failed)).then(|| cause.to_string())
    }

    pub(crate) fn unavailable() -> Error {
        Error::new(Code::Unavailable).with("retry_after", 1)
    }

    /// Names the parameter that is to blame.
    pub(crate) fn on(mut self, field: impl Into<Cow<'static, str>>) -> Error {
        self.0.field = Some(field.into());
        self
    }

    /// Calls the parameter that is to blame as this caller knows it.
    pub(crate) fn renamed(mut self, from: &str, to: &'static str) -> Error {
        if self.field() == Some(from) {
            self.0.field = Some(to.into());
        }
        self
    }

    /// Adds a detail that helps; it also fills `{key}` in the sentence.
    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Error {
        self.0.details.insert(key.to_owned(), value.into());
        self
    }

    pub(crate) fn code(&self) -> Code {
        self.0.code
    }

    pub(crate) fn field(&self) -> Option<&str> {
        self.0.field.as_deref()
    }

    pub(crate) fn detail(&self, key: &str) -> Option<&Value> {
        self.0.details.get(key)
    }

    pub(crate) fn details(&self) -> &Map<String, Value> {
        &self.0.details
    }

    /// The sentence for a person.
    pub(crate) fn sentence(&self, lang: Lang) -> String {
        let template = lang.pick(self.0.code.words());
        let mut out = String::with_capacity(template.len() + 32);
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            let Some((name, tail)) = after.split_once('}') else {
                break;
            };
            match name {
                "field" => out.push_str(self.field().unwrap_or_default()),
                "fault" => {
                    let fault = self.0.fault.as_ref().unwrap_or(&Fault::WrongType);
                    out.push_str(&fault.words(lang));
                }
                _ => match self.0.details.get(name) {
                    Some(Value::String(text)) => out.push_str(text),
                    Some(value) => out.push_str(&value.to_string()),
                    None => out.push('…'),
                },
            }
            rest = tail;
        }
        out.push_str(rest);
        out
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence(Lang::En))?;
        if let Some(source) = &self.0.source {
            write!(f, " ({source})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|s| s as _)
    }
}

impl From<rusqlite::Error> for Error {
    fn from(cause: rusqlite::Error) -> Error {
        use rusqlite::ErrorCode::{DatabaseBusy, DiskFull, OperationInterrupted};
        match cause.sqlite_error_code() {
            Some(DiskFull | DatabaseBusy | OperationInterrupted) => {
                let mut error = Error::unavailable();
                error.0.source = Some(cause.into());
                error
            }
            _ => Error::internal(cause),
        }
    }
}

impl From<serde_json::Error> for Error {
    fn from(cause: serde_json::Error) -> Error {
        Error::internal(cause)
    }
}

impl From<std::io::Error> for Error {
    fn from(cause: std::io::Error) -> Error {
        use std::io::ErrorKind::{QuotaExceeded, StorageFull};
        if matches!(cause.kind(), StorageFull | QuotaExceeded) {
            let mut error = Error::unavailable();
            error.0.source = Some(cause.into());
            return error;
        }
        Error::internal(cause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn wire_names_are_unique_and_plain() {
        let names: BTreeSet<_> = Code::ALL.iter().map(|c| c.name()).collect();
        // Only the plan's limits share a name: the contract gives keys another status.
        assert_eq!(names.len(), Code::ALL.len() - 1);
        assert_eq!(Code::KeyPlanLimit.name(), Code::PlanLimit.name());
        assert!(
            names
                .iter()
                .all(|n| n.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
        );
    }

    #[test]
    fn the_three_languages_name_the_same_details() {
        let holes = |text: &str| -> BTreeSet<String> {
            text.split('{')
                .skip(1)
                .filter_map(|part| part.split_once('}').map(|(name, _)| name.to_owned()))
                .collect()
        };
        for code in Code::ALL {
            let [ru, kk, en] = code.words();
            assert_eq!(holes(ru), holes(en), "{}", code.name());
            assert_eq!(holes(kk), holes(en), "{}", code.name());
        }
    }

    #[test]
    fn a_sentence_names_the_field_and_the_fault() {
        let error = Error::one_of("priority", &["low", "normal"]);
        assert_eq!(
            error.sentence(Lang::Ru),
            "Параметр «priority»: можно одно из: low, normal."
        );
        assert_eq!(
            error.detail("allowed"),
            Some(&serde_json::json!(["low", "normal"]))
        );
    }
}
